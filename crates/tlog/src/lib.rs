//! Transparency logs after the C2SP specifications, generic over what an entry is.
//!
//! Pure: no socket, no file, no clock. Whoever reads a log brings the bytes; whoever writes one brings
//! the storage. A root is always recomputed from the leaf and its proof, never taken from an answer, and
//! nothing of a tile is given out before it is proved against a root.
//!
//! Errors have no class here: whether a wrong byte is somebody's crime, a broken disk or a slip in a file
//! is known to whoever asked for it.

pub mod checkpoint;
pub mod cosignature;
pub mod frontier;
pub mod hash;
pub mod note;
pub mod proof;
pub mod reader;
pub mod tile;
pub mod tlog_proof;
pub mod witness;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use frontier::Frontier;
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
