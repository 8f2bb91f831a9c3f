//! Whose a name is: what custody says, and where it says nothing, what records, uploads and roles
//! show together.

use jiff::{SignedDuration, Timestamp};

use super::{Dossier, Identity, Judgement, ReleaseCase};
use crate::federation::CustodyState;
use crate::record::{Known, Standing};

/// Decides on the identity, and judges the releases again where it is not ours.
pub(super) fn decide(dossier: &mut Dossier<'_>) {
    let state = dossier.custody.map(|fact| fact.state);
    if matches!(state, Some(CustodyState::Theirs | CustodyState::NeverOurs | CustodyState::Shared))
    {
        dossier.identity = Identity::ByCustody;
        return;
    }
    if state.is_some() {
        return;
    }
    if let Some(reason) = foreign(dossier) {
        dossier.identity = Identity::Foreign { reason };
        for case in dossier.releases.iter_mut().filter(|case| case.index.is_some()) {
            case.judgement = Judgement::Foreign;
        }
        return;
    }
    if let Some(on) = departed(dossier) {
        let releases = unexplained(dossier).count();
        dossier.identity = Identity::Departed { on, releases };
        for case in dossier.releases.iter_mut().filter(|case| is_theirs(case)) {
            case.judgement = Judgement::Departed;
        }
    }
}

/// Another project has the name: nobody of ours holds a role, and next to nothing of what the records
/// list is there.
fn foreign(dossier: &Dossier<'_>) -> Option<String> {
    let known = dossier.releases.iter().filter(|case| is_known(case)).count();
    let on_index = dossier.releases.iter().filter(|case| case.index.is_some()).count();
    let matched = dossier.releases.iter().filter(|case| is_matched(case)).count();
    if on_index == 0 {
        return None;
    }
    let is_held = dossier.is_held_by_us();
    if known == 0 {
        let reason = "no record lists a release of it, and no account of ours holds a role";
        return (is_held == Some(false)).then(|| reason.to_owned());
    }
    if matched * 10 >= known.min(on_index) {
        return None;
    }
    match is_held {
        Some(true) => None,
        Some(false) => Some(format!(
            "no account of ours holds a role, and {matched} of our {known} releases are among its {on_index}"
        )),
        None if matched == 0 && known >= 3 => {
            Some(format!("none of our {known} releases is among its {on_index}"))
        }
        None => None,
    }
}

/// Whether the records ever listed it.
fn is_known(case: &ReleaseCase<'_>) -> bool {
    case.official.iter().any(|one| matches!(one.known, Known::Listed | Known::OnceListed))
}

/// Whether both sides mean the same release. Numbers of versions are small: one that was listed for a
/// while, long after another project uploaded the same number, is a coincidence.
fn is_matched(case: &ReleaseCase<'_>) -> bool {
    const EARLY: SignedDuration = SignedDuration::from_hours(24 * 30);
    match case.judgement {
        Judgement::Official => true,
        Judgement::OnceListed => {
            let listed = case.official.iter().filter_map(|one| one.approved).min();
            let is_early = |(uploaded, listed): (Timestamp, Timestamp)| {
                listed.duration_since(uploaded) > EARLY
            };
            !case.uploaded().zip(listed).is_some_and(is_early)
        }
        _ => false,
    }
}

/// The day on which a project left with its authors: taken out of governance, not merely abandoned;
/// held by nobody of ours; and continued without a long silence, with nothing unexplained before.
fn departed(dossier: &Dossier<'_>) -> Option<Timestamp> {
    let Standing::Retired { on } = dossier.records?.standing else { return None };
    if dossier.is_held_by_us() == Some(true) {
        return None;
    }
    let on = on.or_else(|| dossier.last_official_upload())?;
    let uploads: Vec<Timestamp> = unexplained(dossier).filter_map(ReleaseCase::uploaded).collect();
    let first = uploads.iter().min()?;
    let days = dossier.context.federation.thresholds.departure_days;
    let silence = SignedDuration::from_hours(24 * days);
    let is_continued = *first >= on && first.duration_since(on) <= silence;
    is_continued.then_some(on)
}

fn unexplained<'a, 'b>(dossier: &'b Dossier<'a>) -> impl Iterator<Item = &'b ReleaseCase<'a>> {
    dossier.releases.iter().filter(|case| is_theirs(case) && case.uploaded().is_some())
}

fn is_theirs(case: &ReleaseCase<'_>) -> bool {
    case.index.is_some()
        && matches!(
            case.judgement,
            Judgement::Unexplained
                | Judgement::Development
                | Judgement::AfterRecords
                | Judgement::Placeholder
                | Judgement::Tagged
        )
}
