//! The files of one release, read so that `countermark_ledger::relate` can compare them.
//!
//! Reads archives of which the caller has verified the bytes; nothing is run and nothing is written to
//! disk. Decides which folder of a source distribution is its root: with files beside it, readers could
//! take another one. Every read is bounded by the limits of `contents`; texts are kept up to
//! [`MAX_TEXT`] each and [`MAX_TEXTS`] together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use countermark_ledger::relate::{
    self, Comparison, MAX_TEXT, MAX_TEXTS, Member, RelateError, Side, is_saying,
};
use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_trust::Class;
use countermark_trust::change::KindReader;
use flate2::write::MultiGzDecoder;
use sha2::Digest as _;

use crate::contents::{ContentsError, Distribution};
use crate::unpack::Visitor;

/// With more wheels than this not each of them is compared with each other one, but all of them with the
/// first: the table of relations grows with the wheels, not with their square.
const MAX_PAIRED: usize = 8;

/// Bytes of what a compressed file of a wheel holds that are hashed.
const MAX_INNER: u64 = 64 << 20;

/// Why the files of a release cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// One cannot be read.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// A source distribution of which it is not clear where it begins.
    #[error("`{filename}` has the folders `{first}` and `{second}` at the top; expected one")]
    Roots {
        /// The archive.
        filename: String,
        /// A folder.
        first: String,
        /// Another one.
        second: String,
    },
    /// Two files that cannot be compared.
    #[error(transparent)]
    Relate(#[from] RelateError),
}

impl ReadError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Contents(error) => error.class(),
            Self::Roots { .. } => Class::Rejected,
            Self::Relate(error) => error.class(),
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Contents(error) => error.code(),
            Self::Roots { .. } => "relate-roots",
            Self::Relate(error) => error.code(),
        }
    }
}

/// A file of a release whose bytes are those of the digest.
#[derive(Clone)]
pub struct ReleaseBytes<'a> {
    /// Its bytes.
    pub distribution: Distribution<'a>,
    /// Its name, parsed.
    pub filename: DistributionFilename,
    /// SHA-256 of them.
    pub digest: Sha256,
}

/// Compares the files of a release: each source distribution with each wheel, and wheels with each
/// other.
///
/// # Errors
/// When one of them cannot be read, or they are not of one release.
pub fn relate_release(files: &[ReleaseBytes<'_>]) -> Result<Vec<Comparison>, ReadError> {
    relate_pairs(files, &pairs(files))
}

/// Compares these pairs of files, by their positions.
///
/// # Errors
/// When one of them cannot be read, or a pair is not of one release.
///
/// # Panics
/// When a position is not one of `files`.
pub fn relate_pairs(
    files: &[ReleaseBytes<'_>],
    pairs: &[(usize, usize)],
) -> Result<Vec<Comparison>, ReadError> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sides = files.iter().map(read_side).collect::<Result<Vec<_>, _>>()?;
    for (from, to) in pairs {
        relate::check_pair(&sides[*from], &sides[*to])?;
    }
    let mut wanted = vec![BTreeSet::new(); sides.len()];
    for (from, to) in pairs {
        let [before, after] = relate::wanted(&sides[*from], &sides[*to]);
        wanted[*from].extend(before);
        wanted[*to].extend(after);
    }
    for ((file, side), wanted) in files.iter().zip(&mut sides).zip(wanted) {
        read_texts(file, side, wanted)?;
    }
    let relate = |(from, to): &(usize, usize)| relate::relate(&sides[*from], &sides[*to]);
    Ok(pairs.iter().map(relate).collect::<Result<Vec<_>, _>>()?)
}

/// Which files are compared with which, by their positions.
fn pairs(files: &[ReleaseBytes<'_>]) -> Vec<(usize, usize)> {
    let is_wheel =
        |file: &ReleaseBytes<'_>| matches!(file.filename, DistributionFilename::Wheel(_));
    let (wheels, sources): (Vec<usize>, Vec<usize>) =
        (0..files.len()).partition(|position| is_wheel(&files[*position]));
    let mut pairs = Vec::new();
    for &wheel in &wheels {
        pairs.extend(sources.iter().map(|source| (*source, wheel)));
    }
    for (position, &one) in wheels.iter().enumerate() {
        for &other in &wheels[position + 1..] {
            if wheels.len() <= MAX_PAIRED || position == 0 {
                pairs.extend([(one, other), (other, one)]);
            }
        }
    }
    pairs
}

/// Reads a file of a release: its files with their digests, and the texts that say what it is.
fn read_side(file: &ReleaseBytes<'_>) -> Result<Side, ReadError> {
    let mut reader = Reader::new(file, None);
    file.distribution.walk(&mut reader)?;
    let filename = || file.filename.as_str().to_owned();
    if let Some(path) = reader.twice {
        return Err(ContentsError::Twice { filename: filename(), path }.into());
    }
    let mut roots = reader.roots.into_iter();
    if let (Some(first), Some(second)) = (roots.next(), roots.next()) {
        return Err(ReadError::Roots { filename: filename(), first, second });
    }
    let (files, texts) = (reader.files, reader.texts);
    Ok(Side { filename: file.filename.clone(), digest: file.digest, files, texts })
}

/// Reads the texts that are compared by their meaning.
fn read_texts(
    file: &ReleaseBytes<'_>,
    side: &mut Side,
    mut wanted: BTreeSet<String>,
) -> Result<(), ReadError> {
    wanted.retain(|path| !side.texts.contains_key(path));
    if !wanted.is_empty() {
        let mut reader = Reader::new(file, Some(wanted));
        file.distribution.walk(&mut reader)?;
        side.texts.append(&mut reader.texts);
    }
    Ok(())
}

struct Current {
    path: String,
    size: u64,
    hasher: sha2::Sha256,
    kind: KindReader,
    kept: Option<Vec<u8>>,
    inner: Option<Inner>,
}

/// What a `.gz` holds, hashed while it is read; none after it was too much or is not sound.
type Inner = MultiGzDecoder<Bounded>;

/// Hashes so many bytes and no more.
struct Bounded {
    hasher: sha2::Sha256,
    left: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Reader {
    is_wheel: bool,
    /// Only these texts, in place of everything.
    wanted: Option<BTreeSet<String>>,
    /// The folders at the top of a source distribution, two of them at most.
    roots: BTreeSet<String>,
    files: BTreeMap<String, Member>,
    texts: BTreeMap<String, Vec<u8>>,
    left: u64,
    current: Option<Current>,
    twice: Option<String>,
}

impl Reader {
    fn new(file: &ReleaseBytes<'_>, wanted: Option<BTreeSet<String>>) -> Self {
        Self {
            is_wheel: matches!(file.filename, DistributionFilename::Wheel(_)),
            wanted,
            roots: BTreeSet::new(),
            files: BTreeMap::new(),
            texts: BTreeMap::new(),
            left: MAX_TEXTS,
            current: None,
            twice: None,
        }
    }
}

impl Visitor for Reader {
    fn begin(&mut self, path: &str, size: u64) -> bool {
        let path = if self.is_wheel {
            path.to_owned()
        } else {
            let (root, rest) = path.split_once('/').unwrap_or(("", path));
            if self.roots.len() < 2 {
                self.roots.insert(root.to_owned());
            }
            rest.to_owned()
        };
        let is_text = match &self.wanted {
            Some(wanted) => wanted.contains(&path),
            None => is_saying(self.is_wheel, &path),
        };
        let is_kept = is_text && size <= MAX_TEXT.min(self.left);
        if self.wanted.is_some() && !is_kept {
            return false;
        }
        let is_compressed = self.is_wheel && self.wanted.is_none() && path.ends_with(".gz");
        let inner = is_compressed
            .then(|| MultiGzDecoder::new(Bounded { hasher: sha2::Sha256::new(), left: MAX_INNER }));
        self.current = Some(Current {
            kind: KindReader::new(&path),
            path,
            size: 0,
            hasher: sha2::Sha256::new(),
            kept: is_kept.then(Vec::new),
            inner,
        });
        true
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Some(current) = &mut self.current else { return };
        current.size += bytes.len() as u64;
        current.hasher.update(bytes);
        current.kind.update(bytes);
        if let Some(kept) = &mut current.kept {
            kept.extend_from_slice(bytes);
        }
        if current.inner.as_mut().is_some_and(|inner| inner.write_all(bytes).is_err()) {
            current.inner = None;
        }
    }

    fn end(&mut self) {
        let Some(current) = self.current.take() else { return };
        if let Some(kept) = current.kept {
            self.left = self.left.saturating_sub(current.size);
            self.texts.insert(current.path.clone(), kept);
        }
        let digest = Sha256(current.hasher.finalize().into());
        let inner = current.inner.and_then(|inner| inner.finish().ok());
        let inner = inner.map(|bounded| Sha256(bounded.hasher.finalize().into()));
        let member = Member { size: current.size, digest, kind: current.kind.finish(), inner };
        if self.files.insert(current.path.clone(), member).is_some() {
            self.twice.get_or_insert(current.path);
        }
    }
}
