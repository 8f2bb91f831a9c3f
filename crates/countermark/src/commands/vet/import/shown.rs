//! What is said about imports: what is new, and how each stands.

use countermark_client::ledger::Loaded;
use countermark_client::report::{Note, Problem};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::import::{Change, Comparison};
use countermark_ledger::ledger::{AuthorKey, Import, Ledger};
use countermark_ledger::review::{How, Review};
use countermark_ledger::signature::PublicKey;
use countermark_trust::Class;
use serde::Serialize;

use super::theirs::Signed;
use crate::output;

/// Most lines about things of one kind.
const MOST: usize = 20;

/// What a review is of: `flask 3.0.1`, `flask 3.0.0 to 3.0.1`.
pub(super) fn title(review: &Review) -> String {
    let Review { project, version, .. } = review;
    match &review.how {
        How::Full => format!("{project} {version}"),
        How::Delta { from, .. } => format!("{project} {from} to {version}"),
        How::Compiled => format!("compiled files of {project} {version}"),
    }
}

/// A key for people: its short name.
pub(super) fn key(key: &AuthorKey) -> String {
    match PublicKey::parse(&key.key) {
        Ok(parsed) => parsed.to_string(),
        Err(_) => "a key that cannot be used".to_owned(),
    }
}

/// A change of the past, as the reason why an import is refused.
pub(super) fn change(import: &str, change: &Change) -> Problem {
    let message = format!("`{import}` changed its past: {}", change.message);
    let mut problem = Problem::new(change.kind.code(), Class::Rejected, message);
    problem.details.clone_from(&change.details);
    problem.details.push(match &change.now {
        Some(now) => format!("now at {now}"),
        None => "it is not there any more".to_owned(),
    });
    problem.at(&change.before)
}

/// What is new, a line each.
pub(super) fn news(
    import: &Import,
    theirs: &Ledger,
    new: &Comparison<'_>,
    signed: &Signed,
) -> Vec<String> {
    let mut lines = Vec::new();
    let refusal = |review: &Review| signed.refused.iter().find(|(it, _)| it == review);
    let review = |(review, _): &(&Review, _)| {
        let criteria: Vec<&str> = review.criteria.iter().map(CriterionName::as_str).collect();
        let (title, criteria) = (title(review), criteria.join(", "));
        let does = match refusal(review) {
            None => String::new(),
            Some((_, reason)) => format!("; does not count: {reason}"),
        };
        format!("review of {title} by {}, {criteria}{does}", review.author)
    };
    push(&mut lines, "+", new.reviews.iter().map(review));
    push(&mut lines, "+ signed now:", new.signed.iter().map(review));
    let criterion = |name: &&CriterionName| {
        let says = theirs.descriptions.get(*name).map_or("", String::as_str);
        format!("criterion {name}: {}", shorten(says))
    };
    push(&mut lines, "+", new.criteria.iter().map(criterion));
    let violation = |(it, file): &(
        &countermark_ledger::ledger::Violation,
        &countermark_ledger::file::FileId,
    )| { format!("violation, {}: {}", file.name, shorten(&it.reason)) };
    push(&mut lines, "+", new.violations.iter().map(violation));
    let added = |it: &&AuthorKey| {
        format!("key of {}, {}; it does not count here by itself", it.author, key(it))
    };
    push(&mut lines, "+", new.keys.iter().map(added));
    let moved = |(_, now): &(&AuthorKey, &AuthorKey)| {
        let ours = import.keys.iter().any(|it| it.key == now.key);
        let until = now.until.map_or("no last day".to_owned(), |day| format!("last day {day}"));
        let counts = if ours { "" } else { ", and does not count here" };
        format!("key of {}, {}: {until}{counts}", now.author, key(now))
    };
    push(&mut lines, "~", new.moved_keys.iter().map(moved));
    lines
}

fn push(lines: &mut Vec<String>, mark: &str, mut found: impl ExactSizeIterator<Item = String>) {
    lines.extend(found.by_ref().take(MOST).map(|it| format!("  {mark} {it}")));
    let more = found.len();
    if more > 0 {
        lines.push(format!("  {mark} and {} more", output::grouped(more as u64)));
    }
}

fn shorten(text: &str) -> String {
    let mut line: String = text.lines().next().unwrap_or_default().chars().take(100).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

/// Reviews that do not count, as one note.
pub(super) fn not_counting(import: &str, signed: &Signed, of: usize) -> Option<Note> {
    let (review, refusal) = signed.refused.first()?;
    let of = output::count(of, "review", "reviews");
    let message = format!(
        "{} of {of} of `{import}` do not count; the first is of {} by {}: {refusal}",
        signed.refused.len(),
        title(review),
        review.author,
    );
    Some(Note::new("import-not-counting", message))
}

/// The imports of a ledger, for people.
pub(super) fn listed(loaded: &Loaded) -> Vec<String> {
    let mut lines = Vec::new();
    for import in &loaded.ledger.imports {
        let imported = loaded.imports.iter().find(|it| it.name == import.name);
        lines.push(format!("{}  {}", import.name, import.url));
        let Some(imported) = imported else {
            lines.push("  never fetched".to_owned());
            continue;
        };
        let fetched = import.fetched.map_or(String::new(), |day| format!(", fetched {day}"));
        let reviews = output::count(imported.reviews.len(), "review", "reviews");
        let bad = output::count(imported.ledger.violations.len(), "violation", "violations");
        lines.push(format!("  {}{fetched}: {reviews}, {bad}", imported.ledger.name));
        for (theirs, ours) in &import.mapping {
            let ours: Vec<&str> = ours.iter().map(CriterionName::as_str).collect();
            lines.push(format!("  {theirs} counts as {}", ours.join(", ")));
        }
        if import.mapping.is_empty() {
            lines.push("  none of its criteria counts".to_owned());
        }
        for one in &import.keys {
            lines.push(format!("  key of {}: {}", one.author, key(one)));
        }
        if import.keys.is_empty() {
            lines.push("  none of its keys counts".to_owned());
        }
    }
    if lines.is_empty() {
        lines.push("no ledger is imported".to_owned());
    }
    lines
}

/// Frozen: `countermark-imports/1`.
#[derive(Serialize)]
struct ListedForm<'a> {
    format: &'static str,
    imports: Vec<ImportForm<'a>>,
}

#[derive(Serialize)]
struct ImportForm<'a> {
    name: &'a str,
    url: &'a str,
    ledger: Option<&'a str>,
    fetched: Option<String>,
    reviews: Option<usize>,
    violations: Option<usize>,
    authors: Vec<&'a str>,
    criteria: Vec<&'a str>,
}

/// The imports of a ledger, for programs.
pub(super) fn listed_json(loaded: &Loaded) -> String {
    let form = |import| {
        let import: &Import = import;
        let imported = loaded.imports.iter().find(|it| it.name == import.name);
        ImportForm {
            name: &import.name,
            url: &import.url,
            ledger: imported.map(|it| it.ledger.name.as_str()),
            fetched: import.fetched.map(|day| day.to_string()),
            reviews: imported.map(|it| it.reviews.len()),
            violations: imported.map(|it| it.ledger.violations.len()),
            authors: import.keys.iter().map(|it| it.author.as_str()).collect(),
            criteria: import.mapping.keys().map(CriterionName::as_str).collect(),
        }
    };
    let imports = loaded.ledger.imports.iter().map(form).collect();
    let form = ListedForm { format: "countermark-imports/1", imports };
    // Texts, numbers and lists are always JSON.
    serde_json::to_string_pretty(&form).unwrap_or_default()
}
