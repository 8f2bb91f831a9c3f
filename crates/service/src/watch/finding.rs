//! Findings and changes as they are stored and sent: the frozen form of `countermark-watch/1`.
//!
//! Keys may be added to these structs; none is renamed, and none gets another meaning.

use countermark_audit::finding::{Finding, Severity};
use countermark_packaging::name::ProjectName;
use serde::{Deserialize, Serialize};

/// The name and version of the format.
pub const FORMAT: &str = "countermark-watch/1";

/// A finding, as it is kept between runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFinding {
    /// The same from run to run, as long as the finding is about the same thing.
    pub key: String,
    /// The rule's code.
    pub rule: String,
    /// `note`, `low`, `medium` or `high`.
    #[serde(with = "severity")]
    pub severity: Severity,
    /// Normalised names.
    pub projects: Vec<String>,
    /// As the index or the records write them.
    #[serde(default)]
    pub versions: Vec<String>,
    /// File names.
    #[serde(default)]
    pub files: Vec<String>,
    /// Accounts of the index.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// One sentence.
    pub message: String,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Vec<StoredEvidence>,
    /// What to do next.
    #[serde(default)]
    pub next: String,
}

/// One fact under a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvidence {
    /// Where it is from.
    pub source: String,
    /// What it says.
    pub text: String,
}

/// What is different from the run before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// It was not there.
    New {
        /// What was found.
        finding: StoredFinding,
    },
    /// It was there, and matters more now.
    Worse {
        /// As it is now.
        finding: StoredFinding,
        /// As it was.
        #[serde(with = "severity")]
        was: Severity,
    },
    /// It was there, about fewer or other releases, files, accounts or projects.
    Altered {
        /// As it is now.
        finding: StoredFinding,
        /// What it was not about.
        added: Vec<String>,
        /// What it no longer is about.
        removed: Vec<String>,
    },
    /// It was there, and is not found any more.
    Gone {
        /// As it was.
        finding: StoredFinding,
        /// Why, where that is known: it was explained, or accepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

impl Change {
    /// The finding that changed.
    #[must_use]
    pub fn finding(&self) -> &StoredFinding {
        match self {
            Self::New { finding }
            | Self::Worse { finding, .. }
            | Self::Altered { finding, .. }
            | Self::Gone { finding, .. } => finding,
        }
    }

    /// One word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::New { .. } => "new",
            Self::Worse { .. } => "worse",
            Self::Altered { .. } => "changed",
            Self::Gone { .. } => "gone",
        }
    }
}

impl From<&Finding> for StoredFinding {
    fn from(finding: &Finding) -> Self {
        let evidence = finding.evidence.iter();
        Self {
            key: finding.key(),
            rule: finding.rule.to_owned(),
            severity: finding.severity,
            projects: finding.projects.iter().map(ProjectName::to_string).collect(),
            versions: finding.versions.clone(),
            files: finding.files.clone(),
            accounts: finding.accounts.clone(),
            message: finding.message.clone(),
            evidence: evidence
                .map(|fact| StoredEvidence { source: fact.source.clone(), text: fact.text.clone() })
                .collect(),
            next: finding.next.clone(),
        }
    }
}

mod severity {
    use countermark_audit::finding::Severity;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(it: &Severity, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(it.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Severity, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Severity::parse(&name)
            .ok_or_else(|| D::Error::custom(format!("`{name}` is not a severity")))
    }
}
