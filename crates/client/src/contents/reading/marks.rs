//! Which pages somebody has read: kept in the private state folder, for each pair of distributions by
//! their digests.
//!
//! A mark holds for a path with the bytes that were read. It is a bookmark and no review: nothing but the
//! display asks for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use countermark_report::harmless::harmless;
use countermark_trust::Class;
use sha2::{Digest as _, Sha256};

use super::{Page, Reading};
use crate::system::replace_file;

/// The first line of a file of marks.
const HEAD: &str = "countermark read marks 1";
/// Bytes of a file of marks.
const MAX_FILE: u64 = 32 << 20;
/// Bytes of a path that is written beside its mark, for people.
const MAX_PATH: usize = 200;

/// Marks cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("what was read cannot be kept in `{}`", path.display())]
pub struct MarksError {
    path: PathBuf,
    source: io::Error,
}

impl MarksError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Unavailable
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "inspect-marks"
    }
}

/// What was read of one reading.
#[derive(Debug)]
pub struct Marks {
    path: PathBuf,
    /// The key of each page that was read, with its path.
    read: BTreeMap<String, String>,
}

impl Marks {
    /// The marks of a reading; none where none can be read, for they are only bookmarks.
    #[must_use]
    pub fn open(state: &Path, reading: &Reading) -> Self {
        let names: Vec<String> = reading.sides.iter().map(|side| side.sha256.hex()).collect();
        let path = state.join("inspect").join(format!("{}.read", names.join("-")));
        let text = read(&path).unwrap_or_default();
        let lines =
            text.strip_prefix(HEAD).and_then(|text| text.strip_prefix('\n')).unwrap_or_default();
        let pair = |line: &str| {
            let (key, path) = line.split_once(' ')?;
            let is_key = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_key.then(|| (key.to_owned(), path.to_owned()))
        };
        Self { path, read: lines.lines().filter_map(pair).collect() }
    }

    /// Whether a page was read.
    #[must_use]
    pub fn is_read(&self, page: &Page) -> bool {
        self.read.contains_key(&key(page))
    }

    /// Keeps that a page was read, or that it was not.
    ///
    /// # Errors
    /// When it cannot be written; then it only holds for now.
    pub fn set(&mut self, page: &Page, is_read: bool) -> Result<(), MarksError> {
        if is_read {
            let path: String = harmless(&page.path).chars().take(MAX_PATH).collect();
            self.read.insert(key(page), path);
        } else {
            self.read.remove(&key(page));
        }
        let mut text = format!("{HEAD}\n");
        for (key, path) in &self.read {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key} {path}");
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| replace_file(&self.path, text.as_bytes()));
        written.map_err(|source| MarksError { path: self.path.clone(), source })
    }

    /// How many pages were read, and the lines of the others.
    #[must_use]
    pub fn progress(&self, reading: &Reading) -> (usize, usize) {
        reading.pages.iter().fold((0, 0), |(read, left), page| {
            if self.is_read(page) { (read + 1, left) } else { (read, left + page.lines()) }
        })
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn key(page: &Page) -> String {
    let mut hasher = Sha256::new();
    for content in [&page.old, &page.new] {
        hasher.update([u8::from(content.is_some())]);
        hasher.update(content.as_ref().map_or([0; 32], |content| content.sha256));
    }
    hasher.update(page.path.as_bytes());
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
