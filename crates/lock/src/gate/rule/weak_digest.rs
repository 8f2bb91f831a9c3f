//! `weak-digest`: digests that somebody can make a second file for.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct WeakDigest;

impl Rule for WeakDigest {
    fn code(&self) -> &'static str {
        "weak-digest"
    }

    fn document(&self) -> Document {
        Document {
            title: "Only weak digests",
            what: "A file whose digests are all md5, sha1 or sha224.",
            why: "Two files with one md5 or sha1 can be made by anybody, so such a digest does not say \
                  which bytes are meant.",
            remedy: "Write sha256, sha384 or sha512 into the lock.",
            example: "`--hash=md5:…` in a requirements file",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let mut weak = |name: &str, digests: &[(&_, &_)]| {
            let is_weak = |(digest, _): &(&countermark_packaging::digest::Digest, &_)| {
                !digest.algorithm().is_strong()
            };
            let Some((digest, place)) = digests.first() else { return };
            if !digests.iter().all(is_weak) {
                return;
            }
            let message = "only weak digests say which bytes are meant";
            said.push(
                Finding::new(self.code(), (Kind::Lack, Severity::High), entry.package, message)
                    .file(name, place)
                    .against("sha256, sha384 or sha512", digest.algorithm().name())
                    .hint("write the lock again with stronger digests"),
            );
        };
        weak("", &entry.nameless);
        for named in &entry.named {
            weak(&named.name, &named.digests);
        }
    }
}
