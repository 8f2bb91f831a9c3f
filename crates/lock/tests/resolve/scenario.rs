//! Scenarios: a small index, what is wanted, and what must come out, as TOML.
//!
//! The vocabulary is that of the package `packse` 0.3, so that its scenarios can be run too:
//! `COUNTERMARK_SCENARIOS=FOLDER` names a folder of them. Ours lie in `tests/scenarios`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use countermark_lock::request::{Prereleases, Request, Sources};
use countermark_lock::resolve::{ResolveError, resolve};
use countermark_lock::target::Target;
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::VersionSpecifiers;
use serde::Deserialize;

use crate::world::{Described, World, bare, project, target, version, wishes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    #[serde(rename = "description")]
    _description: String,
    root: Root,
    expected: Expected,
    #[serde(default)]
    packages: BTreeMap<String, Package>,
    #[serde(default)]
    resolver_options: Options,
    #[serde(default)]
    environment: Environment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    requires_python: Option<String>,
    #[serde(default)]
    requires: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    satisfiable: bool,
    #[serde(default)]
    packages: BTreeMap<String, String>,
    #[serde(rename = "explanation")]
    _explanation: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    versions: BTreeMap<String, Metadata>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    requires_python: Option<String>,
    #[serde(default)]
    requires: Vec<String>,
    #[serde(default)]
    extras: BTreeMap<String, Vec<String>>,
    #[serde(default = "yes")]
    sdist: bool,
    #[serde(default = "yes")]
    wheel: bool,
    #[serde(default)]
    yanked: bool,
    #[serde(default)]
    wheel_tags: Vec<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    python: Option<String>,
    #[serde(default)]
    prereleases: bool,
    #[serde(default)]
    no_build: Vec<String>,
    #[serde(default)]
    no_binary: Vec<String>,
    #[serde(default)]
    universal: bool,
    python_platform: Option<String>,
    #[serde(rename = "required_environments")]
    _required_environments: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    python: Option<String>,
    #[serde(rename = "additional_python")]
    _additional_python: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

impl Scenario {
    fn world(&self) -> World {
        World::new(self.packages.iter().flat_map(|(name, package)| {
            package.versions.iter().map(|(number, metadata)| metadata.described(name, number))
        }))
    }

    fn request(&self) -> Request {
        let requires: Vec<&str> = self.root.requires.iter().map(String::as_str).collect();
        let built =
            self.packages.keys().filter(|name| !self.resolver_options.no_build.contains(name));
        Request {
            wishes: wishes("requirements.in", &requires),
            prereleases: match self.resolver_options.prereleases {
                true => Prereleases::Allow,
                false => Prereleases::default(),
            },
            sources: Sources::Named(built.map(|name| project(name)).collect()),
            ..Request::default()
        }
    }

    /// One target; several for a scenario that wants a lock for every environment.
    fn targets(&self) -> Vec<Target> {
        let options = &self.resolver_options;
        let python = options.python.as_ref().or(self.environment.python.as_ref());
        let python = python.map_or("3.12", String::as_str);
        if !options.universal {
            let platform = match options.python_platform.as_deref() {
                None => "manylinux_2_28_x86_64",
                Some("x86_64-manylinux2014") => "manylinux2014_x86_64",
                Some(other) => panic!("unknown platform {other}"),
            };
            return vec![target(python, platform)];
        }
        let wanted = self.root.requires_python.as_deref().unwrap_or(">=3.12");
        let wanted: VersionSpecifiers = wanted.parse().unwrap();
        let pythons = ["3.10.1", "3.12.0", "3.13.0", "3.14.0"];
        let pythons = pythons.into_iter().filter(|python| wanted.contains(&version(python)));
        let platforms = ["manylinux_2_28_x86_64", "win_amd64", "macosx_14_0_arm64"];
        pythons.flat_map(|python| platforms.map(|platform| target(python, platform))).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !self.resolver_options.no_binary.is_empty() {
            return Err("there is no option to refuse wheels".to_owned());
        }
        let (world, request) = (self.world(), self.request());
        let mut refused = Vec::new();
        for target in self.targets() {
            match resolve(&request, &target, &world, &AtomicBool::new(false)) {
                Ok(resolution) => {
                    for (name, pinned) in &self.expected.packages {
                        let found = resolution.releases.get(&project(name));
                        let found = found.map(|resolved| resolved.version.clone());
                        if found != Some(version(pinned)) {
                            return Err(format!("{name} is {found:?}, expected {pinned}"));
                        }
                    }
                    let is_listed = |name: &str| self.expected.packages.contains_key(name);
                    let more = resolution.releases.keys().find(|name| !is_listed(name.as_str()));
                    if let Some(name) = more
                        && !self.expected.packages.is_empty()
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
        match (self.expected.satisfiable, refused.first()) {
            (true, Some(refused)) => Err(refused.clone()),
            (false, None) => Err("there is a solution, and none was expected".to_owned()),
            (true, None) | (false, Some(_)) => Ok(()),
        }
    }
}

impl Metadata {
    fn described(&self, name: &str, number: &str) -> Described {
        let mut described = bare(name, number);
        let tags = match self.wheel_tags.is_empty() {
            true => &["py3-none-any".to_owned()][..],
            false => &self.wheel_tags[..],
        };
        for tags in tags.iter().filter(|_| self.wheel) {
            described = described.wheel(tags);
        }
        if self.sdist {
            described = described.sdist();
        }
        let requires: Vec<&str> = self.requires.iter().map(String::as_str).collect();
        described = described.needs(&requires);
        for (extra, requirements) in &self.extras {
            described = described.extra(extra);
            for text in requirements {
                let mut requirement = Requirement::parse(text).unwrap();
                let marker = requirement.marker.take();
                let marker = marker.map_or_else(String::new, |marker| format!(" and ({marker})"));
                let text = format!("{requirement}; extra == '{extra}'{marker}");
                described = described.needs(&[&text]);
            }
        }
        if self.yanked {
            described = described.yanked("");
        }
        match &self.requires_python {
            Some(specifiers) => described.python(specifiers).metadata_python(specifiers),
            None => described,
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What does not come out as expected: the scenario's path below its folder, and why.
fn run(folder: &Path) -> BTreeMap<String, String> {
    let mut wrong = BTreeMap::new();
    for file in files(folder) {
        let text = std::fs::read_to_string(&file).unwrap();
        let scenario: Scenario =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(why) = scenario.check() {
            let path = file.strip_prefix(folder).unwrap().display().to_string();
            wrong.insert(path, format!("{}: {why}", scenario.name));
        }
    }
    wrong
}

#[test]
fn our_scenarios_come_out_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    assert!(files(&folder).len() >= 10);
    assert_eq!(run(&folder), BTreeMap::new());
}

/// Those of `packse`, but for a list that must be exact: what is on it and passes is an error.
#[test]
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
