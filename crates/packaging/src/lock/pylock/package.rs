//! One entry of `packages`.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::fields::{Fields, Text, keep};
use super::requires_python;
use crate::digest::{Algorithm, Digest};
use crate::filename::{DistributionFilename, SdistFilename, WheelFilename};
use crate::lock::reference::{self, FileReference, Target};
use crate::lock::requirements::weak;
use crate::lock::{LockedFile, Place, SourceError, WantedSource, codes, intersect_digests};
use crate::marker::{Marker, MarkerEnvironment};
use crate::name::{ExtraName, ProjectName};
use crate::version::{Version, VersionSpecifiers};

/// A package.
pub(super) struct Package {
    pub(super) name: ProjectName,
    pub(super) version: Option<Version>,
    marker: Option<Marker>,
    /// With the error to be reported when it refuses the interpreter.
    pub(super) requires_python: Option<(VersionSpecifiers, SourceError)>,
    pub(super) index: Option<String>,
    pub(super) source: PackageSource,
    /// The name.
    pub(super) place: Place,
}

/// Where a package comes from.
pub(super) enum PackageSource {
    Vcs,
    Directory { editable: bool },
    Archive { source: Box<WantedSource>, digests: Vec<Digest> },
    Files { files: Vec<LockedFile>, notes: Vec<String> },
}

impl Package {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Vec<SourceError>> {
        let mut errors = Vec::new();
        let name = fields.required_string("name").and_then(|text| {
            let name = ProjectName::parse(text.value)
                .map_err(|error| text.error(codes::INVALID_VALUE, error.to_string()))?;
            if name.as_str() != text.value {
                let message = format!("expected the normalised name `{name}`");
                return Err(text.error(codes::INVALID_VALUE, message));
            }
            Ok((name, text.place()))
        });
        let (name, place) = name.map_err(|error| vec![error])?;
        let version = keep(&mut errors, read_version(fields));
        let marker = keep(&mut errors, fields.string("marker"));
        let marker = marker.map(|text| text.parse(Marker::parse)).transpose();
        let marker = keep(&mut errors, marker);
        let requires_python = keep(&mut errors, requires_python(fields));
        let index = keep(&mut errors, fields.string("index")).map(|text| text.value.to_owned());
        let source = read_source(fields, &name, version.as_ref());
        match source {
            Ok((source, implied)) if errors.is_empty() => {
                let version = version.or(implied);
                Ok(Self { name, version, marker, requires_python, index, source, place })
            }
            Ok(_) => Err(errors),
            Err(found) => {
                errors.extend(found);
                Err(errors)
            }
        }
    }

    pub(super) fn applies(
        &self,
        environment: &MarkerEnvironment,
        extras: &BTreeSet<ExtraName>,
        groups: &BTreeSet<String>,
    ) -> Result<bool, SourceError> {
        let Some(marker) = &self.marker else { return Ok(true) };
        marker
            .evaluate_in_lock(environment, extras, groups)
            .map_err(|error| SourceError::new(codes::MARKER, error.to_string(), self.place.clone()))
    }

    /// Name and version for people.
    pub(super) fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{}=={version}", self.name),
            None => self.name.to_string(),
        }
    }
}

fn read_version(fields: &Fields<'_>) -> Result<Option<Version>, SourceError> {
    let Some(text) = fields.string("version")? else { return Ok(None) };
    let error = || {
        let message = format!("`{}` is no version according to PEP 440", text.value);
        text.error(codes::INVALID_VALUE, message)
    };
    Version::from_str(text.value).map(Some).map_err(|_| error())
}

type Outcome<T> = Result<T, Vec<SourceError>>;

/// The source and, where the package names no version, the one that its files name.
fn read_source(
    fields: &Fields<'_>,
    name: &ProjectName,
    version: Option<&Version>,
) -> Outcome<(PackageSource, Option<Version>)> {
    let mut errors = Vec::new();
    let vcs = keep(&mut errors, fields.table("vcs"));
    let directory = keep(&mut errors, fields.table("directory"));
    let archive = keep(&mut errors, fields.table("archive"));
    let sdist = keep(&mut errors, fields.table("sdist"));
    let wheels = keep(&mut errors, fields.tables("wheels")).unwrap_or_default();
    if !errors.is_empty() {
        return Err(errors);
    }
    let has_files = sdist.is_some() || !wheels.is_empty();
    let count = [vcs.is_some(), directory.is_some(), archive.is_some(), has_files];
    match count.into_iter().filter(|&present| present).count() {
        0 => return Err(vec![fields.error(codes::NO_SOURCE, format!("`{name}` has no file"))]),
        1 => {}
        _ => {
            let message = "only one of `vcs`, `directory`, `archive`, and `sdist` with `wheels` \
                           may be given";
            return Err(vec![fields.error(codes::INVALID_VALUE, message)]);
        }
    }
    if vcs.is_some() {
        return Ok((PackageSource::Vcs, None));
    }
    if let Some(directory) = directory {
        let editable = directory.boolean("editable").map_err(|error| vec![error])?;
        return Ok((PackageSource::Directory { editable: editable.unwrap_or(false) }, None));
    }
    if let Some(archive) = archive {
        return read_archive(&archive, name, version).map(|source| (source, None));
    }
    read_files(&wheels, sdist.as_ref(), name, version)
}

fn read_files(
    wheels: &[Fields<'_>],
    sdist: Option<&Fields<'_>>,
    name: &ProjectName,
    version: Option<&Version>,
) -> Outcome<(PackageSource, Option<Version>)> {
    let mut errors = Vec::new();
    let mut files: Vec<LockedFile> = Vec::new();
    let mut notes = Vec::new();
    // Without a version of the package, the first file's holds for all.
    let mut expected = version.cloned();
    for wheel in wheels {
        match read_file(wheel, |filename| {
            WheelFilename::parse(filename).map(DistributionFilename::Wheel)
        }) {
            Ok(file) => files.push(file),
            Err(found) => errors.extend(found),
        }
    }
    if let Some(sdist) = sdist {
        let parse = |filename: &str| {
            let sdist = SdistFilename::parse_for(name, filename);
            sdist.or_else(|_| SdistFilename::parse(filename)).map(DistributionFilename::Sdist)
        };
        match read_file(sdist, parse) {
            Ok(file) => files.push(file),
            // An old archive format does not keep the wheels from being used.
            Err(found) if !wheels.is_empty() && found.iter().all(|e| e.code == codes::NO_NAME) => {
                notes.extend(found.iter().map(ToString::to_string));
            }
            Err(found) => errors.extend(found),
        }
    }
    for file in &files {
        let filename = &file.filename;
        let version = expected.get_or_insert_with(|| filename.version().clone());
        if filename.name() != name || filename.version() != version {
            let message = format!("`{}` is not a file of {name} {version}", filename.as_str());
            errors.push(SourceError::new(codes::NAME_CONFLICT, message, file.place.clone()));
        }
    }
    if errors.is_empty() {
        Ok((PackageSource::Files { files, notes }, expected))
    } else {
        Err(errors)
    }
}

fn read_file<E: std::fmt::Display>(
    fields: &Fields<'_>,
    parse: impl FnOnce(&str) -> Result<DistributionFilename, E>,
) -> Outcome<LockedFile> {
    let mut errors = Vec::new();
    let digests = read_digests(fields).unwrap_or_else(|found| {
        errors.extend(found);
        Vec::new()
    });
    let size = keep(&mut errors, fields.size("size"));
    let location = keep(&mut errors, read_location(fields).map(Some));
    let named = keep(&mut errors, fields.string("name"));
    let filename = location.as_ref().and_then(|location| {
        let last = match &named {
            Some(name) => Ok(name.value.to_owned()),
            None => location.last_segment().ok_or("a malformed URL"),
        };
        let parsed = last
            .map_err(ToString::to_string)
            .and_then(|last| parse(&last).map_err(|error| error.to_string()));
        keep(&mut errors, parsed.map(Some).map_err(|message| fields.error(codes::NO_NAME, message)))
    });
    let digests = keep(&mut errors, all_digests(fields, &digests, location.as_ref()));
    match (location, filename) {
        (Some(Location { url, path, .. }), Some(filename)) if errors.is_empty() => {
            let place = fields.place();
            Ok(LockedFile { filename, url, path, size, digests, place })
        }
        _ => Err(errors),
    }
}

fn read_archive(
    fields: &Fields<'_>,
    name: &ProjectName,
    version: Option<&Version>,
) -> Outcome<PackageSource> {
    let mut errors = Vec::new();
    let digests = read_digests(fields).unwrap_or_else(|found| {
        errors.extend(found);
        Vec::new()
    });
    let size = keep(&mut errors, fields.size("size"));
    let subdirectory = keep(&mut errors, fields.string("subdirectory"));
    let subdirectory = subdirectory.map(|text| text.value.to_owned());
    let location = keep(&mut errors, read_location(fields).map(Some));
    let digests = keep(&mut errors, all_digests(fields, &digests, location.as_ref()));
    let Some(location) = location.filter(|_| errors.is_empty()) else { return Err(errors) };
    let filename = location.last_segment().and_then(|last| DistributionFilename::parse(&last).ok());
    if let Some(filename) = &filename
        && (filename.name() != name || version.is_some_and(|version| version != filename.version()))
    {
        let message = format!("`{}` is not a file of `{name}`", filename.as_str());
        return Err(vec![fields.error(codes::NAME_CONFLICT, message)]);
    }
    let source = match location {
        Location { path: Some(path), .. } => {
            WantedSource::Path { path, filename, subdirectory, size }
        }
        Location { url, .. } => {
            let url = url.unwrap_or_default();
            WantedSource::Url { url, filename, subdirectory, size }
        }
    };
    Ok(PackageSource::Archive { source: Box::new(source), digests })
}

/// `hashes`: at least one strong digest, and none that cannot be compared.
fn read_digests(fields: &Fields<'_>) -> Outcome<Vec<Digest>> {
    let table = fields.table("hashes").map_err(|error| vec![error])?;
    let table = table.ok_or_else(|| vec![fields.missing("hashes")])?;
    let mut errors = Vec::new();
    let mut digests = Vec::new();
    for pair in table.strings_by_key() {
        match pair.and_then(|(name, value)| read_digest(&name, &value)) {
            Ok(digest) => digests.push(digest),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if digests.is_empty() {
        return Err(vec![table.error(codes::INVALID_VALUE, "`hashes` is empty")]);
    }
    if !digests.iter().any(|digest: &Digest| digest.algorithm().is_strong()) {
        return Err(vec![weak(&digests, table.place())]);
    }
    Ok(digests)
}

/// The digests of `hashes` and of the URL's fragment, which must not contradict each other.
fn all_digests(
    fields: &Fields<'_>,
    digests: &[Digest],
    location: Option<&Location>,
) -> Result<Vec<Digest>, SourceError> {
    let in_fragment = location.map_or(&[][..], |location| &location.digests);
    intersect_digests(digests, in_fragment).ok_or_else(|| {
        let message = "the digest in the URL is not that of `hashes`";
        fields.error(codes::DIGEST_CONFLICT, message)
    })
}

fn read_digest(name: &Text<'_>, value: &Text<'_>) -> Result<Digest, SourceError> {
    let algorithm = Algorithm::parse(name.value).ok_or_else(|| {
        let message = format!("unknown hash algorithm `{}`", name.value);
        name.error(codes::MALFORMED_DIGEST, message)
    })?;
    Digest::parse_hex(algorithm, value.value)
        .map_err(|error| value.error(codes::MALFORMED_DIGEST, error.to_string()))
}

/// `url` and `path`, at least one of them. A `file:` URL becomes a path.
struct Location {
    url: Option<String>,
    path: Option<String>,
    /// The digests in the fragment of the URL.
    digests: Vec<Digest>,
}

impl Location {
    /// The file's name; the path says it first, as in `packaging`.
    fn last_segment(&self) -> Option<String> {
        if let Some(path) = &self.path {
            let separator = if path.contains('/') { '/' } else { '\\' };
            return path.rsplit(separator).next().map(str::to_owned);
        }
        reference::last_segment(self.url.as_deref()?)
    }
}

fn read_location(fields: &Fields<'_>) -> Result<Location, SourceError> {
    let mut path = fields.string("path")?.map(|text| text.value.to_owned());
    let mut digests = Vec::new();
    let url = match fields.string("url")? {
        None => None,
        Some(text) => match reference::parse_url(text.value) {
            Err(error) => return Err(text.error(error.code, error.message)),
            Ok(FileReference { target, digests: in_fragment, .. }) => {
                digests = in_fragment;
                match target {
                    Target::Url(url) => Some(url),
                    Target::Path(local) => {
                        path.get_or_insert(local);
                        None
                    }
                }
            }
        },
    };
    if path.as_ref().is_some_and(|path| path.is_empty() || path.contains('\0')) {
        return Err(fields.error(codes::INVALID_VALUE, "`path` is no path"));
    }
    if path.is_none() && url.is_none() {
        return Err(fields.error(codes::MISSING_KEY, "`url` or `path` is missing"));
    }
    Ok(Location { url, path, digests })
}
