//! The page of the policy, `docs/policy.md`: made from the rules, and compared with them by a test.

use std::fmt::Write as _;

use super::rule::{Evidence, RULES};

const INTRODUCTION: &str = include_str!("page.md");

/// The page.
#[must_use]
pub fn policy_page() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("\n| rule | asks for | evidence |\n|---|---|---|\n");
    for rule in RULES {
        let evidence = match rule.needs() {
            Evidence::Lock => "the lock",
            Evidence::Ledger => "the ledger",
            Evidence::Index => "the index",
            Evidence::Contents => "both releases",
        };
        let _ = writeln!(
            out,
            "| [`{0}`](#{0}) | {1} | {evidence} |",
            rule.code(),
            rule.document().title
        );
    }
    for rule in RULES {
        let document = rule.document();
        let _ = write!(
            out,
            "\n## {}\n\n{}.\n\n{}\n\n{}\n\n{}\n",
            rule.code(),
            capitalised(document.title),
            wrapped(document.what),
            wrapped(&format!("**Why.** {}", document.why)),
            wrapped(&format!("**What it would have stopped.** {}", document.stops)),
        );
        let head = if document.example.starts_with('[') { "" } else { "[policy]\n" };
        let _ = write!(out, "\n```toml\n{head}{}\n```\n", document.example);
    }
    out
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

/// Lines of at most 100 columns, as the other pages have.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 100;
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}
