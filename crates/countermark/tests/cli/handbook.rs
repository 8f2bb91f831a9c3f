//! `handbook` and `audit init`: what is made of federation.toml, and what makes one.

use crate::support::World;

/// Two projects, released by a robot; `ann` holds a role on one of them.
const FACTS: &str = concat!(
    r#"{"format":"countermark-facts/1","index":"https://index.example.org/simple/","read":"2026-11-20T00:00:00Z"}"#,
    "\n",
    r#"{"name":"kettle","presence":"present","roles":[{"role":"Owner","account":"robot"},{"role":"Owner","account":"ada"}],"releases":[{"version":"1.0","files":[{"filename":"kettle-1.0.tar.gz","kind":"sdist","uploaded":"2026-01-02T00:00:00Z"}]}]}"#,
    "\n",
    r#"{"name":"teapot","presence":"present","roles":[{"role":"Owner","account":"robot"},{"role":"Owner","account":"ada"},{"role":"Owner","account":"ann"}],"releases":[{"version":"1.0","files":[{"filename":"teapot-1.0.tar.gz","kind":"sdist","uploaded":"2026-01-02T00:00:00Z"}]}]}"#,
    "\n",
    r#"{"name":"urn","presence":"present","roles":[{"role":"Owner","account":"robot"},{"role":"Owner","account":"ada"}],"releases":[{"version":"1.0","files":[{"filename":"urn-1.0.tar.gz","kind":"sdist","uploaded":"2026-01-02T00:00:00Z"}]}]}"#,
    "\n",
);

const RECORDS: &str =
    "project,version,date\nteapot,1.0,2026-01-02\nkettle,1.0,2026-01-02\nurn,1.0,2026-01-02\n";

const FEDERATION: &str = "\
[federation]
name = \"Tea Things\"
[[records]]
kind = \"table\"
path = \"releases.csv\"
[accounts]
release = [\"robot\"]
owners = [\"robot\", \"ada\"]
";

fn world() -> World {
    let world = World::new();
    world.write("facts.jsonl", FACTS);
    world.write("releases.csv", RECORDS);
    world.write("federation.toml", FEDERATION);
    world
}

#[test]
fn the_page_is_made_and_compared() {
    let world = world();
    let page = world.run(&["handbook"]);
    page.expect(0).says("# Handbook of Tea Things\n");
    world.run(&["handbook", "--output", "HANDBOOK.md"]).expect(0);
    assert_eq!(world.read("HANDBOOK.md"), page.stdout);
    let same = world.run(&["handbook", "--check", "HANDBOOK.md"]);
    same.expect(0);
    assert_eq!((same.stdout.as_str(), same.stderr.as_str()), ("", ""));
    // Line ends of another system are no difference; a word is.
    world.write("crlf.md", page.stdout.replace('\n', "\r\n"));
    world.run(&["handbook", "--check", "crlf.md"]).expect(0);
    world.write("federation.toml", FEDERATION.replace("Tea Things", "Coffee"));
    let run = world.run(&["handbook", "--check", "HANDBOOK.md"]);
    run.expect(1).says("-# Handbook of Tea Things\n+# Handbook of Coffee\n");
    run.says("error[handbook-outdated]: `HANDBOOK.md` is not what `federation.toml` says");
    world.run(&["handbook", "--check", "nowhere.md"]).expect(2).says("cannot read `nowhere.md`");
}

#[test]
fn the_index_is_compared_with_the_page() {
    let world = world();
    world.run(&["handbook", "--output", "HANDBOOK.md"]).expect(0);
    let check = ["handbook", "--check", "HANDBOOK.md", "--replay", "facts.jsonl"];
    let run = world.run(&check);
    run.expect(1).says("Who may hold what\n  medium teapot: `ann` is an owner and nobody expects it [stranger-role]\n");
    run.says("error[handbook-differs]: facts.jsonl differs from the handbook in 1 place");
    run.never_says("handbook-outdated");
    world.run(&[&check[..], &["--fail-on", "high"]].concat()).expect(0).says("[stranger-role]");
    let keep = "[[keep]]\nproject = \"teapot\"\naccount = \"ann\"\napproved-by = \"Ada\"\nreason = \"founder\"\nexpires = ";
    world.write("federation.toml", format!("{FEDERATION}{keep}2026-11-20\n"));
    let outdated = world.run(&check);
    outdated.expect(1).says("handbook-outdated").never_says("stranger-role");
    world.run(&["handbook", "--output", "HANDBOOK.md"]).expect(0);
    let run = world.run(&check);
    run.expect(0);
    assert_eq!(run.stdout, "");
    // The day after.
    let later = world.run(&[&check[..], &["--as-of", "2026-11-21"]].concat());
    later.expect(1).says("[stranger-role]").says("[expired-acceptance]");
}

#[test]
fn without_a_file_there_is_no_handbook() {
    let run = World::new().run(&["handbook"]);
    run.expect(2).says("error[no-federation]: there is no `federation.toml` here");
    run.says("hint: give --federation FILE; `countermark audit init` drafts one");
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let world = World::new();
    world.write(
        "federation.toml",
        "[accounts]\nownres = [\"ada\"]\n\n[[custody]]\nproject = \"urn\"\nstate = \"left\"\non = 2023-09-31\nreason = \"r\"\n",
    );
    let run = world.run(&["handbook"]);
    run.expect(2).says(
        "error[unknown-key]: `ownres` is not a key of [accounts]\n --> federation.toml:2:1\n  |\n\
         2 | ownres = [\"ada\"]\n  | ^^^^^^\nhint: did you mean `owners`?\n",
    );
    run.says(
        "error[bad-date]: `on` must be a day of the calendar, found 2023-09-31\n --> federation.toml:7:6\n",
    );
    // The audit says the same of the same file.
    let audit = world.run(&["audit", "--replay", "facts.jsonl"]);
    audit.expect(2);
    assert_eq!(audit.stderr, run.stderr);
}

#[test]
fn a_draft_is_a_file_that_can_be_used() {
    let world = world();
    std::fs::remove_file(world.path("federation.toml")).expect("it is there");
    let input = ["--records", "releases.csv", "--replay", "facts.jsonl"];
    let draft = world.run(&[&["audit", "init"], &input[..]].concat());
    draft.expect(0);
    for line in [
        "[[records]]\nkind = \"table\"\npath = \"releases.csv\"\n",
        "# Assumed: \"robot\" holds a role on 3 of 3 projects.\n",
        "release = [\"ada\", \"robot\"]\n",
        "#[[keep]]\n#project = \"teapot\"\n#account = \"ann\"\n#role = \"Owner\"\n#approved-by = \"TODO\"\n",
    ] {
        assert!(draft.stdout.contains(line), "{line}\n{}", draft.stdout);
    }
    let command = [&["audit", "init", "--output", "federation.toml"], &input[..]].concat();
    world.run(&command).expect(0);
    assert_eq!(world.read("federation.toml"), draft.stdout);
    // What somebody may have changed since is not replaced.
    world.write("federation.toml", "# mine\n");
    world.run(&command).expect(2).says("error[file-exists]: `federation.toml` is there already");
    assert_eq!(world.read("federation.toml"), "# mine\n");
    // From another folder the paths lead to the same files.
    std::fs::create_dir(world.path("policy")).expect("a folder");
    let command = [&["audit", "init", "--output", "policy/federation.toml"], &input[..]].concat();
    world.run(&command).expect(0);
    let elsewhere = ["--federation", "policy/federation.toml", "--replay", "facts.jsonl"];
    let audit = world.run(&[&["audit", "--format", "json"], &elsewhere[..]].concat());
    audit.expect(1).says("stranger-role").never_says("taken as the official records");
    // A proposal that is taken over unanswered is no answer.
    let text = world.read("policy/federation.toml").replace("#[[keep]]", "[[keep]]");
    let text = text.replace(
        "\n#project = \"teapot\"\n#account = \"ann\"\n#role",
        "\nproject = \"teapot\"\naccount = \"ann\"\n#role",
    );
    world.write("policy/federation.toml", text.replace("\n#approved-by", "\napproved-by"));
    let run = world.run(&[&["audit"], &elsewhere[..]].concat());
    run.expect(2).says("error[placeholder]: `approved-by` still has to be written");
}
