//! Clear-signed texts (RFC 9580, section 7), such as a signed list of checksums.
//!
//! Readers disagree about what belongs to such a text: some take lines before it, after it or in its
//! headers for signed. So the frame is read here first, and nothing but the frame may be there.

use std::io::Read as _;
use std::time::SystemTime;

use sequoia_openpgp as openpgp;

use openpgp::parse::Parse as _;
use openpgp::parse::stream::VerifierBuilder;

use super::policy::Strict;
use super::verify::Judge;
use super::{Keyring, Moment, SignatureRefusal, SignedText};
use crate::Verified;

/// Bytes of a text with its signature.
const MAX_TEXT: usize = 32 << 20;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

impl Keyring {
    /// Verifies a clear-signed text, and gives what was signed.
    ///
    /// # Errors
    /// When there is more in it than what was signed, or no good signature by an accepted key.
    pub fn verify_cleartext(
        &self,
        text: &[u8],
        moment: Moment,
    ) -> Result<Verified<SignedText>, SignatureRefusal> {
        if text.len() > MAX_TEXT {
            return Err(SignatureRefusal::TooLarge { limit: MAX_TEXT as u64 });
        }
        check_frame(text)?;
        let policy = Strict::at(moment.now.into());
        let helper = Judge { keyring: self, policy: &policy, moment, text: true, answer: None };
        let limit = SystemTime::from(moment.limit());
        let malformed =
            |error: anyhow::Error| SignatureRefusal::Malformed { reason: error.to_string() };
        let mut verifier = VerifierBuilder::from_bytes(text)
            .and_then(|builder| builder.with_policy(&policy, limit, helper))
            .map_err(malformed)?;
        let mut signed = Vec::new();
        // Not longer than what was given: this kind of message is never compressed.
        verifier
            .read_to_end(&mut signed)
            .map_err(|error| SignatureRefusal::Malformed { reason: error.to_string() })?;
        let signer = verifier.into_helper().into_answer()?;
        Ok(Verified::new(SignedText { text: signed, signer }))
    }
}

fn check_frame(text: &[u8]) -> Result<(), SignatureRefusal> {
    let refuse = |reason: &str| Err(SignatureRefusal::Frame { reason: reason.to_owned() });
    if text.contains(&0) {
        return refuse("there is a NUL in it");
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    if lines.next() != Some(BEGIN.as_bytes()) {
        return refuse("it does not begin with the line that begins such a text");
    }
    loop {
        match lines.next() {
            Some(b"") => break,
            Some(line) if line.starts_with(b"Hash: ") => {}
            Some(_) => return refuse("there is a header other than `Hash`"),
            None => return refuse("it ends within its headers"),
        }
    }
    loop {
        match lines.next() {
            Some(line) if line == SIGNATURE.as_bytes() => break,
            Some(line) if line.starts_with(b"-") && !line.starts_with(b"- ") && line != b"-" => {
                return refuse("a line begins with a dash that is not escaped");
            }
            Some(_) => {}
            None => return refuse("it ends without a signature"),
        }
    }
    for line in lines.by_ref() {
        if line == END.as_bytes() {
            if lines.all(<[u8]>::is_empty) {
                return Ok(());
            }
            return refuse("something follows its signature");
        }
    }
    refuse("its signature does not end")
}
