//! The list of exemptions can only shrink: one that is new against an earlier ledger needs a reason.
//!
//! One that took its reason away is new as well, and so is a file that an old one did not name.

use std::collections::BTreeSet;
use std::path::Path;

use countermark_client::ledger::Folder;
use countermark_client::ledger::folder::LEDGER;
use countermark_client::report::Problem;
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::format::limits;
use countermark_ledger::ledger::{Exemption, Ledger};
use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use crate::cli::vet::CheckArgs;
use crate::commands::gate::{locks, since};

/// What is new and has no reason; nothing where nothing is compared.
pub(super) fn check(
    arguments: &CheckArgs,
    folder: &Folder,
    ledger: &Ledger,
) -> Result<Vec<Problem>, Vec<Problem>> {
    let before = match (&arguments.base, &arguments.since) {
        (Some(path), _) => of_file(path)?,
        (None, Some(revision)) => match of_revision(revision, folder)? {
            Some(before) => before,
            // The ledger begins here: what it lets pass is what `vet init` found.
            None => return Ok(Vec::new()),
        },
        (None, None) => return Ok(Vec::new()),
    };
    Ok(grown(&before, ledger).map(problem).collect())
}

fn of_file(path: &Path) -> Result<Ledger, Vec<Problem>> {
    let bytes = locks::read_file(path, limits::LEDGER as u64)?;
    parse(&path.display().to_string(), &bytes)
}

fn of_revision(revision: &str, folder: &Folder) -> Result<Option<Ledger>, Vec<Problem>> {
    let path = folder.path().join(LEDGER);
    let Some(bytes) = since::read(revision, &path, limits::LEDGER as u64)? else {
        return Ok(None);
    };
    parse(&format!("{revision}:{}", locks::shown(&path)), &bytes).map(Some)
}

fn parse(name: &str, bytes: &[u8]) -> Result<Ledger, Vec<Problem>> {
    Ledger::parse(name, bytes).map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// Exemptions without a reason that let something pass which the ledger before did not.
fn grown<'a>(before: &'a Ledger, now: &'a Ledger) -> impl Iterator<Item = &'a Exemption> {
    let passed = passed(before);
    now.exemptions.iter().filter(move |exemption| {
        let is_new = |file: &Sha256| {
            let implied = exemption.criteria.iter().flat_map(|it| now.criteria.implied(it));
            implied.into_iter().any(|it| !passed.contains(&(&exemption.project, *file, it)))
        };
        exemption.reason.is_none() && exemption.files.iter().any(|file| is_new(&file.digest))
    })
}

type Passed<'a> = BTreeSet<(&'a ProjectName, Sha256, &'a CriterionName)>;

/// What a ledger lets pass, with everything that its criteria imply.
fn passed(ledger: &Ledger) -> Passed<'_> {
    let mut passed = Passed::new();
    for exemption in &ledger.exemptions {
        for criterion in exemption.criteria.iter().flat_map(|it| ledger.criteria.implied(it)) {
            let files = exemption.files.iter();
            passed.extend(files.map(|file| (&exemption.project, file.digest, criterion)));
        }
    }
    passed
}

fn problem(exemption: &Exemption) -> Problem {
    let Exemption { project, version, .. } = exemption;
    let message = format!("the exemption of {project} {version} is new and has no reason");
    let problem = Problem::new("exemption-without-reason", Class::Rejected, message);
    problem
        .at(&exemption.place)
        .with_hint("read it (`countermark vet suggest`), or write a `reason` that others can judge")
}
