//! Answers of an index, kept for the next run.
//!
//! An answer that is kept decides what an audit sees: whoever could change it could hide a release or
//! an account. So the folder and every file in it have to be this user's alone; one that somebody
//! else owns or may write is not used, as is anything damaged. Neither is an error: the index is asked
//! again. Names of files are digests of the index's address, without a password, and of projects'
//! names.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use countermark_audit::fact::ProjectFacts;
use countermark_audit::fact::snapshot;
use countermark_packaging::name::ProjectName;
use countermark_packaging::project_json::{Ownership, OwnershipRole, ProjectDocument};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::http::Validators;
use crate::settings::Index;
use crate::system::unix::fs::{DirBuilderExt as _, MetadataExt as _};

/// Counts up whenever an older file must not be read.
const FORMAT: u32 = 1;

/// Longest file that is read: a project's line, and little more.
const MAX_BYTES: u64 = snapshot::MAX_LINE as u64 + (4 << 20);

/// The file that says that a run is under way, and since when.
const MARKER: &str = "run";

/// The answers of one index.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What is kept of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What the page says, without roles.
    pub(super) facts: ProjectFacts,
    pub(super) page: Stamp,
    /// `None` for a project that is absent.
    pub(super) document: Option<(Stamp, Kept)>,
}

/// When something was asked for, and what to ask with next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) read: Timestamp,
    pub(super) validators: Validators,
}

/// What is kept of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Document(ProjectDocument),
    /// The index says that there is none.
    Missing,
}

impl Cache {
    /// The folder of an index, made when it is not there; or why it cannot be used.
    pub(super) fn open(folder: &Path, index: &Index) -> Result<Self, String> {
        let mut url = index.url.clone();
        // They were taken out with the settings; a name of a file must not depend on that.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let folder = folder.join(short_digest(url.as_str()));
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        let metadata = fs::metadata(&folder)
            .map_err(|error| format!("cannot look at `{}`: {error}", folder.display()))?;
        if !is_ours(&metadata) {
            return Err(format!("others may write to `{}`", folder.display()));
        }
        Ok(Self { folder })
    }

    /// Says that a run begins. When one that began no longer ago than `within` was broken off, gives
    /// the time at which it began, and the run is that one.
    pub(super) fn begin(&self, now: Timestamp, within: Duration) -> Option<Timestamp> {
        if within.is_zero() {
            return None;
        }
        let path = self.folder.join(MARKER);
        let before = read_own(&path, 64).and_then(|bytes| String::from_utf8(bytes).ok());
        let before = before.and_then(|text| text.trim().parse::<Timestamp>().ok());
        if let Some(began) = before.filter(|began| is_within(*began, now, within)) {
            return Some(began);
        }
        // Without the mark a run that is broken off begins anew, which is no harm.
        let _ = self.write(&path, format!("{now}\n").as_bytes());
        None
    }

    /// Says that the run is over.
    pub(super) fn end(&self) {
        let _ = fs::remove_file(self.folder.join(MARKER));
    }

    /// What is kept of a project, if it can be used.
    pub(super) fn read(&self, name: &ProjectName) -> Option<Entry> {
        let bytes = read_own(&self.path(name), MAX_BYTES)?;
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let head: Head = serde_json::from_slice(lines.next()?).ok()?;
        let facts = snapshot::parse_project(lines.next()?).ok()?;
        let document = match head.document {
            Some(stamp) => {
                let kept: DocumentLine = serde_json::from_slice(lines.next()?).ok()?;
                Some((stamp.stamp()?, kept.kept()))
            }
            None => None,
        };
        let entry = Entry { facts, page: head.page.stamp()?, document };
        (head.format == FORMAT && entry.facts.name == *name).then_some(entry)
    }

    /// Keeps it. A cache that cannot be written costs time and nothing else.
    pub(super) fn keep(&self, entry: &Entry) {
        let head = Head {
            format: FORMAT,
            page: StampLine::of(&entry.page),
            document: entry.document.as_ref().map(|(stamp, _)| StampLine::of(stamp)),
        };
        let Ok(mut bytes) = serde_json::to_vec(&head) else { return };
        bytes.push(b'\n');
        snapshot::write_project(&entry.facts, &mut bytes);
        if let Some((_, kept)) = &entry.document {
            let Ok(line) = serde_json::to_vec(&DocumentLine::of(kept)) else { return };
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        let _ = self.write(&self.path(&entry.facts.name), &bytes);
    }

    fn path(&self, name: &ProjectName) -> PathBuf {
        self.folder.join(short_digest(name.as_str()))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }
}

/// Whether `then` is not in the future and no longer ago than `limit`, which is never when it is zero.
pub(super) fn is_within(then: Timestamp, now: Timestamp, limit: Duration) -> bool {
    !limit.is_zero() && Duration::try_from(now.duration_since(then)).is_ok_and(|age| age <= limit)
}

fn is_ours(metadata: &fs::Metadata) -> bool {
    metadata.uid() == crate::system::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

fn read_own(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let file = fs::File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !is_ours(&metadata) || metadata.size() > limit {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn short_digest(text: &str) -> String {
    let digest = blake3::hash(text.as_bytes()).to_hex();
    digest[..32].to_owned()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: u32,
    page: StampLine,
    document: Option<StampLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StampLine {
    read: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl StampLine {
    fn of(stamp: &Stamp) -> Self {
        let Validators { etag, last_modified } = stamp.validators.clone();
        Self { read: stamp.read.to_string(), etag, last_modified }
    }

    fn stamp(self) -> Option<Stamp> {
        let validators = Validators { etag: self.etag, last_modified: self.last_modified };
        Some(Stamp { read: self.read.parse().ok()?, validators })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentLine {
    is_missing: bool,
    name: Option<String>,
    last_serial: Option<u64>,
    organization: Option<String>,
    /// `None` when the document does not say.
    roles: Option<Vec<(String, String)>>,
}

impl DocumentLine {
    fn of(kept: &Kept) -> Self {
        let nothing = Self {
            is_missing: true,
            name: None,
            last_serial: None,
            organization: None,
            roles: None,
        };
        let Kept::Document(document) = kept else { return nothing };
        let ownership = document.ownership.as_ref();
        let pair = |role: &OwnershipRole| (role.role.clone(), role.user.clone());
        Self {
            is_missing: false,
            name: document.name.clone(),
            last_serial: document.last_serial,
            organization: ownership.and_then(|it| it.organization.clone()),
            roles: ownership.map(|it| it.roles.iter().map(pair).collect()),
        }
    }

    fn kept(self) -> Kept {
        if self.is_missing {
            return Kept::Missing;
        }
        let organization = self.organization;
        let ownership = self.roles.map(|roles| {
            let role = |(role, user)| OwnershipRole { role, user };
            Ownership { roles: roles.into_iter().map(role).collect(), organization }
        });
        let (name, last_serial) = (self.name, self.last_serial);
        Kept::Document(ProjectDocument { name, ownership, last_serial })
    }
}

#[cfg(test)]
mod tests;
