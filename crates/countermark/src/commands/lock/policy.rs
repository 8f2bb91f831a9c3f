//! Finds the policy: of the command line, or of the folder or one above it.

use std::path::{Path, PathBuf};

use countermark_client::report::Problem;
use countermark_trust::Class;
use countermark_trust::policy::{Policy, Section};

use super::existing::read_bytes;

/// Folders that are looked at, the nearest first.
const MAX_PARENTS: usize = 32;

/// The policy that holds in a folder; the default one where nobody wrote any. As with settings, the
/// nearest `countermark.toml` or `pyproject.toml` with `[tool.countermark]` counts, up to the folder
/// that is under version control.
pub(crate) fn find(given: Option<&Path>, folder: &Path) -> Result<Policy, Vec<Problem>> {
    match read(given, folder)? {
        Some((path, bytes, section)) => parse(&path, &bytes, section),
        None => Ok(Policy::default()),
    }
}

/// The file in which the policy that holds in a folder stands, and its part; none where nobody wrote any.
pub(crate) fn place(
    given: Option<&Path>,
    folder: &Path,
) -> Result<Option<(PathBuf, Section)>, Vec<Problem>> {
    let found = read(given, folder)?;
    Ok(found.map(|(path, _, section)| (path, section)))
}

type Found = (PathBuf, Vec<u8>, Section);

fn read(given: Option<&Path>, folder: &Path) -> Result<Option<Found>, Vec<Problem>> {
    if let Some(path) = given {
        return match read_bytes(path)? {
            Some(bytes) => Ok(Some((path.to_owned(), bytes, section_of(path)))),
            None => {
                let message = format!("there is no `{}`", path.display());
                Err(vec![Problem::new("file-unreadable", Class::Usage, message)])
            }
        };
    }
    for folder in folders(folder) {
        let path = folder.join("countermark.toml");
        if let Some(bytes) = read_bytes(&path)? {
            return Ok(Some((shown(&path), bytes, Section::File)));
        }
        let path = folder.join("pyproject.toml");
        if let Some(bytes) = read_bytes(&path)?
            && has_our_table(&bytes)
        {
            return Ok(Some((shown(&path), bytes, Section::Pyproject)));
        }
    }
    Ok(None)
}

fn parse(path: &Path, bytes: &[u8], section: Section) -> Result<Policy, Vec<Problem>> {
    Policy::parse(&path.display().to_string(), bytes, section)
        .map_err(|errors| errors.iter().map(Problem::from).collect())
}

fn section_of(path: &Path) -> Section {
    let is_pyproject = path.file_name().is_some_and(|name| name == "pyproject.toml");
    if is_pyproject { Section::Pyproject } else { Section::File }
}

/// Whether a `pyproject.toml` says anything to us. One that is broken is somebody else's to refuse.
fn has_our_table(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(document) = text.parse::<toml::Table>() else { return false };
    document.get("tool").and_then(|tools| tools.get("countermark")).is_some()
}

/// The folder of the whole project: the one that is under version control, or the folder itself.
pub(crate) fn root(folder: &Path) -> PathBuf {
    let root = folders(folder).pop().unwrap_or_else(|| folder.to_owned());
    root.canonicalize().unwrap_or(root)
}

/// From the folder upwards to the one that is under version control, or only the folder.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let near: Vec<&Path> = folder.ancestors().take(MAX_PARENTS).collect();
    let is_root = |folder: &&Path| [".git", ".hg"].iter().any(|name| folder.join(name).exists());
    let root = near.iter().position(is_root).unwrap_or(0);
    near[..=root].iter().map(|folder| (*folder).to_owned()).collect()
}

/// The path as a person in the working folder writes it.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative.unwrap_or_else(|| path.to_owned())
}
