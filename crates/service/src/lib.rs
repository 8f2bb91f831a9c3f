//! Runs on a schedule and serves: everything with an effect on the operator's side. The map is in
//! ARCHITECTURE.md.
pub mod watch;
