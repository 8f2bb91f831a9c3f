//! What a person should know before a pin moves, in a few lines.

use countermark_packaging::simple::StatusMarker;
use jiff::Timestamp;

use super::Change;
use crate::policy::rule::escaped;
use crate::policy::{Subject, show_age};

/// How many of a list are named.
const SHOWN: usize = 4;

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about: `age`, `files`, ….
    pub label: &'static str,
    /// What is known; `unknown` where nobody looked.
    pub text: String,
    /// Whether somebody should look twice.
    pub is_notable: bool,
}

/// What is known of a pin that is about to move, or to be used for the first time.
#[must_use]
pub fn lines(subject: &Subject<'_>, now: Timestamp) -> Vec<Line> {
    let mut lines = vec![age(subject, now)];
    match subject.change {
        Some(change) => of_change(change, &mut lines),
        None if subject.is_new => {
            push(&mut lines, "change", "used for the first time".into(), false);
        }
        None => push(&mut lines, "change", "unknown: nobody compared the releases".into(), false),
    }
    lines.push(roles(subject.change));
    lines.push(status(subject));
    lines
}

fn push(lines: &mut Vec<Line>, label: &'static str, text: String, is_notable: bool) {
    lines.push(Line { label, text, is_notable });
}

fn age(subject: &Subject<'_>, now: Timestamp) -> Line {
    const YOUNG: i64 = 7 * 24;
    let Some(uploaded) = subject.uploaded else {
        return Line { label: "age", text: "unknown".into(), is_notable: true };
    };
    let age = now.duration_since(uploaded);
    let mut text = format!("uploaded {} ago", show_age(age));
    if let Some(before) = subject.change.and_then(|change| change.before_uploaded) {
        let apart = uploaded.duration_since(before);
        let (apart, word) = if apart.is_negative() { (-apart, "before") } else { (apart, "after") };
        text = format!("{text}, {} {word} the release before", show_age(apart));
    }
    Line { label: "age", text, is_notable: age.as_hours() < YOUNG }
}

fn of_change(change: &Change, lines: &mut Vec<Line>) {
    if let Some((before, after)) = change.sizes {
        // Half as much again, or half, is more than most corrections do.
        let is_notable = after > before.saturating_mul(3) / 2 || after < before / 2;
        let text = format!("{} → {}", show_bytes(before), show_bytes(after));
        push(lines, "size", text, is_notable);
    }
    let counts = [
        (change.added.len(), "added"),
        (change.removed.len(), "removed"),
        (change.modified.len(), "modified"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let files = if counts.is_empty() { "the same".to_owned() } else { counts.join(", ") };
    push(lines, "files", files, false);
    let lists: [(&'static str, &[String], bool); 5] = [
        (".pth", &change.pth, true),
        ("native", &change.native, true),
        ("opaque", &change.opaque, true),
        ("commands", &change.scripts, true),
        ("new needs", &change.new_dependencies, true),
    ];
    for (label, names, is_notable) in lists {
        if !names.is_empty() {
            push(lines, label, format!("new: {}", listed(names)), is_notable);
        }
    }
    let (new, gone) = &change.top_level;
    if let Some(text) = moved(new, gone) {
        push(lines, "modules", text, !new.is_empty());
    }
    let (new, gone) = &change.requires;
    if let Some(text) = moved(new, gone) {
        push(lines, "requires", text, false);
    }
    if let Some((before, after)) = &change.license {
        let show = |license: &Option<String>| license.as_deref().map_or("none".into(), plain);
        push(lines, "licence", format!("{} → {}", show(before), show(after)), true);
    }
}

fn roles(change: Option<&Change>) -> Line {
    let Some((new, gone)) = change.and_then(|change| change.roles.as_ref()) else {
        return Line { label: "roles", text: "unknown".into(), is_notable: false };
    };
    let text = moved(new, gone);
    Line { label: "roles", is_notable: text.is_some(), text: text.unwrap_or("the same".into()) }
}

fn status(subject: &Subject<'_>) -> Line {
    let text = match (subject.status, subject.yanked) {
        (_, Some("")) => "yanked".to_owned(),
        (_, Some(why)) => format!("yanked: {}", plain(why)),
        (Some(status), None) => status.name().to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    let is_good = matches!(subject.status, Some(StatusMarker::Active) | None);
    Line { label: "status", text, is_notable: subject.yanked.is_some() || !is_good }
}

/// `new: a, b; gone: c`.
fn moved(new: &[String], gone: &[String]) -> Option<String> {
    let part = |what: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{what}: {}", listed(names)))
    };
    let parts: Vec<String> = part("new", new).into_iter().chain(part("gone", gone)).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn listed(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| plain(name)).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// A text of an archive or an index on one line of a terminal.
fn plain(text: &str) -> String {
    const LONGEST: usize = 100;
    let mut plain: String = text.chars().take(LONGEST).flat_map(escaped).collect();
    if text.chars().count() > LONGEST {
        plain.push('…');
    }
    plain
}

/// Bytes in thousands.
fn show_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // In tenths, so that no float is needed.
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
