//! The handlers: look a page up, fill a template.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use countermark_client::contents::FileMove;
use countermark_client::contents::reading::{Context, Page};
use countermark_ledger::danger::Severity;
use countermark_report::harmless::harmless;

use super::Room;
use super::page::{Contents, FilePage, Progress, Words};
use super::view::{self, Way, plural};

/// Files in one part of the list.
const LISTED: usize = 400;
/// Rows in one part of a file.
const ROWS: usize = 4000;
/// Lines around a change.
const AROUND: usize = 5;

type Asked = State<Arc<Room>>;

fn progress(room: &Room) -> Progress {
    let (read, left) = room.marks().progress(&room.reading);
    let of = room.reading.pages.len();
    let text = format!(
        "{read} of {} read, {} left",
        plural(of, "file", "files"),
        plural(left, "line", "lines")
    );
    Progress { read, of, text }
}

/// The list of files.
pub(super) async fn contents(State(room): Asked, RawQuery(query): RawQuery) -> Response {
    let (way, from) = Way::parse(query.as_deref());
    let places = room.places(way.order);
    let from = from.min(places.len());
    let end = (from + LISTED).min(places.len());
    let at = |start: usize| format!("{}{}", room.frame.home, way.query(Some(("from", start))));
    let total = |severity| {
        room.reading.pages.iter().filter(|page| page.severity() == Some(severity)).count()
    };
    let summary = format!(
        "{}, {} to read. {} to look at first, {} to look at.",
        plural(places.len(), "file", "files"),
        plural(room.reading.lines(), "line", "lines"),
        plural(total(Severity::First), "file", "files"),
        plural(total(Severity::Look), "file", "files"),
    );
    let sides = room.reading.sides.iter().zip(&room.by).map(|(side, by)| {
        (harmless(&side.filename).into_owned(), side.sha256.hex(), harmless(by).into_owned())
    });
    let begin = unread(&room, &places, None).map(|place| room.link(place, way));
    let page = Contents {
        frame: &room.frame,
        title: harmless(&room.title).into_owned(),
        sides: sides.collect(),
        summary,
        progress: progress(&room),
        way,
        files: room.file_lines(&places[from..end], way, None),
        earlier: (from > 0).then(|| at(from.saturating_sub(LISTED))),
        later: (end < places.len()).then(|| at(end)),
        begin,
        next: harmless(&room.next).into_owned(),
    };
    room.frame.answer(StatusCode::OK, &page)
}

/// The first file that was not read, behind another one or from the beginning.
fn unread(room: &Room, places: &[usize], behind: Option<usize>) -> Option<usize> {
    let marks = room.marks();
    let start =
        behind.and_then(|it| places.iter().position(|one| *one == it)).map_or(0, |it| it + 1);
    let (before, after) = places.split_at(start.min(places.len()));
    after.iter().chain(before).copied().find(|place| !marks.is_read(&room.reading.pages[*place]))
}

/// The page of a number, which counts from 1.
fn place(room: &Room, number: &str) -> Option<usize> {
    let place = number.parse::<usize>().ok()?.checked_sub(1)?;
    (place < room.reading.pages.len()).then_some(place)
}

fn nothing(room: &Room) -> Response {
    let words = Words {
        frame: &room.frame,
        title: "There is no such file",
        sentences: vec!["The list of files has all that there are.".to_owned()],
        keys: Vec::new(),
        has_ended: false,
    };
    room.frame.answer(StatusCode::NOT_FOUND, &words)
}

/// One file.
pub(super) async fn file(
    State(room): Asked,
    Path((_, number)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(place) = place(&room, &number) else { return nothing(&room) };
    let (way, part) = Way::parse(query.as_deref());
    let page = &room.reading.pages[place];
    let places = room.places(way.order);
    let at = places.iter().position(|one| *one == place).unwrap_or(0);
    let neighbour =
        |at: Option<usize>| at.and_then(|at| places.get(at)).map(|place| room.link(*place, way));
    let is_difference = page.moved.is_some();
    let context =
        if is_difference && !way.is_whole { Context::Lines(AROUND) } else { Context::Whole };
    let rows = page.rows(context);
    let count = rows.len().div_ceil(ROWS).max(1);
    let part = part.clamp(1, count);
    let address = |way: Way, part: Option<usize>| {
        let query = way.query(part.map(|part| ("part", part)));
        format!("{}file/{}{query}", room.frame.home, place + 1)
    };
    let parts = (1..=count)
        .filter(|_| count > 1)
        .map(|one| (address(way, Some(one)), format!("Part {one} of {count}"), one == part));
    let is_read = room.marks().is_read(page);
    let verb = if is_read { "unread" } else { "read" };
    let other = Way { is_whole: !way.is_whole, ..way };
    let context_name = if way.is_whole { "Only what changed" } else { "The whole file" };
    let shown = FilePage {
        frame: &room.frame,
        title: harmless(&room.title).into_owned(),
        path: harmless(&page.path).into_owned(),
        position: format!("{} of {}", at + 1, places.len()),
        what: format!("{}{}", change(page), view::amount(page)),
        is_read,
        toggle: format!("{}file/{}/{verb}{}", room.frame.home, place + 1, way.query(None)),
        progress: progress(&room),
        way,
        nav: room.nav(place, way),
        order: address(way.turned(), None),
        before: neighbour(at.checked_sub(1)),
        after: neighbour(Some(at + 1)),
        is_difference: page.moved == Some(FileMove::Modified),
        context: (page.moved == Some(FileMove::Modified))
            .then(|| (address(other, None), context_name)),
        marks: page.marks_of(0).map(view::mark).collect(),
        digests: digests(page),
        lines: rows
            .iter()
            .skip((part - 1) * ROWS)
            .take(ROWS)
            .map(|row| view::line(page, row))
            .collect(),
        parts: parts.collect(),
    };
    room.frame.answer(StatusCode::OK, &shown)
}

fn change(page: &Page) -> &'static str {
    match page.moved {
        Some(FileMove::Modified) => "modified, ",
        Some(FileMove::Added | FileMove::Removed) | None => "",
    }
}

fn digests(page: &Page) -> Vec<String> {
    if page.is_text() {
        return Vec::new();
    }
    let side =
        |what, content: &Option<_>| content.as_ref().map(|content| view::digest(what, content));
    let before = side("Before", &page.old);
    before
        .into_iter()
        .chain(side(if page.moved.is_some() { "After" } else { "The file" }, &page.new))
        .collect()
}

/// The file was read; on to the next that was not.
pub(super) async fn read(
    State(room): Asked,
    Path((_, number)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let (way, _) = Way::parse(query.as_deref());
    let Some(place) = place(&room, &number) else { return nothing(&room) };
    if let Err(response) = set(&room, place, true) {
        return *response;
    }
    let next = unread(&room, &room.places(way.order), Some(place));
    let to = next
        .map_or_else(|| format!("{}{}", room.frame.home, way.query(None)), |it| room.link(it, way));
    Redirect::to(&to).into_response()
}

/// It was not read after all.
pub(super) async fn take_back(
    State(room): Asked,
    Path((_, number)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let (way, _) = Way::parse(query.as_deref());
    let Some(place) = place(&room, &number) else { return nothing(&room) };
    match set(&room, place, false) {
        Ok(()) => Redirect::to(&room.link(place, way)).into_response(),
        Err(response) => *response,
    }
}

fn set(room: &Room, place: usize, is_read: bool) -> Result<(), Box<Response>> {
    let page = &room.reading.pages[place];
    room.marks().set(page, is_read).map_err(|error| {
        let words = Words {
            frame: &room.frame,
            title: "The mark could not be kept",
            sentences: vec![
                harmless(&error.to_string()).into_owned(),
                "It holds until this page ends.".to_owned(),
            ],
            keys: Vec::new(),
            has_ended: false,
        };
        Box::new(room.frame.answer(StatusCode::INTERNAL_SERVER_ERROR, &words))
    })
}

/// What the keys do.
pub(super) async fn help(State(room): Asked) -> Response {
    let words = Words {
        frame: &room.frame,
        title: "Keys",
        sentences: vec![
            "The order is of danger: what could do harm comes first. It is no judgement; what stands last was found by nobody to be good.".to_owned(),
            "Marks for “read” are bookmarks on this machine. A review is what `countermark vet certify` signs.".to_owned(),
        ],
        keys: vec![
            ("j, k", "the next file, the file before"),
            ("n, p", "the next mark or change, the one before"),
            ("x", "mark the file as read and go on, or take the mark back"),
            ("space", "further down; at the end of the file the same as x"),
            ("w", "the whole file, or only what changed"),
            ("u", "up to the list of files"),
            ("o", "the other order: by danger, by folder"),
            ("?", "this page"),
        ],
        has_ended: false,
    };
    room.frame.answer(StatusCode::OK, &words)
}

/// The button that ends it.
pub(super) async fn stop(State(room): Asked) -> Response {
    room.stop.notify_one();
    let words = Words {
        frame: &room.frame,
        title: "It has ended",
        sentences: vec![
            "Marks are kept; start it again to go on.".to_owned(),
            format!("When you have read it: {}", harmless(&room.next)),
        ],
        keys: Vec::new(),
        has_ended: true,
    };
    room.frame.answer(StatusCode::OK, &words)
}
