//! What commands that change a ledger begin with: its folder, held so that nobody else changes it, and
//! how its text is edited.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::ledger::folder::{Held, LEDGER};
use countermark_client::ledger::{Folder, Loaded, fetch};
use countermark_client::report::Problem;
use countermark_ledger::check::Subject;
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::file::FileId;
use countermark_ledger::format::edit::Edit;
use countermark_ledger::ledger::{Import, Ledger};
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::SourceError;
use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_packaging::table::did_you_mean;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use jiff::civil::Date;

use crate::cli::vet::SubjectArgs;
use crate::cli::{IndexArgs, StoreArgs};
use crate::output;
use crate::progress::Teller;
use crate::setup;

use super::names::{self, Online};
use super::subjects::{self, Subjects};

/// Holds the folder until what is given back is dropped, and finishes what a run left that ended too
/// early.
pub(super) fn hold<'f>(
    folder: &'f Folder,
    interrupted: &Arc<AtomicBool>,
) -> Result<Held<'f>, Vec<Problem>> {
    let shown = folder.path().display().to_string();
    let waiting = || output::say(&format!("waiting for another command that changes {shown}"));
    let held = folder.hold(interrupted, waiting).map_err(|problem| vec![*problem])?;
    if folder.path().join("imports").is_dir()
        && let Ok(ledger) = folder.read_ledger()
    {
        for import in &ledger.imports {
            let settled = fetch::store::settle(&held, &import.name, &recorded(import));
            settled?;
        }
    }
    Ok(held)
}

/// The files of an import with the digests that our ledger has.
pub(super) fn recorded(import: &Import) -> Vec<(&'static str, Sha256)> {
    [("ledger.toml", import.ledger), ("reviews.toml", import.reviews), ("commits", import.commits)]
        .into_iter()
        .filter_map(|(name, digest)| Some((name, digest?)))
        .collect()
}

/// Begins to change the `ledger.toml` of a folder.
pub(super) fn edit(folder: &Folder) -> Result<Edit, Vec<Problem>> {
    let text = folder.read_text(LEDGER)?.unwrap_or_default();
    Edit::new(&folder.shown(LEDGER), &text).map_err(|errors| told(&errors))
}

/// Mistakes of a file as problems.
pub(super) fn told(errors: &[SourceError]) -> Vec<Problem> {
    errors.iter().map(Problem::from).collect()
}

/// A mistake on the command line.
pub(super) fn bad(message: impl Into<String>) -> Vec<Problem> {
    vec![Problem::new("bad-option", Class::Usage, message)]
}

/// Names of criteria, all of which the ledger has.
pub(super) fn criteria(
    names: &[String],
    ledger: &Ledger,
) -> Result<Vec<CriterionName>, Vec<Problem>> {
    let mut found = Vec::new();
    for name in names {
        found.push(criterion(name, ledger)?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// A name of a criterion that the ledger has.
pub(super) fn criterion(name: &str, ledger: &Ledger) -> Result<CriterionName, Vec<Problem>> {
    let parsed = CriterionName::parse(name).ok().filter(|it| ledger.criteria.has(it));
    parsed.ok_or_else(|| {
        let known: Vec<&str> = ledger.criteria.names().map(CriterionName::as_str).collect();
        let message = format!("`{name}` is no criterion of `{}`", ledger.name);
        let hint = did_you_mean(name, &known, "the criteria are");
        vec![Problem::new("bad-option", Class::Usage, message).with_hint(hint)]
    })
}

/// Names of projects and beginnings of them.
pub(super) fn patterns(names: &[String]) -> Result<Vec<NamePattern>, Vec<Problem>> {
    let one = |name: &String| {
        NamePattern::parse(name).ok_or_else(|| {
            bad(format!(
                "`{name}` is neither a project nor a beginning of names with `*` at its end"
            ))
        })
    };
    names.iter().map(one).collect()
}

/// A reason that says something, on one line.
pub(super) fn reason(text: &str) -> Result<String, Vec<Problem>> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(bad("a reason is a text on one line"));
    }
    Ok(text.to_owned())
}

/// The files of the locks that are named; of the only one of the folder where none is named; of none
/// where there is none.
pub(super) fn subjects_if_any(arguments: &SubjectArgs) -> Result<Option<Subjects>, Vec<Problem>> {
    let is_named = !arguments.locks.is_empty()
        || !arguments.requirements.is_empty()
        || arguments.environment.is_some();
    match subjects::read(arguments) {
        Ok(subjects) => Ok(Some(subjects)),
        Err(problems) if is_named => Err(problems),
        Err(_) => Ok(None),
    }
}

/// The folder below which a ledger is looked for: that of the locks, or the working folder.
pub(super) fn start(subjects: Option<&Subjects>) -> Result<PathBuf, Vec<Problem>> {
    match subjects {
        Some(subjects) => Ok(subjects.folder.clone()),
        None => setup::absolute(Path::new(".")),
    }
}

/// `NAME==VERSION`.
pub(super) fn release(text: &str) -> Result<(ProjectName, Version), Vec<Problem>> {
    let parsed = text.split_once("==").and_then(|(name, version)| {
        let name = ProjectName::parse(name.trim()).ok()?;
        Some((name, version.trim().parse::<Version>().ok()?))
    });
    parsed.ok_or_else(|| bad(format!("`{text}` is not NAME==VERSION")))
}

/// The files of a release that are locked.
pub(super) fn locked(
    subjects: &Subjects,
    project: &ProjectName,
    version: &Version,
) -> Result<Vec<Subject>, Vec<Problem>> {
    let of_project = || subjects.files.iter().filter(|it| it.project == *project);
    let found: Vec<Subject> = of_project().filter(|it| it.version == *version).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let message = format!("{project} {version} is not in {}", subjects.of);
    let problem = Problem::new("not-locked", Class::Usage, message);
    let versions: BTreeSet<String> = of_project().map(|it| it.version.to_string()).collect();
    let versions: Vec<String> = versions.into_iter().collect();
    let mut names: Vec<&str> = subjects.files.iter().map(|it| it.project.as_str()).collect();
    names.dedup();
    let hint = match versions.is_empty() {
        true => {
            let hint = did_you_mean(project.as_str(), &names, "");
            hint.starts_with("did you mean").then_some(hint)
        }
        false => Some(format!("it has {project} {}", versions.join(", "))),
    };
    Err(vec![match hint {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }])
}

/// The files with their names, which a ledger has beside each digest: from the ledger, from what installs
/// remember, from the index.
pub(super) fn named(
    mut files: Vec<Subject>,
    loaded: &Loaded,
    index: &IndexArgs,
    store: &StoreArgs,
    teller: &Teller,
) -> Result<Vec<FileId>, Vec<Problem>> {
    names::take_known(&mut files, loaded);
    if files.iter().any(|it| it.file.is_none()) {
        let online = Online::open(index, store, teller)?;
        names::fill(&mut files, &BTreeMap::new(), &online);
        online.go_on()?;
    }
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match file.file {
            Some(name) => found.push(FileId { name, digest: file.digest }),
            None => {
                let Subject { project, version, digest, place, .. } = file;
                let message =
                    format!("it is not known which file of {project} {version} has {digest}");
                problems.push(Problem::new("vet-no-name", Class::Unavailable, message).at(&place));
            }
        }
    }
    found.sort();
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// A last day that is not over and at most a year away: trust is given for a time.
pub(super) fn last_day(until: Date, today: Date) -> Result<Date, Vec<Problem>> {
    let latest = today.checked_add(jiff::Span::new().years(1)).unwrap_or(Date::MAX);
    if until < today || until > latest {
        let message =
            format!("{until} is no last day for trust: it is between {today} and {latest}");
        return Err(bad(message));
    }
    Ok(until)
}
