//! Runs on a schedule and serves: everything with an effect on the operator's side. The map is in
//! ARCHITECTURE.md.
pub mod inspect;
pub mod log;
pub mod observe;
pub mod server;
pub mod watch;
pub mod web;
pub mod witness;
