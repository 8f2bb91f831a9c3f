//! The rules of the policy: one file, one struct, one section of the documentation each.
//!
//! A rule looks at the evidence about one pin and says yes, no, or that it is not known. It knows
//! nothing of exceptions; the [policy](super::Policy) holds its answer against them.

mod archived;
mod indexes;
mod ledger;
mod look_alikes;
mod minimum_age;
mod new_dependencies;
mod new_native_code;
mod new_opaque;
mod new_pth;
mod new_scripts;
mod quarantined;
mod source_packages;
mod two_indexes;
mod yanked;

use countermark_packaging::simple::StatusMarker;
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Policy, Subject};
use crate::change::Change;

/// Looks at the evidence about one pin.
pub trait Rule: Sync {
    /// The name: of the key that turns it on, in exceptions, and in reports. Never reused.
    fn code(&self) -> &'static str;

    /// What the documentation says.
    fn document(&self) -> Document;

    /// Where its evidence comes from.
    fn needs(&self) -> Evidence;

    /// Whether the policy asks for it.
    fn is_active(&self, policy: &Policy) -> bool {
        policy.refuses(self.code())
    }

    /// Whether its no refuses; else it is only told.
    fn decides(&self, _policy: &Policy) -> bool {
        true
    }

    /// What it says.
    fn check(&self, policy: &Policy, subject: &Subject<'_>, now: Timestamp) -> Answer;
}

/// The section of a rule in the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// One line.
    pub title: &'static str,
    /// What is refused.
    pub what: &'static str,
    /// Why.
    pub why: &'static str,
    /// What it would have stopped, and what not.
    pub stops: &'static str,
    /// The lines of a policy that ask for it.
    pub example: &'static str,
}

/// Where the evidence of a rule comes from; the order is that of what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The lock alone, and the lock before it.
    Lock,
    /// The ledger of reviews beside the lock.
    Ledger,
    /// What an index says, unless the lock kept it.
    Index,
    /// Both releases, downloaded and looked into.
    Contents,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing against it.
    Yes,
    /// Something against it.
    No(Reason),
    /// Not known.
    Unknown(Reason),
}

/// Why a rule does not say yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// One sentence, lower case, expected against found.
    pub message: String,
    /// What was found, in few words: the reason that an exception is drafted with.
    pub found: String,
    /// Whether an exception would be for this release, and not for the whole project.
    pub of_release: bool,
    /// The day after which nobody needs the exception any more, where that is known.
    pub until: Option<Date>,
    /// Whether no exception may let it pass.
    pub is_final: bool,
}

impl Reason {
    /// About one release.
    pub(crate) fn release(message: String, found: impl Into<String>) -> Self {
        Self { message, found: found.into(), of_release: true, until: None, is_final: false }
    }

    /// About one release, and nothing lets it pass.
    pub(crate) fn last_word(message: &str) -> Self {
        Self { is_final: true, ..Self::release(message.to_owned(), "known to be bad") }
    }

    /// About the project, whichever release.
    pub(crate) fn project(message: String, found: impl Into<String>) -> Self {
        Self { of_release: false, ..Self::release(message, found) }
    }
}

/// Every rule, in the order of the documentation.
pub static RULES: &[&dyn Rule] = &[
    &minimum_age::MinimumAge,
    &quarantined::Quarantined,
    &archived::Archived,
    &yanked::Yanked,
    &indexes::Indexes,
    &two_indexes::TwoIndexes,
    &look_alikes::LookAlikes,
    &source_packages::SourcePackages,
    &new_pth::NewPth,
    &new_native_code::NewNativeCode,
    &new_opaque::NewOpaque,
    &new_scripts::NewScripts,
    &new_dependencies::NewDependencies,
    &ledger::Ledger,
];

/// The rule with this name.
#[must_use]
pub fn find(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.code() == code)
}

/// What a rule about differences finds: in a pin that moved, with both releases looked into.
fn check_change(
    subject: &Subject<'_>,
    what: &str,
    found: impl FnOnce(&Change) -> &[String],
) -> Answer {
    // At first use there is nothing to compare with, and a pin that stands brings nothing new.
    if subject.is_new || !subject.has_moved {
        return Answer::Yes;
    }
    let (project, version) = (subject.project, subject.version);
    let Some(change) = subject.change else {
        let message = format!(
            "nobody compared {project} {version} with the release that was pinned before, so new {what} \
             would not be seen"
        );
        return Answer::Unknown(Reason::release(message, "not compared with the release before"));
    };
    let names = found(change);
    if names.is_empty() {
        return Answer::Yes;
    }
    let since = match &change.before {
        Some(before) => format!("{before} had none of them"),
        None => "the release before had none of them".to_owned(),
    };
    let listed = listed(names);
    let message = format!("{project} {version} brings new {what}: {listed}; {since}");
    Answer::No(Reason::release(message, format!("new {what}: {listed}")))
}

/// What a rule about one status of PEP 792 finds.
fn check_status(subject: &Subject<'_>, refused: StatusMarker, what: &str) -> Answer {
    let project = subject.project;
    match subject.status {
        Some(status) if status == refused => {
            let message = format!("the index says that {project} is {what}");
            Answer::No(Reason::project(message, what))
        }
        Some(_) => Answer::Yes,
        // What no index serves, no index can mark.
        None if subject.direct.is_some() => Answer::Yes,
        None => {
            let message = format!("no index was asked whether {project} is {what}");
            Answer::Unknown(Reason::project(message, "no index was asked"))
        }
    }
}

/// A URL as a message can show it: what would hide in it is escaped, credentials are left out.
fn shown_url(url: &str) -> String {
    const LONGEST: usize = 200;
    let plain = match url::Url::parse(url) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => url.to_owned(),
    };
    plain.chars().take(LONGEST).flat_map(escaped).collect()
}

/// Some of many names, quoted; they are an archive's, so they are shortened and shown escaped.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 3;
    const LONGEST: usize = 80;
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| {
            let plain: String = name.chars().take(LONGEST).flat_map(escaped).collect();
            let more = if name.chars().count() > LONGEST { "…" } else { "" };
            format!("`{plain}{more}`")
        })
        .collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

/// A character as a message, a terminal and a line of TOML can show it.
pub(crate) fn escaped(character: char) -> impl Iterator<Item = char> {
    let acts = character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // A character has an escape or is itself, never both.
    let escape = acts.then(|| character.escape_unicode());
    escape.into_iter().flatten().chain((!acts).then_some(character))
}

#[cfg(test)]
pub(crate) mod fixture;
