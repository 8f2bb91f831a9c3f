//! `--exclude-newer`: the moments that people write.

use std::collections::BTreeMap;

use countermark_client::report::Problem;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The moment that a text means: a date with its whole day, in UTC so that it means the same
/// everywhere; an RFC 3339 time; or a time before `now`, such as `7 days` or `P7D`.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(date) = text.parse::<Date>() {
        return date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    }
    let span: Span = text.parse().ok()?;
    if span.is_negative() {
        return None;
    }
    now.to_zoned(TimeZone::UTC).checked_sub(span).ok().map(|moment| moment.timestamp())
}

/// `--exclude-newer`.
pub(crate) fn exclude_newer(
    text: Option<&str>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Vec<Problem>> {
    let Some(text) = text else { return Ok(None) };
    parse(text, now).map(Some).ok_or_else(|| vec![unreadable("--exclude-newer", text)])
}

/// `--exclude-newer-package`: `NAME=WHEN`, or `NAME=never`.
pub(crate) fn exclude_newer_projects(
    pairs: &[String],
    now: Timestamp,
) -> Result<BTreeMap<ProjectName, Option<Timestamp>>, Vec<Problem>> {
    let option = "--exclude-newer-package";
    let (mut moments, mut problems) = (BTreeMap::new(), Vec::new());
    for pair in pairs {
        let parts = pair.split_once('=');
        let parts = parts.and_then(|(name, when)| Some((ProjectName::parse(name).ok()?, when)));
        match parts {
            Some((name, "never" | "false")) => {
                moments.insert(name, None);
            }
            Some((name, when)) => match parse(when, now) {
                Some(moment) => {
                    moments.insert(name, Some(moment));
                }
                None => problems.push(unreadable(option, when)),
            },
            None => {
                let message = format!("`{option} {pair}` is not NAME=WHEN");
                problems.push(Problem::new("bad-option", Class::Usage, message));
            }
        }
    }
    if problems.is_empty() { Ok(moments) } else { Err(problems) }
}

fn unreadable(option: &str, text: &str) -> Problem {
    let message = format!("`{option} {text}` is neither a date, nor a time, nor a span of time");
    let hint = "write 2026-11-01, 2026-11-01T12:00:00Z or `7 days`";
    Problem::new("bad-option", Class::Usage, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_spans_are_moments() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let check = |text: &str, expect: Option<&str>| {
            let expect = expect.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(parse(text, now), expect, "{text}");
        };
        check("2026-11-01T12:00:00Z", Some("2026-11-01T12:00:00Z"));
        check("2026-11-01T12:00:00+02:00", Some("2026-11-01T10:00:00Z"));
        check("2026-11-01", Some("2026-11-02T00:00:00Z"));
        check("2026-12-31", Some("2027-01-01T00:00:00Z"));
        check("7 days", Some("2026-11-15T10:00:00Z"));
        check("1 week", Some("2026-11-15T10:00:00Z"));
        check("P1M", Some("2026-10-22T10:00:00Z"));
        check("36 hours", Some("2026-11-20T22:00:00Z"));
        check("", None);
        check("yesterday", None);
        check("2026-13-01", None);
        check("-7 days", None);
    }
}
