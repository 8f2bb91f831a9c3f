//! A ledger in a git repository of others: cloned as the observatory clones, never checked out.

use std::time::Duration;

use super::origin::GitAddress;
use super::{
    FetchError, Fetched, FetchedFile, Fetching, LEDGER, MAXIMUM_LEDGER, MAXIMUM_REVIEWS, REVIEWS,
    Repository,
};
use crate::records::git::file_at;
use crate::records::git::process::Git;
use crate::trees::{self, Reading, TreesError};

/// Most bytes of a clone.
const MAXIMUM_CLONE: u64 = 2 << 30;

/// Most bytes of a list of branches.
const MAXIMUM_BRANCHES: u64 = 1 << 20;

/// Branches that are taken where none is named and there are several.
const USUAL: [&str; 2] = ["main", "master"];

pub(super) fn fetch(address: &GitAddress, fetching: &Fetching<'_>) -> Result<Fetched, FetchError> {
    if fetching.offline {
        let url = crate::http::RedactedUrl::of_text(&address.repository);
        return Err(crate::http::HttpError::Offline { url }.into());
    }
    let reading = Reading {
        index: "",
        history: false,
        commits: 0,
        clone_bytes: MAXIMUM_CLONE,
        time: fetching.time.max(Duration::from_secs(1)),
        state: Some(fetching.state),
        stop: fetching.stop,
        reporter: fetching.reporter,
    };
    let clone = trees::kept_clone(&address.repository, &reading, fetching.state)?;
    let commit = commit(address, &clone)?;
    let repository = Repository { folder: clone, commit, path: address.folder.clone() };
    Ok(Fetched {
        ledger: read(&repository, LEDGER, MAXIMUM_LEDGER)?,
        reviews: read(&repository, REVIEWS, MAXIMUM_REVIEWS)?,
        repository: Some(repository),
    })
}

/// A file of the ledger at the commit.
pub(super) fn read(
    repository: &Repository,
    name: &str,
    limit: u64,
) -> Result<FetchedFile, FetchError> {
    let Repository { folder, commit, path } = repository;
    let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    let shown = format!("{path} at {}", &commit[..commit.len().min(12)]);
    match file_at(folder, commit, &path, limit) {
        Ok(Some(bytes)) => Ok(FetchedFile::new(shown, bytes)),
        Ok(None) => Err(FetchError::NotThere { shown }),
        Err(countermark_audit::source::SourceError::TooLarge { .. }) => {
            Err(FetchError::TooLarge { shown, limit })
        }
        Err(error) => Err(TreesError::from(error).into()),
    }
}

/// The commit that is meant, in hexadecimal digits.
fn commit(address: &GitAddress, clone: &std::path::Path) -> Result<String, FetchError> {
    let git = Git::new(clone);
    let missing = |reason: String| FetchError::Revision { shown: address.shown(), reason };
    let wanted = match &address.revision {
        Some(revision) => revision.clone(),
        None => only_branch(&git)?.ok_or_else(|| {
            missing("it has several branches, and none of them is `main` or `master`".to_owned())
        })?,
    };
    // A branch first: whoever names one means what is on it now.
    for candidate in [
        format!("refs/heads/{wanted}^{{commit}}"),
        format!("refs/tags/{wanted}^{{commit}}"),
        format!("{wanted}^{{commit}}"),
    ] {
        let verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", &candidate];
        if git.succeeds(&verify).map_err(TreesError::from)? {
            let answer = git.run(&verify, MAXIMUM_BRANCHES).map_err(TreesError::from)?;
            return Ok(String::from_utf8_lossy(answer.trim_ascii()).into_owned());
        }
    }
    Err(missing(format!("neither branch nor tag `{wanted}`")))
}

fn only_branch(git: &Git) -> Result<Option<String>, TreesError> {
    let arguments = ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/"];
    let answer = git.run(&arguments, MAXIMUM_BRANCHES)?;
    let text = String::from_utf8_lossy(&answer);
    let branches: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let usual = USUAL.into_iter().find(|name| branches.contains(name));
    let only = (branches.len() == 1).then(|| branches[0]);
    Ok(usual.or(only).map(str::to_owned))
}
