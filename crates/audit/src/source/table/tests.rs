use crate::source::memory::{Memory, entry, problems, read, release, releases};

use super::*;

fn table(name: &str, text: impl Into<Vec<u8>>) -> Result<Records, String> {
    read(&entry("table", &[("path", name)]), &Memory::default().file(name, text))
}

fn csv(text: &str) -> Result<Records, String> {
    table("t.csv", text)
}

fn lamp_is_up_to_now(records: &Records) -> bool {
    records.projects["lamp"].up_to_now
}

const HEADER: &str = "project,version,file,sha256,size,date,commit,repository\n";

/// A row that is good.
fn row(project: &str, version: &str) -> String {
    let (digest, commit) = ("a".repeat(64), "b".repeat(40));
    format!(
        "{project},{version},{project}-{version}.tar.gz,{digest},7,2020-01-31,{commit},tower/{project}\n"
    )
}

#[test]
fn rows_become_releases() {
    let text = format!(
        "{HEADER}{}{}lamp,1.0,lamp-1.0-py3-none-any.whl,,,2020-01-30,,\n",
        row("lamp", "1.0"),
        row("Bell", "2.0")
    );
    let records = csv(&text).unwrap();
    assert_eq!(releases(&records), ["bell 2.0", "lamp 1.0"]);
    let lamp = release(&records, "lamp", "1.0");
    assert_eq!(lamp.commit, Commit::parse(&"b".repeat(40)));
    assert_eq!(lamp.repository.as_deref(), Some("tower/lamp"));
    assert_eq!(lamp.approved, Some("2020-01-30T00:00:00Z".parse().unwrap()));
    assert_eq!(lamp.place.as_deref(), Some("t.csv:2"));
    let [sdist, wheel] = &lamp.files[..] else { panic!("two files") };
    assert_eq!(sdist.sha256.unwrap().hex(), "a".repeat(64));
    assert_eq!((sdist.size, &*sdist.filename), (Some(7), "lamp-1.0.tar.gz"));
    assert_eq!((wheel.sha256, &*wheel.filename), (None, "lamp-1.0-py3-none-any.whl"));
    assert!(records.names_of_repository["tower/lamp"].contains("lamp"));
    assert!(lamp_is_up_to_now(&records));
    // Its names are those of the index, and what it lists is meant to be there.
    assert_eq!(records.projects["lamp"].publishes, crate::record::Publishes::Yes);
    let dated = entry("table", &[("path", "t.csv"), ("date", "2020-02-01")]);
    let dated = read(&dated, &Memory::default().file("t.csv", text.as_str())).unwrap();
    assert!(!lamp_is_up_to_now(&dated) && dated.date.is_some());
    assert_eq!(problems(&records), [""; 0]);
}

#[test]
fn forms_of_csv() {
    let check = |text: &str| assert_eq!(releases(&csv(text).unwrap()), ["lamp 1.0"], "{text}");
    check("project,version\nlamp,1.0");
    check("\u{feff}Version, Project\r\n1.0 ,lamp\r\n\r\n");
    check("# made by hand\n\"project\",\"version\"\n# and so on\n\"lamp\",\"1.0\"\n");
    check("project,version,date\nlamp,1.0,2020-01-31T10:00:00Z\n");
    check("project,version,date\nlamp,1.0,2020-01-31 10:00:00+01:00\n");
    check("project,version,file\nlamp,1.0,\"a, \"\"b\"\".zip\"\n");
    let tabs = table("t.tsv", "project\tversion\nlamp\t1.0\n").unwrap();
    assert_eq!(releases(&tabs), ["lamp 1.0"]);
}

#[test]
fn forms_of_json_lines() {
    let digest = "a".repeat(64);
    let text = format!(
        "{{\"project\":\"lamp\",\"version\":\"1.0\",\"file\":\"lamp-1.0.zip\",\"size\":7,\
         \"sha256\":\"sha256:{digest}\",\"date\":null}}\n\n{{\"version\":\"2\\u002e0\",\
         \"project\":\"lamp\",\"repository\":\"tower/lamp\"}}\n"
    );
    let records = table("t.jsonl", text).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0", "lamp 2.0"]);
    let file = &release(&records, "lamp", "1.0").files[0];
    assert_eq!((file.sha256.unwrap().hex(), file.size), (digest, Some(7)));
}

#[test]
fn rows_of_json_lines_that_cannot_be_used() {
    let good = "{\"project\":\"lamp\",\"version\":\"1.0\"}\n";
    let check = |line: &str, expect: &str| {
        let records = table("t.jsonl", format!("{good}{line}\n{good}")).unwrap();
        assert_eq!(releases(&records), ["lamp 1.0"]);
        let [problem] = &problems(&records)[..] else { panic!("one problem") };
        assert!(problem.starts_with(expect), "{problem}");
    };
    check("{", "t.jsonl:2:1: EOF while parsing an object");
    check("[]", "t.jsonl:2:");
    check("{\"project\":\"lamp\"}", "t.jsonl:2:18: missing field `version`");
    check(
        "{\"project\":\"lamp\",\"version\":\"1\",\"sha\":\"\"}",
        "t.jsonl:2:37: unknown field `sha`, expected one of `project`, `version`, `file`",
    );
    check("{\"project\":\"lamp\",\"version\":1.0}", "t.jsonl:2:31: invalid type: floating point");
    check(
        "{\"project\":\"lamp\", \"version\": \"2\", \"date\": \"soon\"}",
        "t.jsonl:2:44: `soon` is no day and no time",
    );
}

#[test]
fn a_header_that_cannot_be_used_is_refused_with_its_place() {
    let check = |text: &str, expect: &str| assert_eq!(csv(text).unwrap_err(), expect, "{text}");
    check(
        "project,version,sha\n",
        "t.csv:1:17: the column `sha` is not one of `project`, `version`, `file`, `sha256`, \
         `size`, `date`, `commit` and `repository`",
    );
    check(
        "\nproject,\"version\",version\n",
        "t.csv:2:19: the second column `version` is not another one",
    );
    check("project,file\n", "t.csv:1:1: the header is not one with a column `version`");
    check("version\n", "t.csv:1:1: the header is not one with a column `project`");
    check("project,\"version\n", "t.csv:1:9: a quote is not closed is not a row of column names");
    check("", "could not read t.csv: it has no rows");
}

#[test]
fn rows_that_cannot_be_used_have_a_place_and_the_rest_goes_on() {
    let check = |from: &str, to: &str, expect: &str| {
        let bad = row("lamp", "1.1").replacen(from, to, 1);
        let text = format!("{HEADER}{}{bad}{}", row("lamp", "1.0"), row("lamp", "1.2"));
        let records = csv(&text).unwrap();
        assert_eq!(releases(&records), ["lamp 1.0", "lamp 1.2"], "{bad}");
        assert_eq!(problems(&records), [expect.to_owned()], "{bad}");
    };
    let wrong = "`la mp` contains ' '; only ASCII letters, digits, `.`, `-` and `_` are allowed";
    check("lamp,", "la mp,", &format!("t.csv:3:1: {wrong}"));
    check("lamp,", ",", "t.csv:3:1: the name is empty");
    check(",1.1", ",", "t.csv:3:6: `` is no version");
    check("lamp-1.1.tar.gz", "../x.zip", "t.csv:3:10: `../x.zip` is no name of a file");
    check("lamp-1.1.tar.gz", "", "t.csv:3:11: there is no `file` that this could be of");
    check("aaaa,", "aaa,", "t.csv:3:26: a sha256 digest has 64 hexadecimal digits, found 63");
    check(",7,", ",-7,", "t.csv:3:91: `-7` is no number of bytes");
    check(
        "2020-01-31",
        "2020-02-31",
        "t.csv:3:93: `2020-02-31` is no day and no time (`2026-01-31`)",
    );
    check(
        "bbbb,",
        "bbb,",
        &format!("t.csv:3:104: `{}` is no whole name of a commit", "b".repeat(39)),
    );
    check(",tower/lamp", "", "t.csv:3:104: expected 8 fields, found 7");
    check(",tower/lamp", ",tower/lamp,x", "t.csv:3:145: expected 8 fields, found 9");
    check(",tower/lamp", ",\"tower/lamp", "t.csv:3:145: a quote is not closed");
    check("tower/lamp", "tower\u{1b}", "t.csv:3:145: `tower\u{fffd}` is no name of a repository");
    check("1.1", &"1".repeat(129), &format!("t.csv:3:6: `{}…` is no version", "1".repeat(120)));
}

#[test]
fn invalid_versions_are_kept_and_said() {
    let records = csv("project,version\nlamp,1.0-final\nlamp,2.0\nlamp,0.3.rc1\n").unwrap();
    assert_eq!(releases(&records), ["lamp 1.0-final", "lamp 2.0", "lamp 0.3.rc1"]);
    assert_eq!(
        records.assumptions[0],
        "versions in t.csv that are not of PEP 440, kept as written (1): `1.0-final`"
    );
}

#[test]
fn rows_of_one_release_meet_wherever_they_stand() {
    let text = "project,version,file,commit\nlamp,1.0,lamp-1.0.zip,\nlamp,2.0,,\nLamp,1.0,lamp-1.0.tar.gz,\n\
                lamp,1.0,lamp-1.0.zip,\n";
    let records = csv(text).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0", "lamp 2.0"]);
    let names = |records: &Records| -> Vec<String> {
        release(records, "lamp", "1.0").files.iter().map(|it| it.filename.to_string()).collect()
    };
    assert_eq!(names(&records), ["lamp-1.0.zip", "lamp-1.0.tar.gz"]);
    // Rows that contradict each other are two entries.
    let (b, c) = ("b".repeat(40), "c".repeat(40));
    let records =
        csv(&format!("project,version,commit\nlamp,1.0,{b}\nlamp,1.0,{c}\nlamp,1.0,{b}\n"));
    assert_eq!(releases(&records.unwrap()), ["lamp 1.0", "lamp 1.0"]);
}

#[test]
fn only_one_project_when_the_entry_says_so() {
    let entry = entry("table", &[("path", "t.csv"), ("project", "Lamp")]);
    let memory = Memory::default().file("t.csv", "project,version\nlamp,1.0\nbell,2.0\n");
    let records = read(&entry, &memory).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0"]);
    assert_eq!(
        records.assumptions[0],
        "rows of t.csv that are not of `lamp`, left out (1): `bell`"
    );
}

#[test]
fn a_folder_of_tables() {
    let folder = Memory::default()
        .file("a.csv", "project,version\nlamp,1.0\n")
        .file("b.jsonl", "{\"project\":\"bell\",\"version\":\"2.0\"}\n")
        .file("README", "");
    let at = entry("table", &[("path", "tables")]);
    assert_eq!(releases(&read(&at, &folder).unwrap()), ["bell 2.0", "lamp 1.0"]);
    let records = read(&at, &folder.clone().file("c.csv", "name\n")).unwrap();
    assert_eq!(releases(&records), ["bell 2.0", "lamp 1.0"]);
    let [problem] = &problems(&records)[..] else { panic!("one problem") };
    assert!(problem.starts_with("tables/c.csv: tables/c.csv:1:1: the column `name`"), "{problem}");
    let none = read(&at, &Memory::default().file("c.csv", "name\n")).unwrap_err();
    assert!(none.starts_with("tables/c.csv:1:1: the column `name` is not one of"), "{none}");
    let none = read(&at, &Memory::default().file("README", "")).unwrap_err();
    assert!(none.starts_with("tables is not a table, nor a folder with files in `.csv`"), "{none}");
}

#[test]
fn problems_without_end_are_counted() {
    let text = format!("project,version\nlamp,1.0\n{}", "bell\n".repeat(1500));
    let records = csv(&text).unwrap();
    assert_eq!(records.problems.len(), 1001);
    assert_eq!(problems(&records)[1000], "t.csv: 500 more entries cannot be used");
}

proptest::proptest! {
    #[test]
    fn no_table_is_too_odd(text in "[a1,\"#\n\r\t {}:é-]{0,60}") {
        for name in ["t.csv", "t.tsv", "t.jsonl"] {
            let _ = table(name, format!("project,version\n{text}"));
            let _ = table(name, text.as_str());
        }
    }

    #[test]
    fn quoted_fields_come_back(repository in "[a-z,\"# é]{0,20}") {
        let quoted = repository.replace('"', "\"\"");
        let text = format!("repository,project,version\n\"{quoted}\",lamp,1.0\n");
        let records = csv(&text).unwrap();
        let found = release(&records, "lamp", "1.0").repository.clone().unwrap_or_default();
        proptest::prop_assert_eq!(&*found, repository.trim());
    }
}

#[test]
fn a_long_table_keeps_little() {
    let mut text = String::from(HEADER);
    for project in 0..300 {
        for version in 0..100 {
            text.push_str(&row(&format!("p{project}"), &format!("1.{version}")));
        }
    }
    let records = csv(&text).unwrap();
    assert_eq!(records.projects.len(), 300);
    let releases = &records.projects["p7"].releases;
    assert_eq!((releases.len(), releases.capacity()), (100, 100));
    // Texts that many releases share are there once.
    let shared = |at: usize| releases[at].repository.clone().unwrap();
    assert!(Arc::ptr_eq(&shared(0), &shared(99)));
}
