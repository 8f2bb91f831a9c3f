//! Every mistake with its code, line, column, message and hint.

use std::collections::BTreeSet;

use countermark_packaging::lock::codes::{ENCODING, TOO_LARGE};
use countermark_packaging::table::MOST_MISTAKES;
use jiff::civil::date;

use super::*;
use crate::federation::{CustodyState, Thresholds};

const RULES: &[&str] = &["rogue-release", "stranger-role"];

/// A line a mistake: `line:column code: message | hint`.
fn mistakes(text: &str) -> Vec<String> {
    let errors = parse_with("federation.toml", text, RULES).err().unwrap_or_default();
    errors
        .into_iter()
        .map(|error| {
            assert_eq!(error.place.file, "federation.toml");
            let hint = error.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
            let (line, column) = (error.place.line, error.place.column);
            format!("{line}:{column} {}: {}{hint}", error.code, error.message)
        })
        .collect()
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    assert_eq!(mistakes(text), expect, "{text}");
}

fn good(text: &str) -> Federation {
    match parse_with("federation.toml", text, RULES) {
        Ok(federation) => federation,
        Err(errors) => panic!("{text}\n{errors:?}"),
    }
}

#[test]
fn unknown_keys_and_wrong_types() {
    check(
        "[federatoin]\n\
         name = 'x'\n",
        &[
            "1:2 unknown-key: `federatoin` is not a key of a federation.toml | did you mean `federation`?",
        ],
    );
    check(
        "[accounts]\n\
         ownrs = ['a']\n\
         zzz = 1\n",
        &[
            "2:1 unknown-key: `ownrs` is not a key of [accounts] | did you mean `owners`?",
            "3:1 unknown-key: `zzz` is not a key of [accounts] | the keys are `release`, `owners`, `maintainers`, `organization`, `exception`",
        ],
    );
    check(
        "[federation]\n\
         name = 3\n\
         contact = ['a']\n",
        &[
            "2:8 invalid-value: `name` must be a text in quotes, found a number",
            "3:11 invalid-value: `contact` must be a text in quotes, found a list",
        ],
    );
    check(
        "federation = 'x'\n",
        &[
            "1:14 invalid-value: `federation` must be a table, found a text | write [federation] above its keys",
        ],
    );
    check(
        "[records]\n\
         path = 'x'\n",
        &[
            "1:1 invalid-value: `records` must be a list of tables, found a table | write [[records]], with two brackets, above each of them",
        ],
    );
    check(
        "[[accounts]]\n\
         owners = ['x']\n",
        &[
            "1:1 invalid-value: `accounts` must be a table, found a list | write [accounts] above its keys",
        ],
    );
    check(
        "[projects]\n\
         names = 'a'\n\
         exclude = [1, 'b']\n",
        &[
            "2:9 invalid-value: `names` must be a list of names of projects, found a text | write names = [\"a\"]",
            "3:12 invalid-value: `exclude` must be a text in quotes, found a number",
        ],
    );
}

#[test]
fn names_that_are_one_name() {
    check(
        "[projects]\n\
         names = ['a_b', 'Ä', 'A-B', '-x', 'ok']\n\
         exclude = ['ok', 'A.B']\n",
        &[
            "2:17 bad-name: `Ä` contains 'Ä'; only ASCII letters, digits, `.`, `-` and `_` are allowed",
            "2:22 listed-twice: `A-B` is listed already, as `a-b` | it is at line 2, column 10",
            "2:29 bad-name: `-x` must begin and end with an ASCII letter or digit",
            "3:12 named-and-excluded: `ok` is both named and left out | `names` has it at line 2; take it out of one of them",
            "3:18 named-and-excluded: `a-b` is both named and left out | `names` has it at line 2; take it out of one of them",
        ],
    );
}

#[test]
fn custody() {
    check(
        "[[custody]]\n\
         project = 'x'\n\
         state = 'gone'\n\
         on = 2024-02-30\n\
         reason = 'r'\n",
        &[
            "3:9 unknown-word: `gone` is not a state of custody | it is one of `ours`, `theirs`, `left`, `relinquished`, `shared`, `retired`, `never-ours`",
            "4:6 bad-date: `on` must be a day of the calendar, found 2024-02-30 | write year-month-day: 2027-06-30",
        ],
    );
    check(
        "[[custody]]\n\
         project = 'x'\n\
         state = 'ours'\n\
         on = '2024-2-3'\n\
         reason = ' '\n",
        &[
            "4:6 bad-date: `on` must be a day of the calendar, found '2024-2-3' | write year-month-day: 2027-06-30",
            "5:10 invalid-value: `reason` is empty",
        ],
    );
    check(
        "[[custody]]\n\
         project = 'x'\n\
         state = 'retird'\n\
         on = 2024-01-01T10:00:00Z\n\
         reason = 'x'\n",
        &[
            "3:9 unknown-word: `retird` is not a state of custody | did you mean `retired`?",
            "4:6 bad-date: `on` must be a day without a time of day, found 2024-01-01T10:00:00Z | write year-month-day: 2027-06-30",
        ],
    );
    check(
        "[[custody]]\n",
        &[
            "1:1 missing-key: `project` is missing from [[custody]] | write the name of the project",
            "1:1 missing-key: `state` is missing from [[custody]] | it is one of `ours`, `theirs`, `left`, `relinquished`, `shared`, `retired`, `never-ours`",
            "1:1 missing-key: `reason` is missing from [[custody]] | write why, for whoever reads it in a year",
        ],
    );
    check(
        "[[custody]]\n\
         project='A.b'\n\
         state='ours'\n\
         reason='r'\n\
         [[custody]]\n\
         project='a-B'\n\
         state='theirs'\n\
         reason='r'\n\
         [[custody]]\n\
         project='a-b'\n\
         on=2020-01-01\n\
         state='theirs'\n\
         reason='r'\n\
         [[custody]]\n\
         project='a-b'\n\
         on='2020-01-01'\n\
         state='theirs'\n\
         reason='r'\n",
        &[
            "6:9 custody-conflict: a second fact about the custody of `a-b` without a day | the first is at line 2; a later fact needs a later day: on = …",
            "15:9 custody-conflict: a second fact about the custody of `a-b` on 2020-01-01 | the first is at line 10; a later fact needs a later day: on = …",
        ],
    );
}

#[test]
fn acceptances_and_kept_roles() {
    check(
        "[[accept]]\n\
         rule = 'rogue-relase'\n",
        &[
            "1:1 missing-key: `approved-by` is missing from [[accept]] | write the name of the person who decided it",
            "1:1 missing-key: `reason` is missing from [[accept]] | write why, for whoever reads it in a year",
            "1:1 missing-key: `expires` is missing from [[accept]] | write the last day on which it counts, such as 2027-06-30",
            "2:8 unknown-rule: `rogue-relase` is not the code of a rule | did you mean `rogue-release`?",
        ],
    );
    check(
        "[[accept]]\n\
         rule = 'rogue-release'\n\
         approved-by = 'TODO'\n\
         reason = 'TODO: why'\n\
         expires = 'soon'\n",
        &[
            "3:15 placeholder: `approved-by` still has to be written | write the name of the person who decided it",
            "4:10 placeholder: `reason` still has to be written | write why, for whoever reads it in a year",
            "5:11 bad-date: `expires` must be a day of the calendar, found 'soon' | write year-month-day: 2027-06-30",
        ],
    );
    check(
        "[[accept]]\n\
         rule = 'zzz'\n\
         approved_by = 'x'\n\
         reason = 'y'\n\
         expires = next year\n",
        &[
            "2:8 unknown-rule: `zzz` is not the code of a rule | the rules are `rogue-release`, `stranger-role`",
            "3:1 unknown-key: `approved_by` is not a key of [[accept]] | did you mean `approved-by`?",
            "5:11 syntax: string values must be quoted, expected literal string",
        ],
    );
    check(
        "[[keep]]\n\
         project='x'\n\
         account='a b'\n\
         role='ownr'\n\
         approved-by='x'\n\
         reason='y'\n\
         expires=2027-01-01\n",
        &[
            "3:9 invalid-value: `a b` in `account` is not the name of an account",
            "4:6 unknown-word: `ownr` is not a role | did you mean `owner`?",
        ],
    );
}

#[test]
fn services_and_thresholds() {
    check(
        "[[service]]\n\
         name='x'\n\
         kind='forg'\n\
         holders='me'\n",
        &[
            "3:6 unknown-word: `forg` is not a kind of services | did you mean `forge`?",
            "4:9 invalid-value: `holders` must be a list of texts, found a text | write holders = [\"me\"]",
        ],
    );
    check(
        "[thresholds]\n\
         late-hours = -1\n\
         departure-days = '3'\n\
         days-before-approval=1.5\n",
        &[
            "2:14 invalid-value: `late-hours` must be a whole number from 0 to 100000, found -1",
            "3:18 invalid-value: `departure-days` must be a whole number from 0 to 100000, found a text",
            "4:22 invalid-value: `days-before-approval` must be a whole number from 0 to 100000, found a number with a fraction",
        ],
    );
}

#[test]
fn records() {
    check(
        "[[records]]\n\
         kind='git-tag'\n\
         path='x'\n\
         url='https://example.org'\n\
         [[records]]\n\
         kind='forge'\n\
         [[records]]\n\
         kind='forge'\n\
         ptah='x'\n\
         pth='x'\n\
         [[records]]\n\
         kind='forge'\n\
         url='ftp://x'\n\
         [[records]]\n\
         kind='forge'\n\
         url='https://u:p@x/'\n\
         Tag_Prefix='x'\n\
         other=[1]\n",
        &[
            "2:6 unknown-word: `git-tag` is not a kind of records | did you mean `git-tags`?",
            "4:5 invalid-value: records are at a path or at a url, not at both",
            "5:1 missing-key: `path` or `url` is missing from [[records]] | write where they are: a folder or file beside this one, or an address",
            "7:1 missing-key: `path` or `url` is missing from [[records]] | did you mean `path` where you wrote `ptah`?",
            "13:5 invalid-value: `url` must begin with https:// or http:// and a host",
            "16:5 invalid-value: `url` must not hold a user or password | they are taken from the environment or from netrc",
            "17:1 invalid-value: `Tag_Prefix` is not the name of a setting | settings are written in lower case with hyphens: tag-prefix",
            "18:7 invalid-value: `other` must be a text in quotes, found a list",
        ],
    );
}

#[test]
fn accounts_of_people_who_left() {
    check(
        "[people.alice]\n\
         left = 2024-01-01\n\
         accounts=['al','AL']\n\
         [people.bob]\n\
         accounts=['Al', 'bob']\n\
         [people.cleo]\n\
         accounts=['bob']\n\
         left = 2024-02-01\n\
         [people.dan]\n\
         accounts=['shared']\n\
         left = 2024-03-01\n\
         [people.eve]\n\
         accounts=['Shared']\n\
         left = 2024-02-01\n\
         [accounts]\n\
         owners=['AL', 'bob', 'SHARED']\n\
         [people.\"x y\"]\n",
        &[
            "3:16 listed-twice: `AL` is listed already | it is at line 3, column 11",
            "16:22 account-conflict: `SHARED` is expected among `owners`, and `dan` left on 2024-03-01 | `left` is at line 11; take the account out, or that day",
            "17:9 invalid-value: `x y` in `people` is not the name of an account",
        ],
    );
    check(
        "[accounts]\n\
         owners=['alice']\n\
         [[accounts.exception]]\n\
         reason='x'\n\
         [[accounts.exception]]\n\
         projects=['x']\n\
         maintainers=['ALICE']\n\
         [people.alice]\n\
         left=2020-02-02\n",
        &[
            "2:9 account-conflict: `alice` is expected among `owners`, and `alice` left on 2020-02-02 | `left` is at line 9; take the account out, or that day",
            "3:1 missing-key: `projects` is missing from [[accounts.exception]] | write for which it is: projects = [\"…\"] or teams = [\"…\"]",
            "3:1 missing-key: `owners` is missing from [[accounts.exception]] | write who is expected there: owners = [\"…\"] or maintainers = [\"…\"]",
            "7:14 account-conflict: `ALICE` is expected among `maintainers`, and `alice` left on 2020-02-02 | `left` is at line 9; take the account out, or that day",
        ],
    );
}

#[test]
fn broken_syntax_hides_no_other_mistake() {
    check(
        "a = \n\
         [federation]\n\
         name = \"x\n\
         foo = 3\n",
        &[
            "1:5 syntax: string values must be quoted, expected literal string",
            "3:10 syntax: invalid basic string, expected `\"`",
            "4:1 unknown-key: `foo` is not a key of [federation] | the keys are `name`, `contact`",
        ],
    );
    check(
        "[federation]\n\
         name = 'x'\n\
         name = 'y'\n",
        &["3:1 syntax: duplicate key"],
    );
}

#[test]
fn texts_that_deceive() {
    check(
        "[federation]\n\
         name = \"a\\u202eb\"\n",
        &["2:8 control-character: `name` contains '\\u{202e}'"],
    );
}

#[test]
fn places_in_files_of_other_systems() {
    check(
        "[federation]\n\
         name = \"\"\"a\r\n\
         b\"\"\"\r\n\
         foo=3\r\n",
        &["4:1 unknown-key: `foo` is not a key of [federation] | the keys are `name`, `contact`"],
    );
    check(
        "\u{feff}[federation]\n\
         foo=3\n",
        &["2:1 unknown-key: `foo` is not a key of [federation] | the keys are `name`, `contact`"],
    );
    check(
        "[federation]\n\
         \"\" = 3\n\
         'ä' = 1\n\
         name='ä' # ä\n",
        &[
            "2:1 unknown-key: `` is not a key of [federation] | the keys are `name`, `contact`",
            "3:1 unknown-key: `ä` is not a key of [federation] | the keys are `name`, `contact`",
        ],
    );
}

#[test]
fn nothing_is_a_federation_of_which_nothing_is_known() {
    assert_eq!(good(""), Federation::default());
    assert_eq!(good("[federation]\n[projects]\n[accounts]\n[thresholds]\n"), Federation::default());
}

#[test]
fn what_is_written_is_what_is_read() {
    let federation = good(
        "[federation]\nname = 'Teapots'\n\
         [projects]\nnames = ['Tea.Pot']\nexclude = ['tea-cup']\n\
         [accounts]\nrelease = ['Robot']\nowners = []\n\
         [[accounts.exception]]\nteams = ['docs']\nmaintainers = []\n\
         [people.ada]\nteams = ['docs']\nleft = 2024-02-29\n\
         [[custody]]\nproject = 'Samovar'\nstate = 'relinquished'\non = '2020-01-31'\nreason = 'r'\n\
         [[accept]]\nrule = 'rogue-release'\nversions = ['1.0']\nfiles = ['a-1.0.tar.gz']\n\
         approved-by = 'ada'\nreason = 'r'\nexpires = 2027-06-30\n\
         [[keep]]\nproject = 'Tea_Pot'\naccount = 'Bob'\nrole = 'owner'\n\
         approved-by = 'ada'\nreason = 'r'\nexpires = 2027-06-30\n\
         [[records]]\nkind = 'git-tags'\npath = '../x'\nproject = 'Tea_Pot'\ntag-prefix = 'v'\n\
         official = false\nlimit-mib = 1_024\ndate = 2026-01-01\n\
         [[service]]\nname = 'index'\nkind = 'index'\nholders = ['ada']\n\
         [thresholds]\nlate-hours = 1_0\ndeparture-days = 0x10\n",
    );
    let name = |text: &str| ProjectName::parse(text).unwrap();
    let set = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(federation.name.as_deref(), Some("Teapots"));
    assert_eq!(federation.names, BTreeSet::from([name("tea-pot")]));
    assert_eq!(federation.excluded, BTreeSet::from([name("tea-cup")]));
    assert_eq!(federation.accounts.release, set(&["Robot"]));
    let exception = &federation.accounts.exceptions[0];
    assert_eq!((&exception.owners, &exception.maintainers), (&None, &Some(set(&[]))));
    assert_eq!(federation.people["ada"].left, Some(date(2024, 2, 29)));
    let fact = &federation.custody[0];
    assert_eq!((fact.state, fact.on), (CustodyState::Theirs, Some(date(2020, 1, 31))));
    assert_eq!(fact.place.to_string(), "federation.toml:15:1");
    let acceptance = &federation.accepted[0];
    assert_eq!(acceptance.place.to_string(), "federation.toml:21:8");
    assert_eq!((acceptance.expires, acceptance.project.as_ref()), (date(2027, 6, 30), None));
    let kept = &federation.kept[0];
    assert_eq!((kept.project.as_str(), kept.account.as_str()), ("tea-pot", "Bob"));
    assert_eq!(kept.role.as_deref(), Some("Owner"));
    let records = &federation.records[0];
    let settings: Vec<(&str, &str)> =
        records.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let expected =
        [("date", "2026-01-01"), ("limit-mib", "1024"), ("official", "false"), ("tag-prefix", "v")];
    assert_eq!(settings, expected);
    assert_eq!(federation.services[0].holders, ["ada"]);
    let thresholds = Thresholds { late_hours: 10, departure_days: 16, ..Thresholds::default() };
    assert_eq!(federation.thresholds, thresholds);
}

#[test]
fn custody_of_one_name_may_change_from_day_to_day() {
    let fact = |state: &str, on: &str| {
        format!("[[custody]]\nproject = 'x'\nstate = '{state}'\nreason = 'r'\n{on}\n")
    };
    let text =
        [fact("ours", ""), fact("shared", "on = 2020-01-01"), fact("theirs", "on = 2021-01-01")]
            .concat();
    let federation = good(&text);
    let on = |day| federation.custody_on(&ProjectName::parse("x").unwrap(), day).unwrap().state;
    assert_eq!(on(date(2019, 12, 31)), CustodyState::Ours);
    assert_eq!(on(date(2020, 1, 1)), CustodyState::Shared);
    assert_eq!(on(date(2021, 1, 1)), CustodyState::Theirs);
}

#[test]
fn too_much_and_no_text_are_refused() {
    let long = format!("#{}", " ".repeat(MAXIMUM_SIZE - 1));
    assert_eq!(parse("f", &long), Ok(Federation::default()));
    let code = |result: Result<Federation, Vec<SourceError>>| {
        result.unwrap_err().iter().map(|error| (error.code, error.place.line)).collect::<Vec<_>>()
    };
    assert_eq!(code(parse("f", &format!("{long} "))), [(TOO_LARGE, 1)]);
    assert_eq!(code(parse_bytes("f", b"a\n[\xff]")), [(ENCODING, 2)]);
    assert_eq!(code(parse_bytes("f", &vec![0xff; MAXIMUM_SIZE + 1])), [(TOO_LARGE, 1)]);
    assert_eq!(parse_bytes("f", b""), Ok(Federation::default()));
}

#[test]
fn too_many_and_too_long_mistakes_are_cut() {
    let keys: String = (0..MOST_MISTAKES + 50).map(|number| format!("k{number} = 1\n")).collect();
    let found = mistakes(&keys);
    assert_eq!(found.len(), MOST_MISTAKES + 1);
    assert!(
        found
            .iter()
            .any(|it| it.ends_with("too-large: there are more mistakes than the 200 shown"))
    );
    let long = "x".repeat(MAXIMUM_SIZE - 20);
    let found = mistakes(&format!("{long} = 1"));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("1:1 unknown-key: `xxx") && found[0].len() < 700,
        "{}",
        found[0].len()
    );
    let found = mistakes(&format!("projects = {{names='{}'}}", &long[..1 << 19]));
    assert!(found[0].ends_with("found a text | write names = [\"…\"]"));
    // All on one line: each place counts its columns.
    let line = format!("custody = [{}]", "{project='x'},".repeat(60_000));
    assert_eq!(mistakes(&line).len(), MOST_MISTAKES + 1);
    let broken = "a = \n".repeat(100_000);
    assert!(mistakes(&broken).len() <= 2 * MOST_MISTAKES + 1);
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../examples/federation/federation.toml");

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever is typed into a file, every mistake has a place in it, in their order.
        #[test]
        fn every_mistake_has_its_place(
            at in 0..EXAMPLE.len(),
            length in 0..80usize,
            typed in r#"[\[\]\n="'a-z0-9# .\\{}\u{202e}é]{0,12}"#,
        ) {
            let (Some(before), Some(after)) =
                (EXAMPLE.get(..at), EXAMPLE.get((at + length).min(EXAMPLE.len())..))
            else {
                return Ok(());
            };
            let text = format!("{before}{typed}{after}");
            let errors = parse("f", &text).err().unwrap_or_default();
            for error in &errors {
                prop_assert!(text.get(error.place.span.clone()).is_some(), "{error:?}");
                let line = text.lines().nth(error.place.line as usize - 1).unwrap_or_default();
                prop_assert!(error.place.column as usize <= line.chars().count() + 1, "{error:?}");
                prop_assert!(!error.message.is_empty() && !error.message.ends_with('.'));
            }
            let starts: Vec<usize> = errors.iter().map(|error| error.place.span.start).collect();
            prop_assert!(starts.is_sorted());
        }
    }
}
