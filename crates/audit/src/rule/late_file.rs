//! A file that came long after the others of its release.

use std::collections::BTreeSet;

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
                release, which is otherwise explained, and that no record names. Medium, and high where \
                somebody else could upload it. More than five releases of a project are one finding; \
                where it is every fifth release or more, that is how the project is released, and low.",
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
        let of_ours: Vec<&ReleaseCase<'_>> = dossier.judged(Judgement::is_of_ours).collect();
        let late: Vec<Late<'_>> = of_ours.iter().filter_map(|case| Late::of(case, limit)).collect();
        if late.len() <= SEPARATE {
            findings.extend(late.iter().map(|late| one(self.code(), dossier, late)));
        } else {
            let is_habit = late.len() * HABIT >= of_ours.len();
            findings.push(many(self.code(), dossier, &late, is_habit));
        }
    }
}

/// More findings than this in one project become one.
const SEPARATE: usize = 5;

/// Where one release in so many got files late, it is how the project is released.
const HABIT: usize = 5;

const STEP: &str = "compare it with the others of the release; yank it if no job of ours made it";

/// A release with files that came late.
struct Late<'a> {
    version: &'a str,
    first: Timestamp,
    files: Vec<(&'a str, Timestamp)>,
    days: i64,
}

impl<'a> Late<'a> {
    fn of(case: &ReleaseCase<'a>, limit: SignedDuration) -> Option<Self> {
        let first = case.uploaded()?;
        let files = files_after(case, first, limit);
        let last = files.iter().map(|(_, uploaded)| *uploaded).max()?;
        let days = last.duration_since(first).as_hours() / 24;
        Some(Self { version: case.text, first, files, days })
    }
}

fn one(code: &'static str, dossier: &Dossier<'_>, late: &Late<'_>) -> Finding {
    let message =
        format!("{} file(s) came up to {} day(s) after the first", late.files.len(), late.days);
    let mut finding = Finding::new(code, severity(dossier), dossier.name, message)
        .versions([late.version])
        .files(late.files.iter().map(|(filename, _)| *filename))
        .evidence("index", format!("the first file is from {}", day(late.first)));
    for (filename, uploaded) in late.files.iter().take(5) {
        finding = finding.evidence("index", format!("{filename} is from {}", day(*uploaded)));
    }
    finding.next(STEP)
}

fn many(code: &'static str, dossier: &Dossier<'_>, late: &[Late<'_>], is_habit: bool) -> Finding {
    let mut message = format!("{} releases got files days after the first", late.len());
    if is_habit {
        message.push_str(", as is usual here");
    }
    let severity = if is_habit { Severity::Low } else { severity(dossier) };
    let mut newest: Vec<&Late<'_>> = late.iter().collect();
    newest.sort_by_key(|late| std::cmp::Reverse(late.files.iter().map(|(_, at)| *at).max()));
    let mut finding = Finding::new(code, severity, dossier.name, message)
        .versions(late.iter().map(|late| late.version))
        .files(late.iter().flat_map(|late| &late.files).map(|(filename, _)| *filename));
    for late in newest.iter().take(5) {
        let text = format!(
            "{}: {} file(s), up to {} day(s) after the first of {}",
            late.version,
            late.files.len(),
            late.days,
            day(late.first)
        );
        finding = finding.evidence("index", text);
    }
    finding.next(STEP)
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
    // A file that a record names is one that somebody of ours made, whenever it came.
    let named: BTreeSet<&str> =
        case.official.iter().flat_map(|one| &one.files).map(|file| &*file.filename).collect();
    dated
        .filter(|(filename, uploaded)| {
            uploaded.duration_since(first) > limit && !named.contains(filename)
        })
        .collect()
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

    /// A project of so many releases, of which the first ones got a wheel a week later.
    fn project(releases: usize, late: usize) -> Fixture {
        (0..releases).fold(Fixture::new("tool"), |fixture, at| {
            let version = format!("1.{at}");
            let fixture = fixture.released(&version, "2020-01-01");
            let wheel = file(&format!("tool-{version}-cp39-none-any.whl"), "2020-01-08");
            fixture.with(|fixture| {
                if at < late {
                    fixture.facts.releases[at].files.push(wheel);
                }
            })
        })
    }

    #[test]
    fn many_are_one_and_a_habit_is_low() {
        assert_eq!(project(30, 5).check(&LateFile).len(), 5);
        let many = project(31, 6).check(&LateFile);
        assert_eq!(many.len(), 1);
        assert_eq!(many[0].severity, Severity::Medium);
        assert_eq!((many[0].versions.len(), many[0].files.len()), (6, 6));
        let habit = project(30, 6).role("Owner", "mallory").check(&LateFile);
        assert_eq!(habit[0].severity, Severity::Low);
    }

    #[test]
    fn a_file_that_a_record_names_is_not_late() {
        let named = |filename: &str| {
            with_wheel_at("2020-01-08T10:00:00Z").with(|fixture| {
                fixture.project().releases[0].files.push(crate::record::OfficialFile {
                    filename: filename.into(),
                    sha256: None,
                    size: None,
                    signature: crate::record::Signature::NotLooked,
                });
            })
        };
        assert_eq!(named("tool-1.0-py3-none-any.whl").check(&LateFile), []);
        assert_eq!(named("tool-1.0.tar.gz").check(&LateFile).len(), 1);
    }
}
