//! `relock`: points the URLs of locks at another index.
//!
//! Where a file is at the other index is what the project's page there says, and only if the page
//! gives the digest that the lock has. Everything is looked up and every new lock is made and read
//! back before the first file is replaced; then each is replaced by one rename.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_client::index::{IndexClient, IndexPage};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::settings::Sources;
use countermark_lock::relock::{self, FileUrl, Movable, Moves, RelockError, Rule};
use countermark_packaging::lock::document::{detect, without_credentials};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple;
use countermark_trust::Class;
use futures_util::StreamExt as _;
use url::Url;

use super::Outcome;
use super::input::read_file;
use super::report::replace_file;
use crate::cli::relock::RelockArgs;
use crate::cli::{IndexArgs, OutputArgs};
use crate::output;
use crate::progress::Teller;
use crate::session;

/// How many pages are asked for at the same time.
const AT_ONCE: usize = 16;

/// A lock and what goes where in it.
struct Prepared {
    path: PathBuf,
    movable: Movable,
    moves: Moves,
}

/// What the new index has.
type Pages = BTreeMap<ProjectName, Vec<simple::File>>;

/// Runs the command.
pub(crate) fn run(arguments: &RelockArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let rules = rules(arguments)?;
    let prepared = all(arguments.locks.iter().map(|path| prepare(path, arguments, &rules)))?;
    for note in prepared.iter().flat_map(|lock| &lock.movable.document().notes) {
        teller.note(Note::new("lock", note.clone()));
    }
    for include in prepared.iter().flat_map(|lock| &lock.movable.document().includes) {
        let message = format!("{}: the file that is included is not read", include.place);
        teller.note(Note::new("lock", message));
    }
    for lock in prepared.iter().filter(|lock| lock.movable.has_credentials()) {
        let message = format!(
            "`{}` has URLs with credentials; those that move leave them out, and the way back \
             does not bring them again",
            lock.path.display()
        );
        teller.note(Note::new("credentials-left-out", message));
    }
    let prepared = look_up(arguments, prepared, &teller)?;
    if arguments.check { check(&prepared, &arguments.to) } else { move_all(arguments, &prepared) }
}

fn rules(arguments: &RelockArgs) -> Result<Vec<Rule>, Vec<Problem>> {
    let rule = |text: &String| {
        Rule::parse(text).ok_or_else(|| {
            let message = "`--files` takes OLD=NEW, two URLs without credentials";
            vec![Problem::new("bad-option", Class::Usage, message)]
        })
    };
    all(arguments.files.iter().map(rule))
}

/// Everything, or everything that is wrong.
fn all<T>(results: impl Iterator<Item = Result<T, Vec<Problem>>>) -> Result<Vec<T>, Vec<Problem>> {
    let (mut good, mut problems) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(good) } else { Err(problems) }
}

fn problem(error: &RelockError) -> Problem {
    let problem = Problem::of("relock", Class::Usage, error);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

fn problems(errors: &[RelockError]) -> Vec<Problem> {
    errors.iter().map(problem).collect()
}

fn prepare(path: &Path, arguments: &RelockArgs, rules: &[Rule]) -> Result<Prepared, Vec<Problem>> {
    let shown = path.display().to_string();
    let bytes = read_file(path)
        .map_err(|error| vec![Problem::new("file-unreadable", Class::Usage, error.to_string())])?;
    let movable = Movable::read(detect(&shown, &bytes), &shown, &bytes)
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let from = movable
        .from(arguments.from.as_deref(), &arguments.to)
        .map_err(|error| vec![problem(&error)])?;
    let (to, rules) = (arguments.to.clone(), rules.to_vec());
    let moves = Moves { from, to, rules, files: BTreeMap::new() };
    Ok(Prepared { path: path.to_owned(), movable, moves })
}

/// Finds the new URL of each file.
fn look_up(
    arguments: &RelockArgs,
    mut prepared: Vec<Prepared>,
    teller: &Teller,
) -> Result<Vec<Prepared>, Vec<Problem>> {
    let mut wanted: Vec<ProjectName> = Vec::new();
    for lock in &mut prepared {
        let files = lock.movable.files(&lock.moves).map_err(|errors| problems(&errors))?;
        let mut settled = BTreeMap::new();
        for file in files {
            if arguments.check && is_at(file.url, &arguments.to) {
                settled.insert(file.url.to_owned(), file.url.to_owned());
            } else {
                wanted.push(file.project.clone());
            }
        }
        lock.moves.files = settled;
    }
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(prepared);
    }
    let pages = pages(arguments, &wanted, teller)?;
    let mut problems_found = Vec::new();
    for lock in &mut prepared {
        let files = lock.movable.files(&lock.moves).map_err(|errors| problems(&errors))?;
        let mut found = BTreeMap::new();
        for file in files.into_iter().filter(|file| !lock.moves.files.contains_key(file.url)) {
            match find(&file, &pages, &arguments.to) {
                Ok(url) => drop(found.insert(file.url.to_owned(), url)),
                Err(problem) => problems_found.push(*problem),
            }
        }
        lock.moves.files.extend(found);
    }
    if problems_found.is_empty() { Ok(prepared) } else { Err(problems_found) }
}

/// Whether a file is served by the host of the index, which needs no look.
fn is_at(url: &str, index: &str) -> bool {
    let origin = |url: &str| Url::parse(url).map(|url| url.origin()).ok();
    origin(url).is_some() && origin(url) == origin(index)
}

/// The file on its project's page, with the same digest.
fn find(file: &FileUrl<'_>, pages: &Pages, to: &str) -> Result<String, Box<Problem>> {
    let to = without_credentials(to);
    let found = pages.get(file.project).into_iter().flatten().find(|one| one.filename == file.name);
    let Some(found) = found else {
        let message = format!("{to} does not have `{}`", file.name);
        return Err(Box::new(
            Problem::new("not-at-index", Class::Rejected, message).at(file.place),
        ));
    };
    let pairs: Vec<_> = found
        .digests
        .iter()
        .flat_map(|theirs| file.digests.iter().map(move |ours| (ours, theirs)))
        .filter(|(ours, theirs)| ours.algorithm() == theirs.algorithm())
        .collect();
    if let Some((ours, theirs)) = pairs.iter().find(|(ours, theirs)| ours != theirs) {
        let message = format!("{to} has another file under the name `{}`", file.name);
        let problem = Problem::new("other-file", Class::Rejected, message)
            .with_detail(format!("the lock says  {ours}"))
            .with_detail(format!("the index says {theirs}"))
            .at(file.place);
        return Err(Box::new(problem));
    }
    if !pairs.iter().any(|(ours, _)| ours.algorithm().is_strong()) {
        let message =
            format!("{to} and the lock have no strong digest of `{}` in common", file.name);
        let problem = Problem::new("not-compared", Class::Unavailable, message).at(file.place);
        let hint = "`--files OLD=NEW` moves files without a look at the index";
        return Err(Box::new(problem.with_hint(hint)));
    }
    Ok(found.url.clone())
}

/// The files of the projects at the new index, and at no other.
fn pages(
    arguments: &RelockArgs,
    projects: &[ProjectName],
    teller: &Teller,
) -> Result<Pages, Vec<Problem>> {
    let session = session::open("relock", &index_arguments(arguments), &[], None)?;
    session::tell(&session.settings, teller);
    if session.settings.http.offline {
        let message = format!(
            "where {} are at the index cannot be asked without a network",
            output::count(projects.len(), "project's files", "projects' files")
        );
        let problem = Problem::new("offline", Class::Unavailable, message);
        let hint = "`--files OLD=NEW` says where they are";
        return Err(vec![problem.with_hint(hint)]);
    }
    let address = relock::address(&arguments.to);
    let index = session.settings.sources.indexes.iter();
    let index = index.filter(|index| relock::address(index.url.as_str()) == address).take(1);
    let indexes = index
        .cloned()
        .map(|index| countermark_client::settings::Index { explicit: false, ..index });
    let sources = Sources { indexes: indexes.collect(), ..Sources::default() };
    let client = IndexClient::new(Arc::clone(&session.http), sources);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the network cannot be set up: {error}");
        vec![Problem::new("network", Class::Unavailable, message)]
    })?;
    let client = &client;
    let answers = runtime.block_on(
        futures_util::stream::iter(projects)
            .map(|project| async move { (project, client.project_pages(project).await) })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>(),
    );
    let (mut pages, mut problems) = (Pages::new(), Vec::new());
    for (project, answer) in answers {
        match answer {
            Ok(found) => drop(pages.insert(project.clone(), files(&found))),
            Err(error) => {
                let problem = Problem::of(error.code(), error.class(), &error);
                problems.push(match error.hint() {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                });
            }
        }
    }
    if problems.is_empty() { Ok(pages) } else { Err(problems) }
}

fn files(pages: &[IndexPage]) -> Vec<simple::File> {
    pages.iter().flat_map(|page| page.page.files.iter().cloned()).collect()
}

/// The new index is the only one; how it is reached is set as for other commands.
fn index_arguments(arguments: &RelockArgs) -> IndexArgs {
    IndexArgs {
        index_url: Some(arguments.to.clone()),
        offline: arguments.offline,
        cert: arguments.cert.clone(),
        client_cert: arguments.client_cert.clone(),
        proxy: arguments.proxy.clone(),
        timeout: arguments.timeout,
        retries: arguments.retries,
        keyring_provider: arguments.keyring_provider.clone(),
        isolated: arguments.isolated,
        ..IndexArgs::default()
    }
}

/// `--check`: every URL that stands elsewhere.
fn check(prepared: &[Prepared], to: &str) -> Outcome {
    let mut found = Vec::new();
    for lock in prepared {
        let differences = lock.movable.differences(&lock.moves);
        for (place, wanted) in differences.map_err(|errors| problems(&errors))? {
            let message = format!("this should point to {wanted}");
            found.push(Problem::new("points-elsewhere", Class::Rejected, message).at(place));
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    for lock in prepared {
        let (path, to) = (lock.path.display(), without_credentials(to));
        output::print(&match stores_urls(lock) {
            true => format!("{path}: points to {to}"),
            false => format!("{path}: {NO_URLS}"),
        });
    }
    Ok(0)
}

const NO_URLS: &str = "stores no URL of an index; which one is asked is set elsewhere";

fn stores_urls(lock: &Prepared) -> bool {
    let files = lock.movable.files(&Moves { rules: Vec::new(), ..lock.moves.clone() });
    !lock.movable.indexes().is_empty() || files.is_ok_and(|files| !files.is_empty())
}

fn move_all(arguments: &RelockArgs, prepared: &[Prepared]) -> Outcome {
    // All of them are made before one is written.
    let moved = all(prepared.iter().map(|lock| {
        let bytes = lock.movable.moved(&lock.moves).map_err(|errors| problems(&errors))?;
        let edits = lock.movable.differences(&lock.moves).map_err(|errors| problems(&errors))?;
        Ok((lock, bytes, edits.len()))
    }))?;
    let to = without_credentials(&arguments.to);
    for (lock, bytes, edits) in moved {
        let path = lock.path.display();
        let urls = output::count(edits, "URL", "URLs");
        if edits == 0 && !stores_urls(lock) {
            output::print(&format!("{path}: {NO_URLS}"));
        } else if edits == 0 {
            output::print(&format!("{path}: points to {to} already"));
        } else if arguments.dry_run {
            output::print(&format!("{path}: {urls} would point to {to}"));
        } else {
            replace_file(&lock.path, &bytes)?;
            output::print(&format!("{path}: {urls} now point to {to}"));
        }
    }
    Ok(0)
}
