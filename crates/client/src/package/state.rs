//! What an environment has of a wanted package.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::check::{Installation, check_files};
use super::finding::Finding;
use super::generated::{Asked, Launching, asked};
use super::placement::Placement;
use crate::environment::{Environment, Installed};
use crate::gather::Ready;
use crate::scripts::Heading;
use crate::store::Check;

/// What checks of files need.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where files go.
    pub placement: &'a Placement,
    /// Of launchers.
    pub heading: &'a Heading,
    /// Of the interpreter.
    pub version: (u32, u32),
    /// How much is looked at.
    pub check: Check,
    /// Relative paths in locks start here.
    pub folder: &'a Path,
}

/// What an environment has of a wanted package.
#[derive(Debug)]
pub enum State {
    /// Nothing.
    Absent,
    /// The wanted artifact, with these differences.
    Same(Vec<Finding>),
    /// Another artifact, or the same one asked for in another way.
    Other,
    /// A version of unknown origin.
    Unproven(String),
}

/// Compares what is installed of a project with what is wanted.
///
/// # Errors
/// When the environment cannot be opened.
pub fn state_of(
    context: &Context<'_>,
    installed: &[&Installed],
    ready: &Ready,
) -> io::Result<State> {
    let [one] = installed else {
        return Ok(if installed.is_empty() { State::Absent } else { State::Other });
    };
    // What cannot be read cannot be believed.
    let Ok(Some(provenance)) = one.read_provenance() else {
        return Ok(State::Unproven(one.version.to_string()));
    };
    let tree = &ready.entry.tree;
    if provenance.artifact() != Some(tree.artifact().sha256())
        || provenance.tree != tree.digest().to_string()
    {
        return Ok(State::Other);
    }
    let Some(folders) = context.placement.folders(&ready.entry.facts.project) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let launching = Launching { heading: context.heading, version: context.version };
    let asked = Asked { source: provenance.source, ..asked(ready, context.folder) };
    if recorded_url(one) != asked.direct_url {
        return Ok(State::Other);
    }
    let installation = Installation {
        placement: context.placement,
        folders: &folders,
        launching: &launching,
        asked: &asked,
    };
    Ok(State::Same(check_files(&ready.entry, &installation, context.check)?))
}

/// The URL of a package's `direct_url.json`.
pub(crate) fn recorded_url(installed: &Installed) -> Option<String> {
    let text = installed.read_direct_url().ok().flatten()?;
    let document: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(document.get("url")?.as_str()?.to_owned())
}

/// Files in the folders of packages that Python runs at each start and that no package has
/// recorded, below the root, for people, sorted.
#[must_use]
pub fn stray_startup_files(placement: &Placement, environment: &Environment) -> Vec<String> {
    let mut found = Vec::new();
    for site in placement.layout.site_folders() {
        let Ok(items) = std::fs::read_dir(site) else { continue };
        for item in items.filter_map(Result::ok) {
            if is_startup_file(&item.file_name()) {
                found.push(item.path());
            }
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    for installed in &environment.installed {
        // Without a RECORD a package has no claim on any file.
        for entry in installed.read_record().unwrap_or_default() {
            found.retain(|path| *path != installed.site.join(&entry.path));
        }
    }
    let mut strays: Vec<String> = found.iter().map(|path| placement.shown(path)).collect();
    strays.sort();
    strays
}

/// `site` runs lines of `.pth` files, calls what `.start` files name (PEP 829), and imports these
/// two modules.
pub(crate) fn is_startup_file(name: &OsStr) -> bool {
    // Python takes any name, UTF-8 or not.
    let bytes = name.as_encoded_bytes();
    bytes.ends_with(b".pth")
        || bytes.ends_with(b".start")
        || name == "sitecustomize.py"
        || name == "usercustomize.py"
}
