//! What came out: how much was read, the share of each class, and the evidence. A report is the same
//! for the same statements: there is no clock in it, so that it can be kept in a repository.

pub mod html;
pub mod json;
pub mod markdown;
pub mod sarif;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use super::class::{self, Class};
use super::compare::compare;
use super::finding::Finding;
use super::statement::Statement;

/// So many locks that could not be read are listed.
pub const MAXIMUM_UNREAD: usize = 1000;

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How much was read.
    pub tally: Tally,
    /// Alarms first.
    pub findings: Vec<Finding>,
    /// Locks, or versions of them, that could not be read.
    pub unread: Vec<Unread>,
    /// How many there are, also of those that are not listed.
    pub unread_count: usize,
    /// What else a reader has to know: what was not read, because there was too much.
    pub notes: Vec<String>,
}

/// A lock, or a version of one, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// `app:uv.lock:3@0a1b2c3d4e5f`.
    pub place: String,
    /// Why not.
    pub reason: String,
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Repositories and folders.
    pub repositories: usize,
    /// Locks with pins, each once, however many versions of it there are.
    pub locks: usize,
    /// Digests in them, each once for each lock.
    pub pins: usize,
    /// Releases.
    pub releases: usize,
    /// Names of files.
    pub files: usize,
    /// Those that stand in two locks or more.
    pub shared: usize,
}

/// How often a class was found.
#[derive(Clone, Copy)]
pub struct Share {
    /// The class.
    pub class: &'static dyn Class,
    /// How many findings.
    pub number: usize,
    /// Of a hundred findings.
    pub percent: f64,
}

impl std::fmt::Debug for Share {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.class.code(), self.number)
    }
}

impl Report {
    /// Compares the statements.
    #[must_use]
    pub fn of(statements: &[Statement], mut unread: Vec<Unread>, notes: Vec<String>) -> Self {
        unread.sort_unstable();
        unread.dedup();
        let unread_count = unread.len();
        unread.truncate(MAXIMUM_UNREAD);
        let findings = compare(statements);
        Self { tally: Tally::of(statements), findings, unread, unread_count, notes }
    }

    /// How many findings are alarms.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.shares().filter(|share| share.class.is_alarm()).map(|share| share.number).sum()
    }

    /// Every class, also those of which there is nothing.
    pub fn shares(&self) -> impl Iterator<Item = Share> + '_ {
        class::all().map(|class| {
            let of_class = self.findings.iter().filter(|finding| finding.class == class.code());
            let number = of_class.count();
            Share { class, number, percent: percent(number, self.findings.len()) }
        })
    }

    /// Findings that a person should look at: alarms, and what only an index can decide.
    pub fn shown(&self) -> impl Iterator<Item = &Finding> + '_ {
        self.findings.iter().filter(|finding| {
            class::find(finding.class).is_none_or(|it| it.is_alarm() || it.is_doubtful())
        })
    }
}

impl Tally {
    fn of(statements: &[Statement]) -> Self {
        let of_locks = || statements.iter().filter(|statement| !statement.is_listing());
        let mut files: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
        let mut pins = BTreeSet::new();
        for statement in of_locks() {
            for stated in &statement.files {
                pins.insert((&statement.lock, &stated.file, &stated.digest));
                if let Some(file) = &stated.file {
                    files.entry(file).or_default().insert(&statement.lock);
                }
            }
        }
        let repositories: BTreeSet<_> = of_locks().map(|it| &it.lock.repository).collect();
        let locks: BTreeSet<_> = of_locks().map(|it| &it.lock).collect();
        let releases: BTreeSet<_> = of_locks().map(|it| (&it.project, &it.version)).collect();
        Self {
            repositories: repositories.len(),
            locks: locks.len(),
            pins: pins.len(),
            releases: releases.len(),
            files: files.len(),
            shared: files.values().filter(|locks| locks.len() > 1).count(),
        }
    }

    /// `2 repositories, 3 locks, …`.
    fn sentence(&self) -> String {
        format!(
            "{}, {}, {} of {} in {}; {} in two locks or more",
            count(self.repositories, "repository", "repositories"),
            count(self.locks, "lock", "locks"),
            count(self.pins, "pin", "pins"),
            count(self.files, "named file", "named files"),
            count(self.releases, "release", "releases"),
            match self.shared {
                1 => "one file stands".to_owned(),
                shared => format!("{shared} files stand"),
            }
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `teapot 1.2: teapot-1.2.tar.gz`.
fn title(finding: &Finding) -> String {
    match &finding.file {
        Some(file) => format!("{}: {file}", finding.release()),
        None => finding.release(),
    }
}

/// The digests of a side, of which not all are shown.
fn digests(side: &super::Side) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = side.digests.iter().take(SHOWN).map(ToString::to_string).collect();
    match side.digests.len().saturating_sub(SHOWN) {
        0 => shown.join(" "),
        more => format!("{} and {more} more", shown.join(" ")),
    }
}

/// `app:uv.lock:12@0a1b2c3d4e5f, 2026-01-01`.
fn place(pin: &super::Pinned) -> String {
    let commit = pin.at.commit.as_deref().map(|commit| commit.get(..12).unwrap_or(commit));
    let commit = commit.map(|commit| format!("@{commit}")).unwrap_or_default();
    let day = pin.at.date.map(|date| format!(", {}", date.strftime("%Y-%m-%d")));
    format!("{}:{}{commit}{}", pin.lock, pin.at.line, day.unwrap_or_default())
}
