//! Source distributions: which of their files tell, and the reader of compressed tar archives.
//!
//! Two readers of one tar archive can see two contents: where names are given twice, where files are
//! sparse, where members are of kinds that not all know, and where they do not agree on how many bytes
//! to pass over. The last is so where a folder or a link has a size, which some read and some do not,
//! and where an extended header has another size than the header of the member. By [pax, section "pax
//! Extended Header"] the extended one counts; readers that know only the header go on elsewhere, and
//! some have given it to the header between the two. All of that is refused; builders of source
//! distributions do none of it. The same size twice, in a header that stands right before its member,
//! leaves no choice, and some builders write that.
//!
//! [pax, section "pax Extended Header"]: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html

use std::collections::BTreeMap;
use std::io::{self, Read};

use countermark_packaging::name::ProjectName;
use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::says::Saying;
use super::{InsideError, MAX_SAYING, SLICE};
use crate::unpack::ReadAt;

/// Members of one archive.
const MAX_ENTRIES: u64 = 200_000;
/// Bytes of an archive, unpacked.
const MAX_UNPACKED: u64 = 8 << 30;
/// Unpacked bytes for each byte of the archive, beyond [`RATIO_FLOOR`]; deflate cannot do more than
/// 1032, and source code stays below 20.
const MAX_RATIO: u64 = 100;
const RATIO_FLOOR: u64 = 64 << 20;
/// Bytes of a name, and of an extended header.
const MAX_NAME: u64 = 64 << 10;
/// Components of a name.
const MAX_DEPTH: usize = 64;
/// Files that tell, in one archive.
const MAX_WANTED: usize = 64;

/// Whether a file can be one of those that tell: `ROOT/PKG-INFO`, and what lies in the `.egg-info`
/// folder in the root or in one folder below it, as `src`.
pub(super) fn is_wanted(name: &str) -> bool {
    let mut parts: Vec<&str> = name.split('/').collect();
    let Some(file) = parts.pop() else { return false };
    match (file, parts.as_slice()) {
        ("PKG-INFO", [_]) => true,
        ("PKG-INFO" | "pbr.json" | "direct_url.json", [_, .., folder]) => {
            parts.len() <= 3 && folder.to_ascii_lowercase().ends_with(".egg-info")
        }
        _ => false,
    }
}

/// Chooses among the files that tell: those of the root, and of the one `.egg-info` folder that is
/// the project's own.
pub(super) fn choose(
    filename: &str,
    mut found: BTreeMap<String, Vec<u8>>,
) -> Result<Saying, InsideError> {
    let contradiction =
        |reason: String| Err(InsideError::Contradiction { filename: filename.to_owned(), reason });
    let mut roots: Vec<&str> =
        found.keys().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    roots.dedup();
    if let [first, second, ..] = roots.as_slice() {
        return contradiction(format!("it has the folders `{first}` and `{second}`"));
    }
    let folder = match info_folders(filename, &found).as_slice() {
        [] => None,
        [only] => Some((*only).to_owned()),
        [first, second, ..] => {
            return contradiction(format!("it has the folders `{first}` and `{second}`"));
        }
    };
    let root = found.keys().find(|path| is_root(path)).cloned();
    let inner = |name: &str| folder.as_ref().map(|folder| format!("{folder}/{name}"));
    let mut take = |path: Option<String>| {
        let path = path?;
        let bytes = found.remove(&path)?;
        Some((path, bytes))
    };
    let pbr = take(inner("pbr.json"));
    let direct_url = take(inner("direct_url.json"));
    let metadata = take(root).or_else(|| take(inner("PKG-INFO")));
    if metadata.is_none() {
        let filename = filename.to_owned();
        return Err(InsideError::Silent { filename, expected: "PKG-INFO" });
    }
    Ok(Saying { metadata, pbr, direct_url })
}

fn is_root(path: &str) -> bool {
    path.split_once('/').is_some_and(|(_, rest)| rest == "PKG-INFO")
}

/// The `.egg-info` folders, the outermost ones; of several, those with the project's name. Test data
/// of packaging tools has others.
fn info_folders<'a>(filename: &str, found: &'a BTreeMap<String, Vec<u8>>) -> Vec<&'a str> {
    let mut folders: Vec<&str> = found
        .keys()
        .filter(|path| !is_root(path))
        .filter_map(|path| Some(path.rsplit_once('/')?.0))
        .collect();
    folders.dedup();
    let depth = |folder: &&str| folder.matches('/').count();
    let least = folders.iter().map(depth).min().unwrap_or_default();
    folders.retain(|folder| depth(folder) == least);
    let is_own = |folder: &&str| {
        let last = folder.rsplit('/').next().unwrap_or_default();
        let stem = last.get(..last.len() - ".egg-info".len()).unwrap_or_default();
        ProjectName::parse(stem).is_ok_and(|name| begins_with(filename, &name))
    };
    if folders.len() > 1 && folders.iter().any(&is_own) {
        folders.retain(&is_own);
    }
    folders
}

fn begins_with(filename: &str, project: &ProjectName) -> bool {
    filename.match_indices('-').any(|(at, _)| {
        filename
            .get(..at)
            .and_then(|stem| ProjectName::parse(stem).ok())
            .is_some_and(|name| name == *project)
    })
}

/// Reads the wanted files from a `.tar.gz`, from front to back, in constant memory.
pub(super) fn read_tar(
    archive: &dyn ReadAt,
    filename: &str,
    is_wanted: fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, InsideError> {
    let mut found = BTreeMap::new();
    let tar = |reason: String| InsideError::Tar { filename: filename.to_owned(), reason };
    walk_tar(archive, filename, &mut |member| {
        if !is_wanted(member.path) {
            return Ok(());
        }
        let path = member.path.to_owned();
        if !member.is_file {
            return Err(tar(format!("`{path}` is no file")));
        }
        let limit = |what, limit| InsideError::Limit { filename: filename.to_owned(), what, limit };
        if found.len() == MAX_WANTED {
            return Err(limit("files of metadata", MAX_WANTED as u64));
        }
        if member.size > MAX_SAYING {
            return Err(limit("bytes of metadata", MAX_SAYING));
        }
        let mut bytes = Vec::new();
        member.bytes.read_to_end(&mut bytes).map_err(|error| tar(error.to_string()))?;
        if bytes.len() as u64 != member.size {
            return Err(tar("it is cut off".to_owned()));
        }
        match found.insert(path.clone(), bytes) {
            None => Ok(()),
            Some(_) => Err(InsideError::Contradiction {
                filename: filename.to_owned(),
                reason: format!("it has `{path}` twice"),
            }),
        }
    })?;
    Ok(found)
}

/// A member of a compressed tar archive.
pub(crate) struct Member<'a> {
    /// Without empty parts and `.`; may have `..` where it is no file.
    pub(crate) path: &'a str,
    /// Whether it has bytes of its own: no folder, link or device.
    pub(crate) is_file: bool,
    /// As its header says; more is not read.
    pub(crate) size: u64,
    /// Its bytes; need not be read.
    pub(crate) bytes: &'a mut dyn Read,
}

/// Looks at every member of a `.tar.gz`, from front to back, in constant memory. Members whose names
/// are no text are passed over.
pub(crate) fn walk_tar(
    archive: &dyn ReadAt,
    filename: &str,
    each: &mut dyn FnMut(Member<'_>) -> Result<(), InsideError>,
) -> Result<(), InsideError> {
    let mut source = Source { archive, position: 0, fault: None };
    let size = archive.size().map_err(|source| unreadable(filename, source))?;
    let limit = MAX_UNPACKED.min(size.saturating_mul(MAX_RATIO).max(RATIO_FLOOR));
    let mut unpacked = Bounded { reader: MultiGzDecoder::new(&mut source), left: limit };
    let walked = Walk { filename, each }.walk(&mut unpacked);
    let is_over = unpacked.left == 0;
    drop(unpacked);
    if let Some(fault) = source.fault {
        return Err(unreadable(filename, fault));
    }
    match walked {
        Err(InsideError::Tar { filename, .. }) if is_over => {
            Err(InsideError::Limit { filename, what: "bytes, unpacked", limit })
        }
        walked => walked,
    }
}

fn unreadable(filename: &str, source: io::Error) -> InsideError {
    InsideError::Read { filename: filename.to_owned(), source }
}

struct Walk<'a> {
    filename: &'a str,
    each: &'a mut dyn FnMut(Member<'_>) -> Result<(), InsideError>,
}

/// What an extended header says of the entry behind it.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    /// Refuses a size that the header of the member does not have, or that could be taken for the size
    /// of something else.
    fn check_size(&self, kind: EntryType, found: u64) -> Result<(), String> {
        let Some(size) = self.size else { return Ok(()) };
        if is_extension(kind) {
            return Err("behind a size in an extended header stands another such header".to_owned());
        }
        if size != found {
            return Err(format!(
                "an extended header says that a member has {size} bytes, and the member says {found}"
            ));
        }
        Ok(())
    }
}

/// Whether it says something of the member behind it.
fn is_extension(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::GNULongName
            | EntryType::GNULongLink
            | EntryType::XHeader
            | EntryType::XGlobalHeader
    )
}

impl Walk<'_> {
    fn walk(mut self, unpacked: &mut dyn Read) -> Result<(), InsideError> {
        let mut tar = tar::Archive::new(&mut *unpacked);
        // Raw: extended headers are read here, with limits, and not by the library.
        let entries = tar.entries().map_err(|error| self.tar(error.to_string()))?.raw(true);
        let mut extended = Extended::default();
        for (count, entry) in (0..).zip(entries) {
            if count == MAX_ENTRIES {
                return Err(self.limit("members", MAX_ENTRIES));
            }
            let mut entry = entry.map_err(|error| self.tar(error.to_string()))?;
            let kind = entry.header().entry_type();
            extended.check_size(kind, entry.size()).map_err(|reason| self.tar(reason))?;
            match kind {
                EntryType::GNULongName => {
                    let mut name = self.read_small(&mut entry, MAX_NAME, "bytes of a name")?;
                    while name.last() == Some(&0) {
                        name.pop();
                    }
                    self.extend(&mut extended, name)?;
                    continue;
                }
                EntryType::XHeader => {
                    let header = self.read_small(&mut entry, MAX_NAME, "bytes of a header")?;
                    self.read_pax(&header, &mut extended)?;
                    continue;
                }
                EntryType::XGlobalHeader => {
                    let header = self.read_small(&mut entry, MAX_NAME, "bytes of a header")?;
                    let mut global = Extended::default();
                    self.read_pax(&header, &mut global)?;
                    if global.name.is_some() {
                        return Err(self.tar("a global header renames everything".to_owned()));
                    }
                    if global.size.is_some() {
                        return Err(self.tar("a global header gives everything a size".to_owned()));
                    }
                    continue;
                }
                EntryType::GNULongLink => continue,
                EntryType::GNUSparse => return Err(self.tar("a file is sparse".to_owned())),
                _ => {}
            }
            let name = std::mem::take(&mut extended).name;
            let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
            self.take(&name, &mut entry)?;
        }
        // To the last byte: only there are length and CRC of the compressed data compared.
        io::copy(unpacked, &mut io::sink()).map_err(|error| self.tar(error.to_string()))?;
        Ok(())
    }

    /// Hands the entry on.
    fn take(
        &mut self,
        name: &[u8],
        entry: &mut tar::Entry<'_, impl Read>,
    ) -> Result<(), InsideError> {
        let is_file = self.is_file(name, entry)?;
        // A name that is no text is none that tells.
        let Ok(name) = std::str::from_utf8(name) else { return Ok(()) };
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.len() > MAX_DEPTH {
            return Err(self.limit("components of a name", MAX_DEPTH as u64));
        }
        let path = parts.join("/");
        if is_file && parts.contains(&"..") {
            return Err(self.tar(format!("`{path}` leaves the archive")));
        }
        let size = entry.size();
        (self.each)(Member { path: &path, is_file, size, bytes: entry })
    }

    /// Whether a member has bytes. For some readers every member has them that says so in its header, for
    /// others only files, and what of a kind that they do not know is a file for some.
    fn is_file(&self, name: &[u8], entry: &tar::Entry<'_, impl Read>) -> Result<bool, InsideError> {
        let is_file = match entry.header().entry_type() {
            // Before there were folders in archives, their names had a slash at the end.
            EntryType::Regular | EntryType::Continuous => {
                !name.ends_with(b"/") && !entry.path_bytes().ends_with(b"/")
            }
            EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo => false,
            other => {
                let kind = char::from(other.as_byte()).escape_default().to_string();
                return Err(self.tar(format!("a member is of the kind `{kind}`")));
            }
        };
        if !is_file && entry.size() > 0 {
            let name = String::from_utf8_lossy(name);
            return Err(self.tar(format!("`{name}` is no file and has a size")));
        }
        Ok(is_file)
    }

    fn read_pax(&self, header: &[u8], extended: &mut Extended) -> Result<(), InsideError> {
        let mut rest = header;
        while !rest.iter().all(|byte| *byte == 0) {
            let record = next_record(&mut rest);
            let (key, value) =
                record.ok_or_else(|| self.tar("an extended header is malformed".to_owned()))?;
            match key {
                b"path" => self.extend(extended, value.to_vec())?,
                b"size" => self.size(extended, value)?,
                key if key.starts_with(b"GNU.sparse") => {
                    return Err(self.tar("a file is sparse".to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn extend(&self, extended: &mut Extended, name: Vec<u8>) -> Result<(), InsideError> {
        match extended.name.replace(name) {
            None => Ok(()),
            Some(_) => Err(self.tar("a member has two names".to_owned())),
        }
    }

    fn size(&self, extended: &mut Extended, value: &[u8]) -> Result<(), InsideError> {
        // Readers of numbers do not agree on signs, zeros in front, blanks and underscores.
        let number = std::str::from_utf8(value).ok().and_then(|text| {
            let number: u64 = text.parse().ok()?;
            (number.to_string() == text).then_some(number)
        });
        let number = number
            .ok_or_else(|| self.tar("a size in an extended header is no number".to_owned()))?;
        match extended.size.replace(number) {
            None => Ok(()),
            Some(_) => Err(self.tar("a member has two sizes in extended headers".to_owned())),
        }
    }

    fn read_small(
        &self,
        entry: &mut tar::Entry<'_, impl Read>,
        limit: u64,
        what: &'static str,
    ) -> Result<Vec<u8>, InsideError> {
        if entry.size() > limit {
            return Err(self.limit(what, limit));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|error| self.tar(error.to_string()))?;
        if bytes.len() as u64 != entry.size() {
            return Err(self.tar("it is cut off".to_owned()));
        }
        Ok(bytes)
    }

    fn tar(&self, reason: String) -> InsideError {
        InsideError::Tar { filename: self.filename.to_owned(), reason }
    }

    fn limit(&self, what: &'static str, limit: u64) -> InsideError {
        InsideError::Limit { filename: self.filename.to_owned(), what, limit }
    }
}

/// The next `LENGTH KEY=VALUE` and line feed of an extended header (POSIX, pax). By its length: a
/// value may have line feeds in it.
fn next_record<'h>(rest: &mut &'h [u8]) -> Option<(&'h [u8], &'h [u8])> {
    let space = rest.iter().take(8).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
    let (record, after) = rest.split_at_checked(length)?;
    let content = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = content.iter().position(|byte| *byte == b'=')?;
    *rest = after;
    Some((&content[..equals], &content[equals + 1..]))
}

/// The archive from front to back. Remembers a fault of the system, which is none of the archive.
struct Source<'a> {
    archive: &'a dyn ReadAt,
    position: u64,
    fault: Option<io::Error>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut fill = || {
            let left = self.archive.size()?.saturating_sub(self.position);
            let count = buffer.len().min(SLICE).min(usize::try_from(left).unwrap_or(SLICE));
            self.archive.read_at(self.position, &mut buffer[..count])?;
            Ok::<usize, io::Error>(count)
        };
        match fill() {
            Ok(count) => {
                self.position += count as u64;
                Ok(count)
            }
            Err(error) => {
                self.fault = Some(io::Error::new(error.kind(), error.to_string()));
                Err(error)
            }
        }
    }
}

/// Ends with an error after so many bytes.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if count == 0 && !buffer.is_empty() {
            return Err(io::Error::other("too much"));
        }
        let count = self.reader.read(&mut buffer[..count])?;
        self.left -= count as u64;
        Ok(count)
    }
}
