//! Requests: read with limits, recorded whole.

use std::io::{self, Read};

/// Longest request head, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// `GET` or `HEAD`, usually.
    pub method: String,
    /// Path with the query, as sent.
    pub target: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
}

impl RecordedRequest {
    /// The path without a query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first header of that name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Reads one request; `None` when the peer closed before it began one.
pub(crate) fn read(stream: &mut impl Read) -> io::Result<Option<RecordedRequest>> {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    // The stream is buffered by the caller, and bodies are never expected.
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return if head.is_empty() { Ok(None) } else { Err(invalid("request cut short")) };
        }
        head.push(byte[0]);
        if head.len() > MAX_HEAD {
            return Err(invalid("request head too long"));
        }
    }
    parse(&head).map(Some)
}

fn parse(head: &[u8]) -> io::Result<RecordedRequest> {
    let text = std::str::from_utf8(head).map_err(|_| invalid("request head is not UTF-8"))?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1")) = (words.next(), words.next(), words.next())
    else {
        return Err(invalid("not an HTTP/1.1 request line"));
    };
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(RecordedRequest { method: method.into(), target: target.into(), headers })
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
