//! What the index thinks of a project.

use countermark_packaging::simple::StatusMarker;

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity};
use crate::finding::{Finding, Severity};
use crate::record::Standing;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct ProjectStatus;

impl Rule for ProjectStatus {
    fn code(&self) -> &'static str {
        "project-status"
    }

    fn document(&self) -> Document {
        Document {
            title: "a project that the index quarantined, archived or deprecated",
            what: "The status marker of PEP 792: quarantined, high; archived or deprecated while the \
                records still release the project, medium, and low otherwise.",
            why: "A quarantined project is thought to be unsafe by the index's administrators, and \
                today's installers install from it without a word. An archived one takes no release.",
            remedy: "Quarantined: answer the index's administrators, and follow `countermark \
                incident`. Archived: un-archive it, or retire it in the records.",
            example: "`high  example-tool  the index quarantined it`.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        if matches!(dossier.identity, Identity::Foreign { .. } | Identity::ByCustody) {
            return;
        }
        let is_live = dossier.records.is_some_and(|records| records.standing == Standing::Live);
        let severity = match dossier.facts.status {
            StatusMarker::Active => return,
            StatusMarker::Quarantined => Severity::High,
            StatusMarker::Archived | StatusMarker::Deprecated if is_live => Severity::Medium,
            StatusMarker::Archived | StatusMarker::Deprecated => Severity::Low,
        };
        let status = dossier.facts.status;
        let reason = dossier.facts.status_reason.as_deref().unwrap_or("no reason is given");
        let next = match status {
            StatusMarker::Quarantined => {
                "ask the index's administrators why, and hold releases back"
            }
            _ => "un-archive it, or write into the records that it is retired",
        };
        let finding =
            Finding::new(self.code(), severity, dossier.name, format!("the index says: {status}"))
                .evidence("index", format!("{status}: {reason}"))
                .next(next);
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn severity(status: StatusMarker, standing: Standing) -> Vec<Severity> {
        let fixture = Fixture::new("tool").released("1.0", "2020-01-01").with(|fixture| {
            fixture.facts.status = status;
            fixture.project().standing = standing;
        });
        fixture.check(&ProjectStatus).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn the_marker_and_the_records_decide_together() {
        assert_eq!(severity(StatusMarker::Active, Standing::Live), []);
        assert_eq!(severity(StatusMarker::Quarantined, Standing::Live), [Severity::High]);
        assert_eq!(severity(StatusMarker::Archived, Standing::Live), [Severity::Medium]);
        let given_up = Standing::Abandoned { retired: None };
        assert_eq!(severity(StatusMarker::Archived, given_up), [Severity::Low]);
    }
}
