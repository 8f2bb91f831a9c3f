//! `requirements.txt`: what pip, uv and countermark install with digests.
//!
//! Each release is one entry: `name[extras]==version ; marker`, its digests, and who wants it. A
//! release that is on some of the targets only has a marker, so a project can have several
//! entries, of which one holds on each target.
//!
//! Specification: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>. What the
//! format has no room for is left out: sizes, upload times, tree digests. Who held which role when
//! the pin was written stands in a comment, which [`recorded`](super::recorded) reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countermark_packaging::name::ExtraName;

use super::{files, header, in_comment, sorted, without_credentials};
use crate::pins::{PinnedRelease, PinnedSource, Pins};
use crate::resolution::Via;

/// What else is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The command that makes the lock again, for the comment at the top.
    pub command: Option<String>,
    /// Whether comments say who wants what.
    pub annotate: bool,
    /// `--index-url`; credentials in it are left out.
    pub index_url: Option<String>,
    /// `--extra-index-url`, in this order; credentials in them are left out.
    pub extra_index_urls: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { command: None, annotate: true, index_url: None, extra_index_urls: Vec::new() }
    }
}

/// The text of the lock.
#[must_use]
pub fn write(pins: &Pins, options: &Options) -> String {
    let mut text = header(options.command.as_deref());
    let first = options.index_url.iter().map(|url| ("--index-url", url));
    let others = options.extra_index_urls.iter().map(|url| ("--extra-index-url", url));
    for (option, url) in first.chain(others) {
        push(&mut text, format_args!("{option} {}\n", without_credentials(url)));
    }
    if options.index_url.is_some() || !options.extra_index_urls.is_empty() {
        text.push('\n');
    }
    for release in sorted(pins) {
        write_release(&mut text, release, options.annotate);
    }
    text
}

fn write_release(text: &mut String, release: &PinnedRelease, annotate: bool) {
    let extras = extras(&release.extras);
    let project = &release.project;
    match &release.source {
        PinnedSource::Index(_) => {
            push(text, format_args!("{project}{extras}=={}", release.version));
        }
        PinnedSource::Url(url) => {
            push(text, format_args!("{project}{extras} @ {}", without_credentials(url)));
        }
        // pip takes no relative path behind `@`; the name of the file tells the project.
        PinnedSource::Path(path) if path.starts_with(['.', '/']) => {
            push(text, format_args!("{path}{extras}"));
        }
        PinnedSource::Path(path) => push(text, format_args!("./{path}{extras}")),
    }
    if let Some(marker) = &release.marker {
        push(text, format_args!(" ; {marker}"));
    }
    let digests: BTreeSet<_> = files(release).iter().map(|file| file.sha256.hex()).collect();
    for digest in digests {
        push(text, format_args!(" \\\n    --hash=sha256:{digest}"));
    }
    text.push('\n');
    write_roles(text, &release.roles);
    if annotate {
        write_via(text, &release.via);
    }
}

/// What stands before the roles of a release.
pub(super) const ROLES: &str = "    # roles: ";

/// `# roles: owner alice, maintainer bob`.
fn write_roles(text: &mut String, roles: &[String]) {
    // A comma inside of one would make two of it.
    let shown = |role: &str| in_comment(role).trim().replace(',', "\u{fffd}");
    let roles: BTreeSet<String> = roles.iter().map(|role| shown(role)).collect();
    let roles: Vec<String> = roles.into_iter().filter(|role| !role.is_empty()).collect();
    if !roles.is_empty() {
        push(text, format_args!("{ROLES}{}\n", roles.join(", ")));
    }
}

/// `# via name`, or a list of names below `# via`.
fn write_via(text: &mut String, via: &BTreeSet<Via>) {
    let names: Vec<&str> = via
        .iter()
        .map(|via| match via {
            Via::Wish(label) => label.as_str(),
            Via::Release(project) => project.as_str(),
        })
        .collect();
    match names[..] {
        [] => {}
        [name] => push(text, format_args!("    # via {}\n", in_comment(name))),
        _ => {
            text.push_str("    # via\n");
            for name in names {
                push(text, format_args!("    #   {}\n", in_comment(name)));
            }
        }
    }
}

fn extras(extras: &BTreeSet<ExtraName>) -> String {
    if extras.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = extras.iter().map(ExtraName::as_str).collect();
    format!("[{}]", names.join(","))
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}
