//! A webhook: the JSON of a message, with a signature that the receiver can check.
//!
//! `X-Countermark-Signature: t=<seconds since 1970>,v1=<hexadecimal HMAC-SHA-256 of "t.body">`. The
//! time is part of what is signed, so that a receiver can refuse what is old. `Idempotency-Key` is
//! the id of the message: it is the same when the message is sent again.

use countermark_client::http::{Client, HttpError, Submission};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use url::Url;

use super::SendError;
use crate::watch::config::Webhook;
use crate::watch::message::Message;

/// The header with the signature, in lower case.
pub const SIGNATURE: &str = "x-countermark-signature";

/// The value of the signature's header.
#[must_use]
pub fn sign(key: &[u8], body: &[u8], at: Timestamp) -> String {
    use std::fmt::Write as _;
    let seconds = at.as_second();
    let mut value = format!("t={seconds},v1=");
    for byte in mac(key, seconds, body).finalize().into_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(value, "{byte:02x}");
    }
    value
}

/// Whether a signature is that of a body and not older or newer than `tolerance`; for receivers.
#[must_use]
pub fn verify(
    key: &[u8],
    body: &[u8],
    header: &str,
    now: Timestamp,
    tolerance: SignedDuration,
) -> bool {
    let field = |name: &str| header.split(',').find_map(|it| it.trim().strip_prefix(name));
    let (Some(seconds), Some(digits)) = (field("t="), field("v1=")) else { return false };
    let (Ok(seconds), Some(found)) = (seconds.parse::<i64>(), parse_hex(digits)) else {
        return false;
    };
    let Ok(at) = Timestamp::from_second(seconds) else { return false };
    let is_recent = now.duration_since(at).abs() <= tolerance;
    // The comparison of the library takes the same time wherever the first difference is.
    is_recent && mac(key, seconds, body).verify_slice(&found).is_ok()
}

fn mac(key: &[u8], seconds: i64, body: &[u8]) -> Hmac<Sha256> {
    // A key of HMAC may have any length, so this is always one.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    mac
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    (text.len() == 64).then(|| text.as_bytes().chunks_exact(2).map(pair).collect())?
}

/// Delivers a message.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    http: &Client,
    settings: &Webhook,
    message: &Message,
    now: Timestamp,
) -> Result<(), SendError> {
    let key = settings.secret.read()?;
    let url = settings.url.read()?;
    let url = Url::parse(url.reveal().trim())
        .map_err(|error| SendError::Setting { what: "the address", reason: error.to_string() })?;
    let signature = sign(key.reveal().as_bytes(), message.json.as_bytes(), now);
    let mut submission = Submission::new(&url, "application/json", message.json.as_bytes())
        .header(SIGNATURE, &signature)
        .header("idempotency-key", &message.id);
    if settings.allow_plain_http {
        submission = submission.allow_plain_http();
    }
    http.submit(&submission).await.map_err(|error| SendError::Webhook {
        reason: without_address(&error),
        retry_after: match error {
            HttpError::Status { retry_after, .. } => {
                retry_after.and_then(|it| SignedDuration::try_from(it).ok())
            }
            _ => None,
        },
    })
}

/// Many receivers put their secret into the path of the address.
fn without_address(error: &HttpError) -> String {
    match error {
        HttpError::Status { code, .. } => format!("it answered with status {code}"),
        HttpError::Connect { reason, .. } => format!("it cannot be reached: {reason}"),
        HttpError::Certificate { reason, .. } => {
            format!("its certificate is not accepted: {reason}")
        }
        HttpError::Redirect { reason, .. } => reason.to_string(),
        HttpError::PlainHttp { .. } => {
            "it is plain http, which `allow-plain-http = true` allows".to_owned()
        }
        HttpError::Scheme { .. } => "its address is not an http url".to_owned(),
        HttpError::Timeout { limit, .. } => format!("no answer within {} s", limit.as_secs()),
        error => error.code().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// RFC 4231, test case 2, is "what do ya want for nothing?" with the key "Jefe"; with a time of
    /// ours before it, computed with another implementation.
    #[test]
    fn the_signature_is_hmac_sha_256() {
        let value = sign(b"Jefe", b"what do ya want for nothing?", at(0));
        assert_eq!(value, format!("t=0,v1={EXPECTED}"));
    }

    const EXPECTED: &str = "37f471929915ccd2cbbe79feb84ffcff4f2bb25e15fc41c2506687331ae179cc";

    #[test]
    fn only_what_was_signed_is_accepted() {
        let (key, body) = (b"a key".as_slice(), b"{\"a\":1}".as_slice());
        let header = sign(key, body, at(1000));
        let minutes = SignedDuration::from_mins(5);
        let ok = |key: &[u8], body: &[u8], header: &str, now: i64| {
            verify(key, body, header, at(now), minutes)
        };
        assert!(ok(key, body, &header, 1000));
        assert!(ok(key, body, &header, 1300));
        assert!(ok(key, body, &format!("v2=x, {}", header.replace(',', ", ")), 1000));
        assert!(!ok(key, body, &header, 1301));
        assert!(!ok(key, body, &header, 699));
        assert!(!ok(b"another key", body, &header, 1000));
        assert!(!ok(key, b"{\"a\":2}", &header, 1000));
        assert!(!ok(key, body, &header.replace("t=1000", "t=1001"), 1000));
        for bad in ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,v1=zz", "t=1000,v1="] {
            assert!(!ok(key, body, bad, 1000), "{bad}");
        }
        // Each digit counts.
        let start = header.find("v1=").unwrap() + 3;
        for at in start..header.len() {
            let mut other = header.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert!(!ok(key, body, std::str::from_utf8(&other).unwrap(), 1000), "{at}");
        }
    }
}
