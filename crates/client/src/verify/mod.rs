//! Is the environment still what was installed?
//!
//! A package is proved by the store's tree of the artifact that its provenance record names, and
//! that tree by a seal, or by an archive whose digest is the recorded or locked one. The record
//! itself proves nothing: given a lock, the artifact has to be one that the lock accepts.

mod bytecode;
mod environment;

pub use crate::package::finding::{Finding, Kind};
pub use environment::{Report, Subject, check_environment};
