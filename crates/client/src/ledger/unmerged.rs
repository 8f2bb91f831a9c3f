//! A ledger in the middle of a merge: the sides as git has them, and how git is told to ask us.
//!
//! Trusts git for what the sides are; they are read and merged as any other file of a ledger. Of an
//! imported file the side that has the recorded digest is taken, or none: what was fetched is not merged.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use countermark_ledger::format::limits;
use countermark_ledger::ledger::Ledger;
use countermark_ledger::merge::{Conflict, Kind, Side, merge};
use countermark_packaging::digest::Sha256;
use countermark_trust::Class;
use sha2::Digest as _;

use super::folder::{COMMITS, Folder, Held, IMPORTS, LEDGER, REVIEWS, told};
use crate::records::git::process::Git;
use crate::report::Problem;
use crate::system::replace_file;

/// Attributes of the files of a ledger, for the `.gitattributes` in its folder.
pub const ATTRIBUTES: &str = "\
# Written by `countermark vet init`: entries are merged one by one, and what was fetched never.
ledger.toml merge=countermark text eol=lf
reviews.toml merge=countermark text eol=lf
facts.toml merge=countermark text eol=lf
relations.toml merge=countermark text eol=lf
imports/** -merge -text
";

/// What a clone has to be told once, so that git asks us; without it `countermark vet merge` does the
/// same afterwards.
pub const CONFIGURE: &str =
    "git config merge.countermark.driver \"countermark vet merge %O %A %B %P\"";

/// The most bytes of git's list of files in conflict.
const LIST: u64 = 16 << 20;

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The file, below the folder of the ledger.
    pub name: String,
    /// What was decided that people may want to know.
    pub notes: Vec<String>,
    /// What people have to decide; the file has both sides between marks.
    pub conflicts: Vec<Conflict>,
}

/// The three sides of a file in conflict, by their stage: 1 base, 2 ours, 3 theirs.
type Stages = BTreeMap<u8, Vec<u8>>;

/// Writes the `.gitattributes` of a ledger where there is none.
///
/// # Errors
/// When the file system says no.
pub fn write_attributes(folder: &Path) -> io::Result<bool> {
    let path = folder.join(".gitattributes");
    if path.exists() {
        return Ok(false);
    }
    replace_file(&path, ATTRIBUTES.as_bytes())?;
    Ok(true)
}

/// Merges every file of the ledger that git left in conflict, and tells git which ones are resolved.
///
/// # Errors
/// What is wrong with the sides, with git, or with the file system.
pub fn settle(held: &Held<'_>) -> Result<Vec<Settled>, Vec<Problem>> {
    let repository = Repository::of(held.folder()).map_err(|problem| vec![*problem])?;
    let mut unmerged = repository.unmerged().map_err(|problem| vec![*problem])?;
    let mut settled = Vec::new();
    // Decisions first: they say which side of an imported file counts.
    for (kind, name) in Kind::ALL {
        let Some(stages) = unmerged.remove(name) else { continue };
        settled.push(settle_file(held, kind, name, &stages)?);
    }
    let recorded = if unmerged.is_empty() || settled.iter().any(|it| !it.conflicts.is_empty()) {
        BTreeMap::new()
    } else {
        recorded(&held.folder().read_ledger()?)
    };
    for (name, stages) in unmerged {
        settled.push(settle_imported(held, name, &stages, &recorded)?);
    }
    let done = settled.iter().filter(|it| it.conflicts.is_empty()).map(|it| it.name.as_str());
    repository.resolved(&done.collect::<Vec<_>>()).map_err(|problem| vec![*problem])?;
    Ok(settled)
}

fn settle_file(
    held: &Held<'_>,
    kind: Kind,
    name: &str,
    stages: &Stages,
) -> Result<Settled, Vec<Problem>> {
    let folder = held.folder();
    let texts = [1, 2, 3].map(|stage| text(folder, name, stages.get(&stage)));
    let [base, ours, theirs] = texts;
    let (base, ours, theirs) = (base?, ours?, theirs?);
    let names = ["common ancestor", "our side", "their side"]
        .map(|side| format!("{} ({side})", folder.shown(name)));
    let side = |number: usize, text| Side { file: &names[number], text };
    let merged = merge(kind, side(0, &base), side(1, &ours), side(2, &theirs))
        .map_err(|errors| told(&errors))?;
    let there = folder.read_text(name)?.unwrap_or_default();
    let by_hand = there != ours
        && there != theirs
        && !there.lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "));
    if by_hand {
        // Somebody answered already. What they wrote has to be a good file.
        let side = Side { file: &names[1], text: &there };
        merge(kind, side, side, side).map_err(|errors| told(&errors))?;
        let notes = vec!["it is left as it was resolved by hand".to_owned()];
        return Ok(Settled { name: name.to_owned(), notes, conflicts: Vec::new() });
    }
    let text = if merged.conflicts.is_empty() { merged.text } else { merged.marked() };
    held.write(name, text.as_bytes()).map_err(|problem| vec![*problem])?;
    Ok(Settled { name: name.to_owned(), notes: merged.notes, conflicts: merged.conflicts })
}

fn text(folder: &Folder, name: &str, bytes: Option<&Vec<u8>>) -> Result<String, Vec<Problem>> {
    let bytes = bytes.cloned().unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| {
        let message = format!("a side of {} is not UTF-8", folder.shown(name));
        vec![Problem::new("encoding", Class::Usage, message)]
    })
}

/// The digest that each imported file has to have.
fn recorded(ledger: &Ledger) -> BTreeMap<String, Option<Sha256>> {
    let of = |import: &countermark_ledger::ledger::Import| {
        [(LEDGER, import.ledger), (REVIEWS, import.reviews), (COMMITS, import.commits)]
            .map(|(file, digest)| (format!("{IMPORTS}/{}/{file}", import.name), digest))
    };
    ledger.imports.iter().flat_map(of).collect()
}

fn settle_imported(
    held: &Held<'_>,
    name: String,
    stages: &Stages,
    recorded: &BTreeMap<String, Option<Sha256>>,
) -> Result<Settled, Vec<Problem>> {
    let expected = recorded.get(&name).copied().flatten();
    let has = |bytes: &&Vec<u8>| Some(Sha256(sha2::Sha256::digest(bytes).into())) == expected;
    if let Some(bytes) = stages.values().find(has) {
        held.write(&name, bytes).map_err(|problem| vec![*problem])?;
        let notes = vec!["the side that `ledger.toml` records".to_owned()];
        return Ok(Settled { name, notes, conflicts: Vec::new() });
    }
    let about = if name.starts_with(&format!("{IMPORTS}/")) {
        "no side has the digest that `ledger.toml` records; `countermark vet import` fetches it again"
    } else {
        "it is no file that is merged here; choose a side with git"
    };
    let conflict = Conflict { about: about.to_owned(), ours: None, theirs: None };
    Ok(Settled { name, notes: Vec::new(), conflicts: vec![conflict] })
}

/// The repository around a ledger.
struct Repository {
    git: Git,
    /// The folder of the ledger, below the root; empty or with a `/` at its end.
    prefix: String,
}

impl Repository {
    fn of(folder: &Folder) -> Result<Self, Box<Problem>> {
        let failed = |message: String| Problem::new("no-repository", Class::Usage, message);
        let path: PathBuf = fs::canonicalize(folder.path())
            .map_err(|error| failed(format!("cannot read {}: {error}", folder.path().display())))?;
        let root = path.ancestors().find(|it| it.join(".git").exists()).ok_or_else(|| {
            let message = format!("{} is in no git repository", folder.path().display());
            let hint = "give the three files: `countermark vet merge BASE OURS THEIRS`";
            Box::new(failed(message).with_hint(hint))
        })?;
        let inner = path.strip_prefix(root).ok().and_then(Path::to_str).ok_or_else(|| {
            failed(format!("the name of {} is not UTF-8", folder.path().display()))
        })?;
        let prefix = if inner.is_empty() { String::new() } else { format!("{inner}/") };
        Ok(Self { git: Git::new(root), prefix })
    }

    fn unmerged(&self) -> Result<BTreeMap<String, Stages>, Box<Problem>> {
        let below = if self.prefix.is_empty() { "." } else { &self.prefix };
        let listed = self
            .git
            .run(&["ls-files", "--unmerged", "-z", "--", below], LIST)
            .map_err(|error| unusable(&error))?;
        let mut found: BTreeMap<String, Stages> = BTreeMap::new();
        for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            // `<mode> <object> <stage>\t<path>`
            let Some((about, path)) = line.split_once('\t') else { continue };
            let words: Vec<&str> = about.split(' ').collect();
            let [_, object, stage] = words[..] else { continue };
            let Some(name) = path.strip_prefix(&self.prefix) else { continue };
            let Ok(stage) = stage.parse::<u8>() else { continue };
            let bytes = self
                .git
                .run(&["cat-file", "blob", object], limits::REVIEWS as u64)
                .map_err(|error| unusable(&error))?;
            found.entry(name.to_owned()).or_default().insert(stage, bytes);
        }
        Ok(found)
    }

    fn resolved(&self, names: &[&str]) -> Result<(), Box<Problem>> {
        for name in names {
            let path = format!("{}{name}", self.prefix);
            self.git.run(&["add", "--", &path], LIST).map_err(|error| unusable(&error))?;
        }
        Ok(())
    }
}

fn unusable(error: &countermark_audit::source::SourceError) -> Box<Problem> {
    Box::new(Problem::new("git-unusable", Class::Unavailable, error.to_string()))
}

#[cfg(test)]
mod tests;
