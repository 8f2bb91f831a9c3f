//! An entry of a lock, with everything that a rule may want to know of it.

use std::collections::HashMap;

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::{FileEntry, LockPackage, LockSource};
use countermark_packaging::simple::StatusMarker;

use super::facts::{IndexFacts, ListedFile, ProjectFacts};
use super::location::{file_name, is_inside, is_same_index};

/// An entry under judgement.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// As the lock has it.
    pub package: &'a LockPackage,
    /// Its files that have a name, each name once, in the order of the lock.
    pub named: Vec<Named<'a>>,
    /// Digests that are given without saying of which file.
    pub nameless: Vec<(&'a Digest, &'a Place)>,
    /// Where it stands against the lock before.
    pub standing: Standing<'a>,
    /// What indexes say of the project; none where nobody asked.
    pub facts: Option<&'a ProjectFacts>,
}

/// Where an entry stands against the lock before.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// There is no lock to compare with.
    Unknown,
    /// The project was not in it.
    New,
    /// It was, otherwise.
    Moved(&'a LockPackage),
}

/// A file of an entry: a name, and every digest that the lock gives it.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// Its name.
    pub name: String,
    /// Each with its place, in the order of the file.
    pub digests: Vec<(&'a Digest, &'a Place)>,
    /// As the lock first lists it.
    pub file: &'a FileEntry,
    /// How often the lock lists it.
    pub times: usize,
}

impl<'a> Entry<'a> {
    /// With its files put in order.
    #[must_use]
    pub fn new(
        package: &'a LockPackage,
        standing: Standing<'a>,
        facts: Option<&'a ProjectFacts>,
    ) -> Self {
        let (named, nameless) = files(package);
        Self { package, named, nameless, standing, facts }
    }

    /// Whether it is the project itself or a member of its workspace: a folder that is reviewed
    /// together with the lock.
    #[must_use]
    pub fn is_own(&self) -> bool {
        is_own(self.package)
    }

    /// Whether it is something that a digest could pin.
    #[must_use]
    pub fn is_artifact(&self) -> bool {
        match self.package.source {
            LockSource::Index(_) | LockSource::Url(_) | LockSource::Path(_) => true,
            LockSource::Directory { .. } | LockSource::Vcs { .. } => false,
        }
    }

    /// The index that the lock names for it.
    #[must_use]
    pub fn index(&self) -> Option<&'a str> {
        match &self.package.source {
            LockSource::Index(index) => index.as_deref(),
            _ => None,
        }
    }

    /// What indexes say, the one that the lock names first; nothing where the project is not of an
    /// index, not pinned, or not known.
    #[must_use]
    pub fn pages(&self) -> Option<Vec<&'a IndexFacts>> {
        if !matches!(self.package.source, LockSource::Index(_)) || self.package.version.is_none() {
            return None;
        }
        let Some(ProjectFacts::Known(pages)) = self.facts else { return None };
        let mut pages: Vec<&IndexFacts> = pages.iter().collect();
        if let Some(index) = self.index() {
            // The sort is stable: the others stay in the order in which they count.
            pages.sort_by_key(|page| !is_same_index(&page.index, index));
        }
        Some(pages)
    }

    /// The same without pages that list nothing because their project is in quarantine.
    #[must_use]
    pub fn open_pages(&self) -> Option<Vec<&'a IndexFacts>> {
        let mut pages = self.pages()?;
        pages.retain(|page| page.status.marker != StatusMarker::Quarantined);
        (!pages.is_empty()).then_some(pages)
    }

    /// The files of its release on an index.
    pub fn listed<'p>(&self, page: &'p IndexFacts) -> impl Iterator<Item = &'p ListedFile> {
        let version = self.package.version.clone();
        page.files.iter().filter(move |file| version.is_some() && file.version == version)
    }
}

/// Whether an entry is the project itself or a member of its workspace.
#[must_use]
pub fn is_own(package: &LockPackage) -> bool {
    matches!(&package.source, LockSource::Directory { path, .. } if is_inside(path))
}

type Files<'a> = (Vec<Named<'a>>, Vec<(&'a Digest, &'a Place)>);

fn files(package: &LockPackage) -> Files<'_> {
    let (mut named, mut nameless): Files<'_> = (Vec::new(), Vec::new());
    let mut positions: HashMap<String, usize> = HashMap::new();
    for file in &package.files {
        let digests = file.digests.iter().map(|digest| (digest, &file.place));
        let Some(name) = file_name(file.name.as_deref(), file.url.as_deref()) else {
            nameless.extend(digests);
            continue;
        };
        if let Some(&at) = positions.get(&name) {
            named[at].digests.extend(digests);
            named[at].times += 1;
        } else {
            positions.insert(name.clone(), named.len());
            named.push(Named { name, digests: digests.collect(), file, times: 1 });
        }
    }
    (named, nameless)
}

/// Two digests of one algorithm that differ: no file has both.
#[must_use]
pub fn contradict(one: &Digest, other: &Digest) -> bool {
    one.algorithm() == other.algorithm() && one != other
}

/// Whether digests are of the same bytes, as far as they can be compared: none where they share no
/// algorithm.
#[must_use]
pub fn agree<'d>(
    locked: impl IntoIterator<Item = &'d Digest> + Clone,
    listed: &[Digest],
) -> Option<bool> {
    let mut compared = None;
    for digest in locked {
        for other in listed.iter().filter(|other| other.algorithm() == digest.algorithm()) {
            if digest != other {
                return Some(false);
            }
            compared = Some(true);
        }
    }
    compared
}

/// Whether a digest is one that somebody typed: no file has it, and nobody can make one that has.
/// One letter all along, or a short run of letters again and again.
#[must_use]
pub fn is_made_up(digest: &Digest) -> bool {
    let hex = digest.hex();
    let bytes = hex.as_bytes();
    let repeats =
        |period: usize| bytes.iter().zip(&bytes[period..]).all(|(one, other)| one == other);
    // A digest of chance repeats itself after 16 letters with a chance of 1 : 16^24.
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16].into_iter().any(repeats) || counts_up(bytes)
}

/// `0123456789abcdef0123…`, starting anywhere, up or down.
fn counts_up(hex: &[u8]) -> bool {
    let value = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    let steps = |step: u32| {
        hex.iter().zip(&hex[1..]).all(|(&one, &other)| (value(one) + step) % 16 == value(other))
    };
    steps(1) || steps(15)
}

#[cfg(test)]
mod tests {
    use countermark_packaging::digest::Algorithm;

    use super::*;

    fn digest(hex: &str) -> Digest {
        Digest::parse_hex(Algorithm::Sha256, hex).unwrap()
    }

    #[test]
    fn made_up_digests() {
        for hex in [
            "0".repeat(64),
            "ab".repeat(32),
            "deadbeef".repeat(8),
            "0123456789abcdef".repeat(4),
            "fedcba9876543210".repeat(4),
        ] {
            assert!(is_made_up(&digest(&hex)), "{hex}");
        }
        let real = "e7969af157b30691b6df94e40c2e20abc52ed235524fb7c2ed2c99ac77eb1855";
        assert!(!is_made_up(&digest(real)));
        // One letter off is no pattern.
        assert!(!is_made_up(&digest(&format!("1{}", "0".repeat(63)))));
    }

    #[test]
    fn digests_agree_where_they_can_be_compared() {
        let (one, other) = (digest(&"a1".repeat(32)), digest(&"b2".repeat(32)));
        let weak = Digest::parse_hex(Algorithm::Md5, &"0".repeat(32)).unwrap();
        assert_eq!(agree([&one], std::slice::from_ref(&one)), Some(true));
        assert_eq!(agree([&one], std::slice::from_ref(&other)), Some(false));
        assert_eq!(agree([&one], std::slice::from_ref(&weak)), None);
        assert_eq!(agree([&one, &weak], &[weak.clone(), other.clone()]), Some(false));
        assert!(contradict(&one, &other) && !contradict(&one, &weak) && !contradict(&one, &one));
    }
}
