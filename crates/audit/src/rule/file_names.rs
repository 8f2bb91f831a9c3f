//! A file whose name is of another version or project than the release that lists it.

use countermark_packaging::filename::{SdistFilename, WheelFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::artifacts::{gather, index_files, ours};
use super::{Document, Rule};
use crate::dossier::{Dossier, ReleaseCase};
use crate::fact::FileKind;
use crate::finding::{Finding, Severity};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct FileNames;

impl Rule for FileNames {
    fn code(&self) -> &'static str {
        "file-names"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file whose name is of another release",
            what: "A wheel, source distribution or egg whose file name says another project or another \
                version than the release under which the index lists it, medium. A name that cannot \
                be read at all is a note, shown with `--all`.",
            why: "Installers choose by file names, people by releases. A file of 1.1 under 1.0 is \
                installed by those who ask for 1.1, a version that the release page does not show.",
            remedy: "Find out how it was uploaded; yank the file if no job of ours made it.",
            example: "`medium  example-tool  1.0  a file name says version 1.1` — an upload with a \
                metadata version that did not fit the file.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let mut found = Vec::new();
        for case in ours(dossier) {
            let mut says = Vec::new();
            let mut files = Vec::new();
            let mut unreadable = Vec::new();
            for file in index_files(case) {
                match read_name(dossier.name, case, file.kind, &file.filename) {
                    Reading::Fits => {}
                    Reading::Unreadable => unreadable.push(file.filename.as_str()),
                    Reading::Differs(what) => {
                        files.push(file.filename.as_str());
                        says.push(what);
                    }
                }
            }
            says.dedup();
            if !files.is_empty() {
                let message = format!("a file name says {}", list(&says));
                let finding = Finding::new(self.code(), Severity::Medium, dossier.name, message)
                    .versions([case.text])
                    .evidence("index", format!("lists {} under {}", list(&files), case.text))
                    .files(files)
                    .next("find out who uploaded it and how; yank it if no job of ours did");
                found.push(finding);
            }
            if !unreadable.is_empty() {
                let finding = Finding::new(
                    self.code(),
                    Severity::Note,
                    dossier.name,
                    "a file name that says no version",
                );
                let text = format!("lists {} under {}", list(&unreadable), case.text);
                let finding = finding
                    .versions([case.text])
                    .files(unreadable)
                    .evidence("index", text)
                    .explained("installers do not take files with such names");
                found.push(finding);
            }
        }
        let message = |count| format!("files of {count} releases are named after others");
        gather(found, message, findings);
    }
}

enum Reading {
    Fits,
    Differs(String),
    Unreadable,
}

fn read_name(
    project: &ProjectName,
    case: &ReleaseCase<'_>,
    kind: FileKind,
    filename: &str,
) -> Reading {
    let Some((name, version)) = parse_name(project, kind, filename) else {
        // Old kinds of files have many kinds of names; and a release without a valid version has
        // files without one.
        let is_as_expected = kind == FileKind::Other || begins_as_release(project, case, filename);
        return if is_as_expected { Reading::Fits } else { Reading::Unreadable };
    };
    if name != *project {
        return Reading::Differs(format!("project `{name}`"));
    }
    match &case.version {
        Some(expected) if *expected != version => Reading::Differs(format!("version {version}")),
        None if !begins_as_release(project, case, filename) => {
            Reading::Differs(format!("version {version}"))
        }
        _ => Reading::Fits,
    }
}

fn parse_name(
    project: &ProjectName,
    kind: FileKind,
    filename: &str,
) -> Option<(ProjectName, Version)> {
    match kind {
        FileKind::Wheel => {
            let wheel = WheelFilename::parse(filename).ok()?;
            Some((wheel.name, wheel.version))
        }
        FileKind::Sdist => {
            // Other archives are named the same way, and only these two endings are read.
            let stem = [".tar.bz2", ".tgz", ".tar.xz", ".tar.z", ".tar"]
                .iter()
                .find_map(|ending| strip_ending(filename, ending));
            let filename =
                stem.map_or_else(|| filename.to_owned(), |stem| format!("{stem}.tar.gz"));
            let sdist = SdistFilename::parse_for(project, &filename)
                .or_else(|_| SdistFilename::parse(&filename))
                .ok()?;
            Some((sdist.name, sdist.version))
        }
        FileKind::Other => {
            let stem = strip_ending(filename, ".egg")?;
            let mut parts = stem.split('-');
            let (name, version) = (parts.next()?, parts.next()?);
            Some((ProjectName::parse(name).ok()?, version.parse().ok()?))
        }
    }
}

fn strip_ending<'a>(filename: &'a str, ending: &str) -> Option<&'a str> {
    let at = filename.len().checked_sub(ending.len())?;
    let (stem, found) = filename.split_at_checked(at)?;
    found.eq_ignore_ascii_case(ending).then_some(stem)
}

/// Whether a name begins with the project and the text of the release.
fn begins_as_release(project: &ProjectName, case: &ReleaseCase<'_>, filename: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '.', '+'], "-");
    let expected = format!("{}-{}", plain(project.as_str()), plain(case.text));
    plain(filename)
        .strip_prefix(&expected)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn check(release: &str, filename: &str, expect: Option<(Severity, &str)>) {
        let fixture = Fixture::new("my-tool").official(release, "2020-01-01").upload(
            release,
            "2020-01-01",
            &[filename],
        );
        let findings = fixture.check(&FileNames);
        let found = findings.first().map(|one| (one.severity, one.message.as_str()));
        assert_eq!(found, expect, "{release} {filename}");
        assert!(findings.len() < 2);
        assert!(findings.iter().all(|one| one.files == [filename]));
    }

    #[test]
    fn names_as_builders_wrote_them_fit() {
        for filename in [
            "my_tool-1.0-py3-none-any.whl",
            "my-tool-1.0.tar.gz",
            "my.tool-1.0.0.tar.gz",
            "My_Tool-1.0.zip",
            "my-tool-1.0.tar.bz2",
            "my-tool-1.0.tgz",
            "my_tool-1.0-py2.7.egg",
            "my-tool-1.0.win32-py2.7.exe",
            "my-tool-1.0-1.noarch.rpm",
        ] {
            check("1.0", filename, None);
        }
        check("1.0rc1", "my-tool-1.0.0c1.tar.gz", None);
        check("1.0-post1", "my-tool-1.0.post1.tar.gz", None);
        check("2012.1-a~b", "my-tool-2012.1-a~b.tar.gz", None);
    }

    #[test]
    fn names_of_other_releases_are_findings() {
        let version = Some((Severity::Medium, "a file name says version 1.1"));
        for filename in [
            "my_tool-1.1-py3-none-any.whl",
            "my-tool-1.1.tar.gz",
            "my-tool-1.1.tar.bz2",
            "my_tool-1.1-py2.7.egg",
        ] {
            check("1.0", filename, version);
            check("1.00~", filename, version);
        }
        let project = Some((Severity::Medium, "a file name says project `my-tools`"));
        for filename in ["my_tools-1.0-py3-none-any.whl", "my-tools-1.0.tar.gz", "my_tools-1.0.egg"]
        {
            check("1.0", filename, project);
        }
    }

    #[test]
    fn names_that_say_nothing_are_a_note() {
        let note = Some((Severity::Note, "a file name that says no version"));
        check("1.0", "tool.whl", note);
        check("1.0", "my-tool-latest.tar.gz", note);
        check("1.0", "my-tool-1.0x~.tar.gz", note);
        check("1.0", "é.tar", note);
    }
}
