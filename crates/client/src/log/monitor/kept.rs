//! How far the entries of a log were read for some names, and what was found of them.
//!
//! ```text
//! countermark-log-monitor 1
//! size <entries that were read>
//! edge <hash of a perfect subtree>           one a line, the largest first
//! entry <number> <record in base64>          of the names that are watched, in the order of the log
//! end <BLAKE3 of everything before>
//! ```
//!
//! The edge is all that is needed to go on: whatever root follows from it and from later entries has to be
//! the one that is signed, so that going on also proves that what was read is still there. Other names
//! have another file: of theirs nothing was kept. What is damaged is as good as none, and everything is
//! read again.

use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_tlog::frontier::Frontier;
use countermark_tlog::hash::Hash;
use countermark_trust::log::record::Observation;

use crate::log::state::State;

const HEADER: &str = "countermark-log-monitor 1";

/// Records of watched names that are kept. Nobody watches that many; a log that invents them stops there.
pub(super) const MAX_FILES: usize = 500_000;

/// Longer than that many lines of the usual form.
const MAX_BYTES: u64 = 256 << 20;

/// An entry about a watched name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) index: u64,
    pub(super) record: Observation,
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
            files.push(parse_entry(line)?);
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
    for Known { index, record } in &progress.files {
        let _ = writeln!(text, "entry {index} {}", STANDARD.encode(record.text()));
    }
    let _ = writeln!(text, "end {}", blake3::hash(text.as_bytes()).to_hex());
    state.write(name, &text)
}

fn parse_entry(line: &str) -> Option<Known> {
    let (index, record) = line.strip_prefix("entry ")?.split_once(' ')?;
    let record = Observation::parse(&STANDARD.decode(record).ok()?).ok()?;
    Some(Known { index: index.parse().ok()?, record })
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
        let text = format!(
            "observation/v1\nproject a\nfile a-1.tar.gz\ndigest sha256:{}\nsize -\nuploaded -\n\
             observer index:example.org/crawler\nfirst-seen 2026-11-22T08:00:00Z\n",
            "ab".repeat(32)
        );
        let record = Observation::parse(text.as_bytes()).unwrap();
        progress.files.push(Known { index: 7, record });
        write(&state, "m", &progress).unwrap();
        let back = read(&state, "m").unwrap();
        assert_eq!((&back.frontier, &back.files), (&progress.frontier, &progress.files));
        let text = state.read("m", MAX_BYTES).unwrap().unwrap();
        for (from, to) in [
            ("size 13", "size 12"),
            ("entry 7", "entry 8"),
            ("end ", "end 0"),
            ("\nedge", "\nEdge"),
        ] {
            state.write("m", &text.replacen(from, to, 1)).unwrap();
            assert!(read(&state, "m").is_none(), "{from}");
        }
        assert!(read(&state, "other").is_none());
    }
}
