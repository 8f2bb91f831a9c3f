//! Disks that are full or read-only, folders that are not ours to write to. The limit of file
//! sizes (`ulimit -f`) makes writes fail for everybody; mounts need root and are skipped, with a
//! word about it, where there is none.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::{Member, Wheel};

use super::big::BIG;
use crate::support::{Run, World, pinned, simple_wheel, snapshot};

const COUNTERMARK: &str = env!("CARGO_BIN_EXE_countermark");

/// Bytes of the module that does not fit.
const LARGE: usize = 6 << 20;

/// An environment with `small`, and a list that asks for `large` too.
struct Scene {
    world: World,
    index: IndexServer,
}

impl Scene {
    fn new() -> Self {
        let small = simple_wheel("small", "1.0");
        let content: Vec<u8> = (0..LARGE).map(|index| (index >> 6) as u8).collect();
        let member = Member { method: 0, ..Member::file("large.bin", &content) };
        let large = Wheel::new("large", "1.0").member(member);
        let (small_bytes, large_bytes) = (small.build(), large.build());
        let world = World::new();
        world.write("small.txt", pinned("small", "1.0", &small_bytes));
        let both = pinned("small", "1.0", &small_bytes) + &pinned("large", "1.0", &large_bytes);
        world.write("both.txt", both);
        let scenario = Scenario::new()
            .file("small", ServedFile::honest(&small.filename(), small_bytes))
            .file("large", ServedFile::honest(&large.filename(), large_bytes));
        Self { world, index: IndexServer::start(scenario) }
    }

    fn arguments<'a>(&self, file: &'a str, venv: &'a str, more: &[&'a str]) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["install", "-r", file, "--venv", venv, "-i"].map(str::to_owned).into();
        arguments.push(self.index.simple_url());
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        arguments
    }

    fn install(&self, file: &str, venv: &str, more: &[&str]) -> Run {
        run(self.world.command(&texts(&self.arguments(file, venv, more))))
    }

    /// The same, by a shell that sets something up before.
    fn install_after(&self, set_up: &str, file: &str, venv: &str, more: &[&str]) -> Run {
        after(&self.world, set_up, &texts(&self.arguments(file, venv, more)))
    }
}

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn run(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the command in a shell's limits.
fn after(world: &World, set_up: &str, arguments: &[&str]) -> Run {
    let script = format!("{set_up}; exec \"$0\" \"$@\"");
    let all: Vec<&str> =
        ["-c", &script, COUNTERMARK].into_iter().chain(arguments.to_vec()).collect();
    run(world.program("sh", &all))
}

/// No file grows beyond a megabyte or two (shells count in different blocks): writes fail.
const FULL: &str = "trap '' XFSZ; ulimit -f 2048";
/// The same, and the write that goes too far kills.
const DEADLY: &str = "ulimit -f 2048";

#[test]
fn a_store_that_cannot_grow_changes_nothing() {
    let scene = Scene::new();
    scene.install("small.txt", "env", &[]).expect(0);
    let before = snapshot(&scene.world.path("env"));
    let run = scene.install_after(FULL, "both.txt", "env", &[]);
    run.expect(3).says("the store cannot write").says("File too large");
    assert!(before == snapshot(&scene.world.path("env")));
    let store = fs::read_dir(scene.world.home(".cache/countermark/store")).unwrap();
    assert_eq!(store.count(), 1, "what did not fit is gone");
    scene.install_after(FULL, "both.txt", "new", &[]).expect(3);
    assert!(!scene.world.path("new").exists());
    scene.install("both.txt", "env", &[]).expect(0).says(" + large 1.0");
}

#[test]
fn a_target_that_cannot_grow_stays_as_it_was() {
    let scene = Scene::new();
    scene.install("both.txt", "other", &[]).expect(0);
    scene.install("small.txt", "env", &[]).expect(0);
    let before = snapshot(&scene.world.path("env"));
    let copy = ["--link-mode", "copy"];
    let run = scene.install_after(FULL, "both.txt", "env", &copy);
    run.expect(3).says("cannot copy").says("large.bin").says("File too large");
    assert!(before == snapshot(&scene.world.path("env")), "nothing is left either");
    scene.install_after(FULL, "both.txt", "new", &copy).expect(3);
    assert!(!scene.world.path("new").exists() && !scene.world.path(".new.countermark").exists());
    scene.install("both.txt", "env", &copy).expect(0).says(" + large 1.0");
}

#[test]
fn a_run_that_dies_of_its_write_is_cleaned_up_by_the_next() {
    let scene = Scene::new();
    scene.install("both.txt", "other", &[]).expect(0);
    scene.install("small.txt", "env", &[]).expect(0);
    let before = snapshot(&scene.world.path("env"));
    scene.install_after(DEADLY, "both.txt", "env", &["--link-mode", "copy"]).expect(-1);
    assert!(scene.world.path("env/.countermark/stage").is_dir());
    scene.world.run(&["verify", "--python", "env"]).expect(1).says("interrupted");
    let listed = scene.world.run(&["list", "--python", "env"]);
    listed.expect(0).says("removed what an interrupted run had staged");
    assert!(before == snapshot(&scene.world.path("env")));
}

#[test]
fn a_journal_that_does_not_fit_leaves_nothing() {
    let (world, index) = (World::new(), BIG.serve());
    world.write("old.txt", &BIG.old);
    world.write("new.txt", &BIG.new);
    let url = index.simple_url();
    for file in ["new.txt", "old.txt"] {
        world.run(&["install", "-r", file, "--venv", "env", "-i", &url]).expect(0);
    }
    let before = snapshot(&world.path("env"));
    // Launchers, RECORD and seals are smaller than this, the list of 5,000 steps is not.
    let set_up = "trap '' XFSZ; ulimit -f 100";
    let run = after(&world, set_up, &["install", "-r", "new.txt", "--venv", "env", "-i", &url]);
    run.expect(3).says("journal").says("File too large");
    assert!(before == snapshot(&world.path("env")), "nothing is left either");
    world.run(&["verify", "--python", "env"]).expect(0);
}

/// A mount that goes when the test ends.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Runs `mount`; nothing where this user may not.
fn mount(options: &[&str], target: &Path) -> Option<Mounted> {
    let output = Command::new("mount").args(options).arg(target).output();
    match output {
        Ok(output) if output.status.success() => Some(Mounted(target.to_owned())),
        _ => {
            // Past the capture of the test harness: a skipped test is to be seen.
            let _ = writeln!(std::io::stderr(), "skipped: mounting needs root ({options:?})");
            None
        }
    }
}

fn small_disk(world: &World, name: &str) -> Option<Mounted> {
    let path = world.path(name);
    fs::create_dir(&path).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=4m,mode=700", "none"], &path)
}

#[test]
fn a_full_disk_below_the_store() {
    let scene = Scene::new();
    scene.install("small.txt", "env", &[]).expect(0);
    let before = snapshot(&scene.world.path("env"));
    let Some(_disk) = small_disk(&scene.world, "disk") else { return };
    let run = scene.install("both.txt", "env", &["--cache-dir", "disk/cache"]);
    run.expect(3).says("error[disk-full]").says("No space left on device");
    assert!(before == snapshot(&scene.world.path("env")));
}

#[test]
fn a_full_disk_below_the_environment() {
    let scene = Scene::new();
    scene.install("both.txt", "other", &[]).expect(0);
    let Some(_disk) = small_disk(&scene.world, "disk") else { return };
    scene.install("small.txt", "disk/env", &[]).expect(0);
    let before = snapshot(&scene.world.path("disk"));
    let run = scene.install("both.txt", "disk/env", &[]);
    run.expect(3).says("error[disk-full]").says("large.bin").says("No space left on device");
    assert!(before == snapshot(&scene.world.path("disk")), "nothing is left either");
    scene.install("both.txt", "disk/new", &[]).expect(3).says("error[disk-full]");
    assert!(before == snapshot(&scene.world.path("disk")));
}

/// A folder of which the kernel says that it is read-only.
fn read_only(path: &Path) -> Option<Mounted> {
    let text = path.to_str()?;
    let mounted = mount(&["--bind", text], path)?;
    mount(&["-o", "remount,bind,ro"], path).map(|second| {
        std::mem::forget(second);
        mounted
    })
}

#[test]
fn a_read_only_target_is_read_and_never_changed() {
    let scene = Scene::new();
    fs::create_dir(scene.world.path("disk")).unwrap();
    scene.install("small.txt", "disk/env", &[]).expect(0);
    let Some(_disk) = read_only(&scene.world.path("disk")) else { return };
    let before = snapshot(&scene.world.path("disk"));
    scene.world.run(&["verify", "--python", "disk/env"]).expect(0).says("as installed");
    scene.world.run(&["list", "--python", "disk/env"]).expect(0).says("small");
    scene.install("small.txt", "disk/env", &[]).expect(0).says("nothing to change");
    for (file, venv) in [("both.txt", "disk/env"), ("both.txt", "disk/new")] {
        scene.install(file, venv, &[]).expect(3).says("Read-only file system");
    }
    let run = scene.world.run(&["uninstall", "--python", "disk/env", "small"]);
    run.expect(3).says("Read-only file system");
    assert!(before == snapshot(&scene.world.path("disk")));
}

/// For root, who may write everywhere, to be like everybody else.
const UNPRIVILEGED: &str = "true; if [ \"$(id -u)\" = 0 ]; then \
     exec setpriv --bounding-set=-dac_override,-dac_read_search,-fowner \"$0\" \"$@\"; fi";

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn no_permission_at_the_start_or_in_the_middle() {
    let (world, index) = (World::new(), BIG.serve());
    world.write("old.txt", &BIG.old);
    world.write("new.txt", &BIG.new);
    let url = index.simple_url();
    for file in ["new.txt", "old.txt"] {
        world.run(&["install", "-r", file, "--venv", "env", "-i", &url]).expect(0);
    }
    let (root, site) = (world.path("env"), world.site());
    // The whole environment, its packages, and one package of sixty.
    for locked in [root.clone(), site.clone(), site.join("p31")] {
        set_mode(&locked, 0o555);
        let before = snapshot(&root);
        let install = ["install", "-r", "new.txt", "--venv", "env", "-i", &url];
        let run = after(&world, UNPRIVILEGED, &install);
        run.expect(3).says("Permission denied").says(locked.to_str().unwrap());
        assert!(before == snapshot(&root), "{}", locked.display());
        let uninstall = ["uninstall", "--python", "env", "p31"];
        after(&world, UNPRIVILEGED, &uninstall).expect(3).says("Permission denied");
        assert!(before == snapshot(&root), "{}", locked.display());
        after(&world, UNPRIVILEGED, &["verify", "--python", "env"]).expect(0);
        set_mode(&locked, 0o755);
    }
    set_mode(&world.path(""), 0o555);
    let new =
        after(&world, UNPRIVILEGED, &["install", "-r", "new.txt", "--venv", "new", "-i", &url]);
    set_mode(&world.path(""), 0o755);
    new.expect(3).says("error[no-permission]").says("Permission denied");
    assert!(!world.path("new").exists());
}

#[test]
fn a_store_that_is_read_only_still_serves_what_it_has() {
    let scene = Scene::new();
    scene.install("small.txt", "env", &[]).expect(0);
    let cache = scene.world.home(".cache");
    let Some(_disk) = read_only(&cache) else { return };
    let before = snapshot(&cache);
    scene.install("small.txt", "new", &[]).expect(0).says(" + small 1.0");
    scene.world.run(&["verify", "--python", "new"]).expect(0);
    scene.install("both.txt", "new", &[]).expect(3).says("Read-only file system");
    assert!(before == snapshot(&cache));
}
