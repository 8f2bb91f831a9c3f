//! The report for people at a terminal: what fails, by release, and what to do next.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};
use countermark_report::harmless::harmless;

use super::{Counts, Report, words};
use crate::check::Judgement;
use crate::check::counts::NotCounted;
use crate::check::judgement::Required;
use crate::criteria::CriterionName;
use crate::file::FileId;

const BAD: Style = AnsiColor::BrightRed.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const QUIET: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// So many remarks about a release are shown without `all`.
const MOST_REMARKS: usize = 5;

/// What to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// With colours.
    pub colors: bool,
    /// Also files that meet their criteria, and everything that does not count.
    pub all: bool,
}

/// Writes the report, with a line end at the end.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let mut out = Vec::new();
    for release in releases(report, |it| !it.passes()) {
        failing(&release, options, &mut out);
        out.push(String::new());
    }
    if options.all {
        for release in releases(report, Judgement::passes) {
            passing(&release, options, &mut out);
        }
        out.push(String::new());
    }
    out.extend(
        report.notes.iter().map(|note| paint(options, QUIET, &format!("note: {}", harmless(note)))),
    );
    bottom(report, options, &mut out);
    let mut text = out.join("\n");
    text.push('\n');
    text
}

/// Judgements of one release after each other, in the order of their first files.
fn releases(report: &Report, is_wanted: impl Fn(&Judgement) -> bool) -> Vec<Vec<&Judgement>> {
    let mut releases: Vec<Vec<&Judgement>> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for judgement in report.judgements.iter().filter(|it| is_wanted(it)) {
        let subject = &judgement.subject;
        let number = *known.entry((&subject.project, &subject.version)).or_insert_with(|| {
            releases.push(Vec::new());
            releases.len() - 1
        });
        releases[number].push(judgement);
    }
    releases
}

fn failing(release: &[&Judgement], options: Options, out: &mut Vec<String>) {
    let Some(first) = release.first() else { return };
    let mut missing: Vec<&str> =
        release.iter().flat_map(|it| it.missing()).map(CriterionName::as_str).collect();
    missing.sort_unstable();
    missing.dedup();
    let name =
        paint(options, BOLD, &format!("{} {}", first.subject.project, first.subject.version));
    let is_bad = release.iter().any(|it| !it.known_bad.is_empty());
    out.push(if is_bad {
        format!("{} {name}", paint(options, BAD, "known bad:"))
    } else {
        format!("{name} does not meet {}", missing.join(", "))
    });
    let mut remarks = Vec::new();
    for judgement in release {
        let at = harmless(&judgement.subject.place.to_string()).into_owned();
        out.push(format!("  {}, at {at}", words::file(&judgement.subject)));
        remarks.extend(judgement.known_bad.iter().map(words::known_bad));
        if judgement.known_bad.is_empty() {
            remarks.extend(judgement.required.iter().flat_map(open));
            let obstacles = judgement.obstacles.iter();
            remarks.extend(obstacles.map(|it| harmless(&it.to_string()).into_owned()));
            let ignored = judgement.ignored.iter();
            remarks.extend(ignored.map(|it| format!("does not count: {}", words::ignored(it))));
        }
    }
    let mut seen = std::collections::HashSet::new();
    remarks.retain(|it| seen.insert(it.clone()));
    let most = if options.all { usize::MAX } else { MOST_REMARKS };
    out.extend(remarks.iter().take(most).map(|it| format!("    {it}")));
    if let Some(more) = remarks.len().checked_sub(most).filter(|more| *more > 0) {
        out.push(format!("    and {more} more"));
    }
    let next = format!("countermark vet explain {}", first.subject.project);
    out.push(format!("  {} {next}", paint(options, HINT, "hint:")));
}

/// What is nearly enough.
fn open(required: &Required) -> Vec<String> {
    let missing = required.missing();
    let sentences = missing.map(|missing| {
        let names = |files: &[&FileId]| {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            harmless(&names.join(", ")).into_owned()
        };
        let mut text = words::open(missing.reason, missing.compiled);
        if !missing.files.is_empty() {
            let does = does(missing.files.len());
            text.push_str(&format!("; {does} not meet it: {}", names(&missing.files)));
        }
        if !missing.by_publisher.is_empty() {
            let trusted = names(&missing.by_publisher);
            text.push_str(&format!(
                "; only a publisher stands for {trusted}, which no reading starts from"
            ));
        }
        text
    });
    sentences.collect()
}

const fn does(number: usize) -> &'static str {
    if number == 1 { "that file does" } else { "those files do" }
}

fn passing(release: &[&Judgement], options: Options, out: &mut Vec<String>) {
    let Some(first) = release.first() else { return };
    out.push(paint(options, BOLD, &format!("{} {}", first.subject.project, first.subject.version)));
    for judgement in release {
        for required in &judgement.required {
            let reason = required.reason().map(words::reason).unwrap_or_default();
            out.push(format!(
                "  {} {}: {reason}",
                words::file(&judgement.subject),
                required.criterion
            ));
        }
        let ignored = judgement.ignored.iter();
        out.extend(ignored.map(|it| format!("    does not count: {}", words::ignored(it))));
    }
}

fn bottom(report: &Report, options: Options, out: &mut Vec<String>) {
    let counts = report.counts();
    if counts.unknown_roles > 0 {
        let files = words::count(counts.unknown_roles, "file rests", "files rest");
        let text =
            format!("note: {files} on reviews of projects whose roles at the index are not known");
        out.push(paint(options, QUIET, &text));
    }
    let unsigned = if options.all { 0 } else { unsigned(report) };
    if unsigned > 0 {
        let reviews = words::count(unsigned, "review counts", "reviews count");
        let text = format!("note: {reviews} for nothing, for want of a good signature; see --all");
        out.push(paint(options, QUIET, &text));
    }
    let files = words::count(counts.files, "file", "files");
    let verb = if counts.met == 1 { "meets" } else { "meet" };
    out.push(format!("{} of {files} {verb} the criteria{}", counts.met, tally(&counts)));
    if counts.unmet > counts.known_bad {
        out.push(format!("{} countermark vet suggest", paint(options, HINT, "hint:")));
    }
}

/// How many reviews of files that pass without them have no signature that counts. Those of the others are
/// shown one by one.
fn unsigned(report: &Report) -> usize {
    let passing = report.judgements.iter().filter(|it| it.passes());
    let ignored = passing.flat_map(|it| &it.ignored);
    let unsigned = ignored.filter(|it| matches!(it.why, NotCounted::Signature(_)));
    let places = unsigned.map(|it| (it.review.place.file.as_str(), it.review.place.line));
    places.collect::<BTreeSet<_>>().len()
}

/// `: 3 read in full, 1 exempt`.
fn tally(counts: &Counts) -> String {
    let parts = [
        (counts.full, "read in full"),
        (counts.delta, "by differences"),
        (counts.related, "by another file of the release"),
        (counts.trusted, "by their publisher"),
        (counts.exempt, "exempt"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, what)| format!("{number} {what}")).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

fn paint(options: Options, style: Style, text: &str) -> String {
    if options.colors { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
