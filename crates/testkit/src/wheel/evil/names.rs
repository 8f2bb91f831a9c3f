//! Members whose names lead out of their folder, or to another file on some system.

use super::Catalogue;
use crate::wheel::Member;

pub(super) fn add(catalogue: &mut Catalogue) {
    let mut add = |name, code, path: &str| {
        catalogue.wheel(name, code, |wheel| wheel.members.push(Member::file(path, b"x")));
    };
    add("a parent folder", "path-dots", "../bar.py");
    add("a parent folder, deep inside", "path-dots", "foo/../../bar.py");
    add("a parent folder at the end", "path-dots", "foo/..");
    add("a parent folder in scripts", "path-dots", "foo-1.0.data/scripts/../../../bin/ls");
    add("a dot", "path-dots", "foo/./x.py");
    add("an absolute path", "path-absolute", "/tmp/x.py");
    add("a network path", "path-absolute", "//host/share/x.py");
    add("two slashes", "path-empty-component", "foo//x.py");
    add("a backslash", "path-backslash", "foo\\x.py");
    add("a parent folder with backslashes", "path-backslash", "..\\x.py");
    add("a drive", "path-colon", "C:/x.py");
    add("an alternate stream", "path-colon", "foo/x.py:stream");
    add("a NUL", "path-control", "foo/x.py\0.txt");
    add("a line feed", "path-control", "foo/x\n.py");
    add("an escape sequence", "path-control", "foo/\u{1b}[2Jx.py");
    add("a turned direction of writing", "path-control", "foo/\u{202e}yp.x");
    add("a device", "path-reserved", "foo/NUL");
    add("a device with an extension", "path-reserved", "foo/aux.tar.gz");
    add("a dot at the end", "path-trailing-dot", "foo/x.py.");
    add("a space at the end of a folder", "path-trailing-dot", "foo /x.py");
    add("a long component", "path-too-long", &"x".repeat(300));
    add("a long path", "path-too-long", &("long/".repeat(300) + "x"));
    add("a deep path", "path-too-deep", &("a/".repeat(100) + "x"));
    add("a name in other case", "path-collision", "foo/__INIT__.py");
    add("a folder in other case", "path-collision", "FOO/x.py");
    add("a file that is a folder", "path-file-and-folder", "foo");
    add("a file in a file", "path-file-and-folder", "foo/deep.py/x.py");
    catalogue.wheel("one name in two Unicode forms", "path-collision", |wheel| {
        wheel.members.push(Member::file("foo/\u{e9}.py", b"x"));
        wheel.members.push(Member::file("foo/e\u{301}.py", b"x"));
    });
    catalogue.wheel("one name in a compatibility form", "path-collision", |wheel| {
        wheel.members.push(Member::file("foo/\u{ff44}eep.py", b"x"));
    });
    catalogue.wheel("a character that cannot be seen", "path-collision", |wheel| {
        wheel.members.push(Member::file("foo/de\u{200b}ep.py", b"x"));
    });
    catalogue.wheel("the same module twice by way of purelib", "path-collision", |wheel| {
        wheel.members.push(Member::file("foo-1.0.data/purelib/foo/deep.py", b"x"));
    });
    catalogue.wheel("the same module twice by way of platlib", "path-collision", |wheel| {
        wheel.members.push(Member::file("foo-1.0.data/platlib/foo/deep.py", b"x"));
    });
}
