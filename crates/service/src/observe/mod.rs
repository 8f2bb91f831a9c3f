//! The observatory: who pins what, what indexes and distributions say, and which of it disagrees.

pub mod append;
pub mod config;
pub mod crawl;
pub mod db;
pub mod index;
pub mod tell;
