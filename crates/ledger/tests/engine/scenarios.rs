//! One scenario at least for each rule, each with mutations that are refused for a stated reason.
//!
//! A file below `scenarios/` begins with `rule R1 …` and lines of [`super::world`]. `expect` lines say what
//! comes out: `expect A meets` or `expect A fails`, `… meets safe-to-run`, `… by delta`, `… ignores CODE`,
//! `… has CODE` (of an obstacle), `… known bad`. After `but WHAT` follow the lines that differ: `- LINE`
//! takes one away, `+ LINE` adds one, and `expect` lines of their own.

use std::collections::BTreeMap;

use countermark_ledger::check::{Judgement, Reason};
use countermark_ledger::report::{Report, explain, json, text};

use super::world::{World, criterion};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
    pub(crate) expects: Vec<String>,
}

pub(crate) struct Scenario {
    /// `R1`.
    pub(crate) rule: String,
    pub(crate) file: String,
    /// As it is written, then each mutation.
    pub(crate) cases: Vec<Case>,
}

#[expect(clippy::disallowed_methods, reason = "the scenarios of the tests")]
pub(crate) fn all() -> Vec<Scenario> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/scenarios");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        found.insert(name, std::fs::read_to_string(path).unwrap());
    }
    found.into_iter().map(|(file, text)| scenario(file, &text)).collect()
}

fn scenario(file: String, text: &str) -> Scenario {
    let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let head = lines.next().unwrap().strip_prefix("rule ").unwrap();
    let (rule, name) = head.split_once(' ').unwrap();
    let new = |name: &str| Case { name: name.to_owned(), lines: Vec::new(), expects: Vec::new() };
    let mut cases = vec![new(name)];
    for line in lines {
        if let Some(name) = line.strip_prefix("but ") {
            let mut case = new(name);
            case.lines = cases[0].lines.clone();
            cases.push(case);
            continue;
        }
        let case = cases.last_mut().unwrap();
        if line.starts_with("expect ") {
            case.expects.push(line.to_owned());
        } else if let Some(gone) = line.strip_prefix("- ") {
            let before = case.lines.len();
            case.lines.retain(|it| it != gone);
            assert_eq!(case.lines.len() + 1, before, "{file}: {gone} is not a line once");
        } else {
            case.lines.push(line.strip_prefix("+ ").unwrap_or(line).to_owned());
        }
    }
    Scenario { rule: rule.to_owned(), file, cases }
}

impl Case {
    pub(crate) fn world(&self) -> World {
        World::of(&self.lines.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn report(world: &World) -> Report {
    Report {
        on: world.today,
        ledger: world.ledger.name.clone(),
        subjects: vec!["pylock.toml".to_owned()],
        judgements: world.check(),
        unjudged: Vec::new(),
        notes: Vec::new(),
    }
}

fn judgement<'j>(world: &World, judgements: &'j [Judgement], file: &str) -> &'j Judgement {
    let number = world.lock.iter().position(|it| it == file);
    &judgements[number.unwrap_or_else(|| panic!("{file} is not in the lock"))]
}

fn hold(world: &World, judgements: &[Judgement], expect: &str) -> bool {
    let words: Vec<&str> = expect.split(' ').collect();
    let found = judgement(world, judgements, words[1]);
    let meets = |name: &str| {
        let wanted = criterion(name);
        found.required.iter().find(|it| it.criterion == wanted).unwrap().is_met()
    };
    match words[2..] {
        ["meets"] => found.passes(),
        ["fails"] => !found.passes() && found.known_bad.is_empty(),
        ["meets", name] => meets(name),
        ["misses", name] => !meets(name),
        ["needs", name] => {
            found.required.iter().map(|it| it.criterion.as_str()).collect::<Vec<_>>() == [name]
        }
        ["by", kind] => {
            found
                .required
                .iter()
                .filter_map(|it| it.reason())
                .map(Reason::kind)
                .all(|it| it == kind)
                && found.passes()
        }
        ["by", "import", name] => found.required.iter().all(|it| {
            it.reason().and_then(Reason::review).and_then(|it| it.origin.import()) == Some(name)
        }),
        ["ignores", "nothing"] => found.ignored.is_empty(),
        ["ignores", code] => found.ignored.iter().any(|it| it.why.code() == code),
        ["has", code] => found.obstacles.iter().any(|it| it.code() == code),
        ["known", "bad"] => !found.passes() && !found.known_bad.is_empty(),
        ["says", "unknown", "roles"] => found.rests_on_unknown_roles(),
        _ => panic!("{expect}"),
    }
}

#[test]
fn every_rule_decides_as_its_scenarios_say() {
    for scenario in all() {
        let (mut texts, mut documents) = (String::new(), String::new());
        for case in &scenario.cases {
            let world = case.world();
            let report = report(&world);
            assert!(!case.expects.is_empty(), "{}: {}", scenario.file, case.name);
            for expect in &case.expects {
                let told = explain::write(&report.judgements);
                assert!(
                    hold(&world, &report.judgements, expect),
                    "{}: {}: {expect}\n{told}",
                    scenario.file,
                    case.name
                );
            }
            let told = explain::write(&report.judgements);
            let shown = text::write(&report, text::Options::default());
            texts.push_str(&format!("=== {}\n{}\n---\n{shown}", case.name, case.lines.join("\n")));
            texts.push_str(&format!("---\n{told}\n"));
            documents.push_str(&json::write(&report));
        }
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(format!("{}.text", scenario.file), texts);
            insta::assert_snapshot!(format!("{}.json", scenario.file), documents);
        });
    }
}

#[test]
fn every_scenario_passes_and_has_a_mutation_with_another_answer() {
    for scenario in all() {
        let answers: Vec<bool> = scenario.cases.iter().map(|case| case.world().passes()).collect();
        assert!(answers.len() > 1, "{} has no mutation", scenario.file);
        assert!(answers[1..].iter().any(|it| *it != answers[0]), "{}: {answers:?}", scenario.file);
    }
}
