//! `account-absent`: an expected account holds no role, or the wrong one.

use super::stranger_role::{phrase, with_roles};
use super::{Document, Rule};
use crate::dossier::Dossier;
use crate::fact::Role;
use crate::finding::{Finding, Severity};
use crate::roles::{Absent, Lack, RoleCase, judge, listed};

/// An expected account holds no role, or the wrong one.
pub(super) struct AccountAbsent;

impl Rule for AccountAbsent {
    fn code(&self) -> &'static str {
        "account-absent"
    }

    fn document(&self) -> Document {
        Document {
            title: "an expected account holds no role, or the wrong one",
            what: "The account that uploads releases, or an owner that `federation.toml` names, is \
                   not among the roles of a project, or can only upload where it should manage. High \
                   when nobody who is expected can manage the project, or when others hold it in \
                   place of the account that uploads; those are named in the same finding. A missing \
                   maintainer is low.",
            why: "A project that none of ours can manage cannot be repaired by us: no bad release \
                  can be pulled, and no stranger be removed.",
            remedy: "Ask an owner to add the account; if none answers, ask the index's support for \
                     the name (PEP 541). If the project was given away, write that into \
                     `federation.toml` under `[[custody]]`.",
            example: "high teapot: release account `ci` holds no role; `ann` is an owner\n\
                      The project was once uploaded by hand, and the account was never added.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = judge(dossier) else { return };
        if case.absent.is_empty() {
            return;
        }
        let only_maintainers = case.absent.iter().all(|it| it.lack == Lack::NotMaintainer);
        let severity = match (case.is_lost(), only_maintainers) {
            (true, _) => Severity::High,
            (false, true) => Severity::Low,
            (false, false) => Severity::Medium,
        };
        let mut message = phrase_absent(dossier, &case.absent);
        let others = if case.is_lost() { unexpected(&case) } else { Vec::new() };
        if !others.is_empty() {
            message = format!("{message}; {}", phrase(others.iter().copied()));
        } else if !case.managed {
            message.push_str("; nobody who is expected is an owner");
        }
        let accounts = case.absent.iter().map(|absent| absent.account);
        let finding = Finding::new("account-absent", severity, dossier.name, message)
            .accounts(accounts.chain(others.iter().map(|role| role.account.as_str())))
            .next(next_step(&case));
        let mut finding = with_roles(finding, dossier);
        for leaver in &case.leavers {
            let text = format!(
                "`{}` is {}, who left on {}",
                leaver.role.account, leaver.person, leaver.left
            );
            finding = finding.evidence("federation.toml", text);
        }
        if dossier.context.accounts_assumed {
            let text = "the accounts that upload are assumed: they hold roles on most projects";
            finding = finding.evidence("assumption", text);
        }
        findings.push(finding);
    }
}

fn unexpected<'a>(case: &RoleCase<'a>) -> Vec<&'a Role> {
    let mut roles: Vec<&Role> = case.strangers.clone();
    roles.extend(case.leavers.iter().map(|leaver| leaver.role));
    roles
}

fn phrase_absent(dossier: &Dossier<'_>, absent: &[Absent<'_>]) -> String {
    let mut phrases = Vec::new();
    for lack in [Lack::NoRole, Lack::NotOwner, Lack::IsOwner, Lack::NotMaintainer] {
        let of_kind = absent.iter().filter(|it| it.lack == lack);
        let accounts: Vec<&str> = of_kind.map(|it| it.account).collect();
        if accounts.is_empty() {
            continue;
        }
        let release = &dossier.context.release_accounts;
        let uploads = accounts.iter().all(|account| release.contains(*account));
        let (who, many) = (listed(accounts.iter().copied()), accounts.len() > 1);
        let subject = match (lack, uploads) {
            (Lack::NotMaintainer, _) => "expected maintainer",
            (_, true) => "release account",
            (_, false) => "expected account",
        };
        let plural = if many { "s" } else { "" };
        let predicate = match (lack, many) {
            (Lack::NoRole | Lack::NotMaintainer, false) => "holds no role",
            (Lack::NoRole | Lack::NotMaintainer, true) => "hold no role",
            (Lack::NotOwner, false) => "is not an owner",
            (Lack::NotOwner, true) => "are not owners",
            (Lack::IsOwner, false) => "is an owner and should be a maintainer",
            (Lack::IsOwner, true) => "are owners and should be maintainers",
        };
        phrases.push(format!("{subject}{plural} {who} {predicate}"));
    }
    phrases.join("; ")
}

fn next_step(case: &RoleCase<'_>) -> String {
    let wanting: Vec<&str> = case
        .absent
        .iter()
        .filter(|it| it.lack != Lack::IsOwner)
        .map(|absent| absent.account)
        .collect();
    if wanting.is_empty() {
        return "make it a maintainer, once another expected account is an owner".to_owned();
    }
    let wanting = listed(wanting);
    if case.managed {
        format!("add {wanting}; `countermark roles --todo` gives the order")
    } else if case.owners.is_empty() {
        format!("ask the index's support for the name and have {wanting} added")
    } else {
        let owners = listed(case.owners.iter().copied());
        format!("ask {owners} to add {wanting}, or the index's support if nobody answers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dossier::{Expected, Identity};
    use crate::federation::{AccountException, Person};
    use crate::roles::fixture::{World, name, set};
    use crate::rule::stranger_role::StrangerRole;

    #[track_caller]
    fn check(roles: &str, owners: &str, maintainers: &str, expect: &[&str]) {
        let mut world = World::of("teapot", roles);
        world.projects[0].expected =
            Some(Expected { owners: set(owners), maintainers: set(maintainers) });
        assert_eq!(world.lines(&AccountAbsent), expect, "{roles}");
    }

    #[test]
    fn an_absent_release_account_and_strangers_are_one_finding() {
        check("Owner:ci", "", "", &[]);
        check(
            "Owner:ann",
            "",
            "",
            &["high teapot: release account `ci` holds no role; `ann` is an owner"],
        );
        check(
            "Owner:ann Owner:bob Owner:cat",
            "",
            "",
            &["high teapot: release account `ci` holds no role; `ann`, `bob` and `cat` are owners"],
        );
        check(
            "",
            "",
            "",
            &[
                "high teapot: release account `ci` holds no role; nobody who is expected is an owner",
            ],
        );
        check(
            "Owner:ann Maintainer:ci",
            "",
            "",
            &["high teapot: release account `ci` is not an owner; `ann` is an owner"],
        );
        for roles in ["Owner:ann", "Owner:ann Maintainer:ci", ""] {
            assert_eq!(World::of("teapot", roles).lines(&StrangerRole), [""; 0]);
        }
    }

    #[test]
    fn expected_owners_and_maintainers_are_asked_for() {
        check("Owner:ci Owner:ann", "ann", "", &[]);
        check("Owner:ANN Maintainer:ci", "ann", "", &[]);
        check("Owner:ci", "ann", "", &["medium teapot: expected account `ann` holds no role"]);
        check(
            "Owner:ci Maintainer:ann",
            "ann",
            "",
            &["medium teapot: expected account `ann` is not an owner"],
        );
        check(
            "Maintainer:ci Maintainer:ann",
            "ann",
            "",
            &[
                "high teapot: expected account `ann` is not an owner; nobody who is expected is an owner",
            ],
        );
        check("Owner:ann", "ann", "", &["medium teapot: release account `ci` holds no role"]);
        check(
            "Owner:ann Owner:zoe",
            "ann",
            "",
            &["high teapot: release account `ci` holds no role; `zoe` is an owner"],
        );
        // A stranger beside a missing owner, while the release account is there: two findings.
        check(
            "Owner:ci Owner:zoe",
            "ann",
            "",
            &["medium teapot: expected account `ann` holds no role"],
        );
        check("Owner:ci", "ci", "bob", &["low teapot: expected maintainer `bob` holds no role"]);
        check(
            "Owner:ci Owner:bob",
            "ci",
            "bob",
            &["medium teapot: expected account `bob` is an owner and should be a maintainer"],
        );
        check("Owner:ann Maintainer:ci", "ann", "ci", &[]);
    }

    #[test]
    fn one_of_several_release_accounts_is_enough() {
        let mut world = World::of("teapot", "Owner:ci2");
        world.release_accounts = set("ci ci2");
        world.projects[0].expected =
            Some(Expected { owners: set("ci ci2"), ..Expected::default() });
        assert_eq!(world.lines(&AccountAbsent), [""; 0]);
        world = World::of("teapot", "Owner:ann");
        world.release_accounts = set("ci ci2");
        world.projects[0].expected =
            Some(Expected { owners: set("ci ci2"), ..Expected::default() });
        assert_eq!(
            world.lines(&AccountAbsent),
            ["high teapot: release accounts `ci` and `ci2` hold no role; `ann` is an owner"]
        );
    }

    #[test]
    fn exceptions_and_organizations_stand_in() {
        let mut world = World::of("teapot", "Owner:bot");
        world.projects[0].expected = Some(Expected { owners: set("bot"), ..Expected::default() });
        assert_eq!(world.lines(&AccountAbsent).len(), 1);
        world.federation.accounts.exceptions = vec![AccountException {
            projects: [name("teapot")].into(),
            owners: Some(set("bot")),
            ..AccountException::default()
        }];
        assert_eq!(world.lines(&AccountAbsent), [""; 0]);
        let mut world = World::of("teapot", "");
        world.federation.accounts.organization = Some("pots".into());
        assert_eq!(world.lines(&AccountAbsent).len(), 1);
        world.projects[0].facts.organization = Some("pots".into());
        assert_eq!(world.lines(&AccountAbsent), [""; 0]);
    }

    #[test]
    fn people_who_left_do_not_manage() {
        let mut world = World::of("teapot", "Owner:ann");
        world.projects[0].expected = Some(Expected { owners: set("ann"), ..Expected::default() });
        let person = Person { left: Some("2026-06-01".parse().unwrap()), ..Person::default() };
        world.federation.people.insert("ann".into(), person.clone());
        assert_eq!(
            world.lines(&AccountAbsent),
            ["high teapot: release account `ci` holds no role; `ann` is an owner"]
        );
        // Leaves tomorrow.
        let person = Person { left: Some("2026-06-02".parse().unwrap()), ..person };
        world.federation.people.insert("ann".into(), person);
        assert_eq!(
            world.lines(&AccountAbsent),
            ["medium teapot: release account `ci` holds no role"]
        );
    }

    #[test]
    fn unknown_roles_are_not_absent() {
        let mut world = World::of("teapot", "");
        world.projects[0].facts.roles = None;
        assert_eq!(world.lines(&AccountAbsent), [""; 0]);
        let mut world = World::of("teapot", "Owner:ann");
        world.projects[0].identity = Identity::Foreign { reason: "x".into() };
        assert_eq!(world.lines(&AccountAbsent), [""; 0]);
    }
}
