//! The four files of a ledger: `reviews.toml`, `ledger.toml`, `facts.toml`, `relations.toml`.
//!
//! Readers tell every mistake at its place and guess nothing; writers give the same bytes for the same
//! values, so that two tools never fight over a file and a difference shows what changed. Everything read
//! here is somebody else's until its digest or signature was checked: sizes and counts are bounded by the
//! constants of [`limits`], the parser does not recurse deeper than it says, and text that people cannot
//! see is refused. TOML is that of <https://toml.io/en/v1.0.0>, of which the files use a part:
//! `docs/ledger-format.md` is the frozen description.

mod blocks;
mod canonical;
pub mod codes;
mod decide;
mod decided;
pub mod edit;
mod machine;
mod projects;
mod quote;
mod review;
mod reviews;
pub mod section;
mod sections;
mod value;

pub use machine::Relations;
pub use quote::quoted;
pub use reviews::{Entry, ReviewFile, write};

/// How much is read.
pub mod limits {
    /// The most bytes of a `reviews.toml`.
    pub const REVIEWS: usize = 256 << 20;
    /// The most bytes of a `ledger.toml`.
    pub const LEDGER: usize = 16 << 20;
    /// The most bytes of a `facts.toml` or a `relations.toml`.
    pub const MACHINE: usize = 64 << 20;
    /// The most reviews in a file.
    pub const BLOCKS: usize = 1_000_000;
    /// The most bytes of one review.
    pub const BLOCK: usize = 512 << 10;
    /// The most files in one list.
    pub const FILES: usize = 2_000;
    /// The most bytes of notes, reasons and descriptions.
    pub const NOTES: usize = 32 << 10;
    /// The most bytes of an author's name.
    pub const AUTHOR: usize = 200;
    /// The most bytes of a signature as it is written.
    pub const SIGNATURE: usize = 64 << 10;
    /// The most criteria of one review, and of one ledger.
    pub const CRITERIA: usize = 64;
}

#[cfg(test)]
mod decisions_tests;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
