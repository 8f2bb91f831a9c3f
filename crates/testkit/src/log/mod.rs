//! A log that can lie.
//!
//! A [`LogScenario`] is data: the records, the keys (from fixed seeds), the witnesses, the time, and by
//! which [`Lie`]s the log misbehaves; without any it is honest. A [`LogServer`] serves it over HTTP/1.1
//! on a free port of the loopback interface, remembers every request with its body, so that a test can
//! prove what never left the client, and stops when it is dropped.
//!
//! Paths: `/checkpoint`, `/tile/…`, `/tile/entries/…`, `/log.json` and `POST /lookup`, as
//! [tlog-tiles](https://c2sp.org/tlog-tiles) and `countermark_trust::log::wire` have them.

mod answer;
mod scenario;
mod server;

pub use answer::{Answer, Log};
pub use scenario::{Lie, LogScenario, observation, second_digest};
pub use server::{LogRequest, LogServer};
