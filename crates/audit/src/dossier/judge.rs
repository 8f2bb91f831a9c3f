//! What explains each release. Every question is asked in one place, in one order.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use super::build::Elsewhere;
use super::published::{Listings, Published};
use super::{Dossier, Identity, Judgement, Missing, ReleaseCase};
use crate::federation::CustodyState;
use crate::record::{Known, OfficialRelease, ProjectRecords, Publishes, Series, Standing};

/// The versions that the records list for repositories of a project under other names. Made when the
/// first release asks, and once: each look would go through all releases of those names.
type ListedElsewhere<'a> = OnceCell<BTreeMap<Version, &'a ProjectName>>;

/// Judges what the index has, as if the name were ours; [`super::identity`] looks at the result and
/// may judge otherwise.
pub(super) fn judge_index_side(dossier: &mut Dossier<'_>) {
    // Where the time before was filled in, the records begin with the first entry of their own time.
    let begin = dossier.first_official_upload().map(|first| dossier.kept.since.max(Some(first)));
    let begin = begin.flatten();
    let elsewhere = ListedElsewhere::new();
    let judgements: Vec<Judgement> = dossier
        .releases
        .iter()
        .map(|case| {
            if case.index.is_some() {
                explain(dossier, case, begin, &elsewhere)
            } else {
                Judgement::Unexplained
            }
        })
        .collect();
    for (case, judgement) in dossier.releases.iter_mut().zip(judgements) {
        case.judgement = judgement;
    }
}

fn explain<'a>(
    dossier: &Dossier<'a>,
    case: &ReleaseCase<'a>,
    begin: Option<Timestamp>,
    elsewhere: &ListedElsewhere<'a>,
) -> Judgement {
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
    let listed = |version| elsewhere.get_or_init(|| listed_elsewhere(dossier)).get(version);
    if let Some(name) = case.version.as_ref().and_then(listed) {
        return Judgement::OtherName((*name).clone());
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

/// The first name under which the records list each version of the same repository.
fn listed_elsewhere<'a>(dossier: &Dossier<'a>) -> BTreeMap<Version, &'a ProjectName> {
    let records = dossier.context.records;
    let mut listed = BTreeMap::new();
    for repository in dossier.records.iter().flat_map(|one| &one.repositories) {
        for name in records.names_of_repository.get(repository).into_iter().flatten() {
            let Some(other) = records.projects.get(name).filter(|_| name != dossier.name) else {
                continue;
            };
            let is_of = |one: &&OfficialRelease| one.repository.as_ref() == Some(repository);
            for release in other.releases.iter().filter(is_of) {
                if let Ok(version) = release.version.parse::<Version>() {
                    listed.entry(version).or_insert(name);
                }
            }
        }
    }
    listed
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
    let (published, listings) = (Published::of(dossier), Listings::default());
    let known = Beforehand { first, published: &published, listings: &listings, elsewhere };
    let missing: Vec<(usize, Judgement)> = dossier
        .releases
        .iter()
        .enumerate()
        .filter(|(_, case)| case.is_listed() && case.judgement != Judgement::Official)
        .filter(|(_, case)| case.index.is_none() || case.judgement == Judgement::Placeholder)
        .map(|(at, case)| (at, Judgement::Missing(reason(dossier, case, &known))))
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

/// What is known before the first missing release is judged, so that it is not looked for once for
/// each of them.
struct Beforehand<'k, 'a> {
    /// The first official upload.
    first: Option<Timestamp>,
    published: &'k Published<'a>,
    listings: &'k Listings<'a>,
    elsewhere: &'k dyn Elsewhere,
}

fn reason<'a>(
    dossier: &Dossier<'a>,
    case: &ReleaseCase<'a>,
    known: &Beforehand<'_, 'a>,
) -> Missing {
    if matches!(dossier.identity, Identity::Foreign { .. }) || is_theirs(dossier, case) {
        return Missing::NotOurs;
    }
    let official = case.official.iter().find(|one| one.known == Known::Listed).copied();
    if let (Some(official), Some(version)) = (official, &case.version)
        && let Some(name) = other_name(dossier, official, version, known)
    {
        return Missing::OtherName(name);
    }
    let Some(first) = known.first else {
        return nothing_published(dossier, case);
    };
    if case.version.is_none() {
        // Names of milestones of old times; an index cannot hold them.
        return Missing::NotPublished;
    }
    let thresholds = &dossier.context.federation.thresholds;
    if let Some(approved) = dossier.approval(case) {
        let recent = jiff::SignedDuration::from_hours(24 * thresholds.days_after_approval);
        return if approved < first {
            Missing::BeforePublishing
        } else if dossier.context.now.duration_since(approved) < recent {
            Missing::Recent
        } else {
            Missing::Gap
        };
    }
    undated(dossier, official, first, known.published)
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
fn other_name<'a>(
    dossier: &Dossier<'a>,
    official: &OfficialRelease,
    version: &Version,
    known: &Beforehand<'_, 'a>,
) -> Option<ProjectName> {
    let repository = official.repository.as_ref()?;
    let records = dossier.context.records;
    let (repository, names) = records.names_of_repository.get_key_value(repository)?;
    let listed = |name: &'a ProjectName| known.listings.count(records, repository, name);
    names.iter().filter(|name| *name != dossier.name).find_map(|name| {
        let is_there = known.elsewhere.has_release(name, version);
        let is_usual_and_unseen = is_there.is_none() && listed(name) > listed(dossier.name);
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
/// after those that were made before it. Where there are no cycles, the order of versions counts.
fn undated<'a>(
    dossier: &Dossier<'a>,
    official: Option<&'a OfficialRelease>,
    first: Timestamp,
    published: &Published<'a>,
) -> Missing {
    let Some(official) = official else { return Missing::BeforePublishing };
    let series = series_of(dossier, official);
    if series.and_then(|series| series.released).is_some_and(|released| released > first) {
        return Missing::Gap;
    }
    let version = official.version.parse::<Version>().ok();
    let is_later = official.series.is_none() && published.is_later(version.as_ref());
    if is_later || published.comes_before(official) {
        return Missing::Gap;
    }
    match series {
        Some(series) if series.ended.is_none_or(|ended| ended > first) => Missing::AroundPublishing,
        _ => Missing::BeforePublishing,
    }
}
