//! Why the library did not take a signature, in our words and with our codes.

use std::time::SystemTime;

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _};
use openpgp::cert::prelude::ValidErasedKeyAmalgamation;
use openpgp::packet::Signature;
use openpgp::packet::key::PublicParts;
use openpgp::parse::stream::VerificationError;
use openpgp::policy::Policy as _;
use openpgp::types::RevocationStatus;

use super::keyring::fingerprint;
use super::policy::{Lenient, Strict, short_key, weak_hash};
use super::{Moment, SignatureRefusal};

pub(super) fn explain(
    error: &VerificationError<'_>,
    policy: &Strict,
    moment: Moment,
) -> SignatureRefusal {
    match error {
        VerificationError::MissingKey { sig } => {
            SignatureRefusal::UnknownKey { issuer: issuer(sig) }
        }
        VerificationError::UnboundKey { sig, cert, error } => unbound(sig, cert, error),
        VerificationError::BadKey { ka, error, .. } => bad_key(ka, error),
        VerificationError::BadSignature { sig, ka, .. } => bad_signature(sig, ka, policy, moment),
        VerificationError::MalformedSignature { error, .. } => {
            SignatureRefusal::Malformed { reason: error.to_string() }
        }
        VerificationError::UnknownSignature { sig } => {
            SignatureRefusal::Malformed { reason: sig.error().to_string() }
        }
        other => SignatureRefusal::Malformed { reason: other.to_string() },
    }
}

fn issuer(signature: &Signature) -> String {
    let issuers = signature.get_issuers();
    let longest = issuers.iter().map(|issuer| issuer.to_hex().to_ascii_lowercase());
    longest.max_by_key(String::len).unwrap_or_else(|| "nobody".to_owned())
}

/// The key is in a certificate, and not in good standing there at the time of the signature.
fn unbound(signature: &Signature, certificate: &Cert, error: &anyhow::Error) -> SignatureRefusal {
    let issuers = signature.get_issuers();
    let made = signature.signature_creation_time().unwrap_or(SystemTime::UNIX_EPOCH);
    let primary = certificate.primary_key();
    let Some(key) = certificate.keys().key_handles(issuers.iter()).next() else {
        return SignatureRefusal::UnknownKey { issuer: issuer(signature) };
    };
    let name = fingerprint(&key.key().fingerprint()).to_string();
    let main = fingerprint(&primary.key().fingerprint()).to_string();
    let weak = [
        (short_key(key.key().role_as_unspecified()), &name),
        (short_key(primary.key().role_as_unspecified()), &main),
    ];
    for (strength, key) in weak {
        if let Some(strength) = strength {
            return SignatureRefusal::ShortKey { key: key.clone(), strength };
        }
    }
    if key.key().creation_time() > made {
        let reason = "it was made after the signature".to_owned();
        return SignatureRefusal::NotYetValid { key: name, reason };
    }
    // What would bind it if every digest were good tells which digest is not.
    if let Ok(bound) = key.clone().with_policy(&Lenient, made) {
        let main_binding = bound.valid_cert().primary_key().binding_signature();
        for (binding, key) in [(bound.binding_signature(), &name), (main_binding, &main)] {
            if let Some(algorithm) = weak_hash(binding.hash_algo()) {
                return SignatureRefusal::WeakBinding { key: key.clone(), algorithm };
            }
        }
    }
    SignatureRefusal::UnboundKey { key: name, reason: error.to_string() }
}

pub(super) fn bad_key(
    key: &ValidErasedKeyAmalgamation<'_, PublicParts>,
    error: &anyhow::Error,
) -> SignatureRefusal {
    let name = fingerprint(&key.key().fingerprint()).to_string();
    for status in [key.valid_cert().revocation_status(), key.revocation_status()] {
        if let RevocationStatus::Revoked(by) = status {
            return SignatureRefusal::Revoked { key: name, reason: revocation_reason(&by) };
        }
    }
    if let Err(fault) = key.valid_cert().alive().and_then(|()| key.alive()) {
        let reason = fault.to_string();
        return match fault.downcast_ref::<openpgp::Error>() {
            Some(openpgp::Error::NotYetLive(_)) => {
                SignatureRefusal::NotYetValid { key: name, reason }
            }
            _ => SignatureRefusal::ExpiredThen { key: name, reason },
        };
    }
    if !key.for_signing() {
        return SignatureRefusal::NotForSigning { key: name };
    }
    SignatureRefusal::UnboundKey { key: name, reason: error.to_string() }
}

pub(super) fn bad_signature(
    signature: &Signature,
    key: &ValidErasedKeyAmalgamation<'_, PublicParts>,
    policy: &Strict,
    moment: Moment,
) -> SignatureRefusal {
    let made = signature
        .signature_creation_time()
        .and_then(|time| jiff::Timestamp::try_from(time).ok())
        .unwrap_or_default();
    let limit = moment.limit();
    if made > limit {
        return SignatureRefusal::FromTheFuture { made, limit };
    }
    if signature.signature_alive(SystemTime::from(limit), std::time::Duration::ZERO).is_err() {
        return SignatureRefusal::SignatureExpired;
    }
    match signature.verify_document(key.key()) {
        Err(_) => SignatureRefusal::WrongBytes,
        Ok(()) => match policy.signature(signature, openpgp::policy::HashAlgoSecurity::default()) {
            Err(error) => SignatureRefusal::Malformed { reason: error.to_string() },
            Ok(()) => SignatureRefusal::WrongBytes,
        },
    }
}

/// In the words of whoever revoked the key.
pub(super) fn revocation_reason(by: &[&Signature]) -> String {
    by.iter()
        .find_map(|revocation| revocation.reason_for_revocation())
        .map(|(code, message)| {
            let said: String = String::from_utf8_lossy(message)
                .chars()
                .filter(|letter| !letter.is_control())
                .take(200)
                .collect();
            if said.is_empty() { code.to_string() } else { format!("{code}, `{said}`") }
        })
        .unwrap_or_else(|| "no reason is given".to_owned())
}
