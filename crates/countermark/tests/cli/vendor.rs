//! `port vendor/`: which releases the packages of a folder are.

use std::path::Path;

use countermark_testkit::index::{Behaviour, IndexServer, RecordedRequest, Scenario, ServedFile};
use countermark_testkit::wheel::{Archive, Member, Wheel};

use crate::support::{Run, World, sha256};

/// A package with an empty file, one that says the version, and one that all releases share.
fn wheel(name: &str, version: &str) -> Wheel {
    let mut wheel = Wheel::new(name, version);
    wheel.members = files(name, version)
        .iter()
        .map(|(path, content)| Member::file(path, content.as_bytes()))
        .collect();
    wheel.more = vec![("LICENSE".to_owned(), b"Do as you please.\n".to_vec())];
    wheel
}

fn files(name: &str, version: &str) -> [(String, String); 4] {
    [
        (format!("{name}/__init__.py"), String::new()),
        (format!("{name}/core.py"), format!("# {name} {version}\none\ntwo\nthree\n")),
        (format!("{name}/shared.py"), format!("# {name}, in every release\n")),
        (format!("{name}/inner/deep.py"), format!("# {name} {version}, deep\n")),
    ]
}

fn index(wheels: &[&Wheel]) -> IndexServer {
    let scenario = wheels.iter().fold(Scenario::new(), |scenario, wheel| {
        scenario.file(&wheel.name, ServedFile::honest(&wheel.filename(), wheel.build()))
    });
    IndexServer::start(scenario)
}

/// Puts the files of a release into `vendor/`, as somebody who copies them.
fn copy(world: &World, name: &str, version: &str) {
    for (path, content) in files(name, version) {
        world.write(&format!("vendor/{path}"), content);
    }
}

fn line(wheel: &Wheel) -> String {
    let digest = sha256(&wheel.build());
    format!("{}=={} \\\n    --hash=sha256:{digest}\n", wheel.name, wheel.version)
}

fn port(world: &World, index: &IndexServer, more: &[&str]) -> Run {
    let url = index.simple_url();
    let mut arguments = vec!["port", "vendor", "--index-url", &url];
    arguments.extend(more);
    world.run(&arguments)
}

#[test]
fn an_exact_copy_is_found_among_several_releases() {
    let wheels = [wheel("pot", "1.0"), wheel("pot", "1.1"), wheel("pot", "2.0")];
    let index = index(&[&wheels[0], &wheels[1], &wheels[2]]);
    let world = World::new();
    copy(&world, "pot", "1.1");
    let run = port(&world, &index, &[]);
    run.expect(0).says("pot: pot 1.1, exactly as in pot-1.1-py3-none-any.whl (4 files)");
    assert_eq!(run.stdout, line(&wheels[1]));
    // What it says is what installs.
    world.write("requirements.txt", &run.stdout);
    world.install(&index.simple_url(), &[]).expect(0).says(" + pot 1.1");
    // Compiled files, and a licence that was copied out of the metadata, are no changes.
    world.write("vendor/pot/__pycache__/core.cpython-312.pyc", "x");
    world.write("vendor/pot/LICENSE", "Do as you please.\n");
    assert_eq!(port(&world, &index, &[]).expect(0).stdout, line(&wheels[1]));
    // Another licence is one.
    world.write("vendor/pot/LICENSE", "Do not.\n");
    port(&world, &index, &[]).expect(1).says("added    pot/LICENSE");
}

#[test]
fn what_the_folder_says_is_looked_at_first_and_only_then() {
    let wheels: Vec<Wheel> = (0..20).map(|minor| wheel("pot", &format!("1.{minor}"))).collect();
    let index = index(&wheels.iter().collect::<Vec<_>>());
    let says: [(&str, &str); 3] = [
        ("vendor/vendor.txt", "pot==1.3 # patched\n"),
        ("vendor/pot-1.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: pot\nVersion: 1.3\n"),
        ("vendor/pot/_version.py", "__version__ = '1.3'\n"),
    ];
    for (path, text) in says {
        let world = World::new();
        copy(&world, "pot", "1.3");
        world.write(path, text);
        index.forget_requests();
        let run = port(&world, &index, &[]);
        assert_eq!(run.stdout, line(&wheels[3]), "{path}");
        let lines = index.request_lines();
        let asked: Vec<&String> = lines.iter().filter(|it| it.contains("/files/")).collect();
        let first = asked.first().expect("a file");
        assert!(first.contains("pot-1.3-"), "{path}: {asked:?}");
    }
    // Without a word the lists in all wheels are read, and only the right one is downloaded.
    let world = World::new();
    copy(&world, "pot", "1.3");
    index.forget_requests();
    assert_eq!(port(&world, &index, &[]).expect(0).stdout, line(&wheels[3]));
    let requests = index.requests();
    let whole = requests.iter().filter(|it| it.path().contains("/files/"));
    let whole: Vec<&str> =
        whole.filter(|it| it.header("range").is_none()).map(RecordedRequest::path).collect();
    assert_eq!(whole, ["/files/pot-1.3-py3-none-any.whl"]);
}

#[test]
fn a_server_without_parts_of_files_gives_a_few_of_them_whole() {
    let wheels: Vec<Wheel> = (0..20).map(|minor| wheel("pot", &format!("1.{minor}"))).collect();
    let index = index(&wheels.iter().collect::<Vec<_>>());
    index.change(Scenario::without_ranges);
    let world = World::new();
    copy(&world, "pot", "1.9");
    assert_eq!(port(&world, &index, &[]).expect(0).stdout, line(&wheels[9]));
    // Of what is older nothing is known, and that is said.
    copy(&world, "pot", "1.3");
    port(&world, &index, &[])
        .expect(1)
        .says("`pot` is pot 1.19 with changes")
        .says("8 releases of pot could not be looked at");
}

#[test]
fn of_wheels_for_different_interpreters_one_that_fits_is_pinned() {
    let tagged = |tag: &str| Wheel { tag: tag.to_owned(), ..wheel("pot", "1.0") };
    let abi = "cp312-cp312-macosx_11_0_arm64";
    let (foreign, fitting) = (tagged(abi), tagged("py3-none-manylinux_2_17_x86_64.linux_x86_64"));
    let pure = tagged("py3-none-any");
    let index = index(&[&foreign, &fitting]);
    let world = World::new();
    copy(&world, "pot", "1.0");
    let run = port(&world, &index, &[]);
    let expect = if cfg!(target_arch = "x86_64") { &fitting } else { &foreign };
    assert_eq!(run.expect(0).stdout, line(expect));
    // One for every interpreter is better still.
    index.change(|scenario| {
        scenario.file("pot", ServedFile::honest(&pure.filename(), pure.build()))
    });
    assert_eq!(port(&world, &index, &[]).expect(0).stdout, line(&pure));
}

#[test]
fn a_modified_copy_gives_the_pin_of_the_release_and_a_list_of_changes() {
    let (pot, lid) = (wheel("pot", "1.0"), wheel("lid", "1.0"));
    let index = index(&[&pot, &lid]);
    let world = World::new();
    copy(&world, "pot", "1.0");
    copy(&world, "lid", "1.0");
    world.write("vendor/pot/core.py", "# pot 1.0\none\nTWO\nmore\nthree\n");
    world.write("vendor/pot/extra.py", "new\n");
    std::fs::remove_file(world.path("vendor/pot/inner/deep.py")).expect("a file");
    let run = port(&world, &index, &[]);
    run.expect(1)
        .says("error[vendored-modified]: `pot` is pot 1.0 with changes")
        .says("the pin is that of the unmodified release")
        .says("changed  pot/core.py, +2 -1 lines")
        .says("left out pot/inner/deep.py")
        .says("added    pot/extra.py")
        .says("lid: lid 1.0, exactly as in");
    assert_eq!(run.stdout, line(&lid) + &line(&pot));
    // Into a file, the same.
    let written = port(&world, &index, &["-o", "requirements.txt"]);
    written.expect(1);
    assert_eq!((world.read("requirements.txt"), written.stdout.as_str()), (run.stdout, ""));
}

#[test]
fn the_release_that_agrees_best_is_named() {
    let (first, second) = (wheel("pot", "1.0"), wheel("pot", "2.0"));
    let index = index(&[&first, &second]);
    let world = World::new();
    copy(&world, "pot", "1.0");
    world.write("vendor/pot/core.py", "# rewritten\n");
    port(&world, &index, &[]).expect(1).says("`pot` is pot 1.0 with changes");
    // The list is wrong, and the bytes decide.
    world.write("vendor/vendor.txt", "pot==3.0\n");
    let run = port(&world, &index, &[]);
    assert_eq!(run.expect(1).stdout, line(&first));
}

#[test]
fn a_module_and_a_package_of_another_name_are_found() {
    let module = Wheel::new("spout", "1.4").file("spout.py", b"VERSION = '1.4'\n");
    let mut other = wheel("handle", "2.0");
    other.name = "PyHandle".to_owned();
    other.dist_info = "PyHandle-2.0.dist-info".to_owned();
    other.metadata = Some("Metadata-Version: 2.1\nName: PyHandle\nVersion: 2.0\n".to_owned());
    let index = index(&[&module]);
    index.change(|scenario| {
        scenario.file("pyhandle", ServedFile::honest(&other.filename(), other.build()))
    });
    let world = World::new();
    world.write("vendor/__init__.py", "");
    world.write("vendor/README.rst", "");
    world.write("vendor/spout.py", "VERSION = '1.4'\n");
    copy(&world, "handle", "2.0");
    world.write("vendor/vendored.txt", "# where it is from\nPyHandle==2.0\n");
    let run = port(&world, &index, &[]);
    let digest = sha256(&other.build());
    let handle = format!("pyhandle==2.0 \\\n    --hash=sha256:{digest}\n");
    assert_eq!(run.expect(0).stdout, handle.clone() + &line(&module));
    // The same, where the metadata says it.
    std::fs::remove_file(world.path("vendor/vendored.txt")).expect("a file");
    let info = "vendor/PyHandle-2.0.dist-info";
    world.write(&format!("{info}/METADATA"), other.metadata.clone().expect("one"));
    world.write(&format!("{info}/RECORD"), "handle/__init__.py,,\nhandle/core.py,,\n");
    assert_eq!(port(&world, &index, &[]).expect(0).stdout, handle + &line(&module));
}

#[test]
fn releases_that_share_a_folder_are_told_apart_by_their_records() {
    let part =
        |name: &str| Wheel::new(name, "1.0").file(&format!("tea/{name}.py"), name.as_bytes());
    let (pot, lid) = (part("pot"), part("lid").file("lid.pth", b"import tea.lid\n"));
    let index = index(&[&pot, &lid]);
    let world = World::new();
    for (wheel, record) in [(&pot, "tea/pot.py,,\n"), (&lid, "tea/lid.py,,\nlid.pth,,\n")] {
        world.write(&format!("vendor/tea/{}.py", wheel.name), &wheel.name);
        let info = format!("vendor/{}", wheel.dist_info);
        world.write(&format!("{info}/METADATA"), wheel.metadata.as_ref().expect("one"));
        world.write(&format!("{info}/RECORD"), record);
    }
    world.write("vendor/lid.pth", "import tea.lid\n");
    let run = port(&world, &index, &[]);
    assert_eq!(run.expect(0).stdout, line(&lid) + &line(&pot));
    // What no record has is no part of any of them, and neither is what runs when Python starts.
    world.write("vendor/tea/more.py", "");
    world.write("vendor/evil.pth", "import os\n");
    let run = port(&world, &index, &[]);
    run.expect(1).says("added    tea/more.py").says("`evil.pth` is like no release");
    assert_eq!(run.stdout, line(&lid) + &line(&pot));
    let asked = index.request_lines();
    assert!(asked.iter().all(|request| !request.contains("evil")), "{asked:?}");
}

#[test]
fn wheels_and_source_packages_are_pinned_by_their_bytes() {
    let (pot, lid) = (wheel("pot", "1.0"), wheel("lid", "1.0"));
    let sdist = b"a source package".to_vec();
    let index = index(&[&pot]);
    index.change(|scenario| {
        let other = ServedFile::honest(&lid.filename(), b"other bytes".to_vec());
        let silent = ServedFile::honest("cup-1.0.tar.gz", sdist.clone())
            .advertise(|advertised| advertised.digests.clear());
        scenario.file("lid", other).file("cup", silent)
    });
    let world = World::new();
    world.write(&format!("vendor/{}", pot.filename()), pot.build());
    world.write(&format!("vendor/{}", lid.filename()), lid.build());
    world.write("vendor/pot-1.0.tar.gz", &sdist);
    world.write("vendor/cup-1.0.tar.gz", &sdist);
    let expect =
        format!("cup==1.0 \\\n    --hash=sha256:{0}\n{1}pot==1.0", sha256(&sdist), line(&lid),);
    let run = world.run(&["port", "vendor"]);
    run.expect(0).says("pinned by its bytes");
    assert!(run.stdout.starts_with(&expect), "{}", run.stdout);
    for bytes in [&pot.build(), &sdist] {
        let hash = format!("    --hash=sha256:{}", sha256(bytes));
        assert!(run.stdout.contains(&hash), "{}", run.stdout);
    }
    assert!(index.requests().is_empty(), "nobody asked to compare");
    let compared = port(&world, &index, &["--compare"]);
    compared
        .expect(1)
        .says(&format!("{}: the index has the same file", pot.filename()))
        .says("cup-1.0.tar.gz: the index has the same file")
        .says(&format!("error[vendored-differs]: the index has another `{}`", lid.filename()))
        .says("error[vendored-not-listed]: the index does not list `pot-1.0.tar.gz`");
    assert_eq!(compared.stdout, run.stdout);
}

#[cfg(unix)]
#[test]
fn a_name_of_a_file_forges_no_message() {
    let index = index(&[&wheel("pot", "1.0")]);
    let world = World::new();
    world.write("vendor/a\nerror[none].py", "x = 1\n");
    let run = port(&world, &index, &[]);
    run.expect(1).says("error[vendored-unknown]: `a\\nerror[none].py`");
    assert!(!run.stderr.contains("\nerror[none]"), "{}", run.stderr);
}

#[test]
fn what_is_on_no_index_is_said_and_the_others_are_printed() {
    let pot = wheel("pot", "1.0");
    let index = index(&[&pot]);
    let world = World::new();
    copy(&world, "pot", "1.0");
    copy(&world, "ours", "1.0");
    world.write("vendor/nonsense.whl", "x");
    let run = port(&world, &index, &[]);
    run.expect(1)
        .says("error[vendored-unknown]: `ours` is like no release that was looked at")
        .says("no index has `ours`")
        .says("error[vendored-unknown]: `vendor/nonsense.whl` does not say which release it is");
    assert_eq!(run.stdout, line(&pot));
    // Who has said which release it is need not be told to say it.
    run.says("hint: name its release");
    world.write("vendor/vendor.txt", "ours==1.0\n");
    port(&world, &index, &[]).expect(1).never_says("hint: name its release");
    std::fs::remove_file(world.path("vendor/vendor.txt")).expect("a file");
    // A name that somebody else has is not enough.
    index.change(|scenario| {
        let theirs = Wheel::new("ours", "9.0").file("ours/__init__.py", b"");
        scenario.file("ours", ServedFile::honest(&theirs.filename(), theirs.build()))
    });
    let run = port(&world, &index, &[]);
    run.expect(1).says("its files are not those of 1 of 1 releases of `ours`");
    assert_eq!(run.stdout, line(&pot));
}

#[test]
fn an_index_that_does_not_answer_decides_nothing() {
    let (pot, lid) = (wheel("pot", "1.0"), wheel("lid", "1.0"));
    let index = index(&[&pot, &lid]);
    let world = World::new();
    copy(&world, "pot", "1.0");
    copy(&world, "lid", "1.0");
    index.change(|scenario| {
        scenario.on("/simple/lid/", Behaviour::Status { code: 403, retry_after: None })
    });
    let run = port(&world, &index, &[]);
    run.expect(3).says("`lid` is undecided: cannot ask");
    assert_eq!(run.stdout, line(&pot));
    port(&world, &index, &["--offline"])
        .expect(3)
        .says("error[offline]: `pot` is undecided")
        .says("error[offline]: `lid` is undecided");
    // A no is worse than not knowing.
    copy(&world, "ours", "1.0");
    port(&world, &index, &[]).expect(1).says("`lid` is undecided").says("`ours` is like no");
}

#[test]
fn a_wheel_that_is_not_what_the_index_claims_is_not_compared_with() {
    let pot = wheel("pot", "1.0");
    let other = wheel("pot", "2.0").build();
    let index = IndexServer::start(
        Scenario::new()
            .file("pot", ServedFile::honest(&pot.filename(), pot.build()).but_serves(other)),
    );
    let world = World::new();
    copy(&world, "pot", "1.0");
    let run = port(&world, &index, &[]);
    run.expect(1).says("error[false-claim]");
    assert_eq!(run.stdout, "");
}

#[test]
fn two_releases_of_one_project_are_told() {
    let (first, second) = (wheel("pot", "1.0"), wheel("pot", "2.0"));
    let world = World::new();
    for wheel in [&first, &second] {
        world.write(&format!("vendor/{}", wheel.filename()), wheel.build());
    }
    let run = world.run(&["port", "vendor"]);
    run.expect(1).says("error[vendored-twice]: several releases of `pot`: 1.0, 2.0");
    assert_eq!(run.stdout, line(&first) + &line(&second));
}

#[test]
fn links_in_the_folder_lead_nowhere() {
    let pot = wheel("pot", "1.0");
    let index = index(&[&pot]);
    let world = World::new();
    copy(&world, "pot", "1.0");
    world.write("outside/secret.py", "secret = 1\n");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(world.path(target), world.path(name)).expect("a link");
    };
    link("outside", "vendor/lid");
    link("outside/secret.py", "vendor/spout.py");
    link("vendor", "vendor/pot/loop");
    let run = port(&world, &index, &[]);
    assert_eq!(run.expect(0).stdout, line(&pot));
    assert!(!Path::new(&world.path("env")).exists());
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let world = World::new();
    world.write("requirements.txt", "");
    world.write("vendor/readme", "");
    let check = |arguments: &[&str], code: i32, text: &str| {
        world.run(&[&["port"], arguments].concat()).expect(code).says(text);
    };
    check(&["vendor", "--write"], 2, "`--write` changes files");
    check(&["requirements.txt", "-o", "x"], 2, "are for folders");
    check(&["requirements.txt", "--compare"], 2, "are for folders");
    check(&["vendor"], 1, "`vendor` holds no package, wheel or source package");
    check(&["missing"], 2, "cannot read `missing`");
    check(&["vendor", "--trusted-host", "x"], 2, "would weaken a check");
}

#[test]
fn an_archive_that_could_not_be_installed_is_compared_with_nothing() {
    let mut archive: Archive = wheel("pot", "1.0").archive();
    archive.members.push(Member::file("../escape.py", b"x"));
    let index = IndexServer::start(
        Scenario::new()
            .file("pot", ServedFile::honest("pot-1.0-py3-none-any.whl", archive.write())),
    );
    let world = World::new();
    copy(&world, "pot", "1.0");
    let run = port(&world, &index, &[]);
    assert_eq!(run.expect(1).stdout, "");
}
