//! What a person can do about an explanation.

use countermark_packaging::name::ProjectName;

use super::super::asked::Asked;
use super::super::package::Reason;
use super::super::universe::Origin;
use super::words::Kind;
use super::{Facts, No};
use crate::catalogue::CatalogueError;
use crate::request::Prereleases;

/// The most hints.
const HINTS: usize = 5;

pub(super) fn hints(facts: &Facts<'_>) -> Vec<String> {
    let mut hints = Vec::new();
    for (project, reasons) in &facts.refused {
        for (no, positions) in reasons {
            // The newest one is what a person most probably wants.
            let Ok(universe) = facts.provider.universe(project) else { continue };
            let newest = positions.last().map(|&position| universe.version(position).to_string());
            if let (No::Unusable(sentence), Some(newest)) = (no, newest) {
                hints.extend(against(sentence.kind, project, &newest, facts.provider.asked));
            }
        }
    }
    for ((project, _), reason) in facts.provider.left_out() {
        if facts.refused.contains_key(&project) {
            hints.extend(match reason {
                Reason::Python(_) => against(Kind::Python, &project, "", facts.provider.asked),
                Reason::Url(_) => {
                    Some("put that URL into a requirement or a constraint of yours".to_owned())
                }
                Reason::Metadata(_) | Reason::Marker(_) | Reason::Itself(_) => None,
            });
        }
    }
    for (_, project) in facts.wanted.keys() {
        let universe = facts.provider.universe(project).ok();
        let is_absent =
            |origin: &Origin| matches!(origin, Origin::Missing(CatalogueError::Absent { .. }));
        if universe.is_some_and(|universe| is_absent(&universe.origin)) {
            hints.push(format!(
                "is `{project}` spelled right, and is the index that has it configured?"
            ));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    hints.retain(|hint| seen.insert(hint.clone()));
    hints.truncate(HINTS);
    hints
}

fn against(kind: Kind, project: &ProjectName, newest: &str, asked: &Asked<'_>) -> Option<String> {
    match kind {
        // Constraints are a person's own, and are named with their place.
        Kind::Constraint => None,
        Kind::Newer | Kind::NoUploadTime => {
            Some(format!("`--exclude-newer-package {project}=never` lifts the date for {project}"))
        }
        Kind::Python => Some(format!("another `--python-version` may do for {project}")),
        Kind::NoWheel => {
            Some(format!("another `--platform` or `--python-version` may do for {project}"))
        }
        Kind::OnlySource => {
            Some(format!("`--allow-source {project}` takes {project} as a source package"))
        }
        Kind::Yanked => Some(format!(
            "a requirement `{project}=={newest}` of yours takes it although it is yanked"
        )),
        Kind::Prerelease => Some(match asked.request.prereleases {
            Prereleases::Explicit | Prereleases::IfNecessaryOrExplicit => format!(
                "`--prerelease allow`, or a requirement `{project}>={newest}` of yours, takes prereleases"
            ),
            Prereleases::Disallow | Prereleases::IfNecessary | Prereleases::Allow => {
                "`--prerelease allow` takes prereleases".to_owned()
            }
        }),
    }
}
