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

use super::{codes, decided};
use crate::ledger::{
    AuthorKey, Exemption, Import, Ledger, OwnReviews, Requirement, TrustedPublisher, Violation,
};

/// A kind of section of a `ledger.toml`: `[[exemption]]`, `[[key]]` and the others.
pub trait Section: Clone {
    /// The name between the brackets.
    const KEY: &'static str;
    /// Those of a ledger, in the order of the file.
    fn of(ledger: &Ledger) -> &Vec<Self>;
    /// The same, to be changed.
    fn of_mut(ledger: &mut Ledger) -> &mut Vec<Self>;
    /// Writes one.
    fn write(&self, text: &mut String);
    /// Whether it belongs before another one; never where the order is that of people.
    fn is_before(&self, other: &Self) -> bool;
}

macro_rules! sections {
    ($($type:ident $key:literal $field:ident $write:expr, $before:expr;)*) => {$(
        impl Section for $type {
            const KEY: &'static str = $key;
            fn of(ledger: &Ledger) -> &Vec<Self> {
                &ledger.$field
            }
            fn of_mut(ledger: &mut Ledger) -> &mut Vec<Self> {
                &mut ledger.$field
            }
            fn write(&self, text: &mut String) {
                ($write)(text, self);
            }
            fn is_before(&self, other: &Self) -> bool {
                let before: fn(&Self, &Self) -> bool = $before;
                before(self, other)
            }
        }
    )*};
}

sections! {
    Requirement "requirement" requirements decided::requirement, |_, _| false;
    AuthorKey "key" keys |text: &mut String, it: &AuthorKey| decided::key(text, "[[key]]", it), |_, _| false;
    OwnReviews "own-reviews" own_reviews decided::own_reviews, |_, _| false;
    Import "import" imports decided::import, |a, b| a.name < b.name;
    Exemption "exemption" exemptions decided::exemption, |a, b| {
        (&a.project, &a.version, &a.files) < (&b.project, &b.version, &b.files)
    };
    TrustedPublisher "trusted" trusted decided::trusted, |_, _| false;
    Violation "violation" violations decided::violation, |a, b| {
        (&a.project, &a.version, &a.files) < (&b.project, &b.version, &b.files)
    };
}

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
        if new.is_empty() {
            return Ok(());
        }
        let mut expected = self.ledger.clone();
        let spots = self.spots(T::KEY)?;
        // Each new one, before which of those that are there; the end of the list for the last place.
        let there = T::of(&self.ledger);
        let mut places: Vec<(usize, &T)> = new
            .iter()
            .map(|one| {
                let at = there.iter().position(|it| one.is_before(it)).unwrap_or(there.len());
                (at, one)
            })
            .collect();
        places.sort_by(|(a, one), (b, other)| {
            a.cmp(b).then_with(|| other.is_before(one).cmp(&one.is_before(other)))
        });
        let mut text = self.text.clone();
        for (at, one) in places.iter().rev() {
            let point = match spots.get(*at) {
                Some(spot) => spot.start,
                None => spots.last().map_or(self.text.len(), |last| last.end),
            };
            insert(&mut text, point, *one);
            T::of_mut(&mut expected).insert(*at, (*one).clone());
        }
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
        let count = gone.iter().filter(|gone| **gone).count();
        if count == 0 {
            return Ok(0);
        }
        let spots = self.spots(T::KEY)?;
        let mut text = self.text.clone();
        for (spot, _) in spots.iter().zip(&gone).rev().filter(|(_, gone)| **gone) {
            text.replace_range(spot.start..spot.end, "");
        }
        let tidy = text.trim_end().len();
        text.truncate(tidy);
        text.push('\n');
        let mut expected = self.ledger.clone();
        let mut answers = gone.into_iter();
        T::of_mut(&mut expected).retain(|_| !answers.next().unwrap_or(false));
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
        let mut expected = self.ledger.clone();
        let mut count = 0;
        for (index, one) in T::of(&self.ledger).iter().enumerate() {
            let Some(new) = change(one) else { continue };
            let mut block = String::new();
            new.write(&mut block);
            let written: DocumentMut = block.parse().map_err(|_| vec![self.refused(T::KEY)])?;
            let new_table = section(&written, T::KEY, 0).cloned();
            let table = document
                .get_mut(T::KEY)
                .and_then(Item::as_array_of_tables_mut)
                .and_then(|tables| tables.get_mut(index));
            let (Some(table), Some(new_table)) = (table, new_table) else {
                return Err(vec![self.refused(T::KEY)]);
            };
            replace(table, &new_table);
            T::of_mut(&mut expected)[index] = new;
            count += 1;
        }
        if count > 0 {
            self.settle(document.to_string(), &expected)?;
        }
        Ok(count)
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

/// Puts a section at the beginning of a line, with an empty line on both sides.
fn insert<T: Section>(text: &mut String, point: usize, one: &T) {
    let mut block = String::new();
    one.write(&mut block);
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
