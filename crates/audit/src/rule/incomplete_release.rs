//! A wheel without its source distribution, or the reverse.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::version::Version;

use super::{Document, Rule};
use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::fact::{FileKind, IndexRelease};
use crate::finding::{Finding, Severity};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct IncompleteRelease;

/// How many releases before and after are compared with.
const NEIGHBOURS: usize = 5;

impl Rule for IncompleteRelease {
    fn code(&self) -> &'static str {
        "incomplete-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "a release without its wheel or without its source distribution",
            what: "A release that lacks the wheel or the source distribution which the releases of the \
                same project before and after it have (of up to five on each side, all but one, and \
                at least two before it; the first release is compared with the five after it), \
                medium; more than five of a project are one finding. Where the records name the \
                files of a release and all of them are there, or where most releases of its line (its first \
                two numbers) lack it too, nothing is missing. A version that was edited out of the records after \
                its job failed is a low line.",
            why: "A job stopped half way. Users on some platforms get another version than the rest, \
                and the missing file can be added later by whoever can upload.",
            remedy: "Upload the missing file from the same commit while the index accepts it, or yank \
                the release and make the next one.",
            example: "`medium  example-tool  3.4.0  the source distribution is missing` — the upload \
                of the second file failed.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let mut cases: Vec<&ReleaseCase<'_>> = dossier
            .judged(Judgement::is_of_ours)
            .filter(|case| case.index.is_some_and(|release| !release.files.is_empty()))
            .collect();
        let lines = Lines::of(&cases);
        let mut found = Vec::new();
        // In the order of time; habits change with time, not with versions.
        cases.sort_by_key(|case| case.uploaded());
        for (at, case) in cases.iter().enumerate() {
            let Some(release) = case.index else { continue };
            let Some(missing) = missing_kind(release) else { continue };
            if is_as_recorded(case, release) || lines.mostly_lack(case, missing) {
                continue;
            }
            let before = &cases[at.saturating_sub(NEIGHBOURS)..at];
            let after = &cases[at + 1..cases.len().min(at + 1 + NEIGHBOURS)];
            let is_first = before.is_empty() && after.len() == NEIGHBOURS;
            let is_odd = if is_first {
                after.iter().all(|case| has(case, missing))
            } else {
                is_habit(before, missing) && (after.is_empty() || is_habit_after(after, missing))
            };
            if is_odd {
                found.push((*case, missing));
            }
        }
        for missing in [FileKind::Sdist, FileKind::Wheel] {
            let (open, removed): (Vec<&ReleaseCase<'_>>, Vec<_>) = found
                .iter()
                .filter(|(_, kind)| *kind == missing)
                .map(|(case, _)| *case)
                .partition(|case| case.judgement != Judgement::OnceListed);
            if open.len() > SEPARATE {
                findings.push(many(self.code(), dossier, &open, missing));
            } else {
                let each =
                    open.into_iter().map(|case| finding(self.code(), dossier, case, missing));
                findings.extend(each);
            }
            let each = removed.into_iter().map(|case| finding(self.code(), dossier, case, missing));
            findings.extend(each);
        }
    }
}

/// The first two numbers of a version.
type Line = (Option<u64>, Option<u64>);

/// Of each line of releases, how many there are, and how many lack a source distribution or a wheel.
/// An old line that is still maintained keeps its habits while those of the project change.
#[derive(Default)]
struct Lines(BTreeMap<Line, [usize; 3]>);

impl Lines {
    fn of(cases: &[&ReleaseCase<'_>]) -> Self {
        let mut lines = Self::default();
        for case in cases {
            let counts = lines.0.entry(line(case)).or_default();
            counts[0] += 1;
            counts[1] += usize::from(!has(case, FileKind::Sdist));
            counts[2] += usize::from(!has(case, FileKind::Wheel));
        }
        lines
    }

    /// Whether most of the others of its line lack it too.
    fn mostly_lack(&self, case: &ReleaseCase<'_>, missing: FileKind) -> bool {
        let [all, sdist, wheel] = self.0.get(&line(case)).copied().unwrap_or_default();
        let lacking = if missing == FileKind::Wheel { wheel } else { sdist };
        let (others, lacking) = (all.saturating_sub(1), lacking.saturating_sub(1));
        others >= 2 && lacking * 2 > others
    }
}

fn line(case: &ReleaseCase<'_>) -> Line {
    let numbers = case.version.as_ref().map(Version::release).unwrap_or_default();
    (numbers.first().copied(), numbers.get(1).copied())
}

/// More findings than this in one project become one.
const SEPARATE: usize = 5;

/// Whether a record names files, and all of them are there: nothing is missing then.
fn is_as_recorded(case: &ReleaseCase<'_>, release: &IndexRelease) -> bool {
    let there: BTreeSet<&str> = release.files.iter().map(|file| &*file.filename).collect();
    let mut named = case.official.iter().flat_map(|one| &one.files).peekable();
    named.peek().is_some() && named.all(|file| there.contains(&*file.filename))
}

fn words(missing: FileKind) -> (&'static str, &'static str) {
    match missing {
        FileKind::Wheel => ("wheel", "a source distribution"),
        _ => ("source distribution", "wheels"),
    }
}

const STEP: &str =
    "upload the missing file from the same commit, or yank the release and make the next one";

fn many(
    code: &'static str,
    dossier: &Dossier<'_>,
    cases: &[&ReleaseCase<'_>],
    missing: FileKind,
) -> Finding {
    let (lacking, _) = words(missing);
    let message = format!("the {lacking} of {} releases is missing", cases.len());
    let mut result = Finding::new(code, Severity::Medium, dossier.name, message)
        .versions(cases.iter().map(|case| case.text))
        .evidence("index", "the releases before and after each of them have both");
    for case in cases.iter().rev().take(5) {
        let place = case.place().unwrap_or("index");
        result = result.evidence(place, format!("{} has no {lacking}", case.text));
    }
    result.next(STEP)
}

/// The kind that a release lacks; none when it has both, or neither.
fn missing_kind(release: &IndexRelease) -> Option<FileKind> {
    match (release.has(FileKind::Sdist), release.has(FileKind::Wheel)) {
        (true, false) => Some(FileKind::Wheel),
        (false, true) => Some(FileKind::Sdist),
        _ => None,
    }
}

fn has(case: &ReleaseCase<'_>, kind: FileKind) -> bool {
    case.index.is_some_and(|release| release.has(kind))
}

fn is_habit(neighbours: &[&ReleaseCase<'_>], kind: FileKind) -> bool {
    let having = neighbours.iter().filter(|case| has(case, kind)).count();
    having >= 2 && having + 1 >= neighbours.len()
}

fn is_habit_after(neighbours: &[&ReleaseCase<'_>], kind: FileKind) -> bool {
    neighbours.iter().filter(|case| has(case, kind)).count() + 1 >= neighbours.len()
        && neighbours.iter().any(|case| has(case, kind))
}

fn finding(
    code: &'static str,
    dossier: &Dossier<'_>,
    case: &ReleaseCase<'_>,
    missing: FileKind,
) -> Finding {
    let (lacking, having) = words(missing);
    let was_removed = case.judgement == Judgement::OnceListed;
    let severity = if was_removed { Severity::Low } else { Severity::Medium };
    let mut message = format!("the {lacking} is missing");
    if was_removed {
        message.push_str("; once in the records, edited away since");
    }
    let files: Vec<String> = crate::rule::words::files_of(case).collect();
    let mut result = Finding::new(code, severity, dossier.name, message)
        .versions([case.text])
        .evidence("index", format!("has only {having}: {}", list(&files)))
        .evidence("index", "the releases before and after it have both");
    if let Some(place) = case.place() {
        result = result.evidence(place, "the release is listed");
    }
    result.next(STEP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Known;
    use crate::rule::fixture::Fixture;

    /// Releases 1.0, 1.1, … one a month; `b` has both files, `s` and `w` only one.
    fn history(files: &str) -> Fixture {
        let mut fixture = Fixture::new("tool");
        for (at, kind) in files.chars().enumerate() {
            let version = format!("1.{at}");
            let day = format!("2020-{:02}-01", at + 1);
            let files: &[&str] = match kind {
                'b' => &["sdist", "wheel"],
                's' => &["sdist"],
                _ => &["wheel"],
            };
            fixture = fixture.official(&version, &day).upload(&version, &day, files);
        }
        fixture
    }

    fn found(files: &str) -> Vec<String> {
        let findings = history(files).check(&IncompleteRelease);
        findings.into_iter().flat_map(|finding| finding.versions).collect()
    }

    #[test]
    fn one_that_differs_from_those_around_it_is_found() {
        for (files, expected) in [
            ("bbwbb", vec!["1.2"]),
            ("bbsbb", vec!["1.2"]),
            ("bbs", vec!["1.2"]),
            ("sbbbbb", vec!["1.0"]),
            ("bbwbbwbb", vec!["1.2", "1.5"]),
        ] {
            assert_eq!(found(files), expected, "{files}");
        }
    }

    #[test]
    fn a_habit_that_changes_is_no_finding() {
        for files in
            ["sssbbb", "bbbsss", "ssss", "wwww", "sb", "bs", "sbsbsbsb", "sbbbb", "ssbbbbbb"]
        {
            assert_eq!(found(files), [] as [&str; 0], "{files}");
        }
    }

    #[test]
    fn one_that_was_edited_away_is_a_line() {
        let fixture = history("bbbb").with(|fixture| {
            fixture.project().releases[2].known = Known::OnceListed;
            fixture.facts.releases[2].files.remove(0);
        });
        let findings = fixture.check(&IncompleteRelease);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Low);
    }

    #[test]
    fn many_are_one() {
        let of = |lacking: usize| {
            (0..lacking * 7).fold(Fixture::new("tool"), |fixture, at| {
                let (version, day) = (format!("1.{at}"), format!("20{:02}-01-01", at % 90 + 10));
                let files: &[&str] = if at % 7 == 3 { &["wheel"] } else { &["sdist", "wheel"] };
                fixture.official(&version, &day).upload(&version, &day, files)
            })
        };
        assert_eq!(of(5).check(&IncompleteRelease).len(), 5);
        let many = of(6).check(&IncompleteRelease);
        assert_eq!(many.len(), 1);
        assert_eq!(many[0].versions.len(), 6);
        assert_eq!(many[0].message, "the source distribution of 6 releases is missing");
    }

    #[test]
    fn a_release_with_all_the_files_that_its_record_names_is_complete() {
        let named = |files: &[&str]| {
            let mut fixture = Fixture::new("tool");
            for day in ["2020-01-01", "2020-02-01", "2020-03-01"] {
                fixture = fixture.released(&format!("1.{}", &day[6..7]), day);
            }
            let fixture = fixture.official_with("1.4", |one| {
                one.files = files
                    .iter()
                    .map(|filename| crate::record::OfficialFile {
                        filename: (*filename).into(),
                        sha256: None,
                        size: None,
                        signature: crate::record::Signature::NotLooked,
                    })
                    .collect();
            });
            let fixture = fixture.upload("1.4", "2020-04-01", &["wheel"]);
            fixture.released("1.5", "2020-05-01").check(&IncompleteRelease).len()
        };
        assert_eq!(named(&[]), 1);
        assert_eq!(named(&["tool-1.4-py3-none-any.whl"]), 0);
        assert_eq!(named(&["tool-1.4-py3-none-any.whl", "tool-1.4.tar.gz"]), 1);
    }

    #[test]
    fn an_old_line_keeps_its_habits() {
        let of = |others: &[&str]| {
            let mut fixture = Fixture::new("tool");
            for (at, version) in ["1.4.0", "1.4.1", "1.4.2"].iter().enumerate() {
                let day = format!("2018-0{}-01", at + 1);
                fixture = fixture.official(version, &day).upload(version, &day, others);
            }
            for at in 0..6 {
                fixture = fixture.released(&format!("2.{at}"), &format!("2019-0{}-01", at + 1));
            }
            fixture =
                fixture.official("1.4.3", "2019-03-15").upload("1.4.3", "2019-03-15", &["sdist"]);
            fixture.check(&IncompleteRelease).len()
        };
        assert_eq!(of(&["sdist"]), 0);
        assert_eq!(of(&["sdist", "wheel"]), 1);
    }
}
