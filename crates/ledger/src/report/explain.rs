//! Why each of some files meets its criteria or does not, for people.

use countermark_report::harmless::harmless;

use super::words;
use crate::check::Judgement;
use crate::check::judgement::Required;
use crate::explain::{Chain, Link, What};
use crate::file::FileId;

/// Writes what each of the judgements rests on, with a line end at the end of each line.
#[must_use]
pub fn write(judgements: &[Judgement]) -> String {
    let mut out = Vec::new();
    for judgement in judgements {
        if !out.is_empty() {
            out.push(String::new());
        }
        one(judgement, &mut out);
    }
    out.push(String::new());
    out.join("\n")
}

fn one(judgement: &Judgement, out: &mut Vec<String>) {
    let subject = &judgement.subject;
    out.push(format!("{} {}: {}", subject.project, subject.version, words::file(subject)));
    out.push(format!("  {}", subject.digest));
    for bad in &judgement.known_bad {
        out.push(format!("  {}; nothing overrides that", words::known_bad(bad)));
    }
    for required in &judgement.required {
        let does = if required.is_met() { "meets" } else { "does not meet" };
        out.push(format!("  {does} {}", required.criterion));
        if judgement.known_bad.is_empty() {
            out.extend(draw(required).into_iter().map(|line| format!("    {line}")));
        }
    }
    if !judgement.obstacles.is_empty() {
        out.push("  what does not do:".to_owned());
        for obstacle in &judgement.obstacles {
            out.push(format!("    {}", harmless(&obstacle.to_string())));
        }
    }
    if !judgement.ignored.is_empty() {
        out.push("  what does not count:".to_owned());
        for ignored in &judgement.ignored {
            out.push(format!("    {}: {}", name(&ignored.file), words::ignored(ignored)));
            if let Some(hint) = ignored.why.hint() {
                out.push(format!("      hint: {hint}"));
            }
        }
    }
}

/// The name of a file, or the digest where no lock tells one.
fn name(file: &FileId) -> String {
    if file.name.is_empty() { file.digest.to_string() } else { harmless(&file.name).into_owned() }
}

fn draw(required: &Required) -> Vec<String> {
    let Chain { links, cut } = required.chain();
    // Below each open branch a line goes on; `bars[n]` says whether the one at depth n does.
    let mut bars: Vec<bool> = Vec::new();
    let mut lines = Vec::with_capacity(links.len() + 1);
    for link in &links {
        bars.truncate(link.depth);
        let mut line = String::new();
        for bar in bars.iter().skip(1) {
            line.push_str(if *bar { "│  " } else { "   " });
        }
        if link.depth > 0 {
            line.push_str(if link.is_last { "└─ " } else { "├─ " });
        }
        line.push_str(&sentence(link));
        lines.push(line);
        bars.push(!link.is_last);
    }
    if cut > 0 {
        lines.push(format!("and {}", words::count(cut, "file more", "files more")));
    }
    lines
}

fn sentence(link: &Link) -> String {
    match &link.what {
        What::Open { reason, compiled } => format!("{}, if:", words::open(reason, compiled)),
        What::File { file, reason, known_bad, is_repeated, .. } => {
            let name = name(file);
            match (reason, known_bad.first()) {
                (_, Some(bad)) => format!("{name}: {}", words::known_bad(bad)),
                (Some(_), _) if *is_repeated => format!("{name}: as above"),
                (None, _) if *is_repeated => format!("{name}: nobody vouches for it, as above"),
                (Some(reason), _) => format!("{name}: {}", words::reason(reason)),
                (None, _) => format!("{name}: nobody vouches for it"),
            }
        }
    }
}
