//! `log.toml`: what a log is called, who signs, where records and tiles are, who may append, who cosigns.
//!
//! Every mistake is told with its place, all in one run. Secrets never stand in the file: keys are files
//! of their own, passwords come from a file, a variable or a credential of the service manager. Edits by
//! commands ([`edit`]) keep everything else in the file as it stands.

pub mod edit;
pub mod keys;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::lock::source::Source;
use countermark_packaging::table::codes::LISTED_TWICE;
use countermark_packaging::table::{Reader, Table, collect_mistakes, parse_utf8};
use countermark_tlog::note::{KeyType, VerifierKey};
use countermark_trust::log::record::Observer;
use jiff::civil::Date;
use toml::de::DeTable;
use url::Url;

use crate::watch::secret::SecretSource;

/// The name of the file in the folder of a log.
pub const FILE: &str = "log.toml";

/// The most bytes of it that are read.
pub const MAXIMUM_SIZE: usize = 1 << 20;

/// How many keys may sign at once: the old and the new one, and one more for an accident.
const MOST_KEYS: usize = 3;

/// How many observers and how many witnesses there may be.
const MOST_LISTED: usize = 1000;

/// The configuration of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// What it is called for ever: the first line of its checkpoints.
    pub origin: String,
    /// Where clients reach it, if the operator says so.
    pub url: Option<Url>,
    /// Who signs, the present key first.
    pub keys: Vec<KeyFile>,
    /// Where records and tiles are.
    pub storage: Storage,
    /// Who may append.
    pub observers: Vec<Registered>,
    /// Who is asked to cosign.
    pub witnesses: Vec<Cosigner>,
}

/// A key that signs checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// The file with its secret half.
    pub file: PathBuf,
    /// The last day on which it signs, in UTC; without one it does until the file says otherwise.
    pub until: Option<Date>,
}

/// Where records and tiles are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Of the records.
    pub database: Database,
    /// Of the public files.
    pub tiles: Tiles,
    /// Of the pins that the pages show beside the records: what `observe crawl` fills.
    pub observatory: Option<Database>,
}

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In a file, embedded.
    File(PathBuf),
    /// On a server of PostgreSQL.
    Server {
        /// Its address, without a password.
        address: String,
        /// The password.
        password: Option<SecretSource>,
        /// Certificates that are believed in place of those of the system.
        authority: Option<PathBuf>,
    },
}

/// Where the public files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of an object store that speaks S3.
    Bucket(Bucket),
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What the names of objects begin with, without a `/` at its end; may be empty.
    pub prefix: String,
    /// Where the object store is.
    pub endpoint: Url,
    /// Its region.
    pub region: String,
    /// Who asks.
    pub access_key: Option<SecretSource>,
    /// With which secret.
    pub secret_key: Option<SecretSource>,
}

/// An observer that may append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Who.
    pub observer: Observer,
    /// Its key.
    pub key: VerifierKey,
}

/// A witness that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Its key.
    pub key: VerifierKey,
    /// Its submission prefix.
    pub url: Url,
}

/// Reads the configuration; paths in it begin at `folder`.
///
/// # Errors
/// Every mistake, with its place.
pub fn parse(file: &str, bytes: &[u8], folder: &Path) -> Result<LogConfig, Vec<SourceError>> {
    let text = parse_utf8(file, bytes, MAXIMUM_SIZE).map_err(|error| vec![error])?;
    let source = Source::new(file, text.to_owned());
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let mut reader = Reader::new(&source);
    let table = Table::new(document.get_ref(), "a log.toml", 0..0);
    let config = read(&mut reader, table, folder);
    let mistakes = std::mem::take(&mut reader.errors);
    let errors = collect_mistakes(&source, document.get_ref(), &broken, mistakes);
    match config {
        Some(config) if errors.is_empty() => Ok(config),
        _ => Err(errors),
    }
}

fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>, folder: &Path) -> Option<LogConfig> {
    reader.only(table, &["log", "key", "storage", "observer", "witness"]);
    let log = match reader.table(table, "log", "[log]") {
        Some(log) => Some(log),
        None if table.has("log") => None,
        None => {
            reader.missing(table, "log", "write `[log]` and `origin = \"log.example.org\"` below");
            None
        }
    };
    let (origin, url) = log.map_or((None, None), |log| read_log(reader, log));
    let keys = read_keys(reader, table, folder);
    let storage = read_storage(reader, table, folder);
    let observers = read_observers(reader, table);
    let witnesses = read_witnesses(reader, table);
    Some(LogConfig { origin: origin?, url, keys, storage: storage?, observers, witnesses })
}

fn read_log<'a>(reader: &mut Reader<'a>, log: Table<'a>) -> (Option<String>, Option<Url>) {
    reader.only(log, &["origin", "url"]);
    let origin = reader.required(log, "origin", "write `origin = \"log.example.org\"`");
    let origin = origin.and_then(|origin| match check_origin(origin.value) {
        Ok(()) => Some(origin.value.to_owned()),
        Err(wrong) => {
            reader.hinted(INVALID_VALUE, wrong.to_owned(), origin.span, ORIGIN_HINT);
            None
        }
    });
    (origin, read_url(reader, log, "url"))
}

/// What to write as an origin.
pub const ORIGIN_HINT: &str =
    "it is the url of the log without its scheme, such as log.example.org";

/// Whether a text can be what a log is called: it is also the name of its key.
///
/// # Errors
/// What is wrong with it.
pub fn check_origin(text: &str) -> Result<(), &'static str> {
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '/' | ':');
    if text.is_empty() || text.len() > 200 || !text.chars().all(is_allowed) {
        return Err("an origin has 1 to 200 ASCII letters, digits, and any of `.-_~/:`");
    }
    if text.contains("//") || text.starts_with('/') || text.ends_with('/') {
        return Err("an origin has no scheme and no `/` at its ends");
    }
    Ok(())
}

fn read_url<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<Url> {
    let text = reader.text(table, key)?;
    match Url::parse(text.value) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            let message = format!("`{key}` must begin with https:// or http://");
            reader.error(INVALID_VALUE, message, text.span);
            None
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let message = format!("`{key}` must not hold a user or a password");
            reader.error(INVALID_VALUE, message, text.span);
            None
        }
        Ok(url) => Some(url),
        Err(error) => {
            reader.error(INVALID_VALUE, format!("`{key}` is not a url: {error}"), text.span);
            None
        }
    }
}

fn read_keys<'a>(reader: &mut Reader<'a>, table: Table<'a>, folder: &Path) -> Vec<KeyFile> {
    let tables = reader.tables(table, "key", "[[key]]");
    if tables.is_empty() && !table.has("key") {
        reader.missing(table, "key", "write `[[key]]` and `file = \"keys/log.key\"` below");
    }
    if let Some(one) = tables.get(MOST_KEYS) {
        let message = format!("at most {MOST_KEYS} keys sign at once");
        reader.error(INVALID_VALUE, message, one.span());
    }
    let mut keys = Vec::new();
    for one in tables.into_iter().take(MOST_KEYS) {
        reader.only(one, &["file", "until"]);
        let file = reader.required(one, "file", "write `file = \"keys/log.key\"`");
        let until = reader.date(one, "until").map(|until| until.value);
        keys.extend(file.map(|file| KeyFile { file: folder.join(file.value), until }));
    }
    keys
}

fn read_storage<'a>(reader: &mut Reader<'a>, table: Table<'a>, folder: &Path) -> Option<Storage> {
    let Some(storage) = reader.table(table, "storage", "[storage]") else {
        // Everything in the folder of the log, as `log init` writes it.
        return (!table.has("storage")).then(|| Storage {
            database: Database::File(folder.join("log.sqlite")),
            tiles: Tiles::Folder(folder.join("public")),
            observatory: None,
        });
    };
    let secrets = ["database-password", "s3-access-key", "s3-secret-key"];
    let kinds = ["file", "env", "credential"];
    let secrets = secrets.iter().flat_map(|key| kinds.map(|kind| format!("{key}-{kind}")));
    let mut keys: Vec<String> =
        ["database", "database-authority", "observatory", "tiles", "s3-endpoint", "s3-region"]
            .map(str::to_owned)
            .to_vec();
    keys.extend(secrets);
    reader.only(storage, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let database = read_database(reader, storage, folder);
    let observatory = read_observatory(reader, storage, folder);
    let tiles = read_tiles(reader, storage, folder);
    Some(Storage { database: database?, tiles: tiles?, observatory })
}

fn read_database<'a>(
    reader: &mut Reader<'a>,
    storage: Table<'a>,
    folder: &Path,
) -> Option<Database> {
    let password = read_secret(reader, storage, "database-password", folder);
    let authority = reader.text(storage, "database-authority").map(|it| folder.join(it.value));
    let hint = "write `database = \"log.sqlite\"`, or the address of a PostgreSQL server";
    let text = reader.required(storage, "database", hint)?;
    if !crate::log::postgres::settings::Settings::is_address(text.value) {
        if password.is_some() || authority.is_some() {
            let message = "only a server has a password and an authority".to_owned();
            reader.error(INVALID_VALUE, message, text.span);
        }
        return Some(Database::File(folder.join(text.value)));
    }
    // The password is not read yet: everything else of the address is looked at here.
    if let Err(error) = crate::log::postgres::settings::Settings::parse(text.value, None, None) {
        let hint = error.hint().unwrap_or("see docs/log-operate.md");
        reader.hinted(INVALID_VALUE, error.to_string(), text.span, hint);
        return None;
    }
    Some(Database::Server { address: text.value.to_owned(), password, authority })
}

/// The observatory on a server is reached with the password of the log's database.
fn read_observatory<'a>(
    reader: &mut Reader<'a>,
    storage: Table<'a>,
    folder: &Path,
) -> Option<Database> {
    let text = reader.text(storage, "observatory")?;
    if !crate::log::postgres::settings::Settings::is_address(text.value) {
        return Some(Database::File(folder.join(text.value)));
    }
    if let Err(error) = crate::log::postgres::settings::Settings::parse(text.value, None, None) {
        let hint = error.hint().unwrap_or("see docs/log-operate.md");
        reader.hinted(INVALID_VALUE, error.to_string(), text.span, hint);
        return None;
    }
    let password = read_secret(reader, storage, "database-password", folder);
    Some(Database::Server { address: text.value.to_owned(), password, authority: None })
}

fn read_tiles<'a>(reader: &mut Reader<'a>, storage: Table<'a>, folder: &Path) -> Option<Tiles> {
    let access_key = read_secret(reader, storage, "s3-access-key", folder);
    let secret_key = read_secret(reader, storage, "s3-secret-key", folder);
    let hint = "write `tiles = \"public\"`, or `tiles = \"s3://bucket/prefix\"`";
    let text = reader.required(storage, "tiles", hint)?;
    let endpoint = read_url(reader, storage, "s3-endpoint");
    let region = reader.owned(storage, "s3-region");
    let Some(place) = text.value.strip_prefix("s3://") else {
        if endpoint.is_some() || region.is_some() || access_key.is_some() || secret_key.is_some() {
            let message = "only a bucket (`s3://…`) has an endpoint, a region and keys".to_owned();
            reader.error(INVALID_VALUE, message, text.span);
        }
        return Some(Tiles::Folder(folder.join(text.value)));
    };
    let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let prefix = prefix.trim_end_matches('/');
    let is_good = !name.is_empty() && place.chars().all(is_plain) && !place.contains("//");
    if !is_good || prefix.split('/').any(|part| matches!(part, "." | "..")) {
        let message = format!("`{}` names no bucket", text.value);
        reader.hinted(INVALID_VALUE, message, text.span, hint);
        return None;
    }
    if endpoint.is_none() && !storage.has("s3-endpoint") {
        reader.missing(storage, "s3-endpoint", "write `s3-endpoint = \"https://s3.example.org\"`");
    }
    Some(Tiles::Bucket(Bucket {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: endpoint?,
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        access_key,
        secret_key,
    }))
}

/// One of `<key>-file`, `<key>-env` and `<key>-credential`.
fn read_secret<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
    folder: &Path,
) -> Option<SecretSource> {
    let mut found = Vec::new();
    for kind in ["file", "env", "credential"] {
        let name = format!("{key}-{kind}");
        let Some(text) = reader.text(table, &name) else { continue };
        let source = match kind {
            "file" => SecretSource::File(folder.join(text.value)),
            "env" => SecretSource::Variable(text.value.to_owned()),
            _ if text.value.contains('/') || text.value.starts_with('.') => {
                let message = format!("`{name}` is the name of a credential, not a path");
                reader.error(INVALID_VALUE, message, text.span);
                continue;
            }
            _ => SecretSource::Credential(text.value.to_owned()),
        };
        found.push((source, name, text.span));
    }
    if let Some((_, name, span)) = found.get(1) {
        let message = format!("`{name}` is one too many: `{key}` is read from one place");
        reader.error(INVALID_VALUE, message, span.clone());
    }
    found.into_iter().next().map(|(source, ..)| source)
}

fn read_observers<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<Registered> {
    let mut seen = BTreeMap::new();
    let mut observers: Vec<Registered> = Vec::new();
    let tables = reader.tables(table, "observer", "[[observer]]");
    bound(reader, &tables, "observers");
    for one in tables.into_iter().take(MOST_LISTED) {
        reader.only(one, &["name", "key"]);
        let hint = "write `name = \"index:example.org/crawler\"`";
        let name = reader.required(one, "name", hint);
        let key = read_key(reader, one, &[KeyType::Ed25519]);
        let Some(name) = name else { continue };
        let observer = match Observer::parse(name.value) {
            Ok(observer) => observer,
            Err(error) => {
                reader.hinted(INVALID_VALUE, error.to_string(), name.span, hint);
                continue;
            }
        };
        if let Some(first) = seen.insert(observer.clone(), name.span.clone()) {
            reader.twice(name.value, None, name.span, first);
            continue;
        }
        let Some(key) = key else { continue };
        // One key for two observers would let one of them speak for the other.
        if let Some(other) = observers.iter().find(|it| it.key.public() == key.public()) {
            let message =
                format!("the key of `{}` is that of `{}` already", observer, other.observer);
            reader.error(LISTED_TWICE, message, one.span());
            continue;
        }
        observers.push(Registered { observer, key });
    }
    observers
}

fn read_witnesses<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<Cosigner> {
    let mut witnesses: Vec<Cosigner> = Vec::new();
    let tables = reader.tables(table, "witness", "[[witness]]");
    bound(reader, &tables, "witnesses");
    for one in tables.into_iter().take(MOST_LISTED) {
        reader.only(one, &["key", "url"]);
        let key = read_key(reader, one, &[KeyType::Cosignature, KeyType::MlDsa44]);
        if !one.has("url") {
            reader.missing(one, "url", "write `url = \"https://witness.example.org\"`");
        }
        let url = read_url(reader, one, "url");
        let (Some(key), Some(url)) = (key, url) else { continue };
        if let Some(other) = witnesses.iter().find(|it| it.key.public() == key.public()) {
            let message = format!("the key of `{}` is listed already", other.key.name());
            reader.error(LISTED_TWICE, message, one.span());
            continue;
        }
        witnesses.push(Cosigner { key, url });
    }
    witnesses
}

fn bound<'a>(reader: &mut Reader<'a>, tables: &[Table<'a>], what: &str) {
    if let Some(one) = tables.get(MOST_LISTED) {
        let message = format!("there are more than {MOST_LISTED} {what}");
        reader.error(INVALID_VALUE, message, one.span());
    }
}

fn read_key<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    kinds: &[KeyType],
) -> Option<VerifierKey> {
    let hint = "write `key = \"NAME+NUMBER+BASE64\"`, as `init` and `observer add` print it";
    let text = reader.required(table, "key", hint)?;
    match VerifierKey::parse(text.value) {
        Ok(key) if kinds.contains(&key.kind()) => Some(key),
        Ok(_) => {
            let expected = if kinds.contains(&KeyType::Ed25519) {
                "the key of an observer must be one for plain signatures, of type 0x01"
            } else {
                "the key of a witness must be one for cosignatures, of type 0x04 or 0x06"
            };
            reader.error(INVALID_VALUE, expected.to_owned(), text.span);
            None
        }
        Err(error) => {
            reader.hinted(INVALID_VALUE, error.to_string(), text.span, hint);
            None
        }
    }
}
