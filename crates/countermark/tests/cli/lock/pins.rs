//! What is written, and that it stays.

use super::{Shop, app_and_lib, release};
use crate::support::sha256;

#[test]
fn a_lock_has_what_is_needed_and_is_the_same_the_next_time() {
    let shop = Shop::with(&app_and_lib());
    shop.lock("app\n", &[]).expect(0).says("2 releases, 2 files");
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==2.0"]);
    let first = shop.world.read("requirements.txt");
    let digest = sha256(&release("lib", "2.0", &[]).build());
    assert!(first.contains(&format!("--hash=sha256:{digest}")), "{first}");
    assert!(first.contains("# via -r requirements.in") && first.contains("# via app"), "{first}");
    shop.lock("app\n", &[]).expect(0).says("no pin moved");
    shop.lock("app\n", &["--refresh"]).expect(0).says("no pin moved");
    assert_eq!(shop.world.read("requirements.txt"), first);
    // On another machine, with nothing remembered, too.
    std::fs::remove_dir_all(shop.world.home(".local")).expect("a folder");
    std::fs::remove_dir_all(shop.world.home(".cache")).expect("a folder");
    shop.lock("app\n", &[]).expect(0);
    assert_eq!(shop.world.read("requirements.txt"), first);
    shop.lock("app\n", &["--locked"]).expect(0);
    shop.lock("app\nlib<2\n", &["--locked"]).expect(1).says("-lib==2.0").says("+lib==1.0");
    assert_eq!(shop.world.read("requirements.txt"), first);
}

#[test]
fn pins_stay_until_they_are_asked_to_move() {
    let shop = Shop::with(&app_and_lib()[..2]);
    shop.lock("app\n", &[]).expect(0);
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==1.0"]);
    shop.serve(&release("lib", "2.0", &[]), "2026-02-01T00:00:00Z");
    shop.lock("app\n", &["--refresh"]).expect(0).says("no pin moved");
    shop.lock("app\n", &["--refresh", "-P", "app"]).expect(0).says("no pin moved");
    shop.lock("app\n", &["-P", "lib"]).expect(0).says("lib 1.0 → 2.0");
    shop.lock("app\nlib<2\n", &[]).expect(0).says("lib 2.0 → 1.0, which is lower");
    shop.lock("app\n", &["--upgrade"]).expect(0).says("lib 1.0 → 2.0");
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==2.0"]);
}

#[test]
fn what_is_locked_installs_from_both_formats_without_asking_again() {
    let shop = Shop::with(&app_and_lib());
    shop.lock("app\n", &["-o", "pylock.toml"]).expect(0);
    shop.index.forget_requests();
    shop.run(&["install", "pylock.toml", "--venv", "env"]).expect(0).says("+ lib 2.0");
    assert!(shop.index.requests().is_empty(), "{:?}", shop.index.request_lines());
    shop.lock("app\n", &["-o", "requirements.txt"]).expect(0);
    let again = ["install", "-r", "requirements.txt", "--venv", "env", "--sync"];
    shop.run(&again).expect(0).says("nothing to change");
    let text = shop.world.read("pylock.toml");
    for said in ["lock-version = \"1.0\"", "size = ", "upload-time = 2026-01-01T00:00:00Z", "trees"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn several_targets_are_one_file_whose_markers_tell_them_apart() {
    let windows = "lib>=1 ; sys_platform == 'win32'";
    let shop = Shop::with(&[
        release("app", "1.0", &[windows, "old ; python_version < '3.11'"]),
        release("lib", "1.0", &[]),
        release("old", "1.0", &[]),
    ]);
    let targets = [
        "--python-version",
        "3.10",
        "--python-version",
        "3.12",
        "--platform",
        "linux",
        "--platform",
        "windows",
    ];
    shop.lock("app\n", &targets).expect(0);
    assert_eq!(
        shop.pins("requirements.txt"),
        [
            "app==1.0",
            "lib==1.0 ; sys_platform == \"win32\"",
            "old==1.0 ; python_version < \"3.12\"",
        ]
    );
    shop.lock("app\n", &[&["-o", "pylock.toml"], &targets[..]].concat()).expect(0);
    let text = shop.world.read("pylock.toml");
    assert_eq!(text.matches("python_version == \"3.10\"").count(), 2, "{text}");
    assert!(text.contains("marker = 'sys_platform == \"win32\"'"), "{text}");
}

#[test]
fn only_usable_files_or_all_of_them() {
    let mut foreign = release("app", "1.0", &[]);
    foreign.tag = "cp39-cp39-win_amd64".to_owned();
    let shop = Shop::with(&[release("app", "1.0", &[]), foreign.clone()]);
    shop.lock("app\n", &[]).expect(0).says("1 file,");
    shop.lock("app\n", &["--all-files"]).expect(0).says("2 files,");
    assert!(shop.world.read("requirements.txt").contains(&sha256(&foreign.build())));
}

#[test]
fn a_tree_that_is_not_the_recorded_one_is_refused() {
    let shop = Shop::with(&app_and_lib());
    shop.lock("lib\n", &["-o", "pylock.toml"]).expect(0);
    let text = shop.world.read("pylock.toml");
    let (before, tree) = text.split_once("-any.whl\" = \"sha256:").expect("a tree");
    let changed = if tree.starts_with('0') { '1' } else { '0' };
    let text = format!("{before}-any.whl\" = \"sha256:{changed}{}", &tree[1..]);
    shop.world.write("pylock.toml", text);
    let run = shop.run(&["install", "pylock.toml", "--venv", "env"]);
    run.expect(1).says("tree-mismatch");
    assert!(!shop.world.path("env").exists());
}

#[test]
fn a_lock_that_lists_more_files_than_are_needed_loses_them_unjudged() {
    let mut foreign = release("app", "1.0", &[]).file("app/other.py", b"");
    foreign.tag = "cp39-cp39-win_amd64".to_owned();
    let shop = Shop::with(&[release("app", "1.0", &[]), foreign]);
    for lock in ["requirements.txt", "pylock.toml"] {
        let output = ["-o", lock];
        shop.lock("app\n", &[&output[..], &["--all-files"]].concat()).expect(0).says("2 files,");
        shop.lock("app\n", &output).expect(0).says("1 fewer").says("1 file,");
        shop.lock("app\n", &[&output[..], &["--all-files"]].concat()).expect(0).says("1 more");
    }
}

#[test]
fn digests_that_nobody_knows_are_told_once_for_a_release() {
    let shop = Shop::with(&app_and_lib());
    let made_up = |digit: &str| format!(" \\\n    --hash=sha256:{}", digit.repeat(64));
    let digests: Vec<String> = ["1", "2", "3"].map(made_up).to_vec();
    shop.world.write("requirements.txt", format!("lib==1.0{}\n", digests.concat()));
    let run = shop.lock("lib\n", &[]);
    run.expect(0).says(&"1".repeat(64)).says("and 2 more of lib 1.0").never_says(&"2".repeat(64));
    assert_eq!(run.stderr.matches("stale-digest").count(), 1, "{run:?}");
    let text = shop.world.read("requirements.txt");
    assert!(text.contains("lib==1.0") && !text.contains(&"1".repeat(64)), "{text}");
}
