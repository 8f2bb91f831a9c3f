//! The difference of two distributions, one file a page, what is dangerous first; as a patch that
//! `git apply` and `patch -p1` take.
//!
//! Texts are compared line by line; a line ends with a line feed and with nothing else, as in the
//! tools that read patches. Other files are named with their digests in a line that those tools pass
//! over. Which files are read is decided from the contents of both, so that a file that did not
//! change is not kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use countermark_trust::change::{ContentFile, Contents, FileKind};
use sha2::Digest as _;
use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices_deadline, group_diff_ops};

use super::{ContentsError, Distribution};
use crate::unpack::Visitor;

/// Bytes of a text that is compared by lines; a longer one is named with its digests.
const MAX_TEXT: u64 = 4 << 20;
/// Bytes of all texts of one distribution that are kept at once.
const MAX_TEXTS: u64 = 256 << 20;
/// Lines around a change.
const CONTEXT: usize = 3;
/// What a distribution says of itself, which is not among the files that are compared.
const SAYINGS: [&str; 3] = [".dist-info/METADATA", ".dist-info/entry_points.txt", "PKG-INFO"];
/// After so long the difference of one file need not be the shortest any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMove {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other bytes.
    Modified,
}

/// How soon a person should look at it; the order is that of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Runs at every start of Python.
    Start,
    /// Machine code.
    Native,
    /// Nobody can read it.
    Opaque,
    /// Runs while it is built or installed, or is a command.
    Setup,
    /// Code.
    Code,
    /// Anything else that is shipped.
    Data,
    /// Tests and documents.
    Aside,
}

/// The difference of one file: one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The path by which both are compared: without the version.
    pub path: String,
    /// What happened.
    pub moved: FileMove,
    /// How soon to look at it.
    pub danger: Danger,
    /// Lines that are new, and those that are gone; none of files that are not compared by lines.
    pub lines: Option<(usize, usize)>,
    /// The part of the patch. It holds what the files hold: escape it before it goes to a terminal.
    pub patch: Vec<u8>,
}

impl FileDiff {
    /// The patch as a terminal may show it: what would move its cursor or turn the direction of
    /// writing is shown as an escape.
    #[must_use]
    pub fn page(&self) -> String {
        let text = String::from_utf8_lossy(&self.patch);
        let mut page = String::with_capacity(text.len());
        for character in text.chars() {
            let acts = character.is_control() && !matches!(character, '\n' | '\t')
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
                || matches!(character, '\u{2060}'..='\u{2069}' | '\u{feff}');
            if acts {
                page.extend(character.escape_unicode());
            } else {
                page.push(character);
            }
        }
        page
    }
}

/// The differences of two distributions, one file after the other, what is dangerous first.
///
/// # Errors
/// When one of them cannot be read. `before` and `after` are their contents, as
/// [`read_contents`](super::read_contents) gave them.
pub fn diff(
    before: (Distribution<'_>, &Contents),
    after: (Distribution<'_>, &Contents),
) -> Result<impl Iterator<Item = FileDiff>, ContentsError> {
    let mut moved = moves(before.1, after.1);
    moved.sort_by(Moved::order);
    let mut texts = Vec::new();
    for (distribution, pick) in [(before.0, 0), (after.0, 1)] {
        let mut budget = MAX_TEXTS;
        let mut wanted = BTreeSet::new();
        // The most dangerous files first, should there be too much for all of them.
        for moved in moved.iter().filter(|moved| moved.is_text()) {
            if let Some(file) = moved.sides[pick].as_ref().filter(|it| it.size <= budget) {
                budget -= file.size;
                wanted.insert(moved.path.clone());
            }
        }
        let mut reading = Texts { distribution, wanted, found: BTreeMap::new(), current: None };
        distribution.walk(&mut reading)?;
        texts.push(reading.found);
    }
    let (mut new, mut old) = (texts.pop().unwrap_or_default(), texts.pop().unwrap_or_default());
    // They are no files of the release, but a person wants to see how they changed.
    for path in SAYINGS.iter().filter(|path| old.get(**path) != new.get(**path)) {
        moved.push(Moved::saying(path, [old.get(*path), new.get(*path)]));
    }
    moved.sort_by(Moved::order);
    Ok(moved.into_iter().map(move |moved| {
        let old = old.remove(&moved.path);
        let new = new.remove(&moved.path);
        moved.show(old, new)
    }))
}

/// The whole patch, as it is saved.
#[must_use]
pub fn patch_of(diffs: &[FileDiff]) -> Vec<u8> {
    diffs.iter().flat_map(|diff| diff.patch.iter().copied()).collect()
}

/// A file that moved.
struct Moved {
    path: String,
    danger: Danger,
    sides: [Option<ContentFile>; 2],
}

fn moves(before: &Contents, after: &Contents) -> Vec<Moved> {
    let paths: BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
    let moved = paths.into_iter().filter_map(|path| {
        let sides = [before.files.get(path), after.files.get(path)];
        let digests = sides.map(|side| side.map(|file| file.digest));
        (digests[0] != digests[1]).then(|| Moved {
            path: path.clone(),
            danger: danger(path, sides),
            sides: sides.map(Option::<&ContentFile>::cloned),
        })
    });
    moved.collect()
}

pub(super) fn danger(path: &str, sides: [Option<&ContentFile>; 2]) -> Danger {
    let kinds = || sides.iter().flatten().map(|file| file.kind);
    let has = |kind| kinds().any(|it| it == kind);
    if has(FileKind::Pth) {
        return Danger::Start;
    }
    if has(FileKind::Native) {
        return Danger::Native;
    }
    if has(FileKind::Opaque) {
        return Danger::Opaque;
    }
    let lower = path.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let name = parts.last().copied().unwrap_or_default();
    let is_setup = matches!(name, "setup.py" | "setup.cfg" | "pyproject.toml" | "conftest.py")
        && parts.len() <= 2
        || name == "entry_points.txt"
        || lower.starts_with(".data/scripts/");
    let is_aside = parts.iter().any(|part| {
        matches!(*part, "tests" | "test" | "testing" | "docs" | "doc" | "examples" | "changes")
    });
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let code = [
        "py", "pyi", "pyx", "pxd", "pxi", "c", "cc", "cpp", "h", "hpp", "rs", "go", "js", "ts",
        "sh", "bat", "ps1", "cmd", "f90", "cu", "toml", "cfg", "ini",
    ];
    if is_setup {
        Danger::Setup
    } else if is_aside {
        Danger::Aside
    } else if code.contains(&extension) {
        Danger::Code
    } else if matches!(extension, "md" | "rst" | "txt") {
        Danger::Aside
    } else {
        Danger::Data
    }
}

impl Moved {
    fn saying(path: &str, sides: [Option<&Vec<u8>>; 2]) -> Self {
        let file = |bytes: &Vec<u8>| ContentFile {
            size: bytes.len() as u64,
            digest: sha2::Sha256::digest(bytes).into(),
            kind: FileKind::Text,
        };
        let sides = sides.map(|side| side.map(file));
        Self { path: path.to_owned(), danger: Danger::Setup, sides }
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.danger, &self.path).cmp(&(other.danger, &other.path))
    }

    fn moved(&self) -> FileMove {
        match &self.sides {
            [None, _] => FileMove::Added,
            [_, None] => FileMove::Removed,
            _ => FileMove::Modified,
        }
    }

    /// Whether it may be compared by lines: text, or a program that is opaque for its long lines.
    fn is_text(&self) -> bool {
        let sides = self.sides.iter().flatten();
        sides.clone().all(|file| {
            let may_be = match file.kind {
                FileKind::Text | FileKind::Pth | FileKind::Opaque => true,
                FileKind::Native | FileKind::Binary => false,
            };
            may_be && file.size <= MAX_TEXT
        })
    }

    fn show(self, old: Option<Vec<u8>>, new: Option<Vec<u8>>) -> FileDiff {
        let moved = self.moved();
        let expected = self.sides.iter().flatten().count();
        let found = old.iter().chain(&new);
        let has_all = found.clone().count() == expected;
        // What git takes for text: no zero byte.
        let is_text = has_all && found.clone().all(|bytes| !bytes.contains(&0));
        let (lines, patch) = if is_text {
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            let (counts, patch) = text_patch(&self.path, moved, &old, &new);
            (Some(counts), patch)
        } else {
            (None, self.named())
        };
        FileDiff { path: self.path, moved, danger: self.danger, lines, patch }
    }

    /// A line that the readers of patches pass over.
    fn named(&self) -> Vec<u8> {
        let side = |file: &Option<ContentFile>| match file {
            None => "none".to_owned(),
            Some(file) => {
                let mut digest = String::with_capacity(64);
                for byte in file.digest {
                    let _ = write!(digest, "{byte:02x}");
                }
                format!("{} bytes, sha256 {digest}", file.size)
            }
        };
        let what = match self.moved() {
            FileMove::Added => "added",
            FileMove::Removed => "removed",
            FileMove::Modified => "modified",
        };
        let [old, new] = &self.sides;
        let path = quoted(&self.path);
        format!(
            "# {what}, not shown: {path}\n#   before: {}\n#   after:  {}\n",
            side(old),
            side(new)
        )
        .into_bytes()
    }
}

/// A patch of one text file, with the number of new lines and of those that are gone.
fn text_patch(path: &str, moved: FileMove, old: &[u8], new: &[u8]) -> ((usize, usize), Vec<u8>) {
    let (a, b) = (quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
    let mut patch = format!("diff --git {a} {b}\n").into_bytes();
    match moved {
        FileMove::Added => patch.extend_from_slice(b"new file mode 100644\n"),
        FileMove::Removed => patch.extend_from_slice(b"deleted file mode 100644\n"),
        FileMove::Modified => {}
    }
    let (old, new) = (lines_of(old), lines_of(new));
    if old.is_empty() && new.is_empty() {
        // An empty file has no hunk, and git wants the blobs of it; the header is enough.
        return ((0, 0), patch);
    }
    // A tab ends a name with blanks for those readers that would end it at the first of them.
    let end = if path.contains(' ') && !a.starts_with('"') { "\t" } else { "" };
    let from = if moved == FileMove::Added { "/dev/null".to_owned() } else { a + end };
    let to = if moved == FileMove::Removed { "/dev/null".to_owned() } else { b + end };
    patch.extend_from_slice(format!("--- {from}\n+++ {to}\n").as_bytes());
    let deadline = Instant::now().checked_add(PATIENCE);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline);
    let mut counts = (0, 0);
    for group in group_diff_ops(ops, CONTEXT) {
        hunk(&group, &old, &new, &mut counts, &mut patch);
    }
    (counts, patch)
}

/// Lines with their line feeds; the last one may have none.
fn lines_of(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn hunk(
    group: &[DiffOp],
    old: &[&[u8]],
    new: &[&[u8]],
    counts: &mut (usize, usize),
    patch: &mut Vec<u8>,
) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let range = |start: usize, end: usize| {
        // An empty range is told by the line before it.
        let line = if start == end { start } else { start + 1 };
        format!("{line},{}", end - start)
    };
    let header = format!(
        "@@ -{} +{} @@\n",
        range(first.old_range().start, last.old_range().end),
        range(first.new_range().start, last.new_range().end),
    );
    patch.extend_from_slice(header.as_bytes());
    let mut put = |sign: u8, line: &[u8]| {
        patch.push(sign);
        patch.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            patch.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    };
    for op in group {
        let (tag, was, is) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            old[was].iter().for_each(|line| put(b' ', line));
            continue;
        }
        counts.0 += is.len();
        counts.1 += was.len();
        old[was].iter().for_each(|line| put(b'-', line));
        new[is].iter().for_each(|line| put(b'+', line));
    }
}

/// A name as git writes it: in quotes with escapes where it has bytes that could mislead.
fn quoted(path: &str) -> String {
    let plain = |byte: u8| (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\');
    if path.bytes().all(plain) {
        return path.to_owned();
    }
    let mut quoted = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            byte if plain(byte) => quoted.push(char::from(byte)),
            byte => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Keeps the wanted files.
struct Texts<'a> {
    distribution: Distribution<'a>,
    wanted: BTreeSet<String>,
    found: BTreeMap<String, Vec<u8>>,
    current: Option<(String, Vec<u8>)>,
}

impl Visitor for Texts<'_> {
    fn begin(&mut self, path: &str, size: u64) -> bool {
        let (path, _) = self.distribution.path(path);
        // The size of a wanted file was seen when the contents were read, of the same bytes.
        let says = SAYINGS.contains(&path.as_str()) && size <= MAX_TEXT;
        self.current = (says || self.wanted.contains(&path)).then(|| (path, Vec::new()));
        self.current.is_some()
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some((_, kept)) = &mut self.current {
            kept.extend_from_slice(bytes);
        }
    }

    fn end(&mut self) {
        self.found.extend(self.current.take());
    }
}
