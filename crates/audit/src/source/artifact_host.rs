//! The publisher's own artifact host: distributions in a listing, with signatures beside them.
//!
//! The bytes there are the publisher's own copy, so their digests say what an index should have. Each
//! file is read, its digest computed and its signature judged as of the time at which its release was
//! approved, when an earlier entry of `[[records]]` knows that time: a key that was valid then is
//! good, whatever became of it. A bad signature is kept with the file, for a rule to report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;
use sha2::Digest as _;

use super::collected::Collected;
use super::names::{NamedRelease, last_component, release_of_file};
use super::setup::{PassedOver, Problems, Setup};
use super::{Documents, SignatureJudge, Source, SourceError};
use crate::federation::RecordsEntry;
use crate::record::{OfficialFile, OfficialRelease, Records, Signature};

/// Longest artifact, in MiB, when nothing else is said.
const MAX_ARTIFACT: u64 = 512;

/// Longest signature, in bytes.
const MAX_SIGNATURE: u64 = 1024 * 1024;

/// Files that are read at a time; a host is asked politely.
const AT_A_TIME: usize = 4;

/// Bytes that are hashed at a time.
const SLICE: usize = 64 * 1024;

/// Endings of signatures, in the order in which they are looked for.
const SIGNATURES: &[&str] = &[".asc", ".sig"];

/// See the module.
pub struct ArtifactHost<'a> {
    setup: Setup<'a>,
    judge: &'a dyn SignatureJudge,
    expects_rebuild: bool,
    reads_bytes: bool,
    is_official: bool,
    signatures: Wanted,
    limit: u64,
}

/// What is wanted of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// A file without one is said to miss it.
    Required,
    /// The same, when the host has a signature for anything.
    IfThere,
    /// They are not looked at.
    No,
}

/// One distribution of the listing.
struct Listed<'a> {
    path: &'a str,
    filename: &'a str,
    signature: Option<String>,
    named: NamedRelease,
}

/// When releases were approved, as earlier sources know it.
struct Approvals(BTreeMap<ProjectName, HashMap<Version, Option<Timestamp>>>);

impl<'a> ArtifactHost<'a> {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(
        entry: &'a RecordsEntry,
        judge: &'a dyn SignatureJudge,
    ) -> Result<Self, SourceError> {
        // The keys are for whoever made the judge.
        let known =
            ["bytes", "key-dates", "keys", "limit-mib", "official", "rebuilds", "signatures"];
        let setup = Setup::new(entry, &known)?;
        let wanted =
            [("required", Wanted::Required), ("if-there", Wanted::IfThere), ("no", Wanted::No)];
        let limit = setup.number("limit-mib", MAX_ARTIFACT)?.checked_mul(1024 * 1024);
        Ok(Self {
            expects_rebuild: setup.word(
                "rebuilds",
                &[("expected", true), ("unexpected", false)],
                false,
            )?,
            reads_bytes: setup.flag("bytes", true)?,
            is_official: setup.flag("official", true)?,
            signatures: setup.word("signatures", &wanted, Wanted::IfThere)?,
            limit: limit.ok_or_else(|| setup.refuse("limit-mib", "the number is too large"))?,
            setup,
            judge,
        })
    }

    /// The distributions among the paths of a listing.
    fn distributions<'p>(&self, paths: &'p [String], records: &mut Records) -> Vec<Listed<'p>> {
        let all: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
        let mut others = PassedOver::default();
        let mut listed = Vec::new();
        for path in paths {
            let named = last_component(path).and_then(|filename| {
                let named = release_of_file(filename, self.setup.project.as_ref())?;
                self.setup.wants(&named.project).then_some((filename, named))
            });
            let Some((filename, named)) = named else {
                if !SIGNATURES.iter().any(|ending| path.ends_with(ending)) {
                    others.add(path);
                }
                continue;
            };
            let beside = SIGNATURES.iter().map(|ending| format!("{path}{ending}"));
            let signature = beside.into_iter().find(|it| all.contains(it.as_str()));
            listed.push(Listed { path, filename, signature, named });
        }
        let location = self.setup.location();
        let what = match &self.setup.project {
            Some(project) => {
                format!("files of {location} that are no wheel or sdist of `{project}`, left out")
            }
            None => format!("files of {location} that are no wheel or sdist, left out"),
        };
        others.say(records, &what);
        listed
    }

    /// The digest of a file, and what its signature is worth.
    fn look_into(
        &self,
        listed: &Listed<'_>,
        has_signatures: bool,
        at: Option<Timestamp>,
        documents: &dyn Documents,
    ) -> Result<OfficialFile, SourceError> {
        let mut file = OfficialFile {
            filename: listed.filename.into(),
            sha256: None,
            size: None,
            signature: Signature::NotLooked,
        };
        let gone = |path: &str| SourceError::Unreadable {
            what: path.to_owned(),
            reason: "it is in the listing and not there".to_owned(),
        };
        let wants_signature = match self.signatures {
            Wanted::Required => true,
            Wanted::IfThere => has_signatures,
            Wanted::No => false,
        };
        if wants_signature && listed.signature.is_none() {
            file.signature = Signature::Missing;
        }
        if !self.reads_bytes {
            return Ok(file);
        }
        if let Some(path) = listed.signature.as_ref().filter(|_| wants_signature) {
            let bytes =
                documents.read(listed.path, self.limit)?.ok_or_else(|| gone(listed.path))?;
            let signature = documents.read(path, MAX_SIGNATURE)?.ok_or_else(|| gone(path))?;
            file.sha256 = Some(Sha256(sha2::Sha256::digest(&bytes).into()));
            file.size = Some(bytes.len() as u64);
            file.signature = self.judge.judge(&bytes, &signature, at);
            return Ok(file);
        }
        let reader = documents.open(listed.path, self.limit)?.ok_or_else(|| gone(listed.path))?;
        let (digest, size) = hash(reader, listed.path)?;
        (file.sha256, file.size) = (Some(digest), Some(size));
        Ok(file)
    }
}

impl Source for ArtifactHost<'_> {
    fn describe(&self) -> String {
        format!("the artifacts at {}", self.setup.location())
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        let paths = documents.list("", "")?;
        let listed = self.distributions(&paths, records);
        if listed.is_empty() {
            return Err(SourceError::NotThis {
                what: self.setup.location().to_owned(),
                expected: "a listing with wheels or sdists".to_owned(),
            });
        }
        let has_signatures = listed.iter().any(|it| it.signature.is_some());
        let approvals = Approvals::of(records, listed.iter().map(|it| &it.named.project));
        let mut collected = Collected::default();
        let mut unknown = PassedOver::default();
        let mut wanted = Vec::with_capacity(listed.len());
        for listed in &listed {
            match approvals.find(&listed.named) {
                None if !self.is_official => unknown.add(listed.path),
                approved => wanted.push((listed, approved.flatten())),
            }
        }
        let files = several_at_a_time(&wanted, |(listed, approved)| {
            self.look_into(listed, has_signatures, *approved, documents)
        });
        for ((listed, _), file) in wanted.iter().zip(files) {
            let shown_path = self.setup.file(listed.path);
            let file = match file {
                Ok(file) => file,
                Err(error) => {
                    let mut problems = Problems::of(&shown_path);
                    problems.add(records, None, format!("its bytes do not count: {error}"));
                    OfficialFile {
                        filename: listed.filename.into(),
                        sha256: None,
                        size: None,
                        signature: Signature::Unchecked { reason: error.to_string() },
                    }
                }
            };
            let Ok(project) = collected.project(listed.named.project.as_str()) else { continue };
            let release = OfficialRelease {
                files: vec![file],
                expects_rebuild: self.expects_rebuild,
                place: Some(Arc::from(shown_path)),
                ..OfficialRelease::new(&listed.named.version)
            };
            collected.add(project, release);
        }
        collected.finish(self.is_official && self.setup.is_undated(), records);
        let location = self.setup.location();
        unknown.say(
            records,
            &format!("files of {location} of releases that no other record knows, left out"),
        );
        if !self.reads_bytes {
            let line =
                format!("the files of {location} were listed and not read (`bytes = \"no\"`)");
            records.assumptions.push(line);
        }
        self.setup.finish(self.describe(), self.is_official, documents, records)
    }
}

impl Approvals {
    fn of<'n>(records: &Records, names: impl Iterator<Item = &'n ProjectName>) -> Self {
        let mut by_project = BTreeMap::new();
        for name in names {
            if by_project.contains_key(name) {
                continue;
            }
            let mut by_version: HashMap<Version, Option<Timestamp>> = HashMap::new();
            for release in records.projects.get(name).into_iter().flat_map(|it| &it.releases) {
                let Ok(version) = Version::from_str(&release.version) else { continue };
                let known = by_version.entry(version).or_default();
                *known = known.or(release.approved);
            }
            by_project.insert(name.clone(), by_version);
        }
        Self(by_project)
    }

    /// `None` when no source before this one knows the release.
    fn find(&self, release: &NamedRelease) -> Option<Option<Timestamp>> {
        let version = Version::from_str(&release.version).ok()?;
        self.0.get(&release.project)?.get(&version).copied()
    }
}

/// Does something with each of a list, [`AT_A_TIME`] at a time; the results are in the order of the
/// list.
fn several_at_a_time<T: Sync, R: Send>(list: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = list.get(number) else { return done };
            done.push((number, each(one)));
        }
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME.min(list.len())).map(|_| scope.spawn(work)).collect();
        let done = |worker: std::thread::ScopedJoinHandle<'_, Vec<(usize, R)>>| match worker.join()
        {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(done).collect()
    });
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Hashes without keeping.
fn hash(mut reader: Box<dyn Read + '_>, path: &str) -> Result<(Sha256, u64), SourceError> {
    let mut hasher = sha2::Sha256::new();
    let mut slice = vec![0; SLICE];
    let mut size = 0;
    loop {
        let count = match reader.read(&mut slice) {
            Ok(0) => return Ok((Sha256(hasher.finalize().into()), size)),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let reason = error.to_string();
                return Err(SourceError::Unreadable { what: path.to_owned(), reason });
            }
        };
        hasher.update(&slice[..count]);
        size += count as u64;
    }
}

#[cfg(test)]
mod tests;
