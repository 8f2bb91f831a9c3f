//! The pages as text: in a pager on a terminal, else as they are.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use countermark_client::contents::FileMove;
use countermark_client::contents::reading::{Context, Mark, Page, Row, shown};
use countermark_ledger::danger::Severity;

use super::Subject;
use super::obtain::Obtained;
use crate::cli::vet::ReadingArgs;
use crate::cli::{ColorChoice, OutputArgs};
use crate::commands::pager;
use crate::output::{self, visible};

const FIRST: Style = AnsiColor::BrightRed.on_default().bold();
const LOOK: Style = AnsiColor::Yellow.on_default();
const NOTE: Style = AnsiColor::Cyan.on_default();
const HEAD: Style = Style::new().bold();
const GONE: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const QUIET: Style = Style::new().dimmed();

/// Lines around a change.
const AROUND: usize = 5;
/// Kinds of findings that are named in one line of the list.
const KINDS: usize = 6;

/// Whether a page is among those that were asked for.
pub(super) fn is_asked(page: &Page, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|start| page.path.starts_with(start.as_str()))
}

/// The command that certifies what was read, with these very files.
pub(super) fn certify(
    after: &Obtained,
    before: Option<&Obtained>,
    arguments: &ReadingArgs,
) -> String {
    let (name, version) = (after.filename.name(), after.filename.version());
    let mut command = format!("countermark vet certify {name}=={version}");
    let mut add = |option: &str, value: &str| {
        let quoted = shlex::try_quote(value).map_or_else(|_| value.to_owned(), Into::into);
        let _ = write!(command, " {option} {quoted}");
    };
    if let Some(before) = before {
        add("--from", &before.filename.version().to_string());
    }
    if let Some(lock) = &arguments.lock {
        add("--lock", &lock.display().to_string());
    }
    if let Some(file) = after.named() {
        add("--file", &file);
    }
    if let Some(file) = before.and_then(Obtained::named) {
        add("--from-file", &file);
    }
    if arguments.proposed.proposed && after.path.is_none() {
        command.push_str(" --proposed");
    }
    visible(&command).into_owned()
}

/// Shows everything, or the list alone.
pub(super) fn show(subject: &Subject, arguments: &ReadingArgs, output: &OutputArgs) {
    let pages: Vec<&Page> =
        subject.reading.pages.iter().filter(|page| is_asked(page, &arguments.only)).collect();
    let write_all = |put: &mut dyn FnMut(&str) -> io::Result<()>| -> io::Result<()> {
        put(&head(subject, &pages))?;
        if arguments.list {
            return Ok(());
        }
        for (position, page) in pages.iter().enumerate() {
            put(&show_page(page, position + 1, pages.len()))?;
        }
        Ok(())
    };
    if io::stdout().is_terminal() && !arguments.list {
        let is_plain = output.color == ColorChoice::Never
            || output.color == ColorChoice::Auto && crate::setup::variable("NO_COLOR").is_some();
        let paged = pager::page(|into: &mut dyn Write| {
            write_all(&mut |text| {
                if is_plain {
                    let plain = anstream::adapter::strip_str(text).to_string();
                    into.write_all(plain.as_bytes())
                } else {
                    into.write_all(text.as_bytes())
                }
            })
        });
        if paged.is_some() {
            return;
        }
    }
    // Printing keeps what was lost for the end of the run.
    let _ = write_all(&mut |text| {
        output::print(text.trim_end_matches('\n'));
        Ok(())
    });
}

/// What is read, and the list of its files.
fn head(subject: &Subject, pages: &[&Page]) -> String {
    let mut text = format!("{HEAD}{}{HEAD:#}\n", visible(&subject.title));
    for (side, by) in subject.reading.sides.iter().zip(&subject.by) {
        let _ = writeln!(
            text,
            "  {}\n    sha256:{} ({})",
            visible(&side.filename),
            side.sha256.hex(),
            visible(by)
        );
    }
    let total = |severity| pages.iter().filter(|page| page.severity() == Some(severity)).count();
    let lines: usize = pages.iter().map(|page| page.lines()).sum();
    let _ = writeln!(
        text,
        "  {}, {} to read; {} to look at first, {} to look at",
        output::count(pages.len(), "file", "files"),
        output::count(lines, "line", "lines"),
        output::count(total(Severity::First), "file", "files"),
        output::count(total(Severity::Look), "file", "files"),
    );
    text.push_str("  The order is of danger, and no judgement: what is last was found by nobody to be good.\n\n");
    for (position, page) in pages.iter().enumerate() {
        let read = if subject.marks.is_read(page) { " (read)" } else { "" };
        let _ = writeln!(
            text,
            "{:>5}  {} {}{read}  {}{}",
            position + 1,
            label(page.severity()),
            visible(&page.path.replace('\n', "\\n")),
            amount(page),
            kinds(page),
        );
    }
    text.push('\n');
    text
}

fn label(severity: Option<Severity>) -> String {
    let Some(severity) = severity else { return "     ".to_owned() };
    let style = style(severity);
    format!("{style}{:<5}{style:#}", severity.as_str())
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::First => FIRST,
        Severity::Look => LOOK,
        Severity::Note => NOTE,
    }
}

fn amount(page: &Page) -> String {
    let what = match page.moved {
        Some(FileMove::Removed) => "gone",
        Some(FileMove::Added) => "new",
        Some(FileMove::Modified) | None => "",
    };
    let amount = if !page.is_text() {
        let content = page.new.as_ref().or(page.old.as_ref());
        format!("{}, not shown", output::size(content.map_or(0, |content| content.size)))
    } else if page.moved == Some(FileMove::Modified) {
        let (added, removed) = page.counts();
        format!("+{added} -{removed}")
    } else {
        output::count(page.lines(), "line", "lines")
    };
    if what.is_empty() { amount } else { format!("{what}, {amount}") }
}

fn kinds(page: &Page) -> String {
    let mut kinds: Vec<_> = page
        .marks
        .iter()
        .filter(|mark| mark.is_new)
        .map(|mark| (std::cmp::Reverse(mark.finding.severity), mark.finding.kind))
        .collect();
    kinds.sort();
    kinds.dedup_by_key(|it| it.1);
    let mut words: Vec<&str> = Vec::new();
    for (_, kind) in kinds {
        if !words.contains(&kind.as_str()) {
            words.push(kind.as_str());
        }
    }
    let more = if words.len() > KINDS { ", …" } else { "" };
    words.truncate(KINDS);
    if words.is_empty() {
        String::new()
    } else {
        format!("  {QUIET}{}{more}{QUIET:#}", words.join(", "))
    }
}

fn show_page(page: &Page, position: usize, of: usize) -> String {
    let path = visible(&page.path).replace('\n', "\\n");
    let mut text = format!("{HEAD}── {position} of {of} ── {path} ── {}{HEAD:#}\n", amount(page));
    page.marks_of(0).for_each(|mark| say(&mut text, mark, ""));
    if page.left_out > 0 {
        let _ = writeln!(text, "  and {} more findings in it", page.left_out);
    }
    if !page.is_text() {
        for (side, content) in [("before", &page.old), ("file", &page.new)] {
            if let Some(content) = content {
                let hex: String = content.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                let _ = writeln!(text, "  {side}: {} bytes, sha256 {hex}, not shown", content.size);
            }
        }
    }
    let context = if page.moved.is_some() { Context::Lines(AROUND) } else { Context::Whole };
    for row in page.rows(context) {
        show_row(&mut text, page, &row);
    }
    text.push('\n');
    text
}

fn show_row(text: &mut String, page: &Page, row: &Row<'_>) {
    let number =
        |line: Option<usize>| line.map_or_else(|| "     ".to_owned(), |line| format!("{line:>5}"));
    // Writing to a string cannot fail.
    let _ = match *row {
        Row::Gap(count) => writeln!(
            text,
            "{QUIET}      … {} that did not change{QUIET:#}",
            output::count(count, "line", "lines")
        ),
        Row::Same(old, new, line) => {
            let old =
                if page.moved.is_some() { format!("{} ", number(old)) } else { String::new() };
            let sign = sign(page, new);
            let line = shown(line.strip_suffix('\r').unwrap_or(line));
            let _ = writeln!(text, "{sign}{QUIET}{old}{}{QUIET:#}   {line}", number(Some(new)));
            page.marks_of(new).for_each(|mark| say(text, mark, "            "));
            Ok(())
        }
        Row::Changed(old, new) => {
            if let Some((at, line)) = old {
                let _ = writeln!(
                    text,
                    "  {QUIET}{} {}{QUIET:#} {GONE}- {}{GONE:#}",
                    number(Some(at)),
                    number(None),
                    shown(line)
                );
            }
            if let Some((at, line)) = new {
                let sign = sign(page, at);
                let _ = writeln!(
                    text,
                    "{sign}{QUIET}{} {}{QUIET:#} {NEW}+ {}{NEW:#}",
                    number(None),
                    number(Some(at)),
                    shown(line)
                );
                page.marks_of(at).for_each(|mark| say(text, mark, "            "));
            }
            Ok(())
        }
    };
}

/// A sign before a line at which to look.
fn sign(page: &Page, line: usize) -> String {
    let worst =
        page.marks_of(line).filter(|mark| mark.is_new).map(|mark| mark.finding.severity).max();
    let Some(severity) = worst else { return "  ".to_owned() };
    let style = style(severity);
    let sign = match severity {
        Severity::First => "!!",
        Severity::Look => "! ",
        Severity::Note => "· ",
    };
    format!("{style}{sign}{style:#}")
}

fn say(text: &mut String, mark: &Mark, indent: &str) {
    let finding = &mark.finding;
    let style = if mark.is_new { style(finding.severity) } else { QUIET };
    let before = if mark.is_new { "" } else { " (as before)" };
    let what = shown(&finding.what);
    let _ = writeln!(text, "{indent}{style}^ {}: {what}{before}{style:#}", finding.kind.as_str());
}
