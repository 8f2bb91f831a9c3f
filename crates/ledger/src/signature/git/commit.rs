//! A commit: its tree, its parents, and the signature over all of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use countermark_trust::openpgp::SignatureRefusal;

use super::super::commits::{CommitRefusal, SignedCommit};
use super::super::key::PublicKey;
use super::super::keys::Keys;
use super::super::refusal::Refusal;
use super::super::{ssh, ssh_name};
use super::object::is_name;
use crate::review::Review;

/// Parents of a commit. More than two are rare.
const MAXIMUM_PARENTS: usize = 1000;

const SSH_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const SSH_END: &str = "-----END SSH SIGNATURE-----";
const PGP_BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";

/// A commit that has the form. Nothing is known yet about who signed it.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) name: String,
    pub(super) tree: String,
    pub(super) parents: Vec<String>,
    /// The commit without its signature: what was signed.
    payload: Vec<u8>,
    signatures: Vec<String>,
}

impl Commit {
    /// Reads a commit. `None` where it is none.
    pub(super) fn parse(name: &str, bytes: &[u8]) -> Option<Self> {
        let mut commit = Self {
            name: name.to_owned(),
            tree: String::new(),
            parents: Vec::new(),
            payload: Vec::with_capacity(bytes.len()),
            signatures: Vec::new(),
        };
        let header = if name.len() == 64 { "gpgsig-sha256" } else { "gpgsig" };
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let mut number = 0;
        let mut in_signature = false;
        for line in lines.by_ref() {
            if line == b"\n" {
                commit.payload.push(b'\n');
                break;
            }
            if let Some(more) = line.strip_prefix(b" ") {
                if in_signature {
                    commit.signatures.last_mut()?.push_str(std::str::from_utf8(more).ok()?);
                } else {
                    commit.payload.extend_from_slice(line);
                }
                continue;
            }
            let space = line.iter().position(|byte| *byte == b' ')?;
            let key = std::str::from_utf8(&line[..space]).ok()?;
            in_signature = key.starts_with("gpgsig");
            if in_signature {
                // One over the names of another digest cannot be told from one over this commit.
                let text = std::str::from_utf8(&line[space + 1..]).ok()?;
                let known = if key == header { text } else { "another" };
                commit.signatures.push(known.to_owned());
                continue;
            }
            commit.header(number, key, &line[space + 1..])?;
            commit.payload.extend_from_slice(line);
            number += 1;
        }
        for line in lines {
            commit.payload.extend_from_slice(line);
        }
        (!commit.tree.is_empty()).then_some(commit)
    }

    /// The tree comes first and the parents right behind it; a second tree, or a parent further down,
    /// would be read by some programs and not by others.
    fn header(&mut self, number: usize, key: &str, value: &[u8]) -> Option<()> {
        let name = || {
            let value = std::str::from_utf8(value).ok()?.strip_suffix('\n')?;
            (is_name(value) && value.len() == self.name.len()).then(|| value.to_owned())
        };
        match (number, key) {
            (0, "tree") => self.tree = name()?,
            (0, _) | (_, "tree") => return None,
            (_, "parent") if number == self.parents.len() + 1 => {
                let parent = name()?;
                self.parents.push(parent);
                return (self.parents.len() <= MAXIMUM_PARENTS).then_some(());
            }
            (_, "parent") => return None,
            _ => {}
        }
        Some(())
    }

    /// The signed commit, where a key of the review's author signed it.
    pub(super) fn signed_by(
        &self,
        review: &Review,
        keys: &Keys,
    ) -> Result<SignedCommit, CommitRefusal> {
        let commit = || self.name.clone();
        let bad = |reason: &str| {
            let reason = reason.to_owned();
            CommitRefusal::BadSignature { commit: commit(), reason }
        };
        let signature = match &self.signatures[..] {
            [] => return Err(CommitRefusal::Unsigned { commit: commit() }),
            [one] => one,
            _ => return Err(bad("there are several signatures")),
        };
        if signature.starts_with(SSH_BEGIN) {
            let blob = dearmor_ssh(signature).ok_or_else(|| bad("it is no whole SSH signature"))?;
            return self.by_ssh(&blob, review, keys);
        }
        if signature.starts_with(PGP_BEGIN) {
            return self.by_openpgp(signature.as_bytes(), review, keys);
        }
        Err(bad("it is neither an SSH nor an OpenPGP signature"))
    }

    fn by_ssh(
        &self,
        blob: &[u8],
        review: &Review,
        keys: &Keys,
    ) -> Result<SignedCommit, CommitRefusal> {
        let bad = |fault: ssh::Fault| {
            let reason = match fault {
                ssh::Fault::Malformed(reason) => reason,
                ssh::Fault::Purpose(found) => format!("it was made for {found}, expected `git`"),
                ssh::Fault::Weak(reason) => format!("it is too weak: {reason}"),
                ssh::Fault::Untouched => "the security key was not touched".to_owned(),
                ssh::Fault::Wrong => "it is not of this commit".to_owned(),
            };
            CommitRefusal::BadSignature { commit: self.name.clone(), reason }
        };
        let signature = ssh::Blob::parse(blob).map_err(bad)?;
        let is_meant =
            |key: &PublicKey| matches!(key, PublicKey::Ssh(it) if it.blob() == signature.key);
        let own = keys.of(&review.author).find(|key| is_meant(key));
        let Some(PublicKey::Ssh(key)) = own else {
            let other = keys.keys.iter().find(|key| is_meant(&key.key));
            let key = other
                .map_or_else(|| ssh_name(signature.key), |other| format!("`{}`", other.author));
            return Err(self.other_signer(key, review));
        };
        signature.verify(key, ssh::GIT_NAMESPACE, &self.payload).map_err(bad)?;
        Ok(self.signed(&PublicKey::Ssh(key.clone())))
    }

    fn by_openpgp(
        &self,
        signature: &[u8],
        review: &Review,
        keys: &Keys,
    ) -> Result<SignedCommit, CommitRefusal> {
        let own = keys.keys.iter().filter(|key| key.author == review.author);
        let mut refusal = None;
        for (key, certificate) in own.filter_map(|key| Some((key, key.certificate.as_ref()?))) {
            match certificate.verify(&self.payload, signature, review.on, keys.now()) {
                Ok(()) => return Ok(self.signed(&key.key)),
                Err(found) => refusal = refusal.or(Some(found)),
            }
        }
        let commit = self.name.clone();
        Err(match refusal {
            None => self.other_signer("an OpenPGP key".to_owned(), review),
            Some(Refusal::OpenPgp { reason: SignatureRefusal::UnknownKey { issuer } }) => {
                self.other_signer(format!("openpgp:{issuer}"), review)
            }
            Some(Refusal::NotCheckable { reason }) => {
                CommitRefusal::NotCheckable { commit, reason }
            }
            Some(Refusal::OpenPgp { reason }) => {
                CommitRefusal::BadSignature { commit, reason: reason.to_string() }
            }
            Some(other) => CommitRefusal::BadSignature { commit, reason: other.to_string() },
        })
    }

    fn other_signer(&self, key: String, review: &Review) -> CommitRefusal {
        let author = review.author.clone();
        CommitRefusal::OtherSigner { commit: self.name.clone(), key, author }
    }

    fn signed(&self, key: &PublicKey) -> SignedCommit {
        SignedCommit { commit: self.name.clone(), key: key.to_string() }
    }
}

/// The blob in the armor of `ssh-keygen -Y sign`.
pub(in crate::signature) fn dearmor_ssh(text: &str) -> Option<Vec<u8>> {
    if text.len() > 2 * ssh::MAXIMUM_BYTES {
        return None;
    }
    let inside = text.trim().strip_prefix(SSH_BEGIN)?.strip_suffix(SSH_END)?;
    let encoded: String = inside.chars().filter(|letter| !matches!(letter, '\n' | '\r')).collect();
    STANDARD.decode(encoded).ok()
}
