//! What a release job that stopped half-way has published.

use std::collections::BTreeSet;

use countermark_packaging::name::ProjectName;

use super::{Item, Page, Unknown, find_project, find_release};
use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::fact::{FileKind, IndexRelease};
use crate::record::OfficialRelease;
use crate::roles::today;

/// So many releases before this one tell which files the project usually has.
const USUAL: usize = 10;

/// What became of one release of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// With the kinds of files that others of the project have and it has not.
    Half(Vec<FileKind>),
    Missing,
}

/// The page about a job that should have published a release, and those that were approved with it.
///
/// # Errors
/// When the project or the release is not known.
pub fn failed_job(
    dossiers: &[Dossier<'_>],
    project: &ProjectName,
    version: &str,
) -> Result<Page, Unknown> {
    let dossier = find_project(dossiers, project)?;
    let case = find_release(dossier, version)?;
    let batch = batch(dossiers, dossier, case);
    let mut page = Page::new(format!("What of {project} {} is published", case.text));
    let mut known = vec![Item::Point(describe(dossier, case))];
    if case.official.is_empty() {
        let text = "The records do not list it, so that nothing is known of what was approved with \
                    it; `countermark incident PROJECT VERSION` is for a release that nobody made.";
        known.push(Item::Sentence(text.to_owned()));
    }
    page.add("This release", known);
    let others: Vec<&(&Dossier<'_>, &ReleaseCase<'_>)> =
        batch.iter().filter(|(other, _)| other.name != dossier.name).collect();
    let lines = others.iter().map(|(dossier, case)| Item::Point(describe(dossier, case)));
    page.add("Approved with it", lines.collect());
    page.add("What to do", tasks(dossier, case, &others));
    Ok(page)
}

fn describe(dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> String {
    let name = format!("{} {}", dossier.name, case.text);
    let files: Vec<&str> = case
        .index
        .iter()
        .flat_map(|release| &release.files)
        .map(|file| file.filename.as_str())
        .collect();
    match state(dossier, case) {
        State::Whole => format!("{name}: published whole ({})", files.join(", ")),
        State::Half(kinds) => {
            format!("{name}: half published, without {} ({})", words(&kinds), files.join(", "))
        }
        State::Missing if case.index.is_some() => format!("{name}: registered, without any file"),
        State::Missing => format!("{name}: not published"),
    }
}

fn words(kinds: &[FileKind]) -> String {
    let words: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            FileKind::Sdist => "the source distribution",
            FileKind::Wheel => "the wheel",
            FileKind::Other => "other files",
        })
        .collect();
    words.join(" and ")
}

fn state(dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> State {
    let Some(release) = case.index.filter(|release| !release.files.is_empty()) else {
        return State::Missing;
    };
    let missing: Vec<FileKind> =
        usual(dossier, case).into_iter().filter(|kind| !release.has(*kind)).collect();
    // The files that the record names count too, whatever others have.
    let named = case.official.iter().flat_map(|official| &official.files);
    let kinds: BTreeSet<FileKind> = named
        .filter(|file| !release.files.iter().any(|it| *it.filename == *file.filename))
        .map(|file| FileKind::of(&file.filename))
        .chain(missing)
        .collect();
    if kinds.is_empty() { State::Whole } else { State::Half(kinds.into_iter().collect()) }
}

/// The kinds of files that most of the official releases before it have.
fn usual(dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> Vec<FileKind> {
    let others: Vec<&IndexRelease> = dossier
        .releases
        .iter()
        .filter(|it| it.judgement == Judgement::Official && it.text != case.text)
        .filter_map(|it| it.index.filter(|release| !release.files.is_empty()))
        .collect();
    let others = &others[others.len().saturating_sub(USUAL)..];
    let most = |kind: &FileKind| {
        let with = others.iter().filter(|release| release.has(*kind)).count();
        with * 2 > others.len()
    };
    [FileKind::Sdist, FileKind::Wheel].into_iter().filter(most).collect()
}

/// Releases that were approved together: the same day and the same file of the records, or the same
/// commit.
fn batch<'a, 'b>(
    dossiers: &'b [Dossier<'a>],
    dossier: &'b Dossier<'a>,
    case: &'b ReleaseCase<'a>,
) -> Vec<(&'b Dossier<'a>, &'b ReleaseCase<'a>)> {
    let file = |release: &OfficialRelease| {
        release.place.as_deref().map(|it| it.rsplit_once(':').map_or(it, |it| it.0).to_owned())
    };
    let together = |a: &OfficialRelease, b: &OfficialRelease| {
        let same_day = a.approved.map(today).is_some_and(|day| b.approved.map(today) == Some(day));
        let same_commit = a.commit.is_some() && a.commit == b.commit;
        let same_unit = file(a).is_some_and(|it| file(b) == Some(it)) && a.version == b.version;
        same_day || same_commit || same_unit
    };
    let mut batch = Vec::new();
    for other in dossiers.iter().filter(|other| other.name != dossier.name) {
        let releases = other.releases.iter().filter(|release| {
            release.official.iter().any(|b| case.official.iter().any(|a| together(a, b)))
        });
        batch.extend(releases.map(|release| (other, release)));
    }
    batch
}

fn tasks(
    dossier: &Dossier<'_>,
    case: &ReleaseCase<'_>,
    others: &[&(&Dossier<'_>, &ReleaseCase<'_>)],
) -> Vec<Item> {
    let of_others = others.iter().filter(|(dossier, case)| state(dossier, case) != State::Whole);
    let others: Vec<String> =
        of_others.map(|(dossier, case)| format!("{} {}", dossier.name, case.text)).collect();
    let this = state(dossier, case);
    if this == State::Whole && others.is_empty() {
        let text = "Nothing: every file that this project usually has is there.";
        return vec![Item::Sentence(text.to_owned())];
    }
    let name = format!("{} {}", dossier.name, case.text);
    let mut items = vec![Item::Task(
        "Read the job's log before anything is run again: which upload failed, and why.".to_owned(),
    )];
    let mut task = |text: String| items.push(Item::Task(text));
    match this {
        State::Whole => {}
        State::Missing => {
            task(format!("Run the job for {name} again; the index has nothing of it."));
        }
        State::Half(kinds) => {
            task(format!(
                "Upload {} of {name} from the job's kept artifacts, if there are any: a job that is \
                 run again builds other bytes, and what is on the index cannot be replaced.",
                words(&kinds)
            ));
            task(
                "If the artifacts are gone: build only what is missing, from the approved commit, and \
                 note in the records that it was rebuilt. The index closes a release to new files some \
                 days after the first."
                    .to_owned(),
            );
            task(format!(
                "Or make a new release and yank {name} with the reason that it is incomplete."
            ));
        }
    }
    if !others.is_empty() {
        task(format!(
            "Bring the rest of the batch to an end in the same way, beginning with what the others \
             depend on: {}",
            others.join(", ")
        ));
    }
    task("Run `countermark audit` again: nothing of the batch may be left over.".to_owned());
    items
}
