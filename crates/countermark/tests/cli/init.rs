//! `init`: what it writes, what it leaves alone, and that the first run is green.

use countermark_testkit::index::IndexServer;

use super::gate::{WHEEL, digest, honest, requirements, uv};
use crate::support::{Run, World, snapshot};

fn init(world: &World, server: &IndexServer, more: &[&str]) -> Run {
    let url = server.simple_url();
    world.run(&[&["init", "--index-url", &url, "--retries", "0"], more].concat())
}

/// The commands of ours in a file of a CI system, without the quotes of YAML.
fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once("countermark gate"));
    lines
        .filter(|(before, _)| !before.trim_start().starts_with(['#', 'n']))
        .map(|(before, rest)| match before.ends_with('\'') {
            true => format!("gate{}", rest.strip_suffix('\'').unwrap_or(rest).replace("''", "'")),
            false => format!("gate{rest}"),
        })
        .collect()
}

#[test]
fn a_project_is_made_ready_and_stays_so() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("pyproject.toml", "[project]\nname = \"kitchen\"\nversion = \"0.1\"\n");
    world.write("uv.lock", uv(&server));
    world.write(".github/dependabot.yml", "version: 2\n");
    let run = init(&world, &server, &[]);
    run.expect(0).says("inputs: pyproject.toml").says("lock: uv.lock (uv), 2 entries");
    run.says("the gate is green");
    for file in ["countermark.toml", ".github/workflows/countermark.yml", ".pre-commit-config.yaml"]
    {
        assert!(world.path(file).exists(), "{file}");
    }
    // Nothing is let pass, so there is no list of it.
    assert!(!world.path("countermark-gate.toml").exists());
    let before = snapshot(&world.path(""));
    init(&world, &server, &[]).expect(0).says("countermark.toml: stays");
    assert_eq!(snapshot(&world.path("")), before);
    // What was written is what the gate reads.
    super::gate::gate(&world, &server, &["uv.lock"]).expect(0);
}

#[test]
fn what_is_wrong_now_is_let_pass_and_can_only_shrink() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write(
        "requirements.txt",
        "teapot==1.2\nkettle @ git+https://code.example.org/kettle@main\n",
    );
    let run = init(&world, &server, &[]);
    run.expect(0).says("let pass for now: ").says("1 no-digest").says("1 branch-source");
    assert!(
        world.read("countermark-gate.toml").contains("rule = \"no-digest\", project = \"teapot\"")
    );
    super::gate::gate(&world, &server, &["requirements.txt"]).expect(0).says("2 let pass");
    world.write("requirements.txt", requirements());
    super::gate::gate(&world, &server, &["requirements.txt"]).expect(0).says("not needed");
}

#[test]
fn a_contradiction_is_never_let_pass() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("uv.lock", uv(&server).replace(&digest(WHEEL), &digest("another")));
    let run = init(&world, &server, &[]);
    run.expect(1).says("high[digest-differs] teapot 1.2");
    assert!(!world.path("countermark-gate.toml").exists());
}

#[test]
fn nothing_is_written_in_a_dry_run_or_for_a_broken_lock() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.txt", "teapot==1.2\n");
    world.write(".gitlab-ci.yml", "stages: [test]\n");
    let before = snapshot(&world.path(""));
    let run = init(&world, &server, &["--dry-run"]);
    run.expect(0).says("countermark.toml: would be written").says("minimum-age");
    run.says(".gitlab-ci.yml: would be added to").says("- local: .gitlab/countermark.yml");
    assert_eq!(snapshot(&world.path("")), before);
    world.write("uv.lock", "version =\n");
    let before = snapshot(&world.path(""));
    init(&world, &server, &[]).expect(2).says("uv.lock:1:");
    assert_eq!(snapshot(&world.path("")), before);
}

#[test]
fn what_others_wrote_stays() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.txt", requirements());
    world.write("countermark.toml", "[policy]\nyanked = \"refuse\"\n");
    world.write(".github/workflows/countermark.yml", "name: mine\n");
    let hooks = "# hooks\nrepos:\n  - repo: https://code.example.org/hooks\n    rev: v1\n    hooks:\n      - id: tidy\n";
    world.write(".pre-commit-config.yaml", hooks);
    let run = init(&world, &server, &[]);
    run.expect(0).says("countermark.toml: stays").says("`--force` writes it anew");
    assert_eq!(world.read("countermark.toml"), "[policy]\nyanked = \"refuse\"\n");
    assert_eq!(world.read(".github/workflows/countermark.yml"), "name: mine\n");
    let after = world.read(".pre-commit-config.yaml");
    assert!(after.starts_with(hooks) && after.contains("      - id: countermark-gate"), "{after}");
    init(&world, &server, &["--force"]).expect(0);
    assert!(world.read(".github/workflows/countermark.yml").contains("countermark gate"));
    assert!(world.read("countermark.toml").contains("minimum-age"));
    // The hook is added once.
    assert_eq!(world.read(".pre-commit-config.yaml"), after);
}

#[test]
fn what_cannot_be_changed_safely_is_told() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.txt", requirements());
    let hooks = "repos: [{repo: meta, hooks: [{id: identity}]}]\n";
    world.write(".pre-commit-config.yaml", hooks);
    world.write(".gitlab-ci.yml", "include:\n  - local: other.yml\n");
    let run = init(&world, &server, &[]);
    run.expect(0).says(".pre-commit-config.yaml: cannot be changed safely");
    run.says("- id: countermark-gate").says(".gitlab-ci.yml: cannot be changed safely");
    assert_eq!(world.read(".pre-commit-config.yaml"), hooks);
}

#[test]
fn a_job_for_each_ci_system_that_runs_commands_of_ours() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.txt", requirements());
    world.write("some locks/uv.lock", uv(&server));
    world.write("zuul.d/jobs.yaml", "- job:\n    name: other\n");
    init(&world, &server, &["--ci", "github", "--ci", "gitlab", "--ci", "zuul"]).expect(0);
    let mut seen = 0;
    for file in [
        ".github/workflows/countermark.yml",
        ".gitlab-ci.yml",
        "playbooks/countermark-gate/run.yaml",
        ".pre-commit-config.yaml",
    ] {
        for command in commands(&world.read(file)) {
            seen += 1;
            let command = command.split(" --since").next().expect("a command");
            let script =
                format!("set -e; countermark {command} --index-url {}", server.simple_url());
            let binary = std::path::Path::new(env!("CARGO_BIN_EXE_countermark"));
            let path = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(binary.parent().expect("a folder").to_owned())
                .chain(std::env::split_paths(&path));
            let script = if file.starts_with(".pre") {
                format!("{script} requirements.txt")
            } else {
                script
            };
            let output = world
                .program("sh", &["-c", &script])
                .env("PATH", std::env::join_paths(folders).expect("a path"))
                .output()
                .expect("a shell");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{file}: {script}: {said}");
        }
    }
    assert_eq!(seen, 6);
    assert!(world.read("zuul.d/countermark.yaml").contains("name: countermark-gate"));
}

#[test]
fn a_project_without_a_lock_gets_the_policy_and_a_hint() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("requirements.in", "teapot\n");
    let run = init(&world, &server, &["--ci", "github"]);
    run.expect(0).says("inputs: requirements.in").says("note[no-lock]").says("countermark lock");
    assert!(world.path("countermark.toml").exists());
    assert!(!world.path(".github").exists() && !world.path(".pre-commit-config.yaml").exists());
}

#[test]
fn an_index_that_is_down_is_told() {
    let world = World::new();
    world.write("requirements.txt", requirements());
    let server = IndexServer::start(honest());
    let url = server.simple_url();
    drop(server);
    world.run(&["init", "--index-url", &url, "--retries", "0"]).expect(3).says("could not check");
    let other = World::new();
    other.write("requirements.txt", requirements());
    other.run(&["init", "--offline"]).expect(0).says("the gate is green, without asking an index");
}
