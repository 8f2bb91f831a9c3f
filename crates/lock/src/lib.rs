//! From what a project wants to pins, and from anybody's pins to a judgement.
//!
//! Everything here is a function of values: what an index lists and what a distribution says of
//! itself come in through [`catalogue::Catalogue`], bytes were hashed by others, and `now` is a
//! parameter.

pub mod catalogue;
pub mod edit;
mod files;
pub mod gate;
pub mod input;
pub mod merge;
pub mod moves;
pub mod observe;
pub mod pins;
pub mod relock;
pub mod request;
pub mod resolution;
pub mod resolve;
pub mod target;
pub mod tree;
pub mod wish;
pub mod write;
