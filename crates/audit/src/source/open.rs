//! From an entry of `[[records]]` to the source that reads it.

use super::artifact_host::ArtifactHost;
use super::checksums::Checksums;
use super::forge::Forge;
use super::git_tags::GitTags;
use super::openstack::OpenStackReleases;
use super::removed::Removed;
use super::setup::list_of;
use super::table::Table;
use super::{SignatureJudge, Source, SourceError};
use crate::federation::RecordsEntry;

/// The kinds of records that `federation.toml` can name.
pub const KINDS: &[&str] =
    &["artifact-host", "checksums", "forge", "git-tags", "openstack-releases", "removed", "table"];

/// The source that reads an entry.
///
/// # Errors
/// When no source is of that kind, or a setting of the entry cannot be used.
pub fn open<'a>(
    entry: &'a RecordsEntry,
    judge: &'a dyn SignatureJudge,
) -> Result<Box<dyn Source + 'a>, SourceError> {
    Ok(match entry.kind.as_str() {
        "artifact-host" => Box::new(ArtifactHost::new(entry, judge)?),
        "checksums" => Box::new(Checksums::new(entry, judge)?),
        "forge" => Box::new(Forge::new(entry)?),
        "git-tags" => Box::new(GitTags::new(entry)?),
        // Whoever has governance and jobs elsewhere makes this source with its companions.
        "openstack-releases" => Box::new(OpenStackReleases { companions: Vec::new() }),
        "removed" => Box::new(Removed::new(entry)?),
        "table" => Box::new(Table::new(entry)?),
        kind => {
            return Err(SourceError::Setting {
                what: format!("the records at {}", entry.place),
                setting: "kind".to_owned(),
                reason: format!("`{kind}` is not one of {}", list_of(KINDS)),
            });
        }
    })
}
