//! Which commits were found to sign which reviews, so that they are not looked for again.
//!
//! That an SSH key signed a commit that added a review stays true, whatever becomes of the repository: the
//! commit's name stands for all of it. Whether the key still counts is asked each time, so what is remembered
//! says nothing that the ledger does not confirm. OpenPGP is not remembered, since a certificate can be
//! revoked. The memory is in the private state folder: who can write there could as well replace the program.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_ledger::signature::{Commits, Keys};
use countermark_ledger::statement::StatementId;

use super::{Found, Wanted};
use crate::system::replace_file;

const NAME: &str = "ledger-commits";

/// The rules by which commits were judged: other rules, other head, nothing remembered.
const HEAD: &str =
    concat!("countermark commits judged by ", env!("CARGO_PKG_VERSION"), " rules 1\n");

/// The most bytes that are read.
const SIZE: u64 = 32 << 20;

/// The most reviews that are remembered.
const MOST: usize = 100_000;

pub(super) struct Memory {
    path: PathBuf,
    commits: Commits,
}

impl Memory {
    pub(super) fn read(state: &Path) -> Self {
        let path = state.join(NAME);
        let commits = read(&path).unwrap_or_default();
        Self { path, commits }
    }

    /// Those that were found, by keys that are still their authors'.
    pub(super) fn known(&self, wanted: &Wanted, keys: &Keys) -> Commits {
        let mut known = Commits::new();
        for (id, author) in wanted {
            if let Some(Ok(signed)) = self.commits.of(id)
                && keys.of(author).any(|key| key.to_string() == signed.key)
            {
                known.insert(*id, Ok(signed.clone()));
            }
        }
        known
    }

    /// Remembers. A memory that cannot be written costs time and nothing else.
    pub(super) fn add(&mut self, found: &BTreeMap<StatementId, Found>) {
        let signed = |found: &Found| found.as_ref().is_ok_and(|it| it.key.starts_with("ssh:"));
        let new: Vec<_> = found.iter().filter(|(_, found)| signed(found)).collect();
        if new.is_empty() {
            return;
        }
        if self.commits.len() + new.len() > MOST {
            self.commits = Commits::new();
        }
        for (id, found) in new {
            self.commits.insert(*id, found.clone());
        }
        if let Some(folder) = self.path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = replace_file(&self.path, format!("{HEAD}{}", self.commits.to_text()).as_bytes());
    }
}

fn read(path: &Path) -> Option<Commits> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(SIZE).read_to_string(&mut text).ok()?;
    Commits::parse(text.strip_prefix(HEAD)?.as_bytes()).ok()
}
