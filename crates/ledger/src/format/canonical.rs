//! Reads a block of a `reviews.toml` that is written exactly as this crate writes it, which nearly all
//! are, at a tenth of what TOML costs.
//!
//! Anything unexpected is left to the reader of TOML, which alone says what is wrong. So this accepts
//! nothing that the other one does not, and a property test holds both against each other.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use countermark_packaging::name::{ProjectName, normalize};
use countermark_packaging::version::Version;
use jiff::civil::Date;

use super::{blocks, limits, value};
use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::review::{How, Review};

/// The review of a canonical block; none when the block is written in any other way, or is wrong.
pub(super) fn read(block: &str) -> Option<Review> {
    let mut lines = Lines { rest: block };
    lines.exactly(blocks::HEAD)?;
    let name = lines.text("project")?;
    let project = ProjectName::parse(name).ok().filter(|it| it.as_str() == name)?;
    let version = lines.version("version")?;
    let files = lines.files("files", &project, &version)?;
    let criteria = lines.criteria()?;
    let how = match lines.text("how")? {
        "full" => How::Full,
        "compiled" => How::Compiled,
        "delta" => {
            let from = lines.version("from")?;
            let files = lines.files("from-files", &project, &from)?;
            How::Delta { from, files }
        }
        _ => return None,
    };
    let author = lines.text("author")?;
    let printable = author.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !printable || author.trim() != author || author.is_empty() || author.len() > limits::AUTHOR {
        return None;
    }
    let on = day(lines.value("on")?)?;
    let until = match lines.value("until") {
        Some(value) => Some(day(value).filter(|until| *until >= on)?),
        None => None,
    };
    let notes = match lines.value("notes") {
        Some(value) => unescape(value)?,
        None => String::new(),
    };
    let signature = match lines.value("signature") {
        Some(value) => Some(plain(value).filter(|it| seen(it) && it.len() <= limits::SIGNATURE)?),
        None => None,
    };
    if !lines.rest.bytes().all(|byte| byte == b'\n') {
        return None;
    }
    let (author, signature) = (author.to_owned(), signature.map(str::to_owned));
    Some(Review { project, version, files, criteria, how, author, on, until, notes, signature })
}

struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Lines<'a> {
    /// The next line, when it is this.
    fn exactly(&mut self, line: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(line)?.strip_prefix('\n')?;
        Some(())
    }

    /// The value on the next line, when its key is this.
    fn value(&mut self, key: &str) -> Option<&'a str> {
        let (value, rest) = self.rest.strip_prefix(key)?.strip_prefix(" = ")?.split_once('\n')?;
        self.rest = rest;
        Some(value)
    }

    /// The same for a text without escapes.
    fn text(&mut self, key: &str) -> Option<&'a str> {
        self.value(key).and_then(plain)
    }

    fn version(&mut self, key: &str) -> Option<Version> {
        let text = self.text(key)?;
        Version::from_str(text).ok().filter(|version| version.to_string() == text)
    }

    /// Files in their order, each digest and each name once, all of one release.
    fn files(
        &mut self,
        key: &str,
        project: &ProjectName,
        version: &Version,
    ) -> Option<Vec<FileId>> {
        self.rest = self.rest.strip_prefix(key)?.strip_prefix(" = [\n")?;
        let beginning = format!("{}-{version}", project.as_str().replace('-', "_"));
        let mut files: Vec<FileId> = Vec::new();
        while let Some(rest) = self.rest.strip_prefix("    \"") {
            let (text, rest) = rest.split_once("\",\n")?;
            self.rest = rest;
            // Names ascend, so none stands here twice.
            let file = FileId::parse(text).ok()?;
            let ascends = files.last().is_none_or(|last| last.name < file.name);
            let is_of = || value::is_of(&file.name, project, version);
            if !ascends || files.len() >= limits::FILES {
                return None;
            }
            if !is_usual(&file.name, &beginning) && !is_of() {
                return None;
            }
            files.push(file);
        }
        self.exactly("]")?;
        let digests: BTreeSet<_> = files.iter().map(|file| file.digest).collect();
        // Two spellings of one name are left to the other reader.
        let names: BTreeSet<_> = files.iter().map(|file| normalize(&file.name)).collect();
        let good = !files.is_empty() && digests.len() == files.len() && names.len() == files.len();
        good.then_some(files)
    }

    fn criteria(&mut self) -> Option<Vec<CriterionName>> {
        let list = self.value("criteria")?.strip_prefix("[\"")?.strip_suffix("\"]")?;
        let mut names: Vec<CriterionName> = Vec::new();
        for text in list.split("\", \"") {
            let name = CriterionName::parse(text).ok()?;
            let ascends = names.last().is_none_or(|last| *last < name);
            if !ascends || names.len() >= limits::CRITERIA {
                return None;
            }
            names.push(name);
        }
        Some(names)
    }
}

/// Whether a file is called as nearly all of a release are, which spares taking its name apart.
fn is_usual(name: &str, beginning: &str) -> bool {
    name.strip_prefix(beginning).is_some_and(|rest| matches!(rest, ".tar.gz" | "-py3-none-any.whl"))
}

/// A text in quotes that stands for itself.
fn plain(value: &str) -> Option<&str> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    (!text.bytes().any(|byte| matches!(byte, b'"' | b'\\'))).then_some(text)
}

/// Whether everything in a text can be seen, and there is something.
fn seen(text: &str) -> bool {
    let hidden = |c: char| c.is_control() || ('\u{200e}'..='\u{2069}').contains(&c);
    !text.trim().is_empty() && !text.chars().any(hidden)
}

fn unescape(value: &str) -> Option<String> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    if !seen(text) || text.len() > limits::NOTES {
        return None;
    }
    let mut notes = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        notes.push(match character {
            '\\' => match characters.next()? {
                '"' => '"',
                '\\' => '\\',
                'n' => '\n',
                't' => '\t',
                _ => return None,
            },
            '"' => return None,
            other => other,
        });
    }
    // What is nothing but line ends says nothing; the other reader tells.
    (!notes.trim().is_empty()).then_some(notes)
}

fn day(value: &str) -> Option<Date> {
    let bytes = value.as_bytes();
    let digits = |at: std::ops::Range<usize>| {
        let part = &bytes[at];
        let is_number = part.iter().all(u8::is_ascii_digit);
        is_number.then(|| part.iter().fold(0_i16, |sum, byte| sum * 10 + i16::from(byte - b'0')))
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}
