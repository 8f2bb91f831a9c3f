//! The folder of a ledger on disk, and what is gathered for it from elsewhere.

pub mod answers;
pub mod book;
pub mod commits;
pub mod costs;
pub mod facts;
pub mod fetch;
pub mod folder;
mod imported;
mod known;
pub mod listed;
pub mod proposed;
pub mod relate;
pub mod sign;
pub mod unmerged;

pub use folder::{Folder, Held, Loaded};
pub use imported::Imported;
