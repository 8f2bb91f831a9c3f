use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::civil::date;
use sha2::Digest as _;

use super::*;
use crate::criteria::Criteria;
use crate::ledger::Import;
use crate::review::How;

const ALICE: &str = "alice@example.org";

fn place(line: u32) -> Place {
    Place { file: "reviews.toml".to_owned(), line, column: 1, span: 0..0 }
}

fn file(name: &str, seed: &[u8]) -> FileId {
    FileId { name: name.to_owned(), digest: Sha256(sha2::Sha256::digest(seed).into()) }
}

fn criterion(name: &str) -> CriterionName {
    CriterionName::parse(name).unwrap()
}

fn review(project: &str, version: &str) -> Review {
    Review {
        project: ProjectName::parse(project).unwrap(),
        version: version.parse::<Version>().unwrap(),
        files: vec![file(&format!("{project}-{version}.tar.gz"), project.as_bytes())],
        criteria: vec![criterion("safe-to-run")],
        how: How::Full,
        author: ALICE.to_owned(),
        on: date(2026, 3, 1),
        until: None,
        notes: String::new(),
        signature: Some("ed25519 00000000 AAAA".to_owned()),
    }
}

fn key(author: &str, key: &str) -> AuthorKey {
    AuthorKey {
        author: author.to_owned(),
        key: key.to_owned(),
        file: None,
        accounts: Vec::new(),
        from: None,
        until: None,
        place: place(7),
    }
}

fn ledger() -> Ledger {
    Ledger {
        name: "example.org/acme".to_owned(),
        initialised: date(2026, 1, 1),
        required: vec![criterion("safe-to-deploy")],
        maximum_age_days: None,
        counts_unknown_roles: true,
        descriptions: BTreeMap::from([(criterion("crypto"), "read by a cryptographer".to_owned())]),
        criteria: criteria(&[("crypto", &["safe-to-run"])]),
        requirements: Vec::new(),
        keys: vec![key(ALICE, "alice+1")],
        own_reviews: Vec::new(),
        imports: Vec::new(),
        exemptions: Vec::new(),
        trusted: Vec::new(),
        violations: vec![violation("evil-1.0.tar.gz")],
    }
}

fn criteria(own: &[(&str, &[&str])]) -> Criteria {
    let names = |names: &[&str]| names.iter().map(|it| criterion(it)).collect();
    let own = own.iter().map(|(name, implied)| (criterion(name), names(implied))).collect();
    Criteria::new(&own).unwrap()
}

fn violation(name: &str) -> Violation {
    Violation {
        project: ProjectName::parse("evil").unwrap(),
        version: None,
        files: vec![file(name, name.as_bytes())],
        on: date(2026, 2, 1),
        reason: "sends keys away".to_owned(),
        place: place(9),
    }
}

/// Everything but the signature, as a statement has it.
fn identity(review: &Review) -> String {
    format!("{:?}", Review { signature: None, ..review.clone() })
}

fn seen<'a>(
    reviews: &'a [Review],
    ids: &BTreeMap<String, usize>,
    places: &'a [Place],
) -> Vec<Seen<'a, usize>> {
    let one = |(review, place)| Seen { id: ids[&identity(review)], review, place };
    reviews.iter().zip(places).map(one).collect()
}

/// What a change of the ledger and its reviews is told as: codes with both lines, and how much is new.
fn told(change: impl FnOnce(&mut Ledger, &mut Vec<Review>)) -> (Vec<String>, usize) {
    let (old, old_reviews) = (ledger(), vec![review("flask", "3.0"), review("jinja2", "3.1")]);
    let (mut new, mut new_reviews) = (old.clone(), old_reviews.clone());
    change(&mut new, &mut new_reviews);
    let ids: BTreeMap<String, usize> =
        old_reviews.iter().chain(&new_reviews).map(identity).zip(0..).collect();
    let places: Vec<Place> = (0..100).map(|line| place(10 * line)).collect();
    let before = Side { ledger: &old, file: "old", reviews: seen(&old_reviews, &ids, &places) };
    let now = Side { ledger: &new, file: "new", reviews: seen(&new_reviews, &ids, &places) };
    let compared = compare(&before, &now);
    let line = |it: &Change| {
        let now = it.now.as_ref().map_or("-".to_owned(), |it| it.line.to_string());
        format!("{} {} {now}", it.kind.code(), it.before.line)
    };
    (compared.changes.iter().map(line).collect(), compared.news())
}

fn changes(change: impl FnOnce(&mut Ledger, &mut Vec<Review>)) -> Vec<String> {
    told(change).0
}

#[test]
fn the_same_again_is_nothing() {
    assert_eq!(told(|_, _| {}), (Vec::new(), 0));
    // The order of a file is no part of what it says.
    assert_eq!(told(|_, reviews| reviews.reverse()), (Vec::new(), 0));
}

#[test]
fn a_ledger_grows() {
    let grown = |count| (Vec::new(), count);
    assert_eq!(told(|_, reviews| reviews.push(review("click", "8.1"))), grown(1));
    // The same release by the same author, beside the first one.
    let again = |reviews: &mut Vec<Review>| {
        reviews.push(Review { on: date(2026, 9, 1), ..review("flask", "3.0") });
    };
    assert_eq!(told(|_, reviews| again(reviews)), grown(1));
    assert_eq!(told(|it, _| it.keys.push(key("bob@example.org", "bob+1"))), grown(1));
    assert_eq!(told(|it, _| it.keys.push(key(ALICE, "alice+2"))), grown(1));
    assert_eq!(told(|it, _| it.keys[0].until = Some(date(2026, 6, 1))), grown(1));
    assert_eq!(told(|it, _| it.violations.push(violation("evil-1.1.tar.gz"))), grown(1));
    let more = [("crypto", ["safe-to-run"].as_slice()), ("more", &["crypto"])];
    assert_eq!(told(|it, _| it.criteria = criteria(&more)), grown(1));
    // Their own decisions are none of the past that people here rely on.
    let change = |it: &mut Ledger| {
        it.required = vec![criterion("safe-to-run")];
        it.maximum_age_days = Some(10);
    };
    assert_eq!(told(|it, _| change(it)), grown(0));
}

#[test]
fn a_violation_said_again_in_other_words_is_still_there() {
    let change = |it: &mut Ledger| {
        it.violations[0].reason = "and deletes files".to_owned();
        it.violations.push(violation("evil-1.0.tar.gz"));
    };
    assert_eq!(told(|it, _| change(it)), (Vec::new(), 0));
}

#[test]
fn reviews_stay() {
    assert_eq!(changes(|_, it| it.truncate(1)), ["import-review-gone 10 -"]);
    assert_eq!(changes(|_, it| it.clear()), ["import-review-gone 0 -", "import-review-gone 10 -"]);
    let altered = ["import-review-altered 10 10"];
    assert_eq!(changes(|_, it| it[1].criteria = vec![criterion("crypto")]), altered);
    assert_eq!(changes(|_, it| it[1].on = date(2026, 3, 2)), altered);
    assert_eq!(changes(|_, it| it[1].until = Some(date(2030, 3, 2))), altered);
    assert_eq!(changes(|_, it| it[1].notes = "x".to_owned()), altered);
    assert_eq!(changes(|_, it| it[1].files = vec![file("a", b"other")]), altered);
    // What is told as altered is not told as new as well.
    assert_eq!(told(|_, it| it[1].notes = "x".to_owned()).1, 0);
    // Another author's review is another review.
    let other = |it: &mut Review| it.author = "bob@example.org".to_owned();
    assert_eq!(told(|_, it| other(&mut it[1])), (vec!["import-review-gone 10 -".to_owned()], 1));
}

#[test]
fn signatures_are_added_and_not_replaced() {
    let replaced = ["import-signature-replaced 0 0"];
    assert_eq!(changes(|_, it| it[0].signature = None), replaced);
    assert_eq!(changes(|_, it| it[0].signature = Some("ssh AAAA".to_owned())), replaced);
    let (old, new) = (Review { signature: None, ..review("flask", "3.0") }, review("flask", "3.0"));
    let (ledger, place) = (ledger(), place(1));
    let side = |review| Side {
        ledger: &ledger,
        file: "x",
        reviews: vec![Seen { id: 1, review, place: &place }],
    };
    let compared = compare(&side(&old), &side(&new));
    assert_eq!((compared.changes.len(), compared.signed.len()), (0, 1));
}

#[test]
fn criteria_keep_their_meaning() {
    let changed = ["import-criterion-changed 1 1"];
    assert_eq!(changes(|it, _| it.criteria = criteria(&[])), ["import-criterion-gone 1 -"]);
    assert_eq!(changes(|it, _| it.criteria = criteria(&[("crypto", &[])])), changed);
    let more = [("crypto", ["safe-to-deploy"].as_slice())];
    assert_eq!(changes(|it, _| it.criteria = criteria(&more)), changed);
    assert_eq!(changes(|it, _| drop(it.descriptions.remove(&criterion("crypto")))), changed);
}

#[test]
fn a_criterion_that_is_reached_otherwise_keeps_its_meaning() {
    // What it implies in the end counts, not by which way.
    let same = [("crypto", ["safe-to-run", "crypto"].as_slice())];
    assert_eq!(changes(|it, _| it.criteria = criteria(&same)), Vec::<String>::new());
}

#[test]
fn violations_keys_and_the_name_stay() {
    assert_eq!(changes(|it, _| it.violations.clear()), ["import-violation-withdrawn 9 -"]);
    assert_eq!(changes(|it, _| it.keys.clear()), ["import-key-gone 7 -"]);
    let replaced = ["import-key-replaced 7 7"];
    assert_eq!(changes(|it, _| it.keys[0].key = "alice+2".to_owned()), replaced);
    assert_eq!(changes(|it, _| it.keys[0].author = "eve@example.org".to_owned()), replaced);
    assert_eq!(changes(|it, _| it.name = "example.org/other".to_owned()), ["import-renamed 1 1"]);
}

#[test]
fn what_differs_is_said() {
    let (ledger, place) = (ledger(), place(1));
    let old = review("flask", "3.0");
    let names: Vec<_> = (0..10_000).map(|it| criterion(&format!("c{it}"))).collect();
    let new = Review { on: date(2026, 4, 1), criteria: names, ..old.clone() };
    let side = |id, review| Side {
        ledger: &ledger,
        file: "x",
        reviews: vec![Seen { id, review, place: &place }],
    };
    let compared = compare(&side(1, &old), &side(2, &new));
    let change = &compared.changes[0];
    assert_eq!(change.message, "the review of flask 3.0 by alice@example.org was altered");
    // Ten thousand names do not fill the screen.
    assert_eq!(
        change.details,
        [
            "criteria: safe-to-run, now c0, c1, c2, c3, c4 and 9995 more",
            "on: 2026-03-01, now 2026-04-01"
        ]
    );
}

#[test]
fn ledgers_of_ledgers_are_offers() {
    let import = |name: &str, url: &str| Import {
        name: name.to_owned(),
        url: url.to_owned(),
        fetched: None,
        ledger: None,
        reviews: None,
        commits: None,
        mapping: BTreeMap::new(),
        keys: Vec::new(),
        exclude: Vec::new(),
        place: place(1),
    };
    let mut ours = ledger();
    ours.imports = vec![import("acme", "https://example.org/acme")];
    let mut acme = ledger();
    acme.imports = vec![
        import("back", "https://example.org/acme/"),
        import("local", "../elsewhere"),
        import("zeta", "https://example.org/zeta"),
    ];
    let found = known(&ours, [("acme", &acme), ("again", &acme)]);
    let expect = Known { name: "zeta", url: "https://example.org/zeta", via: "acme" };
    assert_eq!(found, [expect]);
}

#[test]
fn criteria_bombs_are_refused_at_the_first_one_too_many() {
    let criterion = |number: usize| {
        let implies = if number == 0 { String::new() } else { format!("\"c{}\"", number - 1) };
        format!(
            "\n[[criteria]]\nname = \"c{number}\"\ndescription = \"x\"\nimplies = [{implies}]\n"
        )
    };
    let head = "[ledger]\nversion = 1\nname = \"example.org/a\"\ninitialised = 2026-01-01\n\
                criteria = [\"safe-to-run\"]\n";
    let ledger = |count: usize| {
        let text: String = (0..count).map(criterion).collect();
        Ledger::parse("ledger.toml", format!("{head}{text}").as_bytes())
    };
    assert_eq!(ledger(64).unwrap().descriptions.len(), 64);
    let errors = ledger(10_000).unwrap_err();
    assert_eq!(errors[0].code, "too-large");
    // Five lines of a head, then five lines each.
    assert_eq!(errors[0].place.line, 5 + 64 * 5 + 2);
}
