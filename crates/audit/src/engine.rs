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
use crate::fact::{Presence, ProjectFacts};
use crate::federation::Federation;
use crate::finding::{Finding, Severity};
use crate::record::{Records, RecordsDate};
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

impl Survey {
    /// Looks at one project.
    pub fn look(&mut self, facts: &ProjectFacts, records: &Records) {
        if let Some(roles) = &facts.roles {
            self.with_roles += 1;
            let accounts: BTreeSet<&String> = roles.iter().map(|role| &role.account).collect();
            for account in accounts {
                *self.holders.entry(account.clone()).or_default() += 1;
            }
        }
        let project = records.projects.get(&facts.name);
        let shares = project.into_iter().flat_map(|project| &project.repositories).any(|one| {
            records.names_of_repository.get(one).is_some_and(|names| names.len() > 1)
        });
        if shares {
            let with_files = facts.releases.iter().filter(|release| !release.files.is_empty());
            let versions = with_files.filter_map(|release| release.version.parse().ok()).collect();
            self.shared.insert(facts.name.clone(), versions);
        }
        let newest = facts.releases.iter().filter_map(|release| release.first_upload()).max();
        self.newest_upload = self.newest_upload.max(newest);
        if let Some(project) = project.filter(|_| records.date.is_none()) {
            let official: BTreeSet<Version> =
                project.releases.iter().filter_map(|one| one.version.parse().ok()).collect();
            let is_official =
                |text: &str| text.parse::<Version>().is_ok_and(|version| official.contains(&version));
            let newest = facts.releases.iter().filter(|release| is_official(&release.version));
            let newest = newest.filter_map(|release| release.first_upload()).max();
            self.newest_official = self.newest_official.max(newest);
        }
    }

    /// The newest upload that was seen; for facts that do not say when they were read.
    #[must_use]
    pub fn newest_upload(&self) -> Option<Timestamp> {
        self.newest_upload
    }

    /// Gives records without a date the day of the newest upload that they list: they were written
    /// then at the earliest.
    pub fn date(&self, records: &mut Records) {
        if records.date.is_none()
            && let Some(at) = self.newest_official
        {
            records.reach(RecordsDate { at, from: "the newest upload that they list".to_owned() });
            let day = at.to_zoned(TimeZone::UTC).date();
            records.assumptions.push(format!(
                "the records have no date of their own: they are taken to speak up to {day}, the newest upload that they list"
            ));
        }
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
        let most = self.holders.iter().filter(|(_, count)| {
            **count >= 3 && **count * 2 > self.with_roles
        });
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

/// The second look.
#[derive(Debug)]
pub struct Engine<'a> {
    context: &'a Context<'a>,
    survey: &'a Survey,
    findings: Vec<Finding>,
    projects: BTreeMap<ProjectName, Summary>,
    timelines: Vec<Timeline>,
    unread: Vec<(ProjectName, String)>,
    counts: Counts,
}

/// What came out for one project.
struct Judged {
    name: ProjectName,
    findings: Vec<Finding>,
    summary: Summary,
    timeline: Option<Timeline>,
    counts: Counts,
}

impl<'a> Engine<'a> {
    /// Nothing judged yet.
    #[must_use]
    pub fn new(context: &'a Context<'a>, survey: &'a Survey) -> Self {
        Self {
            context,
            survey,
            findings: Vec::new(),
            projects: BTreeMap::new(),
            timelines: Vec::new(),
            unread: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Judges some projects, on all processors. The order makes no difference to the report.
    pub fn judge(&mut self, batch: &[ProjectFacts], previous: &BTreeMap<ProjectName, ProjectFacts>) {
        let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        let share = batch.len().div_ceil(workers).max(1);
        let (context, survey) = (self.context, self.survey);
        let judge = |facts: &ProjectFacts| one(context, survey, facts, previous.get(&facts.name));
        let judged: Vec<Vec<Judged>> = thread::scope(|scope| {
            let threads: Vec<_> = batch
                .chunks(share)
                .map(|chunk| scope.spawn(move || chunk.iter().map(judge).collect()))
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        for one in judged.into_iter().flatten() {
            self.add(one);
        }
    }

    fn add(&mut self, judged: Judged) {
        if let Presence::Unread(reason) = &judged.summary.presence {
            self.unread.push((judged.name.clone(), reason.clone()));
        } else {
            self.counts.projects += 1;
        }
        self.counts.releases += judged.counts.releases;
        self.counts.files += judged.counts.files;
        self.counts.official += judged.counts.official;
        self.findings.extend(judged.findings);
        self.timelines.extend(judged.timeline);
        self.projects.insert(judged.name, judged.summary);
    }

    /// Looks at all projects together, takes away what was accepted, and puts the worst first.
    #[must_use]
    pub fn finish(mut self, facts: String) -> Report {
        let context = self.context;
        let overview = Overview { context, projects: self.projects };
        for rule in RULES {
            rule.check_federation(&overview, &mut self.findings);
        }
        let today = context.now.to_zoned(TimeZone::UTC).date();
        let suppressed = suppress::apply(self.findings, context.federation, today);
        let mut findings = suppressed.findings;
        findings.sort_by(|one, other| order(one).cmp(&order(other)));
        self.timelines.sort_by(|one, other| one.project.cmp(&other.project));
        self.unread.sort();
        let date = context.records.date.as_ref();
        Report {
            federation: context.federation.name.clone(),
            at: context.now,
            facts,
            sources: context.records.sources.clone(),
            records_until: date
                .map(|date| format!("{} ({})", date.at.to_zoned(TimeZone::UTC).date(), date.from)),
            assumptions: context.records.assumptions.clone(),
            problems: context.records.problems.clone(),
            unread: self.unread,
            findings,
            accepted: suppressed.accepted,
            counts: self.counts,
            timelines: self.timelines,
        }
    }
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

fn one(
    context: &Context<'_>,
    survey: &Survey,
    facts: &ProjectFacts,
    previous: Option<&ProjectFacts>,
) -> Judged {
    let dossier = build(context, facts, previous, survey);
    let mut findings = Vec::new();
    for rule in RULES {
        rule.check_project(&dossier, &mut findings);
    }
    let is_worth_a_picture = findings
        .iter()
        .any(|finding| finding.explained.is_none() && finding.severity >= Severity::Low);
    let counts = Counts {
        projects: 1,
        releases: facts.releases.len(),
        files: facts.releases.iter().map(|release| release.files.len()).sum(),
        official: dossier.records.map_or(0, |records| records.releases.len()),
    };
    Judged {
        name: facts.name.clone(),
        summary: Summary::of(&dossier),
        timeline: is_worth_a_picture.then(|| timeline::draw(&dossier)),
        findings,
        counts,
    }
}
