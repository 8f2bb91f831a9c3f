//! `vet merge`: two branches of a ledger as one, asked by git or by people.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use countermark_client::ledger::Folder;
use countermark_client::ledger::unmerged;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::system::replace_file;
use countermark_ledger::merge::{Conflict, Kind, Merged, Side, merge};
use countermark_trust::Class;

use super::place;
use crate::cli::OutputArgs;
use crate::cli::vet::MergeArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Runs the command.
pub(super) fn run(arguments: &MergeArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    match (&arguments.base, &arguments.ours, &arguments.theirs) {
        (Some(base), Some(ours), Some(theirs)) => {
            three(base, ours, theirs, arguments.path.as_deref(), &teller)
        }
        _ => settle(arguments, output, &teller),
    }
}

/// As git's merge driver. What it leaves in conflict has both sides between marks.
fn three(base: &Path, ours: &Path, theirs: &Path, path: Option<&str>, teller: &Teller) -> Outcome {
    let [base_text, our_text, their_text] = [base, ours, theirs].map(read);
    let (base_text, our_text, their_text) = (base_text?, our_text?, their_text?);
    let kind = path.and_then(Kind::of_path);
    let kind = kind.or_else(|| {
        [&our_text, &their_text, &base_text].into_iter().find_map(|text| Kind::of_text(text))
    });
    let Some(kind) = kind else {
        let message = "it does not show which file of a ledger this is";
        let problem = Problem::new("not-a-ledger-file", Class::Usage, message);
        return Err(vec![problem.with_hint(
            "give its path as the fourth argument: `… BASE OURS THEIRS ledger/reviews.toml`",
        )]);
    };
    let shown = path.map_or_else(|| ours.display().to_string(), str::to_owned);
    let names =
        ["common ancestor", "our side", "their side"].map(|side| format!("{shown} ({side})"));
    let side = |number: usize, text| Side { file: &names[number], text };
    let merged = merge(kind, side(0, &base_text), side(1, &our_text), side(2, &their_text))
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let text = if merged.conflicts.is_empty() { merged.text.clone() } else { merged.marked() };
    replace_file(ours, text.as_bytes()).map_err(|error| {
        let message = format!("cannot write {}: {error}", ours.display());
        vec![Problem::new("file-not-written", Class::Unavailable, message)]
    })?;
    let Merged { notes, conflicts, .. } = merged;
    tell(&shown, notes, teller);
    Ok(output::show_problems(&problems(&shown, &conflicts)))
}

/// What git left in conflict in the folder of the ledger.
fn settle(arguments: &MergeArgs, output: &OutputArgs, teller: &Teller) -> Outcome {
    let here = setup::working_folder()?;
    let folder: Folder = place::find(&arguments.ledger, &here)?;
    let held = folder.hold(&AtomicBool::new(false), || {
        teller.note(Note::new("vet-waits", "another program changes this ledger; waiting for it"));
    });
    let held = held.map_err(|problem| vec![*problem])?;
    let settled = unmerged::settle(&held)?;
    if settled.is_empty() && !output.quiet {
        output::print("nothing of the ledger is in conflict");
    }
    let mut wrong = Vec::new();
    for one in settled {
        let shown = folder.shown(&one.name);
        if one.conflicts.is_empty() && !output.quiet {
            output::print(&format!("{shown} is merged"));
        }
        tell(&shown, one.notes, teller);
        wrong.extend(problems(&shown, &one.conflicts));
    }
    Ok(output::show_problems(&wrong))
}

fn tell(shown: &str, notes: Vec<String>, teller: &Teller) {
    for note in notes {
        teller.note(Note::new("vet-merged", format!("{shown}: {note}")));
    }
}

fn problems(shown: &str, conflicts: &[Conflict]) -> Vec<Problem> {
    let problem = |conflict: &Conflict| {
        let message = format!("{shown}: the sides disagree: {}", conflict.about);
        Problem::new("vet-conflict", Class::Rejected, message)
            .with_hint("choose between the marks, then run `countermark vet merge` again")
    };
    conflicts.iter().map(problem).collect()
}

fn read(path: &Path) -> Result<String, Vec<Problem>> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // The three are temporary files of git's; they are read within the limits of a ledger.
    let text = Folder::at(folder).read_text(name)?;
    text.ok_or_else(|| {
        let message = format!("cannot read {}: it is not there", path.display());
        vec![Problem::new("file-unreadable", Class::Usage, message)]
    })
}
