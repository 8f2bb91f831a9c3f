//! A file whose bytes were seen and are not those that the index claims.

use super::artifacts::{gather, looked_into, ours};
use super::digest_differs::Named;
use super::{Document, Rule};
use crate::dossier::{Dossier, ReleaseCase};
use crate::fact::IndexFile;
use crate::finding::{Finding, Severity};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct BytesDiffer;

impl Rule for BytesDiffer {
    fn code(&self) -> &'static str {
        "bytes-differ"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file whose bytes are not those that the index claims",
            what: "A file that was looked into (`--artifacts DIR`) and whose bytes \
                have another SHA-256 than the index says for the file of this name, high. Explained \
                where the record expects rebuilds; not repeated where the record has the digest of \
                those bytes, which is `digest-differs`.",
            why: "The copy at hand or the index is not the original. A file that changed on the way \
                into a mirror, or an index that serves different bytes to different people, looks \
                exactly like this.",
            remedy: "Download the file again from another network and compare three ways: this copy, \
                the index, the build's own log. Keep all copies.",
            example: "`high  example-tool  1.4.0  1 file(s) with other bytes than the index claims` — \
                the mirror's copy of a wheel was replaced.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let mut found = Vec::new();
        for case in ours(dossier) {
            let mut differing: Vec<&IndexFile> =
                looked_into(case).map(|(file, _)| file).filter(|file| differs(file)).collect();
            if !differing.is_empty() {
                let records = Named::of(case);
                differing.retain(|file| !is_recorded(&records, file));
            }
            if !differing.is_empty() {
                found.push(finding(self.code(), dossier, case, &differing));
            }
        }
        let message =
            |count| format!("files of {count} releases have other bytes than the index claims");
        gather(found, message, findings);
    }
}

fn differs(file: &IndexFile) -> bool {
    let seen = file.inside.as_ref().and_then(|inside| inside.sha256);
    file.sha256.zip(seen).is_some_and(|(claimed, seen)| claimed != seen)
}

/// Whether the records have exactly these bytes: then it is they that differ from the index.
fn is_recorded(records: &Named<'_>, file: &IndexFile) -> bool {
    let seen = file.inside.as_ref().and_then(|inside| inside.sha256);
    let of_this_name = records.records_of(&file.filename);
    of_this_name.iter().any(|(_, named)| named.sha256.is_some() && named.sha256 == seen)
}

fn finding(
    code: &'static str,
    dossier: &Dossier<'_>,
    case: &ReleaseCase<'_>,
    differing: &[&IndexFile],
) -> Finding {
    let message = format!("{} file(s) with other bytes than the index claims", differing.len());
    let mut finding = Finding::new(code, Severity::High, dossier.name, message)
        .versions([case.text])
        .files(differing.iter().map(|file| file.filename.as_str()))
        .next("keep this copy, download the file again from elsewhere, and compare");
    for file in differing.iter().take(4) {
        let seen = file.inside.as_ref().and_then(|inside| inside.sha256);
        for (source, digest) in [("index", file.sha256), ("the copy that was looked into", seen)] {
            if let Some(digest) = digest {
                let text = format!("{} sha256:{}", file.filename, digest.hex());
                finding = finding.evidence(source, text);
            }
        }
    }
    if !case.official.is_empty() && case.official.iter().all(|one| one.expects_rebuild) {
        finding =
            finding.explained("the source's own copy comes from a job that may have run again");
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Inside;
    use crate::record::{OfficialFile, Signature};
    use crate::rule::fixture::{Fixture, file};

    const SDIST: &str = "tool-1.0.tar.gz";

    /// As if the file with the bytes of `like` lay in the folder.
    fn seen(fixture: Fixture, like: &str) -> Fixture {
        let sha256 = file(like, "2020-01-01").sha256;
        fixture.with(|fixture| {
            fixture.facts.releases[0].files[0].inside =
                Some(Inside { sha256, ..Inside::default() });
        })
    }

    #[test]
    fn other_bytes_than_claimed_are_a_finding() {
        let fixture = Fixture::new("tool").official("1.0", "2020-01-01").upload(
            "1.0",
            "2020-01-01",
            &["sdist"],
        );
        assert_eq!(fixture.check(&BytesDiffer), []);
        assert_eq!(seen(fixture.clone(), SDIST).check(&BytesDiffer), []);
        let findings = seen(fixture.clone(), "x").check(&BytesDiffer);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::High));
        assert_eq!(findings[0].files, [SDIST]);
        assert!(findings[0].evidence[1].text.contains("sha256:7878"));
        // Nothing is claimed, so nothing differs.
        let silent =
            seen(fixture, "x").with(|fixture| fixture.facts.releases[0].files[0].sha256 = None);
        assert_eq!(silent.check(&BytesDiffer), []);
    }

    #[test]
    fn what_the_record_has_is_left_to_the_rule_about_records() {
        let named = |like: &str| OfficialFile {
            filename: SDIST.into(),
            sha256: file(like, "2020-01-01").sha256,
            size: None,
            signature: Signature::NotLooked,
        };
        let fixture = |like: &str, rebuild: bool| {
            let fixture = Fixture::new("tool")
                .official_with("1.0", |release| {
                    release.files = vec![named(like)];
                    release.expects_rebuild = rebuild;
                })
                .upload("1.0", "2020-01-01", &["sdist"]);
            seen(fixture, "x").check(&BytesDiffer)
        };
        assert_eq!(fixture("x", false), []);
        assert_eq!(fixture(SDIST, false)[0].severity, Severity::High);
        assert_eq!(fixture(SDIST, true)[0].severity, Severity::Note);
    }
}
