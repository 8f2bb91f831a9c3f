//! The bytes of files that are to be looked into: of the store where it has them, else downloaded.
//!
//! What is given was hashed and is what the pin says; nothing of it is kept.

use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_trust::{Class, Pin};
use futures_util::stream::{self, StreamExt as _};
use url::Url;

use super::Distribution;
use crate::receive::{DeclaredSize, Location, Receiver, interrupted, until_interrupted};
use crate::report::Problem;
use crate::sight::Context;
use crate::store::VerifiedBytes;

/// Files downloaded at once.
const AT_ONCE: usize = 8;

/// A file whose bytes are what the pin says.
#[derive(Debug)]
pub struct Fetched {
    filename: String,
    bytes: VerifiedBytes,
}

impl Fetched {
    /// The distribution, to be read.
    #[must_use]
    pub fn distribution(&self) -> Distribution<'_> {
        Distribution { archive: self.bytes.file(), filename: &self.filename }
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.bytes.artifact().sha256()
    }

    /// Number of bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.artifact().size()
    }
}

/// The bytes of each file, in their order; from a thread that runs nothing asynchronous.
#[must_use]
pub fn fetch(
    context: Context<'_>,
    files: &[(&ReleaseFile, Pin)],
) -> Vec<Result<Fetched, Box<Problem>>> {
    let mut found: Vec<Option<Result<Fetched, Box<Problem>>>> =
        files.iter().map(|(file, pin)| stored(context, file, pin).map(Ok)).collect();
    let missing: Vec<usize> =
        (0..files.len()).filter(|&position| found[position].is_none()).collect();
    if !missing.is_empty() {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let all = stream::iter(missing.iter().map(|&position| async move {
                    let (file, pin) = &files[position];
                    (position, download(context, file, pin).await)
                }));
                let all = all.buffer_unordered(AT_ONCE).collect::<Vec<_>>();
                let all = runtime.block_on(async {
                    tokio::select! {
                        all = all => all,
                        () = until_interrupted(context.interrupted) => Vec::new(),
                    }
                });
                for (position, result) in all {
                    found[position] = Some(result);
                }
            }
            Err(error) => {
                let message = "the network cannot be set up";
                let problem = Problem::new("runtime", Class::Unavailable, message);
                let problem = problem.with_detail(error.to_string());
                for position in missing {
                    found[position] = Some(Err(Box::new(problem.clone())));
                }
            }
        }
    }
    found.into_iter().map(|one| one.unwrap_or_else(|| Err(Box::new(interrupted())))).collect()
}

fn stored(context: Context<'_>, file: &ReleaseFile, pin: &Pin) -> Option<Fetched> {
    let sha256 = pin.digests().find_map(Digest::as_sha256)?;
    if !context.store.folder(sha256).exists() {
        return None;
    }
    let bytes = context.store.verified(pin, sha256).ok()?;
    Some(Fetched { filename: file.filename.as_str().to_owned(), bytes })
}

async fn download(
    context: Context<'_>,
    file: &ReleaseFile,
    pin: &Pin,
) -> Result<Fetched, Box<Problem>> {
    let filename = file.filename.as_str();
    let url = Url::parse(&file.url).map_err(|_| {
        let message = format!("the index gives an unusable URL for `{filename}`");
        Box::new(Problem::new("bad-url", Class::Unavailable, message))
    })?;
    let location = match url.scheme() {
        "file" => Location::Path(url.to_file_path().unwrap_or_default()),
        _ => Location::Url(url),
    };
    let receiver = Receiver {
        store: context.store,
        http: context.http,
        reporter: context.reporter,
        interrupted: context.interrupted,
    };
    let declared = DeclaredSize::claimed(file.size);
    let (download, source) = receiver.receive(&location, filename, Some(pin), declared).await?;
    let bytes = download
        .verified(pin)
        .map_err(|rejection| Box::new(Problem::of_rejection(&rejection, &source)))?;
    Ok(Fetched { filename: filename.to_owned(), bytes })
}
