//! What goes wrong around a run: it is stopped or killed, disks are full or read-only, the index
//! goes away, another run is there as well. Afterwards an environment is the old or the new one.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod big;
mod disk;
mod killed;
mod network;
mod stepped;
mod together;
