//! Locks as they were at a git revision.

use std::path::{Path, PathBuf};

use countermark_client::records::file_at;
use countermark_client::report::Problem;
use countermark_lock::gate::{self, Baseline};
use countermark_packaging::lock::document::{LockDocument, parse};
use countermark_trust::Class;

use super::BASELINE;
use super::locks::{MAX_LOCK, shown};

/// The lock as it was; none where it was not there.
pub(super) fn lock(revision: &str, path: &Path) -> Result<Option<LockDocument>, Vec<Problem>> {
    let Some(bytes) = read(revision, path, MAX_LOCK)? else { return Ok(None) };
    let name = format!("{revision}:{}", shown(path));
    let document = parse(&name, &bytes)
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    Ok(Some(document))
}

/// The list of what is let pass as it was; none where there was none.
pub(super) fn baseline(revision: &str, folder: &Path) -> Result<Option<Baseline>, Vec<Problem>> {
    let path = folder.join(BASELINE);
    if !path.exists() {
        return Ok(None);
    }
    let Some(bytes) = read(revision, &path, gate::MAXIMUM_SIZE as u64)? else { return Ok(None) };
    // A list that could not be read then says nothing now.
    Ok(Baseline::parse(&format!("{revision}:{BASELINE}"), &bytes).ok())
}

/// The bytes of a file as it was; none where it was not there.
pub(crate) fn read(
    revision: &str,
    path: &Path,
    limit: u64,
) -> Result<Option<Vec<u8>>, Vec<Problem>> {
    let (top, below) = within(path)?;
    at(&top, revision, &below, limit)
}

/// The same of a file below the folder of another one, which is there while its own folder may be gone.
pub(crate) fn read_below(
    revision: &str,
    path: &Path,
    below: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, Vec<Problem>> {
    let (top, own) = within(path)?;
    let below = match own.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{below}"),
        None => below.to_owned(),
    };
    at(&top, revision, &below, limit)
}

fn at(
    top: &Path,
    revision: &str,
    below: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, Vec<Problem>> {
    file_at(top, revision, below, limit).map_err(|error| {
        let problem = Problem::of("revision", Class::Usage, &error);
        vec![
            problem.with_hint(
                "a shallow clone has no past: fetch the revision, or give `--base FILE`",
            ),
        ]
    })
}

/// The top of the repository of a file, and the file's path in it.
fn within(path: &Path) -> Result<(PathBuf, String), Vec<Problem>> {
    let refused = |reason: &str| {
        let message = format!("`{}` has no past: {reason}", path.display());
        vec![Problem::new("revision", Class::Usage, message)]
    };
    let name = path.file_name().ok_or_else(|| refused("it names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| refused(&error.to_string()))?;
    let top = folder.ancestors().find(|folder| folder.join(".git").exists());
    let top = top.ok_or_else(|| refused("it is in no git repository"))?;
    let below = folder.strip_prefix(top).unwrap_or(&folder).join(name);
    let below = below.to_str().ok_or_else(|| refused("its path is not UTF-8"))?;
    Ok((top.to_owned(), below.to_owned()))
}
