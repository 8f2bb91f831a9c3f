//! A download across attempts: what is there, whether the rest fits, whether it is all.

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use url::Url;

use super::error::HttpError;
use super::transfer::Transfer;
use super::{DownloadError, Piece, Request, text_header};

/// What a download has behind it, across attempts.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes that the sink has.
    pub(super) passed_on: u64,
    /// A strong validator of what they are the beginning of (RFC 9110, section 8.8).
    validator: Option<HeaderValue>,
}

impl Progress {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let strong = headers
            .get(header::ETAG)
            .filter(|value| value.as_bytes().starts_with(b"\"") && value.len() > 2);
        Self { passed_on: 0, validator: strong.cloned() }
    }

    pub(super) fn pass_on<E>(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), DownloadError<E>> {
        if !bytes.is_empty() {
            sink(Piece::Bytes(bytes)).map_err(DownloadError::Sink)?;
            self.passed_on += bytes.len() as u64;
        }
        Ok(())
    }

    pub(super) fn ask_for_the_rest(&self, headers: &mut HeaderMap) {
        if let Some(validator) = self.validator.clone().filter(|_| self.passed_on > 0)
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.passed_on))
        {
            headers.insert(header::RANGE, range);
            headers.insert(header::IF_RANGE, validator);
        }
    }

    /// Whether a response begins exactly where the last one broke, of the same bytes.
    pub(super) fn continues(&self, response: &Response) -> bool {
        let range = text_header(response.headers(), &header::CONTENT_RANGE).unwrap_or_default();
        self.passed_on > 0
            && response.status() == StatusCode::PARTIAL_CONTENT
            && self.validator.is_some()
            && range.starts_with(&format!("bytes {}-", self.passed_on))
            && response
                .headers()
                .get(header::ETAG)
                .is_none_or(|it| Some(it) == self.validator.as_ref())
    }
}

/// Longest file whose length neither the server nor anybody else says, in bytes: it may never end,
/// and the largest wheels known have less.
const MAX_UNDECLARED: u64 = 4 << 30;

/// How much of a file is read at most.
pub(super) fn file_limit(request: &Request, headers: &HeaderMap) -> u64 {
    let known = request.pinned_size.or(request.advertised_size);
    let is_undeclared = known.is_none() && !headers.contains_key(header::CONTENT_LENGTH);
    let limit = if is_undeclared { MAX_UNDECLARED } else { u64::MAX };
    request.limit.min(limit).min(request.pinned_size.unwrap_or(u64::MAX))
}

/// A limit that came from the lock file's size is a statement about the file.
pub(super) fn pinned_size_error(error: HttpError, request: &Request) -> HttpError {
    match (error, request.pinned_size) {
        (HttpError::TooLong { url, limit }, Some(expected)) if limit == expected => {
            HttpError::SizeDiffers { url, expected, found: expected + 1, or_more: true }
        }
        (error, _) => error,
    }
}

/// The body came to an end; whether that is the end of the file is another question.
pub(super) fn check_size(
    request: &Request,
    url: &Url,
    transfer: &Transfer<'_>,
) -> Result<(), HttpError> {
    let found = transfer.received();
    let known = request.pinned_size.or(request.advertised_size);
    if transfer.expected().is_none() && known.is_some_and(|known| found < known) {
        return Err(HttpError::Truncated { url: url.into(), expected: known, found });
    }
    match request.pinned_size {
        Some(expected) if expected != found => {
            Err(HttpError::SizeDiffers { url: url.into(), expected, found, or_more: false })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_unknown_length_has_a_lower_limit() {
        let url = Url::parse("https://h.example/f").unwrap();
        let check = |length: bool, pinned: Option<u64>, advertised: Option<u64>, expect: u64| {
            let mut headers = HeaderMap::new();
            if length {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
            }
            let request = Request::file(&url, 16 << 30);
            let request = request.pinned_size(pinned).advertised_size(advertised);
            assert_eq!(
                file_limit(&request, &headers),
                expect,
                "{length} {pinned:?} {advertised:?}"
            );
        };
        check(false, None, None, MAX_UNDECLARED);
        check(true, None, None, 16 << 30);
        check(false, None, Some(5 << 30), 16 << 30);
        check(false, Some(5 << 30), None, 5 << 30);
        check(true, Some(9), Some(8), 9);
        let small = Request::file(&url, 100);
        assert_eq!(file_limit(&small, &HeaderMap::new()), 100);
    }
}
