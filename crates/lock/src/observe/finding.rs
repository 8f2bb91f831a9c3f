//! What is said of a disagreement.

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;

use super::statement::{Lock, Moment, Statement};

/// The most pins that a side names; how many there are is said all the same.
pub const MAXIMUM_PINS: usize = 20;

/// The most sides of a finding.
pub const MAXIMUM_SIDES: usize = 20;

/// A disagreement, and what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The class's code.
    pub class: &'static str,
    /// Which project.
    pub project: ProjectName,
    /// Which release, where the locks tell it.
    pub version: Option<String>,
    /// Which file, where it is about one.
    pub file: Option<String>,
    /// One sentence, lower case, no full stop: what shows that it is of this class.
    pub evidence: String,
    /// Who says what; the one that most locks hold first.
    pub sides: Vec<Side>,
}

/// One side of a disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What it holds that the other sides do not.
    pub digests: Vec<Digest>,
    /// In how many locks it stands.
    pub locks: usize,
    /// Some of the places.
    pub pins: Vec<Pinned>,
}

/// A place where something is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The lock.
    pub lock: Lock,
    /// The format of the lock.
    pub format: String,
    /// From where the lock takes it.
    pub origin: String,
    /// When it stood there first.
    pub at: Moment,
}

impl Side {
    /// Of these statements.
    #[must_use]
    pub fn new<'a>(
        digests: impl IntoIterator<Item = &'a Digest>,
        statements: impl IntoIterator<Item = &'a Statement>,
    ) -> Self {
        let mut pins: Vec<Pinned> = Vec::new();
        let mut locks = std::collections::BTreeSet::new();
        for statement in statements {
            let is_new = locks.insert(&statement.lock);
            if pins.len() < MAXIMUM_PINS && (is_new || pins.len() < MAXIMUM_PINS / 2) {
                pins.push(Pinned {
                    lock: statement.lock.clone(),
                    format: statement.format.clone(),
                    origin: statement.origin.label(),
                    at: statement.first.clone(),
                });
            }
        }
        let digests = digests.into_iter().cloned().collect();
        Self { digests, locks: locks.len(), pins }
    }
}

impl Finding {
    /// About a release, by what is said of it.
    #[must_use]
    pub fn new(class: &'static str, about: &Statement, evidence: String, sides: Vec<Side>) -> Self {
        let mut sides = sides;
        sides.sort_by_key(|side| std::cmp::Reverse(side.locks));
        sides.truncate(MAXIMUM_SIDES);
        Self {
            class,
            project: about.project.clone(),
            version: about.version.clone(),
            file: None,
            evidence,
            sides,
        }
    }

    /// About one file of it.
    #[must_use]
    pub fn of_file(self, file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// `teapot 1.2`.
    #[must_use]
    pub fn release(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.project),
            None => self.project.to_string(),
        }
    }

    /// The name of this finding from run to run.
    #[must_use]
    pub fn key(&self) -> String {
        let version = self.version.as_deref().unwrap_or_default();
        let file = self.file.as_deref().unwrap_or_default();
        let digests: Vec<String> =
            self.sides.iter().flat_map(|side| &side.digests).map(ToString::to_string).collect();
        format!("{}|{}|{version}|{file}|{}", self.class, self.project, digests.join(","))
    }
}
