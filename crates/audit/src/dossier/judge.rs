//! What explains each release. Every question is asked in one place, in one order.

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use super::build::Elsewhere;
use super::{Dossier, Identity, Judgement, Missing, ReleaseCase};
use crate::federation::CustodyState;
use crate::record::{Known, OfficialRelease, ProjectRecords, Publishes, Series, Standing};

/// Judges what the index has, as if the name were ours; [`super::identity`] looks at the result and
/// may judge otherwise.
pub(super) fn judge_index_side(dossier: &mut Dossier<'_>) {
    let begin = dossier.first_official_upload();
    let judgements: Vec<Judgement> = dossier
        .releases
        .iter()
        .map(|case| {
            if case.index.is_some() {
                explain(dossier, case, begin)
            } else {
                Judgement::Unexplained
            }
        })
        .collect();
    for (case, judgement) in dossier.releases.iter_mut().zip(judgements) {
        case.judgement = judgement;
    }
}

fn explain(dossier: &Dossier<'_>, case: &ReleaseCase<'_>, begin: Option<Timestamp>) -> Judgement {
    let uploaded = case.uploaded();
    let has_file = case.index.is_some_and(|release| !release.files.is_empty());
    let custody = uploaded.and_then(|at| dossier.custody_at(at));
    if case.is_listed() && has_file {
        return Judgement::Official;
    }
    if !has_file {
        return Judgement::Placeholder;
    }
    if matches!(
        custody,
        Some(CustodyState::Theirs | CustodyState::NeverOurs | CustodyState::Shared)
    ) {
        return Judgement::TheirOwn;
    }
    if case.official.iter().any(|one| one.known == Known::OnceListed) {
        return Judgement::OnceListed;
    }
    if let Some(name) = listed_elsewhere(dossier, case) {
        return Judgement::OtherName(name);
    }
    if case.version.as_ref().is_some_and(|version| version.is_dev() || version.is_local()) {
        return Judgement::Development;
    }
    if let (Some(begin), Some(uploaded)) = (begin, uploaded)
        && uploaded < begin
    {
        return Judgement::BeforeRecords;
    }
    if is_after_records(dossier, uploaded) {
        return Judgement::AfterRecords;
    }
    let is_tagged = case.official.iter().any(|one| matches!(one.known, Known::Tagged { .. }));
    if is_tagged { Judgement::Tagged } else { Judgement::Unexplained }
}

/// The name under which the records list this version of the same repository.
fn listed_elsewhere(dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> Option<ProjectName> {
    let version = case.version.as_ref()?;
    let records = dossier.context.records;
    let repositories = dossier.records.map(|one| &one.repositories)?;
    for repository in repositories {
        for name in records.names_of_repository.get(repository).into_iter().flatten() {
            let Some(other) = records.projects.get(name).filter(|_| name != dossier.name) else {
                continue;
            };
            let is_same = |release: &&OfficialRelease| {
                release.repository.as_ref() == Some(repository)
                    && release.version.parse::<Version>().is_ok_and(|one| one == *version)
            };
            if other.releases.iter().any(|release| is_same(&release)) {
                return Some(name.clone());
            }
        }
    }
    None
}

/// Newer than what the records cover, in a project that we release and can upload to. Nothing is
/// expected of one that was given up.
fn is_after_records(dossier: &Dossier<'_>, uploaded: Option<Timestamp>) -> bool {
    let is_dated = |records: &ProjectRecords| !records.up_to_now;
    let is_live = dossier
        .records
        .is_some_and(|records| records.standing == Standing::Live && is_dated(records))
        && !matches!(dossier.custody.map(|fact| fact.state), Some(CustodyState::Retired));
    let until = dossier.context.records.date.as_ref().map(|date| date.at);
    is_live
        && dossier.is_held_by_us() != Some(false)
        && uploaded.zip(until).is_some_and(|(uploaded, until)| uploaded > until)
}

/// Judges what the records list and the index does not have.
pub(super) fn judge_missing(dossier: &mut Dossier<'_>, elsewhere: &dyn Elsewhere) {
    let first = dossier.first_official_upload();
    let missing: Vec<(usize, Judgement)> = dossier
        .releases
        .iter()
        .enumerate()
        .filter(|(_, case)| case.is_listed() && case.judgement != Judgement::Official)
        .filter(|(_, case)| case.index.is_none() || case.judgement == Judgement::Placeholder)
        .map(|(at, case)| (at, Judgement::Missing(reason(dossier, case, first, elsewhere))))
        .collect();
    for (at, judgement) in missing {
        dossier.releases[at].judgement = judgement;
    }
    // What was only listed once, or only tagged, is not asked for.
    for case in &mut dossier.releases {
        if case.index.is_none() && !case.is_listed() {
            case.judgement = Judgement::OnceListed;
        }
    }
}

fn reason(
    dossier: &Dossier<'_>,
    case: &ReleaseCase<'_>,
    first: Option<Timestamp>,
    elsewhere: &dyn Elsewhere,
) -> Missing {
    if matches!(dossier.identity, Identity::Foreign { .. }) || is_theirs(dossier, case) {
        return Missing::NotOurs;
    }
    let official = case.official.iter().find(|one| one.known == Known::Listed).copied();
    if let (Some(official), Some(version)) = (official, &case.version)
        && let Some(name) = other_name(dossier, official, version, elsewhere)
    {
        return Missing::OtherName(name);
    }
    let records = dossier.records;
    let Some(first) = first else {
        return nothing_published(dossier, case);
    };
    if case.version.is_none() {
        // Names of milestones of old times; an index cannot hold them.
        return Missing::NotPublished;
    }
    let thresholds = &dossier.context.federation.thresholds;
    if let Some(approved) = case.approved() {
        let recent = jiff::SignedDuration::from_hours(24 * thresholds.days_after_approval);
        return if approved < first {
            Missing::BeforePublishing
        } else if dossier.context.now.duration_since(approved) < recent {
            Missing::Recent
        } else {
            Missing::Gap
        };
    }
    undated(dossier, records, official, first)
}

/// Whether somebody else's custody covers the release, or all of them.
fn is_theirs(dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> bool {
    let state = match case.approved() {
        Some(approved) => dossier.custody_at(approved),
        None => dossier.custody.map(|fact| fact.state),
    };
    matches!(state, Some(CustodyState::Theirs | CustodyState::NeverOurs))
}

/// Another name of the same repository that has the release; or, when this name is not the
/// repository's usual one, that usual name if nobody looked at it.
fn other_name(
    dossier: &Dossier<'_>,
    official: &OfficialRelease,
    version: &Version,
    elsewhere: &dyn Elsewhere,
) -> Option<ProjectName> {
    let repository = official.repository.as_ref()?;
    let records = dossier.context.records;
    let names = records.names_of_repository.get(repository)?;
    let listed = |name: &ProjectName| {
        let releases = records.projects.get(name).map(|one| one.releases.as_slice());
        let is_of = |one: &&OfficialRelease| one.repository.as_ref() == Some(repository);
        releases.unwrap_or_default().iter().filter(is_of).count()
    };
    let here = listed(dossier.name);
    names.iter().filter(|name| *name != dossier.name).find_map(|name| {
        let is_there = elsewhere.has_release(name, version);
        let is_usual_and_unseen = is_there.is_none() && listed(name) > here;
        (is_there == Some(true) || is_usual_and_unseen).then(|| name.clone())
    })
}

/// No official release is there at all.
fn nothing_published(dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> Missing {
    let is_meant = dossier.records.is_some_and(|records| {
        records.publishes == Publishes::Yes && records.standing == Standing::Live
    });
    // Only what is of our days: jobs are today's, and say nothing of the past.
    let year = jiff::SignedDuration::from_hours(24 * 365);
    let begin = match case.approved() {
        Some(approved) => Some(approved),
        None => case.official.iter().find_map(|one| series_of(dossier, one)?.released),
    };
    let is_of_our_days =
        begin.is_some_and(|begin| dossier.context.now.duration_since(begin) < year);
    if is_meant && is_of_our_days && case.version.is_some() {
        Missing::Gap
    } else {
        Missing::NotPublished
    }
}

fn series_of<'a>(dossier: &Dossier<'a>, official: &OfficialRelease) -> Option<&'a Series> {
    let name = official.series.as_ref()?;
    dossier.context.records.series.iter().find(|series| series.name == *name)
}

/// Without a day of approval: the cycle's days, and the order of the list, in which a release comes
/// after those that were made before it.
fn undated(
    dossier: &Dossier<'_>,
    records: Option<&ProjectRecords>,
    official: Option<&OfficialRelease>,
    first: Timestamp,
) -> Missing {
    let Some(official) = official else { return Missing::BeforePublishing };
    let series = series_of(dossier, official);
    if series.and_then(|series| series.released).is_some_and(|released| released > first) {
        return Missing::Gap;
    }
    let is_same_list = |one: &&OfficialRelease| {
        one.series == official.series && one.repository == official.repository
    };
    let listed = records.map(|records| records.releases.as_slice()).unwrap_or_default();
    let comes_after_a_published_one = listed
        .iter()
        .filter(is_same_list)
        .take_while(|one| one.version != official.version)
        .any(|one| is_published(dossier, one));
    if comes_after_a_published_one {
        return Missing::Gap;
    }
    match series {
        Some(series) if series.ended.is_none_or(|ended| ended > first) => Missing::AroundPublishing,
        _ => Missing::BeforePublishing,
    }
}

fn is_published(dossier: &Dossier<'_>, official: &OfficialRelease) -> bool {
    dossier.releases.iter().any(|case| {
        case.judgement == Judgement::Official
            && case.official.iter().any(|one| std::ptr::eq(*one, official))
    })
}
