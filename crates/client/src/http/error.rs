//! What can go wrong between a URL and bytes.

use std::path::PathBuf;
use std::time::Duration;

use countermark_trust::Class;

use super::RedactedUrl;

/// Why a document or file could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Neither `https` nor `http`.
    #[error("`{url}` is not an http url")]
    Scheme {
        /// What was asked for.
        url: RedactedUrl,
    },
    /// Plain http to a host that nobody configured as plain http.
    #[error("`{url}` is plain http and was not configured as such")]
    PlainHttp {
        /// What was asked for.
        url: RedactedUrl,
    },
    /// A redirect that is not followed.
    #[error("`{url}` redirects to `{to}`: {reason}")]
    Redirect {
        /// What was asked for last.
        url: RedactedUrl,
        /// Where it points.
        to: RedactedUrl,
        /// Why it is not followed.
        reason: RedirectRefusal,
    },
    /// No connection, or it broke before an answer came.
    #[error("cannot reach `{url}`: {reason}")]
    Connect {
        /// What was asked for.
        url: RedactedUrl,
        /// From the network library.
        reason: String,
    },
    /// The server's certificate is not accepted.
    #[error("the certificate of `{url}` is not accepted: {reason}")]
    Certificate {
        /// What was asked for.
        url: RedactedUrl,
        /// From the TLS library.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("`{url}` did not answer within {} s", limit.as_secs_f32())]
    Timeout {
        /// What was asked for.
        url: RedactedUrl,
        /// How long we waited for the next byte.
        limit: Duration,
    },
    /// Bytes come, but too slowly to wait for.
    #[error("`{url}` sends less than {minimum} bytes per second")]
    TooSlow {
        /// What was asked for.
        url: RedactedUrl,
        /// The least that is accepted.
        minimum: u64,
    },
    /// An answer that is not the wanted one.
    #[error("`{url}` answered with status {code}")]
    Status {
        /// What was asked for.
        url: RedactedUrl,
        /// HTTP status code.
        code: u16,
        /// What `Retry-After` asks for, where it is understood.
        retry_after: Option<Duration>,
    },
    /// Status 401 or 407, with what we had to offer.
    #[error(
        "`{url}` asks for credentials{}{}",
        if *offered { ", and does not accept those it was given" } else { "" },
        keyring.as_ref().map(|it| format!(" (keyring: {it})")).unwrap_or_default()
    )]
    Unauthorized {
        /// What was asked for.
        url: RedactedUrl,
        /// Whether credentials were sent.
        offered: bool,
        /// Why keyring could not be asked.
        keyring: Option<String>,
    },
    /// The connection ended before the body did.
    #[error("`{url}` was cut off after {found} bytes{}", expected.map(|it| format!(" of {it}")).unwrap_or_default())]
    Truncated {
        /// What was asked for.
        url: RedactedUrl,
        /// Bytes that were promised, where a number was given.
        expected: Option<u64>,
        /// Bytes that came.
        found: u64,
    },
    /// More bytes than are accepted.
    #[error("`{url}` is longer than the limit of {limit} bytes")]
    TooLong {
        /// What was asked for.
        url: RedactedUrl,
        /// The limit.
        limit: u64,
    },
    /// A whole body that has not the size that the lock file gives.
    #[error("`{url}` has not the size that was pinned: expected {expected} bytes, found {found}{}", if *or_more { " or more" } else { "" })]
    SizeDiffers {
        /// What was asked for.
        url: RedactedUrl,
        /// The pinned size.
        expected: u64,
        /// What came, or was announced.
        found: u64,
        /// Whether reading stopped there.
        or_more: bool,
    },
    /// An HTML page where a file should be: a login, an error or a captive portal.
    #[error("`{url}` answered with an html page instead of a file")]
    NotAFile {
        /// What was asked for.
        url: RedactedUrl,
    },
    /// A document whose `Content-Encoding` cannot be undone.
    #[error("`{url}` is encoded in a way that cannot be read: {reason}")]
    Encoding {
        /// What was asked for.
        url: RedactedUrl,
        /// Why.
        reason: String,
    },
    /// Offline mode.
    #[error("`{url}` is needed, and the network is switched off")]
    Offline {
        /// What was asked for.
        url: RedactedUrl,
    },
    /// A certificate file that was configured cannot be used.
    #[error("cannot use the certificates in `{}`: {reason}", path.display())]
    CertificateFile {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A proxy that was configured cannot be used.
    #[error("cannot use the proxy `{proxy}`: {reason}")]
    Proxy {
        /// Its URL.
        proxy: RedactedUrl,
        /// Why.
        reason: String,
    },
    /// The TLS library cannot be set up, for example without any system certificate.
    #[error("cannot set up tls: {reason}")]
    Setup {
        /// From the library.
        reason: String,
    },
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// The target is plain http.
    #[error("a redirect to plain http is refused")]
    PlainHttp,
    /// Something else than http.
    #[error("a redirect to something else than https is refused")]
    Scheme,
    /// More than [`super::MAX_REDIRECTS`].
    #[error("too many redirects")]
    TooMany,
    /// Another scheme, host or port, where the request is for one origin only.
    #[error("a redirect to another host is refused")]
    OtherOrigin,
    /// No `Location`, or not a URL.
    #[error("the target is missing or not a url")]
    Location,
    /// What is handed in is for one address only.
    #[error("what is handed in follows no redirect")]
    HandedIn,
}

impl HttpError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Scheme { .. }
            | Self::PlainHttp { .. }
            | Self::CertificateFile { .. }
            | Self::Proxy { .. } => Class::Usage,
            // The size is part of the pin.
            Self::SizeDiffers { .. } => Class::Rejected,
            Self::Redirect { reason, .. } => match reason {
                // A rule of ours said no, and trying again does not change the answer.
                RedirectRefusal::PlainHttp
                | RedirectRefusal::Scheme
                | RedirectRefusal::OtherOrigin
                | RedirectRefusal::HandedIn => Class::Rejected,
                RedirectRefusal::TooMany | RedirectRefusal::Location => Class::Unavailable,
            },
            Self::Connect { .. }
            | Self::Certificate { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Status { .. }
            | Self::Unauthorized { .. }
            | Self::Truncated { .. }
            | Self::TooLong { .. }
            | Self::NotAFile { .. }
            | Self::Encoding { .. }
            | Self::Offline { .. }
            | Self::Setup { .. } => Class::Unavailable,
        }
    }

    /// A short name for messages and reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Scheme { .. } => "not-http",
            Self::PlainHttp { .. } => "plain-http",
            Self::Redirect { .. } => "redirect-refused",
            Self::Connect { .. } => "unreachable",
            Self::Certificate { .. } => "bad-certificate",
            Self::Timeout { .. } => "timeout",
            Self::TooSlow { .. } => "too-slow",
            Self::Status { .. } => "http-status",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Truncated { .. } => "truncated",
            Self::TooLong { .. } => "too-long",
            Self::SizeDiffers { .. } => "size-mismatch",
            Self::NotAFile { .. } => "not-a-file",
            Self::Encoding { .. } => "bad-encoding",
            Self::Offline { .. } => "offline",
            Self::CertificateFile { .. } => "bad-certificate-file",
            Self::Proxy { .. } => "bad-proxy",
            Self::Setup { .. } => "tls-setup",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PlainHttp { .. } => Some(
                "use https, or name the index or the file with `http://` yourself; pages of an https index may not send you there",
            ),
            Self::Redirect { reason: RedirectRefusal::PlainHttp, .. } => Some(
                "ask whoever runs the index to redirect to https, or use the address behind it",
            ),
            Self::Certificate { .. } => Some(
                "behind a proxy that opens tls, give its authority with `--cert FILE` or `SSL_CERT_FILE`",
            ),
            Self::Unauthorized { .. } => Some(
                "give credentials in `.netrc`, in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`, in the url, or through keyring",
            ),
            Self::Status { code: 403, .. } => Some(
                "the index knows you and does not let you, or blocks this file; its operator knows why",
            ),
            Self::Status { code: 451, .. } => {
                Some("the index may not serve this for legal reasons")
            }
            Self::Timeout { .. } | Self::TooSlow { .. } => {
                Some("`--timeout SECONDS` waits longer, a nearer index may be faster")
            }
            Self::NotAFile { .. } => Some("a login page or a captive portal may be in between"),
            Self::Offline { .. } => Some("run again without `--offline`"),
            _ => None,
        }
    }

    /// Whether another attempt may help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Truncated { .. } => true,
            Self::Status { code, .. } => {
                matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=527)
            }
            _ => false,
        }
    }
}
