//! Why an archive is refused.

use crate::unpack::PathError;

/// A field that a member's local header and its central directory entry both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderField {
    /// The name, byte by byte.
    Name,
    /// The general purpose flags.
    Flags,
    /// The compression method.
    Method,
    /// CRC-32 of the unpacked bytes.
    Crc,
    /// Bytes as they are in the archive.
    CompressedSize,
    /// Bytes unpacked.
    Size,
}

impl std::fmt::Display for HeaderField {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Name => "name",
            Self::Flags => "flags",
            Self::Method => "method",
            Self::Crc => "CRC-32",
            Self::CompressedSize => "compressed size",
            Self::Size => "size",
        })
    }
}

/// An archive that is refused: it is damaged, or two readers could see two contents in it.
/// Offsets and sizes are in bytes.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The archive could not be read: nothing is known about it.
    #[error("the archive cannot be read")]
    Read(#[from] std::io::Error),
    /// A member's name, by itself.
    #[error(transparent)]
    Path(#[from] PathError),

    /// No end record: cut off, or not a ZIP archive.
    #[error("no end-of-central-directory record: {size} bytes that are not a whole ZIP archive")]
    EndMissing {
        /// Size of what was given.
        size: u64,
    },
    /// Something follows the end record.
    #[error("{count} bytes follow the end of the archive")]
    TrailingBytes {
        /// How many.
        count: u64,
    },
    /// The archive has a comment, in which a second end record could hide.
    #[error("the archive has a comment of {length} bytes")]
    ArchiveComment {
        /// Its length.
        length: u64,
    },
    /// The archive says that it has several disks.
    #[error("the archive claims to be spread over several disks")]
    MultiDisk,
    /// Two places that tell the number of members disagree.
    #[error("the archive says that it has {expected} members, and {found}")]
    EntryCount {
        /// By the end record.
        expected: u64,
        /// By the other place.
        found: u64,
    },
    /// A field says that its value is in the ZIP64 record, and there is none.
    #[error("the end record refers to a ZIP64 record that is not there")]
    Zip64Missing,
    /// The ZIP64 locator, record or extra field contradicts what it belongs to.
    #[error("ZIP64: {what} is {found}, expected {expected}")]
    Zip64Inconsistent {
        /// Which value.
        what: &'static str,
        /// What the rest of the archive implies.
        expected: u64,
        /// What is written.
        found: u64,
    },
    /// The central directory does not end where the end record begins.
    #[error("the central directory ends at {found}, expected {expected}")]
    DirectoryPlacement {
        /// Where the end record begins.
        expected: u64,
        /// Where the directory ends by its own offset and size.
        found: u64,
    },
    /// The central directory is cut off or has bytes that belong to no entry.
    #[error("entry {index} of the central directory is malformed")]
    DirectoryMalformed {
        /// Counted from 0.
        index: u64,
    },
    /// No members.
    #[error("the archive is empty")]
    Empty,
    /// More of something than [`Limits`](crate::unpack::Limits) allow.
    #[error("{what}: {found}, and the limit is {limit}")]
    Limit {
        /// What there is too much of.
        what: LimitKind,
        /// How much there is.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },

    /// A member is encrypted.
    #[error("`{name}` is encrypted")]
    Encrypted {
        /// The member.
        name: String,
    },
    /// A flag whose meaning is not supported.
    #[error("`{name}` has the unsupported flags {flags:#06x}")]
    UnsupportedFlags {
        /// The member.
        name: String,
        /// All its flags.
        flags: u16,
    },
    /// A compression method other than stored and deflate.
    #[error("`{name}` has compression method {method}, expected 0 (stored) or 8 (deflate)")]
    UnsupportedMethod {
        /// The member.
        name: String,
        /// Its method.
        method: u16,
    },
    /// A feature later than ZIP64 is needed.
    #[error("`{name}` needs version {version} of the format, the last supported is 45")]
    UnsupportedVersion {
        /// The member.
        name: String,
        /// Ten times the version.
        version: u16,
    },
    /// A name that is not UTF-8, or not ASCII though the flag for UTF-8 is missing.
    #[error("the name of member {index} is not {expected}: `{name}`")]
    NameEncoding {
        /// Counted from 0.
        index: u64,
        /// The encoding that the flags promise.
        expected: &'static str,
        /// The name, as far as it can be shown.
        name: String,
    },
    /// A member has a comment.
    #[error("`{name}` has a comment of {length} bytes")]
    EntryComment {
        /// The member.
        name: String,
        /// Length of the comment.
        length: u16,
    },
    /// Extra fields that overrun their space or come twice, or more of them than is sensible.
    #[error("the extra fields of `{name}` are malformed")]
    ExtraMalformed {
        /// The member.
        name: String,
    },
    /// An extra field that gives the member a second name, or encrypts it.
    #[error("`{name}` has the extra field {id:#06x}, which changes its meaning")]
    ExtraForbidden {
        /// The member.
        name: String,
        /// Which extra field.
        id: u16,
    },
    /// Two members with one name.
    #[error("two members are called `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A symbolic link.
    #[error("`{name}` is a symbolic link")]
    Symlink {
        /// The member.
        name: String,
    },
    /// A device, pipe or socket, or a file that runs with its owner's rights.
    #[error("`{name}` has the file mode {mode:#o}")]
    SpecialMode {
        /// The member.
        name: String,
        /// The Unix mode.
        mode: u32,
    },
    /// The name says directory and the mode says file, or the other way round.
    #[error("`{name}` is a directory by its name or by its mode, and not by the other")]
    KindMismatch {
        /// The member.
        name: String,
    },
    /// A directory with contents of its own.
    #[error("the directory `{name}` has {size} bytes of data")]
    DirectoryWithData {
        /// The member.
        name: String,
        /// Its size, or that of its data in the archive.
        size: u64,
    },
    /// A stored member whose two sizes differ.
    #[error("`{name}` is stored in {compressed} bytes and has {size}")]
    StoredSize {
        /// The member.
        name: String,
        /// Bytes in the archive.
        compressed: u64,
        /// Bytes unpacked.
        size: u64,
    },

    /// Bytes before the first member.
    #[error("{count} bytes come before the first member")]
    PrependedBytes {
        /// How many.
        count: u64,
    },
    /// The central directory lists members in another order than that of their data.
    #[error("`{name}` is out of order: its header is at {offset}, after a member at {previous}")]
    OutOfOrder {
        /// The member.
        name: String,
        /// Where its header is.
        offset: u64,
        /// Where the header of the member before it is.
        previous: u64,
    },
    /// A member begins inside the one before it.
    #[error("`{name}` begins at {offset}, inside the member that ends at {end}")]
    Overlap {
        /// The member that begins too early, or whose data runs into the central directory.
        name: String,
        /// Where it begins.
        offset: u64,
        /// Where the member before it ends.
        end: u64,
    },
    /// Bytes that belong to no member.
    #[error("{count} bytes after `{name}` belong to nothing")]
    Gap {
        /// The member before them.
        name: String,
        /// How many.
        count: u64,
    },
    /// No local header at the place that the central directory names.
    #[error("there is no local header for `{name}` at {offset}")]
    LocalMissing {
        /// The member.
        name: String,
        /// The place.
        offset: u64,
    },
    /// Central directory and local header disagree.
    #[error("the {field} of `{name}` differs: {central} in the central directory, {local} locally")]
    LocalDiffers {
        /// The member, by the central directory.
        name: String,
        /// What differs.
        field: HeaderField,
        /// By the central directory.
        central: String,
        /// By the local header.
        local: String,
    },
    /// A data descriptor is announced and missing, or contradicts the central directory.
    #[error("the data descriptor of `{name}` is missing or contradicts the central directory")]
    Descriptor {
        /// The member.
        name: String,
    },
    /// A stored member whose length only a data descriptor tells: a reader that streams has to
    /// guess where it ends.
    #[error("`{name}` is stored and its size comes only after its data")]
    StoredDescriptor {
        /// The member.
        name: String,
    },
}

/// What there can be too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Members.
    Entries,
    /// Bytes of the central directory.
    DirectoryBytes,
    /// Bytes of one member, unpacked.
    EntryBytes,
    /// Bytes of all members, unpacked.
    TotalBytes,
    /// Unpacked bytes for each byte of the archive.
    Ratio,
}

impl std::fmt::Display for LimitKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Entries => "members of the archive",
            Self::DirectoryBytes => "bytes of the central directory",
            Self::EntryBytes => "bytes of one unpacked member",
            Self::TotalBytes => "bytes of all unpacked members",
            Self::Ratio => "unpacked bytes for each byte of the archive",
        })
    }
}

impl ZipError {
    /// The name of the rejection, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "archive-unreadable",
            Self::Path(error) => error.code(),
            Self::EndMissing { .. } => "zip-end-missing",
            Self::TrailingBytes { .. } => "zip-trailing-bytes",
            Self::ArchiveComment { .. } => "zip-archive-comment",
            Self::MultiDisk => "zip-multi-disk",
            Self::EntryCount { .. } => "zip-entry-count",
            Self::Zip64Missing => "zip64-missing",
            Self::Zip64Inconsistent { .. } => "zip64-inconsistent",
            Self::DirectoryPlacement { .. } => "zip-directory-placement",
            Self::DirectoryMalformed { .. } => "zip-directory-malformed",
            Self::Empty => "zip-empty",
            Self::Limit { what: LimitKind::Entries, .. } => "limit-entries",
            Self::Limit { what: LimitKind::DirectoryBytes, .. } => "limit-directory-bytes",
            Self::Limit { what: LimitKind::EntryBytes, .. } => "limit-entry-bytes",
            Self::Limit { what: LimitKind::TotalBytes, .. } => "limit-total-bytes",
            Self::Limit { what: LimitKind::Ratio, .. } => "limit-ratio",
            Self::Encrypted { .. } => "zip-encrypted",
            Self::UnsupportedFlags { .. } => "zip-unsupported-flags",
            Self::UnsupportedMethod { .. } => "zip-unsupported-method",
            Self::UnsupportedVersion { .. } => "zip-unsupported-version",
            Self::NameEncoding { .. } => "zip-name-encoding",
            Self::EntryComment { .. } => "zip-entry-comment",
            Self::ExtraMalformed { .. } => "zip-extra-malformed",
            Self::ExtraForbidden { .. } => "zip-extra-forbidden",
            Self::Duplicate { .. } => "zip-duplicate",
            Self::Symlink { .. } => "zip-symlink",
            Self::SpecialMode { .. } => "zip-special-mode",
            Self::KindMismatch { .. } => "zip-kind-mismatch",
            Self::DirectoryWithData { .. } => "zip-directory-with-data",
            Self::StoredSize { .. } => "zip-stored-size",
            Self::PrependedBytes { .. } => "zip-prepended-bytes",
            Self::OutOfOrder { .. } => "zip-out-of-order",
            Self::Overlap { .. } => "zip-overlap",
            Self::Gap { .. } => "zip-gap",
            Self::LocalMissing { .. } => "zip-local-missing",
            Self::LocalDiffers { field, .. } => match field {
                HeaderField::Name => "zip-local-name",
                HeaderField::Flags => "zip-local-flags",
                HeaderField::Method => "zip-local-method",
                HeaderField::Crc => "zip-local-crc",
                HeaderField::CompressedSize => "zip-local-compressed-size",
                HeaderField::Size => "zip-local-size",
            },
            Self::Descriptor { .. } => "zip-descriptor",
            Self::StoredDescriptor { .. } => "zip-stored-descriptor",
        }
    }
}
