//! What is known of all locks together before an entry is judged: what is usual in them.

use std::collections::{BTreeMap, HashMap};

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::{LockDocument, LockPackage, LockSource};

use super::entry::{Entry, Standing, contradict};
use super::location::host_of;

/// So many entries of the same odd shape are the habit of a writer; fewer may be somebody's hand.
const HABIT: usize = 3;

/// A host is the usual one of an index when at least this many files are there …
const USUAL_FILES: usize = 20;

/// … and so many times as many as on the host in question.
const USUAL_TIMES: usize = 10;

/// See the module.
#[derive(Debug, Default)]
pub struct Survey<'a> {
    /// For each name of a file: whose entry it is, with its digests.
    by_name: HashMap<String, Vec<Sighting<'a>>>,
    /// Locks whose writer gave every digest to one made-up name.
    one_name: Vec<&'a str>,
    /// For each lock and index the hosts of files, with how many.
    hosts: HashMap<(String, Option<String>), BTreeMap<String, usize>>,
}

/// A digest of a file, where a lock has it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// In which entry.
    pub package: &'a LockPackage,
    /// What the lock says.
    pub digest: &'a Digest,
    /// Where.
    pub place: &'a Place,
}

impl<'a> Survey<'a> {
    /// Of all locks that are judged together.
    #[must_use]
    pub fn of(locks: impl Iterator<Item = &'a LockDocument>) -> Self {
        let mut survey = Self::default();
        for lock in locks {
            let (mut odd, mut usual) = (0, 0);
            for package in &lock.packages {
                let entry = Entry::new(package, Standing::Unknown, None);
                match has_one_name(&entry) {
                    Some(true) => odd += 1,
                    Some(false) => usual += 1,
                    None => {}
                }
                survey.add(&lock.file, &entry);
            }
            if odd >= HABIT && odd > usual {
                survey.one_name.push(&lock.file);
            }
        }
        survey
    }

    fn add(&mut self, lock: &str, entry: &Entry<'a>) {
        let index = match &entry.package.source {
            LockSource::Index(index) => index.clone(),
            _ => return,
        };
        for named in &entry.named {
            let sightings = named.digests.iter();
            let sightings = sightings.map(|&(digest, place)| Sighting {
                package: entry.package,
                digest,
                place,
            });
            self.by_name.entry(named.name.clone()).or_default().extend(sightings);
        }
        let hosts = self.hosts.entry((lock.to_owned(), index)).or_default();
        for host in entry.package.files.iter().filter_map(|file| host_of(file.url.as_deref()?)) {
            *hosts.entry(host).or_default() += 1;
        }
    }

    /// The first other digest that a file of this name has in another entry.
    #[must_use]
    pub fn contradicts(
        &self,
        package: &LockPackage,
        name: &str,
        digest: &Digest,
    ) -> Option<Sighting<'a>> {
        let sightings = self.by_name.get(name)?.iter();
        let mut others = sightings.filter(|it| !std::ptr::eq(it.package, package));
        others.find(|other| contradict(other.digest, digest)).copied()
    }

    /// Whether the writer of this lock gives every digest of a release to one name.
    #[must_use]
    pub fn has_one_name_habit(&self, lock: &str) -> bool {
        self.one_name.contains(&lock)
    }

    /// The host on which nearly all files of an index are, in a lock that has enough of them, when
    /// this host is not it.
    #[must_use]
    pub fn usual_host(&self, lock: &str, index: Option<&str>, host: &str) -> Option<&str> {
        let hosts = self.hosts.get(&(lock.to_owned(), index.map(str::to_owned)))?;
        let here = hosts.get(host).copied().unwrap_or(0);
        let (usual, most) = hosts.iter().max_by_key(|(_, files)| **files)?;
        let is_odd = *most >= USUAL_FILES && *most >= here.saturating_mul(USUAL_TIMES);
        (usual != host && is_odd).then_some(usual.as_str())
    }
}

/// Whether several digests of an entry all have one name; none where there are not several.
#[must_use]
pub(super) fn has_one_name(entry: &Entry<'_>) -> Option<bool> {
    let [named] = entry.named.as_slice() else {
        return (entry.named.len() > 1).then_some(false);
    };
    let (first, _) = named.digests.first()?;
    let differs = named.digests.iter().any(|(digest, _)| contradict(first, digest));
    differs.then_some(entry.nameless.is_empty())
}
