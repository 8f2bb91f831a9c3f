//! The forms in which findings leave the program, whoever found them: the audit of an index and the
//! gate of a lock write the same SARIF, JUnit and Markdown.
//!
//! Knows nothing of packages. What comes in are texts that others wrote; what goes out cannot move a
//! cursor, break out of a document, or call people.

pub mod document;
pub mod harmless;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod severity;

pub use document::Document;
pub use severity::Severity;
