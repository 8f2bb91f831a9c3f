//! See ARCHITECTURE.md.
pub mod scheme;
