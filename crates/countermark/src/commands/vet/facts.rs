//! `vet facts`: asks the index about everything that is locked, and writes down what it says.
//!
//! What `update` and `lock` do for pins that move, for the whole lock: who holds roles, and for projects
//! of which a publisher is trusted when a file was uploaded, by whom, and what it adds to the file before.
//! Which file that is, was recorded; else the lock tells that is named as the one before; else it is one
//! of the newest earlier release that the ledger knows.
//!
//! What the index said of a file once is not replaced by something else: that is told, and is a no.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::catalogue::{CatalogueOptions, IndexCatalogue};
use countermark_client::ledger::Folder;
use countermark_client::ledger::facts::{
    self, Gatherer, PinnedFiles, Question, codes, known_before, merged,
};
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_client::sight::Context;
use countermark_ledger::fact::{Facts, FileFact, Roles};
use countermark_ledger::file::FileId;
use countermark_lock::catalogue::Catalogue as _;
use countermark_packaging::lock::document::{LockDocument, LockSource};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use jiff::Timestamp;
use jiff::civil::Date;

use super::names::Online;
use super::{place, proposed};
use crate::cli::vet::FactsArgs;
use crate::cli::{OutputArgs, StoreArgs};
use crate::commands::ledger::files_of;
use crate::commands::{Outcome, gate::locks, tree};
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Runs the command.
pub(super) fn run(arguments: &FactsArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let store = arguments.store();
    let Locks { locks, base, start } = locks(arguments, &store, &teller)?;
    let read = place::read(&arguments.ledger, &start, &store)?;
    let today = place::today(&arguments.ledger);
    let online = Online::open(&arguments.index, &store, &teller)?;
    if online.is_offline() {
        let message = "`vet facts` asks the index, and the run is offline";
        return Err(vec![Problem::new("offline", Class::Usage, message)]);
    }
    let asking = Asking { online: &online, loaded: &read.opened.loaded, today, base };
    let pinned = pinned(&locks);
    let mut found = Found { notes: Vec::new(), roles: Vec::new(), files: Vec::new() };
    asking.roles(arguments, &pinned, &mut found)?;
    asking.files(&pinned, &mut found);
    online.go_on()?;
    teller.progress(Progress::Done);
    let recorded = &read.opened.loaded.facts;
    let (files, contradictions) = hold(recorded, std::mem::take(&mut found.files));
    found.notes.extend(contradictions);
    let is_unknown = found.notes.iter().any(|note| note.code == codes::UNKNOWN);
    let is_contradicted = found.notes.iter().any(|note| note.code == codes::CONTRADICTED);
    for note in &found.notes {
        teller.note(note.clone());
    }
    let new = merged(recorded, files, found.roles);
    let differences = differences(recorded, &new);
    for line in &differences {
        output::print(line);
    }
    if arguments.check {
        let what = if differences.is_empty() { "nothing differs from" } else { "differs from" };
        teller.line(&format!("{what} what is recorded in {}", read.folder.shown("facts.toml")));
    } else {
        write(&read.folder, recorded, &new, &online.interrupted)?;
        teller.line(&format!(
            "{} is written: roles of {}, {}",
            read.folder.shown("facts.toml"),
            output::count(new.roles.len(), "project", "projects"),
            output::count(new.files.len(), "file", "files"),
        ));
    }
    let says_no = is_contradicted || arguments.check && !differences.is_empty();
    Ok(match (says_no, is_unknown) {
        (true, _) => Class::Rejected.exit_code(),
        (false, true) => Class::Unavailable.exit_code(),
        (false, false) => 0,
    })
}

/// The locks that are meant.
struct Locks {
    locks: Vec<LockDocument>,
    /// As it was before.
    base: Option<LockDocument>,
    /// The folder below which the ledger is looked for.
    start: PathBuf,
}

fn locks(arguments: &FactsArgs, store: &StoreArgs, teller: &Teller) -> Result<Locks, Vec<Problem>> {
    let base = arguments.base.as_deref().map(locks::read).transpose()?;
    if arguments.proposed.proposed {
        let named: Vec<&PathBuf> = arguments.locks.iter().collect();
        let looked = proposed::find(&named, store, teller)?;
        // The lock that is there is the one before.
        let lock = looked.proposal.lock.as_path();
        let there = if lock.exists() { Some(locks::read(lock)?) } else { None };
        let start = looked.folder().to_owned();
        return Ok(Locks { locks: vec![looked.document], base: base.or(there), start });
    }
    let given = match arguments.locks.as_slice() {
        [] => vec![tree::only_lock("vet facts")?],
        some => some.to_vec(),
    };
    let folder = given.first().and_then(|lock| lock.parent()).filter(|it| *it != Path::new(""));
    let start = setup::absolute(folder.unwrap_or(Path::new(".")))?;
    Ok(Locks { locks: read_all(&given)?, base, start })
}

fn read_all(given: &[PathBuf]) -> Result<Vec<LockDocument>, Vec<Problem>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in given {
        match locks::read(path) {
            Ok(lock) => found.push(lock),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// The releases of all locks that come from indexes, with their files.
fn pinned(locks: &[LockDocument]) -> Vec<PinnedFiles> {
    let mut releases: BTreeMap<(ProjectName, Version), Vec<FileId>> = BTreeMap::new();
    for package in locks.iter().flat_map(|lock| &lock.packages) {
        let (LockSource::Index(_), Some(version)) = (&package.source, &package.version) else {
            continue;
        };
        let files = releases.entry((package.project.clone(), version.clone())).or_default();
        for file in &package.files {
            let digest =
                file.digests.iter().find_map(countermark_packaging::digest::Digest::as_sha256);
            if let Some(digest) = digest.filter(|it| files.iter().all(|known| known.digest != *it))
            {
                files.push(FileId { name: file.name.clone().unwrap_or_default(), digest });
            }
        }
    }
    releases
        .into_iter()
        .map(|((project, version), files)| PinnedFiles { project, version, files })
        .collect()
}

/// What is asked, of whom.
struct Asking<'a> {
    online: &'a Online<'a>,
    loaded: &'a countermark_client::ledger::Loaded,
    today: Date,
    base: Option<LockDocument>,
}

/// What came out.
struct Found {
    notes: Vec<Note>,
    roles: Vec<Roles>,
    files: Vec<FileFact>,
}

impl Asking<'_> {
    fn roles(
        &self,
        arguments: &FactsArgs,
        pinned: &[PinnedFiles],
        found: &mut Found,
    ) -> Result<(), Vec<Problem>> {
        let folders = setup::folders(&arguments.store())?;
        let options = CatalogueOptions {
            refresh: arguments.index.refresh,
            interrupted: Arc::clone(&self.online.interrupted),
            ..CatalogueOptions::new(Timestamp::now())
        };
        let session = &self.online.session;
        let state = (!self.online.store.distrusts_state()).then_some(folders.state.as_path());
        let (http, index) = (Arc::clone(&session.http), Arc::clone(&session.index));
        let catalogue = IndexCatalogue::new(http, index, state, options);
        let mut projects: Vec<ProjectName> = pinned.iter().map(|it| it.project.clone()).collect();
        projects.dedup();
        catalogue.expect(&projects);
        catalogue.expect_roles(&projects);
        let mut silent = 0;
        for project in &projects {
            match catalogue.roles(project) {
                Ok(Some(said)) => found.roles.push(facts::roles(project, &said, self.today)),
                Ok(None) => silent += 1,
                Err(error) => {
                    let message = format!("the roles of {project} are not known: {error}");
                    found.notes.push(Note::new(codes::UNKNOWN, message));
                }
            }
        }
        if silent > 0 {
            let message = format!(
                "the index does not say who holds roles on {}",
                output::count(silent, "project", "projects")
            );
            found.notes.push(Note::new("facts-silent", message));
        }
        Ok(())
    }

    fn files(&self, pinned: &[PinnedFiles], found: &mut Found) {
        let trusted = &self.loaded.ledger.trusted;
        let is_trusted = |project: &ProjectName| {
            trusted.iter().any(|it| it.projects.iter().any(|pattern| pattern.matches(project)))
        };
        let after: Vec<&PinnedFiles> =
            pinned.iter().filter(|it| is_trusted(&it.project) && !it.files.is_empty()).collect();
        let before: Vec<Option<PinnedFiles>> = after.iter().map(|it| self.before(it)).collect();
        let pairs = after.iter().zip(&before);
        let questions: Vec<Question<'_>> =
            pairs.map(|(after, before)| Question { after, before: before.as_ref() }).collect();
        let sight = Context {
            store: &self.online.store,
            http: &self.online.session.http,
            reporter: self.online.teller,
            interrupted: &self.online.interrupted,
            offline: false,
        };
        let recorded = &self.loaded.facts;
        let gatherer = Gatherer { index: &self.online.session.index, sight, recorded };
        let gathered = gatherer.files(&questions);
        found.notes.extend(gathered.notes);
        found.files = gathered.files;
    }

    /// The files with which those of a release are compared.
    fn before(&self, after: &PinnedFiles) -> Option<PinnedFiles> {
        let is_of = |fact: &&FileFact| after.files.iter().any(|it| it.digest == fact.file.digest);
        let recorded: Vec<&FileFact> = self.loaded.facts.files.iter().filter(is_of).collect();
        let files: Vec<FileId> = recorded.iter().filter_map(|it| it.before.clone()).collect();
        if !files.is_empty() {
            let (project, version) = (after.project.clone(), after.version.clone());
            return Some(PinnedFiles { project, version, files });
        }
        if !recorded.is_empty() {
            // There was none when it was recorded.
            return None;
        }
        let is_other = |before: &PinnedFiles| before.version != after.version;
        self.base
            .as_ref()
            .and_then(|lock| files_of(lock, &after.project))
            .filter(is_other)
            .or_else(|| known_before(self.loaded, &after.project, &after.version))
    }
}

/// Leaves out what the index says otherwise than it was recorded.
fn hold(recorded: &Facts, files: Vec<FileFact>) -> (Vec<FileFact>, Vec<Note>) {
    let mut notes = Vec::new();
    let mut kept = Vec::new();
    for file in files {
        let known = recorded.files.iter().find(|known| known.file.digest == file.file.digest);
        let Some(known) = known else {
            kept.push(file);
            continue;
        };
        let mut differs = |what: &str, expected: String, now: String| {
            let name = &file.file.name;
            let message = format!(
                "the index says another {what} of `{name}` than before: expected {expected}, as it is \
                 recorded, found {now}"
            );
            notes.push(Note::new(codes::CONTRADICTED, message));
        };
        let publisher = |it: &Option<String>| it.clone().unwrap_or_else(|| "nobody".to_owned());
        let day = |it: Option<Date>| it.map_or_else(|| "no day".to_owned(), |day| day.to_string());
        if known.publisher != file.publisher {
            differs("publisher", publisher(&known.publisher), publisher(&file.publisher));
        } else if known.uploaded != file.uploaded {
            differs("day of upload", day(known.uploaded), day(file.uploaded));
        } else {
            kept.push(file);
        }
    }
    (kept, notes)
}

/// A line for each thing that is new or was otherwise.
fn differences(recorded: &Facts, new: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for roles in &new.roles {
        let now = roles.accounts.join(", ");
        match recorded.roles.iter().find(|known| known.project == roles.project) {
            None => lines.push(format!("roles of {}: {now}", roles.project)),
            Some(known) if known.accounts != roles.accounts => {
                let before = known.accounts.join(", ");
                lines.push(format!("roles of {}: {now}; recorded: {before}", roles.project));
            }
            Some(_) => {}
        }
    }
    for file in &new.files {
        match recorded.files.iter().find(|known| known.file.digest == file.file.digest) {
            Some(known) if known == file => {}
            known => {
                let who = file.publisher.as_deref().unwrap_or("no provenance");
                let adds = match file.adds.as_slice() {
                    [] => "adds nothing that starts by itself".to_owned(),
                    adds => format!("adds {}", adds.join(", ")),
                };
                let is_new = if known.is_none() { "" } else { "; recorded otherwise" };
                lines.push(format!("{}: {who}, {adds}{is_new}", file.file.name));
            }
        }
    }
    lines
}

fn write(
    folder: &Folder,
    recorded: &Facts,
    new: &Facts,
    interrupted: &AtomicBool,
) -> Result<(), Vec<Problem>> {
    if new == recorded {
        return Ok(());
    }
    let held = folder.hold(interrupted, || {}).map_err(|problem| vec![*problem])?;
    if folder.read()?.facts != *recorded {
        let message = format!("{} was changed by somebody else", folder.shown("facts.toml"));
        let problem = Problem::new("changed-meanwhile", Class::Unavailable, message);
        return Err(vec![problem.with_hint("nothing was written; run the command again")]);
    }
    held.write_facts(new).map_err(|problem| vec![*problem])
}
