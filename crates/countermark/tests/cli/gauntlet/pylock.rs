//! Rows 58 to 62 (without 61): `pylock.toml`.

use super::*;

/// A gauntlet with a lock of one package, whose wheel has these `hashes` on line 9.
fn lock(version: &str, hashes: &str) -> Gauntlet {
    let g = Gauntlet::with(&[&alpha()]);
    let url = g.index.file_url(&alpha().filename());
    let text = format!(
        "lock-version = '{version}'\ncreated-by = 'test'\n\n[[packages]]\nname = 'alpha'\n\
         version = '1.0'\n[[packages.wheels]]\nurl = '{url}'\n{hashes}\n"
    );
    g.world.write("pylock.toml", text);
    g
}

fn install(g: &Gauntlet) -> Run {
    let index = g.index.simple_url();
    g.world.run(&["install", "pylock.toml", "--venv", "env", "--index-url", &index])
}

/// Refused before anything is asked of the network.
#[track_caller]
fn refuses_unasked(version: &str, hashes: &str) -> Run {
    let g = lock(version, hashes);
    let run = g.unchanged_by(2, || install(&g));
    assert_eq!(g.index.request_lines(), [""; 0]);
    // By `-r` as well.
    g.unchanged_by(2, || g.world.run(&["install", "-r", "pylock.toml", "--venv", "env"]));
    run
}

#[track_caller]
fn accepts(hashes: &str) {
    let g = lock("1.0", hashes);
    install(&g).expect(0);
    g.has("alpha", "1.0");
}

#[test]
fn g58_weak_digest_alone() {
    let md5 = md5(&alpha().build());
    let weak = refuses_unasked("1.0", &format!("hashes = {{md5 = '{md5}'}}"));
    weak.says("error[weak-digest]").says("pylock.toml:9:");
    let sha1 = &WRONG[..40];
    let weak = refuses_unasked("1.0", &format!("hashes = {{md5 = '{md5}', sha1 = '{sha1}'}}"));
    weak.says("error[weak-digest]").says("pylock.toml:9:");
    let sha256 = sha256(&alpha().build());
    accepts(&format!("hashes = {{md5 = '{md5}', sha256 = '{sha256}'}}"));
}

#[test]
fn g59_md5_right_and_sha256_wrong() {
    let (md5, sha256) = (md5(&alpha().build()), sha256(&alpha().build()));
    for (hashes, expected) in [
        (format!("hashes = {{md5 = '{md5}', sha256 = '{WRONG}'}}"), "expected sha256:"),
        (format!("hashes = {{sha256 = '{WRONG}', md5 = '{md5}'}}"), "expected sha256:"),
        (format!("hashes = {{md5 = '{}', sha256 = '{sha256}'}}", &WRONG[..32]), "expected md5:"),
    ] {
        let g = lock("1.0", &hashes);
        let run = g.unchanged_by(1, || install(&g));
        run.says("error[digest-mismatch]").says(expected).says("pylock.toml:5:");
    }
}

#[test]
fn g60_unknown_algorithm_or_no_hashes() {
    let sha256 = sha256(&alpha().build());
    for (hashes, code) in [
        (
            format!("hashes = {{crc32 = '12345678', sha256 = '{sha256}'}}"),
            "error[malformed-digest]",
        ),
        (format!("hashes = {{SHA256 = '{sha256}'}}"), "error[malformed-digest]"),
        ("hashes = {sha256 = ''}".to_owned(), "error[malformed-digest]"),
        ("hashes = {}".to_owned(), "error[invalid-value]"),
        ("hashes = []".to_owned(), "error[invalid-value]"),
    ] {
        refuses_unasked("1.0", &hashes).says(code).says("pylock.toml:9:");
    }
    refuses_unasked("1.0", "").says("error[missing-key]").says("`hashes`").says("pylock.toml:7:");
    accepts(&format!("hashes = {{sha256 = '{sha256}'}}"));
}

#[test]
fn g62_lock_of_a_later_version() {
    let hashes = format!("hashes = {{sha256 = '{}'}}", sha256(&alpha().build()));
    for version in ["2.0", "2", "0.9", "1.0.0.0x", ""] {
        refuses_unasked(version, &hashes).says("pylock.toml:1:");
    }
    refuses_unasked("2.0", &hashes).says("error[lock-version]").says("2.0");
    // A later minor version is read, and what it adds is not.
    let g = lock("1.7", &hashes);
    install(&g).expect(0).says("1.7");
    g.has("alpha", "1.0");
}
