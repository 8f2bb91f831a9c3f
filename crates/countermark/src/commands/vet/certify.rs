//! `vet certify`: a person says what they read, and signs it.
//!
//! What will be signed is shown, and it is the statement itself. The signature is verified, with the key that
//! the ledger names, before anything is written; and after it the rules are asked again, so that a review that
//! counts for nothing is not taken for one that does.

mod draft;
mod editor;
mod files;
mod signer;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use countermark_client::ledger::Loaded;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::check::{Judgement, Subject};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::file::FileId;
use countermark_ledger::format::{self, ReviewFile};
use countermark_ledger::ledger::Ledger;
use countermark_ledger::review::{How, Review};
use countermark_ledger::signature::Keys;
use countermark_ledger::statement::{StatementId, statement};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use super::exempt::nowhere;
use super::place::{self, Read};
use super::subjects::{self, Subjects};
use super::{ground, proposed};
use crate::cli::OutputArgs;
use crate::cli::vet::{CertifyArgs, SubjectArgs};
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

use draft::{Draft, Help};
use files::Chosen;
use signer::Signer;

/// How many files are told one by one.
const SHOWN: usize = 20;

/// The release, and how it was read.
struct Reading {
    project: ProjectName,
    version: Version,
    how: How,
    chosen: Chosen,
}

/// Runs the command.
pub(super) fn run(arguments: &CertifyArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let locked = locked(arguments, &teller)?;
    let start = ground::start(locked.as_ref())?;
    let mut read = place::read(&arguments.ledger, &start, &arguments.store)?;
    if let Some(locked) = &locked {
        locked.lend(&mut read.opened);
    }
    let reading = reading(arguments, locked.as_ref(), &read, &teller)?;
    let loaded = &read.opened.loaded;
    let now = place::now(&arguments.ledger)?;
    let keys = Keys::new(&loaded.ledger.keys, &loaded.certificates, now).unwrap_or_else(|_| {
        // Those that cannot be used were told when the ledger was opened.
        Keys::none(now)
    });
    let (author, signer) = signer::choose(&arguments.signing, &keys)?;
    let before = judge(arguments, &read, &reading.subjects());
    for note in &reading.chosen.notes {
        teller.note(note.clone());
    }
    for bad in before.iter().flat_map(|it| &it.known_bad) {
        let message = format!(
            "{} is known to be bad, and no review overrides it: {}",
            bad.file.name, bad.reason
        );
        teller.note(Note::new("certify-known-bad", message));
    }
    let Some(draft) = draft(arguments, &reading, &before, &author, &loaded.ledger)? else {
        output::print("nothing was signed");
        return Ok(Class::Rejected.exit_code());
    };
    let on = place::today(&arguments.ledger);
    let mut review = Review {
        project: reading.project.clone(),
        version: reading.version.clone(),
        files: draft.files,
        criteria: draft.criteria,
        how: reading.how.clone(),
        author,
        on,
        until: draft.until,
        notes: draft.notes,
        signature: None,
    };
    check_form(&review)?;
    output::print(statement(&review).trim_end());
    if arguments.dry_run {
        output::print("(nothing was signed and nothing was written)");
        return Ok(0);
    }
    review.signature = Some(signer::sign(&review, &signer)?);
    if let Some(note) = signer::check(&review, &signer, &keys, now)? {
        teller.note(note);
    }
    check_form(&review)?;
    let held = ground::hold(&read.folder, &setup::interrupted())?;
    held.add_reviews(std::slice::from_ref(&review))?;
    drop(held);
    let mut after = place::read(&arguments.ledger, &start, &arguments.store)?;
    if let Some(locked) = &locked {
        locked.lend(&mut after.opened);
    }
    let judged = judge(arguments, &after, &reading.subjects());
    tell(&review, &read, &before, &judged, &signer);
    let named: Vec<_> = arguments.locks.iter().collect();
    if !matches!(signer, Signer::Commit) {
        next(&proposed::option(arguments.proposed.proposed, &named));
    }
    Ok(0)
}

/// The files of the locks; none where files are named.
fn locked(arguments: &CertifyArgs, teller: &Teller) -> Result<Option<Subjects>, Vec<Problem>> {
    let subjects = SubjectArgs {
        locks: arguments.locks.clone(),
        store: arguments.store.clone(),
        ..SubjectArgs::default()
    };
    if arguments.files.is_empty() || arguments.proposed.proposed {
        subjects::choose(&subjects, arguments.proposed, teller).map(Some)
    } else {
        ground::subjects_if_any(&subjects)
    }
}

fn reading(
    arguments: &CertifyArgs,
    locked: Option<&Subjects>,
    read: &Read,
    teller: &Teller,
) -> Result<Reading, Vec<Problem>> {
    let (project, version) = ground::release(&arguments.release)?;
    let loaded = &read.opened.loaded;
    let relations = &loaded.relations.0;
    let named = match (arguments.files.is_empty(), locked) {
        (true, Some(locked)) => {
            let files = ground::locked(locked, &project, &version)?;
            ground::named(files, loaded, &arguments.index, &arguments.store, teller)?
        }
        _ => files::given(&arguments.files, &project, &version)?,
    };
    if arguments.compiled {
        let chosen = files::compiled(&named, relations, &project);
        if chosen.files.is_empty() {
            let message = format!("no file of {project} {version} has compiled extensions");
            let problem = Problem::new("certify-nothing", Class::Usage, message);
            return Err(vec![problem.with_hint("leave `--compiled` out: it was read in full")]);
        }
        return Ok(Reading { project, version, how: How::Compiled, chosen });
    }
    let chosen = files::content(&named, relations);
    let Some(from) = &arguments.from else {
        return Ok(Reading { project, version, how: How::Full, chosen });
    };
    let from: Version =
        from.parse().map_err(|_| ground::bad(format!("`--from {from}` is no version")))?;
    if from == version {
        return Err(ground::bad("a difference is from another release"));
    }
    let known = if arguments.from_files.is_empty() {
        files::known(loaded, &project, &from)
    } else {
        files::given(&arguments.from_files, &project, &from)?
    };
    let (chosen, how) = files::difference(chosen, &project, &from, &known)?;
    Ok(Reading { project, version, how, chosen })
}

impl Reading {
    /// The files as questions to the rules.
    fn subjects(&self) -> Vec<Subject> {
        let subject = |file: &FileId| Subject {
            project: self.project.clone(),
            version: self.version.clone(),
            file: Some(file.name.clone()),
            digest: file.digest,
            place: nowhere(),
        };
        self.chosen.files.iter().map(subject).collect()
    }

    fn title(&self, author: &str) -> String {
        let Self { project, version, how, .. } = self;
        let how = match how {
            How::Full => "read in full".to_owned(),
            How::Delta { from, .. } => format!("of which the difference from {from} was read"),
            How::Compiled => "of which the compiled extensions were looked at".to_owned(),
        };
        format!("The review of {project} {version} by {author}, {how}.")
    }
}

fn judge(arguments: &CertifyArgs, read: &Read, subjects: &[Subject]) -> Vec<Judgement> {
    let on = place::today(&arguments.ledger);
    read.opened.ask(on, |checker| checker.check(subjects))
}

/// What is to be signed, from the options and, at a terminal, from the editor.
fn draft(
    arguments: &CertifyArgs,
    reading: &Reading,
    before: &[Judgement],
    author: &str,
    ledger: &Ledger,
) -> Result<Option<Draft>, Vec<Problem>> {
    let draft = Draft {
        files: reading.chosen.files.clone(),
        criteria: criteria(arguments, before, ledger)?,
        until: arguments.until,
        notes: arguments.notes.as_deref().unwrap_or_default().trim().to_owned(),
    };
    let is_terminal = || std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !arguments.edit && (arguments.yes || arguments.dry_run || !is_terminal()) {
        return Ok(Some(draft));
    }
    let missing = missing(before);
    let title = reading.title(author);
    let help = Help { title: &title, missing: &missing, ledger };
    let state = setup::folders(&arguments.store)?.state;
    let text = editor::Text::new(&state, &draft.to_text(&help))?;
    let edited = text.edit()?;
    match Draft::parse(&edited, &reading.chosen.files, &ledger.criteria) {
        Ok(draft) => {
            text.remove();
            Ok(draft)
        }
        Err(errors) => {
            let hint = format!("the text is kept in {}", text.path().display());
            let problem = |error: &String| Problem::new("certify-text", Class::Usage, error);
            let mut problems: Vec<Problem> = errors.iter().map(problem).collect();
            let last = problems.pop();
            problems.extend(last.map(|problem| problem.with_hint(hint)));
            Err(problems)
        }
    }
}

/// What is said: by the options, else what is missing, else what the ledger requires.
fn criteria(
    arguments: &CertifyArgs,
    before: &[Judgement],
    ledger: &Ledger,
) -> Result<Vec<CriterionName>, Vec<Problem>> {
    if !arguments.criteria.is_empty() {
        return ground::criteria(&arguments.criteria, ledger);
    }
    let mut wanted: BTreeSet<&CriterionName> = before.iter().flat_map(Judgement::missing).collect();
    if wanted.is_empty() {
        wanted = before.iter().flat_map(|it| &it.required).map(|it| &it.criterion).collect();
    }
    // What another one implies is said by it.
    let is_implied = |name: &CriterionName| {
        wanted.iter().any(|other| {
            *other != name && ledger.criteria.implied(other).any(|implied| implied == name)
        })
    };
    Ok(wanted.iter().filter(|name| !is_implied(name)).map(|name| (*name).clone()).collect())
}

/// What is missing for each file, as sentences.
fn missing(before: &[Judgement]) -> Vec<String> {
    let mut lines = Vec::new();
    for judgement in before {
        let lacks: Vec<&str> = judgement.missing().map(CriterionName::as_str).collect();
        if !lacks.is_empty() {
            let file = judgement.subject.file.as_deref().unwrap_or("a file");
            lines.push(format!("{file} lacks {}", lacks.join(", ")));
        }
    }
    if lines.is_empty() {
        lines.push("nothing of it lacks a review".to_owned());
    }
    lines
}

/// Refuses what could not be read again, before and after it is signed.
fn check_form(review: &Review) -> Result<(), Vec<Problem>> {
    let text = format::write([review]);
    let read = ReviewFile::parse("the review", text);
    let problem = |error: &countermark_packaging::lock::SourceError| {
        let problem = Problem::new("certify-form", Class::Usage, error.message.clone());
        match &error.hint {
            Some(hint) => problem.with_hint(hint.clone()),
            None => problem,
        }
    };
    let read = read.map_err(|errors| errors.iter().map(problem).collect::<Vec<_>>())?;
    let same = read.iter().next().is_some_and(|entry| {
        entry.id == StatementId::of(review) && entry.review.signature == review.signature
    });
    if same {
        return Ok(());
    }
    let message = "the review would not be read as it is written";
    Err(vec![Problem::new("certify-form", Class::Usage, message)])
}

/// What came of it: by the rules, not by hope.
fn tell(review: &Review, read: &Read, before: &[Judgement], after: &[Judgement], signer: &Signer) {
    let id = StatementId::of(review);
    let file = read.folder.shown(countermark_client::ledger::folder::REVIEWS);
    let short: String = id.to_string().chars().take(12).collect();
    output::print(&format!("wrote the review {short} into {file}"));
    if before.iter().all(Judgement::passes) {
        let message = "everything of it met its criteria before: nothing here needs this review";
        output::show_note(&Note::new("certify-not-needed", message));
    }
    if let Signer::Commit = signer {
        output::print("it counts when a signed commit adds it, and nothing else does:");
        output::print(&format!("  git add {file}"));
        output::print(&format!(
            "  git commit -S -m \"review of {} {}\"",
            review.project, review.version
        ));
        return;
    }
    let mut reasons: Vec<(&'static str, String, Option<&'static str>)> = Vec::new();
    for ignored in after.iter().flat_map(|it| &it.ignored).filter(|it| it.review.id == id.0) {
        let reason = (ignored.why.code(), ignored.why.to_string(), ignored.why.hint());
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    for (code, why, hint) in reasons {
        let note = Note::new(code, format!("it does not count: {why}"));
        output::show_note(&match hint {
            Some(hint) => note.with_hint(hint),
            None => note,
        });
    }
    let open: Vec<String> = after.iter().filter(|it| !it.passes()).map(lacking).collect();
    if open.is_empty() {
        output::print(&format!("{} {} meets its criteria", review.project, review.version));
    }
    for line in open.iter().take(SHOWN) {
        output::print(line);
    }
    if open.len() > SHOWN {
        output::print(&format!("and {} more", open.len() - SHOWN));
    }
}

/// What to do next: of a lock as it would be, what was refused.
fn next(option: &str) {
    output::print("next:");
    output::print(&format!("  countermark vet{option}"));
    if !option.is_empty() {
        output::print(
            "and once that says yes, the command that was refused, such as `countermark update`",
        );
    }
}

/// Whether a difference from a release can be certified of all these files.
pub(crate) fn has_counterparts(
    loaded: &Loaded,
    project: &ProjectName,
    from: &Version,
    files: &[FileId],
) -> bool {
    let chosen = files::content(files, &loaded.relations.0);
    let known = files::known(loaded, project, from);
    let compared = files::difference(chosen, project, from, &known);
    compared.is_ok_and(|(chosen, _)| {
        !chosen.notes.iter().any(|note| note.code == "certify-no-counterpart")
    })
}

fn lacking(judgement: &Judgement) -> String {
    let lacks: Vec<&str> = judgement.missing().map(CriterionName::as_str).collect();
    let file = judgement.subject.file.as_deref().unwrap_or("a file");
    format!("{file} still lacks {}", lacks.join(", "))
}
