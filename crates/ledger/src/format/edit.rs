//! Changes a `ledger.toml` and leaves what people wrote around it as it is: comments, order, layout.
//!
//! A new section is put where the others of its kind are; one that goes takes the comment lines with it
//! that stand directly above it; one that changes has its values replaced. After each step the text is
//! read again and compared with what was meant: a layout that this does not understand is refused, never
//! guessed.

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::source::Source;
use toml::de::DeTable;
use toml_edit::{DocumentMut, Item, Table};

use super::codes;
use crate::ledger::Ledger;

pub use super::section::{Definition, Section};

/// A `ledger.toml` that is being changed.
#[derive(Clone, Debug)]
pub struct Edit {
    file: String,
    text: String,
    ledger: Ledger,
}

/// Where a section stands.
#[derive(Clone, Copy)]
struct Spot {
    /// The first of the comment lines directly above it, or else its first line.
    start: usize,
    /// Where the next one starts, or the end of the file.
    end: usize,
}

impl Edit {
    /// Begins with a file; `file` is what it is called in messages.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(file: &str, text: &str) -> Result<Self, Vec<SourceError>> {
        let ledger = Ledger::parse(file, text.as_bytes())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Self { file: file.to_owned(), text: text.to_owned(), ledger })
    }

    /// What it says by now.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The text by now.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds sections beside those of their kind: where they are sorted, in their place, else after the
    /// last one.
    ///
    /// # Errors
    /// When the result could not be read, such as a second key of the same text.
    pub fn add<T: Section>(&mut self, new: &[T]) -> Result<(), Vec<SourceError>> {
        let new: Vec<(T, String)> = new.iter().map(|one| (one.clone(), written(one))).collect();
        self.add_texts(&new)
    }

    /// The same, with the text of each: as somebody wrote it elsewhere.
    pub(crate) fn add_texts<T: Section>(
        &mut self,
        new: &[(T, String)],
    ) -> Result<(), Vec<SourceError>> {
        if new.is_empty() {
            return Ok(());
        }
        let spots = self.spots(T::KEY)?;
        let mut there = T::of(&self.ledger);
        // Each new one, before which of those that are there; the end of the list for the last place.
        let place = |one: &T| there.iter().position(|it| one.is_before(it)).unwrap_or(there.len());
        let mut places: Vec<(usize, &T, &String)> =
            new.iter().map(|(one, text)| (place(one), one, text)).collect();
        places.sort_by(|(a, one, _), (b, other, _)| {
            a.cmp(b).then_with(|| other.is_before(one).cmp(&one.is_before(other)))
        });
        let mut text = self.text.clone();
        for (at, one, block) in places.iter().rev() {
            let point = match spots.get(*at) {
                Some(spot) => spot.start,
                None => spots.last().map_or(self.text.len(), |last| last.end),
            };
            insert(&mut text, point, block);
            there.insert(*at, (*one).clone());
        }
        let mut expected = self.ledger.clone();
        T::set(&mut expected, there);
        self.settle(text, &expected)
    }

    /// Takes sections away; how many.
    ///
    /// # Errors
    /// When the layout of the file is not understood.
    pub fn remove<T: Section>(
        &mut self,
        goes: impl Fn(&T) -> bool,
    ) -> Result<usize, Vec<SourceError>> {
        let gone: Vec<bool> = T::of(&self.ledger).iter().map(goes).collect();
        self.remove_those::<T>(&gone)
    }

    /// The same, by their places: of two sections that say the same only one may be meant.
    pub(crate) fn remove_those<T: Section>(
        &mut self,
        gone: &[bool],
    ) -> Result<usize, Vec<SourceError>> {
        let count = gone.iter().filter(|gone| **gone).count();
        if count == 0 {
            return Ok(0);
        }
        let spots = self.spots(T::KEY)?;
        let mut text = self.text.clone();
        for (spot, _) in spots.iter().zip(gone).rev().filter(|(_, gone)| **gone) {
            text.replace_range(spot.start..spot.end, "");
        }
        let tidy = text.trim_end().len();
        text.truncate(tidy);
        text.push('\n');
        let mut expected = self.ledger.clone();
        let kept = T::of(&self.ledger).into_iter().zip(gone).filter(|(_, gone)| !**gone);
        T::set(&mut expected, kept.map(|(one, _)| one).collect());
        self.settle(text, &expected)?;
        Ok(count)
    }

    /// Replaces the values of sections; how many. What does not change keeps its layout.
    ///
    /// # Errors
    /// When the result could not be read, or the layout of the file is not understood.
    pub fn change<T: Section>(
        &mut self,
        mut change: impl FnMut(&T) -> Option<T>,
    ) -> Result<usize, Vec<SourceError>> {
        let mut document: DocumentMut =
            self.text.parse().map_err(|_| vec![self.refused(T::KEY)])?;
        let mut sections = T::of(&self.ledger);
        let mut count = 0;
        for (index, one) in sections.iter_mut().enumerate() {
            let Some(new) = change(one) else { continue };
            let written: DocumentMut =
                written(&new).parse().map_err(|_| vec![self.refused(T::KEY)])?;
            let new_table = section(&written, T::KEY, 0).cloned();
            let table = document
                .get_mut(T::KEY)
                .and_then(Item::as_array_of_tables_mut)
                .and_then(|tables| tables.get_mut(index));
            let (Some(table), Some(new_table)) = (table, new_table) else {
                return Err(vec![self.refused(T::KEY)]);
            };
            replace(table, &new_table);
            *one = new;
            count += 1;
        }
        if count > 0 {
            let mut expected = self.ledger.clone();
            T::set(&mut expected, sections);
            self.settle(document.to_string(), &expected)?;
        }
        Ok(count)
    }

    /// Puts other texts in the place of sections, by their number: as somebody wrote them elsewhere.
    pub(crate) fn replace_texts<T: Section>(
        &mut self,
        new: &[(usize, T, String)],
    ) -> Result<(), Vec<SourceError>> {
        if new.is_empty() {
            return Ok(());
        }
        let spots = self.spots(T::KEY)?;
        let mut sections = T::of(&self.ledger);
        let mut text = self.text.clone();
        let mut new: Vec<_> = new.iter().collect();
        new.sort_by_key(|(index, _, _)| *index);
        for (index, one, block) in new.iter().rev() {
            let (Some(spot), Some(section)) = (spots.get(*index), sections.get_mut(*index)) else {
                return Err(vec![self.refused(T::KEY)]);
            };
            text.replace_range(spot.start..spot.end, "");
            insert(&mut text, spot.start, block);
            *section = one.clone();
        }
        let mut expected = self.ledger.clone();
        T::set(&mut expected, sections);
        self.settle(text, &expected)
    }

    /// The text of each section of a kind, with the comments directly above it.
    pub(crate) fn texts<T: Section>(&self) -> Result<Vec<String>, Vec<SourceError>> {
        let spots = self.spots(T::KEY)?;
        let text = |spot: &Spot| format!("{}\n", self.text[spot.start..spot.end].trim_end());
        Ok(spots.iter().map(text).collect())
    }

    /// Gives the table `[ledger]` the values of another one.
    ///
    /// # Errors
    /// When the layout of the file is not understood.
    pub fn set_head(&mut self, other: &Ledger) -> Result<(), Vec<SourceError>> {
        let mut expected = self.ledger.clone();
        expected.name.clone_from(&other.name);
        expected.initialised = other.initialised;
        expected.required.clone_from(&other.required);
        expected.maximum_age_days = other.maximum_age_days;
        expected.counts_unknown_roles = other.counts_unknown_roles;
        if expected.write() == self.ledger.write() {
            return Ok(());
        }
        let refused = || vec![self.refused("ledger")];
        let mut document: DocumentMut = self.text.parse().map_err(|_| refused())?;
        let written: DocumentMut = expected.write().parse().map_err(|_| refused())?;
        let new = written.get("ledger").and_then(Item::as_table).ok_or_else(refused)?;
        let table = document.get_mut("ledger").and_then(Item::as_table_mut).ok_or_else(refused)?;
        replace(table, new);
        self.settle(document.to_string(), &expected)
    }

    /// Takes a text over when it says what was meant.
    fn settle(&mut self, text: String, expected: &Ledger) -> Result<(), Vec<SourceError>> {
        let ledger = Ledger::parse(&self.file, text.as_bytes())?;
        if ledger.write() != expected.write() {
            return Err(vec![self.refused("ledger")]);
        }
        self.text = text;
        self.ledger = ledger;
        Ok(())
    }

    fn refused(&self, key: &str) -> SourceError {
        let message = format!("the layout of the sections `{key}` cannot be edited");
        let source = Source::new(&self.file, String::new());
        let hint = format!("write each of them as [[{key}]] with its keys below, and try again");
        source.error(codes::NOT_EDITABLE, message, 0..0).with_hint(hint)
    }

    /// Where the sections of a kind are, in the order of the file.
    fn spots(&self, key: &str) -> Result<Vec<Spot>, Vec<SourceError>> {
        let document = DeTable::parse(&self.text).map_err(|_| vec![self.refused(key)])?;
        let mut starts: Vec<usize> = Vec::new();
        let mut wanted: Vec<usize> = Vec::new();
        for (name, item) in document.get_ref() {
            let spans: Vec<usize> = match item.get_ref().as_array() {
                Some(items) => items.iter().map(|item| item.span().start).collect(),
                None => vec![item.span().start],
            };
            if name.get_ref() == key {
                wanted.clone_from(&spans);
            }
            starts.extend(spans);
        }
        if wanted.iter().any(|at| !self.text[*at..].starts_with("[[")) {
            return Err(vec![self.refused(key)]);
        }
        let mut starts: Vec<usize> = starts.into_iter().map(|at| self.with_comments(at)).collect();
        starts.sort_unstable();
        let spot = |at: &usize| {
            let start = self.with_comments(*at);
            let next = starts.partition_point(|it| *it <= start);
            Spot { start, end: starts.get(next).copied().unwrap_or(self.text.len()) }
        };
        Ok(wanted.iter().map(spot).collect())
    }

    /// The first of the comment lines directly above a header, or the header's own line.
    fn with_comments(&self, header: usize) -> usize {
        let line_start = |at: usize| self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let mut start = line_start(header);
        while start > 0 {
            let above = line_start(start - 1);
            if !self.text[above..start].trim_start().starts_with('#') {
                break;
            }
            start = above;
        }
        start
    }
}

fn section<'a>(document: &'a DocumentMut, key: &str, index: usize) -> Option<&'a Table> {
    document.get(key)?.as_array_of_tables()?.get(index)
}

pub(crate) fn written<T: Section>(one: &T) -> String {
    let mut text = String::new();
    one.write(&mut text);
    text
}

/// Puts a section at the beginning of a line, with an empty line on both sides.
fn insert(text: &mut String, point: usize, block: &str) {
    let block = block.trim_start_matches('\n');
    let before = &text[..point];
    let gap = if before.is_empty() || before.ends_with("\n\n") {
        ""
    } else if before.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let after = if text[point..].trim().is_empty() { "" } else { "\n" };
    let whole = format!("{gap}{block}{after}");
    text.insert_str(point, &whole);
}

/// Gives a table the values of another one, keeping the layout of those that are the same.
fn replace(table: &mut Table, new: &Table) {
    let old: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for key in old.iter().filter(|key| !new.contains_key(key)) {
        table.remove(key);
    }
    for (key, item) in new {
        match table.get_mut(key) {
            Some(Item::Value(there)) => {
                let Some(value) = item.as_value() else { continue };
                if plain(there) != plain(value) {
                    let decor = there.decor().clone();
                    *there = value.clone();
                    *there.decor_mut() = decor;
                }
            }
            Some(there) if tables(there) == tables(item) => {}
            _ => drop(table.insert(key, unplaced(item.clone()))),
        }
    }
}

/// A value without its layout.
fn plain(value: &toml_edit::Value) -> String {
    let text = format!("x = {}", value.to_string().trim());
    text.parse::<toml::Table>().map_or(text, |table| table.to_string())
}

/// Tables below a section without their layout.
fn tables(item: &Item) -> String {
    let text = match item {
        Item::Table(table) => table.to_string(),
        Item::ArrayOfTables(list) => {
            list.iter().map(|table| format!("[[x]]\n{table}")).collect::<String>()
        }
        other => other.to_string(),
    };
    text.parse::<toml::Table>().map_or(text, |table| table.to_string())
}

/// Tables that are new have no place in the file yet: they follow what they stand below.
fn unplaced(mut item: Item) -> Item {
    match &mut item {
        Item::Table(table) => table.set_position(None),
        Item::ArrayOfTables(list) => list.iter_mut().for_each(|table| table.set_position(None)),
        Item::None | Item::Value(_) => {}
    }
    item
}

#[cfg(test)]
mod tests;
