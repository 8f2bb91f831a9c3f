//! Puts a ledger that was fetched into ours: all of it or nothing, whenever the run ends.
//!
//! Our `ledger.toml` has the digests of an import's files, so both must change in one step, and no
//! file system changes several files at once. The new files are written into a folder beside the old
//! ones; then `ledger.toml` is replaced, which is the moment of the change; then the new files take the
//! places of the old ones. A run that ends before the moment leaves files that nobody looks at; one that
//! ends after it leaves files that [`read`] still finds by their digest, and the next run puts them in
//! their place. Nothing is ever used that has not the digest in `ledger.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use countermark_packaging::digest::Sha256;
use countermark_trust::Class;
use sha2::Digest as _;

use crate::ledger::folder::{Folder, Held, IMPORTS};
use crate::report::Problem;

/// Where new files wait, in the folder of an import. No file of a ledger begins with a point.
const NEXT: &str = ".next";

/// Puts the files of an import and the new text of our `ledger.toml` in their places. Files of the import
/// that are not among these stay.
///
/// # Errors
/// When the text is none, or the file system says no; then nothing changed.
pub fn store(
    held: &Held<'_>,
    import: &str,
    files: &[(&str, &[u8])],
    ledger: &str,
) -> Result<(), Vec<Problem>> {
    let next = next(held.folder(), import);
    discard(&next).map_err(|error| vec![failed(&next, &error)])?;
    for (name, bytes) in files {
        let staged = held.write(&format!("{IMPORTS}/{import}/{NEXT}/{name}"), bytes);
        staged.map_err(|problem| vec![*problem])?;
    }
    held.write_ledger(ledger)?;
    // Whatever fails from here on is finished by the next run.
    put_in_place(held.folder(), import).map_err(|error| vec![failed(&next, &error)])
}

/// Takes an import out: first out of our `ledger.toml`, then its files.
///
/// # Errors
/// When the file system says no.
pub fn remove(held: &Held<'_>, import: &str, ledger: &str) -> Result<(), Vec<Problem>> {
    held.write_ledger(ledger)?;
    let folder = held.folder().path().join(IMPORTS).join(import);
    discard(&folder).map_err(|error| vec![failed(&folder, &error)])
}

/// Finishes what a run that ended too early left for an import: its new files take their places where
/// `ledger.toml` has their digests, and go where it has not.
///
/// # Errors
/// When the file system says no.
pub fn settle(
    held: &Held<'_>,
    import: &str,
    recorded: &[(&str, Sha256)],
) -> Result<(), Vec<Problem>> {
    let next = next(held.folder(), import);
    if !next.is_dir() {
        return Ok(());
    }
    let is_recorded = |(name, digest): &(&str, Sha256)| {
        let here = held.folder().path().join(IMPORTS).join(import).join(name);
        has_digest(&next.join(name), digest) || has_digest(&here, digest)
    };
    // The moment has come when all that is recorded is in one of the two places.
    let finished = if recorded.iter().all(is_recorded) {
        put_recorded(held.folder(), import, recorded).and_then(|()| discard(&next))
    } else {
        discard(&next)
    };
    finished.map_err(|error| vec![failed(&next, &error)])
}

/// The bytes of a file of an import that have the recorded digest, where a run that ended too early left
/// them; none where there are none.
#[must_use]
pub fn read(folder: &Folder, import: &str, name: &str, expected: &Sha256) -> Option<Vec<u8>> {
    let path = next(folder, import).join(name);
    let limit = super::MAXIMUM_REVIEWS;
    let file = path.is_file().then(|| super::read_file(&path, limit).ok()).flatten()?;
    (file.digest == *expected).then_some(file.bytes)
}

fn next(folder: &Folder, import: &str) -> PathBuf {
    folder.path().join(IMPORTS).join(import).join(NEXT)
}

fn has_digest(path: &Path, expected: &Sha256) -> bool {
    let found = super::read_file(path, super::MAXIMUM_REVIEWS);
    found.is_ok_and(|file| file.digest == *expected)
}

fn put_recorded(folder: &Folder, import: &str, recorded: &[(&str, Sha256)]) -> io::Result<()> {
    for (name, digest) in recorded {
        let from = next(folder, import).join(name);
        if has_digest(&from, digest) {
            fs::rename(&from, folder.path().join(IMPORTS).join(import).join(name))?;
        }
    }
    Ok(())
}

/// Moves all files of the waiting folder.
fn put_in_place(folder: &Folder, import: &str) -> io::Result<()> {
    let (from, to) = (next(folder, import), folder.path().join(IMPORTS).join(import));
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for item in fs::read_dir(from.join(&below))? {
            let item = item?;
            let below = below.join(item.file_name());
            if item.file_type()?.is_dir() {
                fs::create_dir_all(to.join(&below))?;
                open.push(below);
            } else {
                fs::rename(item.path(), to.join(&below))?;
            }
        }
    }
    discard(&from)
}

fn discard(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn failed(path: &Path, error: &io::Error) -> Problem {
    let message = format!("cannot change {}: {error}", path.display());
    Problem::new("file-not-written", Class::Unavailable, message)
        .with_hint("`countermark vet import` finishes it")
}

/// The digest of some bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    const LEDGER: &str = "[ledger]\nversion = 1\nname = \"example.org/team\"\n\
        initialised = 2026-11-22\ncriteria = [\"safe-to-run\"]\n";

    fn import(digests: [&str; 2]) -> String {
        let [ledger, reviews] = digests.map(|text| digest(text.as_bytes()));
        format!(
            "{LEDGER}\n[[import]]\nname = \"acme\"\nurl = \"https://example.org/acme\"\n\
             ledger = \"{ledger}\"\nreviews = \"{reviews}\"\n"
        )
    }

    struct Tried {
        root: tempfile::TempDir,
        folder: Folder,
    }

    impl Tried {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            fs::write(root.path().join("ledger.toml"), LEDGER).unwrap();
            let folder = Folder::at(root.path());
            Self { root, folder }
        }

        fn held<T>(&self, work: impl FnOnce(&Held<'_>) -> T) -> T {
            let held = self.folder.hold(&AtomicBool::new(false), || panic!("nobody holds it"));
            work(&held.unwrap())
        }

        fn store(&self, ledger: &str, reviews: &str) {
            let files = [("ledger.toml", ledger.as_bytes()), ("reviews.toml", reviews.as_bytes())];
            self.held(|held| store(held, "acme", &files, &import([ledger, reviews])).unwrap());
        }

        fn there(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.root.path().join("imports/acme").join(name)).ok()
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.root.path().join("imports/acme").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn settle(&self, recorded: [&str; 2]) {
            let [ledger, reviews] = recorded.map(|text| digest(text.as_bytes()));
            let recorded = [("ledger.toml", ledger), ("reviews.toml", reviews)];
            self.held(|held| settle(held, "acme", &recorded).unwrap());
            assert_eq!(self.there(".next/ledger.toml"), None);
        }
    }

    #[test]
    fn files_take_their_places() {
        let tried = Tried::new();
        tried.store("one", "two");
        assert_eq!(tried.there("ledger.toml").as_deref(), Some("one"));
        tried.store("three", "four");
        assert_eq!(tried.there("ledger.toml").as_deref(), Some("three"));
        assert_eq!(tried.there("reviews.toml").as_deref(), Some("four"));
        assert!(!tried.root.path().join("imports/acme/.next").exists());
        tried.held(|held| remove(held, "acme", LEDGER).unwrap());
        assert!(!tried.root.path().join("imports/acme").exists());
    }

    #[test]
    fn a_ledger_that_cannot_be_read_changes_nothing() {
        let tried = Tried::new();
        tried.store("one", "two");
        let files = [("ledger.toml", &b"three"[..])];
        let broken = tried.held(|held| store(held, "acme", &files, "[broken"));
        assert!(broken.is_err());
        assert_eq!(tried.there("ledger.toml").as_deref(), Some("one"));
        assert_eq!(tried.folder.read_ledger().unwrap().imports.len(), 1);
    }

    #[test]
    fn a_run_that_ends_before_the_moment_changes_nothing() {
        let tried = Tried::new();
        tried.store("one", "two");
        tried.write(".next/ledger.toml", "three");
        tried.settle(["one", "two"]);
        assert_eq!(tried.there("ledger.toml").as_deref(), Some("one"));
    }

    #[test]
    fn a_run_that_ends_after_the_moment_is_finished() {
        // Between the first rename and the second.
        let tried = Tried::new();
        tried.store("one", "two");
        tried.write("ledger.toml", "three");
        tried.write(".next/reviews.toml", "four");
        let wanted = digest(b"four");
        assert_eq!(read(&tried.folder, "acme", "reviews.toml", &wanted), Some(b"four".to_vec()));
        assert_eq!(read(&tried.folder, "acme", "reviews.toml", &digest(b"other")), None);
        tried.settle(["three", "four"]);
        assert_eq!(tried.there("ledger.toml").as_deref(), Some("three"));
        assert_eq!(tried.there("reviews.toml").as_deref(), Some("four"));
    }
}
