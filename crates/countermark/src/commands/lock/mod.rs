//! `lock`: what a project wants becomes pins, each digest of bytes that were downloaded.

pub(crate) mod changes;
mod constraints;
pub(crate) mod engine;
pub(crate) mod existing;
pub(crate) mod expected;
pub(crate) mod judge;
pub(crate) mod policy;
pub(crate) mod proposal;
pub(crate) mod recipe;
pub(crate) mod sources;
pub(crate) mod targets;
pub(crate) mod when;
pub(crate) mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use countermark_client::catalogue::{CatalogueOptions, IndexCatalogue};
use countermark_client::report::Problem;
use countermark_client::sight::Depth;
use countermark_lock::input::Inputs;
use countermark_lock::moves::evidence::Judged;
use countermark_lock::request::{Agreement, Prereleases, Request, Sources, Strategy};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use countermark_trust::policy::Policy;
use jiff::Timestamp;

use super::Outcome;
use super::install::open_store;
use super::ledger::{Search, Team};
use super::log::check::{self, Asking};
use super::log::proofs::Beside;
use super::report::replace_file;
use crate::cli::lock::{
    LockArgs, LockFormatChoice, PolicyArgs, PrereleaseChoice, ResolutionArgs, StrategyChoice,
};
use crate::cli::{IndexArgs, OutputArgs, StoreArgs};
use crate::output;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::setup::{self, Folders};

use changes::Changes;
use engine::{Engine, Job, Locked};
use existing::Existing;
use judge::{Look, Looking};
use proposal::{Kept, Would};
use written::Form;

/// Runs the command.
pub(crate) fn run(arguments: &LockArgs, output: &OutputArgs) -> Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let teller = Teller::new(output);
    let work = Workplace::new(&teller, &arguments.store)?;
    if let Some(path) = &arguments.constraints {
        return constraints::run(&work, arguments, path);
    }
    let plan = Plan::new(arguments)?;
    let done = plan.lock(&work, arguments, &How::default())?;
    done.refuse()?;
    if arguments.locked {
        return Ok(done.check(&work));
    }
    done.write()?;
    if done.existing.is_some() {
        for one in &done.judged {
            teller.line(&format!("  {}", one.moved.describe()));
        }
    }
    done.summary(&work, started);
    Ok(0)
}

/// What every command about locks needs.
pub(crate) struct Workplace<'t> {
    pub(crate) teller: &'t Teller,
    pub(crate) interrupted: Arc<AtomicBool>,
    pub(crate) folders: Folders,
    pub(crate) folder: PathBuf,
    pub(crate) now: Timestamp,
}

impl<'t> Workplace<'t> {
    pub(crate) fn new(teller: &'t Teller, store: &StoreArgs) -> Result<Self, Vec<Problem>> {
        let interrupted = setup::interrupted();
        let (folders, folder) = (setup::folders(store)?, setup::working_folder()?);
        Ok(Self { teller, interrupted, folders, folder, now: Timestamp::now() })
    }

    /// What resolves and downloads, with these settings.
    pub(crate) fn engine<'a>(
        &'a self,
        session: &'a Session,
        index: &IndexArgs,
        store: &StoreArgs,
    ) -> Result<Engine<'a>, Vec<Problem>> {
        let store = open_store(session, &self.folders, store.cache_dir.is_some())?;
        let offline = session.settings.http.offline;
        let options = CatalogueOptions {
            refresh: index.refresh,
            offline,
            interrupted: Arc::clone(&self.interrupted),
            ..CatalogueOptions::new(self.now)
        };
        let catalogue = IndexCatalogue::new(
            Arc::clone(&session.http),
            Arc::clone(&session.index),
            Some(&self.folders.state),
            options,
        );
        Ok(Engine {
            session,
            store: Arc::new(store),
            catalogue,
            teller: self.teller,
            interrupted: Arc::clone(&self.interrupted),
            offline,
        })
    }
}

/// A lock that is to be made.
pub(crate) struct Plan {
    /// As the user gave them, or found.
    inputs: Vec<String>,
    /// Where it goes; standard output when there is none.
    output: Option<PathBuf>,
    format: LockFormatChoice,
}

/// How far wheels are looked into. A `pylock.toml` has the digests of their trees; made for the
/// interpreter of this machine, it is likely to be installed here.
fn depth(is_pylock: bool, arguments: &LockArgs) -> Depth {
    let is_elsewhere =
        !arguments.targets.python_version.is_empty() || !arguments.targets.platform.is_empty();
    match (is_pylock, is_elsewhere) {
        (false, _) => Depth::Bytes,
        (true, true) => Depth::Tree,
        (true, false) => Depth::Keep,
    }
}

/// How a lock is made, beside what decides its content.
pub(crate) struct How {
    pub(crate) look: Look,
    /// Projects of which both sides are kept, should they move.
    pub(crate) kept: BTreeSet<ProjectName>,
    /// An input as it is about to be written.
    pub(crate) edited: Option<(PathBuf, Vec<u8>)>,
    /// Whether the files are about to be installed, whatever the lock is for.
    pub(crate) installs: bool,
    /// Whether an input that asks for nothing is meant.
    pub(crate) may_be_empty: bool,
}

impl Default for How {
    fn default() -> Self {
        Self {
            look: Look::Policy,
            kept: BTreeSet::new(),
            edited: None,
            installs: false,
            may_be_empty: false,
        }
    }
}

/// A lock that was made.
pub(crate) struct Done {
    pub(crate) locked: Locked,
    /// What moved.
    pub(crate) judged: Vec<Judged>,
    /// What the policy says against it.
    pub(crate) refused: Vec<Problem>,
    /// Both sides of the moves that were asked for.
    pub(crate) changes: Changes,
    pub(crate) text: String,
    pub(crate) existing: Option<Existing>,
    pub(crate) output: Option<PathBuf>,
    /// What the log proves of its files, where that is kept.
    proofs: Option<Beside>,
    /// The ledger, with what was seen for it.
    team: Option<Team>,
    /// That it is kept, where the ledger has something against it.
    pub(crate) kept: Option<Kept>,
    /// The folder in which it is kept.
    state: PathBuf,
}

impl Plan {
    pub(crate) fn new(arguments: &LockArgs) -> Result<Self, Vec<Problem>> {
        let inputs = sources::inputs(&arguments.inputs)?;
        let is_stdout = arguments.output.as_deref() == Some(Path::new("-"));
        let output = match &arguments.output {
            _ if is_stdout => None,
            Some(path) => Some(path.clone()),
            None => sources::output_of(&inputs, arguments.format)?,
        };
        if let Some(output) = &output {
            refuse_input(&inputs, output)?;
            require_folder(output)?;
        }
        proposal::check_place(arguments.proposed.as_deref(), output.as_deref(), &inputs)?;
        let told = output.as_deref().and_then(written::format_of);
        let format = match (arguments.format, told, &output) {
            (Some(format), _, _) => format,
            (None, Some(format), _) => format,
            (None, None, None) => LockFormatChoice::Requirements,
            (None, None, Some(path)) => {
                let message = format!("`{}` tells no format of a lock", path.display());
                let problem = Problem::new("no-format", Class::Usage, message);
                return Err(vec![
                    problem.with_hint("add `--format requirements` or `--format pylock`"),
                ]);
            }
        };
        Ok(Self { inputs, output, format })
    }

    pub(crate) fn lock(
        self,
        work: &Workplace<'_>,
        arguments: &LockArgs,
        how: &How,
    ) -> Result<Done, Vec<Problem>> {
        let wanted = self.wanted(work, arguments, how)?;
        let existing = match &self.output {
            Some(path) => existing::read(path)?,
            None => None,
        };
        let session = session::open("lock", &arguments.index, &wanted.options, None)?;
        session::tell(&session.settings, work.teller);
        let policy = policy::find(arguments.policy.policy.as_deref(), &work.folder)?;
        let lock = self.output.as_deref();
        let search = Search { policy: &policy, lock, store: &arguments.store, now: work.now };
        let mut team = search.there(work.teller)?;
        let engine = work.engine(&session, &arguments.index, &arguments.store)?;
        let mut locked = self.resolve(work, &engine, &wanted, existing.as_ref(), arguments, how)?;
        let keep = |project: &ProjectName| how.kept.contains(project);
        let looking = Looking { look: how.look, keep: &keep, team: team.as_mut() };
        let (judged, changes) =
            judge::judge(&engine, &policy, &mut locked, existing.as_ref(), looking, work.now);
        let form = self.form(arguments, &wanted);
        let text = form.text(&locked.pins);
        form.read_back(&text, &locked.pins)?;
        proposal::write(arguments.proposed.as_deref(), text.as_bytes())?;
        let would = Would {
            lock,
            format: form.document_format(),
            before: existing.as_ref().map(|existing| existing.bytes.as_slice()),
            text: &text,
            pins: &locked.pins,
            judged: &judged,
            team: team.as_ref(),
        };
        let (kept, mut refused) = would.refusals(work, &engine, &policy);
        let mut proofs = self.proofs(arguments)?;
        if refused.is_empty() {
            let asking = asking(work, &engine, &policy, &arguments.policy);
            let new = check::new_pins(&locked.pins, existing.as_ref().map(|one| &one.document));
            refused = match &mut proofs {
                Some(beside) => beside.ask(&asking, &locked.pins, &new),
                None => asking.about(&new).problems,
            };
        }
        let (output, state) = (self.output, work.folders.state.clone());
        Ok(Done {
            locked,
            judged,
            refused,
            changes,
            text,
            existing,
            output,
            proofs,
            team,
            kept,
            state,
        })
    }

    fn wanted(
        &self,
        work: &Workplace<'_>,
        arguments: &LockArgs,
        how: &How,
    ) -> Result<Inputs, Vec<Problem>> {
        let asked = sources::Asked {
            inputs: &self.inputs,
            selection: &arguments.selection,
            resolution: &arguments.resolution,
            index: &arguments.index,
            edited: how.edited.clone(),
            may_be_empty: how.may_be_empty,
        };
        sources::read(&asked, work)
    }

    /// What is to be pinned: resolved, downloaded and hashed.
    fn resolve(
        &self,
        work: &Workplace<'_>,
        engine: &Engine<'_>,
        wanted: &Inputs,
        existing: Option<&Existing>,
        arguments: &LockArgs,
        how: &How,
    ) -> Result<Locked, Vec<Problem>> {
        let targets = targets::targets(&arguments.targets, &arguments.python, &work.folders)?;
        let mut request = request(&arguments.resolution, wanted, work.now)?;
        if let Some(existing) = existing {
            request.pins = existing.pins(&arguments.upgrade)?;
        }
        if arguments.targets.agree {
            request.agreement = Agreement::Everywhere;
        }
        let is_pylock = self.format == LockFormatChoice::Pylock;
        let job = Job {
            request: &request,
            targets: &targets,
            all_files: arguments.targets.all_files,
            depth: if how.installs { Depth::Keep } else { depth(is_pylock, arguments) },
            with_environments: is_pylock,
            existing,
        };
        let mut locked = engine.lock(&job)?;
        expected::hold(&mut locked, &wanted.expected)?;
        locked.pins.requires_python.clone_from(&wanted.requires_python);
        Ok(locked)
    }

    /// Where proofs go: beside a lock for which they are asked, or that has some already.
    fn proofs(&self, arguments: &LockArgs) -> Result<Option<Beside>, Vec<Problem>> {
        match &self.output {
            Some(lock) => Ok(Some(Beside::of(lock)).filter(|it| arguments.proofs || it.is_there())),
            None if arguments.proofs => {
                let message =
                    "`--proofs` puts files beside the lock, which goes to standard output";
                Err(vec![Problem::new("bad-option", Class::Usage, message)])
            }
            None => Ok(None),
        }
    }

    fn form(&self, arguments: &LockArgs, wanted: &Inputs) -> Form {
        let output = self.output.as_ref().map(|path| path.display().to_string());
        let words = recipe::words(arguments, &self.inputs, output.as_deref().unwrap_or("-"));
        let (index_url, extra_index_urls) = sources::index_urls(&wanted.options);
        Form {
            format: self.format,
            command: Some(recipe::text(&words)),
            annotate: !arguments.no_annotate,
            index_url,
            extra_index_urls,
        }
    }
}

/// How the log is asked about pins.
pub(crate) fn asking<'a>(
    work: &'a Workplace<'_>,
    engine: &'a Engine<'_>,
    policy: &'a Policy,
    arguments: &'a PolicyArgs,
) -> Asking<'a> {
    Asking {
        session: engine.session,
        policy,
        state: engine.store.state(),
        evidence: check::evidence(arguments.evidence.as_deref(), &engine.store),
        teller: work.teller,
        now: work.now,
    }
}

/// A lock in place of what people wrote would be the end of it.
fn refuse_input(inputs: &[String], output: &Path) -> Result<(), Vec<Problem>> {
    let real = |path: &Path| path.canonicalize().ok();
    let is_output = |input: &&String| {
        let input = Path::new(input.as_str());
        input == output || real(output).is_some_and(|output| real(input) == Some(output))
    };
    match inputs.iter().filter(|input| sources::is_file(input)).find(is_output) {
        Some(input) => {
            let message = format!("`{input}` is an input, and its lock would take its place");
            let hint = "name another output; a file whose lines are pins gets its digests in place \
                        with `--constraints`";
            Err(vec![Problem::new("output-is-input", Class::Usage, message).with_hint(hint)])
        }
        None => Ok(()),
    }
}

/// Said before anything is asked and downloaded.
fn require_folder(output: &Path) -> Result<(), Vec<Problem>> {
    match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let message = format!("there is no folder `{}` for the lock", folder.display());
            Err(vec![
                Problem::new("output-folder", Class::Usage, message).with_hint("make it first"),
            ])
        }
        _ => Ok(()),
    }
}

/// What a resolution is asked for. The command line goes before what `tool.uv` says.
pub(crate) fn request(
    arguments: &ResolutionArgs,
    wanted: &Inputs,
    now: Timestamp,
) -> Result<Request, Vec<Problem>> {
    let told = &wanted.told;
    let newer = arguments.exclude_newer.as_deref();
    let newer = newer.or(told.exclude_newer.as_ref().map(|(text, _)| text.as_str()));
    let mut excludes = existing::names(&arguments.excludes)?;
    excludes.extend(wanted.excludes.iter().cloned());
    let mut pairs = Vec::new();
    for (project, (when, _)) in &told.exclude_newer_package {
        pairs.push(format!("{project}={}", when.as_deref().unwrap_or("never")));
    }
    pairs.extend(arguments.exclude_newer_package.iter().cloned());
    let strategy = arguments.resolution.map(strategy).or(told.strategy);
    let prereleases = arguments.prerelease.map(prereleases).or(told.prereleases);
    Ok(Request {
        wishes: wanted.wishes.clone(),
        constraints: wanted.constraints.clone(),
        overrides: wanted.overrides.clone(),
        excludes,
        preferences: BTreeMap::new(),
        pins: Vec::new(),
        strategy: strategy.unwrap_or_default(),
        prereleases: prereleases.unwrap_or_default(),
        exclude_newer: when::exclude_newer(newer, now)?,
        exclude_newer_project: when::exclude_newer_projects(&pairs, now)?,
        sources: sources_of(&arguments.allow_source)?,
        agreement: Agreement::default(),
    })
}

fn strategy(choice: StrategyChoice) -> Strategy {
    match choice {
        StrategyChoice::Highest => Strategy::Highest,
        StrategyChoice::Lowest => Strategy::Lowest,
        StrategyChoice::LowestDirect => Strategy::LowestDirect,
    }
}

pub(crate) fn prereleases(choice: PrereleaseChoice) -> Prereleases {
    match choice {
        PrereleaseChoice::Disallow => Prereleases::Disallow,
        PrereleaseChoice::Allow => Prereleases::Allow,
        PrereleaseChoice::IfNecessary => Prereleases::IfNecessary,
        PrereleaseChoice::Explicit => Prereleases::Explicit,
        PrereleaseChoice::IfNecessaryOrExplicit => Prereleases::IfNecessaryOrExplicit,
    }
}

fn sources_of(names: &[String]) -> Result<Sources, Vec<Problem>> {
    if names.is_empty() {
        return Ok(Sources::None);
    }
    if names.iter().any(|name| name == ":all:") {
        return Ok(Sources::All);
    }
    existing::names(names).map(Sources::Named)
}

impl Done {
    /// Everything that the policy says against the lock.
    pub(crate) fn refuse(&self) -> Result<(), Vec<Problem>> {
        if self.refused.is_empty() { Ok(()) } else { Err(self.refused.clone()) }
    }

    /// Whether the lock on disk is what would be written.
    fn check(&self, work: &Workplace<'_>) -> u8 {
        let before = self.existing.as_ref().map_or("", |existing| existing.text.as_str());
        if before == self.text {
            work.teller.line("the lock is what would be written");
            return 0;
        }
        let shown =
            self.output.as_ref().map_or_else(|| "-".into(), |path| path.display().to_string());
        let diff = similar::TextDiff::from_lines(before, &self.text);
        let diff = diff
            .unified_diff()
            .context_radius(1)
            .header(&shown, "what would be written")
            .to_string();
        output::print(diff.trim_end_matches('\n'));
        1
    }

    /// Puts the lock in its place.
    pub(crate) fn write(&self) -> Result<(), Vec<Problem>> {
        let Some(path) = &self.output else {
            output::print(self.text.trim_end_matches('\n'));
            return Ok(());
        };
        let before = self.existing.as_ref().map(|existing| existing.bytes.as_slice());
        if before != Some(self.text.as_bytes()) {
            existing::require_same(path, before)?;
            replace_file(path, self.text.as_bytes())?;
        }
        proposal::forget(&self.state, path);
        self.proofs.as_ref().map_or(Ok(()), Beside::write)?;
        // A lock on standard output pins nothing yet.
        self.team.as_ref().map_or(Ok(()), |team| team.write(&setup::interrupted()))
    }

    /// How much was done.
    pub(crate) fn summary(&self, work: &Workplace<'_>, started: Instant) {
        let projects = self.locked.pins.releases.len();
        let files: usize = self.locked.pins.releases.iter().map(|one| one.files.len()).sum();
        let good = output::GOOD;
        let has_moved = self.existing.is_none() || !self.judged.is_empty();
        let what = if has_moved { "" } else { "; no pin moved" };
        work.teller.line(&format!(
            "{good}{}, {}, every digest of downloaded bytes ({} now), {:.2} s{good:#}{what}",
            output::count(projects, "release", "releases"),
            output::count(files, "file", "files"),
            output::size(self.locked.downloaded),
            started.elapsed().as_secs_f64()
        ));
    }
}
