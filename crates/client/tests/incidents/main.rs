//! Past incidents, replayed against the controls that exist.
//!
//! `UPDATE_DOCS=1 cargo test -p countermark-client --test incidents` writes docs/incidents.md anew. A
//! control counts as "yes" only if this run saw it refuse the release.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod shapes;
mod team;
mod world;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use countermark_trust::policy::rule::RULES;
use countermark_trust::policy::{LedgerAnswer, Policy, Section, Verdict};
use jiff::Timestamp;

use shapes::{Published, Shape};
use world::{Replay, middle};

/// Controls of other tools and of later versions.
const NOT_BUILT: [&str; 2] = ["attestations", "feed of known malware"];

/// The days until which the wildcard of the team counts: past the incidents, and before them.
const TRUSTED_UNTIL: [&str; 2] = ["2026-12-31", "2026-05-31"];

/// A policy that asks for one rule only.
fn only(rule: &str) -> Policy {
    let body = match rule {
        "minimum-age" => "minimum-age = '7 days'".to_owned(),
        // What somebody with a private index writes.
        "indexes" => "[policy.indexes]\n'*' = ['https://public.example.org/simple/']\n\
                      'torch*' = ['https://private.example.org/simple/']"
            .to_owned(),
        "ledger" => "ledger = 'require'".to_owned(),
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

/// What the ledger says with the publisher trusted: of the release, and of what it brings.
struct Trust {
    release: LedgerAnswer,
    /// Codes of the rules that keep the trust from covering it.
    rules: Vec<String>,
    brings: Option<LedgerAnswer>,
}

impl Trust {
    fn of(replay: &Replay, until: &str) -> Self {
        let team = replay.trusting(until);
        let said = team.ask(&replay.moving[0].files);
        let brings = replay.moving.get(1).map(|moving| team.ask(&moving.files).answer);
        Self { release: said.answer, rules: said.refused, brings }
    }

    fn stops(&self) -> bool {
        let refuses = |answer: &LedgerAnswer| match answer {
            LedgerAnswer::Met => false,
            LedgerAnswer::NotMet { .. } => true,
            other => panic!("{other:?}"),
        };
        refuses(&self.release) || self.brings.as_ref().is_some_and(refuses)
    }

    /// In few words why it does not pass; what passes has no words.
    fn why(&self, shape: &Shape) -> &'static str {
        match self.rules.first().map(String::as_str) {
            Some("trust-no-provenance") if shape.published == Published::Never => {
                "there never was any provenance, and so nobody to trust"
            }
            Some("trust-no-provenance") => "the release lost its provenance",
            Some("trust-adds") => "a new `.pth` file or new machine code",
            Some("trust-other-publisher") => "another publisher",
            Some("trust-new-publisher") => "a publisher that is new",
            Some("trust-over" | "trust-other-day") => "not the days for which there is trust",
            Some(other) => panic!("{other}"),
            None if self.stops() => "a new dependency that nobody vouches for",
            None => "",
        }
    }

    fn line(&self) -> String {
        let release = match &self.release {
            LedgerAnswer::NotMet { found, .. } => format!("the release is stopped: found {found}"),
            _ => "the release slips through".to_owned(),
        };
        match &self.brings {
            Some(LedgerAnswer::NotMet { .. }) => {
                format!("{release}; what it brings is stopped: nobody vouches for it")
            }
            Some(_) => format!("{release}, and what it brings too"),
            None => release,
        }
    }
}

/// What was seen of one incident.
struct Seen {
    shape: Shape,
    /// The lock, each rule, the recommended policy with and without its age, quarantine once somebody has
    /// found the release, and the ledger with trust that counts and trust that is over.
    row: Vec<bool>,
    trust: Trust,
}

impl Seen {
    fn why(&self) -> &'static str {
        self.trust.why(&self.shape)
    }
}

fn see(shape: Shape) -> Seen {
    let (row, trust) = row(&shape);
    Seen { shape, row, trust }
}

fn row(shape: &Shape) -> (Vec<bool>, Trust) {
    let replay = Replay::new(shape);
    assert!(replay.is_active(), "{}: nobody has found it yet", shape.title);
    let now = middle(shape);
    let mut row = vec![replay.is_refused_by_lock];
    row.extend(RULES.iter().map(|rule| refuses(&only(rule.code()), &replay, now)));
    let recommended = parse(Policy::recommended());
    row.push(refuses(&recommended, &replay, now));
    row.push(refuses(&recommended.without_minimum_age(), &replay, now));
    let [trust, over] = TRUSTED_UNTIL.map(|until| Trust::of(&replay, until));
    row.push(replay.is_refused_once_found());
    row.extend([trust.stops(), over.stops()]);
    (row, trust)
}

fn page(rows: &[Seen]) -> String {
    let mut out = include_str!("head.md").to_owned();
    let mut columns = vec!["unchanged lock with digests"];
    columns.extend(RULES.iter().map(|rule| rule.code()));
    columns.extend([
        "recommended policy",
        "recommended policy without its age",
        "quarantine once it was found",
        "ledger with the publisher trusted",
        "ledger with trust that was over",
    ]);
    let _ = writeln!(out, "| control | stopped | did not stop |\n|---|---|---|");
    for (position, column) in columns.iter().enumerate() {
        let count = rows.iter().filter(|seen| seen.row[position]).count();
        let _ = writeln!(out, "| {column} | {count} of {} | {} |", rows.len(), rows.len() - count);
    }
    for column in NOT_BUILT {
        let _ = writeln!(out, "| {column} | not built yet | not built yet |");
    }
    let _ = writeln!(out, "| transparency log | none, see above | {} |", rows.len());
    out.push_str(&trust_table(rows));
    out.push_str("\n## Incident by incident\n");
    for Seen { shape, row, trust } in rows {
        let _ = writeln!(out, "\n### {}\n\nReplayed: {}.\n", shape.title, shape.replayed);
        let of = |wanted: bool| {
            let names = columns.iter().zip(row).filter(|(_, yes)| **yes == wanted);
            let names: Vec<&str> = names.map(|(column, _)| *column).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        let _ = writeln!(out, "- yes: {}", of(true));
        let _ = writeln!(out, "- no: {}", of(false));
        let _ = writeln!(out, "- not built yet: {}", NOT_BUILT.join(", "));
        let _ = writeln!(out, "- with the publisher trusted: {}", trust.line());
        if let Some(assumed) = shape.assumed {
            let _ = writeln!(out, "- assumed: {assumed}");
        }
    }
    out
}

/// Which rule stopped what once the publisher is trusted.
fn trust_table(rows: &[Seen]) -> String {
    let mut out = "\n## What a wildcard on the publisher lets in\n\n".to_owned();
    out.push_str(include_str!("wildcard.md"));
    let mut reasons: Vec<&str> = rows.iter().map(Seen::why).collect();
    reasons.sort_by_key(|why| why.is_empty());
    let mut told: Vec<&str> = Vec::new();
    out.push_str("\n| with the publisher trusted | incidents |\n|---|---|\n");
    for why in reasons {
        if told.contains(&why) {
            continue;
        }
        told.push(why);
        let names = rows.iter().filter(|seen| seen.why() == why);
        let names: Vec<&str> = names.map(|seen| seen.shape.title).collect();
        let what =
            if why.is_empty() { "**slips through**".to_owned() } else { format!("stopped: {why}") };
        let _ = writeln!(out, "| {what} | {}: {} |", names.len(), names.join("; "));
    }
    out
}

/// The table in one piece, for those who look for one cell.
fn grid(rows: &[Seen]) -> String {
    let short: Vec<&str> = RULES.iter().map(|rule| rule.code()).collect();
    let mut out = format!(
        "\n## The whole table\n\nA `·` is a no.\n\n| incident | lock | {} | policy | without age | once found | publisher trusted | trust over |\n",
        short.join(" | ")
    );
    let _ = writeln!(out, "|---{}|", "|---".repeat(rows[0].row.len()));
    for Seen { shape, row, .. } in rows {
        let cells: Vec<&str> = row.iter().map(|yes| if *yes { "yes" } else { "·" }).collect();
        let _ = writeln!(out, "| {} | {} |", shape.title, cells.join(" | "));
    }
    out
}

#[test]
fn the_page_says_what_the_controls_did() {
    let rows: Vec<Seen> = shapes::all().into_iter().map(see).collect();
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
/// lock, which pins other bytes, and the ledger, until somebody read it or the publisher is trusted. A
/// control that refused everything would show here.
#[test]
fn an_honest_release_passes_every_control() {
    let mut honest = shapes::all().swap_remove(1);
    honest.after = honest.before.clone().unwrap();
    honest.minutes = 2 * 30 * 24 * 60;
    let (row, _) = row(&honest);
    let refusing = |position: usize| row[position];
    let ledger = 1 + RULES.iter().position(|rule| rule.code() == "ledger").unwrap();
    let (found, trusted, over) = (row.len() - 3, row.len() - 2, row.len() - 1);
    let refused: Vec<usize> = (0..row.len()).filter(|position| refusing(*position)).collect();
    assert_eq!(refused, [0, ledger, found, over]);
    assert!(!row[trusted]);
    let replay = Replay::new(&honest);
    let files = &replay.moving[0].files;
    assert_eq!(replay.team().having_read(files).ask(files).answer, LedgerAnswer::Met);
}
