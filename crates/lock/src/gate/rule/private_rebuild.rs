//! `private-rebuild`: two indexes with different files under one name.

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::{LockPackage, LockSource};
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::{Entry, agree, is_made_up};
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::is_same_index;

/// See [`Rule::document`].
pub(super) struct PrivateRebuild;

impl Rule for PrivateRebuild {
    fn code(&self) -> &'static str {
        "private-rebuild"
    }

    fn document(&self) -> Document {
        Document {
            title: "Another index has another file of this name",
            what: "A file whose digest is that of its own index, while another of the configured indexes \
                   has a file of the same name with another digest; or two entries of different indexes \
                   with different digests for one name.",
            why: "Whoever builds wheels for a private index gives them the names that the public one has \
                  too. That is no attack, but it is confusing: which of both is installed depends on \
                  which index is asked.",
            remedy: "Give own builds a local version (`1.2+ours`), and bind the name to one index.",
            example: "`teapot-1.2-py3-none-any.whl` on the private and on the public index",
        }
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        for named in &entry.named {
            let digests: Vec<&Digest> = named.digests.iter().map(|(digest, _)| *digest).collect();
            let pages = entry.open_pages().unwrap_or_default();
            let on = |is_good: bool| {
                pages.iter().find(|page| {
                    let mut files = page.files.iter().filter(|file| file.name == named.name);
                    let found = |it: Option<bool>| it == Some(is_good);
                    files.any(|file| found(agree(digests.iter().copied(), &file.digests)))
                })
            };
            let place = match (on(true), on(false)) {
                (Some(_), Some(other)) => Some(other.index.clone()),
                _ => digests.iter().find_map(|digest| {
                    let other = ground.survey.contradicts(entry.package, &named.name, digest)?;
                    let differs = is_of_another_index(entry, other.package);
                    (differs && !is_made_up(other.digest) && !is_made_up(digest))
                        .then(|| other.place.to_string())
                }),
            };
            let Some(other) = place else { continue };
            let message = "another index has another file of this name, as own builds often have";
            said.push(
                Finding::new(self.code(), (Kind::Defect, Severity::Low), entry.package, message)
                    .file(&named.name, &named.file.place)
                    .against("one file under one name", format!("another digest at {other}"))
                    .hint("give own builds a local version, and bind the name to one index"),
            );
        }
    }
}

/// Whether two entries name different indexes.
pub(super) fn is_of_another_index(entry: &Entry<'_>, other: &LockPackage) -> bool {
    match (&entry.package.source, &other.source) {
        (LockSource::Index(Some(one)), LockSource::Index(Some(other))) => {
            !is_same_index(one, other)
        }
        _ => false,
    }
}
