//! `foreign-file`: a file that belongs to another release.

use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct ForeignFile;

impl Rule for ForeignFile {
    fn code(&self) -> &'static str {
        "foreign-file"
    }

    fn document(&self) -> Document {
        Document {
            title: "A file of another project or release",
            what: "A file whose name says another project or version than the entry does.",
            why: "The digest of the file decides what is installed, whatever the entry is called: a \
                  reviewer reads one name and gets another's bytes.",
            remedy: "Find out who wrote the line, and write the lock again.",
            example: "`teapot-1.1-py3-none-any.whl` in the entry of teapot 1.2",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let package = entry.package;
        let usual = package
            .version
            .as_ref()
            .map(|version| format!("{}-{version}", package.project.as_str().replace('-', "_")));
        for named in &entry.named {
            if usual.as_deref().is_some_and(|usual| is_usual(&named.name, usual)) {
                continue;
            }
            // Names of no specification say nothing, and old source packages can be split in several
            // ways: one that fits is enough.
            let Ok(filename) = DistributionFilename::parse(&named.name) else { continue };
            let (name, version) = match SdistFilename::parse_for(&package.project, &named.name) {
                Ok(sdist) => (sdist.name, sdist.version),
                Err(_) => (filename.name().clone(), filename.version().clone()),
            };
            let is_same_version = match &package.version {
                // A local label may be missing in the entry, and only there.
                Some(wanted) => *wanted == version || *wanted == version.clone().without_local(),
                None => true,
            };
            if name == package.project && is_same_version {
                continue;
            }
            let message = "the file's name is that of another project or release";
            let kind = (Kind::Disagreement, Severity::High);
            let finding = Finding::new(self.code(), kind, package, message);
            let expected = finding.release();
            said.push(
                finding
                    .file(&named.name, &named.file.place)
                    .against(expected, shortened(&format!("{name} {version}")))
                    .hint("find out who wrote the line, and write the lock again"),
            );
        }
    }
}

/// Whether a name is of the form that nearly all have, so that it need not be taken apart.
fn is_usual(name: &str, usual: &str) -> bool {
    let Some(rest) = name.strip_prefix(usual) else { return false };
    matches!(rest, ".tar.gz" | ".zip") || rest.starts_with('-') && rest.ends_with(".whl")
}
