//! The public files.

use countermark_service::log::tiles::{Child, FULL, Kind, Rank, TilePath};

use super::Place;

fn hashes(index: u64, width: u16) -> TilePath {
    TilePath { kind: Kind::Hashes(0), index, width }
}

pub(crate) async fn what_was_put_is_read(place: &dyn Place) {
    let (tiles, other) = (place.tiles().await, place.tiles().await);
    tiles.probe().await.unwrap();
    let entries = TilePath { kind: Kind::Entries, index: 1_234_067, width: FULL };
    assert_eq!(tiles.read(entries).await.unwrap(), None);
    tiles.put(Vec::new()).await.unwrap();
    let mut all: Vec<_> =
        (0..40).map(|it| (hashes(it * 300, FULL), vec![it as u8; 8192])).collect();
    all.push((entries, b"bundle".to_vec()));
    // A partial tile stands beside its full one.
    all.push((hashes(0, 7), b"partial".to_vec()));
    tiles.put(all.clone()).await.unwrap();
    for (path, bytes) in &all {
        assert_eq!(other.read(*path).await.unwrap().as_ref(), Some(bytes), "{path}");
    }
    assert_eq!(other.read(hashes(0, 8)).await.unwrap(), None);
    assert_eq!(other.read(hashes(301, FULL)).await.unwrap(), None);
    // Again, also over something torn.
    tiles.put(vec![(entries, b"bun".to_vec())]).await.unwrap();
    tiles.put(all).await.unwrap();
    assert_eq!(other.read(entries).await.unwrap(), Some(b"bundle".to_vec()));
}

pub(crate) async fn an_older_checkpoint_is_not_put(place: &dyn Place) {
    let (tiles, other) = (place.tiles().await, place.tiles().await);
    assert_eq!(tiles.read_checkpoint().await.unwrap(), None);
    let note = |size: u64, time: i64| {
        (Rank { size, time }, format!("example.org/log\n{size}\nAAAA\ntime {time}\n\n— sig\n"))
    };
    for (size, time, expected) in [
        (0, 100, true),
        (5, 100, true),
        (4, 200, false),
        (5, 99, false),
        (5, 100, true),
        (5, 160, true),
        (10, 150, true),
        (9, 999, false),
    ] {
        let (rank, text) = note(size, time);
        let before = other.read_checkpoint().await.unwrap();
        assert_eq!(tiles.put_checkpoint(rank, &text).await.unwrap(), expected, "{size} {time}");
        let expected = if expected { Some(text) } else { before };
        assert_eq!(other.read_checkpoint().await.unwrap(), expected);
    }
    // Many at once leave the highest.
    let mut tasks = Vec::new();
    for size in [17, 12, 30, 11, 29, 30, 13] {
        let tiles = if size % 2 == 0 { tiles.clone() } else { other.clone() };
        tasks.push(tokio::spawn(async move {
            let (rank, text) = note(size, 1000);
            tiles.put_checkpoint(rank, &text).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(tiles.read_checkpoint().await.unwrap(), Some(note(30, 1000).1));
}

pub(crate) async fn folders_are_listed_and_tiles_removed(place: &dyn Place) {
    let tiles = place.tiles().await;
    assert_eq!(tiles.list("tile/0").await.unwrap(), []);
    let all = [hashes(0, 3), hashes(0, 200), hashes(0, FULL), hashes(1, 1), hashes(1000, FULL)];
    tiles.put(all.iter().map(|path| (*path, b"x".to_vec())).collect()).await.unwrap();
    let folder = |name: &str| Child::Folder(name.to_owned());
    let object = |name: &str| Child::Object(name.to_owned());
    assert_eq!(tiles.list("tile").await.unwrap(), [folder("0")]);
    let expected = [folder("000.p"), folder("001.p"), folder("x001"), object("000")];
    assert_eq!(tiles.list("tile/0").await.unwrap(), expected);
    assert_eq!(tiles.list("tile/0/x001").await.unwrap(), [object("000")]);
    assert_eq!(hashes(0, FULL).partials(), "tile/0/000.p");
    let expected = [object("200"), object("3")];
    assert_eq!(tiles.list("tile/0/000.p").await.unwrap(), expected);

    tiles.remove(&[hashes(0, 3), hashes(0, 9)]).await.unwrap();
    assert_eq!(tiles.list("tile/0/000.p").await.unwrap(), [object("200")]);
    tiles.remove(&[hashes(0, 200)]).await.unwrap();
    assert_eq!(tiles.list("tile/0/000.p").await.unwrap(), []);
    assert_eq!(tiles.read(hashes(0, FULL)).await.unwrap(), Some(b"x".to_vec()));
    assert_eq!(tiles.read(hashes(0, 3)).await.unwrap(), None);
}
