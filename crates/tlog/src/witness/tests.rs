use super::*;
use crate::hash::{EMPTY_ROOT, leaf_hash};
use crate::note::{self, KeyType};
use crate::proof::memory::MemoryNodes;

const ORIGIN: &str = "example.org/log";

fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32]).unwrap()
}

fn tree(size: u64) -> MemoryNodes {
    MemoryNodes::of((0..size).map(u64::to_be_bytes))
}

/// A tree whose third entry is another one.
fn forked(size: u64) -> MemoryNodes {
    MemoryNodes::of((0..size).map(|index| if index == 2 { [9; 8] } else { index.to_be_bytes() }))
}

fn signed(tree: &MemoryNodes, time: u64) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    checkpoint.with_time(time).sign(&[&log_key()]).unwrap()
}

fn request(old: u64, tree: &MemoryNodes, time: u64) -> AddCheckpoint {
    let proof = proof::prove_consistency(old, tree.size(), tree).unwrap_or_default();
    AddCheckpoint::new(old, proof, signed(tree, time).note().clone()).unwrap()
}

fn answer(latest: Option<&SignedCheckpoint>, request: &AddCheckpoint) -> Answer {
    let keys = [log_key().verifier().clone()];
    // What is decided about is what was read.
    let read = AddCheckpoint::parse(request.to_text().as_bytes()).unwrap();
    assert_eq!(read, *request);
    decide(Some(&LogState { origin: ORIGIN, keys: &keys, latest }), &read)
}

fn refusal(latest: Option<&SignedCheckpoint>, request: &AddCheckpoint) -> Refusal {
    match answer(latest, request) {
        Answer::Refuse(refusal) => refusal,
        Answer::Cosign(checkpoint) => panic!("cosigned: {checkpoint:?}"),
    }
}

#[test]
fn consistent_checkpoints_are_cosigned() {
    let witness =
        SignerKey::from_seed("example.org/witness", KeyType::Cosignature, &[2; 32]).unwrap();
    let witnesses = [witness.verifier().clone()];
    let mut latest: Option<SignedCheckpoint> = None;
    for size in [0, 0, 1, 4, 5, 8, 8, 100] {
        let old = latest.as_ref().map_or(0, SignedCheckpoint::size);
        let sent = request(old, &tree(size), size);
        let Answer::Cosign(mut checkpoint) = answer(latest.as_ref(), &sent) else {
            panic!("refused at {size}");
        };
        let line = cosign(&checkpoint, &witness, 1_700_000_000).unwrap().to_line();
        assert!(checkpoint.add_cosignature(&line, &witnesses).unwrap().is_some());
        assert_eq!(checkpoint.cosignatures(&witnesses).unwrap()[0].time, 1_700_000_000);
        latest = Some(*checkpoint);
    }
}

#[test]
fn an_unknown_log_is_404() {
    let sent = request(0, &tree(3), 1);
    assert_eq!(decide(None, &sent), Answer::Refuse(Refusal::UnknownOrigin));
    let keys = [log_key().verifier().clone()];
    let state = LogState { origin: "example.org/other", keys: &keys, latest: None };
    assert_eq!(decide(Some(&state), &sent), Answer::Refuse(Refusal::UnknownOrigin));
    assert_eq!(Refusal::UnknownOrigin.status(), 404);
}

#[test]
fn a_wrong_or_missing_signature_is_403() {
    let stranger = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[7; 32]).unwrap();
    let text = signed(&tree(3), 1).note().text().to_owned();
    let unsigned = note::sign(&text, &[&stranger]).unwrap();
    let refused = refusal(None, &AddCheckpoint::new(0, Vec::new(), unsigned).unwrap());
    assert_eq!(refused, Refusal::Signature(NoteError::Unsigned));
    assert_eq!(refused.status(), 403);
    let mut wrong = signed(&tree(3), 1).note().clone();
    wrong.add(signed(&tree(4), 1).note().signatures()[0].clone()).unwrap();
    let refused = refusal(None, &AddCheckpoint::new(0, Vec::new(), wrong).unwrap());
    assert_eq!(refused, Refusal::Signature(NoteError::Signature { name: ORIGIN.into() }));
    assert_eq!(refused.status(), 403);
}

#[test]
fn a_note_that_is_no_checkpoint_and_an_old_size_above_the_new_are_400() {
    let text = format!("{ORIGIN}\n03\n{EMPTY_ROOT}\n");
    let malformed = note::sign(&text, &[&log_key()]).unwrap();
    let refused = refusal(None, &AddCheckpoint::new(0, Vec::new(), malformed).unwrap());
    assert_eq!(refused, Refusal::Malformed(CheckpointError::Size { found: "03".into() }));
    assert_eq!(refused.status(), 400);
    let latest = signed(&tree(5), 1);
    let refused = refusal(Some(&latest), &request(5, &tree(4), 1));
    assert_eq!(refused, Refusal::OldAboveNew { old_size: 5, new_size: 4, evidence: None });
    assert_eq!(refused.status(), 400);
}

#[test]
fn another_old_size_is_409_and_tells_the_latest() {
    let latest = signed(&tree(5), 1);
    for (latest, old, size) in
        [(Some(&latest), 4, 5), (Some(&latest), 6, 5), (Some(&latest), 0, 5), (None, 3, 0)]
    {
        let refused = refusal(latest, &request(old, &tree(8), 2));
        assert_eq!(refused, Refusal::Conflict { size, evidence: None });
        assert_eq!((refused.status(), refused.body()), (409, format!("{size}\n")));
    }
}

#[test]
fn the_empty_tree_with_another_root_is_422() {
    let text = format!("{ORIGIN}\n0\n{}\n", leaf_hash(b""));
    let note = note::sign(&text, &[&log_key()]).unwrap();
    let refused = refusal(None, &AddCheckpoint::new(0, Vec::new(), note).unwrap());
    let found = leaf_hash(b"");
    assert_eq!(refused, Refusal::Unprocessable(CheckpointError::EmptyRoot { found }));
    assert_eq!(refused.status(), 422);
}

#[test]
fn a_proof_that_does_not_verify_is_422() {
    let latest = signed(&tree(5), 1);
    let good = request(5, &tree(9), 2);
    for place in 0..good.proof.len() {
        let mut changed = good.clone();
        changed.proof[place] = EMPTY_ROOT;
        let refused = refusal(Some(&latest), &changed);
        let Refusal::Inconsistent { error: ProofError::Root { .. }, evidence: None } = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!(refused.status(), 422);
    }
    let mut short = good.clone();
    let expected = short.proof.len();
    short.proof.pop();
    let error = ProofError::Length { expected, found: expected - 1 };
    let refused = refusal(Some(&latest), &short);
    assert_eq!(refused, Refusal::Inconsistent { error, evidence: None });
    let mut first = request(0, &tree(9), 2);
    first.proof.push(EMPTY_ROOT);
    let error = ProofError::Length { expected: 0, found: 1 };
    assert_eq!(refusal(None, &first), Refusal::Inconsistent { error, evidence: None });
}

#[test]
fn two_roots_for_one_size_are_refused_and_convicted() {
    let latest = signed(&tree(5), 1);
    let lie = request(5, &forked(5), 1);
    let refused = refusal(Some(&latest), &lie);
    assert_eq!(refused.status(), 422);
    let expected = Evidence::SameSize { first: latest.note().clone(), second: lie.note().clone() };
    assert_eq!(refused.evidence(), Some(&expected));
    // Whatever size the request says that it starts from: both notes are signed.
    let lie = request(0, &forked(5), 1);
    let refused = refusal(Some(&latest), &lie);
    assert_eq!((refused.status(), refused.evidence()), (409, Some(&expected)));
}

#[test]
fn a_tree_that_does_not_begin_with_the_older_one_is_refused_and_convicted() {
    let latest = signed(&tree(5), 1);
    let lie = request(5, &forked(9), 2);
    let refused = refusal(Some(&latest), &lie);
    assert_eq!(refused.status(), 422);
    let Some(Evidence::Inconsistent { older, newer, proof }) = refused.evidence() else {
        panic!("{refused:?}");
    };
    assert_eq!((older, newer), (latest.note(), lie.note()));
    let (old, new) = proof::roots_of_consistency(5, 9, proof).unwrap();
    assert_eq!(new, forked(9).root());
    assert_ne!(old, *latest.root());
    // From a power of two the proof alone does not convict: it is refused all the same.
    let latest = signed(&tree(4), 1);
    let refused = refusal(Some(&latest), &request(4, &forked(9), 2));
    assert!(matches!(refused, Refusal::Inconsistent { evidence: None, .. }));
}

#[test]
fn a_tree_that_shrank_is_refused_and_convicted_by_its_own_times() {
    let latest = signed(&tree(5), 10);
    let shrunk = request(0, &tree(4), 11);
    let refused = refusal(Some(&latest), &shrunk);
    assert_eq!(refused.status(), 409);
    let expected =
        Evidence::RolledBack { larger: latest.note().clone(), smaller: shrunk.note().clone() };
    assert_eq!(refused.evidence(), Some(&expected));
    let refused = refusal(Some(&latest), &request(5, &tree(4), 11));
    assert_eq!((refused.status(), refused.evidence()), (400, Some(&expected)));
    // An older checkpoint, sent again, is no crime.
    let refused = refusal(Some(&latest), &request(0, &tree(4), 10));
    assert_eq!(refused, Refusal::Conflict { size: 5, evidence: None });
}

#[test]
fn requests_of_another_form_are_refused() {
    let good = request(5, &tree(9), 2).to_text();
    let hash = EMPTY_ROOT.to_base64();
    let many = "\n".to_owned() + &vec![hash.as_str(); 64].join("\n");
    for (text, expected) in [
        (String::new(), RequestError::Form),
        (good.replacen("old 5", "old 05", 1), RequestError::Form),
        (good.replacen("old 5", "old  5", 1), RequestError::Form),
        (good.replacen("old 5", "old -5", 1), RequestError::Form),
        (good.replacen("old 5", "Old 5", 1), RequestError::Form),
        (good.replacen("old 5", "5", 1), RequestError::Form),
        (good.replacen("old 5", &format!("old 5{many}"), 1), RequestError::TooManyHashes),
        (
            good.replacen("old 5", "old 5\nhash", 1),
            RequestError::Hash(Hash::from_base64("hash").unwrap_err()),
        ),
        ("old 0\n\ntext\n".to_owned(), RequestError::Note(NoteError::NoSignatures)),
    ] {
        assert_eq!(AddCheckpoint::parse(text.as_bytes()), Err(expected), "{text}");
    }
    assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
    let long = vec![b'x'; MAXIMUM_REQUEST + 1];
    let refused = AddCheckpoint::parse(&long);
    assert_eq!(refused, Err(RequestError::TooLong { found: MAXIMUM_REQUEST + 1 }));
    let note = signed(&tree(1), 1).note().clone();
    let refused = AddCheckpoint::new(0, vec![EMPTY_ROOT; 64], note);
    assert_eq!(refused, Err(RequestError::TooManyHashes));
}
