use super::*;
use crate::lock::LockedFile;

const GOOD: &str = r#"lock-version = "1.0"
created-by = "test"
requires-python = ">=3.8"
environments = ["sys_platform == 'win32'", "sys_platform == 'linux'"]
extras = ["gpu"]
dependency-groups = ["Dev"]
default-groups = ["main"]

[[packages]]
name = "attrs"
version = "25.1.0"
requires-python = ">=3.8"
index = "https://h/simple"
wheels = [
  {name = "attrs-25.1.0-py3-none-any.whl", url = "https://h/a/attrs-25.1.0-py3-none-any.whl", size = 63_152, hashes = {sha256 = "$A", sha512 = "$A$A"}},
]
[packages.sdist]
path = "dist/attrs-25.1.0.tar.gz"
hashes = {sha256 = "$B"}

[[packages]]
name = "cattrs"
version = "24.1.2"
marker = "'gpu' in extras and 'main' in dependency_groups"
[[packages.wheels]]
url = "https://h/cattrs-24.1.2-py3-none-any.whl"
hashes = {sha256 = "$B"}

[[packages]]
name = "direct"
marker = "python_version >= '3.8'"
[packages.archive]
url = "https://h/direct-1.zip"
size = 7
subdirectory = "x"
hashes = {sha256 = "$A"}

[[packages]]
name = "old"
version = "1"
marker = "python_version < '3.8'"
directory = {path = "."}
"#;

fn environment() -> MarkerEnvironment {
    MarkerEnvironment {
        python_version: "3.11".into(),
        python_full_version: "3.11.7".into(),
        sys_platform: "linux".into(),
        ..MarkerEnvironment::default()
    }
}

fn fill(text: &str) -> String {
    text.replace("$A", &"a".repeat(64)).replace("$B", &"b".repeat(64))
}

fn read_lock(text: &str, selection: &Selection) -> Result<WantedSet, Vec<SourceError>> {
    read("pylock.toml", fill(text).as_bytes(), &environment(), selection)
}

fn selection(extras: &[&str], groups: Option<&[&str]>) -> Selection {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Selection {
        extras: extras.iter().map(|extra| ExtraName::parse(extra).unwrap()).collect(),
        groups: groups.map(owned),
    }
}

fn show(errors: &[SourceError]) -> Vec<String> {
    errors.iter().map(|error| format!("{} {}", error.code, error.place.line)).collect()
}

fn projects(set: &WantedSet) -> Vec<&str> {
    set.wanted.iter().map(|wanted| wanted.project.as_str()).collect()
}

#[test]
fn a_lock_is_read() {
    let set = read_lock(GOOD, &Selection::default()).unwrap();
    assert_eq!(projects(&set), ["attrs", "direct"]);
    let skipped: Vec<&str> = set.skipped.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(skipped, ["cattrs==24.1.2", "old==1"]);
    assert_eq!((set.notes.len(), set.unless_allowed.len()), (0, 0));

    let attrs = &set.wanted[0];
    let WantedSource::Index { specifiers, pinned, index } = &attrs.source else { panic!() };
    assert_eq!(specifiers.to_string(), "==25.1.0");
    assert_eq!(pinned.as_ref().map(ToString::to_string).as_deref(), Some("25.1.0"));
    assert_eq!(index.as_deref(), Some("https://h/simple"));
    assert_eq!(attrs.place.to_string(), "pylock.toml:10:8");
    let [wheel, sdist]: &[LockedFile; 2] = attrs.files.as_slice().try_into().unwrap();
    assert_eq!(wheel.filename.as_str(), "attrs-25.1.0-py3-none-any.whl");
    assert_eq!(wheel.url.as_deref(), Some("https://h/a/attrs-25.1.0-py3-none-any.whl"));
    assert_eq!((wheel.size, wheel.digests.len()), (Some(63_152), 2));
    assert_eq!(sdist.filename.as_str(), "attrs-25.1.0.tar.gz");
    assert_eq!(sdist.path.as_deref(), Some("dist/attrs-25.1.0.tar.gz"));

    let WantedSource::Url { url, size, subdirectory, .. } = &set.wanted[1].source else { panic!() };
    assert_eq!(
        (url.as_str(), *size, subdirectory.as_deref()),
        ("https://h/direct-1.zip", Some(7), Some("x"))
    );
    assert_eq!(set.wanted[1].digests.len(), 1);
}

#[test]
fn extras_and_groups_select() {
    let check = |extras: &[&str], groups: Option<&[&str]>, expect: Result<usize, &[&str]>| {
        let found = read_lock(GOOD, &selection(extras, groups));
        let found = found.map(|set| set.wanted.len()).map_err(|errors| show(&errors));
        assert_eq!(
            found,
            expect.map_err(|e| e.iter().map(ToString::to_string).collect::<Vec<_>>())
        );
    };
    check(&["gpu"], None, Ok(3));
    check(&["GPU"], Some(&["Main", "dev"]), Ok(3));
    check(&["gpu"], Some(&[]), Ok(2));
    check(&[], Some(&["dev"]), Ok(2));
    check(&["cpu"], Some(&["other"]), Err(&["unknown-selection 1", "unknown-selection 1"]));
}

/// The lock with one text replaced is refused with these errors, as `code line`.
fn check(from: &str, to: &str, expect: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let errors = read_lock(&GOOD.replacen(from, to, 1), &Selection::default()).expect_err(to);
    assert_eq!(show(&errors), expect, "{to}: {errors:#?}");
}

#[test]
fn the_head_of_a_lock_must_fit() {
    check("created-by = \"test\"", "", &["missing-key 1"]);
    check("\"test\"", "1", &["invalid-value 2"]);
    check(">=3.8", "3.8", &["invalid-value 3"]);
    check(">=3.8", ">=3.12", &["environment 3"]);
    check("== 'linux'", "== 'darwin'", &["environment 4"]);
    check("== 'linux'", "~= 'linux'", &["marker 4"]);
    check("== 'linux'", "= 'linux'", &["invalid-value 4"]);
    check("[\"gpu\"]", "[\"g u\"]", &["invalid-value 5"]);
    check("[\"gpu\"]", "\"gpu\"", &["invalid-value 5"]);
    check("lock-version", "lock-version = = 1\nx", &["syntax 1", "syntax 1"]);
    check("\"1.0\"\n", "\"1.0\n", &["syntax 1"]);
}

#[test]
fn packages_must_fit() {
    check("name = \"attrs\"\n", "", &["missing-key 9"]);
    check("name = \"attrs\"", "name = \"Attrs\"", &["invalid-value 10"]);
    check("version = \"25.1.0\"", "version = \"x\"", &["invalid-value 11"]);
    check("version = \"25.1.0\"", "version = \"25.2\"", &["name-conflict 15", "name-conflict 17"]);
    check("name = \"attrs\"\n", "name = \"other\"\n", &["name-conflict 15", "name-conflict 17"]);
    check(
        "requires-python = \">=3.8\"\nindex",
        "requires-python = \">=4\"\nindex",
        &["environment 12"],
    );
    check("63_152", "-1", &["invalid-value 15"]);
    check("63_152", "\"1\"", &["invalid-value 15"]);
    check("attrs-25.1.0-py3-none-any.whl\", url", "attrs-25.1.0.whl\", url", &["no-name 15"]);
    check("url = \"https://h/cattrs-24.1.2-py3-none-any.whl\"\n", "", &["missing-key 25"]);
    check("https://h/cattrs", "ftp://h/cattrs", &["url 26"]);
    check("python_version >= '3.8'", "python_version > 3", &["invalid-value 31"]);
    check("python_version >= '3.8'", "extra == 'x'", &["marker 30"]);
    check("name = \"direct\"", "name = \"attrs\"", &["name-conflict 32"]);
}

#[test]
fn sources_must_be_one_that_can_be_pinned() {
    check("[packages.archive]", "[packages.other]", &["no-source 29"]);
    check(
        "[packages.archive]",
        "directory = {path = '.'}\n[packages.archive]",
        &["invalid-value 29"],
    );
    check("[packages.archive]", "directory = {path = '.'}\n[packages.x]", &["directory 30"]);
    check(
        "[packages.archive]",
        "directory = {path = '.', editable = true}\n[packages.x]",
        &["editable 30"],
    );
    check("[packages.archive]", "[packages.vcs]\ntype = 'git'", &["vcs 30"]);
    check("[packages.sdist]", "[packages.archive]", &["invalid-value 9"]);
}

#[test]
fn two_entries_of_one_project_must_exclude_each_other() {
    let second = "\n[[packages]]\nname = \"attrs\"\nversion = \"1\"\nmarker = \"os_name == 'x'\"\n\
        wheels = [{url = \"https://h/attrs-1-py3-none-any.whl\", hashes = {sha256 = \"$A\"}}]\n";
    let text = format!("{GOOD}{second}");
    assert_eq!(read_lock(&text, &Selection::default()).unwrap().wanted.len(), 2);
    let text = text.replace("os_name == 'x'", "os_name != 'x'");
    assert_eq!(
        show(&read_lock(&text, &Selection::default()).unwrap_err()),
        ["duplicate-conflict 45"]
    );
}

#[test]
fn every_error_is_reported() {
    let text = GOOD.replace("\"test\"", "1").replace("63_152", "-1").replace("sha512", "md6");
    let errors = read_lock(&text, &Selection::default()).unwrap_err();
    assert_eq!(show(&errors), ["invalid-value 2", "malformed-digest 15", "invalid-value 15"]);
    let digest = &errors[1].place;
    assert_eq!(fill(&text)[digest.span.clone()], *"md6");
}

#[test]
fn the_version_may_come_from_the_files() {
    let text = GOOD.replace("version = \"25.1.0\"\n", "");
    let set = read_lock(&text, &Selection::default()).unwrap();
    assert_eq!(set.wanted[0].version().map(ToString::to_string).as_deref(), Some("25.1.0"));
}

#[test]
fn an_old_source_archive_does_not_keep_the_wheels_from_being_used() {
    let text = GOOD.replace("attrs-25.1.0.tar.gz", "attrs-25.1.0.tar.bz2");
    let set = read_lock(&text, &Selection::default()).unwrap();
    assert_eq!((set.wanted[0].files.len(), set.notes.len()), (1, 1));
}

#[test]
fn other_bytes_are_no_lock() {
    let check = |bytes: &[u8], expect: &[&str]| {
        let errors = read("f", bytes, &environment(), &Selection::default()).unwrap_err();
        assert_eq!(show(&errors), expect);
    };
    check(b"", &["missing-key 1"]);
    check(b"\n\xff", &["encoding 2"]);
    check(&vec![b'\n'; MAXIMUM_SIZE + 1], &["too-large 1"]);
    check(b"lock-version = '1.0'\n", &["missing-key 1", "missing-key 1"]);
    check(b"lock-version = '1.0'\ncreated-by = 'x'\npackages = 1", &["invalid-value 3"]);
    let empty = b"lock-version = '1.0'\ncreated-by = 'x'\npackages = []";
    let set = read("f", empty, &environment(), &Selection::default()).unwrap();
    assert_eq!(show(&set.unless_allowed), ["empty 1"]);
}

#[test]
fn g58_only_a_weak_digest() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    check(
        "hashes = {sha256 = \"$B\"}\n\n[[packages]]\nname = \"cattrs\"",
        &format!("hashes = {{md5 = \"{md5}\"}}\n\n[[packages]]\nname = \"cattrs\""),
        &["weak-digest 19"],
    );
    check("sha256 = \"$A\", sha512 = \"$A$A\"", &format!("md5 = \"{md5}\""), &["weak-digest 15"]);
}

#[test]
fn g59_weak_and_strong_digests_are_both_kept() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let text = GOOD.replace("sha512 = \"$A$A\"", &format!("md5 = \"{md5}\""));
    let set = read_lock(&text, &Selection::default()).unwrap();
    let algorithms: Vec<&str> =
        set.wanted[0].files[0].digests.iter().map(|d| d.algorithm().name()).collect();
    assert_eq!(algorithms, ["md5", "sha256"]);
}

#[test]
fn g60_unknown_algorithm_or_no_digest() {
    check("sha512 =", "blake3 =", &["malformed-digest 15"]);
    check("sha512 =", "SHA512 =", &["malformed-digest 15"]);
    check("sha256 = \"$A\", sha512 = \"$A$A\"", "", &["invalid-value 15"]);
    check(", hashes = {sha256 = \"$A\", sha512 = \"$A$A\"}", "", &["missing-key 15"]);
    check("sha512 = \"$A$A\"", "sha512 = \"$A\"", &["malformed-digest 15"]);
    check("sha512 = \"$A$A\"", "sha512 = 1", &["invalid-value 15"]);
    check("any.whl\", size", "any.whl#sha256=$B\", size", &["digest-conflict 15"]);
}

#[test]
fn g62_lock_version() {
    check("\"1.0\"", "\"2.0\"", &["lock-version 1"]);
    check("\"1.0\"", "\"0.9\"", &["lock-version 1"]);
    check("\"1.0\"", "\"1!1.0\"", &["lock-version 1"]);
    check("\"1.0\"", "\"one\"", &["lock-version 1"]);
    check("\"1.0\"", "1.0", &["invalid-value 1"]);
    check("lock-version = \"1.0\"", "", &["missing-key 1"]);
    let set = read_lock(&GOOD.replace("\"1.0\"", "\"1.1\""), &Selection::default()).unwrap();
    assert_eq!(set.notes.len(), 1);
}
