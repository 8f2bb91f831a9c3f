//! The chapter about the rules and the scenarios name the same rules in the same words.

use super::scenarios;

#[test]
#[expect(clippy::disallowed_methods, reason = "the page of the documentation")]
fn the_chapter_has_the_rules_of_the_scenarios() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ledger-rules.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut written: Vec<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### R"))
        .map(|line| line.split_once(": ").expect("a number, a colon, and the rule"))
        .map(|(number, title)| (format!("R{number}"), title.to_owned()))
        .collect();
    let in_order: Vec<String> = (1..=written.len()).map(|number| format!("R{number}")).collect();
    assert_eq!(written.iter().map(|it| it.0.clone()).collect::<Vec<_>>(), in_order);
    let mut tested: Vec<(String, String)> = scenarios::all()
        .into_iter()
        .map(|scenario| (scenario.rule.clone(), scenario.cases[0].name.clone()))
        .collect();
    written.sort();
    tested.sort();
    assert_eq!(written, tested);
    // Each rule says why, and shows a line or two.
    for section in page.split("\n### ").skip(1) {
        let title = section.lines().next().unwrap();
        assert!(section.contains("**Why.** "), "{title}");
        assert!(section.contains("**Example.** "), "{title}");
    }
}
