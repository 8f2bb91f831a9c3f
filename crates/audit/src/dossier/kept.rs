//! When the records of a project were kept, and what was written into them only afterwards.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Dossier, ReleaseCase};
use crate::record::{Known, Standing};

/// An entry that is written down so long after its upload does not say when it was approved.
const FILLED_IN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How the records of a project came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The time of the first entry, when most of the releases came after it. What was filled in for
    /// the time before has gaps. Records that were mostly written down afterwards, or all at once, do
    /// not say when they began.
    pub since: Option<Timestamp>,
    /// Days on which a release was written down that was on the index long before.
    pub filled_in: BTreeSet<Date>,
}

fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

impl Kept {
    pub(super) fn of(releases: &[ReleaseCase<'_>]) -> Self {
        let late = |case: &ReleaseCase<'_>| {
            let (approved, uploaded) = case.approved().zip(case.uploaded())?;
            (approved.duration_since(uploaded) > FILLED_IN).then(|| date(approved))
        };
        let listed = || releases.iter().filter(|case| case.is_listed());
        let filled_in = listed().filter_map(late).collect();
        let entries = releases.iter().flat_map(|case| &case.official);
        let since = entries
            .filter(|one| matches!(one.known, Known::Listed | Known::OnceListed))
            .filter_map(|one| one.approved)
            .min();
        let is_kept = |since: &Timestamp| {
            let uploads = listed().filter_map(ReleaseCase::uploaded);
            let (before, after): (Vec<_>, Vec<_>) = uploads.partition(|at| at < since);
            after.len() > before.len()
        };
        Self { since: since.filter(is_kept), filled_in }
    }
}

impl Dossier<'_> {
    /// The day of approval of a release, unless its entry was written down long afterwards: together
    /// with one that had been on the index for long, or when its cycle was over.
    #[must_use]
    pub fn approval(&self, case: &ReleaseCase<'_>) -> Option<Timestamp> {
        let approved = case.approved()?;
        let series = &self.context.records.series;
        let is_over = case.official.iter().filter_map(|one| one.series.as_ref()).any(|name| {
            let mut same = series.iter().filter(|series| series.name == *name);
            same.any(|series| series.ended.is_some_and(|ended| ended < approved))
        });
        (!is_over && !self.kept.filled_in.contains(&date(approved))).then_some(approved)
    }

    /// Whether the records list releases, or know tags, with which those of the index can be compared.
    /// Under a name that was given up, those that were listed once are enough.
    #[must_use]
    pub fn has_reference(&self) -> bool {
        let Some(records) = self.records else { return false };
        let is_given_up = records.standing != Standing::Live;
        self.known_today() > 0 || is_given_up && !records.releases.is_empty()
    }

    /// How many releases the records list today, or know by a tag.
    #[must_use]
    pub fn known_today(&self) -> usize {
        let releases = self.records.iter().flat_map(|records| &records.releases);
        releases.filter(|one| one.known != Known::OnceListed).count()
    }
}

#[cfg(test)]
mod tests {
    use crate::dossier::{Judgement, Missing, Nowhere, build};
    use crate::rule::fixture::{Fixture, at};

    /// The judgement of one version.
    fn judged(fixture: &Fixture, version: &str) -> Judgement {
        let context = fixture.context();
        let dossier = build(&context, &fixture.facts, None, &Nowhere);
        let case = dossier.releases.iter().find(|case| case.text == version);
        case.expect("the version").judgement.clone()
    }

    /// Records that somebody began to keep in 2016, filling in what he found of the time before.
    fn filled_in(later: &[(&str, &str)]) -> Fixture {
        let mut fixture = Fixture::new("tool");
        for (version, day) in [("0.1", "2013-01-01"), ("0.3", "2014-01-01")] {
            fixture = fixture.official(version, "2016-01-01").upload(version, day, &["sdist"]);
        }
        fixture = fixture.upload("0.2", "2013-06-01", &["sdist"]);
        for (version, day) in later {
            fixture = fixture.released(version, day);
        }
        fixture
    }

    const LATER: [(&str, &str); 3] =
        [("1.0", "2016-02-01"), ("1.1", "2016-03-01"), ("1.2", "2016-04-01")];

    #[test]
    fn what_nobody_filled_in_is_from_before_the_records() {
        let kept = filled_in(&LATER).upload("1.1.1", "2016-03-15", &["sdist"]);
        assert_eq!(judged(&kept, "0.2"), Judgement::BeforeRecords);
        // What came after somebody began to keep them is judged as ever.
        assert_eq!(judged(&kept, "1.1.1"), Judgement::Unexplained);
    }

    #[test]
    fn records_that_were_written_down_at_once_do_not_say_when_they_began() {
        assert_eq!(judged(&filled_in(&[]), "0.2"), Judgement::Unexplained);
        assert_eq!(judged(&filled_in(&LATER[..2]), "0.2"), Judgement::Unexplained);
    }

    #[test]
    fn the_day_on_which_an_old_release_was_written_down_is_not_the_day_of_its_approval() {
        // Made before anything was published, and written down after that.
        let old = filled_in(&LATER)
            .official("0.0.1", "2016-01-01")
            .with(|fixture| fixture.project().releases.rotate_right(1));
        assert!(matches!(judged(&old, "0.0.1"), Judgement::Missing(Missing::BeforePublishing)));
        // On a day of its own it is one of that time.
        let new = filled_in(&LATER).official("1.3", "2016-05-01");
        assert_eq!(judged(&new, "1.3"), Judgement::Missing(Missing::Gap));
        // Written down when its cycle was over.
        let of_series = |ended: &str| {
            filled_in(&LATER).with(|fixture| {
                fixture.records.series.push(crate::record::Series {
                    name: "amber".into(),
                    released: Some(at("2012-01-01")),
                    ended: Some(at(ended)),
                });
            })
        };
        let approved = |fixture: Fixture| {
            fixture.official_with("0.0.2", |one| {
                one.series = Some("amber".into());
                one.approved = Some(at("2016-05-01"));
            })
        };
        let over = approved(of_series("2012-12-31"));
        assert!(matches!(judged(&over, "0.0.2"), Judgement::Missing(Missing::BeforePublishing)));
        let open = approved(of_series("2016-12-31"));
        assert_eq!(judged(&open, "0.0.2"), Judgement::Missing(Missing::Gap));
    }

    #[test]
    fn without_days_and_cycles_the_order_of_the_list_does_not_matter() {
        let of = |version: &str, day: Option<&str>| {
            let mut fixture = Fixture::new("tool");
            for (version, day) in [("1.0", "2019-01-01"), ("1.1", "2019-06-01")] {
                fixture = fixture.official_with(version, |_| ()).upload(version, day, &["sdist"]);
            }
            // Newest first, as many write it.
            let missing = fixture.official_with(version, |_| ());
            let missing = missing.with(|fixture| {
                fixture.project().releases.reverse();
                for release in &mut fixture.project().releases {
                    release.approved = day.map(at);
                }
            });
            judged(&missing, version)
        };
        for day in [None, Some("2025-12-01")] {
            assert_eq!(of("1.2", day), Judgement::Missing(Missing::Gap), "{day:?}");
            assert_eq!(of("0.9", day), Judgement::Missing(Missing::BeforePublishing), "{day:?}");
        }
    }
}
