//! `relock`: locks that move to another index and back, against two indexes that keep their files
//! at different places.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};

use crate::support::{World, sha256, simple_wheel};

const NAMES: [&str; 3] = ["teapot", "kettle", "jug"];

fn bytes(name: &str) -> Vec<u8> {
    simple_wheel(name, "1.0").build()
}

fn filename(name: &str) -> String {
    simple_wheel(name, "1.0").filename()
}

/// An index that has all three, perhaps with something changed about each file.
fn index(change: impl Fn(&str, ServedFile) -> ServedFile) -> IndexServer {
    let scenario = NAMES.iter().fold(Scenario::new(), |scenario, name| {
        scenario.file(name, change(name, ServedFile::honest(&filename(name), bytes(name))))
    });
    IndexServer::start(scenario)
}

/// An index whose files are below another folder than those of the first one.
fn other() -> IndexServer {
    let server = index(|_, file| file);
    let place = format!("{}/+f", server.url());
    server.change(|scenario| {
        NAMES.iter().fold(scenario, |scenario, name| {
            let url = format!("{place}/{}", filename(name));
            scenario.project(name, |project| project.files[0].advertised.url = Some(url))
        })
    });
    server
}

fn file_url(server: &IndexServer, name: &str) -> String {
    server.file_url(&filename(name))
}

/// A lock of each format that points to an index, by the name of the file.
fn locks(index: &str, file: &dyn Fn(&str) -> String) -> Vec<(&'static str, String)> {
    let each = |write: &dyn Fn(&str, &str, &str) -> String| -> String {
        NAMES.iter().map(|name| write(name, &file(name), &sha256(&bytes(name)))).collect()
    };
    let uv = each(&|name, url, digest| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nsource = {{ registry = \"{index}\" }}\n\
             wheels = [\n    {{ url = \"{url}\", hash = \"sha256:{digest}\" }},\n]\n"
        )
    });
    let poetry = each(&|name, _, digest| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nfiles = [{{file = \"{}\", hash = \
             \"sha256:{digest}\"}}]\n[package.source]\ntype = \"legacy\"\nurl = \"{index}\"\n\n",
            filename(name)
        )
    });
    let pdm = each(&|name, url, digest| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nfiles = [\n    {{url = \"{url}\", \
             hash = \"sha256:{digest}\"}},\n]\n"
        )
    });
    let pipfile = each(&|name, _, digest| {
        format!(
            ",\n        \"{name}\": {{\"hashes\": [\"sha256:{digest}\"], \"version\": \"==1.0\"}}"
        )
    });
    let pylock = each(&|name, url, digest| {
        format!(
            "\n[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\nwheels = [{{url = \"{url}\", hashes = \
             {{sha256 = \"{digest}\"}}}}]\n"
        )
    });
    let conda = each(&|name, url, digest| {
        format!(
            "- name: {name}\n  version: '1.0'\n  manager: pip\n  platform: linux-64\n  url: {url}\n  hash:\n    \
             sha256: {digest}\n"
        )
    });
    let lines = each(&|name, _, digest| format!("{name}==1.0 --hash=sha256:{digest}\n"));
    vec![
        ("uv.lock", format!("version = 1\nrevision = 3\n{uv}")),
        ("poetry.lock", format!("{poetry}[metadata]\nlock-version = \"2.0\"\n")),
        ("pdm.lock", format!("[metadata]\nlock_version = \"4.5.0\"\n{pdm}")),
        (
            "Pipfile.lock",
            format!(
                "{{\"_meta\": {{\"pipfile-spec\": 6, \"sources\": [{{\"name\": \"x\", \"url\": \"{index}\"}}]}},\n    \
                 \"default\": {{{}\n    }}\n}}\n",
                &pipfile[1..]
            ),
        ),
        ("pylock.toml", format!("lock-version = \"1.0\"\ncreated-by = \"x\"\n{pylock}")),
        ("conda-lock.yml", format!("version: 1\npackage:\n{conda}")),
        ("requirements.txt", format!("# pins\n--index-url {index}\n{lines}")),
    ]
}

#[test]
fn every_format_moves_there_and_back() {
    let (old, new) = (index(|_, file| file), other());
    let world = World::new();
    let before = locks(&old.simple_url(), &|name| file_url(&old, name));
    for (name, text) in &before {
        world.write(name, text);
    }
    let relock = |to: &str, more: &[&str]| {
        let mut arguments = vec!["relock"];
        arguments.extend(before.iter().map(|(name, _)| *name));
        arguments.extend(["--to", to]);
        arguments.extend(more);
        world.run(&arguments)
    };
    let (there, back) = (new.simple_url(), old.simple_url());
    // Nothing is written by looking.
    relock(&there, &["--check"]).expect(1).says("points-elsewhere").says("uv.lock:7");
    relock(&there, &["--dry-run"]).expect(0).says("uv.lock: 6 URLs would point to");
    for (name, text) in &before {
        assert_eq!(world.read(name), *text);
    }
    relock(&there, &[]).expect(0).says("pdm.lock: 3 URLs now point to");
    for (name, _) in &before {
        let moved = world.read(name);
        assert!(!moved.contains(&old.url()), "{name}: {moved}");
        assert!(moved.contains(&new.url()), "{name}: {moved}");
    }
    assert!(world.read("uv.lock").contains("/+f/teapot"));
    relock(&there, &["--check"]).expect(0).says("requirements.txt: points to");
    relock(&there, &[]).expect(0).says("poetry.lock: points to").says("already");
    relock(&back, &[]).expect(0);
    for (name, text) in &before {
        assert_eq!(world.read(name), *text, "{name}");
    }
}

/// No request is needed for locks whose files are at the index's own host, or behind a rule.
#[test]
fn looking_needs_no_network_where_the_lock_tells() {
    let (old, new) = (index(|_, file| file), other());
    let world = World::new();
    let (url, there) = (old.simple_url(), new.simple_url());
    for (name, text) in locks(&url, &|name| file_url(&old, name)) {
        world.write(name, text);
    }
    let arguments = ["relock", "uv.lock", "pylock.toml", "requirements.txt", "--offline", "--to"];
    let run = |more: &[&str]| {
        let all: Vec<&str> = arguments.iter().copied().chain(more.iter().copied()).collect();
        world.run(&all)
    };
    run(&[&url, "--check"]).expect(0).says("uv.lock: points to");
    run(&[&there]).expect(3).says("offline").says("--files OLD=NEW");
    let rule = format!("{}/files/={}/+f/", old.url(), new.url());
    run(&[&there, "--check", "--files", &rule]).expect(1);
    run(&[&there, "--files", &rule]).expect(0).says("uv.lock: 6 URLs now point");
    run(&[&there, "--check", "--files", &rule]).expect(0);
    assert_eq!((old.requests().len(), new.requests().len()), (0, 0));
    run(&[&there, "--files", "x"]).expect(2).says("bad-option");
}

/// One lock, one index that is wrong about one file: nothing is written, of any lock.
fn refused(new: &IndexServer, code: i32, says: &str) {
    let old = index(|_, file| file);
    let world = World::new();
    let before = locks(&old.simple_url(), &|name| file_url(&old, name));
    for (name, text) in &before {
        world.write(name, text);
    }
    let run = world.run(&["relock", "requirements.txt", "uv.lock", "--to", &new.simple_url()]);
    run.expect(code).says(says).says("uv.lock:");
    for (name, text) in &before {
        assert_eq!(world.read(name), *text, "{name}");
    }
}

#[test]
fn a_file_that_is_not_there_keeps_everything_where_it_is() {
    let new = IndexServer::start(
        Scenario::new().file("teapot", ServedFile::honest(&filename("teapot"), bytes("teapot"))),
    );
    refused(&new, 1, "not-at-index");
}

#[test]
fn another_file_under_the_name_is_refused() {
    let new = index(|name, file| match name {
        "kettle" => ServedFile::honest(&filename(name), b"other".to_vec()),
        _ => file,
    });
    refused(&new, 1, "other-file");
}

#[test]
fn a_page_without_digests_decides_nothing() {
    let new = index(|name, file| match name {
        "jug" => file.advertise(|said| said.digests.clear()),
        _ => file,
    });
    refused(&new, 3, "not-compared");
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let world = World::new();
    let package = |name: &str, index: &str| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1\"\nsource = {{ registry = \"{index}\" }}\n"
        )
    };
    let one = "https://index.example.org/simple";
    let two = "https://private.example.org/simple";
    let text = format!("version = 1\n{}{}", package("a", one), package("b", two));
    world.write("uv.lock", &text);
    let to = "https://packages.example.org/simple/";
    let run = |more: &[&str]| {
        let all: Vec<&str> = ["relock", "uv.lock", "--offline", "--to"]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        world.run(&all)
    };
    run(&[to]).expect(2).says("names 2 indexes").says("--from INDEX");
    run(&[to, "--from", "https://other.example.org/"]).expect(2).says("does not name the index");
    run(&["ftp://x"]).expect(2).says("cannot be the address of an index");
    assert_eq!(world.read("uv.lock"), text);
    run(&[to, "--from", two]).expect(0).says("1 URL now point");
    assert_eq!(world.read("uv.lock"), text.replace(two, "https://packages.example.org/simple"));
    // Mistakes of all locks are told at once.
    world.write("uv.lock", "version = 2\n");
    world.write("pdm.lock", "x =\n");
    let run = world.run(&["relock", "uv.lock", "pdm.lock", "gone.lock", "--to", to]);
    run.expect(2).says("lock-version").says("pdm.lock:1").says("gone.lock");
    world.write("poetry.lock", "package = []\n[metadata]\nlock-version = \"2.0\"\n");
    world.run(&["relock", "poetry.lock", "--to", to]).expect(0).says("stores no URL");
}

#[test]
fn credentials_are_used_and_not_written() {
    let new = index(|_, file| file);
    new.change(|scenario| scenario.basic_auth("/", "bob", "hunter2"));
    let old = index(|_, file| file);
    let world = World::new();
    for (name, text) in locks(&old.simple_url(), &|name| file_url(&old, name)) {
        world.write(name, text);
    }
    let to = new.simple_url();
    world.run(&["relock", "uv.lock", "--to", &to]).expect(3);
    let with = to.replacen("://", "://bob:hunter2@", 1);
    let run = world.run(&["relock", "uv.lock", "requirements.txt", "--to", &with]);
    run.expect(0).says("uv.lock: 6 URLs now point to").never_says("hunter2");
    assert!(!world.read("uv.lock").contains("bob"));
    assert!(world.read("requirements.txt").contains(&format!("--index-url {to}\n")));
}
