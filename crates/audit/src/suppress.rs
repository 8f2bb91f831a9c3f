//! Findings that `federation.toml` accepts, set apart.
//!
//! An acceptance names a rule and what of it is accepted; a finding loses that part and keeps the
//! rest. One that is past its day does not count and is itself a finding; one that nothing matches
//! is told, so that the file does not fill with entries that would hide something one day. Roles
//! that are kept were recognised by the rule about them, which knows the roles; here they go to the
//! accepted ones. What is explained is not accepted: it is no alarm to begin with.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;
use jiff::civil::Date;

use crate::dossier::Overview;
use crate::fact::Presence;
use crate::federation::{Acceptance, Federation, KeptRole};
use crate::finding::{Finding, Severity};
use crate::roles::same_account;

mod split;

use split::split;

/// The code of the finding about acceptances and kept roles that are past their day.
pub const EXPIRED: &str = "expired-acceptance";
/// The code of the finding about acceptances and kept roles that match nothing.
pub const UNUSED: &str = "unused-acceptance";
/// The rule whose explained findings are kept roles.
const KEPT: &str = "stranger-role";

/// What became of the findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Those that count, with those about the acceptances themselves at the end.
    pub findings: Vec<Finding>,
    /// Those that do not, with who accepted them, until when, why and where.
    pub accepted: Vec<(Finding, String)>,
}

/// What was judged in a run. Of what was not judged nobody can say that nothing matches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The projects whose facts were had.
    pub projects: BTreeSet<ProjectName>,
    /// Whether these are all projects of the federation.
    pub whole: bool,
}

impl Judged {
    /// Everything that was looked at; whole when the index answered for all of it.
    #[must_use]
    pub fn of(overview: &Overview<'_>) -> Self {
        let read = |presence: &Presence| !matches!(presence, Presence::Unread(_));
        let mut judged = Self { projects: BTreeSet::new(), whole: true };
        for (name, summary) in &overview.projects {
            if read(&summary.presence) {
                judged.projects.insert(name.clone());
            } else {
                judged.whole = false;
            }
        }
        judged
    }

    /// Of a run over some projects that were asked for.
    #[must_use]
    pub fn partly(self) -> Self {
        Self { whole: false, ..self }
    }

    fn covers(&self, project: Option<&ProjectName>) -> bool {
        self.whole || project.is_some_and(|project| self.projects.contains(project))
    }
}

/// Sets the accepted findings apart, and reports acceptances that are over or match nothing.
#[must_use]
pub fn apply(
    findings: Vec<Finding>,
    federation: &Federation,
    today: Date,
    judged: &Judged,
) -> Suppressed {
    let (explained, open): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.explained.is_some());
    let mut about = About::default();
    let mut valid = Vec::new();
    for acceptance in &federation.accepted {
        let matches = open.iter().any(|finding| split(finding, acceptance).is_some());
        // What was not judged is neither used nor unused.
        let is_known = matches || judged.covers(acceptance.project.as_ref());
        match (acceptance.expires < today, matches) {
            (true, _) if is_known => about.acceptance_expired(acceptance, matches),
            (false, true) => valid.push(acceptance),
            (false, false) if is_known => about.acceptance_unused(acceptance),
            _ => {}
        }
    }
    let mut suppressed = Suppressed::default();
    for finding in open {
        accept(finding, &valid, &mut suppressed);
    }
    set_kept_apart(explained, federation, today, &mut suppressed);
    for kept in &federation.kept {
        let is_kept =
            |(finding, _): &(Finding, String)| finding.rule == KEPT && is_of(finding, kept);
        let is_judged = judged.covers(Some(&kept.project));
        if kept.expires < today {
            let counts = suppressed.findings.iter().any(|it| is_of(it, kept));
            if counts || is_judged {
                about.role_expired(kept, counts);
            }
        } else if !suppressed.accepted.iter().any(is_kept) && is_judged {
            about.role_unused(kept);
        }
    }
    suppressed.findings.extend(about.findings());
    suppressed
}

/// Takes what is accepted out of a finding, by one acceptance after the other.
fn accept(finding: Finding, acceptances: &[&Acceptance], suppressed: &mut Suppressed) {
    let mut open = vec![finding];
    for acceptance in acceptances {
        let mut rest = Vec::new();
        for finding in open {
            let Some(parts) = split(&finding, acceptance) else {
                rest.push(finding);
                continue;
            };
            suppressed.accepted.push((parts.accepted, words(acceptance)));
            rest.extend(parts.rest);
        }
        open = rest;
    }
    suppressed.findings.append(&mut open);
}

fn words(acceptance: &Acceptance) -> String {
    let Acceptance { approved_by, expires, reason, place, .. } = acceptance;
    format!("accepted by {approved_by} until {expires}: {reason} ({place})")
}

/// What the rule about roles explained with a kept role is accepted; the rest stays explained.
fn set_kept_apart(
    explained: Vec<Finding>,
    federation: &Federation,
    today: Date,
    suppressed: &mut Suppressed,
) {
    for finding in explained {
        let mut kept = federation.kept.iter().filter(|kept| kept.expires >= today);
        match kept.find(|kept| finding.rule == KEPT && is_of(&finding, kept)) {
            Some(kept) => {
                let KeptRole { approved_by, expires, reason, place, .. } = kept;
                let text = format!("kept by {approved_by} until {expires}: {reason} ({place})");
                suppressed.accepted.push((finding, text));
            }
            None => suppressed.findings.push(finding),
        }
    }
}

/// Whether a finding is about an account that is kept on a project.
fn is_of(finding: &Finding, kept: &KeptRole) -> bool {
    finding.projects.contains(&kept.project)
        && finding.accounts.iter().any(|account| same_account(account, &kept.account))
}

/// What is to be said of the acceptances themselves: what is over, by project, and what matches
/// nothing, in one line.
#[derive(Default)]
struct About<'a> {
    expired: BTreeMap<Option<&'a ProjectName>, Vec<Entry>>,
    unused: Vec<(Option<&'a ProjectName>, Entry)>,
}

/// One acceptance or kept role.
struct Entry {
    /// What it is about: a rule or a role.
    subject: String,
    accounts: Vec<String>,
    place: String,
    text: String,
    /// Whether something is found again because it is over.
    counts: bool,
}

impl<'a> About<'a> {
    fn acceptance_expired(&mut self, acceptance: &'a Acceptance, counts: bool) {
        let entry = Entry { counts, ..of_acceptance(acceptance) };
        self.expired.entry(acceptance.project.as_ref()).or_default().push(entry);
    }

    fn acceptance_unused(&mut self, acceptance: &'a Acceptance) {
        self.unused.push((acceptance.project.as_ref(), of_acceptance(acceptance)));
    }

    fn role_expired(&mut self, kept: &'a KeptRole, counts: bool) {
        let entry = Entry { counts, ..of_role(kept) };
        self.expired.entry(Some(&kept.project)).or_default().push(entry);
    }

    fn role_unused(&mut self, kept: &'a KeptRole) {
        self.unused.push((Some(&kept.project), of_role(kept)));
    }

    fn findings(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.expired.into_iter().map(|(project, entries)| expired(project, entries)).collect();
        findings.extend((!self.unused.is_empty()).then(|| unused(self.unused)));
        findings
    }
}

fn of_acceptance(acceptance: &Acceptance) -> Entry {
    let Acceptance { rule, approved_by, expires, reason, place, .. } = acceptance;
    Entry {
        subject: format!("the acceptance of `{rule}`"),
        accounts: Vec::new(),
        place: place.to_string(),
        text: format!("`{rule}` was accepted by {approved_by} until {expires}: {reason}"),
        counts: false,
    }
}

fn of_role(kept: &KeptRole) -> Entry {
    let KeptRole { account, approved_by, expires, reason, place, .. } = kept;
    Entry {
        subject: format!("the kept role of `{account}`"),
        accounts: vec![account.clone()],
        place: place.to_string(),
        text: format!(
            "the role of `{account}` was kept by {approved_by} until {expires}: {reason}"
        ),
        counts: false,
    }
}

fn expired(project: Option<&ProjectName>, entries: Vec<Entry>) -> Finding {
    let subjects: Vec<&str> = entries.iter().map(|entry| entry.subject.as_str()).collect();
    let counts = entries.iter().any(|entry| entry.counts);
    let effect = if counts { "what it covered counts again" } else { "nothing needs it any more" };
    let verb = if entries.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} over; {effect}", subjects.join(" and "));
    let step = if counts {
        "look at it again: put it right, or write a new reason and a new day"
    } else {
        "take the entry out of `federation.toml`"
    };
    about(EXPIRED, project.cloned().into_iter().collect(), message, entries).next(step)
}

fn unused(entries: Vec<(Option<&ProjectName>, Entry)>) -> Finding {
    let projects: BTreeSet<ProjectName> =
        entries.iter().filter_map(|(project, _)| project.cloned()).collect();
    let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
    let message = match entries.as_slice() {
        [entry] => format!("{} matches nothing that is found", entry.subject),
        entries => {
            format!("{} entries of `federation.toml` match nothing that is found", entries.len())
        }
    };
    let step = "take them out, or correct what they name: they would hide what comes later";
    about(UNUSED, projects.into_iter().collect(), message, entries).next(step)
}

fn about(
    rule: &'static str,
    projects: Vec<ProjectName>,
    message: String,
    entries: Vec<Entry>,
) -> Finding {
    let finding = Finding {
        rule,
        severity: Severity::Low,
        projects,
        versions: Vec::new(),
        files: Vec::new(),
        accounts: Vec::new(),
        message,
        evidence: Vec::new(),
        next: String::new(),
        explained: None,
    };
    entries.into_iter().fold(finding, |finding, entry| {
        finding.accounts(entry.accounts).evidence(entry.place, entry.text)
    })
}

#[cfg(test)]
mod tests;
