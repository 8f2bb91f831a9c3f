//! The list of digests, format `countermark-digests/1`: one line a digest of a file, sorted, the same
//! for the same locks, so that it can be kept in a git repository and searched with `grep`.
//!
//! ```text
//! sha256:e796… teapot-1.2.tar.gz teapot 1.2 pins=2 first=2026-01-01 where=app:uv.lock:12@0a1b2c3d4e5f,web:poetry.lock:40
//! ```
//!
//! `-` stands for a file or version that no lock tells, and for a day that is not known. At most
//! [`MAXIMUM_PLACES`] places are named. White space, commas and what acts on a terminal are written as
//! `%XX` in names.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_report::harmless::acts;
use jiff::Timestamp;

use super::statement::{Lock, Moment, Origin, Statement, Statements};

/// The name of the format, in the first line.
pub const FORMAT: &str = "countermark-digests/1";

/// The most places of a line.
pub const MAXIMUM_PLACES: usize = 8;

/// The most lines that are read.
pub const MAXIMUM_LINES: usize = 20_000_000;

type Row<'a> = (&'a ProjectName, Option<&'a str>, Option<&'a str>, &'a Digest);

#[derive(Default)]
struct Places<'a> {
    locks: BTreeSet<&'a Lock>,
    first: Option<Timestamp>,
    shown: BTreeSet<String>,
}

/// Writes the list.
#[must_use]
pub fn write(statements: &[Statement]) -> String {
    let of_locks = || statements.iter().filter(|statement| !statement.is_listing());
    // A digest without a name is that of the file that another lock names.
    let mut names: BTreeMap<(&ProjectName, &Digest), &str> = BTreeMap::new();
    for statement in of_locks() {
        for stated in &statement.files {
            if let Some(file) = &stated.file {
                let known = names.entry((&statement.project, &stated.digest)).or_insert(file);
                *known = (*known).min(file);
            }
        }
    }
    let mut rows: BTreeMap<Row<'_>, Places<'_>> = BTreeMap::new();
    for statement in of_locks() {
        for stated in &statement.files {
            let known = || names.get(&(&statement.project, &stated.digest)).copied();
            let file = stated.file.as_deref().or_else(known);
            let row = (&statement.project, statement.version.as_deref(), file, &stated.digest);
            let places = rows.entry(row).or_default();
            places.locks.insert(&statement.lock);
            places.first = places.first.into_iter().chain(statement.first.date).min();
            places.shown.insert(place(statement));
        }
    }
    let mut text = format!("# {FORMAT}: digest file project version pins first where\n");
    for ((project, version, file, digest), places) in rows {
        let first = places.first.map(|date| date.strftime("%Y-%m-%d").to_string());
        let shown: Vec<String> = places.shown.into_iter().take(MAXIMUM_PLACES).collect();
        text.push_str(&format!(
            "{digest} {} {project} {} pins={} first={} where={}\n",
            escaped(file.unwrap_or("-")),
            escaped(version.unwrap_or("-")),
            places.locks.len(),
            first.as_deref().unwrap_or("-"),
            shown.join(","),
        ));
    }
    text
}

fn place(statement: &Statement) -> String {
    let commit = statement.first.commit.as_deref();
    let commit = commit.map(|commit| format!("@{}", commit.get(..12).unwrap_or(commit)));
    format!(
        "{}:{}:{}{}",
        escaped(&statement.lock.repository).replace(':', "%3A"),
        escaped(&statement.lock.path).replace('@', "%40"),
        statement.first.line,
        commit.unwrap_or_default()
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || acts(c) || matches!(c, '%' | ',') {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Why a text is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Another format.
    #[error("the first line does not name the format `{FORMAT}`")]
    Format,
    /// A line that is none of a list.
    #[error("line {line}: {reason}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too long.
    #[error("more than {MAXIMUM_LINES} lines are not read")]
    TooLong,
}

/// Reads a list back. It names some of the places and no index, so that a report of it may explain
/// less than one of the locks themselves.
///
/// # Errors
/// See [`ListError`].
pub fn parse(text: &str) -> Result<Statements, ListError> {
    let mut lines = text.lines().enumerate();
    if !lines.next().is_some_and(|(_, line)| line.starts_with(&format!("# {FORMAT}:"))) {
        return Err(ListError::Format);
    }
    let mut pins = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        if number > MAXIMUM_LINES {
            return Err(ListError::TooLong);
        }
        let wrong = |reason| ListError::Line { line: number + 1, reason };
        pins.extend(parse_line(line).map_err(wrong)?);
    }
    Ok(Statements::of_pins(pins))
}

fn parse_line(line: &str) -> Result<Vec<super::Pin>, &'static str> {
    let words: Vec<&str> = line.split(' ').collect();
    let [digest, file, project, version, pins, first, places] = words[..] else {
        return Err("expected seven words");
    };
    let digest = Digest::parse(digest).map_err(|_| "the digest cannot be read")?;
    let project = ProjectName::parse(project).map_err(|_| "the project is no name")?;
    let known = |text: &str| (text != "-").then(|| unescaped(text)).transpose();
    let (file, version) = (known(file)?, known(version)?);
    pins.strip_prefix("pins=").ok_or("expected `pins=`")?;
    let day = first.strip_prefix("first=").ok_or("expected `first=`")?;
    let date: Option<Timestamp> = match day {
        "-" => None,
        day => Some(format!("{day}T00:00:00Z").parse().map_err(|_| "the day cannot be read")?),
    };
    let places = places.strip_prefix("where=").ok_or("expected `where=`")?;
    let pin = |place: &str| {
        let (repository, rest) = place.split_once(':').ok_or("a place has no repository")?;
        let (rest, commit) = match rest.rsplit_once('@') {
            Some((rest, commit)) => (rest, Some(commit.to_owned())),
            None => (rest, None),
        };
        let (path, line) = rest.rsplit_once(':').ok_or("a place has no line")?;
        let line = line.parse().map_err(|_| "the line of a place is no number")?;
        let lock = Lock { repository: unescaped(repository)?, path: unescaped(path)? };
        // The day is that of the first place, whichever it is.
        let at = Moment { date: date.filter(|_| commit.is_some()), commit, line };
        Ok(super::Pin {
            project: project.clone(),
            version: version.clone(),
            file: file.clone(),
            digest: digest.clone(),
            origin: Origin::Default.label(),
            format: "list".to_owned(),
            lock,
            at,
        })
    };
    places.split(',').map(pin).collect()
}

fn unescaped(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digits = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.ok_or("a `%` is followed by no number")?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| "a name is not UTF-8")
}
