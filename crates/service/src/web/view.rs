//! What the pages show, as text: one struct a page, filled from records and pins.
//!
//! Decides which events a timeline has and in which order, when a file is told to be an alarm, and how
//! much of a long list is shown. Everything that others wrote is made harmless here and escaped by the
//! templates.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Digest;
use countermark_report::harmless::harmless;
use countermark_trust::log::record::{Observation, ObserverKind as Kind};
use jiff::Timestamp;

/// Events of one file that a page shows.
const MAXIMUM_EVENTS: usize = 200;
/// Places of one file that a page shows.
pub(super) const MAXIMUM_PINS: usize = 100;

/// A record and where it stands in the log; none while it waits for its place.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The index of the entry.
    pub index: Option<u64>,
    /// The record.
    pub observation: Observation,
}

/// A digest of a file that stands in somebody's lock.
#[derive(Clone, Debug)]
pub struct PinnedIn {
    /// The digest.
    pub digest: Digest,
    /// Which repository or folder.
    pub repository: String,
    /// Which file in it.
    pub path: String,
    /// Since when, by the date of the commit.
    pub since: Option<Timestamp>,
}

/// Everything about one file name.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// The project.
    pub project: String,
    /// The release; empty for a name that is none of a distribution.
    pub version: String,
    /// The file name.
    pub name: String,
    /// What observers saw.
    pub seen: Vec<Seen>,
    /// Who pins it.
    pub pins: Vec<PinnedIn>,
}

/// One file on a page.
pub(super) struct FileView {
    pub(super) project: String,
    pub(super) version: String,
    pub(super) name: String,
    pub(super) verdict: String,
    pub(super) is_alarm: bool,
    pub(super) digests: Vec<DigestView>,
    pub(super) events: Vec<EventView>,
    pub(super) hidden_events: usize,
    pub(super) pins: Vec<PinView>,
    pub(super) hidden_pins: usize,
}

/// A digest and who says so.
pub(super) struct DigestView {
    pub(super) text: String,
    pub(super) who: String,
}

/// One point of a timeline.
pub(super) struct EventView {
    pub(super) class: &'static str,
    pub(super) time: String,
    pub(super) day: String,
    pub(super) text: String,
    pub(super) digest: String,
    pub(super) entry: Option<u64>,
}

/// One place in which a file is pinned.
pub(super) struct PinView {
    pub(super) repository: String,
    pub(super) path: String,
    pub(super) when: String,
    pub(super) digest: String,
    pub(super) differs: bool,
}

impl FileView {
    /// The file as the page tells it.
    pub(super) fn of(facts: &FileFacts) -> Self {
        let told = Told::of(&facts.seen);
        let mut events = events(facts, &told);
        events.sort_by_key(|(time, event)| (*time, event.entry));
        let hidden_events = events.len().saturating_sub(MAXIMUM_EVENTS);
        let events = events.into_iter().take(MAXIMUM_EVENTS).map(|(_, event)| event).collect();
        let pins = facts.pins.iter().take(MAXIMUM_PINS).map(|pin| pin_view(pin, &told)).collect();
        Self {
            project: facts.project.clone(),
            version: facts.version.clone(),
            name: facts.name.clone(),
            verdict: told.verdict(&facts.pins),
            is_alarm: told.is_alarm(),
            digests: told.digests(),
            events,
            hidden_events,
            pins,
            hidden_pins: facts.pins.len().saturating_sub(MAXIMUM_PINS),
        }
    }
}

/// Who says what about one file.
struct Told<'a> {
    by_digest: BTreeMap<&'a Digest, BTreeSet<String>>,
    by_indexes: BTreeSet<&'a Digest>,
}

impl<'a> Told<'a> {
    fn of(seen: &'a [Seen]) -> Self {
        let (mut by_digest, mut by_indexes) = (BTreeMap::new(), BTreeSet::new());
        for one in seen {
            let digest = one.observation.digest();
            let who: &mut BTreeSet<String> = by_digest.entry(digest).or_default();
            who.insert(harmless(&one.observation.observer().to_string()).into_owned());
            if one.observation.observer().kind() == Kind::Index {
                by_indexes.insert(digest);
            }
        }
        Self { by_digest, by_indexes }
    }

    /// Whether indexes were seen to hand out two digests of one algorithm.
    fn is_alarm(&self) -> bool {
        let mut algorithms = BTreeSet::new();
        !self.by_indexes.iter().all(|digest| algorithms.insert(digest.algorithm()))
    }

    /// Whether somebody holds another digest of the same algorithm.
    fn differs(&self, digest: &Digest) -> bool {
        let same = |other: &&&Digest| other.algorithm() == digest.algorithm();
        let mut others = self.by_digest.keys().filter(same).peekable();
        others.peek().is_some() && !others.any(|other| *other == digest)
    }

    fn verdict(&self, pins: &[PinnedIn]) -> String {
        if self.is_alarm() {
            return "Seen with two digests".to_owned();
        }
        let observers: BTreeSet<&String> = self.by_digest.values().flatten().collect();
        let differing = pins.iter().filter(|pin| self.differs(&pin.digest)).count();
        let places = match (pins.len(), differing) {
            (0, _) => String::new(),
            (all, 0) => format!(", and in {}", plural(all, "lock", "locks")),
            (all, some) => format!("; {some} of {} said otherwise", plural(all, "lock", "locks")),
        };
        match observers.len() {
            0 => format!("No observer has seen it{places}"),
            count => {
                format!("One digest, seen by {}{places}", plural(count, "observer", "observers"))
            }
        }
    }

    fn digests(&self) -> Vec<DigestView> {
        let view = |(digest, who): (&&Digest, &BTreeSet<String>)| DigestView {
            text: digest.to_string(),
            who: who.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        self.by_digest.iter().map(view).collect()
    }
}

fn events(facts: &FileFacts, told: &Told<'_>) -> Vec<(Timestamp, EventView)> {
    let mut events = Vec::new();
    let uploads: BTreeSet<Timestamp> =
        facts.seen.iter().filter_map(|seen| seen.observation.uploaded()).collect();
    for time in uploads {
        events.push((time, EventView::at(time, "", "uploaded, as an index says".to_owned())));
    }
    let is_alarm = told.is_alarm();
    for seen in &facts.seen {
        let observation = &seen.observation;
        let class = match observation.observer().kind() {
            Kind::Index if is_alarm => "differs",
            Kind::Index => "index",
            Kind::Distribution => "",
        };
        let who = observation.observer().to_string();
        let text = format!("seen by {}", harmless(&who));
        let mut event = EventView::at(observation.first_seen(), class, text);
        event.digest = short(observation.digest());
        event.entry = seen.index;
        events.push((observation.first_seen(), event));
    }
    for pin in &facts.pins {
        let Some(time) = pin.since else { continue };
        let class = if told.differs(&pin.digest) { "differs" } else { "pin" };
        let text = format!("pinned in {}", harmless(&pin.repository));
        let mut event = EventView::at(time, class, text);
        event.digest = short(&pin.digest);
        events.push((time, event));
    }
    events
}

impl EventView {
    fn at(time: Timestamp, class: &'static str, text: String) -> Self {
        Self {
            class,
            time: time.to_string(),
            day: day(time),
            text,
            digest: String::new(),
            entry: None,
        }
    }
}

fn pin_view(pin: &PinnedIn, told: &Told<'_>) -> PinView {
    PinView {
        repository: harmless(&pin.repository).into_owned(),
        path: harmless(&pin.path).into_owned(),
        when: pin.since.map(|time| format!("since {}", day(time))).unwrap_or_default(),
        digest: short(&pin.digest),
        differs: told.differs(&pin.digest),
    }
}

/// A day, as pages show it.
pub(super) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// As much of a digest as people compare.
pub(super) fn short(digest: &Digest) -> String {
    let hex = digest.hex();
    let shown = hex.get(..16).unwrap_or(&hex);
    format!("{}:{shown}…", digest.algorithm())
}

/// A number and what it counts.
pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
