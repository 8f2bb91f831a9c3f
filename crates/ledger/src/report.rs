//! What the rules found, in the forms in which it is shown: text for people, JSON and SARIF for programs.

pub mod explain;
pub mod explain_json;
pub mod follow;
pub mod json;
pub mod sarif;
pub mod suggest;
pub mod suggest_json;
pub mod text;
mod wire;
pub mod words;

use countermark_packaging::lock::Place;
use jiff::civil::Date;

use crate::check::{Judgement, Reason};

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The day on which it was judged, in UTC.
    pub on: Date,
    /// The name of the ledger.
    pub ledger: String,
    /// What was judged: locks or environments, as messages call them.
    pub subjects: Vec<String>,
    /// All judgements, in the order of the locks.
    pub judgements: Vec<Judgement>,
    /// Entries that stand for no file that could be judged: each is a "no".
    pub unjudged: Vec<Unjudged>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

/// An entry of a lock, or a package of an environment, of which no file can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// Why, as a stable name.
    pub code: &'static str,
    /// Why, as a sentence.
    pub message: String,
    /// Where it stands, when it stands in a file.
    pub place: Option<Place>,
}

/// How many files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub files: usize,
    /// Those that meet their criteria.
    pub met: usize,
    /// Those that do not.
    pub unmet: usize,
    /// Of those, known bad ones.
    pub known_bad: usize,
    /// Met by reviews: all of them in full.
    pub full: usize,
    /// By a difference, for one criterion at least.
    pub delta: usize,
    /// By another file of the release, for one criterion at least.
    pub related: usize,
    /// By a publisher, for one criterion at least.
    pub trusted: usize,
    /// By an exemption, for one criterion at least.
    pub exempt: usize,
    /// Met by a review although roles on the project are not known.
    pub unknown_roles: usize,
}

impl Report {
    /// Whether every file meets its criteria.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.unjudged.is_empty() && self.judgements.iter().all(Judgement::passes)
    }

    /// How many files of each kind.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { files: self.judgements.len(), ..Counts::default() };
        for judgement in &self.judgements {
            if !judgement.passes() {
                counts.unmet += 1;
                counts.known_bad += usize::from(!judgement.known_bad.is_empty());
                continue;
            }
            counts.met += 1;
            counts.unknown_roles += usize::from(judgement.rests_on_unknown_roles());
            // Of several reasons the one that says least about the file.
            let kinds = judgement.required.iter().filter_map(|it| it.reason()).map(Reason::kind);
            let weakest = kinds.max_by_key(|kind| ORDER.iter().position(|it| it == kind));
            match weakest {
                Some("delta") => counts.delta += 1,
                Some("relation") => counts.related += 1,
                Some("trusted") => counts.trusted += 1,
                Some("exemption") => counts.exempt += 1,
                _ => counts.full += 1,
            }
        }
        counts
    }
}

const ORDER: [&str; 5] = ["full", "delta", "relation", "trusted", "exemption"];
