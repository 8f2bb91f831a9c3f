//! `--proposed`: the lock as it would be, in place of the one on disk.
//!
//! A refused `lock`, `add` or `update` keeps it (`commands::lock::proposal`). Decides which one is meant,
//! and says so: whoever reads an answer has to know of which lock it is.

use std::path::{Path, PathBuf};

use countermark_client::ledger::proposed::{Proposal, Proposals};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::lock::document::{LockDocument, parse_as};
use countermark_trust::Class;

use crate::cli::StoreArgs;
use crate::commands::gate::locks;
use crate::commands::lock::{existing, proposal::sha256};
use crate::progress::Teller;
use crate::setup;

/// A lock as it would be, read.
pub(crate) struct Looked {
    pub(crate) proposal: Proposal,
    pub(crate) document: LockDocument,
    /// The lock that it is for, as messages call it.
    pub(crate) shown: String,
}

/// The one for the lock that is named; else the only one of this folder.
pub(crate) fn find(
    named: &[&PathBuf],
    store: &StoreArgs,
    teller: &Teller,
) -> Result<Looked, Vec<Problem>> {
    let proposals = Proposals::new(&setup::folders(store)?.state);
    let lock = match named {
        [] => only(&proposals)?,
        [one] => PathBuf::from(one),
        _ => {
            let message = "`--proposed` is about one lock, and several are named";
            return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
        }
    };
    let proposal = proposals.of(&lock).map_err(|problem| vec![*problem])?;
    let proposal = proposal.ok_or_else(|| vec![none(&format!("for `{}`", lock.display()))])?;
    let shown = locks::shown(&lock);
    let name = format!("{shown} (proposed)");
    let document = parse_as(proposal.format, &name, proposal.text.as_bytes())
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let looked = Looked { proposal, document, shown };
    looked.tell(teller)?;
    Ok(looked)
}

/// The only lock of this folder of which one is kept.
fn only(proposals: &Proposals) -> Result<PathBuf, Vec<Problem>> {
    let mut locks = proposals.in_folder(&setup::working_folder()?);
    if locks.len() > 1 {
        let names: Vec<String> = locks.iter().map(|lock| locks::shown(lock)).collect();
        let message = format!("there are several proposed locks here: `{}`", names.join("`, `"));
        let problem = Problem::new("several-locks", Class::Usage, message);
        return Err(vec![problem.with_hint(format!("name one of them, as in `{}`", names[0]))]);
    }
    locks.pop().ok_or_else(|| vec![none("in this folder")])
}

fn none(whose: &str) -> Problem {
    let message = format!("there is no proposed lock {whose}");
    Problem::new("no-proposed-lock", Class::Usage, message).with_hint(
        "`countermark lock`, `add` and `update` keep one when the ledger refuses what they would write; \
         without `--proposed` the lock on disk is looked at",
    )
}

impl Looked {
    fn tell(&self, teller: &Teller) -> Result<(), Vec<Problem>> {
        let Self { proposal, shown, .. } = self;
        teller.line(&format!(
            "this is the lock as it would be in place of `{shown}`, of {}",
            proposal.made.strftime("%Y-%m-%d %H:%M UTC")
        ));
        let now = existing::read_bytes(&proposal.lock)?.map(|bytes| sha256(&bytes));
        if now != proposal.before {
            let message = format!("`{shown}` was changed since this was proposed in its place");
            let hint = "run `countermark update` again for what it would be now";
            teller.note(Note::new("proposed-stale", message).with_hint(hint));
        }
        Ok(())
    }

    /// The folder of the lock that it is for.
    pub(crate) fn folder(&self) -> &Path {
        self.proposal.lock.parent().unwrap_or(Path::new("/"))
    }
}

/// A report whose hints name the commands that look at the same lock.
pub(super) fn follow(text: &str, option: &str) -> String {
    let mut with = String::with_capacity(text.len());
    for line in text.lines() {
        with.push_str(line);
        if line.contains("hint:") && line.contains(" countermark vet ") {
            with.push_str(option);
        }
        with.push('\n');
    }
    with
}

/// The option as commands that are shown have it; the lock with it, where it was named.
pub(crate) fn option(is_proposed: bool, named: &[&PathBuf]) -> String {
    if !is_proposed {
        return String::new();
    }
    match named {
        [one] => {
            let shown = one.display().to_string();
            let quoted = shlex::try_quote(&shown).map_or_else(|_| shown.clone(), Into::into);
            format!(" -r {quoted} --proposed")
        }
        _ => " --proposed".to_owned(),
    }
}
