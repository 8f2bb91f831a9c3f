//! Keys, certificates and signatures that are the same in every run, but for the salt of signatures.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::armor;
use openpgp::cert::{CertRevocationBuilder, SubkeyRevocationBuilder};
use openpgp::crypto::KeyPair;
use openpgp::packet::key::{Key4, PrimaryRole, PublicParts, SecretParts, SubordinateRole};
use openpgp::packet::signature::SignatureBuilder;
use openpgp::packet::{Key, Signature, UserID};
use openpgp::serialize::MarshalInto as _;
use openpgp::serialize::stream::{Message, Signer};
use openpgp::types::{HashAlgorithm, KeyFlags, ReasonForRevocation, SignatureType};
use openpgp::{Cert, Packet};

/// Two primes and the private exponent of an RSA key with 1024 bits.
const SHORT: [&str; 3] = [
    "fa5a902afecbdf701c07a78e3bdf493287cfc5dcc01b52506f641519283d630d\
     21c0a1c9dff341020b320d12c0ae0eae441c078ffcc64a10d22c4837286806ab",
    "f88fdb6b13204d22652ef330c3cc1f0810e328dca2148068fa45dcb6c57c7556\
     1e604ea57815f6e0ebc0a883d9af2f3993bf81d6490b2292c1bf5693e278e663",
    "7a967265d5bd7c41c64c92c30798e5f9f98b01b026c826184b913b7bcf77654b\
     15e3274f99fd21802c8aba0675dd6cc0ee6385503623732620f1e3fa69860364\
     6076961e9db99bf2f6666e66352dcb233064d7aeda76004c0cf09d2d79065fd3\
     f07494f6010101093e57279e081d7a619833d2adf4a9cf8d092b811be322c91d",
];

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().or_else(|_| format!("{text}T12:00:00Z").parse()).unwrap()
}

fn system(text: &str) -> SystemTime {
    time(text).into()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// What a certificate is made of.
pub(super) struct Plan {
    pub(super) seed: u8,
    pub(super) created: &'static str,
    /// When the key was bound to its name; when it was made, without one.
    pub(super) bound: Option<&'static str>,
    pub(super) days: Option<u64>,
    pub(super) binding: HashAlgorithm,
    pub(super) short: bool,
    pub(super) may_sign: bool,
    /// With the digest that binds it.
    pub(super) subkey: Option<HashAlgorithm>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            created: "2024-01-01",
            bound: None,
            days: None,
            binding: HashAlgorithm::SHA256,
            short: false,
            may_sign: true,
            subkey: None,
        }
    }
}

/// A certificate with its private keys.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) certificate: Cert,
    primary: Key<SecretParts, PrimaryRole>,
    subkey: Option<Key<SecretParts, SubordinateRole>>,
}

impl Plan {
    pub(super) fn make(&self) -> Owner {
        let created = system(self.created);
        let bound = self.bound.map_or(created, system);
        let primary: Key<SecretParts, PrimaryRole> = if self.short {
            let [p, q, d] = SHORT.map(hex);
            Key4::import_secret_rsa(&d, &p, &q, created).unwrap().into()
        } else {
            Key4::import_secret_ed25519(&[self.seed; 32], created).unwrap().into()
        };
        let public: Key<PublicParts, PrimaryRole> = primary.clone().take_secret().0;
        let mut signer = primary.clone().into_keypair().unwrap();
        let name = UserID::from("releases <releases@example.org>");
        let flags = KeyFlags::empty().set_certification();
        let flags = if self.may_sign { flags.set_signing() } else { flags };
        let binding = SignatureBuilder::new(SignatureType::PositiveCertification)
            .set_signature_creation_time(bound)
            .and_then(|builder| builder.set_key_flags(flags))
            .and_then(|builder| builder.set_key_validity_period(self.period()))
            .unwrap()
            .set_hash_algo(self.binding)
            .sign_userid_binding(&mut signer, &public, &name)
            .unwrap();
        let mut packets: Vec<Packet> = vec![public.clone().into(), name.into(), binding.into()];
        let subkey = self.subkey.map(|hash| {
            let subkey: Key<SecretParts, SubordinateRole> =
                Key4::import_secret_ed25519(&[self.seed ^ 0x80; 32], created).unwrap().into();
            packets.extend(bind(&mut signer, &public, &subkey, bound, hash));
            subkey
        });
        let certificate = Cert::from_packets(packets.into_iter()).unwrap();
        Owner { certificate, primary, subkey }
    }

    fn period(&self) -> Option<Duration> {
        self.days.map(|days| Duration::from_secs(days * 86_400))
    }
}

fn bind(
    signer: &mut KeyPair,
    primary: &Key<PublicParts, PrimaryRole>,
    subkey: &Key<SecretParts, SubordinateRole>,
    created: SystemTime,
    hash: HashAlgorithm,
) -> [Packet; 2] {
    let public: Key<PublicParts, SubordinateRole> = subkey.clone().take_secret().0;
    let back = SignatureBuilder::new(SignatureType::PrimaryKeyBinding)
        .set_signature_creation_time(created)
        .unwrap()
        .set_hash_algo(hash)
        .sign_primary_key_binding(&mut subkey.clone().into_keypair().unwrap(), primary, &public)
        .unwrap();
    let binding = SignatureBuilder::new(SignatureType::SubkeyBinding)
        .set_signature_creation_time(created)
        .and_then(|builder| builder.set_key_flags(KeyFlags::empty().set_signing()))
        .and_then(|builder| builder.set_embedded_signature(back))
        .unwrap()
        .set_hash_algo(hash)
        .sign_subkey_binding(signer, primary, &public)
        .unwrap();
    [public.into(), binding.into()]
}

/// How a signature is made.
pub(super) struct Signing {
    pub(super) made: &'static str,
    pub(super) kind: SignatureType,
    pub(super) hash: HashAlgorithm,
    pub(super) days: Option<u64>,
    pub(super) by_subkey: bool,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            made: "2024-06-01",
            kind: SignatureType::Binary,
            hash: HashAlgorithm::SHA256,
            days: None,
            by_subkey: false,
        }
    }
}

impl Owner {
    pub(super) fn fingerprint(&self) -> String {
        self.certificate.fingerprint().to_hex().to_ascii_lowercase()
    }

    pub(super) fn subkey_fingerprint(&self) -> String {
        self.subkey.as_ref().unwrap().fingerprint().to_hex().to_ascii_lowercase()
    }

    fn pair(&self, by_subkey: bool) -> KeyPair {
        match &self.subkey {
            Some(subkey) if by_subkey => subkey.clone().into_keypair().unwrap(),
            _ => self.primary.clone().into_keypair().unwrap(),
        }
    }

    pub(super) fn sign_packet(&self, bytes: &[u8], signing: &Signing) -> Signature {
        let mut builder = SignatureBuilder::new(signing.kind)
            .set_signature_creation_time(system(signing.made))
            .unwrap()
            .set_hash_algo(signing.hash);
        if let Some(days) = signing.days {
            let period = Duration::from_secs(days * 86_400);
            builder = builder.set_signature_validity_period(period).unwrap();
        }
        let signer = &mut self.pair(signing.by_subkey);
        match signing.kind {
            SignatureType::Standalone => builder.sign_standalone(signer),
            _ => builder.sign_message(signer, bytes),
        }
        .unwrap()
    }

    /// Binary.
    pub(super) fn sign(&self, bytes: &[u8], signing: &Signing) -> Vec<u8> {
        Packet::from(self.sign_packet(bytes, signing)).to_vec().unwrap()
    }

    pub(super) fn clear_sign(&self, text: &str, made: &str) -> String {
        let mut written = Vec::new();
        let message = Message::new(&mut written);
        let mut signer = Signer::new(message, self.pair(false))
            .unwrap()
            .cleartext()
            .creation_time(system(made))
            .build()
            .unwrap();
        signer.write_all(text.as_bytes()).unwrap();
        signer.finalize().unwrap();
        String::from_utf8(written).unwrap()
    }

    /// With a revocation of the certificate in it.
    pub(super) fn revoked(
        mut self,
        on: &str,
        why: ReasonForRevocation,
        hash: HashAlgorithm,
    ) -> Self {
        let revocation = CertRevocationBuilder::new()
            .set_signature_creation_time(system(on))
            .and_then(|builder| builder.set_reason_for_revocation(why, b"said so"))
            .and_then(|builder| builder.build(&mut self.pair(false), &self.certificate, hash))
            .unwrap();
        self.certificate = self.certificate.insert_packets(vec![revocation]).unwrap().0;
        self
    }

    /// With a revocation of the subkey in it.
    pub(super) fn subkey_revoked(mut self, on: &str, why: ReasonForRevocation) -> Self {
        let subkey = self.certificate.keys().subkeys().next().unwrap();
        let revocation = SubkeyRevocationBuilder::new()
            .set_signature_creation_time(system(on))
            .and_then(|builder| builder.set_reason_for_revocation(why, b"said so"))
            .and_then(|builder| {
                builder.build(&mut self.pair(false), &self.certificate, subkey.key(), None)
            })
            .unwrap();
        self.certificate = self.certificate.insert_packets(vec![revocation]).unwrap().0;
        self
    }

    pub(super) fn binary(&self) -> Vec<u8> {
        self.certificate.to_vec().unwrap()
    }

    pub(super) fn armored(&self) -> Vec<u8> {
        armored(&self.binary(), armor::Kind::PublicKey)
    }

    /// With the private keys.
    pub(super) fn private(&self) -> Vec<u8> {
        let key: Packet = self.primary.clone().into();
        self.certificate.clone().insert_packets(vec![key]).unwrap().0.as_tsk().to_vec().unwrap()
    }
}

pub(super) fn armored(bytes: &[u8], kind: armor::Kind) -> Vec<u8> {
    let mut writer = armor::Writer::new(Vec::new(), kind).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finalize().unwrap()
}
