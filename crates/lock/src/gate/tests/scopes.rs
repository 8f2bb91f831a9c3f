use super::*;

fn two() -> Case {
    let mut case = Case::offline();
    case.locks[0].packages.push(package("cup", "1.0"));
    case
}

#[test]
fn only_what_moved_is_judged() {
    let mut case = two();
    // Both lack digests; one stood there before.
    for package in &mut case.locks[0].packages {
        package.files.clear();
    }
    assert_eq!(case.finds(), ["high no-digest"; 2]);
    let mut base = case.locks[0].clone();
    base.packages[1].version = Some("0.9".parse().unwrap());
    case.base = Some(base);
    let report = case.judge();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].project.as_str(), "cup");
    assert_eq!((report.locks[0].entries, report.locks[0].judged), (2, 1));
    let moves = report.locks[0].moves.clone().unwrap();
    assert_eq!(moves.len(), 1);
    assert_eq!(
        (moves[0].before.as_slice(), moves[0].after.as_slice()),
        (&["0.9".to_owned()][..], &["1.0".to_owned()][..])
    );
}

#[test]
fn another_index_for_the_whole_lock_moves_what_has_none_of_its_own() {
    let mut case = two();
    case.locks[0].packages[0].source = LockSource::Index(None);
    case.base = Some(case.locks[0].clone());
    assert_eq!(case.judge().locks[0].judged, 0);
    case.locks[0].indexes = vec![OTHER.to_owned()];
    assert_eq!(case.judge().locks[0].judged, 1);
    assert_eq!(case.finds(), ["medium unknown-index"]);
}

#[test]
fn what_is_new_and_what_is_gone() {
    let mut case = two();
    let mut base = case.locks[0].clone();
    case.locks[0].packages.remove(0);
    base.packages.remove(1);
    case.base = Some(base);
    let report = case.judge();
    let moves: Vec<String> = report.locks[0]
        .moves
        .as_ref()
        .unwrap()
        .iter()
        .map(|one| format!("{} {:?} {:?}", one.project, one.before, one.after))
        .collect();
    assert_eq!(moves, ["cup [] [\"1.0\"]", "teapot [\"1.2\"] []"]);
    assert_eq!(report.locks[0].judged, 1);
}

#[test]
fn a_marker_or_a_group_is_no_move() {
    let mut case = two();
    let mut base = case.locks[0].clone();
    base.packages[0].marker = Some("sys_platform == 'linux'".to_owned());
    base.packages[1].groups = vec!["dev".to_owned()];
    base.packages[1].place = place(99);
    case.base = Some(base);
    assert_eq!(case.judge().locks[0].judged, 0);
}

#[test]
fn the_baseline_lets_pass_what_it_names_and_nothing_else() {
    let mut case = two();
    for package in &mut case.locks[0].packages {
        package.files.clear();
    }
    let findings = case.judge().findings;
    let first = [&findings[0]];
    let text = Baseline::render(&first, "there when the gate was set up");
    case.baseline = Baseline::parse("countermark-gate.toml", text.as_bytes()).unwrap();
    let report = case.judge();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.let_pass.len(), 1);
    assert_eq!(report.let_pass[0].1, "there when the gate was set up");
    assert!(report.stale.is_empty());
    // The release moves, and the line is not about it any more.
    let package =
        case.locks[0].packages.iter_mut().find(|it| it.project == findings[0].project).unwrap();
    package.version = Some("1.3".parse().unwrap());
    let report = case.judge();
    assert_eq!((report.findings.len(), report.let_pass.len(), report.stale.len()), (2, 0, 1));
}

#[test]
fn a_line_that_is_not_needed_is_told_only_where_that_was_looked_at() {
    let line = |rule: &str| {
        let text = format!(
            "passed = [{{ lock = \"uv.lock\", rule = \"{rule}\", project = \"teapot\", because = \"x\" }}]"
        );
        Baseline::parse("b", text.as_bytes()).unwrap()
    };
    let check = |case: Case, rule: &str, stale: usize| {
        let case = Case { baseline: line(rule), ..case };
        assert_eq!(case.judge().stale.len(), stale, "{rule}");
    };
    check(Case::good(), "no-digest", 1);
    check(Case::offline(), "no-digest", 1);
    check(Case::good(), "digest-differs", 1);
    check(Case::offline(), "digest-differs", 0);
    let compared = |case: Case| Case { base: Some(case.locks[0].clone()), ..case };
    check(compared(Case::good()), "no-digest", 0);
}

#[test]
fn the_baseline_can_only_shrink() {
    let baseline = |projects: &[&str]| {
        let lines: Vec<String> = projects
            .iter()
            .map(|project| {
                format!("{{ lock = \"uv.lock\", rule = \"no-digest\", project = \"{project}\", because = \"x\" }}")
            })
            .collect();
        Baseline::parse("b", format!("passed = [{}]", lines.join(", ")).as_bytes()).unwrap()
    };
    let (small, large) = (baseline(&["teapot"]), baseline(&["teapot", "cup"]));
    assert_eq!(small.grown_since(&large), []);
    assert_eq!(large.grown_since(&small).len(), 1);
    // With a last day a line ends by itself: the gate drafts one for what a lock lacks.
    let lacking = Case::offline().entry(|package| package.files.clear()).judge();
    let drafted = format!("passed = [\n{}\n]", lacking.findings[0].allow);
    let drafted = Baseline::parse("b", drafted.as_bytes()).unwrap();
    assert_eq!(drafted.passed[0].until.unwrap().to_string(), "2026-07-01");
    assert_eq!(drafted.grown_since(&Baseline::default()), []);
    let let_pass = Case { baseline: drafted, ..Case::offline().entry(|it| it.files.clear()) };
    assert_eq!(let_pass.finds(), [""; 0]);
    // What contradicts itself has no such line.
    let changed = Case::good().page(|page| page.files[0].digests = vec![digest(99)]).judge();
    assert_eq!(changed.findings[0].allow, "");
}

#[test]
fn mistakes_in_the_baseline_are_all_told() {
    let wrong = |text: &str| -> Vec<String> {
        let errors = Baseline::parse("b.toml", text.as_bytes()).unwrap_err();
        errors.iter().map(|error| format!("{}:{}", error.code, error.place.line)).collect()
    };
    let good = "lock = \"a\", project = \"p\", because = \"x\"";
    assert_eq!(
        wrong(&format!(
            "passed = [\n{{ {good}, rule = \"no-such\" }},\n{{ {good}, rule = \"no-digest\", more = 1 }},\n{{ rule = \"no-digest\", project = \"p\", because = \"x\" }},\n]"
        )),
        ["invalid-value:2", "unknown-key:3", "missing-key:4"]
    );
    assert_eq!(wrong("passed = [\n"), ["syntax:1"]);
    assert!(!wrong("passed = 1").is_empty());
    let twice = format!(
        "passed = [{{ {good}, rule = \"no-digest\" }}, {{ {good}, rule = \"no-digest\" }}]"
    );
    assert_eq!(wrong(&twice), ["listed-twice:1"]);
    // A date makes a line end by itself.
    let text = format!("passed = [{{ {good}, rule = \"no-digest\", until = 2026-01-01 }}]");
    let ended = Baseline::parse("b", text.as_bytes()).unwrap();
    assert!(ended.passed[0].has_expired("2026-01-02T00:00:00Z".parse().unwrap()));
    assert!(!ended.passed[0].has_expired("2026-01-01T23:00:00Z".parse().unwrap()));
}

#[test]
fn what_is_asked_is_what_an_index_can_know() {
    let mut case = two();
    case.locks[0].packages[0].source =
        LockSource::Directory { path: ".".to_owned(), editable: true };
    let judged = [Judged { lock: case.locks[0].clone(), base: None }];
    let wanted = wanted(&judged);
    let names: Vec<&str> = wanted.keys().map(ProjectName::as_str).collect();
    assert_eq!(names, ["cup"]);
    assert!(wanted.values().next().unwrap().names.contains("cup-1.0.tar.gz"));
}
