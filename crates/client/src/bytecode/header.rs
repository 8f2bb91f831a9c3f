//! The first sixteen bytes of a `.pyc` file (PEP 552), and its name (PEP 3147, PEP 488).

use super::Optimization;

/// Bytes before the code.
pub(super) const HEADER: usize = 16;

/// How a `.pyc` file is tied to its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// The source's modification time in seconds and its size, both modulo 2³².
    Timestamp { modified: u32, size: u32 },
    /// A hash of the source.
    Hash {
        /// Does the interpreter compare it?
        is_checked: bool,
        hash: [u8; 8],
    },
}

/// Magic number and tie; `None` when it is too short or has unknown flags.
pub(super) fn parse_header(bytes: &[u8]) -> Option<([u8; 4], Tie)> {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|word| <[u8; 4]>::try_from(word).ok());
    let number = |at: usize| word(at).map(u32::from_le_bytes);
    let magic = word(0)?;
    let tie = match number(4)? {
        0 => Tie::Timestamp { modified: number(8)?, size: number(12)? },
        flags @ (1 | 3) => Tie::Hash {
            is_checked: flags == 3,
            hash: bytes.get(8..16).and_then(|hash| <[u8; 8]>::try_from(hash).ok())?,
        },
        _ => return None,
    };
    Some((magic, tie))
}

/// A name in a `__pycache__` folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PycName {
    /// The module: the source is `stem.py`, one folder up.
    pub stem: String,
    /// Whose it is, such as `cpython-311`.
    pub cache_tag: String,
    /// How it was compiled.
    pub optimization: Optimization,
}

impl PycName {
    /// Reads `stem.tag.pyc` or `stem.tag.opt-N.pyc`; any other name is `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_suffix(".pyc")?;
        let (rest, optimization) = match rest.rsplit_once(".opt-") {
            Some((rest, "1")) => (rest, Optimization::Asserts),
            Some((rest, "2")) => (rest, Optimization::Docstrings),
            _ => (rest, Optimization::None),
        };
        let (stem, cache_tag) = rest.rsplit_once('.')?;
        if stem.is_empty() || cache_tag.is_empty() || name.contains('/') {
            return None;
        }
        Some(Self { stem: stem.to_owned(), cache_tag: cache_tag.to_owned(), optimization })
    }

    /// The name for a source `stem.py`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let Self { stem, cache_tag, optimization } = self;
        match optimization.level() {
            0 => format!("{stem}.{cache_tag}.pyc"),
            level => format!("{stem}.{cache_tag}.opt-{level}.pyc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, expect: Option<(&str, &str, u8)>| {
            let found = PycName::parse(name);
            let parts = found.as_ref().map(|found| {
                (found.stem.as_str(), found.cache_tag.as_str(), found.optimization.level())
            });
            assert_eq!(parts, expect, "{name}");
            if let Some(found) = found {
                assert_eq!(found.file_name(), name);
            }
        };
        check("a.cpython-311.pyc", Some(("a", "cpython-311", 0)));
        check("a.cpython-311.opt-1.pyc", Some(("a", "cpython-311", 1)));
        check("a.cpython-311.opt-2.pyc", Some(("a", "cpython-311", 2)));
        check("a.b.cpython-311.pyc", Some(("a.b", "cpython-311", 0)));
        check("a.cpython-311-pytest-8.3.4.pyc", Some(("a.cpython-311-pytest-8.3", "4", 0)));
        check("a.cpython-311.opt-3.pyc", Some(("a.cpython-311", "opt-3", 0)));
        check("a.pyc", None);
        check(".cpython-311.pyc", None);
        check("a.cpython-311.pyo", None);
        check("a..pyc", None);
    }

    #[test]
    fn headers() {
        let check = |bytes: &[u8], expect| assert_eq!(parse_header(bytes), expect, "{bytes:?}");
        let bytes = b"\xa7\r\r\n\0\0\0\0\x01\0\0\0\x02\0\0\0";
        let magic = *b"\xa7\r\r\n";
        check(bytes, Some((magic, Tie::Timestamp { modified: 1, size: 2 })));
        let hash = *b"\x01\0\0\0\x02\0\0\0";
        let flagged = |flags: u8| [&bytes[..4], &[flags], &bytes[5..]].concat();
        check(&flagged(1), Some((magic, Tie::Hash { is_checked: false, hash })));
        check(&flagged(3), Some((magic, Tie::Hash { is_checked: true, hash })));
        for flags in [2, 4, 5, 255] {
            check(&flagged(flags), None);
        }
        for end in 0..16 {
            check(&bytes[..end], None);
        }
    }
}
