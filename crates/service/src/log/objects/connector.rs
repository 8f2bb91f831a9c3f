//! The client of the object store over the one HTTP client of this project, so that certificates,
//! proxies, clocks and limits are the same everywhere. The library signs requests and repeats them;
//! nothing is repeated or followed below it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Response;
use countermark_client::http::{Client, Exchange, HttpError};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError as ConnectionError, HttpErrorKind, HttpRequest,
    HttpResponse, HttpResponseBody, HttpService,
};
use url::Url;

use crate::log::tiles::MAXIMUM_OBJECT;

/// The most bytes of an answer: an object, or a page of a list.
const MAXIMUM_ANSWER: u64 = MAXIMUM_OBJECT as u64;

/// Makes what sends requests.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) client: Arc<Client>,
    /// Whether the operator named the address with `http://`.
    pub(super) plain: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = Arc::clone(&self.client);
        Ok(HttpClient::new(Service { client, plain: self.plain }))
    }
}

#[derive(Debug)]
struct Service {
    client: Arc<Client>,
    plain: bool,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, ConnectionError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| ConnectionError::new(HttpErrorKind::Unknown, error))?;
        let body = axum::body::to_bytes(Body::new(body), MAXIMUM_OBJECT)
            .await
            .map_err(|error| ConnectionError::new(HttpErrorKind::Unknown, error))?;
        let mut exchange =
            Exchange::new(parts.method, &url, parts.headers, body.to_vec(), MAXIMUM_ANSWER);
        if self.plain {
            exchange = exchange.allow_plain_http();
        }
        let answer = self.client.exchange(exchange).await;
        let answer = answer.map_err(|error| ConnectionError::new(kind(&error), error))?;
        let mut response = Response::new(HttpResponseBody::from(answer.body));
        *response.status_mut() = answer
            .status
            .try_into()
            .map_err(|error| ConnectionError::new(HttpErrorKind::Decode, error))?;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// What of it is worth repeating.
fn kind(error: &HttpError) -> HttpErrorKind {
    match error {
        HttpError::Connect { .. } => HttpErrorKind::Connect,
        HttpError::Timeout { .. } | HttpError::TooSlow { .. } => HttpErrorKind::Timeout,
        HttpError::Truncated { .. } => HttpErrorKind::Interrupted,
        HttpError::TooLong { .. } | HttpError::Encoding { .. } => HttpErrorKind::Decode,
        HttpError::Scheme { .. }
        | HttpError::PlainHttp { .. }
        | HttpError::Redirect { .. }
        | HttpError::Certificate { .. }
        | HttpError::Status { .. }
        | HttpError::Unauthorized { .. }
        | HttpError::SizeDiffers { .. }
        | HttpError::NotAFile { .. }
        | HttpError::Offline { .. }
        | HttpError::CertificateFile { .. }
        | HttpError::Proxy { .. }
        | HttpError::Setup { .. } => HttpErrorKind::Unknown,
    }
}
