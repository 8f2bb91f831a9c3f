//! What one server gives to all of its clients together, and to each.

use std::net::IpAddr;
use std::time::Duration;

/// The limits of a server. All of them hold at once, so memory is bounded by
/// `connections * head_bytes + memory`, whatever clients do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at once; one more takes the place of the one that has been idle for longest.
    pub connections: usize,
    /// Bytes of the head of a request; more is answered with 431.
    pub head_bytes: usize,
    /// Lines of the head of a request.
    pub head_lines: usize,
    /// Bytes of a path with its query; more is answered with 414.
    pub target_bytes: usize,
    /// How long a connection may go without a whole head: before the first request, and between two.
    pub idle_time: Duration,
    /// How long a request may take, its body included.
    pub request_time: Duration,
    /// How long an answer may take to be read, beside what `least_rate` allows for its length.
    pub answer_time: Duration,
    /// Bytes per second at which a client has to take an answer.
    pub least_rate: u64,
    /// Requests that are worked on at once; others wait a moment and are answered with 503.
    pub requests: usize,
    /// How long a request waits for its turn.
    pub turn_time: Duration,
    /// Bytes of large bodies and answers, of all requests together.
    pub memory: usize,
    /// How long running requests may take when the server stops.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            head_bytes: 16 << 10,
            head_lines: 64,
            target_bytes: 2048,
            idle_time: Duration::from_secs(20),
            request_time: Duration::from_secs(60),
            answer_time: Duration::from_secs(20),
            least_rate: 16 << 10,
            requests: 256,
            turn_time: Duration::from_secs(2),
            memory: 256 << 20,
            stop_time: Duration::from_secs(10),
        }
    }
}

/// How a server is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What it gives.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Requests a second that one client address may make on average, and three times as many at
    /// once; `None` for no limit.
    pub rate: Option<u32>,
}
