//! `update`: shows what moves, and moves it where the policy agrees.

use std::collections::BTreeSet;
use std::time::Instant;

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_lock::moves::{json, markdown, text};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::files::{self, Options};
use super::patches;
use crate::cli::OutputArgs;
use crate::cli::lock::LockArgs;
use crate::cli::project::{MovesFormat, UpdateArgs};
use crate::commands::Outcome;
use crate::commands::lock::judge::Look;
use crate::commands::lock::{Done, How, Plan, Workplace, existing};
use crate::progress::Teller;
use crate::{output, session};

/// Runs the command.
pub(crate) fn run(arguments: &UpdateArgs, output: &OutputArgs) -> Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let teller = Teller::new(output);
    let work = Workplace::new(&teller, &arguments.store)?;
    let options = Options {
        project: &arguments.project,
        policy: &arguments.policy,
        prerelease: None,
        exclude_newer: arguments.exclude_newer.as_deref(),
        index: &arguments.index,
        python: &arguments.python,
        store: &arguments.store,
        makes_input: false,
    };
    let mut asked = files::arguments(&options)?;
    let (names, shown) = (existing::names(&arguments.names)?, existing::names(&arguments.diff)?);
    check_pinned(&asked, names.union(&shown))?;
    if names.is_empty() {
        asked.upgrade.upgrade = true;
    } else {
        let moved = names.iter().map(ToString::to_string);
        asked.upgrade.upgrade_package = moved.collect();
    }
    let how = How { look: Look::Everything, kept: shown.clone(), ..How::default() };
    let done = Plan::new(&asked)?.lock(&work, &asked, &how)?;
    show(&done, arguments.format, &work);
    for name in &shown {
        match done.changes.kept.get(name) {
            Some(compared) => patches::show(name, compared, &arguments.patches, &teller)?,
            None => {
                let message = format!("`{name}` does not move, so there is no difference to show");
                teller.note(Note::new("not-moved", message));
            }
        }
    }
    done.refuse()?;
    if arguments.project.dry_run {
        if let Some(kept) = &done.kept {
            kept.tell(&teller);
        }
        let what = if done.judged.is_empty() { "no pin would move; " } else { "" };
        let kept = if shown.is_empty() { "nothing was written" } else { "the lock stays as it is" };
        teller.line(&format!("{what}{kept} (`--dry-run`)"));
        return Ok(0);
    }
    done.write()?;
    done.summary(&work, started);
    Ok(0)
}

fn show(done: &Done, format: MovesFormat, work: &Workplace<'_>) {
    let text = match format {
        MovesFormat::Text => text::write(&done.judged),
        MovesFormat::Json => json::write(&done.judged, work.now),
        MovesFormat::Markdown => markdown::write(&done.judged),
    };
    if !text.is_empty() {
        output::print(text.trim_end_matches('\n'));
    }
}

/// A name that the lock does not have is a mistake of typing.
fn check_pinned<'a>(
    asked: &LockArgs,
    names: impl Iterator<Item = &'a ProjectName>,
) -> Result<(), Vec<Problem>> {
    let Some(path) = &asked.output else { return Ok(()) };
    let Some(existing) = existing::read(path)? else {
        let message = format!("there is no lock at `{}` to update", path.display());
        let hint = "`countermark lock` makes it";
        return Err(vec![Problem::new("no-lock", Class::Usage, message).with_hint(hint)]);
    };
    let pinned: BTreeSet<&ProjectName> =
        existing.document.packages.iter().map(|package| &package.project).collect();
    let problem = |name: &ProjectName| {
        let message = format!("`{}` does not pin `{name}`", path.display());
        let problem = Problem::new("not-pinned", Class::Usage, message);
        problem
            .with_hint("`countermark add` takes a new one; `countermark tree` shows what is pinned")
    };
    let problems: Vec<Problem> = names.filter(|name| !pinned.contains(name)).map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
