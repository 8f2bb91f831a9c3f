//! Dossiers from a few words, for tests.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use crate::dossier::{
    Context, Dossier, Expected, Identity, Judgement, Overview, ReleaseCase, Summary,
};
use crate::fact::{FileKind, IndexFile, IndexRelease, Presence, ProjectFacts, Role, RoleKind};
use crate::federation::Federation;
use crate::finding::Finding;
use crate::record::Records;
use crate::rule::Rule;

/// What a test is about; everything may be changed before it is used.
pub(crate) struct World {
    pub(crate) federation: Federation,
    pub(crate) records: Records,
    pub(crate) now: Timestamp,
    pub(crate) projects: Vec<Project>,
    pub(crate) release_accounts: BTreeSet<String>,
    pub(crate) others: BTreeSet<ProjectName>,
    pub(crate) constraints: BTreeMap<ProjectName, Vec<crate::dossier::ConstraintPin>>,
}

pub(crate) struct Project {
    pub(crate) facts: ProjectFacts,
    pub(crate) previous: Option<ProjectFacts>,
    pub(crate) identity: Identity,
    pub(crate) judgement: Judgement,
    pub(crate) expected: Option<Expected>,
}

pub(crate) fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

pub(crate) fn set(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// `Owner:alice Maintainer:bob`.
pub(crate) fn roles(text: &str) -> Vec<Role> {
    let role = |word: &str| {
        let (kind, account) = word.split_once(':').unwrap();
        Role { kind: RoleKind::parse(kind), account: account.to_owned() }
    };
    text.split_whitespace().map(role).collect()
}

/// A release with a file for each name; the digest is made of the number.
pub(crate) fn release(version: &str, files: &[(&str, u8)]) -> IndexRelease {
    let file = |(filename, digest): &(&str, u8)| IndexFile {
        filename: (*filename).to_owned(),
        kind: FileKind::of(filename),
        size: Some(1000),
        uploaded: Some("2026-03-01T00:00:00Z".parse().unwrap()),
        sha256: Some(Sha256::parse_hex(&format!("{digest:02x}").repeat(32)).unwrap()),
        yanked: None,
        inside: None,
    };
    IndexRelease { version: version.to_owned(), files: files.iter().map(file).collect() }
}

impl Project {
    pub(crate) fn new(project: &str, text: &str) -> Self {
        let mut facts = ProjectFacts::new(name(project), Presence::Present);
        facts.roles = Some(roles(text));
        Self {
            facts,
            previous: None,
            identity: Identity::Ours,
            judgement: Judgement::Official,
            expected: None,
        }
    }
}

impl World {
    /// A federation whose account `ci` uploads, on 2026-06-01.
    pub(crate) fn new(projects: Vec<Project>) -> Self {
        let mut federation = Federation::default();
        federation.accounts.release = set("ci");
        Self {
            federation,
            records: Records::default(),
            now: "2026-06-01T12:00:00Z".parse().unwrap(),
            projects,
            release_accounts: set("ci"),
            others: BTreeSet::new(),
            constraints: BTreeMap::new(),
        }
    }

    pub(crate) fn of(project: &str, text: &str) -> Self {
        Self::new(vec![Project::new(project, text)])
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&[Dossier<'_>], &Overview<'_>) -> T) -> T {
        let context = Context {
            federation: &self.federation,
            records: &self.records,
            now: self.now,
            release_accounts: self.release_accounts.clone(),
            accounts_assumed: false,
            constraints: self.constraints.clone(),
            other_names: self.others.clone(),
            name_uses: BTreeMap::new(),
        };
        let dossiers: Vec<Dossier<'_>> =
            self.projects.iter().map(|project| self.dossier(project, &context)).collect();
        let projects = dossiers.iter().map(|it| (it.name.clone(), Summary::of(it))).collect();
        run(&dossiers, &Overview { context: &context, projects })
    }

    fn dossier<'a>(&'a self, project: &'a Project, context: &'a Context<'a>) -> Dossier<'a> {
        let accounts = &self.federation.accounts;
        let usual =
            Expected { owners: accounts.owners.clone(), maintainers: accounts.maintainers.clone() };
        let releases = project.facts.releases.iter().map(|release| ReleaseCase {
            text: &release.version,
            version: release.version.parse::<Version>().ok(),
            index: Some(release),
            official: Vec::new(),
            judgement: project.judgement.clone(),
        });
        Dossier {
            name: &project.facts.name,
            context,
            facts: &project.facts,
            previous: project.previous.as_ref(),
            records: self.records.projects.get(&project.facts.name),
            releases: releases.collect(),
            kept: crate::dossier::Kept::default(),
            identity: project.identity.clone(),
            custody: None,
            expected: project.expected.clone().unwrap_or(usual),
        }
    }

    /// What a rule finds.
    pub(crate) fn check(&self, rule: &dyn Rule) -> Vec<Finding> {
        self.with(|dossiers, overview| {
            let mut findings = Vec::new();
            dossiers.iter().for_each(|dossier| rule.check_project(dossier, &mut findings));
            rule.check_federation(overview, &mut findings);
            findings
        })
    }

    /// `severity project: message` of what a rule finds.
    pub(crate) fn lines(&self, rule: &dyn Rule) -> Vec<String> {
        let line = |finding: &Finding| {
            let projects: Vec<&str> = finding.projects.iter().map(ProjectName::as_str).collect();
            assert!(!finding.next.is_empty() || finding.explained.is_some(), "{finding:?}");
            assert!(!finding.evidence.is_empty(), "{finding:?}");
            format!("{} {}: {}", finding.severity, projects.join(","), finding.message)
        };
        self.check(rule).iter().map(line).collect()
    }
}
