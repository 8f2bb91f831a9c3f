//! Whether a trusted publisher stands for a file.
//!
//! Trust is for releases that look like the ones before: from the same publisher, with provenance, and
//! without anything new that runs by itself. What does not look so waits for a reader.

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use jiff::civil::Date;

use super::counts::matches;
use super::judgement::Reason;
use super::source::Book;
use crate::criteria::CriterionName;
use crate::fact::FileFact;
use crate::file::FileId;
use crate::ledger::TrustedPublisher;

/// Why the trust in a publisher does not cover a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTrusted {
    /// The trust is over, or has not begun.
    #[error("{publisher} was trusted from {from} until {until}, and today is {now}")]
    Over {
        /// Who.
        publisher: String,
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
        /// Today.
        now: Date,
    },
    /// The file was uploaded on another day.
    #[error("{publisher} is trusted for releases from {from} until {until}, and this one is of {}", day(.uploaded))]
    OtherDay {
        /// Who.
        publisher: String,
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
        /// The day of the upload, where it is known.
        uploaded: Option<Date>,
    },
    /// It has no provenance.
    #[error("{expected} is trusted, and the file has no provenance")]
    NoProvenance {
        /// Who is trusted.
        expected: String,
    },
    /// It comes from somebody else.
    #[error("{expected} is trusted, and the file was published by {found}")]
    OtherPublisher {
        /// Who is trusted.
        expected: String,
        /// Who published it.
        found: String,
    },
    /// The release before came from somebody else.
    #[error("the publisher is new: {}, the release before, was published by {}", .before, found.as_deref().unwrap_or("nobody that provenance names"))]
    NewPublisher {
        /// The file before.
        before: String,
        /// Who published it.
        found: Option<String>,
    },
    /// It brings something that runs by itself.
    #[error("it adds what no file before had: {}", .adds.join(", "))]
    Adds {
        /// What.
        adds: Vec<String>,
    },
}

fn day(uploaded: &Option<Date>) -> String {
    uploaded.map_or_else(|| "an unknown day".to_owned(), |date| date.to_string())
}

impl NotTrusted {
    /// A name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Over { .. } => "trust-over",
            Self::OtherDay { .. } => "trust-other-day",
            Self::NoProvenance { .. } => "trust-no-provenance",
            Self::OtherPublisher { .. } => "trust-other-publisher",
            Self::NewPublisher { .. } => "trust-new-publisher",
            Self::Adds { .. } => "trust-adds",
        }
    }
}

/// What the trusted publishers of a project say to a file: reasons, each with the file before that has to
/// meet the criterion, and refusals.
pub(crate) struct Trust {
    pub(crate) reasons: Vec<(Reason, Vec<FileId>)>,
    pub(crate) refusals: Vec<NotTrusted>,
}

pub(crate) fn trust(
    book: &Book<'_>,
    project: &ProjectName,
    digest: &Sha256,
    criterion: &CriterionName,
    now: Date,
) -> Trust {
    let mut trust = Trust { reasons: Vec::new(), refusals: Vec::new() };
    let facts: Vec<_> = book.facts(digest).iter().filter(|it| it.project == *project).collect();
    let implies = |it: &&TrustedPublisher| {
        it.criteria.iter().any(|own| book.ledger.criteria.implied(own).any(|it| it == criterion))
    };
    let entries = book.ledger.trusted.iter().filter(|it| matches(&it.projects, project));
    for entry in entries.filter(implies) {
        // Records of one file may contradict each other: all of them have to allow it.
        let refusal = facts.iter().find_map(|fact| judge(entry, fact, now).err());
        if let Some(refusal) = refusal {
            trust.refusals.push(refusal);
        } else if !facts.is_empty() {
            let before: Vec<FileId> = facts.iter().filter_map(|it| it.before.clone()).collect();
            let reason = Reason::Trusted {
                publisher: entry.publisher.clone(),
                until: entry.until,
                before: before.first().cloned(),
                place: entry.place.clone(),
            };
            trust.reasons.push((reason, before));
        }
    }
    trust
}

fn judge(entry: &TrustedPublisher, fact: &FileFact, now: Date) -> Result<(), NotTrusted> {
    let publisher = || entry.publisher.clone();
    let (from, until) = (entry.from, entry.until);
    match &fact.publisher {
        None => return Err(NotTrusted::NoProvenance { expected: publisher() }),
        Some(found) if *found != entry.publisher => {
            let found = found.clone();
            return Err(NotTrusted::OtherPublisher { expected: publisher(), found });
        }
        Some(_) => {}
    }
    if now < from || now > until {
        return Err(NotTrusted::Over { publisher: publisher(), from, until, now });
    }
    // A day to come is no day on which anything was uploaded.
    if !fact.uploaded.is_some_and(|day| from <= day && day <= until.min(now)) {
        let uploaded = fact.uploaded;
        return Err(NotTrusted::OtherDay { publisher: publisher(), from, until, uploaded });
    }
    if let Some(before) = &fact.before
        && fact.publisher_before.as_ref() != Some(&entry.publisher)
    {
        let (before, found) = (before.name.clone(), fact.publisher_before.clone());
        return Err(NotTrusted::NewPublisher { before, found });
    }
    if !fact.adds.is_empty() {
        return Err(NotTrusted::Adds { adds: fact.adds.clone() });
    }
    Ok(())
}
