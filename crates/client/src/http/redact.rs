//! URLs as they may be shown: without passwords, tokens and signed queries.

use std::fmt;

use url::Url;

/// A URL for messages, logs and reports; what it was made from cannot be had back.
///
/// The password becomes `****`; a user name without a password is often a token and becomes
/// `****` too. The values of a query are left out, because signed URLs carry their right there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedactedUrl(String);

impl RedactedUrl {
    /// Redacts a parsed URL.
    #[must_use]
    pub fn new(url: &Url) -> Self {
        let userinfo = match (url.username(), url.password()) {
            ("", None) => String::new(),
            (_, None) | ("", Some(_)) => "****@".to_owned(),
            (username, Some(_)) => format!("{username}:****@"),
        };
        let Some(host) = url.host_str() else {
            return Self(format!("{}://{}", url.scheme(), url.path()));
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let query = if url.query().is_some() { "?…" } else { "" };
        Self(format!("{}://{userinfo}{host}{port}{}{query}", url.scheme(), url.path()))
    }

    /// Redacts a text that may not even be a URL.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        // `user:secret@host` parses, as a URL with the scheme `user`.
        if let Some(url) = Url::parse(text).ok().filter(|url| !url.cannot_be_a_base()) {
            return Self::new(&url);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (format!("{scheme}://"), rest),
            None => (String::new(), text),
        };
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        // Where the text is no URL, nobody knows how far a password with a slash goes.
        let at = rest[..authority_end].rfind('@').or_else(|| rest.rfind('@'));
        let rest = at.map_or_else(|| rest.to_owned(), |at| format!("****@{}", &rest[at + 1..]));
        let shown = rest.split_once('?').map_or(rest.clone(), |(path, _)| format!("{path}?…"));
        Self(format!("{scheme}{shown}"))
    }

    /// The text to show.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&Url> for RedactedUrl {
    fn from(url: &Url) -> Self {
        Self::new(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown() {
        let check = |text: &str, expect: &str| {
            assert_eq!(RedactedUrl::of_text(text).to_string(), expect, "{text}");
        };
        check("https://x.example/simple/", "https://x.example/simple/");
        check("https://x.example:8443/a", "https://x.example:8443/a");
        check("https://user:secret@x.example/", "https://user:****@x.example/");
        check("https://token@x.example/", "https://****@x.example/");
        check("https://:secret@x.example/", "https://****@x.example/");
        check("https://x.example/f.whl?X-Signature=secret", "https://x.example/f.whl?…");
        check("https://x.example/f.whl#sha256=1", "https://x.example/f.whl");
        check("file:///srv/wheels", "file:///srv/wheels");
        check("https://user:secret@:x/", "https://****@:x/");
        check("https://user:sec/ret@[x", "https://****@[x");
        check("user:secret@x.example/a?b=secret", "****@x.example/a?…");
        check("./wheels", "./wheels");
    }
}
