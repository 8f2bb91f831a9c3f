//! What is said of one file: the words of `docs/vet-relate.md`, one item each.

use std::fmt;

/// A difference that is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permit {
    /// `METADATA` says what `PKG-INFO` says, where it matters.
    Metadata,
    /// `RECORD`, which every installer checks.
    Record,
    /// `WHEEL`, with the fields that are known.
    Wheel,
    /// `entry_points.txt` follows from what the source distribution declares.
    EntryPoints,
    /// A text about rights in the folder of metadata.
    Licence,
    /// A list in the folder of metadata that decides nothing.
    Listing,
    /// A file that only says the version.
    VersionFile,
    /// A module that differs in the line with its version.
    VersionLine,
    /// A text with other ends of lines.
    LineEndings,
    /// An empty `py.typed`.
    Typed,
    /// A command of which only the line with the interpreter was rewritten.
    FirstLine,
    /// A package that gives the names of a compiled module and does nothing else.
    Reexport,
    /// A file of the other one, compressed.
    Compressed,
}

impl Permit {
    /// All, in the order of the page.
    pub const ALL: [Self; 13] = [
        Self::Metadata,
        Self::Record,
        Self::Wheel,
        Self::EntryPoints,
        Self::Licence,
        Self::Listing,
        Self::VersionFile,
        Self::VersionLine,
        Self::LineEndings,
        Self::Typed,
        Self::FirstLine,
        Self::Reexport,
        Self::Compressed,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Record => "record",
            Self::Wheel => "wheel",
            Self::EntryPoints => "entry-points",
            Self::Licence => "licence",
            Self::Listing => "listing",
            Self::VersionFile => "version-file",
            Self::VersionLine => "version-line",
            Self::LineEndings => "line-endings",
            Self::Typed => "typed",
            Self::FirstLine => "first-line",
            Self::Reexport => "re-export",
            Self::Compressed => "compressed",
        }
    }
}

/// Why a file is not explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The other file of the release has nothing there.
    Added,
    /// It has other bytes there.
    Changed,
    /// It has these bytes, and only in another place.
    Moved,
    /// A module of a package that is there lacks.
    Dropped,
    /// It runs at every start of Python, and no file of the build names it.
    Starts,
    /// It is a command, and not one of the other file.
    Command,
    /// It is installed outside of packages, and not from the same place.
    Data,
    /// Machine code under a name that is not one of machine code, or the name without the code; bytecode.
    Program,
    /// Metadata that cannot be read or does not agree.
    Metadata,
    /// It wants other projects.
    Requirements,
    /// Its entry points are others.
    EntryPoints,
    /// Metadata of another release, or a folder that installers do not know.
    Foreign,
    /// It and another file have one place on some disks.
    Collision,
}

impl Reason {
    /// All, in the order of the page.
    pub const ALL: [Self; 13] = [
        Self::Added,
        Self::Changed,
        Self::Moved,
        Self::Dropped,
        Self::Starts,
        Self::Command,
        Self::Data,
        Self::Program,
        Self::Metadata,
        Self::Requirements,
        Self::EntryPoints,
        Self::Foreign,
        Self::Collision,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Dropped => "dropped",
            Self::Starts => "starts-by-itself",
            Self::Command => "command",
            Self::Data => "data",
            Self::Program => "program",
            Self::Metadata => "metadata-differs",
            Self::Requirements => "requirements-differ",
            Self::EntryPoints => "entry-points-differ",
            Self::Foreign => "foreign",
            Self::Collision => "collision",
        }
    }
}

/// What a file of the wheel is to the other file of the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same bytes in the place that corresponds.
    Same,
    /// A permitted difference.
    Permitted(Permit),
    /// Machine code where machine code belongs: it needs its own word.
    Compiled,
    /// Nothing explains it.
    Unexplained(Reason),
}

/// A file and what it is; files that are the same are only counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it is in the wheel, without the version; a dropped one, where it would be.
    pub path: String,
    /// What it is.
    pub verdict: Verdict,
}

impl fmt::Display for Finding {
    /// As `relations.toml` has it: the code, a space, the path.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Same => write!(formatter, "same {}", self.path),
            Verdict::Permitted(permit) => write!(formatter, "{} {}", permit.code(), self.path),
            Verdict::Compiled => formatter.write_str(&self.path),
            Verdict::Unexplained(reason) => write!(formatter, "{} {}", reason.code(), self.path),
        }
    }
}
