//! `vet inspect` and `vet diff`: which file is read, by whose digest, and what is shown of it.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::sdist::sdist;
use countermark_testkit::wheel::Wheel;
use serde_json::Value;

use super::scene::{ALICE, key, key_table};
use crate::support::{Run, World, sha256};

const OLD: &[u8] = b"import os\n\n\ndef pour(x):\n    return os.path.join(x)\n";
const NEW: &[u8] = b"import os\n\nos.system('boil')\n\n\ndef pour(x):\n    return eval(x)\n";

fn source(version: &str) -> Vec<u8> {
    let folder = format!("tea-{version}");
    let info = format!("Metadata-Version: 2.1\nName: tea\nVersion: {version}\n");
    sdist(&[
        (&format!("{folder}/PKG-INFO"), info.as_bytes()),
        (&format!("{folder}/setup.py"), b"from setuptools import setup\nsetup(cmdclass={})\n"),
    ])
}

fn wheel(version: &str, module: &[u8]) -> Wheel {
    Wheel::new("tea", version).file("tea/__init__.py", module).file("tea/data.json", b"{}\n")
}

fn native() -> Wheel {
    let mut wheel =
        wheel("1.1", NEW).file("tea/fast.pyd", b"MZ\0\0").file("tea.pth", b"import tea\n");
    wheel.tag = "py3-none-win_amd64".to_owned();
    wheel
}

struct Scene {
    world: World,
    index: IndexServer,
}

impl Scene {
    fn new() -> Self {
        let of = |wheel: &Wheel| ServedFile::honest(&wheel.filename(), wheel.build());
        let lies = wheel("1.2", b"import subprocess\n").build();
        let scenario = Scenario::new()
            .file("tea", of(&wheel("1.0", OLD)))
            .file("tea", ServedFile::honest("tea-1.0.tar.gz", source("1.0")))
            .file("tea", of(&native()))
            .file("tea", of(&wheel("1.1", NEW)))
            .file("tea", ServedFile::honest("tea-1.1.tar.gz", source("1.1")))
            .file("tea", of(&wheel("1.2", OLD)).but_serves(lies));
        Self { world: World::new(), index: IndexServer::start(scenario) }
    }

    fn vet(&self, words: &[&str]) -> Run {
        let index = self.index.simple_url();
        let mut arguments = vec!["vet", words[0], "--index-url", &index];
        arguments.extend(&words[1..]);
        self.world.run(&arguments)
    }

    fn json(&self, words: &[&str]) -> Value {
        let mut arguments = words.to_vec();
        arguments.extend(["--format", "json"]);
        let run = self.vet(&arguments);
        run.expect(0);
        serde_json::from_str(&run.stdout).expect("a document")
    }
}

fn file<'a>(report: &'a Value, path: &str) -> &'a Value {
    let files = report["files"].as_array().expect("files");
    files.iter().find(|file| file["path"] == path).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn a_release_is_read_with_what_is_dangerous_first() {
    let scene = Scene::new();
    let run = scene.vet(&["inspect", "tea==1.1"]);
    run.expect(0);
    let digest = sha256(&wheel("1.1", NEW).build());
    assert!(run.stdout.contains(&format!(
        "tea-1.1-py3-none-any.whl\n    sha256:{digest} (as the index says, and no lock)"
    )));
    assert!(
        run.stdout.contains("    1  first tea/__init__.py  7 lines  process, execute"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("!!    3   os.system('boil')\n"), "{}", run.stdout);
    assert!(run.stdout.contains("^ process: `os.system`, when it is imported"));
    assert!(run.stdout.contains("!     7       return eval(x)\n"), "{}", run.stdout);
    assert!(
        run.stderr.contains(&format!(
            "when you have read it: countermark vet certify tea==1.1 \
             --file 'sha256:{digest} tea-1.1-py3-none-any.whl'\n"
        )),
        "{}",
        run.stderr
    );
    let list = scene.vet(&["inspect", "tea==1.1", "--list"]);
    assert!(!list.stdout.contains("os.system('boil')") && list.stdout.contains("tea/__init__.py"));
    let only = scene.vet(&["inspect", "tea==1.1", "--only", "tea/d"]);
    assert!(!only.stdout.contains("tea/__init__.py") && only.stdout.contains("tea/data.json"));
}

#[test]
fn which_file_is_read_can_be_said() {
    let scene = Scene::new();
    let sdist = scene.json(&["inspect", "tea==1.0", "--sdist"]);
    assert_eq!(sdist["sides"][0]["file"], "tea-1.0.tar.gz");
    assert_eq!(sdist["sides"][0]["sha256"], sha256(&source("1.0")));
    assert_eq!(file(&sdist, "setup.py")["findings"][0]["kind"], "install");
    let other = scene.json(&["inspect", "tea==1.1", "--file", &native().filename()]);
    assert_eq!(file(&other, "tea.pth")["severity"], "first");
    assert_eq!(other["files"][0]["path"], "tea.pth");
    let run = scene.vet(&["inspect", "tea==1.1", "--file", "tea-1.1-py2-none-any.whl"]);
    run.expect(2);
    assert!(
        run.stderr
            .contains("error[inspect-no-file]: tea 1.1 does not have tea-1.1-py2-none-any.whl"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("it has tea-1.1"), "{}", run.stderr);
    scene.vet(&["inspect", "tea==9"]).expect(3);
    scene.vet(&["inspect", "tea"]).expect(2);
    scene.vet(&["inspect", "tea==x"]).expect(2);
}

#[test]
fn the_digest_of_a_lock_decides() {
    let scene = Scene::new();
    let digest = sha256(&native().build());
    scene.world.write("requirements.txt", format!("tea==1.1 --hash=sha256:{digest}\n"));
    // The locked file is for another platform, so what this interpreter would take is told to be no part
    // of the lock.
    let run = scene.vet(&["inspect", "tea==1.1", "--list"]);
    run.expect(0);
    assert!(
        run.stderr.contains(
            "note[inspect-not-locked]: `requirements.txt` does not have `tea-1.1-py3-none-any.whl`"
        ),
        "{}",
        run.stderr
    );
    let named = scene.json(&["inspect", "tea==1.1", "--file", &native().filename()]);
    assert_eq!(named["sides"][0]["digest_from"], "as in `requirements.txt`");
    let digest = sha256(&source("1.1"));
    let lock = scene.world.write("other.txt", format!("tea==1.1 --hash=sha256:{digest}\n"));
    let lock = lock.display().to_string();
    let by_name = scene.vet(&["inspect", "tea==1.1", "--sdist", "--list", "--lock", &lock]);
    by_name.expect(0);
    assert!(by_name.stderr.contains("--lock "), "{}", by_name.stderr);
}

/// The command that is printed certifies the file that was read, and no other, with no lock and no file.
#[test]
fn the_command_that_is_printed_certifies_what_was_read() {
    let scene = Scene::new();
    let head = "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\n\
                criteria = [\"safe-to-deploy\"]\n";
    let keys = key_table(ALICE, &key(7));
    scene.world.write("ledger/ledger.toml", format!("{head}{keys}"));
    scene.world.write("ledger/reviews.toml", "");
    let certify = |run: &Run| {
        let (_, command) =
            run.stderr.split_once("when you have read it: countermark ").expect("it");
        let mut words = shlex::split(command.lines().next().expect("a line")).expect("words");
        words.extend(["--dry-run", "--git", "--author", ALICE].map(str::to_owned));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        scene.world.run(&words)
    };
    let read = scene.vet(&["inspect", "tea==1.1", "--sdist", "--list"]);
    let run = certify(&read);
    run.expect(0).says(&format!("file sha256:{} tea-1.1.tar.gz\n", sha256(&source("1.1"))));
    assert_eq!(run.stdout.matches("\nfile ").count(), 1, "{}", run.stdout);
    let run = certify(&scene.vet(&["diff", "tea", "1.0", "1.1", "--list"]));
    let [old, new] = [wheel("1.0", OLD), wheel("1.1", NEW)].map(|it| sha256(&it.build()));
    run.expect(0).says(&format!("\nfile sha256:{new} tea-1.1-py3-none-any.whl\n"));
    run.says(&format!("\nfrom sha256:{old} tea-1.0-py3-none-any.whl\n"));
    for (file, reason) in [
        (format!("sha256:{new} tea-1.0-py3-none-any.whl"), "is no file of tea 1.1"),
        (format!("sha256:{new} cup-1.1-py3-none-any.whl"), "is no file of tea 1.1"),
        (format!("sha256:{} tea-1.1-py3-none-any.whl", &new[1..]), "error[bad-option]"),
        (format!("sha256:{new}"), "error[bad-option]"),
    ] {
        let words = ["vet", "certify", "tea==1.1", "--dry-run", "--git", "--file", &file];
        scene.world.run(&words).expect(2).says(reason);
    }
}

#[test]
fn bytes_that_are_not_what_was_said_are_not_looked_into() {
    let scene = Scene::new();
    let run = scene.vet(&["inspect", "tea==1.2"]);
    run.expect(1);
    assert_eq!(run.stdout, "");
    assert!(!run.stderr.contains("subprocess"), "{}", run.stderr);
}

#[test]
fn a_difference_shows_what_moved() {
    let scene = Scene::new();
    let report = scene.json(&["diff", "tea", "1.0", "1.1"]);
    let module = file(&report, "tea/__init__.py");
    assert_eq!((module["added"].as_u64(), module["removed"].as_u64()), (Some(3), Some(1)));
    assert_eq!(module["change"], "modified");
    assert!(
        report["files"]
            .as_array()
            .expect("files")
            .iter()
            .all(|file| file["path"] != "tea/data.json")
    );
    let run = scene.vet(&["diff", "tea", "1.0", "1.1"]);
    run.expect(0);
    assert!(run.stdout.starts_with("tea 1.0 → 1.1\n"));
    assert!(
        run.stdout.contains("- ") && run.stdout.contains("!!          3 + os.system('boil')"),
        "{}",
        run.stdout
    );
    let [old, new] = [wheel("1.0", OLD), wheel("1.1", NEW)].map(|it| sha256(&it.build()));
    let from = format!("--from-file 'sha256:{old} tea-1.0-py3-none-any.whl'\n");
    let unlocked = format!(
        "vet certify tea==1.1 --from 1.0 --file 'sha256:{new} tea-1.1-py3-none-any.whl' {from}"
    );
    assert!(run.stderr.contains(&unlocked), "{}", run.stderr);
    // What a lock has need not be said again.
    scene.world.write("requirements.txt", format!("tea==1.1 --hash=sha256:{new}\n"));
    let run = scene.vet(&["diff", "tea", "1.0", "1.1", "--list"]);
    let locked = format!("vet certify tea==1.1 --from 1.0 {from}");
    assert!(run.stderr.contains(&locked), "{}", run.stderr);
    let same = scene.json(&["diff", "tea", "1.0", "1.1", "--sdist"]);
    assert_eq!(same["files"].as_array().map(Vec::len), Some(1), "PKG-INFO alone moved: {same}");
    scene.vet(&["diff", "tea", "1.0"]).expect(2);
    scene.vet(&["diff", "tea", "1.0", "x"]).expect(2);
}

#[test]
fn files_on_disk_are_read_without_any_index() {
    let world = World::new();
    let evil = b"x = '\x1b[2J'\nopen('/home/me/.ssh/id_rsa')\n# \xe2\x80\xae\n";
    let old = world.write(&wheel("1.0", OLD).filename(), wheel("1.0", OLD).build());
    let new = wheel("1.1", evil).file("tea/<img src=x>.py", b"x = 1\n").build();
    let new = world.write(&wheel("1.1", evil).filename(), new);
    let [old, new] = [old, new].map(|path| path.display().to_string());
    for words in [vec!["vet", "inspect", &new], vec!["vet", "diff", &old, &new]] {
        let run = world.run(&words);
        run.expect(0);
        assert!(run.stdout.contains("secrets: `.ssh`: keys of SSH"), "{}", run.stdout);
        for bad in ['\u{1b}', '\u{202e}'] {
            assert!(!run.stdout.contains(bad) && !run.stderr.contains(bad), "{bad:?}");
        }
        assert!(run.stdout.contains("\\u{1b}[2J"), "{}", run.stdout);
        assert!(run.stderr.contains("--file "), "{}", run.stderr);
    }
    // A name that would act on the terminal makes the archive unsound.
    let turned = wheel("1.2", OLD).file("tea/\u{202e}m.py", b"x = 1\n").build();
    let turned = world.write("tea-1.2-py3-none-any.whl", turned).display().to_string();
    world
        .run(&["vet", "inspect", &turned])
        .expect(1)
        .says("error[path-control]")
        .never_says("\u{202e}");
    let refused = world.run(&["vet", "inspect", &new, "--sdist"]);
    refused.expect(2);
    assert!(refused.stderr.contains("error[bad-option]"));
    let broken = world.write("tea-2.0-py3-none-any.whl", "no archive").display().to_string();
    world.run(&["vet", "inspect", &broken]).expect(1);
    world.run(&["vet", "inspect", "absent-1.0.tar.gz"]).expect(2);
}

#[cfg(feature = "service")]
#[test]
fn the_page_is_for_whoever_has_its_address() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpStream;
    use std::process::Stdio;

    let world = World::new();
    let path = world.write(&wheel("1.1", NEW).filename(), wheel("1.1", NEW).build());
    let binary = env!("CARGO_BIN_EXE_countermark");
    let mut child = world
        .program(binary, &["vet", "inspect", &path.display().to_string(), "--browser"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut address = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut address).expect("a line");
    let rest = address.trim().strip_prefix("http://").expect("an address");
    let (host, path) = rest.split_once('/').expect("a path");
    let ask = |method: &str, path: &str| {
        let mut stream = TcpStream::connect(host).expect("it listens");
        let head = format!(
            "{method} /{path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    assert!(ask("GET", "").starts_with("HTTP/1.1 40"));
    let page = ask("GET", path);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("tea/__init__.py"), "{page}");
    assert!(ask("POST", &format!("{path}file/1/read")).starts_with("HTTP/1.1 303"));
    assert!(ask("POST", &format!("{path}stop")).starts_with("HTTP/1.1 200"));
    assert!(child.wait().expect("it ends").success());
}
