//! The projects on this machine that inputs reach, and what they wish for together.
//!
//! A project is read once, whoever names it. What is wanted of it is a set of *parts*: what the
//! project itself depends on, an extra, a group. A part that leads back to itself is not followed
//! again; of groups that include each other that is an error, since PEP 735 says so.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::lock::{Place, SourceError, codes};
use countermark_packaging::marker::{Marker, MarkerError};
use countermark_packaging::name::{ExtraName, ProjectName, normalize};
use countermark_packaging::requirement::VersionOrUrl;
use countermark_packaging::table::did_you_mean;

use super::pattern::{joined, parent};
use super::pyproject::{self, GroupItem, Listed, ProjectSource, Pyproject};
use super::{Chosen, Files, Inputs, Selection, error, start_of, unloaded};
use crate::wish::{Origin, Wish};

/// The most projects.
const MAXIMUM_PROJECTS: usize = 2_000;

/// The most parts of projects, each under each marker.
const MAXIMUM_PARTS: usize = 10_000;

/// The most wishes.
const MAXIMUM_WISHES: usize = 100_000;

/// What inputs reach so far.
pub struct Projects<'a> {
    pub(super) files: &'a mut dyn Files,
    /// What was found.
    pub(super) inputs: Inputs,
    pub(super) errors: Vec<SourceError>,
    pub(super) projects: Vec<Project>,
    by_folder: BTreeMap<String, Option<usize>>,
    by_name: BTreeMap<ProjectName, usize>,
    /// The project that was chosen: its sources hold for members too.
    root: Option<usize>,
    done: BTreeSet<(usize, Part, Option<String>)>,
}

/// A project that was read.
pub(super) struct Project {
    pub(super) folder: String,
    pub(super) said: Pyproject,
}

/// A part of a project.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Itself,
    Extra(ExtraName),
    Group(String),
}

impl Part {
    fn section(&self, said: &Pyproject) -> Option<String> {
        match self {
            Self::Itself => None,
            Self::Extra(extra) => Some(format!("[{extra}]")),
            Self::Group(group) => {
                let name = said.groups.get(group).map_or(group, |group| &group.name);
                Some(format!("group {name}"))
            }
        }
    }
}

impl<'a> Projects<'a> {
    /// None so far.
    pub fn new(files: &'a mut dyn Files) -> Self {
        Self {
            files,
            inputs: Inputs::default(),
            errors: Vec::new(),
            projects: Vec::new(),
            by_folder: BTreeMap::new(),
            by_name: BTreeMap::new(),
            root: None,
            done: BTreeSet::new(),
        }
    }

    /// Wants parts of the project with this `pyproject.toml`, and of the members of its workspace.
    pub fn choose(&mut self, path: &str, selection: &Selection) {
        let place = start_of(path);
        let Some(root) = self.load(parent(path), path, &place) else { return };
        self.root = Some(root);
        let mut chosen = vec![root];
        for (folder, place) in self.members(root) {
            chosen.extend(self.load(&folder, &joined(&folder, "pyproject.toml"), &place));
        }
        chosen.sort_unstable();
        chosen.dedup();
        self.take_workspace_wide(root, &chosen);
        self.check_selection(&chosen, selection);
        for index in chosen {
            let said = &self.projects[index].said;
            let extras = said.chosen_extras(&selection.extras);
            let groups = said.chosen_groups(&selection.groups, selection.default_groups);
            let itself = selection.project.then_some(Part::Itself);
            let extras = extras.into_iter().map(Part::Extra);
            let parts = itself.into_iter().chain(extras).chain(groups.into_iter().map(Part::Group));
            for part in parts.collect::<Vec<_>>() {
                self.want(index, &part, None, &mut Vec::new());
            }
        }
    }

    /// Wants a project by its folder, as a line of a requirements file does.
    pub(super) fn want_folder(
        &mut self,
        folder: &str,
        extras: &BTreeSet<ExtraName>,
        marker: Option<&Marker>,
        place: &Place,
    ) {
        let folder = joined("", folder);
        let Some(index) = self.load(&folder, &joined(&folder, "pyproject.toml"), place) else {
            return;
        };
        self.want_extras(index, extras, marker, place, &mut Vec::new());
    }

    /// Everything, or what is wrong.
    pub(super) fn finish(mut self) -> (Inputs, Vec<SourceError>) {
        for project in &self.projects {
            let said = &project.said;
            self.inputs.members.insert(project.folder.clone(), said.name.clone());
            self.inputs.excludes.extend(said.name.clone());
            self.inputs.notes.extend(said.notes.iter().cloned());
            if let Some(specifiers) = &said.requires_python {
                let all = self.inputs.requires_python.get_or_insert_default();
                *all = all.and(specifiers);
            }
        }
        (self.inputs, self.errors)
    }

    /// Reads a project once. `place` is where it is named.
    fn load(&mut self, folder: &str, file: &str, place: &Place) -> Option<usize> {
        if let Some(known) = self.by_folder.get(folder) {
            return *known;
        }
        self.by_folder.insert(folder.to_owned(), None);
        if self.projects.len() == MAXIMUM_PROJECTS {
            let message = format!("more than {MAXIMUM_PROJECTS} projects are not read");
            self.errors.push(error(codes::TOO_LARGE, message, place.clone()));
            return None;
        }
        let bytes = match self.files.read(file) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let message = format!("there is no `{file}`");
                self.errors.push(error(codes::FILE_UNREADABLE, message, place.clone()));
                return None;
            }
            Err(found) => {
                self.errors.push(unloaded(found, place.clone()));
                return None;
            }
        };
        match pyproject::parse(file, &bytes) {
            Ok(said) => {
                let index = self.projects.len();
                if let Some(name) = &said.name
                    && let Some(other) = self.by_name.insert(name.clone(), index)
                {
                    let other = &self.projects[other].said.file;
                    let message = format!("`{name}` is also the project of `{other}`");
                    self.errors.push(error(codes::DUPLICATE_CONFLICT, message, start_of(file)));
                }
                self.projects.push(Project { folder: folder.to_owned(), said });
                self.by_folder.insert(folder.to_owned(), Some(index));
                Some(index)
            }
            Err(found) => {
                self.errors.extend(found);
                None
            }
        }
    }

    /// What holds for all members is said in the root alone.
    fn take_workspace_wide(&mut self, root: usize, chosen: &[usize]) {
        let said = &self.projects[root].said;
        let wish = |listed: &Listed| Wish {
            requirement: listed.requirement.clone(),
            origin: Origin::File { place: listed.place.clone(), section: None },
        };
        self.inputs.overrides.extend(said.uv.overrides.iter().map(wish));
        self.inputs.constraints.extend(said.uv.constraints.iter().map(wish));
        self.inputs.excludes.extend(said.uv.excludes.iter().cloned());
        self.inputs.told = said.uv.told.clone();
        for &index in chosen.iter().filter(|&&index| index != root) {
            for place in &self.projects[index].said.uv.workspace_wide {
                let note =
                    format!("{place}: a member's setting for the whole workspace is not followed");
                self.inputs.notes.push(note);
            }
        }
    }

    /// A name that was chosen has to exist in one of the projects.
    fn check_selection(&mut self, chosen: &[usize], selection: &Selection) {
        let said = || chosen.iter().map(|&index| &self.projects[index].said);
        let extras = said().flat_map(|said| said.extras.keys()).map(ToString::to_string).collect();
        let groups = said().flat_map(Pyproject::all_groups).collect();
        let mut asked: Vec<(&str, &BTreeSet<String>, String)> = Vec::new();
        if let Chosen::Named(names) = &selection.extras {
            asked.extend(names.iter().map(|name| ("extra", &extras, name.to_string())));
        }
        if let Chosen::Named(names) = &selection.groups {
            asked.extend(names.iter().map(|name| ("dependency group", &groups, normalize(name))));
        }
        let place = start_of(&self.projects[chosen[0]].said.file);
        for (what, all, name) in asked.into_iter().filter(|(_, all, name)| !all.contains(name)) {
            let message = format!("there is no {what} `{name}`");
            let found = error(codes::UNKNOWN_SELECTION, message, place.clone());
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            self.errors.push(match &all[..] {
                [] => found,
                all => found.with_hint(did_you_mean(&name, all, "there are")),
            });
        }
    }

    /// Wants a project with some extras.
    fn want_extras(
        &mut self,
        index: usize,
        extras: &BTreeSet<ExtraName>,
        marker: Option<&Marker>,
        place: &Place,
        open: &mut Vec<(usize, Part)>,
    ) {
        self.want(index, &Part::Itself, marker, open);
        for extra in extras {
            if self.projects[index].said.extras.contains_key(extra) {
                self.want(index, &Part::Extra(extra.clone()), marker, open);
            } else {
                let said = &self.projects[index].said;
                if said.dynamic.iter().any(|(key, _)| key == "optional-dependencies") {
                    self.want(index, &Part::Extra(extra.clone()), marker, open);
                    continue;
                }
                let message = format!("`{}` has no extra `{extra}`", said.file);
                self.errors.push(error(codes::UNKNOWN_SELECTION, message, place.clone()));
            }
        }
    }

    fn want(
        &mut self,
        index: usize,
        part: &Part,
        marker: Option<&Marker>,
        open: &mut Vec<(usize, Part)>,
    ) {
        let step = (index, part.clone());
        // An extra that asks for itself, also through others, asks for nothing new.
        if open.contains(&step) {
            return;
        }
        if !self.done.insert((index, part.clone(), marker.map(ToString::to_string))) {
            return;
        }
        // Extras that ask for each other under many markers could go on for very long.
        if self.done.len() > MAXIMUM_PARTS {
            return self.too_large(
                "extras that ask for each other",
                start_of(&self.projects[index].said.file),
            );
        }
        if let Some(refused) = self.left_to_a_build(index, part) {
            return self.errors.push(refused);
        }
        open.push(step);
        let said = &self.projects[index].said;
        let section = part.section(said);
        let mut listed = Vec::new();
        match part {
            Part::Itself => listed.clone_from(&said.dependencies),
            Part::Extra(extra) => {
                listed.extend(said.extras.get(extra).into_iter().flatten().cloned());
            }
            Part::Group(group) => {
                let found = group_items(said, group, &mut Vec::new(), &mut listed);
                self.errors.extend(found.err());
            }
        }
        for item in listed {
            self.want_requirement(index, item, section.as_deref(), marker, open);
        }
        open.pop();
    }

    /// `project.dynamic` may say that only a build knows.
    fn left_to_a_build(&self, index: usize, part: &Part) -> Option<SourceError> {
        let key = match part {
            Part::Itself => "dependencies",
            Part::Extra(_) => "optional-dependencies",
            Part::Group(_) => return None,
        };
        let said = &self.projects[index].said;
        let (_, place) = said.dynamic.iter().find(|(name, _)| name == key)?;
        let message = format!("`{key}` of this project are dynamic, so only a build knows them");
        let hint = format!(
            "write them into project.{key}, or name the file that the build reads, such as a \
             requirements file"
        );
        Some(error(codes::INVALID_VALUE, message, place.clone()).with_hint(hint))
    }

    fn want_requirement(
        &mut self,
        index: usize,
        listed: Listed,
        section: Option<&str>,
        marker: Option<&Marker>,
        open: &mut Vec<(usize, Part)>,
    ) {
        let Listed { mut requirement, place } = listed;
        let Ok(marker) = both(marker, requirement.marker) else {
            return self.too_large("markers on the way to one requirement", place);
        };
        requirement.marker = marker;
        let own = self.projects[index].said.name.as_ref() == Some(&requirement.name);
        let is_member = self.by_name.contains_key(&requirement.name);
        match self.source(index, &requirement.name) {
            Source::Project(other) => {
                let marker = requirement.marker.clone();
                return self.want_extras(other, &requirement.extras, marker.as_ref(), &place, open);
            }
            Source::Url(url) => requirement.source = VersionOrUrl::Url(url),
            Source::Refused => return,
            Source::Index if own || is_member => {
                let other = self.by_name[&requirement.name];
                let marker = requirement.marker.clone();
                return self.want_extras(other, &requirement.extras, marker.as_ref(), &place, open);
            }
            Source::Index => {}
        }
        if self.inputs.wishes.len() == MAXIMUM_WISHES {
            return self.too_large("requirements", place);
        }
        let section = section.map(str::to_owned);
        let wish = Wish { requirement, origin: Origin::File { place, section } };
        self.inputs.wishes.push(wish);
    }

    /// Tells once that there is too much.
    fn too_large(&mut self, what: &str, place: Place) {
        if self.errors.iter().all(|error| error.code != codes::TOO_LARGE) {
            let message = format!("too many {what}");
            self.errors.push(error(codes::TOO_LARGE, message, place));
        }
    }

    /// Where a project comes from, as the sources of the file say it, or else those of the root.
    fn source(&mut self, index: usize, project: &ProjectName) -> Source {
        let of = |index: usize| {
            let (source, place) = self.projects[index].said.uv.sources.get(project)?;
            Some((source, place.clone(), self.projects[index].folder.clone()))
        };
        let Some((source, place, folder)) = of(index).or_else(|| of(self.root?)) else {
            return Source::Index;
        };
        match source {
            ProjectSource::Url(url) => Source::Url(url.clone()),
            ProjectSource::Index(name) => {
                let named = (name.clone(), place);
                self.inputs.indexes.insert(project.clone(), named);
                Source::Index
            }
            ProjectSource::Workspace => match self.by_name.get(project) {
                Some(&other) => Source::Project(other),
                None => {
                    let message = format!("`{project}` is no member of the workspace");
                    let found = error(codes::UNKNOWN_SELECTION, message, place);
                    let hint = "name the pyproject.toml of the workspace's root as the input";
                    self.errors.push(found.with_hint(hint));
                    Source::Refused
                }
            },
            ProjectSource::Path(path) => {
                let path = joined(&folder, path);
                let is_file = [".whl", ".tar.gz", ".zip"].iter().any(|end| path.ends_with(end));
                if is_file {
                    return Source::Url(path);
                }
                match self.load(&path, &joined(&path, "pyproject.toml"), &place) {
                    Some(other) => Source::Project(other),
                    None => Source::Refused,
                }
            }
        }
    }
}

/// Where a requirement leads.
enum Source {
    Index,
    Url(String),
    Project(usize),
    Refused,
}

/// The requirements of a group and of those it includes.
fn group_items(
    said: &Pyproject,
    group: &str,
    open: &mut Vec<String>,
    found: &mut Vec<Listed>,
) -> Result<(), SourceError> {
    open.push(group.to_owned());
    if group == "dev" {
        found.extend(said.uv.dev.iter().cloned());
    }
    let items = said.groups.get(group).map(|group| &group.items[..]).unwrap_or_default();
    for item in items {
        match item {
            GroupItem::Requirement(listed) => found.push(listed.clone()),
            GroupItem::Include(other, place) => {
                if open.contains(other) {
                    let message = format!("the group `{other}` includes itself");
                    return Err(error(codes::INCLUDE_CYCLE, message, place.clone()));
                }
                if !said.groups.contains_key(other) {
                    let message = format!("there is no dependency group `{other}`");
                    let all: Vec<&str> = said.groups.keys().map(String::as_str).collect();
                    let unknown = error(codes::UNKNOWN_SELECTION, message, place.clone());
                    return Err(unknown.with_hint(did_you_mean(other, &all, "there are")));
                }
                group_items(said, other, open, found)?;
            }
        }
    }
    open.pop();
    Ok(())
}

/// The marker that is true where both are; an error where it would nest too deep.
fn both(left: Option<&Marker>, right: Option<Marker>) -> Result<Option<Marker>, MarkerError> {
    match (left, right) {
        (Some(left), Some(right)) if *left == right => Ok(Some(right)),
        (Some(left), Some(right)) => Marker::parse(&format!("({left}) and ({right})")).map(Some),
        (left, right) => Ok(left.cloned().or(right)),
    }
}
