//! Judges locks before anything is installed: anybody's, in every format.
//!
//! Decides from a lock as it stands ([`LockDocument`]), the policy of the project, what indexes say
//! now, and the lock before, if there is one. The lock is not trusted: it may have been changed in a
//! pull request. Indexes are not trusted either: what they say is held against the lock, and where
//! both disagree, that is the finding. What could not be looked at is said apart, and is neither good
//! nor bad.
//!
//! A defect of a program that writes locks is not an attack, and is not shown as one: see [`Kind`].

mod baseline;
pub mod entry;
mod facts;
mod finding;
mod location;
pub mod report;
pub mod rule;
mod scope;
mod survey;

use std::collections::BTreeMap;

use countermark_packaging::lock::document::{LockDocument, LockPackage, LockSource};
use countermark_packaging::name::ProjectName;
use countermark_report::Severity;
use countermark_trust::policy::{HORIZON_DAYS, LedgerAnswers, Policy};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

pub use baseline::{Baseline, MAXIMUM_SIZE, Passed};
use entry::Entry;
pub use facts::{Facts, IndexFacts, ListedFile, Locked, ProjectFacts};
pub use finding::{Finding, Key, Kind, Unchecked};
pub(crate) use location::file_name;
pub use location::{host_of, is_same_index};
pub use report::Report;
use rule::{Ground, Said};
use scope::Scope;
pub use scope::{Move, Moves};
use survey::Survey;

/// A lock, and the one before it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The lock.
    pub lock: LockDocument,
    /// What to compare it with: then only what moved is judged. A lock that is new is compared with
    /// an empty one.
    pub base: Option<LockDocument>,
}

/// What a judgement rests on, beside the locks.
#[derive(Clone, Copy, Debug)]
pub struct Standards<'a> {
    /// What the project wants of its pins.
    pub policy: &'a Policy,
    /// What is let pass.
    pub baseline: &'a Baseline,
    /// What the baseline was before, where that is known: it may only shrink.
    pub baseline_before: Option<&'a Baseline>,
    /// The configured indexes, without credentials, in the order in which they count.
    pub indexes: &'a [String],
    /// Those of them that are asked for every name: one that is configured for some names only is not.
    pub asked: &'a [String],
    /// The address of the public index.
    pub public: &'a str,
    /// What indexes say; none where nobody was to be asked.
    pub facts: Option<&'a Facts>,
    /// What the ledger says of the files of the locks; none where the policy does not ask.
    pub ledger: Option<&'a LedgerAnswers>,
    /// Now.
    pub now: Timestamp,
}

/// Judges locks together.
#[must_use]
pub fn judge(judged: &[Judged], standards: &Standards<'_>) -> Report {
    let survey = Survey::of(judged.iter().map(|one| &one.lock));
    let mut said = Said::default();
    let mut summaries = Vec::new();
    for one in judged {
        let lock = &one.lock;
        let ground = Ground {
            lock,
            survey: &survey,
            policy: standards.policy,
            indexes: standards.indexes,
            asked: standards.asked,
            public: standards.public,
            has_asked: standards.facts.is_some(),
            ledger: standards.ledger,
            now: standards.now,
        };
        let scope = Scope::of(lock, one.base.as_ref());
        for &(package, standing) in &scope.entries {
            let facts = standards.facts.and_then(|facts| facts.get(&package.project));
            let entry = Entry::new(package, standing, facts);
            ground.look(&entry, &mut said);
            rule::check(&entry, &ground, &mut said);
        }
        summaries.push(report::LockSummary {
            file: lock.file.clone(),
            format: lock.format,
            entries: lock.packages.len(),
            judged: scope.entries.len(),
            moves: one.base.is_some().then_some(scope.moves),
            notes: lock.notes.clone(),
        });
    }
    finish(said, summaries, standards)
}

/// Holds what was found against what is let pass.
fn finish(said: Said, locks: Vec<report::LockSummary>, standards: &Standards<'_>) -> Report {
    let mut let_pass = said.excepted;
    let mut findings = Vec::new();
    let mut used = vec![false; standards.baseline.passed.len()];
    for finding in said.findings {
        let finding = with_allow(of_fixture(finding), standards.now);
        let key = finding.key();
        let position = standards.baseline.passed.iter().position(|passed| passed.key == key);
        let position = position.filter(|_| !finding.is_final);
        let reason = position.and_then(|at| {
            used[at] = true;
            let passed = &standards.baseline.passed[at];
            (!passed.has_expired(standards.now)).then(|| passed.describe())
        });
        match reason {
            Some(reason) => let_pass.push((finding, reason)),
            None => findings.push(finding),
        }
    }
    let order = |finding: &Finding| {
        let place = (finding.place.file.clone(), finding.place.line, finding.place.column);
        (std::cmp::Reverse(finding.severity), finding.kind, place, finding.rule)
    };
    findings.sort_by_cached_key(order);
    let_pass.sort_by_cached_key(|(finding, _)| order(finding));
    let mut unchecked = said.unchecked;
    unchecked.sort_by_cached_key(|one| (one.is_asked_for, one.place.file.clone(), one.place.line));
    let grown = standards.baseline_before.map(|before| standards.baseline.grown_since(before));
    let is_complete = |lock: &str| {
        let summary = locks.iter().find(|summary| summary.file == lock);
        summary.is_some_and(|summary| summary.moves.is_none())
    };
    let stale = standards.baseline.passed.iter().zip(used);
    // Only what was looked at can be known to be gone.
    let stale = stale.filter(|(passed, used)| {
        let needs_index = rule::find(&passed.key.rule).is_none_or(rule::Rule::needs_index);
        !used && is_complete(&passed.key.lock) && (standards.facts.is_some() || !needs_index)
    });
    Report {
        at: standards.now,
        indexes: standards.facts.map(|_| standards.indexes.to_vec()),
        policy: standards.policy.file().map(str::to_owned),
        stale: stale.map(|(passed, _)| passed.key.clone()).collect(),
        grown: grown.unwrap_or_default(),
        locks,
        findings,
        let_pass,
        unchecked,
    }
}

/// Folders of made-up locks, which tests read and nobody installs.
const FIXTURES: [&str; 5] = ["fixture", "fixtures", "test-data", "test_data", "testdata"];

/// A contradiction in a lock below such a folder is somebody's example. It is told all the same, in
/// case somebody does install it.
fn of_fixture(finding: Finding) -> Finding {
    let folders = finding.place.file.rsplit_once('/').map_or("", |(folders, _)| folders);
    let folder = folders.split('/').find(|name| FIXTURES.contains(name));
    match folder {
        Some(folder) if finding.kind == Kind::Disagreement => Finding {
            severity: Severity::Low,
            kind: Kind::Defect,
            hint: format!(
                "below `{folder}` a lock is taken for a fixture: nobody should install it"
            ),
            ..finding
        },
        _ => finding,
    }
}

/// With the line of the baseline that would let it pass for some days. What contradicts itself has
/// none: that is not for a line that is pasted.
fn with_allow(finding: Finding, now: Timestamp) -> Finding {
    if finding.kind != Kind::Lack || !finding.allow.is_empty() {
        return finding;
    }
    let today = now.to_zoned(TimeZone::UTC).date();
    let until = today.saturating_add(Span::new().days(HORIZON_DAYS));
    let allow = baseline::line(&finding.key(), &finding.message, Some(until));
    Finding { allow, ..finding }
}

/// What is to be asked of indexes: every project of these locks that one could know, with what is
/// locked of it. An entry of an index that is not configured is asked for at those that are; nobody
/// connects to where a lock points.
#[must_use]
pub fn wanted(judged: &[Judged]) -> BTreeMap<ProjectName, Locked> {
    let mut wanted: BTreeMap<ProjectName, Locked> = BTreeMap::new();
    for one in judged {
        for (package, _) in &Scope::of(&one.lock, one.base.as_ref()).entries {
            let LockSource::Index(_) = package.source else { continue };
            let Some(version) = &package.version else { continue };
            let locked = wanted.entry(package.project.clone()).or_default();
            locked.versions.insert(version.clone());
            let names = Entry::new(package, entry::Standing::Unknown, None).named;
            locked.names.extend(names.into_iter().map(|named| named.name));
        }
    }
    wanted
}

impl Ground<'_> {
    /// Whether the index of an entry is one that was asked, as far as the lock names it.
    fn asks(&self, entry: &Entry<'_>) -> bool {
        let Some(index) = entry.index().filter(|index| location::is_address(index)) else {
            return true;
        };
        self.asked.iter().any(|known| is_same_index(known, index))
    }

    /// Says that something could not be looked at.
    fn unchecked(&self, entry: &Entry<'_>, what: &'static str, why: String, said: &mut Said) {
        said.unchecked.push(unchecked(entry.package, what, why, !self.has_asked));
    }

    /// Whether an entry can be held against an index at all.
    fn look(&self, entry: &Entry<'_>, said: &mut Said) {
        let package = entry.package;
        let LockSource::Index(_) = package.source else { return };
        if package.version.is_none() {
            return;
        }
        let why = match entry.facts {
            None if self.has_asked => "its project was not asked for".to_owned(),
            None => "no index was asked".to_owned(),
            Some(ProjectFacts::Unavailable { reason }) => reason.clone(),
            Some(ProjectFacts::Known(_)) if self.asks(entry) => return,
            Some(ProjectFacts::Known(_)) => {
                let index = entry.index().unwrap_or_default();
                // `unknown-index` is the finding; this says what it leaves open.
                let why = format!("{index} was not asked");
                said.unchecked.push(unchecked(package, "index", why, true));
                return;
            }
        };
        self.unchecked(entry, "index", why, said);
    }
}

fn unchecked(
    package: &LockPackage,
    what: &'static str,
    why: String,
    is_asked_for: bool,
) -> Unchecked {
    Unchecked {
        project: package.project.clone(),
        version: package.version.as_ref().map(ToString::to_string),
        what,
        why,
        place: package.place.clone(),
        is_asked_for,
    }
}

impl Report {
    /// Whether there is a finding of this severity or worse.
    #[must_use]
    pub fn has(&self, least: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= least)
    }

    /// How many findings are of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether something was to be looked at and could not be.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.unchecked.iter().any(|one| !one.is_asked_for)
    }
}

#[cfg(test)]
mod tests;
