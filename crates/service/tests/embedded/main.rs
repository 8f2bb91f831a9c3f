//! The embedded engine and the folder of tiles: what every engine promises (`tests/contract`), and what only
//! these do.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../contract/mod.rs"]
mod contract;
mod crash;
mod directory;
mod torn;
