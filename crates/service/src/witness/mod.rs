//! Cosigns checkpoints that were checked for consistency.
