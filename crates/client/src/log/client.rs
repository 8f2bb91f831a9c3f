//! What a log says about pins, and what follows from it.
//!
//! | | `warn` | `require`, writing | `require`, installing |
//! |---|---|---|---|
//! | no answer, or one that proves nothing | note | refused | note |
//! | no observer saw the file | note | refused | refused |
//! | a distribution has other bytes | note | note | note |
//! | two digests, or two histories of the log | alarm | alarm | alarm |
//!
//! Installing from a lock is not stopped by a log that is down or out of its mind: its pins are what they
//! were. An alarm is proof, so it stops everything. Exceptions of the policy are heeded and told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use countermark_packaging::lock::document::without_credentials;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use countermark_trust::log::evidence::Ours;
use countermark_trust::log::judge::{Contradiction, Judgement};
use countermark_trust::log::lookup::{Checked, Logged};
use countermark_trust::log::policy::{LogRule, Mode};
use countermark_trust::log::wire::{LookupRequest, MAXIMUM_NAMES, release_of};
use countermark_trust::policy::{Policy, Subject, Verdict};
use jiff::{SignedDuration, Timestamp};

use super::answers::{self, Key, ProvedIn};
use super::ask::{AskError, Asking};
use super::pin::{PinToCheck, ServedBy, Withheld, withheld};
use super::reach::ReachError;
use crate::http::Client;
use crate::report::{Note, Problem};

/// Asks the log of a policy.
#[derive(Clone, Copy, Debug)]
pub struct LogClient<'a> {
    /// The only HTTP client.
    pub http: &'a Client,
    /// Which log, and what follows.
    pub policy: &'a Policy,
    /// The private folder of the user.
    pub state: &'a Path,
    /// Where evidence goes, if not there.
    pub evidence: Option<&'a Path>,
    /// The time.
    pub now: Timestamp,
}

/// Why it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Pins are about to be written.
    Writing,
    /// They are, and the proofs of all of them are wanted: what is remembered does not do.
    Proving,
    /// Files of a lock are about to be installed.
    Installing,
}

/// What follows.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What stops nothing.
    pub notes: Vec<Note>,
    /// What does.
    pub problems: Vec<Problem>,
    /// Files of which the log has these very bytes.
    pub known: usize,
    /// The verified answers, for proofs.
    pub(super) answers: Vec<Checked>,
}

impl LogClient<'_> {
    /// Asks about files, each once, in one request, and says what follows. Names that may not leave this
    /// machine do not; what was proved lately is not asked again.
    #[must_use]
    pub fn check(&self, pins: &[PinToCheck], occasion: Occasion) -> Outcome {
        let mut outcome = Outcome::default();
        let policy = self.policy.log();
        if !policy.is_on() || pins.is_empty() {
            return outcome;
        }
        let (asked, kept): (Vec<_>, Vec<_>) =
            pins.iter().map(|pin| (pin, withheld(policy, pin))).partition(|(_, why)| why.is_none());
        outcome.notes.extend(withheld_note(&kept));
        let asked: Vec<&PinToCheck> = asked.into_iter().map(|(pin, _)| pin).collect();
        if asked.is_empty() {
            return outcome;
        }
        let asking = match self.asking() {
            Ok(asking) => asking,
            Err(problems) => {
                for problem in problems {
                    self.undecided(&mut outcome, occasion, problem);
                }
                return outcome;
            }
        };
        let count = asked.len();
        let asked = self.without_known(&asking, asked, occasion);
        outcome.known = count - asked.len();
        if !asked.is_empty() {
            self.ask(&asking, &asked, occasion, &mut outcome);
        }
        outcome
    }

    /// The log of the policy, and what was seen of it.
    pub(super) fn asking(&self) -> Result<Asking<'_>, Vec<Problem>> {
        let policy = self.policy.log();
        let asking = Asking::open(policy, self.http, self.state, self.evidence, self.now);
        asking.map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])
    }

    /// Pins of which it is not known that the log had them lately.
    fn without_known<'p>(
        &self,
        asking: &Asking<'_>,
        pins: Vec<&'p PinToCheck>,
        occasion: Occasion,
    ) -> Vec<&'p PinToCheck> {
        if occasion == Occasion::Proving {
            return pins;
        }
        let wanted: BTreeSet<Key> = pins.iter().flat_map(|pin| keys(pin)).collect();
        let known = answers::known(&asking.state, &wanted, self.remembered_for(), self.now);
        let is_known = |pin: &&PinToCheck| keys(pin).any(|key| known.contains_key(&key));
        pins.into_iter().filter(|pin| !is_known(pin)).collect()
    }

    /// How long a yes counts.
    fn remembered_for(&self) -> SignedDuration {
        let limit = self.policy.log().maximum_age.unwrap_or(answers::DEFAULT_AGE);
        limit.min(answers::DEFAULT_AGE)
    }

    fn ask(
        &self,
        asking: &Asking<'_>,
        pins: &[&PinToCheck],
        occasion: Occasion,
        outcome: &mut Outcome,
    ) {
        let names: BTreeSet<&str> = pins.iter().map(|pin| pin.filename.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        for part in names.chunks(MAXIMUM_NAMES) {
            let files = part.iter().map(|name| (*name).to_owned()).collect();
            let request = LookupRequest { files, ..LookupRequest::default() };
            match asking.lookup(&request) {
                Ok(checked) => {
                    let files = &request.files;
                    let pins = pins.iter().filter(|pin| files.contains(&pin.filename));
                    self.judge(asking, &checked, pins.copied(), occasion, outcome);
                    outcome.answers.push(checked);
                }
                Err(error) => {
                    let problem = asking.problem(&error);
                    let all_stand = pins.iter().all(|pin| pin.stands);
                    let occasion = if all_stand { Occasion::Installing } else { occasion };
                    match &error {
                        AskError::Reach(reach) if reach.is_offline() => {
                            let count = pins.len();
                            self.undecided(outcome, occasion, offline(reach, count, &problem));
                        }
                        _ => self.undecided(outcome, occasion, problem),
                    }
                    return;
                }
            }
        }
    }

    /// Holds what was downloaded against what others saw.
    fn judge<'p>(
        &self,
        asking: &Asking<'_>,
        checked: &Checked,
        pins: impl Iterator<Item = &'p PinToCheck>,
        occasion: Occasion,
        outcome: &mut Outcome,
    ) {
        let mut known = BTreeSet::new();
        for pin in pins {
            match checked.judge(&pin.filename, &pin.digests) {
                Judgement::Seen { differing, .. } => {
                    outcome.known += 1;
                    known.extend(keys(pin));
                    if !differing.is_empty() {
                        outcome.notes.push(differs(pin, &differing));
                    }
                }
                // A distribution alone saw it, and something else: no index did.
                Judgement::Differs { found } => {
                    outcome.notes.push(differs(pin, &found));
                    self.not_seen(checked, pin, occasion, outcome);
                }
                Judgement::NotSeen => self.not_seen(checked, pin, occasion, outcome),
                Judgement::Equivocation(contradiction) => {
                    self.equivocation(asking, checked, pin, &contradiction, outcome);
                }
            }
        }
        let head = checked.head();
        let time = head.time().unwrap_or(self.now);
        let proved = ProvedIn { size: head.size(), root: head.root().to_base64(), time };
        // What is not remembered is asked again.
        let _ = answers::keep(&asking.state, &known, &proved);
    }

    fn not_seen(
        &self,
        checked: &Checked,
        pin: &PinToCheck,
        occasion: Occasion,
        outcome: &mut Outcome,
    ) {
        let origin = checked.head().origin();
        let message = format!("nobody who watches for `{origin}` has seen `{}`", pin.filename);
        let hint = "it may be too new; compare it from another network before you pin it";
        match self.verdict(LogRule::NotInLog, pin, &message, "not in the log") {
            Verdict::Excepted(_, exception) => {
                let note = Note::new("not-in-log", format!("{message}; let pass: {exception}"));
                outcome.notes.push(note);
            }
            _ if self.policy.log().mode != Mode::Require || pin.stands => {
                outcome.notes.push(Note::new("not-in-log", message).with_hint(hint));
            }
            verdict => {
                let mut problem = Problem::new("not-in-log", Class::Rejected, message);
                problem.details.extend(pin.digests.iter().map(|it| format!("found    {it} here")));
                let hint = match verdict {
                    Verdict::Rejected(refusal) if occasion != Occasion::Installing => format!(
                        "{hint}; to allow it, put this line into `allow` of the policy:\n{}",
                        refusal.allow
                    ),
                    _ => hint.to_owned(),
                };
                outcome.problems.push(problem.with_hint(hint));
            }
        }
    }

    fn equivocation(
        &self,
        asking: &Asking<'_>,
        checked: &Checked,
        pin: &PinToCheck,
        contradiction: &Contradiction<'_>,
        outcome: &mut Outcome,
    ) {
        let message = format!("`{}` was seen with two digests", pin.filename);
        let verdict = self.verdict(LogRule::Equivocation, pin, &message, "two digests");
        if let Verdict::Excepted(_, exception) = verdict {
            let note = Note::new("equivocation", format!("{message}; let pass: {exception}"));
            outcome.notes.push(note);
            return;
        }
        outcome.problems.push(self.alarm(asking, checked, pin, contradiction));
    }

    /// Two digests of one file, with the evidence saved.
    pub(super) fn alarm(
        &self,
        asking: &Asking<'_>,
        checked: &Checked,
        pin: &PinToCheck,
        contradiction: &Contradiction<'_>,
    ) -> Problem {
        let message = format!("`{}` was seen with two digests", pin.filename);
        let mut problem = Problem::new("equivocation", Class::Alarm, message);
        problem.details.extend(pin.digests.iter().map(|it| format!("{it}, downloaded here")));
        problem.details.extend(checked.records(&pin.filename).iter().map(line));
        let hint = "install neither; compare from another network, and tell the project and who runs the \
                    index; `countermark log convict` verifies the evidence for anybody";
        let evidence = checked.evidence(contradiction, ours(contradiction, pin), self.now);
        problem = match evidence {
            Some(evidence) => asking.with_evidence(problem, 0, &evidence),
            None => problem,
        };
        problem.with_hint(hint)
    }

    fn verdict(&self, rule: LogRule, pin: &PinToCheck, message: &str, found: &str) -> Verdict {
        let version = release_of(&pin.project, &pin.filename);
        // A name that says no version is one of no release that an exception could mean.
        let version = version.unwrap_or_else(|| Version::new([0]));
        let subject = Subject::new(&pin.project, &version);
        self.policy.judge_log(rule, &subject, message.to_owned(), found, self.now)
    }

    /// No answer that decides anything.
    fn undecided(&self, outcome: &mut Outcome, occasion: Occasion, problem: Problem) {
        let stops = problem.class == Class::Alarm
            || (self.policy.log().mode == Mode::Require && occasion != Occasion::Installing);
        if stops {
            outcome.problems.push(problem);
            return;
        }
        let details: String =
            problem.details.iter().map(|detail| format!("\n  {detail}")).collect();
        let what = match occasion {
            Occasion::Installing => {
                "the pins of the file were verified, and the log was not asked: "
            }
            Occasion::Writing | Occasion::Proving => "new pins were not held against the log: ",
        };
        let mut note = Note::new(problem.code, format!("{what}{}{details}", problem.message));
        note.hint = problem.hint;
        outcome.notes.push(note);
    }
}

fn keys(pin: &PinToCheck) -> impl Iterator<Item = Key> {
    pin.digests.iter().map(|digest| Key::of(&pin.filename, digest))
}

/// Said once: how many names were left out, and why.
fn withheld_note(kept: &[(&PinToCheck, Option<Withheld>)]) -> Option<Note> {
    let mut counts: BTreeMap<Withheld, BTreeSet<&str>> = BTreeMap::new();
    for (pin, why) in kept {
        counts.entry((*why)?).or_default().insert(pin.project.as_str());
    }
    if counts.is_empty() {
        return None;
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(why, names)| {
            let count = names.len();
            format!("{count} {}: {}", if count == 1 { "name" } else { "names" }, why.reason())
        })
        .collect();
    let message = format!("the log was not asked about {}", parts.join("; "));
    Some(Note::new("log-not-asked", message))
}

fn offline(error: &ReachError, count: usize, problem: &Problem) -> Problem {
    let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
    let message = format!("the log was not asked about {files}: the network is switched off");
    let mut offline = Problem::new("log-unreachable", error.class(), message);
    offline.hint.clone_from(&problem.hint);
    offline
}

fn differs(pin: &PinToCheck, others: &[&Logged]) -> Note {
    let others: Vec<String> = others
        .iter()
        .map(|other| format!("{} has {}", other.observation.observer(), other.observation.digest()))
        .collect();
    let message = format!("other bytes under the name `{}`: {}", pin.filename, others.join("; "));
    let hint = "a distribution may have its own build or origin of a source package";
    Note::new("distribution-differs", message).with_hint(hint)
}

/// A record as a line of detail.
fn line(logged: &Logged) -> String {
    let Logged { index, observation } = logged;
    let (digest, observer) = (observation.digest(), observation.observer());
    format!("{digest}, {observer} since {}, entry {index}", observation.first_seen())
}

/// What we downloaded, where that is one of the two sides.
fn ours(contradiction: &Contradiction<'_>, pin: &PinToCheck) -> Option<Ours> {
    let Contradiction::Ours { record } = contradiction else { return None };
    let digest = pin.digests.iter().find(|digest| record.observation.differs(digest))?.clone();
    let from = match &pin.served_by {
        ServedBy::Index(index) => without_credentials(index),
        ServedBy::Nobody => "a file".to_owned(),
    };
    Some(Ours { file: pin.filename.clone(), digest, from })
}
