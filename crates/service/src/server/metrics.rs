//! What the server counts, in the text format of Prometheus.
//!
//! Labels are words of ours only: nothing that a client chooses becomes a series.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry, TextEncoder,
};

/// Seconds; a lookup is to stay below 0.01.
const BUCKETS: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// The metrics of the shell around all routes.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub(super) in_flight: IntGauge,
    pub(super) connections: IntGauge,
    accepted: IntCounter,
    ended: IntCounterVec,
    pub(super) panics: IntCounter,
}

/// Why a connection was ended by us.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    /// Past its deadline.
    Late,
    /// A newcomer took its place.
    Shed,
    /// It found no place.
    Refused,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When the registry has metrics of the same names already.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("countermark_http_requests_total", "Requests that were answered."),
                &["route", "method", "status"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "countermark_http_request_seconds",
                    "Time from the head of a request to its answer.",
                )
                .buckets(BUCKETS.to_vec()),
                &["route"],
            )?,
            in_flight: IntGauge::new(
                "countermark_http_requests_in_flight",
                "Requests whose answer is not gone yet.",
            )?,
            connections: IntGauge::new(
                "countermark_http_connections",
                "Connections that are open.",
            )?,
            accepted: IntCounter::new(
                "countermark_http_connections_total",
                "Connections that were accepted.",
            )?,
            ended: IntCounterVec::new(
                Opts::new(
                    "countermark_http_connections_ended_total",
                    "Connections that the server ended: late, shed for a newcomer, refused.",
                ),
                &["reason"],
            )?,
            panics: IntCounter::new(
                "countermark_http_panics_total",
                "Requests that ended in a panic, which is a bug.",
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.accepted.clone()))?;
        registry.register(Box::new(metrics.ended.clone()))?;
        registry.register(Box::new(metrics.panics.clone()))?;
        for reason in [Ended::Late, Ended::Shed, Ended::Refused] {
            metrics.ended.with_label_values(&[reason.word()]);
        }
        Ok(metrics)
    }

    pub(super) fn count_request(
        &self,
        route: &'static str,
        method: &Method,
        status: StatusCode,
        time: Duration,
    ) {
        // Any token is a method; the others would be names that clients choose.
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            _ => "other",
        };
        self.requests.with_label_values(&[route, method, status.as_str()]).inc();
        self.histogram(route).observe(time.as_secs_f64());
    }

    fn histogram(&self, route: &'static str) -> Histogram {
        self.seconds.with_label_values(&[route])
    }

    pub(super) fn count_accepted(&self) {
        self.accepted.inc();
    }

    pub(super) fn count_ended(&self, reason: Ended, number: usize) {
        self.ended.with_label_values(&[reason.word()]).inc_by(number as u64);
    }
}

impl Ended {
    const fn word(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Shed => "shed",
            Self::Refused => "refused",
        }
    }
}

/// All metrics of a registry, as text.
pub(super) fn render(registry: &Registry) -> prometheus::Result<(Vec<u8>, String)> {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    encoder.encode(&registry.gather(), &mut text)?;
    // Counted for the whole process, and so in no registry.
    let name = "countermark_log_lines_dropped_total";
    let dropped = super::logging::dropped();
    let help = "Lines for standard error that nobody read in time.";
    text.extend_from_slice(
        format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {dropped}\n").as_bytes(),
    );
    Ok((text, encoder.format_type().to_owned()))
}
