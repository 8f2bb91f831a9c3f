//! What happened to a project, in the order of time.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::dossier::{Dossier, Judgement};
use crate::fact::Role;
use crate::report::{Event, EventKind, Timeline};

/// The events of a dossier.
pub(super) fn draw(dossier: &Dossier<'_>) -> Timeline {
    let mut events = Vec::new();
    for case in &dossier.releases {
        if let Some(at) = case.approved() {
            let label = case.text.to_owned();
            events.push(Event { at, kind: EventKind::Approval, label });
        }
        if let Some(at) = case.uploaded() {
            let kind = match case.judgement {
                Judgement::Official => EventKind::OfficialUpload,
                Judgement::Unexplained | Judgement::Development => EventKind::UnexplainedUpload,
                _ => EventKind::ExplainedUpload,
            };
            events.push(Event { at, kind, label: case.text.to_owned() });
        }
    }
    if let Some(on) = dossier.records.and_then(|records| records.standing.retired_on()) {
        let label = "taken out of governance".to_owned();
        events.push(Event { at: on, kind: EventKind::Custody, label });
    }
    for fact in &dossier.context.federation.custody {
        let start = fact.on.and_then(|on| on.to_zoned(TimeZone::UTC).ok());
        if let Some(start) = start.filter(|_| fact.project == *dossier.name) {
            let label = fact.reason.clone();
            events.push(Event { at: start.timestamp(), kind: EventKind::Custody, label });
        }
    }
    role_changes(dossier, &mut events);
    events.sort_by(|one, other| {
        (one.at, one.kind, &one.label).cmp(&(other.at, other.kind, &other.label))
    });
    Timeline { project: dossier.name.clone(), events }
}

/// Roles that came and went since the run before; all that is known of their time is that run.
fn role_changes(dossier: &Dossier<'_>, events: &mut Vec<Event>) {
    let Some((before, now)) = dossier
        .previous
        .and_then(|previous| previous.roles.as_ref())
        .zip(dossier.facts.roles.as_ref())
    else {
        return;
    };
    let before: BTreeSet<&Role> = before.iter().collect();
    let now: BTreeSet<&Role> = now.iter().collect();
    let mut add = |role: &Role, verb: &str| {
        let label = format!("{} {verb} {}", role.account, role.kind.name());
        events.push(Event { at: dossier.context.now, kind: EventKind::RoleChange, label });
    };
    now.difference(&before).for_each(|role| add(role, "became"));
    before.difference(&now).for_each(|role| add(role, "is no longer"));
}
