//! Long chains, wide ones, circles, and how little is verified.

use countermark_ledger::check::{Judgement, Subject};
use countermark_ledger::explain::{MOST_DEPTH, MOST_LINES};
use countermark_ledger::file::FileId;
use countermark_ledger::report::explain;
use countermark_ledger::review::{How, Review};
use countermark_packaging::digest::Sha256;

use super::world::{World, criterion, date, key, place};

const LENGTH: u32 = 100_000;

fn file(number: u32) -> FileId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    FileId { name: format!("long-{number}-py3-none-any.whl"), digest: Sha256(bytes) }
}

fn review(number: u32, from: Option<u32>) -> Review {
    Review {
        project: "long".parse().unwrap(),
        version: number.to_string().parse().unwrap(),
        files: vec![file(number)],
        criteria: vec![criterion("safe-to-deploy")],
        how: match from {
            None => How::Full,
            Some(from) => {
                How::Delta { from: from.to_string().parse().unwrap(), files: vec![file(from)] }
            }
        },
        author: "alice".to_owned(),
        on: date("2026-11-01"),
        until: None,
        notes: String::new(),
        signature: Some("good".to_owned()),
    }
}

fn subject(number: u32) -> Subject {
    Subject {
        project: "long".parse().unwrap(),
        version: number.to_string().parse().unwrap(),
        file: Some(file(number).name),
        digest: file(number).digest,
        place: place("pylock.toml", 1),
    }
}

/// Reviews by the digest that they cover: a list would be walked once a file.
struct Indexed(std::collections::HashMap<Sha256, Vec<countermark_ledger::check::Entry>>);

impl Indexed {
    fn new(reviews: impl Iterator<Item = Review>) -> Self {
        let mut index: std::collections::HashMap<_, Vec<_>> = std::collections::HashMap::new();
        for review in reviews {
            let id = countermark_ledger::statement::StatementId::of(&review).0;
            let entry =
                countermark_ledger::check::Entry { place: place("reviews.toml", 1), id, review };
            index.entry(entry.review.files[0].digest).or_default().push(entry);
        }
        Self(index)
    }
}

impl countermark_ledger::check::Reviews for Indexed {
    fn covering(&self, digest: &Sha256) -> Vec<countermark_ledger::check::Entry> {
        self.0.get(digest).cloned().unwrap_or_default()
    }

    fn of_project(
        &self,
        _: &countermark_packaging::name::ProjectName,
    ) -> Vec<countermark_ledger::check::Entry> {
        self.0.values().flatten().cloned().collect()
    }
}

fn check(reviews: impl Iterator<Item = Review>, subjects: &[Subject]) -> (Vec<Judgement>, usize) {
    let mut world = World::new();
    world.ledger.keys.push(key("alice", &[]));
    let shelf = Indexed::new(reviews);
    let book = countermark_ledger::check::Book::new(
        &world.ledger,
        &shelf,
        &[],
        &world.facts,
        &world.relations,
        &world,
    );
    let judgements = countermark_ledger::check::Checker::new(&book, world.today).check(subjects);
    (judgements, world.verified.get())
}

/// On a thread with a stack that a recursion over the chain would overflow at once.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 << 10).spawn(test).unwrap().join().unwrap();
}

#[test]
fn a_chain_of_any_length_is_walked_drawn_and_dropped() {
    on_a_small_stack(|| {
        let reviews = (0..LENGTH).map(|number| review(number, number.checked_sub(1)));
        let (judgements, verified) = check(reviews, &[subject(LENGTH - 1)]);
        assert!(judgements[0].passes());
        assert_eq!(verified, LENGTH as usize);
        let chain = judgements[0].required[0].chain();
        assert_eq!(chain.links.len(), MOST_DEPTH);
        assert_eq!(chain.cut, LENGTH as usize - MOST_DEPTH);
        assert!(explain::write(&judgements).lines().count() <= MOST_LINES);
    });
}

#[test]
fn a_chain_without_its_end_fails_as_a_whole() {
    on_a_small_stack(|| {
        let reviews = (1..LENGTH).map(|number| review(number, Some(number - 1)));
        let (judgements, verified) = check(reviews, &[subject(LENGTH - 1)]);
        assert!(!judgements[0].passes());
        assert_eq!(
            verified, 1,
            "of differences that cannot decide only the one of the file is verified"
        );
        drop(explain::write(&judgements));
    });
}

#[test]
fn a_circle_of_any_length_supports_nothing() {
    on_a_small_stack(|| {
        let circle = || (0..LENGTH).map(|number| review(number, Some((number + 1) % LENGTH)));
        let (judgements, verified) = check(circle(), &[subject(7)]);
        assert!(!judgements[0].passes());
        assert_eq!(verified, 1);
        let told = explain::write(&judgements);
        assert!(told.contains("nobody vouches for it"), "{told}");
        let anchored = circle().chain([review(9, None)]);
        let (judgements, _) = check(anchored, &[subject(7)]);
        assert!(judgements[0].passes());
    });
}

#[test]
fn nothing_is_verified_that_decides_nothing() {
    let reviews = || (0..50).map(|number| review(number, number.checked_sub(1)));
    let full = || reviews().chain((0..50).map(|number| review(number, None)));
    let (judgements, verified) = check(full(), &[subject(49)]);
    assert!(judgements[0].passes());
    assert_eq!(verified, 1);
    let subjects: Vec<_> = (40..50).map(subject).collect();
    let (judgements, verified) = check(full(), &subjects);
    assert!(judgements.iter().all(Judgement::passes));
    assert_eq!(verified, 10);
    // A file that two differences lead to by way of the same files is looked at once.
    let (_, verified) = check(reviews(), &subjects);
    assert_eq!(verified, 50);
}

#[test]
fn a_small_chain_is_drawn_as_a_tree() {
    let world = World::of(&[
        "file A of flask 1.0",
        "file S of flask 1.0 called flask-1.0.tar.gz",
        "file B of flask 1.1",
        "file T of flask 1.2 called flask-1.2.tar.gz",
        "file C of flask 1.2",
        "key of alice",
        "key of bob",
        "alice reviews A as safe-to-deploy",
        "exempt S as safe-to-deploy because it was there",
        "alice reviews A S to B as safe-to-deploy",
        "bob reviews B to C as safe-to-deploy",
        "T covers C but for speedups.so",
        "file D of flask 1.3",
        "file E of flask 1.4",
        "bob reviews D to E as safe-to-deploy",
        "alice reviews D as safe-to-deploy, unsigned",
        "lock C E",
    ]);
    insta::assert_snapshot!(explain::write(&world.check()));
}
