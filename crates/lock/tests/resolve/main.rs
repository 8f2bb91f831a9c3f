//! Resolution, over indexes in memory.
#![expect(clippy::unwrap_used, reason = "tests")]

mod conflicts;
mod laws;
mod meaning;
mod questions;
mod scenario;
mod several;
mod world;
