//! The shortest way through everything.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};

use crate::support::{World, pinned, simple_wheel};

#[test]
fn install_verify_list_uninstall() {
    let wheel = simple_wheel("alpha", "1.0")
        .entry_points("[console_scripts]\nalpha = alpha:VERSION.title\n");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    world.install(&index.simple_url(), &[]).expect(0).says(" + alpha 1.0");
    assert!(world.site().join("alpha.py").is_file());
    assert!(world.path("env/bin/alpha").is_file());
    index.forget_requests();
    world
        .install(&index.simple_url(), &[])
        .expect(0)
        .says("nothing to change")
        .says("no index was asked");
    assert!(index.requests().is_empty());
    world.run(&["verify", "--python", "env"]).expect(0).says("as installed");
    world.run(&["list", "--python", "env"]).expect(0).says("alpha");
    world.run(&["uninstall", "--python", "env", "alpha"]).expect(0).says("removed 1 package");
    assert!(!world.site().join("alpha.py").exists());
    assert!(!world.path("env/bin/alpha").exists());
}

#[test]
fn every_command_uses_the_configured_store_and_its_limit() {
    let wheel = simple_wheel("alpha", "1.0");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    let configuration = world.home(".config/countermark/countermark.toml");
    std::fs::create_dir_all(configuration.parent().expect("a parent")).expect("a folder");
    let configure = |text: &str| std::fs::write(&configuration, text).expect("a file");
    configure("cache-dir = \"~/elsewhere\"\n");
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    world.install(&index.simple_url(), &[]).expect(0);
    assert!(world.home("elsewhere/store").is_dir());
    assert!(!world.home(".cache/countermark").exists());
    world.run(&["cache", "info"]).expect(0).says("wheels    1").says("elsewhere");
    configure("cache-dir = \"~/elsewhere\"\ncache-limit = \"1kB\"\n");
    world.install(&index.simple_url(), &["--sync"]).expect(0);
    world.run(&["cache", "info"]).expect(0).says("wheels    0");
    // With its wheel gone nothing can say whether the environment is right.
    world.run(&["verify", "--python", "env"]).expect(3).says("could not check");
}

#[test]
fn a_restored_store_is_proved_and_nothing_is_downloaded() {
    let wheel = simple_wheel("alpha", "1.0");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    world.install(&index.simple_url(), &[]).expect(0).says("downloading 1 file");
    for forgotten in [".local/state/countermark", ".local/state/countermark/seals"] {
        // Without any state, then with the memory of names.
        std::fs::remove_dir_all(world.home(forgotten)).expect("a folder");
        std::fs::remove_dir_all(world.path("env")).expect("a folder");
        index.forget_requests();
        world.install(&index.simple_url(), &[]).expect(0).never_says("downloading");
        let requests = index.request_lines();
        assert!(requests.iter().all(|line| line == "GET /simple/alpha/"), "{requests:?}");
    }
}

#[test]
fn what_others_write_does_not_act_on_the_terminal() {
    let wheel = simple_wheel("alpha", "1.0");
    let bytes = wheel.build();
    let file = ServedFile::honest(&wheel.filename(), bytes.clone());
    let file = file.advertise(|said| said.yanked = Some("bad\u{1b}[2J\u{202e}news".to_owned()));
    let index = IndexServer::start(Scenario::new().file("alpha", file));
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    let run = world.install(&index.simple_url(), &["--color", "always"]);
    run.expect(0).says("note[yanked]").says(r"bad\u{1b}[2J\u{202e}news");
    run.never_says("\u{1b}[2J").never_says("\u{202e}");
    std::fs::write(world.site().join("\u{1b}[2J.pth"), "import os").expect("a file");
    let run = world.run(&["verify", "--python", "env", "--color", "always"]);
    run.expect(1).says(r"\u{1b}[2J.pth").never_says("\u{1b}[2J");
}

/// A cache that was restored on another machine, without the private state: the archive's digest
/// proves the entry, and no index is asked.
#[test]
fn one_digest_and_its_entry_need_no_index() {
    let wheel = simple_wheel("alpha", "1.0");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    world.install(&index.simple_url(), &[]).expect(0);
    std::fs::remove_dir_all(world.home(".local/state/countermark")).expect("the state folder");
    std::fs::remove_dir_all(world.path("env")).expect("the environment");
    index.forget_requests();
    world.install(&index.simple_url(), &["--offline"]).expect(0).says(" + alpha 1.0");
    assert!(index.requests().is_empty());
}

/// A digest does not make a wheel of another platform fit.
#[test]
fn a_wheel_for_another_interpreter_is_refused() {
    let mut wheel = simple_wheel("alpha", "1.0");
    wheel.tag = "cp27-cp27m-win32".to_owned();
    wheel.wheel = Some(countermark_testkit::wheel::wheel_text(true, &["cp27-cp27m-win32"]));
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    world.install(&index.simple_url(), &[]).expect(1).says("error[no-suitable-wheel]");
    let url = index.file_url(&wheel.filename());
    let digest = crate::support::sha256(&bytes);
    world.write("requirements.txt", format!("alpha @ {url} --hash=sha256:{digest}\n"));
    world.install(&index.simple_url(), &[]).expect(1).says("error[no-suitable-wheel]");
    assert!(!world.path("env").exists());
}

/// A wheel that brings a journal would have the next command follow it.
#[test]
fn a_wheel_cannot_bring_a_journal() {
    let journal = br#"{"format":1,"steps":[{"in":"pyvenv.cfg"}],"empty":[]}"#;
    let wheel = simple_wheel("alpha", "1.0")
        .file("alpha-1.0.data/data/.countermark/journal", journal)
        .file("alpha-1.0.data/data/.countermark/stage/keep", b"");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    world.install(&index.simple_url(), &[]).expect(1).says("error[installer-file]");
    assert!(!world.path("env").exists());
}

/// What lies in the place where an environment would be made is not followed and not adopted.
#[test]
fn a_link_in_the_place_of_staging_is_refused() {
    let wheel = simple_wheel("alpha", "1.0");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    for target in ["/nonexistent", "/tmp"] {
        let staging = world.path(".env.countermark");
        std::os::unix::fs::symlink(target, &staging).expect("a link");
        world.install(&index.simple_url(), &[]).expect(3).says(".env.countermark");
        std::fs::remove_file(staging).expect("the link");
    }
    world.install(&index.simple_url(), &["--dry-run"]).expect(0);
    assert!(!world.path(".env.countermark").exists() && !world.path("env").exists());
    world.install(&index.simple_url(), &[]).expect(0);
}

/// What would let an install change the system's own Python is ignored, and that is said.
#[test]
fn breaking_system_packages_is_ignored_and_said() {
    let wheel = simple_wheel("alpha", "1.0");
    let bytes = wheel.build();
    let index = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&wheel.filename(), bytes.clone())),
    );
    let mut world = World::new();
    world.set("PIP_BREAK_SYSTEM_PACKAGES", "1");
    world.set("PIP_NO_BINARY", ":all:");
    world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
    let run = world.install(&index.simple_url(), &[]);
    run.expect(0).says("note[ignored-setting]").says("PIP_BREAK_SYSTEM_PACKAGES");
    run.says("PIP_NO_BINARY");
    let arguments = ["install", "-r", "requirements.txt", "--prefix", "opt", "--index-url"];
    world.run(&[&arguments[..], &[&index.simple_url()]].concat()).expect(0);
    world.run(&["verify", "--prefix", "opt"]).expect(0).says("as installed");
    world.run(&["list", "--prefix", "opt"]).expect(0).says("alpha");
    world.run(&["uninstall", "--prefix", "opt", "alpha"]).expect(0).says("removed 1 package");
}

/// An index that is asked for one package is asked about the others too: one that was put into
/// quarantine meanwhile is refused although its wheel is in the store.
#[test]
fn the_status_of_stored_packages_is_asked_when_the_index_is() {
    let (alpha, beta) = (simple_wheel("alpha", "1.0"), simple_wheel("beta", "1.0"));
    let (alpha_bytes, beta_bytes) = (alpha.build(), beta.build());
    let scenario = Scenario::new()
        .file("alpha", ServedFile::honest(&alpha.filename(), alpha_bytes.clone()))
        .file("beta", ServedFile::honest(&beta.filename(), beta_bytes.clone()));
    let index = IndexServer::start(scenario);
    let world = World::new();
    world.write("requirements.txt", pinned("alpha", "1.0", &alpha_bytes));
    world.install(&index.simple_url(), &[]).expect(0);
    index.change(|scenario| scenario.status("alpha", "quarantined", Some("malware")));
    // Warm: nobody is asked, and that is said.
    world.install(&index.simple_url(), &[]).expect(0).says("no index was asked");
    world.install(&index.simple_url(), &["--refresh"]).expect(1).says("quarantine");
    let both = pinned("alpha", "1.0", &alpha_bytes) + &pinned("beta", "1.0", &beta_bytes);
    world.write("requirements.txt", both);
    let run = world.install(&index.simple_url(), &[]);
    run.expect(1).says("error[quarantined]").says("requirements.txt:1:1");
    assert!(!world.site().join("beta.py").exists());
}
