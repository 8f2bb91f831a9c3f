//! Settings, from where people already have them.
//!
//! Decides which indexes, proxies, certificates, credentials and limits hold, from what the
//! command line, requirements files, the environment and configuration files say. It is a function
//! of [`Inputs`] and touches nothing else, so that a test is a table. Every value knows its
//! [`Origin`]. Precedence, highest first:
//!
//! 1. the command line,
//! 2. options in requirements files,
//! 3. the environment: `COUNTERMARK_*`, `PIP_*`, `UV_*`,
//! 4. files: `countermark.toml` and `[tool.countermark]`, pip's, uv's (see `files`),
//! 5. the built-in defaults, with the public index ([`DEFAULT_INDEX`]).
//!
//! A single value comes from the highest source that has it; lists (further indexes,
//! `--find-links`) are joined in that order, except that a `PIP_` variable replaces the same option
//! of pip's files, as in pip.
//!
//! The order of indexes is uv's: further indexes, then the one of `--index-url`; and the public
//! index, wherever it was named, comes last, so that a name on a private index is never taken from
//! the public one.
//!
//! Settings that would weaken a check ([`weakening`]) are ignored in the environment and in files,
//! and listed in [`Settings::ignored`].

mod environment;
mod files;
mod indexes;
mod ini;
mod layer;
mod origin;
mod resolve;
mod sources;
#[cfg(test)]
mod tests;
mod transport;
mod weakening;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use countermark_packaging::lock::FileOption;
use countermark_trust::Class;

pub use origin::{Origin, Sourced};
pub use sources::{Binding, FindLinks, Index, LinksPlace, NamePattern, Sources};
use weakening::parse_switch;
pub use weakening::{WEAKENINGS, Weakening, weakening};

use crate::credentials::{CredentialStore, Keyring, KeyringProvider, KnownCredential, Netrc};
use crate::http::{Options, RedactedUrl};

/// The public index; the only place in which its address stands.
pub const DEFAULT_INDEX: &str = "https://pypi.org/simple/";

/// The keys of our own files, `[[index]]` and `[index-for]` aside.
const OWN_KEYS: &[&str] = &[
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "only-binary",
    "no-binary",
    "prefer-binary",
    "pre",
    "timeout",
    "connect-timeout",
    "retries",
    "proxy",
    "cert",
    "client-cert",
    "keyring-provider",
    "cache-dir",
    "cache-limit",
    "offline",
    "constraint",
    "break-system-packages",
    "require-virtualenv",
];

/// Options of the command line that are settings.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    /// `--index-url`.
    pub index_url: Option<String>,
    /// `--extra-index-url`.
    pub extra_index_urls: Vec<String>,
    /// `--find-links`.
    pub find_links: Vec<String>,
    /// `--no-index`.
    pub no_index: bool,
    /// `--index-for NAME=INDEX`: the pairs.
    pub index_for: Vec<(String, String)>,
    /// `--only-binary`.
    pub only_binary: Vec<String>,
    /// `--no-binary`.
    pub no_binary: Vec<String>,
    /// `--prefer-binary`.
    pub prefer_binary: bool,
    /// `--pre`.
    pub pre: bool,
    /// `--timeout`, in seconds.
    pub timeout: Option<String>,
    /// `--retries`.
    pub retries: Option<String>,
    /// `--proxy`.
    pub proxy: Option<String>,
    /// `--cert`.
    pub cert: Option<String>,
    /// `--client-cert`.
    pub client_cert: Option<String>,
    /// `--keyring-provider`.
    pub keyring_provider: Option<String>,
    /// `--cache-dir`.
    pub cache_dir: Option<String>,
    /// `--offline`.
    pub offline: bool,
    /// `--break-system-packages`.
    pub break_system_packages: bool,
    /// `--isolated`: neither `COUNTERMARK_*`, `PIP_*` and `UV_*` nor configuration files count.
    pub isolated: bool,
}

/// Everything that settings are read from.
pub struct Inputs<'a> {
    /// `install` or `download`: which section of pip's files counts beside `[global]`.
    pub command: &'a str,
    /// The command line.
    pub command_line: &'a CommandLine,
    /// Options in requirements files, in their order.
    pub requirements: &'a [FileOption],
    /// The environment; empty values are like none.
    pub environment: &'a BTreeMap<String, String>,
    /// The current folder, absolute.
    pub folder: &'a Path,
    /// The home folder.
    pub home: Option<&'a Path>,
    /// The environment that is changed, whose `pip.conf` counts.
    pub prefix: Option<&'a Path>,
    /// Reads a file; `None` when it is not there.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<Option<Vec<u8>>>,
    /// Whether there is a file or folder.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

/// A setting that was found and is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The long option, without dashes.
    pub option: String,
    /// Where it stands.
    pub origin: Origin,
    /// What it would do.
    pub reason: &'static str,
}

/// What holds for a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where packages come from.
    pub sources: Sources,
    /// Who switched the indexes off.
    pub no_index: Option<Origin>,
    /// How the HTTP client behaves.
    pub http: Options,
    /// From URLs and variables, in order.
    pub credentials: Vec<KnownCredential>,
    /// The user's `.netrc`.
    pub netrc: Netrc,
    /// Whether keyring is asked.
    pub keyring: KeyringProvider,
    /// The folder of the store; `None` where there is neither a setting nor a home folder.
    pub cache: Option<Sourced<PathBuf>>,
    /// The size to which the store is brought after an install, such as `2GB`.
    pub cache_limit: Option<Sourced<String>>,
    /// `--only-binary`: names, `:all:` or `:none:`, each possibly with commas.
    pub only_binary: Vec<Sourced<String>>,
    /// `--no-binary`, likewise.
    pub no_binary: Vec<Sourced<String>>,
    /// `--prefer-binary`.
    pub prefer_binary: bool,
    /// `--pre`.
    pub pre: bool,
    /// Constraint files from the environment and from files (`PIP_CONSTRAINT`); absolute or URLs.
    pub constraints: Vec<Sourced<String>>,
    /// Whether an externally managed environment may be changed.
    pub break_system_packages: Option<Sourced<bool>>,
    /// Whether nothing but a virtual environment may be changed.
    pub require_virtualenv: Option<Sourced<bool>>,
    /// What was not used because it would weaken a check.
    pub ignored: Vec<Ignored>,
    /// What else a person may want to know.
    pub notes: Vec<String>,
}

impl Settings {
    /// All credentials; `search_path` is where the keyring program may stand, except in
    /// `excluded`, the folder of the scripts of the environment that is changed.
    #[must_use]
    pub fn credential_store(
        &self,
        search_path: impl IntoIterator<Item = PathBuf>,
        excluded: Option<&Path>,
    ) -> CredentialStore {
        let keyring = Keyring::find(self.keyring, search_path, excluded);
        CredentialStore::new(self.credentials.clone(), self.netrc.clone(), keyring)
    }
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A configuration file that cannot be read.
    #[error("cannot read the configuration file `{}`: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A value of another kind.
    #[error("{origin}: expected {expected}")]
    Value {
        /// Where it stands.
        origin: Origin,
        /// What should stand there.
        expected: &'static str,
    },
    /// Not a URL or path of an index or of links.
    #[error("{origin}: expected a url or a path, found `{found}`")]
    Url {
        /// Where it stands.
        origin: Origin,
        /// What stands there.
        found: RedactedUrl,
    },
    /// A file that is named and not there.
    #[error("{origin}: there is no `{}`", path.display())]
    Missing {
        /// Where it stands.
        origin: Origin,
        /// What is named.
        path: PathBuf,
    },
    /// A name that no index has.
    #[error("{origin}: no index has the name `{name}`")]
    UnknownIndex {
        /// Where it stands.
        origin: Origin,
        /// The name.
        name: String,
    },
    /// A key in one of our own files that is not known.
    #[error("{origin}: no such setting")]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
    },
}

impl SettingsError {
    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::File { .. }
            | Self::Value { .. }
            | Self::Url { .. }
            | Self::Missing { .. }
            | Self::UnknownIndex { .. }
            | Self::UnknownKey { .. } => Class::Usage,
        }
    }
}

/// Reads the settings.
///
/// # Errors
/// All that is wrong, in the order of the sources.
pub fn read(inputs: &Inputs<'_>) -> Result<Settings, Vec<SettingsError>> {
    let mut layers = vec![resolve::command_line(inputs), resolve::requirements(inputs)];
    let mut errors = Vec::new();
    if !inputs.command_line.isolated {
        layers.extend(environment::layers(inputs.environment, inputs.folder));
        let (from_files, file_errors) = files::Files::new(inputs).read();
        layers.extend(from_files);
        errors = file_errors;
    }
    let mut settings = Settings::default();
    for layer in &mut layers {
        settings.ignored.extend(layer.take_weakenings());
    }
    let mut resolver = resolve::Resolver { inputs, layers: &layers, errors };
    resolver.sources(&mut settings);
    resolver.formats(&mut settings);
    resolver.cache(&mut settings);
    resolver.transport(&mut settings);
    resolver.credentials(&mut settings);
    if resolver.errors.is_empty() { Ok(settings) } else { Err(resolver.errors) }
}
