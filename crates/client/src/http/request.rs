//! What is asked for, and what may come.

use url::Url;

use crate::credentials::{Credential, split_userinfo};

/// A request for a document (in memory) or a file (streamed).
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) url: Url,
    pub(super) accept: Option<&'static str>,
    pub(super) credential: Option<Credential>,
    pub(super) limit: u64,
    pub(super) pinned_size: Option<u64>,
    pub(super) advertised_size: Option<u64>,
    pub(super) allow_plain_http: bool,
    pub(super) is_file: bool,
}

impl Request {
    /// A document of at most `limit` bytes, after decompression.
    ///
    /// Userinfo of the URL becomes the request's credential.
    #[must_use]
    pub fn document(url: &Url, accept: &'static str, limit: u64) -> Self {
        Self { accept: Some(accept), is_file: false, ..Self::file(url, limit) }
    }

    /// A file of at most `limit` bytes; an HTML page in its place is an error.
    ///
    /// Userinfo of the URL becomes the request's credential.
    #[must_use]
    pub fn file(url: &Url, limit: u64) -> Self {
        let (url, known) = split_userinfo(url);
        let credential = known.map(|known| Credential {
            username: known.username,
            password: known.password.unwrap_or_else(|| crate::credentials::Secret::new("")),
        });
        Self {
            url,
            accept: None,
            credential,
            limit,
            pinned_size: None,
            advertised_size: None,
            allow_plain_http: false,
            is_file: true,
        }
    }

    /// The size that a lock file gives: another one is `HttpError::SizeDiffers`.
    #[must_use]
    pub fn pinned_size(mut self, size: Option<u64>) -> Self {
        self.pinned_size = size;
        self
    }

    /// The size that the index claims. It only tells a body that was cut off from a whole one
    /// where the server gives no length; that it is wrong is no error here.
    #[must_use]
    pub fn advertised_size(mut self, size: Option<u64>) -> Self {
        self.advertised_size = size;
        self
    }

    /// A person named this URL, with its scheme.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// What is asked for, without userinfo.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}
