//! `uv.lock`.
//!
//! Decides which entries and files a lock of uv names. There is no specification; the form is that
//! of versions 1.0 to 1.5 (`version`, `revision`) as uv writes them. A newer version is refused, a
//! newer revision is told, as uv itself does. An entry without a source, or one that another entry
//! needs and that is not there, is refused: uv would not use the lock either.
//!
//! The file has no mark at its end. One that was cut off between two entries is found by the
//! entries that need those behind it.

use super::check::{self, Named, Spellings};
use super::reader::{Reader, Table, Text, without_credentials};
use super::tree::{Entry, Value};
use super::{FileEntry, LockDocument, LockPackage, LockSource, UrlRole};
use crate::digest::Digest;
use crate::lock::codes;
use crate::lock::reference;
use crate::name::ProjectName;

/// The newest revision that is known.
const NEWEST_REVISION: u64 = 5;

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Table<'a>,
    mut document: LockDocument,
) -> Option<LockDocument> {
    document.format_version = Some(read_version(reader, root)?);
    document.requires_python = reader.python(root, "requires-python");
    remember_indexes(reader, root);
    let key = if root.has("distribution") { "distribution" } else { "package" };
    let mut named = Vec::new();
    let mut spellings = Spellings::default();
    for table in reader.tables(root, key) {
        let Some(name) = reader.required(table, "name") else { continue };
        let Some(project) = reader.name(&name) else { continue };
        spellings.add(reader, &project, &name);
        let package = read_package(reader, table, project, &name, &mut named);
        check::add(reader, &mut document.packages, package);
    }
    if let Some(manifest) = reader.table(root, "manifest") {
        for text in reader.texts(manifest, "members") {
            let Some(project) = reader.name(&text) else { continue };
            named.push(Named { project, version: None, span: text.span });
        }
    }
    // With an entry that could not be read, every other one that needs it would be told too.
    if reader.errors.is_empty() {
        check::check_named(reader, &document.packages, &named);
    }
    Some(document)
}

/// Indexes stand in the sources of entries, in those of dependencies, and beside requirements.
fn remember_indexes<'a>(reader: &mut Reader<'a>, root: Table<'a>) {
    let mut pending: Vec<&'a Entry<'a>> = root.entries.iter().collect();
    while let Some(entry) = pending.pop() {
        let mut nodes = vec![&entry.node];
        while let Some(node) = nodes.pop() {
            match &node.value {
                Value::List(items) => nodes.extend(items),
                Value::Table(entries) => pending.extend(entries),
                Value::Text(value) if matches!(&*entry.key, "registry" | "index") => {
                    let text = Text { value, span: node.span.clone() };
                    reader.url(&text, UrlRole::Index);
                }
                _ => {}
            }
        }
    }
}

fn read_version<'a>(reader: &mut Reader<'a>, root: Table<'a>) -> Option<String> {
    if !root.has("version") {
        reader.missing(root, "version");
        return None;
    }
    let version = reader.size(root, "version")?;
    if version != 1 {
        let message = format!("version {version} of uv.lock is not known, expected 1");
        let span = root.get("version").map_or(0..0, |node| node.span.clone());
        reader.error(codes::LOCK_VERSION, message, span);
        return None;
    }
    let Some(revision) = reader.size(root, "revision") else { return Some("1".to_owned()) };
    if revision > NEWEST_REVISION {
        let span = root.get("revision").map_or(0..0, |node| node.span.clone());
        let message = format!(
            "revision {revision} is newer than {NEWEST_REVISION}; what it adds is not read"
        );
        reader.note(&message, span);
    }
    Some(format!("1.{revision}"))
}

fn read_package<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: ProjectName,
    name: &Text<'a>,
    named: &mut Vec<Named>,
) -> LockPackage {
    let version = reader.text(table, "version").and_then(|text| reader.version(&text));
    let source = read_source(reader, table, &project);
    let mut files = Vec::new();
    let sdist = reader.table(table, "sdist");
    for file in sdist.into_iter().chain(reader.tables(table, "wheels")) {
        files.push(read_file(reader, file, &project, &source));
    }
    let before = named.len();
    read_dependencies(reader, table, "dependencies", named);
    for key in ["optional-dependencies", "dev-dependencies", "dependency-groups"] {
        let Some(groups) = reader.table(table, key) else { continue };
        for group in groups.entries {
            read_dependencies(reader, groups, &group.key, named);
        }
    }
    let mut dependencies: Vec<ProjectName> = Vec::new();
    for one in &named[before..] {
        if !dependencies.contains(&one.project) {
            dependencies.push(one.project.clone());
        }
    }
    let markers = reader.owned_texts(table, "resolution-markers");
    LockPackage {
        project,
        version,
        source,
        files,
        marker: any_of(&markers),
        extras: Vec::new(),
        dependencies,
        groups: Vec::new(),
        place: reader.place(name.span.clone()),
    }
}

/// One marker that is true where any of these is.
pub(super) fn any_of(markers: &[String]) -> Option<String> {
    match markers {
        [] => None,
        [marker] => Some(marker.clone()),
        _ => Some(markers.iter().map(|m| format!("({m})")).collect::<Vec<_>>().join(" or ")),
    }
}

fn read_dependencies<'a>(
    reader: &mut Reader<'a>,
    within: Table<'a>,
    key: &str,
    named: &mut Vec<Named>,
) {
    for dependency in reader.tables(within, key) {
        let Some(text) = reader.required(dependency, "name") else { continue };
        let Some(project) = reader.name(&text) else { continue };
        let version = reader.text(dependency, "version").and_then(|text| reader.version(&text));
        named.push(Named { project, version, span: text.span });
    }
}

fn read_source<'a>(reader: &mut Reader<'a>, table: Table<'a>, project: &ProjectName) -> LockSource {
    const KINDS: [&str; 7] = ["registry", "url", "git", "path", "directory", "editable", "virtual"];
    let unknown = LockSource::Index(None);
    let Some(source) = reader.required_table(table, "source") else { return unknown };
    let mut found = KINDS.iter().filter(|kind| source.has(kind));
    let (Some(kind), None) = (found.next(), found.next()) else {
        let message = format!("the source of `{project}` must be one of {}", KINDS.join(", "));
        reader.error(codes::NO_SOURCE, message, source.span());
        return unknown;
    };
    let Some(text) = reader.text(source, kind) else { return unknown };
    match *kind {
        // Every index is remembered by [`remember_indexes`], wherever it stands.
        "registry" => LockSource::Index(Some(without_credentials(text.value))),
        "url" => LockSource::Url(reader.url(&text, UrlRole::Direct)),
        "git" => {
            let url = reader.url(&text, UrlRole::Direct);
            let (url, commit) = match url.split_once('#') {
                Some((url, commit)) => (url.to_owned(), Some(commit.to_owned())),
                None => (url, None),
            };
            LockSource::Vcs { url, commit: commit.filter(|commit| !commit.is_empty()) }
        }
        "path" => LockSource::Path(text.value.to_owned()),
        kind => LockSource::Directory { path: text.value.to_owned(), editable: kind == "editable" },
    }
}

fn read_file<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: &ProjectName,
    source: &LockSource,
) -> FileEntry {
    let digest = reader.text(table, "hash").and_then(|text| reader.digest(&text));
    let digests: Vec<Digest> = digest.into_iter().collect();
    let url = reader.text(table, "url");
    let path = reader.text(table, "path");
    let name = reader.owned(table, "filename");
    let mut file = match url.or(path) {
        Some(location) if let LockSource::Index(index) = source => {
            reader.file((project, index.as_deref()), &location, name, digests, table.span())
        }
        location => {
            // The file of a direct source: its address is the source's.
            let address = location.as_ref().map(|text| reader.url(text, UrlRole::Direct));
            let address = address.or_else(|| match source {
                LockSource::Url(url) | LockSource::Path(url) => Some(without_credentials(url)),
                _ => None,
            });
            let named = || super::reader::last_segment(address.as_deref()?);
            FileEntry {
                name: name.or_else(named),
                url: address,
                digests,
                size: None,
                uploaded: None,
                place: reader.place(table.span()),
            }
        }
    };
    if matches!(source, LockSource::Index(_)) && file.url.is_none() {
        reader.error(codes::MISSING_KEY, "`url` or `path` is missing".to_owned(), table.span());
    }
    if let Some(name) = &file.name
        && !reference::is_archive(name)
        && matches!(source, LockSource::Index(_))
    {
        let message = format!("`{name}` is no wheel and no source archive");
        reader.error(codes::NO_NAME, message, table.span());
    }
    file.size = reader.size(table, "size");
    file.uploaded = reader.scalar(table, "upload-time").map(|text| text.value.to_owned());
    file
}
