//! Snapshots of facts, written and read.
