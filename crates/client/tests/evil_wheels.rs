//! Wheels through [`countermark_client::unpack`]: every evil one is refused for its own reason,
//! every good one passes, and no byte of one can change unnoticed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, HashSet};
use std::io;

use countermark_client::unpack::{
    ExtractedFile, Extractor, Limits, Plan, PlanNote, PlannedFile, ReadAt, Sink, UnpackError,
};
use countermark_packaging::filename::WheelFilename;
use countermark_packaging::scheme::Scheme;
use countermark_testkit::wheel::archive::{Descriptor, Member};
use countermark_testkit::wheel::evil::{self, Stage};
use countermark_testkit::wheel::{Archive, Wheel, good};
use countermark_trust::Class;

/// Keeps what it is given, and checks the order of the calls.
#[derive(Debug, Default)]
struct Recorder {
    open: Option<usize>,
    files: Vec<Vec<u8>>,
    done: usize,
}

impl Sink for Recorder {
    fn begin(&mut self, index: usize, _file: &PlannedFile) -> io::Result<()> {
        assert_eq!((self.open, index), (None, self.files.len()));
        self.open = Some(index);
        self.files.push(Vec::new());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert!(self.open.is_some() && !bytes.is_empty() && bytes.len() <= 256 << 10);
        self.files.last_mut().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        assert!(self.open.take().is_some());
        self.done += 1;
        Ok(())
    }
}

/// Reads like a file: only at offsets.
struct Positional<'a>(&'a [u8]);

impl ReadAt for Positional<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}

#[derive(Debug)]
struct Unpacked {
    plan: Plan,
    files: Vec<ExtractedFile>,
    contents: Vec<Vec<u8>>,
}

impl Unpacked {
    /// Scheme, path and contents, which is what an installer would write.
    fn tree(&self) -> BTreeMap<(Scheme, String), Vec<u8>> {
        let places = self.plan.files.iter().map(|file| (file.scheme, file.path.clone()));
        places.zip(self.contents.iter().cloned()).collect()
    }

    fn file(&self, path: &str) -> (&PlannedFile, &ExtractedFile, &[u8]) {
        let index = self.plan.files.iter().position(|file| file.path == path).unwrap();
        (&self.plan.files[index], &self.files[index], &self.contents[index])
    }
}

/// A refusal: when, why, and what the sink had received.
type Refused = Box<(Stage, UnpackError, Recorder)>;

fn unpack_from(archive: &dyn ReadAt, filename: &str, limits: &Limits) -> Result<Unpacked, Refused> {
    let filename = WheelFilename::parse(filename).unwrap();
    let mut extractor = Extractor::new();
    let mut sink = Recorder::default();
    let plan = match extractor.plan(archive, &filename, limits) {
        Ok(plan) => plan,
        Err(error) => return Err(Box::new((Stage::Plan, error, sink))),
    };
    let files = match extractor.extract(archive, &plan, &mut sink) {
        Ok(files) => files,
        Err(error) => return Err(Box::new((Stage::Extract, error, sink))),
    };
    assert_eq!((sink.done, files.len()), (plan.files.len(), plan.files.len()));
    Ok(Unpacked { plan, files, contents: sink.files })
}

fn unpack(bytes: &[u8], filename: &str) -> Result<Unpacked, Refused> {
    unpack_from(&bytes, filename, &Limits::default())
}

fn unpack_wheel(wheel: &Wheel) -> Unpacked {
    unpack(&wheel.build(), &wheel.filename()).unwrap_or_else(|refused| panic!("{}", refused.1))
}

#[test]
fn every_evil_wheel_is_refused_for_its_reason() {
    let mut names = HashSet::new();
    let mut wrong = Vec::new();
    let catalogue = evil::all();
    assert!(catalogue.len() >= 150, "{} evil wheels", catalogue.len());
    for wheel in &catalogue {
        assert!(names.insert(wheel.name), "`{}` twice", wheel.name);
        let archives: [&dyn ReadAt; 2] = [&&wheel.bytes[..], &Positional(&wheel.bytes)];
        for archive in archives {
            match unpack_from(archive, &wheel.filename, &Limits::default()) {
                Ok(_) => wrong.push(format!("{}: accepted", wheel.name)),
                Err(refused) => {
                    let (stage, error, sink) = *refused;
                    if (error.code(), stage) != (wheel.code, wheel.stage) {
                        let (expect, found) = (wheel.code, error.code());
                        wrong.push(format!("{}: {expect}, found {found}: {error}", wheel.name));
                    }
                    assert_eq!(error.class(), Class::Rejected, "{}", wheel.name);
                    assert!(error.hint().is_some());
                    let message = error.to_string();
                    assert!(message.len() < 1500 && !message.contains(char::is_control));
                    // Nothing was handed on when the plan refuses, and nothing whole of the bad
                    // file when the extraction does.
                    assert!(stage == Stage::Extract || sink.files.is_empty());
                    assert!(sink.done < 2, "{}", wheel.name);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_of_a_rejection_has_an_evil_wheel() {
    let codes: HashSet<&str> = evil::all().iter().map(|wheel| wheel.code).collect();
    // By the sources, so that a new variant without a wheel is noticed.
    let sources = [
        include_str!("../src/unpack/zip/error.rs"),
        include_str!("../src/unpack/path.rs"),
        include_str!("../src/unpack/contents.rs"),
        include_str!("../src/unpack/inflate.rs"),
    ];
    // Not about a wheel, or tried with smaller limits below.
    let elsewhere = ["archive-unreadable", "limit-directory-bytes", "limit-metadata-bytes"];
    let mut untried: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split("=> \"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|code| {
            code.contains('-')
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
        .filter(|code| !codes.contains(code) && !elsewhere.contains(code))
        .collect();
    untried.sort_unstable();
    assert!(untried.is_empty(), "{untried:?}");
}

#[test]
fn every_good_wheel_passes() {
    let mut names = HashSet::new();
    for wheel in good::all() {
        assert!(names.insert(wheel.name), "`{}` twice", wheel.name);
        let memory = unpack(&wheel.bytes, &wheel.filename);
        let memory = memory.unwrap_or_else(|refused| panic!("{}: {}", wheel.name, refused.1));
        let file = unpack_from(&Positional(&wheel.bytes), &wheel.filename, &Limits::default());
        let file = file.unwrap_or_else(|refused| panic!("{}: {}", wheel.name, refused.1));
        assert_eq!(memory.tree(), file.tree(), "{}", wheel.name);
        assert_eq!(memory.files, file.files, "{}", wheel.name);
        assert!(memory.plan.files.iter().any(|file| file.path.ends_with("/METADATA")));
    }
}

#[test]
fn files_go_where_the_data_folder_says() {
    let wheel = good::all().into_iter().find(|wheel| wheel.name == "every folder of data");
    let wheel = wheel.unwrap();
    let found = unpack(&wheel.bytes, &wheel.filename).unwrap();
    let mut places: Vec<String> = found
        .plan
        .files
        .iter()
        .map(|file| format!("{} {}", file.scheme.name(), file.path))
        .collect();
    places.sort();
    assert_eq!(
        places,
        [
            "data bin/foo-helper",
            "data lib/libfoo.so",
            "data share/man/foo.1",
            "headers foo.h",
            "platlib plat.so",
            "purelib foo-1.0.dist-info/METADATA",
            "purelib foo-1.0.dist-info/WHEEL",
            "purelib foo/__init__.py",
            "purelib foo/empty.py",
            "purelib pure.py",
            "scripts foo.sh",
            "scripts run-foo",
        ]
    );
    let flags = |path: &str| {
        let (planned, extracted, _) = found.file(path);
        (planned.executable, extracted.rewrite_shebang)
    };
    assert_eq!(flags("run-foo"), (false, true));
    assert_eq!(flags("foo.sh"), (true, false));
    assert_eq!(flags("plat.so"), (false, false));
}

#[test]
fn commands_made_on_windows_become_executable() {
    let mut script = Member::file("foo-1.0.data/scripts/run", b"#!pythonw\n");
    script.mode = 0;
    let mut module = Member::file("foo.py", b"");
    module.mode = 0;
    let found = unpack_wheel(&Wheel::new("foo", "1.0").member(script).member(module));
    assert!(found.file("run").0.executable && found.file("run").1.rewrite_shebang);
    assert!(!found.file("foo.py").0.executable);
}

#[test]
fn what_is_odd_is_noted() {
    let notes = |name: &str| {
        let wheel = good::all().into_iter().find(|wheel| wheel.name == name).unwrap();
        unpack(&wheel.bytes, &wheel.filename).unwrap().plan.notes
    };
    assert_eq!(notes("nothing special"), []);
    assert_eq!(notes("a build number and two tags"), []);
    assert_eq!(
        notes("renamed after it was built"),
        [PlanNote::TagsDiffer { wheel: vec!["py3-none-manylinux1_x86_64".to_owned()] }]
    );
    assert_eq!(
        notes("a later minor version of the format"),
        [PlanNote::NewerFormat { version: (1, 9) }]
    );
}

/// Bytes that compress by about half, and differ everywhere.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as u8
        })
        .collect()
}

#[test]
fn sizes_around_every_buffer_are_exact() {
    let slice = 256 << 10;
    let sizes = [0, 1, slice - 1, slice, slice + 1, 3 * slice, (4 << 20) - 1, 4 << 20, 5 << 20];
    let mut wheel = Wheel::new("foo", "1.0");
    for (index, size) in sizes.iter().enumerate() {
        wheel = wheel.file(&format!("deflated{index}"), &noise(*size));
        let stored = Member { method: 0, ..Member::file(&format!("stored{index}"), &noise(*size)) };
        wheel = wheel.member(stored);
    }
    let bytes = wheel.build();
    for archive in [&&bytes[..] as &dyn ReadAt, &Positional(&bytes)] {
        let found = unpack_from(archive, &wheel.filename(), &Limits::default()).unwrap();
        for (index, size) in sizes.iter().enumerate() {
            for kind in ["deflated", "stored"] {
                let (planned, extracted, contents) = found.file(&format!("{kind}{index}"));
                assert!(contents == noise(*size), "{kind} {size}");
                assert_eq!((planned.size, extracted.size), (*size as u64, *size as u64));
                assert_eq!(extracted.blake3, *blake3::hash(contents).as_bytes());
                use sha2::Digest as _;
                let sha256: [u8; 32] = sha2::Sha256::digest(contents).into();
                assert_eq!(extracted.sha256.0, sha256);
            }
        }
    }
}

#[test]
fn faults_of_large_members_are_found_too() {
    let check = |code: &str, change: fn(&mut Archive)| {
        let wheel = Wheel::new("foo", "1.0").file("large", &noise(5 << 20));
        let mut archive = wheel.archive();
        change(&mut archive);
        let (stage, error, sink) = *unpack(&archive.write(), &wheel.filename()).unwrap_err();
        assert_eq!((stage, error.code(), sink.done), (Stage::Extract, code, 0));
    };
    check("data-trailing", |archive| {
        let member = archive.member("large");
        member.data = Some([&member.compressed()[..], b"hidden"].concat());
    });
    check("data-truncated", |archive| {
        let member = archive.member("large");
        let mut data = member.compressed();
        data.pop();
        member.data = Some(data);
    });
    check("data-crc", |archive| {
        let member = archive.member("large");
        (member.local.crc32, member.central.crc32) = (Some(7), Some(7));
    });
    check("record-digest", |archive| archive.member("large").content[4 << 20] ^= 1);
}

#[test]
fn limits_are_kept() {
    let wheel = evil::good();
    let bytes = wheel.build();
    let check = |limits: &Limits, code: &str| {
        let (stage, error, _) = *unpack_from(&&bytes[..], &wheel.filename(), limits).unwrap_err();
        assert_eq!((stage, error.code()), (Stage::Plan, code));
    };
    let limits = Limits::default;
    check(&Limits { max_entries: 5, ..limits() }, "limit-entries");
    check(&Limits { max_total_bytes: 1500, ..limits() }, "limit-total-bytes");
    check(&Limits { max_entry_bytes: 1000, ..limits() }, "limit-entry-bytes");
    check(&Limits { max_central_directory: 300, ..limits() }, "limit-directory-bytes");
    check(&Limits { max_path_bytes: 20, ..limits() }, "path-too-long");
    check(&Limits { max_depth: 1, ..limits() }, "path-too-deep");
    check(&Limits { max_metadata_bytes: 100, ..limits() }, "limit-metadata-bytes");
    unpack_from(&&bytes[..], &wheel.filename(), &Limits { max_entries: 6, ..limits() }).unwrap();
}

/// A wheel of few bytes with every kind of record in it.
fn tiny() -> Wheel {
    let mut described = Member::file("a.py", b"aaaaaaaa");
    described.descriptor = Descriptor::Written { signed: true, wide: false };
    let stored = Member { method: 0, ..Member::file("b.py", b"b") };
    let wide = Member { zip64: true, ..Member::file("c.py", b"c") };
    Wheel::new("a", "1").member(described).member(stored).member(wide)
}

#[test]
fn no_truncation_passes() {
    let bytes = tiny().build();
    for length in 0..bytes.len() {
        let (stage, error, _) = *unpack(&bytes[..length], &tiny().filename()).unwrap_err();
        assert_eq!((stage, error.class()), (Stage::Plan, Class::Rejected), "{length}");
    }
}

/// Where the headers have fields that no reader of wheels looks at: versions, times, and the
/// internal and external attributes.
fn free_fields(bytes: &[u8]) -> HashSet<usize> {
    let mut free = HashSet::new();
    for at in 0..bytes.len() - 4 {
        match &bytes[at..at + 4] {
            b"PK\x03\x04" => free.extend([at + 4..at + 6, at + 10..at + 14].into_iter().flatten()),
            b"PK\x01\x02" => free
                .extend([at + 4..at + 8, at + 12..at + 16, at + 36..at + 42].into_iter().flatten()),
            _ => {}
        }
    }
    free
}

#[test]
fn no_flipped_bit_changes_a_file() {
    let wheel = tiny();
    let bytes = wheel.build();
    let expect = unpack(&bytes, &wheel.filename()).unwrap();
    let free = free_fields(&bytes);
    let mut padding = 0;
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << bit;
            match unpack(&flipped, &wheel.filename()) {
                Err(refused) => assert_eq!(refused.1.class(), Class::Rejected),
                Ok(found) => {
                    assert_eq!(found.tree(), expect.tree(), "byte {position}");
                    assert_eq!(found.files, expect.files, "byte {position}");
                    // The unused bits after the end of a deflate stream are the only others.
                    padding += usize::from(!free.contains(&position));
                }
            }
        }
    }
    // Five deflated members, each with less than a byte of padding.
    assert!(padding <= 5 * 7, "{padding} bits outside of the free fields may be flipped");
}

#[test]
fn what_cannot_be_read_is_not_a_rejection() {
    struct Broken(Vec<u8>, u64);
    impl ReadAt for Broken {
        fn size(&self) -> io::Result<u64> {
            self.0.size()
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            if offset <= self.1 && self.1 < offset + buffer.len() as u64 {
                return Err(io::Error::other("a bad sector"));
            }
            self.0.read_at(offset, buffer)
        }
    }
    let bytes = evil::good().build();
    for sector in 0..bytes.len() as u64 {
        let archive = Broken(bytes.clone(), sector);
        let (_, error, _) =
            *unpack_from(&archive, &evil::good().filename(), &Limits::default()).unwrap_err();
        assert_eq!((error.class(), error.code()), (Class::Unavailable, "archive-unreadable"));
    }
}

#[test]
fn a_sink_that_fails_ends_it() {
    struct Full;
    impl Sink for Full {
        fn begin(&mut self, _index: usize, _file: &PlannedFile) -> io::Result<()> {
            Ok(())
        }

        fn write(&mut self, _bytes: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn finish(&mut self) -> io::Result<()> {
            panic!("after a failure");
        }
    }
    let bytes = evil::good().build();
    let filename = WheelFilename::parse(&evil::good().filename()).unwrap();
    let mut extractor = Extractor::new();
    let plan = extractor.plan(&bytes, &filename, &Limits::default()).unwrap();
    let error = extractor.extract(&bytes, &plan, &mut Full).unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::Unavailable, "unpack-write"));
    // The extractor is as good as new.
    let mut sink = Recorder::default();
    extractor.extract(&bytes, &plan, &mut sink).unwrap();
    assert_eq!(sink.done, plan.files.len());
}

#[test]
fn an_archive_that_changed_after_it_was_planned_is_noticed() {
    let wheel = evil::good();
    let filename = WheelFilename::parse(&wheel.filename()).unwrap();
    let bytes = wheel.build();
    let mut extractor = Extractor::new();
    let plan = extractor.plan(&bytes, &filename, &Limits::default()).unwrap();
    let mut other = wheel.archive();
    other.member("foo/deep.py").content[0] = b'V';
    let error = extractor.extract(&other.write(), &plan, &mut Recorder::default()).unwrap_err();
    assert_eq!(error.class(), Class::Rejected);
}
