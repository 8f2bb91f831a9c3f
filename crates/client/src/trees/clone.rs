//! Repositories of others, cloned into the private folder.
//!
//! Decides what is fetched: branches and tags, without files that are too large to be locks, over
//! the one protocol that the address names, within a limit of bytes and time. Nothing of the repository
//! is run or checked out, no submodule is followed, nobody is asked for a password, and no configuration
//! but ours counts. Git itself compares every object with its name.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use countermark_packaging::lock::document::MAXIMUM_SIZE;
use countermark_trust::Class;
use tempfile::TempDir;
use url::Url;

use super::{Deadline, Reading, TreesError};
use crate::http::RedactedUrl;
use crate::records::git::process::Git;

/// The protocols over which repositories are fetched.
const PROTOCOLS: [&str; 3] = ["https", "ssh", "file"];

/// How often the size of a clone is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How often it is asked whether git has ended.
const TICK: Duration = Duration::from_millis(10);

/// Most bytes of what git says that are shown.
const MAXIMUM_SAID: u64 = 4096;

/// Why a repository cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// Not an address of a kind that is fetched.
    #[error("`{url}` is not cloned: {reason}")]
    Address {
        /// As given, without credentials.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// Git says no.
    #[error("could not clone {url}: {reason}")]
    Failed {
        /// Without credentials.
        url: String,
        /// What git says.
        reason: String,
    },
    /// More than is taken.
    #[error("{url} has more than {limit} bytes")]
    TooLarge {
        /// Without credentials.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// Longer than is waited.
    #[error("{url} did not answer within {seconds} seconds")]
    TooSlow {
        /// Without credentials.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// The private folder cannot be written.
    #[error("cannot write below `{path}`")]
    Folder {
        /// Which one.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl CloneError {
    /// Who is at fault.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Address { .. } => Class::Usage,
            Self::Failed { .. }
            | Self::TooLarge { .. }
            | Self::TooSlow { .. }
            | Self::Folder { .. } => Class::Unavailable,
        }
    }
}

/// A clone, kept or not.
#[derive(Debug)]
pub(super) enum Clone {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Clone {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// Clones a repository, or fetches what is new; gives also what it is called.
pub(super) fn fetch(url: &str, reading: &Reading<'_>) -> Result<(Clone, String), TreesError> {
    let address = parse(url)?;
    let name = name_of(&address);
    reading.work(&format!("cloning {name}"));
    let at = |source, path: &Path| {
        TreesError::from(CloneError::Folder { path: path.display().to_string(), source })
    };
    let Some(state) = reading.state else {
        let folder = tempfile::tempdir().map_err(|error| at(error, &std::env::temp_dir()))?;
        fetch_into(folder.path(), true, &address, reading)?;
        return Ok((Clone::Temporary(folder), name));
    };
    let clones = state.join("observe").join("clones");
    fs::create_dir_all(&clones).map_err(|error| at(error, &clones))?;
    let digest = blake3::hash(address.as_str().as_bytes()).to_hex();
    let folder = clones.join(&digest[..32]);
    if folder.is_dir() {
        fetch_into(&folder, false, &address, reading)?;
    } else {
        // A clone that is not finished has another name, and goes away with it.
        let new = tempfile::Builder::new().prefix(".new-").tempdir_in(&clones);
        let new = new.map_err(|error| at(error, &clones))?;
        fetch_into(new.path(), true, &address, reading)?;
        let path = new.keep();
        fs::rename(&path, &folder).map_err(|error| at(error, &folder))?;
    }
    Ok((Clone::Kept(folder), name))
}

fn parse(url: &str) -> Result<Url, CloneError> {
    let shown = RedactedUrl::of_text(url).to_string();
    let refuse = |reason| CloneError::Address { url: shown.clone(), reason };
    let address = Url::parse(url).map_err(|_| {
        refuse("it is no URL; write `ssh://user@host/path` for what is written `user@host:path`")
    })?;
    if !PROTOCOLS.contains(&address.scheme()) {
        return Err(refuse("only https, ssh and file are"));
    }
    let has_name = address.scheme() != "ssh" && !address.username().is_empty();
    if address.password().is_some() || has_name {
        return Err(refuse("it has credentials in it, which git would keep in the clone"));
    }
    // A host that begins so would be an option for `ssh`; git refuses it as well.
    if address.host_str().is_some_and(|host| host.starts_with('-')) {
        return Err(refuse("its host looks like an option"));
    }
    Ok(address)
}

/// `git.example.org/team/app`.
fn name_of(url: &Url) -> String {
    let path = url.path().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    match url.host_str() {
        Some(host) => format!("{host}/{path}"),
        // A path of this machine is nobody's business.
        None => path.rsplit('/').next().unwrap_or(path).to_owned(),
    }
}

fn fetch_into(
    folder: &Path,
    is_new: bool,
    url: &Url,
    reading: &Reading<'_>,
) -> Result<(), TreesError> {
    let git = Git::new(folder);
    if is_new {
        git.run(&["init", "--quiet", "--bare", "--template=", "."], MAXIMUM_SAID)?;
        git.run(&["config", "remote.origin.url", url.as_str()], MAXIMUM_SAID)?;
    }
    let filter = format!("--filter=blob:limit={MAXIMUM_SIZE}");
    let arguments = [
        "fetch",
        "--quiet",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--no-write-fetch-head",
        "--no-tags",
        &filter,
        "origin",
        "+refs/heads/*:refs/heads/*",
        "+refs/tags/*:refs/tags/*",
    ];
    let mut child = git.start_remote(&arguments, url.scheme())?;
    let outcome = watch(&mut child, folder, url, reading);
    if outcome.is_err() {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

/// Waits until git has ended, within the limits.
fn watch(
    child: &mut Child,
    folder: &Path,
    url: &Url,
    reading: &Reading<'_>,
) -> Result<(), TreesError> {
    let shown = || RedactedUrl::of_text(url.as_str()).to_string();
    let deadline = Deadline::after(reading.time);
    let mut looked = Instant::now();
    // What is said fits into the pipe or stops git, and then the time is up.
    loop {
        let failed =
            |error: std::io::Error| CloneError::Failed { url: shown(), reason: error.to_string() };
        if let Some(status) = child.try_wait().map_err(failed)? {
            let limit = reading.clone_bytes;
            if size(folder) > limit {
                return Err(CloneError::TooLarge { url: shown(), limit }.into());
            }
            if status.success() {
                return Ok(());
            }
            let reason = said(child).unwrap_or_else(|| format!("git ended with {status}"));
            return Err(CloneError::Failed { url: shown(), reason }.into());
        }
        if reading.is_stopped() {
            return Err(TreesError::Stopped);
        }
        if deadline.is_over() {
            let seconds = reading.time.as_secs();
            return Err(CloneError::TooSlow { url: shown(), seconds }.into());
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if size(folder) > reading.clone_bytes {
                let limit = reading.clone_bytes;
                return Err(CloneError::TooLarge { url: shown(), limit }.into());
            }
        }
        std::thread::sleep(TICK);
    }
}

/// The last line of what git says.
fn said(child: &mut Child) -> Option<String> {
    let mut bytes = Vec::new();
    child.stderr.take()?.take(MAXIMUM_SAID).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rfind(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let line = line.or_else(|| text.lines().rfind(|line| !line.trim().is_empty()))?;
    Some(line.chars().filter(|c| !c.is_control()).take(300).collect())
}

/// The bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let Ok(items) = fs::read_dir(folder) else { return 0 };
    let of = |item: fs::DirEntry| match item.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&item.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    items.filter_map(Result::ok).map(of).sum()
}
