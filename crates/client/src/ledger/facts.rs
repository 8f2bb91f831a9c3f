//! Gathers what `facts.toml` says of files and roles: when a file was uploaded and by whom as the index
//! says, and what it adds to the file of the release before.
//!
//! Times, publishers and roles are the index's word, which nobody verified; they are held against what
//! the same index said earlier, and what was recorded is never replaced by a new word for the same file.
//! What a file adds is our own: both files are downloaded, hashed and looked into. Where anything that a
//! fact needs could not be had, there is no fact, and the reason is told: a file without one is covered
//! by no trust in its publisher.
//!
//! An index that says something of other bytes than the pinned ones says nothing of the pinned ones: its
//! entry has to have their digest, and the attestations in a provenance object have to be about it.

mod before;
mod publisher;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use countermark_ledger::fact::{Facts, FileFact, Roles};
use countermark_ledger::file::FileId;
use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple;
use countermark_packaging::version::Version;
use countermark_trust::Pin;
use countermark_trust::change::{Change, Contents};
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::listed::{parse_name, release_file};
use crate::contents::{self, read_contents};
use crate::index::{IndexClient, IndexPage};
use crate::receive::until_interrupted;
use crate::report::Note;
use crate::sight::Context;

/// Projects that are asked for at a time.
const AT_A_TIME: usize = 12;

/// Files that are looked into at once; both sides of each are in memory then.
const IN_HAND: usize = 8;

/// Names of one list that are written down; a release with more of them is not read by its facts.
const MOST_ADDED: usize = 200;

/// The longest path that is written down, in characters.
const LONGEST_PATH: usize = 200;

/// The codes of what is told.
pub mod codes {
    macro_rules! codes {
        ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
            $($(#[$documentation])* pub const $name: &str = $code;)*
        };
    }

    codes! {
        /// Something could not be had, so that there is no fact.
        UNKNOWN "facts-unknown"
        /// The index says what cannot be true of the pinned bytes.
        CONTRADICTED "facts-contradicted"
    }
}

/// The files of a release that a lock pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedFiles {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// Its files. Those of a lock that has digests only have an empty name.
    pub files: Vec<FileId>,
}

/// A release, and the one from which the pin moves; none where the project was not pinned.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The files that are asked about.
    pub after: &'a PinnedFiles,
    /// Files that were pinned before.
    pub before: Option<&'a PinnedFiles>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// A fact for each file of which everything is known, in the order of the questions.
    pub files: Vec<FileFact>,
    /// What is not known, and why.
    pub notes: Vec<Note>,
}

/// Who asks.
#[derive(Clone, Copy)]
pub struct Gatherer<'a> {
    /// What indexes say.
    pub index: &'a IndexClient,
    /// Where files come from.
    pub sight: Context<'a>,
    /// What was recorded.
    pub recorded: &'a Facts,
}

/// A file with what the index says of it.
struct Known {
    file: FileId,
    name: DistributionFilename,
    url: String,
    uploaded: Option<Date>,
    /// Where its provenance is, if the index says that it has one.
    provenance: Option<String>,
    /// Whether the index lists it.
    is_listed: bool,
}

/// A file and the one before it, with what is known of both.
struct Pair<'a> {
    after: &'a PinnedFiles,
    new: Known,
    old: Option<Known>,
}

impl Gatherer<'_> {
    /// Gathers facts of files; from a thread that runs nothing asynchronous. Of a run that the user
    /// stopped there are none.
    #[must_use]
    pub fn files(&self, questions: &[Question<'_>]) -> Gathered {
        let mut gathered = Gathered::default();
        if questions.is_empty() {
            return gathered;
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                gathered.unknown(format!("the network cannot be set up: {error}"));
                return gathered;
            }
        };
        let pages = runtime.block_on(self.pages(questions));
        let mut pairs = Vec::new();
        for question in questions {
            match pages.get(&question.after.project) {
                Some(Ok(pages)) => pairs.extend(pair_up(question, pages, &mut gathered)),
                Some(Err(reason)) => gathered.unknown(reason.clone()),
                None => {}
            }
        }
        let publishers = runtime.block_on(publisher::of_all(self, &pairs));
        drop(runtime);
        for (pairs, publishers) in pairs.chunks(IN_HAND).zip(publishers.chunks(IN_HAND)) {
            let adds = self.adds(pairs);
            for ((pair, publishers), adds) in pairs.iter().zip(publishers).zip(adds) {
                match fact(pair, publishers, adds) {
                    Ok(fact) => gathered.files.push(fact),
                    Err(note) => gathered.notes.push(note),
                }
            }
        }
        gathered
    }

    async fn pages(
        &self,
        questions: &[Question<'_>],
    ) -> BTreeMap<ProjectName, Result<Vec<IndexPage>, String>> {
        let names: BTreeSet<&ProjectName> =
            questions.iter().map(|question| &question.after.project).collect();
        let asking = names.into_iter().map(|project| async move {
            let pages = self.index.project_pages(project).await;
            (project.clone(), pages.map_err(|error| error.to_string()))
        });
        let all = stream::iter(asking).buffer_unordered(AT_A_TIME).collect::<Vec<_>>();
        tokio::select! {
            all = all => all.into_iter().collect(),
            () = until_interrupted(self.sight.interrupted) => BTreeMap::new(),
        }
    }

    /// What each file adds to the one before.
    fn adds(&self, pairs: &[Pair<'_>]) -> Vec<Result<Vec<String>, String>> {
        let sides: Vec<&Known> =
            pairs.iter().flat_map(|pair| [Some(&pair.new), pair.old.as_ref()]).flatten().collect();
        let files: Option<Vec<(ReleaseFile, Pin)>> =
            sides.iter().map(|known| known.to_fetch()).collect();
        // A digest that pins nothing leaves nothing to compare.
        let files = files.unwrap_or_default();
        let wanted: Vec<(&ReleaseFile, Pin)> =
            files.iter().map(|(file, pin)| (file, pin.clone())).collect();
        let mut fetched = contents::fetch(self.sight, &wanted).into_iter();
        let mut next = || -> Result<Contents, String> {
            let fetched = fetched.next().ok_or("it was not asked for")?;
            let fetched = fetched.map_err(|problem| problem.message)?;
            read_contents(fetched.distribution()).map_err(|error| error.to_string())
        };
        let mut adds = Vec::new();
        for pair in pairs {
            let new = next();
            let old = pair.old.as_ref().map(|_| next());
            adds.push(new.and_then(|new| Ok(added(&old.transpose()?.unwrap_or_default(), &new))));
        }
        adds
    }
}

impl Gathered {
    fn unknown(&mut self, message: String) {
        self.notes.push(Note::new(codes::UNKNOWN, message));
    }
}

impl Known {
    /// Something of the store, or a download; the digest is the pin.
    fn to_fetch(&self) -> Option<(ReleaseFile, Pin)> {
        let pin = Pin::new([Digest::from(self.file.digest)]).ok()?;
        Some((release_file(self.name.clone(), self.url.clone(), None), pin))
    }
}

/// What runs by itself or cannot be read, and was not there before.
fn added(before: &Contents, after: &Contents) -> Vec<String> {
    let change = Change::between(before, after);
    let mut names: Vec<String> =
        change.native.iter().chain(&change.pth).map(|path| shown(path)).collect();
    names.sort();
    names.dedup();
    if names.len() > MOST_ADDED {
        let more = names.len() - MOST_ADDED;
        names.truncate(MOST_ADDED);
        names.push(format!("and {more} more"));
    }
    names
}

/// A path of an archive, as a file of text can hold it.
fn shown(path: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || character.is_ascii_graphic();
    let mut shown: String = path
        .chars()
        .take(LONGEST_PATH)
        .flat_map(|character| {
            let escape = (!is_plain(character)).then(|| character.escape_unicode());
            escape.into_iter().flatten().chain(is_plain(character).then_some(character))
        })
        .collect();
    if path.chars().count() > LONGEST_PATH {
        shown.push('…');
    }
    shown
}

/// Each file of a question with the one before it.
fn pair_up<'a>(
    question: &Question<'a>,
    pages: &[IndexPage],
    gathered: &mut Gathered,
) -> Vec<Pair<'a>> {
    let project = &question.after.project;
    let listed = Listed::of(project, pages);
    let mut olds = Vec::new();
    for file in question.before.into_iter().flat_map(|before| &before.files) {
        match listed.find(file) {
            Ok(known) => olds.push(known),
            // Without the names of the files before it cannot be told which of them is meant.
            Err(note) => gathered.notes.push(note),
        }
    }
    let has_before = question.before.is_some_and(|before| !before.files.is_empty());
    let mut pairs = Vec::new();
    for file in &question.after.files {
        let new = match listed.find(file) {
            Ok(known) if known.is_listed => known,
            Ok(_) => {
                let message = format!("the index does not list `{}`", file.name);
                gathered.unknown(message);
                continue;
            }
            Err(note) => {
                gathered.notes.push(note);
                continue;
            }
        };
        let old = before::nearest(&new.name, olds.iter().map(|old| &old.name));
        if has_before && old.is_none() {
            let message =
                format!("`{}` cannot be compared: no file before it is known", new.file.name);
            gathered.unknown(message);
            continue;
        }
        let old = old.and_then(|position| listed.find(&olds[position].file).ok());
        pairs.push(Pair { after: question.after, new, old });
    }
    pairs
}

/// What the index lists of a project.
struct Listed<'a> {
    project: &'a ProjectName,
    by_digest: BTreeMap<Sha256, &'a simple::File>,
    by_name: BTreeMap<&'a str, &'a simple::File>,
}

impl<'a> Listed<'a> {
    fn of(project: &'a ProjectName, pages: &'a [IndexPage]) -> Self {
        let mut listed = Self { project, by_digest: BTreeMap::new(), by_name: BTreeMap::new() };
        for file in pages.iter().flat_map(|page| &page.page.files) {
            listed.by_name.entry(&file.filename).or_insert(file);
            if let Some(digest) = file.digests.iter().find_map(Digest::as_sha256) {
                // Where several entries claim it, the first one counts, as everywhere.
                listed.by_digest.entry(digest).or_insert(file);
            }
        }
        listed
    }

    /// A pinned file, as the index lists it; by its digest alone.
    fn find(&self, file: &FileId) -> Result<Known, Note> {
        let unknown = |message: String| Note::new(codes::UNKNOWN, message);
        let Some(found) = self.by_digest.get(&file.digest) else {
            if self.by_name.contains_key(file.name.as_str()) {
                let message = format!(
                    "the index lists `{}` with another digest than the lock, expected {}",
                    file.name, file.digest
                );
                return Err(Note::new(codes::CONTRADICTED, message));
            }
            let name = parse_name(self.project, &file.name).ok_or_else(|| {
                unknown(format!("the index does not list {} of {}", file.digest, self.project))
            })?;
            return Ok(Known {
                file: file.clone(),
                name,
                url: String::new(),
                uploaded: None,
                provenance: None,
                is_listed: false,
            });
        };
        if !file.name.is_empty() && file.name != found.filename {
            let message =
                format!("the index lists the bytes of `{}` as `{}`", file.name, found.filename);
            return Err(Note::new(codes::CONTRADICTED, message));
        }
        let name = parse_name(self.project, &found.filename).ok_or_else(|| {
            unknown(format!("`{}` is not the name of a file of {}", found.filename, self.project))
        })?;
        let uploaded = found.upload_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        Ok(Known {
            file: FileId { name: found.filename.clone(), digest: file.digest },
            name,
            url: found.url.clone(),
            uploaded: uploaded.map(|time| time.to_zoned(TimeZone::UTC).date()),
            provenance: found.provenance.clone(),
            is_listed: true,
        })
    }
}

fn fact(
    pair: &Pair<'_>,
    publishers: &Result<publisher::Both, Note>,
    adds: Result<Vec<String>, String>,
) -> Result<FileFact, Note> {
    let publishers = publishers.clone()?;
    let adds = adds.map_err(|reason| {
        let message = format!("`{}` cannot be compared: {reason}", pair.new.file.name);
        Note::new(codes::UNKNOWN, message)
    })?;
    Ok(FileFact {
        project: pair.after.project.clone(),
        version: pair.after.version.clone(),
        file: pair.new.file.clone(),
        uploaded: pair.new.uploaded,
        publisher: publishers.new,
        before: pair.old.as_ref().map(|old| old.file.clone()),
        publisher_before: publishers.old,
        adds,
    })
}

/// Who holds roles, from what a catalogue says: `owner alice`, `organization acme`. An organisation is
/// taken for an account, because its members are not told.
#[must_use]
pub fn roles(project: &ProjectName, said: &[String], on: Date) -> Roles {
    let account = |role: &String| {
        let name = role.split_once(' ').map_or(role.as_str(), |(_, name)| name);
        name.to_owned()
    };
    let mut accounts: Vec<String> = said.iter().map(account).collect();
    accounts.sort();
    accounts.dedup();
    Roles { project: project.clone(), accounts, on }
}

/// What was recorded with what is known now: facts of the same file and roles of the same project are
/// replaced, and roles that did not change keep the day on which the index said so first.
#[must_use]
pub fn merged(recorded: &Facts, files: Vec<FileFact>, roles: Vec<Roles>) -> Facts {
    let mut merged = recorded.clone();
    for one in roles {
        match merged.roles.iter_mut().find(|known| known.project == one.project) {
            Some(known) if known.accounts == one.accounts => {}
            Some(known) => *known = one,
            None => merged.roles.push(one),
        }
    }
    for one in files {
        match merged.files.iter_mut().find(|known| known.file.digest == one.file.digest) {
            Some(known) => *known = one,
            None => merged.files.push(one),
        }
    }
    merged.roles.sort_by(|a, b| a.project.cmp(&b.project));
    merged
        .files
        .sort_by(|a, b| (&a.project, &a.version, &a.file).cmp(&(&b.project, &b.version, &b.file)));
    merged
}

/// Of the releases before this one that the ledger knows files of, the newest with those files: what a
/// release is compared with where no lock says what was pinned before.
#[must_use]
pub fn known_before(
    loaded: &super::Loaded,
    project: &ProjectName,
    version: &Version,
) -> Option<PinnedFiles> {
    let is_before = |one: &ProjectName, other: &Version| one == project && other < version;
    let exempt = loaded.ledger.exemptions.iter();
    let exempt = exempt.filter(|it| is_before(&it.project, &it.version));
    let mut known: Vec<(Version, FileId)> = exempt
        .flat_map(|it| it.files.iter().map(|file| (it.version.clone(), file.clone())))
        .collect();
    let facts = loaded.facts.files.iter().filter(|it| is_before(&it.project, &it.version));
    known.extend(facts.map(|it| (it.version.clone(), it.file.clone())));
    for entry in loaded.reviews.iter() {
        let review = entry.review;
        if is_before(&review.project, &review.version) {
            known.extend(review.files.into_iter().map(|file| (review.version.clone(), file)));
        }
    }
    let newest = known.iter().map(|(version, _)| version).max()?.clone();
    let mut files: Vec<FileId> =
        known.into_iter().filter(|(version, _)| *version == newest).map(|(_, file)| file).collect();
    files.sort();
    files.dedup_by(|one, other| one.digest == other.digest);
    Some(PinnedFiles { project: project.clone(), version: newest, files })
}
