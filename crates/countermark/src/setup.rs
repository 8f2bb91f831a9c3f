//! What commands need before they can work: folders, the interpreter, what the user's files want.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::install::stage::LinkMode;
use countermark_client::interpreter::{
    Interpreter, InterpreterError, Layout, Search, find_interpreter,
};
use countermark_client::report::Problem;
use countermark_client::store::{Check, Store};
use countermark_trust::Class;

use crate::cli::{CheckChoice, LinkChoice, PythonArgs, StoreArgs};

/// Where things of this user are kept.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// May be shared or restored; nothing in it is believed.
    pub(crate) cache: PathBuf,
    /// Private.
    pub(crate) state: PathBuf,
}

/// The folders of the store, from options, variables, and what the desktop specification says.
pub(crate) fn folders(arguments: &StoreArgs) -> Result<Folders, Vec<Problem>> {
    let home = || variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = |name: &str, below: &str| {
        let set = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        set.or_else(|| home().map(|home| home.join(below)))
    };
    let absolute = |path: &PathBuf| std::path::absolute(path).ok();
    let cache = arguments.cache_dir.as_ref().and_then(absolute);
    let cache = cache.or_else(|| Some(base("XDG_CACHE_HOME", ".cache")?.join("countermark")));
    let state = arguments.state_dir.as_ref().and_then(absolute);
    let state = state.or_else(|| Some(base("XDG_STATE_HOME", ".local/state")?.join("countermark")));
    match (cache, state) {
        (Some(cache), Some(state)) => Ok(Folders { cache, state }),
        _ => {
            let problem = Problem::new("no-home", Class::Usage, "there is no home folder");
            Err(vec![problem.with_hint("set HOME, or give --cache-dir and COUNTERMARK_STATE_DIR")])
        }
    }
}

/// An environment variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The working folder.
pub(crate) fn working_folder() -> Result<PathBuf, Vec<Problem>> {
    std::env::current_dir().map_err(|error| {
        let problem = Problem::new("no-folder", Class::Unavailable, "the working folder is gone");
        vec![problem.with_detail(error.to_string())]
    })
}

/// Are we run by CI?
pub(crate) fn is_ci() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
}

/// How much of stored wheels is looked at: everything, unless the store and what we remember of it
/// are ours alone.
pub(crate) fn check(arguments: &StoreArgs, store: &Store) -> Check {
    let is_ours = !store.is_shared() && !store.distrusts_state();
    match arguments.check {
        Some(CheckChoice::Auto) => Check::Auto,
        Some(CheckChoice::Full) => Check::Full,
        None if is_ci() || !is_ours => Check::Full,
        None => Check::Auto,
    }
}

/// How files get into an environment. A file of a store that others can write is copied: through
/// a hard link they could write to the environment.
pub(crate) fn link_mode(arguments: &StoreArgs, store: &Store) -> LinkMode {
    match arguments.link_mode {
        LinkChoice::Hardlink if store.is_shared() => LinkMode::Copy,
        LinkChoice::Hardlink => LinkMode::Hardlink,
        LinkChoice::Reflink => LinkMode::Reflink,
        LinkChoice::Copy => LinkMode::Copy,
    }
}

/// The interpreter that is meant.
pub(crate) fn interpreter(
    arguments: &PythonArgs,
    folders: &Folders,
) -> Result<Interpreter, Vec<Problem>> {
    let (virtual_env, conda) = (variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"));
    let (path, pyenv) = (variable("PATH"), variable("PYENV_VERSION"));
    let folder = working_folder()?;
    let search = Search {
        requested: arguments.python.as_deref(),
        virtual_env: virtual_env.as_deref(),
        conda_prefix: conda.as_deref(),
        path: path.as_deref(),
        pyenv_version: pyenv.as_deref(),
        folder: &folder,
    };
    let cache = folders.state.join("interpreters");
    let found = find_interpreter(&search, Some(&cache));
    found.map(|(interpreter, _)| interpreter).map_err(|error| vec![interpreter_problem(&error)])
}

/// The interpreter that a new environment is made of: the one that is asked for, or `python3` on
/// the path; the active environment's own base, if one is active.
pub(crate) fn base_interpreter(
    arguments: &PythonArgs,
    folders: &Folders,
) -> Result<Interpreter, Vec<Problem>> {
    interpreter(arguments, folders)
}

/// An error about an interpreter.
pub(crate) fn interpreter_problem(error: &InterpreterError) -> Problem {
    let problem = Problem::of("interpreter", error.class(), error);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

/// Set by SIGINT and SIGTERM; a second signal ends the process at once.
pub(crate) fn interrupted() -> Arc<AtomicBool> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let flag = Arc::new(AtomicBool::new(false));
    for (signal, code) in [(SIGINT, 130), (SIGTERM, 143)] {
        // The order matters: the first signal finds the flag unset and sets it, the second ends us.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
    }
    flag
}

/// A size such as `500MB`, `2GB`, `1GiB` or a number of bytes.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000 * 1000,
        "g" | "gb" => 1000 * 1000 * 1000,
        "t" | "tb" => 1000 * 1000 * 1000 * 1000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Where the packages that a command is about lie: a folder, a prefix, or the environment of the
/// interpreter, which is `None`.
pub(crate) fn other_layout(
    target: Option<&Path>,
    prefix: Option<&Path>,
    interpreter: &Interpreter,
) -> Result<Option<Layout>, Vec<Problem>> {
    Ok(match (target, prefix) {
        (Some(folder), _) => Some(interpreter.target_layout(&absolute(folder)?)),
        (None, Some(prefix)) => Some(interpreter.prefix_layout(&absolute(prefix)?)),
        (None, None) => None,
    })
}

/// An absolute path that need not exist. One that is a link is the folder that it leads to.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Vec<Problem>> {
    let found = if path.is_symlink() { path.canonicalize() } else { std::path::absolute(path) };
    found.map_err(|error| {
        let message = format!("`{}` is not a usable path", path.display());
        vec![Problem::new("bad-path", Class::Usage, message).with_detail(error.to_string())]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expect) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("500MB", Some(500_000_000)),
            ("2 GB", Some(2_000_000_000)),
            ("1GiB", Some(1 << 30)),
            ("", None),
            ("GB", None),
            ("1.5GB", None),
            ("-1", None),
            ("99999999999999TB", None),
        ] {
            assert_eq!(parse_size(text), expect, "{text}");
        }
    }
}
