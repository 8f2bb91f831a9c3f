//! What is kept of a log between runs, in the private state folder.
//!
//! ```text
//! <state>/log/<digest of the origin>/seen       the last checkpoint, a signed note
//!                                    answers    what was proved of files, see `answers`
//!                                    monitor    how far entries were read, see `monitor`
//! <state>/evidence/<what>-<digest>.json          what convicts somebody
//! ```
//!
//! Several processes share it: whoever changes `seen` holds the lock of the folder from before it reads
//! until after it renames, so that no run goes back behind what another one saw. A file appears whole or
//! not at all. The folder is this user's alone, or [`Store`](crate::store::Store) puts another one in
//! its place; losing it costs the protection against a log that forgets, until the next look.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{read_bounded, write_renamed};
use crate::system::fs::{FlockOperation, flock};
use crate::system::unix::fs::DirBuilderExt as _;

/// No signed note is longer.
const MAX_NOTE: u64 = 1 << 20;

/// The folder of one log.
#[derive(Clone, Debug)]
pub(super) struct State {
    folder: PathBuf,
    evidence: PathBuf,
}

/// Held while the last checkpoint is compared and replaced.
#[derive(Debug)]
pub(super) struct Turn {
    _folder: File,
}

impl State {
    /// The folder of the log with this origin, made when it is not there.
    ///
    /// # Errors
    /// When the file system says no.
    pub(super) fn open(state: &Path, origin: &str) -> io::Result<Self> {
        let name = blake3::hash(origin.as_bytes()).to_hex();
        let name = name.as_str().get(..32).unwrap_or_default();
        let folder = state.join("log").join(name);
        make_private(&folder)?;
        Ok(Self { folder, evidence: state.join("evidence") })
    }

    /// Waits until no other run compares or replaces the last checkpoint.
    ///
    /// # Errors
    /// When the folder cannot be locked.
    pub(super) fn turn(&self) -> io::Result<Turn> {
        let folder = File::open(&self.folder)?;
        flock(&folder, FlockOperation::LockExclusive)?;
        Ok(Turn { _folder: folder })
    }

    /// A file of this folder; `None` when it is not there.
    ///
    /// # Errors
    /// When it is too long, no text, or cannot be read.
    pub(super) fn read(&self, name: &str, limit: u64) -> io::Result<Option<String>> {
        match read_bounded(&self.folder.join(name), limit) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a file of this folder.
    ///
    /// # Errors
    /// When the file system says no; what was there is still there.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        write_renamed(&self.folder, &self.folder.join(name), text.as_bytes())
    }

    /// The last checkpoint, as it was signed.
    ///
    /// # Errors
    /// When it is there and cannot be read: to go on without it would be to forget it.
    pub(super) fn seen(&self) -> io::Result<Option<String>> {
        self.read("seen", MAX_NOTE)
    }

    /// Replaces the last checkpoint. The caller holds the [`Turn`] in which it compared the two.
    ///
    /// # Errors
    /// When the file system says no.
    pub(super) fn remember(&self, _turn: &Turn, note: &str) -> io::Result<()> {
        self.write("seen", note)
    }

    /// Saves what convicts somebody, and says where.
    ///
    /// # Errors
    /// When the file system says no.
    pub(super) fn save_evidence(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        make_private(&self.evidence)?;
        let path = self.evidence.join(name);
        write_renamed(&self.evidence, &path, bytes)?;
        Ok(path)
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_origin_has_its_own_memory() {
        let folder = tempfile::tempdir().unwrap();
        let one = State::open(folder.path(), "log.example.org/one").unwrap();
        let two = State::open(folder.path(), "log.example.org/two").unwrap();
        assert_eq!(one.seen().unwrap(), None);
        let turn = one.turn().unwrap();
        one.remember(&turn, "a note\n").unwrap();
        drop(turn);
        assert_eq!(one.seen().unwrap().as_deref(), Some("a note\n"));
        assert_eq!(two.seen().unwrap(), None);
        let again = State::open(folder.path(), "log.example.org/one").unwrap();
        assert_eq!(again.seen().unwrap().as_deref(), Some("a note\n"));
    }

    #[test]
    fn a_memory_that_cannot_be_read_is_not_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), "log.example.org").unwrap();
        fs::create_dir(state.folder.join("seen")).unwrap();
        state.seen().unwrap_err();
        fs::remove_dir(state.folder.join("seen")).unwrap();
        fs::write(state.folder.join("seen"), vec![b'x'; MAX_NOTE as usize + 1]).unwrap();
        state.seen().unwrap_err();
    }

    #[test]
    fn evidence_lies_beside_the_memories_of_all_logs() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), "log.example.org").unwrap();
        let path = state.save_evidence("fork-1.json", b"{}").unwrap();
        assert_eq!(path, folder.path().join("evidence/fork-1.json"));
        assert_eq!(fs::read(path).unwrap(), b"{}");
    }
}
