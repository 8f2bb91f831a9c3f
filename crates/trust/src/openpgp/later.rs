//! Keys whose certificate was renewed after the signature.
//!
//! GnuPG replaces the signature that binds a key when its owner gives it more time, so a certificate
//! often shows nothing of the past. A key that existed then, and that its owner binds to the
//! certificate later, is the owner's key for the time before too: nobody else could have used it.

use std::time::SystemTime;

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _};
use openpgp::cert::prelude::ValidErasedKeyAmalgamation;
use openpgp::packet::Signature;
use openpgp::packet::key::PublicParts;
use openpgp::policy::{HashAlgoSecurity, Policy as _};
use openpgp::types::RevocationStatus;

use super::explain::{bad_key, bad_signature};
use super::policy::Strict;
use super::{Moment, SignatureRefusal};

/// Self-signatures that are tried.
const MAX_TRIED: usize = 64;

/// The key as the first acceptable self-signature after the signature binds it.
pub(super) fn later_binding<'c>(
    signature: &Signature,
    certificate: &'c Cert,
    policy: &'c Strict,
    moment: Moment,
) -> Option<ValidErasedKeyAmalgamation<'c, PublicParts>> {
    let made = signature.signature_creation_time()?;
    let limit = SystemTime::from(moment.limit());
    let issuers = signature.get_issuers();
    let key = certificate.keys().key_handles(issuers.iter()).next()?;
    if key.key().creation_time() > made {
        return None;
    }
    let names = certificate.userids().flat_map(|name| name.self_signatures());
    let primary = certificate.primary_key();
    let mut times: Vec<SystemTime> = names
        .chain(primary.self_signatures())
        .chain(key.self_signatures())
        .filter_map(|binding| binding.signature_creation_time())
        .filter(|time| made < *time && *time <= limit)
        .collect();
    times.sort_unstable();
    times.dedup();
    times.truncate(MAX_TRIED);
    times.into_iter().find_map(|time| key.clone().with_policy(policy, time).ok())
}

/// What the library looks at where it finds the binding by itself.
pub(super) fn check_later(
    signature: &Signature,
    key: &ValidErasedKeyAmalgamation<'_, PublicParts>,
    policy: &Strict,
    moment: Moment,
) -> Result<(), SignatureRefusal> {
    let is_revoked = [key.valid_cert().revocation_status(), key.revocation_status()]
        .iter()
        .any(|status| matches!(status, RevocationStatus::Revoked(_)));
    let alive = key.valid_cert().alive().and_then(|()| key.alive());
    if is_revoked || alive.is_err() || !key.for_signing() {
        let error = alive.err().unwrap_or_else(|| anyhow::anyhow!("the key cannot sign"));
        return Err(bad_key(key, &error));
    }
    let limit = SystemTime::from(moment.limit());
    signature
        .signature_alive(limit, std::time::Duration::ZERO)
        .and_then(|()| signature.verify_document(key.key()))
        .and_then(|()| policy.signature(signature, HashAlgoSecurity::default()))
        .map_err(|_| bad_signature(signature, key, policy, moment))
}
