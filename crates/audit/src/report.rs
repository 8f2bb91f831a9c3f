//! The result of an audit, and the forms in which it is shown.

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use crate::finding::{Finding, Severity};
use crate::record::RecordProblem;

pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod text;

#[cfg(test)]
mod fixture;
mod layout;
mod phrase;

pub(crate) use countermark_report::harmless;
pub use countermark_report::harmless::acts;

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the federation calls itself.
    pub federation: Option<String>,
    /// When the facts were looked at.
    pub at: Timestamp,
    /// Where the facts are from: an index's address without a password, or a snapshot's path.
    pub facts: String,
    /// The sources of records, a line each.
    pub sources: Vec<String>,
    /// Up to when the records speak, with how that is known.
    pub records_until: Option<String>,
    /// What was taken for granted, a sentence each.
    pub assumptions: Vec<String>,
    /// Parts of the records that could not be read.
    pub problems: Vec<RecordProblem>,
    /// Projects that the index did not answer for, and why. They were not judged.
    pub unread: Vec<(ProjectName, String)>,
    /// Worst first, then by project, then by version. Explained ones are here too.
    pub findings: Vec<Finding>,
    /// Findings that `federation.toml` accepts, with who, why and until when.
    pub accepted: Vec<(Finding, String)>,
    /// How much was looked at.
    pub counts: Counts,
    /// Of the projects with findings at `low` or above.
    pub timelines: Vec<Timeline>,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Projects that were judged.
    pub projects: usize,
    /// Releases on the index.
    pub releases: usize,
    /// Files on the index.
    pub files: usize,
    /// Releases in the records, of these projects.
    pub official: usize,
}

/// What happened to a project, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Which project.
    pub project: ProjectName,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: EventKind,
    /// `1.2.0`, or `alice became an owner`.
    pub label: String,
}

/// The kinds of things that happen to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A release that the records know was uploaded.
    OfficialUpload,
    /// A release that is explained otherwise was uploaded.
    ExplainedUpload,
    /// A release that nothing explains was uploaded.
    UnexplainedUpload,
    /// A release was approved in the records.
    Approval,
    /// A role appeared or went, seen between two runs.
    RoleChange,
    /// Custody changed, by `federation.toml` or the records.
    Custody,
}

/// What to show.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Also what is explained.
    pub all: bool,
    /// Nothing below this.
    pub least: Severity,
    /// Columns of the terminal, for the text.
    pub width: usize,
    /// In the text, all of the evidence and the next step under each finding; without it the text is
    /// as short as it can be.
    pub details: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { all: false, least: Severity::Low, width: 100, details: false }
    }
}

impl Report {
    /// The findings that are shown with these options, in order.
    pub fn shown(&self, options: Options) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| {
            options.all || (finding.explained.is_none() && finding.severity >= options.least)
        })
    }

    /// How many findings are not explained and at least this severe.
    #[must_use]
    pub fn count(&self, least: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.explained.is_none() && finding.severity >= least)
            .count()
    }
}
