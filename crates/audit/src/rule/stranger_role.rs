//! `stranger-role`: somebody who is not expected holds a role.

use super::{Document, Rule};
use crate::dossier::{Dossier, Judgement};
use crate::fact::{Role, RoleKind};
use crate::finding::{Finding, Severity};
use crate::roles::{RoleCase, judge, listed};

/// Somebody who is not expected holds a role.
pub(super) struct StrangerRole;

impl Rule for StrangerRole {
    fn code(&self) -> &'static str {
        "stranger-role"
    }

    fn document(&self) -> Document {
        Document {
            title: "somebody who is not expected holds a role",
            what: "Owners and maintainers that neither `federation.toml` names nor upload releases, \
                   all of a project in one finding. High when the project also has a release that \
                   nothing explains, else medium. Roles that `[[keep]]` keeps are not reported \
                   until they expire; when nobody of ours can act, `account-absent` names the \
                   strangers and this rule is silent.",
            why: "An owner can upload, delete and yank releases, and remove everybody else. Nothing \
                  that the release team does is needed for it, and nothing tells those who install.",
            remedy: "Ask who it is and whether the role is still needed. Remove it, or write it into \
                     `federation.toml` under `[[keep]]` with a reason and a day on which it is \
                     looked at again. `countermark roles --todo` gives the order of the steps.",
            example: "medium teapot: `ann` is an owner and nobody expects it\n\
                      The release account owns the project, and so does somebody who once wrote it.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = judge(dossier) else { return };
        if !case.is_lost() && !case.strangers.is_empty() {
            findings.push(strangers(dossier, &case));
        }
        // Kept on purpose: they are given to the report, which sets them apart as accepted.
        for (role, kept) in &case.kept {
            let message = format!("{} and nobody expects it", phrase([*role]));
            let finding = Finding::new("stranger-role", Severity::Medium, dossier.name, message)
                .accounts([role.account.as_str()])
                .evidence("index", format!("{}: {}", role.kind.name(), role.account))
                .explained(format!(
                    "kept until {} by {}: {}",
                    kept.expires, kept.approved_by, kept.reason
                ));
            findings.push(finding);
        }
    }
}

fn strangers(dossier: &Dossier<'_>, case: &RoleCase<'_>) -> Finding {
    let unexplained: Vec<&str> = dossier
        .releases
        .iter()
        .filter(|release| release.judgement == Judgement::Unexplained)
        // Where the records list nothing, that nothing explains a release says nothing.
        .filter(|_| dossier.has_reference())
        .map(|release| release.text)
        .collect();
    let severity = if unexplained.is_empty() { Severity::Medium } else { Severity::High };
    let whom = if case.strangers.len() == 1 { "it" } else { "them" };
    let message = format!("{} and nobody expects {whom}", phrase(case.strangers.iter().copied()));
    let finding = Finding::new("stranger-role", severity, dossier.name, message)
        .accounts(case.strangers.iter().map(|role| role.account.as_str()))
        .next("ask whether the role is still needed; remove it, or keep it under `[[keep]]`");
    let mut finding = with_roles(finding, dossier);
    for (role, kept) in &case.lapsed {
        let text = format!("`{}` was kept until {}: {}", role.account, kept.expires, kept.reason);
        finding = finding.evidence("federation.toml", text);
    }
    if !unexplained.is_empty() {
        let text = format!("nothing explains {}", listed(unexplained));
        finding = finding.evidence("index", text);
    }
    finding
}

/// With every role that the index shows.
pub(super) fn with_roles(finding: Finding, dossier: &Dossier<'_>) -> Finding {
    let roles = dossier.facts.roles.as_deref().unwrap_or_default();
    if roles.is_empty() {
        return finding.evidence("index", "nobody holds a role");
    }
    let roles: Vec<String> =
        roles.iter().map(|role| format!("{} {}", role.kind.name(), role.account)).collect();
    finding.evidence("index", format!("roles: {}", roles.join(", ")))
}

/// ``​`a` is an owner``, ``​`a` and `b` are owners, `c` is a maintainer``.
pub(super) fn phrase<'a>(roles: impl IntoIterator<Item = &'a Role>) -> String {
    let mut kinds: Vec<(&RoleKind, Vec<&str>)> = Vec::new();
    for role in roles {
        match kinds.iter_mut().find(|(kind, _)| **kind == role.kind) {
            Some((_, accounts)) => accounts.push(&role.account),
            None => kinds.push((&role.kind, vec![&role.account])),
        }
    }
    kinds.sort();
    let phrases: Vec<String> = kinds
        .iter()
        .map(|(kind, accounts)| {
            let (article, word) = match kind {
                RoleKind::Owner => ("an", "owner".to_owned()),
                RoleKind::Maintainer => ("a", "maintainer".to_owned()),
                RoleKind::Other(text) => ("a", format!("`{text}`")),
            };
            let names = listed(accounts.iter().copied());
            if accounts.len() == 1 {
                format!("{names} is {article} {word}")
            } else {
                format!("{names} are {word}s")
            }
        })
        .collect();
    phrases.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dossier::{Expected, Identity};
    use crate::federation::{KeptRole, Person};
    use crate::record::{OfficialRelease, ProjectRecords, Publishes, Records};
    use crate::roles::fixture::{World, name, release, roles, set};
    use countermark_packaging::lock::Place;

    #[track_caller]
    fn check(roles: &str, expect: &[&str]) {
        assert_eq!(World::of("teapot", roles).lines(&StrangerRole), expect, "{roles}");
    }

    fn kept(account: &str, role: Option<&str>, expires: &str) -> KeptRole {
        KeptRole {
            project: name("teapot"),
            account: account.into(),
            role: role.map(Into::into),
            approved_by: "eve".into(),
            reason: "wrote it".into(),
            expires: expires.parse().unwrap(),
            place: Place { file: "federation.toml".into(), line: 1, column: 1, span: 0..0 },
        }
    }

    #[test]
    fn strangers_are_one_finding() {
        check("Owner:ci", &[]);
        check("Owner:CI", &[]);
        check("Owner:ci Owner:ann", &["medium teapot: `ann` is an owner and nobody expects it"]);
        check(
            "Maintainer:zoe Owner:ci Owner:ann Owner:bob Publisher:x",
            &["medium teapot: `ann` and `bob` are owners, `zoe` is a maintainer, `x` is a \
               `Publisher` and nobody expects them"],
        );
        // The release account can still upload, but not manage: that is a case of `account-absent`.
        check("Maintainer:ci Owner:ann", &[]);
        check("Owner:ann", &[]);
    }

    #[test]
    fn expected_ones_are_no_strangers() {
        let mut world = World::of("teapot", "Owner:ci Owner:Ann Maintainer:bob Owner:cat");
        let lines = world.lines(&StrangerRole);
        assert_eq!(lines.len(), 1);
        world.projects[0].expected =
            Some(Expected { owners: set("ann"), maintainers: set("bob cat") });
        assert_eq!(world.lines(&StrangerRole), [""; 0]);
        // Nobody is expected anywhere: nothing can be said.
        world.projects[0].expected = Some(Expected::default());
        world.release_accounts.clear();
        assert_eq!(world.lines(&StrangerRole), [""; 0]);
    }

    #[test]
    fn an_unexplained_release_makes_it_worse() {
        let mut world = World::of("teapot", "Owner:ci Owner:ann");
        world.projects[0].facts.releases = vec![release("1.0", &[("teapot-1.0.tar.gz", 1)])];
        world.records.project(&name("teapot")).releases.push(OfficialRelease::new("0.9"));
        for (judgement, expect) in [
            (Judgement::Official, Severity::Medium),
            (Judgement::BeforeRecords, Severity::Medium),
            (Judgement::Placeholder, Severity::Medium),
            (Judgement::Unexplained, Severity::High),
        ] {
            world.projects[0].judgement = judgement;
            assert_eq!(world.check(&StrangerRole)[0].severity, expect);
        }
        // Records that list nothing explain nothing.
        world.records = Records::default();
        assert_eq!(world.check(&StrangerRole)[0].severity, Severity::Medium);
    }

    #[test]
    fn kept_roles_are_set_apart_until_they_expire() {
        for (kept, expect) in [
            (kept("ann", None, "2026-06-01"), None),
            (kept("ANN", Some("owner"), "2027-01-01"), None),
            (kept("ann", None, "2026-05-31"), Some(Severity::Medium)),
            (kept("ann", Some("Maintainer"), "2027-01-01"), Some(Severity::Medium)),
            (kept("bob", None, "2027-01-01"), Some(Severity::Medium)),
            (
                KeptRole { project: name("kettle"), ..kept("ann", None, "2027-01-01") },
                Some(Severity::Medium),
            ),
        ] {
            let mut world = World::of("teapot", "Owner:ci Owner:ann");
            world.federation.kept = vec![kept.clone()];
            let findings = world.check(&StrangerRole);
            let open = findings.iter().find(|finding| finding.explained.is_none());
            assert_eq!(open.map(|finding| finding.severity), expect, "{kept:?}");
            assert_eq!(findings.len(), 1);
        }
        // One is kept and one is not.
        let mut world = World::of("teapot", "Owner:ci Owner:ann Owner:bob");
        world.federation.kept = vec![kept("ann", None, "2027-01-01")];
        let findings = world.check(&StrangerRole);
        assert_eq!(
            findings.iter().map(|it| it.accounts.join(" ")).collect::<Vec<_>>(),
            ["bob", "ann"]
        );
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        for identity in [
            Identity::ByCustody,
            Identity::Departed { on: "2020-01-01T00:00:00Z".parse().unwrap(), releases: 3 },
            Identity::Foreign { reason: "x".into() },
            Identity::Absent,
            Identity::Unread,
        ] {
            let mut world = World::of("teapot", "Owner:ci Owner:ann");
            world.projects[0].identity = identity;
            assert_eq!(world.lines(&StrangerRole), [""; 0]);
        }
        let mut world = World::of("teapot", "Owner:ci Owner:ann");
        world.projects[0].facts.roles = None;
        assert_eq!(world.lines(&StrangerRole), [""; 0]);
        // Others release it, and none of our accounts is there.
        let records = ProjectRecords { publishes: Publishes::No, ..ProjectRecords::default() };
        for (text, expect) in [("Owner:ann", true), ("Owner:ci Owner:ann", false)] {
            let mut world = World::of("teapot", text);
            world.records.projects.insert(name("teapot"), records.clone());
            world.with(|dossiers, _| assert_eq!(judge(&dossiers[0]).is_none(), expect));
        }
    }

    #[test]
    fn those_who_left_are_another_rules() {
        let mut world = World::of("teapot", "Owner:ci Owner:ann");
        let person = Person { left: Some("2026-05-01".parse().unwrap()), ..Person::default() };
        world.federation.people.insert("ann".into(), person);
        assert_eq!(world.lines(&StrangerRole), [""; 0]);
    }

    #[test]
    fn roles_are_put_into_words() {
        assert_eq!(phrase(&roles("Maintainer:b Owner:a")), "`a` is an owner, `b` is a maintainer");
        assert_eq!(phrase(&roles("")), "");
    }
}
