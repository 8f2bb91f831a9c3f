//! `unknown-index`: an index that nobody configured.

use countermark_packaging::lock::document::{LockPackage, LockSource};
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::{is_address, is_same_index};

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
        let Some(index) = entry.index() else {
            self.check_lock(entry, ground, said);
            return;
        };
        // A name that only the lock's own writer knows; where it leads is not said.
        let is_url = is_address(index);
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

impl UnknownIndex {
    /// What the lock names for all entries without an index of their own is told at the first of
    /// them.
    fn check_lock(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let has_none = |package: &&LockPackage| matches!(package.source, LockSource::Index(None));
        let first = ground.lock.packages.iter().find(has_none);
        if !first.is_some_and(|first| std::ptr::eq(first, entry.package)) {
            return;
        }
        for index in ground.lock.indexes.iter().filter(|index| is_address(index)) {
            if ground.indexes.iter().any(|known| is_same_index(known, index)) {
                continue;
            }
            let message = "the lock names an index for all of its entries that is not configured";
            said.push(
                Finding::new(self.code(), (Kind::Lack, Severity::Medium), entry.package, message)
                    .against(expected(ground.indexes), shortened(index))
                    .hint("configure the index, or take it out of the lock"),
            );
        }
    }
}

fn expected(indexes: &[String]) -> String {
    match indexes {
        [] => "no index at all".to_owned(),
        [one] => one.clone(),
        several => super::some_of(several),
    }
}
