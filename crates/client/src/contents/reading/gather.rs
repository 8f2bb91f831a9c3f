//! From distributions to pages.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use countermark_ledger::danger::{self, Look};
use countermark_packaging::digest;
use countermark_trust::change::{ContentFile, Contents, FileKind, KindReader};
use sha2::{Digest as _, Sha256};
use similar::DiffOp;

use super::{Content, Page, Reading, Side, marks, rows};
use crate::contents::diff::danger as danger_of;
use crate::contents::{ContentsError, Danger, Distribution, FileMove, read_contents};
use crate::unpack::Visitor;

/// Bytes of a text that is shown.
const MAX_TEXT: u64 = 4 << 20;
/// Bytes of all texts of one distribution that are kept at once.
const MAX_TEXTS: u64 = 256 << 20;
/// After so long the difference of one file need not be the shortest any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// A whole release.
///
/// # Errors
/// When it cannot be read.
pub fn whole(
    distribution: Distribution<'_>,
    sha256: digest::Sha256,
) -> Result<Reading, ContentsError> {
    let contents = read_contents(distribution)?;
    let found = read(distribution, &contents, None)?;
    let page = |(path, (content, look)): (String, (Content, Look))| Page {
        place: place(&path, [None, Some(&content)]),
        moved: None,
        left_out: look.left_out,
        marks: marks(look, None, None),
        old: None,
        new: Some(content),
        ops: Vec::new(),
        path,
    };
    let sides = vec![Side { filename: distribution.filename.to_owned(), sha256 }];
    Ok(sorted(sides, found.into_iter().map(page).collect()))
}

/// The difference of two.
///
/// # Errors
/// When one of them cannot be read.
pub fn difference(
    before: (Distribution<'_>, digest::Sha256),
    after: (Distribution<'_>, digest::Sha256),
) -> Result<Reading, ContentsError> {
    let contents = [read_contents(before.0)?, read_contents(after.0)?];
    let [old, new] = &contents;
    let paths: BTreeSet<&String> = old.files.keys().chain(new.files.keys()).collect();
    let digest = |side: &Contents, path: &String| side.files.get(path).map(|file| file.digest);
    let same: BTreeSet<String> =
        paths.into_iter().filter(|path| digest(old, path) == digest(new, path)).cloned().collect();
    let mut was = read(before.0, old, Some(&same))?;
    let is = read(after.0, new, Some(&same))?;
    let mut pages: Vec<Page> = Vec::new();
    for (path, (content, look)) in is {
        let old = was.remove(&path);
        // What a release says of itself is read on both sides, whether it moved or not.
        if old.as_ref().is_some_and(|(old, _)| old.sha256 == content.sha256) {
            continue;
        }
        pages.push(moved(path, old, Some((content, look))));
    }
    pages.extend(was.into_iter().map(|(path, old)| moved(path, Some(old), None)));
    let side = |side: (Distribution<'_>, digest::Sha256)| Side {
        filename: side.0.filename.to_owned(),
        sha256: side.1,
    };
    Ok(sorted(vec![side(before), side(after)], pages))
}

fn sorted(sides: Vec<Side>, mut pages: Vec<Page>) -> Reading {
    pages.sort_by(|a, b| a.order().cmp(&b.order()));
    Reading { sides, pages }
}

type Found = (Content, Look);

fn moved(path: String, old: Option<Found>, new: Option<Found>) -> Page {
    let (old, before) = old.unzip();
    let (new, after) = new.unzip();
    let text = |content: &Option<Content>| content.as_ref().map(|it| it.text.clone());
    let ops = match (text(&old), text(&new)) {
        (Some(None), _) | (_, Some(None)) => Vec::new(),
        (old, new) => {
            let deadline = Instant::now().checked_add(PATIENCE);
            rows::compare(
                &old.flatten().unwrap_or_default(),
                &new.flatten().unwrap_or_default(),
                deadline,
            )
        }
    };
    let changed: BTreeSet<usize> = ops
        .iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .flat_map(|op| op.new_range().map(|line| line + 1))
        .collect();
    let look = after.unwrap_or_default();
    let is_shown = [&old, &new].into_iter().flatten().all(|content| content.text.is_some());
    Page {
        place: place(&path, [old.as_ref(), new.as_ref()]),
        moved: Some(match (&old, &new) {
            (None, _) => FileMove::Added,
            (_, None) => FileMove::Removed,
            _ => FileMove::Modified,
        }),
        left_out: look.left_out,
        marks: marks(look, before.as_ref(), is_shown.then_some(&changed)),
        old,
        new,
        ops,
        path,
    }
}

fn place(path: &str, sides: [Option<&Content>; 2]) -> Danger {
    let file = |content: &Content| ContentFile {
        size: content.size,
        digest: content.sha256,
        kind: content.kind,
    };
    let [old, new] = sides.map(|side| side.map(file));
    danger_of(path, [old.as_ref(), new.as_ref()])
}

/// The files of a distribution but for those that are the same on the other side.
fn read(
    distribution: Distribution<'_>,
    contents: &Contents,
    same: Option<&BTreeSet<String>>,
) -> Result<BTreeMap<String, Found>, ContentsError> {
    // The most dangerous files first, should there be too much for all of them.
    let mut files: Vec<_> = contents
        .files
        .iter()
        .filter(|(_, file)| {
            file.size <= MAX_TEXT && !matches!(file.kind, FileKind::Native | FileKind::Binary)
        })
        .filter(|(path, _)| same.is_none_or(|same| !same.contains(*path)))
        .collect();
    files.sort_by_key(|(path, file)| (danger_of(path, [None, Some(file)]), *path));
    let mut budget = MAX_TEXTS;
    let mut kept = BTreeSet::new();
    for (path, file) in files {
        if file.size <= budget {
            budget -= file.size;
            kept.insert(path.as_str());
        }
    }
    let mut reading =
        Texts { distribution, contents, same, kept, found: BTreeMap::new(), current: None };
    distribution.walk(&mut reading)?;
    Ok(reading.found)
}

struct Texts<'a> {
    distribution: Distribution<'a>,
    contents: &'a Contents,
    same: Option<&'a BTreeSet<String>>,
    kept: BTreeSet<&'a str>,
    found: BTreeMap<String, Found>,
    current: Option<Current>,
}

struct Current {
    path: String,
    kind: KindReader,
    hasher: Sha256,
    size: u64,
    /// As many as are looked into.
    bytes: Vec<u8>,
}

impl Visitor for Texts<'_> {
    fn begin(&mut self, path: &str, _size: u64) -> bool {
        let (path, _) = self.distribution.path(path);
        let is_same = self.same.is_some_and(|same| same.contains(&path));
        self.current = (!is_same).then(|| Current {
            kind: KindReader::new(&path),
            path,
            hasher: Sha256::new(),
            size: 0,
            bytes: Vec::new(),
        });
        self.current.is_some()
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Some(current) = &mut self.current else { return };
        current.kind.update(bytes);
        current.hasher.update(bytes);
        current.size += bytes.len() as u64;
        let room = (danger::MAX_BYTES + 1).saturating_sub(current.bytes.len());
        current.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end(&mut self) {
        let Some(current) = self.current.take() else { return };
        let kind = current.kind.finish();
        let file = danger::File { path: &current.path, kind, bytes: Some(&current.bytes) };
        let look = danger::look(&file);
        // What a release says of itself is small and not among its files.
        let is_kept = self.kept.contains(current.path.as_str())
            || !self.contents.files.contains_key(&current.path) && current.size <= MAX_TEXT;
        let is_text = is_kept
            && !matches!(kind, FileKind::Native | FileKind::Binary)
            && !current.bytes.contains(&0);
        let content = Content {
            size: current.size,
            sha256: current.hasher.finalize().into(),
            kind,
            text: is_text.then(|| text(&current.bytes)),
        };
        self.found.insert(current.path, (content, look));
    }
}

/// Bytes that are no UTF-8 as escapes, so that they can be seen.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}
