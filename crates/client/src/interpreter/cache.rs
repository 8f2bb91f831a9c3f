//! Remembers what interpreters said, so that a warm run starts none.
//!
//! An answer is used again only while the executable and every file behind the answer (C library,
//! `sysconfig`, shared interpreter library) are the same by device, inode, size and modification
//! time, and the kernel says the same about itself. The folder has to be private to the user: an
//! answer decides markers and folders, so a file that somebody else owns or may write is ignored,
//! as is anything damaged. Neither is an error: the interpreter is asked again.

use crate::system::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::ffi::CStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::facts::{Facts, check_sense};

/// Counts up whenever an older file must not be read.
const FORMAT: u32 = 1;
/// An answer has about 3 KiB.
const MAX_BYTES: u64 = 256 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    format: u32,
    executable: PathBuf,
    kernel: String,
    stamps: Vec<Stamp>,
    facts: Facts,
}

/// What a file looked like when the answer was given.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn read(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }

    fn is_fresh(&self) -> bool {
        Self::read(&self.path).is_some_and(|now| now == *self)
    }
}

/// The remembered answer of an executable, if it still holds.
pub(crate) fn read_remembered(folder: &Path, executable: &Path) -> Option<Facts> {
    let file = fs::File::open(entry_path(folder, executable)).ok()?;
    let metadata = file.metadata().ok()?;
    let me = crate::system::process::geteuid().as_raw();
    if metadata.uid() != me || metadata.mode() & 0o022 != 0 || metadata.size() > MAX_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let entry: Entry = serde_json::from_slice(&bytes).ok()?;
    let holds = entry.format == FORMAT
        && entry.executable == executable
        && entry.kernel == kernel()
        && entry.stamps.iter().any(|stamp| stamp.path == executable)
        && entry.stamps.iter().all(Stamp::is_fresh)
        && check_sense(&entry.facts).is_ok();
    holds.then_some(entry.facts)
}

/// Remembers an answer. A cache that cannot be written costs time and nothing else.
pub(crate) fn write_remembered(folder: &Path, executable: &Path, facts: &Facts) {
    let mut files = facts.files.clone();
    files.push(executable.to_owned());
    files.sort();
    files.dedup();
    let Some(stamps) = files.iter().map(|path| Stamp::read(path)).collect() else {
        return;
    };
    let entry = Entry {
        format: FORMAT,
        executable: executable.to_owned(),
        kernel: kernel(),
        stamps,
        facts: facts.clone(),
    };
    // The result is dropped on purpose, see above.
    let _ = write_entry(folder, &entry_path(folder, executable), &entry);
}

fn write_entry(folder: &Path, path: &Path, entry: &Entry) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec(entry)?)?;
    file.persist(path)?;
    Ok(())
}

fn entry_path(folder: &Path, executable: &Path) -> PathBuf {
    let name = blake3::hash(executable.as_os_str().as_encoded_bytes()).to_hex();
    folder.join(format!("{}.json", &name[..32]))
}

/// The kernel's words that appear in markers (`platform_release`, `platform_version`).
fn kernel() -> String {
    let names = crate::system::system::uname();
    [names.sysname(), names.release(), names.version(), names.machine()]
        .map(CStr::to_string_lossy)
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::sample;
    use super::*;
    use crate::system::unix::fs::PermissionsExt as _;

    struct Place {
        root: tempfile::TempDir,
        executable: PathBuf,
        facts: Facts,
    }

    impl Place {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let executable = root.path().join("python");
            fs::write(&executable, "program").unwrap();
            fs::write(root.path().join("library"), "library").unwrap();
            let facts = Facts { files: vec![root.path().join("library")], ..sample() };
            write_remembered(&root.path().join("cache"), &executable, &facts);
            Self { root, executable, facts }
        }

        fn read(&self) -> Option<Facts> {
            read_remembered(&self.root.path().join("cache"), &self.executable)
        }

        fn entry(&self) -> PathBuf {
            entry_path(&self.root.path().join("cache"), &self.executable)
        }
    }

    #[test]
    fn an_answer_is_remembered() {
        let place = Place::new();
        assert_eq!(place.read(), Some(place.facts.clone()));
        let other = place.root.path().join("library");
        assert_eq!(read_remembered(&place.root.path().join("cache"), &other), None);
    }

    #[test]
    fn a_changed_file_ends_it() {
        for name in ["python", "library"] {
            let place = Place::new();
            fs::write(place.root.path().join(name), "longer than before").unwrap();
            assert_eq!(place.read(), None, "{name}");
        }
    }

    #[test]
    fn damage_and_other_writers_are_ignored() {
        type Change = fn(&Path);
        let changes: [Change; 6] = [
            |path| fs::write(path, "").unwrap(),
            |path| fs::write(path, "{\"format\":1}").unwrap(),
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o622)).unwrap(),
            |path| replace(path, "\"format\":1", "\"format\":2"),
            |path| replace(path, "\"kernel\":\"", "\"kernel\":\"other"),
            |path| replace(path, "\"/base/lib/python3.11\"", "\"../python3.11\""),
        ];
        for change in changes {
            let place = Place::new();
            change(&place.entry());
            assert_eq!(place.read(), None);
        }
    }

    fn replace(path: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}
