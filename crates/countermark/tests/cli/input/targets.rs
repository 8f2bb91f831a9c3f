//! Where packages go, what goes away, and runs that change nothing.

use super::{Shelf, modules};
use crate::support::{Run, snapshot};

fn install(shelf: &Shelf, more: &[&str]) -> Run {
    let url = shelf.index.simple_url();
    let arguments = ["install", "-r", "requirements.txt", "-i", &url];
    shelf.world.run(&[&arguments[..], more].concat())
}

#[test]
fn a_dry_run_changes_nothing() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha") + &shelf.pin("beta"));
    for more in [["--venv", "new"], ["--target", "new"], ["--prefix", "new"]] {
        let run = install(&shelf, &[&more[..], &["--dry-run"]].concat());
        run.expect(0).says(" + alpha 1.0").says("nothing was changed");
        assert!(!shelf.world.path("new").exists());
        assert!(!shelf.world.path(".new.countermark").exists());
    }
    install(&shelf, &["--venv", "env"]).expect(0);
    let before = snapshot(&shelf.world.path("env"));
    shelf.world.write("requirements.txt", shelf.pin("alpha") + &shelf.pin("gamma"));
    let run = install(&shelf, &["--venv", "env", "--sync", "--dry-run"]);
    run.expect(0).says(" + gamma 1.0").says(" - beta 1.0").says("nothing was changed");
    let run = shelf.world.run(&["uninstall", "--python", "env", "beta", "--dry-run"]);
    run.expect(0).says(" - beta 1.0");
    assert!(before == snapshot(&shelf.world.path("env")));
    // What would be refused is refused.
    shelf.world.write("requirements.txt", "alpha==1.0\n");
    install(&shelf, &["--venv", "env", "--dry-run"]).expect(1);
}

#[test]
fn sync_removes_what_is_not_listed() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha") + &shelf.pin("beta"));
    install(&shelf, &["--venv", "env"]).expect(0);
    shelf.world.write("requirements.txt", shelf.pin("beta") + &shelf.pin("gamma"));
    install(&shelf, &["--venv", "env"]).expect(0).says(" + gamma 1.0").never_says("alpha");
    assert_eq!(shelf.modules(), ["alpha", "beta", "gamma"]);
    install(&shelf, &["--venv", "env", "--sync"]).expect(0).says(" - alpha 1.0");
    assert_eq!(shelf.modules(), ["beta", "gamma"]);
    shelf.world.run(&["verify", "--python", "env"]).expect(0);
    install(&shelf, &["--venv", "env", "--sync"]).expect(0).says("nothing to change");
}

#[test]
fn a_release_is_replaced_and_nothing_of_the_old_one_stays() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    install(&shelf, &["--venv", "env"]).expect(0);
    let new = crate::support::pinned("alpha", "2.0", shelf.bytes("alpha", "2.0"));
    shelf.world.write("requirements.txt", new);
    install(&shelf, &["--venv", "env"]).expect(0).says(" ~ alpha 1.0 -> 2.0");
    assert!(!shelf.world.site().join("alpha-1.0.dist-info").exists());
    assert!(shelf.world.site().join("alpha-2.0.dist-info").exists());
    shelf.world.run(&["verify", "--python", "env", "-r", "requirements.txt"]).expect(0);
}

#[test]
fn a_target_folder_and_a_prefix() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    install(&shelf, &["--target", "flat"]).expect(0);
    assert_eq!(modules(&shelf.world.path("flat")), ["alpha"]);
    install(&shelf, &["--target", "flat"]).expect(0).says("nothing to change");
    shelf.world.run(&["verify", "--target", "flat"]).expect(0).says("as installed");
    shelf.world.run(&["list", "--target", "flat"]).expect(0).says("alpha");
    std::fs::write(shelf.world.path("flat/.countermark-not.pth"), "import os\n").unwrap();
    shelf.world.run(&["verify", "--target", "flat"]).expect(1).says(".countermark-not.pth");
    std::fs::remove_file(shelf.world.path("flat/.countermark-not.pth")).unwrap();
    shelf.world.run(&["uninstall", "--target", "flat", "alpha"]).expect(0);
    assert!(modules(&shelf.world.path("flat")).is_empty());
    install(&shelf, &["--prefix", "tree"]).expect(0);
    let lib = std::fs::read_dir(shelf.world.path("tree/lib")).unwrap().next().unwrap().unwrap();
    let sites = ["site-packages", "dist-packages"].map(|name| modules(&lib.path().join(name)));
    assert!(sites.contains(&vec!["alpha".to_owned()]), "{sites:?}");
    install(&shelf, &["--prefix", "tree"]).expect(0).says("nothing to change");
}

#[test]
fn uninstall_names_what_is_missing_and_removes_nothing_then() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    install(&shelf, &["--venv", "env"]).expect(0);
    let before = snapshot(&shelf.world.path("env"));
    let run = shelf.world.run(&["uninstall", "--python", "env", "alpha", "beta", "gamma"]);
    run.expect(1).says("`beta` is not installed").says("`gamma` is not installed");
    assert!(before == snapshot(&shelf.world.path("env")));
}
