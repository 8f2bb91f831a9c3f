//! `gate` and what it says, against an index that lies.

mod formats;
mod index;
mod since;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use serde_json::Value;

use crate::support::{Run, World, sha256};

/// A wheel and a source package of one release.
pub(super) const WHEEL: &str = "teapot-1.2-py3-none-any.whl";
pub(super) const SDIST: &str = "teapot-1.2.tar.gz";

/// The bytes of a file: nobody looks into them.
pub(super) fn digest(filename: &str) -> String {
    sha256(filename.as_bytes())
}

/// A file as an honest index has it.
pub(super) fn file(filename: &str) -> ServedFile {
    ServedFile::honest(filename, filename.as_bytes().to_vec())
        .advertise(|said| said.upload_time = Some("2024-01-01T09:00:00Z".to_owned()))
}

/// An index with one release.
pub(super) fn honest() -> Scenario {
    Scenario::new().file("teapot", file(WHEEL)).file("teapot", file(SDIST))
}

/// A requirements file that agrees with it.
pub(super) fn requirements() -> String {
    format!("teapot==1.2 --hash=sha256:{} --hash=sha256:{}\n", digest(WHEEL), digest(SDIST))
}

/// A `uv.lock` that agrees with it.
pub(super) fn uv(server: &IndexServer) -> String {
    let (index, base) = (server.simple_url(), server.url());
    format!(
        "version = 1\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"kitchen\"\n\
         version = \"0.1\"\nsource = {{ editable = \".\" }}\ndependencies = [\n    \
         {{ name = \"teapot\" }},\n]\n\n[[package]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         source = {{ registry = \"{index}\" }}\n\
         sdist = {{ url = \"{base}/files/{SDIST}\", hash = \"sha256:{}\", size = {} }}\n\
         wheels = [\n    {{ url = \"{base}/files/{WHEEL}\", hash = \"sha256:{}\", size = {} }},\n]\n",
        digest(SDIST),
        SDIST.len(),
        digest(WHEEL),
        WHEEL.len(),
    )
}

/// The gate over these locks.
pub(super) fn gate(world: &World, server: &IndexServer, more: &[&str]) -> Run {
    let url = server.simple_url();
    world.run(&[&["gate", "--index-url", &url, "--retries", "0"], more].concat())
}

/// `severity rule project file` of a report in JSON.
pub(super) fn findings(run: &Run) -> Vec<String> {
    let report: Value = serde_json::from_str(&run.stdout).expect("a report in JSON");
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("severity"), text("rule"), text("project"))
        })
        .collect()
}

#[test]
fn a_lock_that_agrees_passes_in_every_form_of_report() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.txt", requirements());
    world.write("uv.lock", uv(&server));
    gate(&world, &server, &["requirements.txt", "uv.lock"]).expect(0).says("nothing found");
    for (format, expect) in [
        ("json", "\"countermark-gate/1\""),
        ("sarif", "\"2.1.0\""),
        ("junit", "<testsuites"),
        ("markdown", "The lock passes"),
    ] {
        gate(&world, &server, &["uv.lock", "--format", format]).expect(0).says(expect);
    }
    gate(&world, &server, &["uv.lock", "--format", "sarif", "--output", "gate.sarif"]).expect(0);
    assert!(world.read("gate.sarif").contains("countermark-gate/"));
}

#[test]
fn the_place_of_a_finding_is_that_of_the_lock() {
    let server = IndexServer::start(honest());
    let world = World::new();
    let changed = uv(&server).replace(&digest(WHEEL), &digest("another"));
    let line = changed.lines().position(|line| line.contains(WHEEL)).expect("a line") + 1;
    world.write("locks/uv.lock", changed);
    let run = gate(&world, &server, &["./locks/uv.lock"]);
    run.expect(1)
        .says("high[digest-differs] teapot 1.2")
        .says(&format!("at locks/uv.lock:{line}:"));
    run.says(&format!("expected sha256:{} (the lock)", digest("another")));
    run.says(&format!("found    sha256:{}", digest(WHEEL)));
}

#[test]
fn severities_decide_the_exit_code() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.txt", "teapot==1.2\n");
    for (level, code) in [("high", 1), ("medium", 1), ("low", 1), ("never", 0)] {
        gate(&world, &server, &["requirements.txt", "--fail-on", level]).expect(code);
    }
}

#[test]
fn broken_locks_are_all_told_and_nothing_is_judged() {
    let world = World::new();
    world.write("uv.lock", "version = 1\n[[package]\n");
    world.write("pylock.toml", "lock-version = \"2.0\"\n");
    world.write("Pipfile.lock", "{\"_meta\": ");
    world.write("poetry.lock", "[[package]]\nname = \"a\"\n");
    let locks = ["uv.lock", "pylock.toml", "Pipfile.lock", "poetry.lock", "gone.lock"];
    let run = world.run(&[&["gate", "--offline"], &locks[..]].concat());
    run.expect(2).says("uv.lock:2:").says("pylock.toml:1:").says("Pipfile.lock:1:");
    run.says("poetry.lock").says("cannot read `gone.lock`").never_says("nothing found");
    assert!(run.stdout.is_empty(), "{}", run.stdout);
}

#[test]
fn mistakes_of_policy_baseline_and_lock_are_told_together() {
    let world = World::new();
    world.write("countermark.toml", "[policy]\nminimum-age = \"soon\"\n");
    world.write("countermark-gate.toml", "passed = 1\n");
    world.write("uv.lock", "version =\n");
    let run = world.run(&["gate", "--offline", "uv.lock"]);
    run.expect(2).says("countermark.toml:2:").says("countermark-gate.toml:1:").says("uv.lock:1:");
}

#[test]
fn the_policy_of_the_project_counts() {
    let server = IndexServer::start(honest().project("teapot", |project| {
        project.files[0].advertised.yanked = Some("it leaks".to_owned());
    }));
    let world = World::new();
    world.write("requirements.txt", requirements());
    gate(&world, &server, &["requirements.txt"]).expect(0).says("low[yanked-release]");
    world.write("countermark.toml", "[policy]\nyanked = \"refuse\"\n");
    let run = gate(&world, &server, &["requirements.txt"]);
    run.expect(1).says("medium[yanked]").says("allow: { rule = \"yanked\", project = \"teapot\"");
    // The line that it prints lets it pass.
    let line = run.stdout.lines().find_map(|line| line.split_once("allow: ")).expect("a line").1;
    world.write(
        "countermark.toml",
        format!("[policy]\nyanked = \"refuse\"\nallow = [\n{line}\n]\n"),
    );
    gate(&world, &server, &["requirements.txt"]).expect(0).says("1 let pass");
    // A policy that is named, and one in pyproject.toml.
    world.write("strict.toml", "[policy]\nyanked = \"refuse\"\n");
    gate(&world, &server, &["requirements.txt", "--policy", "strict.toml"]).expect(1);
    std::fs::remove_file(world.path("countermark.toml")).expect("removed");
    world.write("pyproject.toml", "[tool.countermark.policy]\nyanked = \"refuse\"\n");
    gate(&world, &server, &["requirements.txt"]).expect(1).says("medium[yanked]");
}

#[test]
fn what_is_let_pass_is_told_when_it_is_not_needed_any_more() {
    let world = World::new();
    world.write("requirements.txt", "teapot==1.2\n");
    let line = "passed = [{ lock = \"requirements.txt\", rule = \"no-digest\", project = \"teapot\", \
                version = \"1.2\", because = \"old\" }]\n";
    world.write("countermark-gate.toml", line);
    world.run(&["gate", "--offline", "requirements.txt"]).expect(0).says("1 let pass");
    world.write("requirements.txt", requirements());
    let run = world.run(&["gate", "--offline", "requirements.txt"]);
    run.expect(0).says("not needed in the baseline any more: no-digest of teapot 1.2");
    // New findings fail.
    world.write("requirements.txt", "teapot==1.3\n");
    world
        .run(&["gate", "--offline", "requirements.txt"])
        .expect(1)
        .says("high[no-digest] teapot 1.3");
}

#[test]
fn options_that_contradict_each_other() {
    let world = World::new();
    world.write("requirements.txt", requirements());
    let two = ["gate", "--offline", "requirements.txt", "other.txt", "--base", "requirements.txt"];
    world.run(&two).expect(2).says("error[too-many-locks]");
    world.run(&["gate"]).expect(2);
    world.run(&["gate", "--schema"]).expect(0).says("countermark-gate/1");
    let run = world.run(&["gate", "--offline", "requirements.txt", "--baseline", "no.toml"]);
    run.expect(2).says("error[file-unreadable]");
}

#[test]
fn no_secret_is_shown() {
    let world = World::new();
    world.write(
        "requirements.txt",
        "--index-url https://user:hunter2@packages.example.org/simple/\n\
         kettle==1.0\nteapot @ https://user:hunter2@files.example.org/teapot-1.2-py3-none-any.whl\n",
    );
    for format in ["text", "json", "sarif", "junit", "markdown"] {
        let run = world.run(&["gate", "--offline", "requirements.txt", "--format", format]);
        run.expect(1).never_says("hunter2").says("packages.example.org");
    }
}
