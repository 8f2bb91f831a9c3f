//! The lock as a file: its text, the proof that it says what was meant, and what moved.

use std::collections::BTreeSet;
use std::path::Path;

use countermark_client::report::Problem;
use countermark_lock::pins::{PinnedRelease, PinnedSource, Pins};
use countermark_lock::write;
use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::{self, LockDocument, LockFormat};
use countermark_trust::Class;

use crate::cli::lock::LockFormatChoice;

/// How a lock is written.
pub(crate) struct Form {
    pub(crate) format: LockFormatChoice,
    /// For the head of the lock.
    pub(crate) command: Option<String>,
    pub(crate) annotate: bool,
    /// Indexes that the input names itself.
    pub(crate) index_url: Option<String>,
    pub(crate) extra_index_urls: Vec<String>,
}

impl Form {
    /// The text of the lock.
    pub(crate) fn text(&self, pins: &Pins) -> String {
        match self.format {
            LockFormatChoice::Requirements => {
                let options = write::requirements::Options {
                    command: self.command.clone(),
                    annotate: self.annotate,
                    index_url: self.index_url.clone(),
                    extra_index_urls: self.extra_index_urls.clone(),
                };
                write::requirements::write(pins, &options)
            }
            LockFormatChoice::Pylock => {
                let options = write::pylock::Options {
                    command: self.command.clone(),
                    annotate: self.annotate,
                };
                write::pylock::write(pins, &options)
            }
        }
    }

    pub(super) fn document_format(&self) -> LockFormat {
        match self.format {
            LockFormatChoice::Requirements => LockFormat::Requirements,
            LockFormatChoice::Pylock => LockFormat::Pylock,
        }
    }

    /// Reads the text as everybody will read it, and compares with what was meant.
    ///
    /// # Errors
    /// When the text says something else; then it is not written.
    pub(crate) fn read_back(&self, text: &str, pins: &Pins) -> Result<(), Vec<Problem>> {
        let name = "the new lock";
        let document = document::parse_as(self.document_format(), name, text.as_bytes())
            .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
        let (meant, found) = (said_by_pins(pins), said_by_document(&document));
        if meant == found {
            return Ok(());
        }
        let first = meant.symmetric_difference(&found).next();
        let message = "the new lock does not read back as what was meant; it was not written";
        let mut problem = Problem::new("lock-unreadable", Class::Unavailable, message);
        if let Some((project, version, digest)) = first {
            problem =
                problem.with_detail(format!("the first difference: {project} {version} {digest}"));
        }
        Err(vec![problem.with_hint("this is a mistake in countermark; please report it")])
    }
}

type Said = BTreeSet<(String, String, String)>;

fn said_by_pins(pins: &Pins) -> Said {
    let all = pins.releases.iter().flat_map(|release| {
        release.files.iter().map(move |file| {
            let digest = Digest::from(file.sha256).to_string();
            (release.project.to_string(), shown_version(release), digest)
        })
    });
    all.collect()
}

/// Formats that name a URL or a path do not say the version.
fn shown_version(release: &PinnedRelease) -> String {
    match release.source {
        PinnedSource::Index(_) => release.version.to_string(),
        PinnedSource::Url(_) | PinnedSource::Path(_) => String::new(),
    }
}

fn said_by_document(document: &LockDocument) -> Said {
    let mut said = Said::new();
    for package in &document.packages {
        let is_indexed = matches!(package.source, document::LockSource::Index(_));
        let version = package.version.as_ref().filter(|_| is_indexed);
        let version = version.map(ToString::to_string).unwrap_or_default();
        for digest in package.files.iter().flat_map(|file| &file.digests) {
            said.insert((package.project.to_string(), version.clone(), digest.to_string()));
        }
    }
    said
}

/// The format that a file's name tells.
pub(crate) fn format_of(path: &Path) -> Option<LockFormatChoice> {
    let name = path.file_name()?.to_str()?;
    match path.extension()?.to_str()? {
        "txt" | "in" => Some(LockFormatChoice::Requirements),
        "toml" if name == "pylock.toml" || name.starts_with("pylock.") => {
            Some(LockFormatChoice::Pylock)
        }
        _ => None,
    }
}
