//! `only-holder`: one account owns projects alone.

use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::fact::RoleKind;
use crate::finding::{Finding, Severity};
use crate::roles::same_account;

/// See [`Rule::document`].
pub(super) struct OnlyHolder;

impl Rule for OnlyHolder {
    fn code(&self) -> &'static str {
        "only-holder"
    }

    fn document(&self) -> Document {
        Document {
            title: "one account owns projects alone",
            what: "Projects whose only owner is one expected account; a line for each such account. \
                   It says whether that account also uploads, and on how many projects nobody else \
                   holds any role.",
            why: "Whoever loses that account loses all of these projects, and whoever takes it has \
                  them: nobody is left who could take the role away. An account that uploads is used \
                  by machines, where it is easily stolen.",
            remedy: "Add a second owner that is kept apart and never uploads, and let the account \
                     that uploads be a maintainer. `countermark roles --todo` gives the steps, \
                     `countermark incident --account NAME` what would be lost.",
            example: "low teapot and 18 more: `ci` is the only owner, and uploads too\n\
                      The release account was made an owner because it registered the names.",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let accounts = &overview.context.federation.accounts;
        let release = &overview.context.release_accounts;
        let exceptions = accounts.exceptions.iter().flat_map(|exception| &exception.owners);
        let expected: Vec<&String> =
            release.iter().chain(&accounts.owners).chain(exceptions.flatten()).collect();
        let mut alone: BTreeMap<&str, (Vec<&ProjectName>, usize)> = BTreeMap::new();
        for (name, summary) in &overview.projects {
            let roles = summary.roles.as_deref().unwrap_or_default();
            let mut owners = roles.iter().filter(|role| role.kind == RoleKind::Owner);
            let (Some(owner), None) = (owners.next(), owners.next()) else { continue };
            let account = expected.iter().find(|account| same_account(account, &owner.account));
            if let (Some(account), Identity::Ours) = (account, &summary.identity) {
                let (projects, single) = alone.entry(account).or_default();
                projects.push(name);
                *single += usize::from(roles.len() == 1);
            }
        }
        for (account, (projects, single)) in alone {
            let uploads = release.iter().any(|it| same_account(it, account));
            let also = if uploads { ", and uploads too" } else { "" };
            let mut finding = Finding::new(
                "only-holder",
                Severity::Low,
                projects[0],
                format!("`{account}` is the only owner{also}"),
            )
            .accounts([account])
            .evidence(
                "index",
                format!("on {single} of {} nobody else holds any role", projects.len()),
            )
            .next("add an owner that never uploads, kept apart");
            finding.projects = projects.into_iter().cloned().collect();
            findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::fixture::{Project, World, set};

    #[test]
    fn projects_are_grouped_by_the_account_that_holds_them() {
        let world = World::new(vec![
            Project::new("a", "Owner:ci"),
            Project::new("b", "Owner:CI Maintainer:ann"),
            // Two owners; somebody else; an expected owner alone; nobody.
            Project::new("c", "Owner:ci Owner:ann"),
            Project::new("d", "Owner:zoe"),
            Project::new("e", "Owner:ann Maintainer:ci"),
            Project::new("f", ""),
            Project::new("g", "Maintainer:ci"),
        ]);
        assert_eq!(world.lines(&OnlyHolder), ["low a,b: `ci` is the only owner, and uploads too"]);
        let finding = &world.check(&OnlyHolder)[0];
        assert_eq!(finding.evidence[0].text, "on 1 of 2 nobody else holds any role");
        let mut world = world;
        world.federation.accounts.owners = set("ann");
        assert_eq!(
            world.lines(&OnlyHolder),
            ["low e: `ann` is the only owner", "low a,b: `ci` is the only owner, and uploads too"]
        );
    }

    #[test]
    fn what_is_not_ours_or_not_read_does_not_count() {
        let mut world = World::of("a", "Owner:ci");
        world.projects[0].identity = Identity::ByCustody;
        assert_eq!(world.lines(&OnlyHolder), [""; 0]);
        let mut world = World::of("a", "Owner:ci");
        world.projects[0].facts.roles = None;
        assert_eq!(world.lines(&OnlyHolder), [""; 0]);
    }
}
