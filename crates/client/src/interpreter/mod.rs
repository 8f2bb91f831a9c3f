//! Interpreters: which one is meant, what it says about itself, and where its packages go.
//!
//! An interpreter is asked once, by a small script in isolated mode without `site`
//! (`python -I -S -B -c …`), with a limit on time and output; the answer is remembered. For a
//! virtual environment the *base* interpreter is asked and the rest is worked out, so nothing that
//! lies in an environment runs while it is looked at: no `.pth` file, no `sitecustomize`, not even
//! its `bin/python`.
//!
//! Trusted: the interpreter that the user chose and its standard library. Not trusted: everything
//! in an environment, including its `pyvenv.cfg`, which can only choose among interpreters outside.

mod abi;
mod cache;
mod facts;
mod find;
mod layout;
mod libc;
mod managed;
pub(crate) mod process;
mod pyvenv;
mod shim;
mod target;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::tags::{CompatibleTags, InterpreterTags};
use countermark_packaging::version::Version;
use countermark_trust::Class;

pub use facts::AnswerError;
pub use find::{FoundBy, Search, find_interpreter};
pub use layout::Layout;
pub use process::ProcessError;
pub use target::{TargetDefaults, TargetEnvironment, TargetError, TargetRequest};

use facts::Facts;
use process::{isolated_command, run_bounded};
use pyvenv::Configuration;

const QUERY: &str = include_str!("query.py");
/// An interpreter on a slow network folder takes seconds; one that waits for input, for ever.
const QUERY_TIME: Duration = Duration::from_secs(60);
const MAX_ANSWER: u64 = 256 << 10;

/// An interpreter and the environment it installs into.
#[derive(Clone, Debug)]
pub struct Interpreter {
    executable: PathBuf,
    base_executable: PathBuf,
    prefix: PathBuf,
    is_virtual: bool,
    system_site_packages: bool,
    layout: Layout,
    version: Version,
    markers: MarkerEnvironment,
    facts: Arc<Facts>,
}

/// Why an interpreter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InterpreterError {
    /// There is none.
    #[error("no interpreter found for {what}")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// It does not run, or does not stop.
    #[error("`{}` {source}", path.display())]
    Process {
        /// The executable.
        path: PathBuf,
        /// What happened.
        source: ProcessError,
    },
    /// It ran and failed.
    #[error("`{}` failed when asked about itself: {message}", path.display())]
    Failed {
        /// The executable.
        path: PathBuf,
        /// The last line it printed to stderr.
        message: String,
    },
    /// It answered something else.
    #[error("`{}`: {source}", path.display())]
    Answer {
        /// The executable.
        path: PathBuf,
        /// What is wrong with the answer.
        source: AnswerError,
    },
    /// `pyvenv.cfg` cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Configuration {
        /// The environment.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// `pyvenv.cfg` leads to no interpreter outside the environment.
    #[error("the base interpreter of `{}` is not in `{}`", prefix.display(), home.display())]
    NoBase {
        /// The environment.
        prefix: PathBuf,
        /// Where its interpreter should be.
        home: PathBuf,
    },
    /// The installation belongs to another package manager (PEP 668).
    #[error("`{}` is externally managed: {message}", prefix.display())]
    ExternallyManaged {
        /// The installation.
        prefix: PathBuf,
        /// What its `EXTERNALLY-MANAGED` file says, first line.
        message: String,
    },
}

impl InterpreterError {
    /// The table of exit codes.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotFound { .. } | Self::NoBase { .. } | Self::ExternallyManaged { .. } => {
                Class::Usage
            }
            Self::Answer { source, .. } => match source {
                AnswerError::TooOld(_) => Class::Usage,
                AnswerError::Json(_) | AnswerError::Nonsense { .. } => Class::Unavailable,
            },
            Self::Process { .. } | Self::Failed { .. } | Self::Configuration { .. } => {
                Class::Unavailable
            }
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => {
                Some("name one with `--python`, or make an environment with `--venv DIR`")
            }
            Self::ExternallyManaged { .. } => Some(
                "make an environment with `--venv DIR`; countermark has no `--break-system-packages`",
            ),
            Self::NoBase { .. } => {
                Some("make the environment again: its base was moved or removed")
            }
            Self::Process { .. }
            | Self::Failed { .. }
            | Self::Answer { .. }
            | Self::Configuration { .. } => None,
        }
    }
}

/// Reads what there is to know about an interpreter. `cache` is a folder that is private to the
/// user; with a remembered answer in it no process is started.
///
/// # Errors
/// [`InterpreterError`], except `NotFound` and `ExternallyManaged`.
pub fn read_interpreter(
    executable: &Path,
    cache: Option<&Path>,
) -> Result<Interpreter, InterpreterError> {
    let executable = std::path::absolute(executable).map_err(|source| {
        InterpreterError::Configuration { path: executable.to_owned(), source }
    })?;
    if let Some((prefix, configuration)) = configuration_of(&executable)? {
        return read_virtual(executable, prefix, &configuration, cache);
    }
    let facts = read_facts(&executable, cache)?;
    // A script that stands for an interpreter leads to another path, maybe into an environment.
    if facts.executable != executable
        && let Some((prefix, configuration)) = configuration_of(&facts.executable)?
    {
        return read_virtual(facts.executable, prefix, &configuration, cache);
    }
    Ok(Interpreter::base(facts))
}

type FoundConfiguration = Option<(PathBuf, Configuration)>;

fn configuration_of(executable: &Path) -> Result<FoundConfiguration, InterpreterError> {
    pyvenv::read_configuration(executable)
        .map_err(|source| InterpreterError::Configuration { path: executable.to_owned(), source })
}

fn read_virtual(
    executable: PathBuf,
    prefix: PathBuf,
    configuration: &Configuration,
    cache: Option<&Path>,
) -> Result<Interpreter, InterpreterError> {
    let no_base =
        || InterpreterError::NoBase { prefix: prefix.clone(), home: configuration.home.clone() };
    let base = pyvenv::base_executable(&executable, &prefix, configuration).ok_or_else(no_base)?;
    if configuration_of(&base)?.is_some() {
        return Err(no_base());
    }
    let base = Interpreter::base(read_facts(&base, cache)?);
    Ok(Interpreter {
        system_site_packages: configuration.system_site_packages,
        ..base.in_environment(prefix, executable)
    })
}

fn read_facts(executable: &Path, cache: Option<&Path>) -> Result<Facts, InterpreterError> {
    if let Some(facts) = cache.and_then(|folder| cache::read_remembered(folder, executable)) {
        return Ok(facts);
    }
    let path = || executable.to_owned();
    let mut command = isolated_command(executable);
    command.args(["-I", "-S", "-B", "-c", QUERY]);
    let output = run_bounded(command, QUERY_TIME, MAX_ANSWER)
        .map_err(|source| InterpreterError::Process { path: path(), source })?;
    if !output.is_success {
        if output.stderr.contains("Unknown option: -I") {
            let source = AnswerError::TooOld("2".to_owned());
            return Err(InterpreterError::Answer { path: path(), source });
        }
        let message = output.stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
        let message = message.unwrap_or("no message").chars().filter(|c| !c.is_control()).collect();
        return Err(InterpreterError::Failed { path: path(), message });
    }
    let mut facts = facts::parse_answer(&output.stdout)
        .map_err(|source| InterpreterError::Answer { path: path(), source })?;
    if facts.libc.is_none() && facts.platform.starts_with("linux") {
        facts.libc = libc::read_musl(&facts.executable);
    }
    // The answer of a script may depend on anything; only that of the executable itself is kept.
    if let Some(folder) = cache
        && facts.executable == *executable
    {
        cache::write_remembered(folder, executable, &facts);
    }
    Ok(facts)
}

impl Interpreter {
    fn base(facts: Facts) -> Self {
        let version = facts.markers.python_full_version.trim_end_matches('+');
        let (major, minor, patch, ..) = facts.version;
        let version = Version::from_str(version)
            .unwrap_or_else(|_| Version::new([major, minor, patch].map(u64::from)));
        Self {
            executable: facts.executable.clone(),
            base_executable: facts.executable.clone(),
            prefix: facts.prefix.clone(),
            is_virtual: false,
            system_site_packages: false,
            layout: layout::own_layout(&facts.own),
            version,
            markers: abi::marker_environment(&facts.markers),
            facts: Arc::new(facts),
        }
    }

    /// The interpreter of a virtual environment at `prefix` that has this one, or this one's base,
    /// as its base. Nothing is read or written.
    #[must_use]
    pub fn in_environment(&self, prefix: PathBuf, executable: PathBuf) -> Self {
        Self {
            layout: layout::venv_layout(&self.facts.of_venv, &prefix, self.release()),
            executable,
            prefix,
            is_virtual: true,
            system_site_packages: false,
            ..self.clone()
        }
    }

    /// Absolute; links are not resolved. What installed scripts name in their first line.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Absolute; outside of any virtual environment. This is what is run when something has to be.
    #[must_use]
    pub fn base_executable(&self) -> &Path {
        &self.base_executable
    }

    /// The full version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Major and minor version.
    #[must_use]
    pub fn release(&self) -> (u32, u32) {
        (self.facts.version.0, self.facts.version.1)
    }

    /// Major, minor and patch version.
    #[must_use]
    pub fn full_release(&self) -> [u32; 3] {
        [self.facts.version.0, self.facts.version.1, self.facts.version.2]
    }

    /// `sys.implementation.name`, such as `cpython`.
    #[must_use]
    pub fn implementation(&self) -> &str {
        &self.facts.implementation
    }

    /// The values that markers compare with.
    #[must_use]
    pub fn markers(&self) -> &MarkerEnvironment {
        &self.markers
    }

    /// What its tags follow from.
    #[must_use]
    pub fn tag_facts(&self) -> InterpreterTags {
        abi::interpreter_tags(&self.facts)
    }

    /// The tags of wheels it can use, best first. Computed anew at each call.
    #[must_use]
    pub fn tags(&self) -> CompatibleTags {
        self.tag_facts().compatible()
    }

    /// Where packages go.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Where packages of the base interpreter go.
    #[must_use]
    pub fn base_layout(&self) -> Layout {
        layout::own_layout(&self.facts.own)
    }

    /// `sys.prefix`.
    #[must_use]
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// `sys.base_prefix`.
    #[must_use]
    pub fn base_prefix(&self) -> &Path {
        &self.facts.prefix
    }

    /// The folder of the standard library.
    #[must_use]
    pub fn standard_library(&self) -> &Path {
        &self.facts.stdlib
    }

    /// Is it one of a virtual environment (PEP 405)?
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.is_virtual
    }

    /// Can it import packages of its base?
    #[must_use]
    pub fn has_system_site_packages(&self) -> bool {
        self.system_site_packages
    }

    /// The part of a `.pyc` file's name that says whose it is, such as `cpython-311`; `None` when
    /// the interpreter writes none.
    #[must_use]
    pub fn cache_tag(&self) -> Option<&str> {
        self.facts.cache_tag.as_deref()
    }

    /// The first four bytes of a `.pyc` file.
    #[must_use]
    pub fn magic(&self) -> [u8; 4] {
        // Eight hexadecimal digits, or the facts had been refused.
        u32::from_str_radix(&self.facts.magic, 16).unwrap_or_default().to_be_bytes()
    }

    /// Everything below one prefix (`--prefix`).
    #[must_use]
    pub fn prefix_layout(&self, prefix: &Path) -> Layout {
        layout::prefix_layout(&self.facts.of_prefix, prefix, self.release(), self.is_virtual)
    }

    /// Everything in one folder (`--target`).
    #[must_use]
    pub fn target_layout(&self, folder: &Path) -> Layout {
        layout::target_layout(folder, self.release(), self.is_virtual)
    }

    /// What the `EXTERNALLY-MANAGED` file says (PEP 668); `None` without one and in virtual
    /// environments. Read from disk at each call.
    #[must_use]
    pub fn externally_managed(&self) -> Option<String> {
        if self.is_virtual { None } else { managed::read_message(&self.facts.stdlib) }
    }

    /// Refuses an installation that belongs to another package manager. Ask before anything goes
    /// into [`Interpreter::layout`]; another prefix or folder is the user's own.
    ///
    /// # Errors
    /// [`InterpreterError::ExternallyManaged`].
    pub fn refuse_externally_managed(&self) -> Result<(), InterpreterError> {
        match self.externally_managed() {
            Some(message) => {
                Err(InterpreterError::ExternallyManaged { prefix: self.prefix.clone(), message })
            }
            None => Ok(()),
        }
    }

    /// Runs the base interpreter with nothing of any environment: no `site`, no `PYTHON*`, no
    /// working folder on the path.
    pub(crate) fn isolated_command(&self) -> Command {
        let mut command = isolated_command(&self.base_executable);
        command.args(["-I", "-S", "-B"]);
        command
    }
}
