//! Finds repositories and locks below a folder. Links are not followed, and environments, which hold
//! other people's files, are not entered.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{Reading, TreesError, is_candidate};
use crate::records::git;

/// Most files and folders that are looked at.
const MAXIMUM_ITEMS: usize = 5_000_000;

/// How deep folders are entered.
const MAXIMUM_DEPTH: usize = 40;

/// Most locks of one tree.
const MAXIMUM_LOCKS: usize = 50_000;

/// A repository, or what lies outside of any.
pub(super) struct Tree {
    /// What it is called.
    pub(super) name: String,
    /// The top of the repository; none for a folder that is none.
    pub(super) repository: Option<PathBuf>,
    /// What may be locks.
    pub(super) files: Vec<Candidate>,
}

/// A file that may be a lock.
pub(super) struct Candidate {
    /// From the top of its tree, with `/`.
    pub(super) path: String,
    /// Where it is.
    pub(super) at: PathBuf,
}

struct Walk<'a> {
    reading: &'a Reading<'a>,
    trees: Vec<Tree>,
    items: usize,
    notes: &'a mut Vec<String>,
}

/// Every tree below a path, the path's own first.
pub(super) fn trees(
    path: &Path,
    name: &str,
    reading: &Reading<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Tree>, TreesError> {
    let folder = |reason: String| TreesError::Folder { path: path.display().to_string(), reason };
    let metadata = fs::metadata(path).map_err(|error| folder(error.to_string()))?;
    if metadata.is_file() {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let candidate = Candidate { path: file.unwrap_or_default(), at: path.to_owned() };
        return Ok(vec![Tree { name: name.to_owned(), repository: None, files: vec![candidate] }]);
    }
    let mut walk = Walk { reading, trees: Vec::new(), items: 0, notes };
    let tree = walk.open(path, name.to_owned());
    let entries = fs::read_dir(path).map_err(|error| folder(error.to_string()))?;
    walk.enter(entries, tree, "", name, 0)?;
    walk.trees.retain(|tree| tree.repository.is_some() || !tree.files.is_empty());
    Ok(walk.trees)
}

impl Walk<'_> {
    fn open(&mut self, path: &Path, name: String) -> usize {
        let repository = git::is_repository(path).then(|| path.to_owned());
        self.trees.push(Tree { name, repository, files: Vec::new() });
        self.trees.len() - 1
    }

    /// `tree` is the tree that the folder is part of, `below` its path there, `name` its path from the
    /// folder that was given.
    fn enter(
        &mut self,
        entries: fs::ReadDir,
        tree: usize,
        below: &str,
        name: &str,
        depth: usize,
    ) -> Result<(), TreesError> {
        let mut items: Vec<fs::DirEntry> = entries.filter_map(Result::ok).collect();
        items.sort_by_key(fs::DirEntry::file_name);
        for item in items {
            self.items += 1;
            if self.items > MAXIMUM_ITEMS {
                self.note(format!("more than {MAXIMUM_ITEMS} files are not looked at"));
                return Ok(());
            }
            if self.items.is_multiple_of(4096) && self.reading.is_stopped() {
                return Err(TreesError::Stopped);
            }
            let (Ok(kind), Ok(file)) = (item.file_type(), item.file_name().into_string()) else {
                continue;
            };
            let path = format!("{below}{file}");
            if kind.is_file() && is_candidate(&file) {
                if self.trees[tree].files.len() == MAXIMUM_LOCKS {
                    let name = &self.trees[tree].name;
                    let note = format!("more than {MAXIMUM_LOCKS} locks of {name} are not read");
                    self.note(note);
                    return Ok(());
                }
                self.trees[tree].files.push(Candidate { path, at: item.path() });
            } else if kind.is_dir() && !is_left_out(&item.path(), &file) {
                if depth == MAXIMUM_DEPTH {
                    self.note(format!("folders deeper than {MAXIMUM_DEPTH} are not entered"));
                    continue;
                }
                self.enter_folder(&item.path(), tree, (&path, &file), name, depth)?;
            }
        }
        Ok(())
    }

    fn enter_folder(
        &mut self,
        folder: &Path,
        tree: usize,
        (below, file): (&str, &str),
        name: &str,
        depth: usize,
    ) -> Result<(), TreesError> {
        // A folder that cannot be listed is somebody else's.
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let name = format!("{name}/{file}");
        if git::is_repository(folder) {
            let own = self.open(folder, name.clone());
            if git::is_bare(folder) {
                return Ok(());
            }
            return self.enter(entries, own, "", &name, depth + 1);
        }
        self.enter(entries, tree, &format!("{below}/"), &name, depth + 1)
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// What git keeps, and what installers put there.
fn is_left_out(path: &Path, file: &str) -> bool {
    matches!(file, ".git" | "node_modules") || path.join("pyvenv.cfg").is_file()
}

/// The bytes of a file of bounded length.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("more than {limit} bytes are not read"));
    }
    Ok(bytes)
}
