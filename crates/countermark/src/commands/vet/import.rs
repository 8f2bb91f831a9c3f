//! `vet import`: ledgers of others, taken in and fetched again.
//!
//! Decides nothing about their reviews: it shows whose they are, and a person says whose keys count and
//! what their criteria mean here. What changed its past is refused ([`countermark_ledger::import`]), and
//! what cannot be read whole is not stored.

mod add;
mod again;
mod choose;
mod offers;
mod shown;
mod theirs;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_client::ledger::Folder;
use countermark_client::ledger::fetch::{self, Fetching};
use countermark_client::report::Problem;
use countermark_ledger::import::taken_over;
use countermark_ledger::ledger::{Import, Violation};
use countermark_trust::Class;

use self::theirs::Copy;
use super::ground;
use super::place;
use crate::cli::OutputArgs;
use crate::cli::vet::{
    ImportArgs, ImportCommand, ImportListArgs, ImportPlaceArgs, ImportRemoveArgs,
};
use crate::cli::{ReportFormat, StoreArgs};
use crate::commands::Outcome;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::{output, setup};

pub(in crate::commands) use offers::offers;

/// Runs the command.
pub(super) fn run(arguments: &ImportArgs, output: &OutputArgs) -> Outcome {
    match &arguments.command {
        None => again::run(&arguments.again, output),
        Some(ImportCommand::Add(arguments)) => add::run(arguments, output),
        Some(ImportCommand::Remove(arguments)) => remove(arguments, output),
        Some(ImportCommand::List(arguments)) => list(arguments),
    }
}

/// What fetching takes.
struct Reach {
    session: Session,
    state: PathBuf,
    interrupted: Arc<AtomicBool>,
}

impl Reach {
    fn open(place: &ImportPlaceArgs, teller: &Teller) -> Result<Self, Vec<Problem>> {
        let session = session::open("vet", &place.network.index_arguments(), &[], None)?;
        session::tell(&session.settings, teller);
        let store = StoreArgs { state_dir: place.state_dir.clone(), ..StoreArgs::default() };
        let state = setup::folders(&store)?.state;
        Ok(Self { session, state, interrupted: setup::interrupted() })
    }

    fn fetching<'a>(&'a self, teller: &'a Teller) -> Fetching<'a> {
        Fetching {
            http: &self.session.http,
            state: &self.state,
            offline: self.session.settings.http.offline,
            time: fetch::LONGEST,
            stop: &self.interrupted,
            reporter: teller,
        }
    }

    /// Refuses to go on after the user said stop. What comes after this is short and is not stopped.
    fn go_on(&self) -> Result<(), Vec<Problem>> {
        if self.interrupted.load(Ordering::Relaxed) {
            let message = "interrupted; nothing was changed";
            return Err(vec![Problem::new("interrupted", Class::Unavailable, message)]);
        }
        Ok(())
    }
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let message = format!("there is no import `{name}`");
    let hint = countermark_packaging::table::did_you_mean(name, known, "the imports are");
    let problem = Problem::new("import-unknown", Class::Usage, message);
    if known.is_empty() { problem } else { problem.with_hint(hint) }
}

fn remove(arguments: &ImportRemoveArgs, output_arguments: &OutputArgs) -> Outcome {
    let teller = Teller::new(output_arguments);
    let folder = place::find(&arguments.ledger, &ground::start(None)?)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let mut edit = ground::edit(&folder)?;
    let name = &arguments.name;
    let Some(import) = edit.ledger().imports.iter().find(|it| it.name == *name).cloned() else {
        let known: Vec<&str> = edit.ledger().imports.iter().map(|it| it.name.as_str()).collect();
        return Err(vec![unknown(name, &known)]);
    };
    let taken = match theirs::copy(&folder, &import) {
        Copy::Whole(theirs, _) => taken_over(name, theirs.ledger(), &[edit.ledger()]),
        Copy::None => Vec::new(),
        Copy::Broken(..) => return Err(vec![unreadable(&import, &folder)]),
    };
    edit.remove(|it: &Import| it.name == *name).map_err(|errors| ground::told(&errors))?;
    edit.add(&taken).map_err(|errors| ground::told(&errors))?;
    fetch::store::remove(&held, name, edit.text())?;
    let shown = folder.path().display();
    teller.line(&format!("`{name}` is taken out of {shown}; its reviews count no more"));
    tell_taken(&taken, &teller);
    Ok(0)
}

/// What it alone calls bad would pass when it goes, and nobody can say what that is.
fn unreadable(import: &Import, folder: &Folder) -> Problem {
    let shown = folder.shown(&format!("imports/{}", import.name));
    let message = format!(
        "what is in {shown} is not what was fetched, so nobody knows what it alone calls bad and has to \
         stay bad"
    );
    Problem::new("import-changed-on-disk", Class::Rejected, message)
        .at(&import.place)
        .with_hint("take the folder back from git, or fetch it again with `countermark vet import`")
}

/// Says which violations stand in our own ledger from now on.
fn tell_taken(taken: &[Violation], teller: &Teller) {
    for violation in taken {
        let release = match &violation.version {
            Some(version) => format!("{} {version}", violation.project),
            None => violation.project.to_string(),
        };
        let files = output::count(violation.files.len(), "file", "files");
        let line = format!(
            "a violation is taken over into ledger.toml: {release} ({files}), {}",
            violation.reason
        );
        teller.line(&output::visible(&line));
    }
}

fn list(arguments: &ImportListArgs) -> Outcome {
    let folder = place::find(&arguments.ledger, &ground::start(None)?)?;
    let loaded = folder.read()?;
    match arguments.format {
        ReportFormat::Text => {
            for line in shown::listed(&loaded) {
                output::print(&output::visible(&line));
            }
        }
        ReportFormat::Json => output::print(&shown::listed_json(&loaded)),
    }
    Ok(0)
}
