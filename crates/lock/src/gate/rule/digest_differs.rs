//! `digest-differs`: the index now has other bytes under this name.

use countermark_packaging::digest::Digest;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::{Entry, Named, agree, contradict, is_made_up};
use crate::gate::facts::IndexFacts;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct DigestDiffers;

impl Rule for DigestDiffers {
    fn code(&self) -> &'static str {
        "digest-differs"
    }

    fn document(&self) -> Document {
        Document {
            title: "Another digest than the index gives now",
            what: "A file of the lock for which no index gives the lock's digest, and one gives another; \
                   or a release of which no listed file has any of the lock's digests. Digests that \
                   somebody typed are not meant: `made-up-digest`.",
            why: "Files of an index do not change. Either the index serves other bytes than it did, or \
                  the lock was written from other bytes: one of both is not what everybody else has.",
            remedy: "Do not install it. Compare with a colleague's copy, a mirror, the project's own \
                     records; find out who changed the lock.",
            example: "`uv.lock` says `sha256:e796…` of a wheel, the index `sha256:1f38…`",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.open_pages() else { return };
        for named in &entry.named {
            self.check_named(entry, named, &pages, ground, said);
        }
        self.check_nameless(entry, &pages, ground, said);
    }
}

impl DigestDiffers {
    fn check_named(
        &self,
        entry: &Entry<'_>,
        named: &Named<'_>,
        pages: &[&IndexFacts],
        ground: &Ground<'_>,
        said: &mut Said,
    ) {
        let digests: Vec<&Digest> = named.digests.iter().map(|(digest, _)| *digest).collect();
        let contradicts_itself =
            digests.iter().any(|one| digests.iter().any(|other| contradict(one, other)));
        if digests.is_empty() || contradicts_itself {
            return;
        }
        let (mut other, mut uncomparable) = (None, None);
        for page in pages {
            let listed = page.files.iter().find(|file| file.name == named.name);
            let Some(listed) = listed else { continue };
            match agree(digests.iter().copied(), &listed.digests) {
                Some(true) => return,
                Some(false) => {
                    let differs =
                        |it: &&Digest| digests.iter().any(|digest| contradict(digest, it));
                    let found = listed.digests.iter().find(differs);
                    other = other.or(found.map(|found| (page, found)));
                }
                None => uncomparable = uncomparable.or(Some(page)),
            }
        }
        let Some((page, found)) = other else {
            if let Some(page) = uncomparable {
                let why =
                    format!("{} gives no digest of this kind for `{}`", page.index, named.name);
                ground.unchecked(entry, self.code(), why, said);
            }
            return;
        };
        let locked = digests.iter().find(|digest| contradict(digest, found));
        let Some(locked) = locked.filter(|digest| !is_made_up(digest)) else { return };
        let message = "the index now gives another digest for this file";
        let kind = (Kind::Disagreement, Severity::High);
        said.push(
            Finding::new(self.code(), kind, entry.package, message)
                .file(&named.name, named.digests[0].1)
                .against(format!("{locked} (the lock)"), format!("{found} ({})", page.index))
                .hint("do not install it before you know which of both is the right one"),
        );
    }

    fn check_nameless(
        &self,
        entry: &Entry<'_>,
        pages: &[&IndexFacts],
        ground: &Ground<'_>,
        said: &mut Said,
    ) {
        let real = entry.nameless.iter().filter(|(digest, _)| !is_made_up(digest));
        let real: Vec<_> = real.collect();
        let Some((first, place)) = real.first() else { return };
        let listed: Vec<_> = pages.iter().flat_map(|page| entry.listed(page)).collect();
        let Some(example) = listed.first() else { return };
        let all = || listed.iter().flat_map(|file| &file.digests);
        if real.iter().any(|(digest, _)| all().any(|other| other == *digest)) {
            return;
        }
        let compares = |(digest, _): &&&(&Digest, &_)| {
            all().any(|other| other.algorithm() == digest.algorithm())
        };
        if !real.iter().any(|it| compares(&it)) {
            let why = format!("{} gives no digests of this kind", pages[0].index);
            ground.unchecked(entry, self.code(), why, said);
            return;
        }
        let message =
            "none of the digests is that of a file which the index lists for this release";
        let shown = example.digests.first().map(ToString::to_string).unwrap_or_default();
        let found =
            format!("{shown} for {}, and {} files in all", shortened(&example.name), listed.len());
        let kind = (Kind::Disagreement, Severity::High);
        let mut finding = Finding::new(self.code(), kind, entry.package, message)
            .against(format!("{first} (the lock)"), format!("{found} ({})", pages[0].index))
            .hint("do not install it before you know which of both is the right one");
        finding.place = (*place).clone();
        said.push(finding);
    }
}
