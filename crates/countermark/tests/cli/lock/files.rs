//! Where wishes come from.

use super::{Shop, app_and_lib, release};

#[test]
fn requirements_files_include_others_and_constrain() {
    let shop = Shop::with(&app_and_lib());
    shop.world.write("base.in", "app\n-c limits.txt\n");
    shop.world.write("limits.txt", "lib<2\nunused==9\n");
    shop.lock("-r base.in\n", &[]).expect(0);
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==1.0"]);
    shop.world.write("other.txt", "lib==2.0\n");
    shop.lock("app\n", &["-c", "other.txt", "-o", "other.lock.txt"]).expect(0);
    assert_eq!(shop.pins("other.lock.txt"), ["app==1.0", "lib==2.0"]);
}

#[test]
fn overrides_and_excludes_stand_over_everybody() {
    let shop = Shop::with(&[
        release("app", "1.0", &["lib>=2"]),
        release("lib", "1.0", &[]),
        release("lib", "2.0", &["heavy"]),
        release("heavy", "1.0", &[]),
    ]);
    shop.world.write("over.txt", "lib<2\n");
    shop.lock("app\n", &["--override", "over.txt"]).expect(0);
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==1.0"]);
    shop.lock("app\n", &["--exclude", "heavy", "-U"]).expect(0);
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==2.0"]);
}

#[test]
fn a_project_has_extras_and_groups() {
    let shop = Shop::with(&[
        release("app", "1.0", &[]),
        release("fast", "1.0", &[]),
        release("check", "1.0", &[]),
    ]);
    let project = "[project]\nname = \"mine\"\nversion = \"0\"\ndependencies = [\"app\"]\n\
        requires-python = \">=3.8\"\n[project.optional-dependencies]\nspeed = [\"fast\"]\n\
        [dependency-groups]\ntest = [\"check\"]\n";
    shop.world.write("pyproject.toml", project);
    let locked = |more: &[&str]| {
        let arguments = ["lock", "pyproject.toml", "-o", "out.txt"];
        shop.run(&[&arguments[..], more].concat()).expect(0);
        shop.pins("out.txt").join(" ")
    };
    assert_eq!(locked(&[]), "app==1.0");
    assert_eq!(locked(&["--extra", "speed"]), "app==1.0 fast==1.0");
    assert_eq!(locked(&["--group", "test"]), "app==1.0 check==1.0");
    assert_eq!(locked(&["--all-extras", "--all-groups"]), "app==1.0 check==1.0 fast==1.0");
    assert_eq!(locked(&["--only-group", "test"]), "check==1.0");
    // Without an output the standard's name; the folder's only input is found.
    shop.run(&["lock"]).expect(0);
    assert!(shop.world.read("pylock.toml").contains("requires-python = \">=3.8\""));
    shop.run(&["lock", "pyproject.toml", "--extra", "slow"]).expect(2).says("slow");
}

#[test]
fn names_go_to_standard_output() {
    let shop = Shop::with(&app_and_lib());
    let run = shop.run(&["lock", "lib<2", "app", "-q"]);
    run.expect(0).says("lib==1.0").says("# via").says("the command line");
    assert!(!shop.world.path("requirements.txt").exists());
}

#[test]
fn secrets_of_an_index_are_not_written() {
    let scenario = |user: &str| {
        let lib = release("lib", "1.0", &[]);
        let file = super::served(&lib, "2026-01-01T00:00:00Z");
        countermark_testkit::index::Scenario::new().file("lib", file).basic_auth("/", user, "hush")
    };
    let shop = Shop::new(scenario("bob"));
    let url = shop.index.simple_url().replace("http://", "http://bob:hush@");
    for output in ["requirements.txt", "pylock.toml"] {
        let input = format!("--index-url {url}\nlib\n");
        shop.lock(&input, &["-o", output]).expect(0).never_says("hush");
        let text = shop.world.read(output);
        assert!(!text.contains("hush") && !text.contains("bob"), "{text}");
    }
    assert!(shop.world.read("requirements.txt").contains("--index-url http://127.0.0.1"));
}
