//! Plans for the bad day, filled in from facts: a release that must go, an account that is lost, a
//! job that stopped half-way, and the standing plan for before.
//!
//! A plan says what to do in which order and what it rests on; it does nothing itself. What cannot
//! be seen from outside (tokens, trusted publishers, second factors) is said where it has to be
//! looked at, never guessed.

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use crate::constraints::Pins;
use crate::dossier::{Dossier, ReleaseCase};

mod account;
mod job;
pub mod log;
mod page;
mod release;
mod standing;

pub use account::account;
pub use job::failed_job;
pub use log::LogEntry;
pub(crate) use page::escaped;
pub use page::{Item, Page, Section};
pub use release::release;
pub use standing::standing;

/// What a plan may use beside the facts.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// What our own files pin.
    pub pins: &'a Pins,
    /// What was done so far.
    pub log: &'a [LogEntry],
    /// Where the log is, for the command that adds to it.
    pub log_file: Option<&'a str>,
}

/// A question about something that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No project of this name was looked at.
    #[error("`{name}` is none of the {known} projects")]
    Project {
        /// As asked for.
        name: String,
        /// How many there are.
        known: usize,
        /// Names that are near.
        near: Vec<String>,
    },
    /// The project has no such release, neither on the index nor in the records.
    #[error("`{project}` has no release `{version}`, neither on the index nor in the records")]
    Release {
        /// The project.
        project: String,
        /// As asked for.
        version: String,
        /// Versions that are near.
        near: Vec<String>,
    },
    /// Nobody of this name holds a role or is in `federation.toml`.
    #[error("`{name}` holds no role on any of the {known} projects, and no service names it")]
    Account {
        /// As asked for.
        name: String,
        /// How many projects there are.
        known: usize,
        /// Accounts that are near.
        near: Vec<String>,
    },
}

impl Unknown {
    /// Who is at fault.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Project { .. } | Self::Release { .. } | Self::Account { .. } => Class::Usage,
        }
    }

    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Project { .. } => "unknown-project",
            Self::Release { .. } => "unknown-release",
            Self::Account { .. } => "unknown-account",
        }
    }

    /// What may have been meant.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let (Self::Project { near, .. } | Self::Release { near, .. } | Self::Account { near, .. }) =
            self;
        (!near.is_empty()).then(|| format!("near it: {}", near.join(", ")))
    }
}

/// The project of this name.
///
/// # Errors
/// When it is not among them.
pub fn find_project<'a, 'b>(
    dossiers: &'b [Dossier<'a>],
    name: &ProjectName,
) -> Result<&'b Dossier<'a>, Unknown> {
    dossiers.iter().find(|dossier| dossier.name == name).ok_or_else(|| Unknown::Project {
        name: name.to_string(),
        known: dossiers.len(),
        near: near(name.as_str(), dossiers.iter().map(|dossier| dossier.name.as_str())),
    })
}

/// The release of this version: as it is written, or by PEP 440.
///
/// # Errors
/// When neither side has it.
pub fn find_release<'a, 'b>(
    dossier: &'b Dossier<'a>,
    version: &str,
) -> Result<&'b ReleaseCase<'a>, Unknown> {
    let exact = dossier.releases.iter().find(|release| release.text == version);
    let parsed: Option<Version> = version.parse().ok();
    let same = |release: &&ReleaseCase<'_>| parsed.is_some() && release.version == parsed;
    exact.or_else(|| dossier.releases.iter().find(same)).ok_or_else(|| Unknown::Release {
        project: dossier.name.to_string(),
        version: version.to_owned(),
        near: near(version, dossier.releases.iter().map(|release| release.text)),
    })
}

/// The names nearest to what was written, at most five.
fn near<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const SHOWN: usize = 5;
    let most = (wanted.len() / 3).max(2);
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let distance = if name.contains(wanted) { 1 } else { distance(wanted, name, most)? };
            Some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(SHOWN).map(|(_, name)| name.to_owned()).collect()
}

/// How many letters must be changed, up to `most`.
fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, theirs) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *theirs);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests;
