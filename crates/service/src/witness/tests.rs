//! The routes of a witness over a real state, and every status of the specification.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use countermark_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{KeyType, SignerKey, VerifierKey};
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::prove_consistency;
use countermark_trust::log::evidence::{Evidence as Document, convict};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::config::{Watched, draft, parse};
use super::state::origin_hash;
use super::*;
use crate::server::Limits;

const ORIGIN: &str = "log.example.org";

struct Fixture {
    folder: tempfile::TempDir,
    service: TowerToHyperService<Router>,
    witness: Witness,
}

fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness_key() -> SignerKey {
    SignerKey::from_seed("witness.example.org/w1", KeyType::Cosignature, &[2; 32]).unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// A tree whose entries begin with a letter: two letters are two histories.
fn tree(letter: char, size: usize) -> MemoryNodes {
    MemoryNodes::of((0..size).map(|it| format!("{letter}{it}")))
}

fn checkpoint(tree: &MemoryNodes, key: &SignerKey) -> String {
    checkpoint_at(tree, key, 1000)
}

fn checkpoint_at(tree: &MemoryNodes, key: &SignerKey, time: u64) -> String {
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap().with_time(time);
    checkpoint.sign(&[key]).unwrap().note().to_text()
}

fn request(old: u64, proof: &[Hash], note: &str) -> String {
    let proof: String = proof.iter().map(|it| format!("{it}\n")).collect();
    format!("old {old}\n{proof}\n{note}")
}

/// What an honest log sends.
fn grown(old: u64, tree: &MemoryNodes) -> String {
    let proof = prove_consistency(old, tree.size(), tree).unwrap();
    request(old, &proof, &checkpoint(tree, &log_key()))
}

impl Fixture {
    fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), true)
    }

    fn in_folder(folder: tempfile::TempDir, is_new: bool) -> Self {
        let state = State::open(&folder.path().join("witness.sqlite"), is_new).unwrap();
        let logs =
            vec![Watched { origin: ORIGIN.to_owned(), keys: vec![log_key().verifier().clone()] }];
        let evidence = folder.path().join("evidence");
        let parts = Parts::new(&Limits::default());
        let (witness, _) =
            Witness::attach(parts, witness_key(), logs, state, evidence, Arc::new(now)).unwrap();
        let service = TowerToHyperService::new(routes::router(&witness));
        Self { folder, service, witness }
    }

    async fn send(&self, request: Request<Body>) -> (u16, String, String) {
        let response = self.service.call(request).await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn add(&self, body: impl Into<Body>) -> (u16, String, String) {
        self.send(Request::post("/add-checkpoint").body(body.into()).unwrap()).await
    }

    /// The cosigned checkpoint that monitors get.
    async fn latest(&self) -> Option<SignedCheckpoint> {
        let path = format!("/{}/checkpoint", origin_hash(ORIGIN));
        let (status, _, body) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (status == 200).then(|| {
            let keys = [log_key().verifier().clone()];
            SignedCheckpoint::open(body.as_bytes(), ORIGIN, &keys).unwrap()
        })
    }

    fn evidence(&self) -> Vec<std::path::PathBuf> {
        let listing = std::fs::read_dir(self.folder.path().join("evidence"));
        let mut files: Vec<_> =
            listing.map_or_else(|_| Vec::new(), |all| all.map(|it| it.unwrap().path()).collect());
        files.sort();
        files
    }
}

fn cosigners() -> Vec<VerifierKey> {
    vec![witness_key().verifier().clone()]
}

#[tokio::test]
async fn what_grows_is_cosigned() {
    let fixture = Fixture::new();
    assert!(fixture.latest().await.is_none());
    let mut old = 0;
    for size in [0, 1, 4, 4, 7, 8, 300] {
        let tree = tree('a', size);
        let (status, _, line) = fixture.add(grown(old, &tree)).await;
        assert_eq!(status, 200, "{size}: {line}");
        let mut signed = SignedCheckpoint::open(
            checkpoint(&tree, &log_key()).as_bytes(),
            ORIGIN,
            &[log_key().verifier().clone()],
        )
        .unwrap();
        let cosigned = signed.add_cosignature(&line, &cosigners()).unwrap().unwrap();
        assert_eq!(cosigned.time, u64::try_from(now().as_second()).unwrap());
        // Monitors get the same, with both signatures.
        let latest = fixture.latest().await.unwrap();
        assert_eq!((latest.size(), latest.root()), (tree.size(), &tree.root()));
        assert_eq!(latest.cosignatures(&cosigners()).unwrap().len(), 1);
        old = tree.size();
    }
    assert_eq!(fixture.evidence().len(), 0);
}

#[tokio::test]
async fn every_no_has_its_status() {
    let fixture = Fixture::new();
    let four = tree('a', 4);
    assert_eq!(fixture.add(grown(0, &four)).await.0, 200);
    let seven = tree('a', 7);
    let good = grown(4, &seven);
    let check = async |body: String, status: u16, text: &str| {
        let answer = fixture.add(body).await;
        assert_eq!(answer.0, status, "{}", answer.2);
        assert!(answer.2.contains(text), "{}", answer.2);
        assert_eq!(fixture.latest().await.unwrap().size(), 4);
    };
    for body in ["", "old 4\n", "old 04\n\n", "old -1\n\n", "new 4\n\nx"] {
        check(body.to_owned(), 400, "").await;
    }
    let many = request(4, &vec![four.root(); 64], &checkpoint(&seven, &log_key()));
    check(many, 400, "").await;
    check(good.replacen("old 4", "old 8", 1), 400, "old size is 8").await;
    // A log that nobody knows, and a stranger's signature.
    check(good.replace(ORIGIN, "other.example.org"), 404, "not known").await;
    let stranger = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[9; 32]).unwrap();
    let proof = prove_consistency(4, 7, &seven).unwrap();
    check(request(4, &proof, &checkpoint(&seven, &stranger)), 403, "").await;
    check(good.replace("time 1000", "time 1001"), 403, "").await;
    // Another size than the latest.
    let conflict = fixture.add(grown(1, &seven)).await;
    assert_eq!(conflict, (409, "text/x.tlog.size".to_owned(), "4\n".to_owned()));
    assert_eq!(fixture.add(grown(0, &seven)).await.0, 409);
    // A proof that is none.
    check(request(4, &[], &checkpoint(&seven, &log_key())), 422, "").await;
    let mut wrong = proof.clone();
    wrong[0] = four.root();
    check(request(4, &wrong, &checkpoint(&seven, &log_key())), 422, "").await;
    let mut longer = proof.clone();
    longer.push(four.root());
    check(request(4, &longer, &checkpoint(&seven, &log_key())), 422, "").await;
    // None of this convicts anybody.
    assert_eq!(fixture.evidence().len(), 0);
    let large = vec![b'x'; 70_000];
    assert_eq!(fixture.add(large).await.0, 413);
    assert_eq!(fixture.add(good).await.0, 200);
}

#[tokio::test]
async fn a_fork_is_refused_and_convicted_once() {
    let fixture = Fixture::new();
    assert_eq!(fixture.add(grown(0, &tree('a', 4))).await.0, 200);
    // Another root for the same size.
    let same_size = request(4, &[], &checkpoint(&tree('b', 4), &log_key()));
    assert_eq!(fixture.add(same_size.clone()).await.0, 422);
    assert_eq!(fixture.add(same_size).await.0, 422);
    assert_eq!(fixture.evidence().len(), 1);
    // A larger tree that begins otherwise, with a proof from its own beginning. The older root is
    // written out, so that both follow.
    let other = tree('b', 7);
    let proof = countermark_tlog::proof::prove_prefix(4, 7, &other).unwrap();
    let fork = request(4, &proof[1..], &checkpoint(&other, &log_key()));
    assert_eq!(fixture.add(fork).await.0, 422);
    assert_eq!(fixture.latest().await.unwrap().root(), &tree('a', 4).root());
    for file in fixture.evidence() {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("fork-same-size-") && name.ends_with(".json"), "{name}");
        let document = Document::parse(&std::fs::read(&file).unwrap()).unwrap();
        convict(&document, &[log_key().verifier().clone()]).unwrap();
    }
    assert_eq!(fixture.witness.inner.metrics.convicted.get(), fixture.evidence().len() as u64);
}

#[tokio::test]
async fn a_rollback_and_a_grown_fork_are_refused_and_anybody_can_verify_the_proof() {
    let fixture = Fixture::new();
    assert_eq!(fixture.add(grown(0, &tree('a', 5))).await.0, 200);
    // What was signed before may be sent again by anybody: refused, and no crime.
    let older = checkpoint_at(&tree('a', 4), &log_key(), 1000);
    assert_eq!(fixture.add(request(0, &[], &older)).await.0, 409);
    assert_eq!(fixture.evidence().len(), 0);
    // Signed later, by the log's own word.
    let shrunk = checkpoint_at(&tree('a', 4), &log_key(), 1001);
    assert_eq!(fixture.add(request(5, &[], &shrunk)).await.0, 400);
    assert_eq!(fixture.add(request(0, &[], &shrunk)).await.0, 409);
    let other = tree('b', 7);
    let proof = countermark_tlog::proof::prove_consistency(5, 7, &other).unwrap();
    let fork = request(5, &proof, &checkpoint(&other, &log_key()));
    assert_eq!(fixture.add(fork).await.0, 422);
    assert_eq!(fixture.latest().await.unwrap().size(), 5);
    let mut kinds = Vec::new();
    for file in fixture.evidence() {
        let document = Document::parse(&std::fs::read(&file).unwrap()).unwrap();
        convict(&document, &[log_key().verifier().clone()]).unwrap();
        kinds.push(document.kind().name());
    }
    assert_eq!(kinds, ["fork-inconsistent", "rolled-back"]);
}

#[tokio::test]
async fn what_was_cosigned_is_known_after_a_restart() {
    let fixture = Fixture::new();
    assert_eq!(fixture.add(grown(0, &tree('a', 4))).await.0, 200);
    let Fixture { folder, service, witness } = fixture;
    drop((service, witness));
    let fixture = Fixture::in_folder(folder, false);
    let other = request(0, &[], &checkpoint(&tree('b', 4), &log_key()));
    assert_eq!(fixture.add(other).await.0, 409);
    assert_eq!(fixture.add(grown(4, &tree('a', 5))).await.0, 200);
    // Without its state it does not begin anew.
    let path = fixture.folder.path().join("elsewhere.sqlite");
    assert!(State::open(&path, false).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_is_cosigned() {
    let fixture = Fixture::new();
    assert_eq!(fixture.add(grown(0, &tree('a', 4))).await.0, 200);
    // Sixteen different continuations of one size: at most one may ever be cosigned.
    let asking = (0..16_u8).map(|number| {
        let entries = (0..4).map(|it| format!("a{it}")).chain([format!("x{number}")]);
        let grown = grown(4, &MemoryNodes::of(entries));
        let service = fixture.service.clone();
        tokio::spawn(async move {
            let request = Request::post("/add-checkpoint").body(Body::from(grown)).unwrap();
            service.call(request).await.unwrap().status().as_u16()
        })
    });
    let mut statuses = Vec::new();
    for one in asking.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|it| **it == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|it| [200, 409].contains(it)), "{statuses:?}");
}

#[tokio::test]
async fn what_others_put_beside_the_signature_is_not_kept() {
    let fixture = Fixture::new();
    let stranger = SignerKey::from_seed("stranger", KeyType::Ed25519, &[9; 32]).unwrap();
    let tree = tree('a', 4);
    let note = Checkpoint::new(ORIGIN, 4, tree.root())
        .unwrap()
        .sign(&[&log_key(), &stranger])
        .unwrap()
        .note()
        .to_text();
    assert_eq!(fixture.add(request(0, &[], &note)).await.0, 200);
    let latest = fixture.latest().await.unwrap();
    let names: Vec<_> = latest.note().signatures().iter().map(|it| it.name().to_owned()).collect();
    assert_eq!(names, [ORIGIN, "witness.example.org/w1"]);
    for path in ["/abc/checkpoint", "/../checkpoint", "/checkpoint"] {
        let (status,) = fixture.send_status(path).await;
        assert_eq!(status, 404, "{path}");
    }
}

impl Fixture {
    async fn send_status(&self, path: &str) -> (u16,) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        (self.service.call(request).await.unwrap().status().as_u16(),)
    }
}

#[test]
fn the_configuration_and_its_edits() {
    let read = |text: &str| parse("witness.toml", text.as_bytes(), "/w".as_ref());
    let text = draft("witness.example.org/w1");
    let config = read(&text).unwrap();
    assert_eq!((config.name.as_str(), config.logs.len()), ("witness.example.org/w1", 0));
    assert_eq!(config.state, std::path::Path::new("/w/witness.sqlite"));
    let key = log_key().verifier().clone();
    let text = config::add_log(&text, ORIGIN, &key).unwrap();
    let second = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[3; 32]).unwrap();
    let text = config::add_log(&text, ORIGIN, second.verifier()).unwrap();
    let text = config::add_log(&text, "other.example.org", &key).unwrap();
    let config = read(&text).unwrap();
    let logs = [
        Watched { origin: ORIGIN.to_owned(), keys: vec![key.clone(), second.verifier().clone()] },
        Watched { origin: "other.example.org".to_owned(), keys: vec![key] },
    ];
    assert_eq!(config.logs, logs, "{text}");
    let check = |text: &str, expect: &[&str]| {
        let errors = read(text).unwrap_err();
        let errors: Vec<_> =
            errors.iter().map(|it| format!("{}: {}", it.place.line, it.message)).collect();
        assert_eq!(errors, expect);
    };
    check("", &["1: `witness` is missing from a witness.toml"]);
    check("[witness]\nname = \"w\"\nkeys = 1\n", &["3: `keys` is not a key of [witness]"]);
    check(
        "[witness]\nname = \"w\"\n[[log]]\norigin = \"a\"\nkeys = []\n",
        &["3: `keys` must list 1 to 10 keys"],
    );
    let wrong = format!(
        "[witness]\nname = \"w\"\n[[log]]\norigin = \"a\"\nkeys = [\"{}\"]\n",
        witness_key().verifier()
    );
    check(&wrong, &["5: the key of a log must be one for plain signatures, of type 0x01"]);
}
