//! Whose keys count, and what their criteria mean here: a person decides, by options or at a terminal.
//!
//! Nothing is taken over because it has the same name. An author's name says nothing about whose key it
//! is, so the short names of keys are shown, to be compared with what that author published elsewhere.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use countermark_client::report::Problem;
use countermark_ledger::criteria::{CriterionName, SAFE_TO_DEPLOY, SAFE_TO_RUN};
use countermark_ledger::ledger::{AuthorKey, Ledger};
use countermark_packaging::table::did_you_mean;
use countermark_trust::Class;

use super::super::ground;
use super::shown;
use crate::cli::vet::ImportAddArgs;
use crate::output;

/// Longest answer of a person, in bytes.
const LONGEST: u64 = 4096;

type Mapping = BTreeMap<CriterionName, Vec<CriterionName>>;

/// Whether a person can be asked.
pub(super) fn has_person() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The keys of theirs that count here.
pub(super) fn keys(
    arguments: &ImportAddArgs,
    theirs: &Ledger,
) -> Result<Vec<AuthorKey>, Vec<Problem>> {
    if arguments.accept_keys {
        return Ok(theirs.keys.clone());
    }
    let mut chosen: Vec<AuthorKey> = Vec::new();
    let mut wanted = arguments.key.clone();
    if wanted.is_empty() && !theirs.keys.is_empty() && has_person() {
        let question = "whose keys count here? [authors or keys with spaces, all, none] ";
        match ask(question).as_str() {
            "all" => return Ok(theirs.keys.clone()),
            "" | "none" => {}
            text => wanted.extend(text.split_whitespace().map(str::to_owned)),
        }
    }
    for text in &wanted {
        let is_meant =
            |key: &&AuthorKey| key.author == *text || key.key == *text || shown::key(key) == *text;
        let meant: Vec<&AuthorKey> = theirs.keys.iter().filter(is_meant).collect();
        if meant.is_empty() {
            let known: Vec<&str> = theirs.keys.iter().map(|it| it.author.as_str()).collect();
            let message = format!("`{}` has no key of `{text}`", theirs.name);
            let hint = did_you_mean(text, &known, "its authors are");
            return Err(vec![Problem::new("bad-option", Class::Usage, message).with_hint(hint)]);
        }
        for key in meant {
            if !chosen.contains(key) {
                chosen.push(key.clone());
            }
        }
    }
    Ok(chosen)
}

/// What their criteria count as here.
pub(super) fn mapping(
    arguments: &ImportAddArgs,
    theirs: &Ledger,
    ours: &Ledger,
) -> Result<Mapping, Vec<Problem>> {
    let mut mapping = Mapping::new();
    let mut builtin = arguments.map_builtin;
    if !builtin && arguments.map.is_empty() && has_person() {
        let question = format!("do its {SAFE_TO_RUN} and {SAFE_TO_DEPLOY} count as ours? [y/N] ");
        builtin = matches!(ask(&question).as_str(), "y" | "Y" | "yes");
    }
    for name in builtin.then_some([SAFE_TO_RUN, SAFE_TO_DEPLOY]).into_iter().flatten() {
        let name = ground::criterion(name, ours)?;
        // A ledger may say that its safe-to-run implies more; it still counts as no more than ours.
        mapping.insert(name.clone(), vec![name]);
    }
    for pair in &arguments.map {
        let Some((name, counts_as)) = pair.split_once('=') else {
            return Err(ground::bad(format!("`--map {pair}` is not THEIRS=OURS")));
        };
        let (name, counts_as) =
            (ground::criterion(name, theirs)?, ground::criterion(counts_as, ours)?);
        let list = mapping.entry(name).or_default();
        if !list.contains(&counts_as) {
            list.push(counts_as);
            list.sort();
        }
    }
    Ok(mapping)
}

fn ask(question: &str) -> String {
    let _ = write!(anstream::stderr().lock(), "{question}");
    let mut answer = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_line(&mut answer);
    if read.is_err() {
        output::say("");
    }
    answer.trim().to_owned()
}
