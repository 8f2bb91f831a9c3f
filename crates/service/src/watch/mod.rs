//! The audit on a schedule: what is new or gone is told, once, and nothing is lost in between.

pub mod auditor;
pub mod config;
pub mod db;
pub mod diff;
pub mod finding;
pub mod message;
pub mod plan;
pub mod schedule;
pub mod secret;
pub mod send;
pub mod trouble;
pub mod watcher;
