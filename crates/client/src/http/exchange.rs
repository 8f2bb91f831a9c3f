//! One request exactly as it was signed by somebody else, such as the client of an object store,
//! and its answer, whatever it says.
//!
//! The other entries of this client decide about methods, headers, statuses and repetitions; here
//! the caller does, since its protocol gives them a meaning (a 404, a 412). What stays is what makes
//! this one client: its certificates and proxies, its clocks, the limit on what comes, plain http
//! only where a person named it, no redirect (the signature is for one host), no credential of the
//! store, and no URL with secrets in a message.

use reqwest::Method;
use reqwest::header::{self, HeaderMap};
use url::Url;

use super::error::HttpError;
use super::transfer::Transfer;
use super::{Client, RedactedUrl, Request, network_error};

/// A request of which every part is given.
#[derive(Clone, Debug)]
pub struct Exchange {
    request: Request,
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What came back; any status is an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// As they came.
    pub headers: HeaderMap,
    /// Not decompressed.
    pub body: Vec<u8>,
}

impl Exchange {
    /// A request whose answer has a body of at most `limit` bytes. Userinfo of the URL is left out.
    #[must_use]
    pub fn new(method: Method, url: &Url, headers: HeaderMap, body: Vec<u8>, limit: u64) -> Self {
        Self { request: Request::document(url, "*/*", limit), method, headers, body }
    }

    /// A person named this URL, with its scheme.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.request = self.request.allow_plain_http();
        self
    }
}

impl Client {
    /// Sends a request as it is, once.
    ///
    /// # Errors
    /// See [`HttpError`]; a status is none.
    pub async fn exchange(&self, exchange: Exchange) -> Result<Answer, HttpError> {
        self.check_scheme(&exchange.request)?;
        let url = exchange.request.url();
        let shown = RedactedUrl::new(url);
        // Its answer says how long the body would be, and has none (RFC 9110, section 9.3.2).
        let has_body = exchange.method != Method::HEAD;
        let sending = self
            .inner()?
            .request(exchange.method, url.clone())
            .headers(exchange.headers)
            .body(exchange.body)
            .send();
        let limit = self.options.timeouts.idle.saturating_add(self.options.timeouts.connect);
        let response = tokio::time::timeout(limit, sending)
            .await
            .map_err(|_| HttpError::Timeout { url: shown.clone(), limit })?
            .map_err(|error| network_error(&shown, &error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        if has_body && status != 204 && status != 304 {
            let limit = exchange.request.limit;
            let mut transfer = Transfer::new(response, 0, limit, &self.options.timeouts)?;
            while let Some(chunk) = transfer.next().await? {
                body.extend_from_slice(chunk.as_ref());
            }
        }
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// A header, where it is text.
    #[must_use]
    pub fn header(&self, name: &header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use countermark_testkit::hook::{HookServer, Manner};

    use super::super::{Options, Proxies};
    use super::*;

    fn exchange(method: Method, url: &str, limit: u64) -> Result<Answer, HttpError> {
        let url = Url::parse(url).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, "\"abc\"".parse().unwrap());
        let request = Exchange::new(method, &url, headers, b"tile".to_vec(), limit);
        let options = Options { proxies: Proxies::Off, ..Options::default() };
        let client = Client::new(options, Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.exchange(request))
    }

    #[test]
    fn it_goes_out_as_it_is_and_any_status_is_an_answer() {
        let server = HookServer::start([
            Manner::Status { code: 412, retry_after: None },
            Manner::Status { code: 503, retry_after: Some(1) },
            Manner::Redirect("https://elsewhere.example/".into()),
        ]);
        let url = format!("{}/bucket/tile%2F0?x=1", server.url());
        assert_eq!(exchange(Method::PUT, &url, 100).unwrap().status, 412);
        let busy = exchange(Method::PUT, &url, 100).unwrap();
        assert_eq!((busy.status, busy.header(&header::RETRY_AFTER)), (503, Some("1")));
        let moved = exchange(Method::PUT, &url, 100).unwrap();
        assert!((300..400).contains(&moved.status), "{moved:?}");
        let calls = server.calls();
        assert_eq!(calls.len(), 3, "nothing is repeated, and no redirect followed");
        assert_eq!((&*calls[0].method, &*calls[0].target), ("PUT", "/bucket/tile%2F0?x=1"));
        assert_eq!(calls[0].body, b"tile");
        assert_eq!(calls[0].header("if-match"), Some("\"abc\""));
        assert_eq!(calls[0].header("authorization"), None);
    }

    #[test]
    fn plain_http_only_where_somebody_said_so_and_no_answer_is_an_error() {
        let error = exchange(Method::GET, "http://store.example.invalid/x", 1).unwrap_err();
        assert_eq!(error.code(), "plain-http");
        let server = HookServer::start([Manner::Drop]);
        let error = exchange(Method::GET, &server.url(), 1).unwrap_err();
        assert_eq!(error.code(), "unreachable");
    }
}
