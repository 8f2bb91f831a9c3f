//! The edge against a plain tree that keeps everything.

use std::collections::BTreeMap;

use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::tile::Tile;
use proptest::prelude::*;

use super::*;

fn entry(number: u64) -> Vec<u8> {
    // Of different lengths, so that bundles are not regular.
    format!("entry {number}\n").repeat(1 + (number % 3) as usize).into_bytes()
}

/// Every file of a log, from an edge.
fn render(edge: &mut Edge, range: std::ops::Range<u64>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for number in range {
        let put = &mut |(path, bytes): Rendered| {
            files.insert(path.to_string(), bytes);
        };
        edge.append(&entry(number), put).unwrap();
    }
    files.extend(edge.partials().into_iter().map(|(path, bytes)| (path.to_string(), bytes)));
    files
}

/// The same from all nodes of the tree.
fn plain(size: u64) -> (Hash, BTreeMap<String, Vec<u8>>) {
    let nodes = MemoryNodes::of((0..size).map(entry));
    let tiles = Tile::grown(0, size).map(|tile| (tile.path(), tile.write(&nodes).unwrap()));
    let mut files: BTreeMap<_, _> = tiles.collect();
    for bundle in Bundle::grown(0, size) {
        let first = bundle.first_entry();
        let entries = (first..first + u64::from(bundle.width())).map(entry);
        files.insert(bundle.path(), Bundle::write(entries).unwrap());
    }
    (nodes.root(), files)
}

#[test]
fn files_are_those_of_the_plain_tree() {
    for size in [1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_000] {
        let mut edge = Edge::default();
        let files = render(&mut edge, 0..size);
        let (root, expected) = plain(size);
        assert_eq!(edge.root(), root, "{size}");
        assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        assert!(files == expected, "{size}");
    }
}

#[test]
fn an_edge_comes_back_from_its_parts_at_every_size() {
    let mut edge = Edge::default();
    for size in 0..1100_u64 {
        let first = size - size % 256;
        let last: Vec<_> = (first..size).map(entry).collect();
        let back = Edge::from_parts(size, &edge.tiles[1..], &last).unwrap();
        assert_eq!((back.size(), back.root()), (edge.size(), edge.root()));
        assert_eq!(back.partials(), edge.partials());
        if !last.is_empty() {
            assert!(Edge::from_parts(size, &edge.tiles[1..], &last[1..]).is_none());
            let mut wrong = last.clone();
            wrong[0][0] ^= 1;
            let wrong = Edge::from_parts(size, &edge.tiles[1..], &wrong).unwrap();
            assert_ne!(wrong.root(), edge.root());
        }
        edge.append(&entry(size), &mut |_| ()).unwrap();
    }
}

#[test]
fn an_entry_that_is_too_long_changes_nothing() {
    let mut edge = Edge::default();
    edge.append(b"one", &mut |_| ()).unwrap();
    let before = edge.clone();
    let refused = edge.append(&[b'x'; 65_536], &mut |_| ());
    assert_eq!(refused, Err(TooLong { found: 65_536 }));
    assert_eq!(edge.partials(), before.partials());
    assert_eq!(edge.root(), before.root());
    edge.append(&[b'x'; 65_535], &mut |_| ()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn any_split_into_batches_gives_the_same_files(
        cuts in proptest::collection::vec(1_u64..400, 1..6)
    ) {
        let (mut edge, mut files, mut size) = (Edge::default(), BTreeMap::new(), 0);
        for cut in cuts {
            files.extend(render(&mut edge, size..size + cut));
            size += cut;
        }
        let (root, expected) = plain(size);
        prop_assert_eq!(edge.root(), root);
        for (path, bytes) in &expected {
            prop_assert_eq!(files.get(path), Some(bytes));
        }
        // Whatever else there is are partial tiles of smaller sizes.
        let surplus = files.keys().filter(|path| !expected.contains_key(*path));
        for path in surplus {
            prop_assert!(path.contains(".p/"), "{}", path);
        }
    }
}
