//! What a commit adds to a file of reviews.

use std::collections::{BTreeMap, BTreeSet};

use super::super::commits::{CommitRefusal, SignedCommit};
use super::super::keys::Keys;
use super::commit::Commit;
use super::object::{self, Kind, Objects};
use crate::format::ReviewFile;
use crate::review::Review;
use crate::statement::StatementId;

/// The line that begins a review. No other text of a readable file has such a line.
const BLOCK: &str = "[[review]]";

/// What a review that is signed by its commit says of its signature.
pub(super) const SIGNATURE: &str = "git";

/// What an object says, or why it counts for nothing.
type Judged<T> = Result<T, CommitRefusal>;

/// A commit, and the reviews that it adds.
#[derive(Clone, Debug)]
pub struct Added {
    commit: Commit,
    shape: Result<BTreeMap<StatementId, Review>, CommitRefusal>,
}

/// Reads a commit with its parent's file and its own, all names computed again. `path` counts from the top
/// of the repository, with `/`.
///
/// # Errors
/// Where `objects` fails. Everything that speaks against the commit is said by [`Added::signed`].
pub fn read<O: Objects>(
    objects: &mut O,
    commit_name: &str,
    path: &str,
) -> Result<Result<Added, CommitRefusal>, O::Error> {
    let commit = match commit(objects, commit_name)? {
        Ok(Some(commit)) => commit,
        Ok(None) => return Ok(Err(CommitRefusal::NotCommitted)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let shape = shape(objects, &commit, path)?;
    Ok(Ok(Added { commit, shape }))
}

impl Added {
    /// The ids of the reviews that it adds.
    pub fn ids(&self) -> impl Iterator<Item = &StatementId> {
        self.shape.iter().flat_map(BTreeMap::keys)
    }

    /// Whether the commit adds this review and its author signed the commit.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn signed(&self, id: &StatementId, keys: &Keys) -> Result<SignedCommit, CommitRefusal> {
        let added = self.shape.as_ref().map_err(Clone::clone)?;
        let review = added.get(id).ok_or(CommitRefusal::NotCommitted)?;
        if let Some(other) = added.values().find(|other| other.author != review.author) {
            return Err(CommitRefusal::Squash {
                commit: self.commit.name.clone(),
                author: review.author.clone(),
                other: other.author.clone(),
            });
        }
        self.commit.signed_by(review, keys)
    }
}

fn commit<O: Objects>(
    objects: &mut O,
    name: &str,
) -> Result<Result<Option<Commit>, CommitRefusal>, O::Error> {
    let malformed = || CommitRefusal::MalformedObject { kind: "commit", name: name.to_owned() };
    if !object::is_name(name) {
        return Ok(Err(malformed()));
    }
    Ok(match object::read(objects, Kind::Commit, name)? {
        Ok(Some(bytes)) => Commit::parse(name, &bytes).map(Some).ok_or_else(malformed),
        Ok(None) => Ok(None),
        Err(refusal) => Err(refusal),
    })
}

/// The reviews signed by their commit that are in the file of a commit and were not in its parent's.
fn shape<O: Objects>(
    objects: &mut O,
    child: &Commit,
    path: &str,
) -> Result<Result<BTreeMap<StatementId, Review>, CommitRefusal>, O::Error> {
    let name = || child.name.clone();
    let parent = match &child.parents[..] {
        [] => return Ok(Err(CommitRefusal::NewFile { commit: name() })),
        [one] => one,
        _ => return Ok(Err(CommitRefusal::Merge { commit: name() })),
    };
    let parent = match commit(objects, parent)? {
        Ok(Some(parent)) => parent,
        Ok(None) => return Ok(Err(CommitRefusal::Shallow { commit: name() })),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut texts = Vec::with_capacity(2);
    for (commit, absent) in [
        // Whoever makes or moves a file does not say what is in it.
        (&parent, CommitRefusal::NewFile { commit: name() }),
        (child, CommitRefusal::NotCommitted),
    ] {
        match text(objects, commit, path)? {
            Ok(Some(text)) => texts.push(text),
            Ok(None) => return Ok(Err(absent)),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    let (Some((after, after_name)), Some((before, before_name))) = (texts.pop(), texts.pop())
    else {
        return Ok(Err(CommitRefusal::NotCommitted));
    };
    let malformed = |name| CommitRefusal::MalformedObject { kind: "blob", name };
    let (old, new) = (parts(&before), parts(&after));
    // Parts that both have add nothing. The others are read, so that another layout of the same review
    // is not taken for a new one.
    let Some(gone) = reviews(old.difference(&new)) else {
        return Ok(Err(malformed(before_name)));
    };
    let Some(come) = reviews(new.difference(&old)) else {
        return Ok(Err(malformed(after_name)));
    };
    let signed = |review: &Review| review.signature.as_deref() == Some(SIGNATURE);
    let mut added = BTreeMap::new();
    for review in come.into_iter().filter(signed) {
        let id = StatementId::of(&review);
        let kept = old.intersection(&new).filter(|part| may_hold(part, &review));
        let Some(kept) = reviews(kept) else {
            return Ok(Err(malformed(before_name)));
        };
        if !gone.iter().chain(&kept).any(|there| StatementId::of(there) == id) {
            added.insert(id, review);
        }
    }
    Ok(Ok(added))
}

/// Whether a part can hold the same review in another layout: it names one of its files, or has escapes
/// that hide what it names.
fn may_hold(part: &str, review: &Review) -> bool {
    let hides = ["\\u", "\\U", "\\x"].iter().any(|escape| part.contains(escape));
    hides || review.files.first().is_some_and(|file| part.contains(&file.digest.hex()))
}

/// The text of the file in a commit, with its name.
fn text<O: Objects>(
    objects: &mut O,
    commit: &Commit,
    path: &str,
) -> Result<Judged<Option<(String, String)>>, O::Error> {
    let name = match object::file_at(objects, &commit.tree, path)? {
        Ok(Some(name)) => name,
        Ok(None) => return Ok(Ok(None)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let malformed = |name| CommitRefusal::MalformedObject { kind: "blob", name };
    Ok(match object::read(objects, Kind::Blob, &name)? {
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some((text, name))),
            Err(_) => Err(malformed(name)),
        },
        Ok(None) => Err(malformed(name)),
        Err(refusal) => Err(refusal),
    })
}

/// The parts of a file: its head, and one part a review.
fn parts(text: &str) -> BTreeSet<&str> {
    let mut parts = BTreeSet::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_end() == BLOCK {
            parts.insert(text[start..at].trim_end());
            start = at;
        }
        at += line.len();
    }
    parts.insert(text[start..].trim_end());
    parts
}

/// The reviews in parts of a file; none where one cannot be read.
fn reviews<'p>(parts: impl Iterator<Item = &'p &'p str>) -> Option<Vec<Review>> {
    let mut reviews = Vec::new();
    for part in parts {
        let read = ReviewFile::parse("reviews.toml", part.as_bytes()).ok()?;
        reviews.extend(read.iter().map(|entry| entry.review));
    }
    Some(reviews)
}
