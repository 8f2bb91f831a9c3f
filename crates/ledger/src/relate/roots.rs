//! Which path of a source distribution a path of a wheel corresponds to.
//!
//! Each name at the top of a wheel comes from one folder, for all files below it: the root, `src`, or a
//! folder that a file of the build names. Nothing is looked for by its bytes in other places, or a
//! harmless file could be moved to where it does harm.

use std::collections::{BTreeMap, BTreeSet};

use super::side::{Place, Side, is_no_root};

/// The most words of the files of the build that are looked at.
const MAX_WORDS: usize = 100_000;

/// For each name at the top of a wheel the folder that it comes from, with its slash, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots<'a> {
    by_top: BTreeMap<&'a str, String>,
    words: BTreeSet<String>,
}

impl<'a> Roots<'a> {
    pub(super) fn find(source: &Side, wheel: &Side, places: &'a BTreeMap<Place, &str>) -> Self {
        let words = words(source);
        let mut tops: BTreeMap<&'a str, Vec<(&'a str, &str)>> = BTreeMap::new();
        for (place, raw) in places {
            if let Place::Site(path) = place {
                let top = path.split('/').next().unwrap_or_default();
                tops.entry(top).or_default().push((path, raw));
            }
        }
        let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for path in source.files.keys() {
            let mut start = 0;
            for part in path.split('/') {
                if let Some((top, _)) = tops.get_key_value(part) {
                    folders.entry(top).or_default().insert(&path[..start]);
                }
                start += part.len() + 1;
            }
        }
        let mut by_top = BTreeMap::new();
        for (top, files) in &tops {
            let same = |folder: &str| {
                let is_same = |(path, raw): &&(&str, &str)| {
                    let before = source.files.get(&format!("{folder}{path}"));
                    before.is_some_and(|before| {
                        wheel.files.get(*raw).is_some_and(|it| it.digest == before.digest)
                    })
                };
                files.iter().filter(is_same).count()
            };
            let candidates = folders.get(top).into_iter().flatten();
            let candidates = candidates.filter(|folder| is_root(folder, top, &words));
            // The most files; of folders with as many, the root before `src` before others.
            let rank = |folder: &&&str| match **folder {
                "" => 2,
                "src/" => 1,
                _ => 0,
            };
            let best = candidates.max_by_key(|folder| (same(folder), rank(folder)));
            if let Some(best) = best {
                by_top.insert(*top, (*best).to_owned());
            }
        }
        Self { by_top, words }
    }

    /// The path that corresponds.
    pub(super) fn path(&self, site: &str) -> Option<String> {
        let top = site.split('/').next()?;
        Some(format!("{}{site}", self.by_top.get(top)?))
    }

    /// Names at the top with their folders.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &str)> {
        self.by_top.iter().map(|(top, folder)| (*top, folder.as_str()))
    }

    /// Whether a file of the build has this text.
    pub(super) fn names(&self, text: &str) -> bool {
        self.words.contains(text)
    }
}

fn is_root(folder: &str, top: &str, words: &BTreeSet<String>) -> bool {
    if matches!(folder, "" | "src/") {
        return true;
    }
    let name = folder.trim_end_matches('/');
    if name.split('/').any(is_no_root) {
        return false;
    }
    let package = format!("{folder}{top}");
    words.contains(name)
        || words.contains(&package)
        || words.iter().any(|word| {
            word.strip_prefix(package.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
}

/// The texts in quotes in `pyproject.toml` and `setup.py`, and the words of `setup.cfg`, as paths.
fn words(source: &Side) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut add = |word: &str| {
        let word = word.trim().trim_start_matches("./").trim_end_matches("/*").trim_matches('/');
        if !word.is_empty() && words.len() < MAX_WORDS {
            words.insert(word.to_owned());
        }
    };
    for name in ["pyproject.toml", "setup.py"] {
        let text = source.text(name).map(String::from_utf8_lossy).unwrap_or_default();
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let mut rest = line;
            while let Some(start) = rest.find(['"', '\'']) {
                let quote = if rest[start..].starts_with('"') { '"' } else { '\'' };
                let Some((inner, after)) = rest[start + 1..].split_once(quote) else { break };
                add(inner);
                rest = after;
            }
        }
    }
    let text = source.text("setup.cfg").map(String::from_utf8_lossy).unwrap_or_default();
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        line.split([' ', '\t', '=', ',', ';']).for_each(&mut add);
    }
    words
}
