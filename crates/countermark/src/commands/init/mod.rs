//! `countermark init`: makes a project ready in one command: the policy with comments, a CI job, a
//! pre-commit hook, and the list of what the gate lets pass for now.
//!
//! What is there already stays as it is, unless `--force` is given; a file of others is added to only
//! where the addition can be proved to change nothing else. Contradictions between a lock and the
//! index are never put on the list of what is let pass: they are what the gate is for.

mod ci;
mod find;
mod hook;
mod plan;
mod yaml;

use std::path::PathBuf;

use countermark_client::ledger::Folder;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::settings::DEFAULT_INDEX;
use countermark_lock::gate::report::text::{self, Options};
use countermark_lock::gate::{self, Baseline, Finding, Judged, Kind, Report, Standards};
use countermark_report::Severity;
use countermark_trust::policy::{Policy, Section};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Outcome;
use super::gate::{BASELINE, ask, baseline, exit_code, locks};
use super::ledger::{self, Search};
use super::lock::policy;
use crate::cli::OutputArgs;
use crate::cli::audit::FailOn;
use crate::cli::init::InitArgs;
use crate::progress::Teller;
use crate::{output, session, setup};
use plan::Plan;

/// The file of the policy.
const POLICY: &str = "countermark.toml";

/// Runs the command.
pub(super) fn run(arguments: &InitArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    session::refuse_weakening(&arguments.index)?;
    let session = session::open("gate", &arguments.index, &[], None)?;
    session::tell(&session.settings, &teller);
    let found = find::find()?;
    let judged = found.judged;
    let mut plan = Plan::new(arguments.force);
    let policy = plan_policy(&mut plan, arguments.force)?;
    let (asked, report) = if judged.is_empty() {
        (None, None)
    } else {
        let asked = ask::ask(&session, &judged, arguments.index.offline, &teller)?;
        let first = judged.first().map(|one| PathBuf::from(&one.lock.file));
        let search = Search {
            policy: &policy,
            lock: first.as_deref(),
            store: &ledger::default_store(),
            now: Timestamp::now(),
        };
        let team = search.asked()?;
        let ledger = team.and_then(|team| team.about_locks(judged.iter().map(|one| &one.lock)));
        let judge = |baseline: &Baseline| {
            let standards = Standards {
                policy: &policy,
                baseline,
                baseline_before: None,
                indexes: &asked.indexes,
                asked: &asked.asked,
                public: DEFAULT_INDEX,
                facts: asked.facts.as_ref(),
                ledger: ledger.as_ref(),
                now: Timestamp::now(),
            };
            gate::judge(&judged, &standards)
        };
        let report = plan_baseline(&mut plan, arguments.force, &judge)?;
        let names: Vec<String> = judged.iter().map(|one| one.lock.file.clone()).collect();
        if !arguments.no_ci {
            ci::plan(&mut plan, &arguments.ci, &names)?;
        }
        if !arguments.no_pre_commit {
            hook::plan(&mut plan, &names)?;
        }
        (Some(asked), Some(report))
    };
    tell_found(&found.inputs, &judged);
    plan.carry_out(arguments.dry_run)?;
    match report {
        Some(report) => Ok(conclude(&report, asked.is_some_and(|asked| asked.facts.is_some()))),
        None => {
            let note =
                "there is no lock yet, so there is nothing for a CI job or a hook to look at";
            let hint = "write one with `countermark lock`, and run `countermark init` again";
            teller.note(Note::new("no-lock", note).with_hint(hint));
            Ok(0)
        }
    }
}

/// The policy that holds, and the recommended one where there is none.
fn plan_policy(plan: &mut Plan, force: bool) -> Result<Policy, Vec<Problem>> {
    let folder = setup::working_folder()?;
    let current = policy::find(None, &folder)?;
    let in_file = plan::is_there(POLICY);
    if current.file().is_some() && !(force && in_file) {
        plan.keep(current.file().unwrap_or(POLICY), "the policy");
        return Ok(current);
    }
    // Asked only where there is one.
    let has_ledger = Folder::find(&folder, None).is_ok();
    let text = if has_ledger {
        Policy::recommended_with_ledger()
    } else {
        Policy::recommended().to_owned()
    };
    // Settings of this program may be there, without a policy.
    if in_file && !force {
        plan.append(POLICY, &format!("\n{text}"), "the policy");
    } else {
        plan.write(POLICY, text.clone(), "the policy")?;
    }
    Policy::parse(POLICY, text.as_bytes(), Section::File)
        .map_err(|errors| errors.iter().map(Problem::from).collect())
}

/// What is let pass: what is found now and no contradiction, or what the list that is there says.
fn plan_baseline(
    plan: &mut Plan,
    force: bool,
    judge: &dyn Fn(&Baseline) -> Report,
) -> Result<Report, Vec<Problem>> {
    if plan::is_there(BASELINE) && !force {
        plan.keep(BASELINE, "what is let pass");
        return Ok(judge(&baseline(None)?));
    }
    let report = judge(&Baseline::default());
    let may_pass = |finding: &&Finding| {
        finding.severity >= Severity::Medium
            && finding.kind != Kind::Disagreement
            && !finding.is_final
    };
    let passed: Vec<&Finding> = report.findings.iter().filter(may_pass).collect();
    if passed.is_empty() {
        return Ok(report);
    }
    let today = report.at.to_zoned(TimeZone::UTC).date();
    let text = Baseline::render(&passed, &format!("there when the gate was set up, {today}"));
    let list = Baseline::parse(BASELINE, text.as_bytes())
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    plan.write(BASELINE, text, "what is let pass")?;
    Ok(judge(&list))
}

fn tell_found(inputs: &[String], judged: &[Judged]) {
    if !inputs.is_empty() {
        output::print(&format!("inputs: {}", inputs.join(", ")));
    }
    for one in judged {
        let entries = output::count(one.lock.packages.len(), "entry", "entries");
        output::print(&format!("lock: {} ({}), {entries}", one.lock.file, one.lock.format));
    }
}

/// What the first run of the gate says.
fn conclude(report: &Report, has_asked: bool) -> u8 {
    let mut by_rule: Vec<(&str, usize)> = Vec::new();
    for (finding, _) in &report.let_pass {
        match by_rule.iter_mut().find(|(rule, _)| *rule == finding.rule) {
            Some((_, number)) => *number += 1,
            None => by_rule.push((finding.rule, 1)),
        }
    }
    if !by_rule.is_empty() {
        let rules: Vec<String> =
            by_rule.iter().map(|(rule, number)| format!("{number} {rule}")).collect();
        output::print(&format!("let pass for now: {}; see {BASELINE}", rules.join(", ")));
    }
    let code = exit_code(report, FailOn::Medium);
    if code == 0 {
        let how = if has_asked { "" } else { ", without asking an index" };
        output::print(&format!("the gate is green{how}"));
    } else {
        let shown = text::write(report, Options { colors: true, all: false });
        output::print(shown.trim_end());
    }
    code
}

/// Reads the locks of the project.
fn read_all(paths: &[String]) -> Result<Vec<Judged>, Vec<Problem>> {
    let (mut judged, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match locks::read(std::path::Path::new(path)) {
            Ok(lock) => judged.push(Judged { lock, base: None }),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() { Ok(judged) } else { Err(problems) }
}
