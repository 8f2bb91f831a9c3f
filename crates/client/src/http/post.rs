//! Handing a small document in: a message for a webhook, of whose answer only the status counts
//! ([`Client::submit`]), or a question whose answer is read ([`Client::ask`]).
//!
//! Once: whoever hands it in keeps it until it was taken, and decides when to try again. No redirect
//! is followed, since the document is for the address that was configured and nobody else. With a
//! message no credential of the store goes; with a question the one of its address does.

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::error::{HttpError, RedirectRefusal};
use super::transfer::Transfer;
use super::{Client, RedactedUrl, Request, decode, is_redirect, network_error, retry, text_header};

/// A document that is handed in.
#[derive(Clone, Debug)]
pub struct Submission {
    request: Request,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Submission {
    /// A document for an address. Userinfo of the URL is left out.
    #[must_use]
    pub fn new(url: &Url, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { request: Request::document(url, "*/*", 0), headers, body: body.into() }
    }

    /// With one more header. A value that no header can have is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// A person named this URL, with its scheme.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.request = self.request.allow_plain_http();
        self
    }
}

/// What came back for a document that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status of HTTP, whatever it is, but for redirects.
    pub status: u16,
    /// Whole, decompressed and within the limit that was given.
    pub body: Vec<u8>,
}

impl Client {
    /// Hands a document in with `POST`, once.
    ///
    /// # Errors
    /// See [`HttpError`]; whatever is not a 2xx is one.
    pub async fn submit(&self, submission: &Submission) -> Result<(), HttpError> {
        let response = self.post(submission, HeaderMap::new()).await?;
        if response.status().is_success() { Ok(()) } else { Err(self.refused(&response)) }
    }

    /// Asks with `POST`, once, and reads an answer of at most `limit` bytes. A 2xx and a 4xx have a
    /// body that the caller may understand; what a server says about itself (5xx) is an error.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn ask(&self, submission: &Submission, limit: u64) -> Result<Reply, HttpError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let url = submission.request.url();
        let credential = submission.request.credential.clone();
        if let Some(credential) = credential.or_else(|| self.credentials.for_url(url))
            && let Ok(mut value) = HeaderValue::from_str(credential.basic().reveal())
        {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let response = self.post(submission, headers).await?;
        let status = response.status();
        if !status.is_success() && !status.is_client_error() {
            return Err(self.refused(&response));
        }
        let encoding = text_header(response.headers(), &header::CONTENT_ENCODING);
        let mut transfer = Transfer::new(response, 0, limit, &self.options.timeouts)?;
        let mut body = Vec::new();
        while let Some(chunk) = transfer.next().await? {
            body.extend_from_slice(chunk.as_ref());
        }
        let body = decode(body, encoding.as_deref(), limit, url)?;
        Ok(Reply { status: status.as_u16(), body })
    }

    /// Sends it, and gives whatever answer is no redirect.
    async fn post(
        &self,
        submission: &Submission,
        more: HeaderMap,
    ) -> Result<reqwest::Response, HttpError> {
        self.check_scheme(&submission.request)?;
        let url = submission.request.url();
        let shown = RedactedUrl::new(url);
        let mut headers = submission.headers.clone();
        headers.extend(more);
        let sending =
            self.inner()?.post(url.clone()).headers(headers).body(submission.body.clone()).send();
        let limit = self.options.timeouts.idle.saturating_add(self.options.timeouts.connect);
        let response = tokio::time::timeout(limit, sending)
            .await
            .map_err(|_| HttpError::Timeout { url: shown.clone(), limit })?
            .map_err(|error| network_error(&shown, &error))?;
        if is_redirect(response.status()) {
            let to = text_header(response.headers(), &header::LOCATION).unwrap_or_default();
            let to = RedactedUrl::of_text(&to);
            return Err(HttpError::Redirect { url: shown, to, reason: RedirectRefusal::HandedIn });
        }
        Ok(response)
    }

    fn refused(&self, response: &reqwest::Response) -> HttpError {
        let retry_after = text_header(response.headers(), &header::RETRY_AFTER)
            .and_then(|value| retry::parse_retry_after(&value, (self.effects.now)()));
        let url = RedactedUrl::new(response.url());
        HttpError::Status { url, code: response.status().as_u16(), retry_after }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use countermark_testkit::hook::{HookServer, Manner};

    use super::super::{Options, Proxies};
    use super::*;

    fn hand_in(url: &str, change: impl FnOnce(Submission) -> Submission) -> Result<(), HttpError> {
        let url = Url::parse(url).unwrap();
        let submission = Submission::new(&url, "application/json", "{\"a\":1}");
        let options = Options { proxies: Proxies::Off, ..Options::default() };
        let client = Client::new(options, Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.submit(&change(submission)))
    }

    #[test]
    fn what_is_handed_in_arrives_as_it_is() {
        let server = HookServer::start([]);
        hand_in(&format!("{}/hook?a=b", server.url()), |it| {
            it.header("idempotency-key", "abc.1").header("x-bad", "a\nb")
        })
        .unwrap();
        let calls = server.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!((calls[0].method.as_str(), calls[0].target.as_str()), ("POST", "/hook?a=b"));
        assert_eq!(calls[0].body, b"{\"a\":1}");
        assert_eq!(calls[0].header("content-type"), Some("application/json"));
        assert_eq!(calls[0].header("idempotency-key"), Some("abc.1"));
        assert_eq!(calls[0].header("x-bad"), None);
        assert_eq!(calls[0].header("authorization"), None);
    }

    #[test]
    fn what_is_not_taken_is_said_and_not_tried_again() {
        let check = |manner: Manner, expect: &str| {
            let server = HookServer::start([manner]);
            let error = hand_in(&format!("{}/hook", server.url()), |it| it).unwrap_err();
            assert_eq!(error.code(), expect, "{error}");
            assert_eq!(server.calls().len(), 1, "{error}");
            error
        };
        let busy = check(Manner::Status { code: 503, retry_after: Some(7) }, "http-status");
        let HttpError::Status { code: 503, retry_after, .. } = busy else { panic!("{busy}") };
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
        check(Manner::Status { code: 401, retry_after: None }, "http-status");
        check(Manner::Redirect("https://elsewhere.example/".into()), "redirect-refused");
        check(Manner::Drop, "unreachable");
    }

    #[test]
    fn plain_http_only_where_somebody_said_so() {
        let error = hand_in("http://hooks.example.invalid/x", |it| it).unwrap_err();
        assert_eq!(error.code(), "plain-http");
        let url = Url::parse("http://hooks.example.invalid/x").unwrap();
        let named = Submission::new(&url, "application/json", "").allow_plain_http();
        let client = Client::new(Options::default(), Arc::default());
        assert_eq!(client.check_scheme(&named.request), Ok(()));
        assert_eq!(hand_in("ftp://hooks.example/x", |it| it).unwrap_err().code(), "not-http");
    }
}
