//! `pyproject.toml`: a requirement added, changed or taken out of one of its lists.
//!
//! A list that exists is edited in its text, between the places that the parser gives, so nothing
//! else of the file can change: not its line ends, not the quotation marks of a neighbour. A list
//! that does not exist yet is made by `toml_edit`. What comes out is read again before it is given
//! away.
//!
//! A list with one item a line gets another line, one on a single line gets longer; the comma behind
//! the last item stays or stays away. A new item comes where it belongs in a list that is sorted,
//! and else last.

use std::ops::Range;

use countermark_packaging::lock::source::Source;
use countermark_packaging::lock::{SourceError, codes};
use countermark_packaging::name::{ExtraName, ProjectName, normalize};
use countermark_packaging::requirement::Requirement;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_edit::{Array, DocumentMut, Item, Table};

/// A list of requirements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// `project.dependencies`.
    Dependencies,
    /// A list of `project.optional-dependencies`.
    Extra(ExtraName),
    /// A list of `dependency-groups`.
    Group(String),
}

/// The file with this requirement in a list, which is made if there is none. Where the list has the
/// project, its item is replaced.
///
/// # Errors
/// When the text is no TOML, the list is none, or has several items of the project.
pub fn add(
    file: &str,
    text: &str,
    section: &Section,
    requirement: &Requirement,
) -> Result<String, SourceError> {
    let source = Source::new(file, text.to_owned());
    let Some(list) = find(&source, section)? else {
        return checked(file, created(&source, section, requirement)?);
    };
    let written = quoted(&requirement.to_string(), list.quote);
    let edits = match &list.of_project(&requirement.name)[..] {
        [] => list.insertion(&requirement.name, &written),
        [at] => vec![(list.items[*at].span.clone(), written)],
        [_, second, ..] => {
            let message = format!("`{}` is wanted by several items", requirement.name);
            let span = list.items[*second].span.clone();
            let found = source.error(codes::DUPLICATE_CONFLICT, message, span);
            return Err(found.with_hint("edit the file"));
        }
    };
    checked(file, spliced(text, edits))
}

/// The file without the items of this project in a list; `None` when there are none.
///
/// # Errors
/// When the text is no TOML, or the list is none.
pub fn remove(
    file: &str,
    text: &str,
    section: &Section,
    project: &ProjectName,
) -> Result<Option<String>, SourceError> {
    let mut text = text.to_owned();
    let mut found = false;
    // One after the other, since each changes what is the last item of the list.
    loop {
        let source = Source::new(file, text.clone());
        let Some(list) = find(&source, section)? else { break };
        let Some(&at) = list.of_project(project).last() else { break };
        text = checked(file, spliced(&text, list.removal(at)))?;
        found = true;
    }
    Ok(found.then_some(text))
}

/// A list in the text of a file.
struct List<'a> {
    text: &'a str,
    /// With its brackets.
    span: Range<usize>,
    items: Vec<ListItem>,
    /// The quotation mark of its first item that has one.
    quote: char,
}

struct ListItem {
    /// None for what is no requirement, as `{ include-group = "…" }`.
    project: Option<ProjectName>,
    span: Range<usize>,
    /// The comma behind it.
    comma: Option<usize>,
}

fn find<'a>(source: &'a Source, section: &Section) -> Result<Option<List<'a>>, SourceError> {
    let syntax = |error: toml::de::Error| {
        let span = error.span().unwrap_or(0..0);
        source.error(codes::SYNTAX, error.message().to_owned(), span)
    };
    let document = DeTable::parse(source.text()).map_err(syntax)?;
    let Some(item) = look_up(document.get_ref(), section) else { return Ok(None) };
    let DeValue::Array(array) = item.get_ref() else {
        let message = "this must be a list of requirements";
        return Err(source.error(codes::INVALID_VALUE, message, item.span()));
    };
    let text = source.text();
    let mut items = Vec::new();
    for (at, value) in array.iter().enumerate() {
        let next = array.get(at + 1).map_or(item.span().end, |next| next.span().start);
        let requirement = value.get_ref().as_str().and_then(|text| Requirement::parse(text).ok());
        items.push(ListItem {
            project: requirement.map(|requirement| requirement.name),
            comma: find_comma(text, value.span().end..next),
            span: value.span(),
        });
    }
    let mut starts = items.iter().filter_map(|item| text[item.span.start..].chars().next());
    let quote = starts.find(|start| matches!(start, '"' | '\'')).unwrap_or('"');
    Ok(Some(List { text, span: item.span(), items, quote }))
}

fn look_up<'a>(root: &'a DeTable<'a>, section: &Section) -> Option<&'a Spanned<DeValue<'a>>> {
    let table = |table: &'a DeTable<'a>, key: &str| table.get(key)?.get_ref().as_table();
    let named = |table: &'a DeTable<'a>, name: &str| {
        table.iter().find(|(key, _)| normalize(key.get_ref()) == name).map(|(_, value)| value)
    };
    match section {
        Section::Dependencies => table(root, "project")?.get("dependencies"),
        Section::Extra(extra) => {
            let extras = table(table(root, "project")?, "optional-dependencies")?;
            named(extras, extra.as_str())
        }
        Section::Group(group) => named(table(root, "dependency-groups")?, &normalize(group)),
    }
}

/// The comma between items, which may stand behind a comment.
fn find_comma(text: &str, range: Range<usize>) -> Option<usize> {
    let mut in_comment = false;
    for (at, character) in text[range.clone()].char_indices() {
        match character {
            '\n' => in_comment = false,
            '#' => in_comment = true,
            ',' if !in_comment => return Some(range.start + at),
            _ => {}
        }
    }
    None
}

type Edits = Vec<(Range<usize>, String)>;

impl List<'_> {
    fn of_project(&self, project: &ProjectName) -> Vec<usize> {
        let is_it = |at: &usize| self.items[*at].project.as_ref() == Some(project);
        (0..self.items.len()).filter(is_it).collect()
    }

    fn insertion(&self, project: &ProjectName, written: &str) -> Edits {
        let names: Vec<&ProjectName> =
            self.items.iter().filter_map(|item| item.project.as_ref()).collect();
        let is_sorted = names.len() > 1 && names.is_sorted();
        let after = |item: &ListItem| item.project.as_ref().is_some_and(|name| name > project);
        let at = self.items.iter().position(after).filter(|_| is_sorted);
        let at = at.unwrap_or(self.items.len());
        let Some(before) = at.checked_sub(1) else { return self.insertion_first(written) };
        let item = &self.items[before];
        let end_of_line = self.end_of_line(item.comma.unwrap_or(item.span.end));
        let is_alone = self.is_alone(before) && end_of_line < self.span.end;
        if is_alone {
            let line = format!("{}{}{written}", self.line_end(), self.indent(before));
            match item.comma {
                Some(_) => vec![(end_of_line..end_of_line, format!("{line},"))],
                // The last item of a list that has no comma behind its last item.
                None => vec![
                    (item.span.end..item.span.end, ",".to_owned()),
                    (end_of_line..end_of_line, line),
                ],
            }
        } else if let Some(next) = self.items.get(at) {
            vec![(next.span.start..next.span.start, format!("{written}, "))]
        } else {
            vec![(item.span.end..item.span.end, format!(", {written}"))]
        }
    }

    /// Before the first item, or into an empty list.
    fn insertion_first(&self, written: &str) -> Edits {
        let inside = self.span.start + 1;
        let Some(first) = self.items.first() else {
            let end_of_line = self.end_of_line(inside);
            if end_of_line < self.span.end {
                let line = format!("{}    {written},", self.line_end());
                return vec![(end_of_line..end_of_line, line)];
            }
            return vec![(inside..inside, written.to_owned())];
        };
        if self.is_alone(0) {
            let start = self.line_start(first.span.start);
            let line = format!("{}{written},{}", self.indent(0), self.line_end());
            return vec![(start..start, line)];
        }
        vec![(first.span.start..first.span.start, format!("{written}, "))]
    }

    fn removal(&self, at: usize) -> Edits {
        let item = &self.items[at];
        let previous = at.checked_sub(1).map(|before| &self.items[before]);
        let content_end = item.comma.map_or(item.span.end, |comma| comma + 1);
        let end_of_line = self.end_of_line(content_end);
        if self.is_alone(at) && end_of_line < self.span.end {
            let start = self.line_start(item.span.start);
            let mut edits = vec![(start..self.after_line_end(end_of_line), String::new())];
            // The item before it becomes the last one of a list without a comma there.
            if let (None, Some(comma)) = (item.comma, previous.and_then(|item| item.comma)) {
                edits.push((comma..comma + 1, String::new()));
            }
            return edits;
        }
        if let Some(next) = self.items.get(at + 1) {
            return vec![(item.span.start..next.span.start, String::new())];
        }
        match previous {
            Some(previous) => vec![(previous.span.end..item.span.end, String::new())],
            None => vec![(item.span.start..content_end, String::new())],
        }
    }

    /// Whether nothing but white space, its comma and a comment share the lines of an item.
    fn is_alone(&self, at: usize) -> bool {
        let item = &self.items[at];
        let start = self.line_start(item.span.start);
        let before = &self.text[start..item.span.start];
        let after = item.comma.map_or(item.span.end, |comma| comma + 1);
        let behind = self.text[after..self.end_of_line(after)].trim_start();
        start > self.span.start
            && before.trim().is_empty()
            && (behind.trim_end().is_empty() || behind.starts_with('#'))
    }

    fn indent(&self, at: usize) -> &str {
        let start = self.line_start(self.items[at].span.start);
        &self.text[start..self.items[at].span.start]
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |found| found + 1)
    }

    /// Where the line ends, before its end.
    fn end_of_line(&self, at: usize) -> usize {
        let stop = self.text[at..].find('\n').map_or(self.text.len(), |found| at + found);
        if stop > at && self.text[..stop].ends_with('\r') { stop - 1 } else { stop }
    }

    fn after_line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        at + if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) }
    }

    fn line_end(&self) -> &'static str {
        let end = self.text[self.span.start..].find('\n').map(|at| self.span.start + at);
        if end.is_some_and(|end| self.text[..end].ends_with('\r')) { "\r\n" } else { "\n" }
    }
}

fn spliced(text: &str, mut edits: Edits) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut result = String::with_capacity(text.len() + 80);
    let mut at = 0;
    for (range, added) in edits {
        result.push_str(&text[at..range.start]);
        result.push_str(&added);
        at = range.end;
    }
    result.push_str(&text[at..]);
    result
}

/// A string of TOML in the quotation marks of its neighbours, unless it holds them.
fn quoted(text: &str, quote: char) -> String {
    let other = if quote == '"' { '\'' } else { '"' };
    match (text.contains(quote), text.contains(other), text.contains('\\')) {
        (false, _, false) => format!("{quote}{text}{quote}"),
        (_, false, false) => format!("{other}{text}{other}"),
        _ => toml_edit::Value::from(text).to_string(),
    }
}

/// The file with a new list that has one item.
fn created(
    source: &Source,
    section: &Section,
    requirement: &Requirement,
) -> Result<String, SourceError> {
    let text = source.text();
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let span = error.span().unwrap_or(0..0);
        source.error(codes::SYNTAX, error.message().to_owned(), span)
    })?;
    let no_table = || source.error(codes::INVALID_VALUE, "this must be a table", 0..0);
    let (tables, key): (&[&str], &str) = match section {
        Section::Dependencies => (&["project"], "dependencies"),
        Section::Extra(extra) => (&["project", "optional-dependencies"], extra.as_str()),
        Section::Group(group) => (&["dependency-groups"], group),
    };
    if tables[0] == "project" && !document.contains_key("project") {
        let found = source.error(codes::MISSING_KEY, "there is no [project]", 0..0);
        return Err(found.with_hint("write [project] with its name and version"));
    }
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for name in tables {
        let item = table.entry(name).or_insert_with(|| Item::Table(Table::new()));
        table = item.as_table_like_mut().ok_or_else(no_table)?;
    }
    let mut array = Array::new();
    array.push_formatted(quoted(&requirement.to_string(), '"').parse().map_err(|_| no_table())?);
    if let Some(value) = array.get_mut(0) {
        value.decor_mut().set_prefix("\n    ");
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
    table.insert(key, Item::Value(array.into()));
    let written = document.to_string();
    let is_windows = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    Ok(if is_windows { written.replace("\r\n", "\n").replace('\n', "\r\n") } else { written })
}

/// What was written is TOML.
fn checked(file: &str, text: String) -> Result<String, SourceError> {
    match DeTable::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            let message = format!("the edited file would be no TOML: {}", error.message());
            let span = error.span().unwrap_or(0..0);
            Err(Source::new(file, text.clone()).error(codes::SYNTAX, message, span))
        }
    }
}
