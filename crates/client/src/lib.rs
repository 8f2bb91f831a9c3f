//! See ARCHITECTURE.md.
pub mod credentials;
pub mod http;
pub mod interpreter;

pub mod unpack;
pub mod scripts;
pub mod venv;
pub mod install;
pub mod store;
pub mod index;
pub mod settings;
pub mod report;
pub mod gather;
pub mod provenance;
pub mod bytecode;
pub mod environment;
mod parallel;
pub mod verify;
