//! Reads the table `[policy.log]`.

use std::ops::Range;

use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::name::NamePattern;
use countermark_packaging::table::codes::{BAD_NAME, LISTED_TWICE};
use countermark_packaging::table::{At, Reader, Table};
use countermark_tlog::note::{KeyType, VerifierKey};
use url::Url;

use super::parse::{Titles, allowed, read_age};
use crate::log::policy::{DEFAULT_MAXIMUM_AGE, LogKey, LogPolicy, Mode};

const KEYS: [&str; 9] = [
    "mode",
    "url",
    "key",
    "keys",
    "witnesses",
    "quorum",
    "maximum-age",
    "private",
    "public-indexes",
];

/// The most keys, witnesses or patterns.
const MAXIMUM_LISTED: usize = 64;

const KEY_HINT: &str = "write the line that the operator publishes: name+number+base64";

/// What the table says. With a mistake in it, the whole policy is refused, so that it does not matter
/// what stands for what could not be read.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>, titles: &Titles) -> LogPolicy {
    reader.only(table, &KEYS);
    let words = [("off", Mode::Off), ("warn", Mode::Warn), ("require", Mode::Require)];
    let mode = match reader.text(table, "mode") {
        Some(text) => reader.word(&text, "what a log can decide", &words).unwrap_or_default(),
        None => Mode::Warn,
    };
    if mode != Mode::Off && !table.has("url") {
        reader.missing(table, "url", "write where the log is: https://log.example.org/");
    }
    if mode != Mode::Off && !table.has("key") && !table.has("keys") {
        reader.missing(table, "key", KEY_HINT);
    }
    let witnesses = witnesses(reader, table);
    LogPolicy {
        mode,
        url: reader.text(table, "url").and_then(|text| url(reader, &text)),
        keys: keys(reader, table, titles),
        quorum: quorum(reader, table, &witnesses),
        witnesses,
        maximum_age: read_age(reader, table, "maximum-age").or(Some(DEFAULT_MAXIMUM_AGE)),
        private: private(reader, table),
        public_indexes: {
            let texts = reader.texts(table, "public-indexes").unwrap_or_default();
            texts.iter().filter_map(|text| allowed(reader, text)).collect()
        },
    }
}

/// The address, with a path that ends with `/` so that names can be put behind it. It is shown in
/// messages and sent as it is, so there is no place for a password in it.
fn url<'a>(reader: &mut Reader<'a>, text: &At<&'a str>) -> Option<Url> {
    let mut wrong = |message: &str| {
        let hint = "write the whole address: https://log.example.org/";
        reader.hinted(INVALID_VALUE, message.to_owned(), text.span.clone(), hint);
        None
    };
    let Some(mut url) = Url::parse(text.value).ok().filter(Url::has_host) else {
        return wrong("this is not the address of a log");
    };
    if !matches!(url.scheme(), "https" | "http") {
        return wrong("the address of a log begins with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("the address of a log has no name and no password in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("the address of a log has no `?` and no `#` in it");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(url)
}

/// `key = "…"`, or `keys = [{ key = "…", from = 2026-01-01, until = 2026-12-31 }]`.
fn keys<'a>(reader: &mut Reader<'a>, table: Table<'a>, titles: &Titles) -> Vec<LogKey> {
    let mut keys: Vec<LogKey> = Vec::new();
    if let Some(text) = reader.text(table, "key") {
        let vkey = key(reader, &text, KeyType::Ed25519);
        keys.extend(vkey.map(|vkey| LogKey { vkey, from: None, until: None }));
        if let Some((second, _)) = table.table.get_key_value("keys") {
            let message = "`key` and `keys` are both there".to_owned();
            let hint = "write all keys into `keys`";
            reader.hinted(INVALID_VALUE, message, second.span(), hint);
        }
        return keys;
    }
    let tables = reader.tables(table, "keys", titles.log_keys);
    if let Some(item) = table.table.get("keys").filter(|_| tables.is_empty()) {
        reader.error(INVALID_VALUE, "`keys` lists no key".to_owned(), item.span());
    }
    check_count(reader, table, "keys", tables.len());
    for table in tables {
        reader.only(table, &["key", "from", "until"]);
        let (from, until) = (reader.date(table, "from"), reader.date(table, "until"));
        let Some(text) = reader.required(table, "key", KEY_HINT) else { continue };
        let Some(vkey) = key(reader, &text, KeyType::Ed25519) else { continue };
        if let (Some(from), Some(until)) = (&from, &until)
            && from.value > until.value
        {
            let message = format!("`until` is before `from`, which is {}", from.value);
            reader.error(INVALID_VALUE, message, until.span.clone());
        }
        if let Some(first) = keys.first().filter(|first| first.vkey.name() != vkey.name()) {
            // The name of the keys is the first line of the checkpoints, so there is one.
            let expected = first.vkey.name();
            let message = format!("this is a key of `{}`, not of `{expected}`", vkey.name());
            let hint = "all keys of a log have its name; another log has another name";
            reader.hinted(INVALID_VALUE, message, text.span, hint);
        } else if keys.iter().any(|other| other.vkey == vkey) {
            twice(reader, "this key", text.span);
        } else {
            let [from, until] = [from, until].map(|day| day.map(|day| day.value));
            keys.push(LogKey { vkey, from, until });
        }
    }
    keys
}

fn key<'a>(reader: &mut Reader<'a>, text: &At<&'a str>, kind: KeyType) -> Option<VerifierKey> {
    // A text that is no key is not repeated: somebody may have pasted the secret one.
    let (message, hint) = match VerifierKey::parse(text.value.trim()) {
        Ok(key) if key.kind() == kind => return Some(key),
        Ok(key) => match (kind, key.kind()) {
            (KeyType::Ed25519, _) => (
                format!("`{}` is the key of a witness, not of a log", key.name()),
                "the key of a log has the type 1; witnesses stand in `witnesses`",
            ),
            // Kept for the day on which it is verified; until then it never counts.
            (_, KeyType::MlDsa44) => return Some(key),
            _ => (
                format!("`{}` is the key of a log, not of a witness", key.name()),
                "ask the witness for the key of its cosignatures, which has the type 4",
            ),
        },
        Err(error) => (error.to_string(), KEY_HINT),
    };
    reader.hinted(INVALID_VALUE, message, text.span.clone(), hint);
    None
}

fn witnesses<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<VerifierKey> {
    let texts = reader.texts(table, "witnesses").unwrap_or_default();
    check_count(reader, table, "witnesses", texts.len());
    let mut witnesses: Vec<VerifierKey> = Vec::new();
    for text in texts {
        let Some(key) = key(reader, &text, KeyType::Cosignature) else { continue };
        // A witness with two names is one witness.
        if witnesses.iter().any(|other| other.public() == key.public()) {
            twice(reader, "the key of this witness", text.span);
        } else {
            witnesses.push(key);
        }
    }
    witnesses
}

/// How many of them: what is written, or more than half.
fn quorum<'a>(reader: &mut Reader<'a>, table: Table<'a>, witnesses: &[VerifierKey]) -> usize {
    let usable = witnesses.iter().filter(|key| key.can_verify()).count();
    let Some(item) = table.table.get("quorum") else {
        return if usable == 0 { 0 } else { usable / 2 + 1 };
    };
    if !table.has("witnesses") {
        let message = "`quorum` is there without `witnesses`".to_owned();
        let hint = "list the keys of the witnesses, or take it out";
        reader.hinted(INVALID_VALUE, message, item.span(), hint);
        return 0;
    }
    // Without a usable witness each of them was told already.
    let most = i64::try_from(usable.max(1)).unwrap_or(i64::MAX);
    let number = reader.number(table, "quorum", 1..=most);
    number.and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX)
}

fn private<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<NamePattern> {
    let texts = reader.texts(table, "private").unwrap_or_default();
    let mut patterns: Vec<NamePattern> = Vec::new();
    for text in texts {
        let Some(pattern) = NamePattern::parse(text.value) else {
            let message = format!(
                "`{}` is neither a name of a project nor the beginning of names",
                text.value
            );
            let hint = "write \"acme-web\" or \"acme-*\"; mode = \"off\" asks about no name";
            reader.hinted(BAD_NAME, message, text.span, hint);
            continue;
        };
        if patterns.contains(&pattern) {
            twice(reader, &format!("`{}`", text.value), text.span);
        } else {
            patterns.push(pattern);
        }
    }
    patterns
}

fn twice(reader: &mut Reader<'_>, what: &str, span: Range<usize>) {
    reader.error(LISTED_TWICE, format!("{what} is listed already in another spelling"), span);
}

fn check_count<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str, found: usize) {
    if let Some(item) = table.table.get(key).filter(|_| found > MAXIMUM_LISTED) {
        let message = format!("`{key}` has at most {MAXIMUM_LISTED} entries, found {found}");
        reader.error(INVALID_VALUE, message, item.span());
    }
}
