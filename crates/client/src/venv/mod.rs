//! Makes virtual environments (PEP 405) without running an interpreter.
//!
//! The result is what `python -m venv --without-pip` makes, apart from this list:
//! * `pyvenv.cfg` has no `command` line, and has `executable` for every version of Python;
//! * the `activate` scripts have other texts, and there is one for Nushell;
//! * `.gitignore` is there for every version of Python, with another comment;
//! * `include/pythonX.Y` is there for every version of Python.
//!
//! The environment is made in one place and renamed to another when it is filled; every path in it
//! names the second.

mod activate;

use crate::system::unix::fs::symlink;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use countermark_trust::Class;

use crate::interpreter::Interpreter;

/// What can be chosen about a new environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// Shown by shells in which the environment is current; by default the folder's name.
    pub prompt: Option<&'a str>,
    /// Can packages of the base interpreter be imported?
    pub system_site_packages: bool,
}

/// Why no environment was made.
#[derive(Debug, thiserror::Error)]
pub enum VenvError {
    /// A path or prompt that a configuration, a script or `PATH` cannot carry.
    #[error("no environment can be at `{}`: {reason}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A prompt with a line break or another control character.
    #[error("the prompt {0:?} has control characters in it")]
    Prompt(String),
    /// There is something in the folder already.
    #[error("`{}` is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The file system said no.
    #[error("cannot make `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

impl VenvError {
    /// The table of exit codes.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Path { .. } | Self::Prompt(_) | Self::NotEmpty(_) => Class::Usage,
            Self::Io { .. } => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Path { .. } => Some("choose another folder"),
            Self::Prompt(_) | Self::NotEmpty(_) | Self::Io { .. } => None,
        }
    }
}

/// Makes an environment in `staging`, an empty or absent folder, that will be renamed to
/// `final_path` (absolute), with the base of `base` as its base. Returns the interpreter as it will
/// be in its final place.
///
/// # Errors
/// [`VenvError`]; what was made in `staging` by then is left there.
pub fn create(
    staging: &Path,
    final_path: &Path,
    base: &Interpreter,
    options: &Options<'_>,
) -> Result<Interpreter, VenvError> {
    let environment = check_path(final_path)?;
    let prompt = match options.prompt {
        Some(prompt) => prompt,
        None => final_path.file_name().and_then(|name| name.to_str()).unwrap_or("venv"),
    };
    if prompt.chars().any(char::is_control) {
        return Err(VenvError::Prompt(prompt.to_owned()));
    }
    make_empty(staging)?;
    let (major, minor) = base.release();
    let made = base.in_environment(final_path.to_owned(), final_path.join("bin/python"));
    let layout = made.layout().moved(final_path, staging);
    for folder in [
        layout.scripts.clone(),
        staging.join(format!("include/python{major}.{minor}")),
        staging.join("lib"),
    ] {
        make_folders(&folder)?;
    }
    // The link comes before the packages' folders: one of them may lie behind it.
    if cfg!(target_pointer_width = "64") && cfg!(not(target_os = "macos")) {
        make_link(Path::new("lib"), &staging.join("lib64"))?;
    }
    make_folders(&layout.purelib)?;
    make_folders(&layout.platlib)?;
    write(&staging.join("pyvenv.cfg"), &configuration(base, options))?;
    write(
        &staging.join(".gitignore"),
        "# Made by countermark; an environment is made again from its lock.\n*\n",
    )?;
    make_link(base.base_executable(), &layout.scripts.join("python"))?;
    for name in ["python3".to_owned(), format!("python{major}.{minor}")] {
        make_link(Path::new("python"), &layout.scripts.join(name))?;
    }
    for (name, text) in activate::scripts(environment, prompt) {
        write(&layout.scripts.join(name), &text)?;
    }
    Ok(made)
}

fn check_path(path: &Path) -> Result<&str, VenvError> {
    let refuse = |reason| Err(VenvError::Path { path: path.to_owned(), reason });
    match path.to_str() {
        None => refuse("it is not UTF-8"),
        Some(_) if !path.is_absolute() => refuse("it is not absolute"),
        Some(text) if text.chars().any(char::is_control) => {
            refuse("it has control characters in it")
        }
        Some(text) if text.contains(':') => refuse("`PATH` could not name a folder with `:` in it"),
        Some(text) => Ok(text),
    }
}

fn configuration(base: &Interpreter, options: &Options<'_>) -> String {
    let executable = base.base_executable();
    let home = executable.parent().unwrap_or(executable);
    let real = fs::canonicalize(executable).unwrap_or_else(|_| executable.to_owned());
    let [major, minor, patch] = base.full_release();
    let mut text = format!(
        "home = {}\ninclude-system-site-packages = {}\nversion = {major}.{minor}.{patch}\n",
        home.display(),
        options.system_site_packages,
    );
    if let Some(prompt) = options.prompt {
        let quote = if prompt.contains('\'') { '"' } else { '\'' };
        text.push_str(&format!("prompt = {quote}{prompt}{quote}\n"));
    }
    text.push_str(&format!("executable = {}\n", real.display()));
    text
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> VenvError {
    let path = path.to_owned();
    move |source| VenvError::Io { path, source }
}

fn make_empty(folder: &Path) -> Result<(), VenvError> {
    make_folders(folder)?;
    match fs::read_dir(folder).map_err(at(folder))?.next() {
        None => Ok(()),
        Some(_) => Err(VenvError::NotEmpty(folder.to_owned())),
    }
}

fn make_folders(folder: &Path) -> Result<(), VenvError> {
    fs::create_dir_all(folder).map_err(at(folder))
}

fn make_link(target: &Path, link: &Path) -> Result<(), VenvError> {
    symlink(target, link).map_err(at(link))
}

fn write(path: &Path, text: &str) -> Result<(), VenvError> {
    fs::File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(at(path))
}

#[cfg(test)]
mod tests;
