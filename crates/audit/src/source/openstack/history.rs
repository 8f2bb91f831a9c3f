//! The past of a tree: when each version was first listed, and which ones were edited away. A version
//! that was listed once was official.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use super::super::removed::{RemovedRelease, parse_line};
use super::deliverable::{Deliverable, is_never_built, parse};
use super::index::{decode, encode};
use super::{Documents, SourceError, name_of};
use crate::record::{Commit, Known, OfficialRelease, RecordProblem, Records};

/// The form of what is remembered of past contents, by git's names of them.
const FORM: &str = "openstack-past-2";

/// A version of a repository.
type Version = (Arc<str>, Arc<str>);

/// Everything that was ever listed.
#[derive(Debug, Default)]
pub(super) struct Past {
    listed: BTreeMap<Version, Listing>,
}

#[derive(Debug)]
struct Listing {
    first: Timestamp,
    name: Option<ProjectName>,
    hash: String,
    series: Option<Arc<str>>,
    place: String,
}

/// Reads the history, if the tree has one. A past content that is not YAML is passed over: somebody
/// repaired it.
pub(super) fn read(
    documents: &dyn Documents,
    folder: &str,
    records: &mut Records,
) -> Result<Past, SourceError> {
    let Some(history) = documents.history(folder)? else {
        records
            .assumptions
            .push("the releases tree has no history: days of approval are not known".to_owned());
        return Ok(Past::default());
    };
    let contents = read_contents(documents, &history)?;
    let mut past = Past::default();
    for entry in &history {
        let is_deliverable = entry.path.ends_with(".yaml");
        let Some(content) = entry.content.as_ref().filter(|_| is_deliverable) else { continue };
        let Some(deliverable) = contents.get(content) else { continue };
        past.add(deliverable, &entry.path, &entry.commit, entry.time);
    }
    records.sources.push(format!("its history: {} changes of files", history.len()));
    Ok(past)
}

/// Every past content once, from what is remembered where possible.
fn read_contents(
    documents: &dyn Documents,
    history: &[super::super::HistoryEntry],
) -> Result<BTreeMap<String, Deliverable>, SourceError> {
    let remembered = documents.remembered(FORM);
    let wanted: BTreeSet<&String> =
        history.iter().filter_map(|entry| entry.content.as_ref()).collect();
    let mut contents = BTreeMap::new();
    let mut missing = Vec::new();
    for content in wanted {
        match key(content).and_then(|key| remembered.get(&key)).and_then(|stored| decode(stored)) {
            Some(deliverable) => {
                contents.insert(content.clone(), deliverable);
            }
            None => missing.push(content.clone()),
        }
    }
    if missing.is_empty() {
        return Ok(contents);
    }
    documents.read_past(&missing, &mut |at, bytes| {
        contents.insert(missing[at].clone(), parse(bytes).unwrap_or_default());
    })?;
    let derived = contents
        .iter()
        .filter_map(|(content, deliverable)| Some((key(content)?, encode(deliverable)?)))
        .collect();
    documents.remember(FORM, &derived);
    Ok(contents)
}

/// Git's name of a content as a key; names of 20 bytes are filled up.
fn key(content: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    let digits = content.as_bytes();
    if digits.len() > 64 || !digits.len().is_multiple_of(2) {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

impl Past {
    fn add(&mut self, deliverable: &Deliverable, path: &str, commit: &str, time: Timestamp) {
        let series = path.rsplit('/').nth(1).filter(|one| *one != super::INDEPENDENT);
        for entry in deliverable.releases.iter().filter(|one| !is_never_built(&one.version)) {
            let version = (entry.repository.as_str().into(), entry.version.as_str().into());
            let listing = self.listed.entry(version).or_insert_with(|| Listing {
                first: time,
                name: None,
                hash: String::new(),
                series: series.map(Into::into),
                place: format!("{path} at {}", commit.get(..12).unwrap_or(commit)),
            });
            listing.first = listing.first.min(time);
            // What was said last counts for what is not listed any more.
            listing.name = name_of(deliverable, entry).ok();
            listing.hash.clone_from(&entry.hash);
        }
    }

    /// When a version was first listed.
    pub(super) fn first_listed(&self, repository: &Arc<str>, version: &str) -> Option<Timestamp> {
        let key: Version = (repository.clone(), version.into());
        self.listed.get(&key).map(|listing| listing.first)
    }

    /// Adds what was listed and is not in `head` any more.
    pub(super) fn add_once_listed(&self, head: &BTreeSet<Version>, records: &mut Records) {
        for (version, listing) in self.listed.iter().filter(|(version, _)| !head.contains(*version))
        {
            let Some(name) = &listing.name else { continue };
            records.connect(&version.0, name);
            records.project(name).releases.push(OfficialRelease {
                repository: Some(version.0.clone()),
                commit: Commit::parse(&listing.hash),
                series: listing.series.clone(),
                approved: Some(listing.first),
                known: Known::OnceListed,
                expects_rebuild: true,
                place: Some(listing.place.as_str().into()),
                ..OfficialRelease::new(&version.1)
            });
        }
    }
}

/// Adds a list of versions that were removed, one JSON object a line. Several names mean: one of
/// these, whichever has it. The tree has the last word on what it lists today.
pub(super) fn add_removed(path: &str, text: &str, records: &mut Records) {
    let mut removed: Vec<RemovedRelease> = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        match parse_line(line, &format!("{path}:{number}")) {
            Ok(entry) => removed.push(entry),
            Err((column, message)) => records.problems.push(RecordProblem {
                file: path.to_owned(),
                position: Some((number, column)),
                message,
            }),
        }
    }
    let names: BTreeSet<ProjectName> =
        removed.iter().flat_map(|entry| entry.names.iter().cloned()).collect();
    let listed: BTreeMap<&ProjectName, BTreeSet<Box<str>>> = names
        .iter()
        .filter_map(|name| {
            let releases = &records.projects.get(name)?.releases;
            Some((name, releases.iter().map(|one| one.version.clone()).collect()))
        })
        .collect();
    for entry in removed {
        for name in &entry.names {
            if listed.get(name).is_some_and(|versions| versions.contains(&entry.release.version)) {
                continue;
            }
            records.project(name).releases.push(entry.release.clone());
        }
    }
}
