//! The roles of one project against what is expected.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::same_account;
use crate::dossier::{Dossier, Identity};
use crate::fact::{Presence, Role, RoleKind};
use crate::federation::{AccountException, Federation, KeptRole, Person};

/// What is to be said of the roles of one project of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleCase<'a> {
    /// Owners, as the index writes them.
    pub owners: Vec<&'a str>,
    /// Roles that nobody expects; without those that are kept, and those of people who left.
    pub strangers: Vec<&'a Role>,
    /// Roles that are kept on purpose, today.
    pub kept: Vec<(&'a Role, &'a KeptRole)>,
    /// Those of `strangers` that were kept until a day that is over.
    pub lapsed: Vec<(&'a Role, &'a KeptRole)>,
    /// Roles of people who left, expected or not.
    pub leavers: Vec<Leaver<'a>>,
    /// Expected accounts that lack something.
    pub absent: Vec<Absent<'a>>,
    /// Whether none of the accounts that upload holds a role, and one should.
    pub release_absent: bool,
    /// Whether somebody who is expected, and has not left, is an owner.
    pub managed: bool,
}

/// A role of somebody who left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver<'a> {
    /// The role.
    pub role: &'a Role,
    /// The person's name, or key in `federation.toml`.
    pub person: &'a str,
    /// The day.
    pub left: Date,
}

/// An expected account without its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent<'a> {
    /// The account.
    pub account: &'a str,
    /// What it lacks.
    pub lack: Lack,
}

/// What an expected account lacks, or has too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Should be an owner, or upload, and holds no role.
    NoRole,
    /// Should be an owner and can only upload.
    NotOwner,
    /// Should be a maintainer and is an owner.
    IsOwner,
    /// Should be a maintainer and holds no role.
    NotMaintainer,
}

impl RoleCase<'_> {
    /// Whether the roles that should not be and those that are not there make one finding: nobody of
    /// ours can act, or others hold the project in place of the account that uploads.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let others = !self.strangers.is_empty() || !self.leavers.is_empty();
        !self.absent.is_empty() && (!self.managed || self.release_absent && others)
    }
}

/// Compares the roles of a project with those that are expected. `None` when nothing can be said: the
/// project is not ours or not there, its roles were not read, or nobody is expected.
#[must_use]
pub fn judge<'a>(dossier: &'a Dossier<'_>) -> Option<RoleCase<'a>> {
    let roles = dossier.facts.roles.as_deref()?;
    let (context, expected) = (dossier.context, &dossier.expected);
    let nobody = expected.owners.is_empty()
        && expected.maintainers.is_empty()
        && context.release_accounts.is_empty();
    let ours = dossier.identity == Identity::Ours && dossier.facts.presence == Presence::Present;
    if nobody || !ours || is_released_by_others(dossier) {
        return None;
    }
    let today = today(context.now);
    let mut case = RoleCase::default();
    for role in roles {
        if role.kind == RoleKind::Owner {
            case.owners.push(&role.account);
        }
        if let Some((person, left)) = holder_left(context.federation, &role.account, today) {
            case.leavers.push(Leaver { role, person, left });
        } else if is_expected(dossier, &role.account) {
            case.managed |= role.kind == RoleKind::Owner && is_manager(dossier, &role.account);
        } else {
            add_unexpected(&mut case, dossier, role, today);
        }
    }
    find_absent(&mut case, dossier, roles);
    Some(case)
}

/// The records say that others upload, no release of it is in them, and none of our accounts is
/// there: then roles are the business of those others.
fn is_released_by_others(dossier: &Dossier<'_>) -> bool {
    let roles = dossier.facts.roles.as_deref().unwrap_or_default();
    dossier.records.is_some_and(|records| {
        records.publishes == crate::record::Publishes::No && records.releases.is_empty()
    }) && !roles.iter().any(|role| is_expected(dossier, &role.account))
}

fn is_release_account(dossier: &Dossier<'_>, account: &str) -> bool {
    dossier.context.release_accounts.iter().any(|it| same_account(it, account))
}

fn is_expected(dossier: &Dossier<'_>, account: &str) -> bool {
    let expected = dossier.expected.owners.iter().chain(&dossier.expected.maintainers);
    is_release_account(dossier, account) || expected.into_iter().any(|it| same_account(it, account))
}

/// Who may manage: expected owners, and accounts that upload unless they are to be maintainers.
fn is_manager(dossier: &Dossier<'_>, account: &str) -> bool {
    let is_in = |set: &BTreeSet<String>| set.iter().any(|it| same_account(it, account));
    is_in(&dossier.expected.owners)
        || is_release_account(dossier, account) && !is_in(&dossier.expected.maintainers)
}

fn add_unexpected<'a>(
    case: &mut RoleCase<'a>,
    dossier: &'a Dossier<'_>,
    role: &'a Role,
    today: Date,
) {
    let kept = dossier.context.federation.kept.iter().filter(|kept| {
        kept.project == *dossier.name
            && same_account(&kept.account, &role.account)
            && kept.role.as_ref().is_none_or(|name| RoleKind::parse(name) == role.kind)
    });
    match kept.max_by_key(|kept| kept.expires) {
        Some(kept) if kept.expires >= today => case.kept.push((role, kept)),
        Some(kept) => {
            case.lapsed.push((role, kept));
            case.strangers.push(role);
        }
        None => case.strangers.push(role),
    }
}

fn find_absent<'a>(case: &mut RoleCase<'a>, dossier: &'a Dossier<'_>, roles: &[Role]) {
    let (accounts, expected) = (&dossier.context.federation.accounts, &dossier.expected);
    let through_organization =
        accounts.organization.is_some() && accounts.organization == dossier.facts.organization;
    let holds = |account: &str, kind: Option<&RoleKind>| {
        roles.iter().any(|role| {
            same_account(&role.account, account) && kind.is_none_or(|kind| *kind == role.kind)
        })
    };
    // Without a list of owners the accounts that upload stand in, and one of them is enough.
    let release = &dossier.context.release_accounts;
    let none = BTreeSet::new();
    let stand_in = accounts.owners.is_empty() && expected.owners == *release;
    let owners = if stand_in { &none } else { &expected.owners };
    let mut lacks = |account, lack| case.absent.push(Absent { account, lack });
    for account in owners.iter().filter_map(|account| expected.owners.get(account)) {
        if !holds(account, None) && !through_organization {
            lacks(account, Lack::NoRole);
        } else if !holds(account, Some(&RoleKind::Owner)) && !through_organization {
            lacks(account, Lack::NotOwner);
        }
    }
    let maintainers = expected.maintainers.iter().filter(|it| !owners.contains(*it));
    for account in maintainers {
        if holds(account, Some(&RoleKind::Owner)) {
            lacks(account, Lack::IsOwner);
        } else if !holds(account, None) && !through_organization {
            lacks(account, Lack::NotMaintainer);
        }
    }
    let uploads = release.iter().any(|account| holds(account, None)) || through_organization;
    case.release_absent = !release.is_empty() && !uploads && !has_own_owners(dossier);
    let named = |account: &str| {
        owners.iter().chain(&expected.maintainers).any(|it| same_account(it, account))
    };
    for account in release.iter().filter(|account| !named(account)) {
        if case.release_absent {
            lacks(account, Lack::NoRole);
        } else if owners.is_empty() && !case.managed && holds(account, None) {
            lacks(account, Lack::NotOwner);
        }
    }
    case.managed |= through_organization;
}

/// Whether `federation.toml` names other owners for this project or its team; then it need not be
/// one of the common accounts that uploads.
fn has_own_owners(dossier: &Dossier<'_>) -> bool {
    let team = dossier.records.and_then(|records| records.team.as_deref());
    let covers = |exception: &AccountException| {
        exception.projects.contains(dossier.name)
            || team.is_some_and(|team| exception.teams.contains(team))
    };
    let mut exceptions = dossier.context.federation.accounts.exceptions.iter();
    exceptions.any(|exception| exception.owners.is_some() && covers(exception))
}

/// Whose account it is and since when that person is gone, if that is so today.
#[must_use]
pub fn holder_left<'a>(
    federation: &'a Federation,
    account: &str,
    today: Date,
) -> Option<(&'a str, Date)> {
    let holds = |key: &str, person: &Person| {
        person.accounts.iter().any(|it| same_account(it, account))
            || person.accounts.is_empty() && same_account(key, account)
    };
    let holders: Vec<_> =
        federation.people.iter().filter(|(key, person)| holds(key, person)).collect();
    // An account that several people hold is nobody's until the last one has left.
    let left = holders.iter().map(|(_, person)| person.left.filter(|left| *left <= today));
    let last = left.collect::<Option<Vec<Date>>>()?.into_iter().max()?;
    let (key, person) = holders.last()?;
    Some((person.name.as_deref().unwrap_or(key), last))
}

/// The day in UTC.
#[must_use]
pub fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
