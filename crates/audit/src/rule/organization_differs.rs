//! `organization-differs`: a project belongs to another organisation on the index, or to none.

use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::finding::{Finding, Severity};

/// See [`Rule::document`].
pub(super) struct OrganizationDiffers;

impl Rule for OrganizationDiffers {
    fn code(&self) -> &'static str {
        "organization-differs"
    }

    fn document(&self) -> Document {
        Document {
            title: "a project belongs to another organisation on the index, or to none",
            what: "With `organization` in `federation.toml`: projects in another one are medium, \
                   projects in none are one low line. Without it: projects that belong to an \
                   organisation at all, a low line for each organisation.",
            why: "The owners of an organisation manage its projects, whoever holds roles on them.",
            remedy: "Transfer the project to the organisation, or ask how it came into the other one.",
            example: "medium teapot: it belongs to the organisation `kilns`, expected is `pots`\n\
                      A maintainer moved the project into the organisation of an employer.",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let expected = overview.context.federation.accounts.organization.as_deref();
        let mut found: BTreeMap<Option<&str>, Vec<&ProjectName>> = BTreeMap::new();
        for (name, summary) in &overview.projects {
            // Where roles were not read, the organisation was not either.
            let is_known = summary.roles.is_some() || summary.organization.is_some();
            let organization = summary.organization.as_deref();
            if summary.identity == Identity::Ours && is_known && organization != expected {
                found.entry(organization).or_default().push(name);
            }
        }
        for (organization, projects) in found {
            findings.push(finding(expected, organization, &projects));
        }
    }
}

fn finding(expected: Option<&str>, found: Option<&str>, projects: &[&ProjectName]) -> Finding {
    let (severity, message, step) = match (expected, found) {
        (Some(expected), Some(found)) => (
            Severity::Medium,
            format!("belongs to the organisation `{found}`, expected is `{expected}`"),
            format!("ask how it came there, and have it transferred to `{expected}`"),
        ),
        (Some(expected), None) => (
            Severity::Low,
            format!("belongs to no organisation, expected is `{expected}`"),
            format!("transfer it to `{expected}`"),
        ),
        (None, found) => (
            Severity::Low,
            format!("belongs to the organisation `{}`", found.unwrap_or_default()),
            "write it into `federation.toml` as `organization`, or ask how it came there"
                .to_owned(),
        ),
    };
    let text = format!("organisation: {}", found.unwrap_or("none"));
    let mut finding = Finding::new("organization-differs", severity, projects[0], message)
        .evidence("index", text)
        .next(step);
    finding.projects = projects.iter().map(|name| (*name).clone()).collect();
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::fixture::{Project, World};

    #[track_caller]
    fn check(expected: Option<&str>, found: &[Option<&str>], expect: &[&str]) {
        let projects = found.iter().zip(["a", "b", "c"]).map(|(organization, name)| {
            let mut project = Project::new(name, "Owner:ci");
            project.facts.organization = organization.map(str::to_owned);
            project
        });
        let mut world = World::new(projects.collect());
        world.federation.accounts.organization = expected.map(str::to_owned);
        assert_eq!(world.lines(&OrganizationDiffers), expect);
    }

    #[test]
    fn organizations_are_compared() {
        check(None, &[None, None], &[]);
        check(Some("pots"), &[Some("pots")], &[]);
        check(
            Some("pots"),
            &[Some("kilns"), None, None],
            &[
                "low b,c: belongs to no organisation, expected is `pots`",
                "medium a: belongs to the organisation `kilns`, expected is `pots`",
            ],
        );
        check(
            None,
            &[Some("kilns"), None, Some("kilns")],
            &["low a,c: belongs to the organisation `kilns`"],
        );
    }

    #[test]
    fn what_was_not_read_is_not_none() {
        let mut world = World::of("a", "");
        world.federation.accounts.organization = Some("pots".into());
        assert_eq!(world.check(&OrganizationDiffers).len(), 1);
        world.projects[0].facts.roles = None;
        assert_eq!(world.check(&OrganizationDiffers).len(), 0);
        let mut world = World::of("a", "");
        world.federation.accounts.organization = Some("pots".into());
        world.projects[0].identity = Identity::ByCustody;
        assert_eq!(world.check(&OrganizationDiffers).len(), 0);
    }
}
