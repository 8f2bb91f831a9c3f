//! Snapshots on disk: written while facts come, and read instead of an index.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use countermark_audit::fact::ProjectFacts;
use countermark_audit::fact::snapshot::{self, Header, Reader, map_parallel};
use countermark_audit::record::RecordProblem;

use super::FactsError;
use crate::system::Replacement;

/// Bytes that are collected before they are written.
const PIECE: usize = 256 << 10;

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 20;

/// A snapshot being written. It takes its place when it is whole.
#[derive(Debug)]
pub(super) struct Recorder {
    file: Replacement,
    path: PathBuf,
    waiting: Vec<u8>,
}

impl Recorder {
    pub(super) fn new(path: &Path, header: &Header) -> Result<Self, FactsError> {
        let file = Replacement::new(path)
            .map_err(|source| FactsError::Record { path: path.to_owned(), source })?;
        let mut waiting = Vec::new();
        snapshot::write_header(header, &mut waiting);
        Ok(Self { file, path: path.to_owned(), waiting })
    }

    pub(super) fn add(&mut self, facts: &ProjectFacts) -> Result<(), FactsError> {
        snapshot::write_project(facts, &mut self.waiting);
        if self.waiting.len() >= PIECE {
            self.write()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), FactsError> {
        self.write()?;
        let Self { file, path, .. } = self;
        file.finish().map_err(|source| FactsError::Record { path, source })
    }

    fn write(&mut self) -> Result<(), FactsError> {
        let written = self.file.write_all(&self.waiting);
        self.waiting.clear();
        written.map_err(|source| FactsError::Record { path: self.path.clone(), source })
    }
}

/// A snapshot that was read whole.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What it says of itself; nothing in the foreign form.
    pub header: Option<Header>,
    /// In the order of names.
    pub facts: Vec<ProjectFacts>,
    /// Lines that could not be used, each with its place.
    pub problems: Vec<RecordProblem>,
}

/// Opens a snapshot to read it one project at a time.
///
/// # Errors
/// When it is not there, cannot be read, or is no snapshot.
pub fn open_snapshot(path: &Path) -> Result<Reader<BufReader<File>>, FactsError> {
    let file =
        File::open(path).map_err(|source| FactsError::Open { path: path.to_owned(), source })?;
    Reader::new(BufReader::with_capacity(BUFFER, file))
        .map_err(|source| FactsError::Snapshot { path: path.to_owned(), source })
}

/// Reads a snapshot whole, with as many threads as there are processors.
///
/// # Errors
/// When it is not there, cannot be read, or is no snapshot.
pub fn replay(path: &Path) -> Result<Replayed, FactsError> {
    let reader = open_snapshot(path)?;
    let header = reader.header().cloned();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let (mut facts, mut problems) = (Vec::new(), Vec::new());
    map_parallel(
        reader,
        threads,
        |line| line,
        |line| match line {
            Ok(project) => facts.push(project),
            Err(problem) => problems.push(problem.in_file(&path.display().to_string())),
        },
    );
    facts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Replayed { header, facts, problems })
}
