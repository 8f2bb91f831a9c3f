//! The handlers of pages: ask the library, fill a page.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_report::harmless::harmless;

use super::alert::{Alert, Saying, proof_path};
use super::feed::{Feed, Item};
use super::library::ReleaseLine;
use super::page::{
    AlarmLine, AlarmPage, Alarms, DigestPage, FilePage, Home, LogPage, ProblemPage, ProjectPage,
    ReleasePage, ReleaseRow, Row, SharedFile, Side, Tally, WitnessRow,
};
use super::view::{FileFacts, FileView, day, plural};
use super::{Site, health, picture};
use crate::log::store::StoreError;

/// Releases that a page of a project shows.
const MAXIMUM_RELEASES: usize = 300;
/// Files that a page of a release shows.
const MAXIMUM_FILES: usize = 300;
/// Entries of a feed.
const MAXIMUM_NEWS: usize = 50;
/// Alarms on the first page.
const MAXIMUM_HOME: usize = 10;

/// What is answered in place of a page.
pub(super) enum Refused {
    /// There is nothing of that kind.
    Nothing(String),
    /// The address cannot be meant so.
    Bad(String),
    /// The database did not answer.
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) type Shown = Result<Response, Refused>;

/// Turns a refusal into a page.
fn shown(site: &Site, result: Shown) -> Response {
    let (status, title, text) = match result {
        Ok(response) => return response,
        Err(Refused::Nothing(text)) => (StatusCode::NOT_FOUND, "Nothing is known", text),
        Err(Refused::Bad(text)) => (StatusCode::BAD_REQUEST, "This cannot be asked", text),
        Err(Refused::Store(error)) => {
            tracing::warn!(%error, "a page could not be made");
            let text = "The database does not answer; try again in a moment.".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, "Not now", text)
        }
    };
    let page = ProblemPage { frame: &site.frame, title, text, query: String::new() };
    site.frame.answer(status, &page)
}

type Asked = State<Arc<Site>>;

/// `/`
pub(super) async fn home(State(site): Asked) -> Response {
    let result = home_page(&site).await;
    shown(&site, result)
}

async fn home_page(site: &Site) -> Shown {
    let library = &site.web.library;
    let counts = library.counts().await?;
    let published = library.published().await?;
    let tally = |number: u64, what: &str| Tally { number: grouped(number), what: what.to_owned() };
    let mut tallies = vec![tally(counts.entries, "records"), tally(counts.projects, "projects")];
    if let Some(published) = published {
        let number = published.at.strftime("%H:%M:%S").to_string();
        tallies
            .push(Tally { number, what: format!("UTC, last checkpoint, {}", day(published.at)) });
    }
    let alarms = library.alarms().await?;
    let number = grouped(alarms.len() as u64);
    let what = if alarms.len() == 1 { "alarm" } else { "alarms" };
    tallies.insert(2, Tally { number, what: what.to_owned() });
    let alarms = alarms.iter().take(MAXIMUM_HOME).map(AlarmLine::of).collect();
    Ok(site.frame.answer(StatusCode::OK, &Home { frame: &site.frame, tallies, alarms }))
}

/// `/project/NAME`
pub(super) async fn project(State(site): Asked, Path(name): Path<String>) -> Response {
    let result = project_page(&site, &name).await;
    shown(&site, result)
}

async fn project_page(site: &Site, text: &str) -> Shown {
    let name = project_name(text)?;
    if name.as_str() != text {
        return Ok(Redirect::permanent(&format!("/project/{name}")).into_response());
    }
    let lines = site.web.library.releases(&name).await?;
    if lines.is_empty() {
        return Err(Refused::Nothing(format!("No observer has seen a file of `{name}`.")));
    }
    let alarms = site.web.library.alarms_of(&name).await?;
    let files = lines.iter().map(|line| line.files).sum();
    let counts = format!(
        "{}, {}",
        plural(lines.len(), "release", "releases"),
        plural(files, "file", "files")
    );
    let page = ProjectPage {
        frame: &site.frame,
        name: name.to_string(),
        counts,
        alarms: alarms.iter().map(AlarmLine::of).collect(),
        hidden: lines.len().saturating_sub(MAXIMUM_RELEASES),
        releases: lines.iter().take(MAXIMUM_RELEASES).map(release_row).collect(),
    };
    Ok(site.frame.answer(StatusCode::OK, &page))
}

fn release_row(line: &ReleaseLine) -> ReleaseRow {
    ReleaseRow {
        version: line.version.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string),
        files: line.files,
        observers: plural(line.observers, "observer", "observers"),
        time: line.first_seen.to_string(),
        day: day(line.first_seen),
    }
}

/// `/project/NAME/feed.atom`
pub(super) async fn project_feed(State(site): Asked, Path(name): Path<String>) -> Response {
    let result = project_news(&site, &name).await;
    shown(&site, result)
}

async fn project_news(site: &Site, text: &str) -> Shown {
    let name = project_name(text)?;
    let entries = site.web.library.newest(&name, MAXIMUM_NEWS).await?;
    if entries.is_empty() {
        return Err(Refused::Nothing(format!("No observer has seen a file of `{name}`.")));
    }
    let item = |entry: &crate::log::store::Entry| Item {
        id: entry.index.to_string(),
        title: format!("{} seen by {}", harmless(entry.record.file()), entry.record.observer()),
        at: entry.record.first_seen(),
        link: format!("/file/{}", encoded(entry.record.file())),
        text: entry.record.text(),
    };
    let feed = Feed {
        path: format!("/project/{name}/feed.atom"),
        title: format!("Files of {name}"),
        entries: entries.iter().map(item).collect(),
    };
    Ok(feed.answer(&site.web.about.origin))
}

/// `/project/NAME/VERSION`
pub(super) async fn release(
    State(site): Asked,
    Path((name, version)): Path<(String, String)>,
) -> Response {
    let result = release_page(&site, &name, &version).await;
    shown(&site, result)
}

async fn release_page(site: &Site, name: &str, version: &str) -> Shown {
    let (name, version) = (project_name(name)?, version_of(version)?);
    let files = site.web.library.release(&name, &version).await?;
    if files.is_empty() {
        let text = format!("No observer has seen a file of `{name}` {version}.");
        return Err(Refused::Nothing(text));
    }
    let page = ReleasePage {
        frame: &site.frame,
        name: name.to_string(),
        version: version.to_string(),
        counts: plural(files.len(), "file", "files"),
        files: files.iter().take(MAXIMUM_FILES).map(FileView::of).collect(),
    };
    Ok(site.frame.answer(StatusCode::OK, &page))
}

/// `/file/NAME`
pub(super) async fn file(State(site): Asked, Path(name): Path<String>) -> Response {
    let result = file_page(&site, &name).await;
    shown(&site, result)
}

async fn file_page(site: &Site, name: &str) -> Shown {
    let Some(facts) = site.web.library.file(name).await? else {
        let text = format!("Nobody has seen or pinned a file `{}`.", harmless(name));
        return Err(Refused::Nothing(text));
    };
    let page = FilePage { frame: &site.frame, file: FileView::of(&facts) };
    Ok(site.frame.answer(StatusCode::OK, &page))
}

/// `/digest/DIGEST`
pub(super) async fn digest(State(site): Asked, Path(text): Path<String>) -> Response {
    let result = digest_page(&site, &text).await;
    shown(&site, result)
}

async fn digest_page(site: &Site, text: &str) -> Shown {
    let digest = Digest::parse(text).map_err(|error| Refused::Bad(error.to_string()))?;
    let files = site.web.library.digest(&digest).await?;
    if files.is_empty() {
        return Err(Refused::Nothing(format!("Nobody has seen or pinned {digest}.")));
    }
    let shared = |facts: &FileFacts| {
        let seen = facts.seen.iter().filter(|it| *it.observation.digest() == digest);
        let who: BTreeSet<String> = seen.map(|it| it.observation.observer().to_string()).collect();
        SharedFile { name: facts.name.clone(), who: who.into_iter().collect::<Vec<_>>().join(", ") }
    };
    let page = DigestPage {
        frame: &site.frame,
        digest: digest.to_string(),
        files: files.iter().map(shared).collect(),
    };
    Ok(site.frame.answer(StatusCode::OK, &page))
}

/// `/alarms`
pub(super) async fn alarms(State(site): Asked) -> Response {
    let result = async {
        let alarms = site.web.library.alarms().await?;
        let alarms = alarms.iter().map(AlarmLine::of).collect();
        Ok(site.frame.answer(StatusCode::OK, &Alarms { frame: &site.frame, alarms }))
    };
    let result = result.await;
    shown(&site, result)
}

/// `/alarms.atom`
pub(super) async fn alarms_feed(State(site): Asked) -> Response {
    let result = async {
        let alarms = site.web.library.alarms().await?;
        let item = |alert: &Alert| Item {
            id: alert.id.clone(),
            title: alert.title(),
            at: alert.at,
            link: format!("/alarms/{}", alert.id),
            text: alert.line.clone(),
        };
        let entries = alarms.iter().take(MAXIMUM_NEWS).map(item).collect();
        let title = format!("Alarms of {}", site.web.about.origin);
        Ok(Feed { path: "/alarms.atom".to_owned(), title, entries }.answer(&site.web.about.origin))
    };
    let result = result.await;
    shown(&site, result)
}

/// `/alarms/ID`
pub(super) async fn alarm(State(site): Asked, Path(id): Path<String>) -> Response {
    let result = async {
        let alert = alert_of(&site, &id).await?;
        let page = AlarmPage {
            frame: &site.frame,
            title: alert.title(),
            time: alert.at.to_string(),
            day: day(alert.at),
            sides: alert.sides.iter().flat_map(sides).collect(),
            evidence: pretty(&alert.evidence),
            id: alert.id,
            kind: alert.line,
            file: alert.file,
        };
        Ok(site.frame.answer(StatusCode::OK, &page))
    };
    let result = result.await;
    shown(&site, result)
}

/// `/alarms/ID/evidence.json`
pub(super) async fn evidence(State(site): Asked, Path(id): Path<String>) -> Response {
    let result = async {
        let alert = alert_of(&site, &id).await?;
        let mut response = pretty(&alert.evidence).into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    };
    let result = result.await;
    shown(&site, result)
}

async fn alert_of(site: &Site, id: &str) -> Result<Alert, Refused> {
    let nothing = || Refused::Nothing(format!("There is no alarm `{}`.", harmless(id)));
    site.web.library.alarm(id).await?.ok_or_else(nothing)
}

fn sides(saying: &Saying) -> [Side; 3] {
    let place = |index| format!("entry {index}");
    [
        Side {
            what: saying.who.clone(),
            text: saying.digest.clone(),
            link: format!("/digest/{}", saying.digest),
        },
        Side {
            what: "first seen".to_owned(),
            text: saying.first_seen.to_string(),
            link: String::new(),
        },
        Side {
            what: "proof".to_owned(),
            text: saying.index.map_or_else(|| "not in the tree yet".to_owned(), place),
            link: saying.index.map(proof_path).unwrap_or_default(),
        },
    ]
}

fn pretty(value: &serde_json::Value) -> String {
    // A value of texts and numbers can be written.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// `/log`
pub(super) async fn log(State(site): Asked) -> Response {
    let result = log_page(&site).await;
    shown(&site, result)
}

async fn log_page(site: &Site) -> Shown {
    let (library, about) = (&site.web.library, &site.web.about);
    let signers = site.web.proofs.signers();
    let counts = library.counts().await?;
    let published = library.published().await?;
    let points: Vec<_> = library.growth().await?.iter().map(|head| (head.at, head.size)).collect();
    let (growth, growth_text) = picture::growth(&points);
    let row = |what, text: String, is_code| Row { what, text, is_code };
    let mut rows = vec![
        row("Origin", about.origin.clone(), true),
        row("Entries", grouped(counts.entries), false),
        row("Waiting for a place", grouped(counts.pending), false),
    ];
    rows.extend(signers.keys.iter().map(|key| row("Key", key.clone(), true)));
    let mut witnesses = Vec::new();
    if let Some(published) = &published {
        let age = health::age(published.at, (site.web.now)());
        rows.push(row("Last checkpoint", format!("{}, {age}", published.at), false));
        rows.push(row("Its size", grouped(published.size), false));
        for name in &signers.witnesses {
            let at = health::cosigned(&published.note, name);
            witnesses.push(WitnessRow {
                name: name.clone(),
                class: if at.is_some() { "good" } else { "wait" },
                when: at.map_or_else(|| "not on this checkpoint".to_owned(), |at| at.to_string()),
            });
        }
    }
    let page = LogPage {
        frame: &site.frame,
        rows,
        growth,
        growth_text,
        witnesses,
        checkpoint: published.map(|it| it.note).unwrap_or_default(),
        snippet: health::snippet(about, &signers.keys),
    };
    Ok(site.frame.answer(StatusCode::OK, &page))
}

/// `/proof/INDEX.tlog-proof`
pub(super) async fn proof(State(site): Asked, Path(name): Path<String>) -> Response {
    let result = async {
        let nothing = || Refused::Nothing(format!("There is no proof `{}`.", harmless(&name)));
        let index = name.strip_suffix(".tlog-proof").ok_or_else(nothing)?;
        let index = index.parse().map_err(|_| nothing())?;
        let proof = site.web.proofs.proof(index).await.map_err(|error| {
            tracing::warn!(%error, index, "no proof");
            Refused::Bad("the proof cannot be made now".to_owned())
        })?;
        let mut response = proof.ok_or_else(nothing)?.into_response();
        let headers = response.headers_mut();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, text);
        // Made against the newest checkpoint; an old one is as true.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        Ok(response)
    };
    let result = result.await;
    shown(&site, result)
}

/// The project that a text names.
pub(super) fn project_name(text: &str) -> Result<ProjectName, Refused> {
    ProjectName::parse(text).map_err(|error| Refused::Bad(error.to_string()))
}

/// The version that a text is.
pub(super) fn version_of(text: &str) -> Result<Version, Refused> {
    text.parse().map_err(|_| Refused::Bad(format!("`{}` is no version", harmless(text))))
}

/// A text as a part of a path.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}
