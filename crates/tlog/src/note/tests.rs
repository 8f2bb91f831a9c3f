use ed25519_dalek::{Verifier, VerifyingKey};

use super::*;

const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, KeyType::Ed25519, &[seed; 32]).unwrap()
}

fn example_key() -> VerifierKey {
    VerifierKey::parse(EXAMPLE_KEY).unwrap()
}

#[test]
fn the_specifications_example_verifies() {
    let opened = open(EXAMPLE.as_bytes(), &[example_key()]).unwrap();
    assert_eq!(opened.text(), "This is an example message.\n");
    assert_eq!(opened.signed(), [Signed { key: example_key(), time: None }]);
    assert_eq!(opened.note().to_text(), EXAMPLE);
    assert_eq!(example_key().to_string(), EXAMPLE_KEY);
}

#[test]
fn every_flipped_byte_of_the_example_is_refused() {
    for position in 0..EXAMPLE.len() {
        for bit in [1, 4, 0x20, 0x80] {
            let mut bytes = EXAMPLE.as_bytes().to_vec();
            bytes[position] ^= bit;
            assert!(open(&bytes, &[example_key()]).is_err(), "{position} {bit}");
        }
    }
}

#[test]
fn keys_go_through_their_texts() {
    let key = signer("example.org/log", 7);
    let again = SignerKey::parse(&key.to_secret_text()).unwrap();
    assert_eq!(again.verifier(), key.verifier());
    assert_eq!(VerifierKey::parse(&key.verifier().to_string()).as_ref(), Ok(key.verifier()));
    assert!(!format!("{key:?}").contains(&key.to_secret_text()[40..]));
}

#[test]
fn keys_of_another_form_are_refused() {
    let point = "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for (text, expected) in [
        ("", KeyError::Malformed),
        ("example.com/foo+530d903a", KeyError::Malformed),
        ("example.com/foo+530d903a+***", KeyError::Malformed),
        ("example.com/foo+530d903a+", KeyError::Malformed),
        (
            &format!("example.com/foo+530D903A+{point}"),
            KeyError::Id { expected: "530d903a".into() },
        ),
        (
            &format!("example.com/foo+530d903b+{point}"),
            KeyError::Id { expected: "530d903a".into() },
        ),
        (&format!("+530d903a+{point}"), KeyError::Name),
        (&format!("a b+530d903a+{point}"), KeyError::Name),
        (&format!("a\u{a0}b+530d903a+{point}"), KeyError::Name),
        ("example.com/foo+530d903a+AQ==", KeyError::Length { expected: 32, found: 0 }),
        ("example.com/foo+530d903a+Ag==", KeyError::Type { found: 2 }),
    ] {
        assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
    }
    // All zeros is a point of small order: anybody signs anything under it.
    let weak = STANDARD.encode([&[1_u8][..], &[0; 32]].concat());
    assert_eq!(VerifierKey::parse(&format!("weak+00000000+{weak}")), Err(KeyError::Point));
    let secret = signer("example.org/log", 7).to_secret_text();
    assert_eq!(VerifierKey::parse(&secret).unwrap_err(), KeyError::Malformed);
    assert_eq!(SignerKey::parse(EXAMPLE_KEY).unwrap_err(), KeyError::Malformed);
    let other = secret.replacen("example.org", "example.net", 1);
    assert!(matches!(SignerKey::parse(&other), Err(KeyError::Id { .. })));
}

#[test]
fn keys_of_ml_dsa_are_known_by_name_and_never_count() {
    let encoded = STANDARD.encode([&[6_u8][..], &[1; 1312]].concat());
    let Err(KeyError::Id { expected }) = VerifierKey::parse(&format!("new+00000000+{encoded}"))
    else {
        panic!("the number is not zero");
    };
    let key = VerifierKey::parse(&format!("new+{expected}+{encoded}")).unwrap();
    assert_eq!((key.kind(), key.can_verify()), (KeyType::MlDsa44, false));
    let log = signer("example.org/log", 1);
    let mut note = sign("text\n", &[&log]).unwrap();
    note.add(Signature::new("new", key.id(), vec![1; 2428])).unwrap();
    let keys = [log.verifier().clone(), key.clone()];
    assert_eq!(note.clone().verify(&keys).unwrap().signed().len(), 1);
    assert_eq!(note.verify(&[key]), Err(NoteError::Unsigned));
    let short = STANDARD.encode([&[6_u8][..], &[1; 32]].concat());
    let refused = VerifierKey::parse(&format!("new+{expected}+{short}"));
    assert_eq!(refused, Err(KeyError::Length { expected: 1312, found: 32 }));
    let refused = SignerKey::from_seed("new", KeyType::MlDsa44, &[1; 32]).unwrap_err();
    assert_eq!(refused, KeyError::Type { found: 6 });
}

#[test]
fn several_sign_and_unknown_ones_are_ignored() {
    let (one, two, three) = (signer("one", 1), signer("two", 2), signer("three", 3));
    let note = sign("a text\n\nwith an empty line\n", &[&one, &two]).unwrap();
    let bytes = note.to_text().into_bytes();
    let keys = [three.verifier().clone(), two.verifier().clone()];
    let opened = open(&bytes, &keys).unwrap();
    assert_eq!(opened.text(), "a text\n\nwith an empty line\n");
    assert_eq!(opened.signed(), [Signed { key: two.verifier().clone(), time: None }]);
    assert_eq!(open(&bytes, &keys[..1]), Err(NoteError::Unsigned));
    assert_eq!(open(&bytes, &[]), Err(NoteError::Unsigned));
    // The name alone, with another number, is another key.
    let namesake = signer("one", 9);
    assert_eq!(open(&bytes, &[namesake.verifier().clone()]), Err(NoteError::Unsigned));
}

#[test]
fn one_wrong_signature_by_a_known_key_condemns_the_note() {
    let (one, two) = (signer("one", 1), signer("two", 2));
    let mut note = sign("text\n", &[&one, &two]).unwrap();
    let other = sign("other\n", &[&two]).unwrap();
    note.add(other.signatures()[0].clone()).unwrap();
    let keys = [one.verifier().clone(), two.verifier().clone()];
    let refused = note.clone().verify(&keys);
    assert_eq!(refused, Err(NoteError::Signature { name: "two".into() }));
    assert!(note.verify(&keys[..1]).is_ok());
}

#[test]
fn a_second_signature_by_one_key_is_not_looked_at() {
    let one = signer("one", 1);
    let note = sign("text\n", &[&one]).unwrap();
    let wrong = Signature::new("one", one.id(), vec![0; 64]);
    let text = note.to_text() + &wrong.to_line();
    let keys = [one.verifier().clone()];
    assert_eq!(open(text.as_bytes(), &keys).unwrap().signed().len(), 1);
    let text = format!("text\n\n{}{}", wrong.to_line(), note.signatures()[0].to_line());
    let refused = open(text.as_bytes(), &keys);
    assert_eq!(refused, Err(NoteError::Signature { name: "one".into() }));
}

#[test]
fn notes_of_another_form_are_refused() {
    let line = EXAMPLE.lines().nth(2).unwrap();
    let (rest, encoded) = line.rsplit_once(' ').unwrap();
    let malformed = |found: &str| NoteError::Line { found: found.chars().take(80).collect() };
    for (text, expected) in [
        (String::new(), NoteError::NoSignatures),
        ("text\n".to_owned(), NoteError::NoSignatures),
        ("text\n\n".to_owned(), NoteError::NoSignatures),
        (format!("text\n{line}\n"), NoteError::NoSignatures),
        (format!("text\n\n{line}"), NoteError::NoSignatures),
        (format!("te\rxt\n\n{line}\n"), NoteError::Control { position: 2 }),
        (format!("te\0xt\n\n{line}\n"), NoteError::Control { position: 2 }),
        (format!("text\n\n{line}\t\n"), NoteError::Control { position: 6 + line.len() }),
        (format!("text\n\n{line}\nmore\n"), malformed("more")),
        (format!("text\n\n-{line}\n"), malformed(&format!("-{line}"))),
        (format!("text\n\n{rest}\n"), malformed(rest)),
        (format!("text\n\n{rest} \n"), malformed(&format!("{rest} "))),
        (format!("text\n\n{rest}  {encoded}\n"), malformed(&format!("{rest}  {encoded}"))),
        (format!("text\n\n{rest}+ {encoded}\n"), malformed(&format!("{rest}+ {encoded}"))),
        (format!("text\n\n{rest} AAAAAA==\n"), malformed(&format!("{rest} AAAAAA=="))),
        (format!("text\n\n{rest} AAAA\n"), malformed(&format!("{rest} AAAA"))),
        (format!("text\n\n{DASH} {encoded}\n"), malformed(&format!("{DASH} {encoded}"))),
    ] {
        assert_eq!(Note::parse(text.as_bytes()), Err(expected), "{text:?}");
    }
    assert_eq!(Note::parse(b"te\xffxt\n\n"), Err(NoteError::Encoding));
}

#[test]
fn sizes_and_numbers_are_bounded() {
    let keys: Vec<SignerKey> = (0..64).map(|seed| signer(&format!("key{seed}"), seed)).collect();
    let all: Vec<&SignerKey> = keys.iter().collect();
    let note = sign("text\n", &all).unwrap();
    let known: Vec<VerifierKey> = keys.iter().map(|key| key.verifier().clone()).collect();
    assert_eq!(open(note.to_text().as_bytes(), &known).unwrap().signed().len(), 64);
    let mut more = note.clone();
    let refused = more.add(Signature::new("more", 1, vec![1]));
    assert_eq!(refused, Err(NoteError::TooManySignatures));
    let more = note.to_text() + &Signature::new("more", 1, vec![1]).to_line();
    assert_eq!(Note::parse(more.as_bytes()), Err(NoteError::TooManySignatures));

    let long = "x".repeat(MAXIMUM_BYTES);
    assert_eq!(
        Note::parse(format!("{long}\n").as_bytes()),
        Err(NoteError::TooLong { found: MAXIMUM_BYTES + 1, limit: MAXIMUM_BYTES })
    );
}

#[test]
fn a_longer_note_needs_the_word_of_both_sides() {
    let one = signer("one", 1);
    let long = "x".repeat(MAXIMUM_BYTES) + "\n";
    assert!(matches!(sign(&long, &[&one]), Err(NoteError::TooLong { limit: MAXIMUM_BYTES, .. })));
    let note = sign_within(&long, &[&one], MAXIMUM_BYTES + 1000).unwrap().to_text();
    let read = Note::parse_within(note.as_bytes(), note.len()).unwrap();
    assert_eq!(read.verify(&[one.verifier().clone()]).unwrap().text(), long);
    let limit = note.len() - 1;
    let refused = Note::parse_within(note.as_bytes(), limit);
    assert_eq!(refused, Err(NoteError::TooLong { found: note.len(), limit }));
}

#[test]
fn a_text_that_would_be_read_as_another_is_not_signed() {
    let one = signer("one", 1);
    let line = sign("text\n", &[&one]).unwrap().signatures()[0].to_line();
    let smuggled = format!("text\n\n{}", line.trim_end());
    assert_eq!(sign(&smuggled, &[&one]), Err(NoteError::NoSignatures));
    assert_eq!(sign("text", &[&one]), Err(NoteError::NoSignatures));
    assert_eq!(sign("text\n", &[]), Err(NoteError::NoSignatures));
}

#[test]
fn two_keys_that_cannot_be_told_apart_are_refused() {
    let one = signer("one", 1);
    let note = sign("text\n", &[&one]).unwrap();
    // The same key twice is one key.
    let keys = [one.verifier().clone(), one.verifier().clone()];
    assert_eq!(note.verify(&keys).unwrap().signed().len(), 1);
}

/// Signatures that plain Ed25519 lets through and the strict check does not: whoever knows the secret key
/// could have written two for one text, and another program might say no.
#[test]
fn signatures_have_one_spelling() {
    let key = signer("example.org/log", 1);
    let keys = [key.verifier().clone()];
    let refused = Err(NoteError::Signature { name: "example.org/log".into() });
    let open = |bytes: &[u8]| {
        let line = Signature::new(key.name(), key.id(), bytes.to_vec()).to_line();
        super::open(format!("text\n\n{line}").as_bytes(), &keys).map(|_| ())
    };
    let good = sign("text\n", &[&key]).unwrap().signatures()[0].bytes().to_vec();
    assert_eq!(open(&good), Ok(()));

    // Its first half is the neutral point, and the second fits it: computed apart from this code.
    let neutral = "0100000000000000000000000000000000000000000000000000000000000000\
                   3777571940ee7be9f8ff4e09e1fb6f0740d2ca4e806a6ab4c0d6f35bddf19c0f";
    let byte = |at: usize| u8::from_str_radix(&neutral[2 * at..2 * at + 2], 16).unwrap();
    let neutral: Vec<u8> = (0..64).map(byte).collect();
    let point = VerifyingKey::from_bytes(keys[0].public().try_into().unwrap()).unwrap();
    let loose = ed25519_dalek::Signature::from_slice(&neutral).unwrap();
    assert!(point.verify(b"text\n", &loose).is_ok(), "the plain check accepts it");
    assert_eq!(open(&neutral), refused);

    // The second half and the order of the group: the same number, written larger.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut larger = good.clone();
    let mut carry = 0;
    for (digit, more) in larger[32..].iter_mut().zip(order) {
        let sum = u16::from(*digit) + u16::from(more) + carry;
        (*digit, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(open(&larger), refused);
    assert_eq!(open(&good[..63]), refused);
    assert_eq!(open(&[&good[..], &[0]].concat()), refused);
}
