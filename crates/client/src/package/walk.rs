//! Everything below a folder, links not followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What lies below a folder, in no order.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Files, links and everything else that is not a folder.
    pub(crate) files: Vec<PathBuf>,
    /// What could not be looked at; there may be files below it.
    pub(crate) unreadable: Vec<(PathBuf, io::Error)>,
}

/// Files and links below a folder. What is not there, or not any more, has nothing below it.
pub(crate) fn walk_files(folder: &Path) -> Walked {
    let mut walked = Walked::default();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        if let Err(error) = read_folder(&next, &mut open, &mut walked)
            && error.kind() != io::ErrorKind::NotFound
        {
            walked.unreadable.push((next, error));
        }
    }
    walked
}

fn read_folder(folder: &Path, open: &mut Vec<PathBuf>, walked: &mut Walked) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        match item.file_type() {
            Ok(kind) if kind.is_dir() => open.push(item.path()),
            Ok(_) => walked.files.push(item.path()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => walked.unreadable.push((item.path(), error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::system::unix::ffi::OsStrExt as _;
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = OsStr::from_bytes(b"\xff.pth");
        let file = folder.path().join("below").join(name);
        fs::create_dir(folder.path().join("below")).expect("a folder");
        fs::write(&file, "").expect("a file");
        let walked = walk_files(folder.path());
        assert_eq!(walked.files, std::slice::from_ref(&file));
        assert!(walked.unreadable.is_empty());

        let absent = walk_files(&folder.path().join("absent"));
        assert!(absent.files.is_empty() && absent.unreadable.is_empty());

        // Even root cannot list a file.
        let walked = walk_files(&file);
        assert!(walked.files.is_empty());
        assert_eq!(walked.unreadable.len(), 1);
        assert_eq!(walked.unreadable[0].0, file);
    }
}
