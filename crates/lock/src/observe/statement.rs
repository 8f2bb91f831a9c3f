//! What a lock says of a release, with where and when it said so.
//!
//! A lock that stands in a hundred commits says the same thing of most releases a hundred times: that
//! is one [`Statement`] with a first and a last moment.

use std::collections::BTreeMap;
use std::fmt;

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

/// The word in [`Statement::format`] for the page of an index.
pub const LISTING: &str = "listing";

/// What one lock says of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which lock.
    pub lock: Lock,
    /// The name of its format.
    pub format: String,
    /// The project.
    pub project: ProjectName,
    /// The version in its normal form; none where the lock does not tell it.
    pub version: Option<String>,
    /// From where the lock takes the release.
    pub origin: Origin,
    /// The host on which its files are, where the lock says that.
    pub host: Option<String>,
    /// What is said: sorted, nothing twice.
    pub files: Vec<Stated>,
    /// When it was said first.
    pub first: Moment,
    /// When it was said last.
    pub last: Moment,
    /// In how many versions of the lock it stood.
    pub versions: u32,
}

/// A lock: a path in a repository, through all of its history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lock {
    /// What the repository is called.
    pub repository: String,
    /// The path in it, with `/`.
    pub path: String,
}

impl fmt::Display for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.repository, self.path)
    }
}

/// A digest, and the file that it is said to be of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stated {
    /// The file's name; none in formats that give digests for a release.
    pub file: Option<String>,
    /// The digest.
    pub digest: Digest,
}

/// From where a lock takes a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The lock does not say: the index that everybody has.
    Default,
    /// These indexes, by URL without credentials, or by the name that the lock has for it.
    Index(String),
    /// One file at a URL on this host.
    Url(String),
    /// A file on disk.
    Local,
}

impl Origin {
    /// As a word: `default`, the index, `url:HOST`, `local`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::Index(index) => index.clone(),
            Self::Url(host) => format!("url:{host}"),
            Self::Local => "local".to_owned(),
        }
    }

    /// Of such a word.
    #[must_use]
    pub fn of_label(label: &str) -> Self {
        match (label, label.strip_prefix("url:")) {
            ("default", _) => Self::Default,
            ("local", _) => Self::Local,
            (_, Some(host)) => Self::Url(host.to_owned()),
            (index, None) => Self::Index(index.to_owned()),
        }
    }
}

/// A moment of a lock: a version of it, and the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The commit; none for what lies in a folder now.
    pub commit: Option<String>,
    /// When that commit was made.
    pub date: Option<Timestamp>,
    /// The line, from 1.
    pub line: u32,
}

impl Moment {
    /// What has no date is now.
    fn key(&self) -> Timestamp {
        self.date.unwrap_or(Timestamp::MAX)
    }
}

/// One digest of one file at one place, for those who keep them one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The project.
    pub project: ProjectName,
    /// The version in its normal form.
    pub version: Option<String>,
    /// The file, where the lock names it.
    pub file: Option<String>,
    /// The digest.
    pub digest: Digest,
    /// [`Origin::label`].
    pub origin: String,
    /// The name of the lock's format.
    pub format: String,
    /// The lock.
    pub lock: Lock,
    /// Where in its history, and at which line.
    pub at: Moment,
}

impl Statement {
    /// The pins that it consists of, at the first place.
    pub fn pins(&self) -> impl Iterator<Item = Pin> + '_ {
        self.files.iter().map(|stated| Pin {
            project: self.project.clone(),
            version: self.version.clone(),
            file: stated.file.clone(),
            digest: stated.digest.clone(),
            origin: self.origin.label(),
            format: self.format.clone(),
            lock: self.lock.clone(),
            at: self.first.clone(),
        })
    }

    /// `teapot 1.2`.
    #[must_use]
    pub fn release(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.project),
            None => self.project.to_string(),
        }
    }

    /// `app:uv.lock:12@0a1b2c3d4e5f`.
    #[must_use]
    pub fn place(&self) -> String {
        let at = self.first.commit.as_deref().map(|commit| commit.get(..12).unwrap_or(commit));
        let at = at.map(|at| format!("@{at}")).unwrap_or_default();
        format!("{}:{}{at}", self.lock, self.first.line)
    }

    /// Whether it is the page of an index, and not a lock.
    #[must_use]
    pub fn is_listing(&self) -> bool {
        self.format == LISTING
    }
}

/// What makes two statements the same one.
type Key = (Lock, ProjectName, Option<String>, Origin, Vec<Stated>);

/// Collects statements; what is said again only moves the first and the last moment.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    found: BTreeMap<Key, Statement>,
}

impl Statements {
    /// Takes one more.
    pub fn add(&mut self, mut statement: Statement) {
        statement.files.sort_unstable();
        statement.files.dedup();
        if statement.files.is_empty() {
            return;
        }
        let key = (
            statement.lock.clone(),
            statement.project.clone(),
            statement.version.clone(),
            statement.origin.clone(),
            statement.files.clone(),
        );
        match self.found.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(statement);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let known = place.get_mut();
                known.versions = known.versions.saturating_add(statement.versions);
                if statement.first.key() < known.first.key() {
                    known.first = statement.first;
                }
                if statement.last.key() >= known.last.key() {
                    known.last = statement.last;
                }
            }
        }
    }

    /// Takes pins one by one; those of one release at one place in one lock are one statement.
    #[must_use]
    pub fn of_pins(pins: impl IntoIterator<Item = Pin>) -> Self {
        type Place = (Lock, Option<String>, ProjectName, Option<String>, String);
        let mut found: BTreeMap<Place, Statement> = BTreeMap::new();
        for pin in pins {
            let place = (
                pin.lock.clone(),
                pin.at.commit.clone(),
                pin.project.clone(),
                pin.version.clone(),
                pin.origin.clone(),
            );
            let statement = found.entry(place).or_insert_with(|| Statement {
                lock: pin.lock,
                format: pin.format,
                project: pin.project,
                version: pin.version,
                origin: Origin::of_label(&pin.origin),
                host: None,
                files: Vec::new(),
                first: pin.at.clone(),
                last: pin.at,
                versions: 1,
            });
            statement.files.push(Stated { file: pin.file, digest: pin.digest });
        }
        let mut statements = Self::default();
        found.into_values().for_each(|statement| statements.add(statement));
        statements
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, by lock and release.
    #[must_use]
    pub fn into_vec(self) -> Vec<Statement> {
        self.found.into_values().collect()
    }
}

impl Extend<Statement> for Statements {
    fn extend<I: IntoIterator<Item = Statement>>(&mut self, statements: I) {
        statements.into_iter().for_each(|statement| self.add(statement));
    }
}
