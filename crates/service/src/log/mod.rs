//! A log of observations: storage, sequencing, and what an operator does with it.

pub mod api;
pub mod config;
pub mod engine;
pub mod fsck;
pub mod objects;
pub mod operator;
pub mod postgres;
pub mod sequencer;
pub mod sqlite;
pub mod store;
pub mod tiles;
pub mod transfer;
