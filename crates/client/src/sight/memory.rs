//! What this user's machine has hashed: one file in the private state folder, read at once.
//!
//! ```text
//! countermark-sight 1
//! <key> <SHA-256> <bytes> <tree digest or ->      oldest first
//! end <BLAKE3 of everything before>
//! ```
//!
//! The key is a digest over the address of the file (without userinfo, fragment and query), its
//! name, and everything that the index claims of it; so the file names no index and no project, and
//! a changed claim is asked about again. Only what agreed with a strong claim is remembered. The
//! state folder is this user's alone, or [`Store`](crate::store::Store) puts another one in its
//! place. A file that is damaged, too long or of another version is as good as none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_trust::tree::TreeDigest;
use url::Url;

use super::one::claimed_sha256;
use crate::store::{read_bounded, write_renamed};
use crate::system::fs::{FlockOperation, flock};

const NAME: &str = "sight";
const HEADER: &str = "countermark-sight 1";

/// Files that are remembered; the oldest are forgotten first.
const MAX_LINES: usize = 20_000;

/// Longer than that many lines of the longest form.
const MAX_BYTES: u64 = 6 << 20;

/// Hexadecimal digits of a key.
const KEY_LENGTH: usize = 64;

/// Names a file under a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Sha256);

impl Key {
    /// `None` for a file of which no strong digest is claimed: it may be another one tomorrow.
    pub(super) fn of(file: &ReleaseFile) -> Option<Self> {
        if !file.digests.iter().any(|digest| digest.algorithm().is_strong()) {
            return None;
        }
        let mut url = Url::parse(&file.url).ok()?;
        // Both fail only for addresses that cannot have userinfo.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        url.set_query(None);
        let claims: BTreeSet<&Digest> = file.digests.iter().collect();
        let mut text = format!("{url}\n{}\n", file.filename.as_str());
        for claim in claims {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{claim}");
        }
        let _ = writeln!(text, "{:?}", file.size);
        Some(Self(Sha256(*blake3::hash(text.as_bytes()).as_bytes())))
    }
}

/// What was computed over bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
    /// Of wheels that were unpacked.
    pub(crate) tree: Option<TreeDigest>,
}

impl Remembered {
    /// Whether this can be what was remembered under these claims: it was compared then.
    pub(super) fn agrees_with(&self, file: &ReleaseFile) -> bool {
        claimed_sha256(file).is_none_or(|claim| claim == self.sha256)
            && file.size.is_none_or(|size| size == self.size)
    }
}

/// The part of the memory that was asked for.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<Key, Remembered>);

impl Memory {
    /// What is remembered under these keys.
    pub(super) fn read(state: &Path, wanted: &BTreeSet<Key>) -> Self {
        if wanted.is_empty() {
            return Self::default();
        }
        let wanted: BTreeMap<String, Key> = wanted.iter().map(|key| (key.0.hex(), *key)).collect();
        let Some(text) = read_whole(state) else { return Self::default() };
        let known = lines(&text).filter_map(|line| {
            let key = wanted.get(line.get(..KEY_LENGTH)?)?;
            Some((*key, parse(line.get(KEY_LENGTH..)?)?))
        });
        Self(known.collect())
    }

    pub(super) fn get(&self, key: Key) -> Option<Remembered> {
        self.0.get(&key).copied()
    }
}

/// Adds to the memory. Runs at the same time wait for each other, for as long as one small file
/// takes.
///
/// # Errors
/// When the file system says no.
pub(super) fn remember(state: &Path, news: &[(Key, Remembered)]) -> io::Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let folder = File::open(state)?;
    flock(&folder, FlockOperation::LockExclusive)?;
    let fresh: BTreeMap<String, Remembered> =
        news.iter().map(|(key, known)| (key.0.hex(), *known)).collect();
    let before = read_whole(state).unwrap_or_default();
    let kept: Vec<&str> = lines(&before)
        .filter(|line| line.get(..KEY_LENGTH).is_some_and(|key| !fresh.contains_key(key)))
        .collect();
    let excess = (kept.len() + fresh.len()).saturating_sub(MAX_LINES).min(kept.len());
    let mut text = format!("{HEADER}\n");
    for line in &kept[excess..] {
        text.push_str(line);
        text.push('\n');
    }
    for (key, known) in fresh.iter().take(MAX_LINES) {
        text.push_str(&render(key, known));
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "end {}", blake3::hash(text.as_bytes()).to_hex());
    write_renamed(state, &path(state), text.as_bytes())
}

fn path(state: &Path) -> PathBuf {
    state.join(NAME)
}

/// The whole file, if it is what was written last.
fn read_whole(state: &Path) -> Option<String> {
    let text = read_bounded(&path(state), MAX_BYTES).ok()?;
    let body = text.strip_suffix('\n')?;
    let end = body.rfind('\n')? + 1;
    let sum = body.get(end..)?.strip_prefix("end ")?;
    let found = blake3::hash(text.get(..end)?.as_bytes()).to_hex();
    (sum == found.as_str() && text.starts_with(HEADER)).then_some(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().skip(1).filter(|line| !line.starts_with("end "))
}

fn render(key: &str, known: &Remembered) -> String {
    let Remembered { sha256, size, tree } = known;
    let tree = tree.map_or_else(|| "-".to_owned(), |tree| Sha256(tree.0).hex());
    format!("{key} {} {size} {tree}\n", sha256.hex())
}

fn parse(line: &str) -> Option<Remembered> {
    let mut parts = line.strip_prefix(' ')?.split(' ');
    let sha256 = Sha256::parse_hex(parts.next()?).ok()?;
    let size = parts.next()?.parse().ok()?;
    let tree = match parts.next()? {
        "-" => None,
        hex => Some(TreeDigest(Sha256::parse_hex(hex).ok()?.0)),
    };
    parts.next().is_none().then_some(Remembered { sha256, size, tree })
}
