//! Keys in their days, k of n witnesses, ages, and what was seen before.

use countermark_tlog::hash::leaf_hash;
use countermark_tlog::proof::{prove_consistency, prove_prefix};
use jiff::{SignedDuration, ToSpan as _};

use super::*;
use crate::Class;
use crate::log::head::Head;
use crate::log::proofs;

fn at(policy: &LogPolicy, note: &str) -> Result<Head, Refused> {
    Head::open(policy, note.as_bytes(), now())
}

fn code(found: Result<Head, Refused>) -> &'static str {
    found.map_or_else(|refused| refused.code(), |_| "good")
}

/// A checkpoint of a tree of three.
fn three() -> Checkpoint {
    checkpoint(3, MemoryNodes::of(["a", "b", "c"]).root())
}

#[test]
fn a_key_counts_on_its_days_and_another_may_sign_beside_it() {
    let mut policy = policy();
    let day = |text: &str| Some(text.parse().unwrap());
    policy.keys[0].until = day("2026-11-22");
    let vkey = log_key(2).verifier().clone();
    policy.keys.push(LogKey { vkey, from: day("2026-11-20"), until: None });
    let check = |keys: &[u8], time: &str, expect: &str| {
        let head = Head::open(&policy, note(three(), keys, &[]).as_bytes(), time.parse().unwrap());
        assert_eq!(code(head), expect, "{keys:?} at {time}");
    };
    for (time, first, second) in [
        ("2026-11-19T23:59:59Z", "good", "log-bad-signature"),
        ("2026-11-21T00:00:00Z", "good", "good"),
        ("2026-11-23T00:00:00Z", "log-bad-signature", "good"),
    ] {
        check(&[1], time, first);
        check(&[2], time, second);
        check(&[1, 2], time, "good");
        check(&[2, 1], time, "good");
        check(&[3], time, "log-bad-signature");
        check(&[3, 1, 2], time, "good");
    }
    let refused = Head::open(
        &policy,
        note(three(), &[1], &[]).as_bytes(),
        "2026-11-23T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the checkpoint of `log.example.org` is signed by a key that does not count on 2026-11-23"
    );
}

#[test]
fn another_log_is_refused_whoever_signed() {
    let other = Checkpoint::new("other.example.org", 3, *three().root()).unwrap();
    let refused = at(&policy(), &note(other, &[1], &[])).unwrap_err();
    assert_eq!(refused.code(), "log-bad-checkpoint");
    assert!(
        refused.to_string().contains("expected a checkpoint of `log.example.org`"),
        "{refused}"
    );
    let note = note(three(), &[1], &[]).replace("log.example.org\n3\n", "log.example.org\n03\n");
    assert_eq!(code(at(&policy(), &note)), "log-bad-signature");
}

#[test]
fn each_witness_counts_once_and_strangers_never() {
    let check = |quorum: usize, cosigned: &[(u8, i64)], expect: &str| {
        let found = at(&with_witnesses(3, quorum), &note(three(), &[1], cosigned));
        assert_eq!(code(found), expect, "{quorum} of {cosigned:?}");
    };
    check(1, &[], "log-too-few-witnesses");
    check(1, &[(1, 0)], "good");
    check(1, &[(4, 0)], "log-too-few-witnesses");
    check(2, &[(1, 0), (4, 0)], "log-too-few-witnesses");
    check(2, &[(1, 0), (1, -5)], "log-too-few-witnesses");
    check(2, &[(3, 0), (1, 0)], "good");
    check(3, &[(3, 0), (1, 0), (2, 0)], "good");
    // A copy of a line is the same witness.
    let text = note(three(), &[1], &[(1, 0)]);
    let line = text.lines().last().unwrap();
    assert_eq!(
        code(at(&with_witnesses(3, 2), &format!("{text}{line}\n"))),
        "log-too-few-witnesses"
    );
    // A known witness with a wrong signature condemns the whole note.
    let of_other = note(checkpoint(3, leaf_hash(b"x")), &[1], &[(2, 0)]);
    let line = of_other.lines().last().unwrap();
    let refused = at(&with_witnesses(3, 1), &format!("{text}{line}\n")).unwrap_err();
    assert_eq!(refused.code(), "log-bad-signature");
    assert!(refused.to_string().contains("`witness.example.org/2` does not fit"), "{refused}");
}

#[test]
fn the_age_is_that_of_as_many_witnesses_as_the_policy_asks_for() {
    let day = 86_400;
    let check = |quorum: usize, cosigned: &[(u8, i64)], expect: &str| {
        let policy = LogPolicy {
            maximum_age: Some(SignedDuration::from_secs(day)),
            ..with_witnesses(3, quorum)
        };
        // What the log says itself is not asked where there are witnesses.
        let note = note(three().with_time(seconds(-100 * day)), &[1], cosigned);
        assert_eq!(code(at(&policy, &note)), expect, "{quorum} of {cosigned:?}");
    };
    check(1, &[(1, -day)], "good");
    check(1, &[(1, -day - 1)], "log-stale");
    // One witness alone cannot make a checkpoint younger than the others say.
    check(2, &[(1, 0), (2, -day - 1)], "log-stale");
    check(2, &[(1, 0), (2, -day - 1), (3, -day)], "good");
    check(3, &[(1, 0), (2, -day - 1), (3, -day)], "log-stale");
    // The clock of one may be wrong; then the others have to suffice.
    check(1, &[(1, 300)], "good");
    check(1, &[(1, 301)], "log-from-future");
    check(1, &[(1, 301), (2, 0)], "good");
    check(2, &[(1, 301), (2, 0)], "log-from-future");
    check(2, &[(1, 301)], "log-too-few-witnesses");
    check(1, &[(1, i64::from(u32::MAX) * 100)], "log-from-future");
}

#[test]
fn without_witnesses_the_log_says_its_age_itself() {
    let policy = LogPolicy { maximum_age: Some(SignedDuration::from_secs(60)), ..policy() };
    let check = |checkpoint: Checkpoint, expect: &str| {
        let head = at(&policy, &note(checkpoint, &[1], &[]));
        assert_eq!(code(head), expect);
    };
    check(three().with_time(seconds(0)), "good");
    check(three().with_time(seconds(-60)), "good");
    check(three().with_time(seconds(-61)), "log-stale");
    check(three().with_time(seconds(300)), "good");
    check(three().with_time(seconds(301)), "log-from-future");
    check(three().with_time(i64::MAX as u64), "log-from-future");
    check(three(), "log-stale");
    check(three().with_extension("time soon").unwrap(), "log-stale");
    let unlimited = LogPolicy { maximum_age: None, ..policy.clone() };
    assert_eq!(code(at(&unlimited, &note(three(), &[1], &[]))), "good");
}

#[test]
fn a_proof_is_judged_by_the_day_of_its_checkpoint() {
    let texts = texts(1, 1);
    let tree = MemoryNodes::of(&texts);
    let extra = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &texts[0]);
    let mut policy = with_witnesses(1, 1);
    policy.maximum_age = Some(SignedDuration::from_secs(60));
    policy.keys[0].until = Some("2026-11-22".parse().unwrap());
    let year = now() + (365 * 24).hours();
    let check = |offset: i64, expect: &str| {
        let note = note(checkpoint(1, tree.root()), &[1], &[(1, offset)]);
        let text = format!("c2sp.org/tlog-proof@v1\nextra {extra}\nindex 0\n\n{note}");
        let found = proofs::verify(&policy, text.as_bytes(), year);
        let found = found.map_or_else(|refused| refused.code(), |_| "good");
        assert_eq!(found, expect, "{offset}");
        // An answer with the same checkpoint would be too old, or signed too late.
        assert_ne!(code(Head::open(&policy, note.as_bytes(), year)), "good");
    };
    check(0, "good");
    check(86_400, "log-bad-signature");
    check(2 * 365 * 86_400, "log-from-future");
}

#[test]
fn what_was_seen_before_has_to_be_continued() {
    let entries: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let tree = MemoryNodes::of(&entries);
    let head_of = |size: usize| {
        let part = MemoryNodes::of(&entries[..size]);
        at(&policy(), &note(checkpoint(size as u64, part.root()), &[1], &[])).unwrap()
    };
    for before in 0..=20_usize {
        let seen = head_of(before).to_seen();
        for after in 0..=20_usize {
            let head = head_of(after);
            let follows = |proof: &[Hash]| head.check_follows(&policy(), Some(&seen), proof, now());
            if after < before {
                let refused = follows(&[]).unwrap_err();
                assert_eq!(refused.code(), "log-rolled-back", "{before} {after}");
                continue;
            }
            // Both forms of the proof, with and without the root of the smaller tree.
            let (before, after) = (before as u64, after as u64);
            let proof = prove_prefix(before, after, &tree).unwrap();
            let short = prove_consistency(before, after, &tree).unwrap();
            assert!(follows(&proof).is_ok() && follows(&short).is_ok(), "{before} {after}");
            for changed in 0..short.len() {
                let mut proof = short.clone();
                proof[changed] = leaf_hash(b"other");
                let refused = follows(&proof).unwrap_err();
                assert_eq!(refused.code(), "log-bad-proof", "{before} {after} {changed}");
                assert_eq!(refused.class(), Class::Rejected);
            }
            let long: Vec<Hash> = proof.iter().copied().chain([leaf_hash(b"more")]).collect();
            assert_eq!(follows(&long).unwrap_err().code(), "log-bad-proof", "{before} {after}");
        }
    }
}

#[test]
fn a_log_that_went_back_is_convicted_when_it_says_that_this_is_later() {
    let policy = policy();
    let at = |size: u64, time: u64| {
        note(checkpoint(size, leaf_hash(b"root")).with_time(time), &[1], &[])
    };
    let then = seconds(0);
    let check = |smaller: &str, larger: &str| {
        let head = Head::open(&policy, smaller.as_bytes(), now()).unwrap();
        let refused = head.check_follows(&policy, Some(&seen(larger)), &[], now()).unwrap_err();
        assert_eq!(refused.code(), "log-rolled-back");
        let kinds: Vec<_> = refused.evidence().iter().map(|it| it.kind().name()).collect();
        (refused.class(), kinds)
    };
    // An old checkpoint, which anybody can show again.
    assert_eq!(check(&at(4, then - 60), &at(5, then - 30)), (Class::Rejected, vec![]));
    assert_eq!(check(&at(4, then - 30), &at(5, then - 30)), (Class::Rejected, vec![]));
    assert_eq!(check(&at(4, then), &at(5, then - 30)), (Class::Alarm, vec!["rolled-back"]));
}

#[test]
fn another_tree_that_nobody_known_signed_convicts_nobody() {
    let remembered = note(checkpoint(3, leaf_hash(b"other")), &[9], &[]);
    let head = at(&policy(), &note(three(), &[1], &[])).unwrap();
    let refused = head.check_follows(&policy(), Some(&seen(&remembered)), &[], now()).unwrap_err();
    assert_eq!((refused.code(), refused.class()), ("log-bad-proof", Class::Rejected));
    assert!(refused.to_string().contains("another tree than what is remembered"), "{refused}");
    // Signed by a key whose days are over, it is a fork all the same.
    let mut policy = policy();
    let vkey = log_key(9).verifier().clone();
    policy.keys.push(LogKey { vkey, from: None, until: Some("2026-01-01".parse().unwrap()) });
    let refused = head.check_follows(&policy, Some(&seen(&remembered)), &[], now()).unwrap_err();
    assert_eq!((refused.code(), refused.class()), ("log-fork", Class::Alarm));
}

#[test]
fn what_is_remembered_is_read_or_refused() {
    let text = note(three(), &[1], &[(1, 0)]);
    assert_eq!(seen(&text).text(), text);
    let check = |origin: &str, text: &str, expect: &str| {
        let error = Seen::parse(origin, text.as_bytes()).unwrap_err();
        assert_eq!(error.class(), Class::Unavailable);
        assert!(error.to_string().starts_with(expect), "{error}");
    };
    check("a.org", &text, "what is remembered of `a.org` is a checkpoint of `log.example.org`");
    check(ORIGIN, "", "the checkpoint that is remembered of `log.example.org` cannot be read: ");
    check(ORIGIN, &text.replace("\n3\n", "\n\n"), "the checkpoint that is remembered of");
}
