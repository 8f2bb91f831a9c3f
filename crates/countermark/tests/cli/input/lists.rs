//! Forms of lists: included from URLs, with variables, constrained elsewhere; locks with extras
//! and groups; lists without digests.

use std::fmt::Write as _;

use super::Shelf;
use crate::support::{Run, sha256};

fn install(shelf: &Shelf, more: &[&str]) -> Run {
    shelf.world.install(&shelf.index.simple_url(), more)
}

#[test]
fn files_from_urls_include_others_beside_them() {
    let text = |shelf: &Shelf| (shelf.pin("alpha"), shelf.pin("beta"));
    let shelf = Shelf::new();
    let (alpha, beta) = text(&shelf);
    shelf.index.change(|scenario| {
        scenario
            .serve("/lists/all.txt", "text/plain", format!("{alpha}-r more/beta.txt\n"))
            .serve("/lists/more/beta.txt", "text/plain", beta)
            .serve("/lists/broken.txt", "text/plain", "alpha==\n")
            .serve("/lists/local.txt", "text/plain", "-r file:///etc/passwd\n")
            .serve("/lists/path.txt", "text/plain", "-r /etc/passwd\n")
    });
    let base = shelf.index.url();
    let with = |name: &str| {
        shelf.world.write("requirements.txt", format!("-r {base}/lists/{name}.txt\n"));
        install(&shelf, &[])
    };
    with("all").expect(0);
    assert_eq!(shelf.modules(), ["alpha", "beta"]);
    with("broken").expect(2).says("/lists/broken.txt:1:");
    // A list from elsewhere names no files of this machine.
    with("local").never_says("root:").says("file:///etc/passwd");
    assert_ne!(with("local").code, 0);
    assert_ne!(with("path").never_says("root:x").code, 0);
    assert!(shelf.index.request_lines().iter().any(|line| line == "GET /etc/passwd"));
    with("gone").expect(3).says("/lists/gone.txt");
}

#[test]
fn variables_and_continuations() {
    let mut shelf = Shelf::new();
    let (url, hash) = (shelf.index.simple_url(), shelf.hash("alpha"));
    let text = format!("--index-url ${{INDEX}}\nalpha == 1.0 \\\n    {hash} # why\n");
    shelf.world.write("requirements.txt", text);
    let arguments = ["install", "-r", "requirements.txt", "--venv", "env"];
    shelf.world.run(&arguments).expect(2).says("error[unset-variable]").says("${INDEX}");
    shelf.world.set("INDEX", &url);
    shelf.world.run(&arguments).expect(0).says(" + alpha 1.0");
}

#[test]
fn constraints_pin_and_carry_the_digests() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", "alpha>=1\nbeta\n");
    let constraints = shelf.pin("alpha") + &shelf.pin("beta") + &shelf.pin("gamma");
    shelf.world.write("upper.txt", constraints);
    install(&shelf, &["-c", "upper.txt"]).expect(0).says(" + alpha 1.0").says(" + beta 1.0");
    assert_eq!(shelf.modules(), ["alpha", "beta"]);
    shelf.world.write("upper.txt", shelf.pin("alpha").replace("1.0", "0.9"));
    install(&shelf, &["-c", "upper.txt"]).expect(2).says("error[constraint-conflict]");
}

fn lock(shelf: &Shelf) -> String {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"test\"\nextras = [\"more\"]\n\
                    dependency-groups = [\"dev\", \"main\"]\ndefault-groups = [\"main\"]\n"
        .to_owned();
    for (name, marker) in [
        ("alpha", "'main' in dependency_groups"),
        ("beta", "'more' in extras"),
        ("gamma", "'dev' in dependency_groups"),
    ] {
        let (filename, url) = (format!("{name}-1.0-py3-none-any.whl"), shelf.index.url());
        let digest = sha256(shelf.bytes(name, "1.0"));
        write!(
            text,
            "[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\nmarker = \"{marker}\"\n\
             [[packages.wheels]]\nurl = \"{url}/files/{filename}\"\n\
             hashes = {{sha256 = \"{digest}\"}}\n"
        )
        .unwrap();
    }
    text
}

#[test]
fn extras_and_groups_of_a_lock() {
    let check = |more: &[&str], expect: &[&str]| {
        let shelf = Shelf::new();
        shelf.world.write("pylock.toml", lock(&shelf));
        let url = shelf.index.simple_url();
        let arguments = ["install", "pylock.toml", "--venv", "env", "-i", &url];
        shelf.world.run(&[&arguments[..], more].concat()).expect(0);
        assert_eq!(shelf.modules(), expect, "{more:?}");
    };
    check(&[], &["alpha"]);
    check(&["--extra", "more"], &["alpha", "beta"]);
    check(&["--group", "dev"], &["gamma"]);
    check(&["--group", "dev", "--group", "main", "--extra", "MORE"], &["alpha", "beta", "gamma"]);
    let shelf = Shelf::new();
    shelf.world.write("pylock.toml", lock(&shelf));
    for unknown in [["--extra", "none"], ["--group", "none"]] {
        let run =
            shelf.world.run(&[&["install", "pylock.toml", "--venv", "env"], &unknown[..]].concat());
        run.expect(2).says("error[unknown-selection]").says("`none`");
    }
}

#[test]
fn a_first_sight_prints_lines_that_install() {
    let shelf = Shelf::new();
    let (beta, wheel) = (shelf.bytes("beta", "1.0").to_vec(), "beta-1.0-py3-none-any.whl");
    shelf.world.write(wheel, &beta);
    let url = shelf.index.file_url("gamma-1.0-py3-none-any.whl");
    let text = format!(
        "alpha[some]>=1 ; python_version > '3' and sys_platform != 'win32'\n./{wheel} ; os_name == 'posix'\n\
         gamma @ {url} ; os_name != 'nt'\nnever==1 ; sys_platform == 'win32'\n"
    );
    shelf.world.write("requirements.txt", text);
    let run = install(&shelf, &[]);
    run.expect(1).says("error[missing-digest]").says("a first sight");
    assert!(!shelf.world.path("env").exists());
    for line in [
        "alpha[some]==2.0 ; python_version > \"3\" and sys_platform != \"win32\" \\".to_owned(),
        format!("./{wheel} ; os_name == \"posix\" \\"),
        format!("gamma @ {url} ; os_name != \"nt\" \\"),
        format!("    --hash=sha256:{}", sha256(&beta)),
    ] {
        assert!(run.stdout.lines().any(|printed| printed == line), "{line}\n{}", run.stdout);
    }
    // Only what is to be pasted is on standard output.
    shelf.world.write("requirements.txt", &run.stdout);
    install(&shelf, &[]).expect(0).says(" + alpha 2.0").says(" + beta 1.0").says(" + gamma 1.0");
}

#[test]
fn one_line_without_a_digest_stops_all_and_the_others_are_not_printed() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha") + "beta==1.0\n");
    let run = install(&shelf, &[]);
    run.expect(1).says("--> requirements.txt:2:1");
    assert!(run.stdout.contains("beta==1.0") && !run.stdout.contains("alpha"), "{}", run.stdout);
    assert!(!shelf.world.path("env").exists());
}
