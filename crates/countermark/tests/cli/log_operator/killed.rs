//! The whole served process, killed while clients write and read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use countermark_tlog::frontier::Frontier;
use countermark_tlog::hash::leaf_hash;
use countermark_tlog::note::{SignerKey, sign_within};
use countermark_tlog::tile::Bundle;
use countermark_trust::log::record::Observation;
use countermark_trust::log::wire::Batch;

use super::*;

/// How often the process is killed.
const ROUNDS: u64 = 10;

/// Numbers that look like chance: xorshift64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn record(number: u64) -> Observation {
    let text = format!(
        "observation/v1\nproject teapot\nfile teapot-{number}.tar.gz\ndigest sha256:{number:064x}\n\
         size {number}\nuploaded -\nobserver {CRAWLER}\nfirst-seen 2026-11-22T08:00:00Z\n"
    );
    Observation::parse(text.as_bytes()).expect("a record")
}

/// One request; whatever breaks on the way is an error.
fn ask(address: &str, method: &str, path: &str, body: &str) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let cut = || io::Error::other("the answer is cut off");
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.get(9..12).and_then(|it| it.parse().ok()).ok_or_else(cut)?;
    let length = head.split("content-length: ").nth(1).and_then(|it| it.lines().next());
    let body = answer.split_off(end + 4);
    match length.and_then(|it| it.parse::<usize>().ok()) {
        Some(length) if body.len() == length => Ok((status, body)),
        _ => Err(cut()),
    }
}

/// What clients were told over all lives of the server.
#[derive(Default)]
struct Told {
    next: AtomicU64,
    /// Numbers of records that were acknowledged.
    acknowledged: Mutex<BTreeSet<u64>>,
    requests: AtomicU64,
    /// The root of each size that was published.
    roots: Mutex<BTreeMap<u64, String>>,
}

impl Told {
    /// Appends until the server is gone.
    fn append(&self, address: &str, key: &SignerKey, mut numbers: Numbers) {
        loop {
            let count = 1 + numbers.below(40);
            let first = self.next.fetch_add(count, Ordering::Relaxed);
            let records = (first..first + count).map(record).collect();
            let batch = Batch { origin: ORIGIN.to_owned(), records };
            let note = sign_within(&batch.text(), &[key], 1 << 20).expect("it is signed").to_text();
            let Ok((status, body)) = ask(address, "POST", "/append", &note) else { return };
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            self.acknowledged.lock().expect("a set").extend(first..first + count);
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads checkpoints until the server is gone.
    fn read(&self, address: &str) {
        while let Ok((status, body)) = ask(address, "GET", "/checkpoint", "") {
            // There is none before the first.
            if status == 200 {
                self.hear(&String::from_utf8(body).expect("UTF-8"));
            }
        }
    }

    fn hear(&self, checkpoint: &str) -> u64 {
        let mut lines = checkpoint.lines();
        assert_eq!(lines.next(), Some(ORIGIN));
        let size = lines.next().and_then(|it| it.parse().ok()).expect("a size");
        let root = lines.next().expect("a root").to_owned();
        let before = self.roots.lock().expect("a map").insert(size, root.clone());
        assert!(before.is_none_or(|before| before == root), "two roots for {size}");
        size
    }
}

#[test]
fn killed_at_any_moment_a_server_loses_nothing_and_signs_one_root_for_a_size() {
    let world = world();
    let key = world.read("log/keys/index-log.example.org-crawler.key");
    let key = SignerKey::parse(key.trim_end()).expect("a key");
    let told = Arc::new(Told::default());
    let serve = ["log", "serve", "log", "--rate", "0"];
    let mut numbers = Numbers(0x5eed);
    for _ in 0..ROUNDS {
        let server = Server::start(&world, &serve);
        let before = told.requests.load(Ordering::Relaxed);
        let (enough, moment) = (1 + numbers.below(30), numbers.below(900_000));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let (key, numbers) = (&key, Numbers(1 + numbers.below(1 << 40)));
                let (told, address) = (&told, server.url.as_str());
                scope.spawn(move || told.append(address, key, numbers));
            }
            let (told, address) = (&told, server.url.as_str());
            scope.spawn(move || told.read(address));
            let start = Instant::now();
            while told.requests.load(Ordering::Relaxed) < before + enough {
                assert!(start.elapsed() < PATIENCE, "it acknowledges nothing");
                std::thread::yield_now();
            }
            // Anywhere between two answers, before or after a turn of the sequencer.
            std::thread::sleep(Duration::from_micros(moment));
            let id = server.child.id().to_string();
            let killed = std::process::Command::new("kill").args(["-KILL", &id]).status();
            assert!(killed.expect("a signal").success());
        });
        server.kill();
    }
    let acknowledged = std::mem::take(&mut *told.acknowledged.lock().expect("a set"));
    assert!(acknowledged.len() as u64 > ROUNDS);
    let server = Server::start(&world, &serve);
    let entries = all_entries(&server, &told, &acknowledged);
    let texts: BTreeSet<&str> = entries.iter().map(String::as_str).collect();
    assert_eq!(texts.len(), entries.len(), "a record is there twice");
    // Whatever was ever published is a beginning of what is there now.
    let roots = told.roots.lock().expect("a map");
    let mut frontier = Frontier::new();
    let mut compared = 0;
    for entry in &entries {
        frontier.append(leaf_hash(entry.as_bytes()), &mut |_, _, _| {});
        if let Some(root) = roots.get(&frontier.size()) {
            assert_eq!(*root, frontier.root().to_base64(), "{}", frontier.size());
            compared += 1;
        }
    }
    assert!(compared > 1, "{roots:?}");
    assert_eq!(roots.keys().max(), Some(&frontier.size()));
    let (code, said) = server.terminate();
    assert_eq!(code, 0, "{said}");
    world.run(&["log", "fsck", "log"]).expect(0).says(", 0 pending");
}

/// The entries of the log, once all that was acknowledged has its place.
fn all_entries(server: &Server, told: &Told, acknowledged: &BTreeSet<u64>) -> Vec<String> {
    let start = Instant::now();
    loop {
        let (status, body) = server.get("/checkpoint");
        let text = String::from_utf8(body).expect("UTF-8");
        let size = if status == 200 { told.hear(&text) } else { 0 };
        let entries = entries(server, size);
        let present: BTreeSet<&String> = entries.iter().collect();
        let is_there = |number: &u64| present.contains(&record(*number).text());
        let Some(missing) = acknowledged.iter().find(|number| !is_there(number)) else {
            return entries;
        };
        assert!(start.elapsed() < PATIENCE, "record {missing} was acknowledged and is lost");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn entries(server: &Server, size: u64) -> Vec<String> {
    let bundles = (0..size.div_ceil(256)).map(|index| {
        let bundle = Bundle::in_tree(index, size).expect("a bundle of the tree");
        let (status, body) = server.get(&format!("/{}", bundle.path()));
        assert_eq!(status, 200, "{}", bundle.path());
        let text = |it: &[u8]| String::from_utf8(it.to_vec()).expect("UTF-8");
        bundle.read(&body).expect("a bundle").into_iter().map(text).collect::<Vec<_>>()
    });
    bundles.flatten().collect()
}

/// Nobody reads what the server says: it goes on, and it ends when it is told to.
#[test]
fn a_full_pipe_does_not_stop_a_server() {
    let world = world();
    let mut command = world.command(&["log", "serve", "log", "--rate", "0"]);
    command.args(["--listen", "127.0.0.1:0"]).env("COUNTERMARK_LOG", "trace");
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its standard error"));
    let mut address = None;
    while address.is_none() {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("a line") > 0, "it ended");
        address = line
            .split_once(" at http://")
            .map(|(_, it)| it.trim_end().trim_end_matches('/').to_owned());
    }
    // From here on `lines` is kept open and not read.
    let server = Server { child, url: address.expect("an address"), said: None };
    let dropped = || {
        let text = String::from_utf8(server.get("/metrics").1).expect("UTF-8");
        let name = "countermark_log_lines_dropped_total ";
        let value = text.lines().find_map(|it| it.strip_prefix(name)).expect("the metric");
        value.parse::<u64>().expect("a number")
    };
    let start = Instant::now();
    while dropped() == 0 {
        // A path of some length fills the memory sooner; each answer comes all the same.
        for number in 0..50 {
            assert_eq!(server.get(&format!("/{}/{number}", "a".repeat(1900))).0, 404);
        }
        assert!(start.elapsed() < PATIENCE, "nothing was dropped");
    }
    assert_eq!(server.get("/healthz").0, 200);
    let id = server.child.id().to_string();
    let asked = std::process::Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.expect("a signal").success());
    let mut server = server;
    while server.child.try_wait().expect("its state").is_none() {
        assert!(start.elapsed() < PATIENCE * 2, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.child.wait().expect("it ended").code(), Some(0));
    drop(lines);
}
