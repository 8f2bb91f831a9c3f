//! A file on the index that is not, byte for byte, the one that the record names.

use std::collections::HashMap;

use super::artifacts::{gather, index_files, ours};
use super::rogue_file::plain_name;
use super::{Document, Rule};
use crate::dossier::{Dossier, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::record::{OfficialFile, OfficialRelease};
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct DigestDiffers;

impl Rule for DigestDiffers {
    fn code(&self) -> &'static str {
        "digest-differs"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file on the index with another digest than the record's",
            what: "A file whose SHA-256 on the index is not the one that a checksum list, an artifact \
                host, a forge or a table has for the file of this name, high. Where the source says \
                that jobs are run again (`rebuilds` is `expected`), it is explained and shown with \
                `--all`. More than five releases of one project are one line.",
            why: "Two files of one name with different bytes: one of them is not what was released, \
                and everybody who installs gets the index's.",
            remedy: "Unpack both and compare them. If the difference is only times and order, find \
                the job that ran twice and say so in the record. If not, yank the file and follow \
                `countermark incident`.",
            example: "`high  example-tool  1.4.0  1 file(s) with another digest than the record's` — \
                the source distribution was replaced between the build and the upload.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let mut found = Vec::new();
        for case in ours(dossier) {
            let differing = differing(case);
            if let Some(finding) = finding(self.code(), dossier, case, &differing) {
                found.push(finding);
            }
        }
        let message =
            |count| format!("files of {count} releases have other digests than the record's");
        gather(found, message, findings);
    }
}

/// A file of the index and a record of it that disagree.
struct Difference<'a> {
    filename: &'a str,
    index: String,
    record: String,
    place: &'a str,
    expects_rebuild: bool,
}

fn differing<'a>(case: &ReleaseCase<'a>) -> Vec<Difference<'a>> {
    let mut differing = Vec::new();
    let records = Named::of(case);
    for file in index_files(case) {
        let Some(index) = file.sha256 else { continue };
        for (release, named) in records.records_of(&file.filename) {
            if let Some(record) = named.sha256.filter(|record| *record != index) {
                differing.push(Difference {
                    filename: &file.filename,
                    index: index.hex(),
                    record: record.hex(),
                    place: release.place.as_deref().unwrap_or("records"),
                    expects_rebuild: release.expects_rebuild,
                });
            }
        }
    }
    differing
}

/// What the records say of files, by name: a release may have very many.
pub(super) struct Named<'a>(HashMap<String, Vec<(&'a OfficialRelease, &'a OfficialFile)>>);

impl<'a> Named<'a> {
    pub(super) fn of(case: &ReleaseCase<'a>) -> Self {
        let mut named: HashMap<String, Vec<_>> = HashMap::new();
        for release in case.official.iter().copied() {
            for file in &release.files {
                named.entry(plain_name(&file.filename)).or_default().push((release, file));
            }
        }
        Self(named)
    }

    /// What they say of the file of this name.
    pub(super) fn records_of(&self, filename: &str) -> &[(&'a OfficialRelease, &'a OfficialFile)] {
        // Most records name no files.
        if self.0.is_empty() {
            return &[];
        }
        self.0.get(&plain_name(filename)).map_or(&[], Vec::as_slice)
    }
}

fn finding(
    code: &'static str,
    dossier: &Dossier<'_>,
    case: &ReleaseCase<'_>,
    differing: &[Difference<'_>],
) -> Option<Finding> {
    // Where one record expects a rebuild and another one does not, the strict one counts.
    let is_explained = differing.iter().all(|difference| difference.expects_rebuild);
    let counted: Vec<_> =
        differing.iter().filter(|one| is_explained || !one.expects_rebuild).collect();
    let mut files: Vec<&str> = counted.iter().map(|one| one.filename).collect();
    files.dedup();
    if files.is_empty() {
        return None;
    }
    let message = format!("{} file(s) with another digest than the record's", files.len());
    let mut finding = Finding::new(code, Severity::High, dossier.name, message)
        .versions([case.text])
        .files(files.iter().copied())
        .next("unpack both files and compare them; yank the one on the index if it is not ours");
    for one in counted.iter().take(4) {
        finding = finding
            .evidence(one.place, format!("{} sha256:{}", one.filename, one.record))
            .evidence("index", format!("{} sha256:{}", one.filename, one.index));
    }
    if is_explained {
        let place = counted.first().map_or("records", |one| one.place);
        finding = finding
            .evidence(place, format!("a rebuild is expected of {}", list(&files)))
            .explained("the source's own copy comes from a job that may have run again");
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Signature;
    use crate::rule::fixture::{Fixture, file};

    fn recorded(filename: &str, like: &str) -> OfficialFile {
        let sha256 = file(like, "2020-01-01").sha256;
        OfficialFile {
            filename: filename.into(),
            sha256,
            size: None,
            signature: Signature::NotLooked,
        }
    }

    fn fixture(files: Vec<OfficialFile>, expects_rebuild: bool) -> Fixture {
        Fixture::new("my-tool")
            .official_with("1.0", |release| {
                release.files = files;
                release.expects_rebuild = expects_rebuild;
            })
            .upload("1.0", "2020-01-01", &["sdist", "wheel"])
    }

    const SDIST: &str = "my_tool-1.0.tar.gz";

    #[test]
    fn the_same_digest_is_no_finding_and_another_one_is() {
        assert_eq!(fixture(vec![recorded(SDIST, SDIST)], false).check(&DigestDiffers), []);
        // The name of the file is compared as builders spell it.
        let spelled = recorded("my-tool-1.0.tar.gz", SDIST);
        assert_eq!(fixture(vec![spelled], false).check(&DigestDiffers), []);

        let findings = fixture(vec![recorded(SDIST, "x")], false).check(&DigestDiffers);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::High);
        assert_eq!(
            (&findings[0].versions[..], &findings[0].files[..]),
            (&["1.0".to_owned()][..], &[SDIST.to_owned()][..])
        );
        assert!(findings[0].evidence[0].text.starts_with(&format!("{SDIST} sha256:7878")));
        assert_eq!(findings[0].evidence[1].source, "index");
    }

    #[test]
    fn without_a_digest_on_one_side_nothing_is_compared() {
        let unknown = OfficialFile { sha256: None, ..recorded(SDIST, SDIST) };
        assert_eq!(fixture(vec![unknown], false).check(&DigestDiffers), []);
        let silent = fixture(vec![recorded(SDIST, "x")], false)
            .with(|fixture| fixture.facts.releases[0].files[0].sha256 = None);
        assert_eq!(silent.check(&DigestDiffers), []);
        let other = recorded("my_tool-1.0.zip", "x");
        assert_eq!(fixture(vec![other], false).check(&DigestDiffers), []);
    }

    #[test]
    fn an_expected_rebuild_explains_it_unless_another_record_is_strict() {
        let rebuilt = fixture(vec![recorded(SDIST, "x")], true);
        let findings = rebuilt.check(&DigestDiffers);
        assert_eq!(findings[0].severity, Severity::Note);
        assert!(findings[0].explained.is_some());
        let both =
            rebuilt.official_with("1.0", |release| release.files = vec![recorded(SDIST, "y")]);
        let findings = both.check(&DigestDiffers);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::High));
        assert!(!findings[0].evidence.iter().any(|one| one.text.contains("sha256:7878")));
    }

    #[test]
    fn what_all_releases_have_is_one_finding() {
        let many = (0..6).fold(Fixture::new("tool"), |fixture, minor| {
            let version = format!("1.{minor}");
            let name = format!("tool-{version}.tar.gz");
            fixture
                .official_with(&version, |release| release.files = vec![recorded(&name, "x")])
                .upload(&version, "2020-01-01", &["sdist"])
        });
        let findings = many.check(&DigestDiffers);
        assert_eq!((findings.len(), findings[0].versions.len()), (1, 6));
        let few = many.with(|fixture| drop(fixture.facts.releases.pop()));
        assert_eq!(few.check(&DigestDiffers).len(), 5);
    }
}
