use crate::record::{Known, OfficialRelease};
use crate::source::Tag;
use crate::source::memory::{Memory, entry, problems, read, release, releases};

use super::*;

fn tag(name: &str, digit: char, signed: bool) -> Tag {
    Tag {
        name: name.into(),
        commit: digit.to_string().repeat(40),
        time: Some("2020-02-03T04:05:06Z".parse().unwrap()),
        signed,
        message: format!("\n{name} is out\nwith more\n"),
    }
}

fn clone_of(name: &str, tags: &[&str]) -> Memory {
    let tags = tags.iter().map(|name| tag(name, 'a', false)).collect();
    let memory = Memory { tags: Some(tags), ..Memory::default() };
    memory.file("pyproject.toml", format!("[project]\nname = \"{name}\"\n"))
}

#[test]
fn tags_are_the_record() {
    let mut memory = clone_of("Lamp.Post", &["v1.0", "rocky-eol", "newest", "2.0"]);
    memory.tags.as_mut().unwrap().push(tag("3.0", 'c', true));
    let records = read(&entry("git-tags", &[("path", "../lamp")]), &memory).unwrap();
    assert_eq!(releases(&records), ["lamp-post v1.0", "lamp-post 2.0", "lamp-post 3.0"]);
    assert_eq!(
        release(&records, "lamp-post", "3.0"),
        &OfficialRelease {
            commit: Commit::parse(&"c".repeat(40)),
            approved: Some("2020-02-03T04:05:06Z".parse().unwrap()),
            known: Known::Listed,
            place: Some("../lamp tag 3.0, signed (3.0 is out)".into()),
            ..OfficialRelease::new("3.0")
        }
    );
    assert_eq!(records.sources, ["the git tags of ../lamp"]);
    assert_eq!(
        records.assumptions,
        [
            "../lamp is `lamp-post`, as its `pyproject.toml` says today",
            "tags of ../lamp that mark an end and are never built (1): `rocky-eol`",
            "tags of ../lamp that are no versions of `lamp-post`, left out (1): `newest`",
            "the git tags of ../lamp: taken as complete up to now; `date` in the entry can say \
             otherwise",
        ]
    );
    assert!(records.date.is_none() && records.projects["lamp-post"].up_to_now);
}

#[test]
fn tags_explain_beside_other_records() {
    let mut memory = clone_of("lamp", &["1.0"]);
    memory.tags.as_mut().unwrap().push(tag("2.0", 'b', true));
    let records = read(&entry("git-tags", &[("official", "false")]), &memory).unwrap();
    assert_eq!(release(&records, "lamp", "1.0").known, Known::Tagged { signed: false });
    assert_eq!(release(&records, "lamp", "2.0").known, Known::Tagged { signed: true });
    assert!(!records.assumptions.iter().any(|line| line.contains("complete")));
    assert!(!records.projects["lamp"].up_to_now);
}

#[test]
fn a_clone_without_versions_is_a_problem() {
    for tags in [&[][..], &["newest", "rocky-eol"]] {
        let records = read(&entry("git-tags", &[("path", "x")]), &clone_of("lamp", tags)).unwrap();
        assert_eq!(releases(&records), [""; 0]);
        assert_eq!(problems(&records), ["x: no tag of it is a version of `lamp`"]);
    }
}

#[test]
fn what_readers_should_know_is_said() {
    let memory = Memory { notes: vec!["it is cut off".into()], ..clone_of("lamp", &["1.0"]) };
    let records = read(&entry("git-tags", &[("path", "x")]), &memory).unwrap();
    assert_eq!(records.assumptions[1], "it is cut off");
    assert_eq!(problems(&records), [""; 0]);
}

#[test]
fn a_prefix_is_needed_when_it_is_given() {
    let memory = clone_of("lamp", &["v1.0", "1.1", "vnext"]);
    let records = read(&entry("git-tags", &[("prefix", "v")]), &memory).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0"]);
    assert!(records.assumptions[1].ends_with("left out (2): `1.1`, `vnext`"));
}

#[test]
fn up_to_when_tags_speak_can_be_said() {
    let mut memory = clone_of("lamp", &["1.0"]);
    let with = |date: &str, memory: &Memory| read(&entry("git-tags", &[("date", date)]), memory);
    let records = with("2021-01-02", &memory).unwrap();
    assert!(!records.projects["lamp"].up_to_now);
    let date = records.date.unwrap();
    assert_eq!(date.at.to_string(), "2021-01-02T23:59:59.999999999Z");
    assert!(
        with("soon", &memory).unwrap_err().ends_with("`soon` is no day, no time, and not `commit`")
    );
    assert!(
        with("commit", &memory).unwrap_err().ends_with("there is no commit: not a git checkout")
    );
    memory.head = Some(("d".repeat(40), "2022-01-01T00:00:00Z".parse().unwrap()));
    let date = with("commit", &memory).unwrap().date.unwrap();
    assert_eq!(
        (date.at.to_string(), date.from),
        ("2022-01-01T00:00:00Z".into(), "commit dddddddddddd".into())
    );
}

#[test]
fn the_working_folder_has_a_word_too() {
    let memory = Memory { tags: Some(vec![tag("1.0", 'a', false)]), ..Memory::default() };
    let memory = memory.file("setup.cfg", "[metadata]\nname = lamp\n");
    let records = read(&entry("git-tags", &[("path", ".")]), &memory).unwrap();
    assert_eq!(records.assumptions[0], "the clone is `lamp`, as its `setup.cfg` says today");
}

#[test]
fn the_name_comes_from_the_clone_or_the_entry() {
    let tags = || Memory { tags: Some(vec![tag("1.0", 'a', false)]), ..Memory::default() };
    let found = |memory: &Memory| {
        read(&entry("git-tags", &[("path", "x")]), memory).map(|it| releases(&it))
    };
    let cfg = tags().file("setup.cfg", "[bdist]\nname = no\n[metadata]\n name = no\nName = lamp\n");
    assert_eq!(found(&cfg).unwrap(), ["lamp 1.0"]);
    let poetry = tags().file("pyproject.toml", "[tool.poetry]\nname = \"lamp\"\n");
    assert_eq!(found(&poetry).unwrap(), ["lamp 1.0"]);
    let dynamic = tags().file("pyproject.toml", "[build-system]\nrequires = []\n");
    assert_eq!(
        found(&dynamic).unwrap_err(),
        "the setting `project` of the `git-tags` records at x (federation.toml:3:1): missing, and \
         none of `pyproject.toml`, `setup.cfg` and `setup.py` of x has a name"
    );
    for (text, expected) in [
        ("from setuptools import setup\nsetup(\n    name='lamp',\n)\n", Some("lamp")),
        ("setup(name=\"lamp\", version=\"1\")\n", Some("lamp")),
        ("name = 'lamp'  # of old\nsetup(name=name)\n", Some("lamp")),
        ("setup(\n    name=read('NAME'),\n)\n", None),
        ("setup(\n    name='lamp' + suffix,\n)\n", None),
        ("setup(\n    name='lamp',\n)\nsetup(\n    name='bell',\n)\n", None),
        ("setup(\n    names='lamp',\n)\n", None),
    ] {
        let found = found(&tags().file("setup.py", text)).ok();
        assert_eq!(found, expected.map(|name| vec![format!("{name} 1.0")]), "{text}");
    }
    let odd = tags().file("setup.cfg", "[metadata]\nname = a b\n");
    assert!(found(&odd).unwrap_err().contains("x/setup.cfg has no usable one: `a b` contains ' '"));
    let given = entry("git-tags", &[("project", "Bell"), ("repository", "tower/bell")]);
    let records = read(&given, &dynamic).unwrap();
    assert_eq!(releases(&records), ["bell 1.0"]);
    assert!(records.projects["bell"].repositories.contains("tower/bell"));
    let refused = read(&entry("git-tags", &[("project", "a b")]), &dynamic).unwrap_err();
    assert!(refused.contains("the setting `project`") && refused.contains("`a b` contains"));
}

#[test]
fn a_folder_of_clones_is_read_clone_by_clone() {
    let broken = Memory { tags: Some(Vec::new()), ..Memory::default() };
    let mut memory = Memory {
        clones: vec![
            ("tower/bell".into(), broken),
            ("tower/lamp".into(), clone_of("lamp", &["1.0"])),
        ],
        ..Memory::default()
    };
    let records = read(&entry("git-tags", &[("path", "clones")]), &memory).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0"]);
    assert!(records.names_of_repository.contains_key("tower/lamp"));
    let [problem] = &problems(&records)[..] else { panic!("one problem") };
    assert!(problem.starts_with("clones/tower/bell: the setting `project`"), "{problem}");
    memory.clones.truncate(1);
    assert!(read(&entry("git-tags", &[]), &memory).unwrap_err().contains("the setting `project`"));
    memory.clones.clear();
    let refused = read(&entry("git-tags", &[("path", "clones")]), &memory).unwrap_err();
    assert_eq!(refused, "clones is not a git clone, nor a folder of clones");
}

#[test]
fn settings_that_are_not_known_are_refused() {
    let refused =
        |settings| read(&entry("git-tags", settings), &clone_of("lamp", &[])).unwrap_err();
    assert_eq!(
        refused(&[("path", "x"), ("prefx", "v")]),
        "the setting `prefx` of the `git-tags` records at x (federation.toml:3:1): not known; the \
         settings are `date`, `official`, `prefix`, `project` and `repository`"
    );
    assert!(
        refused(&[("official", "maybe")])
            .ends_with("`maybe` is not one of `true`, `yes`, `false` and `no`")
    );
    let other = entry("git-tag", &[]);
    let refused = read(&other, &Memory::default()).unwrap_err();
    let start =
        "the setting `kind` of the records at federation.toml:3:1: `git-tag` is not one of ";
    assert!(refused.starts_with(start) && refused.contains("`git-tags`"), "{refused}");
}
