//! Which interpreter is meant.
//!
//! In this order: `--python` (a version, a path, a name on `PATH`, or a folder that holds an
//! environment), `VIRTUAL_ENV`, `CONDA_PREFIX`, then `python3` on `PATH`, then `python`. A `.venv` in
//! the working folder is not looked for: pip does not, and an install that silently goes elsewhere
//! than yesterday is the worse surprise. A variable that names a broken environment is an error
//! and never skipped, for the same reason.
//!
//! Everything that decides is in [`Search`]; nothing is read from the process.

use crate::system::unix::fs::PermissionsExt as _;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Interpreter, InterpreterError, read_interpreter, shim};

/// What decides which interpreter is meant.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// `--python`.
    pub requested: Option<&'a str>,
    /// `VIRTUAL_ENV`; empty counts as not set.
    pub virtual_env: Option<&'a OsStr>,
    /// `CONDA_PREFIX`; empty counts as not set.
    pub conda_prefix: Option<&'a OsStr>,
    /// `PATH`.
    pub path: Option<&'a OsStr>,
    /// `PYENV_VERSION`: what a pyenv shim on `PATH` stands for.
    pub pyenv_version: Option<&'a OsStr>,
    /// The working folder, absolute.
    pub folder: &'a Path,
}

/// Why an interpreter was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// `--python`.
    Request,
    /// `VIRTUAL_ENV`.
    VirtualEnv,
    /// `CONDA_PREFIX`.
    CondaPrefix,
    /// `python3` or `python` on `PATH`.
    Path,
}

impl FoundBy {
    /// As a message names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "--python",
            Self::VirtualEnv => "VIRTUAL_ENV",
            Self::CondaPrefix => "CONDA_PREFIX",
            Self::Path => "PATH",
        }
    }
}

/// Finds the interpreter and asks it (or the memory in `cache`) about itself.
///
/// # Errors
/// [`InterpreterError::NotFound`] when there is none, and whatever [`read_interpreter`] says about
/// the one that was meant.
pub fn find_interpreter(
    search: &Search<'_>,
    cache: Option<&Path>,
) -> Result<(Interpreter, FoundBy), InterpreterError> {
    if let Some(requested) = search.requested {
        return Ok((find_requested(search, requested, cache)?, FoundBy::Request));
    }
    for (variable, found_by) in
        [(search.virtual_env, FoundBy::VirtualEnv), (search.conda_prefix, FoundBy::CondaPrefix)]
    {
        if let Some(prefix) = variable.filter(|value| !value.is_empty()) {
            let executable = executable_in(&search.folder.join(prefix)).ok_or_else(|| {
                InterpreterError::NotFound {
                    what: format!("{}={}", found_by.name(), prefix.display()),
                }
            })?;
            return Ok((read_interpreter(&executable, cache)?, found_by));
        }
    }
    let executable = ["python3", "python"].iter().find_map(|name| search.on_path(name).next());
    let executable = executable
        .ok_or_else(|| InterpreterError::NotFound { what: "`python3` on PATH".to_owned() })?;
    Ok((search.read(&executable, cache)?, FoundBy::Path))
}

fn find_requested(
    search: &Search<'_>,
    requested: &str,
    cache: Option<&Path>,
) -> Result<Interpreter, InterpreterError> {
    let not_found = || InterpreterError::NotFound { what: format!("`{requested}`") };
    if let Some(version) = parse_version(requested) {
        return find_version(search, &version, cache)?.ok_or_else(not_found);
    }
    if requested.contains('/') || requested.starts_with('.') {
        let path = search.folder.join(requested);
        let executable = if path.is_dir() { executable_in(&path) } else { Some(path) };
        let executable = executable.filter(|path| is_executable(path)).ok_or_else(not_found)?;
        return search.read(&executable, cache);
    }
    // A folder goes first: `env` is an environment here and a program almost everywhere.
    let executable = executable_in(&search.folder.join(requested));
    let executable = executable.or_else(|| search.on_path(requested).next());
    search.read(&executable.ok_or_else(not_found)?, cache)
}

/// The first interpreter on `PATH` of this version. Some that are asked may not run at all (a shim
/// of a version that is not active), so failures are passed over here.
fn find_version(
    search: &Search<'_>,
    version: &[u32],
    cache: Option<&Path>,
) -> Result<Option<Interpreter>, InterpreterError> {
    let mut names = vec!["python3".to_owned(), "python".to_owned()];
    if let [major, minor, ..] = version {
        names.insert(0, format!("python{major}.{minor}"));
    }
    let matches = |interpreter: &Interpreter| {
        let release = interpreter.version().release();
        version
            .iter()
            .enumerate()
            .all(|(index, part)| release.get(index) == Some(&u64::from(*part)))
    };
    for name in names {
        for executable in search.on_path(&name) {
            match search.read(&executable, cache) {
                Ok(interpreter) if matches(&interpreter) => return Ok(Some(interpreter)),
                _ => {}
            }
        }
    }
    Ok(None)
}

/// `3`, `3.11` or `3.11.7`; anything else is a name.
fn parse_version(text: &str) -> Option<Vec<u32>> {
    let is_version = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parts: Vec<u32> = text.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    (is_version && parts.len() <= 3).then_some(parts)
}

impl Search<'_> {
    /// Every executable of a name on `PATH`, in its order. Relative entries are left out: they
    /// would find whatever lies in the working folder.
    fn on_path(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        std::env::split_paths(self.path.unwrap_or_default())
            .filter(|folder| folder.is_absolute())
            .map(move |folder| folder.join(name))
            .filter(|path| is_executable(path))
    }

    fn read(
        &self,
        executable: &Path,
        cache: Option<&Path>,
    ) -> Result<Interpreter, InterpreterError> {
        let behind = shim::executable_behind(executable, self.pyenv_version, self.folder);
        read_interpreter(behind.as_deref().unwrap_or(executable), cache)
    }
}

/// The interpreter of the environment in a folder.
fn executable_in(prefix: &Path) -> Option<PathBuf> {
    ["bin/python", "bin/python3"]
        .map(|name| prefix.join(name))
        .into_iter()
        .find(|path| is_executable(path))
}

pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
