//! Material for tests of countermark; never part of what is shipped. See ARCHITECTURE.md.

pub mod hook;
pub mod index;
mod listener;
pub mod log;
pub mod mail;
pub mod packse;
pub mod postgres;
pub mod provenance;
pub mod sdist;
pub mod wheel;
