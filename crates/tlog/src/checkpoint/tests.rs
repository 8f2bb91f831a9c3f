use super::*;
use crate::hash::leaf_hash;
use crate::note::KeyType;

const ORIGIN: &str = "example.org/log";

fn key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[seed; 32]).unwrap()
}

fn witness(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, KeyType::Cosignature, &[seed; 32]).unwrap()
}

fn one() -> Checkpoint {
    Checkpoint::new(ORIGIN, 1, leaf_hash(b"entry")).unwrap()
}

#[test]
fn texts_are_read_as_they_are_written() {
    let plain = one();
    let text = format!("{ORIGIN}\n1\n{}\n", leaf_hash(b"entry"));
    assert_eq!(plain.to_text(), text);
    assert_eq!(Checkpoint::parse(&text), Ok(plain));
    let timed = one().with_extension("who knows").unwrap().with_time(1_700_000_000);
    assert_eq!(timed.stated_time(), Some(1_700_000_000));
    assert_eq!(Checkpoint::parse(&timed.to_text()), Ok(timed));
    let empty = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).unwrap();
    assert_eq!(Checkpoint::parse(&empty.to_text()), Ok(empty));
}

#[test]
fn texts_of_another_form_are_refused() {
    let root = leaf_hash(b"entry").to_base64();
    let size = |found: &str| CheckpointError::Size { found: found.into() };
    let wrong_root = EMPTY_ROOT.to_base64().replace('=', "");
    for (text, expected) in [
        (String::new(), CheckpointError::Lines),
        (format!("{ORIGIN}\n1\n{root}"), CheckpointError::Lines),
        (format!("{ORIGIN}\n1\n"), CheckpointError::Lines),
        (format!("\n1\n{root}\n"), CheckpointError::Origin),
        (format!("{ORIGIN}\n01\n{root}\n"), size("01")),
        (format!("{ORIGIN}\n+1\n{root}\n"), size("+1")),
        (format!("{ORIGIN}\n-1\n{root}\n"), size("-1")),
        (format!("{ORIGIN}\n\n{root}\n"), size("")),
        (format!("{ORIGIN}\n1 \n{root}\n"), size("1 ")),
        (format!("{ORIGIN}\n9223372036854775808\n{root}\n"), size("9223372036854775808")),
        (format!("{ORIGIN}\n18446744073709551616\n{root}\n"), size("18446744073709551616")),
        (
            format!("{ORIGIN}\n0\n{root}\n"),
            CheckpointError::EmptyRoot { found: leaf_hash(b"entry") },
        ),
        (
            format!("{ORIGIN}\n1\n{wrong_root}\n"),
            CheckpointError::Root(Hash::from_base64(&wrong_root).unwrap_err()),
        ),
        (format!("{ORIGIN}\n1\n{root}\n\n"), CheckpointError::Extension),
        (format!("{ORIGIN}\n1\n{root}\none\n\ntwo\n"), CheckpointError::Extension),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(expected), "{text:?}");
    }
}

#[test]
fn a_key_of_the_log_has_to_have_signed() {
    let (old, new, stranger) = (key(1), key(2), key(3));
    let bytes = one().sign(&[&old]).unwrap().note().to_text().into_bytes();
    let keys = [new.verifier().clone(), old.verifier().clone()];
    let opened = SignedCheckpoint::open(&bytes, ORIGIN, &keys).unwrap();
    assert_eq!(opened.checkpoint(), &one());
    assert_eq!(opened.signed()[0].key, keys[1]);

    let refused = SignedCheckpoint::open(&bytes, ORIGIN, &keys[..1]);
    assert_eq!(refused, Err(CheckpointError::Note(NoteError::Unsigned)));
    let refused = SignedCheckpoint::open(&bytes, ORIGIN, std::slice::from_ref(stranger.verifier()));
    assert_eq!(refused, Err(CheckpointError::Note(NoteError::Unsigned)));
    let (expected, found) = ("example.org/other".to_owned(), ORIGIN.to_owned());
    let refused = SignedCheckpoint::open(&bytes, &expected, &keys);
    assert_eq!(refused, Err(CheckpointError::OtherOrigin { expected, found }));
}

#[test]
fn cosignatures_are_taken_along_once_they_fit() {
    let log = key(1);
    let (first, second) = (witness("example.org/one", 4), witness("example.org/two", 5));
    let witnesses = [first.verifier().clone(), second.verifier().clone()];
    let mut signed = one().sign(&[&log]).unwrap();
    let line = cosignature::sign(signed.note().text(), &first, 7).unwrap().to_line();
    assert_eq!(signed.add_cosignature(&line, &witnesses).unwrap().unwrap().time, 7);
    let unknown = witness("example.org/three", 6);
    let line = cosignature::sign(signed.note().text(), &unknown, 7).unwrap().to_line();
    assert_eq!(signed.add_cosignature(&line, &witnesses), Ok(None));
    let wrong = cosignature::sign("another text\n", &second, 7).unwrap().to_line();
    let refused = signed.add_cosignature(&wrong, &witnesses);
    assert_eq!(refused, Err(NoteError::Signature { name: "example.org/two".into() }));

    let bytes = signed.note().to_text().into_bytes();
    let opened = SignedCheckpoint::open(&bytes, ORIGIN, std::slice::from_ref(log.verifier()));
    assert_eq!(opened.unwrap().cosignatures(&witnesses).unwrap().len(), 1);
    // A witness alone does not stand in for the log.
    let alone = bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>();
    let mut alone: Vec<&[u8]> = alone.into_iter().filter(|line| !line.is_empty()).collect();
    alone.insert(3, b"");
    alone.remove(4);
    let alone = [alone.join(&b'\n'), b"\n".to_vec()].concat();
    let refused = SignedCheckpoint::open(&alone, ORIGIN, std::slice::from_ref(log.verifier()));
    assert_eq!(refused, Err(CheckpointError::Note(NoteError::Unsigned)));
}
