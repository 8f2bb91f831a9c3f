//! What the rules look at: our ledger, reviews of ours and of others, facts, relations, and whoever
//! verifies signatures. Reviews and signatures come through narrow traits, so that nothing is parsed or
//! verified that decides nothing.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;

use crate::fact::{Facts, FileFact, Roles};
use crate::ledger::{AuthorKey, Exemption, Import, Ledger, Violation};
use crate::relation::Relation;
use crate::review::Review;
use crate::signature::PublicKey;

/// A review as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub review: Review,
    /// Where it stands.
    pub place: Place,
    /// Digest of its statement, which names it.
    pub id: Sha256,
}

/// The reviews of one ledger.
pub trait Reviews {
    /// Those that have this digest among their files, in any order.
    fn covering(&self, digest: &Sha256) -> Vec<Entry>;

    /// Those of a project, in any order. Only suggestions ask.
    fn of_project(&self, project: &ProjectName) -> Vec<Entry>;
}

/// Whoever knows which signatures count.
pub trait Signatures {
    /// Verifies the signature of a review with the keys that count for its origin.
    ///
    /// # Errors
    /// Why it does not count.
    fn verify(&self, origin: &Origin, review: &Review) -> Result<(), Refused>;
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// `review-unsigned`, `review-unknown-key`, `review-bad-signature` and so on.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// Whose ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Ours.
    Own,
    /// An imported one, by the name it has here.
    Import(String),
}

impl Origin {
    /// Its name, where it is an imported one.
    #[must_use]
    pub fn import(&self) -> Option<&str> {
        match self {
            Self::Own => None,
            Self::Import(name) => Some(name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.import().unwrap_or("our ledger"))
    }
}

/// An imported ledger.
#[derive(Clone, Copy)]
pub struct ImportedBook<'a> {
    /// What it is called here.
    pub name: &'a str,
    /// What it decided; only its criteria and violations are looked at.
    pub ledger: &'a Ledger,
    /// Its reviews.
    pub reviews: &'a dyn Reviews,
}

/// Everything that the rules look at. Files that one cannot find in it do not exist for them.
pub struct Book<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) sources: Vec<Source<'a>>,
    pub(crate) signatures: &'a dyn Signatures,
    roles: HashMap<&'a ProjectName, &'a Roles>,
    accounts: HashMap<&'a str, BTreeSet<&'a str>>,
    facts: HashMap<Sha256, Vec<&'a FileFact>>,
    relations: HashMap<Sha256, Vec<&'a Relation>>,
    exemptions: HashMap<Sha256, Vec<&'a Exemption>>,
    violations: HashMap<Sha256, Vec<(Origin, &'a Violation)>>,
}

/// Where reviews come from.
pub(crate) struct Source<'a> {
    pub(crate) origin: Origin,
    pub(crate) reviews: &'a dyn Reviews,
    /// What we decided about it and what it decided itself; none for our own.
    pub(crate) imported: Option<(&'a Import, &'a Ledger)>,
}

impl<'a> Book<'a> {
    /// Puts it together. An import that our ledger does not name brings violations only.
    #[must_use]
    pub fn new(
        ledger: &'a Ledger,
        own: &'a dyn Reviews,
        imports: &[ImportedBook<'a>],
        facts: &'a Facts,
        relations: &'a [Relation],
        signatures: &'a dyn Signatures,
    ) -> Self {
        // A project that nobody may release is one of which nothing is known.
        let roles = facts.roles.iter().filter(|roles| !roles.accounts.is_empty());
        let mut book = Self {
            ledger,
            sources: vec![Source { origin: Origin::Own, reviews: own, imported: None }],
            signatures,
            roles: roles.map(|roles| (&roles.project, roles)).collect(),
            accounts: accounts(ledger),
            facts: HashMap::new(),
            relations: HashMap::new(),
            exemptions: HashMap::new(),
            violations: HashMap::new(),
        };
        for fact in &facts.files {
            book.facts.entry(fact.file.digest).or_default().push(fact);
        }
        for relation in relations {
            book.relations.entry(relation.from.digest).or_default().push(relation);
            if relation.to.digest != relation.from.digest {
                book.relations.entry(relation.to.digest).or_default().push(relation);
            }
        }
        for exemption in &ledger.exemptions {
            for file in &exemption.files {
                book.exemptions.entry(file.digest).or_default().push(exemption);
            }
        }
        book.add_violations(&Origin::Own, ledger);
        let mut imports: Vec<_> = imports.iter().collect();
        // The order of imports changes nothing, not even which of two good reasons is given.
        imports.sort_by_key(|it| it.name);
        for it in imports {
            let origin = Origin::Import(it.name.to_owned());
            book.add_violations(&origin, it.ledger);
            if let Some(import) = ledger.imports.iter().find(|import| import.name == it.name) {
                let imported = Some((import, it.ledger));
                book.sources.push(Source { origin, reviews: it.reviews, imported });
            }
        }
        book
    }

    fn add_violations(&mut self, origin: &Origin, ledger: &'a Ledger) {
        for violation in &ledger.violations {
            for file in &violation.files {
                let known = self.violations.entry(file.digest).or_default();
                known.push((origin.clone(), violation));
            }
        }
    }

    /// Our ledger.
    #[must_use]
    pub fn ledger(&self) -> &'a Ledger {
        self.ledger
    }

    /// Who holds roles; none where it is not known.
    pub(crate) fn roles(&self, project: &ProjectName) -> Option<&'a Roles> {
        self.roles.get(project).copied()
    }

    /// The accounts of whoever has a key, by its text.
    pub(crate) fn accounts(&self, key: &AuthorKey) -> impl Iterator<Item = &'a str> {
        self.accounts.get(key.key.as_str()).into_iter().flatten().copied()
    }

    pub(crate) fn facts(&self, digest: &Sha256) -> &[&'a FileFact] {
        self.facts.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Relations on either side of which the file stands.
    pub(crate) fn relations(&self, digest: &Sha256) -> &[&'a Relation] {
        self.relations.get(digest).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn exemptions(&self, digest: &Sha256) -> &[&'a Exemption] {
        self.exemptions.get(digest).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn violations(&self, digest: &Sha256) -> &[(Origin, &'a Violation)] {
        self.violations.get(digest).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has_violations(&self) -> bool {
        !self.violations.is_empty()
    }
}

/// Who has a key is one person, whatever they are called: all accounts that our ledger gives them as one of
/// us are theirs as a reviewer of an import, too.
fn accounts(ledger: &Ledger) -> HashMap<&str, BTreeSet<&str>> {
    let lists = || std::iter::once(&ledger.keys).chain(ledger.imports.iter().map(|it| &it.keys));
    // A text that is no key was told by whoever opened the ledger.
    let person = |key: &AuthorKey| {
        let read = PublicKey::parse(&key.key);
        read.map_or_else(|_| key.key.clone().into_bytes(), |key| key.identity())
    };
    let mut by_person: HashMap<Vec<u8>, BTreeSet<&str>> = HashMap::new();
    for keys in lists() {
        let mut by_author: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for key in keys {
            let accounts = key.accounts.iter().map(String::as_str);
            by_author.entry(&key.author).or_default().extend(accounts);
        }
        for key in keys {
            by_person.entry(person(key)).or_default().extend(&by_author[key.author.as_str()]);
        }
    }
    let of = |key: &AuthorKey| by_person.get(&person(key)).cloned().unwrap_or_default();
    lists().flatten().map(|key| (key.key.as_str(), of(key))).collect()
}
