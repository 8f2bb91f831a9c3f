//! Somebody changes what was checked: in the store, in an environment, in what we remember. None
//! of it is installed or passed over in silence.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod environment;
mod foreign;
mod owners;
mod poisoned;
mod scene;
mod stored;
mod undecided;
