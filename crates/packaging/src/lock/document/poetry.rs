//! `poetry.lock`, versions 1 and 2, and what Poetry wrote before the file had a version.
//!
//! Decides which entries and files a lock of Poetry names. There is no specification; the forms
//! are those of lock versions 1.0 to 2.1: files stand beside each package (2.0 and later), in
//! `[metadata.files]` (1.x), or as bare digests in `[metadata.hashes]` (before). A newer major
//! version is refused, a newer minor one is told.
//!
//! `[metadata]` stands last, so that a file that was cut off is always known by its absence.

use std::collections::{BTreeMap, HashSet};

use super::check::{self, Named, Spellings};
use super::reader::{Reader, Table, Text};
use super::tree::{Node, Value};
use super::uv::any_of;
use super::{FileEntry, LockDocument, LockPackage, LockSource, UrlRole};
use crate::digest::{Algorithm, Digest};
use crate::lock::codes;
use crate::name::ProjectName;

/// The newest version that is known.
const NEWEST: [u64; 2] = [2, 1];

/// Projects that Poetry before 1.2 kept out of its locks, whoever needed them.
const LEFT_OUT: [&str; 4] = ["setuptools", "distribute", "pip", "wheel"];

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Table<'a>,
    mut document: LockDocument,
) -> Option<LockDocument> {
    if !root.has("metadata") {
        let end = reader.source.text().len();
        let message = "`[metadata]` is missing, which is the end of the file".to_owned();
        reader.hinted(codes::MISSING_KEY, message, end..end, "the lock was cut off");
        return None;
    }
    let metadata = reader.table(root, "metadata")?;
    document.format_version = read_version(reader, metadata, "lock-version", &[1, 2], NEWEST)?;
    document.requires_python = reader.python(metadata, "python-versions");
    let elsewhere = Elsewhere::read(reader, metadata, &document);
    let mut named = Vec::new();
    let mut spellings = Spellings::default();
    for table in reader.tables(root, "package") {
        let Some(name) = reader.required(table, "name") else { continue };
        let Some(project) = reader.name(&name) else { continue };
        spellings.add(reader, &project, &name);
        let package = read_package(reader, table, project, &name, &elsewhere, &mut named);
        check::add(reader, &mut document.packages, package);
    }
    elsewhere.check_owners(reader, &document.packages);
    if reader.errors.is_empty() {
        check::check_named(reader, &document.packages, &named);
    }
    Some(document)
}

/// The version of the format: `Some(None)` where there is none, `None` when it is not known.
pub(super) fn read_version<'a>(
    reader: &mut Reader<'a>,
    metadata: Table<'a>,
    key: &str,
    majors: &[u64],
    newest: [u64; 2],
) -> Option<Option<String>> {
    let Some(text) = reader.text(metadata, key) else {
        return (!metadata.has(key)).then_some(None);
    };
    let mut numbers = text.value.split('.').map(|part| part.parse::<u64>().ok());
    let (major, minor) = (numbers.next().flatten(), numbers.next().unwrap_or(Some(0)));
    let (Some(major), Some(minor)) = (major.filter(|major| majors.contains(major)), minor) else {
        let message = format!(
            "lock version `{}` is not known, expected {} to {}",
            text.value,
            majors.first().unwrap_or(&0),
            majors.last().unwrap_or(&0)
        );
        reader.error(codes::LOCK_VERSION, message, text.span);
        return None;
    };
    if [major, minor] > newest {
        let message = format!(
            "lock version {} is newer than {}.{}; what it adds is not read",
            text.value, newest[0], newest[1]
        );
        reader.note(&message, text.span.clone());
    }
    Some(Some(text.value.to_owned()))
}

/// Files that do not stand beside their packages.
struct Elsewhere<'a> {
    /// The key of the table.
    key: &'static str,
    lists: BTreeMap<ProjectName, (Text<'a>, &'a Node<'a>)>,
}

impl<'a> Elsewhere<'a> {
    fn read(reader: &mut Reader<'a>, metadata: Table<'a>, document: &LockDocument) -> Self {
        let key = if metadata.has("files") { "files" } else { "hashes" };
        let mut lists = BTreeMap::new();
        let is_new = document.format_version.as_ref().is_some_and(|v| v.starts_with('2'));
        if !metadata.has(key) {
            if !is_new {
                reader.missing(metadata, "files");
            }
            return Self { key, lists };
        }
        let Some(table) = reader.table(metadata, key) else { return Self { key, lists } };
        for entry in table.entries {
            let text = Text { value: &entry.key, span: entry.key_span.clone() };
            let Some(project) = reader.name(&text) else { continue };
            if let Some((first, _)) = lists.insert(project, (text.clone(), &entry.node)) {
                let message = format!(
                    "`{}` and `{}` are two spellings of one project",
                    text.value, first.value
                );
                reader.error(codes::NAME_SPELLING, message, text.span);
            }
        }
        Self { key, lists }
    }

    fn files(&self, reader: &mut Reader<'a>, project: &ProjectName) -> Vec<FileEntry> {
        let Some((text, node)) = self.lists.get(project) else { return Vec::new() };
        let Some(items) = reader.expect_list(text.value, node) else { return Vec::new() };
        if self.key == "files" {
            return items.iter().filter_map(|item| read_file(reader, item, project)).collect();
        }
        let mut files = Vec::new();
        for item in items {
            let Some(text) = reader.expect_text("hash", item) else { continue };
            let digest = Digest::parse_hex(Algorithm::Sha256, text.value);
            match digest {
                Ok(digest) => files.push(bare(reader, digest, &text)),
                Err(error) => reader.error(codes::MALFORMED_DIGEST, error.to_string(), text.span),
            }
        }
        files
    }

    /// Files of a package that is not there belong to an entry that was lost.
    fn check_owners(&self, reader: &mut Reader<'a>, packages: &[LockPackage]) {
        let known: HashSet<&ProjectName> =
            packages.iter().map(|package| &package.project).collect();
        for (project, (text, _)) in &self.lists {
            if !known.contains(project) {
                let message = format!("there are files of `{project}`, and no entry for it");
                reader.error(codes::MISSING_ENTRY, message, text.span.clone());
            }
        }
    }
}

/// A digest without a file.
pub(super) fn bare(reader: &Reader<'_>, digest: Digest, text: &Text<'_>) -> FileEntry {
    FileEntry {
        name: None,
        url: None,
        digests: vec![digest],
        size: None,
        uploaded: None,
        place: reader.place(text.span.clone()),
    }
}

/// `{file = "…", hash = "…"}`, or `url` in place of `file`.
pub(super) fn read_file<'a>(
    reader: &mut Reader<'a>,
    node: &'a Node<'a>,
    project: &ProjectName,
) -> Option<FileEntry> {
    let table = reader.expect_table("files", node)?;
    let digest = match reader.required(table, "hash") {
        Some(text) => reader.digest(&text),
        None => None,
    };
    let digests: Vec<Digest> = digest.into_iter().collect();
    if let Some(url) = reader.text(table, "url") {
        let name = reader.owned(table, "file");
        return Some(reader.file((project, None), &url, name, digests, table.span()));
    }
    let name = reader.required(table, "file")?.value.to_owned();
    let place = reader.place(table.span());
    Some(FileEntry { name: Some(name), url: None, digests, size: None, uploaded: None, place })
}

fn read_package<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: ProjectName,
    name: &Text<'a>,
    elsewhere: &Elsewhere<'a>,
    named: &mut Vec<Named>,
) -> LockPackage {
    let version = reader.required(table, "version").and_then(|text| reader.version(&text));
    let source = read_source(reader, table);
    let files = match table.has("files") {
        true => {
            let items = reader.list(table, "files");
            items.iter().filter_map(|item| read_file(reader, item, &project)).collect()
        }
        false => elsewhere.files(reader, &project),
    };
    let groups = match reader.text(table, "category") {
        Some(category) => vec![category.value.to_owned()],
        None => reader.owned_texts(table, "groups"),
    };
    LockPackage {
        version,
        source,
        files,
        marker: read_markers(reader, table),
        extras: Vec::new(),
        dependencies: read_dependencies(reader, table, &project, named),
        groups,
        place: reader.place(name.span.clone()),
        project,
    }
}

/// One marker, or one for each group.
fn read_markers<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<String> {
    let key = if table.has("markers") { "markers" } else { "marker" };
    let node = table.get(key)?;
    let Value::Table(entries) = &node.value else { return reader.owned(table, key) };
    let mut markers: Vec<String> = Vec::new();
    for entry in entries {
        let Some(text) = reader.expect_text(&entry.key, &entry.node) else { continue };
        if !markers.iter().any(|marker| marker == text.value) {
            markers.push(text.value.to_owned());
        }
    }
    any_of(&markers)
}

fn read_source<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> LockSource {
    let nothing = LockSource::Index(None);
    let Some(source) = reader.table(table, "source") else { return nothing };
    let Some(url) = reader.required(source, "url") else { return nothing };
    // Poetry before 1.1 wrote no `type` for an index.
    let kind = reader.text(source, "type");
    match kind.as_ref().map_or("legacy", |kind| kind.value) {
        "legacy" | "pypi" | "" => LockSource::Index(Some(reader.url(&url, UrlRole::Index))),
        "url" => LockSource::Url(reader.url(&url, UrlRole::Direct)),
        "file" => LockSource::Path(url.value.to_owned()),
        "directory" => {
            let editable = reader.boolean(table, "develop");
            LockSource::Directory { path: url.value.to_owned(), editable }
        }
        "git" | "hg" | "svn" | "bzr" => {
            let commit = reader.owned(source, "resolved_reference");
            // Before 1.2 there was only `reference`, with the commit in it.
            let commit = commit.or_else(|| reader.owned(source, "reference"));
            let url = reader.url(&url, UrlRole::Direct);
            LockSource::Vcs { url, commit: commit.filter(|commit| is_commit(commit)) }
        }
        other => {
            let message = format!("`{other}` is no kind of source that is known");
            let span = kind.map_or(source.span(), |kind| kind.span);
            reader.error(codes::INVALID_VALUE, message, span);
            nothing
        }
    }
}

/// Whether a reference can be nothing but a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read_dependencies<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: &ProjectName,
    named: &mut Vec<Named>,
) -> Vec<ProjectName> {
    let Some(table) = reader.table(table, "dependencies") else { return Vec::new() };
    let mut dependencies = Vec::new();
    for entry in table.entries {
        let text = Text { value: &entry.key, span: entry.key_span.clone() };
        let Some(name) = reader.name(&text) else { continue };
        if name.as_str() == "python" {
            continue;
        }
        // Only a dependency without conditions has to be there: extras that nobody asked for and
        // markers that are never true are named as well.
        let is_plain = matches!(entry.node.value, Value::Text(_));
        if is_plain && name != *project && !LEFT_OUT.contains(&name.as_str()) {
            named.push(Named { project: name.clone(), version: None, span: text.span });
        }
        dependencies.push(name);
    }
    dependencies
}
