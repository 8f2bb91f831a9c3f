//! What was read of a repository before: its commits, and what their locks say.
//!
//! It lies in the private folder of the user and is written in one step. One that cannot be read, that
//! is of another version of the program or was made for another index is as good as none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countermark_lock::observe::{Statements, Unread, saved};
use serde::{Deserialize, Serialize};

use super::{Reading, walk};
use crate::system;

const FORMAT: &str = "countermark-observe-history/1";

/// The most bytes of such a file.
const MAXIMUM: u64 = 4 << 30;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub(super) commits: BTreeSet<String>,
    pub(super) statements: Statements,
    pub(super) unread: Vec<Unread>,
    pub(super) versions: usize,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    program: String,
    index: String,
    repository: String,
    versions: usize,
    commits: BTreeSet<String>,
    unread: Vec<(String, String)>,
}

fn path(root: &Path, reading: &Reading<'_>) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let name = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
    Some(reading.state?.join("observe").join("histories").join(format!("{}.jsonl", &name[..32])))
}

impl Remembered {
    pub(super) fn read(root: &Path, name: &str, reading: &Reading<'_>) -> Self {
        path(root, reading).and_then(|path| Self::parse(&path, name, reading)).unwrap_or_default()
    }

    fn parse(path: &Path, name: &str, reading: &Reading<'_>) -> Option<Self> {
        let bytes = walk::read(path, MAXIMUM).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (head, rest) = text.split_once('\n')?;
        let head: Head = serde_json::from_str(head).ok()?;
        let fits = head.format == FORMAT
            && head.program == env!("CARGO_PKG_VERSION")
            && head.index == reading.index;
        if !fits {
            return None;
        }
        let mut statements = Statements::default();
        for mut statement in saved::parse(rest).ok()? {
            name.clone_into(&mut statement.lock.repository);
            statements.add(statement);
        }
        // The repository may be called otherwise today.
        let unread = head.unread.into_iter().map(|(place, reason)| {
            let place = match place.strip_prefix(&head.repository) {
                Some(rest) => format!("{name}{rest}"),
                None => place,
            };
            Unread { place, reason }
        });
        let unread = unread.collect();
        Some(Self { commits: head.commits, statements, unread, versions: head.versions })
    }

    /// Keeping it saves time only, so that nothing is said when it cannot be kept.
    pub(super) fn write(&self, root: &Path, name: &str, reading: &Reading<'_>) {
        let Some(path) = path(root, reading) else { return };
        let unread = self.unread.iter().map(|it| (it.place.clone(), it.reason.clone()));
        let head = Head {
            format: FORMAT.to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            index: reading.index.to_owned(),
            repository: name.to_owned(),
            versions: self.versions,
            commits: self.commits.clone(),
            unread: unread.collect(),
        };
        let Ok(head) = serde_json::to_string(&head) else { return };
        let text = format!("{head}\n{}", saved::write(&self.statements.clone().into_vec()));
        let Some(parent) = path.parent() else { return };
        if std::fs::create_dir_all(parent).is_ok() {
            let _ = system::replace_file(&path, text.as_bytes());
        }
    }
}
