//! SQLite and a folder.

use std::sync::Arc;

use async_trait::async_trait;
use countermark_service::log::sqlite::{Options, SqliteLog};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::{DirectoryTiles, TileStore};

use super::contract::Place;

struct Folder(tempfile::TempDir);

impl Folder {
    #[expect(clippy::unused_async, reason = "other places have to wait")]
    async fn new() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }
}

#[async_trait]
impl Place for Folder {
    async fn store(&self) -> Arc<dyn LogStore> {
        let path = self.0.path().join("log.sqlite");
        Arc::new(SqliteLog::open(&path, Options::default()).unwrap())
    }

    async fn tiles(&self) -> Arc<dyn TileStore> {
        Arc::new(DirectoryTiles::open(&self.0.path().join("public")).unwrap())
    }
}

super::contract::on_every_place!(Folder::new());
