//! The report for people at a terminal.

use anstyle::{AnsiColor, Style};
use countermark_report::Severity;
use countermark_report::harmless::harmless;

use super::{Report, asked, count, shown_move, tally, unchecked};
use crate::gate::finding::{Finding, Kind};

const HIGH: Style = AnsiColor::BrightRed.on_default().bold();
const MEDIUM: Style = AnsiColor::Yellow.on_default().bold();
const LOW: Style = AnsiColor::Cyan.on_default();
const QUIET: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// So many moves are shown by name.
const MOST_MOVES: usize = 50;

/// What to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// With colours.
    pub colors: bool,
    /// Also notes, what is let pass, and each thing that was not looked at.
    pub all: bool,
}

/// Writes the report, with a line end at the end.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    for lock in &report.locks {
        let judged = match &lock.moves {
            None => count(lock.entries, "entry", "entries"),
            Some(_) => format!("{} of {}", lock.judged, count(lock.entries, "entry", "entries")),
        };
        let head = format!("{} ({}): {judged}", harmless(&lock.file), lock.format);
        line(&paint(options, BOLD, &head));
        let moves = lock.moves.as_deref().unwrap_or_default();
        for one in moves.iter().take(MOST_MOVES) {
            line(&format!("  {}", harmless(&shown_move(one))));
        }
        if moves.len() > MOST_MOVES {
            line(&format!("  and {} more", moves.len() - MOST_MOVES));
        }
        for note in &lock.notes {
            line(&paint(options, QUIET, &format!("  {}", harmless(note))));
        }
    }
    let is_shown = |finding: &&Finding| options.all || finding.severity > Severity::Note;
    for finding in report.findings.iter().filter(is_shown) {
        line("");
        lines_of(finding, options).iter().for_each(|text| line(text));
    }
    line("");
    bottom(report, options).iter().for_each(|text| line(text));
    out
}

fn lines_of(finding: &Finding, options: Options) -> Vec<String> {
    let style = match finding.severity {
        Severity::High => HIGH,
        Severity::Medium => MEDIUM,
        Severity::Low => LOW,
        Severity::Note => QUIET,
    };
    let severity = paint(options, style, finding.severity.name());
    // What an attack looks like and what a defect is are told apart at the first glance.
    let kind = match finding.kind {
        Kind::Defect => " (a writer's defect)",
        Kind::Disagreement | Kind::Policy | Kind::Lack | Kind::News => "",
    };
    let mut lines = vec![format!(
        "{severity}[{}]{kind} {}: {}",
        finding.rule,
        paint(options, BOLD, &harmless(&finding.release())),
        harmless(&finding.message)
    )];
    let place = harmless(&finding.place.to_string()).into_owned();
    let file = harmless(&finding.file);
    lines.push(match file.as_ref() {
        "" => format!("  at {place}"),
        file => format!("  at {place}, {file}"),
    });
    let facts = [("expected", &finding.expected), ("found", &finding.found)];
    for (label, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
        lines.push(format!("  {label:<8} {}", harmless(text)));
    }
    for (label, text) in [("hint", &finding.hint), ("allow", &finding.allow)] {
        if !text.is_empty() {
            lines.push(format!(
                "  {} {}",
                paint(options, LOW, &format!("{label}:")),
                harmless(text)
            ));
        }
    }
    lines
}

fn bottom(report: &Report, options: Options) -> Vec<String> {
    let mut lines = Vec::new();
    for key in &report.grown {
        lines.push(format!("added to the baseline, which may only shrink: {}", shown_key(key)));
    }
    for key in &report.stale {
        lines.push(format!("not needed in the baseline any more: {}", shown_key(key)));
    }
    for (is_asked_for, label) in [(false, "could not check"), (true, "not looked at")] {
        for (what, number, first) in unchecked(report, is_asked_for) {
            let why = harmless(&first.why);
            let of = count(number, "entry", "entries");
            lines.push(paint(options, QUIET, &format!("{label}: {what} of {of}: {why}")));
        }
    }
    if options.all {
        for (finding, reason) in &report.let_pass {
            let (release, place) = (finding.release(), finding.place.to_string());
            lines.push(format!(
                "let pass: {} of {} at {}: {}",
                finding.rule,
                harmless(&release),
                harmless(&place),
                harmless(reason)
            ));
        }
    }
    let mut summary = format!("{}; {}", tally(report), harmless(&asked(report)));
    let notes = report.count(Severity::Note);
    if !report.let_pass.is_empty() {
        summary.push_str(&format!("; {} let pass", report.let_pass.len()));
    }
    if !options.all && (notes > 0 || !report.let_pass.is_empty()) {
        summary.push_str(" (--all shows them)");
    }
    lines.push(summary);
    lines
}

fn shown_key(key: &crate::gate::finding::Key) -> String {
    let version = key.version.as_deref().unwrap_or_default();
    let text = format!("{} of {} {version} in {} {}", key.rule, key.project, key.lock, key.file);
    harmless(text.trim_end()).into_owned()
}

fn paint(options: Options, style: Style, text: &str) -> String {
    if options.colors { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
