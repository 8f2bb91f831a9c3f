//! Every rule with its cases, exceptions with their dates, and every mistake in a policy.

mod ledger;
mod log;

use std::collections::BTreeSet;

use countermark_packaging::simple::StatusMarker;
use jiff::ToSpan as _;

use super::rule::fixture::{Case, Owned, cases, now, policy};
use super::rule::{Evidence, RULES};
use super::*;

fn text(case: &Case, allow: &str) -> String {
    let allow = if allow.is_empty() { String::new() } else { format!("allow = [\n{allow}\n]\n") };
    format!("[policy]\n{allow}{}\n", case.policy)
}

/// What the rule of a case says.
fn said(case: &Case, allow: &str, owned: &Owned) -> Vec<Verdict> {
    let policy = policy(&text(case, allow));
    let mut verdicts = policy.check(&owned.subject(), now());
    verdicts.retain(|verdict| match verdict {
        Verdict::Accepted => true,
        Verdict::Excepted(it, _)
        | Verdict::Warned(it)
        | Verdict::Rejected(it)
        | Verdict::Undecided(it) => it.rule == case.rule,
    });
    verdicts
}

#[test]
fn every_rule_has_its_cases_and_its_document() {
    let cases: Vec<&str> = cases().iter().map(|case| case.rule).collect();
    let unique: BTreeSet<&str> = cases.iter().copied().collect();
    assert_eq!(cases.len(), unique.len());
    assert_eq!(unique, RULES.iter().map(|rule| rule.code()).collect::<BTreeSet<_>>());
    for rule in RULES {
        let document = rule.document();
        for part in [document.title, document.what, document.why, document.stops] {
            assert!(part.len() > 10 && !part.contains("  "), "{}: {part:?}", rule.code());
        }
        let example = if document.example.starts_with('[') { "" } else { "[policy]\n" };
        let policy = policy(&format!("{example}{}", document.example));
        assert!(rule.is_active(&policy), "the example of {}", rule.code());
        assert!(policy.needs(rule.needs()) && policy.file() == Some("countermark.toml"));
        assert!(std::ptr::addr_eq(super::rule::find(rule.code()).unwrap(), *rule));
    }
}

#[test]
fn every_rule_accepts_rejects_and_does_not_know() {
    for case in cases() {
        assert_eq!(said(&case, "", &case.accepted), [], "{}", case.rule);
        let found = said(&case, "", &case.rejected);
        let [Verdict::Rejected(refusal)] = found.as_slice() else { panic!("{found:#?}") };
        let [message, allow] = case.says;
        assert_eq!(refusal.message, message);
        assert!(refusal.allow.contains(allow), "{}", refusal.allow);
        // Where the policy does not ask, nothing is refused.
        let silent = policy("[policy]\nquarantined = 'allow'\n");
        assert_eq!(silent.check(&case.rejected.subject(), now()), [], "{}", case.rule);
        assert_eq!(silent.active().count(), 0);
        if let Some((owned, expect)) = &case.undecided {
            let found = said(&case, "", owned);
            let [Verdict::Undecided(refusal)] = found.as_slice() else { panic!("{found:#?}") };
            assert!(refusal.message.starts_with(expect), "{}", refusal.message);
        }
    }
}

#[test]
fn the_line_of_a_refusal_lets_it_pass_as_it_is() {
    for case in cases() {
        let mut owned = vec![&case.rejected];
        owned.extend(case.undecided.as_ref().map(|(owned, _)| owned));
        for owned in owned {
            let found = said(&case, "", owned);
            let [Verdict::Rejected(refusal) | Verdict::Undecided(refusal)] = found.as_slice()
            else {
                panic!("{found:#?}")
            };
            assert!(!refusal.allow.contains('\n'));
            let after = said(&case, &refusal.allow, owned);
            let [Verdict::Excepted(same, why)] = after.as_slice() else { panic!("{after:#?}") };
            assert_eq!(same, refusal);
            assert!(why.contains("until 2026-1"), "{why}");
            // Twice in the list it is as good as once; another project or rule it does not help.
            let doubled = format!("{0}\n{0}", refusal.allow);
            assert_eq!(said(&case, &doubled, owned), after);
            for other in [
                refusal.allow.replacen(owned.project.as_str(), "other", 1),
                refusal.allow.replacen(
                    case.rule,
                    if case.rule == "yanked" { "archived" } else { "yanked" },
                    1,
                ),
                refusal.allow.replace("version = \"1.3\"", "version = \"1.4\""),
            ] {
                if other != refusal.allow {
                    assert_eq!(said(&case, &other, owned), found, "{other}");
                }
            }
        }
    }
}

#[test]
fn an_exception_ends_with_its_day_and_that_is_said() {
    let line = "{ rule = 'yanked', project = 'tea*', because = 'known', until = 2026-11-20 },";
    let policy = policy(&format!("[policy]\nyanked = 'refuse'\nallow = [\n{line}\n]\n"));
    let owned = Owned::good("teapot", "1.3").with(|it| it.yanked = Some(String::new()));
    let at = |text: &str| policy.check(&owned.subject(), text.parse().unwrap());
    let excepted = at("2026-11-20T23:59:59Z");
    let [Verdict::Excepted(_, why)] = excepted.as_slice() else { panic!("{excepted:#?}") };
    assert_eq!(why, "known, until 2026-11-20");
    let ended = at("2026-11-21T00:00:00Z");
    let [Verdict::Rejected(refusal)] = ended.as_slice() else { panic!("{ended:#?}") };
    assert_eq!(
        refusal.message,
        "teapot 1.3 was withdrawn by its authors; yanked without a reason; the exception at \
         countermark.toml:4:10 ended with 2026-11-20"
    );
    assert_eq!(policy.expired(now()).count(), 1);
    assert_eq!(policy.expired(now() - 48.hours()).count(), 0);
}

#[test]
fn exceptions_that_nobody_needs_are_named() {
    let policy = policy(
        "[policy]\nyanked = 'refuse'\nallow = [\n\
         { rule = 'yanked', project = 'teapot', because = 'a', until = 2027-01-01 },\n\
         { rule = 'yanked', project = 'teapot', version = '9', because = 'b', until = 2027-01-01 },\n\
         { rule = 'archived', project = 'teapot', because = 'c', until = 2027-01-01 },\n\
         { rule = 'yanked', project = 'kettle', because = 'd', until = 2026-01-01 },\n]\n",
    );
    let yanked = Owned::good("teapot", "1.3").with(|it| it.yanked = Some("x".into()));
    let unused = policy.unused(&[yanked.subject()], now());
    let reasons: Vec<&str> = unused.iter().map(|it| it.because.as_str()).collect();
    assert_eq!(reasons, ["b", "c"]);
    let good = Owned::good("teapot", "1.3");
    assert_eq!(policy.unused(&[good.subject()], now()).len(), 3);
}

#[test]
fn a_pin_that_stands_and_one_that_is_new_bring_nothing_to_compare() {
    for case in cases().into_iter().filter(|case| case.rule.starts_with("new-")) {
        let (unknown, _) = case.undecided.clone().unwrap();
        assert_eq!(said(&case, "", &unknown.clone().with(|it| it.is_new = true)), []);
        assert_eq!(said(&case, "", &unknown.with(|it| it.has_moved = false)), []);
    }
}

#[test]
fn the_default_refuses_quarantine_only() {
    let active: Vec<&str> = Policy::default().active().map(Rule::code).collect();
    assert_eq!(active, ["quarantined"]);
    for text in ["", "index-url = 'https://index.example.org/'\n[policies]\nx = 1\n"] {
        assert_eq!(policy(text), Policy::default());
    }
    let pyproject = |text: &str| Policy::parse("p", text.as_bytes(), Section::Pyproject).unwrap();
    assert_eq!(pyproject("[policy]\nyanked = 'refuse'\n"), Policy::default());
    assert_eq!(pyproject("[tool.other]\nx = 1\n"), Policy::default());
    let found = pyproject("[tool.countermark.policy]\nyanked = 'refuse'\n");
    assert_eq!(found.active().map(Rule::code).collect::<Vec<_>>(), ["quarantined", "yanked"]);
    let written = "[tool.countermark]\n[[tool.countermark.policy.allow]]\nrule = 'yanked'\n\
                   project = 'x'\nbecause = 'y'\nuntil = 2027-01-01\n";
    assert_eq!(pyproject(written).exceptions().len(), 1);
}

#[test]
fn the_recommended_policy_loads_with_and_without_its_comments() {
    let recommended = policy(Policy::recommended());
    let active: Vec<&str> = recommended.active().map(Rule::code).collect();
    assert_eq!(
        active,
        [
            "minimum-age",
            "quarantined",
            "yanked",
            "two-indexes",
            "look-alikes",
            "source-packages",
            "new-pth",
            "new-native-code",
            "new-opaque",
        ]
    );
    assert!(recommended.needs(Evidence::Contents));
    assert!(
        !recommended.clone().without_minimum_age().active().any(|it| it.code() == "minimum-age")
    );
    // Every line that is commented out is one that loads.
    let all: String = Policy::recommended()
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(line) if line.contains(" = ") || line.starts_with('[') => format!("{line}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(policy(&all).active().count(), RULES.len());
}

#[test]
fn of_several_lines_the_most_precise_says_where_a_name_comes_from() {
    let policy = policy(
        "[policy]\ntwo-indexes = 'refuse'\n[policy.indexes]\n'*' = 'https://all.example.org/'\n\
         'acme-*' = ['https://one.example.org/', 'https://two.example.org/simple']\n\
         'Acme_Web' = ['file:///srv/wheels']\n",
    );
    let check = |project: &str, index: &str, expect: bool| {
        let owned = Owned::good(project, "1").with(|it| it.index = Some(index.into()));
        assert_eq!(policy.check(&owned.subject(), now()).is_empty(), expect, "{project} {index}");
    };
    check("other", "https://all.example.org", true);
    check("other", "http://all.example.org", false);
    check("other", "https://all.example.org:8443", false);
    check("other", "https://me:secret@all.example.org/#x", true);
    check("acme-core", "https://two.example.org/simple/", true);
    check("acme-core", "https://all.example.org/", false);
    check("acme-web", "file:///srv/wheels/", true);
    check("acme-web", "https://one.example.org/", false);
    let direct = |url: &str, expect: bool| {
        let owned = Owned::good("acme-core", "1").with(|it| {
            it.index = None;
            it.direct = Some(url.into());
        });
        assert_eq!(policy.check(&owned.subject(), now()).is_empty(), expect, "{url}");
    };
    direct("https://two.example.org/simple/acme/acme-1-py3-none-any.whl", true);
    direct("https://two.example.org/simple-evil/acme-1-py3-none-any.whl", false);
    direct("https://two.example.org/simple/../acme-1-py3-none-any.whl", false);
    direct("https://two.example.org/simple/%2e%2e/acme-1-py3-none-any.whl", false);
    direct("https://all.example.org/acme-1-py3-none-any.whl", false);
    direct("wheels/acme-1-py3-none-any.whl", false);
    // A line of its own binds a name; the line for all others does not.
    let both = |project: &str, index: &str, expect: usize| {
        let owned = Owned::good(project, "1").with(|it| {
            it.index = Some(index.into());
            it.also_on = Some(vec!["https://third.example.org/".into()]);
        });
        assert_eq!(policy.check(&owned.subject(), now()).len(), expect, "{project}");
    };
    both("acme-core", "https://one.example.org/", 0);
    both("other", "https://all.example.org/", 1);
}

#[test]
fn messages_show_no_credentials() {
    let case = cases().into_iter().find(|case| case.rule == "indexes").unwrap();
    let url = "https://me:hidden@other.example.org/simple/".to_owned();
    for owned in [
        case.rejected.clone().with(|it| it.index = Some(url.clone())),
        case.rejected.clone().with(|it| it.direct = Some(url.clone())),
    ] {
        let found = format!("{:?}", said(&case, "", &owned));
        assert!(found.contains("other.example.org") && !found.contains("hidden"), "{found}");
    }
    let errors = Policy::parse(
        "f",
        b"[policy.indexes]\nx = 'ftp://me:hidden@example.org/'\n",
        Section::File,
    );
    assert!(!format!("{errors:?}").contains("hidden"));
    let policy = policy("[policy.indexes]\nx = 'https://me:hidden@example.org/'\n");
    assert!(!format!("{policy:?}").contains("hidden"));
}

/// A line a mistake: `line:column code: message | hint`.
fn mistakes(text: &str, section: Section) -> Vec<String> {
    let errors = Policy::parse("f", text.as_bytes(), section).err().unwrap_or_default();
    errors
        .into_iter()
        .map(|error| {
            let hint = error.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
            let place = error.place;
            format!("{}:{} {}: {}{hint}", place.line, place.column, error.code, error.message)
        })
        .collect()
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let found = mistakes(include_str!("tests/mistakes.toml"), Section::File);
    let expect: Vec<&str> = include_str!("tests/mistakes.txt").lines().collect();
    assert_eq!(found, expect, "{}", found.join("\n"));
    let broken = mistakes("[policy]\nyanked = 'refuse\n", Section::File);
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(broken[0].starts_with("2:"), "{broken:?}");
    let not_a_table = mistakes("policy = 1\n", Section::File);
    assert_eq!(
        not_a_table,
        [
            "1:10 invalid-value: `policy` must be a table, found a number | write [policy] above its keys"
        ]
    );
    let pyproject = mistakes("[tool.countermark.policy]\nyankd = 'refuse'\n", Section::Pyproject);
    assert_eq!(
        pyproject,
        [
            "2:1 unknown-key: `yankd` is not a key of [tool.countermark.policy] | did you mean `yanked`?"
        ]
    );
}

#[test]
fn an_exception_without_any_of_its_parts_does_not_load() {
    let parts = ["rule = 'yanked'", "project = 'x'", "because = 'y'", "until = 2027-01-01"];
    let load = |parts: &[&str]| {
        mistakes(&format!("[policy]\nallow = [{{ {} }}]\n", parts.join(", ")), Section::File)
    };
    assert_eq!(load(&parts), [""; 0]);
    for left_out in 0..parts.len() {
        let mut parts = parts.to_vec();
        let part = parts.remove(left_out);
        let found = load(&parts);
        let key = part.split(' ').next().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&format!("missing-key: `{key}` is missing")), "{found:?}");
    }
}

#[test]
fn ages_are_shown_as_people_say_them() {
    let check = |text: &str, expect: &str| {
        let policy = policy(&format!("[policy]\nminimum-age = '{text}'\n"));
        assert_eq!(show_age(policy.minimum_age().unwrap()), expect);
    };
    check("7 days", "7 days");
    check("1d", "1 day");
    check("36 hours", "36 hours");
    check("2weeks", "14 days");
    let short = SignedDuration::from_secs(150);
    assert_eq!(show_age(short), "2 minutes");
    assert_eq!(show_age(-short), "0 minutes");
    for refused in ["", "7", "days", "7 months", "-1 days", "0 days", "3651 days", "7 days ago"] {
        let text = format!("[policy]\nminimum-age = '{refused}'\n");
        assert_eq!(mistakes(&text, Section::File).len(), 1, "{refused}");
    }
}

#[test]
fn an_index_with_a_status_of_its_own_is_heard() {
    let policy = policy("[policy]\narchived = 'refuse'\n");
    let owned = Owned::good("x", "1").with(|it| it.status = Some(StatusMarker::Deprecated));
    let found = policy.check(&owned.subject(), now());
    let [Verdict::Rejected(refusal)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(refusal.message, "the index says that x is deprecated");
    // What a URL names has no status, and that is not an open question.
    let direct = Owned::good("x", "1").with(|it| {
        it.direct = Some("https://example.org/x-1-py3-none-any.whl".into());
        it.status = None;
    });
    assert_eq!(policy.check(&direct.subject(), now()), []);
}
