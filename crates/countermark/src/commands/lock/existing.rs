//! The lock that is there: its pins are kept unless somebody asks to move them, its digests are
//! compared and never used.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use countermark_client::report::Problem;
use countermark_lock::request::OldPin;
use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::{self, LockDocument, LockFormat, LockSource};
use countermark_packaging::marker::Marker;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use crate::cli::lock::UpgradeArgs;

/// No lock is larger.
const MAX_LOCK: u64 = 64 << 20;

/// A lock on disk.
#[derive(Debug)]
pub(crate) struct Existing {
    /// As it stands.
    pub(crate) text: String,
    /// The same, byte by byte.
    pub(crate) bytes: Vec<u8>,
    /// What it says.
    pub(crate) document: LockDocument,
}

/// Reads the lock, if there is one. A file that is there and is no lock is an error: it would be
/// overwritten.
pub(crate) fn read(path: &Path) -> Result<Option<Existing>, Vec<Problem>> {
    let Some(bytes) = read_bytes(path)? else { return Ok(None) };
    let shown = path.display().to_string();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.trim().is_empty() {
        return Ok(None);
    }
    let document = document::parse(&shown, &bytes).map_err(|errors| {
        let hint = "it would be overwritten: move it away, or name another output";
        errors
            .iter()
            .map(|error| {
                let problem = Problem::from(error);
                if problem.hint.is_some() { problem } else { problem.with_hint(hint) }
            })
            .collect::<Vec<_>>()
    })?;
    refuse_wishes(&shown, &document)?;
    Ok(Some(Existing { text, bytes, document }))
}

/// Lines that pin nothing were written by somebody who wants them: such a file is no lock.
fn refuse_wishes(shown: &str, document: &LockDocument) -> Result<(), Vec<Problem>> {
    let is_wish = |package: &&document::LockPackage| {
        package.version.is_none() && matches!(package.source, LockSource::Index(_))
    };
    let problem = |package: &document::LockPackage| {
        let message =
            format!("`{shown}` is no lock: it does not say which version of `{}`", package.project);
        let hint = "it would be overwritten: name it as an input, and another output with `-o`";
        Problem::new("unpinned-lock", Class::Usage, message).at(&package.place).with_hint(hint)
    };
    match document.packages.iter().find(is_wish) {
        Some(package) if document.format == LockFormat::Requirements => Err(vec![problem(package)]),
        _ => Ok(()),
    }
}

/// Whether a file is still as it was read. What somebody else wrote meanwhile is not overwritten.
///
/// # Errors
/// When it is another one now, or cannot be read any more.
pub(crate) fn require_same(path: &Path, before: Option<&[u8]>) -> Result<(), Vec<Problem>> {
    let is_same = match (read_bytes(path)?, before) {
        (Some(now), Some(before)) => now == before,
        (Some(now), None) => now.iter().all(u8::is_ascii_whitespace),
        (None, before) => before.is_none(),
    };
    if is_same {
        return Ok(());
    }
    let message = format!("`{}` was changed by somebody else meanwhile", path.display());
    let problem = Problem::new("changed-meanwhile", Class::Unavailable, message);
    Err(vec![problem.with_hint("nothing was written; run the command again")])
}

/// The bytes of a file that people have; `None` when it is not there.
pub(crate) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, Vec<Problem>> {
    let failed = |error: &std::io::Error| {
        let message = format!("cannot read `{}`", path.display());
        let problem = Problem::new("file-unreadable", Class::Usage, message);
        vec![problem.with_detail(error.to_string())]
    };
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| failed(&error))?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_LOCK + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MAX_LOCK {
        return Err(failed(&std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(bytes))
}

impl Existing {
    /// The pins that are kept: all of them, but for those that may move.
    pub(crate) fn pins(&self, upgrade: &UpgradeArgs) -> Result<Vec<OldPin>, Vec<Problem>> {
        let names = names(&upgrade.upgrade_package)?;
        if upgrade.upgrade {
            return Ok(Vec::new());
        }
        let stay = self.document.packages.iter().filter(|one| !names.contains(&one.project));
        let pin = |package: &document::LockPackage| {
            // A marker that is none of the standard's says nothing about where a pin stood.
            let marker = package.marker.as_deref().and_then(|text| Marker::parse(text).ok());
            let (project, version) = (package.project.clone(), package.version.clone()?);
            Some(OldPin { project, version, marker })
        };
        Ok(stay.filter_map(pin).collect())
    }

    /// What it says of the files of a release, with the files' names where the format has them.
    pub(crate) fn digests(
        &self,
        project: &ProjectName,
        version: &Version,
    ) -> Vec<(Option<&str>, Digest)> {
        let of_release = |package: &&document::LockPackage| {
            package.project == *project && package.version.as_ref() == Some(version)
        };
        let files = self.document.packages.iter().filter(of_release).flat_map(|one| &one.files);
        files
            .flat_map(|file| {
                file.digests.iter().map(|digest| (file.name.as_deref(), digest.clone()))
            })
            .collect()
    }
}

/// Names of projects from the command line.
pub(crate) fn names(texts: &[String]) -> Result<BTreeSet<ProjectName>, Vec<Problem>> {
    let (mut names, mut problems) = (BTreeSet::new(), Vec::new());
    for text in texts {
        match ProjectName::parse(text) {
            Ok(name) => {
                names.insert(name);
            }
            Err(error) => {
                let message = format!("`{text}`: {error}");
                problems.push(Problem::new("bad-name", Class::Usage, message));
            }
        }
    }
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}
