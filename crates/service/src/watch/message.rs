//! What is sent: one message for all changes of a run, as a text for people and as JSON for
//! programs. The JSON is the frozen form `countermark-watch/1`, described in docs/watch.md.

use std::fmt::Write as _;

use countermark_audit::finding::Severity;
use jiff::Timestamp;
use serde::Serialize;

use super::finding::{Change, FORMAT, StoredFinding};

/// The most changes in one JSON document; how many more there were is said.
pub const MAX_CHANGES: usize = 1000;
/// The most changes in a text.
pub const MAX_TOLD: usize = 100;
/// The most evidence per finding in a text.
const MAX_EVIDENCE: usize = 6;
/// The longest list of names in a text.
const MAX_LISTED: usize = 12;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same whenever it is sent again.
    pub id: String,
    /// When the run ended that it tells of.
    pub at: Timestamp,
    /// One line.
    pub subject: String,
    /// For people.
    pub text: String,
    /// For programs.
    pub json: String,
}

/// What a message says beside the changes.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// See [`Message::id`].
    pub id: &'a str,
    /// When the run ended.
    pub at: Timestamp,
    /// What the federation calls itself.
    pub federation: Option<&'a str>,
    /// Where the facts are from.
    pub facts: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    id: &'a str,
    kind: &'static str,
    at: String,
    federation: Option<&'a str>,
    facts: &'a str,
    counts: Counts,
    /// Changes that are left out because there are too many.
    omitted: usize,
    changes: Vec<&'a Change>,
}

#[derive(Serialize, Default)]
struct Counts {
    new: usize,
    worse: usize,
    altered: usize,
    gone: usize,
}

/// The message for those who want to hear of findings at `least` or above; `None` when nothing
/// changed for them.
#[must_use]
pub fn compose(context: &Context<'_>, changes: &[Change], least: Severity) -> Option<Message> {
    let told: Vec<&Change> = changes.iter().filter(|it| matters(it, least)).collect();
    if told.is_empty() {
        return None;
    }
    let counts = count(&told);
    let subject = subject(context, &counts, &told);
    let text = text(context, &subject, &told);
    Some(Message {
        id: context.id.to_owned(),
        at: context.at,
        subject,
        text,
        json: json(context, "changes", counts, &told),
    })
}

/// A message that only shows that messages arrive.
#[must_use]
pub fn test_message(context: &Context<'_>) -> Message {
    let subject = format!("{}this is a test", prefix(context));
    let text = format!(
        "This is a test of `countermark watch --test`. Nothing was found and nothing is gone.\n\n\
         sent {}\nid   {}\n",
        context.at, context.id
    );
    let json = json(context, "test", Counts::default(), &[]);
    Message { id: context.id.to_owned(), at: context.at, subject, text, json }
}

/// A change is told at the worse of the two severities, so that nobody hears of a beginning without
/// its end.
fn matters(change: &Change, least: Severity) -> bool {
    let severity = match change {
        Change::Worse { finding, was } => finding.severity.max(*was),
        Change::New { finding }
        | Change::Altered { finding, .. }
        | Change::Gone { finding, .. } => finding.severity,
    };
    severity >= least
}

fn count(told: &[&Change]) -> Counts {
    let mut counts = Counts::default();
    for change in told {
        match change {
            Change::New { .. } => counts.new += 1,
            Change::Worse { .. } => counts.worse += 1,
            Change::Altered { .. } => counts.altered += 1,
            Change::Gone { .. } => counts.gone += 1,
        }
    }
    counts
}

fn json(context: &Context<'_>, kind: &'static str, counts: Counts, told: &[&Change]) -> String {
    let document = Document {
        format: FORMAT,
        id: context.id,
        kind,
        at: context.at.to_string(),
        federation: context.federation,
        facts: context.facts,
        counts,
        omitted: told.len().saturating_sub(MAX_CHANGES),
        changes: told.iter().take(MAX_CHANGES).copied().collect(),
    };
    // Strings and numbers always have a JSON form.
    serde_json::to_string(&document).unwrap_or_default()
}

fn prefix(context: &Context<'_>) -> String {
    let name = context.federation.map(|name| format!(" {}", plain(name))).unwrap_or_default();
    format!("[countermark{name}] ")
}

fn subject(context: &Context<'_>, counts: &Counts, told: &[&Change]) -> String {
    let parts: Vec<String> = [
        (counts.new, "new"),
        (counts.worse, "worse"),
        (counts.altered, "changed"),
        (counts.gone, "gone"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    // Worst first: the first one is what a person should see on a phone.
    let first = told[0].finding();
    let head = format!("{}: {} {}", first.severity, first.rule, names(&first.projects, 2));
    let text = format!("{}{} · {head}", prefix(context), parts.join(", "));
    plain(&text).chars().take(200).collect::<String>().replace('\n', " ")
}

fn text(context: &Context<'_>, subject: &str, told: &[&Change]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}\n", subject.split_once("] ").map_or(subject, |it| it.1));
    for change in told.iter().take(MAX_TOLD) {
        tell(&mut text, change);
        text.push('\n');
    }
    if told.len() > MAX_TOLD {
        let more = told.len() - MAX_TOLD;
        let _ = writeln!(text, "… and {more} more; `countermark audit` shows all of them.\n");
    }
    let _ = writeln!(
        text,
        "-- \nfacts {}\nat    {}\nid    {}",
        plain(context.facts),
        context.at,
        context.id
    );
    text
}

fn tell(text: &mut String, change: &Change) {
    let finding = change.finding();
    let _ = writeln!(
        text,
        "{:<8}{:<8}{}  [{}]",
        change.word().to_uppercase(),
        finding.severity,
        names(&finding.projects, MAX_LISTED),
        finding.rule
    );
    let _ = writeln!(text, "        {}", plain(&finding.message));
    match change {
        Change::Worse { was, .. } => {
            let _ = writeln!(text, "        it was {was} before");
        }
        Change::Altered { added, removed, .. } => {
            for (word, list) in [("now also", added), ("no longer", removed)] {
                if !list.is_empty() {
                    let _ = writeln!(text, "        {word}: {}", names(list, MAX_LISTED));
                }
            }
        }
        Change::Gone { why, .. } => {
            let why = why.as_deref().unwrap_or("it is not found any more");
            let _ = writeln!(text, "        {}", plain(why));
            return;
        }
        Change::New { .. } => {}
    }
    tell_details(text, finding);
}

fn tell_details(text: &mut String, finding: &StoredFinding) {
    for (word, list) in [
        ("releases", &finding.versions),
        ("files", &finding.files),
        ("accounts", &finding.accounts),
    ] {
        if !list.is_empty() {
            let _ = writeln!(text, "        {word}: {}", names(list, MAX_LISTED));
        }
    }
    for fact in finding.evidence.iter().take(MAX_EVIDENCE) {
        let _ = writeln!(text, "        - {}: {}", plain(&fact.source), plain(&fact.text));
    }
    if finding.evidence.len() > MAX_EVIDENCE {
        let _ = writeln!(text, "        - and {} more", finding.evidence.len() - MAX_EVIDENCE);
    }
    if !finding.next.is_empty() {
        let _ = writeln!(text, "        next: {}", plain(&finding.next));
    }
}

/// `a, b, c and 4 more`.
fn names(list: &[String], most: usize) -> String {
    if list.is_empty() {
        return "the federation".to_owned();
    }
    let shown: Vec<String> = list.iter().take(most).map(|it| plain(it)).collect();
    let more = list.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// One line: names, versions and texts of an index may hold anything, and a message must not show
/// what only looks like its own words, or move the cursor.
pub(crate) fn plain(text: &str) -> String {
    let acts = countermark_audit::report::acts;
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        Context {
            id: "abc.7",
            at: Timestamp::UNIX_EPOCH,
            federation: Some("Example"),
            facts: "https://index.example.org/simple/",
        }
    }

    fn finding(severity: Severity, message: &str) -> StoredFinding {
        StoredFinding {
            key: "rogue-release|teapot|6.2.1||mallory".into(),
            rule: "rogue-release".into(),
            severity,
            projects: vec!["teapot".into()],
            versions: vec!["6.2.1".into()],
            files: Vec::new(),
            accounts: vec!["mallory".into()],
            message: message.into(),
            evidence: vec![super::super::finding::StoredEvidence {
                source: "index".into(),
                text: "uploaded 2026-11-21".into(),
            }],
            next: "ask the release team".into(),
        }
    }

    #[test]
    fn a_message_for_people_and_for_programs() {
        let changes = [
            Change::New { finding: finding(Severity::High, "6.2.1 is on the index only") },
            Change::Gone { finding: finding(Severity::Low, "old"), why: None },
        ];
        let message = compose(&context(), &changes, Severity::Low).unwrap();
        assert_eq!(
            message.subject,
            "[countermark Example] 1 new, 1 gone · high: rogue-release teapot"
        );
        assert_eq!(
            message.text,
            "1 new, 1 gone · high: rogue-release teapot\n\n\
             NEW     high    teapot  [rogue-release]\n\
             \x20       6.2.1 is on the index only\n\
             \x20       releases: 6.2.1\n\
             \x20       accounts: mallory\n\
             \x20       - index: uploaded 2026-11-21\n\
             \x20       next: ask the release team\n\n\
             GONE    low     teapot  [rogue-release]\n\
             \x20       old\n\
             \x20       it is not found any more\n\n\
             -- \nfacts https://index.example.org/simple/\nat    1970-01-01T00:00:00Z\nid    abc.7\n"
        );
        let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
        assert_eq!(json["format"], "countermark-watch/1");
        assert_eq!(json["counts"]["new"], 1);
        assert_eq!(json["changes"][0]["change"], "new");
        assert_eq!(json["changes"][0]["finding"]["severity"], "high");
        assert_eq!(json["changes"][1]["change"], "gone");
        let back: Vec<Change> = serde_json::from_value(json["changes"].clone()).unwrap();
        assert_eq!(back, changes);
    }

    #[test]
    fn who_hears_of_what() {
        let low = finding(Severity::Low, "m");
        let high = finding(Severity::High, "m");
        let check = |change: Change, least: Severity, expect: bool| {
            let found = compose(&context(), std::slice::from_ref(&change), least);
            assert_eq!(found.is_some(), expect, "{change:?} {least}");
        };
        check(Change::New { finding: low.clone() }, Severity::Low, true);
        check(Change::New { finding: low.clone() }, Severity::Medium, false);
        check(Change::Gone { finding: high.clone(), why: None }, Severity::High, true);
        check(Change::Worse { finding: high, was: Severity::Low }, Severity::High, true);
        assert_eq!(compose(&context(), &[], Severity::Note), None);
    }

    #[test]
    fn nothing_of_an_index_acts() {
        let evil = finding(Severity::High, "a\r\nBcc: x@example.org\u{202e}\u{200b}\u{1b}[2J");
        let evil = StoredFinding { projects: vec!["p\nq".into()], ..evil };
        let message = compose(&context(), &[Change::New { finding: evil }], Severity::Low).unwrap();
        assert!(!message.subject.contains(['\n', '\r']), "{}", message.subject);
        assert!(!message.text.contains("\nBcc:"), "{}", message.text);
        assert!(
            !message.text.contains(['\r', '\u{1b}', '\u{202e}', '\u{200b}']),
            "{}",
            message.text
        );
    }

    #[test]
    fn many_changes_are_counted() {
        let changes: Vec<Change> = (0..MAX_CHANGES + 5)
            .map(|_| Change::New { finding: finding(Severity::High, "m") })
            .collect();
        let message = compose(&context(), &changes, Severity::Low).unwrap();
        assert!(message.text.contains("… and 905 more"), "{}", message.text.len());
        let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
        assert_eq!(json["omitted"], 5);
        assert_eq!(json["counts"]["new"], MAX_CHANGES + 5);
    }
}
