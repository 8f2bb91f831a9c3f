//! What a rule says, and how much it matters.

use countermark_packaging::name::ProjectName;
pub use countermark_report::Severity;

/// One thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Which projects; more than one only in a grouped finding, none for the whole federation.
    pub projects: Vec<ProjectName>,
    /// Which releases, as the index or the records write them, in the order of versions.
    pub versions: Vec<String>,
    /// Which files.
    pub files: Vec<String>,
    /// Which accounts.
    pub accounts: Vec<String>,
    /// One sentence without the project's name: lower case, no full stop.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What to do next, one sentence.
    pub next: String,
    /// Why it is only shown with `--all`, if it is.
    pub explained: Option<String>,
}

/// One fact under a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it is from: `index`, `records`, a path with its line.
    pub source: String,
    /// What it says.
    pub text: String,
}

impl Finding {
    /// A finding about one project.
    pub fn new(
        rule: &'static str,
        severity: Severity,
        project: &ProjectName,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            projects: vec![project.clone()],
            versions: Vec::new(),
            files: Vec::new(),
            accounts: Vec::new(),
            message: message.into(),
            evidence: Vec::new(),
            next: String::new(),
            explained: None,
        }
    }

    /// With one more fact.
    #[must_use]
    pub fn evidence(mut self, source: impl Into<String>, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence { source: source.into(), text: text.into() });
        self
    }

    /// With the next step.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = step.into();
        self
    }

    /// About these releases.
    #[must_use]
    pub fn versions<T: Into<String>>(mut self, versions: impl IntoIterator<Item = T>) -> Self {
        self.versions.extend(versions.into_iter().map(Into::into));
        self
    }

    /// About these files.
    #[must_use]
    pub fn files<T: Into<String>>(mut self, files: impl IntoIterator<Item = T>) -> Self {
        self.files.extend(files.into_iter().map(Into::into));
        self
    }

    /// About these accounts.
    #[must_use]
    pub fn accounts<T: Into<String>>(mut self, accounts: impl IntoIterator<Item = T>) -> Self {
        self.accounts.extend(accounts.into_iter().map(Into::into));
        self
    }

    /// Shown only with `--all`, for this reason.
    #[must_use]
    pub fn explained(mut self, reason: impl Into<String>) -> Self {
        self.severity = Severity::Note;
        self.explained = Some(reason.into());
        self
    }

    /// The name of this finding from run to run: the same as long as it is about the same thing.
    /// Does not depend on severity, wording or evidence.
    #[must_use]
    pub fn key(&self) -> String {
        let join = |items: &[String]| items.join(",");
        let projects: Vec<&str> = self.projects.iter().map(ProjectName::as_str).collect();
        format!(
            "{}|{}|{}|{}|{}",
            self.rule,
            projects.join(","),
            join(&self.versions),
            join(&self.files),
            join(&self.accounts)
        )
    }
}
