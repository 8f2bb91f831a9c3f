//! Which file name belongs to which digest, as an index said when it was asked.
//!
//! A requirements file lists digests without names, and choosing the best wheel for an interpreter
//! needs the names. They are remembered, so that a second install asks nobody. A wrong name could
//! only make us prefer another file that is pinned as well; it cannot make us accept one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::name::ProjectName;

/// A project with 30,000 files, generously.
const MAX_BYTES: u64 = 16 << 20;

/// What is known about a pinned digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// The index listed a file of this name with it.
    File {
        /// The file's name.
        filename: String,
        /// Names the artifact in the store; differs from the digest only when a lock pins by
        /// another algorithm.
        sha256: Option<Sha256>,
    },
    /// The index was asked and does not list it.
    Unlisted,
}

/// The memory of one user, a file a project.
#[derive(Debug)]
pub struct Names {
    folder: PathBuf,
}

impl Names {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Everything known about the files of a project. A damaged memory is an empty one.
    #[must_use]
    pub fn of(&self, project: &ProjectName) -> BTreeMap<Digest, Known> {
        let text = super::read_bounded(&self.folder.join(project.as_str()), MAX_BYTES);
        text.ok().and_then(|text| parse(&text)).unwrap_or_default()
    }

    /// Adds to what is known. Old knowledge about the same digest is replaced.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn remember(
        &self,
        project: &ProjectName,
        news: impl IntoIterator<Item = (Digest, Known)>,
    ) -> io::Result<()> {
        let before = self.of(project);
        let mut known = before.clone();
        known.extend(news);
        if known == before {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)?;
        let mut text = String::new();
        for (digest, known) in &known {
            // Writing to a string cannot fail.
            let _ = match known {
                Known::Unlisted => writeln!(text, "{digest}"),
                Known::File { filename, sha256: None } => writeln!(text, "{digest} {filename}"),
                Known::File { filename, sha256: Some(sha256) } => {
                    writeln!(text, "{digest} {filename} {}", sha256.hex())
                }
            };
        }
        let path = self.folder.join(project.as_str());
        super::seal::write_renamed(&self.folder, &path, text.as_bytes())
    }
}

fn parse(text: &str) -> Option<BTreeMap<Digest, Known>> {
    text.lines().map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<(Digest, Known)> {
    let mut parts = line.split(' ');
    let (algorithm, hex) = parts.next()?.split_once(':')?;
    let digest = Digest::parse_hex(Algorithm::parse(algorithm)?, hex).ok()?;
    let Some(filename) = parts.next() else {
        return Some((digest, Known::Unlisted));
    };
    let sha256 = match parts.next() {
        Some(hex) => Some(Sha256::parse_hex(hex).ok()?),
        None if digest.algorithm() == Algorithm::Sha256 => Sha256::parse_hex(hex).ok(),
        None => None,
    };
    Some((digest, Known::File { filename: filename.to_owned(), sha256 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_remembered_and_damage_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let names = Names::new(folder.path().join("names"));
        let project = ProjectName::parse("A.b").unwrap();
        let digest = |byte| Digest::new(Algorithm::Sha256, &[byte; 32]).unwrap();
        let file = Known::File { filename: "a_b-1.whl".into(), sha256: Some(Sha256([1; 32])) };
        names.remember(&project, [(digest(1), file.clone())]).unwrap();
        names.remember(&project, [(digest(2), Known::Unlisted)]).unwrap();
        let expect = BTreeMap::from([(digest(1), file), (digest(2), Known::Unlisted)]);
        assert_eq!(names.of(&project), expect);
        std::fs::write(folder.path().join("names/a-b"), "sha256:zz a.whl\n").unwrap();
        assert!(names.of(&project).is_empty());
    }
}
