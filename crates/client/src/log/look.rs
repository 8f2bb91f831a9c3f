//! A look-up that a person asked for: everything that the log has about releases and files.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::head::Head;
use countermark_trust::log::judge::{Judgement, judge};
use countermark_trust::log::lookup::Logged;
use countermark_trust::log::wire::{LookupRequest, Release};
use jiff::Timestamp;

use super::client::LogClient;
use super::pin::{PinToCheck, ServedBy};
use crate::report::Problem;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Names of files.
    pub files: BTreeSet<String>,
    /// Releases, of which every file is wanted.
    pub releases: BTreeSet<Release>,
    /// The projects of the files, as far as their names tell.
    pub projects: BTreeSet<ProjectName>,
}

/// The head of a log as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// The log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// When it was made, where somebody says so.
    pub time: Option<Timestamp>,
    /// The witnesses that count.
    pub witnesses: Vec<String>,
}

impl LogHead {
    pub(super) fn of(head: &Head) -> Self {
        Self {
            origin: head.origin().to_owned(),
            size: head.size(),
            root: head.root().to_base64(),
            time: head.time(),
            witnesses: head.witnesses().iter().map(|it| it.key.name().to_owned()).collect(),
        }
    }
}

/// What the log has about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: String,
    /// In the order of the log.
    pub records: Vec<Logged>,
}

/// A verified answer.
#[derive(Debug)]
pub struct Looked {
    /// What it rests on.
    pub head: LogHead,
    /// Files of which it has something, by name.
    pub files: Vec<Found>,
    /// Alarms, with their evidence saved.
    pub problems: Vec<Problem>,
}

impl LogClient<'_> {
    /// Asks, verifies, and holds files that are here against the answer.
    ///
    /// # Errors
    /// When there is no answer that can be believed.
    pub fn lookup(
        &self,
        question: &Question,
        here: &BTreeMap<String, Digest>,
    ) -> Result<Looked, Vec<Problem>> {
        let asking = self.asking()?;
        let request = LookupRequest {
            files: question.files.clone(),
            releases: question.releases.clone(),
            ..LookupRequest::default()
        };
        let checked = asking.lookup(&request).map_err(|error| vec![asking.problem(&error)])?;
        let mut looked =
            Looked { head: LogHead::of(checked.head()), files: Vec::new(), problems: Vec::new() };
        for (file, records) in checked.files() {
            looked.files.push(Found { file: file.to_owned(), records: records.to_vec() });
            let digests: Vec<Digest> = here.get(file).cloned().into_iter().collect();
            let Judgement::Equivocation(contradiction) = judge(file, &digests, records) else {
                continue;
            };
            let Some(first) = records.first() else { continue };
            let pin = PinToCheck {
                project: first.observation.project().clone(),
                filename: file.to_owned(),
                digests,
                served_by: ServedBy::Nobody,
                stands: false,
            };
            looked.problems.push(self.alarm(&asking, &checked, &pin, &contradiction));
        }
        Ok(looked)
    }
}
