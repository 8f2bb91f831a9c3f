//! Entries that are no records, records that nobody asked for, and files with proofs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_tlog::hash::leaf_hash;

use super::*;
use crate::Class;
use crate::log::proofs;

#[test]
fn entries_that_are_no_records_are_refused_though_they_stand_in_the_log() {
    let check = |from: &str, to: &str, code: &str, message: &str| {
        let mut texts = texts(5, 1);
        texts[3] = texts[3].replacen(from, to, 1);
        let refused = verify(&answer(&texts, &[1, 3]), &["f1", "f3"]).unwrap_err();
        assert_eq!((refused.code(), refused.class()), (code, Class::Rejected), "{refused}");
        assert_eq!(refused.to_string(), message);
    };
    check(
        "project p",
        "project P",
        "log-bad-record",
        "entry 3 of `log.example.org` is no record: a record is not in canonical form: the line \
         `project p`",
    );
    check(
        "Z\n",
        "Z",
        "log-bad-record",
        "entry 3 of `log.example.org` is no record: expected the line `first-seen` in a record",
    );
    check(
        "file f3",
        "file f2",
        "log-unrelated-record",
        "entry 3 of `log.example.org` is about `f2`, which was not asked for",
    );
    check(
        "file f3",
        "file f1",
        "log-duplicate-record",
        "entries 1 and 3 of `log.example.org` are one record, of `f1`",
    );
}

#[test]
fn records_and_proof_have_to_fit() {
    let good = answer(&texts(6, 1), &[1, 4]);
    let files = ["f1", "f4"];
    let checked = verify(&good, &files).unwrap();
    assert_eq!(checked.files().map(|(file, _)| file).collect::<Vec<_>>(), files);
    let check = |change: &dyn Fn(&mut LookupAnswer), code: &str, message: &str| {
        let mut changed = good.clone();
        change(&mut changed);
        let refused = verify(&changed, &files).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.to_string().contains(message), "{refused}");
    };
    check(&|it| it.records[1].index = 5, "log-bad-proof", "the root that follows");
    check(&|it| it.records[1].index = 6, "log-bad-proof", "there is no proof for 6");
    check(&|it| it.records.swap(0, 1), "log-bad-answer", "ascending order, found 1 after 4");
    check(&|it| drop(it.records.pop()), "log-bad-proof", "the root that follows");
    check(&|it| it.proof.truncate(2), "log-bad-proof", "the proof has 2 hashes, expected 3");
    check(&|it| it.records.clear(), "log-bad-proof", "sent a proof and no record");
    check(&|it| it.proof.reverse(), "log-bad-proof", "the root that follows");
    check(&|it| it.consistency.push(leaf_hash(b"")), "log-bad-proof", "has 1 hashes, expected 0");
    check(&|it| it.checkpoint.clear(), "log-empty-answer", "answered nothing");
    check(&|it| it.checkpoint = "x".to_owned(), "log-bad-checkpoint", "expected a text");
    // Proofs for records of another answer are not given.
    let other = verify(&answer(&texts(6, 1), &[2]), &["f2"]).unwrap();
    assert_eq!(checked.inclusion(&other.records("f2")[0]), None);
    assert_eq!(checked.proof_file(&other.records("f2")[0]), None);
}

#[test]
fn the_files_of_a_release_are_those_of_its_project_and_version() {
    let text = |project: &str, file: &str| {
        texts(1, 1)[0]
            .replace("project p", &format!("project {project}"))
            .replace("file f0", &format!("file {file}"))
    };
    let texts = [text("tea", "tea-1.0.tar.gz"), text("pot", "tea-1.0-py3-none-any.whl")];
    let release = crate::log::wire::Release {
        project: "tea".parse().unwrap(),
        version: "1".parse().unwrap(),
    };
    let request = LookupRequest { releases: [release].into(), ..LookupRequest::default() };
    let ask = |wanted: &[u64]| {
        lookup::verify(&policy(), None, &request, &answer(&texts, wanted).write(), now())
    };
    assert_eq!(ask(&[0]).unwrap().records("tea-1.0.tar.gz").len(), 1);
    // Another project's record for a file of that name is not what was asked for.
    assert_eq!(ask(&[0, 1]).unwrap_err().code(), "log-unrelated-record");
}

#[test]
fn a_file_with_a_proof_is_refused_for_its_reason() {
    let texts = texts(6, 1);
    let checked = verify(&answer(&texts, &[4]), &["f4"]).unwrap();
    let text = checked.proof_file(&checked.records("f4")[0]).unwrap();
    let check = |text: &str, code: &str, message: &str| {
        let refused = proofs::verify(&policy(), text.as_bytes(), now()).unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.to_string().contains(message), "{refused}");
    };
    assert_eq!(proofs::verify(&policy(), text.as_bytes(), now()).unwrap().record.index, 4);
    let extra = |entry: &str| format!("extra {}", STANDARD.encode(entry));
    let other = text.replace(&extra(&texts[4]), &extra(&texts[3]));
    check(&other, "log-bad-proof", "the root that follows");
    let none = text.replace(&format!("{}\n", extra(&texts[4])), "");
    check(&none, "log-bad-proof-file", "no line `extra`");
    check(&text.replace("index 4", "index 5"), "log-bad-proof", "the root that follows");
    check(&text.replace("index 4", "index 3"), "log-bad-proof", "has 2 hashes, expected 3");
    check(&text.replace("index 4", "index 6"), "log-bad-proof", "there is no proof for 6");
    check("", "log-bad-proof-file", "expected lines of a proof");
    check(&text.replace("@v1", "@v2"), "log-bad-proof-file", "expected `c2sp.org/tlog-proof@v1`");
    let stranger = LogPolicy { keys: vec![], ..policy() };
    let refused = proofs::verify(&stranger, text.as_bytes(), now()).unwrap_err();
    assert_eq!((refused.code(), refused.class()), ("log-not-configured", Class::Usage));
    // An entry of the log that is no record proves nothing.
    let odd = ["a".to_owned(), "b".to_owned()];
    let tree = MemoryNodes::of(&odd);
    let note = note(checkpoint(2, tree.root()), &[1], &[]);
    let path = leaf_hash(b"b").to_base64();
    let text = format!("c2sp.org/tlog-proof@v1\n{}\nindex 0\n{path}\n\n{note}", extra("a"));
    check(&text, "log-bad-record", "entry 0 of `log.example.org` is no record");
}
