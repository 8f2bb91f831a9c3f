//! The files of one installed package against its proved tree.

use crate::system::fd::AsFd as _;
use std::fs::File;
use std::io;

use crate::system::fs::{AtFlags, Mode as Permissions, OFlags};
use crate::system::io::Errno;
use countermark_packaging::record::parse_record;
use countermark_trust::tree::Mode;

use super::finding::{Finding, Kind};
use super::folders::Folders;
use super::generated::{Additions, Asked, Launching, generate};
use super::placement::{Placement, join};
use crate::store::{Check, Entry, FileSeal};

/// RECORD is the largest file that is read whole.
const MAX_GENERATED: u64 = 64 << 20;

/// Where a package lies and what it was asked for as.
#[derive(Debug)]
pub struct Installation<'a> {
    /// Where files go.
    pub placement: &'a Placement,
    /// The folder of each scheme below the root.
    pub folders: &'a [String; 5],
    /// For launchers.
    pub launching: &'a Launching<'a>,
    /// For what says where it came from.
    pub asked: &'a Asked,
}

/// Everything that is not as it was installed: files of the wheel first, then generated ones.
/// With [`Check::Auto`] a file that still is the sealed one in the store is not read.
///
/// # Errors
/// When the root of the environment cannot be opened.
pub fn check_files(
    entry: &Entry,
    installation: &Installation<'_>,
    check: Check,
) -> io::Result<Vec<Finding>> {
    let root = &installation.placement.root;
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = crate::system::fs::open(root, flags, Permissions::empty())?;
    let mut folders = Folders::existing(root.as_fd());
    let project = &entry.facts.project;
    let additions = match generate(
        entry,
        installation.placement,
        installation.folders,
        installation.launching,
        installation.asked,
        &[],
    ) {
        Ok(additions) => additions,
        Err(error) => {
            return Ok(vec![Finding::about(project, Kind::Changed, "", error.to_string())]);
        }
    };
    let mut findings = Vec::new();
    for (position, file) in entry.tree.files().iter().enumerate() {
        if file.mode == Mode::Script || additions.replaced.contains(&position) {
            continue;
        }
        let scheme = file.scheme.index();
        let path = join(&installation.folders[scheme], &file.path);
        let seal = entry.files.get(position).filter(|_| check == Check::Auto);
        let executable = match file.mode {
            Mode::Executable => true,
            Mode::Plain | Mode::Script => false,
        };
        let expected = Expected { seal, size: file.size, blake3: file.blake3, executable };
        if let Some((kind, detail)) = look(&mut folders, &path, &expected) {
            findings.push(Finding::about(project, kind, &path, detail));
        }
    }
    check_generated(&mut folders, &additions, project, &mut findings);
    Ok(findings)
}

struct Expected<'a> {
    seal: Option<&'a FileSeal>,
    size: u64,
    blake3: [u8; 32],
    executable: bool,
}

/// What is wrong with one file, if anything.
fn look(folders: &mut Folders<'_>, path: &str, expected: &Expected<'_>) -> Option<(Kind, String)> {
    let (folder, name) = match folders.of(path) {
        Ok(found) => found,
        Err(errno) => return Some(describe(errno)),
    };
    let stat = match crate::system::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => FileSeal::of(&stat),
        Err(errno) => return Some(describe(errno)),
    };
    if expected.seal == Some(&stat) {
        return None;
    }
    if stat.mode & 0o170_000 != 0o100_000 {
        return Some((Kind::Changed, "it is not a regular file any more".to_owned()));
    }
    if stat.size != expected.size {
        let detail = format!("expected {} bytes, found {}", expected.size, stat.size);
        return Some((Kind::Changed, detail));
    }
    if (stat.mode & 0o100 != 0) != expected.executable || stat.mode & 0o7000 != 0 {
        return Some((Kind::Changed, format!("its mode is {:o}", stat.mode & 0o7777)));
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match crate::system::fs::openat(folder, name, flags, Permissions::empty()) {
        Ok(opened) => File::from(opened),
        Err(errno) => return Some(describe(errno)),
    };
    let mut hasher = blake3::Hasher::new();
    match crate::store::hash_file(&opened, |bytes| {
        hasher.update(bytes);
    }) {
        Ok(()) if *hasher.finalize().as_bytes() == expected.blake3 => None,
        Ok(()) => Some((Kind::Changed, "its bytes differ".to_owned())),
        Err(error) => Some((Kind::Unreadable, error.to_string())),
    }
}

fn describe(errno: Errno) -> (Kind, String) {
    match errno {
        Errno::NOENT => (Kind::Missing, "it is not there".to_owned()),
        Errno::NOTDIR | Errno::LOOP => {
            (Kind::Changed, "a folder in its path was replaced".to_owned())
        }
        other => (Kind::Unreadable, io::Error::from(other).to_string()),
    }
}

fn check_generated(
    folders: &mut Folders<'_>,
    additions: &Additions,
    project: &str,
    findings: &mut Vec<Finding>,
) {
    for file in &additions.files {
        let (found, mode) = match read(folders, &file.path) {
            Ok(found) => found,
            Err(errno) => {
                let (kind, detail) = describe(errno);
                findings.push(Finding::about(project, kind, &file.path, detail));
                continue;
            }
        };
        let same = if file.path.ends_with("/RECORD") {
            same_record(&found, &file.bytes)
        } else {
            found == file.bytes
        };
        if !same {
            let detail = "its bytes differ from what was generated".to_owned();
            findings.push(Finding::about(project, Kind::Changed, &file.path, detail));
        } else if (mode & 0o100 != 0) != file.executable || mode & 0o7000 != 0 {
            let detail = format!("its mode is {:o}", mode & 0o7777);
            findings.push(Finding::about(project, Kind::Changed, &file.path, detail));
        }
    }
}

/// The bytes and the mode of a file.
fn read(folders: &mut Folders<'_>, path: &str) -> Result<(Vec<u8>, u32), Errno> {
    use std::io::Read as _;
    let (folder, name) = folders.of(path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(crate::system::fs::openat(folder, name, flags, Permissions::empty())?);
    let mode = crate::system::fs::fstat(&file)?.st_mode;
    let mut bytes = Vec::new();
    file.take(MAX_GENERATED)
        .read_to_end(&mut bytes)
        .map_err(|error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))?;
    Ok((bytes, mode))
}

/// The same rows, apart from those of compiled files, which depend on what was asked for.
fn same_record(found: &[u8], expected: &[u8]) -> bool {
    let rows = |bytes: &[u8]| {
        let mut rows = parse_record(bytes).ok()?;
        rows.retain(|row| !(row.path.ends_with(".pyc") && row.digest.is_none()));
        rows.sort_by(|left, right| left.path.cmp(&right.path));
        Some(rows)
    };
    found == expected || rows(found).is_some_and(|found| Some(found) == rows(expected))
}

/// Every path below the root that the package owns, for telling what belongs to nobody.
#[must_use]
pub fn owned_paths(entry: &Entry, installation: &Installation<'_>) -> Vec<String> {
    let additions = generate(
        entry,
        installation.placement,
        installation.folders,
        installation.launching,
        installation.asked,
        &[],
    );
    let files = entry.tree.files().iter().map(|file| {
        let scheme = file.scheme.index();
        join(&installation.folders[scheme], &file.path)
    });
    let generated = additions.unwrap_or_default().files.into_iter().map(|file| file.path);
    files.chain(generated).collect()
}
