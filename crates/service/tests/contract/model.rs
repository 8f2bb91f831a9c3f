//! A log that keeps everything and is nothing but a tree: what the engines are compared with.

use std::collections::BTreeMap;

use countermark_service::log::tiles::{TilePath, TileStore};
use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::VerifierKey;
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::tile::{Bundle, Tile};
use countermark_trust::log::record::Observation;

/// The root over records, in this order.
pub(crate) fn root(records: &[Observation]) -> Hash {
    MemoryNodes::of(records.iter().map(Observation::text)).root()
}

/// All files of a log but the checkpoint.
pub(crate) fn files(records: &[Observation]) -> BTreeMap<String, Vec<u8>> {
    let nodes = MemoryNodes::of(records.iter().map(Observation::text));
    let size = records.len() as u64;
    let tiles = Tile::grown(0, size).map(|tile| (tile.path(), tile.write(&nodes).unwrap()));
    let mut files: BTreeMap<_, _> = tiles.collect();
    for bundle in Bundle::grown(0, size) {
        let first = usize::try_from(bundle.first_entry()).unwrap();
        let entries = &records[first..first + usize::from(bundle.width())];
        let bytes = Bundle::write(entries.iter().map(Observation::text)).unwrap();
        files.insert(bundle.path(), bytes);
    }
    files
}

/// What is published is the tree of these records, to the byte, and signed by this key.
pub(crate) async fn check_files(tiles: &dyn TileStore, key: &VerifierKey, records: &[Observation]) {
    let note = tiles.read_checkpoint().await.unwrap().unwrap();
    let keys = std::slice::from_ref(key);
    let checkpoint = SignedCheckpoint::open(note.as_bytes(), key.name(), keys).unwrap();
    assert_eq!(checkpoint.size(), records.len() as u64);
    assert_eq!(*checkpoint.root(), root(records));
    for (path, expected) in files(records) {
        let found = tiles.read(TilePath::parse(&path).unwrap()).await.unwrap();
        assert!(found.as_ref() == Some(&expected), "{path}");
    }
}
