//! `download`: the checked files of a lock in a folder, for this interpreter or another.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use countermark_client::gather::{Context, Ready};
use countermark_client::interpreter::{TargetDefaults, TargetEnvironment, TargetRequest};
use countermark_client::report::Problem;
use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::name::ExtraName;
use countermark_packaging::tags::CompatibleTags;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use jiff::Timestamp;

use super::install::{gather_or_say, open_store, refuse_source_only};
use super::log::check::{self, Later};
use super::report::replace_file;
use super::{Outcome, input};
use crate::cli::{DownloadArgs, OutputArgs};
use crate::progress::Teller;
use crate::{output, session, setup};

/// What the files have to suit.
struct Environment {
    tags: CompatibleTags,
    markers: MarkerEnvironment,
    python: Version,
}

/// Runs the command.
pub(crate) fn run(arguments: &DownloadArgs, output_arguments: &OutputArgs) -> Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let interrupted = setup::interrupted();
    let teller = Teller::new(output_arguments);
    let folders = setup::folders(&arguments.store)?;
    let environment = environment(arguments, &folders)?;
    let session = session::open("download", &arguments.index, &[], None)?;
    let constraints: Vec<String> =
        session.settings.constraints.iter().map(|one| one.value.clone()).collect();
    let wanted =
        input::read(&arguments.input, &constraints, &environment.markers, &session.http, &teller)?;
    refuse_source_only(&wanted.set)?;
    let session = if wanted.set.options.is_empty() {
        session
    } else {
        session::open("download", &arguments.index, &wanted.set.options, None)?
    };
    session::tell(&session.settings, &teller);
    let store = open_store(&session, &folders, arguments.store.cache_dir.is_some())?;
    let context = Context {
        store: &store,
        index: &session.index,
        http: &session.http,
        tags: &environment.tags,
        markers: &environment.markers,
        python: &environment.python,
        reporter: &teller,
        interrupted: &interrupted,
        folder: &setup::working_folder()?,
        refresh: arguments.index.refresh,
        no_deps: arguments.input.no_deps,
    };
    let log = Later {
        session: &session,
        policy: None,
        folder: context.folder,
        state: store.state(),
        evidence: check::evidence(None, &store),
        teller: &teller,
        now: Timestamp::now(),
    };
    let packages = gather_or_say(context, &wanted, &log)?.packages;
    let dest = setup::absolute(&arguments.dest)?;
    std::fs::create_dir_all(&dest).map_err(|error| vec![cannot_write(&dest, &error)])?;
    let mut bytes = 0;
    for ready in &packages {
        let artifact = ready.entry.tree.artifact();
        let target = dest.join(artifact.filename());
        store
            .export(&ready.pin, artifact.sha256(), &target)
            .map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])?;
        bytes += artifact.size();
        if !output_arguments.quiet {
            output::print(&target.display().to_string());
        }
    }
    if arguments.bundle {
        write_bundle(&dest, &packages)?;
    }
    let good = output::GOOD;
    teller.line(&format!(
        "{good}{}, {}, every byte checked, {:.2} s{good:#}",
        output::count(packages.len(), "file", "files"),
        output::size(bytes),
        started.elapsed().as_secs_f64()
    ));
    Ok(0)
}

fn environment(
    arguments: &DownloadArgs,
    folders: &setup::Folders,
) -> Result<Environment, Vec<Problem>> {
    let interpreter = setup::interpreter(&arguments.python, folders);
    let request = TargetRequest {
        python_version: arguments.python_version.clone(),
        platforms: arguments.platform.clone(),
        implementation: arguments.implementation.clone(),
        abis: arguments.abi.clone(),
    };
    let elsewhere = request.python_version.is_some()
        || request.implementation.is_some()
        || !request.platforms.is_empty()
        || !request.abis.is_empty();
    if !elsewhere {
        let interpreter = interpreter?;
        return Ok(Environment {
            tags: interpreter.tags(),
            markers: interpreter.markers().clone(),
            python: interpreter.version().clone(),
        });
    }
    let facts = interpreter.as_ref().ok().map(|found| (found.tag_facts(), found.markers()));
    let defaults = facts.as_ref().map(|(tags, markers)| TargetDefaults { tags, markers });
    let target = TargetEnvironment::new(&request, defaults.as_ref()).map_err(|error| {
        let problem = Problem::of("target", error.class(), &error);
        vec![match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }]
    })?;
    let python = target.python_full_version.parse().map_err(|_| {
        let message = format!("`{}` is not a version of Python", target.python_full_version);
        vec![Problem::new("target", Class::Usage, message)]
    })?;
    Ok(Environment { tags: target.tags, markers: target.markers, python })
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    let message = format!("cannot write to `{}`", path.display());
    Problem::new("write-failed", Class::Unavailable, message).with_detail(error.to_string())
}

/// Exactly what was downloaded, so that the folder can be installed from without any index.
fn write_bundle(dest: &Path, packages: &[Ready]) -> Result<(), Vec<Problem>> {
    let (mut requirements, mut sums) = (String::new(), String::new());
    for ready in packages {
        let artifact = ready.entry.tree.artifact();
        let hex = artifact.sha256().hex();
        let (project, version) = (&ready.wanted.project, &ready.entry.facts.version);
        let extras: Vec<&str> = ready.wanted.extras.iter().map(ExtraName::as_str).collect();
        let extras =
            if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
        // Writing to a string cannot fail.
        let _ = writeln!(requirements, "{project}{extras}=={version} \\\n    --hash=sha256:{hex}");
        let _ = writeln!(sums, "{hex}  {}", artifact.filename());
    }
    replace_file(&dest.join("requirements.txt"), requirements.as_bytes())?;
    replace_file(&dest.join("SHA256SUMS"), sums.as_bytes())
}
