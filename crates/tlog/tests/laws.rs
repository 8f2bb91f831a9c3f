//! Laws that hold for any tree, any batch and any bytes.

use countermark_tlog::note::{self, KeyType, Note, SignerKey, VerifierKey};
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::{self, batch};
use countermark_tlog::reader::TileReader;
use countermark_tlog::tile::{Bundle, Tile};
use countermark_tlog::tlog_proof::TlogProof;
use countermark_tlog::witness::AddCheckpoint;
use countermark_tlog::{Checkpoint, Frontier, Hash, leaf_hash};
use proptest::prelude::*;

fn entries() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..700)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_verifies_and_no_other_leaf_does(
        entries in entries(),
        picks in prop::collection::btree_set(0..700_usize, 1..40),
        forged in any::<[u8; 32]>(),
    ) {
        let tree = MemoryNodes::of(&entries);
        let size = entries.len() as u64;
        let picked: Vec<usize> = picks.into_iter().filter(|pick| *pick < entries.len()).collect();
        prop_assume!(!picked.is_empty());
        let mut leaves: Vec<(u64, Hash)> =
            picked.iter().map(|pick| (*pick as u64, leaf_hash(&entries[*pick]))).collect();
        let indices: Vec<u64> = leaves.iter().map(|leaf| leaf.0).collect();
        let proof = batch::prove(&indices, size, &tree).unwrap();
        prop_assert_eq!(batch::verify(&leaves, size, &proof, &tree.root()), Ok(()));
        let last = leaves.len() - 1;
        leaves[last].1 = Hash::from_bytes(forged);
        prop_assert!(batch::verify(&leaves, size, &proof, &tree.root()).is_err());
        leaves.pop();
        prop_assert!(batch::verify(&leaves, size, &proof, &tree.root()).is_err());
    }

    #[test]
    fn a_tree_grows_consistently_in_any_steps(entries in entries(), cut in 0..700_usize) {
        let cut = cut.min(entries.len());
        let (old, tree) = (MemoryNodes::of(&entries[..cut]), MemoryNodes::of(&entries));
        let mut frontier = Frontier::from_parts(old.size(), &old.frontier().parts()).unwrap();
        for entry in &entries[cut..] {
            frontier.append(leaf_hash(entry), &mut |_, _, _| {});
        }
        prop_assert_eq!(&frontier, tree.frontier());
        let proof = proof::prove_consistency(old.size(), tree.size(), &tree).unwrap();
        let verified = proof::verify_consistency(
            old.size(), &old.root(), tree.size(), &tree.root(), &proof,
        );
        prop_assert_eq!(verified, Ok(()));
    }

    #[test]
    fn tiles_give_back_what_was_written(entries in entries(), pick in 0..700_usize) {
        let tree = MemoryNodes::of(&entries);
        let size = tree.size();
        let pick = pick as u64 % size;
        let mut reader = TileReader::of_root(size, tree.root());
        let wanted = reader.wanted_for_entries([pick]);
        let fetched: Vec<_> =
            wanted.iter().map(|tile| (*tile, tile.write(&tree).unwrap())).collect();
        reader.prove(&fetched).unwrap();
        let bundle = Bundle::in_tree(pick / 256, size).unwrap();
        let first = bundle.first_entry() as usize;
        let inside = &entries[first..first + usize::from(bundle.width())];
        let bytes = Bundle::write(inside).unwrap();
        prop_assert_eq!(reader.entries(&bundle, &bytes).unwrap(), inside);
    }

    #[test]
    fn paths_go_there_and_back(level in 0..64_u8, index in any::<u64>(), width in 1..=256_u16) {
        let tile = Tile::new(level, index, width).unwrap();
        prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
        let bundle = Bundle::new(index, width).unwrap();
        prop_assert_eq!(Bundle::parse(&bundle.path()), Ok(bundle));
    }

    #[test]
    fn notes_of_any_text_open_and_changed_ones_do_not(
        text in "([ -~\u{a0}-\u{2fff}]|\n){0,200}\n",
        seed in any::<[u8; 32]>(),
        change in any::<prop::sample::Index>(),
    ) {
        let key = SignerKey::from_seed("example.org/log", KeyType::Ed25519, &seed).unwrap();
        let note = note::sign(&text, &[&key]).unwrap();
        let keys = [key.verifier().clone()];
        let bytes = note.to_text().into_bytes();
        let opened = note::open(&bytes, &keys).unwrap();
        prop_assert_eq!(opened.text(), text);
        let mut changed = bytes;
        let place = change.index(changed.len());
        changed[place] ^= 1;
        prop_assert!(note::open(&changed, &keys).is_err());
    }

    /// Whatever is read is written as it was: nothing has two spellings. And nothing panics.
    #[test]
    fn what_is_read_has_one_spelling(
        text in "(old |extra |index |tile/|— |x0|[0-9]{1,3}|/|\\.p/|AAAA|=|\n|c2sp.org/tlog-proof@v1\n|[a-z+ ]){0,40}",
    ) {
        if let Ok(tile) = Tile::parse(&text) {
            prop_assert_eq!(tile.path(), text.as_str());
        }
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_text(), text.as_str());
        }
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.to_text(), text.as_str());
        }
        if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
            prop_assert_eq!(request.to_text(), text.as_str());
        }
        if let Ok(proof) = TlogProof::parse(text.as_bytes()) {
            prop_assert_eq!(proof.to_text(), text.as_str());
        }
        if let Ok(key) = VerifierKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text.as_str());
        }
    }
}
