//! The table `[policy.log]` and the exceptions from what a log finds.

use countermark_tlog::note::{KeyType, SignerKey};

use super::*;
use crate::log::policy::{DEFAULT_MAXIMUM_AGE, LogRule, Mode};

fn vkey(name: &str, kind: KeyType, seed: u8) -> String {
    SignerKey::from_seed(name, kind, &[seed; 32]).unwrap().verifier().to_string()
}

fn log_key(seed: u8) -> String {
    vkey("log.example.org", KeyType::Ed25519, seed)
}

fn witness(seed: u8) -> String {
    vkey(&format!("witness.example.org/{seed}"), KeyType::Cosignature, seed)
}

/// A policy with these lines below `[policy.log]`.
fn log(lines: &str) -> LogPolicy {
    policy(&format!("[policy.log]\n{lines}\n")).log().clone()
}

#[test]
fn without_a_table_no_log_is_asked_and_with_one_it_warns() {
    let none = Policy::default();
    assert!(!none.log().is_on() && none.log().origin().is_none());
    let lines = format!("url = 'https://log.example.org/a'\nkey = '{}'", log_key(1));
    let found = log(&lines);
    assert_eq!((found.mode, found.is_on()), (Mode::Warn, true));
    assert_eq!(found.url.as_ref().unwrap().as_str(), "https://log.example.org/a/");
    assert_eq!(found.origin(), Some("log.example.org"));
    assert_eq!((found.witnesses.len(), found.quorum), (0, 0));
    assert_eq!(found.maximum_age, Some(DEFAULT_MAXIMUM_AGE));
    for mode in [Mode::Off, Mode::Warn, Mode::Require] {
        assert_eq!(log(&format!("mode = '{}'\n{lines}", mode.name())).mode, mode);
    }
    // What is off needs nothing else.
    assert_eq!(log("mode = 'off'").mode, Mode::Off);
    let text = format!("[tool.countermark.policy.log]\n{lines}\n");
    let pyproject = Policy::parse("p", text.as_bytes(), Section::Pyproject).unwrap();
    assert_eq!(*pyproject.log(), found);
}

#[test]
fn every_key_of_the_table_is_read() {
    let found = log(&format!(
        "mode = 'require'\nurl = 'http://127.0.0.1:8080'\nwitnesses = ['{}', '{}', '{}']\n\
         maximum-age = '1 day'\nprivate = ['acme-*', 'Secret_Tool']\n\
         public-indexes = ['https://mirror.example.org/simple/']\n\
         [[policy.log.keys]]\nkey = '{}'\nuntil = 2026-11-22\n\
         [[policy.log.keys]]\nkey = '{}'\nfrom = 2026-11-20\n",
        witness(1),
        witness(2),
        witness(3),
        log_key(1),
        log_key(2),
    ));
    assert_eq!((found.witnesses.len(), found.quorum), (3, 2));
    assert_eq!(found.maximum_age, Some(SignedDuration::from_hours(24)));
    let counting = |time: &str| -> Vec<bool> {
        found.keys.iter().map(|key| key.counts(time.parse().unwrap())).collect()
    };
    assert_eq!(counting("2026-11-19T23:59:59Z"), [true, false]);
    assert_eq!(counting("2026-11-20T00:00:00Z"), [true, true]);
    assert_eq!(counting("2026-11-22T23:59:59Z"), [true, true]);
    assert_eq!(counting("2026-11-23T00:00:00Z"), [false, true]);
    let may_ask = |name: &str, is_public| found.may_ask(&name.parse().unwrap(), is_public);
    assert!(may_ask("flask", true) && !may_ask("flask", false));
    assert!(!may_ask("acme-web", true) && !may_ask("Acme.Web", true) && may_ask("acme", true));
    assert!(!may_ask("secret-tool", true));
    assert!(found.is_public_index("https://mirror.example.org/simple"));
    assert!(!found.is_public_index("https://mirror.example.org/other"));
}

#[test]
fn every_mistake_in_the_table_is_told_at_its_place() {
    let (first, second) = (log_key(1), log_key(2));
    let (one, two) = (witness(1), witness(2));
    let other = vkey("other.example.org", KeyType::Ed25519, 1);
    let renamed = vkey("again.example.org", KeyType::Cosignature, 1);
    let base = format!("url = 'https://log.example.org/'\nkey = '{first}'\n");
    let check = |lines: &str, expect: &[&str]| {
        let found = mistakes(&format!("[policy.log]\n{lines}\n"), Section::File);
        assert_eq!(found, expect, "{lines}");
    };
    let more = |lines: &str, expect: &str| check(&format!("{base}{lines}"), &[expect]);
    check(
        "",
        &[
            "1:1 missing-key: `url` is missing from [policy.log] | write where the log is: https://log.example.org/",
            "1:1 missing-key: `key` is missing from [policy.log] | write the line that the operator publishes: name+number+base64",
        ],
    );
    more(
        "mode = 'on'",
        "4:8 unknown-word: `on` is not what a log can decide | it is one of `off`, `warn`, `require`",
    );
    more(
        "quorums = 1",
        "4:1 unknown-key: `quorums` is not a key of [policy.log] | did you mean `quorum`?",
    );
    more(
        "quorum = 1",
        "4:10 invalid-value: `quorum` is there without `witnesses` | list the keys of the witnesses, or take it out",
    );
    for (quorum, found) in [("0", "0"), ("3", "3")] {
        more(
            &format!("witnesses = ['{one}', '{two}']\nquorum = {quorum}"),
            &format!(
                "5:10 invalid-value: `quorum` must be a whole number from 1 to 2, found {found}"
            ),
        );
    }
    more(
        "maximum-age = '7'",
        "4:15 invalid-value: `maximum-age` must be a number of hours, days or weeks up to 3650 days, found `7` | write maximum-age = \"7 days\", or leave the key out",
    );
    more(
        "private = ['*']",
        "4:12 bad-name: `*` is neither a name of a project nor the beginning of names | write \"acme-web\" or \"acme-*\"; mode = \"off\" asks about no name",
    );
    more(
        "private = ['a-b', 'a_b']",
        "4:19 listed-twice: `a_b` is listed already in another spelling",
    );
    more(
        "public-indexes = ['example.org']",
        "4:19 invalid-value: this is not the address of an index | write the whole address: https://packages.example.org/simple/",
    );
    more(
        &format!("witnesses = ['{first}']"),
        "4:14 invalid-value: `log.example.org` is the key of a log, not of a witness | ask the witness for the key of its cosignatures, which has the type 4",
    );
    more(
        &format!("witnesses = ['{one}', '{renamed}']"),
        &format!(
            "4:{} listed-twice: the key of this witness is listed already in another spelling",
            18 + one.len()
        ),
    );
    more(
        &format!("keys = [{{ key = '{second}' }}]"),
        "4:1 invalid-value: `key` and `keys` are both there | write all keys into `keys`",
    );
    let url = |url: &str, expect: &str| {
        let hint = "write the whole address: https://log.example.org/";
        check(
            &format!("url = '{url}'\nkey = '{first}'"),
            &[&format!("2:7 invalid-value: {expect} | {hint}")],
        );
    };
    url("log.example.org", "this is not the address of a log");
    url("file:///srv/log", "this is not the address of a log");
    url("ftp://log.example.org/", "the address of a log begins with https:// or http://");
    url(
        "https://me:hidden@log.example.org/",
        "the address of a log has no name and no password in it",
    );
    url("https://log.example.org/?a", "the address of a log has no `?` and no `#` in it");
    let key = |lines: &str, expect: &str| {
        check(&format!("url = 'https://log.example.org/'\n{lines}"), &[expect]);
    };
    let hint = "write the line that the operator publishes: name+number+base64";
    key(
        "key = 'x'",
        &format!(
            "3:7 invalid-value: expected a key of the form `<name>+<number>+<base64>` | {hint}"
        ),
    );
    key(
        &format!("key = '{one}'"),
        "3:7 invalid-value: `witness.example.org/1` is the key of a witness, not of a log | the key of a log has the type 1; witnesses stand in `witnesses`",
    );
    let damaged = first.replacen("log.", "lag.", 1);
    let found = mistakes(
        &format!("[policy.log]\nurl = 'https://a.example.org'\nkey = '{damaged}'\n"),
        Section::File,
    );
    assert!(
        found[0].starts_with("3:7 invalid-value: the key's number does not fit its name"),
        "{found:?}"
    );
    // The secret half of a key is refused and not repeated.
    let secret = SignerKey::from_seed("log.example.org", KeyType::Ed25519, &[1; 32]).unwrap();
    let found = mistakes(
        &format!(
            "[policy.log]\nurl = 'https://a.example.org'\nkey = '{}'\n",
            secret.to_secret_text()
        ),
        Section::File,
    );
    assert!(found.len() == 1 && !found[0].contains("PRIVATE"), "{found:?}");
    key("keys = []", "3:8 invalid-value: `keys` lists no key");
    key(
        "keys = [{ from = 2026-01-01 }]",
        &format!("3:9 missing-key: `key` is missing from [[policy.log.keys]] | {hint}"),
    );
    key(
        &format!("keys = [{{ key = '{first}', from = 2026-02-01, until = 2026-01-01 }}]"),
        &format!(
            "3:{} invalid-value: `until` is before `from`, which is 2026-02-01",
            9 + first.len() + 39
        ),
    );
    key(
        &format!("keys = [{{ key = '{first}' }}, {{ key = '{first}' }}]"),
        &format!(
            "3:{} listed-twice: this key is listed already in another spelling",
            31 + first.len()
        ),
    );
    key(
        &format!("keys = [{{ key = '{first}' }}, {{ key = '{other}' }}]"),
        &format!(
            "3:{} invalid-value: this is a key of `other.example.org`, not of `log.example.org` | all keys of a log have its name; another log has another name",
            31 + first.len()
        ),
    );
    let many = vec![format!("'{one}'"); 65];
    let found = mistakes(
        &format!("[policy.log]\n{base}witnesses = [{}]\n", many.join(", ")),
        Section::File,
    );
    assert!(found.iter().all(|it| it.contains("is listed already")), "{found:?}");
}

#[test]
fn keys_that_are_known_by_name_only_do_not_count_for_the_quorum() {
    let name = "witness.example.org/later";
    let public = [7; 1312];
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        [&[6][..], &public].concat(),
    );
    // The number follows from name and key; the refusal names it.
    let error = countermark_tlog::note::VerifierKey::parse(&format!("{name}+00000000+{encoded}"));
    let message = error.unwrap_err().to_string();
    let id = message.rsplit('`').nth(1).unwrap();
    let lines = format!(
        "url = 'https://log.example.org/'\nkey = '{}'\nwitnesses = ['{name}+{id}+{encoded}', '{}']",
        log_key(1),
        witness(1)
    );
    assert_eq!((log(&lines).witnesses.len(), log(&lines).quorum), (2, 1));
    let found = mistakes(&format!("[policy.log]\n{lines}\nquorum = 2\n"), Section::File);
    assert_eq!(found, ["5:10 invalid-value: `quorum` must be a whole number from 1 to 1, found 2"]);
}

#[test]
fn what_a_log_finds_has_exceptions_like_any_rule() {
    for rule in LogRule::ALL {
        let owned = Owned::good("teapot", "1.3");
        let said = |allow: &str, at: &str| {
            let policy = policy(&format!("[policy]\nallow = [\n{allow}\n]\n"));
            let message = "it was found".to_owned();
            let verdict =
                policy.judge_log(rule, &owned.subject(), message, "found", at.parse().unwrap());
            (verdict, policy)
        };
        let today = now().to_string();
        let (Verdict::Rejected(refusal), _) = said("", &today) else { panic!("{rule:?}") };
        assert_eq!((refusal.rule, refusal.message.as_str()), (rule.code(), "it was found"));
        let (verdict, policy) = said(&refusal.allow, &today);
        let Verdict::Excepted(_, why) = verdict else { panic!("{verdict:?}") };
        assert!(why.starts_with("found, until 2026-12-"), "{why}");
        // Whether a log needs it is not known where none was asked.
        assert_eq!(policy.unused(&[], now()), Vec::<&Exception>::new());
        let other = LogRule::ALL.into_iter().find(|it| *it != rule).unwrap();
        for wrong in [
            refusal.allow.replace(rule.code(), other.code()),
            refusal.allow.replace("teapot", "kettle"),
            refusal.allow.replace("1.3", "1.4"),
        ] {
            assert_eq!(said(&wrong, &today).0, Verdict::Rejected(refusal.clone()), "{wrong}");
        }
        let (Verdict::Rejected(ended), _) = said(&refusal.allow, "2027-06-01T00:00:00Z") else {
            panic!("{rule:?}")
        };
        assert!(
            ended.message.contains("; the exception at countermark.toml:3:10 ended with"),
            "{ended:?}"
        );
    }
}
