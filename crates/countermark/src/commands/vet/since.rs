//! The list of exemptions can only shrink: one that is new against an earlier ledger needs a reason.
//!
//! One that took its reason away is new as well, and so is a file that an old one did not name. The list
//! of violations can only grow: what that ledger or an import of it called bad still has to be called
//! bad by ours or by an import. Of imports those files are looked at that lie beside the earlier ledger
//! with the digests that it records; where it has none, nothing is known of what they said.

use std::collections::BTreeSet;
use std::path::Path;

use countermark_client::ledger::fetch::store;
use countermark_client::ledger::folder::{IMPORTS, LEDGER};
use countermark_client::ledger::{Folder, Loaded};
use countermark_client::report::Problem;
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::format::limits;
use countermark_ledger::import::lost;
use countermark_ledger::ledger::{Exemption, Ledger, Violation};
use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use crate::cli::vet::CheckArgs;
use crate::commands::gate::{locks, since};

/// An earlier ledger, with those of its imports of which the files are there.
struct Before {
    ledger: Ledger,
    imports: Vec<(String, Ledger)>,
}

/// What is new and has no reason, and what is no longer bad; nothing where nothing is compared.
pub(super) fn check(
    arguments: &CheckArgs,
    folder: &Folder,
    now: &Loaded,
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
    let mut problems: Vec<Problem> = grown(&before.ledger, &now.ledger).map(problem).collect();
    problems.extend(no_longer_bad(&before, now));
    Ok(problems)
}

fn of_file(path: &Path) -> Result<Before, Vec<Problem>> {
    let bytes = locks::read_file(path, limits::LEDGER as u64)?;
    let ledger = parse(&path.display().to_string(), &bytes)?;
    let beside = path.parent().unwrap_or(Path::new("")).join(IMPORTS);
    let imports = imports(&ledger, |name| {
        let path = beside.join(name).join(LEDGER);
        let bytes = path.is_file().then(|| locks::read_file(&path, limits::LEDGER as u64));
        Ok(bytes.transpose()?.map(|bytes| (path.display().to_string(), bytes)))
    })?;
    Ok(Before { ledger, imports })
}

fn of_revision(revision: &str, folder: &Folder) -> Result<Option<Before>, Vec<Problem>> {
    let shown = |path: &Path| format!("{revision}:{}", locks::shown(path));
    let path = folder.path().join(LEDGER);
    let Some(bytes) = since::read(revision, &path, limits::LEDGER as u64)? else {
        return Ok(None);
    };
    let ledger = parse(&shown(&path), &bytes)?;
    let imports = imports(&ledger, |name| {
        // The folder may be gone by now, and a path in the repository is found by a folder that is there.
        let path = folder.path().join(LEDGER);
        let below = format!("{IMPORTS}/{name}/{LEDGER}");
        let bytes = since::read_below(revision, &path, &below, limits::LEDGER as u64)?;
        Ok(bytes.map(|bytes| (shown(&folder.path().join(below)), bytes)))
    })?;
    Ok(Some(Before { ledger, imports }))
}

/// Those imports of an earlier ledger of which there is the file with the digest that it records.
fn imports(
    ledger: &Ledger,
    read: impl Fn(&str) -> Result<Option<(String, Vec<u8>)>, Vec<Problem>>,
) -> Result<Vec<(String, Ledger)>, Vec<Problem>> {
    let mut found = Vec::new();
    for import in &ledger.imports {
        let Some(digest) = import.ledger else { continue };
        let Some((shown, bytes)) = read(&import.name)? else { continue };
        if store::digest(&bytes) == digest {
            found.push((import.name.clone(), parse(&shown, &bytes)?));
        }
    }
    Ok(found)
}

fn parse(name: &str, bytes: &[u8]) -> Result<Ledger, Vec<Problem>> {
    Ledger::parse(name, bytes).map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// Violations of then that nobody who counts says now.
fn no_longer_bad(before: &Before, now: &Loaded) -> Vec<Problem> {
    let mut known: Vec<&Ledger> = vec![&now.ledger];
    known.extend(now.imports.iter().map(|it| &it.ledger));
    let mut problems: Vec<Problem> =
        lost(&before.ledger, &known).iter().map(|it| gone(it, "our ledger")).collect();
    for (name, ledger) in &before.imports {
        let whose = format!("the import `{name}`");
        problems.extend(lost(ledger, &known).iter().map(|it| gone(it, &whose)));
    }
    problems
}

fn gone(violation: &Violation, whose: &str) -> Problem {
    let names: Vec<&str> = violation.files.iter().map(|it| it.name.as_str()).collect();
    let message = format!(
        "{} of {} was known to be bad by {whose} and is not any more: {}",
        names.join(", "),
        violation.project,
        violation.reason
    );
    Problem::new("violation-gone", Class::Rejected, message).at(&violation.place).with_hint(
        "write it into ledger.toml again, as `countermark vet import remove` does; who is sure that it was \
         wrong takes it out in a change that others review without this option",
    )
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
