//! What a team decided about reviews: `ledger.toml`.
//!
//! Written and reviewed by people, and trusted for what it says. Imported ledgers have one too; of theirs
//! only criteria, violations and the keys that ours repeats are looked at.

use std::collections::BTreeMap;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_packaging::version::Version;
use jiff::civil::Date;

use crate::criteria::{Criteria, CriterionName};
use crate::file::FileId;

/// A whole `ledger.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// What others call it, such as `example.org/team`.
    pub name: String,
    /// The day of `vet init`. Exemptions of that day need no reason.
    pub initialised: Date,
    /// What every file has to meet where no requirement says otherwise; at least one.
    pub required: Vec<CriterionName>,
    /// After so many days a review counts no more; none where the age does not matter.
    pub maximum_age_days: Option<u32>,
    /// Whether reviews count for projects whose roles at the index are not known.
    pub counts_unknown_roles: bool,
    /// What the own criteria mean, for people.
    pub descriptions: BTreeMap<CriterionName, String>,
    /// All criteria and what they imply.
    pub criteria: Criteria,
    /// Other requirements for some projects; the most precise pattern decides.
    pub requirements: Vec<Requirement>,
    /// The keys that count.
    pub keys: Vec<AuthorKey>,
    /// Whose reviews of their own projects count all the same.
    pub own_reviews: Vec<OwnReviews>,
    /// Whose ledgers are taken in.
    pub imports: Vec<Import>,
    /// What passes without a review.
    pub exemptions: Vec<Exemption>,
    /// Whose releases pass without a review.
    pub trusted: Vec<TrustedPublisher>,
    /// What is known to be bad.
    pub violations: Vec<Violation>,
}

/// What files of some projects have to meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Which projects.
    pub projects: Vec<NamePattern>,
    /// What; at least one.
    pub criteria: Vec<CriterionName>,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub place: Place,
}

/// A key whose signatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorKey {
    /// Whose: what reviews call their author.
    pub author: String,
    /// The key as it is written: a `vkey`, a line of an SSH public key, or `openpgp:` and a fingerprint.
    pub key: String,
    /// The certificate of an OpenPGP key, a path that counts from the ledger's folder.
    pub file: Option<String>,
    /// Names of the author at the index, for the rule about own projects.
    pub accounts: Vec<String>,
    /// The first day of reviews that it may sign.
    pub from: Option<Date>,
    /// The last one.
    pub until: Option<Date>,
    /// Where it stands.
    pub place: Place,
}

/// An author whose reviews count for projects on which they hold a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReviews {
    /// Who.
    pub author: String,
    /// For which projects.
    pub projects: Vec<NamePattern>,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub place: Place,
}

/// Another ledger, as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// What it is called here: letters, digits, `.`, `_`, `-`; the name of its folder.
    pub name: String,
    /// Where its folder is: a URL, or a path that counts from the folder of our ledger.
    pub url: String,
    /// When it was fetched last; none before the first time.
    pub fetched: Option<Date>,
    /// Digest of its `ledger.toml`.
    pub ledger: Option<Sha256>,
    /// Digest of its `reviews.toml`.
    pub reviews: Option<Sha256>,
    /// Digest of `commits`, the record of signed commits that added its reviews.
    pub commits: Option<Sha256>,
    /// What its criteria count as here; those that are not named count as nothing.
    pub mapping: BTreeMap<CriterionName, Vec<CriterionName>>,
    /// Those of its keys that count here.
    pub keys: Vec<AuthorKey>,
    /// Projects of which its reviews do not count.
    pub exclude: Vec<NamePattern>,
    /// Where it stands.
    pub place: Place,
}

/// Files that pass without a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// Its files, sorted; at least one.
    pub files: Vec<FileId>,
    /// What they pass as.
    pub criteria: Vec<CriterionName>,
    /// Since when.
    pub on: Date,
    /// Why; may be missing in those of the day of `vet init` only.
    pub reason: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A publisher whose releases pass without a review, for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedPublisher {
    /// As facts have it: `github:owner/repository/workflow.yml`, compared as a whole.
    pub publisher: String,
    /// For which projects.
    pub projects: Vec<NamePattern>,
    /// What their files pass as.
    pub criteria: Vec<CriterionName>,
    /// The first day of releases that are covered.
    pub from: Date,
    /// The last day on which it counts.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub place: Place,
}

/// Files that are known to be bad. Nothing overrides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The project.
    pub project: ProjectName,
    /// The release, where it is one.
    pub version: Option<Version>,
    /// The files; at least one.
    pub files: Vec<FileId>,
    /// Since when it is known.
    pub on: Date,
    /// What is bad.
    pub reason: String,
    /// Where it stands.
    pub place: Place,
}
