//! Witnesses that answer badly, over loopback, and keys that sign for some days only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use countermark_client::http::{Client, Options};
use countermark_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use countermark_tlog::cosignature;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{KeyType, SignerKey, VerifierKey};
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::verify_consistency;
use countermark_tlog::tile::Tile;
use countermark_tlog::witness::AddCheckpoint;
use jiff::civil::date;
use url::Url;

use super::Witnesses;
use super::folder::{Folder, FolderError, signs};
use crate::log::config::Cosigner;
use crate::log::sequencer::Cosigners as _;
use crate::log::tiles::{DirectoryTiles, Kind, TilePath, TileStore};

const ORIGIN: &str = "log.example.org";

fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness_key(seed: u8) -> SignerKey {
    SignerKey::from_seed("witness.example.org", KeyType::Cosignature, &[seed; 32]).unwrap()
}

fn tree(size: u64) -> MemoryNodes {
    MemoryNodes::of((0..size).map(u64::to_be_bytes))
}

fn checkpoint(size: u64) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, size, tree(size).root()).unwrap();
    checkpoint.sign(&[&log_key()]).unwrap()
}

/// The cosignature of a note, as a witness with this key writes it.
fn cosigned(request: &AddCheckpoint, key: &SignerKey) -> String {
    cosignature::sign(request.note().text(), key, 1_000_000).unwrap().to_line()
}

/// How a witness answers one request.
type Reply = Box<dyn FnOnce(&AddCheckpoint) -> (u16, Vec<u8>) + Send>;

fn reply<B: Into<Vec<u8>>>(
    answer: impl FnOnce(&AddCheckpoint) -> (u16, B) + Send + 'static,
) -> Reply {
    Box::new(move |request| {
        let (status, body) = answer(request);
        (status, body.into())
    })
}

/// A witness that answers as it was told to, and keeps what it was asked. After that it never answers.
struct Fake {
    url: Url,
    asked: Arc<Mutex<Vec<AddCheckpoint>>>,
}

impl Fake {
    async fn start(replies: Vec<Reply>) -> Self {
        let asked: Arc<Mutex<Vec<AddCheckpoint>>> = Arc::default();
        let (kept, replies) = (Arc::clone(&asked), Mutex::new(VecDeque::from(replies)));
        let replies = Arc::new(replies);
        let answer = move |body: axum::body::Bytes| {
            let request = AddCheckpoint::parse(&body).unwrap();
            let reply = replies.lock().unwrap().pop_front();
            let reply = reply.map(|reply| reply(&request));
            kept.lock().unwrap().push(request);
            async move {
                match reply {
                    Some((status, body)) => (StatusCode::from_u16(status).unwrap(), body),
                    None => std::future::pending().await,
                }
            }
        };
        let router = Router::new().route("/w/add-checkpoint", post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/w", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    /// The sizes that the proofs it was sent begin with.
    fn asked(&self) -> Vec<u64> {
        self.asked.lock().unwrap().iter().map(AddCheckpoint::old_size).collect()
    }

    fn cosigner(&self, seed: u8) -> Cosigner {
        Cosigner { key: witness_key(seed).verifier().clone(), url: self.url.clone() }
    }
}

/// A log with tiles of the tree of `size`, and these witnesses.
async fn witnesses(size: u64, list: Vec<Cosigner>) -> (tempfile::TempDir, Witnesses) {
    let folder = tempfile::tempdir().unwrap();
    let tiles = Arc::new(DirectoryTiles::open(folder.path()).unwrap());
    let nodes = tree(size);
    let files = Tile::grown(0, size).map(|tile| {
        let kind = Kind::Hashes(tile.level());
        let path = TilePath { kind, index: tile.index(), width: tile.width() };
        (path, tile.write(&nodes).unwrap())
    });
    tiles.put(files.collect()).await.unwrap();
    let client = Arc::new(Client::new(Options::default(), Arc::default()));
    (folder, Witnesses::new(client, tiles, list))
}

fn number_of_cosignatures(checkpoint: &SignedCheckpoint, seed: u8) -> usize {
    let key: VerifierKey = witness_key(seed).verifier().clone();
    checkpoint.cosignatures(&[key]).unwrap().len()
}

/// What comes of one answer, and how often it was asked.
async fn after(answers: Vec<Reply>) -> (usize, Vec<u64>) {
    let fake = Fake::start(answers).await;
    let (_folder, witnesses) = witnesses(7, vec![fake.cosigner(2)]).await;
    let before = checkpoint(7);
    let signed = witnesses.cosign(before.clone()).await;
    // Whatever a witness says, the log's own signature stays and nothing but its cosignature is added.
    assert_eq!((signed.size(), signed.root()), (7, before.root()));
    let added = number_of_cosignatures(&signed, 2);
    assert_eq!(
        signed.note().to_text().lines().count(),
        before.note().to_text().lines().count() + added
    );
    (added, fake.asked())
}

#[tokio::test]
async fn a_good_answer_is_taken() {
    let good = reply(|it| (200, cosigned(it, &witness_key(2))));
    assert_eq!(after(vec![good]).await, (1, vec![0]));
    // Lines of others beside it are not.
    let more = reply(|it| {
        let (own, other) = (cosigned(it, &witness_key(2)), cosigned(it, &witness_key(3)));
        (200, format!("{other}\n{own}\n{own}\nrubbish\n"))
    });
    assert_eq!(after(vec![more]).await, (1, vec![0]));
}

#[tokio::test]
async fn a_bad_answer_adds_nothing() {
    // Another key under the same name.
    let wrong = reply(|it| (200, cosigned(it, &witness_key(3))));
    assert_eq!(after(vec![wrong]).await, (0, vec![0]));
    // The right key, over a tree of another size.
    let wrong = reply(|_| {
        let line = cosignature::sign(checkpoint(6).note().text(), &witness_key(2), 1_000_000);
        (200, line.unwrap().to_line())
    });
    assert_eq!(after(vec![wrong]).await, (0, vec![0]));
    // Another time than the one that was signed: one byte of the signature is changed.
    let wrong = reply(|it| {
        let line = cosigned(it, &witness_key(2));
        let changed =
            if line.contains('A') { line.replace('A', "B") } else { line.replace('B', "A") };
        (200, changed)
    });
    assert_eq!(after(vec![wrong]).await, (0, vec![0]));
    for garbage in [b"".to_vec(), b"\xff\xfe\0".to_vec(), b"yes\n".to_vec(), vec![b'\n'; 10_000]] {
        assert_eq!(after(vec![reply(move |_| (200, garbage))]).await, (0, vec![0]));
    }
    for status in [400, 403, 404, 422, 429, 500, 503] {
        // Also if what would be a good cosignature comes with it.
        let refused = reply(move |it| (status, cosigned(it, &witness_key(2))));
        assert_eq!(after(vec![refused]).await, (0, vec![0]), "{status}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_its_end() {
    let large = |length: usize| {
        reply(move |it| {
            let line = cosigned(it, &witness_key(2));
            (200, format!("{line}\n{}", " ".repeat(length - line.len() - 1)))
        })
    };
    assert_eq!(after(vec![large(16 << 10)]).await, (1, vec![0]));
    assert_eq!(after(vec![large((16 << 10) + 1)]).await, (0, vec![0]));
}

#[tokio::test]
async fn a_witness_that_knows_another_size_is_asked_again_from_there() {
    for size in [0, 1, 4, 5, 7] {
        let conflict = reply(move |_| (409, format!("{size}\n")));
        let good = reply(move |it| {
            // A witness knows the older root, and reads the proof as RFC 6962 writes it.
            let roots = (tree(size).root(), tree(7).root());
            let proof: &[Hash] = it.proof();
            if size > 0 {
                verify_consistency(size, &roots.0, 7, &roots.1, proof).unwrap();
            } else {
                assert_eq!(proof, []);
            }
            (200, cosigned(it, &witness_key(2)))
        });
        assert_eq!(after(vec![conflict, good]).await, (1, vec![0, size]));
    }
    // Once, not for ever.
    let conflicts = [4, 5, 6].map(|size| reply(move |_| (409, format!("{size}\n"))));
    assert_eq!(after(conflicts.into()).await, (0, vec![0, 4]));
    // More than the log has: the witness saw another log, or the log lost entries.
    assert_eq!(after(vec![reply(|_| (409, "8\n"))]).await, (0, vec![0]));
    for wrong in ["", "\n", "-1\n", "4 entries\n", "99999999999999999999\n"] {
        assert_eq!(after(vec![reply(move |_| (409, wrong))]).await, (0, vec![0]), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_witness_cosigned_is_where_the_next_proof_begins() {
    let good = || reply(|it| (200, cosigned(it, &witness_key(2))));
    let fake = Fake::start(vec![good(), good()]).await;
    let (_folder, witnesses) = witnesses(300, vec![fake.cosigner(2)]).await;
    for size in [256, 300] {
        let signed = witnesses.cosign(checkpoint(size)).await;
        assert_eq!(number_of_cosignatures(&signed, 2), 1);
    }
    assert_eq!(fake.asked(), [0, 256]);
    let last = fake.asked.lock().unwrap().pop().unwrap();
    let (older, newer) = (tree(256).root(), tree(300).root());
    verify_consistency(256, &older, 300, &newer, last.proof()).unwrap();
}

/// One that never answers costs a few seconds once, and nothing for a while after that.
#[tokio::test]
async fn a_slow_witness_holds_nobody_up_for_long() {
    let slow = Fake::start(Vec::new()).await;
    let good = || reply(|it| (200, cosigned(it, &witness_key(3))));
    let quick = Fake::start(vec![good(), good()]).await;
    let list = vec![slow.cosigner(2), quick.cosigner(3)];
    let (_folder, witnesses) = witnesses(7, list.clone()).await;
    let start = Instant::now();
    let signed = witnesses.cosign(checkpoint(6)).await;
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert_eq!((number_of_cosignatures(&signed, 2), number_of_cosignatures(&signed, 3)), (0, 1));
    let signed = witnesses.cosign(checkpoint(7)).await;
    assert_eq!((number_of_cosignatures(&signed, 2), number_of_cosignatures(&signed, 3)), (0, 1));
    // It is left alone, also if the list is read again.
    witnesses.replace(list[..1].to_vec());
    let signed = witnesses.cosign(checkpoint(7)).await;
    assert_eq!(number_of_cosignatures(&signed, 2), 0);
    assert_eq!((slow.asked(), quick.asked()), (vec![0], vec![0, 6]));
}

#[test]
fn keys_sign_until_the_end_of_their_last_day() {
    let last = date(2026, 11, 22);
    assert!(signs(None, last) && signs(Some(last), last));
    assert!(signs(Some(last), last.yesterday().unwrap()));
    assert!(!signs(Some(last), last.tomorrow().unwrap()));

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log");
    let old = Folder::init(&path, ORIGIN).unwrap();
    let mut folder = Folder::open(&path).unwrap();
    let (new, file) = folder.rotate(last).unwrap();
    assert_ne!(old, new);
    let on = |folder: &Folder, day| {
        let signers = folder.signers(day).unwrap();
        signers.iter().map(|key| key.verifier().clone()).collect::<Vec<_>>()
    };
    // Also as it is read again.
    let folder = Folder::open(&path).unwrap();
    assert_eq!(on(&folder, last), [new.clone(), old.clone()]);
    assert_eq!(on(&folder, last.tomorrow().unwrap()), std::slice::from_ref(&new));
    // What the old key signed can still be published, and is verified.
    assert_eq!(folder.verifiers(), [new.clone(), old.clone()]);
    // Its day is over: nobody needs the file any more.
    std::fs::remove_file(path.join("keys/log.key")).unwrap();
    assert!(matches!(folder.signers(last), Err(FolderError::Key(_))));
    assert_eq!(on(&folder, last.tomorrow().unwrap()), std::slice::from_ref(&new));
    assert_eq!(folder.verifiers(), [new]);
    // The present one is needed on every day.
    std::fs::remove_file(file).unwrap();
    assert!(matches!(folder.signers(last.tomorrow().unwrap()), Err(FolderError::Key(_))));
}

#[test]
fn a_log_whose_last_key_is_over_signs_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log");
    Folder::init(&path, ORIGIN).unwrap();
    let file = path.join("log.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let key = "file = \"keys/log.key\"";
    assert_eq!(text.matches(key).count(), 1, "{text}");
    std::fs::write(&file, text.replace(key, &format!("{key}\nuntil = 2026-11-22"))).unwrap();
    let folder = Folder::open(&path).unwrap();
    assert_eq!(folder.signers(date(2026, 11, 22)).unwrap().len(), 1);
    let refused = folder.signers(date(2026, 11, 23)).unwrap_err();
    assert_eq!(refused.to_string(), "the last key of the log was valid until 2026-11-22");
    assert_eq!(refused.hint(), Some("make a new one with `countermark log rotate`"));
}
