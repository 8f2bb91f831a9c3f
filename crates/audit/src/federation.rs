//! `federation.toml`: what a federation expects, written by its release managers.
//!
//! Everything is optional; an empty file is a federation of which nothing is known. The reader, the
//! JSON Schema and the draft of `audit init` are in the modules below; these are the values.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;
use jiff::civil::Date;

pub mod codes;
mod consistency;
pub mod draft;
pub mod parse;
mod sections;

pub use sections::{CUSTODY_STATES, RECORD_KINDS, SERVICE_KINDS};

/// The JSON Schema of the file, for editors; it refuses what the reader refuses, but for what only
/// shows when entries are compared with each other or with the rules.
pub const SCHEMA: &str = include_str!("../schema/federation.schema.json");

/// What a federation expects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Federation {
    /// What it calls itself.
    pub name: Option<String>,
    /// Where people are reached: an address or a page.
    pub contact: Option<String>,
    /// Where its records are; empty means: look around.
    pub records: Vec<RecordsEntry>,
    /// Projects that the records do not name: names held on purpose, old names.
    pub names: BTreeSet<ProjectName>,
    /// Projects of the records that are left out.
    pub excluded: BTreeSet<ProjectName>,
    /// Who is expected to hold roles.
    pub accounts: Accounts,
    /// Whose a name is, from when on.
    pub custody: Vec<CustodyFact>,
    /// Findings that somebody looked at and accepted.
    pub accepted: Vec<Acceptance>,
    /// Personal roles that are kept on purpose.
    pub kept: Vec<KeptRole>,
    /// What the federation holds in common.
    pub services: Vec<Service>,
    /// People and accounts that are known.
    pub people: BTreeMap<String, Person>,
    /// Where the rules draw their lines.
    pub thresholds: Thresholds,
}

/// One source of official records.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordsEntry {
    /// The name of the source's module: `openstack-releases`, `git-tags`, `checksums`,
    /// `artifact-host`, `forge`, `table`.
    pub kind: String,
    /// A folder or a file, relative to `federation.toml`.
    pub path: Option<String>,
    /// Or where it is read from.
    pub url: Option<String>,
    /// For sources that speak of one project only.
    pub project: Option<ProjectName>,
    /// The other settings of the source, as texts: `governance`, `keys`, `tag-prefix`, …
    pub settings: BTreeMap<String, String>,
    /// Where it stands, for errors.
    pub place: Place,
}

/// Who is expected to hold roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The accounts that upload releases.
    pub release: BTreeSet<String>,
    /// Expected owners of every project; a release account may be among them.
    pub owners: BTreeSet<String>,
    /// Expected maintainers of every project.
    pub maintainers: BTreeSet<String>,
    /// The organisation that every project should belong to on the index.
    pub organization: Option<String>,
    /// More or other accounts for some projects.
    pub exceptions: Vec<AccountException>,
}

/// Other expectations for some projects. What is `None` stays as it is for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountException {
    /// These projects.
    pub projects: BTreeSet<ProjectName>,
    /// And those of these teams.
    pub teams: BTreeSet<String>,
    /// Expected owners there.
    pub owners: Option<BTreeSet<String>>,
    /// Expected maintainers there.
    pub maintainers: Option<BTreeSet<String>>,
    /// Why.
    pub reason: Option<String>,
}

/// Whose a name is from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodyFact {
    /// The name.
    pub project: ProjectName,
    /// Whose it is.
    pub state: CustodyState,
    /// From this day on; without one, always.
    pub on: Option<Date>,
    /// Why, for the reader of a report.
    pub reason: String,
    /// Who says so.
    pub approved_by: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// Whose a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustodyState {
    /// `ours`: only what the records know is released.
    Ours,
    /// `theirs`, `left`, `relinquished`: somebody else's since that day; what they do is theirs.
    Theirs,
    /// `shared`: released by us and by others.
    Shared,
    /// `retired`: ours, and nothing is released any more.
    Retired,
    /// `never-ours`: another project has the name that the records predict.
    NeverOurs,
}

/// A finding that somebody looked at and accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The rule's code.
    pub rule: String,
    /// The project; `None` for all.
    pub project: Option<ProjectName>,
    /// Only these releases; empty for all.
    pub versions: Vec<String>,
    /// Only these files; empty for all.
    pub files: Vec<String>,
    /// Only these accounts; empty for all.
    pub accounts: Vec<String>,
    /// Who approved it.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// After this day it counts again.
    pub expires: Date,
    /// Where it stands.
    pub place: Place,
}

/// A personal role that is kept on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRole {
    /// The project.
    pub project: ProjectName,
    /// The account.
    pub account: String,
    /// The role in the index's words; `None` for any.
    pub role: Option<String>,
    /// Who approved it.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// After this day it counts again.
    pub expires: Date,
    /// Where it stands.
    pub place: Place,
}

/// Something that the federation holds in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `pypi`, `forge`, `container registry`, …
    pub name: String,
    /// `index`, `forge`, `image-registry`, `account`, `other`.
    pub kind: String,
    /// Its address.
    pub url: Option<String>,
    /// The account there.
    pub account: Option<String>,
    /// Who holds it.
    pub holders: Vec<String>,
    /// What it is for.
    pub note: Option<String>,
}

/// Somebody who is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The person's name.
    pub name: Option<String>,
    /// The person's accounts on the index; empty when it is the key of this entry.
    pub accounts: BTreeSet<String>,
    /// Teams that the person belongs to.
    pub teams: BTreeSet<String>,
    /// How the person is reached.
    pub contact: Option<String>,
    /// The day on which the person left.
    pub left: Option<Date>,
}

/// Where the rules draw their lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// An upload may come this many days before its approval.
    pub days_before_approval: i64,
    /// And this many after it.
    pub days_after_approval: i64,
    /// Files of one release that come later than this many hours after the first are late.
    pub late_hours: i64,
    /// A project that somebody else continues within this many days after it was retired has left;
    /// what comes after a longer silence has to be looked at.
    pub departure_days: i64,
}

impl Default for Thresholds {
    /// From measurements on a federation of some thousand releases: 99.5 % of the uploads came within
    /// −1 to +3 days of their approval; the files of a release within 132 seconds.
    fn default() -> Self {
        Self {
            days_before_approval: 1,
            days_after_approval: 3,
            late_hours: 24,
            departure_days: 365,
        }
    }
}

impl Federation {
    /// Whose a name is on a day: the last fact that had begun by then.
    #[must_use]
    pub fn custody_on(&self, project: &ProjectName, day: Date) -> Option<&CustodyFact> {
        self.custody
            .iter()
            .filter(|fact| &fact.project == project && fact.on.is_none_or(|on| on <= day))
            .max_by_key(|fact| fact.on)
    }
}
