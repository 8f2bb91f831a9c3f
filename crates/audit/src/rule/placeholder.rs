//! Releases without a file.

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::finding::{Finding, Severity};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct Placeholder;

impl Rule for Placeholder {
    fn code(&self) -> &'static str {
        "placeholder"
    }

    fn document(&self) -> Document {
        Document {
            title: "releases without a file",
            what: "Versions that were registered and have no file, in one low line for all projects \
                of ours. A project that has nothing but such versions holds a name only.",
            why: "They install nothing and harm nobody. A version that the records list is reported \
                as missing instead.",
            remedy: "Nothing has to be done; they can be deleted by an owner.",
            example: "`low  3 projects  versions without a file` — the names were registered by hand \
                before the first release.",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let having: Vec<_> = overview
            .projects
            .iter()
            .filter(|(_, summary)| summary.identity == Identity::Ours)
            .filter(|(_, summary)| !summary.placeholders.is_empty())
            .collect();
        let Some((first, _)) = having.first() else { return };
        let count: usize = having.iter().map(|(_, summary)| summary.placeholders.len()).sum();
        let message = format!("{count} version(s) without a file");
        let mut finding = Finding::new(self.code(), Severity::Low, first, message)
            .versions(having.iter().flat_map(|(_, summary)| summary.placeholders.clone()));
        finding.projects = having.iter().map(|(name, _)| (*name).clone()).collect();
        for (name, summary) in having {
            finding = finding.evidence("index", format!("{name}: {}", list(&summary.placeholders)));
        }
        findings.push(finding.next("nothing has to be done; an owner can delete them"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    #[test]
    fn they_are_one_line_for_all_projects() {
        let projects = [
            Fixture::new("one").upload("0.0", "2020-01-01", &[]).released("1.0", "2020-01-01"),
            Fixture::new("two").upload("0.0.1", "2020-01-01", &[]),
            Fixture::new("three").released("1.0", "2020-01-01"),
        ];
        let findings = Fixture::check_federation(&projects, &Placeholder);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Low);
        let names: Vec<&str> = findings[0]
            .projects
            .iter()
            .map(countermark_packaging::name::ProjectName::as_str)
            .collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(Fixture::check_federation(&projects[2..], &Placeholder), []);
    }
}
