//! One step after the other: look, judge, compare, remember, tell.
//!
//! A step changes the state in one commit, with the messages about it. What is in memory follows
//! the state, never the other way round: after a commit that failed everything is as before it, and
//! the same step is taken again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_audit::fact::{ProjectFacts, snapshot};
use countermark_packaging::name::ProjectName;
use jiff::{SignedDuration, Timestamp};

use super::auditor::{AuditError, Auditor, Facts, is_changed, merge, outcome};
use super::config::{Destination, WatchConfig};
use super::db::{KEEP_ENTRIES, State, StateError, Step, Traffic};
use super::diff::{Difference, Findings, Seen, compare};
use super::message::{Context, Message, compose, test_message};
use super::schedule::{self, Ask, Calendar};
use super::send::{SendError, Sender};
use super::trouble;

/// Rules whose findings are about a moment: they compare with the step before.
pub const EVENTS: &[&str] = &["release-change", "role-change"];

/// Time, chance and the wish of the operator, so that tests need neither.
pub trait Surroundings {
    /// What time it is.
    fn now(&self) -> Timestamp;
    /// In `0.0..1.0`.
    fn chance(&self) -> f64;
    /// Waits, or returns early when it is to stop.
    fn wait(&self, time: SignedDuration);
    /// Whether it is to stop.
    fn is_stopped(&self) -> bool;
    /// A line for whoever looks at the log.
    fn say(&self, line: &str);
}

/// What a step did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Projects that were asked for.
    pub asked: usize,
    /// Projects that could not be read.
    pub unread: usize,
    /// Findings that count now.
    pub findings: usize,
    /// Changes of any severity.
    pub changes: usize,
    /// Messages that were put into the outbox.
    pub messages: usize,
    /// Why nothing could be judged.
    pub error: Option<AuditError>,
}

/// What became of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// How many arrived.
    pub delivered: usize,
    /// Which did not, and why.
    pub failed: Vec<(String, SendError)>,
}

/// The watch.
pub struct Watcher<'a, A> {
    config: &'a WatchConfig,
    state: State,
    auditor: A,
    sender: Sender<'a>,
    surroundings: &'a dyn Surroundings,
    findings: Findings,
    facts: Facts,
    calendar: Calendar,
    /// Steps in a row that could not judge.
    failures: u32,
}

/// What a step has read, before anything is judged.
struct Look {
    asks: BTreeMap<ProjectName, Ask>,
    facts: Facts,
    unread: BTreeMap<ProjectName, String>,
    traffic: Traffic,
}

impl<'a, A: Auditor> Watcher<'a, A> {
    /// Goes on where the state is.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn new(
        config: &'a WatchConfig,
        state: State,
        auditor: A,
        sender: Sender<'a>,
        surroundings: &'a dyn Surroundings,
    ) -> Result<Self, StateError> {
        let mut facts = Facts::new();
        for line in state.facts()? {
            let project = snapshot::parse_project(line.as_bytes())
                .map_err(|problem| StateError::Damaged { reason: format!("facts: {problem}") })?;
            facts.insert(project.name.clone(), Arc::new(project));
        }
        let (findings, calendar) = (state.findings()?, state.calendar()?);
        Ok(Self {
            config,
            state,
            auditor,
            sender,
            surroundings,
            findings,
            facts,
            calendar,
            failures: 0,
        })
    }

    /// Looks and tells until it is to stop.
    ///
    /// # Errors
    /// When the state cannot be written any more. Whatever else fails is told and tried again.
    pub fn run(&mut self) -> Result<(), StateError> {
        // What an earlier process could not deliver any more.
        self.tell_deliveries()?;
        while !self.surroundings.is_stopped() {
            let summary = self.step(false)?;
            if summary.asked > 0 || summary.error.is_some() {
                self.surroundings.say(&describe(&summary));
            }
            self.tell_deliveries()?;
            if !self.surroundings.is_stopped() {
                self.surroundings.wait(self.next_wait()?);
            }
        }
        Ok(())
    }

    fn tell_deliveries(&mut self) -> Result<(), StateError> {
        let deliveries = self.deliver()?;
        for (destination, error) in &deliveries.failed {
            self.surroundings.say(&format!("{destination}: {error}; it is tried again later"));
        }
        Ok(())
    }

    /// Until something is due: a project, or a message.
    fn next_wait(&self) -> Result<SignedDuration, StateError> {
        let now = self.surroundings.now();
        let rhythm = &self.config.rhythm;
        let mut wait = schedule::wait(&self.calendar, now, rhythm);
        if self.failures > 0 {
            let longer = rhythm.tick.saturating_mul(1 << self.failures.min(10));
            wait = longer.min(rhythm.pages.max(rhythm.tick));
        }
        let waiting = self.state.waiting()?;
        let ours = self.config.destinations.iter().filter_map(|it| waiting.get(&it.name));
        if let Some(next) = ours.map(|it| it.next).min() {
            wait = wait.min(now.duration_until(next).max(SignedDuration::from_secs(1)));
        }
        Ok(wait)
    }

    /// Looks at what is due, or at everything, and puts what changed into the outbox.
    ///
    /// # Errors
    /// See [`StateError`]; then nothing was changed.
    pub fn step(&mut self, everything: bool) -> Result<Summary, StateError> {
        let started = self.surroundings.now();
        let projects = match self.auditor.projects(started) {
            Ok(projects) => projects,
            Err(error) => return self.fail(started, error, 0, 0),
        };
        let rhythm = &self.config.rhythm;
        let asks = if everything {
            schedule::all(&self.calendar, &projects, started, rhythm)
        } else {
            schedule::due(&self.calendar, &projects, started, rhythm)
        };
        let forgotten: Vec<ProjectName> =
            self.calendar.keys().filter(|name| !projects.contains(*name)).cloned().collect();
        if asks.is_empty() && forgotten.is_empty() {
            return Ok(Summary { findings: self.findings.len(), ..Summary::default() });
        }
        let mut look = self.look(asks, started);
        if self.surroundings.is_stopped() {
            // What was broken off says nothing about the index. All of it is asked for again.
            return Ok(Summary { findings: self.findings.len(), ..Summary::default() });
        }
        for project in &forgotten {
            look.facts.remove(project);
        }
        let now = self.surroundings.now();
        match self.auditor.judge(&look.facts, &self.facts, now) {
            Ok(report) => {
                let mut seen = Seen::of_report(&report, &|rule| EVENTS.contains(&rule));
                seen.add_own(trouble::records(&report.problems));
                let facts = report.facts.clone();
                self.finish(started, look, seen, &forgotten, report.federation.as_deref(), &facts)
            }
            Err(error) => self.fail(started, error, look.asks.len(), look.unread.len()),
        }
    }

    /// Asks the index, and once more for the roles of projects whose page says that something
    /// happened.
    fn look(&mut self, asks: Vec<Ask>, now: Timestamp) -> Look {
        let mut look = Look {
            asks: BTreeMap::new(),
            facts: self.facts.clone(),
            unread: BTreeMap::new(),
            traffic: Traffic::default(),
        };
        let mut open = asks;
        for round in 0..2 {
            if open.is_empty() {
                break;
            }
            let gathered = self.auditor.gather(&open, now);
            look.traffic = look.traffic.plus(gathered.traffic);
            let mut fresh: BTreeMap<ProjectName, ProjectFacts> =
                gathered.facts.into_iter().map(|facts| (facts.name.clone(), facts)).collect();
            let mut again = Vec::new();
            for ask in open {
                let before = self.facts.get(&ask.project).map(Arc::as_ref);
                // In the second round on what the first one read: an upload is not forgotten
                // because the roles could not be had.
                let known = look.facts.get(&ask.project).map(Arc::as_ref);
                let answer = fresh.remove(&ask.project);
                let lacks_roles = answer.as_ref().is_some_and(|facts| facts.roles.is_none());
                let (mut facts, unread) = merge(known, answer, &ask);
                let project = ask.project.clone();
                match unread {
                    Some(reason) => look.unread.insert(project.clone(), reason),
                    None => look.unread.remove(&project),
                };
                let is_read = !look.unread.contains_key(&project);
                let is_open = round == 0 && !ask.with_roles && lacks_roles;
                if is_open && is_read && is_changed(before, &facts) {
                    again.push(Ask { project: project.clone(), with_roles: true });
                } else if is_read && (ask.with_roles || is_changed(before, &facts)) {
                    self.auditor.inspect(&mut facts, now);
                }
                look.facts.insert(project.clone(), Arc::new(facts));
                look.asks.insert(project, ask);
            }
            open = again;
        }
        look
    }

    fn finish(
        &mut self,
        started: Timestamp,
        look: Look,
        mut seen: Seen,
        forgotten: &[ProjectName],
        federation: Option<&str>,
        facts_from: &str,
    ) -> Result<Summary, StateError> {
        let now = self.surroundings.now();
        let calendar = self.next_times(&look, now);
        let mut whole = self.calendar.clone();
        whole.extend(calendar.clone());
        whole.retain(|project, _| !forgotten.contains(project));
        seen.add_own(trouble::unread(&whole, now, self.config.unread_after));
        let difference = compare(&self.findings, &seen);
        let run = self.state.next_run()?;
        let id = format!("{}.{run}", self.state.instance());
        let at = whole_second(now);
        let context = Context { id: &id, at, federation, facts: facts_from };
        let messages = self.messages(&context, &difference);
        let lines = changed_lines(&self.facts, &look);
        self.state.commit(&Step {
            run,
            started,
            ended: now,
            standing: Some(&difference.standing),
            facts: &lines,
            calendar: &calendar,
            forgotten,
            messages: &messages,
            changes: difference.changes.len(),
            asked: look.asks.len(),
            unread: look.unread.len(),
            traffic: look.traffic,
            error: None,
        })?;
        self.findings = difference.standing;
        self.facts = look.facts;
        self.calendar = whole;
        self.failures = 0;
        Ok(Summary {
            asked: look.asks.len(),
            unread: look.unread.len(),
            findings: self.findings.len(),
            changes: difference.changes.len(),
            messages: messages.len(),
            error: None,
        })
    }

    /// Nothing could be judged: what was known still counts, and nothing that was read is kept, so
    /// that the next step sees the same changes. When that lasts, it is told.
    fn fail(
        &mut self,
        started: Timestamp,
        error: AuditError,
        asked: usize,
        unread: usize,
    ) -> Result<Summary, StateError> {
        self.failures = self.failures.saturating_add(1);
        let now = self.surroundings.now();
        let since = self.state.failing_since()?.unwrap_or(started);
        let mut seen = Seen { findings: self.findings.clone(), ..Seen::default() };
        seen.findings.retain(|_, finding| finding.rule != trouble::FAILING);
        let known = self.findings.values().find(|finding| finding.rule == trouble::FAILING);
        if let Some(known) = known {
            seen.add_own(Some(known.clone()));
        } else if now.duration_since(since) >= self.config.unread_after {
            seen.add_own(Some(trouble::failing(since, &error.message)));
        }
        let difference = compare(&self.findings, &seen);
        let run = self.state.next_run()?;
        let id = format!("{}.{run}", self.state.instance());
        let at = whole_second(now);
        let context = Context { id: &id, at, federation: None, facts: "nothing" };
        let messages = self.messages(&context, &difference);
        self.state.commit(&Step {
            run,
            started,
            ended: now,
            standing: Some(&difference.standing),
            facts: &[],
            calendar: &Calendar::new(),
            forgotten: &[],
            messages: &messages,
            changes: difference.changes.len(),
            asked,
            unread,
            traffic: Traffic::default(),
            error: Some(&error.message),
        })?;
        self.findings = difference.standing;
        Ok(Summary {
            asked,
            unread,
            findings: self.findings.len(),
            changes: difference.changes.len(),
            messages: messages.len(),
            error: Some(error),
        })
    }

    fn messages(&self, context: &Context<'_>, difference: &Difference) -> Vec<(String, Message)> {
        let destinations = self.config.destinations.iter();
        destinations
            .filter_map(|destination| {
                let message = compose(context, &difference.changes, destination.least)?;
                Some((destination.name.clone(), message))
            })
            .collect()
    }

    fn next_times(&self, look: &Look, now: Timestamp) -> Calendar {
        let next = |ask: &Ask| {
            schedule::next(
                self.calendar.get(&ask.project),
                ask,
                outcome(look.unread.get(&ask.project)),
                now,
                &self.config.rhythm,
                self.surroundings.chance(),
            )
        };
        look.asks.iter().map(|(project, ask)| (project.clone(), next(ask))).collect()
    }

    /// Delivers what waits. A destination that fails is left alone for a while, and stops no other.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn deliver(&mut self) -> Result<Deliveries, StateError> {
        let mut deliveries = Deliveries::default();
        for destination in &self.config.destinations {
            let now = self.surroundings.now();
            for pending in self.state.pending(&destination.name, now)? {
                if self.surroundings.is_stopped() {
                    return Ok(deliveries);
                }
                let entries =
                    || self.state.latest(&destination.name, KEEP_ENTRIES).unwrap_or_default();
                let now = self.surroundings.now();
                match self.sender.send(destination, &pending.message, &entries, now) {
                    Ok(()) => {
                        self.state.delivered(&pending, self.surroundings.now())?;
                        deliveries.delivered += 1;
                    }
                    Err(error) => {
                        let wait = error.asked_wait();
                        self.state.failed(&pending, now, &error.to_string(), wait)?;
                        deliveries.failed.push((destination.name.clone(), error));
                        break;
                    }
                }
            }
        }
        Ok(deliveries)
    }

    /// Messages that still wait, by destination.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn waiting(&self) -> Result<BTreeMap<String, super::db::Waiting>, StateError> {
        self.state.waiting()
    }
}

impl Traffic {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            unchanged: self.unchanged + other.unchanged,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Sends one test message to each destination, past the outbox.
pub fn test_each(
    destinations: &[Destination],
    sender: &Sender<'_>,
    entries: &dyn Fn(&str) -> Vec<Message>,
    now: Timestamp,
) -> Vec<(String, Result<(), SendError>)> {
    let id = format!("test.{}", now.as_second());
    let at = whole_second(now);
    let context = Context { id: &id, at, federation: None, facts: "none, this is a test" };
    let message = test_message(&context);
    let send = |destination: &Destination| {
        let entries = || {
            let mut all = vec![message.clone()];
            all.extend(entries(&destination.name));
            all.truncate(KEEP_ENTRIES);
            all
        };
        sender.send(destination, &message, &entries, now)
    };
    destinations.iter().map(|it| (it.name.clone(), send(it))).collect()
}

/// Nobody reads fractions in a message.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// One line about a step.
#[must_use]
pub fn describe(summary: &Summary) -> String {
    let projects =
        |count: usize| if count == 1 { "1 project".into() } else { format!("{count} projects") };
    if let Some(error) = &summary.error {
        return format!("nothing could be judged: {error}");
    }
    let mut line = format!("looked at {}", projects(summary.asked));
    if summary.unread > 0 {
        line.push_str(&format!(", {} could not be read", summary.unread));
    }
    let changes = match summary.changes {
        0 => "nothing changed".to_owned(),
        1 => "1 change".to_owned(),
        more => format!("{more} changes"),
    };
    format!("{line}; {changes}; findings now: {}", summary.findings)
}

/// Lines of facts that differ from those that are remembered.
fn changed_lines(before: &Facts, look: &Look) -> Vec<(ProjectName, Option<u64>, String)> {
    let asked: BTreeSet<&ProjectName> = look.asks.keys().collect();
    look.facts
        .iter()
        .filter(|(project, facts)| asked.contains(project) && before.get(*project) != Some(*facts))
        .map(|(project, facts)| {
            let mut line = Vec::new();
            snapshot::write_project(facts, &mut line);
            // JSON is text.
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            (project.clone(), facts.last_serial, line)
        })
        .collect()
}

#[cfg(test)]
mod tests;
