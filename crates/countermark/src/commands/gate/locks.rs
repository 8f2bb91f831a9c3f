//! Reads locks of any format.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use countermark_client::report::Problem;
use countermark_packaging::lock::document::{Include, LockDocument, parse};
use countermark_trust::Class;

/// Longest lock, in bytes.
pub(crate) const MAX_LOCK: u64 = 128 << 20;

/// Reads a lock; what it is called is its path as people in the working folder write it.
pub(crate) fn read(path: &Path) -> Result<LockDocument, Vec<Problem>> {
    let bytes = read_file(path, MAX_LOCK)?;
    parse(&shown(path), &bytes).map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// A lock of the same format without entries: what stood where nothing stood.
pub(crate) fn empty_like(lock: &LockDocument) -> LockDocument {
    LockDocument {
        packages: Vec::new(),
        includes: Vec::new(),
        indexes: lock.indexes.clone(),
        notes: Vec::new(),
        ..lock.clone()
    }
}

/// The files that a lock takes in, by the paths under which they are found.
///
/// # Errors
/// When one is at a URL: it may be another one tomorrow, and what would be judged is not what is
/// installed.
pub(crate) fn included(lock: &LockDocument, path: &Path) -> Result<Vec<PathBuf>, Vec<Problem>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for Include { location, place } in &lock.includes {
        if location.contains("://") || location.contains("${") {
            let message = format!("{place}: `{location}` is no file of the project");
            let problem = Problem::new("include-elsewhere", Class::Usage, message);
            problems.push(problem.with_hint("take a copy of it into the project"));
            continue;
        }
        found.push(plain(&folder.join(location.strip_prefix("file:").unwrap_or(location))));
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// `a/c` for `a/b/../c`, so that a file has one name.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
            {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The bytes of a file of bounded length.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Vec<Problem>> {
    let failed = |reason: String| {
        let message = format!("cannot read `{}`: {reason}", path.display());
        vec![Problem::new("file-unreadable", Class::Usage, message)]
    };
    let file = fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(failed(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// `uv.lock` for `./uv.lock` and for its absolute path: findings keep their names whichever way the
/// lock is given.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let path = below.unwrap_or_else(|| path.to_owned());
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.collect::<PathBuf>().display().to_string()
}
