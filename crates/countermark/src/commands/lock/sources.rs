//! What is wanted: the files that people write, and names on the command line.

use std::path::{Path, PathBuf};

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_lock::input::{self, Chosen, Inputs, Selection};
use countermark_lock::wish::{Origin, Wish};
use countermark_packaging::lock::requirements::{FileKind, LoadError, Root};
use countermark_packaging::lock::{FileOption, Setting, SourceError};
use countermark_packaging::name::{ExtraName, normalize};
use countermark_packaging::requirement::Requirement;
use countermark_trust::Class;

use super::Workplace;
use crate::cli::IndexArgs;
use crate::cli::lock::{LockFormatChoice, ResolutionArgs, SelectionArgs};
use crate::commands::input::{Files, read_file};
use crate::session::{self, Session};

/// Files that are taken where nobody names any, the first that is there.
const DEFAULT_INPUTS: [&str; 3] = ["requirements.in", "requirements/base.in", "pyproject.toml"];

/// The indexes that files name, for the head of a requirements file.
pub(crate) fn index_urls(options: &[FileOption]) -> (Option<String>, Vec<String>) {
    let (mut first, mut further) = (None, Vec::new());
    for option in options {
        match &option.setting {
            Setting::IndexUrl(url) => first = Some(url.clone()),
            Setting::ExtraIndexUrl(url) => further.push(url.clone()),
            _ => {}
        }
    }
    (first, further)
}

/// The inputs that were given, or what the folder has.
pub(crate) fn inputs(given: &[String]) -> Result<Vec<String>, Vec<Problem>> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    let found: Vec<&str> =
        DEFAULT_INPUTS.into_iter().filter(|name| Path::new(name).is_file()).collect();
    match found[..] {
        [] => {
            let message =
                "nothing says what to lock: there is no requirements.in and no pyproject.toml";
            let hint = "name a file, or projects: `countermark lock flask -o requirements.txt`";
            Err(vec![Problem::new("nothing-given", Class::Usage, message).with_hint(hint)])
        }
        // A requirements.in beside a pyproject.toml is what the deployment is made of.
        [first, ..] => Ok(vec![first.to_owned()]),
    }
}

/// Whether an argument names a file, and not a project.
pub(crate) fn is_file(argument: &str) -> bool {
    let path = Path::new(argument);
    let has_extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| matches!(extension, "in" | "txt" | "toml"));
    has_extension
        || path.is_file()
        || argument.starts_with("https://")
        || argument.starts_with("http://")
}

/// Where the lock of these inputs goes by default; `None` is standard output.
pub(crate) fn output_of(
    inputs: &[String],
    format: Option<LockFormatChoice>,
) -> Result<Option<PathBuf>, Vec<Problem>> {
    let files: Vec<&String> = inputs.iter().filter(|input| is_file(input)).collect();
    let [file] = files[..] else {
        if files.is_empty() {
            return Ok(None);
        }
        let message = "several files are given, and their lock has no name";
        let hint = "name it: `-o requirements.txt`";
        return Err(vec![Problem::new("no-output", Class::Usage, message).with_hint(hint)]);
    };
    let path = Path::new(file);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name == "pyproject.toml" {
        let name = match format {
            Some(LockFormatChoice::Requirements) => "requirements.txt",
            Some(LockFormatChoice::Pylock) | None => "pylock.toml",
        };
        return Ok(Some(path.with_file_name(name)));
    }
    match (path.extension().and_then(|extension| extension.to_str()), format) {
        (Some("in"), Some(LockFormatChoice::Pylock)) => {
            Ok(Some(path.with_file_name("pylock.toml")))
        }
        (Some("in"), _) => Ok(Some(path.with_extension("txt"))),
        _ => {
            let message = format!("`{file}` is not named `.in`, so its lock has no name");
            let hint = "name it: `-o requirements.lock.txt`";
            Err(vec![Problem::new("no-output", Class::Usage, message).with_hint(hint)])
        }
    }
}

/// What is asked for, by whichever command.
pub(crate) struct Asked<'a> {
    /// Files and names.
    pub(crate) inputs: &'a [String],
    pub(crate) selection: &'a SelectionArgs,
    pub(crate) resolution: &'a ResolutionArgs,
    pub(crate) index: &'a IndexArgs,
    /// A file as it is about to be written.
    pub(crate) edited: Option<(PathBuf, Vec<u8>)>,
    /// Whether nothing may be wanted.
    pub(crate) may_be_empty: bool,
}

/// Reads everything that is wanted: files, names, constraints, overrides.
pub(crate) fn read(arguments: &Asked<'_>, work: &Workplace<'_>) -> Result<Inputs, Vec<Problem>> {
    // Files may be URLs, and those are asked for with what the configuration says.
    let session = session::open("lock", arguments.index, &[], None)?;
    let settings = &session.settings.constraints;
    let constraints = settings.iter().map(|one| &one.value).chain(&arguments.resolution.constraint);
    let root = |kind| move |location: &String| Root { location: location.clone(), kind };
    let (files, names): (Vec<&String>, Vec<&String>) =
        arguments.inputs.iter().partition(|input| is_file(input));
    let (projects, files): (Vec<&String>, Vec<&String>) =
        files.into_iter().partition(|file| file.ends_with(".toml"));
    let selection = selection(arguments.selection)?;
    let project = match projects[..] {
        [] if is_chosen(arguments.selection) => {
            let message = "extras and groups are parts of a pyproject.toml, and none is given";
            return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
        }
        [] => None,
        [project] => Some((project.as_str(), &selection)),
        _ => {
            let message = "one pyproject.toml at a time; members of a workspace are found by it";
            return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
        }
    };
    let files = files.into_iter().map(root(FileKind::Requirements));
    let roots: Vec<Root> = files.chain(constraints.map(root(FileKind::Constraints))).collect();
    let mut wanted = read_roots(&roots, project, &session, arguments.edited.clone())?;
    wanted.wishes.extend(named(&names)?);
    let overrides: Vec<Root> =
        arguments.resolution.overrides.iter().map(root(FileKind::Requirements)).collect();
    if !overrides.is_empty() {
        wanted.overrides.extend(read_roots(&overrides, None, &session, None)?.wishes);
    }
    for note in &wanted.notes {
        work.teller.note(Note::new("input", note.clone()));
    }
    if wanted.wishes.is_empty() && !arguments.may_be_empty {
        let message = "nothing is wanted: the input lists no requirement";
        return Err(vec![Problem::new("empty", Class::Usage, message)]);
    }
    Ok(wanted)
}

fn read_roots(
    roots: &[Root],
    project: Option<(&str, &Selection)>,
    session: &Session,
    edited: Option<(PathBuf, Vec<u8>)>,
) -> Result<Inputs, Vec<Problem>> {
    let mut loader = Files::new(&session.http).with_edited(edited.clone());
    let variables = |name: &str| std::env::var(name).ok();
    let found = input::read(roots, project, &mut loader, &variables, &mut Disk { edited });
    found.map_err(|errors| {
        let problem = |error: &SourceError| {
            let mut problem = Problem::from(error);
            if error.is_unavailable() {
                problem.class = Class::Unavailable;
            }
            problem
        };
        errors.iter().map(problem).collect()
    })
}

/// Names from the command line.
fn named(names: &[&String]) -> Result<Vec<Wish>, Vec<Problem>> {
    let (mut wishes, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match Requirement::parse(name) {
            Ok(requirement) => wishes.push(Wish { requirement, origin: Origin::CommandLine }),
            Err(error) => {
                let message = format!("`{name}` is neither a file nor a requirement: {error}");
                problems.push(Problem::new("bad-requirement", Class::Usage, message));
            }
        }
    }
    if problems.is_empty() { Ok(wishes) } else { Err(problems) }
}

fn is_chosen(arguments: &SelectionArgs) -> bool {
    let SelectionArgs { extras, all_extras, groups, all_groups, only_groups } = arguments;
    *all_extras || *all_groups || [extras, groups, only_groups].iter().any(|list| !list.is_empty())
}

fn selection(arguments: &SelectionArgs) -> Result<Selection, Vec<Problem>> {
    let extras = if arguments.all_extras {
        Chosen::All
    } else {
        let parse = |extra: &String| {
            ExtraName::parse(extra).map_err(|error| {
                vec![Problem::new("bad-extra", Class::Usage, format!("`{extra}`: {error}"))]
            })
        };
        Chosen::Named(arguments.extras.iter().map(parse).collect::<Result<_, _>>()?)
    };
    let groups = arguments.groups.iter().chain(&arguments.only_groups);
    let groups = if arguments.all_groups {
        Chosen::All
    } else {
        Chosen::Named(groups.map(|group| normalize(group)).collect())
    };
    let is_whole = arguments.only_groups.is_empty();
    Ok(Selection { project: is_whole, extras, groups, default_groups: is_whole })
}

/// Projects on this machine.
struct Disk {
    /// A file as it is about to be written.
    edited: Option<(PathBuf, Vec<u8>)>,
}

/// Most folders of one folder that are looked at.
const MAX_FOLDERS: usize = 10_000;

impl input::Files for Disk {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, LoadError> {
        let path = Path::new(path);
        if let Some((edited, text)) = &self.edited
            && edited == path
        {
            return Ok(Some(text.clone()));
        }
        if path.exists() { read_file(path).map(Some) } else { Ok(None) }
    }

    fn folders(&mut self, path: &str) -> Result<Vec<String>, LoadError> {
        let path = if path.is_empty() { Path::new(".") } else { Path::new(path) };
        let entries = match std::fs::read_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other,
        };
        let failed = |error: &std::io::Error| LoadError {
            message: format!("cannot list `{}`: {error}", path.display()),
            unavailable: false,
        };
        let mut folders = Vec::new();
        for entry in entries.map_err(|error| failed(&error))?.take(MAX_FOLDERS) {
            let entry = entry.map_err(|error| failed(&error))?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            folders.extend(entry.file_name().into_string().ok().filter(|_| is_folder));
        }
        Ok(folders)
    }
}
