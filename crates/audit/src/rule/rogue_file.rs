//! A file of an official release that the record does not name.

use std::collections::HashSet;

use super::{Document, Rule};
use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::fact::{FileKind, IndexFile};
use crate::finding::{Finding, Severity};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct RogueFile;

impl Rule for RogueFile {
    fn code(&self) -> &'static str {
        "rogue-file"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file in an official release that the record does not name",
            what: "Where the records name the files of a release (a checksum list, an artifact host, \
                a forge, a table): a file on the index that is not among them, high. Where they name \
                none: a second source distribution, or an egg or installer, beside the usual files, \
                medium; none of the project's other releases may have one.",
            why: "An extra file in a release that everybody trusts is chosen by installers on some \
                platforms, and nobody compares it with anything.",
            remedy: "Ask the release job's log whether it made the file. If it did, add it to the \
                record. If it did not, yank the file and follow `countermark incident`.",
            example: "`high  example-tool  1.4.0  a file that the record does not name` — a wheel for \
                one platform was added to a release whose checksum list has a source distribution \
                only.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let is_official = |judgement: &Judgement| *judgement == Judgement::Official;
        let has_odd = |case: &ReleaseCase<'_>| odd_files(case).next().is_some();
        let odd = dossier.judged(is_official).filter(|case| has_odd(case)).count();
        for case in dossier.judged(is_official) {
            let named: Vec<&str> = case
                .official
                .iter()
                .flat_map(|one| &one.files)
                .map(|file| &*file.filename)
                .collect();
            if named.is_empty() {
                if odd == 1 && has_odd(case) {
                    findings.push(unusual(self.code(), dossier, case));
                }
                continue;
            }
            let plain: HashSet<String> = named.iter().map(|one| plain_name(one)).collect();
            let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
            let extra: Vec<&str> = files
                .iter()
                .map(|file| file.filename.as_str())
                .filter(|filename| !plain.contains(&plain_name(filename)))
                .collect();
            if extra.is_empty() {
                continue;
            }
            let message = format!("{} file(s) that the record does not name", extra.len());
            let finding = Finding::new(self.code(), Severity::High, dossier.name, message)
                .versions([case.text])
                .files(extra.iter().copied())
                .evidence("index", format!("has {}", list(&extra)))
                .evidence(case.place().unwrap_or("records"), format!("names {}", list(&named)))
                .next("find out who uploaded it; yank it if no job of ours did");
            findings.push(finding);
        }
    }
}

/// File names are compared without case and without the difference of `-`, `_` and `.` in front of the
/// version: builders changed their minds about them.
pub(super) fn plain_name(filename: &str) -> String {
    filename.to_ascii_lowercase().replace(['-', '.'], "_")
}

/// What a release has beside one source distribution and wheels.
fn odd_files<'a>(case: &ReleaseCase<'a>) -> impl Iterator<Item = &'a IndexFile> {
    let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
    let mut sdists = 0;
    files.iter().filter(move |file| match file.kind {
        FileKind::Wheel => false,
        FileKind::Other => true,
        FileKind::Sdist => {
            sdists += 1;
            sdists > 1
        }
    })
}

fn unusual(code: &'static str, dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> Finding {
    let files: Vec<&str> = odd_files(case).map(|file| file.filename.as_str()).collect();
    Finding::new(
        code,
        Severity::Medium,
        dossier.name,
        "a file that no other release has the like of",
    )
    .versions([case.text])
    .files(files.iter().copied())
    .evidence("index", format!("has {} beside the usual files", list(&files)))
    .next("look into the release job's log; yank the file if no job of ours made it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{OfficialFile, Signature};
    use crate::rule::fixture::Fixture;

    fn named(files: &[&str]) -> Vec<OfficialFile> {
        let file = |filename: &&str| OfficialFile {
            filename: (*filename).into(),
            sha256: None,
            size: None,
            signature: Signature::NotLooked,
        };
        files.iter().map(file).collect()
    }

    #[test]
    fn files_that_the_record_names_are_no_finding_and_one_more_is() {
        let fixture = Fixture::new("my-tool")
            .official_with("1.0", |release| release.files = named(&["my.tool-1.0.tar.gz"]))
            .upload("1.0", "2020-01-01", &["sdist"]);
        assert_eq!(fixture.check(&RogueFile), []);
        let more = Fixture::new("my-tool")
            .official_with("1.0", |release| release.files = named(&["my.tool-1.0.tar.gz"]))
            .upload("1.0", "2020-01-01", &["sdist", "wheel"]);
        let findings = more.check(&RogueFile);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::High);
        assert_eq!(findings[0].files, ["my_tool-1.0-py3-none-any.whl"]);
    }

    #[test]
    fn an_egg_is_odd_where_it_is_the_only_one() {
        let fixture = Fixture::new("tool")
            .released("1.0", "2020-01-01")
            .official("1.1", "2020-02-01")
            .upload("1.1", "2020-02-01", &["sdist", "wheel", "tool-1.1-py2.7.egg"]);
        assert_eq!(fixture.check(&RogueFile)[0].files, ["tool-1.1-py2.7.egg"]);
        let usual = fixture.official("1.2", "2020-03-01").upload(
            "1.2",
            "2020-03-01",
            &["sdist", "tool-1.2.zip"],
        );
        assert_eq!(usual.check(&RogueFile), [], "more than one release is like that");
    }
}
