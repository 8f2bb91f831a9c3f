//! Asks a log: are these the bytes that everyone else got?
//!
//! | module | what |
//! |---|---|
//! | `pin` | a pin as a log can be asked about it, and whether its name may leave this machine |
//! | `client` | what the answer is to a command: notes, refusals, alarms, by the mode of the policy |
//! | `ask` | one verified answer that continues what was seen last |
//! | `reach` | the paths of a log, and how much may come from each |
//! | `state` `answers` | what is kept: the last checkpoint, what was proved lately, evidence |
//! | `look` | everything about a release, for a person |
//! | `proofs` | the proofs beside a lock, without any network |
//! | `watch` `monitor` | every entry, for the owners of names |
//! | `place` | a log that is in no policy yet |
//!
//! Nothing of an answer is used before [`countermark_trust::log`] verified all of it.

mod answers;
mod ask;
mod client;
mod look;
mod monitor;
mod pin;
mod place;
mod proofs;
mod reach;
mod state;
mod watch;

pub use client::{LogClient, Occasion, Outcome};
pub use look::{Found, LogHead, Looked, Question};
pub use monitor::{News, Watched};
pub use pin::{PinToCheck, ServedBy, Withheld};
pub use place::LogPlace;
pub use proofs::{ProofError, proof_name};
pub use reach::ReachError;
pub use watch::Monitored;
