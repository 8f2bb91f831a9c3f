//! Deflate (RFC 1951), exact at both ends: a stream gives the promised number of bytes with the
//! promised CRC-32, and it ends with the last of its own bytes.
//!
//! Two decoders. Members of ordinary size are inflated in one call by libdeflate, which is half
//! again as fast; large ones are streamed by zlib-rs. libdeflate's safe interface does not say
//! where a stream ended, and bytes after the end must not pass: with a data descriptor, a reader
//! that streams would take them for the descriptor. So the stream is wrapped into gzip (RFC 1952),
//! whose trailer libdeflate looks for right after the end of the stream. An attacker who ends the
//! stream early could put a trailer there himself; he cannot know it, because the wrapped stream
//! begins with a stored block of eight random bytes which the trailer's CRC covers. What the fast
//! way refuses is looked at again by the slow one, which says what is wrong.

use std::hash::{BuildHasher as _, RandomState};
use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::Decompressor;

/// Bytes that are unpacked, hashed and handed on at once. Small enough for the second-level cache.
pub(super) const SLICE: usize = 256 << 10;

const GUARD: usize = 8;
/// Magic, deflate, no flags, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// Not the last block, stored; its length and the complement.
const GUARD_BLOCK: [u8; 5] = [0, GUARD as u8, 0, !(GUARD as u8), 0xff];
const PREFIX: usize = GZIP_HEADER.len() + GUARD_BLOCK.len() + GUARD;
const TRAILER: usize = 8;

/// What is wrong with a member's data. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataFault {
    /// Not a deflate stream.
    #[error("the compressed data is malformed")]
    Malformed,
    /// The stream goes on where its data ends.
    #[error("the compressed data is cut off")]
    Truncated,
    /// The stream ends before its data does.
    #[error("{count} bytes follow the end of the compressed data")]
    Trailing {
        /// How many.
        count: u64,
    },
    /// More bytes than promised.
    #[error("unpacks to more than the promised {expected} bytes")]
    TooLong {
        /// As promised.
        expected: u64,
    },
    /// Fewer bytes than promised.
    #[error("unpacks to {found} bytes, expected {expected}")]
    TooShort {
        /// As promised.
        expected: u64,
        /// As unpacked.
        found: u64,
    },
    /// Other bytes than promised.
    #[error("unpacks to CRC-32 {found:08x}, expected {expected:08x}")]
    Crc {
        /// As promised.
        expected: u32,
        /// As unpacked.
        found: u32,
    },
}

impl DataFault {
    /// The name of the rejection, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "data-malformed",
            Self::Truncated => "data-truncated",
            Self::Trailing { .. } => "data-trailing",
            Self::TooLong { .. } => "data-too-long",
            Self::TooShort { .. } => "data-too-short",
            Self::Crc { .. } => "data-crc",
        }
    }
}

/// What the headers promise of a member's data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    pub(super) crc32: u32,
}

/// Both decoders and their buffers, for one member after the other.
pub(super) struct Inflater {
    whole: Decompressor,
    stream: Decompress,
    guard: [u8; GUARD],
    frame: Vec<u8>,
    output: Vec<u8>,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            whole: Decompressor::new(),
            stream: Decompress::new(false),
            // Seeded by the system; not printed, stored or used for anything else.
            guard: RandomState::new().hash_one(GUARD).to_le_bytes(),
            frame: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Inflates a member in one call. `fill` gets a buffer for the compressed bytes.
    ///
    /// The sizes must have been compared with what memory may be spent: both are allocated.
    pub(super) fn inflate_whole(
        &mut self,
        promise: Promise,
        fill: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Result<&[u8], DataFault>> {
        let compressed_size = promise.compressed_size as usize;
        let length = PREFIX + compressed_size + TRAILER;
        let expected_trailer = self.trailer(promise);
        grow(&mut self.frame, length);
        grow(&mut self.output, GUARD + promise.size as usize);
        let (prefix, rest) = self.frame[..length].split_at_mut(PREFIX);
        let (compressed, trailer) = rest.split_at_mut(compressed_size);
        prefix[..10].copy_from_slice(&GZIP_HEADER);
        prefix[10..15].copy_from_slice(&GUARD_BLOCK);
        prefix[15..].copy_from_slice(&self.guard);
        fill(compressed)?;
        trailer.copy_from_slice(&expected_trailer);

        let output = &mut self.output[..GUARD + promise.size as usize];
        match self.whole.gzip_decompress(&self.frame[..length], output) {
            Ok(found) if found == output.len() => Ok(Ok(&self.output[GUARD..found])),
            _ => Ok(Err(self.explain(promise))),
        }
    }

    /// CRC-32 and length of the guard and the promised bytes.
    fn trailer(&self, promise: Promise) -> [u8; TRAILER] {
        let mut crc32 = crc32fast::Hasher::new();
        crc32.update(&self.guard);
        crc32.combine(&crc32fast::Hasher::new_with_initial_len(promise.crc32, promise.size));
        let length = (GUARD as u64 + promise.size) as u32;
        let mut trailer = [0; TRAILER];
        trailer[..4].copy_from_slice(&crc32.finalize().to_le_bytes());
        trailer[4..].copy_from_slice(&length.to_le_bytes());
        trailer
    }

    /// Why the data in the frame was refused.
    fn explain(&mut self, promise: Promise) -> DataFault {
        let frame = std::mem::take(&mut self.frame);
        let compressed = &frame[PREFIX..PREFIX + promise.compressed_size as usize];
        let mut stream = self.start_stream(promise);
        let mut rest = compressed;
        let fault = loop {
            match stream.step(rest) {
                Ok(Step { ended: true, .. }) => match stream.finish() {
                    // The decoders disagree: what one of them refuses is not deflate.
                    Ok(()) => break DataFault::Malformed,
                    Err(fault) => break fault,
                },
                Ok(step) => rest = &rest[step.consumed..],
                Err(fault) => break fault,
            }
        };
        self.frame = frame;
        fault
    }

    /// Begins to inflate a member piece by piece, in constant memory.
    pub(super) fn start_stream(&mut self, promise: Promise) -> Stream<'_> {
        self.stream.reset(false);
        grow(&mut self.output, SLICE);
        Stream {
            decoder: &mut self.stream,
            output: &mut self.output[..SLICE],
            promise,
            crc32: crc32fast::Hasher::new(),
        }
    }
}

/// Lengthens the buffer, and never shortens it: its old contents are always overwritten first.
fn grow(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
}

/// A member that is being inflated.
pub(super) struct Stream<'a> {
    decoder: &'a mut Decompress,
    output: &'a mut [u8],
    promise: Promise,
    crc32: crc32fast::Hasher,
}

/// What one piece of compressed data gave.
pub(super) struct Step<'a> {
    pub(super) consumed: usize,
    pub(super) produced: &'a [u8],
    pub(super) ended: bool,
}

impl Stream<'_> {
    /// Inflates from a piece of the data; an empty piece means that there is no more.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<Step<'_>, DataFault> {
        let (before_in, before_out) = (self.decoder.total_in(), self.decoder.total_out());
        let status = self
            .decoder
            .decompress(input, self.output, FlushDecompress::None)
            .map_err(|_| DataFault::Malformed)?;
        let consumed = (self.decoder.total_in() - before_in) as usize;
        let produced = (self.decoder.total_out() - before_out) as usize;
        let produced = &self.output[..produced];
        self.crc32.update(produced);
        if self.decoder.total_out() > self.promise.size {
            return Err(DataFault::TooLong { expected: self.promise.size });
        }
        let ended = status == Status::StreamEnd;
        if !ended && consumed == 0 && produced.is_empty() {
            return Err(DataFault::Truncated);
        }
        Ok(Step { consumed, produced, ended })
    }

    /// Compares an ended stream with what was promised.
    pub(super) fn finish(self) -> Result<(), DataFault> {
        let Promise { compressed_size, size, crc32 } = self.promise;
        let (consumed, found) = (self.decoder.total_in(), self.decoder.total_out());
        if consumed != compressed_size {
            return Err(DataFault::Trailing { count: compressed_size.saturating_sub(consumed) });
        }
        if found != size {
            return Err(DataFault::TooShort { expected: size, found });
        }
        check_crc(crc32, self.crc32)
    }
}

/// Compares the CRC-32 of what was unpacked with what was promised.
pub(super) fn check_crc(expected: u32, hasher: crc32fast::Hasher) -> Result<(), DataFault> {
    let found = hasher.finalize();
    if found == expected { Ok(()) } else { Err(DataFault::Crc { expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Both ways have to come to the same answer.
    fn check(compressed: &[u8], size: u64, crc32: u32, expect: Result<&[u8], &str>) {
        let promise = Promise { compressed_size: compressed.len() as u64, size, crc32 };
        let mut inflater = Inflater::new();
        let whole = inflater
            .inflate_whole(promise, |buffer| {
                buffer.copy_from_slice(compressed);
                Ok(())
            })
            .unwrap();
        assert_eq!(whole.map_err(|fault| fault.code()), expect, "whole");
        let streamed = stream(&mut inflater, promise, compressed);
        let streamed = streamed.as_deref().map_err(DataFault::code);
        assert_eq!(streamed, expect, "streamed");
    }

    fn stream(
        inflater: &mut Inflater,
        promise: Promise,
        mut rest: &[u8],
    ) -> Result<Vec<u8>, DataFault> {
        let mut all = Vec::new();
        let mut stream = inflater.start_stream(promise);
        loop {
            let step = stream.step(&rest[..rest.len().min(100)])?;
            all.extend(step.produced);
            rest = &rest[step.consumed..];
            if step.ended {
                return stream.finish().map(|()| all);
            }
        }
    }

    fn sample(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index * index / 7 % 251) as u8).collect()
    }

    #[test]
    fn exact_streams_pass() {
        for length in [0, 1, 2, 100, 65_535, 65_536, 1_000_000] {
            let bytes = sample(length);
            check(&deflate(&bytes), length as u64, crc32fast::hash(&bytes), Ok(&bytes));
        }
    }

    #[test]
    fn inexact_streams_are_refused() {
        let bytes = sample(5000);
        let (compressed, crc32) = (deflate(&bytes), crc32fast::hash(&bytes));
        check(&compressed, 4999, crc32, Err("data-too-long"));
        check(&compressed, 0, crc32, Err("data-too-long"));
        check(&compressed, 5001, crc32, Err("data-too-short"));
        check(&compressed, 5000, crc32 ^ 1, Err("data-crc"));
        check(&compressed[..compressed.len() - 1], 5000, crc32, Err("data-truncated"));
        check(&[], 0, 0, Err("data-truncated"));
        check(&[7], 0, 0, Err("data-malformed"));
        check(&[&compressed[..], b"\0"].concat(), 5000, crc32, Err("data-trailing"));
        check(&[&compressed[..], &compressed].concat(), 5000, crc32, Err("data-trailing"));
    }

    #[test]
    fn a_forged_trailer_does_not_hide_what_follows() {
        // What would pass were there no guard: the stream, its own trailer, and more.
        let bytes = sample(5000);
        let crc32 = crc32fast::hash(&bytes);
        for length in [5000u32, 5008] {
            let trailer = [crc32.to_le_bytes(), length.to_le_bytes()].concat();
            let forged = [&deflate(&bytes)[..], &trailer, b"hidden"].concat();
            check(&forged, 5000, crc32, Err("data-trailing"));
        }
    }

    #[test]
    fn a_distance_into_the_guard_is_refused() {
        // Fixed Huffman block: one literal, then a match of length 3 at distance 2.
        // Bits: 1 (final), 10 (fixed), literal `a` 10010001, length code 257 0000001,
        // distance code 1 00001, end 0000000.
        let mut bits = vec![1, 1, 0];
        for (code, length) in [(0b1001_0001u32, 8), (1, 7), (1, 5), (0, 7)] {
            bits.extend((0..length).rev().map(|bit| (code >> bit & 1) as u8));
        }
        let mut compressed = vec![0u8; bits.len().div_ceil(8)];
        for (index, bit) in bits.iter().enumerate() {
            compressed[index / 8] |= bit << (index % 8);
        }
        check(&compressed, 4, crc32fast::hash(b"a\0a\0"), Err("data-malformed"));
    }

    #[test]
    fn every_truncation_and_flip_is_refused_alike_or_harmless() {
        let bytes = b"import sys\nprint(sys.path)\nimport sys\nprint(sys.path)\n";
        let (compressed, crc32) = (deflate(bytes), crc32fast::hash(bytes));
        let mut inflater = Inflater::new();
        for position in 0..compressed.len() * 8 {
            let mut flipped = compressed.clone();
            flipped[position / 8] ^= 1 << (position % 8);
            let promise =
                Promise { compressed_size: flipped.len() as u64, size: bytes.len() as u64, crc32 };
            let whole = inflater
                .inflate_whole(promise, |buffer| {
                    buffer.copy_from_slice(&flipped);
                    Ok(())
                })
                .unwrap()
                .map(<[u8]>::to_vec);
            // A padding bit may flip; then the contents are the same.
            if let Ok(found) = &whole {
                assert_eq!(found, bytes);
            }
            assert_eq!(whole, stream(&mut inflater, promise, &flipped), "bit {position}");
        }
    }
}
