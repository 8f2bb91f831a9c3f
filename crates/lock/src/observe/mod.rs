//! The pins that projects publish, compared by file name.

pub mod published;
