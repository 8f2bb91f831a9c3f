//! Bytecode: makes `.pyc` files without importing anything, and tells whether one that lies in an
//! environment is what its source compiles to.
//!
//! Compiling is done by the interpreter itself, in worker processes that are isolated from every
//! environment and only ever call `compile()`. A file says when its source was modified and how
//! long it is (PEP 552), so it is valid wherever the source keeps both: in the store and in every
//! environment that is linked to it. The path inside is the caller's choice; the import system
//! replaces it by the real one when it loads the file.
//!
//! Trusted: the interpreter. Not trusted: sources and the bytecode that is looked at; the latter is
//! read by a parser of ours and never loaded.
//!
//! What cannot be told: bytecode that was written under `-X no_debug_ranges` or by an import hook
//! with ideas of its own differs from what its source compiles to, and is reported.

mod header;
mod marshal;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use countermark_packaging::digest::Sha256;
use countermark_trust::Class;

use crate::interpreter::Interpreter;

pub use header::PycName;

use header::{HEADER, Tie, parse_header};
use worker::{Answer, Job, Source, Worker, WorkerError};

/// What the compiler leaves out (`-O`, `-OO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Optimization {
    /// Nothing.
    None,
    /// `assert` statements.
    Asserts,
    /// Documentation strings as well.
    Docstrings,
}

impl Optimization {
    /// 0, 1 or 2.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Asserts => 1,
            Self::Docstrings => 2,
        }
    }
}

/// A source file and where its bytecode goes.
#[derive(Clone, Debug)]
pub struct CompileJob {
    /// Read without following a link. Its modification time and size go into the result.
    pub source: PathBuf,
    /// What its bytes have to be, where that is known: nothing else is compiled.
    pub sha256: Option<Sha256>,
    /// The path inside the bytecode (`co_filename`), such as `package/module.py`. The import system
    /// replaces it, so it should not depend on where the file will lie.
    pub name: String,
    /// Made anew with the mode of the source; the folder has to be there, and no file.
    pub output: PathBuf,
    /// Usually [`Optimization::None`].
    pub optimization: Optimization,
}

/// What became of one file. None of the failures stops an installation: without bytecode Python
/// compiles when it imports, as after pip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiled {
    /// Written.
    Written {
        /// Of the `.pyc` file.
        sha256: Sha256,
        /// Of the `.pyc` file, in bytes.
        size: u64,
    },
    /// The source is not valid for this version of Python; wheels have such files on purpose.
    Invalid(String),
    /// The source is not what it has to be. This one is worth a rejection.
    SourceChanged,
    /// A file could not be read or written, or the compiler crashed or took too long.
    Failed(String),
}

/// Why nothing could be compiled.
#[derive(Debug, thiserror::Error)]
pub enum BytecodeError {
    /// The interpreter does not start, or is none that compiles.
    #[error("`{}` cannot compile: {message}", path.display())]
    Interpreter {
        /// The executable.
        path: PathBuf,
        /// What happened.
        message: String,
    },
}

impl BytecodeError {
    /// The table of exit codes.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Interpreter { .. } => Class::Unavailable,
        }
    }
}

/// Compiles files, `workers` at a time; the largest should come first. The answers are in the order
/// of the jobs.
///
/// # Errors
/// [`BytecodeError`] when no worker starts. Everything else is an answer about one file.
pub fn compile_files(
    interpreter: &Interpreter,
    jobs: &[CompileJob],
    workers: usize,
) -> Result<Vec<Compiled>, BytecodeError> {
    run(interpreter, jobs, workers, |compiler, job| {
        let answer = compiler.compile(&Job {
            source: Source::File(&job.source),
            sha256: job.sha256,
            name: &job.name,
            optimization: job.optimization,
            output: Some(&job.output),
        });
        match answer {
            Ok(Answer::Compiled { sha256, size, .. }) => Compiled::Written { sha256, size },
            Ok(Answer::Invalid(message)) => Compiled::Invalid(message),
            Ok(Answer::Changed) => Compiled::SourceChanged,
            Ok(Answer::Unreadable(message) | Answer::Unwritable(message)) => {
                Compiled::Failed(message)
            }
            Err(error) => Compiled::Failed(error.to_string()),
        }
    })
}

/// Bytecode that lies in an environment, with the source it should come from.
#[derive(Clone, Debug)]
pub struct CheckJob {
    /// The `.pyc` file.
    pub bytecode: Vec<u8>,
    /// The source, already compared with what was installed.
    pub source: Vec<u8>,
    /// When the source was modified, in seconds.
    pub modified: i64,
    /// From the name of the `.pyc` file ([`PycName`]).
    pub optimization: Optimization,
    /// The path of the source.
    pub name: String,
}

/// What bytecode is, compared with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// What the source compiles to.
    Same {
        /// Tied to another state of the source, so that it is compiled anew at the next import.
        is_stale: bool,
    },
    /// Something else.
    Differs {
        /// How that shows.
        reason: String,
        /// Tied to another state of the source: the interpreter would not load it as things stand,
        /// unless somebody turns the source's clock back.
        is_stale: bool,
    },
    /// Not of this interpreter, which would not load it.
    OtherInterpreter,
    /// The compiler gave no answer, or is one whose bytecode we cannot read.
    Unchecked(String),
}

/// Compiles sources again and compares. `load` is called once for each of `count` files, from any
/// thread, so that not all of them are in memory at a time; `None` leaves the file out.
///
/// # Errors
/// [`BytecodeError`] when no worker starts.
pub fn check_files(
    interpreter: &Interpreter,
    count: usize,
    workers: usize,
    load: impl Fn(usize) -> Option<CheckJob> + Sync,
) -> Result<Vec<Option<Checked>>, BytecodeError> {
    let places: Vec<usize> = (0..count).collect();
    run(interpreter, &places, workers, |compiler, place| {
        load(*place).map(|job| check(interpreter, compiler, &job))
    })
}

fn check(interpreter: &Interpreter, compiler: &mut Compiler<'_>, job: &CheckJob) -> Checked {
    let Some((magic, tie)) = parse_header(&job.bytecode) else {
        return Checked::Differs { reason: "its header is not one".to_owned(), is_stale: true };
    };
    if magic != interpreter.magic() {
        return Checked::OtherInterpreter;
    }
    let answer = compiler.compile(&Job {
        source: Source::Bytes { bytes: &job.source, modified: job.modified },
        sha256: None,
        name: &job.name,
        optimization: job.optimization,
        output: None,
    });
    let (expected, source_hash) = match answer {
        Ok(Answer::Compiled { bytes, source_hash, .. }) => (bytes, source_hash),
        Ok(Answer::Invalid(message)) => {
            let reason = format!("its source cannot be compiled: {message}");
            return Checked::Differs { reason, is_stale: is_stale(tie, job, None) };
        }
        Ok(Answer::Changed | Answer::Unreadable(_) | Answer::Unwritable(_)) => {
            return Checked::Unchecked("the interpreter answered something else".to_owned());
        }
        Err(error) => return Checked::Unchecked(error.to_string()),
    };
    let is_stale = is_stale(tie, job, Some(source_hash));
    // The header was read, so it is there; and ours has one.
    let (found, expected) = (&job.bytecode[HEADER..], expected.get(HEADER..).unwrap_or_default());
    if found == expected {
        return Checked::Same { is_stale };
    }
    let version = interpreter.release();
    let expected = match marshal::digest_code(expected, version) {
        Ok(digest) => digest,
        Err(error) => {
            return Checked::Unchecked(format!(
                "the interpreter's bytecode is not understood: {error}"
            ));
        }
    };
    match marshal::digest_code(found, version) {
        Ok(digest) if digest == expected => Checked::Same { is_stale },
        Ok(_) => {
            let reason = "it is not what its source compiles to".to_owned();
            Checked::Differs { reason, is_stale }
        }
        Err(error) => Checked::Differs { reason: error.to_string(), is_stale },
    }
}

/// Would the interpreter compile the source again instead of loading the file?
fn is_stale(tie: Tie, job: &CheckJob, source_hash: Option<[u8; 8]>) -> bool {
    // Modulo 2³², as the format has it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "modulo 2^32")]
    let now = (job.modified as u32, job.source.len() as u32);
    match tie {
        Tie::Timestamp { modified, size } => (modified, size) != now,
        Tie::Hash { is_checked, hash } => {
            is_checked && source_hash.is_some_and(|source_hash| source_hash != hash)
        }
    }
}

/// One worker, replaced when it fails.
struct Compiler<'a> {
    interpreter: &'a Interpreter,
    worker: Option<Worker>,
}

impl Compiler<'_> {
    fn compile(&mut self, job: &Job<'_>) -> Result<Answer, WorkerError> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(self.interpreter)?,
        };
        let answer = worker.compile(job)?;
        self.worker = Some(worker);
        Ok(answer)
    }
}

fn run<T: Sync, R: Send>(
    interpreter: &Interpreter,
    items: &[T],
    workers: usize,
    work: impl Fn(&mut Compiler<'_>, &T) -> R + Sync,
) -> Result<Vec<R>, BytecodeError> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let workers = workers.clamp(1, items.len().max(1));
    let mut started = Vec::new();
    if !items.is_empty() {
        for _ in 0..workers {
            let worker =
                Worker::start(interpreter).map_err(|error| BytecodeError::Interpreter {
                    path: interpreter.base_executable().to_owned(),
                    message: error.to_string(),
                })?;
            started.push(Compiler { interpreter, worker: Some(worker) });
        }
    }
    let (next_place, answers, work) = (&next, &results, &work);
    thread::scope(|scope| {
        for mut compiler in started {
            scope.spawn(move || {
                loop {
                    let place = next_place.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(place) else { break };
                    let answer = work(&mut compiler, item);
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push((place, answer));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests;
