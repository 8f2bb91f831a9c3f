//! `role-change`: a role appeared or went since the last run.

use std::collections::BTreeMap;

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity};
use crate::fact::{Role, RoleKind};
use crate::finding::{Finding, Severity};
use crate::roles::{listed, same_account};

/// See [`Rule::document`].
pub(super) struct RoleChange;

impl Rule for RoleChange {
    fn code(&self) -> &'static str {
        "role-change"
    }

    fn document(&self) -> Document {
        Document {
            title: "a role appeared or went since the last run",
            what: "What differs between the roles of the last run and now, all of a project in one \
                   finding; also the organisation. High when somebody unexpected came or an expected \
                   account lost a role, else low.",
            why: "A role is what an attacker needs first, and removing ours is what keeps us from \
                  answering.",
            remedy: "Ask in the team who made the change. If nobody did, follow `countermark \
                     incident --account NAME` for the account that could make it.",
            example: "high teapot: `ann` became an owner; `ci` lost the role of owner\n\
                      Somebody took the account of an owner and swapped the release account out.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let Some(previous) = dossier.previous else { return };
        let (Some(before), Some(after)) = (&previous.roles, &dossier.facts.roles) else { return };
        if dossier.identity != Identity::Ours {
            return;
        }
        let mut changes = changes(before, after);
        let organizations = (&previous.organization, &dossier.facts.organization);
        if organizations.0 != organizations.1 {
            let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".to_owned());
            changes.push(Change {
                account: None,
                text: format!(
                    "the organisation was `{}` and is `{}`",
                    text(organizations.0),
                    text(organizations.1)
                ),
                gained: true,
            });
        }
        if changes.is_empty() {
            return;
        }
        let is_high = changes.iter().any(|change| is_high(dossier, change));
        let severity = if is_high { Severity::High } else { Severity::Low };
        let texts: Vec<&str> = changes.iter().map(|change| change.text.as_str()).collect();
        let shown = |roles: &[Role]| {
            let roles: Vec<String> =
                roles.iter().map(|it| format!("{} {}", it.kind.name(), it.account)).collect();
            if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }
        };
        let finding = Finding::new("role-change", severity, dossier.name, texts.join("; "))
            .accounts(changes.iter().filter_map(|change| change.account))
            .evidence("last run", format!("roles: {}", shown(before)))
            .evidence("index", format!("roles: {}", shown(after)));
        let step = if is_high {
            "find out today who made the change; nobody of ours: `countermark incident --account`"
        } else {
            "nothing, if somebody of ours made the change"
        };
        findings.push(finding.next(step));
    }
}

struct Change<'a> {
    /// `None` for the organisation.
    account: Option<&'a str>,
    text: String,
    /// Whether it can do more than before.
    gained: bool,
}

fn is_high(dossier: &Dossier<'_>, change: &Change<'_>) -> bool {
    let Some(account) = change.account else {
        let expected = &dossier.context.federation.accounts.organization;
        return dossier.facts.organization != *expected;
    };
    let names = dossier.expected.owners.iter().chain(&dossier.expected.maintainers);
    let mut names = names.chain(&dossier.context.release_accounts);
    names.any(|it| same_account(it, account)) != change.gained
}

/// What each account can do now and could not, or could and cannot.
fn changes<'a>(before: &'a [Role], after: &'a [Role]) -> Vec<Change<'a>> {
    // By the account in lower case; there may be thousands.
    let mut held: BTreeMap<String, [Vec<&RoleKind>; 2]> = BTreeMap::new();
    let mut accounts: Vec<(&str, String)> = Vec::new();
    for (side, role) in before.iter().map(|it| (0, it)).chain(after.iter().map(|it| (1, it))) {
        let plain = role.account.to_ascii_lowercase();
        let kinds = held.entry(plain.clone()).or_insert_with(|| {
            accounts.push((&role.account, plain));
            <[Vec<&RoleKind>; 2]>::default()
        });
        kinds[side].push(&role.kind);
    }
    let mut changes = Vec::new();
    for (account, plain) in accounts {
        let [mut was, mut is] = held.remove(&plain).unwrap_or_default();
        for kinds in [&mut was, &mut is] {
            kinds.sort();
            kinds.dedup();
        }
        if was == is {
            continue;
        }
        let words = |kinds: &[&RoleKind]| {
            let words: Vec<String> =
                kinds.iter().map(|kind| kind.name().to_ascii_lowercase()).collect();
            words.join(" and ")
        };
        let name = listed([account]);
        let text = match (was.is_empty(), is.is_empty()) {
            (true, _) => format!("{name} became {}", words(&is)),
            (_, true) => format!("{name} lost the role of {}", words(&was)),
            _ => format!("{name} was {} and is {}", words(&was), words(&is)),
        };
        // Owner is the first of the kinds, and can do all that the others can.
        let gained = is.first() < was.first() && !is.is_empty() || was.is_empty();
        changes.push(Change { account: Some(account), text, gained });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dossier::Expected;
    use crate::roles::fixture::{World, roles, set};

    fn world(before: &str, after: &str) -> World {
        let mut world = World::of("teapot", after);
        let mut previous = world.projects[0].facts.clone();
        previous.roles = Some(roles(before));
        world.projects[0].previous = Some(previous);
        world.projects[0].expected =
            Some(Expected { owners: set("ci ann"), maintainers: set("bob") });
        world
    }

    #[track_caller]
    fn check(before: &str, after: &str, expect: &[&str]) {
        assert_eq!(world(before, after).lines(&RoleChange), expect, "{before} -> {after}");
    }

    #[test]
    fn changes_are_one_finding() {
        check("Owner:ci", "Owner:ci", &[]);
        check("Owner:ci Maintainer:bob", "Maintainer:Bob Owner:CI", &[]);
        check("Owner:ci", "Owner:ci Owner:zoe", &["high teapot: `zoe` became owner"]);
        check("Owner:ci Owner:zoe", "Owner:ci", &["low teapot: `zoe` lost the role of owner"]);
        check("Owner:ci", "Owner:ci Owner:ann", &["low teapot: `ann` became owner"]);
        check("Owner:ci Owner:ann", "Owner:ci", &["high teapot: `ann` lost the role of owner"]);
        check(
            "Owner:ci",
            "Owner:zoe",
            &["high teapot: `ci` lost the role of owner; `zoe` became owner"],
        );
        check(
            "Owner:ci Owner:ann",
            "Owner:ci Maintainer:ann",
            &["high teapot: `ann` was owner and is maintainer"],
        );
        check(
            "Owner:ci Maintainer:zoe",
            "Owner:ci Owner:zoe",
            &["high teapot: `zoe` was maintainer and is owner"],
        );
        check(
            "Owner:ci Owner:zoe",
            "Owner:ci Maintainer:zoe",
            &["low teapot: `zoe` was owner and is maintainer"],
        );
        check("", "Owner:ci", &["low teapot: `ci` became owner"]);
        check("Owner:ci", "", &["high teapot: `ci` lost the role of owner"]);
    }

    #[test]
    fn the_organization_counts_too() {
        let mut world = world("Owner:ci", "Owner:ci");
        world.projects[0].facts.organization = Some("kilns".into());
        let expect = "teapot: the organisation was `none` and is `kilns`";
        assert_eq!(world.lines(&RoleChange), [format!("high {expect}")]);
        world.federation.accounts.organization = Some("kilns".into());
        assert_eq!(world.lines(&RoleChange), [format!("low {expect}")]);
    }

    #[test]
    fn without_both_sides_nothing_changed() {
        let mut world = world("Owner:ci", "Owner:zoe");
        world.projects[0].facts.roles = None;
        assert_eq!(world.lines(&RoleChange), [""; 0]);
        let mut world = self::world("Owner:ci", "Owner:zoe");
        world.projects[0].previous.as_mut().unwrap().roles = None;
        assert_eq!(world.lines(&RoleChange), [""; 0]);
        let mut world = self::world("Owner:ci", "Owner:zoe");
        world.projects[0].previous = None;
        assert_eq!(world.lines(&RoleChange), [""; 0]);
        let mut world = self::world("Owner:ci", "Owner:zoe");
        world.projects[0].identity = Identity::ByCustody;
        assert_eq!(world.lines(&RoleChange), [""; 0]);
    }
}
