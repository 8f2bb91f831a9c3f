//! The content-keyed index of a tree: what was read from a file is remembered under the digest of its
//! bytes, so that an unchanged file is not parsed twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deliverable::{Deliverable, Entry, Repository};

/// The form of what is remembered; a change of the structs below needs another name.
pub(super) const FORM: &str = "openstack-deliverable-2";

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    team: Option<std::borrow::Cow<'a, str>>,
    abandoned: bool,
    releases: Vec<StoredEntry>,
    repositories: BTreeMap<String, StoredRepository>,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry(String, String, String, Option<String>, u32);

#[derive(Serialize, Deserialize)]
struct StoredRepository(Option<String>, Option<String>, bool, bool);

/// The bytes under which a deliverable is remembered.
pub(super) fn encode(deliverable: &Deliverable) -> Option<Vec<u8>> {
    let stored = Stored {
        team: deliverable.team.as_deref().map(Into::into),
        abandoned: deliverable.abandoned,
        releases: deliverable
            .releases
            .iter()
            .cloned()
            .map(|one| {
                StoredEntry(one.version, one.repository, one.hash, one.tarball_base, one.line)
            })
            .collect(),
        repositories: deliverable
            .repositories
            .iter()
            .map(|(name, one)| {
                let stored = StoredRepository(
                    one.pypi_name.clone(),
                    one.tarball_base.clone(),
                    one.retired,
                    one.is_unbuilt,
                );
                (name.clone(), stored)
            })
            .collect(),
    };
    serde_json::to_vec(&stored).ok()
}

/// What was remembered; `None` when it is of another form.
pub(super) fn decode(bytes: &[u8]) -> Option<Deliverable> {
    let stored: Stored<'_> = serde_json::from_slice(bytes).ok()?;
    let releases = stored.releases.into_iter();
    let repositories = stored.repositories.into_iter();
    Some(Deliverable {
        team: stored.team.map(std::borrow::Cow::into_owned),
        abandoned: stored.abandoned,
        releases: releases
            .map(|StoredEntry(version, repository, hash, tarball_base, line)| Entry {
                version,
                repository,
                hash,
                tarball_base,
                line,
            })
            .collect(),
        repositories: repositories
            .map(|(name, StoredRepository(pypi_name, tarball_base, retired, is_unbuilt))| {
                (name, Repository { pypi_name, tarball_base, retired, is_unbuilt })
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_was_read() {
        let read = super::super::deliverable::parse(
            b"team: a\nreleases:\n- version: 1.0\n  projects:\n  - repo: x/y\n    hash: ab\n\
              repository-settings:\n  x/y: {tarball-base: z}\n",
        )
        .expect("reads");
        assert_eq!(decode(&encode(&read).expect("encodes")), Some(read));
        assert_eq!(decode(b"{}"), None);
    }
}
