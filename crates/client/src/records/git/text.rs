//! What git writes, parsed.

use countermark_audit::source::{HistoryEntry, Tag};
use jiff::Timestamp;

/// Longest message of a tag that is kept, in bytes.
const MAX_MESSAGE: usize = 4096;

/// Most entries of a history.
const MAX_ENTRIES: usize = 10_000_000;

/// Fields of a tag, each with a NUL after it: name, type and name of its object, type and name of
/// what that leads to, time, whether there is a signature, message.
pub(super) const TAG_FORMAT: &str = "%(refname:strip=2)%00%(objecttype)%00%(objectname)%00\
    %(*objecttype)%00%(*objectname)%00%(creatordate:unix)%00\
    %(if)%(contents:signature)%(then)signed%(end)%00%(contents:subject)%0a%0a%(contents:body)%00";

/// Modes of what is no file: links and submodules.
const NO_FILES: &[&str] = &["120000", "160000", "000000"];

/// Reads `git log --raw -z` with `%x01%H %ct` before each commit.
pub(super) fn parse_history(bytes: &[u8]) -> Result<Vec<HistoryEntry>, String> {
    let mut entries = Vec::new();
    let mut commit: Option<(&str, Timestamp)> = None;
    let mut fields = bytes.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let field = field.strip_prefix(b"\n").unwrap_or(field);
        if field.is_empty() {
            continue;
        }
        let text = std::str::from_utf8(field).map_err(|_| unexpected(field))?;
        if let Some(head) = text.strip_prefix('\u{1}') {
            let (name, time) = head.split_once(' ').ok_or_else(|| unexpected(field))?;
            commit = Some((name, parse_seconds(time).ok_or_else(|| unexpected(field))?));
            continue;
        }
        let raw = text.strip_prefix(':').ok_or_else(|| unexpected(field))?;
        let words: Vec<&str> = raw.split(' ').collect();
        let ([_, mode, _, content, _], Some((commit, time))) = (&words[..], commit) else {
            return Err(unexpected(field));
        };
        let path = fields.next().ok_or_else(|| unexpected(field))?;
        if entries.len() >= MAX_ENTRIES {
            return Err(format!("the history has more than {MAX_ENTRIES} entries"));
        }
        entries.push(HistoryEntry {
            commit: commit.to_owned(),
            time,
            path: String::from_utf8_lossy(path).into_owned(),
            content: (!NO_FILES.contains(mode)).then(|| (*content).to_owned()),
        });
    }
    Ok(entries)
}

/// Reads `git for-each-ref` with [`TAG_FORMAT`]; the second of each is whether the commit is not
/// known yet, because the tag is one of another tag. Tags of what is no commit are left out.
pub(super) fn parse_tags(bytes: &[u8]) -> Result<Vec<(Tag, bool)>, String> {
    const FIELDS: usize = 8;
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let (last, fields) = fields.split_last().ok_or("git said nothing")?;
    if fields.len() % FIELDS != 0 || !last.trim_ascii().is_empty() {
        return Err(unexpected(last));
    }
    let mut tags = Vec::with_capacity(fields.len() / FIELDS);
    for fields in fields.chunks_exact(FIELDS) {
        let text = |at: usize| String::from_utf8_lossy(fields[at]);
        let name = text(0).trim_start_matches('\n').to_owned();
        let is_annotated = fields[1] == b"tag";
        let (kind, commit) = if is_annotated { (fields[3], text(4)) } else { (fields[1], text(2)) };
        if !matches!(kind, b"commit" | b"tag") {
            continue;
        }
        let message = if is_annotated { cut(text(7).trim()) } else { String::new() };
        let tag = Tag {
            name,
            commit: commit.into_owned(),
            time: parse_seconds(&text(5)),
            signed: is_annotated && !fields[6].is_empty(),
            message,
        };
        tags.push((tag, kind == b"tag"));
    }
    Ok(tags)
}

/// Reads `git rev-list --timestamp`.
pub(super) fn parse_head(bytes: &[u8]) -> Result<(String, Timestamp), String> {
    let text = std::str::from_utf8(bytes.trim_ascii()).map_err(|_| unexpected(bytes))?;
    let (time, commit) = text.split_once(' ').ok_or_else(|| unexpected(bytes))?;
    Ok((commit.to_owned(), parse_seconds(time).ok_or_else(|| unexpected(bytes))?))
}

fn parse_seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.trim().parse().ok()?).ok()
}

fn cut(message: &str) -> String {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}

fn unexpected(field: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(field).chars().take(100).collect();
    format!("git answered in a form that is not known: {shown:?}")
}
