//! The table `[policy.ledger]`, and what no exception lets pass.

use super::super::rule::fixture::{Owned, not_met, now, policy};
use super::super::{LedgerAnswer, LedgerMode, LedgerPolicy, Section, Verdict};
use super::mistakes;

fn of(body: &str) -> LedgerPolicy {
    policy(body).ledger().clone()
}

fn answered(answer: Option<LedgerAnswer>) -> Owned {
    Owned::good("teapot", "1.3").with(|it| it.ledger = answer)
}

fn violation() -> LedgerAnswer {
    LedgerAnswer::Violation { message: "teapot 1.3 is known to be bad: steals tea".to_owned() }
}

const ALLOWED: &str = "allow = [{ rule = 'ledger', project = 'teapot', because = 'x', until = \
                       2027-01-01 }]\n";

#[test]
fn a_word_and_a_table_say_the_same() {
    assert_eq!(of(""), LedgerPolicy::default());
    assert_eq!(of("[policy]\nledger = 'off'\n").mode, LedgerMode::Off);
    for (word, mode) in [("warn", LedgerMode::Warn), ("require", LedgerMode::Require)] {
        let said = of(&format!("[policy]\nledger = '{word}'\n"));
        assert_eq!(said, of(&format!("[policy.ledger]\nmode = '{word}'\n")));
        assert_eq!(said.mode, mode);
    }
    let full = of("[policy.ledger]\nmode = 'warn'\nfolder = '../team'\ncriteria = ['a', 'b']\n");
    assert_eq!(full.folder.as_deref(), Some("../team"));
    assert_eq!(full.criteria, ["a", "b"]);
}

#[test]
fn mistakes_in_it_are_told_at_their_places() {
    let check = |text: &str, expect: &[&str]| {
        assert_eq!(mistakes(text, Section::File), expect, "{text}");
    };
    check(
        "[policy]\nledger = 'refuse'\n",
        &["2:10 unknown-word: `refuse` is not what a ledger can decide | did you mean `require`?"],
    );
    check(
        "[policy]\nledger = true\n",
        &["2:10 invalid-value: `ledger` must be a text in quotes, found true or false"],
    );
    check(
        "[policy.ledger]\nfolder = 'x'\n",
        &[
            "1:1 missing-key: `mode` is missing from [policy.ledger] | write mode = \"require\", or \
           \"warn\" to be told only",
        ],
    );
    check(
        "[policy.ledger]\nmode = 'warn'\nfolders = 'x'\nfolder = ' '\ncriteria = []\n",
        &[
            "3:1 unknown-key: `folders` is not a key of [policy.ledger] | did you mean `folder`?",
            "4:10 invalid-value: `folder` is empty",
            "5:12 invalid-value: `criteria` lists none, so that every file would pass | write criteria \
             = [\"safe-to-deploy\"], or leave the key out",
        ],
    );
    check(
        "[policy.ledger]\nmode = 'warn'\ncriteria = ['a', 'a']\n",
        &["3:18 listed-twice: `a` is listed already | it is at line 3, column 13"],
    );
}

#[test]
fn off_asks_nobody() {
    for answer in [None, Some(not_met()), Some(violation())] {
        let owned = answered(answer);
        assert_eq!(policy("[policy]\nledger = 'off'\n").check(&owned.subject(), now()), []);
    }
}

#[test]
fn warn_tells_and_refuses_nothing_but_what_is_known_to_be_bad() {
    let warns = policy("[policy]\nledger = 'warn'\n");
    let check = |answer: Option<LedgerAnswer>| {
        let owned = answered(answer);
        warns.check(&owned.subject(), now())
    };
    assert_eq!(check(Some(LedgerAnswer::Met)), []);
    assert!(matches!(check(Some(not_met())).as_slice(), [Verdict::Warned(_)]));
    assert!(matches!(check(None).as_slice(), [Verdict::Warned(_)]));
    assert!(matches!(check(Some(violation())).as_slice(), [Verdict::Rejected(_)]));
    let excepted = policy(&format!("[policy]\nledger = 'warn'\n{ALLOWED}"));
    let owned = answered(Some(not_met()));
    let verdicts = excepted.check(&owned.subject(), now());
    assert!(matches!(verdicts.as_slice(), [Verdict::Excepted(..)]));
}

#[test]
fn nothing_overrides_a_violation() {
    for mode in ["warn", "require"] {
        let policy = policy(&format!("[policy]\nledger = '{mode}'\n{ALLOWED}"));
        let owned = answered(Some(violation()));
        let verdicts = policy.check(&owned.subject(), now());
        let [Verdict::Rejected(refusal)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert_eq!(refusal.allow, "", "there is no line to paste");
        assert_eq!(refusal.message, "teapot 1.3 is known to be bad: steals tea");
        // The exception lets nothing pass, so that it is needed for nothing.
        assert_eq!(policy.unused(&[owned.subject()], now()).len(), 1);
        // The same exception lets a lack of reviews pass.
        let owned = answered(Some(not_met()));
        let verdicts = policy.check(&owned.subject(), now());
        assert!(matches!(verdicts.as_slice(), [Verdict::Excepted(..)]), "{verdicts:?}");
        assert_eq!(policy.unused(&[owned.subject()], now()).len(), 0);
    }
}

#[test]
fn what_could_not_be_decided_is_no_yes() {
    let requires = policy("[policy]\nledger = 'require'\n");
    let message = "the file of teapot 1.3 is not named".to_owned();
    let owned = answered(Some(LedgerAnswer::Undecided { message }));
    let verdicts = requires.check(&owned.subject(), now());
    let [Verdict::Undecided(refusal)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert!(refusal.allow.contains("rule = \"ledger\""), "{}", refusal.allow);
    let without = requires.without_ledger();
    assert_eq!(without.check(&owned.subject(), now()), []);
}

#[test]
fn the_recommended_policy_asks_the_ledger_where_there_is_one() {
    let without = policy(super::super::Policy::recommended());
    assert_eq!(without.ledger().mode, LedgerMode::Off);
    let with = policy(&super::super::Policy::recommended_with_ledger());
    assert_eq!(with.ledger().mode, LedgerMode::Require);
    assert_eq!(with.clone().without_ledger(), without);
}
