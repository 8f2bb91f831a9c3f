//! The documents of Python packaging, parsed.
//!
//! Bytes and texts in, values out. Nothing here opens a file or a socket, reads a clock or the
//! environment; what a document refers to is loaded by the caller. Every parser takes hostile
//! input: it has limits, and it rejects where others repair.

pub mod digest;
pub mod entry_points;
pub mod filename;
pub mod headers;
pub mod listing;
pub mod lock;
pub mod marker;
pub mod metadata;
pub mod name;
pub mod project_json;
pub mod provenance;
pub mod record;
pub mod requirement;
pub mod scheme;
pub mod simple;
pub mod syntax;
pub mod table;
pub mod tags;
pub mod version;
pub mod wheel;
