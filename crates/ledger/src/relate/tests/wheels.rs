//! Two wheels of one release.

use std::collections::BTreeMap;

use super::super::*;
use super::ELF;
use super::scenario::{read, side};

type Files = BTreeMap<String, Vec<u8>>;

fn wheel(platform: &str) -> Files {
    let info = |name: &str| format!("tea-1.0.dist-info/{name}");
    let metadata = "Metadata-Version: 2.1\nName: tea\nVersion: 1.0\nRequires-Dist: kettle\n";
    let says = format!("Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-{platform}\n");
    let files: [(String, &[u8]); 7] = [
        ("tea/__init__.py".to_owned(), b"x = 1\n"),
        (format!("tea/_fast.{platform}.so"), ELF),
        (info("METADATA"), metadata.as_bytes()),
        (info("WHEEL"), says.as_bytes()),
        (info("RECORD"), platform.as_bytes()),
        (info("entry_points.txt"), b"[console_scripts]\ntea = tea:x\n"),
        ("tea-1.0.data/scripts/brew".to_owned(), b"#!python\nrun()\n"),
    ];
    files.into_iter().map(|(path, bytes)| (path, bytes.to_vec())).collect()
}

fn compare(change: impl FnOnce(&mut Files, &mut Files)) -> Relation {
    let (mut from, mut to) = (wheel("linux_x86_64"), wheel("win_amd64"));
    change(&mut from, &mut to);
    let sides = [
        side("tea-1.0-cp312-cp312-linux_x86_64.whl", &from),
        side("tea-1.0-cp312-cp312-win_amd64.whl", &to),
    ];
    let [a, b] = sides;
    let (a, b) = read(&[&from, &to], a, b);
    relate(&a, &b).unwrap().relation
}

#[test]
fn wheels_of_two_platforms_differ_in_tags_and_machine_code() {
    let relation = compare(|_, _| {});
    assert!(relation.covers(), "{:?}", relation.unexplained);
    assert_eq!(relation.compiled, ["tea/_fast.win_amd64.so"]);
    assert_eq!(relation.permitted, ["record .dist-info/RECORD", "wheel .dist-info/WHEEL"]);
    assert_eq!(relation.same, 4);
}

#[test]
fn everything_else_is_the_same_at_the_same_place() {
    type Change = fn(&mut Files, &mut Files);
    let cases: [(Change, &[&str]); 9] = [
        (|_, to| put(to, "tea/__init__.py", b"x = 2\n"), &["changed tea/__init__.py"]),
        (|_, to| put(to, "tea/more.py", b"x = 1\n"), &["moved tea/more.py"]),
        (|_, to| put(to, "tea/_version.py", b"__version__ = '1.0'\n"), &["added tea/_version.py"]),
        (|from, _| put(from, "tea/data.json", b"{}\n"), &["dropped tea/data.json"]),
        (|_, to| put(to, "x.pth", b"import tea\n"), &["starts-by-itself x.pth"]),
        (
            |_, to| put(to, "tea-1.0.data/scripts/brew", b"#!python\nx()\n"),
            &["command .data/scripts/brew"],
        ),
        (
            |_, to| {
                put(to, "tea-1.0.dist-info/entry_points.txt", b"[console_scripts]\nls = tea:x\n");
            },
            &["entry-points-differ .dist-info/entry_points.txt"],
        ),
        (
            |_, to| drop(to.remove("tea-1.0.dist-info/entry_points.txt")),
            &["entry-points-differ .dist-info/entry_points.txt"],
        ),
        (
            |_, to| {
                let text = b"Metadata-Version: 2.1\nName: tea\nVersion: 1.0\nRequires-Dist: evil\n";
                put(to, "tea-1.0.dist-info/METADATA", text);
            },
            &["requirements-differ .dist-info/METADATA"],
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(compare(change).unexplained, expected);
    }
}

#[test]
fn what_starts_by_itself_is_the_same_in_both() {
    let relation = compare(|from, to| {
        put(from, "x.pth", b"import tea\n");
        put(to, "x.pth", b"import tea\n");
    });
    assert!(relation.covers(), "{:?}", relation.unexplained);
    let relation = compare(|from, to| {
        put(from, "tea/_version.py", b"__version__ = '1.0'\ncommit_id = 'ab'\n");
        put(to, "tea/_version.py", b"__version__ = '1.0'\ncommit_id = None\n");
    });
    assert!(relation.covers(), "{:?}", relation.unexplained);
}

fn put(files: &mut Files, path: &str, bytes: &[u8]) {
    files.insert(path.to_owned(), bytes.to_vec());
}
