//! `cache info`, `cache verify`, `cache prune`.

use std::time::SystemTime;

use countermark_client::catalogue::{cache_size, prune_cache};
use countermark_client::report::Problem;
use countermark_client::store::{Store, StoreError};
use countermark_trust::Class;
use serde::Serialize;

use super::Outcome;
use super::install::open_store;
use crate::cli::{CacheArgs, CacheCommand, IndexArgs, ReportFormat};
use crate::{output, session, setup};

/// Runs the command.
pub(crate) fn run(arguments: &CacheArgs) -> Outcome {
    let folders = setup::folders(&arguments.store)?;
    let session = session::open("cache", &IndexArgs::default(), &[], None)?;
    let store = open_store(&session, &folders, arguments.store.cache_dir.is_some())?;
    match &arguments.command {
        CacheCommand::Info { format } => info(&store, &folders, *format),
        CacheCommand::Verify { remove } => verify(&store, *remove),
        CacheCommand::Prune { max_size, all } => {
            let limit = match (max_size, all) {
                (_, true) => Some(0),
                (Some(text), false) => Some(setup::parse_size(text).ok_or_else(|| {
                    let message = format!("`{text}` is not a size");
                    let problem = Problem::new("bad-size", Class::Usage, message);
                    vec![problem.with_hint("a number with an optional unit: 500MB, 2GB, 1GiB")]
                })?),
                (None, false) => None,
            };
            let pruned = store.prune(limit, SystemTime::now()).map_err(problems)?;
            output::print(&format!(
                "removed {} and {}, {}",
                output::count(pruned.wheels, "wheel", "wheels"),
                output::count(pruned.leftovers, "leftover", "leftovers"),
                output::size(pruned.bytes)
            ));
            let answers = prune_cache(&folders.state, limit);
            if answers.files > 0 {
                output::print(&format!(
                    "removed {} of indexes, {}",
                    output::count(answers.files as usize, "answer", "answers"),
                    output::size(answers.bytes)
                ));
            }
            Ok(0)
        }
    }
}

// By value: it is the last word about the error.
#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn problems(error: StoreError) -> Vec<Problem> {
    vec![Problem::of(error.code(), error.class(), &error)]
}

/// The published form of `cache info --format json`.
#[derive(Serialize)]
struct Info<'a> {
    format: u32,
    folder: &'a str,
    wheels: usize,
    files: u64,
    unpacked_bytes: u64,
    archive_bytes: u64,
    answers: u64,
    answer_bytes: u64,
}

fn info(store: &Store, folders: &setup::Folders, format: ReportFormat) -> Outcome {
    let size = store.size().map_err(problems)?;
    let answers = cache_size(&folders.state);
    let folder = store.root().display().to_string();
    match format {
        ReportFormat::Text => {
            output::print(&format!("store     {folder}"));
            output::print(&format!("wheels    {}", output::grouped(size.wheels as u64)));
            output::print(&format!("files     {}", output::grouped(size.files)));
            output::print(&format!("unpacked  {}", output::size(size.unpacked)));
            output::print(&format!("archives  {}", output::size(size.archives)));
            if answers.files > 0 {
                let (files, bytes) = (output::grouped(answers.files), output::size(answers.bytes));
                output::print(&format!("answers   {files}, {bytes}"));
            }
        }
        ReportFormat::Json => {
            let info = Info {
                format: 1,
                folder: &folder,
                wheels: size.wheels,
                files: size.files,
                unpacked_bytes: size.unpacked,
                archive_bytes: size.archives,
                answers: answers.files,
                answer_bytes: answers.bytes,
            };
            // Numbers and strings always serialise.
            output::print(&serde_json::to_string_pretty(&info).unwrap_or_default());
        }
    }
    Ok(0)
}

fn verify(store: &Store, remove: bool) -> Outcome {
    let entries = store.entries().map_err(problems)?;
    let mut wrong = Vec::new();
    for sha256 in &entries {
        let report = store.check_entry(*sha256).map_err(problems)?;
        let Some(problem) = report.problem else { continue };
        let name = report.filename.unwrap_or_else(|| format!("sha256:{}", report.sha256));
        if remove {
            store.remove(*sha256).map_err(problems)?;
            output::print(&format!("removed {name}: {problem}"));
        } else {
            let message = format!("the stored copy of `{name}` is not what it was: {problem}");
            let hint = "`countermark cache verify --remove` throws it away";
            wrong.push(Problem::new("store-altered", Class::Rejected, message).with_hint(hint));
        }
    }
    if wrong.is_empty() {
        output::print(&format!(
            "{}, every byte checked",
            output::count(entries.len(), "wheel", "wheels")
        ));
        Ok(0)
    } else {
        Err(wrong)
    }
}
