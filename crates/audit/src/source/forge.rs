//! Releases of a forge, as its API's JSON was saved to a file (GitHub, GitLab).
//!
//! Saved answers come as a list, as one release, as several lists one after the other (pages), or as
//! a list of lists; a folder of `.json` files is read file by file. Nothing is fetched here, and the
//! answer is trusted as far as the forge and the person who saved it are. Drafts are no releases.
//!
//! Specifications: <https://docs.github.com/en/rest/releases/releases> and
//! <https://docs.gitlab.com/api/releases/>.

mod json;

use std::sync::Arc;

use countermark_packaging::name::ProjectName;

use super::collected::Collected;
use super::names::{is_never_built, last_component, release_of_file, version_of_tag};
use super::setup::{PassedOver, Problems, Setup, parse_time, shown};
use super::{Documents, Source, SourceError};
use crate::federation::RecordsEntry;
use crate::record::{Commit, OfficialFile, OfficialRelease, Records, Signature};
use json::ForgeRelease;

/// Longest file of saved answers, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub struct Forge<'a> {
    setup: Setup<'a>,
    wants_prereleases: bool,
}

/// What was left out, for a line each.
#[derive(Default)]
struct LeftOut {
    drafts: PassedOver,
    prereleases: PassedOver,
    tags: PassedOver,
    files: PassedOver,
}

impl<'a> Forge<'a> {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(entry: &'a RecordsEntry) -> Result<Self, SourceError> {
        let setup = Setup::new(entry, &["prefix", "prereleases", "repository"])?;
        let wants_prereleases = setup.flag("prereleases", true)?;
        Ok(Self { setup, wants_prereleases })
    }

    fn read_file(
        &self,
        path: &str,
        bytes: &[u8],
        collected: &mut Collected,
        left_out: &mut LeftOut,
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let file = self.setup.file(path);
        let mut problems = Problems::of(&file);
        let (releases, broken) = json::parse(bytes);
        if releases.is_empty()
            && let Some((position, reason)) = broken
        {
            let (line, column) = position;
            let what = format!("{file}:{line}:{column}");
            return Err(SourceError::Unreadable { what, reason });
        }
        for (number, release) in releases.into_iter().enumerate() {
            let read = release
                .and_then(|release| self.release(&file, release, collected, left_out, records));
            if let Err(reason) = read {
                problems.add(records, None, format!("release {}: {reason}", number + 1));
            }
        }
        if let Some((position, reason)) = broken {
            problems.add(records, Some(position), format!("the rest is not read: {reason}"));
        }
        problems.finish(records);
        Ok(())
    }

    fn release(
        &self,
        file: &str,
        release: ForgeRelease,
        collected: &mut Collected,
        left_out: &mut LeftOut,
        records: &mut Records,
    ) -> Result<(), String> {
        let tag = &release.tag;
        if release.is_draft {
            left_out.drafts.add(tag);
            return Ok(());
        }
        if is_never_built(tag) {
            left_out.tags.add(tag);
            return Ok(());
        }
        if release.is_prerelease && !self.wants_prereleases {
            left_out.prereleases.add(tag);
            return Ok(());
        }
        let project = self.project(file, &release, records)?;
        let Some(version) = version_of_tag(tag, self.setup.text("prefix"), Some(&project)) else {
            left_out.tags.add(tag);
            return Ok(());
        };
        let approved = match &release.time {
            Some(text) => Some(
                parse_time(text)
                    .ok_or_else(|| format!("`{}` of `{}` is no time", shown(text), shown(tag)))?,
            ),
            None => None,
        };
        let mut official = OfficialRelease {
            repository: self
                .setup
                .text("repository")
                .map(Arc::from)
                .or_else(|| release.repository.as_deref().map(Arc::from)),
            commit: release.commit.as_deref().and_then(Commit::parse),
            approved,
            place: Some(format!("{file} release {}", shown(tag)).into()),
            ..OfficialRelease::new(&version)
        };
        for asset in release.assets {
            let wheel_or_sdist = last_component(&asset.name).filter(|filename| {
                release_of_file(filename, Some(&project)).is_some_and(|it| it.project == project)
            });
            let Some(filename) = wheel_or_sdist else {
                left_out.files.add(&asset.name);
                continue;
            };
            let sha256 = asset.sha256.unwrap_or_else(|reason| {
                let message =
                    format!("the digest of `{}` cannot be used: {reason}", shown(filename));
                Problems::of(file).add(records, None, message);
                None
            });
            official.files.push(OfficialFile {
                filename: filename.into(),
                sha256,
                size: asset.size,
                signature: Signature::NotLooked,
            });
        }
        let number = collected.project(project.as_str()).map_err(|error| error.to_string())?;
        collected.add(number, official);
        Ok(())
    }

    /// What the entry says, or the name of the release's own files, or that of the repository.
    fn project(
        &self,
        file: &str,
        release: &ForgeRelease,
        records: &mut Records,
    ) -> Result<ProjectName, String> {
        if let Some(project) = &self.setup.project {
            return Ok(project.clone());
        }
        let named = release
            .assets
            .iter()
            .find_map(|asset| release_of_file(last_component(&asset.name)?, None))
            .map(|named| named.project);
        if let Some(project) = named {
            return Ok(project);
        }
        let last = release.repository.as_deref().and_then(|it| it.rsplit('/').next());
        let project = last.and_then(|last| ProjectName::parse(last).ok()).ok_or_else(|| {
            format!(
                "the project of `{}` is not known; the entry can name it with `project`",
                shown(&release.tag)
            )
        })?;
        let line = format!(
            "releases without files in {file} are of `{project}`, as the repository is named"
        );
        if !records.assumptions.contains(&line) {
            records.assumptions.push(line);
        }
        Ok(project)
    }
}

impl Source for Forge<'_> {
    fn describe(&self) -> String {
        format!("the forge's releases in {}", self.setup.location())
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        let paths = self.setup.files(&[".json"], documents)?;
        if paths.is_empty() {
            return Err(SourceError::NotThis {
                what: self.setup.location().to_owned(),
                expected: "a `.json` file, nor a folder with some".to_owned(),
            });
        }
        let mut collected = Collected::default();
        let mut left_out = LeftOut::default();
        let mut first_error = None;
        for path in &paths {
            let bytes = documents.read(path, MAX_FILE)?.unwrap_or_default();
            let read = self.read_file(path, &bytes, &mut collected, &mut left_out, records);
            if let Err(error) = read {
                Problems::of(&self.setup.file(path)).add(records, None, error.to_string());
                first_error = first_error.or(Some(error));
            }
        }
        if let Some(error) = first_error.filter(|_| collected.is_empty()) {
            return Err(error);
        }
        collected.finish(self.setup.is_undated(), records);
        let location = self.setup.location();
        left_out.drafts.say(records, &format!("drafts in {location}, which are no releases"));
        left_out.prereleases.say(records, &format!("pre-releases in {location}, left out"));
        left_out
            .tags
            .say(records, &format!("releases in {location} whose tags are no versions, left out"));
        left_out.files.say(
            records,
            &format!("assets in {location} that are no wheel or sdist of their project, left out"),
        );
        self.setup.finish(self.describe(), true, documents, records)
    }
}

#[cfg(test)]
mod tests;
