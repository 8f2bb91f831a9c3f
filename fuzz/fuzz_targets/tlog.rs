//! The formats of logs, by the first byte: any bytes are read or refused, what is read is written as it
//! was, and no proof of any length makes the check fail in another way than by refusing.

#![no_main]

use std::cell::Cell;

use countermark_tlog::note::{Note, SignerKey, VerifierKey};
use countermark_tlog::proof::{self, batch};
use countermark_tlog::reader::TileReader;
use countermark_tlog::tile::{Bundle, Tile};
use countermark_tlog::tlog_proof::TlogProof;
use countermark_tlog::witness::AddCheckpoint;
use countermark_tlog::{Checkpoint, Hash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    match kind % 8 {
        0 => {
            if let Ok(note) = Note::parse(data) {
                assert_eq!(note.to_text().as_bytes(), data);
            }
        }
        1 => {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                assert_eq!(checkpoint.to_text(), text);
            }
        }
        2 => {
            if let Ok(tile) = Tile::parse(&text) {
                assert_eq!(tile.path(), text);
            }
            if let Ok(bundle) = Bundle::parse(&text) {
                assert_eq!(bundle.path(), text);
            }
        }
        3 => bundle(data),
        4 => {
            if let Ok(proof) = TlogProof::parse(data) {
                assert_eq!(proof.to_text().as_bytes(), data);
            }
        }
        5 => {
            if let Ok(request) = AddCheckpoint::parse(data) {
                assert_eq!(request.to_text().as_bytes(), data);
            }
        }
        6 => {
            if let Ok(key) = VerifierKey::parse(&text) {
                assert_eq!(key.to_string(), text);
            }
            if let Ok(key) = SignerKey::parse(&text) {
                assert_eq!(key.to_secret_text(), text);
            }
        }
        _ => proofs(data),
    }
});

fn bundle(data: &[u8]) {
    let Some((width, data)) = data.split_first() else { return };
    let bundle = Bundle::new(0, u16::from(*width) + 1).unwrap();
    if let Ok(entries) = bundle.read(data) {
        assert_eq!(entries.len(), usize::from(bundle.width()));
        assert_eq!(Bundle::write(entries).unwrap(), data);
    }
}

/// Numbers and hashes out of the bytes, for every check.
fn proofs(data: &[u8]) {
    let rest = Cell::new(data);
    let number = || {
        let (first, after) = rest.get().split_first_chunk().unwrap_or((&[0; 8], &[]));
        rest.set(after);
        u64::from_be_bytes(*first)
    };
    let numbers: [u64; 4] = std::array::from_fn(|_| number());
    let hashes: Vec<Hash> = rest.get().as_chunks().0.iter().map(|hash| (*hash).into()).collect();
    let Some((root, hashes)) = hashes.split_first() else { return };
    let [index, size, other, _] = numbers;
    // Whatever is accepted begins with the root; with hashes from outside, only a tree of one leaf fits.
    let accepted = proof::verify_inclusion(*root, index, size, hashes, root).is_ok();
    assert!(!accepted || (size == 1 && hashes.is_empty()));
    let _ = proof::verify_consistency(other, root, size, root, hashes);
    let _ = proof::roots_of_consistency(other, size, hashes);
    let leaves: Vec<(u64, Hash)> =
        numbers.iter().zip(hashes).map(|(index, hash)| (*index, *hash)).collect();
    let _ = batch::verify(&leaves, size, hashes, root);
    let mut reader = TileReader::of_root(size, *root);
    let wanted = reader.wanted_for_entries([index]);
    assert!(wanted.len() <= 16);
    let bytes = hashes.iter().flat_map(|hash| *hash.as_bytes());
    let fetched: Vec<(Tile, Vec<u8>)> = wanted
        .into_iter()
        .map(|tile| (tile, bytes.clone().cycle().take(tile.byte_length()).collect()))
        .collect();
    let _ = reader.prove(&fetched);
}
