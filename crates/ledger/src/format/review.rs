//! One block of a `reviews.toml`: read by itself, written in one way.

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::{INVALID_VALUE, SYNTAX};
use countermark_packaging::lock::source::Source;
use countermark_packaging::table::{Reader, Table, collect_mistakes};
use toml::de::DeTable;

use super::{canonical, codes, limits, quote, value};
use crate::review::{How, Review};

const KEYS: [&str; 12] = [
    "project",
    "version",
    "files",
    "criteria",
    "how",
    "from",
    "from-files",
    "author",
    "on",
    "until",
    "notes",
    "signature",
];

const TITLE: &str = "[[review]]";

#[derive(Clone, Copy)]
enum Kind {
    Full,
    Delta,
    Compiled,
}

/// Reads a block. Places are those of the block.
pub(super) fn read(file: &str, block: &str) -> Result<Review, Vec<SourceError>> {
    canonical::read(block).map_or_else(|| read_toml(file, block), Ok)
}

/// Reads a block as TOML.
pub(super) fn read_toml(file: &str, block: &str) -> Result<Review, Vec<SourceError>> {
    let source = Source::new(file, block.to_owned());
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let document = document.get_ref();
    let mut reader = Reader::new(&source);
    forms(&mut reader, source.text());
    let review = alone(&mut reader, document).and_then(|table| read_table(&mut reader, table));
    let errors = collect_mistakes(&source, document, &broken, reader.errors);
    match review {
        Some(review) if errors.is_empty() => Ok(review),
        _ if errors.is_empty() => {
            Err(vec![source.error(INVALID_VALUE, "the review cannot be read", 0..0)])
        }
        _ => Err(errors),
    }
}

/// The one table of a block; anything beside it is told.
fn alone<'a>(reader: &mut Reader<'a>, document: &'a DeTable<'a>) -> Option<Table<'a>> {
    for key in document.keys().filter(|key| key.get_ref() != "review") {
        let message = format!("`{}` stands outside of a review", key.get_ref());
        let hint = "a `reviews.toml` has nothing but reviews";
        reader.hinted(codes::OUTSIDE, message, key.span(), hint);
    }
    let items = document.get("review")?.get_ref().as_array()?;
    if let Some(second) = items.get(1) {
        let message = "a second review begins here, not with the line `[[review]]`".to_owned();
        reader.error(SYNTAX, message, second.span());
    }
    let table = items.first()?;
    let span = table.span();
    // Mistakes about the whole review are shown at its first line.
    let span = span.start..span.end.min(span.start + TITLE.len());
    Some(Table::new(table.get_ref().as_table()?, TITLE, span))
}

fn read_table<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Review> {
    reader.only(table, &KEYS);
    let project = value::project(reader, table);
    let version = value::required_version(reader, table, "version");
    let files = match (&project, &version) {
        (Some(project), Some(version)) => value::files_of(reader, table, "files", project, version),
        _ => value::file_list(reader, table, "files"),
    };
    let criteria = value::criteria(reader, table, "criteria");
    let how = read_how(reader, table, project.as_ref());
    let author = value::author(reader, table);
    let on = value::day(reader, table, "on");
    let until = reader.date(table, "until");
    value::in_order(reader, on.as_ref(), "until", until.as_ref());
    let notes = value::notes(reader, table, "notes");
    let signature = reader.text(table, "signature");
    let signature =
        signature.filter(|it| value::within(reader, "signature", it, limits::SIGNATURE));
    Some(Review {
        project: project?,
        version: version?,
        files: files?,
        criteria: criteria?.into_iter().map(|name| name.value).collect(),
        how: how?,
        author: author?,
        on: on?.value,
        until: until.map(|day| day.value),
        notes: notes.unwrap_or_default(),
        signature: signature.map(|text| text.value.to_owned()),
    })
}

fn read_how<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: Option<&countermark_packaging::name::ProjectName>,
) -> Option<How> {
    let text = reader.required(table, "how", "write \"full\", \"delta\" or \"compiled\"")?;
    let words = [("full", Kind::Full), ("delta", Kind::Delta), ("compiled", Kind::Compiled)];
    let kind = reader.word(&text, "a way to read", &words)?;
    if matches!(kind, Kind::Delta) {
        let from = value::required_version(reader, table, "from");
        let files = match (project, &from) {
            (Some(project), Some(from)) => {
                value::files_of(reader, table, "from-files", project, from)
            }
            _ => value::file_list(reader, table, "from-files"),
        };
        return Some(How::Delta { from: from?, files: files? });
    }
    for key in ["from", "from-files"] {
        if let Some((found, _)) = table.table.get_key_value(key) {
            let message = format!("`{key}` belongs to a difference, and `how` is {:?}", text.value);
            reader.error(INVALID_VALUE, message, found.span());
        }
    }
    Some(if matches!(kind, Kind::Full) { How::Full } else { How::Compiled })
}

/// What TOML allows and these files do not: texts over several lines, and comments inside a block,
/// which the next writer would lose.
fn forms(reader: &mut Reader<'_>, text: &str) {
    let mut start = 0;
    for line in text.split('\n') {
        let span = start..start + line.len();
        start += line.len() + 1;
        match surprise(line) {
            Some(Surprise::Multiline(at)) => {
                let message = "a text over several lines is not read here".to_owned();
                let hint = "write it on one line, with \\n for a line end";
                reader.hinted(codes::TEXT_FORM, message, span.start + at..span.end, hint);
                // What follows may be inside of the text.
                return;
            }
            Some(Surprise::Comment(at)) => {
                let message = "a comment in a review would be lost".to_owned();
                let hint = "comments may stand before the first review; `notes` is for the rest";
                reader.hinted(codes::LOST_COMMENT, message, span.start + at..span.end, hint);
            }
            None => {}
        }
    }
}

enum Surprise {
    Multiline(usize),
    Comment(usize),
}

/// Looks through the quotes of one line.
fn surprise(line: &str) -> Option<Surprise> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => return Some(Surprise::Comment(at)),
            b'"' | b'\'' => {
                if bytes[at..].starts_with(&[byte; 3]) {
                    return Some(Surprise::Multiline(at));
                }
                at += 1;
                while bytes.get(at).is_some_and(|found| *found != byte) {
                    at += if byte == b'"' && bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

/// Writes a block.
pub(super) fn write(into: &mut String, review: &Review) {
    into.push_str(TITLE);
    into.push('\n');
    quote::text(into, "project", review.project.as_str());
    quote::text(into, "version", &review.version.to_string());
    quote::files(into, "files", &review.files);
    quote::criteria(into, "criteria", &review.criteria);
    match &review.how {
        How::Full => quote::text(into, "how", "full"),
        How::Compiled => quote::text(into, "how", "compiled"),
        How::Delta { from, files } => {
            quote::text(into, "how", "delta");
            quote::text(into, "from", &from.to_string());
            quote::files(into, "from-files", files);
        }
    }
    quote::text(into, "author", &review.author);
    quote::plain(into, "on", review.on);
    if let Some(until) = review.until {
        quote::plain(into, "until", until);
    }
    if !review.notes.is_empty() {
        quote::text(into, "notes", &review.notes);
    }
    if let Some(signature) = &review.signature {
        quote::text(into, "signature", signature);
    }
}
