//! What the watch costs the index, and how soon it sees: the arithmetic, with figures that were
//! measured where there are some.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::config::shown_duration;
use super::db::Traffic;
use super::schedule::Rhythm;

/// Bytes of an answer without a body, with TLS around it; an assumption, never measured.
const BARE_ANSWER: f64 = 500.0;
/// Bytes of an answer with a body, compressed, where none was measured.
const ASSUMED_BODY: f64 = 30_000.0;
/// The share of answers with a body, where it was not measured: those about roles, and pages that
/// changed.
const ASSUMED_SHARE: f64 = 0.07;
/// The share of pages that changed since they were last asked for; an assumption.
const ASSUMED_CHANGED: f64 = 0.01;
/// Fewer requests than these measure nothing.
const ENOUGH: u64 = 500;
/// Seconds that a step takes, where nothing says more: asking, judging and delivering.
const ASSUMED_STEP: f64 = 15.0;

/// The figures of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// How many projects are looked at.
    pub projects: u64,
    /// How often.
    pub rhythm: Rhythm,
    /// What earlier runs cost.
    pub measured: Traffic,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Pages a second.
    pub page_rate: f64,
    /// Documents with roles a second.
    pub role_rate: f64,
    /// Bytes an hour.
    pub hourly_bytes: f64,
    /// Seconds from an upload until it is told of, at most.
    pub worst_delay: f64,
}

struct Averages {
    body: f64,
    share: f64,
    is_measured: bool,
}

impl Plan {
    /// The arithmetic.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let averages = self.averages();
        let projects = self.projects as f64;
        let page_rate = projects / self.average(self.rhythm.pages);
        // A page that changed makes one more request, for the roles.
        let role_rate = projects / self.average(self.rhythm.roles) + page_rate * ASSUMED_CHANGED;
        let an_answer = averages.share * averages.body + (1.0 - averages.share) * BARE_ANSWER;
        let hourly_bytes = 3600.0 * (page_rate + role_rate) * an_answer;
        // A project that falls due just after a step began waits for its end, and is in the next.
        let worst_delay = self.rhythm.pages.as_secs_f64() + 2.0 * ASSUMED_STEP;
        Cost { page_rate, role_rate, hourly_bytes, worst_delay }
    }

    /// Chance shortens each interval by half of the jitter on average.
    fn average(&self, interval: SignedDuration) -> f64 {
        interval.as_secs_f64() * (1.0 - self.rhythm.jitter / 2.0)
    }

    fn averages(&self) -> Averages {
        let measured = &self.measured;
        let whole = measured.requests.saturating_sub(measured.unchanged);
        if whole == 0 || measured.bytes == 0 || measured.requests < ENOUGH {
            return Averages { body: ASSUMED_BODY, share: ASSUMED_SHARE, is_measured: false };
        }
        let ratio = |one: u64, other: u64| one as f64 / other as f64;
        let (body, share) = (ratio(measured.bytes, whole), ratio(whole, measured.requests));
        Averages { body, share, is_measured: true }
    }

    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        let (cost, averages) = (self.cost(), self.averages());
        let rhythm = &self.rhythm;
        let known = if averages.is_measured { "measured" } else { "assumed" };
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} projects; a page every {} at most, roles every {} and whenever a page changed; \
             jitter shortens this by {:.0} % on average\n",
            self.projects,
            shown_duration(rhythm.pages),
            shown_duration(rhythm.roles),
            rhythm.jitter * 50.0
        );
        let (pages, roles) = (self.average(rhythm.pages), self.average(rhythm.roles));
        let _ = writeln!(text, "requests");
        let _ = writeln!(
            text,
            "  pages  {} / {pages:.0} s = {:.2} a second, {:.0} an hour",
            self.projects,
            cost.page_rate,
            cost.page_rate * 3600.0
        );
        let _ = writeln!(
            text,
            "  roles  {} / {roles:.0} s, and for {:.0} % of the pages (assumed) = {:.2} a second, {:.0} an hour",
            self.projects,
            ASSUMED_CHANGED * 100.0,
            cost.role_rate,
            cost.role_rate * 3600.0
        );
        let _ = writeln!(text, "  all    {:.2} a second\n", cost.page_rate + cost.role_rate);
        let _ = writeln!(text, "bytes");
        let _ = writeln!(
            text,
            "  answers with a body  {:.1} % ({known}) of {:.0} B ({known})",
            averages.share * 100.0,
            averages.body
        );
        let _ = writeln!(
            text,
            "  all others           {:.1} % of {BARE_ANSWER:.0} B (assumed)",
            100.0 - averages.share * 100.0
        );
        let _ = writeln!(text, "  all    {:.1} MB an hour\n", cost.hourly_bytes / 1e6);
        let _ = writeln!(
            text,
            "an upload is told of within {:.0} s: {:.0} s until its page is due, and at most two steps \
             of about {ASSUMED_STEP:.0} s (assumed) for asking, judging and sending",
            cost.worst_delay,
            rhythm.pages.as_secs_f64()
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(projects: u64, measured: Traffic) -> Plan {
        Plan { projects, rhythm: Rhythm::default(), measured }
    }

    #[test]
    fn a_thousand_projects_are_seen_in_five_minutes_politely() {
        let cost = plan(1000, Traffic::default()).cost();
        assert!(cost.worst_delay <= 300.0, "{cost:?}");
        assert!((4.0..5.0).contains(&cost.page_rate), "{cost:?}");
        assert!(cost.page_rate + cost.role_rate < 5.0, "{cost:?}");
        assert!(cost.hourly_bytes < 100e6, "{cost:?}");
    }

    #[test]
    fn figures_that_were_measured_take_the_place_of_assumptions() {
        let measured = Traffic { requests: 1000, unchanged: 900, bytes: 5_000_000 };
        let averages = plan(10, measured).averages();
        assert!((averages.share - 0.1).abs() < 1e-9);
        assert!((averages.body - 50_000.0).abs() < 1e-9);
        let text = plan(10, measured).describe();
        assert!(text.contains("10.0 % (measured) of 50000 B (measured)"), "{text}");
        let assumed = plan(10, Traffic::default()).describe();
        assert!(assumed.contains("7.0 % (assumed) of 30000 B (assumed)"), "{assumed}");
        let few = Traffic { requests: ENOUGH - 1, ..measured };
        assert!(!plan(10, few).averages().is_measured);
        // Ten times the projects, ten times the cost.
        let (one, ten) = (plan(10, measured).cost(), plan(100, measured).cost());
        assert!((ten.hourly_bytes / one.hourly_bytes - 10.0).abs() < 1e-9);
    }
}
