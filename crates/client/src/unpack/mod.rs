//! Unpacks wheels, and refuses those that are not what they seem.
//!
//! [`plan`] decides what would be installed, without writing anything: the archive's structure,
//! the names in it, its metadata and RECORD. [`extract`] hands the files to a [`Sink`] and
//! compares every byte with RECORD on the way. Nothing in a wheel is trusted, also not in one
//! that was pinned: the person who pinned it did not look inside.
//!
//! Rejects, never repairs. Where readers of wheels disagree about what one contains, it is
//! refused, however it was meant; where wheels in use depart from a rule harmlessly, the rule
//! gives way and says so beside the code.
//!
//! Specifications: the binary distribution format
//! (<https://packaging.python.org/en/latest/specifications/binary-distribution-format/>),
//! recording installed packages, entry points; APPNOTE.TXT 6.3.10; RFC 1951.

mod commands;
mod contents;
mod error;
mod extract;
mod inflate;
mod limits;
mod members;
mod path;
mod placement;
mod plan;
mod record;
mod source;
mod zip;

pub use contents::ContentsError;
pub use error::UnpackError;
pub use extract::{ExtractedFile, Extractor, Sink, extract, plan};
pub use inflate::DataFault;
pub use limits::Limits;
pub use members::{Visitor, read_listed_members, read_members, walk_members};
pub use path::PathError;
pub use plan::{Plan, PlanNote, PlannedFile};
pub use source::ReadAt;
pub use zip::{HeaderField, LimitKind, ZipError};
