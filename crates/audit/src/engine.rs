//! An audit from facts and records to a report.
//!
//! Two looks at the facts: a [`Survey`] of all projects (who holds roles, which names have which
//! releases), and then the judgement of each, which needs nothing but its own facts and what is the
//! same for all. So a snapshot of any size is read twice, line by line, and never held whole.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::dossier::{Context, Elsewhere, Overview, Summary, build};
use crate::fact::{IndexRelease, Presence, ProjectFacts};
use crate::federation::Federation;
use crate::finding::{Finding, Severity};
use crate::record::{Known, ProjectRecords, Records, RecordsDate};
use crate::report::{Counts, Report, Timeline};
use crate::rule::RULES;
use crate::suppress;

mod timeline;

/// The first look: what has to be known of all projects before one is judged.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// In how many projects an account holds a role.
    holders: BTreeMap<String, usize>,
    /// How many projects say who holds roles.
    with_roles: usize,
    /// Releases with files of names that share a repository with other names.
    shared: BTreeMap<ProjectName, BTreeSet<Version>>,
    newest_upload: Option<Timestamp>,
    newest_official: Option<Timestamp>,
}

/// What the first look takes of one project.
#[derive(Clone, Debug, Default)]
pub struct Glimpse {
    name: Option<ProjectName>,
    accounts: Option<BTreeSet<String>>,
    shared: Option<BTreeSet<Version>>,
    newest_upload: Option<Timestamp>,
    newest_official: Option<Timestamp>,
}

impl Glimpse {
    /// Looks at one project.
    #[must_use]
    pub fn of(facts: &ProjectFacts, records: &Records) -> Self {
        let project = records.projects.get(&facts.name);
        let shares = project
            .into_iter()
            .flat_map(|project| &project.repositories)
            .any(|one| records.names_of_repository.get(one).is_some_and(|names| names.len() > 1));
        let versions = || {
            let with_files = facts.releases.iter().filter(|release| !release.files.is_empty());
            with_files.filter_map(|release| release.version.parse().ok()).collect()
        };
        let is_undated = |project: &&ProjectRecords| records.date.is_none() && !project.up_to_now;
        let newest_official = project.filter(is_undated).and_then(|project| {
            let official: BTreeSet<Version> =
                project.releases.iter().filter_map(|one| one.version.parse().ok()).collect();
            let is_official = |text: &str| {
                text.parse::<Version>().is_ok_and(|version| official.contains(&version))
            };
            let listed = facts.releases.iter().filter(|release| is_official(&release.version));
            listed.filter_map(IndexRelease::first_upload).max()
        });
        let roles = facts.roles.as_ref();
        Self {
            name: Some(facts.name.clone()),
            accounts: roles.map(|roles| roles.iter().map(|role| role.account.clone()).collect()),
            shared: shares.then(versions),
            newest_upload: facts.releases.iter().filter_map(IndexRelease::first_upload).max(),
            newest_official,
        }
    }
}

impl Survey {
    /// Adds what was seen of one project.
    pub fn add(&mut self, glimpse: Glimpse) {
        if let Some(accounts) = glimpse.accounts {
            self.with_roles += 1;
            for account in accounts {
                *self.holders.entry(account).or_default() += 1;
            }
        }
        if let Some((name, shared)) = glimpse.name.zip(glimpse.shared) {
            self.shared.insert(name, shared);
        }
        self.newest_upload = self.newest_upload.max(glimpse.newest_upload);
        self.newest_official = self.newest_official.max(glimpse.newest_official);
    }

    /// The newest upload that was seen; for facts that do not say when they were read.
    #[must_use]
    pub fn newest_upload(&self) -> Option<Timestamp> {
        self.newest_upload
    }

    /// Gives records without a date the day of the newest upload that they list: they were written
    /// then at the earliest.
    pub fn date(&self, records: &mut Records) {
        if records.date.is_some() {
            return;
        }
        let undated = records.projects.values().filter(|project| !project.up_to_now);
        let releases = undated.flat_map(|project| &project.releases);
        let listed =
            releases.filter(|one| one.known == Known::Listed).filter_map(|one| one.approved);
        let newest_approval = listed.max();
        let (at, from) = match (self.newest_official, newest_approval) {
            (Some(upload), Some(approval)) if approval > upload => (approval, "approval"),
            (Some(upload), _) => (upload, "upload"),
            (None, Some(approval)) => (approval, "approval"),
            (None, None) => return,
        };
        let from = format!("the newest {from} that they list");
        let day = at.to_zoned(TimeZone::UTC).date();
        records.assumptions.insert(
            0,
            format!(
                "the records have no date of their own: they are taken to speak up to {day}, {from}"
            ),
        );
        records.reach(RecordsDate { at, from });
    }

    /// The accounts that upload releases: given, or else those that hold a role on more than half of
    /// the projects (of three at least). The second value says whether they are assumed.
    #[must_use]
    pub fn release_accounts(&self, federation: &Federation) -> (BTreeSet<String>, bool) {
        let accounts = &federation.accounts;
        if !accounts.release.is_empty() {
            return (accounts.release.clone(), false);
        }
        if !accounts.owners.is_empty() {
            return (accounts.owners.clone(), false);
        }
        let most =
            self.holders.iter().filter(|(_, count)| **count >= 3 && **count * 2 > self.with_roles);
        (most.map(|(account, _)| account.clone()).collect(), true)
    }

    /// What was assumed of accounts, for the report.
    #[must_use]
    pub fn assumption(&self, accounts: &BTreeSet<String>) -> String {
        if accounts.is_empty() {
            return "no account holds a role on most projects: who is expected is not known, and roles \
                were not judged"
                .to_owned();
        }
        let counted: Vec<String> = accounts
            .iter()
            .map(|account| {
                let count = self.holders.get(account).copied().unwrap_or_default();
                format!("{account} (a role on {count} of {} projects)", self.with_roles)
            })
            .collect();
        format!("taken as the release account: {}", counted.join(", "))
    }
}

impl Elsewhere for Survey {
    fn has_release(&self, project: &ProjectName, version: &Version) -> Option<bool> {
        self.shared.get(project).map(|versions| versions.contains(version))
    }
}

/// The second look: judges one project by its own facts and what is the same for all.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// What is the same for all.
    pub context: &'a Context<'a>,
    /// What the first look saw.
    pub survey: &'a Survey,
}

/// What came out for one project.
#[derive(Debug)]
pub struct Judged {
    name: ProjectName,
    findings: Vec<Finding>,
    summary: Summary,
    timeline: Option<Timeline>,
    unusable: Vec<String>,
    counts: Counts,
}

impl Judge<'_> {
    /// Judges one project. `previous` is what the index showed in the run before.
    #[must_use]
    pub fn judge(&self, facts: &ProjectFacts, previous: Option<&ProjectFacts>) -> Judged {
        let dossier = build(self.context, facts, previous, self.survey);
        let mut findings = Vec::new();
        for rule in RULES {
            rule.check_project(&dossier, &mut findings);
        }
        let is_worth_a_picture = findings
            .iter()
            .any(|finding| finding.explained.is_none() && finding.severity >= Severity::Low);
        let counts = Counts {
            projects: usize::from(!matches!(facts.presence, Presence::Unread(_))),
            releases: facts.releases.len(),
            files: facts.releases.iter().map(|release| release.files.len()).sum(),
            official: dossier.records.map_or(0, |records| records.releases.len()),
        };
        Judged {
            name: facts.name.clone(),
            summary: Summary::of(&dossier),
            timeline: is_worth_a_picture.then(|| timeline::draw(&dossier)),
            unusable: facts.unusable.clone(),
            findings,
            counts,
        }
    }

    /// Judges projects that are in memory, on all processors.
    #[must_use]
    pub fn judge_all(
        &self,
        facts: &[ProjectFacts],
        previous: &BTreeMap<ProjectName, ProjectFacts>,
    ) -> Tally {
        let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        let judge = |facts: &ProjectFacts| self.judge(facts, previous.get(&facts.name));
        let judge = &judge;
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let threads: Vec<_> = facts
                .chunks(facts.len().div_ceil(workers).max(1))
                .map(|chunk| scope.spawn(move || chunk.iter().map(judge).collect::<Vec<_>>()))
                .collect();
            for thread in threads {
                let judged = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                judged.into_iter().for_each(|one| tally.add(one));
            }
        });
        tally
    }
}

/// What came out for all projects so far. The order in which they are added makes no difference.
#[derive(Debug, Default)]
pub struct Tally {
    findings: Vec<Finding>,
    projects: BTreeMap<ProjectName, Summary>,
    timelines: Vec<Timeline>,
    unread: Vec<(ProjectName, String)>,
    unusable: BTreeMap<String, BTreeSet<ProjectName>>,
    counts: Counts,
}

impl Tally {
    /// Adds one project.
    pub fn add(&mut self, judged: Judged) {
        if let Presence::Unread(reason) = &judged.summary.presence {
            self.unread.push((judged.name.clone(), reason.clone()));
        }
        for line in judged.unusable {
            self.unusable.entry(line).or_default().insert(judged.name.clone());
        }
        self.counts.projects += judged.counts.projects;
        self.counts.releases += judged.counts.releases;
        self.counts.files += judged.counts.files;
        self.counts.official += judged.counts.official;
        self.findings.extend(judged.findings);
        self.timelines.extend(judged.timeline);
        self.projects.insert(judged.name, judged.summary);
    }

    /// Looks at all projects together, takes away what was accepted, and puts the worst first.
    ///
    /// `facts` says where they are from; `is_whole` whether these are all projects of the federation.
    #[must_use]
    pub fn finish(mut self, context: &Context<'_>, facts: String, is_whole: bool) -> Report {
        let overview = Overview { context, projects: self.projects };
        for rule in RULES {
            rule.check_federation(&overview, &mut self.findings);
        }
        let today = context.now.to_zoned(TimeZone::UTC).date();
        let judged = suppress::Judged::of(&overview);
        let judged = if is_whole { judged } else { judged.partly() };
        let suppressed = suppress::apply(self.findings, context.federation, today, &judged);
        let mut findings = suppressed.findings;
        findings.sort_by(|one, other| order(one).cmp(&order(other)));
        self.timelines.sort_by(|one, other| one.project.cmp(&other.project));
        self.unread.sort();
        let date = context.records.date.as_ref();
        let mut assumptions = context.records.assumptions.clone();
        assumptions.extend(passed_over(&self.unusable));
        Report {
            federation: context.federation.name.clone(),
            at: context.now,
            facts,
            sources: context.records.sources.clone(),
            records_until: date
                .map(|date| format!("{} ({})", date.at.to_zoned(TimeZone::UTC).date(), date.from)),
            assumptions,
            problems: context.records.problems.clone(),
            unread: self.unread,
            findings,
            accepted: suppressed.accepted,
            counts: self.counts,
            timelines: self.timelines,
        }
    }
}

/// As many kinds of what could not be used are told; a broken index may have any number.
const TOLD: usize = 50;

/// What of the index's answers could not be used, each thing once, with the projects of which it is said.
fn passed_over(unusable: &BTreeMap<String, BTreeSet<ProjectName>>) -> Vec<String> {
    let mut lines: Vec<String> = unusable
        .iter()
        .take(TOLD)
        .map(|(line, projects)| {
            let first = projects.first().map_or("", |name| name.as_str());
            match projects.len() {
                0 | 1 => format!("the index about {first}: {line}"),
                count => format!("the index about {first} and {} more: {line}", count - 1),
            }
        })
        .collect();
    if let Some(more) = unusable.len().checked_sub(TOLD).filter(|more| *more > 0) {
        lines.push(format!("{more} more things that the index said could not be used"));
    }
    lines
}

/// Worst first; explained ones last.
fn order(finding: &Finding) -> impl Ord {
    let version = finding.versions.first().map(|text| {
        let version = text.parse::<Version>().ok();
        (version, text.clone())
    });
    (
        finding.explained.is_some(),
        std::cmp::Reverse(finding.severity),
        finding.projects.len() > 1,
        finding.projects.clone(),
        finding.rule,
        version,
        finding.key(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_used_is_told_once_for_all_and_not_without_end() {
        let names = |texts: &[&str]| -> BTreeSet<ProjectName> {
            texts.iter().map(|text| ProjectName::parse(text).unwrap()).collect()
        };
        let mut unusable = BTreeMap::from([
            ("came in html".to_owned(), names(&["kettle", "jug", "pot"])),
            ("no digest".to_owned(), names(&["jug"])),
        ]);
        assert_eq!(
            passed_over(&unusable),
            ["the index about jug and 2 more: came in html", "the index about jug: no digest"]
        );
        for number in 0..TOLD {
            unusable.insert(format!("odd {number}"), names(&["jug"]));
        }
        let lines = passed_over(&unusable);
        assert_eq!(lines.len(), TOLD + 1);
        assert_eq!(lines[TOLD], "2 more things that the index said could not be used");
    }
}
