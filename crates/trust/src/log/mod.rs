//! What an outsider saw of a file, in a log that anybody can check: the record, the policy about it, and
//! what an answer of a log proves.
//!
//! Whoever asks a log sends a [`wire::LookupRequest`] and hands the answer to [`lookup::verify`], with
//! the policy and what was [seen](memory::Seen) before. What comes back is true under the policy or
//! [refused](refused::Refused); [`lookup::Checked::judge`] says what it means for a pin. A log that
//! shows two views is convicted by [`evidence`].

pub mod evidence;
pub mod head;
pub mod judge;
pub mod lookup;
pub mod memory;
mod paths;
pub mod policy;
pub mod proofs;
pub mod record;
pub mod refused;
pub mod wire;

#[cfg(test)]
mod tests;
