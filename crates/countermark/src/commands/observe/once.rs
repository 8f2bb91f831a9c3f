//! `observe --once`: folders in, a list of digests and a report out, without any server.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countermark_client::report::{Problem, Progress, Reporter as _};
use countermark_client::settings::DEFAULT_INDEX;
use countermark_client::trees::{self, Collected, Reading, TreesError};
use countermark_lock::observe::report::{html, json, markdown, sarif, text};
use countermark_lock::observe::{Report, Statement, list, read_listing, saved};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple;
use countermark_trust::Class;
use url::Url;

use super::super::Outcome;
use super::super::audit::write::to_file;
use super::super::gate::locks;
use crate::cli::observe::OnceArgs;
use crate::cli::{OutputArgs, StoreArgs};
use crate::progress::Teller;
use crate::{output, setup};

/// The longest page of an index, in bytes.
const MAXIMUM_PAGE: u64 = 256 << 20;

/// Runs the command.
pub(super) fn run(arguments: &OnceArgs, output_arguments: &OutputArgs) -> Outcome {
    if arguments.folders.is_empty() && arguments.clone.is_empty() {
        let message = "there is nothing to read: name a folder, or a repository with `--clone`";
        return Err(vec![Problem::new("nothing-to-observe", Class::Usage, message)]);
    }
    let teller = Teller::new(output_arguments);
    let listings = listings(&arguments.listing)?;
    let stop = setup::interrupted();
    let store = StoreArgs { state_dir: arguments.state_dir.clone(), ..StoreArgs::default() };
    let state = setup::folders(&store)?.state;
    let reading = Reading {
        index: arguments.index_url.as_deref().unwrap_or(DEFAULT_INDEX),
        history: !arguments.no_history,
        commits: arguments.max_commits,
        clone_bytes: arguments.max_clone.saturating_mul(1 << 20),
        time: Duration::from_secs(arguments.max_seconds),
        state: Some(&state),
        stop: &stop,
        reporter: &teller,
    };
    let (collected, problems) = collect(arguments, &reading)?;
    if !problems.is_empty() && collected.statements.is_empty() {
        // An empty list in place of an earlier one would look as if nobody pinned anything any more.
        return Err(problems);
    }
    teller.progress(Progress::Working { what: "comparing" });
    let mut statements = collected.statements.into_vec();
    let versions = collected.versions;
    // The list and what is kept are of locks; pages of an index are given again.
    let (list, kept) = (list::write(&statements), saved::write(&statements));
    statements.extend(listings);
    let report = Report::of(&statements, collected.unread, collected.notes);
    teller.progress(Progress::Done);
    write(&arguments.output, &report, &list, &kept)?;
    output::print(text::write(&report, true).trim_end());
    teller.line(&format!(
        "{} read; the list and the report are in {}",
        output::count(versions, "version of locks", "versions of locks"),
        output::visible(&arguments.output.display().to_string())
    ));
    let code = super::exit_code(&report, arguments.fail_on);
    if problems.is_empty() {
        return Ok(code);
    }
    // A "no" before "could not decide".
    let undecided = output::show_problems(&problems);
    Ok(if code == 0 { undecided } else { code })
}

/// What could be read, and what could not.
fn collect(
    arguments: &OnceArgs,
    reading: &Reading<'_>,
) -> Result<(Collected, Vec<Problem>), Vec<Problem>> {
    let mut collected = Collected::default();
    let mut problems = Vec::new();
    let problem = |error: &TreesError| Problem::of(error.code(), error.class(), error);
    for (folder, name) in named(&arguments.folders) {
        trees::collect(folder, &name, reading, &mut collected)
            .map_err(|error| vec![problem(&error)])?;
    }
    for url in &arguments.clone {
        match trees::collect_remote(url, reading, &mut collected) {
            Ok(()) => {}
            Err(error @ TreesError::Stopped) => return Err(vec![problem(&error)]),
            Err(error) => problems.push(problem(&error)),
        }
    }
    Ok((collected, problems))
}

/// What each folder is called: its last part, since the rest is of this machine. Two of one name are
/// told apart.
fn named(folders: &[PathBuf]) -> Vec<(&Path, String)> {
    let mut names = BTreeSet::new();
    let name = |folder: &PathBuf| {
        let full = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let last = full.file_name().map(|name| name.to_string_lossy().into_owned());
        last.unwrap_or_else(|| "root".to_owned())
    };
    let mut found = Vec::new();
    for folder in folders {
        let first = name(folder);
        let mut name = first.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{first}~{number}");
            number += 1;
        }
        found.push((folder.as_path(), name));
    }
    found
}

/// What the pages of an index say.
fn listings(files: &[PathBuf]) -> Result<Vec<Statement>, Vec<Problem>> {
    let mut statements = Vec::new();
    for path in files {
        let bytes = locks::read_file(path, MAXIMUM_PAGE)?;
        let shown = path.display();
        let unusable = |reason: String| {
            let message = format!("`{shown}` is no page of a project: {reason}");
            vec![Problem::new("listing-unusable", Class::Usage, message)]
        };
        // Addresses of files are not looked at; they only have to be some.
        let base = Url::parse("https://index.invalid/").map_err(|it| unusable(it.to_string()))?;
        let page =
            simple::parse(&bytes, None, &base).map_err(|error| unusable(error.to_string()))?;
        let named = page.name.as_deref().and_then(|name| ProjectName::parse(name).ok());
        let of_file = || {
            let mut names = page.files.iter();
            let first = names.find_map(|file| DistributionFilename::parse(&file.filename).ok())?;
            Some(first.name().clone())
        };
        let project = named.or_else(of_file);
        let project = project.ok_or_else(|| unusable("it does not name the project".to_owned()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        statements.extend(read_listing(&page, &project, &name.unwrap_or_default()));
    }
    Ok(statements)
}

/// Each file appears whole or not at all.
fn write(folder: &Path, report: &Report, list: &str, kept: &str) -> Result<(), Vec<Problem>> {
    fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot make the folder `{}`: {error}", folder.display());
        vec![Problem::new("unwritable", Class::Unavailable, message)]
    })?;
    to_file(&folder.join("digests.txt"), list)?;
    to_file(&folder.join("observations.jsonl"), kept)?;
    to_file(&folder.join("report.txt"), &text::write(report, false))?;
    to_file(&folder.join("report.md"), &markdown::write(report))?;
    to_file(&folder.join("report.json"), &json::write(report))?;
    to_file(&folder.join("report.sarif"), &sarif::write(report))?;
    to_file(&folder.join("report.html"), &html::write(report))
}
