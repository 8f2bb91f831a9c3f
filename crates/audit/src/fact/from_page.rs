//! From what an index answers to facts: its project page, and its JSON document of the project.
//!
//! A page lists files; a person thinks in releases. Which release a file is of is read from its name,
//! and matched with the versions that the page lists (PEP 700), whose spelling is the index's own.
//! Nothing of a page is dropped: an entry that an installer could not use is still a file that
//! somebody uploaded, and one that fits into no release is named in
//! [`ProjectFacts::unusable`] with what is known of it.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::{DistributionFilename, WheelFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::project_json::ProjectDocument;
use countermark_packaging::simple::{File, FileError, ProjectPage};
use countermark_packaging::version::Version;
use jiff::Timestamp;

use super::{FileKind, IndexFile, IndexRelease, Presence, ProjectFacts, Role, RoleKind};

/// Longest piece of the index's own words in a note, in characters.
const MAX_SHOWN: usize = 120;

/// Endings of files that indexes have held, longest first where one ends with another.
const ENDINGS: [&str; 14] = [
    ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.z", ".tgz", ".tar", ".zip", ".whl", ".egg", ".exe",
    ".msi", ".rpm", ".dmg", ".deb",
];

/// How what follows the version begins in the names of old kinds of files.
const PLATFORMS: [&str; 12] = [
    "py2", "py3", "linux", "macosx", "darwin", "win", "cygwin", "freebsd", "noarch", "x86_64",
    "amd64", "i686",
];

/// What a page says of a project that was asked for by `name`.
///
/// A page that says that it is another project's gives no facts of this one: it is
/// [`Presence::Unread`], with the reason.
#[must_use]
pub fn project_facts(name: &ProjectName, page: &ProjectPage) -> ProjectFacts {
    let mut facts = ProjectFacts::new(name.clone(), Presence::Present);
    facts.shown_name.clone_from(&page.name);
    if let Some(found) = page.name.as_deref().filter(|found| !is_called(name, found)) {
        let reason = format!("the page is that of `{}`, not of `{name}`", shown(found));
        facts.unusable.push(reason.clone());
        facts.presence = Presence::Unread(reason);
        return facts;
    }
    facts.status = page.status.marker;
    facts.status_reason.clone_from(&page.status.reason);
    facts.last_serial = page.last_serial;
    let mut releases = Releases::listed(page.versions.as_deref(), &mut facts.unusable);
    let mut seen = HashSet::new();
    let mut without_digest = 0_usize;
    for file in &page.files {
        if !seen.insert(file.filename.as_str()) {
            facts.unusable.push(format!("`{}` is listed more than once", shown(&file.filename)));
        }
        without_digest += usize::from(file.digests.iter().find_map(Digest::as_sha256).is_none());
        let file = index_file(file, &mut facts.unusable);
        releases.add(name, file, &mut facts.unusable);
    }
    for entry in &page.unusable {
        facts.unusable.push(format!(
            "`{}` cannot be used: {}",
            shown(&entry.filename),
            entry.reason
        ));
        // Somebody uploaded it all the same. A name that is no file name stays a line.
        if entry.reason != FileError::Filename {
            releases.add(name, bare_file(&entry.filename), &mut facts.unusable);
        }
    }
    if without_digest > 0 {
        facts.unusable.push(format!("{without_digest} of the files have no sha256 digest"));
    }
    facts.releases = releases.all;
    facts
}

/// Adds what the project's JSON document says of roles, or why it could not be had.
pub fn add_document(facts: &mut ProjectFacts, document: Result<&ProjectDocument, &str>) {
    let document = match document {
        Ok(document) => document,
        Err(reason) => {
            facts.unusable.push(format!("who holds roles is not known: {reason}"));
            return;
        }
    };
    if let Some(found) = document.name.as_deref().filter(|found| !is_called(&facts.name, found)) {
        let reason = "who holds roles is not known: the json document is that of";
        facts.unusable.push(format!("{reason} `{}`", shown(found)));
        return;
    }
    if let Some(name) = &document.name {
        facts.shown_name = Some(name.clone());
    }
    facts.last_serial = facts.last_serial.max(document.last_serial);
    match &document.ownership {
        Some(ownership) => {
            let role = |kind: &str, account: &str| Role {
                kind: RoleKind::parse(kind),
                account: account.to_owned(),
            };
            let roles = ownership.roles.iter().map(|one| role(&one.role, &one.user));
            facts.roles = Some(roles.collect());
            facts.organization.clone_from(&ownership.organization);
        }
        None => facts
            .unusable
            .push("who holds roles is not known: the json document has no `ownership`".to_owned()),
    }
}

fn is_called(name: &ProjectName, found: &str) -> bool {
    ProjectName::parse(found).is_ok_and(|found| found == *name)
}

fn index_file(file: &File, notes: &mut Vec<String>) -> IndexFile {
    let uploaded = file.upload_time.as_deref().and_then(|text| {
        let time = text.parse::<Timestamp>().ok();
        if time.is_none() {
            let filename = shown(&file.filename);
            notes.push(format!("the upload time of `{filename}`, `{}`, is none", shown(text)));
        }
        time
    });
    IndexFile {
        size: file.size,
        uploaded,
        sha256: file.digests.iter().find_map(Digest::as_sha256),
        yanked: file.yanked.clone(),
        ..bare_file(&file.filename)
    }
}

fn bare_file(filename: &str) -> IndexFile {
    IndexFile {
        filename: filename.to_owned(),
        kind: FileKind::of(filename),
        size: None,
        uploaded: None,
        sha256: None,
        yanked: None,
        inside: None,
    }
}

/// Releases while they are put together.
#[derive(Default)]
struct Releases {
    all: Vec<IndexRelease>,
    /// Whether the page lists its versions.
    is_listed: bool,
    by_text: HashMap<String, usize>,
    /// By the normal form of PEP 440, in which `1.0` and `1.0.0` are two.
    by_normal: HashMap<String, usize>,
    /// By value: `1.0` and `1.0.0` are one. Only of listed versions; without a list two spellings
    /// are two releases.
    by_value: HashMap<Version, usize>,
}

impl Releases {
    fn listed(versions: Option<&[String]>, notes: &mut Vec<String>) -> Self {
        let mut releases = Self { is_listed: versions.is_some(), ..Self::default() };
        for text in versions.unwrap_or_default() {
            if releases.by_text.contains_key(text) {
                notes.push(format!("version `{}` is listed more than once", shown(text)));
                continue;
            }
            let at = releases.push(text, Version::from_str(text).ok().as_ref());
            if let Ok(version) = Version::from_str(text) {
                releases.by_value.entry(version).or_insert(at);
            }
        }
        releases
    }

    fn push(&mut self, text: &str, version: Option<&Version>) -> usize {
        let at = self.all.len();
        self.all.push(IndexRelease { version: text.to_owned(), files: Vec::new() });
        self.by_text.insert(text.to_owned(), at);
        if let Some(version) = version {
            self.by_normal.entry(version.to_string()).or_insert(at);
        }
        at
    }

    fn add(&mut self, project: &ProjectName, mut file: IndexFile, notes: &mut Vec<String>) {
        let Some((text, kind)) = self.version_of(project, &file.filename) else {
            let digest = file.sha256.map(|it| format!(", sha256 {}", it.hex())).unwrap_or_default();
            let time = file.uploaded.map(|it| format!(", uploaded {it}")).unwrap_or_default();
            notes.push(format!(
                "`{}` is in no release, as its name says neither the project nor a version{digest}{time}",
                shown(&file.filename)
            ));
            return;
        };
        file.kind = kind;
        let version = Version::from_str(&text).ok();
        let known = self.by_text.get(&text).copied();
        let known = known.or_else(|| {
            let version = version.as_ref()?;
            let normal = self.by_normal.get(&version.to_string());
            normal.or_else(|| self.by_value.get(version)).copied()
        });
        let at = known.unwrap_or_else(|| {
            if self.is_listed {
                notes.push(format!(
                    "`{}` is of version `{}`, which the page does not list",
                    shown(&file.filename),
                    shown(&text)
                ));
            }
            self.push(&text, version.as_ref())
        });
        self.all[at].files.push(file);
    }

    /// The version that a file name says, as it is written there, and the kind of file.
    fn version_of(&self, project: &ProjectName, filename: &str) -> Option<(String, FileKind)> {
        let kind = FileKind::of(filename);
        let rest = after_name(project, filename);
        if kind == FileKind::Wheel && WheelFilename::parse(filename).is_ok() {
            return Some((filename.split('-').nth(1)?.to_owned(), kind));
        }
        let Some(rest) = rest else {
            // The name of another project in front of a version; a rule says what that means.
            let parsed = DistributionFilename::parse(filename).ok()?;
            return Some((parsed.version().to_string(), kind));
        };
        let stem = without_ending(rest)?;
        if self.by_text.contains_key(stem) || Version::from_str(stem).is_ok() {
            return Some((stem.to_owned(), kind));
        }
        // `x-extras-1.0.tar.gz` among the files of `x`.
        if stem.starts_with(|first: char| first.is_ascii_alphabetic())
            && let Ok(parsed) = DistributionFilename::parse(filename)
        {
            return Some((parsed.version().to_string(), kind));
        }
        // No valid version; what it is called is what a person has to see.
        if kind == FileKind::Wheel {
            let version = stem.split('-').next().filter(|text| !text.is_empty());
            return version.map(|text| (text.to_owned(), kind));
        }
        let (stem, is_package) = match filename.to_ascii_lowercase().ends_with(".rpm") {
            // `1.0-1.noarch`: the package's own release number is no part of the version.
            true => (stem.rsplit_once('-').map_or(stem, |(version, _)| version), true),
            false => (stem, false),
        };
        // Old kinds of files have the platform behind the version, and so have archives that are
        // built programs: `1.0.linux-x86_64`, `1.0-py2.7`, `1.0.win32-py2.7`.
        let cut = stem.char_indices().find(|(at, character)| {
            matches!(character, '-' | '.' | '_') && is_platform(&stem[at + 1..])
        });
        match cut {
            Some((at, _)) => Some((stem[..at].to_owned(), FileKind::Other)),
            None if is_package => Some((stem.to_owned(), FileKind::Other)),
            None => Some((stem.to_owned(), kind)),
        }
        .filter(|(text, _)| !text.is_empty())
    }
}

/// What follows the project's name and a `-`, the name in any spelling.
fn after_name<'a>(project: &ProjectName, filename: &'a str) -> Option<&'a str> {
    let at = filename.match_indices('-').map(|(at, _)| at).find(|at| {
        // A version may follow that could be part of a name; the first place where the name is
        // whole is the right one, as a version never is.
        is_called(project, &filename[..*at])
    })?;
    Some(&filename[at + 1..])
}

fn without_ending(filename: &str) -> Option<&str> {
    let lower = filename.to_ascii_lowercase();
    let ending = ENDINGS.into_iter().find(|ending| lower.ends_with(ending))?;
    filename.get(..filename.len() - ending.len())
}

fn is_platform(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    PLATFORMS.iter().any(|platform| lower.starts_with(platform))
}

/// The index's words, as they may be shown: short, and nothing that a terminal obeys.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests;
