//! Makes a dossier: both sides joined by version, whose the name is, and what explains each release.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::kept::Kept;
use super::{Context, Dossier, Expected, Identity, Judgement, ReleaseCase, Summary};
use super::{identity, judge};
use crate::fact::{IndexRelease, Presence, ProjectFacts};
use crate::federation::CustodyState;
use crate::record::{Known, ProjectRecords};

/// Which releases other names of the index have: what is missing under one name may be there under
/// another.
pub trait Elsewhere: Sync {
    /// Whether a project has a release with a file; `None` when the project was not looked at.
    fn has_release(&self, project: &ProjectName, version: &Version) -> Option<bool>;
}

/// Nothing else was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Elsewhere for Nowhere {
    fn has_release(&self, _: &ProjectName, _: &Version) -> Option<bool> {
        None
    }
}

/// Joins facts and records of one project.
#[must_use]
pub fn build<'a>(
    context: &'a Context<'a>,
    facts: &'a ProjectFacts,
    previous: Option<&'a ProjectFacts>,
    elsewhere: &dyn Elsewhere,
) -> Dossier<'a> {
    let records = context.records.projects.get(&facts.name);
    let today = context.now.to_zoned(TimeZone::UTC).date();
    let releases = join(facts, records);
    let mut dossier = Dossier {
        name: &facts.name,
        context,
        facts,
        previous,
        records,
        kept: Kept::of(&releases),
        releases,
        identity: Identity::Ours,
        custody: context.federation.custody_on(&facts.name, today),
        expected: expected(context, &facts.name, records),
    };
    match &facts.presence {
        Presence::Absent => dossier.identity = Identity::Absent,
        Presence::Unread(_) => dossier.identity = Identity::Unread,
        Presence::Present => {
            judge::judge_index_side(&mut dossier);
            identity::decide(&mut dossier);
        }
    }
    judge::judge_missing(&mut dossier, elsewhere);
    dossier
}

/// The releases of both sides, by version.
fn join<'a>(facts: &'a ProjectFacts, records: Option<&'a ProjectRecords>) -> Vec<ReleaseCase<'a>> {
    /// Valid versions first, in their order; others by their text.
    type Key = (bool, Option<Version>, String);
    fn key(text: &str) -> Key {
        match text.parse::<Version>() {
            Ok(version) => (false, Some(version), String::new()),
            Err(_) => (true, None, text.to_owned()),
        }
    }
    let mut cases: BTreeMap<Key, Vec<ReleaseCase<'a>>> = BTreeMap::new();
    let empty = |text: &'a str, version: Option<Version>| ReleaseCase {
        text,
        version,
        index: None,
        official: Vec::new(),
        judgement: Judgement::Unexplained,
    };
    for release in &facts.releases {
        let key = key(&release.version);
        let case = ReleaseCase { index: Some(release), ..empty(&release.version, key.1.clone()) };
        cases.entry(key).or_default().push(case);
    }
    for official in records.iter().flat_map(|records| &records.releases) {
        let key = key(&official.version);
        let version = key.1.clone();
        let same = cases.entry(key).or_default();
        if same.is_empty() {
            same.push(empty(&official.version, version));
        }
        // An index that spells one version in two ways has it officially in both.
        for case in same {
            case.official.push(official);
        }
    }
    cases.into_values().flatten().collect()
}

fn expected(
    context: &Context<'_>,
    name: &ProjectName,
    records: Option<&ProjectRecords>,
) -> Expected {
    let accounts = &context.federation.accounts;
    let mut expected =
        Expected { owners: accounts.owners.clone(), maintainers: accounts.maintainers.clone() };
    if expected.owners.is_empty() && expected.maintainers.is_empty() {
        expected.owners.clone_from(&context.release_accounts);
    }
    let team = records.and_then(|records| records.team.as_deref());
    for exception in &accounts.exceptions {
        let is_meant = exception.projects.contains(name)
            || team.is_some_and(|team| exception.teams.contains(team));
        if !is_meant {
            continue;
        }
        if let Some(owners) = &exception.owners {
            expected.owners.clone_from(owners);
        }
        if let Some(maintainers) = &exception.maintainers {
            expected.maintainers.clone_from(maintainers);
        }
    }
    expected
}

impl<'a> Dossier<'a> {
    /// Whether an account is one of those that are expected here: it may hold a role.
    #[must_use]
    pub fn is_expected(&self, account: &str) -> bool {
        self.expected.owners.contains(account)
            || self.expected.maintainers.contains(account)
            || self.context.release_accounts.contains(account)
    }

    /// Whether it is known who is expected at all.
    #[must_use]
    pub fn knows_expected(&self) -> bool {
        !self.expected.owners.is_empty()
            || !self.expected.maintainers.is_empty()
            || !self.context.release_accounts.is_empty()
    }

    /// Whether an expected account holds a role, or the project is in our organisation, whose owners
    /// need none; `None` when that cannot be known.
    #[must_use]
    pub fn is_held_by_us(&self) -> Option<bool> {
        let organization = &self.context.federation.accounts.organization;
        if organization.is_some() && *organization == self.facts.organization {
            return Some(true);
        }
        let roles = self.facts.roles.as_ref()?;
        self.knows_expected().then(|| roles.iter().any(|role| self.is_expected(&role.account)))
    }

    /// The accounts with a role that are not expected here, without repetition.
    #[must_use]
    pub fn strangers(&self) -> Vec<&'a str> {
        if !self.knows_expected() {
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        let accounts = self.facts.roles.iter().flatten().map(|role| role.account.as_str());
        accounts.filter(|account| !self.is_expected(account) && seen.insert(*account)).collect()
    }

    /// Whose the name was on a day, as far as `federation.toml` says.
    #[must_use]
    pub fn custody_at(&self, at: Timestamp) -> Option<CustodyState> {
        let day = at.to_zoned(TimeZone::UTC).date();
        self.context.federation.custody_on(self.name, day).map(|fact| fact.state)
    }

    /// The first upload of a release that the records list.
    #[must_use]
    pub fn first_official_upload(&self) -> Option<Timestamp> {
        self.releases
            .iter()
            .filter(|case| case.is_listed())
            .filter_map(|case| case.index.and_then(IndexRelease::first_upload))
            .min()
    }

    /// The last upload of a release that the records list.
    #[must_use]
    pub fn last_official_upload(&self) -> Option<Timestamp> {
        self.releases
            .iter()
            .filter(|case| case.is_listed())
            .filter_map(|case| case.index.and_then(IndexRelease::first_upload))
            .max()
    }

    /// The cases with a judgement that is wanted.
    pub fn judged(
        &self,
        wanted: impl Fn(&Judgement) -> bool,
    ) -> impl Iterator<Item = &ReleaseCase<'a>> {
        self.releases.iter().filter(move |case| wanted(&case.judgement))
    }
}

impl ReleaseCase<'_> {
    /// Whether the records list it today.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.official.iter().any(|one| one.known == Known::Listed)
    }

    /// When the records say that it was approved, the earliest day.
    #[must_use]
    pub fn approved(&self) -> Option<Timestamp> {
        let listed = self.official.iter().filter(|one| one.known != Known::OnceListed);
        listed.filter_map(|one| one.approved).min()
    }

    /// When its first file arrived.
    #[must_use]
    pub fn uploaded(&self) -> Option<Timestamp> {
        self.index.and_then(IndexRelease::first_upload)
    }

    /// Where the records have it, for evidence.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.official.iter().find_map(|one| one.place.as_deref())
    }
}

impl Summary {
    /// What is kept of a dossier for the look at all projects.
    #[must_use]
    pub fn of(dossier: &Dossier<'_>) -> Self {
        let mut explained: BTreeMap<&'static str, usize> = BTreeMap::new();
        for case in dossier.releases.iter().filter(|case| case.index.is_some()) {
            *explained.entry(case.judgement.word()).or_default() += 1;
        }
        let texts = |wanted: fn(&Judgement) -> bool| -> Vec<String> {
            dossier.judged(wanted).map(|case| case.text.to_owned()).collect()
        };
        let on_index = || dossier.releases.iter().filter(|case| case.index.is_some());
        Self {
            presence: dossier.facts.presence.clone(),
            identity: dossier.identity.clone(),
            roles: dossier.facts.roles.clone(),
            organization: dossier.facts.organization.clone(),
            recorded: dossier.records.is_some(),
            official: dossier.known_today(),
            after_records: texts(|judgement| *judgement == Judgement::AfterRecords),
            placeholders: texts(|judgement| *judgement == Judgement::Placeholder),
            explained,
            releases: on_index().count(),
            first_upload: on_index().filter_map(ReleaseCase::uploaded).min(),
        }
    }
}

impl Judgement {
    /// Whether the release is one of ours, made by our own release jobs as far as anything says.
    #[must_use]
    pub const fn is_of_ours(&self) -> bool {
        matches!(
            self,
            Self::Official
                | Self::OnceListed
                | Self::OtherName(_)
                | Self::AfterRecords
                | Self::Tagged
        )
    }

    /// One word for it, stable, for counts and machine-readable output.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::OnceListed => "once-listed",
            Self::OtherName(_) => "other-name",
            Self::Placeholder => "placeholder",
            Self::BeforeRecords => "before-records",
            Self::AfterRecords => "after-records",
            Self::TheirOwn => "by-custody",
            Self::Departed => "departed",
            Self::Foreign => "foreign",
            Self::Tagged => "tagged",
            Self::Development => "development",
            Self::Unexplained => "unexplained",
            Self::Missing(_) => "missing",
        }
    }
}
