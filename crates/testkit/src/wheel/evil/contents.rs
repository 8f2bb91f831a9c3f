//! Wheels that contradict themselves, or want to write what they may not.

use super::Catalogue;
use crate::wheel::{Member, Wheel, record_line, record_text, wheel_text};

const INFO: &str = "foo-1.0.dist-info";
const RECORD: &str = "foo-1.0.dist-info/RECORD";

pub(super) fn add(catalogue: &mut Catalogue) {
    identity(catalogue);
    dist_info(catalogue);
    record(catalogue);
    data_folder(catalogue);
    commands(catalogue);
}

fn identity(catalogue: &mut Catalogue) {
    let metadata = |name: &str, version: &str| {
        Some(format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"))
    };
    catalogue.wheel("METADATA of another project", "metadata-name", |wheel| {
        wheel.metadata = metadata("bar", "1.0");
    });
    catalogue.wheel("METADATA of another version", "metadata-version", |wheel| {
        wheel.metadata = metadata("foo", "1.1");
    });
    catalogue.wheel("METADATA with two names", "metadata-malformed", |wheel| {
        wheel.metadata = metadata("foo\nName: bar", "1.0");
    });
    catalogue.wheel("METADATA that cannot be read", "metadata-malformed", |wheel| {
        wheel.metadata = Some("nothing of that kind".to_owned());
    });
    catalogue.wheel("a dist-info of another project", "dist-info-name", |wheel| {
        wheel.dist_info = "bar-1.0.dist-info".to_owned();
    });
    catalogue.wheel("a dist-info of another version", "dist-info-name", |wheel| {
        wheel.dist_info = "foo-2.0.dist-info".to_owned();
    });
    catalogue.wheel("a dist-info in capitals", "dist-info-name", |wheel| {
        wheel.dist_info = "foo-1.0.DIST-INFO".to_owned();
    });
    let other = Wheel::new("foo", "2.0").file("foo/__init__.py", b"");
    let bytes = other.build();
    catalogue.push(
        "another wheel under this name",
        "dist-info-name",
        super::Stage::Plan,
        super::good().filename(),
        bytes,
    );
}

fn dist_info(catalogue: &mut Catalogue) {
    catalogue.archive("no dist-info", "dist-info-missing", |archive| {
        archive.members.retain(|member| !member.name.starts_with(INFO));
    });
    let mut add = |name, code, path: &str| {
        catalogue.wheel(name, code, |wheel| wheel.members.push(Member::file(path, b"x")));
    };
    add("two dist-infos", "dist-info-several", "bar-1.0.dist-info/METADATA");
    add("two dist-infos of one project", "dist-info-several", "foo-1.0.0.dist-info/METADATA");
    add("a second dist-info in capitals", "dist-info-several", "bar-1.0.DIST-INFO/METADATA");
    add("a file that ends like a dist-info", "dist-info-several", "bar-1.0.dist-info");
    add("metadata of another project as an egg", "foreign-metadata", "bar.egg-info/PKG-INFO");
    add("an egg-info that is a file", "foreign-metadata", "bar-1.0-py3.11.egg-info");
    add("an egg link", "foreign-metadata", "bar.egg-link");
    for (name, file) in [
        ("an INSTALLER", "INSTALLER"),
        ("a forged origin", "direct_url.json"),
        ("REQUESTED", "REQUESTED"),
        ("a forged provenance", "provenance_url.json"),
    ] {
        add(name, "installer-file", &format!("{INFO}/{file}"));
    }
    catalogue.wheel("no METADATA", "dist-info-file-missing", |wheel| wheel.metadata = None);
    catalogue.wheel("no WHEEL", "dist-info-file-missing", |wheel| wheel.wheel = None);
    catalogue.archive("no RECORD", "dist-info-file-missing", |archive| {
        archive.members.retain(|member| member.name != RECORD);
    });
    catalogue.wheel("wheel version 2", "wheel-version", |wheel| {
        wheel.wheel =
            Some(wheel_text(true, &["py3-none-any"]).replace("Version: 1.0", "Version: 2.0"));
    });
    catalogue.wheel("no Root-Is-Purelib", "wheel-malformed", |wheel| {
        wheel.wheel = Some("Wheel-Version: 1.0\nTag: py3-none-any\n".to_owned());
    });
    catalogue.wheel("Root-Is-Purelib twice", "wheel-malformed", |wheel| {
        wheel.wheel = Some(wheel_text(true, &["py3-none-any"]) + "Root-Is-Purelib: false\n");
    });
}

fn record(catalogue: &mut Catalogue) {
    let mut edit = |name, code, edit: fn(String) -> String| {
        catalogue.wheel(name, code, |wheel| {
            let members = wheel.archive().members;
            let listed = &members[..members.len() - 1];
            wheel.record = Some(edit(record_text(listed, RECORD)));
        });
    };
    edit("a file that RECORD does not list", "record-missing-file", |text| {
        text.lines().filter(|line| !line.starts_with("foo/deep.py")).fold(String::new(), join)
    });
    edit("RECORD does not list itself", "record-missing-file", |text| {
        text.lines().filter(|line| !line.starts_with(RECORD)).fold(String::new(), join)
    });
    edit("RECORD does not list METADATA", "record-missing-file", |text| {
        text.lines().filter(|line| !line.contains("/METADATA")).fold(String::new(), join)
    });
    edit("RECORD lists what is not there", "record-extra-file", |text| {
        text + &record_line("foo/ghost.py", b"boo")
    });
    edit("RECORD lists a path outside", "record-path", |text| {
        text + &record_line("../../bin/foo", b"")
    });
    edit("RECORD lists a path outside, with backslashes", "record-path", |text| {
        text + &record_line("..\\..\\bin\\foo", b"")
    });
    edit("RECORD lists a file with slashes of both kinds", "record-path", |text| {
        text + &record_line("foo\\deep.py", b"")
    });
    edit("RECORD lists an absolute path", "record-path", |text| {
        text + &record_line("/etc/passwd", b"")
    });
    edit("RECORD spells a path in another way", "record-path", |text| {
        text.replace("foo/deep.py", "foo/./deep.py")
    });
    edit("RECORD lists a folder", "record-path", |text| text + "foo/,,\n");
    edit("RECORD lists a file twice, differently", "record-conflict", |text| {
        text + &record_line("foo/deep.py", b"another")
    });
    edit("RECORD that is not CSV", "record-malformed", |text| text + "one,two\n");
    edit("RECORD without a digest", "record-no-digest", |text| {
        replace_line(&text, "foo/deep.py", "foo/deep.py,,")
    });
    edit("RECORD with MD5", "record-weak-digest", |text| {
        replace_line(&text, "foo/deep.py", "foo/deep.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,")
    });
    edit("RECORD with SHA-1", "record-weak-digest", |text| {
        replace_line(&text, "foo/deep.py", "foo/deep.py,sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk,")
    });
    edit("RECORD with an unknown algorithm", "record-malformed", |text| {
        text.replace("foo/deep.py,sha256=", "foo/deep.py,rot13=")
    });
    edit("RECORD with a digest of itself", "record-of-itself", |text| {
        let line = record_line(RECORD, b"impossible");
        replace_line(&text, RECORD, line.trim_end())
    });
    edit("RECORD with another size", "record-size", |text| {
        let honest = text.lines().find(|line| line.starts_with("foo/deep.py")).unwrap_or_default();
        let (start, _) = honest.rsplit_once(',').unwrap_or_default();
        replace_line(&text, "foo/deep.py", &format!("{start},7"))
    });
    edit("RECORD with another digest of METADATA", "record-digest", |text| {
        let honest = text.lines().find(|line| line.contains("/METADATA")).unwrap_or_default();
        let size = honest.rsplit(',').next().unwrap_or_default();
        let forged = record_line(&format!("{INFO}/METADATA"), b"another");
        let forged = forged.rsplit_once(',').map_or("", |(line, _)| line);
        replace_line(&text, &format!("{INFO}/METADATA"), &format!("{forged},{size}"))
    });
}

fn join(text: String, line: &str) -> String {
    text + line + "\n"
}

fn replace_line(text: &str, path: &str, with: &str) -> String {
    text.lines()
        .map(|line| if line.split(',').next() == Some(path) { with } else { line })
        .fold(String::new(), join)
}

fn data_folder(catalogue: &mut Catalogue) {
    let mut add = |name, code, path: &str| {
        catalogue.wheel(name, code, |wheel| wheel.members.push(Member::file(path, b"x")));
    };
    add("a data folder of another project", "data-name", "bar-1.0.data/data/x");
    add("a data folder of another version", "data-name", "foo-1.1.data/data/x");
    add("a file that is the data folder", "data-scheme", "foo-1.0.data");
    add("a file beside the schemes", "data-scheme", "foo-1.0.data/x");
    add("an unknown scheme", "data-scheme", "foo-1.0.data/stdlib/os.py");
    add("a scheme in capitals", "data-scheme", "foo-1.0.data/Scripts/x");
    add("journal", "installer-file", "foo-1.0.data/data/.countermark/journal");
    add("pyvenv.cfg", "data-in-environment", "foo-1.0.data/data/pyvenv.cfg");
    let inside = "foo-1.0.data/data/lib/python3.11/site-packages/bar/__init__.py";
    add("data inside of the modules", "data-in-environment", inside);
    add(
        "data inside of the modules on Windows",
        "data-in-environment",
        "foo-1.0.data/data/Lib/site-packages/bar.py",
    );
    add(
        "metadata of another project by way of purelib",
        "foreign-metadata",
        "foo-1.0.data/purelib/bar-1.0.dist-info/METADATA",
    );
    add(
        "more metadata by way of platlib",
        "foreign-metadata",
        "foo-1.0.data/platlib/foo-1.0.dist-info/x",
    );
    catalogue.wheel("two data folders", "data-several", |wheel| {
        wheel.members.push(Member::file("foo-1.0.data/data/x", b"x"));
        wheel.members.push(Member::file("Foo-1.0.data/data/y", b"x"));
    });
}

fn commands(catalogue: &mut Catalogue) {
    let mut points = |name, code, text: &str| {
        let text = text.to_owned();
        catalogue.wheel(name, code, |wheel| wheel.entry_points = Some(text));
    };
    let shadows = "command-shadows";
    points("a command python", shadows, "[console_scripts]\npython = foo:main\n");
    points("a command python3", shadows, "[console_scripts]\npython3 = foo:main\n");
    points("a command python3.11", shadows, "[console_scripts]\npython3.11 = foo:main\n");
    points("a command in other case", shadows, "[console_scripts]\nPython = foo:main\n");
    points("a command pythonw", shadows, "[gui_scripts]\npythonw = foo:main\n");
    points("a command activate", shadows, "[console_scripts]\nactivate = foo:main\n");
    let name = "command-name";
    points("a command with a path", name, "[console_scripts]\n../foo = foo:main\n");
    points("a command with an absolute path", name, "[console_scripts]\n/bin/sh = foo:main\n");
    points("a command with a backslash", name, "[console_scripts]\n..\\foo = foo:main\n");
    points("a command that is a device", name, "[console_scripts]\nnul = foo:main\n");
    points("a command that ends with a dot", name, "[console_scripts]\nfoo. = foo:main\n");
    let twice = "command-twice";
    points("one command twice", twice, "[console_scripts]\na = foo:x\na = foo:y\n");
    points("one command in other case", twice, "[console_scripts]\na = foo:x\nA = foo:y\n");
    points(
        "one command on a console and in a window",
        twice,
        "[console_scripts]\na = foo:x\n[gui_scripts]\na = foo:y\n",
    );
    points(
        "a command that is Python code",
        "entry-points-malformed",
        "[console_scripts]\na = foo:main();import os\n",
    );
    points(
        "a command without a function",
        "command-without-object",
        "[console_scripts]\na = foo\n",
    );
    points("entry points that cannot be read", "entry-points-malformed", "a = b\n");
    let mut file = |name, code, path: &str| {
        catalogue.wheel(name, code, |wheel| wheel.members.push(Member::file(path, b"x")));
    };
    file("a script python", shadows, "foo-1.0.data/scripts/python");
    file("a script python.exe", shadows, "foo-1.0.data/scripts/python.exe");
    file("a script activate.fish", shadows, "foo-1.0.data/scripts/activate.fish");
    file("a script by way of data", shadows, "foo-1.0.data/data/bin/python3");
    file("a script by way of data on Windows", shadows, "foo-1.0.data/data/Scripts/python.exe");
    file("a script that is an entry point too", twice, "foo-1.0.data/scripts/foo");
    file("an entry point by way of data", twice, "foo-1.0.data/data/bin/Foo");
}
