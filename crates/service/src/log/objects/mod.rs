//! The public files of a log in an object store that speaks the protocol of S3.
//!
//! Tiles are written whole and many at once; the store acknowledges an object when it is durable. The
//! checkpoint is replaced on the condition that it still is the one that was looked at (`If-Match` with
//! its entity tag, `If-None-Match: *` for the first), so that of two that publish the higher rank stays,
//! whoever is late and however long it slept.
//!
//! Where a store says that it knows no conditions (501), the checkpoint is looked at, written, and looked
//! at again, and what was overwritten by an older one in between is put back by
//! whoever sees it. For a moment a reader may then see the older one; it is a true checkpoint of the
//! same tree, since nobody signs two roots for one size.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>, "If-Match".

mod connector;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use countermark_client::http::Client;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetResult, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, UpdateVersion,
};

pub use settings::{Keys, ObjectSettings, ObjectSettingsError};

use super::tiles::{
    CHECKPOINT, Cache, Child, MAXIMUM_CHECKPOINT, MAXIMUM_OBJECT, Rank, TileError, TilePath,
    TileStore, rank_of,
};

/// How many requests are on their way at once.
const AT_ONCE: usize = 16;
/// How often the checkpoint is looked at again because somebody else replaced it.
const ATTEMPTS: usize = 20;
/// An object that says whether we may write.
const PROBE: &str = ".probe";

/// The public files of one log in a bucket.
#[derive(Clone, Debug)]
pub struct ObjectTiles {
    store: AmazonS3,
    prefix: String,
    /// Whether the store knows conditions, as far as we know.
    is_conditional: Arc<AtomicBool>,
}

impl ObjectTiles {
    /// The files in this bucket. Nothing is asked yet; see [`TileStore::probe`].
    ///
    /// # Errors
    /// When the settings are none that a client can be made of.
    pub fn open(
        settings: &ObjectSettings,
        keys: &Keys,
        client: &Arc<Client>,
    ) -> Result<Self, ObjectSettingsError> {
        let store = settings.build(keys, client)?;
        let is_conditional = Arc::new(AtomicBool::new(true));
        Ok(Self { store, prefix: settings.prefix.clone(), is_conditional })
    }

    fn place(&self, path: &str) -> Path {
        match self.prefix.as_str() {
            "" => Path::from(path),
            prefix => Path::from(format!("{prefix}/{path}")),
        }
    }

    async fn write(
        &self,
        path: &str,
        bytes: Vec<u8>,
        mode: PutMode,
        cache: Cache,
    ) -> Result<(), Error> {
        let kind = match cache {
            Cache::Immutable => "application/octet-stream",
            Cache::Short => "text/plain; charset=utf-8",
        };
        let attributes = Attributes::from_iter([
            (Attribute::CacheControl, cache.header()),
            (Attribute::ContentType, kind),
        ]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        self.store.put_opts(&self.place(path), PutPayload::from(bytes), options).await?;
        Ok(())
    }

    /// An object with its entity tag.
    async fn fetch(
        &self,
        path: &str,
        limit: usize,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, TileError> {
        let found = match self.store.get(&self.place(path)).await {
            Ok(found) => found,
            Err(error) if is_no_object(&error) => return Ok(None),
            Err(error) => return Err(failed(path, &error)),
        };
        let too_large = || TileError::TooLarge { path: path.to_owned(), limit };
        if found.meta.size > limit as u64 {
            return Err(too_large());
        }
        let tag = found.meta.e_tag.clone();
        let bytes = collect(found, limit).await.map_err(|error| failed(path, &error))?;
        Ok(Some((bytes.ok_or_else(too_large)?, tag)))
    }

    fn is_conditional(&self) -> bool {
        self.is_conditional.load(Ordering::Relaxed)
    }

    /// Replaces the checkpoint that was looked at, or makes it if there was none. `None` when another
    /// one is there now, or a condition is not understood.
    async fn replace(&self, note: &str, tag: Option<String>) -> Result<Option<()>, TileError> {
        let mode = match (self.is_conditional(), tag) {
            (false, _) => PutMode::Overwrite,
            (true, None) => PutMode::Create,
            (true, tag) => PutMode::Update(UpdateVersion { e_tag: tag, version: None }),
        };
        let written = self.write(CHECKPOINT, note.as_bytes().to_vec(), mode, Cache::Short).await;
        match written {
            Ok(()) => Ok(Some(())),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => Ok(None),
            Err(error) if self.is_conditional() && status_of(&error).as_deref() == Some("501") => {
                self.is_conditional.store(false, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(failed(CHECKPOINT, &error)),
        }
    }
}

#[async_trait]
impl TileStore for ObjectTiles {
    async fn put(&self, tiles: Vec<(TilePath, Vec<u8>)>) -> Result<(), TileError> {
        let write = |(path, bytes): (TilePath, Vec<u8>)| async move {
            let path = path.to_string();
            let written = self.write(&path, bytes, PutMode::Overwrite, Cache::Immutable).await;
            written.map_err(|error| failed(&path, &error))
        };
        let writes = futures_util::stream::iter(tiles).map(write).buffer_unordered(AT_ONCE);
        writes.try_collect().await
    }

    async fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, TileError> {
        let found = self.fetch(&path.to_string(), MAXIMUM_OBJECT).await?;
        Ok(found.map(|(bytes, _)| bytes))
    }

    async fn put_checkpoint(&self, rank: Rank, note: &str) -> Result<bool, TileError> {
        let mut has_written = false;
        for _ in 0..ATTEMPTS {
            let present = self.fetch(CHECKPOINT, MAXIMUM_CHECKPOINT).await?;
            // It is there, by us before an answer that was lost, or by somebody else.
            if present.as_ref().is_some_and(|(bytes, _)| bytes == note.as_bytes()) {
                return Ok(true);
            }
            let text = present.as_ref().and_then(|(bytes, _)| std::str::from_utf8(bytes).ok());
            let is_higher = text.and_then(rank_of).is_some_and(|present| present > rank);
            if is_higher {
                return Ok(has_written);
            }
            let tag = match present {
                None => None,
                Some((_, Some(tag))) => Some(tag),
                Some((_, None)) if !self.is_conditional() => None,
                Some((_, None)) => {
                    let reason = "the object store gives no entity tag".to_owned();
                    return Err(TileError::Refused { path: CHECKPOINT.to_owned(), reason });
                }
            };
            if self.replace(note, tag).await?.is_some() {
                has_written = true;
                if self.is_conditional() {
                    return Ok(true);
                }
            }
        }
        let reason = "others keep replacing it".to_owned();
        Err(TileError::Refused { path: CHECKPOINT.to_owned(), reason })
    }

    async fn read_checkpoint(&self) -> Result<Option<String>, TileError> {
        let Some((bytes, _)) = self.fetch(CHECKPOINT, MAXIMUM_CHECKPOINT).await? else {
            return Ok(None);
        };
        let reason = "it is not text".to_owned();
        let refused = |_| TileError::Refused { path: CHECKPOINT.to_owned(), reason };
        String::from_utf8(bytes).map(Some).map_err(refused)
    }

    async fn remove(&self, paths: &[TilePath]) -> Result<(), TileError> {
        let remove = |path: TilePath| async move {
            let path = path.to_string();
            match self.store.delete(&self.place(&path)).await {
                Err(error) if !is_no_object(&error) => Err(failed(&path, &error)),
                _ => Ok(()),
            }
        };
        let paths = paths.to_vec();
        let removals = futures_util::stream::iter(paths).map(remove).buffer_unordered(AT_ONCE);
        removals.try_collect().await
    }

    async fn list(&self, folder: &str) -> Result<Vec<Child>, TileError> {
        let place = self.place(folder);
        let listed = self.store.list_with_delimiter(Some(&place)).await;
        let listed = listed.map_err(|error| failed(folder, &error))?;
        let last = |path: &Path| path.filename().map(str::to_owned);
        let folders = listed.common_prefixes.iter().filter_map(last).map(Child::Folder);
        let objects = listed.objects.iter().filter_map(|it| last(&it.location)).map(Child::Object);
        let mut children: Vec<Child> = folders.chain(objects).collect();
        children.sort();
        Ok(children)
    }

    async fn probe(&self) -> Result<(), TileError> {
        let written = self.write(PROBE, Vec::new(), PutMode::Overwrite, Cache::Short).await;
        written.map_err(|error| failed(PROBE, &error))
    }
}

/// The bytes, `None` if there are more than the head of the answer said and than `limit`.
async fn collect(found: GetResult, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    let mut stream = found.into_stream();
    while let Some(chunk) = stream.try_next().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// Whether it is the object that is missing; a bucket that is missing is another matter.
fn is_no_object(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && !error.to_string().contains("NoSuchBucket")
}

/// In our own words: what the library says quotes the whole answer, and with it requests and keys' ids.
fn failed(path: &str, error: &Error) -> TileError {
    let refused =
        |reason: &str| TileError::Refused { path: path.to_owned(), reason: reason.into() };
    match error {
        Error::NotFound { .. } => refused("there is no such bucket"),
        Error::PermissionDenied { .. } => refused("the object store does not permit it"),
        Error::Unauthenticated { .. } => refused("the object store does not know our keys"),
        Error::Precondition { .. } | Error::AlreadyExists { .. } => refused("another one is there"),
        Error::NotImplemented { .. } | Error::NotSupported { .. } => {
            refused("the object store cannot do this")
        }
        error => classified(path, error),
    }
}

/// By the innermost reason that is ours, or the status that the library names.
fn classified(path: &str, error: &Error) -> TileError {
    use countermark_client::http::HttpError;
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = source {
        if let Some(http) = current.downcast_ref::<HttpError>() {
            return TileError::Unreachable { reason: http.to_string() };
        }
        source = current.source();
    }
    match status_of(error).as_deref() {
        Some("507") => TileError::Full { path: path.to_owned() },
        Some(status) => {
            TileError::Unreachable { reason: format!("it answered with status {status}") }
        }
        None => TileError::Unreachable { reason: "it answered with something else".to_owned() },
    }
}

/// The library gives the status of an answer in its message only.
fn status_of(error: &Error) -> Option<String> {
    let text = error.to_string();
    text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)).map(str::to_owned)
}
