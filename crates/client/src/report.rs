//! What this crate tells while it works, and the one form in which things that went wrong leave it.
//!
//! Errors are typed where they arise. At the edge of a command many of them, about many files, are
//! shown together; there each becomes a [`Problem`].

use std::error::Error;
use std::fmt::Write as _;

use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::{Place, SourceError};
use countermark_trust::{Class, Rejection};

/// Something worth a line that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Stable name.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Note {
    /// A note without a hint.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Something that keeps a command from succeeding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable name.
    pub code: &'static str,
    /// Decides the exit code.
    pub class: Class,
    /// What was checked, and what came out.
    pub message: String,
    /// Expected against found and where each came from, a line each.
    pub details: Vec<String>,
    /// Where in the user's files the reason stands.
    pub place: Option<Place>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without details.
    pub fn new(code: &'static str, class: Class, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, class, message, details: Vec::new(), place: None, hint: None }
    }

    /// With one more line of detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// With its place in a file of the user.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// From a typed error: its message, and those of its causes as details.
    pub fn of(code: &'static str, class: Class, error: &(dyn Error + 'static)) -> Self {
        let mut problem = Self::new(code, class, error.to_string());
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !problem.message.ends_with(&text) {
                problem.details.push(format!("because {text}"));
            }
            cause = source.source();
        }
        problem
    }

    /// A rejection, with expected against found.
    #[must_use]
    pub fn of_rejection(rejection: &Rejection, found_at: &str) -> Self {
        let problem = Self::new(rejection.code(), rejection.class(), rejection.to_string());
        match rejection {
            Rejection::DigestMismatch { filename, expected, found } => problem
                .with_detail(format!("expected {}", shorten(expected)))
                .with_detail(format!("found    {found} ({found_at})"))
                .with_hint(format!(
                    "the file may have been replaced after it was pinned; compare it with another \
                     source before you pin the new digest{}",
                    what_others_saw(filename)
                )),
            Rejection::SizeMismatch { expected, found, .. } => problem
                .with_detail(format!("expected {expected} bytes"))
                .with_detail(format!("found    {found} bytes ({found_at})")),
            Rejection::TreeMismatch { expected, found, .. } => problem
                .with_detail(format!("expected {expected}"))
                .with_detail(format!("found    {found} ({found_at})")),
            Rejection::NotRecorded { .. } => problem,
        }
    }
}

impl From<&SourceError> for Problem {
    fn from(error: &SourceError) -> Self {
        let mut problem =
            Self::new(error.code, Class::Usage, error.message.clone()).at(&error.place);
        problem.hint.clone_from(&error.hint);
        problem
    }
}

/// How to ask a log about the release of a file.
fn what_others_saw(filename: &str) -> String {
    let Ok(name) = DistributionFilename::parse(filename) else { return String::new() };
    let (project, version) = (name.name(), name.version());
    format!("; `countermark log lookup {project}=={version}` shows what others saw")
}

fn shorten(digests: &[countermark_packaging::digest::Digest]) -> String {
    let mut text = String::new();
    for digest in digests.iter().take(3) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{digest}", if text.is_empty() { "" } else { " or " });
    }
    if digests.len() > 3 {
        let _ = write!(text, " or one of {} more", digests.len() - 3);
    }
    text
}

/// What happens, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Project pages are asked for.
    Asking {
        /// How many.
        projects: usize,
    },
    /// Facts of projects are read from an index; [`Progress::Asked`] is each of them.
    Reading {
        /// How many.
        projects: usize,
    },
    /// Versions are being chosen; told again as more is known.
    Resolving {
        /// Projects whose page is known.
        projects: u64,
        /// Releases of which it is known what they require.
        releases: u64,
    },
    /// One page arrived.
    Asked,
    /// Downloads start.
    Downloading {
        /// How many files.
        files: usize,
        /// Bytes in all, as far as the index says.
        bytes: Option<u64>,
    },
    /// More bytes of some file.
    Received {
        /// How many.
        bytes: u64,
    },
    /// A file was downloaded, verified and unpacked.
    Stored {
        /// Which.
        filename: &'a str,
    },
    /// Files are put into staging.
    Staging {
        /// How many packages.
        packages: usize,
    },
    /// Sources are compiled to bytecode.
    Compiling {
        /// How many files.
        files: usize,
    },
    /// Installed files are looked at.
    Checking {
        /// How many packages.
        packages: usize,
    },
    /// Something else goes on; told again as it goes on.
    Working {
        /// What, in a few words.
        what: &'a str,
    },
    /// Whatever was going on is over.
    Done,
}

/// Whoever is told.
pub trait Reporter: Sync {
    /// A line that is kept.
    fn note(&self, note: Note);

    /// What happens now.
    fn progress(&self, progress: Progress<'_>);
}

/// Tells nobody; for tests and for callers that only want the result.
#[derive(Debug, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn note(&self, _: Note) {}
    fn progress(&self, _: Progress<'_>) {}
}
