//! `vet trust`: a publisher's releases pass without a review, for a time.
//!
//! It shows what is known of the publisher's releases and what the trust would cover before it is written:
//! trust is in whoever can run that workflow, not in what was released so far.

use std::collections::BTreeMap;

use countermark_client::ledger::book::Opened;
use countermark_client::ledger::commits;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::check::Subject;
use countermark_ledger::fact::{Facts, FileFact};
use countermark_ledger::ledger::TrustedPublisher;
use countermark_packaging::name::ProjectName;
use jiff::civil::Date;

use super::{ground, place, subjects};
use crate::cli::OutputArgs;
use crate::cli::vet::TrustArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Runs the command.
pub(super) fn run(arguments: &TrustArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let reason = ground::reason(&arguments.reason)?;
    let projects = ground::patterns(&arguments.project)?;
    let today = place::today(&arguments.ledger);
    let until = ground::last_day(arguments.until, today)?;
    let from = arguments.from.unwrap_or(today);
    if from > until {
        return Err(ground::bad(format!("the trust begins on {from} and ends on {until}")));
    }
    let publisher = publisher(&arguments.publisher)?;
    let subjects = subjects::read(&arguments.subjects)?;
    let folder = place::find(&arguments.ledger, &subjects.folder)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let read = place::read(&arguments.ledger, &subjects.folder, &arguments.subjects.store)?;
    let ledger = &read.opened.loaded.ledger;
    let criteria = match arguments.criteria.is_empty() {
        true => ledger.required.clone(),
        false => ground::criteria(&arguments.criteria, ledger)?,
    };
    let place = super::exempt::nowhere();
    let new = TrustedPublisher { publisher, projects, criteria, from, until, reason, place };
    if let Some(there) = ledger
        .trusted
        .iter()
        .find(|it| it.publisher == new.publisher && it.projects == new.projects)
    {
        let message =
            format!("{} is trusted for these projects until {}", there.publisher, there.until);
        let problem = Problem::new("trust-known", countermark_trust::Class::Usage, message);
        let hint = "`countermark vet renew` extends it";
        return Err(vec![problem.at(&there.place).with_hint(hint)]);
    }
    for line in seen(&new, &read.opened.loaded.facts) {
        teller.line(&output::visible(&line));
    }
    let now = place::now(&arguments.ledger)?;
    let mut edit = ground::edit(&folder)?;
    edit.add(std::slice::from_ref(&new)).map_err(|errors| ground::told(&errors))?;
    let mut with = read.opened.loaded.clone();
    with.ledger = edit.ledger().clone();
    let commits = commits::find(&folder, &with, now);
    let with = Opened::new(with, commits, now)?;
    let covered = covered(&read.opened, &with, &subjects.files, today);
    let count = output::count(covered.len(), "locked file passes", "locked files pass");
    teller.line(&format!("{count} with it and not without"));
    for subject in &covered {
        teller.line(&format!("  {} {}", subject.project, subject.version));
    }
    if arguments.dry_run {
        teller.line("nothing was written");
        return Ok(0);
    }
    held.write_ledger(edit.text())?;
    teller.line(&format!("{} is trusted until {until}", new.publisher));
    if read.opened.loaded.facts.files.is_empty() {
        let message = "nothing is known of publishers yet, so the trust covers nothing";
        let hint = "`countermark vet facts` asks the index";
        teller.note(Note::new("trust-no-facts", message).with_hint(hint));
    }
    Ok(0)
}

/// A publisher is compared as a whole, so nothing of it may be left out or be a pattern.
fn publisher(text: &str) -> Result<String, Vec<Problem>> {
    let is_whole =
        text.split_once(':').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if !is_whole || text.contains(['*', ' ']) || text.contains(char::is_control) {
        let message = format!("`{text}` is no publisher as provenance names it");
        let problem = ground::bad(message).remove(0);
        let hint = "such as github:owner/repository/workflow.yml, whole: `*` is not understood";
        return Err(vec![problem.with_hint(hint)]);
    }
    Ok(text.to_owned())
}

/// What the facts have of the publisher and of those projects.
fn seen(new: &TrustedPublisher, facts: &Facts) -> Vec<String> {
    let is_meant = |fact: &&FileFact| new.projects.iter().any(|it| it.matches(&fact.project));
    let mut by_project: BTreeMap<&ProjectName, Vec<&FileFact>> = BTreeMap::new();
    for fact in facts.files.iter().filter(is_meant) {
        by_project.entry(&fact.project).or_default().push(fact);
    }
    let mut lines = Vec::new();
    for (project, facts) in by_project {
        let by = |fact: &&&FileFact| fact.publisher.as_deref() == Some(new.publisher.as_str());
        let theirs = facts.iter().filter(by).count();
        let of = output::count(facts.len(), "known file", "known files");
        let last = facts.iter().filter_map(|it| it.uploaded).max();
        let last = last.map_or(String::new(), |day| format!(", the last of {day}"));
        lines.push(format!("{project}: {theirs} of {of} are from {}{last}", new.publisher));
        let adds = facts.iter().filter(by).filter(|it| !it.adds.is_empty());
        for fact in adds {
            lines.push(format!("  not covered, {} adds {}", fact.file.name, fact.adds.join(", ")));
        }
    }
    lines
}

/// The files that pass with it and not without.
fn covered<'a>(
    without: &Opened,
    with: &Opened,
    subjects: &'a [Subject],
    today: Date,
) -> Vec<&'a Subject> {
    let passes = |opened: &Opened| -> Vec<bool> {
        let judged = opened.ask(today, |checker| checker.check(subjects));
        judged.iter().map(countermark_ledger::check::Judgement::passes).collect()
    };
    let (without, with) = (passes(without), passes(with));
    let is_covered = |at: &usize| with[*at] && !without[*at];
    (0..subjects.len()).filter(is_covered).map(|at| &subjects[at]).collect()
}
