//! Whether a redirect is followed; RFC 9110, section 15.4, and rules of ours.

use url::Url;

use crate::origin::{is_loopback, same_origin};

use super::error::{HttpError, RedirectRefusal};
use super::{MAX_REDIRECTS, RedactedUrl};

/// Where to go next, or why not.
///
/// Off-spec: a redirect to plain http is refused, from https always and from http unless it stays
/// on the same origin or on this machine. User names and passwords in a target are dropped: they
/// would be the server's choice of what we send.
pub(super) fn next_hop(from: &Url, location: Option<&str>, hops: usize) -> Result<Url, HttpError> {
    let refuse = |to: RedactedUrl, reason| HttpError::Redirect { url: from.into(), to, reason };
    let Some(location) = location else {
        return Err(refuse(RedactedUrl::of_text(""), RedirectRefusal::Location));
    };
    let Ok(mut to) = from.join(location) else {
        return Err(refuse(RedactedUrl::of_text(location), RedirectRefusal::Location));
    };
    let reason = match to.scheme() {
        _ if hops >= MAX_REDIRECTS => Some(RedirectRefusal::TooMany),
        "https" => None,
        "http" => {
            let stays = from.scheme() == "http"
                && (same_origin(from, &to) || (is_loopback(from) && is_loopback(&to)));
            (!stays).then_some(RedirectRefusal::PlainHttp)
        }
        _ => Some(RedirectRefusal::Scheme),
    };
    if let Some(reason) = reason {
        return Err(refuse((&to).into(), reason));
    }
    // Neither fails on a URL with a host, which http URLs have.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let check = |from: &str, location: &str, expect: Result<&str, RedirectRefusal>| {
            let found = match next_hop(&Url::parse(from).unwrap(), Some(location), 3) {
                Ok(url) => Ok(url.to_string()),
                Err(HttpError::Redirect { reason, .. }) => Err(reason),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found, expect.map(str::to_owned), "{from} to {location}");
        };
        let plain = Err(RedirectRefusal::PlainHttp);
        check("https://a.example/x", "/y", Ok("https://a.example/y"));
        check("https://a.example/x", "//b.example/y", Ok("https://b.example/y"));
        check("https://a.example/x", "https://b.example/y", Ok("https://b.example/y"));
        check("https://a.example/x", "https://me:pw@b.example/y", Ok("https://b.example/y"));
        check("https://a.example/x", "http://a.example/x", plain);
        check("https://a.example/x", "http://127.0.0.1/x", plain);
        check("http://a.example/x", "https://a.example/x", Ok("https://a.example/x"));
        check("http://a.example/x", "/y", Ok("http://a.example/y"));
        check("http://a.example/x", "http://b.example/x", plain);
        check("http://a.example/x", "http://a.example:81/x", plain);
        check("http://a.example/x", "http://localhost/x", plain);
        check("http://127.0.0.1:1/x", "http://localhost:2/x", Ok("http://localhost:2/x"));
        check("http://127.0.0.1:1/x", "http://[::1]:2/x", Ok("http://[::1]:2/x"));
        check("http://127.0.0.1:1/x", "http://localhost.evil.example/x", plain);
        check("https://a.example/x", "file:///etc/passwd", Err(RedirectRefusal::Scheme));
        check("https://a.example/x", "ftp://b.example/", Err(RedirectRefusal::Scheme));
        check("https://a.example/x", "https://[", Err(RedirectRefusal::Location));
    }

    #[test]
    fn no_location_and_too_many() {
        let from = Url::parse("https://user:secret@a.example/x").unwrap();
        let error = next_hop(&from, None, 0).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(next_hop(&from, Some("/y"), MAX_REDIRECTS - 1).is_ok());
        let error = next_hop(&from, Some("/y"), MAX_REDIRECTS).unwrap_err();
        assert!(matches!(error, HttpError::Redirect { reason: RedirectRefusal::TooMany, .. }));
    }
}
