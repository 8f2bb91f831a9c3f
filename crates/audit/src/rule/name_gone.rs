//! A name of ours that is not on the index.

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement, Missing, Overview};
use crate::fact::Presence;
use crate::finding::{Finding, Severity};
use crate::record::{Publishes, Standing};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct NameGone;

impl Rule for NameGone {
    fn code(&self) -> &'static str {
        "name-gone"
    }

    fn document(&self) -> Document {
        Document {
            title: "a name of ours that is not on the index",
            what: "High for a name that was there in the run before, that holds a role of custody, or \
                that was asked for by name and is in no record: it is free to take. Medium for a \
                project that has a job which publishes, or is in a table or a list of checksums, and \
                is nowhere to be found. Names that the \
                records predict and that were never published are one low line, without those whose \
                releases are there under another name.",
            why: "Whoever registers a free name that people still type, or that old files still \
                require, publishes under our name.",
            remedy: "Register the name and keep it with an empty project, or ask the index to \
                prohibit it; take it out of every file that still requires it.",
            example: "`high  old-example  the name is gone from the index and free to take` — the \
                project was renamed, and the old name deleted.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        if dossier.identity != Identity::Absent {
            return;
        }
        let was_there =
            dossier.previous.is_some_and(|previous| previous.presence == Presence::Present);
        let is_asked_for =
            dossier.records.is_none() || dossier.context.federation.names.contains(dossier.name);
        let finding = |severity, message: &str| {
            Finding::new(self.code(), severity, dossier.name, message)
                .evidence("index", "answers that there is no such project")
        };
        if was_there || is_asked_for {
            // A name that was only asked for may never have been there.
            let message = if was_there {
                "gone from the index, and free to take"
            } else {
                "not on the index, and free to take"
            };
            let mut result = finding(Severity::High, message);
            if was_there {
                result = result.evidence("index", "it was there in the run before");
            }
            findings.push(
                result.next("register the name again and keep it, or ask the index to prohibit it"),
            );
            return;
        }
        let is_elsewhere = dossier
            .judged(|judgement| matches!(judgement, Judgement::Missing(Missing::OtherName(_))))
            .next()
            .is_some();
        let Some(records) = dossier.records else { return };
        let is_meant = records.publishes == Publishes::Yes && records.standing == Standing::Live;
        if is_meant && !is_elsewhere && !records.releases.is_empty() {
            let message = "its releases are meant to be on the index, and it is not there";
            let text = format!("{} releases are listed", records.releases.len());
            findings.push(
                finding(Severity::Medium, message)
                    .evidence("records", text)
                    .next("see under which name it publishes, and write that into the records"),
            );
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let records = overview.context.records;
        let free: Vec<_> = overview
            .projects
            .iter()
            .filter(|(_, summary)| summary.identity == Identity::Absent && summary.recorded)
            .map(|(name, _)| name)
            .filter(|name| {
                records.projects.get(*name).is_some_and(|one| {
                    let is_meant =
                        one.publishes == Publishes::Yes && one.standing == Standing::Live;
                    !is_meant || one.releases.is_empty()
                })
            })
            .filter(|name| !overview.context.federation.names.contains(*name))
            .collect();
        let Some(first) = free.first() else { return };
        let message =
            format!("{} predicted name(s) are not on the index and free to take", free.len());
        let mut finding = Finding::new(self.code(), Severity::Low, first, message)
            .evidence("index", "answers that there are no such projects")
            .evidence("records", "predict these names for repositories that do not publish")
            .next("register those that people may type");
        finding.projects = free.into_iter().cloned().collect();
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::ProjectFacts;
    use crate::rule::fixture::{Fixture, name};

    fn absent() -> Fixture {
        Fixture::new("tool").with(|fixture| fixture.facts.presence = Presence::Absent)
    }

    fn severities(fixture: &Fixture) -> Vec<Severity> {
        fixture.check(&NameGone).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_name_that_was_there_or_was_asked_for_is_high() {
        let was_there = absent().with(|fixture| {
            fixture.previous = Some(ProjectFacts::new(name("tool"), Presence::Present));
        });
        assert_eq!(severities(&was_there), [Severity::High]);
        let unknown = absent().with(|fixture| fixture.records.projects.clear());
        assert_eq!(severities(&unknown), [Severity::High]);
        let held = absent().with(|fixture| {
            fixture.federation.names.insert(name("tool"));
        });
        assert_eq!(severities(&held), [Severity::High]);
    }

    #[test]
    fn a_job_that_publishes_makes_it_medium_and_a_guess_is_one_line() {
        let guess = absent().official("1.0", "2020-01-01");
        assert_eq!(severities(&guess), []);
        let lines = Fixture::check_federation(std::slice::from_ref(&guess), &NameGone);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].severity, Severity::Low);
        let meant = guess.with(|fixture| fixture.project().publishes = Publishes::Yes);
        assert_eq!(severities(&meant), [Severity::Medium]);
        assert_eq!(Fixture::check_federation(&[meant], &NameGone), []);
    }

    #[test]
    fn an_index_that_does_not_answer_is_not_one_that_says_no() {
        let unread =
            absent().with(|fixture| fixture.facts.presence = Presence::Unread("503".to_owned()));
        assert_eq!(severities(&unread), []);
    }
}
