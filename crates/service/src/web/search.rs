//! What a text means: a digest, a file name, a project, or the beginning of one.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::normalize;
use countermark_report::harmless::harmless;
use serde::Deserialize;

use super::Site;
use super::page::{Found, Search};
use super::pages::encoded;
use crate::log::store::StoreError;

/// The longest text that is looked for, in bytes.
const MAXIMUM_QUERY: usize = 300;

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) q: String,
}

/// `/search`
pub(super) async fn page(
    State(site): State<Arc<Site>>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let query = asked.map(|Query(asked)| asked.q).unwrap_or_default();
    let query = query.trim();
    let (status, results, nothing) = match find(&site, query).await {
        Ok(results) => (StatusCode::OK, results, nothing(query)),
        Err(error) => {
            tracing::warn!(%error, "a search could not be answered");
            let text = "The database does not answer; try again in a moment.".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, Vec::new(), text)
        }
    };
    let page = Search { frame: &site.frame, query: query.to_owned(), results, nothing };
    site.frame.answer(status, &page)
}

fn nothing(query: &str) -> String {
    if query.is_empty() {
        return "Type the name of a project, a file name, or a digest.".to_owned();
    }
    if query.len() > MAXIMUM_QUERY {
        return format!("At most {MAXIMUM_QUERY} bytes are looked for.");
    }
    format!(
        "Nobody has seen or pinned “{}”. A name that is not here was not looked at yet; that \
         says nothing about the project.",
        harmless(query)
    )
}

/// What a text means, the most exact meaning first.
pub(super) async fn find(site: &Site, query: &str) -> Result<Vec<Found>, StoreError> {
    if query.is_empty() || query.len() > MAXIMUM_QUERY {
        return Ok(Vec::new());
    }
    let library = &site.web.library;
    if let Some(digest) = digest_of(query) {
        if library.digest(&digest).await?.is_empty() {
            return Ok(Vec::new());
        }
        let link = format!("/digest/{digest}");
        return Ok(vec![Found { kind: "digest", link, text: digest.to_string(), what: "digest" }]);
    }
    let mut found = Vec::new();
    if query.contains('.') && library.file(query).await?.is_some() {
        let link = format!("/file/{}", encoded(query));
        found.push(Found { kind: "file", link, text: query.to_owned(), what: "file" });
    }
    let prefix = normalize(query);
    for name in library.names(&prefix).await? {
        let link = format!("/project/{name}");
        found.push(Found { kind: "project", link, text: name.to_string(), what: "project" });
    }
    Ok(found)
}

/// The digest that a text is: with its algorithm, or as bare hexadecimal of a strong one's length.
fn digest_of(text: &str) -> Option<Digest> {
    if let Ok(digest) = Digest::parse(text) {
        return Some(digest);
    }
    let strong = Algorithm::ALL.into_iter().filter(|it| it.is_strong());
    let fitting = strong.filter(|it| it.byte_len() * 2 == text.len());
    fitting.filter_map(|it| Digest::parse_hex(it, &text.to_ascii_lowercase()).ok()).next()
}
