//! What the gate says about an entry of a lock.

use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::LockPackage;
use countermark_packaging::name::ProjectName;
use countermark_report::Severity;

/// What kind of thing a finding is. A defect of a writer and an attack are different things, and
/// are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Two statements about the same bytes contradict each other: what an attack looks like.
    Disagreement,
    /// The policy says no.
    Policy,
    /// The lock lacks what would make it one.
    Lack,
    /// The program that wrote the lock, or a person, made a mistake that lets nothing bad in.
    Defect,
    /// Something happened that a person may want to know.
    News,
}

impl Kind {
    /// The word for it, in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disagreement => "disagreement",
            Self::Policy => "policy",
            Self::Lack => "lack",
            Self::Defect => "defect",
            Self::News => "news",
        }
    }
}

/// One thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code: one of the gate's, or one of the policy's.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Which project.
    pub project: ProjectName,
    /// Which release, where the lock tells it.
    pub version: Option<String>,
    /// Which file of it; empty when it is about the release.
    pub file: String,
    /// One sentence without the project's name: lower case, no full stop.
    pub message: String,
    /// What would have been good; may be empty.
    pub expected: String,
    /// What is there; may be empty.
    pub found: String,
    /// What to do next, one sentence; may be empty.
    pub hint: String,
    /// A line that would let it pass, ready to paste into the policy; empty where there is none.
    pub allow: String,
    /// Where it stands in the lock.
    pub place: Place,
    /// Whether nothing lets it pass, not even the list of what is let pass.
    pub is_final: bool,
}

impl Finding {
    /// About an entry, at its place.
    pub fn new(
        rule: &'static str,
        (kind, severity): (Kind, Severity),
        package: &LockPackage,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            kind,
            project: package.project.clone(),
            version: package.version.as_ref().map(ToString::to_string),
            file: String::new(),
            message: message.into(),
            expected: String::new(),
            found: String::new(),
            hint: String::new(),
            allow: String::new(),
            place: package.place.clone(),
            is_final: false,
        }
    }

    /// About one file of it, at the file's place.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, place: &Place) -> Self {
        self.file = name.into();
        self.place = place.clone();
        self
    }

    /// What would have been good, and what is there.
    #[must_use]
    pub fn against(mut self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        self.expected = expected.into();
        self.found = found.into();
        self
    }

    /// With the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The name of this finding from run to run: the same as long as it is about the same thing in
    /// the same lock. Does not depend on wording, severity or the line.
    #[must_use]
    pub fn key(&self) -> Key {
        Key {
            lock: self.place.file.clone(),
            rule: self.rule.to_owned(),
            project: self.project.clone(),
            version: self.version.clone(),
            file: self.file.clone(),
        }
    }

    /// `teapot 1.2`.
    #[must_use]
    pub fn release(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.project),
            None => self.project.to_string(),
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The lock, as messages call it.
    pub lock: String,
    /// The rule's code.
    pub rule: String,
    /// The project.
    pub project: ProjectName,
    /// The release, where the lock tells it.
    pub version: Option<String>,
    /// The file, or nothing.
    pub file: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lock, rule, project, version, file } = self;
        write!(formatter, "{lock}|{rule}|{project}|{}|{file}", version.as_deref().unwrap_or(""))
    }
}

/// Something that could not be looked at: neither good nor bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// Which project.
    pub project: ProjectName,
    /// Which release, where the lock tells it.
    pub version: Option<String>,
    /// What was to be checked: a code of a rule, or `index` for everything that needs one.
    pub what: &'static str,
    /// Why it was not.
    pub why: String,
    /// Where the entry stands.
    pub place: Place,
    /// Whether nobody wanted it to be looked at (`--offline`), so that it decides nothing.
    pub is_asked_for: bool,
}
