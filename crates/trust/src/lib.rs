//! Does the evidence support this artifact under this policy?
//!
//! The only crate that can say yes: [`Verified`] has no public constructor, and whoever wants one
//! has to hand over bytes ([`ArtifactVerifier`]) or a tree that follows from bytes that were seen
//! before ([`tree`]). No socket, no file and no clock below this line.

pub mod artifact;
pub mod change;
mod class;
pub mod likeness;
pub mod log;
pub mod openpgp;
pub mod pin;
pub mod policy;
pub mod popular;
pub mod tree;

pub use artifact::{Artifact, ArtifactVerifier, Rejection, Verified};
pub use class::Class;
pub use pin::Pin;
