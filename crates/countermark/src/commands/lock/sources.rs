//! What is wanted: the files that people write, and names on the command line.

use std::path::{Path, PathBuf};

use countermark_client::report::Problem;
use countermark_lock::pins::Pins;
use countermark_lock::wish::{Origin, Wish};
use countermark_packaging::lock::{FileOption, Setting};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::VersionSpecifiers;
use countermark_trust::Class;

use super::Workplace;
use crate::cli::lock::{LockArgs, LockFormatChoice};

/// Files that are taken where nobody names any, the first that is there.
const DEFAULT_INPUTS: [&str; 3] = ["requirements.in", "requirements/base.in", "pyproject.toml"];

/// Everything that is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) wishes: Vec<Wish>,
    pub(crate) constraints: Vec<Wish>,
    pub(crate) overrides: Vec<Wish>,
    /// Settings that the files contain.
    pub(crate) options: Vec<FileOption>,
    /// What a pyproject.toml asks of Python.
    pub(crate) requires_python: Option<VersionSpecifiers>,
}

impl Wanted {
    /// The indexes that the files name, for the head of a requirements file.
    pub(crate) fn index_urls(&self) -> (Option<String>, Vec<String>) {
        let (mut first, mut further) = (None, Vec::new());
        for option in &self.options {
            match &option.setting {
                Setting::IndexUrl(url) => first = Some(url.clone()),
                Setting::ExtraIndexUrl(url) => further.push(url.clone()),
                _ => {}
            }
        }
        (first, further)
    }

    /// What the lock says beside its releases.
    pub(crate) fn complete(&self, pins: &mut Pins) {
        pins.requires_python.clone_from(&self.requires_python);
    }
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
            let message = "nothing says what to lock: there is no requirements.in and no pyproject.toml";
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
    has_extension || path.is_file() || argument.starts_with("https://") || argument.starts_with("http://")
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

/// Reads everything that is wanted.
pub(crate) fn read(
    inputs: &[String],
    _arguments: &LockArgs,
    _work: &Workplace,
) -> Result<Wanted, Vec<Problem>> {
    let mut wanted = Wanted::default();
    for input in inputs.iter().filter(|input| !is_file(input)) {
        let requirement = Requirement::parse(input).map_err(|error| {
            vec![Problem::new("bad-requirement", Class::Usage, format!("`{input}`: {error}"))]
        })?;
        wanted.wishes.push(Wish { requirement, origin: Origin::CommandLine });
    }
    Ok(wanted)
}
