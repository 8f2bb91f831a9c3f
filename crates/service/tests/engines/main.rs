//! What both databases and both kinds of tile stores promise, on real ones: SQLite, PostgreSQL (whose
//! programs the tests start), a folder, and an object store that speaks S3 (`s3s-fs`, in process).
#![allow(clippy::unwrap_used, reason = "tests")]

mod combinations;
#[path = "../contract/mod.rs"]
mod contract;
mod crash;
mod leaders;
mod material;
mod objects;
mod postgres;
mod s3;
