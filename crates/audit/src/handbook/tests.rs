use countermark_packaging::name::ProjectName;

use super::*;
use crate::federation::parse::parse_with;
use crate::rule::RULES;

fn federation(text: &str) -> Federation {
    parse_with("federation.toml", text, &["rogue-release"]).unwrap_or_else(|it| panic!("{it:#?}"))
}

fn finding(rule: &'static str, severity: Severity) -> Finding {
    Finding::new(rule, severity, &ProjectName::parse("teapot").unwrap(), "something is odd")
}

/// A federation of which everything is known.
const COMPLETE: &str = "\
[federation]
name = 'Tea_Things'
contact = 'help@tea.example.org'
[[records]]
kind = 'table'
path = 'releases.csv'
[accounts]
release = ['robot']
owners = ['robot', 'ada-tea']
[people.ada]
name = 'Ada Okafor'
accounts = ['ada-tea']
contact = 'ada@tea.example.org'
[people.bo]
contact = 'bo@tea.example.org'
[people.cy]
left = 2024-03-31
[[service]]
name = 'the index'
kind = 'index'
account = 'robot'
holders = ['ada', 'bo']
[[service]]
name = 'the forge'
kind = 'forge'
holders = ['Ada Okafor', 'bo']
";

#[test]
fn a_complete_file_leaves_no_gap() {
    let federation = federation(COMPLETE);
    assert_eq!(gaps(&federation), []);
    let page = render(&federation);
    assert!(page.starts_with("# Handbook of Tea\\_Things\n"));
    assert!(
        page.ends_with("## 9. Not written down yet\n\nNothing that this page needs.\n"),
        "{page}"
    );
    assert!(!page.contains("not written down"));
    for (number, title) in SECTIONS.iter().enumerate() {
        assert!(page.contains(&format!("\n## {}. {title}\n\n", number + 1)), "{title}");
    }
}

/// Each key that is taken away is missed, by its name.
#[test]
fn what_is_not_written_is_asked_for() {
    let check = |from: &str, to: &str, expect: &[(&str, &str)]| {
        assert!(COMPLETE.contains(from), "{from}");
        let gaps = gaps(&federation(&COMPLETE.replacen(from, to, 1)));
        let gaps: Vec<(&str, &str)> =
            gaps.iter().map(|gap| (gap.missing.as_str(), gap.key.as_str())).collect();
        assert_eq!(gaps, expect, "{from}");
    };
    check("name = 'Tea_Things'\n", "", &[("what the federation is called", "[federation] name")]);
    check(
        "contact = 'help@tea.example.org'\n",
        "",
        &[("where a bad release is reported", "[federation] contact")],
    );
    check(
        "[[records]]\nkind = 'table'\npath = 'releases.csv'\n",
        "",
        &[("where the official releases are recorded", "[[records]]")],
    );
    check(
        "release = ['robot']\nowners = ['robot', 'ada-tea']\n",
        "owners = ['ada-tea']\n",
        &[("which account uploads releases", "[accounts] release")],
    );
    let alone =
        "who owns the projects beside the account that uploads, for the day when that is lost";
    check("'robot', 'ada-tea'", "'robot'", &[(alone, "[accounts] owners")]);
    check(
        "'robot', 'ada-tea'",
        "'robot', 'zoe'",
        &[("whose accounts `zoe` are", "[people.NAME] accounts")],
    );
    check(
        "contact = 'bo@tea.example.org'\n",
        "",
        &[("how `bo` is reached", "[people.bo] contact")],
    );
    check("['ada', 'bo']", "[]", &[("who can sign in to the index", "[[service]] holders")]);
    check(
        "['ada', 'bo']",
        "['ada']",
        &[("who can sign in to the index when ada is away", "[[service]] holders")],
    );
    check(
        "['ada', 'bo']",
        "['ada', 'cy']",
        &[("who holds the index now that cy left", "[[service]] holders")],
    );
    check(
        "['ada', 'bo']",
        "['ada', 'dee']",
        &[("who dee is, who holds the index", "[people.NAME]")],
    );
    check("['ada', 'bo']", "['ada-tea', 'bo']", &[]);
    check(
        "kind = 'index'",
        "kind = 'other'",
        &[(
            "who can sign in to the index with the accounts that upload",
            "[[service]] kind = \"index\"",
        )],
    );
    check(
        "kind = 'forge'",
        "kind = 'other'",
        &[("who administers the forge where the sources are", "[[service]] kind = \"forge\"")],
    );
    check(
        "[people.bo]",
        "[[custody]]\nproject = 'x'\nstate = 'left'\nreason = 'r'\n[people.bo]",
        &[("who decided on the custody of `x`", "[[custody]] approved-by")],
    );
    check(
        "[people.ada]",
        "[[accounts.exception]]\nteams = ['docs']\nprojects = ['x']\nowners = []\n[people.ada]",
        &[("why other accounts are expected for `x` and `docs`", "[[accounts.exception]] reason")],
    );
}

#[test]
fn nothing_known_is_all_gaps_and_no_lie() {
    let page = render(&Federation::default());
    assert!(page.starts_with("# Handbook of the federation\n"));
    for line in [
        "a question about a name: not written down.",
        "No people are written down.",
        "Where the records are is not written down.",
        "| uploads releases | not written down |",
        "What is held in common is not written down.",
        "Nothing is accepted.",
        "- which account uploads releases: write `[accounts] release`\n",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn what_is_written_is_on_the_page() {
    let more = "[[custody]]\nproject = 'Urn'\nstate = 'relinquished'\non = 2020-01-31\nreason = 'given'\n\
        approved-by = 'Ada'\n[[custody]]\nproject = 'urn'\nstate = 'ours'\nreason = 'r|x'\napproved-by = 'Ada'\n\
        [[keep]]\nproject = 'teapot'\naccount = 'zoe'\napproved-by = 'Ada'\nreason = 'founder'\nexpires = 2027-01-31\n\
        [[accept]]\nrule = 'rogue-release'\nproject = 'teapot'\nversions = ['1.0']\nfiles = ['a.zip']\n\
        approved-by = 'Ada'\nreason = 'by <hand>'\nexpires = 2027-06-30\n\
        [thresholds]\ndeparture-days = 1\nlate-hours = 12\n[projects]\nnames = ['Old.Pot']\n";
    let page = render(&federation(&format!("{COMPLETE}{more}")));
    for line in [
        "| Ada Okafor | `ada-tea` |  | ada@tea.example.org |",
        "| bo | `bo` |  | bo@tea.example.org |",
        "Left, and to hold no role any more: cy on 2024-03-31.",
        "| table | `releases.csv` | all |",
        "We also hold the names `old-pot`.",
        "within 3 days of its approval, at most 1 day before it, and all of them within 12 hours",
        "| Owner: uploads, yanks, deletes, changes roles | `ada-tea` and `robot` |",
        "| `teapot` | `zoe` | any | Ada | 2027-01-31 | founder |",
        "| the index (index) |  | `robot` | Ada Okafor and bo |  |",
        "adds `ada-tea` and `robot` with the role",
        "within 1 day after it was",
        "| `urn` | ours | always | r\\|x | Ada |\n| `urn` | somebody else's | 2020-01-31 | given | Ada |",
        "An owner is Ada Okafor (as `ada-tea`).",
        "| `rogue-release` | `teapot`: `1.0` and `a.zip` | Ada | 2027-06-30 | by \\<hand\\> |",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert_eq!(page, render(&federation(&format!("{COMPLETE}{more}"))));
    let strict = render(&federation("[thresholds]\ndays-before-approval = 0\n"));
    assert!(strict.contains("within 3 days of its approval, never before it, and all"));
}

#[test]
fn differences_are_of_roles_names_and_exceptions() {
    let findings = [
        finding("expired-acceptance", Severity::Low),
        finding("rogue-release", Severity::High),
        finding("stranger-role", Severity::Medium),
        finding("only-holder", Severity::Note),
        finding("foreign-name", Severity::Medium).explained("known"),
        finding("departed", Severity::Medium),
    ];
    let found: Vec<(&str, &str)> =
        differences(&findings).iter().map(|it| (it.section, it.finding.rule)).collect();
    assert_eq!(
        found,
        [
            ("Who may hold what", "stranger-role"),
            ("How a project leaves", "departed"),
            ("How an exception is made, and ends", "expired-acceptance"),
        ]
    );
}

#[test]
fn the_rules_of_the_handbook_are_rules() {
    for (code, section) in POLICY_RULES {
        assert!(RULES.iter().any(|rule| rule.code() == code), "{code}");
        assert!(SECTIONS.contains(&section));
    }
}
