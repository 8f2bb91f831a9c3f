//! Input that cannot be used, or only in part: each has its message, and nothing is dropped in silence.

use countermark_testkit::index::{Behaviour, Format};

use super::JSON;
use super::world::{Federation, file, findings};

#[test]
fn unknown_keys_are_shown_at_their_place() {
    let federation = Federation::new();
    let server = federation.serve();
    let text = "[federation]\nname = \"Kitchen\"\n\n[[custody]]\nproject = \"jug\"\nstate = \"gone\"\n\
        reson = \"?\"\n";
    federation.world.write("federation.toml", text);
    federation
        .audit(&server, &[])
        .expect(2)
        .says("federation.toml:6:9")
        .says("federation.toml:7:1")
        .says("reason");
    assert!(server.requests().is_empty(), "nobody is asked before the input is right");
}

#[test]
fn a_rule_that_is_none_cannot_be_accepted() {
    let federation = Federation::new();
    let server = federation.serve();
    let text = "[[accept]]\nrule = \"rouge-release\"\nproject = \"jug\"\napproved-by = \"bea\"\n\
        reason = \"?\"\nexpires = 2999-01-01\n";
    federation.world.write("federation.toml", text);
    federation.audit(&server, &[]).expect(2).says("federation.toml:2:8");
}

#[test]
fn one_broken_deliverable_is_told_and_the_rest_is_judged() {
    let federation = Federation::new().upload("jug", "1.2", "2024-05-01");
    let server = federation.serve();
    let path = "deliverables/_independent/broken.yaml";
    federation.world.write(path, "releases:\n  - version: 1.0\n   projects: {\n");
    let run = federation.audit(&server, &[]);
    run.expect(1).says("rogue-release").says(&format!("{path}:"));
    // With nothing worse it is "could not check", not "nothing found".
    let federation = Federation::new();
    let server = federation.serve();
    federation.world.write(path, "releases:\n  - version: 1.0\n   projects: {\n");
    federation.audit(&server, &[]).expect(3).says(&format!("{path}:"));
}

#[test]
fn an_index_that_answers_half_is_told_project_by_project() {
    let mut federation = Federation::new().upload("teapot", "1.2", "2024-05-01");
    let broken = Behaviour::Status { code: 500, retry_after: None };
    federation.scenario = federation.scenario.on("/simple/jug/", broken);
    let server = federation.serve();
    let run = federation.audit(&server, &[]);
    run.expect(1).says("rogue-release").says("jug").says("500");
    let calm = federation.audit(&server, &["--fail-on", "high"]);
    calm.expect(3);
}

#[test]
fn html_is_as_good_as_json_where_it_says_the_same() {
    let mut federation = Federation::new().upload("jug", "1.2.dev1", "2024-05-01");
    federation.scenario = federation.scenario.format(Format::Html);
    let server = federation.serve();
    let run = federation.audit(&server, &JSON);
    let found = findings(run.expect(1));
    assert!(found.contains(&"medium development-release jug 1.2.dev1".to_owned()), "{found:?}");
    run.says("html-only");
}

#[test]
fn a_page_of_another_project_is_not_taken_for_this_one() {
    let mut federation = Federation::new();
    federation.scenario =
        federation.scenario.project("jug", |project| project.shown_name = Some("mug".to_owned()));
    let server = federation.serve();
    federation.audit(&server, &[]).says("mug");
}

#[test]
fn versions_that_are_none_are_told() {
    let federation =
        Federation::new().add("jug", file("jug-1.0-final-really.tar.gz", "2024-05-01"));
    let server = federation.serve();
    federation.audit(&server, &["--all"]).says("1.0-final-really");
}

#[test]
fn records_older_than_the_index_are_no_alarm() {
    let federation =
        Federation::new().upload("jug", "2.0", "2025-01-01").upload("kettle", "2.0", "2025-02-01");
    let server = federation.serve();
    federation
        .audit(&server, &[])
        .expect(0)
        .says("2 release(s) newer than the records (2024-06-01)");
}

#[test]
fn files_that_are_none_are_refused_before_anything_is_asked() {
    let federation = Federation::new();
    let server = federation.serve();
    for arguments in [
        ["--federation", "absent.toml"],
        ["--constraints", "absent.txt"],
        ["--previous", "absent.jsonl"],
        ["--names", "absent.txt"],
        ["--records", "absent"],
        ["--artifacts", "absent"],
        ["--as-of", "yesterday"],
        ["--project", "not a name"],
    ] {
        federation.audit(&server, &arguments).expect(2);
    }
    federation.world.write("facts.jsonl", "this is no snapshot\n");
    federation.world.run(&["audit", "--replay", "facts.jsonl", "--cache-dir", "c"]).expect(2);
    federation.world.run(&["audit", "--replay", "absent.jsonl", "--cache-dir", "c"]).expect(2);
}

#[test]
fn records_that_are_not_there_are_told_from_a_folder_without_any() {
    let federation = Federation::new();
    let server = federation.serve();
    federation.audit(&server, &["--records", "absent"]).expect(2).says("`absent` is not there");
}

#[test]
fn a_folder_without_records_says_what_to_do() {
    let federation = Federation::new();
    std::fs::remove_dir_all(federation.world.path("deliverables")).expect("removed");
    let server = federation.serve();
    federation.audit(&server, &[]).expect(2).says("no-records").says("--records PATH");
}

#[test]
fn a_line_of_a_snapshot_that_cannot_be_read_is_told_with_its_number() {
    let federation = Federation::new();
    let server = federation.serve();
    federation.audit(&server, &["--record", "facts.jsonl"]).expect(0);
    let mut lines: Vec<String> =
        federation.world.read("facts.jsonl").lines().map(str::to_owned).collect();
    lines[2] = "{\"name\": 5}".to_owned();
    federation.world.write("facts.jsonl", lines.join("\n"));
    let run = federation.world.run(&["audit", "--replay", "facts.jsonl", "--cache-dir", "cache"]);
    run.expect(3).says("facts.jsonl:3:");
}

#[test]
fn lines_of_a_list_of_names_that_are_no_names_are_told() {
    let federation = Federation::new();
    let server = federation.serve();
    federation.world.write("names.txt", "keystone\n-x\nkett le\n");
    federation
        .audit(&server, &["--names", "names.txt"])
        .says("names.txt: 2 line(s) are no names, such as `-x`");
}

#[test]
fn a_project_of_a_table_that_is_not_there_is_no_guess() {
    let federation = Federation::new();
    let server = federation.serve();
    federation.world.write("releases.csv", "project,version,date\njug,1.0,\njug,1.1,\npot,1.0,\n");
    let run = federation.audit(&server, &["--records", "releases.csv", JSON[0], JSON[1]]);
    run.expect(1);
    assert!(findings(&run).contains(&"medium name-gone pot".to_owned()), "{:?}", findings(&run));
}

#[test]
fn a_file_that_was_to_be_looked_into_and_cannot_be_had_is_no_good_answer() {
    let mut federation = Federation::new();
    let gone = Behaviour::Status { code: 404, retry_after: None };
    federation.scenario = federation.scenario.on("/files/jug-1.1.tar.gz", gone);
    let server = federation.serve();
    let run =
        federation.audit(&server, &["--inspect", "5000", "--project", "jug", "--fail-on", "never"]);
    run.expect(3).says("jug: not looked into").says("404");
}

#[test]
fn what_a_page_says_and_cannot_be_used_is_told() {
    let federation = Federation::new().add("jug", file("jug.zip", "2024-06-01"));
    let server = federation.serve();
    federation.audit(&server, &["--details"]).says("the index about jug: ").says("jug.zip");
}
