//! What is told when a request is not answered with what was asked for.
//!
//! Specification: RFC 9457, problem details. `code` is an extension member (section 3.2) with the same
//! kind of stable words as the codes of the command; `detail` never holds what the server keeps to
//! itself: no path, no address of a database, no text of an inner error.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A refusal, or a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// A stable word for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
    /// After how many seconds to try again.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    /// 400: the request cannot be meant so.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address")
    }

    /// 413: more than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("at most {limit} bytes are read");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// 503: not now.
    #[must_use]
    pub fn busy(detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1)
    }

    /// 500: what happened stands in the log of the server, under the id of the request.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "this is a fault of the server, which its log tells more about";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// With a time after which to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, format!("{document}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Told(self.code));
        response
    }
}

/// The code of a problem, for the log of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told(pub(super) &'static str);
