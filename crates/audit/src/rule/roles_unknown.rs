//! `roles-unknown`: the index does not say who holds roles.

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::fact::Presence;
use crate::finding::{Finding, Severity};

/// See [`Rule::document`].
pub(super) struct RolesUnknown;

impl Rule for RolesUnknown {
    fn code(&self) -> &'static str {
        "roles-unknown"
    }

    fn document(&self) -> Document {
        Document {
            title: "the index does not say who holds roles",
            what: "Projects of ours whose owners and maintainers could not be read; one line for all \
                   of them. No rule about roles says anything of these projects.",
            why: "An audit that is silent about roles because it did not see them would look like \
                  one that found nothing.",
            remedy: "Run it again; if the index never says it, ask the release account's holder for \
                     the list of roles.",
            example: "low teapot and kettle: roles could not be read\n\
                      The index answered for files, and not for the document that has the roles.",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let unread = overview.projects.iter().filter(|(_, summary)| {
            summary.roles.is_none()
                && summary.identity == Identity::Ours
                && summary.presence == Presence::Present
        });
        let projects: Vec<_> = unread.map(|(name, _)| name.clone()).collect();
        let Some(first) = projects.first() else { return };
        let mut finding =
            Finding::new("roles-unknown", Severity::Low, first, "roles could not be read")
                .evidence("index", format!("of {} projects", overview.projects.len()))
                .next("run the audit again, or ask who holds them");
        finding.projects = projects;
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::fixture::{Project, World};

    #[test]
    fn unread_roles_are_one_line() {
        let mut world = World::new(vec![
            Project::new("a", "Owner:ci"),
            Project::new("b", ""),
            Project::new("c", ""),
            Project::new("d", ""),
            Project::new("e", ""),
        ]);
        assert_eq!(world.lines(&RolesUnknown), [""; 0]);
        for project in &mut world.projects[2..] {
            project.facts.roles = None;
        }
        // One is not there, one is not ours.
        world.projects[3].facts.presence = Presence::Absent;
        world.projects[4].identity = Identity::ByCustody;
        assert_eq!(world.lines(&RolesUnknown), ["low c: roles could not be read"]);
    }
}
