//! Files that two packages share, copied and compiled, and runs that compile at the same time.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::Wheel;

use crate::support::{World, pinned, simple_wheel};

/// An index with these wheels, and a world whose requirements pin them.
fn scene(wheels: &[Wheel]) -> (IndexServer, World) {
    let world = World::new();
    let mut scenario = Scenario::new();
    let mut requirements = String::new();
    for wheel in wheels {
        let bytes = wheel.build();
        requirements.push_str(&pinned(&wheel.name, &wheel.version, &bytes));
        scenario = scenario.file(&wheel.name, ServedFile::honest(&wheel.filename(), bytes));
    }
    world.write("requirements.txt", requirements);
    (IndexServer::start(scenario), world)
}

fn remove_env(world: &World) {
    std::fs::remove_dir_all(world.path("env")).expect("an environment");
}

/// The compiled form of a module in `ns`.
fn compiled_files(world: &World, module: &str) -> Vec<std::path::PathBuf> {
    let folder = world.site().join("ns/__pycache__");
    let items =
        std::fs::read_dir(folder).expect("compiled files").map(|item| item.expect("a file"));
    let wanted = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(module))
    };
    items.map(|item| item.path()).filter(wanted).collect()
}

#[test]
fn an_identical_file_of_two_wheels_is_copied_once() {
    // Large enough that both workers are at it at the same time.
    let shared: Vec<u8> = (0..4_000_000u32).flat_map(u32::to_le_bytes).collect();
    let wheel = |name: &str| simple_wheel(name, "1.0").file("ns/data.bin", &shared);
    let (index, world) = scene(&[wheel("alpha"), wheel("beta")]);
    for _ in 0..4 {
        world.install(&index.simple_url(), &["--link-mode", "copy"]).expect(0);
        let found = std::fs::read(world.site().join("ns/data.bin")).expect("the shared file");
        assert!(found == shared);
        let names = std::fs::read_dir(world.site().join("ns")).expect("a folder");
        assert_eq!(names.count(), 1, "nothing temporary stays");
        world.run(&["verify", "--python", "env"]).expect(0);
        remove_env(&world);
    }
}

#[test]
fn different_files_in_one_place_are_a_conflict_in_every_mode() {
    let wheel = |name: &str| simple_wheel(name, "1.0").file("ns/data", name.as_bytes());
    let (index, world) = scene(&[wheel("alpha"), wheel("beta")]);
    for mode in ["hardlink", "copy"] {
        let run = world.install(&index.simple_url(), &["--link-mode", mode]);
        run.expect(1).says("error[file-conflict]").says("ns/data");
        assert!(!world.path("env").exists());
    }
}

#[test]
fn a_shared_module_is_compiled_for_both() {
    let wheel = |name: &str| simple_wheel(name, "1.0").file("ns/__init__.py", b"VALUE = 1\n");
    let (index, world) = scene(&[wheel("alpha"), wheel("beta")]);
    for mode in ["hardlink", "copy", "hardlink"] {
        world.install(&index.simple_url(), &["--compile", "--link-mode", mode]).expect(0);
        assert_eq!(compiled_files(&world, "__init__").len(), 1);
        world.run(&["verify", "--python", "env"]).expect(0);
        remove_env(&world);
    }
}

/// Whichever of them is staged first, and whether it is in the same wheel or not.
#[test]
fn a_file_of_a_wheel_wins_over_a_compiled_one() {
    let (index, world) = scene(&[simple_wheel("alpha", "1.0").file("ns/m.py", b"VALUE = 1\n")]);
    world.install(&index.simple_url(), &["--compile"]).expect(0);
    let name = compiled_files(&world, "m.").remove(0);
    let name = name.file_name().expect("a name").to_string_lossy().into_owned();
    let own = format!("ns/__pycache__/{name}");
    let with_source = |name: &str| simple_wheel(name, "1.0").file("ns/m.py", b"VALUE = 1\n");
    for wheels in [
        vec![with_source("alpha").file(&own, b"own")],
        vec![with_source("alpha"), simple_wheel("beta", "1.0").file(&own, b"own")],
        vec![simple_wheel("alpha", "1.0").file(&own, b"own"), with_source("beta")],
    ] {
        let (index, world) = scene(&wheels);
        world.install(&index.simple_url(), &["--compile"]).expect(0);
        assert_eq!(std::fs::read(world.site().join(&own)).expect("the file"), b"own");
        let record = world.site().join("alpha-1.0.dist-info/RECORD");
        let record = std::fs::read_to_string(record).expect("RECORD");
        assert!(record.lines().filter(|line| line.starts_with(&own)).count() <= 1, "{record}");
    }
}

#[test]
fn runs_that_compile_at_once_do_not_disturb_each_other() {
    let wheel = |name: &str| {
        (0..40).fold(simple_wheel(name, "1.0"), |wheel, n| {
            let text = format!("def f():\n    return {{'{name}': {n}}}\n");
            wheel.file(&format!("{name}_package/m{n}.py"), text.as_bytes())
        })
    };
    let (index, world) = scene(&[wheel("alpha"), wheel("beta"), wheel("gamma")]);
    let url = index.simple_url();
    let install = |name: &str| {
        let more = ["--index-url", &url, "--compile"];
        world.run(&[&["install", "-r", "requirements.txt", "--venv", name], &more[..]].concat())
    };
    std::thread::scope(|scope| {
        let runs = ["one", "two", "three"].map(|name| scope.spawn(move || install(name)));
        for run in runs {
            run.join().expect("a run").expect(0).never_says("altered");
        }
    });
    // Again, after what is compiled was taken away or changed.
    let again = || {
        let run = install("again");
        std::fs::remove_dir_all(world.path("again")).expect("an environment");
        run
    };
    let damaged = stored_compiled_file(&world);
    std::fs::remove_file(&damaged).expect("a file");
    again().expect(0).never_says("altered");
    assert!(damaged.is_file());
    let folder = damaged.parent().expect("a folder");
    std::fs::remove_dir_all(folder).expect("a folder");
    again().expect(0).never_says("altered");
    std::fs::write(&damaged, "other").expect("a file");
    again().expect(0).says("note[store-altered]: the stored compiled form of");
    again().expect(0).never_says("altered");
}

/// One compiled file of the store.
fn stored_compiled_file(world: &World) -> std::path::PathBuf {
    let mut open = vec![world.home(".cache/countermark/store")];
    while let Some(folder) = open.pop() {
        for item in std::fs::read_dir(&folder).expect("a folder") {
            let path = item.expect("an item").path();
            let name = folder.file_name().expect("a name").to_string_lossy();
            if name.starts_with("c-") && path.is_file() {
                return path;
            }
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    panic!("nothing is compiled in the store");
}
