//! `--report`: what was checked, for programs. The format is frozen; `format` counts its versions.

use std::path::Path;

use countermark_client::gather::Ready;
use countermark_client::install::Outcome;
use countermark_client::report::{Note, Problem};
use countermark_packaging::lock::WantedSource;
use countermark_trust::Class;
use serde::Serialize;

use crate::output;

#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    countermark: &'static str,
    dry_run: bool,
    artifacts: Vec<Artifact<'a>>,
    changes: Vec<Change<'a>>,
    notes: Vec<ReportNote<'a>>,
}

#[derive(Serialize)]
struct Artifact<'a> {
    project: &'a str,
    version: &'a str,
    filename: &'a str,
    size: u64,
    digests: Vec<String>,
    tree: String,
    source: &'a str,
    requested_by: String,
    requested_as: &'static str,
    from_store: bool,
    downloaded_bytes: u64,
    files: usize,
    checked: &'static [&'static str],
}

#[derive(Serialize)]
struct Change<'a> {
    project: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

#[derive(Serialize)]
struct ReportNote<'a> {
    code: &'a str,
    message: &'a str,
}

/// What holds for every package that is installed from a whole list, in the order in which it is found out.
const CHECKED: [&str; 5] = ["pin", "archive", "record", "tree", "dependencies"];

/// With `--no-deps`, under which a package may need what nobody listed.
const CHECKED_ALONE: [&str; 4] = ["pin", "archive", "record", "tree"];

/// How the run was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// `--dry-run`: nothing was changed.
    pub(crate) dry_run: bool,
    /// `--no-deps`: gaps in what packages need are no errors.
    pub(crate) no_deps: bool,
}

/// Writes the report; a file is replaced as a whole.
pub(crate) fn write(
    path: &Path,
    packages: &[Ready],
    outcome: &Outcome,
    notes: &[Note],
    asked: Asked,
) -> Result<(), Vec<Problem>> {
    let checked: &'static [&'static str] = if asked.no_deps { &CHECKED_ALONE } else { &CHECKED };
    let report = Report {
        format: 1,
        countermark: env!("CARGO_PKG_VERSION"),
        dry_run: asked.dry_run,
        artifacts: packages.iter().map(|ready| artifact(ready, checked)).collect(),
        changes: outcome
            .changes
            .iter()
            .map(|change| Change {
                project: change.project.as_str(),
                before: change.before.as_deref(),
                after: change.after.as_deref(),
            })
            .collect(),
        notes: notes
            .iter()
            .map(|note| ReportNote { code: note.code, message: &note.message })
            .collect(),
    };
    // Numbers, strings and lists always serialise.
    let text = serde_json::to_string_pretty(&report).unwrap_or_default();
    if path == Path::new("-") {
        output::print(&text);
        return Ok(());
    }
    replace_file(path, format!("{text}\n").as_bytes())
}

/// Writes a file beside its place and renames it.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Vec<Problem>> {
    countermark_client::system::replace_file(path, bytes).map_err(|error| {
        let message = format!("cannot write `{}`", path.display());
        let problem = Problem::new("write-failed", Class::Unavailable, message);
        vec![problem.with_detail(error.to_string())]
    })
}

fn artifact<'a>(ready: &'a Ready, checked: &'static [&'static str]) -> Artifact<'a> {
    let artifact = ready.entry.tree.artifact();
    Artifact {
        project: ready.wanted.project.as_str(),
        version: &ready.entry.facts.version,
        filename: artifact.filename(),
        size: artifact.size(),
        digests: artifact.digests().map(ToString::to_string).collect(),
        tree: ready.entry.tree.digest().to_string(),
        source: &ready.entry.facts.source,
        requested_by: ready.wanted.place.to_string(),
        requested_as: match &ready.wanted.source {
            WantedSource::Index { .. } => "version",
            WantedSource::Url { .. } => "url",
            WantedSource::Path { .. } => "path",
        },
        from_store: ready.cached,
        downloaded_bytes: ready.downloaded,
        files: ready.entry.tree.files().len(),
        checked,
    }
}
