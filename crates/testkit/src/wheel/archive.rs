//! A ZIP writer that can lie in every field.
//!
//! [`Archive::write`] lays members out as an honest writer would, and then puts in whatever a
//! test asked for instead. Follows APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.

use std::io::Write as _;

/// Other values than the true ones, for a local header or a central directory entry.
#[derive(Clone, Debug, Default)]
pub struct Forged {
    /// The name.
    pub name: Option<Vec<u8>>,
    /// The general purpose flags.
    pub flags: Option<u16>,
    /// The compression method.
    pub method: Option<u16>,
    /// The version needed.
    pub version: Option<u16>,
    /// CRC-32.
    pub crc32: Option<u32>,
    /// Bytes in the archive.
    pub compressed_size: Option<u32>,
    /// Bytes unpacked.
    pub size: Option<u32>,
    /// Extra fields, after the ZIP64 field if there is one.
    pub extra: Vec<u8>,
    /// Where the local header is (central only).
    pub offset: Option<u32>,
    /// The disk (central only).
    pub disk: u16,
    /// The comment (central only).
    pub comment: Vec<u8>,
}

/// What follows the data of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Descriptor {
    /// Nothing; the sizes are in the header.
    #[default]
    None,
    /// A data descriptor; the header has no sizes.
    Written {
        /// With the optional signature.
        signed: bool,
        /// With sizes of 64 bits.
        wide: bool,
    },
    /// Other bytes where a data descriptor is announced.
    Raw(Vec<u8>),
}

/// One member.
#[derive(Clone, Debug)]
pub struct Member {
    /// As it should be; a directory's ends with `/`.
    pub name: String,
    /// Unpacked.
    pub content: Vec<u8>,
    /// 0 is stored, 8 deflate.
    pub method: u16,
    /// Flags besides those for UTF-8 and the data descriptor, which are set where needed.
    pub flags: u16,
    /// Type and permissions as on Unix.
    pub mode: u32,
    /// The attributes that DOS had.
    pub dos_attributes: u16,
    /// Other compressed bytes.
    pub data: Option<Vec<u8>>,
    /// What follows the data.
    pub descriptor: Descriptor,
    /// Sizes are kept in ZIP64 fields.
    pub zip64: bool,
    /// Lies of the local header.
    pub local: Forged,
    /// Lies of the central directory.
    pub central: Forged,
    /// Bytes before the local header.
    pub before: Vec<u8>,
    /// Left out of the central directory.
    pub unlisted: bool,
}

impl Member {
    /// A deflated file that everybody may read.
    #[must_use]
    pub fn file(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            content: content.to_vec(),
            method: 8,
            flags: 0,
            mode: 0o100_644,
            dos_attributes: 0,
            data: None,
            descriptor: Descriptor::None,
            zip64: false,
            local: Forged::default(),
            central: Forged::default(),
            before: Vec::new(),
            unlisted: false,
        }
    }

    /// A directory; the name ends with `/`.
    #[must_use]
    pub fn directory(name: &str) -> Self {
        Self { mode: 0o040_755, dos_attributes: 0x10, method: 0, ..Self::file(name, b"") }
    }

    /// The compressed bytes.
    #[must_use]
    pub fn compressed(&self) -> Vec<u8> {
        match &self.data {
            Some(data) => data.clone(),
            None if self.method == 8 => deflate(&self.content),
            None => self.content.clone(),
        }
    }
}

/// RFC 1951.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_else(|error| unreachable!("writing into memory: {error}"))
}

/// Other values than the true ones, for the end record.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// This disk.
    pub disk: u16,
    /// The disk of the central directory.
    pub directory_disk: u16,
    /// Members on this disk.
    pub entries_here: Option<u16>,
    /// Members.
    pub entries: Option<u16>,
    /// Bytes of the central directory.
    pub size: Option<u32>,
    /// Where it is.
    pub offset: Option<u32>,
    /// The comment of the archive.
    pub comment: Vec<u8>,
    /// Bytes after the end record and its comment.
    pub after: Vec<u8>,
}

/// The ZIP64 end record and its locator.
#[derive(Clone, Debug, Default)]
pub struct End64 {
    /// What its own length field says.
    pub length: Option<u64>,
    /// Members.
    pub entries: Option<u64>,
    /// Bytes of the central directory.
    pub size: Option<u64>,
    /// Where it is.
    pub offset: Option<u64>,
    /// Where the locator says that the record is.
    pub located: Option<u64>,
    /// Disks, by the locator.
    pub disks: Option<u32>,
    /// Bytes between record and locator.
    pub between: Vec<u8>,
    /// Only the locator is written.
    pub no_record: bool,
}

/// A whole archive.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// In the order of their data.
    pub members: Vec<Member>,
    /// Bytes before the first member; offsets count from here unless `prefix_counts`.
    pub prefix: Vec<u8>,
    /// Offsets count from the start of the prefix.
    pub prefix_counts: bool,
    /// Members in the central directory, by their positions.
    pub directory_order: Option<Vec<usize>>,
    /// Bytes between the last member and the central directory.
    pub before_directory: Vec<u8>,
    /// Bytes at the end of the central directory, counted into its size.
    pub in_directory: Vec<u8>,
    /// Bytes between the central directory and the end record.
    pub after_directory: Vec<u8>,
    /// The ZIP64 end record, if there is one.
    pub end64: Option<End64>,
    /// The end record.
    pub end: End,
}

impl Archive {
    /// The member of that name.
    ///
    /// # Panics
    /// When there is none: the test names it wrongly.
    pub fn member(&mut self, name: &str) -> &mut Member {
        let found = self.members.iter_mut().find(|member| member.name == name);
        found.unwrap_or_else(|| panic!("no member `{name}`"))
    }

    /// The bytes of the archive.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Bytes(self.prefix.clone());
        let base = if self.prefix_counts { 0 } else { self.prefix.len() };
        let mut offsets = Vec::with_capacity(self.members.len());
        for member in &self.members {
            out.0.extend(&member.before);
            offsets.push(out.0.len() - base);
            write_local(&mut out, member);
        }
        out.0.extend(&self.before_directory);
        let directory_at = out.0.len();
        let in_order: Vec<usize> = (0..self.members.len()).collect();
        let mut entries = 0;
        for index in self.directory_order.as_ref().unwrap_or(&in_order) {
            if !self.members[*index].unlisted {
                write_central(&mut out, &self.members[*index], offsets[*index]);
                entries += 1;
            }
        }
        out.0.extend(&self.in_directory);
        let directory = Written {
            entries,
            size: (out.0.len() - directory_at) as u64,
            offset: (directory_at - base) as u64,
        };
        out.0.extend(&self.after_directory);
        if let Some(end64) = &self.end64 {
            write_end64(&mut out, end64, &directory, base);
        }
        write_end(&mut out, &self.end, &directory, self.end64.is_some());
        out.0
    }
}

struct Written {
    entries: u64,
    size: u64,
    offset: u64,
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }
}

fn flags(member: &Member) -> u16 {
    let utf8 = if member.name.is_ascii() { 0 } else { 1 << 11 };
    let later = if member.descriptor == Descriptor::None { 0 } else { 1 << 3 };
    member.flags | utf8 | later
}

fn write_local(out: &mut Bytes, member: &Member) {
    let data = member.compressed();
    let crc32 = crc32fast::hash(&member.content);
    let forged = &member.local;
    let later = member.descriptor != Descriptor::None;
    let mut sizes = if later { (0, 0) } else { (data.len() as u32, member.content.len() as u32) };
    let mut extra = Bytes(Vec::new());
    if member.zip64 {
        extra.u16(1).u16(16).u64(sizes.1.into()).u64(sizes.0.into());
        sizes = (u32::MAX, u32::MAX);
    }
    extra.0.extend(&forged.extra);
    let name = forged.name.as_deref().unwrap_or(member.name.as_bytes());
    out.u32(0x0403_4b50).u16(forged.version.unwrap_or(20));
    out.u16(forged.flags.unwrap_or(flags(member))).u16(forged.method.unwrap_or(member.method));
    out.u32(0x0021_0000).u32(forged.crc32.unwrap_or(if later { 0 } else { crc32 }));
    out.u32(forged.compressed_size.unwrap_or(sizes.0)).u32(forged.size.unwrap_or(sizes.1));
    out.u16(name.len() as u16).u16(extra.0.len() as u16);
    out.0.extend(name);
    out.0.extend(&extra.0);
    out.0.extend(&data);
    match &member.descriptor {
        Descriptor::None => {}
        Descriptor::Raw(bytes) => out.0.extend(bytes),
        Descriptor::Written { signed, wide } => {
            if *signed {
                out.u32(0x0807_4b50);
            }
            out.u32(crc32);
            if *wide {
                out.u64(data.len() as u64).u64(member.content.len() as u64);
            } else {
                out.u32(data.len() as u32).u32(member.content.len() as u32);
            }
        }
    }
}

fn write_central(out: &mut Bytes, member: &Member, offset: usize) {
    let forged = &member.central;
    let mut sizes = (member.compressed().len() as u32, member.content.len() as u32);
    let mut extra = Bytes(Vec::new());
    if member.zip64 {
        extra.u16(1).u16(16).u64(sizes.1.into()).u64(sizes.0.into());
        sizes = (u32::MAX, u32::MAX);
    }
    extra.0.extend(&forged.extra);
    let name = forged.name.as_deref().unwrap_or(member.name.as_bytes());
    out.u32(0x0201_4b50).u16(3 << 8 | 20).u16(forged.version.unwrap_or(20));
    out.u16(forged.flags.unwrap_or(flags(member))).u16(forged.method.unwrap_or(member.method));
    out.u32(0x0021_0000).u32(forged.crc32.unwrap_or(crc32fast::hash(&member.content)));
    out.u32(forged.compressed_size.unwrap_or(sizes.0)).u32(forged.size.unwrap_or(sizes.1));
    out.u16(name.len() as u16).u16(extra.0.len() as u16).u16(forged.comment.len() as u16);
    out.u16(forged.disk).u16(0).u32(member.mode << 16 | u32::from(member.dos_attributes));
    out.u32(forged.offset.unwrap_or(offset as u32));
    out.0.extend(name);
    out.0.extend(&extra.0);
    out.0.extend(&forged.comment);
}

fn write_end64(out: &mut Bytes, end: &End64, directory: &Written, base: usize) {
    let at = (out.0.len() - base) as u64;
    if !end.no_record {
        let entries = end.entries.unwrap_or(directory.entries);
        out.u32(0x0606_4b50).u64(end.length.unwrap_or(44)).u16(45).u16(45).u32(0).u32(0);
        out.u64(entries).u64(entries);
        out.u64(end.size.unwrap_or(directory.size)).u64(end.offset.unwrap_or(directory.offset));
    }
    out.0.extend(&end.between);
    out.u32(0x0706_4b50).u32(0).u64(end.located.unwrap_or(at)).u32(end.disks.unwrap_or(1));
}

fn write_end(out: &mut Bytes, end: &End, directory: &Written, wide: bool) {
    let entries = if wide { u16::MAX } else { directory.entries as u16 };
    let (size, offset) =
        if wide { (u32::MAX, u32::MAX) } else { (directory.size as u32, directory.offset as u32) };
    out.u32(0x0605_4b50).u16(end.disk).u16(end.directory_disk);
    out.u16(end.entries_here.unwrap_or(entries)).u16(end.entries.unwrap_or(entries));
    out.u32(end.size.unwrap_or(size)).u32(end.offset.unwrap_or(offset));
    out.u16(end.comment.len() as u16);
    out.0.extend(&end.comment);
    out.0.extend(&end.after);
}
