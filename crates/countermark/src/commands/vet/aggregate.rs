//! `vet aggregate`: many teams' ledgers as one that others can import.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use countermark_client::ledger::folder::{LEDGER, REVIEWS};
use countermark_client::ledger::{Folder, Loaded};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::aggregate::{Aggregate, Contradiction, Kind, Part, aggregate};
use countermark_ledger::format::limits;
use countermark_ledger::signature::{Commits, Keys, verify};
use countermark_packaging::table::did_you_mean;
use countermark_trust::Class;
use jiff::Timestamp;

use crate::cli::OutputArgs;
use crate::cli::vet::AggregateArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(super) fn run(arguments: &AggregateArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let allowed = allowed(&arguments.allow)?;
    let target = Folder::at(&arguments.output);
    let name = name(arguments, &target)?;
    let now = Timestamp::now();
    let (mut parts, mut wrong) = (Vec::new(), Vec::new());
    for folder in &arguments.folders {
        match part(folder, &arguments.output, now) {
            Ok(part) => parts.push(part),
            Err(problems) => wrong.extend(problems),
        }
    }
    let joined = aggregate(&name, &parts).filter(|_| wrong.is_empty());
    let Some(joined) = joined else { return Err(wrong) };
    for note in &joined.notes {
        teller.note(Note::new("vet-aggregate", note));
    }
    let (told, refused): (Vec<&Contradiction>, _) =
        joined.contradictions.iter().partition(|it| allowed.contains(&it.kind));
    for one in told {
        teller.note(Note::new("vet-allowed", said(one)));
    }
    if !refused.is_empty() {
        return Ok(output::show_problems(&refused.into_iter().map(problem).collect::<Vec<_>>()));
    }
    write(&target, &joined)?;
    if !output.quiet {
        let (reviews, keys) = (joined.reviews.len(), joined.ledger.keys.len());
        let bad = joined.ledger.violations.len();
        let shown = arguments.output.display();
        output::print(&format!(
            "{shown}: {reviews} reviews, {keys} keys and {bad} violations of {} ledgers",
            parts.len()
        ));
    }
    Ok(0)
}

fn allowed(codes: &[String]) -> Result<Vec<Kind>, Vec<Problem>> {
    let all = Kind::ALL.map(Kind::code);
    let parse = |code: &String| {
        Kind::ALL.into_iter().find(|kind| kind.code() == code).ok_or_else(|| {
            let message = format!("`{code}` is no kind of contradiction");
            let problem = Problem::new("vet-allow", Class::Usage, message);
            vec![problem.with_hint(did_you_mean(code, &all, "the kinds are"))]
        })
    };
    codes.iter().map(parse).collect()
}

/// The name of the result: the one that is given, or else the one that it has from the last time.
fn name(arguments: &AggregateArgs, target: &Folder) -> Result<String, Vec<Problem>> {
    if let Some(name) = &arguments.name {
        return Ok(name.clone());
    }
    if arguments.output.join(LEDGER).is_file() {
        return Ok(target.read_ledger()?.name);
    }
    let problem = Problem::new("vet-name", Class::Usage, "the joined ledger has no name yet");
    Err(vec![problem.with_hint("give one: `--name example.org/all`")])
}

fn part(path: &Path, output: &Path, now: Timestamp) -> Result<Part, Vec<Problem>> {
    let same = fs::canonicalize(path).ok().zip(fs::canonicalize(output).ok());
    if same.is_some_and(|(one, two)| one == two) {
        let message = format!("{} is both a ledger to join and the result", path.display());
        let problem = Problem::new("vet-output", Class::Usage, message);
        return Err(vec![
            problem.with_hint("a team's decisions would be lost: name another folder"),
        ]);
    }
    let folder = Folder::at(path);
    let Loaded { ledger, reviews, certificates, .. } = folder.read_own()?;
    let keys = Keys::new(&ledger.keys, &certificates, now).map_err(|mistakes| {
        let problem = |it: &countermark_ledger::signature::KeyMistake| {
            let problem = Problem::new(it.code(), it.class(), it.error.to_string()).at(&it.place);
            it.hint().map_or(problem.clone(), |hint| problem.with_hint(hint))
        };
        mistakes.iter().map(problem).collect::<Vec<_>>()
    })?;
    let none = Commits::new();
    let reviews = reviews
        .iter()
        .map(|entry| {
            let verifies = verify(&entry.review, &keys, &none).is_ok();
            (entry, verifies)
        })
        .collect();
    Ok(Part { name: path.display().to_string(), ledger, reviews, certificates })
}

fn said(one: &Contradiction) -> String {
    if one.places.is_empty() {
        return one.message.clone();
    }
    format!("{} ({})", one.message, one.places.join(", "))
}

fn problem(one: &Contradiction) -> Problem {
    let mut problem = Problem::new(one.kind.code(), Class::Rejected, one.message.clone());
    problem.details.clone_from(&one.places);
    problem.with_hint(format!("settle it with the teams, or give `--allow {}`", one.kind))
}

fn write(target: &Folder, joined: &Aggregate) -> Result<(), Vec<Problem>> {
    fs::create_dir_all(target.path()).map_err(|error| {
        let message = format!("cannot make {}: {error}", target.path().display());
        vec![Problem::new("file-not-written", Class::Unavailable, message)]
    })?;
    let held = target.hold(&AtomicBool::new(false), || {}).map_err(|problem| vec![*problem])?;
    let reviews = countermark_ledger::format::write(&joined.reviews);
    if reviews.len() > limits::REVIEWS {
        let message =
            format!("{REVIEWS} would be larger than the {} bytes that are read", limits::REVIEWS);
        return Err(vec![Problem::new("too-large", Class::Usage, message)]);
    }
    for (path, bytes) in &joined.certificates {
        held.write(path, bytes).map_err(|problem| vec![*problem])?;
    }
    held.write(REVIEWS, reviews.as_bytes()).map_err(|problem| vec![*problem])?;
    held.write_ledger(&joined.ledger.write())
}
