//! The commands that a wheel brings: launchers for entry points, and the first line of scripts in
//! `.data/scripts`.
//!
//! The texts are those that pip writes (its script maker; binary distribution format, "Recommended
//! installer features"), so that an environment looks the same whoever made it. Where pip would
//! write a command that cannot work (a path with blanks in a rewritten script, `removesuffix` before
//! Python 3.9) a working one is written, and where none can be written the answer is an error.
//! Nothing here touches a file.
//!
//! Off pip: `pip` itself gets no `pipX.Y` command that its wheel does not list.

use std::path::{Path, PathBuf};

use countermark_packaging::entry_points::Script;
use countermark_trust::Class;

/// Linux before 5.1 cut the first line at this length, counting `#!` and the newline.
const MAX_LINE: usize = if cfg!(target_os = "macos") { 512 } else { 127 };

/// Why a command cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The path of the interpreter cannot stand in a script.
    #[error("no script can name the interpreter `{}`: {reason}", path.display())]
    Interpreter {
        /// The executable.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The entry point names a module and nothing to call in it.
    #[error("the command `{name}` calls nothing: expected `{module}:function`, found `{module}`")]
    NothingToCall {
        /// The command.
        name: String,
        /// The module.
        module: String,
    },
    /// A script whose text is in another encoding than UTF-8 needs its first two lines for itself.
    #[error("the interpreter's path `{}` needs three lines, and the script's second line is `{line}`", path.display())]
    Encoding {
        /// The executable.
        path: PathBuf,
        /// The line that says which encoding it is.
        line: String,
    },
}

impl ScriptError {
    /// The table of exit codes.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Interpreter { .. } | Self::Encoding { .. } => Class::Usage,
            Self::NothingToCall { .. } => Class::Rejected,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Interpreter { .. } | Self::Encoding { .. } => {
                Some("use an environment whose path is short and has no blanks or quotes in it")
            }
            Self::NothingToCall { .. } => None,
        }
    }
}

/// What stands above every Python script of an environment and makes the system run it with the
/// environment's interpreter: one line, or three where one cannot say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    text: String,
    executable: PathBuf,
    is_simple: bool,
}

impl Heading {
    /// The heading for an interpreter. `is_script` tells that the executable is a script itself,
    /// which not every system accepts in a first line.
    ///
    /// # Errors
    /// [`ScriptError::Interpreter`] when neither the kernel nor a shell could read the path back.
    pub fn new(executable: &Path, is_script: bool) -> Result<Self, ScriptError> {
        let refuse = |reason| Err(ScriptError::Interpreter { path: executable.to_owned(), reason });
        let Some(path) = executable.to_str() else {
            return refuse("it is not UTF-8");
        };
        if !path.starts_with('/') {
            return refuse("it is not absolute");
        }
        if path.contains(['\n', '\r', '\0']) {
            return refuse("it has a line break in it");
        }
        let has_blank = path.contains([' ', '\t']);
        let is_simple = !has_blank && !is_script && path.len() + 3 <= MAX_LINE;
        let text = if is_simple {
            format!("#!{path}\n")
        } else {
            // Read by a shell between double quotes and by Python inside a string.
            if path.contains(['"', '$', '`', '\\']) || path.contains("'''") {
                return refuse("it needs quotes and has quoting characters in it");
            }
            let path = if has_blank { format!("\"{path}\"") } else { path.to_owned() };
            if !has_blank && !path.bytes().all(is_plain) {
                return refuse("it needs quotes");
            }
            format!("#!/bin/sh\n'''exec' {path} \"$0\" \"$@\"\n' '''\n")
        };
        Ok(Self { text, executable: executable.to_owned(), is_simple })
    }

    /// The text, with its newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A byte that means nothing to a shell.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+,:@%=~^".contains(&byte) || byte >= 0x80
}

/// The launcher of an entry point for an interpreter of this version (major, minor). Graphical and
/// console commands are the same outside of Windows. The file is executable.
///
/// # Errors
/// [`ScriptError::NothingToCall`].
pub fn launcher(
    script: &Script,
    heading: &Heading,
    version: (u32, u32),
) -> Result<String, ScriptError> {
    let module = &script.module;
    let Some(function) = &script.attribute else {
        return Err(ScriptError::NothingToCall {
            name: script.name.clone(),
            module: module.clone(),
        });
    };
    let object = function.split('.').next().unwrap_or(function);
    let heading = heading.text();
    let (import, name) = if version >= (3, 9) {
        ("import sys", "sys.argv[0].removesuffix('.exe')")
    } else {
        ("import re\nimport sys", "re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])")
    };
    Ok(format!(
        "{heading}{import}\nfrom {module} import {object}\nif __name__ == '__main__':\n    \
         sys.argv[0] = {name}\n    sys.exit({function}())\n"
    ))
}

/// A script of `.data/scripts` whose first line begins with `#!python` (binary distribution format,
/// "The .data directory"): that line becomes the heading, whatever else stood in it. `None` for all
/// other files, which are installed as they are.
///
/// # Errors
/// [`ScriptError::Encoding`].
pub fn rewrite_script(bytes: &[u8], heading: &Heading) -> Result<Option<Vec<u8>>, ScriptError> {
    if !bytes.starts_with(b"#!python") {
        return Ok(None);
    }
    let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let body = &bytes[end..];
    let second = body.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if !heading.is_simple && !is_utf8_declaration(second) {
        return Err(ScriptError::Encoding {
            path: heading.executable.clone(),
            line: String::from_utf8_lossy(second).chars().take(80).collect(),
        });
    }
    Ok(Some([heading.text().as_bytes(), body].concat()))
}

/// Whether the second line of a script can move down: it declares no encoding, or the one that
/// holds without a declaration (PEP 263).
fn is_utf8_declaration(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let Some((_, rest)) = text.split_once("coding").filter(|_| text.trim_start().starts_with('#'))
    else {
        return true;
    };
    let Some(name) = rest.strip_prefix([':', '=']) else {
        return true;
    };
    let name: String = name.trim_start().chars().take_while(|c| !c.is_whitespace()).collect();
    matches!(name.replace('_', "-").as_str(), "utf-8" | "utf8" | "ascii" | "us-ascii")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::tests::{make_venv, python3, run};
    use crate::system::unix::fs::PermissionsExt as _;
    use std::collections::BTreeSet;
    use std::fs;
    use std::process::Command;

    fn heading(path: &str) -> Result<String, &'static str> {
        match Heading::new(Path::new(path), false) {
            Ok(heading) => Ok(heading.text),
            Err(ScriptError::Interpreter { reason, .. }) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    fn entry(attribute: Option<&str>) -> Script {
        Script {
            name: "run".into(),
            module: "package.module".into(),
            attribute: attribute.map(Into::into),
            extras: BTreeSet::new(),
        }
    }

    #[test]
    fn headings() {
        let long = |length: usize| format!("/{}", "x".repeat(length - 1));
        let trick = |path: &str| format!("#!/bin/sh\n'''exec' {path} \"$0\" \"$@\"\n' '''\n");
        for (path, expect) in [
            ("/env/bin/python".into(), Ok("#!/env/bin/python\n".into())),
            ("/e$v/bin/python".into(), Ok("#!/e$v/bin/python\n".into())),
            (long(124), Ok(format!("#!{}\n", long(124)))),
            (long(125), Ok(trick(&long(125)))),
            ("/my env/bin/python".into(), Ok(trick("\"/my env/bin/python\""))),
            ("/my\tenv/bin/python".into(), Ok(trick("\"/my\tenv/bin/python\""))),
            ("/it's my env/python".into(), Ok(trick("\"/it's my env/python\""))),
            ("/my $env/python".into(), Err("it needs quotes and has quoting characters in it")),
            ("/my `env`/python".into(), Err("it needs quotes and has quoting characters in it")),
            (format!("/;{}", long(200)), Err("it needs quotes")),
            ("/my\nenv/python".into(), Err("it has a line break in it")),
            ("bin/python".into(), Err("it is not absolute")),
        ] {
            assert_eq!(heading(&path), expect, "{path}");
        }
        let script = Heading::new(Path::new("/env/bin/python"), true).unwrap();
        assert_eq!(script.text(), trick("/env/bin/python"));
    }

    #[test]
    fn launchers() {
        let heading = Heading::new(Path::new("/env/bin/python"), false).unwrap();
        let text = launcher(&entry(Some("Class.main")), &heading, (3, 11)).unwrap();
        let expect = "#!/env/bin/python\nimport sys\nfrom package.module import Class\n\
            if __name__ == '__main__':\n    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n    \
            sys.exit(Class.main())\n";
        assert_eq!(text, expect);
        let old = launcher(&entry(Some("main")), &heading, (3, 8)).unwrap();
        assert!(old.contains("import re\nimport sys\n") && !old.contains("removesuffix"), "{old}");
        let nothing = launcher(&entry(None), &heading, (3, 11)).unwrap_err();
        assert_eq!(nothing.class(), Class::Rejected);
        assert!(nothing.to_string().contains("`package.module:function`"), "{nothing}");
    }

    #[test]
    fn scripts_that_are_written_anew() {
        let simple = Heading::new(Path::new("/env/bin/python"), false).unwrap();
        let check = |text: &str, expect: Option<&str>| {
            let found = rewrite_script(text.as_bytes(), &simple).unwrap();
            let found = found.map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check("#!python\nprint()\n", Some("#!/env/bin/python\nprint()\n"));
        check("#!pythonw -O\r\nprint()\n", Some("#!/env/bin/python\nprint()\n"));
        check("#!python3", Some("#!/env/bin/python\n"));
        check("#!/usr/bin/python\n", None);
        check("#!/usr/bin/env python\n", None);
        check("print()\n#!python\n", None);
        check("", None);
        let long = Heading::new(Path::new("/my env/bin/python"), false).unwrap();
        for (second, is_fine) in [
            ("# -*- coding: utf-8 -*-", true),
            ("# vim: set fileencoding=UTF_8 :", true),
            ("print('coding: latin-1')", true),
            ("", true),
            ("# coding=latin-1", false),
        ] {
            let found = rewrite_script(format!("#!python\n{second}\n").as_bytes(), &long);
            assert_eq!(found.is_ok(), is_fine, "{second}");
            if is_fine {
                let expect = format!("{}{second}\n", long.text());
                assert_eq!(found.unwrap().unwrap(), expect.as_bytes());
            }
        }
    }

    /// Runs a launcher in environments with a plain, a blank-ridden and a very long path.
    #[test]
    fn every_heading_starts_the_interpreter_it_names() {
        let root = tempfile::tempdir().unwrap();
        let long = "long-".repeat(30);
        for name in ["plain", "it's a b", long.as_str()] {
            let env = root.path().canonicalize().unwrap().join(name);
            make_venv(&python3(), &env);
            let package = env
                .join("lib")
                .join(fs::read_dir(env.join("lib")).unwrap().next().unwrap().unwrap().file_name());
            fs::write(
                package.join("site-packages/mod.py"),
                "import sys\nclass Class:\n    def main():\n        print(sys.executable, sys.argv)\n        return 0\n",
            )
            .unwrap();
            let executable = env.join("bin/python");
            let heading = Heading::new(&executable, false).unwrap();
            let entry = Script { module: "mod".into(), ..entry(Some("Class.main")) };
            let rewritten = b"#!python\nfrom mod import Class\nClass.main()\n";
            for text in [
                launcher(&entry, &heading, (3, 11)).unwrap().into_bytes(),
                rewrite_script(rewritten, &heading).unwrap().unwrap(),
            ] {
                let command = env.join("bin/run");
                fs::write(&command, text).unwrap();
                fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
                let said = run(Command::new(&command).args(["one", "a b"]));
                let [executable, command] =
                    [&executable, &command].map(|path| path.to_str().unwrap());
                let quote = if command.contains('\'') { '"' } else { '\'' };
                assert_eq!(said, format!("{executable} [{quote}{command}{quote}, 'one', 'a b']\n"));
            }
        }
    }

    const MAKE_WHEEL: &str = r"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    for name, text in {
        'mod.py': 'def main(): pass\n',
        'mod-1.data/scripts/old': '#!python -O\nprint(1)\n',
        'mod-1.data/scripts/plain': '#!/bin/sh\ntrue\n',
        'mod-1.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        'mod-1.dist-info/METADATA': 'Metadata-Version: 2.1\nName: mod\nVersion: 1\n',
        'mod-1.dist-info/entry_points.txt': '[console_scripts]\nrun = mod:main.call\n[gui_scripts]\nshow = mod:main\n',
        'mod-1.dist-info/RECORD': '',
    }.items():
        wheel.writestr(name, text)
";

    /// `COUNTERMARK_PIP` names a pip of 2026; older ones write another launcher.
    #[test]
    fn the_texts_are_those_of_pip() {
        use countermark_packaging::entry_points::EntryPoints;
        let Some(pip) = std::env::var_os("COUNTERMARK_PIP") else {
            eprintln!("COUNTERMARK_PIP is not set: not compared with pip");
            return;
        };
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let wheel = root.join("mod-1-py3-none-any.whl");
        run(Command::new("python3").args(["-I", "-c", MAKE_WHEEL]).arg(&wheel));
        for (name, has_rewritten) in [("plain", true), ("a b", false)] {
            let env = root.join(name);
            make_venv(&python3(), &env);
            run(Command::new(&pip)
                .arg("--python")
                .arg(env.join("bin/python"))
                .args(["install", "--no-index", "--no-deps"])
                .arg(&wheel));
            let read = |name| fs::read_to_string(env.join("bin").join(name)).unwrap();
            let heading = Heading::new(&env.join("bin/python"), false).unwrap();
            let entries =
                b"[console_scripts]\nrun = mod:main.call\n[gui_scripts]\nshow = mod:main\n";
            let entries = EntryPoints::parse(entries).unwrap();
            assert_eq!(launcher(&entries.console[0], &heading, (3, 11)).unwrap(), read("run"));
            assert_eq!(launcher(&entries.gui[0], &heading, (3, 11)).unwrap(), read("show"));
            let ours = rewrite_script(b"#!python -O\nprint(1)\n", &heading).unwrap().unwrap();
            // Off pip: pip names a path with a blank in one line, and the script does not run.
            assert_eq!(ours == read("old").into_bytes(), has_rewritten);
            assert_eq!(read("plain"), "#!/bin/sh\ntrue\n");
        }
    }
}
