//! What stands in several of the files, read in one way.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use countermark_packaging::filename::{SdistFilename, WheelFilename};
use countermark_packaging::lock::codes::{INVALID_VALUE, TOO_LARGE};
use countermark_packaging::name::{NamePattern, ProjectName, normalize};
use countermark_packaging::table::codes::{BAD_NAME, LISTED_TWICE};
use countermark_packaging::table::{At, Item, Reader, Table};
use countermark_packaging::version::Version;
use jiff::civil::Date;

use super::{codes, limits};
use crate::criteria::CriterionName;
use crate::file::{FileId, FileIdError};

const FORM: &str = "write \"sha256:<64 digits> <file name>\"";

/// The name of a project, which has to be in its normal form: people look for it as text.
pub(super) fn project<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<ProjectName> {
    let text = reader.required(table, "project", "write the name of the project")?;
    let name = reader.name(&text)?;
    if name.as_str() != text.value {
        let message = format!("`{}` is not the normal form of this name", text.value);
        reader.hinted(codes::NOT_NORMAL, message, text.span, format!("write \"{name}\""));
        return None;
    }
    Some(name)
}

/// A version, which has to be in its normal form.
pub(super) fn version<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<Version> {
    let text = reader.text(table, key)?;
    match Version::from_str(text.value) {
        Ok(version) if version.to_string() == text.value => Some(version),
        Ok(version) => {
            let message = format!("`{}` is not the normal form of this version", text.value);
            reader.hinted(codes::NOT_NORMAL, message, text.span, format!("write \"{version}\""));
            None
        }
        Err(_) => {
            let message = format!("`{}` is no version according to PEP 440", text.value);
            reader.error(INVALID_VALUE, message, text.span);
            None
        }
    }
}

/// A version that has to be there.
pub(super) fn required_version<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Version> {
    if !table.has(key) {
        reader.missing(table, key, "write the version of the release");
    }
    version(reader, table, key)
}

/// A file entry.
pub(super) fn file<'a>(reader: &mut Reader<'a>, text: &At<&'a str>) -> Option<FileId> {
    match FileId::parse(text.value) {
        Ok(file) => {
            // The text between the quotes has to be the text that is meant, or nobody would find it.
            if text.span.len() != text.value.len() + 2 {
                let message = format!("`{}` is written with escapes", text.value);
                reader.hinted(
                    codes::TEXT_FORM,
                    message,
                    text.span.clone(),
                    "write it as it is, in quotes",
                );
                return None;
            }
            Some(file)
        }
        Err(error) => {
            let message = match error {
                FileIdError::Form => format!("{error}, found `{}`", text.value),
                FileIdError::Digest | FileIdError::Name => format!("{error}, in `{}`", text.value),
            };
            reader.hinted(codes::BAD_FILE, message, text.span.clone(), FORM);
            None
        }
    }
}

/// One file under a key.
pub(super) fn one_file<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<FileId> {
    let text = reader.text(table, key)?;
    file(reader, &text)
}

/// A list of files: at least one, each once, no digest with two names and no name with two digests.
pub(super) fn files<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Vec<At<FileId>>> {
    if !table.has(key) {
        reader.missing(
            table,
            key,
            "list the files, one a line: \"sha256:<64 digits> <file name>\"",
        );
        return None;
    }
    let item = &table.table[key];
    let texts = bounded(reader, table, key, limits::FILES)?;
    if texts.is_empty() {
        reader.hinted(INVALID_VALUE, format!("`{key}` lists no file"), item.span(), FORM);
        return None;
    }
    let mut files: Vec<At<FileId>> = Vec::with_capacity(texts.len());
    let (mut digests, mut names) = (BTreeMap::new(), BTreeMap::new());
    let mut is_good = true;
    for text in texts {
        let Some(file) = file(reader, &text) else {
            is_good = false;
            continue;
        };
        let earlier: Option<&FileId> = digests
            .insert(file.digest, files.len())
            .or_else(|| names.insert(file.name.clone(), files.len()))
            .map(|index: usize| &files[index].value);
        if let Some(earlier) = earlier {
            let message = format!("`{file}` and `{earlier}` cannot both be files of one release");
            let hint = "a release has one file of a name, and one name for a file";
            reader.hinted(codes::FILE_CONFLICT, message, text.span, hint);
            is_good = false;
            continue;
        }
        names.entry(file.name.clone()).or_insert(files.len());
        files.push(At { value: file, span: text.span });
    }
    is_good.then_some(files)
}

/// The same, sorted, without where they stand.
pub(super) fn file_list<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Vec<FileId>> {
    let files = files(reader, table, key)?;
    let mut files: Vec<FileId> = files.into_iter().map(|file| file.value).collect();
    files.sort();
    Some(files)
}

/// A list of files of one release, by their names.
pub(super) fn files_of<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
    project: &ProjectName,
    version: &Version,
) -> Option<Vec<FileId>> {
    let files = files(reader, table, key)?;
    let mut good = true;
    for file in &files {
        if !is_of(&file.value.name, project, version) {
            let message =
                format!("`{}` is no file of {project} {version} by its name", file.value.name);
            let hint = "a review names wheels and source distributions of one release";
            reader.hinted(codes::OTHER_RELEASE, message, file.span.clone(), hint);
            good = false;
        }
    }
    let mut spellings: BTreeMap<String, &At<FileId>> = BTreeMap::new();
    for file in &files {
        if let Some(other) = spellings.insert(normalize(&file.value.name), file) {
            let (one, two) = (&file.value.name, &other.value.name);
            let message = format!("`{one}` and `{two}` are one name in two spellings");
            let hint = "a release has one file of a name";
            reader.hinted(codes::FILE_CONFLICT, message, file.span.clone(), hint);
            good = false;
        }
    }
    let mut files: Vec<FileId> = files.into_iter().map(|file| file.value).collect();
    files.sort();
    good.then_some(files)
}

/// Whether a file name is that of a distribution of this release.
pub(super) fn is_of(name: &str, project: &ProjectName, version: &Version) -> bool {
    if name.ends_with(".whl") {
        WheelFilename::parse(name)
            .is_ok_and(|wheel| wheel.name == *project && wheel.version == *version)
    } else {
        SdistFilename::parse_for(project, name).is_ok_and(|sdist| sdist.version == *version)
    }
}

/// A list of texts of bounded length.
pub(super) fn bounded<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
    most: usize,
) -> Option<Vec<At<&'a str>>> {
    let item: Item<'a> = table.table.get(key)?;
    if let Some(items) = item.get_ref().as_array()
        && items.len() > most
    {
        let message = format!("`{key}` has {} entries, at most {most} are read", items.len());
        reader.error(TOO_LARGE, message, item.span());
        return None;
    }
    reader.texts(table, key)
}

/// A text of bounded length, as people write it: one line in the file.
pub(super) fn notes<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<String> {
    let text = reader.text(table, key)?;
    within(reader, key, &text, limits::NOTES).then(|| text.value.to_owned())
}

/// A reason that somebody answers for.
pub(super) fn reason<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<String> {
    let text = reader.answered(table, "reason", "write why, for whoever reads it in a year")?;
    let item = &table.table["reason"];
    let at = At { value: text.as_str(), span: item.span() };
    within(reader, "reason", &at, limits::NOTES).then_some(text)
}

/// Whether a text is no longer than it may be; tells it otherwise.
pub(super) fn within(reader: &mut Reader<'_>, key: &str, text: &At<&str>, most: usize) -> bool {
    if text.value.len() <= most {
        return true;
    }
    let message = format!("`{key}` has {} bytes, at most {most} are read", text.value.len());
    reader.error(TOO_LARGE, message, text.span.clone());
    false
}

/// Who: printable ASCII, so that no two authors look the same.
pub(super) fn author<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<String> {
    let hint = "write the name under which the ledger has the author's keys: alice@example.org";
    let text = reader.required(table, "author", hint)?;
    let printable = text.value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !printable || text.value.trim() != text.value || text.value.len() > limits::AUTHOR {
        let message = format!(
            "an author is printable ASCII without spaces around it, at most {} bytes, found {:?}",
            limits::AUTHOR,
            text.value
        );
        reader.hinted(codes::BAD_AUTHOR, message, text.span, hint);
        return None;
    }
    Some(text.value.to_owned())
}

/// Criteria, each once, sorted.
pub(super) fn criteria<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Vec<At<CriterionName>>> {
    if !table.has(key) {
        reader.missing(table, key, "write criteria = [\"safe-to-run\"]");
        return None;
    }
    let names = optional_criteria(reader, table, key)?;
    if names.is_empty() {
        let span = table.table[key].span();
        reader.error(INVALID_VALUE, format!("`{key}` lists no criterion"), span);
        return None;
    }
    Some(names)
}

/// The same; may be empty.
pub(super) fn optional_criteria<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Vec<At<CriterionName>>> {
    let texts = bounded(reader, table, key, limits::CRITERIA)?;
    let count = texts.len();
    let mut names: Vec<At<CriterionName>> =
        texts.into_iter().filter_map(|text| criterion(reader, &text)).collect();
    let is_good = names.len() == count;
    names.sort_by(|a, b| a.value.cmp(&b.value));
    is_good.then_some(names)
}

/// The name of a criterion.
pub(super) fn criterion(reader: &mut Reader<'_>, text: &At<&str>) -> Option<At<CriterionName>> {
    match CriterionName::parse(text.value) {
        Ok(name) => Some(At { value: name, span: text.span.clone() }),
        Err(error) => {
            let message = format!("{error}, found {:?}", text.value);
            reader.error(codes::BAD_CRITERION, message, text.span.clone());
            None
        }
    }
}

/// Which projects: names, and beginnings of names with `*`.
pub(super) fn patterns<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Vec<NamePattern>> {
    let hint = "write names, or beginnings of names with `*` at their end";
    let texts = bounded(reader, table, key, limits::FILES)?;
    let mut patterns: Vec<NamePattern> = Vec::with_capacity(texts.len());
    let mut is_good = true;
    for text in texts {
        match NamePattern::parse(text.value) {
            Some(pattern) if patterns.contains(&pattern) => {
                let message = format!("`{}` is listed already in another spelling", text.value);
                reader.error(LISTED_TWICE, message, text.span);
                is_good = false;
            }
            Some(pattern) => patterns.push(pattern),
            None => {
                let message = format!(
                    "`{}` is neither a name of a project nor the beginning of names",
                    text.value
                );
                reader.hinted(BAD_NAME, message, text.span, hint);
                is_good = false;
            }
        }
    }
    is_good.then_some(patterns)
}

/// The same; at least one.
pub(super) fn required_patterns<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
) -> Option<Vec<NamePattern>> {
    if !table.has("projects") {
        reader.missing(table, "projects", "write projects = [\"name\", \"acme-*\"]");
        return None;
    }
    let patterns = patterns(reader, table, "projects")?;
    if patterns.is_empty() {
        let span = table.table["projects"].span();
        reader.error(INVALID_VALUE, "`projects` lists no project".to_owned(), span);
        return None;
    }
    Some(patterns)
}

/// A day that has to be there.
pub(super) fn day<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<At<Date>> {
    if !table.has(key) {
        reader.missing(table, key, "write year-month-day: 2027-06-30");
    }
    reader.date(table, key)
}

/// Tells when the second day is before the first.
pub(super) fn in_order(
    reader: &mut Reader<'_>,
    first: Option<&At<Date>>,
    key: &str,
    second: Option<&At<Date>>,
) {
    if let (Some(first), Some(second)) = (first, second)
        && second.value < first.value
    {
        let message = format!("`{key}` is {}, before {}", second.value, first.value);
        reader.error(codes::DATE_ORDER, message, second.span.clone());
    }
}
