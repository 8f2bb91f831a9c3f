//! Releases that are made here: every permitted difference, and beside it what is refused for its reason.

mod copies;
mod page;
mod scenario;
mod wheels;

use countermark_trust::change::FileKind;

use super::*;
use scenario::{ParseName as _, Release, codes, covered, unexplained};

const MODULE: &[u8] = b"def pour():\n    return 1\n";
const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0machine code";

/// A sound release: a package in `src`, its metadata, a command, a licence.
fn tea() -> Release {
    Release::new()
        .both("src/tea/__init__.py", "tea/__init__.py", b"from tea.pot import pour\n")
        .both("src/tea/pot.py", "tea/pot.py", MODULE)
        .source("tests/test_pot.py", b"import os\nos.system('make a mess')\n")
        .source("LICENSE", b"MIT\n")
        .info("licenses/LICENSE", b"MIT\n")
        .source(
            "pyproject.toml",
            b"[project]\nname = \"tea\"\nscripts = { tea = \"tea.pot:pour\" }\n",
        )
        .info("entry_points.txt", b"[console_scripts]\ntea = tea.pot:pour\n")
}

#[test]
fn a_wheel_with_the_files_of_its_source_is_covered() {
    let comparison = tea().relate();
    assert!(comparison.relation.covers(), "{:?}", comparison.findings);
    assert_eq!(comparison.relation.same, 2);
    assert_eq!(comparison.roots, [("tea".to_owned(), "src/".to_owned())]);
    let permitted = [
        "entry-points .dist-info/entry_points.txt",
        "licence .dist-info/licenses/LICENSE",
        "metadata .dist-info/METADATA",
        "record .dist-info/RECORD",
        "wheel .dist-info/WHEEL",
    ];
    let mut found = comparison.relation.permitted;
    found.sort();
    assert_eq!(found, permitted);
}

#[test]
fn a_wheel_says_nothing_about_a_source_and_nothing_about_another_release() {
    let (source, wheel) = tea().sides();
    let code = |from, to| relate(from, to).unwrap_err().code();
    assert_eq!(code(&wheel, &source), "relate-to-source");
    assert_eq!(code(&source, &source), "relate-to-source");
    assert_eq!(code(&wheel, &wheel), "relate-same-file");
    let mut other = wheel.clone();
    other.filename = "tea-1.1-py3-none-any.whl".parse_name();
    assert_eq!(code(&source, &other), "relate-other-release");
}

#[test]
fn files_count_only_in_the_place_that_corresponds() {
    let moved = b"import os\nos.system('make a mess')\n";
    // A test that became the package.
    unexplained(&tea().replace_wheel("tea/__init__.py", moved), &["changed tea/__init__.py"]);
    unexplained(&tea().wheel("tea/more.py", moved), &["moved tea/more.py"]);
    // Two files that changed places.
    let swapped = tea()
        .replace_wheel("tea/pot.py", b"from tea.pot import pour\n")
        .replace_wheel("tea/__init__.py", MODULE);
    unexplained(&swapped, &["changed tea/__init__.py", "changed tea/pot.py"]);
    // A package below a folder of tests.
    let hidden =
        tea().source("tests/more/__init__.py", b"x = 1\n").wheel("more/__init__.py", b"x = 1\n");
    unexplained(&hidden, &["moved more/__init__.py"]);
    // Also where a file of the build speaks of that folder.
    let named = hidden.source("setup.cfg", b"[tool:pytest]\ntestpaths = tests\n");
    unexplained(&named, &["moved more/__init__.py"]);
    unexplained(&tea().wheel("tea/new.py", b"x = 1\n"), &["added tea/new.py"]);
    let folded = tea().wheel("tea/__init__.pY", b"");
    unexplained(&folded, &["collision tea/__init__.pY", "collision tea/__init__.py"]);
}

#[test]
fn a_folder_is_a_root_where_the_build_says_so() {
    let release = || {
        Release::new().both("lib/tea/__init__.py", "tea/__init__.py", b"x = 1\n").both(
            "lib/tea/pot.py",
            "tea/pot.py",
            MODULE,
        )
    };
    unexplained(&release(), &["moved tea/__init__.py", "moved tea/pot.py"]);
    for (name, text) in [
        ("setup.py", "setup(package_dir={'': 'lib'})\n"),
        ("pyproject.toml", "[tool.x]\npackages = [\"lib/tea\"]\n"),
        ("setup.cfg", "[options]\npackage_dir =\n    =lib\n"),
    ] {
        covered(&release().source(name, text.as_bytes()));
    }
    let comment = release().source("setup.py", b"# 'lib'\nsetup()\n");
    unexplained(&comment, &["moved tea/__init__.py", "moved tea/pot.py"]);
    // All files of a package come from one folder.
    let split = release()
        .source("setup.py", b"setup(package_dir={'': 'lib'})\n")
        .source("src/tea/other.py", b"y = 2\n")
        .wheel("tea/other.py", b"y = 2\n");
    unexplained(&split, &["moved tea/other.py"]);
}

#[test]
fn a_module_that_lacks_changes_what_is_imported() {
    unexplained(&tea().source("src/tea/guard.py", b"check()\n"), &["dropped tea/guard.py"]);
    covered(&tea().source("src/tea/tests/test_it.py", b"check()\n"));
    covered(&tea().source("src/tea/speed.c", b"int main;\n"));
    // It is there as machine code, which needs its own word.
    let compiled = tea()
        .source("src/tea/fast.py", b"check()\n")
        .wheel("tea/fast.cpython-312-x86_64-linux-gnu.so", ELF);
    covered(&compiled);
    assert_eq!(compiled.relate().relation.compiled, ["tea/fast.cpython-312-x86_64-linux-gnu.so"]);
}

#[test]
fn machine_code_has_its_own_word_where_it_belongs() {
    for good in
        ["tea/_fast.abi3.so", "tea.libs/libx-1234.so.5.1", "tea/x.pyd", "tea/.dylibs/l.dylib"]
    {
        let release = tea().wheel(good, ELF);
        assert_eq!(covered(&release).compiled, [good]);
    }
    for bad in ["tea/fast.py", "tea/data.txt", "tea/fast.so.x", "tea/fast"] {
        unexplained(&tea().wheel(bad, ELF), &[&format!("program {bad}")]);
    }
    // The name without the code, bytecode, and machine code that starts by itself.
    unexplained(&tea().wheel("tea/fast.so", b"INPUT(libevil.so)\n"), &["program tea/fast.so"]);
    unexplained(
        &tea().wheel("tea/__pycache__/pot.cpython-312.pyc", b"\xcb\r\r\n\0\0"),
        &["program tea/__pycache__/pot.cpython-312.pyc"],
    );
    let name = "sitecustomize.cpython-312-x86_64-linux-gnu.so";
    unexplained(&tea().wheel(name, ELF), &[&format!("starts-by-itself {name}")]);
}

#[test]
fn what_nobody_can_read_in_a_source_is_not_read_in_it() {
    let code = "tea/__pycache__/pot.cpython-312.pyc";
    let compiled = tea().both(&format!("src/{code}"), code, b"\xcb\r\r\n\0\0");
    unexplained(&compiled, &[&format!("program {code}")]);
    for path in ["tea/fast.so", "tea/launcher.exe"] {
        let release = tea().both(&format!("src/{path}"), path, ELF);
        assert_eq!(covered(&release).compiled, [path]);
    }
}

#[test]
fn what_starts_by_itself_is_named_by_the_build() {
    let pth = b"import tea\n";
    unexplained(&tea().wheel("tea.pth", pth), &["starts-by-itself tea.pth"]);
    // A harmless text under a harmful name, and a file of that name that nobody speaks of.
    let moved = tea().source("src/tea.txt", pth).wheel("tea.pth", pth);
    unexplained(&moved, &["starts-by-itself tea.pth"]);
    let unnamed = tea().both("tea.pth", "tea.pth", pth);
    unexplained(&unnamed, &["starts-by-itself tea.pth"]);
    covered(&unnamed.source("setup.py", b"setup(data_files=[('', ['tea.pth'])])\n"));
    let data = tea().wheel("tea-1.0.data/data/lib/python3.12/site-packages/tea.pth", pth);
    unexplained(&data, &["starts-by-itself .data/data/lib/python3.12/site-packages/tea.pth"]);
    let pure = tea().wheel("tea-1.0.data/purelib/tea.pth", pth);
    unexplained(&pure, &["starts-by-itself tea.pth"]);
    unexplained(&tea().wheel("sitecustomize.py", b"x"), &["starts-by-itself sitecustomize.py"]);
}

#[test]
fn metadata_may_differ_in_what_is_for_people() {
    let described = "Metadata-Version: 2.4\nName: Tea\nVersion: 1.0\nSummary: hot\n\nMore.\n";
    covered(&tea().replace_info("METADATA", described.as_bytes()));
    let wants =
        |text: &str| format!("Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n{text}").into_bytes();
    let evil = tea().replace_info("METADATA", &wants("Requires-Dist: evil\n"));
    unexplained(&evil, &["requirements-differ .dist-info/METADATA"]);
    let both = |before: &str, after: &str| {
        tea().replace_source("PKG-INFO", &wants(before)).replace_info("METADATA", &wants(after))
    };
    covered(&both("Requires-Dist: kettle>=1\n", "Requires-Dist: Kettle >= 1\n"));
    let moved = both("Requires-Dist: kettle>=1\n", "Requires-Dist: kettle>=0\n");
    unexplained(&moved, &["requirements-differ .dist-info/METADATA"]);
    let other = "Metadata-Version: 2.1\nName: tea\nVersion: 1.1\n";
    unexplained(
        &tea().replace_info("METADATA", other.as_bytes()),
        &["metadata-differs .dist-info/METADATA"],
    );
    // Old source distributions say what they want in another file.
    let old = || tea().replace_info("METADATA", &wants("Requires-Dist: jug; extra == 'more'\n"));
    covered(&old().source("src/tea.egg-info/requires.txt", b"[more]\njug\n"));
    let old = old().source("src/tea.egg-info/requires.txt", b"jug\n");
    unexplained(&old, &["requirements-differ .dist-info/METADATA"]);
}

#[test]
fn the_folder_of_metadata_holds_nothing_else() {
    let wheel =
        b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\nEvil: 1\n";
    unexplained(&tea().replace_info("WHEEL", wheel), &["metadata-differs .dist-info/WHEEL"]);
    covered(&tea().info("top_level.txt", b"tea\n").info("zip-safe", b"\n"));
    unexplained(&tea().info("zip-safe", b"import os\n"), &["metadata-differs .dist-info/zip-safe"]);
    covered(&tea().info("scm_version.json", b"{}\n"));
    unexplained(
        &tea().info("scm_version.json", b"import os\n"),
        &["metadata-differs .dist-info/scm_version.json"],
    );
    unexplained(&tea().info("extra.json", b"{}\n"), &["metadata-differs .dist-info/extra.json"]);
    unexplained(
        &tea().info("licenses/run.py", b"import os\n"),
        &["metadata-differs .dist-info/licenses/run.py"],
    );
    unexplained(&tea().info("licenses/NOTICE", ELF), &["program .dist-info/licenses/NOTICE"]);
    covered(&tea().info("sboms/tea.cdx.json", b"{}\n"));
    // Python reads entry points from every such folder.
    for folder in ["evil-1.0.dist-info", "tea-1.1.dist-info", "evil.egg-info", "evil-1.0.data"] {
        let path = format!("{folder}/entry_points.txt");
        let release = tea().both(&path, &path, b"[console_scripts]\nls = tea:pour\n");
        unexplained(&release, &[&format!("foreign {path}")]);
    }
    unexplained(&tea().wheel("tea-1.0.data/evil/x", b"x"), &["foreign tea-1.0.data/evil/x"]);
}

#[test]
fn entry_points_follow_from_what_is_declared() {
    let differ = &["entry-points-differ .dist-info/entry_points.txt"];
    let points = |text: &str| tea().replace_info("entry_points.txt", text.as_bytes());
    covered(&points("[console_scripts]\ntea=tea.pot : pour\n"));
    unexplained(&points("[console_scripts]\ntea = tea:evil\n"), differ);
    unexplained(&points("[console_scripts]\ntea = tea.pot:pour\nls = tea:evil\n"), differ);
    unexplained(&points("[console_scripts]\ntea = tea.pot:pour\n[pytest11]\nx = tea\n"), differ);
    unexplained(&points(""), differ);
    unexplained(&tea().without_info("entry_points.txt"), differ);
    // What is static decides alone.
    let written = tea()
        .source("src/tea.egg-info/entry_points.txt", b"[console_scripts]\nls = tea:evil\n")
        .replace_info("entry_points.txt", b"[console_scripts]\nls = tea:evil\n");
    unexplained(&written, differ);
    covered(&written.replace_source("pyproject.toml", b"[build-system]\nrequires = []\n"));
    for text in [
        "[tool.poetry.scripts]\ntea = \"tea.pot:pour\"\n",
        "[tool.flit.scripts]\ntea = \"tea.pot:pour\"\n",
        "[project]\nname = \"tea\"\n[project.entry-points.console_scripts]\ntea = \"tea.pot:pour\"\n",
    ] {
        covered(&tea().replace_source("pyproject.toml", text.as_bytes()));
    }
    let configured = tea().replace_source("pyproject.toml", b"").source(
        "setup.cfg",
        b"[options.entry_points]\nconsole_scripts =\n    tea = tea.pot:pour\n",
    );
    covered(&configured);
}

#[test]
fn a_generated_file_only_says_the_version() {
    let text = b"__version__ = '1.0'\n__version_tuple__ = (1, 0)\n";
    let release = covered(&tea().wheel("tea/_version.py", text));
    assert!(release.permitted.contains(&"version-file tea/_version.py".to_owned()));
    let with = |path: &str, text: &[u8]| tea().wheel(path, text);
    unexplained(
        &with("tea/_version.py", b"__version__ = '1.0'\nimport os\n"),
        &["added tea/_version.py"],
    );
    unexplained(&with("tea/_version.py", b"__version__ = '9.9'\n"), &["added tea/_version.py"]);
    // It would be imported in place of something else, or lies where the source has no folder.
    unexplained(&with("tea/pot/__init__.py", text), &["added tea/pot/__init__.py"]);
    unexplained(&with("_version.py", text), &["added _version.py"]);
    unexplained(&with("tea/more/_version.py", text), &["added tea/more/_version.py"]);
    // In place of a file that did something.
    let replaced = tea().source("src/tea/_version.py", b"check()\n").wheel("tea/_version.py", text);
    unexplained(&replaced, &["changed tea/_version.py"]);
    covered(
        &tea()
            .source("src/tea/_version.py", b"__version__ = '0.0'\n")
            .wheel("tea/_version.py", text),
    );
}

#[test]
fn a_module_may_differ_in_the_line_with_its_version() {
    let release = |before: &[u8], after: &[u8]| {
        tea().source("src/tea/about.py", before).wheel("tea/about.py", after)
    };
    let found = covered(&release(b"run()\n__version__ = '0'\n", b"run()\n__version__ = '1.0'\n"));
    assert!(found.permitted.contains(&"version-line tea/about.py".to_owned()));
    let changed = &["changed tea/about.py"];
    unexplained(&release(b"run()\n__version__ = '0'\n", b"ruin()\n__version__ = '1.0'\n"), changed);
    unexplained(
        &release(b"run()\n__version__ = '0'\n", b"run()\n__version__ = '1.0'; x()\n"),
        changed,
    );
    let found = covered(&release(b"run()\r\n", b"run()\n"));
    assert!(found.permitted.contains(&"line-endings tea/about.py".to_owned()));
    unexplained(&release(b"# a\rrun()\n", b"# a\nrun()\n"), changed);
}

#[test]
fn a_marker_of_types_is_empty() {
    let found = covered(&tea().wheel("tea/py.typed", b""));
    assert!(found.permitted.contains(&"typed tea/py.typed".to_owned()));
    unexplained(&tea().wheel("tea/py.typed", b"import os\n"), &["added tea/py.typed"]);
    unexplained(&tea().wheel("tea/sub/__init__.py", b""), &["added tea/sub/__init__.py"]);
}

#[test]
fn commands_and_data_come_from_where_the_build_says() {
    let script = b"#!/usr/bin/env python\nrun()\n";
    let built = b"#!python\nrun()\n";
    let named = |folder: &str| {
        let text = format!("setup(scripts=['{folder}/brew', 'bin/*'])\n");
        tea().source("setup.py", text.as_bytes()).source(&format!("{folder}/brew"), script)
    };
    for folder in ["bin", "commands"] {
        let found = covered(&named(folder).wheel("tea-1.0.data/scripts/brew", built));
        assert!(found.permitted.contains(&"first-line .data/scripts/brew".to_owned()));
        covered(&named(folder).wheel("tea-1.0.data/scripts/brew", script));
    }
    let command = &["command .data/scripts/brew"];
    unexplained(&tea().wheel("tea-1.0.data/scripts/brew", built), command);
    let other = named("bin").wheel("tea-1.0.data/scripts/brew", b"#!python\nruin()\n");
    unexplained(&other, command);
    unexplained(&named("tests").wheel("tea-1.0.data/scripts/brew", script), command);
    unexplained(&tea().both("bin/brew", "tea-1.0.data/scripts/brew", script), command);
    unexplained(&tea().both("brew", "tea-1.0.data/scripts/brew", script), command);
    unexplained(&named("bin").wheel("tea-1.0.data/scripts/brew", ELF), command);
    let program = named("bin").wheel("tea-1.0.data/data/bin/brew", script);
    unexplained(&program, &["data .data/data/bin/brew"]);
    let page = || tea().both("docs/tea.1", "tea-1.0.data/data/share/man/man1/tea.1", b".TH\n");
    covered(&page());
    let other = "tea-1.0.data/data/share/man/man1/tea.1";
    unexplained(&page().replace_wheel(other, b".TX\n"), &["data .data/data/share/man/man1/tea.1"]);
    let settings = || tea().both("conf/tea.json", "tea-1.0.data/data/etc/tea/tea.json", b"{}\n");
    unexplained(&settings(), &["data .data/data/etc/tea/tea.json"]);
    let named = b"setup(data_files=[('etc/tea', ['conf/tea.json'])])\n";
    covered(&settings().source("setup.py", named));
    let header = || tea().source("include/tea.h", b"int x;\n");
    covered(&header().wheel("tea-1.0.data/headers/tea.h", b"int x;\n"));
    unexplained(
        &header().wheel("tea-1.0.data/headers/tea.h", b"int y;\n"),
        &["data .data/headers/tea.h"],
    );
}

#[test]
fn a_package_of_a_compiled_module_is_made_by_the_builder() {
    let text = b"from .rs import *\n\n__doc__ = rs.__doc__\nif hasattr(rs, \"__all__\"):\n    __all__ = rs.__all__";
    let library = "rs/rs.cpython-312-x86_64-linux-gnu.so";
    let release = || tea().wheel("rs/__init__.py", text).wheel(library, ELF);
    let found = covered(&release());
    assert!(found.permitted.contains(&"re-export rs/__init__.py".to_owned()));
    assert_eq!(found.compiled, [library]);
    // The module that it names is not there, or is no machine code.
    unexplained(&tea().wheel("rs/__init__.py", text), &["added rs/__init__.py"]);
    let python = tea().wheel("rs/__init__.py", text).wheel("rs/rs.py", b"x = 1\n");
    unexplained(&python, &["added rs/__init__.py", "added rs/rs.py"]);
    let more = [text, &b"\nrun()"[..]].concat();
    unexplained(&release().replace_wheel("rs/__init__.py", &more), &["added rs/__init__.py"]);
    // In place of a module of the source, and under another name than the module's.
    let source = release().source("rs.py", b"check()\n");
    unexplained(&source, &["added rs/__init__.py"]);
    let deep = tea().wheel("tea/rs/__init__.py", text).wheel("tea/rs/rs.abi3.so", ELF);
    unexplained(&deep, &["added tea/rs/__init__.py"]);
    // In place of a package that does something.
    let replaced = tea().replace_wheel("tea/__init__.py", text).wheel("tea/rs.abi3.so", ELF);
    unexplained(&replaced, &["changed tea/__init__.py"]);
    // Types go with it, the same ones.
    covered(&release().both("rs.pyi", "rs/__init__.pyi", b"x: int\n"));
    let other = release().source("rs.pyi", b"x: int\n").wheel("rs/__init__.pyi", b"x: str\n");
    unexplained(&other, &["changed rs/__init__.pyi"]);
}

#[test]
fn a_file_may_be_compressed() {
    let release = |inner: &[u8]| {
        let bytes = [b"gzip:", inner].concat();
        tea().source("src/tea/data/a.json", b"{}\n").wheel("tea/data/a.json.gz", &bytes)
    };
    let found = covered(&release(b"{}\n"));
    assert!(found.permitted.contains(&"compressed tea/data/a.json.gz".to_owned()));
    unexplained(&release(b"{\"evil\": 1}\n"), &["added tea/data/a.json.gz"]);
    let moved = tea().source("src/tea/a.json", b"{}\n").wheel("tea/data/a.json.gz", b"gzip:{}\n");
    unexplained(&moved, &["added tea/data/a.json.gz"]);
}

#[test]
fn two_files_in_one_place_explain_nothing() {
    let folded = tea().both("src/tea/Pot.py", "tea/Pot.py", b"x = 1\n");
    unexplained(&folded, &["collision tea/Pot.py", "collision tea/pot.py"]);
    let composed = tea().both("src/tea/\u{e9}.txt", "tea/\u{e9}.txt", b"x\n").both(
        "src/tea/e\u{301}.txt",
        "tea/e\u{301}.txt",
        b"x\n",
    );
    unexplained(&composed, &["collision tea/e\u{301}.txt", "collision tea/\u{e9}.txt"]);
    // The same letter in two ways, one in each archive, is not the same name.
    let spelled =
        tea().source("src/tea/\u{e9}.py", b"y = 1\n").wheel("tea/e\u{301}.py", b"y = 1\n");
    unexplained(&spelled, &["dropped tea/\u{e9}.py", "moved tea/e\u{301}.py"]);
}

#[test]
fn texts_that_were_not_kept_are_different() {
    let release = tea().wheel("tea/_version.py", b"__version__ = '1.0'\n");
    let (source, mut wheel) = release.sides();
    wheel.texts.remove("tea/_version.py");
    let found = relate(&source, &wheel).unwrap();
    assert_eq!(found.relation.unexplained, ["added tea/_version.py"]);
    wheel.texts.clear();
    assert!(codes(&relate(&source, &wheel).unwrap()).contains(&"metadata-differs".to_owned()));
}

#[test]
fn kinds_are_those_of_the_bytes() {
    assert_eq!(FileKind::of("tea/x.py", ELF), FileKind::Native);
}

#[test]
fn a_folder_that_installers_do_not_agree_about_is_foreign() {
    let points = b"[console_scripts]\ntea = tea.pot:pour\n";
    covered(&tea().both("src/tea/guard.py", "tea-1.0.data/purelib/tea/guard.py", MODULE));
    for folder in ["tea-1.0.DATA", "tea-1.0.0.data", "Tea-1.0.data", "tea-v1.0.data"] {
        let path = format!("{folder}/purelib/tea/guard.py");
        let release = tea().both("src/tea/guard.py", &path, MODULE);
        unexplained(&release, &["dropped tea/guard.py", &format!("foreign {path}")]);
    }
    let path = "tea-1.0.DIST-INFO/entry_points.txt";
    unexplained(&tea().wheel(path, points), &[&format!("foreign {path}")]);
    // Of two folders of metadata nobody knows which one counts.
    let two = tea().wheel("tea-1.0.0.dist-info/entry_points.txt", points).relate();
    let foreign = |name: &str| two.relation.unexplained.contains(&format!("foreign {name}"));
    assert!(foreign("tea-1.0.0.dist-info/entry_points.txt"), "{:?}", two.findings);
    assert!(foreign("tea-1.0.dist-info/METADATA"), "{:?}", two.findings);
}
