//! `verify`: is the environment still what was installed, and what the lock says?

use std::time::Instant;

use countermark_client::gather::{Context, Ready};
use countermark_client::interpreter::Interpreter;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::store::Store;
use countermark_client::verify::{Finding, Kind, Report, Subject, check_environment};
use countermark_trust::Class;
use jiff::Timestamp;
use serde::Serialize;

use super::install::{gather_or_say, open_store, refuse_source_only};
use super::log::check::{self, Later};
use super::{Outcome, input};
use crate::cli::{InputArgs, OutputArgs, ReportFormat, VerifyArgs};
use crate::progress::Teller;
use crate::{output, session, setup};

/// Runs the command.
pub(crate) fn run(arguments: &VerifyArgs, output: &OutputArgs) -> Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let interrupted = setup::interrupted();
    let teller = Teller::new(output);
    let folders = setup::folders(&arguments.store)?;
    let interpreter = setup::interpreter(&arguments.python, &folders)?;
    let (target, prefix) = (arguments.target.as_deref(), arguments.prefix.as_deref());
    let layout = match setup::other_layout(target, prefix, &interpreter)? {
        Some(layout) => layout,
        None => interpreter.layout().clone(),
    };
    let session = session::open("install", &arguments.index, &[], None)?;
    let store = open_store(&session, &folders, arguments.store.cache_dir.is_some())?;
    let locked = if has_input(&arguments.input) {
        Some(gather_locked(arguments, &interpreter, session, &store, &interrupted, &teller)?)
    } else {
        None
    };
    let subject = Subject {
        store: &store,
        interpreter: &interpreter,
        layout: &layout,
        locked: locked.as_deref(),
        reporter: &teller,
        interrupted: &interrupted,
    };
    let report = check_environment(&subject)?;
    let code = exit_code(&report, arguments.strict);
    match arguments.format {
        ReportFormat::Json => output::print(&json(&report, code)),
        ReportFormat::Text => text(&report, started, &teller),
    }
    Ok(code)
}

fn has_input(input: &InputArgs) -> bool {
    !input.requirements.is_empty() || !input.names.is_empty()
}

/// What the lock means for this interpreter; missing wheels are fetched, since only they can prove
/// what should be installed.
fn gather_locked(
    arguments: &VerifyArgs,
    interpreter: &Interpreter,
    session: session::Session,
    store: &Store,
    interrupted: &std::sync::atomic::AtomicBool,
    teller: &Teller,
) -> Result<Vec<Ready>, Vec<Problem>> {
    let constraints: Vec<String> =
        session.settings.constraints.iter().map(|one| one.value.clone()).collect();
    let markers = interpreter.markers();
    let wanted = input::read(&arguments.input, &constraints, markers, &session.http, teller)?;
    refuse_source_only(&wanted.set)?;
    let session = if wanted.set.options.is_empty() {
        session
    } else {
        session::open("install", &arguments.index, &wanted.set.options, None)?
    };
    session::tell(&session.settings, teller);
    let tags = interpreter.tags();
    let context = Context {
        store,
        index: &session.index,
        http: &session.http,
        tags: &tags,
        markers,
        python: interpreter.version(),
        reporter: teller,
        interrupted,
        folder: &setup::working_folder()?,
        refresh: arguments.index.refresh,
        no_deps: arguments.input.no_deps,
    };
    let log = Later {
        session: &session,
        policy: None,
        folder: context.folder,
        state: store.state(),
        evidence: check::evidence(None, store),
        teller,
        now: Timestamp::now(),
    };
    let gathered = gather_or_say(context, &wanted, &log)?;
    if gathered.asked {
        teller.note(Note::new(
            "fetched",
            "wheels that the store lacked were fetched to compare with",
        ));
    }
    Ok(gathered.packages)
}

/// A finding is a "no", except where nothing could be decided.
fn exit_code(report: &Report, strict: bool) -> u8 {
    let class = |finding: &Finding| match finding.kind {
        Kind::Unreadable => Some(Class::Unavailable),
        Kind::Unproven => strict.then_some(Class::Rejected),
        Kind::Interrupted
        | Kind::Extra
        | Kind::Changed
        | Kind::Missing
        | Kind::NotLocked
        | Kind::NotInstalled
        | Kind::Unlisted => Some(Class::Rejected),
    };
    report.findings.iter().filter_map(class).reduce(Class::worst).map_or(0, Class::exit_code)
}

fn text(report: &Report, started: Instant, teller: &Teller) {
    for finding in &report.findings {
        output::print(&output::visible(&finding.to_string()));
    }
    let found = match report.findings.len() {
        0 => "as installed".to_owned(),
        count => output::count(count, "finding", "findings"),
    };
    let packages = output::count(report.packages, "package", "packages");
    let files = usize::try_from(report.files).unwrap_or(usize::MAX);
    let files = output::count(files, "file", "files");
    let proved = output::grouped(report.proved as u64);
    let elapsed = started.elapsed().as_secs_f64();
    let unreadable = report.findings.iter().any(|finding| finding.kind == Kind::Unreadable);
    let checked = if report.proved == report.packages && !unreadable {
        format!("{proved} of them proved, {files}, every byte checked")
    } else {
        // Of other packages only what they say themselves was compared.
        format!("{proved} of {} proved, {files}", output::grouped(report.packages as u64))
    };
    teller.line(&format!("{packages}, {checked}, {elapsed:.2} s: {found}"));
}

/// The published form of `verify --format json`.
#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    verdict: &'static str,
    packages: usize,
    proved: usize,
    files: u64,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    kind: String,
    project: Option<&'a str>,
    path: Option<&'a str>,
    detail: &'a str,
}

fn json(report: &Report, code: u8) -> String {
    let document = Document {
        format: 1,
        verdict: match code {
            0 => "accepted",
            3 => "undecided",
            _ => "rejected",
        },
        packages: report.packages,
        proved: report.proved,
        files: report.files,
        findings: report.findings.iter().map(row).collect(),
    };
    // Numbers and strings always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn row(finding: &Finding) -> Row<'_> {
    Row {
        kind: finding.kind.name().replace(' ', "-"),
        project: finding.project.as_deref(),
        path: finding.path.as_deref(),
        detail: &finding.detail,
    }
}
