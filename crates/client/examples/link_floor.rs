//! The least that an install can do: the folders of a finished environment, and a link for each of
//! its files. `bench/install.py` uses it to say how far an install is from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: link_floor FROM TO"));
    };
    let (mut files, mut links) = (Vec::new(), Vec::new());
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        fs::create_dir(to.join(&folder))?;
        let start = files.len();
        for item in fs::read_dir(from.join(&folder))? {
            let item = item?;
            let path = folder.join(item.file_name());
            match item.file_type()? {
                kind if kind.is_dir() => open.push(path),
                kind if kind.is_symlink() => links.push(path),
                _ => files.push(item.file_name()),
            }
        }
        link_folder(&from.join(&folder), &to.join(&folder), &files[start..])?;
    }
    for link in links {
        std::os::unix::fs::symlink(fs::read_link(from.join(&link))?, to.join(&link))?;
    }
    Ok(())
}

/// Links the files of one folder, from two threads when there are many.
fn link_folder(from: &Path, to: &Path, names: &[std::ffi::OsString]) -> io::Result<()> {
    let open = |path: &Path| -> io::Result<std::os::fd::OwnedFd> {
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?)
    };
    let (from, to) = (open(from)?, open(to)?);
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            rustix::fs::linkat(&from, name, &to, name, rustix::fs::AtFlags::empty())?;
        }
        Ok(())
    };
    if names.len() < 64 {
        return work();
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work().and(other.join().unwrap_or(Ok(())))
    })
}
