//! `platform-subset`: some of the files of a release.

use countermark_packaging::digest::Digest;
use countermark_report::Document;

use super::{Class, Explains};
use crate::observe::dispute::{Held, Pair, system_of};
use crate::observe::ground::Ground;

/// See [`Class::document`].
pub(super) struct PlatformSubset;

impl Class for PlatformSubset {
    fn code(&self) -> &'static str {
        "platform-subset"
    }

    fn document(&self) -> Document {
        Document {
            title: "Some of the files of a release",
            what: "Sets of digests of a release of which one is a part of the other, or which share some and \
                   differ in others that are of different files: locks for one platform, one version of \
                   Python, wheels only; and sets without anything in common whose names say that they are \
                   of different files.",
            why: "Tools list the files that they need.",
            remedy: "Nothing.",
            example: "the wheel for Linux in one lock, the wheels for Linux and macOS in another",
        }
    }
}

impl Explains for PlatformSubset {
    fn explain(&self, pair: &Pair<'_, '_>, ground: &Ground<'_>) -> Option<String> {
        let (one, other, common) = (pair.only_one(), pair.only_other(), pair.common());
        let differ = format!(
            "{} in common, {} only on one side, {} only on the other",
            common.len(),
            one.len(),
            other.len()
        );
        if !common.is_empty() {
            return Some(differ);
        }
        let are_named = pair.names(&one, ground).is_some() && pair.names(&other, ground).is_some();
        if are_named {
            return Some(format!("{differ}, and their names say that they are different files"));
        }
        pair.stand_together()
            .then(|| format!("{differ}, and a third lock has digests of both sides"))
    }
}

/// Whether a set has wheels of one system, and lacks those of others.
pub(super) fn is_of_one_system<'a>(
    pair: &Pair<'_, 'a>,
    held: &Held<'a>,
    lacking: &[&Digest],
    ground: &Ground<'a>,
) -> bool {
    let Some(lacking) = pair.names(lacking, ground) else { return false };
    let own: Vec<&Digest> = held.digests.iter().copied().collect();
    let mut systems: Vec<_> =
        pair.known_names(&own, ground).into_iter().filter_map(system_of).collect();
    systems.dedup();
    let [system] = systems[..] else { return false };
    lacking.iter().all(|file| system_of(file).is_some_and(|other| other != system))
}
