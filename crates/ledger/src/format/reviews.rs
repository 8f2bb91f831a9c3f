//! `reviews.toml` as a whole: blocks, and what they say when somebody asks.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::codes::TOO_LARGE;
use countermark_packaging::lock::{Place, SourceError};
use countermark_packaging::name::ProjectName;
use countermark_packaging::table::{MOST_MISTAKES, parse_utf8};
use sha2::Digest as _;

use super::blocks::{self, Block, Blocks};
use super::projects::Projects;
use super::{codes, limits, review};
use crate::review::{How, Review};
use crate::statement::StatementId;

const HEAD: &str = "\
# Reviews of files by their digest. One review is one block; blocks are sorted.
# Written by `countermark vet certify`; docs/ledger-format.md describes it.
";

/// A `reviews.toml`.
#[derive(Clone, Debug)]
pub struct ReviewFile {
    file: String,
    text: String,
    blocks: Blocks,
    /// Found when the first question asks for a project.
    projects: OnceLock<Projects>,
}

/// A review as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub review: Review,
    /// Where: its first line.
    pub place: Place,
    /// Its name.
    pub id: StatementId,
}

impl ReviewFile {
    /// A file without reviews.
    #[must_use]
    pub fn empty(file: &str) -> Self {
        Self::of(file, String::new(), Blocks::default())
    }

    fn of(file: &str, text: String, blocks: Blocks) -> Self {
        Self { file: file.to_owned(), text, blocks, projects: OnceLock::new() }
    }

    /// Reads a file whole. `file` is what it is called in messages.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file: &str, bytes: impl Into<Vec<u8>>) -> Result<Self, Vec<SourceError>> {
        let read = Self::scan(file, bytes.into()).map_err(|error| vec![error])?;
        let mut errors = blocks::check(file, &read.text, read.blocks.blocks.first().copied());
        if errors.is_empty() {
            errors = read.check_blocks();
        }
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }

    /// Opens a file that was read whole when its digest was recorded: blocks are read when they are
    /// asked for.
    ///
    /// # Errors
    /// When the bytes have another digest (`import-changed-on-disk`), or are too many.
    pub fn open(
        file: &str,
        bytes: impl Into<Vec<u8>>,
        expected: &Sha256,
    ) -> Result<Self, SourceError> {
        let bytes = bytes.into();
        let found = Sha256(sha2::Sha256::digest(&bytes).into());
        if found != *expected {
            let place = Place { file: file.to_owned(), line: 1, column: 1, span: 0..0 };
            let message = format!("expected {expected}, as it was fetched, found {found}");
            let hint = "what was fetched is not edited; `countermark vet import` fetches it again";
            return Err(SourceError {
                code: codes::CHANGED_ON_DISK,
                message,
                place,
                hint: Some(hint.to_owned()),
            });
        }
        Self::scan(file, bytes)
    }

    /// Opens bytes that were read whole before, as the caller knows by their digest: blocks are read when
    /// they are asked for.
    ///
    /// # Errors
    /// When there are too many of them.
    pub fn reopen(file: &str, bytes: impl Into<Vec<u8>>) -> Result<Self, SourceError> {
        Self::scan(file, bytes.into())
    }

    fn scan(file: &str, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let text = parse_utf8(file, &bytes, limits::REVIEWS)?;
        let text = if text.len() == bytes.len() {
            String::from_utf8(bytes).unwrap_or_default()
        } else {
            text.to_owned()
        };
        let blocks = Blocks::find(file, &text)?;
        Ok(Self::of(file, text, blocks))
    }

    fn check_blocks(&self) -> Vec<SourceError> {
        let mut errors = Vec::new();
        let mut seen: BTreeMap<StatementId, u32> = BTreeMap::new();
        for block in &self.blocks.blocks {
            match self.read(*block) {
                Ok(entry) => {
                    let line = entry.place.line;
                    if let Some(first) = seen.insert(entry.id, line) {
                        errors.push(SourceError {
                            code: codes::DUPLICATE_REVIEW,
                            message: format!("the same review stands at line {first} already"),
                            place: entry.place,
                            hint: Some("keep one of them; `countermark vet merge` does".to_owned()),
                        });
                    }
                }
                Err(found) => errors.extend(found),
            }
            if errors.len() > MOST_MISTAKES {
                errors.truncate(MOST_MISTAKES);
                let place = self.place(*block);
                let message = format!("there are more mistakes than the {MOST_MISTAKES} shown");
                errors.push(SourceError { code: TOO_LARGE, message, place, hint: None });
                break;
            }
        }
        errors
    }

    /// What the file is called.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many reviews it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.blocks.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.blocks.is_empty()
    }

    /// The reviews whose `files` name a digest, in the order of the file. A review of an opened file
    /// that cannot be read is none; [`Self::unreadable`] tells it.
    #[must_use]
    pub fn covering(&self, digest: &Sha256) -> Vec<Entry> {
        let entries = self.read_with(digest).filter_map(Result::ok);
        entries.filter(|entry| entry.review.files.iter().any(|it| it.digest == *digest)).collect()
    }

    /// The reviews of a project, in the order of the file. Reads little else.
    #[must_use]
    pub fn of_project(&self, project: &ProjectName) -> Vec<Entry> {
        let projects =
            self.projects.get_or_init(|| Projects::find(&self.text, &self.blocks.blocks));
        let numbers = projects.of(project.as_str()).into_iter();
        let entries = numbers.filter_map(|number| self.read(self.blocks.blocks[number]).ok());
        entries.filter(|entry| entry.review.project == *project).collect()
    }

    /// What is wrong with reviews that name a digest. Nothing in a file that was [`Self::parse`]d.
    #[must_use]
    pub fn unreadable(&self, digest: &Sha256) -> Vec<SourceError> {
        self.read_with(digest).filter_map(Result::err).flatten().collect()
    }

    fn read_with(&self, digest: &Sha256) -> impl Iterator<Item = Result<Entry, Vec<SourceError>>> {
        self.blocks.with(digest).map(|number| self.read(self.blocks.blocks[number]))
    }

    /// All reviews that can be read, in the order of the file: all of them in one that was
    /// [`Self::parse`]d.
    pub fn iter(&self) -> impl Iterator<Item = Entry> {
        self.blocks.blocks.iter().filter_map(|block| self.read(*block).ok())
    }

    fn place(&self, block: Block) -> Place {
        let span = 0..blocks::HEAD.len();
        let mut place = Place { file: self.file.clone(), line: 1, column: 1, span };
        block.shift(&mut place);
        place
    }

    fn read(&self, block: Block) -> Result<Entry, Vec<SourceError>> {
        match review::read(&self.file, &self.text[block.range()]) {
            Ok(review) => {
                Ok(Entry { id: StatementId::of(&review), review, place: self.place(block) })
            }
            Err(mut errors) => {
                errors.iter_mut().for_each(|error| block.shift(&mut error.place));
                Err(errors)
            }
        }
    }
}

/// Writes reviews, sorted, each once.
#[must_use]
pub fn write<'a>(reviews: impl IntoIterator<Item = &'a Review>) -> String {
    let mut reviews: Vec<(&Review, StatementId)> =
        reviews.into_iter().map(|review| (review, StatementId::of(review))).collect();
    // Of two that say the same, one with a signature comes first and stays.
    reviews.sort_by(|(one, one_id), (two, two_id)| {
        compare(one, two)
            .then(one_id.cmp(two_id))
            .then_with(|| two.signature.is_some().cmp(&one.signature.is_some()))
            .then_with(|| one.signature.cmp(&two.signature))
    });
    reviews.dedup_by(|second, first| second.1 == first.1);
    let mut text = HEAD.to_owned();
    for (found, _) in reviews {
        text.push('\n');
        review::write(&mut text, found);
    }
    text
}

/// The order of reviews in a file, but for the name of the statement, which comes last.
fn compare(one: &Review, two: &Review) -> Ordering {
    one.project
        .cmp(&two.project)
        .then_with(|| one.version.cmp(&two.version))
        .then_with(|| rank(&one.how).cmp(&rank(&two.how)))
        .then_with(|| one.on.cmp(&two.on))
        .then_with(|| one.author.cmp(&two.author))
}

fn rank(how: &How) -> u8 {
    match how {
        How::Full => 0,
        How::Delta { .. } => 1,
        How::Compiled => 2,
    }
}
