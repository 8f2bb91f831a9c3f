use super::*;
use crate::federation::parse::parse_with;

const RULES: &[&str] = &["rogue-release", "single-holder", "stranger-role"];

fn today() -> Date {
    "2026-06-01".parse().unwrap()
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

/// An acceptance of `rule` with more keys, until a day.
fn accept_until(day: &str, rule: &str, keys: &str) -> String {
    format!(
        "[[accept]]\nrule = '{rule}'\n{keys}\napproved-by = 'eve'\nreason = 'made by hand'\n\
         expires = {day}\n"
    )
}

fn accepting(keys: &str) -> String {
    accept_until("2026-06-01", "rogue-release", keys)
}

fn federation(text: &str) -> Federation {
    parse_with("federation.toml", text, RULES).unwrap()
}

fn everything(projects: &[&str]) -> Judged {
    Judged { projects: projects.iter().map(|text| name(text)).collect(), whole: true }
}

/// A finding as `projects|versions|files|accounts`, lists with blanks.
fn finding(rule: &'static str, text: &str) -> Finding {
    let mut parts = text.split('|').map(|part| part.split_whitespace().collect::<Vec<_>>());
    let mut part = || parts.next().unwrap_or_default();
    let mut finding = Finding::new(rule, Severity::Medium, &name("x"), "something is odd");
    finding.projects = part().into_iter().map(name).collect();
    finding.versions(part()).files(part()).accounts(part())
}

fn shown(finding: &Finding) -> String {
    let projects: Vec<&str> = finding.projects.iter().map(ProjectName::as_str).collect();
    let lists = [
        projects.join(" "),
        finding.versions.join(" "),
        finding.files.join(" "),
        finding.accounts.join(" "),
    ];
    lists.join("|").trim_end_matches('|').to_owned()
}

/// What is accepted of a finding and what is left, with nothing said about the acceptances.
#[track_caller]
fn check(acceptances: &[String], of: &str, accepted: &[&str], left: &[&str]) {
    let federation = federation(&acceptances.concat());
    let nothing = Judged::default();
    let findings = vec![finding("rogue-release", of)];
    let suppressed = apply(findings, &federation, today(), &nothing);
    let found: Vec<String> = suppressed.accepted.iter().map(|(it, _)| shown(it)).collect();
    assert_eq!(found, accepted, "accepted of {of}");
    assert_eq!(suppressed.findings.iter().map(shown).collect::<Vec<_>>(), left, "left of {of}");
}

#[test]
fn an_acceptance_covers_what_it_names() {
    let all = "teapot|1.0 2.0||ann bob";
    check(&[accepting("")], all, &[all], &[]);
    check(&[accepting("project = 'Teapot'")], all, &[all], &[]);
    check(&[accepting("project = 'kettle'")], all, &[], &[all]);
    check(&[accepting("versions = ['3.0']")], all, &[], &[all]);
    check(&[accepting("accounts = ['zoe']")], all, &[], &[all]);
    check(&[accepting("files = ['teapot-1.0.tar.gz']")], all, &[], &[all]);
    check(&[accept_until("2026-06-01", "single-holder", "")], all, &[], &[all]);
    check(&[accepting("versions = ['2', '1.0.0']")], all, &[all], &[]);
    check(&[accepting("accounts = ['BOB', 'ann', 'zoe']")], all, &[all], &[]);
}

#[test]
fn a_part_is_accepted_and_the_rest_is_left() {
    let all = "teapot|1.0 2.0||ann bob";
    check(
        &[accepting("versions = ['1.0']")],
        all,
        &["teapot|1.0||ann bob"],
        &["teapot|2.0||ann bob"],
    );
    check(
        &[accepting("accounts = ['ann']")],
        all,
        &["teapot|1.0 2.0||ann"],
        &["teapot|1.0 2.0||bob"],
    );
    // One of four combinations: three are left, each once.
    check(
        &[accepting("versions = ['1.0']\naccounts = ['ann']")],
        all,
        &["teapot|1.0||ann"],
        &["teapot|2.0||ann bob", "teapot|1.0||bob"],
    );
    check(
        &[accepting("versions = ['1.0']"), accepting("versions = ['2.0']")],
        all,
        &["teapot|1.0||ann bob", "teapot|2.0||ann bob"],
        &[],
    );
}

#[test]
fn a_grouped_finding_loses_a_project() {
    check(
        &[accepting("project = 'kettle'")],
        "cup kettle teapot|||ci",
        &["kettle|||ci"],
        &["cup teapot|||ci"],
    );
    check(&[accepting("project = 'kettle'")], "|||ci", &[], &["|||ci"]);
    check(&[accepting("")], "|||ci", &["|||ci"], &[]);
}

#[test]
fn files_go_with_their_releases() {
    let all =
        "teapot|1.0 2.0|teapot-1.0.tar.gz teapot-2.0.tar.gz teapot-2.0-py3-none-any.whl odd.exe";
    check(
        &[accepting("versions = ['2.0.0']")],
        all,
        &["teapot|2.0|teapot-2.0.tar.gz teapot-2.0-py3-none-any.whl odd.exe"],
        &["teapot|1.0|teapot-1.0.tar.gz odd.exe"],
    );
    check(
        &[accepting("files = ['teapot-1.0.tar.gz', 'teapot-2.0.tar.gz']")],
        all,
        &["teapot|1.0 2.0|teapot-1.0.tar.gz teapot-2.0.tar.gz"],
        &["teapot|2.0|teapot-2.0-py3-none-any.whl odd.exe"],
    );
    check(
        &[accepting("versions = ['1.0']\nfiles = ['teapot-1.0.tar.gz']")],
        "teapot|1.0 2.0|teapot-1.0.tar.gz teapot-2.0.tar.gz",
        &["teapot|1.0|teapot-1.0.tar.gz"],
        &["teapot|2.0|teapot-2.0.tar.gz"],
    );
}

#[test]
fn what_is_left_says_what_is_gone() {
    let federation = federation(&accepting("project = 'kettle'"));
    let of = finding("rogue-release", "kettle teapot");
    let suppressed = apply(vec![of], &federation, today(), &everything(&["kettle", "teapot"]));
    assert_eq!(suppressed.findings[0].message, "something is odd; accepted of it: kettle");
    let evidence = &suppressed.findings[0].evidence[0];
    assert_eq!(evidence.source, "federation.toml:2:8");
    assert_eq!(evidence.text, "kettle until 2026-06-01: made by hand");
    assert_eq!(suppressed.accepted[0].0.message, "something is odd");
    assert_eq!(
        suppressed.accepted[0].1,
        "accepted by eve until 2026-06-01: made by hand (federation.toml:2:8)"
    );
}

/// The findings about the acceptances themselves, a line each.
fn about_acceptances(text: &str, findings: Vec<Finding>, judged: &Judged) -> Vec<String> {
    let suppressed = apply(findings, &federation(text), today(), judged);
    let about = suppressed.findings.iter().filter(|it| [EXPIRED, UNUSED].contains(&it.rule));
    about.map(|it| format!("{} {} {}: {}", it.rule, it.severity, shown(it), it.message)).collect()
}

#[test]
fn the_last_day_still_counts_and_the_next_does_not() {
    let of = || vec![finding("rogue-release", "teapot|1.0")];
    let judged = everything(&["teapot"]);
    let text = |day: &str| accept_until(day, "rogue-release", "project = 'teapot'");
    assert_eq!(about_acceptances(&text("2026-06-01"), of(), &judged), [""; 0]);
    let suppressed = apply(of(), &federation(&text("2026-05-31")), today(), &judged);
    assert_eq!(suppressed.accepted, []);
    assert_eq!(shown(&suppressed.findings[0]), "teapot|1.0");
    assert_eq!(
        about_acceptances(&text("2026-05-31"), of(), &judged),
        [
            "expired-acceptance low teapot: the acceptance of `rogue-release` is over; what it covered \
          counts again"
        ]
    );
    assert_eq!(
        about_acceptances(&text("2026-05-31"), Vec::new(), &judged),
        [
            "expired-acceptance low teapot: the acceptance of `rogue-release` is over; nothing needs it \
          any more"
        ]
    );
    let finding = &suppressed.findings[1];
    assert_eq!(finding.evidence[0].source, "federation.toml:2:8");
    assert_eq!(
        finding.evidence[0].text,
        "`rogue-release` was accepted by eve until 2026-05-31: made by hand"
    );
}

#[test]
fn what_matches_nothing_is_one_line() {
    let text = [
        accepting("project = 'teapot'"),
        accepting("project = 'kettle'\nversions = ['9']"),
        accept_until("2027-01-01", "single-holder", ""),
    ]
    .concat();
    let of = || vec![finding("rogue-release", "teapot"), finding("rogue-release", "kettle|1.0")];
    assert_eq!(
        about_acceptances(&text, of(), &everything(&["teapot", "kettle"])),
        [
            "unused-acceptance low kettle: 2 entries of `federation.toml` match nothing that is found"
        ]
    );
    assert_eq!(
        about_acceptances(&accepting("versions = ['9']"), of(), &everything(&[])),
        ["unused-acceptance low : the acceptance of `rogue-release` matches nothing that is found"]
    );
    // Explained findings are no alarm; nothing has to be accepted of them.
    let explained = vec![finding("rogue-release", "teapot").explained("a tag")];
    assert_eq!(
        about_acceptances(&accepting("project = 'teapot'"), explained, &everything(&["teapot"])),
        [
            "unused-acceptance low teapot: the acceptance of `rogue-release` matches nothing that is found"
        ]
    );
}

#[test]
fn what_was_not_judged_is_not_called_unused() {
    let judged = |projects: &[&str]| Judged { whole: false, ..everything(projects) };
    let text = accepting("project = 'teapot'");
    assert_eq!(about_acceptances(&text, Vec::new(), &judged(&["kettle"])), [""; 0]);
    assert_eq!(about_acceptances(&text, Vec::new(), &judged(&["teapot"])).len(), 1);
    assert_eq!(about_acceptances(&accepting(""), Vec::new(), &judged(&["teapot"])), [""; 0]);
    // And that it is over says nothing of whether it is needed.
    for text in
        [accept_until("2026-05-31", "rogue-release", "project = 'teapot'"), keeping("2026-05-31")]
    {
        assert_eq!(about_acceptances(&text, Vec::new(), &judged(&["kettle"])), [""; 0]);
        assert_eq!(about_acceptances(&text, Vec::new(), &judged(&["teapot"])).len(), 1);
    }
}

/// A role of `ann` on `teapot` that is kept until a day.
fn keeping(day: &str) -> String {
    format!(
        "[[keep]]\nproject = 'teapot'\naccount = 'Ann'\napproved-by = 'eve'\nreason = 'founder'\n\
         expires = {day}\n"
    )
}

#[test]
fn kept_roles_are_accepted() {
    let kept = || finding("stranger-role", "teapot|||ann").explained("kept");
    let other = || finding("stranger-role", "teapot|||bob").explained("for another reason");
    let judged = everything(&["teapot"]);
    let suppressed =
        apply(vec![kept(), other()], &federation(&keeping("2026-06-01")), today(), &judged);
    assert_eq!(suppressed.findings, [other()]);
    assert_eq!(
        suppressed.accepted,
        [(kept(), "kept by eve until 2026-06-01: founder (federation.toml:1:1)".to_owned())]
    );
    assert_eq!(
        about_acceptances(&keeping("2026-06-01"), vec![other()], &judged),
        [
            "unused-acceptance low teapot|||Ann: the kept role of `Ann` matches nothing that is found"
        ]
    );
}

#[test]
fn kept_roles_end() {
    let open = || vec![finding("stranger-role", "teapot|||ann")];
    let judged = everything(&["teapot"]);
    assert_eq!(
        about_acceptances(&keeping("2026-05-31"), open(), &judged),
        [
            "expired-acceptance low teapot|||Ann: the kept role of `Ann` is over; what it covered counts \
          again"
        ]
    );
    assert_eq!(
        about_acceptances(&keeping("2026-05-31"), Vec::new(), &judged),
        [
            "expired-acceptance low teapot|||Ann: the kept role of `Ann` is over; nothing needs it any \
          more"
        ]
    );
    let both =
        accept_until("2026-05-01", "rogue-release", "project = 'teapot'") + &keeping("2026-05-31");
    assert_eq!(
        about_acceptances(&both, open(), &judged),
        [
            "expired-acceptance low teapot|||Ann: the acceptance of `rogue-release` and the kept role of \
          `Ann` are over; what it covered counts again"
        ]
    );
}

#[test]
fn without_acceptances_nothing_changes() {
    let of = vec![
        finding("rogue-release", "teapot|1.0"),
        finding("stranger-role", "teapot|||ann").explained("x"),
    ];
    let suppressed = apply(of.clone(), &Federation::default(), today(), &everything(&["teapot"]));
    assert_eq!(suppressed, Suppressed { findings: of, accepted: Vec::new() });
}

mod laws {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::suppress::split::split;

    type Combination = (String, String, String);

    /// Every combination that a finding is about.
    fn combinations(finding: &Finding) -> Vec<Combination> {
        let mut all = Vec::new();
        for project in &finding.projects {
            for version in &finding.versions {
                for account in &finding.accounts {
                    all.push((project.as_str().to_owned(), version.clone(), account.clone()));
                }
            }
        }
        all
    }

    fn some_of(texts: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<String>> {
        proptest::sample::subsequence(texts, least..=texts.len())
            .prop_map(|texts| texts.into_iter().map(str::to_owned).collect())
    }

    proptest! {
        /// What is accepted and what is left are together what was found, each of it once.
        #[test]
        fn nothing_is_lost_and_nothing_is_twice(
            projects in some_of(&["cup", "kettle", "teapot"], 1),
            versions in some_of(&["1.0", "2.0", "3.0"], 1),
            accounts in some_of(&["ann", "bob", "zoe"], 1),
            project in proptest::option::of("cup|kettle|urn"),
            wanted_versions in some_of(&["1.0", "2", "9"], 0),
            wanted_accounts in some_of(&["ANN", "zoe", "eve"], 0),
        ) {
            let all = format!("{}|{}||{}", projects.join(" "), versions.join(" "), accounts.join(" "));
            let found = finding("rogue-release", &all);
            let mut federation = federation(&accepting(""));
            let mut acceptance = federation.accepted.remove(0);
            acceptance.project = project.as_deref().map(name);
            acceptance.versions = wanted_versions.clone();
            acceptance.accounts = wanted_accounts.clone();
            let is_accepted = |(of, version, account): &Combination| {
                let version_is = |text: &String| text == version || format!("{text}.0") == *version;
                project.as_ref().is_none_or(|project| project == of)
                    && (wanted_versions.is_empty() || wanted_versions.iter().any(version_is))
                    && (wanted_accounts.is_empty()
                        || wanted_accounts.iter().any(|it| it.eq_ignore_ascii_case(account)))
            };
            let (expected, left): (BTreeSet<_>, BTreeSet<_>) =
                combinations(&found).into_iter().partition(is_accepted);
            let Some(parts) = split(&found, &acceptance) else {
                prop_assert!(expected.is_empty());
                return Ok(());
            };
            prop_assert_eq!(combinations(&parts.accepted).into_iter().collect::<BTreeSet<_>>(), expected);
            let rest: Vec<Combination> = parts.rest.iter().flat_map(combinations).collect();
            let once: BTreeSet<Combination> = rest.iter().cloned().collect();
            prop_assert_eq!(rest.len(), once.len(), "twice");
            prop_assert_eq!(once, left);
        }
    }
}
