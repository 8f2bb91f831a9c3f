//! Every signature that is taken, and beside it what makes it one that is not.

mod fixture;

use sequoia_openpgp as openpgp;

use jiff::Timestamp;
use openpgp::armor::Kind;
use openpgp::types::{HashAlgorithm, ReasonForRevocation, SignatureType};

use self::fixture::{Owner, Plan, Signing, armored, time};
use super::{Fingerprint, KeyValidity, Keyring, KeyringError, Moment};

const BYTES: &[u8] = b"the bytes of a release";
const NOW: &str = "2026-11-21";

fn moment(released: Option<&str>) -> Moment {
    Moment { now: time(NOW), released: released.map(time) }
}

fn keyring(owners: &[&Owner]) -> Keyring {
    let files: Vec<Vec<u8>> = owners.iter().map(|owner| owner.binary()).collect();
    Keyring::read(files.iter().map(|file| ("keys", file.as_slice())), None).unwrap()
}

fn days(fingerprint: &str, from: Option<&str>, until: Option<&str>) -> KeyValidity {
    let date = |text: &str| text.parse().unwrap();
    let fingerprint = Fingerprint::parse(fingerprint).unwrap();
    KeyValidity { fingerprint, from: from.map(date), until: until.map(date) }
}

/// The code of the refusal, or the certificate that signed.
fn code(
    keyring: &Keyring,
    signature: &[u8],
    released: Option<&str>,
) -> Result<String, &'static str> {
    keyring
        .verify_detached(BYTES, signature, moment(released))
        .map(|signer| signer.certificate.to_string())
        .map_err(|refusal| refusal.code())
}

fn check(owner: &Owner, signing: &Signing, released: Option<&str>, expect: Result<(), &str>) {
    let signature = owner.sign(BYTES, signing);
    let found = code(&keyring(&[owner]), &signature, released);
    assert_eq!(found, expect.map(|()| owner.fingerprint()), "{} {released:?}", signing.made);
}

#[test]
fn a_good_signature_names_its_signer() {
    let owner = Plan::default().make();
    check(&owner, &Signing::default(), None, Ok(()));
    check(&owner, &Signing::default(), Some("2024-06-01"), Ok(()));
    for hash in [HashAlgorithm::SHA384, HashAlgorithm::SHA512] {
        check(&owner, &Signing { hash, ..Signing::default() }, None, Ok(()));
    }
    let signature = owner.sign(BYTES, &Signing::default());
    let text = armored(&signature, Kind::Signature);
    let found = keyring(&[&owner]).verify_detached(BYTES, &text, moment(None)).unwrap();
    assert_eq!(found.key, found.certificate);
    assert_eq!(found.made, time("2024-06-01"));
    let mixed = Keyring::read([("a", owner.armored().as_slice())], None).unwrap();
    assert_eq!(code(&mixed, &text, None), Ok(owner.fingerprint()));
}

#[test]
fn a_subkey_signs_for_its_certificate() {
    let plan = Plan { subkey: Some(HashAlgorithm::SHA256), may_sign: false, ..Plan::default() };
    let owner = plan.make();
    let by_subkey = Signing { by_subkey: true, ..Signing::default() };
    check(&owner, &by_subkey, None, Ok(()));
    let signature = owner.sign(BYTES, &by_subkey);
    let found = keyring(&[&owner]).verify_detached(BYTES, &signature, moment(None)).unwrap();
    assert_eq!(found.key.as_str(), owner.subkey_fingerprint());
    assert_eq!(found.certificate.as_str(), owner.fingerprint());
    check(&owner, &Signing::default(), None, Err("not-for-signing"));
}

#[test]
fn every_flipped_bit_of_the_bytes_is_refused() {
    let owner = Plan::default().make();
    let signature = owner.sign(BYTES, &Signing::default());
    let keyring = keyring(&[&owner]);
    for bit in 0..BYTES.len() * 8 {
        let mut bytes = BYTES.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let refusal = keyring.verify_detached(&bytes[..], &signature, moment(None)).unwrap_err();
        assert_eq!(refusal.code(), "wrong-bytes", "bit {bit}");
    }
    let longer = keyring.verify_detached(&b""[..], &signature, moment(None)).unwrap_err();
    assert_eq!(longer.code(), "wrong-bytes");
}

#[test]
fn no_flipped_bit_of_the_signature_is_taken() {
    let owner = Plan::default().make();
    let packet = owner.sign_packet(BYTES, &Signing::default());
    let hashed = openpgp::serialize::MarshalInto::to_vec(packet.hashed_area()).unwrap();
    let signature = owner.sign(BYTES, &Signing::default());
    let keyring = keyring(&[&owner]);
    // The frame and what the digest covers; behind it are hints that nothing rests on.
    for bit in 0..(8 + hashed.len()) * 8 {
        let mut changed = signature.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(code(&keyring, &changed, None).is_err(), "bit {bit}");
    }
    for length in 0..signature.len() {
        assert!(code(&keyring, &signature[..length], None).is_err(), "{length} bytes");
    }
}

#[test]
fn keys_of_others_are_unknown() {
    let (owner, other) = (Plan::default().make(), Plan { seed: 2, ..Plan::default() }.make());
    let by_other = other.sign(BYTES, &Signing::default());
    let refusal = keyring(&[&owner]).verify_detached(BYTES, &by_other, moment(None)).unwrap_err();
    assert_eq!(refusal.code(), "unknown-signer", "{refusal}");
    assert!(refusal.to_string().contains(&other.fingerprint()), "{refusal}");
    let none = Keyring::read([], None).unwrap();
    assert_eq!(code(&none, &by_other, None), Err("unknown-signer"));
}

#[test]
fn old_digests_count_for_nothing_however_old_the_signature_is() {
    let owner = Plan { created: "2005-01-01", ..Plan::default() }.make();
    for (hash, expect) in [
        (HashAlgorithm::SHA1, "sha1"),
        (HashAlgorithm::MD5, "weak-hash"),
        (HashAlgorithm::RipeMD, "weak-hash"),
    ] {
        let signing = Signing { made: "2006-01-01", hash, ..Signing::default() };
        check(&owner, &signing, None, Err(expect));
        check(&owner, &signing, Some("2006-01-01"), Err(expect));
    }
    check(&owner, &Signing { made: "2006-01-01", ..Signing::default() }, None, Ok(()));
}

#[test]
fn old_digests_bind_no_key() {
    for hash in [HashAlgorithm::SHA1, HashAlgorithm::MD5] {
        let owner = Plan { binding: hash, ..Plan::default() }.make();
        check(&owner, &Signing::default(), None, Err("weak-binding"));
        let owner = Plan { subkey: Some(hash), ..Plan::default() }.make();
        let by_subkey = Signing { by_subkey: true, ..Signing::default() };
        check(&owner, &by_subkey, None, Err("weak-binding"));
        check(&owner, &Signing::default(), None, Ok(()));
    }
}

#[test]
fn short_keys_count_for_nothing() {
    let owner = Plan { short: true, created: "2005-01-01", ..Plan::default() }.make();
    check(&owner, &Signing { made: "2006-01-01", ..Signing::default() }, None, Err("short-key"));
    let refusal = keyring(&[&owner])
        .verify_detached(BYTES, &owner.sign(BYTES, &Signing::default()), moment(None))
        .unwrap_err();
    assert!(refusal.to_string().contains("RSA with 1024 bits"), "{refusal}");
}

#[test]
fn a_key_counts_while_its_certificate_says_so() {
    let owner = Plan { days: Some(100), ..Plan::default() }.make();
    let made = |made| Signing { made, ..Signing::default() };
    check(&owner, &made("2024-04-01"), None, Ok(()));
    check(&owner, &made("2024-04-12"), None, Err("expired-then"));
    check(&owner, &made("2023-12-31"), None, Err("not-yet-valid"));
    check(&owner, &made("2024-01-02"), None, Ok(()));
}

#[test]
fn a_certificate_that_was_renewed_still_has_its_past() {
    let renewed = |days, binding| {
        let plan = Plan { bound: Some("2025-01-01"), days, binding, ..Plan::default() };
        Plan { subkey: Some(binding), ..plan }.make()
    };
    let made = |made, by_subkey| Signing { made, by_subkey, ..Signing::default() };
    let owner = renewed(None, HashAlgorithm::SHA256);
    for by_subkey in [false, true] {
        check(&owner, &made("2024-06-01", by_subkey), Some("2024-06-01"), Ok(()));
        check(&owner, &made("2025-06-01", by_subkey), None, Ok(()));
        check(&owner, &made("2023-12-31", by_subkey), None, Err("not-yet-valid"));
    }
    // What else makes a signature void still does.
    let short = Signing { days: Some(10), ..made("2024-06-01", false) };
    check(&owner, &short, None, Err("signature-expired"));
    check(&owner, &made("2024-06-01", false), Some("2024-05-01"), Err("from-the-future"));
    let signature = owner.sign(b"other bytes", &made("2024-06-01", false));
    assert_eq!(code(&keyring(&[&owner]), &signature, None), Err("wrong-bytes"));
    check(
        &renewed(Some(10), HashAlgorithm::SHA256),
        &made("2024-06-01", false),
        None,
        Err("expired-then"),
    );
    check(
        &renewed(None, HashAlgorithm::SHA1),
        &made("2024-06-01", false),
        None,
        Err("unbound-key"),
    );
    let stolen =
        owner.revoked("2025-06-01", ReasonForRevocation::KeyCompromised, HashAlgorithm::SHA256);
    check(&stolen, &made("2024-06-01", false), None, Err("revoked-key"));
    // Nothing counts that is bound in the future only.
    let plan = Plan { bound: Some("2027-01-01"), ..Plan::default() };
    check(&plan.make(), &made("2024-06-01", false), None, Err("unbound-key"));
}

#[test]
fn a_date_in_a_signature_is_compared_with_the_release() {
    let owner = Plan { days: Some(100), ..Plan::default() }.make();
    let made = |made| Signing { made, ..Signing::default() };
    check(&owner, &made("2024-04-01"), Some("2024-04-01"), Ok(()));
    // The date says that the key was good, the release is from when it was not.
    check(&owner, &made("2024-04-01"), Some("2024-05-01"), Err("expired-then"));
    // And while it is good, an old signature is no harm.
    check(&owner, &made("2024-02-01"), Some("2024-03-01"), Ok(()));
    check(&owner, &made("2024-02-08"), Some("2024-02-01"), Ok(()));
    check(&owner, &made("2024-02-09"), Some("2024-02-01"), Err("from-the-future"));
}

#[test]
fn nothing_is_signed_tomorrow() {
    let owner = Plan::default().make();
    let made = |made| Signing { made, ..Signing::default() };
    check(&owner, &made("2026-11-21T12:29:00Z"), None, Ok(()));
    check(&owner, &made("2026-11-21T12:31:00Z"), None, Err("from-the-future"));
    check(&owner, &made("2027-11-21"), Some("2027-11-21"), Err("from-the-future"));
    let short = Signing { days: Some(10), ..Signing::default() };
    check(&owner, &short, None, Err("signature-expired"));
    check(&owner, &Signing { made: "2026-11-20", ..short }, None, Ok(()));
}

#[test]
fn a_stolen_key_never_counts_and_a_replaced_one_until_then() {
    let hard = ReasonForRevocation::KeyCompromised;
    let soft = ReasonForRevocation::KeySuperseded;
    let made = |made| Signing { made, ..Signing::default() };
    for hash in [HashAlgorithm::SHA256, HashAlgorithm::SHA1] {
        let owner = Plan::default().make().revoked("2025-01-01", hard, hash);
        check(&owner, &made("2024-06-01"), None, Err("revoked-key"));
        check(&owner, &made("2025-06-01"), None, Err("revoked-key"));
    }
    let owner = Plan::default().make().revoked("2025-01-01", soft, HashAlgorithm::SHA256);
    check(&owner, &made("2024-06-01"), None, Ok(()));
    check(&owner, &made("2024-06-01"), Some("2024-06-01"), Ok(()));
    check(&owner, &made("2024-06-01"), Some("2025-06-01"), Err("revoked-key"));
    check(&owner, &made("2025-01-02"), None, Err("revoked-key"));

    let plan = Plan { subkey: Some(HashAlgorithm::SHA256), ..Plan::default() };
    let owner = plan.make().subkey_revoked("2025-01-01", hard);
    let by_subkey = Signing { by_subkey: true, ..Signing::default() };
    check(&owner, &by_subkey, None, Err("revoked-key"));
    check(&owner, &Signing::default(), None, Ok(()));
}

#[test]
fn a_revocation_counts_in_whichever_file_it_is() {
    let good = Plan::default().make();
    let revoked = Plan::default().make().revoked(
        "2025-01-01",
        ReasonForRevocation::KeyCompromised,
        HashAlgorithm::SHA256,
    );
    let signature = good.sign(BYTES, &Signing::default());
    assert_eq!(code(&keyring(&[&good]), &signature, None), Ok(good.fingerprint()));
    for order in [[&good, &revoked], [&revoked, &good]] {
        let both = keyring(&order);
        assert_eq!(both.fingerprints().count(), 1);
        assert_eq!(code(&both, &signature, None), Err("revoked-key"));
    }
}

#[test]
fn a_federation_says_in_which_days_a_key_is_used() {
    let plan = Plan { subkey: Some(HashAlgorithm::SHA256), ..Plan::default() };
    let owner = plan.make();
    let file = owner.binary();
    let check = |validity: KeyValidity, signing: &Signing, released, expect: Result<(), &str>| {
        let shown = format!("{validity:?} {} {released:?}", signing.made);
        let keyring = Keyring::read([("keys", file.as_slice())], Some(vec![validity])).unwrap();
        let found = code(&keyring, &owner.sign(BYTES, signing), released);
        assert_eq!(found.map(drop), expect, "{shown}");
    };
    let (primary, subkey) = (owner.fingerprint(), owner.subkey_fingerprint());
    let by_subkey = || Signing { by_subkey: true, ..Signing::default() };
    let own = Signing::default;
    let half = |key: &str| days(key, Some("2024-04-01"), Some("2024-10-01"));
    check(half(&primary), &own(), None, Ok(()));
    let none = Keyring::read([("keys", file.as_slice())], Some(Vec::new())).unwrap();
    assert_eq!(code(&none, &owner.sign(BYTES, &own()), None), Err("unlisted-signer"));
    check(half(&primary), &by_subkey(), None, Ok(()));
    check(half(&subkey), &by_subkey(), None, Ok(()));
    check(half(&subkey), &own(), None, Err("unlisted-signer"));
    check(days(&"ab".repeat(20), None, None), &own(), None, Err("unlisted-signer"));
    check(days(&primary, None, None), &own(), Some("2024-06-02"), Ok(()));
    check(days(&primary, None, Some("2024-05-30")), &own(), None, Err("expired-then"));
    check(days(&primary, Some("2024-06-03"), None), &own(), None, Err("not-yet-valid"));
    check(days(&primary, Some("2024-06-02"), None), &own(), None, Ok(()));
    // The signature's date is in its days and the release is not: signed later, and dated back.
    check(half(&primary), &own(), Some("2024-10-08"), Ok(()));
    check(half(&primary), &own(), Some("2024-10-09"), Err("expired-then"));
}

#[test]
fn one_good_signature_of_several_is_enough() {
    let (owner, other) = (Plan::default().make(), Plan { seed: 2, ..Plan::default() }.make());
    let ring = keyring(&[&owner]);
    let good = owner.sign(BYTES, &Signing::default());
    let unknown = other.sign(BYTES, &Signing::default());
    let wrong = owner.sign(b"other bytes", &Signing::default());
    let join =
        |parts: &[&Vec<u8>]| -> Vec<u8> { parts.iter().flat_map(|part| part.to_vec()).collect() };
    for parts in [[&unknown, &good], [&good, &unknown], [&wrong, &good]] {
        assert_eq!(code(&ring, &join(&parts), None), Ok(owner.fingerprint()));
    }
    for parts in [[&unknown, &wrong], [&wrong, &unknown]] {
        assert_eq!(code(&ring, &join(&parts), None), Err("wrong-bytes"));
    }
    let many = vec![&unknown; 33];
    assert_eq!(code(&ring, &join(&many), None), Err("too-many-signatures"));
    assert_eq!(code(&ring, &join(&many[1..]), None), Err("unknown-signer"));
}

#[test]
fn what_is_no_signature_is_said_to_be_none() {
    let owner = Plan::default().make();
    let ring = keyring(&[&owner]);
    let page = b"<!DOCTYPE html><title>404</title>".to_vec();
    let message = owner.clear_sign("text\n", "2024-06-01").into_bytes();
    assert_eq!(code(&ring, &message, None), Err("text-mode"));
    for bytes in [Vec::new(), page, vec![0; 64], owner.binary(), owner.armored()] {
        assert_eq!(code(&ring, &bytes, None), Err("not-a-signature"), "{:?}", bytes.first());
    }
    let long = vec![b' '; (128 << 10) + 1];
    assert_eq!(code(&ring, &long, None), Err("signature-too-large"));
    let text = Signing { kind: SignatureType::Text, ..Signing::default() };
    check(&owner, &text, None, Err("text-mode"));
    let other = Signing { kind: SignatureType::Standalone, ..Signing::default() };
    check(&owner, &other, None, Err("signature-malformed"));
}

#[test]
fn what_cannot_be_read_is_not_rejected() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let owner = Plan::default().make();
    let signature = owner.sign(BYTES, &Signing::default());
    let refusal = keyring(&[&owner]).verify_detached(Broken, &signature, moment(None)).unwrap_err();
    assert_eq!((refusal.code(), refusal.class()), ("signed-unreadable", crate::Class::Unavailable));
}

#[test]
fn a_clear_signed_text_is_opened() {
    let owner = Plan::default().make();
    let ring = keyring(&[&owner]);
    let sums = "abc  one-1.0.tar.gz\n- a dash\n\ndef  two-1.0.tar.gz\n";
    let signed = owner.clear_sign(sums, "2024-06-01");
    let open = |text: &str| {
        ring.verify_cleartext(text.as_bytes(), moment(Some("2024-06-01")))
            .map(|opened| String::from_utf8(opened.text.clone()).unwrap())
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(open(&signed).as_deref().map(str::trim_end), Ok(sums.trim_end()));
    assert_eq!(open(&signed.replace('\n', "\r\n")).map(drop), Ok(()));

    let mutate = |from: &str, to: &str, expect: &str| {
        assert!(signed.contains(from), "{from}");
        assert_eq!(open(&signed.replacen(from, to, 1)), Err(expect), "{to:?}");
    };
    mutate("abc", "abd", "wrong-bytes");
    mutate("-----BEGIN PGP SIGNED", "evil\n-----BEGIN PGP SIGNED", "cleartext-malformed");
    mutate("-----BEGIN PGP SIGNATURE", "-x\n-----BEGIN PGP SIGNATURE", "cleartext-malformed");
    mutate("\n\n", "\nNotDashEscaped: evil\n\n", "cleartext-malformed");
    mutate("\n\n", "\nevil\n\n", "cleartext-malformed");
    mutate("END PGP SIGNATURE-----\n", "END PGP SIGNATURE-----\nevil\n", "cleartext-malformed");
    mutate("-----END PGP SIGNATURE-----\n", "", "cleartext-malformed");
    let twice = format!("{signed}{signed}");
    assert_eq!(open(&twice), Err("cleartext-malformed"));
    assert_eq!(open(""), Err("cleartext-malformed"));
    assert_eq!(open("\0"), Err("cleartext-malformed"));

    let late = owner.clear_sign(sums, "2024-06-09");
    assert_eq!(open(&late), Err("from-the-future"));
    let stranger = Plan { seed: 2, ..Plan::default() }.make().clear_sign(sums, "2024-06-01");
    assert_eq!(open(&stranger), Err("unknown-signer"));
}

#[test]
fn certificates_are_read_from_every_usual_file() {
    let (first, second) = (Plan::default().make(), Plan { seed: 2, ..Plan::default() }.make());
    let both =
        |bytes: &[u8]| Keyring::read([("k", bytes)], None).map(|ring| ring.fingerprints().count());
    let join = |parts: &[&[u8]]| parts.concat();
    assert_eq!(both(&join(&[&first.binary(), &second.binary()])), Ok(2));
    assert_eq!(both(&join(&[b"ours:\n", &first.armored(), b"\nand:\n", &second.armored()])), Ok(2));
    assert_eq!(both(&join(&[&first.armored(), &first.armored()])), Ok(1));

    let code = |bytes: &[u8]| both(bytes).map_err(|error| error.code());
    assert_eq!(code(b""), Err("no-certificate"));
    assert_eq!(code(b"<html>"), Err("no-certificate"));
    let signature = first.sign(BYTES, &Signing::default());
    assert_eq!(code(&signature), Err("certificate-malformed"));
    assert_eq!(code(&first.private()), Err("private-key"));
    assert_eq!(code(&armored(&first.private(), Kind::SecretKey)), Err("private-key"));
    let large = vec![b'\n'; (16 << 20) + 1];
    assert!(matches!(both(&large), Err(KeyringError::TooLarge { .. })));
    let cut = first.armored();
    assert!(code(&cut[..cut.len() / 2]).is_err());
}

#[test]
fn extreme_times_are_no_trouble() {
    let owner = Plan::default().make();
    let signature = owner.sign(BYTES, &Signing::default());
    let ring = keyring(&[&owner]);
    for released in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
        let moment = Moment { now: time(NOW), released: Some(released) };
        let _ = ring.verify_detached(BYTES, &signature, moment);
    }
    for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
        let _ = ring.verify_detached(BYTES, &signature, Moment { now, released: None });
    }
}
