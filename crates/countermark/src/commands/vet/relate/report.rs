//! What is said of each release, and at the end.

use countermark_client::report::{Problem, Reporter as _};
use countermark_ledger::file::FileId;
use countermark_ledger::relate::{Comparison, Finding, Verdict};
use countermark_ledger::relation::Relation;
use serde::Serialize;

use super::gather::Release;
use crate::cli::vet::{RelateArgs, RelateFormat};
use crate::output::{self, GOOD, count, visible};
use crate::progress::Teller;

/// Files of one verdict that are shown of one pair where not all were asked for.
const SHOWN: usize = 8;

/// A release, and what came out.
pub(super) struct Shown {
    pub(super) release: Release,
    pub(super) answer: Answer,
}

/// What came out.
pub(super) enum Answer {
    /// The pairs of files.
    Compared(Vec<Comparison>),
    /// The same, and what is written down and differs.
    Checked(Vec<Comparison>, Vec<Relation>),
    /// It is not known.
    Failed(Problem),
}

impl Answer {
    /// Holds what came out against what is written down.
    pub(super) fn checked(written: &[Relation], found: Vec<Comparison>) -> Self {
        let is_found = |old: &&Relation| found.iter().any(|it| normal(&it.relation) == normal(old));
        let differing = written.iter().filter(|old| !is_found(old)).cloned().collect();
        Self::Checked(found, differing)
    }

    fn comparisons(&self) -> &[Comparison] {
        match self {
            Self::Compared(found) | Self::Checked(found, _) => found,
            Self::Failed(_) => &[],
        }
    }
}

/// The order of lists says nothing.
fn normal(relation: &Relation) -> Relation {
    let mut relation = relation.clone();
    relation.permitted.sort();
    relation.compiled.sort();
    relation.unexplained.sort();
    relation
}

/// Shows a release.
pub(super) fn tell(one: &Shown, arguments: &RelateArgs, teller: &Teller) {
    if arguments.format == RelateFormat::Json {
        return;
    }
    teller.progress(countermark_client::report::Progress::Done);
    output::print(&one.release.to_string());
    for comparison in one.answer.comparisons() {
        show(comparison, arguments.all);
    }
    match &one.answer {
        Answer::Failed(problem) => {
            output::print(&visible(&format!("  not compared: {}", problem.message)));
            for detail in &problem.details {
                output::print(&visible(&format!("    {detail}")));
            }
        }
        Answer::Checked(_, differing) => {
            for old in differing {
                let line = format!(
                    "  differs from what is written down: {} → {}",
                    old.from.name, old.to.name
                );
                output::print(&visible(&line));
            }
        }
        Answer::Compared(found) if found.is_empty() => {
            output::print("  there is nothing to compare: one file, or no wheel");
        }
        Answer::Compared(_) => {}
    }
}

fn show(comparison: &Comparison, all: bool) {
    let Relation { from, to, same, compiled, .. } = &comparison.relation;
    let word = match (comparison.relation.covers(), compiled.is_empty()) {
        (true, true) => "covered",
        (true, false) => "covered but for what is compiled",
        (false, _) => "not covered",
    };
    output::print(&visible(&format!("  {} → {}: {word}", from.name, to.name)));
    let files = if *same == 1 { "file is" } else { "files are" };
    output::print(&format!("    {same} {files} the same"));
    for (top, folder) in &comparison.roots {
        output::print(&visible(&format!("    `{top}` comes from `{folder}`")));
    }
    type Pick = fn(&Verdict) -> bool;
    let groups: [(&str, Pick, bool); 3] = [
        ("not explained", |it| matches!(it, Verdict::Unexplained(_)), true),
        ("compiled, needs a word of its own", |it| matches!(it, Verdict::Compiled), true),
        ("permitted", |it| matches!(it, Verdict::Permitted(_)), false),
    ];
    for (title, pick, has_lines) in groups {
        let found: Vec<&Finding> =
            comparison.findings.iter().filter(|it| pick(&it.verdict)).collect();
        if found.is_empty() {
            continue;
        }
        if !has_lines && !all {
            output::print(&format!("    {title}: {}", count(found.len(), "file", "files")));
            continue;
        }
        output::print(&format!("    {title}:"));
        let limit = if all { found.len() } else { SHOWN };
        for finding in found.iter().take(limit) {
            output::print(&visible(&format!("      {finding}")));
        }
        if found.len() > limit {
            output::print(&format!("      and {} more; see --all", found.len() - limit));
        }
    }
}

/// The report for programs, or the line at the end.
pub(super) fn end(shown: &[Shown], arguments: &RelateArgs, teller: &Teller) {
    if arguments.format == RelateFormat::Json {
        let releases = shown.iter().map(ReleaseJson::new).collect();
        let report = ReportJson { format: 1, releases };
        // Texts and numbers in lists have no reason to fail.
        output::print(&serde_json::to_string_pretty(&report).unwrap_or_default());
        return;
    }
    let pairs = || shown.iter().flat_map(|one| one.answer.comparisons());
    let covered = pairs().filter(|it| it.relation.covers()).count();
    let compiled = pairs().filter(|it| it.relation.covers() && !it.relation.compiled.is_empty());
    let summary = format!(
        "{}, {}: {covered} covered, {} of them but for what is compiled",
        count(shown.len(), "release", "releases"),
        count(pairs().count(), "pair of files", "pairs of files"),
        compiled.count()
    );
    let differing = shown.iter().filter(|one| one.differs()).count();
    let failed = shown.iter().filter(|one| matches!(one.answer, Answer::Failed(_))).count();
    match (differing, failed) {
        (0, 0) => teller.line(&format!("{GOOD}{summary}{GOOD:#}")),
        (0, failed) => teller.line(&format!("{summary}; {failed} not compared")),
        (differing, _) => {
            let line = format!("{summary}; {differing} not as written down");
            teller.line(&line);
        }
    }
}

impl Shown {
    fn differs(&self) -> bool {
        matches!(&self.answer, Answer::Checked(_, differing) if !differing.is_empty())
    }
}

/// A "no" before "could not decide".
pub(super) fn exit_code(shown: &[Shown]) -> u8 {
    let rejected = countermark_trust::Class::Rejected.exit_code();
    if shown.iter().any(Shown::differs) {
        return rejected;
    }
    let classes = shown.iter().filter_map(|one| match &one.answer {
        Answer::Failed(problem) => Some(problem.class),
        Answer::Compared(_) | Answer::Checked(..) => None,
    });
    classes.reduce(countermark_trust::Class::worst).map_or(0, countermark_trust::Class::exit_code)
}

/// `--format json`, version 1.
#[derive(Serialize)]
struct ReportJson<'a> {
    format: u32,
    releases: Vec<ReleaseJson<'a>>,
}

#[derive(Serialize)]
struct ReleaseJson<'a> {
    project: &'a str,
    version: String,
    relations: Vec<RelationJson<'a>>,
    differs: Vec<PairJson<'a>>,
    error: Option<ErrorJson<'a>>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct PairJson<'a> {
    from: FileJson<'a>,
    to: FileJson<'a>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    name: &'a str,
    sha256: String,
}

#[derive(Serialize)]
struct RelationJson<'a> {
    from: FileJson<'a>,
    to: FileJson<'a>,
    covers: bool,
    same: u32,
    roots: Vec<RootJson<'a>>,
    permitted: Vec<FindingJson<'a>>,
    compiled: Vec<&'a str>,
    unexplained: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct RootJson<'a> {
    name: &'a str,
    folder: &'a str,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    code: &'static str,
    path: &'a str,
}

impl<'a> ReleaseJson<'a> {
    fn new(one: &'a Shown) -> Self {
        let differs = match &one.answer {
            Answer::Checked(_, differing) => {
                let pair = |it: &'a Relation| PairJson { from: file(&it.from), to: file(&it.to) };
                differing.iter().map(pair).collect()
            }
            Answer::Compared(_) | Answer::Failed(_) => Vec::new(),
        };
        let error = match &one.answer {
            Answer::Failed(problem) => {
                Some(ErrorJson { code: problem.code, message: &problem.message })
            }
            Answer::Compared(_) | Answer::Checked(..) => None,
        };
        Self {
            project: one.release.project.as_str(),
            version: one.release.version.to_string(),
            relations: one.answer.comparisons().iter().map(relation).collect(),
            differs,
            error,
        }
    }
}

fn file(id: &FileId) -> FileJson<'_> {
    FileJson { name: &id.name, sha256: id.digest.hex() }
}

fn relation(comparison: &Comparison) -> RelationJson<'_> {
    let Relation { from, to, same, .. } = &comparison.relation;
    let mut json = RelationJson {
        from: file(from),
        to: file(to),
        covers: comparison.relation.covers(),
        same: *same,
        roots: Vec::new(),
        permitted: Vec::new(),
        compiled: Vec::new(),
        unexplained: Vec::new(),
    };
    json.roots.extend(comparison.roots.iter().map(|(name, folder)| RootJson { name, folder }));
    for Finding { path, verdict } in &comparison.findings {
        match verdict {
            Verdict::Same => {}
            Verdict::Compiled => json.compiled.push(path),
            Verdict::Permitted(permit) => {
                json.permitted.push(FindingJson { code: permit.code(), path });
            }
            Verdict::Unexplained(reason) => {
                json.unexplained.push(FindingJson { code: reason.code(), path });
            }
        }
    }
    json
}
