//! Exit 2: file, line and column, the text marked, and every mistake at once.

use super::Shelf;
use crate::support::{Run, World, snapshot};

/// What `install -r FILE` says about a folder of files, which has to be a mistake that is found
/// before anybody is asked.
fn refused(files: &[(&str, &str)]) -> Run {
    let shelf = Shelf::new();
    for (name, text) in files {
        shelf.world.write(name, text.replace("$ALPHA", &shelf.hash("alpha")));
    }
    let before = snapshot(&shelf.world.path(""));
    let url = shelf.index.simple_url();
    let run = shelf.world.run(&["install", "-r", files[0].0, "--venv", "env", "-i", &url]);
    run.expect(2);
    assert!(shelf.index.requests().is_empty(), "{:?}", shelf.index.request_lines());
    assert!(before == snapshot(&shelf.world.path("")));
    run
}

/// The lines of what was said, without spaces at their ends.
fn lines(run: &Run) -> Vec<&str> {
    run.stderr.lines().map(str::trim_end).collect()
}

#[test]
fn a_mistake_has_its_place_and_is_marked() {
    let run = refused(&[("r.txt", "alpha==1.0 $ALPHA\n\nbeta >>1.0\n")]);
    run.says("error[syntax]").says("--> r.txt:3:");
    let said = lines(&run);
    let at = said.iter().position(|line| line.ends_with("| beta >>1.0")).unwrap();
    assert!(said[at].trim_start().starts_with("3 "), "{}", run.stderr);
    let marked = said[at + 1].find('^').unwrap() - said[at].find("beta").unwrap();
    assert!((4..9).contains(&marked), "{}", run.stderr);
}

#[test]
fn columns_count_characters_and_marks_stand_below_them() {
    let run = refused(&[("r.txt", "# größe\nalpha==1.0 # größer\nбета==1\n")]);
    run.says("--> r.txt:3:1");
    let run = refused(&[("r.txt", "alpha @ ./größe/größe ; os_name = 'x'\n")]);
    run.says("error[").says("r.txt:1:");
}

#[test]
fn all_mistakes_of_all_files_are_shown() {
    let run = refused(&[
        (
            "r.txt",
            "--frobnicate\nalpha==1.0 --hash=sha256:12\n-r sub/more.txt\n--hash=sha256:ab\n\
             beta==${UNSET_HERE}\n-r nowhere.txt\n-e .\ngit+https://h/x\n--no-require-hashes\n",
        ),
        ("sub/more.txt", "gamma>=1 $ALPHA\n alpha==\n"),
    ]);
    for (code, place) in [
        ("unknown-option", "r.txt:1:1"),
        ("malformed-digest", "r.txt:2:12"),
        ("syntax", "sub/more.txt:2:"),
        ("orphan-digest", "r.txt:4:1"),
        ("unset-variable", "r.txt:5:7"),
        ("file-unreadable", "r.txt:6:1"),
        ("editable", "r.txt:7:1"),
        ("vcs", "r.txt:8:1"),
        ("weakens-check", "r.txt:9:1"),
    ] {
        run.says(&format!("error[{code}]")).says(&format!("--> {place}"));
    }
    let run = refused(&[("r.txt", "alpha>=1 $ALPHA\nbeta>=1 $ALPHA\n")]);
    run.says("--> r.txt:1:1").says("--> r.txt:2:1").says("error[not-pinned]");
}

#[test]
fn files_that_cannot_be_read() {
    let shelf = Shelf::new();
    shelf.world.write("latin.txt", b"# caf\xe9\nalpha==1.0\n");
    std::fs::create_dir(shelf.world.path("folder")).unwrap();
    for (file, said) in [
        ("nowhere.txt", "cannot read `nowhere.txt`"),
        ("folder", "`folder`"),
        ("latin.txt", "latin.txt:1"),
    ] {
        let run = shelf.world.run(&["install", "-r", file, "--venv", "env"]);
        run.expect(2).says(said);
    }
    shelf
        .world
        .run(&["install", "-r", "nowhere.txt", "-r", "gone.txt", "--venv", "env"])
        .expect(2)
        .says("nowhere.txt")
        .says("gone.txt");
    shelf.world.run(&["install", "pylock.toml", "--venv", "env"]).expect(2).says("pylock.toml");
}

#[test]
fn locks_that_are_broken() {
    let shelf = Shelf::new();
    let check = |text: &str, expect: &[&str]| {
        shelf.world.write("pylock.toml", text);
        let run = shelf.world.run(&["install", "pylock.toml", "--venv", "env"]);
        run.expect(2);
        for text in expect {
            run.says(text);
        }
    };
    check("lock-version = \"1.0\"\nbroken = \n", &["--> pylock.toml:2:10", "^"]);
    check(
        "lock-version = \"1.0\"\ncreated-by = 7\npackages = []\n",
        &["--> pylock.toml:2:14", "7"],
    );
    let package = "[[packages]]\nname = \"alpha\"\nversion = \"1.0\"\n[[packages.wheels]]\n";
    let text = format!(
        "lock-version = \"1.0\"\ncreated-by = \"x\"\n{package}url = \"https://h/alpha-1.0-py3-none-any.whl\"\n\
         hashes = {{}}\n{}url = \"https://h/beta-1.0-py3-none-any.whl\"\nhashes = {{sha256 = \"12\"}}\n",
        package.replace("alpha", "beta")
    );
    check(&text, &["--> pylock.toml:8:10", "--> pylock.toml:14:", "error[malformed-digest]"]);
}

#[test]
fn arguments_that_do_not_go_together() {
    let world = World::new();
    world.write("r.txt", "alpha==1.0\n");
    for (arguments, said) in [
        (&["install", "--frobnicate"][..], "--frobnicate"),
        (&["frobnicate"], "frobnicate"),
        (&["install"], "no file says what to install"),
        (&["install", "requirements.txt"], "`requirements.txt` is not a pylock.toml"),
        (&["download", "alpha"], "`alpha` is not a pylock.toml"),
        (&["install", "-r", "r.txt", "--venv", "a", "--target", "b"], "--target"),
        (&["install", "-r", "r.txt", "--venv", "a", "--extra", "x"], "--extra"),
        (&["install", "-r", "r.txt", "--venv", "a", "--index-for", "alpha"], "NAME=INDEX"),
        (&["install", "-r", "r.txt", "--venv", "a", "--timeout", "soon"], "--timeout"),
        (&["install", "-r", "r.txt", "--python", "no-such-python"], "no interpreter found"),
        (&["uninstall", "a b"], "`a b`"),
        (&["hash", "--algorithm", "md5", "r.txt"], "`md5` is not"),
        (&["cache", "prune", "--max-size", "much"], "`much` is not a size"),
    ] {
        let run = world.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        run.says(said);
    }
}

#[test]
fn a_folder_that_is_no_environment_is_left_alone() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    shelf.world.write("env/precious", "1");
    let run = shelf.world.install(&shelf.index.simple_url(), &[]);
    run.expect(2).says("error[not-an-environment]").says("hint");
    assert_eq!(snapshot(&shelf.world.path("env")).len(), 1);
    let url = shelf.index.simple_url();
    let file = ["install", "-r", "requirements.txt", "--venv", "requirements.txt", "-i", &url];
    shelf.world.run(&file).expect(2).says("error[not-an-environment]");
}
