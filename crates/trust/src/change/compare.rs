//! Two releases, file by file.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::requirement::Requirement;

use super::{Change, Contents, FileKind};

impl Change {
    /// What moved from one release to another. Versions, times and roles are not known here; whoever
    /// knows them adds them.
    #[must_use]
    pub fn between(before: &Contents, after: &Contents) -> Self {
        let had = |kind: FileKind| -> BTreeSet<String> {
            let files = before.files.iter().filter(|(_, file)| file.kind == kind);
            files.map(|(path, _)| place(path)).collect()
        };
        let kept = data_folders(before);
        let new_of = |kind: FileKind| {
            let places = had(kind);
            let files = after.files.iter().filter(|(_, file)| file.kind == kind);
            files
                .filter(|(path, _)| {
                    let was = before.files.get(*path).map(|file| file.kind);
                    let is_one_more = kind == FileKind::Opaque
                        && data_folder(path).is_some_and(|it| kept.contains(&it));
                    let has_place = places.contains(&place(path)) || is_one_more;
                    was != Some(kind) && !(was.is_none() && has_place)
                })
                .map(|(path, _)| path.clone())
                .collect()
        };
        let is_other = |path: &String| {
            before.files.get(path).map(|file| file.digest)
                != after.files.get(path).map(|file| file.digest)
        };
        let pth = after.files.iter().filter(|(_, file)| file.kind == FileKind::Pth);
        let names = |contents: &Contents| -> BTreeSet<String> {
            contents.requires.iter().map(|requirement| project(requirement)).collect()
        };
        Self {
            before: None,
            before_uploaded: None,
            sizes: Some((before.size, after.size)),
            added: after
                .files
                .keys()
                .filter(|it| !before.files.contains_key(*it))
                .cloned()
                .collect(),
            removed: before
                .files
                .keys()
                .filter(|it| !after.files.contains_key(*it))
                .cloned()
                .collect(),
            modified: after
                .files
                .keys()
                .filter(|path| before.files.contains_key(*path) && is_other(path))
                .cloned()
                .collect(),
            pth: pth.map(|(path, _)| path.clone()).filter(|path| is_other(path)).collect(),
            native: new_of(FileKind::Native),
            opaque: new_of(FileKind::Opaque),
            scripts: after.scripts.difference(&before.scripts).cloned().collect(),
            top_level: both(&before.top_level, &after.top_level),
            requires: both(&before.requires, &after.requires),
            new_dependencies: names(after).difference(&names(before)).cloned().collect(),
            license: (before.license != after.license)
                .then(|| (before.license.clone(), after.license.clone())),
            roles: None,
        }
    }

    /// What moved in either of two files of the same releases; sizes, licence and roles are those of the
    /// first.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        let lists = [
            (&mut self.added, &other.added),
            (&mut self.removed, &other.removed),
            (&mut self.modified, &other.modified),
            (&mut self.pth, &other.pth),
            (&mut self.native, &other.native),
            (&mut self.opaque, &other.opaque),
            (&mut self.scripts, &other.scripts),
            (&mut self.top_level.0, &other.top_level.0),
            (&mut self.top_level.1, &other.top_level.1),
            (&mut self.requires.0, &other.requires.0),
            (&mut self.requires.1, &other.requires.1),
            (&mut self.new_dependencies, &other.new_dependencies),
        ];
        for (list, more) in lists {
            let new: Vec<String> = more.iter().filter(|one| !list.contains(one)).cloned().collect();
            list.extend(new);
        }
        self.license = self.license.or_else(|| other.license.clone());
        self
    }

    /// Whether nothing moved but versions and times.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let without = Self { before: None, before_uploaded: None, sizes: None, ..self.clone() };
        without == Self::default()
    }
}

/// So many files of one ending in one folder are a collection, and one more of them is its next part.
const COLLECTION: usize = 3;

/// Folders in which a release kept opaque data, by the ending of its files. Whoever hides something
/// in one more of them could hide it in those that are there.
fn data_folders(contents: &Contents) -> BTreeSet<(&str, &str)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let opaque = contents.files.iter().filter(|(_, file)| file.kind == FileKind::Opaque);
    for folder in opaque.filter_map(|(path, _)| data_folder(path)) {
        *counts.entry(folder).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count >= COLLECTION).map(|(folder, _)| folder).collect()
}

/// Folder and ending of a data file; none of programs, also packed and compiled ones.
fn data_folder(path: &str) -> Option<(&str, &str)> {
    const PROGRAMS: [&str; 12] =
        ["py", "pyw", "pyc", "pyo", "js", "mjs", "cjs", "jar", "whl", "egg", "pyz", "pyzw"];
    let (folder, name) = path.rsplit_once('/')?;
    let (_, ending) = name.rsplit_once('.')?;
    (!PROGRAMS.contains(&ending.to_ascii_lowercase().as_str())).then_some((folder, ending))
}

/// New and gone.
fn both(before: &BTreeSet<String>, after: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    (after.difference(before).cloned().collect(), before.difference(after).cloned().collect())
}

/// The project that a requirement is about.
fn project(requirement: &str) -> String {
    match Requirement::parse(requirement) {
        Ok(requirement) => requirement.name.to_string(),
        // What cannot be read is its own name: it is new when it was not there.
        Err(_) => requirement.to_owned(),
    }
}

/// The path without what differs between honest builds of one file: numbers, the Python and the
/// platform of an extension module, and the digest that a repaired wheel puts into the name of a
/// library.
fn place(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let is_library = [".so", ".pyd", ".dll", ".dylib"].iter().any(|end| lower.ends_with(end))
        || lower.contains(".so.");
    let mut stem = name;
    if is_library {
        stem = name.split('.').next().unwrap_or(name);
        if let Some((start, end)) = stem.rsplit_once('-')
            && (8..=64).contains(&end.len())
            && end.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            stem = start;
        }
    }
    let mut place = String::with_capacity(path.len());
    let mut in_number = false;
    for character in folder.chars().chain("/".chars()).chain(stem.chars()) {
        let is_digit = character.is_ascii_digit();
        if !is_digit || !in_number {
            place.push(if is_digit { '#' } else { character });
        }
        in_number = is_digit;
    }
    if is_library { place + "|library" } else { place }
}
