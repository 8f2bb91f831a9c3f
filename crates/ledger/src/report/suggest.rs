//! What to do so that everything meets its criteria, for people.

use std::collections::BTreeMap;

use countermark_report::harmless::harmless;

use super::words;
use crate::criteria::CriterionName;
use crate::suggest::{Plan, Step, StepHow};

/// So many steps that one command shows are named one by one.
const MOST_ALIKE: usize = 3;

/// Writes the plan, with a line end at the end of each line.
#[must_use]
pub fn write(plan: &Plan) -> String {
    let mut out = Vec::new();
    for bad in &plan.hopeless {
        out.push(format!("{} {} is known bad: take another release", bad.project, bad.version));
        out.extend(bad.known_bad.iter().map(|it| format!("  {}", words::known_bad(it))));
    }
    for offer in &plan.offers {
        let files = words::count(offer.files.len(), "file", "files");
        out.push(format!("import {}, which vouches for {files}", harmless(&offer.name)));
        // What people call it, without who they are: `team` of `example.org/team`.
        let name = offer.name.rsplit('/').next().unwrap_or(&offer.name);
        let (url, name) = (harmless(&offer.url), harmless(name));
        out.push(format!("  countermark vet import add {url} --name {name}"));
    }
    let mut projects: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        projects.entry(step.project.as_str()).or_default().push(step);
    }
    for (project, steps) in projects {
        out.push(project.to_owned());
        of_project(&steps, &mut out);
    }
    out.push(total(plan));
    out.extend(without_lines(plan));
    out.push(String::new());
    out.join("\n")
}

/// The steps of a project. A release with wheels for fifty platforms has fifty steps that one command
/// shows and one certifies: the first of them stand for all.
fn of_project(steps: &[&Step], out: &mut Vec<String>) {
    let mut left: Vec<&Step> = steps.to_vec();
    while let Some(first) = left.first() {
        let like = alike(first);
        let (group, others): (Vec<&Step>, Vec<&Step>) =
            left.iter().copied().partition(|step| alike(step) == like);
        let shown = if group.len() > MOST_ALIKE + 1 { MOST_ALIKE } else { group.len() };
        for step in &group[..shown] {
            out.push(format!("  {}", sentence(step)));
            out.push(format!("    {}", command(step)));
        }
        let rest = &group[shown..];
        if !rest.is_empty() {
            let known: Vec<u64> = rest.iter().filter_map(|step| step.lines).collect();
            let counted = match (known.is_empty(), rest.len() - known.len()) {
                (true, _) => "nobody counted their lines".to_owned(),
                (false, 0) => lines(known.iter().sum()),
                (false, open) => {
                    format!("{}, and {open} that nobody counted", lines(known.iter().sum()))
                }
            };
            let files = words::count(rest.len(), "more file", "more files");
            out.push(format!("  and {files} in the same way (--format json has all): {counted}"));
        }
        left = others;
    }
}

/// Steps that are alike are shown by one command and said by one.
fn alike(step: &Step) -> (u8, String) {
    let kind = match &step.how {
        StepHow::Full => 0,
        StepHow::Delta { .. } => 1,
        StepHow::Compiled { .. } => 2,
    };
    (kind, command(step))
}

/// What the numbers do not have: a difference of two lines can be one of fifty libraries.
fn without_lines(plan: &Plan) -> Option<String> {
    let is_compiled = |step: &&Step| {
        let name = &step.file.name;
        name.ends_with(".whl") && !name.ends_with("-any.whl")
    };
    let count = plan.steps.iter().filter(is_compiled).count();
    let files = words::count(count, "file is", "files are");
    (count > 0).then(|| {
        format!("{files} for one platform: machine code has no lines and is not in the numbers")
    })
}

fn sentence(step: &Step) -> String {
    let name = harmless(&step.file.name).into_owned();
    let what = match &step.how {
        StepHow::Full => format!("read {name} in full"),
        StepHow::Delta { file, .. } => {
            format!("read the difference from {} to {name}", harmless(&file.name))
        }
        StepHow::Compiled { by } => {
            format!(
                "vouch for the compiled extensions of {name}; {} covers the rest",
                harmless(&by.name)
            )
        }
    };
    let lines = match (step.lines, &step.how, step.full_lines) {
        (None, ..) => "nobody counted its lines".to_owned(),
        (Some(lines), StepHow::Delta { .. }, Some(full)) => {
            format!("{} instead of {full}", self::lines(lines))
        }
        (Some(lines), ..) => self::lines(lines),
    };
    let criteria: Vec<&str> = step.criteria.iter().map(CriterionName::as_str).collect();
    format!("{what}, for {}: {lines}", criteria.join(", "))
}

fn lines(number: u64) -> String {
    format!("{number} {}", if number == 1 { "line" } else { "lines" })
}

fn command(step: &Step) -> String {
    let version = step.version.as_ref().map(ToString::to_string).unwrap_or_default();
    match &step.how {
        StepHow::Delta { version: Some(from), .. } => {
            format!("countermark vet diff {} {from} {version}", step.project)
        }
        StepHow::Full | StepHow::Delta { .. } | StepHow::Compiled { .. } => {
            format!("countermark vet inspect {}=={version}", step.project)
        }
    }
}

fn total(plan: &Plan) -> String {
    let (known, unknown) = plan.lines();
    if plan.steps.is_empty() {
        return match (plan.offers.is_empty(), plan.hopeless.is_empty()) {
            (true, true) => "nothing is missing".to_owned(),
            (false, _) => "nothing to read".to_owned(),
            (true, false) => "no reading helps".to_owned(),
        };
    }
    let mut text =
        format!("{} to read in {}", lines(known), words::count(plan.steps.len(), "step", "steps"));
    if unknown > 0 {
        text.push_str(&format!("; of {unknown} nobody counted the lines"));
    }
    text
}
