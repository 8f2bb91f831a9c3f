//! What judging one missing release after the other would look for again each time. Records and
//! indexes may list as much as they like, and the cost of a project stays linear in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ptr;
use std::sync::Arc;

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::{Dossier, Judgement};
use crate::record::{OfficialRelease, Records};

/// A list of the records: a cycle and a repository.
type List<'a> = (Option<&'a str>, Option<&'a str>);

/// Where in each list of a project's records the first release stands that is on the index, and where
/// each version does.
#[derive(Debug, Default)]
pub(super) struct Published<'a> {
    first: HashMap<List<'a>, usize>,
    versions: HashMap<(List<'a>, &'a str), usize>,
    earliest: Option<Version>,
}

impl<'a> Published<'a> {
    pub(super) fn of(dossier: &Dossier<'a>) -> Self {
        let official = dossier.releases.iter().filter(|it| it.judgement == Judgement::Official);
        let published: HashSet<*const OfficialRelease> =
            official.flat_map(|case| &case.official).map(|one| ptr::from_ref(*one)).collect();
        let mut found = Self { earliest: earliest(dossier), ..Self::default() };
        let listed = dossier.records.map(|records| records.releases.as_slice());
        for (place, one) in listed.unwrap_or_default().iter().enumerate() {
            found.versions.entry((list_of(one), &one.version)).or_insert(place);
            if published.contains(&ptr::from_ref(one)) {
                found.first.entry(list_of(one)).or_insert(place);
            }
        }
        found
    }

    /// Whether a version is higher than the one with which publishing began. For records without
    /// cycles, whose order may be any: newest first, or that of file names.
    pub(super) fn is_later(&self, version: Option<&Version>) -> bool {
        version.zip(self.earliest.as_ref()).is_some_and(|(version, earliest)| version > earliest)
    }

    /// Whether a release that is on the index stands before this one in its list.
    pub(super) fn comes_before(&self, official: &'a OfficialRelease) -> bool {
        let list = list_of(official);
        let place = self.versions.get(&(list, &*official.version));
        let first = self.first.get(&list);
        first.zip(place).is_some_and(|(first, place)| first < place)
    }
}

/// The version of the official release that was uploaded first.
fn earliest(dossier: &Dossier<'_>) -> Option<Version> {
    let official = dossier.releases.iter().filter(|it| it.judgement == Judgement::Official);
    let dated = official.filter_map(|it| Some((it.uploaded()?, it.version.as_ref()?)));
    dated.min_by_key(|(uploaded, _)| *uploaded).map(|(_, version)| version.clone())
}

fn list_of(one: &OfficialRelease) -> List<'_> {
    (one.series.as_deref(), one.repository.as_deref())
}

/// How many releases of a repository the records list under a name, counted once.
#[derive(Debug, Default)]
pub(super) struct Listings<'a> {
    counts: RefCell<BTreeMap<(&'a str, &'a ProjectName), usize>>,
}

impl<'a> Listings<'a> {
    pub(super) fn count(
        &self,
        records: &'a Records,
        repository: &'a Arc<str>,
        name: &'a ProjectName,
    ) -> usize {
        *self.counts.borrow_mut().entry((&**repository, name)).or_insert_with(|| {
            let releases = records.projects.get(name).map(|one| one.releases.as_slice());
            let is_of = |one: &&OfficialRelease| one.repository.as_ref() == Some(repository);
            releases.unwrap_or_default().iter().filter(is_of).count()
        })
    }
}
