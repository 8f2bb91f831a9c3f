//! A release for tests: its source distribution and its wheel, file by file.

use std::collections::BTreeMap;

use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_trust::change::FileKind;
use sha2::Digest as _;

use super::super::*;

/// Both files of a release, as paths and bytes.
#[derive(Clone)]
pub(super) struct Release {
    pub(super) source: BTreeMap<String, Vec<u8>>,
    pub(super) wheel: BTreeMap<String, Vec<u8>>,
}

pub(super) trait ParseName {
    fn parse_name(&self) -> DistributionFilename;
}

impl ParseName for str {
    fn parse_name(&self) -> DistributionFilename {
        DistributionFilename::parse(self).unwrap()
    }
}

impl Release {
    /// With metadata and no other files.
    pub(super) fn new() -> Self {
        let metadata = b"Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n";
        let wheel = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
        Self { source: BTreeMap::new(), wheel: BTreeMap::new() }
            .source("PKG-INFO", metadata)
            .info("METADATA", metadata)
            .info("WHEEL", wheel)
            .info("RECORD", b"tea/__init__.py,,\n")
    }

    fn put(files: &mut BTreeMap<String, Vec<u8>>, path: &str, bytes: &[u8], is_new: bool) {
        let old = files.insert(path.to_owned(), bytes.to_vec());
        assert_eq!(old.is_none(), is_new, "{path}");
    }

    pub(super) fn source(mut self, path: &str, bytes: &[u8]) -> Self {
        Self::put(&mut self.source, path, bytes, true);
        self
    }

    pub(super) fn wheel(mut self, path: &str, bytes: &[u8]) -> Self {
        Self::put(&mut self.wheel, path, bytes, true);
        self
    }

    pub(super) fn both(self, source: &str, wheel: &str, bytes: &[u8]) -> Self {
        self.source(source, bytes).wheel(wheel, bytes)
    }

    pub(super) fn info(self, name: &str, bytes: &[u8]) -> Self {
        self.wheel(&format!("tea-1.0.dist-info/{name}"), bytes)
    }

    pub(super) fn replace_source(mut self, path: &str, bytes: &[u8]) -> Self {
        Self::put(&mut self.source, path, bytes, false);
        self
    }

    pub(super) fn replace_wheel(mut self, path: &str, bytes: &[u8]) -> Self {
        Self::put(&mut self.wheel, path, bytes, false);
        self
    }

    pub(super) fn replace_info(self, name: &str, bytes: &[u8]) -> Self {
        self.replace_wheel(&format!("tea-1.0.dist-info/{name}"), bytes)
    }

    pub(super) fn without_info(mut self, name: &str) -> Self {
        assert!(self.wheel.remove(&format!("tea-1.0.dist-info/{name}")).is_some());
        self
    }

    /// As they are read: with the texts that the rules ask for, and no others.
    pub(super) fn sides(&self) -> (Side, Side) {
        let source = side("tea-1.0.tar.gz", &self.source);
        let wheel = side("tea-1.0-py3-none-any.whl", &self.wheel);
        read(&[&self.source, &self.wheel], source, wheel)
    }

    pub(super) fn relate(&self) -> Comparison {
        let (source, wheel) = self.sides();
        relate(&source, &wheel).unwrap()
    }
}

/// A side as it is first read.
pub(super) fn side(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Side {
    let sha256 = |bytes: &[u8]| Sha256(sha2::Sha256::digest(bytes).into());
    let is_wheel = name.ends_with(".whl");
    let member = |(path, bytes): (&String, &Vec<u8>)| {
        let kind = FileKind::of(path, bytes);
        // What is compressed is not unpacked here, but told.
        let inner = bytes.strip_prefix(b"gzip:").map(sha256);
        (path.clone(), Member { size: bytes.len() as u64, digest: sha256(bytes), kind, inner })
    };
    let texts = files.iter().filter(|(path, _)| is_saying(is_wheel, path));
    Side {
        filename: name.parse_name(),
        digest: sha256(name.as_bytes()),
        files: files.iter().map(member).collect(),
        texts: texts.map(|(path, bytes)| (path.clone(), bytes.clone())).collect(),
    }
}

/// With the texts that are wanted.
pub(super) fn read(
    files: &[&BTreeMap<String, Vec<u8>>; 2],
    mut from: Side,
    mut to: Side,
) -> (Side, Side) {
    let [before, after] = wanted(&from, &to);
    for (side, (files, wanted)) in
        [&mut from, &mut to].into_iter().zip(files.iter().zip([before, after]))
    {
        side.texts.extend(wanted.into_iter().map(|path| (path.clone(), files[&path].clone())));
    }
    (from, to)
}

/// The codes of what is not explained.
pub(super) fn codes(comparison: &Comparison) -> Vec<String> {
    let first = |text: &String| text.split(' ').next().unwrap_or_default().to_owned();
    comparison.relation.unexplained.iter().map(first).collect()
}

#[track_caller]
pub(super) fn covered(release: &Release) -> crate::relation::Relation {
    let comparison = release.relate();
    assert!(comparison.relation.covers(), "{:#?}", comparison.relation.unexplained);
    comparison.relation
}

/// Exactly these files are not explained, for these reasons.
#[track_caller]
pub(super) fn unexplained(release: &Release, expected: &[&str]) {
    let mut found = release.relate().relation.unexplained;
    found.sort();
    assert_eq!(found, expected);
}
