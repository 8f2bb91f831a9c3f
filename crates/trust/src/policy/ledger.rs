//! What the policy asks of the ledger of reviews, and what the ledger answered about a pin.
//!
//! Nothing of a ledger is known here: who vouches for which file was decided elsewhere, and comes in as
//! one [`LedgerAnswer`] a pin. The table is `[policy.ledger]`; `ledger = "require"` is the same without
//! the rest.

mod answers;

use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::table::codes::LISTED_TWICE;
use countermark_packaging::table::{Reader, Table};
use toml::de::DeValue;

use super::parse::Titles;
pub use answers::{FileAnswer, LedgerAnswers};

const KEYS: [&str; 3] = ["mode", "folder", "criteria"];

/// The most criteria that are asked for.
const MAXIMUM_CRITERIA: usize = 64;

/// What a ledger decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerMode {
    /// It is not asked.
    #[default]
    Off,
    /// What nobody vouches for is told.
    Warn,
    /// What nobody vouches for is refused.
    Require,
}

/// What a project wants of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerPolicy {
    /// What it decides.
    pub mode: LedgerMode,
    /// Where it is, as a path that counts from the file of the policy; the nearest one where nothing is
    /// said.
    pub folder: Option<String>,
    /// What every file has to meet, in place of what the ledger asks for; empty where nothing is said.
    pub criteria: Vec<String>,
}

/// What the ledger says of all files of a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerAnswer {
    /// All of them meet their criteria.
    Met,
    /// One does not.
    NotMet {
        /// One sentence, lower case, expected against found.
        message: String,
        /// What was found, in few words.
        found: String,
    },
    /// One is known to be bad; nothing overrides that.
    Violation {
        /// One sentence, lower case.
        message: String,
    },
    /// It could not be decided.
    Undecided {
        /// One sentence, lower case: why.
        message: String,
    },
}

/// What the key says: a word, or a table. With a mistake in it the whole policy is refused, so that it
/// does not matter what stands for what could not be read.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>, titles: &Titles) -> LedgerPolicy {
    let words =
        [("off", LedgerMode::Off), ("warn", LedgerMode::Warn), ("require", LedgerMode::Require)];
    if !matches!(table.table.get("ledger").map(toml::Spanned::get_ref), Some(DeValue::Table(_))) {
        let text = reader.text(table, "ledger");
        let mode = text.and_then(|text| reader.word(&text, "what a ledger can decide", &words));
        return LedgerPolicy { mode: mode.unwrap_or_default(), ..LedgerPolicy::default() };
    }
    let Some(table) = reader.table(table, "ledger", titles.ledger) else {
        return LedgerPolicy::default();
    };
    reader.only(table, &KEYS);
    let mode = match reader.text(table, "mode") {
        Some(text) => reader.word(&text, "what a ledger can decide", &words).unwrap_or_default(),
        None if table.has("mode") => LedgerMode::Off,
        None => {
            let hint = "write mode = \"require\", or \"warn\" to be told only";
            reader.missing(table, "mode", hint);
            LedgerMode::Off
        }
    };
    LedgerPolicy { mode, folder: reader.owned(table, "folder"), criteria: criteria(reader, table) }
}

fn criteria<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<String> {
    let Some(item) = table.table.get("criteria") else { return Vec::new() };
    let texts = reader.texts(table, "criteria").unwrap_or_default();
    if texts.is_empty() && matches!(item.get_ref(), DeValue::Array(list) if list.is_empty()) {
        let message = "`criteria` lists none, so that every file would pass".to_owned();
        let hint = "write criteria = [\"safe-to-deploy\"], or leave the key out";
        reader.hinted(INVALID_VALUE, message, item.span(), hint);
    }
    if texts.len() > MAXIMUM_CRITERIA {
        let found = texts.len();
        let message = format!("`criteria` has at most {MAXIMUM_CRITERIA} entries, found {found}");
        reader.error(INVALID_VALUE, message, item.span());
    }
    let mut criteria: Vec<String> = Vec::new();
    for text in texts {
        if criteria.iter().any(|known| known == text.value) {
            reader.error(LISTED_TWICE, format!("`{}` is listed already", text.value), text.span);
        } else {
            criteria.push(text.value.to_owned());
        }
    }
    criteria
}
