//! Trees that are made here, with their history.
