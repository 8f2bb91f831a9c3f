//! Made-up releases, and what is read of them in which order.

use countermark_ledger::danger::Kind;
use countermark_testkit::wheel::Wheel;

use super::*;
use crate::contents::Distribution;

struct Built(String, Vec<u8>);

impl Built {
    fn new(wheel: &Wheel) -> Self {
        Self(wheel.filename(), wheel.build())
    }

    fn distribution(&self) -> Distribution<'_> {
        Distribution { archive: &self.1, filename: &self.0 }
    }
}

fn digest(byte: u8) -> Sha256 {
    Sha256::parse_hex(&format!("{byte:02x}").repeat(32)).unwrap()
}

fn read(wheel: &Wheel) -> Reading {
    let built = Built::new(wheel);
    whole(built.distribution(), digest(1)).unwrap()
}

fn compare(old: &Wheel, new: &Wheel) -> Reading {
    let (old, new) = (Built::new(old), Built::new(new));
    difference((old.distribution(), digest(1)), (new.distribution(), digest(2))).unwrap()
}

fn page<'a>(reading: &'a Reading, path: &str) -> &'a Page {
    reading.pages.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("no {path}"))
}

fn tea(version: &str) -> Wheel {
    Wheel::new("tea", version)
        .file("tea/__init__.py", b"import os\n\n\ndef pour():\n    return 1\n")
}

#[test]
fn what_is_dangerous_comes_first() {
    let reading = read(
        &tea("1.0")
            .file("tea/a.py", b"x = 1\n")
            .file("tea/run.py", b"import os\nos.system('x')\n")
            .file("tea/fast.so", b"\x7fELF\x02\x01\x01\0 machine code")
            .file("tea/logo.png", b"\x89PNG\r\n\x1a\n\0\0")
            .file("tea/pickle.py", b"import pickle\ndef f(x):\n    return pickle.loads(x)\n")
            .file("start.pth", b"import tea\n"),
    );
    let order: Vec<(&str, Option<Severity>)> =
        reading.pages.iter().map(|page| (page.path.as_str(), page.severity())).collect();
    let first: Vec<&str> = order.iter().take(4).map(|it| it.0).collect();
    assert_eq!(first, ["start.pth", "tea/fast.so", "tea/run.py", "tea/pickle.py"]);
    // Every file of the archive is a page, also what it says of itself.
    for path in [".dist-info/METADATA", ".dist-info/RECORD", ".dist-info/WHEEL", "tea/logo.png"] {
        page(&reading, path);
    }
    assert_eq!(reading.pages.len(), 10);
    let run = page(&reading, "tea/run.py");
    assert_eq!((run.lines(), run.moved), (2, None));
    assert!(run.marks_of(2).any(|mark| mark.finding.kind == Kind::Process && mark.is_new));
    assert_eq!(run.rows(Context::Whole)[1], Row::Same(None, 2, "os.system('x')"));
    let native = page(&reading, "tea/fast.so");
    assert!(!native.is_text());
    assert!(native.marks_of(0).any(|mark| mark.finding.kind == Kind::Native));
    assert!(native.rows(Context::Whole).is_empty());
}

#[test]
fn of_a_difference_what_moved_is_read_and_what_is_new_is_marked() {
    let middle = "x = 1\n".repeat(30);
    let old = format!("import os\ndef f():\n    os.system('a')\n{middle}def g(): pass\n");
    let new = format!("import os\ndef f():\n    os.system('a')\n{middle}def g():\n    eval('b')\n");
    let reading = compare(
        &tea("1.0").file("tea/core.py", old.as_bytes()).file("tea/gone.py", b"eval(1)\n"),
        &tea("1.1").file("tea/core.py", new.as_bytes()).file("tea/new.py", b"a = 1\n"),
    );
    let paths: Vec<&str> = reading.pages.iter().map(|page| page.path.as_str()).collect();
    assert_eq!(paths[0], "tea/core.py");
    assert!(!paths.contains(&"tea/__init__.py"), "it did not change");
    let core = page(&reading, "tea/core.py");
    assert_eq!(core.counts(), (2, 1));
    assert_eq!(core.severity(), Some(Severity::Look));
    let old_mark = core.marks_of(3).find(|mark| mark.finding.kind == Kind::Process).unwrap();
    assert!(!old_mark.is_new, "it was there before");
    assert!(core.marks_of(35).all(|mark| mark.is_new));
    let rows = core.rows(Context::Lines(3));
    assert_eq!(rows[0], Row::Gap(30));
    assert!(rows.contains(&Row::Changed(Some((34, "def g(): pass")), Some((34, "def g():")))));
    assert!(rows.contains(&Row::Changed(None, Some((35, "    eval('b')")))));
    assert_eq!(core.rows(Context::Whole).len(), 35);
    assert_eq!(page(&reading, "tea/gone.py").moved, Some(FileMove::Removed));
    assert_eq!(page(&reading, "tea/gone.py").severity(), None);
    assert_eq!(page(&reading, "tea/new.py").counts(), (1, 0));
}

#[test]
fn what_is_about_a_whole_file_is_new_when_its_bytes_moved() {
    let long = |last: &str| format!("eval('a')\n{}{last}\n", "# rest\n".repeat(700_000));
    let release = |version: &str, code: &[u8], build: &[u8], last: &str| {
        tea(version)
            .file("tea/fast.so", code)
            .file("tea/same.so", b"\x7fELF\x02\x01\x01\0 the same")
            .file("tea/setup.py", build)
            .file("tea.pth", [b"import tea\n# ", build].concat().as_slice())
            .file("tea/long.py", long(last).as_bytes())
    };
    let old = release("1.0", b"\x7fELF\x02\x01\x01\0 some code", b"x = 1\n", "eval('b')");
    let new = release("1.1", b"\x7fELF\x02\x01\x01\0 other code", b"x = 2\n", "eval('c')");
    let reading = compare(&old, &new);
    let paths: Vec<&str> = reading.pages.iter().map(|page| page.path.as_str()).collect();
    assert_eq!(paths[..2], ["tea.pth", "tea/fast.so"], "{paths:?}");
    let native = page(&reading, "tea/fast.so");
    assert_eq!(native.severity(), Some(Severity::First), "other machine code is not read either");
    assert!(native.marks_of(0).any(|mark| mark.finding.kind == Kind::Native && mark.is_new));
    assert!(!paths.contains(&"tea/same.so"), "it did not change");
    assert!(page(&reading, "tea.pth").marks_of(0).all(|mark| mark.is_new));
    // Nobody is shown which lines moved, so that all of them count as if they had.
    let long = page(&reading, "tea/long.py");
    assert!(!long.is_text());
    assert!(long.severity() >= Some(Severity::Look), "{:?}", long.marks);
}

#[test]
fn a_name_that_gets_another_meaning_is_new_where_it_is_used() {
    let text =
        |import: &str| format!("import {import} as run\n\n\ndef f(x):\n    return run.call(x)\n");
    let reading = compare(
        &tea("1.0").file("tea/core.py", text("teapot").as_bytes()),
        &tea("1.1").file("tea/core.py", text("subprocess").as_bytes()),
    );
    let core = page(&reading, "tea/core.py");
    let used = core.marks_of(5).find(|mark| mark.finding.kind == Kind::Process);
    assert!(used.is_some_and(|mark| mark.is_new), "the line is the same, what it does is not");
    // And that line is shown although nothing in it moved.
    assert!(core.rows(Context::Lines(0)).contains(&Row::Same(
        Some(5),
        5,
        "    return run.call(x)"
    )));
}

#[test]
fn hostile_texts_are_shown_as_what_they_are() {
    let long = vec![b'a'; 5 << 20];
    let reading = read(
        &tea("1.0")
            .file("tea/long.py", &long)
            .file("tea/wide.py", format!("x = '{}'\n", "b ".repeat(5000)).as_bytes())
            .file("tea/bytes.txt", b"caf\xe9 \xff\n"),
    );
    let page_of_long = page(&reading, "tea/long.py");
    assert!(!page_of_long.is_text());
    assert_eq!(page_of_long.severity(), Some(Severity::First), "and it is still looked at first");
    assert_eq!(page_of_long.new.as_ref().unwrap().size, 5 << 20);
    let wide = page(&reading, "tea/wide.py");
    let Row::Same(_, 1, line) = wide.rows(Context::Whole)[0] else { panic!() };
    assert!(shown(line).ends_with("more characters of this line, which are not shown"));
    assert!(shown(line).len() < MAX_SHOWN + 100);
    let bytes = page(&reading, "tea/bytes.txt");
    assert_eq!(bytes.rows(Context::Whole)[0], Row::Same(None, 1, "caf\\xe9 \\xff"));
    assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\td\r"), "a\\u{1b}[2Jb\\u{202e}c\td\\r");
}

#[test]
fn marks_stay_until_the_bytes_are_others() {
    let state = tempfile::tempdir().unwrap();
    let reading = read(&tea("1.0"));
    let mut marks = Marks::open(state.path(), &reading);
    let init = page(&reading, "tea/__init__.py");
    assert!(!marks.is_read(init));
    let all = reading.lines();
    assert_eq!(marks.progress(&reading), (0, all));
    marks.set(init, true).unwrap();
    let again = Marks::open(state.path(), &reading);
    assert!(again.is_read(init));
    assert_eq!(again.progress(&reading), (1, all - 5));
    // The same distribution by its digest, but other bytes in the file: nobody has read those.
    let other = read(&tea("1.0").file("tea/x.py", b"").file("tea/__init__.pyi", b"x = 1\n"));
    assert!(!Marks::open(state.path(), &other).is_read(page(&other, "tea/__init__.pyi")));
    let pair = compare(&tea("1.0"), &tea("1.1").file("tea/x.py", b"x = 1\n"));
    assert_eq!(Marks::open(state.path(), &pair).progress(&pair).0, 0);
    let mut marks = Marks::open(state.path(), &reading);
    marks.set(init, false).unwrap();
    assert!(!Marks::open(state.path(), &reading).is_read(init));
    // A file of marks that is none has no marks, and is written anew.
    let file =
        std::fs::read_dir(state.path().join("inspect")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, b"\xff\xfe nothing").unwrap();
    let mut marks = Marks::open(state.path(), &reading);
    assert!(!marks.is_read(init));
    marks.set(init, true).unwrap();
    assert!(Marks::open(state.path(), &reading).is_read(init));
    // A state folder that cannot be written is told.
    let blocked = tempfile::NamedTempFile::new().unwrap();
    let mut marks = Marks::open(blocked.path(), &reading);
    assert_eq!(marks.set(init, true).unwrap_err().code(), "inspect-marks");
}

#[test]
fn many_files_are_read() {
    let mut wheel = tea("1.0");
    for number in 0..20_000 {
        wheel = wheel.file(&format!("tea/m{number}.py"), b"x = 1\n");
    }
    let reading = read(&wheel);
    assert_eq!(reading.pages.len(), 20_004);
    assert!(
        reading.pages.is_sorted_by_key(|page| (std::cmp::Reverse(page.severity()), page.place))
    );
}
