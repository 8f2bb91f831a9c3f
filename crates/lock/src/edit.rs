//! Files that people write, changed where they are meant to change and nowhere else.
//!
//! Bytes in, bytes out. Comments, order, line ends, white space and encoding of everything that is
//! not meant stay as they are; adding something and taking it out again gives the same bytes. What
//! cannot be changed without guessing is refused at its place.

pub mod constraints;
pub mod pyproject;
pub mod requirements;

#[cfg(test)]
mod tests;
