//! CSV, a line a row.

use csv_core::ReadRecordResult;

use super::{COLUMNS, Column, Refused, Row};
use crate::source::setup::{list_of, shown};

/// Most fields of a row.
const MAX_FIELDS: usize = 64;

/// Reads rows by what the header says.
pub(super) struct Reader {
    core: csv_core::Reader,
    delimiter: u8,
    /// Which column of ours each field is.
    columns: Vec<Column>,
    input: Vec<u8>,
    output: Vec<u8>,
    ends: [usize; MAX_FIELDS],
}

/// Why a header cannot be used.
pub(super) struct RefusedHeader {
    pub(super) column: u32,
    pub(super) what: String,
    pub(super) expected: String,
}

impl Reader {
    /// Reads the header.
    pub(super) fn new(header: &str, delimiter: u8) -> Result<Self, RefusedHeader> {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let mut reader = Self {
            core,
            delimiter,
            columns: Vec::new(),
            input: Vec::new(),
            output: Vec::new(),
            ends: [0; MAX_FIELDS],
        };
        let count = reader.split(header).map_err(|(column, what)| RefusedHeader {
            column,
            what,
            expected: "a row of column names".to_owned(),
        })?;
        let known: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        for index in 0..count {
            let name = reader.field(index).trim().to_ascii_lowercase();
            let column = COLUMNS.iter().find(|(known, _)| *known == name).map(|(_, it)| *it);
            let is_new = column.is_some_and(|column| !reader.columns.contains(&column));
            match column.filter(|_| is_new) {
                Some(column) => reader.columns.push(column),
                None => {
                    let (what, expected) = if column.is_some() {
                        (format!("the second column `{name}`"), "another one".to_owned())
                    } else {
                        let expected = format!("one of {}", list_of(&known));
                        (format!("the column `{}`", shown(&name)), expected)
                    };
                    return Err(RefusedHeader {
                        column: reader.column(header, index),
                        what,
                        expected,
                    });
                }
            }
        }
        for (name, needed) in &COLUMNS[..2] {
            if !reader.columns.contains(needed) {
                let what = "the header".to_owned();
                let expected = format!("one with a column `{name}`");
                return Err(RefusedHeader { column: 1, what, expected });
            }
        }
        Ok(reader)
    }

    /// Reads one line and gives its row to `each`.
    pub(super) fn read(
        &mut self,
        line: &str,
        each: impl FnOnce(&Row<'_>, &dyn Fn(Column) -> u32) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let count = self.split(line)?;
        if count != self.columns.len() {
            let expected = self.columns.len();
            let column = self.column(line, count.min(expected).saturating_sub(1));
            return Err((column, format!("expected {expected} fields, found {count}")));
        }
        let mut row: Row<'_> = [""; COLUMNS.len()];
        for (index, column) in self.columns.iter().enumerate() {
            row[*column as usize] = self.field(index).trim();
        }
        let column_of = |column: Column| {
            let index = self.columns.iter().position(|it| *it == column);
            self.column(line, index.unwrap_or_default())
        };
        each(&row, &column_of)
    }

    /// Splits a line into fields and gives their number.
    fn split(&mut self, line: &str) -> Result<usize, Refused> {
        self.input.clear();
        self.input.extend_from_slice(line.as_bytes());
        self.input.push(b'\n');
        self.output.resize(self.input.len(), 0);
        self.core.reset();
        let (result, _, _, count) =
            self.core.read_record(&self.input, &mut self.output, &mut self.ends);
        match result {
            ReadRecordResult::Record => Ok(count),
            ReadRecordResult::OutputEndsFull => Err((1, format!("more than {MAX_FIELDS} fields"))),
            // The line's end was taken for a part of the text.
            ReadRecordResult::InputEmpty | ReadRecordResult::OutputFull | ReadRecordResult::End => {
                let column = line.rfind('"').map_or(1, |at| line[..at].chars().count() + 1);
                Err((u32::try_from(column).unwrap_or(u32::MAX), "a quote is not closed".to_owned()))
            }
        }
    }

    fn field(&self, index: usize) -> &str {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] };
        // The line was UTF-8 and is split at ASCII only.
        std::str::from_utf8(&self.output[begin..self.ends[index]]).unwrap_or_default()
    }

    /// Where a field begins in the line, in characters from 1.
    fn column(&self, line: &str, index: usize) -> u32 {
        let (mut fields, mut is_quoted, mut column) = (0, false, 1);
        for character in line.chars() {
            if fields == index {
                break;
            }
            is_quoted ^= character == '"';
            fields += usize::from(character == char::from(self.delimiter) && !is_quoted);
            column += 1;
        }
        column
    }
}
