//! What people write and what they get back: mistakes with their places, every form of list,
//! reports without secrets, and the ways around an index.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod lists;
mod mistakes;
mod offline;
mod reports;
mod secrets;
mod targets;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::Wheel;

use crate::support::{World, simple_wheel};

/// `alpha`, `beta` and `gamma` 1.0, and `alpha` 2.0, with one module each.
struct Shelf {
    world: World,
    index: IndexServer,
    wheels: Vec<(Wheel, Vec<u8>)>,
}

impl Shelf {
    fn new() -> Self {
        Self::with(|scenario| scenario)
    }

    /// With more about the index.
    fn with(more: impl FnOnce(Scenario) -> Scenario) -> Self {
        let releases = [("alpha", "1.0"), ("beta", "1.0"), ("gamma", "1.0"), ("alpha", "2.0")];
        let wheels: Vec<(Wheel, Vec<u8>)> = releases
            .map(|(name, version)| simple_wheel(name, version))
            .map(|wheel| (wheel.clone(), wheel.build()))
            .into();
        let scenario = wheels.iter().fold(Scenario::new(), |scenario, (wheel, bytes)| {
            scenario.file(&wheel.name, ServedFile::honest(&wheel.filename(), bytes.clone()))
        });
        Self { world: World::new(), index: IndexServer::start(more(scenario)), wheels }
    }

    fn bytes(&self, name: &str, version: &str) -> &[u8] {
        let mut wheels = self.wheels.iter();
        &wheels.find(|(wheel, _)| wheel.name == name && wheel.version == version).unwrap().1
    }

    /// `--hash=sha256:…` of a wheel of version 1.0.
    fn hash(&self, name: &str) -> String {
        format!("--hash=sha256:{}", crate::support::sha256(self.bytes(name, "1.0")))
    }

    /// The line of a requirements file.
    fn pin(&self, name: &str) -> String {
        format!("{name}==1.0 {}\n", self.hash(name))
    }

    /// The modules that `env` has.
    fn modules(&self) -> Vec<String> {
        modules(&self.world.site())
    }
}

/// The modules of this shelf in a folder of packages.
fn modules(site: &std::path::Path) -> Vec<String> {
    let names = ["alpha", "beta", "gamma"];
    let there = names.iter().filter(|name| site.join(format!("{name}.py")).exists());
    there.map(|name| (*name).to_owned()).collect()
}
