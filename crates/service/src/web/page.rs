//! The pages as templates: one struct each, with texts only.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_report::harmless::harmless;
use sha2::{Digest as _, Sha256};

use super::alert::Alert;
use super::view::{FileView, day};

/// The style sheet, inline: one answer shows a page.
const STYLE: &str = include_str!("../../templates/web/style.css");

/// What every page has around it.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) style: &'static str,
    pub(super) version: &'static str,
    policy: HeaderValue,
}

impl Frame {
    /// The frame of a site with this name.
    pub(super) fn new(name: &str) -> Self {
        let digest = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        Self {
            name: harmless(name).into_owned(),
            style: STYLE,
            version: env!("CARGO_PKG_VERSION"),
            // Base64 and words of ASCII are a header value.
            policy: HeaderValue::from_str(&policy)
                .unwrap_or(HeaderValue::from_static("default-src 'none'")),
        }
    }

    /// A page as an answer, which may be kept for a few seconds.
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
        let cache = if status == StatusCode::OK { "public, max-age=10" } else { "no-store" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// `/`
#[derive(Template)]
#[template(path = "web/home.html")]
pub(super) struct Home<'a> {
    pub(super) frame: &'a Frame,
    pub(super) tallies: Vec<Tally>,
    pub(super) alarms: Vec<AlarmLine>,
}

/// A number and what it counts.
pub(super) struct Tally {
    pub(super) number: String,
    pub(super) what: String,
}

/// `/search`
#[derive(Template)]
#[template(path = "web/search.html")]
pub(super) struct Search<'a> {
    pub(super) frame: &'a Frame,
    pub(super) query: String,
    pub(super) results: Vec<Found>,
    pub(super) nothing: String,
}

/// Something that a search gave.
pub(super) struct Found {
    pub(super) kind: &'static str,
    pub(super) link: String,
    pub(super) text: String,
    pub(super) what: &'static str,
}

/// `/project/NAME`
#[derive(Template)]
#[template(path = "web/project.html")]
pub(super) struct ProjectPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) name: String,
    pub(super) counts: String,
    pub(super) alarms: Vec<AlarmLine>,
    pub(super) releases: Vec<ReleaseRow>,
    pub(super) hidden: usize,
}

/// One release in a table.
pub(super) struct ReleaseRow {
    pub(super) version: String,
    pub(super) files: usize,
    pub(super) observers: String,
    pub(super) time: String,
    pub(super) day: String,
}

/// `/project/NAME/VERSION`
#[derive(Template)]
#[template(path = "web/release.html")]
pub(super) struct ReleasePage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) counts: String,
    pub(super) files: Vec<FileView>,
}

/// `/file/NAME`
#[derive(Template)]
#[template(path = "web/file.html")]
pub(super) struct FilePage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) file: FileView,
}

/// `/digest/DIGEST`
#[derive(Template)]
#[template(path = "web/digest.html")]
pub(super) struct DigestPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) digest: String,
    pub(super) files: Vec<SharedFile>,
}

/// One of the files with a digest.
pub(super) struct SharedFile {
    pub(super) name: String,
    pub(super) who: String,
}

/// `/alarms`
#[derive(Template)]
#[template(path = "web/alarms.html")]
pub(super) struct Alarms<'a> {
    pub(super) frame: &'a Frame,
    pub(super) alarms: Vec<AlarmLine>,
}

/// One alarm in a list.
pub(super) struct AlarmLine {
    pub(super) id: String,
    pub(super) time: String,
    pub(super) day: String,
    pub(super) title: String,
    pub(super) kind: String,
}

/// `/alarms/ID`
#[derive(Template)]
#[template(path = "web/alarm.html")]
pub(super) struct AlarmPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) id: String,
    pub(super) time: String,
    pub(super) day: String,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) file: String,
    pub(super) sides: Vec<Side>,
    pub(super) evidence: String,
}

/// One of the two things that do not go together.
pub(super) struct Side {
    pub(super) what: String,
    pub(super) text: String,
    pub(super) link: String,
}

/// `/log`
#[derive(Template)]
#[template(path = "web/log.html")]
pub(super) struct LogPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) rows: Vec<Row>,
    pub(super) growth: String,
    pub(super) growth_text: String,
    pub(super) witnesses: Vec<WitnessRow>,
    pub(super) checkpoint: String,
    pub(super) snippet: String,
}

/// One line about the log.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) text: String,
    pub(super) is_code: bool,
}

/// One witness.
pub(super) struct WitnessRow {
    pub(super) name: String,
    pub(super) class: &'static str,
    pub(super) when: String,
}

/// Anything that cannot be shown.
#[derive(Template)]
#[template(path = "web/problem.html")]
pub(super) struct ProblemPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) title: &'static str,
    pub(super) text: String,
    pub(super) query: String,
}

impl AlarmLine {
    /// An alarm in a list.
    pub(super) fn of(alert: &Alert) -> Self {
        Self {
            id: alert.id.clone(),
            time: alert.at.to_string(),
            day: day(alert.at),
            title: alert.title(),
            kind: alert.line.clone(),
        }
    }
}
