//! Reads all files of a tree, those that changed on all processors.

use std::collections::BTreeMap;
use std::thread;

use sha2::{Digest as _, Sha256};

use super::deliverable::{Deliverable, YamlError, parse};
use super::index::{FORM, decode, encode};
use super::{Documents, File, MAX_FILE, SourceError, problem};
use crate::record::Records;

/// What became of one file.
struct Read {
    digest: [u8; 32],
    parsed: Result<Deliverable, YamlError>,
    is_new: bool,
    /// Why its bytes could not be had.
    fault: Option<SourceError>,
}

/// Every deliverable of the tree. What cannot be read is a problem of `records`.
pub(super) fn read_files(
    documents: &dyn Documents,
    folder: &str,
    records: &mut Records,
) -> Result<Vec<File>, SourceError> {
    let paths = documents.list(folder, ".yaml")?;
    let remembered = documents.remembered(FORM);
    let halves = paths.chunks(paths.len().div_ceil(threads()).max(1));
    let reads: Vec<Read> = thread::scope(|scope| {
        let workers: Vec<_> = halves
            .map(|half| {
                let remembered = &remembered;
                scope.spawn(move || {
                    let read = |path: &String| read_one(documents, path, remembered);
                    half.iter().map(read).collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    // One that leads out of the tree is its own problem; when none can be had, nothing of the tree can.
    let faults = reads.iter().map(|read| read.fault.clone());
    if let Some(faults) = faults.collect::<Option<Vec<_>>>()
        && let Some(first) = faults.into_iter().next()
    {
        return Err(first);
    }
    remember(documents, &reads, &remembered);
    let mut files = Vec::with_capacity(paths.len());
    for (path, read) in paths.into_iter().zip(reads) {
        let deliverable = match read.parsed {
            Ok(deliverable) => deliverable,
            Err(error) => {
                records.problems.push(problem(path, error));
                continue;
            }
        };
        let mut parts = path.rsplit('/');
        let name = parts.next().unwrap_or_default().trim_end_matches(".yaml").into();
        let series = parts.next().unwrap_or_default().into();
        files.push(File { path, series, name, deliverable });
    }
    Ok(files)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8)
}

fn read_one(
    documents: &dyn Documents,
    path: &str,
    remembered: &BTreeMap<[u8; 32], Vec<u8>>,
) -> Read {
    let failed = |message: String, fault| {
        let parsed = Err(YamlError { position: None, message });
        Read { digest: [0; 32], parsed, is_new: true, fault }
    };
    let bytes = match documents.read(path, MAX_FILE) {
        Ok(Some(bytes)) => bytes,
        // It was listed: a link that leads nowhere, or it went meanwhile.
        Ok(None) => return failed("the file is not there".to_owned(), None),
        Err(error) => return failed(error.to_string(), Some(error)),
    };
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    let known = remembered.get(&digest).and_then(|stored| decode(stored));
    let is_new = known.is_none();
    let parsed = known.map_or_else(|| parse(&bytes), Ok);
    Read { digest, parsed, is_new, fault: None }
}

/// Keeps what is new, and forgets what is not there any more.
fn remember(documents: &dyn Documents, reads: &[Read], remembered: &BTreeMap<[u8; 32], Vec<u8>>) {
    let is_same = reads.iter().all(|read| !read.is_new || read.parsed.is_err());
    if is_same && remembered.len() <= reads.len().saturating_mul(2) {
        return;
    }
    let mut derived = BTreeMap::new();
    for read in reads {
        let stored = match (&read.parsed, remembered.get(&read.digest)) {
            (Ok(_), Some(stored)) if !read.is_new => Some(stored.clone()),
            (Ok(deliverable), _) => encode(deliverable),
            (Err(_), _) => None,
        };
        derived.extend(stored.map(|stored| (read.digest, stored)));
    }
    documents.remember(FORM, &derived);
}
