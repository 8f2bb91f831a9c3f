use std::io::Read as _;

use countermark_packaging::digest::Sha256;
use countermark_packaging::simple::StatusMarker;

use super::*;
use crate::fact::{FileKind, IndexFile, IndexRelease, Inside, Presence, RoleKind};

const HEX: &str = "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c";

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn header() -> Header {
    let read = "2026-11-22T01:02:03.5Z".parse().unwrap();
    Header { index: "https://index.example/simple/".into(), read }
}

fn role(kind: &str, account: &str) -> Role {
    Role { kind: RoleKind::parse(kind), account: account.into() }
}

/// A project of which everything is known.
fn full() -> ProjectFacts {
    let inside = Inside {
        sha256: Sha256::parse_hex(HEX).ok(),
        name: Some("Oslo.Thing".into()),
        version: Some("1.0".into()),
        commit: Some("0123abc".into()),
        commit_from: Some("oslo.thing-1.0.dist-info/pbr.json".into()),
    };
    let file = IndexFile {
        filename: "oslo_thing-1.0-py3-none-any.whl".into(),
        kind: FileKind::Wheel,
        size: Some(7),
        uploaded: "2024-02-03T04:05:06.123456Z".parse().ok(),
        sha256: Sha256::parse_hex(HEX).ok(),
        yanked: Some("bröken \"badly\" \u{1f}".into()),
        inside: Some(inside),
    };
    let bare = IndexFile {
        filename: "oslo.thing-1.0.exe".into(),
        kind: FileKind::Other,
        size: None,
        uploaded: None,
        sha256: None,
        yanked: Some(String::new()),
        inside: Some(Inside::default()),
    };
    ProjectFacts {
        name: name("oslo.thing"),
        shown_name: Some("Oslo.Thing".into()),
        presence: Presence::Present,
        status: StatusMarker::Quarantined,
        status_reason: Some("stolen".into()),
        releases: vec![
            IndexRelease { version: "0.1".into(), files: vec![] },
            IndexRelease { version: "1.0".into(), files: vec![file, bare] },
        ],
        roles: Some(vec![role("Owner", "ann"), role("Caretaker", "bob")]),
        organization: Some("acme".into()),
        last_serial: Some(42),
        unusable: vec!["`x` is in no release".into()],
    }
}

fn three() -> [ProjectFacts; 3] {
    let absent = ProjectFacts::new(name("gone"), Presence::Absent);
    let unread = ProjectFacts::new(name("aloof"), Presence::Unread("status 503".into()));
    [full(), absent, unread]
}

fn read(bytes: &[u8]) -> Vec<Result<ProjectFacts, Problem>> {
    Reader::new(bytes).unwrap().collect()
}

#[test]
fn what_is_written_is_read() {
    let facts = three();
    let bytes = write(&header(), &facts);
    let reader = Reader::new(bytes.as_slice()).unwrap();
    assert_eq!(reader.header(), Some(&header()));
    let found: Vec<_> = reader.map(Result::unwrap).collect();
    let [oslo, gone, aloof] = facts.clone();
    assert_eq!(found, [aloof, gone, oslo]);
    // The order in which they came does not matter, and a second time gives the same bytes.
    let [one, two, three] = facts;
    assert_eq!(write(&header(), &[two, three, one]), bytes);
    assert_eq!(write(&header(), &found), bytes);
    let roles: Vec<_> =
        Reader::new(bytes.as_slice()).unwrap().roles().map(Result::unwrap).collect();
    let shape = |it: &ProjectRoles| (it.name.to_string(), it.roles.as_ref().map(Vec::len));
    assert_eq!(
        roles.iter().map(shape).collect::<Vec<_>>(),
        [("aloof".into(), None), ("gone".into(), None), ("oslo-thing".into(), Some(2))]
    );
    assert_eq!(roles[2].organization.as_deref(), Some("acme"));
}

#[test]
fn the_bytes_are_frozen() {
    let mut small = full();
    small.releases.truncate(1);
    let text = String::from_utf8(write(&header(), &[small, three()[2].clone()])).unwrap();
    let expect = r#"{"format":"countermark-facts/1","index":"https://index.example/simple/","read":"2026-11-22T01:02:03.5Z"}
{"name":"aloof","presence":"unread","reason":"status 503","roles":null,"releases":[]}
{"name":"oslo-thing","shown_name":"Oslo.Thing","presence":"present","status":"quarantined","status_reason":"stolen","last_serial":42,"organization":"acme","roles":[{"role":"Owner","account":"ann"},{"role":"Caretaker","account":"bob"}],"releases":[{"version":"0.1","files":[]}],"unusable":["`x` is in no release"]}
"#;
    assert_eq!(text, expect);
    let mut line = Vec::new();
    write_project(&full(), &mut line);
    let wheel = format!(
        r#"{{"filename":"oslo_thing-1.0-py3-none-any.whl","kind":"wheel","size":7,"uploaded":"2024-02-03T04:05:06.123456Z","sha256":"{HEX}","yanked":"bröken \"badly\" \u001f","inside":{{"sha256":"{HEX}","name":"Oslo.Thing","version":"1.0","commit":"0123abc","commit_from":"oslo.thing-1.0.dist-info/pbr.json"}}}},{{"filename":"oslo.thing-1.0.exe","kind":"other","yanked":"","inside":{{}}}}"#
    );
    let text = String::from_utf8(line.clone()).unwrap();
    assert!(text.contains(&wheel), "{text}");
    assert_eq!(parse_project(&line).unwrap(), full());
}

#[test]
fn a_bad_line_stands_alone() {
    let bytes = write(&header(), &three());
    let text = String::from_utf8(bytes).unwrap();
    let check = |from: &str, to: &str, column: Option<u64>, message: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let found = read(changed.as_bytes());
        assert_eq!(found.len(), 3, "{from} -> {to}");
        assert!(found[0].is_ok() && found[1].is_ok(), "{from} -> {to}");
        let problem = found[2].as_ref().unwrap_err();
        assert_eq!(problem.line, 4);
        assert!(problem.message.contains(message), "{from} -> {to}: {problem}");
        assert_eq!(problem.column.is_some(), column.is_some(), "{from} -> {to}: {problem}");
        if let (Some(found), Some(expect)) = (problem.column, column.filter(|it| *it > 1)) {
            assert_eq!(found, expect, "{from} -> {to}: {problem}");
        }
    };
    check("{\"name\":\"oslo-thing\"", "{\"name\":\"-x\"", None, "must begin and end with");
    check("{\"name\":\"oslo-thing\"", "{\"name\":7", Some(9), "expected a string");
    check("{\"name\":\"oslo-thing\"", "[\"oslo-thing\"", Some(1), "expected `,` or `]`");
    check(
        "{\"name\":\"oslo-thing\"",
        "{\"name\":\"gone\"",
        None,
        "`gone` is in the snapshot already",
    );
    check(
        "{\"name\":\"oslo-thing\"",
        "{\"name\":\"x\",\"name\":\"y\"",
        Some(18),
        "duplicate field",
    );
    check("\"presence\":\"present\"", "\"presence\":\"there\"", Some(1), "unknown variant `there`");
    check("\"presence\":\"present\"", "\"presence\":\"unread\"", None, "without its `reason`");
    check(
        "\"presence\":\"present\"",
        "\"presence\":\"present\",\"reason\":\"\"",
        None,
        "only `unread`",
    );
    check("\"status\":\"quarantined\"", "\"status\":\"odd\"", Some(1), "project status of PEP 792");
    check("\"last_serial\":42", "\"last_serial\":-42", Some(1), "expected u64");
    check("\"last_serial\":42", "\"last_cereal\":42", Some(1), "unknown field `last_cereal`");
    check("\"role\":\"Owner\",", "", Some(1), "missing field `role`");
    check("\"size\":7", "\"size\":\"7\"", Some(1), "expected u64");
    check("06.123456Z", "06.123456", Some(1), "expected a time as of RFC 3339");
    check("\"sha256\":\"770e", "\"sha256\":\"770", Some(1), "expected a sha256 digest");
    check("\"kind\":\"wheel\"", "\"kind\":\"egg\"", Some(1), "unknown variant `egg`");
    check("\"filename\":\"oslo_", "\"filename\":\"../oslo_", None, "`../oslo_thing");
    check("`x` is in no release\"]}\n", "`x` is in no rel", Some(1), "EOF while parsing");
}

#[test]
fn a_line_in_the_middle_does_not_stop_the_rest() {
    let text = String::from_utf8(write(&header(), &three())).unwrap();
    let broken = text.replacen("{\"name\":\"gone\"", "{\"name\":gone", 1);
    let found = read(broken.as_bytes());
    let line = |at: usize| found[at].as_ref().map(|facts| facts.name.to_string());
    assert_eq!(line(0), Ok("aloof".into()));
    assert_eq!(line(1).unwrap_err().to_string(), "line 3, column 9: expected value");
    assert_eq!(line(2), Ok("oslo-thing".into()));
    let problem = found[1].clone().unwrap_err().in_file("facts.jsonl");
    assert_eq!((problem.file.as_str(), problem.position), ("facts.jsonl", Some((3, 9))));
    let mut bytes = text.clone().into_bytes();
    let at = text.find("oslo-thing").unwrap();
    bytes[at] = 0xff;
    let problem = read(&bytes)[2].clone().unwrap_err();
    assert_eq!(problem.to_string(), "line 4, column 10: the line is not utf-8");
    // Blank lines and ends of lines of another system are no problem.
    let odd = text.replace('\n', "\r\n\r\n");
    assert!(read(odd.as_bytes()).iter().all(Result::is_ok));
}

#[test]
fn what_is_no_snapshot() {
    let check = |text: &str, expect: &str| {
        let error = Reader::new(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expect), "{text}: {error}");
        assert_eq!(error.class(), Class::Usage);
    };
    check("", "the snapshot is empty");
    check("\n \n", "the snapshot is empty");
    check("<html>", "it is no json object");
    check("[]", "it is no json object");
    check("{}", "it has neither `format` nor `pkg`");
    check("{\"format\":\"countermark-facts/2\"}", "found `countermark-facts/2`");
    check("{\"format\":\"countermark-facts/1\"}", "missing field `index`");
    check("{\"format\":7}", "expected a string");
    let first = "{\"format\":\"countermark-facts/1\",\"index\":\"x\",\"read\":";
    check(&format!("{first}\"yesterday\"}}"), "expected a time");
    check(&format!("{first}\"2026-01-01T00:00:00Z\",\"by\":1}}"), "unknown field `by`");
}

#[test]
fn an_input_that_breaks_is_no_end() {
    #[derive(Debug)]
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let bytes = write(&header(), &three());
    let half = &bytes[..bytes.len() - 20];
    let found: Vec<_> = Reader::new(std::io::BufReader::new(half.chain(Broken))).unwrap().collect();
    assert_eq!(found.len(), 3);
    let problem = found[2].as_ref().unwrap_err();
    assert_eq!(problem.to_string(), "line 4: cannot be read: the disk is gone");
    let error = Reader::new(std::io::BufReader::new(Broken)).unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
}

fn foreign(rest: &str) -> Vec<Result<ProjectFacts, Problem>> {
    read(format!("{{\"pkg\":\"Oslo.Thing\",{rest}}}").as_bytes())
}

#[test]
fn the_other_form_is_read() {
    let found = foreign(&format!(
        r#""author":"A","files":{{"1.0":[
["oslo.thing-1.0.tar.gz","sdist",7,"2024-02-03T04:05:06.123456Z","{HEX}",false],
["oslo_thing-1.0-py3-none-any.whl","bdist_wheel",null,null,null,"bad"],
["oslo.thing-1.0.linux-x86_64.tar.gz","bdist_dumb",1,null,null,true]],"0.1":[]}},
"name":"Oslo.Thing","roles":[["Owner","ann"],["Caretaker","bob"]],"organization":null,"last_serial":9"#
    )
    .replace('\n', ""));
    let facts = found[0].as_ref().unwrap();
    assert_eq!(
        (facts.name.as_str(), facts.shown_name.as_deref()),
        ("oslo-thing", Some("Oslo.Thing"))
    );
    assert_eq!(facts.roles, Some(vec![role("Owner", "ann"), role("Caretaker", "bob")]));
    assert_eq!((facts.last_serial, &facts.presence), (Some(9), &Presence::Present));
    let [first, second] = &facts.releases[..] else { panic!("{:?}", facts.releases) };
    assert_eq!((second.version.as_str(), second.files.len()), ("0.1", 0));
    let shape: Vec<_> =
        first.files.iter().map(|file| (file.kind, file.size, file.yanked.as_deref())).collect();
    assert_eq!(
        shape,
        [
            (FileKind::Sdist, Some(7), None),
            (FileKind::Wheel, None, Some("bad")),
            (FileKind::Other, Some(1), Some("")),
        ]
    );
    assert_eq!(first.files[0].uploaded.unwrap().to_string(), "2024-02-03T04:05:06.123456Z");
    assert_eq!(first.files[0].sha256.unwrap().hex(), HEX);
    assert_eq!(facts.unusable, [] as [&str; 0]);
    // What was imported can be written and read again.
    let ours = write(&header(), [facts]);
    assert_eq!(read(&ours)[0].as_ref(), Ok(facts));
}

#[test]
fn absence_and_silence_in_the_other_form() {
    let presence = |rest: &str| foreign(rest)[0].as_ref().unwrap().presence.clone();
    assert_eq!(presence("\"http\":404"), Presence::Absent);
    assert_eq!(presence("\"http\":410"), Presence::Absent);
    assert_eq!(presence("\"http\":503"), Presence::Unread("status 503".into()));
    assert_eq!(presence("\"http\":200,\"files\":{}"), Presence::Present);
    assert_eq!(foreign("\"files\":{}")[0].as_ref().unwrap().roles, None);
    assert_eq!(foreign("\"files\":{},\"roles\":[]")[0].as_ref().unwrap().roles, Some(vec![]));
}

#[test]
fn odd_values_in_the_other_form() {
    let note = |file: &str, files: usize, expect: &str| {
        let facts = foreign(&format!("\"files\":{{\"1\":[{file}]}}")).remove(0).unwrap();
        assert_eq!(facts.releases[0].files.len(), files, "{file}");
        assert_eq!(facts.unusable.len(), 1, "{file}");
        assert!(facts.unusable[0].contains(expect), "{file}: {:?}", facts.unusable);
    };
    note(r#"["x-1.zip","sdist",1,"soon",null,false]"#, 1, "the upload time of `x-1.zip`, `soon`");
    note(r#"["x-1.zip","sdist",1,null,"12",false]"#, 1, "`12`, is no sha256 digest");
    note(r#"["a/x-1.zip","sdist",1,null,null,false]"#, 0, "`a/x-1.zip` is no file name");
    let refused = |rest: &str, expect: &str| {
        let problem = foreign(rest).remove(0).unwrap_err();
        assert!(problem.message.contains(expect), "{rest}: {problem}");
    };
    refused("\"files\":null", "missing field `files`");
    refused("\"files\":[]", "expected an object of versions");
    refused("\"files\":{\"1\":[],\"1\":[]}", "version `1` is given twice");
    refused("\"files\":{\"1\":[[\"x\",\"sdist\"]]}", "invalid length 2");
    refused("\"files\":{},\"roles\":[[\"Owner\"]]", "invalid length 1");
    refused("\"files\":{},\"pkg\":\"y\"", "duplicate field `pkg`");
    refused("\"files\":{", "EOF while parsing");
    let two = "{\"pkg\":\"a.b\",\"http\":404}\n{\"pkg\":\"A-b\",\"http\":404}";
    let found = read(two.as_bytes());
    assert!(found[0].is_ok());
    assert_eq!(
        found[1].as_ref().unwrap_err().to_string(),
        "line 2: `a-b` is in the snapshot already"
    );
    let bad = read(b"{\"pkg\":\"a\",\"http\":404}\n{\"pkg\":\"-\",\"http\":404}");
    assert!(bad[1].as_ref().unwrap_err().message.contains("must begin and end"));
}

#[test]
fn threads_give_what_one_gives() {
    let mut bytes = Vec::new();
    write_header(&header(), &mut bytes);
    for number in 0..400 {
        let mut facts = full();
        facts.name = name(&format!("p{:03}", number % 390));
        facts.unusable.push("x".repeat(20_000));
        write_project(&facts, &mut bytes);
        if number % 100 == 7 {
            bytes.extend_from_slice(b"{\"name\":\n");
        }
    }
    let one: Vec<_> = read(&bytes);
    assert_eq!(one.iter().filter(|it| it.is_err()).count(), 14);
    for threads in [1, 2, 3] {
        let reader = Reader::new(bytes.as_slice()).unwrap();
        let mut many = Vec::new();
        map_parallel(reader, threads, |facts| facts, |facts| many.push(facts));
        assert!(many == one, "{threads}");
    }
}

#[test]
fn the_schema_knows_every_line() {
    let schema = include_str!("../../../schema/facts.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let schema = jsonschema::validator_for(&schema).unwrap();
    let text = String::from_utf8(write(&header(), &three())).unwrap();
    let is_valid = |line: &str| schema.is_valid(&serde_json::from_str(line).unwrap());
    assert_eq!(text.lines().count(), 4);
    for line in text.lines() {
        assert!(is_valid(line), "{line}");
    }
    let lines: Vec<&str> = text.lines().collect();
    let refused = |line: usize, from: &str, to: &str| {
        let changed = lines[line].replacen(from, to, 1);
        assert_ne!(changed, lines[line], "{from}");
        assert!(!is_valid(&changed), "{changed}");
    };
    refused(0, "facts/1", "facts/2");
    refused(1, "\"unread\"", "\"absent\"");
    refused(1, "\"reason\":\"status 503\",", "");
    refused(1, "\"roles\":null,", "");
    refused(3, "\"oslo-thing\"", "\"Oslo.Thing\"");
    refused(3, "\"kind\":\"wheel\"", "\"kind\":\"egg\"");
    refused(3, "\"sha256\":\"770e", "\"sha256\":\"770");
    refused(3, "\"size\":7", "\"size\":7,\"url\":\"x\"");
    refused(3, "\"filename\":\"oslo_", "\"filename\":\"../oslo_");
}

/// Whatever is read can be written, and is then read as it was; no byte makes the reader panic.
#[test]
fn any_byte_may_be_wrong() {
    let other = format!(
        r#"{{"pkg":"x","files":{{"1":[["x-1.zip","sdist",7,"2024-02-03T04:05:06Z","{HEX}",false]]}},
"roles":[["Owner","ann"]],"organization":"o","last_serial":9}}"#
    );
    let other = other.replace('\n', "");
    for good in [write(&header(), &[full()]), other.into_bytes()] {
        let mut refused = 0;
        for at in 0..good.len() {
            for byte in [0, b'"', b'}', b'0', b'x', good[at] ^ 0x20, good[at] ^ 0x80] {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let Ok(reader) = Reader::new(bytes.as_slice()) else {
                    refused += 1;
                    continue;
                };
                for facts in reader {
                    let Ok(facts) = facts else {
                        refused += 1;
                        continue;
                    };
                    let mut line = Vec::new();
                    write_project(&facts, &mut line);
                    assert_eq!(parse_project(&line), Ok(facts), "{at} {byte}");
                }
            }
        }
        assert!(refused > good.len(), "{refused}");
    }
}
