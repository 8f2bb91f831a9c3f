//! One file: from the store, or downloaded and held against what the index claims of it.

use std::sync::Arc;

use countermark_lock::catalogue::ReleaseFile;
use countermark_lock::pins::PinnedFile;
use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::filename::{DistributionFilename, WheelFilename};
use countermark_trust::tree::TreeDigest;
use countermark_trust::{Artifact, Class, Pin};
use sha2::Digest as _;
use tokio::sync::Semaphore;
use url::Url;

use super::memory::Remembered;
use super::{Context, Depth, How, Seen, Sought};
use crate::catalogue::KeptFile;
use crate::gather::stored;
use crate::inside::read_listed_metadata;
use crate::receive::{DeclaredSize, Location, Receiver};
use crate::report::Problem;
use crate::store::{Download, Entry, Store, StoreError};

type Found<T> = Result<T, Box<Problem>>;

/// How much is done at once: downloads go on while others are looked into, and only as many as there
/// are processors are, since each needs memory.
pub(crate) struct Gates {
    network: Semaphore,
    processors: Semaphore,
}

impl Gates {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            network: Semaphore::new(super::AT_ONCE),
            processors: Semaphore::new(processors.clamp(1, MAX_PROCESSORS)),
        }
    }
}

/// Wheels that are looked into at once.
const MAX_PROCESSORS: usize = 4;

/// Will this file have a digest of its tree?
pub(super) fn has_tree(sought: &Sought<'_>) -> bool {
    matches!(sought.file.filename, DistributionFilename::Wheel(_)) && sought.depth > Depth::Bytes
}

/// What a lock may say.
pub(super) fn seen(sought: &Sought<'_>, known: Remembered, how: How) -> Seen {
    let file = PinnedFile {
        filename: sought.file.filename.as_str().to_owned(),
        url: Some(without_secrets(&sought.file.url)),
        size: known.size,
        uploaded: sought.file.uploaded,
        sha256: known.sha256,
        tree: known.tree,
    };
    Seen { project: sought.project.clone(), file, how }
}

/// The address as a lock may have it: without userinfo and fragment, and without a query that is a
/// right to read rather than a part of the name.
pub(super) fn without_secrets(text: &str) -> String {
    const RIGHTS: [&str; 10] =
        ["sig", "token", "key", "secret", "pass", "credential", "expires", "auth", "policy", "jwt"];
    let Ok(mut url) = Url::parse(text) else { return String::new() };
    // Both fail only for addresses that cannot have userinfo.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let is_right = |name: &str| {
        let name = name.to_ascii_lowercase();
        RIGHTS.iter().any(|right| name.contains(right))
    };
    if url.query_pairs().any(|(name, _)| is_right(&name)) {
        url.set_query(None);
    }
    url.into()
}

/// A wheel of the same name that the store has under the digest that the index claims. Anything
/// that is not as it should be is left to the download.
pub(super) fn from_store(context: Context<'_>, sought: &Sought<'_>) -> Option<Remembered> {
    let DistributionFilename::Wheel(filename) = &sought.file.filename else { return None };
    let sha256 = claimed_sha256(sought.file)?;
    if !context.store.folder(sha256).exists() {
        return None;
    }
    let pin = Pin::new(sought.file.digests.iter().cloned()).ok()?;
    let entry = stored::take(context.store, context.reporter, &pin, sha256).ok()??;
    let artifact = entry.tree.artifact();
    let is_same = artifact.filename() == filename.as_str()
        && sought.file.size.is_none_or(|size| size == artifact.size());
    is_same.then(|| Remembered { sha256, size: artifact.size(), tree: Some(entry.tree.digest()) })
}

/// The SHA-256 that the index claims, if it claims one and no other.
pub(super) fn claimed_sha256(file: &ReleaseFile) -> Option<Sha256> {
    let mut claims = file.digests.iter().filter_map(Digest::as_sha256);
    let first = claims.next()?;
    claims.all(|other| other == first).then_some(first)
}

/// The entry of a wheel whose bytes were seen: the store's, or one that is downloaded now.
pub(crate) async fn entry(context: Context<'_>, sought: &Sought<'_>) -> Found<Entry> {
    let known = match from_store(context, sought) {
        Some(known) => known,
        None => {
            download(context, &Sought { depth: Depth::Keep, ..*sought }, None, &Gates::new())
                .await?
        }
    };
    let missing = || {
        let message = format!("`{}` is not in the store", sought.file.filename.as_str());
        Box::new(Problem::new("store-no-archive", Class::Unavailable, message))
    };
    let pin = Pin::new([Digest::from(known.sha256)]).map_err(|_| missing())?;
    let taken = stored::take(context.store, context.reporter, &pin, known.sha256);
    taken.map_err(|error| problem_of(&error))?.ok_or_else(missing)
}

fn problem_of(error: &StoreError) -> Box<Problem> {
    let mut problem = Problem::of(error.code(), error.class(), error);
    problem.hint = error.hint().map(str::to_owned);
    Box::new(problem)
}

/// Downloads, hashes, compares, and looks into it as far as is wanted.
pub(crate) async fn download(
    context: Context<'_>,
    sought: &Sought<'_>,
    kept: Option<Arc<KeptFile>>,
    gates: &Gates,
) -> Found<Remembered> {
    let file = sought.file;
    let filename = file.filename.as_str();
    let receiver = Receiver {
        store: context.store,
        http: context.http,
        reporter: context.reporter,
        interrupted: context.interrupted,
    };
    let computed = algorithms(file);
    let declared = DeclaredSize::claimed(file.size);
    let (download, source) = match kept {
        Some(kept) => {
            let download =
                receiver.receive_again(&kept.file, filename, computed.as_ref(), declared)?;
            (download, without_secrets(&file.url))
        }
        None => {
            let location = location(file)?;
            // Nobody closes a gate; a closed one would let everybody through.
            let _turn = gates.network.acquire().await;
            receiver.receive(&location, filename, computed.as_ref(), declared).await?
        }
    };
    let artifact = download.first_sight();
    compare(file, &artifact, &source)?;
    let tree = match &file.filename {
        DistributionFilename::Wheel(wheel) => {
            let wheel = wheel.clone();
            let _turn = gates.processors.acquire().await;
            compare_metadata(file, &download, &source)?;
            look_into(context.store, download, wheel, sought.depth, source).await?
        }
        DistributionFilename::Sdist(_) => None,
    };
    Ok(Remembered { sha256: artifact.sha256(), size: artifact.size(), tree })
}

fn location(file: &ReleaseFile) -> Found<Location> {
    let unusable = || {
        let message =
            format!("the index gives an unusable address of `{}`", file.filename.as_str());
        Box::new(Problem::new("bad-url", Class::Unavailable, message))
    };
    let url = Url::parse(&file.url).map_err(|_| unusable())?;
    match url.scheme() {
        "file" => url.to_file_path().map(Location::Path).map_err(|()| unusable()),
        _ => Ok(Location::Url(url)),
    }
}

/// Makes the verifier compute every algorithm that the index uses, also weak ones. What is accepted
/// is decided by [`compare`].
fn algorithms(file: &ReleaseFile) -> Option<Pin> {
    let any = Digest::new(Algorithm::Sha256, &[0; 32]).ok()?;
    Pin::new(file.digests.iter().cloned().chain([any])).ok()
}

/// Holds every claim against the bytes. Two different claims of one algorithm cannot both be true.
fn compare(file: &ReleaseFile, artifact: &Artifact, source: &str) -> Found<()> {
    let filename = file.filename.as_str();
    let mut details = Vec::new();
    if let Some(size) = file.size.filter(|size| *size != artifact.size()) {
        details.push(format!("claimed {size} bytes"));
        details.push(format!("found   {} bytes ({source})", artifact.size()));
    }
    for claim in &file.digests {
        let found = artifact.digests().find(|digest| digest.algorithm() == claim.algorithm());
        if let Some(found) = found.filter(|found| *found != claim) {
            details.push(format!("claimed {claim}"));
            details.push(format!("found   {found} ({source})"));
        }
    }
    if details.is_empty() {
        return Ok(());
    }
    let message = format!("`{filename}` is not what the index claims");
    let mut problem = Problem::new("false-claim", Class::Rejected, message).with_hint(
        "the index is wrong, or the file was replaced on the index or on its way; no digest of it \
         is written until both agree",
    );
    problem.details = details;
    Err(Box::new(problem))
}

/// Holds the metadata that the index gives beside a wheel (PEP 658) against the wheel's own: releases
/// were chosen by the former, and are installed by the latter. A wheel whose metadata cannot be read
/// is told by whoever judges its structure.
fn compare_metadata(file: &ReleaseFile, download: &Download, source: &str) -> Found<()> {
    let claims = file.metadata.iter().flatten();
    let Some(claimed) = claims.filter_map(Digest::as_sha256).next() else { return Ok(()) };
    let filename = file.filename.as_str();
    let Ok(bytes) = read_listed_metadata(download.received(), filename) else { return Ok(()) };
    let found = Sha256(sha2::Sha256::digest(&bytes).into());
    if found == claimed {
        return Ok(());
    }
    let message = format!("`{filename}` has other metadata than the index gives beside it");
    let mut problem = Problem::new("false-claim", Class::Rejected, message).with_hint(
        "what it requires is not what was resolved; tell who runs the index, and take another one",
    );
    problem.details = vec![
        format!("claimed sha256:{}", claimed.hex()),
        format!("found   sha256:{} in the wheel ({source})", found.hex()),
    ];
    Err(Box::new(problem))
}

/// Off the thread that talks, since it takes long. What is unpacked was compared before.
async fn look_into(
    store: &Arc<Store>,
    download: Download,
    filename: WheelFilename,
    depth: Depth,
    source: String,
) -> Found<Option<TreeDigest>> {
    let name = filename.as_str().to_owned();
    let found_at = source.clone();
    let store = Arc::clone(store);
    let work = move || -> Result<Option<TreeDigest>, StoreError> {
        let artifact = download.first_sight();
        // SHA-256 is always among them, so there is a pin.
        let pin = Pin::new(artifact.digests().cloned())
            .map_err(|_| StoreError::NoArchive { path: filename.as_str().into() })?;
        match depth {
            Depth::Bytes => download.check_structure(&pin, filename).map(|()| None),
            Depth::Tree => download.tree_digest(&pin, filename).map(Some),
            Depth::Keep => {
                let entry = store.admit(download, &pin, filename, source)?;
                Ok(Some(entry.tree.digest()))
            }
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(tree)) => Ok(tree),
        Ok(Err(error)) => {
            Err(Box::new(problem_of(&error).with_detail(format!("in `{name}` from {found_at}"))))
        }
        Err(_) => {
            Err(Box::new(Problem::new("unpacker-died", Class::Unavailable, "a thread stopped")))
        }
    }
}
