//! The unpacked form of an artifact: a canonical list of its files, and the digest of that list.
//!
//! A wheel is unpacked once and linked often. What is linked later has to be the same tree, so the
//! list says of each file where it goes, how long it is and what its bytes hash to, and the
//! [`TreeDigest`] is the SHA-256 of the list. The format is frozen in `docs/tree-format.md`: a lock
//! may carry tree digests, and then nothing in a cache has to be believed.
//!
//! ```text
//! countermark-tree 1
//! purelib - 120 <BLAKE3, hex> <SHA-256, base64url without padding> package/__init__.py
//! ```

use std::fmt;
use std::fmt::Write as _;

use countermark_packaging::digest::Sha256;
use sha2::Digest as _;

use crate::artifact::verify_digests;
use crate::{Artifact, Pin, Rejection, Verified};

/// First line of every tree, with the version of the format.
const HEADER: &str = "countermark-tree 1";

/// SHA-256 of a tree's canonical text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeDigest(pub [u8; 32]);

impl TreeDigest {
    /// The digest of a canonical text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self(sha2::Sha256::digest(text).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Sha256::parse_hex(text.strip_prefix("sha256:")?).ok().map(|sha256| Self(sha256.0))
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", Sha256(self.0).hex())
    }
}

pub use countermark_packaging::scheme::Scheme;

/// What is done with a file when it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Linked as it is.
    Plain,
    /// Linked, with the executable bits.
    Executable,
    /// Written anew: its first line names the interpreter.
    Script,
}

impl Mode {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Plain, "-"), (Self::Executable, "x"), (Self::Script, "s")];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "-",
            Self::Executable => "x",
            Self::Script => "s",
        }
    }
}

/// One file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// The folder of the environment.
    pub scheme: Scheme,
    /// What is done with it.
    pub mode: Mode,
    /// Bytes.
    pub size: u64,
    /// Checked whenever the file is taken from the store.
    pub blake3: [u8; 32],
    /// As RECORD has it: SHA-256, base64url without padding.
    pub sha256: String,
    /// Relative to the scheme's folder, `/` between components, no `..`.
    pub path: String,
}

/// A list of files in canonical order: by scheme, then by path, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    artifact: Artifact,
    digest: TreeDigest,
    files: Vec<TreeFile>,
}

/// Why a text is not a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Another format, or a later version of it.
    #[error("the first line is not `{HEADER}`")]
    Header,
    /// A line does not have six fields, or one of them is not what it should be.
    #[error("line {line}: {field} cannot be read")]
    Field {
        /// Counted from 1.
        line: usize,
        /// Which field.
        field: &'static str,
    },
    /// Two files in one place, or lines in another order.
    #[error("line {line}: out of order")]
    Order {
        /// Counted from 1.
        line: usize,
    },
    /// A path that could leave its folder. The unpacker never makes one; a forged tree might.
    #[error("line {line}: `{path}` is not a path inside its folder")]
    Path {
        /// Counted from 1.
        line: usize,
        /// The path as written.
        path: String,
    },
}

impl Tree {
    /// The artifact that was unpacked.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The digest of the canonical text.
    #[must_use]
    pub fn digest(&self) -> TreeDigest {
        self.digest
    }

    /// In canonical order; the position is the file's name in the store.
    #[must_use]
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }
}

/// Sorts files into the order in which a tree lists them.
pub fn sort(files: &mut [TreeFile]) {
    files.sort_by(|left, right| {
        (left.scheme.name(), left.path.as_bytes())
            .cmp(&(right.scheme.name(), right.path.as_bytes()))
    });
}

/// The canonical text of files that are already in order.
#[must_use]
pub fn render(files: &[TreeFile]) -> String {
    let mut text = String::with_capacity(files.len() * 180 + HEADER.len() + 1);
    text.push_str(HEADER);
    text.push('\n');
    for file in files {
        let TreeFile { scheme, mode, size, blake3, sha256, path } = file;
        let blake3 = blake3::Hash::from_bytes(*blake3).to_hex();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {} {size} {blake3} {sha256} {path}", scheme.name(), mode.name());
    }
    text
}

/// Reads a canonical text.
///
/// # Errors
/// [`TreeError`] for anything that [`render`] would not have written.
pub fn parse(text: &str) -> Result<Vec<TreeFile>, TreeError> {
    let body = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n'));
    let body = body.ok_or(TreeError::Header)?;
    let mut files: Vec<TreeFile> = Vec::with_capacity(body.len() / 140);
    for (index, line) in body.split_terminator('\n').enumerate() {
        let number = index + 2;
        let file = parse_line(line, number)?;
        if let Some(last) = files.last()
            && (last.scheme.name(), last.path.as_bytes())
                >= (file.scheme.name(), file.path.as_bytes())
        {
            return Err(TreeError::Order { line: number });
        }
        files.push(file);
    }
    Ok(files)
}

fn parse_line(line: &str, number: usize) -> Result<TreeFile, TreeError> {
    let field = |field| TreeError::Field { line: number, field };
    let mut parts = line.splitn(6, ' ');
    let mut next = |name| parts.next().filter(|part| !part.is_empty()).ok_or(field(name));
    let scheme = Scheme::parse(next("scheme")?).ok_or(field("scheme"))?;
    let mode = next("mode")?;
    let mode = Mode::ALL.iter().find(|(_, name)| *name == mode).ok_or(field("mode"))?.0;
    let size = next("size")?.parse().map_err(|_| field("size"))?;
    let blake3 = blake3::Hash::from_hex(next("BLAKE3")?).map_err(|_| field("BLAKE3"))?;
    let sha256 = next("SHA-256")?.to_owned();
    let path = next("path")?.to_owned();
    if sha256.len() != 43 {
        return Err(field("SHA-256"));
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) || path.contains('\0') {
        return Err(TreeError::Path { line: number, path });
    }
    Ok(TreeFile { scheme, mode, size, blake3: *blake3.as_bytes(), sha256, path })
}

/// The tree of an artifact that was verified and unpacked in this run. `files` come from the
/// unpacker, which read the same bytes.
#[must_use]
pub fn verify_unpacked(
    artifact: &Verified<Artifact>,
    mut files: Vec<TreeFile>,
) -> (Verified<Tree>, String) {
    sort(&mut files);
    let text = render(&files);
    let digest = TreeDigest::of(text.as_bytes());
    (Verified::new(Tree { artifact: (**artifact).clone(), digest, files }), text)
}

/// A tree that lies in a store, against what was recorded when its artifact was seen.
///
/// `artifact` and `expected` have to come from a place that only we write (a seal) or that the user
/// trusts (a lock); `text` may come from anywhere. This proves the *list*; whoever links a file
/// compares it with the list.
///
/// # Errors
/// A [`Rejection`] when the pin does not accept the artifact, or the text has another digest.
///
pub fn verify_stored(
    pin: &Pin,
    artifact: Artifact,
    expected: TreeDigest,
    text: &str,
) -> Result<Verified<Tree>, Rejection> {
    verify_digests(pin, artifact.filename(), artifact.digest_set())?;
    let found = TreeDigest::of(text.as_bytes());
    let filename = artifact.filename().to_owned();
    if found != expected {
        return Err(Rejection::TreeMismatch { filename, expected, found });
    }
    // A text with the right digest was rendered by us; one that cannot be read was not.
    let Ok(files) = parse(text) else {
        return Err(Rejection::TreeMismatch { filename, expected, found });
    };
    Ok(Verified::new(Tree { artifact, digest: found, files }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(scheme: Scheme, path: &str) -> TreeFile {
        TreeFile {
            scheme,
            mode: Mode::Plain,
            size: 3,
            blake3: [7; 32],
            sha256: "A".repeat(43),
            path: path.to_owned(),
        }
    }

    #[test]
    fn what_is_rendered_is_read_again() {
        let mut files = vec![
            file(Scheme::Scripts, "run me"),
            file(Scheme::Purelib, "b/c.py"),
            file(Scheme::Purelib, "b.py"),
            file(Scheme::Data, "é/ü"),
        ];
        files[0].mode = Mode::Script;
        files[1].mode = Mode::Executable;
        sort(&mut files);
        assert_eq!(parse(&render(&files)), Ok(files));
    }

    #[test]
    fn a_forged_line_is_refused() {
        let hash = "07".repeat(32);
        let record = "A".repeat(43);
        let line = |path: &str| format!("{HEADER}\npurelib - 3 {hash} {record} {path}\n");
        assert!(parse(&line("a.py")).is_ok());
        for path in ["../a", "/etc/x", "a//b", "a/./b", "a/..", "."] {
            let expect = TreeError::Path { line: 2, path: path.to_owned() };
            assert_eq!(parse(&line(path)), Err(expect));
        }
        for (text, expect) in [
            (String::new(), TreeError::Header),
            (line("a").replace("tree 1", "tree 2"), TreeError::Header),
            (line("a").replace("purelib", "lib"), TreeError::Field { line: 2, field: "scheme" }),
            (line("a").replace(" - ", " w "), TreeError::Field { line: 2, field: "mode" }),
            (line("a").replace(" 3 ", " -3 "), TreeError::Field { line: 2, field: "size" }),
            (line("a").replace("07", "0g"), TreeError::Field { line: 2, field: "BLAKE3" }),
            (line("a").replace("AAA", "A"), TreeError::Field { line: 2, field: "SHA-256" }),
            (line(""), TreeError::Field { line: 2, field: "path" }),
            (line("a") + line("a").split_once('\n').unwrap().1, TreeError::Order { line: 3 }),
        ] {
            assert_eq!(parse(&text), Err(expect), "{text}");
        }
    }

    #[test]
    fn a_stored_tree_needs_the_pin_and_the_digest() {
        use countermark_packaging::digest::{Algorithm, Digest};
        let digest = |byte| Digest::new(Algorithm::Sha256, &[byte; 32]).unwrap();
        let artifact = Artifact::recorded("a.whl".into(), 1, [digest(1)].into()).unwrap();
        let text = render(&[file(Scheme::Purelib, "a.py")]);
        let right = TreeDigest::of(text.as_bytes());
        let check = |pin: Digest, expected, text: &str| {
            verify_stored(&Pin::new([pin]).unwrap(), artifact.clone(), expected, text)
                .map(drop)
                .map_err(|rejection| rejection.code())
        };
        assert_eq!(check(digest(1), right, &text), Ok(()));
        assert_eq!(check(digest(2), right, &text), Err("digest-mismatch"));
        assert_eq!(check(digest(1), TreeDigest([0; 32]), &text), Err("tree-mismatch"));
        assert_eq!(check(digest(1), right, &text.replace("a.py", "b.py")), Err("tree-mismatch"));
        let sha512 = Digest::new(Algorithm::Sha512, &[1; 64]).unwrap();
        assert_eq!(check(sha512, right, &text), Err("not-recorded"));
    }
}
