//! What entries of other kinds than the usual one look like in each format.

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Each entry as `name version source [files] extras groups marker`.
#[track_caller]
fn check(file: &str, text: &str, expect: &[&str]) -> LockDocument {
    let text = text.replace("$C", COMMIT).replace("$A", &"a".repeat(64));
    let document =
        parse(file, text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    let shown: Vec<String> = document.packages.iter().map(show).collect();
    assert_eq!(shown, expect.iter().map(|e| e.replace("$C", COMMIT)).collect::<Vec<_>>());
    document
}

fn show(package: &LockPackage) -> String {
    let source = match &package.source {
        LockSource::Index(index) => format!("index({})", index.as_deref().unwrap_or("")),
        LockSource::Url(url) => format!("url({url})"),
        LockSource::Path(path) => format!("path({path})"),
        LockSource::Directory { path, editable } => format!("directory({path}, {editable})"),
        LockSource::Vcs { url, commit } => {
            format!("vcs({url}, {})", commit.as_deref().unwrap_or(""))
        }
    };
    let files: Vec<String> = package
        .files
        .iter()
        .map(|file| {
            let (name, url) =
                (file.name.as_deref().unwrap_or(""), file.url.as_deref().unwrap_or(""));
            format!("{name}<{url}>{}", file.digests.len())
        })
        .collect();
    let version = package.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let extras: Vec<&str> = package.extras.iter().map(ExtraName::as_str).collect();
    format!(
        "{} {version} {source} {files:?} {} {} {}",
        package.project,
        extras.join(","),
        package.groups.join(","),
        package.marker.as_deref().unwrap_or("")
    )
}

#[test]
fn sources_of_uv() {
    let text = r#"version = 1
[[package]]
name = "a"
version = "1"
source = { git = "https://u:p@example.org/a?rev=main#$C" }
[[package]]
name = "b"
version = "1"
source = { url = "https://u:p@example.org/b-1.tar.gz" }
sdist = { hash = "sha256:$A" }
[[package]]
name = "c"
version = "1"
source = { path = "dist/c-1-py3-none-any.whl" }
wheels = [{ filename = "c-1-py3-none-any.whl", hash = "sha256:$A" }]
[[package]]
name = "d"
source = { virtual = "." }
[[package]]
name = "e"
version = "1"
source = { registry = "../links" }
resolution-markers = ["os_name == 'nt'", "os_name == 'posix'"]
wheels = [{ path = "e-1-py3-none-any.whl" }]
[[package]]
name = "f"
version = "1"
source = { registry = "https://u:p@example.org/simple" }
wheels = [{ url = "https://u:p@example.org/f-1%2Bx-py3-none-any.whl", hash = "md5:d41d8cd98f00b204e9800998ecf8427e" }]
"#;
    check(
        "uv.lock",
        text,
        &[
            "a 1 vcs(https://example.org/a?rev=main, $C) []   ",
            "b 1 url(https://example.org/b-1.tar.gz) \
             [\"b-1.tar.gz<https://example.org/b-1.tar.gz>1\"]   ",
            "c 1 path(dist/c-1-py3-none-any.whl) \
             [\"c-1-py3-none-any.whl<dist/c-1-py3-none-any.whl>1\"]   ",
            "d  directory(., false) []   ",
            "e 1 index(../links) [\"e-1-py3-none-any.whl<e-1-py3-none-any.whl>0\"]   \
             (os_name == 'nt') or (os_name == 'posix')",
            "f 1 index(https://example.org/simple) \
             [\"f-1+x-py3-none-any.whl<https://example.org/f-1%2Bx-py3-none-any.whl>1\"]   ",
        ],
    );
}

#[test]
fn sources_of_poetry() {
    let package = |name: &str, more: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"1\"\n{more}\n")
    };
    let source = |kind: &str, url: &str, more: &str| {
        format!("[package.source]\ntype = \"{kind}\"\nurl = \"{url}\"\n{more}")
    };
    let git = source(
        "git",
        "https://example.org/a.git",
        "reference = \"main\"\nresolved_reference = \"$C\"",
    );
    let text = [
        package("a", &git),
        package("b", &source("url", "https://u:p@example.org/b.zip", "")),
        package("c", &source("file", "dist/c-1.tar.gz", "")),
        package("d", &format!("develop = true\n{}", source("directory", "../d", ""))),
        package("e", &source("legacy", "https://u:p@example.org/simple", "reference = \"x\"")),
        package("f", "markers = {main = \"os_name == 'nt'\", dev = \"os_name == 'posix'\"}"),
        package("g", &source("git", "git@example.org:g.git", "reference = \"main\"")),
        "[metadata]\nlock-version = \"2.1\"\n".to_owned(),
    ]
    .concat();
    check(
        "poetry.lock",
        &text,
        &[
            "a 1 vcs(https://example.org/a.git, $C) []   ",
            "b 1 url(https://example.org/b.zip) []   ",
            "c 1 path(dist/c-1.tar.gz) []   ",
            "d 1 directory(../d, true) []   ",
            "e 1 index(https://example.org/simple) []   ",
            "f 1 index() []   (os_name == 'nt') or (os_name == 'posix')",
            "g 1 vcs(git@example.org:g.git, ) []   ",
        ],
    );
}

#[test]
fn sources_of_pdm_and_pipenv() {
    let text = r#"[metadata]
lock_version = "4.5.0"
[[package]]
name = "a"
version = "1"
git = "https://example.org/a.git"
ref = "main"
revision = "$C"
[[package]]
name = "b"
version = "1"
url = "https://u:p@example.org/b-1.zip"
files = [{file = "b-1.zip", hash = "sha256:$A"}]
[[package]]
name = "c"
version = "1"
path = "./c"
editable = true
[[package]]
name = "d"
version = "1"
extras = ["x", "y"]
files = [{url = "https://example.org/d-1-py3-none-any.whl", hash = "sha256:$A"}]
"#;
    check(
        "pdm.lock",
        text,
        &[
            "a 1 vcs(https://example.org/a.git, $C) []   ",
            "b 1 url(https://example.org/b-1.zip) [\"b-1.zip<>1\"]   ",
            "c 1 directory(./c, true) []   ",
            "d 1 index() [\"d-1-py3-none-any.whl<https://example.org/d-1-py3-none-any.whl>1\"] x,y  ",
        ],
    );
    let text = r#"{"_meta": {"pipfile-spec": 6, "sources": [{"name": "m", "url": "https://u:p@example.org/simple"}]},
"default": {"a": {"git": "https://example.org/a.git", "ref": "$C"},
            "b": {"file": "https://example.org/b.zip", "hashes": ["sha256:$A"]},
            "c": {"path": ".", "editable": true},
            "d": {"index": "m", "version": "==1", "extras": ["x"], "markers": "os_name == 'nt'"},
            "e": {"index": "other", "version": ">=1"}},
"develop": {}, "docs": {"d": {"version": "===1"}}}"#;
    let document = check(
        "Pipfile.lock",
        text,
        &[
            "a  vcs(https://example.org/a.git, $C) []  default ",
            "b  url(https://example.org/b.zip) [\"<>1\"]  default ",
            "c  directory(., true) []  default ",
            "d 1 index(https://example.org/simple) [] x default os_name == 'nt'",
            "e  index(other) []  default ",
            "d 1 index() []  docs ",
        ],
    );
    assert_eq!(document.indexes, ["https://example.org/simple"]);
}

#[test]
fn sources_of_conda_lock() {
    let text = "version: 1\npackage:\n- {name: a, version: 1.10, manager: pip, platform: linux-64, \
                url: 'git+https://example.org/a.git@$C', hash: {sha256: 1111111111111111111111111111111111111111111111111111111111111111}, categories: [main, dev]}\n\
                - {name: b, version: '1', manager: pip, url: 'https://u:p@example.org/b-1.zip#sha256=$A', \
                source: {type: url, url: x}}\n";
    check(
        "conda-lock.yml",
        text,
        &[
            "a 1.10 vcs(https://example.org/a.git, $C) []  main,dev linux-64",
            "b 1 url(https://example.org/b-1.zip#sha256=$A) \
             [\"b-1.zip<https://example.org/b-1.zip#sha256=$A>0\"]   "
                .replace("$A", &"a".repeat(64))
                .as_str(),
        ],
    );
}

#[test]
fn lines_of_requirements() {
    let text = "\
--index-url https://u:p@example.org/simple
--extra-index-url=https://${TOKEN}@example.org/extra
flask[async]>=3.0 ; python_version < '3.9'
a @ git+https://u:p@example.org/a.git@$C#egg=a
-e git+ssh://git@example.org/b.git@main#egg=b[x]
-e .
./dist/c-1-py3-none-any.whl --hash=sha256:$A
https://u:p@example.org/d-1.tar.gz#sha256=$A
https://example.org/archive/main.zip
e == 1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e
f @ file:///srv/f
../g[x] ; os_name == 'nt'
";
    let document = check(
        "requirements.txt",
        text,
        &[
            "flask  index() [] async  python_version < \"3.9\"",
            "a  vcs(https://example.org/a.git, $C) []   ",
            "b  vcs(ssh://git@example.org/b.git, ) [] x  ",
            "unnamed  directory(., true) []   ",
            "c 1 path(./dist/c-1-py3-none-any.whl) [\"c-1-py3-none-any.whl<./dist/c-1-py3-none-any.whl>1\"]   ",
            "d 1 url(https://example.org/d-1.tar.gz) [\"d-1.tar.gz<https://example.org/d-1.tar.gz>1\"]   ",
            "unnamed  url(https://example.org/archive/main.zip) [\"<https://example.org/archive/main.zip>0\"]   ",
            "e 1 index() [\"<>1\"]   ",
            "f  directory(file:///srv/f, false) []   ",
            "unnamed  directory(../g, false) [] x  os_name == \"nt\"",
        ],
    );
    assert_eq!(document.indexes, ["https://example.org/simple", "https://example.org/extra"]);
    assert_eq!(document.notes.len(), 3, "{:?}", document.notes);
    assert!(!format!("{document:?}").contains("u:p"));
}

#[test]
fn included_files_are_read_through_a_loader() {
    use crate::lock::requirements::{FileKind, LoadError, Loaded, Loader, document};
    struct Files;
    impl Loader for Files {
        fn load(
            &mut self,
            location: &str,
            _: FileKind,
            _: Option<&Place>,
        ) -> Result<Loaded, LoadError> {
            let text = match location {
                "a.txt" => "x==1\n-r b.txt\n",
                "b.txt" => "y==2\n-c c.txt\n",
                "loop.txt" => "-r loop.txt\n",
                _ => {
                    let message = format!("`{location}` is not there");
                    return Err(LoadError { message, unavailable: false });
                }
            };
            Ok(Loaded { location: location.to_owned(), text: text.into() })
        }
    }
    let document = document::read("a.txt", &mut Files).unwrap();
    let places: Vec<String> = document.packages.iter().map(|p| p.place.to_string()).collect();
    assert_eq!(places, ["a.txt:1:1", "b.txt:1:1"]);
    assert_eq!(document.notes.len(), 1);
    let code = |location| document::read(location, &mut Files).unwrap_err()[0].code;
    assert_eq!(code("loop.txt"), codes::INCLUDE_CYCLE);
    assert_eq!(code("other.txt"), codes::FILE_UNREADABLE);
}

/// A writer that knew no names gave every digest to one: no contradiction, but told.
#[test]
fn a_made_up_name_for_all_files_is_noted() {
    let file = |digit: char| {
        format!(
            "{{file = \"x-1-py3-none-any.whl\", hash = \"sha256:{}\"}}",
            digit.to_string().repeat(64)
        )
    };
    let text = |digits: &str| {
        let files: Vec<String> = digits.chars().map(file).collect();
        format!(
            "[[package]]\nname = \"x\"\nversion = \"1\"\nfiles = [{}]\n[metadata]\nlock-version = \"2.0\"\n",
            files.join(", ")
        )
    };
    let document = parse("poetry.lock", text("abc").as_bytes()).unwrap();
    assert_eq!((document.packages[0].files.len(), document.notes.len()), (3, 1));
    assert!(parse("poetry.lock", text("ab").as_bytes()).is_err());
}

/// More than a project has.
const LARGE: usize = 1_500;

#[test]
fn a_large_lock_is_read_in_every_format() {
    let mut draw = Draw::new(1);
    let made: Vec<Made> = (0..LARGE).map(|n| generate::entry(&mut draw, n, LARGE)).collect();
    for Written { format, file, text, .. } in written(&made, &mut draw) {
        let document =
            parse(file, text.as_bytes()).unwrap_or_else(|e| panic!("{format}: {:?}", e.first()));
        assert_eq!(document.packages.len(), made.len(), "{format}");
    }
}

/// A file need not have lines.
#[test]
fn a_large_lock_in_one_line_is_read() {
    let mut draw = Draw::new(2);
    let made: Vec<Made> = (0..LARGE).map(|n| generate::entry(&mut draw, n, LARGE)).collect();
    for (file, text) in [
        ("Pipfile.lock", generate::pipfile(&made)),
        ("conda-lock.json", generate::conda(&made, true)),
    ] {
        let text = text.replace('\n', "");
        assert_eq!(parse(file, text.as_bytes()).unwrap().packages.len(), LARGE);
    }
}

#[test]
fn formats_are_told_by_name_and_by_content() {
    let check = |file: &str, text: &str, expect| {
        assert_eq!(detect(file, text.as_bytes()), expect, "{file}: {text}");
    };
    check("a/uv.lock", "", LockFormat::Uv);
    check("a\\Poetry.lock", "", LockFormat::Poetry);
    check("pdm.lock", "", LockFormat::Pdm);
    check("pipfile.lock", "", LockFormat::Pipfile);
    check("pylock.dev.toml", "", LockFormat::Pylock);
    check("x.conda-lock.yaml", "", LockFormat::Conda);
    check("requirements.txt", "[[package]]\n", LockFormat::Requirements);
    check("x", "lock-version = \"1.0\"\npackages = []\n", LockFormat::Pylock);
    check("x", "version = 1\n\n[[package]]\nname = \"a\"\n", LockFormat::Uv);
    check("x", "[[package]]\n[metadata]\ncontent-hash = \"\"\n", LockFormat::Poetry);
    check("x", "[metadata]\nlock_version = \"4\"\n[[package]]\n", LockFormat::Pdm);
    check("x", "{\"_meta\": {}", LockFormat::Pipfile);
    check("x", "version: 1\npackage:\n- name: a\n  manager: pip\n", LockFormat::Conda);
    check("x", "flask==1\n", LockFormat::Requirements);
    check("x", "", LockFormat::Requirements);
}

/// Readers of YAML take fewer values by default.
#[test]
fn yaml_of_many_entries_is_read() {
    let entry = |n: usize| {
        format!("- {{name: p{n}, version: '1', manager: pip, url: https://example.org/p{n}.whl}}\n")
    };
    let text: String = (0..25_000).map(entry).collect();
    let document = parse("conda-lock.yml", format!("version: 1\npackage:\n{text}").as_bytes());
    assert_eq!(document.unwrap().packages.len(), 25_000);
}
