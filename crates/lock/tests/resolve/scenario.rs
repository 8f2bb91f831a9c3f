//! Scenarios: a small index, what is wanted, and what must come out, as TOML.
//!
//! The vocabulary is that of the package `packse` 0.3, so that its scenarios can be run too:
//! `COUNTERMARK_SCENARIOS=FOLDER` names a folder of them. Ours lie in `tests/scenarios`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use countermark_lock::request::{Prereleases, Request, Sources};
use countermark_lock::resolve::{ResolveError, resolve};
use countermark_lock::target::Target;
use countermark_packaging::version::VersionSpecifiers;
use countermark_testkit::packse::{Packse, Release};

use crate::world::{Described, World, bare, project, target, version, wishes};

/// A scenario in memory.
struct Scenario<'a>(&'a Packse);

impl Scenario<'_> {
    fn world(&self) -> World {
        World::new(self.0.packages.iter().flat_map(|(name, package)| {
            package.versions.iter().map(|(number, metadata)| described(metadata, name, number))
        }))
    }

    fn request(&self) -> Request {
        let requires: Vec<&str> = self.0.root.requires.iter().map(String::as_str).collect();
        Request {
            wishes: wishes("requirements.in", &requires),
            prereleases: match self.0.resolver_options.prereleases {
                true => Prereleases::Allow,
                false => Prereleases::default(),
            },
            sources: Sources::Named(self.0.sources().map(project).collect()),
            ..Request::default()
        }
    }

    /// One target; several for a scenario that wants a lock for every environment.
    fn targets(&self) -> Vec<Target> {
        let options = &self.0.resolver_options;
        if !options.universal {
            let platform = match options.python_platform.as_deref() {
                None => "manylinux_2_28_x86_64",
                Some("x86_64-manylinux2014") => "manylinux2014_x86_64",
                Some(other) => panic!("unknown platform {other}"),
            };
            return vec![target(self.0.python(), platform)];
        }
        let wanted = self.0.root.requires_python.as_deref().unwrap_or(">=3.12");
        let wanted: VersionSpecifiers = wanted.parse().unwrap();
        let pythons = ["3.10.1", "3.12.0", "3.13.0", "3.14.0"];
        let pythons = pythons.into_iter().filter(|python| wanted.contains(&version(python)));
        let platforms = ["manylinux_2_28_x86_64", "win_amd64", "macosx_14_0_arm64"];
        pythons.flat_map(|python| platforms.map(|platform| target(python, platform))).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !self.0.resolver_options.no_binary.is_empty() {
            return Err("there is no option to refuse wheels".to_owned());
        }
        let (world, request) = (self.world(), self.request());
        let mut refused = Vec::new();
        for target in self.targets() {
            match resolve(&request, &target, &world, &AtomicBool::new(false)) {
                Ok(resolution) => {
                    for (name, pinned) in &self.0.expected.packages {
                        let found = resolution.releases.get(&project(name));
                        let found = found.map(|resolved| resolved.version.clone());
                        if found != Some(version(pinned)) {
                            return Err(format!("{name} is {found:?}, expected {pinned}"));
                        }
                    }
                    let is_listed = |name: &str| self.0.expected.packages.contains_key(name);
                    let more = resolution.releases.keys().find(|name| !is_listed(name.as_str()));
                    if let Some(name) = more
                        && !self.0.expected.packages.is_empty()
                    {
                        return Err(format!("{name} was not expected"));
                    }
                }
                Err(ResolveError::NoSolution { target, explanation }) => {
                    refused.push(format!("no solution for {target}:\n{explanation}"));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        match (self.0.expected.satisfiable, refused.first()) {
            (true, Some(refused)) => Err(refused.clone()),
            (false, None) => Err("there is a solution, and none was expected".to_owned()),
            (true, None) | (false, Some(_)) => Ok(()),
        }
    }
}

fn described(metadata: &Release, name: &str, number: &str) -> Described {
    let mut described = bare(name, number);
    for tag in metadata.tags() {
        described = described.wheel(tag);
    }
    if metadata.sdist {
        described = described.sdist();
    }
    for extra in metadata.extras.keys() {
        described = described.extra(extra);
    }
    let requires = metadata.requires_dist();
    described = described.needs(&requires.iter().map(String::as_str).collect::<Vec<_>>());
    if metadata.yanked {
        described = described.yanked("");
    }
    match &metadata.requires_python {
        Some(specifiers) => described.python(specifiers).metadata_python(specifiers),
        None => described,
    }
}

/// What does not come out as expected: the scenario's path below its folder, and why.
fn run(folder: &Path) -> BTreeMap<String, String> {
    let mut wrong = BTreeMap::new();
    for (path, scenario) in Packse::all(folder) {
        if let Err(why) = Scenario(&scenario).check() {
            wrong.insert(path, format!("{}: {why}", scenario.name));
        }
    }
    wrong
}

#[test]
fn our_scenarios_come_out_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    assert!(Packse::all(&folder).len() >= 10);
    assert_eq!(run(&folder), BTreeMap::new());
}

/// Those of `packse`, but for a list that must be exact: what is on it and passes is an error.
#[test]
#[expect(clippy::disallowed_methods, reason = "the scenarios lie in a folder that is named")]
fn the_scenarios_of_packse_come_out_as_expected() {
    let Some(folder) = std::env::var_os("COUNTERMARK_SCENARIOS") else { return };
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packse.xfails");
    let text = std::fs::read_to_string(list).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: Vec<&str> = lines.map(|line| line.split_whitespace().next().unwrap()).collect();
    let wrong = run(Path::new(&folder));
    let mut mistakes: Vec<String> = Vec::new();
    for (path, why) in wrong.iter().filter(|(path, _)| !listed.contains(&path.as_str())) {
        mistakes.push(format!("{path}: {why}"));
    }
    for path in listed.iter().filter(|path| !wrong.contains_key(**path)) {
        mistakes.push(format!("{path} is listed as an exception, and passes"));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
