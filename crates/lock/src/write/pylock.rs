//! `pylock.toml`: the standard lock file, with what countermark knows beyond it.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/pylock-toml/> (PEP 751),
//! version 1.0; the keys stand in its order. A release from an index has `wheels` and `sdist`, one
//! from a URL or a path `archive`. Dependencies are told by name, with the version where the lock
//! has several of the project.
//!
//! Below `[packages.tool.countermark]` stand `wanted-by` (labels of wishes), `roles`, and `trees`:
//! the tree digest (`docs/tree-format.md`) of each wheel that was unpacked, by
//! the name of its file. `[tool.countermark]` holds the version of these tables. They are read by
//! [`recorded`](super::recorded).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::version::Version;
use jiff::Timestamp;
use toml_edit::Value;

use super::{files, header, sorted, without_credentials};
use crate::pins::{PinnedFile, PinnedRelease, PinnedSource, Pins};
use crate::resolution::Via;

/// The version of the tables below `tool.countermark`.
pub(super) const TOOL_VERSION: i64 = 1;

/// What else is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The command that makes the lock again, for the comment at the top.
    pub command: Option<String>,
    /// Whether `wanted-by` says which wishes lead to a release.
    pub annotate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { command: None, annotate: true }
    }
}

/// The text of the lock.
#[must_use]
pub fn write(pins: &Pins, options: &Options) -> String {
    let releases = sorted(pins);
    let mut versions: BTreeMap<&ProjectName, Vec<&Version>> = BTreeMap::new();
    for release in &releases {
        let versions = versions.entry(&release.project).or_default();
        if !versions.contains(&&release.version) {
            versions.push(&release.version);
        }
    }
    let mut text = header(options.command.as_deref());
    push(&mut text, format_args!("lock-version = \"1.0\"\n"));
    let environments: Vec<String> = pins.environments.iter().map(ToString::to_string).collect();
    write_list(&mut text, "environments", sorted_texts(environments.iter().map(String::as_str)));
    if let Some(specifiers) = &pins.requires_python {
        push(&mut text, format_args!("requires-python = {}\n", quoted(&specifiers.to_string())));
    }
    let extras = pins.extras.iter().map(ExtraName::as_str);
    write_list(&mut text, "extras", sorted_texts(extras));
    let groups = pins.groups.iter().map(String::as_str);
    write_list(&mut text, "dependency-groups", sorted_texts(groups));
    let default_groups = pins.default_groups.iter().map(String::as_str);
    write_list(&mut text, "default-groups", sorted_texts(default_groups));
    text.push_str("created-by = \"countermark\"\n");
    if releases.is_empty() {
        text.push_str("packages = []\n");
    }
    let mut has_tool = false;
    for release in releases {
        text.push_str("\n[[packages]]\n");
        write_package(&mut text, release, &versions);
        has_tool |= write_tool(&mut text, release, options.annotate);
    }
    if has_tool {
        push(&mut text, format_args!("\n[tool.countermark]\nversion = {TOOL_VERSION}\n"));
    }
    text
}

fn write_package(
    text: &mut String,
    release: &PinnedRelease,
    versions: &BTreeMap<&ProjectName, Vec<&Version>>,
) {
    push(text, format_args!("name = {}\n", quoted(release.project.as_str())));
    push(text, format_args!("version = {}\n", quoted(&release.version.to_string())));
    if let Some(marker) = &release.marker {
        push(text, format_args!("marker = {}\n", quoted(&marker.to_string())));
    }
    if let Some(specifiers) = &release.requires_python {
        push(text, format_args!("requires-python = {}\n", quoted(&specifiers.to_string())));
    }
    write_dependencies(text, release, versions);
    match &release.source {
        PinnedSource::Index(index) => {
            push(text, format_args!("index = {}\n", quoted(&without_credentials(index))));
            write_files(text, release);
        }
        PinnedSource::Url(url) => {
            let location = format!("url = {}", quoted(&without_credentials(url)));
            write_archive(text, release, &location);
        }
        PinnedSource::Path(path) => {
            write_archive(text, release, &format!("path = {}", quoted(path)));
        }
    }
}

fn write_dependencies(
    text: &mut String,
    release: &PinnedRelease,
    versions: &BTreeMap<&ProjectName, Vec<&Version>>,
) {
    let mut dependencies: Vec<&(ProjectName, Version)> = release.dependencies.iter().collect();
    dependencies.sort();
    dependencies.dedup();
    if dependencies.is_empty() {
        return;
    }
    text.push_str("dependencies = [\n");
    for (project, version) in dependencies {
        let several = versions.get(project).is_some_and(|versions| versions.len() > 1);
        let name = quoted(project.as_str());
        if several {
            let version = quoted(&version.to_string());
            push(text, format_args!("    {{ name = {name}, version = {version} }},\n"));
        } else {
            push(text, format_args!("    {{ name = {name} }},\n"));
        }
    }
    text.push_str("]\n");
}

/// `sdist`, of which there is room for one, and `wheels`.
fn write_files(text: &mut String, release: &PinnedRelease) {
    let (wheels, sdists): (Vec<&PinnedFile>, Vec<&PinnedFile>) =
        files(release).into_iter().partition(|file| file.filename.ends_with(".whl"));
    // Of several archives, which old releases have, that of today's form is the one to keep.
    let sdist = sdists.iter().find(|file| file.filename.ends_with(".tar.gz")).or(sdists.first());
    if let Some(file) = sdist {
        push(text, format_args!("sdist = {}\n", file_table(file)));
    }
    if wheels.is_empty() {
        return;
    }
    text.push_str("wheels = [\n");
    for file in wheels {
        push(text, format_args!("    {},\n", file_table(file)));
    }
    text.push_str("]\n");
}

fn file_table(file: &PinnedFile) -> String {
    let mut parts = vec![format!("name = {}", quoted(&file.filename))];
    parts.extend(upload_time(file.uploaded));
    let url = file.url.as_ref().map(|url| format!("url = {}", quoted(&without_credentials(url))));
    parts.extend(url);
    parts.push(format!("size = {}", file.size));
    parts.push(hashes(file));
    format!("{{ {} }}", parts.join(", "))
}

fn write_archive(text: &mut String, release: &PinnedRelease, location: &str) {
    // `Pins` says that there is a file.
    let Some(file) = files(release).into_iter().next() else { return };
    let mut parts = vec![location.to_owned(), format!("size = {}", file.size)];
    parts.extend(upload_time(file.uploaded));
    parts.push(hashes(file));
    push(text, format_args!("archive = {{ {} }}\n", parts.join(", ")));
}

/// TOML has times of four-digit years; an index may claim others.
fn upload_time(uploaded: Option<Timestamp>) -> Option<String> {
    let text = uploaded?.to_string();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits == 4).then(|| format!("upload-time = {text}"))
}

fn hashes(file: &PinnedFile) -> String {
    format!("hashes = {{ sha256 = {} }}", quoted(&file.sha256.hex()))
}

/// What is ours to say of a release; whether there was anything.
fn write_tool(text: &mut String, release: &PinnedRelease, annotate: bool) -> bool {
    let wishes = release.via.iter().filter_map(|via| match via {
        Via::Wish(label) => Some(label.as_str()),
        Via::Release(_) => None,
    });
    let wishes = sorted_texts(wishes.filter(|_| annotate));
    let roles = sorted_texts(release.roles.iter().map(String::as_str));
    let mut trees: BTreeMap<&str, String> = BTreeMap::new();
    for file in files(release) {
        if let Some(tree) = &file.tree {
            trees.insert(&file.filename, tree.to_string());
        }
    }
    if wishes.is_empty() && roles.is_empty() && trees.is_empty() {
        return false;
    }
    if !wishes.is_empty() || !roles.is_empty() {
        text.push_str("\n[packages.tool.countermark]\n");
    }
    write_list(text, "wanted-by", wishes);
    write_list(text, "roles", roles);
    if !trees.is_empty() {
        text.push_str("\n[packages.tool.countermark.trees]\n");
        for (name, tree) in trees {
            push(text, format_args!("{} = {}\n", basic(name), quoted(&tree)));
        }
    }
    true
}

fn sorted_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// An array, one item a line; nothing when there is no item.
fn write_list(text: &mut String, key: &str, items: Vec<&str>) {
    if items.is_empty() {
        return;
    }
    push(text, format_args!("{key} = [\n"));
    for item in items {
        push(text, format_args!("    {},\n", quoted(item)));
    }
    text.push_str("]\n");
}

/// A string of TOML on one line, in the quotation marks that need the fewest escapes.
fn quoted(text: &str) -> String {
    if text.contains(char::is_control) { basic(text) } else { Value::from(text).to_string() }
}

/// A string of TOML in `"`, which is also good for a key.
fn basic(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => {
                push(&mut quoted, format_args!("\\u{:04X}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}
