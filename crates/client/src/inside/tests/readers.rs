//! What readers of tar archives pass over differently is refused, each for its reason.

use super::*;

/// Why an archive is refused; nothing where it is read.
fn refused(archive: Tar) -> Option<String> {
    let look = look_inside(&archive.gz().as_slice(), SDIST).unwrap();
    let reason = |fault: InsideError| match fault {
        InsideError::Tar { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    look.fault.map(reason)
}

fn check(archive: Tar, reason: Option<&str>) {
    assert_eq!(refused(archive).as_deref(), reason);
}

/// Files whose sizes stand in extended headers as well, as some builders write all of theirs.
fn with_size(text: &str) -> Tar {
    let named = record("path=my-tool-1.0/PKG-INFO");
    let header = [named, record(&format!("size={text}"))].concat();
    Tar::new().entry(EntryType::XHeader, "PaxHeaders/0", &header).file("x", INFO)
}

#[test]
fn a_size_in_an_extended_header_is_that_of_the_header() {
    let size = INFO.len();
    check(with_size(&size.to_string()), None);
    let said = |other: usize| {
        format!(
            "an extended header says that a member has {other} bytes, and the member says {size}"
        )
    };
    for other in [0, 3, size - 1, size + 1, size + 512] {
        check(with_size(&other.to_string()), Some(&said(other)));
    }
    let padded = format!("0{size}");
    let blank = format!(" {size}");
    let signed = format!("+{size}");
    for text in ["", "-1", &padded, &blank, &signed, "0x3d", "18446744073709551616"] {
        check(with_size(text), Some("a size in an extended header is no number"));
    }
}

#[test]
fn a_folder_may_say_that_it_has_no_bytes() {
    let folder = |text: &str| {
        let header = record(&format!("size={text}"));
        let tar = Tar::new().entry(EntryType::XHeader, "PaxHeaders/0", &header);
        tar.entry(EntryType::Directory, "my-tool-1.0/", b"").file("my-tool-1.0/PKG-INFO", INFO)
    };
    check(folder("0"), None);
    let reason = "an extended header says that a member has 512 bytes, and the member says 0";
    check(folder("512"), Some(reason));
}

#[test]
fn a_size_in_an_extended_header_is_of_the_member_right_behind_it() {
    let size = record(&format!("size={}", INFO.len()));
    let path = "my-tool-1.0/PKG-INFO";
    let sized = || Tar::new().entry(EntryType::XHeader, "p", &size);
    check(sized().file(path, INFO), None);
    let name = format!("{path}\0");
    let between = [
        (EntryType::GNULongName, name.as_bytes()),
        (EntryType::GNULongLink, b"y\0"),
        (EntryType::XHeader, b""),
        (EntryType::XGlobalHeader, b""),
    ];
    for (kind, content) in between {
        let reason = "behind a size in an extended header stands another such header";
        check(sized().entry(kind, "b", content).file(path, INFO), Some(reason));
        check(Tar::new().entry(kind, "b", content).file(path, INFO), None);
    }
    let twice = [size.clone(), size.clone()].concat();
    let twice = Tar::new().entry(EntryType::XHeader, "p", &twice).file(path, INFO);
    check(twice, Some("a member has two sizes in extended headers"));
    let global = Tar::new().entry(EntryType::XGlobalHeader, "g", &size).file(path, INFO);
    check(global, Some("a global header gives everything a size"));
}

#[test]
fn only_files_have_a_size() {
    let hidden = Tar::new().file("my-tool-1.0/setup.py", b"import evil").raw();
    let kinds = [
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
        EntryType::Block,
    ];
    for kind in kinds {
        check(sdist().entry(kind, "my-tool-1.0/x", b""), None);
        let reason = "`my-tool-1.0/x` is no file and has a size";
        check(sdist().entry(kind, "my-tool-1.0/x", &hidden[..512]), Some(reason));
    }
    check(sdist().file("my-tool-1.0/x/", b""), None);
    let reason = "`my-tool-1.0/x/` is no file and has a size";
    check(sdist().file("my-tool-1.0/x/", &hidden[..512]), Some(reason));
}

#[test]
fn kinds_that_not_all_know_are_refused() {
    for kind in [b'X', b'V', b'D', b'Z'] {
        let reason = format!("a member is of the kind `{}`", char::from(kind));
        check(sdist().entry(EntryType::new(kind), "my-tool-1.0/x", b""), Some(&reason));
    }
}
