//! `add`, `remove`, `update`: the file that people write and its lock change together, or not at all.

mod add;
mod files;
mod patches;
mod remove;
mod update;

pub(crate) use add::run as add;
pub(crate) use add::{Added, add_to};
pub(crate) use remove::run as remove;
pub(crate) use update::run as update;
