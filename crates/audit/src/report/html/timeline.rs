//! The picture of what happened to a project: a lane each for uploads, approvals, and roles with
//! custody, over an axis of years.
//!
//! Places are in per cent of the width and sizes in pixels, so that letters and marks are as large
//! on a phone as on a wall. Marks differ by shape and not only by colour. What happened at the same
//! place is one mark, which also keeps a project of thousands of releases small.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::report::harmless::harmless;
use crate::report::phrase::{count, day};
use crate::report::{Event, EventKind, Timeline};

/// Marks and what they mean.
pub(super) const KEY: [(&str, &str); 6] = [
    ("official", "uploaded, in the records"),
    ("explained", "uploaded, explained"),
    ("unexplained", "uploaded, not explained"),
    ("approval", "approved in the records"),
    ("role", "role changed"),
    ("custody", "custody changed"),
];

/// Places across the width that marks can have.
const PLACES: f64 = 240.0;
/// Years that are written on the axis, at most.
const YEARS: i64 = 8;
/// Labels of a mark, or events of a caption, that are written out.
const NAMED: usize = 8;
/// Pixels of a lane: its name, and the rail below.
const LANE: usize = 34;
/// Pixels below the last lane, for the years.
const AXIS: usize = 18;

/// One picture, ready to be drawn.
pub(super) struct Picture {
    pub(super) project: String,
    pub(super) height: usize,
    pub(super) axis: usize,
    pub(super) years: Vec<Year>,
    pub(super) lanes: Vec<Lane>,
    /// The same in words.
    pub(super) caption: Vec<String>,
}

pub(super) struct Year {
    pub(super) x: String,
    pub(super) text: String,
}

pub(super) struct Lane {
    pub(super) name: &'static str,
    pub(super) label_y: usize,
    pub(super) y: usize,
    /// What must be seen comes last, and is drawn over the rest.
    pub(super) marks: Vec<Mark>,
}

pub(super) struct Mark {
    pub(super) kind: &'static str,
    pub(super) x: String,
    pub(super) title: String,
}

const LANES: [(&str, &[EventKind]); 3] = [
    (
        "uploads",
        &[EventKind::OfficialUpload, EventKind::ExplainedUpload, EventKind::UnexplainedUpload],
    ),
    ("approvals", &[EventKind::Approval]),
    ("roles and custody", &[EventKind::Custody, EventKind::RoleChange]),
];

impl Picture {
    /// Draws the events up to `now`, or up to the last of them.
    pub(super) fn of(timeline: &Timeline, now: Timestamp) -> Self {
        let scale = Scale::over(&timeline.events, now);
        let mut lanes = Vec::new();
        for (name, kinds) in LANES {
            let marks: Vec<Mark> =
                kinds.iter().flat_map(|&kind| marks(&timeline.events, kind, &scale)).collect();
            if !marks.is_empty() {
                let top = lanes.len() * LANE;
                lanes.push(Lane { name, label_y: top + 11, y: top + 24, marks });
            }
        }
        let axis = lanes.len() * LANE;
        Self {
            project: timeline.project.to_string(),
            height: axis + AXIS,
            axis: axis + 4,
            years: scale.years(),
            lanes,
            caption: caption(&timeline.events),
        }
    }
}

/// From moments to per cent.
struct Scale {
    start: Timestamp,
    end: Timestamp,
}

impl Scale {
    fn over(events: &[Event], now: Timestamp) -> Self {
        let times = || events.iter().map(|event| event.at);
        let start = times().min().unwrap_or(now);
        let end = times().max().unwrap_or(now).max(now);
        // Something on a single day needs some room too.
        let day = jiff::SignedDuration::from_hours(24);
        let start = start.checked_sub(day * 30).unwrap_or(start);
        Self { start, end }
    }

    fn share(&self, at: Timestamp) -> f64 {
        let length = self.start.duration_until(self.end).as_secs_f64().max(1.0);
        (self.start.duration_until(at).as_secs_f64() / length).clamp(0.0, 1.0)
    }

    /// With a margin, so that marks and years at the ends are whole.
    fn place(&self, at: Timestamp) -> String {
        percent((self.share(at) * PLACES).round() / PLACES)
    }

    fn years(&self) -> Vec<Year> {
        let year = |at: Timestamp| i64::from(at.to_zoned(TimeZone::UTC).year());
        let (first, last) = (year(self.start) + 1, year(self.end));
        let step = ((last - first) / YEARS + 1).max(1);
        // Round numbers, so that the same years are written in all pictures of a page.
        let mut years = Vec::new();
        let mut next = first + (step - first.rem_euclid(step)) % step;
        while next <= last {
            let start = i16::try_from(next).ok().and_then(|year| Date::new(year, 1, 1).ok());
            let start = start.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
            if let Some(start) = start {
                let x = percent(self.share(start.timestamp()));
                years.push(Year { x, text: next.to_string() });
            }
            next += step;
        }
        years
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", 2.5 + 95.0 * share)
}

fn marks(events: &[Event], kind: EventKind, scale: &Scale) -> Vec<Mark> {
    let mut places: BTreeMap<u64, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == kind) {
        // A whole number between 0 and PLACES: what is left of the point is all of it.
        let place = (scale.share(event.at) * PLACES).round();
        places.entry(place.to_bits()).or_default().push(event);
    }
    let (name, meaning) = mark_of(kind);
    places
        .into_values()
        .filter_map(|events| {
            let (first, last) = (events.first()?, events.last()?);
            let days = match (day(first.at), day(last.at)) {
                (first, last) if first == last => first,
                (first, last) => format!("{first} to {last}"),
            };
            let labels = events.iter().map(|event| event.label.clone());
            Some(Mark {
                kind: name,
                x: scale.place(first.at),
                title: harmless(&format!("{days}: {} ({meaning})", few(labels))).into_owned(),
            })
        })
        .collect()
}

const fn mark_of(kind: EventKind) -> (&'static str, &'static str) {
    match kind {
        EventKind::OfficialUpload => KEY[0],
        EventKind::ExplainedUpload => KEY[1],
        EventKind::UnexplainedUpload => KEY[2],
        EventKind::Approval => KEY[3],
        EventKind::RoleChange => KEY[4],
        EventKind::Custody => KEY[5],
    }
}

/// The first of some labels, and how many more there are.
fn few(labels: impl ExactSizeIterator<Item = String>) -> String {
    let number = labels.len();
    let named: Vec<String> = labels.take(NAMED).collect();
    let mut text = named.join(", ");
    if number > named.len() {
        text.push_str(&format!(" and {} more", number - named.len()));
    }
    text
}

/// What the picture shows, for those who do not see it: the usual as numbers, the rest by name.
fn caption(events: &[Event]) -> Vec<String> {
    use EventKind::*;
    let mut lines = Vec::new();
    for (kind, one, many, by_name) in [
        (UnexplainedUpload, "unexplained upload", "unexplained uploads", true),
        (OfficialUpload, "official upload", "official uploads", false),
        (ExplainedUpload, "explained upload", "explained uploads", false),
        (Approval, "approval", "approvals", false),
        (RoleChange, "change of roles", "changes of roles", true),
        (Custody, "change of custody", "changes of custody", true),
    ] {
        let events: Vec<&Event> = events.iter().filter(|event| event.kind == kind).collect();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { continue };
        let number = count(events.len(), one, many);
        lines.push(if by_name {
            let named = events.iter().map(|event| format!("{} ({})", event.label, day(event.at)));
            harmless(&format!("{number}: {}", few(named))).into_owned()
        } else if day(first.at) == day(last.at) {
            format!("{number}, {}", day(first.at))
        } else {
            format!("{number}, {} to {}", day(first.at), day(last.at))
        });
    }
    lines
}
