//! A plain table of releases: CSV or JSON Lines.
//!
//! The columns are `project` and `version`, and where they are known `file`, `sha256`, `size`, `date`,
//! `commit` and `repository`; several rows may speak of one release, a row for each file. A column
//! that is not known is refused, because a misspelt one would silently be missing. A row that cannot
//! be used is a problem with its place, and the others are read.
//!
//! CSV is that of RFC 4180, except that a row is a line: a quote that was forgotten then costs one
//! row and not all that follow.

mod csv;
mod json;

use std::io::Read;
use std::str::FromStr;
use std::sync::Arc;

use countermark_packaging::digest::Sha256;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use super::collected::{Collected, Interned};
use super::lines::{Line, Lines};
use super::names::last_component;
use super::setup::{PassedOver, Problems, Setup, list_of, parse_time, shown};
use super::{Documents, Source, SourceError};
use crate::federation::RecordsEntry;
use crate::record::{Commit, Known, OfficialFile, OfficialRelease, Records, Signature};

/// Longest table, in bytes.
const MAX_TABLE: u64 = 4 * 1024 * 1024 * 1024;

/// Most rows of a table.
const MAX_ROWS: u64 = 20_000_000;

/// The place of a release has its line up to this one; further down it is the file alone, which
/// millions of releases can share.
const MAX_PLACED: u32 = 200_000;

/// Endings of files with JSON Lines.
const JSON_LINES: &[&str] = &[".jsonl", ".ndjson"];

/// Endings of all tables.
const TABLES: &[&str] = &[".csv", ".tsv", ".jsonl", ".ndjson"];

/// Longest version, in bytes.
const MAX_VERSION: usize = 128;

/// What a row can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Project,
    Version,
    File,
    Sha256,
    Size,
    Date,
    Commit,
    Repository,
}

/// In the order of [`Row`].
const COLUMNS: [(&str, Column); 8] = [
    ("project", Column::Project),
    ("version", Column::Version),
    ("file", Column::File),
    ("sha256", Column::Sha256),
    ("size", Column::Size),
    ("date", Column::Date),
    ("commit", Column::Commit),
    ("repository", Column::Repository),
];

/// One row: a text for each of [`COLUMNS`], empty when it is not said.
type Row<'r> = [&'r str; COLUMNS.len()];

/// See the module.
#[derive(Debug)]
pub struct Table<'a> {
    setup: Setup<'a>,
}

impl<'a> Table<'a> {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(entry: &'a RecordsEntry) -> Result<Self, SourceError> {
        Ok(Self { setup: Setup::new(entry, &[])? })
    }

    fn read_table(
        &self,
        path: &str,
        reader: Box<dyn Read + '_>,
        collected: &mut Collected,
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let file = self.setup.file(path);
        let mut problems = Problems::of(&file);
        let mut reading = Reading::new(&self.setup, &file, collected);
        let mut lines = Lines::new(reader);
        let unreadable = |reason: String| SourceError::Unreadable { what: file.clone(), reason };
        let is_json = JSON_LINES.iter().any(|ending| path.ends_with(ending));
        let mut csv = None;
        let mut rows = 0;
        while let Some(line) = lines.next().map_err(|error| unreadable(error.to_string()))? {
            let (number, text) = match line {
                Line::Text(number, text) => (number, text),
                Line::Unusable(number, reason) => {
                    problems.add(records, Some((number, 1)), reason);
                    continue;
                }
            };
            if text.trim_ascii().is_empty() || (!is_json && text.starts_with('#')) {
                continue;
            }
            rows += 1;
            if rows > MAX_ROWS {
                let limit = MAX_ROWS;
                return Err(SourceError::TooLarge { what: file, limit, unit: "rows" });
            }
            let read = if is_json {
                json::read(text, |row, column_of| reading.add(number, row, column_of))
            } else if let Some(csv) = &mut csv {
                csv::Reader::read(csv, text, |row, column_of| reading.add(number, row, column_of))
            } else {
                let delimiter = if path.ends_with(".tsv") { b'\t' } else { b',' };
                csv = Some(csv::Reader::new(text, delimiter).map_err(|refused| {
                    SourceError::NotThis {
                        what: format!("{file}:{number}:{}: {}", refused.column, refused.what),
                        expected: refused.expected,
                    }
                })?);
                continue;
            };
            if let Err((column, reason)) = read {
                problems.add(records, Some((number, column)), reason);
            }
        }
        let (others, invalid) = reading.finish();
        problems.finish(records);
        if let Some(project) = &self.setup.project {
            others.say(records, &format!("rows of {file} that are not of `{project}`, left out"));
        }
        invalid
            .say(records, &format!("versions in {file} that are not of PEP 440, kept as written"));
        if rows == 0 {
            return Err(unreadable("it has no rows".to_owned()));
        }
        Ok(())
    }
}

impl Source for Table<'_> {
    fn describe(&self) -> String {
        format!("the table of releases in {}", self.setup.location())
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        let paths = self.setup.files(TABLES, documents)?;
        if paths.is_empty() {
            return Err(SourceError::NotThis {
                what: self.setup.location().to_owned(),
                expected: format!("a table, nor a folder with files in {}", list_of(TABLES)),
            });
        }
        let mut collected = Collected::of_the_index();
        let mut first_error = None;
        for path in &paths {
            let gone = || SourceError::Unreadable {
                what: self.setup.file(path),
                reason: "it is gone".to_owned(),
            };
            let read = documents
                .open(path, MAX_TABLE)
                .and_then(|reader| reader.ok_or_else(gone))
                .and_then(|reader| self.read_table(path, reader, &mut collected, records));
            if let Err(error) = read {
                if paths.len() > 1 {
                    let file = self.setup.file(path);
                    Problems::of(&file).add(records, None, error.to_string());
                }
                first_error = first_error.or(Some(error));
            }
        }
        if let Some(error) = first_error.filter(|_| paths.len() == 1 || collected.is_empty()) {
            return Err(error);
        }
        collected.finish(self.setup.is_undated(), records);
        self.setup.finish(self.describe(), true, documents, records)
    }
}

/// Why a row cannot be used: its column, from 1, and the reason.
type Refused = (u32, String);

/// What is kept between rows.
struct Reading<'r> {
    setup: &'r Setup<'r>,
    file: &'r str,
    place: Arc<str>,
    collected: &'r mut Collected,
    repositories: Interned,
    /// Rows that follow each other are often of one day.
    last_date: (String, Option<Timestamp>),
    others: PassedOver,
    invalid: PassedOver,
}

impl<'r> Reading<'r> {
    fn new(setup: &'r Setup<'r>, file: &'r str, collected: &'r mut Collected) -> Self {
        Self {
            setup,
            file,
            place: file.into(),
            collected,
            repositories: Interned::default(),
            last_date: (String::new(), None),
            others: PassedOver::default(),
            invalid: PassedOver::default(),
        }
    }

    fn finish(self) -> (PassedOver, PassedOver) {
        (self.others, self.invalid)
    }

    /// `column_of` tells where in the line a column stands, for what is refused.
    fn add(
        &mut self,
        number: u32,
        row: &Row<'_>,
        column_of: &dyn Fn(Column) -> u32,
    ) -> Result<(), Refused> {
        let [project, version, file, sha256, size, date, commit, repository] = *row;
        let refused = |column: Column, reason: String| (column_of(column), reason);
        let project = self
            .collected
            .project(project)
            .map_err(|error| refused(Column::Project, error.to_string()))?;
        if !self.setup.wants(self.collected.name(project)) {
            self.others.add(row[0]);
            return Ok(());
        }
        if version.is_empty() || version.len() > MAX_VERSION || has_control(version) {
            let reason = format!("`{}` is no version", shown(version));
            return Err(refused(Column::Version, reason));
        }
        let file = official_file(file, sha256, size).map_err(|(column, it)| refused(column, it))?;
        let commit = match commit {
            "" => None,
            text => Some(Commit::parse(text).ok_or_else(|| {
                let reason = format!("`{}` is no whole name of a commit", shown(text));
                refused(Column::Commit, reason)
            })?),
        };
        if repository.len() > MAX_VERSION * 2 || has_control(repository) {
            let reason = format!("`{}` is no name of a repository", shown(repository));
            return Err(refused(Column::Repository, reason));
        }
        let approved = self.date(date).map_err(|reason| refused(Column::Date, reason))?;
        if !is_plainly_valid(version) && Version::from_str(version).is_err() {
            self.invalid.add(version);
        }
        let place = match number {
            0..=MAX_PLACED => Arc::from(format!("{}:{number}", self.file)),
            _ => self.place.clone(),
        };
        let repository = Some(repository).filter(|text| !text.is_empty());
        let release = OfficialRelease {
            version: version.into(),
            repository: repository.map(|text| self.repositories.text(text)),
            commit,
            series: None,
            approved,
            known: Known::Listed,
            files: file.into_iter().collect(),
            expects_rebuild: false,
            place: Some(place),
        };
        self.collected.add(project, release);
        Ok(())
    }

    fn date(&mut self, text: &str) -> Result<Option<Timestamp>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        if self.last_date.0 != text {
            let time = parse_time(text);
            let reason = || format!("`{}` is no day and no time (`2026-01-31`)", shown(text));
            self.last_date = (text.to_owned(), Some(time.ok_or_else(reason)?));
        }
        Ok(self.last_date.1)
    }
}

fn official_file(
    file: &str,
    sha256: &str,
    size: &str,
) -> Result<Option<OfficialFile>, (Column, String)> {
    if file.is_empty() {
        let alone = |column| (column, "there is no `file` that this could be of".to_owned());
        return match (sha256, size) {
            ("", "") => Ok(None),
            ("", _) => Err(alone(Column::Size)),
            _ => Err(alone(Column::Sha256)),
        };
    }
    if last_component(file) != Some(file) {
        return Err((Column::File, format!("`{}` is no name of a file", shown(file))));
    }
    let sha256 = match sha256 {
        "" => None,
        text => {
            // Other tools of ours write the algorithm before the digits.
            let digits = text.strip_prefix("sha256:").unwrap_or(text);
            let digest = Sha256::parse_hex(digits);
            Some(digest.map_err(|error| (Column::Sha256, error.to_string()))?)
        }
    };
    let size = match size {
        "" => None,
        text => {
            let reason = || (Column::Size, format!("`{}` is no number of bytes", shown(text)));
            Some(text.parse().map_err(|_| reason())?)
        }
    };
    let signature = Signature::NotLooked;
    Ok(Some(OfficialFile { filename: file.into(), sha256, size, signature }))
}

/// The usual form, `1.2.3`, known without reading it as a version: tables are long.
fn is_plainly_valid(version: &str) -> bool {
    version.split('.').all(|part| {
        !part.is_empty() && part.len() < 10 && part.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
