//! Whether a review counts, and as what: everything about it but the files that it rests on.
//!
//! What needs no arithmetic is looked at first; a signature is verified last, when the review would
//! decide.

use std::collections::BTreeSet;

use countermark_packaging::name::{NamePattern, ProjectName};
use jiff::Span;
use jiff::civil::Date;

use super::judgement::ReviewRef;
use super::source::{Book, Entry, Origin, Refused, Source};
use crate::criteria::CriterionName;

/// Why a review does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCounted {
    /// It has no signature, or one that does not count.
    #[error("{}", .0.message)]
    Signature(Refused),
    /// It is about another project.
    #[error("it is about {found}, and the file was asked for as one of {expected}")]
    OtherProject {
        /// Of the file.
        expected: ProjectName,
        /// Of the review.
        found: ProjectName,
    },
    /// The import leaves this project out.
    #[error("reviews of {project} from `{import}` are left out by our ledger")]
    Excluded {
        /// The import.
        import: String,
        /// The project.
        project: ProjectName,
    },
    /// It does not say what is asked.
    #[error("it says {found}, which does not imply {expected} here")]
    OtherCriteria {
        /// What is asked.
        expected: CriterionName,
        /// What it says, in its own words.
        found: String,
    },
    /// It is from a day to come.
    #[error("it is dated {on}, and today is {now}")]
    Future {
        /// Its day.
        on: Date,
        /// Today.
        now: Date,
    },
    /// Its author limited it.
    #[error("it counted until {until}, and today is {now}")]
    Expired {
        /// The last day.
        until: Date,
        /// Today.
        now: Date,
    },
    /// Our ledger limits the age of reviews.
    #[error("it is from {on}, and reviews count for {days} days, until {until}")]
    TooOld {
        /// Its day.
        on: Date,
        /// For how long reviews count.
        days: u32,
        /// The last day.
        until: Date,
    },
    /// Its author may release the project.
    #[error("{author} holds a role on {project} at the index, as `{account}`")]
    OwnProject {
        /// The author.
        author: String,
        /// The project.
        project: ProjectName,
        /// As whom.
        account: String,
    },
    /// Nobody knows who may release the project, and our ledger wants to know.
    #[error("it is not known who holds roles on {project}")]
    UnknownRoles {
        /// The project.
        project: ProjectName,
    },
}

impl NotCounted {
    /// A name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(refused) => refused.code,
            Self::OtherProject { .. } => "review-other-project",
            Self::Excluded { .. } => "review-excluded",
            Self::OtherCriteria { .. } => "review-other-criteria",
            Self::Future { .. } => "review-from-future",
            Self::Expired { .. } => "review-expired",
            Self::TooOld { .. } => "review-too-old",
            Self::OwnProject { .. } => "review-own-project",
            Self::UnknownRoles { .. } => "review-unknown-roles",
        }
    }

    /// What could be done about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Expired { .. } | Self::TooOld { .. } => {
                "whoever still stands by it says so again: countermark vet renew"
            }
            Self::OwnProject { .. } => {
                "a team that wants it to count names both in [[own-reviews]]"
            }
            Self::UnknownRoles { .. } => "ask the index: countermark vet facts",
            Self::OtherCriteria { .. } => {
                "criteria of an import count as what [import.criteria] says, and as nothing else"
            }
            Self::Signature(_)
            | Self::OtherProject { .. }
            | Self::Excluded { .. }
            | Self::Future { .. } => return None,
        })
    }
}

/// A review that a source has about a file.
pub(crate) struct Candidate {
    /// Which source of the book.
    pub(crate) source: usize,
    pub(crate) entry: Entry,
    pub(crate) reference: ReviewRef,
    /// As what it counts if its signature does.
    pub(crate) counts: Result<BTreeSet<CriterionName>, NotCounted>,
}

impl Candidate {
    pub(crate) fn new(
        book: &Book<'_>,
        source: usize,
        entry: Entry,
        project: &ProjectName,
        now: Date,
    ) -> Self {
        let from = &book.sources[source];
        let review = &entry.review;
        let reference = ReviewRef {
            origin: from.origin.clone(),
            author: review.author.clone(),
            on: review.on,
            until: last_day(book, review.on, review.until),
            id: entry.id,
            place: entry.place.clone(),
            roles_unknown: book.roles(project).is_none(),
        };
        let counts = judge(book, from, &entry, project, now);
        Self { source, entry, reference, counts }
    }

    /// Whether it says this, signature aside.
    pub(crate) fn says(&self, criterion: &CriterionName) -> Result<(), NotCounted> {
        let criteria = self.counts.as_ref().map_err(Clone::clone)?;
        if criteria.contains(criterion) {
            return Ok(());
        }
        let found: Vec<&str> =
            self.entry.review.criteria.iter().map(CriterionName::as_str).collect();
        Err(NotCounted::OtherCriteria { expected: criterion.clone(), found: found.join(", ") })
    }

    /// The order in which good reasons are preferred: ours first, then imports by name, newest first.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let (mine, theirs) = (&self.entry, &other.entry);
        self.source
            .cmp(&other.source)
            .then_with(|| theirs.review.on.cmp(&mine.review.on))
            .then_with(|| mine.review.author.cmp(&theirs.review.author))
            .then_with(|| mine.id.cmp(&theirs.id))
            .then_with(|| mine.review.signature.cmp(&theirs.review.signature))
    }
}

/// The last day on which a review counts; none where neither its author nor our ledger sets one.
fn last_day(book: &Book<'_>, on: Date, until: Option<Date>) -> Option<Date> {
    let aged = book.ledger.maximum_age_days.map(|days| end_of_age(on, days));
    [until, aged].into_iter().flatten().min()
}

/// An age beyond the calendar is none.
fn end_of_age(on: Date, days: u32) -> Date {
    let last = Span::new().try_days(i64::from(days));
    last.ok().and_then(|span| on.checked_add(span).ok()).unwrap_or(Date::MAX)
}

fn judge(
    book: &Book<'_>,
    source: &Source<'_>,
    entry: &Entry,
    project: &ProjectName,
    now: Date,
) -> Result<BTreeSet<CriterionName>, NotCounted> {
    let review = &entry.review;
    if review.signature.is_none() {
        // What no key stands behind needs no arithmetic to be refused.
        let message = format!("it has no signature of {}", review.author);
        return Err(NotCounted::Signature(Refused { code: "review-unsigned", message }));
    }
    if review.project != *project {
        let (expected, found) = (project.clone(), review.project.clone());
        return Err(NotCounted::OtherProject { expected, found });
    }
    if let Some((import, _)) = source.imported
        && matches(&import.exclude, project)
    {
        let (import, project) = (import.name.clone(), project.clone());
        return Err(NotCounted::Excluded { import, project });
    }
    if review.on > now {
        return Err(NotCounted::Future { on: review.on, now });
    }
    if let Some(until) = review.until.filter(|until| *until < now) {
        return Err(NotCounted::Expired { until, now });
    }
    if let Some(days) = book.ledger.maximum_age_days {
        let until = end_of_age(review.on, days);
        if until < now {
            return Err(NotCounted::TooOld { on: review.on, days, until });
        }
    }
    judge_roles(book, source, &review.author, project)?;
    Ok(meaning(book, source, &review.criteria))
}

/// By default nobody's review counts for a project that they may release.
fn judge_roles(
    book: &Book<'_>,
    source: &Source<'_>,
    author: &str,
    project: &ProjectName,
) -> Result<(), NotCounted> {
    let own = book.ledger.own_reviews.iter();
    if own.filter(|it| it.author == author).any(|it| matches(&it.projects, project)) {
        return Ok(());
    }
    let Some(roles) = book.roles(project) else {
        return match book.ledger.counts_unknown_roles {
            true => Ok(()),
            false => Err(NotCounted::UnknownRoles { project: project.clone() }),
        };
    };
    // Of all keys of the author, under every name that has one of them: neither a second key without
    // accounts nor a second name is a way round the rule.
    let keys = source.imported.map_or(&[][..], |(import, _)| import.keys.as_slice());
    let keys = book.ledger.keys.iter().chain(keys).filter(|key| key.author == author);
    let account = keys
        .flat_map(|key| book.accounts(key))
        .find(|account| roles.accounts.iter().any(|it| it.eq_ignore_ascii_case(account)));
    match account {
        None => Ok(()),
        Some(account) => Err(NotCounted::OwnProject {
            author: author.to_owned(),
            project: project.clone(),
            account: account.to_owned(),
        }),
    }
}

/// What a review's criteria are here, with everything that they imply. Those of an import imply what
/// its own ledger says, count as what our ledger says of them, and imply what ours imply.
fn meaning(
    book: &Book<'_>,
    source: &Source<'_>,
    criteria: &[CriterionName],
) -> BTreeSet<CriterionName> {
    let ours = &book.ledger.criteria;
    let Some((import, theirs)) = source.imported else {
        return criteria.iter().flat_map(|it| ours.implied(it)).cloned().collect();
    };
    let said = criteria.iter().flat_map(|it| theirs.criteria.implied(it));
    let mapped = said.filter_map(|it| import.mapping.get(it)).flatten();
    mapped.flat_map(|it| ours.implied(it)).cloned().collect()
}

/// Whether one of them means the project.
pub(crate) fn matches(patterns: &[NamePattern], project: &ProjectName) -> bool {
    patterns.iter().any(|pattern| pattern.matches(project))
}

/// Verifies a signature for a candidate that would decide.
pub(crate) fn verify(book: &Book<'_>, origin: &Origin, entry: &Entry) -> Result<(), NotCounted> {
    book.signatures.verify(origin, &entry.review).map_err(NotCounted::Signature)
}
