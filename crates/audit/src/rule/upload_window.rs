//! An upload that does not fit its approval.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Document, Rule};
use crate::dossier::{Dossier, Identity, Judgement, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::rule::words::day;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct UploadWindow;

/// This many on one day of approval are an import of old releases, not approvals.
const IMPORT: usize = 4;

impl Rule for UploadWindow {
    fn code(&self) -> &'static str {
        "upload-window"
    }

    fn document(&self) -> Document {
        Document {
            title: "an upload outside the window around its approval",
            what: "An official release that was uploaded earlier or later than the days around its \
                approval allow (`days-before-approval` 1, `days-after-approval` 3). Only for records \
                that know days of approval; releases that were written into the records long after, \
                many at once, are not judged by them. One grouped finding for a project: low, and \
                medium where somebody else holds a role.",
            why: "An upload from before the approval was not made by the release job; one from long \
                after it may be somebody filling a gap.",
            remedy: "Look into the log of the release job of that day. Accept the finding with the \
                reason if a person uploaded the release by hand.",
            example: "`low  example-tool  1.4.0  uploaded 12 days after its approval` — the job was \
                broken, and somebody uploaded from a laptop.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let thresholds = &dossier.context.federation.thresholds;
        let approvals = Approvals::of(dossier);
        let odd: Vec<(&ReleaseCase<'_>, SignedDuration)> = dossier
            .judged(|judgement| *judgement == Judgement::Official)
            .filter_map(|case| {
                let delay = case.uploaded()?.duration_since(case.approved()?);
                let days = delay.as_secs() as f64 / 86_400.0;
                let is_odd = days < -(thresholds.days_before_approval as f64)
                    || days > thresholds.days_after_approval as f64 + 1.0;
                (is_odd && !is_import(&approvals, case, delay)).then_some((case, delay))
            })
            .collect();
        let Some((first, delay)) = odd.first() else { return };
        let is_open = dossier.identity == Identity::Ours && !dossier.strangers().is_empty();
        let severity = if is_open { Severity::Medium } else { Severity::Low };
        let days = delay.as_hours() / 24;
        let message = match (odd.len(), days) {
            (1, ..0) => format!("uploaded {} day(s) before its approval", -days),
            (1, _) => format!("uploaded {days} day(s) after its approval"),
            (count, _) => {
                format!("{count} releases were uploaded outside the window of their approval")
            }
        };
        let mut finding = Finding::new(self.code(), severity, dossier.name, message)
            .versions(odd.iter().map(|(case, _)| case.text));
        for (case, _) in odd.iter().take(5) {
            let (Some(approved), Some(uploaded)) = (case.approved(), case.uploaded()) else {
                continue;
            };
            let text = format!(
                "{} was approved on {} and uploaded on {}",
                case.text,
                day(approved),
                day(uploaded)
            );
            finding = finding.evidence(case.place().unwrap_or("records"), text);
        }
        let step = format!("look into the log of the release job of {}", first.text);
        findings.push(finding.next(step));
    }
}

/// How many releases were approved on each day, in all and by cycle, counted once for all of them.
#[derive(Default)]
struct Approvals<'a> {
    days: BTreeMap<Date, usize>,
    cycles: BTreeMap<(Date, &'a str), usize>,
}

impl<'a> Approvals<'a> {
    fn of(dossier: &'a Dossier<'_>) -> Self {
        let mut found = Self::default();
        for case in &dossier.releases {
            let Some(approved) = case.approved() else { continue };
            let date = approved.to_zoned(TimeZone::UTC).date();
            *found.days.entry(date).or_default() += 1;
            if let Some(cycle) = cycle(case) {
                *found.cycles.entry((date, cycle)).or_default() += 1;
            }
        }
        found
    }
}

fn cycle<'a>(case: &'a ReleaseCase<'_>) -> Option<&'a str> {
    case.official.iter().find_map(|one| one.series.as_deref())
}

/// Whether a release was written down long after it was made: early uploads of several releases that
/// share their day of approval.
fn is_import(approvals: &Approvals<'_>, case: &ReleaseCase<'_>, delay: SignedDuration) -> bool {
    if delay.is_positive() {
        return false;
    }
    let Some(day) = case.approved().map(|at| at.to_zoned(TimeZone::UTC).date()) else {
        return false;
    };
    let same = approvals.days.get(&day).copied().unwrap_or_default();
    let first_day = approvals.days.first_key_value().map(|(day, _)| *day);
    // Nobody approves two releases of one cycle on one day: one of them had been there before.
    let of_cycle = cycle(case).and_then(|cycle| approvals.cycles.get(&(day, cycle)));
    same >= IMPORT || of_cycle.is_some_and(|count| *count > 1) || first_day == Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn uploaded(day: &str) -> Fixture {
        Fixture::new("tool").released("0.9", "2019-01-01").official("1.0", "2020-01-10").upload(
            "1.0",
            day,
            &["sdist", "wheel"],
        )
    }

    #[test]
    fn the_window_is_from_a_day_before_to_three_days_after() {
        for (day, expected) in [
            ("2020-01-09", 0),
            ("2020-01-08T23:59:59Z", 1),
            ("2020-01-13T23:00:00Z", 0),
            ("2020-01-14T00:00:01Z", 1),
        ] {
            let found = uploaded(day).check(&UploadWindow);
            assert_eq!(found.len(), expected, "{day}: {found:?}");
        }
    }

    #[test]
    fn it_is_medium_where_a_stranger_holds_a_role() {
        let found = uploaded("2020-02-01").role("Owner", "mallory").check(&UploadWindow);
        assert_eq!(found[0].severity, Severity::Medium);
    }

    #[test]
    fn two_releases_of_a_cycle_on_one_day_were_written_down_later() {
        let of = |second: &str| {
            let mut fixture = Fixture::new("tool").released("0.9", "2019-01-01");
            for (version, series, day) in
                [("1.0", "amber", "2019-12-01"), ("1.1", second, "2020-01-10")]
            {
                fixture = fixture
                    .official_with(version, |one| {
                        one.series = Some(series.into());
                        one.approved = Some(crate::rule::fixture::at("2020-01-10"));
                    })
                    .upload(version, day, &["sdist"]);
            }
            fixture.check(&UploadWindow).len()
        };
        assert_eq!(of("amber"), 0);
        assert_eq!(of("beryl"), 1);
    }

    #[test]
    fn old_releases_written_down_later_are_not_judged() {
        let mut fixture = Fixture::new("tool");
        for minor in 0..5 {
            let version = format!("1.{minor}");
            let day = format!("2015-0{}-01", minor + 1);
            fixture = fixture.official(&version, "2016-01-01").upload(&version, &day, &["sdist"]);
        }
        assert_eq!(fixture.check(&UploadWindow), []);
    }
}
