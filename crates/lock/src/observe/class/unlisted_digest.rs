//! `unlisted-digest`: the index lists the release without it.

use countermark_report::Document;

use super::{Class, Explains};
use crate::observe::dispute::{Pair, digests};
use crate::observe::ground::Ground;

/// See [`Class::document`].
pub(super) struct UnlistedDigest;

impl Class for UnlistedDigest {
    fn code(&self) -> &'static str {
        "unlisted-digest"
    }

    fn document(&self) -> Document {
        Document {
            title: "The index lists the release without this digest",
            what: "A digest of a release that the given page of the index (`--listing`) does not have, while \
                   nothing that it lists has to make room for it. The file was deleted since, or the digest \
                   was added to the lock by hand. It is no alarm, because deleting a file is allowed, and a \
                   person should look.",
            why: "An installer takes any of the digests that a lock gives: adding one is enough.",
            remedy: "Find out whether the release ever had such a file; lock it again.",
            example: "`teapot==1.2` with the two digests of the index, and a third one",
        }
    }

    fn is_doubtful(&self) -> bool {
        true
    }
}

impl Explains for UnlistedDigest {
    fn explain(&self, pair: &Pair<'_, '_>, _: &Ground<'_>) -> Option<String> {
        let (held, listing) = match (pair.one.is_listing(), pair.other.is_listing()) {
            (true, false) => (pair.other, pair.one),
            (false, true) => (pair.one, pair.other),
            _ => return None,
        };
        let unlisted = held.digests.difference(&listing.digests).count();
        (unlisted > 0).then(|| format!("the index lists no file with {}", digests(unlisted)))
    }
}
