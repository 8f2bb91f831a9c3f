//! Every document is read as it was written, and every mistake in it has its reason.

use countermark_packaging::digest::Digest;
use countermark_tlog::hash::leaf_hash;

use super::*;
use crate::log::record::Observation;

const RECORD: &str = "observation/v1\nproject flask\nfile flask-3.0.0-py3-none-any.whl\n\
digest sha256:21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638\nsize 101817\n\
uploaded -\nobserver index:example.org/crawler\nfirst-seen 2026-11-22T08:00:00Z\n";

fn request() -> LookupRequest {
    let release = |project: &str, version: &str| Release {
        project: project.parse().unwrap(),
        version: version.parse().unwrap(),
    };
    LookupRequest {
        seen: 7,
        files: ["b-1.tar.gz", "a-1-py3-none-any.whl"].map(str::to_owned).into(),
        releases: [release("flask", "3.0")].into(),
    }
}

#[test]
fn a_request_is_read_as_it_was_written() {
    let bytes = request().write().unwrap();
    assert_eq!(
        String::from_utf8(bytes.clone()).unwrap(),
        r#"{"version":1,"seen":7,"files":["a-1-py3-none-any.whl","b-1.tar.gz"],"releases":[{"project":"flask","version":"3.0"}]}"#
    );
    assert_eq!(LookupRequest::parse(&bytes).unwrap(), request());
    let short = LookupRequest::parse(br#"{"version":1,"seen":0,"files":[]}"#).unwrap();
    assert!(short.is_empty() && !request().is_empty());
}

#[test]
fn every_mistake_in_a_request_has_its_reason() {
    let check = |text: &str, expect: &str| {
        let error = LookupRequest::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.class(), Class::Rejected);
        assert!(error.to_string().starts_with(expect), "{text}: {error}");
    };
    check(" ", "the look-up is empty");
    check("{", "the look-up cannot be read: EOF");
    check(r#"{"version":2,"seen":0,"files":[]}"#, "the look-up has version 2, expected 1");
    check(r#"{"version":1,"files":[]}"#, "the look-up cannot be read: missing field `seen`");
    check(r#"{"version":1,"seen":-1,"files":[]}"#, "the look-up cannot be read: invalid value");
    check(
        r#"{"version":1,"seen":0,"files":[],"x":1}"#,
        "the look-up cannot be read: unknown field",
    );
    check(r#"{"version":1,"seen":0,"files":["../a"]}"#, "a look-up asks for a file name that no");
    check(r#"{"version":1,"seen":0,"files":["a","a"]}"#, "the look-up names `a` twice");
    let release =
        |text: &str| format!(r#"{{"version":1,"seen":0,"files":[],"releases":[{text}]}}"#);
    check(&release(r#"{"project":"?","version":"1"}"#), "`project` of the look-up is none: `?`");
    check(&release(r#"{"project":"a","version":"x"}"#), "`version` of the look-up is none: `x`");
    let twice = r#"{"project":"a","version":"1.0"},{"project":"A","version":"1"}"#;
    check(&release(twice), "the look-up names `A==1` twice");
    let many = vec![r#"{"project":"a","version":"1"}"#; MAXIMUM_RELEASES + 1].join(",");
    check(&release(&many), "the look-up has at most 100 releases, found 101");
    let names: Vec<String> = (0..=MAXIMUM_NAMES).map(|number| format!("\"f{number}\"")).collect();
    check(
        &format!(r#"{{"version":1,"seen":0,"files":[{}]}}"#, names.join(",")),
        "the look-up has at most 20000 files, found 20001",
    );
    let large = " ".repeat(MAXIMUM_REQUEST) + "{}";
    check(&large, "the look-up has at most 4194304 bytes, found 4194306");
    let files = (0..=MAXIMUM_NAMES).map(|number| format!("f{number}")).collect();
    let error = LookupRequest { files, ..LookupRequest::default() }.write().unwrap_err();
    assert_eq!(error.to_string(), "the look-up has at most 20000 files, found 20001");
    let long = (0..MAXIMUM_NAMES).map(|number| format!("{number}{}", "f".repeat(230))).collect();
    let error = LookupRequest { files: long, ..LookupRequest::default() }.write().unwrap_err();
    assert!(matches!(error, WireError::TooLarge { .. }), "{error}");
}

#[test]
fn a_request_asks_for_its_files_and_for_the_files_of_its_releases() {
    let check = |file: &str, project: &str, expect: bool| {
        let text = RECORD.replace("flask-3.0.0-py3-none-any.whl", file);
        let text = text.replace("project flask", &format!("project {project}"));
        let record = Observation::parse(text.as_bytes()).unwrap();
        assert_eq!(request().asks_for(&record), expect, "{file} of {project}");
    };
    check("b-1.tar.gz", "anything", true);
    check("B-1.tar.gz", "anything", false);
    check("flask-3.0.0-py3-none-any.whl", "flask", true);
    check("Flask-3.tar.gz", "flask", true);
    check("flask-3.0.0-py3-none-any.whl", "other", false);
    check("flask-3.0.1-py3-none-any.whl", "flask", false);
    check("flask_extra-3.0.0-py3-none-any.whl", "flask", false);
    check("flask-3.0.exe", "flask", false);
}

fn answer() -> LookupAnswer {
    LookupAnswer {
        checkpoint: "log\n1\n\n— log x\n".to_owned(),
        consistency: vec![leaf_hash(b"a")],
        records: vec![
            Entry { index: 3, record: "one\n".to_owned() },
            Entry { index: 4, record: "two \"2\"\n".to_owned() },
        ],
        proof: vec![leaf_hash(b"b"), leaf_hash(b"c")],
    }
}

#[test]
fn an_answer_is_read_as_it_was_written_and_its_mistakes_are_told() {
    let bytes = answer().write();
    assert_eq!(LookupAnswer::parse(&bytes).unwrap(), answer());
    let text = String::from_utf8(bytes).unwrap();
    let check = |from: &str, to: &str, expect: &str| {
        assert!(text.contains(from), "{from}");
        let error = LookupAnswer::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(expect), "{to}: {error}");
    };
    check("\"version\":1", "\"version\":0", "the answer of the log has version 0, expected 1");
    check("\"proof\"", "\"prooF\"", "the answer of the log cannot be read: unknown field `prooF`");
    check("log\\n1\\n\\n— log x\\n", "", "the checkpoint of the answer is empty");
    check(
        "\"index\":4",
        "\"index\":3",
        "the records of an answer are in ascending order, found 3 after 3",
    );
    check(
        "\"index\":4",
        "\"index\":2",
        "the records of an answer are in ascending order, found 2 after 3",
    );
    check("one", &"x".repeat(1024), "a record has at most 1024 bytes, found 1025");
    check("log", &"x".repeat(MAXIMUM_REQUEST), "a checkpoint has at most 65536 bytes");
    let hash = leaf_hash(b"b").to_base64();
    check(&hash, "AAAA", "`proof` of the answer of the log is none: `AAAA`");
    let first = format!("\"{}\"", leaf_hash(b"a").to_base64());
    check(&first, "\"\"", "`consistency` of the answer of the log is none: ``");
    check(
        &first,
        &vec![first.as_str(); 129].join(","),
        "the answer of the log has at most 128 hashes from",
    );
    for empty in ["", "  \n"] {
        let error = LookupAnswer::parse(empty.as_bytes()).unwrap_err();
        assert!(matches!(error, WireError::Empty { .. }), "{error}");
    }
}

fn batch(count: usize) -> Batch {
    let record = |number: usize| {
        Observation::parse(RECORD.replace("101817", &number.to_string()).as_bytes()).unwrap()
    };
    Batch { origin: "log.example.org".to_owned(), records: (0..count).map(record).collect() }
}

#[test]
fn a_batch_is_read_as_it_was_written_and_its_mistakes_are_told() {
    for count in [0, 1, 2, 5] {
        let text = batch(count).text();
        assert_eq!(Batch::parse(&text).unwrap(), batch(count), "{count}");
        assert!(text.len() <= Batch::bound(count));
        for end in 0..text.len() {
            if let Ok(part) = text.get(..end).map_or(Ok(batch(0)), Batch::parse) {
                assert_eq!((part, count), (batch(0), 0), "{end} of {}", text.len());
            }
        }
    }
    let text = batch(2).text();
    let check = |from: &str, to: &str, expect: &str| {
        assert!(text.contains(from), "{from}");
        let error = Batch::parse(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().starts_with(expect), "{to}: {error}");
    };
    check("append/v1", "append/v2", "expected the line `append/v1` in a batch of records");
    check("log.example.org", "", "expected the line `the origin of the log`");
    check("\n2\n", "\n02\n", "expected the line `the number of records`");
    check("\n2\n", "\n10001\n", "the batch of records has at most 10000 records, found 10001");
    check("\n2\n", "\n3\n", "the batch of records says 3 records, found 2");
    check("\n2\n", "\n1\n", "the batch of records says 1 records, found 2");
    check("\n2\n", "\n2\n\n", "record 1 of the batch: expected the line `observation/v1`");
    check("\n\nobs", "\nobs", "record 1 of the batch: a record ends after the line `first-seen`");
    check("\n\nobs", "\n\n\nobs", "record 2 of the batch: expected the line `observation/v1`");
    check("project flask", "project Flask", "record 1 of the batch: a record is not in canonical");
    let error = Batch::parse(&format!("{text}\n")).unwrap_err();
    assert!(error.to_string().starts_with("record 2 of the batch: a record ends"), "{error}");
    let error = Batch::parse(&"x".repeat(MAXIMUM_BATCH + 1)).unwrap_err();
    assert!(matches!(error, WireError::TooLarge { .. }), "{error}");
}

#[test]
fn receipts_and_descriptions_are_read_as_they_were_written() {
    let digest = |byte: &str| Digest::parse(&format!("sha256:{}", byte.repeat(32))).unwrap();
    let receipts = Receipts(vec![
        Receipt { status: Status::New, index: None, conflicts: vec![digest("00"), digest("ff")] },
        Receipt { status: Status::Known, index: Some(5), conflicts: vec![] },
    ]);
    let bytes = receipts.write();
    assert_eq!(Receipts::parse(&bytes).unwrap(), receipts);
    let text = String::from_utf8(bytes).unwrap();
    let check = |from: &str, to: &str, expect: &str| {
        assert!(text.contains(from), "{from}");
        let error = Receipts::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(expect), "{to}: {error}");
    };
    check("new", "old", "the list of receipts cannot be read: unknown variant `old`");
    check("sha256:0", "sha256:x", "`conflicts` of a receipt is none: `sha256:x0");
    check("\"version\":1", "\"version\":3", "the list of receipts has version 3");
    let description = Description {
        origin: "log.example.org".to_owned(),
        keys: vec!["log.example.org+1+x".to_owned()],
        witnesses: vec!["witness.example.org+2+y".to_owned()],
        observers: vec!["index:example.org/crawler".to_owned()],
        size: 9,
    };
    let bytes = description.write();
    assert_eq!(Description::parse(&bytes).unwrap(), description);
    // People compare what stands there: nothing may hide, turn around or begin a line.
    for bad in ["", "log.example.org x", "log\u{202e}gro", "log\nkey", "log\u{1b}[2J", "l\u{f6}g"] {
        let bad = || bad.to_owned();
        for (field, changed) in [
            ("origin", Description { origin: bad(), ..description.clone() }),
            ("keys", Description { keys: vec![bad()], ..description.clone() }),
            ("witnesses", Description { witnesses: vec![bad()], ..description.clone() }),
            ("observers", Description { observers: vec![bad()], ..description.clone() }),
        ] {
            let error = Description::parse(&changed.write()).unwrap_err();
            assert!(matches!(error, WireError::Value { field: it, .. } if it == field), "{error}");
        }
    }
    let many = Description { keys: vec![String::new(); 1001], ..description };
    assert!(matches!(Description::parse(&many.write()), Err(WireError::TooMany { .. })));
}
