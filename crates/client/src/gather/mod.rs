//! From what a lock wants to entries of the store: the store first, then the index.
//!
//! With digests given, the acceptable files are the digests; choosing among them is a pure function
//! of the lock, the names that an index once gave those digests, and the interpreter. So a store
//! that has everything needs no network. What is missing is asked for, downloaded, verified and
//! unpacked; whatever goes wrong with any package is collected, and nothing is installed then.

pub mod closure;
mod fetch;
mod first_sight;
mod plan;
pub mod select;
pub(crate) mod stored;
mod unpackers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::WheelFilename;
use countermark_packaging::lock::{LockedFile, Wanted, WantedSource};
use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::tags::CompatibleTags;
use countermark_packaging::version::Version;
use countermark_trust::{Artifact, Class, Pin, Rejection};

use crate::http::Client;
use crate::index::IndexClient;
use crate::parallel::in_parallel;
use crate::receive::{Receiver, interrupted, until_interrupted};
use crate::report::{Note, Problem, Progress, Reporter};
use crate::store::{Entry, Store};

use closure::{Gap, Member};
pub use first_sight::FirstSight;

/// What gathering works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where entries are and go.
    pub store: &'a Store,
    /// Project pages.
    pub index: &'a IndexClient,
    /// Files.
    pub http: &'a Client,
    /// Of the interpreter, best first.
    pub tags: &'a CompatibleTags,
    /// Of the interpreter.
    pub markers: &'a MarkerEnvironment,
    /// Of the interpreter.
    pub python: &'a Version,
    /// Whom to tell.
    pub reporter: &'a dyn Reporter,
    /// Set when the user said stop.
    pub interrupted: &'a AtomicBool,
    /// Relative paths in locks start here.
    pub folder: &'a Path,
    /// Ask the index about every project, even when the store has all files.
    pub refresh: bool,
    /// Dependencies that the file lacks are notes.
    pub no_deps: bool,
}

impl<'a> Context<'a> {
    fn receiver(&self) -> Receiver<'a> {
        let Self { store, http, reporter, interrupted, .. } = *self;
        Receiver { store, http, reporter, interrupted }
    }
}

/// One package, ready to be installed.
#[derive(Debug)]
pub struct Ready {
    /// What the lock says.
    pub wanted: Wanted,
    /// What the artifact was held against.
    pub pin: Pin,
    /// What the store has.
    pub entry: Entry,
    /// Was it in the store before?
    pub cached: bool,
    /// Bytes that were downloaded for it.
    pub downloaded: u64,
}

/// Everything that a lock wants.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In the order of project names.
    pub packages: Vec<Ready>,
    /// Was any request made?
    pub asked: bool,
}

/// Why nothing can be installed.
#[derive(Debug, Default)]
pub struct Failure {
    /// All of them.
    pub problems: Vec<Problem>,
    /// Lines to paste for requirements that have no digest: a first sight, judged by nobody.
    pub first_sight: Vec<FirstSight>,
}

/// One wish that has digests.
pub(crate) struct Job<'a> {
    pub(crate) wanted: &'a Wanted,
    pub(crate) pin: Pin,
}

/// Gathers every package, or says everything that stands in the way. The network is only set up
/// when something is missing.
///
/// # Errors
/// [`Failure`] with at least one problem.
pub fn gather(context: Context<'_>, wanted: &[Wanted]) -> Result<Gathered, Failure> {
    let mut problems = Vec::new();
    let (jobs, unhashed) = sort_out(wanted, &mut problems);
    let mut gathered = Gathered::default();
    let mut missing = Vec::new();
    let found = in_parallel(&jobs, |job| stored::look_up(&context, job));
    for (job, found) in jobs.into_iter().zip(found) {
        match found {
            Ok(Some(_)) if context.refresh => missing.push(job),
            Ok(Some(ready)) => gathered.packages.push(ready),
            Ok(None) => missing.push(job),
            Err(problem) => problems.push(*problem),
        }
    }
    let mut first_sight = Vec::new();
    if !missing.is_empty() || !unhashed.is_empty() {
        gathered.asked = true;
        let kept = std::mem::take(&mut gathered.packages);
        let asked = ask(&context, missing, &unhashed, &kept);
        gathered.packages = kept;
        match asked {
            Ok((fetched, lines)) => {
                first_sight = lines;
                match fetched {
                    Ok(fetched) => gathered.packages.extend(fetched),
                    Err(more) => problems.extend(more),
                }
            }
            Err(problem) => problems.push(*problem),
        }
        if context.interrupted.load(Ordering::Relaxed) {
            let problems = vec![interrupted()];
            return Err(Failure { problems, first_sight: Vec::new() });
        }
        problems.extend(unhashed.iter().map(|wanted| {
            let message = format!("`{}` has no digest", wanted.project);
            Problem::new("missing-digest", Class::Rejected, message).at(&wanted.place)
        }));
        context.reporter.progress(Progress::Done);
    }
    if problems.is_empty() {
        gathered.packages.sort_by(|left, right| left.wanted.project.cmp(&right.wanted.project));
        check_set(&context, &gathered.packages, &mut problems);
    }
    if problems.is_empty() { Ok(gathered) } else { Err(Failure { problems, first_sight }) }
}

type Asked = (Result<Vec<Ready>, Vec<Problem>>, Vec<FirstSight>);

/// Everything that needs the network: this thread talks, others unpack.
fn ask(
    context: &Context<'_>,
    missing: Vec<Job<'_>>,
    unhashed: &[&Wanted],
    kept: &[Ready],
) -> Result<Asked, Box<Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let problem = Problem::new("runtime", Class::Unavailable, "the network cannot be set up");
        Box::new(problem.with_detail(error.to_string()))
    })?;
    let from_index = |wanted: &Wanted| matches!(wanted.source, WantedSource::Index { .. });
    let asks_index = missing.iter().any(|job| from_index(job.wanted))
        || unhashed.iter().any(|wanted| from_index(wanted));
    let queue = unpackers::Queue::new();
    Ok(std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
        let unpackers = unpackers::Unpackers::start(scope, context.store, &queue, threads);
        let asked = async {
            let fetched = fetch::fetch_all(context, &unpackers, missing).await;
            // An index that is asked at all is asked what it thinks of everything that is wanted.
            let fetched = match fetched {
                Ok(ready) if asks_index => plan::check_status(context, kept).await.map(|()| ready),
                Ok(ready) => Ok(ready),
                Err(problems) => Err(problems),
            };
            let (lines, more) = first_sight::look(context, unhashed).await;
            let fetched = match fetched {
                Ok(ready) if more.is_empty() => Ok(ready),
                Ok(_) => Err(more),
                Err(problems) => Err(problems.into_iter().chain(more).collect()),
            };
            (fetched, lines)
        };
        runtime.block_on(async {
            tokio::select! {
                asked = asked => asked,
                () = until_interrupted(context.interrupted) => {
                    (Err(vec![interrupted()]), Vec::new())
                }
            }
        })
    }))
}

fn sort_out<'a>(
    wanted: &'a [Wanted],
    problems: &mut Vec<Problem>,
) -> (Vec<Job<'a>>, Vec<&'a Wanted>) {
    let mut jobs = Vec::new();
    let mut unhashed = Vec::new();
    for one in wanted {
        let digests: BTreeSet<Digest> = if one.files.is_empty() {
            one.digests.iter().cloned().collect()
        } else {
            one.files.iter().flat_map(|file| file.digests.iter().cloned()).collect()
        };
        if digests.is_empty() {
            unhashed.push(one);
            continue;
        }
        match Pin::new(digests) {
            Ok(pin) => jobs.push(Job { wanted: one, pin }),
            Err(error) => {
                let message = format!("`{}`: {error}", one.project);
                problems.push(Problem::new("weak-digest", Class::Usage, message).at(&one.place));
            }
        }
    }
    (jobs, unhashed)
}

/// The checks that need the metadata of all packages.
fn check_set(context: &Context<'_>, packages: &[Ready], problems: &mut Vec<Problem>) {
    let mut members = BTreeMap::new();
    for ready in packages {
        let facts = &ready.entry.facts;
        let Ok(version) = facts.version.parse::<Version>() else { continue };
        let extras: BTreeSet<ExtraName> = ready.wanted.extras.iter().cloned().collect();
        let requires_python = facts.requires_python.as_deref();
        let requires_dist = &facts.requires_dist;
        let member = Member { version, extras, requires_dist, requires_python };
        members.insert(ready.wanted.project.clone(), member);
    }
    for gap in closure::check_closure(&members, context.markers, context.python) {
        let place = |name: &ProjectName| {
            packages.iter().find(|ready| ready.wanted.project == *name).map(|r| &r.wanted.place)
        };
        let (problem, by) = describe_gap(gap, context.python);
        let dependency = problem.code != "requires-python";
        if context.no_deps && dependency {
            context.reporter.note(Note::new(problem.code, problem.message));
        } else {
            problems.push(match place(&by) {
                Some(place) => problem.at(place),
                None => problem,
            });
        }
    }
}

fn describe_gap(gap: Gap, python: &Version) -> (Problem, ProjectName) {
    let problem = |code, message| Problem::new(code, Class::Rejected, message);
    match gap {
        Gap::Missing { by, requirement } => {
            let message = format!("`{by}` needs `{requirement}`, which the file does not list");
            let hint = "add it with its digest, or say `--no-deps` if it is not wanted";
            (problem("missing-dependency", message).with_hint(hint), by)
        }
        Gap::Unsatisfied { by, requirement, found } => {
            let message = format!("`{by}` needs `{requirement}`, and the file lists {found}");
            (problem("unsatisfied-dependency", message), by)
        }
        Gap::Python { by, requires } => {
            let message = format!("`{by}` needs Python {requires}, and this is {python}");
            (problem("requires-python", message), by)
        }
        Gap::Unreadable { by, requirement, reason } => {
            let message = format!("`{by}` has a dependency that cannot be read: `{requirement}`");
            (problem("unreadable-dependency", message).with_detail(reason), by)
        }
    }
}

/// Does the artifact have the name, version and size that the lock asks for, and is it for this
/// interpreter? A digest decides about the bytes; this decides whether the lock means what it says.
pub(crate) fn check_identity(
    context: &Context<'_>,
    wanted: &Wanted,
    entry: &Entry,
) -> Result<(), Box<Problem>> {
    let artifact = entry.tree.artifact();
    let filename = artifact.filename();
    if WheelFilename::parse(filename).is_ok_and(|name| context.tags.rank(&name).is_none()) {
        let message = format!("`{filename}` is not for this interpreter");
        let problem = Problem::new("no-suitable-wheel", Class::Rejected, message);
        return Err(Box::new(problem.at(&wanted.place)));
    }
    if let Some(expected) = pinned_size(wanted, artifact).filter(|size| *size != artifact.size()) {
        let (filename, found) = (artifact.filename().to_owned(), artifact.size());
        let rejection = Rejection::SizeMismatch { filename, expected, found };
        let problem = Problem::of_rejection(&rejection, &entry.facts.source);
        return Err(Box::new(problem.at(&wanted.place)));
    }
    let facts = &entry.facts;
    let found = format!("{} {}", facts.project, facts.version);
    let pinned = match &wanted.source {
        WantedSource::Index { pinned, .. } => pinned.as_ref(),
        WantedSource::Url { .. } | WantedSource::Path { .. } => None,
    };
    let same_name = facts.project == wanted.project.as_str();
    let version = facts.version.parse::<Version>().ok();
    let same_version = pinned.is_none_or(|pinned| version.as_ref() == Some(pinned));
    if same_name && same_version {
        return Ok(());
    }
    let expected = match pinned {
        Some(version) => format!("{} {version}", wanted.project),
        None => wanted.project.to_string(),
    };
    let message = format!("the file pinned for `{}` is of another release", wanted.project);
    Err(Box::new(
        Problem::new("wrong-release", Class::Rejected, message)
            .with_detail(format!("expected {expected}"))
            .with_detail(format!("found    {found} in `{filename}`"))
            .at(&wanted.place),
    ))
}

/// The size that a lock gives for an artifact.
fn pinned_size(wanted: &Wanted, artifact: &Artifact) -> Option<u64> {
    match &wanted.source {
        WantedSource::Url { size, .. } | WantedSource::Path { size, .. } => *size,
        WantedSource::Index { .. } => {
            let is_meant =
                |file: &&LockedFile| artifact.digests().any(|digest| file.digests.contains(digest));
            wanted.files.iter().find(is_meant)?.size
        }
    }
}
