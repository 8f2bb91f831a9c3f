//! An official release that is not on the index.

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement, Missing, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::rule::words::day;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct MissingRelease;

impl Rule for MissingRelease {
    fn code(&self) -> &'static str {
        "missing-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "an official release that is not on the index",
            what: "A listed release that was made after the project began to publish and is not \
                there, medium. Releases from about the time when publishing began, of which the \
                records give no day, are one low line. Not asked for: releases from before the first \
                official upload, tags that are never built, names of milestones that are no \
                versions, releases that are there under another name of the repository, and those \
                of the last days, which may be under way.",
            why: "A release job that fails half way leaves users without a fix, and leaves a version \
                free for whoever can upload.",
            remedy: "Run the release job again, or take the version out of the records and say why.",
            example: "`medium  example-tool  1.4.1  an official release is missing` — the job stopped \
                after the tag was made, and nobody noticed for a month.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let of = |wanted: Missing| -> Vec<&ReleaseCase<'_>> {
            dossier.judged(|judgement| *judgement == Judgement::Missing(wanted.clone())).collect()
        };
        if dossier.identity == Identity::Absent {
            // The whole project is not there, which `name-gone` says.
            return;
        }
        let gaps = of(Missing::Gap);
        if !gaps.is_empty() {
            findings.push(gap(self.code(), dossier, &gaps));
        }
        let around = of(Missing::AroundPublishing);
        if !around.is_empty() {
            let message = format!(
                "{} official release(s) missing, of which the day is not known",
                around.len()
            );
            let finding = Finding::new(self.code(), Severity::Low, dossier.name, message)
                .versions(around.iter().map(|case| case.text));
            let finding = with_evidence(finding, dossier, &around);
            findings.push(finding.next(
                "a checkout of the records with its history tells which of them should be there",
            ));
        }
        explained(self.code(), dossier, findings);
    }
}

fn gap(code: &'static str, dossier: &Dossier<'_>, cases: &[&ReleaseCase<'_>]) -> Finding {
    let message = match cases {
        [_] => "an official release is missing".to_owned(),
        _ => format!("{} official releases are missing", cases.len()),
    };
    let finding = Finding::new(code, Severity::Medium, dossier.name, message)
        .versions(cases.iter().map(|case| case.text));
    with_evidence(finding, dossier, cases)
        .next("run the release job again, or take the version out of the records and say why")
}

fn with_evidence(
    mut finding: Finding,
    dossier: &Dossier<'_>,
    cases: &[&ReleaseCase<'_>],
) -> Finding {
    if let Some(first) = dossier.first_official_upload() {
        finding =
            finding.evidence("index", format!("official releases are there since {}", day(first)));
    }
    for case in cases.iter().take(5) {
        let approved = match (dossier.approval(case), case.approved()) {
            (Some(at), _) => format!(", approved on {}", day(at)),
            (None, Some(at)) => format!(", written down on {}", day(at)),
            (None, None) => String::new(),
        };
        let place = case.place().unwrap_or("records");
        finding = finding.evidence(place, format!("{} is listed{approved}", case.text));
    }
    if cases.len() > 5 {
        finding = finding.evidence("records", format!("and {} more", cases.len() - 5));
    }
    finding
}

/// One line for each reason that is shown with `--all`.
fn explained(code: &'static str, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
    let mut add = |reason: &str, cases: Vec<&ReleaseCase<'_>>| {
        if !cases.is_empty() {
            let message = format!("{} official release(s) are not there", cases.len());
            let finding = Finding::new(code, Severity::Note, dossier.name, message)
                .versions(cases.iter().map(|case| case.text));
            findings.push(finding.next("nothing").explained(reason));
        }
    };
    let of = |wanted: fn(&Missing) -> bool| -> Vec<&ReleaseCase<'_>> {
        dossier
            .judged(|judgement| matches!(judgement, Judgement::Missing(missing) if wanted(missing)))
            .collect()
    };
    add("this project does not publish there", of(|one| *one == Missing::NotPublished));
    add("from before publishing began", of(|one| *one == Missing::BeforePublishing));
    add(
        "there under another name of the repository",
        of(|one| matches!(one, Missing::OtherName(_))),
    );
    add("approved so recently that it may be under way", of(|one| *one == Missing::Recent));
    add("the name is not ours", of(|one| *one == Missing::NotOurs));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{OfficialRelease, Series};
    use crate::rule::fixture::{Fixture, at};

    fn found(fixture: &Fixture) -> Vec<(Severity, Vec<String>)> {
        let findings = fixture.check(&MissingRelease).into_iter();
        findings
            .filter(|finding| finding.explained.is_none())
            .map(|finding| (finding.severity, finding.versions))
            .collect()
    }

    #[test]
    fn with_days_of_approval_the_first_upload_is_the_line() {
        let fixture = Fixture::new("tool")
            .official("0.9", "2019-12-31")
            .released("1.0", "2020-01-01")
            .official("1.1", "2020-02-01")
            .official("1.2", "2026-01-01");
        assert_eq!(found(&fixture), [(Severity::Medium, vec!["1.1".to_owned()])]);
    }

    fn cycle(name: &str, released: &str, ended: Option<&str>) -> Series {
        Series { name: name.into(), released: Some(at(released)), ended: ended.map(at) }
    }

    fn in_cycle(series: &str) -> impl FnOnce(&mut OfficialRelease) {
        let series = series.into();
        move |release| release.series = Some(series)
    }

    #[test]
    fn without_days_the_cycles_and_the_order_of_the_list_tell() {
        let fixture = Fixture::new("tool")
            .with(|fixture| {
                fixture.records.series = vec![
                    cycle("old", "2015-01-01", Some("2016-01-01")),
                    cycle("open", "2018-01-01", Some("2022-01-01")),
                    cycle("begun", "2019-01-01", None),
                    cycle("next", "2020-06-01", None),
                ];
            })
            .official_with("1.0", in_cycle("old"))
            .official_with("2.0", in_cycle("open"))
            .official_with("3.0", in_cycle("begun"))
            .official_with("3.1", in_cycle("begun"))
            .official_with("3.2", in_cycle("begun"))
            .official_with("4.0", in_cycle("next"))
            .upload("3.1", "2020-01-01", &["sdist"]);
        let strings = |items: &[&str]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            found(&fixture),
            [
                (Severity::Medium, strings(&["3.2", "4.0"])),
                (Severity::Low, strings(&["2.0", "3.0"]))
            ]
        );
    }

    #[test]
    fn a_project_that_never_published_misses_nothing() {
        let fixture =
            Fixture::new("tool").official("1.0", "2020-01-01").official("1.1", "2021-01-01");
        assert_eq!(found(&fixture), []);
    }

    #[test]
    fn of_a_project_that_is_not_there_no_release_is_missed_apart() {
        let fixture = Fixture::new("tool").official("1.0", "2025-06-01").with(|fixture| {
            fixture.project().publishes = crate::record::Publishes::Yes;
            fixture.facts.presence = crate::fact::Presence::Absent;
        });
        assert_eq!(found(&fixture), []);
        assert_eq!(fixture.check(&crate::rule::name_gone::NameGone).len(), 1);
    }

    #[test]
    fn names_of_milestones_cannot_be_on_an_index() {
        let fixture =
            Fixture::new("tool").released("1.0", "2020-01-01").official("essex-2", "2021-01-01");
        assert_eq!(found(&fixture), []);
    }

    #[test]
    fn an_empty_placeholder_of_an_official_version_is_missing_still() {
        let fixture = Fixture::new("tool")
            .released("1.0", "2020-01-01")
            .official("1.1", "2021-01-01")
            .upload("1.1", "2021-01-01", &[]);
        assert_eq!(found(&fixture), [(Severity::Medium, vec!["1.1".to_owned()])]);
    }
}
