//! The observatory: who pins what, what indexes and distributions say, and which of it disagrees.
