use proptest::prelude::*;

use super::*;

const OLD: &str = "https://old.example.org/simple";
const NEW: &str = "https://new.example.org/root/index";
const OLD_FILES: &str = "https://files.example.org/packages";
const NEW_FILES: &str = "https://new.example.org/root/files";

fn digest(number: usize) -> String {
    format!("{number:064x}")
}

/// A lock of a format for a number of entries, whose files are at one place.
fn lock(format: LockFormat, entries: usize, slash: &str) -> String {
    let each = |write: &dyn Fn(usize, &str, &str) -> String| -> String {
        (0..entries)
            .map(|n| {
                let name = format!("p{n}-1.0-py3-none-any.whl");
                write(n, &format!("{OLD_FILES}/{n:02x}/{name}"), &digest(n))
            })
            .collect()
    };
    match format {
        LockFormat::Uv => {
            let packages = each(&|n, url, digest| {
                format!(
                    "\n[[package]]\nname = \"p{n}\"\nversion = \"1.0\"\nsource = {{ registry = \"{OLD}{slash}\" }}\n\
                     dependencies = [\n    {{ name = \"p0\", source = {{ registry = \"{OLD}{slash}\" }} }},\n]\n\
                     wheels = [\n    {{ url = \"{url}\", hash = \"sha256:{digest}\", size = 5 }},\n]\n"
                )
            });
            format!("version = 1\nrevision = 3\n# {OLD} stays in a comment\n{packages}")
        }
        LockFormat::Poetry => {
            let packages = each(&|n, _, digest| {
                format!(
                    "[[package]]\nname = \"p{n}\"\nversion = \"1.0\"\nfiles = [\n    {{file = \"p{n}-1.0-py3-none-any.whl\", \
                     hash = \"sha256:{digest}\"}},\n]\n\n[package.source]\ntype = \"legacy\"\nurl = \"{OLD}{slash}\"\n\
                     reference = \"x\"\n\n"
                )
            });
            format!("{packages}[metadata]\nlock-version = \"2.0\"\n")
        }
        LockFormat::Pdm => {
            let packages = each(&|n, url, digest| {
                format!(
                    "\n[[package]]\nname = \"p{n}\"\nversion = \"1.0\"\nfiles = [\n    \
                     {{url = \"{url}\", hash = \"sha256:{digest}\"}},\n]\n"
                )
            });
            format!("[metadata]\nlock_version = \"4.5.0\"\n{packages}")
        }
        LockFormat::Pipfile => {
            let packages = each(&|n, _, digest| {
                let comma = if n == 0 { "" } else { ",\n" };
                format!(
                    "{comma}\"p{n}\": {{\"hashes\": [\"sha256:{digest}\"], \"index\": \"x\", \"version\": \"==1.0\"}}"
                )
            });
            format!(
                "{{\"_meta\": {{\"pipfile-spec\": 6, \"sources\": [{{\"name\": \"x\", \"url\": \"{OLD}{slash}\"}}]}},\n\
                 \"default\": {{{packages}}}}}\n"
            )
        }
        LockFormat::Conda => {
            let packages = each(&|n, url, digest| {
                format!(
                    "- name: p{n}\n  version: '1.0'\n  manager: pip\n  platform: linux-64\n  url: {url}\n  \
                     hash:\n    sha256: {digest}\n"
                )
            });
            format!("version: 1\npackage:\n{packages}")
        }
        LockFormat::Requirements => {
            let packages =
                each(&|n, _, digest| format!("p{n}==1.0 \\\n    --hash=sha256:{digest}\n"));
            format!("# {OLD}\n--index-url {OLD}{slash}\n--extra-index-url={OLD}{slash}\n{packages}")
        }
        LockFormat::Pylock => {
            let packages = each(&|n, url, digest| {
                format!(
                    "\n[[packages]]\nname = \"p{n}\"\nversion = \"1.0\"\nindex = '{OLD}{slash}'\nwheels = [{{name = \
                     \"p{n}-1.0-py3-none-any.whl\", url = \"{url}#sha256={digest}\", hashes = {{sha256 = \"{digest}\"}}}}]\n"
                )
            });
            format!("lock-version = \"1.0\"\ncreated-by = \"x\"\n{packages}")
        }
    }
}

fn read(format: LockFormat, text: &str) -> Movable {
    Movable::read(format, "lock", text.as_bytes()).unwrap_or_else(|e| panic!("{e:#?}\n{text}"))
}

/// The moves to an index whose pages give the files at another place.
fn moves(lock: &Movable, from: Option<&str>, to: &str, files: &str) -> Moves {
    let from = lock.from(from, to).unwrap();
    let mut moves = Moves { from, to: to.to_owned(), ..Moves::default() };
    for file in lock.files(&moves).unwrap() {
        // As an index gives it: by the digest's first digits, without a fragment.
        let folder = &file.digests[0].hex()[62..];
        let url = format!("{files}/{folder}/{}", file.name);
        moves.files.insert(file.url.to_owned(), url);
    }
    moves
}

proptest! {
    #[test]
    fn there_and_back_is_the_same_file(
        format in prop::sample::select(LockFormat::ALL.to_vec()),
        entries in 1..20usize,
        ends in any::<bool>(),
        mark in any::<bool>(),
        slashes in any::<[bool; 3]>(),
    ) {
        let slash = |yes: bool| if yes { "/" } else { "" };
        let mut text = lock(format, entries, slash(slashes[0]));
        if ends && format != LockFormat::Requirements {
            text = text.replace('\n', "\r\n");
        }
        if mark {
            text.insert(0, '\u{feff}');
        }
        let before = read(format, &text);
        let there = moves(&before, None, &format!("{NEW}{}", slash(slashes[1])), NEW_FILES);
        let moved = before.moved(&there).unwrap();
        let shown = String::from_utf8(moved.clone()).unwrap();
        let stores_urls = before.indexes().len() == 1 || !before.files(&there).unwrap().is_empty();
        prop_assert_eq!(stores_urls, shown != text);
        let after = read(format, &shown);
        if !before.indexes().is_empty() {
            prop_assert_eq!(after.indexes(), vec![NEW.to_owned()]);
        }
        // Nothing more is to be done, and comments are no URLs.
        prop_assert_eq!(after.differences(&moves(&after, None, NEW, NEW_FILES)).unwrap(), vec![]);
        prop_assert_eq!(shown.contains(&format!("# {OLD}")), text.contains(&format!("# {OLD}")));
        let back = moves(&after, None, &format!("{OLD}{}", slash(slashes[2])), OLD_FILES);
        prop_assert_eq!(after.moved(&back).unwrap(), text.into_bytes());
    }
}

#[test]
fn rules_move_files_without_an_index() {
    for format in [LockFormat::Uv, LockFormat::Pylock, LockFormat::Pdm, LockFormat::Conda] {
        let text = lock(format, 3, "");
        let before = read(format, &text);
        let rule = |from: &str, to: &str| Rule { from: from.to_owned(), to: to.to_owned() };
        let from = before.from(None, NEW).unwrap();
        let there = Moves {
            from,
            to: NEW.to_owned(),
            rules: vec![rule(OLD_FILES, NEW_FILES)],
            ..Moves::default()
        };
        assert_eq!(before.files(&there).unwrap(), []);
        let moved = before.moved(&there).unwrap();
        let after = read(format, std::str::from_utf8(&moved).unwrap());
        assert!(!String::from_utf8_lossy(&moved).contains(OLD_FILES));
        assert_eq!(after.moved(&Moves { from: None, ..there }).unwrap(), moved, "nothing is left");
        let back = Moves {
            from: after.from(None, OLD).unwrap(),
            to: OLD.to_owned(),
            rules: vec![rule(NEW_FILES, OLD_FILES)],
            ..Moves::default()
        };
        assert_eq!(after.moved(&back).unwrap(), text.into_bytes(), "{format}");
    }
}

#[test]
fn rules_whose_sides_begin_alike_are_followed_once() {
    let check = |rule: &str, url: &str, expect: Option<&str>| {
        let moves = Moves { rules: vec![Rule::parse(rule).unwrap()], ..Moves::default() };
        assert_eq!(moves.by_rule(url).as_deref(), expect, "{rule} {url}");
    };
    let deeper = "https://h/=https://h/mirror/";
    check(deeper, "https://h/x", Some("https://h/mirror/x"));
    check(deeper, "https://h/mirror/x", Some("https://h/mirror/x"));
    let higher = "https://h/mirror/=https://h/";
    check(higher, "https://h/mirror/x", Some("https://h/x"));
    check(higher, "https://h/x", Some("https://h/x"));
    check(higher, "https://other/x", None);
    for wrong in
        ["https://h/", "x=y", "https://u:p@h/=https://h/", "https://h/=https://h/\"", "=https://h/"]
    {
        assert_eq!(Rule::parse(wrong), None, "{wrong}");
    }
}

/// A lock with two indexes and one file of each.
fn two() -> String {
    let package = |name: &str, index: &str| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nsource = {{ registry = \"{index}\" }}\n\
             wheels = [{{ url = \"{OLD_FILES}/{name}-1.0-py3-none-any.whl\", hash = \"sha256:{}\" }}]\n",
            digest(7)
        )
    };
    format!(
        "version = 1\n{}{}",
        package("a", OLD),
        package("b", "https://private.example.org/simple/")
    )
}

#[test]
fn of_several_indexes_one_is_named() {
    let text = two();
    let lock = read(LockFormat::Uv, &text);
    let check = |from: Option<&str>, to: &str| lock.from(from, to);
    assert!(
        matches!(check(None, NEW), Err(RelockError::Several { indexes, .. }) if indexes.len() == 2)
    );
    assert!(matches!(
        check(Some("https://x.example.org/"), NEW),
        Err(RelockError::NotNamed { .. })
    ));
    assert!(matches!(check(None, "file:///x"), Err(RelockError::Address { .. })));
    assert!(matches!(check(None, "https://h/\"x"), Err(RelockError::Address { .. })));
    assert!(matches!(check(Some("no"), NEW), Err(RelockError::Address { .. })));
    assert_eq!(check(Some(&format!("{OLD}/")), NEW).unwrap().as_deref(), Some(OLD));
    assert_eq!(check(None, OLD).unwrap().as_deref(), Some("https://private.example.org/simple"));
    let there = moves(&lock, Some(OLD), NEW, NEW_FILES);
    assert_eq!(there.files.len(), 1, "files of the other index stay where they are");
    let moved = String::from_utf8(lock.moved(&there).unwrap()).unwrap();
    assert!(moved.contains(&format!("registry = \"{NEW}\"")));
    assert!(moved.contains("registry = \"https://private.example.org/simple/\""));
    assert!(moved.contains(&format!("{OLD_FILES}/b-1.0")));
}

#[test]
fn what_is_not_known_moves_nothing() {
    let text = lock(LockFormat::Uv, 2, "");
    let before = read(LockFormat::Uv, &text);
    let mut there = moves(&before, None, NEW, NEW_FILES);
    there.files.pop_first();
    let errors = before.moved(&there).unwrap_err();
    assert!(matches!(errors[..], [RelockError::Unknown { .. }]), "{errors:?}");
    // A URL that ends with another file.
    for url in there.files.values_mut() {
        url.push_str("/other.whl");
    }
    let first = format!("{OLD_FILES}/00/p0-1.0-py3-none-any.whl");
    there.files.insert(first.clone(), first);
    assert!(matches!(before.moved(&there).unwrap_err()[..], [RelockError::Changed { .. }]));
    // Escapes.
    let escaped = text.replacen("simple\"", "s\\u0069mple\"", 1);
    let before = read(LockFormat::Uv, &escaped);
    let there = moves(&before, None, NEW, NEW_FILES);
    assert!(matches!(before.moved(&there).unwrap_err()[..], [RelockError::Escaped { .. }]));
}

#[test]
fn credentials_are_not_written() {
    let text = "--index-url https://u:secret@old.example.org/simple\np==1\n";
    let before = read(LockFormat::Requirements, text);
    assert!(before.has_credentials());
    assert_eq!(before.indexes(), [OLD]);
    let there = Moves {
        from: Some(OLD.to_owned()),
        to: "https://u:other@new.example.org/root/index".to_owned(),
        ..Moves::default()
    };
    let moved = String::from_utf8(before.moved(&there).unwrap()).unwrap();
    assert_eq!(moved, format!("--index-url {NEW}\np==1\n"));
}
