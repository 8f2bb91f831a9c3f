//! The HTTP server that the log, the witness and the pages share: limits, life and death of connections.
//!
//! It decides who is listened to for how long and how much of it is kept; it trusts no client. A part
//! (the log, the witness, the web pages) brings its routes in [`Parts`] and gets every request whole: with a
//! path that is no trick, from an address that did not ask too often, with a place to work in. Bodies
//! are read through [`read_body`]. TLS is the business of a proxy before it.
//!
//! * One table of connections with deadlines ([`Limits`]): slow heads, stalled bodies and answers that
//!   nobody reads end; when all places are taken, the connection that idles for longest gives way.
//! * A bucket of requests for each client address; a bounded number of requests in flight; one memory
//!   for large bodies.
//! * Errors are problem documents ([`Problem`]), which tell nothing about the inside.
//! * HTTP/1.1 only: RFC 9112 through `hyper`.

mod address;
mod body;
mod connections;
mod health;
mod limits;
mod listen;
pub mod logging;
mod metrics;
mod problem;
mod rate;
mod shell;
#[cfg(test)]
mod tests;

use axum::Router;
use prometheus::Registry;

pub use body::{Memory, Share, hold, read_body};
pub use health::{Check, Checking};
pub use limits::{Limits, Options};
pub use listen::{Stopped, serve};
pub use problem::Problem;
pub use shell::{ClientAddress, RequestId};

/// What a server is made of.
#[derive(Debug)]
pub struct Parts {
    router: Router,
    segments: Vec<&'static str>,
    checks: Vec<Check>,
    /// Where parts register their metrics.
    pub registry: Registry,
    /// The memory for large bodies, which parts share.
    pub memory: Memory,
}

impl Parts {
    /// Nothing yet but the health of the server, within the limits that it will be run with.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            router: Router::new(),
            segments: vec!["healthz", "readyz", "metrics"],
            checks: Vec::new(),
            registry: Registry::new(),
            memory: Memory::new(limits.memory, limits.turn_time),
        }
    }

    /// With more routes. `segments` are the first parts of their paths, by which metrics are labelled;
    /// all others count as `other`.
    ///
    /// # Panics
    /// When two parts have the same path.
    #[must_use]
    pub fn merge(mut self, router: Router, segments: &[&'static str]) -> Self {
        self.router = self.router.merge(router);
        self.segments.extend_from_slice(segments);
        self
    }

    /// With something more that has to be there for `readyz`.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    fn into_router(self) -> (Router, Vec<&'static str>) {
        let router = self
            .router
            .merge(health::routes(self.checks, self.registry))
            .fallback(|| async { Problem::not_found() })
            .method_not_allowed_fallback(|| async { method_not_allowed() });
        (router, self.segments)
    }
}

fn method_not_allowed() -> Problem {
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "method-not-allowed", "this address has no such method")
}
