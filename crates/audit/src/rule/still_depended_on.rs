//! `still-depended-on`: what is not ours any more, or never was, is pinned in our constraints.

use super::{Document, Rule};
use crate::constraints::pins_release;
use crate::dossier::{ConstraintPin, Dossier, Identity, Judgement};
use crate::federation::CustodyState;
use crate::finding::{Finding, Severity};
use crate::record::Standing;
use crate::roles::listed;

/// As many places are in the evidence.
const SHOWN: usize = 10;

/// See [`Rule::document`].
pub(super) struct StillDependedOn;

impl Rule for StillDependedOn {
    fn code(&self) -> &'static str {
        "still-depended-on"
    }

    fn document(&self) -> Document {
        Document {
            title: "what is not ours any more is still pinned by us",
            what: "A project that was handed over, left, was given up or retired, or only has a name \
                   that our records predict, and that a given constraints file names. Medium. A pin \
                   on a release that nothing explains is evidence in `rogue-release` and not told \
                   twice.",
            why: "We keep installing, and make others install, code that others release now; nobody \
                  of ours looks at it.",
            remedy: "Remove the line, or take it up as any other outside dependency, and say so in \
                     `federation.toml`.",
            example: "medium teapot: given up, and still pinned in `constraints.txt:12`",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let pins = dossier.context.constraints.get(dossier.name).map_or(&[][..], Vec::as_slice);
        let Some(reason) = reason(dossier) else { return };
        // Those are told by the rule about the release, with the place of the pin.
        let is_told = |pin: &&ConstraintPin| {
            dossier.releases.iter().any(|release| {
                release.judgement == Judgement::Unexplained && pins_release(pin, release.text)
            })
        };
        let pins: Vec<&ConstraintPin> = pins.iter().filter(|pin| !is_told(pin)).collect();
        if pins.is_empty() {
            return;
        }
        let mut versions: Vec<&str> =
            pins.iter().filter_map(|pin| pin.version.as_deref()).collect();
        versions.dedup();
        let message = if versions.is_empty() {
            format!("{reason}, and still in our constraints")
        } else {
            format!("{reason}, and still pinned: {}", listed(versions.iter().copied()))
        };
        let mut finding =
            Finding::new("still-depended-on", Severity::Medium, dossier.name, message)
                .versions(versions)
                .next("remove the line, or accept it as an outside dependency");
        for pin in pins.iter().take(SHOWN) {
            let text = pin.version.as_ref().map_or_else(
                || format!("names {}", dossier.name),
                |version| format!("pins {}=={version}", dossier.name),
            );
            finding = finding.evidence(pin.place.clone(), text);
        }
        findings.push(finding);
    }
}

/// Why it should not be depended on as if it were ours.
fn reason(dossier: &Dossier<'_>) -> Option<&'static str> {
    match &dossier.identity {
        Identity::ByCustody => match dossier.custody?.state {
            CustodyState::Theirs => Some("handed over"),
            CustodyState::NeverOurs => Some("another project's name"),
            CustodyState::Retired => Some("retired"),
            CustodyState::Ours | CustodyState::Shared => None,
        },
        Identity::Departed { .. } => Some("left with its authors"),
        Identity::Foreign { .. } => Some("another project's name"),
        Identity::Ours if is_retired_by_custody(dossier) => Some("retired"),
        Identity::Ours => match dossier.records?.standing {
            Standing::Live => None,
            Standing::Abandoned { .. } => Some("given up"),
            Standing::Retired { .. } => Some("retired"),
        },
        Identity::Absent => Some("gone from the index"),
        Identity::Unread => None,
    }
}

fn is_retired_by_custody(dossier: &Dossier<'_>) -> bool {
    dossier.custody.is_some_and(|fact| fact.state == CustodyState::Retired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ProjectRecords;
    use crate::roles::fixture::{World, name, release};

    fn world(identity: Identity, pins: &[Option<&str>]) -> World {
        let mut world = World::of("teapot", "Owner:ci");
        world.projects[0].identity = identity;
        let pin = |(line, version): (usize, &Option<&str>)| ConstraintPin {
            version: version.map(str::to_owned),
            place: format!("c.txt:{line}"),
        };
        world.constraints.insert(name("teapot"), pins.iter().enumerate().map(pin).collect());
        world
    }

    #[test]
    fn what_is_not_ours_and_pinned_is_found() {
        let pins = [Some("1.0")];
        let departed =
            || Identity::Departed { on: "2020-01-01T00:00:00Z".parse().unwrap(), releases: 2 };
        for (identity, expect) in [
            (departed(), "left with its authors, and still pinned: `1.0`"),
            (
                Identity::Foreign { reason: "x".into() },
                "another project's name, and still pinned: `1.0`",
            ),
            (Identity::Absent, "gone from the index, and still pinned: `1.0`"),
        ] {
            let world = world(identity, &pins);
            assert_eq!(world.lines(&StillDependedOn), [format!("medium teapot: {expect}")]);
        }
        let lines = world(departed(), &[None, None]).lines(&StillDependedOn);
        assert_eq!(lines, ["medium teapot: left with its authors, and still in our constraints"]);
        // Under markers the same version stands twice.
        let lines =
            world(departed(), &[Some("1.0"), Some("1.0"), Some("2.0")]).lines(&StillDependedOn);
        assert_eq!(
            lines,
            ["medium teapot: left with its authors, and still pinned: `1.0` and `2.0`"]
        );
        for (identity, pins) in
            [(Identity::Ours, &pins[..]), (Identity::Unread, &pins[..]), (departed(), &[])]
        {
            assert_eq!(world(identity, pins).lines(&StillDependedOn), [""; 0]);
        }
    }

    #[test]
    fn what_was_given_up_is_found_unless_another_rule_tells_it() {
        let mut world = world(Identity::Ours, &[Some("1.0")]);
        let standing = |standing| ProjectRecords { standing, ..ProjectRecords::default() };
        let live = standing(Standing::Live);
        world.records.projects.insert(name("teapot"), live);
        assert_eq!(world.lines(&StillDependedOn), [""; 0]);
        let given_up = standing(Standing::Abandoned { retired: None });
        world.records.projects.insert(name("teapot"), given_up);
        let expect = ["medium teapot: given up, and still pinned: `1.0`"];
        assert_eq!(world.lines(&StillDependedOn), expect);
        world.projects[0].facts.releases = vec![release("1.0.0", &[("teapot-1.0.0.tar.gz", 1)])];
        assert_eq!(world.lines(&StillDependedOn), expect);
        world.projects[0].judgement = Judgement::Unexplained;
        assert_eq!(world.lines(&StillDependedOn), [""; 0]);
    }
}
