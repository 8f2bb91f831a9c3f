//! The policy for pins: what a release must be like before a pin may move to it.
//!
//! Decides from evidence about one pin ([`Subject`]) whether the policy refuses it, and if so by
//! which rule. Evidence is gathered by others; what is not known is said to be not known, and a rule
//! that needs it then gives [`Verdict::Undecided`], never a yes. What the
//! ledger answered is one field of [`Subject`] and one rule; attestations join in the same way.
//!
//! A policy is the table `[policy]` of `countermark.toml`, or `[tool.countermark.policy]` of
//! `pyproject.toml` ([`Policy::parse`]). It is written and reviewed by people, so it is trusted for
//! what it says. Exceptions have a reason and a last day, or the policy does not load.

mod exception;
mod ledger;
mod log;
pub mod page;
mod parse;
pub mod rule;
mod sources;
mod template;

use std::collections::BTreeSet;

use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_packaging::version::Version;
use jiff::{SignedDuration, Timestamp};

use crate::change::Change;
use crate::log::policy::{LogPolicy, LogRule};
pub use exception::Exception;
pub use ledger::{FileAnswer, LedgerAnswer, LedgerAnswers, LedgerMode, LedgerPolicy};
pub use parse::{MAXIMUM_SIZE, Section};
use rule::{Answer, RULES, Reason, Rule};
pub use sources::AllowedIndex;
use sources::IndexRule;
pub use template::HORIZON_DAYS;

/// Everything that is known about a pin that is about to be written, installed or merged.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// The release.
    pub version: &'a Version,
    /// The index that it comes from, without credentials; none for URLs and paths.
    pub index: Option<&'a str>,
    /// The URL or path that names its file in place of an index, without credentials.
    pub direct: Option<&'a str>,
    /// Other configured indexes that have the project too; none where nobody asked.
    pub also_on: Option<&'a [String]>,
    /// Whether the index is the public one; none where that is not known.
    pub is_public: Option<bool>,
    /// When the youngest of its pinned files was uploaded; none where no index says so.
    pub uploaded: Option<Timestamp>,
    /// What the index thinks of the project (PEP 792); none where no index was asked.
    pub status: Option<StatusMarker>,
    /// Yanked, with the reason that may be empty; none where it is not, or nobody asked.
    pub yanked: Option<&'a str>,
    /// Whether a source distribution would be built, because no wheel of the pin can be used; none
    /// where the lock does not tell.
    pub has_source: Option<bool>,
    /// Whether this project was not pinned before.
    pub is_new: bool,
    /// Whether the pin is another one than before. Of one that stands, nothing is new.
    pub has_moved: bool,
    /// What moved against the pin before; none where there was none, or nobody looked.
    pub change: Option<&'a Change>,
    /// What the ledger says of its files; none where nobody asked.
    pub ledger: Option<&'a LedgerAnswer>,
}

impl<'a> Subject<'a> {
    /// A pin that moved, of which nothing else is known.
    #[must_use]
    pub fn new(project: &'a ProjectName, version: &'a Version) -> Self {
        Self {
            project,
            version,
            index: None,
            direct: None,
            also_on: None,
            is_public: None,
            uploaded: None,
            status: None,
            yanked: None,
            has_source: None,
            is_new: false,
            has_moved: true,
            change: None,
            ledger: None,
        }
    }
}

/// What the policy says about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Accepted,
    /// Something against it, and an exception lets it pass: who, why, until when are in it.
    Excepted(Refusal, String),
    /// Something against it, or not known, where the policy only wants to be told.
    Warned(Refusal),
    /// The policy says no.
    Rejected(Refusal),
    /// The rule could not be decided, and why.
    Undecided(Refusal),
}

/// Why the policy says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule: `minimum-age`, `source-packages`, ….
    pub rule: &'static str,
    /// One sentence, lower case, expected against found.
    pub message: String,
    /// The line that would allow it, ready to paste into the policy; empty where nothing may.
    pub allow: String,
}

/// What a project wants of its pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    file: Option<String>,
    minimum_age: Option<SignedDuration>,
    refused: BTreeSet<&'static str>,
    indexes: Vec<IndexRule>,
    log: LogPolicy,
    ledger: LedgerPolicy,
    exceptions: Vec<Exception>,
}

impl Default for Policy {
    /// The policy of a project that has written none: nothing is refused but projects that their
    /// index considers unsafe.
    fn default() -> Self {
        Self {
            file: None,
            minimum_age: None,
            refused: BTreeSet::from(["quarantined"]),
            indexes: Vec::new(),
            log: LogPolicy::default(),
            ledger: LedgerPolicy::default(),
            exceptions: Vec::new(),
        }
    }
}

impl Policy {
    /// The file that it was read from; none for the default, also of a file without the table.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// How old a release has to be.
    #[must_use]
    pub fn minimum_age(&self) -> Option<SignedDuration> {
        self.minimum_age
    }

    /// The same policy without the rule about ages, for those who show it apart.
    #[must_use]
    pub fn without_minimum_age(self) -> Self {
        Self { minimum_age: None, ..self }
    }

    /// The rules that it asks for, in the order of the documentation.
    pub fn active(&self) -> impl Iterator<Item = &'static dyn Rule> + '_ {
        RULES.iter().copied().filter(|rule| rule.is_active(self))
    }

    /// Whether any of its rules needs evidence of this kind.
    #[must_use]
    pub fn needs(&self, evidence: rule::Evidence) -> bool {
        self.active().any(|rule| rule.needs() == evidence)
    }

    /// Its exceptions, in the order of the file.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// What it expects of a log; of none, where nothing is said.
    #[must_use]
    pub fn log(&self) -> &LogPolicy {
        &self.log
    }

    /// What it expects of the ledger; nothing, where nothing is said.
    #[must_use]
    pub fn ledger(&self) -> &LedgerPolicy {
        &self.ledger
    }

    /// The same policy with no other rule than that of the ledger, and with all exceptions.
    #[must_use]
    pub fn with_ledger_only(self) -> Self {
        Self { minimum_age: None, refused: BTreeSet::new(), indexes: Vec::new(), ..self }
    }

    /// The same policy without the ledger, for those who cannot ask one.
    #[must_use]
    pub fn without_ledger(self) -> Self {
        Self { ledger: LedgerPolicy::default(), ..self }
    }

    /// Exceptions that count for nothing any more.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &Exception> {
        self.exceptions.iter().filter(move |exception| exception.has_expired(now))
    }

    /// Exceptions that count and that none of these needs. Those from what a log finds are not among
    /// them: whether they are needed shows only where a log is asked.
    #[must_use]
    pub fn unused<'a>(&'a self, subjects: &[Subject<'_>], now: Timestamp) -> Vec<&'a Exception> {
        let mut used = vec![false; self.exceptions.len()];
        for subject in subjects {
            for (rule, answer) in self.answers(subject, now) {
                if matches!(&answer, Answer::No(reason) if reason.is_final) {
                    continue;
                }
                let matches = |exception: &Exception| exception.matches(rule.code(), subject);
                let position =
                    self.exceptions.iter().position(|it| !it.has_expired(now) && matches(it));
                if let Some(position) = position {
                    used[position] = true;
                }
            }
        }
        let listed = self.exceptions.iter().zip(used);
        listed
            .filter(|(it, used)| !used && !it.has_expired(now) && !it.is_of_log())
            .map(|(it, _)| it)
            .collect()
    }

    /// What every rule says about a pin that does not say yes, in the order of the rules. Nothing,
    /// where all of them say yes.
    #[must_use]
    pub fn check(&self, subject: &Subject<'_>, now: Timestamp) -> Vec<Verdict> {
        self.answers(subject, now)
            .map(|(rule, answer)| match answer {
                Answer::Yes => Verdict::Accepted,
                Answer::No(reason) if reason.is_final || rule.decides(self) => {
                    self.judge(rule.code(), subject, &reason, now, Verdict::Rejected)
                }
                Answer::Unknown(reason) if rule.decides(self) => {
                    self.judge(rule.code(), subject, &reason, now, Verdict::Undecided)
                }
                Answer::No(reason) | Answer::Unknown(reason) => {
                    self.judge(rule.code(), subject, &reason, now, Verdict::Warned)
                }
            })
            .collect()
    }

    /// Holds what a look-up found against the exceptions: [`Verdict::Excepted`] or
    /// [`Verdict::Rejected`], with the line that would let it pass. `message` says what was found in one
    /// sentence, `found` in few words.
    #[must_use]
    pub fn judge_log(
        &self,
        rule: LogRule,
        subject: &Subject<'_>,
        message: String,
        found: &str,
        now: Timestamp,
    ) -> Verdict {
        let reason = Reason::release(message, found);
        self.judge(rule.code(), subject, &reason, now, Verdict::Rejected)
    }

    /// The rules that do not say yes.
    fn answers<'a>(
        &'a self,
        subject: &'a Subject<'_>,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'static dyn Rule, Answer)> + 'a {
        self.active()
            .map(move |rule| (rule, rule.check(self, subject, now)))
            .filter(|(_, answer)| *answer != Answer::Yes)
    }

    /// Holds an answer against the exceptions.
    fn judge(
        &self,
        rule: &'static str,
        subject: &Subject<'_>,
        reason: &Reason,
        now: Timestamp,
        verdict: fn(Refusal) -> Verdict,
    ) -> Verdict {
        if reason.is_final {
            let (message, allow) = (reason.message.clone(), String::new());
            return verdict(Refusal { rule, message, allow });
        }
        let allow = exception::line(rule, subject, reason, now);
        let mut refusal = Refusal { rule, message: reason.message.clone(), allow };
        let mut matching =
            self.exceptions.iter().filter(|exception| exception.matches(rule, subject));
        if let Some(exception) = matching.clone().find(|exception| !exception.has_expired(now)) {
            return Verdict::Excepted(refusal, exception.describe());
        }
        if let Some(expired) = matching.next_back() {
            let place = &expired.place;
            refusal.message = format!(
                "{}; the exception at {place} ended with {}",
                refusal.message, expired.until
            );
        }
        verdict(refusal)
    }

    /// Whether the policy says `refuse` for a rule that is a switch.
    pub(crate) fn refuses(&self, code: &str) -> bool {
        self.refused.contains(code)
    }

    fn has_indexes(&self) -> bool {
        !self.indexes.is_empty()
    }

    /// The indexes from which a name may come; none where no line means it.
    #[must_use]
    pub fn indexes_for(&self, project: &ProjectName) -> Option<&[AllowedIndex]> {
        let matching = self.indexes.iter().filter(|rule| rule.matches(project));
        matching.max_by_key(|rule| rule.precision()).map(|rule| rule.indexes.as_slice())
    }

    /// Whether a line that is not for all names says where a name comes from.
    fn is_bound(&self, project: &ProjectName) -> bool {
        self.indexes.iter().any(|rule| rule.precision() > 0 && rule.matches(project))
    }
}

/// A stretch of time, for people: whole days where it has two or more, or is made of them.
pub(crate) fn show_age(age: SignedDuration) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let seconds = age.as_secs().max(0);
    let (count, unit) = match seconds {
        _ if seconds >= 2 * DAY || seconds == DAY => (seconds / DAY, "day"),
        _ if seconds >= HOUR => (seconds / HOUR, "hour"),
        _ => (seconds / MINUTE, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
