use std::collections::BTreeMap;

use super::*;
use crate::proof::memory::MemoryNodes;
use crate::proof::{self, batch};

/// The files of a log, honest as long as nobody changes them.
struct Files {
    tree: MemoryNodes,
    tiles: BTreeMap<Tile, Vec<u8>>,
    bundles: BTreeMap<Bundle, Vec<u8>>,
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

impl Files {
    fn of(size: u64) -> Self {
        let tree = MemoryNodes::of((0..size).map(entry));
        let tiles = Tile::grown(0, size).map(|tile| (tile, tile.write(&tree).unwrap())).collect();
        let bundles = Bundle::grown(0, size).map(|bundle| {
            let first = bundle.first_entry();
            let entries = (first..first + u64::from(bundle.width())).map(entry);
            (bundle, Bundle::write(entries).unwrap())
        });
        let bundles = bundles.collect();
        Self { tree, tiles, bundles }
    }

    fn reader(&self) -> TileReader {
        TileReader::of_root(self.tree.size(), self.tree.root())
    }

    fn fetch(&self, wanted: &[Tile]) -> Vec<(Tile, Vec<u8>)> {
        wanted.iter().map(|tile| (*tile, self.tiles[tile].clone())).collect()
    }
}

/// Sizes around every border of a tile, and one with a third level.
const SIZES: [u64; 14] = [1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 1000, 65_535, 65_536, 65_800];

#[test]
fn what_is_proved_is_read_as_the_tree_has_it() {
    for size in SIZES {
        let files = Files::of(size);
        let mut reader = files.reader();
        for index in [0, size / 3, size / 2, size - 1] {
            let wanted = reader.wanted_for_entries([index]);
            let proved = reader.prove(&files.fetch(&wanted)).unwrap();
            for tile in &proved {
                assert_eq!(files.tiles[tile.tile()], tile.bytes(), "{size} {index}");
            }
            assert_eq!(proved.len(), wanted.len());
            assert_eq!(reader.node(0, index), Ok(leaf_hash(&entry(index))));
            assert_eq!(reader.wanted_for_entries([index]), []);
        }
    }
}

#[test]
fn proofs_are_made_from_the_tiles_that_a_plan_names() {
    for size in SIZES {
        let files = Files::of(size);
        for (old, index) in [(1, 0), (size / 2, size / 2), (size - 1, size - 1)] {
            let indices: Vec<u64> = BTreeSet::from([index, size / 5]).into_iter().collect();
            let mut reader = files.reader();
            let wanted = reader.wanted(|nodes| {
                drop(proof::prove_inclusion(index, size, nodes));
                drop(proof::prove_consistency(old, size, nodes));
                drop(batch::prove(&indices, size, nodes));
            });
            reader.prove(&files.fetch(&wanted)).unwrap();
            let path = proof::prove_inclusion(index, size, &reader);
            assert_eq!(path, Ok(proof::prove_inclusion(index, size, &files.tree).unwrap()));
            let consistency = proof::prove_consistency(old, size, &reader);
            assert_eq!(consistency, Ok(proof::prove_consistency(old, size, &files.tree).unwrap()));
            let proof = batch::prove(&indices, size, &reader);
            assert_eq!(proof, Ok(batch::prove(&indices, size, &files.tree).unwrap()));
        }
    }
}

#[test]
fn whole_logs_are_read_in_order_with_little_memory() {
    let files = Files::of(1000);
    let mut reader = files.reader();
    let mut read = Vec::new();
    for (bundle, bytes) in &files.bundles {
        let wanted = reader.wanted_for_entries([bundle.first_entry()]);
        reader.prove(&files.fetch(&wanted)).unwrap();
        read.extend(reader.entries(bundle, bytes).unwrap().into_iter().map(<[u8]>::to_vec));
        reader.release(bundle.first_entry());
        assert!(reader.proved.len() <= 3);
    }
    assert_eq!(read, (0..1000).map(entry).collect::<Vec<_>>());
}

/// Every byte of every tile, on the edge and inside.
#[test]
fn a_flipped_byte_of_any_tile_is_refused_and_nothing_is_given_out() {
    for size in [3, 256, 300, 1000] {
        let files = Files::of(size);
        for (changed, original) in &files.tiles {
            let mut fetched = files.fetch(&files.tiles.keys().copied().collect::<Vec<_>>());
            let place = fetched.iter().position(|(tile, _)| tile == changed).unwrap();
            // Full tiles are long: every seventh byte reaches every hash.
            for byte in (0..original.len()).step_by(if changed.is_full() { 7 } else { 1 }) {
                fetched[place].1[byte] ^= 1;
                let mut reader = files.reader();
                let refused = reader.prove(&fetched).unwrap_err();
                if changed.is_full() {
                    // Also a full tile's hash may be wrong because a tile below it does not fit.
                    assert_eq!(refused, ReaderError::Forged { path: changed.path() });
                } else {
                    assert!(matches!(refused, ReaderError::Edge { .. }), "{refused}");
                }
                assert!(reader.proved.is_empty());
                fetched[place].1[byte] ^= 1;
            }
        }
    }
}

#[test]
fn bundles_are_compared_with_the_tree() {
    let files = Files::of(300);
    let mut reader = files.reader();
    for (bundle, bytes) in &files.bundles {
        let path = bundle.tile().path();
        assert_eq!(reader.entries(bundle, bytes), Err(ReaderError::Missing { path }));
    }
    let all = files.fetch(&files.tiles.keys().copied().collect::<Vec<_>>());
    reader.prove(&all).unwrap();
    for (bundle, bytes) in &files.bundles {
        for byte in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[byte] ^= 1;
            assert!(reader.entries(bundle, &changed).is_err(), "{byte}");
        }
        let first = bundle.first_entry();
        let other =
            (first..first + u64::from(bundle.width())).map(|index| entry(index.max(first + 1)));
        let other = Bundle::write(other).unwrap();
        let refused = reader.entries(bundle, &other);
        assert_eq!(refused, Err(ReaderError::Entry { index: first }));
    }
    let beyond = Bundle::new(2, 1).unwrap();
    let (path, size) = (beyond.path(), 300);
    assert_eq!(reader.entries(&beyond, b"\0\0"), Err(ReaderError::NotInTree { path, size }));
    let narrow = Bundle::new(1, 3).unwrap();
    let path = narrow.path();
    let bytes = Bundle::write((256..259).map(entry)).unwrap();
    assert_eq!(reader.entries(&narrow, &bytes), Err(ReaderError::NotInTree { path, size }));
}

/// The log has grown since the checkpoint and deleted its partial tiles.
#[test]
fn a_full_tile_stands_for_a_partial_one_and_only_the_proved_part_is_kept() {
    let (old, grown) = (Files::of(300), Files::of(512));
    let mut reader = old.reader();
    let mut fetched = old.fetch(&reader.wanted_for_entries([299]));
    for (tile, bytes) in &mut fetched {
        if let Some(full) = grown.tiles.get(&tile.full()) {
            (*tile, *bytes) = (tile.full(), full.clone());
        }
    }
    // What follows the part that belongs to the tree is not proved, and may be anything.
    let place = fetched.iter().position(|(tile, _)| tile.level() == 0).unwrap();
    fetched[place].1[8191] ^= 1;
    for proved in reader.prove(&fetched).unwrap() {
        assert_eq!(old.tiles[proved.tile()], proved.bytes());
    }
    let bundle = Bundle::new(1, 256).unwrap();
    let entries = reader.entries(&bundle, &grown.bundles[&bundle]).unwrap();
    assert_eq!(entries.len(), 44);
    fetched[place].1[0] ^= 1;
    assert!(matches!(old.reader().prove(&fetched), Err(ReaderError::Edge { .. })));
}

#[test]
fn tiles_that_cannot_be_proved_yet_or_at_all_are_refused() {
    let files = Files::of(1000);
    let inner = Tile::new(0, 1, 256).unwrap();
    let mut reader = files.reader();
    // Without the edge nothing is proved.
    let path = Tile::in_tree(0, 3, 1000).unwrap().path();
    assert_eq!(reader.prove(&files.fetch(&[inner])), Err(ReaderError::Missing { path }));
    assert_eq!(
        reader.prove(&[]).unwrap_err().to_string(),
        "`tile/0/003.p/232` is needed and not yet proved"
    );
    let all: Vec<Tile> = files.tiles.keys().copied().collect();
    reader.prove(&files.fetch(&all)).unwrap();
    // A second time is no harm, unless it is another tile.
    assert_eq!(reader.prove(&files.fetch(&[inner])).unwrap().len(), 1);
    let forged = vec![(inner, vec![0; 8192])];
    assert_eq!(reader.prove(&forged), Err(ReaderError::Forged { path: inner.path() }));
    for absent in
        [Tile::new(0, 4, 1), Tile::new(2, 0, 1), Tile::new(0, 3, 231), Tile::new(63, 0, 1)]
    {
        let absent = absent.unwrap();
        let (path, size) = (absent.path(), 1000);
        let fetched = vec![(absent, vec![0; absent.byte_length()])];
        assert_eq!(reader.prove(&fetched), Err(ReaderError::NotInTree { path, size }));
    }
    assert_eq!(reader.node(0, 1000), Err(ReaderError::NoNode { level: 0, index: 1000 }));
    assert_eq!(reader.node(63, 9), Err(ReaderError::NoNode { level: 63, index: 9 }));
}

/// A fork is convicted with nothing but the tiles of the newer tree.
#[test]
fn the_proof_of_a_fork_is_made_from_proved_tiles() {
    let honest = Files::of(1000);
    for old in [256, 300, 512] {
        let lie =
            MemoryNodes::of((0..old).map(|index| entry(if index == 7 { 1 << 40 } else { index })));
        let mut reader = honest.reader();
        let wanted = reader.wanted(|nodes| drop(proof::prove_prefix(old, 1000, nodes)));
        reader.prove(&honest.fetch(&wanted)).unwrap();
        let proof = proof::prove_prefix(old, 1000, &reader).unwrap();
        let (computed, new) = proof::roots_of_consistency(old, 1000, &proof).unwrap();
        assert_eq!(new, honest.tree.root());
        assert_ne!(computed, lie.root());
    }
}

#[test]
fn the_tree_without_entries_has_nothing_to_read() {
    let mut reader = TileReader::of_root(0, EMPTY_ROOT);
    assert_eq!(reader.wanted_for_entries([0]), []);
    assert_eq!(reader.prove(&[]), Ok(Vec::new()));
    assert_eq!(reader.node(0, 0), Err(ReaderError::NoNode { level: 0, index: 0 }));
}
