//! Whose signature stands under a review.
//!
//! It decides whether a review is what its author signed: by a key that `ledger.toml` names for that author and
//! that day, over the [`crate::statement`] that is made from the review's values. Trusts the ledger's keys and
//! nothing that comes with the review: a key beside a signature only says which of the known ones is meant.
//! `docs/vet-sign.md` has the forms; four kinds of signatures are known:
//!
//! - `ed25519 NUMBER BASE64`: a key of ours over the text of a note ([C2SP
//!   signed-note](https://c2sp.org/signed-note));
//! - `ssh BASE64`: what `ssh-keygen -Y sign -n countermark-review` made (`ssh`);
//! - `openpgp BASE64`: a detached signature ([`countermark_trust::openpgp`]);
//! - `git`: the signed commit that added the review ([`git`]), found beforehand ([`Commits`]).

pub mod commits;
pub mod git;
mod key;
mod keys;
mod openpgp;
mod refusal;
mod ssh;
#[cfg(test)]
mod tests;

pub use commits::{CommitRefusal, Commits, CommitsError, SignedCommit};
pub use key::{KeyError, PublicKey, SshKey};
pub use keys::{Certificates, KeyMistake, Keys};
pub use openpgp::fingerprints;
pub use refusal::Refusal;
pub use ssh::NAMESPACE;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_tlog::note::{self, SignerKey, VerifierKey};
use countermark_trust::openpgp::SignatureRefusal;

use crate::review::Review;
use crate::statement::{StatementId, statement};

/// Bytes of a signature as it is written.
pub const MAXIMUM_TEXT: usize = 48 << 10;

/// Who signed a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The author.
    pub author: String,
    /// `ed25519`, `ssh`, `openpgp` or `git`.
    pub kind: &'static str,
    /// The key, by its short name.
    pub key: String,
    /// The commit, where one was signed.
    pub commit: Option<String>,
}

/// Whether a review is signed by its author.
///
/// # Errors
/// Why it counts for nothing.
pub fn verify(review: &Review, keys: &Keys, commits: &Commits) -> Result<Signer, Refusal> {
    let Some(written) = &review.signature else { return Err(Refusal::Unsigned) };
    let malformed = |reason: &str| Refusal::Malformed { reason: reason.to_owned() };
    if written.len() > MAXIMUM_TEXT {
        return Err(malformed("it is longer than any signature"));
    }
    keys.check_day(review.on)?;
    let words: Vec<&str> = written.splitn(4, ' ').collect();
    match words[..] {
        ["ed25519", number, encoded] => by_note(review, keys, number, encoded),
        ["ssh", encoded] => by_ssh(review, keys, &decode(encoded)?),
        ["openpgp", encoded] => by_openpgp(review, keys, &decode(encoded)?),
        ["git"] => by_commit(review, keys, commits),
        _ => Err(malformed("expected `ed25519`, `ssh`, `openpgp` or `git` and what belongs to it")),
    }
}

/// Signs with a key of ours: the signature as it is written.
///
/// # Errors
/// When the key is for something else.
pub fn sign(review: &Review, key: &SignerKey) -> Result<String, note::NoteError> {
    let signed = note::sign(&statement(review), &[key])?;
    // One key signed, so there is one line.
    let bytes = signed.signatures().first().map(note::Signature::bytes).unwrap_or_default();
    Ok(format!("ed25519 {:08x} {}", key.id(), STANDARD.encode(bytes)))
}

/// A signature of `ssh-keygen -Y sign`, armored or not, as it is written.
///
/// # Errors
/// When it is none.
pub fn of_ssh(signature: &[u8]) -> Result<String, Refusal> {
    let malformed = |reason: &str| Refusal::Malformed { reason: reason.to_owned() };
    if signature.starts_with(b"SSHSIG") {
        return Ok(format!("ssh {}", STANDARD.encode(signature)));
    }
    let text = std::str::from_utf8(signature).map_err(|_| malformed("it is no text"))?;
    let blob = git::dearmor_ssh(text).ok_or_else(|| malformed("expected an SSH signature"))?;
    Ok(format!("ssh {}", STANDARD.encode(blob)))
}

/// The key that a written signature names, where it names a whole one: those of SSH do. Nothing is verified.
#[must_use]
pub fn key_of(written: &str) -> Option<PublicKey> {
    let blob = decode(written.strip_prefix("ssh ")?).ok()?;
    let key = ssh_key::PublicKey::from_bytes(ssh::Blob::parse(&blob).ok()?.key).ok()?;
    SshKey::parse(&key.to_openssh().ok()?).ok().map(PublicKey::Ssh)
}

/// A binary detached OpenPGP signature as it is written.
#[must_use]
pub fn of_openpgp(signature: &[u8]) -> String {
    format!("openpgp {}", STANDARD.encode(signature))
}

/// One spelling only: padded, without spaces.
fn decode(encoded: &str) -> Result<Vec<u8>, Refusal> {
    let malformed = |_| Refusal::Malformed { reason: "expected base64".to_owned() };
    STANDARD.decode(encoded).map_err(malformed)
}

fn by_note(review: &Review, keys: &Keys, number: &str, encoded: &str) -> Result<Signer, Refusal> {
    let malformed = |reason: &str| Refusal::Malformed { reason: reason.to_owned() };
    let is_number = |text: &str| text.len() == 8 && text == text.to_ascii_lowercase();
    let id = u32::from_str_radix(number, 16).ok().filter(|_| is_number(number));
    let id = id.ok_or_else(|| malformed("expected the number of a key, 8 hexadecimal digits"))?;
    let signature = decode(encoded)?;
    if signature.len() != 64 {
        return Err(malformed("expected 64 bytes of an Ed25519 signature"));
    }
    let known = keys.meant(
        &review.author,
        review.on,
        &format!("ed25519:…+{number}"),
        |key| matches!(&key.key, PublicKey::Ed25519(key) if key.id() == id),
    )?;
    let text = statement(review);
    for key in &known {
        if let PublicKey::Ed25519(vkey) = &key.key
            && is_note(&text, vkey, &signature)
        {
            return Ok(signer(review, "ed25519", &key.key, None));
        }
    }
    Err(wrong_text(&known))
}

/// The statement as the note that was signed: what a key of a log would sign, word by word.
fn is_note(text: &str, key: &VerifierKey, signature: &[u8]) -> bool {
    let bytes = [&key.id().to_be_bytes(), signature].concat();
    let note = format!("{text}\n\u{2014} {} {}\n", key.name(), STANDARD.encode(bytes));
    note::open(note.as_bytes(), std::slice::from_ref(key)).is_ok_and(|it| it.text() == text)
}

fn by_ssh(review: &Review, keys: &Keys, blob: &[u8]) -> Result<Signer, Refusal> {
    let fault = |fault| of_fault(fault, "a key of this ledger", NAMESPACE);
    let signature = ssh::Blob::parse(blob).map_err(fault)?;
    let named = ssh_name(signature.key);
    let known = keys.meant(
        &review.author,
        review.on,
        &named,
        |key| matches!(&key.key, PublicKey::Ssh(key) if key.blob() == signature.key),
    )?;
    let text = statement(review);
    for key in &known {
        if let PublicKey::Ssh(ssh) = &key.key {
            let verified = signature.verify(ssh, NAMESPACE, text.as_bytes());
            verified.map_err(|fault| of_fault(fault, &named, NAMESPACE))?;
            return Ok(signer(review, "ssh", &key.key, None));
        }
    }
    Err(wrong_text(&known))
}

fn by_openpgp(review: &Review, keys: &Keys, signature: &[u8]) -> Result<Signer, Refusal> {
    // Which key a signature names is OpenPGP's to say: all of the author's are tried, and no others.
    let known = keys.meant(&review.author, review.on, "an OpenPGP key", |key| {
        matches!(key.key, PublicKey::OpenPgp(_)) && key.author == review.author
    })?;
    let text = statement(review);
    let mut refusal = None;
    for key in &known {
        let Some(certificate) = &key.certificate else { continue };
        match certificate.verify(text.as_bytes(), signature, review.on, keys.now()) {
            Ok(()) => return Ok(signer(review, "openpgp", &key.key, None)),
            Err(found) => refusal = refusal.or(Some(found)),
        }
    }
    Err(match refusal {
        Some(Refusal::OpenPgp { reason: SignatureRefusal::UnknownKey { issuer } }) => {
            let (author, key) = (review.author.clone(), format!("openpgp:{issuer}"));
            Refusal::UnknownKey { author, key }
        }
        Some(refusal) => refusal,
        None => wrong_text(&known),
    })
}

fn by_commit(review: &Review, keys: &Keys, commits: &Commits) -> Result<Signer, Refusal> {
    if !keys.has(&review.author) {
        return Err(Refusal::UnknownAuthor { author: review.author.clone() });
    }
    let found = match commits.of(&StatementId::of(review)) {
        None => return Err(Refusal::NoCommit),
        Some(Err(reason)) => return Err(Refusal::Commit { reason: reason.clone() }),
        Some(Ok(signed)) => signed,
    };
    let known = keys.meant(&review.author, review.on, &found.key, |key| {
        !matches!(key.key, PublicKey::Ed25519(_)) && key.key.to_string() == found.key
    })?;
    match known.first() {
        Some(key) => Ok(signer(review, "git", &key.key, Some(found.commit.clone()))),
        None => Err(Refusal::NoCommit),
    }
}

fn signer(review: &Review, kind: &'static str, key: &PublicKey, commit: Option<String>) -> Signer {
    Signer { author: review.author.clone(), kind, key: key.to_string(), commit }
}

fn wrong_text(known: &[&keys::Key]) -> Refusal {
    let key = known.first().map_or_else(String::new, |key| key.key.to_string());
    Refusal::WrongText { key }
}

fn of_fault(fault: ssh::Fault, key: &str, expected: &str) -> Refusal {
    let key = key.to_owned();
    match fault {
        ssh::Fault::Malformed(reason) => Refusal::Malformed { reason },
        ssh::Fault::Purpose(found) => {
            Refusal::WrongPurpose { expected: format!("`{expected}`"), found }
        }
        ssh::Fault::Weak(reason) => Refusal::Weak { reason },
        ssh::Fault::Untouched => Refusal::Untouched { key },
        ssh::Fault::Wrong => Refusal::WrongText { key },
    }
}

/// The name of a key of which only the bytes are known.
fn ssh_name(blob: &[u8]) -> String {
    let named = ssh_key::PublicKey::from_bytes(blob);
    named.map_or_else(
        |_| "an SSH key that cannot be read".to_owned(),
        |key| format!("ssh:{}", key.fingerprint(ssh_key::HashAlg::Sha256)),
    )
}
