//! `countermark gate`: judges locks before anything is installed.

pub(crate) mod ask;
pub(crate) mod locks;
pub(crate) mod since;

use std::path::{Path, PathBuf};

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::settings::DEFAULT_INDEX;
use countermark_lock::gate::report::text::Options;
use countermark_lock::gate::report::{json, junit, markdown, sarif, text};
use countermark_lock::gate::{self, Baseline, Judged, Report, Standards};
use countermark_report::Severity;
use countermark_trust::Class;
use countermark_trust::policy::Policy;
use jiff::Timestamp;

use super::Outcome;
use super::audit::write::to_file;
use super::ledger::{self, Search};
use super::lock::policy;
use crate::cli::OutputArgs;
use crate::cli::audit::FailOn;
use crate::cli::gate::{GateArgs, GateFormat};
use crate::progress::Teller;
use crate::{output, session, setup};

/// The list of findings that are let pass.
pub(crate) const BASELINE: &str = "countermark-gate.toml";

/// The most locks of one run, with the files that they take in.
const MAXIMUM_LOCKS: usize = 1000;

/// Runs the command.
pub(super) fn run(arguments: &GateArgs, output: &OutputArgs) -> Outcome {
    if arguments.schema {
        output::print(json::SCHEMA.trim_end());
        return Ok(0);
    }
    let teller = Teller::new(output);
    session::refuse_weakening(&arguments.index)?;
    let session = session::open("gate", &arguments.index, &[], None)?;
    session::tell(&session.settings, &teller);
    let prepared = prepare(arguments)?;
    let now = Timestamp::now();
    let search = Search {
        policy: &prepared.policy,
        lock: arguments.locks.first().map(PathBuf::as_path),
        store: &ledger::default_store(),
        now,
    };
    let team = search.asked()?;
    let locks = prepared.judged.iter().map(|one| &one.lock);
    let ledger = team.and_then(|team| team.about_locks(locks));
    let asked = ask::ask(&session, &prepared.judged, arguments.index.offline, &teller)?;
    for expired in prepared.policy.expired(now) {
        let message = format!("the exception at {} ended with {}", expired.place, expired.until);
        teller.note(Note::new("expired-exception", message));
    }
    let standards = Standards {
        policy: &prepared.policy,
        baseline: &prepared.baseline,
        baseline_before: prepared.baseline_before.as_ref(),
        indexes: &asked.indexes,
        asked: &asked.asked,
        public: DEFAULT_INDEX,
        facts: asked.facts.as_ref(),
        ledger: ledger.as_ref(),
        now,
    };
    let report = gate::judge(&prepared.judged, &standards);
    write(&report, arguments)?;
    Ok(exit_code(&report, arguments.fail_on))
}

/// What is judged, and by what.
struct Prepared {
    judged: Vec<Judged>,
    policy: Policy,
    baseline: Baseline,
    baseline_before: Option<Baseline>,
}

/// Everything that is read from files; everything that is wrong with them is told together.
fn prepare(arguments: &GateArgs) -> Result<Prepared, Vec<Problem>> {
    let mut problems = Vec::new();
    let folder = setup::working_folder()?;
    let policy = kept(policy::find(arguments.policy.as_deref(), &folder), &mut problems);
    let baseline = kept(baseline(arguments.baseline.as_deref()), &mut problems);
    if arguments.base.is_some() && arguments.locks.len() > 1 {
        let message = "`--base` is compared with one lock, and several were given";
        let problem = Problem::new("too-many-locks", Class::Usage, message);
        problems.push(problem.with_hint("`--since REV` compares each with its own past"));
    }
    let mut judged: Vec<Judged> = Vec::new();
    for path in &arguments.locks {
        read_with_includes(arguments, path, &mut judged, &mut problems);
    }
    let before = match &arguments.since {
        Some(revision) if arguments.baseline.is_none() => {
            kept(since::baseline(revision, &folder), &mut problems).flatten()
        }
        _ => None,
    };
    match (policy, baseline) {
        (Some(policy), Some(baseline)) if problems.is_empty() => {
            Ok(Prepared { judged, policy, baseline, baseline_before: before })
        }
        _ => Err(problems),
    }
}

/// A lock, and the files that it takes in, each as a lock of its own: an installer reads all of them.
fn read_with_includes(
    arguments: &GateArgs,
    path: &Path,
    judged: &mut Vec<Judged>,
    problems: &mut Vec<Problem>,
) {
    let mut pending = vec![path.to_owned()];
    while let Some(path) = pending.pop() {
        // The same file twice says nothing new; files may take in each other.
        if judged.iter().any(|other| other.lock.file == locks::shown(&path)) {
            continue;
        }
        if judged.len() == MAXIMUM_LOCKS {
            let message = format!("more than {MAXIMUM_LOCKS} locks are not read at once");
            return problems.push(Problem::new("too-many-locks", Class::Usage, message));
        }
        let lock = kept(locks::read(&path), problems);
        let base = kept(base(arguments, &path), problems);
        let (Some(lock), Some(base)) = (lock, base) else { continue };
        pending.extend(kept(locks::included(&lock, &path), problems).unwrap_or_default());
        let base = base.map(|base| base.unwrap_or_else(|| locks::empty_like(&lock)));
        judged.push(Judged { lock, base });
    }
}

fn kept<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|wrong| problems.extend(wrong)).ok()
}

/// The lock before: none where nothing is compared, an inner none where it was not there.
fn base(
    arguments: &GateArgs,
    path: &Path,
) -> Result<Option<Option<countermark_packaging::lock::document::LockDocument>>, Vec<Problem>> {
    if let Some(base) = &arguments.base {
        return locks::read(base).map(|base| Some(Some(base)));
    }
    match &arguments.since {
        Some(revision) => since::lock(revision, path).map(Some),
        None => Ok(None),
    }
}

/// The findings that are let pass; a file that is named has to be there.
pub(crate) fn baseline(given: Option<&Path>) -> Result<Baseline, Vec<Problem>> {
    let path = given.map_or_else(|| PathBuf::from(BASELINE), Path::to_owned);
    if given.is_none() && !path.exists() {
        return Ok(Baseline::default());
    }
    let bytes = locks::read_file(&path, gate::MAXIMUM_SIZE as u64)?;
    Baseline::parse(&path.display().to_string(), &bytes)
        .map_err(|errors| errors.iter().map(Problem::from).collect())
}

fn write(report: &Report, arguments: &GateArgs) -> Result<(), Vec<Problem>> {
    let is_file = arguments.output.is_some();
    let least = least(arguments.fail_on);
    let text = match arguments.format {
        GateFormat::Text => text::write(report, Options { colors: !is_file, all: arguments.all }),
        GateFormat::Json => json::write(report),
        GateFormat::Sarif => sarif::write(report),
        GateFormat::Junit => junit::write(report, least),
        GateFormat::Markdown => markdown::write(report, least),
    };
    match &arguments.output {
        Some(path) => to_file(path, &text),
        None => {
            output::print(text.trim_end_matches('\n'));
            Ok(())
        }
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

/// A "no" before "could not decide".
pub(crate) fn exit_code(report: &Report, fail_on: FailOn) -> u8 {
    let says_no = least(fail_on).is_some_and(|least| report.has(least) || !report.grown.is_empty());
    match (says_no, report.is_undecided()) {
        (true, _) => Class::Rejected.exit_code(),
        (false, true) => Class::Unavailable.exit_code(),
        (false, false) => 0,
    }
}
