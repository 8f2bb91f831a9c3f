//! Locks that are made here, the class of each disagreement, and the change that makes it an alarm.

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::lock::document::LockFormat;
use countermark_packaging::name::ProjectName;

use super::*;

mod classes;
mod formats;

const INDEX: &str = "https://index.example.org/simple";

/// A digest that looks like any other.
fn digest(seed: u8) -> Digest {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
    let bytes: Vec<u8> = (0..32)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .collect();
    Digest::new(Algorithm::Sha256, &bytes).unwrap()
}

/// `(file or nothing, seed of the digest)`.
fn statement(place: &str, version: &str, files: &[(&str, u8)]) -> Statement {
    let (repository, path) = place.split_once(':').unwrap();
    let files = files.iter().map(|(file, seed)| Stated {
        file: (!file.is_empty()).then(|| (*file).to_owned()),
        digest: digest(*seed),
    });
    let mut files: Vec<Stated> = files.collect();
    files.sort();
    files.dedup();
    Statement {
        lock: Lock { repository: repository.to_owned(), path: path.to_owned() },
        format: "test".to_owned(),
        project: ProjectName::parse("teapot").unwrap(),
        version: Some(version.to_owned()),
        origin: Origin::Default,
        host: None,
        files,
        first: Moment { line: 1, ..Moment::default() },
        last: Moment { line: 1, ..Moment::default() },
        versions: 1,
    }
}

impl Statement {
    fn of(mut self, project: &str) -> Self {
        self.project = ProjectName::parse(project).unwrap();
        self
    }

    fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    fn on(mut self, day: &str) -> Self {
        let date = format!("2026-{day}T00:00:00Z").parse().unwrap();
        let commit = Some(format!("{:040x}", day.bytes().map(u128::from).sum::<u128>()));
        self.first = Moment { commit, date: Some(date), line: 1 };
        self.last = self.first.clone();
        self
    }
}

/// `class file` of every finding.
#[track_caller]
fn check(statements: &[Statement], expect: &[&str]) -> Vec<Finding> {
    let mut collected = Statements::default();
    collected.extend(statements.iter().cloned());
    let findings = compare(&collected.into_vec());
    let shown: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} {}", finding.class, finding.file.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(shown, expect, "{findings:#?}");
    findings
}

#[track_caller]
fn read_text(format: LockFormat, place: &str, text: &str) -> Vec<Statement> {
    let (repository, path) = place.split_once(':').unwrap();
    let lock = Lock { repository: repository.to_owned(), path: path.to_owned() };
    let read = read(format, &lock, &Moment::default(), text.as_bytes(), INDEX);
    read.unwrap_or_else(|errors| panic!("{errors:#?}")).statements
}
