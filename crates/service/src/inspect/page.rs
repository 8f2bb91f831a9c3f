//! The pages as templates: texts only, made harmless by whoever fills them.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::guard::Gate;
use super::view::{FileLine, Line, Nav, Way};

const STYLE: &str = include_str!("../../templates/inspect/style.css");
const SCRIPT: &str = include_str!("../../templates/inspect/script.js");

/// What every page has around it.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The path of the first page, with its slash.
    pub(super) home: String,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    policy: HeaderValue,
}

impl Frame {
    pub(super) fn new(gate: &Gate) -> Self {
        let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
            digest(STYLE),
            digest(SCRIPT),
        );
        Self {
            home: gate.home(),
            style: STYLE,
            script: SCRIPT,
            // Base64 and words of ASCII are a header value.
            policy: HeaderValue::from_str(&policy)
                .unwrap_or(HeaderValue::from_static("default-src 'none'")),
        }
    }

    pub(super) fn answer(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(text) = page.render() else {
            // Rendering into a text fails only when a part of it fails, and no part can.
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = (status, text).into_response();
        let headers = response.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, html);
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// How far the reading is.
pub(super) struct Progress {
    pub(super) read: usize,
    pub(super) of: usize,
    pub(super) text: String,
}

/// The first page: what is read, and the list of files.
#[derive(Template)]
#[template(path = "inspect/contents.html")]
pub(super) struct Contents<'a> {
    pub(super) frame: &'a Frame,
    pub(super) title: String,
    pub(super) sides: Vec<(String, String, String)>,
    pub(super) summary: String,
    pub(super) progress: Progress,
    pub(super) way: Way,
    pub(super) files: Vec<FileLine>,
    pub(super) earlier: Option<String>,
    pub(super) later: Option<String>,
    /// The first file that was not read.
    pub(super) begin: Option<String>,
    pub(super) next: String,
}

/// One file.
#[derive(Template)]
#[template(path = "inspect/file.html")]
pub(super) struct FilePage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) title: String,
    pub(super) path: String,
    pub(super) position: String,
    pub(super) what: String,
    pub(super) is_read: bool,
    pub(super) toggle: String,
    pub(super) progress: Progress,
    pub(super) way: Way,
    pub(super) nav: Nav,
    /// The same file in the other order.
    pub(super) order: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) is_difference: bool,
    /// The other amount of context: its address and its name.
    pub(super) context: Option<(String, &'static str)>,
    /// Of the file as a whole.
    pub(super) marks: Vec<super::view::MarkLine>,
    pub(super) digests: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) parts: Vec<(String, String, bool)>,
}

/// A few sentences.
#[derive(Template)]
#[template(path = "inspect/words.html")]
pub(super) struct Words<'a> {
    pub(super) frame: &'a Frame,
    pub(super) title: &'static str,
    pub(super) sentences: Vec<String>,
    pub(super) keys: Vec<(&'static str, &'static str)>,
    pub(super) has_ended: bool,
}
