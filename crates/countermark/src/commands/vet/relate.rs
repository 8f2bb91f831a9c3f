//! `vet relate`: what the files of a release share, shown and written into `relations.toml`.
//!
//! Decides which files of which releases are compared. The digests of a lock decide where there is one;
//! else those that the index claims, and what is written down names the digests of the bytes that came.
//! One release is downloaded, compared and forgotten before the next.

mod gather;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_client::catalogue::{CatalogueOptions, IndexCatalogue};
use countermark_client::ledger::Folder;
use countermark_client::ledger::relate::{ReleaseBytes, relate_pairs, relate_release};
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_client::store::Store;
use countermark_ledger::format::Relations;
use countermark_ledger::relate::Comparison;
use countermark_ledger::relation::Relation;
use countermark_packaging::tags::CompatibleTags;
use countermark_trust::Class;
use jiff::Timestamp;

use super::super::Outcome;
use super::super::install::open_store;
use super::place;
use crate::cli::OutputArgs;
use crate::cli::vet::RelateArgs;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::setup;

use gather::{Files, Release};
use report::{Answer, Shown};

/// The file of a ledger in which relations stand.
const RELATIONS: &str = "relations.toml";

/// What is needed to download.
struct Sources {
    session: Session,
    store: Arc<Store>,
    catalogue: IndexCatalogue,
    interrupted: Arc<AtomicBool>,
    tags: Option<CompatibleTags>,
    /// Where downloads are kept.
    keep: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &RelateArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let files: Vec<&String> = arguments.what.iter().filter(|it| gather::is_file(it)).collect();
    if !files.is_empty() {
        return local(arguments, &files, &teller);
    }
    session::refuse_weakening(&arguments.index)?;
    let sources = open(arguments, &teller)?;
    let folder = ledger(arguments)?;
    if arguments.check {
        return check(arguments, &sources, &needed(folder)?, &teller);
    }
    let releases = gather::releases(arguments, &teller)?;
    let mut shown = Vec::new();
    for release in &releases {
        teller.progress(Progress::Working { what: &release.to_string() });
        let answer = one(&sources, release, &teller);
        teller.progress(Progress::Done);
        if sources.interrupted.load(Ordering::Relaxed) {
            let message = "interrupted; nothing was written";
            return Err(vec![Problem::new("interrupted", Class::Unavailable, message)]);
        }
        let one = Shown { release: release.clone(), answer };
        report::tell(&one, arguments, &teller);
        shown.push(one);
    }
    if let (Some(folder), false) = (&folder, arguments.dry_run) {
        write(folder, &shown, &sources.interrupted, &teller)?;
    }
    report::end(&shown, arguments, &teller);
    if folder.is_none() && !arguments.dry_run {
        let note = Note::new("no-ledger", "there is no ledger here, so nothing was written down");
        teller.note(note.with_hint("make one with `countermark vet init`"));
    }
    Ok(report::exit_code(&shown))
}

fn open(arguments: &RelateArgs, teller: &Teller) -> Result<Sources, Vec<Problem>> {
    let folders = setup::folders(&arguments.store())?;
    let keep = match &arguments.keep {
        Some(folder) => Some(gather::keep(folder)?),
        None => None,
    };
    let tags = if arguments.usable {
        Some(setup::interpreter(&arguments.python, &folders)?.tags())
    } else {
        None
    };
    let session = session::open("vet", &arguments.index, &[], None)?;
    session::tell(&session.settings, teller);
    let store = open_store(&session, &folders, arguments.cache_dir.is_some())?;
    let interrupted = setup::interrupted();
    let options = CatalogueOptions {
        refresh: arguments.index.refresh,
        offline: session.settings.http.offline,
        interrupted: Arc::clone(&interrupted),
        ..CatalogueOptions::new(Timestamp::now())
    };
    let state = (!store.distrusts_state()).then_some(folders.state.as_path());
    let (http, index) = (Arc::clone(&session.http), Arc::clone(&session.index));
    let catalogue = IndexCatalogue::new(http, index, state, options);
    Ok(Sources { session, store: Arc::new(store), catalogue, interrupted, tags, keep })
}

/// The folder of the ledger, found as by the other commands; none is fine where none was named.
fn ledger(arguments: &RelateArgs) -> Result<Option<Folder>, Vec<Problem>> {
    let beside = arguments.locks.first().and_then(|lock| lock.parent());
    let start = beside.filter(|folder| !folder.as_os_str().is_empty());
    let start = setup::absolute(start.unwrap_or(Path::new(".")))?;
    place::find_if_any(&arguments.ledger, &start)
}

fn needed(folder: Option<Folder>) -> Result<Folder, Vec<Problem>> {
    folder.ok_or_else(|| {
        let message = "there is no ledger here, so nothing is written down that could be checked";
        let problem = Problem::new("no-ledger", Class::Usage, message);
        vec![problem.with_hint("make one with `countermark vet init`")]
    })
}

fn one(sources: &Sources, release: &Release, teller: &Teller) -> Answer {
    let files = match gather::fetch(sources, release, teller) {
        Ok(files) => files,
        Err(problem) => return Answer::Failed(*problem),
    };
    if files.missing > 0 {
        let message = format!("{} locked files of {release} are not listed", files.missing);
        teller.note(Note::new("relate-not-listed", message));
    }
    compare(&files, None)
}

fn compare(files: &Files, pairs: Option<&[Relation]>) -> Answer {
    let bytes: Vec<ReleaseBytes<'_>> = files.bytes();
    let related = match pairs {
        Some(pairs) => relate_pairs(&bytes, &gather::positions(&bytes, pairs)),
        None => relate_release(&bytes),
    };
    match related {
        Ok(comparisons) => Answer::Compared(comparisons),
        Err(error) => Answer::Failed(Problem::of(error.code(), error.class(), &error)),
    }
}

/// Takes the place of what was written down of the same pairs of files.
fn write(
    folder: &Folder,
    shown: &[Shown],
    interrupted: &AtomicBool,
    teller: &Teller,
) -> Result<(), Vec<Problem>> {
    let waiting = || teller.line("waiting for another program to finish with the ledger");
    let held = folder.hold(interrupted, waiting).map_err(|problem| vec![*problem])?;
    let mut relations = read_relations(folder)?;
    for one in shown {
        let Answer::Compared(comparisons) = &one.answer else { continue };
        for Comparison { relation, .. } in comparisons {
            relations.0.retain(|old| !is_of_same_files(old, relation));
            relations.0.push(relation.clone());
        }
    }
    held.write_relations(&relations).map_err(|problem| vec![*problem])
}

/// What is written down; nothing where there is no such file.
fn read_relations(folder: &Folder) -> Result<Relations, Vec<Problem>> {
    let text = folder.read_text(RELATIONS)?.unwrap_or_default();
    Relations::parse(&folder.shown(RELATIONS), text.as_bytes())
        .map_err(|errors| errors.iter().map(Problem::from).collect())
}

fn is_of_same_files(one: &Relation, other: &Relation) -> bool {
    one.from.digest == other.from.digest && one.to.digest == other.to.digest
}

/// `--check`: what is written down, and what comes out.
fn check(arguments: &RelateArgs, sources: &Sources, folder: &Folder, teller: &Teller) -> Outcome {
    let written = read_relations(folder)?.0;
    let releases = gather::written(arguments, &written)?;
    let mut shown = Vec::new();
    for (release, relations) in releases {
        teller.progress(Progress::Working { what: &release.to_string() });
        let answer = match gather::fetch(sources, &release, teller) {
            Ok(files) if files.missing > 0 => Answer::Failed(gather::gone(&release, files.missing)),
            Ok(files) => compare(&files, Some(&relations)),
            Err(problem) => Answer::Failed(*problem),
        };
        teller.progress(Progress::Done);
        let answer = match answer {
            Answer::Compared(comparisons) => Answer::checked(&relations, comparisons),
            other => other,
        };
        let one = Shown { release, answer };
        report::tell(&one, arguments, teller);
        shown.push(one);
    }
    report::end(&shown, arguments, teller);
    Ok(report::exit_code(&shown))
}

/// Files on disk: shown, and never written down, since nobody said that they are those of a release.
fn local(arguments: &RelateArgs, files: &[&String], teller: &Teller) -> Outcome {
    if files.len() != arguments.what.len() {
        let message = "files and releases cannot be compared in one run";
        return Err(vec![Problem::new("relate-mixed", Class::Usage, message)]);
    }
    if arguments.check {
        let message = "`--check` is about what is written down, and files on disk are not";
        return Err(vec![Problem::new("relate-mixed", Class::Usage, message)]);
    }
    let (release, files) = gather::local(files)?;
    let one = Shown { release, answer: compare(&files, None) };
    report::tell(&one, arguments, teller);
    let shown = [one];
    report::end(&shown, arguments, teller);
    Ok(report::exit_code(&shown))
}
