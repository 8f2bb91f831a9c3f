//! What to do so that everything meets its criteria, for people.

use std::collections::BTreeMap;

use countermark_report::harmless::harmless;

use super::words;
use crate::criteria::CriterionName;
use crate::suggest::{Plan, Step, StepHow};

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
        for step in steps {
            out.push(format!("  {}", sentence(step)));
            out.push(format!("    {}", command(step)));
        }
    }
    out.push(total(plan));
    out.push(String::new());
    out.join("\n")
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
