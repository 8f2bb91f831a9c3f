//! What a person edits before they sign: criteria, files and notes, as text.
//!
//! The lines are those of the statement that will be signed; what begins with `#` is help and left out. The
//! text is the person's own, so it is trusted for what it says, and everything that is no line of a statement is
//! a mistake.

use countermark_ledger::criteria::{Criteria, CriterionName};
use countermark_ledger::file::FileId;
use countermark_ledger::ledger::Ledger;
use jiff::civil::Date;

/// The most bytes of an edited text.
pub(super) const MAXIMUM: u64 = 1 << 20;

/// What can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) files: Vec<FileId>,
    pub(super) criteria: Vec<CriterionName>,
    pub(super) until: Option<Date>,
    pub(super) notes: String,
}

/// What a person wants to know meanwhile.
pub(super) struct Help<'a> {
    /// `The review of flask 3.1.3 by alice@example.org, read in full.`
    pub(super) title: &'a str,
    /// `flask-3.1.3.tar.gz lacks safe-to-deploy`, one a line.
    pub(super) missing: &'a [String],
    pub(super) ledger: &'a Ledger,
}

impl Draft {
    /// The text for the editor.
    pub(super) fn to_text(&self, help: &Help<'_>) -> String {
        let mut text = format!("# {}\n", help.title);
        text.push_str(
            "# Lines that begin with `#` are left out. Take out files that were not read. Without a criterion\n\
             # nothing is signed.\n\n",
        );
        for criterion in &self.criteria {
            text.push_str(&format!("criterion {criterion}\n"));
        }
        match self.until {
            Some(until) => text.push_str(&format!("until {until}\n")),
            None => text.push_str("until -\n"),
        }
        for file in &self.files {
            text.push_str(&format!("file {file}\n"));
        }
        text.push_str("\n# Notes, from here to the end: what was looked at, and what was not.\n\n");
        if !self.notes.is_empty() {
            text.push_str(&format!("{}\n\n", self.notes));
        }
        for line in help.missing {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str("#\n# The criteria of this ledger:\n");
        for name in help.ledger.criteria.names() {
            text.push_str(&format!("#   {}\n", described(name, help.ledger)));
        }
        text
    }

    /// Reads what the person left. None when nothing is to be signed.
    ///
    /// # Errors
    /// Every line that is none of a statement.
    pub(super) fn parse(
        text: &str,
        offered: &[FileId],
        criteria: &Criteria,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut draft =
            Self { files: Vec::new(), criteria: Vec::new(), until: None, notes: String::new() };
        let mut errors = Vec::new();
        let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
        while lines.next_if(|line| line.trim().is_empty()).is_some() {}
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                break;
            }
            if let Err(error) = draft.take(line.trim(), offered, criteria) {
                errors.push(error);
            }
        }
        let notes: Vec<&str> = lines.map(str::trim_end).collect();
        notes.join("\n").trim().clone_into(&mut draft.notes);
        if !errors.is_empty() {
            return Err(errors);
        }
        if draft.criteria.is_empty() {
            return Ok(None);
        }
        if draft.files.is_empty() {
            return Err(vec!["there is no file left that the review could be of".to_owned()]);
        }
        draft.criteria.sort();
        draft.criteria.dedup();
        draft.files.sort();
        draft.files.dedup();
        Ok(Some(draft))
    }

    fn take(&mut self, line: &str, offered: &[FileId], known: &Criteria) -> Result<(), String> {
        match line.split_once(' ') {
            Some(("criterion", name)) => {
                let parsed = CriterionName::parse(name).ok().filter(|name| known.has(name));
                let unknown = || format!("`{name}` is no criterion of this ledger");
                self.criteria.push(parsed.ok_or_else(unknown)?);
            }
            Some(("until", "-")) => self.until = None,
            Some(("until", day)) => {
                let day = day.parse().map_err(|_| format!("`{day}` is no day: year-month-day"))?;
                self.until = Some(day);
            }
            Some(("file", file)) => {
                let found = offered.iter().find(|it| it.to_string() == file);
                let none = || format!("`{file}` is none of the files that were offered");
                self.files.push(found.ok_or_else(none)?.clone());
            }
            _ => {
                return Err(format!(
                    "expected `criterion`, `until` or `file` before the first empty line, found `{line}`"
                ));
            }
        }
        Ok(())
    }
}

/// A criterion with what it implies and what it means.
fn described(name: &CriterionName, ledger: &Ledger) -> String {
    let implied: Vec<&str> =
        ledger.criteria.implied(name).filter(|it| *it != name).map(CriterionName::as_str).collect();
    let implied = match implied.is_empty() {
        true => String::new(),
        false => format!(" (implies {})", implied.join(", ")),
    };
    let means = match name.as_str() {
        "safe-to-run" => "runs on one's own machine or in a test without harm",
        "safe-to-deploy" => "may go where users and their data are",
        _ => ledger.descriptions.get(name).map_or("", String::as_str),
    };
    let means = means.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{name}{implied}: {means}")
}

#[cfg(test)]
mod tests {
    use countermark_packaging::digest::Sha256;

    use super::*;

    const LEDGER: &str = "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-01-01\n\
                          criteria = [\"safe-to-deploy\"]\n\n[[criteria]]\nname = \"no-network\"\n\
                          description = \"\"\"opens\nno connection\"\"\"\n";

    fn files() -> Vec<FileId> {
        let file = |name: &str, byte| FileId { name: name.to_owned(), digest: Sha256([byte; 32]) };
        vec![file("a-1.0-py3-none-any.whl", 1), file("a-1.0.tar.gz", 2)]
    }

    fn draft() -> Draft {
        Draft {
            files: files(),
            criteria: vec![CriterionName::parse("safe-to-run").unwrap()],
            until: Some("2027-01-01".parse().unwrap()),
            notes: "one\n\ntwo".to_owned(),
        }
    }

    fn ledger() -> Ledger {
        let text = LEDGER.replace("\"\"\"opens\nno connection\"\"\"", "\"opens no connection\"");
        Ledger::parse("ledger.toml", text.as_bytes()).unwrap()
    }

    fn parse(text: &str) -> Result<Option<Draft>, Vec<String>> {
        Draft::parse(text, &files(), &ledger().criteria)
    }

    #[test]
    fn what_is_not_edited_comes_back() {
        let ledger = ledger();
        let missing = ["a-1.0.tar.gz lacks safe-to-deploy".to_owned()];
        let help = Help { title: "The review of a 1.0.", missing: &missing, ledger: &ledger };
        let text = draft().to_text(&help);
        assert_eq!(parse(&text), Ok(Some(draft())));
        let comments: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(comments[0], "# The review of a 1.0.");
        assert_eq!(
            comments[4..],
            [
                "# a-1.0.tar.gz lacks safe-to-deploy",
                "#",
                "# The criteria of this ledger:",
                "#   no-network: opens no connection",
                "#   safe-to-deploy (implies safe-to-run): may go where users and their data are",
                "#   safe-to-run: runs on one's own machine or in a test without harm",
            ]
        );
        let plain = Draft { until: None, notes: String::new(), ..draft() };
        assert_eq!(parse(&plain.to_text(&help)), Ok(Some(plain)));
    }

    #[test]
    fn an_emptied_text_signs_nothing() {
        for text in ["", "\n\n", "# only\n# comments\n", "until -\n\nnotes\n"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_no_line_of_a_statement_is_told() {
        let check = |text: &str, error: &str| {
            assert_eq!(parse(text), Err(vec![error.to_owned()]), "{text}");
        };
        let file = files()[0].to_string();
        check(
            &format!("criterion perfect\nfile {file}\n"),
            "`perfect` is no criterion of this ledger",
        );
        check(
            &format!("criterion safe-to-run\nuntil soon\nfile {file}\n"),
            "`soon` is no day: year-month-day",
        );
        let other = file.replace("0101", "0202");
        check(
            &format!("criterion safe-to-run\nfile {other}\n"),
            &format!("`{other}` is none of the files that were offered"),
        );
        check(
            &format!("criterion safe-to-run\nfile {file}\nall is well\n"),
            "expected `criterion`, `until` or `file` before the first empty line, found `all is well`",
        );
        check(
            "criterion safe-to-run\n\nnotes\n",
            "there is no file left that the review could be of",
        );
    }
}
