//! What an entry of `[[records]]` says, read once: its place, its project and its settings.

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::{Documents, SourceError};
use crate::federation::RecordsEntry;
use crate::record::{RecordProblem, Records, RecordsDate};

/// Most problems that one file of records is given a line each for; the rest is counted.
const MAX_PROBLEMS: usize = 1000;

/// Most bytes of a foreign text in a message.
const MAX_SHOWN: usize = 120;

/// An entry whose settings are all known.
#[derive(Clone, Debug)]
pub(super) struct Setup<'a> {
    entry: &'a RecordsEntry,
    /// Only releases of this project.
    pub(super) project: Option<ProjectName>,
    /// Up to when the records speak, when that is said.
    date: Option<Reach>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    At(Timestamp),
    Commit,
}

impl<'a> Setup<'a> {
    /// Reads what all sources have in common, and refuses settings that this one does not know.
    pub(super) fn new(entry: &'a RecordsEntry, known: &[&str]) -> Result<Self, SourceError> {
        let common = ["date", "project"];
        let is_known = |name: &str| known.contains(&name) || common.contains(&name);
        if let Some(name) = entry.settings.keys().find(|name| !is_known(name)) {
            let mut names: Vec<&str> = known.iter().chain(&common).copied().collect();
            names.sort_unstable();
            let reason = format!("not known; the settings are {}", list_of(&names));
            return Err(setting(entry, name, reason));
        }
        let mut setup = Self { entry, project: entry.project.clone(), date: None };
        if let Some(text) = setup.text("project") {
            let name = ProjectName::parse(text)
                .map_err(|error| setting(entry, "project", error.to_string()))?;
            setup.project = Some(name);
        }
        setup.date = match setup.text("date") {
            None => None,
            Some("commit") => Some(Reach::Commit),
            Some(text) => Some(Reach::At(parse_end(text).ok_or_else(|| {
                let reason = format!("`{}` is no day, no time, and not `commit`", shown(text));
                setting(entry, "date", reason)
            })?)),
        };
        Ok(setup)
    }

    /// A setting as it is written.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.entry.settings.get(name).map(String::as_str)
    }

    /// One of several words; the first is meant when nothing is said.
    pub(super) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
        otherwise: T,
    ) -> Result<T, SourceError> {
        let Some(text) = self.text(name) else { return Ok(otherwise) };
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let reason = format!("`{}` is not one of {}", shown(text), list_of(&names));
            setting(self.entry, name, reason)
        })
    }

    /// `true`, `yes`, `false` or `no`.
    pub(super) fn flag(&self, name: &str, otherwise: bool) -> Result<bool, SourceError> {
        let words = [("true", true), ("yes", true), ("false", false), ("no", false)];
        self.word(name, &words, otherwise)
    }

    /// A number of at least 1.
    pub(super) fn number(&self, name: &str, otherwise: u64) -> Result<u64, SourceError> {
        let Some(text) = self.text(name) else { return Ok(otherwise) };
        text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
            setting(self.entry, name, format!("`{}` is no number above 0", shown(text)))
        })
    }

    /// The error for a setting that is needed and not there, or cannot be used.
    pub(super) fn refuse(&self, name: &str, reason: impl Into<String>) -> SourceError {
        setting(self.entry, name, reason.into())
    }

    /// Where the source is, as `federation.toml` has it.
    pub(super) fn location(&self) -> &'a str {
        location(self.entry)
    }

    /// A file of the source for people: what they wrote, and the path below it.
    pub(super) fn file(&self, path: &str) -> String {
        let location = self.location();
        let is_the_file = location == path || location.ends_with(&format!("/{path}"));
        match location {
            "" | "." => path.to_owned(),
            _ if path.is_empty() || is_the_file => location.to_owned(),
            _ => format!("{}/{path}", location.trim_end_matches('/')),
        }
    }

    /// The files with one of these endings, or the one file that the entry names, whatever its name.
    pub(super) fn files(
        &self,
        endings: &[&str],
        documents: &dyn Documents,
    ) -> Result<Vec<String>, SourceError> {
        let all = documents.list("", "")?;
        if let [only] = &all[..]
            && self.file(only) == self.location()
        {
            return Ok(all);
        }
        let has_ending = |path: &String| endings.iter().any(|ending| path.ends_with(ending));
        Ok(all.into_iter().filter(has_ending).collect())
    }

    /// Whether releases of this project are wanted.
    pub(super) fn wants(&self, project: &ProjectName) -> bool {
        self.project.as_ref().is_none_or(|wanted| wanted == project)
    }

    /// Whether a source that is complete is so up to now: nothing else was said.
    pub(super) fn is_undated(&self) -> bool {
        self.date.is_none()
    }

    /// Says in the records that they were read, and up to when they speak. A source that does not
    /// claim to be `complete` says nothing about time unless its entry does.
    pub(super) fn finish(
        &self,
        described: String,
        complete: bool,
        documents: &dyn Documents,
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let (at, from) = match self.date {
            Some(Reach::At(at)) => (Some(at), "as `federation.toml` says".to_owned()),
            Some(Reach::Commit) => match documents.head()? {
                Some((commit, time)) => {
                    (Some(time), format!("commit {}", commit.get(..12).unwrap_or(&commit)))
                }
                None => return Err(self.refuse("date", "there is no commit: not a git checkout")),
            },
            None => (None, String::new()),
        };
        records.assumptions.extend(documents.notes());
        match at {
            Some(at) => records.reach(RecordsDate { at, from }),
            None if complete => records.assumptions.push(format!(
                "{described}: taken as complete up to now; `date` in the entry can say otherwise"
            )),
            None => {}
        }
        records.sources.push(described);
        Ok(())
    }
}

fn location(entry: &RecordsEntry) -> &str {
    entry.path.as_deref().or(entry.url.as_deref()).unwrap_or(".")
}

fn setting(entry: &RecordsEntry, name: &str, reason: String) -> SourceError {
    SourceError::Setting {
        what: format!("the `{}` records at {} ({})", entry.kind, location(entry), entry.place),
        setting: name.to_owned(),
        reason,
    }
}

/// Problems of one file, with a bound.
pub(super) struct Problems<'a> {
    file: &'a str,
    found: usize,
}

impl<'a> Problems<'a> {
    pub(super) fn of(file: &'a str) -> Self {
        Self { file, found: 0 }
    }

    /// One more.
    pub(super) fn add(
        &mut self,
        records: &mut Records,
        position: Option<(u32, u32)>,
        message: impl Into<String>,
    ) {
        self.found += 1;
        if self.found <= MAX_PROBLEMS {
            let problem =
                RecordProblem { file: self.file.to_owned(), position, message: message.into() };
            records.problems.push(problem);
        }
    }

    /// Says how many there were beyond the bound.
    pub(super) fn finish(self, records: &mut Records) {
        if self.found > MAX_PROBLEMS {
            let more = self.found - MAX_PROBLEMS;
            records.problems.push(RecordProblem {
                file: self.file.to_owned(),
                position: None,
                message: format!("{more} more entries cannot be used"),
            });
        }
    }
}

/// What was passed over, for one line that says how much and names a few.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    count: usize,
    some: Vec<String>,
}

impl PassedOver {
    pub(super) fn add(&mut self, text: &str) {
        self.count += 1;
        if self.some.len() < 3 {
            self.some.push(shown(text));
        }
    }

    /// `` tags of X that are no versions (5): `a`, `b`, `c` and 2 more ``.
    pub(super) fn say(self, records: &mut Records, what: &str) {
        if self.count > 0 {
            let more = self.count - self.some.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let some: Vec<String> = self.some.iter().map(|text| format!("`{text}`")).collect();
            let line = format!("{what} ({}): {}{more}", self.count, some.join(", "));
            records.assumptions.push(line);
        }
    }
}

/// `` `a`, `b` and `c` ``.
pub(super) fn list_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// A foreign text for a message: one line, not too long.
pub(super) fn shown(text: &str) -> String {
    let mut end = text.len().min(MAX_SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut shown: String =
        text[..end].chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if end < text.len() {
        shown.push('…');
    }
    shown
}

/// A time, or a day, which begins at midnight (UTC).
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let utc = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    if text.len() == 10 {
        return utc(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()));
    }
    // A time without a zone is one of UTC: nothing else is said.
    text.parse::<Timestamp>().ok().or_else(|| utc(text.parse::<DateTime>().ok()?))
}

/// A time, or the end of a day (UTC): what speaks up to a day speaks of that day.
fn parse_end(text: &str) -> Option<Timestamp> {
    let time = parse_time(text)?;
    if text.len() == 10 {
        return time.checked_add(jiff::SignedDuration::new(86_399, 999_999_999)).ok();
    }
    Some(time)
}
