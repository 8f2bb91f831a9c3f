//! What commands do with a log, honest and lying, on loopback.

mod attacks;
mod commands;
mod installing;
mod private;
mod proofs;
mod rolled_back;
mod shown;
mod writing;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::log::{LogScenario, LogServer, observation};
use countermark_testkit::wheel::Wheel;
use countermark_trust::log::record::Observation;
use jiff::Timestamp;

use crate::support::{Run, World, simple_wheel};

pub(crate) const OBSERVER: &str = "index:example.org/crawler";

/// A world with an index that has `alpha` 1.0, `beta` 1.0 and 2.0, and a log.
pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) index: IndexServer,
    pub(crate) log: LogServer,
}

pub(crate) fn wheels() -> Vec<Wheel> {
    vec![simple_wheel("alpha", "1.0"), simple_wheel("beta", "1.0"), simple_wheel("beta", "2.0")]
}

/// What a crawler of the index saw.
pub(crate) fn seen(wheel: &Wheel) -> Observation {
    observation(OBSERVER, &wheel.name, &wheel.filename(), &wheel.build())
}

/// Records of files that nobody asks about.
pub(crate) fn others(count: usize) -> Vec<Observation> {
    let record = |number: usize| {
        let file = format!("other_{number}-1.0-py3-none-any.whl");
        observation(OBSERVER, &format!("other-{number}"), &file, file.as_bytes())
    };
    (0..count).map(record).collect()
}

impl Place {
    /// With a log that has seen every wheel of the index.
    pub(crate) fn honest() -> Self {
        Self::with(|log| log.records(others(20)).records(wheels().iter().map(seen)))
    }

    pub(crate) fn with(log: impl FnOnce(LogScenario) -> LogScenario) -> Self {
        let scenario = wheels().iter().fold(Scenario::new(), |scenario, wheel| {
            scenario.file(&wheel.name, ServedFile::honest(&wheel.filename(), wheel.build()))
        });
        let mut world = World::new();
        let index = IndexServer::start(scenario);
        world.set("COUNTERMARK_INDEX_URL", &index.simple_url());
        let log = LogServer::start(log(LogScenario::new("log.example.org", Timestamp::now())));
        Self { world, index, log }
    }

    /// Writes the policy: this log, in this mode; the names of the index are public.
    pub(crate) fn mode(self, mode: &str) -> Self {
        self.policy(&format!("mode = \"{mode}\"\n{}", self.public()));
        self
    }

    pub(crate) fn public(&self) -> String {
        format!("public-indexes = [\"{}\"]", self.index.simple_url())
    }

    pub(crate) fn policy(&self, lines: &str) {
        self.world.write("countermark.toml", self.log.policy(lines));
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.world.run(arguments)
    }

    /// `lock` of a `requirements.in` with this text.
    pub(crate) fn lock(&self, input: &str, more: &[&str]) -> Run {
        self.world.write("requirements.in", input);
        self.run(&[&["lock", "requirements.in"], more].concat())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.world.path(name).exists()
    }

    /// The one file that the run named as evidence.
    #[track_caller]
    pub(crate) fn evidence(&self, run: &Run) -> String {
        let lead = "the evidence is in `";
        let start = run.stderr.find(lead).unwrap_or_else(|| panic!("{}", run.stderr)) + lead.len();
        let rest = &run.stderr[start..];
        rest[..rest.find('`').expect("an end")].to_owned()
    }

    /// A saved file convicts; one with a changed byte does not.
    #[track_caller]
    pub(crate) fn convicts(&self, evidence: &str, says: &str) {
        let key = self.log.vkey();
        self.run(&["log", "convict", evidence, "--key", &key]).expect(0).says(says);
        let text = std::fs::read_to_string(evidence).expect("evidence");
        let at = text.find("\"notes\"").expect("notes") + 60;
        let mut bytes = text.into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        let changed = self.world.write("changed.json", &bytes);
        let run = self.run(&["log", "convict", changed.to_str().expect("UTF-8"), "--key", &key]);
        assert!(matches!(run.code, 1 | 2), "{}{}", run.stdout, run.stderr);
    }
}
