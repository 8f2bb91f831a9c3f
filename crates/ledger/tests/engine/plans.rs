//! What is suggested, by hand-made examples.

use std::collections::{BTreeMap, BTreeSet};

use countermark_ledger::file::FileId;
use countermark_ledger::report::suggest as text;
use countermark_ledger::suggest::{Costs, Offer, Plan, suggest};

use super::world::{World, criterion, digest};

/// Lines by name: `A` in full, `A B` of a difference.
pub(crate) struct Lines(pub(crate) BTreeMap<String, u64>);

impl Lines {
    pub(crate) fn of(world: &World, lines: &[(&str, u64)]) -> Self {
        let name = |it: &str| world.file(it).id.name.clone();
        let key = |text: &str| text.split(' ').map(name).collect::<Vec<_>>().join(" ");
        Self(lines.iter().map(|(text, lines)| (key(text), *lines)).collect())
    }
}

impl Costs for Lines {
    fn full(&self, file: &FileId) -> Option<u64> {
        self.0.get(&file.name).copied()
    }

    fn delta(&self, from: &FileId, to: &FileId) -> Option<u64> {
        self.0.get(&format!("{} {}", from.name, to.name)).copied()
    }
}

fn plan(world: &World, lines: &[(&str, u64)], offers: &[Offer]) -> Plan {
    let costs = Lines::of(world, lines);
    world.with(|checker| suggest(checker, &checker.check(&world.subjects()), &costs, offers))
}

fn shown(world: &World, lines: &[(&str, u64)], offers: &[Offer]) -> String {
    text::write(&plan(world, lines, offers))
}

const BASE: [&str; 6] = [
    "key of alice",
    "file A of flask 1.0",
    "file B of flask 1.1",
    "file C of flask 1.2",
    "exempt A as safe-to-deploy",
    "lock B",
];

fn world(more: &[&str]) -> World {
    World::of(&[&BASE[..], more].concat())
}

#[test]
fn a_difference_from_what_is_exempt_is_cheaper() {
    insta::assert_snapshot!(shown(&world(&[]), &[("B", 900), ("A B", 30)], &[]), @r"
    flask
      read the difference from flask-1.0-A-py3-none-any.whl to flask-1.1-B-py3-none-any.whl, for safe-to-deploy: 30 lines instead of 900
        countermark vet diff flask 1.0 1.1
    30 lines to read in 1 step
    ");
}

#[test]
fn a_full_reading_that_is_shorter_wins_and_a_difference_wins_on_equal_cost() {
    let full = |steps: &Plan| steps.steps[0].how == countermark_ledger::suggest::StepHow::Full;
    assert!(full(&plan(&world(&[]), &[("B", 29), ("A B", 30)], &[])));
    assert!(!full(&plan(&world(&[]), &[("B", 30), ("A B", 30)], &[])));
}

#[test]
fn one_reading_leads_to_the_next() {
    let lines = [("B", 900), ("C", 950), ("A B", 30), ("A C", 200), ("B C", 40), ("C B", 40)];
    insta::assert_snapshot!(shown(&world(&["lock B C"]), &lines, &[]), @r"
    flask
      read the difference from flask-1.0-A-py3-none-any.whl to flask-1.1-B-py3-none-any.whl, for safe-to-deploy: 30 lines instead of 900
        countermark vet diff flask 1.0 1.1
      read the difference from flask-1.1-B-py3-none-any.whl to flask-1.2-C-py3-none-any.whl, for safe-to-deploy: 40 lines instead of 950
        countermark vet diff flask 1.1 1.2
    70 lines to read in 2 steps
    ");
}

#[test]
fn a_source_package_that_nobody_asked_for_may_cover_several_wheels() {
    let more = [
        "file S of flask 1.1 called flask-1.1.tar.gz",
        "file W of flask 1.1 called flask-1.1-cp311-cp311-linux.whl",
        "S covers B",
        "S covers W but for x.so",
        "lock B W",
    ];
    let lines = [("B", 900), ("W", 900), ("S", 1000)];
    insta::assert_snapshot!(shown(&world(&more), &lines, &[]), @r"
    flask
      read flask-1.1-B-py3-none-any.whl in full, for safe-to-deploy: 900 lines
        countermark vet inspect flask==1.1
      read flask-1.1-cp311-cp311-linux.whl in full, for safe-to-deploy: 900 lines
        countermark vet inspect flask==1.1
    1800 lines to read in 2 steps
    1 file is for one platform: machine code has no lines and is not in the numbers
    ");
    let mut without = more;
    without[3] = "S covers W";
    insta::assert_snapshot!(shown(&world(&without), &lines, &[]), @r"
    flask
      read flask-1.1.tar.gz in full, for safe-to-deploy: 1000 lines
        countermark vet inspect flask==1.1
    1000 lines to read in 1 step
    ");
}

#[test]
fn a_word_about_compiled_extensions_is_asked_for_where_the_rest_is_covered() {
    let more = [
        "file S of flask 1.1 called flask-1.1.tar.gz",
        "S covers B but for x.so",
        "alice reviews S as safe-to-deploy",
    ];
    insta::assert_snapshot!(shown(&world(&more), &[], &[]), @r"
    flask
      vouch for the compiled extensions of flask-1.1-B-py3-none-any.whl; flask-1.1.tar.gz covers the rest, for safe-to-deploy: nobody counted its lines
        countermark vet inspect flask==1.1
    0 lines to read in 1 step; of 1 nobody counted the lines
    ");
}

#[test]
fn what_nobody_counted_is_said_and_what_is_counted_comes_first() {
    insta::assert_snapshot!(shown(&world(&[]), &[], &[]), @r"
    flask
      read the difference from flask-1.0-A-py3-none-any.whl to flask-1.1-B-py3-none-any.whl, for safe-to-deploy: nobody counted its lines
        countermark vet diff flask 1.0 1.1
    0 lines to read in 1 step; of 1 nobody counted the lines
    ");
    let known = plan(&world(&[]), &[("B", 900)], &[]);
    assert_eq!(known.lines(), (900, 0));
}

#[test]
fn an_offer_comes_before_every_reading() {
    let offer = |name: &str, files: &[&str], said: &str| Offer {
        name: name.to_owned(),
        url: format!("https://{name}.example.org/ledger"),
        files: files.iter().map(|it| (digest(it), BTreeSet::from([criterion(said)]))).collect(),
    };
    let offers = [
        offer("weak", &["B", "C"], "safe-to-run"),
        offer("zeta", &["C"], "safe-to-deploy"),
        offer("acme", &["C"], "safe-to-deploy"),
    ];
    let lines = [("B", 900), ("C", 1), ("A B", 30)];
    insta::assert_snapshot!(shown(&world(&["lock B C"]), &lines, &offers), @r"
    import acme, which vouches for 1 file
      countermark vet import add https://acme.example.org/ledger --name acme
    flask
      read the difference from flask-1.0-A-py3-none-any.whl to flask-1.1-B-py3-none-any.whl, for safe-to-deploy: 30 lines instead of 900
        countermark vet diff flask 1.0 1.1
    30 lines to read in 1 step
    ");
    assert!(plan(&world(&["lock B C"]), &lines, &offers[..1]).offers.is_empty());
}

#[test]
fn a_bad_file_is_hopeless_and_no_beginning() {
    let bad = world(&["lock B C", "violation B because it sends away keys"]);
    insta::assert_snapshot!(shown(&bad, &[("B", 1), ("C", 900), ("B C", 2)], &[]), @r"
    flask 1.1 is known bad: take another release
      known bad since 2026-11-20: it sends away keys
    flask
      read flask-1.2-C-py3-none-any.whl in full, for safe-to-deploy: 900 lines
        countermark vet inspect flask==1.2
    900 lines to read in 1 step
    ");
}

#[test]
fn a_review_that_waits_for_another_file_is_used() {
    let more = ["alice reviews B to C as safe-to-deploy", "lock C"];
    let lines = [("C", 900), ("B", 800), ("A B", 10), ("A C", 500)];
    insta::assert_snapshot!(shown(&world(&more), &lines, &[]), @r"
    flask
      read the difference from flask-1.0-A-py3-none-any.whl to flask-1.1-B-py3-none-any.whl, for safe-to-deploy: 10 lines instead of 800
        countermark vet diff flask 1.0 1.1
    10 lines to read in 1 step
    ");
}

#[test]
fn a_review_that_waits_and_is_not_signed_is_no_help() {
    // Found by the laws: reading B does not do when the difference from it will not count.
    let more = ["alice reviews B to C as safe-to-deploy, forged", "lock C"];
    let plan = plan(&world(&more), &[("C", 900), ("B", 1), ("A C", 500)], &[]);
    assert_eq!(plan.lines(), (500, 0));
}

#[test]
fn nothing_starts_from_a_file_for_which_only_a_publisher_stands() {
    // Found by the laws.
    let more = [
        "trust github:f/f/r.yml for flask as safe-to-deploy from 2026-01-01 until 2026-12-31",
        "file T of flask 1.3",
        "fact T, by github:f/f/r.yml, on 2026-02-01",
        "fact C, by github:f/f/r.yml, on 2026-02-01, after B by github:f/f/r.yml",
        "lock C T",
    ];
    let lines = [("C", 900), ("B", 1), ("A C", 500), ("T C", 1)];
    assert_eq!(plan(&world(&more), &lines, &[]).lines(), (500, 0));
}

#[test]
fn a_beginning_that_meets_less_is_none() {
    let weak = [
        "key of alice",
        "file A of flask 1.0",
        "file B of flask 1.1",
        "exempt A as safe-to-run",
        "lock B",
    ];
    let plan = plan(&World::of(&weak), &[("B", 900), ("A B", 1)], &[]);
    assert_eq!(plan.lines(), (900, 0));
}

#[test]
fn nothing_is_suggested_where_nothing_is_missing() {
    insta::assert_snapshot!(shown(&world(&["lock A"]), &[], &[]), @"nothing is missing");
}

/// A release with a wheel for each of some platforms, all of which fail.
fn platforms(count: usize) -> (Plan, String) {
    let letters: Vec<String> = ('B'..='I').take(count).map(String::from).collect();
    let mut lines = vec!["file A of numpy 1.0", "exempt A as safe-to-deploy"];
    let mut names: Vec<String> =
        letters.iter().map(|it| format!("file {it} of numpy 1.1")).collect();
    names.push(format!("lock {}", letters.join(" ")));
    lines.extend(names.iter().map(String::as_str));
    let prices: Vec<(String, u64)> =
        letters.iter().flat_map(|it| [(it.clone(), 900), (format!("A {it}"), 10)]).collect();
    let prices: Vec<(&str, u64)> =
        prices.iter().map(|(name, price)| (name.as_str(), *price)).collect();
    let plan = plan(&World::of(&lines), &prices, &[]);
    let text = text::write(&plan);
    (plan, text)
}

#[test]
fn steps_that_one_command_shows_are_not_all_named() {
    let (plan, text) = platforms(7);
    assert_eq!(plan.steps.len(), 7);
    assert_eq!(text.matches("countermark vet diff numpy 1.0 1.1").count(), 3, "{text}");
    let more = "  and 4 more files in the same way (--format json has all): 40 lines\n";
    assert!(text.contains(more), "{text}");
    assert!(text.contains("70 lines to read in 7 steps\n"), "{text}");
    // One more line for one more file would be no gain.
    let (_, text) = platforms(4);
    assert_eq!(text.matches("countermark vet diff numpy 1.0 1.1").count(), 4, "{text}");
    assert!(!text.contains("more file"), "{text}");
}

#[test]
fn machine_code_is_said_to_have_no_lines() {
    let (mut plan, text) = platforms(2);
    assert!(!text.contains("machine code"), "{text}");
    plan.steps[0].file.name = "numpy-1.1-cp311-cp311-linux_x86_64.whl".to_owned();
    let text = text::write(&plan);
    let said = "1 file is for one platform: machine code has no lines and is not in the numbers\n";
    assert!(text.contains(said), "{text}");
}
