use super::*;
use crate::hash::leaf_hash;
use crate::proof::memory::MemoryNodes;

fn tile(level: u8, index: u64, width: u16) -> Tile {
    Tile::new(level, index, width).unwrap()
}

#[test]
fn paths_are_the_specifications() {
    for (wanted, path) in [
        (tile(0, 0, 256), "tile/0/000"),
        (tile(0, 5, 256), "tile/0/005"),
        (tile(1, 999, 1), "tile/1/999.p/1"),
        (tile(2, 1000, 255), "tile/2/x001/000.p/255"),
        (tile(3, 1_234_067, 256), "tile/3/x001/x234/067"),
        (tile(63, u64::MAX, 17), "tile/63/x018/x446/x744/x073/x709/x551/615.p/17"),
    ] {
        assert_eq!(wanted.path(), path);
        assert_eq!(Tile::parse(path), Ok(wanted));
        let bundle =
            wanted.path().replacen(&format!("tile/{}/", wanted.level()), "tile/entries/", 1);
        let wanted = Bundle::new(wanted.index(), wanted.width()).unwrap();
        assert_eq!(wanted.path(), bundle);
        assert_eq!(Bundle::parse(&bundle), Ok(wanted));
    }
}

#[test]
fn paths_have_one_spelling() {
    for path in [
        "",
        "/",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile//000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001",
        "tile/0/x001/x001",
        "tile/0/X001/001",
        "tile/0/xx01/001",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/..",
        "tile/0/../000",
        "tile/0/000\0",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
        "tile/entries/000",
        "tile/data/000",
        "tile/0/\u{661}\u{662}\u{663}",
    ] {
        let found = path.to_owned();
        assert_eq!(Tile::parse(path), Err(TileError::Path { found }), "{path}");
    }
    for path in ["tile/entries/", "tile/entries/0", "tile/0/000", "tile/entries/000.p/256"] {
        assert!(Bundle::parse(path).is_err(), "{path}");
    }
    assert_eq!(Tile::new(64, 0, 1), None);
    assert_eq!(Tile::new(0, 0, 0), None);
    assert_eq!(Tile::new(0, 0, 257), None);
}

/// The specification's example: a tree of 70,000 entries.
#[test]
fn trees_have_the_tiles_that_the_specification_counts() {
    let tiles: Vec<Tile> = Tile::grown(0, 70_000).collect();
    let count = |level, width| {
        tiles.iter().filter(|tile| (tile.level, tile.width) == (level, width)).count()
    };
    assert_eq!(
        [count(0, 256), count(0, 112), count(1, 256), count(1, 17), count(2, 1)],
        [273, 1, 1, 1, 1]
    );
    assert_eq!(tiles.len(), 277);
    let tiles: Vec<Tile> = Tile::grown(0, 256).collect();
    assert_eq!(tiles, [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(Tile::grown(0, 0).count(), 0);
    assert_eq!(Tile::grown(256, 256).count(), 0);
    assert_eq!(Tile::grown(255, 256).collect::<Vec<_>>(), [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(Tile::grown(256, 258).collect::<Vec<_>>(), [tile(0, 1, 2)]);
    assert_eq!(Tile::in_tree(0, 1, 256), None);
    assert_eq!(Tile::in_tree(7, 0, u64::MAX >> 1), Tile::new(7, 0, 127));
    assert_eq!(Tile::in_tree(8, 0, u64::MAX), None);
    let bundles: Vec<Bundle> = Bundle::grown(255, 600).collect();
    let widths = [(0, 256), (1, 256), (2, 88)];
    assert_eq!(bundles, widths.map(|(index, width)| Bundle::new(index, width).unwrap()));
    assert_eq!(Bundle::grown(600, 600).count(), 0);
}

/// Growing in any steps writes the same full tiles, and never one twice with other bytes.
#[test]
fn growth_in_steps_is_growth_at_once() {
    use std::collections::BTreeMap;
    let entries = |size: u64| (0..size).map(u64::to_be_bytes);
    for steps in
        [vec![1, 255, 256, 257, 1000], vec![300, 301, 1000], (0..=1000).step_by(100).collect()]
    {
        let mut files = BTreeMap::new();
        let mut from = 0;
        for size in steps {
            let tree = MemoryNodes::of(entries(size));
            for tile in Tile::grown(from, size) {
                let bytes = tile.write(&tree).unwrap();
                let before = files.insert(tile, bytes.clone());
                assert!(before.is_none_or(|before| before == bytes), "{tile:?}");
            }
            from = size;
        }
        let tree = MemoryNodes::of(entries(1000));
        for tile in Tile::grown(0, 1000) {
            assert_eq!(files.get(&tile), Some(&tile.write(&tree).unwrap()), "{tile:?}");
        }
    }
}

#[test]
fn tiles_are_as_long_as_their_width() {
    let tree = MemoryNodes::of((0..300_u64).map(u64::to_be_bytes));
    let wanted = Tile::in_tree(0, 1, 300).unwrap();
    let bytes = wanted.write(&tree).unwrap();
    let hashes = wanted.read(&bytes).unwrap();
    assert_eq!(hashes[0], leaf_hash(&256_u64.to_be_bytes()));
    assert_eq!(hashes.len(), 44);
    for bytes in [&bytes[1..], &[&bytes[..], &[0]].concat(), &[]] {
        let (path, expected, found) = ("tile/0/001.p/44".to_owned(), 1408, bytes.len());
        assert_eq!(wanted.read(bytes), Err(TileError::Length { path, expected, found }));
    }
}

#[test]
fn bundles_are_read_to_their_end() {
    let entries = [&b"one"[..], b"", &[7; MAXIMUM_ENTRY]];
    let bundle = Bundle::new(0, 3).unwrap();
    let bytes = Bundle::write(entries).unwrap();
    assert_eq!(&bytes[..5], b"\x00\x03one");
    assert_eq!(bundle.read(&bytes), Ok(entries.to_vec()));
    let path = bundle.path();
    for length in 0..bytes.len() {
        let refused = bundle.read(&bytes[..length]);
        assert!(matches!(refused, Err(TileError::Short { expected: 3, .. })), "{length}");
    }
    let surplus = [&bytes[..], &[0, 0]].concat();
    assert_eq!(bundle.read(&surplus), Err(TileError::Surplus { path, found: 2 }));
    let refused = Bundle::write([&[0; MAXIMUM_ENTRY + 1][..]]);
    assert_eq!(refused, Err(TileError::Entry { found: MAXIMUM_ENTRY + 1 }));
    assert_eq!(bytes.len(), 2 * 3 + 3 + MAXIMUM_ENTRY);
}

/// Paths can name tiles that no tree has: they are refused, whatever the numbers do.
#[test]
fn tiles_beyond_any_tree_have_no_bytes() {
    use crate::hash::EMPTY_ROOT;
    use crate::reader::{ReaderError, TileReader};
    let mut reader = TileReader::of_root(u64::MAX >> 1, EMPTY_ROOT);
    for tile in [tile(63, u64::MAX, 256), tile(8, 0, 1), tile(0, u64::MAX, 1), tile(7, 1, 1)] {
        assert!(matches!(tile.write(&reader), Err(ReaderError::NoNode { .. })), "{tile:?}");
        let fetched = vec![(tile, vec![0; tile.byte_length()])];
        let refused = reader.prove(&fetched);
        assert!(matches!(refused, Err(ReaderError::NotInTree { .. })), "{tile:?}");
    }
    let beyond = Bundle::new(u64::MAX, 256).unwrap();
    assert!(matches!(reader.entries(&beyond, b""), Err(ReaderError::NotInTree { .. })));
}
