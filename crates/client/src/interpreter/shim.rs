//! pyenv puts shell scripts named like interpreters on `PATH`; each run of one costs a tenth of a
//! second. In the ordinary case what they do can be told without running them.
//!
//! Only the plain case is answered: a shim of pyenv's own making, exact version names, and every
//! one of them installed. In all others the answer is `None` and the shim is run.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const MAX_BYTES: u64 = 4096;

/// The interpreter that a shim would run in this folder.
pub(crate) fn executable_behind(
    shim: &Path,
    pyenv_version: Option<&OsStr>,
    folder: &Path,
) -> Option<PathBuf> {
    let shims = shim.parent().filter(|shims| shims.ends_with("shims"))?;
    let root = shims.parent()?;
    let script = read_text(shim)?;
    let run = format!("exec \"{}/libexec/pyenv\" exec \"$program\" \"$@\"", root.display());
    if !script.starts_with("#!") || !script.lines().any(|line| line == run) {
        return None;
    }
    let text = match pyenv_version.filter(|version| !version.is_empty()) {
        Some(version) => version.to_str()?.replace(':', " "),
        None => folder
            .ancestors()
            .find_map(|folder| read_text(&folder.join(".python-version")))
            .or_else(|| read_text(&root.join("version")))?,
    };
    let mut programs = Vec::new();
    for line in text.lines() {
        for version in line.split('#').next()?.split_whitespace() {
            let is_plain = version != "system"
                && !version.contains(['/', '*', '['])
                && !version.starts_with('.');
            let home = root.join("versions").join(version);
            if !is_plain || !home.is_dir() {
                return None;
            }
            programs.push(home.join("bin").join(shim.file_name()?));
        }
    }
    programs.into_iter().find(|program| super::find::is_executable(program))
}

fn read_text(path: &Path) -> Option<String> {
    let mut text = String::new();
    let length = File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    (length > 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::unix::fs::PermissionsExt as _;
    use std::fs;

    #[test]
    fn the_plain_case_is_told_and_others_are_not() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for version in ["3.11.7", "3.12.1"] {
            fs::create_dir_all(at("pyenv/versions").join(version).join("bin")).unwrap();
            let program = at("pyenv/versions").join(version).join("bin/python3");
            fs::write(&program, "program").unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir_all(at("pyenv/shims")).unwrap();
        fs::create_dir_all(at("work/inside")).unwrap();
        let shim = at("pyenv/shims/python3");
        let pyenv = at("pyenv");
        let script = format!(
            "#!/usr/bin/env bash\nexec \"{}/libexec/pyenv\" exec \"$program\" \"$@\"\n",
            pyenv.display()
        );
        fs::write(&shim, &script).unwrap();
        fs::write(at("pyenv/version"), "3.11.7\n").unwrap();
        let check = |variable: Option<&str>, expect: Option<&str>| {
            let found = executable_behind(&shim, variable.map(OsStr::new), &at("work/inside"));
            let expect =
                expect.map(|version| at("pyenv/versions").join(version).join("bin/python3"));
            assert_eq!(found, expect, "{variable:?}");
        };
        check(None, Some("3.11.7"));
        check(Some(""), Some("3.11.7"));
        check(Some("3.12.1:3.11.7"), Some("3.12.1"));
        check(Some("system"), None);
        check(Some("3.12"), None);
        check(Some("../versions/3.12.1"), None);
        fs::write(at("work/.python-version"), "# ours\n3.12.1 # pinned\n").unwrap();
        check(None, Some("3.12.1"));
        check(Some("3.11.7"), Some("3.11.7"));
        fs::write(at("work/inside/.python-version"), "3.9.1\n").unwrap();
        check(None, None);
        fs::write(&shim, script.replace("$program", "other")).unwrap();
        check(Some("3.11.7"), None);
    }
}
