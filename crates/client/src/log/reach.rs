//! How a log is reached: the paths below its URL, and how much may come from each.
//!
//! Nothing that comes is believed here. A redirect to another origin is refused, since what is asked is a
//! list of names and meant for one reader. Every answer has a limit.
//!
//! Specification: [tlog-tiles](https://c2sp.org/tlog-tiles) for the paths of checkpoint, tiles and
//! entries.

use std::future::Future;

use countermark_trust::Class;
use countermark_trust::log::wire::{MAXIMUM_ANSWER, MAXIMUM_DESCRIPTION};
use url::Url;

use crate::http::{Client, HttpError, RedactedUrl, Request, Submission};

/// No checkpoint with its signatures is longer.
const MAXIMUM_CHECKPOINT: u64 = 1 << 20;

/// No file of entries is longer: 256 of them, each with its length.
const MAXIMUM_BUNDLE: u64 = 256 * (65_536 + 2);

/// A tile has 256 hashes.
const MAXIMUM_TILE: u64 = 256 * 32;

/// Why nothing came from a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// The URL of the policy is none.
    #[error("`{url}` is not the URL of a log")]
    Url {
        /// As it stands there, without a password.
        url: RedactedUrl,
    },
    /// The network's fault, or the server's.
    #[error("the log does not answer: {0}")]
    Http(#[from] HttpError),
    /// It understood, and does not want to.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked.
        url: RedactedUrl,
        /// Of HTTP.
        status: u16,
    },
    /// No runtime.
    #[error("the network cannot be set up: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
}

impl ReachError {
    /// Whose fault it is: of whatever kind, nothing is decided.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Url { .. } => Class::Usage,
            Self::Http(_) | Self::Status { .. } | Self::Setup { .. } => Class::Unavailable,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "bad-url",
            Self::Http(_) | Self::Status { .. } | Self::Setup { .. } => "log-unreachable",
        }
    }

    /// Whether nobody was asked because the user said so.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Http(HttpError::Offline { .. }))
    }

    /// Whether the document is not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Http(HttpError::Status { code: 404, .. }))
    }
}

/// A log at its URL.
#[derive(Clone, Debug)]
pub(super) struct Reach<'a> {
    http: &'a Client,
    /// Ends with a slash.
    base: Url,
}

impl<'a> Reach<'a> {
    /// # Errors
    /// When it is no URL.
    pub(super) fn new(http: &'a Client, url: &str) -> Result<Self, ReachError> {
        let wrong = || ReachError::Url { url: RedactedUrl::of_text(url) };
        let mut base = Url::parse(url).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "https" | "http") || base.query().is_some() {
            return Err(wrong());
        }
        base.set_fragment(None);
        base.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().push("");
        Ok(Self { http, base })
    }

    /// Where it is, as messages show it.
    pub(super) fn shown(&self) -> String {
        RedactedUrl::new(&self.base).to_string().trim_end_matches('/').to_owned()
    }

    /// What it answers to a look-up, unverified.
    pub(super) async fn lookup(&self, question: Vec<u8>) -> Result<Vec<u8>, ReachError> {
        let url = self.at("lookup");
        // A person named this URL in the policy, with its scheme.
        let submission = Submission::new(&url, "application/json", question).allow_plain_http();
        let reply = self.http.ask(&submission, MAXIMUM_ANSWER as u64).await?;
        match reply.status {
            200 => Ok(reply.body),
            status => Err(ReachError::Status { url: RedactedUrl::new(&url), status }),
        }
    }

    /// Its last checkpoint, unverified.
    pub(super) async fn checkpoint(&self) -> Result<Vec<u8>, ReachError> {
        self.document("checkpoint", MAXIMUM_CHECKPOINT).await
    }

    /// What it says about itself, unverified.
    pub(super) async fn description(&self) -> Result<Vec<u8>, ReachError> {
        self.document("log.json", MAXIMUM_DESCRIPTION as u64).await
    }

    /// A file of entries, unverified.
    pub(super) async fn entries(&self, path: &str) -> Result<Vec<u8>, ReachError> {
        self.document(path, MAXIMUM_BUNDLE).await
    }

    /// A tile of hashes, unverified.
    pub(super) async fn tile(&self, path: &str) -> Result<Vec<u8>, ReachError> {
        self.document(path, MAXIMUM_TILE).await
    }

    async fn document(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReachError> {
        let request =
            Request::document(&self.at(path), "*/*", limit).allow_plain_http().only_origin();
        Ok(self.http.fetch(&request).await?.body)
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }
}

/// Runs what talks to a log, from a thread that runs nothing asynchronous.
pub(super) fn talk<T>(work: impl Future<Output = Result<T, ReachError>>) -> Result<T, ReachError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ReachError::Setup { reason: error.to_string() })?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::Options;

    #[test]
    fn paths_stand_below_the_url_of_the_log() {
        let http = Client::new(Options::default(), Arc::default());
        for (url, expect) in [
            ("https://log.example.org", "https://log.example.org/tile/0/x001/067"),
            ("https://log.example.org/", "https://log.example.org/tile/0/x001/067"),
            ("https://example.org/a/log", "https://example.org/a/log/tile/0/x001/067"),
            ("https://example.org/a/log/", "https://example.org/a/log/tile/0/x001/067"),
        ] {
            let reach = Reach::new(&http, url).unwrap();
            assert_eq!(reach.at("tile/0/x001/067").as_str(), expect);
        }
        for url in ["log.example.org", "file:///log", "https://log.example.org/?a", ""] {
            assert_eq!(Reach::new(&http, url).unwrap_err().code(), "bad-url", "{url}");
        }
        let secret = Reach::new(&http, "ftp://a:secret@log.example.org").unwrap_err();
        assert!(!secret.to_string().contains("secret"), "{secret}");
    }
}
