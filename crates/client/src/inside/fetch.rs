//! Files of an index, downloaded to be looked into, and kept no longer.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use countermark_audit::fact::{IndexFile, Inside, ProjectFacts};
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::simple;
use countermark_trust::{ArtifactVerifier, Class, Pin, Rejection};
use futures_util::stream::{self, StreamExt as _};
use url::Url;

use super::{InsideError, look_inside};
use crate::http::{Client, DownloadError, HttpError, Piece, Request};

/// Files at once: enough to keep a connection busy, and no burden for the index.
const AT_ONCE: usize = 4;

/// Bytes of one file.
const MAX_FILE: u64 = 4 << 30;

/// Bytes that a file may be longer than the index says before the download is given up.
const SIZE_SLACK: u64 = 1 << 20;

/// A file to look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub url: Url,
    /// Its name on the index.
    pub filename: String,
    /// As the index claims it.
    pub sha256: Option<Sha256>,
    /// In bytes, as the index claims it.
    pub size: Option<u64>,
}

/// A file that was downloaded, or was tried to be.
#[derive(Debug)]
pub struct Inspected {
    /// Its name on the index.
    pub filename: String,
    /// What was found. Of bytes that are not those which the index claims, only their digest: nobody
    /// looks into them.
    pub inside: Option<Inside>,
    /// Why not everything is known.
    pub fault: Option<InspectError>,
}

/// Why a file was not looked into.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The project's page says nothing of where it is.
    #[error("the index names no place of `{filename}`")]
    NoPlace {
        /// The file.
        filename: String,
    },
    /// It could not be downloaded.
    #[error("`{filename}` could not be downloaded: {source}")]
    Http {
        /// The file.
        filename: String,
        /// Why.
        source: HttpError,
    },
    /// The index's bytes are not those that it claims.
    #[error(transparent)]
    Rejected(Rejection),
    /// It does not say what it is.
    #[error(transparent)]
    Inside(InsideError),
}

impl InspectError {
    /// The name of the fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlace { .. } => "inside-no-url",
            Self::Http { source, .. } => source.code(),
            Self::Rejected(rejection) => rejection.code(),
            Self::Inside(error) => error.code(),
        }
    }

    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoPlace { .. } => Class::Unavailable,
            Self::Http { source, .. } => source.class(),
            Self::Rejected(rejection) => rejection.class(),
            Self::Inside(error) => error.class(),
        }
    }
}

/// Downloads files, a few at a time, compares each with the digest that the index claims, and looks
/// into those that agree. The answers are in the order of `files`.
pub async fn inspect(client: &Client, files: &[Wanted]) -> Vec<Inspected> {
    stream::iter(files).map(|wanted| inspect_one(client, wanted)).buffered(AT_ONCE).collect().await
}

/// Looks into files of one project: finds their places on the project's page, which the caller has
/// read, and attaches what was found to the facts.
///
/// The page's own digests are not used. What the facts claim decides, so that an index which changes
/// its mind between two answers is noticed.
pub async fn inspect_project(
    client: &Client,
    page: &simple::ProjectPage,
    facts: &mut ProjectFacts,
    is_wanted: impl Fn(&IndexFile) -> bool,
) -> Vec<Inspected> {
    let files = facts.releases.iter().flat_map(|release| &release.files);
    let mut wanted = Vec::new();
    let mut unlisted = Vec::new();
    let mut places: HashMap<&str, &str> = HashMap::new();
    for listed in &page.files {
        places.entry(&listed.filename).or_insert(&listed.url);
    }
    for file in files.filter(|file| is_wanted(file)) {
        let place = places.get(file.filename.as_str());
        let filename = file.filename.clone();
        match place.and_then(|place| Url::parse(place).ok()) {
            Some(url) => {
                wanted.push(Wanted { url, filename, sha256: file.sha256, size: file.size });
            }
            None => {
                let fault = Some(InspectError::NoPlace { filename: filename.clone() });
                unlisted.push(Inspected { filename, inside: None, fault });
            }
        }
    }
    let mut inspected = inspect(client, &wanted).await;
    inspected.extend(unlisted);
    super::attach_inspected(facts, &inspected);
    inspected
}

async fn inspect_one(client: &Client, wanted: &Wanted) -> Inspected {
    let filename = wanted.filename.clone();
    let (inside, fault) = match download(client, wanted).await {
        Ok(found) => found,
        Err(fault) => (None, Some(fault)),
    };
    Inspected { filename, inside, fault }
}

async fn download(
    client: &Client,
    wanted: &Wanted,
) -> Result<(Option<Inside>, Option<InspectError>), InspectError> {
    let filename = wanted.filename.as_str();
    let unwritten =
        |source| InspectError::Inside(InsideError::Read { filename: filename.to_owned(), source });
    // Without a name in any folder: it is gone when this ends, however it ends.
    let mut file = tempfile::tempfile().map_err(unwritten)?;
    let pin = wanted.sha256.and_then(|sha256| Pin::new([Digest::from(sha256)]).ok());
    let mut verifier = ArtifactVerifier::new(filename, pin.as_ref(), wanted.size);
    let limit = wanted.size.map_or(MAX_FILE, |size| size.saturating_add(SIZE_SLACK)).min(MAX_FILE);
    let request = Request::file(&wanted.url, limit).advertised_size(wanted.size);
    let result = client
        .download(&request, |piece| match piece {
            Piece::Start { .. } => {
                verifier = ArtifactVerifier::new(filename, pin.as_ref(), wanted.size);
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0)).map(drop)
            }
            Piece::Bytes(bytes) => {
                verifier.update(bytes);
                file.write_all(bytes)
            }
        })
        .await;
    match result {
        Ok(_) => {}
        Err(DownloadError::Sink(source)) => return Err(unwritten(source)),
        Err(DownloadError::Http(source)) => {
            return Err(InspectError::Http { filename: filename.to_owned(), source });
        }
    }
    look(&file, filename, verifier, pin.as_ref())
}

/// Bytes that nothing is claimed of are looked into as they are: then there is nothing to compare.
fn look(
    file: &File,
    filename: &str,
    verifier: ArtifactVerifier,
    pin: Option<&Pin>,
) -> Result<(Option<Inside>, Option<InspectError>), InspectError> {
    let sha256 = verifier.sha256();
    if let Some(pin) = pin
        && let Err(rejection) = verifier.finish(pin)
    {
        let only_digest = Inside { sha256: Some(sha256), ..Inside::default() };
        return Ok((Some(only_digest), Some(InspectError::Rejected(rejection))));
    }
    let look = look_inside(file, filename).map_err(InspectError::Inside)?;
    Ok((Some(look.inside), look.fault.map(InspectError::Inside)))
}
