//! `incident`: plans for the bad day, filled in.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use countermark_audit::constraints::Pins;
use countermark_audit::dossier::Dossier;
use countermark_audit::incident::{self, LogEntry, Material, Page};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_trust::Class;
use jiff::Timestamp;

use super::Outcome;
use super::audit::gather;
use super::roles::{deliver, dossiers, exit_code, look, names, unknown};
use crate::cli::OutputArgs;
use crate::cli::incident::{IncidentArgs, IncidentCommand, IncidentFormat, LogArgs};
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(crate) fn run(arguments: &IncidentArgs, output: &OutputArgs) -> Outcome {
    if let Some(IncidentCommand::Log(arguments)) = &arguments.command {
        return log(arguments);
    }
    let teller = Teller::new(output);
    let asks = arguments.project.is_some() || arguments.account.is_some();
    if !asks && !arguments.audit && arguments.input.replay.is_none() {
        return standing_from_file(arguments, &teller);
    }
    let mut input = arguments.input.clone();
    // One release rests on its own project; a batch and an account rest on all of them.
    if let (Some(project), false) = (&arguments.project, arguments.failed_job) {
        input.projects.push(project.clone());
    }
    let looked = look(&input, &teller)?;
    let context = looked.ground.context();
    let dossiers = dossiers(&looked, &context);
    let page = match (&arguments.account, &arguments.project, &arguments.version) {
        (Some(account), _, _) => {
            incident::account(account, context.federation, &dossiers).map_err(|it| unknown(&it))?
        }
        (None, Some(project), Some(version)) => {
            about_release(arguments, &dossiers, project, version, &teller)?
        }
        _ => incident::standing(&context, &dossiers),
    };
    show(&page, arguments)?;
    Ok(exit_code(&looked))
}

fn about_release(
    arguments: &IncidentArgs,
    dossiers: &[Dossier<'_>],
    project: &String,
    version: &str,
    teller: &Teller,
) -> Result<Page, Vec<Problem>> {
    let name = names(std::slice::from_ref(project))?.remove(0);
    if arguments.failed_job {
        return incident::failed_job(dossiers, &name, version).map_err(|it| unknown(&it));
    }
    let dossier = incident::find_project(dossiers, &name).map_err(|it| unknown(&it))?;
    let mut pins = Pins::default();
    for path in &arguments.pins {
        pins.append(Pins::read(&path.display().to_string(), &gather::read_text(path)?));
    }
    let log = match &arguments.log {
        Some(path) => read_log(path, teller)?,
        None => Vec::new(),
    };
    let shown = arguments.log.as_ref().map(|path| path.display().to_string());
    let material = Material { pins: &pins, log: &log, log_file: shown.as_deref() };
    incident::release(dossier, version, material).map_err(|it| unknown(&it))
}

/// The standing plan is for a drawer: it needs nothing but what the federation wrote down.
fn standing_from_file(arguments: &IncidentArgs, teller: &Teller) -> Outcome {
    let (file, federation) = gather::read_federation(arguments.input.federation.as_deref())?;
    if file.is_none() {
        let message = "there is no `federation.toml` here, so that the plan names nobody";
        let hint = "`countermark audit init` drafts one; `--audit` looks at the index";
        teller.note(Note::new("no-federation", message).with_hint(hint));
    }
    let records = countermark_audit::record::Records::default();
    let context = countermark_audit::dossier::Context {
        federation: &federation,
        records: &records,
        now: Timestamp::now(),
        release_accounts: federation.accounts.release.clone(),
        accounts_assumed: false,
        constraints: std::collections::BTreeMap::new(),
        other_names: std::collections::BTreeSet::new(),
        name_uses: std::collections::BTreeMap::new(),
    };
    show(&incident::standing(&context, &[]), arguments)?;
    Ok(0)
}

fn show(page: &Page, arguments: &IncidentArgs) -> Result<(), Vec<Problem>> {
    let text = match arguments.format {
        IncidentFormat::Text => page.text(),
        IncidentFormat::Markdown => page.markdown(),
    };
    deliver(&text, arguments.output.as_deref())
}

fn read_log(path: &Path, teller: &Teller) -> Result<Vec<LogEntry>, Vec<Problem>> {
    // Before the first step nothing is written yet.
    if !path.exists() {
        return Ok(Vec::new());
    }
    let (entries, problems) = incident::log::parse(&gather::read_text(path)?);
    for (line, reason) in problems {
        let message = format!("{}:{line}: {reason}", path.display());
        teller.note(Note::new("unusable-line", message));
    }
    Ok(entries)
}

fn log(arguments: &LogArgs) -> Outcome {
    let at = match &arguments.at {
        Some(text) => text.parse().map_err(|_| {
            let message = format!("`--at {text}` is not a time");
            let hint = "write it as 2026-01-31T12:00:00Z";
            vec![Problem::new("bad-option", Class::Usage, message).with_hint(hint)]
        })?,
        None => {
            let now = Timestamp::now();
            Timestamp::from_second(now.as_second()).unwrap_or(now)
        }
    };
    let entry = LogEntry::new(at, &arguments.who, &arguments.what.join(" "))
        .map_err(|error| vec![Problem::of("bad-option", error.class(), &error)])?;
    let path = &arguments.log;
    let failed = |reason: String| {
        let message = format!("cannot write `{}`: {reason}", path.display());
        vec![Problem::new("write-failed", Class::Unavailable, message)]
    };
    let line = entry.line().map_err(|error| failed(error.to_string()))?;
    append(path, &line).map_err(|error| failed(error.to_string()))?;
    output::say(&format!("written into {}", path.display()));
    Ok(0)
}

/// One write to the end of the file, on the disk before it is said to be done. Two people who write
/// at once get a line each; a line that was torn by a crash is ended first.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).read(true).open(path)?;
    let line = if ends_within_a_line(&mut file)? { format!("\n{line}") } else { line.to_owned() };
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

fn ends_within_a_line(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_appended_after_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        append(&path, "one\n").unwrap();
        append(&path, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        std::fs::write(&path, "one\ntor").unwrap();
        append(&path, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntor\ntwo\n");
        assert!(append(folder.path(), "x\n").is_err());
    }
}
