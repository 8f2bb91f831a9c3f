//! `pyvenv.cfg`: whether an executable belongs to a virtual environment, and to which base
//! (PEP 405; `getpath.py` and `site.py` of CPython).
//!
//! The file lies in the environment, so whoever can change the environment can change it. It only
//! decides *which* interpreter outside the environment is asked; nothing inside is ever run.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

/// A configuration has a handful of lines.
const MAX_BYTES: u64 = 64 << 10;

/// What `pyvenv.cfg` says, as far as we need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// The folder of the base interpreter.
    pub(crate) home: PathBuf,
    /// Written by `venv` since 3.11: the base interpreter with links resolved.
    pub(crate) executable: Option<PathBuf>,
    /// Written by `venv`: `3.11.7`; by others as `version_info`.
    pub(crate) version: Option<String>,
    /// Are the packages of the base importable?
    pub(crate) system_site_packages: bool,
}

/// Reads the text; `None` without a `home`, which is what makes it a virtual environment.
pub(crate) fn parse_configuration(text: &str) -> Option<Configuration> {
    let value = |name: &str| {
        text.lines().filter_map(|line| line.split_once('=')).find_map(|(key, value)| {
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    Some(Configuration {
        home: value("home").filter(|home| !home.is_empty())?.into(),
        executable: value("executable").map(PathBuf::from),
        version: value("version").or_else(|| value("version_info")),
        system_site_packages: value("include-system-site-packages")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
    })
}

/// The configuration that an executable finds: beside itself or one folder up. Returns the prefix
/// with it, which is the folder above the executable's in both cases.
///
/// # Errors
/// When a configuration is there and cannot be read.
pub(crate) fn read_configuration(
    executable: &Path,
) -> io::Result<Option<(PathBuf, Configuration)>> {
    let Some((folder, prefix)) =
        executable.parent().and_then(|folder| Some((folder, folder.parent()?)))
    else {
        return Ok(None);
    };
    for place in [folder, prefix] {
        let path = place.join("pyvenv.cfg");
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text)?;
        return Ok(parse_configuration(&text).map(|found| (prefix.to_owned(), found)));
    }
    Ok(None)
}

/// The base interpreter of an environment, a path outside `prefix`: what the environment's links
/// lead to, or, where it has a copy of the program, what the configuration names.
pub(crate) fn base_executable(
    executable: &Path,
    prefix: &Path,
    configuration: &Configuration,
) -> Option<PathBuf> {
    let inside = fs::canonicalize(prefix).ok()?;
    let is_outside = |path: &PathBuf| {
        let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
        let real = fs::canonicalize(path);
        folder.is_some_and(|folder| !folder.starts_with(&inside))
            && real.is_ok_and(|real| !real.starts_with(&inside))
    };
    if let Some(target) = follow_out(executable, prefix).filter(is_outside) {
        return Some(target);
    }
    let minor = configuration.version.as_deref().and_then(|version| {
        let mut parts = version.split('.');
        Some(format!("python{}.{}", parts.next()?, parts.next()?))
    });
    let name = executable.file_name()?.to_str()?.to_owned();
    [minor, Some(name), Some("python3".to_owned())]
        .into_iter()
        .flatten()
        .map(|name| configuration.home.join(name))
        .chain(configuration.executable.clone())
        .filter(|path| path.is_absolute())
        .find(is_outside)
}

/// Follows links until one leads out of the prefix. The first path outside is the one the
/// environment was made with; where that leads is not followed further.
fn follow_out(executable: &Path, prefix: &Path) -> Option<PathBuf> {
    // As many links as the kernel follows.
    const MAX_LINKS: usize = 40;
    let mut path = executable.to_owned();
    for _ in 0..MAX_LINKS {
        let target = fs::read_link(&path).ok()?;
        let has_dots = target.components().any(|part| matches!(part, Component::ParentDir));
        path = path.parent()?.join(target);
        if has_dots {
            return fs::canonicalize(path).ok();
        }
        if !path.starts_with(prefix) {
            return Some(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::unix::fs::symlink;

    #[test]
    fn configurations() {
        let text = "Home = /usr/bin \nInclude-System-Site-Packages=TRUE\nversion = 3.11.2\nprompt = 'a = b'\n";
        let found = parse_configuration(text).unwrap();
        assert_eq!(found.home, Path::new("/usr/bin"));
        assert_eq!(found.version.as_deref(), Some("3.11.2"));
        assert!(found.system_site_packages);
        assert_eq!(parse_configuration("version = 3.11\n"), None);
        assert_eq!(parse_configuration("home =\n"), None);
        let found = parse_configuration("home = /x\nversion_info = 3.9.1.final.0\n").unwrap();
        assert_eq!(found.version.as_deref(), Some("3.9.1.final.0"));
        assert!(!found.system_site_packages);
    }

    #[test]
    fn the_base_lies_outside() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let at = |path: &str| root.join(path);
        for folder in ["base", "other", "env/bin"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("base/python3.11"), "program").unwrap();
        fs::write(at("other/python3.11"), "another").unwrap();
        symlink("python3.11", at("base/python3")).unwrap();
        symlink(at("base/python3"), at("env/bin/python")).unwrap();
        symlink("python", at("env/bin/python3")).unwrap();
        fs::write(at("env/bin/python-copy"), "program").unwrap();
        let base = |name: &str, home: &str| {
            let configuration =
                parse_configuration(&format!("home = {}\nversion = 3.11.7\n", at(home).display()));
            base_executable(&at("env/bin").join(name), &at("env"), &configuration.unwrap())
        };
        for home in ["base", "other", "env/bin"] {
            assert_eq!(base("python3", home), Some(at("base/python3")));
            assert_eq!(base("python", home), Some(at("base/python3")));
        }
        // A copy inside is not run; the configuration names the base.
        assert_eq!(base("python-copy", "base"), Some(at("base/python3.11")));
        // A home inside the environment is no base.
        assert_eq!(base("python-copy", "env/bin"), None);
        symlink("../../base/python3.11", at("env/bin/relative")).unwrap();
        assert_eq!(base("relative", "other"), Some(at("base/python3.11")));
        symlink("loop", at("env/bin/loop")).unwrap();
        assert_eq!(base("loop", "env/bin"), None);
    }
}
