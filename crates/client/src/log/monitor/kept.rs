//! How far the entries of a log were read for some names, and what was found of them.
//!
//! ```text
//! countermark-log-monitor 1
//! size <entries that were read>
//! edge <hash of a perfect subtree>           one a line, the largest first
//! file <name> <digest> <observer> <number>   of the names that are watched, in the order of the log
//! end <BLAKE3 of everything before>
//! ```
//!
//! The edge is all that is needed to go on: whatever root follows from it and from later entries has to be
//! the one that is signed, so that going on also proves that what was read is still there. Other names
//! have another file: of theirs nothing was kept. What is damaged is as good as none, and everything is
//! read again.

use std::fmt::Write as _;
use std::io;

use countermark_packaging::digest::Digest;
use countermark_tlog::frontier::Frontier;
use countermark_tlog::hash::Hash;
use countermark_trust::log::record::{Observation, Observer};

use crate::log::state::State;

const HEADER: &str = "countermark-log-monitor 1";

/// Records of watched names that are kept. Nobody watches that many; a log that invents them stops there.
pub(super) const MAX_FILES: usize = 500_000;

/// Longer than that many lines of the usual form.
const MAX_BYTES: u64 = 256 << 20;

/// What was seen of a file of a watched name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) file: String,
    pub(super) digest: Digest,
    pub(super) observer: Observer,
    pub(super) index: u64,
}

impl Known {
    pub(super) fn of(index: u64, record: &Observation) -> Self {
        Self {
            file: record.file().to_owned(),
            digest: record.digest().clone(),
            observer: record.observer().clone(),
            index,
        }
    }
}

/// How far was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) frontier: Frontier,
    pub(super) files: Vec<Known>,
}

/// The name of the file for these names, which are sorted and each there once.
pub(super) fn name(watched: &[String]) -> String {
    let digest = blake3::hash(watched.join("\n").as_bytes()).to_hex();
    format!("monitor-{}", digest.as_str().get(..16).unwrap_or_default())
}

/// How far was read before; none where nothing was, or it cannot be used.
pub(super) fn read(state: &State, name: &str) -> Option<Progress> {
    let text = state.read(name, MAX_BYTES).ok()??;
    let body = text.strip_suffix('\n')?;
    let end = body.rfind('\n')? + 1;
    let sum = body.get(end..)?.strip_prefix("end ")?;
    let before = text.get(..end)?;
    if sum != blake3::hash(before.as_bytes()).to_hex().as_str() {
        return None;
    }
    let mut lines = before.lines();
    if lines.next()? != HEADER {
        return None;
    }
    let size: u64 = lines.next()?.strip_prefix("size ")?.parse().ok()?;
    let (mut edge, mut files) = (Vec::new(), Vec::new());
    for line in lines {
        if let Some(hash) = line.strip_prefix("edge ") {
            edge.push(Hash::from_base64(hash).ok()?);
        } else {
            files.push(parse_file(line)?);
        }
    }
    Some(Progress { frontier: Frontier::from_parts(size, &edge).ok()?, files })
}

/// Keeps how far was read, after it was verified.
///
/// # Errors
/// When the file system says no.
pub(super) fn write(state: &State, name: &str, progress: &Progress) -> io::Result<()> {
    let mut text = format!("{HEADER}\nsize {}\n", progress.frontier.size());
    for hash in progress.frontier.parts() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "edge {}", hash.to_base64());
    }
    for Known { file, digest, observer, index } in &progress.files {
        let _ = writeln!(text, "file {file} {digest} {observer} {index}");
    }
    let _ = writeln!(text, "end {}", blake3::hash(text.as_bytes()).to_hex());
    state.write(name, &text)
}

fn parse_file(line: &str) -> Option<Known> {
    // Neither names of files nor observers have a space.
    let mut parts = line.strip_prefix("file ")?.split(' ');
    let file = parts.next()?.to_owned();
    let digest = Digest::parse(parts.next()?).ok()?;
    let observer = Observer::parse(parts.next()?).ok()?;
    let index = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(Known { file, digest, observer, index })
}

#[cfg(test)]
mod tests {
    use countermark_tlog::hash::leaf_hash;

    use super::*;

    #[test]
    fn what_was_read_comes_back_and_damage_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), "log").unwrap();
        assert_eq!(name(&["a".into()]).len(), "monitor-".len() + 16);
        assert_ne!(name(&["a".into(), "b".into()]), name(&["a".into()]));
        let mut progress = Progress::default();
        for entry in 0..13_u8 {
            progress.frontier.append(leaf_hash(&[entry]), &mut |_, _, _| ());
        }
        progress.files.push(Known {
            file: "a-1.tar.gz".to_owned(),
            digest: Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap(),
            observer: Observer::parse("index:example.org/crawler").unwrap(),
            index: 7,
        });
        write(&state, "m", &progress).unwrap();
        let back = read(&state, "m").unwrap();
        assert_eq!((&back.frontier, &back.files), (&progress.frontier, &progress.files));
        let text = state.read("m", MAX_BYTES).unwrap().unwrap();
        for (from, to) in
            [("size 13", "size 12"), (" 7\n", " 8\n"), ("end ", "end 0"), ("\nedge", "\nEdge")]
        {
            state.write("m", &text.replacen(from, to, 1)).unwrap();
            assert!(read(&state, "m").is_none(), "{from}");
        }
        assert!(read(&state, "other").is_none());
    }
}
