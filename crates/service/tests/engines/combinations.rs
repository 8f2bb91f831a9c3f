//! What every engine promises (`tests/contract`), on the three combinations with a server in them; the
//! embedded one is `tests/embedded`.

use std::sync::Arc;

use async_trait::async_trait;
use countermark_service::log::sqlite::{Options, SqliteLog};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::{DirectoryTiles, TileStore};
use tempfile::TempDir;

use super::contract::Place;
use super::material::{cluster, open};
use super::s3::S3;

enum Records {
    Embedded,
    Server(String),
}

enum Files {
    Folder,
    Bucket(S3),
}

struct Combination {
    folder: TempDir,
    records: Records,
    files: Files,
}

#[async_trait]
impl Place for Combination {
    async fn store(&self) -> Arc<dyn LogStore> {
        match &self.records {
            Records::Embedded => {
                let path = self.folder.path().join("log.sqlite");
                Arc::new(SqliteLog::open(&path, Options::default()).unwrap())
            }
            Records::Server(address) => Arc::new(open(address).await),
        }
    }

    async fn tiles(&self) -> Arc<dyn TileStore> {
        match &self.files {
            Files::Folder => {
                Arc::new(DirectoryTiles::open(&self.folder.path().join("public")).unwrap())
            }
            Files::Bucket(s3) => Arc::new(s3.tiles("public")),
        }
    }
}

fn place(records: Records, files: Files) -> Combination {
    Combination { folder: tempfile::tempdir().unwrap(), records, files }
}

/// `None` where there is no PostgreSQL, which the fixture says.
fn server() -> Option<Records> {
    cluster().map(|cluster| Records::Server(cluster.database()))
}

mod postgres_and_folder {
    use super::{Files, place, server};

    crate::contract::on_every_place!(std::future::ready(
        server().map(|records| place(records, Files::Folder))
    ));
}

mod postgres_and_bucket {
    use super::{Files, S3, place, server};

    crate::contract::on_every_place!(std::future::ready(
        server().map(|records| place(records, Files::Bucket(S3::start())))
    ));
}

mod embedded_and_bucket {
    use super::{Files, Records, S3, place};

    crate::contract::on_every_place!(std::future::ready(Some(place(
        Records::Embedded,
        Files::Bucket(S3::start())
    ))));
}
