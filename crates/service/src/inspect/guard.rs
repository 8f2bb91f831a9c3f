//! Who may ask: whoever has the token, through the address that we gave, from a page of ours.
//!
//! * The token has 256 random bits and is compared by its digest, so that the time tells nothing of it.
//! * `Host` has to be this machine's own name with our port: a name of somebody else that is made to point
//!   here (DNS rebinding) is refused.
//! * `Sec-Fetch-Site` and `Origin`, where browsers send them, have to be ours: a page of the web cannot
//!   press a button here. What changes something needs one of the two (Fetch Standard, sections 3.2
//!   and 3.7 of Fetch Metadata).

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest as _, Sha256};

use super::{Address, InspectError, Room};
use crate::server::Problem;

/// A secret part of an address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl Token {
    pub(super) fn random() -> Result<Self, InspectError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(InspectError::Random)?;
        Ok(Self::of(bytes))
    }

    pub(super) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn is(&self, given: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(given)
    }
}

/// What has to be known to get in.
#[derive(Debug)]
pub(super) struct Gate {
    port: u16,
    token: Token,
    ticket: Mutex<Option<Token>>,
}

impl Gate {
    pub(super) fn new(port: u16, token: Token, ticket: Token) -> Self {
        Self { port, token, ticket: Mutex::new(Some(ticket)) }
    }

    pub(super) fn address(&self) -> Address {
        let base = self.origin();
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = ticket.as_ref().map_or("", |ticket| &ticket.0);
        Address { page: format!("{base}{}", self.home()), once: format!("{base}/open/{ticket}") }
    }

    /// The path of the first page.
    pub(super) fn home(&self) -> String {
        format!("/{}/", self.token.0)
    }

    pub(super) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn is_ours(&self, host: &str) -> bool {
        ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{}", self.port))
    }

    fn judge(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let text =
            |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        // More than one of them is nobody's browser.
        if headers.get_all(header::HOST).iter().count() != 1
            || !text(header::HOST).is_some_and(|host| self.is_ours(host))
        {
            return Err(Refusal::Host);
        }
        let site = text(header::HeaderName::from_static("sec-fetch-site"));
        let is_safe = *method == Method::GET || *method == Method::HEAD;
        let allowed: &[&str] = if is_safe { &["none", "same-origin"] } else { &["same-origin"] };
        if site.is_some_and(|site| !allowed.contains(&site)) {
            return Err(Refusal::Site);
        }
        let origin = text(header::ORIGIN);
        let is_own =
            |origin: &str| origin.strip_prefix("http://").is_some_and(|host| self.is_ours(host));
        if origin.is_some_and(|origin| !is_own(origin))
            || !is_safe && origin.is_none() && site.is_none()
        {
            return Err(Refusal::Site);
        }
        let first = path.split('/').nth(1).unwrap_or_default();
        if first != "open" && !self.token.is(first) {
            return Err(Refusal::Token);
        }
        Ok(())
    }
}

/// Why somebody does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Host,
    Site,
    Token,
}

impl Refusal {
    fn problem(self) -> Problem {
        let (code, detail) = match self {
            Self::Host => ("foreign-host", "this page answers to 127.0.0.1 alone"),
            Self::Site => ("foreign-site", "this page is not asked by other pages"),
            Self::Token => ("no-token", "the address is the one that was printed, or none"),
        };
        Problem::new(StatusCode::FORBIDDEN, code, detail)
    }
}

/// Lets in whoever may.
pub(super) async fn check(State(room): State<Arc<Room>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let mut response = match room.gate.judge(request.method(), path, request.headers()) {
        Err(refusal) => refusal.problem().into_response(),
        Ok(()) => {
            room.touch();
            next.run(request).await
        }
    };
    let headers = response.headers_mut();
    // Never the star of the servers that are public.
    if let Ok(origin) = HeaderValue::from_str(&room.gate.origin()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let same = HeaderValue::from_static("same-origin");
    // With `no-referrer` browsers hide the origin of forms, by which we know our own.
    headers.insert(header::REFERRER_POLICY, same.clone());
    headers.insert("cross-origin-resource-policy", same.clone());
    headers.insert("cross-origin-opener-policy", same);
    response
}

/// An address that may be seen by others leads to the page once.
pub(super) async fn open(State(room): State<Arc<Room>>, Path(given): Path<String>) -> Response {
    let mut ticket = room.gate.ticket.lock().unwrap_or_else(PoisonError::into_inner);
    if ticket.as_ref().is_some_and(|ticket| ticket.is(&given)) {
        *ticket = None;
        return Redirect::to(&room.gate.home()).into_response();
    }
    let detail = "this address leads in once; the one that was printed still does";
    Problem::new(StatusCode::GONE, "used", detail).into_response()
}
