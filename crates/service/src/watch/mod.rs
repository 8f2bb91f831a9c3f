//! The audit on a schedule: what is new or gone is told, once, and nothing is lost in between.

pub mod db;
pub mod diff;
pub mod finding;
pub mod message;
pub mod schedule;
