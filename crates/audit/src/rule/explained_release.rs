//! What was looked at and explained, for those who ask.

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement, ReleaseCase};
use crate::finding::{Finding, Severity};

/// Which judgements a reason is of.
type Wanted = fn(&Judgement) -> bool;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct ExplainedRelease;

impl Rule for ExplainedRelease {
    fn code(&self) -> &'static str {
        "explained-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "releases that no record lists today and that are explained",
            what: "With `--all` only: releases from before the records of a project begin, those that \
                were listed once and edited away, those that are listed under another name of the \
                same repository, those that only a tag explains, and those of the people to whom a \
                name was given. One line for each reason and project.",
            why: "Nothing is dropped in silence: what the report leaves out can be looked up with the \
                reason.",
            remedy: "Nothing. If an explanation is wrong, the records or a `[[custody]]` entry correct \
                it.",
            example: "`note  example-tool  0.1.0 … 0.2.3  from before the records begin`.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let reasons: [(Wanted, &str); 6] = [
            (
                |one| *one == Judgement::BeforeRecords,
                "from before the records of this project begin",
            ),
            (|one| *one == Judgement::OnceListed, "listed once, and edited away since"),
            (
                |one| matches!(one, Judgement::OtherName(_)),
                "listed under another name of the repository",
            ),
            (|one| *one == Judgement::Tagged, "a tag of the repository explains it"),
            (|one| *one == Judgement::TheirOwn, "the name is theirs, or shared, by custody"),
            (|one| *one == Judgement::Foreign, "another project's"),
        ];
        if matches!(dossier.identity, Identity::Absent | Identity::Unread) {
            return;
        }
        for (wanted, reason) in reasons {
            let cases: Vec<&ReleaseCase<'_>> =
                dossier.judged(wanted).filter(|case| case.index.is_some()).collect();
            if cases.is_empty() {
                continue;
            }
            let message = format!("{} release(s) that no record lists", cases.len());
            let mut finding = Finding::new(self.code(), Severity::Note, dossier.name, message)
                .versions(cases.iter().map(|case| case.text));
            if let Some(place) = cases.iter().find_map(|case| case.place()) {
                finding = finding.evidence(place, "for example");
            }
            findings.push(finding.next("nothing").explained(reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Known;
    use crate::rule::fixture::Fixture;

    #[test]
    fn each_reason_is_one_explained_line() {
        let fixture = Fixture::new("tool")
            .upload("0.1", "2019-01-01", &["sdist"])
            .upload("0.2", "2019-02-01", &["sdist"])
            .released("1.0", "2020-01-01")
            .official_with("1.1", |release| release.known = Known::OnceListed)
            .upload("1.1", "2020-02-01", &["sdist"]);
        let findings = fixture.check(&ExplainedRelease);
        let seen: Vec<(Vec<String>, Option<String>)> =
            findings.into_iter().map(|one| (one.versions, one.explained)).collect();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].0, ["0.1", "0.2"]);
        assert_eq!(seen[1].0, ["1.1"]);
        assert!(seen.iter().all(|(_, reason)| reason.is_some()));
    }

    #[test]
    fn what_nothing_explains_is_not_here() {
        let fixture = Fixture::new("tool").released("1.0", "2020-01-01").upload(
            "1.1",
            "2020-02-01",
            &["sdist"],
        );
        assert_eq!(fixture.check(&ExplainedRelease), []);
    }
}
