//! The files beside the deliverables: governance, jobs that publish, series and their keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::deliverable::{YamlError, read_yaml};
use crate::record::Series;

/// Who owns what, by repository.
#[derive(Clone, Debug, Default)]
pub(super) struct Governance {
    /// Repositories that a team owns today.
    pub(super) owned: BTreeMap<String, Arc<str>>,
    /// Those that the release team does not release: `external`, `none`.
    pub(super) not_ours_to_release: BTreeSet<String>,
    /// Repositories that were taken out, with the day where it is known.
    pub(super) retired: BTreeMap<String, Option<Timestamp>>,
}

type Teams = BTreeMap<String, Option<Team>>;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Team {
    #[serde(default)]
    retired_on: Option<String>,
    /// Only the deliverables that are named have left, not the team.
    #[serde(default)]
    partial: Option<String>,
    #[serde(default)]
    deliverables: Option<BTreeMap<String, Option<Unit>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Unit {
    #[serde(default)]
    retired_on: Option<String>,
    #[serde(default)]
    release_management: Option<String>,
    #[serde(default)]
    repos: Option<Vec<String>>,
}

impl Governance {
    /// Adds `reference/projects.yaml`.
    ///
    /// # Errors
    /// When it is not YAML of that form.
    pub(super) fn add_projects(&mut self, text: &str) -> Result<(), YamlError> {
        for (name, team) in parse_teams(text)? {
            let team_name: Arc<str> = name.as_str().into();
            for unit in units(team) {
                let is_external =
                    matches!(unit.release_management.as_deref(), Some("external" | "none"));
                for repository in unit.repos.unwrap_or_default() {
                    if is_external {
                        self.not_ours_to_release.insert(repository.clone());
                    }
                    self.owned.insert(repository, Arc::clone(&team_name));
                }
            }
        }
        Ok(())
    }

    /// Adds `reference/legacy.yaml`.
    ///
    /// # Errors
    /// When it is not YAML of that form.
    pub(super) fn add_legacy(&mut self, text: &str) -> Result<(), YamlError> {
        for (_, team) in parse_teams(text)? {
            let is_whole = team.as_ref().is_some_and(|team| team.partial.is_none());
            let team_day = team.as_ref().and_then(|team| team.retired_on.clone());
            for unit in units(team) {
                let day = unit.retired_on.or_else(|| team_day.clone().filter(|_| is_whole));
                let on = day.as_deref().and_then(day_start);
                for repository in unit.repos.unwrap_or_default() {
                    let known = self.retired.entry(repository).or_default();
                    *known = (*known).max(on);
                }
            }
        }
        Ok(())
    }
}

fn parse_teams(text: &str) -> Result<Teams, YamlError> {
    let teams: Option<Teams> = read_yaml(text)?;
    Ok(teams.unwrap_or_default())
}

fn units(team: Option<Team>) -> impl Iterator<Item = Unit> {
    team.and_then(|team| team.deliverables).unwrap_or_default().into_values().flatten()
}

/// Which repositories have a job that publishes: `zuul.d/projects.yaml`. `None` for a repository that
/// the file does not name.
///
/// # Errors
/// When it is not YAML of that form.
pub(super) fn parse_publishing(text: &str) -> Result<BTreeMap<String, bool>, YamlError> {
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        project: Option<Project>,
    }
    #[derive(Deserialize)]
    struct Project {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        templates: Option<Vec<Template>>,
    }
    /// A name, or a name with variables.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Template {
        Name(String),
        With(BTreeMap<String, serde::de::IgnoredAny>),
    }
    let items: Option<Vec<Item>> = read_yaml(text)?;
    let mut publishing = BTreeMap::new();
    for project in items.unwrap_or_default().into_iter().filter_map(|item| item.project) {
        // A pattern such as `^openstack.*` is not the name of a repository.
        let Some(name) = project.name.filter(|name| !name.starts_with('^')) else { continue };
        let does = |name: &String| name.starts_with("publish-to-pypi");
        let publishes = project.templates.unwrap_or_default().iter().any(|one| match one {
            Template::Name(name) => does(name),
            Template::With(names) => names.keys().any(does),
        });
        *publishing.entry(name).or_insert(false) |= publishes;
    }
    Ok(publishing)
}

/// Reads `data/series_status.yaml`; the newest cycle comes first there, and last here.
///
/// # Errors
/// When it is not YAML of that form.
pub(super) fn parse_series(text: &str) -> Result<Vec<Series>, YamlError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Item {
        name: String,
        #[serde(default)]
        initial_release: Option<String>,
        #[serde(default)]
        eol_date: Option<String>,
    }
    let items: Option<Vec<Item>> = read_yaml(text)?;
    let series = items.unwrap_or_default().into_iter().rev().map(|item| Series {
        name: item.name.as_str().into(),
        released: item.initial_release.as_deref().and_then(day_start),
        ended: item.eol_date.as_deref().and_then(day_start),
    });
    Ok(series.collect())
}

/// Midnight (UTC) of a day such as `2017-03-20`.
pub(super) fn day_start(text: &str) -> Option<Timestamp> {
    let date: Date = text.trim().parse().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_is_known_with_its_day_and_a_team_that_stays_lends_none() {
        let mut governance = Governance::default();
        governance
            .add_legacy(
                "gone:\n  retired-on: 2016-10-06\n  deliverables:\n    one:\n      repos: [x/one]\n\
                 stays:\n  partial: yes\n  retired-on: 2020-01-01\n  deliverables:\n    two:\n      \
                 retired-on: 2017-03-20\n      repos:\n        - x/two\n    three:\n      repos: [x/three]\n",
            )
            .expect("reads");
        let day = |text| day_start(text);
        assert_eq!(governance.retired["x/one"], day("2016-10-06"));
        assert_eq!(governance.retired["x/two"], day("2017-03-20"));
        assert_eq!(governance.retired["x/three"], None);
    }

    #[test]
    fn a_key_that_is_there_twice_means_the_last_one() {
        let mut governance = Governance::default();
        governance
            .add_legacy("a:\n  deliverables:\n    one: {retired-on: 2016-01-01, repos: [x/one]}\n    one: {retired-on: 2017-01-01, repos: [x/one]}\n")
            .expect("reads");
        assert_eq!(governance.retired["x/one"], day_start("2017-01-01"));
    }

    #[test]
    fn what_others_release_is_told_apart() {
        let mut governance = Governance::default();
        governance
            .add_projects(
                "team:\n  deliverables:\n    a: {release-management: external, repos: [x/a]}\n    \
                 b: {repos: [x/b]}\n    c: {release-management: none, repos: [x/c]}\n    \
                 d: {release-management: deprecated, repos: [x/d]}\n",
            )
            .expect("reads");
        let external: Vec<_> = governance.not_ours_to_release.iter().map(String::as_str).collect();
        assert_eq!(external, ["x/a", "x/c"]);
        assert_eq!(governance.owned["x/b"].as_ref(), "team");
    }

    #[test]
    fn jobs_that_publish_are_found_in_both_forms() {
        let publishing = parse_publishing(
            "- project:\n    name: ^x/.*\n    templates: [publish-to-pypi]\n\
             - project:\n    name: x/a\n    templates:\n      - publish-to-pypi-stable-only\n\
             - project:\n    name: x/b\n    templates:\n      - other:\n          vars: {a: b}\n\
             - project:\n    name: x/c\n    queue: q\n\
             - job:\n    name: x\n",
        )
        .expect("reads");
        let found: Vec<_> = publishing.iter().map(|(name, is)| (name.as_str(), *is)).collect();
        assert_eq!(found, [("x/a", true), ("x/b", false), ("x/c", false)]);
    }

    #[test]
    fn series_come_oldest_first() {
        let series = parse_series(
            "- name: new\n  initial-release: 2026-04-01\n- name: old\n  initial-release: 2010-10-21\n  \
             eol-date: 2012-01-01\n",
        )
        .expect("reads");
        assert_eq!(series[0].name.as_ref(), "old");
        assert_eq!(series[0].ended, day_start("2012-01-01"));
        assert_eq!(series[1].released, day_start("2026-04-01"));
    }
}
