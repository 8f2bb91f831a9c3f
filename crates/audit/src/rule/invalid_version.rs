//! Versions that are none, and versions that hide the real latest release.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::rule::words::{day, list};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct InvalidVersion;

impl Rule for InvalidVersion {
    fn code(&self) -> &'static str {
        "invalid-version"
    }

    fn document(&self) -> Document {
        Document {
            title: "a version that hides the real latest release, or that is none",
            what: "A final release that sorts above all others though the numbers were started anew \
                after it, medium: `2014.1` above `9.0.0`. A \
                version that is none by PEP 440, with files, medium, and low where the records list it. \
                Those from before the records of \
                the project begin, and versions that are only written in an unusual way (`v0.4.0`), \
                are shown with `--all`.",
            why: "Installers take the highest version: whoever does not pin gets the old release, and \
                no later one ever reaches them. Versions that are none are skipped by today's \
                installers and taken by old ones.",
            remedy: "Yank the release that hides the others, with a reason that names the real latest.",
            example: "`medium  example-tool  2014.1.b3  hides the latest release, 9.0.0` — the numbers \
                of releases were started anew without an epoch.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        if dossier.identity != Identity::Ours {
            return;
        }
        findings.extend(hiding(self.code(), dossier));
        let with_files = || {
            let has_files = |case: &&ReleaseCase<'_>| {
                case.index.is_some_and(|release| !release.files.is_empty())
            };
            dossier.releases.iter().filter(has_files)
        };
        // What the records list is the federation's own; nobody else made it.
        let (mut old, mut listed, mut invalid) = (Vec::new(), Vec::new(), Vec::new());
        for case in with_files().filter(|case| case.version.is_none()) {
            match case.judgement {
                Judgement::BeforeRecords => old.push(case.text),
                Judgement::Official => listed.push(case.text),
                _ => invalid.push(case.text),
            }
        }
        if !old.is_empty() {
            let message = format!("{} version(s) that are none by PEP 440", old.len());
            let finding = Finding::new(self.code(), Severity::Note, dossier.name, message)
                .versions(old)
                .next("nothing");
            findings.push(finding.explained("from before the records of this project begin"));
        }
        for (severity, versions) in [(Severity::Low, listed), (Severity::Medium, invalid)] {
            if versions.is_empty() {
                continue;
            }
            let message = format!("{} version(s) that are none by PEP 440", versions.len());
            let finding = Finding::new(self.code(), severity, dossier.name, message)
                .versions(versions.iter().copied())
                .evidence("index", format!("has {}", list(&versions)))
                .next("yank them; no current installer can ask for them");
            findings.push(finding);
        }
        let unusual: Vec<&str> = with_files()
            .filter(|case| case.version.as_ref().is_some_and(|one| one.to_string() != case.text))
            .map(|case| case.text)
            .collect();
        if !unusual.is_empty() {
            let message = format!("{} version(s) are written in an unusual way", unusual.len());
            let finding = Finding::new(self.code(), Severity::Note, dossier.name, message)
                .versions(unusual)
                .next("nothing");
            findings.push(finding.explained("every installer reads them as the usual form"));
        }
    }
}

/// The highest final release, if the numbers were started anew below it: a line of releases (a first
/// number) that did not exist when it was uploaded, and is lower. A line that was there before is
/// maintenance.
fn hiding(code: &'static str, dossier: &Dossier<'_>) -> Option<Finding> {
    let finals: Vec<(&ReleaseCase<'_>, Timestamp)> = dossier
        .releases
        .iter()
        .filter(|case| is_offered(case))
        .filter_map(|case| Some((case, case.uploaded()?)))
        .collect();
    let (highest, since) = *finals.last()?;
    let line = |case: &ReleaseCase<'_>| {
        case.version.as_ref().and_then(|version| version.release().first().copied())
    };
    let before: BTreeSet<Option<u64>> = finals
        .iter()
        .filter(|(_, uploaded)| *uploaded <= since)
        .map(|(case, _)| line(case))
        .collect();
    let latest = finals
        .iter()
        .filter(|(case, uploaded)| *uploaded > since && !before.contains(&line(case)))
        .map(|(case, _)| *case)
        .next_back()?;
    let above: Vec<&ReleaseCase<'_>> = finals
        .iter()
        .filter(|(case, uploaded)| case.version > latest.version && *uploaded <= since)
        .map(|(case, _)| *case)
        .collect();
    let message = format!("hides the latest release, {}", latest.text);
    let finding = Finding::new(code, Severity::Medium, dossier.name, message)
        .versions(above.iter().map(|case| case.text))
        .evidence(
            "index",
            format!(
                "{} was uploaded on {}, {} on {}",
                highest.text,
                day(since),
                latest.text,
                latest.uploaded().map_or_else(String::new, day)
            ),
        );
    Some(finding.next(format!("yank it with a reason that names {}", latest.text)))
}

/// A final release that an installer may take.
fn is_offered(case: &ReleaseCase<'_>) -> bool {
    let is_final = case.version.as_ref().is_some_and(|version| !version.any_prerelease());
    let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
    is_final && files.iter().any(|file| file.yanked.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn found(fixture: &Fixture) -> Vec<Vec<String>> {
        let findings = fixture.check(&InvalidVersion).into_iter();
        findings.filter(|one| one.explained.is_none()).map(|one| one.versions).collect()
    }

    #[test]
    fn an_old_high_number_hides_the_latest_release() {
        let fixture = Fixture::new("tool")
            .released("2014.1", "2014-01-01")
            .released("8.0.0", "2019-01-01")
            .released("9.0.0", "2020-01-01");
        assert_eq!(found(&fixture), [["2014.1"]]);
        let yanked = fixture.with(|fixture| {
            for file in &mut fixture.facts.releases[0].files {
                file.yanked = Some(String::new());
            }
        });
        assert_eq!(found(&yanked), [] as [Vec<String>; 0]);
    }

    #[test]
    fn maintenance_releases_hide_nothing() {
        let fixture = Fixture::new("tool")
            .released("9.0.0", "2020-01-01")
            .released("8.0.1", "2020-06-01")
            .upload("10.0.0", "2021-01-01", &["sdist"])
            .released("8.1.0", "2021-06-01")
            .upload("9.1.0", "2021-07-01", &["sdist"]);
        assert_eq!(found(&fixture), [] as [Vec<String>; 0]);
    }

    #[test]
    fn a_version_that_is_none_is_found_and_an_unusual_one_is_a_note() {
        let fixture = Fixture::new("tool").released("v1.0", "2020-01-01").upload(
            "1.0-final-really",
            "2020-02-01",
            &["tool-1.0-final-really.tar.gz"],
        );
        assert_eq!(found(&fixture), [["1.0-final-really"]]);
        let listed = fixture.clone().official_with("1.0-final-really", |_| ());
        let findings = listed.check(&InvalidVersion);
        assert!(findings.iter().any(|one| one.severity == Severity::Low));
        assert!(findings.iter().all(|one| one.severity != Severity::Medium));
        let notes = fixture.check(&InvalidVersion);
        assert!(notes.iter().any(|one| one.explained.is_some() && one.versions == ["v1.0"]));
    }
}
