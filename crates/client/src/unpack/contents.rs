//! Why a wheel is refused whose archive is sound: what its files say does not fit together.

use countermark_packaging::digest::Digest;
use countermark_packaging::entry_points::EntryPointError;
use countermark_packaging::metadata::MetadataError;
use countermark_packaging::record::RecordError;
use countermark_packaging::wheel::WheelError;

/// A wheel that contradicts itself or its file name, or wants to write what it may not.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// No folder `NAME-VERSION.dist-info`.
    #[error("there is no `.dist-info` folder")]
    DistInfoMissing,
    /// Several such folders: several identities.
    #[error("there are several `.dist-info` folders, `{first}` and `{second}`")]
    DistInfoSeveral {
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
    /// The folder is named after another project or version than the file.
    #[error("`{folder}` does not belong to `{filename}`")]
    DistInfoName {
        /// The folder.
        folder: String,
        /// The file name of the wheel.
        filename: String,
    },
    /// Several folders `NAME-VERSION.data`.
    #[error("there are several `.data` folders, `{first}` and `{second}`")]
    DataSeveral {
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
    /// The folder is named after another project or version than the file.
    #[error("`{folder}` does not belong to `{filename}`")]
    DataName {
        /// The folder.
        folder: String,
        /// The file name of the wheel.
        filename: String,
    },
    /// A file of the `.data` folder that is in none of the five folders which exist there.
    #[error("`{path}` is in none of data, headers, platlib, purelib, scripts")]
    DataScheme {
        /// The member.
        path: String,
    },
    /// A file that must be in the dist-info folder is not.
    #[error("`{path}` is missing")]
    FileMissing {
        /// The file.
        path: String,
    },
    /// A file of the dist-info folder that is read whole is too large for that.
    #[error("`{path}` has {found} bytes, and the limit is {limit}")]
    FileTooLarge {
        /// The file.
        path: String,
        /// Its size in bytes.
        found: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A file that installers write about where a package came from: a wheel cannot know.
    #[error("`{path}` is written by installers, a wheel must not bring it")]
    InstallerFile {
        /// The member.
        path: String,
    },
    /// Files that would pass for another project's metadata.
    #[error("`{path}` would be metadata of another project")]
    ForeignMetadata {
        /// The member.
        path: String,
    },
    /// A file of the data folder that would be put into Python's own folders, past every rule
    /// about them, or would change the environment itself.
    #[error("`{path}` would change the environment itself")]
    DataInEnvironment {
        /// The member.
        path: String,
    },

    /// METADATA cannot be read.
    #[error("`{path}`: {error}")]
    Metadata {
        /// The file.
        path: String,
        /// What is wrong.
        error: MetadataError,
    },
    /// METADATA names another project than the file name.
    #[error("METADATA is of the project `{found}`, expected `{expected}` from the file name")]
    MetadataName {
        /// By the file name.
        expected: String,
        /// By METADATA.
        found: String,
    },
    /// METADATA names another version than the file name.
    #[error("METADATA is of the version `{found}`, expected `{expected}` from the file name")]
    MetadataVersion {
        /// By the file name.
        expected: String,
        /// By METADATA.
        found: String,
    },
    /// WHEEL cannot be read, or is of a format that is not known.
    #[error("`{path}`: {error}")]
    Wheel {
        /// The file.
        path: String,
        /// What is wrong.
        error: WheelError,
    },
    /// entry_points.txt cannot be read.
    #[error("`{path}`: {error}")]
    EntryPoints {
        /// The file.
        path: String,
        /// What is wrong.
        error: EntryPointError,
    },

    /// RECORD cannot be read.
    #[error("`{path}`: {error}")]
    Record {
        /// The file.
        path: String,
        /// What is wrong.
        error: RecordError,
    },
    /// A path in RECORD that is no plain relative path.
    #[error("RECORD lists `{path}`, which is not a path inside the wheel")]
    RecordPath {
        /// As written in RECORD.
        path: String,
    },
    /// RECORD lists a file that the wheel does not have.
    #[error("RECORD lists `{path}`, which the wheel does not contain")]
    RecordExtra {
        /// As written in RECORD.
        path: String,
    },
    /// The wheel has a file that RECORD does not list.
    #[error("`{path}` is not listed in RECORD")]
    RecordMissing {
        /// The member.
        path: String,
    },
    /// RECORD gives no digest.
    #[error("RECORD has no digest of `{path}`")]
    RecordNoDigest {
        /// The member.
        path: String,
    },
    /// RECORD gives a digest that can be forged.
    #[error("RECORD has only a weak digest of `{path}`: {digest}, expected sha256 or stronger")]
    RecordWeakDigest {
        /// The member.
        path: String,
        /// The digest.
        digest: Digest,
    },
    /// RECORD gives a digest of itself, which cannot be right.
    #[error("RECORD has a digest or a size of itself")]
    RecordOfItself,
    /// RECORD gives another size.
    #[error("RECORD says that `{path}` has {expected} bytes, and it has {found}")]
    RecordSize {
        /// The member.
        path: String,
        /// By RECORD.
        expected: u64,
        /// By the archive.
        found: u64,
    },
    /// The bytes are not those that RECORD describes.
    #[error("`{path}` is not the file that RECORD describes: expected {expected}, found {found}")]
    RecordDigest {
        /// The member.
        path: String,
        /// By RECORD.
        expected: Digest,
        /// Computed.
        found: Digest,
    },

    /// A command that would be run in place of the interpreter, or when the environment is
    /// activated.
    #[error("the command `{name}` would shadow one of the environment's own")]
    CommandShadows {
        /// The command, or the path of its file.
        name: String,
    },
    /// A command that is defined twice: as entry points, or as an entry point and a file.
    #[error("the command `{name}` is defined twice")]
    CommandTwice {
        /// The command.
        name: String,
    },
    /// An entry point that cannot be a file name everywhere.
    #[error("`{name}` cannot be the name of a command")]
    CommandName {
        /// The command.
        name: String,
    },
    /// A command without a function to call.
    #[error("the command `{name}` names no function to call")]
    CommandWithoutObject {
        /// The command.
        name: String,
    },
}

impl ContentsError {
    /// The name of the rejection, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::DistInfoMissing => "dist-info-missing",
            Self::DistInfoSeveral { .. } => "dist-info-several",
            Self::DistInfoName { .. } => "dist-info-name",
            Self::DataSeveral { .. } => "data-several",
            Self::DataName { .. } => "data-name",
            Self::DataScheme { .. } => "data-scheme",
            Self::FileMissing { .. } => "dist-info-file-missing",
            Self::FileTooLarge { .. } => "limit-metadata-bytes",
            Self::InstallerFile { .. } => "installer-file",
            Self::ForeignMetadata { .. } => "foreign-metadata",
            Self::DataInEnvironment { .. } => "data-in-environment",
            Self::Metadata { .. } => "metadata-malformed",
            Self::MetadataName { .. } => "metadata-name",
            Self::MetadataVersion { .. } => "metadata-version",
            Self::Wheel { error: WheelError::Unsupported { .. }, .. } => "wheel-version",
            Self::Wheel { .. } => "wheel-malformed",
            Self::EntryPoints { error: EntryPointError::Duplicate { .. }, .. }
            | Self::CommandTwice { .. } => "command-twice",
            Self::EntryPoints { error: EntryPointError::Name { .. }, .. }
            | Self::CommandName { .. } => "command-name",
            Self::EntryPoints { .. } => "entry-points-malformed",
            Self::Record { error: RecordError::Conflict { .. }, .. } => "record-conflict",
            Self::Record { .. } => "record-malformed",
            Self::RecordPath { .. } => "record-path",
            Self::RecordExtra { .. } => "record-extra-file",
            Self::RecordMissing { .. } => "record-missing-file",
            Self::RecordNoDigest { .. } => "record-no-digest",
            Self::RecordWeakDigest { .. } => "record-weak-digest",
            Self::RecordOfItself => "record-of-itself",
            Self::RecordSize { .. } => "record-size",
            Self::RecordDigest { .. } => "record-digest",
            Self::CommandShadows { .. } => "command-shadows",
            Self::CommandWithoutObject { .. } => "command-without-object",
        }
    }
}
