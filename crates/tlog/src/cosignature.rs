//! Cosignatures: that a witness saw a checkpoint, consistent with all before it, at a time.
//!
//! Specification: [C2SP tlog-cosignature](https://c2sp.org/tlog-cosignature), "Ed25519 signed message".

use crate::note::{KeyType, Note, NoteError, Signature, Signed, SignerKey, VerifierKey};

/// The largest time: seconds since 1970 have to fit a signed number.
pub const MAXIMUM_TIME: u64 = i64::MAX as u64;

/// That a witness cosigned, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamped {
    /// The witness.
    pub key: VerifierKey,
    /// Seconds since 1970, by the witness's clock.
    pub time: u64,
}

/// Cosigns the text of a checkpoint. The caller has checked its consistency, see
/// [`crate::witness::decide`].
pub fn sign(text: &str, key: &SignerKey, time: u64) -> Result<Signature, NoteError> {
    if key.kind() != KeyType::Cosignature || time > MAXIMUM_TIME {
        return Err(NoteError::SignsOtherwise { name: key.name().to_owned() });
    }
    let signature = key.sign_bytes(message(text, time).as_bytes());
    let bytes = [&time.to_be_bytes()[..], &signature].concat();
    Ok(Signature::new(key.name(), key.id(), bytes))
}

/// Which of the witnesses cosigned a note. A wrong cosignature by one of them is an error. Who has two
/// names and one key counts once: a quorum counts keys.
pub fn verify(note: &Note, witnesses: &[VerifierKey]) -> Result<Vec<Timestamped>, NoteError> {
    let mut cosigned: Vec<Timestamped> = Vec::new();
    for Signed { key, time } in note.signed_by(witnesses)? {
        let counted = cosigned.iter().any(|other| other.key.public() == key.public());
        if let (Some(time), false) = (time, counted) {
            cosigned.push(Timestamped { key, time });
        }
    }
    Ok(cosigned)
}

/// What a witness signs: the time, and the whole text of the checkpoint.
pub(crate) fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// The time and the signature proper.
pub(crate) fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = bytes.split_first_chunk()?;
    let time = u64::from_be_bytes(*time);
    (time <= MAXIMUM_TIME).then_some((time, signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note;

    fn key(name: &str, kind: KeyType, seed: u8) -> SignerKey {
        SignerKey::from_seed(name, kind, &[seed; 32]).unwrap()
    }

    fn cosigned() -> (Note, Vec<VerifierKey>) {
        let log = key("example.org/log", KeyType::Ed25519, 1);
        let one = key("example.org/one", KeyType::Cosignature, 2);
        let two = key("example.org/two", KeyType::Cosignature, 3);
        let mut note = note::sign("example.org/log\n0\n", &[&log]).unwrap();
        note.add(sign(note.text(), &one, 1_679_315_147).unwrap()).unwrap();
        note.add(sign(note.text(), &two, 1_679_315_148).unwrap()).unwrap();
        (note, vec![one.verifier().clone(), two.verifier().clone()])
    }

    #[test]
    fn cosignatures_are_told_with_their_times() {
        let (note, witnesses) = cosigned();
        let times: Vec<u64> =
            verify(&note, &witnesses).unwrap().iter().map(|cosigned| cosigned.time).collect();
        assert_eq!(times, [1_679_315_147, 1_679_315_148]);
        assert_eq!(verify(&note, &witnesses[1..]).unwrap().len(), 1);
        assert_eq!(verify(&note, &[]), Ok(Vec::new()));
    }

    #[test]
    fn every_flipped_byte_of_a_cosignature_is_refused() {
        let (note, witnesses) = cosigned();
        let Signature { .. } = &note.signatures()[1];
        let signature = &note.signatures()[1];
        for byte in 0..signature.bytes().len() {
            let mut bytes = signature.bytes().to_vec();
            bytes[byte] ^= 1;
            let mut changed = note.clone();
            changed.add(Signature::new(signature.name(), signature.id(), bytes)).unwrap();
            let refused = verify(&changed, &witnesses);
            assert_eq!(refused, Err(NoteError::Signature { name: "example.org/one".into() }));
        }
    }

    #[test]
    fn a_cosignature_of_another_text_is_refused() {
        let (note, witnesses) = cosigned();
        let text = note.to_text().replacen("log\n0\n", "log\n1\n", 1);
        let other = Note::parse(text.as_bytes()).unwrap();
        let refused = verify(&other, &witnesses);
        assert_eq!(refused, Err(NoteError::Signature { name: "example.org/one".into() }));
    }

    #[test]
    fn one_key_with_two_names_counts_once() {
        let (mut note, mut witnesses) = cosigned();
        let double = key("example.org/double", KeyType::Cosignature, 2);
        note.add(sign(note.text(), &double, 7).unwrap()).unwrap();
        witnesses.push(double.verifier().clone());
        assert_eq!(verify(&note, &witnesses).unwrap().len(), 2);
    }

    #[test]
    fn a_plain_key_does_not_cosign_and_a_cosigner_does_not_sign_plainly() {
        let log = key("example.org/log", KeyType::Ed25519, 1);
        let witness = key("example.org/one", KeyType::Cosignature, 2);
        let refused = NoteError::SignsOtherwise { name: "example.org/log".into() };
        assert_eq!(sign("text\n", &log, 1), Err(refused));
        let refused = NoteError::SignsOtherwise { name: "example.org/one".into() };
        assert_eq!(note::sign("text\n", &[&witness]), Err(refused.clone()));
        assert_eq!(sign("text\n", &witness, MAXIMUM_TIME + 1), Err(refused));
    }

    #[test]
    fn a_plain_signature_of_a_cosigners_point_does_not_count_as_a_cosignature() {
        let plain = key("example.org/both", KeyType::Ed25519, 9);
        let witness = key("example.org/both", KeyType::Cosignature, 9);
        let note = note::sign("text\n", &[&plain]).unwrap();
        assert_eq!(verify(&note, std::slice::from_ref(witness.verifier())), Ok(Vec::new()));
        assert_eq!(verify(&note, std::slice::from_ref(plain.verifier())), Ok(Vec::new()));
    }
}
