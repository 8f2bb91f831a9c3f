//! What we saw when we wrote an entry: the private half of the store.
//!
//! A seal binds an artifact's digests to its tree digest and to one line per file: device, inode,
//! size, modification time and mode. It lies in the state folder, never in the cache, so a cache
//! that was restored from elsewhere has none. A seal is a shortcut: losing one costs time, and a
//! damaged one is as good as none.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_trust::Artifact;
use countermark_trust::tree::TreeDigest;
use serde::{Deserialize, Serialize};

const HEADER: &str = "countermark-seal 1";

/// Far above the seal of any wheel: a million files.
const MAX_SEAL_BYTES: u64 = 128 << 20;

/// Where a file was and how it looked after its bytes were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSeal {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Type and permission bits.
    pub mode: u32,
}

impl FileSeal {
    /// The seal of what `stat` says of a file.
    #[must_use]
    pub fn of(stat: &crate::system::fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(u64::MAX),
            modified: stat
                .st_mtime
                .wrapping_mul(1_000_000_000)
                .wrapping_add(i64::try_from(stat.st_mtime_nsec).unwrap_or(0)),
            mode: stat.st_mode,
        }
    }
}

impl FileSeal {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let seal = Self {
            device: parts.next()?.parse().ok()?,
            inode: parts.next()?.parse().ok()?,
            size: parts.next()?.parse().ok()?,
            modified: parts.next()?.parse().ok()?,
            mode: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(seal)
    }
}

impl fmt::Display for FileSeal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, inode, size, modified, mode } = self;
        write!(formatter, "{device} {inode} {size} {modified} {mode}")
    }
}

/// What installing needs to know of a wheel's metadata, so that it is parsed once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Normalised name.
    pub project: String,
    /// As METADATA spells it.
    pub version: String,
    /// The folder with METADATA, as the wheel spells it.
    pub dist_info: String,
    /// Does that folder lie in `platlib`?
    pub platlib: bool,
    /// `Requires-Dist` lines.
    pub requires_dist: Vec<String>,
    /// `Requires-Python`.
    pub requires_python: Option<String>,
    /// `console_scripts` and `gui_scripts`.
    pub commands: Vec<CommandFact>,
    /// Where the archive came from: a URL without credentials, a path, or the store.
    pub source: String,
}

/// An entry point for which a launcher is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandFact {
    /// The file's name.
    pub name: String,
    /// What is imported.
    pub module: String,
    /// What is called.
    pub attribute: Option<String>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The boot during which `files` were seen.
    pub boot: String,
    /// What was computed over the archive.
    pub artifact: Artifact,
    /// What the archive unpacked to.
    pub tree: TreeDigest,
    /// From its metadata.
    pub facts: Facts,
    /// In the order of the tree.
    pub files: Vec<FileSeal>,
}

impl Seal {
    /// The seal of an artifact; `None` when there is none that can be read.
    #[must_use]
    pub fn read(folder: &Path, artifact: Sha256) -> Option<Self> {
        let text = super::read_bounded(&path(folder, artifact), MAX_SEAL_BYTES).ok()?;
        let seal = parse(&text)?;
        (seal.artifact.sha256() == artifact).then_some(seal)
    }

    /// Writes the seal, replacing an older one.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write(&self, folder: &Path, artifact: Sha256) -> io::Result<()> {
        write_renamed(folder, &path(folder, artifact), self.render().as_bytes())
    }

    /// Removes the seal, if there is one, and those of compiled forms.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn remove(folder: &Path, artifact: Sha256) -> io::Result<()> {
        let hex = artifact.hex();
        for item in fs::read_dir(folder)? {
            let name = item?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(&hex)) {
                fs::remove_file(folder.join(name))?;
            }
        }
        Ok(())
    }

    /// When the entry was used last; long ago when it has no seal.
    pub(crate) fn last_used(folder: &Path, artifact: Sha256) -> SystemTime {
        let modified = path(folder, artifact).metadata().and_then(|metadata| metadata.modified());
        modified.unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Notes a use in the time of the seal.
    pub(crate) fn touch(folder: &Path, artifact: Sha256) {
        use crate::system::fs::{AtFlags, CWD, Timestamps, UTIME_NOW, UTIME_OMIT};
        let time = |nanoseconds| crate::system::fs::Timespec { tv_sec: 0, tv_nsec: nanoseconds };
        let times =
            Timestamps { last_access: time(UTIME_OMIT), last_modification: time(UTIME_NOW) };
        // Losing the time of a use only makes pruning less fair.
        let _ = crate::system::fs::utimensat(CWD, path(folder, artifact), &times, AtFlags::empty());
    }

    fn render(&self) -> String {
        let mut text = String::with_capacity(1024 + self.files.len() * 64);
        let Self { boot, artifact, tree, facts, files } = self;
        let facts = serde_json::to_string(facts).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{HEADER}\nboot {boot}\nname {}", artifact.filename());
        let _ = writeln!(text, "size {}", artifact.size());
        for digest in artifact.digests() {
            let _ = writeln!(text, "digest {digest}");
        }
        let _ = writeln!(text, "tree {tree}\nfacts {facts}");
        for file in files {
            let _ = writeln!(text, "{file}");
        }
        text.push_str("end\n");
        text
    }
}

/// Writes a file by renaming a finished one into its place.
pub(crate) fn write_renamed(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn path(folder: &Path, artifact: Sha256) -> PathBuf {
    folder.join(artifact.hex())
}

fn parse(text: &str) -> Option<Seal> {
    let mut lines = text.strip_suffix("end\n")?.lines();
    if lines.next()? != HEADER {
        return None;
    }
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let boot = field("boot")?.to_owned();
    let name = field("name")?.to_owned();
    let size = field("size")?.parse().ok()?;
    let mut digests = BTreeSet::new();
    let tree = loop {
        let line = lines.next()?;
        if let Some(digest) = line.strip_prefix("digest ") {
            let (algorithm, hex) = digest.split_once(':')?;
            digests.insert(Digest::parse_hex(Algorithm::parse(algorithm)?, hex).ok()?);
        } else {
            break TreeDigest::parse(line.strip_prefix("tree ")?)?;
        }
    };
    let facts = serde_json::from_str(lines.next()?.strip_prefix("facts ")?).ok()?;
    let files = lines.map(FileSeal::parse).collect::<Option<Vec<_>>>()?;
    let artifact = Artifact::recorded(name, size, digests).ok()?;
    Some(Seal { boot, artifact, tree, facts, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Seal {
        let sha256 = Digest::new(Algorithm::Sha256, &[5; 32]).unwrap();
        Seal {
            boot: "b".into(),
            artifact: Artifact::recorded("a-1-py3-none-any.whl".into(), 9, [sha256].into())
                .unwrap(),
            tree: TreeDigest([3; 32]),
            facts: Facts {
                project: "a".into(),
                version: "1".into(),
                dist_info: "a-1.dist-info".into(),
                platlib: false,
                requires_dist: vec!["b>1; extra == \"x\"".into()],
                requires_python: None,
                commands: vec![CommandFact {
                    name: "a".into(),
                    module: "a".into(),
                    attribute: Some("main".into()),
                }],
                source: "https://example.org/a-1-py3-none-any.whl".into(),
            },
            files: vec![
                FileSeal { device: 1, inode: 2, size: 3, modified: -4, mode: 0o100_644 };
                2
            ],
        }
    }

    #[test]
    fn a_seal_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let seal = sample();
        let artifact = seal.artifact.sha256();
        seal.write(folder.path(), artifact).unwrap();
        let read = Seal::read(folder.path(), artifact).unwrap();
        assert_eq!((read.boot, read.artifact, read.tree), (seal.boot, seal.artifact, seal.tree));
        assert_eq!((read.facts, read.files), (seal.facts, seal.files));
    }

    #[test]
    fn a_torn_or_foreign_seal_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let seal = sample();
        let artifact = seal.artifact.sha256();
        let text = seal.render();
        for length in 0..text.len() {
            fs::write(path(folder.path(), artifact), &text[..length]).unwrap();
            assert!(Seal::read(folder.path(), artifact).is_none(), "cut at {length}");
        }
        let other = Sha256([6; 32]);
        fs::write(path(folder.path(), other), &text).unwrap();
        assert!(Seal::read(folder.path(), other).is_none());
    }
}
