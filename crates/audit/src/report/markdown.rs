//! The report as Markdown, to be pasted into an issue or a mail: what is read there is what was
//! written here, so that no name breaks the table, becomes a link, an image or HTML, or calls people.

use countermark_report::markdown::code;
pub(super) use countermark_report::markdown::plain;

use super::phrase::{Group, count, day, problem_line, subject, versions};
use super::{Options, Report};
use crate::finding::Finding;

/// Columns for the releases of a finding in the table; all of them stand below it.
const SUBJECT: usize = 60;

/// Writes the findings that these options show: a table, and below it the evidence.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let mut out = String::new();
    let of = report.federation.as_deref().map(|name| format!(" of {}", plain(name)));
    push(&mut out, &format!("# Audit{}, {}", of.unwrap_or_default(), day(report.at)));
    push(&mut out, "");
    push(&mut out, &looked_at(report));
    push(&mut out, "");
    let shown: Vec<&Finding> = report.shown(options).collect();
    push(&mut out, &summary(report, &shown));
    list(&mut out, "Taken for granted", report.assumptions.iter().map(|text| plain(text)));
    if !shown.is_empty() {
        push(&mut out, "");
        push(&mut out, "| severity | project | finding | next step | rule |");
        push(&mut out, "|---|---|---|---|---|");
        for finding in &shown {
            push(&mut out, &row(finding));
        }
        evidence(&mut out, &shown);
    }
    let accepted = report.accepted.iter();
    let accepted = accepted.map(|(finding, reason)| {
        format!("{}, `{}`: {}", code(&subject(finding, SUBJECT)), finding.rule, plain(reason))
    });
    list(&mut out, "Accepted", accepted);
    let unread = report.unread.iter();
    let unread = unread.map(|(name, reason)| format!("`{name}`: {}", plain(reason)));
    list(&mut out, "Not judged", unread);
    let problems = report.problems.iter().map(|problem| plain(&problem_line(problem)));
    list(&mut out, "Records that could not be used", problems);
    out
}

fn looked_at(report: &Report) -> String {
    let counts = report.counts;
    let mut text = format!(
        "{} with {} on the index, {} in the records. Facts from {}.",
        count(counts.projects, "project", "projects"),
        count(counts.releases, "release", "releases"),
        counts.official,
        code(&report.facts),
    );
    if !report.sources.is_empty() {
        let sources: Vec<String> = report.sources.iter().map(|source| plain(source)).collect();
        text.push_str(&format!(" Records: {}.", sources.join("; ")));
    }
    if let Some(until) = &report.records_until {
        text.push_str(&format!(" They speak until {}.", plain(until)));
    }
    text
}

fn summary(report: &Report, shown: &[&Finding]) -> String {
    let mut parts = Vec::new();
    for group in Group::ALL {
        let number = shown.iter().filter(|finding| Group::of(finding) == group).count();
        if number > 0 {
            parts.push(format!("{number} {}", group.name()));
        }
    }
    let found = if parts.is_empty() { "Nothing found".to_owned() } else { parts.join(", ") };
    let hidden = report.findings.len() - shown.len();
    if hidden > 0 { format!("**{found}**; {hidden} not shown.") } else { format!("**{found}**.") }
}

fn row(finding: &Finding) -> String {
    let mut message = plain(&finding.message);
    if let Some(reason) = &finding.explained {
        message.push_str(&format!("; {}", plain(reason)));
    }
    format!(
        "| {} | {} | {message} | {} | `{}` |",
        Group::of(finding).name(),
        code(&subject(finding, SUBJECT)),
        plain(&finding.next),
        finding.rule,
    )
}

/// The evidence of each finding, in the order of the table.
fn evidence(out: &mut String, shown: &[&Finding]) {
    push(out, "");
    push(out, "## Evidence");
    for finding in shown {
        push(out, "");
        push(out, &format!("{}, `{}`:", code(&subject(finding, SUBJECT)), finding.rule));
        push(out, "");
        let mut names = Vec::new();
        if finding.projects.len() > 1 {
            names.push(("projects", super::phrase::projects(finding)));
        }
        if finding.versions.len() > 1 {
            names.push(("releases", versions(finding)));
        }
        names.push(("files", finding.files.join(", ")));
        names.push(("accounts", finding.accounts.join(", ")));
        for (label, text) in names.iter().filter(|(_, text)| !text.is_empty()) {
            push(out, &format!("- {label}: {}", code(text)));
        }
        for one in &finding.evidence {
            push(out, &format!("- {}: {}", code(&one.source), plain(&one.text)));
        }
    }
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    for (number, item) in items.enumerate() {
        if number == 0 {
            push(out, "");
            push(out, &format!("## {title}"));
            push(out, "");
        }
        push(out, &format!("- {item}"));
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests;
