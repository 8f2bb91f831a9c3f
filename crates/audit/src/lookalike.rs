//! Names on an index that a person can take for one of ours.
//!
//! Nothing is compared pairwise: for each of our names the confusable ones are generated and looked
//! up, partly with `typomania`; names that look the same when drawn are found by a common form. What
//! was found is then classified, because how alike two names are decides what is said of them.
//!
//! Two names that both are much used are two projects, and not a look-alike of each other. That can
//! only be known when the list says how much its names are used.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use countermark_packaging::name::ProjectName;
use typomania::checks::{Check, Omitted, Repeated, SwappedCharacters, SwappedWords, Version};
use typomania::{AuthorSet, Corpus, Package};

mod likeness;
mod list;

pub use likeness::{Likeness, LookAlike, classify};
pub use list::NameList;

/// Letters that may be put into a name.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

/// Words of a name that are tried in other orders; more have too many orders.
const MAXIMUM_WORDS: usize = 5;

/// A word that is in as many names is a word, and not a slip of the finger.
const COMMON: u32 = 3;

/// A name with at least a tenth of the use of ours is a project of its own.
const OWN_STANDING: u64 = 10;

/// For each of our names the look-alikes among others, the most alike first. Names that are ours are
/// no look-alikes. `uses` says how much names are used; it may be empty, and then nothing is said to
/// be a project of its own. When it is not, a name without a number is not used at all.
#[must_use]
pub fn find<'a>(
    ours: &BTreeSet<&'a ProjectName>,
    others: &'a BTreeSet<ProjectName>,
    uses: &BTreeMap<ProjectName, u64>,
) -> BTreeMap<&'a ProjectName, Vec<LookAlike<'a>>> {
    let by_text: HashMap<&str, &ProjectName> = others
        .iter()
        .filter(|name| !ours.contains(name))
        .map(|name| (name.as_str(), name))
        .collect();
    let words = words(by_text.keys().copied());
    let drawn_alike = drawn_alike(ours, by_text.values().copied());
    let corpus = Names(by_text.keys().copied().collect());
    let checks = checks();
    let mut found = BTreeMap::new();
    for &our in ours {
        let mut candidates = generated(our.as_str(), &corpus, &checks);
        candidates.extend(drawn_alike.get(our).into_iter().flatten().map(|&name| name.to_owned()));
        let mut alike: Vec<LookAlike<'a>> = candidates
            .iter()
            .filter_map(|candidate| by_text.get(candidate.as_str()).copied())
            .filter(|name| !stands_alone(our, name, uses))
            .filter_map(|name| {
                let likeness = classify(our.as_str(), name.as_str())?;
                let word = likeness::changed_word(name.as_str(), our.as_str());
                let common_word = words.get(word).is_some_and(|count| *count >= COMMON);
                if common_word && likeness == Likeness::Replaced {
                    return None;
                }
                Some(LookAlike { name, likeness, uses: uses.get(name).copied(), common_word })
            })
            .collect();
        alike.sort_by_key(|it| (std::cmp::Reverse(it.severity(our)), it.likeness, it.name));
        if !alike.is_empty() {
            found.insert(our, alike);
        }
    }
    found
}

/// Whether a name is used so much that it is nobody's imitation.
fn stands_alone(our: &ProjectName, other: &ProjectName, uses: &BTreeMap<ProjectName, u64>) -> bool {
    let count = |name| uses.get(name).copied().unwrap_or(0);
    let (ours, theirs) = (count(our), count(other));
    theirs > 0 && theirs.saturating_mul(OWN_STANDING) >= ours
}

/// In how many names each word is.
fn words<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u32> {
    let mut words: HashMap<&str, u32> = HashMap::new();
    for word in names.flat_map(|name| name.split('-')) {
        *words.entry(word).or_default() += 1;
    }
    words
}

/// Others whose form as drawn is that of one of ours.
fn drawn_alike<'a>(
    ours: &BTreeSet<&'a ProjectName>,
    others: impl Iterator<Item = &'a ProjectName>,
) -> BTreeMap<&'a ProjectName, Vec<&'a str>> {
    let mut by_form: HashMap<String, Vec<&'a ProjectName>> = HashMap::new();
    for &our in ours {
        by_form.entry(likeness::drawn(our.as_str())).or_default().push(our);
    }
    let mut found: BTreeMap<&'a ProjectName, Vec<&'a str>> = BTreeMap::new();
    for other in others {
        for our in by_form.get(&likeness::drawn(other.as_str())).into_iter().flatten() {
            found.entry(our).or_default().push(other.as_str());
        }
    }
    found
}

fn checks() -> Vec<Box<dyn Check>> {
    vec![
        Box::new(Omitted::new(ALPHABET)),
        Box::new(Repeated),
        Box::new(SwappedCharacters),
        Box::new(Version),
    ]
}

/// The names in the corpus that one change makes of ours.
fn generated(our: &str, corpus: &Names<'_>, checks: &[Box<dyn Check>]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut run = |check: &dyn Check| {
        // Looking up a name cannot fail here.
        let squats = check.check(corpus, our, &Nobody).unwrap_or_default();
        found.extend(squats.iter().map(|squat| squat.package().to_owned()));
    };
    checks.iter().for_each(|check| run(check.as_ref()));
    if (2..=MAXIMUM_WORDS).contains(&our.split('-').count()) {
        run(&SwappedWords::new("-"));
    }
    let mut look_up = |candidate: &str| {
        if corpus.0.contains(candidate) {
            found.insert(candidate.to_owned());
        }
    };
    letters_changed(our, &mut look_up);
    for candidate in likeness::with_other_affix(our) {
        look_up(&candidate);
    }
    found
}

/// Every name with one letter less, or with another letter in one place.
fn letters_changed(our: &str, look_up: &mut dyn FnMut(&str)) {
    let mut buffer = String::with_capacity(our.len());
    // Normalised names are ASCII, so that each byte is a letter.
    for position in 0..our.len() {
        let (before, after) = (&our[..position], &our[position + 1..]);
        buffer.clear();
        buffer.push_str(before);
        buffer.push_str(after);
        look_up(&buffer);
        if our.as_bytes()[position] == b'-' {
            continue;
        }
        for letter in ALPHABET.chars() {
            buffer.clear();
            buffer.push_str(before);
            buffer.push(letter);
            buffer.push_str(after);
            look_up(&buffer);
        }
    }
}

/// Names to look up. They have no authors: whose they are is decided before.
struct Names<'a>(HashSet<&'a str>);

impl Corpus for Names<'_> {
    fn contains_name(&self, name: &str) -> typomania::Result<bool> {
        Ok(self.0.contains(name))
    }

    fn get(&self, _name: &str) -> typomania::Result<Option<&dyn Package>> {
        Ok(None)
    }

    fn possible_squat(
        &self,
        corpus_name: &str,
        package_name: &str,
        _package: &dyn Package,
    ) -> typomania::Result<bool> {
        Ok(corpus_name != package_name && self.0.contains(corpus_name))
    }
}

struct Nobody;

impl Package for Nobody {
    fn authors(&self) -> &dyn AuthorSet {
        self
    }

    fn description(&self) -> Option<&str> {
        None
    }

    fn shared_authors(&self, _other: &dyn AuthorSet) -> bool {
        false
    }
}

impl AuthorSet for Nobody {
    fn contains(&self, _author: &str) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
