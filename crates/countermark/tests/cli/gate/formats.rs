//! A good lock of each format, and one digest of it changed.

use countermark_testkit::index::IndexServer;

use super::{SDIST, WHEEL, digest, findings, gate, honest, requirements, uv};
use crate::support::World;

fn pylock(server: &IndexServer) -> String {
    let (index, base) = (server.simple_url(), server.url());
    format!(
        "lock-version = \"1.0\"\ncreated-by = \"a test\"\n\n[[packages]]\nname = \"teapot\"\n\
         version = \"1.2\"\nindex = \"{index}\"\n\
         sdist = {{ name = \"{SDIST}\", url = \"{base}/files/{SDIST}\", hashes = {{ sha256 = \"{}\" }} }}\n\
         wheels = [\n  {{ name = \"{WHEEL}\", url = \"{base}/files/{WHEEL}\", hashes = {{ sha256 = \"{}\" }} }},\n]\n",
        digest(SDIST),
        digest(WHEEL),
    )
}

fn poetry_2(_: &IndexServer) -> String {
    format!(
        "[[package]]\nname = \"teapot\"\nversion = \"1.2\"\ndescription = \"\"\noptional = false\n\
         python-versions = \">=3.8\"\ngroups = [\"main\"]\nfiles = [\n    \
         {{file = \"{WHEEL}\", hash = \"sha256:{}\"}},\n    {{file = \"{SDIST}\", hash = \"sha256:{}\"}},\n]\n\n\
         [metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.8\"\ncontent-hash = \"{}\"\n",
        digest(WHEEL),
        digest(SDIST),
        digest("content"),
    )
}

fn poetry_1(_: &IndexServer) -> String {
    format!(
        "[[package]]\nname = \"teapot\"\nversion = \"1.2\"\ndescription = \"\"\ncategory = \"main\"\n\
         optional = false\npython-versions = \">=3.8\"\n\n[metadata]\nlock-version = \"1.1\"\n\
         python-versions = \">=3.8\"\ncontent-hash = \"{}\"\n\n[metadata.files]\nteapot = [\n    \
         {{file = \"{WHEEL}\", hash = \"sha256:{}\"}},\n    {{file = \"{SDIST}\", hash = \"sha256:{}\"}},\n]\n",
        digest("content"),
        digest(WHEEL),
        digest(SDIST),
    )
}

fn pdm(_: &IndexServer) -> String {
    format!(
        "[metadata]\ngroups = [\"default\"]\nstrategy = [\"inherit_metadata\"]\nlock_version = \"4.5.0\"\n\
         content_hash = \"sha256:{}\"\n\n[[package]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         requires_python = \">=3.8\"\nsummary = \"\"\ngroups = [\"default\"]\nfiles = [\n    \
         {{file = \"{WHEEL}\", hash = \"sha256:{}\"}},\n    {{file = \"{SDIST}\", hash = \"sha256:{}\"}},\n]\n",
        digest("content"),
        digest(WHEEL),
        digest(SDIST),
    )
}

fn pipfile(server: &IndexServer) -> String {
    format!(
        "{{\"_meta\": {{\"hash\": {{\"sha256\": \"{}\"}}, \"pipfile-spec\": 6, \"requires\": {{}},\n\
         \"sources\": [{{\"name\": \"main\", \"url\": \"{}\", \"verify_ssl\": true}}]}},\n\
         \"default\": {{\"teapot\": {{\"hashes\": [\"sha256:{}\", \"sha256:{}\"], \"index\": \"main\",\n\
         \"version\": \"==1.2\"}}}}, \"develop\": {{}}}}\n",
        digest("content"),
        server.simple_url(),
        digest(WHEEL),
        digest(SDIST),
    )
}

fn conda(server: &IndexServer) -> String {
    format!(
        "version: 1\nmetadata:\n  content_hash:\n    linux-64: {}\n  channels:\n  - url: main\n    used_env_vars: []\n  \
         platforms:\n  - linux-64\n  sources:\n  - environment.yml\npackage:\n- name: teapot\n  version: '1.2'\n  \
         manager: pip\n  platform: linux-64\n  dependencies: {{}}\n  url: {}/files/{WHEEL}\n  hash:\n    sha256: {}\n  \
         category: main\n  optional: false\n",
        digest("content"),
        server.url(),
        digest(WHEEL),
    )
}

type Writer = fn(&IndexServer) -> String;

const FORMATS: [(&str, Writer); 8] = [
    ("requirements.txt", |_| requirements()),
    ("uv.lock", uv),
    ("pylock.toml", pylock),
    ("poetry.lock", poetry_2),
    ("old/poetry.lock", poetry_1),
    ("pdm.lock", pdm),
    ("Pipfile.lock", pipfile),
    ("conda-lock.yml", conda),
];

#[test]
fn a_good_lock_of_every_format_passes() {
    let server = IndexServer::start(honest());
    let world = World::new();
    for (name, write) in FORMATS {
        world.write(name, write(&server));
        let run = gate(&world, &server, &[name, "--format", "json"]);
        run.expect(0);
        assert_eq!(findings(&run), [""; 0], "{name}");
        let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(report["unchecked"], serde_json::json!([]), "{name}");
    }
    let all: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
    gate(&world, &server, &all).expect(0);
}

#[test]
fn a_changed_digest_is_found_in_every_format() {
    let server = IndexServer::start(honest());
    let world = World::new();
    for (name, write) in FORMATS {
        let good = write(&server);
        let changed = good.replace(&digest(WHEEL), &digest("another"));
        assert_ne!(good, changed, "{name}");
        world.write(name, changed);
        let run = gate(&world, &server, &[name, "--format", "json"]);
        run.expect(1);
        // Without names of files one digest of two is of no file.
        let nameless = ["requirements.txt", "Pipfile.lock"].contains(&name);
        let expect =
            if nameless { "medium unknown-digest teapot" } else { "high digest-differs teapot" };
        assert_eq!(findings(&run), [expect], "{name}");
    }
}

#[test]
fn a_missing_digest_is_found_in_every_format() {
    let world = World::new();
    let server = IndexServer::start(honest());
    for (name, text) in [
        ("requirements.txt", "teapot==1.2\n".to_owned()),
        ("uv.lock", uv(&server).lines().filter(|line| !line.contains("sdist =")).map(|line| {
            format!("{}\n", line.replace(&format!(", hash = \"sha256:{}\"", digest(WHEEL)), ""))
        }).collect()),
        ("poetry.lock", poetry_2(&server).replace(&format!("    {{file = \"{WHEEL}\", hash = \"sha256:{}\"}},\n    {{file = \"{SDIST}\", hash = \"sha256:{}\"}},\n", digest(WHEEL), digest(SDIST)), "")),
        ("Pipfile.lock", pipfile(&server).replace(&format!("\"sha256:{}\", \"sha256:{}\"", digest(WHEEL), digest(SDIST)), "")),
    ] {
        world.write(name, text);
        let run = gate(&world, &server, &[name, "--format", "json"]);
        assert_eq!(findings(&run).first().map(String::as_str), Some("high no-digest teapot"), "{name}: {}", run.stderr);
        run.expect(1);
    }
}
