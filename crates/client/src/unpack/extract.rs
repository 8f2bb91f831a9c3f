//! The bytes of a wheel's files: inflated, hashed and compared on their way to a [`Sink`].

use std::io;

use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::filename::WheelFilename;
use countermark_packaging::scheme::Scheme;
use sha2::Digest as _;

use super::contents::ContentsError;
use super::inflate::{Inflater, Promise, SLICE, check_crc};
use super::plan::{Plan, PlannedFile, plan_with};
use super::source::{ReadAt, Window};
use super::zip::{Entry, Method};
use super::{Limits, UnpackError};

/// Members are inflated in one call when both their forms fit into this many bytes.
/// More memory gains nothing: what does not fit into the cache is inflated no faster.
const WHOLE: u64 = 3 << 20;
/// Read along with a small member.
const READ_AHEAD: usize = 512 << 10;
/// Compressed bytes above which a member is read by itself and not through the window.
const READ_ALONE: u64 = 64 << 10;
/// A window's buffer that is longer is not kept for the next wheel: one that had a large
/// central directory.
const KEPT: usize = 1 << 20;

/// A script that begins like this names the interpreter of the environment in its first line
/// (binary distribution format, "Recommended installer features").
const SHEBANG: &[u8] = b"#!python";

/// Where unpacked files go. The calls are `begin`, any number of `write`, `finish`, for one file
/// after the other in the order of the plan.
///
/// What a sink receives is proven only when [`Extractor::extract`] has returned: a large file is
/// handed on while it is being compared. Keep it apart until then, and drop it on an error.
pub trait Sink {
    /// A file begins. `index` is its place in [`Plan::files`].
    ///
    /// # Errors
    /// When it cannot be written; ends the extraction, as for the other calls.
    fn begin(&mut self, index: usize, file: &PlannedFile) -> io::Result<()>;

    /// The next bytes of the file, at most 256 KiB. Never empty.
    ///
    /// # Errors
    /// When they cannot be written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The file ends.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// A file as it was unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtractedFile {
    /// Computed.
    pub sha256: Sha256,
    /// Computed.
    pub blake3: [u8; 32],
    /// Bytes.
    pub size: u64,
    /// It is a command that begins with `#!python`: its first line has to name the interpreter
    /// of the environment.
    pub rewrite_shebang: bool,
}

/// Plans and extracts one wheel after the other with the same buffers.
///
/// It holds less than 8 MiB, besides the plan and, while planning, a central directory or RECORD
/// that is larger than that.
pub struct Extractor {
    inflater: Inflater,
    window: Vec<u8>,
}

impl Default for Extractor {
    fn default() -> Self {
        Self::new()
    }
}

impl Extractor {
    /// Has no buffers yet.
    #[must_use]
    pub fn new() -> Self {
        Self { inflater: Inflater::new(), window: Vec::new() }
    }

    /// Checks all that can be checked without unpacking every file; writes nothing.
    ///
    /// # Errors
    /// When the wheel is not one that may be installed, or cannot be read.
    pub fn plan(
        &mut self,
        archive: &dyn ReadAt,
        filename: &WheelFilename,
        limits: &Limits,
    ) -> Result<Plan, UnpackError> {
        self.with_window(archive, |unpacker| plan_with(unpacker, filename, limits))
    }

    /// Unpacks every file of a plan into the sink. The answer is in the order of
    /// [`Plan::files`].
    ///
    /// The archive may have changed since it was planned: every file is compared with the sizes
    /// and digests of the plan.
    ///
    /// # Errors
    /// When a file is not what the plan says, or cannot be read or written. What the sink has
    /// received is void then.
    pub fn extract(
        &mut self,
        archive: &dyn ReadAt,
        plan: &Plan,
        sink: &mut dyn Sink,
    ) -> Result<Vec<ExtractedFile>, UnpackError> {
        self.with_window(archive, |unpacker| {
            let files = plan.files.iter().enumerate();
            files.map(|(index, file)| extract_file(unpacker, index, file, sink)).collect()
        })
    }

    pub(super) fn with_window<T>(
        &mut self,
        archive: &dyn ReadAt,
        work: impl FnOnce(&mut Unpacker<'_, '_>) -> Result<T, UnpackError>,
    ) -> Result<T, UnpackError> {
        let buffer = std::mem::take(&mut self.window);
        let mut window = Window::new(archive, buffer).map_err(UnpackError::Read)?;
        let inflater = &mut self.inflater;
        let result = work(&mut Unpacker { window: &mut window, inflater });
        let mut buffer = window.into_buffer();
        buffer.truncate(KEPT);
        buffer.shrink_to(KEPT);
        self.window = buffer;
        result
    }
}

/// [`Extractor::plan`] for a single wheel.
///
/// # Errors
/// When the wheel is not one that may be installed, or cannot be read.
pub fn plan(
    archive: &dyn ReadAt,
    filename: &WheelFilename,
    limits: &Limits,
) -> Result<Plan, UnpackError> {
    Extractor::new().plan(archive, filename, limits)
}

/// [`Extractor::extract`] for a single wheel.
///
/// # Errors
/// When a file is not what the plan says, or cannot be read or written.
pub fn extract(
    archive: &dyn ReadAt,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> Result<Vec<ExtractedFile>, UnpackError> {
    Extractor::new().extract(archive, plan, sink)
}

fn extract_file(
    unpacker: &mut Unpacker<'_, '_>,
    index: usize,
    file: &PlannedFile,
    sink: &mut dyn Sink,
) -> Result<ExtractedFile, UnpackError> {
    let path = &file.entry.name;
    let unwritten = |source| UnpackError::Write { path: path.clone(), source };
    let mut sha256 = sha2::Sha256::new();
    let mut blake3 = blake3::Hasher::new();
    let mut other = file.record_digest.as_ref().and_then(OtherHasher::new);
    let mut start: Vec<u8> = Vec::with_capacity(SHEBANG.len());
    let mut begun = false;
    unpacker.unpack(&file.entry, &mut |bytes| {
        if !begun {
            begun = true;
            sink.begin(index, file).map_err(unwritten)?;
        }
        start.extend(bytes.iter().take(SHEBANG.len() - start.len()));
        sha256.update(bytes);
        blake3.update(bytes);
        if let Some(other) = &mut other {
            other.update(bytes);
        }
        sink.write(bytes).map_err(unwritten)
    })?;
    let sha256 = Sha256(sha256.finalize().into());
    if let Some(expected) = &file.record_digest {
        let found = other.map_or_else(|| Ok(sha256.into()), OtherHasher::finish);
        compare(path, expected, found)?;
    }
    if !begun {
        sink.begin(index, file).map_err(unwritten)?;
    }
    sink.finish().map_err(unwritten)?;
    Ok(ExtractedFile {
        sha256,
        blake3: blake3.finalize().into(),
        size: file.size,
        rewrite_shebang: file.scheme == Scheme::Scripts && start == SHEBANG,
    })
}

/// The digest of bytes that are in memory, compared with RECORD.
pub(super) fn check_digest(
    path: &str,
    expected: &Digest,
    bytes: &[u8],
) -> Result<(), ContentsError> {
    let found = match OtherHasher::new(expected) {
        Some(mut other) => {
            other.update(bytes);
            other.finish()
        }
        None => Ok(Sha256(sha2::Sha256::digest(bytes).into()).into()),
    };
    compare(path, expected, found)
}

fn compare(
    path: &str,
    expected: &Digest,
    found: Result<Digest, countermark_packaging::digest::DigestError>,
) -> Result<(), ContentsError> {
    match found {
        Ok(found) if found == *expected => Ok(()),
        Ok(found) => Err(ContentsError::RecordDigest {
            path: path.to_owned(),
            expected: expected.clone(),
            found,
        }),
        // A digest of the right length always can be made; without one nothing is proven.
        Err(_) => Err(ContentsError::RecordNoDigest { path: path.to_owned() }),
    }
}

/// The strong algorithms besides SHA-256, which is computed anyway.
enum OtherHasher {
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl OtherHasher {
    fn new(expected: &Digest) -> Option<Self> {
        match expected.algorithm() {
            Algorithm::Sha384 => Some(Self::Sha384(sha2::Sha384::new())),
            Algorithm::Sha512 => Some(Self::Sha512(sha2::Sha512::new())),
            // Weak ones have been refused: they compare with SHA-256 and never agree.
            Algorithm::Sha256 | Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 => None,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Result<Digest, countermark_packaging::digest::DigestError> {
        match self {
            Self::Sha384(hasher) => Digest::new(Algorithm::Sha384, &hasher.finalize()),
            Self::Sha512(hasher) => Digest::new(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

/// Takes the bytes of a member, in slices.
pub(super) type Each<'a> = dyn FnMut(&[u8]) -> Result<(), UnpackError> + 'a;

/// Unpacks members of one archive.
pub(super) struct Unpacker<'w, 'a> {
    pub(super) window: &'w mut Window<'a>,
    inflater: &'w mut Inflater,
}

impl Unpacker<'_, '_> {
    /// Hands the bytes of a member on, and compares them with the sizes and the CRC-32 of its
    /// headers.
    pub(super) fn unpack(&mut self, entry: &Entry, each: &mut Each<'_>) -> Result<(), UnpackError> {
        match entry.method {
            Method::Stored => self.copy(entry, each),
            Method::Deflated if entry.size.saturating_add(entry.compressed_size) <= WHOLE => {
                self.inflate(entry, each)
            }
            Method::Deflated => self.stream(entry, each),
        }
    }

    fn copy(&mut self, entry: &Entry, each: &mut Each<'_>) -> Result<(), UnpackError> {
        let mut crc32 = crc32fast::Hasher::new();
        let mut position = 0;
        while position < entry.size {
            let length = (entry.size - position).min(SLICE as u64) as usize;
            let bytes = self
                .window
                .bytes(entry.data_offset + position, length, READ_AHEAD)
                .map_err(UnpackError::Read)?;
            crc32.update(bytes);
            each(bytes)?;
            position += length as u64;
        }
        check_crc(entry.crc32, crc32).map_err(|fault| data_error(entry, fault))
    }

    fn inflate(&mut self, entry: &Entry, each: &mut Each<'_>) -> Result<(), UnpackError> {
        let window = &mut *self.window;
        let fill = |buffer: &mut [u8]| {
            if entry.compressed_size > READ_ALONE {
                return window.archive().read_at(entry.data_offset, buffer);
            }
            let bytes = window.bytes(entry.data_offset, buffer.len(), READ_AHEAD)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        };
        let bytes = self.inflater.inflate_whole(promise(entry), fill).map_err(UnpackError::Read)?;
        let bytes = bytes.map_err(|fault| data_error(entry, fault))?;
        bytes.chunks(SLICE).try_for_each(each)
    }

    fn stream(&mut self, entry: &Entry, each: &mut Each<'_>) -> Result<(), UnpackError> {
        let mut stream = self.inflater.start_stream(promise(entry));
        let mut position = 0;
        loop {
            let length = (entry.compressed_size - position).min(SLICE as u64) as usize;
            let bytes = self
                .window
                .bytes(entry.data_offset + position, length, length)
                .map_err(UnpackError::Read)?;
            let step = stream.step(bytes).map_err(|fault| data_error(entry, fault))?;
            position += step.consumed as u64;
            if !step.produced.is_empty() {
                each(step.produced)?;
            }
            if step.ended {
                return stream.finish().map_err(|fault| data_error(entry, fault));
            }
        }
    }
}

fn promise(entry: &Entry) -> Promise {
    Promise { compressed_size: entry.compressed_size, size: entry.size, crc32: entry.crc32 }
}

fn data_error(entry: &Entry, fault: super::inflate::DataFault) -> UnpackError {
    UnpackError::Data { path: entry.name.clone(), fault }
}
