//! What is counted of a log.

use jiff::Timestamp;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::log::store::{Counts, Published};

#[derive(Clone, Debug)]
pub(super) struct Metrics {
    size: IntGauge,
    checkpoint: IntGauge,
    entries: IntGauge,
    pending: IntGauge,
    projects: IntGauge,
    alarms: IntGauge,
    lookups: IntCounter,
    names: IntCounter,
    appended: IntCounterVec,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let appended = IntCounterVec::new(
            Opts::new("countermark_log_appended_total", "Records that observers handed in."),
            &["status"],
        )?;
        registry.register(Box::new(appended.clone()))?;
        for status in ["new", "known", "conflict"] {
            appended.with_label_values(&[status]);
        }
        Ok(Self {
            size: gauge("countermark_log_size", "Entries of the published tree.")?,
            checkpoint: gauge(
                "countermark_log_checkpoint_time_seconds",
                "The time in the published checkpoint, in seconds since 1970.",
            )?,
            entries: gauge("countermark_log_entries", "Records with a place in the tree.")?,
            pending: gauge("countermark_log_pending", "Records without a place yet.")?,
            projects: gauge("countermark_log_projects", "Projects that have a record.")?,
            alarms: gauge("countermark_log_alarms", "Second digests for one file name, ever.")?,
            lookups: counter("countermark_log_lookups_total", "Look-ups.")?,
            names: counter(
                "countermark_log_lookup_names_total",
                "Files and releases that were looked up.",
            )?,
            appended,
        })
    }

    pub(super) fn checkpoint(&self, published: Option<&Published>) {
        let number = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
        self.size.set(published.map_or(0, |it| number(it.size)));
        self.checkpoint.set(published.map_or(Timestamp::UNIX_EPOCH, |it| it.at).as_second());
    }

    pub(super) fn counts(&self, counts: &Counts) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.entries.set(number(counts.entries));
        self.pending.set(number(counts.pending));
        self.projects.set(number(counts.projects));
        self.alarms.set(number(counts.alarms));
    }

    pub(super) fn count_lookup(&self, names: usize) {
        self.lookups.inc();
        self.names.inc_by(names as u64);
    }

    pub(super) fn count_appended(&self, new: usize, known: usize, conflicts: usize) {
        for (status, count) in [("new", new), ("known", known), ("conflict", conflicts)] {
            self.appended.with_label_values(&[status]).inc_by(count as u64);
        }
    }
}
