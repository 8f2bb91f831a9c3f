use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use super::*;
use crate::policy::Subject;

#[track_caller]
fn check(path: &str, bytes: &[u8], expect: FileKind) {
    assert_eq!(FileKind::of(path, bytes), expect, "{path}");
    // Slices of any size give the same answer.
    let mut reader = KindReader::new(path);
    bytes.chunks(7).for_each(|slice| reader.update(slice));
    assert_eq!(reader.finish(), expect, "{path} in slices");
}

/// Bytes of which nobody can read anything.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

fn encoded(count: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    noise(count).iter().map(|byte| char::from(alphabet[usize::from(byte % 64)])).collect()
}

#[test]
fn machine_code_is_known_by_its_bytes() {
    let head = |magic: &[u8]| [magic, &[0; 100]].concat();
    for magic in [
        &b"\x7fELF"[..],
        b"MZ\x90\0",
        b"\xfe\xed\xfa\xce",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe\0\0\0\x02",
        b"\0asm\x01",
        b"!<arch>\nx",
    ] {
        for path in ["a/b.so", "a/b.txt", "a/b.py", "b"] {
            check(path, &head(magic), FileKind::Native);
        }
    }
    // One byte of it changed, it is only something that nobody can read.
    check("a/b.so", &head(b"\x7fELG"), FileKind::Opaque);
    // A class of Java, a text that begins as a program of Windows does.
    check("a/B.class", &head(b"\xca\xfe\xba\xbe\0\0\0\x34"), FileKind::Opaque);
    check(
        "a/b.txt",
        b"MZ is what these files begin with, all of them, since the first one",
        FileKind::Text,
    );
}

#[test]
fn what_runs_at_the_start_is_of_its_own_kind() {
    check("x-setup.pth", b"import os; os.system('true')\n", FileKind::Pth);
    check("X.PTH", b"", FileKind::Pth);
    check("tea.data/purelib/x.pth", b"import x\n", FileKind::Pth);
    check("tea/x.pth", b"import x\n", FileKind::Pth);
    check("x.pth", &noise(1000), FileKind::Pth);
    check("sitecustomize.py", b"", FileKind::Pth);
    check("usercustomize/__init__.py", b"", FileKind::Pth);
    check("sitecustomize.abi3.so", b"\x7fELF", FileKind::Pth);
    // At any depth of what a data folder puts somewhere, and in the folder of the sources.
    let deep = "tea.data/data/lib/python3.13/site-packages/usercustomize/__init__.py";
    check(deep, b"", FileKind::Pth);
    check("tea.data/purelib/sitecustomize/__init__.py", b"", FileKind::Pth);
    check("src/sitecustomize.py", b"", FileKind::Pth);
    // What Python 3.15 calls at its start.
    check("tea.start", b"tea:run\n", FileKind::Pth);
    check("tea.data/purelib/tea.start", b"tea:run\n", FileKind::Pth);
    check("tea/motor.start", b"tea:run\n", FileKind::Text);
    check("tea.data/scripts/python313._pth", b"import site\n", FileKind::Pth);
    check("tea.data/data/pyvenv.cfg", b"home = /tmp\n", FileKind::Pth);
    // Weights of a model, and a module that only has the name below a package.
    check("tea/weights/x.pth", &[&b"PK\x03\x04"[..], &noise(1000)].concat(), FileKind::Binary);
    check("tea/sitecustomize.py", b"x = 1\n", FileKind::Text);
}

#[test]
fn opaque_is_what_nobody_can_read() {
    check("tea/blob.bin", &noise(5000), FileKind::Opaque);
    check("tea/x.pickle", b"\x80\x04\x95\x10\0\0\0\0\0\0\0]\x94(K\x01e.", FileKind::Opaque);
    check("tea/__pycache__/x.cpython-312.pyc", &noise(100), FileKind::Opaque);
    check("tea/x.pyc", b"text", FileKind::Opaque);
    check("tea/tool.jar", &[&b"PK\x03\x04"[..], &noise(100)].concat(), FileKind::Opaque);
    check("tea/x.py", b"\x89PNG\r\n\x1a\n\0", FileKind::Opaque);
    let line = |count| format!("import base64\nexec(base64.b64decode('{}'))\n", encoded(count));
    check("tea/x.py", line(1000).as_bytes(), FileKind::Opaque);
    check("tea/x.py", line(999).as_bytes(), FileKind::Text);
    check("tea-1.data/scripts/tea", line(1000).as_bytes(), FileKind::Opaque);
    check("tea/run", format!("#!/usr/bin/python\n{}", line(1000)).as_bytes(), FileKind::Opaque);
    // Data are data, however long their lines, and so is what browsers are sent.
    check("tea/static/x.js", line(100_000).as_bytes(), FileKind::Text);
    check("tea/x.json", line(100_000).as_bytes(), FileKind::Text);
    check("tea/runtime/x.js", line(100_000).as_bytes(), FileKind::Opaque);
    check("tea/runtime/x.js", line(9_000).as_bytes(), FileKind::Text);
    let wrapped = |lines: usize| {
        let text: String = (0..lines).map(|_| format!("    '{}'\n", encoded(76))).collect();
        format!("DATA = (\n{text})\n")
    };
    check("tea/x.py", wrapped(400).as_bytes(), FileKind::Opaque);
    check("tea/x.py", wrapped(100).as_bytes(), FileKind::Text);
    let hidden = |blanks: usize| format!("import os{}; os.system('true')\n", " ".repeat(blanks));
    check("tea/x.py", hidden(400).as_bytes(), FileKind::Opaque);
    check("tea/x.py", hidden(399).as_bytes(), FileKind::Text);
    check("tea/x.py", format!("x = 1{}\ny = 2\n", " ".repeat(1000)).as_bytes(), FileKind::Text);
    let escapes = "\\x41".repeat(300);
    check("tea/x.py", format!("exec(b'{escapes}')\n").as_bytes(), FileKind::Opaque);
}

#[test]
fn honest_files_are_text_or_known() {
    check("tea/__init__.py", b"", FileKind::Text);
    check("tea/x.py", "# ünïcödé\nx = 'α'\n".as_bytes(), FileKind::Text);
    check("tea/x.py", b"# -*- coding: latin-1 -*-\nx = '\xe4\xf6\xfc'\n", FileKind::Text);
    check("tea/x.txt", "漢字".repeat(2000).as_bytes(), FileKind::Text);
    check("tea/x.txt", b"\xff\xfet\0e\0a\0p\0o\0t\0\n\0", FileKind::Text);
    check("tea/x.ansi", b"\x1b[31mred\x1b[0m\n", FileKind::Text);
    let minified = "a.b=function(c){return c.d(e,f)};".repeat(5000);
    check("tea/x.py", format!("JS = '''{minified}'''").as_bytes(), FileKind::Text);
    let numbers: String = (0..20_000).map(|number| format!("{number}, ")).collect();
    check("tea/x.py", format!("X = [{numbers}]").as_bytes(), FileKind::Text);
    for magic in [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x20ftypmp42",
        b"wOF2\0",
        b"\xde\x12\x04\x95",
    ] {
        check("tea/x.dat", &[magic, &noise(500)].concat(), FileKind::Binary);
    }
    check("tea/x.wav", &[&b"RIFF\0\0\0\0WAVX"[..], &noise(500)].concat(), FileKind::Opaque);
}

fn contents(files: &[(&str, &[u8])]) -> Contents {
    let mut contents = Contents { size: 1000, ..Contents::default() };
    for (path, bytes) in files {
        let digest = *blake3::hash(bytes).as_bytes();
        let file =
            ContentFile { size: bytes.len() as u64, digest, kind: FileKind::of(path, bytes) };
        contents.files.insert((*path).to_owned(), file);
    }
    contents
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_same_contents_have_not_changed() {
    let same = contents(&[("a.py", b"x"), ("a.pth", b"import a"), ("b.so", b"\x7fELF\0")]);
    let change = Change::between(&same, &same);
    assert!(change.is_empty());
    assert_eq!(change.sizes, Some((1000, 1000)));
    let other = contents(&[("a.py", b"y"), ("a.pth", b"import a"), ("b.so", b"\x7fELF\0")]);
    assert!(!Change::between(&same, &other).is_empty());
}

#[test]
fn files_are_new_gone_or_other() {
    let before = contents(&[("a.py", b"1"), ("b.py", b"1"), ("x.pth", b"a"), ("y.pth", b"a")]);
    let after = contents(&[
        ("a.py", b"2"),
        ("c.py", b"1"),
        ("x.pth", b"import a"),
        ("y.pth", b"a"),
        ("z.pth", b"a"),
        ("n.so", b"\x7fELF\0"),
        ("o.bin", b"\x01\x02\x03"),
    ]);
    let change = Change::between(&before, &after);
    assert_eq!(change.added, texts(&["c.py", "n.so", "o.bin", "z.pth"]));
    assert_eq!(change.removed, texts(&["b.py"]));
    assert_eq!(change.modified, texts(&["a.py", "x.pth"]));
    assert_eq!(change.pth, texts(&["x.pth", "z.pth"]));
    assert_eq!(change.native, texts(&["n.so"]));
    assert_eq!(change.opaque, texts(&["o.bin"]));
}

#[test]
fn another_build_of_a_library_is_no_new_one() {
    let elf: &[u8] = b"\x7fELF\0";
    let check = |before: &str, after: &str, expect: bool| {
        let change = Change::between(&contents(&[(before, elf)]), &contents(&[(after, elf)]));
        assert_eq!(change.native.is_empty(), !expect, "{before} {after}");
    };
    check("a/_b.cpython-311-x86_64-linux-gnu.so", "a/_b.cpython-312-darwin.so", false);
    check("a/_b.cp311-win_amd64.pyd", "a/_b.cp312-win_amd64.pyd", false);
    check("a.libs/libx-0cf96a72.so.1.2", "a.libs/libx-9a1b2c3d.so.1.3", false);
    check("a.libs/libx64-0cf96a72.3.23.so", "a.libs/libx64-9a1b2c3d.3.24.so", false);
    check("a/_b.so", "a/_c.so", true);
    check("a/_b.so", "c/_b.so", true);
    check("a/_b.so", "a/_b", true);
    // A text that becomes machine code in its place.
    let was_text = contents(&[("a/_b.so", b"text"), ("a/_b1.so", elf)]);
    let change = Change::between(&was_text, &contents(&[("a/_b.so", elf), ("a/_b1.so", elf)]));
    assert_eq!(change.native, texts(&["a/_b.so"]));
}

#[test]
fn one_more_of_many_data_files_is_no_new_kind_of_thing() {
    let blob: &[u8] = b"\x01\x02\x03";
    let have = [
        ("l/a.dat", blob),
        ("l/b.dat", blob),
        ("l/c.dat", blob),
        ("l/a.pyc", blob),
        ("l/b.pyc", blob),
        ("l/c.pyc", blob),
    ];
    let check = |count: usize, path: &str, expect: bool| {
        let before: Vec<(&str, &[u8])> = have.into_iter().skip(count).collect();
        let mut after = before.clone();
        after.push((path, blob));
        let change = Change::between(&contents(&before), &contents(&after));
        assert_eq!(!change.opaque.is_empty(), expect, "{count} {path}");
    };
    check(0, "l/d.dat", false);
    check(1, "l/d.dat", true);
    check(0, "m/d.dat", true);
    check(0, "l/d.bin", true);
    check(0, "d.dat", true);
    check(0, "l/d.pyc", true);
    // A text that becomes opaque in such a folder was something else.
    let text: &[u8] = b"text";
    let was = [have.as_slice(), &[("l/d.dat", text)]].concat();
    let is = [have.as_slice(), &[("l/d.dat", blob)]].concat();
    assert_eq!(Change::between(&contents(&was), &contents(&is)).opaque, texts(&["l/d.dat"]));
}

#[test]
fn what_a_release_says_of_itself_is_compared() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let before = Contents {
        scripts: set(&["tea = tea:main"]),
        top_level: set(&["tea", "old"]),
        requires: set(&["kettle>=1", "jug"]),
        license: Some("MIT".into()),
        ..Contents::default()
    };
    let after = Contents {
        scripts: set(&["tea = tea:other", "pip = tea:main"]),
        top_level: set(&["tea", "requests"]),
        requires: set(&["kettle>=2", "jug", "Plain_Crypto[x]; extra == 'y'"]),
        license: None,
        ..Contents::default()
    };
    let change = Change::between(&before, &after);
    assert_eq!(change.scripts, texts(&["pip = tea:main", "tea = tea:other"]));
    assert_eq!(change.top_level, (texts(&["requests"]), texts(&["old"])));
    assert_eq!(change.new_dependencies, texts(&["plain-crypto"]));
    assert_eq!(change.license, Some((Some("MIT".into()), None)));
    assert_eq!(change.roles, None);
}

#[test]
fn people_read_a_few_lines() {
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let before = contents(&[("a.py", b"1")]);
    let mut after =
        contents(&[("a.py", b"2"), ("x-setup.pth", b"import x"), ("evil\u{202e}.pth", b"")]);
    after.size = 2_345_678;
    let mut change = Change::between(&before, &after);
    change.before_uploaded = Some("2026-10-01T00:00:00Z".parse().unwrap());
    let (project, version) = (ProjectName::parse("tea").unwrap(), "1.3".parse().unwrap());
    let subject = Subject {
        uploaded: Some("2026-11-21T09:30:00Z".parse().unwrap()),
        change: Some(&change),
        ..Subject::new(&project, &version)
    };
    let show = |subject: &Subject<'_>| -> Vec<String> {
        lines(subject, now)
            .iter()
            .map(|it| format!("{}{}: {}", if it.is_notable { "!" } else { "" }, it.label, it.text))
            .collect()
    };
    assert_eq!(
        show(&subject),
        [
            "!age: uploaded 2 hours ago, 51 days after the release before",
            "!size: 1.0 kB → 2.3 MB",
            "files: 2 added, 1 modified",
            "!.pth: new: evil\\u{202e}.pth, x-setup.pth",
            "roles: unknown",
            "status: unknown",
        ]
    );
    let known = Change { roles: Some((texts(&["owner mallory"]), vec![])), ..change.clone() };
    let subject = Subject { change: Some(&known), ..subject };
    assert!(show(&subject).contains(&"!roles: new: owner mallory".to_owned()));
    let first = Subject { is_new: true, ..Subject::new(&project, &version) };
    assert_eq!(
        show(&first),
        ["!age: unknown", "change: used for the first time", "roles: unknown", "status: unknown"]
    );
}
