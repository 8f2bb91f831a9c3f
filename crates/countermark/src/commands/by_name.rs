//! `install NAME…`: resolved for the environment, judged by the policy, and printed as pins, so that
//! the first sight is at least a judged one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::environment::read_environment;
use countermark_client::install::Target;
use countermark_client::interpreter::{Interpreter, Layout};
use countermark_client::report::Problem;
use countermark_client::sight::Depth;
use countermark_lock::pins::{PinnedRelease, PinnedSource, Pins};
use countermark_packaging::digest::Digest;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::{Place, Wanted, WantedSet, WantedSource};
use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::{Version, VersionSpecifier, VersionSpecifiers};
use countermark_trust::Class;
use jiff::Timestamp;

use super::input::{Input, is_pylock};
use super::install::{Plan, require_virtual};
use super::ledger::{Next, Search};
use super::lock::engine::Job;
use super::lock::judge::{self, Look, Looking};
use super::lock::written::Form;
use super::lock::{self, Workplace, expected, policy, sources, targets};
use super::log::check;
use super::project::{Added, add_to};
use crate::cli::lock::{LockFormatChoice, ResolutionArgs, SelectionArgs};
use crate::cli::project::{AddArgs, ProjectArgs, SectionArgs};
use crate::cli::{InstallArgs, PythonArgs};
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::{output, setup};

/// Where messages say that a name stands.
const COMMAND_LINE: &str = "the command line";

/// Whether names of projects were given, and no file.
pub(crate) fn is_meant(arguments: &InstallArgs) -> bool {
    let names = &arguments.input.names;
    let is_name = |name: &String| !is_pylock(name) && !name.ends_with(".txt");
    arguments.input.requirements.is_empty() && !names.is_empty() && names.iter().all(is_name)
}

/// What is installed, and what is written once that went well.
pub(crate) struct Named {
    pub(crate) plan: Plan,
    pub(crate) added: Option<Added>,
}

/// Resolves the names for the environment, judges what came out, and prints the pins.
pub(crate) fn plan(
    arguments: &InstallArgs,
    target: &Target,
    interpreter: Interpreter,
    teller: &Teller,
    interrupted: &Arc<AtomicBool>,
) -> Result<Named, Vec<Problem>> {
    let prefix = Some(interpreter.prefix().to_owned());
    let session = session::open("install", &arguments.index, &[], prefix.as_deref())?;
    session::tell(&session.settings, teller);
    require_virtual(&session, arguments, &interpreter)?;
    let work = Workplace {
        teller,
        interrupted: Arc::clone(interrupted),
        folders: setup::folders(&arguments.store)?,
        folder: setup::working_folder()?,
        now: Timestamp::now(),
    };
    let (pins, added) = if arguments.by_name.save {
        let added = add_to(&as_addition(arguments)?, &work, true).map_err(without_sources)?;
        added.done.refuse()?;
        (needed(&added.done.locked.pins, arguments, &interpreter)?, Some(added))
    } else {
        refuse_parts(arguments)?;
        let pins = resolved(arguments, target, &interpreter, &session, &work);
        (pins.map_err(without_sources)?, None)
    };
    print_pins(&pins);
    let input = Input { set: wanted_set(&pins), refused: Vec::new(), trees: BTreeMap::new() };
    Ok(Named { plan: Plan { session, input, interpreter, folder: work.folder }, added })
}

/// The pins of the names and of what they need, for this environment alone.
fn resolved(
    arguments: &InstallArgs,
    target: &Target,
    interpreter: &Interpreter,
    session: &Session,
    work: &Workplace<'_>,
) -> Result<Pins, Vec<Problem>> {
    let resolution = ResolutionArgs {
        prerelease: arguments.by_name.prerelease,
        constraint: arguments.input.constraints.clone(),
        exclude_newer: arguments.by_name.exclude_newer.clone(),
        ..ResolutionArgs::default()
    };
    let asked = sources::Asked {
        inputs: &arguments.input.names,
        selection: &SelectionArgs::default(),
        resolution: &resolution,
        index: &arguments.index,
        edited: None,
        may_be_empty: false,
    };
    let wanted = sources::read(&asked, work)?;
    let mut request = lock::request(&resolution, &wanted, work.now)?;
    if !arguments.by_name.upgrade {
        request.preferences = installed(target);
    }
    let policy = policy::find(arguments.by_name.policy.policy.as_deref(), &work.folder)?;
    let engine = work.engine(session, &arguments.index, &arguments.store)?;
    let job = Job {
        request: &request,
        targets: &[targets::of_interpreter(interpreter)],
        all_files: false,
        depth: Depth::Keep,
        with_environments: false,
        existing: None,
    };
    let mut locked = engine.lock(&job)?;
    expected::hold(&mut locked, &wanted.expected)?;
    let none: &dyn Fn(&ProjectName) -> bool = &|_| false;
    let search = Search { policy: &policy, lock: None, store: &arguments.store, now: work.now };
    let mut team = search.asked()?;
    let looking = Looking { look: Look::Policy, keep: none, team: team.as_mut() };
    let (judged, _) = judge::judge(&engine, &policy, &mut locked, None, looking, work.now);
    let mut refused = judge::problems(&engine, &policy, &judged, &|_| Next::Unlocked);
    if refused.is_empty() {
        let asking = lock::asking(work, &engine, &policy, &arguments.by_name.policy);
        // Nothing is pinned yet, so every file is new.
        refused = asking.about(&check::new_pins(&locked.pins, None)).problems;
    }
    if refused.is_empty() { Ok(locked.pins) } else { Err(refused) }
}

/// A source package can be locked, and is never installed.
fn without_sources(problems: Vec<Problem>) -> Vec<Problem> {
    let say = |mut problem: Problem| {
        if problem.hint.as_ref().is_some_and(|hint| hint.contains("--allow-source")) {
            let hint =
                "only wheels are installed: build one, and name its folder with `--find-links`";
            problem.hint = Some(hint.to_owned());
        }
        problem
    };
    problems.into_iter().map(say).collect()
}

/// Without `--save` there is no file that has groups and extras.
fn refuse_parts(arguments: &InstallArgs) -> Result<(), Vec<Problem>> {
    if arguments.input.extras.is_empty() && arguments.input.groups.is_empty() {
        return Ok(());
    }
    let message = "`--group` and `--extra` choose parts of a file, and names are given";
    let hint =
        "`flask[async]` asks for an extra of flask; with `--save` they say where it is written";
    Err(vec![Problem::new("bad-option", Class::Usage, message).with_hint(hint)])
}

/// `--save` is `add`, and then the installation of what was added.
fn as_addition(arguments: &InstallArgs) -> Result<AddArgs, Vec<Problem>> {
    let section = match (&arguments.input.groups[..], &arguments.input.extras[..]) {
        ([], []) => SectionArgs::default(),
        ([group], []) => SectionArgs { group: Some(group.clone()), extra: None },
        ([], [extra]) => SectionArgs { group: None, extra: Some(extra.clone()) },
        _ => {
            let message = "names are saved in one group or one extra, and several are given";
            return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
        }
    };
    Ok(AddArgs {
        requirements: arguments.input.names.clone(),
        section,
        project: ProjectArgs::default(),
        policy: arguments.by_name.policy.clone(),
        prerelease: arguments.by_name.prerelease,
        exclude_newer: arguments.by_name.exclude_newer.clone(),
        allow_source: Vec::new(),
        index: arguments.index.clone(),
        python: PythonArgs::default(),
        store: arguments.store.clone(),
    })
}

/// Of a whole lock what the names need in this environment.
fn needed(
    pins: &Pins,
    arguments: &InstallArgs,
    interpreter: &Interpreter,
) -> Result<Pins, Vec<Problem>> {
    let is_here = |release: &&PinnedRelease| {
        let marker = release.marker.as_ref();
        marker.is_none_or(|marker| marker.evaluate(interpreter.markers(), &[]).unwrap_or(true))
    };
    let here: BTreeMap<&ProjectName, &PinnedRelease> =
        pins.releases.iter().filter(is_here).map(|one| (&one.project, one)).collect();
    let names = arguments.input.names.iter().map(|name| {
        Requirement::parse(name).map(|requirement| requirement.name).map_err(|error| {
            let message = format!("`{name}` is no requirement: {error}");
            vec![Problem::new("bad-requirement", Class::Usage, message)]
        })
    });
    let mut open: Vec<ProjectName> = names.collect::<Result<_, _>>()?;
    let mut taken: BTreeMap<ProjectName, PinnedRelease> = BTreeMap::new();
    while let Some(name) = open.pop() {
        let Some(release) = here.get(&name) else { continue };
        if taken.insert(name, PinnedRelease::clone(release)).is_none() {
            open.extend(release.dependencies.iter().map(|(project, _)| project.clone()));
        }
    }
    Ok(Pins { releases: taken.into_values().collect(), ..Pins::default() })
}

/// The versions that are installed: kept where they do, as pip keeps them.
fn installed(target: &Target) -> BTreeMap<ProjectName, Vec<Version>> {
    let layout: Option<&Layout> = match target {
        Target::Venv { .. } => None,
        Target::Folder { layout, .. } => Some(layout),
        Target::Environment(interpreter) => Some(interpreter.layout()),
    };
    // What cannot be read has nothing to keep; the installation itself looks at it again.
    let environment = layout.and_then(|layout| read_environment(layout).ok());
    let packages = environment.into_iter().flat_map(|environment| environment.installed);
    let mut kept: BTreeMap<ProjectName, Vec<Version>> = BTreeMap::new();
    for package in packages {
        kept.entry(package.name).or_default().push(package.version);
    }
    kept
}

fn print_pins(pins: &Pins) {
    let form = Form {
        format: LockFormatChoice::Requirements,
        command: None,
        annotate: false,
        index_url: None,
        extra_index_urls: Vec::new(),
    };
    for line in form.text(pins).lines().filter(|line| !line.trim_start().starts_with('#')) {
        output::print(line);
    }
}

/// The pins as what an environment is to have.
pub(crate) fn wanted_set(pins: &Pins) -> WantedSet {
    WantedSet { wanted: pins.releases.iter().map(wanted).collect(), ..WantedSet::default() }
}

fn wanted(release: &PinnedRelease) -> Wanted {
    let filename = release.files.first();
    let filename = filename.and_then(|file| DistributionFilename::parse(&file.filename).ok());
    let source = match &release.source {
        PinnedSource::Index(index) => WantedSource::Index {
            specifiers: VersionSpecifiers::from(VersionSpecifier::equals(&release.version)),
            pinned: Some(release.version.clone()),
            index: Some(index.clone()),
        },
        PinnedSource::Url(url) => WantedSource::Url {
            url: url.clone(),
            filename,
            subdirectory: None,
            size: release.files.first().map(|file| file.size),
        },
        PinnedSource::Path(path) => WantedSource::Path {
            path: path.clone(),
            filename,
            subdirectory: None,
            size: release.files.first().map(|file| file.size),
        },
    };
    Wanted {
        project: release.project.clone(),
        extras: release.extras.clone(),
        source,
        digests: release.files.iter().map(|file| Digest::from(file.sha256)).collect(),
        files: Vec::new(),
        place: Place { file: COMMAND_LINE.to_owned(), line: 1, column: 1, span: 0..0 },
        marker: None,
    }
}
