//! A development version on the index.

use super::{Document, Rule};
use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::rule::words::day;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct DevelopmentRelease;

impl Rule for DevelopmentRelease {
    fn code(&self) -> &'static str {
        "development-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "a development version that was published",
            what: "A version with `.dev` or a local part that the records do not list, medium; low where \
                they list no release of the project at all; those of a project are one finding. A development version that they list \
                is a release like any other.",
            why: "Such versions come out of work trees and jobs, not out of a release. Whoever allows \
                pre-releases installs it, and nobody approved what is in it.",
            remedy: "Yank it (delete it while that is still possible), and see how a job or a person \
                could upload without a release.",
            example: "`medium  example-tool  2.0.0.dev4  a development version was published` — a job \
                for the main branch had the publishing template.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        // Where nothing is listed, that this is not says little; `outside-records` tells the rest.
        let severity = if dossier.has_reference() { Severity::Medium } else { Severity::Low };
        let cases: Vec<&ReleaseCase<'_>> =
            dossier.judged(|judgement| *judgement == Judgement::Development).collect();
        let message = match cases.len() {
            0 => return,
            1 => "a development version was published".to_owned(),
            count => format!("{count} development versions were published"),
        };
        let mut finding = Finding::new(self.code(), severity, dossier.name, message)
            .versions(cases.iter().map(|case| case.text));
        for case in cases.iter().take(SHOWN) {
            let uploaded =
                case.uploaded().map_or_else(|| "a day that is not known".to_owned(), day);
            let text = match cases.len() {
                1 => format!("uploaded on {uploaded}"),
                _ => format!("{} was uploaded on {uploaded}", case.text),
            };
            finding = finding.evidence("index", text);
        }
        let step = match cases.len() {
            1 => "yank it, and close the way by which it was uploaded",
            _ => "yank them, and close the way by which they were uploaded",
        };
        findings
            .push(finding.evidence("records", "no release of this version is listed").next(step));
    }
}

/// How many of them have a line of evidence.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn found(fixture: &Fixture) -> Vec<String> {
        fixture.check(&DevelopmentRelease).into_iter().flat_map(|one| one.versions).collect()
    }

    #[test]
    fn development_and_local_versions_are_found_whenever_they_came() {
        let fixture = Fixture::new("tool")
            .upload("0.1.dev3", "2019-01-01", &["sdist"])
            .released("1.0", "2020-01-01")
            .upload("1.1+local.1", "2021-01-01", &["wheel"]);
        assert_eq!(found(&fixture), ["0.1.dev3", "1.1+local.1"]);
        assert_eq!(fixture.check(&DevelopmentRelease).len(), 1);
        let unlisted = Fixture::new("tool").upload("0.1.dev3", "2019-01-01", &["sdist"]);
        let severity = |fixture: &Fixture| fixture.check(&DevelopmentRelease)[0].severity;
        assert_eq!((severity(&fixture), severity(&unlisted)), (Severity::Medium, Severity::Low));
    }

    #[test]
    fn listed_ones_and_empty_ones_are_not() {
        let fixture = Fixture::new("tool")
            .released("1.0.dev1", "2020-01-01")
            .released("2.0rc1", "2020-02-01")
            .upload("2.0.dev5", "2020-02-01", &[]);
        assert_eq!(found(&fixture), [] as [&str; 0]);
    }
}
