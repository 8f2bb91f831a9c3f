//! What was asked for, as it applies to one target: markers evaluated, who may have prereleases and
//! yanked files, and what stands in place of what.
//!
//! The meaning of constraints, overrides, prereleases and yanked files is that of uv:
//! <https://docs.astral.sh/uv/concepts/resolution/>. Only wishes, constraints and overrides opt in
//! to a prerelease or a yanked release; what some package in the middle writes does not.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::marker::{EvaluationError, Marker};
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::{Requirement, VersionOrUrl};
use countermark_packaging::version::{Operator, Version, VersionSpecifier};
use jiff::Timestamp;

use super::error::ResolveError;
use crate::request::{Prereleases, Request, Sources, Strategy};
use crate::target::Target;
use crate::wish::{Origin, Wish};

/// A request for one target.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) target: &'a Target,
    /// The version of Python without a prerelease part, which is what `requires-python` means.
    pub(super) python: Version,
    /// The wishes that apply, in an order that does not depend on that of the files.
    pub(super) wishes: Vec<&'a Wish>,
    constraints: BTreeMap<&'a ProjectName, Vec<&'a Wish>>,
    overrides: BTreeMap<&'a ProjectName, Vec<&'a Wish>>,
    prereleases: BTreeSet<&'a ProjectName>,
    pins: BTreeMap<&'a ProjectName, Vec<&'a VersionSpecifier>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(request: &'a Request, target: &'a Target) -> Result<Self, ResolveError> {
        let mut wishes = applicable(&request.wishes, target)?;
        wishes.sort_by_cached_key(|wish| (wish.requirement.to_string(), wish.origin.label()));
        let constraints = by_project(applicable(&request.constraints, target)?);
        let mut overrides = by_project(applicable(&request.overrides, target)?);
        // One that does not apply here takes the requirement away.
        for wish in &request.overrides {
            overrides.entry(&wish.requirement.name).or_default();
        }
        let (mut prereleases, mut pins) = (BTreeSet::new(), BTreeMap::<_, Vec<_>>::new());
        let all = constraints.values().chain(overrides.values()).flatten().chain(&wishes);
        for wish in all {
            let name = &wish.requirement.name;
            for specifier in wish.requirement.specifiers().into_iter().flatten() {
                if specifier.version().is_some_and(Version::any_prerelease) {
                    prereleases.insert(name);
                }
                if matches!(specifier.operator(), Operator::Equal | Operator::ExactEqual) {
                    pins.entry(name).or_default().push(specifier);
                }
            }
        }
        let python = target.python.only_release();
        Ok(Self { request, target, python, wishes, constraints, overrides, prereleases, pins })
    }

    /// The wishes that hold wherever the project is wanted.
    pub(super) fn constraints_on(&self, project: &ProjectName) -> &[&'a Wish] {
        self.constraints.get(project).map_or(&[], Vec::as_slice)
    }

    /// What stands in place of every requirement of the project; `None` when nothing does.
    pub(super) fn overrides_of(&self, project: &ProjectName) -> Option<&[&'a Wish]> {
        self.overrides.get(project).map(Vec::as_slice)
    }

    /// Every wish, constraint and override that applies and names a URL.
    pub(super) fn urls(&self) -> impl Iterator<Item = &'a Wish> {
        let wishes = self.wishes.iter().filter(|wish| {
            let name = &wish.requirement.name;
            !self.request.excludes.contains(name) && !self.overrides.contains_key(name)
        });
        let others = self.constraints.values().chain(self.overrides.values()).flatten();
        let all = wishes.chain(others).copied();
        all.filter(|wish| matches!(wish.requirement.source, VersionOrUrl::Url(_)))
    }

    /// Whether a person named a prerelease of the project, or all are allowed; whether a project
    /// that has nothing else may use them is [`Self::prereleases_if_necessary`].
    pub(super) fn prereleases_of(&self, project: &ProjectName) -> bool {
        match self.request.prereleases {
            Prereleases::Allow => true,
            Prereleases::Disallow | Prereleases::IfNecessary => false,
            Prereleases::Explicit | Prereleases::IfNecessaryOrExplicit => {
                self.prereleases.contains(project)
            }
        }
    }

    pub(super) fn prereleases_if_necessary(&self) -> bool {
        matches!(
            self.request.prereleases,
            Prereleases::IfNecessary | Prereleases::IfNecessaryOrExplicit
        )
    }

    /// Whether a yanked release may be taken: a person pins it, or a lock had it before.
    pub(super) fn yanked(&self, project: &ProjectName, version: &Version) -> bool {
        self.pins.get(project).is_some_and(|pins| pins.iter().any(|pin| pin.contains(version)))
            || self.request.preferences.get(project).is_some_and(|kept| kept.contains(version))
    }

    /// Files uploaded at or after this moment do not exist.
    pub(super) fn exclude_newer(&self, project: &ProjectName) -> Option<Timestamp> {
        let own = self.request.exclude_newer_project.get(project);
        own.copied().unwrap_or(self.request.exclude_newer)
    }

    pub(super) fn sources(&self, project: &ProjectName) -> bool {
        match &self.request.sources {
            Sources::None => false,
            Sources::Named(projects) => projects.contains(project),
            Sources::All => true,
        }
    }

    /// Whether the lowest version of the project is tried first.
    pub(super) fn lowest_first(&self, project: &ProjectName) -> bool {
        match self.request.strategy {
            Strategy::Highest => false,
            Strategy::Lowest => true,
            Strategy::LowestDirect => {
                self.wishes.iter().any(|wish| &wish.requirement.name == project)
            }
        }
    }

    /// Whether a marker in metadata is true with no extra, or with this one.
    pub(super) fn applies(
        &self,
        marker: Option<&Marker>,
        extra: Option<&ExtraName>,
    ) -> Result<bool, EvaluationError> {
        let Some(marker) = marker else { return Ok(true) };
        marker.evaluate(&self.target.markers, extra.map_or(&[], std::slice::from_ref))
    }
}

/// Where a wish stands, for messages: `requirements.in:3`.
pub(super) fn place(origin: &Origin) -> String {
    match origin {
        Origin::CommandLine => "the command line".to_owned(),
        Origin::File { place, section: None } => format!("{}:{}", place.file, place.line),
        Origin::File { place, section: Some(section) } => {
            format!("{}:{} ({section})", place.file, place.line)
        }
    }
}

/// A requirement as messages show it: no marker, no credentials.
pub(super) fn shown(requirement: &Requirement) -> String {
    let mut shown = requirement.clone();
    shown.marker = None;
    if let VersionOrUrl::Url(url) = &shown.source {
        shown.source = VersionOrUrl::Url(shown_url(url));
    }
    shown.to_string()
}

/// A URL without credentials, query and fragment, each of which may be a secret.
pub(super) fn shown_url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (scheme, rest) = url[..end].split_once("://").unwrap_or(("", &url[..end]));
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{host}{path}") }
}

fn applicable<'a>(wishes: &'a [Wish], target: &Target) -> Result<Vec<&'a Wish>, ResolveError> {
    let mut applicable = Vec::new();
    for wish in wishes {
        let marker = wish.requirement.marker.as_ref();
        let applies = marker.map_or(Ok(true), |marker| marker.evaluate(&target.markers, &[]));
        if applies.map_err(|source| ResolveError::Marker { place: place(&wish.origin), source })? {
            applicable.push(wish);
        }
    }
    Ok(applicable)
}

fn by_project(wishes: Vec<&Wish>) -> BTreeMap<&ProjectName, Vec<&Wish>> {
    let mut map = BTreeMap::<_, Vec<_>>::new();
    for wish in wishes {
        map.entry(&wish.requirement.name).or_default().push(wish);
    }
    map
}
