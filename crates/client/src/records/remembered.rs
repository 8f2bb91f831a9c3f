//! What was derived from documents in an earlier run, kept in a file for each form.
//!
//! It is a cache: a file that is missing, torn or of another version is an empty one, and a file that
//! cannot be written is not. It stands in the user's own cache folder, and its check sum finds
//! accidents, not attackers.
//!
//! Form: a line that names it, then for each entry 32 bytes of key, 4 bytes of length (little-endian)
//! and the content; then BLAKE3 of everything before.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// First line of a file.
const HEAD: &[u8] = b"countermark derived records, form 1\n";

/// Longest file, in bytes.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Bytes of a check sum, and of a key.
const SUM: usize = 32;

/// The files of one root.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    folder: Option<PathBuf>,
    /// Tells roots apart, so that one does not push out what was derived from another.
    root: String,
}

impl Remembered {
    pub(super) fn new(folder: Option<&Path>, root: &Path) -> Self {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let digest = blake3::hash(root.as_os_str().as_encoded_bytes());
        let root = digest.to_hex()[..16].to_owned();
        Self { folder: folder.map(Path::to_owned), root }
    }

    fn file(&self, form: &str) -> Option<PathBuf> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let form: String =
            form.chars().map(|c| if is_plain(c) { c } else { '_' }).take(64).collect();
        Some(self.folder.as_ref()?.join(format!("{form}-{}.derived", self.root)))
    }

    pub(super) fn read(&self, form: &str) -> BTreeMap<[u8; 32], Vec<u8>> {
        self.file(form).and_then(|path| read(&path)).unwrap_or_default()
    }

    pub(super) fn write(&self, form: &str, derived: &BTreeMap<[u8; 32], Vec<u8>>) {
        if let Some(path) = self.file(form) {
            // Without a cache the next run is slower, and that is all.
            let _ = write(&path, derived);
        }
    }
}

fn read(path: &Path) -> Option<BTreeMap<[u8; 32], Vec<u8>>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(MAX_FILE + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MAX_FILE || bytes.len() < HEAD.len() + SUM {
        return None;
    }
    let (content, sum) = bytes.split_at(bytes.len() - SUM);
    if blake3::hash(content).as_bytes() != sum {
        return None;
    }
    let mut rest = content.strip_prefix(HEAD)?;
    let mut derived = BTreeMap::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<SUM>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (value, after) = after.split_at_checked(length)?;
        derived.insert(*key, value.to_vec());
        rest = after;
    }
    Some(derived)
}

fn write(path: &Path, derived: &BTreeMap<[u8; 32], Vec<u8>>) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let size: usize = derived.values().map(|value| value.len() + SUM + 4).sum();
    let mut bytes = Vec::with_capacity(HEAD.len() + size + SUM);
    bytes.extend_from_slice(HEAD);
    for (key, value) in derived {
        let length = u32::try_from(value.len()).map_err(std::io::Error::other)?;
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(value);
    }
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> BTreeMap<[u8; 32], Vec<u8>> {
        BTreeMap::from([([1; 32], b"one".to_vec()), ([2; 32], Vec::new())])
    }

    #[test]
    fn what_was_derived_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("new/cache");
        let remembered = Remembered::new(Some(&cache), Path::new("/records"));
        assert_eq!(remembered.read("form"), BTreeMap::new());
        remembered.write("form", &some());
        assert_eq!(remembered.read("form"), some());
        assert_eq!(remembered.read("../form"), BTreeMap::new());
        let other = Remembered::new(Some(&cache), Path::new("/others"));
        assert_eq!(other.read("form"), BTreeMap::new());
        remembered.write("form", &BTreeMap::new());
        assert_eq!(remembered.read("form"), BTreeMap::new());
        let names: Vec<_> = std::fs::read_dir(&cache).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let none = Remembered::new(None, Path::new("/records"));
        none.write("form", &some());
        assert_eq!(none.read("form"), BTreeMap::new());
    }

    #[test]
    fn every_changed_byte_empties_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let remembered = Remembered::new(Some(folder.path()), Path::new("/records"));
        remembered.write("form", &some());
        let path = remembered.file("form").unwrap();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(remembered.read("form"), BTreeMap::new(), "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(remembered.read("form"), BTreeMap::new(), "cut at {at}");
        }
        std::fs::write(&path, &good).unwrap();
        assert_eq!(remembered.read("form"), some());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let remembered = Remembered::new(Some(&file), Path::new("/records"));
        remembered.write("form", &some());
        assert_eq!(remembered.read("form"), BTreeMap::new());
        assert_eq!(std::fs::read(&file).unwrap(), b"");
    }
}
