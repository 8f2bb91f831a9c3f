//! Holds pins that are about to be written against the policy.

use std::collections::BTreeMap;

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_lock::catalogue::{Catalogue as _, ReleaseFile};
use countermark_lock::moves::evidence::{self, Evidence, Judged};
use countermark_lock::moves::{self, FileId, Move, Pin};
use countermark_lock::pins::{PinnedFile, PinnedRelease, PinnedSource};
use countermark_lock::write::recorded;
use countermark_packaging::digest::Digest;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use countermark_trust::policy::rule::Evidence as Kind;
use countermark_trust::policy::{Policy, Refusal, Verdict};
use jiff::{SignedDuration, Timestamp};

use super::changes::{self, Changes};
use super::engine::{Engine, Locked, is_source_only};
use super::existing::Existing;
use crate::commands::ledger::{self, Next, Team};
use crate::output;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// What the policy asks for.
    Policy,
    /// Everything that a person wants to see before a pin moves.
    Everything,
}

/// How pins are looked at.
pub(crate) struct Looking<'a> {
    pub(crate) look: Look,
    /// Of which projects the files of both sides are kept.
    pub(crate) keep: &'a dyn Fn(&ProjectName) -> bool,
    /// The ledger, where there is one.
    pub(crate) team: Option<&'a mut Team>,
}

/// The pins that moved, with what is known of them and what the policy says; and the files of both
/// sides of those that `keep` names.
pub(crate) fn judge(
    engine: &Engine<'_>,
    policy: &Policy,
    locked: &mut Locked,
    existing: Option<&Existing>,
    looking: Looking<'_>,
    now: Timestamp,
) -> (Vec<Judged>, Changes) {
    for expired in policy.expired(now) {
        let message = format!("the exception at {} ended with {}", expired.place, expired.until);
        engine.teller.note(Note::new("expired-exception", message));
    }
    let before = existing.map(before).unwrap_or_default();
    let Looking { look, keep, mut team } = looking;
    record_roles(engine, locked, &before, look);
    let all = moves::moves(&before, &after(locked, &before));
    let moved: Vec<&Move> = all.iter().filter(|one| one.brings_bytes()).collect();
    let compares = look == Look::Everything || policy.needs(Kind::Contents);
    let mut changes = match existing {
        Some(existing) if compares => changes::compare(engine, locked, existing, &moved, keep),
        _ => Changes::default(),
    };
    let asks = look == Look::Everything || policy.needs(Kind::Index);
    if asks {
        let names: Vec<ProjectName> =
            moved.iter().filter_map(|one| one.project().cloned()).collect();
        engine.catalogue.expect_also_on(&names);
    }
    if let Some(team) = &mut team {
        team.learn(engine, locked, existing.map(|one| &one.document), &moved);
    }
    let releases: Vec<&PinnedRelease> =
        moved.iter().filter_map(|one| release_of(locked, one)).collect();
    let answers = team.and_then(|team| team.about(&releases));
    let mut known: BTreeMap<(ProjectName, Option<Version>), Evidence> = BTreeMap::new();
    for one in moved {
        let Some(after) = &one.after else { continue };
        let Some(release) = release_of(locked, one) else { continue };
        let mut evidence = gather(engine, locked, release, asks);
        evidence.ledger = answers.as_ref().map(|answers| ledger::answer(answers, release));
        evidence.is_one_upload =
            one.before.as_ref().is_some_and(|before| is_one_upload(locked, release, before));
        evidence.change = changes.by_project.remove(&after.project).map(|mut change| {
            let now = (!release.roles.is_empty()).then_some(release.roles.as_slice());
            change.roles = one.before.as_ref().and_then(|before| evidence::roles(before, now));
            change
        });
        known.insert((after.project.clone(), after.version.clone()), evidence);
    }
    let find = |one: &Move| {
        let after = one.after.as_ref()?;
        known.get(&(after.project.clone(), after.version.clone()))
    };
    (evidence::judge(all, find, policy, now), changes)
}

/// The release that a pin moves to.
fn release_of<'l>(locked: &'l Locked, one: &Move) -> Option<&'l PinnedRelease> {
    let after = one.after.as_ref()?;
    locked.pins.releases.iter().find(|release| {
        release.project == after.project && Some(&release.version) == after.version.as_ref()
    })
}

/// The new pins as the old ones are told: a requirements file does not say which digest is whose.
fn after(locked: &Locked, before: &[Pin]) -> Vec<Pin> {
    let mut pins = moves::pins_of(&locked.pins);
    let is_nameless = |pin: &Pin| pin.files.iter().all(|file| file.name.is_none());
    if before.iter().all(is_nameless) {
        for pin in &mut pins {
            let files = std::mem::take(&mut pin.files).into_iter();
            pin.files = files.map(|file| FileId { name: None, ..file }).collect();
        }
    }
    pins
}

/// The pins of the lock that is there, with the roles that it recorded.
fn before(existing: &Existing) -> Vec<Pin> {
    let recorded = recorded::read(&existing.text);
    let mut pins = moves::pins_of_document(&existing.document);
    for pin in &mut pins {
        let same = recorded
            .iter()
            .find(|one| one.project == pin.project && Some(&one.version) == pin.version.as_ref());
        if let Some(same) = same {
            pin.roles.clone_from(&same.roles);
        }
    }
    pins
}

/// Who holds roles, of pins that move; a pin that stays keeps what was recorded of it, so that a
/// change between two moves is still seen at the next one.
fn record_roles(engine: &Engine<'_>, locked: &mut Locked, before: &[Pin], look: Look) {
    let stays = |release: &PinnedRelease| {
        before.iter().find(|pin| {
            pin.project == release.project && pin.version.as_ref() == Some(&release.version)
        })
    };
    let mut asked: Vec<ProjectName> = Vec::new();
    for release in &mut locked.pins.releases {
        match stays(release) {
            Some(pin) => release.roles.clone_from(&pin.roles),
            None if matches!(release.source, PinnedSource::Index(_)) => {
                asked.push(release.project.clone());
            }
            None => {}
        }
    }
    if look == Look::Policy || asked.is_empty() {
        return;
    }
    engine.catalogue.expect_roles(&asked);
    for release in locked.pins.releases.iter_mut().filter(|one| asked.contains(&one.project)) {
        // An index that does not say who holds roles leaves them unknown.
        if let Ok(Some(roles)) = engine.catalogue.roles(&release.project) {
            release.roles = roles;
        }
    }
}

fn gather(engine: &Engine<'_>, locked: &Locked, release: &PinnedRelease, asks: bool) -> Evidence {
    let project = &release.project;
    let is_indexed = matches!(release.source, PinnedSource::Index(_));
    let asks = asks && is_indexed;
    let releases = if asks { engine.catalogue.releases(project).ok() } else { None };
    let mut resolved = locked.resolutions.iter().filter_map(|one| one.releases.get(project));
    let is_wheel = |name: &str| {
        matches!(DistributionFilename::parse(name), Ok(DistributionFilename::Wheel(_)))
    };
    let source_only = is_source_only(release);
    // Of a release without wheels the source distribution is what would be used.
    let used = release.files.iter().filter(|file| source_only || is_wheel(&file.filename));
    let uploads: Option<Vec<Timestamp>> = used.map(|file| file.uploaded).collect();
    let also_on = if asks { engine.catalogue.also_on(project) } else { Ok(Vec::new()) };
    Evidence {
        also_on: also_on.ok().filter(|_| asks),
        is_public: engine.session.is_public(&release.source),
        uploaded: uploads.and_then(|uploads| uploads.into_iter().max()),
        status: releases.map(|releases| releases.status.marker),
        yanked: resolved
            .find(|one| one.version == release.version)
            .and_then(|one| one.yanked.clone()),
        has_source: Some(source_only),
        is_one_upload: false,
        ledger: None,
        change: None,
    }
}

/// Files of one release are uploaded one after the other, and those of one day together. One that is
/// added later may be by somebody else.
const ONE_UPLOAD: SignedDuration = SignedDuration::from_hours(24);

/// Whether every file that is new was uploaded together with those that were pinned before.
fn is_one_upload(locked: &Locked, release: &PinnedRelease, before: &Pin) -> bool {
    let pinned = |digest: &str| before.files.iter().any(|file| file.digest.contains(digest));
    let resolved = locked.resolutions.iter().filter_map(|one| one.releases.get(&release.project));
    let listed =
        resolved.filter(|one| one.version == release.version).flat_map(|one| &one.all_files);
    let was_pinned =
        |file: &&ReleaseFile| file.digests.iter().any(|digest| pinned(&digest.to_string()));
    let Some(youngest) = listed.filter(was_pinned).filter_map(|file| file.uploaded).max() else {
        return false;
    };
    let is_new = |file: &&PinnedFile| !pinned(&Digest::from(file.sha256).to_string());
    release.files.iter().filter(is_new).all(|file| {
        file.uploaded.is_some_and(|uploaded| uploaded.duration_since(youngest) <= ONE_UPLOAD)
    })
}

/// Notes what the policy lets pass by an exception, and gives a problem for each rule that says no
/// or could not be decided, with the line that would allow it. What can be done about a move that the
/// ledger refuses, `next` knows.
pub(crate) fn problems(
    engine: &Engine<'_>,
    policy: &Policy,
    judged: &[Judged],
    next: &dyn Fn(&Move) -> Next,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let verdicts = judged.iter().flat_map(|one| one.verdicts.iter().map(move |it| (one, it)));
    for (one, verdict) in verdicts {
        let project = one.moved.project().map_or("", ProjectName::as_str);
        let refused = |refusal: &Refusal, class| match refusal.rule {
            "ledger" => ledger::refused(refusal, class, project, &next(&one.moved)),
            _ => refused(refusal, class),
        };
        match verdict {
            Verdict::Accepted => {}
            Verdict::Excepted(refusal, exception) => {
                let message = format!("{}; let pass: {exception}", refusal.message);
                engine.teller.note(Note::new(refusal.rule, message));
            }
            Verdict::Warned(refusal) => {
                engine.teller.note(Note::new(refusal.rule, refusal.message.clone()));
            }
            Verdict::Rejected(refusal) => problems.push(refused(refusal, Class::Rejected)),
            Verdict::Undecided(refusal) => problems.push(refused(refusal, Class::Unavailable)),
        }
    }
    tell_older(policy, &mut problems);
    problems
}

/// What else can be done about releases that are too young: said once, as there may be many.
fn tell_older(policy: &Policy, problems: &mut [Problem]) {
    let young = problems
        .iter_mut()
        .find(|problem| (problem.code, problem.class) == ("minimum-age", Class::Rejected));
    if let (Some(problem), Some(age)) = (young, policy.minimum_age()) {
        let hours = age.as_hours();
        let span = if hours % 24 == 0 {
            output::count(usize::try_from(hours / 24).unwrap_or_default(), "day", "days")
        } else {
            output::count(usize::try_from(hours).unwrap_or_default(), "hour", "hours")
        };
        let told = format!("`--exclude-newer '{span}'` takes releases that are old enough");
        *problem = problem.clone().with_detail(told);
    }
}

fn refused(refusal: &Refusal, class: Class) -> Problem {
    let problem = Problem::new(refusal.rule, class, refusal.message.clone());
    if refusal.allow.is_empty() {
        return problem;
    }
    let allow = &refusal.allow;
    problem.with_hint(format!("to allow it, put this line into `allow` of the policy:\n{allow}"))
}
