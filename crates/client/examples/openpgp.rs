//! Judges one signature, for comparisons with other programs: `.ci/openpgp.sh`.
//!
//! `openpgp KEYS ARTIFACT SIGNATURE NOW [RELEASED]` prints the certificate that signed, or the code of
//! the refusal. With `-` as ARTIFACT the signature is a clear-signed text, which is printed instead.

use std::error::Error;

use countermark_trust::openpgp::{Keyring, Moment};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [keys, artifact, signature, now, released @ ..] = arguments.as_slice() else {
        return Err("KEYS ARTIFACT SIGNATURE NOW [RELEASED]".into());
    };
    let released = released.first().map(|time| time.parse()).transpose()?;
    let moment = Moment { now: now.parse()?, released };
    let certificates = std::fs::read(keys)?;
    let keyring = Keyring::read([(keys.as_str(), certificates.as_slice())], None)?;
    let signature = std::fs::read(signature)?;
    if artifact == "-" {
        match keyring.verify_cleartext(&signature, moment) {
            Ok(signed) => println!("{}", String::from_utf8_lossy(&signed.text)),
            Err(refusal) => println!("{}", refusal.code()),
        }
        return Ok(());
    }
    match keyring.verify_detached(std::fs::File::open(artifact)?, &signature, moment) {
        Ok(signer) => println!("{}", signer.certificate),
        Err(refusal) => println!("{}", refusal.code()),
    }
    Ok(())
}
