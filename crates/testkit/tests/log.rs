//! Every lie of a log is refused or convicted by name, and an honest one is believed.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use countermark_packaging::digest::Digest;
use countermark_testkit::log::{Lie, Log, LogScenario, LogServer, observation, second_digest};
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::evidence::{Evidence, Kind, Ours, Statement, convict};
use countermark_trust::log::judge::{Contradiction, Judgement};
use countermark_trust::log::lookup::{self, Checked};
use countermark_trust::log::memory::Seen;
use countermark_trust::log::policy::LogPolicy;
use countermark_trust::log::proofs;
use countermark_trust::log::record::Observation;
use countermark_trust::log::refused::Refused;
use countermark_trust::log::wire::LookupRequest;
use countermark_trust::policy::{Policy, Section};
use jiff::Timestamp;

const ORIGIN: &str = "log.example.org";
const OBSERVER: &str = "index:example.org/crawler";

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().expect("a time")
}

fn file(number: usize) -> String {
    format!("p{number}-1.0-py3-none-any.whl")
}

fn seen_with(number: usize, bytes: &str) -> Observation {
    observation(OBSERVER, &format!("p{number}"), &file(number), bytes.as_bytes())
}

fn record(number: usize) -> Observation {
    seen_with(number, "bytes")
}

/// Another content of the same file.
fn other(number: usize) -> Observation {
    seen_with(number, "other")
}

fn log_with(count: usize, witnesses: u8) -> LogScenario {
    LogScenario::new(ORIGIN, now()).records((0..count).map(record)).witnesses(witnesses)
}

fn policy_of(scenario: &LogScenario, lines: &str) -> LogPolicy {
    let text = format!("[policy.log]\n{lines}\n{}", scenario.policy_lines("http://127.0.0.1/"));
    let policy = Policy::parse("f", text.as_bytes(), Section::File);
    policy.expect("a policy").log().clone()
}

fn request(seen: Option<&Seen>, files: &[String]) -> LookupRequest {
    let files = files.iter().cloned().collect();
    LookupRequest { seen: seen.map_or(0, Seen::size), files, releases: BTreeSet::new() }
}

fn ask(
    scenario: LogScenario,
    policy: &LogPolicy,
    seen: Option<&Seen>,
    files: &[String],
) -> Result<Checked, Refused> {
    let request = request(seen, files);
    let question = request.write().expect("a small request");
    let answer = Log::new(scenario).answer("POST", "/lookup", &question);
    assert_eq!(answer.code, 200);
    lookup::verify(policy, seen, &request, &answer.body, now())
}

fn fork(records: impl Iterator<Item = Observation>) -> Lie {
    Lie::Fork { after: 0, records: records.collect() }
}

#[test]
fn an_honest_log_is_believed() {
    for (count, witnesses) in [(1, 0), (2, 1), (7, 3), (300, 2)] {
        let policy = policy_of(&log_with(count, witnesses), "");
        let files: Vec<String> = [0, count / 2, count - 1, count].map(file).into();
        let honest = || log_with(count, witnesses);
        let checked = ask(honest(), &policy, None, &files).unwrap();
        assert_eq!(checked.head().size(), count as u64);
        assert_eq!(checked.head().time(), Some(now()));
        assert_eq!(checked.head().witnesses().len(), usize::from(witnesses));
        for number in [0, count / 2, count - 1] {
            let digest = record(number).digest().clone();
            let Judgement::Seen { by, .. } = checked.judge(&file(number), &[digest]) else {
                panic!("{number}")
            };
            assert_eq!(by[0].index, number as u64);
            // What is proved by a file is the same record.
            let text = checked.proof_file(by[0]).unwrap();
            let proved = proofs::verify(&policy, text.as_bytes(), now()).unwrap();
            assert_eq!(proved.record, *by[0]);
        }
        let digest = record(0).digest().clone();
        assert_eq!(checked.judge(&file(count), &[digest]), Judgement::NotSeen);
        // The same again, and after it has grown.
        let seen = checked.to_seen();
        let again = ask(honest(), &policy, Some(&seen), &files).unwrap();
        assert_eq!(again.to_seen(), seen);
        assert_eq!(Seen::parse(ORIGIN, seen.text().as_bytes()).unwrap(), seen);
        let grown = log_with(count + 5, witnesses);
        let checked = ask(grown, &policy, Some(&seen), &files).unwrap();
        assert_eq!(checked.head().size(), count as u64 + 5);
        assert_eq!(checked.records(&file(count)).len(), 1);
    }
}

#[test]
fn every_lie_is_refused_by_name() {
    const HOUR: u64 = 3600;
    let check = |lie: Lie, witnesses: u8, code: &str, class: Class, message: &str| {
        let policy = policy_of(&log_with(1, witnesses), "maximum-age = '1 day'");
        let seen = ask(log_with(13, witnesses), &policy, None, &[]).unwrap().to_seen();
        let scenario = log_with(21, witnesses).lie(lie.clone());
        let refused = ask(scenario, &policy, Some(&seen), &[1, 5, 20, 99].map(file)).unwrap_err();
        assert_eq!((refused.code(), refused.class()), (code, class), "{lie:?}: {refused}");
        assert!(refused.to_string().contains(message), "{lie:?}: {refused}");
        assert!(!refused.hint().is_empty() && refused.evidence().is_empty());
    };
    let (no, unknown) = (Class::Rejected, Class::Unavailable);
    let hours = |hours| Duration::from_secs(hours * HOUR);
    for witnesses in [0, 3] {
        check(Lie::Stale(hours(25)), witnesses, "log-stale", unknown, "older than the 1 day");
        check(Lie::Future(hours(1)), witnesses, "log-from-future", unknown, "2026-11-22T09:00:00Z");
        check(Lie::SwappedRecord, witnesses, "log-bad-proof", no, "records of its answer");
        check(Lie::RenamedRecord, witnesses, "log-bad-proof", no, "records of its answer");
        check(Lie::EmptyAnswer, witnesses, "log-empty-answer", no, "answered nothing");
        check(Lie::UnrelatedRecord, witnesses, "log-unrelated-record", no, "p0-1.0-py3");
        check(Lie::ShortAnswer, witnesses, "log-bad-proof", no, "records of its answer");
        check(Lie::MissingProof, witnesses, "log-bad-proof", no, "the proof has 0 hashes");
        check(Lie::LongProof, witnesses, "log-bad-proof", no, "hashes, expected");
        check(Lie::MissingConsistency, witnesses, "log-bad-proof", no, "only grown since 13");
        check(Lie::BadSignature, witnesses, "log-bad-signature", no, "does not fit the note");
        check(Lie::UnknownKey, witnesses, "log-bad-signature", no, "none of the known keys");
        let rollback = Lie::Rollback { after: 0, size: 12 };
        check(rollback, witnesses, "log-rolled-back", no, "shows 12 entries, but had 13");
    }
    check(Lie::NoTime, 0, "log-stale", unknown, "says no time");
    let few = "is cosigned by 1 of the witnesses, expected 2";
    check(Lie::FewWitnesses(1), 3, "log-too-few-witnesses", no, few);
    // Without the help of its witnesses a log cannot show another view at all.
    let none = "is cosigned by 0 of the witnesses, expected 2";
    check(fork((0..30).map(other)), 3, "log-too-few-witnesses", no, none);
}

#[test]
fn what_is_no_lie_is_no_refusal() {
    let check = |lie: Lie, witnesses: u8| {
        let policy = policy_of(&log_with(1, witnesses), "maximum-age = '1 day'");
        let scenario = log_with(21, witnesses).lie(lie.clone());
        let found = ask(scenario, &policy, None, &[file(1)]);
        found.unwrap_or_else(|error| panic!("{lie:?}: {error}"));
    };
    check(Lie::Stale(Duration::from_secs(86_400)), 0);
    check(Lie::Future(Duration::from_secs(300)), 3);
    check(Lie::FewWitnesses(2), 3);
    check(Lie::LyingWitness(3), 3);
    // The witnesses say when it was.
    check(Lie::NoTime, 3);
    // Nobody saw more of it before.
    check(Lie::Rollback { after: 0, size: 5 }, 0);
}

#[test]
fn an_answer_without_records_is_no_yes() {
    let policy = policy_of(&log_with(9, 0), "");
    for (scenario, wanted) in [(log_with(9, 0), 77), (log_with(9, 0).lie(Lie::NoRecords), 3)] {
        let checked = ask(scenario, &policy, None, &[file(wanted)]).unwrap();
        let digest = record(wanted).digest().clone();
        assert_eq!(checked.judge(&file(wanted), &[digest]), Judgement::NotSeen);
        assert_eq!(checked.files().count(), 0);
    }
}

#[test]
fn a_forked_log_is_convicted_at_every_pair_of_sizes() {
    let policy = policy_of(&log_with(1, 0), "");
    let given = [policy.keys[0].vkey.clone()];
    for before in 1..=9_usize {
        let seen = ask(log_with(before, 0), &policy, None, &[]).unwrap().to_seen();
        for after in before..=12 {
            // The other view differs in its first entry.
            let records = (0..after).map(|it| if it == 0 { other(0) } else { record(it) });
            let scenario = log_with(before, 0).lie(fork(records));
            let refused = ask(scenario, &policy, Some(&seen), &[file(1)]).unwrap_err();
            assert_eq!((refused.code(), refused.class()), ("log-fork", Class::Alarm), "{refused}");
            let [evidence] = refused.evidence() else { panic!("{refused:?}") };
            let kind = if before == after { Kind::ForkSameSize } else { Kind::ForkInconsistent };
            assert_eq!(evidence.kind(), kind);
            let read = Evidence::parse(&evidence.write()).unwrap();
            assert_eq!(read, *evidence);
            let conviction = convict(&read, &given).unwrap();
            assert!(conviction.keys_are_given && conviction.keys == given);
            let Statement::Views { first, second } = conviction.statement else { panic!() };
            assert_eq!((first.size, second.size), (before as u64, after as u64));
            assert!(!convict(&read, &[]).unwrap().keys_are_given);
            let stranger = VerifierKey::parse(&log_with(1, 0).vkey_of(77)).unwrap();
            let error = convict(&read, &[stranger]).unwrap_err();
            assert!(error.to_string().starts_with("none of the given keys signed"), "{error}");
        }
    }
}

#[test]
fn views_that_go_together_convict_nobody() {
    let policy = policy_of(&log_with(5, 0), "");
    let seen = ask(log_with(5, 0), &policy, None, &[]).unwrap().to_seen();
    for count in [5, 8] {
        let scenario = log_with(5, 0).lie(fork((0..count).map(record)));
        ask(scenario, &policy, Some(&seen), &[file(1)]).unwrap();
    }
    let grown = ask(log_with(8, 0), &policy, Some(&seen), &[]).unwrap().to_seen();
    let notes = [&seen, &grown].map(|it| it.text().to_owned());
    let keys = [policy.keys[0].vkey.clone()];
    let convicts = |notes: [&String; 2]| {
        Evidence::fork(ORIGIN, &keys, &notes.map(Clone::clone), &[], now()).is_some()
    };
    assert!(!convicts([&notes[0], &notes[1]]) && !convicts([&notes[0], &notes[0]]));
}

#[test]
fn a_lying_witness_is_convicted_with_the_log() {
    let policy = policy_of(&log_with(1, 3), "quorum = 2");
    let witnesses: Vec<VerifierKey> =
        log_with(1, 3).witness_vkeys().iter().map(|it| it.parse().unwrap()).collect();
    for (before, after) in [(6, 6), (6, 9), (4, 9)] {
        let seen = ask(log_with(before, 3), &policy, None, &[]).unwrap().to_seen();
        let lies = log_with(before, 3).lie(fork((0..after).map(other))).lie(Lie::LyingWitness(2));
        let refused = ask(lies, &policy, Some(&seen), &[]).unwrap_err();
        let kinds: Vec<Kind> = refused.evidence().iter().map(Evidence::kind).collect();
        assert_eq!(kinds[1..], [Kind::BadCosignature; 2], "{refused}");
        for (evidence, witness) in refused.evidence()[1..].iter().zip(&witnesses) {
            let conviction = convict(evidence, std::slice::from_ref(witness)).unwrap();
            assert_eq!(conviction.keys, std::slice::from_ref(witness));
            // The third one cosigned one view only, and the key of the log is no witness's.
            let error = convict(evidence, &witnesses[2..]).unwrap_err();
            assert!(error.to_string().contains("did not cosign both"), "{error}");
            let error = convict(evidence, &[policy.keys[0].vkey.clone()]).unwrap_err();
            assert_eq!(error.to_string(), "there is no key of the accused");
        }
        let names: BTreeSet<String> = refused.evidence().iter().map(Evidence::file_name).collect();
        assert_eq!(names.len(), 3);
    }
}

#[test]
fn a_second_digest_is_proved_to_anybody() {
    let scenario = log_with(40, 1).second_digest(&file(7));
    let policy = policy_of(&scenario, "");
    let checked = ask(scenario, &policy, None, &[7, 8, 9].map(file)).unwrap();
    let judgement = checked.judge(&file(7), &[record(7).digest().clone()]);
    let Judgement::Equivocation(contradiction) = judgement else { panic!("{judgement:?}") };
    let Contradiction::Records { first, second } = &contradiction else { panic!() };
    assert_eq!((first.index, second.index), (7, 40));
    assert_eq!(second.observation, second_digest(&record(7)));
    let evidence = checked.evidence(&contradiction, None, now()).unwrap();
    let conviction = convict(&Evidence::parse(&evidence.write()).unwrap(), &[]).unwrap();
    let Statement::Digests { records, ours: None } = &conviction.statement else { panic!() };
    assert_eq!(*records, [record(7), second_digest(&record(7))]);
    assert!(conviction.statement.to_string().contains("second.example.org"));
    // One record and what we got ourselves.
    let got = Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap();
    let judgement = checked.judge(&file(8), std::slice::from_ref(&got));
    let Judgement::Equivocation(contradiction) = judgement else { panic!("{judgement:?}") };
    let ours = Ours { file: file(8), digest: got, from: "https://index.example.org/".into() };
    let evidence = checked.evidence(&contradiction, Some(ours.clone()), now()).unwrap();
    let conviction = convict(&evidence, &[]).unwrap();
    assert!(conviction.statement.to_string().ends_with("which is his word"));
    // Without it, or about another file, or with the digest of the log, it proves nothing.
    assert_eq!(checked.evidence(&contradiction, None, now()), None);
    for wrong in [
        Ours { file: file(9), ..ours.clone() },
        Ours { digest: record(8).digest().clone(), ..ours },
    ] {
        assert_eq!(checked.evidence(&contradiction, Some(wrong), now()), None);
    }
}

#[test]
fn one_record_as_two_entries_is_refused() {
    let scenario = log_with(4, 0).record(record(2));
    let policy = policy_of(&scenario, "");
    let refused = ask(scenario, &policy, None, &[file(2)]).unwrap_err();
    assert_eq!(refused.code(), "log-duplicate-record");
    assert_eq!(
        refused.to_string(),
        "entries 2 and 4 of `log.example.org` are one record, of `p2-1.0-py3-none-any.whl`"
    );
}

/// What an answer says.
fn meaning(checked: &Checked) -> String {
    let records: Vec<_> = checked.files().collect();
    format!("{} {} {records:?}", checked.head().size(), checked.head().root())
}

#[test]
fn each_changed_byte_of_an_answer_is_refused_or_means_the_same() {
    let policy = policy_of(&log_with(1, 2), "quorum = 1");
    let seen = ask(log_with(13, 2), &policy, None, &[]).unwrap().to_seen();
    let request = request(Some(&seen), &[1, 5, 99].map(file));
    let mut log = Log::new(log_with(21, 2));
    let answer = log.answer("POST", "/lookup", &request.write().unwrap()).body;
    let verify = |bytes: &[u8]| lookup::verify(&policy, Some(&seen), &request, bytes, now());
    let expect = meaning(&verify(&answer).unwrap());
    let (mut same, mut codes) = (0, BTreeSet::new());
    for place in 0..answer.len() {
        let mut bytes = answer.clone();
        bytes[place] ^= 1;
        match verify(&bytes) {
            Ok(checked) => {
                assert_eq!(meaning(&checked), expect, "byte {place}");
                same += 1;
            }
            Err(refused) => {
                assert_ne!(refused.class(), Class::Alarm, "byte {place}: {refused}");
                codes.insert(refused.code());
            }
        }
    }
    // A witness of another name or number is a stranger, of whom nothing is expected.
    assert!(same < answer.len() / 10, "{same} of {}", answer.len());
    for code in ["log-bad-answer", "log-bad-checkpoint", "log-bad-proof", "log-bad-signature"] {
        assert!(codes.contains(code), "{codes:?}");
    }
    for end in 0..answer.len() {
        assert!(verify(&answer[..end]).is_err(), "{end}");
    }
}

#[test]
fn each_changed_byte_of_evidence_and_of_a_proof_is_refused_or_means_the_same() {
    let scenario = log_with(13, 1).second_digest(&file(7));
    let policy = policy_of(&scenario, "");
    let checked = ask(scenario, &policy, None, &[file(7)]).unwrap();
    let Judgement::Equivocation(contradiction) = checked.judge(&file(7), &[]) else { panic!() };
    let evidence = checked.evidence(&contradiction, None, now()).unwrap().write();
    let given = [policy.keys[0].vkey.clone()];
    let expect = convict(&Evidence::parse(&evidence).unwrap(), &given).unwrap();
    for place in 0..evidence.len() {
        let mut bytes = evidence.clone();
        bytes[place] ^= 1;
        let Ok(changed) = Evidence::parse(&bytes) else { continue };
        if let Ok(found) = convict(&changed, &given) {
            assert_eq!(found, expect, "byte {place}");
        }
    }
    let record = &checked.records(&file(7))[0];
    let proof = checked.proof_file(record).unwrap().into_bytes();
    for place in 0..proof.len() {
        let mut bytes = proof.clone();
        bytes[place] ^= 1;
        if let Ok(found) = proofs::verify(&policy, &bytes, now()) {
            assert_eq!(found.record, *record, "byte {place}");
        }
    }
}

#[test]
fn a_server_answers_remembers_and_misbehaves() {
    let server = LogServer::start(log_with(3, 1));
    let policy = Policy::parse("f", server.policy("mode = 'require'").as_bytes(), Section::File);
    assert_eq!(policy.unwrap().log().origin(), Some(ORIGIN));
    let url = server.url();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let send = |head: &str, body: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{head} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(head.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.take(1 << 20).read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(send("GET /checkpoint", "").contains("\r\n\r\nlog.example.org\n3\n"));
    assert!(send("GET /tile/0/000.p/3", "").contains("immutable"));
    let entries = send("GET /tile/entries/000.p/3", "");
    assert!(entries.contains("file p2-1.0-py3-none-any.whl\n"));
    assert!(send("GET /tile/0/000.p/4", "").starts_with("HTTP/1.1 404"));
    assert!(send("GET /log.json", "").contains(&server.vkey()));
    let body = r#"{"version":1,"seen":0,"files":["p1-1.0-py3-none-any.whl"]}"#;
    assert!(send("POST /lookup", body).contains("\"index\":1"));
    assert!(send("POST /lookup", "{").starts_with("HTTP/1.1 400"));
    assert_eq!(server.asked(), ["p1-1.0-py3-none-any.whl"]);
    assert!(server.was_told("P1-1.0") && !server.was_told("p2-1.0"));
    assert_eq!(server.request_lines().len(), 7);
    server.forget_requests();
    let misbehave = |lie: Lie| {
        server.change(|log| log.honest().lie(lie));
        send("GET /tile/entries/000.p/3", "")
    };
    assert!(misbehave(Lie::Status(500)).starts_with("HTTP/1.1 500"));
    assert_eq!(misbehave(Lie::Down), "");
    assert!(misbehave(Lie::Oversized).len() >= 1 << 20);
    assert_eq!(misbehave(Lie::Slow(Duration::from_millis(1))), entries);
    let forged = misbehave(Lie::ForgedTile);
    assert!(forged.len() == entries.len() && forged != entries);
    assert_eq!(server.requests().len(), 5);
}
