//! Reads `ledger.toml`. Every mistake is told at its line and column, all of them at once: the file
//! decides whose word counts, so nothing of it is guessed or skipped.

use std::collections::BTreeMap;

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::{INVALID_VALUE, TOO_LARGE};
use countermark_packaging::lock::source::Source;
use countermark_packaging::table::codes::LISTED_TWICE;
use countermark_packaging::table::{At, Reader, Table, collect_mistakes, parse_utf8};
use toml::de::DeTable;

use super::{blocks, codes, limits, sections, value};
use crate::criteria::{Criteria, CriterionName};
use crate::ledger::Ledger;

/// The form of the file that this version writes.
pub(super) const VERSION: i64 = 1;

const KEYS: [&str; 9] = [
    "ledger",
    "criteria",
    "requirement",
    "key",
    "own-reviews",
    "import",
    "exemption",
    "trusted",
    "violation",
];

/// Reads a document whose text is bounded and has no marks of a merge.
pub(super) fn document<T>(
    file: &str,
    bytes: &[u8],
    limit: usize,
    read: impl for<'a> FnOnce(&mut Reader<'a>, Table<'a>) -> T,
) -> Result<T, Vec<SourceError>> {
    let text = parse_utf8(file, bytes, limit).map_err(|error| vec![error])?;
    let source = Source::new(file, text.to_owned());
    let marks = conflicts(&source);
    if !marks.is_empty() {
        return Err(marks);
    }
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let table = Table::new(document.get_ref(), "the file", 0..0);
    let mut reader = Reader::new(&source);
    let value = read(&mut reader, table);
    let errors = collect_mistakes(&source, table.table, &broken, reader.errors);
    if errors.is_empty() { Ok(value) } else { Err(errors) }
}

fn conflicts(source: &Source) -> Vec<SourceError> {
    let mut start = 0;
    let mut marks = Vec::new();
    for line in source.text().split('\n') {
        let span = start..start + line.len();
        start += line.len() + 1;
        if blocks::is_conflict(line) {
            let message = "the marks of a merge that was not finished";
            let error = source.error(codes::MERGE_CONFLICT, message, span);
            marks.push(error.with_hint("run `countermark vet merge`"));
        }
        if marks.len() > countermark_packaging::table::MOST_MISTAKES {
            break;
        }
    }
    marks
}

impl Ledger {
    /// Reads a `ledger.toml`; `file` is what it is called in messages.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Vec<SourceError>> {
        let ledger = document(file, bytes, limits::LEDGER, |reader, document| {
            let ledger = read(reader, document);
            (ledger, reader.place(0..0))
        })?;
        match ledger {
            (Some(ledger), _) => Ok(ledger),
            // Whatever is missing was told; this is for what could not be.
            (None, place) => Err(vec![SourceError {
                code: INVALID_VALUE,
                message: "the file is no ledger".to_owned(),
                place,
                hint: Some("`countermark vet init` writes one".to_owned()),
            }]),
        }
    }
}

/// The names of criteria that were used, to be held against those that are defined.
#[derive(Default)]
pub(super) struct Used(pub(super) Vec<At<CriterionName>>);

impl Used {
    /// Takes the names, remembering where they are.
    pub(super) fn take(
        &mut self,
        names: Option<Vec<At<CriterionName>>>,
    ) -> Option<Vec<CriterionName>> {
        let names = names?;
        self.0.extend(names.iter().cloned());
        Some(names.into_iter().map(|name| name.value).collect())
    }
}

fn read<'a>(reader: &mut Reader<'a>, document: Table<'a>) -> Option<Ledger> {
    reader.only(document, &KEYS);
    let mut used = Used::default();
    if !document.has("ledger") {
        reader.missing(document, "ledger", "`countermark vet init` writes the table [ledger]");
    }
    let head = reader.table(document, "ledger", "[ledger]");
    let head = head.and_then(|table| sections::head(reader, table, &mut used));
    let mut descriptions = BTreeMap::new();
    let mut implies = BTreeMap::new();
    let tables = reader.tables(document, "criteria", "[[criteria]]");
    // What each of them implies in the end is written out, which of thousands would be millions.
    if let Some(first) = tables.get(limits::CRITERIA) {
        let message = format!("more than {} criteria are not read", limits::CRITERIA);
        reader.error(TOO_LARGE, message, first.span());
    }
    for table in tables.into_iter().take(limits::CRITERIA) {
        if let Some(one) = sections::criterion(reader, table, &mut used) {
            let sections::Definition { name, description, implied } = one;
            if implies.contains_key(&name.value) {
                let message = format!("the criterion `{}` is defined already", name.value);
                reader.error(LISTED_TWICE, message, name.span);
                continue;
            }
            descriptions.insert(name.value.clone(), description);
            implies.insert(name.value, implied);
        }
    }
    let each = |key, title, reader: &mut Reader<'a>| reader.tables(document, key, title);
    let requirements = each("requirement", "[[requirement]]", reader);
    let keys = each("key", "[[key]]", reader);
    let own_reviews = each("own-reviews", "[[own-reviews]]", reader);
    let imports = each("import", "[[import]]", reader);
    let exemptions = each("exemption", "[[exemption]]", reader);
    let trusted = each("trusted", "[[trusted]]", reader);
    let violations = each("violation", "[[violation]]", reader);
    let requirements = requirements.into_iter();
    let requirements =
        requirements.filter_map(|it| sections::requirement(reader, it, &mut used)).collect();
    let keys = sections::keys(reader, keys);
    let own_reviews =
        own_reviews.into_iter().filter_map(|it| sections::own_reviews(reader, it)).collect();
    let imports = sections::imports(reader, imports, &mut used);
    let exemptions = exemptions.into_iter();
    let exemptions =
        exemptions.filter_map(|it| sections::exemption(reader, it, &mut used)).collect();
    let trusted = trusted.into_iter();
    let trusted = trusted.filter_map(|it| sections::trusted(reader, it, &mut used)).collect();
    let violations =
        violations.into_iter().filter_map(|it| sections::violation(reader, it)).collect();
    let criteria = defined(reader, &implies, &used)?;
    let head = head?;
    Some(Ledger {
        name: head.name,
        initialised: head.initialised,
        required: head.required,
        maximum_age_days: head.maximum_age_days,
        counts_unknown_roles: head.counts_unknown_roles,
        descriptions,
        criteria,
        requirements,
        keys,
        own_reviews,
        imports,
        exemptions,
        trusted,
        violations,
    })
}

/// All criteria, when every name that is used is one of them.
fn defined(
    reader: &mut Reader<'_>,
    implies: &BTreeMap<CriterionName, Vec<CriterionName>>,
    used: &Used,
) -> Option<Criteria> {
    // Unknown names are taken out, so that all of them are told and not the first one only.
    let built_in = Criteria::new(&BTreeMap::new()).ok()?;
    let known = |name: &CriterionName| implies.contains_key(name) || built_in.has(name);
    for name in &used.0 {
        if !known(&name.value) {
            let mut names: Vec<&str> = implies.keys().map(CriterionName::as_str).collect();
            names.extend(built_in.names().map(CriterionName::as_str));
            names.sort_unstable();
            names.dedup();
            let message = format!("`{}` is no criterion of this ledger", name.value);
            let hint = countermark_packaging::table::did_you_mean(
                name.value.as_str(),
                &names,
                "the criteria are",
            );
            reader.hinted(codes::UNKNOWN_CRITERION, message, name.span.clone(), hint);
        }
    }
    let mut direct = implies.clone();
    direct.values_mut().for_each(|implied| implied.retain(known));
    Criteria::new(&direct).ok()
}

/// One of the fields of `[ledger]`: the form of the file.
pub(super) fn version<'a>(reader: &mut Reader<'a>, table: Table<'a>) {
    let Some(item) = table.table.get("version") else {
        reader.missing(table, "version", "write version = 1");
        return;
    };
    let found = item.get_ref().as_integer().map(|number| number.as_str().to_owned());
    if found.as_deref() != Some("1") {
        let found = found.unwrap_or_else(|| "something else".to_owned());
        let message = format!("this version reads ledgers of version {VERSION}, found {found}");
        let hint = "a newer countermark may read it";
        reader.hinted(codes::LEDGER_VERSION, message, item.span(), hint);
    }
}

/// Which keys of a table name a file by digest: a SHA-256 alone, without a name.
pub(super) fn digest<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<countermark_packaging::digest::Sha256> {
    let text = reader.text(table, key)?;
    let digits = text
        .value
        .strip_prefix("sha256:")
        .filter(|it| !it.contains(|c: char| c.is_ascii_uppercase()));
    let found = digits.and_then(|it| countermark_packaging::digest::Sha256::parse_hex(it).ok());
    if found.is_none() {
        let message = format!("`{key}` must be a digest, found `{}`", text.value);
        reader.hinted(INVALID_VALUE, message, text.span, "write \"sha256:<64 digits>\"");
    }
    found
}

/// Criteria of a section, held against the definitions later.
pub(super) fn criteria<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    used: &mut Used,
) -> Option<Vec<CriterionName>> {
    let names = value::criteria(reader, table, "criteria");
    used.take(names)
}
