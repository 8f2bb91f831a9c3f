//! From the entries of all files to what is wanted: markers asked, duplicates united, constraints
//! applied.

use std::collections::HashMap;

use super::FileKind;
use super::entry::Entry;
use crate::digest::Digest;
use crate::filename::DistributionFilename;
use crate::lock::{Place, SourceError, Wanted, WantedSet, WantedSource, codes, intersect_digests};
use crate::marker::MarkerEnvironment;
use crate::name::ProjectName;
use crate::version::{Operator, VersionSpecifiers};

/// Unites the entries. Errors are added to those found before.
pub(super) fn merge(
    entries: Vec<Entry>,
    environment: &MarkerEnvironment,
    errors: &mut Vec<SourceError>,
) -> WantedSet {
    let mut set = WantedSet::default();
    let mut indices: HashMap<ProjectName, usize> = HashMap::new();
    let mut constraints: HashMap<ProjectName, Vec<Entry>> = HashMap::new();
    for entry in entries {
        match applies(&entry, environment) {
            Err(error) => errors.push(error),
            Ok(false) if entry.kind == FileKind::Requirements => {
                set.skipped.push((entry.text, entry.place));
            }
            Ok(false) => {}
            Ok(true) if entry.kind == FileKind::Constraints => {
                constraints.entry(entry.project.clone()).or_default().push(entry);
            }
            Ok(true) => {
                if let WantedSource::Index { specifiers, .. } = &entry.source
                    && contradicts(specifiers)
                {
                    let message = format!("no version of `{}` satisfies this", entry.project);
                    errors.push(SourceError::new(codes::UNSATISFIABLE, message, entry.place));
                    continue;
                }
                if entry.has_build_settings {
                    let (project, place) = (&entry.project, &entry.place);
                    set.notes.push(format!(
                        "{place}: the build settings of `{project}` are not used: nothing is built"
                    ));
                }
                match indices.get(&entry.project) {
                    Some(&index) => errors.extend(unite(&mut set.wanted[index], entry).err()),
                    None => {
                        indices.insert(entry.project.clone(), set.wanted.len());
                        set.wanted.push(wanted(entry));
                    }
                }
            }
        }
    }
    for wanted in &mut set.wanted {
        for constraint in constraints.remove(&wanted.project).unwrap_or_default() {
            errors.extend(constrain(wanted, constraint).err());
        }
        errors.extend(pin(wanted).err());
    }
    set
}

fn applies(entry: &Entry, environment: &MarkerEnvironment) -> Result<bool, SourceError> {
    let Some(marker) = &entry.marker else { return Ok(true) };
    marker
        .evaluate(environment, &[])
        .map_err(|error| SourceError::new(codes::MARKER, error.to_string(), entry.place.clone()))
}

fn wanted(entry: Entry) -> Wanted {
    let Entry { project, extras, source, digests, place, marker, .. } = entry;
    Wanted { project, extras, source, digests, files: Vec::new(), place, marker }
}

/// An `==` or `===` whose version the other clauses refuse.
fn contradicts(specifiers: &VersionSpecifiers) -> bool {
    let exact = |operator| matches!(operator, Operator::Equal | Operator::ExactEqual);
    specifiers.iter().any(|s| exact(s.operator())) && specifiers.pinned().is_none()
}

/// Adds a second requirement of the same project.
fn unite(wanted: &mut Wanted, entry: Entry) -> Result<(), SourceError> {
    let conflict = |wanted: &Wanted, what: &str, place: &Place| {
        let (project, first) = (&wanted.project, &wanted.place);
        let message = format!("`{project}` stands here with another {what} than at {first}");
        SourceError::new(codes::DUPLICATE_CONFLICT, message, place.clone())
    };
    match (&mut wanted.source, &entry.source) {
        (WantedSource::Index { specifiers, .. }, WantedSource::Index { specifiers: added, .. }) => {
            let both = specifiers.and(added);
            if contradicts(&both) {
                return Err(conflict(wanted, "version", &entry.place));
            }
            *specifiers = both;
        }
        (first, second) if first == second => {}
        _ => return Err(conflict(wanted, "source", &entry.place)),
    }
    add_digests(wanted, &entry.digests, &entry.place)?;
    wanted.extras.extend(entry.extras);
    // Without a marker it is always wanted, whatever the other line says.
    let markers = wanted.marker.take().zip(entry.marker);
    wanted.marker = markers.map(|(first, second)| first.or(second));
    Ok(())
}

/// A file must satisfy both statements, in whatever order they stand.
fn add_digests(wanted: &mut Wanted, digests: &[Digest], place: &Place) -> Result<(), SourceError> {
    wanted.digests = intersect_digests(&wanted.digests, digests).ok_or_else(|| {
        let (project, first) = (&wanted.project, &wanted.place);
        let message = format!("no file has both these digests of `{project}` and those at {first}");
        SourceError::new(codes::DIGEST_CONFLICT, message, place.clone())
    })?;
    Ok(())
}

fn constrain(wanted: &mut Wanted, constraint: Entry) -> Result<(), SourceError> {
    if let Some(error) = constraint.unusable {
        return Err(error);
    }
    let conflict = |wanted: &Wanted, what: &str| {
        let (project, first) = (&wanted.project, &wanted.place);
        let message =
            format!("this constraint allows no {what} that {first} asks for: `{project}`");
        SourceError::new(codes::CONSTRAINT_CONFLICT, message, constraint.place.clone())
    };
    match (&mut wanted.source, constraint.source) {
        (WantedSource::Index { specifiers, .. }, WantedSource::Index { specifiers: added, .. }) => {
            let both = specifiers.and(&added);
            if contradicts(&both) {
                return Err(conflict(wanted, "version"));
            }
            *specifiers = both;
        }
        (
            WantedSource::Url { filename, .. } | WantedSource::Path { filename, .. },
            WantedSource::Index { specifiers, .. },
        ) => {
            if !allows(&specifiers, filename.as_ref()) {
                return Err(conflict(wanted, "version"));
            }
        }
        (
            WantedSource::Index { specifiers, .. },
            source @ (WantedSource::Url { .. } | WantedSource::Path { .. }),
        ) => {
            let (WantedSource::Url { filename, .. } | WantedSource::Path { filename, .. }) =
                &source
            else {
                return Ok(());
            };
            if !allows(specifiers, filename.as_ref()) {
                return Err(conflict(wanted, "version"));
            }
            wanted.source = source;
        }
        (first, second) => {
            if *first != second {
                return Err(conflict(wanted, "source"));
            }
        }
    }
    add_digests(wanted, &constraint.digests, &constraint.place)
}

/// Whether a file of this name has a version that is allowed. One whose version is not known
/// cannot be held against a constraint.
fn allows(specifiers: &VersionSpecifiers, filename: Option<&DistributionFilename>) -> bool {
    specifiers.is_empty() || filename.is_some_and(|file| specifiers.contains(file.version()))
}

/// A digest means one release; with several to choose from, it would only say which are refused.
fn pin(wanted: &mut Wanted) -> Result<(), SourceError> {
    let WantedSource::Index { specifiers, pinned, .. } = &mut wanted.source else { return Ok(()) };
    *pinned = specifiers.pinned().cloned();
    if pinned.is_some() || wanted.digests.is_empty() {
        return Ok(());
    }
    let project = &wanted.project;
    let message = format!("`{project}` has a digest but names no single version");
    Err(SourceError::new(codes::NOT_PINNED, message, wanted.place.clone())
        .with_hint(format!("write `{project}==VERSION`, or give a constraints file that does")))
}
