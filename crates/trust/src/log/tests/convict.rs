//! Every mutation of evidence, with the exact reason why it proves nothing.

use countermark_tlog::hash::leaf_hash;
use countermark_tlog::proof::prove_prefix;

use super::*;
use crate::Class;
use crate::log::evidence::{Evidence, convict};

/// A document of evidence as a value that can be changed.
type Document = serde_json::Value;

fn tree(entries: &[&str]) -> MemoryNodes {
    MemoryNodes::of(entries)
}

fn signed(tree: &MemoryNodes, cosigned: &[(u8, i64)]) -> String {
    note(checkpoint(tree.size(), tree.root()), &[1], cosigned)
}

/// Signed with a time.
fn at(tree: &MemoryNodes, seconds: u64) -> String {
    note(checkpoint(tree.size(), tree.root()).with_time(seconds), &[1], &[])
}

/// Evidence of each kind.
fn all() -> Vec<Evidence> {
    let keys = vkeys(&[log_key(1)]);
    let (a, b) = (tree(&["a", "b", "c"]), tree(&["x", "b", "c"]));
    let more = tree(&["x", "b", "c", "d", "e"]);
    let proof = prove_prefix(3, 5, &more).unwrap();
    let both = [(1, 0), (2, 0)];
    let notes = [signed(&a, &both), signed(&b, &both)];
    let grown = [signed(&a, &both), signed(&more, &both)];
    let mut texts = texts(4, 1);
    texts.push(texts[2].replace("sha256:ab", "sha256:cd"));
    let answer = answer(&texts, &[2, 4]);
    let (records, proved) = (answer.records, answer.proof);
    let witness = witness(2).verifier().clone();
    [
        Evidence::fork(ORIGIN, &keys, &notes, &[], now()),
        Evidence::fork(ORIGIN, &keys, &grown, &proof, now()),
        Evidence::equivocation(ORIGIN, &keys, answer.checkpoint, records, proved, None, now()),
        Evidence::witness(ORIGIN, &witness, &notes, &[], now()),
        Evidence::witness(ORIGIN, &witness, &grown, &proof, now()),
        Evidence::rolled_back(ORIGIN, &keys, at(&a, 1001), at(&more, 1000), now()),
    ]
    .map(Option::unwrap)
    .into()
}

fn refusal(evidence: &Evidence, change: &dyn Fn(&mut Document)) -> String {
    let mut document: Document = serde_json::from_slice(&evidence.write()).unwrap();
    let before = document.clone();
    change(&mut document);
    assert_ne!(document, before);
    match Evidence::parse(document.to_string().as_bytes()) {
        Err(error) => {
            assert_eq!(error.class(), Class::Usage);
            error.to_string()
        }
        Ok(evidence) => {
            let error = convict(&evidence, &[]).unwrap_err();
            assert_eq!(error.class(), Class::Rejected);
            error.to_string()
        }
    }
}

#[test]
fn each_kind_convicts_and_says_whom() {
    let names: Vec<String> = all().iter().map(|it| it.kind().name().to_owned()).collect();
    assert_eq!(
        names,
        [
            "fork-same-size",
            "fork-inconsistent",
            "equivocation",
            "bad-cosignature",
            "bad-cosignature",
            "rolled-back"
        ]
    );
    for evidence in all() {
        let conviction = convict(&evidence, &[]).unwrap();
        let accused =
            if evidence.kind().name() == "bad-cosignature" { witness(2) } else { log_key(1) };
        assert_eq!(conviction.keys, vkeys(&[accused]));
        assert_eq!((conviction.log.as_str(), conviction.keys_are_given), (ORIGIN, false));
        // The day on which it was found makes no other file of it.
        let mut document: Document = serde_json::from_slice(&evidence.write()).unwrap();
        document["found"] = "2030-01-01T00:00:00Z".into();
        let later = Evidence::parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(later.file_name(), evidence.file_name());
        assert!(evidence.file_name().starts_with(evidence.kind().name()));
    }
}

#[test]
fn evidence_of_two_views_is_refused_for_its_reason() {
    let all = all();
    let check = |number: usize, change: &dyn Fn(&mut Document), expect: &str| {
        let found = refusal(&all[number], change);
        assert!(found.starts_with(expect), "{number}: {found}");
    };
    for number in [0, 1, 3, 4] {
        let drop_one = |it: &mut Document| drop(it["notes"].as_array_mut().unwrap().pop());
        check(number, &drop_one, "such evidence has 2 signed checkpoints, found 1");
        let same = |it: &mut Document| it["notes"][1] = it["notes"][0].clone();
        let same_size = "both checkpoints of the evidence say the same: 3 entries with one root";
        let superfluous = "such evidence has no `consistency`";
        check(number, &same, if matches!(number, 0 | 3) { same_size } else { superfluous });
        check(
            number,
            &|it| it["log"] = "other".into(),
            "a signed checkpoint of the evidence cannot",
        );
        check(number, &|it| it["keys"] = Document::Array(vec![]), "there is no key of the accused");
        let proof = Document::Array(vec![leaf_hash(b"").to_base64().into()]);
        check(number, &|it| it["proof"] = proof.clone(), "such evidence has no `proof`");
        let record: Document = serde_json::json!([{ "index": 0, "record": "" }]);
        check(number, &|it| it["records"] = record.clone(), "such evidence has no `records`");
        let digest = format!("sha256:{}", "00".repeat(32));
        let ours = serde_json::json!({ "file": "f", "digest": digest, "from": "x" });
        check(number, &|it| it["ours"] = ours.clone(), "such evidence has no `ours`");
    }
    for number in [1, 4] {
        let swap = |it: &mut Document| it["notes"].as_array_mut().unwrap().swap(0, 1);
        check(number, &swap, "the smaller checkpoint of the evidence has to be the first one");
        let other = leaf_hash(b"other").to_base64();
        let wrong = |it: &mut Document| it["consistency"][0] = other.clone().into();
        check(number, &wrong, "nothing follows from the proof in the evidence: the root that");
        let none = |it: &mut Document| it["consistency"] = Document::Array(vec![]);
        check(number, &none, "nothing follows from the proof in the evidence: the proof has 0");
        // The same log, honestly grown.
        let honest = |it: &mut Document| {
            let (a, b) = (tree(&["a", "b", "c"]), tree(&["a", "b", "c", "d", "e"]));
            it["notes"][1] = signed(&b, &[(1, 0), (2, 0)]).into();
            let proof = prove_prefix(3, 5, &b).unwrap();
            it["consistency"] = proof.iter().map(|hash| Document::from(hash.to_base64())).collect();
            assert_eq!(a.size(), 3);
        };
        check(number, &honest, "the log has only grown from 3 to 5 entries");
    }
    check(
        0,
        &|it| it["kind"] = "fork-inconsistent".into(),
        "the evidence says `fork-inconsistent`",
    );
    check(1, &|it| it["kind"] = "fork-same-size".into(), "the evidence says `fork-same-size`");
    check(0, &|it| it["kind"] = "bad-cosignature".into(), "there is no key of the accused");
    check(3, &|it| it["kind"] = "fork-same-size".into(), "there is no key of the accused");
    let stranger = |it: &mut Document| it["keys"] = vec![log_key(9).verifier().to_string()].into();
    check(0, &stranger, "none of the given keys signed the evidence");
    // Each of two witnesses cosigned one of two views: neither of them lied.
    let apart = |it: &mut Document| {
        let (a, b) = (tree(&["a", "b", "c"]), tree(&["x", "b", "c"]));
        it["notes"] = vec![signed(&a, &[(1, 0)]), signed(&b, &[(2, 0)])].into();
        it["keys"] = [1, 2].map(|it| witness(it).verifier().to_string()).to_vec().into();
    };
    check(3, &apart, "`witness.example.org/1` did not cosign both checkpoints of the evidence");
}

#[test]
fn evidence_of_a_tree_that_shrank_is_refused_for_its_reason() {
    let all = all();
    let check = |change: &dyn Fn(&mut Document), expect: &str| {
        let found = refusal(&all[5], change);
        assert!(found.starts_with(expect), "{found}");
    };
    let (small, large) = (tree(&["a", "b", "c"]), tree(&["x", "b", "c", "d", "e"]));
    let not_later = "the smaller checkpoint of the evidence does not say a later time";
    // An old checkpoint may be shown again by anybody; and one that says no time says nothing.
    check(&|it| it["notes"][0] = at(&small, 999).into(), not_later);
    check(&|it| it["notes"][0] = at(&small, 1000).into(), not_later);
    check(&|it| it["notes"][0] = signed(&small, &[]).into(), not_later);
    check(&|it| it["notes"][1] = signed(&large, &[]).into(), not_later);
    let order = "the smaller checkpoint of the evidence has to be the first one";
    check(&|it| it["notes"].as_array_mut().unwrap().swap(0, 1), order);
    check(&|it| it["notes"][1] = it["notes"][0].clone(), order);
    check(&|it| drop(it["notes"].as_array_mut().unwrap().pop()), "such evidence has 2 signed");
    let proof = Document::Array(vec![leaf_hash(b"").to_base64().into()]);
    check(&|it| it["consistency"] = proof.clone(), "such evidence has no `consistency`");
    let stranger = |it: &mut Document| it["keys"] = vec![log_key(9).verifier().to_string()].into();
    check(&stranger, "none of the given keys signed the evidence");
    let later = |it: &mut Document| {
        let text = it["notes"][0].as_str().unwrap().replace("time 1001", "time 2001");
        it["notes"][0] = text.into();
    };
    check(&later, "a signed checkpoint of the evidence cannot be used: ");
    check(&|it| it["kind"] = "fork-inconsistent".into(), "nothing follows from the proof");
    let said = convict(&all[5], &[]).unwrap().statement.to_string();
    assert_eq!(said, "5 entries at the time 1000, and 3 entries at the later time 1001");
}

#[test]
fn evidence_of_two_digests_is_refused_for_its_reason() {
    let all = all();
    let check = |change: &dyn Fn(&mut Document), expect: &str| {
        let found = refusal(&all[2], change);
        assert!(found.starts_with(expect), "{found}");
    };
    let follows = "nothing follows from the proof in the evidence: ";
    check(&|it| it["records"][0]["index"] = 3.into(), &format!("{follows}the root that follows"));
    check(
        &|it| it["records"] = Document::Array(vec![]),
        &format!("{follows}a proof about no entry"),
    );
    check(&|it| it["proof"] = Document::Array(vec![]), &format!("{follows}the proof has 0"));
    let other = |it: &mut Document| {
        let text = it["records"][1]["record"].as_str().unwrap().replace("file f2", "file f3");
        it["records"][1]["record"] = text.into();
    };
    check(&other, &format!("{follows}the root that follows"));
    let twice = |it: &mut Document| it["notes"] = vec![it["notes"][0].clone(); 2].into();
    check(&twice, "such evidence has 1 signed checkpoints, found 2");
    let proof = Document::Array(vec![leaf_hash(b"").to_base64().into()]);
    check(&|it| it["consistency"] = proof.clone(), "such evidence has no `consistency`");
    // Records that can both be true, each way of it.
    let records = |texts: Vec<String>, wanted: &[u64]| {
        let answer = answer(&texts, wanted);
        move |it: &mut Document| {
            it["notes"][0] = answer.checkpoint.clone().into();
            it["proof"] = answer.proof.iter().map(|it| Document::from(it.to_base64())).collect();
            let record = |it: &Entry| serde_json::json!({ "index": it.index, "record": it.record });
            it["records"] = answer.records.iter().map(record).collect();
        }
    };
    let none = "the records of the evidence do not contradict each other, nor what was downloaded";
    let mut texts = texts(4, 1);
    texts.push(texts[2].replace("sha256:ab", "sha256:cd"));
    check(&records(texts.clone(), &[1, 2]), none);
    check(&records(texts.clone(), &[1, 2, 4]), none);
    check(&records(texts.clone(), &[2]), none);
    let mut packaged = texts.clone();
    packaged[4] = packaged[4].replace("index:", "distribution:");
    check(&records(packaged, &[2, 4]), none);
    texts[4] = texts[4].replace("project p", "project P");
    check(&records(texts, &[2, 4]), "a record of the evidence cannot be used: ");
}

#[test]
fn what_is_no_document_is_refused_for_its_reason() {
    let all = all();
    let check = |change: &dyn Fn(&mut Document), expect: &str| {
        let found = refusal(&all[0], change);
        assert!(found.starts_with(expect), "{found}");
    };
    check(&|it| it["version"] = 2.into(), "the evidence has version 2, expected 1");
    check(&|it| it["kind"] = "x".into(), "`kind` of the evidence is none: `x`");
    check(&|it| it["keys"][0] = "x".into(), "`keys` of the evidence is none: `x`");
    check(&|it| it["found"] = "x".into(), "`found` of the evidence is none: `x`");
    check(&|it| it["proof"] = vec!["x"].into(), "`proof` of the evidence is none: `x`");
    check(&|it| it["consistency"] = vec!["x"].into(), "`consistency` of the evidence is none: `x`");
    check(&|it| it["more"] = 1.into(), "the evidence cannot be read: unknown field `more`");
    let gone = |it: &mut Document| drop(it.as_object_mut().unwrap().remove("ours"));
    // What is not there is as good as `null`.
    let mut document: Document = serde_json::from_slice(&all[0].write()).unwrap();
    gone(&mut document);
    assert_eq!(Evidence::parse(document.to_string().as_bytes()).unwrap(), all[0]);
    let ours = serde_json::json!({ "file": "f", "digest": "x", "from": "y" });
    check(&|it| it["ours"] = ours.clone(), "`digest` of the evidence is none: `x`");
    let long = serde_json::json!([{ "index": 0, "record": "x".repeat(1025) }]);
    check(&|it| it["records"] = long.clone(), "`records` of the evidence is none: `xxx");
    let many = vec![""; 1001];
    check(
        &|it| it["notes"] = many.clone().into(),
        "`notes` of the evidence has at most 1000 entries",
    );
    let error = Evidence::parse(&vec![b' '; (4 << 20) + 1]).unwrap_err();
    assert_eq!(error.to_string(), "evidence has at most 4194304 bytes, found 4194305");
}

/// The form is published: what was written once is read and written the same for ever.
#[test]
fn the_form_of_evidence_is_frozen() {
    let all = all();
    for (number, text) in [
        (0, include_str!("fork-same-size.json")),
        (1, include_str!("fork-inconsistent.json")),
        (2, include_str!("equivocation.json")),
        (3, include_str!("bad-cosignature.json")),
        (5, include_str!("rolled-back.json")),
    ] {
        let written = String::from_utf8(all[number].write()).unwrap();
        assert_eq!(written, text, "{written}");
        convict(&Evidence::parse(text.as_bytes()).unwrap(), &[]).unwrap();
    }
}
