//! The object store, and what happens when it fails in the middle.

use std::sync::Arc;

use countermark_client::credentials::Secret;
use countermark_service::log::objects::{Keys, ObjectTiles};
use countermark_service::log::sequencer::Turn;
use countermark_service::log::sqlite::{Options, SqliteLog};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::{
    Child, FULL, Kind, MAXIMUM_OBJECT, Rank, TileError, TilePath, TileStore,
};

use super::material::{Hands, at, record, runtime, sequencer, settle, verify};
use super::s3::{Fault, S3, client};

fn tile(index: u64, width: u16) -> TilePath {
    TilePath { kind: Kind::Hashes(0), index, width }
}

fn note(size: u64, time: i64) -> (Rank, String) {
    let text = format!("log.example.org\n{size}\nAAAA\ntime {time}\n\n— log.example.org sig\n");
    (Rank { size, time }, text)
}

#[test]
fn tiles_come_back_with_the_headers_of_immutable_files() {
    let s3 = S3::start();
    runtime().block_on(async {
        let tiles = s3.tiles("a/b");
        tiles.probe().await.unwrap();
        assert_eq!(tiles.read(tile(0, FULL)).await.unwrap(), None);
        assert_eq!(tiles.list("tile/0").await.unwrap(), []);
        let written: Vec<_> = (0..40).map(|n| (tile(n, FULL), vec![n as u8; 8192])).collect();
        tiles.put(written.clone()).await.unwrap();
        tiles.put(vec![(tile(40, 3), vec![1; 96]), (tile(1234, 1), vec![2; 32])]).await.unwrap();
        for (path, bytes) in written {
            assert_eq!(tiles.read(path).await.unwrap(), Some(bytes));
        }
        let children = tiles.list("tile/0").await.unwrap();
        assert_eq!(children.len(), 42, "{children:?}");
        assert_eq!(children[0], Child::Folder("040.p".to_owned()));
        assert_eq!(children[1], Child::Folder("x001".to_owned()));
        assert_eq!(children[2], Child::Object("000".to_owned()));
        assert_eq!(tiles.list("tile/0/040.p").await.unwrap(), [Child::Object("3".to_owned())]);
        tiles.remove(&[tile(40, 3), tile(41, 3)]).await.unwrap();
        assert_eq!(tiles.read(tile(40, 3)).await.unwrap(), None);
        let (rank, text) = note(1, 1);
        assert!(tiles.put_checkpoint(rank, &text).await.unwrap());
        // As a server or CDN in front of the bucket gives them.
        let kept = |path: &str| s3.cache_control(&format!("/log/a/b/{path}"));
        assert_eq!(kept("tile/0/000").unwrap(), "public, max-age=31536000, immutable");
        assert_eq!(kept("checkpoint").unwrap(), "public, max-age=2, must-revalidate");
    });
}

#[test]
fn the_higher_checkpoint_stays_whoever_is_late() {
    let s3 = S3::start();
    runtime().block_on(async {
        let (a, b) = (s3.tiles("public"), s3.tiles("public"));
        let put = async |tiles: &ObjectTiles, size, time| {
            let (rank, text) = note(size, time);
            tiles.put_checkpoint(rank, &text).await.unwrap()
        };
        assert_eq!(a.read_checkpoint().await.unwrap(), None);
        assert!(put(&a, 5, 5).await);
        assert!(put(&b, 6, 1).await);
        assert!(!put(&a, 5, 9).await, "smaller");
        assert!(put(&a, 6, 1).await, "the same once more");
        assert!(put(&a, 6, 2).await);
        assert!(!put(&b, 6, 1).await, "older");
        assert_eq!(a.read_checkpoint().await.unwrap(), Some(note(6, 2).1));
        // Many at once, in any order.
        let mut tasks = Vec::new();
        for size in (10..26).rev() {
            let tiles = s3.tiles("public");
            tasks.push(tokio::spawn(async move {
                let (rank, text) = note(size, 0);
                tiles.put_checkpoint(rank, &text).await.unwrap()
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(a.read_checkpoint().await.unwrap(), Some(note(25, 0).1));
        // One that is torn is replaced.
        std::fs::write(s3.folder().join("public/checkpoint"), "log.exa").unwrap();
        assert!(put(&s3.tiles("public"), 1, 1).await);
    });
}

#[test]
fn a_store_without_conditions_is_looked_at_twice() {
    let s3 = S3::start();
    s3.fail_always(Some(Fault::NoConditions));
    runtime().block_on(async {
        let (tiles, other) = (s3.tiles("public"), s3.tiles("public"));
        let (rank, text) = note(5, 5);
        assert!(tiles.put_checkpoint(rank, &text).await.unwrap());
        let (rank, text) = note(4, 9);
        assert!(!other.put_checkpoint(rank, &text).await.unwrap());
        assert!(!tiles.put_checkpoint(rank, &text).await.unwrap());
        let (rank, text) = note(6, 5);
        assert!(other.put_checkpoint(rank, &text).await.unwrap());
        assert_eq!(tiles.read_checkpoint().await.unwrap(), Some(text));
    });
}

#[test]
fn what_fails_on_the_way_is_repeated_and_what_is_refused_is_said() {
    let s3 = S3::start();
    runtime().block_on(async {
        let tiles = s3.tiles("public");
        s3.fail(0, Fault::Busy);
        s3.fail(1, Fault::Broken);
        tiles.put(vec![(tile(0, FULL), vec![7; 8192])]).await.unwrap();
        assert_eq!(s3.writes(), 3);
        // The checkpoint was written, and the answer was lost: repeating it finds another tag than
        // the one that was looked at, which is our own.
        for fault in [Fault::DoneAndDenied, Fault::Broken] {
            let (rank, text) = note(s3.writes(), 0);
            s3.fail(0, fault);
            assert!(tiles.put_checkpoint(rank, &text).await.unwrap(), "{fault:?}");
            assert_eq!(tiles.read_checkpoint().await.unwrap(), Some(text));
        }
        let code = |error: TileError| match error {
            TileError::Refused { reason, .. } => reason,
            error => panic!("{error}"),
        };
        let keys = Keys { secret: Secret::new("wrong"), ..S3::keys() };
        let stranger = ObjectTiles::open(&s3.settings("public"), &keys, &client()).unwrap();
        let error = stranger.probe().await.unwrap_err();
        assert_eq!(code(error), "the object store does not permit it");
        let mut settings = s3.settings("public");
        settings.bucket = "absent".to_owned();
        let nowhere = ObjectTiles::open(&settings, &S3::keys(), &client()).unwrap();
        let error = nowhere.probe().await.unwrap_err();
        assert_eq!(code(error), "there is no such bucket");
        let error = nowhere.read(tile(0, FULL)).await.unwrap_err();
        assert_eq!(code(error), "there is no such bucket", "and not: there is no such tile");
        s3.set_down(true);
        let error = tiles.read(tile(0, FULL)).await.unwrap_err();
        let expect = "the object store cannot be reached: it answered with status 503";
        assert_eq!(error.to_string(), expect);
        s3.set_down(false);
        let url = s3.url().to_owned();
        drop(s3);
        let error = tiles.read(tile(0, FULL)).await.unwrap_err();
        assert!(error.to_string().contains(&url), "{error}");
    });
}

#[test]
fn an_object_that_is_too_large_is_not_read() {
    let s3 = S3::start();
    runtime().block_on(async {
        let tiles = s3.tiles("public");
        tiles.put(vec![(tile(0, FULL), vec![0; 8])]).await.unwrap();
        let place = s3.folder().join("public/tile/0/000");
        std::fs::write(&place, vec![0; MAXIMUM_OBJECT + 1]).unwrap();
        let error = tiles.read(tile(0, FULL)).await.unwrap_err();
        assert!(
            matches!(error, TileError::TooLarge { .. } | TileError::Unreachable { .. }),
            "{error}"
        );
        let (rank, text) = note(1, 1);
        tiles.put_checkpoint(rank, &text).await.unwrap();
        std::fs::write(s3.folder().join("public/checkpoint"), vec![b'a'; 70_000]).unwrap();
        let error = tiles.read_checkpoint().await.unwrap_err();
        let expect = TileError::TooLarge { path: "checkpoint".to_owned(), limit: 65_536 };
        assert_eq!(error, expect);
    });
}

/// The store fails at each write of a turn in turn; no checkpoint is published whose tiles are not there,
/// and the next turn repairs.
#[test]
fn a_store_that_fails_in_the_middle_of_tiles() {
    let s3 = S3::start();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = s3.settings("public");
    settings.repetitions = 0;
    let tiles: Arc<dyn TileStore> =
        Arc::new(ObjectTiles::open(&settings, &S3::keys(), &client()).unwrap());
    let path = folder.path().join("log.sqlite");
    let store: Arc<dyn LogStore> = Arc::new(SqliteLog::open(&path, Options::default()).unwrap());
    runtime().block_on(async {
        let hands = Hands::new();
        let mut sequencer = sequencer(store.clone(), tiles.clone(), hands.clock(), "a");
        let mut submitted = Vec::new();
        for round in 0..9_u64 {
            let records: Vec<_> = (0..90).map(|n| record(round * 90 + n, 0)).collect();
            submitted.extend_from_slice(&records);
            store.submit(records, at(0)).await.unwrap();
            let before = tiles.read_checkpoint().await.unwrap();
            s3.fail(round, Fault::Broken);
            match sequencer.turn().await {
                Ok(Turn::Leads { sequenced: 90, .. }) => {}
                Ok(turn) => panic!("{turn:?}"),
                Err(_) => assert_eq!(tiles.read_checkpoint().await.unwrap(), before),
            }
            hands.forward(1);
        }
        s3.fail_always(Some(Fault::Broken));
        store.submit(vec![record(5000, 0)], at(0)).await.unwrap();
        assert!(sequencer.turn().await.is_err());
        s3.fail_always(None);
        submitted.push(record(5000, 0));
        settle(&mut sequencer).await;
        verify(store.as_ref(), tiles.as_ref(), &submitted, &[]).await;
    });
}
