use super::*;

#[test]
fn every_rule_is_explained() {
    for rule in RULES {
        let code = rule.code();
        let text = text(code, 80, false).unwrap();
        assert!(text.starts_with(&format!("{code}: ")), "{text}");
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
        assert!(!text.contains("\n\n\n") && !text.contains('\u{1b}'), "{text}");
        let colored = super::text(code, 80, true).unwrap();
        assert_ne!(colored, text);
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text);
        let markdown = markdown(code).unwrap();
        assert!(markdown.starts_with(&format!("## {code}\n\n")), "{markdown}");
        assert!(rules_page().contains(&markdown), "{markdown}");
        assert!(list(100, false).contains(code));
    }
}

#[test]
fn one_rule() {
    insta::assert_snapshot!(text("account-absent", 80, false).unwrap());
}

#[test]
fn what_was_perhaps_meant_is_suggested() {
    let check = |asked: &str, expect: &str| {
        let error = text(asked, 80, false).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no rule `{asked}`"));
        assert_eq!(error.hint(), expect);
        assert_eq!(error.class(), Class::Usage);
        assert_eq!(markdown(asked).unwrap_err(), error);
    };
    check("rouge-release", "is it `rogue-release`, or `yanked-release`, or `missing-release`?");
    check("ROGUE_FILE", "is it `rogue-file`, or `late-file`, or `rogue-release`?");
    check("lookalikes", "is it `lookalike`?");
    check("zebra", "`countermark audit explain` lists all rules");
    check("", "`countermark audit explain` lists all rules");
}

#[test]
fn a_hostile_code_is_harmless() {
    let error = text("\u{1b}[2J", 80, false).unwrap_err();
    assert_eq!(error.code, "\\u{1b}[2J");
    let long = "a".repeat(1 << 20);
    assert_eq!(text(&long, 80, false).unwrap_err().nearest, [""; 0]);
}

#[test]
fn no_line_of_the_page_begins_by_chance_like_a_list() {
    let check = |text: &str, expect: &str| assert_eq!(for_markdown(text), expect);
    let long = "word ".repeat(19);
    check(&format!("{long}words - and"), &format!("{long}words - and"));
    check(&format!("{long}words # and"), &format!("{long}words # and"));
    check(&format!("{long}words 12. and"), &format!("{long}words 12. and"));
    check(&format!("{long}words then and"), &format!("{long}words\nthen and"));
}
