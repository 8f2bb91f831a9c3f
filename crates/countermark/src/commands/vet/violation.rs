//! `vet violation`: these files are known to be bad, and nothing overrides it.

use std::collections::BTreeMap;

use countermark_client::ledger::Loaded;
use countermark_client::ledger::listed::parse_name;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::check::Subject;
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::file::FileId;
use countermark_ledger::format::ReviewFile;
use countermark_ledger::ledger::{Ledger, Violation};
use countermark_ledger::review::How;
use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use super::subjects::Subjects;
use super::{exempt, ground, place};
use crate::cli::OutputArgs;
use crate::cli::vet::ViolationArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Most reviews that are named.
const MOST: usize = 20;

/// A file that somebody knows.
type Known = (ProjectName, Version, FileId);

/// What a violation is of.
type Meant = (ProjectName, Option<Version>, Vec<FileId>);

/// Runs the command.
pub(super) fn run(arguments: &ViolationArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let reason = ground::reason(&arguments.reason)?;
    let subjects = ground::subjects_if_any(&arguments.subjects)?;
    let start = ground::start(subjects.as_ref())?;
    let folder = place::find(&arguments.ledger, &start)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let read = place::read(&arguments.ledger, &start, &arguments.subjects.store)?;
    let loaded = &read.opened.loaded;
    let (project, version, files) = meant(arguments, loaded, subjects.as_ref(), &teller)?;
    for line in vouching(loaded, &files) {
        teller.line(&output::visible(&line));
    }
    let is_new = |file: &&FileId| {
        let has = |it: &Violation| it.files.iter().any(|other| other.digest == file.digest);
        !loaded.ledger.violations.iter().any(has)
    };
    let new: Vec<FileId> = files.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        teller.line(&format!("{} is known to be bad already", arguments.what));
        return Ok(0);
    }
    let (count, on) = (new.len(), place::today(&arguments.ledger));
    let violation =
        Violation { project, version, files: new, on, reason, place: exempt::nowhere() };
    let mut edit = ground::edit(&folder)?;
    edit.add(&[violation]).map_err(|errors| ground::told(&errors))?;
    held.write_ledger(edit.text())?;
    let files = output::count(count, "file is", "files are");
    teller.line(&format!("{files} known to be bad from now on, whatever anybody says"));
    if subjects
        .is_some_and(|it| it.files.iter().any(|file| files_have(&edit.ledger().violations, file)))
    {
        let message = format!("{} is locked here: `countermark vet` says no now", arguments.what);
        teller.note(Note::new("violation-locked", message));
    }
    Ok(0)
}

fn files_have(violations: &[Violation], subject: &Subject) -> bool {
    violations.iter().any(|it| it.files.iter().any(|file| file.digest == subject.digest))
}

/// The files that are meant, and what they are of.
fn meant(
    arguments: &ViolationArgs,
    loaded: &Loaded,
    subjects: Option<&Subjects>,
    teller: &Teller,
) -> Result<Meant, Vec<Problem>> {
    let text = &arguments.what;
    let mut known = known(loaded);
    if let Some(hex) = text.strip_prefix("sha256:") {
        let digest = Sha256::parse_hex(hex).map_err(|_| {
            ground::bad(format!("`{text}` is no SHA-256: 64 digits follow `sha256:`"))
        })?;
        if let Some(given) = given(arguments, digest)? {
            return Ok(given);
        }
        if let Some((project, version, file)) = known.remove(&digest) {
            return Ok((project, Some(version), vec![file]));
        }
        let locked = subjects.and_then(|it| it.files.iter().find(|it| it.digest == digest));
        let locked = locked.ok_or_else(|| {
            let message = format!("neither the lock nor the ledger knows {text}");
            let problem = Problem::new("not-locked", Class::Usage, message);
            vec![problem.with_hint("say what it is with `--project NAME --file FILENAME`")]
        })?;
        let files = named(arguments, vec![locked.clone()], loaded, teller)?;
        return Ok((locked.project.clone(), Some(locked.version.clone()), files));
    }
    let (project, version) = ground::release(text)?;
    let locked = subjects.map(|it| ground::locked(it, &project, &version));
    let mut files: BTreeMap<Sha256, FileId> = known
        .into_values()
        .filter(|(name, release, _)| *name == project && *release == version)
        .map(|(_, _, file)| (file.digest, file))
        .collect();
    match locked {
        Some(Ok(locked)) => {
            for file in named(arguments, locked, loaded, teller)? {
                files.entry(file.digest).or_insert(file);
            }
        }
        Some(Err(problems)) if files.is_empty() => return Err(problems),
        Some(Err(_)) | None => {}
    }
    if files.is_empty() {
        let message = format!("the ledger knows no file of {text}");
        let problem = Problem::new("not-locked", Class::Usage, message);
        return Err(vec![
            problem.with_hint("name its digests: `countermark vet violation sha256:…`"),
        ]);
    }
    let mut files: Vec<FileId> = files.into_values().collect();
    files.sort();
    Ok((project, Some(version), files))
}

/// What the options say of a digest.
fn given(arguments: &ViolationArgs, digest: Sha256) -> Result<Option<Meant>, Vec<Problem>> {
    let (Some(project), Some(name)) = (&arguments.project, &arguments.file) else {
        return Ok(None);
    };
    let project = ProjectName::parse(project)
        .map_err(|error| ground::bad(format!("`{project}`: {error}")))?;
    let version = parse_name(&project, name).map(|it| it.version().clone());
    let version =
        version.ok_or_else(|| ground::bad(format!("`{name}` is no file of {project}")))?;
    Ok(Some((project, Some(version), vec![FileId { name: name.clone(), digest }])))
}

fn named(
    arguments: &ViolationArgs,
    files: Vec<Subject>,
    loaded: &Loaded,
    teller: &Teller,
) -> Result<Vec<FileId>, Vec<Problem>> {
    ground::named(files, loaded, &arguments.index, &arguments.subjects.store, teller)
}

/// Every file that the ledger and its imports have a word about.
fn known(loaded: &Loaded) -> BTreeMap<Sha256, Known> {
    let mut found = BTreeMap::new();
    let mut add = |project: &ProjectName, version: &Version, file: &FileId| {
        found
            .entry(file.digest)
            .or_insert_with(|| (project.clone(), version.clone(), file.clone()));
    };
    for one in &loaded.ledger.exemptions {
        one.files.iter().for_each(|file| add(&one.project, &one.version, file));
    }
    for one in &loaded.facts.files {
        add(&one.project, &one.version, &one.file);
    }
    for one in &loaded.relations.0 {
        add(&one.project, &one.version, &one.from);
        add(&one.project, &one.version, &one.to);
    }
    let theirs = loaded.imports.iter().map(|it| &it.reviews);
    for reviews in std::iter::once(&loaded.reviews).chain(theirs) {
        for entry in reviews.iter() {
            let review = &entry.review;
            review.files.iter().for_each(|file| add(&review.project, &review.version, file));
            if let How::Delta { from, files } = &review.how {
                files.iter().for_each(|file| add(&review.project, from, file));
            }
        }
    }
    found
}

/// Who says something else: reviews, exemptions, and violations of others.
fn vouching(loaded: &Loaded, files: &[FileId]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut of = |whose: &str, ledger: &Ledger, reviews: &ReviewFile| {
        for file in files {
            for entry in reviews.covering(&file.digest) {
                let criteria: Vec<&str> =
                    entry.review.criteria.iter().map(CriterionName::as_str).collect();
                lines.push(format!(
                    "{} of {whose} vouches for {}: {} ({})",
                    entry.review.author,
                    file.name,
                    criteria.join(", "),
                    entry.place
                ));
            }
            let exempt = ledger.exemptions.iter();
            for it in exempt.filter(|it| it.files.iter().any(|other| other.digest == file.digest)) {
                lines.push(format!(
                    "{whose} lets {} pass without a review ({})",
                    file.name, it.place
                ));
            }
            let bad = ledger.violations.iter();
            for it in bad.filter(|it| it.files.iter().any(|other| other.digest == file.digest)) {
                lines.push(format!(
                    "{whose} knows {} to be bad: {} ({})",
                    file.name, it.reason, it.place
                ));
            }
        }
    };
    of("our ledger", &loaded.ledger, &loaded.reviews);
    for import in &loaded.imports {
        of(&format!("`{}`", import.name), &import.ledger, &import.reviews);
    }
    if lines.is_empty() {
        lines.push("nobody vouches for it".to_owned());
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {more} more"));
    }
    lines
}
