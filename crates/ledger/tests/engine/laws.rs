//! Laws that hold for every book.

use std::collections::BTreeMap;

use countermark_ledger::check::{Judgement, Reason};
use countermark_ledger::file::FileId;
use countermark_ledger::import::{lost, taken_over};
use countermark_ledger::relation::Relation;
use countermark_ledger::report::{explain, suggest as text};
use countermark_ledger::review::{How, Review};
use countermark_ledger::suggest::{Costs, Plan, StepHow, by_release, suggest};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::naive;
use super::world::{World, date, key};

const FILES: usize = 8;

/// Four releases, each with a source package (even) and a wheel (odd).
fn head() -> Vec<String> {
    let mut lines: Vec<String> = [
        "key of alice with accounts alice-at-index",
        "key of bob",
        "criterion fips implies safe-to-run",
        "roles of flask: alice-at-index",
        "import acme, safe-to-deploy as safe-to-deploy, checked as fips",
        "import beta, safe-to-run as safe-to-run",
        "acme: criterion checked implies safe-to-run",
        "acme: key of dora",
        "beta: key of dora",
        "trust github:a/b/c.yml for flask as safe-to-deploy from 2026-01-01 until 2026-12-31",
    ]
    .map(str::to_owned)
    .into();
    for number in 0..FILES {
        let name = match number % 2 {
            0 => format!("flask-1.{}.tar.gz", number / 2),
            _ => format!("flask-1.{}-py3-none-any.whl", number / 2),
        };
        lines.push(format!("file F{number} of flask 1.{} called {name}", number / 2));
    }
    lines
}

fn one_file() -> impl Strategy<Value = String> {
    (0..FILES).prop_map(|number| format!("F{number}"))
}

fn said() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just("safe-to-deploy"), 1 => Just("safe-to-run"), 2 => Just("fips"),
        1 => Just("fips safe-to-deploy"),
    ]
}

fn review() -> impl Strategy<Value = String> {
    let what = prop_oneof![
        2 => one_file(),
        1 => (one_file(), one_file()).prop_map(|(a, b)| format!("{a} {b}")),
        4 => (one_file(), one_file()).prop_map(|(a, b)| format!("{a} to {b}")),
        1 => (one_file(), one_file(), one_file()).prop_map(|(a, b, c)| format!("{a} {b} to {c}")),
        1 => one_file().prop_map(|a| format!("the compiled parts of {a}")),
    ];
    let who = prop_oneof![
        1 => Just("alice"), 4 => Just("bob"), 2 => Just("acme: dora"), 1 => Just("beta: dora"),
        1 => Just("dora"),
    ];
    let how = prop_oneof![
        6 => Just(""), 1 => Just(", unsigned"), 1 => Just(", forged"), 1 => Just(", until 2026-11-21"),
    ];
    (who, what, said(), how).prop_map(|(who, what, said, how)| {
        let said =
            if who == "acme: dora" { said.replace("fips", "checked") } else { said.to_owned() };
        format!("{who} reviews {what} as {said}{how}")
    })
}

fn other() -> impl Strategy<Value = String> {
    let release = 0..FILES / 2;
    let end = prop_oneof![Just(""), Just(" but for x.so")];
    prop_oneof![
        3 => (release, end).prop_map(|(it, end)| format!("F{} covers F{}{end}", 2 * it, 2 * it + 1)),
        1 => (0..FILES / 2)
            .prop_map(|it| format!("F{} does not cover F{}, which has evil.py", 2 * it, 2 * it + 1)),
        2 => (one_file(), said()).prop_map(|(file, said)| format!("exempt {file} as {said}")),
        1 => one_file().prop_map(|it| format!("fact {it}, by github:a/b/c.yml, on 2026-02-01")),
        1 => (one_file(), one_file()).prop_map(|(it, before)| format!(
            "fact {it}, by github:a/b/c.yml, on 2026-02-01, after {before} by github:a/b/c.yml"
        )),
    ]
}

fn violation() -> impl Strategy<Value = String> {
    (prop_oneof![Just(""), Just("acme: "), Just("beta: ")], one_file())
        .prop_map(|(whose, file)| format!("{whose}violation {file} because it is bad"))
}

fn imported_violation() -> impl Strategy<Value = String> {
    (prop_oneof![Just("acme"), Just("beta")], one_file())
        .prop_map(|(whose, file)| format!("{whose}: violation {file} because it is bad"))
}

/// A book, with few violations.
fn book() -> impl Strategy<Value = Vec<String>> {
    let required =
        prop_oneof![Just("safe-to-deploy"), Just("safe-to-deploy fips"), Just("safe-to-run")];
    (
        proptest::collection::vec(review(), 0..10),
        proptest::collection::vec(other(), 0..6),
        proptest::option::weighted(0.2, violation()),
        subsequence((0..FILES).collect::<Vec<_>>(), 1..=FILES),
        required,
    )
        .prop_map(|(reviews, others, violation, lock, required)| {
            let lock: Vec<String> = lock.iter().map(|it| format!("F{it}")).collect();
            let ends = [format!("lock {}", lock.join(" ")), format!("require {required}")];
            head().into_iter().chain(reviews).chain(others).chain(violation).chain(ends).collect()
        })
}

fn world(lines: &[String]) -> World {
    World::of(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

type Answers = BTreeMap<(String, String), bool>;

fn answers(judgements: &[Judgement]) -> Answers {
    let each = judgements.iter().flat_map(|it| {
        let name = it.subject.file.clone().unwrap();
        it.required.iter().map(move |one| ((name.clone(), one.criterion.to_string()), one.is_met()))
    });
    each.collect()
}

/// What is met here and was not there.
fn newly_met(before: &Answers, after: &Answers) -> Vec<String> {
    let new = after.iter().filter(|(key, is_met)| **is_met && !before[*key]);
    new.map(|(key, _)| key.0.clone()).collect()
}

/// Reasons without the places, which move when lines do.
fn reasons(judgements: &[Judgement]) -> Vec<String> {
    let shown = |reason: &Reason| match reason.review() {
        Some(review) => format!("{} {} {}", reason.kind(), review.origin, review.id.hex()),
        None => reason.kind().to_owned(),
    };
    let each = judgements.iter().flat_map(|it| &it.required);
    each.map(|it| it.reason().map_or_else(|| "none".to_owned(), shown)).collect()
}

/// Costs that are made of the names, some of them unknown.
struct Made {
    seed: u64,
    knows_all: bool,
}

impl Made {
    fn lines(&self, text: &str) -> Option<u64> {
        let sum = text.bytes().fold(self.seed, |sum, byte| {
            sum.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(byte) + 1)
        });
        let lines = sum >> 33;
        (self.knows_all || lines % 5 > 0).then_some(lines % 1000)
    }
}

impl Costs for Made {
    fn full(&self, file: &FileId) -> Option<u64> {
        self.lines(&file.name)
    }

    fn delta(&self, from: &FileId, to: &FileId) -> Option<u64> {
        self.lines(&format!("{} {}", from.name, to.name))
    }

    fn compiled(&self, file: &FileId) -> Option<u64> {
        self.lines(&format!("compiled {}", file.name))
    }
}

/// Somebody whose key counts does what a plan says.
fn carry_out(world: &mut World, plan: &Plan) {
    world.ledger.keys.push(key("zoe", &[]));
    for step in &plan.steps {
        let how = match &step.how {
            StepHow::Full => How::Full,
            StepHow::Compiled { .. } => How::Compiled,
            StepHow::Delta { version, file } => {
                let from = version.clone().unwrap_or_else(|| "1.0".parse().unwrap());
                How::Delta { from, files: vec![file.clone()] }
            }
        };
        world.own.reviews.push(Review {
            project: step.project.clone(),
            version: step.version.clone().unwrap_or_else(|| "1.0".parse().unwrap()),
            files: vec![step.file.clone()],
            criteria: step.criteria.clone(),
            how,
            author: "zoe".to_owned(),
            on: date("2026-11-22"),
            until: None,
            notes: String::new(),
            signature: Some("good".to_owned()),
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_plainest_reading_of_the_rules_has_the_same_answer(lines in book()) {
        let world = world(&lines);
        for judgement in world.check() {
            for required in &judgement.required {
                let met = naive::met(&world, &required.criterion).contains(&judgement.subject.digest);
                let told = explain::write(std::slice::from_ref(&judgement));
                prop_assert_eq!(required.is_met(), met, "{}: {}", required.criterion, told);
            }
        }
    }

    #[test]
    fn adding_a_review_never_makes_anything_fail(lines in book(), review in review()) {
        let before = answers(&world(&lines).check());
        let mut more = lines;
        more.push(review);
        let after = answers(&world(&more).check());
        prop_assert_eq!(newly_met(&after, &before), Vec::<String>::new());
    }

    #[test]
    fn removing_an_import_never_makes_anything_pass(
        mut lines in book(),
        bad in proptest::collection::vec(imported_violation(), 0..4),
        name in prop_oneof![Just("acme"), Just("beta")],
    ) {
        lines.extend(bad);
        let full = world(&lines);
        let before = answers(&full.check());
        // As `vet import remove` does it.
        let mut less = full.clone();
        let (theirs, _) = less.imports.remove(name).unwrap();
        less.ledger.imports.retain(|it| it.name != name);
        let taken = taken_over(name, &theirs, &[&less.ledger]);
        less.ledger.violations.extend(taken);
        prop_assert_eq!(newly_met(&before, &answers(&less.check())), Vec::<String>::new());
        prop_assert!(lost(&theirs, &[&less.ledger]).is_empty());
    }

    #[test]
    fn what_an_import_takes_back_never_makes_anything_pass(
        mut lines in book(),
        bad in proptest::collection::vec(imported_violation(), 1..4),
        stays in any::<[bool; 4]>(),
    ) {
        lines.extend(bad);
        let full = world(&lines);
        let before = answers(&full.check());
        // As `vet import --accept-changes` does it.
        let mut less = full.clone();
        for (name, (then, _)) in &full.imports {
            let (now, _) = less.imports.get_mut(name).unwrap();
            let mut stays = stays.iter().cycle();
            now.violations.retain(|_| *stays.next().unwrap());
            let taken = taken_over(name, then, &[&less.ledger, now]);
            less.ledger.violations.extend(taken);
        }
        prop_assert_eq!(newly_met(&before, &answers(&less.check())), Vec::<String>::new());
    }

    #[test]
    fn a_violation_always_wins(lines in book(), violation in violation()) {
        let before = answers(&world(&lines).check());
        let mut more = lines;
        more.push(violation.clone());
        let after = world(&more);
        let judgements = after.check();
        prop_assert_eq!(newly_met(&before, &answers(&judgements)), Vec::<String>::new());
        let file = violation.split(' ').find(|it| it.starts_with('F')).unwrap();
        let bad = after.file(file).id.digest;
        let shares = |one| after.relations.iter().any(|it| {
            it.covers() && [(it.from.digest, it.to.digest), (it.to.digest, it.from.digest)].contains(&(one, bad))
        });
        for judgement in &judgements {
            let digest = judgement.subject.digest;
            if digest == bad || shares(digest) {
                prop_assert!(!judgement.known_bad.is_empty());
                prop_assert!(judgement.required.iter().all(|it| !it.is_met()));
            }
        }
    }

    #[test]
    fn order_changes_nothing(lines in book(), seed in any::<u64>()) {
        let ordered = world(&lines);
        let mut mixed = ordered.clone();
        let rank = |text: &str| Made { seed, knows_all: true }.lines(text);
        let by_rank = |reviews: &mut Vec<Review>| reviews.sort_by_key(|it| rank(&format!("{it:?}")));
        by_rank(&mut mixed.own.reviews);
        mixed.imports.values_mut().for_each(|(_, shelf)| by_rank(&mut shelf.reviews));
        mixed.ledger.imports.reverse();
        mixed.relations.reverse();
        mixed.facts.files.reverse();
        let (before, after) = (ordered.check(), mixed.check());
        prop_assert_eq!(answers(&before), answers(&after));
        prop_assert_eq!(reasons(&before), reasons(&after));
        let mut backwards = ordered.clone();
        backwards.lock.reverse();
        let mut turned = backwards.check();
        turned.reverse();
        prop_assert_eq!(reasons(&before), reasons(&turned));
    }

    #[test]
    fn a_plan_that_is_carried_out_makes_everything_pass(lines in book(), seed in any::<u64>(), knows_all: bool) {
        let mut world = world(&lines);
        let costs = Made { seed, knows_all };
        let make = |world: &World| {
            world.with(|checker| suggest(checker, &checker.check(&world.subjects()), &costs, &[]))
        };
        let plan = make(&world);
        prop_assert_eq!(&plan, &make(&world), "the same question has the same answer");
        let full: u64 = world.subjects().iter()
            .filter_map(|it| costs.full(&FileId { name: it.file.clone().unwrap(), digest: it.digest }))
            .sum();
        if knows_all {
            prop_assert!(plan.lines().0 <= full, "{}", text::write(&plan));
        }
        carry_out(&mut world, &plan);
        for judgement in world.check() {
            let is_hopeless = plan.hopeless.iter().any(|it| it.file.digest == judgement.subject.digest);
            prop_assert_eq!(judgement.passes(), !is_hopeless, "{}", text::write(&plan));
        }
        // Each step is needed: without one of them something fails.
        prop_assert!(make(&world).steps.is_empty());
    }

    #[test]
    fn a_plan_by_release_makes_everything_pass_that_follows(lines in book(), seed in any::<u64>(), knows_all: bool) {
        let mut world = world(&lines);
        let costs = Made { seed, knows_all };
        let each = world.with(|checker| suggest(checker, &checker.check(&world.subjects()), &costs, &[]));
        let make = |world: &World| {
            world.with(|checker| by_release(checker, &checker.check(&world.subjects()), &costs, &[]))
        };
        let plan = make(&world);
        prop_assert_eq!(&plan, &make(&world), "the same question has the same answer");
        prop_assert_eq!(&plan.hopeless, &each.hopeless);
        for follow in &plan.follow {
            for file in &follow.files {
                // Nothing is assumed where something is known, and not of what passes.
                prop_assert!(!world.relations.iter().any(|it| it.to.digest == file.digest));
                prop_assert!(file.digest != follow.by.digest);
                world.relations.push(Relation {
                    project: follow.project.clone(),
                    version: follow.version.clone(),
                    from: follow.by.clone(),
                    to: file.clone(),
                    same: 1,
                    permitted: Vec::new(),
                    compiled: Vec::new(),
                    unexplained: Vec::new(),
                });
            }
        }
        if plan.follow.is_empty() {
            prop_assert_eq!(&plan.steps, &each.steps);
        }
        carry_out(&mut world, &plan);
        for judgement in world.check() {
            let is_hopeless = plan.hopeless.iter().any(|it| it.file.digest == judgement.subject.digest);
            prop_assert_eq!(judgement.passes(), !is_hopeless, "{}", text::write(&plan));
        }
    }
}
