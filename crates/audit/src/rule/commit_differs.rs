//! An artifact that says it was built from another commit than the approved one.

use super::artifacts::{gather, looked_into, ours};
use super::{Document, Rule};
use crate::dossier::{Dossier, ReleaseCase};
use crate::fact::{IndexFile, Inside};
use crate::finding::{Finding, Severity};
use crate::record::Commit;
use crate::rule::words::list;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct CommitDiffers;

impl Rule for CommitDiffers {
    fn code(&self) -> &'static str {
        "commit-differs"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file that was built from another commit than the approved one",
            what: "A file that was looked into (`--artifacts DIR`) and that names a \
                git commit (`pbr.json`, `direct_url.json`) which is none of the commits that the \
                records have for this release, high. A release without a commit in the records, and \
                a file that names none, are not judged.",
            why: "What was reviewed is not what was built. Whoever builds by hand from another tree \
                leaves this trace without noticing; whoever wants to hide can forge it, so a commit \
                that agrees proves nothing.",
            remedy: "Compare the file with one built from the approved commit. If somebody built it \
                by hand, yank it and let the job make it; otherwise follow `countermark incident`.",
            example: "`high  example-tool  1.4.0  built from commit 77c0a1b, and 1ab2c3d was \
                approved` — the wheel was uploaded from a developer's machine.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let mut found = Vec::new();
        for case in ours(dossier) {
            let approved: Vec<Commit> = case.official.iter().filter_map(|one| one.commit).collect();
            if approved.is_empty() {
                continue;
            }
            let differing: Vec<_> = looked_into(case)
                .filter(|(_, inside)| {
                    let commit = inside.commit.as_deref();
                    commit.is_some_and(|commit| !approved.iter().any(|one| one.matches(commit)))
                })
                .collect();
            if !differing.is_empty() {
                found.push(finding(self.code(), dossier, case, &approved, &differing));
            }
        }
        let message = |count| format!("files of {count} releases were built from other commits");
        gather(found, message, findings);
    }
}

fn finding(
    code: &'static str,
    dossier: &Dossier<'_>,
    case: &ReleaseCase<'_>,
    approved: &[Commit],
    differing: &[(&IndexFile, &Inside)],
) -> Finding {
    let short = |text: &str| text.chars().take(12).collect::<String>();
    let mut built: Vec<String> =
        differing.iter().filter_map(|(_, inside)| inside.commit.as_deref().map(short)).collect();
    built.dedup();
    let mut wanted: Vec<String> = approved.iter().map(|one| short(&one.to_string())).collect();
    wanted.dedup();
    let message = format!("built from commit {}, and {} was approved", list(&built), list(&wanted));
    let mut finding = Finding::new(code, Severity::High, dossier.name, message)
        .versions([case.text])
        .files(differing.iter().map(|(file, _)| file.filename.as_str()))
        .evidence(case.place().unwrap_or("records"), format!("approved {}", approved[0]))
        .next("compare the file with one that is built from the approved commit");
    for (file, inside) in differing.iter().take(4) {
        let from = inside.commit_from.as_deref().unwrap_or("its metadata");
        let commit = inside.commit.as_deref().unwrap_or_default();
        finding = finding.evidence(format!("{}, {from}", file.filename), format!("says {commit}"));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    const APPROVED: &str = "1ab2c3d4e5f60718293a4b5c6d7e8f9012345678";

    fn fixture(recorded: Option<&str>, says: Option<&str>) -> Fixture {
        Fixture::new("tool")
            .official_with("1.0", |release| release.commit = recorded.and_then(Commit::parse))
            .upload("1.0", "2020-01-01", &["sdist", "wheel"])
            .with(|fixture| {
                fixture.facts.releases[0].files[1].inside = Some(Inside {
                    commit: says.map(str::to_owned),
                    commit_from: Some("tool-1.0.dist-info/pbr.json".to_owned()),
                    ..Inside::default()
                });
            })
    }

    #[test]
    fn the_approved_commit_also_shortened_is_no_finding() {
        for says in [None, Some(APPROVED), Some("1ab2c3d"), Some("1AB2C3D4")] {
            assert_eq!(fixture(Some(APPROVED), says).check(&CommitDiffers), [], "{says:?}");
        }
        assert_eq!(fixture(None, Some("77c0a1b")).check(&CommitDiffers), []);
    }

    #[test]
    fn another_commit_is_a_finding_unless_some_record_has_it() {
        let differs = fixture(Some(APPROVED), Some("77c0a1b"));
        let findings = differs.check(&CommitDiffers);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::High));
        assert_eq!(findings[0].message, "built from commit 77c0a1b, and 1ab2c3d4e5f6 was approved");
        assert_eq!(findings[0].files, ["tool-1.0-py3-none-any.whl"]);
        assert!(findings[0].evidence[1].source.ends_with("pbr.json"));
        let tagged = differs.official_with("1.0", |release| {
            release.commit = Commit::parse(&APPROVED.replace("1ab2c3d", "77c0a1b"));
        });
        assert_eq!(tagged.check(&CommitDiffers), []);
        // Six digits are no name of a commit.
        assert_eq!(fixture(Some(APPROVED), Some("1ab2c3")).check(&CommitDiffers).len(), 1);
    }
}
