//! The routes of a log over real engines in a temporary folder.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_tlog::checkpoint::Checkpoint;
use countermark_tlog::hash::leaf_hash;
use countermark_tlog::note::{self, KeyType, Note, SignerKey, sign_within};
use countermark_tlog::proof::{batch, roots_of_consistency};
use countermark_trust::log::record::{Fields, Observation, Observer};
use countermark_trust::log::wire::{Batch, LookupAnswer, LookupRequest, Receipts, Release, Status};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;

use super::append::MAXIMUM_SIGNED;
use super::*;
use crate::log::config::Registered;
use crate::log::sequencer::{Alone, Outside, Sequencer, Settings, Turn};
use crate::log::sqlite::{self, SqliteLog};
use crate::log::tiles::DirectoryTiles;
use crate::server::Limits;

const ORIGIN: &str = "log.example.org";
const CRAWLER: &str = "index:index.example.org/crawler";

struct Fixture {
    _folder: tempfile::TempDir,
    log: Log,
    service: TowerToHyperService<Router>,
    sequencer: Sequencer,
}

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, KeyType::Ed25519, &[seed; 32]).unwrap()
}

fn crawler() -> SignerKey {
    signer("index.example.org/crawler", 1)
}

fn record(file: &str, digest: u8) -> Observation {
    record_by(CRAWLER, file, digest)
}

fn record_by(observer: &str, file: &str, digest: u8) -> Observation {
    Observation::new(Fields {
        project: ProjectName::parse(file.split('-').next().unwrap()).unwrap(),
        file: file.to_owned(),
        digest: Digest::parse(&format!("sha256:{}", format!("{digest:02x}").repeat(32))).unwrap(),
        size: Some(1000),
        uploaded: None,
        observer: Observer::parse(observer).unwrap(),
        first_seen: "2026-11-22T08:00:00Z".parse().unwrap(),
    })
    .unwrap()
}

fn signed(origin: &str, records: &[Observation], key: &SignerKey) -> String {
    let batch = Batch { origin: origin.to_owned(), records: records.to_vec() };
    sign_within(&batch.text(), &[key], MAXIMUM_SIGNED).unwrap().to_text()
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.sqlite");
        let store = Arc::new(SqliteLog::open(&path, sqlite::Options::default()).unwrap());
        let tiles = Arc::new(DirectoryTiles::open(&folder.path().join("public")).unwrap());
        let key = signer(ORIGIN, 9);
        let keys = Keys {
            log: vec![key.verifier().clone()],
            observers: vec![
                Registered {
                    observer: Observer::parse(CRAWLER).unwrap(),
                    key: crawler().verifier().clone(),
                },
                Registered {
                    observer: Observer::parse("distribution:example.net").unwrap(),
                    key: signer("example.net", 2).verifier().clone(),
                },
            ],
            witnesses: Vec::new(),
        };
        let clock: Clock = Arc::new(now);
        let parts = Parts::new(&Limits::default());
        let engines: (Arc<dyn LogStore>, Arc<dyn TileStore>) = (store.clone(), tiles.clone());
        let (log, _) = Log::attach(parts, ORIGIN, keys, engines, Arc::clone(&clock)).unwrap();
        let service = TowerToHyperService::new(log.routes());
        let outside = Outside { store, tiles, cosigners: Arc::new(Alone), clock };
        let sequencer = Sequencer::new(outside, vec![key], Settings::new(ORIGIN), "test");
        Self { _folder: folder, log, service, sequencer }
    }

    /// With so many files of `teapot`, sequenced in turns of at most `step`.
    async fn filled(count: usize, step: usize) -> Self {
        let mut fixture = Self::new();
        let records: Vec<_> = (0..count).map(|it| record(&file(it), 7)).collect();
        for records in records.chunks(step) {
            let receipts = fixture.append(records).await;
            assert!(receipts.0.iter().all(|it| it.status == Status::New));
            fixture.turn().await;
        }
        fixture
    }

    async fn turn(&mut self) {
        let turn = self.sequencer.turn().await.unwrap();
        assert!(matches!(turn, Turn::Leads { .. }), "{turn:?}");
        self.log.refresh().await.unwrap();
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.service.call(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.send(Request::post(path).body(body.into()).unwrap()).await;
        (response.status(), bytes(response).await)
    }

    async fn append(&self, records: &[Observation]) -> Receipts {
        let (status, body) = self.post("/append", signed(ORIGIN, records, &crawler())).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        Receipts::parse(&body).unwrap()
    }

    async fn lookup(&self, request: &LookupRequest) -> LookupAnswer {
        let (status, body) = self.post("/lookup", request.write().unwrap()).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        LookupAnswer::parse(&body).unwrap()
    }

    async fn refused(&self, path: &str, body: impl Into<Body>) -> (u16, String, String) {
        let (status, body) = self.post(path, body).await;
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let text = |key: &str| problem[key].as_str().unwrap().to_owned();
        (status.as_u16(), text("code"), text("detail"))
    }
}

async fn bytes(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 26).await.unwrap().to_vec()
}

fn file(number: usize) -> String {
    format!("teapot-{number}.0.tar.gz")
}

fn files(names: &[&str], seen: u64) -> LookupRequest {
    let files = names.iter().map(|it| (*it).to_owned()).collect();
    LookupRequest { seen, files, ..LookupRequest::default() }
}

/// The checkpoint of an answer, after its signature was checked, and its records after their proof was.
fn verified(answer: &LookupAnswer) -> (Checkpoint, Vec<(u64, Observation)>) {
    let keys = [signer(ORIGIN, 9).verifier().clone()];
    let text = note::open(answer.checkpoint.as_bytes(), &keys).unwrap();
    let checkpoint = Checkpoint::parse(text.text()).unwrap();
    let leaves: Vec<_> =
        answer.records.iter().map(|it| (it.index, leaf_hash(it.record.as_bytes()))).collect();
    if !leaves.is_empty() {
        batch::verify(&leaves, checkpoint.size(), &answer.proof, checkpoint.root()).unwrap();
    }
    let record = |it: &countermark_trust::log::wire::Entry| {
        (it.index, Observation::parse(it.record.as_bytes()).unwrap())
    };
    (checkpoint, answer.records.iter().map(record).collect())
}

#[tokio::test]
async fn what_was_appended_is_found_and_proved() {
    let fixture = Fixture::filled(700, 300).await;
    for names in [&["teapot-0.0.tar.gz"][..], &["teapot-699.0.tar.gz"]] {
        let answer = fixture.lookup(&files(names, 0)).await;
        let (checkpoint, records) = verified(&answer);
        assert_eq!((checkpoint.size(), checkpoint.origin()), (700, ORIGIN));
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].1, record(names[0], 7));
        assert!(answer.consistency.is_empty());
    }
    // All at once, with one that is not there.
    let names: Vec<String> = (0..700).map(file).chain(["kettle-1.tar.gz".to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answer = fixture.lookup(&files(&names, 0)).await;
    let (_, records) = verified(&answer);
    assert_eq!(records.len(), 700);
    assert!(answer.proof.is_empty(), "all leaves are there");
    // By release, and the same file by name too.
    let release =
        Release { project: ProjectName::parse("teapot").unwrap(), version: "5.0".parse().unwrap() };
    let mut request = files(&["teapot-5.0.tar.gz", "teapot-6.0.tar.gz"], 0);
    request.releases.insert(release);
    let (_, records) = verified(&fixture.lookup(&request).await);
    let found: Vec<&str> = records.iter().map(|(_, it)| it.file()).collect();
    assert_eq!(found, ["teapot-5.0.tar.gz", "teapot-6.0.tar.gz"]);
}

#[tokio::test]
async fn an_answer_continues_what_was_seen() {
    let mut fixture = Fixture::filled(256, 256).await;
    let before = verified(&fixture.lookup(&files(&[], 0)).await).0;
    for step in 0..3_usize {
        let more: Vec<_> = (0..7).map(|it| record(&file(1000 + 10 * step + it), 7)).collect();
        fixture.append(&more).await;
        fixture.turn().await;
        let answer = fixture.lookup(&files(&[], before.size())).await;
        let after = verified(&answer).0;
        assert_eq!(after.size(), 256 + 7 * (step as u64 + 1));
        let roots = roots_of_consistency(before.size(), after.size(), &answer.consistency);
        assert_eq!(roots.unwrap(), (*before.root(), *after.root()));
    }
    // Whoever says that it saw more gets no proof, and finds out by the size.
    let answer = fixture.lookup(&files(&[], 100_000)).await;
    assert!(answer.consistency.is_empty());
    assert_eq!(verified(&answer).0.size(), 277);
}

#[tokio::test]
async fn what_is_not_published_is_not_answered() {
    let mut fixture = Fixture::filled(3, 3).await;
    let receipts = fixture.append(&[record("kettle-1.tar.gz", 7)]).await;
    assert_eq!((receipts.0[0].status, receipts.0[0].index), (Status::New, None));
    assert!(fixture.lookup(&files(&["kettle-1.tar.gz"], 0)).await.records.is_empty());
    fixture.turn().await;
    assert_eq!(fixture.lookup(&files(&["kettle-1.tar.gz"], 0)).await.records.len(), 1);
    let receipts = fixture.append(&[record("kettle-1.tar.gz", 7)]).await;
    assert_eq!((receipts.0[0].status, receipts.0[0].index), (Status::Known, Some(3)));
    // A second digest is taken, and told.
    let receipts = fixture.append(&[record("kettle-1.tar.gz", 8)]).await;
    let other = record("kettle-1.tar.gz", 7).digest().clone();
    assert_eq!((receipts.0[0].status, &receipts.0[0].conflicts), (Status::New, &vec![other]));
}

#[tokio::test]
async fn before_the_first_checkpoint_nothing_is_answered() {
    let mut fixture = Fixture::new();
    let response = fixture.get("/checkpoint").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(fixture.get("/tile/0/000").await.status(), 503);
    let lookup = files(&["a-1.tar.gz"], 0).write().unwrap();
    assert_eq!(fixture.refused("/lookup", lookup).await.1, "no-checkpoint");
    fixture.turn().await;
    let answer = fixture.lookup(&files(&["a-1.tar.gz"], 0)).await;
    assert_eq!((verified(&answer).0.size(), answer.records.len()), (0, 0));
}

#[tokio::test]
async fn files_have_their_types_and_may_be_kept() {
    let fixture = Fixture::filled(700, 350).await;
    let check = async |path: &str, length: usize| {
        let response = fixture.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "application/octet-stream", "{path}");
        let cache = &response.headers()["cache-control"];
        assert_eq!(cache, "public, max-age=31536000, immutable", "{path}");
        let bytes = bytes(response).await;
        assert!(length == 0 || bytes.len() == length, "{path}: {}", bytes.len());
        bytes
    };
    let full = check("/tile/0/000", 8192).await;
    check("/tile/0/001", 8192).await;
    let partial = check("/tile/0/002.p/188", 188 * 32).await;
    check("/tile/1/000.p/2", 64).await;
    // Widths of trees that were never published are the beginning of wider ones.
    assert_eq!(check("/tile/0/000.p/9", 9 * 32).await, full[..9 * 32]);
    assert_eq!(check("/tile/0/002.p/100", 3200).await, partial[..3200]);
    let entries = check("/tile/entries/002.p/188", 0).await;
    let few = check("/tile/entries/002.p/100", 0).await;
    assert_eq!(few, entries[..few.len()]);
    let first = u16::from_be_bytes([entries[0], entries[1]]) as usize;
    let record = Observation::parse(&entries[2..2 + first]).unwrap();
    assert_eq!(record.file(), "teapot-512.0.tar.gz");
    assert_eq!(leaf_hash(&entries[2..2 + first]).as_bytes(), &partial[..32]);
    for path in [
        "/tile/0/002",
        "/tile/0/002.p/189",
        "/tile/0/003.p/1",
        "/tile/1/000.p/3",
        "/tile/2/000.p/1",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/0",
        "/tile/00/000",
        "/tile/64/000",
        "/tile/0/x000/000",
        "/tile/%30/000",
        "/tile/0/000?a=b/../..",
        "/tile/entries/002",
        "/tile/entries",
        "/tile/0/../../log.sqlite",
    ] {
        let expect = if path.contains('?') { 200 } else { 404 };
        assert_eq!(fixture.get(path).await.status(), expect, "{path}");
    }
}

#[tokio::test]
async fn a_checkpoint_is_asked_for_again_by_its_tag() {
    let mut fixture = Fixture::filled(3, 3).await;
    let response = fixture.get("/checkpoint").await;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "public, max-age=2, must-revalidate");
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    assert!(Note::parse(&bytes(response).await).is_ok());
    let ask = |tag: &str| {
        Request::get("/checkpoint").header("if-none-match", tag).body(Body::empty()).unwrap()
    };
    let response = fixture.send(ask(&tag)).await;
    assert_eq!((response.status().as_u16(), bytes(response).await.len()), (304, 0));
    assert_eq!(fixture.send(ask("\"other\"")).await.status(), 200);
    fixture.append(&[record("kettle-1.tar.gz", 7)]).await;
    fixture.turn().await;
    assert_eq!(fixture.send(ask(&tag)).await.status(), 200);
    let response = fixture.get("/log.json").await;
    let text = String::from_utf8(bytes(response).await).unwrap();
    assert!(
        text.contains(ORIGIN) && text.contains(CRAWLER) && text.contains("\"size\":4"),
        "{text}"
    );
}

#[tokio::test]
async fn only_registered_observers_append_and_only_for_themselves() {
    let mut fixture = Fixture::new();
    let mine = [record("teapot-1.tar.gz", 7)];
    let stranger = signer("stranger.example", 5);
    let check = async |body: String, status: u16, code: &str, detail: &str| {
        let refused = fixture.refused("/append", body).await;
        assert_eq!((refused.0, refused.1.as_str()), (status, code), "{}", refused.2);
        assert!(refused.2.contains(detail), "{}", refused.2);
    };
    check(signed(ORIGIN, &mine, &stranger), 403, "unknown-observer", "no registered").await;
    // A name is no key.
    let same_name = signer("index.example.org/crawler", 5);
    check(signed(ORIGIN, &mine, &same_name), 403, "unknown-observer", "no registered").await;
    let good = signed(ORIGIN, &mine, &crawler());
    let changed = good.replacen("size 1000", "size 1001", 1);
    check(changed, 403, "bad-signature", "does not fit").await;
    let other = signed("other.example.org", &mine, &crawler());
    check(other, 403, "other-log", "is for the log `other.example.org`").await;
    let foreign = [mine[0].clone(), record_by("distribution:example.net", "teapot-1.tar.gz", 7)];
    check(signed(ORIGIN, &foreign, &crawler()), 403, "other-observer", "record 2 is by").await;
    // The same name as an observer of another kind.
    let kind = [record_by("distribution:index.example.org/crawler", "teapot-1.tar.gz", 7)];
    check(signed(ORIGIN, &kind, &crawler()), 403, "other-observer", "record 1 is by").await;
    let text = sign_within("append/v1\n", &[&crawler()], MAXIMUM_SIGNED).unwrap().to_text();
    check(text, 400, "bad-batch", "the origin of the log").await;
    check("nothing".to_owned(), 400, "bad-batch", "expected a text, an empty line").await;
    check(String::new(), 400, "bad-batch", "").await;
    let large = "x".repeat(MAXIMUM_SIGNED + 1);
    check(large, 413, "too-large", "").await;
    // None of it left anything behind.
    fixture.turn().await;
    assert_eq!(fixture.log.inner.head.current().unwrap().size, 0);
    // And the same batch is good when it is whole; another observer has its own key.
    let net = [record_by("distribution:example.net", "teapot-1.tar.gz", 8)];
    let (status, _) =
        fixture.post("/append", signed(ORIGIN, &net, &signer("example.net", 2))).await;
    assert_eq!(status, 200);
    assert_eq!(fixture.post("/append", good).await.0, 200);
    // Whoever is not registered any more is refused.
    fixture.log.set_keys(Keys::default());
    let refused = fixture.refused("/append", signed(ORIGIN, &mine, &crawler())).await;
    assert_eq!(refused.1, "unknown-observer");
}

#[tokio::test]
async fn lookups_that_are_none_are_refused() {
    let fixture = Fixture::filled(1, 1).await;
    for body in [
        "",
        "{}",
        "[1]",
        "{\"version\":2,\"seen\":0,\"files\":[]}",
        "{\"version\":1,\"seen\":0,\"files\":[\"../a\"]}",
        "{\"version\":1,\"seen\":0,\"files\":[\"a\",\"a\"]}",
        "{\"version\":1,\"seen\":-1,\"files\":[]}",
        "{\"version\":1,\"seen\":0,\"files\":[],\"more\":1}",
    ] {
        let refused = fixture.refused("/lookup", body).await;
        assert_eq!((refused.0, refused.1.as_str()), (400, "bad-lookup"), "{body}: {}", refused.2);
    }
    let many: Vec<String> = (0..20_001).map(|it| format!("\"{}\"", file(it))).collect();
    let body = format!("{{\"version\":1,\"seen\":0,\"files\":[{}]}}", many.join(","));
    assert_eq!(fixture.refused("/lookup", body).await.1, "bad-lookup");
    let large = vec![b' '; (4 << 20) + 1];
    assert_eq!(fixture.refused("/lookup", large).await.0, 413);
    let not_utf8 = b"{\"version\":1,\"seen\":0,\"files\":[\"\xff\"]}".to_vec();
    assert_eq!(fixture.refused("/lookup", not_utf8).await.1, "bad-lookup");
    let method = fixture.send(Request::put("/lookup").body(Body::empty()).unwrap()).await;
    assert_eq!(method.status(), 405);
}

#[tokio::test]
async fn health_is_that_of_the_engines() {
    let fixture = Fixture::new();
    assert!(fixture.log.clone().database_answers().await.is_ok());
    assert!(fixture.log.clone().tiles_answer().await.is_ok());
    assert!(fixture.log.clone().has_checkpoint().await.is_err());
    fixture.log.count().await.unwrap();
}
