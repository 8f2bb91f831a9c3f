//! Attacks that other implementations fell for, by their numbers.

#![expect(clippy::unwrap_used, reason = "what the tests start from")]

use countermark_tlog::note::{KeyType, NoteError, SignerKey};
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::{self, ProofError, batch};
use countermark_tlog::reader::{ReaderError, TileReader};
use countermark_tlog::tile::{Bundle, Tile, TileError};
use countermark_tlog::tlog_proof::{TlogProof, TlogProofError};
use countermark_tlog::{Checkpoint, EMPTY_ROOT, Hash, SignedCheckpoint, leaf_hash};

const ORIGIN: &str = "example.org/log";

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn tree(size: u64) -> MemoryNodes {
    MemoryNodes::of((0..size).map(entry))
}

fn signed(tree: &MemoryNodes) -> (SignedCheckpoint, SignerKey) {
    let key = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32]).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    (checkpoint.sign(&[&key]).unwrap(), key)
}

fn proved(tree: &MemoryNodes) -> TileReader {
    let mut reader = TileReader::of_root(tree.size(), tree.root());
    let tiles: Vec<_> =
        Tile::grown(0, tree.size()).map(|tile| (tile, tile.write(tree).unwrap())).collect();
    reader.prove(&tiles).unwrap();
    reader
}

/// An empty answer was taken for a verified one.
#[test]
fn cve_2026_42501_an_empty_lookup_proves_nothing() {
    let tree = tree(300);
    for proof in [vec![], vec![tree.root()], vec![tree.root(), tree.root()]] {
        let refused = batch::verify(&[], 300, &proof, &tree.root());
        assert_eq!(refused, Err(ProofError::Nothing));
    }
    assert_eq!(batch::verify(&[], 0, &[], &EMPTY_ROOT), Err(ProofError::Nothing));
    assert_eq!(batch::root_of(&[], 300, &[tree.root()]), Err(ProofError::Nothing));
    // The root itself in place of a leaf and its path, in a tree of any size.
    let refused = proof::verify_inclusion(tree.root(), 0, 300, &[], &tree.root());
    assert_eq!(refused, Err(ProofError::Length { expected: 9, found: 0 }));
    let refused = proof::verify_inclusion(EMPTY_ROOT, 0, 0, &[], &EMPTY_ROOT);
    assert_eq!(refused, Err(ProofError::Range { wanted: 0, size: 0 }));
    // An empty bundle is not the bundle.
    let bundle = Bundle::new(1, 44).unwrap();
    let short = TileError::Short { path: bundle.path(), expected: 44, found: 0 };
    assert_eq!(proved(&tree).entries(&bundle, b""), Err(ReaderError::Tile(short)));
    let absent = vec![(Tile::new(0, 1, 44).unwrap(), Vec::new())];
    let refused = TileReader::of_root(300, tree.root()).prove(&absent);
    let (path, expected, found) = ("tile/0/001.p/44".to_owned(), 1408, 0);
    let length = TileError::Length { path, expected, found };
    assert_eq!(refused, Err(ReaderError::Tile(length)));
}

/// Hashes that have nothing to do with the record were accepted along with it.
#[test]
fn cve_2026_56864_hashes_that_belong_to_another_record_are_refused() {
    let tree = tree(300);
    let root = tree.root();
    let wanted = [(7, leaf_hash(&entry(7))), (200, leaf_hash(&entry(200)))];
    let proof = batch::prove(&[7, 200], 300, &tree).unwrap();
    assert_eq!(batch::verify(&wanted, 300, &proof, &root), Ok(()));
    // Another record under the same proof.
    let unrelated = [(7, leaf_hash(b"a record that nobody logged")), wanted[1]];
    let refused = batch::verify(&unrelated, 300, &proof, &root);
    assert!(matches!(refused, Err(ProofError::Root { .. })));
    // A true record of the log in the place of the one that was asked for.
    let other = [(7, leaf_hash(&entry(8))), wanted[1]];
    assert!(matches!(batch::verify(&other, 300, &proof, &root), Err(ProofError::Root { .. })));
    // One record proved, and one more that came along unproved.
    let more = [(7, wanted[0].1), (8, leaf_hash(b"unproved")), (200, wanted[1].1)];
    let refused = batch::verify(&more, 300, &proof, &root);
    assert!(matches!(refused, Err(ProofError::Length { .. })));
    // Hashes that no step of the check uses.
    let expected = proof.len();
    for surplus in [leaf_hash(b"unrelated"), root, EMPTY_ROOT] {
        let long = [proof.clone(), vec![surplus]].concat();
        let refused = batch::verify(&wanted, 300, &long, &root);
        assert_eq!(refused, Err(ProofError::Length { expected, found: expected + 1 }));
    }
    // The same in a file.
    let (checkpoint, key) = signed(&tree);
    let mut file = TlogProof {
        extra: Some(entry(7)),
        index: 7,
        proof: proof::prove_inclusion(7, 300, &tree).unwrap(),
        checkpoint: checkpoint.note().clone(),
    };
    let keys = [key.verifier().clone()];
    assert!(file.verify(leaf_hash(&entry(7)), ORIGIN, &keys).is_ok());
    let refused = file.verify(leaf_hash(b"a record that nobody logged"), ORIGIN, &keys);
    assert!(matches!(refused, Err(TlogProofError::Proof(ProofError::Root { .. }))));
    file.proof.push(leaf_hash(b"unrelated"));
    let refused = file.verify(leaf_hash(&entry(7)), ORIGIN, &keys);
    let length = ProofError::Length { expected: 9, found: 10 };
    assert_eq!(refused, Err(TlogProofError::Proof(length)));
}

/// Tiles were used, and kept, without being compared with the root.
#[test]
fn cve_2026_56865_tiles_are_not_given_out_before_they_are_proved() {
    let (honest, lie) = (tree(70_000), {
        MemoryNodes::of((0..70_000).map(|index| entry(if index == 9 { 1 << 40 } else { index })))
    });
    let mut reader = TileReader::of_root(70_000, honest.root());
    let wanted = reader.wanted_for_entries([9]);
    // What a forger has to change: the leaf's tile and all above it.
    assert_eq!(wanted.len(), 5);
    let fetch = |forged: &dyn Fn(&Tile) -> bool| -> Vec<(Tile, Vec<u8>)> {
        let tree = |tile: &Tile| if forged(tile) { &lie } else { &honest };
        wanted.iter().map(|tile| (*tile, tile.write(tree(tile)).unwrap())).collect()
    };
    // Forged up to a level: the one above it tells; forged to the top: the root tells.
    for level in 0..=2 {
        let refused = reader.prove(&fetch(&|tile| tile.level() <= level)).unwrap_err();
        match level {
            0 => assert_eq!(refused, ReaderError::Forged { path: "tile/0/000".into() }),
            1 => assert_eq!(refused, ReaderError::Forged { path: "tile/1/000".into() }),
            _ => assert!(matches!(refused, ReaderError::Edge { .. })),
        }
        // Nothing of it can be read, and there was nothing to keep.
        let path = "tile/0/000".to_owned();
        let hash: Result<Hash, _> = proof::Nodes::node(&reader, 0, 9);
        assert_eq!(hash, Err(ReaderError::Missing { path }));
        let bundle = Bundle::new(0, 256).unwrap();
        let bytes = Bundle::write((0..256).map(entry)).unwrap();
        assert!(matches!(reader.entries(&bundle, &bytes), Err(ReaderError::Missing { .. })));
    }
    assert_eq!(reader.wanted_for_entries([9]), wanted);
    let kept = reader.prove(&fetch(&|_| false)).unwrap();
    assert_eq!(kept.len(), wanted.len());
    assert_eq!(proof::Nodes::node(&reader, 0, 9), Ok(leaf_hash(&entry(9))));
    // A tile that is proved is not replaced by another one.
    let forged = Tile::new(0, 0, 256).unwrap();
    let bytes = forged.write(&lie).unwrap();
    let refused = reader.prove(&[(forged, bytes)]);
    assert_eq!(refused, Err(ReaderError::Forged { path: forged.path() }));
    assert_eq!(proof::Nodes::node(&reader, 0, 9), Ok(leaf_hash(&entry(9))));
}

/// A checkpoint is worth nothing without the log's own key, whoever else signed it.
#[test]
fn a_checkpoint_by_somebody_else_is_refused() {
    let (checkpoint, _) = signed(&tree(3));
    let other = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[2; 32]).unwrap();
    let keys = [other.verifier().clone()];
    let bytes = checkpoint.note().to_text().into_bytes();
    let refused = SignedCheckpoint::open(&bytes, ORIGIN, &keys);
    assert_eq!(refused, Err(NoteError::Unsigned.into()));
}
