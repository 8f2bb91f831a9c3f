//! SSH signatures: what `ssh-keygen -Y sign` makes, over a review or over a commit.
//!
//! It decides whether a blob is a signature by one given key, for one purpose, of one text. The purpose (the
//! "namespace") is part of what is signed, so that a signature made elsewhere cannot be moved here.
//! Specifications: `PROTOCOL.sshsig` of OpenSSH; `PROTOCOL.u2f`, "Signature format", for security keys;
//! [RFC 8332](https://www.rfc-editor.org/rfc/rfc8332) for RSA.
//!
//! Off-spec, all on the side of refusing: a reserved field that is not empty, bytes behind the signature, an
//! Ed25519 signature in a second spelling, a security key that was not touched, and RSA over SHA-1 count for
//! nothing.

use ed25519_dalek::{Signature as Ed25519Signature, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, Signature, SshSig};

use super::key::SshKey;

/// For what reviews are signed.
pub const NAMESPACE: &str = "countermark-review";

/// For what git signs commits.
pub(super) const GIT_NAMESPACE: &str = "git";

/// Bytes of a signature. One with an RSA key of 4096 bits has about 1,200.
pub(super) const MAXIMUM_BYTES: usize = 16 << 10;

const MAGIC: &[u8] = b"SSHSIG";

/// The bit of a security key's answer that says that it was touched.
const TOUCHED: u8 = 0x01;

/// Why a blob is no signature that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not the form.
    Malformed(String),
    /// For something else.
    Purpose(String),
    /// An algorithm that does not count.
    Weak(String),
    /// A security key that was not touched.
    Untouched,
    /// Another text, or another key.
    Wrong,
}

/// A signature that has the form. Whose it is, and of what, is not known yet.
pub(super) struct Blob<'b> {
    /// The key that it names.
    pub(super) key: &'b [u8],
    namespace: &'b str,
    hash: HashAlg,
    algorithm: &'b str,
    signature: &'b [u8],
    /// The key's answer about itself, of security keys: flags and a counter.
    trailer: &'b [u8],
}

impl<'b> Blob<'b> {
    /// Reads the form.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, Fault> {
        let malformed = |what: &str| Fault::Malformed(what.to_owned());
        if bytes.len() > MAXIMUM_BYTES {
            return Err(malformed("it is longer than any SSH signature"));
        }
        let mut rest =
            bytes.strip_prefix(MAGIC).ok_or_else(|| malformed("expected an SSH signature"))?;
        let cut = || Fault::Malformed("the SSH signature is cut off".to_owned());
        let version = take(&mut rest, 4).ok_or_else(cut)?;
        if version != [0, 0, 0, 1] {
            return Err(malformed("expected version 1 of SSH signatures"));
        }
        let key = string(&mut rest).ok_or_else(cut)?;
        let namespace = text(&mut rest).ok_or_else(cut)?;
        let reserved = string(&mut rest).ok_or_else(cut)?;
        let hash = text(&mut rest).ok_or_else(cut)?;
        let mut inner = string(&mut rest).ok_or_else(cut)?;
        let algorithm = text(&mut inner).ok_or_else(cut)?;
        let signature = string(&mut inner).ok_or_else(cut)?;
        let trailer =
            if algorithm.starts_with("sk-") { take(&mut inner, 5).ok_or_else(cut)? } else { &[] };
        if !rest.is_empty() || !inner.is_empty() || !reserved.is_empty() {
            return Err(malformed("the SSH signature has more in it than a signature"));
        }
        let hash = match hash {
            "sha256" => HashAlg::Sha256,
            "sha512" => HashAlg::Sha512,
            other => return Err(Fault::Weak(format!("its digest is `{}`", shown(other)))),
        };
        Ok(Self { key, namespace, hash, algorithm, signature, trailer })
    }

    /// Whether it is a signature of a text, by a key, for a purpose.
    pub(super) fn verify(&self, key: &SshKey, namespace: &str, text: &[u8]) -> Result<(), Fault> {
        if self.key != key.blob() {
            return Err(Fault::Wrong);
        }
        if self.namespace != namespace {
            return Err(Fault::Purpose(format!("`{}`", shown(self.namespace))));
        }
        if self.algorithm == "ssh-rsa" {
            return Err(Fault::Weak("RSA over SHA-1".to_owned()));
        }
        if self.trailer.first().is_some_and(|flags| flags & TOUCHED == 0) {
            return Err(Fault::Untouched);
        }
        let message = SshSig::signed_data(namespace, self.hash, text).map_err(|_| Fault::Wrong)?;
        match (key.data(), self.algorithm) {
            (KeyData::Ed25519(public), "ssh-ed25519") => {
                strictly(&public.0, &message, self.signature)
            }
            (KeyData::SkEd25519(public), "sk-ssh-ed25519@openssh.com") => {
                let message = touched(public.application(), self.trailer, &message);
                strictly(&public.public_key().0, &message, self.signature)
            }
            (KeyData::Ecdsa(public), algorithm) if algorithm == public.algorithm().as_str() => {
                self.otherwise(key.data(), &message)
            }
            (KeyData::Rsa(_), "rsa-sha2-256" | "rsa-sha2-512")
            | (KeyData::SkEcdsaSha2NistP256(_), "sk-ecdsa-sha2-nistp256@openssh.com") => {
                self.otherwise(key.data(), &message)
            }
            (_, other) => {
                let reason = format!("`{}` is no algorithm of its key", shown(other));
                Err(Fault::Malformed(reason))
            }
        }
    }

    fn otherwise(&self, key: &KeyData, message: &[u8]) -> Result<(), Fault> {
        let malformed = || Fault::Malformed("its numbers cannot be read".to_owned());
        let algorithm = ssh_key::Algorithm::new(self.algorithm).map_err(|_| malformed())?;
        let data = [self.signature, self.trailer].concat();
        let signature = Signature::new(algorithm, data).map_err(|_| malformed())?;
        key.verify(message, &signature).map_err(|_| Fault::Wrong)
    }
}

/// No second spelling of a signature or a key is accepted.
fn strictly(public: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), Fault> {
    let key = VerifyingKey::from_bytes(public).map_err(|_| Fault::Wrong)?;
    let signature = Ed25519Signature::from_slice(signature)
        .map_err(|_| Fault::Malformed("its numbers cannot be read".to_owned()))?;
    key.verify_strict(message, &signature).map_err(|_| Fault::Wrong)
}

/// What a security key signs.
fn touched(application: &str, trailer: &[u8], message: &[u8]) -> Vec<u8> {
    let application = Sha256::digest(application.as_bytes());
    let message = Sha256::digest(message);
    [application.as_slice(), trailer, message.as_slice()].concat()
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn string<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = take(bytes, 4)?.try_into().map(u32::from_be_bytes).ok()?;
    take(bytes, usize::try_from(length).ok()?)
}

fn text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    std::str::from_utf8(string(bytes)?).ok()
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
