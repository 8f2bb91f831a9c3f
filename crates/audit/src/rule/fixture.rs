//! One made-up project, for the tests of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use super::Rule;
use crate::dossier::{Context, Nowhere, Overview, Summary, build};
use crate::fact::{FileKind, IndexFile, IndexRelease, Presence, ProjectFacts, Role, RoleKind};
use crate::federation::Federation;
use crate::finding::Finding;
use crate::record::{OfficialRelease, ProjectRecords, Records, RecordsDate};

/// The account that releases everything here.
pub(crate) const ROBOT: &str = "release-robot";

/// A project whose releases are all official and whose only owner is the release account, until
/// something is added.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) federation: Federation,
    pub(crate) records: Records,
    pub(crate) facts: ProjectFacts,
    pub(crate) previous: Option<ProjectFacts>,
    pub(crate) constraints: BTreeMap<ProjectName, Vec<crate::dossier::ConstraintPin>>,
    pub(crate) other_names: BTreeSet<ProjectName>,
    pub(crate) name_uses: BTreeMap<ProjectName, u64>,
    pub(crate) now: Timestamp,
}

/// A moment such as `2026-01-01` or `2026-01-01T10:00:00Z`.
pub(crate) fn at(text: &str) -> Timestamp {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    text.parse().expect("a time")
}

pub(crate) fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).expect("a name")
}

/// One file; the digest follows from its name.
pub(crate) fn file(filename: &str, uploaded: &str) -> IndexFile {
    let mut digest = [0; 32];
    for (byte, letter) in digest.iter_mut().zip(filename.bytes().cycle()) {
        *byte = letter;
    }
    IndexFile {
        kind: FileKind::of(filename),
        filename: filename.to_owned(),
        size: Some(1000),
        uploaded: Some(at(uploaded)),
        sha256: Some(Sha256(digest)),
        yanked: None,
        inside: None,
    }
}

impl Fixture {
    /// A project of the records, live, of the repository `example/<name>`, without a release.
    pub(crate) fn new(project: &str) -> Self {
        let name = name(project);
        let mut facts = ProjectFacts::new(name.clone(), Presence::Present);
        facts.roles = Some(vec![Role { kind: RoleKind::Owner, account: ROBOT.to_owned() }]);
        let mut records = Records {
            date: Some(RecordsDate { at: at("2026-01-01"), from: "a test".to_owned() }),
            ..Records::default()
        };
        records.connect(&Arc::from(format!("example/{project}")), &name);
        let mut federation = Federation::default();
        federation.accounts.release.insert(ROBOT.to_owned());
        Self {
            federation,
            records,
            facts,
            previous: None,
            constraints: BTreeMap::new(),
            other_names: BTreeSet::new(),
            name_uses: BTreeMap::new(),
            now: at("2026-01-02"),
        }
    }

    /// The project's name.
    pub(crate) fn name(&self) -> ProjectName {
        self.facts.name.clone()
    }

    /// The project's records.
    pub(crate) fn project(&mut self) -> &mut ProjectRecords {
        let name = self.name();
        self.records.project(&name)
    }

    /// The records list a version, approved on a day.
    pub(crate) fn official(self, version: &str, approved: &str) -> Self {
        self.official_with(version, |release| release.approved = Some(at(approved)))
    }

    /// The records list a version of which only this is known.
    pub(crate) fn official_with(
        mut self,
        version: &str,
        change: impl FnOnce(&mut OfficialRelease),
    ) -> Self {
        let mut release = OfficialRelease::new(version);
        release.repository = Some(Arc::from(format!("example/{}", self.name().as_str())));
        release.place = Some(Arc::from(format!("records/{}.yaml:{version}", self.name().as_str())));
        change(&mut release);
        self.project().releases.push(release);
        self
    }

    /// The index has a version with these files; the names are made: `sdist`, `wheel`, or written out.
    pub(crate) fn upload(mut self, version: &str, uploaded: &str, files: &[&str]) -> Self {
        let stem = self.name().as_str().replace('-', "_");
        let files = files.iter().map(|kind| {
            let filename = match *kind {
                "sdist" => format!("{stem}-{version}.tar.gz"),
                "wheel" => format!("{stem}-{version}-py3-none-any.whl"),
                other => other.to_owned(),
            };
            file(&filename, uploaded)
        });
        let files = files.collect();
        self.facts.releases.push(IndexRelease { version: version.to_owned(), files });
        self
    }

    /// On both sides, with a source distribution and a wheel.
    pub(crate) fn released(self, version: &str, day: &str) -> Self {
        self.official(version, day).upload(version, day, &["sdist", "wheel"])
    }

    /// One more role on the index.
    pub(crate) fn role(mut self, kind: &str, account: &str) -> Self {
        let role = Role { kind: RoleKind::parse(kind), account: account.to_owned() };
        self.facts.roles.get_or_insert_with(Vec::new).push(role);
        self
    }

    /// Only these owners.
    pub(crate) fn owners(mut self, accounts: &[&str]) -> Self {
        self.facts.roles = Some(Vec::new());
        accounts.iter().fold(self, |fixture, account| fixture.role("Owner", account))
    }

    /// Anything else.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What is the same for all projects.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            federation: &self.federation,
            records: &self.records,
            now: self.now,
            release_accounts: self.federation.accounts.release.clone(),
            accounts_assumed: false,
            constraints: self.constraints.clone(),
            other_names: self.other_names.clone(),
            name_uses: self.name_uses.clone(),
        }
    }

    /// What a rule says of this project.
    pub(crate) fn check(&self, rule: &dyn Rule) -> Vec<Finding> {
        let context = self.context();
        let dossier = build(&context, &self.facts, self.previous.as_ref(), &Nowhere);
        let mut findings = Vec::new();
        rule.check_project(&dossier, &mut findings);
        findings
    }

    /// What a rule says of a federation of these projects; records and the rest are the first one's.
    pub(crate) fn check_federation(projects: &[Self], rule: &dyn Rule) -> Vec<Finding> {
        let context = projects[0].context();
        let summaries = projects.iter().map(|fixture| {
            let dossier = build(&context, &fixture.facts, None, &Nowhere);
            (fixture.name(), Summary::of(&dossier))
        });
        let overview = Overview { context: &context, projects: summaries.collect() };
        let mut findings = Vec::new();
        rule.check_federation(&overview, &mut findings);
        findings
    }
}

/// A place in a file that does not matter.
pub(crate) fn place() -> countermark_packaging::lock::Place {
    countermark_packaging::lock::Place {
        file: "federation.toml".to_owned(),
        line: 1,
        column: 1,
        span: 0..0,
    }
}
