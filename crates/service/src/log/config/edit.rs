//! Changes of `log.toml` by commands: a table more, a table less; all else stays to the byte.

use jiff::civil::Date;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError, value};

use super::{Cosigner, Registered};

/// A `log.toml` for a new log.
#[must_use]
pub fn draft(origin: &str) -> String {
    format!(
        "# A log of observations. docs/log-operate.md explains every key.

[log]
# What the log is called for ever; it stands in every checkpoint.
origin = \"{origin}\"

# Who signs checkpoints; `countermark log rotate` adds a key.
[[key]]
file = \"keys/log.key\"

# The database of the records, and the public files that any web server can serve.
[storage]
database = \"log.sqlite\"
tiles = \"public\"
# The pins that `countermark observe crawl` keeps, shown on the pages.
# observatory = \"observatory.sqlite\"

# `countermark log observer add` registers who may append, `log witness add` who cosigns.
"
    )
}

/// With one more observer.
///
/// # Errors
/// When the text is not TOML.
pub fn add_observer(text: &str, observer: &Registered) -> Result<String, TomlError> {
    add(text, "observer", |table| {
        table.insert("name", value(observer.observer.to_string()));
        table.insert("key", value(observer.key.to_string()));
    })
}

/// Without an observer.
///
/// # Errors
/// When the text is not TOML.
pub fn remove_observer(text: &str, name: &str) -> Result<String, TomlError> {
    remove(text, "observer", |table| {
        table.get("name").and_then(Item::as_str).is_some_and(|it| it == name)
    })
}

/// With one more witness.
///
/// # Errors
/// When the text is not TOML.
pub fn add_witness(text: &str, witness: &Cosigner) -> Result<String, TomlError> {
    add(text, "witness", |table| {
        table.insert("key", value(witness.key.to_string()));
        table.insert("url", value(witness.url.to_string()));
    })
}

/// Without a witness.
///
/// # Errors
/// When the text is not TOML.
pub fn remove_witness(text: &str, key: &str) -> Result<String, TomlError> {
    remove(text, "witness", |table| {
        table.get("key").and_then(Item::as_str).is_some_and(|it| it == key)
    })
}

/// With a new key before all others, which sign until a day.
///
/// # Errors
/// When the text is not TOML.
pub fn rotate(text: &str, file: &str, until: Date) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let mut old = ArrayOfTables::new();
    if let Some(keys) = document.get("key").and_then(Item::as_array_of_tables) {
        old = keys.clone();
    }
    let mut keys = ArrayOfTables::new();
    let mut first = Table::new();
    first.insert("file", value(file));
    if let Some(decor) = old.get(0).map(|it| it.decor().clone()) {
        *first.decor_mut() = decor;
    }
    keys.push(first);
    for (number, table) in old.iter().enumerate() {
        let mut table = table.clone();
        if number == 0 {
            table.decor_mut().set_prefix("\n");
        }
        // The order of tables in a file is that of their positions; new ones follow the first.
        table.set_position(None);
        if !table.contains_key("until") {
            table.insert("until", value(until.to_string()));
        }
        keys.push(table);
    }
    if let Some(place) = old.get(0).and_then(Table::position)
        && let Some(first) = keys.get_mut(0)
    {
        first.set_position(Some(place));
    }
    document.insert("key", Item::ArrayOfTables(keys));
    Ok(document.to_string())
}

fn add(text: &str, key: &str, fill: impl FnOnce(&mut Table)) -> Result<String, TomlError> {
    // Only to know that what follows lands in a table of its own.
    let _: DocumentMut = text.parse()?;
    let mut table = Table::new();
    fill(&mut table);
    let mut end = DocumentMut::new();
    let mut tables = ArrayOfTables::new();
    tables.push(table);
    end.insert(key, Item::ArrayOfTables(tables));
    let separator = if text.ends_with('\n') { "\n" } else { "\n\n" };
    Ok(format!("{text}{separator}{end}"))
}

fn remove(text: &str, key: &str, is_meant: impl Fn(&Table) -> bool) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    if let Some(tables) = document.get_mut(key).and_then(Item::as_array_of_tables_mut) {
        tables.retain(|table| !is_meant(table));
        if tables.is_empty() {
            document.remove(key);
        }
    }
    Ok(document.to_string())
}
