//! The tags of git clones.
//!
//! For a federation that has nothing else, tags are the record: what is tagged was released. Where
//! other records exist, a tag only explains a release (`official = "false"`). The clone is trusted
//! for what it holds; that a tag is signed is seen, and not verified here.
//!
//! One clone speaks of one project. A folder of clones (`clones/NAME` or `clones/OWNER/NAME`) is read
//! clone by clone.

use std::sync::Arc;

use countermark_packaging::name::ProjectName;

use super::names::{is_never_built, version_of_tag};
use super::setup::{PassedOver, Setup, shown};
use super::{Documents, Source, SourceError, Tag};
use crate::federation::RecordsEntry;
use crate::record::{Commit, Known, OfficialRelease, RecordProblem, Records};

/// Most bytes of a file that names the project.
const MAX_MANIFEST: u64 = 1024 * 1024;

/// Most characters of a tag's message that go into its place.
const MAX_MESSAGE: usize = 72;

/// See the module.
#[derive(Debug)]
pub struct GitTags<'a> {
    setup: Setup<'a>,
    is_official: bool,
}

impl<'a> GitTags<'a> {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(entry: &'a RecordsEntry) -> Result<Self, SourceError> {
        let setup = Setup::new(entry, &["official", "prefix", "repository"])?;
        let is_official = setup.flag("official", true)?;
        Ok(Self { setup, is_official })
    }

    fn read_clone(
        &self,
        folder: &str,
        documents: &dyn Documents,
        tags: &[Tag],
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let mut shown_place = self.setup.file(folder);
        if shown_place.is_empty() {
            "the clone".clone_into(&mut shown_place);
        }
        let project = match &self.setup.project {
            Some(project) => project.clone(),
            None => self.derive_project(&shown_place, documents, records)?,
        };
        let repository: Option<Arc<str>> = self
            .setup
            .text("repository")
            .or(Some(folder).filter(|it| !it.is_empty()))
            .map(Arc::from);
        if let Some(repository) = &repository {
            records.connect(repository, &project);
        }
        let mut found = 0;
        let mut no_versions = PassedOver::default();
        let mut never_built = PassedOver::default();
        for tag in tags {
            if is_never_built(&tag.name) {
                never_built.add(&tag.name);
                continue;
            }
            match version_of_tag(&tag.name, self.setup.text("prefix"), Some(&project)) {
                Some(version) => {
                    let release = self.release(&version, tag, &shown_place, repository.clone());
                    records.project(&project).releases.push(release);
                    found += 1;
                }
                None => no_versions.add(&tag.name),
            }
        }
        if self.is_official && self.setup.is_undated() {
            records.project(&project).up_to_now = true;
        }
        if found == 0 {
            records.problems.push(RecordProblem {
                file: shown_place.clone(),
                position: None,
                message: format!("no tag of it is a version of `{project}`"),
            });
        }
        let ends = format!("tags of {shown_place} that mark an end and are never built");
        never_built.say(records, &ends);
        let others = format!("tags of {shown_place} that are no versions of `{project}`, left out");
        no_versions.say(records, &others);
        Ok(())
    }

    fn release(
        &self,
        version: &str,
        tag: &Tag,
        shown_place: &str,
        repository: Option<Arc<str>>,
    ) -> OfficialRelease {
        let known =
            if self.is_official { Known::Listed } else { Known::Tagged { signed: tag.signed } };
        let mut place = format!("{shown_place} tag {}", shown(&tag.name));
        if tag.signed {
            place.push_str(", signed");
        }
        let first = tag.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if !first.is_empty() {
            let short: String = first.trim().chars().take(MAX_MESSAGE).collect();
            place.push_str(&format!(" ({})", shown(&short)));
        }
        OfficialRelease {
            repository,
            commit: Commit::parse(&tag.commit),
            approved: tag.time,
            known,
            place: Some(place.into()),
            ..OfficialRelease::new(version)
        }
    }

    /// The name that the clone gives itself; its folder's name is no evidence.
    fn derive_project(
        &self,
        shown_place: &str,
        documents: &dyn Documents,
        records: &mut Records,
    ) -> Result<ProjectName, SourceError> {
        let text = |path: &str| -> Result<Option<String>, SourceError> {
            let bytes = documents.read(path, MAX_MANIFEST)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let readers: [(&str, NameReader); 3] = [
            ("pyproject.toml", name_in_pyproject),
            ("setup.cfg", name_in_setup_cfg),
            ("setup.py", name_in_setup_py),
        ];
        let mut found = None;
        for (file, read) in readers {
            if let Some(name) = text(file)?.and_then(|text| read(&text)) {
                found = Some((name, file));
                break;
            }
        }
        let Some((name, file)) = found else {
            let reason = format!(
                "missing, and none of `pyproject.toml`, `setup.cfg` and `setup.py` of \
                 {shown_place} has a name"
            );
            return Err(self.setup.refuse("project", reason));
        };
        let project = ProjectName::parse(&name).map_err(|error| {
            self.setup.refuse("project", format!("{shown_place}/{file} has no usable one: {error}"))
        })?;
        records
            .assumptions
            .push(format!("{shown_place} is `{project}`, as its `{file}` says today"));
        Ok(project)
    }
}

impl Source for GitTags<'_> {
    fn describe(&self) -> String {
        format!("the git tags of {}", self.setup.location())
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        if let Some(tags) = documents.tags()? {
            self.read_clone("", documents, &tags, records)?;
            return self.setup.finish(self.describe(), self.is_official, documents, records);
        }
        let clones = documents.clones()?;
        if clones.is_empty() {
            return Err(SourceError::NotThis {
                what: self.setup.location().to_owned(),
                expected: "a git clone, nor a folder of clones".to_owned(),
            });
        }
        let mut has_worked = None;
        for (folder, clone) in &clones {
            let tags = clone.tags().map(Option::unwrap_or_default);
            let read = tags.and_then(|tags| self.read_clone(folder, &**clone, &tags, records));
            match read {
                Ok(()) => has_worked = Some(Ok(())),
                Err(error) => {
                    let file = self.setup.file(folder);
                    let message = error.to_string();
                    records.problems.push(RecordProblem { file, position: None, message });
                    has_worked = has_worked.or(Some(Err(error)));
                }
            }
        }
        // One clone that works makes the others parts of the whole.
        has_worked.unwrap_or(Ok(()))?;
        self.setup.finish(self.describe(), self.is_official, documents, records)
    }
}

/// Finds the name of a project in the text of a file.
type NameReader = fn(&str) -> Option<String>;

/// `[project] name`, or that of the older `[tool.poetry]` and `[tool.flit.metadata]`.
fn name_in_pyproject(text: &str) -> Option<String> {
    let value: toml::Table = text.parse().ok()?;
    let at = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        let mut value = value.get(*first)?;
        for key in rest {
            value = value.get(*key)?;
        }
        value.as_str().map(str::to_owned)
    };
    at(&["project", "name"])
        .or_else(|| at(&["tool", "poetry", "name"]))
        .or_else(|| at(&["tool", "flit", "metadata", "dist-name"]))
}

/// `name` below `[metadata]`, as the configparser of Python reads it.
fn name_in_setup_cfg(text: &str) -> Option<String> {
    let mut is_metadata = false;
    for line in text.lines() {
        if let Some(section) = line.trim().strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            is_metadata = section == "metadata";
        } else if is_metadata && !line.starts_with(char::is_whitespace) {
            let (key, value) = line.split_once(['=', ':']).unwrap_or_default();
            let value = value.trim();
            if key.trim().eq_ignore_ascii_case("name") && !value.is_empty() {
                return Some(value.to_owned());
            }
        }
    }
    None
}

/// `name="…"` on a line of its own or right behind `setup(`. The file is not run: a name that is put
/// together, or two that differ, is none.
fn name_in_setup_py(text: &str) -> Option<String> {
    let mut names: Vec<&str> = text
        .lines()
        .map(|line| line.trim().trim_start_matches("setup(").trim_start())
        .filter_map(|line| line.strip_prefix("name")?.trim_start().strip_prefix('='))
        .filter_map(|value| {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (name, rest) = value.strip_prefix(quote)?.split_once(quote)?;
            let is_whole =
                rest.trim_start().is_empty() || rest.trim_start().starts_with([',', ')', '#']);
            (is_whole && !name.is_empty()).then_some(name)
        })
        .collect();
    names.dedup();
    match names[..] {
        [name] => Some(name.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
