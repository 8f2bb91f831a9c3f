use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::Class;
use jiff::Timestamp;

use super::*;
use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::ledger::AuthorKey;
use crate::review::How;

/// Made by `tests/data/make.py`: what it is, the key, and a signature of [`review`].
const SSH: &str = include_str!("tests/data/ssh.txt");
const ALICE: &str = "alice@example.org";

pub(super) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(super) fn review(signature: Option<&str>) -> Review {
    let file = |name: &str, byte| FileId { name: name.to_owned(), digest: Sha256([byte; 32]) };
    Review {
        project: "kettle".parse().unwrap(),
        version: "1.1".parse().unwrap(),
        files: vec![file("kettle-1.1-py3-none-any.whl", 0x11), file("kettle-1.1.tar.gz", 0x22)],
        criteria: vec![CriterionName::parse("safe-to-deploy").unwrap()],
        how: How::Full,
        author: ALICE.to_owned(),
        on: "2026-11-22".parse().unwrap(),
        until: None,
        notes: "read in full\nno network".to_owned(),
        signature: signature.map(str::to_owned),
    }
}

pub(super) fn author_key(author: &str, key: &str) -> AuthorKey {
    AuthorKey {
        author: author.to_owned(),
        key: key.to_owned(),
        file: None,
        accounts: Vec::new(),
        from: None,
        until: None,
        place: Place { file: "ledger.toml".to_owned(), line: 7, column: 1, span: 0..0 },
    }
}

pub(super) fn keys(keys: &[AuthorKey]) -> Keys {
    Keys::new(keys, &Certificates::new(), now()).unwrap()
}

/// The key and the signature of a line.
fn ssh(name: &str) -> (&'static str, &'static str) {
    let line = SSH.lines().find(|line| line.split('\t').next() == Some(name)).unwrap();
    let mut fields = line.split('\t').skip(1);
    (fields.next().unwrap(), fields.next().unwrap())
}

fn vkey(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, KeyType::Ed25519, &[seed; 32]).unwrap()
}

fn ask(review: &Review, known: &[AuthorKey]) -> Result<Signer, Refusal> {
    verify(review, &keys(known), &Commits::new())
}

/// Every byte of a signature changed, each `step` apart: never accepted.
fn refuse_flips(signature: &str, known: &[AuthorKey], step: usize) {
    let (kind, encoded) = signature.rsplit_once(' ').unwrap();
    let bytes = STANDARD.decode(encoded).unwrap();
    for at in (0..bytes.len()).step_by(step) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x01;
        let changed = format!("{kind} {}", STANDARD.encode(&bytes));
        let refusal = ask(&review(Some(&changed)), known).unwrap_err();
        assert_eq!(refusal.class(), Class::Rejected, "{kind}, byte {at}: {refusal}");
    }
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        let changed = format!("{kind} {}", STANDARD.encode(&bytes[..cut]));
        let refusal = ask(&review(Some(&changed)), known).unwrap_err();
        assert_eq!(refusal.code(), "review-malformed-signature", "{kind}, cut at {cut}");
    }
    let longer = format!("{kind} {}", STANDARD.encode([&bytes[..], &[0]].concat()));
    let refusal = ask(&review(Some(&longer)), known).unwrap_err();
    assert_eq!(refusal.code(), "review-malformed-signature", "{kind}: {refusal}");
}

/// Everything that a review says, changed: never accepted, and always for that reason.
fn refuse_other_reviews(signature: &str, known: &[AuthorKey]) {
    type Change = fn(&mut Review);
    let changes: [(&str, Change); 12] = [
        ("project", |it| it.project = "kettl".parse().unwrap()),
        ("version", |it| it.version = "1.2".parse().unwrap()),
        ("digest", |it| it.files[0].digest = Sha256([0x12; 32])),
        ("file name", |it| it.files[1].name.push('x')),
        ("fewer files", |it| it.files.truncate(1)),
        ("criterion", |it| it.criteria = vec![CriterionName::parse("safe-to-run").unwrap()]),
        ("how", |it| it.how = How::Compiled),
        ("delta", |it| {
            let from = "1.0".parse().unwrap();
            it.how = How::Delta { from, files: it.files.clone() };
        }),
        ("day", |it| it.on = "2026-11-21".parse().unwrap()),
        ("last day", |it| it.until = Some("2030-01-01".parse().unwrap())),
        ("notes", |it| it.notes.push('.')),
        ("line ends", |it| it.notes = it.notes.replace('\n', "\r\n")),
    ];
    for (what, change) in changes {
        let mut review = review(Some(signature));
        change(&mut review);
        let refusal = ask(&review, known).unwrap_err();
        assert_eq!(refusal.code(), "review-bad-signature", "{what}: {refusal}");
    }
}

#[test]
fn a_key_of_ours_signs_a_review_and_no_other() {
    let key = vkey(ALICE, 1);
    let known = [author_key(ALICE, &key.verifier().to_string())];
    let signature = sign(&review(None), &key).unwrap();
    assert!(signature.starts_with(&format!("ed25519 {:08x} ", key.id())), "{signature}");
    let signer = ask(&review(Some(&signature)), &known).unwrap();
    assert_eq!((&*signer.author, signer.kind, signer.commit), (ALICE, "ed25519", None));
    assert_eq!(signer.key, format!("ed25519:{ALICE}+{:08x}", key.id()));
    refuse_flips(&signature, &known, 1);
    refuse_other_reviews(&signature, &known);
}

#[test]
fn ssh_keys_of_all_kinds_sign() {
    for (name, step) in [
        ("ed25519-sha512", 1),
        ("ed25519-sha256", 1),
        ("p256-sha512", 1),
        ("p256-sha256", 3),
        ("p384-sha512", 3),
        ("p384-sha256", 5),
        ("rsa2048-sha512", 13),
        ("rsa2048-sha256", 31),
        ("rsa4096-sha512", 97),
        ("rsa4096-sha256", 211),
        ("sk-ed25519", 1),
        ("sk-p256", 1),
    ] {
        let (key, signature) = ssh(name);
        let known = [author_key(ALICE, &format!("{key} alice at work"))];
        let signer = ask(&review(Some(signature)), &known);
        let signer = signer.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(signer.kind, "ssh");
        assert!(signer.key.starts_with("ssh:SHA256:"), "{}", signer.key);
        refuse_flips(signature, &known, step);
        refuse_other_reviews(signature, &known);
    }
}

#[test]
fn signatures_for_something_else_or_without_a_touch_count_for_nothing() {
    let check = |name: &str, expect: (&str, &str)| {
        let (key, signature) = ssh(name);
        let refusal = ask(&review(Some(signature)), &[author_key(ALICE, key)]).unwrap_err();
        assert_eq!((refusal.code(), &*refusal.to_string()), expect, "{name}");
    };
    let purpose = "the signature was made for `file`, expected `countermark-review`";
    check("other-purpose", ("review-wrong-purpose", purpose));
    for name in ["sk-ed25519-untouched", "sk-p256-untouched"] {
        let (key, _) = ssh(name);
        let name_of_key = PublicKey::parse(key).unwrap();
        let message = format!("the security key {name_of_key} signed without being touched");
        check(name, ("review-weak-signature", &message));
    }
}

#[test]
fn old_digests_are_named() {
    let (key, signature) = ssh("rsa2048-sha512");
    let bytes = STANDARD.decode(signature.strip_prefix("ssh ").unwrap()).unwrap();
    let check = |from: &[u8], to: &[u8], code: &str, message: &str| {
        // Lengths in front of both texts are those of the last four bytes of a number.
        let at = bytes.windows(from.len()).rposition(|window| window == from).unwrap();
        let mut changed = bytes[..at].to_vec();
        changed.extend_from_slice(to);
        changed.extend_from_slice(&bytes[at + from.len()..]);
        let written = format!("ssh {}", STANDARD.encode(&changed));
        let refusal = ask(&review(Some(&written)), &[author_key(ALICE, key)]).unwrap_err();
        assert_eq!((refusal.code(), &*refusal.to_string()), (code, message));
    };
    check(
        b"\0\0\0\x06sha512",
        b"\0\0\0\x04sha1",
        "review-weak-signature",
        "the signature is too weak: its digest is `sha1`",
    );
    // The string around the signature becomes shorter by five bytes.
    let inner = bytes.windows(16).rposition(|it| it == b"\0\0\0\x0crsa-sha2-512").unwrap();
    let length = u32::from_be_bytes(bytes[inner - 4..inner].try_into().unwrap());
    let from = [&length.to_be_bytes()[..], b"\0\0\0\x0crsa-sha2-512"].concat();
    let to = [&(length - 5).to_be_bytes()[..], b"\0\0\0\x07ssh-rsa"].concat();
    let message = "the signature is too weak: RSA over SHA-1";
    check(&from, &to, "review-weak-signature", message);
    check(
        b"\0\0\0\x0crsa-sha2-512",
        b"\0\0\0\x0crsa-sha2-256",
        "review-bad-signature",
        &format!("the signature by {} is not of this review", PublicKey::parse(key).unwrap()),
    );
}

#[test]
fn keys_that_cannot_count_are_told_with_their_place() {
    let check = |key: &str, code: &str, message: &str| {
        let mistakes = Keys::new(&[author_key(ALICE, key)], &Certificates::new(), now());
        let mistakes = mistakes.unwrap_err();
        assert_eq!((mistakes[0].code(), &*mistakes[0].to_string()), (code, message));
        assert_eq!((mistakes[0].place.line, mistakes[0].class()), (7, Class::Usage));
    };
    let weak = "ledger-key-weak";
    check(ssh("p521-sha512").0, weak, "an ECDSA key over nistp521 cannot sign reviews");
    check(ssh("rsa1024").0, weak, "the RSA key has 1024 bits, expected 2048 to 4096");
    check(ssh("certificate").0, weak, "an SSH certificate cannot sign reviews");
    let witness = SignerKey::from_seed("w", KeyType::Cosignature, &[1; 32]).unwrap();
    check(&witness.verifier().to_string(), weak, "a key of a witness cannot sign reviews");
    // The point of order one: under it, everything is signed.
    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20\x01".as_slice(), &[0; 31]].concat();
    let key = format!("ssh-ed25519 {}", STANDARD.encode(blob));
    check(&key, weak, "the bytes are no usable Ed25519 key");
    let secret = vkey(ALICE, 1).to_secret_text();
    check(&secret, "ledger-key-secret", "this is a secret key, expected a public one");
    check("nothing", "ledger-key", "expected a key of the form `<name>+<number>+<base64>`");
    let line = "expected the line of an SSH public key, such as `ssh-ed25519 AAAA…`";
    check("ssh-ed25519 AAAA", "ledger-key", line);
    check(&format!("ecdsa-sha2-nistp256 {}", &ssh("ed25519-sha512").0[12..]), "ledger-key", line);
    let fingerprint = "expected `openpgp:` and a fingerprint of 40 or 64 hexadecimal digits";
    check("openpgp:4B7CA32779233", "ledger-key", fingerprint);
    let missing = "the certificate of the OpenPGP key is not named: `file` is missing";
    check(&format!("openpgp:{}", "0".repeat(40)), "ledger-certificate", missing);
}

#[test]
fn one_key_is_one_author() {
    let key = vkey("shared", 3);
    let text = key.verifier().to_string();
    let both = [author_key(ALICE, &text), author_key("bob@example.org", &text)];
    let mistakes = Keys::new(&both, &Certificates::new(), now()).unwrap_err();
    let message = format!("the key of `bob@example.org` is also the key of `{ALICE}`");
    assert_eq!((mistakes[0].code(), &*mistakes[0].to_string()), ("ledger-key-shared", &*message));

    // The same key under another name, and as an SSH key.
    let renamed = vkey("another", 3).verifier().to_string();
    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20", key.verifier().public()].concat();
    let as_ssh = format!("ssh-ed25519 {}", STANDARD.encode(blob));
    for other in [renamed, as_ssh] {
        let both = [author_key(ALICE, &text), author_key("bob@example.org", &other)];
        let mistakes = Keys::new(&both, &Certificates::new(), now()).unwrap_err();
        assert_eq!(mistakes[0].code(), "ledger-key-shared", "{other}");
    }
    // One author may have a key twice, with other days.
    let again = [author_key(ALICE, &text), author_key(ALICE, &text)];
    assert!(Keys::new(&again, &Certificates::new(), now()).is_ok());
}

#[test]
fn nobody_and_somebody_else_count_for_nothing() {
    let (alice, bob) = (vkey(ALICE, 1), vkey("bob@example.org", 2));
    let known = [
        author_key(ALICE, &alice.verifier().to_string()),
        author_key("bob@example.org", &bob.verifier().to_string()),
    ];
    let check = |review: &Review, known: &[AuthorKey], code: &str, message: &str| {
        let refusal = ask(review, known).unwrap_err();
        assert_eq!((refusal.code(), &*refusal.to_string()), (code, message));
    };
    check(&review(None), &known, "review-unsigned", "nobody signed it");
    let of_bob = review(Some(&sign(&review(None), &bob).unwrap()));
    let message = format!("it says that `{ALICE}` wrote it, and is signed by `bob@example.org`");
    check(&of_bob, &known, "review-other-author", &message);
    let message = format!(
        "it is signed by ed25519:…+{:08x}, which is not a key of `{ALICE}` in the ledger",
        bob.id()
    );
    check(&of_bob, &known[..1], "review-unknown-key", &message);
    let message = format!("the ledger has no key of `{ALICE}`");
    check(&of_bob, &known[1..], "review-unknown-author", &message);
    for kind in ["git", "openpgp AAAA"] {
        check(&review(Some(kind)), &known[1..], "review-unknown-author", &message);
    }
    let (key, signature) = ssh("ed25519-sha512");
    let other = [author_key(ALICE, ssh("p256-sha512").0), author_key("bob@example.org", key)];
    let message = format!("it says that `{ALICE}` wrote it, and is signed by `bob@example.org`");
    check(&review(Some(signature)), &other, "review-other-author", &message);
    let name = PublicKey::parse(key).unwrap();
    let message = format!("it is signed by {name}, which is not a key of `{ALICE}` in the ledger");
    check(&review(Some(signature)), &other[..1], "review-unknown-key", &message);
}

#[test]
fn keys_count_on_their_days() {
    let key = vkey(ALICE, 1);
    let signed = review(Some(&sign(&review(None), &key).unwrap()));
    let with_days = |from: Option<&str>, until: Option<&str>| {
        let day = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let key = author_key(ALICE, &key.verifier().to_string());
        AuthorKey { from: day(from), until: day(until), ..key }
    };
    let check = |known: &[AuthorKey], expect: &str| {
        assert_eq!(ask(&signed, known).map_or_else(|it| it.code(), |_| "signed"), expect);
    };
    check(&[with_days(Some("2026-11-22"), Some("2026-11-22"))], "signed");
    check(&[with_days(Some("2026-11-23"), None)], "review-key-not-yet");
    check(&[with_days(None, Some("2026-11-21"))], "review-key-expired");
    let (before, after) =
        (with_days(None, Some("2026-11-21")), with_days(Some("2026-11-22"), None));
    check(&[before.clone(), after], "signed");
    check(&[before, with_days(Some("2026-12-01"), None)], "review-key-expired");
}

#[test]
fn reviews_of_tomorrow_wait() {
    let key = vkey(ALICE, 1);
    let known = [author_key(ALICE, &key.verifier().to_string())];
    for (day, expect) in [("2026-11-23", None), ("2026-11-24", Some("review-from-the-future"))] {
        let mut review = Review { on: day.parse().unwrap(), ..review(None) };
        review.signature = Some(sign(&review, &key).unwrap());
        assert_eq!(ask(&review, &known).err().map(|it| it.code()), expect, "{day}");
    }
}

#[test]
fn only_one_spelling_of_a_signature_is_read() {
    let key = vkey(ALICE, 1);
    let known = [author_key(ALICE, &key.verifier().to_string())];
    let good = sign(&review(None), &key).unwrap();
    let (head, encoded) = good.rsplit_once(' ').unwrap();
    for bad in [
        String::new(),
        "none".to_owned(),
        format!(" {good}"),
        format!("{good} "),
        format!("{good} more"),
        format!("{head}  {encoded}"),
        good.replace("ed25519", "Ed25519"),
        good.replace('=', ""),
        format!("{head}\n{encoded}"),
        format!("ed25519 {encoded}"),
        format!("ed25519 {:x} {encoded}", 0),
        format!("{} {encoded}", head.to_ascii_uppercase().replace("ED25519", "ed25519")),
        "git now".to_owned(),
        format!("ssh {}", "A".repeat(MAXIMUM_TEXT)),
    ] {
        if bad == good {
            continue;
        }
        let refusal = ask(&review(Some(&bad)), &known).unwrap_err();
        assert_eq!(refusal.code(), "review-malformed-signature", "{bad}");
    }
}

#[test]
fn a_signature_of_ssh_keygen_is_written_on_one_line() {
    let (_, signature) = ssh("p384-sha256");
    let encoded = signature.strip_prefix("ssh ").unwrap();
    let lines: Vec<&str> =
        (0..encoded.len()).step_by(70).map(|at| &encoded[at..encoded.len().min(at + 70)]).collect();
    let armored = format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        lines.join("\n")
    );
    assert_eq!(of_ssh(armored.as_bytes()).unwrap(), signature);
    assert_eq!(of_ssh(&STANDARD.decode(encoded).unwrap()).unwrap(), signature);
    assert!(of_ssh(b"-----BEGIN SSH SIGNATURE-----\n").is_err());
}

mod openpgp {
    use super::*;

    const ALICE_CERTIFICATE: &[u8] = include_bytes!("tests/data/alice.asc");
    const SIGNATURE: &str = include_str!("tests/data/alice.sig");
    const FINGERPRINT: &str = include_str!("tests/data/alice.fingerprint");

    fn known() -> (Vec<AuthorKey>, Certificates) {
        let key = author_key(ALICE, &format!("openpgp:{}", FINGERPRINT.trim()));
        let key = AuthorKey { file: Some("keys/alice.asc".to_owned()), ..key };
        (vec![key], Certificates::from([("keys/alice.asc".to_owned(), ALICE_CERTIFICATE.to_vec())]))
    }

    fn ask(signature: &str) -> Result<Signer, Refusal> {
        let (keys, certificates) = known();
        let keys = Keys::new(&keys, &certificates, now()).unwrap();
        verify(&review(Some(signature.trim())), &keys, &Commits::new())
    }

    #[cfg(not(feature = "openpgp"))]
    #[test]
    fn a_build_without_openpgp_decides_nothing() {
        let refusal = ask(SIGNATURE).unwrap_err();
        assert_eq!((refusal.code(), refusal.class()), ("review-not-checkable", Class::Unavailable));
        assert_eq!(
            refusal.to_string(),
            "its signature cannot be checked: this build has no OpenPGP"
        );
    }

    #[cfg(feature = "openpgp")]
    #[test]
    fn openpgp_signatures_count_for_their_review() {
        let signer = ask(SIGNATURE).unwrap();
        assert_eq!(signer.key, format!("openpgp:{}", FINGERPRINT.trim().to_ascii_lowercase()));
        let encoded = SIGNATURE.trim().strip_prefix("openpgp ").unwrap();
        let bytes = STANDARD.decode(encoded).unwrap();
        let mut accepted = 0;
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x01;
            accepted += usize::from(ask(&of_openpgp(&bytes)).is_ok());
        }
        // Parts that nobody signs: the issuer's number and the first bytes of the digest are hints.
        assert!(accepted <= 12, "{accepted} of {} bytes may change", bytes.len());
        let (keys, certificates) = known();
        let keys = Keys::new(&keys, &certificates, now()).unwrap();
        let other = Review { notes: String::new(), ..review(Some(SIGNATURE.trim())) };
        let refusal = verify(&other, &keys, &Commits::new()).unwrap_err();
        assert_eq!(refusal.code(), "review-bad-signature");
        assert_eq!(
            refusal.to_string(),
            "its OpenPGP signature is refused: the signature is not of these bytes"
        );
    }

    #[cfg(feature = "openpgp")]
    #[test]
    fn other_keys_old_digests_and_wrong_days_count_for_nothing() {
        let refusal = ask(include_str!("tests/data/bob.sig")).unwrap_err();
        assert_eq!(refusal.code(), "review-unknown-key", "{refusal}");
        let refusal = ask(include_str!("tests/data/sha1.sig")).unwrap_err();
        let message = "its OpenPGP signature is refused: the signature is over a SHA-1 digest";
        assert_eq!(refusal.to_string(), message);

        // Signed long after the day of the review, and before now.
        let (keys, certificates) = known();
        let later = "2027-01-01T00:00:00Z".parse().unwrap();
        let keys = Keys::new(&keys, &certificates, later).unwrap();
        let early = Review { on: "2026-11-01".parse().unwrap(), ..review(Some(SIGNATURE.trim())) };
        let refusal = verify(&early, &keys, &Commits::new()).unwrap_err();
        assert_eq!(refusal.code(), "review-bad-signature");
    }

    #[cfg(feature = "openpgp")]
    #[test]
    fn the_certificate_is_the_one_that_is_named() {
        let check = |keys: &[AuthorKey], certificates: &Certificates, code: &str| {
            let mistakes = Keys::new(keys, certificates, now()).unwrap_err();
            assert_eq!(mistakes[0].code(), code);
        };
        let (keys, certificates) = known();
        check(&keys, &Certificates::new(), "ledger-certificate");
        let bob = include_bytes!("tests/data/bob.asc").to_vec();
        check(
            &keys,
            &Certificates::from([("keys/alice.asc".to_owned(), bob)]),
            "ledger-certificate",
        );
        check(&[AuthorKey { file: None, ..keys[0].clone() }], &certificates, "ledger-certificate");
    }
}

/// The page and the sources have the same codes.
#[test]
fn every_reason_is_explained() {
    let sources =
        [include_str!("refusal.rs"), include_str!("commits.rs"), include_str!("key.rs")].concat();
    let quoted = |text: &str, mark: char| -> std::collections::BTreeSet<String> {
        let is_code = |word: &&str| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            (word.starts_with("review-") || word.starts_with("ledger-")) && word.bytes().all(plain)
                || *word == "ledger-key"
        };
        text.split(mark).filter(is_code).map(str::to_owned).collect()
    };
    let page = include_str!("../../../../docs/vet-sign.md");
    let rows: String = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(quoted(&rows, '`'), quoted(&sources, '"'));
}
