//! What we publish and the records do not know.

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::fact::Presence;
use crate::finding::{Finding, Severity};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct OutsideRecords;

impl Rule for OutsideRecords {
    fn code(&self) -> &'static str {
        "outside-records"
    }

    fn document(&self) -> Document {
        Document {
            title: "published by us, outside the records",
            what: "Projects on the index in which a release account of ours holds a role, or nobody \
                knows whose accounts do, and of which the records list no release at all. One low \
                line.",
            why: "Their releases cannot be judged: anything uploaded there looks like any other.",
            remedy: "Add them to the records, or name another source of records for them \
                (`[[records]] kind = \"git-tags\"`).",
            example: "`low  12 projects  published by us, and no record lists a release`.",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let accounts = &overview.context.release_accounts;
        let outside: Vec<_> = overview
            .projects
            .iter()
            .filter(|(_, summary)| summary.presence == Presence::Present && summary.official == 0)
            .filter(|(_, summary)| summary.identity == Identity::Ours && summary.releases > 0)
            .filter(|(_, summary)| {
                // Where nobody knows who releases, what was asked for is taken as ours.
                let mut roles = summary.roles.iter().flatten();
                accounts.is_empty() || roles.any(|role| accounts.contains(&role.account))
            })
            .map(|(name, _)| name)
            .collect();
        let Some(first) = outside.first() else { return };
        let (message, evidence) = if accounts.is_empty() {
            ("no record lists a release", "it is not known whose accounts hold roles there")
        } else {
            let message = "published by us, and no record lists a release";
            (message, "a release account holds a role there")
        };
        let mut finding = Finding::new(self.code(), Severity::Low, first, message)
            .evidence("index", evidence)
            .next("add them to the records, or name another source for them");
        finding.projects = outside.into_iter().cloned().collect();
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    #[test]
    fn ours_without_a_listed_release_is_reported_and_others_are_not() {
        let unlisted = Fixture::new("tool").upload("1.0", "2020-01-01", &["sdist"]);
        let findings = Fixture::check_federation(std::slice::from_ref(&unlisted), &OutsideRecords);
        assert_eq!(findings.len(), 1);
        let unknown = unlisted.clone().with(|fixture| fixture.federation.accounts.release.clear());
        assert_eq!(Fixture::check_federation(&[unknown], &OutsideRecords).len(), 1);
        let theirs = unlisted.owners(&["somebody"]);
        assert_eq!(Fixture::check_federation(&[theirs], &OutsideRecords), []);
        let listed = Fixture::new("tool").released("1.0", "2020-01-01");
        assert_eq!(Fixture::check_federation(&[listed], &OutsideRecords), []);
    }
}
