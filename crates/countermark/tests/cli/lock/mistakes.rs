//! What cannot be locked, and that nothing is written then.

use super::{Shop, app_and_lib, release};
use crate::support::sha256;

#[test]
fn a_conflict_says_who_wants_what() {
    let mut wheels = app_and_lib();
    wheels[0] = release("app", "1.0", &["lib>=2"]);
    let shop = Shop::with(&wheels);
    shop.world.write("requirements.txt", "");
    let run = shop.lock("app\nlib<2\n", &[]);
    run.expect(2).says("requirements.in:2").says("lib<2").says("app 1.0 requires `lib>=2`");
    assert_eq!(shop.world.read("requirements.txt"), "");
}

#[test]
fn mistakes_are_told_together_with_their_places() {
    let shop = Shop::with(&app_and_lib());
    shop.run(&["lock"]).expect(2).says("hint");
    let run = shop.lock("app>>1\nlib\n--unknown-option\n", &[]);
    run.expect(2).says("requirements.in:1:").says("requirements.in:3:");
    let run = shop.run(&["lock", "app>>1", "lib==", "-o", "x.txt"]);
    run.expect(2).says("app>>1").says("lib==");
    assert!(!shop.world.path("x.txt").exists());
    shop.run(&["lock", "--exclude-newer", "soon", "app"]).expect(2).says("soon");
    shop.run(&["lock", "absent.in"]).expect(2).says("absent.in");
    shop.lock("", &[]).expect(2).says("nothing is wanted");
}

#[test]
fn a_file_that_is_no_lock_is_not_overwritten() {
    let shop = Shop::with(&app_and_lib());
    for (name, text) in [
        ("pylock.toml", "lock-version = \"1.0\"\n[[packages"),
        ("requirements.txt", "flask >> 3\n"),
        ("requirements.txt", "lib==1.0\napp>=1\n"),
        ("pylock.toml", "lock-version = \"7.0\"\ncreated-by = \"x\"\npackages = []\n"),
    ] {
        shop.world.write(name, text);
        shop.lock("app\n", &["-o", name]).expect(2).says(&format!("{name}:"));
        assert_eq!(shop.world.read(name), text);
    }
    shop.lock("app\n", &["-o", "lock.json"]).expect(2).says("--format");
}

#[test]
fn an_index_that_is_down_decides_nothing() {
    let shop = Shop::with(&app_and_lib());
    let gone = ["--index-url", "http://127.0.0.1:9/simple/", "--retries", "0"];
    shop.lock("app\n", &gone).expect(3);
    assert!(!shop.world.path("requirements.txt").exists());
    // What was asked and hashed before is enough without any network.
    shop.lock("app\n", &["--offline"]).expect(3);
    shop.lock("app\n", &[]).expect(0);
    std::fs::remove_file(shop.world.path("requirements.txt")).expect("a file");
    shop.index.forget_requests();
    shop.lock("app\n", &["--offline"]).expect(0);
    assert!(shop.index.requests().is_empty());
}

#[test]
fn yanked_releases_and_prereleases_are_for_those_who_name_them() {
    let shop = Shop::with(&[release("lib", "1.0", &[]), release("lib", "3.0b1", &[])]);
    let yanked = release("lib", "2.0", &[]);
    shop.index.change(|scenario| {
        let file = super::served(&yanked, "2026-01-01T00:00:00Z");
        scenario.file("lib", file.advertise(|said| said.yanked = Some("it broke".to_owned())))
    });
    let locked = |wish: &str, more: &[&str]| {
        let run = shop.run(&[&["lock", "-q", "--refresh", wish], more].concat());
        run.expect(0);
        run.stdout.lines().find(|line| line.starts_with("lib==")).unwrap_or("").to_owned()
    };
    assert_eq!(locked("lib", &[]), "lib==1.0 \\");
    assert_eq!(locked("lib==2.0", &[]), "lib==2.0 \\");
    assert_eq!(locked("lib>=3.0b1", &[]), "lib==3.0b1 \\");
    assert_eq!(locked("lib", &["--prerelease", "allow"]), "lib==3.0b1 \\");
    shop.run(&["lock", "lib>=2"]).expect(2).says("yanked");
    shop.run(&["lock", "lib==2.0"]).expect(0).says("it broke");
}

#[test]
fn a_cut_off_date_hides_what_is_newer_and_what_has_no_date() {
    let shop = Shop::with(&[release("lib", "1.0", &[])]);
    shop.serve(&release("lib", "2.0", &[]), "2026-06-01T12:00:00Z");
    let locked = |when: &str| {
        let run = shop.run(&["lock", "-q", "lib", "--exclude-newer", when]);
        run.expect(0);
        run.stdout.lines().find(|line| line.starts_with("lib==")).unwrap_or("").to_owned()
    };
    assert_eq!(locked("2026-05-31"), "lib==1.0 \\");
    assert_eq!(locked("2026-06-01"), "lib==2.0 \\");
    assert_eq!(locked("2026-06-01T12:00:00Z"), "lib==1.0 \\");
    let run = shop.run(&["lock", "lib", "--exclude-newer", "2025-01-01"]);
    run.expect(2).says("2025-01-02T00:00:00Z");
    let lifted = ["lock", "-q", "lib", "--exclude-newer", "2025-01-01", "--exclude-newer-package"];
    shop.run(&[&lifted[..], &["lib=never"]].concat()).expect(0).says("lib==2.0");
}

#[test]
fn a_lock_never_takes_the_place_of_its_input() {
    let shop = Shop::with(&app_and_lib());
    shop.world.write("requirements.txt", "app\n");
    for output in ["requirements.txt", "./requirements.txt"] {
        let run = shop.run(&["lock", "requirements.txt", "-o", output]);
        run.expect(2).says("output-is-input").says("--constraints");
        assert_eq!(shop.world.read("requirements.txt"), "app\n");
    }
    shop.run(&["lock", "requirements.txt", "-o", "locked.txt"]).expect(0);
}

#[test]
fn a_folder_that_is_not_there_is_said_before_anything_is_asked() {
    let shop = Shop::with(&app_and_lib());
    let run = shop.lock("app\n", &["-o", "deploy/requirements.txt"]);
    run.expect(2).says("output-folder").says("deploy");
    assert!(shop.index.requests().is_empty() && !shop.world.path("deploy").exists());
    std::fs::create_dir(shop.world.path("deploy")).expect("a folder");
    shop.lock("app\n", &["-o", "deploy/requirements.txt"]).expect(0);
}

#[test]
fn a_file_of_this_machine_that_is_not_there_is_a_mistake_of_the_input() {
    let shop = Shop::with(&app_and_lib());
    let run = shop.lock("lib @ file:///absent/lib-1.0-py3-none-any.whl\n", &[]);
    run.expect(2).says("/absent/lib-1.0-py3-none-any.whl");
    assert!(!shop.world.path("requirements.txt").exists());
}

#[test]
fn digests_in_the_input_are_held_to() {
    let mut other = release("lib", "1.0", &[]).file("lib/other.py", b"");
    other.tag = "py2.py3-none-any".to_owned();
    let shop = Shop::with(&[release("lib", "1.0", &[]), other.clone()]);
    let (digest, others) = (sha256(&release("lib", "1.0", &[]).build()), sha256(&other.build()));
    let wrong = "0".repeat(64);
    let refused = |input: &str, more: &[&str]| {
        let run = shop.lock(input, more);
        run.expect(1).says("digest-mismatch").says(&wrong).says(&digest);
        assert!(!shop.world.path("requirements.txt").exists());
        run
    };
    let pinned = |digest: &str| format!("lib==1.0 --hash=sha256:{digest}\n");
    refused(&pinned(&wrong), &[]).says("requirements.in:1");
    shop.world.write("limits.txt", pinned(&wrong));
    refused("lib\n", &["-c", "limits.txt"]).says("limits.txt:1");
    let install = ["install", "lib", "--venv", "env", "-c", "limits.txt"];
    shop.run(&install).expect(1).says("digest-mismatch");
    // A line that is not for this environment, or for another release, says nothing of this one.
    for unrelated in ["lib==1.0 ; python_version < '3' --hash=", "lib!=1.0 --hash="] {
        shop.world.write("limits.txt", format!("{unrelated}sha256:{wrong}\n"));
        if unrelated.contains("python") {
            shop.lock("lib\n", &["-c", "limits.txt"]).expect(0).says("2 files");
        } else {
            shop.lock("lib\n", &["-c", "limits.txt"]).expect(2);
        }
    }
    // Files that are not listed are not pinned.
    shop.lock(&pinned(&digest), &[]).expect(0).says("1 file,");
    let text = shop.world.read("requirements.txt");
    assert!(text.contains(&digest) && !text.contains(&others), "{text}");
    shop.lock(&format!("lib==1.0 --hash=sha512:{}\n", "0".repeat(128)), &[])
        .expect(2)
        .says("SHA-256");
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_not_overwritten() {
    let shop = Shop::with(&app_and_lib());
    shop.lock("lib<2\n", &[]).expect(0);
    let lock = shop.world.read("requirements.txt");
    // Runs that overlap: the first to finish wins, and the others say so or have seen it.
    let codes: Vec<u8> = std::thread::scope(|scope| {
        let runs: Vec<_> = ["lib", "app", "lib<2", "app==1.0"]
            .map(|name| scope.spawn(|| shop.run(&["add", name]).code as u8))
            .into();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    });
    assert!(codes.iter().all(|code| matches!(code, 0 | 3)) && codes.contains(&0), "{codes:?}");
    // Whoever won, the lock is that of the input.
    let text = shop.world.read("requirements.txt");
    assert_ne!(text, lock);
    shop.run(&["lock", "requirements.in", "--locked"]).expect(0);
}
