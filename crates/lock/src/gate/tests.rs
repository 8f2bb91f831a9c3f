//! Each rule sees what it is about and nothing else: a good lock, and one change to it a case.

mod ledger;
mod reports;
mod rules;
mod scopes;

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::{
    FileEntry, LockDocument, LockFormat, LockPackage, LockSource,
};
use countermark_packaging::simple::{ProjectStatus, StatusMarker};
use countermark_trust::policy::{Policy, Section};

use super::*;

/// The index of the tests.
pub(super) const INDEX: &str = "https://index.example.org/simple/";

/// Another one.
pub(super) const OTHER: &str = "https://packages.example.org/simple/";

/// A digest that looks like one of chance.
pub(super) fn digest(seed: u8) -> Digest {
    let bytes: Vec<u8> =
        (0..32_u8).map(|at| at.wrapping_mul(seed | 1) ^ seed ^ (at >> 2)).collect();
    Digest::new(Algorithm::Sha256, &bytes).unwrap()
}

pub(super) fn place(line: u32) -> Place {
    Place { file: "uv.lock".to_owned(), line, column: 1, span: 0..0 }
}

pub(super) fn file(name: &str, seed: u8) -> FileEntry {
    FileEntry {
        name: Some(name.to_owned()),
        url: Some(format!("https://files.example.org/{name}")),
        digests: vec![digest(seed)],
        size: Some(1000),
        uploaded: None,
        place: place(10 + u32::from(seed)),
    }
}

pub(super) fn package(project: &str, version: &str) -> LockPackage {
    LockPackage {
        project: ProjectName::parse(project).unwrap(),
        version: Some(version.parse().unwrap()),
        source: LockSource::Index(Some(INDEX.to_owned())),
        files: vec![
            file(&format!("{project}-{version}-py3-none-any.whl"), 1),
            file(&format!("{project}-{version}.tar.gz"), 2),
        ],
        marker: None,
        extras: Vec::new(),
        dependencies: Vec::new(),
        groups: Vec::new(),
        place: place(3),
    }
}

pub(super) fn lock(packages: Vec<LockPackage>) -> LockDocument {
    LockDocument {
        format: LockFormat::Uv,
        format_version: Some("1".to_owned()),
        file: "uv.lock".to_owned(),
        requires_python: None,
        packages,
        indexes: Vec::new(),
        includes: Vec::new(),
        notes: Vec::new(),
    }
}

/// What the index says when it agrees with an entry.
pub(super) fn agreeing(package: &LockPackage) -> IndexFacts {
    let listed = |file: &FileEntry| {
        let name = file.name.clone().unwrap();
        let (version, is_source) = facts::release_of(&package.project, &name);
        ListedFile {
            name,
            version,
            is_source,
            digests: file.digests.clone(),
            size: file.size,
            yanked: None,
            uploaded: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        }
    };
    IndexFacts {
        index: INDEX.to_owned(),
        files: package.files.iter().map(listed).collect(),
        hosts: ["files.example.org".to_owned()].into(),
        ..IndexFacts::default()
    }
}

/// A lock with one entry, the lock before, what indexes say, the policy: the whole input of a rule.
pub(super) struct Case {
    pub(super) locks: Vec<LockDocument>,
    pub(super) base: Option<LockDocument>,
    /// None is offline.
    pub(super) facts: Option<Facts>,
    pub(super) policy: Policy,
    pub(super) baseline: Baseline,
    pub(super) indexes: Vec<String>,
    /// Those that are asked for every name; none is all of them.
    pub(super) asked: Option<Vec<String>>,
    /// What a ledger says of its files; none where none is asked.
    pub(super) ledger: Option<LedgerAnswers>,
}

impl Case {
    /// A good lock: nothing is found in it.
    pub(super) fn good() -> Self {
        let package = package("teapot", "1.2");
        let known = ProjectFacts::Known(vec![agreeing(&package)]);
        Self {
            facts: Some(Facts::from([(package.project.clone(), known)])),
            locks: vec![lock(vec![package])],
            base: None,
            policy: Policy::default(),
            baseline: Baseline::default(),
            indexes: vec![INDEX.to_owned()],
            asked: None,
            ledger: None,
        }
    }

    pub(super) fn offline() -> Self {
        Self { facts: None, ..Self::good() }
    }

    /// Changes the entry.
    pub(super) fn entry(mut self, change: impl FnOnce(&mut LockPackage)) -> Self {
        change(&mut self.locks[0].packages[0]);
        self
    }

    /// Changes what the index says.
    pub(super) fn page(mut self, change: impl FnOnce(&mut IndexFacts)) -> Self {
        self.pages(|pages| change(&mut pages[0]));
        self
    }

    pub(super) fn pages(&mut self, change: impl FnOnce(&mut Vec<IndexFacts>)) {
        let facts = self.facts.as_mut().and_then(|facts| facts.values_mut().next());
        let Some(ProjectFacts::Known(pages)) = facts else { panic!("no page") };
        change(pages);
    }

    pub(super) fn policy(mut self, text: &str) -> Self {
        self.policy = Policy::parse("countermark.toml", text.as_bytes(), Section::File).unwrap();
        self
    }

    pub(super) fn judge(&self) -> Report {
        let judged = |lock: &LockDocument| Judged { lock: lock.clone(), base: self.base.clone() };
        let judged: Vec<Judged> = self.locks.iter().map(judged).collect();
        judge(
            &judged,
            &Standards {
                policy: &self.policy,
                baseline: &self.baseline,
                baseline_before: None,
                indexes: &self.indexes,
                asked: self.asked.as_deref().unwrap_or(&self.indexes),
                public: INDEX,
                facts: self.facts.as_ref(),
                ledger: self.ledger.as_ref(),
                now: "2026-06-01T12:00:00Z".parse().unwrap(),
            },
        )
    }

    /// `high digest-differs`, in the order of the report.
    pub(super) fn finds(&self) -> Vec<String> {
        let findings = self.judge().findings;
        findings.iter().map(|one| format!("{} {}", one.severity, one.rule)).collect()
    }
}

pub(super) fn quarantine() -> ProjectStatus {
    ProjectStatus { marker: StatusMarker::Quarantined, reason: Some("stolen".to_owned()) }
}
