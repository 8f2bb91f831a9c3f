//! `vet`: does every file of the lock, or of the environment, meet its criteria? Without any network.

use countermark_client::report::{Problem, Reporter as _};
use countermark_ledger::check::{Checker, Judgement};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::ledger::Ledger;
use countermark_ledger::report::text::Options;
use countermark_ledger::report::{Report, Unjudged, json, sarif, text};
use countermark_packaging::table::did_you_mean;
use countermark_trust::Class;

use super::place::{self, Read};
use super::subjects::{self, Subjects};
use super::{names, proposed, since};
use crate::cli::OutputArgs;
use crate::cli::vet::{CheckArgs, VetFormat};
use crate::commands::Outcome;
use crate::commands::audit::write::to_file;
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(super) fn run(arguments: &CheckArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let mut found = subjects::choose(&arguments.subjects, arguments.proposed, &teller)?;
    let mut read = place::read(&arguments.ledger, &found.folder, &arguments.subjects.store)?;
    found.lend(&mut read.opened);
    names::take_known(&mut found.files, &read.opened.loaded);
    let ledger = &read.opened.loaded.ledger;
    let criteria = criteria(ledger, &arguments.criteria)?;
    let mut wrong = since::check(arguments, &read.folder, &read.opened.loaded)?;
    let on = place::today(&arguments.ledger);
    let judgements = read.opened.ask(on, |checker| judge(checker, &found, criteria.as_deref()));
    let report = report(&found, &read, on, judgements);
    write(&report, arguments, output)?;
    for note in found.notes {
        teller.note(note);
    }
    if arguments.all_reviews {
        wrong.extend(all_reviews(&read));
    }
    let code = if report.passes() { 0 } else { Class::Rejected.exit_code() };
    wrong.extend(found.unjudged);
    // A "no" of one is a "no" of all.
    Ok(code.max(output::show_problems(&wrong)))
}

fn judge(
    checker: &Checker<'_>,
    found: &Subjects,
    criteria: Option<&[CriterionName]>,
) -> Vec<Judgement> {
    checker.check_for(&found.files, criteria)
}

/// The criteria of the command line, if there are any.
pub(super) fn criteria(
    ledger: &Ledger,
    names: &[String],
) -> Result<Option<Vec<CriterionName>>, Vec<Problem>> {
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for name in names {
        match CriterionName::parse(name).ok().filter(|name| ledger.criteria.has(name)) {
            Some(name) => good.push(name),
            None => {
                let all: Vec<&str> = ledger.criteria.names().map(CriterionName::as_str).collect();
                let message = format!("`{name}` is no criterion of this ledger");
                let hint = did_you_mean(name, &all, "the criteria are");
                let problem = Problem::new("unknown-criterion", Class::Usage, message);
                wrong.push(problem.with_hint(hint));
            }
        }
    }
    good.sort();
    good.dedup();
    if wrong.is_empty() { Ok((!good.is_empty()).then_some(good)) } else { Err(wrong) }
}

fn report(
    found: &Subjects,
    read: &Read,
    on: jiff::civil::Date,
    judgements: Vec<Judgement>,
) -> Report {
    let mut notes: Vec<String> =
        found.unjudged.iter().map(|problem| problem.message.clone()).collect();
    let never = read.opened.loaded.ledger.imports.iter().filter(|it| it.ledger.is_none());
    notes.extend(never.map(|import| format!("the import `{}` was never fetched", import.name)));
    Report {
        on,
        ledger: read.opened.loaded.ledger.name.clone(),
        subjects: found.names.clone(),
        judgements,
        unjudged: found.unjudged.iter().map(unjudged).collect(),
        notes,
    }
}

fn unjudged(problem: &Problem) -> Unjudged {
    let Problem { code, message, place, .. } = problem;
    Unjudged { code, message: message.clone(), place: place.clone() }
}

/// Every signature of ours and of imports that does not count.
fn all_reviews(read: &Read) -> Vec<Problem> {
    let problem = |(_, entry, refused): (_, countermark_ledger::format::Entry, _)| {
        let refused: countermark_ledger::check::Refused = refused;
        let review = &entry.review;
        let message = format!(
            "the review of {} {} by {} counts for nothing: {}",
            review.project, review.version, review.author, refused.message
        );
        Problem::new(refused.code, Class::Rejected, message).at(&entry.place)
    };
    read.opened.verify_all().into_iter().map(problem).collect()
}

fn write(
    report: &Report,
    arguments: &CheckArgs,
    output_arguments: &OutputArgs,
) -> Result<(), Vec<Problem>> {
    let is_file = arguments.output.is_some();
    let text = match arguments.format {
        VetFormat::Text if output_arguments.quiet && report.passes() && !is_file => return Ok(()),
        VetFormat::Text => {
            let text = text::write(report, Options { colors: !is_file, all: arguments.all });
            let named = subjects::given(&arguments.subjects);
            proposed::follow(&text, &proposed::option(arguments.proposed.proposed, &named))
        }
        VetFormat::Json => json::write(report),
        VetFormat::Sarif => sarif::write(report),
    };
    match &arguments.output {
        Some(path) => to_file(path, &text),
        None => {
            output::print(text.trim_end_matches('\n'));
            Ok(())
        }
    }
}
