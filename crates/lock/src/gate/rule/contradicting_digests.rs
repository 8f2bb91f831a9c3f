//! `contradicting-digests`: two digests for one file.

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::Place;
use countermark_report::{Document, Severity};

use super::one_name;
use super::private_rebuild::is_of_another_index;
use super::{Ground, Rule, Said};
use crate::gate::entry::{Entry, Named, contradict, is_made_up};
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct ContradictingDigests;

impl Rule for ContradictingDigests {
    fn code(&self) -> &'static str {
        "contradicting-digests"
    }

    fn document(&self) -> Document {
        Document {
            title: "Two digests for one file",
            what: "A file name with two digests of the same algorithm, in one entry, in two entries, or \
                   in two of the locks that are judged together. Told apart are writers that give every \
                   digest to one name (`one-name`), digests that somebody typed (`made-up-digest`), and \
                   files of different indexes (`private-rebuild`).",
            why: "One file has one digest. An installer that takes any of them takes the wrong one too.",
            remedy: "Find out which is right, and who wrote the other.",
            example: "`teapot-1.2-py3-none-any.whl` with `sha256:e796…` and `sha256:1f38…`",
        }
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let kind = (Kind::Disagreement, Severity::High);
        let hint = "find out which is right, and who wrote the other";
        if one_name::explains(entry, ground) {
            return;
        }
        for named in &entry.named {
            if let Some((one, other, place)) = within(named) {
                said.push(
                    Finding::new(self.code(), kind, entry.package, "one file has two digests")
                        .file(&named.name, place)
                        .against(one.to_string(), other.to_string())
                        .hint(hint),
                );
                continue;
            }
            let elsewhere = named.digests.iter().filter_map(|(digest, place)| {
                let other = ground.survey.contradicts(entry.package, &named.name, digest)?;
                Some((digest, place, other))
            });
            let is_meant = |other: &crate::gate::survey::Sighting<'_>| {
                !is_made_up(other.digest)
                    && !is_of_another_index(entry, other.package)
                    && !ground.survey.has_one_name_habit(&other.place.file)
            };
            let mut elsewhere = elsewhere.into_iter();
            let found = elsewhere.find(|(digest, _, other)| !is_made_up(digest) && is_meant(other));
            if let Some((digest, place, other)) = found {
                let message = "the file has another digest elsewhere";
                said.push(
                    Finding::new(self.code(), kind, entry.package, message)
                        .file(&named.name, place)
                        .against(format!("{} ({})", other.digest, other.place), digest.to_string())
                        .hint(hint),
                );
            }
        }
    }
}

/// Two digests of one algorithm that one file has, wherever others stand between them.
fn within<'a>(named: &Named<'a>) -> Option<(&'a Digest, &'a Digest, &'a Place)> {
    let mut first: Vec<&Digest> = Vec::new();
    for &(digest, place) in &named.digests {
        match first.iter().find(|other| other.algorithm() == digest.algorithm()) {
            Some(other) if contradict(other, digest) => return Some((other, digest, place)),
            Some(_) => {}
            None => first.push(digest),
        }
    }
    None
}
