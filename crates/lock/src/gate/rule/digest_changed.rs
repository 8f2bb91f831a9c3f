//! `digest-changed`: the same release with other bytes than in the lock before.

use countermark_packaging::lock::document::LockPackage;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::{Entry, Standing, contradict, is_made_up};
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct DigestChanged;

impl Rule for DigestChanged {
    fn code(&self) -> &'static str {
        "digest-changed"
    }

    fn document(&self) -> Document {
        Document {
            title: "The same release with other digests than before",
            what: "An entry whose version is the one of the lock before, with another digest for a file \
                   of the same name; or with none of the digests that stood there.",
            why: "A release does not change. Other digests under the same version are other bytes, and \
                  a review sees only hexadecimal digits move.",
            remedy: "Find out who changed them and why. A move to another index that builds its own \
                     wheels is the usual harmless reason.",
            example: "`teapot==1.2` in both locks, with another `--hash`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let Some((_, before)) = same_release(entry) else { return };
        let kind = (Kind::Disagreement, Severity::High);
        let hint = "find out who changed it and why: a release does not change";
        for named in &entry.named {
            let Some(old) = before.named.iter().find(|old| old.name == named.name) else {
                continue;
            };
            let moved = named.digests.iter().find_map(|(digest, place)| {
                let others = old.digests.iter().map(|(digest, _)| *digest);
                let stands = others.clone().any(|other| other == *digest);
                let other =
                    others.clone().find(|other| contradict(other, digest) && !is_made_up(other));
                if stands { None } else { Some((*digest, *place, other?)) }
            });
            let Some((digest, place, other)) = moved else { continue };
            said.push(
                Finding::new(
                    self.code(),
                    kind,
                    entry.package,
                    "the file had another digest before",
                )
                .file(&named.name, place)
                .against(other.to_string(), digest.to_string())
                .hint(hint),
            );
        }
        let stays = |digest: &_| before.nameless.iter().any(|(old, _)| *old == digest);
        let old = before.nameless.iter().find(|(digest, _)| !is_made_up(digest));
        if let (Some((digest, place)), Some((old, _))) = (entry.nameless.first(), old)
            && !entry.nameless.iter().any(|(digest, _)| stays(*digest))
        {
            let message = "none of the digests that stood there before is left";
            let mut finding = Finding::new(self.code(), kind, entry.package, message)
                .against(old.to_string(), digest.to_string())
                .hint(hint);
            finding.place = (*place).clone();
            said.push(finding);
        }
    }
}

/// The entry as it stood before, where it was the same release.
pub(super) fn same_release<'a>(entry: &Entry<'a>) -> Option<(&'a LockPackage, Entry<'a>)> {
    let Standing::Moved(before) = entry.standing else { return None };
    let is_same = before.version.is_some() && before.version == entry.package.version;
    is_same.then(|| (before, Entry::new(before, Standing::Unknown, None)))
}
