//! Names that many people install, and what can be taken for one of them.
//!
//! The list (`popular.txt`) is written by hand from what is generally known; it is never fetched and
//! claims nothing about any project on it. A name that is missing from it is not protected, and that
//! is all that its absence means.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use countermark_packaging::name::ProjectName;

use crate::likeness::{Likeness, classify, drawn, is_slip_of};

const LIST: &str = include_str!("popular.txt");

/// Beginnings and ends that honest names put around a popular one: types, plugins, bindings.
const FAMILIES: [&str; 12] = [
    "types", "stubs", "python", "py", "pytest", "django", "flask", "sphinx", "apache", "google",
    "aws", "azure",
];

/// A popular name for which another can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike {
    /// The popular name.
    pub name: &'static str,
    /// How they are alike.
    pub likeness: Likeness,
}

struct Popular {
    names: Vec<&'static str>,
    set: HashSet<&'static str>,
    by_form: HashMap<String, &'static str>,
}

static POPULAR: LazyLock<Popular> = LazyLock::new(|| {
    let lines = LIST.lines().map(|line| line.split('#').next().unwrap_or_default());
    let names: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    // Where two popular names are drawn alike, either of them is the answer.
    let by_form = names.iter().map(|name| (drawn(name), *name)).collect();
    Popular { set: names.iter().copied().collect(), by_form, names }
});

/// Whether a name is on the list.
#[must_use]
pub fn is_popular(name: &ProjectName) -> bool {
    POPULAR.set.contains(name.as_str())
}

/// The popular name for which this one can be taken; none for popular names themselves, for names
/// that are no more alike than honest names are, and for those of well-known families.
#[must_use]
pub fn look_alike(name: &ProjectName) -> Option<Alike> {
    let popular = &*POPULAR;
    let text = name.as_str();
    if popular.set.contains(text) || is_family_member(text) {
        return None;
    }
    if let Some(&other) = popular.by_form.get(&drawn(text)) {
        let likeness = classify(other, text)?;
        return (likeness == Likeness::Separators || is_slip_of(other, text, likeness))
            .then_some(Alike { name: other, likeness });
    }
    popular
        .names
        .iter()
        .filter(|other| is_near(other, text))
        .filter_map(|other| Some(Alike { name: other, likeness: classify(other, text)? }))
        .filter(|alike| is_slip_of(alike.name, text, alike.likeness))
        .min_by_key(|alike| alike.likeness)
}

/// Whether one slip could lie between two names: what they begin and end with alike is all but two
/// letters of them. Spares the whole comparison for almost all names of the list.
fn is_near(one: &str, other: &str) -> bool {
    let least = one.len().min(other.len());
    let same =
        |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    one.len().abs_diff(other.len()) <= 1
        && same(&mut one.bytes().zip(other.bytes()))
            + same(&mut one.bytes().rev().zip(other.bytes().rev()))
            + 2
            >= least
}

/// Whether it is a popular name with a word before or after it that says how both are related.
fn is_family_member(name: &str) -> bool {
    FAMILIES.iter().any(|family| {
        let rest = name.strip_prefix(family).and_then(|rest| rest.strip_prefix('-'));
        let rest = rest.or_else(|| name.strip_suffix(family)?.strip_suffix('-'));
        rest.is_some_and(|rest| POPULAR.set.contains(rest))
    })
}

#[cfg(test)]
mod tests;
