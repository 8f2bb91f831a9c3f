//! A file that came long after the others of its release.

use jiff::{SignedDuration, Timestamp};

use super::{Document, Rule};
use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::rule::words::day;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct LateFile;

impl Rule for LateFile {
    fn code(&self) -> &'static str {
        "late-file"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file that came long after the others of its release",
            what: "A file that was uploaded more than `late-hours` (24) after the first file of its \
                release, which is otherwise explained. A wheel for a Python or a platform that the \
                release did not have before is medium like everything else: an installer prefers it.",
            why: "A release job uploads its files within minutes. A file that is added to an old \
                release changes what installs without a new version, and pins without digests do \
                not notice.",
            remedy: "Compare the file with the others of the release. If a job was run again, accept \
                the finding with its reason; if not, yank the file.",
            example: "`medium  example-tool  1.4.0  a file came 7 days after the first` — a wheel was \
                added a week after the release, by an account that should not have had a role.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let limit = SignedDuration::from_hours(dossier.context.federation.thresholds.late_hours);
        for case in dossier.judged(Judgement::is_of_ours) {
            let Some(first) = case.uploaded() else { continue };
            let late: Vec<(&str, Timestamp)> = files_after(case, first, limit);
            let Some(last) = late.iter().map(|(_, uploaded)| *uploaded).max() else { continue };
            let days = last.duration_since(first).as_hours() / 24;
            let message =
                format!("{} file(s) came up to {days} day(s) after the first", late.len());
            let mut finding = Finding::new(self.code(), severity(dossier), dossier.name, message)
                .versions([case.text])
                .files(late.iter().map(|(filename, _)| *filename))
                .evidence("index", format!("the first file is from {}", day(first)));
            for (filename, uploaded) in late.iter().take(5) {
                finding =
                    finding.evidence("index", format!("{filename} is from {}", day(*uploaded)));
            }
            findings.push(finding.next(
                "compare it with the others of the release; yank it if no job of ours made it",
            ));
        }
    }
}

/// With somebody else in a position to add it, it is worse.
fn severity(dossier: &Dossier<'_>) -> Severity {
    let is_open = !dossier.strangers().is_empty() || dossier.is_held_by_us() == Some(false);
    if is_open { Severity::High } else { Severity::Medium }
}

fn files_after<'a>(
    case: &ReleaseCase<'a>,
    first: Timestamp,
    limit: SignedDuration,
) -> Vec<(&'a str, Timestamp)> {
    let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
    let dated = files.iter().filter_map(|file| Some((file.filename.as_str(), file.uploaded?)));
    dated.filter(|(_, uploaded)| uploaded.duration_since(first) > limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::{Fixture, file};

    fn with_wheel_at(uploaded: &str) -> Fixture {
        Fixture::new("tool")
            .official("1.0", "2020-01-01")
            .upload("1.0", "2020-01-01T10:00:00Z", &["sdist"])
            .with(|fixture| {
                fixture.facts.releases[0].files.push(file("tool-1.0-py3-none-any.whl", uploaded));
            })
    }

    #[test]
    fn a_day_is_the_line() {
        assert_eq!(with_wheel_at("2020-01-02T10:00:00Z").check(&LateFile), []);
        let findings = with_wheel_at("2020-01-02T10:00:01Z").check(&LateFile);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].files, ["tool-1.0-py3-none-any.whl"]);
        assert_eq!(findings[0].severity, Severity::Medium);
    }

    #[test]
    fn it_is_worse_where_a_stranger_can_upload() {
        let fixture = with_wheel_at("2020-01-08T10:00:00Z").role("Maintainer", "mallory");
        assert_eq!(fixture.check(&LateFile)[0].severity, Severity::High);
    }

    #[test]
    fn the_line_can_be_drawn_elsewhere_and_others_releases_are_theirs() {
        let fixture = with_wheel_at("2020-01-08T10:00:00Z")
            .with(|fixture| fixture.federation.thresholds.late_hours = 24 * 30);
        assert_eq!(fixture.check(&LateFile), []);
    }
}
