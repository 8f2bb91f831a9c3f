//! What would be installed from a wheel, decided before a byte of it is written.

use countermark_packaging::digest::Digest;
use countermark_packaging::entry_points::EntryPoints;
use countermark_packaging::filename::WheelFilename;
use countermark_packaging::metadata::CoreMetadata;
use countermark_packaging::scheme::Scheme;
use countermark_packaging::tags::Tag;
use countermark_packaging::wheel::WheelMetadata;

use super::commands::Commands;
use super::contents::ContentsError;
use super::extract::{Unpacker, check_digest};
use super::path::Namespace;
use super::placement::{Roots, check_library_path, command_name, find_roots, place};
use super::record::{Recorded, check_record};
use super::zip::{Entry, read_archive};
use super::{Limits, UnpackError};

const EXECUTABLE: u32 = 0o111;
const PERMISSIONS: u32 = 0o777;
const FILE_TYPE: u32 = 0o170_000;
const TYPE_FILE: u32 = 0o100_000;

/// What a wheel consists of. Its structure, names, metadata and RECORD have been checked; the
/// contents of its files are while they are extracted.
#[derive(Debug)]
pub struct Plan {
    /// Every file but RECORD, which installers write anew. In the order of the archive.
    pub files: Vec<PlannedFile>,
    /// METADATA; its name and version are those of the file name.
    pub metadata: CoreMetadata,
    /// WHEEL.
    pub wheel: WheelMetadata,
    /// entry_points.txt, empty when there is none.
    pub entry_points: EntryPoints,
    /// The name of the folder, such as `foo-1.0.dist-info`, as the wheel spells it.
    pub dist_info: String,
    /// What is worth telling and no reason to refuse.
    pub notes: Vec<PlanNote>,
}

impl Plan {
    /// Bytes of all files, unpacked.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// A file that would be installed.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    /// The folder of the environment: that of the modules follows from Root-Is-Purelib, the
    /// others from the `.data` folder.
    pub scheme: Scheme,
    /// Inside that folder, `/` between components. Files under `headers` still need the folder
    /// of the project.
    pub path: String,
    /// Bytes, unpacked.
    pub size: u64,
    /// As pip decides it: a regular file with any executable bit. Commands also when the archive
    /// has no permissions at all, as those made on Windows.
    pub executable: bool,
    /// SHA-256 or stronger; `None` only for the signatures of RECORD.
    pub record_digest: Option<Digest>,
    pub(super) entry: Entry,
}

impl PlannedFile {
    /// The name in the archive.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.entry.name
    }
}

/// Something odd about a wheel that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanNote {
    /// WHEEL lists other tags than the file name. It is the file name that was pinned and chosen;
    /// large projects rename wheels after building them (torch, playwright).
    TagsDiffer {
        /// By WHEEL.
        wheel: Vec<String>,
    },
    /// The wheel is of a later minor version of the format than is known, which the
    /// specification allows to install.
    NewerFormat {
        /// Major and minor number.
        version: (u32, u32),
    },
}

pub(super) fn plan_with(
    unpacker: &mut Unpacker<'_, '_>,
    filename: &WheelFilename,
    limits: &Limits,
) -> Result<Plan, UnpackError> {
    let entries = read_archive(unpacker.window, limits)?;
    let roots = find_roots(&entries, filename)?;
    let record_path = format!("{}/RECORD", roots.dist_info);
    let record = read_file(unpacker, &entries, &record_path, limits)?;
    let recorded = check_record(&record, &record_path, &entries, limits)?;

    let mut reader = Reader { unpacker, entries: &entries, recorded: &recorded, limits };
    let metadata = read_metadata(&mut reader, &roots, filename)?;
    let wheel = read_wheel(&mut reader, &roots)?;
    let entry_points = read_entry_points(&mut reader, &roots)?;
    let notes = check_notes(&wheel, filename);
    let library = if wheel.root_is_purelib { Scheme::Purelib } else { Scheme::Platlib };
    let files = place_files(entries, recorded, &roots, library, filename, &entry_points)?;
    Ok(Plan { files, metadata, wheel, entry_points, dist_info: roots.dist_info, notes })
}

/// Reads files of the dist-info folder and compares them with RECORD.
struct Reader<'r, 'w, 'a> {
    unpacker: &'r mut Unpacker<'w, 'a>,
    entries: &'r [Entry],
    recorded: &'r [Recorded],
    limits: &'r Limits,
}

impl Reader<'_, '_, '_> {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, UnpackError> {
        let bytes = read_file(self.unpacker, self.entries, path, self.limits)?;
        let position = self.entries.iter().position(|entry| entry.name == path);
        match position.and_then(|position| self.recorded.get(position)) {
            Some(Recorded::File(digest)) => check_digest(path, digest, &bytes)?,
            _ => return Err(ContentsError::RecordNoDigest { path: path.to_owned() }.into()),
        }
        Ok(bytes)
    }

    fn has(&self, path: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == path)
    }
}

fn read_file(
    unpacker: &mut Unpacker<'_, '_>,
    entries: &[Entry],
    path: &str,
    limits: &Limits,
) -> Result<Vec<u8>, UnpackError> {
    let entry = entries
        .iter()
        .find(|entry| entry.name == path)
        .ok_or_else(|| ContentsError::FileMissing { path: path.to_owned() })?;
    let limit = limits.max_metadata_bytes;
    if entry.size > limit {
        let path = path.to_owned();
        return Err(ContentsError::FileTooLarge { path, found: entry.size, limit }.into());
    }
    // Grows with what is really there, not with what is promised.
    let mut bytes = Vec::new();
    unpacker.unpack(entry, &mut |slice| {
        bytes.extend_from_slice(slice);
        Ok(())
    })?;
    Ok(bytes)
}

fn read_metadata(
    reader: &mut Reader<'_, '_, '_>,
    roots: &Roots,
    filename: &WheelFilename,
) -> Result<CoreMetadata, UnpackError> {
    let path = format!("{}/METADATA", roots.dist_info);
    let metadata = CoreMetadata::parse(&reader.read(&path)?)
        .map_err(|error| ContentsError::Metadata { path, error })?;
    if metadata.name != filename.name {
        let (expected, found) = (filename.name.to_string(), metadata.raw_name);
        return Err(ContentsError::MetadataName { expected, found }.into());
    }
    if metadata.version != filename.version {
        let (expected, found) = (filename.version.to_string(), metadata.version.to_string());
        return Err(ContentsError::MetadataVersion { expected, found }.into());
    }
    Ok(metadata)
}

fn read_wheel(
    reader: &mut Reader<'_, '_, '_>,
    roots: &Roots,
) -> Result<WheelMetadata, UnpackError> {
    let path = format!("{}/WHEEL", roots.dist_info);
    let wheel = WheelMetadata::parse(&reader.read(&path)?);
    Ok(wheel.map_err(|error| ContentsError::Wheel { path, error })?)
}

fn read_entry_points(
    reader: &mut Reader<'_, '_, '_>,
    roots: &Roots,
) -> Result<EntryPoints, UnpackError> {
    let path = format!("{}/entry_points.txt", roots.dist_info);
    if !reader.has(&path) {
        return Ok(EntryPoints::default());
    }
    let entry_points = EntryPoints::parse(&reader.read(&path)?);
    Ok(entry_points.map_err(|error| ContentsError::EntryPoints { path, error })?)
}

fn check_notes(wheel: &WheelMetadata, filename: &WheelFilename) -> Vec<PlanNote> {
    let mut notes = Vec::new();
    let named = |tag: &Tag| {
        filename.python.contains(&tag.python)
            && filename.abi.contains(&tag.abi)
            && filename.platform.contains(&tag.platform)
    };
    let distinct: std::collections::HashSet<_> = wheel.tags.iter().map(Tag::to_string).collect();
    let expected = filename.python.len() * filename.abi.len() * filename.platform.len();
    if distinct.len() != expected || !wheel.tags.iter().all(named) {
        let wheel = wheel.tags.iter().map(Tag::to_string).collect();
        notes.push(PlanNote::TagsDiffer { wheel });
    }
    if wheel.wheel_version > countermark_packaging::wheel::SUPPORTED_VERSION {
        notes.push(PlanNote::NewerFormat { version: wheel.wheel_version });
    }
    notes
}

/// Gives every file its place, and sees that no two have the same.
fn place_files(
    entries: Vec<Entry>,
    recorded: Vec<Recorded>,
    roots: &Roots,
    library: Scheme,
    filename: &WheelFilename,
    entry_points: &EntryPoints,
) -> Result<Vec<PlannedFile>, UnpackError> {
    let mut places = Places::default();
    places.commands.insert_entry_points(entry_points)?;
    let mut files = Vec::with_capacity(entries.len());
    for (entry, recorded) in entries.into_iter().zip(recorded) {
        let Some((scheme, inside)) = place(&entry.name, roots, library)? else {
            continue;
        };
        places.insert(scheme, inside)?;
        if matches!(scheme, Scheme::Purelib | Scheme::Platlib) {
            check_library_path(inside, &entry.name, filename)?;
        }
        let record_digest = match recorded {
            Recorded::File(digest) => Some(digest),
            Recorded::Signature(digest) => digest,
            Recorded::NotApplicable => continue,
        };
        if let Some(name) = command_name(scheme, inside) {
            places.commands.insert(name)?;
        }
        files.push(PlannedFile {
            scheme,
            path: inside.to_owned(),
            size: entry.size,
            executable: is_executable(&entry, scheme),
            record_digest,
            entry,
        });
    }
    Ok(files)
}

fn is_executable(entry: &Entry, scheme: Scheme) -> bool {
    (entry.mode & FILE_TYPE == TYPE_FILE && entry.mode & EXECUTABLE != 0)
        || (scheme == Scheme::Scripts && entry.mode & PERMISSIONS == 0)
}

/// The places that are taken. The two folders of modules mostly are one.
#[derive(Default)]
struct Places {
    commands: Commands,
    library: Namespace,
    scripts: Namespace,
    headers: Namespace,
    data: Namespace,
}

impl Places {
    fn insert(&mut self, scheme: Scheme, inside: &str) -> Result<(), super::PathError> {
        let namespace = match scheme {
            Scheme::Purelib | Scheme::Platlib => &mut self.library,
            Scheme::Scripts => &mut self.scripts,
            Scheme::Headers => &mut self.headers,
            Scheme::Data => &mut self.data,
        };
        match inside.strip_suffix('/') {
            Some(folder) => namespace.insert_folder(folder),
            None => namespace.insert_file(inside),
        }
    }
}
