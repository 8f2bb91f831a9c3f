//! Whether an OpenPGP signature supports an artifact or a text.
//!
//! Decides with the certificates that a federation gives (`Keyring`), the days in which each of
//! its keys signed ([`KeyValidity`]), and two times that are parameters ([`Moment`]). Trusts nothing
//! that comes with the signature, also not its date: a key that was stolen after its days can still
//! write any date into a signature, so the date is compared with what is known of the release.
//!
//! Specifications: RFC 9580 and RFC 4880, through `sequoia-openpgp`, which is under the LGPL and
//! therefore behind the feature `openpgp`. The plain values below exist without it.
//!
//! Off-spec, all on the side of refusing: SHA-1, MD5 and RIPEMD-160 count for nothing, however old a
//! signature is, also in the signatures that bind a key to its certificate; RSA and DSA keys under
//! 2048 bits count for nothing; a revocation counts whatever digest it was made with; a detached
//! signature in text mode, which holds for several sequences of bytes, is none for an artifact; a
//! clear-signed text may have nothing before, after or between its parts.

#[cfg(feature = "openpgp")]
mod cleartext;
#[cfg(feature = "openpgp")]
mod explain;
#[cfg(feature = "openpgp")]
mod keyring;
#[cfg(feature = "openpgp")]
mod later;
#[cfg(feature = "openpgp")]
mod policy;
mod refusal;
#[cfg(feature = "openpgp")]
#[cfg(test)]
mod tests;
mod validity;
#[cfg(feature = "openpgp")]
mod verify;

#[cfg(feature = "openpgp")]
pub use keyring::Keyring;
pub use refusal::{KeyringError, SignatureRefusal};
pub use validity::{
    Fingerprint, FingerprintError, KeyValidity, LAG_DAYS, Moment, SignedText, Signer,
};
