//! The members of a workspace: folders that patterns name, and a project in each.

use countermark_packaging::lock::{Place, codes};

use super::pattern::{joined, matches};
use super::workspace::{Project, Projects};
use super::{error, unloaded};

/// The most folders that a pattern may match.
const MAXIMUM_FOLDERS: usize = 20_000;

/// How deep a pattern looks below the folder where it begins.
const MAXIMUM_DEPTH: usize = 8;

impl Projects<'_> {
    /// The folders of the workspace's members, each with the place that names it.
    pub(super) fn members(&mut self, root: usize) -> Vec<(String, Place)> {
        let Project { folder: root_folder, said } = &self.projects[root];
        let Some(workspace) = &said.uv.workspace else { return Vec::new() };
        let root_folder = root_folder.clone();
        let patterns = workspace.members.clone();
        let exclude = workspace.exclude.clone();
        let mut found = Vec::new();
        for (pattern, place) in patterns {
            let pattern = joined(&root_folder, &pattern);
            let parts: Vec<&str> = pattern.split('/').collect();
            let fixed = parts.iter().take_while(|part| !part.contains(['*', '?'])).count();
            if fixed == parts.len() {
                found.push((pattern, place));
                continue;
            }
            let mut folders = Vec::new();
            self.list(&parts[..fixed].join("/"), &parts, 0, &mut folders, &place);
            folders.sort_unstable();
            for folder in folders {
                // As in uv, a folder without a project that only a pattern names is none.
                let file = joined(&folder, "pyproject.toml");
                if matches!(self.files.read(&file), Ok(None)) {
                    continue;
                }
                found.push((folder, place.clone()));
            }
        }
        found.retain(|(folder, _)| {
            let parts: Vec<&str> = folder.split('/').collect();
            !exclude.iter().any(|pattern| {
                let pattern = joined(&root_folder, pattern);
                matches(&pattern.split('/').collect::<Vec<_>>(), &parts)
            })
        });
        found
    }

    fn list(
        &mut self,
        folder: &str,
        pattern: &[&str],
        depth: usize,
        found: &mut Vec<String>,
        place: &Place,
    ) {
        let names = match self.files.folders(folder) {
            Ok(names) => names,
            Err(refused) => return self.errors.push(unloaded(refused, place.clone())),
        };
        for name in names {
            let path = joined(folder, &name);
            if found.len() == MAXIMUM_FOLDERS {
                let message = format!("the pattern matches more than {MAXIMUM_FOLDERS} folders");
                return self.errors.push(error(codes::TOO_LARGE, message, place.clone()));
            }
            let parts: Vec<&str> = path.split('/').collect();
            if matches(pattern, &parts) {
                found.push(path.clone());
            }
            let deeper = pattern.contains(&"**") || parts.len() < pattern.len();
            if deeper && depth + 1 < MAXIMUM_DEPTH && !name.starts_with('.') {
                self.list(&path, pattern, depth + 1, found, place);
            }
        }
    }
}
