//! Who has to do what, so that the roles become those that are expected.
//!
//! The order is what matters. Owners are added first, accept and are seen to work; then those who
//! should not be there are removed; at the very end owners who should be maintainers step down. After
//! every single step each project has an owner, or had none to begin with; a test walks through the
//! steps over arbitrary roles. An account that is added is only invited: it has to accept before
//! anything is removed.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;

use super::{holder_left, judge, same_account, today};
use crate::dossier::Dossier;
use crate::fact::{Role, RoleKind};
use crate::federation::Federation;

mod show;

pub use show::{FORMAT, json, markdown, text};

/// What one project has and should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// As the index shows them.
    pub roles: Vec<Role>,
    /// Who should own it.
    pub owners: BTreeSet<String>,
    /// Who should be able to upload.
    pub maintainers: BTreeSet<String>,
    /// Who may stay as they are.
    pub stay: BTreeSet<String>,
    /// Owners who may be asked although they are to be removed, the likeliest to answer first.
    pub reachable: Vec<String>,
}

/// The parts of the work; each begins when the one before is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Round {
    /// Others, or the index's support, make one of ours an owner.
    Ask,
    /// Who was added in the first round accepts.
    AcceptAsked,
    /// Our owners add who is missing.
    Add,
    /// Who was added accepts, and tries it.
    AcceptAdded,
    /// Those who should not be there are removed.
    Remove,
    /// Owners who should be maintainers step down.
    Demote,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// An account.
    Account(String),
    /// The people who run the index.
    Support,
}

/// One thing to do on one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub round: Round,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To which account.
    pub account: String,
}

/// What is done to an account on a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Given a role, or another role than it has.
    Add(RoleKind),
    /// It accepts and tries what it now may do; changes nothing.
    Accept(RoleKind),
    /// Loses its role.
    Remove(RoleKind),
    /// From owner to maintainer.
    Demote,
}

/// All that is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Todo {
    /// The work, in its order; each with the projects that it is done on.
    pub tasks: Vec<Task>,
    /// Projects of which no plan can be made, and why.
    pub undecided: Vec<(ProjectName, String)>,
    /// How accounts are reached, where `federation.toml` says it.
    pub contacts: BTreeMap<String, String>,
}

/// The same thing to do on several projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The thing.
    pub step: Step,
    /// Where.
    pub projects: Vec<ProjectName>,
}

/// What a project has and should have; `None` when it is not for us to say, see [`judge`].
#[must_use]
pub fn wanted(dossier: &Dossier<'_>) -> Option<Wanted> {
    let case = judge(dossier)?;
    let (context, expected) = (dossier.context, &dossier.expected);
    let roles = dossier.facts.roles.clone()?;
    let today = today(context.now);
    let left = |account: &str| holder_left(context.federation, account, today).is_some();
    let stays = |set: &BTreeSet<String>| -> BTreeSet<String> {
        set.iter().filter(|account| !left(account)).cloned().collect()
    };
    let holds = |account: &str| roles.iter().any(|role| same_account(&role.account, account));
    let release = stays(&context.release_accounts);
    let mut owners = stays(&expected.owners);
    let stand_in = context.federation.accounts.owners.is_empty()
        && (expected.owners.is_empty() || expected.owners == context.release_accounts);
    if stand_in {
        // One of the accounts that upload is enough, and one that is there is best.
        let one = release.iter().find(|it| holds(it)).or_else(|| release.first());
        owners = one.cloned().into_iter().collect();
    }
    let mut maintainers: BTreeSet<String> =
        stays(&expected.maintainers).difference(&owners).cloned().collect();
    let mut stay: BTreeSet<String> =
        case.kept.iter().map(|(role, _)| role.account.clone()).collect();
    let unnamed = |it: &&String| !owners.contains(*it) && !maintainers.contains(*it);
    let unnamed: Vec<String> = release.iter().filter(unnamed).cloned().collect();
    if case.release_absent && !unnamed.is_empty() {
        maintainers.extend(unnamed);
    } else {
        stay.extend(unnamed);
    }
    let mut reachable: Vec<String> =
        case.owners.iter().filter(|it| !left(it)).map(|account| (*account).to_owned()).collect();
    reachable.sort_by_key(|account| contact(context.federation, account).is_none());
    Some(Wanted { roles, owners, maintainers, stay, reachable })
}

/// The steps of one project, in their order.
///
/// # Errors
/// When nobody is expected to own it: then removing anybody could leave it to nobody.
pub fn plan(wanted: &Wanted) -> Result<Vec<Step>, String> {
    if wanted.owners.is_empty() {
        return Err("nobody who is still here is expected to own it; name an owner in \
                    `federation.toml`"
            .to_owned());
    }
    let mut steps = Vec::new();
    let now = holders(&wanted.roles);
    let owns =
        |account: &str| now.get(&key(account)).is_some_and(|(_, it)| **it == RoleKind::Owner);
    let mut add = |rounds: (Round, Round), actor: &Actor, account: &str, kind: RoleKind| {
        let step = |round, actor: Actor, action| Step {
            round,
            actor,
            action,
            account: account.to_owned(),
        };
        steps.push(step(rounds.0, actor.clone(), Action::Add(kind.clone())));
        steps.push(step(rounds.1, Actor::Account(account.to_owned()), Action::Accept(kind)));
    };
    // An owner of ours does the work; without one somebody is asked to make us one.
    let mut ours = wanted.owners.iter().chain(&wanted.stay);
    let manager = ours.find(|account| owns(account));
    let manager = if let Some(manager) = manager {
        manager
    } else {
        // Of ours, whoever already holds some role: that account is known to exist.
        let holds = |account: &&String| now.contains_key(&key(account));
        let first = wanted.owners.iter().find(holds).or_else(|| wanted.owners.first());
        let first = first.ok_or("nobody is expected to own it")?;
        let others = now.values().any(|(_, kind)| **kind == RoleKind::Owner);
        let helper = wanted.reachable.iter().find(|account| owns(account));
        let actor = match helper {
            Some(helper) if others => Actor::Account(helper.clone()),
            _ => Actor::Support,
        };
        add((Round::Ask, Round::AcceptAsked), &actor, first, RoleKind::Owner);
        first
    };
    let actor = Actor::Account(manager.clone());
    let adding = (Round::Add, Round::AcceptAdded);
    for account in wanted.owners.iter().filter(|it| *it != manager && !owns(it)) {
        add(adding, &actor, account, RoleKind::Owner);
    }
    for account in &wanted.maintainers {
        let has = now.get(&key(account)).map(|(_, kind)| kind);
        if !matches!(has, Some(RoleKind::Owner | RoleKind::Maintainer)) {
            add(adding, &actor, account, RoleKind::Maintainer);
        }
    }
    steps.extend(removals(wanted, &now, &actor));
    // Several are added before the first of them accepts.
    steps.sort_by_key(|step| step.round);
    Ok(steps)
}

fn removals(wanted: &Wanted, now: &Holders<'_>, actor: &Actor) -> Vec<Step> {
    let is_in =
        |set: &BTreeSet<String>, account: &str| set.iter().any(|it| same_account(it, account));
    let mut steps = Vec::new();
    for (account, kind) in now.values() {
        let (round, action) = if is_in(&wanted.owners, account) || is_in(&wanted.stay, account) {
            continue;
        } else if !is_in(&wanted.maintainers, account) {
            (Round::Remove, Action::Remove((*kind).clone()))
        } else if **kind == RoleKind::Owner {
            (Round::Demote, Action::Demote)
        } else {
            continue;
        };
        steps.push(Step { round, actor: actor.clone(), action, account: (*account).to_owned() });
    }
    steps
}

/// Each account with the most that it may do.
type Holders<'a> = BTreeMap<String, (&'a str, &'a RoleKind)>;

fn holders(roles: &[Role]) -> Holders<'_> {
    let mut holders: Holders<'_> = BTreeMap::new();
    for role in roles {
        let held = holders.entry(key(&role.account)).or_insert((&role.account, &role.kind));
        if role.kind < *held.1 {
            held.1 = &role.kind;
        }
    }
    holders
}

fn key(account: &str) -> String {
    account.to_ascii_lowercase()
}

/// The plans of all projects, with the same steps put together.
#[must_use]
pub fn todo<'a>(dossiers: impl IntoIterator<Item = &'a Dossier<'a>>) -> Todo {
    let mut todo = Todo::default();
    for dossier in dossiers {
        let Some(wanted) = wanted(dossier) else { continue };
        match plan(&wanted) {
            Ok(steps) => steps.into_iter().for_each(|step| todo.add(dossier, step)),
            Err(reason) => todo.undecided.push((dossier.name.clone(), reason)),
        }
    }
    todo.tasks.sort_by(|a, b| {
        let order =
            |task: &Task| (task.step.round, task.step.actor.clone(), task.step.action.clone());
        order(a).cmp(&order(b)).then_with(|| a.step.account.cmp(&b.step.account))
    });
    todo
}

impl Todo {
    fn add(&mut self, dossier: &Dossier<'_>, step: Step) {
        let accounts = match &step.actor {
            Actor::Account(actor) => vec![actor, &step.account],
            Actor::Support => vec![&step.account],
        };
        for account in accounts {
            if let Some(contact) = contact(dossier.context.federation, account) {
                self.contacts.insert(account.clone(), contact.to_owned());
            }
        }
        match self.tasks.iter_mut().find(|task| task.step == step) {
            Some(task) => task.projects.push(dossier.name.clone()),
            None => self.tasks.push(Task { step, projects: vec![dossier.name.clone()] }),
        }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.undecided.is_empty()
    }
}

/// How the person behind an account is reached.
fn contact<'a>(federation: &'a Federation, account: &str) -> Option<&'a str> {
    let mut people = federation.people.iter().filter(|(key, person)| {
        person.accounts.iter().any(|it| same_account(it, account))
            || person.accounts.is_empty() && same_account(key, account)
    });
    people.find_map(|(_, person)| person.contact.as_deref())
}

#[cfg(test)]
mod tests;
