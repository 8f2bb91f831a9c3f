//! Which files a review is of.
//!
//! Those of the lock; and those that have the same content, by `relations.toml`, so that whoever takes the
//! ledger in needs no relations of ours. A wheel with compiled extensions that comes from a source distribution
//! of the list needs its own word about them, so it is not in a review of the source.

use std::path::{Path, PathBuf};

use countermark_client::ledger::Loaded;
use countermark_client::ledger::listed::parse_name;
use countermark_client::report::{Note, Problem};
use countermark_ledger::file::FileId;
use countermark_ledger::relation::Relation;
use countermark_ledger::review::How;
use countermark_packaging::digest::Algorithm;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use crate::commands::hash;

/// What a review would be of.
pub(super) struct Chosen {
    pub(super) files: Vec<FileId>,
    pub(super) notes: Vec<Note>,
}

/// Files that are named: those on disk, each with its digest, and those whose digest is given as a ledger
/// writes it, by somebody who read bytes that have it.
pub(super) fn given(
    paths: &[PathBuf],
    project: &ProjectName,
    version: &Version,
) -> Result<Vec<FileId>, Vec<Problem>> {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match one(path, project, version) {
            Ok(file) => files.push(file),
            Err(problem) => problems.push(*problem),
        }
    }
    files.sort();
    files.dedup();
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

fn one(path: &Path, project: &ProjectName, version: &Version) -> Result<FileId, Box<Problem>> {
    let bad = |message: String| Problem::new("bad-option", Class::Usage, message);
    let entry = path.to_str().filter(|text| text.starts_with("sha256:") && !path.exists());
    let entry = entry.map(FileId::parse).transpose();
    let entry = entry.map_err(|error| bad(format!("`{}`: {error}", path.display())))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = entry.as_ref().map_or(name, |entry| &entry.name);
    let fits = parse_name(project, name).is_some_and(|parsed| parsed.version() == version);
    if !fits {
        return Err(bad(format!("`{}` is no file of {project} {version}", path.display())).into());
    }
    if let Some(entry) = entry {
        return Ok(entry);
    }
    let digest = hash::digest(path, Algorithm::Sha256).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", path.display());
        Problem::new("file-unreadable", Class::Usage, message)
    })?;
    let digest = digest.as_sha256().ok_or_else(|| {
        let message = format!("`{}` has no SHA-256", path.display());
        Problem::new("file-unreadable", Class::Usage, message)
    })?;
    Ok(FileId { name: name.to_owned(), digest })
}

/// The files of a lock as a review in full, or of a difference, has them.
pub(super) fn content(locked: &[FileId], relations: &[Relation]) -> Chosen {
    let mut notes = Vec::new();
    let has = |files: &[FileId], file: &FileId| files.iter().any(|it| it.digest == file.digest);
    let covering: Vec<&Relation> = relations.iter().filter(|it| it.covers()).collect();
    let own_word = |file: &FileId| {
        covering.iter().find(|it| {
            it.to.digest == file.digest && !it.compiled.is_empty() && has(locked, &it.from)
        })
    };
    let mut files = Vec::new();
    for file in locked {
        match own_word(file) {
            Some(relation) => {
                let message = format!(
                    "{} is left out: beside what is in {} it has {}, which nobody reads there",
                    file.name,
                    relation.from.name,
                    crate::output::count(relation.compiled.len(), "extension", "extensions")
                );
                let note = Note::new("certify-compiled", message);
                notes.push(note.with_hint("`--compiled` is the word about extensions"));
            }
            None => files.push(file.clone()),
        }
    }
    for relation in &covering {
        let is_same = relation.compiled.is_empty() && has(&files, &relation.from);
        if is_same && !has(&files, &relation.to) {
            files.push(relation.to.clone());
        }
    }
    files.sort();
    Chosen { files, notes }
}

/// The wheels of a lock with compiled extensions: by their relations, else by what their names say.
pub(super) fn compiled(locked: &[FileId], relations: &[Relation], project: &ProjectName) -> Chosen {
    let is_compiled = |file: &&FileId| {
        let mut known = relations.iter().filter(|it| it.to.digest == file.digest).peekable();
        if known.peek().is_some() {
            return known.any(|it| !it.compiled.is_empty());
        }
        let parsed = parse_name(project, &file.name);
        matches!(parsed, Some(DistributionFilename::Wheel(_))) && !file.name.ends_with("-any.whl")
    };
    let files = locked.iter().filter(is_compiled).cloned().collect();
    Chosen { files, notes: Vec::new() }
}

/// How a difference was read: each file with its counterpart in the other release.
pub(super) fn difference(
    chosen: Chosen,
    project: &ProjectName,
    from: &Version,
    known: &[FileId],
) -> Result<(Chosen, How), Vec<Problem>> {
    let Chosen { files, mut notes } = chosen;
    let (mut kept, mut compared) = (Vec::new(), Vec::new());
    for file in files {
        let form = form(project, &file.name);
        match known.iter().find(|it| form.is_some() && self::form(project, &it.name) == form) {
            Some(other) => {
                compared.push(other.clone());
                kept.push(file);
            }
            None => {
                let message = format!(
                    "{} is left out: no file of {project} {from} is known that is like it",
                    file.name
                );
                notes.push(Note::new("certify-no-counterpart", message));
            }
        }
    }
    if kept.is_empty() {
        let message = format!("no file of {project} {from} is known that could be compared with");
        let problem = Problem::new("certify-no-counterpart", Class::Usage, message);
        let hint = "a delta counts when the files that it starts from meet the criteria: give one that \
                    is reviewed or exempt with --from-file";
        return Err(vec![problem.with_hint(hint)]);
    }
    compared.sort();
    compared.dedup();
    let how = How::Delta { from: from.clone(), files: compared };
    Ok((Chosen { files: kept, notes }, how))
}

/// What kind of file it is: a source distribution, or a wheel for whom.
fn form(project: &ProjectName, name: &str) -> Option<String> {
    match parse_name(project, name)? {
        DistributionFilename::Sdist(_) => Some("sdist".to_owned()),
        // Name and version have no hyphen.
        DistributionFilename::Wheel(_) => name.splitn(3, '-').nth(2).map(str::to_owned),
    }
}

/// The files of a release that the ledger has heard of.
pub(super) fn known(loaded: &Loaded, project: &ProjectName, version: &Version) -> Vec<FileId> {
    let is_of = |file: &FileId| {
        parse_name(project, &file.name).is_some_and(|parsed| parsed.version() == version)
    };
    let mut found = Vec::new();
    let exemptions = loaded.ledger.exemptions.iter().filter(|it| it.project == *project);
    found.extend(exemptions.flat_map(|it| it.files.clone()));
    let facts = loaded.facts.files.iter().filter(|it| it.project == *project);
    found.extend(facts.flat_map(|it| [Some(it.file.clone()), it.before.clone()]).flatten());
    let relations = loaded.relations.0.iter().filter(|it| it.project == *project);
    found.extend(relations.flat_map(|it| [it.from.clone(), it.to.clone()]));
    let imported = loaded.imports.iter().map(|it| &it.reviews);
    for reviews in [&loaded.reviews].into_iter().chain(imported) {
        for entry in reviews.iter().filter(|it| it.review.project == *project) {
            found.extend(entry.review.files.iter().cloned());
        }
    }
    found.retain(is_of);
    found.sort();
    found.dedup();
    found
}
