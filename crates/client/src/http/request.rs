//! What is asked for, and what may come.

use std::sync::Arc;

use reqwest::header::{self, HeaderMap, HeaderValue};
use url::Url;

use super::{Meter, Range, text_header};
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
    pub(super) only_origin: bool,
    pub(super) validators: Validators,
    pub(super) meter: Option<Arc<Meter>>,
    pub(super) range: Option<Range>,
}

/// Longest validator that is kept, in bytes.
const MAX_VALIDATOR: usize = 1024;

/// By what a server tells whether a document is still the same (RFC 9110, section 8.8). They are the
/// server's own words, and given back to it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, as it was sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as it was sent.
    pub last_modified: Option<String>,
}

impl Validators {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let kept = |name| text_header(headers, name).filter(|value| value.len() <= MAX_VALIDATOR);
        Self { etag: kept(&header::ETAG), last_modified: kept(&header::LAST_MODIFIED) }
    }

    /// Whether there is nothing to ask with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    pub(super) fn ask_for_a_change(&self, headers: &mut HeaderMap) {
        let pairs =
            [(header::IF_NONE_MATCH, &self.etag), (header::IF_MODIFIED_SINCE, &self.last_modified)];
        for (name, value) in pairs {
            if let Some(value) = value.as_deref().and_then(|it| HeaderValue::from_str(it).ok()) {
                headers.insert(name, value);
            }
        }
    }
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
            only_origin: false,
            validators: Validators::default(),
            meter: None,
            range: None,
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

    /// Only a document that is no longer the one that these are of; see `Client::fetch_changed`.
    #[must_use]
    pub fn if_changed(mut self, validators: Validators) -> Self {
        self.validators = validators;
        self
    }

    /// Counted, and slowed down, by this.
    #[must_use]
    pub fn metered(mut self, meter: &Arc<Meter>) -> Self {
        self.meter = Some(Arc::clone(meter));
        self
    }

    /// A person named this URL, with its scheme.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// A redirect to another origin is refused, before anybody there is asked.
    #[must_use]
    pub fn only_origin(mut self) -> Self {
        self.only_origin = true;
        self
    }

    /// What is asked for, without userinfo.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}
