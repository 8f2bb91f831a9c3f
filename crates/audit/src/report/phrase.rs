//! The words that all reports share: what a finding is about, how many, from when.

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::harmless::harmless;
use super::layout::width;
use crate::finding::{Finding, Severity};
use crate::record::RecordProblem;

/// The groups of a report, worst first. Explained findings come last, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Findings of this severity that nothing explains.
    Severity(Severity),
    /// Findings that are only shown because all were asked for.
    Explained,
}

impl Group {
    /// In the order of a report.
    pub(super) const ALL: [Self; 5] = [
        Self::Severity(Severity::High),
        Self::Severity(Severity::Medium),
        Self::Severity(Severity::Low),
        Self::Severity(Severity::Note),
        Self::Explained,
    ];

    /// The group that a finding is shown in.
    pub(super) fn of(finding: &Finding) -> Self {
        match finding.explained {
            Some(_) => Self::Explained,
            None => Self::Severity(finding.severity),
        }
    }

    /// Its heading, and the class of its parts in the page.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Severity(severity) => severity.name(),
            Self::Explained => "explained",
        }
    }
}

/// `1 project`, `2 projects`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The day of a moment, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// `deliverables/rocky/heat.yaml:3:7: what is wrong`.
pub(super) fn problem_line(problem: &RecordProblem) -> String {
    match problem.position {
        Some((line, column)) => format!("{}:{line}:{column}: {}", problem.file, problem.message),
        None => format!("{}: {}", problem.file, problem.message),
    }
}

/// Which projects a finding is about, all of them.
pub(super) fn projects(finding: &Finding) -> String {
    let names: Vec<&str> = finding.projects.iter().map(ProjectName::as_str).collect();
    if names.is_empty() { "the federation".to_owned() } else { names.join(", ") }
}

/// Which releases a finding is about, all of them.
pub(super) fn versions(finding: &Finding) -> String {
    harmless(&finding.versions.join(", ")).into_owned()
}

/// Projects and releases of a finding in as many columns as there are, if that is possible at all.
pub(super) fn subject(finding: &Finding, columns: usize) -> String {
    let names: Vec<&str> = finding.projects.iter().map(ProjectName::as_str).collect();
    let versions: Vec<String> =
        finding.versions.iter().map(|version| harmless(version).into_owned()).collect();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => few(&versions, columns, "releases").unwrap_or_else(|| "the federation".to_owned()),
        [name] => match few(&versions, columns.saturating_sub(width(name) + 1), "releases") {
            Some(versions) => format!("{name} {versions}"),
            None => (*name).to_owned(),
        },
        several => few(several, columns, "projects").unwrap_or_default(),
    }
}

/// Some of several names, so that they fit: `9.0.6, 9.0.7 … 11.0.1 (29)`; at last only how many they
/// are. `None` without any.
fn few(names: &[&str], columns: usize, things: &str) -> Option<String> {
    let fits = |text: &String| width(text) <= columns;
    let (first, last) = (names.first()?, names.last()?);
    let number = names.len();
    if number == 1 {
        return Some((*first).to_owned());
    }
    let all = names.join(", ");
    let mut tries = Vec::with_capacity(4);
    if number <= 6 {
        tries.push(all);
    }
    if number > 3 {
        tries.push(format!("{first}, {} … {last} ({number})", names[1]));
    }
    if number > 2 {
        tries.push(format!("{first} … {last} ({number})"));
    }
    tries.push(format!("({number} {things})"));
    let shortest = format!("({number})");
    Some(tries.into_iter().find(fits).unwrap_or(shortest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_become_few() {
        let versions = ["9.0.6", "9.0.7", "10.0.3", "11.0.1"];
        let check = |columns, expect: &str| {
            assert_eq!(few(&versions, columns, "releases").as_deref(), Some(expect));
        };
        check(80, "9.0.6, 9.0.7, 10.0.3, 11.0.1");
        check(28, "9.0.6, 9.0.7, 10.0.3, 11.0.1");
        check(27, "9.0.6, 9.0.7 … 11.0.1 (4)");
        check(24, "9.0.6 … 11.0.1 (4)");
        check(17, "(4 releases)");
        check(3, "(4)");
        assert_eq!(few(&["1.0"], 1, "releases").as_deref(), Some("1.0"));
        assert_eq!(few(&["1.0", "2.0"], 7, "releases").as_deref(), Some("(2)"));
        assert_eq!(few(&[], 80, "releases"), None);
        let many: Vec<String> = (0..29).map(|minor| format!("1.{minor}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(few(&many, 200, "releases").as_deref(), Some("1.0, 1.1 … 1.28 (29)"));
    }
}
