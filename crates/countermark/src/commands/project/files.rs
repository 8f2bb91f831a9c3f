//! Which input and which lock are meant, how the lock is asked for, and how both are written.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use countermark_client::report::Problem;
use countermark_client::system::Replacement;
use countermark_trust::Class;

use crate::cli::lock::{LockArgs, PolicyArgs, PrereleaseChoice};
use crate::cli::project::ProjectArgs;
use crate::cli::{IndexArgs, PythonArgs, StoreArgs};
use crate::commands::lock::{Done, existing, policy, recipe, sources};
use crate::setup;

/// Where the files come from, and what decides over them: of whichever command.
pub(super) struct Options<'a> {
    pub(super) project: &'a ProjectArgs,
    pub(super) policy: &'a PolicyArgs,
    pub(super) prerelease: Option<PrereleaseChoice>,
    pub(super) exclude_newer: Option<&'a str>,
    pub(super) index: &'a IndexArgs,
    pub(super) python: &'a PythonArgs,
    pub(super) store: &'a StoreArgs,
    /// A folder without an input gets one.
    pub(super) makes_input: bool,
}

/// The input of a folder that had none.
const NEW_INPUT: &str = "requirements.in";

/// An input, and how its lock is made.
pub(super) struct Pair {
    pub(super) input: PathBuf,
    pub(super) arguments: LockArgs,
}

impl Pair {
    /// The input and the lock that were named or are in the folder.
    pub(super) fn find(options: &Options<'_>) -> Result<Self, Vec<Problem>> {
        let arguments = arguments(options)?;
        let input = edited(&arguments.inputs, options.project.input.as_deref())?;
        Ok(Self { input, arguments })
    }

    /// The bytes of the input; none of one that is about to be made.
    pub(super) fn read(&self, options: &Options<'_>) -> Result<Vec<u8>, Vec<Problem>> {
        match existing::read_bytes(&self.input)? {
            Some(bytes) => Ok(bytes),
            None if options.makes_input && !self.is_pyproject() => Ok(Vec::new()),
            None => {
                let message = format!("there is no `{}`", self.input.display());
                Err(vec![Problem::new("file-unreadable", Class::Usage, message)])
            }
        }
    }

    /// Whether the input is a `pyproject.toml`.
    pub(super) fn is_pyproject(&self) -> bool {
        self.input.extension().is_some_and(|extension| extension == "toml")
    }
}

/// How the lock that was named, or is in the folder, is asked for. One that says how it was made is
/// made so again.
pub(super) fn arguments(options: &Options<'_>) -> Result<LockArgs, Vec<Problem>> {
    let inputs: Vec<String> = options.project.input.iter().cloned().collect();
    let lock = options.project.lock.as_deref();
    let recorded = match lock {
        Some(lock) => recorded(lock)?,
        None => None,
    };
    // A lock that says what it was made of needs no input in this folder.
    let found = match sources::inputs(&inputs) {
        Err(_) if options.makes_input => Ok(vec![NEW_INPUT.to_owned()]),
        Err(_) if recorded.is_some() => Ok(Vec::new()),
        found => found,
    }?;
    let lock = match lock {
        Some(lock) => Some(lock.to_owned()),
        None => default_lock(&found)?,
    };
    let recorded = match (&lock, recorded) {
        (Some(lock), None) => self::recorded(lock)?,
        (_, recorded) => recorded,
    };
    let is_of_input = |one: &LockArgs| inputs.is_empty() || one.inputs.contains(&inputs[0]);
    let mut arguments = recorded.filter(is_of_input).unwrap_or_default();
    if arguments.inputs.is_empty() {
        arguments.inputs = found;
    }
    arguments.output = lock;
    arguments.proposed = options.project.proposed.clone();
    arguments.policy = options.policy.clone();
    arguments.index = options.index.clone();
    arguments.python = options.python.clone();
    arguments.store = options.store.clone();
    if let Some(when) = options.exclude_newer {
        arguments.resolution.exclude_newer = Some(when.to_owned());
    }
    arguments.resolution.prerelease = options.prerelease.or(arguments.resolution.prerelease);
    Ok(arguments)
}

/// How a lock was asked for, as it says.
///
/// A line of a lock must not make us read, and show in messages, files that are none of the project's.
fn recorded(lock: &Path) -> Result<Option<LockArgs>, Vec<Problem>> {
    let bytes = existing::read_bytes(lock)?;
    let recorded = bytes.and_then(|bytes| recipe::read(&String::from_utf8_lossy(&bytes)));
    let Some(arguments) = recorded else { return Ok(None) };
    let root = policy::root(&setup::working_folder()?);
    let resolution = &arguments.resolution;
    let inputs = arguments.inputs.iter().filter(|input| sources::is_file(input));
    let files = inputs.chain(&resolution.constraint).chain(&resolution.overrides);
    let is_foreign = |file: &&String| {
        let path = Path::new(file.as_str()).canonicalize();
        path.is_ok_and(|path| !path.starts_with(&root))
    };
    let problem = |file: &String| {
        let message = format!("`{}` says that it was made of `{file}`", lock.display());
        let problem = Problem::new("outside-project", Class::Usage, message);
        let root = root.display();
        problem
            .with_detail(format!("that is outside of `{root}`"))
            .with_hint("if that is meant, make the lock with `countermark lock` and its inputs")
    };
    let problems: Vec<Problem> = files.filter(is_foreign).map(problem).collect();
    if problems.is_empty() { Ok(Some(arguments)) } else { Err(problems) }
}

/// The lock of these inputs: of those that could be, the one that is there.
fn default_lock(inputs: &[String]) -> Result<Option<PathBuf>, Vec<Problem>> {
    let usual = sources::output_of(inputs, None)?;
    let Some(usual) = usual else { return Ok(None) };
    if usual.exists() {
        return Ok(Some(usual));
    }
    let other = match usual.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => usual.with_file_name("requirements.txt"),
        _ => usual.with_file_name("pylock.toml"),
    };
    let is_ours = |path: &Path| {
        let bytes = existing::read_bytes(path).ok()??;
        recipe::read(&String::from_utf8_lossy(&bytes))
    };
    let is_of_them = is_ours(&other).is_some_and(|recipe| recipe.inputs == inputs);
    Ok(Some(if is_of_them { other } else { usual }))
}

/// The input that is edited: the one that is named, or the only file.
fn edited(inputs: &[String], named: Option<&str>) -> Result<PathBuf, Vec<Problem>> {
    if let Some(named) = named {
        return Ok(PathBuf::from(named));
    }
    let mut files = inputs.iter().filter(|input| sources::is_file(input));
    match (files.next(), files.next()) {
        (Some(only), None) => Ok(PathBuf::from(only)),
        (None, _) => {
            let message = "the lock was made from names, and no file says what is wanted";
            let hint = "name the file with `--input requirements.in`";
            Err(vec![Problem::new("no-input", Class::Usage, message).with_hint(hint)])
        }
        (Some(first), Some(second)) => {
            let message = format!("the lock is made of several files: `{first}`, `{second}`");
            let hint = "say which one with `--input FILE`";
            Err(vec![Problem::new("no-input", Class::Usage, message).with_hint(hint)])
        }
    }
}

/// An input before and after.
pub(super) struct Edit {
    pub(super) path: PathBuf,
    /// Empty when it is made.
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
}

/// Writes the lock and the input: both are whole beside their places before either takes it.
///
/// # Errors
/// Also when somebody else wrote one of them since it was read; then neither is written.
pub(super) fn write(done: &Done, edit: &Edit) -> Result<(), Vec<Problem>> {
    let (input, text) = (&edit.path, &edit.after);
    let _turn = turn(input);
    let before = Some(edit.before.as_slice()).filter(|before| !before.is_empty());
    existing::require_same(input, before)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| {
            let message = format!("cannot write `{}`", path.display());
            let problem = Problem::new("write-failed", Class::Unavailable, message);
            vec![problem.with_detail(error.to_string())]
        }
    };
    let prepare = |path: &Path, bytes: &[u8]| {
        let mut replacement = Replacement::new(path)?;
        replacement.write_all(bytes)?;
        Ok(replacement)
    };
    let written = prepare(input, text).map_err(failed(input))?;
    // A lock that is ahead of its input pins a little more; an input that is ahead of its lock would
    // not be what is deployed.
    done.write()?;
    written.finish().map_err(failed(input))
}

/// Runs that overlap write one after the other: each then sees what the one before it wrote. Where a
/// folder cannot be locked, they only see it most of the time.
fn turn(input: &Path) -> Option<std::fs::File> {
    let folder = input.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::File::open(folder.unwrap_or(Path::new("."))).ok()?;
    folder.lock().ok()?;
    Some(folder)
}
