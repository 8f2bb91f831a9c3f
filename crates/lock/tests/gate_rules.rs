//! The documentation of the gate's rules is made from the rules: `UPDATE_DOCS=1 cargo test -p
//! countermark-lock --test gate_rules` writes docs/gate-rules.md anew.

use std::fs;
use std::path::PathBuf;

use countermark_lock::gate::rule::RULES;

const INTRODUCTION: &str = "\
# What the gate looks for

Made from the rules themselves. How the gate is run is in [gate.md](gate.md). What the policy of a
project refuses is reported under the codes of the policy's own rules: `minimum-age`, `yanked`,
`source-packages` and others.

Each finding has a kind beside its severity, so that what an attack looks like is not mixed up with the
mistake of a program that writes locks:

| kind | meaning |
|---|---|
| disagreement | two statements about the same bytes contradict each other: what an attack looks like |
| policy | the policy of the project says no |
| lack | the lock lacks what would make it one |
| defect | a writer's mistake that lets nothing wrong in |
| news | something that a person may want to know |

A disagreement in a lock below a folder called `fixtures`, `testdata` or the like is shown as a defect, and
low: it is an example that a test reads.

";

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("| rule | reports | needs an index |\n|---|---|---|\n");
    for rule in RULES {
        let title = rule.document().title;
        let needs = if rule.needs_index() { "yes" } else { "" };
        out.push_str(&format!("| [`{0}`](#{0}) | {title} | {needs} |\n", rule.code()));
    }
    for rule in RULES {
        let document = rule.document();
        out.push_str(&format!("\n## {}\n\n{}.\n\n", rule.code(), document.title));
        out.push_str(&format!("{}\n\n**Why.** {}\n\n", document.what, document.why));
        out.push_str(&format!("**What to do.** {}\n\n", document.remedy));
        out.push_str(&format!("**Example.** {}\n", document.example));
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the page of the documentation")]
fn the_page_is_made_from_the_rules() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/gate-rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(text == page(), "docs/gate-rules.md is old: run this test with UPDATE_DOCS=1");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the sources of the rules")]
fn a_rule_is_one_file_and_one_struct() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/gate/rule");
    let mut codes: Vec<String> = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        let source = fs::read_to_string(&path).unwrap();
        // What the policy says has the policy's codes.
        let rules = usize::from(name != "policy");
        assert_eq!(source.matches("impl Rule for ").count(), rules, "{name}");
        if rules == 1 {
            codes.push(if name == "yanked" { "yanked-release".to_owned() } else { name });
        }
    }
    codes.sort();
    let mut registered: Vec<&str> = RULES.iter().map(|rule| rule.code()).collect();
    registered.sort_unstable();
    assert_eq!(codes, registered);
}

#[test]
fn documents_are_well_formed() {
    for rule in RULES {
        let (code, document) = (rule.code(), rule.document());
        assert!(!document.title.ends_with('.') && document.title.len() <= 90, "{code}");
        for text in [document.what, document.why, document.remedy] {
            assert!(text.ends_with('.') && text.len() > 10, "{code}: {text}");
            assert!(!text.contains("  "), "{code}: {text}");
            assert_eq!(text.matches('`').count() % 2, 0, "{code}: {text}");
        }
        assert!(!document.example.is_empty(), "{code}");
    }
}
