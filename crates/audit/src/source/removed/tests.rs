use crate::source::memory::{Memory, entry, problems, read, release, releases};

use super::*;

fn removed(text: &str) -> Result<Records, String> {
    let memory = Memory::default().file("gone.jsonl", text);
    read(&entry("removed", &[("path", "gone.jsonl")]), &memory)
}

const LINE: &str = "{\"deliverable\":\"lamps\",\"version\":\"1.0b1\",\"first_listed\":\"2016-06-02\",\
                    \"pkgs\":[\"lamp\",\"lamp-post\"]}\n";

#[test]
fn what_was_listed_once_is_a_fact() {
    let records = removed(LINE).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0b1", "lamp-post 1.0b1"]);
    let found = release(&records, "lamp-post", "1.0b1");
    assert_eq!(found.known, Known::OnceListed);
    assert_eq!(found.approved, Some("2016-06-02T00:00:00Z".parse().unwrap()));
    assert_eq!(found.place.as_deref(), Some("gone.jsonl:1"));
    assert!(records.projects["lamp"].deliverables.contains("lamps"));
    assert!(records.date.is_none() && records.assumptions.is_empty());
    let bare = removed("{\"deliverable\":\"lamps\",\"version\":\"1.0\"}\n").unwrap();
    assert_eq!(releases(&bare), ["lamps 1.0"]);
}

#[test]
fn lines_that_cannot_be_used_have_a_place() {
    let check = |from: &str, to: &str, expect: &str| {
        let records = removed(&format!("{}{LINE}", LINE.replace(from, to))).unwrap();
        assert_eq!(releases(&records), ["lamp 1.0b1", "lamp-post 1.0b1"]);
        let [problem] = &problems(&records)[..] else { panic!("one problem") };
        assert!(problem.starts_with(expect), "{problem}");
    };
    check("2016-06-02", "2016-06-31", "gone.jsonl:1:1: `2016-06-31` is no day");
    check("\"version\"", "\"versions\"", "gone.jsonl:1:33: unknown field `versions`");
    check("\"lamp-post\"", "\"-\"", "gone.jsonl:1:1: `-` must begin and end");
    check("1.0b1", "", "gone.jsonl:1:1: `` is no version");
}

#[test]
fn only_one_project_when_the_entry_says_so() {
    let memory = Memory::default().file("gone.jsonl", LINE);
    let records = read(&entry("removed", &[("path", "x"), ("project", "lamp")]), &memory).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0b1"]);
    assert_eq!(records.assumptions, ["entries of x of other projects, left out (1): `lamp-post`"]);
    let none = read(&entry("removed", &[("path", "x")]), &Memory::default()).unwrap_err();
    assert_eq!(none, "x is not a list in JSON Lines, nor a folder with one");
}
