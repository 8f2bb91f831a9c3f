//! Changing an environment that is there: what stays, what goes, what comes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::error::{InstallError, failed};
use super::journal::{self, JournalError, Recovered, Remark};
use super::lock::{FolderLock, Locked, lock};
use super::steps::{Steps, steps};
use super::{Change, Outcome, Request, stage_packages};
use crate::environment::{DiskListing, Environment, Installed, plan_uninstall, read_environment};
use crate::gather::Ready;
use crate::interpreter::{Interpreter, Layout};
use crate::package::finding::Finding;
use crate::package::placement::{Placement, normalized};
use crate::package::state::{self, State};
use crate::parallel::in_parallel;
use crate::report::{Note, Problem, Progress, Reporter};
use crate::scripts::Heading;

/// An environment that nobody else changes meanwhile.
struct Held {
    placement: Placement,
    environment: Environment,
    _lock: FolderLock,
}

/// Locks an environment, puts right what an interrupted run left, and reads what is installed.
fn hold(request: &Request<'_>, layout: &Layout) -> Result<Held, InstallError> {
    let placement = Placement::new(layout).map_err(failed("resolve", &layout.data))?;
    let root = &placement.root;
    let waiting = || say_waiting(request.reporter, root);
    let lock = match lock(root, request.interrupted, waiting).map_err(failed("lock", root))? {
        Locked::Yes(lock) => lock,
        Locked::Moved => return Err(failed("lock", root)(io::ErrorKind::NotFound.into())),
    };
    if !request.dry_run {
        recover(root, request.reporter)?;
    } else if journal::is_interrupted(root) {
        let message = format!("an interrupted change of `{}` is not undone yet", root.display());
        request.reporter.note(Note::new("interrupted-change", message));
    }
    let environment = read_environment(&placement.layout).map_err(|error| {
        InstallError::Refused(vec![Problem::of("environment", error.class(), &error)])
    })?;
    Ok(Held { placement, environment, _lock: lock })
}

/// Somebody else has the lock.
pub(super) fn say_waiting(reporter: &dyn Reporter, root: &Path) {
    let message = format!("waiting for another run that changes `{}`", root.display());
    reporter.note(Note::new("waiting", message));
}

/// Undoes or finishes what an interrupted run left of an environment, and says so.
pub(super) fn recover(root: &Path, reporter: &dyn Reporter) -> Result<(), InstallError> {
    let what = match journal::recover(root, &|remark| say_remark(reporter, &remark))? {
        Recovered::Nothing => return Ok(()),
        Recovered::Cleaned => "removed what an interrupted run had staged in",
        Recovered::Undone => "undid an interrupted change of",
        Recovered::Finished => "finished an interrupted change of",
    };
    let message = format!("{what} `{}`", root.display());
    reporter.note(Note::new("recovered", message));
    Ok(())
}

/// What is worth saying about a change that went well, or was undone.
fn say_remark(reporter: &dyn Reporter, remark: &Remark) {
    let note = match remark {
        Remark::Stray(_) => Note::new("stray-file", remark.to_string())
            .with_hint("look at it, and remove it if it is of no use"),
        Remark::LeftOver(_) => {
            Note::new("left-over", remark.to_string()).with_hint("the next run tries again")
        }
    };
    reporter.note(note);
}

fn commit(
    request: &Request<'_>,
    held: &Held,
    steps: Steps,
    empty: Vec<String>,
) -> Result<(), JournalError> {
    let say = |remark: Remark| say_remark(request.reporter, &remark);
    journal::commit(&held.placement.root, steps.steps, empty, request.interrupted, &say)
}

/// What happens to one wanted package.
enum Decision {
    Keep,
    Install,
    Replace,
}

/// Changes the environment to have the packages.
pub(super) fn change(
    request: &Request<'_>,
    interpreter: &Interpreter,
    layout: &Layout,
    packages: &mut [Ready],
) -> Result<Outcome, InstallError> {
    let held = hold(request, layout)?;
    let mut problems = Vec::new();
    let decisions = decide(request, &held, interpreter, packages, &mut problems)?;
    check_strays(request, &held, &mut problems);
    if !problems.is_empty() {
        return Err(InstallError::Refused(problems));
    }
    let leaving = leaving(request, &held.environment, packages, &decisions);
    let outcome = outcome(packages, &decisions, &leaving);
    if request.dry_run || outcome.changes.is_empty() {
        return Ok(outcome);
    }
    let chosen: Vec<usize> =
        (0..packages.len()).filter(|&index| !matches!(decisions[index], Decision::Keep)).collect();
    let (outgoing, empty) = plan_removal(&held, interpreter, &leaving)?;
    let stage = journal::open_stage(&held.placement.root)?;
    let staged = stage_packages(request, &stage, &held.placement, interpreter, packages, &chosen)
        .and_then(|()| {
            steps(&held.placement.root, &stage, &outgoing)
                .map_err(failed("compare", &held.placement.root))
        })
        .and_then(|steps| refuse_in_the_way(&held, steps));
    let steps = match staged {
        Ok(steps) => steps,
        Err(error) => {
            // The next run removes what cannot be removed now.
            let _ = journal::abandon(&held.placement.root);
            return Err(error);
        }
    };
    commit(request, &held, steps, empty)?;
    Ok(outcome)
}

/// Removes packages by name; names that are not installed are problems.
///
/// # Errors
/// [`InstallError`]; the environment is as it was before.
pub fn remove(
    request: &Request<'_>,
    interpreter: &Interpreter,
    layout: &Layout,
    names: &[ProjectName],
) -> Result<Outcome, InstallError> {
    let held = hold(request, layout)?;
    let missing: Vec<Problem> = names
        .iter()
        .filter(|name| held.environment.of(name).next().is_none())
        .map(|name| {
            Problem::new("not-installed", Class::Rejected, format!("`{name}` is not installed"))
        })
        .collect();
    if !missing.is_empty() {
        return Err(InstallError::Refused(missing));
    }
    let leaving: Vec<&Installed> =
        names.iter().flat_map(|name| held.environment.of(name)).collect();
    let outcome = outcome(&[], &[], &leaving);
    if request.dry_run {
        return Ok(outcome);
    }
    let (outgoing, empty) = plan_removal(&held, interpreter, &leaving)?;
    let stage = journal::open_stage(&held.placement.root)?;
    let steps = match steps(&held.placement.root, &stage, &outgoing) {
        Ok(steps) => steps,
        Err(error) => {
            // The next run removes what cannot be removed now.
            let _ = journal::abandon(&held.placement.root);
            return Err(failed("compare", &held.placement.root)(error));
        }
    };
    commit(request, &held, steps, empty)?;
    Ok(outcome)
}

fn decide(
    request: &Request<'_>,
    held: &Held,
    interpreter: &Interpreter,
    packages: &[Ready],
    problems: &mut Vec<Problem>,
) -> Result<Vec<Decision>, InstallError> {
    let heading = Heading::new(interpreter.executable(), false).map_err(|source| {
        InstallError::Generate { project: "python".to_owned(), source: source.into() }
    })?;
    request.reporter.progress(Progress::Checking { packages: packages.len() });
    let states = in_parallel(packages, |ready| {
        let context = state::Context {
            placement: &held.placement,
            heading: &heading,
            version: interpreter.release(),
            check: request.check,
            folder: request.folder,
        };
        let installed: Vec<&Installed> = held.environment.of(&ready.wanted.project).collect();
        state::state_of(&context, &installed, ready)
    });
    let mut decisions = Vec::with_capacity(packages.len());
    for (ready, state) in packages.iter().zip(states) {
        let name = &ready.wanted.project;
        decisions.push(match state.map_err(failed("check", &held.placement.root))? {
            State::Absent => Decision::Install,
            State::Same(findings) if findings.is_empty() => Decision::Keep,
            State::Same(findings) => {
                if !request.reinstall {
                    problems.push(changed(name, &findings).at(&ready.wanted.place));
                }
                Decision::Replace
            }
            State::Other => Decision::Replace,
            State::Unproven(version) => {
                let message =
                    format!("`{name}` {version} was installed without a record: it is unproven");
                if request.strict {
                    problems.push(Problem::new("unproven", Class::Rejected, message));
                } else {
                    let note = Note::new("unproven", message);
                    request.reporter.note(note.with_hint("it is replaced by the checked one"));
                }
                Decision::Replace
            }
        });
    }
    Ok(decisions)
}

fn changed(name: &ProjectName, findings: &[Finding]) -> Problem {
    let message = format!("the installed `{name}` is not what was installed any more");
    let mut problem = Problem::new("environment-changed", Class::Rejected, message);
    problem.details = findings.iter().take(10).map(ToString::to_string).collect();
    if findings.len() > 10 {
        problem.details.push(format!("and {} more", findings.len() - 10));
    }
    problem.with_hint("look at the change; `--reinstall` puts the checked files back")
}

/// Files that Python runs at each start, and that no package has recorded.
fn check_strays(request: &Request<'_>, held: &Held, problems: &mut Vec<Problem>) {
    for path in state::stray_startup_files(&held.placement, &held.environment) {
        let message = format!("`{path}` runs at each start of Python and belongs to no package");
        if request.strict {
            problems.push(Problem::new("stray-file", Class::Rejected, message));
        } else {
            request.reporter.note(Note::new("stray-file", message));
        }
    }
}

/// The installed packages that go: replaced ones, and with `--sync` those that are not wanted.
fn leaving<'a>(
    request: &Request<'_>,
    environment: &'a Environment,
    packages: &[Ready],
    decisions: &[Decision],
) -> Vec<&'a Installed> {
    let replaced: BTreeSet<&ProjectName> = packages
        .iter()
        .zip(decisions)
        .filter(|(_, decision)| matches!(decision, Decision::Replace))
        .map(|(ready, _)| &ready.wanted.project)
        .collect();
    let wanted: BTreeSet<&ProjectName> =
        packages.iter().map(|ready| &ready.wanted.project).collect();
    let goes = |installed: &&Installed| {
        replaced.contains(&installed.name) || request.sync && !wanted.contains(&installed.name)
    };
    environment.installed.iter().filter(goes).collect()
}

fn outcome(packages: &[Ready], decisions: &[Decision], leaving: &[&Installed]) -> Outcome {
    let mut changes: BTreeMap<ProjectName, Change> = BTreeMap::new();
    let mut outcome = Outcome::default();
    for installed in leaving {
        let before = Some(installed.version.to_string());
        let project = installed.name.clone();
        changes.insert(project.clone(), Change { project, before, after: None });
    }
    for (ready, decision) in packages.iter().zip(decisions) {
        let project = ready.wanted.project.clone();
        if matches!(decision, Decision::Keep) {
            outcome.kept.push(project);
            continue;
        }
        let after = Some(ready.entry.facts.version.clone());
        changes
            .entry(project.clone())
            .and_modify(|change| change.after.clone_from(&after))
            .or_insert(Change { project, before: None, after });
    }
    outcome.changes = changes.into_values().collect();
    outcome
}

/// The files that go, below the root, and the folders that are empty then.
fn plan_removal(
    held: &Held,
    interpreter: &Interpreter,
    leaving: &[&Installed],
) -> Result<(BTreeSet<String>, Vec<String>), InstallError> {
    let (mut files, mut folders) = (BTreeSet::new(), Vec::new());
    if leaving.is_empty() {
        return Ok((files, folders));
    }
    let staying = recorded_by_others(held, leaving);
    let mut problems = Vec::new();
    for installed in leaving {
        let plan = installed.read_record().map_err(Into::into).and_then(|record| {
            let layout = &held.placement.layout;
            plan_uninstall(installed, &record, layout, interpreter, &staying, &DiskListing)
        });
        match plan {
            Ok(removal) => {
                let relative = |path: &PathBuf| held.placement.relative(path);
                files.extend(removal.files.iter().filter_map(relative));
                folders.extend(removal.folders.iter().filter_map(relative));
            }
            Err(error) => {
                let problem = Problem::of("cannot-uninstall", error.class(), &error);
                problems.push(match error.hint() {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                });
            }
        }
    }
    if problems.is_empty() { Ok((files, folders)) } else { Err(InstallError::Refused(problems)) }
}

/// Absolute paths that the packages which stay have recorded.
fn recorded_by_others(held: &Held, leaving: &[&Installed]) -> BTreeSet<PathBuf> {
    let staying =
        held.environment.installed.iter().filter(|installed| !leaving.contains(installed));
    staying
        .flat_map(|installed| {
            // Without a RECORD a package has no claim on any file.
            let record = installed.read_record().unwrap_or_default();
            record.into_iter().map(|entry| normalized(&installed.site.join(entry.path)))
        })
        .collect()
}

/// Nothing that nobody asked to replace is ever replaced.
fn refuse_in_the_way(held: &Held, steps: Steps) -> Result<Steps, InstallError> {
    if steps.in_the_way.is_empty() {
        return Ok(steps);
    }
    let mut owners: BTreeMap<PathBuf, &ProjectName> = BTreeMap::new();
    for installed in &held.environment.installed {
        for entry in installed.read_record().unwrap_or_default() {
            owners.insert(normalized(&installed.site.join(entry.path)), &installed.name);
        }
    }
    let problem = |path: &str| {
        let whose = match owners.get(&held.placement.root.join(path)) {
            Some(owner) => format!("it belongs to `{owner}`"),
            None => "it belongs to no package".to_owned(),
        };
        let message = format!("`{path}` is already there with other contents: {whose}");
        Problem::new("file-in-the-way", Class::Rejected, message)
    };
    Err(InstallError::Refused(steps.in_the_way.iter().map(|one| problem(&one.path)).collect()))
}
