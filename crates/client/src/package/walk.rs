//! Everything below a folder, links not followed.

use std::fs;
use std::path::{Path, PathBuf};

/// Files and links below a folder, in no order; what cannot be read is left out.
pub(crate) fn walk_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(items) = fs::read_dir(&next) else { continue };
        for item in items.filter_map(Result::ok) {
            match item.file_type() {
                Ok(kind) if kind.is_dir() => open.push(item.path()),
                Ok(_) => files.push(item.path()),
                Err(_) => {}
            }
        }
    }
    files
}
