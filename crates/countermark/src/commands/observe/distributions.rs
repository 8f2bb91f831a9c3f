//! `observe distributions`: what checkouts of distributions' trees state, recorded and appended to a log.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_lock::observe::published::{self, Kind, Published};
use countermark_packaging::name::ProjectName;
use countermark_service::observe::append::HandedIn;
use countermark_service::observe::db::{Observatory, Search};
use countermark_trust::Class;
use countermark_trust::log::record::{Fields, Observation, Observer, ObserverKind};
use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::feed::{Sink, database_problem, describe, open_database, plus, runtime};
use crate::cli::observe_feed::ObserveDistributionsArgs;
use crate::cli::{IndexArgs, OutputArgs};
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::{session, setup};

/// The deepest folder that is looked into.
const MAXIMUM_DEPTH: usize = 16;
/// The most entries of one tree.
const MAXIMUM_ENTRIES: usize = 2_000_000;
/// The most mistakes that are shown of one tree.
const MAXIMUM_SHOWN: usize = 10;
/// Observations that are written in one transaction.
const WRITTEN: usize = 1_000;

/// Runs the command.
pub(super) fn run(arguments: &ObserveDistributionsArgs, output: &OutputArgs) -> Outcome {
    let mut places: BTreeMap<Kind, Vec<PathBuf>> = BTreeMap::new();
    for text in &arguments.places {
        let (kind, path) = place(text)?;
        places.entry(kind).or_default().push(path);
    }
    if arguments.feed.log_url.is_some() && places.len() > 1 {
        let message =
            "a server knows each observer by a key of its own, and several kinds are named";
        let problem = Problem::new("several-observers", Class::Usage, message);
        return Err(vec![problem.with_hint("run it once for each kind, each with its --key")]);
    }
    let session = session::open("observe", &IndexArgs::default(), &[], None)?;
    let runtime = runtime()?;
    let db = open_database(&runtime, &arguments.feed.database, None)?;
    let sink = Sink::open(&arguments.feed, &runtime, &session.http)?;
    let stopped = setup::interrupted();
    let teller = Teller::new(output);
    let mut handed = HandedIn::default();
    let mut is_appended = false;
    for (kind, paths) in places {
        // The names are ours and have the form of one.
        let observer = Observer::new(ObserverKind::Distribution, kind.name());
        let observer = observer
            .map_err(|error| vec![Problem::new("bad-observer", Class::Usage, error.to_string())])?;
        let mut tally = Tally::default();
        for path in &paths {
            let working = format!("reading {}", path.display());
            teller.progress(Progress::Working { what: &working });
            let feed = Feed { kind, observer: &observer, all: arguments.all, db: &*db };
            feed.read(path, &runtime, &mut tally)?;
        }
        teller.progress(Progress::Done);
        tally.tell(kind, &teller);
        if let Some(more) = sink.hand_in(&runtime, &session.http, &*db, &observer, &stopped)? {
            is_appended = true;
            handed = plus(handed, more);
        }
    }
    if is_appended {
        teller.line(&describe(handed));
    }
    Ok(0)
}

fn place(text: &str) -> Result<(Kind, PathBuf), Vec<Problem>> {
    let split = text.split_once('=').filter(|(_, path)| !path.is_empty());
    let found = split.and_then(|(kind, path)| Some((Kind::parse(kind)?, PathBuf::from(path))));
    found.ok_or_else(|| {
        let message = format!("`{}` is not a kind and a path", output::visible(text));
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        let hint = format!("write KIND=PATH; the kinds are {}", kinds.join(", "));
        vec![Problem::new("bad-place", Class::Usage, message).with_hint(hint)]
    })
}

/// What was read of one kind.
#[derive(Debug, Default)]
struct Tally {
    documents: usize,
    files: usize,
    new: usize,
    elsewhere: usize,
    passed_over: usize,
    broken: usize,
    mistakes: Vec<String>,
}

impl Tally {
    fn tell(&self, kind: Kind, teller: &Teller) {
        for text in &self.mistakes {
            teller.note(Note::new("bad-document", text.clone()));
        }
        let count = output::count;
        let mut line = format!(
            "{}: {}, {} recorded, {} new",
            kind.name(),
            count(self.documents, "document", "documents"),
            count(self.files, "file", "files"),
            output::grouped(self.new as u64)
        );
        for (number, what) in [
            (self.elsewhere, "from elsewhere left out"),
            (self.passed_over, "not stated so that it can be compared"),
        ] {
            if number > 0 {
                line.push_str(&format!("; {} {what}", output::grouped(number as u64)));
            }
        }
        if self.broken > 0 {
            let broken = count(self.broken, "mistake", "mistakes");
            line.push_str(&format!("; {broken}, whose documents count for nothing"));
        }
        teller.line(&line);
    }
}

/// Reads one kind for one observer.
struct Feed<'a> {
    kind: Kind,
    observer: &'a Observer,
    all: bool,
    db: &'a dyn Observatory,
}

impl Feed<'_> {
    fn read(&self, path: &Path, runtime: &Runtime, tally: &mut Tally) -> Result<(), Vec<Problem>> {
        let documents = match fs::metadata(path) {
            Ok(found) if found.is_dir() => documents(self.kind, path)?,
            Ok(_) => vec![path.to_owned()],
            Err(error) => return Err(unreadable(path, &error)),
        };
        let now = Timestamp::now();
        let mut open = Vec::new();
        for document in documents {
            let reading = self.read_document(&document)?;
            tally.documents += 1;
            tally.passed_over += reading.passed_over.len();
            tally.broken += reading.mistakes.len();
            let room = MAXIMUM_SHOWN.saturating_sub(tally.mistakes.len());
            let shown = reading.mistakes.iter().take(room);
            tally.mistakes.extend(shown.map(|it| format!("{}: {}", it.place, it.message)));
            for published in reading.published {
                match self.observation(&published, runtime, now)? {
                    Some(observation) => open.push(observation),
                    None => tally.elsewhere += 1,
                }
                if open.len() >= WRITTEN {
                    self.write(&mut open, runtime, tally)?;
                }
            }
        }
        self.write(&mut open, runtime, tally)
    }

    fn write(
        &self,
        open: &mut Vec<Observation>,
        runtime: &Runtime,
        tally: &mut Tally,
    ) -> Result<(), Vec<Problem>> {
        let new = runtime.block_on(self.db.add_seen(open));
        tally.new += new.map_err(|error| database_problem(&error))?;
        tally.files += open.len();
        open.clear();
        Ok(())
    }

    fn read_document(&self, path: &Path) -> Result<published::Reading, Vec<Problem>> {
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        let limit = self.kind.maximum_size(name.as_deref().unwrap_or_default());
        let bytes = read_bytes(path, limit)?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let mut beside = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && self.kind.is_beside(&entry.file_name().to_string_lossy()) {
                let bytes = read_bytes(&entry.path(), published::MAXIMUM_SIZE)?;
                beside.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let beside: Vec<&str> = beside.iter().map(String::as_str).collect();
        Ok(published::read(self.kind, &path.display().to_string(), &bytes, &beside))
    }

    /// What is recorded of a file: one of an index by its name; any other only if its digest is one that
    /// somebody saw, so that it says which file it is, or if everything is wanted.
    fn observation(
        &self,
        published: &Published,
        runtime: &Runtime,
        now: Timestamp,
    ) -> Result<Option<Observation>, Vec<Problem>> {
        let project = match published.distribution() {
            Some(name) => Some(name.name().clone()),
            None => match self.known(published, runtime)? {
                Some(project) => Some(project),
                None if self.all => published.project(),
                None => None,
            },
        };
        let Some(project) = project else { return Ok(None) };
        let fields = Fields {
            project,
            file: published.file.clone(),
            digest: published.digest.clone(),
            size: published.size,
            uploaded: None,
            observer: self.observer.clone(),
            first_seen: now,
        };
        // A name that no record may have is left out like one from elsewhere.
        Ok(Observation::new(fields).ok())
    }

    fn known(
        &self,
        published: &Published,
        runtime: &Runtime,
    ) -> Result<Option<ProjectName>, Vec<Problem>> {
        let search = Search::Digest(published.digest.clone());
        let look = async {
            let seen = self.db.sightings(&search, 1).await?;
            if let Some(seen) = seen.first() {
                return Ok(Some(seen.observation.project().clone()));
            }
            let pinned = self.db.pins(&search, 1).await?;
            Ok(pinned.into_iter().next().map(|it| it.pin.project))
        };
        runtime.block_on(look).map_err(|error| database_problem(&error))
    }
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Vec<Problem> {
    let message = format!("cannot read `{}`: {reason}", path.display());
    vec![Problem::new("file-unreadable", Class::Usage, message)]
}

/// One byte more than the limit, so that the reader says what is wrong.
fn read_bytes(path: &Path, limit: usize) -> Result<Vec<u8>, Vec<Problem>> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

/// The documents of a tree, in order. Links are not followed, and hidden folders are not looked into.
fn documents(kind: Kind, root: &Path) -> Result<Vec<PathBuf>, Vec<Problem>> {
    let mut found = Vec::new();
    let mut entries = 0_usize;
    let mut open = vec![(root.to_owned(), 0_usize)];
    while let Some((folder, depth)) = open.pop() {
        let listed = fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in listed {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            entries += 1;
            if entries > MAXIMUM_ENTRIES {
                let reason = format!("it has more than {MAXIMUM_ENTRIES} entries");
                return Err(unreadable(root, &reason));
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(what) = entry.file_type() else { continue };
            if what.is_dir() && !name.starts_with('.') && depth < MAXIMUM_DEPTH {
                open.push((entry.path(), depth + 1));
            } else if what.is_file() && kind.is_document(&name) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
