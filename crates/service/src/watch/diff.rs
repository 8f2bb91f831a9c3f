//! What is new and what is gone: the findings of the run before against those of this one.
//!
//! Pure. A project that could not be read is not judged, so that nothing about it is new because of
//! that, and nothing is gone. A finding is recognised by its key; one whose key changed because it
//! is now about one release, file, account or project more or less is told as altered, not as one
//! that is gone and another that is new.

use std::collections::{BTreeMap, BTreeSet};

use countermark_audit::finding::Finding;
use countermark_audit::report::Report;

use super::finding::{Change, StoredFinding};
use super::trouble;

/// Findings by key.
pub type Findings = BTreeMap<String, StoredFinding>;

/// What a run saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What counts now.
    pub findings: Findings,
    /// Findings that were true only at the moment of the run, such as a role that changed: they are
    /// told each time, and are never gone.
    pub events: Vec<StoredFinding>,
    /// Projects that could not be judged.
    pub unread: BTreeSet<String>,
    /// Why a finding that was there does not count any more, by its key.
    pub reasons: BTreeMap<String, String>,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Worst first, what is gone last.
    pub changes: Vec<Change>,
    /// What is to be compared with the next run: what was seen, and what nobody could look at.
    pub standing: Findings,
}

impl Seen {
    /// What a report says, of which the rules named are about moments.
    #[must_use]
    pub fn of_report(report: &Report, is_event: &dyn Fn(&str) -> bool) -> Self {
        let mut seen = Self {
            unread: report.unread.iter().map(|(project, _)| project.to_string()).collect(),
            ..Self::default()
        };
        for (finding, reason) in &report.accepted {
            seen.reasons.insert(finding.key(), format!("accepted: {reason}"));
        }
        for finding in &report.findings {
            match &finding.explained {
                Some(reason) => {
                    seen.reasons.insert(finding.key(), format!("explained: {reason}"));
                }
                None if is_event(finding.rule) => seen.events.push(finding.into()),
                None => seen.add(finding),
            }
        }
        seen
    }

    /// Adds a finding of the watch itself.
    pub fn add_own(&mut self, finding: Option<StoredFinding>) {
        self.findings.extend(finding.map(|finding| (finding.key.clone(), finding)));
    }

    /// Of two findings with one key the worse one counts.
    fn add(&mut self, finding: &Finding) {
        let finding = StoredFinding::from(finding);
        match self.findings.get_mut(&finding.key) {
            Some(known) if known.severity >= finding.severity => {}
            Some(known) => *known = finding,
            None => {
                self.findings.insert(finding.key.clone(), finding);
            }
        }
    }
}

/// Compares.
#[must_use]
pub fn compare(previous: &Findings, seen: &Seen) -> Difference {
    let mut changes = Vec::new();
    let mut standing = seen.findings.clone();
    let (new, still): (Vec<_>, Vec<_>) =
        seen.findings.values().partition(|finding| !previous.contains_key(&finding.key));
    for finding in still {
        let was = previous[&finding.key].severity;
        if finding.severity > was {
            changes.push(Change::Worse { finding: finding.clone(), was });
        }
    }
    let (mut absent, mut kept) = (Vec::<&StoredFinding>::new(), Vec::new());
    for finding in previous.values().filter(|it| !seen.findings.contains_key(&it.key)) {
        // What the watch says of itself does not rest on the projects.
        if !trouble::is_own(&finding.rule) && may_be_unread(finding, &seen.unread) {
            standing.insert(finding.key.clone(), finding.clone());
            kept.push(finding);
        } else {
            absent.push(finding);
        }
    }
    for finding in new {
        // What was told of several projects is not told again of those that could be read.
        if kept.iter().any(|it| is_another_form(it, finding) && beyond(finding, it).is_empty()) {
            standing.remove(&finding.key);
            continue;
        }
        let before = absent.iter().position(|before| is_another_form(before, finding));
        changes.push(match before.map(|at| absent.remove(at)) {
            Some(before) if finding.severity > before.severity => {
                Change::Worse { finding: finding.clone(), was: before.severity }
            }
            Some(before) => Change::Altered {
                finding: finding.clone(),
                added: beyond(finding, before),
                removed: beyond(before, finding),
            },
            None => Change::New { finding: finding.clone() },
        });
    }
    changes.extend(seen.events.iter().map(|finding| Change::New { finding: finding.clone() }));
    changes.extend(absent.into_iter().map(|finding| Change::Gone {
        finding: finding.clone(),
        why: seen.reasons.get(&finding.key).cloned(),
    }));
    changes.sort_by_key(|change| {
        let is_gone = matches!(change, Change::Gone { .. });
        (is_gone, std::cmp::Reverse(change.finding().severity), change.finding().projects.clone())
    });
    Difference { changes, standing }
}

/// Whether a finding could be missing only because a project of it was not read. One about the
/// whole federation rests on all of them.
fn may_be_unread(finding: &StoredFinding, unread: &BTreeSet<String>) -> bool {
    let touches = finding.projects.iter().any(|project| unread.contains(project));
    touches || (finding.projects.is_empty() && !unread.is_empty())
}

/// The same rule about the same thing, with more or less of it.
fn is_another_form(one: &StoredFinding, other: &StoredFinding) -> bool {
    let share = |one: &[String], other: &[String]| one.iter().any(|it| other.contains(it));
    let is_bare = |it: &StoredFinding| {
        it.versions.is_empty() && it.files.is_empty() && it.accounts.is_empty()
    };
    let of_nobody = one.projects.is_empty() && other.projects.is_empty();
    one.rule == other.rule
        && (of_nobody || share(&one.projects, &other.projects))
        && (share(&one.versions, &other.versions)
            || share(&one.files, &other.files)
            || share(&one.accounts, &other.accounts)
            || (is_bare(one) && is_bare(other)))
}

/// What `one` is about and `other` is not.
fn beyond(one: &StoredFinding, other: &StoredFinding) -> Vec<String> {
    let pairs = [
        (&one.projects, &other.projects),
        (&one.versions, &other.versions),
        (&one.files, &other.files),
        (&one.accounts, &other.accounts),
    ];
    let more = |(one, other): (&Vec<String>, &Vec<String>)| {
        let other: BTreeSet<&String> = other.iter().collect();
        one.iter().filter(|it| !other.contains(it)).cloned().collect::<Vec<_>>()
    };
    pairs.into_iter().flat_map(more).collect()
}

#[cfg(test)]
#[path = "diff/tests.rs"]
mod tests;
