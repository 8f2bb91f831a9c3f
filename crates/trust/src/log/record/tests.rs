//! Every part of a record, changed.

use countermark_packaging::digest::Algorithm;

use super::*;

const TEXT: &str = "observation/v1\nproject flask\nfile flask-3.0.0-py3-none-any.whl\n\
digest sha256:21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638\nsize 101817\n\
uploaded 2023-09-30T14:36:10Z\nobserver index:example.org/crawler\n\
first-seen 2026-11-22T08:00:00Z\n";

fn refusal(text: &str) -> String {
    Observation::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_record_is_read_and_written() {
    let record = Observation::parse(TEXT.as_bytes()).unwrap();
    assert_eq!(record.text(), TEXT);
    assert_eq!(record.project().as_str(), "flask");
    assert_eq!(record.file(), "flask-3.0.0-py3-none-any.whl");
    assert_eq!(record.digest().algorithm(), Algorithm::Sha256);
    assert_eq!(record.size(), Some(101_817));
    assert_eq!(record.uploaded().unwrap().to_string(), "2023-09-30T14:36:10Z");
    assert_eq!(record.observer().kind(), ObserverKind::Index);
    assert_eq!(record.observer().name(), "example.org/crawler");
    assert_eq!(record.first_seen().to_string(), "2026-11-22T08:00:00Z");
    assert_eq!(Observation::new(record.clone().into_fields()).unwrap(), record);
    let bare = TEXT
        .replace("size 101817", "size -")
        .replace("uploaded 2023-09-30T14:36:10Z", "uploaded -")
        .replace("index:", "distribution:");
    let record = Observation::parse(bare.as_bytes()).unwrap();
    assert_eq!((record.size(), record.uploaded()), (None, None));
    assert_eq!(record.text(), bare);
}

#[test]
fn every_change_is_refused_for_its_reason() {
    let check = |from: &str, to: &str, expect: &str| {
        let changed = TEXT.replacen(from, to, 1);
        assert_ne!(changed, TEXT, "{from}");
        assert_eq!(refusal(&changed), expect, "{from} -> {to}");
    };
    check("observation/v1", "observation/v2", "expected the line `observation/v1` in a record");
    check("v1\n", "v1 \n", "expected the line `observation/v1` in a record");
    check("project flask\n", "", "expected the line `project` in a record");
    check(
        "project flask",
        "project Flask",
        "a record is not in canonical form: the line `project flask`",
    );
    check("project flask", "project ", "the project of a record: the name is empty");
    check(
        "file flask",
        "file ../flask",
        "the file of a record: a file name has ASCII letters, digits and `._+!~=@,-` only, found '/'",
    );
    check(
        "file flask",
        "file .flask",
        "the file of a record: a file name begins with an ASCII letter, a digit or `_`",
    );
    check(
        "file flask-3.0.0-py3-none-any.whl",
        "file ",
        "the file of a record: a file name has 1 to 255 bytes, found 0",
    );
    check(
        "digest sha256:",
        "digest ",
        "the digest of a record: expected `algorithm:digest`, found `21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638`",
    );
    check(
        "sha256:21128f",
        "sha256:21128F",
        "a record is not in canonical form: the line `digest sha256:21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638`",
    );
    check(
        "sha256:21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638",
        "md5:21128f47e4e3b9d597a3e8521a329bf5",
        "a record has a sha256, sha384 or sha512 digest, found md5",
    );
    check(
        "size 101817",
        "size 0101817",
        "a record is not in canonical form: the line `size 101817`",
    );
    check(
        "size 101817",
        "size +101817",
        "a record is not in canonical form: the line `size 101817`",
    );
    check(
        "size 101817",
        "size 9007199254740992",
        "the size of a record is a number up to 9007199254740991 or `-`, found `9007199254740992`",
    );
    check(
        "size 101817",
        "size -1",
        "the size of a record is a number up to 9007199254740991 or `-`, found `-1`",
    );
    for (line, time) in
        [("uploaded", "2023-09-30T14:36:10Z"), ("first-seen", "2026-11-22T08:00:00Z")]
    {
        for wrong in [
            "",
            "2023-09-30T14:36:10.5Z",
            "2023-09-30T14:36:60Z+",
            "2023-13-30T14:36:10Z",
            "1969-09-30T14:36:10Z",
        ] {
            check(
                time,
                wrong,
                &format!(
                    "the line `{line}` of a record has a time such as 2027-06-30T08:00:00Z, found `{wrong}`"
                ),
            );
        }
        check(
            time,
            "2023-09-30t14:36:10z",
            &format!("a record is not in canonical form: the line `{line} 2023-09-30T14:36:10Z`"),
        );
        check(
            time,
            "2023-09-30T14:36:60Z",
            &format!("a record is not in canonical form: the line `{line} 2023-09-30T14:36:59Z`"),
        );
    }
    check(
        "index:",
        "project:",
        "the observer of a record: expected `index:` or `distribution:` and a name, found `project:example.org/crawler`",
    );
    check(
        "first-seen 2026-11-22T08:00:00Z\n",
        "first-seen 2026-11-22T08:00:00Z",
        "expected the line `first-seen` in a record",
    );
    check("00Z\n", "00Z\n\n", "a record ends after the line `first-seen`");
    check("\n", "\r\n", "expected the line `observation/v1` in a record");
    assert_eq!(
        refusal(&TEXT.repeat(5)),
        format!("a record has at most 1024 bytes, found {}", 5 * TEXT.len())
    );
    assert_eq!(Observation::parse(b"\xff").unwrap_err(), RecordError::Encoding);
}

#[test]
fn each_flipped_byte_gives_another_record_or_none() {
    let record = Observation::parse(TEXT.as_bytes()).unwrap();
    for place in 0..TEXT.len() {
        for bit in 0..8 {
            let mut bytes = TEXT.as_bytes().to_vec();
            bytes[place] ^= 1 << bit;
            if let Ok(other) = Observation::parse(&bytes) {
                assert_ne!(other, record, "byte {place}, bit {bit}");
                assert_eq!(other.text().as_bytes(), bytes);
            }
        }
    }
}

#[test]
fn observers_have_a_kind_and_a_name_like_a_url() {
    for good in ["index:example.org", "index:127.0.0.1:8080/a", "distribution:example.org/a_b/~C"] {
        assert_eq!(Observer::parse(good).unwrap().to_string(), good);
    }
    let long = format!("index:{}", "a".repeat(201));
    for bad in [
        "index",
        "index:",
        "Index:example.org",
        "index:Example.org",
        "index:https://example.org",
        "index:example.org/",
        "index:example.org//a",
        "index:example.org/../a",
        "index:-a",
        "index:example.org/a b",
        "index:example.org/ä",
        "index: example.org",
        &long,
    ] {
        assert!(Observer::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_record_of_greatest_parts_fits() {
    let fields = Fields {
        project: ProjectName::parse(&"p".repeat(255)).unwrap(),
        file: "f".repeat(255),
        digest: Digest::new(Algorithm::Sha512, &[255; 64]).unwrap(),
        size: Some(MAXIMUM_SIZE),
        uploaded: Some(Timestamp::MAX),
        observer: Observer::new(ObserverKind::Distribution, &"o".repeat(200)).unwrap(),
        first_seen: Timestamp::MAX,
    };
    let record = Observation::new(fields).unwrap();
    let text = record.text();
    assert!(text.len() <= MAXIMUM_RECORD, "{}", text.len());
    assert_eq!(Observation::parse(text.as_bytes()).unwrap(), record);
}

#[test]
fn parts_that_cannot_be_written_make_no_record() {
    let good = Observation::parse(TEXT.as_bytes()).unwrap().into_fields();
    let refused = |change: fn(&mut Fields)| {
        let mut fields = good.clone();
        change(&mut fields);
        Observation::new(fields).unwrap_err()
    };
    assert!(matches!(refused(|it| it.file = "a\nb".into()), RecordError::File(_)));
    assert!(matches!(refused(|it| it.size = Some(u64::MAX)), RecordError::Size { .. }));
    assert!(matches!(
        refused(|it| it.uploaded = Some(Timestamp::MIN)),
        RecordError::Time { line: "uploaded", .. }
    ));
    assert!(matches!(
        refused(|it| it.digest = Digest::new(Algorithm::Sha224, &[0; 28]).unwrap()),
        RecordError::Weak { algorithm: "sha224" }
    ));
    // Fractions of a second are no part of a record.
    let mut fields = good.clone();
    fields.first_seen = "2026-11-22T08:00:00.999Z".parse().unwrap();
    assert_eq!(Observation::new(fields).unwrap().text(), TEXT);
}

#[test]
fn two_digests_of_one_algorithm_by_index_observers_contradict() {
    let record = |change: fn(&str) -> String| Observation::parse(change(TEXT).as_bytes()).unwrap();
    let first = record(str::to_owned);
    let second = record(|text| text.replace("sha256:2", "sha256:3").replace("crawler", "other"));
    assert!(first.contradicts(&second) && second.contradicts(&first));
    assert!(!first.contradicts(&first));
    let packaged =
        record(|text| text.replace("sha256:2", "sha256:3").replace("index:", "distribution:"));
    assert!(!first.contradicts(&packaged) && !packaged.contradicts(&first));
    assert!(packaged.differs(first.digest()));
    let other = record(|text| text.replace("sha256:2", "sha256:3").replace("3.0.0", "3.0.1"));
    assert!(!first.contradicts(&other));
    let longer = record(|text| text.replace("sha256:", &format!("sha512:{}", "0".repeat(64))));
    assert!(!first.contradicts(&longer));
    assert_ne!(first.key(), second.key());
}
