//! `facts.toml` and `relations.toml`, which machines write and people review.

use std::collections::BTreeMap;

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::table::codes::LISTED_TWICE;
use countermark_packaging::table::{Reader, Table};

use super::{decide, limits, quote, value};
use crate::fact::{Facts, FileFact, Roles};
use crate::relation::Relation;

const FACTS: &str = "\
# What was seen of releases at the index and in their files.
# Written by `countermark vet facts` and `countermark update`; docs/ledger-format.md describes it.
";

const RELATIONS: &str = "\
# What files of one release share, so that a review of one may cover another.
# Written by `countermark vet relate`; docs/ledger-format.md describes it.
";

/// The most names in a list.
const NAMES: usize = 20_000;

impl Facts {
    /// Reads a `facts.toml`; `file` is what it is called in messages.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Vec<SourceError>> {
        read(file, bytes, |reader, document| {
            reader.only(document, &["roles", "file"]);
            let roles = reader.tables(document, "roles", "[[roles]]");
            let mut roles: Vec<Roles> = once(reader, roles, read_roles, |it| it.project.clone());
            let files = reader.tables(document, "file", "[[file]]");
            let mut files: Vec<FileFact> = once(reader, files, read_file, |it| it.file.digest);
            roles.sort_by(|a, b| a.project.cmp(&b.project));
            sort_files(&mut files);
            Self { roles, files }
        })
    }

    /// Writes the file, sorted.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = FACTS.to_owned();
        let mut roles: Vec<&Roles> = self.roles.iter().collect();
        roles.sort_by(|a, b| a.project.cmp(&b.project));
        for one in roles {
            text.push_str("\n[[roles]]\n");
            quote::text(&mut text, "project", one.project.as_str());
            quote::list(&mut text, "accounts", sorted(&one.accounts));
            quote::plain(&mut text, "on", one.on);
        }
        let mut files = self.files.clone();
        sort_files(&mut files);
        for one in files {
            text.push_str("\n[[file]]\n");
            quote::text(&mut text, "project", one.project.as_str());
            quote::text(&mut text, "version", &one.version.to_string());
            quote::text(&mut text, "file", &one.file.to_string());
            if let Some(day) = one.uploaded {
                quote::plain(&mut text, "uploaded", day);
            }
            if let Some(publisher) = &one.publisher {
                quote::text(&mut text, "publisher", publisher);
            }
            if let Some(before) = &one.before {
                quote::text(&mut text, "before", &before.to_string());
            }
            if let Some(publisher) = &one.publisher_before {
                quote::text(&mut text, "publisher-before", publisher);
            }
            quote::list(&mut text, "adds", sorted(&one.adds));
        }
        text
    }
}

fn sort_files(files: &mut [FileFact]) {
    files.sort_by(|a, b| (&a.project, &a.version, &a.file).cmp(&(&b.project, &b.version, &b.file)));
}

fn sorted(texts: &[String]) -> Vec<&str> {
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Reads tables of which no two may be about the same thing.
fn once<'a, T, K: Ord>(
    reader: &mut Reader<'a>,
    tables: Vec<Table<'a>>,
    read: fn(&mut Reader<'a>, Table<'a>) -> Option<T>,
    about: impl Fn(&T) -> K,
) -> Vec<T> {
    let mut seen: BTreeMap<K, u32> = BTreeMap::new();
    let mut found = Vec::with_capacity(tables.len());
    for table in tables {
        let Some(one) = read(reader, table) else { continue };
        let line = reader.place(table.span()).line;
        if let Some(first) = seen.insert(about(&one), line) {
            let message =
                format!("this {} is about the same as the one at line {first}", table.title);
            reader.error(LISTED_TWICE, message, table.span());
        }
        found.push(one);
    }
    found
}

fn read_roles<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Roles> {
    reader.only(table, &["project", "accounts", "on"]);
    let project = value::project(reader, table);
    let accounts = names(reader, table, "accounts");
    let on = value::day(reader, table, "on");
    Some(Roles { project: project?, accounts: accounts?, on: on?.value })
}

fn read_file<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<FileFact> {
    reader.only(
        table,
        &[
            "project",
            "version",
            "file",
            "uploaded",
            "publisher",
            "before",
            "publisher-before",
            "adds",
        ],
    );
    let project = value::project(reader, table);
    let version = value::required_version(reader, table, "version");
    let file = required_file(reader, table, "file");
    let uploaded = reader.date(table, "uploaded").map(|day| day.value);
    let publisher = reader.owned(table, "publisher");
    let before = value::one_file(reader, table, "before");
    let publisher_before = reader.owned(table, "publisher-before");
    let adds = names(reader, table, "adds");
    Some(FileFact {
        project: project?,
        version: version?,
        file: file?,
        uploaded,
        publisher,
        before,
        publisher_before,
        adds: adds?,
    })
}

fn required_file<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<crate::file::FileId> {
    if !table.has(key) {
        reader.missing(table, key, "write \"sha256:<64 digits> <file name>\"");
    }
    value::one_file(reader, table, key)
}

/// A list of texts that has to be there and may be empty, sorted. Names of files may differ in the case
/// of their letters alone.
fn names<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<Vec<String>> {
    let Some(item) = table.table.get(key) else {
        reader.missing(table, key, "write a list, [] where there is none");
        return None;
    };
    let Some(items) = item.get_ref().as_array().filter(|items| items.len() <= NAMES) else {
        let expected = format!("a list of at most {NAMES} texts");
        reader.wrong_type(key, &expected, item, None);
        return None;
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        texts.push(reader.expect_text(key, item)?.value.to_owned());
    }
    texts.sort();
    if let Some(pair) = texts.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("`{}` is listed twice", pair[0]);
        reader.error(LISTED_TWICE, message, item.span());
        return None;
    }
    Some(texts)
}

/// All relations of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations(pub Vec<Relation>);

impl Relations {
    /// Reads a `relations.toml`; `file` is what it is called in messages.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Vec<SourceError>> {
        read(file, bytes, |reader, document| {
            reader.only(document, &["relation"]);
            let tables = reader.tables(document, "relation", "[[relation]]");
            let ends = |it: &Relation| (it.from.digest, it.to.digest);
            let mut relations: Vec<Relation> = once(reader, tables, read_relation, ends);
            sort(&mut relations);
            Self(relations)
        })
    }

    /// Writes the file, sorted.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = RELATIONS.to_owned();
        let mut relations = self.0.clone();
        sort(&mut relations);
        for one in relations {
            text.push_str("\n[[relation]]\n");
            quote::text(&mut text, "project", one.project.as_str());
            quote::text(&mut text, "version", &one.version.to_string());
            quote::text(&mut text, "from", &one.from.to_string());
            quote::text(&mut text, "to", &one.to.to_string());
            quote::plain(&mut text, "same", one.same);
            quote::list(&mut text, "permitted", sorted(&one.permitted));
            quote::list(&mut text, "compiled", sorted(&one.compiled));
            quote::list(&mut text, "unexplained", sorted(&one.unexplained));
        }
        text
    }
}

fn sort(relations: &mut [Relation]) {
    relations.sort_by(|a, b| {
        (&a.project, &a.version, &a.from, &a.to).cmp(&(&b.project, &b.version, &b.from, &b.to))
    });
}

fn read_relation<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Relation> {
    let keys = ["project", "version", "from", "to", "same", "permitted", "compiled", "unexplained"];
    reader.only(table, &keys);
    let project = value::project(reader, table);
    let version = value::required_version(reader, table, "version");
    let from = required_file(reader, table, "from");
    let to = required_file(reader, table, "to");
    if let (Some(from), Some(to)) = (&from, &to)
        && from.digest == to.digest
    {
        let message = "`from` and `to` are the same file".to_owned();
        reader.error(INVALID_VALUE, message, table.table["to"].span());
    }
    if !table.has("same") {
        reader.missing(table, "same", "write how many files both have, byte for byte");
    }
    let same = reader.number(table, "same", 0..=i64::from(u32::MAX));
    let permitted = names(reader, table, "permitted");
    let compiled = names(reader, table, "compiled");
    let unexplained = names(reader, table, "unexplained");
    Some(Relation {
        project: project?,
        version: version?,
        from: from?,
        to: to?,
        same: u32::try_from(same?).ok()?,
        permitted: permitted?,
        compiled: compiled?,
        unexplained: unexplained?,
    })
}

fn read<T>(
    file: &str,
    bytes: &[u8],
    read: impl for<'a> FnOnce(&mut Reader<'a>, Table<'a>) -> T,
) -> Result<T, Vec<SourceError>> {
    decide::document(file, bytes, limits::MACHINE, read)
}
