//! A first `federation.toml`, drafted from what records and index show.
//!
//! What is active in it is what an audit would assume without it: the records that were found and
//! the accounts that hold roles nearly everywhere. Everything that somebody has to decide is a
//! proposal in comments: nothing is accepted, kept or given away because a program wrote it down. A
//! proposal that is taken over without its `TODO` being answered is refused by the reader. Names
//! come from an index and are never trusted to stay on their line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::{RecordsEntry, Thresholds};
use crate::dossier::{Context, Dossier, Elsewhere, Identity, build};
use crate::fact::{Presence, ProjectFacts, RoleKind};
use crate::record::Standing;
use crate::roles::{judge, same_account};

/// The most proposals of one kind; a federation with more needs a look at its accounts first.
const MOST_PROPOSALS: usize = 500;

/// What a draft is made of.
pub struct Input<'a> {
    /// What the federation seems to be called.
    pub name: Option<&'a str>,
    /// The records that were found, as they would be written.
    pub entries: &'a [RecordsEntry],
    /// Records, accounts that are assumed to upload, and the time.
    pub context: &'a Context<'a>,
    /// Which other names have releases.
    pub elsewhere: &'a dyn Elsewhere,
}

/// The draft. The reader accepts it as it is.
#[must_use]
pub fn draft(input: &Input<'_>, facts: &[ProjectFacts]) -> String {
    let dossiers: Vec<Dossier<'_>> =
        facts.iter().map(|facts| build(input.context, facts, None, input.elsewhere)).collect();
    let today = day(input.context.now);
    let mut text = String::new();
    // Writing to a string cannot fail; the results below are dropped.
    let _ = writeln!(
        text,
        "# Drafted on {today} from the facts of {} projects. Read it line by line: it decides what is\n\
         # an alarm. A line that begins with `#` and no blank is a proposal: take the `#` away to make\n\
         # it count, and answer its TODO. docs/federation.md describes every key.\n",
        facts.len()
    );
    write_federation(&mut text, input.name);
    write_records(&mut text, input.entries);
    text.push_str(PROJECTS);
    write_accounts(&mut text, input.context, facts);
    text.push_str(PEOPLE);
    write_custody(&mut text, &dossiers);
    write_kept(&mut text, &dossiers, today);
    text.push_str(ACCEPT);
    write_services(&mut text, &input.context.release_accounts);
    write_thresholds(&mut text);
    text
}

const PROJECTS: &str = "\
# Projects that the records do not name, and projects of the records that are left out.
[projects]
#names = [\"an-old-name\"]
#exclude = [\"published-by-others\"]

";

const PEOPLE: &str = "\
# People whose accounts hold roles, so that a report can say who they are; `left` makes every role
# that they still hold a finding.
#[people.someone]
#name = \"…\"
#accounts = [\"an-account\"]
#contact = \"…\"
#left = 2026-01-31

";

const ACCEPT: &str = "\
# Findings that somebody looked at and accepts for a time.
#[[accept]]
#rule = \"rogue-release\"
#project = \"a-project\"
#versions = [\"1.0\"]
#approved-by = \"TODO\"
#reason = \"TODO\"
#expires = 2027-06-30

";

fn write_federation(text: &mut String, name: Option<&str>) {
    text.push_str("[federation]\n");
    match name.filter(|name| is_plain(name)) {
        Some(name) => {
            let _ = writeln!(text, "name = {}", quoted(name));
        }
        None => text.push_str("#name = \"…\"\n"),
    }
    text.push_str("#contact = \"…\"\n\n");
}

fn write_records(text: &mut String, entries: &[RecordsEntry]) {
    text.push_str("# Where the official records are; paths count from this file.\n");
    if entries.is_empty() {
        text.push_str(
            "# None were found. docs/federation.md lists the kinds.\n\
             #[[records]]\n#kind = \"git-tags\"\n#path = \"../clones\"\n",
        );
    }
    for entry in entries {
        let _ = writeln!(text, "[[records]]\nkind = {}", quoted(&entry.kind));
        let project = entry.project.as_ref().map(|name| name.as_str().to_owned());
        let keys = [("path", &entry.path), ("url", &entry.url), ("project", &project)];
        for (key, value) in keys {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", quoted(value));
            }
        }
        for (key, value) in &entry.settings {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        }
    }
    text.push('\n');
}

fn write_accounts(text: &mut String, context: &Context<'_>, facts: &[ProjectFacts]) {
    let with_roles = facts.iter().filter(|facts| facts.roles.is_some()).count();
    let holds = |account: &str| {
        let holder = |facts: &&ProjectFacts| {
            let roles = facts.roles.as_deref().unwrap_or_default();
            roles.iter().any(|role| same_account(&role.account, account))
        };
        facts.iter().filter(holder).count()
    };
    text.push_str("# The accounts that upload releases, and who else is expected to hold roles.\n");
    let accounts: Vec<&String> =
        context.release_accounts.iter().filter(|account| is_account(account)).collect();
    if context.accounts_assumed {
        for account in &accounts {
            let count = holds(account);
            let _ = writeln!(
                text,
                "# Assumed: {} holds a role on {count} of {with_roles} projects.",
                quoted(account)
            );
        }
    }
    text.push_str("[accounts]\n");
    let list: Vec<String> = accounts.iter().map(|account| quoted(account)).collect();
    if list.is_empty() {
        text.push_str(
            "# No account holds a role on most projects; without one roles are not judged.\n",
        );
        text.push_str("#release = [\"…\"]\n");
    } else {
        let _ = writeln!(text, "release = [{}]", list.join(", "));
    }
    let _ = writeln!(text, "#owners = [{}]\n#maintainers = []", list.join(", "));
    match common_organization(facts) {
        Some(name) => {
            let _ = writeln!(text, "organization = {}", quoted(name));
        }
        None => text.push_str("#organization = \"…\"\n"),
    }
    text.push_str(
        "\n# Other accounts for some projects, or for those of some teams of the records.\n\
         #[[accounts.exception]]\n#projects = [\"a-project\"]\n#owners = [\"…\"]\n#reason = \"…\"\n\n",
    );
}

/// The organisation of more than half of the projects that the index has.
fn common_organization(facts: &[ProjectFacts]) -> Option<&str> {
    let present = facts.iter().filter(|facts| facts.presence == Presence::Present);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for facts in present {
        all += 1;
        if let Some(name) = &facts.organization {
            *counts.entry(name).or_default() += 1;
        }
    }
    let (name, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > all && is_plain(name)).then_some(name)
}

/// A proposal of a custody fact.
struct Proposal {
    state: &'static str,
    on: Option<Date>,
    why: String,
}

fn proposal(dossier: &Dossier<'_>) -> Option<Proposal> {
    match &dossier.identity {
        Identity::Departed { on, releases } => Some(Proposal {
            state: "left",
            on: Some(day(*on)),
            why: format!("taken out of governance and continued since, {releases} releases"),
        }),
        Identity::Foreign { reason } => {
            Some(Proposal { state: "never-ours", on: None, why: reason.clone() })
        }
        Identity::Ours => match &dossier.records?.standing {
            Standing::Live => None,
            Standing::Retired { on } => Some(Proposal {
                state: "retired",
                on: on.map(day),
                why: "retired in the records".to_owned(),
            }),
            Standing::Abandoned { retired } => Some(Proposal {
                state: "retired",
                on: retired.map(day),
                why: "abandoned in the records; write relinquished if the name was given away"
                    .to_owned(),
            }),
        },
        Identity::ByCustody | Identity::Absent | Identity::Unread => None,
    }
}

fn write_custody(text: &mut String, dossiers: &[Dossier<'_>]) {
    let proposals: Vec<_> =
        dossiers.iter().filter_map(|dossier| Some((dossier.name, proposal(dossier)?))).collect();
    text.push_str(
        "# Whose a name is, since when: ours, shared, retired, relinquished, left, never-ours.\n",
    );
    for (name, Proposal { state, on, why }) in proposals.iter().take(MOST_PROPOSALS) {
        let _ = writeln!(text, "# {}", one_line(why));
        let _ = writeln!(text, "#[[custody]]\n#project = \"{name}\"\n#state = \"{state}\"");
        if let Some(on) = on {
            let _ = writeln!(text, "#on = {on}");
        }
        text.push_str("#reason = \"TODO\"\n#approved-by = \"TODO\"\n");
    }
    write_rest(text, proposals.len());
}

fn write_kept(text: &mut String, dossiers: &[Dossier<'_>], today: Date) {
    let expires = today.checked_add(1.year()).unwrap_or(today);
    let (mut proposals, mut lost) = (Vec::new(), Vec::new());
    let mut unwritable = 0;
    for dossier in dossiers {
        let Some(case) = judge(dossier) else { continue };
        if case.is_lost() {
            lost.push(dossier.name);
            continue;
        }
        for role in case.strangers {
            if is_account(&role.account) {
                proposals.push((dossier.name, role));
            } else {
                unwritable += 1;
            }
        }
    }
    text.push_str(
        "# Personal roles that nobody expects. Take them away on the index, or keep them here, for a\n\
         # time, with a reason and the name of whoever approves it.\n",
    );
    for (name, role) in proposals.iter().take(MOST_PROPOSALS) {
        let account = quoted(&role.account);
        let _ = writeln!(text, "#[[keep]]\n#project = \"{name}\"\n#account = {account}");
        if matches!(role.kind, RoleKind::Owner | RoleKind::Maintainer) {
            let _ = writeln!(text, "#role = \"{}\"", role.kind.name());
        }
        let _ = writeln!(text, "#approved-by = \"TODO\"\n#reason = \"TODO\"\n#expires = {expires}");
    }
    if unwritable > 0 {
        let _ =
            writeln!(text, "# {unwritable} more, of accounts whose names cannot be written here.");
    }
    // Keeping the others there would not give the project back.
    for name in lost.iter().take(MOST_PROPOSALS) {
        let _ = writeln!(
            text,
            "# Nothing to keep on {name}: others hold it and the account that uploads does not."
        );
    }
    write_rest(text, proposals.len().max(lost.len()));
}

fn write_rest(text: &mut String, all: usize) {
    if all == 0 {
        text.push_str("# None were found.\n");
    }
    if all > MOST_PROPOSALS {
        let _ = writeln!(text, "# {} more are not shown.", all - MOST_PROPOSALS);
    }
    text.push('\n');
}

fn write_services(text: &mut String, accounts: &BTreeSet<String>) {
    text.push_str(
        "# What is held in common, and who can sign in there. Two holders each: one may be away.\n",
    );
    let account = accounts.iter().find(|account| is_account(account));
    let account = account.map_or_else(|| "\"…\"".to_owned(), |account| quoted(account));
    let kinds = [
        ("the package index", "index", Some(account)),
        ("the forge", "forge", None),
        ("the registry of images", "image-registry", None),
    ];
    for (name, kind, account) in kinds {
        let _ =
            writeln!(text, "#[[service]]\n#name = \"{name}\"\n#kind = \"{kind}\"\n#url = \"…\"");
        if let Some(account) = account {
            let _ = writeln!(text, "#account = {account}");
        }
        text.push_str("#holders = [\"…\", \"someone else\"]\n");
    }
    text.push('\n');
}

fn write_thresholds(text: &mut String) {
    let default = Thresholds::default();
    let _ = writeln!(
        text,
        "# Where the rules draw their lines; these are the defaults.\n[thresholds]\n\
         #days-before-approval = {}\n#days-after-approval = {}\n#late-hours = {}\n#departure-days = {}",
        default.days_before_approval,
        default.days_after_approval,
        default.late_hours,
        default.departure_days
    );
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Whether the reader takes it for a text.
fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(acts)
}

/// Whether the reader takes it for an account.
fn is_account(text: &str) -> bool {
    is_plain(text) && !text.contains(char::is_whitespace)
}

/// What moves the cursor, hides text or turns it around.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if acts(c) { ' ' } else { c }).collect()
}

/// A basic string of TOML, on one line whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if acts(c) => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
