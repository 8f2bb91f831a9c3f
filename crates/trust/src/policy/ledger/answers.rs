//! What a ledger said of files, and what that says of the pins that have them.

use std::collections::BTreeMap;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::LedgerAnswer;
use crate::policy::rule::escaped;

/// What a ledger said of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAnswer {
    /// It meets its criteria.
    Met,
    /// It does not.
    NotMet {
        /// What was expected: criteria.
        expected: String,
        /// What was found, a few words about the file.
        found: String,
    },
    /// It is known to be bad.
    Violation {
        /// What is bad, and who says so.
        reason: String,
    },
}

/// What a ledger said of files of projects, by their digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAnswers {
    by_file: BTreeMap<(ProjectName, Sha256), FileAnswer>,
}

impl LedgerAnswers {
    /// Keeps the answer about a file.
    pub fn insert(&mut self, project: ProjectName, digest: Sha256, answer: FileAnswer) {
        self.by_file.insert((project, digest), answer);
    }

    /// What it says of a pin with these files, each with its name, where it has one, and its digest,
    /// where that is a SHA-256. The worst of the files decides.
    pub fn of<'f>(
        &self,
        project: &ProjectName,
        version: Option<&Version>,
        files: impl IntoIterator<Item = (Option<&'f str>, Option<Sha256>)>,
    ) -> LedgerAnswer {
        let release = match version {
            Some(version) => format!("{project} {version}"),
            None => project.to_string(),
        };
        let (mut count, mut unmet, mut unasked) = (0_usize, Vec::new(), false);
        for (name, digest) in files {
            count += 1;
            let Some(digest) = digest else {
                unmet.push((name.map(shown), "a review".to_owned(), NO_DIGEST.to_owned()));
                continue;
            };
            let shown = name.map_or_else(|| digest.to_string(), shown);
            match self.by_file.get(&(project.clone(), digest)) {
                Some(FileAnswer::Met) => {}
                Some(FileAnswer::NotMet { expected, found }) => {
                    unmet.push((Some(shown), expected.clone(), found.clone()));
                }
                Some(FileAnswer::Violation { reason }) => {
                    let message = format!("{release} is known to be bad: `{shown}`: {reason}");
                    return LedgerAnswer::Violation { message };
                }
                None => unasked = true,
            }
        }
        if count == 0 {
            let message = format!("{release} has no digest, so that no review can be about it");
            return LedgerAnswer::NotMet { message, found: NO_DIGEST.to_owned() };
        }
        if let Some((name, expected, found)) = unmet.first() {
            let of = name.as_ref().map(|name| format!(" (`{name}`)")).unwrap_or_default();
            let which = match unmet.len() {
                1 => "has a file that nobody vouches for".to_owned(),
                several => format!("has {several} files that nobody vouches for"),
            };
            let message = format!("{release} {which}: expected {expected}, found {found}{of}");
            return LedgerAnswer::NotMet { message, found: found.clone() };
        }
        if unasked {
            let message = format!("nobody asked the ledger about all files of {release}");
            return LedgerAnswer::Undecided { message };
        }
        LedgerAnswer::Met
    }
}

/// A name that a lock gives, as a message can show it.
fn shown(name: &str) -> String {
    const LONGEST: usize = 255;
    name.chars().take(LONGEST).flat_map(escaped).collect()
}

const NO_DIGEST: &str = "no SHA-256";

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(list: &[(u8, FileAnswer)]) -> LedgerAnswers {
        let mut answers = LedgerAnswers::default();
        for (byte, answer) in list {
            answers.insert(project(), Sha256([*byte; 32]), answer.clone());
        }
        answers
    }

    fn project() -> ProjectName {
        ProjectName::parse("teapot").unwrap()
    }

    fn not_met() -> FileAnswer {
        FileAnswer::NotMet { expected: "safe-to-deploy".into(), found: "no review".into() }
    }

    fn ask(answers: &LedgerAnswers, files: &[u8]) -> LedgerAnswer {
        let version = "1.3".parse().unwrap();
        let files = files.iter().map(|byte| (Some("tea.whl"), Some(Sha256([*byte; 32]))));
        answers.of(&project(), Some(&version), files)
    }

    fn message(answer: LedgerAnswer) -> String {
        match answer {
            LedgerAnswer::Met => String::new(),
            LedgerAnswer::NotMet { message, .. }
            | LedgerAnswer::Violation { message }
            | LedgerAnswer::Undecided { message } => message,
        }
    }

    #[test]
    fn the_worst_of_the_files_decides() {
        let bad = FileAnswer::Violation { reason: "steals tea".into() };
        let all = answers(&[(1, FileAnswer::Met), (2, not_met()), (3, bad), (4, not_met())]);
        assert_eq!(ask(&all, &[1, 1]), LedgerAnswer::Met);
        assert_eq!(
            message(ask(&all, &[1, 2])),
            "teapot 1.3 has a file that nobody vouches for: expected safe-to-deploy, found no review \
             (`tea.whl`)"
        );
        assert!(message(ask(&all, &[2, 4])).starts_with("teapot 1.3 has 2 files that nobody"));
        assert!(matches!(ask(&all, &[2, 9]), LedgerAnswer::NotMet { .. }));
        assert!(matches!(ask(&all, &[1, 9]), LedgerAnswer::Undecided { .. }));
        let answer = ask(&all, &[2, 9, 3]);
        assert!(matches!(answer, LedgerAnswer::Violation { .. }));
        assert_eq!(message(answer), "teapot 1.3 is known to be bad: `tea.whl`: steals tea");
    }

    #[test]
    fn what_has_no_digest_meets_nothing() {
        let all = answers(&[(1, FileAnswer::Met)]);
        let none = all.of(&project(), None, []);
        assert_eq!(message(none), "teapot has no digest, so that no review can be about it");
        let mixed = all.of(&project(), None, [(None, Some(Sha256([1; 32]))), (None, None)]);
        assert_eq!(
            message(mixed),
            "teapot has a file that nobody vouches for: expected a review, found no SHA-256"
        );
        // The answer about a file of one project says nothing about the same bytes of another.
        let other = ProjectName::parse("kettle").unwrap();
        let files = [(None, Some(Sha256([1; 32])))];
        assert!(matches!(all.of(&other, None, files), LedgerAnswer::Undecided { .. }));
    }
}
