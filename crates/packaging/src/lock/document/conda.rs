//! `conda-lock.yml`, version 1, as YAML or JSON: the part that pip installs.
//!
//! Decides which entries and files of `manager: pip` a lock of conda-lock names. Conda's own
//! packages are another world, which is told in a note and not judged. A project has one entry for
//! each platform; the platform stands in the place of the marker.
//!
//! Specification: the models of conda-lock, `conda_lock/lockfile/v1/models.py`.

use super::check::{self, Spellings};
use super::reader::{Reader, Table, Text};
use super::tree::Value;
use super::{FileEntry, LockDocument, LockPackage, LockSource, UrlRole};
use crate::lock::codes;
use crate::name::ProjectName;

const VERSION: u64 = 1;

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Table<'a>,
    mut document: LockDocument,
) -> Option<LockDocument> {
    if !root.has("version") {
        reader.missing(root, "version");
        return None;
    }
    let version = reader.size(root, "version")?;
    if version != VERSION {
        let span = root.get("version").map_or(0..0, |node| node.span.clone());
        let message = format!("version {version} of conda-lock is not known, expected {VERSION}");
        reader.error(codes::LOCK_VERSION, message, span);
        return None;
    }
    document.format_version = Some(version.to_string());
    if !root.has("package") {
        reader.missing(root, "package");
    }
    let mut passed_over = 0;
    let mut spellings = Spellings::default();
    for table in reader.tables(root, "package") {
        let Some(manager) = reader.required(table, "manager") else { continue };
        match manager.value {
            "conda" => passed_over += 1,
            "pip" => {
                let Some(name) = reader.required(table, "name") else { continue };
                let Some(project) = reader.name(&name) else { continue };
                spellings.add(reader, &project, &name);
                let package = read_package(reader, table, project, &name);
                check::add(reader, &mut document.packages, package);
            }
            other => {
                let message = format!("`manager` is `conda` or `pip`, found `{other}`");
                reader.error(codes::INVALID_VALUE, message, manager.span);
            }
        }
    }
    if passed_over > 0 {
        let file = document.file.clone();
        document.notes.push(format!("{file}: {passed_over} packages of conda are not looked at"));
    }
    Some(document)
}

fn read_package<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    project: ProjectName,
    name: &Text<'a>,
) -> LockPackage {
    // Without quotation marks a version is a number to YAML.
    let version = match reader.scalar(table, "version") {
        Some(text) => reader.version(&text),
        None => {
            if !table.has("version") {
                reader.missing(table, "version");
            }
            None
        }
    };
    let digests = match reader.table(table, "hash") {
        Some(hash) => reader.digest_table(hash),
        None => Vec::new(),
    };
    let direct = match table.get("source").map(|node| &node.value) {
        Some(Value::Table(_)) => {
            let source = reader.table(table, "source");
            source.is_some_and(|source| source.has("url"))
        }
        _ => false,
    };
    let (source, files) = match reader.required(table, "url") {
        None => (LockSource::Index(None), Vec::new()),
        Some(url) => read_url(reader, &url, &project, digests, direct),
    };
    let mut dependencies = Vec::new();
    if let Some(table) = reader.table(table, "dependencies") {
        // Conda's names need not be names of projects.
        dependencies.extend(table.entries.iter().filter_map(|e| ProjectName::parse(&e.key).ok()));
    }
    let groups = match reader.text(table, "category") {
        Some(category) => vec![category.value.to_owned()],
        None => reader.owned_texts(table, "categories"),
    };
    LockPackage {
        project,
        version,
        source,
        files,
        marker: reader.owned(table, "platform"),
        extras: Vec::new(),
        dependencies,
        groups,
        place: reader.place(name.span.clone()),
    }
}

fn read_url<'a>(
    reader: &mut Reader<'a>,
    url: &Text<'a>,
    project: &ProjectName,
    digests: Vec<crate::digest::Digest>,
    direct: bool,
) -> (LockSource, Vec<FileEntry>) {
    if let Some(rest) =
        ["git+", "hg+", "svn+", "bzr+"].iter().find_map(|p| url.value.strip_prefix(p))
    {
        let shown = reader.url(url, UrlRole::Direct);
        let shown = shown[url.value.len() - rest.len()..].to_owned();
        let address = shown.split('#').next().unwrap_or_default();
        let at = address.rfind('@').filter(|at| *at > address.rfind('/').unwrap_or(0));
        let (address, commit) = match at {
            Some(at) => (&address[..at], Some(address[at + 1..].to_owned())),
            None => (address, None),
        };
        let commit = commit.filter(|commit| super::poetry::is_commit(commit));
        return (LockSource::Vcs { url: address.to_owned(), commit }, Vec::new());
    }
    if direct {
        let shown = reader.url(url, UrlRole::Direct);
        let file = FileEntry {
            name: super::reader::last_segment(url.value),
            url: Some(shown.clone()),
            digests,
            size: None,
            uploaded: None,
            place: reader.place(url.span.clone()),
        };
        return (LockSource::Url(shown), vec![file]);
    }
    let file = reader.file((project, None), url, None, digests, url.span.clone());
    (LockSource::Index(None), vec![file])
}
