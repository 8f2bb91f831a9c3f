//! `install`: gather everything, then change the environment in one step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime};

use countermark_client::gather::{self, Context, Failure, Gathered, Ready};
use countermark_client::install::{self, Change, InstallError, Outcome, Target};
use countermark_client::interpreter::{Interpreter, read_interpreter};
use countermark_client::log::PinToCheck;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::store::{Check, Store};
use countermark_packaging::lock::{Setting, WantedSet};
use countermark_trust::{Class, Rejection};
use jiff::Timestamp;

use super::by_name;
use super::input::{self, Input};
use super::ledger::{self, Search};
use super::log::check::{self, Later};
use super::report;
use crate::cli::{InstallArgs, OutputArgs};
use crate::output;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::setup::{self, Folders};

/// Between gathering and installing, an entry of the store may turn out to be altered; it is
/// fetched again this often.
const MAX_ROUNDS: usize = 3;

/// Runs the command.
pub(crate) fn run(arguments: &InstallArgs, output: &OutputArgs) -> super::Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let interrupted = setup::interrupted();
    let teller = Teller::new(output);
    let folders = setup::folders(&arguments.store)?;
    let (target, interpreter) = target(arguments, &folders)?;
    let (plan, added) = if by_name::is_meant(arguments) {
        let named = by_name::plan(arguments, &target, interpreter, &teller, &interrupted)?;
        (named.plan, named.added)
    } else {
        (Plan::read(arguments, interpreter, &teller)?, None)
    };
    let store = open_store(&plan.session, &folders, arguments.store.cache_dir.is_some())?;
    let check = setup::check(&arguments.store, &store);
    tell_foreign_state(&store, &folders, &teller);
    let run = Run { arguments, plan, store, check, interrupted, teller };
    let (gathered, outcome) = run.rounds(&target)?;
    if let Some(path) = &arguments.report {
        let (dry_run, no_deps) = (arguments.dry_run, arguments.input.no_deps);
        let asked = report::Asked { dry_run, no_deps };
        report::write(path, &gathered, &outcome, &run.teller.notes(), asked)?;
    }
    if let Some(added) = added.filter(|_| !arguments.dry_run) {
        added.write()?;
    }
    run.summary(&gathered, &outcome, started);
    run.prune();
    Ok(0)
}

/// Opens the store that the settings name; an option of the command line goes before them.
pub(crate) fn open_store(
    session: &Session,
    folders: &Folders,
    from_command_line: bool,
) -> Result<Store, Vec<Problem>> {
    let cache = match &session.settings.cache {
        Some(cache) if !from_command_line => cache.value.clone(),
        _ => folders.cache.clone(),
    };
    Store::open(&cache, &folders.state)
        .map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])
}

/// Without the memory of earlier runs everything takes longer, and that has a reason.
fn tell_foreign_state(store: &Store, folders: &Folders, teller: &Teller) {
    if !store.distrusts_state() {
        return;
    }
    let state = folders.state.display();
    let message =
        format!("somebody else owns or can write `{state}`: nothing that was noted there is used");
    let hint = format!("`chmod -R go-w {state}` if it is yours, or set COUNTERMARK_STATE_DIR");
    teller.note(Note::new("foreign-state", message).with_hint(hint));
}

/// Where packages go, and the interpreter that they have to suit.
fn target(
    arguments: &InstallArgs,
    folders: &Folders,
) -> Result<(Target, Interpreter), Vec<Problem>> {
    if let Some(folder) = &arguments.venv {
        let path = setup::absolute(folder)?;
        if path.join("pyvenv.cfg").is_file() {
            let interpreter = environment_at(&path, arguments, folders)?;
            return Ok((Target::Environment(interpreter.clone()), interpreter));
        }
        let base = setup::base_interpreter(&arguments.python, folders)?;
        return Ok((Target::Venv { path, base: base.clone() }, base));
    }
    let interpreter = setup::interpreter(&arguments.python, folders)?;
    let folder = |path: &PathBuf, layout| Target::Folder {
        path: path.clone(),
        layout,
        interpreter: interpreter.clone(),
    };
    if let Some(path) = &arguments.target {
        let path = setup::absolute(path)?;
        let layout = interpreter.target_layout(&path);
        return Ok((folder(&path, layout), interpreter));
    }
    if let Some(path) = &arguments.prefix {
        let path = setup::absolute(path)?;
        let layout = interpreter.prefix_layout(&path);
        return Ok((folder(&path, layout), interpreter));
    }
    interpreter
        .refuse_externally_managed()
        .map_err(|error| vec![setup::interpreter_problem(&error)])?;
    Ok((Target::Environment(interpreter.clone()), interpreter))
}

/// The interpreter of an environment that is there; `--python` may only confirm it.
fn environment_at(
    path: &Path,
    arguments: &InstallArgs,
    folders: &Folders,
) -> Result<Interpreter, Vec<Problem>> {
    let cache = folders.state.join("interpreters");
    let interpreter = read_interpreter(&path.join("bin/python"), Some(&cache))
        .map_err(|error| vec![setup::interpreter_problem(&error)])?;
    if arguments.python.python.is_some() {
        let asked = setup::interpreter(&arguments.python, folders)?;
        if asked.release() != interpreter.release() {
            let message = format!("`{}` is an environment of another Python", path.display());
            let problem = Problem::new("other-python", Class::Usage, message)
                .with_detail(format!("expected {}, as `--python` says", asked.version()))
                .with_detail(format!("found    {}", interpreter.version()));
            return Err(vec![problem.with_hint("leave `--python` out, or name another folder")]);
        }
    }
    Ok(interpreter)
}

/// What is wanted, and the settings under which.
pub(crate) struct Plan {
    pub(crate) session: Session,
    pub(crate) input: Input,
    pub(crate) interpreter: Interpreter,
    pub(crate) folder: PathBuf,
}

impl Plan {
    fn read(
        arguments: &InstallArgs,
        interpreter: Interpreter,
        teller: &Teller,
    ) -> Result<Self, Vec<Problem>> {
        let prefix = Some(interpreter.prefix().to_owned());
        let session = session::open("install", &arguments.index, &[], prefix.as_deref())?;
        let constraints: Vec<String> =
            session.settings.constraints.iter().map(|one| one.value.clone()).collect();
        let markers = interpreter.markers();
        let input = input::read(&arguments.input, &constraints, markers, &session.http, teller)?;
        refuse_source_only(&input.set)?;
        let session = if input.set.options.is_empty() {
            session
        } else {
            session::open("install", &arguments.index, &input.set.options, prefix.as_deref())?
        };
        session::tell(&session.settings, teller);
        require_virtual(&session, arguments, &interpreter)?;
        Ok(Self { session, input, interpreter, folder: setup::working_folder()? })
    }
}

/// The user's own rule that nothing but a virtual environment is ever changed.
pub(super) fn require_virtual(
    session: &Session,
    arguments: &InstallArgs,
    interpreter: &Interpreter,
) -> Result<(), Vec<Problem>> {
    let required = session.settings.require_virtualenv.as_ref().filter(|setting| setting.value);
    let elsewhere =
        arguments.venv.is_some() || arguments.target.is_some() || arguments.prefix.is_some();
    let Some(setting) = required.filter(|_| !elsewhere && !interpreter.is_virtual()) else {
        return Ok(());
    };
    let message = format!("{} asks for a virtual environment, and none is active", setting.origin);
    let problem = Problem::new("no-virtualenv", Class::Usage, message);
    Err(vec![problem.with_hint("activate one, or give `--venv DIR`")])
}

/// `--no-binary` asks for what is not built yet.
pub(crate) fn refuse_source_only(wanted: &WantedSet) -> Result<(), Vec<Problem>> {
    let problems: Vec<Problem> = wanted
        .options
        .iter()
        .filter(|option| matches!(&option.setting, Setting::NoBinary(names) if names != ":none:"))
        .map(|option| {
            let message = "`--no-binary` asks for source packages, which are not installed";
            Problem::new("source-package", Class::Rejected, message).at(&option.place)
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Gathers, and says everything that stands in the way; lines to paste go to standard output. With
/// entries that no digest can pin nothing is given, however good the others are.
pub(crate) fn gather_or_say(
    context: Context<'_>,
    input: &Input,
    log: &Later<'_>,
) -> Result<Gathered, Vec<Problem>> {
    let gathered = gather::gather(context, &input.set.wanted)
        .map_err(|failure| show_first_sight(failure, log));
    let gathered = gathered.and_then(|gathered| {
        let problems = check_trees(&gathered, input);
        if problems.is_empty() { Ok(gathered) } else { Err(problems) }
    });
    if input.refused.is_empty() {
        return gathered;
    }
    let mut problems = input.refused.clone();
    let others = gathered.err().unwrap_or_default();
    // What the refused entries may be about is not missing.
    problems.extend(others.into_iter().filter(|other| other.code != "missing-dependency"));
    Err(problems)
}

/// Lines to paste are new pins: the log is asked about them, and where it has to know them and does not,
/// none is shown.
fn show_first_sight(failure: Failure, log: &Later<'_>) -> Vec<Problem> {
    let Failure { mut problems, first_sight } = failure;
    if first_sight.is_empty() {
        return problems;
    }
    let pins: Vec<PinToCheck> = first_sight.iter().map(|sight| sight.pin.clone()).collect();
    let outcome = match log.with(|asking| asking.about(&pins)) {
        Ok(outcome) => outcome,
        Err(unusable) => return unusable,
    };
    if !outcome.problems.is_empty() {
        problems.extend(outcome.problems);
        return problems;
    }
    output::say(match outcome.known == pins.len() {
        true => "a first sight: digests of what was downloaded just now, which the log knows",
        false => "a first sight: digests of what was downloaded just now, judged by nobody",
    });
    for sight in &first_sight {
        output::print(&sight.line);
    }
    problems
}

/// What was unpacked has to be the tree that the lock recorded, wherever it came from.
fn check_trees(gathered: &Gathered, input: &Input) -> Vec<Problem> {
    let problem = |ready: &Ready| {
        let artifact = ready.entry.tree.artifact();
        let expected = *input.trees.get(artifact.filename())?;
        let found = ready.entry.tree.digest();
        let filename = artifact.filename().to_owned();
        let mismatch = Rejection::TreeMismatch { filename, expected, found };
        let problem = Problem::of_rejection(&mismatch, &ready.entry.facts.source);
        (expected != found).then(|| problem.at(&ready.wanted.place))
    };
    gathered.packages.iter().filter_map(problem).collect()
}

struct Run<'a> {
    arguments: &'a InstallArgs,
    plan: Plan,
    store: Store,
    check: Check,
    interrupted: Arc<AtomicBool>,
    teller: Teller,
}

impl Run<'_> {
    fn rounds(&self, target: &Target) -> Result<(Vec<Ready>, Outcome), Vec<Problem>> {
        let mut round = 1;
        loop {
            let tags = self.plan.interpreter.tags();
            let context = Context {
                store: &self.store,
                index: &self.plan.session.index,
                http: &self.plan.session.http,
                tags: &tags,
                markers: self.plan.interpreter.markers(),
                python: self.plan.interpreter.version(),
                reporter: &self.teller,
                interrupted: &self.interrupted,
                folder: &self.plan.folder,
                refresh: self.arguments.index.refresh,
                no_deps: self.arguments.input.no_deps,
            };
            let log = self.log();
            let mut gathered = gather_or_say(context, &self.plan.input, &log)?;
            // Names were asked about when they were resolved. What a lock lists is asked about in every round:
            // where the store lost a file, another of its files may have come in its place.
            if !by_name::is_meant(self.arguments) {
                let locks = self.locks();
                log.with(|asking| {
                    asking.before_installing(&gathered.packages, &locks)?;
                    let search = Search {
                        policy: asking.policy,
                        lock: locks.first().map(PathBuf::as_path),
                        store: &self.arguments.store,
                        now: asking.now,
                    };
                    ledger::before_installing(&search, &gathered.packages, &self.teller)
                })??;
            }
            let request = self.request();
            match install::install(&request, target, &mut gathered.packages) {
                Ok(outcome) => {
                    let is_listed = !by_name::is_meant(self.arguments);
                    if is_listed && !gathered.asked && !gathered.packages.is_empty() {
                        let message = "everything was in the store; no index was asked";
                        self.teller.line(&format!("{message} (`--refresh` asks)"));
                    }
                    return Ok((gathered.packages, outcome));
                }
                Err(InstallError::Evicted { .. }) if round < MAX_ROUNDS => round += 1,
                Err(error) => return Err(error.into_problems()),
            }
        }
    }

    /// How a log is asked, if it has to be.
    fn log(&self) -> Later<'_> {
        let policy = &self.arguments.by_name.policy;
        Later {
            session: &self.plan.session,
            policy: policy.policy.as_deref(),
            folder: &self.plan.folder,
            state: self.store.state(),
            evidence: check::evidence(policy.evidence.as_deref(), &self.store),
            teller: &self.teller,
            now: Timestamp::now(),
        }
    }

    /// The files that were named, beside which proofs may lie.
    fn locks(&self) -> Vec<PathBuf> {
        let input = &self.arguments.input;
        input.requirements.iter().chain(&input.names).map(PathBuf::from).collect()
    }

    fn request(&self) -> install::Request<'_> {
        install::Request {
            store: &self.store,
            reporter: &self.teller,
            interrupted: &self.interrupted,
            check: self.check,
            link_mode: setup::link_mode(&self.arguments.store, &self.store),
            compile: self.arguments.compile,
            sync: self.arguments.sync,
            reinstall: self.arguments.reinstall,
            strict: self.arguments.strict,
            dry_run: self.arguments.dry_run,
            folder: &self.plan.folder,
        }
    }

    fn summary(&self, packages: &[Ready], outcome: &Outcome, started: Instant) {
        for change in &outcome.changes {
            self.teller.line(&describe(change, self.arguments.dry_run));
        }
        let all_hashed = self.check == Check::Full || packages.iter().all(|ready| !ready.cached);
        let checked = if all_hashed { "every byte checked" } else { "every file checked" };
        let what = match (self.arguments.dry_run, outcome.changes.is_empty()) {
            (true, _) => "; nothing was changed",
            (false, true) => "; nothing to change",
            (false, false) => "",
        };
        let good = output::GOOD;
        self.teller.line(&format!(
            "{good}{}, {}, {checked}, {:.2} s{good:#}{what}",
            output::count(packages.len(), "package", "packages"),
            output::count(usize::try_from(outcome.files).unwrap_or(usize::MAX), "file", "files"),
            started.elapsed().as_secs_f64()
        ));
    }

    /// Keeps the store below the size that the user set.
    fn prune(&self) {
        let Some(setting) = &self.plan.session.settings.cache_limit else { return };
        let Some(limit) = setup::parse_size(&setting.value) else {
            let message = format!("{} is not a size such as 2GB; it is ignored", setting.origin);
            self.teller.note(Note::new("ignored-setting", message));
            return;
        };
        if let Err(error) = self.store.prune(Some(limit), SystemTime::now()) {
            self.teller.note(Note::new("not-pruned", error.to_string()));
        }
    }
}

fn describe(change: &Change, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let project = &change.project;
    match (&change.before, &change.after) {
        (None, Some(after)) => format!(" + {project} {after}"),
        (Some(before), Some(after)) if before == after => {
            format!(" ~ {project} {after} ({would}put back)")
        }
        (Some(before), Some(after)) => format!(" ~ {project} {before} -> {after}"),
        (Some(before), None) => format!(" - {project} {before}"),
        (None, None) => format!("   {project}"),
    }
}
