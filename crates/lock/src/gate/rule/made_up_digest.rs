//! `made-up-digest`: a digest that somebody typed.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::{Entry, is_made_up};
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct MadeUpDigest;

impl Rule for MadeUpDigest {
    fn code(&self) -> &'static str {
        "made-up-digest"
    }

    fn document(&self) -> Document {
        Document {
            title: "A digest that somebody typed",
            what: "A digest that is one letter again and again, a short run of letters, or counts up: \
                   that of a test's fixture, or left by somebody who wanted to fill it in later.",
            why: "No file has it and nobody can make one, so nothing wrong is let in; but nothing can be \
                  installed either.",
            remedy: "Leave fixtures out of the gate; write real locks again.",
            example: "`sha256:0000…0000`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let named = entry
            .named
            .iter()
            .flat_map(|named| named.digests.iter().map(|it| (named.name.as_str(), it)));
        let all = named.chain(entry.nameless.iter().map(|it| ("", it)));
        for (name, (digest, place)) in all.filter(|(_, (digest, _))| is_made_up(digest)) {
            let message = "no file has this digest: somebody typed it";
            said.push(
                Finding::new(self.code(), (Kind::Defect, Severity::Low), entry.package, message)
                    .file(name, place)
                    .against("the digest of a file", digest.to_string())
                    .hint("leave fixtures out of the gate, or write the lock again"),
            );
        }
    }
}
