//! `grown-set`: files that were uploaded later.

use countermark_report::Document;

use super::platform_subset::is_of_one_system;
use super::{Class, Explains};
use crate::observe::dispute::{Pair, digests};
use crate::observe::ground::Ground;

/// See [`Class::document`].
pub(super) struct GrownSet;

impl Class for GrownSet {
    fn code(&self) -> &'static str {
        "grown-set"
    }

    fn document(&self) -> Document {
        Document {
            title: "The release got more files",
            what: "A set of digests of a release that holds all of an older one, and more: files were \
                   uploaded after the first lock was written. A digest that somebody added to a set looks \
                   the same; only the page of an index (`--listing`) tells it apart, and then it is \
                   `unlisted-digest`.",
            why: "Projects upload wheels for a new Python to a release of last year.",
            remedy: "Nothing. `countermark gate` asks the index whether it has the new files.",
            example: "eight digests of teapot 1.2 in May, the same eight and two more in November",
        }
    }
}

impl Explains for GrownSet {
    fn explain(&self, pair: &Pair<'_, '_>, ground: &Ground<'_>) -> Option<String> {
        let (one, other) = (pair.only_one(), pair.only_other());
        let (small, large, more) = match (one.as_slice(), other.as_slice()) {
            ([], more) => (pair.one, pair.other, more),
            (more, []) => (pair.other, pair.one, more),
            _ => return None,
        };
        if small.digests.is_empty() || is_of_one_system(pair, small, more, ground) {
            return None;
        }
        // The page of an index is of now.
        let is_later = large.is_listing()
            || matches!((small.since(), large.since()), (Some(before), Some(then)) if before < then);
        is_later.then(|| format!("all of an older set, and {} more", digests(more.len())))
    }
}
