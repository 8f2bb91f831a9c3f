use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature;
use crate::hash::{EMPTY_ROOT, leaf_hash};
use crate::note::{KeyType, SignerKey};
use crate::proof::memory::MemoryNodes;

const ORIGIN: &str = "example.org/log";

fn key(name: &str, kind: KeyType, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).unwrap()
}

fn log_key() -> VerifierKey {
    key(ORIGIN, KeyType::Ed25519, 1).verifier().clone()
}

fn entry(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn made(index: u64, size: u64) -> TlogProof {
    let tree = MemoryNodes::of((0..size).map(entry));
    let checkpoint = Checkpoint::new(ORIGIN, size, tree.root()).unwrap();
    let mut signed = checkpoint.sign(&[&key(ORIGIN, KeyType::Ed25519, 1)]).unwrap();
    let witness = key("example.org/witness", KeyType::Cosignature, 2);
    let line = cosignature::sign(signed.note().text(), &witness, 7).unwrap().to_line();
    let known = [witness.verifier().clone()];
    assert!(signed.add_cosignature(&line, &known).unwrap().is_some());
    TlogProof {
        extra: Some(entry(index).to_vec()),
        index,
        proof: proof::prove_inclusion(index, size, &tree).unwrap(),
        checkpoint: signed.note().clone(),
    }
}

fn check(text: &str) -> Result<SignedCheckpoint, TlogProofError> {
    let read = TlogProof::parse(text.as_bytes())?;
    let leaf = leaf_hash(read.extra.as_deref().unwrap_or_default());
    read.verify(leaf, ORIGIN, &[log_key()])
}

#[test]
fn files_are_read_as_they_are_written_and_verify() {
    for (index, size) in [(0, 1), (0, 2), (5, 9), (299, 300)] {
        let proof = made(index, size);
        let text = proof.to_text();
        assert_eq!(TlogProof::parse(text.as_bytes()).as_ref(), Ok(&proof));
        let checkpoint = check(&text).unwrap();
        let witness = key("example.org/witness", KeyType::Cosignature, 2);
        let known = [witness.verifier().clone()];
        assert_eq!(checkpoint.cosignatures(&known).unwrap().len(), 1);
        let without = TlogProof { extra: None, ..proof };
        assert_eq!(TlogProof::parse(without.to_text().as_bytes()), Ok(without));
    }
}

#[test]
fn every_flipped_byte_is_refused() {
    let text = made(5, 9).to_text();
    // The cosignature is checked by who asks for witnesses.
    let signed = text.find("\u{2014} example.org/witness").unwrap();
    for position in 0..signed - 1 {
        for bit in [1, 4, 0x80] {
            let mut bytes = text.as_bytes().to_vec();
            bytes[position] ^= bit;
            let refused = TlogProof::parse(&bytes).and_then(|read| {
                let leaf = leaf_hash(read.extra.as_deref().unwrap_or_default());
                read.verify(leaf, ORIGIN, &[log_key()])
            });
            assert!(refused.is_err(), "{position} {bit}");
        }
    }
}

#[test]
fn another_leaf_log_or_key_is_refused_for_its_reason() {
    let proof = made(5, 9);
    let refused = proof.verify(leaf_hash(b"other"), ORIGIN, &[log_key()]);
    assert!(matches!(refused, Err(TlogProofError::Proof(ProofError::Root { .. }))));
    let other = key(ORIGIN, KeyType::Ed25519, 9).verifier().clone();
    let refused = proof.verify(leaf_hash(&entry(5)), ORIGIN, &[other]);
    let unsigned = CheckpointError::Note(NoteError::Unsigned);
    assert_eq!(refused, Err(TlogProofError::Checkpoint(unsigned)));
    let refused = proof.verify(leaf_hash(&entry(5)), "example.org/other", &[log_key()]);
    let (expected, found) = ("example.org/other".into(), ORIGIN.into());
    let other = CheckpointError::OtherOrigin { expected, found };
    assert_eq!(refused, Err(TlogProofError::Checkpoint(other)));
    let beyond = TlogProof { index: 9, ..proof };
    let refused = beyond.verify(leaf_hash(&entry(5)), ORIGIN, &[log_key()]);
    let range = ProofError::Range { wanted: 9, size: 9 };
    assert_eq!(refused, Err(TlogProofError::Proof(range)));
}

#[test]
fn files_of_another_form_are_refused() {
    let good = made(5, 9).to_text();
    let many = vec![EMPTY_ROOT.to_base64(); 64].join("\n");
    let long = STANDARD.encode(vec![0; MAXIMUM_EXTRA + 1]);
    for (from, to, expected) in [
        ("@v1", "@v2", TlogProofError::Header),
        ("extra AAAAAAAAAAU=", "extra AAAAAAAAAAV=", TlogProofError::Extra),
        ("extra AAAAAAAAAAU=", &format!("extra {long}"), TlogProofError::Extra),
        ("extra ", "Extra ", TlogProofError::Index),
        ("extra ", "extra AA==\nextra ", TlogProofError::Index),
        ("index 5", "index 05", TlogProofError::Index),
        ("index 5\n", "", TlogProofError::Index),
        ("index 5\n", &format!("index 5\n{many}\n"), TlogProofError::TooManyHashes),
        (
            "index 5\n",
            "index 5\nhash\n",
            TlogProofError::Hash(Hash::from_base64("hash").unwrap_err()),
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        let refused = TlogProof::parse(text.as_bytes());
        assert_eq!(refused, Err(expected), "{text}");
    }
    // An empty line in the middle makes a note of what follows: signed, but another text.
    let refused = check(&good.replacen("index 5\n", "index 5\n\n", 1));
    let wrong = NoteError::Signature { name: ORIGIN.into() };
    assert_eq!(refused, Err(TlogProofError::Checkpoint(CheckpointError::Note(wrong))));
    let refused = TlogProof::parse(&vec![b'x'; MAXIMUM_FILE + 1]);
    assert_eq!(refused, Err(TlogProofError::TooLong { found: MAXIMUM_FILE + 1 }));
    assert_eq!(TlogProof::parse(b"x"), Err(TlogProofError::Form));
}
