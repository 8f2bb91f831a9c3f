//! Passwords are used where they belong and shown nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use countermark_testkit::index::Behaviour;

use super::Shelf;
use crate::support::{Run, snapshot};

const PASSWORD: &str = "s3cr3t-p4ssw0rd";
/// As `Authorization` carries `user` with it.
const ENCODED: &str = "dXNlcjpzM2NyM3QtcDRzc3cwcmQ=";

/// A private index, and its URL with the password in it.
fn private() -> (Shelf, String) {
    let shelf = Shelf::with(|scenario| scenario.basic_auth("/", "user", PASSWORD));
    let url = shelf.index.simple_url().replace("http://", &format!("http://user:{PASSWORD}@"));
    (shelf, url)
}

/// Nothing that was printed, and no file but the one that the user wrote, has the password.
#[track_caller]
fn is_silent(shelf: &Shelf, run: &Run) {
    for secret in [PASSWORD, ENCODED] {
        run.never_says(secret);
        for folder in [shelf.world.path(""), shelf.world.home("")] {
            for (path, (_, bytes)) in snapshot(&folder) {
                let text = String::from_utf8_lossy(&bytes);
                let own = path.ends_with("requirements.txt") || path.ends_with(".netrc");
                assert!(own || !text.contains(secret), "{} has it", path.display());
            }
        }
    }
}

#[test]
fn a_password_in_the_url_of_the_index() {
    let (shelf, url) = private();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    let run = shelf.world.install(&url, &["--report", "out.json"]);
    run.expect(0);
    is_silent(&shelf, &run);
    let record = shelf.world.site().join("alpha-1.0.dist-info/countermark.json");
    assert!(fs::read_to_string(record).unwrap().contains("/files/alpha-1.0-py3-none-any.whl"));
    is_silent(&shelf, &shelf.world.run(&["list", "--python", "env", "--format", "json"]));
    is_silent(&shelf, &shelf.world.run(&["verify", "--python", "env"]));
}

#[test]
fn a_password_in_the_file_and_in_a_direct_url() {
    let (mut shelf, url) = private();
    let direct = url.replace("/simple/", "/files/beta-1.0-py3-none-any.whl");
    shelf.world.set("PASSWORD", PASSWORD);
    let direct = direct.replace(PASSWORD, "${PASSWORD}");
    let hash = shelf.hash("beta");
    let text = format!("--index-url {url}\n{}beta @ {direct} {hash}\n", shelf.pin("alpha"));
    shelf.world.write("requirements.txt", &text);
    let arguments = ["install", "-r", "requirements.txt", "--venv", "env", "--report", "out.json"];
    let run = shelf.world.run(&arguments);
    run.expect(0);
    is_silent(&shelf, &run);
    assert!(shelf.world.site().join("beta-1.0.dist-info/direct_url.json").is_file());
    // Without a digest the line to paste is printed, into logs as well.
    shelf.world.write("requirements.txt", text.replace(&hash, ""));
    let run = shelf.world.run(&arguments);
    run.expect(1).says("beta @ http://user:****@127.0.0.1");
    is_silent(&shelf, &run);
}

#[test]
fn failures_do_not_show_it_either() {
    let (shelf, url) = private();
    let files = "/files/alpha-1.0-py3-none-any.whl";
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    let more = ["--retries", "0", "--timeout", "1"];
    let wrong = url.replace(PASSWORD, &format!("{PASSWORD}-old"));
    let run = shelf.world.install(&wrong, &more);
    assert_ne!(run.code, 0);
    is_silent(&shelf, &run);
    for behaviour in [
        Behaviour::Status { code: 403, retry_after: None },
        Behaviour::Truncated { send: 10 },
        Behaviour::Drop,
        Behaviour::Garbage,
        Behaviour::Stall,
        Behaviour::Redirect { code: 302, location: "{base}/files/other".into() },
    ] {
        shelf.index.change(|scenario| scenario.on_first(1, files, behaviour));
        let run = shelf.world.install(&url, &more);
        assert_ne!(run.code, 0);
        is_silent(&shelf, &run);
    }
    shelf.world.write("requirements.txt", "alpha==1.0 --hash=sha256:".to_owned() + &"0".repeat(64));
    let run = shelf.world.install(&url, &more);
    run.expect(1);
    is_silent(&shelf, &run);
    // The option itself may be what is wrong.
    for broken in [url.replace("http://", "htp://"), url.replace("127.0.0.1", "127.0.0.1:x")] {
        let run = shelf.world.install(&broken, &more);
        assert_ne!(run.code, 0);
        is_silent(&shelf, &run);
    }
}

#[test]
fn the_marked_line_of_a_file_does_not_show_it() {
    let (shelf, url) = private();
    let direct = url.replace("/simple/", "/files/beta-1.0-py3-none-any.whl");
    let zeros = "0".repeat(64);
    for text in [
        format!("-r {}\n", url.replace("/simple/", "/gone.txt")),
        format!("-r {}\n", url.replace("127.0.0.1", "127.0.0.1:x")),
        format!("--index-url {url} --frobnicate\n"),
        format!("beta @ {direct} --hash=sha256:{zeros}\n"),
        format!("beta @ {direct} --hash=sha256:12\n"),
        format!("beta @ {} {}\n", direct.replace("127.0.0.1", "127.0.0.1:x"), shelf.hash("beta")),
        format!("beta @ git+{direct}\n"),
        format!("--index-url {url}\nalpha==1.0 --hash=sha256:{zeros}\n"),
        format!("--find-links {}\nnone==1.0 --hash=sha256:{zeros}\n", url.replace("simple", "no")),
    ] {
        shelf.world.write("requirements.txt", &text);
        let run = shelf.world.install(&url, &["--retries", "0"]);
        assert_ne!(run.code, 0, "{text}");
        is_silent(&shelf, &run);
    }
    let given = url.replace("/simple/", "/gone.txt");
    for option in ["-r", "-c"] {
        let run = shelf.world.install(&url, &[option, &given]);
        run.expect(3).says("/gone.txt");
        is_silent(&shelf, &run);
    }
}

#[test]
fn files_beside_a_file_from_a_private_url() {
    let (shelf, url) = private();
    let (alpha, beta) = (shelf.pin("alpha"), shelf.pin("beta"));
    shelf.index.change(|scenario| {
        scenario.serve("/lists/all.txt", "text/plain", format!("-r beta.txt\n{alpha}")).serve(
            "/lists/beta.txt",
            "text/plain",
            beta,
        )
    });
    let list = url.replace("/simple/", "/lists/all.txt");
    let run = shelf.world.run(&["install", "-r", &list, "--venv", "env", "-i", &url]);
    run.expect(0);
    assert_eq!(shelf.modules(), ["alpha", "beta"]);
    is_silent(&shelf, &run);
}

#[test]
fn netrc_is_used() {
    let (shelf, _) = private();
    fs::write(
        shelf.world.home(".netrc"),
        format!("machine 127.0.0.1 login user password {PASSWORD}\n"),
    )
    .unwrap();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    let run = shelf.world.install(&shelf.index.simple_url(), &[]);
    run.expect(0);
    is_silent(&shelf, &run);
}

#[test]
fn keyring_is_asked_once_the_index_wants_to_know() {
    let (mut shelf, _) = private();
    // It answers as the real one does, and notes what it was asked.
    let script = "#!/bin/sh\necho \"$@\" >> \"$HOME/asked\"\ncase \"$*\" in\n\
         *creds*) echo \"{\\\"username\\\": \\\"user\\\", \\\"password\\\": \\\"$SECRET\\\"}\" ;;\n\
         *) echo \"$SECRET\" ;;\nesac\n";
    let keyring = shelf.world.write("tools/keyring", script);
    fs::set_permissions(&keyring, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    shelf.world.set("PATH", &format!("{}:{path}", shelf.world.path("tools").display()));
    shelf.world.set("SECRET", PASSWORD);
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    let url = shelf.index.simple_url().replace("http://", "http://user@");
    let disabled = shelf.world.install(&url, &["--keyring-provider", "disabled"]);
    disabled.expect(3).says("error[unauthorized]");
    assert!(!shelf.world.home("asked").exists());
    let run = shelf.world.install(&url, &["--keyring-provider", "subprocess"]);
    run.expect(0).says(" + alpha 1.0");
    is_silent(&shelf, &run);
    assert!(fs::read_to_string(shelf.world.home("asked")).unwrap().contains("127.0.0.1"));
    // One that an environment brings is not asked.
    fs::remove_file(shelf.world.home("asked")).unwrap();
    fs::create_dir_all(shelf.world.path("env/bin")).unwrap();
    fs::rename(&keyring, shelf.world.path("env/bin/keyring")).unwrap();
    shelf.world.set("PATH", &format!("{}:{path}", shelf.world.path("env/bin").display()));
    fs::remove_dir_all(shelf.world.home(".cache")).unwrap();
    shelf.world.write("requirements.txt", shelf.pin("beta"));
    let run = shelf.world.install(&url, &["--keyring-provider", "subprocess"]);
    assert_ne!(run.code, 0);
    assert!(!shelf.world.home("asked").exists(), "{}", run.stderr);
}
