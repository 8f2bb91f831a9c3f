//! A part of a file (RFC 9110, section 14).
//!
//! A server may answer with the whole file instead, and some answer with another part: what was not
//! asked for is never taken for what was.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderValue};

use super::error::HttpError;
use super::progress::Progress;
use super::transfer::Transfer;
use super::{Client, Request, text_header};

/// Which part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// So many bytes at its end; all of it where it is shorter.
    Last(u64),
    /// `length` bytes from `start` on.
    At {
        /// The first.
        start: u64,
        /// How many; not zero.
        length: u64,
    },
}

impl Range {
    pub(super) fn ask(self, headers: &mut HeaderMap) {
        let text = match self {
            Self::Last(count) => format!("bytes=-{count}"),
            Self::At { start, length } => {
                format!("bytes={start}-{}", start.saturating_add(length.saturating_sub(1)))
            }
        };
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header::RANGE, value);
        }
    }

    /// Whether the part from `start` to before `end`, of `total` bytes, is this one.
    fn is(self, start: u64, end: u64, total: u64) -> bool {
        match self {
            Self::Last(count) => end == total && start == total.saturating_sub(count),
            Self::At { start: wanted, length } => {
                start == wanted && end == wanted.saturating_add(length).min(total)
            }
        }
    }
}

/// A part that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranged {
    /// Where it begins in the file.
    pub start: u64,
    /// Bytes of the whole file, as the server says.
    pub total: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Client {
    /// Fetches a part of a file. `None` when the server does not give parts; then nothing was read.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn fetch_range(
        &self,
        request: &Request,
        range: Range,
    ) -> Result<Option<Ranged>, HttpError> {
        let request = Request { range: Some(range), ..request.clone() };
        let mut attempt = 1;
        loop {
            match self.range_once(&request, range).await {
                Ok(ranged) => return Ok(ranged),
                // RFC 9110, section 15.5.17: an empty file has no last bytes.
                Err(HttpError::Status { code: 416, .. }) => return Ok(None),
                Err(error) => self.wait(&mut attempt, error, &request).await?,
            }
        }
    }

    async fn range_once(
        &self,
        request: &Request,
        range: Range,
    ) -> Result<Option<Ranged>, HttpError> {
        let response = self.send(request, &Progress::default()).await?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Ok(None);
        }
        let said = text_header(response.headers(), &header::CONTENT_RANGE);
        let said = said.as_deref().and_then(parse_content_range);
        let Some((start, end, total)) = said.filter(|(start, end, total)| {
            range.is(*start, *end, *total) && end - start <= request.limit
        }) else {
            return Ok(None);
        };
        let timeouts = &self.options.timeouts;
        let mut transfer = Transfer::new(response, 0, end - start, timeouts)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = transfer.next().await? {
            bytes.extend_from_slice(chunk.as_ref());
            if let Some(meter) = &request.meter {
                meter.count_bytes(chunk.as_ref().len());
            }
        }
        if bytes.len() as u64 != end - start {
            let (url, found) = ((&request.url).into(), bytes.len() as u64);
            return Err(HttpError::Truncated { url, expected: Some(end - start), found });
        }
        Ok(Some(Ranged { start, total, bytes }))
    }
}

/// `bytes FIRST-LAST/TOTAL`: the first, the one after the last, and the total.
fn parse_content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (part, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    let (first, last, total) = (number(first)?, number(last)?, number(total)?);
    (first <= last && last < total).then_some((first, last + 1, total))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use countermark_testkit::index::{Behaviour, IndexServer, Scenario};

    use super::super::{Options, Proxies, Retries};
    use super::*;

    fn ask(scenario: Scenario, range: Range) -> Result<Option<Ranged>, HttpError> {
        let scenario = scenario.serve("/f", "application/octet-stream", "0123456789");
        let server = IndexServer::start(scenario);
        let retries = Retries { count: 0, ..Retries::default() };
        let options = Options { proxies: Proxies::Off, retries, ..Options::default() };
        let client = Client::new(options, Arc::default());
        let url = url::Url::parse(&format!("{}/f", server.url())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.fetch_range(&Request::file(&url, 1024), range))
    }

    #[test]
    fn parts_of_a_file() {
        let check = |range: Range, start: u64, bytes: &str| {
            let ranged = ask(Scenario::new(), range).unwrap().unwrap();
            assert_eq!(ranged, Ranged { start, total: 10, bytes: bytes.into() }, "{range:?}");
        };
        check(Range::Last(3), 7, "789");
        check(Range::Last(30), 0, "0123456789");
        check(Range::At { start: 2, length: 3 }, 2, "234");
        check(Range::At { start: 8, length: 9 }, 8, "89");
    }

    #[test]
    fn other_answers_are_no_parts() {
        let range = Range::At { start: 2, length: 3 };
        assert_eq!(ask(Scenario::new().without_ranges(), range), Ok(None));
        assert_eq!(ask(Scenario::new(), Range::At { start: 10, length: 1 }), Ok(None));
        let status = Behaviour::Status { code: 404, retry_after: None };
        let refused = ask(Scenario::new().on("/f", status), range);
        assert!(matches!(refused, Err(HttpError::Status { code: 404, .. })), "{refused:?}");
    }

    #[test]
    fn another_part_than_asked_for_is_none() {
        for (said, expect) in [
            ("bytes 2-4/10", Some((2, 5, 10))),
            ("bytes 0-0/1", Some((0, 1, 1))),
            ("bytes 2-4/*", None),
            ("bytes 4-2/10", None),
            ("bytes 2-10/10", None),
            ("bytes +2-4/10", None),
            ("2-4/10", None),
        ] {
            assert_eq!(parse_content_range(said), expect, "{said}");
        }
        let range = Range::At { start: 2, length: 3 };
        assert!(range.is(2, 5, 10) && range.is(2, 4, 4));
        assert!(!range.is(0, 5, 10) && !range.is(2, 4, 10) && !range.is(2, 6, 10));
        assert!(!Range::Last(3).is(6, 9, 10) && !Range::Last(3).is(0, 10, 10));
    }
}
