//! Records in a git repository, read through the program `git`.
//!
//! A repository that somebody else made can ask git to run programs: hooks, a file-system monitor, a
//! pager, a signature program, filters, a transport that fetches what is missing. Nothing of it is
//! used here: only commands that read objects are run, with an environment of their own, without any
//! configuration but the repository's, with the settings that run something switched off, and with
//! every transport refused. Files are read from the work tree by ourselves.

pub(crate) mod batch;
pub(crate) mod process;
mod text;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use countermark_audit::source::{Documents, HistoryEntry, SourceError, Tag};
use jiff::Timestamp;

use super::folder::FolderDocuments;
use process::Git;

/// Most bytes of a history's list, in bytes.
const MAX_HISTORY: u64 = 1024 * 1024 * 1024;

/// Most bytes of all tags and their messages.
const MAX_TAGS: u64 = 512 * 1024 * 1024;

/// Longest past version of a file, in bytes.
const MAX_PAST: u64 = 64 * 1024 * 1024;

/// Most bytes of a short answer.
const MAX_ANSWER: u64 = 64 * 1024;

/// Most tags of tags that are followed one by one.
const MAX_NESTED: usize = 1000;

/// See the module.
#[derive(Debug)]
pub struct GitDocuments {
    git: Git,
    work_tree: FolderDocuments,
    is_bare: bool,
}

/// Whether a folder is a checkout or a bare repository.
pub(crate) fn is_repository(path: &Path) -> bool {
    path.join(".git").exists() || is_bare(path)
}

pub(crate) fn is_bare(path: &Path) -> bool {
    !path.join(".git").exists()
        && path.join("HEAD").is_file()
        && path.join("objects").is_dir()
        && path.join("refs").is_dir()
}

/// A file as it was at a revision: its bytes, or none where it was not there. `path` counts from the
/// top of the repository.
///
/// # Errors
/// When there is no such revision, or it cannot be read.
pub fn file_at(
    top: &Path,
    revision: &str,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, SourceError> {
    let git = Git::new(top);
    let commit = format!("{revision}^{{commit}}");
    let verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
    if !git.succeeds(&verify)? {
        return Err(git.unreadable(format!("there is no revision `{revision}`")));
    }
    let commit = git.run(&verify, MAX_ANSWER)?;
    // Its name in hexadecimal digits, which no option looks like.
    let object = format!("{}:{path}", String::from_utf8_lossy(commit.trim_ascii()));
    if !git.succeeds(&["cat-file", "-e", &object])? {
        return Ok(None);
    }
    git.run(&["cat-file", "blob", &object], limit).map(Some)
}

impl GitDocuments {
    /// A checkout, or a bare repository, whose files are then those of its `HEAD`.
    #[must_use]
    pub fn new(path: &Path, cache: Option<&Path>) -> Self {
        Self {
            git: Git::new(path),
            work_tree: FolderDocuments::new(path, cache),
            is_bare: is_bare(path),
        }
    }

    /// Uses another program than the `git` of the search path.
    #[must_use]
    pub fn with_program(mut self, program: PathBuf) -> Self {
        self.git.program = program;
        self
    }

    /// Whether older commits are cut off, as clones of automatic builds often have it.
    fn is_shallow(&self) -> Result<bool, SourceError> {
        let answer = self.git.run(&["rev-parse", "--is-shallow-repository"], MAX_ANSWER)?;
        Ok(answer.trim_ascii() == b"true")
    }

    fn has_head(&self) -> Result<bool, SourceError> {
        self.git.succeeds(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
    }

    /// The commit that a tag leads to through other tags.
    fn peel(&self, name: &str) -> Result<Option<String>, SourceError> {
        let commit = format!("refs/tags/{name}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        if !self.git.succeeds(&arguments)? {
            return Ok(None);
        }
        let answer = self.git.run(&arguments, MAX_ANSWER)?;
        Ok(Some(String::from_utf8_lossy(answer.trim_ascii()).into_owned()))
    }
}

impl Documents for GitDocuments {
    fn root(&self) -> &str {
        self.work_tree.root()
    }

    fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, SourceError> {
        if !self.is_bare {
            return self.work_tree.list(folder, ending);
        }
        if !self.has_head()? {
            return Ok(Vec::new());
        }
        let mut arguments = vec!["ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD"];
        let folder = folder.trim_end_matches('/');
        let below = format!("{folder}/");
        if !folder.is_empty() {
            arguments.extend(["--", &below]);
        }
        let answer = self.git.run(&arguments, MAX_HISTORY)?;
        let names = answer.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let mut files: Vec<String> = names
            .filter(|name| !name.is_empty() && name.ends_with(ending))
            .map(std::borrow::Cow::into_owned)
            .collect();
        files.sort_unstable();
        Ok(files)
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        if !self.is_bare {
            return self.work_tree.read(path, limit);
        }
        let object = format!("HEAD:{path}");
        // A line break would be a second question.
        if path.contains(['\n', '\0']) || !self.git.succeeds(&["cat-file", "-e", &object])? {
            return Ok(None);
        }
        let mut found = None;
        self.git.objects(&[object], limit, &mut |_, bytes| found = Some(bytes.to_vec()))?;
        Ok(found)
    }

    fn open(&self, path: &str, limit: u64) -> Result<Option<Box<dyn Read + '_>>, SourceError> {
        if !self.is_bare {
            return self.work_tree.open(path, limit);
        }
        let bytes = self.read(path, limit)?;
        Ok(bytes.map(|bytes| Box::new(std::io::Cursor::new(bytes)) as Box<dyn Read>))
    }

    fn history(&self, folder: &str) -> Result<Option<Vec<HistoryEntry>>, SourceError> {
        // What stands at the cut of a shallow clone has no time: everything would be as new as that
        // commit.
        if self.is_shallow()? {
            return Ok(None);
        }
        if !self.has_head()? {
            return Ok(Some(Vec::new()));
        }
        let mut arguments = vec![
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "--reverse",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--no-notes",
            "--no-decorate",
            "--no-mailmap",
            "--no-color",
            "-z",
            "--format=tformat:%x01%H %ct",
            "HEAD",
            "--",
        ];
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            arguments.push(folder);
        }
        let answer = self.git.run(&arguments, MAX_HISTORY)?;
        text::parse_history(&answer).map(Some).map_err(|reason| self.git.unreadable(reason))
    }

    fn read_past(
        &self,
        contents: &[String],
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SourceError> {
        let is_name = |name: &String| {
            matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if let Some(name) = contents.iter().find(|name| !is_name(name)) {
            let shown: String = name.chars().take(80).collect();
            return Err(self.git.unreadable(format!("`{shown}` is no name of a content")));
        }
        self.git.objects(contents, MAX_PAST, each)
    }

    fn tags(&self) -> Result<Option<Vec<Tag>>, SourceError> {
        let format = format!("--format={}", text::TAG_FORMAT);
        let answer = self.git.run(&["for-each-ref", &format, "refs/tags/"], MAX_TAGS)?;
        let parsed = text::parse_tags(&answer).map_err(|reason| self.git.unreadable(reason))?;
        let mut tags = Vec::with_capacity(parsed.len());
        let mut nested = 0;
        for (mut tag, is_nested) in parsed {
            if is_nested {
                nested += 1;
                if nested > MAX_NESTED {
                    let (what, limit) = (self.root().to_owned(), MAX_NESTED as u64);
                    return Err(SourceError::TooLarge { what, limit, unit: "tags of tags" });
                }
                let Some(commit) = self.peel(&tag.name)? else { continue };
                tag.commit = commit;
            }
            tags.push(tag);
        }
        Ok(Some(tags))
    }

    fn head(&self) -> Result<Option<(String, Timestamp)>, SourceError> {
        if !self.has_head()? {
            return Ok(None);
        }
        let arguments = ["rev-list", "--max-count=1", "--timestamp", "HEAD", "--"];
        let answer = self.git.run(&arguments, MAX_ANSWER)?;
        text::parse_head(&answer).map(Some).map_err(|reason| self.git.unreadable(reason))
    }

    fn notes(&self) -> Vec<String> {
        match self.is_shallow() {
            Ok(true) => vec![format!(
                "{} is a shallow clone: its history is not read, and tags may be missing (`git fetch \
                 --unshallow --tags` completes it)",
                self.root()
            )],
            Ok(false) | Err(_) => Vec::new(),
        }
    }

    fn remembered(&self, form: &str) -> BTreeMap<[u8; 32], Vec<u8>> {
        self.work_tree.remembered_files().read(form)
    }

    fn remember(&self, form: &str, derived: &BTreeMap<[u8; 32], Vec<u8>>) {
        self.work_tree.remembered_files().write(form, derived);
    }
}

#[cfg(test)]
mod tests;
