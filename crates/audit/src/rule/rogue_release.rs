//! A release that no record knows.

use super::{Document, Rule};
use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::finding::{Finding, Severity};
use crate::record::Standing;
use crate::rule::words::{day, files_of, list};

/// More findings than this in one project become one.
const SEPARATE: usize = 5;

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct RogueRelease;

impl Rule for RogueRelease {
    fn code(&self) -> &'static str {
        "rogue-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "a release that no record knows",
            what: "A release with files that the records do not list and never listed, that is not \
                from before they begin or after they end, that no other name of its repository and \
                no tag explains, and that was made while the name was ours. Under a name that was \
                abandoned it counts until somebody writes down that the name was given away. High \
                when somebody else holds a role, when no account of ours does, or when it came after \
                the last official release of a project that was given up; medium otherwise.",
            why: "Everybody who installs the project without a pin gets these bytes, and nobody of \
                the federation made them. It is how most attacks on packages look from outside.",
            remedy: "Find out who made it: ask the accounts that hold a role. If it was made by us, \
                add it to the records. If it was not, yank it, and follow `countermark incident \
                PROJECT VERSION`. If the name was given away, write a `[[custody]]` entry with the \
                day.",
            example: "`high  example-tool  2.0.1  a release that no record knows` — the account of a \
                former maintainer was still an owner, and uploaded a release after the project was \
                abandoned.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let cases: Vec<&ReleaseCase<'_>> =
            dossier.judged(|judgement| *judgement == Judgement::Unexplained).collect();
        let cases: Vec<_> = cases.into_iter().filter(|case| case.index.is_some()).collect();
        if cases.is_empty() || !dossier.has_reference() {
            return;
        }
        if cases.len() > SEPARATE {
            findings.push(finding(self.code(), dossier, &cases));
        } else {
            findings.extend(cases.iter().map(|case| finding(self.code(), dossier, &[*case])));
        }
    }
}

fn finding(code: &'static str, dossier: &Dossier<'_>, cases: &[&ReleaseCase<'_>]) -> Finding {
    let strangers = dossier.strangers();
    let is_held = dossier.is_held_by_us();
    let is_given_up = is_given_up(dossier, cases);
    let is_high = !strangers.is_empty() || is_held == Some(false) || is_given_up;
    let severity = if is_high { Severity::High } else { Severity::Medium };
    let versions: Vec<&str> = cases.iter().map(|case| case.text).collect();
    let mut message = if cases.len() == 1 {
        "a release that no record knows".to_owned()
    } else {
        format!("{} releases that no record knows", cases.len())
    };
    if is_given_up {
        message.push_str("; its name was given up, not away");
    }
    let mut result = Finding::new(code, severity, dossier.name, message)
        .versions(versions.iter().copied())
        .files(cases.iter().flat_map(|case| files_of(case)));
    for case in cases.iter().take(SEPARATE) {
        let uploaded = case.uploaded().map_or_else(|| "a day that is not known".to_owned(), day);
        let count = files_of(case).count();
        let text = format!("{} was uploaded on {uploaded}, in {count} file(s)", case.text);
        result = result.evidence("index", text);
    }
    result = with_standing(result, dossier);
    if !strangers.is_empty() {
        let text = format!("can upload and are not expected to: {}", list(&strangers));
        result = result.evidence("index", text);
    }
    if is_held == Some(false) {
        result = result.evidence("index", "no account of ours holds a role");
    }
    for (version, place) in pins(dossier, cases) {
        result = result.evidence(place, format!("{version} is pinned here"));
    }
    // What an index calls a version may be anything; only a real one is put into a command.
    let version = cases.iter().find_map(|case| case.version.as_ref());
    let command = version.map_or_else(
        || format!("countermark incident {}", dossier.name),
        |version| format!("countermark incident {} {version}", dossier.name),
    );
    result.next(format!("ask who made it; if nobody of ours did: `{command}`"))
}

/// Whether one of them came when nothing was released any more. While official releases still came,
/// that the project was given up later says nothing about others.
fn is_given_up(dossier: &Dossier<'_>, cases: &[&ReleaseCase<'_>]) -> bool {
    let is_live = dossier.records.is_none_or(|records| records.standing == Standing::Live);
    let last = dossier.last_official_upload();
    let is_later = |case: &&ReleaseCase<'_>| case.uploaded().is_none_or(|at| Some(at) > last);
    !is_live && cases.iter().any(is_later)
}

fn with_standing(finding: Finding, dossier: &Dossier<'_>) -> Finding {
    let Some(records) = dossier.records else { return finding };
    let text = match &records.standing {
        Standing::Live => return finding.evidence("records", listed(dossier)),
        Standing::Abandoned { retired: Some(on) } => {
            format!("abandoned, and out of governance since {}", day(*on))
        }
        Standing::Abandoned { retired: None } => "abandoned".to_owned(),
        Standing::Retired { on: Some(on) } => format!("retired on {}", day(*on)),
        Standing::Retired { on: None } => "retired".to_owned(),
    };
    finding.evidence("records", listed(dossier)).evidence("records", text)
}

fn listed(dossier: &Dossier<'_>) -> String {
    let listed: Vec<&ReleaseCase<'_>> =
        dossier.releases.iter().filter(|case| case.is_listed()).collect();
    let last = listed.last().map_or("none", |case| case.text);
    match listed.len() {
        1 => format!("one release is listed, {last}"),
        count => format!("{count} releases are listed, the highest is {last}"),
    }
}

/// Pins of these releases in constraints files.
fn pins(dossier: &Dossier<'_>, cases: &[&ReleaseCase<'_>]) -> Vec<(String, String)> {
    let pins = dossier.context.constraints.get(dossier.name).into_iter().flatten();
    let is_meant = |version: &&String| {
        let version = version.parse().ok();
        version.is_some() && cases.iter().any(|case| case.version == version)
    };
    pins.filter_map(|pin| Some((pin.version.as_ref().filter(is_meant)?.clone(), pin.place.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::{CustodyFact, CustodyState};
    use crate::record::{Known, OfficialRelease};
    use crate::rule::fixture::{Fixture, at};

    fn base() -> Fixture {
        Fixture::new("tool").released("1.0", "2020-01-01").released("1.1", "2021-01-01")
    }

    fn severities(fixture: &Fixture) -> Vec<Severity> {
        fixture.check(&RogueRelease).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn what_the_records_list_is_no_finding() {
        assert_eq!(severities(&base()), []);
    }

    #[test]
    fn one_that_they_do_not_list_is_medium_and_high_with_a_stranger() {
        let rogue = base().upload("1.2", "2022-01-01", &["sdist", "wheel"]);
        assert_eq!(severities(&rogue), [Severity::Medium]);
        assert_eq!(severities(&rogue.clone().role("Maintainer", "mallory")), [Severity::High]);
        assert_eq!(severities(&rogue.owners(&["mallory"])), [Severity::High]);
    }

    #[test]
    fn spelling_a_version_otherwise_does_not_make_it_rogue() {
        let fixture =
            base().upload("v2.0.0", "2022-01-01", &["sdist"]).official("2.0", "2022-01-01");
        assert_eq!(severities(&fixture), []);
    }

    #[test]
    fn what_is_explained_is_no_finding() {
        let earlier = base().upload("0.9", "2019-12-31", &["sdist"]);
        assert_eq!(severities(&earlier), [], "from before the records begin");
        let newer = base().upload("1.2", "2026-01-01T00:00:01Z", &["sdist"]);
        assert_eq!(severities(&newer), [], "newer than the records");
        let removed = base()
            .official_with("1.2", |release| release.known = Known::OnceListed)
            .upload("1.2", "2022-01-01", &["sdist"]);
        assert_eq!(severities(&removed), [], "once listed");
        let tagged = base()
            .official_with("1.2", |release| release.known = Known::Tagged { signed: false })
            .upload("1.2", "2022-01-01", &["sdist"]);
        assert_eq!(severities(&tagged), [], "explained by a tag");
        let empty = base().upload("1.2", "2022-01-01", &[]);
        assert_eq!(severities(&empty), [], "a placeholder");
        let other_name = base().upload("0.5", "2022-01-01", &["sdist"]).with(|fixture| {
            let name = crate::rule::fixture::name("tool1");
            let repository = std::sync::Arc::from("example/tool");
            fixture.records.connect(&repository, &name);
            let mut release = OfficialRelease::new("0.5");
            release.repository = Some(repository);
            fixture.records.project(&name).releases.push(release);
        });
        assert_eq!(severities(&other_name), [], "listed under another name of the repository");
    }

    #[test]
    fn a_given_up_name_is_not_given_away() {
        let abandoned = base()
            .with(|fixture| fixture.project().standing = Standing::Abandoned { retired: None })
            .upload("1.2", "2026-01-01T00:00:01Z", &["sdist"]);
        assert_eq!(
            severities(&abandoned),
            [Severity::High],
            "newer than the records, and still counts"
        );
        let custody = |on: &str| CustodyFact {
            project: crate::rule::fixture::name("tool"),
            state: CustodyState::Theirs,
            on: Some(on.parse().expect("a day")),
            reason: "given to its author".to_owned(),
            approved_by: None,
            place: crate::rule::fixture::place(),
        };
        let given = abandoned
            .clone()
            .with(|fixture| fixture.federation.custody.push(custody("2025-06-01")));
        assert_eq!(severities(&given), []);
        let later = abandoned.with(|fixture| {
            fixture.federation.custody.push(custody("2026-01-02"));
        });
        assert_eq!(severities(&later), [Severity::High], "made before the name was given away");
    }

    #[test]
    fn what_came_while_the_project_was_released_is_not_worse_because_it_was_given_up_later() {
        let given_up = |uploaded: &str| {
            base()
                .released("2.0", "2023-01-01")
                .with(|fixture| {
                    fixture.project().standing = Standing::Retired { on: Some(at("2024-01-01")) };
                })
                .upload("1.2", uploaded, &["sdist"])
        };
        assert_eq!(severities(&given_up("2022-12-31")), [Severity::Medium]);
        assert_eq!(severities(&given_up("2023-01-02")), [Severity::High]);
    }

    #[test]
    fn what_left_with_its_authors_is_told_from_what_came_after_a_silence() {
        let left = |uploaded: &str| {
            base()
                .owners(&["author"])
                .with(|fixture| {
                    fixture.project().standing = Standing::Retired { on: Some(at("2021-06-01")) };
                })
                .upload("1.2", uploaded, &["sdist"])
        };
        assert_eq!(severities(&left("2021-08-01")), [], "continued at once: departed");
        assert_eq!(severities(&left("2023-01-01")), [Severity::High], "after a long silence");
        assert_eq!(severities(&left("2021-05-01")), [Severity::High], "while it was ours");
    }

    #[test]
    fn owners_of_our_organization_need_no_role() {
        let fixture = |expected: &str| {
            base().owners(&[]).upload("1.2", "2022-01-01", &["sdist"]).with(|fixture| {
                fixture.facts.organization = Some("pots".to_owned());
                fixture.federation.accounts.organization = Some(expected.to_owned());
            })
        };
        assert_eq!(severities(&fixture("pots")), [Severity::Medium]);
        assert_eq!(severities(&fixture("kilns")), [Severity::High]);
    }

    #[test]
    fn records_that_list_nothing_any_more_are_no_reference() {
        let once = |one: &mut OfficialRelease| one.known = Known::OnceListed;
        let fixture = Fixture::new("tool")
            .official_with("1.0", once)
            .upload("1.0", "2020-01-01", &["sdist"])
            .upload("1.1", "2020-02-01", &["sdist"])
            .role("Owner", "mallory");
        assert_eq!(fixture.check(&RogueRelease), []);
        // Of a name that was given up it is known that nothing ought to come any more.
        let given_up = fixture.with(|fixture| {
            fixture.project().standing = Standing::Abandoned { retired: None };
        });
        assert_eq!(given_up.check(&RogueRelease).len(), 1);
    }

    #[test]
    fn a_version_that_is_none_is_not_put_into_a_command() {
        let fixture = base().upload("1.2;rm -rf ~", "2022-01-01", &["tool-1.2.tar.gz"]);
        let findings = fixture.check(&RogueRelease);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].next.ends_with("`countermark incident tool`"), "{}", findings[0].next);
    }

    #[test]
    fn many_become_one_and_a_pin_is_evidence() {
        let mut fixture = base();
        for minor in 2..9 {
            fixture = fixture.upload(&format!("1.{minor}"), "2022-01-01", &["sdist"]);
        }
        fixture.constraints.insert(
            fixture.name(),
            vec![crate::dossier::ConstraintPin {
                version: Some("1.8.0".to_owned()),
                place: "constraints.txt:3".to_owned(),
            }],
        );
        let findings = fixture.check(&RogueRelease);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].versions.len(), 7);
        assert!(findings[0].evidence.iter().any(|one| one.source == "constraints.txt:3"));
    }
}
