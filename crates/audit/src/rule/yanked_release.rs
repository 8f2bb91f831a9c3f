//! A release that was yanked.

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement};
use crate::finding::{Finding, Severity};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct YankedRelease;

impl Rule for YankedRelease {
    fn code(&self) -> &'static str {
        "yanked-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "an official release that was yanked, without a record of it",
            what: "An official release with a yanked file, one low line for a project; medium when only \
                some of its files are yanked, which installers treat as half a release.",
            why: "Pulling a release is a decision that belongs into the records: somebody has to know \
                who took it and why. It is also what a stranger with a role can do to a release.",
            remedy: "Write the reason into the records, or accept the finding with it.",
            example: "`low  example-tool  1.4.0  was yanked: \"broken metadata\"`.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        if dossier.identity != Identity::Ours {
            return;
        }
        let mut whole = Vec::new();
        let mut half = Vec::new();
        let mut reasons = Vec::new();
        for case in dossier.judged(|judgement| *judgement == Judgement::Official) {
            let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
            let yanked: Vec<&String> =
                files.iter().filter_map(|file| file.yanked.as_ref()).collect();
            let Some(reason) = yanked.first() else { continue };
            let reason = if reason.is_empty() { "no reason is given" } else { reason.as_str() };
            reasons.push(format!("{}: {reason}", case.text));
            if yanked.len() == files.len() { whole.push(case.text) } else { half.push(case.text) }
        }
        for (severity, versions, message) in [
            (Severity::Low, &whole, "yanked, and the records do not say so"),
            (Severity::Medium, &half, "only some of the files are yanked"),
        ] {
            if versions.is_empty() {
                continue;
            }
            let finding = Finding::new(self.code(), severity, dossier.name, message)
                .versions(versions.iter().copied())
                .evidence("index", list(&reasons))
                .next("write down who took it back and why");
            findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn yanked(files: &[usize]) -> Vec<Severity> {
        let fixture = Fixture::new("tool").released("1.0", "2020-01-01").with(|fixture| {
            for at in files {
                fixture.facts.releases[0].files[*at].yanked = Some("broken".to_owned());
            }
        });
        fixture.check(&YankedRelease).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_whole_release_is_a_line_and_half_a_release_is_worse() {
        assert_eq!(yanked(&[]), []);
        assert_eq!(yanked(&[0, 1]), [Severity::Low]);
        assert_eq!(yanked(&[1]), [Severity::Medium]);
    }
}
