//! What was read of project trees goes into the database, and is held against everything else there.
//!
//! Only the class `two-digests` of [`countermark_lock::observe`] is an alarm; the other classes explain
//! a disagreement, and whoever wants to see them asks for the report. What observers of an index saw counts
//! as the page of an index does.

mod ground;

use std::collections::{BTreeMap, BTreeSet};

use countermark_lock::observe::{
    self as judge, Finding, LISTING, Lock, Moment, Origin, Stated, Statement, Statements,
};
use countermark_packaging::digest::Algorithm;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Observation, ObserverKind};
use jiff::Timestamp;

use super::append::{DIFFERENT, claim};
use super::db::{
    Alarm, AlarmKind, NewAlarm, Observatory, Pin, PinPlace, PinnedAt, Release, Search, Sighting,
};
use super::tell::{Claim, alarm};
use crate::log::store::{LogStore, StoreError};

/// The code of the one class that is an alarm.
const TWO_DIGESTS: &str = "two-digests";
/// The most pins of one project that are compared.
const PINS: usize = 200_000;
/// The most observations of one project that are compared.
const SIGHTINGS: usize = 100_000;
/// How many disputed files are asked for at a time.
const DISPUTED: usize = 1_000;
/// How many releases are judged together: that a writer gives every digest to one name shows in several.
const TOGETHER: usize = 40;
/// The most pins of a file by which its release is found.
const NAMED: usize = 100;
/// The most alarms of a project among which one is looked for.
const KNOWN: usize = 10_000;
/// How many alarms of a log are read at a time.
const ALARMS: usize = 500;
/// The setting that holds up to which alarm of the log was taken over.
const LOG_CURSOR: &str = "log-alarms";
/// Pins that are written in one transaction.
const WRITTEN: usize = 2_000;

/// Remembers what the locks of one repository say. Again, it changes nothing. Gives how many pins there
/// are.
///
/// # Errors
/// See [`StoreError`].
pub async fn ingest(db: &dyn Observatory, statements: &[Statement]) -> Result<usize, StoreError> {
    let mut places: BTreeMap<PinPlace, Vec<Pin>> = BTreeMap::new();
    for pin in statements.iter().flat_map(Statement::pins) {
        let place = PinPlace {
            repository: pin.lock.repository,
            path: pin.lock.path,
            revision: pin.at.commit.unwrap_or_default(),
            format: pin.format,
            at: pin.at.date,
        };
        places.entry(place).or_default().push(Pin {
            project: pin.project,
            version: pin.version,
            origin: pin.origin,
            file: pin.file,
            digest: pin.digest,
            line: pin.at.line,
        });
    }
    let mut count = 0;
    for (place, pins) in &places {
        for some in pins.chunks(WRITTEN) {
            db.add_pins(place, some).await?;
            count += some.len();
        }
    }
    Ok(count)
}

/// How the pins of a repository stand against everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// How many findings there are of each class.
    pub classes: BTreeMap<&'static str, usize>,
    /// Alarms that were not known.
    pub alarms: usize,
}

/// Holds what a repository says of disputed files and releases against all that is known of them, and
/// writes down the alarms: files by their names, and digests without names by their releases. What is read
/// for that has a limit, however much there is (`ground`).
///
/// # Errors
/// See [`StoreError`].
pub async fn compare(
    db: &dyn Observatory,
    repository: &str,
    now: Timestamp,
) -> Result<Judged, StoreError> {
    let mut judged = Judged::default();
    let releases: Vec<_> = in_question(db, repository).await?.into_iter().collect();
    for some in releases.chunks(TOGETHER) {
        let files = some.iter().flat_map(|(_, files)| files.iter().cloned()).collect();
        let releases = some.iter().map(|(release, _)| release.clone()).collect();
        let all = ground::around(db, repository, &releases, &files).await?;
        for finding in judge::compare(&all) {
            // What else is in the ground was not read whole, and is judged in its own turn.
            let release = (finding.project.clone(), finding.version.clone().unwrap_or_default());
            let is_ours = finding.file.as_ref().is_some_and(|file| files.contains(file));
            if is_ours || releases.contains(&release) {
                *judged.classes.entry(finding.class).or_default() += 1;
                judged.alarms += usize::from(raise(db, &finding, &all, now).await?);
            }
        }
    }
    Ok(judged)
}

/// The releases of a repository about which somebody says something else, and the disputed files of each.
async fn in_question(
    db: &dyn Observatory,
    repository: &str,
) -> Result<BTreeMap<Release, BTreeSet<String>>, StoreError> {
    let mut releases: BTreeMap<Release, BTreeSet<String>> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let files = db.disputed(repository, &after, DISPUTED).await?;
        let Some(last) = files.last() else { break };
        last.clone_into(&mut after);
        for file in files {
            for PinnedAt { pin, .. } in db.pins(&Search::File(file.clone()), NAMED).await? {
                let release = (pin.project, pin.version.unwrap_or_default());
                releases.entry(release).or_default().insert(file.clone());
            }
        }
    }
    let mut after = (String::new(), String::new());
    loop {
        let some = db.replaced(repository, &after, DISPUTED).await?;
        let Some((project, version)) = some.last() else { return Ok(releases) };
        after = (project.to_string(), version.clone());
        for release in some {
            releases.entry(release).or_default();
        }
    }
}

/// Writes a finding down if it is an alarm; `true` if nobody knew it. Whoever learns later what the file is
/// called has the same digests, and tells nothing new.
async fn raise(
    db: &dyn Observatory,
    finding: &Finding,
    all: &[Statement],
    now: Timestamp,
) -> Result<bool, StoreError> {
    if finding.class != TWO_DIGESTS {
        return Ok(false);
    }
    let digests: BTreeSet<_> = finding.sides.iter().flat_map(|side| &side.digests).collect();
    let digests: BTreeSet<String> = digests.into_iter().map(ToString::to_string).collect();
    let known = db.find_alarms(&Search::Project(finding.project.clone()), KNOWN).await?;
    let is_same = |known: &Alarm| {
        let named = known.alarm.name.split(' ').filter(|word| word.contains(':'));
        known.alarm.kind == AlarmKind::TwoDigests && named.eq(&digests)
    };
    if known.iter().any(is_same) {
        return Ok(false);
    }
    db.raise(&alarm_of(finding, all, now), &[]).await
}

/// A finding without the name of a file is about a release. If a digest of it is known by the name of one
/// file, that file is told; the alarm is the same one without it, so that it is told once.
fn alarm_of(finding: &Finding, all: &[Statement], now: Timestamp) -> NewAlarm {
    let release = finding.release();
    let about = (&finding.project, finding.file.as_deref().unwrap_or(&release));
    let made = alarm(AlarmKind::TwoDigests, about, &claims(finding), &finding.evidence, now);
    if finding.file.is_some() {
        return made;
    }
    let digests: BTreeSet<_> = finding.sides.iter().flat_map(|side| &side.digests).collect();
    let stated = all.iter().filter(|it| it.project == finding.project).flat_map(|it| &it.files);
    let known = stated.filter(|it| digests.contains(&it.digest)).filter_map(|it| it.file.as_ref());
    let known: BTreeSet<_> = known.collect();
    match known.first() {
        Some(file) if known.len() == 1 => NewAlarm { file: (*file).clone(), ..made },
        _ => made,
    }
}

/// Everything about which the pins of a project, and what observers of indexes saw, disagree.
///
/// # Errors
/// See [`StoreError`].
pub async fn findings(
    db: &dyn Observatory,
    project: &ProjectName,
) -> Result<Vec<Finding>, StoreError> {
    Ok(judge::compare(&statements(db, project).await?))
}

/// What the pins of a project say, and what observers of indexes saw of it.
///
/// # Errors
/// See [`StoreError`].
pub async fn statements(
    db: &dyn Observatory,
    project: &ProjectName,
) -> Result<Vec<Statement>, StoreError> {
    let search = Search::Project(project.clone());
    let pins = db.pins(&search, PINS).await?;
    let mut statements = Statements::of_pins(pins.into_iter().map(pin)).into_vec();
    let sightings = db.sightings(&search, SIGHTINGS).await?;
    statements.extend(listings(&sightings));
    Ok(statements)
}

/// The same of every project: what a writer does in all of a lock, and which indexes are mirrors of each
/// other, is seen in all projects together.
///
/// # Errors
/// See [`StoreError`].
pub async fn all_statements(db: &dyn Observatory) -> Result<Vec<Statement>, StoreError> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let projects = db.projects(&after, DISPUTED).await?;
        let Some(last) = projects.last() else { return Ok(all) };
        last.as_str().clone_into(&mut after);
        for project in &projects {
            all.extend(statements(db, project).await?);
        }
    }
}

fn pin(at: PinnedAt) -> judge::Pin {
    let PinnedAt { pin, place } = at;
    judge::Pin {
        project: pin.project,
        version: pin.version,
        file: pin.file,
        digest: pin.digest,
        origin: pin.origin,
        format: place.format,
        lock: Lock { repository: place.repository, path: place.path },
        at: Moment {
            commit: (!place.revision.is_empty()).then_some(place.revision),
            date: place.at,
            line: pin.line,
        },
    }
}

/// What observers of indexes saw, as pages of an index: for each of them a page, and a second one where it
/// saw a second digest of a file.
fn listings(sightings: &[Sighting]) -> Vec<Statement> {
    let mut found: BTreeMap<(String, String, usize), Statement> = BTreeMap::new();
    let mut digests: BTreeMap<(String, String), usize> = BTreeMap::new();
    for Sighting { observation, .. } in sightings {
        if observation.observer().kind() != ObserverKind::Index {
            continue;
        }
        let Ok(name) = DistributionFilename::parse(observation.file()) else { continue };
        let observer = observation.observer().to_string();
        let seen = digests.entry((observer.clone(), observation.file().to_owned())).or_default();
        let moment = Moment { commit: None, date: Some(observation.first_seen()), line: 1 };
        let version = name.version().to_string();
        let statement = found.entry((observer.clone(), version.clone(), *seen));
        let statement = statement.or_insert_with(|| Statement {
            lock: Lock { repository: LISTING.to_owned(), path: observer },
            format: LISTING.to_owned(),
            project: observation.project().clone(),
            version: Some(version),
            origin: Origin::Default,
            host: None,
            files: Vec::new(),
            first: moment.clone(),
            last: moment,
            versions: 1,
        });
        let (file, digest) = (observation.file().to_owned(), observation.digest().clone());
        statement.files.push(Stated { file: Some(file), digest });
        *seen += 1;
    }
    found.into_values().collect()
}

/// Looks whether observers of indexes saw two digests of one file of a project, and writes the alarms
/// down; gives how many were not known. A log tells of it too; without one this is all there is.
///
/// # Errors
/// See [`StoreError`].
pub async fn equivocations(
    db: &dyn Observatory,
    project: &ProjectName,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let sightings = db.sightings(&Search::Project(project.clone()), SIGHTINGS).await?;
    let mut files: BTreeMap<(&str, Algorithm), Vec<&Observation>> = BTreeMap::new();
    for Sighting { observation, .. } in &sightings {
        if observation.observer().kind() == ObserverKind::Index {
            let key = (observation.file(), observation.digest().algorithm());
            files.entry(key).or_default().push(observation);
        }
    }
    let mut count = 0;
    for ((file, _), seen) in files {
        if seen.iter().any(|it| it.digest() != seen[0].digest()) {
            let claims: Vec<Claim> = seen.into_iter().map(claim).collect();
            let alarm = alarm(AlarmKind::Equivocation, (project, file), &claims, DIFFERENT, now);
            count += usize::from(db.raise(&alarm, &[]).await?);
        }
    }
    Ok(count)
}

/// Who says what, of a finding.
fn claims(finding: &Finding) -> Vec<Claim> {
    let each = finding.sides.iter().flat_map(|side| {
        side.digests.iter().flat_map(move |digest| side.pins.iter().map(move |pin| (digest, pin)))
    });
    each.map(|(digest, pin)| {
        let commit = pin.at.commit.as_deref().map(|it| format!("@{it}")).unwrap_or_default();
        Claim {
            digest: digest.clone(),
            by: format!("{}:{}{commit}", pin.lock, pin.at.line),
            at: pin.at.date,
        }
    })
    .collect()
}

/// Takes over the alarms of a log that are not known here, and gives how many those are.
///
/// # Errors
/// See [`StoreError`].
pub async fn take_over(db: &dyn Observatory, log: &dyn LogStore) -> Result<usize, StoreError> {
    let mut count = 0;
    loop {
        let after = db.setting(LOG_CURSOR).await?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let alarms = log.alarms(after, ALARMS).await?;
        let Some(last) = alarms.last() else { return Ok(count) };
        for found in &alarms {
            let (first, second) = (&found.first.record, &found.second.record);
            let claims = [claim(first), claim(second)];
            let about = (second.project(), second.file());
            let alarm = alarm(AlarmKind::Equivocation, about, &claims, DIFFERENT, found.at);
            count += usize::from(db.raise(&alarm, &[]).await?);
        }
        db.set_setting(LOG_CURSOR, &last.id.to_string()).await?;
    }
}

#[cfg(test)]
mod tests;
