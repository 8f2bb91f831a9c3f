//! `tree`: who wants what in a lock.

use std::fs;
use std::path::{Path, PathBuf};

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_lock::tree::{self, Graph, Shape};
use countermark_packaging::lock::document::{LockDocument, parse};
use countermark_packaging::name::ProjectName;
use countermark_packaging::table::did_you_mean;
use countermark_trust::Class;
use serde::Serialize;

use super::Outcome;
use super::gate::locks;
use crate::cli::OutputArgs;
use crate::cli::tree::{TreeArgs, TreeFormat};
use crate::output;
use crate::progress::Teller;

/// The most files that are looked at to find the lock of a folder.
const MAXIMUM_FILES: usize = 100_000;

/// Runs the command.
pub(crate) fn run(arguments: &TreeArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let Opened { document, graph } = open(arguments.lock.as_deref())?;
    let named = arguments.packages.iter().map(|name| find(&graph, &document.file, name));
    let (mut packages, mut problems) = (Vec::new(), Vec::new());
    for found in named {
        match found {
            Ok(project) => packages.push(project),
            Err(problem) => problems.push(*problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if !graph.tells() && !graph.nodes().is_empty() {
        teller.note(Note::new("no-dependencies", tells_nothing(&document)));
    }
    let text = match arguments.format {
        TreeFormat::Json => json(&Tree::new(&document, &graph)),
        TreeFormat::Text => {
            let shape = Shape { depth: arguments.depth, invert: arguments.invert, packages };
            output::visible(&tree::render(&graph, &shape)).into_owned()
        }
    };
    if !text.is_empty() {
        output::print(text.trim_end_matches('\n'));
    }
    Ok(0)
}

/// A lock with its graph.
pub(super) struct Opened {
    pub(super) document: LockDocument,
    pub(super) graph: Graph,
}

/// Reads the lock that is named, or the only one of the folder.
pub(super) fn open(path: Option<&Path>) -> Result<Opened, Vec<Problem>> {
    let path = path.map_or_else(|| only_lock("tree"), |path| Ok(path.to_owned()))?;
    let bytes = locks::read_file(&path, locks::MAX_LOCK)?;
    let document = parse(&locks::shown(&path), &bytes)
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let graph = Graph::new(&document, &bytes);
    Ok(Opened { document, graph })
}

/// The project of this name in a lock.
pub(super) fn find(graph: &Graph, file: &str, name: &str) -> Result<ProjectName, Box<Problem>> {
    let problem = |message: String| Box::new(Problem::new("not-locked", Class::Usage, message));
    let project = ProjectName::parse(name).map_err(|error| problem(error.to_string()))?;
    if !graph.releases(&project).is_empty() {
        return Ok(project);
    }
    let all: Vec<&str> = graph.projects().map(ProjectName::as_str).collect();
    let found = problem(format!("`{file}` has no `{project}`"));
    // The list of all would be long; only a likely one is worth a hint.
    let hint = did_you_mean(project.as_str(), &all, "");
    Err(if hint.starts_with("did you mean") { Box::new(found.with_hint(hint)) } else { found })
}

/// What is said of a lock that does not tell who wants what.
pub(super) fn tells_nothing(document: &LockDocument) -> String {
    format!("`{}` does not tell who wants what, so this is a list", document.file)
}

/// The lock that stands beside a project under a usual name, if it is the only one.
pub(super) fn only_lock(command: &str) -> Result<PathBuf, Vec<Problem>> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot read `.`: {error}");
        vec![Problem::new("file-unreadable", Class::Unavailable, message)]
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(".").map_err(failed)?.take(MAXIMUM_FILES) {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| is_lock(name))
            && entry.path().is_file()
        {
            found.push(name.to_owned());
        }
    }
    found.sort();
    match &found[..] {
        [single] => Ok(PathBuf::from(single)),
        [] => {
            let message = "there is no lock in this folder";
            let problem = Problem::new("no-lock", Class::Usage, message);
            Err(vec![problem.with_hint("name one, or write one with `countermark lock`")])
        }
        [first, ..] => {
            let list = found.join("`, `");
            let message = format!("there are several locks in this folder: `{list}`");
            let problem = Problem::new("several-locks", Class::Usage, message);
            Err(vec![problem.with_hint(format!("name one of them, as in `{command} {first}`"))])
        }
    }
}

fn is_lock(name: &str) -> bool {
    matches!(name, "uv.lock" | "poetry.lock" | "pdm.lock" | "Pipfile.lock" | "requirements.txt")
        || matches!(name, "conda-lock.yml" | "pylock.toml")
        || (name.starts_with("pylock.") && name.ends_with(".toml"))
}

/// A published format as text.
pub(super) fn json(value: &impl Serialize) -> String {
    // Texts and numbers in lists have no reason to fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// `--format json`, version 1.
#[derive(Serialize)]
struct Tree<'a> {
    format: u32,
    lock: &'a str,
    lock_format: &'static str,
    tells_dependencies: bool,
    packages: Vec<TreePackage<'a>>,
}

#[derive(Serialize)]
struct TreePackage<'a> {
    name: &'a str,
    version: Option<String>,
    marker: Option<&'a str>,
    groups: &'a [String],
    asked_for: bool,
    wanted_by: &'a [String],
    dependencies: Vec<Release<'a>>,
}

/// A release in reports.
#[derive(Serialize)]
pub(super) struct Release<'a> {
    name: &'a str,
    version: Option<String>,
}

/// A release as reports name it.
pub(super) fn release(graph: &Graph, node: usize) -> Release<'_> {
    let node = &graph.nodes()[node];
    let version = node.version.as_ref().map(ToString::to_string);
    Release { name: node.project.as_str(), version }
}

impl<'a> Tree<'a> {
    fn new(document: &'a LockDocument, graph: &'a Graph) -> Self {
        let all = graph.projects().flat_map(|project| graph.releases(project));
        let package = |at: &usize| {
            let node = &graph.nodes()[*at];
            TreePackage {
                name: node.project.as_str(),
                version: node.version.as_ref().map(ToString::to_string),
                marker: node.marker.as_deref(),
                groups: &node.groups,
                asked_for: graph.asked().contains(at),
                wanted_by: &node.wanted_by,
                dependencies: node.dependencies.iter().map(|to| release(graph, *to)).collect(),
            }
        };
        Self {
            format: 1,
            lock: &document.file,
            lock_format: document.format.name(),
            tells_dependencies: graph.tells(),
            packages: all.map(package).collect(),
        }
    }
}
