//! `vet explain`: why the files of a project pass, or do not.
//!
//! Asks about the files that the lock has; about a version that it has not, the ledger's own files are
//! looked at, so that a team can ask before it moves.

use std::collections::BTreeMap;

use countermark_client::ledger::Loaded;
use countermark_client::report::Problem;
use countermark_ledger::check::{Judgement, Subject};
use countermark_ledger::file::FileId;
use countermark_ledger::report::{explain, explain_json};
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;
use countermark_packaging::table::did_you_mean;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use super::subjects::{self, Subjects};
use super::{names, place, proposed};
use crate::cli::vet::ExplainArgs;
use crate::cli::{OutputArgs, ReportFormat};
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(super) fn run(arguments: &ExplainArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let (project, version) = release(&arguments.name)?;
    let mut found = subjects::choose(&arguments.subjects, arguments.proposed, &teller)?;
    let mut read = place::read(&arguments.ledger, &found.folder, &arguments.subjects.store)?;
    found.lend(&mut read.opened);
    let loaded = &read.opened.loaded;
    let is_meant = |subject: &Subject| {
        subject.project == project && version.as_ref().is_none_or(|it| *it == subject.version)
    };
    let mut files: Vec<Subject> = found.files.iter().filter(|it| is_meant(it)).cloned().collect();
    names::take_known(&mut files, loaded);
    if files.is_empty() {
        files = of_ledger(loaded, &project, version.as_ref());
        if !files.is_empty() {
            teller.line(&format!(
                "{} has no {}; this is what the ledger has",
                found.of, arguments.name
            ));
        }
    }
    if files.is_empty() {
        found.unjudged.retain(|problem| problem.message.starts_with(&format!("{project} ")));
        if found.unjudged.is_empty() {
            return Err(vec![unknown(&found, &project, version.as_ref(), &arguments.name)]);
        }
        return Err(found.unjudged);
    }
    files.sort_by(|a, b| (&a.version, &a.file).cmp(&(&b.version, &b.file)));
    let on = place::today(&arguments.ledger);
    let judgements = read.opened.ask(on, |checker| checker.check(&files));
    let text = match arguments.format {
        ReportFormat::Text => explain::write(&judgements),
        ReportFormat::Json => explain_json::write(on, &loaded.ledger.name, &judgements),
    };
    output::print(text.trim_end_matches('\n'));
    let passes = judgements.iter().all(Judgement::passes);
    let is_open = |it: &Judgement| !it.passes() && it.known_bad.is_empty();
    if arguments.format == ReportFormat::Text && judgements.iter().any(is_open) {
        let named = subjects::given(&arguments.subjects);
        let option = proposed::option(arguments.proposed.proposed, &named);
        output::print(&format!("\nhint: countermark vet suggest{option}"));
    }
    Ok(if passes { 0 } else { Class::Rejected.exit_code() })
}

/// `NAME` or `NAME==VERSION`.
pub(super) fn release(text: &str) -> Result<(ProjectName, Option<Version>), Vec<Problem>> {
    let wrong = |message: String| {
        let problem = Problem::new("bad-option", Class::Usage, message);
        vec![problem.with_hint("write NAME or NAME==VERSION")]
    };
    let (name, version) = match text.split_once("==") {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let project = ProjectName::parse(name.trim()).map_err(|error| wrong(error.to_string()))?;
    let version = version.map(|text| text.trim().parse::<Version>()).transpose();
    Ok((project, version.map_err(|error| wrong(format!("`{text}`: {error}")))?))
}

/// The files that the ledger names: what it lets pass, and what our reviews are of.
fn of_ledger(loaded: &Loaded, project: &ProjectName, version: Option<&Version>) -> Vec<Subject> {
    let mut files: BTreeMap<Sha256, Subject> = BTreeMap::new();
    let mut take = |found: &Version, file: &FileId, place: &Place| {
        if version.is_none_or(|version| version == found) {
            files.entry(file.digest).or_insert_with(|| Subject {
                project: project.clone(),
                version: found.clone(),
                file: Some(file.name.clone()),
                digest: file.digest,
                place: place.clone(),
            });
        }
    };
    for exemption in loaded.ledger.exemptions.iter().filter(|it| it.project == *project) {
        exemption.files.iter().for_each(|file| take(&exemption.version, file, &exemption.place));
    }
    for entry in loaded.reviews.iter().filter(|entry| entry.review.project == *project) {
        entry.review.files.iter().for_each(|file| take(&entry.review.version, file, &entry.place));
    }
    files.into_values().collect()
}

fn unknown(
    found: &Subjects,
    project: &ProjectName,
    version: Option<&Version>,
    asked: &str,
) -> Problem {
    let message = format!("neither {} nor the ledger has {asked}", found.of);
    let problem = Problem::new("not-locked", Class::Usage, message);
    let others: Vec<String> = found
        .files
        .iter()
        .filter(|file| version.is_some() && file.project == *project)
        .map(|file| format!("{project}=={}", file.version))
        .collect();
    if let Some(other) = others.first() {
        return problem.with_hint(format!("the lock has {other}"));
    }
    let mut all: Vec<&str> = found.files.iter().map(|file| file.project.as_str()).collect();
    all.dedup();
    let hint = did_you_mean(project.as_str(), &all, "");
    if hint.starts_with("did you mean") { problem.with_hint(hint) } else { problem }
}
