//! See ARCHITECTURE.md.
pub mod credentials;
pub mod http;
pub mod interpreter;
