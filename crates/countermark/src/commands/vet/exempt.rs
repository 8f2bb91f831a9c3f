//! `vet exempt`: a release passes without a review, because somebody says why.

use countermark_client::report::{Note, Reporter as _};
use countermark_ledger::check::required;
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::file::FileId;
use countermark_ledger::ledger::{Exemption, Ledger};
use countermark_packaging::lock::Place;

use super::{ground, place, subjects};
use crate::cli::OutputArgs;
use crate::cli::vet::ExemptArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Runs the command.
pub(super) fn run(arguments: &ExemptArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let reason = ground::reason(&arguments.reason)?;
    let (project, version) = ground::release(&arguments.release)?;
    let subjects = subjects::choose(&arguments.subjects, arguments.proposed, &teller)?;
    let locked = ground::locked(&subjects, &project, &version)?;
    let folder = place::find(&arguments.ledger, &subjects.folder)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let read = place::read(&arguments.ledger, &subjects.folder, &arguments.subjects.store)?;
    let loaded = &read.opened.loaded;
    let criteria = match arguments.criteria.is_empty() {
        true => required(&loaded.ledger, &project),
        false => ground::criteria(&arguments.criteria, &loaded.ledger)?,
    };
    let files = ground::named(
        locked.clone(),
        loaded,
        &arguments.index,
        &arguments.subjects.store,
        &teller,
    )?;
    let today = place::today(&arguments.ledger);
    let judged = read.opened.ask(today, |checker| checker.check(&locked));
    for bad in judged.iter().flat_map(|it| &it.known_bad) {
        let message = format!(
            "{} is known to be bad, and no exemption overrides it: {}",
            bad.file.name, bad.reason
        );
        teller.note(Note::new("exempt-known-bad", message));
    }
    let exemption = |files| Exemption {
        project,
        version,
        files,
        criteria,
        on: today,
        reason: Some(reason),
        place: nowhere(),
    };
    let new = exemption(files);
    let files = open(&new, &loaded.ledger);
    if files.is_empty() {
        teller.line(&format!("all files of {} are exempt already", arguments.release));
        return Ok(0);
    }
    let mut edit = ground::edit(&folder)?;
    let new = Exemption { files, ..new };
    edit.add(std::slice::from_ref(&new)).map_err(|errors| ground::told(&errors))?;
    held.write_ledger(edit.text())?;
    let files = output::count(new.files.len(), "file", "files");
    let criteria: Vec<&str> = new.criteria.iter().map(CriterionName::as_str).collect();
    teller.line(&format!("{} passes as {}: {files}", arguments.release, criteria.join(", ")));
    Ok(0)
}

/// The files that no exemption lets pass as all of this.
fn open(new: &Exemption, ledger: &Ledger) -> Vec<FileId> {
    let is_open = |file: &&FileId| {
        let covers = |it: &&Exemption| {
            it.project == new.project && it.files.iter().any(|other| other.digest == file.digest)
        };
        let covering: Vec<_> = ledger.exemptions.iter().filter(covers).collect();
        !new.criteria.iter().all(|wanted| {
            let has = |it: &&Exemption| {
                it.criteria.iter().any(|name| ledger.criteria.implied(name).any(|it| it == wanted))
            };
            covering.iter().any(has)
        })
    };
    new.files.iter().filter(is_open).cloned().collect()
}

/// Of what is not in a file yet.
pub(super) fn nowhere() -> Place {
    Place { file: String::new(), line: 1, column: 1, span: 0..0 }
}
