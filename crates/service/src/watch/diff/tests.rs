use countermark_audit::finding::Severity;
use proptest::prelude::*;

use super::*;

fn finding(rule: &str, severity: Severity, project: &str, versions: &[&str]) -> StoredFinding {
    StoredFinding {
        key: format!("{rule}|{project}|{}||", versions.join(",")),
        rule: rule.to_owned(),
        severity,
        projects: vec![project.to_owned()],
        versions: versions.iter().map(|it| (*it).to_owned()).collect(),
        files: Vec::new(),
        accounts: Vec::new(),
        message: "m".to_owned(),
        evidence: Vec::new(),
        next: String::new(),
    }
}

fn grouped(projects: &[&str]) -> StoredFinding {
    StoredFinding {
        key: format!("group|{}", projects.join(",")),
        projects: projects.iter().map(|it| (*it).to_owned()).collect(),
        ..finding("group", Severity::Low, "", &[])
    }
}

fn map(findings: &[StoredFinding]) -> Findings {
    findings.iter().map(|it| (it.key.clone(), it.clone())).collect()
}

fn seen(findings: &[StoredFinding], unread: &[&str]) -> Seen {
    Seen {
        findings: map(findings),
        unread: unread.iter().map(|it| (*it).to_owned()).collect(),
        ..Seen::default()
    }
}

/// The changes as `word key`.
fn told(difference: &Difference) -> Vec<String> {
    difference.changes.iter().map(|it| format!("{} {}", it.word(), it.finding().key)).collect()
}

#[test]
fn new_gone_and_still() {
    let rogue = finding("rogue", Severity::High, "a", &["1"]);
    let missing = finding("missing", Severity::Low, "b", &["2"]);
    let check = |before: &[StoredFinding], now: &Seen, expect: &[&str], standing: usize| {
        let difference = compare(&map(before), now);
        assert_eq!(told(&difference), expect);
        assert_eq!(difference.standing.len(), standing);
    };
    check(&[], &seen(&[], &[]), &[], 0);
    check(&[], &seen(std::slice::from_ref(&rogue), &[]), &["new rogue|a|1||"], 1);
    check(std::slice::from_ref(&rogue), &seen(std::slice::from_ref(&rogue), &[]), &[], 1);
    check(std::slice::from_ref(&rogue), &seen(&[], &[]), &["gone rogue|a|1||"], 0);
    // Worst first, what is gone last.
    let both = [missing.clone(), rogue.clone()];
    check(&[], &seen(&both, &[]), &["new rogue|a|1||", "new missing|b|2||"], 2);
    check(
        std::slice::from_ref(&rogue),
        &seen(std::slice::from_ref(&missing), &[]),
        &["new missing|b|2||", "gone rogue|a|1||"],
        1,
    );
}

#[test]
fn what_was_not_read_is_neither_new_nor_gone() {
    let rogue = finding("rogue", Severity::High, "a", &["1"]);
    let before = map(std::slice::from_ref(&rogue));
    let unread = compare(&before, &seen(&[], &["a"]));
    assert_eq!((told(&unread), unread.standing.clone()), (vec![], before.clone()));
    // It comes back as it was: nothing to tell.
    let back = compare(&unread.standing, &seen(std::slice::from_ref(&rogue), &[]));
    assert_eq!(told(&back), [""; 0]);
    // Read, and not found: now it is gone.
    assert_eq!(told(&compare(&unread.standing, &seen(&[], &["b"]))), ["gone rogue|a|1||"]);
    // A group of which one project was not read is the group that it was.
    let group = map(&[grouped(&["a", "b"])]);
    let smaller = compare(&group, &seen(&[grouped(&["b"])], &["a"]));
    assert_eq!((told(&smaller), smaller.standing), (vec![], group.clone()));
    let other = compare(&group, &seen(&[grouped(&["b", "c"])], &["a"]));
    assert_eq!(told(&other), ["new group|b,c"]);
    // What is about everybody rests on everybody.
    let everybody = StoredFinding { projects: Vec::new(), ..rogue };
    let before = map(std::slice::from_ref(&everybody));
    assert_eq!(compare(&before, &seen(&[], &["z"])).standing, before);
    assert_eq!(compare(&before, &seen(&[], &[])).standing, Findings::new());
}

#[test]
fn severity_counts_when_it_rises() {
    let low = finding("rogue", Severity::Low, "a", &["1"]);
    let high = StoredFinding { severity: Severity::High, ..low.clone() };
    let worse = compare(&map(std::slice::from_ref(&low)), &seen(std::slice::from_ref(&high), &[]));
    assert_eq!(worse.changes, [Change::Worse { finding: high.clone(), was: Severity::Low }]);
    let better = compare(&map(std::slice::from_ref(&high)), &seen(std::slice::from_ref(&low), &[]));
    assert_eq!(better.changes, []);
    assert_eq!(better.standing[&low.key].severity, Severity::Low);
}

#[test]
fn more_of_the_same_is_one_change() {
    let check = |before: StoredFinding, now: StoredFinding, added: &[&str], removed: &[&str]| {
        let difference = compare(&map(&[before]), &seen(std::slice::from_ref(&now), &[]));
        let text = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(
            difference.changes,
            [Change::Altered { finding: now, added: text(added), removed: text(removed) }]
        );
        assert_eq!(difference.standing.len(), 1);
    };
    let rogue = |versions: &[&str]| finding("rogue", Severity::High, "a", versions);
    check(rogue(&["1"]), rogue(&["1", "2"]), &["2"], &[]);
    check(rogue(&["1", "2"]), rogue(&["2", "3"]), &["3"], &["1"]);
    check(grouped(&["a", "b"]), grouped(&["a", "b", "c"]), &["c"], &[]);
    check(grouped(&["a", "b"]), grouped(&["b"]), &[], &["a"]);
    // Nothing in common: two things.
    let difference = compare(&map(&[rogue(&["1"])]), &seen(&[rogue(&["2"])], &[]));
    assert_eq!(told(&difference), ["new rogue|a|2||", "gone rogue|a|1||"]);
}

#[test]
fn events_are_told_each_time_and_never_gone() {
    let event = finding("role-change", Severity::Medium, "a", &[]);
    let now = Seen { events: vec![event.clone()], ..Seen::default() };
    let first = compare(&Findings::new(), &now);
    assert_eq!(told(&first), ["new role-change|a|||"]);
    assert_eq!(first.standing, Findings::new());
    assert_eq!(told(&compare(&first.standing, &now)).len(), 1);
    assert_eq!(compare(&first.standing, &Seen::default()).changes, []);
}

#[test]
fn why_it_is_gone() {
    let rogue = finding("rogue", Severity::High, "a", &["1"]);
    let mut now = Seen::default();
    now.reasons.insert(rogue.key.clone(), "accepted: rel-team".to_owned());
    let difference = compare(&map(std::slice::from_ref(&rogue)), &now);
    let why = Some("accepted: rel-team".to_owned());
    assert_eq!(difference.changes, [Change::Gone { finding: rogue, why }]);
}

fn some_findings() -> impl Strategy<Value = Vec<StoredFinding>> {
    let one =
        (0..3_usize, 0..4_usize, 0..4_usize, 0..4_usize).prop_map(|(rule, severity, at, v)| {
            let rule = ["rogue", "missing", "late"][rule];
            let versions: &[&str] = [&[][..], &["1"], &["2"], &["1", "2"]][v];
            finding(rule, Severity::ALL[severity], ["a", "b", "c", "d"][at], versions)
        });
    proptest::collection::vec(one, 0..8)
}

fn some_unread() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4)
}

proptest! {
    #[test]
    fn the_same_again_is_nothing(before in some_findings(), now in some_findings(), unread in some_unread()) {
        let now = seen(&now, &unread);
        let first = compare(&map(&before), &now);
        let again = compare(&first.standing, &now);
        prop_assert_eq!(again.changes, vec![]);
        prop_assert_eq!(again.standing, first.standing);
    }

    #[test]
    fn gone_and_back_is_new_again(findings in some_findings()) {
        let there = map(&findings);
        let gone = compare(&there, &seen(&[], &[]));
        prop_assert_eq!(gone.changes.len(), there.len());
        prop_assert!(gone.standing.is_empty());
        let back = compare(&gone.standing, &seen(&findings, &[]));
        prop_assert!(back.changes.iter().all(|it| it.word() == "new"));
        prop_assert_eq!(back.changes.len(), there.len());
    }

    #[test]
    fn nothing_is_told_of_what_was_not_read(before in some_findings(), now in some_findings()) {
        // A run that reads nothing sees nothing.
        let _ = now;
        let unread = ["a", "b", "c", "d"];
        let difference = compare(&map(&before), &seen(&[], &unread));
        prop_assert_eq!(difference.changes, vec![]);
        prop_assert_eq!(difference.standing, map(&before));
    }

    #[test]
    fn every_finding_is_accounted_for(before in some_findings(), now in some_findings()) {
        let (before, now) = (map(&before), map(&now));
        let difference = compare(&before, &Seen { findings: now.clone(), ..Seen::default() });
        prop_assert_eq!(&difference.standing, &now);
        let told: BTreeSet<&str> =
            difference.changes.iter().map(|it| it.finding().key.as_str()).collect();
        for key in now.keys().filter(|key| !before.contains_key(*key)) {
            prop_assert!(told.contains(key.as_str()));
        }
    }
}
