//! `lookalike`: names on the index that a person can take for one of ours.

use std::collections::BTreeSet;

use countermark_packaging::name::ProjectName;

use super::{Document, Rule};
use crate::dossier::{Identity, Overview};
use crate::finding::{Finding, Severity};
use crate::lookalike::{LookAlike, find};
use crate::roles::listed;

/// As many are named in the line; all of them are in the evidence, up to the second number.
const NAMED: usize = 5;
const SHOWN: usize = 40;

/// See [`Rule::document`].
pub(super) struct Lookalike;

impl Rule for Lookalike {
    fn code(&self) -> &'static str {
        "lookalike"
    }

    fn document(&self) -> Document {
        Document {
            title: "names on the index can be taken for one of ours",
            what: "Names of a list that is given as a file: with a letter more, less, doubled, \
                   swapped or replaced, drawn the same (`rn` and `m`, `vv` and `w`, `cl` and `d`, `0` \
                   and `o`, `1`, `l` and `i`), other separators, `python-`, `py-` and `-python`, \
                   words in another order. All of a project in one finding: medium when one slip in a \
                   long word makes the name, low otherwise. Names of ours are no look-alikes. When the \
                   list has counts, a name with a tenth of the use of ours is a project of its own, \
                   and so is one whose other word is the word of several names. Names of four letters \
                   or fewer are only compared for what looks the same and for affixes.",
            why: "Somebody who mistypes a name installs what is there. Most look-alikes are honest; \
                  the ones that are not are found by looking at the few that are near.",
            remedy: "Look at the project of that name: its author, its first upload, whether its code \
                     is yours. Report imitations to the index; accept the others in \
                     `federation.toml`.",
            example: "medium teapotlib: `teappotlib` can be taken for it (a letter is doubled or not)",
        }
    }

    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let context = overview.context;
        if context.other_names.is_empty() {
            return;
        }
        let ours: BTreeSet<&ProjectName> = overview
            .projects
            .iter()
            .filter(|(_, summary)| !matches!(summary.identity, Identity::Foreign { .. }))
            .map(|(name, _)| name)
            .collect();
        // What the run knows in any way is no candidate: a name that the records wrongly predict has
        // a line of its own, and names of the federation outside the run are ours too.
        let known = |name: &&ProjectName| {
            overview.projects.contains_key(*name)
                || context.records.projects.contains_key(*name)
                || context.federation.names.contains(*name)
        };
        let others: BTreeSet<ProjectName> =
            context.other_names.iter().filter(|name| !known(name)).cloned().collect();
        for (our, alike) in find(&ours, &others, &context.name_uses) {
            findings.push(finding(our, &alike));
        }
    }
}

fn finding(our: &ProjectName, alike: &[LookAlike<'_>]) -> Finding {
    let severity = alike.iter().map(|it| it.severity(our)).max().unwrap_or(Severity::Low);
    let names = listed(alike.iter().take(NAMED).map(|it| it.name.as_str()));
    let message = match (alike.len(), alike.len().saturating_sub(NAMED)) {
        (1, _) => format!("{names} can be taken for it ({})", alike[0].likeness.describe()),
        (_, 0) => format!("{names} can be taken for it"),
        (_, more) => format!("{names} and {more} more can be taken for it"),
    };
    let mut finding = Finding::new("lookalike", severity, our, message)
        .next("look at who made it and when; report it, or accept it in `federation.toml`");
    for it in alike.iter().take(SHOWN) {
        let uses = it.uses.map_or_else(String::new, |uses| format!(", used {uses} times"));
        let text = format!("{}: {}{uses}", it.name, it.likeness.describe());
        finding = finding.evidence("list of names", text);
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::fixture::{Project, World, name};

    fn world(ours: &[&str], others: &[&str]) -> World {
        let projects = ours.iter().map(|name| Project::new(name, "Owner:ci")).collect();
        let mut world = World::new(projects);
        world.others = others.iter().map(|text| name(text)).collect();
        world
    }

    #[test]
    fn look_alikes_of_a_project_are_one_finding() {
        let world = world(
            &["teapotlib", "kettle", "jug"],
            &["teapotlib", "teappotlib", "python-teapotlib", "kettle-py", "jog", "unrelated"],
        );
        assert_eq!(
            world.lines(&Lookalike),
            [
                "low kettle: `kettle-py` can be taken for it (with or without `python` or `py`)",
                "medium teapotlib: `teappotlib` and `python-teapotlib` can be taken for it",
            ]
        );
    }

    #[test]
    fn many_are_counted() {
        let others: Vec<String> =
            ('a'..='h').map(|letter| format!("teapot{letter}{letter}lib")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        // Two letters more are another name; one less makes them near.
        assert_eq!(world(&["teapotlib"], &others).check(&Lookalike), []);
        let near: Vec<String> = ('a'..='h').map(|letter| format!("teapot{letter}lib")).collect();
        let near: Vec<&str> = near.iter().map(String::as_str).collect();
        let finding = &world(&["teapotlib"], &near).check(&Lookalike)[0];
        assert!(finding.message.ends_with("and 3 more can be taken for it"), "{}", finding.message);
        assert_eq!(finding.evidence.len(), 8);
    }

    #[test]
    fn names_that_are_ours_are_no_look_alikes() {
        let mut world = world(&["teapotlib", "teapotlibx"], &["teapotlibx", "teapotliby"]);
        assert_eq!(world.check(&Lookalike).len(), 2);
        world.federation.names.insert(name("teapotliby"));
        assert_eq!(world.check(&Lookalike), []);
        world.federation.names.clear();
        world.records.project(&name("teapotliby"));
        assert_eq!(world.check(&Lookalike), []);
    }

    #[test]
    fn a_name_that_never_was_ours_has_none() {
        let mut world = world(&["teapotlib"], &["teappotlib"]);
        world.projects[0].identity = Identity::Foreign { reason: "x".into() };
        assert_eq!(world.check(&Lookalike), []);
        assert_eq!(self::world(&["teapotlib"], &[]).check(&Lookalike), []);
    }
}
