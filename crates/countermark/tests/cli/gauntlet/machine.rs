//! What the machine that runs the tests is configured to do is not seen by them, and what the
//! user's machine is configured to do is not seen with `--isolated`.

use std::fs;
use std::process::Command;

use super::*;

/// Variables and files that would send the command to another index.
fn variables(trap: &str) -> Vec<(&'static str, String)> {
    let url = |name| (name, trap.to_owned());
    vec![
        url("PIP_INDEX_URL"),
        url("PIP_EXTRA_INDEX_URL"),
        url("PIP_FIND_LINKS"),
        url("UV_DEFAULT_INDEX"),
        url("UV_INDEX"),
        url("UV_EXTRA_INDEX_URL"),
        url("COUNTERMARK_INDEX_URL"),
        url("COUNTERMARK_EXTRA_INDEX_URL"),
        ("PIP_TRUSTED_HOST", "127.0.0.1".to_owned()),
        ("PIP_NO_DEPS", "1".to_owned()),
        ("UV_NO_VERIFY_HASHES", "1".to_owned()),
    ]
}

fn trap() -> IndexServer {
    let evil = alpha().file("evil.py", b"import os");
    IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&evil.filename(), evil.build())),
    )
}

/// Run by the test below as a process of its own, on a machine that is configured badly.
#[test]
fn an_ordinary_install() {
    let g = Gauntlet::with(&[&alpha()]);
    let run = g.requirements(pinned("alpha", "1.0", &alpha().build())).accepts();
    run.never_says("ignored-setting");
    g.has("alpha", "1.0");
}

#[test]
fn variables_of_the_machine_are_not_seen_by_tests() {
    let trap = trap();
    let home = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let url = trap.simple_url();
    for name in [".config/pip/pip.conf", ".pip/pip.conf"] {
        write(name, format!("[global]\nextra-index-url = {url}\ntrusted-host = 127.0.0.1\n"));
    }
    write(".config/uv/uv.toml", format!("extra-index-url = ['{url}']\n"));
    write(".config/countermark/countermark.toml", format!("extra-index-url = ['{url}']\n"));
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this)
        .args(["--exact", "gauntlet::machine::an_ordinary_install"])
        .envs(variables(&url))
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join(".config"))
        .output()
        .expect("this program");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!(trap.request_lines(), [""; 0]);
}

#[test]
fn isolated_sees_neither_variables_nor_files() {
    let trap = trap();
    let url = trap.simple_url();
    let mut g = Gauntlet::with(&[&alpha()]);
    for (name, value) in variables(&url) {
        g.world.set(name, &value);
    }
    g.world.write("uv.toml", format!("extra-index-url = ['{url}']\n"));
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.accepts_with(&["--isolated"]).never_says("ignored-setting");
    g.has("alpha", "1.0");
    assert_eq!(trap.request_lines(), [""; 0]);
    // Without it they are, so the trap is one; the digest still decides.
    g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
    g.accepts_with(&["--refresh"]).says("ignored-setting");
    g.has("alpha", "1.0");
    assert!(!trap.requests().is_empty());
}
