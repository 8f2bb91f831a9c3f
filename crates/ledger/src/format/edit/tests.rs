use countermark_packaging::lock::Place;
use jiff::civil::date;

use super::*;
use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::ledger::{Exemption, Import, TrustedPublisher, Violation};

const LEDGER: &str = r#"# Ours.

[ledger]
version = 1
name = "example.org/team"     # known to others by this
initialised = 2026-11-22
criteria = ["safe-to-deploy"]

[[key]]
author = "alice@example.org"
key = "ed25519-a"

# What was there on the first day.

# because of the old parser
[[exemption]]
project = "beta"
version = "1.0"
files = ["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb beta-1.0.tar.gz"]
criteria = ["safe-to-deploy"]
on = 2026-11-22

[[exemption]]
project = "delta"
version = "1.0"
files = ["sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd delta-1.0.tar.gz"]
criteria = ["safe-to-deploy"]
on = 2026-11-22

# How we work with acme.
[[import]]
name = "acme"
url = "https://example.org/acme"   # moved in May

[import.criteria]
safe-to-run = ["safe-to-run"]      # they mean the same

[[import.key]]
author = "carol@example.org"
key = "ed25519-c"

[[trusted]]
publisher = "github:example/beta/release.yml"
projects = ["beta"]
criteria = ["safe-to-run"]
from = 2026-01-01
until = 2026-12-31   # look again
reason = "we know them"
"#;

fn edit() -> Edit {
    Edit::new("ledger.toml", LEDGER).unwrap()
}

fn exemption(project: &str) -> Exemption {
    let file = format!("sha256:{} {project}-2.0.tar.gz", "e".repeat(64));
    Exemption {
        project: project.parse().unwrap(),
        version: "2.0".parse().unwrap(),
        files: vec![FileId::parse(&file).unwrap()],
        criteria: vec![CriterionName::parse("safe-to-run").unwrap()],
        on: date(2026, 11, 30),
        reason: Some("a \"reason\"".to_owned()),
        place: Place { file: String::new(), line: 1, column: 1, span: 0..0 },
    }
}

/// The lines that differ, with `-` and `+`.
fn changed(edit: &Edit) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (LEDGER.lines().collect(), edit.text().lines().collect());
    let same = |a: &[&str], b: &[&str]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let start = same(&old, &new);
    let (mut old_tail, mut new_tail) = (old[start..].to_vec(), new[start..].to_vec());
    old_tail.reverse();
    new_tail.reverse();
    let end = same(&old_tail, &new_tail);
    let removed = old[start..old.len() - end].iter().map(|line| format!("-{line}"));
    removed.chain(new[start..new.len() - end].iter().map(|line| format!("+{line}"))).collect()
}

#[test]
fn an_exemption_is_put_where_it_belongs_and_nothing_else_moves() {
    let mut edit = edit();
    edit.add(&[exemption("gamma")]).unwrap();
    let file = format!("+    \"sha256:{} gamma-2.0.tar.gz\",", "e".repeat(64));
    let expect = [
        "+[[exemption]]",
        "+project = \"gamma\"",
        "+version = \"2.0\"",
        "+files = [",
        &file,
        "+]",
        "+criteria = [\"safe-to-run\"]",
        "+on = 2026-11-30",
        "+reason = \"a \\\"reason\\\"\"",
        "+",
    ];
    assert_eq!(changed(&edit), expect);
    edit.add(&[exemption("zeta"), exemption("alpha")]).unwrap();
    let order: Vec<&str> = edit.ledger().exemptions.iter().map(|it| it.project.as_str()).collect();
    assert_eq!(order, ["alpha", "beta", "delta", "gamma", "zeta"]);
    assert!(
        edit.text()
            .contains("# What was there on the first day.\n\n[[exemption]]\nproject = \"alpha\"")
    );
    assert!(edit.text().contains("# because of the old parser\n[[exemption]]\nproject = \"beta\""));
    assert!(edit.text().contains("\n\n# How we work with acme.\n[[import]]"));
}

#[test]
fn what_goes_takes_its_own_comment_and_no_other() {
    let mut edit = edit();
    let count = edit.remove(|it: &Exemption| it.project.as_str() == "beta").unwrap();
    assert_eq!(count, 1);
    assert_eq!(changed(&edit).iter().filter(|line| line.starts_with('+')).count(), 0);
    assert_eq!(changed(&edit).len(), 8);
    assert!(
        edit.text()
            .contains("# What was there on the first day.\n\n[[exemption]]\nproject = \"delta\"")
    );
    edit.remove(|_: &Import| true).unwrap();
    assert!(!edit.text().contains("acme"), "{}", edit.text());
    assert!(!edit.text().contains("import"), "{}", edit.text());
    edit.remove(|_: &TrustedPublisher| true).unwrap();
    edit.remove(|_: &Exemption| true).unwrap();
    assert!(edit.text().ends_with("# What was there on the first day.\n"), "{}", edit.text());
    assert_eq!(edit.remove(|_: &Exemption| true).unwrap(), 0);
}

#[test]
fn values_change_and_the_comments_beside_them_stay() {
    let mut edit = edit();
    let digest = exemption("a").files[0].digest;
    let change = |import: &Import| {
        Some(Import { fetched: Some(date(2026, 11, 30)), ledger: Some(digest), ..import.clone() })
    };
    assert_eq!(edit.change(change).unwrap(), 1);
    let expect = ["+fetched = 2026-11-30".to_owned(), format!("+ledger = \"{digest}\"")];
    assert_eq!(changed(&edit), expect);
    let mut edit = self::edit();
    edit.change(|it: &TrustedPublisher| {
        Some(TrustedPublisher { until: date(2027, 12, 31), ..it.clone() })
    })
    .unwrap();
    let expect = ["-until = 2026-12-31   # look again", "+until = 2027-12-31   # look again"];
    assert_eq!(changed(&edit), expect);
    assert_eq!(edit.change(|_: &TrustedPublisher| None).unwrap(), 0);
}

#[test]
fn an_import_gets_keys_and_criteria() {
    let mut edit = edit();
    edit.change(|it: &Import| {
        let mut new = it.clone();
        new.keys[0].key = "ed25519-d".to_owned();
        new.mapping.insert(
            CriterionName::parse("reviewed").unwrap(),
            vec![CriterionName::parse("safe-to-run").unwrap()],
        );
        Some(new)
    })
    .unwrap();
    assert_eq!(edit.ledger().imports[0].mapping.len(), 2);
    assert_eq!(edit.ledger().imports[0].keys[0].key, "ed25519-d");
    assert!(edit.text().contains("# moved in May"), "{}", edit.text());
    let last = edit.text().find("[[trusted]]").unwrap();
    assert!(edit.text().find("ed25519-d").unwrap() < last, "{}", edit.text());
}

#[test]
fn first_sections_of_their_kind_and_files_without_a_last_line_end() {
    let head = LEDGER.split("\n\n[[key]]").next().unwrap();
    let mut edit = Edit::new("ledger.toml", head).unwrap();
    edit.add(&[exemption("gamma")]).unwrap();
    assert!(edit.text().starts_with(&format!("{head}\n\n[[exemption]]\n")), "{}", edit.text());
    edit.add(&[exemption("beta")]).unwrap();
    assert!(edit.text().ends_with("reason = \"a \\\"reason\\\"\"\n"));
    assert_eq!(edit.text().matches("\n\n[[exemption]]\n").count(), 2);
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let code = |errors: Vec<SourceError>| errors[0].code;
    let mut edit = edit();
    let again = edit.ledger().keys.clone();
    assert_eq!(code(edit.add(&again).unwrap_err()), "listed-twice");
    assert_eq!(edit.text(), LEDGER, "nothing happened");
    let inline = LEDGER.split("\n\n[[key]]").next().unwrap();
    let inline = format!(
        "violation = [{{ project = \"a\", files = [\"sha256:{} a-1.zip\"], on = 2026-01-01, reason = \"r\" }}]\n{inline}",
        "a".repeat(64)
    );
    let mut edit = Edit::new("ledger.toml", &inline).unwrap();
    assert_eq!(code(edit.remove(|_: &Violation| true).unwrap_err()), "not-editable");
    // A table of an import that stands somewhere else does not follow it.
    let apart = LEDGER.replace(
        "\n[import.criteria]",
        "\n[[key]]\nauthor = \"z@example.org\"\nkey = \"z\"\n\n[import.criteria]",
    );
    let mut edit = Edit::new("ledger.toml", &apart).unwrap();
    assert!(edit.remove(|_: &Import| true).is_err());
    assert_eq!(edit.text(), apart);
}
