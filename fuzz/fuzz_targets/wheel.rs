//! Wheels of three kinds: any bytes; a good wheel with some bytes changed; and one whose names
//! and texts are arbitrary while all its sums are right. None may panic, an accepted one writes
//! only inside its folders, and a changed one has the same files or is refused.

#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::io;

use countermark_client::unpack::{Extractor, Limits, PlannedFile, ReadAt, Sink};
use countermark_packaging::filename::WheelFilename;
use countermark_packaging::scheme::Scheme;
use countermark_testkit::wheel::Wheel;
use countermark_testkit::wheel::archive::{Descriptor, Member};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => drop(unpack_twice(rest)),
        1 => change(rest),
        _ => invent(rest),
    }
});

type Tree = BTreeMap<(Scheme, String), Vec<u8>>;

#[derive(Default)]
struct Keep(Vec<Vec<u8>>);

impl Sink for Keep {
    fn begin(&mut self, _index: usize, _file: &PlannedFile) -> io::Result<()> {
        self.0.push(Vec::new());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.last_mut().expect("begin comes first").extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Positional<'a>(&'a [u8]);

impl ReadAt for Positional<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}

fn unpack(archive: &dyn ReadAt) -> Result<Tree, &'static str> {
    let filename = WheelFilename::parse("a-1-py3-none-any.whl").expect("a good name");
    let limits = Limits { max_total_bytes: 16 << 20, ..Limits::default() };
    let mut extractor = Extractor::new();
    let mut sink = Keep::default();
    let plan = extractor.plan(archive, &filename, &limits).map_err(|error| error.code())?;
    let mut folded = HashSet::new();
    for file in &plan.files {
        assert!(!file.path.starts_with('/') && !file.path.contains(['\\', '\0', ':']));
        assert!(file.path.split('/').all(|part| !matches!(part, "" | "." | "..")));
        let library = matches!(file.scheme, Scheme::Purelib | Scheme::Platlib);
        let scheme = if library { Scheme::Purelib } else { file.scheme };
        assert!(folded.insert((scheme, file.path.to_lowercase())), "{}", file.path);
    }
    let files = extractor.extract(archive, &plan, &mut sink).map_err(|error| error.code())?;
    assert!(files.iter().zip(&sink.0).all(|(file, bytes)| file.size == bytes.len() as u64));
    let places = plan.files.into_iter().map(|file| (file.scheme, file.path));
    Ok(places.zip(sink.0).collect())
}

/// From memory and by positional reads: the answers are the same.
fn unpack_twice(bytes: &[u8]) -> Result<Tree, &'static str> {
    let found = unpack(&bytes);
    assert_eq!(found, unpack(&Positional(bytes)));
    found
}

fn tiny() -> Wheel {
    let mut described = Member::file("a.py", b"aaaaaaaa");
    described.descriptor = Descriptor::Written { signed: true, wide: false };
    let stored = Member { method: 0, ..Member::file("b.py", b"b") };
    let wide = Member { zip64: true, ..Member::file("c/c.py", b"c") };
    Wheel::new("a", "1").member(described).member(stored).member(wide)
}

/// Pairs of a position and a byte.
fn change(edits: &[u8]) {
    let mut bytes = tiny().build();
    let expect = unpack(&&bytes[..]).expect("a good wheel");
    for edit in edits.chunks_exact(3).take(32) {
        let position = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[position] = edit[2];
    }
    if let Ok(found) = unpack_twice(&bytes) {
        assert_eq!(found, expect);
    }
}

/// Texts separated by 0xff: entry points, METADATA's and WHEEL's ends, then names of members.
fn invent(data: &[u8]) {
    let mut texts = data.split(|byte| *byte == 0xff).map(String::from_utf8_lossy);
    let mut wheel = Wheel::new("a", "1");
    wheel.entry_points = texts.next().map(|text| format!("[console_scripts]\n{text}"));
    for (part, text) in [&mut wheel.metadata, &mut wheel.wheel].into_iter().zip(texts.by_ref()) {
        part.as_mut().expect("there is one").push_str(&text);
    }
    for name in texts.take(20) {
        let mut member = Member::file(&name, name.as_bytes());
        if name.ends_with('/') {
            member = Member::directory(&name);
        }
        wheel = wheel.member(member);
    }
    drop(unpack_twice(&wheel.build()));
}
