//! The settings of a run, and what is made of them.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_client::http::Client;
use countermark_client::index::IndexClient;
use countermark_client::report::{Note, Problem, Reporter};
use countermark_client::settings::{self, CommandLine, Inputs, Settings};
use countermark_lock::pins::PinnedSource;
use countermark_packaging::lock::FileOption;
use countermark_trust::Class;

use crate::cli::IndexArgs;
use crate::commands::input::environment;
use crate::setup;

/// No configuration file is longer.
const MAX_CONFIGURATION: u64 = 4 << 20;

/// Settings and clients.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) http: Arc<Client>,
    pub(crate) index: Arc<IndexClient>,
}

impl Session {
    /// Whether a pin comes from the public index.
    pub(crate) fn is_public(&self, source: &PinnedSource) -> Option<bool> {
        match source {
            PinnedSource::Index(index) => Some(*index == *settings::DEFAULT_INDEX),
            PinnedSource::Url(_) | PinnedSource::Path(_) => None,
        }
    }
}

/// Options that would weaken a check are refused by name.
pub(crate) fn refuse_weakening(arguments: &IndexArgs) -> Result<(), Vec<Problem>> {
    let given = arguments.weakening.given();
    if given.is_empty() {
        return Ok(());
    }
    let problem = |option| {
        let message = format!("`{option}` would weaken a check");
        let hint = "countermark has no way to switch a check off; leave the option out";
        Problem::new("weakens-check", Class::Usage, message).with_hint(hint)
    };
    Err(given.into_iter().map(problem).collect())
}

/// Reads the settings for a command, with the options of requirements files once they are known.
pub(crate) fn open(
    command: &str,
    arguments: &IndexArgs,
    requirements: &[FileOption],
    prefix: Option<&Path>,
) -> Result<Session, Vec<Problem>> {
    let command_line = CommandLine {
        index_url: arguments.index_url.clone(),
        extra_index_urls: arguments.extra_index_url.clone(),
        find_links: arguments.find_links.clone(),
        no_index: arguments.no_index,
        only_binary: arguments.only_binary.clone(),
        prefer_binary: arguments.prefer_binary,
        timeout: arguments.timeout.map(|seconds| seconds.to_string()),
        retries: arguments.retries.map(|count| count.to_string()),
        proxy: arguments.proxy.clone(),
        cert: arguments.cert.as_ref().map(|path| path.display().to_string()),
        client_cert: arguments.client_cert.as_ref().map(|path| path.display().to_string()),
        keyring_provider: arguments.keyring_provider.clone(),
        index_for: index_for(&arguments.index_for)?,
        offline: arguments.offline,
        isolated: arguments.isolated,
        ..CommandLine::default()
    };
    let folder = setup::working_folder()?;
    let home = setup::variable("HOME").map(PathBuf::from);
    let inputs = Inputs {
        command,
        command_line: &command_line,
        requirements,
        environment: &environment(),
        folder: &folder,
        home: home.as_deref(),
        prefix,
        read_file: &read_configuration,
        exists: &|path| path.exists(),
    };
    let settings = settings::read(&inputs).map_err(|errors| {
        errors.iter().map(|error| Problem::of("setting", error.class(), error)).collect::<Vec<_>>()
    })?;
    let search = setup::variable("PATH").unwrap_or_default();
    let scripts = prefix.map(|prefix| prefix.join("bin"));
    let credentials = settings.credential_store(std::env::split_paths(&search), scripts.as_deref());
    let http = Arc::new(Client::new(settings.http.clone(), Arc::new(credentials)));
    let index = Arc::new(IndexClient::new(Arc::clone(&http), settings.sources.clone()));
    Ok(Session { settings, http, index })
}

fn index_for(pairs: &[String]) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let split = |pair: &String| {
        pair.split_once('=').map(|(name, index)| (name.to_owned(), index.to_owned())).ok_or_else(
            || {
                let message = format!("`--index-for {pair}` is not NAME=INDEX");
                vec![Problem::new("bad-option", Class::Usage, message)]
            },
        )
    };
    pairs.iter().map(split).collect()
}

/// Says which settings are not used, and what else is worth knowing about them.
pub(crate) fn tell(settings: &Settings, reporter: &dyn Reporter) {
    for ignored in &settings.ignored {
        let message = format!("{} is ignored: {}", ignored.origin, ignored.reason);
        reporter.note(Note::new("ignored-setting", message));
    }
    if let Some(setting) = settings.break_system_packages.as_ref().filter(|one| one.value) {
        let message = format!(
            "{} is ignored: an environment that another package manager owns is never changed",
            setting.origin
        );
        reporter.note(Note::new("ignored-setting", message));
    }
    for setting in settings.no_binary.iter().filter(|one| one.value != ":none:") {
        let message = format!("{} is ignored: source packages are not installed", setting.origin);
        reporter.note(Note::new("ignored-setting", message));
    }
    for note in &settings.notes {
        reporter.note(Note::new("setting", note.clone()));
    }
}

fn read_configuration(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_CONFIGURATION + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_CONFIGURATION {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}
