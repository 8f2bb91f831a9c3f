//! `install NAME`.

use countermark_testkit::index::{Scenario, ServedFile};
use countermark_testkit::packse::sdist;

use super::{Shop, app_and_lib, release};
use crate::support::sha256;

#[test]
fn a_name_is_resolved_installed_and_its_pins_are_printed() {
    let shop = Shop::with(&app_and_lib());
    let run = shop.run(&["install", "app", "--venv", "env"]);
    run.expect(0).says("+ app 1.0").says("+ lib 2.0");
    assert!(run.stdout.contains("app==1.0 \\"), "{}", run.stdout);
    assert!(run.stdout.contains(&sha256(&release("lib", "2.0", &[]).build())), "{}", run.stdout);
    // What is printed is a file to install from.
    shop.world.write("requirements.txt", &run.stdout);
    let again = ["install", "-r", "requirements.txt", "--venv", "env"];
    shop.run(&again).expect(0).says("nothing to change");
    shop.run(&["verify", "--python", "env"]).expect(0);
}

#[test]
fn what_is_installed_stays_where_it_does() {
    let shop = Shop::with(&app_and_lib());
    shop.run(&["install", "lib<2", "--venv", "env"]).expect(0).says("+ lib 1.0");
    shop.run(&["install", "app", "--venv", "env", "--python", "env"]).expect(0).never_says("2.0");
    let upgrade = ["install", "app", "--venv", "env", "--upgrade"];
    shop.run(&upgrade).expect(0).says("lib 1.0 -> 2.0");
}

#[test]
fn nothing_is_installed_of_a_name_that_is_not_there_or_lies() {
    let shop = Shop::with(&app_and_lib());
    shop.run(&["install", "absent", "--venv", "env"]).expect(2).says("absent");
    assert!(!shop.world.path("env").exists());
    shop.index.change(|scenario| {
        let file = super::served(&release("liar", "1.0", &[]), "2026-01-01T00:00:00Z");
        let wrong = vec![("sha256".to_owned(), "0".repeat(64))];
        scenario.file("liar", file.advertise(|said| said.digests = wrong))
    });
    shop.run(&["install", "liar", "--venv", "env"]).expect(1).says("false-claim");
    assert!(!shop.world.path("env").exists());
}

#[test]
fn save_writes_input_and_lock_and_a_dry_run_does_not() {
    let shop = Shop::with(&app_and_lib());
    shop.run(&["install", "app", "--venv", "env", "--save", "--dry-run"]).expect(0);
    assert!(!shop.world.path("requirements.in").exists());
    shop.index.forget_requests();
    let run = shop.run(&["install", "app", "--venv", "env", "--save"]);
    run.expect(0).says("+ lib 2.0").never_says("# ");
    // What was hashed for the lock is what is installed, and is downloaded once.
    let wheels = shop.index.requests();
    let wheels = wheels.iter().filter(|one| one.target.ends_with("lib-2.0-py3-none-any.whl"));
    assert!(wheels.count() <= 1);
    assert_eq!(shop.world.read("requirements.in"), "app\n");
    assert_eq!(shop.pins("requirements.txt"), ["app==1.0", "lib==2.0"]);
}

#[test]
fn save_knows_groups_and_names_alone_do_not() {
    let shop = Shop::with(&app_and_lib());
    let install = ["install", "app", "--venv", "env", "--group", "dev"];
    shop.run(&install).expect(2).says("--group");
    shop.run(&[&install[..], &["--save"]].concat()).expect(2).says("--group");
    assert!(!shop.world.path("requirements.in").exists() && !shop.world.path("env").exists());
    shop.world.write("pyproject.toml", "[project]\nname = \"mine\"\nversion = \"0\"\n");
    shop.run(&[&install[..], &["--save"]].concat()).expect(0).says("+ app 1.0");
    assert!(shop.world.read("pyproject.toml").contains("dev = ["));
}

#[test]
fn a_source_package_can_be_locked_and_is_never_installed() {
    let bytes = sdist("old-1.0", "Metadata-Version: 2.2\nName: old\nVersion: 1.0\n");
    let file = ServedFile::honest("old-1.0.tar.gz", bytes);
    let file = file.advertise(|said| said.upload_time = Some("2026-01-01T00:00:00Z".to_owned()));
    let shop = Shop::new(Scenario::new().file("old", file));
    let run = shop.run(&["install", "old", "--venv", "env"]);
    run.expect(2).says("only wheels are installed").never_says("--allow-source");
    shop.run(&["add", "old"]).expect(2).says("--allow-source old");
    shop.run(&["add", "old", "--allow-source", "old"]).expect(0);
    assert_eq!(shop.pins("requirements.txt"), ["old==1.0"]);
    // The lock remembers what was allowed.
    shop.run(&["update"]).expect(0);
    assert_eq!(shop.pins("requirements.txt"), ["old==1.0"]);
}
