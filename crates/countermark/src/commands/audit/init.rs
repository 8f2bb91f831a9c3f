//! `audit init`: a first federation.toml from what is found.

use std::path::{Path, PathBuf};

use countermark_audit::federation::RecordsEntry;
use countermark_audit::federation::draft::{Input, draft};
use countermark_client::report::Problem;
use countermark_trust::Class;

use super::super::Outcome;
use super::{gather, write};
use crate::cli::OutputArgs;
use crate::cli::audit::{AuditInputArgs, InitArgs};
use crate::output;
use crate::progress::Teller;

/// Prints the draft, or writes it into a file that is not there yet: what somebody wrote is never
/// replaced.
pub(super) fn run(arguments: &InitArgs, output: &OutputArgs) -> Outcome {
    if let Some(path) = arguments.output.as_ref().filter(|path| path.exists()) {
        let message = format!("`{}` is there already", path.display());
        let problem = Problem::new("file-exists", Class::Usage, message);
        return Err(vec![problem.with_hint("give another name, or remove it first")]);
    }
    let gathered = gather::gather(&arguments.input, &Teller::new(output))?;
    let ground = &gathered.ground;
    let folder = arguments.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let entries: Vec<RecordsEntry> = ground
        .entries
        .iter()
        .map(|entry| as_written(entry.clone(), &arguments.input, folder))
        .collect();
    let context = ground.context();
    let input = Input {
        name: ground.federation.name.as_deref(),
        entries: &entries,
        context: &context,
        elsewhere: &ground.survey,
    };
    let text = draft(&input, &gathered.facts);
    match &arguments.output {
        None => output::print(text.trim_end()),
        Some(path) => write::to_file(path, &text)?,
    }
    Ok(0)
}

/// An entry as it has to be in a file of this folder to mean the same, with what the command line said
/// beside it.
fn as_written(mut entry: RecordsEntry, arguments: &AuditInputArgs, folder: &Path) -> RecordsEntry {
    entry.path = entry.path.map(|path| from_folder(Path::new(&path), folder));
    let mut set = |name: &str, paths: &[PathBuf]| {
        if let Some(path) = paths.first() {
            let path = from_folder(path, folder);
            entry.settings.entry(name.to_owned()).or_insert(path);
        }
    };
    match entry.kind.as_str() {
        "openstack-releases" => set("governance", &arguments.governance),
        "checksums" | "artifact-host" => set("keys", &arguments.keys),
        // The others have no signatures that could be verified.
        _ => {}
    }
    entry
}

/// A path of the working folder, seen from another one.
fn from_folder(path: &Path, folder: &Path) -> String {
    let is_here = folder.as_os_str().is_empty() || folder == Path::new(".");
    let absolute = (!is_here).then(|| std::path::absolute(path).ok()).flatten();
    absolute.as_deref().unwrap_or(path).display().to_string()
}
