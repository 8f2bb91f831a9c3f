//! Does the file list everything that its packages need?
//!
//! Nothing that the file does not list is ever installed, so a dependency that it lacks is found
//! before anything is installed, by the metadata of the very wheels that were verified.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::{Version, VersionSpecifiers};

/// One package of the set.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Its version.
    pub version: Version,
    /// The extras that the file asks for.
    pub extras: BTreeSet<ExtraName>,
    /// `Requires-Dist` lines of its metadata.
    pub requires_dist: &'a [String],
    /// `Requires-Python` of its metadata.
    pub requires_python: Option<&'a str>,
}

/// What the set lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A dependency that is not in the set.
    Missing {
        /// Who needs it.
        by: ProjectName,
        /// What is needed.
        requirement: String,
    },
    /// A dependency that is there in a version that does not do.
    Unsatisfied {
        /// Who needs it.
        by: ProjectName,
        /// What is needed.
        requirement: String,
        /// What is there.
        found: Version,
    },
    /// A package that does not support this interpreter.
    Python {
        /// Which.
        by: ProjectName,
        /// What it supports.
        requires: String,
    },
    /// Metadata that cannot be read or evaluated.
    Unreadable {
        /// Whose.
        by: ProjectName,
        /// The line.
        requirement: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Every gap of a set, in the order of names. Extras that a dependency asks for count for the
/// package that it asks of.
#[must_use]
pub fn check_closure(
    members: &BTreeMap<ProjectName, Member<'_>>,
    environment: &MarkerEnvironment,
    python: &Version,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut extras: BTreeMap<&ProjectName, BTreeSet<ExtraName>> =
        members.iter().map(|(name, member)| (name, member.extras.clone())).collect();
    let mut open: Vec<&ProjectName> = members.keys().rev().collect();
    while let Some(name) = open.pop() {
        let Some(member) = members.get(name) else { continue };
        let asked: Vec<ExtraName> =
            extras.get(name).map(|set| set.iter().cloned().collect()).unwrap_or_default();
        for line in member.requires_dist {
            let needed = match applies(line, environment, &asked) {
                Ok(Some(needed)) => needed,
                Ok(None) => continue,
                Err(reason) => {
                    let requirement = line.clone();
                    gaps.push(Gap::Unreadable { by: name.clone(), requirement, reason });
                    continue;
                }
            };
            let Some((found, dependency)) = members.get_key_value(&needed.name) else {
                gaps.push(Gap::Missing { by: name.clone(), requirement: line.clone() });
                continue;
            };
            if needed.specifiers().is_some_and(|all| !allows(all, &dependency.version)) {
                let found = dependency.version.clone();
                let requirement = line.clone();
                gaps.push(Gap::Unsatisfied { by: name.clone(), requirement, found });
            }
            let known = extras.entry(found).or_default();
            let before = known.len();
            known.extend(needed.extras);
            if known.len() > before {
                open.push(found);
            }
        }
    }
    gaps.extend(members.iter().filter_map(|(name, member)| {
        let requires = member.requires_python?;
        let specifiers: VersionSpecifiers = requires.parse().ok()?;
        let unsupported = !allows(&specifiers, python);
        unsupported.then(|| Gap::Python { by: name.clone(), requires: requires.to_owned() })
    }));
    let mut seen = Vec::new();
    gaps.retain(|gap| {
        let new = !seen.contains(gap);
        if new {
            seen.push(gap.clone());
        }
        new
    });
    gaps
}

/// A version that is installed satisfies specifiers also when it is a prerelease.
fn allows(specifiers: &VersionSpecifiers, version: &Version) -> bool {
    specifiers.contains(version)
}

fn applies(
    line: &str,
    environment: &MarkerEnvironment,
    extras: &[ExtraName],
) -> Result<Option<Requirement>, String> {
    let requirement = Requirement::parse(line).map_err(|error| error.to_string())?;
    let applies = match &requirement.marker {
        Some(marker) => marker.evaluate(environment, extras).map_err(|error| error.to_string())?,
        None => true,
    };
    Ok(applies.then_some(requirement))
}
