//! The lock files of project trees, with their history.
