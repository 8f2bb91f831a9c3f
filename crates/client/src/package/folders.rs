//! Walking to a file below a root without ever following a link.

use crate::system::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::system::fs::{Mode, OFlags};
use crate::system::io::Errno;

/// Open folders from the root to where the last file went. Paths mostly come sorted, so the next
/// file is mostly in the same folder, and a path is walked once.
#[derive(Debug)]
pub(crate) struct Folders<'a> {
    root: BorrowedFd<'a>,
    open: Vec<(String, OwnedFd)>,
    make: bool,
}

impl<'a> Folders<'a> {
    /// Makes folders that are not there.
    pub(crate) fn making(root: BorrowedFd<'a>) -> Self {
        Self { root, open: Vec::new(), make: true }
    }

    /// Only goes where there are folders.
    pub(crate) fn existing(root: BorrowedFd<'a>) -> Self {
        Self { root, open: Vec::new(), make: false }
    }

    /// The folder that a path lies in, and its last component. The path is relative to the root,
    /// with `/` between components.
    ///
    /// # Errors
    /// `ENOTDIR` or `ELOOP` where a component is a file or a link, `EINVAL` for `..`, and whatever
    /// the file system says.
    pub(crate) fn of<'p>(&mut self, path: &'p str) -> Result<(BorrowedFd<'_>, &'p str), Errno> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "" | "." | "..") {
            return Err(Errno::INVAL);
        }
        let mut depth = 0;
        for component in folder.split('/').filter(|part| !part.is_empty()) {
            if self.open.get(depth).is_none_or(|(open, _)| open != component) {
                self.open.truncate(depth);
                let parent = self.open.last().map_or(self.root, |(_, folder)| folder.as_fd());
                let opened = open_component(parent, component, self.make)?;
                self.open.push((component.to_owned(), opened));
            }
            depth += 1;
        }
        self.open.truncate(depth);
        Ok((self.open.last().map_or(self.root, |(_, folder)| folder.as_fd()), name))
    }

    /// Forgets what is open, after folders were renamed.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }
}

fn open_component(parent: BorrowedFd<'_>, name: &str, make: bool) -> Result<OwnedFd, Errno> {
    if matches!(name, "." | "..") {
        return Err(Errno::INVAL);
    }
    if make {
        match crate::system::fs::mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    crate::system::fs::openat(parent, name, flags, Mode::empty())
}
