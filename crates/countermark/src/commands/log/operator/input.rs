//! Records as people and programs write them: JSON Lines, or the text of the log with an empty line
//! between two.
//!
//! In JSON, `project`, `file` and `digest` have to be there; `size` and `uploaded` may be; `observer` is
//! the one who signs and `first-seen` is now, where they are left out.

use std::io::{self, BufRead, Read as _};

use countermark_client::report::Problem;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use countermark_trust::log::record::{Fields, MAXIMUM_RECORD, Observation, Observer};
use jiff::Timestamp;
use serde::Deserialize;

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 16 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line {
    project: String,
    file: String,
    digest: String,
    size: Option<u64>,
    uploaded: Option<String>,
    observer: Option<String>,
    first_seen: Option<String>,
}

/// What is put in where a record does not say it.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    pub(super) observer: Option<Observer>,
    pub(super) now: Timestamp,
}

/// Reads records one by one.
pub(super) struct Records<R> {
    file: String,
    reader: R,
    line: u32,
    defaults: Defaults,
}

impl<R: BufRead> Records<R> {
    /// Reads from a file of this name.
    pub(super) fn new(file: &str, reader: R, defaults: Defaults) -> Self {
        Self { file: file.to_owned(), reader, line: 0, defaults }
    }

    /// The next record, or what is wrong and where.
    pub(super) fn next(&mut self) -> Result<Option<Observation>, Box<Problem>> {
        let mut text = String::new();
        let mut first = self.line + 1;
        loop {
            let Some(line) = self.next_line()? else {
                return if text.is_empty() { Ok(None) } else { self.parse_text(&text, first) };
            };
            let is_empty = line.trim().is_empty();
            if text.is_empty() && is_empty {
                continue;
            }
            if text.is_empty() && line.trim_start().starts_with('{') {
                return self.parse_json(&line).map(Some);
            }
            if is_empty {
                return self.parse_text(&text, first);
            }
            if text.is_empty() {
                first = self.line;
            }
            text.push_str(&line);
            if text.len() > MAXIMUM_RECORD {
                let message = format!("a record has at most {MAXIMUM_RECORD} bytes");
                return Err(self.wrong(first, &message));
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, Box<Problem>> {
        let mut line = String::new();
        self.line += 1;
        let read = (&mut self.reader).take(LONGEST_LINE + 1).read_line(&mut line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) if line.len() as u64 > LONGEST_LINE => {
                Err(self.wrong(self.line, &format!("a line has at most {LONGEST_LINE} bytes")))
            }
            Ok(_) => Ok(Some(line)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.wrong(self.line, "the line is not UTF-8"))
            }
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", self.file);
                Err(Box::new(Problem::new("file-unreadable", Class::Usage, message)))
            }
        }
    }

    fn parse_text(&self, text: &str, first: u32) -> Result<Option<Observation>, Box<Problem>> {
        let record = Observation::parse(text.as_bytes());
        record.map(Some).map_err(|error| self.wrong(first, &error.to_string()))
    }

    fn parse_json(&self, text: &str) -> Result<Observation, Box<Problem>> {
        let wrong = |message: String| self.wrong(self.line, &message);
        let line: Line = serde_json::from_str(text)
            .map_err(|error| wrong(format!("the line is no record: {error}")))?;
        let time = |text: &str| {
            text.parse::<Timestamp>().map_err(|_| wrong(format!("`{text}` is not a time")))
        };
        let observer = match line.observer {
            Some(text) => Some(Observer::parse(&text).map_err(|error| wrong(error.to_string()))?),
            None => self.defaults.observer.clone(),
        };
        let observer =
            observer.ok_or_else(|| wrong("`observer` is missing: say who saw it".to_owned()))?;
        let fields = Fields {
            project: ProjectName::parse(&line.project).map_err(|it| wrong(it.to_string()))?,
            file: line.file,
            digest: Digest::parse(&line.digest).map_err(|it| wrong(it.to_string()))?,
            size: line.size,
            uploaded: line.uploaded.as_deref().map(time).transpose()?,
            observer,
            first_seen: line
                .first_seen
                .as_deref()
                .map(time)
                .transpose()?
                .unwrap_or(self.defaults.now),
        };
        Observation::new(fields).map_err(|error| wrong(error.to_string()))
    }

    fn wrong(&self, line: u32, message: &str) -> Box<Problem> {
        // No place of the file is marked: its bytes may be gone, as those of standard input are.
        let message = format!("{}:{line}: {message}", self.file);
        Box::new(Problem::new("bad-record", Class::Usage, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "observation/v1\nproject teapot\nfile teapot-1.tar.gz\n\
        digest sha256:1111111111111111111111111111111111111111111111111111111111111111\n\
        size -\nuploaded -\nobserver index:example.org\nfirst-seen 2026-11-22T08:00:00Z\n";

    fn read(text: &str) -> Result<Vec<String>, String> {
        let now = "2026-11-22T09:00:00Z".parse().unwrap();
        let observer = Some(Observer::parse("index:example.org").unwrap());
        let defaults = Defaults { observer, now };
        let mut records = Records::new("r", text.as_bytes(), defaults);
        let mut found = Vec::new();
        loop {
            match records.next() {
                Ok(Some(record)) => found.push(record.text()),
                Ok(None) => return Ok(found),
                Err(problem) => {
                    return Err(problem.message.strip_prefix("r:").unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn both_forms_are_read_also_mixed() {
        let digest = "1".repeat(64);
        let json = format!(
            "{{\"project\":\"Teapot\",\"file\":\"teapot-1.tar.gz\",\"digest\":\"sha256:{digest}\",\
             \"first-seen\":\"2026-11-22T08:00:00Z\"}}\n"
        );
        assert_eq!(read("").unwrap(), [""; 0]);
        assert_eq!(read(TEXT).unwrap(), [TEXT]);
        assert_eq!(read(&json).unwrap(), [TEXT]);
        assert_eq!(read(&format!("\n{TEXT}\n\n{TEXT}\n{json}{json}")).unwrap(), [TEXT; 4]);
        let now = read(&json.replace(",\"first-seen\":\"2026-11-22T08:00:00Z\"", "")).unwrap();
        assert_eq!(now, [TEXT.replace("08:00", "09:00")]);
    }

    #[test]
    fn what_is_none_is_told_with_its_line() {
        let check = |text: &str, expect: &str| {
            let found = read(text).unwrap_err();
            assert!(found.starts_with(expect), "{text}: {found}");
        };
        check("\n\n{}", "3: the line is no record: missing field `project`");
        check("{\"projects\":1}", "1: the line is no record: unknown field `projects`");
        check(&format!("{TEXT}\nnothing\n"), "10: ");
        check(&TEXT.replace("size -", "size 01"), "1: ");
        check(&"a".repeat(20_000), "1: a line has at most 16384 bytes");
        check(&"a\n".repeat(1000), "1: a record has at most 1024 bytes");
        let weak = "{\"project\":\"a\",\"file\":\"a-1.tar.gz\",\"digest\":\"md5:\
                    11111111111111111111111111111111\"}";
        check(weak, "1: ");
    }
}
