//! Releases that are newer than the records.

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::finding::{Finding, Severity};
use crate::rule::words::{day, list};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct AfterRecords;

impl Rule for AfterRecords {
    fn code(&self) -> &'static str {
        "after-records"
    }

    fn document(&self) -> Document {
        Document {
            title: "releases that are newer than the records",
            what: "Releases that were uploaded after the day up to which the records speak, in projects \
                that are released by us and that an account of ours can upload to. They were not \
                judged. One low line for all.",
            why: "An audit is as good as its records are new. A release that is newer is not rogue, \
                and not vouched for either.",
            remedy: "Update the checkout of the records and run the audit again.",
            example: "`low  19 projects  35 releases are newer than the records (2026-08-21)`.",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let newer: Vec<_> = overview
            .projects
            .iter()
            .filter(|(_, summary)| matches!(summary.identity, Identity::Ours))
            .filter(|(_, summary)| !summary.after_records.is_empty())
            .collect();
        let Some((first, _)) = newer.first() else { return };
        let Some(date) = &overview.context.records.date else { return };
        let count: usize = newer.iter().map(|(_, summary)| summary.after_records.len()).sum();
        let message =
            format!("{count} release(s) newer than the records ({}), not judged", day(date.at));
        let mut finding = Finding::new(self.code(), Severity::Low, first, message)
            .evidence("records", format!("speak up to {} ({})", day(date.at), date.from));
        for (name, summary) in &newer {
            finding =
                finding.evidence("index", format!("{name}: {}", list(&summary.after_records)));
        }
        finding.projects = newer.into_iter().map(|(name, _)| name.clone()).collect();
        findings.push(finding.next("update the records, and run the audit again"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    #[test]
    fn what_the_records_cannot_know_yet_is_one_line() {
        let base = Fixture::new("tool").released("1.0", "2020-01-01");
        assert_eq!(Fixture::check_federation(std::slice::from_ref(&base), &AfterRecords), []);
        let newer = base.clone().upload("1.1", "2026-01-01T00:00:01Z", &["sdist"]);
        let findings = Fixture::check_federation(std::slice::from_ref(&newer), &AfterRecords);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.starts_with("1 release(s)"), "{}", findings[0].message);
        // Nobody of ours could have made it: then it is no newer release but a rogue one.
        let held = newer.owners(&["mallory"]);
        assert_eq!(Fixture::check_federation(&[held], &AfterRecords), []);
    }
}
