//! Which projects are taken from a URL.
//!
//! A URL in a wish, a constraint or an override wins over the index for its project. What such a
//! release requires by URL is part of the same choice, so it counts as well; what a release of an
//! index requires by URL does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::VersionOrUrl;

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

pub(super) fn pins(asked: &Asked<'_>, catalogue: &dyn Catalogue) -> Result<UrlPins, ResolveError> {
    let mut pins = UrlPins::new();
    let mut waiting: Vec<(ProjectName, String, String)> = asked
        .urls()
        .map(|(wish, url)| (wish.requirement.name.clone(), url.to_owned(), place(&wish.origin)))
        .collect();
    waiting.reverse();
    while let Some((project, url, who)) = waiting.pop() {
        if let Some(pin) = pins.get_mut(&project) {
            if !same_url(&pin.url, &url) {
                return Err(ResolveError::UrlConflict {
                    project,
                    first: format!("{} ({})", shown_url(&pin.url), pin.who),
                    second: format!("{} ({who})", shown_url(&url)),
                });
            }
            continue;
        }
        let release = catalogue.at_url(&project, &url)?;
        for requirement in &release.requires.requires_dist {
            let VersionOrUrl::Url(next) = &requirement.source else { continue };
            // Extras are not known yet; a requirement of one counts only when it is wanted, and
            // is then refused unless somebody names it.
            let applies = asked.applies(requirement.marker.as_ref(), None).unwrap_or(false);
            if applies
                && requirement.name != project
                && asked.overrides_of(&requirement.name).is_none()
                && !asked.request.excludes.contains(&requirement.name)
            {
                waiting.push((requirement.name.clone(), next.clone(), project.to_string()));
            }
        }
        pins.insert(project, UrlPin { url, release, who });
    }
    Ok(pins)
}
