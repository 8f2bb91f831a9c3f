//! `pylock.toml` as a document; [`crate::lock::pylock`] takes from one what an environment needs.
//!
//! Decides which entries and files a lock names, for all environments at once. What the
//! specification demands of a lock is demanded here too; which digests suffice, and whether a
//! branch or a folder may stand in a lock, is for a policy.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/pylock-toml/> (PEP 751),
//! version 1.0.

use super::check::{self, Named};
use super::reader::{Reader, Table, Text, last_segment};
use super::{FileEntry, LockDocument, LockPackage, LockSource, UrlRole};
use crate::filename::{DistributionFilename, SdistFilename, WheelFilename};
use crate::lock::codes;
use crate::marker::Marker;
use crate::name::ProjectName;
use crate::version::Version;

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Table<'a>,
    mut document: LockDocument,
) -> Option<LockDocument> {
    document.format_version = Some(read_version(reader, root)?);
    reader.required(root, "created-by");
    if let Some(text) = reader.text(root, "requires-python") {
        match text.value.parse() {
            Ok(specifiers) => document.requires_python = Some(specifiers),
            Err(error) => reader.error(codes::INVALID_VALUE, error.message, text.span),
        }
    }
    if !root.has("packages") {
        reader.missing(root, "packages");
    }
    let mut named = Vec::new();
    for table in reader.tables(root, "packages") {
        let Some(name) = reader.required(table, "name") else { continue };
        let Some(project) = reader.name(&name) else { continue };
        if project.as_str() != name.value {
            let message = format!("expected the normalised name `{project}`");
            reader.error(codes::INVALID_VALUE, message, name.span.clone());
        }
        let package = read_package(reader, table, project, &name, &mut named);
        check::add(reader, &mut document.packages, package);
    }
    if reader.errors.is_empty() {
        check::check_named(reader, &document.packages, &named);
    }
    Some(document)
}

fn read_version<'a>(reader: &mut Reader<'a>, root: Table<'a>) -> Option<String> {
    let text = reader.required(root, "lock-version")?;
    let version = text.value.parse::<Version>().ok();
    let known = version.filter(|version| {
        version.epoch() == 0
            && version.release().first() == Some(&1)
            && *version >= Version::new([1])
    });
    let Some(version) = known else {
        let message = format!("lock version `{}` is not supported, expected 1.0", text.value);
        reader.error(codes::LOCK_VERSION, message, text.span);
        return None;
    };
    if version > Version::new([1, 0]) {
        let message = format!("lock version {version} is newer than 1.0; what it adds is not read");
        reader.note(&message, text.span.clone());
    }
    Some(text.value.to_owned())
}

fn read_package<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: ProjectName,
    name: &Text<'a>,
    named: &mut Vec<Named>,
) -> LockPackage {
    let mut version = reader.text(table, "version").and_then(|text| reader.version(&text));
    let marker = reader.text(table, "marker");
    if let Some(text) = &marker
        && let Err(error) = Marker::parse(text.value)
    {
        reader.error(codes::INVALID_VALUE, error.message, text.span.clone());
    }
    let (source, files) = read_source(reader, table, &project, &mut version);
    let before = named.len();
    for dependency in reader.tables(table, "dependencies") {
        // The specification lets a dependency be told by any of its keys.
        let Some(text) = reader.text(dependency, "name") else { continue };
        let Some(name) = reader.name(&text) else { continue };
        let version = reader.text(dependency, "version").and_then(|text| reader.version(&text));
        named.push(Named { project: name, version, span: text.span });
    }
    let mut dependencies: Vec<ProjectName> = Vec::new();
    for one in &named[before..] {
        if !dependencies.contains(&one.project) {
            dependencies.push(one.project.clone());
        }
    }
    LockPackage {
        project,
        version,
        source,
        files,
        marker: marker.map(|text| text.value.to_owned()),
        extras: Vec::new(),
        dependencies,
        groups: Vec::new(),
        place: reader.place(name.span.clone()),
    }
}

fn read_source<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: &ProjectName,
    version: &mut Option<Version>,
) -> (LockSource, Vec<FileEntry>) {
    let index = reader.text(table, "index");
    let index = index.map(|text| reader.url(&text, UrlRole::Index));
    let vcs = reader.table(table, "vcs");
    let directory = reader.table(table, "directory");
    let archive = reader.table(table, "archive");
    let sdist = reader.table(table, "sdist");
    let wheels = reader.tables(table, "wheels");
    let has_files = sdist.is_some() || !wheels.is_empty();
    let given = [vcs.is_some(), directory.is_some(), archive.is_some(), has_files];
    match given.into_iter().filter(|&given| given).count() {
        0 => reader.error(codes::NO_SOURCE, format!("`{project}` has no file"), table.span()),
        1 => {}
        _ => {
            let message = "only one of `vcs`, `directory`, `archive`, and `sdist` with `wheels` \
                           may be given"
                .to_owned();
            reader.error(codes::INVALID_VALUE, message, table.span());
        }
    }
    if let Some(vcs) = vcs {
        let address =
            if vcs.has("url") { reader.text(vcs, "url") } else { reader.required(vcs, "path") };
        let url = address.map_or(String::new(), |text| reader.url(&text, UrlRole::Direct));
        let commit = reader.required(vcs, "commit-id").map(|text| text.value.to_owned());
        return (LockSource::Vcs { url, commit }, Vec::new());
    }
    if let Some(directory) = directory {
        let path = reader.required(directory, "path").map_or("", |text| text.value).to_owned();
        let editable = reader.boolean(directory, "editable");
        return (LockSource::Directory { path, editable }, Vec::new());
    }
    if let Some(archive) = archive {
        let Some(file) = read_file(reader, archive, (project, None), true) else {
            return (LockSource::Index(None), Vec::new());
        };
        let location = file.url.clone().unwrap_or_default();
        let source =
            if archive.has("url") { LockSource::Url(location) } else { LockSource::Path(location) };
        return (source, vec![file]);
    }
    let mut files = Vec::new();
    for (table, is_wheel) in
        sdist.map(|t| (t, false)).into_iter().chain(wheels.into_iter().map(|t| (t, true)))
    {
        let Some(file) = read_file(reader, table, (project, index.as_deref()), false) else {
            continue;
        };
        check_filename(reader, table, project, version, &file, is_wheel);
        files.push(file);
    }
    (LockSource::Index(index), files)
}

/// A file belongs to its package by name and version.
fn check_filename<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: &ProjectName,
    version: &mut Option<Version>,
    file: &FileEntry,
    is_wheel: bool,
) {
    let Some(name) = &file.name else { return };
    let parsed = if is_wheel {
        WheelFilename::parse(name)
            .map(DistributionFilename::Wheel)
            .map_err(|error| error.to_string())
    } else {
        SdistFilename::parse_for(project, name)
            .or_else(|_| SdistFilename::parse(name))
            .map(DistributionFilename::Sdist)
            .map_err(|error| error.to_string())
    };
    match parsed {
        // Old forms of source archives are named in locks of releases that have wheels, too.
        Err(message) if !is_wheel => reader.note(&message, table.span()),
        Err(message) => reader.error(codes::NO_NAME, message, table.span()),
        Ok(filename) => {
            let expected = version.get_or_insert_with(|| filename.version().clone());
            if filename.name() != project || filename.version() != expected {
                let message = format!("`{name}` is not a file of {project} {expected}");
                reader.error(codes::NAME_CONFLICT, message, table.span());
            }
        }
    }
}

fn read_file<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    (project, index): (&ProjectName, Option<&str>),
    direct: bool,
) -> Option<FileEntry> {
    let digests = match reader.required_table(table, "hashes") {
        Some(hashes) => {
            if hashes.entries.is_empty() {
                let message = "`hashes` is empty".to_owned();
                reader.error(codes::INVALID_VALUE, message, hashes.span());
            }
            reader.digest_table(hashes)
        }
        None => Vec::new(),
    };
    let name = reader.owned(table, "name");
    let url = reader.text(table, "url");
    let path = reader.text(table, "path");
    if url.is_none() && path.is_none() {
        reader.error(codes::MISSING_KEY, "`url` or `path` is missing".to_owned(), table.span());
        return None;
    }
    let by_path = path.as_ref().and_then(|text| last_segment(text.value));
    let name = name.or(by_path);
    let location = url.or(path)?;
    let mut file = if direct {
        let digests = reader.with_fragment(&location, digests);
        let place = reader.place(table.span());
        let url = Some(reader.url(&location, UrlRole::Direct));
        let name = name.or_else(|| last_segment(location.value));
        FileEntry { name, url, digests, size: None, uploaded: None, place }
    } else {
        reader.file((project, index), &location, name, digests, table.span())
    };
    file.size = reader.size(table, "size");
    file.uploaded = reader.scalar(table, "upload-time").map(|text| text.value.to_owned());
    Some(file)
}
