//! The policy over pins that are about to be written.

use super::{Shop, app_and_lib, release};

/// Long ago for the releases of these tests, and never for one of today.
const AGE: &str = "[policy]\nminimum-age = \"7 days\"\n";

fn today() -> String {
    jiff::Timestamp::now().to_string()
}

#[test]
fn a_release_that_is_too_young_is_refused_until_the_printed_line_is_pasted() {
    let shop = Shop::with(&app_and_lib()[..2]);
    shop.world.write("countermark.toml", AGE);
    shop.lock("app\n", &[]).expect(0);
    shop.serve(&release("lib", "2.0", &[]), &today());
    let lock = shop.world.read("requirements.txt");
    for command in [
        &["update", "--refresh"][..],
        &["lock", "--upgrade", "--refresh"],
        &["add", "lib==2.0", "--refresh"],
        &["install", "lib==2.0", "--venv", "env", "--refresh"],
    ] {
        let run = shop.run(command);
        run.expect(1).says("minimum-age").says("because =").says("until =");
        assert_eq!(shop.world.read("requirements.txt"), lock);
        assert_eq!(shop.world.read("requirements.in"), "app\n");
    }
    assert!(!shop.world.path("env").exists());
    // What is old enough can be had, and the lock remembers that it was asked for.
    for command in [&["update"][..], &["lock", "--upgrade"], &["install", "lib", "--venv", "old"]] {
        let run = shop.run(command);
        assert!(run.code <= 1, "{run:?}");
        run.says("--exclude-newer '7 days'");
        shop.run(&[command, &["--exclude-newer", "7 days"]].concat()).expect(0);
        assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==1.0"]);
    }
    assert!(shop.world.read("requirements.txt").contains("--exclude-newer '7 days'"));
    let save = ["install", "app", "--venv", "old", "--save", "--exclude-newer", "8 days"];
    shop.run(&save).expect(0).never_says("lib 2.0");
    assert!(shop.world.read("requirements.txt").contains("--exclude-newer '8 days'"));
    shop.lock("app\n", &[]).expect(0);
    let run = shop.run(&["update", "--refresh"]);
    let text = format!("{}{}", run.stdout, run.stderr);
    let line = text.lines().find(|line| line.starts_with("{ rule = ")).expect("a line");
    shop.world.write("countermark.toml", format!("{AGE}allow = [\n{line}\n]\n"));
    shop.run(&["update", "--refresh"]).expect(0).says("lib 1.0 → 2.0").says("let pass");
}

#[test]
fn an_exception_without_a_reason_or_a_day_does_not_load() {
    let shop = Shop::with(&app_and_lib());
    for line in [
        "{ rule = \"minimum-age\", project = \"lib\", until = 2027-01-01 }",
        "{ rule = \"minimum-age\", project = \"lib\", because = \"\", until = 2027-01-01 }",
        "{ rule = \"minimum-age\", project = \"lib\", because = \"why\" }",
    ] {
        shop.world.write("countermark.toml", format!("{AGE}allow = [\n{line}\n]\n"));
        shop.lock("app\n", &[]).expect(2).says("countermark.toml:4:");
    }
    assert!(!shop.world.path("requirements.txt").exists());
}

#[test]
fn what_a_release_brings_is_refused_where_the_policy_says_so() {
    let cases = [
        ("new-pth", release("lib", "2.0", &[]).file("lib.pth", b"import lib\n")),
        ("new-native-code", release("lib", "2.0", &[]).file("a.so", b"\x7fELF\x02\x01\x01\0rest")),
    ];
    for (rule, wheel) in cases {
        let shop = Shop::with(&app_and_lib()[..2]);
        shop.world.write("countermark.toml", format!("[policy]\n{rule} = \"refuse\"\n"));
        shop.lock("app\n", &[]).expect(0);
        shop.serve(&wheel, "2026-02-01T00:00:00Z");
        shop.lock("app\n", &["-U", "--refresh"]).expect(1).says(rule);
        assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==1.0"]);
    }
}

#[test]
fn a_project_in_quarantine_is_refused_without_any_policy() {
    let shop = Shop::with(&app_and_lib());
    shop.index.change(|scenario| scenario.status("lib", "quarantined", Some("malware")));
    let run = shop.lock("app\n", &[]);
    assert!(run.code != 0, "{run:?}");
    run.says("quarantine");
    assert!(!shop.world.path("requirements.txt").exists());
}

#[test]
fn a_name_that_a_private_and_the_public_index_have_is_refused() {
    let shop = Shop::with(&app_and_lib());
    let other = Shop::with(&app_and_lib());
    shop.world.write("countermark.toml", "[policy]\ntwo-indexes = \"refuse\"\n");
    let both = ["--extra-index-url", &other.index.simple_url()];
    shop.lock("app\n", &both).expect(1).says("two-indexes");
    shop.lock("app\n", &[]).expect(0);
}

#[test]
fn files_for_another_platform_are_no_news_and_files_that_came_later_are() {
    let of = |tag: &str, native: &[u8]| {
        let mut wheel = release("lib", "1.0", &[]).file("lib/speed.so", native);
        wheel.tag = tag.to_owned();
        wheel
    };
    let linux = of("cp312-cp312-manylinux_2_17_x86_64", b"\x7fELF\x02\x01\x01\0here");
    let windows = of("cp312-cp312-win_amd64", b"MZ there");
    let refuse = "[policy]\nnew-native-code = \"refuse\"\nnew-pth = \"refuse\"\n";
    let both = ["--python-version", "3.12", "--platform", "linux", "--platform", "windows"];
    for lock in ["requirements.txt", "pylock.toml"] {
        for (uploaded, code) in [("2026-01-01T05:00:00Z", 0), ("2026-03-01T00:00:00Z", 3)] {
            let shop = Shop::with(std::slice::from_ref(&linux));
            shop.world.write("countermark.toml", refuse);
            shop.lock("lib\n", &[&both[..4], &["-o", lock]].concat()).expect(0);
            shop.serve(&windows, uploaded);
            let run = shop.lock("lib\n", &[&both[..], &["-o", lock, "--refresh"]].concat());
            run.expect(code);
            if code == 3 {
                run.says("new-native-code").says("{ rule = \"new-pth\", project = \"lib\"");
            }
        }
    }
}

#[test]
fn what_the_wheel_of_any_target_brings_counts() {
    let wheel = |version: &str, platform: &str, pth: bool| {
        let mut wheel = release("lib", version, &[]);
        if pth {
            wheel = wheel.file("lib.pth", b"import lib\n");
        }
        wheel.tag = format!("py3-none-{platform}");
        wheel
    };
    let (linux, windows) = ("manylinux_2_17_x86_64", "win_amd64");
    let shop = Shop::with(&[wheel("1.0", linux, false), wheel("1.0", windows, false)]);
    shop.world.write("countermark.toml", "[policy]\nnew-pth = \"refuse\"\n");
    let targets = ["--python-version", "3.12", "--platform", "linux", "--platform", "windows"];
    shop.lock("lib\n", &targets).expect(0);
    let long_ago = "2026-02-01T00:00:00Z";
    shop.serve(&wheel("2.0", linux, false), long_ago);
    shop.serve(&wheel("2.0", windows, true), long_ago);
    shop.lock("lib\n", &[&targets[..], &["-U", "--refresh"]].concat()).expect(1).says("lib.pth");
    assert_eq!(shop.pins("requirements.txt"), ["lib==1.0"]);
}
