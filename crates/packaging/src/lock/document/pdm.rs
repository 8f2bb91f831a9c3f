//! `pdm.lock`.
//!
//! Decides which entries and files a lock of PDM names. There is no specification; the forms are
//! those of lock versions 2 to 4: files stand beside each package (4.3 and later) or in
//! `[metadata.files]` under `name version` (before). A project has one entry for each set of
//! extras. A newer major version is refused, a newer minor one is told.
//!
//! Newer locks begin with `[metadata]` and have no mark at their end; a dependency without an
//! entry is told as a note only, because PDM can be asked to leave projects out.

use std::collections::{BTreeMap, HashSet};

use super::check::{self, Spellings};
use super::poetry::{is_commit, read_file, read_version};
use super::reader::{Reader, Table, Text};
use super::tree::{Node, Value};
use super::{FileEntry, LockDocument, LockPackage, LockSource, UrlRole};
use crate::lock::codes;
use crate::lock::reference;
use crate::name::ProjectName;
use crate::version::Version;

/// The newest version that is known.
const NEWEST: [u64; 2] = [4, 5];

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Table<'a>,
    mut document: LockDocument,
) -> Option<LockDocument> {
    if !root.has("metadata") {
        let end = reader.source.text().len();
        reader.hinted(
            codes::MISSING_KEY,
            "`[metadata]` is missing".to_owned(),
            end..end,
            "the lock was cut off, or is of another tool",
        );
        return None;
    }
    let metadata = reader.table(root, "metadata")?;
    let version = read_version(reader, metadata, "lock_version", &[2, 3, 4], NEWEST)?;
    if version.is_none() {
        reader.missing(metadata, "lock_version");
        return None;
    }
    document.format_version = version;
    document.requires_python = read_python(reader, metadata);
    let elsewhere = Elsewhere::read(reader, metadata);
    let mut spellings = Spellings::default();
    let mut needed = Vec::new();
    for table in reader.tables(root, "package") {
        let Some(name) = reader.required(table, "name") else { continue };
        let Some(project) = reader.name(&name) else { continue };
        spellings.add(reader, &project, &name);
        let package = read_package(reader, table, project, &name, &elsewhere, &mut needed);
        check::add(reader, &mut document.packages, package);
    }
    elsewhere.check_owners(reader, &document.packages);
    let known: HashSet<&ProjectName> = document.packages.iter().map(|p| &p.project).collect();
    for (project, span) in needed {
        if !known.contains(&project) {
            let message = format!("`{project}` is needed here, and there is no entry for it");
            reader.note(&message, span);
        }
    }
    Some(document)
}

/// One range for all targets, where they agree.
fn read_python<'a>(
    reader: &mut Reader<'a>,
    metadata: Table<'a>,
) -> Option<crate::version::VersionSpecifiers> {
    let targets = reader.tables(metadata, "targets");
    let mut ranges: Vec<_> =
        targets.into_iter().map(|target| reader.python(target, "requires_python")).collect();
    ranges.dedup();
    match ranges.len() {
        0 => reader.python(metadata, "requires_python"),
        1 => ranges.pop().flatten(),
        _ => None,
    }
}

type Owner = (ProjectName, Option<Version>);

/// `[metadata.files]`.
struct Elsewhere<'a>(BTreeMap<Owner, (Text<'a>, &'a Node<'a>)>);

impl<'a> Elsewhere<'a> {
    fn read(reader: &mut Reader<'a>, metadata: Table<'a>) -> Self {
        let mut lists = BTreeMap::new();
        let table = reader.table(metadata, "files");
        for entry in table.map(|table| table.entries).unwrap_or_default() {
            let text = Text { value: &entry.key, span: entry.key_span.clone() };
            let (name, version) = match text.value.split_once(' ') {
                Some((name, version)) => (name, Some(version)),
                None => (text.value, None),
            };
            let Some(project) = reader.name(&Text { value: name, span: text.span.clone() }) else {
                continue;
            };
            let version = match version {
                Some(value) => {
                    let Some(version) = reader.version(&Text { value, span: text.span.clone() })
                    else {
                        continue;
                    };
                    Some(version)
                }
                None => None,
            };
            if let Some((first, _)) = lists.insert((project, version), (text.clone(), &entry.node))
            {
                let message = format!(
                    "`{}` and `{}` are two spellings of one release",
                    text.value, first.value
                );
                reader.error(codes::NAME_SPELLING, message, text.span);
            }
        }
        Self(lists)
    }

    fn files(&self, reader: &mut Reader<'a>, owner: &Owner) -> Vec<FileEntry> {
        let Some((text, node)) = self.0.get(owner) else { return Vec::new() };
        let Some(items) = reader.expect_list(text.value, node) else { return Vec::new() };
        items.iter().filter_map(|item| read_file(reader, item, &owner.0)).collect()
    }

    /// Files of a release that is not there belong to an entry that was lost.
    fn check_owners(&self, reader: &mut Reader<'a>, packages: &[LockPackage]) {
        let known: HashSet<(&ProjectName, Option<&Version>)> = packages
            .iter()
            .flat_map(|package| {
                [(&package.project, package.version.as_ref()), (&package.project, None)]
            })
            .collect();
        for ((project, version), (text, _)) in &self.0 {
            if !known.contains(&(project, version.as_ref())) {
                let message = format!("there are files of `{}`, and no entry for it", text.value);
                reader.error(codes::MISSING_ENTRY, message, text.span.clone());
            }
        }
    }
}

fn read_package<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: ProjectName,
    name: &Text<'a>,
    elsewhere: &Elsewhere<'a>,
    needed: &mut Vec<(ProjectName, std::ops::Range<usize>)>,
) -> LockPackage {
    let version = reader.text(table, "version").and_then(|text| reader.version(&text));
    let source = read_source(reader, table);
    let files = if table.has("files") {
        let items = reader.list(table, "files");
        items.iter().filter_map(|item| read_file(reader, item, &project)).collect()
    } else {
        elsewhere.files(reader, &(project.clone(), version.clone()))
    };
    let mut dependencies: Vec<ProjectName> = Vec::new();
    for text in reader.texts(table, "dependencies") {
        let Some(requirement) = reader.requirement(&text) else { continue };
        if requirement.marker.is_none() && requirement.name != project {
            needed.push((requirement.name.clone(), text.span));
        }
        if !dependencies.contains(&requirement.name) {
            dependencies.push(requirement.name);
        }
    }
    let key = if table.has("marker") { "marker" } else { "markers" };
    LockPackage {
        version,
        source,
        files,
        marker: reader.owned(table, key),
        extras: reader.extras(table, "extras"),
        dependencies,
        groups: reader.owned_texts(table, "groups"),
        place: reader.place(name.span.clone()),
        project,
    }
}

fn read_source<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> LockSource {
    for kind in ["git", "hg", "svn", "bzr"] {
        let Some(text) = reader.text(table, kind) else { continue };
        let commit = reader.owned(table, "revision").or_else(|| reader.owned(table, "ref"));
        let url = reader.url(&text, UrlRole::Direct);
        return LockSource::Vcs { url, commit: commit.filter(|commit| is_commit(commit)) };
    }
    let editable = reader.boolean(table, "editable");
    if let Some(path) = reader.owned(table, "path") {
        return if reference::is_archive(&path) {
            LockSource::Path(path)
        } else {
            LockSource::Directory { path, editable }
        };
    }
    match table.get("url").map(|node| &node.value) {
        Some(Value::Text(_)) => {
            let Some(text) = reader.text(table, "url") else { return LockSource::Index(None) };
            LockSource::Url(reader.url(&text, UrlRole::Direct))
        }
        _ => LockSource::Index(None),
    }
}
