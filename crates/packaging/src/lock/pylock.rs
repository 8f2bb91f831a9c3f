//! `pylock.toml`: the standard lock file.
//!
//! Decides which packages a lock asks for in an environment, and which files may satisfy them. A
//! lock is trusted for what it says; one that says it ambiguously, names a hash algorithm that is
//! not known, or leaves a file without a strong digest is refused, also for packages that are not
//! selected.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/pylock-toml/> (PEP 751),
//! version 1.0, section "Installing" for the order of the checks. Choosing among the files of a
//! package is left to the caller, who knows the interpreter's tags.
//!
//! Off-spec: `vcs` and `directory` are refused when they are selected, since no digest pins them;
//! all keys of `hashes` must be known and are compared.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::source::Source;
use super::{SourceError, Wanted, WantedSet, WantedSource, codes};
use crate::marker::{Marker, MarkerEnvironment};
use crate::name::ExtraName;
use crate::version::{Version, VersionSpecifier, VersionSpecifiers};

mod fields;
mod package;

use fields::{Fields, keep};
use package::{Package, PackageSource};

/// The most bytes of a lock.
pub const MAXIMUM_SIZE: usize = 64 << 20;

/// What of a lock is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The extras.
    pub extras: BTreeSet<ExtraName>,
    /// The dependency groups; `None` for the lock's `default-groups`.
    pub groups: Option<BTreeSet<String>>,
}

/// Reads a lock and decides what is wanted in the environment. `name` is what the file is called
/// in messages.
///
/// # Errors
/// Everything that is wrong, in the order of the file; but when the text is no TOML or the
/// version of the lock is not supported, nothing else.
pub fn read(
    name: &str,
    text: &[u8],
    environment: &MarkerEnvironment,
    selection: &Selection,
) -> Result<WantedSet, Vec<SourceError>> {
    let source = decode(name, text).map_err(|error| vec![error])?;
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        let error = |error: &toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            source.error(codes::SYNTAX, error.message().to_owned(), span)
        };
        return Err(errors.iter().map(error).collect());
    }
    let fields = Fields::new(&source, document.get_ref(), 0..0);
    let mut set = WantedSet::default();
    set.notes.extend(check_lock_version(&fields).map_err(|error| vec![error])?);
    let lock = Lock::read(&fields)?;
    lock.select(&source, environment, selection, set)
}

fn decode(name: &str, text: &[u8]) -> Result<Source, SourceError> {
    let nowhere = Source::new(name, String::new());
    if text.len() > MAXIMUM_SIZE {
        let message = format!("the file has {} bytes, at most {MAXIMUM_SIZE} are read", text.len());
        return Err(nowhere.error(codes::TOO_LARGE, message, 0..0));
    }
    match std::str::from_utf8(text) {
        Ok(text) => Ok(Source::new(name, text.to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&text[..at]).into_owned();
            let message = "the file is not UTF-8";
            Err(Source::new(name, before).error(codes::ENCODING, message, at..at))
        }
    }
}

/// Step 1: a major version that is not known is an error, a minor one is told.
fn check_lock_version(fields: &Fields<'_>) -> Result<Option<String>, SourceError> {
    let text = fields.required_string("lock-version")?;
    let unsupported = || {
        let message = format!("lock version `{}` is not supported, expected 1.0", text.value);
        text.error(codes::LOCK_VERSION, message)
    };
    let version: Version = text.value.parse().map_err(|_| unsupported())?;
    let supported = version >= Version::new([1]) && version.epoch() == 0;
    if !supported || version.release().first() != Some(&1) {
        return Err(unsupported());
    }
    Ok((version > Version::new([1, 0])).then(|| {
        format!(
            "{}: lock version {version} is newer than 1.0; what it adds is not read",
            text.place()
        )
    }))
}

/// A lock, read but not yet asked what of it applies.
struct Lock {
    requires_python: Option<(VersionSpecifiers, SourceError)>,
    /// With the error that is to be reported when none of them holds.
    environments: Option<(Vec<(Marker, SourceError)>, SourceError)>,
    extras: BTreeSet<ExtraName>,
    groups: BTreeSet<String>,
    default_groups: BTreeSet<String>,
    packages: Vec<Package>,
}

impl Lock {
    fn read(fields: &Fields<'_>) -> Result<Self, Vec<SourceError>> {
        let mut errors = Vec::new();
        let errors_of_packages = &mut Vec::new();
        keep(&mut errors, fields.required_string("created-by").map(|_| ()));
        let requires_python = keep(&mut errors, requires_python(fields));
        let environments = keep(&mut errors, environments(fields));
        let extras = keep(&mut errors, fields.strings("extras")).unwrap_or_default();
        let extras = extras.into_iter().filter_map(|extra| {
            let parsed = ExtraName::parse(extra.value);
            let parsed =
                parsed.map_err(|error| extra.error(codes::INVALID_VALUE, error.to_string()));
            keep(&mut errors, parsed.map(Some))
        });
        let extras = extras.collect();
        let mut groups = |key| -> BTreeSet<String> {
            let names = keep(&mut errors, fields.strings(key)).unwrap_or_default();
            names.into_iter().map(|name| crate::name::normalize(name.value)).collect()
        };
        let (groups, default_groups) = (groups("dependency-groups"), groups("default-groups"));
        let tables = keep(&mut errors, fields.required_tables("packages"));
        let packages = tables.iter().filter_map(|table| {
            Package::read(table).map_err(|found| errors_of_packages.extend(found)).ok()
        });
        let packages = packages.collect();
        errors.append(errors_of_packages);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { requires_python, environments, extras, groups, default_groups, packages })
    }

    fn select(
        self,
        source: &Source,
        environment: &MarkerEnvironment,
        selection: &Selection,
        mut set: WantedSet,
    ) -> Result<WantedSet, Vec<SourceError>> {
        let mut errors = Vec::new();
        let python = python_version(environment);
        let supports = |specifiers: &VersionSpecifiers| {
            python.as_ref().is_some_and(|v| specifiers.contains(v))
        };
        // Steps 2 and 3.
        errors.extend(
            self.requires_python.iter().filter(|(s, _)| !supports(s)).map(|(_, e)| e.clone()),
        );
        errors.extend(self.check_environments(environment));
        // Step 4. Names of groups are compared in their normal form.
        let groups = match &selection.groups {
            Some(groups) => groups.iter().map(|group| crate::name::normalize(group)).collect(),
            None => self.default_groups.clone(),
        };
        errors.extend(self.check_selection(source, &selection.extras, &groups));
        // Step 5.
        if self.packages.is_empty() {
            set.unless_allowed.push(source.error(codes::EMPTY, "the lock lists no package", 0..0));
        }
        let mut selected: Vec<Package> = Vec::new();
        for package in self.packages {
            match package.applies(environment, &selection.extras, &groups) {
                Err(error) => errors.push(error),
                Ok(false) => set.skipped.push((package.title(), package.place)),
                Ok(true) => {
                    if let Some((_, error)) =
                        package.requires_python.as_ref().filter(|(s, _)| !supports(s))
                    {
                        errors.push(error.clone());
                    }
                    if let Some(other) = selected.iter().find(|other| other.name == package.name) {
                        errors.push(ambiguous(&package, other));
                    }
                    selected.push(package);
                }
            }
        }
        for package in selected {
            match wanted(package, &mut set.notes) {
                Ok(wanted) => set.wanted.push(wanted),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(set) } else { Err(errors) }
    }

    /// At least one of the environments must be this one.
    fn check_environments(&self, environment: &MarkerEnvironment) -> Option<SourceError> {
        let (markers, none) = self.environments.as_ref()?;
        let mut any = markers.is_empty();
        for (marker, error) in markers {
            match marker.evaluate(environment, &[]) {
                Ok(holds) => any |= holds,
                Err(undefined) => {
                    return Some(SourceError { message: undefined.to_string(), ..error.clone() });
                }
            }
        }
        (!any).then(|| none.clone())
    }

    fn check_selection(
        &self,
        source: &Source,
        extras: &BTreeSet<ExtraName>,
        groups: &BTreeSet<String>,
    ) -> Vec<SourceError> {
        let unknown = |what: &str, name: &str| {
            let message = format!("the lock has no {what} `{name}`");
            source.error(codes::UNKNOWN_SELECTION, message, 0..0)
        };
        let extras = extras.difference(&self.extras).map(|extra| unknown("extra", extra.as_str()));
        let groups = groups
            .iter()
            .filter(|&group| !self.groups.contains(group) && !self.default_groups.contains(group))
            .map(|group| unknown("dependency group", group));
        extras.chain(groups).collect()
    }
}

type Checked<T> = (T, SourceError);

/// The specifiers with the error to be reported when they refuse the interpreter.
fn requires_python(fields: &Fields<'_>) -> Result<Option<Checked<VersionSpecifiers>>, SourceError> {
    let Some(text) = fields.string("requires-python")? else { return Ok(None) };
    let specifiers = text.parse(str::parse)?;
    let message = format!("this needs Python {specifiers}, which the interpreter is not");
    Ok(Some((specifiers, text.error(codes::ENVIRONMENT, message))))
}

fn environments(fields: &Fields<'_>) -> Result<Option<Checked<Vec<Checked<Marker>>>>, SourceError> {
    let Some(texts) = fields.strings("environments")? else { return Ok(None) };
    let Some(first) = texts.first().cloned() else { return Ok(None) };
    let markers = texts
        .iter()
        .map(|text| Ok((text.parse(Marker::parse)?, text.error(codes::MARKER, ""))))
        .collect::<Result<_, SourceError>>()?;
    let message = "the lock is made for other environments than this one";
    Ok(Some((markers, first.error(codes::ENVIRONMENT, message))))
}

/// The interpreter's version; a build between two tags calls itself `3.13.0a1+`.
fn python_version(environment: &MarkerEnvironment) -> Option<Version> {
    let text = &environment.python_full_version;
    let repaired = if text.ends_with('+') { format!("{text}local") } else { text.clone() };
    repaired.parse().ok()
}

fn ambiguous(package: &Package, other: &Package) -> SourceError {
    let message = format!("`{}` is selected here and at {}", package.name, other.place);
    SourceError::new(codes::DUPLICATE_CONFLICT, message, package.place.clone())
}

fn wanted(package: Package, notes: &mut Vec<String>) -> Result<Wanted, SourceError> {
    let Package { name: project, version, index, place, source, .. } = package;
    let refuse = |code, message: &str| Err(SourceError::new(code, message, place.clone()));
    let (source, digests, files) = match source {
        PackageSource::Vcs => {
            return refuse(codes::VCS, "a version control system has contents that no digest pins");
        }
        PackageSource::Directory { editable: true } => {
            return refuse(
                codes::EDITABLE,
                "an editable installation has contents that no digest pins",
            );
        }
        PackageSource::Directory { editable: false } => {
            return refuse(codes::DIRECTORY, "a directory has contents that no digest pins");
        }
        PackageSource::Archive { source, digests } => (*source, digests, Vec::new()),
        PackageSource::Files { files, notes: unusable } => {
            notes.extend(unusable);
            let specifiers = version.iter().map(VersionSpecifier::equals).collect();
            (WantedSource::Index { specifiers, pinned: version, index }, Vec::new(), files)
        }
    };
    let extras = BTreeSet::new();
    Ok(Wanted { project, extras, source, digests, files, place, marker: None })
}

#[cfg(test)]
mod tests;
