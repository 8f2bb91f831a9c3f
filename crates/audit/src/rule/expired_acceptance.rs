//! `expired-acceptance`: an acceptance or a kept role is past its day.
//!
//! Its findings come from [`crate::suppress`], which runs after all rules: only there is it known
//! what an acceptance still matches.

use super::{Document, Rule};

/// An acceptance or a kept role is past its day.
pub(super) struct ExpiredAcceptance;

impl Rule for ExpiredAcceptance {
    fn code(&self) -> &'static str {
        crate::suppress::EXPIRED
    }

    fn document(&self) -> Document {
        Document {
            title: "an acceptance or a kept role is past its day",
            what: "Entries of `[[accept]]` and `[[keep]]` in `federation.toml` whose `expires` is \
                   over, one finding a project. What they covered counts again, and is reported \
                   beside this one; the finding says when there is nothing of it any more. The last \
                   day still counts, in UTC. Accepting this finding has no effect.",
            why: "An exception that nobody looks at again becomes the rule. It was given for a time \
                  and a reason; both have to be confirmed by somebody.",
            remedy: "Put right what was accepted and take the entry out; or write a new reason, who \
                     approves it, and a new day.",
            example: "low teapot: the acceptance of `rogue-release` is over; what it covered counts \
                      again\n\
                      Release 1.2 was made by hand and accepted for half a year; it is still there.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::Acceptance;
    use crate::finding::Severity;
    use crate::rule::fixture::{Fixture, place};
    use crate::rule::rogue_release::RogueRelease;
    use crate::suppress::{Judged, apply};

    #[test]
    fn a_rogue_release_counts_again() {
        let fixture = Fixture::new("teapot")
            .released("1.0", "2025-01-01")
            .upload("1.2", "2025-06-01", &["sdist"])
            .with(|fixture| {
                let acceptance = Acceptance {
                    rule: RogueRelease.code().to_owned(),
                    project: Some(fixture.name()),
                    versions: vec!["1.2".to_owned()],
                    files: Vec::new(),
                    accounts: Vec::new(),
                    approved_by: "eve".to_owned(),
                    reason: "made by hand".to_owned(),
                    expires: "2025-12-31".parse().unwrap(),
                    place: place(),
                };
                fixture.federation.accepted.push(acceptance);
            });
        let judged = Judged { projects: [fixture.name()].into(), whole: true };
        let codes = |today: &str| -> Vec<(&str, Severity)> {
            let findings = fixture.check(&RogueRelease);
            assert_eq!(findings.len(), 1);
            let today = today.parse().unwrap();
            let findings = apply(findings, &fixture.federation, today, &judged).findings;
            findings.iter().map(|finding| (finding.rule, finding.severity)).collect()
        };
        assert_eq!(codes("2025-12-31"), []);
        let [again, about] = codes("2026-01-01")[..] else { panic!("two findings") };
        assert_eq!(again.0, RogueRelease.code());
        assert_eq!(about, (ExpiredAcceptance.code(), Severity::Low));
    }
}
