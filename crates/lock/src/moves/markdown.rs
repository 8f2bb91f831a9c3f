//! Moves for the comment of a pull request. Names of a lock are texts of others: none becomes a
//! link, an image, or calls people.

use std::fmt::Write as _;

use countermark_report::markdown::{code, plain};
use countermark_trust::policy::Verdict;

use super::evidence::Judged;

/// So many moves have a row; a comment may not be longer than 65,536 characters.
const MOST_ROWS: usize = 100;

/// Writes a table of the moves, and below it what the policy says no to.
#[must_use]
pub fn write(judged: &[Judged]) -> String {
    if judged.is_empty() {
        return "Nothing moved.\n".to_owned();
    }
    let mut out = String::from("| | what moved | look at |\n|---|---|---|\n");
    for one in judged.iter().take(MOST_ROWS) {
        let sign = match (one.is_rejected(), one.is_undecided()) {
            (true, _) => "⛔",
            (false, true) => "❔",
            (false, false) => "✅",
        };
        let notable = one.lines.iter().filter(|line| line.is_notable);
        let notable: Vec<String> =
            notable.map(|line| format!("{}: {}", line.label, plain(&line.text))).collect();
        let _ = writeln!(
            out,
            "| {sign} | {} | {} |",
            plain(&one.moved.describe()),
            notable.join("<br>")
        );
    }
    if judged.len() > MOST_ROWS {
        let _ = writeln!(out, "| | and {} more | |", judged.len() - MOST_ROWS);
    }
    let refused = judged.iter().flat_map(|one| &one.verdicts);
    let mut refused = refused.filter_map(|verdict| match verdict {
        Verdict::Warned(refusal) => Some(("warning", refusal)),
        Verdict::Rejected(refusal) => Some(("refused", refusal)),
        Verdict::Undecided(refusal) => Some(("undecided", refusal)),
        Verdict::Accepted | Verdict::Excepted(..) => None,
    });
    for (word, refusal) in refused.by_ref().take(MOST_ROWS) {
        let message = plain(&refusal.message);
        let _ = write!(out, "\n- {word}, `{}`: {message}", refusal.rule);
        if !refusal.allow.is_empty() {
            let _ = write!(out, "; to allow it: {}", code(&refusal.allow));
        }
    }
    let more = refused.count();
    if more > 0 {
        let _ = write!(out, "\n- and {more} more");
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}
