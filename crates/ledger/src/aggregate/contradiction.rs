//! What two ledgers cannot both be right about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::normalize;

use super::Part;
use crate::file::FileId;
use crate::format::section::{Definition, Section as _};

/// Which rule it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file that one reviewed and another knows to be bad.
    ReviewedAndBad,
    /// One author with keys that have nothing in common.
    AuthorKeys,
    /// One key of two authors.
    KeyAuthors,
    /// Two authors whose names differ in the case of letters alone.
    AuthorSpelling,
    /// One criterion with two meanings.
    CriterionMeaning,
    /// One digest that is said to be files of two releases, or to have two names.
    OneDigest,
    /// One file name of one release with two digests, also in another spelling.
    OneName,
}

/// Two statements that cannot both be true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contradiction {
    /// Which rule.
    pub kind: Kind,
    /// What is said, by whom.
    pub message: String,
    /// Where, as text, sorted.
    pub places: Vec<String>,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::ReviewedAndBad,
        Self::AuthorKeys,
        Self::KeyAuthors,
        Self::AuthorSpelling,
        Self::CriterionMeaning,
        Self::OneDigest,
        Self::OneName,
    ];

    /// Its stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ReviewedAndBad => "reviewed-and-bad",
            Self::AuthorKeys => "author-keys",
            Self::KeyAuthors => "key-authors",
            Self::AuthorSpelling => "author-spelling",
            Self::CriterionMeaning => "criterion-meaning",
            Self::OneDigest => "one-digest",
            Self::OneName => "one-name",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.code())
    }
}

/// A file as somebody named it.
struct Named<'a> {
    file: &'a FileId,
    /// Project and, where it is told, version.
    release: (&'a str, Option<String>),
    place: &'a Place,
}

pub(super) fn find(parts: &[Part]) -> Vec<Contradiction> {
    let named = named(parts);
    let mut found = Vec::new();
    found.extend(reviewed_and_bad(parts));
    found.extend(author_keys(parts));
    found.extend(key_authors(parts));
    found.extend(author_spelling(parts));
    found.extend(criterion_meaning(parts));
    found.extend(one_digest(&named));
    found.extend(one_name(&named));
    found
}

fn contradiction<'a>(
    kind: Kind,
    message: String,
    places: impl IntoIterator<Item = &'a Place>,
) -> Contradiction {
    let places: BTreeSet<String> = places.into_iter().map(ToString::to_string).collect();
    Contradiction { kind, message, places: places.into_iter().collect() }
}

fn named(parts: &[Part]) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    for part in parts {
        for (entry, _) in &part.reviews {
            let review = &entry.review;
            let release = || (review.project.as_str(), Some(review.version.to_string()));
            let files = review.files.iter();
            named.extend(files.map(|file| Named { file, release: release(), place: &entry.place }));
            if let crate::review::How::Delta { from, files } = &review.how {
                named.extend(files.iter().map(|file| Named {
                    file,
                    release: (review.project.as_str(), Some(from.to_string())),
                    place: &entry.place,
                }));
            }
        }
        for violation in &part.ledger.violations {
            let version = violation.version.as_ref().map(ToString::to_string);
            named.extend(violation.files.iter().map(|file| Named {
                file,
                release: (violation.project.as_str(), version.clone()),
                place: &violation.place,
            }));
        }
    }
    named
}

fn reviewed_and_bad(parts: &[Part]) -> Vec<Contradiction> {
    let mut bad: BTreeMap<Sha256, (&str, Vec<&Place>)> = BTreeMap::new();
    for violation in parts.iter().flat_map(|part| &part.ledger.violations) {
        for file in &violation.files {
            let (reason, places) =
                bad.entry(file.digest).or_insert((&violation.reason, Vec::new()));
            // The first reason in the order of text, whichever ledger comes first.
            *reason = (*reason).min(&violation.reason);
            places.push(&violation.place);
        }
    }
    let mut reviewed: BTreeMap<&FileId, Vec<&Place>> = BTreeMap::new();
    for (entry, _) in parts.iter().flat_map(|part| &part.reviews) {
        for file in entry.review.files.iter().filter(|file| bad.contains_key(&file.digest)) {
            reviewed.entry(file).or_default().push(&entry.place);
        }
    }
    let tell = |(file, places): (&FileId, Vec<&Place>)| {
        let (reason, violations) = bad.get(&file.digest)?;
        let message = format!("`{file}` was reviewed, and is known to be bad: {reason}");
        let places = places.into_iter().chain(violations.iter().copied());
        Some(contradiction(Kind::ReviewedAndBad, message, places))
    };
    reviewed.into_iter().filter_map(tell).collect()
}

/// Two ledgers that know an author by keys of which none is the same. A ledger that knows more keys than
/// another contradicts nobody.
fn author_keys(parts: &[Part]) -> Vec<Contradiction> {
    let mut authors: BTreeMap<&str, Vec<(BTreeSet<&str>, &Place)>> = BTreeMap::new();
    for part in parts {
        let mut of: BTreeMap<&str, (BTreeSet<&str>, &Place)> = BTreeMap::new();
        for key in &part.ledger.keys {
            of.entry(&key.author).or_insert((BTreeSet::new(), &key.place)).0.insert(&key.key);
        }
        for (author, keys) in of {
            authors.entry(author).or_default().push(keys);
        }
    }
    let tell = |(author, sets): (&str, Vec<(BTreeSet<&str>, &Place)>)| {
        let apart = sets.iter().any(|(one, _)| sets.iter().any(|(two, _)| one.is_disjoint(two)));
        apart.then(|| {
            let message = format!("`{author}` has other keys in one ledger than in another");
            contradiction(Kind::AuthorKeys, message, sets.iter().map(|(_, place)| *place))
        })
    };
    authors.into_iter().filter_map(tell).collect()
}

fn key_authors(parts: &[Part]) -> Vec<Contradiction> {
    let mut keys: BTreeMap<&str, BTreeMap<&str, Vec<&Place>>> = BTreeMap::new();
    for key in parts.iter().flat_map(|part| &part.ledger.keys) {
        keys.entry(&key.key).or_default().entry(&key.author).or_default().push(&key.place);
    }
    let tell = |authors: &BTreeMap<&str, Vec<&Place>>| {
        let names: Vec<String> = authors.keys().map(|name| format!("`{name}`")).collect();
        let message = format!("one key is that of {}", names.join(" and of "));
        contradiction(Kind::KeyAuthors, message, authors.values().flatten().copied())
    };
    keys.values().filter(|authors| authors.len() > 1).map(tell).collect()
}

fn author_spelling(parts: &[Part]) -> Vec<Contradiction> {
    let mut names: BTreeMap<String, BTreeMap<&str, &Place>> = BTreeMap::new();
    for part in parts {
        let keys = part.ledger.keys.iter().map(|key| (key.author.as_str(), &key.place));
        let reviews =
            part.reviews.iter().map(|(entry, _)| (entry.review.author.as_str(), &entry.place));
        for (author, place) in keys.chain(reviews) {
            let first =
                names.entry(author.to_lowercase()).or_default().entry(author).or_insert(place);
            if place.to_string() < first.to_string() {
                *first = place;
            }
        }
    }
    let tell = |spellings: &BTreeMap<&str, &Place>| {
        let all: Vec<String> = spellings.keys().map(|name| format!("`{name}`")).collect();
        let message = format!("{} may be one author", all.join(" and "));
        contradiction(Kind::AuthorSpelling, message, spellings.values().copied())
    };
    names.values().filter(|spellings| spellings.len() > 1).map(tell).collect()
}

/// A description, and what is implied.
type Meaning = (String, Vec<String>);

fn criterion_meaning(parts: &[Part]) -> Vec<Contradiction> {
    let mut meanings: BTreeMap<String, BTreeMap<Meaning, BTreeSet<&str>>> = BTreeMap::new();
    for part in parts {
        for one in Definition::of(&part.ledger) {
            let implies = one.implies.iter().map(ToString::to_string).collect();
            let meaning = meanings.entry(one.name.to_string()).or_default();
            meaning.entry((one.description, implies)).or_default().insert(&part.name);
        }
    }
    let tell = |(name, found): (&String, &BTreeMap<_, BTreeSet<&str>>)| {
        let who: BTreeSet<&str> = found.values().flatten().copied().collect();
        let who: Vec<&str> = who.into_iter().collect();
        let message =
            format!("the criterion `{name}` means different things in {}", who.join(", "));
        contradiction(Kind::CriterionMeaning, message, [])
    };
    meanings.iter().filter(|(_, found)| found.len() > 1).map(tell).collect()
}

fn one_digest(named: &[Named<'_>]) -> Vec<Contradiction> {
    let mut digests: BTreeMap<Sha256, Vec<&Named<'_>>> = BTreeMap::new();
    for one in named {
        digests.entry(one.file.digest).or_default().push(one);
    }
    let tell = |(digest, found): (&Sha256, &Vec<&Named<'_>>)| {
        let projects: BTreeSet<&str> = found.iter().map(|it| it.release.0).collect();
        let versions: BTreeSet<&String> =
            found.iter().filter_map(|it| it.release.1.as_ref()).collect();
        let names: BTreeSet<&str> = found.iter().map(|it| it.file.name.as_str()).collect();
        (projects.len() > 1 || versions.len() > 1 || names.len() > 1).then(|| {
            let said: BTreeSet<String> = found
                .iter()
                .map(|it| {
                    let version = it.release.1.as_deref().unwrap_or("of any version");
                    format!("`{}` of {} {version}", it.file.name, it.release.0)
                })
                .collect();
            let said: Vec<String> = said.into_iter().collect();
            let message = format!("{digest} is said to be {}", said.join(", and "));
            contradiction(Kind::OneDigest, message, found.iter().map(|it| it.place))
        })
    };
    digests.iter().filter_map(tell).collect()
}

fn one_name(named: &[Named<'_>]) -> Vec<Contradiction> {
    let mut names: BTreeMap<(&str, String), Vec<&Named<'_>>> = BTreeMap::new();
    for one in named {
        // Two spellings of a file name are one name for an index.
        names.entry((one.release.0, normalize(&one.file.name))).or_default().push(one);
    }
    let tell = |((project, _), found): (&(&str, String), &Vec<&Named<'_>>)| {
        let files: BTreeSet<String> = found.iter().map(|it| it.file.to_string()).collect();
        let digests: BTreeSet<Sha256> = found.iter().map(|it| it.file.digest).collect();
        (digests.len() > 1).then(|| {
            let files: Vec<String> = files.into_iter().map(|file| format!("`{file}`")).collect();
            let message = format!("one file of {project} is said to be {}", files.join(" and "));
            contradiction(Kind::OneName, message, found.iter().map(|it| it.place))
        })
    };
    names.iter().filter_map(tell).collect()
}
