//! Talks to indexes, keeps the store, changes environments: everything with an effect on the side of
//! those who install. The map is in ARCHITECTURE.md.
//!
//! What comes from outside passes `trust` before it is parsed by anything but the verifier, stored
//! as good, or installed.

pub mod bytecode;
pub mod catalogue;
pub mod contents;
pub mod credentials;
pub mod environment;
pub mod facts;
pub mod gather;
pub mod http;
pub mod index;
pub mod inside;
pub mod install;
pub mod interpreter;
pub mod ledger;
pub mod locked;
pub mod log;
mod origin;
pub mod package;
mod parallel;
pub mod provenance;
mod receive;
pub mod records;
pub mod report;
pub mod scripts;
pub mod settings;
pub mod sight;
pub mod store;
pub mod system;
pub mod trees;
pub mod unpack;
pub mod vendored;
pub mod venv;
pub mod verify;
