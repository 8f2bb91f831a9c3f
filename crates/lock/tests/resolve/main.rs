//! Resolution, over indexes in memory.
#![expect(clippy::unwrap_used, reason = "tests")]

mod meaning;
mod scenario;
mod several;
mod world;
