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
    let results: Vec<Result<Vec<Read>, SourceError>> = thread::scope(|scope| {
        let workers: Vec<_> = halves
            .map(|half| {
                let remembered = &remembered;
                scope.spawn(move || {
                    half.iter().map(|path| read_one(documents, path, remembered)).collect()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut reads = Vec::with_capacity(paths.len());
    for result in results {
        reads.extend(result?);
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
) -> Result<Read, SourceError> {
    let bytes = documents.read(path, MAX_FILE)?.unwrap_or_default();
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    if let Some(deliverable) = remembered.get(&digest).and_then(|stored| decode(stored)) {
        return Ok(Read { digest, parsed: Ok(deliverable), is_new: false });
    }
    Ok(Read { digest, parsed: parse(&bytes), is_new: true })
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
