//! A project with a lock, an index that has its packages, and somebody whose reviews count.

use countermark_ledger::criteria::CriterionName;
use countermark_ledger::file::FileId;
use countermark_ledger::review::{How, Review};
use countermark_ledger::{format, signature};
use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::Wheel;
use countermark_tlog::note::{KeyType, SignerKey};

use crate::support::{Run, World, sha256};

/// Who reads.
pub(super) const ALICE: &str = "alice@example.org";

/// The day of all reviews.
pub(super) const DAY: &str = "2026-11-22";

/// A wheel with so many lines to read.
pub(super) fn wheel(name: &str, version: &str, lines: usize) -> Wheel {
    let module: String = (0..lines).map(|line| format!("VALUE_{line} = {line}\n")).collect();
    Wheel::new(name, version).file(&format!("{name}.py"), module.as_bytes())
}

/// As an honest index has it.
pub(super) fn served(wheel: &Wheel) -> ServedFile {
    ServedFile::honest(&wheel.filename(), wheel.build())
        .advertise(|said| said.upload_time = Some("2026-03-01T09:30:00Z".to_owned()))
}

/// An index with these wheels.
pub(super) fn index(wheels: &[Wheel]) -> Scenario {
    wheels.iter().fold(Scenario::new(), |scenario, wheel| scenario.file(&wheel.name, served(wheel)))
}

/// A requirements file with the digests of these wheels.
pub(super) fn requirements(wheels: &[Wheel]) -> String {
    let line = |wheel: &Wheel| {
        format!("{}=={} --hash=sha256:{}\n", wheel.name, wheel.version, sha256(&wheel.build()))
    };
    wheels.iter().map(line).collect()
}

/// A `pylock.toml` with these wheels, which names them.
pub(super) fn pylock(wheels: &[Wheel]) -> String {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"a test\"\n".to_owned();
    for wheel in wheels {
        text += &format!(
            "\n[[packages]]\nname = \"{}\"\nversion = \"{}\"\n\n[[packages.wheels]]\nname = \"{}\"\n\
             url = \"https://index.example.org/{}\"\nhashes = {{ sha256 = \"{}\" }}\n",
            wheel.name,
            wheel.version,
            wheel.filename(),
            wheel.filename(),
            sha256(&wheel.build())
        );
    }
    text
}

/// As ledgers name it.
pub(super) fn file_of(wheel: &Wheel) -> FileId {
    let digest = Sha256::parse_hex(&sha256(&wheel.build())).expect("a digest");
    FileId { name: wheel.filename(), digest }
}

/// A key of somebody.
pub(super) fn key(byte: u8) -> SignerKey {
    SignerKey::from_seed("alice", KeyType::Ed25519, &[byte; 32]).expect("a key")
}

/// What a ledger says of that key.
pub(super) fn key_table(author: &str, key: &SignerKey) -> String {
    format!("\n[[key]]\nauthor = \"{author}\"\nkey = \"{}\"\n", key.verifier())
}

/// A review of a wheel by Alice, signed.
pub(super) fn review(wheel: &Wheel, from: Option<&Wheel>, key: &SignerKey) -> Review {
    let file = file_of(wheel);
    let parsed = DistributionFilename::parse(&file.name).expect("a name");
    let how = match from {
        None => How::Full,
        Some(from) => How::Delta {
            from: from.version.parse().expect("a version"),
            files: vec![file_of(from)],
        },
    };
    let mut review = Review {
        project: parsed.name().clone(),
        version: parsed.version().clone(),
        files: vec![file],
        criteria: vec![CriterionName::parse("safe-to-deploy").expect("a criterion")],
        how,
        author: ALICE.to_owned(),
        on: DAY.parse().expect("a day"),
        until: None,
        notes: String::new(),
        signature: None,
    };
    review.signature = Some(signature::sign(&review, key).expect("a signature"));
    review
}

/// A folder with a ledger.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) server: IndexServer,
    pub(super) key: SignerKey,
}

impl Scene {
    /// An index with these wheels; nothing is in the folder yet.
    pub(super) fn new(wheels: &[Wheel]) -> Self {
        let server = IndexServer::start(index(wheels));
        let mut world = World::new();
        world.set("PIP_INDEX_URL", &server.simple_url());
        world.set("PIP_RETRIES", "0");
        Self { world, server, key: key(7) }
    }

    /// The same with a `pylock.toml` of these wheels and a ledger that `vet init` made.
    pub(super) fn begun(wheels: &[Wheel]) -> Self {
        let scene = Self::new(wheels);
        scene.world.write("pylock.toml", pylock(wheels));
        scene.vet(&["init"]).expect(0);
        let ledger = scene.world.read("ledger/ledger.toml");
        scene.world.write("ledger/ledger.toml", ledger + &key_table(ALICE, &scene.key));
        scene
    }

    /// `vet` on the day of the reviews.
    pub(super) fn vet(&self, arguments: &[&str]) -> Run {
        self.world.run(&[&["vet"], arguments, &["--date", DAY]].concat())
    }

    /// The lock moves.
    pub(super) fn lock(&self, wheels: &[Wheel]) {
        self.world.write("pylock.toml", pylock(wheels));
    }

    /// Adds reviews.
    pub(super) fn add(&self, new: &[Review]) {
        let path = self.world.path("ledger/reviews.toml");
        let bytes = std::fs::read(&path).unwrap_or_default();
        let there = format::ReviewFile::parse("reviews.toml", bytes).expect("reviews");
        let there: Vec<Review> = there.iter().map(|entry| entry.review).collect();
        std::fs::write(&path, format::write(there.iter().chain(new))).expect("a file");
    }
}
