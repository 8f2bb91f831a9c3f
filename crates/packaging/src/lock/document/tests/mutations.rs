//! One good lock of each format; each named change to it is refused for its exact reason at its
//! exact line, or told in a note.

use super::*;

const UV: &str = r#"version = 1
revision = 3
requires-python = ">=3.9"

[manifest]
members = ["app"]

[[package]]
name = "app"
version = "0.1"
source = { editable = "." }
dependencies = [
    { name = "idna" },
]

[[package]]
name = "idna"
version = "3.7"
source = { registry = "https://example.org/simple" }
sdist = { url = "https://example.org/idna-3.7.tar.gz", hash = "sha256:$A", size = 5 }
wheels = [
    { url = "https://example.org/idna-3.7-py3-none-any.whl", hash = "sha256:$B", size = 6 },
]
"#;

const POETRY: &str = r#"[[package]]
name = "idna"
version = "3.7"
optional = false
groups = ["main"]
files = [
    {file = "idna-3.7-py3-none-any.whl", hash = "sha256:$A"},
    {file = "idna-3.7.tar.gz", hash = "sha256:$B"},
]

[package.dependencies]
anyio = ">=1"

[[package]]
name = "anyio"
version = "4.0"
files = []

[metadata]
lock-version = "2.0"
python-versions = ">=3.8"
content-hash = "00"
"#;

const POETRY_1: &str = r#"[[package]]
name = "idna"
version = "3.7"
category = "main"

[metadata]
lock-version = "1.1"

[metadata.files]
idna = [
    {file = "idna-3.7.tar.gz", hash = "sha256:$B"},
]
"#;

const PDM: &str = r#"[metadata]
lock_version = "4.5.0"

[[package]]
name = "idna"
version = "3.7"
dependencies = [
    "anyio>=1; python_version < \"3.9\"",
]
files = [
    {file = "idna-3.7-py3-none-any.whl", hash = "sha256:$A"},
    {file = "idna-3.7.tar.gz", hash = "sha256:$B"},
]
"#;

const PDM_OLD: &str = r#"[[package]]
name = "idna"
version = "3.7"

[metadata]
lock_version = "4.1"

[metadata.files]
"idna 3.7" = [
    {url = "https://example.org/idna-3.7.tar.gz", hash = "sha256:$B"},
]
"#;

const PIPFILE: &str = r#"{
    "_meta": {
        "pipfile-spec": 6,
        "sources": [{"name": "main", "url": "https://example.org/simple"}]
    },
    "default": {
        "idna": {
            "hashes": [
                "sha256:$A"
            ],
            "version": "==3.7"
        },
        "anyio": {
            "version": "*"
        }
    }
}
"#;

const CONDA: &str = "version: 1
package:
- name: idna
  version: '3.7'
  manager: pip
  platform: linux-64
  dependencies:
    python: '>=3'
  url: https://example.org/idna-3.7-py3-none-any.whl
  hash:
    sha256: $A
  category: main
- name: python
  manager: conda
";

const REQUIREMENTS: &str = "--index-url https://example.org/simple
idna==3.7 \\
    --hash=sha256:$A \\
    --hash=sha256:$B
anyio==4.0
";

const PYLOCK: &str = r#"lock-version = "1.0"
created-by = "made"
requires-python = ">=3.9"

[[packages]]
name = "idna"
version = "3.7"
marker = "os_name == 'nt'"
dependencies = [{name = "anyio"}]
wheels = [
  {name = "idna-3.7-py3-none-any.whl", url = "https://example.org/idna-3.7-py3-none-any.whl", hashes = {sha256 = "$A"}},
]

[[packages]]
name = "anyio"
archive = {url = "https://example.org/anyio.zip#sha256=$B", hashes = {sha256 = "$B"}}
"#;

fn fill(text: &str) -> String {
    text.replace("$A", &"a".repeat(64)).replace("$B", &"b".repeat(64))
}

fn read(file: &str, text: &str) -> Result<LockDocument, Vec<String>> {
    let show = |error: &SourceError| format!("{} {}", error.code, error.place.line);
    parse(file, fill(text).as_bytes()).map_err(|errors| errors.iter().map(show).collect())
}

/// The lock with one text replaced is refused with these, as `code line`.
#[track_caller]
fn refused(file: &str, good: &str, from: &str, to: &str, expect: &[&str]) {
    assert!(good.contains(from), "{from}");
    let found = read(file, &good.replacen(from, to, 1)).map(|document| document.packages.len());
    assert_eq!(found, Err(expect.iter().map(ToString::to_string).collect()), "{to}");
}

/// The lock with one text replaced is read, with one note that has this in it.
#[track_caller]
fn noted(file: &str, good: &str, from: &str, to: &str, expect: &str) {
    assert!(good.contains(from), "{from}");
    let document = read(file, &good.replacen(from, to, 1)).unwrap();
    let notes = document.notes.iter().filter(|note| note.contains(expect)).count();
    assert_eq!(notes, 1, "{:?}", document.notes);
}

#[test]
fn the_good_ones_are_good() {
    for (file, text, entries) in [
        ("uv.lock", UV, 2),
        ("poetry.lock", POETRY, 2),
        ("poetry.lock", POETRY_1, 1),
        ("pdm.lock", PDM, 1),
        ("pdm.lock", PDM_OLD, 1),
        ("Pipfile.lock", PIPFILE, 2),
        ("conda-lock.yml", CONDA, 1),
        ("requirements.txt", REQUIREMENTS, 2),
        ("pylock.toml", PYLOCK, 2),
    ] {
        assert_eq!(read(file, text).map(|d| d.packages.len()), Ok(entries), "{file}");
    }
}

#[test]
fn uv_locks_are_refused_for_their_reason() {
    let check = |from, to, expect: &[&str]| refused("uv.lock", UV, from, to, expect);
    check("version = 1\n", "", &["missing-key 1"]);
    check("version = 1\n", "version = 2\n", &["lock-version 1"]);
    check("version = 1\n", "version = \"1\"\n", &["invalid-value 1"]);
    check("name = \"app\"\n", "", &["missing-key 8"]);
    check("name = \"app\"\n", "name = \"-\"\n", &["invalid-value 9"]);
    check("\"0.1\"", "\"x y\"", &["invalid-value 10"]);
    check("{ editable = \".\" }", "{ other = \".\" }", &["no-source 11"]);
    check("{ editable = \".\" }", "{ editable = \".\", git = \"x\" }", &["no-source 11"]);
    check("source = { editable = \".\" }\n", "", &["missing-key 8"]);
    check("[\"app\"]", "[\"app\", \"lost\"]", &["missing-entry 6"]);
    check("{ name = \"idna\" }", "{ name = \"idna\", version = \"3.8\" }", &["missing-entry 13"]);
    check("{ name = \"idna\" }", "{ name = \"other\" }", &["missing-entry 13"]);
    check("sha256:$A", "sha256:aa", &["malformed-digest 20"]);
    check("sha256:$A", "blake2b:$A", &["malformed-digest 20"]);
    check("size = 5", "size = -5", &["invalid-value 20"]);
    check("url = \"https://example.org/idna-3.7.tar.gz\"", "x = 1", &["missing-key 20"]);
    check("idna-3.7-py3-none-any.whl", "index.html", &["no-name 22"]);
    check(
        "    { url = \"https://example.org/idna-3.7-py3-none-any.whl\"",
        "    { url = \"https://example.org/idna-3.7.tar.gz\"",
        &["digest-conflict 22"],
    );
    check("[\n    { name", "[\n    { name = , name", &["syntax 13"]);
    // All of them at once.
    check(
        "version = \"0.1\"\nsource = { editable",
        "version = \"?\"\nsource = { edible",
        &["invalid-value 10", "no-source 11"],
    );
    let other = "[[package]]\nname = \"Idna\"\nsource = { virtual = \".\" }\n\n[[package]]\nname = \"idna\"";
    check("[[package]]\nname = \"idna\"", other, &["name-spelling 21"]);
}

#[test]
fn newer_minor_versions_are_noted() {
    noted("uv.lock", UV, "revision = 3", "revision = 9", "revision 9 is newer than 5");
    noted("poetry.lock", POETRY, "\"2.0\"", "\"2.7\"", "lock version 2.7 is newer than 2.1");
    noted("pdm.lock", PDM, "4.5.0", "4.6.0", "lock version 4.6.0 is newer than 4.5");
    noted("pylock.toml", PYLOCK, "\"1.0\"", "\"1.1\"", "lock version 1.1 is newer than 1.0");
    noted("pdm.lock", PDM, "; python_version < \\\"3.9\\\"", "", "`anyio` is needed here");
    noted("conda-lock.yml", CONDA, "main", "dev", "1 packages of conda");
    noted("requirements.txt", REQUIREMENTS, "anyio==4.0", "-c other.txt", "no entries");
}

#[test]
fn what_a_requirements_file_takes_in_is_told() {
    let text = b"-r other.txt\n--find-links https://u:p@h/files\n--find-links ./wheels\n";
    let document = super::super::parse("requirements.txt", text).unwrap();
    let [include] = &document.includes[..] else { panic!("{:?}", document.includes) };
    assert_eq!((include.location.as_str(), include.place.line), ("other.txt", 1));
    // Where files are from is an index; a folder is the project's own.
    assert_eq!(document.indexes, ["https://h/files"]);
}

#[test]
fn poetry_locks_are_refused_for_their_reason() {
    let check = |from, to, expect: &[&str]| refused("poetry.lock", POETRY, from, to, expect);
    check("\"2.0\"", "\"3.0\"", &["lock-version 20"]);
    check("\"2.0\"", "\"x\"", &["lock-version 20"]);
    check("\"2.0\"", "2.0", &["invalid-value 20"]);
    check("[metadata]", "[other]", &["missing-key 23"]);
    check("version = \"3.7\"\n", "", &["missing-key 1"]);
    check("anyio = \">=1\"", "other = \">=1\"", &["missing-entry 12"]);
    check("name = \"anyio\"", "name = \"IDNA\"", &["name-spelling 15"]);
    check("idna-3.7.tar.gz", "idna-3.7-py3-none-any.whl", &["digest-conflict 8"]);
    check(", hash = \"sha256:$A\"", "", &["missing-key 7"]);
    check("sha256:$A", "$A", &["malformed-digest 7"]);
    check("files = []", "files = 1", &["invalid-value 17"]);
    check("files = []", "[package.source]\ntype = \"other\"\nurl = \"x\"\n", &["invalid-value 18"]);
    let check = |from, to, expect: &[&str]| refused("poetry.lock", POETRY_1, from, to, expect);
    check("idna = [", "other = [", &["missing-entry 10"]);
    check("[metadata.files]", "[metadata.other]", &["missing-key 6"]);
    check("idna = [", "Idna = []\nidna = [", &["name-spelling 11"]);
}

#[test]
fn pdm_locks_are_refused_for_their_reason() {
    let check = |from, to, expect: &[&str]| refused("pdm.lock", PDM, from, to, expect);
    check("4.5.0", "5.0", &["lock-version 2"]);
    check("lock_version = \"4.5.0\"\n", "", &["missing-key 1"]);
    check("[metadata]", "[meta]", &["missing-key 14"]);
    check("anyio>=1; python_version", "anyio>=1; python", &["invalid-value 8"]);
    check("idna-3.7.tar.gz", "idna-3.7-py3-none-any.whl", &["digest-conflict 12"]);
    check("name = \"idna\"", "name = [\"idna\"]", &["invalid-value 5"]);
    let check = |from, to, expect: &[&str]| refused("pdm.lock", PDM_OLD, from, to, expect);
    check("\"idna 3.7\"", "\"idna 3.8\"", &["missing-entry 9"]);
    check("\"idna 3.7\"", "\"idna x\"", &["invalid-value 9"]);
    check("\"idna 3.7\"", "\"idna 3.7.0\" = []\n\"idna 3.7\"", &["name-spelling 10"]);
}

#[test]
fn pipfile_locks_are_refused_for_their_reason() {
    let check = |from, to, expect: &[&str]| refused("Pipfile.lock", PIPFILE, from, to, expect);
    check("\"pipfile-spec\": 6", "\"pipfile-spec\": 7", &["lock-version 3"]);
    check("\"pipfile-spec\": 6,", "", &["missing-key 2"]);
    check("\"_meta\"", "\"meta\"", &["missing-key 1"]);
    check("\"default\"", "\"develop\"", &["missing-key 1"]);
    check("\"anyio\"", "\"IDNA\"", &["name-spelling 13"]);
    check("\"anyio\"", "\"idna\"", &["syntax 13"]);
    check("\"==3.7\"", "\"==?\"", &["invalid-value 11"]);
    check("sha256:$A", "sha256:$Aa", &["malformed-digest 9"]);
    check("\"sha256:$A\"\n", "\"sha256:$A\",\n", &["syntax 10"]);
    check("\"*\"", "1", &["invalid-value 14"]);
}

#[test]
fn conda_locks_are_refused_for_their_reason() {
    let check = |from, to, expect: &[&str]| refused("conda-lock.yml", CONDA, from, to, expect);
    check("version: 1\n", "version: 2\n", &["lock-version 1"]);
    check("version: 1\n", "", &["missing-key 1"]);
    check("package:", "packages:", &["missing-key 1"]);
    check("manager: pip", "manager: poetry", &["invalid-value 5"]);
    check("  version: '3.7'\n", "", &["missing-key 3"]);
    check("sha256: $A", "sha256: aa", &["malformed-digest 11"]);
    check("sha256: $A", "blake: $A", &["malformed-digest 11"]);
    check("  url: https", "  uri: https", &["missing-key 3"]);
    check("  version: '3.7'", "  version: '3.7", &["syntax 5"]);
    check(
        "- name: python\n  manager: conda",
        "- name: Idna\n  version: '3'\n  url: https://example.org/x\n  manager: pip",
        &["name-spelling 13"],
    );
}

#[test]
fn requirements_are_refused_for_their_reason() {
    let check =
        |from, to, expect: &[&str]| refused("requirements.txt", REQUIREMENTS, from, to, expect);
    check("sha256:$A", "sha256:aa", &["malformed-digest 3"]);
    check("anyio==4.0", "idna==3.8", &["duplicate-conflict 5"]);
    check("anyio==4.0", "Idna==3.7", &["name-spelling 5"]);
    check("anyio==4.0", "anyio==", &["syntax 5"]);
    check("anyio==4.0", "--hash=sha256:$A", &["orphan-digest 5"]);
    check("anyio==4.0", "--trusted-host example.org", &["weakens-check 5"]);
    check(
        "anyio==4.0",
        "anyio @ https://example.org/idna-1-py3-none-any.whl",
        &["name-conflict 5"],
    );
    check(
        "anyio==4.0",
        "anyio @ https://example.org/anyio-1-py3-none-any.whl#sha256=$A --hash=sha256:$B",
        &["digest-conflict 5"],
    );
}

#[test]
fn pylocks_are_refused_for_their_reason() {
    let check = |from, to, expect: &[&str]| refused("pylock.toml", PYLOCK, from, to, expect);
    check("\"1.0\"", "\"2.0\"", &["lock-version 1"]);
    check("created-by = \"made\"\n", "", &["missing-key 1"]);
    check("\">=3.9\"", "\"3.9\"", &["invalid-value 3"]);
    check("name = \"idna\"", "name = \"Idna\"", &["invalid-value 6"]);
    check("version = \"3.7\"", "version = \"3.8\"", &["name-conflict 11"]);
    check("os_name == 'nt'", "os_name = 'nt'", &["invalid-value 8"]);
    check("{name = \"anyio\"}", "{name = \"other\"}", &["missing-entry 9"]);
    check("hashes = {sha256 = \"$A\"}", "hashes = {}", &["invalid-value 11"]);
    check("hashes = {sha256 = \"$A\"}", "x = 1", &["missing-key 11"]);
    check("hashes = {sha256 = \"$A\"}", "hashes = {blake = \"$A\"}", &["malformed-digest 11"]);
    check("#sha256=$B", "#sha256=$A", &["digest-conflict 16"]);
    check("archive = ", "other = ", &["no-source 14"]);
    check(
        "archive = ",
        "vcs = {url = \"x\", commit-id = \"1\"}\narchive = ",
        &["invalid-value 14"],
    );
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    let large = vec![b' '; MAXIMUM_SIZE + 1];
    let check = |bytes: &[u8], expect: &str| {
        let errors = parse("uv.lock", bytes).unwrap_err();
        assert_eq!(errors[0].code, expect);
    };
    check(&large, codes::TOO_LARGE);
    check(b"version = 1\n\xff", codes::ENCODING);
    check("version = [".repeat(5_000).as_bytes(), codes::SYNTAX);
}

/// Mistakes are counted up to a limit.
#[test]
fn too_many_mistakes_end_with_one_that_says_so() {
    let many = format!("version = 1\n{}", "[[package]]\nname = \"-\"\n".repeat(400));
    let errors = parse("uv.lock", many.as_bytes()).unwrap_err();
    assert_eq!(errors.len(), 201);
    assert_eq!(errors.iter().filter(|error| error.code == codes::TOO_LARGE).count(), 1);
}
