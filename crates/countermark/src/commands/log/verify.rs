//! `log verify`: the proofs beside a lock, held against its pins, without any network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_client::credentials::CredentialStore;
use countermark_client::http::{Client, Options};
use countermark_client::log::LogClient;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::{self, LockDocument, LockPackage, LockSource};
use countermark_trust::Class;
use countermark_trust::log::proofs::{Proved, SUFFIX};
use countermark_trust::log::record::Observation;
use jiff::Timestamp;
use serde::Serialize;

use super::check::proofs_of;
use super::setting::configured;
use crate::cli::OutputArgs;
use crate::cli::log_client::LogVerifyArgs;
use crate::commands::Outcome;
use crate::commands::lock::existing;
use crate::output;
use crate::progress::Teller;

/// Files of a folder that are looked at.
const MAX_PROOFS: usize = 200_000;

/// A proof that verifies.
struct Good {
    name: String,
    proved: Proved,
}

/// Runs the command.
pub(super) fn run(arguments: &LogVerifyArgs, output_arguments: &OutputArgs) -> Outcome {
    let teller = Teller::new(output_arguments);
    let policy = configured(arguments.policy.as_deref())?;
    let document = read(&arguments.lock)?;
    let folder = arguments.proofs.clone().unwrap_or_else(|| proofs_of(&arguments.lock));
    let http = Client::new(
        Options { offline: true, ..Options::default() },
        Arc::new(CredentialStore::default()),
    );
    let client = LogClient {
        http: &http,
        policy: &policy,
        state: Path::new(""),
        evidence: None,
        now: Timestamp::now(),
    };
    let (good, mut problems) = proofs(&client, &folder)?;
    let packages: Vec<&LockPackage> = document
        .packages
        .iter()
        .filter(|package| matches!(package.source, LockSource::Index(_)))
        .filter(|package| policy.log().may_ask(&package.project, true))
        .collect();
    let (proved, lacking) = compare(&packages, &good);
    for (package, digest) in &lacking {
        let message = format!("no proof of {} {digest}", package.project);
        let problem = Problem::new("no-proof", Class::Rejected, message).at(&package.place);
        problems.push(problem.with_hint("`countermark lock --proofs` asks the log for it"));
    }
    tell_unused(&packages, &good, &teller);
    let private = document.packages.iter().any(|it| !policy.log().may_ask(&it.project, true));
    if private {
        let message = "names that the policy calls private have no proof, and none was looked for";
        teller.note(Note::new("log-not-asked", message));
    }
    if arguments.json {
        output::print(&json(&good, &lacking));
    } else {
        let files = output::count(proved, "file", "files");
        teller.line(&format!("{files} proved, without any network"));
    }
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

fn read(path: &Path) -> Result<LockDocument, Vec<Problem>> {
    let shown = path.display().to_string();
    let bytes = existing::read_bytes(path)?.ok_or_else(|| {
        let message = format!("there is no `{shown}`");
        vec![Problem::new("file-unreadable", Class::Usage, message)]
    })?;
    document::parse(&shown, &bytes).map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// Every proof of the folder, verified.
fn proofs(
    client: &LogClient<'_>,
    folder: &PathBuf,
) -> Result<(Vec<Good>, Vec<Problem>), Vec<Problem>> {
    let items = fs::read_dir(folder).map_err(|error| {
        let message = format!("there are no proofs in `{}`", folder.display());
        let problem = Problem::new("no-proof", Class::Rejected, message);
        let hint = "`countermark lock --proofs` writes them";
        vec![problem.with_detail(error.to_string()).with_hint(hint)]
    })?;
    let names = items.filter_map(Result::ok).filter_map(|item| item.file_name().into_string().ok());
    let names: BTreeSet<String> =
        names.filter(|name| name.ends_with(SUFFIX)).take(MAX_PROOFS).collect();
    let (mut good, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        let path = folder.join(&name);
        match client.read_proof(&path) {
            Ok(proved) => good.push(Good { name, proved }),
            Err(error) => {
                let message = format!("`{}` proves nothing: {error}", path.display());
                problems.push(Problem::new(error.code(), error.class(), message));
            }
        }
    }
    Ok((good, problems))
}

/// How many pinned files have a proof, and which digests have none.
fn compare<'a>(
    packages: &[&'a LockPackage],
    good: &[Good],
) -> (usize, Vec<(&'a LockPackage, &'a Digest)>) {
    let mut by_digest: BTreeMap<&Digest, Vec<&Observation>> = BTreeMap::new();
    for record in good.iter().map(|it| &it.proved.record.observation) {
        by_digest.entry(record.digest()).or_default().push(record);
    }
    let (mut proved, mut lacking) = (0, Vec::new());
    for package in packages {
        for file in &package.files {
            let is_proof = |record: &&Observation| {
                *record.project() == package.project
                    && file.name.as_ref().is_none_or(|name| name == record.file())
            };
            let has_proof = |digest: &&Digest| {
                by_digest.get(*digest).is_some_and(|records| records.iter().any(is_proof))
            };
            let mut strong = file.digests.iter().filter(|digest| digest.algorithm().is_strong());
            let first = strong.clone().next();
            if strong.any(|digest| has_proof(&digest)) {
                proved += 1;
            } else if let Some(digest) = first {
                lacking.push((*package, digest));
            }
        }
    }
    (proved, lacking)
}

/// A proof that is of no pin harms nobody, and is of no use either.
fn tell_unused(packages: &[&LockPackage], good: &[Good], teller: &Teller) {
    let pinned: BTreeSet<&Digest> =
        packages.iter().flat_map(|it| &it.files).flat_map(|file| &file.digests).collect();
    for it in good.iter().filter(|it| !pinned.contains(it.proved.record.observation.digest())) {
        let message = format!("`{}` is of no file that the lock pins", it.name);
        teller.note(Note::new("unused-proof", message));
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    proved: Vec<ProvedDocument<'a>>,
    lacking: Vec<LackingDocument<'a>>,
}

#[derive(Serialize)]
struct ProvedDocument<'a> {
    file: &'a str,
    digest: String,
    observer: String,
    first_seen: String,
    log: &'a str,
    index: u64,
    size: u64,
}

#[derive(Serialize)]
struct LackingDocument<'a> {
    project: &'a str,
    digest: String,
}

fn json(good: &[Good], lacking: &[(&LockPackage, &Digest)]) -> String {
    let proved = good.iter().map(|it| {
        let record = &it.proved.record.observation;
        ProvedDocument {
            file: record.file(),
            digest: record.digest().to_string(),
            observer: record.observer().to_string(),
            first_seen: record.first_seen().to_string(),
            log: it.proved.head.origin(),
            index: it.proved.record.index,
            size: it.proved.head.size(),
        }
    });
    let lacking = lacking.iter().map(|(package, digest)| LackingDocument {
        project: package.project.as_str(),
        digest: digest.to_string(),
    });
    let document = Document { version: 1, proved: proved.collect(), lacking: lacking.collect() };
    // Numbers, strings and lists always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
