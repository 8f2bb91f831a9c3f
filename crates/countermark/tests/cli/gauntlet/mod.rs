//! The hash gauntlet: seventy inputs on which a verified installer is right or wrong, a test for
//! each by its number, against an index that can lie.
//!
//! Each row asserts the exit code, the words that name the reason, and for every exit but 0 that
//! nothing below the test's folder changed except the store: neither the target environment, which
//! has a package in it before, nor anything beside it.
//!
//! Numbers without a test yet: 33, 43, 47, 48 and 52 (building source packages), 61 (attestations).

mod closure;
mod locks;
mod log;
mod machine;
mod pylock;
mod requirements;
mod sources;
mod tools;
mod wheels;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::Wheel;
use md5::{Digest as _, Md5};
use sha2::Sha512;

use crate::support::{Run, World, pinned, sha256, simple_wheel, snapshot};

/// A digest of nothing that is served here.
const WRONG: &str = "00000000000000000000000000000000000000000000000000000000000000aa";

/// A world with an index and an environment `env` that has a package of its own.
struct Gauntlet {
    world: World,
    index: IndexServer,
}

type Everything = BTreeMap<PathBuf, (u32, Vec<u8>)>;

impl Gauntlet {
    fn new(scenario: Scenario) -> Self {
        let world = World::new();
        let keeper = simple_wheel("keeper", "1.0");
        world.write(&format!("kept/{}", keeper.filename()), keeper.build());
        world.write("kept/requirements.txt", pinned("keeper", "1.0", &keeper.build()));
        let links = ["--no-index", "--find-links", "kept", "-r", "kept/requirements.txt"];
        world.run(&[&["install", "--venv", "env"], &links[..]].concat()).expect(0);
        Self { world, index: IndexServer::start(scenario) }
    }

    /// With these honest wheels on the index.
    fn with(wheels: &[&Wheel]) -> Self {
        Self::new(wheels.iter().fold(Scenario::new(), |scenario, wheel| {
            scenario.file(&wheel.name, ServedFile::honest(&wheel.filename(), wheel.build()))
        }))
    }

    fn requirements(&self, text: impl AsRef<[u8]>) -> &Self {
        self.world.write("requirements.txt", text);
        self
    }

    fn install(&self, more: &[&str]) -> Run {
        self.world.install(&self.index.simple_url(), more)
    }

    /// The requirements file is refused with this code, and nothing is changed.
    #[track_caller]
    fn refuses(&self, code: i32) -> Run {
        self.refuses_with(code, &[])
    }

    #[track_caller]
    fn refuses_with(&self, code: i32, more: &[&str]) -> Run {
        self.unchanged_by(code, || self.install(more))
    }

    /// Refused, and no index was asked for anything.
    #[track_caller]
    fn refuses_unasked(&self, code: i32) -> Run {
        self.refuses_unasked_with(code, &[])
    }

    #[track_caller]
    fn refuses_unasked_with(&self, code: i32, more: &[&str]) -> Run {
        self.index.forget_requests();
        let run = self.refuses_with(code, more);
        assert_eq!(self.index.request_lines(), [""; 0], "{}", run.stderr);
        run
    }

    /// Any command that ends with this code and changes nothing but the store.
    #[track_caller]
    fn unchanged_by(&self, code: i32, run: impl FnOnce() -> Run) -> Run {
        assert_ne!(code, 0, "for refusals");
        let before = self.everything();
        let run = run();
        run.expect(code);
        self.is_as(&before);
        run
    }

    /// Installs what the requirements file says.
    #[track_caller]
    fn accepts(&self) -> Run {
        self.accepts_with(&[])
    }

    #[track_caller]
    fn accepts_with(&self, more: &[&str]) -> Run {
        let run = self.install(more);
        run.expect(0);
        run
    }

    /// A simple wheel is installed in this version, byte for byte.
    #[track_caller]
    fn has(&self, project: &str, version: &str) {
        let module = std::fs::read_to_string(self.world.site().join(format!("{project}.py")));
        assert_eq!(module.ok(), Some(format!("VERSION = {version:?}\n")), "{project}");
    }

    /// All files of the test's folder except those of the store.
    fn everything(&self) -> Everything {
        let mut files = snapshot(&self.world.path(".."));
        let store = ["home/.cache/countermark", "home/.local/state/countermark"];
        files.retain(|path, _| !store.iter().any(|folder| path.starts_with(folder)));
        let site = self.world.site().join("keeper.py");
        assert!(site.is_file(), "the environment had a package before");
        files
    }

    #[track_caller]
    fn is_as(&self, before: &Everything) {
        let after = self.everything();
        let changed: Vec<_> = before
            .keys()
            .chain(after.keys())
            .filter(|path| before.get(*path) != after.get(*path))
            .collect();
        assert!(changed.is_empty(), "changed: {changed:?}");
    }

    /// The files of the store that are not part of an entry's bookkeeping.
    fn stored(&self) -> Vec<PathBuf> {
        let files = snapshot(&self.world.home(".cache/countermark/store"));
        files.into_keys().collect()
    }

    /// The folder of an artifact in the store.
    fn entry(&self, bytes: &[u8]) -> PathBuf {
        self.world.home(".cache/countermark/store").join(sha256(bytes))
    }

    /// How often a file was asked for.
    fn downloads(&self, filename: &str) -> usize {
        let path = format!("/files/{filename}");
        self.index.requests().iter().filter(|request| request.path() == path).count()
    }
}

fn alpha() -> Wheel {
    simple_wheel("alpha", "1.0")
}

fn beta() -> Wheel {
    simple_wheel("beta", "1.0")
}

/// `# sha256: …` as peep writes it.
fn peep(bytes: &[u8]) -> String {
    format!("# sha256: {}\n", URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha512(bytes: &[u8]) -> String {
    hex(&Sha512::digest(bytes))
}

fn md5(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}
