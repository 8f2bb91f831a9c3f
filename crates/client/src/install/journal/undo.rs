//! Taking steps back, past whatever others did to the environment meanwhile.

use crate::system::fd::{AsFd as _, BorrowedFd};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::system::fs::{AtFlags, FileType, Mode, OFlags};
use crate::system::io::Errno;

use super::super::steps::is_compiled;
use super::{Journal, Places, Step, durable, exists, rename_new};
use crate::package::folders::Folders;

/// What a file is called that is moved aside.
const STRAY: &str = ".countermark-stray";

/// More strays of one name than anybody makes.
const MAX_STRAYS: u32 = 1000;

/// Takes back what was taken, last step first. Each step says by what is where whether it was
/// taken: an `In` that was not still has its source in the stage, an `Out` that was has `old/<n>`.
/// What others put in the place of a file that comes back is moved beside it, and added to
/// `strays`.
pub(super) fn undo(root: &Path, journal: &Journal, strays: &mut Vec<String>) -> io::Result<()> {
    let places = Places::open(root)?;
    // All that goes out does so before anything comes in.
    let went: BTreeMap<&str, usize> = journal
        .steps
        .iter()
        .enumerate()
        .filter_map(|(number, step)| match step {
            Step::Out(path) => Some((path.as_str(), number)),
            Step::In(_) => None,
        })
        .collect();
    for (number, step) in journal.steps.iter().enumerate().rev() {
        match step {
            Step::In(path) => {
                // Is what is there now what never went out?
                if let Some(number) = went.get(path.as_str())
                    && !exists(places.old.as_fd(), &number.to_string())?
                {
                    continue;
                }
                take_in_back(&places, path)?;
            }
            Step::Out(path) => {
                let backup = number.to_string();
                if exists(places.old.as_fd(), &backup)? {
                    strays.extend(restore(&places, &backup, path)?);
                }
            }
        }
    }
    durable::write_changed(&places, &journal.steps)?;
    Ok(())
}

/// What others wrote into a folder goes with it.
fn take_in_back(places: &Places, path: &str) -> Result<(), Errno> {
    let mut stage = Folders::making(places.stage.as_fd());
    let (to, name) = stage.of(path)?;
    if exists(to, name)? {
        return Ok(());
    }
    let mut target = Folders::existing(places.root.as_fd());
    let renamed = target
        .of(path)
        .and_then(|(folder, name)| crate::system::fs::renameat(folder, name, to, name));
    match renamed {
        // Somebody removed it: it is not there, as before the change.
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Puts a file back, and gives the path of what was moved aside for it.
fn restore(places: &Places, backup: &str, path: &str) -> io::Result<Option<String>> {
    let mut target = Folders::making(places.root.as_fd());
    let (folder, name) = target.of(path)?;
    let old = places.old.as_fd();
    match rename_new(old, backup, folder, name) {
        Err(Errno::EXIST) => {}
        other => return Ok(other.map(|()| None)?),
    }
    let both_files = is_file(old, backup)? && is_file(folder, name)?;
    if both_files && (is_compiled(path) || is_same(open(old, backup)?, open(folder, name)?)?) {
        crate::system::fs::renameat(old, backup, folder, name)?;
        return Ok(None);
    }
    let stray = move_aside(folder, name)?;
    rename_new(old, backup, folder, name)?;
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    Ok(Some(crate::package::placement::join(parent, &stray)))
}

/// Gives the new name. It is none that Python would run or import.
fn move_aside(folder: BorrowedFd<'_>, name: &str) -> Result<String, Errno> {
    // File names have at most 255 bytes.
    let mut end = name.len().min(200);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let stem = &name[..end];
    for number in 1..=MAX_STRAYS {
        let stray = match number {
            1 => format!("{stem}{STRAY}"),
            _ => format!("{stem}{STRAY}-{number}"),
        };
        match rename_new(folder, name, folder, &stray) {
            Err(Errno::EXIST) => {}
            other => return other.map(|()| stray),
        }
    }
    Err(Errno::EXIST)
}

fn is_file(folder: BorrowedFd<'_>, name: &str) -> Result<bool, Errno> {
    let found = crate::system::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
}

fn open(folder: BorrowedFd<'_>, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    crate::system::fs::openat(folder, name, flags, Mode::empty()).map(File::from)
}

fn is_same(one: File, other: File) -> io::Result<bool> {
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one).bytes(), BufReader::new(other).bytes());
    loop {
        match (one.next().transpose()?, other.next().transpose()?) {
            (None, None) => return Ok(true),
            (a, b) if a != b => return Ok(false),
            _ => {}
        }
    }
}
