//! The handlers of the JSON interface. Refusals are problem documents (RFC 9457).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use countermark_packaging::digest::Digest;
use serde::Serialize;

use super::alert::Alert;
use super::api::{
    AlarmJson, AlarmsJson, DigestJson, FileJson, LogJson, OPENAPI, ProjectJson, ReleaseJson,
    ReleaseLineJson, ResultJson, SearchJson, WitnessJson,
};
use super::page::Found;
use super::pages::{Refused, project_name, version_of};
use super::{Site, health, search};
use crate::server::Problem;

type Asked = State<Arc<Site>>;
type Answer = Result<Response, Problem>;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Nothing(text) => Self { detail: text, ..Self::not_found() },
            Refused::Bad(text) => Self::bad_request("bad-request", text),
            Refused::Store(error) => {
                tracing::warn!(%error, "a question could not be answered");
                Self::busy("the database does not answer")
            }
        }
    }
}

fn answer(document: &impl Serialize) -> Answer {
    let text = serde_json::to_string(document).map_err(|_| Problem::internal())?;
    Ok(json(text + "\n"))
}

fn json(text: impl IntoResponse) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=10"));
    // Anybody may read it, also from a page of another site.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// `/api/v1/openapi.json`
pub(super) async fn description() -> Response {
    json(OPENAPI)
}

/// `/api/v1/search?q=TEXT`
pub(super) async fn search(
    State(site): Asked,
    asked: Result<Query<search::Asked>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let query = asked.map(|Query(asked)| asked.q).unwrap_or_default();
    let query = query.trim();
    if query.is_empty() {
        return Err(Problem::bad_request("no-query", "`q` says what to look for"));
    }
    let found = search::find(&site, query).await.map_err(Refused::from)?;
    let result = |it: Found| ResultJson { kind: it.kind, name: it.text, url: it.link };
    let results = found.into_iter().map(result).collect();
    answer(&SearchJson { version: 1, query: query.to_owned(), results })
}

/// `/api/v1/projects/NAME`
pub(super) async fn project(State(site): Asked, Path(name): Path<String>) -> Answer {
    let name = project_name(&name)?;
    let lines = site.web.library.releases(&name).await.map_err(Refused::from)?;
    if lines.is_empty() {
        return Err(Problem::not_found());
    }
    let line = |it: &super::library::ReleaseLine| ReleaseLineJson {
        release: it.version.as_ref().map(ToString::to_string).unwrap_or_default(),
        files: it.files,
        first_seen: it.first_seen.to_string(),
    };
    let releases = lines.iter().map(line).collect();
    answer(&ProjectJson { version: 1, project: name.to_string(), releases })
}

/// `/api/v1/projects/NAME/VERSION`
pub(super) async fn release(
    State(site): Asked,
    Path((name, version)): Path<(String, String)>,
) -> Answer {
    let (name, version) = (project_name(&name)?, version_of(&version)?);
    let files = site.web.library.release(&name, &version).await.map_err(Refused::from)?;
    if files.is_empty() {
        return Err(Problem::not_found());
    }
    let files = files.iter().map(FileJson::of).collect();
    let (project, release) = (name.to_string(), version.to_string());
    answer(&ReleaseJson { version: 1, project, release, files })
}

/// `/api/v1/files/NAME`
pub(super) async fn file(State(site): Asked, Path(name): Path<String>) -> Answer {
    let facts = site.web.library.file(&name).await.map_err(Refused::from)?;
    answer(&FileJson::of(&facts.ok_or_else(Problem::not_found)?))
}

/// `/api/v1/digests/DIGEST`
pub(super) async fn digest(State(site): Asked, Path(text): Path<String>) -> Answer {
    let digest = Digest::parse(&text)
        .map_err(|error| Problem::bad_request("bad-digest", error.to_string()))?;
    let files = site.web.library.digest(&digest).await.map_err(Refused::from)?;
    if files.is_empty() {
        return Err(Problem::not_found());
    }
    let files = files.iter().map(FileJson::of).collect();
    answer(&DigestJson { version: 1, digest: digest.to_string(), files })
}

/// `/api/v1/alarms`
pub(super) async fn alarms(State(site): Asked) -> Answer {
    let alarms = site.web.library.alarms().await.map_err(Refused::from)?;
    let one = |alert: &Alert| AlarmJson {
        id: alert.id.clone(),
        kind: alert.kind.to_owned(),
        file: alert.file.clone(),
        digests: alert.sides.iter().map(|it| it.digest.clone()).collect(),
        noticed: alert.at.to_string(),
        evidence: alert.evidence.clone(),
    };
    answer(&AlarmsJson { version: 1, alarms: alarms.iter().map(one).collect() })
}

/// `/api/v1/log`
pub(super) async fn log(State(site): Asked) -> Answer {
    let (library, about) = (&site.web.library, &site.web.about);
    let signers = site.web.proofs.signers();
    let counts = library.counts().await.map_err(Refused::from)?;
    let published = library.published().await.map_err(Refused::from)?;
    let note = published.as_ref().map(|it| it.note.clone()).unwrap_or_default();
    let witness = |name: &String| {
        let cosigned = health::cosigned(&note, name).map(|at| at.to_string());
        (name.clone(), cosigned)
    };
    let witnesses: BTreeMap<_, _> = signers.witnesses.iter().map(witness).collect();
    answer(&LogJson {
        version: 1,
        origin: about.origin.clone(),
        keys: signers.keys,
        size: published.as_ref().map_or(0, |it| it.size),
        pending: counts.pending,
        checkpoint_time: published.as_ref().map(|it| it.at.to_string()),
        checkpoint: note,
        witnesses: witnesses
            .into_iter()
            .map(|(name, cosigned)| WitnessJson { name, cosigned })
            .collect(),
    })
}
