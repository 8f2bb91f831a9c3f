//! When which project is looked at again. Pure: time and chance are parameters.
//!
//! Each project has its own next time, so that a thousand of them are asked for evenly and not all
//! at once. Chance only shortens an interval: no project waits longer than it was promised.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;
use jiff::{SignedDuration, Timestamp};

/// How often to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// The longest time between two looks at a project's page.
    pub pages: SignedDuration,
    /// The longest time between two looks at a project's roles, while its page stays as it is.
    pub roles: SignedDuration,
    /// How much shorter an interval may be by chance, as a share of it.
    pub jitter: f64,
    /// The least time between two steps; what is due within it is taken together.
    pub tick: SignedDuration,
    /// The most projects of one step.
    pub most: usize,
}

impl Default for Rhythm {
    /// With it, 1,000 projects make about 90 requests a step, and an upload is told of at most
    /// 260 s plus the length of one step later.
    fn default() -> Self {
        Self {
            pages: SignedDuration::from_secs(240),
            roles: SignedDuration::from_secs(3600),
            jitter: 0.1,
            tick: SignedDuration::from_secs(20),
            most: 2000,
        }
    }
}

/// When a project is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its page.
    pub page: Timestamp,
    /// Its roles.
    pub roles: Timestamp,
    /// Since when it could not be read, and why.
    pub unread: Option<(Timestamp, String)>,
    /// How often in a row it could not be read.
    pub failures: u32,
}

/// The next times of all projects; one that is not in it was never looked at.
pub type Calendar = BTreeMap<ProjectName, Due>;

/// One question to the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// About this project.
    pub project: ProjectName,
    /// Also who holds its roles, and not only its page.
    pub with_roles: bool,
}

/// How a look ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The index answered.
    Read,
    /// It did not, or not usefully; why.
    Unread(&'a str),
}

/// What to ask now: the longest due first, new projects before all others.
#[must_use]
pub fn due(
    calendar: &Calendar,
    projects: &BTreeSet<ProjectName>,
    now: Timestamp,
    rhythm: &Rhythm,
) -> Vec<Ask> {
    let horizon = later(now, rhythm.tick);
    let mut found: Vec<(Option<Timestamp>, Ask)> = Vec::new();
    for project in projects {
        let known = calendar.get(project);
        let ask = |with_roles| Ask { project: project.clone(), with_roles };
        match known {
            None => found.push((None, ask(true))),
            Some(due) if is_due(due.page, horizon, now, rhythm.pages, due.failures) => {
                let with_roles = is_due(due.roles, horizon, now, rhythm.roles, 0);
                found.push((Some(due.page), ask(with_roles)));
            }
            Some(_) => {}
        }
    }
    found.sort_by_key(|(since, _)| *since);
    found.into_iter().take(rhythm.most).map(|(_, ask)| ask).collect()
}

/// Everything, for a run that is started by somebody else's clock.
#[must_use]
pub fn all(
    calendar: &Calendar,
    projects: &BTreeSet<ProjectName>,
    now: Timestamp,
    rhythm: &Rhythm,
) -> Vec<Ask> {
    let is_due = |due: &Due| is_due(due.roles, now, now, rhythm.roles, 0);
    let with_roles = |project: &ProjectName| calendar.get(project).is_none_or(is_due);
    projects
        .iter()
        .map(|project| Ask { project: project.clone(), with_roles: with_roles(project) })
        .collect()
}

/// A time so far ahead that nobody can have set it means that the clock was set back.
fn is_due(
    at: Timestamp,
    horizon: Timestamp,
    now: Timestamp,
    interval: SignedDuration,
    failures: u32,
) -> bool {
    at <= horizon || at > later(now, longer(interval, failures).saturating_mul(2))
}

/// The next time for a project that was looked at.
#[must_use]
pub fn next(
    before: Option<&Due>,
    ask: &Ask,
    outcome: Outcome<'_>,
    now: Timestamp,
    rhythm: &Rhythm,
    chance: f64,
) -> Due {
    let shortened = |interval: SignedDuration, share: f64| {
        later(now, interval.mul_f64(1.0 - share * chance.clamp(0.0, 1.0)))
    };
    match outcome {
        Outcome::Read => {
            // After its first look a project gets any time of the interval, so that a set that
            // was read at once is spread from then on.
            let share = if before.is_none() { 1.0 } else { rhythm.jitter };
            let roles = match before {
                Some(due) if !ask.with_roles => due.roles,
                _ => shortened(rhythm.roles, share),
            };
            Due { page: shortened(rhythm.pages, share), roles, unread: None, failures: 0 }
        }
        Outcome::Unread(reason) => {
            let failures = before.map_or(0, |due| due.failures).saturating_add(1);
            let since = before.and_then(|due| due.unread.as_ref()).map_or(now, |it| it.0.min(now));
            Due {
                page: shortened(longer(rhythm.pages, failures - 1), rhythm.jitter),
                // Roles stay due: they were not seen.
                roles: before.map_or(now, |due| due.roles),
                unread: Some((since, reason.chars().take(300).collect())),
                failures,
            }
        }
    }
}

/// After failures the interval doubles, up to eight times.
fn longer(interval: SignedDuration, failures: u32) -> SignedDuration {
    interval.saturating_mul(1 << failures.min(3))
}

/// How long to wait until something is due: at least a tick, at most the interval.
#[must_use]
pub fn wait(calendar: &Calendar, now: Timestamp, rhythm: &Rhythm) -> SignedDuration {
    let first = calendar.values().map(|due| due.page).min().unwrap_or(now);
    now.duration_until(first).clamp(rhythm.tick, rhythm.pages.max(rhythm.tick))
}

/// A time that cannot be reached is never.
pub(super) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn names(count: usize) -> BTreeSet<ProjectName> {
        (0..count).map(|it| ProjectName::parse(&format!("p{it:04}")).unwrap()).collect()
    }

    /// Runs a day of steps, and gives for each project the times at which it was asked.
    fn run(count: usize, rhythm: &Rhythm, length: i64) -> (Vec<Vec<Timestamp>>, Vec<usize>) {
        let projects = names(count);
        let mut calendar = Calendar::new();
        let mut seen: BTreeMap<ProjectName, Vec<Timestamp>> = BTreeMap::new();
        let (mut now, mut steps, mut dice) = (at(0), Vec::new(), 1_u32);
        while now < at(length) {
            let asks = due(&calendar, &projects, now, rhythm);
            steps.push(asks.len());
            for ask in asks {
                // A fixed sequence in place of chance.
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let chance = f64::from(dice >> 8) / f64::from(1_u32 << 24);
                seen.entry(ask.project.clone()).or_default().push(now);
                let before = calendar.get(&ask.project);
                let after = next(before, &ask, Outcome::Read, now, rhythm, chance);
                calendar.insert(ask.project, after);
            }
            now = later(now, wait(&calendar, now, rhythm));
        }
        (seen.into_values().collect(), steps)
    }

    #[test]
    fn a_thousand_projects_are_spread_and_nobody_waits_longer() {
        let rhythm = Rhythm::default();
        let (seen, steps) = run(1000, &rhythm, 3600);
        assert_eq!(seen.len(), 1000);
        for times in &seen {
            for pair in times.windows(2) {
                assert!(pair[0].duration_until(pair[1]) <= rhythm.pages, "{pair:?}");
            }
            assert!(times.last().unwrap().duration_until(at(3600)) <= rhythm.pages);
        }
        // The first step reads everything; from then on each is a part.
        assert_eq!(steps[0], 1000);
        assert!(steps[1..].iter().all(|&it| it < 250), "{steps:?}");
        let asked: usize = steps[1..].iter().sum();
        assert!((15_000..20_000).contains(&asked), "{asked} requests an hour");
    }

    #[test]
    fn roles_are_asked_for_less_often() {
        let rhythm = Rhythm::default();
        let projects = names(1);
        let project = projects.first().unwrap().clone();
        let first = due(&Calendar::new(), &projects, at(0), &rhythm);
        assert_eq!(first, [Ask { project: project.clone(), with_roles: true }]);
        let after = next(None, &first[0], Outcome::Read, at(0), &rhythm, 0.0);
        assert_eq!((after.page, after.roles), (at(240), at(3600)));
        let mut calendar = Calendar::from([(project.clone(), after)]);
        assert_eq!(due(&calendar, &projects, at(219), &rhythm), []);
        let second = due(&calendar, &projects, at(220), &rhythm);
        assert_eq!(second, [Ask { project: project.clone(), with_roles: false }]);
        let after = next(calendar.get(&project), &second[0], Outcome::Read, at(240), &rhythm, 1.0);
        assert_eq!((after.page, after.roles), (at(240 + 216), at(3600)));
        calendar.insert(project, after);
        assert!(due(&calendar, &projects, at(3590), &rhythm)[0].with_roles);
        assert!(!all(&calendar, &projects, at(250), &rhythm)[0].with_roles);
        assert!(all(&calendar, &projects, at(3600), &rhythm)[0].with_roles);
    }

    #[test]
    fn what_cannot_be_read_is_asked_less_often_and_its_roles_stay_due() {
        let rhythm = Rhythm::default();
        let ask = Ask { project: ProjectName::parse("p").unwrap(), with_roles: true };
        let mut due = None;
        let mut waits = Vec::new();
        for _ in 0..6 {
            let after = next(due.as_ref(), &ask, Outcome::Unread("503"), at(0), &rhythm, 0.0);
            waits.push(at(0).duration_until(after.page).as_secs());
            due = Some(after);
        }
        assert_eq!(waits, [240, 480, 960, 1920, 1920, 1920]);
        let due = due.unwrap();
        assert_eq!(due.roles, at(0));
        assert_eq!(due.unread, Some((at(0), "503".to_owned())));
        let well = next(Some(&due), &ask, Outcome::Read, at(5), &rhythm, 0.0);
        assert_eq!((well.unread, well.failures), (None, 0));
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let rhythm = Rhythm::default();
        let projects = names(3);
        let mut calendar = Calendar::new();
        for ask in due(&calendar, &projects, at(100_000), &rhythm) {
            let after = next(None, &ask, Outcome::Read, at(100_000), &rhythm, 0.0);
            calendar.insert(ask.project, after);
        }
        let asks = due(&calendar, &projects, at(0), &rhythm);
        assert_eq!(asks.len(), 3);
        assert!(asks.iter().all(|ask| ask.with_roles));
        assert_eq!(wait(&calendar, at(0), &rhythm), rhythm.pages);
    }
}
