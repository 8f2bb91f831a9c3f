//! The report as the comment of a pull request: a line that says whether all is well, a short table,
//! and everything else folded away. Names of a lock are texts of others: none becomes a link, an
//! image, or calls people.

use countermark_report::Severity;
use countermark_report::harmless::harmless;
use countermark_report::markdown::{code, plain};

use super::{Report, asked, count, shown_move, tally, unchecked};
use crate::gate::finding::{Finding, Kind};

/// The first line, by which a later run finds the comment that it replaces.
pub const MARK: &str = "<!-- countermark gate -->";

/// So many findings have a row; a comment may not be longer than 65,536 characters.
const MOST_ROWS: usize = 50;

/// So many characters of each text are shown in the table.
const LONGEST: usize = 160;

/// Writes the report; findings of `least` or worse make it a "no".
#[must_use]
pub fn write(report: &Report, least: Option<Severity>) -> String {
    let mut out = String::new();
    let fails = least.is_some_and(|least| report.has(least)) || !report.grown.is_empty();
    let verdict = match (fails, report.is_undecided()) {
        (true, _) => "⛔ **The lock does not pass**",
        (false, true) => "❔ **Not everything could be checked**",
        (false, false) => "✅ **The lock passes**",
    };
    push(&mut out, MARK);
    push(&mut out, &format!("{verdict}: {}; {}.", tally(report), plain(&asked(report))));
    let shown: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.severity > Severity::Note).collect();
    if !shown.is_empty() {
        push(&mut out, "");
        push(&mut out, "| | package | what | where |");
        push(&mut out, "|---|---|---|---|");
        shown.iter().take(MOST_ROWS).for_each(|finding| push(&mut out, &row(finding)));
        if shown.len() > MOST_ROWS {
            let more = shown.len() - MOST_ROWS;
            push(&mut out, &format!("| | | and {more} more | |"));
        }
    }
    for (what, number, first) in unchecked(report, false) {
        push(&mut out, "");
        let of = count(number, "entry", "entries");
        push(&mut out, &format!("Could not check {} of {of}: {}.", code(&what), plain(&first.why)));
    }
    moves(&mut out, report);
    details(&mut out, &shown);
    rest(&mut out, report);
    out
}

fn row(finding: &Finding) -> String {
    let sign = match finding.severity {
        Severity::High => "🔴 high",
        Severity::Medium => "🟠 medium",
        Severity::Low => "🟡 low",
        Severity::Note => "note",
    };
    let kind = if finding.kind == Kind::Defect { " (a writer's defect)" } else { "" };
    format!(
        "| {sign} | {} | {}{kind} `{}` | {} |",
        code(&short(&finding.release())),
        plain(&short(&finding.message)),
        finding.rule,
        code(&short(&format!("{}:{}", finding.place.file, finding.place.line))),
    )
}

fn moves(out: &mut String, report: &Report) {
    let mut lines = Vec::new();
    for lock in &report.locks {
        let moves = lock.moves.as_deref().unwrap_or_default();
        if !moves.is_empty() {
            lines.push(format!(
                "{}: {} moved",
                code(&lock.file),
                count(moves.len(), "project", "projects")
            ));
            lines.push(String::new());
            lines.extend(
                moves.iter().take(MOST_ROWS).map(|one| format!("- {}", plain(&shown_move(one)))),
            );
            if moves.len() > MOST_ROWS {
                lines.push(format!("- and {} more", moves.len() - MOST_ROWS));
            }
            lines.push(String::new());
        }
    }
    fold(out, "What moved", &lines);
}

fn details(out: &mut String, shown: &[&Finding]) {
    let mut lines = Vec::new();
    for finding in shown.iter().take(MOST_ROWS) {
        lines.push(format!("{}, `{}`:", code(&short(&finding.release())), finding.rule));
        lines.push(String::new());
        let facts = [
            ("file", &finding.file),
            ("expected", &finding.expected),
            ("found", &finding.found),
            ("allow", &finding.allow),
        ];
        for (label, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
            lines.push(format!("- {label}: {}", code(&cut(text, 400))));
        }
        if !finding.hint.is_empty() {
            lines.push(format!("- next: {}", plain(&finding.hint)));
        }
        lines.push(String::new());
    }
    fold(out, "Details", &lines);
}

fn rest(out: &mut String, report: &Report) {
    let mut lines = Vec::new();
    for key in &report.grown {
        lines.push(format!(
            "- added to the baseline, which may only shrink: {}",
            code(&key.to_string())
        ));
    }
    for key in &report.stale {
        lines.push(format!("- not needed in the baseline any more: {}", code(&key.to_string())));
    }
    for (what, number, first) in unchecked(report, true) {
        let of = count(number, "entry", "entries");
        lines.push(format!("- {} of {of} was not looked at: {}", code(&what), plain(&first.why)));
    }
    let notes = report.findings.iter().filter(|finding| finding.severity == Severity::Note);
    lines.extend(notes.take(MOST_ROWS).map(|finding| {
        let found = if finding.found.is_empty() {
            String::new()
        } else {
            format!(": {}", plain(&short(&finding.found)))
        };
        format!("- {}: {}{found}", code(&short(&finding.release())), plain(&finding.message))
    }));
    lines.extend(report.let_pass.iter().take(MOST_ROWS).map(|(finding, reason)| {
        let release = code(&short(&finding.release()));
        format!("- let pass: `{}` of {release}: {}", finding.rule, plain(&short(reason)))
    }));
    fold(out, "Notes", &lines);
}

fn fold(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    push(out, "");
    push(out, &format!("<details><summary>{title}</summary>"));
    push(out, "");
    lines.iter().for_each(|line| push(out, line));
    if lines.last().is_some_and(|line| !line.is_empty()) {
        push(out, "");
    }
    push(out, "</details>");
}

fn short(text: &str) -> String {
    cut(text, LONGEST)
}

fn cut(text: &str, longest: usize) -> String {
    let text = harmless(text);
    if text.chars().count() <= longest {
        return text.into_owned();
    }
    let shown: String = text.chars().take(longest).collect();
    format!("{shown}…")
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}
