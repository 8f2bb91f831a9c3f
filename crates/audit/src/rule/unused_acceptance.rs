//! `unused-acceptance`: an acceptance or a kept role matches nothing.
//!
//! Its finding comes from [`crate::suppress`], which runs after all rules: only there is it known
//! what an acceptance matches.

use super::{Document, Rule};

/// An acceptance or a kept role matches nothing.
pub(super) struct UnusedAcceptance;

impl Rule for UnusedAcceptance {
    fn code(&self) -> &'static str {
        crate::suppress::UNUSED
    }

    fn document(&self) -> Document {
        Document {
            title: "an acceptance or a kept role matches nothing",
            what: "Entries of `[[accept]]` and `[[keep]]` in `federation.toml` that match no finding \
                   and no role of this run, all of them in one finding, each with its line. An entry \
                   for projects that were not looked at, or that the index did not answer for, is \
                   not among them. What is explained anyway needs no acceptance.",
            why: "What was accepted is gone, or the entry never named what was meant: a misspelt \
                  version accepts nothing. Left in the file, it hides the next thing that fits it.",
            remedy: "Take the entry out, or correct what it names: the rule, project, versions, \
                     files and accounts as the report shows them.",
            example: "low teapot: the acceptance of `rogue-release` matches nothing that is found\n\
                      The release that was accepted has been deleted since.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::KeptRole;
    use crate::finding::Severity;
    use crate::rule::fixture::{Fixture, place};
    use crate::rule::stranger_role::StrangerRole;
    use crate::suppress::{Judged, apply};

    /// A role of `ann` that is kept; she holds it or not.
    fn check(holds: bool) -> Vec<(&'static str, Severity)> {
        let fixture = Fixture::new("teapot").released("1.0", "2025-01-01").with(|fixture| {
            fixture.federation.kept.push(KeptRole {
                project: fixture.name(),
                account: "ann".to_owned(),
                role: None,
                approved_by: "eve".to_owned(),
                reason: "founder".to_owned(),
                expires: "2027-01-01".parse().unwrap(),
                place: place(),
            });
        });
        let fixture = if holds { fixture.role("Owner", "ann") } else { fixture };
        let judged = Judged { projects: [fixture.name()].into(), whole: true };
        let findings = fixture.check(&StrangerRole);
        let today = "2026-01-02".parse().unwrap();
        let suppressed = apply(findings, &fixture.federation, today, &judged);
        assert_eq!(suppressed.accepted.len(), usize::from(holds));
        suppressed.findings.iter().map(|finding| (finding.rule, finding.severity)).collect()
    }

    #[test]
    fn a_kept_role_that_nobody_holds_is_told() {
        assert_eq!(check(true), []);
        assert_eq!(check(false), [(UnusedAcceptance.code(), Severity::Low)]);
    }
}
