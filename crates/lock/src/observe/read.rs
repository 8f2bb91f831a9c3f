//! Statements of a lock of any format, and of the page of an index.
//!
//! A lock is somebody else's text: what cannot be read is told and passed over. A file with two
//! digests in one lock is no reason to pass over the lock: it is what is looked for.

use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::document::{
    self, FileEntry, LockDocument, LockFormat, LockPackage, LockSource,
};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::ProjectPage;

use super::statement::{LISTING, Lock, Moment, Origin, Stated, Statement};
use crate::gate::{host_of, is_same_index};

/// What a lock says.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Its statements.
    pub statements: Vec<Statement>,
    /// How many of its entries a digest could pin, and none does.
    pub without_digest: usize,
}

/// The format of a lock by its path, where the path alone is enough to read it; see
/// [`may_be_requirements`] for files that may be anything.
#[must_use]
pub fn format_of_path(path: &str) -> Option<LockFormat> {
    let name = path.rsplit('/').next().unwrap_or_default();
    if may_be_requirements(name) {
        return None;
    }
    match document::detect(name, b"") {
        // What nothing speaks for is called a requirements file.
        LockFormat::Requirements => None,
        format => Some(format),
    }
}

/// Whether a file is a requirements file if there are digests in it.
#[must_use]
pub fn may_be_requirements(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    [".txt", ".in", ".pip"].iter().any(|ending| name.ends_with(ending))
}

/// Whether there are digests in a text as requirements files have them: options, peep's comments,
/// fragments of URLs.
#[must_use]
pub fn has_digests(bytes: &[u8]) -> bool {
    let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|part| part == wanted);
    has(b"--hash") || has(b"# sha256:") || has(b"#sha256=") || has(b"# sha256 :")
}

/// Reads a lock. `index` is the index that a lock means that names none.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(
    format: LockFormat,
    lock: &Lock,
    moment: &Moment,
    bytes: &[u8],
    index: &str,
) -> Result<Read, Vec<SourceError>> {
    let (document, _) = document::parse_with_conflicts(format, &lock.path, bytes)?;
    let mut read = Read::default();
    for package in &document.packages {
        let Some(origin) = origin(package, &document, index) else { continue };
        let files = stated(package);
        if files.is_empty() {
            read.without_digest += 1;
            continue;
        }
        let at = Moment { line: package.place.line, ..moment.clone() };
        read.statements.push(Statement {
            lock: lock.clone(),
            format: document.format.name().to_owned(),
            project: package.project.clone(),
            version: version(package),
            origin,
            host: host(package),
            files,
            first: at.clone(),
            last: at,
            versions: 1,
        });
    }
    Ok(read)
}

/// What the page of an index says of each release of a project. Files whose name tells no version are
/// left out.
#[must_use]
pub fn read_listing(page: &ProjectPage, project: &ProjectName, name: &str) -> Vec<Statement> {
    let mut statements = super::statement::Statements::default();
    let mut releases: std::collections::BTreeMap<String, Vec<Stated>> =
        std::collections::BTreeMap::new();
    for file in &page.files {
        let Ok(parsed) = DistributionFilename::parse(&file.filename) else { continue };
        let stated = file
            .digests
            .iter()
            .map(|digest| Stated { file: Some(file.filename.clone()), digest: digest.clone() });
        releases.entry(parsed.version().to_string()).or_default().extend(stated);
    }
    for (version, files) in releases {
        statements.add(Statement {
            lock: Lock { repository: LISTING.to_owned(), path: name.to_owned() },
            format: LISTING.to_owned(),
            project: project.clone(),
            version: Some(version),
            origin: Origin::Default,
            host: None,
            files,
            first: Moment { line: 1, ..Moment::default() },
            last: Moment { line: 1, ..Moment::default() },
            versions: 1,
        });
    }
    statements.into_vec()
}

/// From where an entry comes; none for what no digest can pin: folders and repositories.
fn origin(package: &LockPackage, document: &LockDocument, index: &str) -> Option<Origin> {
    let named = |name: &str| {
        if is_same_index(name, index) {
            Origin::Default
        } else {
            Origin::Index(name.trim_end_matches('/').to_owned())
        }
    };
    Some(match &package.source {
        LockSource::Index(Some(name)) => named(name),
        LockSource::Index(None) => match document.indexes.as_slice() {
            [] => Origin::Default,
            [one] => named(one),
            // pipenv asks its first source; a requirements file means all of those that it names.
            [first, ..] if document.format == LockFormat::Pipfile => named(first),
            several if several.iter().any(|one| is_same_index(one, index)) => Origin::Default,
            several => Origin::Index(several.join(" ")),
        },
        LockSource::Url(url) => match host_of(url) {
            Some(host) => Origin::Url(host),
            None => Origin::Local,
        },
        LockSource::Path(_) => Origin::Local,
        LockSource::Directory { .. } | LockSource::Vcs { .. } => return None,
    })
}

fn stated(package: &LockPackage) -> Vec<Stated> {
    let one = |file: &FileEntry| -> Vec<Stated> {
        let name = crate::gate::file_name(file.name.as_deref(), file.url.as_deref());
        let digests = file.digests.iter().cloned();
        digests.map(|digest| Stated { file: name.clone(), digest }).collect()
    };
    let mut files: Vec<Stated> = package.files.iter().flat_map(one).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// The version; of entries without one, that which all names of their files tell.
fn version(package: &LockPackage) -> Option<String> {
    if let Some(version) = &package.version {
        return Some(version.to_string());
    }
    let mut versions = package.files.iter().filter_map(|file| {
        let name = crate::gate::file_name(file.name.as_deref(), file.url.as_deref())?;
        Some(DistributionFilename::parse(&name).ok()?.version().to_string())
    });
    let first = versions.next()?;
    versions.all(|other| other == first).then_some(first)
}

/// The host of its files, where all of them are on one.
fn host(package: &LockPackage) -> Option<String> {
    let mut hosts = package.files.iter().filter_map(|file| host_of(file.url.as_deref()?));
    let first = hosts.next()?;
    hosts.all(|other| other == first).then_some(first)
}
