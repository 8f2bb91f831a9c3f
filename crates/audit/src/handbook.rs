//! The written policy of a federation, made of its `federation.toml`.
//!
//! How a project joins and leaves, who may hold what, what is held in common and by whom, how a
//! release is pulled, how an exception is made and ends: the page says it with the names, accounts and
//! days of the file, and ends with what the file does not say yet. It depends on nothing else, least
//! of all on the day on which it is made, so that a copy in a repository can be compared to the byte.

use crate::federation::{CustodyState, Federation};
use crate::finding::{Finding, Severity};

mod gaps;
mod markdown;
mod sections;

pub use gaps::{Gap, gaps};

/// The titles of the sections, in their order.
pub const SECTIONS: [&str; 9] = [
    "Whom to reach",
    "What we release, and where that is written",
    "Who may hold what",
    "What we hold in common",
    "How a project joins",
    "How a project leaves",
    "How a release is pulled",
    "How an exception is made, and ends",
    "Not written down yet",
];

/// What an audit compares with a section: a rule, and the title of the section that it breaks.
pub const POLICY_RULES: [(&str, &str); 11] = [
    ("account-absent", SECTIONS[2]),
    ("stranger-role", SECTIONS[2]),
    ("leaver-role", SECTIONS[2]),
    ("only-holder", SECTIONS[2]),
    ("organization-differs", SECTIONS[2]),
    ("roles-unknown", SECTIONS[2]),
    ("departed", SECTIONS[5]),
    ("foreign-name", SECTIONS[5]),
    ("name-gone", SECTIONS[5]),
    ("expired-acceptance", SECTIONS[7]),
    ("unused-acceptance", SECTIONS[7]),
];

/// Something that is not as the handbook says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The title of the section.
    pub section: &'static str,
    /// What is there instead.
    pub finding: &'a Finding,
}

/// Where an index differs from the handbook: the findings of an audit that are about roles, names and
/// exceptions, by section. Those about single releases are not the handbook's business, and what is
/// explained is no difference.
#[must_use]
pub fn differences(findings: &[Finding]) -> Vec<Difference<'_>> {
    let counts =
        |finding: &&Finding| finding.explained.is_none() && finding.severity >= Severity::Low;
    let mut differences: Vec<Difference<'_>> = findings
        .iter()
        .filter(counts)
        .filter_map(|finding| {
            let (_, section) = POLICY_RULES.iter().find(|(code, _)| *code == finding.rule)?;
            Some(Difference { section, finding })
        })
        .collect();
    let position = |title: &str| SECTIONS.iter().position(|section| *section == title);
    differences.sort_by_key(|difference| position(difference.section));
    differences
}

/// The page, as Markdown.
#[must_use]
pub fn render(federation: &Federation) -> String {
    let mut text = String::new();
    sections::opening(&mut text, federation);
    let writers: [fn(&mut String, &Federation); 9] = [
        sections::contacts,
        sections::releases,
        sections::roles,
        sections::services,
        sections::joining,
        sections::leaving,
        sections::pulling,
        sections::exceptions,
        sections::missing,
    ];
    for (number, (title, write)) in SECTIONS.iter().zip(writers).enumerate() {
        text.push_str(&format!("## {}. {title}\n\n", number + 1));
        write(&mut text, federation);
        text.push('\n');
    }
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}

/// The word of a state of custody for people.
const fn custody_words(state: CustodyState) -> &'static str {
    match state {
        CustodyState::Ours => "ours",
        CustodyState::Theirs => "somebody else's",
        CustodyState::Shared => "shared",
        CustodyState::Retired => "ours, nothing is released any more",
        CustodyState::NeverOurs => "never ours: another project has the name",
    }
}

#[cfg(test)]
mod tests;
