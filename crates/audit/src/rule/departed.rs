//! A project that left with its authors.

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement};
use crate::finding::{Finding, Severity};
use crate::rule::words::{day, list};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct Departed;

impl Rule for Departed {
    fn code(&self) -> &'static str {
        "departed"
    }

    fn document(&self) -> Document {
        Document {
            title: "a project that left with its authors, and nobody wrote that down",
            what: "The records took the project out of governance on a day, no account of ours holds a \
                role, and others released on from then without a long silence (`departure-days`, 365). \
                All of their releases and roles are this one low line. A project that was only \
                abandoned, or that somebody revives after years, is not this.",
            why: "It is most likely a hand-over by agreement. Until that is written down, an audit has \
                to remind of it, because a takeover looks similar.",
            remedy: "Write a `[[custody]]` entry with `state = \"left\"` and the day; the line is gone \
                then.",
            example: "`low  example  left on 2017-03-20; 66 later releases by other owners`.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let Identity::Departed { on, releases } = &dossier.identity else { return };
        let holders = dossier.strangers();
        let message = format!("left on {}; {releases} later releases, other owners", day(*on));
        let text = format!("taken out of governance on {}", day(*on));
        let finding = Finding::new(self.code(), Severity::Low, dossier.name, message)
            .versions(dossier.judged(|one| *one == Judgement::Departed).map(|case| case.text))
            .evidence("records", text)
            .evidence("index", format!("held by {}", list(&holders)))
            .accounts(holders)
            .next(format!(
                "if it was agreed: a [[custody]] entry with state = \"left\" and on = {}",
                day(*on)
            ));
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Standing;
    use crate::rule::fixture::{Fixture, ROBOT, at};

    fn left() -> Fixture {
        Fixture::new("tool")
            .released("1.0", "2017-01-01")
            .with(|fixture| {
                fixture.project().standing = Standing::Retired { on: Some(at("2017-03-20")) };
            })
            .upload("1.1", "2017-05-01", &["sdist"])
            .upload("1.2.dev1", "2024-05-01", &["sdist"])
            .owners(&["author"])
    }

    #[test]
    fn it_is_one_line_with_all_later_releases() {
        let findings = left().check(&Departed);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Low);
        assert_eq!(findings[0].versions, ["1.1", "1.2.dev1"]);
    }

    #[test]
    fn it_did_not_leave_while_we_hold_it_or_when_it_was_only_abandoned() {
        assert_eq!(left().role("Owner", ROBOT).check(&Departed), []);
        let abandoned = left().with(|fixture| {
            fixture.project().standing = Standing::Abandoned { retired: Some(at("2017-03-20")) };
        });
        assert_eq!(abandoned.check(&Departed), []);
    }
}
