//! `unknown-index`: an index that nobody configured.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::is_same_index;

/// See [`Rule::document`].
pub(super) struct UnknownIndex;

impl Rule for UnknownIndex {
    fn code(&self) -> &'static str {
        "unknown-index"
    }

    fn document(&self) -> Document {
        Document {
            title: "An index that is not configured",
            what: "An entry, or a lock as a whole, that names the URL of an index which is none of the \
                   configured ones, where `[policy.indexes]` says nothing of the name.",
            why: "Absolute URLs in locks are followed past every proxy, and a changed line among \
                  hundreds takes a name from anywhere. What that index says now is not asked for: a \
                  pull request does not choose where this program connects to.",
            remedy: "Point the lock at the right index (`countermark relock`), configure the index, or \
                     allow it in `[policy.indexes]`.",
            example: "`registry = \"https://elsewhere.example.org/simple\"` in one entry of `uv.lock`",
        }
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(index) = entry.index() else { return };
        // A name that only the lock's own writer knows; where it leads is not said.
        let is_url = index.contains("://");
        let is_known = ground.indexes.iter().any(|known| is_same_index(known, index));
        if !is_url || is_known || ground.policy.indexes_for(&entry.package.project).is_some() {
            return;
        }
        let message = "it comes from an index that is not configured";
        said.push(
            Finding::new(self.code(), (Kind::Lack, Severity::Medium), entry.package, message)
                .against(expected(ground.indexes), shortened(index))
                .hint("`countermark relock` points a lock at another index; `[policy.indexes]` allows one"),
        );
    }
}

fn expected(indexes: &[String]) -> String {
    match indexes {
        [] => "no index at all".to_owned(),
        [one] => one.clone(),
        several => super::some_of(several),
    }
}
