//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere, so
//! that it can be mailed, kept as the artifact of a job, and read on a phone.
//!
//! Everything that others wrote is made harmless and then escaped by the template. Should something
//! get through, the page's own policy (CSP) allows its one style sheet and nothing else.

use std::collections::BTreeSet;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_packaging::name::ProjectName;
use sha2::{Digest as _, Sha256};

use self::timeline::Picture;
use super::harmless::harmless;
use super::phrase::{Group, count, day, problem_line, projects, versions};
use super::{Options, Report};
use crate::finding::{Finding, Severity};
use crate::rule;

mod timeline;

const STYLE: &str = include_str!("../../templates/report.css");

/// Projects and releases that a heading names; all of them are below it.
const NAMED: usize = 6;

/// Writes the findings that these options show, and the timelines of their projects.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let page = Page::of(report, options);
    // Rendering into a text fails only when a part of it fails, and no part can.
    let mut text = page.render().unwrap_or_default();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    style: &'static str,
    style_digest: String,
    at: String,
    counts: String,
    facts: String,
    sources: String,
    records_until: Option<String>,
    tallies: Vec<Tally>,
    hidden: usize,
    lists: Vec<List>,
    groups: Vec<GroupView>,
    key: [(&'static str, &'static str); 6],
    pictures: Vec<Picture>,
    rules: Vec<RuleView>,
    version: &'static str,
}

struct Tally {
    name: &'static str,
    number: usize,
}

/// Things that are folded away.
struct List {
    title: &'static str,
    items: Vec<Prose>,
}

struct GroupView {
    name: &'static str,
    title: String,
    is_open: bool,
    findings: Vec<FindingView>,
}

struct FindingView {
    rule: &'static str,
    project: String,
    versions: String,
    message: Prose,
    next: Prose,
    explained: Option<String>,
    facts: Vec<FactView>,
    is_explained_below: bool,
    has_picture: bool,
}

struct FactView {
    label: String,
    text: Prose,
}

struct RuleView {
    code: &'static str,
    title: Prose,
    what: Prose,
    why: Prose,
    remedy: Prose,
}

/// A text with names between backticks.
type Prose = Vec<Span>;

struct Span {
    is_code: bool,
    text: String,
}

impl Page {
    fn of(report: &Report, options: Options) -> Self {
        let shown: Vec<&Finding> = report.shown(options).collect();
        let wanted: BTreeSet<_> = shown.iter().flat_map(|finding| &finding.projects).collect();
        let pictures: Vec<Picture> = report
            .timelines
            .iter()
            .filter(|timeline| !timeline.events.is_empty() && wanted.contains(&timeline.project))
            .map(|timeline| Picture::of(timeline, report.at))
            .collect();
        let codes: BTreeSet<&'static str> = shown.iter().map(|finding| finding.rule).collect();
        let counts = report.counts;
        let of = report.federation.as_deref().map(|name| format!(" of {}", harmless(name)));
        let drawn: BTreeSet<&str> = pictures.iter().map(|picture| &*picture.project).collect();
        let groups = groups(&shown, &drawn);
        Self {
            title: format!("Release audit{}, {}", of.unwrap_or_default(), day(report.at)),
            style: STYLE,
            style_digest: STANDARD.encode(Sha256::digest(STYLE)),
            at: report.at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            counts: format!(
                "{} with {} in {} on the index, {} in the records",
                count(counts.projects, "project", "projects"),
                count(counts.releases, "release", "releases"),
                count(counts.files, "file", "files"),
                counts.official
            ),
            facts: harmless(&report.facts).into_owned(),
            sources: harmless(&report.sources.join("; ")).into_owned(),
            records_until: report.records_until.as_deref().map(|text| harmless(text).into_owned()),
            tallies: groups
                .iter()
                .map(|group| Tally { name: group.name, number: group.findings.len() })
                .collect(),
            hidden: report.findings.len() - shown.len(),
            lists: lists(report),
            groups,
            key: timeline::KEY,
            pictures,
            rules: codes.into_iter().filter_map(RuleView::of).collect(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn groups(shown: &[&Finding], drawn: &BTreeSet<&str>) -> Vec<GroupView> {
    let mut groups = Vec::new();
    for group in Group::ALL {
        let findings: Vec<FindingView> = shown
            .iter()
            .filter(|finding| Group::of(finding) == group)
            .map(|finding| FindingView::of(finding, drawn))
            .collect();
        if !findings.is_empty() {
            groups.push(GroupView {
                name: group.name(),
                title: format!("{} ({})", capitalised(group.name()), findings.len()),
                is_open: group == Group::Severity(Severity::High),
                findings,
            });
        }
    }
    groups
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn lists(report: &Report) -> Vec<List> {
    let assumptions = report.assumptions.iter().map(|text| prose(text));
    let accepted = report.accepted.iter().map(|(finding, reason)| {
        prose(&format!("{} {}: {reason}", projects(finding), finding.rule))
    });
    let unread = report.unread.iter().map(|(name, reason)| prose(&format!("{name}: {reason}")));
    let problems = report.problems.iter().map(|problem| prose(&problem_line(problem)));
    let lists = [
        List { title: "Taken for granted", items: assumptions.collect() },
        List { title: "Accepted", items: accepted.collect() },
        List { title: "Projects that were not judged", items: unread.collect() },
        List { title: "Records that could not be used", items: problems.collect() },
    ];
    lists.into_iter().filter(|list| !list.items.is_empty()).collect()
}

impl FindingView {
    fn of(finding: &Finding, drawn: &BTreeSet<&str>) -> Self {
        let names: Vec<&str> = finding.projects.iter().map(ProjectName::as_str).collect();
        let mut facts = Vec::new();
        for (label, text) in [
            ("projects", if names.len() > NAMED { names.join(", ") } else { String::new() }),
            (
                "releases",
                match finding.versions.len() {
                    0..=NAMED => String::new(),
                    _ => versions(finding),
                },
            ),
            ("files", finding.files.join(", ")),
            ("accounts", finding.accounts.join(", ")),
        ] {
            if !text.is_empty() {
                let text = vec![Span { is_code: true, text: harmless(&text).into_owned() }];
                facts.push(FactView { label: label.to_owned(), text });
            }
        }
        facts.extend(finding.evidence.iter().map(|one| FactView {
            label: harmless(&one.source).into_owned(),
            text: prose(&one.text),
        }));
        Self {
            rule: finding.rule,
            project: match names.as_slice() {
                [] => "the federation".to_owned(),
                names => few(names),
            },
            versions: harmless(&few(&finding.versions)).into_owned(),
            message: prose(&finding.message),
            next: prose(&finding.next),
            explained: finding.explained.as_deref().map(|reason| harmless(reason).into_owned()),
            facts,
            is_explained_below: rule::find(finding.rule).is_some(),
            has_picture: matches!(names.as_slice(), [name] if drawn.contains(name)),
        }
    }
}

/// All names when they are few, or else the first ones and the last one.
fn few<T: AsRef<str>>(names: &[T]) -> String {
    let join = |names: &[T]| names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names {
        [first, second, .., last] if names.len() > NAMED => {
            let last = last.as_ref();
            format!("{}, {} … {last} ({})", first.as_ref(), second.as_ref(), names.len())
        }
        _ => join(names),
    }
}

impl RuleView {
    fn of(code: &'static str) -> Option<Self> {
        let document = rule::find(code)?.document();
        Some(Self {
            code,
            title: prose(document.title),
            what: prose(document.what),
            why: prose(document.why),
            remedy: prose(document.remedy),
        })
    }
}

/// Every second part between backticks is code; a last backtick without another one is a letter.
fn prose(text: &str) -> Prose {
    let text = harmless(text);
    let mut spans = Vec::new();
    let mut push = |is_code, text: &str| {
        if !text.is_empty() {
            spans.push(Span { is_code, text: text.to_owned() });
        }
    };
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, after)) = after.split_once('`') else { break };
        push(false, before);
        push(true, code);
        rest = after;
    }
    push(false, rest);
    spans
}

#[cfg(test)]
mod tests;
