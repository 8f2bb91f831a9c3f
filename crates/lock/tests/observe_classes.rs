//! The documentation of the classes is made from the classes: `UPDATE_DOCS=1 cargo test -p
//! countermark-lock --test observe_classes` writes docs/observe-classes.md anew.

use std::fs;
use std::path::PathBuf;

use countermark_lock::observe::class;

const INTRODUCTION: &str = "\
# Why two locks disagree

Made from the classes themselves. How locks are read and compared is in [observe.md](observe.md).

A disagreement belongs to the first class below that can show its evidence, in the order writer-defect,
fixture, private-rebuild, two-digests, and for digests without file names two-digests, unlisted-digest,
grown-set, platform-subset, disjoint-sets. Only `two-digests` is an alarm; the classes marked \"look\" are
what an alarm looks like when there is not enough to prove it.

";

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("| class | meaning | |\n|---|---|---|\n");
    for class in class::all() {
        let kind = match (class.is_alarm(), class.is_doubtful()) {
            (true, _) => "alarm",
            (_, true) => "look",
            _ => "",
        };
        let title = class.document().title;
        out.push_str(&format!("| [`{0}`](#{0}) | {title} | {kind} |\n", class.code()));
    }
    for class in class::all() {
        let document = class.document();
        out.push_str(&format!("\n## {}\n\n{}.\n\n", class.code(), document.title));
        out.push_str(&format!("{}\n\n**Why.** {}\n\n", document.what, document.why));
        out.push_str(&format!("**What to do.** {}\n\n", document.remedy));
        out.push_str(&format!("**Example.** {}\n", document.example));
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the page of the documentation")]
fn the_page_is_made_from_the_classes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/observe-classes.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(text == page(), "docs/observe-classes.md is old: run this test with UPDATE_DOCS=1");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the sources of the classes")]
fn a_class_is_one_file_and_one_struct() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/observe/class");
    let mut codes: Vec<String> = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        let source = fs::read_to_string(&path).unwrap();
        assert_eq!(source.matches("impl Class for ").count(), usize::from(name != "mod"), "{name}");
        codes.extend((name != "mod").then_some(name));
    }
    codes.sort();
    let mut registered: Vec<&str> = class::all().map(class::Class::code).collect();
    registered.sort_unstable();
    assert_eq!(codes, registered);
}

#[test]
fn documents_are_well_formed() {
    for class in class::all() {
        let (code, document) = (class.code(), class.document());
        assert!(!document.title.ends_with('.') && document.title.len() <= 90, "{code}");
        for text in [document.what, document.why, document.remedy] {
            assert!(text.ends_with('.') && text.len() > 7, "{code}: {text}");
            assert!(!text.contains("  "), "{code}: {text}");
            assert_eq!(text.matches('`').count() % 2, 0, "{code}: {text}");
        }
        assert!(!document.example.is_empty(), "{code}");
    }
}
