//! A name that resolves to somebody else's project.

use countermark_packaging::name::ProjectName;

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity};
use crate::finding::{Finding, Severity};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct ForeignName;

impl Rule for ForeignName {
    fn code(&self) -> &'static str {
        "foreign-name"
    }

    fn document(&self) -> Document {
        Document {
            title: "a name that resolves to somebody else's project",
            what: "The name that the records predict exists on the index, no account of ours holds a \
                role there, and next to none of our releases are among its releases. Releases and \
                roles of it are not reported one by one. Medium.",
            why: "Whoever installs our project by the name of its repository gets another one. It is \
                no attack by itself; it becomes one when that name changes hands.",
            remedy: "Write a `[[custody]]` entry with `state = \"never-ours\"`, and the name under \
                which we do publish into the records. Say in the project's documentation how it is \
                installed.",
            example: "`medium  example  the name is another project's` — the service publishes as \
                `openstack-example`; the short name was taken before.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let Identity::Foreign { reason } = &dossier.identity else { return };
        let roles = dossier.facts.roles.as_deref().unwrap_or_default();
        let holders: Vec<&str> = roles.iter().map(|role| role.account.as_str()).collect();
        let message = "the name is another project's";
        let mut finding = Finding::new(self.code(), Severity::Medium, dossier.name, message)
            .accounts(holders.iter().copied())
            .evidence("index", reason.clone());
        if !holders.is_empty() {
            finding = finding.evidence("index", format!("held by {}", list(&holders)));
        }
        let others = other_names(dossier);
        if !others.is_empty() {
            let text = format!("the same repository is also known as {}", list(&others));
            finding = finding.evidence("records", text);
        }
        findings.push(
            finding.next("if that is known: a [[custody]] entry with state = \"never-ours\""),
        );
    }
}

fn other_names<'a>(dossier: &Dossier<'a>) -> Vec<&'a str> {
    let records = dossier.context.records;
    let repositories = dossier.records.into_iter().flat_map(|one| &one.repositories);
    let names = repositories.filter_map(|one| records.names_of_repository.get(one)).flatten();
    let mut others: Vec<&str> =
        names.filter(|name| *name != dossier.name).map(ProjectName::as_str).collect();
    others.dedup();
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::{CustodyFact, CustodyState};
    use crate::rule::fixture::{Fixture, name, place};

    fn base() -> Fixture {
        Fixture::new("tool")
            .official("1.0", "2020-01-01")
            .official("1.1", "2021-01-01")
            .upload("0.3", "2019-01-01", &["sdist"])
            .upload("0.4", "2022-01-01", &["sdist"])
            .owners(&["somebody"])
    }

    #[test]
    fn none_of_our_releases_and_none_of_our_accounts_is_foreign() {
        let findings = base().check(&ForeignName);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].accounts, ["somebody"]);
        assert_eq!(base().check(&crate::rule::rogue_release::RogueRelease), []);
    }

    #[test]
    fn our_account_or_our_release_makes_it_ours() {
        let ours = base().role("Maintainer", crate::rule::fixture::ROBOT);
        assert_eq!(ours.check(&ForeignName), []);
        assert_eq!(base().upload("1.1", "2021-01-01", &["sdist"]).check(&ForeignName), []);
    }

    #[test]
    fn custody_ends_it() {
        let fixture = base().with(|fixture| {
            fixture.federation.custody.push(CustodyFact {
                project: name("tool"),
                state: CustodyState::NeverOurs,
                on: None,
                reason: "another project's".to_owned(),
                approved_by: None,
                place: place(),
            });
        });
        assert_eq!(fixture.check(&ForeignName), []);
    }
}
