//! The sections of a `ledger.toml`, one function each.

use std::collections::BTreeMap;

use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::table::codes::{LISTED_TWICE, PLACEHOLDER};
use countermark_packaging::table::{At, Reader, Table};
use jiff::civil::Date;

use super::decide::{self, Used};
use super::{limits, value};
use crate::criteria::CriterionName;
use crate::ledger::{
    AuthorKey, Exemption, Import, OwnReviews, Requirement, TrustedPublisher, Violation,
};

/// The longest name of a ledger or an import, in bytes.
const LONGEST_NAME: usize = 100;

/// The longest address, key or path, in bytes.
const LONGEST_LINE: usize = 16 << 10;

/// The table `[ledger]`.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) initialised: Date,
    pub(super) required: Vec<CriterionName>,
    pub(super) maximum_age_days: Option<u32>,
    pub(super) counts_unknown_roles: bool,
}

pub(super) fn head<'a>(reader: &mut Reader<'a>, table: Table<'a>, used: &mut Used) -> Option<Head> {
    reader.only(
        table,
        &["version", "name", "initialised", "criteria", "maximum-age", "unknown-roles"],
    );
    decide::version(reader, table);
    let name = reader.required(table, "name", "write a name for others: example.org/team");
    let name = name.filter(|it| value::within(reader, "name", it, LONGEST_NAME));
    let initialised = value::day(reader, table, "initialised");
    let required = decide::criteria(reader, table, used);
    let maximum_age_days = maximum_age(reader, table);
    let unknown = reader.text(table, "unknown-roles");
    let unknown = unknown.map(|text| {
        reader.word(&text, "an answer about unknown roles", &[("count", true), ("refuse", false)])
    });
    Some(Head {
        name: name?.value.to_owned(),
        initialised: initialised?.value,
        required: required?,
        maximum_age_days,
        counts_unknown_roles: unknown.unwrap_or(Some(true))?,
    })
}

/// `maximum-age = "730 days"`.
fn maximum_age<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<u32> {
    let text = reader.text(table, "maximum-age")?;
    let (count, unit) = text.value.split_once(' ').unwrap_or((text.value, ""));
    let days = match unit {
        "day" | "days" => Some(1),
        "week" | "weeks" => Some(7),
        _ => None,
    };
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: Option<u32> = count.parse().ok().filter(|_| is_number);
    let days = count.zip(days).and_then(|(count, days)| count.checked_mul(days));
    let days = days.filter(|days| (1..=36_500).contains(days));
    if days.is_none() {
        let message = format!(
            "`maximum-age` must be a number of days or weeks up to 36500 days, found `{}`",
            text.value
        );
        reader.hinted(INVALID_VALUE, message, text.span, "write maximum-age = \"730 days\"");
    }
    days
}

/// One of `[[criteria]]`.
pub(super) struct Definition {
    pub(super) name: At<CriterionName>,
    pub(super) description: String,
    pub(super) implied: Vec<CriterionName>,
}

pub(super) fn criterion<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    used: &mut Used,
) -> Option<Definition> {
    reader.only(table, &["name", "description", "implies"]);
    let name = reader.required(table, "name", "write the name of the criterion");
    let name = name.and_then(|text| value::criterion(reader, &text));
    let hint = "write what a reviewer says with it";
    let description = reader.answered(table, "description", hint);
    let implied = if table.has("implies") {
        let names = value::optional_criteria(reader, table, "implies");
        used.take(names)
    } else {
        Some(Vec::new())
    };
    Some(Definition { name: name?, description: description?, implied: implied? })
}

pub(super) fn requirement<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    used: &mut Used,
) -> Option<Requirement> {
    reader.only(table, &["projects", "criteria", "reason"]);
    let projects = value::required_patterns(reader, table);
    let criteria = decide::criteria(reader, table, used);
    let reason = value::reason(reader, table);
    let place = reader.place(table.span());
    Some(Requirement { projects: projects?, criteria: criteria?, reason: reason?, place })
}

/// All keys. The same key twice is told: two authors with one key cannot be told apart.
pub(super) fn keys<'a>(reader: &mut Reader<'a>, tables: Vec<Table<'a>>) -> Vec<AuthorKey> {
    let mut keys: Vec<AuthorKey> = Vec::new();
    let mut seen: BTreeMap<String, (String, u32)> = BTreeMap::new();
    for table in tables {
        let Some(key) = key(reader, table) else { continue };
        if let Some((author, line)) = seen.get(&key.key) {
            let message = format!("this key is that of `{author}` already");
            let hint = format!("it is at line {line}");
            reader.hinted(LISTED_TWICE, message, table.table["key"].span(), hint);
            continue;
        }
        seen.insert(key.key.clone(), (key.author.clone(), key.place.line));
        keys.push(key);
    }
    keys
}

fn key<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<AuthorKey> {
    reader.only(table, &["author", "key", "file", "accounts", "from", "until"]);
    let author = value::author(reader, table);
    let hint = "`countermark vet key` makes one and shows the line";
    let key = reader.required(table, "key", hint);
    let key = key.filter(|it| value::within(reader, "key", it, LONGEST_LINE));
    let key = key.filter(|text| {
        let placeholder = text.value.starts_with("TODO");
        if placeholder {
            let message = "`key` still has to be written".to_owned();
            reader.hinted(PLACEHOLDER, message, text.span.clone(), hint);
        }
        !placeholder
    });
    let file = reader.text(table, "file");
    let file = file.filter(|it| is_inside(reader, it));
    let accounts = if table.has("accounts") {
        let texts = value::bounded(reader, table, "accounts", limits::FILES)?;
        texts.into_iter().map(|text| text.value.to_owned()).collect()
    } else {
        Vec::new()
    };
    let from = reader.date(table, "from");
    let until = reader.date(table, "until");
    value::in_order(reader, from.as_ref(), "until", until.as_ref());
    Some(AuthorKey {
        author: author?,
        key: key?.value.to_owned(),
        file: file.map(|text| text.value.to_owned()),
        accounts,
        from: from.map(|day| day.value),
        until: until.map(|day| day.value),
        place: reader.place(table.span()),
    })
}

/// Whether a path stays in the folder of the ledger.
fn is_inside(reader: &mut Reader<'_>, text: &At<&str>) -> bool {
    let inside = text.value.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !text.value.contains(['\\', ':']);
    if !inside {
        let message = format!("`{}` does not lead to a file of the ledger's folder", text.value);
        reader.hinted(INVALID_VALUE, message, text.span.clone(), "write file = \"keys/alice.asc\"");
    }
    inside
}

pub(super) fn own_reviews<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<OwnReviews> {
    reader.only(table, &["author", "projects", "reason"]);
    let author = value::author(reader, table);
    let projects = value::required_patterns(reader, table);
    let reason = value::reason(reader, table);
    let place = reader.place(table.span());
    Some(OwnReviews { author: author?, projects: projects?, reason: reason?, place })
}

/// All imports. Two of one name would share a folder, also on a file system that does not tell `A` from
/// `a`.
pub(super) fn imports<'a>(
    reader: &mut Reader<'a>,
    tables: Vec<Table<'a>>,
    used: &mut Used,
) -> Vec<Import> {
    let mut imports: Vec<Import> = Vec::new();
    let mut seen: BTreeMap<String, (String, u32)> = BTreeMap::new();
    for table in tables {
        let Some(import) = import(reader, table, used) else { continue };
        let folder = import.name.to_ascii_lowercase();
        if let Some((name, line)) = seen.get(&folder) {
            let message = format!("an import is called `{name}` already");
            let hint = format!("it is at line {line}");
            reader.hinted(LISTED_TWICE, message, table.table["name"].span(), hint);
            continue;
        }
        seen.insert(folder, (import.name.clone(), import.place.line));
        imports.push(import);
    }
    imports
}

fn import<'a>(reader: &mut Reader<'a>, table: Table<'a>, used: &mut Used) -> Option<Import> {
    reader.only(
        table,
        &["name", "url", "fetched", "ledger", "reviews", "commits", "exclude", "criteria", "key"],
    );
    let name = reader.required(table, "name", "write a name for it: example-team");
    let name = name.filter(|text| is_folder_name(reader, text));
    let url =
        reader.required(table, "url", "write the address of the folder with its `ledger.toml`");
    let url = url.filter(|it| value::within(reader, "url", it, LONGEST_LINE));
    let fetched = reader.date(table, "fetched");
    let [ledger, reviews, commits] =
        ["ledger", "reviews", "commits"].map(|key| decide::digest(reader, table, key));
    let exclude = if table.has("exclude") {
        value::patterns(reader, table, "exclude")
    } else {
        Some(Vec::new())
    };
    let mapping = reader.table(table, "criteria", "[import.criteria]");
    let mapping = mapping.map_or_else(BTreeMap::new, |table| read_mapping(reader, table, used));
    let keys = reader.tables(table, "key", "[[import.key]]");
    let keys = self::keys(reader, keys);
    Some(Import {
        name: name?.value.to_owned(),
        url: url?.value.to_owned(),
        fetched: fetched.map(|day| day.value),
        ledger,
        reviews,
        commits,
        mapping,
        keys,
        exclude: exclude?,
        place: reader.place(table.span()),
    })
}

fn is_folder_name(reader: &mut Reader<'_>, text: &At<&str>) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let good = text.value.bytes().all(allowed)
        && text.value.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && !text.value.ends_with('.')
        && text.value.len() <= LONGEST_NAME;
    if !good {
        let message = format!(
            "an import has a name of letters, digits, `.`, `_` and `-` that begins with a letter or digit, found {:?}",
            text.value
        );
        let hint = "it is the name of a folder below `imports`";
        reader.hinted(INVALID_VALUE, message, text.span.clone(), hint);
    }
    good
}

/// What their criteria count as; their names are not ours, so only ours are held against definitions.
fn read_mapping<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    used: &mut Used,
) -> BTreeMap<CriterionName, Vec<CriterionName>> {
    let mut mapping = BTreeMap::new();
    for (key, _) in table.table {
        let text = &**key.get_ref();
        let theirs = value::criterion(reader, &At { value: text, span: key.span() });
        let ours = value::optional_criteria(reader, table, text);
        if let Some((theirs, ours)) = theirs.zip(used.take(ours)) {
            mapping.insert(theirs.value, ours);
        }
    }
    mapping
}

pub(super) fn exemption<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    used: &mut Used,
) -> Option<Exemption> {
    reader.only(table, &["project", "version", "files", "criteria", "on", "reason"]);
    let project = value::project(reader, table);
    let version = value::required_version(reader, table, "version");
    let files = value::file_list(reader, table, "files");
    let criteria = decide::criteria(reader, table, used);
    let on = value::day(reader, table, "on");
    let reason = if table.has("reason") { Some(value::reason(reader, table)) } else { None };
    let place = reader.place(table.span());
    Some(Exemption {
        project: project?,
        version: version?,
        files: files?,
        criteria: criteria?,
        on: on?.value,
        reason: reason.map_or(Some(None), |reason| reason.map(Some))?,
        place,
    })
}

pub(super) fn trusted<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    used: &mut Used,
) -> Option<TrustedPublisher> {
    reader.only(table, &["publisher", "projects", "criteria", "from", "until", "reason"]);
    let hint = "write it as `facts.toml` has it: github:owner/repository/workflow.yml";
    let publisher = reader.required(table, "publisher", hint);
    let publisher = publisher.filter(|text| {
        let exact = !text.value.contains(['*', ' ', '\n']);
        if !exact {
            let message = format!("a publisher is compared as a whole, found `{}`", text.value);
            reader.hinted(INVALID_VALUE, message, text.span.clone(), hint);
        }
        exact
    });
    let projects = value::required_patterns(reader, table);
    let criteria = decide::criteria(reader, table, used);
    let from = value::day(reader, table, "from");
    let until = value::day(reader, table, "until");
    value::in_order(reader, from.as_ref(), "until", until.as_ref());
    let reason = value::reason(reader, table);
    Some(TrustedPublisher {
        publisher: publisher?.value.to_owned(),
        projects: projects?,
        criteria: criteria?,
        from: from?.value,
        until: until?.value,
        reason: reason?,
        place: reader.place(table.span()),
    })
}

pub(super) fn violation<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Violation> {
    reader.only(table, &["project", "version", "files", "on", "reason"]);
    let project = value::project(reader, table);
    let version =
        if table.has("version") { Some(value::version(reader, table, "version")) } else { None };
    let files = value::file_list(reader, table, "files");
    let on = value::day(reader, table, "on");
    let reason = value::reason(reader, table);
    let place = reader.place(table.span());
    Some(Violation {
        project: project?,
        version: version.map_or(Some(None), |version| version.map(Some))?,
        files: files?,
        on: on?.value,
        reason: reason?,
        place,
    })
}
