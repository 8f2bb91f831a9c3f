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
        let approvals = approvals(dossier);
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

/// On how many releases each day of approval is, counted once for all of them.
fn approvals(dossier: &Dossier<'_>) -> BTreeMap<Date, usize> {
    let mut days = BTreeMap::new();
    for approved in dossier.releases.iter().filter_map(ReleaseCase::approved) {
        *days.entry(approved.to_zoned(TimeZone::UTC).date()).or_default() += 1;
    }
    days
}

/// Whether a release was written down long after it was made: early uploads of several releases that
/// share their day of approval.
fn is_import(
    approvals: &BTreeMap<Date, usize>,
    case: &ReleaseCase<'_>,
    delay: SignedDuration,
) -> bool {
    if delay.is_positive() {
        return false;
    }
    let Some(day) = case.approved().map(|at| at.to_zoned(TimeZone::UTC).date()) else {
        return false;
    };
    let same = approvals.get(&day).copied().unwrap_or_default();
    let first_day = approvals.first_key_value().map(|(day, _)| *day);
    same >= IMPORT || first_day == Some(day)
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
