//! Wheels and source distributions looked into, and patches that other tools take.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use countermark_testkit::wheel::Wheel;
use countermark_trust::change::{Change, Contents, FileKind};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

struct Built {
    filename: String,
    bytes: Vec<u8>,
}

impl Built {
    fn wheel(wheel: &Wheel) -> Self {
        Self { filename: wheel.filename(), bytes: wheel.build() }
    }

    /// A source distribution with these files in its one folder.
    fn sdist(version: &str, files: &[(&str, &[u8])]) -> Self {
        let mut tar = tar::Builder::new(Vec::new());
        let info = format!("Metadata-Version: 2.1\nName: tea\nVersion: {version}\nLicense: MIT\n");
        let own = [("PKG-INFO", info.as_bytes())];
        for (path, content) in own.iter().chain(files) {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            let path = format!("tea-{version}/{path}");
            tar.append_data(&mut header, path, *content).unwrap();
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&tar.into_inner().unwrap()).unwrap();
        Self { filename: format!("tea-{version}.tar.gz"), bytes: gzip.finish().unwrap() }
    }

    fn distribution(&self) -> Distribution<'_> {
        Distribution { archive: &self.bytes, filename: &self.filename }
    }

    fn contents(&self) -> Contents {
        read_contents(self.distribution()).unwrap()
    }

    fn code(&self) -> &'static str {
        read_contents(self.distribution()).unwrap_err().code()
    }
}

fn wheel(version: &str) -> Wheel {
    Wheel::new("tea", version)
        .file("tea/__init__.py", b"import os\n\n\ndef pour():\n    return 1\n")
        .file(&format!("tea-{version}.data/scripts/brew"), b"#!python\nprint(1)\n")
        .entry_points("[console_scripts]\ntea = tea:pour\n")
        .requires("kettle >= 1 ; python_version > '3'")
        .requires("Tea[more] ; extra == 'all'")
}

#[test]
fn a_wheel_is_told_without_its_version() {
    let built = Built::wheel(
        &wheel("1.2")
            .file("tea_plugin.py", b"")
            .file("tea-1.2.data/purelib/more/__init__.py", b"")
            .file("tea.libs/libx.so", b"\x7fELF\0")
            .file("other/data.txt", b"x"),
    );
    let contents = built.contents();
    let paths: Vec<&str> = contents.files.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            ".data/purelib/more/__init__.py",
            ".data/scripts/brew",
            "other/data.txt",
            "tea.libs/libx.so",
            "tea/__init__.py",
            "tea_plugin.py",
        ]
    );
    assert_eq!(contents.size, built.bytes.len() as u64);
    assert_eq!(contents.files["tea.libs/libx.so"].kind, FileKind::Native);
    let list = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    assert_eq!(list(&contents.scripts), ["brew", "tea = tea:pour"]);
    assert_eq!(list(&contents.top_level), ["more", "tea", "tea_plugin"]);
    assert_eq!(list(&contents.requires).len(), 1);
    // The same files under another version are the same contents.
    let (one, two) =
        (Built::wheel(&wheel("1.2")).contents(), Built::wheel(&wheel("1.3")).contents());
    assert!(Change::between(&one, &two).is_empty());
}

#[test]
fn a_program_among_the_metadata_is_seen() {
    let mut odd = wheel("1.3");
    odd.more.push(("run.so".to_owned(), b"\x7fELF\0".to_vec()));
    odd.more.push(("top_level.txt".to_owned(), b"\x7fELF\0".to_vec()));
    let change =
        Change::between(&Built::wheel(&wheel("1.2")).contents(), &Built::wheel(&odd).contents());
    assert_eq!(change.native, [".dist-info/run.so", ".dist-info/top_level.txt"]);
}

#[test]
fn a_source_distribution_is_told_without_its_folder() {
    let built = Built::sdist(
        "1.2",
        &[
            ("setup.py", b"raise SystemExit"),
            ("src/tea/__init__.py", b""),
            ("src/tea.egg-info/top_level.txt", b"tea\n"),
            ("src/tea.egg-info/entry_points.txt", b"[console_scripts]\ntea = tea:pour\n"),
        ],
    );
    let contents = built.contents();
    assert!(contents.files.contains_key("setup.py") && !contents.files.contains_key("PKG-INFO"));
    assert!(contents.top_level.contains("tea") && contents.scripts.contains("tea = tea:pour"));
    assert_eq!(contents.license.as_deref(), Some("MIT"));
}

#[test]
fn what_is_not_sound_has_no_contents() {
    let good = Built::wheel(&wheel("1.2"));
    let renamed =
        |filename: &str| Built { filename: filename.to_owned(), bytes: good.bytes.clone() };
    assert_eq!(renamed("tea-1.2.exe").code(), "contents-unknown");
    assert_eq!(renamed("tea-1.2.tar.bz2").code(), "contents-unknown");
    assert_eq!(renamed("tea-1.2.tar.gz").code(), "inside-not-an-archive");
    let mut cut = Built { filename: good.filename.clone(), bytes: good.bytes.clone() };
    cut.bytes.truncate(good.bytes.len() - 30);
    assert_eq!(read_contents(cut.distribution()).unwrap_err().class(), Class::Rejected);
    let mut silent = wheel("1.2");
    silent.metadata = None;
    assert_eq!(Built::wheel(&silent).code(), "contents-no-metadata");
    silent.metadata = Some("Name: tea\n".to_owned());
    assert_eq!(Built::wheel(&silent).code(), "contents-metadata");
    let twice = Built::sdist("1.2", &[("a.py", b"1"), ("a.py", b"2")]);
    assert_eq!(twice.code(), "contents-twice");
    let info: &[u8] = b"Metadata-Version: 2.1\nName: other\nVersion: 1\n";
    assert_eq!(Built::sdist("1.2", &[("PKG-INFO", info)]).code(), "contents-twice");
}

fn differences(before: &Built, after: &Built) -> Vec<FileDiff> {
    let (one, two) = (before.contents(), after.contents());
    diff((before.distribution(), &one), (after.distribution(), &two)).unwrap().collect()
}

#[test]
fn what_is_dangerous_comes_first() {
    let before = Built::wheel(&wheel("1.2").file("tea/old.py", b"x = 1\n"));
    let encoded = format!("exec('{}')\n", "QUJD".repeat(400));
    let after = Built::wheel(
        &wheel("1.3")
            .file("README.md", b"new\n")
            .file("tea/new.py", b"x = 1\n")
            .file("tea/tests/test_new.py", b"x = 1\n")
            .file("tea/x.so", b"\x7fELF\0")
            .file("tea/loader.py", encoded.as_bytes())
            .file("tea/logo.png", b"\x89PNG\r\n\x1a\n\0")
            .file("tea-1.3.data/scripts/more", b"#!python\n")
            .file("zz-setup.pth", b"import tea\n"),
    );
    let found = differences(&before, &after);
    let shown: Vec<_> =
        found.iter().map(|it| (it.path.as_str(), it.danger, it.moved, it.lines)).collect();
    use Danger::*;
    use FileMove::*;
    assert_eq!(
        shown,
        [
            ("zz-setup.pth", Start, Added, Some((1, 0))),
            ("tea/x.so", Native, Added, None),
            ("tea/loader.py", Opaque, Added, Some((1, 0))),
            (".data/scripts/more", Setup, Added, Some((1, 0))),
            (".dist-info/METADATA", Setup, Modified, Some((1, 1))),
            ("tea/new.py", Code, Added, Some((1, 0))),
            ("tea/old.py", Code, Removed, Some((0, 1))),
            ("tea/logo.png", Data, Added, None),
            ("README.md", Aside, Added, Some((1, 0))),
            ("tea/tests/test_new.py", Aside, Added, Some((1, 0))),
        ]
    );
    let native = String::from_utf8(found[1].patch.clone()).unwrap();
    assert!(native.starts_with(
        "# added, not shown: tea/x.so\n#   before: none\n#   after:  5 bytes, sha256 "
    ));
}

#[test]
fn a_page_does_nothing_to_a_terminal() {
    let before = Built::wheel(&wheel("1.2"));
    let after = Built::wheel(&wheel("1.3").file("tea/x.py", "a\x1b[2J\u{202e}b\tc\r\n".as_bytes()));
    let found = differences(&before, &after);
    let page = found.iter().find(|it| it.path == "tea/x.py").unwrap().page();
    assert!(page.ends_with("+a\\u{1b}[2J\\u{202e}b\tc\\u{d}\n"), "{page:?}");
}

/// The files of a distribution as they are compared, in a folder.
fn lay_out(folder: &Path, files: &[(&str, &[u8])]) {
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// A patch makes the files after of the files before, in git and, where there is one, in `patch`.
#[track_caller]
fn check_patch(before: &[(&str, &[u8])], after: &[(&str, &[u8])]) {
    let (one, two) = (Built::sdist("1.2", before), Built::sdist("1.2", after));
    let patch = patch_of(&differences(&one, &two));
    let tools: [(&str, &[&str]); 2] = [
        ("git", &["apply", "-p1", "--whitespace=nowarn", "the.patch"]),
        ("patch", &["-p1", "--quiet", "--binary", "-i", "the.patch"]),
    ];
    for (program, arguments) in tools {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), before);
        fs::write(folder.path().join("the.patch"), &patch).unwrap();
        let run = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", folder.path())
            .output();
        let shown = String::from_utf8_lossy(&patch);
        match run {
            Ok(run) => assert!(run.status.success(), "{program}: {run:?}\n{shown}"),
            // git is always there; `patch` need not be.
            Err(error) => {
                assert!(program == "patch", "{program}: {error}");
                continue;
            }
        }
        for (path, content) in after {
            let found = fs::read(folder.path().join(path));
            assert_eq!(found.unwrap_or_default(), *content, "{program}: {path}\n{shown}");
        }
        for (path, _) in before.iter().filter(|(path, _)| !after.iter().any(|it| it.0 == *path)) {
            assert!(!folder.path().join(path).exists(), "{program}: {path}");
        }
    }
}

#[test]
fn other_tools_take_the_patch() {
    let numbers: String = (0..100).map(|number| format!("line {number}\n")).collect();
    let changed = numbers
        .replace("line 5\n", "five\n")
        .replace("line 60\n", "")
        .replace("line 90\n", "line 90\nmore\nand more\n");
    check_patch(&[("a.py", numbers.as_bytes())], &[("a.py", changed.as_bytes())]);
    // Line ends of all kinds, and none at the end.
    check_patch(&[("a.py", b"a\r\nb\rc\nd")], &[("a.py", b"a\r\nB\rc\nd\n")]);
    check_patch(&[("a.py", b"a\nb\n")], &[("a.py", b"a\nb")]);
    check_patch(&[("a.py", b"a")], &[("a.py", b"b")]);
    // New, gone, emptied and filled; a file between them that is not shown.
    check_patch(
        &[
            ("gone.py", b"x\n"),
            ("empty.py", b""),
            ("full.py", b"1\n2\n"),
            ("p.png", b"\x89PNG\r\n\x1a\n\0"),
        ],
        &[
            ("new/new.py", b"x\ny\n"),
            ("empty.py", b"1\n"),
            ("full.py", b""),
            ("p.png", b"\x89PNG\r\n\x1a\n\0"),
        ],
    );
    // Names that need care, and texts in other encodings.
    check_patch(
        &[("a b.py", b"1\n"), ("t\u{e4}\"\\a.py", b"1\n")],
        &[("a b.py", b"2\n"), ("t\u{e4}\"\\a.py", b"2\n"), ("-x.py", b"\xe4\n")],
    );
    // Lines that look like parts of a patch.
    check_patch(
        &[("a.txt", b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n")],
        &[("a.txt", b"-- a/x\n+++ b/x\n@@ -1 +1 @@\ndiff --git a/y b/y\n")],
    );
}

#[test]
fn a_file_that_is_named_only_does_not_stop_a_patch() {
    let blob: &[u8] = b"\x7fELF\0";
    let (one, two) = (
        Built::sdist("1.2", &[("a.py", b"1\n"), ("z.py", b"1\n")]),
        Built::sdist("1.2", &[("a.py", b"2\n"), ("m.so", blob), ("z.py", b"2\n")]),
    );
    let mut pages = differences(&one, &two);
    // Also where it stands between two others.
    pages.swap(0, 1);
    assert!(pages[1].lines.is_none());
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &[("a.py", b"1\n"), ("z.py", b"1\n")]);
    fs::write(folder.path().join("the.patch"), patch_of(&pages)).unwrap();
    let run = Command::new("git")
        .args(["apply", "the.patch"])
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(fs::read(folder.path().join("z.py")).unwrap(), b"2\n");
}

#[test]
fn lines_are_those_that_somebody_has_to_read() {
    let lines = |wheel: &Wheel| {
        let built = Built::wheel(wheel);
        count_lines(built.distribution(), &built.contents()).unwrap()
    };
    let plain = Wheel::new("tea", "1.2").file("tea.py", b"a\nb\nc");
    assert_eq!(lines(&plain), 3, "the last line need not end");
    // Neither what nobody reads nor what has no lines.
    let more = plain
        .clone()
        .file("tea/tests/test_tea.py", b"a\nb\n")
        .file("README.md", b"a\n")
        .file("x.so", b"\x7fELF\n\n\0");
    assert_eq!(lines(&more), 3);
    assert_eq!(lines(&more.file("start.pth", b"import x\n")), 4);

    let changed = |after: &Wheel| {
        let (before, after) = (Built::wheel(&plain), Built::wheel(after));
        let (old, new) = (before.contents(), after.contents());
        let diffs = diff((before.distribution(), &old), (after.distribution(), &new)).unwrap();
        count_changed_lines(diffs)
    };
    assert_eq!(changed(&plain), 0);
    let after = Wheel::new("tea", "1.3").file("tea.py", b"a\nb\nd\ne\n").file("docs/x.py", b"1\n");
    assert_eq!(changed(&after), 3, "one line is gone and two are new");
    assert_eq!(changed(&after.requires("kettle")), 3, "what it requires is no line of it");
}
