//! Signatures on the publisher's own host that are bad, missing, or could not be checked.

use std::collections::BTreeSet;

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use super::artifacts::{gather, ours};
use super::{Document, Rule};
use crate::dossier::{Dossier, Overview, ReleaseCase};
use crate::fact::Presence;
use crate::finding::{Finding, Severity};
use crate::record::{OfficialFile, OfficialRelease, ProjectRecords, Records, Signature};
use crate::rule::words::{day, list};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct BadSignature;

impl Rule for BadSignature {
    fn code(&self) -> &'static str {
        "bad-signature"
    }

    fn document(&self) -> Document {
        Document {
            title: "a signature that is bad, missing, or cannot be checked",
            what: "A file of the records whose OpenPGP signature is refused, high: by an unknown \
                key, one that was not valid then, is revoked or too short, over SHA-1, or of other \
                bytes. Medium when only the signature's date does not fit the release. A file \
                without a signature where its source has some, medium, one line a project; older \
                ones than the first signature are explained. Signatures that could not be checked, \
                one low line for all.",
            why: "The signature is the only word about the bytes that does not come through the \
                index's account. Who replaces a file on the host and cannot sign leaves this trace.",
            remedy: "Ask whoever keeps the keys what signed it. A key that is new or was extended \
                goes into the keys that are given, with its days; anything else is an incident. For \
                unchecked ones, use a build with the feature `openpgp` and give the keys.",
            example: "`high  example-tool  1.4.0  1 signature(s) refused: wrong-bytes` — the tarball \
                beside the signature was replaced.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let found = ours(dossier).filter_map(|case| refused(self.code(), dossier, case)).collect();
        gather(found, |count| format!("signatures of {count} releases are refused"), findings);
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let records = overview.context.records;
        let first = first_signed(records.projects.values());
        let is_there = |name: &ProjectName| {
            let summary = overview.projects.get(name);
            summary.is_some_and(|summary| summary.presence == Presence::Present)
        };
        for (name, project) in records.projects.iter().filter(|(name, _)| is_there(name)) {
            unsigned(self.code(), name, project, first, findings);
        }
        findings.extend(unchecked(self.code(), records, is_there));
    }
}

/// Refusals for the signature's date alone: its key and its bytes are good.
const ONLY_THE_DATE: [&str; 2] = ["from-the-future", "signature-expired"];

fn refused(code: &'static str, dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> Option<Finding> {
    let mut files = BTreeSet::new();
    let mut codes = BTreeSet::new();
    let mut evidence = Vec::new();
    for release in &case.official {
        for file in &release.files {
            if let Signature::Bad { code, reason } = &file.signature {
                files.insert(&*file.filename);
                codes.insert(*code);
                let place = release.place.as_deref().unwrap_or("records");
                evidence.push((place, format!("{}: {reason}", file.filename)));
            }
        }
    }
    if files.is_empty() {
        return None;
    }
    let is_mild = codes.iter().all(|code| ONLY_THE_DATE.contains(code));
    let severity = if is_mild { Severity::Medium } else { Severity::High };
    let codes: Vec<&str> = codes.into_iter().collect();
    let message = format!("{} signature(s) refused: {}", files.len(), list(&codes));
    let mut finding = Finding::new(code, severity, dossier.name, message)
        .versions([case.text])
        .files(files)
        .next("ask who keeps the keys what signed it; until then take the file for replaced");
    for (place, text) in evidence.into_iter().take(4) {
        finding = finding.evidence(place, text);
    }
    Some(finding)
}

fn is_signed(release: &&OfficialRelease) -> bool {
    release.files.iter().any(|file| match file.signature {
        Signature::Good { .. } | Signature::Bad { .. } | Signature::Unchecked { .. } => true,
        Signature::NotLooked | Signature::Missing => false,
    })
}

fn lacks(release: &OfficialRelease) -> impl Iterator<Item = &OfficialFile> {
    release.files.iter().filter(|file| file.signature == Signature::Missing)
}

/// When signing began.
fn first_signed<'a>(projects: impl Iterator<Item = &'a ProjectRecords>) -> Option<Timestamp> {
    let signed = projects.flat_map(|project| &project.releases).filter(is_signed);
    signed.filter_map(|release| release.approved).min()
}

/// Files without a signature: those from before signing began are explained.
fn unsigned(
    code: &'static str,
    name: &ProjectName,
    project: &ProjectRecords,
    first_of_all: Option<Timestamp>,
    findings: &mut Vec<Finding>,
) {
    let first = first_signed(std::iter::once(project)).or(first_of_all);
    let has_signed = project.releases.iter().any(|release| is_signed(&release));
    let lacking = project.releases.iter().filter(|release| lacks(release).next().is_some());
    let (old, counted): (Vec<&OfficialRelease>, Vec<&OfficialRelease>) =
        lacking.partition(|release| match release.approved.zip(first) {
            Some((approved, first)) => approved < first,
            // Without a date it is only known to be late where others of the project are signed.
            None => !has_signed,
        });
    for (releases, is_old) in [(counted, false), (old, true)] {
        if releases.is_empty() {
            continue;
        }
        let files: Vec<&str> =
            releases.iter().flat_map(|one| lacks(one)).map(|file| &*file.filename).collect();
        let message = format!("{} file(s) without a signature", files.len());
        let place = releases.iter().find_map(|one| one.place.as_deref()).unwrap_or("records");
        let mut finding = Finding::new(code, Severity::Medium, name, message)
            .versions(releases.iter().map(|release| &*release.version))
            .files(files.iter().copied())
            .evidence(place, format!("has no signature beside {}", list(&files)))
            .next("find out why the job did not sign; compare the bytes with the index's");
        if let Some(first) = first {
            finding = finding.evidence("records", format!("signed since {}", day(first)));
        }
        if is_old {
            finding = finding.explained("from before the first signature");
        }
        findings.push(finding);
    }
}

/// One line for everything that could not be checked.
fn unchecked(
    code: &'static str,
    records: &Records,
    is_there: impl Fn(&ProjectName) -> bool,
) -> Option<Finding> {
    let mut reasons: BTreeSet<&str> = BTreeSet::new();
    let mut projects: BTreeSet<&ProjectName> = BTreeSet::new();
    let mut count = 0_usize;
    for (name, project) in records.projects.iter().filter(|(name, _)| is_there(name)) {
        for file in project.releases.iter().flat_map(|release| &release.files) {
            if let Signature::Unchecked { reason } = &file.signature {
                reasons.insert(reason);
                projects.insert(name);
                count += 1;
            }
        }
    }
    let first = *projects.first()?;
    let message = format!("{count} signature(s) were not checked");
    let mut finding = Finding::new(code, Severity::Low, first, message)
        .next("use a build with OpenPGP, and give the keys with which the files are signed");
    finding.projects = projects.into_iter().cloned().collect();
    for reason in reasons.into_iter().take(4) {
        finding = finding.evidence("records", reason);
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::{Fixture, at};

    fn bad(code: &'static str) -> Signature {
        Signature::Bad { code, reason: format!("because of {code}") }
    }

    fn good() -> Signature {
        Signature::Good { signer: "ab".repeat(20) }
    }

    fn unchecked() -> Signature {
        Signature::Unchecked { reason: "no keys".to_owned() }
    }

    /// With one release a year from 2020 on, each with one file that is signed like this.
    fn fixture(project: &str, signatures: &[Signature]) -> Fixture {
        let years = 2020..;
        signatures.iter().zip(years).fold(Fixture::new(project), |fixture, (signature, year)| {
            let version = format!("{year}.0");
            let file = OfficialFile {
                filename: format!("{project}-{version}.tar.gz").into(),
                sha256: None,
                size: None,
                signature: signature.clone(),
            };
            let day = format!("{year}-01-01");
            fixture
                .official_with(&version, |release| {
                    release.approved = Some(at(&day));
                    release.files = vec![file];
                })
                .upload(&version, &day, &["sdist"])
        })
    }

    fn all(fixture: &Fixture) -> Vec<(Severity, String, usize)> {
        let mut findings = fixture.check(&BadSignature);
        findings.extend(Fixture::check_federation(std::slice::from_ref(fixture), &BadSignature));
        let short = |one: Finding| (one.severity, one.message, one.versions.len());
        findings.into_iter().map(short).collect()
    }

    #[test]
    fn good_signatures_and_none_asked_for_are_no_finding() {
        assert_eq!(all(&fixture("tool", &[good(), Signature::NotLooked, good()])), []);
    }

    #[test]
    fn a_refused_signature_is_a_finding_by_its_reason() {
        let one = fixture("tool", &[good(), bad("wrong-bytes")]);
        let expect = "1 signature(s) refused: wrong-bytes".to_owned();
        assert_eq!(all(&one), [(Severity::High, expect, 1)]);
        let evidence = &one.check(&BadSignature)[0].evidence[0];
        assert_eq!(evidence.text, "tool-2021.0.tar.gz: because of wrong-bytes");
        let late = fixture("tool", &[bad("from-the-future")]);
        let expect = "1 signature(s) refused: from-the-future".to_owned();
        assert_eq!(all(&late), [(Severity::Medium, expect, 1)]);
        let many = fixture("tool", &vec![bad("sha1"); 7]);
        let expect = "signatures of 7 releases are refused".to_owned();
        assert_eq!(all(&many), [(Severity::High, expect, 7)]);
    }

    #[test]
    fn what_is_not_signed_since_signing_began_is_one_line() {
        let missing = Signature::Missing;
        let mixed = fixture("tool", &[missing.clone(), good(), missing.clone(), missing.clone()]);
        assert_eq!(
            all(&mixed),
            [
                (Severity::Medium, "2 file(s) without a signature".to_owned(), 2),
                (Severity::Note, "1 file(s) without a signature".to_owned(), 1)
            ]
        );
        // Signed elsewhere in the federation, from the second year on, and never here.
        let never = fixture("other", &[missing.clone(), missing.clone()]);
        let both = fixture("tool", &[Signature::NotLooked, good()]).with(|fixture| {
            fixture.records.projects.extend(never.records.projects.clone());
        });
        let found = Fixture::check_federation(&[both, never], &BadSignature);
        let found: Vec<_> =
            found.iter().map(|one| (one.severity, one.versions.join(" "))).collect();
        assert_eq!(
            found,
            [(Severity::Medium, "2021.0".to_owned()), (Severity::Note, "2020.0".to_owned())]
        );
    }

    #[test]
    fn what_was_not_checked_is_one_line_for_all() {
        let second = fixture("other", &[unchecked()]);
        let first = fixture("tool", &[unchecked(), unchecked()]).with(|fixture| {
            fixture.records.projects.extend(second.records.projects.clone());
        });
        let found = Fixture::check_federation(&[first, second], &BadSignature);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "3 signature(s) were not checked");
        assert_eq!((found[0].severity, found[0].projects.len()), (Severity::Low, 2));
        assert_eq!(found[0].evidence[0].text, "no keys");
    }
}
