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

/// A new file that only this user can read, for secrets; one that is there is never opened. Folders on the
/// way are made, and are this user's alone.
///
/// # Errors
/// When something is there, or the file system says no.
pub fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    use unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Whether nobody but the owner of a file can read or change it.
#[must_use]
pub fn is_private(metadata: &std::fs::Metadata) -> bool {
    unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 == 0
}

/// Writes a file of the user beside its place and renames it, so that nobody ever sees half of it.
/// One that is there keeps its mode; a new one can be read by everybody. See [`Replacement`].
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
///
/// A link keeps leading where it led: the file behind it is replaced. What is no file (`/dev/stdout`, a
/// pipe) is written to and never replaced.
#[derive(Debug)]
pub struct Replacement {
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Beside { file: tempfile::NamedTempFile, path: PathBuf },
    Through(std::fs::File),
}

impl Replacement {
    /// Begins beside the place.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        let path = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(std::io::ErrorKind::IsADirectory.into());
            }
            Ok(metadata) if !metadata.is_file() => {
                let file = std::fs::OpenOptions::new().write(true).open(path)?;
                return Ok(Self { writer: Writer::Through(file) });
            }
            Ok(_) => std::fs::canonicalize(path)?,
            Err(_) => path.to_owned(),
        };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .prefix(".countermark-")
            .tempfile_in(parent.unwrap_or(Path::new(".")))?;
        Ok(Self { writer: Writer::Beside { file, path } })
    }

    /// Puts it in its place, with the mode of the file that is there.
    ///
    /// # Errors
    /// When the file system says no; what was there is still there.
    pub fn finish(self) -> std::io::Result<()> {
        let Writer::Beside { file, path } = self.writer else { return Ok(()) };
        let mode = std::fs::metadata(&path).map(|metadata| metadata.permissions());
        let default = unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode.unwrap_or(default))?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.writer {
            Writer::Beside { file, .. } => file.write(bytes),
            Writer::Through(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.writer {
            Writer::Beside { file, .. } => file.flush(),
            Writer::Through(file) => file.flush(),
        }
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
    fn what_is_no_file_is_written_to_and_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        super::replace_file(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(!pipe.metadata().unwrap().is_file());
        assert!(super::replace_file(folder.path(), b"").is_err());
    }

    #[test]
    fn a_link_leads_where_it_led() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        super::replace_file(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
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
