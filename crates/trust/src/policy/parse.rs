//! Reads the table `[policy]`. Every mistake is told at its line and column, all of them at once:
//! the table decides what is refused, so nothing of it is guessed or skipped.

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::lock::source::Source;
use countermark_packaging::name::NamePattern;
use countermark_packaging::table::codes::{BAD_NAME, UNKNOWN_RULE};
use countermark_packaging::table::{At, Reader, Table, collect_mistakes, did_you_mean, parse_utf8};
use countermark_packaging::version::Version;
use jiff::SignedDuration;
use toml::de::{DeTable, DeValue};

use super::rule::RULES;
use super::sources::{AllowedIndex, IndexRule};
use super::{Exception, Policy};
use crate::log::policy::LogRule;

/// The most bytes of a file with a policy.
pub const MAXIMUM_SIZE: usize = 4 << 20;

/// The longest age that can be asked for: older than that, nothing is locked at all.
const MAXIMUM_DAYS: i64 = 3650;

/// The codes of mistakes that only a policy can have.
mod codes {
    macro_rules! codes {
        ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
            $($(#[$documentation])* pub(super) const $name: &str = $code;)*
        };
    }

    codes! {
        /// A key of the policy whose evidence this version does not gather.
        NOT_BUILT "not-built-yet"
    }
}

/// Keys that are kept for evidence which joins later.
const LATER: [(&str, &str); 2] = [("evidence", "attestations"), ("attestations", "attestations")];

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `countermark.toml`, whose table is `[policy]`.
    File,
    /// `pyproject.toml`, whose table is `[tool.countermark.policy]`.
    Pyproject,
}

/// What the tables are called.
pub(super) struct Titles {
    policy: &'static str,
    indexes: &'static str,
    log: &'static str,
    pub(super) log_keys: &'static str,
    pub(super) ledger: &'static str,
    allow: &'static str,
}

impl Section {
    const fn titles(self) -> Titles {
        match self {
            Self::File => Titles {
                policy: "[policy]",
                indexes: "[policy.indexes]",
                log: "[policy.log]",
                log_keys: "[[policy.log.keys]]",
                ledger: "[policy.ledger]",
                allow: "[[policy.allow]]",
            },
            Self::Pyproject => Titles {
                policy: "[tool.countermark.policy]",
                indexes: "[tool.countermark.policy.indexes]",
                log: "[tool.countermark.policy.log]",
                log_keys: "[[tool.countermark.policy.log.keys]]",
                ledger: "[tool.countermark.policy.ledger]",
                allow: "[[tool.countermark.policy.allow]]",
            },
        }
    }
}

impl Policy {
    /// Reads the policy in a file; `file` is what it is called in messages. What else the file says
    /// is not looked at. A file without the table gives the default policy.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file: &str, bytes: &[u8], section: Section) -> Result<Self, Vec<SourceError>> {
        let text = parse_utf8(file, bytes, MAXIMUM_SIZE).map_err(|error| vec![error])?;
        let source = Source::new(file, text.to_owned());
        let (document, broken) = DeTable::parse_recoverable(source.text());
        let document = Table::new(document.get_ref(), "the file", 0..0);
        let mut reader = Reader::new(&source);
        let titles = section.titles();
        let holder = match section {
            Section::File => Some(document),
            Section::Pyproject => reader
                .table(document, "tool", "[tool]")
                .and_then(|tool| reader.table(tool, "countermark", "[tool.countermark]")),
        };
        let table = holder.and_then(|holder| reader.table(holder, "policy", titles.policy));
        let policy = match table {
            Some(table) => read(&mut reader, table, &titles, file),
            None => Self::default(),
        };
        let errors = collect_mistakes(&source, document.table, &broken, reader.errors);
        if errors.is_empty() { Ok(policy) } else { Err(errors) }
    }
}

/// The rules that are turned on and off by a word.
fn switches() -> impl Iterator<Item = &'static str> {
    RULES
        .iter()
        .map(|rule| rule.code())
        .filter(|code| !matches!(*code, "minimum-age" | "indexes" | "ledger"))
}

fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>, titles: &Titles, file: &str) -> Policy {
    let mut keys = vec!["minimum-age", "indexes", "log", "ledger", "allow"];
    keys.extend(switches());
    let known: Vec<&str> = keys.iter().copied().chain(LATER.map(|(key, _)| key)).collect();
    // What comes later is no unknown key, but it is not proposed for a mistyped one either.
    for key in table.table.keys() {
        if !known.contains(&&**key.get_ref()) {
            let message = format!("`{}` is not a key of {}", key.get_ref(), table.title);
            let hint = did_you_mean(key.get_ref(), &keys, "the keys are");
            let code = countermark_packaging::table::codes::UNKNOWN_KEY;
            reader.hinted(code, message, key.span(), hint);
        }
    }
    for (key, what) in LATER {
        if let Some((found, _)) = table.table.get_key_value(key) {
            let message =
                format!("`{key}` cannot be asked for yet: this version does not look at {what}");
            let hint = "take it out; what it would refuse would pass unseen";
            reader.hinted(codes::NOT_BUILT, message, found.span(), hint);
        }
    }
    let mut policy = Policy { file: Some(file.to_owned()), ..Policy::default() };
    policy.minimum_age = read_age(reader, table, "minimum-age");
    for code in switches() {
        let Some(text) = reader.text(table, code) else { continue };
        let words = [("refuse", true), ("allow", false)];
        match reader.word(&text, "what a policy can say", &words) {
            Some(true) => drop(policy.refused.insert(code)),
            Some(false) => drop(policy.refused.remove(code)),
            None => {}
        }
    }
    if let Some(table) = reader.table(table, "indexes", titles.indexes) {
        policy.indexes = indexes(reader, table);
    }
    if let Some(table) = reader.table(table, "log", titles.log) {
        policy.log = super::log::read(reader, table, titles);
    }
    policy.ledger = super::ledger::read(reader, table, titles);
    for table in reader.tables(table, "allow", titles.allow) {
        policy.exceptions.extend(exception(reader, table));
    }
    policy
}

/// `minimum-age = "7 days"`.
pub(super) fn read_age<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<SignedDuration> {
    let text = reader.text(table, key)?;
    let age = parse_age(text.value);
    if age.is_none() {
        let message = format!(
            "`{key}` must be a number of hours, days or weeks up to {MAXIMUM_DAYS} days, found `{}`",
            text.value
        );
        let hint = format!("write {key} = \"7 days\", or leave the key out");
        reader.hinted(INVALID_VALUE, message, text.span, hint);
    }
    age
}

fn parse_age(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let count: i64 = text[..end].parse().ok()?;
    let hours = match text[end..].trim_start() {
        "h" | "hour" | "hours" => 1,
        "d" | "day" | "days" => 24,
        "w" | "week" | "weeks" => 7 * 24,
        _ => return None,
    };
    let hours = count.checked_mul(hours)?;
    (1..=MAXIMUM_DAYS * 24).contains(&hours).then(|| SignedDuration::from_hours(hours))
}

fn indexes<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Vec<IndexRule> {
    let mut rules: Vec<IndexRule> = Vec::new();
    // In the order of the file, so that of two spellings of a name the second is told.
    let mut lines: Vec<_> = table.table.iter().collect();
    lines.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in lines {
        let text = &**key.get_ref();
        let names = if text == "*" { None } else { NamePattern::parse(text) };
        if names.is_none() && text != "*" {
            let message =
                format!("`{text}` is neither a name of a project nor the beginning of names");
            let hint = "write \"acme-web\", \"acme-*\", or \"*\" for all others";
            reader.hinted(BAD_NAME, message, key.span(), hint);
            continue;
        }
        if rules.iter().any(|rule| rule.names == names) {
            let message = format!("`{text}` is listed already in another spelling");
            let code = countermark_packaging::table::codes::LISTED_TWICE;
            reader.error(code, message, key.span());
            continue;
        }
        let texts = match item.get_ref() {
            DeValue::String(_) => reader.expect_text(text, item).map(|text| vec![text]),
            _ => reader.texts(table, text),
        };
        let Some(texts) = texts else { continue };
        let indexes: Vec<AllowedIndex> =
            texts.iter().filter_map(|text| allowed(reader, text)).collect();
        if texts.is_empty() {
            let message = format!("`{text}` lists no index, so that nothing could be pinned");
            reader.error(INVALID_VALUE, message, item.span());
        }
        rules.push(IndexRule { names, indexes });
    }
    rules
}

pub(super) fn allowed(reader: &mut Reader<'_>, text: &At<&str>) -> Option<AllowedIndex> {
    let index = AllowedIndex::parse(text.value);
    if index.is_none() {
        // A text that is no URL is not repeated: it may hold a password.
        let message = "this is not the address of an index".to_owned();
        let hint = "write the whole address: https://packages.example.org/simple/";
        reader.hinted(INVALID_VALUE, message, text.span.clone(), hint);
    }
    index
}

const WHY: &str = "write why, for whoever reads it in a year";
const UNTIL: &str = "write the last day on which it counts, such as 2027-06-30";

fn exception<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Exception> {
    reader.only(table, &["rule", "project", "version", "because", "until"]);
    let rules = RULES.iter().map(|rule| rule.code());
    let codes: Vec<&'static str> = rules.chain(LogRule::ALL.map(LogRule::code)).collect();
    let rule = reader.required(table, "rule", "write the rule that is not to count");
    let code = rule.as_ref().and_then(|rule| {
        let code = codes.iter().copied().find(|code| *code == rule.value);
        if code.is_none() {
            let message = format!("`{}` is not a rule", rule.value);
            let hint = did_you_mean(rule.value, &codes, "the rules are");
            reader.hinted(UNKNOWN_RULE, message, rule.span.clone(), hint);
        }
        code
    });
    let hint = "write a name, or the beginning of names with `*` at its end";
    let project = reader.required(table, "project", hint).and_then(|text| {
        let pattern = NamePattern::parse(text.value);
        if pattern.is_none() {
            let message = format!(
                "`{}` is neither a name of a project nor the beginning of names",
                text.value
            );
            reader.hinted(BAD_NAME, message, text.span, hint);
        }
        pattern
    });
    let version = match reader.text(table, "version") {
        None => Some(None),
        Some(text) => match text.value.parse::<Version>() {
            Ok(version) => Some(Some(version)),
            Err(error) => {
                let hint = "write one version; without the key all releases are meant";
                reader.hinted(INVALID_VALUE, error.to_string(), text.span, hint);
                None
            }
        },
    };
    let because = reader.answered(table, "because", WHY);
    if !table.has("until") {
        reader.missing(table, "until", UNTIL);
    }
    let until = reader.date(table, "until");
    Some(Exception {
        place: reader.place(rule?.span),
        rule: code?,
        project: project?,
        version: version?,
        because: because?,
        until: until?.value,
    })
}
