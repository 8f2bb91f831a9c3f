//! Digests that people gave in the input: what is pinned for a line has to have one of them.
//!
//! As in pip, a line lists the files that may be used, so files that it does not list are not pinned.
//! The digests of the old lock are another matter: those are only compared, and never used.

use std::collections::BTreeSet;

use countermark_client::report::Problem;
use countermark_lock::input::Expected;
use countermark_lock::pins::{PinnedRelease, PinnedSource};
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::requirement::VersionOrUrl;
use countermark_trust::Class;

use super::engine::Locked;

/// Digests that are shown of a list.
const SHOWN: usize = 3;

/// Leaves the files that the input lists, where it lists any.
///
/// # Errors
/// Every line of which no file has a digest, with what was wanted and what came.
pub(crate) fn hold(locked: &mut Locked, expected: &[Expected]) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for one in expected {
        let environments: Vec<_> = locked.targets.iter().map(|target| &target.markers).collect();
        for release in &mut locked.pins.releases {
            let marker = |marker: &Option<Marker>, environment: &MarkerEnvironment| {
                let marker = marker.as_ref();
                marker.is_none_or(|marker| marker.evaluate(environment, &[]).unwrap_or(true))
            };
            let is_meant = environments.iter().any(|environment| {
                marker(&one.requirement.marker, environment) && marker(&release.marker, environment)
            });
            if is_meant && is_of(release, one) {
                problems.extend(narrow(release, one).err().map(|problem| *problem));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn is_of(release: &PinnedRelease, expected: &Expected) -> bool {
    release.project == expected.requirement.name
        && match &expected.requirement.source {
            VersionOrUrl::Specifiers(specifiers) => specifiers.contains(&release.version),
            VersionOrUrl::Url(_) => !matches!(release.source, PinnedSource::Index(_)),
        }
}

fn narrow(release: &mut PinnedRelease, expected: &Expected) -> Result<(), Box<Problem>> {
    let is_sha256 = |digest: &&Digest| digest.algorithm() == Algorithm::Sha256;
    let wanted: BTreeSet<&Digest> = expected.digests.iter().filter(is_sha256).collect();
    let (project, version) = (&release.project, &release.version);
    if wanted.is_empty() {
        let message = format!("no digest that is given for `{project}` is one of SHA-256");
        let problem = Problem::new("no-sha256", Class::Usage, message);
        return Err(Box::new(problem.at(&expected.place)));
    }
    let has_digest = |sha256| wanted.contains(&Digest::from(sha256));
    if release.files.iter().any(|file| has_digest(file.sha256)) {
        release.files.retain(|file| has_digest(file.sha256));
        return Ok(());
    }
    let message = format!("no file of {project} {version} has a digest that the input gives");
    let mut problem = Problem::new("digest-mismatch", Class::Rejected, message);
    let list = |digests: Vec<String>| {
        let more = digests.len().saturating_sub(SHOWN);
        let shown = digests.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        if more == 0 { shown } else { format!("{shown} and {more} more") }
    };
    let found = release.files.iter();
    let found = found.map(|file| format!("{} of `{}`", Digest::from(file.sha256), file.filename));
    problem = problem
        .with_detail(format!("expected {}", list(wanted.iter().map(ToString::to_string).collect())))
        .with_detail(format!("found {}", list(found.collect())))
        .with_hint(
            "find out who gave the digest, and for which files; a line without digests takes \
             whatever the index has",
        );
    Err(Box::new(problem.at(&expected.place)))
}
