//! `add`: a requirement more in the input, and the pins that follow.

use std::time::Instant;

use countermark_client::report::Problem;
use countermark_lock::edit::pyproject::{self, Section};
use countermark_lock::edit::requirements;
use countermark_lock::moves::evidence::Judged;
use countermark_lock::moves::text;
use countermark_packaging::name::{ExtraName, normalize};
use countermark_packaging::requirement::Requirement;
use countermark_trust::Class;

use super::files::{Edit, Options, Pair, write};
use crate::cli::OutputArgs;
use crate::cli::project::{AddArgs, SectionArgs};
use crate::commands::Outcome;
use crate::commands::lock::judge::Look;
use crate::commands::lock::{Done, How, Plan, Workplace};
use crate::progress::Teller;
use crate::{output, session};

/// Runs the command.
pub(crate) fn run(arguments: &AddArgs, output: &OutputArgs) -> Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let teller = Teller::new(output);
    let work = Workplace::new(&teller, &arguments.store)?;
    let added = add_to(arguments, &work, false)?;
    show(&added.done.judged);
    added.done.refuse()?;
    if arguments.project.dry_run {
        if let Some(kept) = &added.done.kept {
            kept.tell(&teller);
        }
        teller.line("nothing was written (`--dry-run`)");
        return Ok(0);
    }
    added.write()?;
    added.done.summary(&work, started);
    Ok(0)
}

/// What moves, if anything does.
pub(super) fn show(judged: &[Judged]) {
    let text = text::write(judged);
    if !text.is_empty() {
        output::print(text.trim_end_matches('\n'));
    }
}

/// An input and its lock, with something more, that were not written yet.
pub(crate) struct Added {
    pub(crate) done: Done,
    edit: Edit,
}

impl Added {
    /// Writes both.
    pub(crate) fn write(&self) -> Result<(), Vec<Problem>> {
        write(&self.done, &self.edit)
    }
}

/// What adding the requirements gives. Files that are about to be installed are kept.
pub(crate) fn add_to(
    arguments: &AddArgs,
    work: &Workplace<'_>,
    installs: bool,
) -> Result<Added, Vec<Problem>> {
    let options = Options {
        project: &arguments.project,
        policy: &arguments.policy,
        prerelease: arguments.prerelease,
        exclude_newer: arguments.exclude_newer.as_deref(),
        index: &arguments.index,
        python: &arguments.python,
        store: &arguments.store,
        makes_input: true,
    };
    let requirements = parse(&arguments.requirements)?;
    let mut pair = Pair::find(&options)?;
    let section = section(&pair, &arguments.section)?;
    let before = pair.read(&options)?;
    let mut text = before.clone();
    for requirement in &requirements {
        text = with(&pair, &text, section.as_ref(), requirement)?;
        // A pin that is there may be what stands in the way of what is asked for now.
        pair.arguments.upgrade.upgrade_package.push(requirement.name.to_string());
    }
    for name in &arguments.allow_source {
        let allowed = &mut pair.arguments.resolution.allow_source;
        if !allowed.contains(name) {
            allowed.push(name.clone());
        }
    }
    select(&mut pair, section.as_ref());
    let edited = Some((pair.input.clone(), text.clone()));
    let how = How { look: Look::Everything, edited, installs, ..How::default() };
    let done = Plan::new(&pair.arguments)?.lock(work, &pair.arguments, &how)?;
    let edit = Edit { path: pair.input, before, after: text };
    Ok(Added { done, edit })
}

fn parse(texts: &[String]) -> Result<Vec<Requirement>, Vec<Problem>> {
    let (mut requirements, mut problems) = (Vec::new(), Vec::new());
    for text in texts {
        match Requirement::parse(text) {
            Ok(requirement) => requirements.push(requirement),
            Err(error) => {
                let message = format!("`{text}` is no requirement: {error}");
                problems.push(Problem::new("bad-requirement", Class::Usage, message));
            }
        }
    }
    if problems.is_empty() { Ok(requirements) } else { Err(problems) }
}

fn with(
    pair: &Pair,
    text: &[u8],
    section: Option<&Section>,
    requirement: &Requirement,
) -> Result<Vec<u8>, Vec<Problem>> {
    let file = pair.input.display().to_string();
    let edited = match section {
        Some(section) => {
            pyproject::add(&file, &utf8(&file, text)?, section, requirement).map(String::into_bytes)
        }
        None => requirements::add(&file, text, requirement),
    };
    edited.map_err(|error| vec![Problem::from(&error)])
}

/// The part of a `pyproject.toml` that is meant; none in a requirements file.
pub(super) fn section(
    pair: &Pair,
    arguments: &SectionArgs,
) -> Result<Option<Section>, Vec<Problem>> {
    let chosen = match (&arguments.group, &arguments.extra) {
        (Some(group), _) => Some(Section::Group(normalize(group))),
        (None, Some(extra)) => {
            let extra = ExtraName::parse(extra).map_err(|error| {
                vec![Problem::new("bad-extra", Class::Usage, format!("`{extra}`: {error}"))]
            })?;
            Some(Section::Extra(extra))
        }
        (None, None) => None,
    };
    match (pair.is_pyproject(), chosen) {
        (true, chosen) => Ok(Some(chosen.unwrap_or(Section::Dependencies))),
        (false, None) => Ok(None),
        (false, Some(_)) => {
            let message = format!("`{}` has neither groups nor extras", pair.input.display());
            let hint = "`--group` and `--extra` are for a pyproject.toml";
            Err(vec![Problem::new("bad-option", Class::Usage, message).with_hint(hint)])
        }
    }
}

/// The lock has to have the part into which something was put.
fn select(pair: &mut Pair, section: Option<&Section>) {
    let chosen = &mut pair.arguments.selection;
    match section {
        Some(Section::Group(group)) if !chosen.all_groups && !chosen.groups.contains(group) => {
            chosen.groups.push(group.clone());
        }
        Some(Section::Extra(extra)) => {
            let extra = extra.to_string();
            if !chosen.all_extras && !chosen.extras.contains(&extra) {
                chosen.extras.push(extra);
            }
        }
        Some(Section::Group(_) | Section::Dependencies) | None => {}
    }
}

/// A `pyproject.toml` is UTF-8.
pub(super) fn utf8(file: &str, bytes: &[u8]) -> Result<String, Vec<Problem>> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        let message = format!("`{file}` is not UTF-8");
        vec![Problem::new("encoding", Class::Usage, message)]
    })
}
