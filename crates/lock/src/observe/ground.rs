//! What is known of all statements together before a disagreement is judged: which names mean
//! something, which indexes are the same one, which locks are made up.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;

use super::dispute::system_of;
use super::origins::Origins;
use super::statement::{Lock, Stated, Statement};
use crate::gate::entry::{contradict, is_made_up};

/// So many entries of the same odd shape are the habit of a writer; fewer may be somebody's hand.
const HABIT: usize = 3;

/// So many files whose digest is another one than everybody's make a lock a made-up one, if they are
/// half of what can be compared: who wants to be overlooked changes one. More than so many files with two
/// digests each do, too: nobody can install from such a lock.
const MADE_UP: usize = 2;

/// Folders in which locks are that tests read and nobody installs.
const FIXTURES: [&str; 8] = [
    "fixture",
    "fixtures",
    "test-data",
    "test_data",
    "testdata",
    "test-fixtures",
    "test_fixtures",
    "__fixtures__",
];

/// Folders in which such locks may be, and such as are installed too (`tests/requirements.txt`).
const TESTS: [&str; 4] = ["test", "tests", "testing", "__tests__"];

/// A release of a project.
pub(super) type Release<'a> = (&'a ProjectName, Option<&'a str>);

/// Somebody says that a file has a digest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence<'a> {
    pub(super) statement: &'a Statement,
    pub(super) digest: &'a Digest,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) statements: &'a [Statement],
    pub(super) origins: Origins,
    /// By file name, from statements whose names mean something.
    pub(super) names: BTreeMap<&'a str, Vec<Occurrence<'a>>>,
    /// The statements of each release.
    pub(super) releases: BTreeMap<Release<'a>, Vec<&'a Statement>>,
    /// What a digest is called, in each release.
    called: HashMap<(Release<'a>, &'a Digest), BTreeSet<&'a str>>,
    /// Statements whose names do not mean anything, by address.
    pub(super) nameless: HashSet<*const Statement>,
    /// Locks whose writer gave every digest of a release to one name.
    habits: HashSet<&'a Lock>,
    /// Locks below a folder of fixtures that are made up, with what shows it.
    pub(super) made_up: HashMap<&'a Lock, String>,
    /// Locks that list files for several systems.
    systems: HashSet<&'a Lock>,
    /// Releases that are pinned outside of tests.
    outside: HashSet<Release<'a>>,
}

/// How much a path says that nobody installs what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder<'a> {
    /// Nothing.
    Plain,
    /// Something: locks of tests are installed as well.
    Tests(&'a str),
    /// A lot.
    Fixtures(&'a str),
}

impl<'a> Folder<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        let find = |names: &[&str]| folders.split('/').find(|folder| names.contains(folder));
        match (find(&FIXTURES), find(&TESTS)) {
            (Some(folder), _) => Self::Fixtures(folder),
            (None, Some(folder)) => Self::Tests(folder),
            (None, None) => Self::Plain,
        }
    }
}

/// Whether a lock lies in a folder of locks that tests read and nobody installs.
#[must_use]
pub fn lies_below_fixtures(path: &str) -> bool {
    matches!(Folder::of(path), Folder::Fixtures(_))
}

impl<'a> Ground<'a> {
    pub(super) fn of(statements: &'a [Statement]) -> Self {
        let mut ground = Self {
            statements,
            origins: Origins::of(statements),
            names: BTreeMap::new(),
            releases: BTreeMap::new(),
            called: HashMap::new(),
            nameless: HashSet::new(),
            habits: habits(statements),
            made_up: HashMap::new(),
            systems: HashSet::new(),
            outside: HashSet::new(),
        };
        for statement in statements {
            let release = release(statement);
            ground.releases.entry(release).or_default().push(statement);
            if Folder::of(&statement.lock.path) == Folder::Plain {
                ground.outside.insert(release);
            }
            let is_plain = !ground.habits.contains(&statement.lock) && !has_one_name(statement);
            for stated in statement.files.iter().filter(|_| is_plain) {
                if let Some(file) = &stated.file {
                    let called = ground.called.entry((release, &stated.digest)).or_default();
                    called.insert(file);
                }
            }
        }
        ground.drop_names();
        for statement in statements.iter().filter(|it| !ground.nameless.contains(&address(it))) {
            for stated in &statement.files {
                let Some(file) = stated.file.as_deref() else { continue };
                let occurrence = Occurrence { statement, digest: &stated.digest };
                ground.names.entry(file).or_default().push(occurrence);
            }
        }
        ground.made_up = ground.made_up_locks();
        ground.systems = ground.locks_of_several_systems();
        ground
    }

    /// Whether a lock has wheels of several systems for one release: then it is not a lock for one.
    pub(super) fn lists_systems(&self, lock: &Lock) -> bool {
        self.systems.contains(lock)
    }

    fn locks_of_several_systems(&self) -> HashSet<&'a Lock> {
        let is_of_several = |statement: &&'a Statement| {
            let names = statement.files.iter().filter_map(|stated| {
                self.names_of(statement, &stated.digest)?.first().copied().and_then(system_of)
            });
            names.collect::<BTreeSet<_>>().len() > 1
        };
        self.statements.iter().filter(is_of_several).map(|statement| &statement.lock).collect()
    }

    /// Names of a writer that gives every digest of a release to one of them.
    fn drop_names(&mut self) {
        for statement in self.statements {
            let has_habit = self.habits.contains(&statement.lock);
            let dropped = if has_one_name(statement) {
                has_habit || self.are_of_several_files(statement)
            } else {
                has_habit && self.is_called_otherwise(statement)
            };
            if dropped {
                self.nameless.insert(address(statement));
            }
        }
    }

    /// Whether each digest of an entry is elsewhere that of a file, and not all of one.
    fn are_of_several_files(&self, statement: &Statement) -> bool {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for stated in &statement.files {
            match self.names_of(statement, &stated.digest) {
                Some(called) => names.extend(called),
                None => return false,
            }
        }
        names.len() > 1
    }

    /// Whether the digests of an entry are elsewhere those of files with other names.
    fn is_called_otherwise(&self, statement: &Statement) -> bool {
        statement.files.iter().all(|stated| {
            let Some(file) = stated.file.as_deref() else { return false };
            let called = self.names_of(statement, &stated.digest);
            called.is_some_and(|names| !names.contains(file))
        })
    }

    /// What others call the file of this digest.
    pub(super) fn names_of<'s>(
        &'s self,
        statement: &'s Statement,
        digest: &'s Digest,
    ) -> Option<&'s BTreeSet<&'a str>> {
        self.names_in(release(statement), digest)
    }

    pub(super) fn names_in<'s>(
        &'s self,
        release: Release<'s>,
        digest: &'s Digest,
    ) -> Option<&'s BTreeSet<&'a str>> {
        self.called.get(&(release, digest))
    }

    pub(super) fn is_pinned_outside_of_tests(&self, statement: &Statement) -> bool {
        self.outside.contains(&release(statement))
    }

    pub(super) fn has_habit(&self, lock: &Lock) -> bool {
        self.habits.contains(lock)
    }

    /// What shows that a lock below a folder of fixtures is made up.
    fn made_up_locks(&self) -> HashMap<&'a Lock, String> {
        let mut locks: HashMap<&'a Lock, Tally> = HashMap::new();
        for statement in self.statements {
            let Folder::Fixtures(folder) = Folder::of(&statement.lock.path) else { continue };
            let tally = locks.entry(&statement.lock).or_default();
            tally.folder = folder.to_owned();
            for stated in &statement.files {
                tally.impossible += usize::from(is_made_up(&stated.digest));
                let is_same = |other: &&Stated| other.file == stated.file;
                let mut same = statement.files.iter().filter(is_same);
                let contradicts = same.any(|other| contradict(&other.digest, &stated.digest));
                if contradicts && let Some(file) = &stated.file {
                    tally.contradicted.insert(file.clone());
                }
                let Some(file) = stated.file.as_deref() else { continue };
                let others = self.names.get(file).map_or(&[][..], Vec::as_slice).iter();
                let mut others = others
                    .filter(|it| Folder::of(&it.statement.lock.path) == Folder::Plain)
                    .filter(|it| it.digest.algorithm() == stated.digest.algorithm())
                    .peekable();
                if others.peek().is_some() {
                    tally.compared += 1;
                    let differs = others.all(|other| contradict(other.digest, &stated.digest));
                    tally.differ += usize::from(differs);
                }
            }
        }
        locks.into_iter().filter_map(|(lock, tally)| Some((lock, tally.says()?))).collect()
    }
}

#[derive(Default)]
struct Tally {
    folder: String,
    impossible: usize,
    /// Files to which the lock itself gives two digests.
    contradicted: BTreeSet<String>,
    compared: usize,
    differ: usize,
}

impl Tally {
    fn says(&self) -> Option<String> {
        let Self { folder, impossible, contradicted, compared, differ } = self;
        if *impossible > 0 {
            return Some(format!(
                "below `{folder}`, in a lock with {impossible} digests that no file has"
            ));
        }
        if contradicted.len() > MADE_UP {
            return Some(format!(
                "below `{folder}`, in a lock that gives two digests to {} files",
                contradicted.len()
            ));
        }
        (*differ >= MADE_UP && differ * 2 >= *compared).then(|| {
            format!("below `{folder}`, in a lock that is wrong about {differ} of {compared} files")
        })
    }
}

/// Locks in which most entries with several digests have one name for all of them.
fn habits(statements: &[Statement]) -> HashSet<&Lock> {
    let mut tallies: HashMap<&Lock, (usize, usize)> = HashMap::new();
    for statement in statements {
        let (odd, usual) = tallies.entry(&statement.lock).or_default();
        let names: BTreeSet<_> = statement.files.iter().map(|stated| &stated.file).collect();
        *odd += usize::from(has_one_name(statement));
        *usual += usize::from(names.len() > 1);
    }
    tallies.retain(|_, (odd, usual)| *odd >= HABIT && *odd > *usual);
    tallies.into_keys().collect()
}

/// Whether several digests of one algorithm all have one name.
pub(super) fn has_one_name(statement: &Statement) -> bool {
    let [first, rest @ ..] = statement.files.as_slice() else { return false };
    first.file.is_some()
        && rest.iter().all(|stated| stated.file == first.file)
        && rest.iter().any(|stated| contradict(&stated.digest, &first.digest))
}

pub(super) fn release(statement: &Statement) -> Release<'_> {
    (&statement.project, statement.version.as_deref())
}

pub(super) fn address(statement: &Statement) -> *const Statement {
    std::ptr::from_ref(statement)
}
