//! `log fsck`, `log export` and `log import`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

use countermark_client::report::Problem;
use countermark_client::system::Replacement;
use countermark_service::log::fsck::{self, Report, Subject};
use countermark_service::log::operator::serve::holder;
use countermark_service::log::transfer::{self, Target, TransferError, Transferred};
use countermark_trust::Class;
use jiff::Timestamp;

use super::super::super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log_operator::{LogExportArgs, LogFsckArgs, LogImportArgs};
use crate::output;

/// How many differences are shown.
const SHOWN: usize = 50;

/// After how many records it is said how far it is.
const EVERY: u64 = 1_000_000;

/// Says how far it is, now and then.
struct Steps {
    quiet: bool,
    next: u64,
}

impl Steps {
    fn new(output: &OutputArgs) -> Self {
        Self { quiet: output.quiet || output.no_progress, next: EVERY }
    }

    fn tell(&mut self, done: u64, total: u64) {
        if done < self.next {
            return;
        }
        self.next = done + EVERY;
        if !self.quiet {
            let (done, total) = (output::grouped(done), output::grouped(total));
            output::say(&format!("{done} of {total} records"));
        }
    }
}

/// Runs `log fsck`.
pub(super) fn fsck(arguments: &LogFsckArgs, output: &OutputArgs) -> Outcome {
    let folder = super::open(&arguments.folder)?;
    let keys = folder.verifiers();
    let runtime = super::runtime()?;
    let mut steps = Steps::new(output);
    let report = runtime.block_on(async {
        let (store, tiles) = super::open_engines(&folder).await?;
        let subject = Subject {
            store: store.as_ref(),
            tiles: tiles.as_ref(),
            origin: &folder.config.origin,
            keys: &keys,
            limit: SHOWN,
        };
        let mut progress = |it: fsck::Progress| steps.tell(it.done, it.total);
        let report = if arguments.repair {
            fsck::repair(subject, &mut progress).await
        } else {
            fsck::check(subject, &mut progress).await
        };
        report.map_err(|error| {
            let problem = Problem::of("log-fsck", error.class(), &error);
            vec![super::hinted(problem, error.hint())]
        })
    })?;
    tell(&report);
    if report.is_clean() {
        return Ok(0);
    }
    let mut problems: Vec<Problem> =
        report.differences.iter().map(|it| Problem::of("log-differs", it.class(), it)).collect();
    if report.untold > 0 {
        let message = format!("and {} more", output::grouped(report.untold));
        let class = report.class().unwrap_or(Class::Rejected);
        problems.push(Problem::new("log-differs", class, message));
    }
    // What was signed cannot be written again.
    if !arguments.repair && report.class() == Some(Class::Rejected) {
        let last = problems.pop();
        let hint = "`--repair` writes damaged and missing files again from the database";
        problems.extend(last.map(|problem| problem.with_hint(hint)));
    }
    Err(problems)
}

fn tell(report: &Report) {
    output::print(&format!(
        "{} entries, {} pending, {} files compared",
        output::grouped(report.size),
        output::grouped(report.pending),
        output::grouped(report.tiles)
    ));
    if let Some(root) = report.root {
        output::print(&format!("root {root}"));
    }
    if report.repaired > 0 {
        let repaired = usize::try_from(report.repaired).unwrap_or(usize::MAX);
        output::print(&format!("{} written again", output::count(repaired, "file", "files")));
    }
    if report.is_clean() {
        output::print("everything is as it was signed");
    }
}

/// Runs `log export`.
pub(super) fn export(arguments: &LogExportArgs, output: &OutputArgs) -> Outcome {
    let folder = super::open(&arguments.folder)?;
    let runtime = super::runtime()?;
    let mut steps = Steps::new(output);
    let mut progress = |done, total| steps.tell(done, total);
    let unwritable = |error: io::Error| vec![unwritable(&arguments.file, &error)];
    let is_stdout = arguments.file.as_os_str() == "-";
    if !is_stdout && arguments.file.symlink_metadata().is_ok() {
        let message = format!("`{}` is there already", arguments.file.display());
        let problem = Problem::new("log-transfer", Class::Usage, message);
        return Err(vec![problem.with_hint("an export is never written over; name another file")]);
    }
    let exported = runtime.block_on(async {
        let (store, _) = super::open_engines(&folder).await?;
        let origin = &folder.config.origin;
        if is_stdout {
            let mut to = BufWriter::new(io::stdout());
            let exported = transfer::export(store.as_ref(), origin, &mut to, &mut progress).await;
            return exported.map_err(|error| transfer_problem(&error));
        }
        // Nobody sees half an export under its name.
        let replacement = Replacement::new(&arguments.file).map_err(unwritable)?;
        let mut to = BufWriter::with_capacity(1 << 20, replacement);
        let exported = transfer::export(store.as_ref(), origin, &mut to, &mut progress).await;
        let exported = exported.map_err(|error| transfer_problem(&error))?;
        to.flush().map_err(unwritable)?;
        let replacement = to.into_inner().map_err(|it| unwritable(it.into_error()))?;
        replacement.finish().map_err(unwritable)?;
        Ok(exported)
    })?;
    tell_transferred("exported", &exported);
    Ok(0)
}

/// Runs `log import`.
pub(super) fn import(arguments: &LogImportArgs, output: &OutputArgs) -> Outcome {
    let folder = super::open(&arguments.folder)?;
    let keys = folder.verifiers();
    let name = holder().map_err(|error| super::serve_problem(&error))?;
    let runtime = super::runtime()?;
    let mut steps = Steps::new(output);
    let mut progress = |done, total| steps.tell(done, total);
    let mut from: Box<dyn io::BufRead + Send> = if arguments.file.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(&arguments.file).map_err(|error| {
            let message = format!("cannot read `{}`: {error}", arguments.file.display());
            vec![Problem::new("file-unreadable", Class::Usage, message)]
        })?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let imported = runtime.block_on(async {
        let (store, tiles) = super::open_engines(&folder).await?;
        let target = Target {
            store: store.as_ref(),
            tiles: tiles.as_ref(),
            origin: &folder.config.origin,
            keys: &keys,
            holder: &name,
        };
        let imported = transfer::import(&mut from, target, Timestamp::now(), &mut progress).await;
        imported.map_err(|error| transfer_problem(&error))
    })?;
    tell_transferred("imported", &imported);
    Ok(0)
}

fn tell_transferred(verb: &str, transferred: &Transferred) {
    output::say(&format!(
        "{verb} {} entries with the root {}, and {} pending",
        output::grouped(transferred.size),
        transferred.root,
        output::grouped(transferred.pending)
    ));
}

fn unwritable(file: &Path, error: &io::Error) -> Problem {
    let message = format!("cannot write `{}`: {error}", file.display());
    Problem::new("unwritable", Class::Unavailable, message)
}

fn transfer_problem(error: &TransferError) -> Vec<Problem> {
    vec![super::hinted(Problem::of("log-transfer", error.class(), error), error.hint())]
}
