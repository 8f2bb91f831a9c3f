//! User names and passwords for indexes: where they come from and to whom they may be shown.
//!
//! Decides which credential goes with a request. They come from URLs with userinfo, from
//! `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`, from `.netrc`, and from the `keyring` program once
//! a server has asked. One that was given for an origin (scheme, host and port) is offered to that
//! origin only; what `.netrc` and keyring hold goes out over TLS or stays on this machine. None is
//! ever printed: [`Secret`] has no way to be shown.

mod keyring;
mod netrc;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

pub use keyring::{Keyring, KeyringError, KeyringProvider};
pub use netrc::{Netrc, NetrcError};

use crate::origin::{is_loopback, same_origin};

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for sending it to whom it belongs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

/// A user name (itself often a token) and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// May be empty.
    pub username: Secret,
    /// May be empty.
    pub password: Secret,
}

impl Credential {
    /// Makes one.
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self { username: Secret::new(username), password: Secret::new(password) }
    }

    /// The value of an `Authorization` header (RFC 7617).
    #[must_use]
    pub fn basic(&self) -> Secret {
        let pair = format!("{}:{}", self.username.reveal(), self.password.reveal());
        Secret(format!("Basic {}", STANDARD.encode(pair)))
    }
}

/// What somebody configured for an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCredential {
    /// URL of the index, without userinfo.
    pub url: Url,
    /// User name.
    pub username: Secret,
    /// Absent where only a name or a token was given.
    pub password: Option<Secret>,
}

/// Takes the userinfo out of a URL.
#[must_use]
pub fn split_userinfo(url: &Url) -> (Url, Option<KnownCredential>) {
    let mut bare = url.clone();
    // Neither fails on a URL with a host; others have no userinfo.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    if url.username().is_empty() && url.password().is_none() {
        return (bare, None);
    }
    let known = KnownCredential {
        url: bare.clone(),
        username: Secret::new(percent_decode(url.username())),
        password: url.password().map(|password| Secret::new(percent_decode(password))),
    };
    (bare, Some(known))
}

/// All credentials of one run.
#[derive(Debug, Default)]
pub struct CredentialStore {
    known: Vec<KnownCredential>,
    netrc: Netrc,
    keyring: Keyring,
    /// What keyring said, by origin; `None` is a no.
    asked: Mutex<HashMap<String, Option<Credential>>>,
}

impl CredentialStore {
    /// Brings the sources together.
    #[must_use]
    pub fn new(known: Vec<KnownCredential>, netrc: Netrc, keyring: Keyring) -> Self {
        Self { known, netrc, keyring, asked: Mutex::default() }
    }

    /// What to send with a first request, without asking anybody.
    #[must_use]
    pub fn for_url(&self, url: &Url) -> Option<Credential> {
        if let Some(Some(credential)) = self.asked().get(&origin_key(url)) {
            return Some(credential.clone());
        }
        let known = self.known_for(url);
        if let Some(KnownCredential { username, password: Some(password), .. }) = known {
            return Some(Credential { username: username.clone(), password: password.clone() });
        }
        let username = known.map(|known| known.username.reveal());
        let from_netrc = url
            .host_str()
            .filter(|_| may_carry(url))
            .and_then(|host| self.netrc.find(host, username));
        // A name alone is often a token, which goes with an empty password.
        from_netrc.or_else(|| username.map(|username| Credential::new(username, "")))
    }

    /// What to send after a server said 401; asks keyring at most once per origin.
    ///
    /// # Errors
    /// See [`KeyringError`]; the caller tells it and goes on without.
    pub async fn ask_keyring(&self, url: &Url) -> Result<Option<Credential>, KeyringError> {
        let key = origin_key(url);
        if !may_carry(url) || !self.keyring.is_enabled() {
            return Ok(None);
        }
        if let Some(answer) = self.asked().get(&key) {
            return Ok(answer.clone());
        }
        let known = self.known_for(url);
        let mut services =
            vec![known.map_or_else(|| url.origin().ascii_serialization(), |it| it.url.to_string())];
        services.extend(url.host_str().map(|host| match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }));
        let username = known.map(|known| known.username.reveal().to_owned());
        let answer = self.keyring.ask(services, username).await?;
        self.asked().insert(key, answer.clone());
        Ok(answer)
    }

    /// The configured credential of the same origin whose path is nearest.
    fn known_for(&self, url: &Url) -> Option<&KnownCredential> {
        let nearness = |known: &KnownCredential| {
            let pairs = known.url.path().split('/').zip(url.path().split('/'));
            pairs.take_while(|(one, other)| one == other).count()
        };
        let same = self.known.iter().filter(|known| same_origin(&known.url, url));
        // `max_by_key` would give the last of equals; the first one given counts.
        same.rev().max_by_key(|known| nearness(known))
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<Credential>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Over TLS, or not over a network.
fn may_carry(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

fn origin_key(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Decodes `%xx` of userinfo; what is not UTF-8 then is replaced, and will not be accepted.
fn percent_decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let value = (byte == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|it| it.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(value.unwrap_or(byte));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn store(known: &[&str], netrc: &str) -> CredentialStore {
        let known = known.iter().filter_map(|text| split_userinfo(&url(text)).1).collect();
        CredentialStore::new(known, Netrc::parse(netrc).unwrap(), Keyring::default())
    }

    #[test]
    fn who_gets_what() {
        let store = store(
            &[
                "https://team:one@index.example/team/simple/",
                "https://other:two@index.example/other/simple/",
                "https://token@tokens.example/simple/",
                "http://plain:three@plain.example/simple/",
                "https://named@netrc.example/simple/",
            ],
            "machine netrc.example login named password four\n\
             machine plain-netrc.example login x password five\n\
             machine localhost login local password six\n",
        );
        let check = |text: &str, expect: Option<(&str, &str)>| {
            let found = store.for_url(&url(text));
            let expect = expect.map(|(username, password)| Credential::new(username, password));
            assert_eq!(found, expect, "{text}");
        };
        check("https://index.example/team/simple/x/", Some(("team", "one")));
        check("https://index.example/other/simple/x/", Some(("other", "two")));
        check("https://index.example/files/x.whl", Some(("team", "one")));
        check("https://index.example:8443/team/simple/x/", None);
        check("http://index.example/team/simple/x/", None);
        check("https://index.example.evil.example/team/simple/", None);
        check("https://tokens.example/files/x", Some(("token", "")));
        check("http://plain.example/x", Some(("plain", "three")));
        check("https://netrc.example/x", Some(("named", "four")));
        check("https://plain-netrc.example/x", Some(("x", "five")));
        check("http://plain-netrc.example/x", None);
        check("http://localhost:8000/x", Some(("local", "six")));
        check("https://elsewhere.example/x", None);
    }

    #[test]
    fn userinfo_is_taken_out_and_decoded() {
        let (bare, known) = split_userinfo(&url("https://us%40er:p%2Fw%zz@x.example/simple/"));
        assert_eq!(bare.as_str(), "https://x.example/simple/");
        let known = known.unwrap();
        assert_eq!(known.username.reveal(), "us@er");
        assert_eq!(known.password.unwrap().reveal(), "p/w%zz");
        assert_eq!(split_userinfo(&bare), (bare.clone(), None));
    }

    #[test]
    fn nothing_is_shown() {
        let store = store(&["https://user:hidden@x.example/"], "machine m login l password hidden");
        let shown = format!("{store:?} {:?}", store.for_url(&url("https://x.example/")));
        assert!(!shown.contains("hidden") && shown.contains("****"), "{shown}");
    }

    #[test]
    fn basic_header() {
        let header = Credential::new("user", "secret").basic();
        assert_eq!(header.reveal(), "Basic dXNlcjpzZWNyZXQ=");
    }
}
