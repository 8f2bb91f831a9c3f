//! The report for a terminal: a line for each finding, worst first, and as much more as there is
//! room for.
//!
//! A release manager reads it daily, so it stays on one screen for as long as that is possible: every
//! finding has one line, cut at a word; what is left of the room goes to the worst findings first.
//! With [`Options::all`] no message is cut, as it has the reason in it; with [`Options::details`]
//! nothing is, and evidence and next step are below each finding.

use anstyle::{AnsiColor, Style};

use super::harmless::harmless;
use super::layout::{shorten, width, wrap};
use super::phrase::{Group, count, day, problem_line, subject};
use super::{Options, Report};
use crate::finding::{Finding, Severity};

/// Lines that a short report may have.
const ROOM: usize = 39;
/// Lines of one kind (assumptions, problems, unread projects) that a short report shows.
const FEW: usize = 4;
/// A message that has less room than this in its column goes below its project in any case.
const NARROW: usize = 16;
/// A narrower terminal is written over its edge.
const LEAST_WIDTH: usize = 40;
/// In wider terminals lines would be too long to be followed.
const MOST_WIDTH: usize = 220;

const HIGH: Style = AnsiColor::BrightRed.on_default().bold();
const MEDIUM: Style = AnsiColor::Yellow.on_default().bold();
const LOW: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Writes the report. Without colours the text is plain; with them it has the escapes of ANSI, and
/// no others.
#[must_use]
pub fn write(report: &Report, options: Options, colors: bool) -> String {
    let few_findings = report.shown(options).count() <= ROOM / 4;
    let page = Page {
        options,
        colors,
        width: options.width.clamp(LEAST_WIDTH, MOST_WIDTH),
        lines_of_a_text: if few_findings { 2 } else { 1 },
    };
    let mut out = String::new();
    for line in page.lines(report) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

struct Page {
    options: Options,
    colors: bool,
    width: usize,
    /// How many lines an assumption or a problem may have before it is cut to one.
    lines_of_a_text: usize,
}

/// Columns of the table. Without them a message stands below its project.
#[derive(Clone, Copy)]
struct Columns {
    subject: usize,
    message: usize,
}

type Groups<'a> = Vec<(Group, Vec<Row<'a>>)>;

/// One finding, before it is known how much room there is for it.
struct Row<'a> {
    finding: &'a Finding,
    subject: String,
    message: String,
    next: String,
    /// Whether all of the message is shown, in as many lines as it takes.
    is_whole: bool,
    with_next: bool,
}

impl Page {
    fn lines(&self, report: &Report) -> Vec<String> {
        let top = self.top(report);
        let bottom = self.bottom(report);
        let columns = self.columns(report, top.len() + bottom.len());
        let mut groups = self.groups(report, columns);
        let spaced = self.share_room(&mut groups, columns, top.len() + bottom.len());
        let mut lines = top;
        for (group, rows) in &groups {
            if spaced || self.options.details {
                lines.push(String::new());
            }
            lines.push(self.paint(group_style(*group), &heading(*group, rows.len())));
            for row in rows {
                lines.extend(self.row_lines(row, columns));
            }
        }
        lines.push(String::new());
        lines.extend(bottom);
        lines
    }

    /// The rows that are shown, in groups.
    fn groups<'a>(&self, report: &'a Report, columns: Option<Columns>) -> Groups<'a> {
        let mut groups: Groups<'_> =
            Group::ALL.into_iter().map(|group| (group, Vec::new())).collect();
        for finding in report.shown(self.options) {
            let group = Group::of(finding);
            if let Some((_, rows)) = groups.iter_mut().find(|(other, _)| *other == group) {
                rows.push(self.row(finding, columns));
            }
        }
        groups.retain(|(_, rows)| !rows.is_empty());
        groups
    }

    /// Gives what is left of the room to the worst first: air between the groups, whole messages,
    /// next steps of whole groups. Says whether there is air.
    fn share_room(&self, groups: &mut Groups<'_>, columns: Option<Columns>, used: usize) -> bool {
        // Who asks for all wants the reasons, and has scrolled anyway.
        if self.options.details || self.options.all {
            for row in groups.iter_mut().flat_map(|(_, rows)| rows) {
                (row.is_whole, row.with_next) = (true, self.options.details);
            }
            return true;
        }
        let rows = groups.iter().flat_map(|(_, rows)| rows);
        let needed: usize = rows.map(|row| self.row_lines(row, columns).len()).sum();
        let least = used + 1 + groups.len() + needed;
        let mut room = ROOM.saturating_sub(least);
        // A report that is too long for one screen anyway is better off with air, too.
        let spaced = room >= groups.len() || least > ROOM;
        room = room.saturating_sub(if spaced { groups.len() } else { 0 });
        for row in groups.iter_mut().flat_map(|(_, rows)| rows) {
            let before = self.row_lines(row, columns).len();
            row.is_whole = true;
            let more = self.row_lines(row, columns).len() - before;
            row.is_whole = more <= room;
            room -= if row.is_whole { more } else { 0 };
        }
        for (_, rows) in groups.iter_mut() {
            let wanted = |row: &Row<'_>| !row.next.is_empty() && !self.next_beside(row, columns);
            let number = rows.iter().filter(|row| wanted(row)).count();
            if number > room {
                break;
            }
            room -= number;
            for row in rows.iter_mut() {
                row.with_next = wanted(row);
            }
        }
        spaced
    }

    fn row<'a>(&self, finding: &'a Finding, columns: Option<Columns>) -> Row<'a> {
        let rule = width(finding.rule) + 2;
        let room =
            columns.map_or_else(|| self.width.saturating_sub(2 + rule), |columns| columns.subject);
        let mut message = harmless(&finding.message).into_owned();
        if let Some(reason) = &finding.explained {
            message = format!("{message}; explained: {}", harmless(reason));
        }
        Row {
            finding,
            subject: subject(finding, room),
            message,
            next: harmless(&finding.next).into_owned(),
            is_whole: false,
            with_next: false,
        }
    }

    /// A table when every message fits into its column, or when there are so many findings that each
    /// can have one line only. Otherwise a message has the line below its project for itself.
    fn columns(&self, report: &Report, used: usize) -> Option<Columns> {
        let wide = self.columns_with(report, self.width * 2 / 5);
        let rows: Vec<_> =
            self.groups(report, wide).into_iter().flat_map(|(_, rows)| rows).collect();
        if wide.is_some_and(|wide| rows.iter().all(|row| width(&row.message) <= wide.message)) {
            return wide;
        }
        let lines_below =
            |row: &Row<'_>| 1 + wrap(&row.message, self.width - 4, self.width - 4).len();
        let below = rows.iter().map(lines_below).sum::<usize>();
        let is_free = self.options.details || self.options.all;
        if is_free || used + Group::ALL.len() + below <= ROOM {
            return None;
        }
        // A release that stands for itself is named, even if there is less of the message then.
        let single =
            |row: &&Row<'_>| row.finding.projects.len() <= 1 && row.finding.versions.len() <= 1;
        let longest = rows.iter().filter(single).map(|row| width(&row.subject)).max().unwrap_or(0);
        let most = longest.clamp(self.width / 3, self.width * 2 / 5);
        let tight = self.columns_with(report, most);
        tight.filter(|columns| columns.message >= NARROW)
    }

    fn columns_with(&self, report: &Report, most: usize) -> Option<Columns> {
        let shown = || report.shown(self.options);
        let rule = shown().map(|finding| width(finding.rule)).max().unwrap_or(0);
        let subject = shown().map(|finding| width(&subject(finding, most))).max().unwrap_or(0);
        let subject = subject.min(most);
        let message = self.width.checked_sub(2 + subject + 2 + 2 + rule)?;
        Some(Columns { subject, message })
    }

    fn message(&self, row: &Row<'_>, columns: Option<Columns>) -> Vec<String> {
        let room = columns.map_or(self.width - 4, |columns| columns.message);
        if row.is_whole {
            wrap(&row.message, room, room)
        } else {
            vec![shorten(&row.message, room)]
        }
    }

    /// A message that would be a tall column has the lines below its project.
    fn columns_of(&self, row: &Row<'_>, columns: Option<Columns>) -> Option<Columns> {
        let in_column = self.message(row, columns).len();
        columns.filter(|_| in_column <= 1 + self.message(row, None).len())
    }

    /// Whether the next step has a place behind its message.
    fn next_beside(&self, row: &Row<'_>, columns: Option<Columns>) -> bool {
        let Some(columns) = columns else { return false };
        let left = columns.message.saturating_sub(width(&row.message) + 4);
        !row.next.is_empty() && (width(&row.next) <= left || left >= 40)
    }

    fn row_lines(&self, row: &Row<'_>, columns: Option<Columns>) -> Vec<String> {
        let rule = self.paint(QUIET, row.finding.rule);
        let columns = self.columns_of(row, columns);
        let message = self.message(row, columns);
        let (mut lines, indent) = if let Some(columns) = columns {
            let mut lines = Vec::new();
            for (number, text) in message.into_iter().enumerate() {
                lines.push(if number == 0 {
                    let room = columns.message.saturating_sub(width(&text));
                    let beside = self.beside(row, columns, room);
                    let gap = " ".repeat(room.saturating_sub(width(&beside)));
                    let beside = self.paint(QUIET, &beside);
                    let subject = self.subject(row, columns.subject);
                    format!("  {subject}  {text}{beside}{gap}  {rule}")
                } else {
                    format!("{:1$}{text}", "", 4 + columns.subject)
                });
            }
            (lines, 4 + columns.subject)
        } else {
            let room = self.width.saturating_sub(4 + width(row.finding.rule));
            let mut lines = vec![format!("  {}  {rule}", self.subject(row, room))];
            lines.extend(message.into_iter().map(|text| format!("    {text}")));
            (lines, 4)
        };
        // With all details there is much to say, and the whole width is taken for it.
        let indent = if self.options.details { 4 } else { indent };
        if self.options.details {
            lines.extend(self.details(row.finding));
        }
        if row.with_next && !row.next.is_empty() {
            let room = self.width.saturating_sub(indent + 2).max(8);
            let whole = wrap(&row.next, room, room);
            let short = vec![shorten(&row.next, room)];
            let next = if self.options.details { whole } else { short };
            for (number, text) in next.into_iter().enumerate() {
                let arrow = if number == 0 { "→" } else { " " };
                lines.push(format!(
                    "{:indent$}{}",
                    "",
                    self.paint(LOW, &format!("{arrow} {text}"))
                ));
            }
        }
        lines
    }

    /// The next step behind the message, on a wide terminal.
    fn beside(&self, row: &Row<'_>, columns: Columns, room: usize) -> String {
        if self.options.details || row.with_next || !self.next_beside(row, Some(columns)) {
            return String::new();
        }
        format!("  → {}", shorten(&row.next, room.saturating_sub(4)))
    }

    /// The project in bold, its releases not, and blanks up to the end of the column.
    fn subject(&self, row: &Row<'_>, columns: usize) -> String {
        let text = shorten(&row.subject, columns);
        let blanks = " ".repeat(columns.saturating_sub(width(&text)));
        let one = row.finding.projects.len() == 1;
        match text.split_once(' ').filter(|_| one) {
            Some((name, rest)) => format!("{} {rest}{blanks}", self.paint(BOLD, name)),
            None => format!("{}{blanks}", self.paint(BOLD, &text)),
        }
    }

    fn details(&self, finding: &Finding) -> Vec<String> {
        let mut facts = Vec::new();
        for (label, values) in [("files", &finding.files), ("accounts", &finding.accounts)] {
            if !values.is_empty() {
                facts.push((label.to_owned(), harmless(&values.join(", ")).into_owned()));
            }
        }
        if finding.versions.len() > 1 {
            facts.push(("releases".to_owned(), super::phrase::versions(finding)));
        }
        if finding.projects.len() > 1 {
            facts.push(("projects".to_owned(), super::phrase::projects(finding)));
        }
        for evidence in &finding.evidence {
            let source = harmless(&evidence.source).into_owned();
            facts.push((source, harmless(&evidence.text).into_owned()));
        }
        facts.into_iter().flat_map(|(label, text)| self.labelled(4, &label, &text)).collect()
    }

    fn labelled(&self, indent: usize, label: &str, text: &str) -> Vec<String> {
        let room = self.width.saturating_sub(indent).max(8);
        let rest = room - 2;
        let lines = wrap(&format!("{label}: {text}"), room, rest);
        let lines = lines.into_iter().enumerate();
        lines
            .map(|(number, line)| {
                let indent = if number == 0 { indent } else { indent + 2 };
                format!("{:indent$}{}", "", self.paint(QUIET, &line))
            })
            .collect()
    }

    /// What was looked at, and what was taken for granted.
    fn top(&self, report: &Report) -> Vec<String> {
        let of = report.federation.as_deref().map(|name| format!(" of {}", harmless(name)));
        let title = format!(
            "audit{}, {}, facts from {}",
            of.unwrap_or_default(),
            day(report.at),
            harmless(&report.facts)
        );
        let mut lines: Vec<String> =
            self.fit(&title).iter().map(|line| self.paint(BOLD, line)).collect();
        let until = report.records_until.as_deref();
        let until = until.map(|until| format!(", until {}", harmless(until)));
        let label = format!("records{}", until.unwrap_or_default());
        let all = [report.sources.join("; ")];
        let sources = if self.options.details { report.sources.as_slice() } else { &all };
        let sources = sources.iter().filter(|source| !source.is_empty());
        lines.extend(self.list(&label, sources.map(|source| harmless(source).into_owned())));
        let assumptions = report.assumptions.iter().map(|text| harmless(text).into_owned());
        lines.extend(self.list("assumed", assumptions));
        lines
    }

    /// What was found in all, and what is not shown.
    fn bottom(&self, report: &Report) -> Vec<String> {
        let problems =
            report.problems.iter().map(|problem| harmless(&problem_line(problem)).into_owned());
        let mut lines = self.list("unusable record", problems);
        let unread = report.unread.iter();
        let unread = unread.map(|(name, reason)| format!("{name}: {}", harmless(reason)));
        lines.extend(self.list("not judged", unread));
        if self.options.all || self.options.details {
            let accepted = report.accepted.iter().map(|(finding, reason)| {
                let subject = subject(finding, self.width);
                format!("{} of {subject}; {}", finding.rule, harmless(reason))
            });
            lines.extend(self.list("accepted", accepted));
        }
        lines.extend(self.fit(&summary(report, self.options)));
        let counts = report.counts;
        lines.extend(self.fit(&format!(
            "{}: {} with {} on the index, {} in the records",
            count(counts.projects, "project", "projects"),
            count(counts.releases, "release", "releases"),
            count(counts.files, "file", "files"),
            counts.official,
        )));
        lines
    }

    /// Lines that begin with the same word; few of them, unless all details are wanted.
    fn list(&self, label: &str, texts: impl Iterator<Item = String>) -> Vec<String> {
        let texts: Vec<String> = texts.collect();
        if self.options.details {
            return texts.iter().flat_map(|text| self.labelled(0, label, text)).collect();
        }
        let shown = if texts.len() > FEW { FEW - 1 } else { texts.len() };
        let mut lines = Vec::new();
        for text in texts.iter().take(shown) {
            let whole = self.labelled(0, label, text);
            if whole.len() <= self.lines_of_a_text {
                lines.extend(whole);
            } else {
                let cut = shorten(&format!("{label}: {text}"), self.width);
                lines.push(self.paint(QUIET, &cut));
            }
        }
        if texts.len() > shown {
            let more = format!("{label}: {} more", texts.len() - shown);
            lines.push(self.paint(QUIET, &more));
        }
        lines
    }

    fn fit(&self, text: &str) -> Vec<String> {
        wrap(text, self.width, self.width)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.colors && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.into()
        }
    }
}

fn heading(group: Group, number: usize) -> String {
    format!("{} ({number})", group.name())
}

fn group_style(group: Group) -> Style {
    match group {
        Group::Severity(Severity::High) => HIGH,
        Group::Severity(Severity::Medium) => MEDIUM,
        Group::Severity(Severity::Low) => LOW,
        Group::Severity(Severity::Note) | Group::Explained => QUIET,
    }
}

/// `2 high, 1 low; not shown: 3 low, 214 explained (--all); accepted: 1; evidence: --details`.
fn summary(report: &Report, options: Options) -> String {
    let mut shown = Vec::new();
    let mut hidden = Vec::new();
    for group in Group::ALL {
        let number = report.findings.iter().filter(|finding| Group::of(finding) == group).count();
        let is_shown =
            options.all || matches!(group, Group::Severity(severity) if severity >= options.least);
        if number > 0 {
            let list = if is_shown { &mut shown } else { &mut hidden };
            list.push(format!("{number} {}", group.name()));
        }
    }
    let mut text = if shown.is_empty() { "nothing found".to_owned() } else { shown.join(", ") };
    if !hidden.is_empty() {
        text = format!("{text}; not shown: {} (--all)", hidden.join(", "));
    }
    if !report.accepted.is_empty() {
        text = format!("{text}; accepted: {}", report.accepted.len());
    }
    if !options.details && !shown.is_empty() {
        text.push_str("; evidence: --details");
    }
    text
}

#[cfg(test)]
mod tests;
