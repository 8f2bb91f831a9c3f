//! Asks a log about pins, and remembers what it said.
