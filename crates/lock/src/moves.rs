//! What moved between two locks, with the evidence about each move and what the policy says of it.
//!
//! Decides which pins of one lock became which of the other. A project may be pinned several times
//! in a lock, for several environments: what is the same on both sides is paired first, and the
//! rest from the lowest version on. Knows nothing of where the evidence is from, and does no I/O.

pub mod evidence;
pub mod json;
pub mod markdown;
mod pin;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

pub use pin::{FileId, Pin, Source, pins_of, pins_of_document};

/// A pin that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The pin before; none where the project, or this one of its versions, was not pinned.
    pub before: Option<Pin>,
    /// The pin now; none where it is gone.
    pub after: Option<Pin>,
    /// How it moved. The first of several that are true at once is the word for it.
    pub kind: Kind,
    /// Files that may be installed now and could not before, of the same version.
    pub files_added: Vec<FileId>,
    /// Files that could be installed before and may not now, of the same version.
    pub files_removed: Vec<FileId>,
    /// Whether the project was not pinned at all before.
    pub is_new: bool,
}

/// How a pin moved, from what matters most on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file of the same name and version has other bytes: nothing honest does that.
    Replaced,
    /// The same version comes from elsewhere.
    SourceChanged,
    /// It was not pinned.
    Added,
    /// A lower version.
    Downgraded,
    /// A higher version.
    Upgraded,
    /// The same version may be installed from more or fewer files.
    FilesChanged,
    /// It is not pinned any more.
    Removed,
}

impl Kind {
    /// All of them, in this order.
    pub const ALL: [Self; 7] = [
        Self::Replaced,
        Self::SourceChanged,
        Self::Added,
        Self::Downgraded,
        Self::Upgraded,
        Self::FilesChanged,
        Self::Removed,
    ];

    /// The word for it, in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::SourceChanged => "source-changed",
            Self::Added => "added",
            Self::Downgraded => "downgraded",
            Self::Upgraded => "upgraded",
            Self::FilesChanged => "files-changed",
            Self::Removed => "removed",
        }
    }
}

impl Move {
    fn new(before: Option<Pin>, after: Option<Pin>, is_new: bool) -> Option<Self> {
        let mut moved = Self {
            kind: Kind::Added,
            files_added: Vec::new(),
            files_removed: Vec::new(),
            is_new,
            before,
            after,
        };
        moved.kind = match (&moved.before, &moved.after) {
            (None, None) => return None,
            (None, Some(_)) => Kind::Added,
            (Some(_), None) => Kind::Removed,
            (Some(before), Some(after)) if before.version == after.version => {
                moved.files_added = pin::files_beyond(after, before);
                moved.files_removed = pin::files_beyond(before, after);
                if pin::has_replaced(before, after) {
                    Kind::Replaced
                } else if !before.source.is_same(&after.source) {
                    Kind::SourceChanged
                } else if !moved.files_added.is_empty() || !moved.files_removed.is_empty() {
                    Kind::FilesChanged
                } else {
                    return None;
                }
            }
            (Some(before), Some(after)) if after.version < before.version => Kind::Downgraded,
            (Some(_), Some(_)) => Kind::Upgraded,
        };
        Some(moved)
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> Option<&ProjectName> {
        self.after.as_ref().or(self.before.as_ref()).map(|pin| &pin.project)
    }

    /// Whether bytes may be installed now that could not before.
    #[must_use]
    pub fn brings_bytes(&self) -> bool {
        match self.kind {
            Kind::Removed => false,
            Kind::FilesChanged => !self.files_added.is_empty(),
            Kind::Replaced
            | Kind::SourceChanged
            | Kind::Added
            | Kind::Downgraded
            | Kind::Upgraded => true,
        }
    }

    /// For people: `flask 3.0 → 3.1`.
    #[must_use]
    pub fn describe(&self) -> String {
        let project = self.project().map_or("", ProjectName::as_str);
        let version =
            |pin: &Option<Pin>| pin.as_ref().map_or("none".to_owned(), Pin::shown_version);
        let (before, after) = (version(&self.before), version(&self.after));
        match self.kind {
            Kind::Added if self.is_new => format!("{project} {after} is new"),
            Kind::Added => format!("{project} {after} is pinned besides"),
            Kind::Removed => format!("{project} {before} is not pinned any more"),
            Kind::Upgraded => format!("{project} {before} → {after}"),
            Kind::Downgraded => format!("{project} {before} → {after}, which is lower"),
            Kind::Replaced => {
                format!("{project} {after} has a file with other bytes under the same name")
            }
            Kind::SourceChanged => {
                let source = |pin: &Option<Pin>| {
                    pin.as_ref().map_or("nowhere".to_owned(), |pin| pin.source.to_string())
                };
                format!(
                    "{project} {after} comes from {}, not from {}",
                    source(&self.after),
                    source(&self.before)
                )
            }
            Kind::FilesChanged => {
                let counts = [(&self.files_added, "more"), (&self.files_removed, "fewer")];
                let counts = counts.iter().filter(|(files, _)| !files.is_empty());
                let counts: Vec<String> =
                    counts.map(|(files, what)| format!("{} {what}", files.len())).collect();
                format!(
                    "{project} {after} may be installed from other files: {}",
                    counts.join(", ")
                )
            }
        }
    }
}

/// What moved from one lock to another, by project and then version.
#[must_use]
pub fn moves(before: &[Pin], after: &[Pin]) -> Vec<Move> {
    let mut sides: BTreeMap<&ProjectName, [Vec<&Pin>; 2]> = BTreeMap::new();
    for (pins, side) in [(before, 0), (after, 1)] {
        for pin in pins {
            sides.entry(&pin.project).or_default()[side].push(pin);
        }
    }
    let mut moves = Vec::new();
    for [mut old, mut new] in sides.into_values() {
        let is_new = old.is_empty();
        old.sort_by_key(|pin| pin.order());
        new.sort_by_key(|pin| pin.order());
        let versions = |pins: &[&Pin]| -> BTreeSet<Option<Version>> {
            pins.iter().map(|pin| pin.version.clone()).collect()
        };
        let same: BTreeSet<Option<Version>> =
            versions(&old).intersection(&versions(&new)).cloned().collect();
        for version in &same {
            let of = |pins: &[&Pin]| -> Vec<Pin> {
                let pins = pins.iter().filter(|pin| pin.version == *version);
                pins.map(|pin| (*pin).clone()).collect()
            };
            pair(of(&old), of(&new), false, &mut moves);
        }
        let rest = |pins: &[&Pin]| -> Vec<Pin> {
            let pins = pins.iter().filter(|pin| !same.contains(&pin.version));
            pins.map(|pin| (*pin).clone()).collect()
        };
        pair(rest(&old), rest(&new), is_new, &mut moves);
    }
    moves
}

/// Pairs what is left of a project, equal ones first and the others in order.
fn pair(mut old: Vec<Pin>, mut new: Vec<Pin>, is_new: bool, moves: &mut Vec<Move>) {
    old.retain(|was| {
        let same = new.iter().position(|is| is.is_same(was));
        same.map(|at| new.remove(at)).is_none()
    });
    let mut new = new.into_iter();
    let mut old = old.into_iter();
    loop {
        let (was, is) = (old.next(), new.next());
        if was.is_none() && is.is_none() {
            break;
        }
        moves.extend(Move::new(was, is, is_new));
    }
}
