//! `observe crawl`: project trees are read into the database on a schedule, and alarms are told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_client::facts::audited_index;
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_client::trees::{Collected, Reading, TreesError, collect, collect_remote};
use countermark_service::log::store::{LogStore, StoreError};
use countermark_service::observe::config::{self, ObserveConfig};
use countermark_service::observe::db::{Done, Item, Observatory, Taken};
use countermark_service::observe::{crawl, tell};
use countermark_service::watch::send::Sender;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::feed::{database_problem, open_database, open_log, runtime};
use crate::cli::OutputArgs;
use crate::cli::observe_feed::ObserveCrawlArgs;
use crate::commands::Outcome;
use crate::commands::audit::gather::read_text;
use crate::output;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::setup;

/// The kind of work.
const KIND: &str = "tree";
/// How long we wait before we look again whether something is due.
const PAUSE: Duration = Duration::from_secs(20);
/// How long a wait is at most before we look whether it is to end.
const SLICE: Duration = Duration::from_millis(200);
/// The most names that are compared with the configuration at a time.
const NAMES: usize = 5_000;
/// The most places of one that cannot be read that are shown.
const SHOWN: usize = 5;

/// Runs the command.
pub(super) fn run(arguments: &ObserveCrawlArgs, output: &OutputArgs) -> Outcome {
    let config = read_config(&arguments.config)?;
    let runtime = runtime()?;
    let db = open_database(&runtime, &config.database, config.password.as_ref())?;
    let teller = Teller::new(output);
    if !arguments.forget.is_empty() {
        for repository in &arguments.forget {
            let forgetting = db.forget_pins(repository);
            runtime.block_on(forgetting).map_err(|error| database_problem(&error))?;
            teller.line(&format!("forgot the pins of {}", output::visible(repository)));
        }
        return Ok(0);
    }
    let session = session::open("observe", &arguments.index, &[], None)?;
    let log = match &config.log {
        Some(folder) => Some(open_log(&runtime, folder, &session.http)?.0),
        None => None,
    };
    let crawler = Crawler {
        index: index(&config, &session),
        config: &config,
        db,
        log,
        session: &session,
        runtime: &runtime,
        teller: &teller,
        stopped: setup::interrupted(),
        holder: super::index::holder(),
    };
    crawler.plan().map_err(|error| database_problem(&error))?;
    loop {
        let round = crawler.round()?;
        if arguments.once {
            crawler.tell(&round);
            return Ok(round.code());
        }
        if round.places > 0 {
            crawler.tell(&round);
        }
        if crawler.wait() {
            return Ok(0);
        }
    }
}

/// What locks mean that name no index.
fn index(config: &ObserveConfig, session: &Session) -> String {
    let usual = || audited_index(&session.settings.sources).map(|index| index.url.to_string());
    config.index.clone().or_else(usual).unwrap_or_default()
}

fn read_config(path: &Path) -> Result<ObserveConfig, Vec<Problem>> {
    let text = read_text(path)?;
    let whole = setup::absolute(path)?;
    let folder = whole.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    config::parse(&path.display().to_string(), text.as_bytes(), &folder)
        .map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// What one round did.
#[derive(Debug, Default)]
struct Round {
    places: usize,
    failed: usize,
    pins: usize,
    disagreements: usize,
    alarms: usize,
    delivered: usize,
    undelivered: usize,
}

impl Round {
    fn code(&self) -> u8 {
        match (self.alarms, self.failed + self.undelivered) {
            (0, 0) => 0,
            (0, _) => 3,
            _ => 1,
        }
    }
}

struct Crawler<'a> {
    config: &'a ObserveConfig,
    index: String,
    db: Arc<dyn Observatory>,
    log: Option<Arc<dyn LogStore>>,
    session: &'a Session,
    runtime: &'a Runtime,
    teller: &'a Teller,
    stopped: Arc<AtomicBool>,
    holder: String,
}

impl Crawler<'_> {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Makes the list of places that of the configuration. What was read of others stays until
    /// somebody says `--forget`.
    fn plan(&self) -> Result<(), StoreError> {
        let folders = self.config.folders.iter().map(|folder| folder.display().to_string());
        let names: Vec<String> = folders.chain(self.config.repositories.iter().cloned()).collect();
        let items: Vec<Item> =
            names.iter().map(|name| Item { name: name.clone(), priority: 0 }).collect();
        self.runtime.block_on(async {
            self.db.add_work(KIND, &items, Timestamp::now()).await?;
            let mut after = String::new();
            loop {
                let known = self.db.work_names(KIND, &after, NAMES).await?;
                let Some(last) = known.last().cloned() else { return Ok(()) };
                let gone: Vec<String> =
                    known.into_iter().filter(|name| !names.contains(name)).collect();
                self.db.forget_work(KIND, &gone).await?;
                after = last;
            }
        })
    }

    /// Reads what is due, takes over what the log says, and delivers.
    fn round(&self) -> Result<Round, Vec<Problem>> {
        let fault = |error: StoreError| database_problem(&error);
        let mut round = Round::default();
        // A place that takes its whole time is ours twice as long.
        let lease = self.config.longest.saturating_mul(2).max(SignedDuration::from_mins(10));
        while !self.is_stopped() {
            let taking = self.db.take_work(KIND, &self.holder, 1, Timestamp::now(), lease);
            let Some(taken) = self.runtime.block_on(taking).map_err(fault)?.pop() else { break };
            self.read(&taken, &mut round).map_err(fault)?;
        }
        self.teller.progress(Progress::Done);
        if let Some(log) = &self.log {
            let taking = crawl::take_over(&*self.db, &**log);
            round.alarms += self.runtime.block_on(taking).map_err(fault)?;
        }
        let destinations = &self.config.destinations;
        self.runtime.block_on(tell::queue(&*self.db, destinations)).map_err(fault)?;
        let sender =
            Sender { http: &self.session.http, runtime: self.runtime, instance: "observatory" };
        let is_stopped = || self.is_stopped();
        let told = tell::deliver(&*self.db, destinations, &sender, &Timestamp::now, &is_stopped);
        let told = told.map_err(fault)?;
        round.delivered = told.delivered;
        round.undelivered = told.failed.len();
        for (destination, error) in &told.failed {
            let message = format!("{destination}: {error}; it is tried again");
            self.teller.note(Note::new("not-told", message));
        }
        Ok(round)
    }

    fn read(&self, taken: &Taken, round: &mut Round) -> Result<(), StoreError> {
        let mut collected = Collected::default();
        let done = self.collect(&taken.name, &mut collected);
        let now = Timestamp::now();
        if let Err(error) = done {
            if matches!(error, TreesError::Stopped) && self.is_stopped() {
                return self.runtime.block_on(self.db.release_work(taken));
            }
            round.places += 1;
            round.failed += 1;
            let message = format!("{}: {error}", output::visible(&taken.name));
            self.teller.note(Note::new(error.code(), message));
            let reason = error.to_string();
            let failing = self.db.fail_work(taken, &reason, now, None);
            return self.runtime.block_on(failing).map(drop);
        }
        round.places += 1;
        self.tell_unread(&collected);
        let statements = collected.statements.into_vec();
        let mut repositories: Vec<&str> =
            statements.iter().map(|it| it.lock.repository.as_str()).collect();
        repositories.sort_unstable();
        repositories.dedup();
        self.runtime.block_on(async {
            round.pins += crawl::ingest(&*self.db, &statements).await?;
            for repository in repositories {
                let judged = crawl::compare(&*self.db, repository, now).await?;
                round.disagreements += judged.classes.values().sum::<usize>();
                round.alarms += judged.alarms;
            }
            // After everything else, which changes nothing when it is done again after a crash.
            let due = now.saturating_add(self.config.interval).unwrap_or(Timestamp::MAX);
            let done = Done { taken, remembered: "read", due, priority: 1 };
            self.db.finish_work(&done).await.map(drop)
        })
    }

    fn collect(&self, name: &str, into: &mut Collected) -> Result<(), TreesError> {
        let reading = Reading {
            index: &self.index,
            history: self.config.history,
            commits: self.config.commits,
            clone_bytes: u64::from(self.config.clone_size) << 20,
            time: Duration::try_from(self.config.longest).unwrap_or_default(),
            state: Some(&self.config.cache),
            stop: &self.stopped,
            reporter: self.teller,
        };
        if self.config.repositories.iter().any(|it| it == name) {
            return collect_remote(name, &reading, into);
        }
        collect(Path::new(name), name, &reading, into)
    }

    fn tell_unread(&self, collected: &Collected) {
        for unread in collected.unread.iter().take(SHOWN) {
            let message = format!("{}: {}", unread.place, unread.reason);
            self.teller.note(Note::new("lock-unread", message));
        }
        if let Some(more) = collected.unread.len().checked_sub(SHOWN + 1) {
            let message = format!("{} more locks could not be read", more + 1);
            self.teller.note(Note::new("lock-unread", message));
        }
        for text in &collected.notes {
            self.teller.note(Note::new("left-out", text.clone()));
        }
    }

    fn tell(&self, round: &Round) {
        let count = output::count;
        let mut line = format!(
            "read {}: {}, {}, {}",
            count(round.places, "place", "places"),
            count(round.pins, "pin", "pins"),
            count(round.disagreements, "disagreement", "disagreements"),
            count(round.alarms, "new alarm", "new alarms"),
        );
        if round.failed > 0 {
            line.push_str(&format!("; {} could not be read", round.failed));
        }
        if round.delivered > 0 {
            let told = count(round.delivered, "message", "messages");
            line.push_str(&format!("; {told} delivered"));
        }
        self.teller.line(&line);
    }

    /// Until something may be due; `true` when it is to end.
    fn wait(&self) -> bool {
        let mut left = PAUSE;
        while !left.is_zero() && !self.is_stopped() {
            std::thread::sleep(SLICE.min(left));
            left = left.saturating_sub(SLICE);
        }
        self.is_stopped()
    }
}
