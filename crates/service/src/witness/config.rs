//! `witness.toml`: what the witness is called, where its key and its state are, which logs it watches.

use std::path::{Path, PathBuf};

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::lock::source::Source;
use countermark_packaging::table::{Reader, Table, collect_mistakes, parse_utf8};
use countermark_tlog::note::{KeyType, VerifierKey};
use toml::de::DeTable;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, TomlError, value};

/// The name of the file in the folder of a witness.
pub const FILE: &str = "witness.toml";

/// The most bytes of it that are read.
pub const MAXIMUM_SIZE: usize = 1 << 20;

/// How many logs are watched, and how many keys one may have.
const MOST_LOGS: usize = 1000;
const MOST_KEYS: usize = 10;

/// The configuration of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessConfig {
    /// The name of its key.
    pub name: String,
    /// The file with the key.
    pub key: PathBuf,
    /// The file with what it cosigned last.
    pub state: PathBuf,
    /// The folder for what convicts logs.
    pub evidence: PathBuf,
    /// The logs.
    pub logs: Vec<Watched>,
}

/// A log that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// What it is called.
    pub origin: String,
    /// Its keys; one of them has to sign. Old ones stay until a newer checkpoint was cosigned.
    pub keys: Vec<VerifierKey>,
}

/// Reads the configuration; paths in it begin at `folder`.
///
/// # Errors
/// Every mistake, with its place.
pub fn parse(file: &str, bytes: &[u8], folder: &Path) -> Result<WitnessConfig, Vec<SourceError>> {
    let text = parse_utf8(file, bytes, MAXIMUM_SIZE).map_err(|error| vec![error])?;
    let source = Source::new(file, text.to_owned());
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let mut reader = Reader::new(&source);
    let table = Table::new(document.get_ref(), "a witness.toml", 0..0);
    let config = read(&mut reader, table, folder);
    let mistakes = std::mem::take(&mut reader.errors);
    let errors = collect_mistakes(&source, document.get_ref(), &broken, mistakes);
    match config {
        Some(config) if errors.is_empty() => Ok(config),
        _ => Err(errors),
    }
}

fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>, folder: &Path) -> Option<WitnessConfig> {
    reader.only(table, &["witness", "log"]);
    let hint = "write `[witness]` and `name = \"witness.example.org/w1\"` below";
    if !table.has("witness") {
        reader.missing(table, "witness", hint);
    }
    let witness = reader.table(table, "witness", "[witness]");
    let logs = read_logs(reader, table);
    let witness = witness?;
    reader.only(witness, &["name", "key", "state", "evidence"]);
    let name = reader.required(witness, "name", "write `name = \"witness.example.org/w1\"`");
    let mut path = |key: &str, default: &str| {
        let given = reader.text(witness, key);
        folder.join(given.map_or(default, |it| it.value))
    };
    let (key, state) = (path("key", "witness.key"), path("state", "witness.sqlite"));
    let evidence = path("evidence", "evidence");
    Some(WitnessConfig { name: name?.value.to_owned(), key, state, evidence, logs })
}

fn read_logs<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<Watched> {
    let mut logs: Vec<Watched> = Vec::new();
    let mut places = Vec::new();
    let tables = reader.tables(table, "log", "[[log]]");
    if let Some(one) = tables.get(MOST_LOGS) {
        let message = format!("at most {MOST_LOGS} logs are watched");
        reader.error(INVALID_VALUE, message, one.span());
    }
    for one in tables.into_iter().take(MOST_LOGS) {
        reader.only(one, &["origin", "keys"]);
        let origin = reader.required(one, "origin", "write `origin = \"log.example.org\"`");
        let keys = read_keys(reader, one);
        let Some(origin) = origin else { continue };
        if let Some(first) = logs.iter().position(|it| it.origin == origin.value) {
            let first = std::ops::Range::clone(&places[first]);
            reader.twice(origin.value, None, origin.span, first);
            continue;
        }
        if !keys.is_empty() {
            places.push(origin.span);
            logs.push(Watched { origin: origin.value.to_owned(), keys });
        }
    }
    logs
}

fn read_keys<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<VerifierKey> {
    let hint = "write `keys = [\"NAME+NUMBER+BASE64\"]`, as `log init` prints it";
    if !table.has("keys") {
        reader.missing(table, "keys", hint);
    }
    let texts = reader.texts(table, "keys").unwrap_or_default();
    if table.has("keys") && (texts.is_empty() || texts.len() > MOST_KEYS) {
        let message = format!("`keys` must list 1 to {MOST_KEYS} keys");
        reader.error(INVALID_VALUE, message, table.span());
    }
    let mut keys = Vec::new();
    for text in texts.into_iter().take(MOST_KEYS) {
        match VerifierKey::parse(text.value) {
            Ok(key) if key.kind() == KeyType::Ed25519 => keys.push(key),
            Ok(_) => {
                let message = "the key of a log must be one for plain signatures, of type 0x01";
                reader.error(INVALID_VALUE, message.to_owned(), text.span);
            }
            Err(error) => reader.hinted(INVALID_VALUE, error.to_string(), text.span, hint),
        }
    }
    keys
}

/// A `witness.toml` for a new witness.
#[must_use]
pub fn draft(name: &str) -> String {
    format!(
        "# A witness. docs/witness.md explains every key.

[witness]
name = \"{name}\"
key = \"witness.key\"
# What was cosigned last. Never put an older copy of it in place: the witness would contradict itself.
state = \"witness.sqlite\"
# What convicts logs that contradict themselves.
evidence = \"evidence\"

# `countermark witness add-log` adds the logs.
"
    )
}

/// With one more log, or one more key of a log that is there.
///
/// # Errors
/// When the text is not TOML.
pub fn add_log(text: &str, origin: &str, key: &VerifierKey) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let logs = document.entry("log").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let is_meant = |table: &toml_edit::Table| {
        table.get("origin").and_then(Item::as_str).is_some_and(|it| it == origin)
    };
    if let Some(logs) = logs.as_array_of_tables_mut() {
        if let Some(log) = logs.iter_mut().find(|it| is_meant(it)) {
            if let Some(keys) = log.get_mut("keys").and_then(Item::as_array_mut) {
                keys.push(key.to_string());
            }
        } else {
            let mut log = toml_edit::Table::new();
            log.insert("origin", value(origin));
            log.insert("keys", value(Array::from_iter([key.to_string()])));
            logs.push(log);
        }
    }
    Ok(document.to_string())
}
