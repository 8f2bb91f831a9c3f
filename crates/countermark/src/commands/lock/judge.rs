//! Holds pins that are about to be written against the policy.

use std::collections::BTreeMap;

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use countermark_trust::change::Change;
use countermark_trust::policy::{Policy, Refusal, Subject, Verdict};
use jiff::Timestamp;

use countermark_lock::catalogue::Catalogue as _;
use countermark_lock::pins::{PinnedRelease, PinnedSource};

use super::engine::{self, Engine, Locked};
use super::existing::Existing;

/// What is known of a pin beside what the lock will say.
struct Evidence {
    also_on: Option<Vec<String>>,
    is_public: Option<bool>,
    status: Option<countermark_packaging::simple::StatusMarker>,
    yanked: Option<String>,
    is_new: bool,
    has_moved: bool,
}

/// Whether the policy lets all pins pass; notes what it lets pass by an exception.
///
/// # Errors
/// A problem for each rule that says no, or that could not be decided, with the line that would allow it.
pub(crate) fn judge(
    engine: &Engine<'_>,
    policy: &Policy,
    locked: &Locked,
    existing: Option<&Existing>,
    changes: &BTreeMap<ProjectName, Change>,
    now: Timestamp,
) -> Result<(), Vec<Problem>> {
    for expired in policy.expired(now) {
        let message = format!("the exception at {} ended with {}", expired.place, expired.until);
        engine.teller.note(Note::new("expired-exception", message));
    }
    let mut problems = Vec::new();
    for release in &locked.pins.releases {
        let evidence = evidence(engine, policy, release, locked, existing);
        let subject = subject(release, &evidence, changes.get(&release.project));
        for verdict in policy.check(&subject, now) {
            match verdict {
                Verdict::Accepted => {}
                Verdict::Excepted(refusal, exception) => {
                    let message = format!("{}; let pass: {exception}", refusal.message);
                    engine.teller.note(Note::new(refusal.rule, message));
                }
                Verdict::Rejected(refusal) => problems.push(refused(refusal, Class::Rejected)),
                Verdict::Undecided(refusal) => problems.push(refused(refusal, Class::Unavailable)),
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// A refusal, with the line that would allow it.
pub(crate) fn refused(refusal: Refusal, class: Class) -> Problem {
    let problem = Problem::new(refusal.rule, class, refusal.message);
    if refusal.allow.is_empty() {
        return problem;
    }
    problem
        .with_hint(format!("to allow it, put this into `allow` of the policy:\n{}", refusal.allow))
}

fn evidence(
    engine: &Engine<'_>,
    policy: &Policy,
    release: &PinnedRelease,
    locked: &Locked,
    existing: Option<&Existing>,
) -> Evidence {
    use countermark_trust::policy::rule::Evidence as Kind;
    let project = &release.project;
    let is_indexed = matches!(release.source, PinnedSource::Index(_));
    let asks = is_indexed && policy.needs(Kind::Index);
    let releases = if asks { engine.catalogue.releases(project).ok() } else { None };
    let mut before = existing
        .iter()
        .flat_map(|existing| &existing.document.packages)
        .filter(|package| package.project == *project)
        .peekable();
    let is_new = before.peek().is_none();
    let has_moved = !before.any(|package| package.version.as_ref() == Some(&release.version));
    let resolved = locked.resolutions.iter().filter_map(|one| one.releases.get(project));
    Evidence {
        also_on: if asks { engine.catalogue.also_on(project).ok() } else { None },
        is_public: None,
        status: releases.map(|releases| releases.status.marker),
        yanked: resolved
            .filter(|one| one.version == release.version)
            .find_map(|one| one.yanked.clone()),
        is_new,
        has_moved,
    }
}

fn subject<'a>(
    release: &'a PinnedRelease,
    evidence: &'a Evidence,
    change: Option<&'a Change>,
) -> Subject<'a> {
    let (index, direct) = match &release.source {
        PinnedSource::Index(index) => (Some(index.as_str()), None),
        PinnedSource::Url(place) | PinnedSource::Path(place) => (None, Some(place.as_str())),
    };
    let is_wheel = |name: &str| {
        matches!(DistributionFilename::parse(name), Ok(DistributionFilename::Wheel(_)))
    };
    let wheels = release.files.iter().filter(|file| is_wheel(&file.filename));
    let source_only = engine::is_source_only(release);
    // Of a release without wheels the source distribution is what would be used.
    let used: Vec<_> = if source_only { release.files.iter().collect() } else { wheels.collect() };
    let uploads: Option<Vec<Timestamp>> = used.iter().map(|file| file.uploaded).collect();
    Subject {
        index,
        direct,
        also_on: evidence.also_on.as_deref(),
        is_public: evidence.is_public,
        uploaded: uploads.and_then(|uploads| uploads.into_iter().max()),
        status: evidence.status,
        yanked: evidence.yanked.as_deref(),
        has_source: Some(source_only),
        is_new: evidence.is_new,
        has_moved: evidence.has_moved,
        change,
        ..Subject::new(&release.project, &release.version)
    }
}
