//! `disjoint-sets`: digests of one release with nothing in common, and no names.

use countermark_report::Document;

use super::{Class, Explains};
use crate::observe::dispute::Pair;
use crate::observe::ground::Ground;

/// See [`Class::document`].
pub(super) struct DisjointSets;

impl Class for DisjointSets {
    fn code(&self) -> &'static str {
        "disjoint-sets"
    }

    fn document(&self) -> Document {
        Document {
            title: "Two sets of one release with nothing in common",
            what: "Locks that pin one release by digests without file names, have no digest in common, and \
                   no lock has digests of both. One may pin the wheel and the other the source package, or \
                   one of them may be wrong: without names nothing tells. So it is no alarm, and a person \
                   should look. The page of an index decides: with `--listing`, a digest that no listed \
                   file has is `two-digests`.",
            why: "It is what a changed digest looks like in a lock with one digest a release.",
            remedy: "Run it again with the page of the project as `--listing`, or ask `countermark gate`.",
            example: "`teapot==1.2` with `sha256:e796…` in one file and with `sha256:1f38…` in another",
        }
    }

    fn is_doubtful(&self) -> bool {
        true
    }
}

impl Explains for DisjointSets {
    fn explain(&self, pair: &Pair<'_, '_>, _: &Ground<'_>) -> Option<String> {
        pair.common()
            .is_empty()
            .then(|| "no digest in common, and no names that tell the files apart".to_owned())
    }
}
