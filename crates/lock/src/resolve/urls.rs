//! Which projects are taken from a URL.
//!
//! A URL in a wish, a constraint or an override wins over the index for its project. What such a
//! release requires by URL is part of the same choice, so it counts as well; what a release of an
//! index requires by URL does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::{Requirement, VersionOrUrl};

use super::asked::{Asked, place, shown_url};
use super::error::ResolveError;
use super::universe::same_url;
use crate::catalogue::{Catalogue, UrlRelease};

/// By project.
pub(super) type UrlPins = BTreeMap<ProjectName, UrlPin>;

/// Where a project is taken from.
pub(super) struct UrlPin {
    /// As the requirement has it.
    pub(super) url: String,
    pub(super) release: Arc<UrlRelease>,
    /// Who says so.
    who: String,
}

/// The most requirements with a URL that are followed.
const REQUIREMENTS: usize = 10_000;

pub(super) fn pins(asked: &Asked<'_>, catalogue: &dyn Catalogue) -> Result<UrlPins, ResolveError> {
    let mut pins = UrlPins::new();
    let mut waiting: Vec<(Requirement, String)> =
        asked.urls().map(|wish| (wish.requirement.clone(), place(&wish.origin))).collect();
    waiting.reverse();
    let mut seen = Vec::new();
    while let Some((requirement, who)) = waiting.pop() {
        let VersionOrUrl::Url(url) = &requirement.source else { continue };
        if seen.contains(&requirement) || seen.len() == REQUIREMENTS {
            continue;
        }
        let project = &requirement.name;
        let release = match pins.get(project) {
            Some(pin) if !same_url(&pin.url, url) => {
                return Err(ResolveError::UrlConflict {
                    project: project.clone(),
                    first: format!("{} ({})", shown_url(&pin.url), pin.who),
                    second: format!("{} ({who})", shown_url(url)),
                });
            }
            Some(pin) => Arc::clone(&pin.release),
            None => catalogue.at_url(project, url)?,
        };
        let next = release.requires.requires_dist.iter();
        let next = next.filter(|next| is_followed(next, &requirement, asked));
        waiting.extend(next.map(|next| (next.clone(), project.to_string())));
        let pin = UrlPin { url: url.clone(), release, who };
        pins.entry(project.clone()).or_insert(pin);
        seen.push(requirement);
    }
    Ok(pins)
}

/// Whether what a release requires counts: it has a URL, applies here, with one of the extras that
/// are wanted of the release or without any, and nothing stands in its place.
fn is_followed(next: &Requirement, by: &Requirement, asked: &Asked<'_>) -> bool {
    let applies = |extra| asked.applies(next.marker.as_ref(), extra).unwrap_or(false);
    matches!(next.source, VersionOrUrl::Url(_))
        && next.name != by.name
        && asked.overrides_of(&next.name).is_none()
        && !asked.request.excludes.contains(&next.name)
        && (applies(None) || by.extras.iter().any(|extra| applies(Some(extra))))
}
