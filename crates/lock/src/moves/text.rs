//! Moves for people at a terminal.

use std::fmt::Write as _;

use countermark_report::harmless::harmless;
use countermark_trust::policy::Verdict;

use super::evidence::Judged;

/// Writes the moves. What somebody should look at has a `!` before it.
#[must_use]
pub fn write(judged: &[Judged]) -> String {
    let mut out = String::new();
    for one in judged {
        let _ = writeln!(out, "{}", harmless(&one.moved.describe()));
        for line in &one.lines {
            let sign = if line.is_notable { '!' } else { ' ' };
            let _ = writeln!(out, "  {sign} {:<9} {}", line.label, harmless(&line.text));
        }
        for verdict in &one.verdicts {
            write_verdict(&mut out, verdict);
        }
    }
    out
}

fn write_verdict(out: &mut String, verdict: &Verdict) {
    let (word, refusal) = match verdict {
        Verdict::Accepted => return,
        Verdict::Excepted(refusal, why) => {
            let (message, why) = (harmless(&refusal.message), harmless(why));
            let _ = writeln!(out, "  excepted[{}]: {message}: {why}", refusal.rule);
            return;
        }
        Verdict::Warned(refusal) => ("warning", refusal),
        Verdict::Rejected(refusal) => ("refused", refusal),
        Verdict::Undecided(refusal) => ("undecided", refusal),
    };
    let _ = writeln!(out, "  {word}[{}]: {}", refusal.rule, harmless(&refusal.message));
    if !refusal.allow.is_empty() {
        let _ = writeln!(out, "    to allow it: {}", harmless(&refusal.allow));
    }
}
