//! The pins that projects publish, compared by file name.
//!
//! Decides, from what many locks say of the files of releases, where two of them disagree, and what
//! explains it: one class a kind of explanation ([`class`]), with the evidence, and what nothing
//! explains is an alarm. Locks are not trusted, and neither are their names for files: a writer may
//! have made them up. A version alone is never compared, because files are added to a release.
//!
//! What is published by distributions is read by [`published`].

pub mod class;
mod compare;
mod dispute;
mod finding;
mod ground;
pub mod list;
mod origins;
pub mod published;
mod read;
pub mod report;
pub mod saved;
mod statement;

#[cfg(test)]
mod tests;

pub use compare::compare;
pub use finding::{Finding, MAXIMUM_PINS, MAXIMUM_SIDES, Pinned, Side};
pub use ground::lies_below_fixtures;
pub use read::{Read, format_of_path, has_digests, may_be_requirements, read, read_listing};
pub use report::{Report, Share, Tally, Unread};
pub use statement::{LISTING, Lock, Moment, Origin, Pin, Stated, Statement, Statements};
