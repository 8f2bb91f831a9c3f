//! Rows 63 to 65: writing locks. And what rows 44 to 46 mean while a lock is written.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};

use super::{Gauntlet, WRONG, alpha};
use crate::support::{World, pinned, sha256, simple_wheel};

/// `lock` with an input of this text.
fn lock(g: &Gauntlet, input: &str, more: &[&str]) -> crate::support::Run {
    g.world.write("requirements.in", input);
    let url = g.index.simple_url();
    let mut arguments = vec!["lock", "requirements.in", "--index-url", &url, "--python", "env"];
    arguments.extend(more);
    g.world.run(&arguments)
}

#[test]
fn g63_index_lies_about_a_digest_while_locking() {
    let lying = |file: ServedFile| {
        file.advertise(|said| said.digests = vec![("sha256".into(), WRONG.into())])
    };
    let honest = ServedFile::honest(&alpha().filename(), alpha().build());
    let g = Gauntlet::new(Scenario::new().file("alpha", lying(honest)));
    let before = "# what was there\n";
    g.world.write("requirements.txt", before);
    for output in ["requirements.txt", "pylock.toml"] {
        let run = lock(&g, "alpha\n", &["-o", output]);
        run.expect(1).says("error[").says(WRONG).says(&sha256(&alpha().build()));
    }
    assert_eq!(g.world.read("requirements.txt"), before);
    assert!(!g.world.path("pylock.toml").exists());
    // Wrong about the size alone is a lie too.
    let honest = ServedFile::honest(&alpha().filename(), alpha().build());
    let g =
        Gauntlet::new(Scenario::new().file("alpha", honest.advertise(|said| said.size = Some(7))));
    lock(&g, "alpha\n", &["-o", "requirements.txt"]).expect(1).says("claimed 7 bytes");
    assert!(!g.world.path("requirements.txt").exists());
}

#[test]
fn g64_stale_digest_in_the_output() {
    let g = Gauntlet::with(&[&alpha()]);
    g.world.write("requirements.txt", format!("alpha==1.0 --hash=sha256:{WRONG}\n"));
    let run = lock(&g, "alpha\n", &["-o", "requirements.txt"]);
    run.expect(0).says(WRONG).says("note[stale-digest]");
    let written = g.world.read("requirements.txt");
    assert!(written.contains(&sha256(&alpha().build())), "{written}");
    assert!(!written.contains(WRONG), "{written}");
}

#[test]
fn g65_file_of_the_right_name_in_the_temporary_folder() {
    let mut g = Gauntlet::with(&[&alpha()]);
    let evil = simple_wheel("alpha", "1.0").file("evil.py", b"");
    for folder in ["tmp", "tmp/countermark"] {
        g.world.write(&format!("{folder}/{}", alpha().filename()), evil.build());
    }
    let tmp = g.world.path("tmp").display().to_string();
    g.world.set("TMPDIR", &tmp);
    lock(&g, "alpha\n", &["-o", "requirements.txt"]).expect(0);
    let written = g.world.read("requirements.txt");
    assert!(written.contains(&sha256(&alpha().build())), "{written}");
    assert!(!written.contains(&sha256(&evil.build())), "{written}");
    // A part for the metadata, and then all of it.
    assert_eq!(g.downloads(&alpha().filename()), 2);
}

#[test]
fn g44_a_newcomer_is_in_the_next_lock_and_named() {
    let g = Gauntlet::with(&[&alpha()]);
    lock(&g, "alpha\n", &["-o", "requirements.txt"]).expect(0);
    let mut newer = simple_wheel("alpha", "1.0").file("newer.py", b"");
    newer.tag = "1-py3-none-any".to_owned();
    g.index.change(|scenario| {
        scenario.file("alpha", ServedFile::honest(&newer.filename(), newer.build()))
    });
    let run = lock(&g, "alpha\n", &["-o", "requirements.txt", "--refresh"]);
    run.expect(0).says(&newer.filename());
    let written = g.world.read("requirements.txt");
    for wheel in [alpha(), newer] {
        assert!(written.contains(&sha256(&wheel.build())), "{written}");
    }
}

#[test]
fn g45_a_name_on_two_indexes_is_locked_from_the_first() {
    let public = simple_wheel("alpha", "9.0").file("public.py", b"");
    let g = Gauntlet::with(&[&alpha()]);
    let second = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&public.filename(), public.build())),
    );
    // Further indexes go before the one of `--index-url`.
    let (private, public_url) = (g.index.simple_url(), second.simple_url());
    g.world.write("requirements.in", "alpha\n");
    let both = ["--index-url", &public_url, "--extra-index-url", &private];
    let arguments = ["lock", "requirements.in", "-o", "requirements.txt", "--python", "env"];
    g.world.run(&[&arguments[..], &both].concat()).expect(0);
    assert!(g.world.read("requirements.txt").contains("alpha==1.0"));
    // A private index that cannot be asked lets nothing of the public one in.
    let gone = "http://127.0.0.1:9/simple/";
    let both = ["--index-url", &public_url, "--extra-index-url", gone, "--retries", "0"];
    let before = g.world.read("requirements.txt");
    let run = g.world.run(&[&arguments[..], &["--upgrade", "--refresh"], &both].concat());
    run.expect(3);
    assert_eq!(g.world.read("requirements.txt"), before);
}

#[test]
fn g46_what_is_locked_is_closed() {
    let beta = simple_wheel("beta", "1.0").requires("alpha>=1");
    let g = Gauntlet::with(&[&alpha(), &beta]);
    lock(&g, "beta\n", &["-o", "requirements.txt"]).expect(0);
    g.world.install(&g.index.simple_url(), &[]).expect(0);
    g.has("alpha", "1.0");
    // The same file with a line less is refused before anything is installed.
    let closed = g.world.read("requirements.txt");
    assert!(closed.contains("beta==1.0") && closed.contains("alpha==1.0"));
    g.requirements(pinned("beta", "1.0", &beta.build()));
    let world: &World = &g.world;
    world.install(&g.index.simple_url(), &[]).expect(1).says("missing-dependency");
}
