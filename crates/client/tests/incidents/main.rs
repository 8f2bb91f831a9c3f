//! Past incidents, replayed against the controls that exist.
//!
//! `UPDATE_DOCS=1 cargo test -p countermark-client --test incidents` writes docs/incidents.md anew. A
//! control counts as "yes" only if this run saw it refuse the release.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod shapes;
mod world;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use countermark_trust::policy::rule::RULES;
use countermark_trust::policy::{Policy, Section, Verdict};
use jiff::Timestamp;

use shapes::Shape;
use world::{Replay, middle};

/// Controls of other tools and of later versions.
const NOT_BUILT: [&str; 4] =
    ["attestations", "transparency log", "ledger of audits", "feed of known malware"];

/// A policy that asks for one rule only.
fn only(rule: &str) -> Policy {
    let body = match rule {
        "minimum-age" => "minimum-age = '7 days'".to_owned(),
        // What somebody with a private index writes.
        "indexes" => "[policy.indexes]\n'*' = ['https://public.example.org/simple/']\n\
                      'torch*' = ['https://private.example.org/simple/']"
            .to_owned(),
        rule => format!("{rule} = 'refuse'"),
    };
    let quarantined = if rule == "quarantined" { "" } else { "quarantined = 'allow'\n" };
    parse(&format!("[policy]\n{quarantined}{body}\n"))
}

fn parse(text: &str) -> Policy {
    Policy::parse("countermark.toml", text.as_bytes(), Section::File).unwrap()
}

/// Whether a policy refuses the release or what it brings. Undecided is no refusal, and there is
/// nothing here that could not be decided.
fn refuses(policy: &Policy, replay: &Replay, now: Timestamp) -> bool {
    let verdicts = replay.moving.iter().flat_map(|moving| policy.check(&moving.subject(), now));
    let mut refused = false;
    for verdict in verdicts {
        match verdict {
            Verdict::Rejected(_) => refused = true,
            other => panic!("{other:?}"),
        }
    }
    refused
}

/// A row: the lock, each rule, the recommended policy with and without its age, and quarantine once
/// somebody has found the release.
fn row(shape: &Shape) -> Vec<bool> {
    let replay = Replay::new(shape);
    assert!(replay.is_active(), "{}: nobody has found it yet", shape.title);
    let now = middle(shape);
    let mut row = vec![replay.is_refused_by_lock];
    row.extend(RULES.iter().map(|rule| refuses(&only(rule.code()), &replay, now)));
    let recommended = parse(Policy::recommended());
    row.push(refuses(&recommended, &replay, now));
    row.push(refuses(&recommended.without_minimum_age(), &replay, now));
    row.push(replay.is_refused_once_found());
    row
}

fn page(rows: &[(Shape, Vec<bool>)]) -> String {
    let mut out = include_str!("head.md").to_owned();
    let mut columns = vec!["unchanged lock with digests"];
    columns.extend(RULES.iter().map(|rule| rule.code()));
    columns.extend([
        "recommended policy",
        "recommended policy without its age",
        "quarantine once it was found",
    ]);
    let _ = writeln!(out, "| control | stopped | did not stop |\n|---|---|---|");
    for (position, column) in columns.iter().enumerate() {
        let count = rows.iter().filter(|(_, row)| row[position]).count();
        let _ = writeln!(out, "| {column} | {count} of {} | {} |", rows.len(), rows.len() - count);
    }
    for column in NOT_BUILT {
        let _ = writeln!(out, "| {column} | not built yet | not built yet |");
    }
    out.push_str("\n## Incident by incident\n");
    for (shape, row) in rows {
        let _ = writeln!(out, "\n### {}\n\nReplayed: {}.\n", shape.title, shape.replayed);
        let of = |wanted: bool| {
            let names = columns.iter().zip(row).filter(|(_, yes)| **yes == wanted);
            let names: Vec<&str> = names.map(|(column, _)| *column).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        let _ = writeln!(out, "- yes: {}", of(true));
        let _ = writeln!(out, "- no: {}", of(false));
        let _ = writeln!(out, "- not built yet: {}", NOT_BUILT.join(", "));
    }
    out
}

/// The table in one piece, for those who look for one cell.
fn grid(rows: &[(Shape, Vec<bool>)]) -> String {
    let short: Vec<&str> = RULES.iter().map(|rule| rule.code()).collect();
    let mut out = format!(
        "\n## The whole table\n\nA `·` is a no.\n\n| incident | lock | {} | policy | without age | once found |\n",
        short.join(" | ")
    );
    let _ = writeln!(out, "|---{}|", "|---".repeat(rows[0].1.len()));
    for (shape, row) in rows {
        let cells: Vec<&str> = row.iter().map(|yes| if *yes { "yes" } else { "·" }).collect();
        let _ = writeln!(out, "| {} | {} |", shape.title, cells.join(" | "));
    }
    out
}

#[test]
fn the_page_says_what_the_controls_did() {
    let rows: Vec<(Shape, Vec<bool>)> = shapes::all()
        .into_iter()
        .map(|shape| {
            let row = row(&shape);
            (shape, row)
        })
        .collect();
    assert_eq!(rows.len(), 16);
    // A control that refuses everything would be in every row: an honest release passes them all.
    let text = page(&rows) + &grid(&rows);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/incidents.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == text, "docs/incidents.md is old: run this test with UPDATE_DOCS=1");
}

/// The same run over an honest release of the same project, a month old: nothing refuses it but the
/// lock, which pins other bytes. A control that refused everything would show here.
#[test]
fn an_honest_release_passes_every_control() {
    let mut honest = shapes::all().swap_remove(1);
    honest.after = honest.before.clone().unwrap();
    honest.minutes = 2 * 30 * 24 * 60;
    let row = row(&honest);
    let (lock, rest) = row.split_first().unwrap();
    assert!(lock);
    let (found, rest) = rest.split_last().unwrap();
    assert!(found);
    assert_eq!(rest, vec![false; RULES.len() + 2]);
}
