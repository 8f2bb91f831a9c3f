//! The signed commits that added reviews: searched with git, judged without it.
//!
//! Decides only where to look: `git blame` says which commits a review's lines came with. Whether one of them
//! added the review, and whose key signed it, is judged by [`countermark_ledger::signature::git`] from the raw
//! objects, whose names are computed again there. A repository that lies about its history therefore hides
//! reviews and makes none. Nothing of the checkout's configuration runs, see [`crate::records`].

mod memory;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use countermark_audit::source::SourceError;
use countermark_ledger::format::{ReviewFile, limits};
use countermark_ledger::signature::git::{self, Added, Kind, Objects};
use countermark_ledger::signature::{CommitRefusal, Commits, Keys, SignedCommit};
use countermark_ledger::statement::StatementId;
use jiff::Timestamp;

use super::folder::REVIEWS;
use super::{Folder, Loaded};
use crate::records::file_at;
use crate::records::git::batch::Batch;
use crate::records::git::process::Git;
use memory::Memory;

/// What a review says that is signed by its commit.
const SIGNATURE: &str = "git";

/// Most bytes of a commit, and of a folder's list.
const MAX_COMMIT: u64 = 4 << 20;
const MAX_TREE: u64 = 64 << 20;

/// Most bytes of what `git blame` says of a file.
const MAX_BLAME: u64 = 2 << 30;

/// Folders above the ledger that are looked through for the repository.
const MAX_DEPTH: usize = 64;

/// Reviews, with who says to have written them.
type Wanted = BTreeMap<StatementId, String>;

type Found = Result<SignedCommit, CommitRefusal>;

/// The signed commits that added the reviews of a ledger's folder. Where no review asks for one, git is not
/// started. What could not be found out is said of each review, and makes none count.
#[must_use]
pub fn find(folder: &Folder, loaded: &Loaded, now: Timestamp) -> Commits {
    // Keys that cannot be used are told by whoever opens the ledger.
    let Ok(keys) = Keys::new(&loaded.ledger.keys, &loaded.certificates, now) else {
        return Commits::new();
    };
    let mut wanted = wanted(&loaded.reviews);
    if wanted.is_empty() {
        return Commits::new();
    }
    let mut memory = folder.state().map(Memory::read);
    let mut found = memory.as_ref().map_or_else(Commits::new, |it| it.known(&wanted, &keys));
    wanted.retain(|id, _| found.of(id).is_none());
    if wanted.is_empty() {
        return found;
    }
    let Some((top, path)) = place(folder.path()) else { return found };
    let new = judge_all(&top, "HEAD", &path, &wanted, &keys);
    if let Some(memory) = &mut memory {
        memory.add(&new);
    }
    for (id, judged) in new {
        found.insert(id, judged);
    }
    found
}

/// The same for any repository: `path` is the file of the reviews, counted from its top, at a revision.
#[must_use]
pub fn find_in(
    repository: &Path,
    revision: &str,
    path: &str,
    reviews: &ReviewFile,
    keys: &Keys,
) -> Commits {
    let wanted = wanted(reviews);
    let mut commits = Commits::new();
    if !wanted.is_empty() {
        for (id, found) in judge_all(repository, revision, path, &wanted, keys) {
            commits.insert(id, found);
        }
    }
    commits
}

/// The reviews that are signed by their commit, with their authors.
fn wanted(reviews: &ReviewFile) -> Wanted {
    // Most files have none, and are not read for that.
    let text = reviews.text();
    if !text.contains("\"git\"") && !text.contains("'git'") {
        return Wanted::new();
    }
    let signed = reviews.iter().filter(|it| it.review.signature.as_deref() == Some(SIGNATURE));
    signed.map(|entry| (entry.id, entry.review.author)).collect()
}

/// What git and the objects say of each; why nothing, where the repository cannot be read.
fn judge_all(
    repository: &Path,
    revision: &str,
    path: &str,
    wanted: &Wanted,
    keys: &Keys,
) -> BTreeMap<StatementId, Found> {
    search(repository, revision, path, wanted, keys).unwrap_or_else(|error| {
        let refusal = CommitRefusal::Unreadable { reason: error.to_string() };
        wanted.keys().map(|id| (*id, Err(refusal.clone()))).collect()
    })
}

/// The top of the repository around a ledger's folder, and the path of its reviews from there.
fn place(folder: &Path) -> Option<(PathBuf, String)> {
    let folder = fs::canonicalize(folder).ok()?;
    let top = folder.ancestors().take(MAX_DEPTH).find(|it| it.join(".git").exists())?;
    let mut path = String::new();
    for part in folder.strip_prefix(top).ok()? {
        path.push_str(part.to_str()?);
        path.push('/');
    }
    path.push_str(REVIEWS);
    Some((top.to_owned(), path))
}

fn search(
    repository: &Path,
    revision: &str,
    path: &str,
    wanted: &Wanted,
    keys: &Keys,
) -> Result<BTreeMap<StatementId, Found>, SourceError> {
    let git = Git::new(repository);
    let nowhere = |id: &StatementId| (*id, Err(CommitRefusal::NotCommitted));
    let mut found: BTreeMap<StatementId, Found> = wanted.keys().map(nowhere).collect();
    let commit = format!("{revision}^{{commit}}");
    // There is no `HEAD` before the first commit.
    if !git.succeeds(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])? {
        return Ok(found);
    }
    let limit = limits::REVIEWS as u64;
    let Some(text) = file_at(repository, revision, path, limit)? else { return Ok(found) };
    let committed = ReviewFile::parse(path, text).map_err(|errors| {
        let reason = errors.first().map(ToString::to_string).unwrap_or_default();
        git.unreadable(format!("at {revision}: {reason}"))
    })?;
    let lines = blame(&git, revision, path)?;
    let mut history = History { batch: Batch::start(&git)?, read: BTreeMap::new() };
    let entries: Vec<_> = committed.iter().collect();
    for (number, entry) in entries.iter().enumerate() {
        if !wanted.contains_key(&entry.id) {
            continue;
        }
        let line = |at: u32| usize::try_from(at).unwrap_or(usize::MAX).saturating_sub(1);
        let start = line(entry.place.line);
        let end = entries.get(number + 1).map_or(lines.len(), |next| line(next.place.line));
        let block = lines.get(start..end.max(start)).unwrap_or_default();
        found.insert(entry.id, history.judge(&entry.id, block, keys)?);
    }
    Ok(found)
}

/// A commit, and what the file was called in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    commit: String,
    path: String,
}

/// For each line of the file where it came from.
fn blame(git: &Git, revision: &str, path: &str) -> Result<Vec<Origin>, SourceError> {
    let arguments = [
        "blame",
        "--porcelain",
        "--root",
        "--no-textconv",
        "--ignore-revs-file=",
        revision,
        "--",
        path,
    ];
    let answer = git.run(&arguments, MAX_BLAME)?;
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = Vec::new();
    let mut commit = "";
    for line in answer.split(|byte| *byte == b'\n') {
        if line.starts_with(b"\t") {
            if commit.is_empty() {
                return Err(git.unreadable("what git blame says cannot be read"));
            }
            let path = paths.get(commit).copied().unwrap_or(path);
            lines.push(Origin { commit: commit.to_owned(), path: path.to_owned() });
            commit = "";
            continue;
        }
        let Ok(line) = std::str::from_utf8(line) else { continue };
        match line.split_once(' ') {
            Some((word, _)) if commit.is_empty() && git::is_name(word) => commit = word,
            // A path that git quotes is one that only hides a review.
            Some(("filename", name)) if !name.starts_with('"') => {
                paths.insert(commit, name);
            }
            _ => {}
        }
    }
    Ok(lines)
}

/// Commits that were read, each once.
struct History {
    batch: Batch,
    read: BTreeMap<Origin, Result<Added, CommitRefusal>>,
}

impl History {
    /// The best that the commits of a review's lines say of it.
    fn judge(
        &mut self,
        id: &StatementId,
        lines: &[Origin],
        keys: &Keys,
    ) -> Result<Found, SourceError> {
        let mut counts: BTreeMap<&Origin, usize> = BTreeMap::new();
        for origin in lines {
            *counts.entry(origin).or_default() += 1;
        }
        let mut candidates: Vec<(&Origin, usize)> = counts.into_iter().collect();
        // Lines that many reviews have may come from any of them: where most came from is looked at first.
        candidates.sort_by_key(|(origin, count)| (std::cmp::Reverse(*count), *origin));
        let mut best = Err(CommitRefusal::NotCommitted);
        for (origin, _) in candidates {
            let judged = match self.added(origin)? {
                Ok(added) => added.signed(id, keys),
                Err(refusal) => Err(refusal.clone()),
            };
            if judged.is_ok() {
                return Ok(judged);
            }
            if rank(&judged) > rank(&best) {
                best = judged;
            }
        }
        Ok(best)
    }

    /// What a commit added. The file may have had another folder then, and no other name.
    fn added(&mut self, origin: &Origin) -> Result<&Result<Added, CommitRefusal>, SourceError> {
        if !self.read.contains_key(origin) {
            let added = if Path::new(&origin.path).file_name() == Some(REVIEWS.as_ref()) {
                git::read(&mut Source(&mut self.batch), &origin.commit, &origin.path)?
            } else {
                Err(CommitRefusal::NotCommitted)
            };
            self.read.insert(origin.clone(), added);
        }
        // It was inserted just now, if it was not there.
        Ok(self.read.entry(origin.clone()).or_insert(Err(CommitRefusal::NotCommitted)))
    }
}

/// What is said of a review: of the commit that added it rather than of one that did not.
fn rank(found: &Found) -> u8 {
    match found {
        Ok(_) => 4,
        Err(
            CommitRefusal::Unsigned { .. }
            | CommitRefusal::OtherSigner { .. }
            | CommitRefusal::BadSignature { .. }
            | CommitRefusal::Squash { .. }
            | CommitRefusal::NotCheckable { .. },
        ) => 3,
        Err(CommitRefusal::WrongName { .. } | CommitRefusal::MalformedObject { .. }) => 2,
        Err(
            CommitRefusal::Merge { .. }
            | CommitRefusal::NewFile { .. }
            | CommitRefusal::Shallow { .. }
            | CommitRefusal::Unreadable { .. },
        ) => 1,
        Err(CommitRefusal::NotCommitted) => 0,
    }
}

struct Source<'b>(&'b mut Batch);

impl Objects for Source<'_> {
    type Error = SourceError;

    fn read(&mut self, kind: Kind, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let limit = match kind {
            Kind::Commit => MAX_COMMIT,
            Kind::Tree => MAX_TREE,
            Kind::Blob => limits::REVIEWS as u64,
        };
        self.0.read(kind.as_str(), name, limit)
    }
}

#[cfg(test)]
mod tests;
