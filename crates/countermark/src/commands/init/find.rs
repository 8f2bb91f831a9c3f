//! What a project has: inputs and locks. Nothing below hidden folders, environments and tests is
//! looked at; locks there are fixtures or somebody else's.

use std::fs;
use std::path::Path;

use countermark_client::report::Problem;
use countermark_lock::gate::Judged;
use countermark_packaging::lock::document::{LockFormat, LockPackage};
use countermark_trust::Class;

use super::read_all;

/// Folders below the project's that are looked into.
const MAX_DEPTH: usize = 2;

/// Names that are looked at, at most.
const MAX_NAMES: usize = 20_000;

/// Folders whose locks are not the project's.
const LEFT_OUT: [&str; 9] =
    ["build", "dist", "env", "fixtures", "node_modules", "test", "testdata", "tests", "venv"];

/// What is there.
pub(super) struct Found {
    /// Files that people write.
    pub(super) inputs: Vec<String>,
    /// Locks, read.
    pub(super) judged: Vec<Judged>,
}

/// Looks at the working folder.
pub(super) fn find() -> Result<Found, Vec<Problem>> {
    let mut names = Vec::new();
    walk(Path::new(""), 0, &mut names)?;
    names.sort();
    let mut inputs: Vec<String> =
        names.iter().filter(|name| is_input(file_name(name))).cloned().collect();
    let candidates: Vec<String> =
        names.iter().filter(|name| is_lock(file_name(name))).cloned().collect();
    let mut judged = read_all(&candidates)?;
    // A requirements file without a single pin is what somebody wants, not a lock.
    judged.retain(|one| {
        let is_lock =
            one.lock.format != LockFormat::Requirements || one.lock.packages.iter().any(is_pinned);
        if !is_lock {
            inputs.push(one.lock.file.clone());
        }
        is_lock
    });
    Ok(Found { inputs, judged })
}

fn is_pinned(package: &LockPackage) -> bool {
    package.version.is_some() || package.files.iter().any(|file| !file.digests.is_empty())
}

fn walk(folder: &Path, depth: usize, names: &mut Vec<String>) -> Result<(), Vec<Problem>> {
    let at = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let failed = |error: std::io::Error| {
        let message = format!("cannot read `{}`: {error}", at.display());
        vec![Problem::new("file-unreadable", Class::Unavailable, message)]
    };
    for entry in fs::read_dir(at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = folder.join(name);
        if kind.is_dir() {
            let is_environment = path.join("pyvenv.cfg").exists();
            if depth < MAX_DEPTH && !LEFT_OUT.contains(&name) && !is_environment {
                walk(&path, depth + 1, names)?;
            }
        } else if kind.is_file() && (is_input(name) || is_lock(name)) {
            names.extend(path.to_str().map(str::to_owned));
            if names.len() > MAX_NAMES {
                let message = format!("there are more than {MAX_NAMES} locks and inputs");
                return Err(vec![Problem::new("too-many-locks", Class::Usage, message)]);
            }
        }
    }
    Ok(())
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_input(name: &str) -> bool {
    matches!(name, "pyproject.toml" | "Pipfile")
        || name.starts_with("requirements") && name.ends_with(".in")
}

fn is_lock(name: &str) -> bool {
    matches!(name, "uv.lock" | "poetry.lock" | "pdm.lock" | "Pipfile.lock" | "pylock.toml")
        || name.starts_with("pylock.") && name.ends_with(".toml")
        || name.ends_with("conda-lock.yml")
        || name.starts_with("requirements") && name.ends_with(".txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["uv.lock", "pylock.dev.toml", "requirements-dev.txt", "conda-lock.yml"] {
            assert!(is_lock(name) && !is_input(name), "{name}");
        }
        for name in ["pyproject.toml", "requirements.in", "requirements-dev.in"] {
            assert!(is_input(name) && !is_lock(name), "{name}");
        }
        for name in ["Cargo.lock", "notes.txt", "yarn.lock", "pylocktoml"] {
            assert!(!is_input(name) && !is_lock(name), "{name}");
        }
    }
}
