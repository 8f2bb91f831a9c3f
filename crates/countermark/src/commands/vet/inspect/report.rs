//! `--format json`: the list of files with what was found in them. The format is frozen; `format` counts
//! its versions.

use countermark_client::contents::FileMove;
use countermark_client::contents::reading::{Mark, Page, Reading};
use countermark_ledger::danger::Severity;
use serde::Serialize;

use super::Subject;
use crate::output;

#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    sides: Vec<Side<'a>>,
    lines: usize,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct Side<'a> {
    file: &'a str,
    sha256: String,
    digest_from: &'a str,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    change: &'static str,
    severity: Option<&'static str>,
    lines: usize,
    added: Option<usize>,
    removed: Option<usize>,
    size: Option<u64>,
    shown: bool,
    read: bool,
    findings: Vec<Finding<'a>>,
    findings_left_out: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    line: Option<usize>,
    severity: &'static str,
    kind: &'static str,
    what: &'a str,
    new: bool,
}

/// Prints it.
pub(super) fn print(subject: &Subject, only: &[String]) {
    let Reading { sides, pages } = &subject.reading;
    let sides = sides.iter().zip(&subject.by).map(|(side, by)| Side {
        file: &side.filename,
        sha256: side.sha256.hex(),
        digest_from: by,
    });
    let pages = pages.iter().filter(|page| super::text::is_asked(page, only));
    let report = Report {
        format: 1,
        sides: sides.collect(),
        lines: subject.reading.lines(),
        files: pages.map(|page| file(subject, page)).collect(),
    };
    // Numbers, strings and lists always serialise.
    output::print(&serde_json::to_string_pretty(&report).unwrap_or_default());
}

fn file<'a>(subject: &Subject, page: &'a Page) -> File<'a> {
    let counts = page.moved.map(|_| page.counts());
    File {
        path: &page.path,
        change: change(page.moved),
        severity: page.severity().map(Severity::as_str),
        lines: page.lines(),
        added: counts.map(|counts| counts.0),
        removed: counts.map(|counts| counts.1),
        size: page.new.as_ref().map(|content| content.size),
        shown: page.is_text(),
        read: subject.marks.is_read(page),
        findings: page.marks.iter().map(finding).collect(),
        findings_left_out: page.left_out,
    }
}

fn finding(mark: &Mark) -> Finding<'_> {
    let finding = &mark.finding;
    Finding {
        line: Some(finding.line).filter(|line| *line > 0),
        severity: finding.severity.as_str(),
        kind: finding.kind.as_str(),
        what: &finding.what,
        new: mark.is_new,
    }
}

fn change(moved: Option<FileMove>) -> &'static str {
    match moved {
        None => "whole",
        Some(FileMove::Added) => "added",
        Some(FileMove::Removed) => "removed",
        Some(FileMove::Modified) => "modified",
    }
}
