//! Where the facts come from: an index that is asked, or a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use countermark_audit::engine::{Glimpse, Judge, Survey, Tally};
use countermark_audit::fact::snapshot::map_parallel;
use countermark_audit::fact::{IndexFile, ProjectFacts};
use countermark_audit::record::{Publishes, RecordProblem, Records};
use countermark_client::facts::{self as client, FactsError, Options};
use countermark_client::index::IndexError;
use countermark_client::inside::{attach, inspect_project};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::{SignedDuration, Timestamp};

use super::gather::{Prepared, cache_folder};
use crate::cli::audit::AuditInputArgs;
use crate::progress::Teller;
use crate::{session, setup};

/// Snapshots up to this size are held in memory.
const IN_MEMORY: u64 = 64 << 20;

/// What was found.
pub(crate) struct Found {
    pub(crate) facts: Facts,
    /// An index's address or a snapshot's path.
    pub(crate) from: String,
    /// When the index was asked.
    pub(crate) read_at: Option<Timestamp>,
    /// Whether these are all projects of the federation.
    pub(crate) is_whole: bool,
    /// Lines of the snapshot that could not be used.
    pub(crate) problems: Vec<RecordProblem>,
    pub(crate) survey: Survey,
}

/// Facts, or where to read them a second time.
pub(crate) enum Facts {
    InMemory(Vec<ProjectFacts>),
    OnDisk(PathBuf),
}

/// Reads the facts of the projects that are meant, and takes the first look at them.
pub(super) fn collect(
    arguments: &AuditInputArgs,
    prepared: &Prepared,
    teller: &Teller,
) -> Result<Found, Vec<Problem>> {
    let mut found = match &arguments.replay {
        Some(path) => replay(path, arguments, prepared)?,
        None => ask(arguments, prepared, teller)?,
    };
    if let (Some(folder), Facts::InMemory(facts)) = (&arguments.artifacts, &mut found.facts) {
        if !folder.is_dir() {
            let message = format!("`{}` is no folder", folder.display());
            return Err(vec![Problem::new("no-folder", Class::Usage, message)]);
        }
        for project in facts {
            for fault in attach(project, folder).faults {
                teller.note(Note::new("not-looked-into", fault.to_string()));
            }
        }
    }
    Ok(found)
}

fn replay(
    path: &Path,
    arguments: &AuditInputArgs,
    prepared: &Prepared,
) -> Result<Found, Vec<Problem>> {
    let is_large = path.metadata().is_ok_and(|data| data.len() > IN_MEMORY);
    let from = path.display().to_string();
    let is_wanted = |name: &ProjectName| {
        (prepared.only.is_empty() || prepared.only.contains(name))
            && !prepared.federation.excluded.contains(name)
    };
    if is_large && prepared.only.is_empty() && arguments.artifacts.is_none() {
        return first_look(path, from, &prepared.records);
    }
    let replayed = client::replay(path).map_err(|error| vec![facts_problem(&error)])?;
    let facts: Vec<ProjectFacts> =
        replayed.facts.into_iter().filter(|facts| is_wanted(&facts.name)).collect();
    refuse_unknown(&prepared.only, facts.iter().map(|facts| &facts.name), &from)?;
    let survey = survey(&facts, &prepared.records);
    Ok(Found {
        survey,
        facts: Facts::InMemory(facts),
        from,
        read_at: replayed.header.map(|header| header.read),
        is_whole: false,
        problems: replayed.problems,
    })
}

/// A name that was asked for and is not there must not look like one without findings.
fn refuse_unknown<'a>(
    only: &BTreeSet<ProjectName>,
    known: impl Iterator<Item = &'a ProjectName>,
    from: &str,
) -> Result<(), Vec<Problem>> {
    let known: BTreeSet<&ProjectName> = known.collect();
    let problem = |name: &ProjectName| {
        Problem::new("unknown-project", Class::Usage, format!("`{name}` is not in {from}"))
    };
    let unknown: Vec<Problem> =
        only.iter().filter(|name| !known.contains(name)).map(problem).collect();
    if unknown.is_empty() { Ok(()) } else { Err(unknown) }
}

fn survey(facts: &[ProjectFacts], records: &Records) -> Survey {
    let mut survey = Survey::default();
    facts.iter().for_each(|project| survey.add(Glimpse::of(project, records)));
    survey
}

fn first_look(path: &Path, from: String, records: &Records) -> Result<Found, Vec<Problem>> {
    let reader = client::open_snapshot(path).map_err(|error| vec![facts_problem(&error)])?;
    let read_at = reader.header().map(|header| header.read);
    let (mut survey, mut problems) = (Survey::default(), Vec::new());
    map_parallel(
        reader,
        threads(),
        |line| line.map(|facts| Glimpse::of(&facts, records)),
        |seen| match seen {
            Ok(glimpse) => survey.add(glimpse),
            Err(problem) => problems.push(problem.in_file(&from)),
        },
    );
    let facts = Facts::OnDisk(path.to_owned());
    Ok(Found { facts, from, read_at, is_whole: false, problems, survey })
}

/// The second look at a large snapshot. Lines that cannot be used were told at the first.
pub(super) fn judge_stream(
    path: &Path,
    judge: &Judge<'_>,
    previous: &BTreeMap<ProjectName, ProjectFacts>,
) -> Result<Tally, Vec<Problem>> {
    let mut tally = Tally::default();
    // It was there at the first look; that it is gone is no good answer.
    let reader = client::open_snapshot(path).map_err(|error| vec![facts_problem(&error)])?;
    map_parallel(
        reader,
        threads(),
        |line| {
            let facts = line.ok()?;
            let is_excluded = judge.context.federation.excluded.contains(&facts.name);
            (!is_excluded).then(|| judge.judge(&facts, previous.get(&facts.name)))
        },
        |judged| judged.into_iter().for_each(|one| tally.add(one)),
    );
    Ok(tally)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

fn ask(
    arguments: &AuditInputArgs,
    prepared: &Prepared,
    teller: &Teller,
) -> Result<Found, Vec<Problem>> {
    session::refuse_weakening(&arguments.index)?;
    let session = session::open("audit", &arguments.index, &[], None)?;
    session::tell(&session.settings, teller);
    let Some(index) = client::audited_index(&session.settings.sources) else {
        let problem = Problem::new("no-index", Class::Usage, "there is no index to ask");
        return Err(vec![problem.with_hint("leave --no-index out, or give --replay FILE")]);
    };
    let names = names(arguments, prepared, teller);
    // What is read is read now, whatever day it is judged for.
    let now = Timestamp::now();
    let options = Options {
        cache: cache_folder(arguments).map(|folder| folder.join("facts")),
        record: arguments.record.clone(),
        rate: arguments.rate,
        interrupted: setup::interrupted(),
        ..Options::new(now)
    };
    let mut gathered = client::gather(&names, &options, index, &session.http, teller)
        .map_err(|error| vec![facts_problem(&error)])?;
    let problems = match arguments.inspect {
        Some(days) => inspect(&mut gathered.facts, days, now, &session, teller)?,
        None => Vec::new(),
    };
    let survey = survey(&gathered.facts, &prepared.records);
    Ok(Found {
        survey,
        facts: Facts::InMemory(gathered.facts),
        from: gathered.index,
        read_at: Some(now),
        is_whole: prepared.only.is_empty(),
        problems,
    })
}

/// Downloads the files of the last days, and looks into them. What could not be looked into is a
/// problem: that nothing was found in it says nothing.
fn inspect(
    facts: &mut [ProjectFacts],
    days: u16,
    now: Timestamp,
    session: &session::Session,
    teller: &Teller,
) -> Result<Vec<RecordProblem>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut tell = |file: String, message: String| {
        problems.push(RecordProblem { file, position: None, message });
    };
    let since = SignedDuration::from_hours(24 * i64::from(days));
    let is_new = |file: &IndexFile| {
        file.uploaded.is_some_and(|uploaded| now.duration_since(uploaded) <= since)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the network cannot be set up: {error}");
        vec![Problem::new("network", Class::Unavailable, message)]
    })?;
    for project in facts {
        let mut files = project.releases.iter().flat_map(|release| &release.files);
        if !files.any(is_new) {
            continue;
        }
        let name = project.name.clone();
        teller.line(&format!("looking into the new files of {name}"));
        let inspected = runtime.block_on(async {
            let pages = session.index.project_pages(&name).await?;
            let mut inspected = Vec::new();
            for page in &pages {
                inspected.extend(inspect_project(&session.http, &page.page, project, is_new).await);
            }
            Ok::<_, IndexError>(inspected)
        });
        let inspected = match inspected {
            Ok(inspected) => inspected,
            Err(error) => {
                tell(name.to_string(), format!("not looked into: {error}"));
                continue;
            }
        };
        for fault in inspected.into_iter().filter_map(|one| one.fault) {
            tell(name.to_string(), format!("not looked into: {fault}"));
        }
    }
    Ok(problems)
}

/// Which projects are asked about: those that were named, or all of the records that publish, and
/// those that `federation.toml` adds.
fn names(arguments: &AuditInputArgs, prepared: &Prepared, teller: &Teller) -> Vec<ProjectName> {
    if !prepared.only.is_empty() {
        return prepared.only.iter().cloned().collect();
    }
    let (federation, records) = (&prepared.federation, &prepared.records);
    let publishes = |name: &&ProjectName| {
        arguments.all_names
            || records.projects.get(*name).is_none_or(|one| one.publishes != Publishes::No)
    };
    let all: BTreeSet<&ProjectName> = records.projects.keys().chain(&federation.names).collect();
    let names: Vec<ProjectName> = all
        .iter()
        .copied()
        .filter(|name| !federation.excluded.contains(*name))
        .filter(publishes)
        .cloned()
        .collect();
    let left_out = all.len() - names.len();
    if left_out > 0 {
        teller.line(&format!(
            "{left_out} names whose repositories do not publish are not asked about; --all-names asks for them too"
        ));
    }
    names
}

/// The facts of the run before.
pub(super) fn read_previous(
    path: &Path,
    teller: &Teller,
) -> Result<BTreeMap<ProjectName, ProjectFacts>, Vec<Problem>> {
    let replayed = client::replay(path).map_err(|error| vec![facts_problem(&error)])?;
    // Such a project is judged, and not compared.
    for problem in &replayed.problems {
        let line = problem.position.map_or_else(String::new, |(line, _)| format!(":{line}"));
        let message = format!("{}{line}: {}", problem.file, problem.message);
        teller.note(Note::new("unusable-line", message));
    }
    Ok(replayed.facts.into_iter().map(|facts| (facts.name.clone(), facts)).collect())
}

fn facts_problem(error: &FactsError) -> Problem {
    let problem = Problem::of(error.code(), error.class(), error);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}
