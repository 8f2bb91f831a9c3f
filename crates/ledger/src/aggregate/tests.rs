use proptest::prelude::*;

use super::*;
use crate::format::{ReviewFile, write};

const HEAD: &str = "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\n\
                    criteria = [\"safe-to-deploy\"]\n";

fn part(name: &str, ledger: &str, reviews: &str) -> Part {
    let ledger =
        Ledger::parse(&format!("{name}/ledger.toml"), format!("{HEAD}{ledger}").as_bytes());
    let reviews = ReviewFile::parse(&format!("{name}/reviews.toml"), reviews).unwrap();
    Part {
        name: name.to_owned(),
        ledger: ledger.unwrap(),
        reviews: reviews
            .iter()
            .map(|entry| {
                let verifies =
                    entry.review.signature.as_deref().is_some_and(|it| it.starts_with("good"));
                (entry, verifies)
            })
            .collect(),
        certificates: BTreeMap::from([("keys/a.asc".to_owned(), name.as_bytes().to_vec())]),
    }
}

fn review(file: &str, digit: char, author: &str, signature: &str) -> String {
    format!(
        "[[review]]\nproject = \"a\"\nversion = \"1.0\"\nfiles = [\"sha256:{} {file}\"]\n\
         criteria = [\"safe-to-run\"]\nhow = \"full\"\nauthor = \"{author}\"\non = 2026-11-22\n\
         signature = \"{signature}\"\n\n",
        digit.to_string().repeat(64)
    )
}

fn violation(project: &str, digit: char, reason: &str) -> String {
    format!(
        "\n[[violation]]\nproject = \"{project}\"\nfiles = [\"sha256:{} a-1.0.zip\"]\non = 2026-11-22\nreason = \"{reason}\"\n",
        digit.to_string().repeat(64)
    )
}

fn key(author: &str, key: &str) -> String {
    format!("\n[[key]]\nauthor = \"{author}\"\nkey = \"{key}\"\n")
}

fn criteria(description: &str) -> String {
    format!(
        "\n[[criteria]]\nname = \"crypto\"\ndescription = \"{description}\"\nimplies = [\"safe-to-run\"]\n"
    )
}

fn codes(parts: &[Part]) -> Vec<&'static str> {
    let joined = aggregate("all", parts).unwrap();
    joined.contradictions.iter().map(|it| it.kind.code()).collect()
}

/// The joined ledger as text, and everything that was said of it.
fn shown(parts: &[Part]) -> String {
    let joined = aggregate("all", parts).unwrap();
    let said: Vec<String> = joined
        .contradictions
        .iter()
        .map(|it| format!("{} {} {:?}", it.kind, it.message, it.places))
        .collect();
    format!("{}\n{}\n{said:?}\n{:?}", joined.ledger.write(), write(&joined.reviews), joined.notes)
}

#[test]
fn what_is_joined_can_be_read_and_has_everything_of_everybody() {
    let one = part(
        "one",
        &format!("{}{}", key("x@example.org", "k1"), criteria("d")),
        &review("a-1.0.zip", 'a', "x@example.org", "good 1"),
    );
    let two = part(
        "two",
        &format!("{}{}", key("y@example.org", "k2"), violation("b", 'b', "bad")),
        &review("a-1.0.tar.gz", 'c', "y@example.org", "bad"),
    );
    let joined = aggregate("example.org/all", &[one, two]).unwrap();
    assert_eq!(joined.contradictions, []);
    let ledger = Ledger::parse("l", joined.ledger.write().as_bytes()).unwrap();
    assert_eq!((ledger.keys.len(), ledger.violations.len(), ledger.descriptions.len()), (2, 1, 1));
    let text = write(&joined.reviews);
    assert_eq!(ReviewFile::parse("r", text.as_str()).unwrap().len(), 2);
    assert!(text.contains("signature = \"good 1\""), "signatures stay");
    assert_eq!(joined.notes.len(), 1, "one that verifies for nobody is said: {:?}", joined.notes);
    assert!(aggregate("none", &[]).is_none());
}

#[test]
fn a_signature_that_verifies_is_not_pushed_out_by_one_that_does_not() {
    let one = part("one", "", &review("a-1.0.zip", 'a', "x@example.org", "AAA"));
    let two = part("two", "", &review("a-1.0.zip", 'a', "x@example.org", "good"));
    for parts in [[one.clone(), two.clone()], [two, one]] {
        let joined = aggregate("all", &parts).unwrap();
        assert_eq!(joined.reviews.len(), 1);
        assert_eq!(joined.reviews[0].signature.as_deref(), Some("good"));
    }
}

#[test]
fn every_contradiction_is_named_and_what_agrees_is_none() {
    let x = "x@example.org";
    let good = review("a-1.0.zip", 'a', x, "good");
    let check = |one: (&str, &str), two: (&str, &str), expect: &[&str]| {
        let parts = [part("one", one.0, one.1), part("two", two.0, two.1)];
        assert_eq!(codes(&parts), expect, "{one:?} {two:?}");
    };
    check(("", &good), ("", &good), &[]);
    check(("", &good), (&violation("a", 'a', "bad"), ""), &["reviewed-and-bad"]);
    check(("", &good), (&violation("a", 'b', "bad"), ""), &["one-name"]);
    check((&key(x, "k1"), ""), (&key(x, "k2"), ""), &["author-keys"]);
    check((&key(x, "k1"), ""), (&format!("{}{}", key(x, "k2"), key(x, "k1")), ""), &[]);
    check((&key(x, "k1"), ""), (&key("z@example.org", "k1"), ""), &["key-authors"]);
    check((&key(x, "k1"), ""), (&key("X@example.org", "k2"), ""), &["author-spelling"]);
    check((&criteria("d"), ""), (&criteria("d"), ""), &[]);
    check((&criteria("d"), ""), (&criteria("other"), ""), &["criterion-meaning"]);
    check(
        (&criteria("d"), ""),
        (&criteria("d").replace("[\"safe-to-run\"]", "[]"), ""),
        &["criterion-meaning"],
    );
    check(("", &good), ("", &review("a-1.0.tar.gz", 'a', x, "good")), &["one-digest"]);
    check(("", &good), (&violation("b", 'a', "bad"), ""), &["reviewed-and-bad", "one-digest"]);
    check(("", &good), ("", &review("A-1.0.zip", 'b', x, "good")), &["one-name"]);
    check(("", &good), ("", &review("a-1.0.tar.gz", 'b', x, "good")), &[]);
}

#[test]
fn a_criterion_implies_only_what_everybody_says() {
    let two = criteria("e").replace("[\"safe-to-run\"]", "[]");
    let joined =
        aggregate("all", &[part("one", &criteria("d"), ""), part("two", &two, "")]).unwrap();
    let crypto = CriterionName::parse("crypto").unwrap();
    assert_eq!(joined.ledger.criteria.implied(&crypto).count(), 1, "itself");
    assert_eq!(joined.ledger.descriptions[&crypto], "d / or: e");
}

#[test]
fn certificates_come_along_under_names_of_their_bytes() {
    let with =
        "\n[[key]]\nauthor = \"x@example.org\"\nkey = \"openpgp:00\"\nfile = \"keys/a.asc\"\n";
    let joined = aggregate(
        "all",
        &[part("one", with, ""), part("two", &with.replace("00", "11").replace("x@", "y@"), "")],
    )
    .unwrap();
    assert_eq!(joined.certificates.len(), 2, "the same path in two ledgers is two files");
    for key in &joined.ledger.keys {
        assert!(joined.certificates.contains_key(key.file.as_ref().unwrap()));
    }
}

fn ledgers() -> impl Strategy<Value = Vec<Part>> {
    let sections = prop_oneof![
        (0..3usize, 0..3usize)
            .prop_map(|(author, one)| (0, key(["x", "y", "X"][author], &format!("k{one}")))),
        (0..2usize, 0..3usize).prop_map(|(project, digit)| (
            0,
            violation(["a", "b"][project], ['a', 'b', 'c'][digit], "bad")
        )),
        (0..2usize).prop_map(|one| (0, criteria(["d", "e"][one]))),
        (0..3usize, 0..3usize, 0..2usize, 0..3usize).prop_map(
            |(file, digit, author, signature)| {
                let file = ["a-1.0.zip", "A-1.0.zip", "a-1.0.tar.gz"][file];
                (
                    1,
                    review(
                        file,
                        ['a', 'b', 'c'][digit],
                        ["x", "y"][author],
                        ["good", "bad", "good 2"][signature],
                    ),
                )
            }
        ),
    ];
    let ledger = prop::collection::vec(sections, 0..6).prop_map(|sections| {
        let mut texts = [String::new(), String::new()];
        for (file, text) in sections {
            // A ledger has each key, criterion and review once.
            let parses = |texts: &[String; 2]| {
                Ledger::parse("l", format!("{HEAD}{}", texts[0]).as_bytes()).is_ok()
                    && ReviewFile::parse("r", texts[1].as_str()).is_ok()
            };
            let before = texts.clone();
            texts[file].push_str(&text);
            if !parses(&texts) {
                texts = before;
            }
        }
        texts
    });
    prop::collection::vec(ledger, 1..5).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(number, [ledger, reviews])| part(&format!("part{number}"), &ledger, &reviews))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_ledgers_makes_no_difference(parts in ledgers(), turn in 0..5usize) {
        let mut turned = parts.clone();
        turned.rotate_left(turn % parts.len());
        prop_assert_eq!(shown(&parts), shown(&turned));
        turned.reverse();
        prop_assert_eq!(shown(&parts), shown(&turned));
        // Joined ledgers can be read, and joining them again adds nothing.
        let joined = aggregate("all", &parts).unwrap();
        let text = joined.ledger.write();
        let again = Part {
            name: "again".to_owned(),
            ledger: Ledger::parse("l", text.as_bytes()).unwrap(),
            reviews: ReviewFile::parse("r", write(&joined.reviews)).unwrap().iter().map(|it| (it, true)).collect(),
            certificates: joined.certificates,
        };
        prop_assert_eq!(aggregate("all", &[again]).unwrap().ledger.write(), text);
        // Nobody's review and no violation is lost.
        let ids: BTreeSet<StatementId> = parts.iter().flat_map(|it| &it.reviews).map(|(it, _)| it.id).collect();
        prop_assert_eq!(ids, joined.reviews.iter().map(StatementId::of).collect());
        let bad = |ledger: &Ledger| -> BTreeSet<Sha256> {
            ledger.violations.iter().flat_map(|it| &it.files).map(|it| it.digest).collect()
        };
        let all: BTreeSet<Sha256> = parts.iter().flat_map(|it| bad(&it.ledger)).collect();
        prop_assert_eq!(all, bad(&joined.ledger));
    }
}
