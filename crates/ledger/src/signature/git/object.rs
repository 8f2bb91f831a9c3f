//! Objects of git: their names, and what commits and trees hold.

use sha1::Digest as _;

use super::super::commits::CommitRefusal;

/// Entries of a folder that are looked at.
const MAXIMUM_ENTRIES: usize = 1_000_000;

/// Folders from the top of the repository down to the file.
const MAXIMUM_DEPTH: usize = 64;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// The bytes of a file.
    Blob,
}

impl Kind {
    /// As git writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
        }
    }
}

/// Where objects come from. Whatever it gives is held against the name that was asked for.
pub trait Objects {
    /// Why nothing could be read at all.
    type Error;

    /// The bytes of an object, without git's own head; none where it is not there.
    ///
    /// # Errors
    /// When the repository cannot be read, or the object is longer than it reads.
    fn read(&mut self, kind: Kind, name: &str) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Whether a text is the whole name of an object: 40 or 64 hexadecimal digits in lower case.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    matches!(text.len(), 40 | 64) && text.bytes().all(is_digit)
}

/// An object whose bytes have its name.
pub(super) fn read<O: Objects>(
    objects: &mut O,
    kind: Kind,
    name: &str,
) -> Result<Result<Option<Vec<u8>>, CommitRefusal>, O::Error> {
    let wrong = || CommitRefusal::WrongName { kind: kind.as_str(), name: name.to_owned() };
    let Some(bytes) = objects.read(kind, name)? else { return Ok(Ok(None)) };
    Ok(if name_of(kind, &bytes, name.len()) == name { Ok(Some(bytes)) } else { Err(wrong()) })
}

/// The name of an object, in so many hexadecimal digits.
pub(super) fn name_of(kind: Kind, bytes: &[u8], digits: usize) -> String {
    let head = format!("{} {}\0", kind.as_str(), bytes.len());
    let digest = if digits == 64 {
        let mut hasher = sha2::Sha256::new();
        hasher.update(head.as_bytes());
        hasher.update(bytes);
        hasher.finalize().to_vec()
    } else {
        let mut hasher = sha1::Sha1::new();
        hasher.update(head.as_bytes());
        hasher.update(bytes);
        hasher.finalize().to_vec()
    };
    hex(&digest)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The name of the file at a path below a tree; none where there is no file.
pub(super) fn file_at<O: Objects>(
    objects: &mut O,
    tree: &str,
    path: &str,
) -> Result<Result<Option<String>, CommitRefusal>, O::Error> {
    let mut name = tree.to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let malformed =
        |name: &str| CommitRefusal::MalformedObject { kind: "tree", name: name.to_owned() };
    if parts.len() > MAXIMUM_DEPTH {
        return Ok(Err(malformed(tree)));
    }
    for (depth, part) in parts.iter().enumerate() {
        let bytes = match read(objects, Kind::Tree, &name)? {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Err(malformed(&name))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(found) = entry(&bytes, part.as_bytes(), name.len() / 2) else {
            return Ok(Err(malformed(&name)));
        };
        let is_last = depth + 1 == parts.len();
        match found {
            Some((Mode::File, found)) if is_last => return Ok(Ok(Some(found))),
            Some((Mode::Folder, found)) if !is_last => name = found,
            _ => return Ok(Ok(None)),
        }
    }
    Ok(Ok(None))
}

enum Mode {
    File,
    Folder,
    Other,
}

/// The entry of a name in a tree, `None` where the tree cannot be read. Two entries of one name make it
/// unreadable: programs would disagree about which counts.
fn entry(mut tree: &[u8], wanted: &[u8], digest: usize) -> Option<Option<(Mode, String)>> {
    let mut found = None;
    for _ in 0..MAXIMUM_ENTRIES {
        if tree.is_empty() {
            return Some(found);
        }
        let end = tree.iter().position(|byte| *byte == 0)?;
        let (head, rest) = (tree.get(..end)?, tree.get(end + 1..)?);
        let space = head.iter().position(|byte| *byte == b' ')?;
        let (mode, name) = (head.get(..space)?, head.get(space + 1..)?);
        let (object, rest) = rest.split_at_checked(digest)?;
        if name == wanted {
            let mode = match mode {
                b"100644" | b"100755" | b"100664" => Mode::File,
                b"40000" | b"040000" => Mode::Folder,
                _ => Mode::Other,
            };
            if found.replace((mode, hex(object))).is_some() {
                return None;
            }
        }
        tree = rest;
    }
    None
}
