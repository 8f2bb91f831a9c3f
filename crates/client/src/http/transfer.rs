//! Reading one body: with a limit, and never waiting for ever.

use std::time::Duration;

use reqwest::Response;
use tokio::time::Instant;

use super::error::HttpError;
use super::{RedactedUrl, Timeouts, network_error};

/// Bytes that are held back to see whether a file is an HTML page.
const SNIFFED: usize = 64;

/// A body being read.
pub(super) struct Transfer<'a> {
    response: Response,
    url: RedactedUrl,
    timeouts: &'a Timeouts,
    /// Bytes of the whole document so far, with those of an earlier, resumed attempt.
    received: u64,
    /// Bytes of the whole document, as the server says.
    expected: Option<u64>,
    limit: u64,
    window_waited: Duration,
    window_bytes: u64,
}

impl<'a> Transfer<'a> {
    /// `already` bytes were received before, and the response continues after them.
    pub(super) fn new(
        response: Response,
        already: u64,
        limit: u64,
        timeouts: &'a Timeouts,
    ) -> Result<Self, HttpError> {
        let url = RedactedUrl::new(response.url());
        let length = response
            .headers()
            .get(reqwest::header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let expected = length.map(|length| length.saturating_add(already));
        if expected.is_some_and(|expected| expected > limit) {
            return Err(HttpError::TooLong { url, limit });
        }
        Ok(Self {
            response,
            url,
            timeouts,
            received: already,
            expected,
            limit,
            window_waited: Duration::ZERO,
            window_bytes: 0,
        })
    }

    pub(super) fn expected(&self) -> Option<u64> {
        self.expected
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The next bytes, `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, HttpError> {
        let began = Instant::now();
        let limit = self.timeouts.idle;
        let chunk = tokio::time::timeout(limit, self.response.chunk())
            .await
            .map_err(|_| HttpError::Timeout { url: self.url.clone(), limit })?
            .map_err(|error| self.broken(&error))?;
        let Some(chunk) = chunk else {
            // A shorter body than announced is an error of the library already; this is a guard.
            if self.expected.is_some_and(|expected| expected != self.received) {
                return Err(self.truncated());
            }
            return Ok(None);
        };
        self.received = self.received.saturating_add(chunk.len() as u64);
        if self.received > self.limit {
            return Err(HttpError::TooLong { url: self.url.clone(), limit: self.limit });
        }
        self.check_rate(began.elapsed(), chunk.len() as u64)?;
        Ok(Some(chunk))
    }

    /// Only time spent waiting counts: a slow disk of ours is not the server's fault.
    fn check_rate(&mut self, waited: Duration, bytes: u64) -> Result<(), HttpError> {
        self.window_waited += waited;
        self.window_bytes += bytes;
        if self.window_waited < self.timeouts.rate_window {
            return Ok(());
        }
        let minimum = self.timeouts.least_rate;
        if (self.window_bytes as f64) < minimum as f64 * self.window_waited.as_secs_f64() {
            return Err(HttpError::TooSlow { url: self.url.clone(), minimum });
        }
        self.window_waited = Duration::ZERO;
        self.window_bytes = 0;
        Ok(())
    }

    fn broken(&self, error: &reqwest::Error) -> HttpError {
        if error.is_body() || error.is_decode() {
            return self.truncated();
        }
        network_error(&self.url, error)
    }

    fn truncated(&self) -> HttpError {
        HttpError::Truncated {
            url: self.url.clone(),
            expected: self.expected,
            found: self.received,
        }
    }
}

/// Holds the first bytes back until they show whether this is an HTML page.
pub(super) struct Sniffer {
    held: Vec<u8>,
    decided: bool,
    says_html: bool,
}

impl Sniffer {
    /// `content_type` as the server says.
    pub(super) fn new(content_type: Option<&str>) -> Self {
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        let says_html = content_type.starts_with("text/html")
            || content_type.starts_with("application/xhtml+xml");
        Self { held: Vec::new(), decided: false, says_html }
    }

    /// Takes bytes and gives those that may be passed on; `Err` is an HTML page.
    pub(super) fn take<'b>(&'b mut self, bytes: &'b [u8]) -> Result<&'b [u8], ()> {
        if self.decided {
            return Ok(bytes);
        }
        if self.held.is_empty() && bytes.len() >= SNIFFED {
            self.decide(bytes)?;
            return Ok(bytes);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() < SNIFFED {
            return Ok(&[]);
        }
        self.finish()
    }

    /// What is still held back at the end.
    pub(super) fn finish(&mut self) -> Result<&[u8], ()> {
        if self.decided {
            return Ok(&[]);
        }
        let held = std::mem::take(&mut self.held);
        self.decide(&held)?;
        self.held = held;
        Ok(&self.held)
    }

    /// The bytes decide; the content type only where they are no archive, because many servers
    /// give archives odd types.
    fn decide(&mut self, head: &[u8]) -> Result<(), ()> {
        const ARCHIVES: [&[u8]; 5] =
            [b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"];
        self.decided = true;
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let starts = |word: &[u8]| {
            text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        let is_archive = ARCHIVES.iter().any(|magic| head.starts_with(magic));
        let is_html =
            starts(b"<!doctype html") || starts(b"<html") || (self.says_html && !is_archive);
        if is_html { Err(()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(content_type: &str, pieces: &[&[u8]]) -> Option<Vec<u8>> {
        let mut sniffer = Sniffer::new(Some(content_type));
        let mut all = Vec::new();
        for piece in pieces {
            all.extend_from_slice(sniffer.take(piece).ok()?);
        }
        all.extend_from_slice(sniffer.finish().ok()?);
        Some(all)
    }

    #[test]
    fn pages_and_files() {
        let file = "application/octet-stream";
        let page = "text/html; charset=utf-8";
        let long = [b'x'; 3 * SNIFFED];
        let check = |content_type: &str, pieces: &[&[u8]], is_file: bool| {
            let expect = is_file.then(|| pieces.concat());
            assert_eq!(sniff(content_type, pieces), expect, "{content_type} {pieces:?}");
        };
        check(file, &[], true);
        check(file, &[b"anything"], true);
        check(file, &[&long, b"more", &long], true);
        check(file, &[b"a", b"b", &long, b"c"], true);
        check(file, &[b"<!DOC", b"TYPE ht", b"ml>"], false);
        check(file, &[b"\xef\xbb\xbf \r\n<HTML lang=en>"], false);
        check(file, &[b"<xml"], true);
        check(page, &[b"PK\x03\x04 and so on"], true);
        check(page, &[b"\x1f\x8b"], true);
        check(page, &[b"Please log in"], false);
        check(page, &[&long], false);
    }
}
