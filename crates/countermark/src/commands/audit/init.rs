//! `audit init`: a first federation.toml from what is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countermark_audit::dossier::Context;
use countermark_audit::engine::{Glimpse, Survey};
use countermark_audit::federation::draft::{Input, draft};
use countermark_audit::federation::RecordsEntry;
use countermark_client::report::Problem;
use countermark_packaging::lock::Place;
use countermark_trust::Class;

use super::super::Outcome;
use super::gather::{self, Gathered};
use super::{records, write};
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
    let folder = arguments.output.as_deref().and_then(Path::parent);
    let entries = entries(&arguments.input, &gathered, folder.unwrap_or(Path::new("")));
    let text = text(&gathered, &entries);
    match &arguments.output {
        None => output::print(text.trim_end()),
        Some(path) => write::to_file(path, &text)?,
    }
    Ok(0)
}

fn text(gathered: &Gathered, entries: &[RecordsEntry]) -> String {
    let mut survey = Survey::default();
    for facts in &gathered.facts {
        survey.add(Glimpse::of(facts, &gathered.records));
    }
    let (release_accounts, accounts_assumed) = survey.release_accounts(&gathered.federation);
    let context = Context {
        federation: &gathered.federation,
        records: &gathered.records,
        now: gathered.now,
        release_accounts,
        accounts_assumed,
        constraints: BTreeMap::new(),
        other_names: Default::default(),
        name_uses: BTreeMap::new(),
    };
    let name = gathered.federation.name.as_deref();
    draft(&Input { name, entries, context: &context, elsewhere: &survey }, &gathered.facts)
}

/// The records that were read, as entries of a file in this folder.
fn entries(arguments: &AuditInputArgs, gathered: &Gathered, folder: &Path) -> Vec<RecordsEntry> {
    let of_file = &gathered.federation.records;
    if arguments.records.is_empty() && !of_file.is_empty() {
        return of_file.clone();
    }
    let here = [PathBuf::from(".")];
    let paths = if arguments.records.is_empty() { &here[..] } else { &arguments.records };
    let setting = |name: &str, paths: &[PathBuf]| {
        paths.first().map(|path| (name.to_owned(), from_folder(path, folder)))
    };
    let entry = |path: &PathBuf| {
        let kind = records::kind(path);
        let governance = setting("governance", &arguments.governance);
        let governance = governance.filter(|_| kind == "openstack-releases");
        RecordsEntry {
            kind: kind.to_owned(),
            path: Some(from_folder(path, folder)),
            url: None,
            project: None,
            settings: governance.into_iter().chain(setting("keys", &arguments.keys)).collect(),
            place: Place { file: String::new(), line: 1, column: 1, span: 0..0 },
        }
    };
    paths.iter().map(entry).collect()
}

/// A path of the working folder, seen from another one.
fn from_folder(path: &Path, folder: &Path) -> String {
    let is_here = folder.as_os_str().is_empty() || folder == Path::new(".");
    let absolute = (!is_here).then(|| std::path::absolute(path).ok()).flatten();
    absolute.as_deref().unwrap_or(path).display().to_string()
}
