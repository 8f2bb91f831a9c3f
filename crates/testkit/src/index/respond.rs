//! From a request to an answer; no socket here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::page;
use super::request::RecordedRequest;
use super::scenario::{Behaviour, Body, Format, Scenario, hex};

/// What to send, and how.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) manner: Manner,
}

/// How an answer is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As HTTP wants it.
    Well,
    /// One of the behaviours that concern sending.
    Badly(Sending),
}

/// See [`Behaviour`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Truncated(u64),
    ClosedEarly(u64),
    DeclaredLength(u64),
    Endless { declared: bool },
    SlowDrip { bytes: usize, every: std::time::Duration },
    Stall,
    Drop,
    Garbage,
}

impl Answer {
    fn new(code: u16, content_type: &str, body: impl Into<Body>) -> Self {
        let headers = vec![("Content-Type".into(), content_type.into())];
        Self { code, headers, body: body.into(), manner: Manner::Well }
    }

    fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Decides the answer; `base` is the server's root URL without a slash at its end.
pub(super) fn respond(scenario: &mut Scenario, request: &RecordedRequest, base: &str) -> Answer {
    let path = request.path().to_owned();
    if !is_allowed(scenario, request) {
        return Answer::new(401, "text/plain", "who are you?")
            .header("WWW-Authenticate", "Basic realm=\"index\"");
    }
    let behaviours = scenario.take_behaviours(&path);
    let is_header = |behaviour: &Behaviour| matches!(behaviour, Behaviour::Header { .. });
    let (headers, others): (Vec<_>, Vec<_>) = behaviours.into_iter().partition(is_header);
    let mut answer = content(scenario, request);
    for behaviour in others.into_iter().chain(headers) {
        answer = misbehave(answer, behaviour, base);
    }
    if answer.code == 200 && answer.manner == Manner::Well {
        answer = conditional(scenario, request, answer);
    }
    answer
}

fn is_allowed(scenario: &Scenario, request: &RecordedRequest) -> bool {
    scenario.auth.iter().filter(|auth| request.path().starts_with(&auth.prefix)).all(|auth| {
        let wanted = STANDARD.encode(format!("{}:{}", auth.username, auth.password));
        request.header("authorization") == Some(format!("Basic {wanted}").as_str())
    })
}

fn misbehave(mut answer: Answer, behaviour: Behaviour, base: &str) -> Answer {
    let sending = match behaviour {
        Behaviour::Header { name, value } => {
            answer.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(&name));
            return answer.header(&name, value);
        }
        Behaviour::Status { code, retry_after } => {
            let refusal = Answer::new(code, "text/plain", format!("status {code}\n"));
            return match retry_after {
                Some(value) => refusal.header("Retry-After", value),
                None => refusal,
            };
        }
        Behaviour::Redirect { code, location } => {
            let location = location.replace("{base}", base);
            return Answer::new(code, "text/plain", "").header("Location", location);
        }
        Behaviour::Replace { content_type, body } => {
            return Answer::new(200, &content_type, body_bytes(&body));
        }
        Behaviour::Gzip => {
            answer.body = gzip(&body_bytes(&answer.body)).into();
            return answer.header("Content-Encoding", "gzip");
        }
        Behaviour::Truncated { send } => Sending::Truncated(send),
        Behaviour::ClosedEarly { send } => Sending::ClosedEarly(send),
        Behaviour::DeclaredLength(length) => Sending::DeclaredLength(length),
        Behaviour::Endless { declared } => Sending::Endless { declared },
        Behaviour::SlowDrip { bytes, every } => Sending::SlowDrip { bytes, every },
        Behaviour::Stall => Sending::Stall,
        Behaviour::Drop => Sending::Drop,
        Behaviour::Garbage => Sending::Garbage,
    };
    answer.manner = Manner::Badly(sending);
    answer
}

fn content(scenario: &Scenario, request: &RecordedRequest) -> Answer {
    let path = request.path();
    if let Some((content_type, body)) = scenario.others.get(path) {
        return Answer::new(200, content_type, body.clone());
    }
    if let Some(rest) = path.strip_prefix("/simple/") {
        return simple(scenario, request, rest);
    }
    if let Some(rest) = path.strip_prefix("/pypi/") {
        return document(scenario, rest).unwrap_or_else(not_found);
    }
    if let Some(filename) = path.strip_prefix("/files/") {
        return file(scenario, filename);
    }
    not_found()
}

fn simple(scenario: &Scenario, request: &RecordedRequest, rest: &str) -> Answer {
    let as_json = match scenario.format {
        Format::Json => true,
        Format::Html => false,
        Format::Negotiated => request.header("accept").is_some_and(|it| it.contains(page::JSON)),
    };
    let content_type = if as_json { page::JSON } else { page::HTML };
    if rest.is_empty() {
        return Answer::new(200, content_type, page::root_page(scenario, as_json));
    }
    let Some(name) = rest.strip_suffix('/') else {
        return Answer::new(301, "text/plain", "").header("Location", format!("/simple/{rest}/"));
    };
    let Some(project) = scenario.projects.get(name) else {
        return not_found();
    };
    let bytes =
        if as_json { page::json_page(name, project) } else { page::html_page(name, project) };
    Answer::new(200, content_type, bytes)
}

fn document(scenario: &Scenario, rest: &str) -> Option<Answer> {
    let name = rest.strip_suffix("/json")?;
    let bytes = page::json_document(name, scenario.projects.get(name)?)?;
    Some(Answer::new(200, "application/json", bytes))
}

fn file(scenario: &Scenario, filename: &str) -> Answer {
    let all = || scenario.projects.values().flat_map(|project| &project.files);
    if let Some(file) = all().find(|file| file.filename == filename) {
        return Answer::new(200, "application/octet-stream", file.body.clone());
    }
    let metadata = filename
        .strip_suffix(".metadata")
        .and_then(|stem| all().find(|file| file.filename == stem))
        .and_then(|file| file.metadata.clone());
    match metadata {
        Some(bytes) => Answer::new(200, "application/octet-stream", bytes),
        None => not_found(),
    }
}

fn not_found() -> Answer {
    Answer::new(404, "text/plain", "not here\n")
}

/// `ETag` and `If-None-Match`, `Range` and `If-Range` (RFC 9110, sections 13 and 14).
fn conditional(scenario: &Scenario, request: &RecordedRequest, mut answer: Answer) -> Answer {
    let mut etag = None;
    if scenario.etags {
        let tag = format!("\"{}\"", &hex(&Sha256::digest(body_bytes(&answer.body)))[..16]);
        if request.header("if-none-match") == Some(&tag) {
            return Answer::new(304, "text/plain", "").header("ETag", tag);
        }
        answer = answer.header("ETag", tag.clone());
        etag = Some(tag);
    }
    if !scenario.ranges {
        return answer;
    }
    answer = answer.header("Accept-Ranges", "bytes");
    let is_current = request.header("if-range").is_none_or(|it| Some(it) == etag.as_deref());
    match request.header("range").filter(|_| is_current) {
        Some(range) => ranged(answer, range),
        None => answer,
    }
}

fn ranged(answer: Answer, range: &str) -> Answer {
    let bytes = body_bytes(&answer.body);
    let Some((start, end)) = parse_range(range, bytes.len()) else {
        return Answer::new(416, "text/plain", "")
            .header("Content-Range", format!("bytes */{}", bytes.len()));
    };
    let content_range = format!("bytes {start}-{}/{}", end - 1, bytes.len());
    Answer { code: 206, body: bytes[start..end].to_vec().into(), ..answer }
        .header("Content-Range", content_range)
}

/// A single range, as half-open bounds that are not empty.
fn parse_range(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (first, last) {
        ("", last) => (length.saturating_sub(last.parse().ok()?), length),
        (first, "") => (first.parse().ok()?, length),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.checked_add(1)?),
    };
    (start < end.min(length)).then_some((start, end.min(length)))
}

/// The bytes of a body; a file that cannot be read is a mistake in the test.
pub(super) fn body_bytes(body: &Body) -> Vec<u8> {
    match body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Path(path) => std::fs::read(path)
            .unwrap_or_else(|error| panic!("cannot serve `{}`: {error}", path.display())),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to a vector does not fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let check = |range: &str, expect| assert_eq!(parse_range(range, 10), expect, "{range}");
        check("bytes=0-3", Some((0, 4)));
        check("bytes=4-", Some((4, 10)));
        check("bytes=-3", Some((7, 10)));
        check("bytes=-30", Some((0, 10)));
        check("bytes=8-99", Some((8, 10)));
        check("bytes=10-", None);
        check("bytes=5-4", None);
        check("lines=1-2", None);
    }
}
