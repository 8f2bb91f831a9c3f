//! Requirements files: pip's format whole, with peep's comments.
//!
//! Decides what a folder of requirements and constraints files asks for, and refuses what pip and
//! peep pass over in silence: a digest that belongs to nothing, digests that contradict each
//! other, a digest on something that is not pinned, a setting that weakens a check. The files are
//! loaded by the caller ([`Loader`]) and environment variables are asked of it; nothing else is.
//!
//! Specification: <https://pip.pypa.io/en/stable/reference/requirements-file-format/> and the
//! behaviour of pip 26.3 (`pip._internal.req.req_file`); peep 3.1.2 for its comments.
//!
//! Off-spec, stricter than pip: options are not abbreviated; several files or options on a line
//! are all read; an option on a requirement's line that pip passes over is refused; an unset
//! variable is refused; a text in no declared encoding is not tried in that of the locale.

use super::{FileOption, SourceError, WantedSet, codes};
use crate::lock::Place;
use crate::lock::source::Source;
use crate::marker::MarkerEnvironment;

mod decode;
pub mod document;
pub mod edit;
mod entry;
mod lines;
mod merge;
mod options;
pub mod outline;
mod peep;
pub mod statements;

pub use decode::{DecodeError, Decoded, Encoding, MAXIMUM_SIZE, decode};

use entry::Entry;
pub(crate) use entry::weak;
use lines::{Item, LogicalLine};
use options::LineOption;

/// How deep files may include each other.
const MAXIMUM_DEPTH: usize = 16;

/// How many files may be read; one that is included twice counts twice.
const MAXIMUM_FILES: usize = 256;

/// After how many errors reading stops.
const MAXIMUM_ERRORS: usize = 200;

/// How many requirements there may be in all files.
const MAXIMUM_ENTRIES: usize = 100_000;

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// `-r`: what it lists is wanted.
    Requirements,
    /// `-c`: what it lists narrows what is wanted.
    Constraints,
}

/// A file that was named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Path or URL, as given.
    pub location: String,
    /// What it is read as.
    pub kind: FileKind,
}

/// A file as the loader found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What the file is called in messages. It also tells files apart: a file whose location is
    /// that of a file that includes it is a cycle. Without credentials.
    pub location: String,
    /// The bytes, at most [`MAXIMUM_SIZE`]; the loader does not read more.
    pub text: Vec<u8>,
}

/// Why a file could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// What went wrong: lower case, with the file's name, without credentials.
    pub message: String,
    /// Whether it may go well another time (the network), or is wrong as it stands.
    pub unavailable: bool,
}

/// The one effect of reading requirements files.
pub trait Loader {
    /// Loads a file. `location` is a path or URL as it stands in the including file, whose place
    /// is `from`; a relative one counts from the folder of `from.file`, also when that is a URL.
    /// `None` means that it was named on the command line.
    ///
    /// # Errors
    /// When the file cannot be had, is too large, or may not be loaded from there.
    fn load(
        &mut self,
        location: &str,
        kind: FileKind,
        from: Option<&Place>,
    ) -> Result<Loaded, LoadError>;
}

/// Reads files and all that they include, and decides what is wanted in the environment.
///
/// Requirements without a digest are no error here, pinned or not: their `digests` are empty.
///
/// # Errors
/// Everything that is wrong, in the order of the files; at most a few hundred errors.
pub fn read(
    roots: &[Root],
    loader: &mut dyn Loader,
    environment: &MarkerEnvironment,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<WantedSet, Vec<SourceError>> {
    let Listed { set, refused } = read_listed(roots, loader, environment, variables)?;
    if refused.is_empty() { Ok(set) } else { Err(refused) }
}

/// What files list, with the entries set apart that no digest can pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// All other entries. Not to be installed while there is something in `refused`.
    pub set: WantedSet,
    /// One error for each entry that is a branch, a directory or editable, or has no name.
    pub refused: Vec<SourceError>,
}

/// The codes of errors that leave the rest of a file as it stands.
const REFUSED: [&str; 4] = [codes::VCS, codes::DIRECTORY, codes::EDITABLE, codes::NO_NAME];

/// Like [`read`], for a caller that still wants to look at the other entries of a file in which
/// some cannot be pinned.
///
/// # Errors
/// Everything that is wrong, when anything is besides such entries.
pub fn read_listed(
    roots: &[Root],
    loader: &mut dyn Loader,
    environment: &MarkerEnvironment,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Listed, Vec<SourceError>> {
    let mut reader = Reader::new(loader, variables);
    let mut unless_allowed = Vec::new();
    for root in roots {
        let before = (reader.requirements(), reader.errors.len());
        reader.read_file(&root.location, root.kind, None, &mut Vec::new());
        let after = (reader.requirements(), reader.errors.len());
        if root.kind == FileKind::Requirements && before == after {
            unless_allowed.push(empty_file(&root.location));
        }
    }
    let Reader { mut errors, entries, options, .. } = reader;
    let merged = merge::merge(entries, environment, &mut errors);
    if !errors.iter().all(|error| REFUSED.contains(&error.code)) {
        return Err(errors);
    }
    let set = WantedSet { options, unless_allowed, ..merged };
    Ok(Listed { set, refused: errors })
}

fn empty_file(location: &str) -> SourceError {
    let place = Place { file: location.to_owned(), line: 1, column: 1, span: 0..0 };
    SourceError::new(codes::EMPTY, "the file lists no requirement", place)
}

struct Reader<'a> {
    loader: &'a mut dyn Loader,
    variables: &'a dyn Fn(&str) -> Option<String>,
    errors: Vec<SourceError>,
    entries: Vec<Entry>,
    options: Vec<FileOption>,
    files: usize,
    /// Lines as input for a resolution; they are no entries when this is asked for.
    statements: Option<Vec<statements::Statement>>,
}

impl<'a> Reader<'a> {
    fn new(loader: &'a mut dyn Loader, variables: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            loader,
            variables,
            errors: Vec::new(),
            entries: Vec::new(),
            options: Vec::new(),
            files: 0,
            statements: None,
        }
    }

    fn requirements(&self) -> usize {
        self.entries.iter().filter(|entry| entry.kind == FileKind::Requirements).count()
    }

    /// Reads one file and what it includes. `open` are the files that are being read, outermost
    /// first.
    fn read_file(
        &mut self,
        location: &str,
        kind: FileKind,
        from: Option<&Place>,
        open: &mut Vec<String>,
    ) {
        let place = from.cloned().unwrap_or(Place {
            file: location.to_owned(),
            line: 1,
            column: 1,
            span: 0..0,
        });
        self.files += 1;
        if open.len() == MAXIMUM_DEPTH || self.files > MAXIMUM_FILES {
            let message = format!(
                "more than {MAXIMUM_FILES} files, or files that include each other more than \
                 {MAXIMUM_DEPTH} deep, are not read"
            );
            return self.push_error(SourceError::new(codes::TOO_LARGE, message, place));
        }
        let loaded = match self.loader.load(location, kind, from) {
            Ok(loaded) => loaded,
            Err(LoadError { message, unavailable }) => {
                let code =
                    if unavailable { codes::FILE_UNAVAILABLE } else { codes::FILE_UNREADABLE };
                return self.push_error(SourceError::new(code, message, place));
            }
        };
        if open.contains(&loaded.location) {
            let message = format!("`{}` includes itself", loaded.location);
            return self.push_error(SourceError::new(codes::INCLUDE_CYCLE, message, place));
        }
        match decode(&loaded.text) {
            Ok(decoded) => {
                let source = Source::new(&loaded.location, decoded.text);
                open.push(loaded.location);
                self.read_source(&source, kind, open);
                open.pop();
            }
            Err(error) => self.push_error(error.at(&loaded.location)),
        }
    }

    fn read_source(&mut self, source: &Source, kind: FileKind, open: &mut Vec<String>) {
        let mut above = peep::Above::default();
        for item in lines::split(source) {
            if self.errors.len() >= MAXIMUM_ERRORS {
                return;
            }
            match item {
                Item::Error(error) => self.push_error(error),
                Item::Comment(comment) => {
                    if let Err(error) = above.read(source, &comment) {
                        self.push_error(error);
                    }
                }
                Item::Line(line) => {
                    self.read_line(source, line, kind, &mut above, open);
                    self.errors.extend(above.orphans());
                }
            }
        }
        self.errors.extend(above.orphans());
    }

    fn read_line(
        &mut self,
        source: &Source,
        line: LogicalLine,
        kind: FileKind,
        above: &mut peep::Above,
        open: &mut Vec<String>,
    ) {
        let line = match line.expanded(source, self.variables) {
            Ok(line) => line,
            Err(error) => {
                above.take();
                return self.push_error(error);
            }
        };
        let mut parsed = options::parse(source, &line);
        self.errors.append(&mut parsed.errors);
        self.errors.extend(peep::check_behind(source, &line).err());
        if parsed.requirement.is_empty() && !parsed.is_editable() {
            return self.read_options(source, &line, parsed.options, open);
        }
        let stated = self.statements.as_ref().map_or(0, Vec::len);
        if self.entries.len() + stated >= MAXIMUM_ENTRIES {
            // Said once, and not of each of those that are too many.
            if self.errors.last().is_none_or(|last| last.code != codes::TOO_LARGE) {
                let message = format!("more than {MAXIMUM_ENTRIES} requirements are not read");
                self.push_error(line.error(source, codes::TOO_LARGE, message));
            }
            return;
        }
        let comments = above.take();
        if let Some(statements) = &mut self.statements {
            let (requirement, options) = (&parsed.requirement, &parsed.options);
            match statements::parse(source, &line, kind, requirement, options) {
                Ok(statement) => {
                    let digests =
                        entry::read_digests(source, &line, options, comments, &mut self.errors);
                    statements.push(statements::Statement { digests, ..statement });
                }
                Err(error) => self.errors.push(error),
            }
            return;
        }
        match entry::parse(source, &line, kind, &parsed.requirement, &parsed.options, comments) {
            Ok(entry) => self.entries.push(entry),
            Err(errors) => self.errors.extend(errors),
        }
    }

    /// A line of options only.
    fn read_options(
        &mut self,
        source: &Source,
        line: &LogicalLine,
        options: Vec<(LineOption, std::ops::Range<usize>)>,
        open: &mut Vec<String>,
    ) {
        for (option, span) in options {
            let place = source.place(line.in_file(span));
            match option {
                LineOption::Setting(setting) => self.options.push(FileOption { setting, place }),
                LineOption::Include(kind, location) => {
                    self.read_file(&location, kind, Some(&place), open);
                }
                LineOption::Hash(_) => {
                    let message = "this `--hash` belongs to no requirement";
                    let error = SourceError::new(codes::ORPHAN_DIGEST, message, place);
                    self.push_error(error.with_hint(
                        "end the line above it with a backslash; a comment ends a requirement",
                    ));
                }
                LineOption::ConfigSettings | LineOption::Editable(_) => {
                    let message = "this option belongs to no requirement";
                    self.push_error(SourceError::new(codes::MISPLACED_OPTION, message, place));
                }
            }
        }
    }

    fn push_error(&mut self, error: SourceError) {
        self.errors.push(error);
    }
}

#[cfg(test)]
mod tests;
