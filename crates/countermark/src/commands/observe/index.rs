//! `observe index`: which files an index lists, recorded and appended to a log.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use countermark_audit::federation;
use countermark_client::facts::{Options, audited_index};
use countermark_client::report::{Problem, Progress, Reporter as _};
use countermark_packaging::name::ProjectName;
use countermark_service::observe::append::HandedIn;
use countermark_service::observe::index::{IndexError, IndexObserver, Steady, Step};
use countermark_trust::Class;
use countermark_trust::log::record::{Observer, ObserverKind};
use jiff::{SignedDuration, Timestamp};

use super::feed::{Sink, database_problem, describe, open_database, plus, runtime};
use crate::cli::observe_feed::ObserveIndexArgs;
use crate::cli::{OutputArgs, StoreArgs};
use crate::commands::Outcome;
use crate::commands::audit::gather::read_text;
use crate::output;
use crate::progress::Teller;
use crate::{session, setup};

/// The longest time for one project.
const LONGEST: Duration = Duration::from_secs(120);

/// Runs the command.
pub(super) fn run(arguments: &ObserveIndexArgs, output: &OutputArgs) -> Outcome {
    let observer = observer(&arguments.observer)?;
    let names = names(arguments)?;
    let session = session::open("observe", &arguments.index, &[], None)?;
    let Some(index) = audited_index(&session.settings.sources) else {
        let problem = Problem::new("no-index", Class::Usage, "there is no index to ask");
        return Err(vec![problem.with_hint("leave --no-index out")]);
    };
    let runtime = runtime()?;
    let db = open_database(&runtime, &arguments.feed.database, None)?;
    let sink = Sink::open(&arguments.feed, &runtime, &session.http)?;
    let stopped = setup::interrupted();
    let teller = Teller::new(output);
    let store = StoreArgs { cache_dir: arguments.cache_dir.clone(), ..StoreArgs::default() };
    let options = Options {
        at_once: arguments.concurrency.clamp(1, 32),
        rate: Some(f64::from(arguments.rate.max(1))),
        cache: setup::folders(&store).ok().map(|folders| folders.cache.join("observe")),
        // A run that was broken off is gone on with by the queue of the database.
        resume: Duration::ZERO,
        longest: LONGEST,
        interrupted: std::sync::Arc::clone(&stopped),
        ..Options::new(Timestamp::now())
    };
    let holder = holder();
    let looking = IndexObserver {
        db: &*db,
        observer: &observer,
        holder: &holder,
        index,
        http: &session.http,
        options: &options,
        interval: SignedDuration::from_secs(i64::from(arguments.interval.max(1))),
    };
    let plan = async {
        let now = Timestamp::now();
        looking.plan(&names, now).await?;
        if arguments.now {
            for name in &names {
                db.hurry_work(&looking.kind(), name.as_str(), now).await?;
            }
        }
        db.backlog(&looking.kind(), now).await
    };
    let backlog = runtime.block_on(plan).map_err(|error| database_problem(&error))?;
    let due = usize::try_from(backlog.due).unwrap_or(usize::MAX);
    if due > 0 {
        teller.progress(Progress::Reading { projects: due });
    }
    let (mut total, mut handed) = (Step::default(), HandedIn::default());
    let begun = Timestamp::now();
    let ended = loop {
        // What is due again while we look is for the next run.
        let step = runtime.block_on(looking.step(begun, &Steady(&teller)));
        match step {
            Ok(Some(step)) => total.add(&step),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        let more = sink.hand_in(&runtime, &session.http, &*db, &observer, &stopped)?;
        handed = plus(handed, more.unwrap_or_default());
    };
    teller.progress(Progress::Done);
    // Also what an earlier run could not hand in.
    let more = sink.hand_in(&runtime, &session.http, &*db, &observer, &stopped)?;
    handed = plus(handed, more.unwrap_or_default());
    teller.line(&said(&total));
    if more.is_some() {
        teller.line(&describe(handed));
    }
    ended.map_err(|error| index_problem(&error))?;
    Ok(match (handed.alarms + total.alarms, total.unread) {
        (0, 0) => 0,
        (0, _) => 3,
        _ => 1,
    })
}

fn said(step: &Step) -> String {
    let count = output::count;
    let mut text = format!(
        "looked at {}: {} listed, {} new",
        count(step.projects, "project", "projects"),
        count(step.files, "file", "files"),
        output::grouped(step.new as u64)
    );
    if step.projects == 0 {
        text.push_str("; nothing is due: `--now` looks all the same");
    }
    if step.absent > 0 {
        let what = count(step.absent, "project is", "projects are");
        text.push_str(&format!("; {what} not on the index"));
    }
    if step.alarms > 0 {
        let what = count(step.alarms, "file has", "files have");
        text.push_str(&format!("; {what} a second digest: an alarm"));
    }
    if step.unusable > 0 {
        text.push_str(&format!("; {} without a sha256 digest", step.unusable));
    }
    if step.unread > 0 {
        let what = count(step.unread, "project", "projects");
        text.push_str(&format!("; {what} could not be read and will be asked for again"));
    }
    text
}

fn index_problem(error: &IndexError) -> Vec<Problem> {
    let problem = Problem::new(error.code(), error.class(), error.to_string());
    vec![problem.with_hint("run it again: what was seen is kept, and the rest is gone on with")]
}

fn observer(text: &str) -> Result<Observer, Vec<Problem>> {
    let wrong = |message: String| {
        let problem = Problem::new("bad-observer", Class::Usage, message);
        vec![problem.with_hint("write `index:` and a name of yours: index:example.org/crawler")]
    };
    let observer = Observer::parse(text).map_err(|error| wrong(error.to_string()))?;
    match observer.kind() {
        ObserverKind::Index => Ok(observer),
        ObserverKind::Distribution => {
            Err(wrong(format!("`{text}` is not an observer of an index")))
        }
    }
}

/// The projects that are wanted, each once.
fn names(arguments: &ObserveIndexArgs) -> Result<Vec<ProjectName>, Vec<Problem>> {
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    let mut add = |text: &str, place: &str| match ProjectName::parse(text) {
        Ok(name) => drop(names.insert(name)),
        Err(error) => {
            let message = format!("{place}{}: {error}", output::visible(text));
            problems.push(Problem::new("bad-name", Class::Usage, message));
        }
    };
    arguments.names.iter().for_each(|text| add(text, ""));
    if let Some(path) = &arguments.projects {
        for (number, line) in read_text(path)?.lines().enumerate() {
            let text = line.split('#').next().unwrap_or_default().trim();
            if !text.is_empty() {
                add(text, &format!("{}:{}: ", path.display(), number + 1));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if let Some(path) = &arguments.federation {
        names.extend(federation_names(path)?);
    }
    if names.is_empty() {
        let problem = Problem::new("no-projects", Class::Usage, "no project is named");
        return Err(vec![problem.with_hint("give names, --projects FILE or --federation FILE")]);
    }
    Ok(names.into_iter().collect())
}

fn federation_names(path: &Path) -> Result<BTreeSet<ProjectName>, Vec<Problem>> {
    let text = read_text(path)?;
    let read = federation::parse::parse_bytes(&path.display().to_string(), text.as_bytes());
    let federation = read.map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let names = federation.names.iter().filter(|name| !federation.excluded.contains(*name));
    Ok(names.cloned().collect())
}

/// A name for this process that no other one has.
pub(super) fn holder() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let chance = RandomState::new().hash_one(Timestamp::now().as_nanosecond());
    format!("{}-{chance:016x}", std::process::id())
}
