//! Exceptions from the policy, and the line that is drafted for one.

use std::fmt::Write as _;

use countermark_packaging::lock::Place;
use countermark_packaging::name::NamePattern;
use countermark_packaging::version::Version;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::rule::{Reason, escaped};
use super::{HORIZON_DAYS, Subject};
use crate::log::policy::LogRule;

/// The longest reason that is drafted, in characters.
const LONGEST_REASON: usize = 200;

/// What somebody lets pass, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The rule that is not to count.
    pub rule: &'static str,
    /// For which projects.
    pub project: NamePattern,
    /// For which release; for all of them where there is none.
    pub version: Option<Version>,
    /// Why.
    pub because: String,
    /// The last day on which it counts, in UTC.
    pub until: Date,
    /// Where it stands.
    pub place: Place,
}

impl Exception {
    /// Whether its last day has passed.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        today(now) > self.until
    }

    /// Whether it is about this rule and this pin, whatever its date.
    #[must_use]
    pub fn matches(&self, rule: &str, subject: &Subject<'_>) -> bool {
        self.rule == rule
            && self.project.matches(subject.project)
            && self.version.as_ref().is_none_or(|version| version == subject.version)
    }

    /// Whether it is about what a log finds.
    #[must_use]
    pub fn is_of_log(&self) -> bool {
        LogRule::ALL.iter().any(|rule| rule.code() == self.rule)
    }

    /// For people: the reason and the date.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}, until {}", self.because, self.until)
    }
}

fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// The line of the list `allow` that would let a pin pass.
pub(super) fn line(rule: &str, subject: &Subject<'_>, reason: &Reason, now: Timestamp) -> String {
    let horizon = today(now).saturating_add(jiff::Span::new().days(HORIZON_DAYS));
    // What is needed for some days only is not drafted for longer.
    let until = reason.until.filter(|until| *until < horizon).unwrap_or(horizon);
    let mut line =
        format!("{{ rule = {}, project = {}", quoted(rule), quoted(subject.project.as_str()));
    if reason.of_release {
        let _ = write!(line, ", version = {}", quoted(&subject.version.to_string()));
    }
    let because: String = reason.found.chars().take(LONGEST_REASON).collect();
    let _ = write!(line, ", because = {}, until = {until} }},", quoted(&because));
    line
}

/// A text of TOML on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars().flat_map(escaped) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}
