//! The one place where the platform is named.
//!
//! What the store and the installer need beyond the standard library's portable part comes from
//! here: calls on descriptors (`linkat`, `renameat2`, `openat` without following links, `flock`,
//! `fsync`), modes and owners of files, and who we are. Linux is what is tested; a port gives these
//! names another body. A test reads the sources, so that no other module names the platform.

pub(crate) use rustix::{fs, io, process, system};
pub(crate) use std::os::{fd, unix};

use std::io::Write;
use std::path::{Path, PathBuf};

/// The columns of the terminal that standard output is; `None` when it is none, or does not say.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Writes a file of the user beside its place and renames it, so that nobody ever sees half of it.
/// One that is there keeps its mode; a new one can be read by everybody.
///
/// # Errors
/// When the file system says no; what was there is still there.
pub fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut replacement = Replacement::new(path)?;
    replacement.write_all(bytes)?;
    replacement.finish()
}

/// A file of the user that is written piece by piece and takes its place when it is finished; one
/// that is dropped before leaves what was there.
#[derive(Debug)]
pub struct Replacement {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Replacement {
    /// Begins beside the place.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .prefix(".countermark-")
            .tempfile_in(parent.unwrap_or(Path::new(".")))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Puts it in its place, with the mode of the file that is there.
    ///
    /// # Errors
    /// When the file system says no; what was there is still there.
    pub fn finish(self) -> std::io::Result<()> {
        let mode = std::fs::metadata(&self.path).map(|metadata| metadata.permissions());
        let default = unix::fs::PermissionsExt::from_mode(0o644);
        self.file.as_file().set_permissions(mode.unwrap_or(default))?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }

    #[test]
    fn no_other_module_names_the_platform() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        assert!(files.len() > 50);
        for file in files.iter().filter(|file| !file.ends_with("system.rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            for name in [concat!("rus", "tix::"), concat!("std::", "os::")] {
                assert!(!text.contains(name), "{} names {name}", file.display());
            }
        }
    }
}
