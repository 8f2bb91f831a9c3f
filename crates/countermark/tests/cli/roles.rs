//! `roles` and `incident`: the table, the list of things to do, the plans.

use crate::support::World;

const FACTS: &str = concat!(
    r#"{"format":"countermark-facts/1","index":"https://index.example.org/simple/","read":"2026-11-20T00:00:00Z"}"#,
    "\n",
    r#"{"name":"kettle","presence":"present","roles":[{"role":"Owner","account":"robot"}],"releases":[{"version":"1.0","files":[{"filename":"kettle-1.0.tar.gz","kind":"sdist","uploaded":"2026-01-02T00:00:00Z"}]}]}"#,
    "\n",
    r#"{"name":"teapot","presence":"present","roles":[{"role":"Owner","account":"ann"}],"releases":[{"version":"1.0","files":[{"filename":"teapot-1.0.tar.gz","kind":"sdist","uploaded":"2026-01-02T00:00:00Z"}]}]}"#,
    "\n",
);

const FEDERATION: &str = "\
[[records]]
kind = \"table\"
path = \"releases.csv\"
[accounts]
release = [\"robot\"]
";

fn world() -> World {
    let world = World::new();
    world.write("facts.jsonl", FACTS);
    world.write(
        "releases.csv",
        "project,version,date\nteapot,1.0,2026-01-02\nkettle,1.0,2026-01-02\n",
    );
    world.write("federation.toml", FEDERATION);
    world
}

#[test]
fn the_table_can_be_narrowed() {
    let world = world();
    let roles = |more: &[&str]| world.run(&[&["roles", "--replay", "facts.jsonl"], more].concat());
    let all = roles(&[]);
    all.expect(0)
        .says("kettle  Owner  robot  release account\nteapot  Owner  ann    not expected\n");
    roles(&["--project", "kettle"]).expect(0).never_says("teapot");
    roles(&["--account", "ANN"]).expect(0).says("teapot").never_says("kettle");
    roles(&["--account", "nobody"]).expect(0).says("no project");
    roles(&["--format", "json"]).expect(0).says("\"format\": \"countermark-roles/1\"");
    roles(&["--project", "ketle"])
        .expect(2)
        .says("error[unknown-project]: `ketle` is none of the 2 projects\nhint: near it: kettle");
    roles(&["--project", "a b"]).expect(2).says("error[bad-option]");
    roles(&["--output", "table.txt"]).expect(0);
    assert_eq!(world.read("table.txt"), all.stdout);
}

#[test]
fn the_list_of_things_to_do_ends() {
    let world = world();
    let todo = ["roles", "--replay", "facts.jsonl", "--todo"];
    world
        .run(&todo)
        .expect(0)
        .says("`ann`:\n  make `robot` owner: teapot\n")
        .says("`robot`:\n  remove `ann` (owner): teapot\n");
    world.run(&[&todo[..], &["--project", "kettle"]].concat()).expect(0).says("nothing to do");
    world.write("facts.jsonl", FACTS.replace("\"ann\"", "\"robot\""));
    world.run(&todo).expect(0).says("nothing to do");
}

#[test]
fn what_was_not_read_is_said() {
    let world = world();
    let unread = r#""presence":"unread","reason":"the index answered 500","roles":null"#;
    let roles = r#""presence":"present","roles":[{"role":"Owner","account":"ann"}]"#;
    assert!(FACTS.contains(roles));
    world.write("facts.jsonl", FACTS.replace(roles, unread));
    let run = world.run(&["roles", "--replay", "facts.jsonl"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
    run.never_says("ann");
}

#[test]
fn plans_are_for_what_is_there() {
    let world = world();
    let incident =
        |more: &[&str]| world.run(&[&["incident", "--replay", "facts.jsonl"], more].concat());
    world.write("pins.txt", "kettle\nteapot===1.0 ; python_version == '2.7'\n");
    incident(&["teapot", "1.0", "--pins", "pins.txt"])
        .expect(0)
        .says("Pulling teapot 1.0\n")
        .says("pins.txt:2 pins it")
        .never_says("pins.txt:1");
    incident(&["teapot", "1.0", "--format", "markdown"]).expect(0).says("- [ ] Yank the release");
    incident(&["teapot", "2.0"]).expect(2).says("error[unknown-release]");
    incident(&["teaspot", "2.0"]).expect(2).says("error[unknown-project]").says("near it: teapot");
    incident(&["--account", "robot"]).expect(0).says("nobody else owns them: kettle");
    incident(&["--account", "robo"])
        .expect(2)
        .says("error[unknown-account]")
        .says("near it: robot");
    incident(&["--failed-job", "teapot", "1.0"]).expect(0).says("kettle 1.0: published whole");
    incident(&["teapot"]).expect(2);
    incident(&["--failed-job"]).expect(2);
    incident(&["--account", "robot", "teapot", "1.0"]).expect(2);
    incident(&[]).expect(0).says("`ann` owns 1 of 2 projects");
    world.run(&["incident"]).expect(0).says("What this plan lacks").never_says("owns");
}

#[test]
fn what_was_done_is_written_down() {
    let world = world();
    let log = |what: &[&str]| {
        let start = ["incident", "log", "--log", "log.jsonl", "--who", "ada"];
        world.run(&[&start[..], &["--at", "2026-11-20T10:00:00Z"], what].concat())
    };
    log(&["yanked", "1.0"]).expect(0);
    log(&["told the list"]).expect(0);
    log(&[" "]).expect(2).says("`what` is empty");
    let line =
        |what| format!("{{\"at\":\"2026-11-20T10:00:00Z\",\"who\":\"ada\",\"what\":\"{what}\"}}\n");
    assert_eq!(world.read("log.jsonl"), line("yanked 1.0") + &line("told the list"));
    let plan = ["incident", "teapot", "1.0", "--replay", "facts.jsonl", "--log", "log.jsonl"];
    let said = "2026-11-20T10:00:00Z ada: yanked 1.0";
    world.run(&plan).expect(0).says(said);
    world.write("log.jsonl", "{\"at\":\n".to_owned() + &line("yanked 1.0"));
    world.run(&plan).expect(0).says(said).says("note[unusable-line]: log.jsonl:1: ");
}
