//! `log convict`: does a saved file prove what it says? For anybody, with nothing but keys.

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::evidence::{Conviction, Evidence, Kind, Statement, convict};
use serde::Serialize;

use super::use_log::parse_keys;
use crate::cli::OutputArgs;
use crate::cli::log_client::LogConvictArgs;
use crate::commands::Outcome;
use crate::commands::lock::{existing, policy};
use crate::progress::Teller;
use crate::{output, setup};

/// Runs the command.
pub(super) fn run(arguments: &LogConvictArgs, output_arguments: &OutputArgs) -> Outcome {
    let teller = Teller::new(output_arguments);
    let evidence = read(arguments)?;
    let keys = keys(arguments, &evidence)?;
    let conviction = convict(&evidence, &keys).map_err(|unproven| {
        let message = format!("`{}` proves nothing: {unproven}", arguments.file.display());
        vec![Problem::new("no-conviction", unproven.class(), message)]
    })?;
    let text = if arguments.json { json(&conviction) } else { text(&conviction) };
    // The names of logs and keys are those of whoever wrote the file.
    output::print(&output::visible(text.trim_end()));
    if !conviction.keys_are_given {
        let keys: Vec<String> = conviction.keys.iter().map(ToString::to_string).collect();
        let message = format!(
            "the keys stand in the file itself, and whoever wrote it may have made them up:\n  {}",
            keys.join("\n  ")
        );
        let hint = "compare them with the published ones, and give those with `--key`";
        teller.note(Note::new("keys-of-the-file", message).with_hint(hint));
    }
    Ok(0)
}

fn read(arguments: &LogConvictArgs) -> Result<Evidence, Vec<Problem>> {
    let path = &arguments.file;
    let bytes = existing::read_bytes(path)?.ok_or_else(|| {
        let message = format!("there is no `{}`", path.display());
        vec![Problem::new("file-unreadable", Class::Usage, message)]
    })?;
    Evidence::parse(&bytes).map_err(|error| {
        let message = format!("`{}` is no evidence", path.display());
        let problem = Problem::new("bad-evidence", error.class(), message);
        vec![problem.with_detail(error.to_string())]
    })
}

/// The keys that are given; without, those of the policy, if it is about that log; and none, which means
/// those of the file.
fn keys(arguments: &LogConvictArgs, evidence: &Evidence) -> Result<Vec<VerifierKey>, Vec<Problem>> {
    let given = parse_keys(&arguments.key)?;
    if !given.is_empty() {
        return Ok(given);
    }
    let policy = policy::find(arguments.policy.as_deref(), &setup::working_folder()?)?;
    let log = policy.log();
    if log.origin() != Some(evidence.log()) {
        return Ok(Vec::new());
    }
    Ok(match evidence.kind() {
        Kind::BadCosignature => log.witnesses.clone(),
        Kind::ForkSameSize | Kind::ForkInconsistent | Kind::RolledBack | Kind::Equivocation => {
            log.keys.iter().map(|key| key.vkey.clone()).collect()
        }
    })
}

fn text(conviction: &Conviction) -> String {
    let what = match conviction.kind {
        Kind::ForkSameSize | Kind::ForkInconsistent => {
            format!("proved: `{}` signed two histories", conviction.log)
        }
        Kind::RolledBack => format!("proved: `{}` went back", conviction.log),
        Kind::Equivocation => {
            format!("proved: `{}` has recorded two digests of one file", conviction.log)
        }
        Kind::BadCosignature => {
            format!("proved: a witness cosigned two histories of `{}`", conviction.log)
        }
    };
    let keys: Vec<String> =
        conviction.keys.iter().map(|key| format!("\n  signed by {key}")).collect();
    format!("{what}\n  {}{}\n", conviction.statement, keys.concat())
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    kind: &'static str,
    log: &'a str,
    keys: Vec<String>,
    keys_are_given: bool,
    views: Vec<ViewDocument>,
    statement: String,
}

#[derive(Serialize)]
struct ViewDocument {
    size: u64,
    root: String,
}

fn json(conviction: &Conviction) -> String {
    let views = match &conviction.statement {
        Statement::Views { first, second } => vec![first, second],
        Statement::Shrunk { smaller, larger } => vec![&smaller.0, &larger.0],
        Statement::Digests { .. } => Vec::new(),
    };
    let view = |view: &_| {
        let countermark_trust::log::evidence::View { size, root } = view;
        ViewDocument { size: *size, root: root.to_base64() }
    };
    let document = Document {
        version: 1,
        kind: conviction.kind.name(),
        log: &conviction.log,
        keys: conviction.keys.iter().map(ToString::to_string).collect(),
        keys_are_given: conviction.keys_are_given,
        views: views.into_iter().map(view).collect(),
        statement: conviction.statement.to_string(),
    };
    // Numbers, strings and lists always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
