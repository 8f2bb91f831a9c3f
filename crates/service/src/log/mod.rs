//! A log of observations: storage, sequencing, and what an operator does with it.

pub mod sqlite;
pub mod store;
pub mod tiles;
