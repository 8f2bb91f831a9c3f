//! From a reading to what templates show.

use countermark_client::contents::FileMove;
use countermark_client::contents::reading::{Content, Mark, Page, Row, shown};
use countermark_ledger::danger::Severity;
use countermark_report::harmless::harmless;

use super::Room;

/// Files in the list beside a page.
const BESIDE: usize = 120;

/// In which order files are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// What is dangerous first.
    #[default]
    Danger,
    /// As they lie in folders.
    Folder,
}

/// How somebody goes through the files; a part of every address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) order: Order,
    pub(super) is_whole: bool,
}

impl Way {
    /// Reads the part of an address behind `?`, with its numbers.
    pub(super) fn parse(query: Option<&str>) -> (Self, usize) {
        let (mut way, mut number) = (Self::default(), 0);
        for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match (&*key, &*value) {
                ("order", "folder") => way.order = Order::Folder,
                ("context", "whole") => way.is_whole = true,
                ("from" | "part", value) => number = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        (way, number)
    }

    pub(super) fn is_by_folder(self) -> bool {
        self.order == Order::Folder
    }

    /// The other order.
    pub(super) fn turned(self) -> Self {
        let order = if self.is_by_folder() { Order::Danger } else { Order::Folder };
        Self { order, ..self }
    }

    /// The query of an address that goes on in this way.
    pub(super) fn query(self, number: Option<(&str, usize)>) -> String {
        let mut parts = Vec::new();
        if self.order == Order::Folder {
            parts.push("order=folder".to_owned());
        }
        if self.is_whole {
            parts.push("context=whole".to_owned());
        }
        parts.extend(number.map(|(name, number)| format!("{name}={number}")));
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

/// A file in a list.
pub(super) struct FileLine {
    pub(super) link: String,
    pub(super) path: String,
    /// The folder, where it differs from that of the file before; in the order of folders alone.
    pub(super) folder: Option<String>,
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    pub(super) amount: String,
    pub(super) kinds: String,
    pub(super) is_read: bool,
    pub(super) is_here: bool,
}

/// The list beside a page.
pub(super) struct Nav {
    pub(super) files: Vec<FileLine>,
    pub(super) hidden_before: usize,
    pub(super) hidden_after: usize,
}

/// A finding.
pub(super) struct MarkLine {
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// A row of a page.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) gap: Option<String>,
    pub(super) old: Option<(usize, String)>,
    pub(super) new: Option<(usize, String)>,
    pub(super) marks: Vec<MarkLine>,
}

impl Room {
    /// The places of the pages in an order.
    pub(super) fn places(&self, order: Order) -> Vec<usize> {
        match order {
            Order::Danger => (0..self.reading.pages.len()).collect(),
            Order::Folder => self.by_folder.clone(),
        }
    }

    pub(super) fn link(&self, place: usize, way: Way) -> String {
        let way = Way { is_whole: false, ..way };
        format!("{}file/{}{}", self.frame.home, place + 1, way.query(None))
    }

    /// Some of the files as lines of a list.
    pub(super) fn file_lines(
        &self,
        places: &[usize],
        way: Way,
        here: Option<usize>,
    ) -> Vec<FileLine> {
        let marks = self.marks();
        let mut last: Option<&str> = None;
        let mut lines = Vec::with_capacity(places.len());
        for &place in places {
            let page = &self.reading.pages[place];
            let (folder, name) = page.path.rsplit_once('/').unwrap_or(("", &page.path));
            let is_new_folder = way.order == Order::Folder && last != Some(folder);
            last = Some(folder);
            let path = if way.order == Order::Folder { name } else { &page.path };
            lines.push(FileLine {
                link: self.link(place, way),
                path: harmless(path).into_owned(),
                folder: is_new_folder.then(|| format!("{}/", harmless(folder))),
                class: class(page.severity()),
                label: page.severity().map_or("", Severity::as_str),
                amount: amount(page),
                kinds: kinds(page),
                is_read: marks.is_read(page),
                is_here: here == Some(place),
            });
        }
        lines
    }

    /// The files around one.
    pub(super) fn nav(&self, place: usize, way: Way) -> Nav {
        let places = self.places(way.order);
        let at = places.iter().position(|one| *one == place).unwrap_or(0);
        let start = at.saturating_sub(BESIDE / 2).min(places.len().saturating_sub(BESIDE));
        let end = (start + BESIDE).min(places.len());
        Nav {
            files: self.file_lines(&places[start..end], way, Some(place)),
            hidden_before: start,
            hidden_after: places.len() - end,
        }
    }
}

pub(super) fn class(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::First) => "first",
        Some(Severity::Look) => "look",
        Some(Severity::Note) => "note",
        None => "plain",
    }
}

/// `12 lines`, `+3 −1`, `new, 4 lines`.
pub(super) fn amount(page: &Page) -> String {
    let what = match page.moved {
        Some(FileMove::Removed) => "gone, ",
        Some(FileMove::Added) => "new, ",
        Some(FileMove::Modified) | None => "",
    };
    if !page.is_text() {
        let size = page.new.as_ref().or(page.old.as_ref()).map_or(0, |content| content.size);
        return format!(
            "{what}{}",
            plural(usize::try_from(size).unwrap_or(usize::MAX), "byte", "bytes")
        );
    }
    if page.moved == Some(FileMove::Modified) {
        let (added, removed) = page.counts();
        return format!("+{added} −{removed}");
    }
    format!("{what}{}", plural(page.lines(), "line", "lines"))
}

pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn kinds(page: &Page) -> String {
    let mut kinds: Vec<_> = page
        .marks
        .iter()
        .filter(|mark| mark.is_new)
        .map(|mark| (std::cmp::Reverse(mark.finding.severity), mark.finding.kind.as_str()))
        .collect();
    kinds.sort_unstable();
    let mut words: Vec<&str> = Vec::new();
    for (_, kind) in kinds {
        if !words.contains(&kind) && words.len() < 5 {
            words.push(kind);
        }
    }
    words.join(", ")
}

pub(super) fn mark(mark: &Mark) -> MarkLine {
    let finding = &mark.finding;
    let before = if mark.is_new { "" } else { " (as before)" };
    MarkLine {
        class: if mark.is_new { class(Some(finding.severity)) } else { "old" },
        text: format!(
            "{} · {}: {}{before}",
            finding.severity.as_str(),
            finding.kind.as_str(),
            shown(&finding.what)
        ),
    }
}

/// A row, fit to be shown.
pub(super) fn line(page: &Page, row: &Row<'_>) -> Line {
    let marks = |at: usize| page.marks_of(at).map(mark).collect();
    match *row {
        Row::Gap(count) => Line {
            class: "gap",
            gap: Some(format!("{} that did not change", plural(count, "line", "lines"))),
            old: None,
            new: None,
            marks: Vec::new(),
        },
        Row::Same(old, new, text) => {
            let text = shown(text.strip_suffix('\r').unwrap_or(text));
            let old = old.map(|old| (old, text.clone()));
            Line { class: "same", gap: None, old, new: Some((new, text)), marks: marks(new) }
        }
        Row::Changed(old, new) => Line {
            class: "changed",
            gap: None,
            old: old.map(|(at, text)| (at, shown(text))),
            new: new.map(|(at, text)| (at, shown(text))),
            marks: new.map(|(at, _)| marks(at)).unwrap_or_default(),
        },
    }
}

/// What is said of a file that is not shown.
pub(super) fn digest(what: &str, content: &Content) -> String {
    let hex: String = content.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let size = plural(usize::try_from(content.size).unwrap_or(usize::MAX), "byte", "bytes");
    format!("{what}: {size}, SHA-256 {hex}; it is not shown")
}
