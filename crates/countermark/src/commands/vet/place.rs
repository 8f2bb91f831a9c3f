//! Where the ledger is, as on which day it is read, and how a new one is begun.

use std::fs;
use std::path::{Path, PathBuf};

use countermark_client::ledger::book::{Opened, end_of};
use countermark_client::ledger::folder::{LEDGER, REVIEWS};
use countermark_client::ledger::{Folder, commits};
use countermark_client::report::Problem;
use countermark_trust::Class;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::lock::policy;
use crate::cli::StoreArgs;
use crate::cli::vet::LedgerArgs;
use crate::setup;

/// What the folder is called where nobody says anything.
const NAME: &str = "ledger";

/// The day that is meant, in UTC.
pub(crate) fn today(arguments: &LedgerArgs) -> Date {
    arguments.date.unwrap_or_else(|| Timestamp::now().to_zoned(TimeZone::UTC).date())
}

/// The time at which signatures are verified: now, or the end of the day that is asked about.
pub(crate) fn now(arguments: &LedgerArgs) -> Result<Timestamp, Vec<Problem>> {
    match arguments.date {
        Some(day) => end_of(day).map_err(|problem| vec![*problem]),
        None => Ok(Timestamp::now()),
    }
}

/// The folder of the ledger: the one that is named, else the policy's, else the nearest one of `start`,
/// which is the folder of the lock.
pub(crate) fn find(arguments: &LedgerArgs, start: &Path) -> Result<Folder, Vec<Problem>> {
    let named = named(arguments, start)?;
    let start = &near(start)?;
    Folder::find(start, named.as_deref()).map_err(|problem| vec![*problem])
}

/// The same; none where nobody named one and there is none.
pub(super) fn find_if_any(
    arguments: &LedgerArgs,
    start: &Path,
) -> Result<Option<Folder>, Vec<Problem>> {
    let named = named(arguments, start)?;
    let start = &near(start)?;
    match Folder::find(start, named.as_deref()) {
        Ok(folder) => Ok(Some(folder)),
        Err(problem) if named.is_none() && problem.code == "no-ledger" => Ok(None),
        Err(problem) => Err(vec![*problem]),
    }
}

/// A folder as people in the working folder write it: what is below that has a relative path.
fn near(folder: &Path) -> Result<PathBuf, Vec<Problem>> {
    let here = setup::working_folder()?;
    let below = folder.strip_prefix(&here).unwrap_or(folder);
    let is_here = below.as_os_str().is_empty();
    Ok(if is_here { PathBuf::from(".") } else { below.to_owned() })
}

/// The folder that somebody named.
fn named(arguments: &LedgerArgs, start: &Path) -> Result<Option<PathBuf>, Vec<Problem>> {
    if let Some(folder) = &arguments.ledger {
        return Ok(Some(folder.clone()));
    }
    let given = arguments.policy.as_deref();
    let found = policy::find(given, start)?;
    let Some(folder) = &found.ledger().folder else { return Ok(None) };
    let beside = policy::place(given, start)?.and_then(|(file, _)| Some(file.parent()?.to_owned()));
    Ok(Some(beside.unwrap_or_default().join(folder)))
}

/// A ledger, read.
pub(crate) struct Read {
    pub(crate) folder: Folder,
    pub(crate) opened: Opened,
}

/// Finds and reads the ledger.
pub(crate) fn read(
    arguments: &LedgerArgs,
    start: &Path,
    store: &StoreArgs,
) -> Result<Read, Vec<Problem>> {
    let folder = find(arguments, start)?;
    // Without a home folder everything is read whole each time.
    let folder = match setup::folders(store) {
        Ok(folders) => folder.with_state(&folders.state),
        Err(_) => folder,
    };
    let loaded = folder.read()?;
    let now = now(arguments)?;
    // The signed commits that added our reviews; nobody looks where no review asks for it.
    let commits = commits::find(&folder, &loaded, now);
    let opened = Opened::new(loaded, commits, now)?;
    Ok(Read { folder, opened })
}

/// Where a new ledger goes; it has to be a place where none is.
pub(super) fn new_folder(arguments: &LedgerArgs, start: &Path) -> Result<PathBuf, Vec<Problem>> {
    let near = near(start)?;
    let beside = if near == Path::new(".") { PathBuf::from(NAME) } else { near.join(NAME) };
    let folder = named(arguments, start)?.unwrap_or(beside);
    for file in [LEDGER, REVIEWS] {
        let path = folder.join(file);
        // A link that leads nowhere is there as well.
        if fs::symlink_metadata(&path).is_ok() {
            let message = format!("`{}` is there already", path.display());
            let problem = Problem::new("ledger-exists", Class::Usage, message);
            let hint = "`countermark vet` asks it; `--ledger DIR` begins another one";
            return Err(vec![problem.with_hint(hint)]);
        }
    }
    Ok(folder)
}
