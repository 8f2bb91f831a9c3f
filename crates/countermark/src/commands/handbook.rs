//! `handbook`: the written policy of a federation, and where it and the index are not the same.

use std::path::Path;

use countermark_audit::finding::Severity;
use countermark_audit::handbook::{self, Difference};
use countermark_audit::report::Report;
use countermark_client::report::Problem;
use countermark_client::system;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use similar::TextDiff;

use super::Outcome;
use super::audit::gather;
use crate::cli::OutputArgs;
use crate::cli::audit::FailOn;
use crate::cli::handbook::HandbookArgs;
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(crate) fn run(arguments: &HandbookArgs, output: &OutputArgs) -> Outcome {
    let (file, federation) = gather::read_federation(arguments.input.federation.as_deref())?;
    let Some(file) = file else {
        let message = "there is no `federation.toml` here, of which a handbook could be made";
        let hint = "give --federation FILE; `countermark audit init` drafts one";
        return Err(vec![Problem::new("no-federation", Class::Usage, message).with_hint(hint)]);
    };
    let page = handbook::render(&federation);
    match (&arguments.check, &arguments.output) {
        (Some(checked), _) => check(arguments, &file, checked, &page, output),
        (None, Some(path)) => write(path, &page),
        (None, None) => {
            output::print(page.trim_end());
            Ok(0)
        }
    }
}

fn write(path: &Path, page: &str) -> Outcome {
    system::replace_file(path, page.as_bytes()).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.display());
        vec![Problem::new("write-failed", Class::Unavailable, message)]
    })?;
    Ok(0)
}

fn check(
    arguments: &HandbookArgs,
    federation: &Path,
    checked: &Path,
    page: &str,
    output: &OutputArgs,
) -> Outcome {
    let mut problems = Vec::new();
    // A checkout on another system may end its lines otherwise.
    let found = gather::read_text(checked)?.replace("\r\n", "\n");
    if found != page {
        show_difference(&found, page, checked, federation);
        problems.push(outdated(checked, federation));
    }
    let mut code = 0;
    if arguments.audit || arguments.input.replay.is_some() {
        let gathered = gather::gather(&arguments.input, &Teller::new(output))?;
        let differences = handbook::differences(&gathered.report.findings);
        show_differences(&differences);
        let least = least(arguments.fail_on);
        let worst = differences.iter().map(|difference| difference.finding.severity).max();
        if worst.zip(least).is_some_and(|(worst, least)| worst >= least) {
            problems.push(differs(differences.len(), &gathered.report));
        } else if !gathered.report.unread.is_empty() || !gathered.report.problems.is_empty() {
            code = Class::Unavailable.exit_code();
        }
    }
    if problems.is_empty() { Ok(code) } else { Err(problems) }
}

fn outdated(checked: &Path, federation: &Path) -> Problem {
    let (checked, federation) = (checked.display(), federation.display());
    let message = format!("`{checked}` is not what `{federation}` says");
    let hint = format!("run `countermark handbook --federation {federation} --output {checked}`");
    Problem::new("handbook-outdated", Class::Rejected, message).with_hint(hint)
}

fn differs(count: usize, report: &Report) -> Problem {
    let places = output::count(count, "place", "places");
    let message = format!("{} differs from the handbook in {places}", report.facts);
    let hint = "put it right on the index, or write into federation.toml what is meant to be so";
    Problem::new("handbook-differs", Class::Rejected, message).with_hint(hint)
}

/// What has to change in the page, as a patch.
fn show_difference(found: &str, page: &str, checked: &Path, federation: &Path) {
    let (old, new) = (checked.display().to_string(), format!("of {}", federation.display()));
    let patch = TextDiff::from_lines(found, page)
        .unified_diff()
        .context_radius(2)
        .header(&old, &new)
        .to_string();
    output::print(&output::visible(patch.trim_end()));
}

fn show_differences(differences: &[Difference<'_>]) {
    let mut section = "";
    for difference in differences {
        if difference.section != section {
            section = difference.section;
            output::print(section);
        }
        let finding = difference.finding;
        let projects: Vec<&str> = finding.projects.iter().map(ProjectName::as_str).collect();
        let projects = match projects.as_slice() {
            [] => "all projects".to_owned(),
            [some @ .., _, _, _] if some.len() > 2 => {
                format!("{} and {} more", some[..2].join(", "), projects.len() - 2)
            }
            some => some.join(", "),
        };
        let line =
            format!("  {} {projects}: {} [{}]", finding.severity, finding.message, finding.rule);
        output::print(&output::visible(&line));
    }
}

const fn least(fail_on: FailOn) -> Option<Severity> {
    match fail_on {
        FailOn::High => Some(Severity::High),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::Low => Some(Severity::Low),
        FailOn::Never => None,
    }
}
