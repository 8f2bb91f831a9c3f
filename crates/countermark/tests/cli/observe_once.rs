//! `observe --once` and `observe report`, as whole commands: what they write, whether it stays the same, what
//! they answer, and what hostile content does to that.

use crate::support::{World, sha256};

fn requirements(letters: &[&str]) -> String {
    let hashes: Vec<String> =
        letters.iter().map(|it| format!(" --hash=sha256:{}", sha256(it.as_bytes()))).collect();
    format!("teapot==1.2{}\n", hashes.concat())
}

fn poetry(files: &[(&str, &str)]) -> String {
    let each = files.iter().map(|(name, letter)| {
        format!("    {{file = \"{name}\", hash = \"sha256:{}\"}},\n", sha256(letter.as_bytes()))
    });
    let files: String = each.collect();
    format!(
        "[[package]]\nname = \"teapot\"\nversion = \"1.2\"\nfiles = [\n{files}]\n\n\
         [metadata]\nlock-version = \"2.0\"\n"
    )
}

const SDIST: &str = "teapot-1.2.tar.gz";
const WHEEL: &str = "teapot-1.2-py3-none-any.whl";

/// Two repositories that agree.
fn agreeing() -> World {
    let world = World::new();
    world.write("trees/app/poetry.lock", poetry(&[(SDIST, "s"), (WHEEL, "w")]));
    world.write("trees/web/requirements.txt", requirements(&["s", "w"]));
    world
}

/// And one more, in which somebody replaced a digest.
fn disagreeing() -> World {
    let world = agreeing();
    world.write("trees/shop/requirements.txt", requirements(&["x", "w"]));
    world
}

const FILES: [&str; 7] = [
    "digests.txt",
    "observations.jsonl",
    "report.txt",
    "report.md",
    "report.html",
    "report.json",
    "report.sarif",
];

#[test]
fn every_form_says_the_same_and_stays_the_same() {
    let world = disagreeing();
    let once = |output: &str| {
        world.run(&["observe", "--once", "trees", "--output", output]).expect(1).says("1 alarm");
        FILES.map(|name| world.read(&format!("{output}/{name}")))
    };
    let first = once("one");
    assert_eq!(first, once("two"));
    for (name, text) in FILES.iter().zip(&first) {
        assert!(text.contains(&sha256(b"x")), "{name}: {text}");
        assert!(text.ends_with('\n'), "{name}");
    }
    for text in &first[2..] {
        assert!(text.contains("two-digests") && text.contains("requirements.txt"), "{text}");
    }
    let report: serde_json::Value = serde_json::from_str(&first[5]).expect("JSON");
    assert_eq!(
        (&report["format"], &report["alarms"]),
        (&"countermark-observe/1".into(), &1.into())
    );
    let sarif: serde_json::Value = serde_json::from_str(&first[6]).expect("SARIF");
    assert_eq!(sarif["version"], "2.1.0");
    // Again from what was kept: the same findings.
    for kept in ["one/observations.jsonl", "one/digests.txt"] {
        world.run(&["observe", "report", kept]).expect(1).says("1 alarm");
    }
    let again =
        ["observe", "report", "one/observations.jsonl", "--format", "json", "-o", "again.json"];
    world.run(&again).expect(1);
    let again: serde_json::Value = serde_json::from_str(&world.read("again.json")).expect("JSON");
    assert_eq!(again["findings"], report["findings"]);
}

#[test]
fn the_answer_is_what_was_asked_for() {
    let world = disagreeing();
    let once = |when: &str| world.run(&["observe", "--once", "trees", "--fail-on", when]);
    once("alarm").expect(1);
    once("any").expect(1);
    once("never").expect(0).says("1 alarm");
    let world = agreeing();
    let once = |when: &str| world.run(&["observe", "--once", "trees", "--fail-on", when]);
    once("any").expect(0);
    // A set that grew explains itself, and is something.
    world.write("trees/late/requirements.txt", requirements(&["s", "w", "n"]));
    once("alarm").expect(0);
    once("any").expect(1);
}

#[test]
fn broken_locks_are_told_and_the_others_are_read() {
    let world = disagreeing();
    world.write("trees/broken/poetry.lock", "files = [\n");
    world.write("trees/broken/uv.lock", "\u{0}\u{1}");
    world.write("trees/broken/Pipfile.lock", "[".repeat(100_000));
    let run = world.run(&["observe", "--once", "trees"]);
    run.expect(1).says("not read: 3 locks").says("broken/poetry.lock").says("1 alarm");
}

#[test]
fn names_of_others_are_shown_harmless() {
    let world = disagreeing();
    let evil = "trees/\u{1b}[31m<script>alert(1)</script>|`x`\nfake: 0 alarms/requirements.txt";
    // A folder called so has another folder in it: `</script>` holds a separator.
    world.write(evil, requirements(&["y", "w"]));
    world.run(&["observe", "--once", "trees"]).expect(1).never_says("\u{1b}[31m");
    for name in FILES {
        let text = world.read(&format!("observed/{name}"));
        assert!(!text.contains('\u{1b}'), "{name}");
        assert!(!text.contains("\nfake: 0 alarms"), "{name}: {text}");
    }
    let page = world.read("observed/report.html");
    assert!(!page.contains("<script"), "{page}");
}

#[test]
fn what_cannot_be_read_leaves_what_was_there() {
    let world = agreeing();
    world.run(&["observe", "--once", "trees"]).expect(0);
    let before = FILES.map(|name| world.read(&format!("observed/{name}")));
    world.run(&["observe", "--once", "nowhere"]).expect(2);
    world.run(&["observe", "--once"]).expect(2).says("error[nothing-to-observe]");
    world.run(&["observe", "--once", "--clone", "http://git.example.org/a.git"]).expect(2);
    assert_eq!(before, FILES.map(|name| world.read(&format!("observed/{name}"))));
    for (text, reason) in [
        ("{\"format\":\"other/1\"}\n", "does not name the format"),
        ("{\"format\":\"countermark-observations/1\"}\n{\n", "line 2"),
    ] {
        world.write("bad.jsonl", text);
        let run = world.run(&["observe", "report", "bad.jsonl"]);
        run.expect(2).says("error[observations-unusable]").says(reason);
    }
}

#[cfg(feature = "service")]
#[test]
fn a_database_says_what_a_run_without_one_says() {
    let world = disagreeing();
    world.write("observe.toml", "[observe]\ndatabase = \"seen.sqlite\"\nfolders = [\"trees\"]\n");
    let crawl = || world.run(&["observe", "crawl", "--once", "observe.toml"]);
    crawl().expect(1).says("1 new alarm");
    crawl().expect(0).says("read 0 places");
    let report = ["observe", "report", "--database", "seen.sqlite"];
    world.run(&report).expect(1).says("1 alarm").says("teapot 1.2").says("shop");
    world.run(&[&report[..], &["--format", "json", "-o", "database.json"]].concat()).expect(1);
    world.run(&["observe", "--once", "trees"]).expect(1);
    let findings = |path: &str| -> Vec<(String, String)> {
        let report: serde_json::Value = serde_json::from_str(&world.read(path)).expect("JSON");
        let findings = report["findings"].as_array().expect("a list").clone();
        findings.iter().map(|it| (it["class"].to_string(), it["project"].to_string())).collect()
    };
    assert_eq!(findings("database.json"), findings("observed/report.json"));
    // Files and a database at once are two questions.
    world.run(&[&report[..], &["observed/observations.jsonl"]].concat()).expect(2);
    world.run(&["observe", "report", "seen.sqlite"]).expect(2).says("--database seen.sqlite");
}

/// A crawl of one repository that is not on this machine, or acts so.
#[cfg(feature = "service")]
fn crawl(world: &World, url: &str, more: &str) -> crate::support::Run {
    let config = format!(
        "[observe]\ndatabase = \"seen.sqlite\"\ncache = \"cache\"\nrepositories = [\"{url}\"]\n{more}"
    );
    world.write("observe.toml", config);
    world.run(&["observe", "crawl", "--once", "observe.toml"])
}

#[cfg(feature = "service")]
#[test]
fn a_repository_is_cloned_within_limits_and_runs_nothing() {
    let world = World::new();
    world.write("source/requirements.txt", requirements(&["s", "w"]));
    let git = |arguments: &[&str]| {
        // What we do ourselves runs nothing of what is laid out below.
        let me = ["-C", "source", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];
        let name = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let all = [&me[..], &name[..], arguments].concat();
        let done = world.program("git", &all).output().expect("git");
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet", "."]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "lock"]);
    let mark = world.path("ran");
    let run = format!("touch {}", mark.display());
    for key in ["core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand"] {
        git(&["config", key, &run]);
    }
    for hook in ["post-checkout", "post-merge", "reference-transaction", "update"] {
        let hook = format!("source/.git/hooks/{hook}");
        world.write(&hook, format!("#!/bin/sh\n{run}\n"));
        assert!(world.program("chmod", &["+x", &hook]).status().expect("chmod").success());
    }
    let url = format!("file://{}", world.path("source").display());
    crawl(&world, &url, "").expect(0).says("read 1 place: 2 pins");
    // So does a folder that is such a repository.
    let tree = "[observe]\ndatabase = \"tree.sqlite\"\nfolders = [\"source\"]\n";
    world.write("tree.toml", tree);
    let run = world.run(&["observe", "crawl", "--once", "tree.toml"]);
    run.expect(0).says("read 1 place: 2 pins");
    assert!(!mark.exists());

    // What is not compressible, and more than is taken.
    let bytes = (0..40_000u32).map(|it| sha256(&it.to_le_bytes())).collect::<String>();
    world.write("source/large.txt", bytes);
    git(&["add", "large.txt"]);
    git(&["commit", "--quiet", "-m", "large"]);
    let other = format!("{url}/.git");
    crawl(&world, &other, "max-clone = 1\n").expect(3).says("has more than 1048576 bytes");
    assert!(!mark.exists());

    // Whoever works in it as usual runs it: it was there to be run.
    world.program("git", &["-C", "source", "status"]).output().expect("git");
    assert!(mark.exists());
}
