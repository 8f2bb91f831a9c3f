//! `add`, `remove` and `update`: input and lock together, and what is shown before.

use countermark_testkit::wheel::Wheel;

use super::{Shop, app_and_lib, release, served};

#[test]
fn what_is_added_is_in_both_files_and_what_is_removed_in_none() {
    let shop = Shop::with(&app_and_lib());
    let input = "# ours\nlib  # kept low\n";
    shop.lock(input, &[]).expect(0);
    let lock = shop.world.read("requirements.txt");
    shop.run(&["add", "app"]).expect(0).says("app 1.0 is new");
    assert_eq!(shop.world.read("requirements.in"), "# ours\nlib  # kept low\napp\n");
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==2.0"]);
    shop.run(&["remove", "app"]).expect(0).says("app 1.0 is not pinned any more");
    assert_eq!(shop.world.read("requirements.in"), input);
    assert_eq!(shop.world.read("requirements.txt"), lock);
    shop.run(&["add", "app", "--dry-run"]).expect(0).says("nothing was written");
    shop.run(&["remove", "absent"]).expect(2).says("absent");
    shop.run(&["add", "lib==9"]).expect(2).says("lib==9");
    shop.run(&["add", "app", "--group", "dev"]).expect(2).says("--group");
    assert_eq!(shop.world.read("requirements.in"), input);
    assert_eq!(shop.world.read("requirements.txt"), lock);
}

#[test]
fn a_folder_without_anything_gets_an_input_and_a_lock() {
    let shop = Shop::with(&app_and_lib());
    shop.run(&["add", "app"]).expect(0);
    assert_eq!(shop.world.read("requirements.in"), "app\n");
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==2.0"]);
}

#[test]
fn a_group_of_a_project_is_edited_and_locked() {
    let shop = Shop::with(&app_and_lib());
    let project =
        "[project]\nname = \"mine\"\nversion = \"0\"\ndependencies = [\n    \"lib\",  # why\n]\n";
    shop.world.write("pyproject.toml", project);
    shop.run(&["lock"]).expect(0);
    shop.run(&["add", "--group", "dev", "app"]).expect(0);
    let edited = shop.world.read("pyproject.toml");
    assert!(edited.starts_with(project) && edited.contains("dev = ["), "{edited}");
    assert!(shop.world.read("pylock.toml").contains("name = \"app\""));
    shop.run(&["remove", "--group", "dev", "app"]).expect(0);
    assert!(!shop.world.read("pylock.toml").contains("name = \"app\""));
}

/// A release that brings everything that somebody should look at.
fn suspicious() -> Wheel {
    release("lib", "2.0", &["extra-dep"])
        .file("lib-setup.pth", b"import lib\n")
        .file("lib_native.so", b"\x7fELF\x02\x01\x01\0rest")
        .file("lib_new/__init__.py", b"")
        .entry_points("[console_scripts]\nlib-run = lib:run\n")
}

#[test]
fn an_update_shows_what_the_new_release_brings() {
    let shop = Shop::with(&[
        release("app", "1.0", &["lib>=1"]),
        release("lib", "1.0", &[]),
        release("extra_dep", "1.0", &[]),
    ]);
    shop.lock("app\n", &["-o", "pylock.toml"]).expect(0);
    let before = shop.world.read("pylock.toml");
    shop.serve(&suspicious(), "2026-02-01T00:00:00Z");
    let update = ["update", "--lock", "pylock.toml", "--refresh"];
    let run = shop.run(&[&update[..], &["--dry-run"]].concat());
    run.expect(0).says("lib 1.0 → 2.0").says("lib-setup.pth").says("lib_native.so");
    run.says("lib-run").says("lib_new").says("extra-dep").says("roles").says("unknown");
    run.says("31 days after the release before").says("nothing was written");
    assert_eq!(shop.world.read("pylock.toml"), before);
    let run = shop.run(&[&update[..], &["--dry-run", "--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(json["counts"]["moves"], 2, "{json}");
    shop.run(&[&update[..], &["lib", "--diff", "lib"]].concat()).expect(0).says("+import lib");
    let patch = shop.world.read("lib-1.0-2.0.patch");
    assert!(patch.contains("lib-setup.pth") && patch.contains("-VERSION = \"1.0\""), "{patch}");
    assert!(shop.world.read("pylock.toml").contains("version = \"2.0\""));
    shop.run(&["update", "absent", "--lock", "pylock.toml"]).expect(2).says("absent");
}

#[test]
fn roles_are_recorded_and_compared_at_the_next_move() {
    let with = |owners: &[&str]| {
        let mut scenario = countermark_testkit::index::Scenario::new();
        for version in ["1.0", "2.0", "3.0"] {
            let file = served(&release("lib", version, &[]), "2026-01-01T00:00:00Z");
            scenario = scenario.file("lib", file);
        }
        owners.iter().fold(scenario, |scenario, owner| scenario.role("lib", "Owner", owner))
    };
    for lock in ["pylock.toml", "requirements.txt"] {
        let shop = Shop::new(with(&["alice"]));
        shop.lock("lib==1.0\n", &["-o", lock]).expect(0);
        shop.world.write("requirements.in", "lib<3\n");
        let update = ["update", "--lock", lock, "--refresh"];
        let run = shop.run(&update);
        run.expect(0).says("lib 1.0 → 2.0").says("roles     unknown");
        assert!(shop.world.read(lock).contains("owner alice"), "{}", shop.world.read(lock));
        // A lock that nothing moves keeps what it recorded.
        shop.index.change(|_| with(&["alice", "mallory"]));
        let text = shop.world.read(lock);
        shop.run(&["lock", "requirements.in", "-o", lock, "--refresh"]).expect(0);
        assert_eq!(shop.world.read(lock), text);
        shop.world.write("requirements.in", "lib\n");
        let run = shop.run(&update);
        run.expect(0).says("lib 2.0 → 3.0").says("mallory");
        assert!(shop.world.read(lock).contains("owner mallory"), "{}", shop.world.read(lock));
    }
}

#[test]
fn a_lock_is_updated_as_it_was_made() {
    let windows = "lib>=1 ; sys_platform == 'win32'";
    let shop = Shop::with(&[release("app", "1.0", &[windows]), release("lib", "1.0", &[])]);
    shop.lock("app\n", &["--platform", "windows", "--python-version", "3.12"]).expect(0);
    shop.serve(&release("lib", "2.0", &[]), "2026-02-01T00:00:00Z");
    shop.run(&["update", "--refresh"]).expect(0).says("lib 1.0 → 2.0");
    assert!(shop.world.read("requirements.txt").contains("--platform windows"));
}

#[test]
fn a_lock_of_several_files_or_of_names_is_updated_too() {
    let shop = Shop::with(&app_and_lib()[..2]);
    shop.world.write("a.in", "app\n");
    shop.world.write("b.in", "lib\n");
    shop.run(&["lock", "a.in", "b.in", "-o", "both.txt"]).expect(0);
    shop.run(&["lock", "app", "-o", "names.txt"]).expect(0);
    shop.serve(&release("lib", "2.0", &[]), "2026-02-01T00:00:00Z");
    for lock in ["both.txt", "names.txt"] {
        shop.run(&["update", "--lock", lock, "--refresh"]).expect(0).says("lib 1.0 → 2.0");
        assert_eq!(shop.pins(lock), ["app==1.0", "lib==2.0"]);
        // Which of them would be edited nobody knows.
        shop.run(&["add", "lib", "--lock", lock]).expect(2).says("--input");
    }
}

#[test]
fn the_last_requirement_can_be_removed_and_one_be_added_again() {
    let shop = Shop::with(&app_and_lib());
    for (input, lock) in
        [("requirements.in", "requirements.txt"), ("pyproject.toml", "pylock.toml")]
    {
        let text = if lock == "pylock.toml" {
            "[project]\nname = \"mine\"\nversion = \"0\"\ndependencies = [\"lib\"]\n"
        } else {
            "lib\n"
        };
        shop.world.write(input, text);
        shop.run(&["lock", input]).expect(0);
        let run = shop.run(&["remove", "lib", "--input", input]);
        run.expect(0).says("lib 2.0 is not pinned any more");
        assert!(!shop.world.read(input).contains("lib"), "{}", shop.world.read(input));
        let run = shop.run(&["add", "lib", "--input", input]);
        run.expect(0).says("lib 2.0 is new");
        // Nothing that moves is nothing to show.
        let run = shop.run(&["add", "lib", "--input", input]);
        assert_eq!(run.expect(0).stdout, "", "{run:?}");
        assert!(shop.world.read(lock).contains("2.0"), "{}", shop.world.read(lock));
    }
}

#[test]
fn the_head_of_a_lock_does_not_lead_out_of_the_project() {
    let shop = Shop::with(&app_and_lib());
    std::fs::write(shop.world.home("secret.txt"), "pass word\n").expect("a file");
    let head = "# made\n#     countermark lock ../home/secret.txt -o requirements.txt\n";
    let lock = format!("{head}lib==1.0\n");
    shop.world.write("requirements.in", "lib\n");
    shop.world.write("requirements.txt", &lock);
    shop.run(&["update"]).expect(2).says("outside-project").never_says("pass word");
    assert_eq!(shop.world.read("requirements.txt"), lock);
}
