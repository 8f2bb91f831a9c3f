//! `lock`, `add`, `remove`, `update` and `install NAME`, against an index on loopback.

mod constraints;
mod files;
mod mistakes;
mod moves;
mod names;
mod pins;
mod policy;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::Wheel;

use crate::support::{Run, World, simple_wheel};

/// A world with an index and an environment `env`, in which commands are run.
struct Shop {
    world: World,
    index: IndexServer,
}

impl Shop {
    /// With these wheels, uploaded long ago, whose metadata is offered beside them.
    fn with(wheels: &[Wheel]) -> Self {
        Self::new(wheels.iter().fold(Scenario::new(), |scenario, wheel| {
            scenario.file(&project(wheel), served(wheel, "2026-01-01T00:00:00Z"))
        }))
    }

    fn new(scenario: Scenario) -> Self {
        let mut world = World::new();
        let index = IndexServer::start(scenario);
        world.set("COUNTERMARK_INDEX_URL", &index.simple_url());
        Self { world, index }
    }

    /// Serves one more wheel.
    fn serve(&self, wheel: &Wheel, uploaded: &str) {
        self.index.change(|scenario| scenario.file(&project(wheel), served(wheel, uploaded)));
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.world.run(arguments)
    }

    /// `lock` of a `requirements.in` with this text.
    fn lock(&self, input: &str, more: &[&str]) -> Run {
        self.world.write("requirements.in", input);
        self.run(&[&["lock", "requirements.in"], more].concat())
    }

    /// The pins of a requirements file: its lines with `==`, without what follows.
    fn pins(&self, name: &str) -> Vec<String> {
        let text = self.world.read(name);
        let lines = text.lines().filter(|line| line.contains("==") && !line.starts_with('#'));
        lines.map(|line| line.trim_end_matches(" \\").to_owned()).collect()
    }
}

/// The normalised name.
fn project(wheel: &Wheel) -> String {
    wheel.name.replace('_', "-")
}

fn served(wheel: &Wheel, uploaded: &str) -> ServedFile {
    let metadata = wheel.metadata.clone().unwrap_or_default();
    let file = ServedFile::honest(&wheel.filename(), wheel.build()).with_metadata(metadata);
    file.advertise(|said| said.upload_time = Some(uploaded.to_owned()))
}

/// A wheel of a release, with what it requires.
fn release(name: &str, version: &str, requires: &[&str]) -> Wheel {
    requires.iter().fold(simple_wheel(name, version), |wheel, one| wheel.requires(one))
}

/// `app` needs `lib`, of which there are two releases.
fn app_and_lib() -> Vec<Wheel> {
    vec![release("app", "1.0", &["lib>=1"]), release("lib", "1.0", &[]), release("lib", "2.0", &[])]
}
