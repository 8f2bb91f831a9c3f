//! One project's facts and records side by side, with what explains each release.
//!
//! The judgement of a release is made here once, so that rules agree with each other: a release that
//! is explained is nobody's alarm, and one that is not is not explained differently by two rules.

mod build;
mod identity;
mod judge;
mod kept;
mod published;

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use crate::fact::{IndexRelease, Presence, ProjectFacts, Role};
use crate::federation::{CustodyFact, Federation};
use crate::record::{OfficialRelease, ProjectRecords, Records};

pub use self::build::{Elsewhere, Nowhere, build};
pub use self::kept::Kept;

/// What is the same for all projects of a run.
#[derive(Debug)]
pub struct Context<'a> {
    /// What is expected.
    pub federation: &'a Federation,
    /// What was released.
    pub records: &'a Records,
    /// Now; a parameter, so that a run can be repeated.
    pub now: Timestamp,
    /// Accounts that upload releases: given, or assumed from the facts.
    pub release_accounts: BTreeSet<String>,
    /// Whether they are assumed.
    pub accounts_assumed: bool,
    /// Pins of constraints files: a project and the versions that are pinned, with their places.
    pub constraints: BTreeMap<ProjectName, Vec<ConstraintPin>>,
    /// Names that are known to be on the index, to look for look-alikes among.
    pub other_names: BTreeSet<ProjectName>,
    /// How much each of them is used (downloads, in any unit), where the list says it.
    pub name_uses: BTreeMap<ProjectName, u64>,
}

/// A line of a constraints file that pins a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintPin {
    /// As written; `None` when the line allows several.
    pub version: Option<String>,
    /// File and line.
    pub place: String,
}

/// Everything about one project.
#[derive(Debug)]
pub struct Dossier<'a> {
    /// The project.
    pub name: &'a ProjectName,
    /// What is the same for all.
    pub context: &'a Context<'a>,
    /// What the index shows.
    pub facts: &'a ProjectFacts,
    /// What it showed in the run before.
    pub previous: Option<&'a ProjectFacts>,
    /// What the records say; `None` when they do not name it.
    pub records: Option<&'a ProjectRecords>,
    /// Releases of either side, in the order of versions; those without a valid version come last.
    pub releases: Vec<ReleaseCase<'a>>,
    /// How the records came to be.
    pub kept: Kept,
    /// Whose the name is today.
    pub identity: Identity,
    /// The custody fact that holds today.
    pub custody: Option<&'a CustodyFact>,
    /// Who is expected to hold roles.
    pub expected: Expected,
}

/// Expected roles of one project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Expected owners.
    pub owners: BTreeSet<String>,
    /// Expected maintainers.
    pub maintainers: BTreeSet<String>,
}

/// One release of one side or of both.
#[derive(Debug)]
pub struct ReleaseCase<'a> {
    /// As the index writes it, or else as the records do.
    pub text: &'a str,
    /// `None` when it is no version of PEP 440.
    pub version: Option<Version>,
    /// On the index.
    pub index: Option<&'a IndexRelease>,
    /// In the records; several when sources agree.
    pub official: Vec<&'a OfficialRelease>,
    /// What explains it.
    pub judgement: Judgement,
}

/// What explains a release. The order is the one in which explanations are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// On both sides.
    Official,
    /// The index has it; the records had it once.
    OnceListed,
    /// The index has it; the records list it for the same repository under another name.
    OtherName(ProjectName),
    /// Registered without a file.
    Placeholder,
    /// From before the records of this project begin.
    BeforeRecords,
    /// From after what the records cover, in a project that is released by us.
    AfterRecords,
    /// Made by those to whom the name was given, or whose it always was.
    TheirOwn,
    /// Made by those who went on with a project that left, though nobody wrote that down.
    Departed,
    /// In a project that only has our predicted name.
    Foreign,
    /// Nothing but a tag of the repository explains it.
    Tagged,
    /// A development version, or one with a local part, that no record knows.
    Development,
    /// Nothing explains it.
    Unexplained,
    /// The records list it; the index does not have it.
    Missing(Missing),
}

/// Why an official release is not on the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Its project does not publish there, or never did.
    NotPublished,
    /// From before the first official upload.
    BeforePublishing,
    /// The cycle was open when publishing began, and the records have no date for this release.
    AroundPublishing,
    /// It is there, under another name of the same repository.
    OtherName(ProjectName),
    /// Made after publishing began; it should be there.
    Gap,
    /// Approved so recently that it may be under way.
    Recent,
    /// The name was somebody else's by then, or always.
    NotOurs,
}

/// Whose a name is today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Ours, as far as anything says.
    Ours,
    /// The records say that it is somebody else's, or that it is shared.
    ByCustody,
    /// It left with its authors, by what records and uploads show together.
    Departed {
        /// The day on which it was taken out of governance.
        on: Timestamp,
        /// Releases since then.
        releases: usize,
    },
    /// Another project has the name that the records predict.
    Foreign {
        /// Why that is thought, for people.
        reason: String,
    },
    /// Nothing of it is on the index.
    Absent,
    /// The index could not be read.
    Unread,
}

/// All projects, in brief.
#[derive(Debug)]
pub struct Overview<'a> {
    /// What is the same for all.
    pub context: &'a Context<'a>,
    /// By name.
    pub projects: BTreeMap<ProjectName, Summary>,
}

/// One project in brief.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Whether it is there.
    pub presence: Presence,
    /// Whose it is.
    pub identity: Identity,
    /// Who holds roles.
    pub roles: Option<Vec<Role>>,
    /// Its organisation there.
    pub organization: Option<String>,
    /// Whether the records name it.
    pub recorded: bool,
    /// Official releases in the records.
    pub official: usize,
    /// Releases that came after what the records cover.
    pub after_records: Vec<String>,
    /// Releases without a file.
    pub placeholders: Vec<String>,
    /// Releases that were explained, by explanation.
    pub explained: BTreeMap<&'static str, usize>,
    /// Of the project, for the look for look-alikes and for grouped lines.
    pub releases: usize,
    /// The first upload of all.
    pub first_upload: Option<Timestamp>,
}
