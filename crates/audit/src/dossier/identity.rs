//! Whose a name is: what custody says, and where it says nothing, what records, uploads and roles
//! show together.

use jiff::{SignedDuration, Timestamp};

use super::{Dossier, Identity, Judgement, ReleaseCase};
use crate::federation::CustodyState;
use crate::record::Standing;

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
    let listed = dossier.releases.iter().filter(|case| case.is_listed()).count();
    let on_index = dossier.releases.iter().filter(|case| case.index.is_some()).count();
    let matched =
        dossier.releases.iter().filter(|case| case.judgement == Judgement::Official).count();
    if listed == 0 || on_index == 0 || matched * 10 >= listed.min(on_index) {
        return None;
    }
    match dossier.is_held_by_us() {
        Some(true) => None,
        Some(false) => Some(format!(
            "no account of ours holds a role, and {matched} of our {listed} releases are among its {on_index}"
        )),
        None if matched == 0 && listed >= 3 => {
            Some(format!("none of our {listed} releases is among its {on_index}"))
        }
        None => None,
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
