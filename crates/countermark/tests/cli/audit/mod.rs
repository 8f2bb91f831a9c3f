//! `audit`: findings from a tree and an index that can lie, bad input, and the same answer twice.

mod input;
mod world;

use std::process::Command;

use countermark_testkit::index::IndexServer;

use self::world::{Federation, ROBOT, file, findings};

const JSON: [&str; 2] = ["--format", "json"];

/// What only groups: the same in every run here.
const ONLY_HOLDER: &str = "low only-holder jug,kettle,teapot";

#[test]
fn a_federation_without_faults_has_one_line() {
    let federation = Federation::new();
    let server = federation.serve();
    let run = federation.audit(&server, &JSON);
    assert_eq!(findings(run.expect(0)), [ONLY_HOLDER]);
    federation
        .audit(&server, &[])
        .expect(0)
        .says("taken as the official records: the releases tree at .")
        .says("taken as the release account: release-robot (a role on 3 of 3 projects)");
}

#[test]
fn every_kind_of_fault_is_found_by_the_name_of_its_rule() {
    let check = |federation: Federation, expected: &[&str]| {
        let server = federation.serve();
        let run = federation.audit(&server, &JSON);
        let found = findings(&run);
        let others: Vec<&String> =
            found.iter().filter(|one| !one.contains("only-holder")).collect();
        assert_eq!(others, expected, "{}", run.stderr);
    };
    let base = Federation::new;
    check(base().upload("jug", "1.2", "2024-05-01"), &["medium rogue-release jug 1.2"]);
    check(
        base().upload("jug", "1.2", "2024-05-01").role("jug", "Maintainer", "mallory"),
        &["high rogue-release jug 1.2", "high stranger-role jug"],
    );
    check(
        base().upload("jug", "1.2.dev4", "2024-05-01"),
        &["medium development-release jug 1.2.dev4"],
    );
    let missing = base();
    missing.list("jug", &["1.0", "1.1", "1.2"]);
    check(missing, &["medium missing-release jug 1.2"]);
    check(
        base().add("jug", file("jug-1.0-cp312-cp312-linux_x86_64.whl", "2024-01-09")),
        &["medium late-file jug 1.0"],
    );
    let mut quarantined = base();
    quarantined.scenario = quarantined.scenario.status("jug", "quarantined", Some("malware"));
    check(quarantined, &["high project-status jug"]);
    check(base().upload("jug", "1.2", "2025-01-01"), &["low after-records jug"]);
}

#[test]
fn fail_on_and_least_draw_their_lines() {
    let federation = Federation::new().upload("jug", "1.2", "2024-05-01");
    let server = federation.serve();
    for (level, code) in [("high", 0), ("medium", 1), ("low", 1), ("never", 0)] {
        federation.audit(&server, &["--fail-on", level]).expect(code);
    }
    federation.audit(&server, &["--least", "medium"]).expect(1).never_says("only-holder");
    federation.audit(&server, &["--least", "high"]).expect(1).never_says("rogue-release");
}

#[test]
fn a_snapshot_is_judged_to_the_same_bytes() {
    let federation = Federation::new().upload("jug", "1.2", "2024-05-01");
    let server = federation.serve();
    let live = [&JSON[..], &["--record", "facts.jsonl"]].concat();
    let live = findings(federation.audit(&server, &live).expect(1));
    drop(server);
    let replay = |format: &str| {
        let arguments = [
            "audit",
            "--replay",
            "facts.jsonl",
            "--cache-dir",
            "cache",
            "--format",
            format,
            "--all",
        ];
        federation.world.run(&arguments).expect(1).stdout.clone()
    };
    for format in ["text", "json", "sarif", "junit", "markdown", "html"] {
        let first = replay(format);
        assert_eq!(first, replay(format), "{format}");
        assert!(first.contains("rogue-release"), "{format}");
    }
    let again = federation.world.run(&[
        "audit",
        "--replay",
        "facts.jsonl",
        "--cache-dir",
        "cache",
        "--format",
        "json",
    ]);
    assert_eq!(findings(&again), live);
}

#[test]
fn what_changed_since_the_run_before_is_told() {
    let federation = Federation::new();
    let server = federation.serve();
    federation.audit(&server, &["--record", "before.jsonl"]).expect(0);
    server.change(|scenario| scenario.role("jug", "Owner", "mallory"));
    let run = federation.audit(&server, &[&JSON[..], &["--previous", "before.jsonl"]].concat());
    let found = findings(run.expect(1));
    assert!(found.contains(&"high role-change jug".to_owned()), "{found:?}");
    let same = federation.audit(&server, &[&JSON[..], &["--record", "now.jsonl"]].concat());
    assert!(!findings(&same).contains(&"high role-change jug".to_owned()));
    let quiet = federation.audit(&server, &[&JSON[..], &["--previous", "now.jsonl"]].concat());
    assert!(
        !findings(&quiet).contains(&"high role-change jug".to_owned()),
        "nothing changed since"
    );
}

#[test]
fn the_history_of_a_checkout_gives_days_and_what_was_edited_away() {
    let federation = Federation::new().upload("jug", "1.0.1", "2024-02-01");
    let git = |arguments: &[&str], day: &str| {
        let time = format!("{day}T12:00:00Z");
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(federation.world.path(""))
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let commit = |day: &str| {
        git(&["add", "deliverables"], day);
        git(&["commit", "-q", "-m", "a release"], day);
    };
    git(&["init", "-q"], "2024-01-01");
    federation.list("jug", &["1.0"]);
    commit("2024-01-01");
    federation.list("jug", &["1.0", "1.0.1"]);
    commit("2024-02-01");
    federation.list("jug", &["1.0", "1.1"]);
    commit("2024-07-20");
    let server = federation.serve();
    let run = federation.audit(&server, &JSON);
    assert_eq!(
        findings(run.expect(0)),
        [
            "low upload-window jug 1.1",
            "low upload-window kettle 1.1",
            "low upload-window teapot 1.1",
            ONLY_HOLDER
        ]
    );
    federation
        .audit(&server, &["--all"])
        .says("listed once, and edited away since")
        .says("until 2024-07-20 (commit ");
}

#[test]
fn only_some_projects_can_be_asked_for() {
    let federation = Federation::new().upload("jug", "1.2", "2024-05-01");
    let server = federation.serve();
    federation
        .audit(&server, &["--project", "Tea_Pot", "--project", "teapot"])
        .expect(1)
        .says("tea-pot");
    let run = federation.audit(&server, &["--project", "teapot"]);
    run.expect(0).never_says("rogue-release");
    let paths: Vec<String> = server.request_lines();
    assert!(paths.iter().any(|line| line.contains("/teapot")), "{paths:?}");
    assert!(paths.iter().all(|line| !line.contains("/jug")), "{paths:?}");
}

#[test]
fn a_first_federation_toml_is_accepted_and_settles_what_it_says() {
    let federation = Federation::new().role("jug", "Owner", "ann");
    let server = federation.serve();
    federation.audit(&server, &[]).expect(1).says("stranger-role");
    let url = server.simple_url();
    let init = ["audit", "init", "--index-url", &url, "--cache-dir", "cache", "--output"];
    federation.world.run(&[&init[..], &["federation.toml"]].concat()).expect(0);
    federation.world.run(&[&init[..], &["federation.toml"]].concat()).expect(2).says("file-exists");
    let drafted = federation.world.read("federation.toml");
    assert!(drafted.contains(&format!("release = [\"{ROBOT}\"]")), "{drafted}");
    federation.audit(&server, &[]).expect(1).says("stranger-role");
    let kept = "\n[[keep]]\nproject = \"jug\"\naccount = \"ann\"\napproved-by = \"bea\"\n\
        reason = \"she builds the wheels\"\nexpires = 2999-01-01\n";
    federation.world.write("federation.toml", format!("{drafted}{kept}"));
    federation.audit(&server, &[]).expect(0).never_says("stranger-role");
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let federation = Federation::new();
    let server = federation.serve();
    federation.audit(&server, &["--record", "facts.jsonl"]).expect(0);
    let replay = "countermark audit --replay facts.jsonl --cache-dir cache";
    let binary =
        std::path::Path::new(env!("CARGO_BIN_EXE_countermark")).parent().expect("a folder");
    let shell = |script: &str| {
        let script = format!("PATH={}:$PATH; {script}", binary.display());
        let output = federation.world.program("sh", &["-c", &script]).output().expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = shell(&format!("{replay} > /dev/full"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("error[unwritable]"), "{said}");
    let (code, said) = shell(&format!("{replay} --output /dev/full"));
    assert_eq!(code, Some(3), "{said}");
    assert!(!std::path::Path::new("/dev/full").is_file(), "a device was replaced");
    let (code, said) = shell(&format!("{replay} | head -n 1 > /dev/null"));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said, "");
}

#[test]
fn every_finding_says_what_it_rests_on_and_what_to_do() {
    let federation = Federation::new()
        .upload("jug", "1.2", "2024-05-01")
        .upload("jug", "1.2.dev4", "2024-05-01")
        .upload("kettle", "3.0", "2025-05-01")
        .add("teapot", file("teapot-1.0-cp312-cp312-linux_x86_64.whl", "2024-01-09"))
        .role("jug", "Maintainer", "mallory");
    federation.list("kettle", &["1.0", "1.1", "1.2"]);
    let server = federation.serve();
    let run = federation.audit(&server, &JSON);
    let report: serde_json::Value = serde_json::from_str(&run.expect(1).stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    assert!(findings.len() >= 6, "{findings:?}");
    for finding in findings.iter().filter(|finding| finding["explained"].is_null()) {
        assert!(!finding["evidence"].as_array().expect("a list").is_empty(), "{finding}");
        assert!(!finding["next"].as_str().expect("a text").is_empty(), "{finding}");
    }
}

#[test]
fn every_rule_is_explained() {
    let federation = Federation::new();
    let list = federation.world.run(&["audit", "explain"]);
    let codes: Vec<&str> =
        list.expect(0).stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(codes.contains(&"rogue-release"), "{codes:?}");
    federation.world.run(&["audit", "explain", "rogue-release"]).expect(0).says("what to do");
    federation.world.run(&["audit", "explain", "rouge-release"]).expect(2).says("rogue-release");
}

/// A server is needed by every test; this one only proves that a run without one ends with "could not
/// check", never with "nothing found".
#[test]
fn an_index_that_is_not_there_is_no_good_answer() {
    let federation = Federation::new();
    let server: IndexServer = federation.serve();
    let url = server.simple_url();
    drop(server);
    let run =
        federation.world.run(&["audit", "--index-url", &url, "--retries", "0", "--cache-dir", "c"]);
    run.expect(3);
}
