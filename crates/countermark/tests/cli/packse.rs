//! Scenarios of resolution, served: the lock that the command writes is what they expect.
//!
//! Ours lie with the resolver's tests. `COUNTERMARK_SCENARIOS=FOLDER` names a folder of more, such as
//! those of the package `packse`, which `.ci/packse.py` fetches; those that cannot come out as they
//! say are listed with their reasons, and the list is exact.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use countermark_testkit::index::IndexServer;
use countermark_testkit::packse::Packse;

use crate::support::World;

/// Versions of Python and platforms that stand for every environment there is.
const PYTHONS: [&str; 4] = ["3.10.1", "3.12.0", "3.13.0", "3.14.0"];
const PLATFORMS: [&str; 3] = ["linux", "windows", "macos"];

fn lock_tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lock/tests")
}

/// The arguments that say what a scenario says.
fn arguments(scenario: &Packse) -> Vec<String> {
    let options = &scenario.resolver_options;
    let mut arguments: Vec<String> = Vec::new();
    let mut say = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
    if options.universal {
        let wanted = scenario.root.requires_python.as_deref().unwrap_or(">=3.12");
        // `3.10.1` is the only patch release that a scenario tells apart.
        let is_old = wanted.starts_with(">=3.10");
        for python in PYTHONS.iter().filter(|python| is_old || !python.starts_with("3.10")) {
            say("--python-version", python);
        }
        for platform in PLATFORMS {
            say("--platform", platform);
        }
    } else {
        say("--python-version", scenario.python());
        match options.python_platform.as_deref() {
            None => say("--platform", "linux"),
            Some("x86_64-manylinux2014") => say("--platform", "manylinux2014_x86_64"),
            Some(other) => panic!("unknown platform {other}"),
        }
    }
    if options.prereleases {
        say("--prerelease", "allow");
    }
    for name in scenario.sources() {
        say("--allow-source", name);
    }
    arguments
}

/// The versions of each project in a requirements file.
fn pinned(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut pins = BTreeMap::<String, BTreeSet<String>>::new();
    for line in lock.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric())) {
        let (name, rest) = line.split_once("==").expect("a pin");
        let name = name.split('[').next().expect("a name");
        let version = rest.split([' ', ';']).next().expect("a version");
        pins.entry(name.to_owned()).or_default().insert(version.to_owned());
    }
    pins
}

fn check(scenario: &Packse) -> Result<(), String> {
    if !scenario.resolver_options.no_binary.is_empty() {
        return Err("there is no option to refuse wheels".to_owned());
    }
    let server = IndexServer::start(scenario.index());
    let world = World::new();
    world.write("requirements.in", scenario.root.requires.join("\n") + "\n");
    let url = server.simple_url();
    let said = arguments(scenario);
    let mut arguments = vec!["lock", "requirements.in", "-o", "requirements.txt"];
    arguments.extend(["--index-url", &url]);
    arguments.extend(said.iter().map(String::as_str));
    let run = world.run(&arguments);
    let printed = || format!("exit {}\n{}{}", run.code, run.stdout, run.stderr);
    match (scenario.expected.satisfiable, run.code) {
        (false, 2) if run.stderr.contains("error[no-solution]") => return Ok(()),
        (true, 0) => {}
        _ => return Err(printed()),
    }
    let found = pinned(&world.read("requirements.txt"));
    let one =
        |(name, version): (&String, &String)| (name.clone(), BTreeSet::from([version.clone()]));
    let expected: BTreeMap<_, _> = scenario.expected.packages.iter().map(one).collect();
    match expected.is_empty() || found == expected {
        true => Ok(()),
        false => Err(format!("found {found:?}, expected {expected:?}")),
    }
}

/// What does not come out as expected, and why.
fn run(scenarios: &BTreeMap<String, Packse>) -> BTreeMap<&String, String> {
    let wrong = scenarios.iter().filter_map(|(path, it)| Some((path, check(it).err()?)));
    wrong.collect()
}

#[test]
fn our_scenarios_are_locked_as_expected() {
    let scenarios = Packse::all(&lock_tests().join("scenarios"));
    assert_eq!(run(&scenarios), BTreeMap::new());
}

#[test]
fn other_scenarios_are_locked_as_expected() {
    let Some(folder) = std::env::var_os("COUNTERMARK_SCENARIOS") else { return };
    let scenarios = Packse::all(Path::new(&folder));
    let wrong = run(&scenarios);
    let text = std::fs::read_to_string(lock_tests().join("packse.xfails")).expect("the list");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: BTreeMap<&str, &str> =
        lines.map(|line| line.split_once(' ').expect("a reason")).collect();
    println!("{:>4} pass", scenarios.len() - wrong.len());
    println!("{:>4} do not apply", listed.len());
    for (path, reason) in &listed {
        println!("       {path}: {}", reason.trim());
    }
    let mut mistakes = Vec::new();
    for (path, why) in wrong.iter().filter(|(path, _)| !listed.contains_key(path.as_str())) {
        mistakes.push(format!("{path}: {why}"));
    }
    for path in listed.keys().filter(|path| !wrong.contains_key(&(**path).to_owned())) {
        mistakes.push(format!("{path} is listed as an exception, and passes"));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
