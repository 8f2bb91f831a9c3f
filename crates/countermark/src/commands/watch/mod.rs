//! `watch`: the audit on a schedule; what is new or gone is told.

mod auditor;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_client::report::Problem;
use countermark_service::watch::config::{self, WatchConfig};
use countermark_service::watch::db::{State, StateError, Waiting};
use countermark_service::watch::plan::Plan;
use countermark_service::watch::schedule::Rhythm;
use countermark_service::watch::send::Sender;
use countermark_service::watch::watcher::{Surroundings, Watcher, describe, test_each};
use countermark_trust::Class;
use jiff::{SignedDuration, Timestamp};

use self::auditor::CommandAuditor;
use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::watch::WatchArgs;
use crate::output;
use crate::session::{self, Session};
use crate::setup;

/// How long a wait is at most before somebody looks whether it is to end.
const SLICE: Duration = Duration::from_millis(200);

/// Runs the command.
pub(crate) fn run(arguments: &WatchArgs, output: &OutputArgs) -> Outcome {
    if let Some(count) = arguments.plan {
        return plan(arguments, count);
    }
    let config = read_config(&arguments.config)?;
    let session = open_session(arguments, &config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the network cannot be set up: {error}");
        vec![Problem::new("runtime", Class::Unavailable, message)]
    })?;
    if arguments.test {
        return test(&config, &session, &runtime);
    }
    let surroundings = Machine { stopped: setup::interrupted(), is_quiet: output.quiet };
    let state = open_state(&config)?;
    let instance = state.instance().to_owned();
    let sender = Sender { http: &session.http, runtime: &runtime, instance: &instance };
    enter(&config.folder)?;
    let auditor = CommandAuditor::new(&config, &session, arguments, &surroundings.stopped)?;
    let watcher = Watcher::new(&config, state, auditor, sender, &surroundings);
    let mut watcher = watcher.map_err(|error| state_problem(&config, &error))?;
    if arguments.once {
        return once(&mut watcher, &config, &surroundings);
    }
    surroundings.say(&format!(
        "watching; a page every {} at most, {} told",
        seconds(config.rhythm.pages),
        output::count(config.destinations.len(), "destination is", "destinations are")
    ));
    watcher.run().map_err(|error| state_problem(&config, &error))?;
    Ok(0)
}

/// One look at everything. Findings are no "no" here: they are told.
fn once(
    watcher: &mut Watcher<'_, CommandAuditor<'_>>,
    config: &WatchConfig,
    surroundings: &Machine,
) -> Outcome {
    let fault = |error: StateError| state_problem(config, &error);
    let summary = watcher.step(true).map_err(fault)?;
    surroundings.say(&describe(&summary));
    watcher.deliver().map_err(fault)?;
    let mut problems = Vec::new();
    if let Some(error) = summary.error {
        problems.push(Problem::new("not-judged", error.class, error.message));
    }
    problems.extend(undelivered(config, watcher.waiting().map_err(fault)?));
    if surroundings.is_stopped() {
        problems.push(Problem::new("interrupted", Class::Unavailable, "stopped by a signal"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(if summary.unread > 0 { Class::Unavailable.exit_code() } else { 0 })
}

/// Messages that still wait, by destination.
fn undelivered(config: &WatchConfig, waiting: BTreeMap<String, Waiting>) -> Vec<Problem> {
    let problem = |(name, waiting): (String, Waiting)| {
        let messages = output::count(waiting.messages, "message waits", "messages wait");
        let problem = |text: String| Problem::new("not-delivered", Class::Unavailable, text);
        if config.destinations.iter().any(|it| it.name == name) {
            let problem = problem(format!("{messages} for {name}"));
            let problem = match waiting.why {
                Some(why) => problem.with_detail(why),
                None => problem,
            };
            problem.with_hint("nothing is lost; the next run tries again")
        } else {
            problem(format!("{messages} for {name}, which is not configured any more"))
                .with_hint("name it again in the configuration, under the same name")
        }
    };
    waiting.into_iter().map(problem).collect()
}

fn test(config: &WatchConfig, session: &Session, runtime: &tokio::runtime::Runtime) -> Outcome {
    let has_feed = config.destinations.iter().any(|it| it.name.starts_with("atom:"));
    // Only a feed shows what was told before; whoever runs has the state, and then it is not there.
    let state = if has_feed && config.state.exists() { Some(open_state(config)?) } else { None };
    let instance = state.as_ref().map_or("test", State::instance);
    let sender = Sender { http: &session.http, runtime, instance };
    let entries = |name: &str| {
        let latest = state.as_ref().map(|state| state.latest(name, 200));
        latest.and_then(Result::ok).unwrap_or_default()
    };
    let results = test_each(&config.destinations, &sender, &entries, Timestamp::now());
    let mut problems = Vec::new();
    for (name, result) in results {
        match result {
            Ok(()) => output::print(&format!("{name}: sent")),
            Err(error) => {
                let message = format!("{name}: {error}");
                problems.push(Problem::new("not-delivered", Class::Unavailable, message));
            }
        }
    }
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

fn plan(arguments: &WatchArgs, count: Option<u64>) -> Outcome {
    let config = match (count, arguments.config.is_file()) {
        (Some(_), false) => None,
        _ => Some(read_config(&arguments.config)?),
    };
    let mut measured = (Default::default(), 0);
    if let Some(config) = config.as_ref().filter(|config| config.state.is_file()) {
        let state = open_state(config)?;
        measured = state.measured().map_err(|error| state_problem(config, &error))?;
    }
    let rhythm = config.map_or_else(Rhythm::default, |config| config.rhythm);
    let plan = Plan { projects: count.unwrap_or(measured.1), rhythm, measured: measured.0 };
    if plan.projects == 0 {
        let message = "nothing was looked at yet, so nobody knows how many projects there are";
        let problem = Problem::new("nothing-given", Class::Usage, message);
        return Err(vec![problem.with_hint("give a number: `--plan 1000`")]);
    }
    output::print(plan.describe().trim_end());
    Ok(0)
}

fn read_config(path: &Path) -> Result<WatchConfig, Vec<Problem>> {
    let shown = path.display().to_string();
    let unreadable = |reason: String| {
        let message = format!("cannot read `{shown}`: {reason}");
        let problem = Problem::new("file-unreadable", Class::Usage, message);
        vec![problem.with_hint("docs/watch.md shows one")]
    };
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(config::MAXIMUM_SIZE as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    let whole = std::path::absolute(path).map_err(|error| unreadable(error.to_string()))?;
    let folder = whole.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    config::parse(&shown, &bytes, &folder)
        .map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// The index of the configuration counts before that of variables and files, and after an option.
fn open_session(arguments: &WatchArgs, config: &WatchConfig) -> Result<Session, Vec<Problem>> {
    session::refuse_weakening(&arguments.index)?;
    let mut index = arguments.index.clone();
    if index.index_url.is_none() {
        index.index_url.clone_from(&config.index);
    }
    session::open("audit", &index, &[], None)
}

/// Records and `federation.toml` are looked for in the working folder.
fn enter(folder: &Path) -> Result<(), Vec<Problem>> {
    std::env::set_current_dir(folder).map_err(|error| {
        let message = format!("cannot work in `{}`: {error}", folder.display());
        vec![Problem::new("bad-path", Class::Usage, message)]
    })
}

fn open_state(config: &WatchConfig) -> Result<State, Vec<Problem>> {
    State::open(&config.state, &random_name()).map_err(|error| state_problem(config, &error))
}

fn state_problem(config: &WatchConfig, error: &StateError) -> Vec<Problem> {
    let message = format!("the state `{}`: {error}", config.state.display());
    let problem = Problem::new("watch-state", error.class(), message);
    vec![match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }]
}

/// Names a new state; it must be another one than those of all other states, and nothing more.
fn random_name() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let (one, other) = (RandomState::new(), RandomState::new());
    format!(
        "{:016x}{:08x}",
        one.hash_one(0_u8),
        other.hash_one(Timestamp::now().as_nanosecond()) >> 32
    )
}

fn seconds(duration: SignedDuration) -> String {
    format!("{} s", duration.as_secs())
}

/// The clock and the signals of this machine.
struct Machine {
    stopped: Arc<AtomicBool>,
    is_quiet: bool,
}

impl Surroundings for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn chance(&self) -> f64 {
        use std::hash::{BuildHasher as _, RandomState};
        (RandomState::new().hash_one(0_u8) >> 40) as f64 / (1_u64 << 24) as f64
    }

    fn wait(&self, time: SignedDuration) {
        let mut left = Duration::try_from(time).unwrap_or_default();
        while !left.is_zero() && !self.is_stopped() {
            let slice = left.min(SLICE);
            std::thread::sleep(slice);
            left -= slice;
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn say(&self, line: &str) {
        if !self.is_quiet {
            output::say(&output::visible(line));
        }
    }
}
