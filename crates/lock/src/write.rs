//! Locks of ours as text, in each format.
//!
//! Decides nothing but the form. What is written depends on the pins and the options alone, not
//! on the order in which the pins come, the day, or the machine: the same resolution gives the
//! same bytes. Credentials do not occur in [`Pins`], and what still looks like
//! them is taken out of every URL.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::pins::{PinnedFile, PinnedRelease, Pins};

pub mod pylock;
pub mod recorded;
pub mod requirements;

#[cfg(test)]
mod tests;

/// The releases in the order of every format: by name, version, and then the text of the marker.
fn sorted(pins: &Pins) -> Vec<&PinnedRelease> {
    let mut releases: Vec<&PinnedRelease> = pins.releases.iter().collect();
    releases.sort_by_cached_key(|release| {
        let marker = release.marker.as_ref().map(ToString::to_string);
        (release.project.clone(), release.version.clone(), marker)
    });
    releases
}

/// The files of a release by name, each once.
fn files(release: &PinnedRelease) -> Vec<&PinnedFile> {
    let mut seen = BTreeSet::new();
    let mut files: Vec<&PinnedFile> = release.files.iter().collect();
    files.sort_by(|left, right| {
        (&left.filename, left.sha256.0).cmp(&(&right.filename, right.sha256.0))
    });
    files.retain(|file| seen.insert((&file.filename, file.sha256.0)));
    files
}

/// A text that is shown in a comment: on one line, whatever it holds.
fn in_comment(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A URL without what stands before the `@` of its host.
fn without_credentials(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    if url.username().is_empty() && url.password().is_none() {
        return text.to_owned();
    }
    // A URL that has a user name has a host, so neither of these can fail.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// How every lock of ours begins.
const MADE_BY: &str = "# This file was made by countermark";

/// The comment above a lock.
fn header(command: Option<&str>) -> String {
    match command {
        Some(command) => {
            format!("{MADE_BY}, with this command:\n#     {}\n", in_comment(command))
        }
        None => format!("{MADE_BY}. Do not edit it.\n"),
    }
}
