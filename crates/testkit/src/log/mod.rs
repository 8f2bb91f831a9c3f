//! A log that can lie.
