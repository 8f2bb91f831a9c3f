//! `Pipfile.lock`.
//!
//! Decides which entries and digests a lock of pipenv names: `pipfile-spec` 6, whose digests are
//! lists without names of files. Any other spec is refused. What pipenv leaves unpinned (`"*"`) is
//! an entry without a version.

use super::check::{self, Spellings};
use super::poetry::{bare, is_commit};
use super::reader::{Reader, Table, Text};
use super::{LockDocument, LockPackage, LockSource, UrlRole};
use crate::lock::codes;
use crate::lock::reference;
use crate::name::ProjectName;
use crate::version::{Version, VersionSpecifiers};

const SPEC: u64 = 6;

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Table<'a>,
    mut document: LockDocument,
) -> Option<LockDocument> {
    let meta = reader.required_table(root, "_meta")?;
    if !meta.has("pipfile-spec") {
        reader.missing(meta, "pipfile-spec");
        return None;
    }
    let spec = reader.size(meta, "pipfile-spec")?;
    if spec != SPEC {
        let span = meta.get("pipfile-spec").map_or(0..0, |node| node.span.clone());
        let message = format!("pipfile-spec {spec} is not known, expected {SPEC}");
        reader.error(codes::LOCK_VERSION, message, span);
        return None;
    }
    document.format_version = Some(spec.to_string());
    if !root.has("default") {
        reader.missing(root, "default");
    }
    let mut sources = Vec::new();
    for table in reader.tables(meta, "sources") {
        let Some(url) = reader.required(table, "url") else { continue };
        let url = reader.url(&url, UrlRole::Index);
        document.indexes.push(url.clone());
        sources.push((reader.owned(table, "name"), url));
    }
    for section in root.entries.iter().filter(|entry| entry.key != "_meta") {
        let Some(table) = reader.expect_table(&section.key, &section.node) else { continue };
        let mut spellings = Spellings::default();
        for entry in table.entries {
            let name = Text { value: &entry.key, span: entry.key_span.clone() };
            let Some(project) = reader.name(&name) else { continue };
            spellings.add(reader, &project, &name);
            let Some(fields) = reader.expect_table(&entry.key, &entry.node) else { continue };
            let package = read_package(reader, fields, project, &name, &sources, &section.key);
            check::add(reader, &mut document.packages, package);
        }
    }
    Some(document)
}

fn read_package<'a>(
    reader: &mut Reader<'a>,
    fields: Table<'a>,
    project: ProjectName,
    name: &Text<'a>,
    sources: &[(Option<String>, String)],
    section: &str,
) -> LockPackage {
    let mut files = Vec::new();
    for text in reader.texts(fields, "hashes") {
        let Some(digest) = reader.digest(&text) else { continue };
        files.push(bare(reader, digest, &text));
    }
    LockPackage {
        project,
        version: read_version(reader, fields),
        source: read_source(reader, fields, sources),
        files,
        marker: reader.owned(fields, "markers"),
        extras: reader.extras(fields, "extras"),
        dependencies: Vec::new(),
        groups: vec![section.to_owned()],
        place: reader.place(name.span.clone()),
    }
}

/// `==1.0`; other clauses pin nothing.
fn read_version<'a>(reader: &mut Reader<'a>, fields: Table<'a>) -> Option<Version> {
    let text = reader.text(fields, "version")?;
    if text.value.trim() == "*" || text.value.trim().is_empty() {
        return None;
    }
    match text.value.parse::<VersionSpecifiers>() {
        Ok(specifiers) => specifiers.pinned().cloned(),
        Err(error) => {
            reader.error(codes::INVALID_VALUE, error.message, text.span);
            None
        }
    }
}

fn read_source<'a>(
    reader: &mut Reader<'a>,
    fields: Table<'a>,
    sources: &[(Option<String>, String)],
) -> LockSource {
    for kind in ["git", "hg", "svn", "bzr"] {
        let Some(text) = reader.text(fields, kind) else { continue };
        let commit = reader.owned(fields, "ref").filter(|commit| is_commit(commit));
        return LockSource::Vcs { url: reader.url(&text, UrlRole::Direct), commit };
    }
    let editable = reader.boolean(fields, "editable");
    for kind in ["file", "uri", "path"] {
        let Some(text) = reader.text(fields, kind) else { continue };
        let url = reader.url(&text, UrlRole::Direct);
        return if reference::is_url(&url) && !url.starts_with("file:") {
            LockSource::Url(url)
        } else if reference::is_archive(&url) {
            LockSource::Path(url)
        } else {
            LockSource::Directory { path: url, editable }
        };
    }
    let Some(index) = reader.owned(fields, "index") else { return LockSource::Index(None) };
    let known = sources.iter().find(|(name, _)| name.as_ref() == Some(&index));
    LockSource::Index(Some(known.map_or(index, |(_, url)| url.clone())))
}
