//! What the pages' sessions run against: two indexes, and a few projects that exist nowhere else.
//!
//! Pages name `https://index.example.org` (which is configured) and `https://packages.example.org`;
//! here they are servers on the loopback interface, and the names are exchanged both ways.

use std::process::Stdio;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::{Wheel, wheel_text};

use crate::support::World;

/// A folder, a home and two indexes.
pub(super) struct DocsWorld {
    world: World,
    /// As pages write it, and what it is here.
    names: Vec<(&'static str, String)>,
    _servers: [IndexServer; 2],
}

impl DocsWorld {
    pub(super) fn new() -> Self {
        let mut world = World::new();
        let public = IndexServer::start(public());
        let private = IndexServer::start(private());
        world.set("PIP_INDEX_URL", &public.simple_url());
        let shown = |path: std::path::PathBuf| path.display().to_string();
        let work = shown(world.path(""));
        let names = vec![
            ("https://index.example.org", public.url()),
            ("https://packages.example.org", private.url()),
            ("/home/you/project", work.trim_end_matches('/').to_owned()),
            ("/home/you", shown(world.home("")).trim_end_matches('/').to_owned()),
        ];
        world.write(&wheel("teapot").filename(), bytes(&wheel("teapot")));
        for (path, text) in RELEASES {
            world.write(path, text);
        }
        Self { world, names, _servers: [public, private] }
    }

    fn real(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real))
    }

    fn shown(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(real, shown))
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        match name.strip_prefix("~/") {
            Some(name) => {
                let path = self.world.home(name);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                std::fs::write(path, self.real(text)).expect("a file");
            }
            None => drop(self.world.write(name, self.real(text))),
        }
    }

    /// Runs a line of a session; gives what it printed and how it ended.
    pub(super) fn run(&self, line: &str, last: i32) -> (Vec<String>, i32) {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_countermark"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(binary.parent().expect("a folder").to_owned())
            .chain(std::env::split_paths(&path));
        let script = format!("exec 2>&1\n(exit {last})\n{}", self.real(line));
        let output = self
            .world
            .program("sh", &["-c", &script])
            .env("PATH", std::env::join_paths(folders).expect("a path"))
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let text = self.shown(&String::from_utf8_lossy(&output.stdout));
        (text.lines().map(str::to_owned).collect(), output.status.code().unwrap_or(-1))
    }
}

/// The releases tree of a federation of kitchenware, whose projects are on the public index.
const RELEASES: [(&str, &str); 4] = [
    (
        "releases/deliverables/_independent/teapot.yaml",
        "team: tea\nreleases:\n  - version: '1.2'\n    projects:\n      - repo: kitchen/teapot\n        \
         hash: 1f3870be274f6c49b3e31a0c6728957f5f3870be\nrepository-settings:\n  kitchen/teapot: {}\n",
    ),
    (
        "releases/deliverables/_independent/kettle.yaml",
        "team: tea\nreleases:\n  - version: '2.0'\n    projects:\n      - repo: kitchen/kettle\n        \
         hash: 2f3870be274f6c49b3e31a0c6728957f5f3870be\nrepository-settings:\n  kitchen/kettle: {}\n",
    ),
    (
        "releases/deliverables/_independent/jug.yaml",
        "team: milk\nreleases:\n  - version: '1.0'\n    projects:\n      - repo: kitchen/jug\n        \
         hash: 3f3870be274f6c49b3e31a0c6728957f5f3870be\n  - version: '1.1'\n    projects:\n      \
         - repo: kitchen/jug\n        hash: 4f3870be274f6c49b3e31a0c6728957f5f3870be\n\
         repository-settings:\n  kitchen/jug: {}\n",
    ),
    (
        "releases/deliverables/_independent/sieve.yaml",
        "team: tea\nreleases:\n  - version: '0.3'\n    projects:\n      - repo: kitchen/sieve\n        \
         hash: 5f3870be274f6c49b3e31a0c6728957f5f3870be\nrepository-settings:\n  kitchen/sieve: {}\n",
    ),
];

/// The projects of the guide.
fn wheel(name: &str) -> Wheel {
    let module =
        |version: &str| Wheel::new(name, version).file(&format!("{name}.py"), b"HOT = True\n");
    match name {
        "teapot" => {
            let code = b"import kettle\n\n\ndef main():\n    print(\"short and stout\")\n";
            let mut wheel = Wheel::new("teapot", "1.2")
                .file("teapot.py", code)
                .entry_points("[console_scripts]\nteapot = teapot:main\n")
                .requires("kettle>=2")
                .requires("jug; extra == \"milk\"");
            if let Some(metadata) = &mut wheel.metadata {
                metadata.push_str("Provides-Extra: milk\nRequires-Python: >=3.8\n");
            }
            wheel
        }
        "kettle" => module("2.1"),
        "jug" => module("1.0"),
        "sieve" => module("0.3"),
        "cup" => module("1.0"),
        "urn" => urn("1.1"),
        "blend" => module("3.0"),
        other => panic!("no wheel of {other}"),
    }
}

/// A project with something to read: it learned to cool between its two releases.
fn urn(version: &str) -> Wheel {
    let sizes: String = (1..=40).map(|cups| format!("SIZE_{cups} = {}\n", cups * 250)).collect();
    let cools = if version == "1.0" { "" } else { "\n\ndef cool(urn):\n    return urn - 1\n" };
    let module = format!("{sizes}\n\ndef heat(urn):\n    return urn + 1\n{cools}");
    Wheel::new("urn", version).file("urn.py", module.as_bytes())
}

/// Stored, not deflated, so that the digests in the pages outlive a change of compression.
fn bytes(wheel: &Wheel) -> Vec<u8> {
    let mut archive = wheel.archive();
    archive.members.iter_mut().for_each(|member| member.method = 0);
    archive.write()
}

fn honest(wheel: &Wheel) -> ServedFile {
    let file = ServedFile::honest(&wheel.filename(), bytes(wheel));
    file.advertise(|said| said.upload_time = Some("2026-03-01T09:30:00Z".to_owned()))
}

/// A wheel for one interpreter and platform.
fn native(tag: &str) -> Wheel {
    let mut wheel = Wheel::new("burner", "4.0").file("burner.so", tag.as_bytes());
    wheel.wheel = Some(wheel_text(false, &[tag]));
    tag.clone_into(&mut wheel.tag);
    wheel
}

fn public() -> Scenario {
    let replaced = Wheel::new("cup", "1.0").file("cup.py", b"HOT = open\n");
    let stranger = Wheel::new("blend", "99.0").file("blend.py", b"HOT = 'not yours'\n");
    Scenario::new()
        .file("teapot", honest(&wheel("teapot")))
        .file("kettle", honest(&Wheel::new("kettle", "2.0").file("kettle.py", b"HOT = 1\n")))
        .file("kettle", honest(&wheel("kettle")))
        .file("jug", honest(&wheel("jug")))
        .file("urn", honest(&urn("1.0")))
        .file("urn", honest(&wheel("urn")))
        .file("sieve", ServedFile::honest("sieve-0.3.tar.gz", b"a source package".to_vec()))
        .file("sieve", honest(&wheel("sieve")))
        .file("cup", honest(&wheel("cup")).but_serves(bytes(&replaced)))
        .file("blend", honest(&stranger))
        .file("burner", honest(&native("cp312-cp312-manylinux_2_28_x86_64")))
        .file("burner", honest(&native("cp312-cp312-manylinux_2_28_aarch64")))
        .role("teapot", "Owner", "kitchen-releases")
        .role("kettle", "Owner", "kitchen-releases")
        .role("kettle", "Maintainer", "mallory")
        .role("jug", "Owner", "kitchen-releases")
        .role("urn", "Owner", "kitchen-releases")
        .role("sieve", "Owner", "kitchen-releases")
}

fn private() -> Scenario {
    Scenario::new().file("blend", honest(&wheel("blend"))).serve(
        "/mirror/simple/kettle/",
        "text/html",
        mirrored(&wheel("kettle")),
    )
}

/// The page of a proxy that keeps the files of another index at a place of its own.
fn mirrored(wheel: &Wheel) -> String {
    let (name, digest) = (wheel.filename(), crate::support::sha256(&bytes(wheel)));
    format!("<!DOCTYPE html><a href=\"/mirror/+f/{name}#sha256={digest}\">{name}</a>")
}
