//! `release-change`: a release or a file went, or has other bytes, since the last run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity};
use crate::fact::{IndexFile, IndexRelease, Presence, ProjectFacts};
use crate::finding::{Finding, Severity};
use crate::roles::listed;

/// More gone files or releases than this are counted and not listed.
const LISTED: usize = 8;

/// See [`Rule::document`].
pub(super) struct ReleaseChange;

impl Rule for ReleaseChange {
    fn code(&self) -> &'static str {
        "release-change"
    }

    fn document(&self) -> Document {
        Document {
            title: "a release or a file went, or has other bytes, since the last run",
            what: "A file whose digest (or, without one, size) is not that of the last run: high. \
                   Releases and files that are gone: medium, all of a project in one finding. New \
                   releases are told with `--all` only; whether they should be there is what \
                   `rogue-release` and its neighbours say, and `late-file` speaks of files that came \
                   to an old release.",
            why: "An index does not let a file be replaced; if it happened, those who installed \
                  before and after run different code. What is gone breaks everybody who pinned it.",
            remedy: "For other bytes: keep a copy of both files, and tell the index. For what is \
                     gone: ask the owners who deleted it and why.",
            example: "high teapot 1.2.0: `teapot-1.2.0.tar.gz` has other bytes than in the last run",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let Some(previous) = dossier.previous else { return };
        let both = [&previous.presence, &dossier.facts.presence];
        let is_ours = matches!(dossier.identity, Identity::Ours | Identity::ByCustody);
        if both.iter().any(|it| **it != Presence::Present) || !is_ours {
            return;
        }
        let (before, after) = (files(previous), files(dossier.facts));
        for (filename, (version, file)) in &before {
            if let Some((_, now)) = after.get(filename)
                && is_replaced(file, now)
            {
                findings.push(replaced(dossier, version, file, now));
            }
        }
        // What was said to be theirs may go and come as they like, but for bytes.
        if dossier.identity == Identity::Ours {
            findings.extend(gone(dossier, previous, &before, &after));
        }
        findings.extend(new_releases(dossier, previous));
    }
}

type Files<'a> = BTreeMap<&'a str, (&'a str, &'a IndexFile)>;

/// By name: an index has a name once in a project.
fn files(facts: &ProjectFacts) -> Files<'_> {
    let files = facts.releases.iter().flat_map(|release| {
        release.files.iter().map(|file| (file.filename.as_str(), (release.version.as_str(), file)))
    });
    files.collect()
}

fn is_replaced(before: &IndexFile, after: &IndexFile) -> bool {
    match (before.sha256, after.sha256) {
        (Some(before), Some(after)) => before != after,
        _ => matches!((before.size, after.size), (Some(before), Some(after)) if before != after),
    }
}

fn replaced(
    dossier: &Dossier<'_>,
    version: &str,
    before: &IndexFile,
    after: &IndexFile,
) -> Finding {
    let describe = |file: &IndexFile| {
        let digest = file.sha256.map_or_else(|| "no digest".to_owned(), |it| it.to_string());
        let size = file.size.map_or_else(|| "no size".to_owned(), |size| format!("{size} bytes"));
        format!("{digest}, {size}")
    };
    let message = format!("`{}` has other bytes than in the last run", before.filename);
    Finding::new("release-change", Severity::High, dossier.name, message)
        .versions([version])
        .files([before.filename.as_str()])
        .evidence("last run", describe(before))
        .evidence("index", describe(after))
        .next("keep both files, tell those who installed it, and ask the index how it came")
}

fn gone(
    dossier: &Dossier<'_>,
    previous: &ProjectFacts,
    before: &Files<'_>,
    after: &Files<'_>,
) -> Option<Finding> {
    let there: BTreeSet<&str> =
        dossier.facts.releases.iter().map(|release| release.version.as_str()).collect();
    let releases: Vec<&str> = previous
        .releases
        .iter()
        .map(|release| release.version.as_str())
        .filter(|version| !there.contains(version))
        .collect();
    let files: Vec<(&str, &str)> = before
        .iter()
        .filter(|(filename, _)| !after.contains_key(*filename))
        .map(|(filename, (version, _))| (*filename, *version))
        .collect();
    // A release without a file that goes takes nothing with it, and one whose files are there under
    // another spelling of the version is not gone.
    if files.is_empty() {
        return None;
    }
    let from_kept = files.iter().filter(|(_, version)| there.contains(version));
    let single: Vec<&str> = from_kept.map(|(filename, _)| *filename).collect();
    let with_files: BTreeSet<&str> = files.iter().map(|(_, version)| *version).collect();
    let releases: Vec<&str> =
        releases.into_iter().filter(|release| with_files.contains(release)).collect();
    let mut phrases = Vec::new();
    phrases.extend(phrase("release", &releases));
    phrases.extend(phrase("file", &single));
    let verb = if releases.len() + single.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} gone since the last run", phrases.join(" and "));
    let mut finding = Finding::new("release-change", Severity::Medium, dossier.name, message)
        .versions(releases.iter().copied())
        .files(files.iter().map(|(filename, _)| *filename))
        .evidence("last run", format!("{} files in all", before.len()))
        .evidence("index", format!("{} files in all", after.len()))
        .next("ask the owners who deleted it and why; keep a copy if somebody has one");
    if !dossier.facts.unusable.is_empty() {
        let count = dossier.facts.unusable.len();
        let text = format!("{count} entries of its answer could not be used, and may be these");
        finding = finding.evidence("index", text);
    }
    Some(finding)
}

fn phrase(what: &str, names: &[&str]) -> Option<String> {
    match names.len() {
        0 => None,
        1 => Some(format!("the {what} `{}`", names[0])),
        2..=LISTED => Some(format!("the {what}s {}", listed(names.iter().copied()))),
        count => Some(format!("{count} {what}s")),
    }
}

fn new_releases(dossier: &Dossier<'_>, previous: &ProjectFacts) -> Option<Finding> {
    let known: BTreeSet<&str> = previous.releases.iter().map(|it| it.version.as_str()).collect();
    let is_new = |release: &&IndexRelease| !known.contains(release.version.as_str());
    let versions: Vec<&str> =
        dossier.facts.releases.iter().filter(is_new).map(|it| it.version.as_str()).collect();
    if versions.is_empty() {
        return None;
    }
    let message = format!("released since the last run: {}", versions.join(", "));
    let finding = Finding::new("release-change", Severity::Note, dossier.name, message)
        .versions(versions)
        .evidence(
            "index",
            format!("{} releases, before {}", dossier.facts.releases.len(), known.len()),
        )
        .explained("new releases are judged by other rules");
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::fixture::{World, release};

    fn world(before: Vec<IndexRelease>, after: Vec<IndexRelease>) -> World {
        let mut world = World::of("teapot", "Owner:ci");
        let mut previous = world.projects[0].facts.clone();
        previous.releases = before;
        world.projects[0].facts.releases = after;
        world.projects[0].previous = Some(previous);
        world
    }

    #[track_caller]
    fn check(before: Vec<IndexRelease>, after: Vec<IndexRelease>, expect: &[&str]) {
        assert_eq!(world(before, after).lines(&ReleaseChange), expect);
    }

    #[test]
    fn other_bytes_are_found() {
        let with = |digest| vec![release("1.0", &[("teapot-1.0.tar.gz", digest)])];
        check(with(1), with(1), &[]);
        let expect = ["high teapot: `teapot-1.0.tar.gz` has other bytes than in the last run"];
        check(with(1), with(2), &expect);
        // Without a digest on one side the size decides.
        let mut no_digest = with(2);
        no_digest[0].files[0].sha256 = None;
        check(with(1), no_digest.clone(), &[]);
        no_digest[0].files[0].size = Some(999);
        check(with(1), no_digest.clone(), &expect);
        no_digest[0].files[0].size = None;
        check(with(1), no_digest, &[]);
        // The same bytes under another spelling of the version.
        let mut respelled = with(1);
        respelled[0].version = "1.0.0".into();
        check(with(1), respelled, &["note teapot: released since the last run: 1.0.0"]);
    }

    #[test]
    fn what_is_gone_is_one_finding() {
        let sdist = |version: &str| release(version, &[(&format!("teapot-{version}.tar.gz"), 1)]);
        let both = release("1.0", &[("teapot-1.0.tar.gz", 1), ("teapot-1.0-py3-none-any.whl", 2)]);
        check(
            vec![both.clone()],
            vec![sdist("1.0")],
            &["medium teapot: the file `teapot-1.0-py3-none-any.whl` is gone since the last run"],
        );
        check(
            vec![sdist("1.0"), sdist("2.0")],
            vec![sdist("1.0")],
            &["medium teapot: the release `2.0` is gone since the last run"],
        );
        check(
            vec![both.clone(), sdist("2.0"), sdist("3.0")],
            vec![sdist("1.0")],
            &["medium teapot: the releases `2.0` and `3.0` and the file \
               `teapot-1.0-py3-none-any.whl` are gone since the last run"],
        );
        // A placeholder that goes, and a file that comes to an old release: other rules.
        check(vec![sdist("1.0"), release("2.0", &[])], vec![sdist("1.0")], &[]);
        check(vec![sdist("1.0")], vec![both], &[]);
        let many: Vec<IndexRelease> = (1..=9).map(|it| sdist(&format!("{it}.0"))).collect();
        check(many, Vec::new(), &["medium teapot: 9 releases are gone since the last run"]);
    }

    #[test]
    fn half_an_answer_is_said() {
        let before = vec![release("1.0", &[("teapot-1.0.tar.gz", 1)])];
        let mut world = world(before, Vec::new());
        assert_eq!(world.check(&ReleaseChange)[0].evidence.len(), 2);
        world.projects[0].facts.unusable = vec!["teapot-x".into()];
        assert_eq!(world.check(&ReleaseChange)[0].evidence.len(), 3);
    }

    #[test]
    fn a_project_that_is_not_there_says_nothing() {
        let releases = |digest| vec![release("1.0", &[("teapot-1.0.tar.gz", digest)])];
        for change in [
            (|world| world.projects[0].facts.presence = Presence::Absent) as fn(&mut World),
            |world| world.projects[0].facts.presence = Presence::Unread("500".into()),
            |world| world.projects[0].previous.as_mut().unwrap().presence = Presence::Absent,
            |world| world.projects[0].previous = None,
            |world| world.projects[0].identity = Identity::Foreign { reason: "x".into() },
        ] {
            let mut world = world(releases(1), releases(2));
            assert_eq!(world.check(&ReleaseChange).len(), 1);
            change(&mut world);
            assert_eq!(world.check(&ReleaseChange), []);
        }
        // Given away: what they delete is theirs, other bytes are everybody's business.
        let mut world = world(releases(1), releases(2));
        world.projects[0].identity = Identity::ByCustody;
        assert_eq!(world.check(&ReleaseChange).len(), 1);
        world.projects[0].facts.releases.clear();
        assert_eq!(world.check(&ReleaseChange), []);
    }
}
