//! The one HTTP client.
//!
//! Decides how bytes come from a URL: how long to wait, how often to ask again, which redirects to
//! follow, whom to tell which credential, and how many bytes to take. It trusts no server: bodies,
//! heads, waits and redirects are bounded, and what comes is evidence for others to verify.
//!
//! * `https` everywhere; plain `http` to this machine, and to what a person named with `http://`
//!   ([`Options::plain_http`], [`Request::allow_plain_http`]): pins are compared all the same, and
//!   credentials do not go there unless they stood in that very URL. A redirect never leads there.
//! * Redirects are followed here, [`MAX_REDIRECTS`] at most. A credential goes to the origin
//!   (scheme, host and port) it was configured for; after a redirect to another origin none is
//!   sent at all, not even one that is known for it, so that no server chooses what we show whom.
//! * A truncated body, a page in place of a file and a body that never ends have errors of their
//!   own: they mean "could not check", never "tampered".
//! * Messages show [`RedactedUrl`]s only.
//!
//! Specification: RFC 9110 and 9112 through `reqwest`; RFC 7617 for credentials.

mod error;
mod exchange;
mod meter;
mod post;
mod progress;
mod range;
mod redact;
mod redirect;
mod request;
mod retry;
#[cfg(test)]
mod tests;
mod tls;
mod transfer;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use url::Url;

pub use error::{HttpError, RedirectRefusal};
pub use exchange::{Answer, Exchange};
pub use meter::{Meter, Traffic};
pub use post::{Reply, Submission};
pub use range::{Range, Ranged};
pub use redact::RedactedUrl;
pub use request::{Request, Validators};
pub use retry::{Effects, Retries, Sleep};
pub use tls::{Authorities, Proxies};

use crate::credentials::{Credential, CredentialStore};
use crate::origin::{is_loopback, same_origin};
use progress::{Progress, check_size, file_limit, pinned_size_error};
use transfer::{Sniffer, Transfer};

/// Most redirects that are followed for one request.
pub const MAX_REDIRECTS: usize = 10;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// Between two reads, and for the head of an answer.
    pub idle: Duration,
    /// Bytes per second that a body must bring, averaged over `rate_window`.
    pub least_rate: u64,
    /// How long a body may be slower than that.
    pub rate_window: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            idle: Duration::from_secs(30),
            least_rate: 1024,
            rate_window: Duration::from_secs(30),
        }
    }
}

/// How a client behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to ask again.
    pub retries: Retries,
    /// Whose certificates are believed.
    pub authorities: Authorities,
    /// A PEM file with a certificate of ours and its key.
    pub client_certificate: Option<std::path::PathBuf>,
    /// Through which proxies.
    pub proxies: Proxies,
    /// Origins (`http://host:port`) that a person named with `http://`.
    pub plain_http: BTreeSet<String>,
    /// Every request fails.
    pub offline: bool,
    /// In place of our own `User-Agent`.
    pub user_agent: Option<String>,
}

/// A document that came whole.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it came from, after redirects.
    pub url: Url,
    /// As the server says.
    pub content_type: Option<String>,
    /// What to ask with next time, so that only a change comes.
    pub validators: Validators,
    /// Decompressed.
    pub body: Vec<u8>,
}

/// What a sink of [`Client::download`] is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The first byte comes next; what came before, from a broken attempt, counts for nothing.
    Start {
        /// Bytes to come, where the server says; for progress only.
        length: Option<u64>,
    },
    /// The next bytes.
    Bytes(&'a [u8]),
}

/// A file that came whole; whether it is the right one is for others to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it came from, after redirects.
    pub url: Url,
    /// Bytes.
    pub size: u64,
}

/// Why a download ended early.
#[derive(Debug)]
pub enum DownloadError<E> {
    /// The network's fault, or the server's.
    Http(HttpError),
    /// The sink's.
    Sink(E),
}

impl<E> From<HttpError> for DownloadError<E> {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// The one HTTP client. Cheap to make: certificates are read with the first request.
#[derive(Debug)]
pub struct Client {
    options: Options,
    effects: Effects,
    credentials: Arc<CredentialStore>,
    inner: OnceLock<Result<reqwest::Client, HttpError>>,
}

impl Client {
    /// A client with the real clock.
    #[must_use]
    pub fn new(options: Options, credentials: Arc<CredentialStore>) -> Self {
        Self::with_effects(options, credentials, Effects::default())
    }

    /// A client with the given time and chance.
    #[must_use]
    pub fn with_effects(
        options: Options,
        credentials: Arc<CredentialStore>,
        effects: Effects,
    ) -> Self {
        Self { options, effects, credentials, inner: OnceLock::new() }
    }

    /// Fetches a document into memory.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn fetch(&self, request: &Request) -> Result<Document, HttpError> {
        let mut attempt = 1;
        loop {
            match self.fetch_once(request).await {
                Ok(document) => return Ok(document),
                Err(error) => self.wait(&mut attempt, error, request).await?,
            }
        }
    }

    /// Fetches a document unless it is the one that the request's [`Validators`] are of; `None` says
    /// that it still is (RFC 9110, section 15.4.5).
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn fetch_changed(&self, request: &Request) -> Result<Option<Document>, HttpError> {
        match self.fetch(request).await {
            Ok(document) => Ok(Some(document)),
            // An answer to a question that was not asked is an error as any other.
            Err(HttpError::Status { code: 304, .. }) if !request.validators.is_empty() => {
                if let Some(meter) = &request.meter {
                    meter.count_not_modified();
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Downloads a file, piece by piece, and resumes it where it broke if the server can say that
    /// it is still the same.
    ///
    /// # Errors
    /// See [`HttpError`]; and whatever the sink says, at once.
    pub async fn download<E>(
        &self,
        request: &Request,
        mut sink: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<Downloaded, DownloadError<E>> {
        let mut attempt = 1;
        let mut progress = Progress::default();
        loop {
            match self.download_once(request, &mut progress, &mut sink).await {
                Ok(downloaded) => return Ok(downloaded),
                Err(DownloadError::Http(error)) => self.wait(&mut attempt, error, request).await?,
                Err(sink) => return Err(sink),
            }
        }
    }

    /// Waits before the next attempt, or gives the error back.
    async fn wait(
        &self,
        attempt: &mut u32,
        error: HttpError,
        request: &Request,
    ) -> Result<(), HttpError> {
        let jitter = (self.effects.jitter)();
        let wait = retry::wait_before(&self.options.retries, *attempt, &error, jitter);
        let Some(wait) = wait else { return Err(error) };
        *attempt += 1;
        if let Some(meter) = &request.meter {
            meter.count_retry(&error, wait, &self.effects);
        }
        (self.effects.sleep)(wait).await;
        Ok(())
    }

    async fn fetch_once(&self, request: &Request) -> Result<Document, HttpError> {
        let response = self.send(request, &Progress::default()).await?;
        let url = response.url().clone();
        let content_type = text_header(response.headers(), &header::CONTENT_TYPE);
        let encoding = text_header(response.headers(), &header::CONTENT_ENCODING);
        let validators = Validators::of(response.headers());
        let mut transfer = Transfer::new(response, 0, request.limit, &self.options.timeouts)?;
        let mut body = Vec::new();
        while let Some(chunk) = transfer.next().await? {
            body.extend_from_slice(chunk.as_ref());
            if let Some(meter) = &request.meter {
                meter.count_bytes(chunk.as_ref().len());
            }
        }
        let body = decode(body, encoding.as_deref(), request.limit, &url)?;
        Ok(Document { url, content_type, validators, body })
    }

    async fn download_once<E>(
        &self,
        request: &Request,
        progress: &mut Progress,
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<Downloaded, DownloadError<E>> {
        let response = self.send(request, progress).await?;
        let url = response.url().clone();
        if !progress.continues(&response) {
            *progress = Progress::of(response.headers());
        }
        let already = progress.passed_on;
        let content_type = text_header(response.headers(), &header::CONTENT_TYPE);
        let limit = file_limit(request, response.headers());
        let mut transfer = Transfer::new(response, already, limit, &self.options.timeouts)
            .map_err(|error| pinned_size_error(error, request))?;
        if already == 0 {
            sink(Piece::Start { length: transfer.expected() }).map_err(DownloadError::Sink)?;
        }
        let not_a_file = |()| HttpError::NotAFile { url: (&url).into() };
        let mut sniffer = Sniffer::new(content_type.as_deref());
        while let Some(chunk) =
            transfer.next().await.map_err(|error| pinned_size_error(error, request))?
        {
            let bytes = match already {
                // The head of the file was looked at before.
                1.. => chunk.as_ref(),
                0 => sniffer.take(chunk.as_ref()).map_err(not_a_file)?,
            };
            progress.pass_on(bytes, sink)?;
        }
        if already == 0 {
            let rest = sniffer.finish().map_err(not_a_file)?;
            progress.pass_on(rest, sink)?;
        }
        check_size(request, &url, &transfer)?;
        Ok(Downloaded { url, size: transfer.received() })
    }

    /// Sends the request and follows redirects to an answer with a body.
    async fn send(&self, request: &Request, progress: &Progress) -> Result<Response, HttpError> {
        let mut url = request.url.clone();
        self.check_scheme(request)?;
        let mut credential = request.credential.clone().or_else(|| self.credentials.for_url(&url));
        let mut has_asked = false;
        let mut keyring = None;
        let mut hops = 0;
        loop {
            // RFC 9110, section 15.4: a credential is for the origin it was made for.
            let may_carry = same_origin(&url, &request.url);
            let offered = credential.clone().filter(|_| may_carry);
            let response = self.send_one(request, &url, offered.as_ref(), progress).await?;
            let status = response.status();
            if is_redirect(status) {
                let location = text_header(response.headers(), &header::LOCATION);
                let next = redirect::next_hop(&url, location.as_deref(), hops)?;
                if request.only_origin && !same_origin(&next, &request.url) {
                    let reason = RedirectRefusal::OtherOrigin;
                    let (url, to) = ((&url).into(), (&next).into());
                    return Err(HttpError::Redirect { url, to, reason });
                }
                url = next;
                hops += 1;
                continue;
            }
            if status == StatusCode::UNAUTHORIZED && may_carry && !has_asked {
                has_asked = true;
                match self.credentials.ask_keyring(&url).await {
                    Ok(Some(found)) => {
                        credential = Some(found);
                        continue;
                    }
                    Ok(None) => {}
                    // The server's no is what counts, and this is why we have no better answer.
                    Err(error) => keyring = Some(error.to_string()),
                }
            }
            return self.check_status(response, request, progress).map_err(|error| match error {
                HttpError::Unauthorized { url, .. } => {
                    HttpError::Unauthorized { url, offered: offered.is_some(), keyring }
                }
                error => error,
            });
        }
    }

    async fn send_one(
        &self,
        request: &Request,
        url: &Url,
        credential: Option<&Credential>,
        progress: &Progress,
    ) -> Result<Response, HttpError> {
        let mut headers = HeaderMap::new();
        // Files are taken as they are: a `.tar.gz` that arrives unpacked is another file.
        let encoding = if request.is_file { "identity" } else { "gzip" };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        if let Some(accept) = request.accept {
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        }
        if let Some(credential) = credential
            && let Ok(mut value) = HeaderValue::from_str(credential.basic().reveal())
        {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        progress.ask_for_the_rest(&mut headers);
        if let Some(range) = request.range {
            range.ask(&mut headers);
        }
        request.validators.ask_for_a_change(&mut headers);
        if let Some(meter) = &request.meter {
            meter.turn(&self.effects).await;
        }
        let shown = RedactedUrl::new(url);
        let sending = self.inner()?.get(url.clone()).headers(headers).send();
        let limit = self.options.timeouts.idle.saturating_add(self.options.timeouts.connect);
        tokio::time::timeout(limit, sending)
            .await
            .map_err(|_| HttpError::Timeout { url: shown.clone(), limit })?
            .map_err(|error| network_error(&shown, &error))
    }

    fn check_status(
        &self,
        response: Response,
        request: &Request,
        progress: &Progress,
    ) -> Result<Response, HttpError> {
        let url = RedactedUrl::new(response.url());
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::PARTIAL_CONTENT if progress.continues(&response) => Ok(response),
            StatusCode::PARTIAL_CONTENT if request.range.is_some() => Ok(response),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err(HttpError::Unauthorized { url, offered: false, keyring: None })
            }
            status => {
                let retry_after = text_header(response.headers(), &header::RETRY_AFTER)
                    .and_then(|value| retry::parse_retry_after(&value, (self.effects.now)()));
                Err(HttpError::Status { url, code: status.as_u16(), retry_after })
            }
        }
    }

    fn check_scheme(&self, request: &Request) -> Result<(), HttpError> {
        let url = &request.url;
        match url.scheme() {
            _ if self.options.offline => Err(HttpError::Offline { url: url.into() }),
            "https" => Ok(()),
            "http"
                if request.allow_plain_http
                    || is_loopback(url)
                    || self.options.plain_http.contains(&url.origin().ascii_serialization()) =>
            {
                Ok(())
            }
            "http" => Err(HttpError::PlainHttp { url: url.into() }),
            _ => Err(HttpError::Scheme { url: url.into() }),
        }
    }

    fn inner(&self) -> Result<&reqwest::Client, HttpError> {
        self.inner.get_or_init(|| self.build()).as_ref().map_err(Clone::clone)
    }

    fn build(&self) -> Result<reqwest::Client, HttpError> {
        let authorities = &self.options.authorities;
        let built = self.builder(authorities)?.build();
        match (built, authorities) {
            (Ok(client), _) => Ok(client),
            // A machine without any certificates can still ask an index on its own; whatever
            // comes over TLS then has a certificate that is not accepted.
            (Err(error), Authorities::System) => self
                .builder(&Authorities::Only(Vec::new()))?
                .build()
                .map_err(|_| HttpError::Setup { reason: reason(&error) }),
            (Err(error), Authorities::Only(_)) => Err(HttpError::Setup { reason: reason(&error) }),
        }
    }

    fn builder(&self, authorities: &Authorities) -> Result<reqwest::ClientBuilder, HttpError> {
        let options = &self.options;
        let user_agent = options.user_agent.clone().unwrap_or_else(|| {
            let system = (std::env::consts::OS, std::env::consts::ARCH);
            format!("countermark/{} ({}; {})", env!("CARGO_PKG_VERSION"), system.0, system.1)
        });
        let builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(options.timeouts.connect)
            .tcp_nodelay(true);
        let builder = tls::proxies(builder, &options.proxies)?;
        tls::authorities(builder, authorities, options.client_certificate.as_deref())
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn text_header(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Undoes `Content-Encoding`, within the limit.
fn decode(
    body: Vec<u8>,
    encoding: Option<&str>,
    limit: u64,
    url: &Url,
) -> Result<Vec<u8>, HttpError> {
    use std::io::Read as _;
    let refused = |reason: String| HttpError::Encoding { url: url.into(), reason };
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity" | "") => Ok(body),
        Some("gzip" | "x-gzip") => {
            let mut decoded = Vec::new();
            flate2::read::MultiGzDecoder::new(body.as_slice())
                .take(limit.saturating_add(1))
                .read_to_end(&mut decoded)
                .map_err(|error| refused(error.to_string()))?;
            if decoded.len() as u64 > limit {
                return Err(HttpError::TooLong { url: url.into(), limit });
            }
            Ok(decoded)
        }
        Some(other) => Err(refused(format!("`{}`", other.chars().take(40).collect::<String>()))),
    }
}

/// An error of the library, without the URL that it would show.
fn network_error(url: &RedactedUrl, error: &reqwest::Error) -> HttpError {
    let url = url.clone();
    let reason = reason(error);
    if error.is_timeout() {
        return HttpError::Connect { url, reason: "timed out".to_owned() };
    }
    // The library wraps the TLS error in several others; its words are all that comes through.
    if reason.contains("certificate") {
        return HttpError::Certificate { url, reason };
    }
    HttpError::Connect { url, reason }
}

/// The innermost reason; the outer ones say "error sending request" and show the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if std::ptr::addr_eq(innermost, error) {
        return "the request cannot be sent".to_owned();
    }
    innermost.to_string().chars().take(300).collect()
}
