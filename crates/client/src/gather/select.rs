//! Which file of a release is taken: a pure function of the pin, the files and the interpreter.
//!
//! Claims of an index choose what is looked at first and never what is accepted: a file that the
//! index describes wrongly is still taken when its bytes match the pin.

use countermark_packaging::filename::{DistributionFilename, WheelFilename};
use countermark_packaging::simple::File;
use countermark_packaging::tags::CompatibleTags;
use countermark_packaging::version::{Version, VersionSpecifiers};
use countermark_trust::Pin;

/// At most this many files of a release are downloaded to find the pinned one, when the index does
/// not say which it is.
pub(super) const MAX_TRIES: usize = 8;

/// A wheel of a listing that this interpreter can use.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// As listed.
    pub file: &'a File,
    /// Its name, parsed.
    pub filename: WheelFilename,
    rank: u32,
}

impl Candidate<'_> {
    /// Smaller is better: the tag that fits best, then the highest build number.
    fn order(&self) -> (u32, std::cmp::Reverse<Option<(u64, String)>>, &str) {
        (self.rank, std::cmp::Reverse(self.filename.build.clone()), self.filename.as_str())
    }
}

/// What a listing offers for a pin.
#[derive(Debug, Default)]
pub struct Offer<'a> {
    /// To be downloaded until one matches, best first.
    pub candidates: Vec<Candidate<'a>>,
    /// Usable wheels of the release that are not pinned.
    pub newcomers: Vec<&'a File>,
    /// Pinned source packages.
    pub sources: Vec<&'a File>,
    /// Pinned wheels for other interpreters.
    pub foreign: Vec<&'a File>,
    /// All wheels of the release.
    pub wheels: Vec<&'a File>,
    /// Is there any file of the release?
    pub listed: bool,
}

/// Sorts the files of one release by what they are to a pin.
#[must_use]
pub fn offer<'a>(
    files: &'a [File],
    version: &Version,
    pin: &Pin,
    tags: &CompatibleTags,
) -> Offer<'a> {
    let mut offer = Offer::default();
    let mut claimed = Vec::new();
    let mut silent = Vec::new();
    let mut contradicting = Vec::new();
    for file in files {
        let Some(name) = of_release(file, version) else { continue };
        offer.listed = true;
        let pinned = file.digests.iter().any(|claim| pin.mentions(claim));
        let DistributionFilename::Wheel(filename) = name else {
            if pinned {
                offer.sources.push(file);
            }
            continue;
        };
        offer.wheels.push(file);
        let Some(rank) = tags.rank(&filename) else {
            if pinned {
                offer.foreign.push(file);
            }
            continue;
        };
        let candidate = Candidate { file, filename, rank };
        if pinned {
            claimed.push(candidate);
        } else if file.digests.iter().any(|claim| pin.algorithms().contains(&claim.algorithm())) {
            offer.newcomers.push(file);
            contradicting.push(candidate);
        } else {
            silent.push(candidate);
        }
    }
    // A claim that names the pin settles it. Without one, files about which nothing comparable is
    // said come before files that are said to be others.
    offer.candidates = if claimed.is_empty() { silent } else { claimed };
    offer.candidates.sort_by(|left, right| left.order().cmp(&right.order()));
    if offer.candidates.is_empty() && offer.sources.is_empty() && offer.foreign.is_empty() {
        contradicting.sort_by(|left, right| left.order().cmp(&right.order()));
        offer.candidates = contradicting;
        offer.newcomers.clear();
    }
    offer.candidates.truncate(MAX_TRIES);
    offer
}

fn of_release(file: &File, version: &Version) -> Option<DistributionFilename> {
    DistributionFilename::parse(&file.filename).ok().filter(|name| name.version() == version)
}

/// The best of some wheels that are known by name only.
#[must_use]
pub fn best<'a, T>(
    wheels: impl Iterator<Item = (WheelFilename, &'a T)>,
    tags: &CompatibleTags,
) -> Option<(WheelFilename, &'a T)> {
    wheels
        .filter_map(|(filename, what)| Some((tags.rank(&filename)?, filename, what)))
        .min_by(|left, right| {
            let order = |(rank, filename, _): &(u32, WheelFilename, &T)| {
                (*rank, std::cmp::Reverse(filename.build.clone()), filename.as_str().to_owned())
            };
            order(left).cmp(&order(right))
        })
        .map(|(_, filename, what)| (filename, what))
}

/// The file that somebody without a pin would get: the newest version that the specifiers allow,
/// no yanked file unless exactly that version is asked for, no prerelease unless there is nothing
/// else.
#[must_use]
pub fn newest<'a>(
    files: impl Iterator<Item = &'a File>,
    specifiers: &VersionSpecifiers,
    exact: Option<&Version>,
    python: &Version,
    tags: &CompatibleTags,
) -> Option<(Version, Vec<&'a File>)> {
    let mut releases: std::collections::BTreeMap<Version, Vec<(&File, DistributionFilename)>> =
        std::collections::BTreeMap::new();
    for file in files {
        let Ok(name) = DistributionFilename::parse(&file.filename) else { continue };
        let version = name.version().clone();
        let wanted = exact.map_or_else(|| specifiers.contains(&version), |exact| *exact == version);
        let usable = match &name {
            DistributionFilename::Wheel(wheel) => tags.rank(wheel).is_some(),
            DistributionFilename::Sdist(_) => true,
        };
        let allowed = exact.is_some() || file.yanked.is_none() && suits(file, python);
        if wanted && usable && allowed {
            releases.entry(version).or_default().push((file, name));
        }
    }
    let explicit = specifiers.iter().any(|one| one.version().is_some_and(Version::any_prerelease));
    let stable = releases.keys().rev().find(|version| explicit || !version.any_prerelease());
    let version = stable.or_else(|| releases.keys().next_back())?.clone();
    let mut files = releases.remove(&version)?;
    files.sort_by_key(|(file, name)| {
        let rank = match name {
            DistributionFilename::Wheel(wheel) => tags.rank(wheel).unwrap_or(u32::MAX - 1),
            DistributionFilename::Sdist(_) => u32::MAX,
        };
        (rank, file.filename.clone())
    });
    Some((version, files.into_iter().map(|(file, _)| file).collect()))
}

fn suits(file: &File, python: &Version) -> bool {
    let Some(text) = &file.requires_python else { return true };
    // Specifiers that cannot be read keep nobody out, as in pip; the wheel's metadata decides later.
    text.parse::<VersionSpecifiers>().is_ok_and(|specifiers| specifiers.contains(python))
        || text.parse::<VersionSpecifiers>().is_err()
}
