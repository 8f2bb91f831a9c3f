//! Who signs, with which key, and whether the result is what the ledger's key verifies.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_client::ledger::sign;
use countermark_client::report::{Note, Problem};
use countermark_ledger::ledger::AuthorKey;
use countermark_ledger::review::Review;
use countermark_ledger::signature::{
    self, Certificates, Commits, Keys, PublicKey, Refusal, verify,
};
use countermark_ledger::statement::statement;
use countermark_tlog::note::SignerKey;
use countermark_trust::Class;
use countermark_trust::openpgp::Fingerprint;
use jiff::Timestamp;

use super::super::exempt::nowhere;
use super::super::{ground, key};
use crate::cli::vet::SigningArgs;

/// Bytes of an SSH public key's file.
const MAXIMUM: u64 = 16 << 10;

/// What signs.
pub(super) enum Signer {
    Ours(Box<SignerKey>),
    Ssh(PathBuf),
    OpenPgp(Fingerprint),
    Commit,
}

/// Who signs with what.
pub(super) fn choose(
    arguments: &SigningArgs,
    keys: &Keys,
) -> Result<(String, Signer), Vec<Problem>> {
    let said = arguments.author.as_deref().map(key::author).transpose()?.map(str::to_owned);
    let whose = |public: Option<PublicKey>| {
        let known = || keys.author_of(public.as_ref()?).map(str::to_owned);
        said.clone().or_else(known)
    };
    if arguments.git {
        return Ok((named(said)?, Signer::Commit));
    }
    if let Some(path) = &arguments.ssh {
        return Ok((named(whose(public_half(path)))?, Signer::Ssh(path.clone())));
    }
    if let Some(text) = &arguments.openpgp {
        let fingerprint =
            Fingerprint::parse(text).map_err(|error| ground::bad(error.to_string()))?;
        let author = named(whose(Some(PublicKey::OpenPgp(fingerprint.clone()))))?;
        return Ok((author, Signer::OpenPgp(fingerprint)));
    }
    let path = match &arguments.key {
        Some(path) => path.clone(),
        None => kept(said.as_deref(), keys)?,
    };
    let signer = sign::read_key(&path).map_err(|error| key::told(&error))?;
    let author = whose(Some(PublicKey::Ed25519(signer.verifier().clone())));
    Ok((author.unwrap_or_else(|| signer.name().to_owned()), Signer::Ours(Box::new(signer))))
}

fn named(author: Option<String>) -> Result<String, Vec<Problem>> {
    author.ok_or_else(|| {
        let message = "it is not known whose review it is";
        let problem = Problem::new("bad-option", Class::Usage, message);
        vec![problem.with_hint("`--author NAME` says it; the ledger knows whose its keys are")]
    })
}

/// The key of this machine: the author's, or the only one that could be meant.
fn kept(author: Option<&str>, keys: &Keys) -> Result<PathBuf, Vec<Problem>> {
    let folder = key::folder()?;
    let none = |message: String, hint: &str| {
        vec![Problem::new("signing-key", Class::Usage, message).with_hint(hint)]
    };
    let hint = "`countermark vet key new` makes one; `--ssh`, `--openpgp` and `--git` sign with what you \
                have";
    if let Some(author) = author {
        let path = sign::file_of(&folder, author);
        if key::exists(&path) {
            return Ok(path);
        }
        return Err(none(format!("there is no key of {author}: `{}`", path.display()), hint));
    }
    let files = sign::files(&folder).map_err(|error| key::told(&error))?;
    let is_known = |path: &&PathBuf| {
        let public = sign::read_key(path).ok().map(|it| PublicKey::Ed25519(it.verifier().clone()));
        public.is_some_and(|public| keys.author_of(&public).is_some())
    };
    let known: Vec<&PathBuf> = files.iter().filter(is_known).collect();
    match (&files[..], &known[..]) {
        ([], _) => Err(none(format!("there is no key in {}", folder.display()), hint)),
        ([one], _) => Ok(one.clone()),
        (_, [one]) => Ok((*one).clone()),
        _ => {
            let message = format!("there are {} keys in {}", files.len(), folder.display());
            Err(none(message, "`--author NAME` or `--key FILE` says which one signs"))
        }
    }
}

/// The public half beside an SSH key, where it can be read.
fn public_half(path: &Path) -> Option<PublicKey> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    [PathBuf::from(beside), path.to_owned()].iter().find_map(|path| {
        let mut text = String::new();
        File::open(path).ok()?.take(MAXIMUM).read_to_string(&mut text).ok()?;
        PublicKey::parse(&text).ok()
    })
}

/// Signs: the signature as it is written.
pub(super) fn sign(review: &Review, signer: &Signer) -> Result<String, Vec<Problem>> {
    let text = statement(review);
    match signer {
        Signer::Ours(key) => signature::sign(review, key)
            .map_err(|error| vec![Problem::new("not-signed", Class::Usage, error.to_string())]),
        Signer::Ssh(path) => sign::by_ssh(&text, path).map_err(|error| key::told(&error)),
        Signer::OpenPgp(key) => sign::by_openpgp(&text, key).map_err(|error| key::told(&error)),
        Signer::Commit => Ok("git".to_owned()),
    }
}

/// Whether the signed review counts by the keys of the ledger; what there is to say of it.
///
/// A key that the ledger does not have is no reason not to sign: whoever joins a team signs first. Then the
/// signature is verified with the key itself.
pub(super) fn check(
    review: &Review,
    signer: &Signer,
    keys: &Keys,
    now: Timestamp,
) -> Result<Option<Note>, Vec<Problem>> {
    if let Signer::Commit = signer {
        return Ok(None);
    }
    match verify(review, keys, &Commits::new()) {
        Ok(_) => Ok(None),
        Err(Refusal::UnknownAuthor { .. } | Refusal::UnknownKey { .. }) => {
            let public = match signer {
                Signer::Ours(key) => Some(PublicKey::Ed25519(key.verifier().clone())),
                Signer::Ssh(_) => {
                    signature::key_of(review.signature.as_deref().unwrap_or_default())
                }
                Signer::OpenPgp(_) | Signer::Commit => None,
            };
            if let Some(public) = &public {
                by_itself(review, public, now)?;
            }
            Ok(Some(unknown(review, public.as_ref())))
        }
        Err(refusal @ Refusal::NotCheckable { .. }) => {
            Ok(Some(Note::new(refusal.code(), refusal.to_string())))
        }
        Err(refusal) => Err(refused(&refusal)),
    }
}

fn by_itself(review: &Review, public: &PublicKey, now: Timestamp) -> Result<(), Vec<Problem>> {
    let key = AuthorKey {
        author: review.author.clone(),
        key: public.to_text(),
        file: None,
        accounts: Vec::new(),
        from: None,
        until: None,
        place: nowhere(),
    };
    let keys = Keys::new(&[key], &Certificates::new(), now).map_err(|mistakes| {
        let problem =
            |it: &signature::KeyMistake| Problem::new(it.code(), it.class(), it.to_string());
        mistakes.iter().map(problem).collect::<Vec<_>>()
    })?;
    verify(review, &keys, &Commits::new()).map(drop).map_err(|refusal| refused(&refusal))
}

fn refused(refusal: &Refusal) -> Vec<Problem> {
    let message = format!("the review would not count: {refusal}");
    let problem = Problem::new(refusal.code(), refusal.class(), message);
    vec![match refusal.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }]
}

fn unknown(review: &Review, public: Option<&PublicKey>) -> Note {
    let author = &review.author;
    let message =
        format!("the key is none of `{author}` in the ledger: the review counts for nothing yet");
    let named =
        public.map_or_else(|| "CERTIFICATE".to_owned(), |key| format!("'{}'", key.to_text()));
    Note::new("certify-unknown-key", message)
        .with_hint(format!("`countermark vet key add --author {author} {named}` puts it there"))
}
