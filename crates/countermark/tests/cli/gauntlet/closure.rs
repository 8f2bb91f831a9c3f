//! Rows 46 to 53 (without 47, 48 and 52): what is missing, what is there already, what was altered.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;

#[test]
fn g46_dependency_that_is_not_listed() {
    let needy = alpha().requires("beta>=1").requires("gamma; python_version < '3'");
    let g = Gauntlet::with(&[&needy, &beta()]);
    g.requirements(pinned("alpha", "1.0", &needy.build()));
    let run = g.refuses(1);
    run.says("error[missing-dependency]").says("`beta>=1").says("requirements.txt:1:1");
    run.says("--no-deps").never_says("gamma");
    // From the store as well.
    g.refuses_unasked(1).says("error[missing-dependency]");
    // Listed in a version that does not do.
    let old = simple_wheel("beta", "0.5");
    g.index
        .change(|scenario| scenario.file("beta", ServedFile::honest(&old.filename(), old.build())));
    let listed = pinned("alpha", "1.0", &needy.build());
    g.requirements(listed.clone() + &pinned("beta", "0.5", &old.build()));
    g.refuses(1).says("error[unsatisfied-dependency]").says("requirements.txt:1:1");
    g.requirements(listed.clone() + &pinned("beta", "1.0", &beta().build())).accepts();
    // Explicitly without: a note.
    g.world.run(&["uninstall", "--python", "env", "alpha", "beta"]).expect(0);
    let run = g.requirements(listed).accepts_with(&["--no-deps"]);
    run.says("note[missing-dependency]").says("`beta>=1");
    g.has("alpha", "1.0");
    assert!(!g.world.site().join("beta.py").exists());
}

/// The environment has its own copies, so that changing it does not change the store.
fn with_copies(wheels: &[&Wheel], text: &str) -> Gauntlet {
    let g = Gauntlet::with(wheels);
    g.requirements(text).accepts_with(&["--link-mode", "copy"]);
    g
}

/// What is done to an installed module, and its name.
type Change = (&'static str, fn(&Path));

#[test]
fn g49_installed_files_that_were_changed() {
    let text = pinned("alpha", "1.0", &alpha().build());
    let changes: [Change; 5] = [
        ("appended", |module| {
            let changed = fs::read_to_string(module).expect("a module") + "import evil\n";
            fs::write(module, changed).expect("a module");
        }),
        ("same size and time", |module| {
            let time = fs::metadata(module).and_then(|it| it.modified()).expect("a time");
            let text = fs::read_to_string(module).expect("a module");
            fs::write(module, text.replace("1.0", "9.9")).expect("a module");
            let file = fs::File::options().append(true).open(module).expect("a module");
            file.set_modified(time).expect("a time");
        }),
        ("removed", |module| fs::remove_file(module).expect("a module")),
        ("a link", |module| {
            fs::rename(module, module.with_extension("elsewhere")).expect("a module");
            symlink(module.with_extension("elsewhere"), module).expect("a link");
        }),
        ("executable", |module| {
            fs::set_permissions(module, fs::Permissions::from_mode(0o755)).expect("a mode");
        }),
    ];
    for (what, change) in changes {
        let g = with_copies(&[&alpha()], &text);
        change(&g.world.site().join("alpha.py"));
        let run = g.refuses_unasked(1);
        run.says("error[environment-changed]").says("alpha.py").says("requirements.txt:1:1");
        let verify = ["verify", "--python", "env"];
        g.unchanged_by(1, || g.world.run(&verify)).says("alpha.py");
        g.accepts_with(&["--reinstall"]).says("put back");
        g.has("alpha", "1.0");
        if what != "a link" {
            g.world.run(&verify).expect(0);
        }
        g.accepts().says("nothing to change");
    }
}

/// By linked files an edit in one environment is an edit in the store, and found all the same.
#[test]
fn g49_installed_files_that_were_changed_with_links() {
    let g = Gauntlet::with(&[&alpha()]);
    g.requirements(pinned("alpha", "1.0", &alpha().build())).accepts();
    let module = g.world.site().join("alpha.py");
    let changed = fs::read_to_string(&module).expect("a module") + "import evil\n";
    fs::write(&module, changed).expect("a module");
    g.refuses_unasked(1).says("error[environment-changed]").says("alpha.py");
    g.accepts_with(&["--reinstall"]).says("put back");
    g.has("alpha", "1.0");
    g.world.run(&["verify", "--python", "env"]).expect(0);
}

#[test]
fn g50_installed_without_a_record() {
    let g = Gauntlet::with(&[&alpha()]);
    let site = g.world.site();
    let info = site.join("alpha-1.0.dist-info");
    fs::create_dir(&info).expect("a folder");
    fs::write(site.join("alpha.py"), "VERSION = 'who knows'\n").expect("a file");
    fs::write(info.join("METADATA"), "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n")
        .expect("a file");
    fs::write(info.join("INSTALLER"), "pip\n").expect("a file");
    let record = "alpha.py,,\nalpha-1.0.dist-info/METADATA,,\nalpha-1.0.dist-info/INSTALLER,,\n\
                  alpha-1.0.dist-info/RECORD,,\n";
    fs::write(info.join("RECORD"), record).expect("a file");
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    let verify = ["verify", "--python", "env"];
    g.world.run(&verify).expect(0).says("unproven alpha").says("pip");
    g.unchanged_by(1, || g.world.run(&["verify", "--python", "env", "--strict"])).says("unproven");
    g.refuses_with(1, &["--strict"]).says("error[unproven]").says("`alpha` 1.0");
    // Otherwise it is said, and replaced by what was checked.
    g.accepts().says("note[unproven]").says("`alpha` 1.0");
    g.has("alpha", "1.0");
    g.world.run(&[&verify[..], &["--strict"]].concat()).expect(0).never_says("unproven");
}

/// The stored file with the module of `alpha`.
fn stored_module(g: &Gauntlet) -> PathBuf {
    let files = fs::read_dir(g.entry(&alpha().build()).join("f")).expect("an entry");
    let mut files = files.filter_map(Result::ok).map(|item| item.path());
    let is_module = |path: &PathBuf| fs::read(path).is_ok_and(|it| it.starts_with(b"VERSION"));
    files.find(is_module).expect("the module")
}

/// Appends to a file as somebody who may write the store would.
fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut file = fs::File::options().append(true).open(path).expect("a stored file");
    file.write_all(text.as_bytes()).expect("a stored file");
}

/// A gauntlet whose store has `alpha`, which no environment has.
fn with_stored_alpha() -> Gauntlet {
    let g = Gauntlet::with(&[&alpha()]);
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.accepts_with(&["--dry-run"]);
    g.index.forget_requests();
    g
}

#[test]
fn g51_altered_store() {
    let check = |alter: fn(&Gauntlet), says: &str| {
        for mode in ["auto", "full"] {
            let g = with_stored_alpha();
            alter(&g);
            g.unchanged_by(1, || g.world.run(&["cache", "verify"])).says("error[store-altered]");
            let run = g.accepts_with(&["--check", mode]);
            g.has("alpha", "1.0");
            run.says("note[store-altered]").says(says);
            g.world.run(&["verify", "--python", "env"]).expect(0);
            g.world.run(&["cache", "verify"]).expect(0);
        }
    };
    check(|g| append(&stored_module(g), "import evil\n"), "again from its archive");
    check(|g| fs::remove_file(stored_module(g)).expect("a file"), "again from its archive");
    check(
        |g| {
            let module = stored_module(g);
            fs::remove_file(&module).expect("a file");
            symlink("/etc/passwd", module).expect("a link");
        },
        "again from its archive",
    );
    check(|g| append(&g.entry(&alpha().build()).join("tree"), "\n"), "again from its archive");
    // The list and the files are those of another wheel, and agree with each other.
    check(
        |g| {
            let evil = simple_wheel("alpha", "1.0").file("evil.py", b"import os\n");
            let other = Gauntlet::with(&[&evil]);
            other.requirements(pinned("alpha", "1.0", &evil.build())).accepts_with(&["--dry-run"]);
            let (from, to) = (other.entry(&evil.build()), g.entry(&alpha().build()));
            fs::remove_dir_all(to.join("f")).expect("files");
            fs::rename(from.join("f"), to.join("f")).expect("files");
            fs::rename(from.join("tree"), to.join("tree")).expect("a list");
        },
        "again from its archive",
    );
    check(
        |g| fs::remove_file(g.entry(&alpha().build()).join("tree")).expect("a list"),
        "again from its archive",
    );
}

/// A file that no list has: never installed, whatever its name.
#[test]
fn g51_stray_file_in_the_store() {
    for name in ["evil.pth", "99"] {
        let g = with_stored_alpha();
        let files = g.entry(&alpha().build()).join("f");
        fs::write(files.join(name), "import evil\n").expect("a stray file");
        g.unchanged_by(1, || g.world.run(&["cache", "verify"])).says(name);
        g.accepts();
        g.has("alpha", "1.0");
        assert!(!g.world.site().join(name).exists());
        g.world.run(&["verify", "--python", "env"]).expect(0).says("as installed");
    }
}

/// Compiled files in the store are looked at as well.
#[test]
fn g51_altered_bytecode() {
    for mode in ["auto", "full"] {
        let g = Gauntlet::with(&[&alpha()]);
        let text = pinned("alpha", "1.0", &alpha().build());
        g.requirements(&text).accepts_with(&["--compile"]);
        g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
        let stored = snapshot(&g.entry(&alpha().build()));
        let is_compiled = |path: &&PathBuf| {
            path.to_string_lossy().starts_with("c-") && path.components().count() == 2
        };
        let compiled = stored.keys().find(is_compiled).expect("a compiled file");
        let right = &stored[compiled].1;
        let path = g.entry(&alpha().build()).join(compiled);
        append(&path, "more");
        g.accepts_with(&["--compile", "--check", mode]);
        let folder = g.world.site().join("__pycache__");
        let installed = fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
        let mut installed =
            installed.filter(|item| item.file_name().to_string_lossy().starts_with("alpha."));
        let module = installed.next().expect("a compiled module").path();
        // Apart from the time of the source in bytes 8 to 12 (PEP 552): it may be unpacked again.
        let found = fs::read(module).expect("a file");
        assert_eq!((&found[..8], &found[12..]), (&right[..8], &right[12..]));
        g.world.run(&["verify", "--python", "env"]).expect(0).says("as installed");
    }
}

/// When the archive is altered too, nothing in the store is of use: it is downloaded again.
#[test]
fn g51_altered_store_and_archive() {
    let archive = |g: &Gauntlet| g.entry(&alpha().build()).join(alpha().filename());
    for change in [0, 1, 2] {
        let g = with_stored_alpha();
        append(&archive(&g), "more");
        match change {
            0 => {}
            1 => append(&stored_module(&g), "import evil\n"),
            _ => append(&g.entry(&alpha().build()).join("tree"), "\n"),
        }
        g.unchanged_by(1, || g.world.run(&["cache", "verify"])).says("error[store-altered]");
        g.accepts();
        g.has("alpha", "1.0");
        // The archive alone is not needed to install; the other two cases need it.
        assert_eq!(g.downloads(&alpha().filename()), usize::from(change > 0), "{change}");
    }
}

/// A cache that came from elsewhere, with nothing of the private state: an archive, a list and
/// files that agree with each other and not with the pin.
#[test]
fn g51_restored_cache() {
    let evil = simple_wheel("alpha", "1.0").file("evil.py", b"import os\n");
    let g = Gauntlet::with(&[&alpha()]);
    let other = Gauntlet::with(&[&evil]);
    other.requirements(pinned("alpha", "1.0", &evil.build())).accepts_with(&["--dry-run"]);
    fs::rename(other.entry(&evil.build()), g.entry(&alpha().build())).expect("a poisoned entry");
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.accepts().says("note[store-altered]");
    g.has("alpha", "1.0");
    assert!(!g.world.site().join("evil.py").exists());
    assert_eq!(g.downloads(&alpha().filename()), 1);
    // And an honest one is used without the network, after every byte was compared.
    let g = with_stored_alpha();
    fs::remove_dir_all(g.world.home(".local/state/countermark")).expect("the state");
    g.accepts().never_says("store-altered");
    g.has("alpha", "1.0");
    assert_eq!(g.downloads(&alpha().filename()), 0);
    append(&stored_module(&g), "import evil\n");
    fs::remove_dir_all(g.world.home(".local/state/countermark")).expect("the state");
    g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
    g.accepts().says("note[store-altered]");
    g.has("alpha", "1.0");
}

/// What is installed is what was checked, whatever a name means later. Shown here without a race:
/// the bytes behind a name change between the two moments at which they could be looked at. (A swap
/// while a download is unpacked is tried in the client's own tests, where the moment can be chosen.)
#[test]
fn g53_file_swapped_between_check_and_use() {
    // The server gives other bytes the second time: the first ones were hashed while they came, and
    // are not asked for again.
    let other = simple_wheel("alpha", "1.0").file("evil.py", b"import os\n").build();
    let path = format!("/files/{}", alpha().filename());
    let then = |first: Vec<u8>, second: Vec<u8>| {
        use countermark_testkit::index::Behaviour;
        let once =
            Behaviour::Replace { content_type: "application/zip".into(), body: first.into() };
        let file = ServedFile::honest(&alpha().filename(), alpha().build());
        let file = file.but_serves(second).advertise(|said| said.size = None);
        Gauntlet::new(Scenario::new().file("alpha", file).on_first(1, &path, once))
    };
    let text = pinned("alpha", "1.0", &alpha().build());
    let g = then(alpha().build(), other.clone());
    g.requirements(&text).accepts();
    g.has("alpha", "1.0");
    assert_eq!(g.downloads(&alpha().filename()), 1);
    let g = then(other, alpha().build());
    g.requirements(&text).refuses(1).says("error[digest-mismatch]");
    assert_eq!(g.downloads(&alpha().filename()), 1, "no second chance within a run");

    // A local wheel behind a link that leads elsewhere after the check: the store has a copy of
    // what was hashed, not the link.
    let g = Gauntlet::with(&[]);
    let filename = alpha().filename();
    g.world.write("good.zip", alpha().build());
    g.world.write("evil.zip", simple_wheel("alpha", "1.0").file("evil.py", b"").build());
    let link = g.world.path(&filename);
    symlink("good.zip", &link).expect("a link");
    g.requirements(format!("./{filename} --hash=sha256:{}\n", sha256(&alpha().build())));
    g.accepts_with(&["--dry-run"]);
    fs::remove_file(&link).expect("a link");
    symlink("evil.zip", &link).expect("a link");
    g.accepts();
    g.has("alpha", "1.0");
    assert!(!g.world.site().join("evil.py").exists());

    // The same file number in the store, replaced by a rename after the entry was checked and
    // sealed: another inode, so every byte is looked at again.
    let g = with_stored_alpha();
    let module = stored_module(&g);
    let time = fs::metadata(&module).and_then(|it| it.modified()).expect("a time");
    let swapped = module.with_extension("new");
    fs::write(&swapped, "VERSION = '6.6'\n").expect("a file");
    fs::File::options()
        .append(true)
        .open(&swapped)
        .and_then(|it| it.set_modified(time))
        .expect("a time");
    fs::rename(&swapped, &module).expect("a swap");
    g.accepts().says("note[store-altered]");
    g.has("alpha", "1.0");
}
