//! The command as people run it, against indexes and wheels made on the spot. No network but
//! loopback, nothing of the machine's own configuration.

#![allow(missing_docs, reason = "tests explain themselves by their names")]

mod audit;
mod compile;
mod docs;
mod faults;
mod gate;
mod gauntlet;
mod handbook;
mod init;
mod input;
mod lock;
mod log_client;
#[cfg(feature = "service")]
mod log_operator;
#[cfg(feature = "service")]
mod observe_feed;
mod observe_once;
mod packse;
mod relock;
mod roles;
mod smoke;
mod support;
mod tamper;
mod tree;
mod vendor;
mod vet;
#[cfg(feature = "service")]
mod watch;
