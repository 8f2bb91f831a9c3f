//! Releases that records once listed, as JSON Lines.
//!
//! Some federations keep a list of what was edited away from their records. A line is
//! `{"deliverable": "…", "version": "…", "first_listed": "2016-06-02", "pkgs": ["…"]}`: what was listed
//! once was official, whatever became of it, so that these are facts and no alarms.

use std::sync::Arc;

use countermark_packaging::name::ProjectName;
use serde::Deserialize;

use super::lines::{Line, Lines};
use super::setup::{PassedOver, Problems, Setup, parse_time, shown};
use super::{Documents, Source, SourceError};
use crate::federation::RecordsEntry;
use crate::record::{Known, OfficialRelease, Records};

/// Longest list, in bytes.
const MAX_LIST: u64 = 1024 * 1024 * 1024;

/// Most projects of one line.
const MAX_PROJECTS: usize = 1000;

/// See the module.
#[derive(Debug)]
pub struct Removed<'a> {
    setup: Setup<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemovedLine {
    deliverable: String,
    version: String,
    #[serde(default)]
    first_listed: Option<String>,
    #[serde(default)]
    pkgs: Vec<String>,
}

impl<'a> Removed<'a> {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(entry: &'a RecordsEntry) -> Result<Self, SourceError> {
        Ok(Self { setup: Setup::new(entry, &[])? })
    }

    fn add(
        &self,
        text: &str,
        place: &str,
        others: &mut PassedOver,
        records: &mut Records,
    ) -> Result<(), (u32, String)> {
        let entry = parse_line(text, place)?;
        for name in entry.names {
            if !self.setup.wants(&name) {
                others.add(name.as_str());
                continue;
            }
            let project = records.project(&name);
            project.deliverables.insert(entry.deliverable.clone());
            project.releases.push(entry.release.clone());
        }
        Ok(())
    }
}

/// One line: a release that was listed once, under one of these names or all of them.
pub(super) struct RemovedRelease {
    pub(super) names: Vec<ProjectName>,
    pub(super) deliverable: Arc<str>,
    pub(super) release: OfficialRelease,
}

/// Reads a line.
///
/// # Errors
/// The column, from 1, and what is wrong.
pub(super) fn parse_line(text: &str, place: &str) -> Result<RemovedRelease, (u32, String)> {
    let line: RemovedLine = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
        (u32::try_from(error.column()).unwrap_or(u32::MAX).max(1), reason)
    })?;
    let whole = |reason: String| (1, reason);
    if line.version.is_empty() || line.version.len() > 128 {
        return Err(whole(format!("`{}` is no version", shown(&line.version))));
    }
    let approved = match &line.first_listed {
        None => None,
        Some(text) => {
            Some(parse_time(text).ok_or_else(|| whole(format!("`{}` is no day", shown(text))))?)
        }
    };
    // Without packages of its own, what the deliverable is called is the name.
    let names = if line.pkgs.is_empty() { vec![line.deliverable.clone()] } else { line.pkgs };
    if names.len() > MAX_PROJECTS {
        return Err(whole(format!("{} packages, at most {MAX_PROJECTS} are read", names.len())));
    }
    let names: Result<Vec<ProjectName>, _> =
        names.iter().map(|name| ProjectName::parse(name)).collect();
    let release = OfficialRelease {
        approved,
        known: Known::OnceListed,
        place: Some(place.into()),
        ..OfficialRelease::new(&line.version)
    };
    let names = names.map_err(|error| whole(error.to_string()))?;
    Ok(RemovedRelease { names, deliverable: line.deliverable.into(), release })
}

impl Source for Removed<'_> {
    fn describe(&self) -> String {
        format!("the removed releases in {}", self.setup.location())
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        let paths = self.setup.files(&[".jsonl", ".ndjson"], documents)?;
        if paths.is_empty() {
            return Err(SourceError::NotThis {
                what: self.setup.location().to_owned(),
                expected: "a list in JSON Lines, nor a folder with one".to_owned(),
            });
        }
        let mut others = PassedOver::default();
        for path in &paths {
            let file = self.setup.file(path);
            let unreadable =
                |reason: String| SourceError::Unreadable { what: file.clone(), reason };
            let reader = documents
                .open(path, MAX_LIST)?
                .ok_or_else(|| unreadable("it is gone".to_owned()))?;
            let mut lines = Lines::new(reader);
            let mut problems = Problems::of(&file);
            while let Some(line) = lines.next().map_err(|error| unreadable(error.to_string()))? {
                let (number, text) = match line {
                    Line::Text(number, text) => (number, text),
                    Line::Unusable(number, reason) => {
                        problems.add(records, Some((number, 1)), reason);
                        continue;
                    }
                };
                if text.trim().is_empty() {
                    continue;
                }
                let place = format!("{file}:{number}");
                if let Err((column, reason)) = self.add(text, &place, &mut others, records) {
                    problems.add(records, Some((number, column)), reason);
                }
            }
            problems.finish(records);
        }
        others.say(
            records,
            &format!("entries of {} of other projects, left out", self.setup.location()),
        );
        self.setup.finish(self.describe(), false, documents, records)
    }
}

#[cfg(test)]
mod tests;
