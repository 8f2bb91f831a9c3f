use super::*;

fn review(project: &str, digit: char, signature: Option<&str>) -> String {
    let signature = signature.map(|it| format!("signature = \"{it}\"\n")).unwrap_or_default();
    format!(
        "[[review]]\nproject = \"{project}\"\nversion = \"1.0\"\nfiles = [\n    \"sha256:{} {project}-1.0.tar.gz\",\n]\n\
         criteria = [\"safe-to-run\"]\nhow = \"full\"\nauthor = \"alice@example.org\"\non = 2026-11-22\n{signature}\n",
        digit.to_string().repeat(64)
    )
}

fn three_way(kind: Kind, base: &str, ours: &str, theirs: &str) -> Merged {
    let side = |file, text| Side { file, text };
    let found =
        merge(kind, side("base", base), side("ours", ours), side("theirs", theirs)).unwrap();
    // Whichever side one stands on, the same comes out, but for what is nobody's place.
    let other =
        merge(kind, side("base", base), side("ours", theirs), side("theirs", ours)).unwrap();
    assert_eq!(found.conflicts.len(), other.conflicts.len());
    if found.conflicts.is_empty() && kind == Kind::Ledger {
        let read = |text: &str| Ledger::parse("merged", text.as_bytes()).unwrap();
        let values = |ledger: &Ledger| {
            let mut lines: Vec<String> = ledger.write().lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(values(&read(&found.text)), values(&read(&other.text)));
    } else if found.conflicts.is_empty() {
        assert_eq!(found.text, other.text);
    }
    found
}

fn projects(text: &str) -> Vec<String> {
    let file = ReviewFile::parse("merged", text).unwrap();
    file.iter().map(|entry| entry.review.project.to_string()).collect()
}

#[test]
fn reviews_of_both_sides_are_there_and_removed_ones_are_not() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| review(name, 'a', None));
    let merged =
        three_way(Kind::Reviews, &format!("{a}{d}"), &format!("{a}{b}{d}"), &format!("{a}{c}"));
    assert_eq!(projects(&merged.text), ["a", "b", "c"]);
    assert!(merged.notes.is_empty() && merged.conflicts.is_empty());
    // The same review on both sides is one.
    let merged = three_way(Kind::Reviews, "", &a, &format!("{a}{b}"));
    assert_eq!(projects(&merged.text), ["a", "b"]);
}

#[test]
fn a_signature_is_not_lost() {
    let (bare, one, two) =
        (review("a", 'a', None), review("a", 'a', Some("one")), review("a", 'a', Some("two")));
    let merged = three_way(Kind::Reviews, &bare, &bare, &one);
    assert!(merged.text.contains("signature = \"one\""));
    let side = |text| Side { file: "f", text };
    let merged = merge(Kind::Reviews, side(&bare), side(&one), side(&two)).unwrap();
    assert!(merged.text.contains("signature = \"one\""));
    assert_eq!(
        merged.notes,
        ["the review of a 1.0 by alice@example.org is signed in two ways; one stays"]
    );
    let merged = merge(Kind::Reviews, side(&bare), side(""), side(&one)).unwrap();
    assert_eq!(projects(&merged.text), ["a"]);
    assert_eq!(merged.notes.len(), 1);
}

const HEAD: &str = "# Ours.\n[ledger]\nversion = 1\nname = \"example.org/team\"\n\
                    initialised = 2026-11-22\ncriteria = [\"safe-to-deploy\"]\n";

fn exemption(project: &str, digits: &str) -> String {
    let files: String = digits
        .chars()
        .map(|it| format!("    \"sha256:{} {project}-1.0-{it}.zip\",\n", it.to_string().repeat(64)))
        .collect();
    format!(
        "\n[[exemption]]\nproject = \"{project}\"\nversion = \"1.0\"\nfiles = [\n{files}]\n\
         criteria = [\"safe-to-deploy\"]\non = 2026-11-22\n"
    )
}

fn trusted(until: &str, comment: &str) -> String {
    format!(
        "\n{comment}[[trusted]]\npublisher = \"github:a/b/c.yml\"\nprojects = [\"b\"]\n\
         criteria = [\"safe-to-run\"]\nfrom = 2026-01-01\nuntil = {until}\nreason = \"r\"\n"
    )
}

#[test]
fn exemptions_are_merged_file_by_file() {
    let base = format!("{HEAD}{}{}", exemption("a", "abc"), exemption("b", "a"));
    let ours = format!("{HEAD}{}{}", exemption("a", "bc"), exemption("b", "a"));
    let theirs = format!("{HEAD}{}{}", exemption("a", "abd"), exemption("c", "a"));
    let merged = three_way(Kind::Ledger, &base, &ours, &theirs);
    let ledger = Ledger::parse("merged", merged.text.as_bytes()).unwrap();
    let found: Vec<(String, usize)> =
        ledger.exemptions.iter().map(|it| (it.project.to_string(), it.files.len())).collect();
    assert_eq!(found, [("a".to_owned(), 2), ("c".to_owned(), 1)]);
    assert!(merged.conflicts.is_empty());
    assert!(merged.text.starts_with("# Ours.\n"));
    // What both took out is out.
    let merged = three_way(Kind::Ledger, &base, &format!("{HEAD}{}", exemption("a", "a")), HEAD);
    assert!(!merged.text.contains("exemption"));
}

#[test]
fn comments_come_along_and_two_answers_are_a_conflict() {
    let base = format!("{HEAD}{}", trusted("2026-12-31", ""));
    let theirs = format!("{HEAD}{}", trusted("2027-06-30", "# asked in May\n"));
    let merged = three_way(Kind::Ledger, &base, &base, &theirs);
    assert_eq!(merged.text, theirs);
    let ours = format!("{HEAD}{}", trusted("2027-01-31", ""));
    let merged = three_way(Kind::Ledger, &base, &ours, &theirs);
    assert_eq!(merged.conflicts[0].about, "[[trusted]] github:a/b/c.yml b");
    assert_eq!(merged.text, ours, "ours stays");
    let marked = merged.marked();
    let lines: Vec<&str> =
        marked.lines().filter(|it| it.starts_with(['<', '=', '>', '#'])).collect();
    let expect = ["# Ours.", "<<<<<<< ours", "=======", "# asked in May", ">>>>>>> theirs"];
    assert_eq!(lines, expect, "{marked}");
    let codes: Vec<&str> = Ledger::parse("marked", marked.as_bytes())
        .unwrap_err()
        .iter()
        .map(|error| error.code)
        .collect();
    assert_eq!(codes, ["merge-conflict"; 3]);
    let merged = three_way(Kind::Ledger, &base, HEAD, &theirs);
    assert_eq!(merged.conflicts.len(), 1, "one took it away, one made it longer");
    let merged = three_way(Kind::Ledger, &base, HEAD, &base);
    assert_eq!(merged.text.trim_end(), HEAD.trim_end());
}

#[test]
fn criteria_and_the_head_are_merged_in_an_order_that_can_be_read() {
    let own =
        "\n[[criteria]]\nname = \"crypto\"\ndescription = \"d\"\nimplies = [\"safe-to-run\"]\n";
    let with = format!("{}{own}", HEAD.replace("[\"safe-to-deploy\"]", "[\"crypto\"]"));
    let merged = three_way(Kind::Ledger, HEAD, &format!("{HEAD}{}", exemption("a", "a")), &with);
    assert!(
        merged.text.contains("criteria = [\"crypto\"]")
            && merged.text.contains("name = \"crypto\"")
    );
    let merged = three_way(Kind::Ledger, &with, &format!("{with}{}", exemption("a", "a")), HEAD);
    assert!(!merged.text.contains("crypto"), "{}", merged.text);
    let [one, two] = ["one", "two"].map(|name| HEAD.replace("example.org/team", name));
    let merged = three_way(Kind::Ledger, HEAD, &one, &two);
    assert_eq!(merged.conflicts[0].about, "`name` of [ledger]");
    assert!(
        merged
            .marked()
            .contains("<<<<<<< ours\nname = \"one\"\n=======\nname = \"two\"\n>>>>>>> theirs\n")
    );
}

#[test]
fn of_two_fetches_the_later_one_and_of_two_decisions_none() {
    let import = |fetched: &str, digit: &str, url: &str| {
        format!(
            "{HEAD}\n[[import]]\nname = \"acme\"\nurl = \"{url}\"\nfetched = {fetched}\nledger = \"sha256:{}\"\n\
             \n[import.criteria]\nsafe-to-run = [\"safe-to-run\"]\n",
            digit.repeat(64)
        )
    };
    let (base, ours, theirs) = (
        import("2026-01-01", "a", "u"),
        import("2026-02-01", "b", "u"),
        import("2026-03-01", "c", "u"),
    );
    let merged = three_way(Kind::Ledger, &base, &ours, &theirs);
    assert!(merged.text.contains(&"c".repeat(64)) && merged.conflicts.is_empty());
    let merged = three_way(Kind::Ledger, &base, &ours, &import("2026-03-01", "c", "v"));
    assert_eq!(merged.conflicts[0].about, "[[import]] acme");
}

#[test]
fn facts_and_relations_that_contradict_are_left_out_and_roles_are_joined() {
    let file = |publisher: &str| {
        format!(
            "[[file]]\nproject = \"a\"\nversion = \"1.0\"\nfile = \"sha256:{} a-1.0.zip\"\npublisher = \"{publisher}\"\nadds = []\n",
            "a".repeat(64)
        )
    };
    let roles = |account: &str| {
        format!("[[roles]]\nproject = \"a\"\naccounts = [\"{account}\"]\non = 2026-11-22\n")
    };
    let merged = three_way(
        Kind::Facts,
        "",
        &format!("{}{}", roles("x"), file("p")),
        &format!("{}{}", roles("y"), file("q")),
    );
    assert!(merged.text.contains("accounts = [\"x\", \"y\"]") && !merged.text.contains("[[file]]"));
    assert_eq!(merged.notes.len(), 2);
    let relation = |same: u32| {
        format!(
            "[[relation]]\nproject = \"a\"\nversion = \"1.0\"\nfrom = \"sha256:{} a-1.0.zip\"\nto = \"sha256:{} a-1.0-py3-none-any.whl\"\n\
             same = {same}\npermitted = []\ncompiled = []\nunexplained = []\n",
            "a".repeat(64),
            "b".repeat(64)
        )
    };
    let merged = three_way(Kind::Relations, "", &relation(1), &relation(2));
    assert!(!merged.text.contains("[[relation]]") && merged.notes.len() == 1);
    assert!(three_way(Kind::Relations, "", &relation(1), "").text.contains("same = 1"));
}

#[test]
fn a_side_that_cannot_be_read_is_told() {
    let side = |file, text| Side { file, text };
    let errors = merge(Kind::Reviews, side("base", ""), side("ours", "x\n"), side("theirs", ""))
        .unwrap_err();
    assert_eq!(errors[0].to_string(), "ours:1:1: \"x\" stands outside of a review");
    assert_eq!(Kind::of_path("a/ledger/facts.toml"), Some(Kind::Facts));
    assert_eq!(Kind::of_path("pyproject.toml"), None);
    assert_eq!(Kind::of_text("# c\n[ledger]\n"), Some(Kind::Ledger));
}

#[test]
fn a_violation_is_not_lost_with_its_double() {
    let head = "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\ncriteria = [\"safe-to-run\"]\n";
    let bad = |reason: &str| {
        let digest = "a".repeat(64);
        format!(
            "\n[[violation]]\nproject = \"a\"\nversion = \"1.0\"\nfiles = [\n    \"sha256:{digest} a-1.0.tar.gz\",\n]\non = 2026-11-22\nreason = \"{reason}\"\n"
        )
    };
    let check = |base: &[&str], theirs: &[&str]| {
        let text = |reasons: &[&str]| {
            let blocks: String = reasons.iter().map(|it| bad(it)).collect();
            format!("{head}{blocks}")
        };
        let (base, theirs) = (text(base), text(theirs));
        let merged = three_way(Kind::Ledger, &base, &base, &theirs);
        assert!(merged.conflicts.is_empty());
        let found = Ledger::parse("merged", merged.text.as_bytes()).unwrap();
        let kept: Vec<&str> = found.violations.iter().map(|it| it.reason.as_str()).collect();
        let expected = Ledger::parse("theirs", theirs.as_bytes()).unwrap();
        let expected: Vec<&str> = expected.violations.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(kept, expected);
    };
    // One branch takes one of two that say the same away; the other is still meant.
    check(&["steals keys", "steals keys"], &["steals keys"]);
    check(&["found by Alice", "found by Bob"], &["found by Bob"]);
}
