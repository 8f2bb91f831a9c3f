//! `leaver-role`: somebody who left, or whom nobody knows, still holds roles.

use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;
use jiff::civil::Date;

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::fact::RoleKind;
use crate::federation::Federation;
use crate::finding::{Finding, Severity};
use crate::roles::{holder_left, same_account, today};

/// See [`Rule::document`].
pub(super) struct LeaverRole;

impl Rule for LeaverRole {
    fn code(&self) -> &'static str {
        "leaver-role"
    }

    fn document(&self) -> Document {
        Document {
            title: "an account belongs to somebody who left, or to nobody who is known",
            what: "Accounts with roles whose person has a `left` day in `federation.toml` that is \
                   over, and expected accounts that belong to none of the `[people]` there; one \
                   finding for each account, with all its projects. High when it is the only owner \
                   of one of them, else medium.",
            why: "Nobody watches over an account that is no longer used: its mail address may expire \
                  and be taken by others, and with it the account.",
            remedy: "Remove the roles, after making sure that each project keeps an owner: \
                     `countermark roles --todo` gives the order.",
            example: "medium teapot and kettle: `ann` belongs to Ann Example, who left on 2026-01-31",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let (federation, now) = (overview.context.federation, today(overview.context.now));
        // By the account in lower case.
        let mut found: BTreeMap<String, Held<'_>> = BTreeMap::new();
        for (name, summary) in &overview.projects {
            let roles = summary.roles.as_deref().unwrap_or_default();
            let owners = roles.iter().filter(|role| role.kind == RoleKind::Owner).count();
            for role in roles.iter().filter(|_| summary.identity == Identity::Ours) {
                let left = holder_left(federation, &role.account, now);
                if left.is_none() && !is_expected_and_unknown(overview, &role.account) {
                    continue;
                }
                let held = found.entry(role.account.to_ascii_lowercase()).or_insert_with(|| Held {
                    account: &role.account,
                    left,
                    projects: Vec::new(),
                    alone: false,
                });
                if held.projects.last() != Some(&name) {
                    held.projects.push(name);
                }
                held.alone |= role.kind == RoleKind::Owner && owners == 1;
            }
        }
        findings.extend(found.values().map(finding));
    }
}

struct Held<'a> {
    account: &'a str,
    left: Option<(&'a str, Date)>,
    projects: Vec<&'a ProjectName>,
    alone: bool,
}

fn finding(held: &Held<'_>) -> Finding {
    let severity = if held.alone { Severity::High } else { Severity::Medium };
    let account = held.account;
    let (message, evidence) = match held.left {
        Some((person, day)) => (
            format!("`{account}` belongs to {person}, who left on {day}"),
            format!("{person} left on {day}"),
        ),
        None => (
            format!("`{account}` belongs to nobody who is known"),
            "it is expected to hold roles, and is not among the accounts of `[people]`".to_owned(),
        ),
    };
    let mut finding = Finding::new("leaver-role", severity, held.projects[0], message)
        .accounts([account])
        .evidence("federation.toml", evidence)
        .evidence("index", format!("it holds roles on {} of our projects", held.projects.len()))
        .next("remove its roles; `countermark roles --todo` gives the order");
    finding.projects = held.projects.iter().map(|name| (*name).clone()).collect();
    finding
}

/// Whether somebody is expected and not among the people who are listed. A stranger is the business
/// of another rule, and accounts of machines belong to nobody.
fn is_expected_and_unknown(overview: &Overview<'_>, account: &str) -> bool {
    let federation = overview.context.federation;
    let is = |it: &String| same_account(it, account);
    if federation.people.is_empty() || overview.context.release_accounts.iter().any(is) {
        return false;
    }
    is_expected_somewhere(federation, account)
        && !federation.services.iter().any(|service| service.account.iter().any(is))
        && !federation.people.iter().any(|(key, person)| is(key) || person.accounts.iter().any(is))
}

fn is_expected_somewhere(federation: &Federation, account: &str) -> bool {
    let accounts = &federation.accounts;
    let exceptions = accounts.exceptions.iter();
    let more = exceptions.flat_map(|it| it.owners.iter().chain(&it.maintainers)).flatten();
    let mut all = accounts.owners.iter().chain(&accounts.maintainers).chain(more);
    all.any(|it| same_account(it, account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::{Person, Service};
    use crate::roles::fixture::{Project, World, set};

    fn world() -> World {
        let mut world = World::new(vec![
            Project::new("a", "Owner:ci Owner:Ann"),
            Project::new("b", "Owner:ci Maintainer:ann"),
            Project::new("c", "Owner:ci"),
        ]);
        let person = Person {
            name: Some("Ann Example".into()),
            left: Some("2026-06-01".parse().unwrap()),
            ..Person::default()
        };
        world.federation.people.insert("ann".into(), person);
        world
    }

    #[test]
    fn those_who_left_are_one_finding_each() {
        let mut world = world();
        let expect = "a,b: `Ann` belongs to Ann Example, who left on 2026-06-01";
        assert_eq!(world.lines(&LeaverRole), [format!("medium {expect}")]);
        // Nobody else could act.
        world.projects[0].facts.roles = Some(crate::roles::fixture::roles("Owner:Ann"));
        assert_eq!(world.lines(&LeaverRole), [format!("high {expect}")]);
        // The day before.
        world.now = "2026-05-31T23:59:59Z".parse().unwrap();
        assert_eq!(world.lines(&LeaverRole), [""; 0]);
    }

    #[test]
    fn an_account_is_left_when_the_last_holder_is_gone() {
        let mut world = world();
        let shared = Person { accounts: set("ann"), ..Person::default() };
        world.federation.people.insert("zoe".into(), shared);
        assert_eq!(world.lines(&LeaverRole), [""; 0]);
        // The key counts only for a person without accounts.
        let mut world = self::world();
        world.federation.people.get_mut("ann").unwrap().accounts = set("ann2");
        assert_eq!(world.lines(&LeaverRole), [""; 0]);
    }

    #[test]
    fn expected_accounts_of_nobody_are_found_when_people_are_listed() {
        let mut world = World::of("a", "Owner:ci Owner:bob Owner:zoe");
        world.federation.accounts.owners = set("bob");
        assert_eq!(world.lines(&LeaverRole), [""; 0]);
        world.federation.people.insert("eve".into(), Person::default());
        let expect = ["medium a: `bob` belongs to nobody who is known"];
        assert_eq!(world.lines(&LeaverRole), expect);
        let service = Service {
            name: "index".into(),
            kind: "index".into(),
            url: None,
            account: Some("bob".into()),
            holders: Vec::new(),
            note: None,
        };
        world.federation.services = vec![service];
        assert_eq!(world.lines(&LeaverRole), [""; 0]);
        world.federation.services.clear();
        let person = Person { accounts: set("Bob"), ..Person::default() };
        world.federation.people.insert("robert".into(), person);
        assert_eq!(world.lines(&LeaverRole), [""; 0]);
    }
}
