//! A requirements file as a lock: every line of it, for every platform.
//!
//! Decides which entries a file has. A line that pins nothing, a branch, a folder are entries here:
//! whether they may stand in a lock is for a policy. Environment variables stay as they are
//! written. What one environment takes from the file is decided by [`super::read`].

use std::collections::HashMap;
use std::ops::Range;

use super::entry::{self, Named};
use super::lines::{self, Item, LogicalLine};
use super::options::{self, LineOption};
use super::peep;
use super::{Encoding, FileKind, Loader, MAXIMUM_DEPTH, MAXIMUM_ERRORS, MAXIMUM_FILES, REFUSED};
use super::{decode, empty_file};
use crate::digest::Digest;
use crate::filename::DistributionFilename;
use crate::lock::document::without_credentials;
use crate::lock::document::{
    DocumentResult, FileEntry, Include, LockDocument, LockFormat, LockPackage, LockSource, LockUrl,
    MAXIMUM_ENTRIES, UrlRole,
};
use crate::lock::reference;
use crate::lock::source::Source;
use crate::lock::{Place, Setting, SourceError, WantedSource, codes, intersect_digests};
use crate::name::{ExtraName, ProjectName};
use crate::requirement::{Requirement, VersionOrUrl};
use crate::version::Version;

/// What a line is called that does not tell a project's name: `-e .`, a URL without `#egg=`.
pub const UNNAMED: &str = "unnamed";

/// Reads one file; what it includes is told and not read.
pub(crate) fn parse(
    file: &str,
    bytes: &[u8],
) -> Result<(LockDocument, Vec<LockUrl>), Vec<SourceError>> {
    let mut reader = DocumentReader::new(file, None);
    reader.read_bytes(file, bytes, &mut Vec::new());
    reader.finish()
}

/// Reads a file with all that it includes by `-r`; the places tell which file an entry is from.
/// Constraints are no entries and are noted.
///
/// # Errors
/// Everything that is wrong, in the order of the files.
pub fn read(location: &str, loader: &mut dyn Loader) -> DocumentResult {
    let mut reader = DocumentReader::new(location, Some(loader));
    let place = empty_file(location).place;
    reader.read_file(location, None, &place, &mut Vec::new());
    reader.finish().map(|(document, _)| document)
}

struct DocumentReader<'a> {
    loader: Option<&'a mut dyn Loader>,
    errors: Vec<SourceError>,
    document: LockDocument,
    urls: Vec<LockUrl>,
    files: usize,
    /// For each project the last line without a marker: its file, spelling, version, line.
    unconditional: HashMap<ProjectName, (String, String, Option<Version>, u32)>,
}

impl<'a> DocumentReader<'a> {
    fn new(file: &str, loader: Option<&'a mut dyn Loader>) -> Self {
        let document = LockDocument {
            format: LockFormat::Requirements,
            format_version: None,
            file: file.to_owned(),
            requires_python: None,
            packages: Vec::new(),
            indexes: Vec::new(),
            includes: Vec::new(),
            notes: Vec::new(),
        };
        Self {
            loader,
            errors: Vec::new(),
            document,
            urls: Vec::new(),
            files: 0,
            unconditional: HashMap::new(),
        }
    }

    fn finish(self) -> Result<(LockDocument, Vec<LockUrl>), Vec<SourceError>> {
        if self.errors.is_empty() { Ok((self.document, self.urls)) } else { Err(self.errors) }
    }

    fn read_file(
        &mut self,
        location: &str,
        from: Option<&Place>,
        place: &Place,
        open: &mut Vec<String>,
    ) {
        let Some(loader) = self.loader.as_deref_mut() else {
            let (location, place) = (without_credentials(location), place.clone());
            self.document.includes.push(Include { location, place });
            return;
        };
        self.files += 1;
        if open.len() == MAXIMUM_DEPTH || self.files > MAXIMUM_FILES {
            let message = format!(
                "more than {MAXIMUM_FILES} files, or files that include each other more than \
                 {MAXIMUM_DEPTH} deep, are not read"
            );
            self.errors.push(SourceError::new(codes::TOO_LARGE, message, place.clone()));
            return;
        }
        let loaded = match loader.load(location, FileKind::Requirements, from) {
            Ok(loaded) => loaded,
            Err(error) => {
                let code = if error.unavailable {
                    codes::FILE_UNAVAILABLE
                } else {
                    codes::FILE_UNREADABLE
                };
                self.errors.push(SourceError::new(code, error.message, place.clone()));
                return;
            }
        };
        if open.contains(&loaded.location) {
            let message = format!("`{}` includes itself", loaded.location);
            self.errors.push(SourceError::new(codes::INCLUDE_CYCLE, message, place.clone()));
            return;
        }
        open.push(loaded.location.clone());
        self.read_bytes(&loaded.location, &loaded.text, open);
        open.pop();
    }

    fn read_bytes(&mut self, location: &str, bytes: &[u8], open: &mut Vec<String>) {
        let decoded = match decode(bytes) {
            Ok(decoded) => decoded,
            Err(error) => return self.errors.push(error.at(location)),
        };
        let is_utf8 = matches!(decoded.encoding, Encoding::Utf8 | Encoding::Utf8Marked);
        let source = Source::new(location, decoded.text);
        let mut above = peep::Above::default();
        for item in lines::split(&source) {
            if self.errors.len() >= MAXIMUM_ERRORS {
                return;
            }
            match item {
                Item::Error(error) => self.errors.push(error),
                Item::Comment(comment) => self.errors.extend(above.read(&source, &comment).err()),
                Item::Line(line) => {
                    self.read_line(&source, &line, &mut above, is_utf8, open);
                    self.errors.extend(above.orphans());
                }
            }
        }
        self.errors.extend(above.orphans());
    }

    fn read_line(
        &mut self,
        source: &Source,
        line: &LogicalLine,
        above: &mut peep::Above,
        is_utf8: bool,
        open: &mut Vec<String>,
    ) {
        let mut parsed = options::parse(source, line);
        let has_errors = !parsed.errors.is_empty();
        self.errors.append(&mut parsed.errors);
        self.errors.extend(peep::check_behind(source, line).err());
        if parsed.requirement.is_empty() && !parsed.is_editable() {
            return self.read_options(source, line, parsed.options, is_utf8, open);
        }
        let comments = above.take();
        if has_errors {
            return;
        }
        if self.document.packages.len() == MAXIMUM_ENTRIES {
            // Said once, and not of each of those that are too many.
            if self.errors.last().is_none_or(|last| last.code != codes::TOO_LARGE) {
                let message = format!("more than {MAXIMUM_ENTRIES} requirements are not read");
                self.errors.push(line.error(source, codes::TOO_LARGE, message));
            }
            return;
        }
        let before = self.errors.len();
        let digests =
            entry::read_digests(source, line, &parsed.options, comments, &mut self.errors);
        let editable = parsed.options.iter().find_map(|(option, span)| match option {
            LineOption::Editable(value) => Some((value.clone(), span.clone())),
            _ => None,
        });
        let span = parsed.requirement.clone();
        let found = match &editable {
            Some((value, _)) => loose(value, true),
            None => match entry::parse_named(&line.text[span.clone()]) {
                Ok(named) => strict(named),
                Err(wrong) if REFUSED.contains(&wrong.code) => {
                    loose(&line.text[span.clone()], false)
                }
                Err(wrong) => {
                    let shifted = wrong.span.start + span.start..wrong.span.end + span.start;
                    let file = line.in_file(shifted);
                    return self.errors.push(source.error(wrong.code, wrong.message, file));
                }
            },
        };
        let span = editable.map_or(span, |(_, span)| span);
        let place = source.place(line.in_file(span));
        if self.errors.len() == before {
            self.add(source, found, &digests, place, is_utf8);
        }
    }

    fn add(
        &mut self,
        source: &Source,
        found: Found,
        digests: &[Digest],
        place: Place,
        is_utf8: bool,
    ) {
        let project = found.project.clone().unwrap_or_else(|| {
            let note = format!("{place}: the line names no project; it is called `{UNNAMED}` here");
            self.document.notes.push(note);
            ProjectName::parse(UNNAMED).expect("the constant is a name")
        });
        let Some(both) = intersect_digests(digests, &found.url_digests) else {
            let message = "the digest in the URL is not among those of the line";
            self.errors.push(SourceError::new(codes::DIGEST_CONFLICT, message, place));
            return;
        };
        if found.project.is_some() && found.marker.is_none() {
            self.compare_with_before(source, &project, found.version.as_ref(), &place);
        }
        if let Some(url) = &found.url {
            let raw = &source.text()[place.span.clone()];
            if let Some(at) = raw.find(url.as_str()) {
                let start = place.span.start + at;
                let place = source.place(start..start + url.len());
                let role = UrlRole::Direct;
                self.urls.push(LockUrl { role, text: url.clone(), place, is_plain: is_utf8 });
            }
        }
        let entry = |digests: Vec<Digest>| FileEntry {
            name: found.filename.clone(),
            url: match &found.source {
                LockSource::Url(url) | LockSource::Path(url) => Some(url.clone()),
                _ => None,
            },
            digests,
            size: None,
            uploaded: None,
            place: place.clone(),
        };
        let files = match &found.source {
            LockSource::Url(_) | LockSource::Path(_) => vec![entry(both)],
            _ => both.into_iter().map(|digest| entry(vec![digest])).collect(),
        };
        self.document.packages.push(LockPackage {
            project,
            version: found.version,
            source: found.source,
            files,
            marker: found.marker,
            extras: found.extras,
            dependencies: Vec::new(),
            groups: Vec::new(),
            place,
        });
    }

    /// Two lines that always apply must agree on the version, and in one file on the spelling.
    fn compare_with_before(
        &mut self,
        source: &Source,
        project: &ProjectName,
        version: Option<&Version>,
        place: &Place,
    ) {
        let text = &source.text()[place.span.clone()];
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let spelling = &text[..text.find(|c| !is_name(c)).unwrap_or(text.len())];
        let now = (place.file.clone(), spelling.to_owned(), version.cloned(), place.line);
        let Some(first) = self.unconditional.insert(project.clone(), now) else { return };
        let (file, spelled, before, line) = first;
        if before.is_some() && version.is_some() && before.as_ref() != version {
            let message =
                format!("`{project}` stands here with another version than at {file}:{line}");
            let error = SourceError::new(codes::DUPLICATE_CONFLICT, message, place.clone());
            self.errors.push(error);
        } else if file == place.file && spelled != spelling {
            let message = format!("`{spelling}` and `{spelled}` are two spellings of one project");
            let error = SourceError::new(codes::NAME_SPELLING, message, place.clone());
            self.errors.push(error.with_hint(format!("it stands at line {line} as well")));
        }
    }

    fn read_options(
        &mut self,
        source: &Source,
        line: &LogicalLine,
        options: Vec<(LineOption, Range<usize>)>,
        is_utf8: bool,
        open: &mut Vec<String>,
    ) {
        for (option, span) in options {
            let place = source.place(line.in_file(span));
            match option {
                LineOption::Setting(Setting::IndexUrl(url) | Setting::ExtraIndexUrl(url)) => {
                    self.document.indexes.push(without_credentials(&url));
                    let raw = &source.text()[place.span.clone()];
                    let Some(at) = raw.rfind(url.as_str()) else { continue };
                    let start = place.span.start + at;
                    let place = source.place(start..start + url.len());
                    let role = UrlRole::Index;
                    self.urls.push(LockUrl { role, text: url, place, is_plain: is_utf8 });
                }
                // Files are taken from there as from an index; a folder is the project's own.
                LineOption::Setting(Setting::FindLinks(place)) if reference::is_url(&place) => {
                    self.document.indexes.push(without_credentials(&place));
                }
                LineOption::Setting(_) => {}
                LineOption::Include(FileKind::Requirements, location) => {
                    self.read_file(&location, Some(&place), &place, open);
                }
                LineOption::Include(FileKind::Constraints, _) => {
                    self.document.notes.push(format!("{place}: constraints are no entries"));
                }
                LineOption::Hash(_) => {
                    let message = "this `--hash` belongs to no requirement";
                    let error = SourceError::new(codes::ORPHAN_DIGEST, message, place);
                    self.errors.push(error.with_hint(
                        "end the line above it with a backslash; a comment ends a requirement",
                    ));
                }
                LineOption::ConfigSettings | LineOption::Editable(_) => {
                    let message = "this option belongs to no requirement";
                    self.errors.push(SourceError::new(codes::MISPLACED_OPTION, message, place));
                }
            }
        }
    }
}

/// What a line names.
struct Found {
    project: Option<ProjectName>,
    version: Option<Version>,
    extras: Vec<ExtraName>,
    source: LockSource,
    /// The URL as written.
    url: Option<String>,
    filename: Option<String>,
    url_digests: Vec<Digest>,
    marker: Option<String>,
}

/// A line that can be pinned.
fn strict(named: Named) -> Found {
    let Named { project, extras, source, url_digests, marker } = named;
    let of = |filename: &Option<DistributionFilename>| {
        filename.as_ref().map(|filename| (filename.version().clone(), filename.as_str().to_owned()))
    };
    let (source, known, url, pinned) = match source {
        WantedSource::Index { specifiers, .. } => {
            (LockSource::Index(None), None, None, specifiers.pinned().cloned())
        }
        WantedSource::Url { url, filename, .. } => {
            (LockSource::Url(without_credentials(&url)), of(&filename), Some(url), None)
        }
        WantedSource::Path { path, filename, .. } => {
            (LockSource::Path(path), of(&filename), None, None)
        }
    };
    let (version, filename) = known.unzip();
    Found {
        project: Some(project),
        version: pinned.or(version),
        extras: extras.into_iter().collect(),
        source,
        url,
        filename,
        url_digests,
        marker: marker.map(|marker| marker.to_string()),
    }
}

/// A line that no digest pins, or that tells no name.
fn loose(text: &str, editable: bool) -> Found {
    let (mut project, mut extras, mut marker) = (None, Vec::new(), None);
    let mut target = text.trim().to_owned();
    match Requirement::parse(text) {
        Ok(Requirement { name, extras: asked, source: VersionOrUrl::Url(url), marker: held }) => {
            (project, extras) = (Some(name), asked.into_iter().collect());
            (target, marker) = (url, held.map(|marker| marker.to_string()));
        }
        _ => {
            let split = target.find(" ;").or_else(|| target.find("; "));
            if let Some((at, Ok(held))) = split.map(|at| (at, entry::parse_marker(&target, at))) {
                marker = held.map(|marker| marker.to_string());
                target.truncate(at);
            }
            if let Ok((path, asked)) = entry::split_path_extras(&target) {
                extras = asked.into_iter().collect();
                target = path.to_owned();
            }
        }
    }
    project = project.or_else(|| reference::egg_project(&target));
    let (source, url) = source_of(&target, editable);
    let url_digests = match &source {
        LockSource::Url(_) => {
            reference::parse_url(&target).map(|found| found.digests).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let filename = None;
    Found { project, version: None, extras, source, url, filename, url_digests, marker }
}

/// The source and, for addresses, the text as written.
fn source_of(target: &str, editable: bool) -> (LockSource, Option<String>) {
    let address = target.split('#').next().unwrap_or_default();
    let scheme = address.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let is_vcs = address.contains("://")
        && (scheme.contains('+')
            || matches!(scheme.as_str(), "git" | "hg" | "svn" | "bzr" | "ssh"));
    if is_vcs {
        let plain = scheme.find('+').map_or(address, |at| &address[at + 1..]);
        let host_end = plain.find("://").map_or(0, |at| at + 3);
        let path_start = plain[host_end..].find('/').map_or(plain.len(), |at| host_end + at);
        let (url, reference) = match plain[path_start..].rfind('@') {
            Some(at) => (&plain[..path_start + at], Some(&plain[path_start + at + 1..])),
            None => (plain, None),
        };
        let is_commit = |text: &&str| {
            matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let commit = reference.filter(is_commit).map(str::to_owned);
        let url = without_credentials(url);
        return (LockSource::Vcs { url, commit }, Some(target.to_owned()));
    }
    if reference::is_url(address) && scheme != "file" {
        return (LockSource::Url(without_credentials(address)), Some(target.to_owned()));
    }
    let path = address.to_owned();
    let source = if !editable && reference::is_archive(&path) {
        LockSource::Path(path)
    } else {
        LockSource::Directory { path, editable }
    };
    (source, None)
}

#[cfg(test)]
mod tests;
