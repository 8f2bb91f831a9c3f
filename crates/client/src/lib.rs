//! See ARCHITECTURE.md.
pub mod credentials;
pub mod http;
pub mod interpreter;

pub mod unpack;
pub mod scripts;
