//! A log and a witness as their operators run them: real folders, real processes, real signals.

mod killed;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::note::VerifierKey;

use crate::support::{Run, World};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(60);

const ORIGIN: &str = "log.example.org";
const CRAWLER: &str = "index:log.example.org/crawler";

/// A process that serves, at an address of its own choice.
struct Server {
    child: Child,
    url: String,
    /// Reads what it says: a full pipe would hold it up.
    said: Option<std::thread::JoinHandle<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(arguments);
        command.args(["--listen", "127.0.0.1:0"]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its standard error"));
        let (mut said, mut url) = (String::new(), None);
        while url.is_none() {
            let mut line = String::new();
            let read = lines.read_line(&mut line).expect("a line");
            said.push_str(&line);
            assert!(read > 0, "it ended: {said}");
            url = line
                .split_once(" at http://")
                .map(|(_, it)| it.trim_end().trim_end_matches('/').to_owned());
        }
        let reading = std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = lines.read_to_string(&mut rest);
            rest
        });
        Self { child, url: url.expect("an address"), said: Some(reading) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.url)
    }

    /// The status and the body.
    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.url).expect("it listens");
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head");
        let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
        (status, answer.split_off(end + 4))
    }

    /// The checkpoint, once it has so many entries.
    fn checkpoint_of(&self, size: u64) -> String {
        let start = Instant::now();
        loop {
            let (status, body) = self.get("/checkpoint");
            let text = String::from_utf8(body).expect("UTF-8");
            if status == 200 && text.lines().nth(1) == Some(&size.to_string()) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "{size} entries, but: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGKILL: nothing is finished.
    fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ended");
    }

    /// SIGTERM: what it said, and how it ended.
    fn terminate(mut self) -> (i32, String) {
        let status = std::process::Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("a signal");
        assert!(status.success());
        let said = self.said.take().expect("once").join().expect("what it said");
        (self.child.wait().expect("it ended").code().unwrap_or(-1), said)
    }
}

fn lines(files: std::ops::Range<usize>) -> String {
    let line = |number: usize| {
        format!(
            "{{\"project\":\"teapot\",\"file\":\"teapot-{number}.tar.gz\",\
             \"digest\":\"sha256:{number:064x}\",\"size\":{number}}}\n"
        )
    };
    files.map(line).collect()
}

/// A log with a registered crawler.
fn world() -> World {
    let world = World::new();
    let made = world.run(&["log", "init", "log", "--origin", ORIGIN]);
    made.expect(0).says("[policy.log]").says("countermark log serve log");
    world.run(&["log", "observer", "add", "log", CRAWLER]).expect(0).says("may append");
    world
}

fn append(world: &World, files: std::ops::Range<usize>) -> Run {
    world.write("records.jsonl", lines(files));
    world.run(&["log", "append", "log", "records.jsonl"])
}

/// The key that `init` printed.
fn key_of(run: &Run) -> VerifierKey {
    let line = run.stdout.lines().find_map(|it| it.trim().parse().ok());
    line.expect("a key")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_log_is_made_once_and_its_keys_are_private() {
    let world = World::new();
    let made = world.run(&["log", "init", "log", "--origin", ORIGIN]);
    made.expect(0);
    let key = key_of(&made);
    assert_eq!(key.name(), ORIGIN);
    assert_eq!(mode(&world.path("log/keys/log.key")), 0o600);
    let secret = world.read("log/keys/log.key");
    assert!(secret.starts_with("PRIVATE+KEY+log.example.org+"));
    made.never_says(secret.trim());
    let again = world.run(&["log", "init", "log", "--origin", ORIGIN]);
    again.expect(2).says("error[log-folder]").says("is there already");
    assert_eq!(world.read("log/keys/log.key"), secret);
    world
        .run(&["log", "init", "other", "--origin", "https://log.example.org"])
        .expect(2)
        .says("is no origin");
    let added = world.run(&["log", "observer", "add", "log", CRAWLER]);
    added.expect(0);
    assert_eq!(mode(&world.path("log/keys/index-log.example.org-crawler.key")), 0o600);
    world.run(&["log", "observer", "add", "log", CRAWLER]).expect(2).says("is registered already");
    world.run(&["log", "observer", "list", "log"]).expect(0).says(CRAWLER);
    world.run(&["log", "observer", "remove", "log", CRAWLER]).expect(0).says("its records stay");
    world.run(&["log", "observer", "remove", "log", CRAWLER]).expect(2).says("not registered");
    world.run(&["log", "serve", "nowhere"]).expect(2).says("error[log-folder]");
}

#[test]
fn what_is_appended_is_signed_checked_moved_and_the_same() {
    let world = world();
    append(&world, 0..600).expect(0).says("600 records taken, 0 known already");
    append(&world, 300..700).expect(0).says("100 records taken, 300 known already");
    let checkpoint = world.run(&["log", "checkpoint", "log"]);
    checkpoint.expect(0).says("log.example.org\n700\n");
    world.run(&["log", "fsck", "log"]).expect(0).says("700 entries").says("as it was signed");
    // The same again, elsewhere.
    world.run(&["log", "export", "log", "export.jsonl"]).expect(0).says("exported 700 entries");
    world.run(&["log", "export", "log", "export.jsonl"]).expect(2).says("is there already");
    fs::create_dir_all(world.path("copy")).expect("a folder");
    fs::copy(world.path("log/log.toml"), world.path("copy/log.toml")).expect("a copy");
    fs::create_dir_all(world.path("copy/keys")).expect("a folder");
    fs::copy(world.path("log/keys/log.key"), world.path("copy/keys/log.key")).expect("a copy");
    world.run(&["log", "import", "copy", "export.jsonl"]).expect(0).says("imported 700 entries");
    world.run(&["log", "import", "copy", "export.jsonl"]).expect(2);
    let copied = world.run(&["log", "checkpoint", "copy"]);
    let root = |run: &Run| run.stdout.lines().nth(2).expect("a root").to_owned();
    assert_eq!(root(&copied), root(&checkpoint));
    world.run(&["log", "fsck", "copy"]).expect(0);
    // A tile that was changed is found, and written again from the records.
    world.write("log/public/tile/0/000", vec![7; 8192]);
    let differs = world.run(&["log", "fsck", "log"]);
    differs.expect(1).says("error[log-differs]").says("tile/0/000").says("hint: `--repair`");
    world.run(&["log", "fsck", "log", "--repair"]).expect(0).says("1 file written again");
    world.run(&["log", "fsck", "log"]).expect(0);
    // A second digest is taken, and told.
    world.write("second.jsonl", lines(9..10).replace(&format!("{:064x}", 9), &"f".repeat(64)));
    let second = world.run(&["log", "append", "log", "second.jsonl"]);
    second.expect(0).says("note[second-digest]").says("1 record taken");
}

#[test]
fn only_good_records_of_registered_observers_are_taken() {
    let world = world();
    world.write("bad.jsonl", format!("{}{{\"project\":\"a\"}}\n", lines(0..2)));
    let bad = world.run(&["log", "append", "log", "bad.jsonl"]);
    bad.expect(2).says("error[bad-record]").says("bad.jsonl:3").says("0 records taken");
    world.run(&["log", "observer", "remove", "log", CRAWLER]).expect(0);
    world.write("good.jsonl", lines(0..2));
    let key = "log/keys/index-log.example.org-crawler.key";
    let refused = world.run(&["log", "append", "log", "good.jsonl", "--key", key]);
    refused.expect(1).says("that of no registered observer");
    world.run(&["log", "append", "log"]).expect(2);
    world.run(&["log", "checkpoint", "log"]).expect(0).says("log.example.org\n0\n");
}

#[test]
fn a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    let world = world();
    let key = "log/keys/index-log.example.org-crawler.key";
    let server = Server::start(&world, &["log", "serve", "log"]);
    let mut sizes = Vec::new();
    let mut server = Some(server);
    for round in 0..4_usize {
        let running = server.take().expect("it runs");
        world.write("records.jsonl", lines(round * 50..round * 50 + 50));
        let url = running.url();
        let appended = world.run(&["log", "append", "--url", &url, "--key", key, "records.jsonl"]);
        appended.expect(0).says("50 records taken");
        // Sometimes before they were sequenced, sometimes after.
        if round % 2 == 1 {
            running.checkpoint_of(round as u64 * 50 + 50);
        }
        running.kill();
        let next = Server::start(&world, &["log", "serve", "log"]);
        sizes.push(next.checkpoint_of(round as u64 * 50 + 50));
        server = Some(next);
    }
    let server = server.expect("it runs");
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.get("/").0, 200);
    assert_eq!(server.get("/tile/0/000.p/200").0, 200);
    let (code, said) = server.terminate();
    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("stopped\n"), "{said}");
    world.run(&["log", "fsck", "log"]).expect(0).says("200 entries, 0 pending");
}

#[test]
fn observers_count_while_a_server_runs() {
    let world = world();
    let server = Server::start(&world, &["log", "serve", "log", "--log-format", "json"]);
    world.write("records.jsonl", lines(0..1));
    let added = world.run(&["log", "observer", "add", "log", "index:example.net"]);
    added.expect(0);
    let key = "log/keys/index-example.net.key";
    let url = server.url();
    let start = Instant::now();
    loop {
        let run = world.run(&["log", "append", "--url", &url, "--key", key, "records.jsonl"]);
        if run.code == 0 {
            break;
        }
        run.expect(1).says("no registered observer");
        assert!(start.elapsed() < PATIENCE);
    }
    server.checkpoint_of(1);
    let (status, body) = server.get("/log.json");
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&body).contains("index:example.net"));
    let (code, said) = server.terminate();
    assert_eq!(code, 0, "{said}");
    // Every line of the log is an object.
    let objects = said.lines().filter(|line| line.starts_with('{'));
    let count = objects.map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    assert!(count.count() >= 2, "{said}");
    assert!(!said.contains("PRIVATE+KEY"), "{said}");
}

#[test]
fn a_witness_cosigns_and_survives_being_killed() {
    let world = world();
    let made = world.run(&["witness", "init", "witness", "--name", "witness.example.org/w1"]);
    made.expect(0);
    let witness_key = key_of(&made);
    world.run(&["witness", "init", "witness", "--name", "w"]).expect(2).says("is there already");
    let description = fs::read_to_string(world.path("log/log.toml")).expect("a file");
    assert!(description.contains(ORIGIN));
    let log_key = {
        let server = Server::start(&world, &["log", "serve", "log"]);
        let (_, body) = server.get("/log.json");
        server.kill();
        let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        json["keys"][0].as_str().expect("a key").to_owned()
    };
    world.run(&["witness", "add-log", "witness", &log_key]).expect(0).says("is watched");
    world.run(&["witness", "add-log", "witness", &log_key]).expect(2).says("already");
    let keys = [log_key.parse().expect("a key")];
    let cosigners = [witness_key.clone()];
    let mut listen: Option<String> = None;
    for round in 1..=3_usize {
        // The same address each time: it stands in the configuration of the log.
        let witness = Server::start(&world, &["witness", "serve", "witness"]);
        if let Some(before) = &listen {
            world.run(&["log", "witness", "remove", "log", "witness.example.org/w1"]).expect(0);
            assert!(!before.is_empty());
        }
        let url = witness.url();
        let key = witness_key.to_string();
        world.run(&["log", "witness", "add", "log", &key, &url]).expect(0);
        listen = Some(url);
        append(&world, round * 10..round * 10 + 10).expect(0);
        let run = world.run(&["log", "checkpoint", "log"]);
        run.expect(0);
        let checkpoint = SignedCheckpoint::open(run.stdout.as_bytes(), ORIGIN, &keys)
            .expect("a checkpoint of the log");
        assert_eq!(checkpoint.size(), round as u64 * 10);
        assert_eq!(checkpoint.cosignatures(&cosigners).expect("good ones").len(), 1);
        witness.kill();
    }
    world.run(&["witness", "list", "witness"]).expect(0).says("cosigned at 30 entries");
    // Without a witness the log goes on, and says so.
    append(&world, 90..91).expect(0);
    let alone = world.run(&["log", "checkpoint", "log"]);
    alone.expect(0);
    assert!(!alone.stdout.contains("witness.example.org"), "{}", alone.stdout);
    // A witness whose state is gone does not begin anew.
    fs::remove_file(world.path("witness/witness.sqlite")).expect("it was there");
    for more in ["witness.sqlite-wal", "witness.sqlite-shm"] {
        let _ = fs::remove_file(world.path("witness").join(more));
    }
    world.run(&["witness", "serve", "witness"]).expect(3).says("newest state");
}

#[test]
fn both_keys_sign_until_the_day() {
    let world = world();
    append(&world, 0..1).expect(0);
    let before = world.run(&["log", "checkpoint", "log"]);
    before.expect(0);
    world.run(&["log", "rotate", "log", "--until", "tomorrow"]).expect(2).says("is not a day");
    let rotated = world.run(&["log", "rotate", "log", "--until", "2999-12-31"]);
    rotated.expect(0).says("both sign until 2999-12-31");
    let signatures = |run: &Run| run.stdout.lines().filter(|it| it.starts_with('\u{2014}')).count();
    let after = world.run(&["log", "checkpoint", "log"]);
    after.expect(0);
    assert_eq!((signatures(&before), signatures(&after)), (1, 2), "{}", after.stdout);
    // After its day, the old one does not sign any more.
    let text = world.read("log/log.toml").replace("2999-12-31", "2001-01-01");
    world.write("log/log.toml", text);
    let later = world.run(&["log", "checkpoint", "log"]);
    later.expect(0);
    assert_eq!(signatures(&later), 1);
    assert_ne!(later.stdout.lines().last(), before.stdout.lines().last());
    world.run(&["log", "fsck", "log"]).expect(0);
}

/// The operator changes the key while the log is served; each client goes on until its keys are over.
#[test]
fn clients_follow_a_new_key() {
    let world = world();
    append(&world, 0..3).expect(0);
    let server = Server::start(&world, &["log", "serve", "log"]);
    server.checkpoint_of(3);
    let keys = || {
        let (_, body) = server.get("/log.json");
        let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let keys = json["keys"].as_array().expect("a list").iter();
        keys.map(|key| key.as_str().expect("a key").to_owned()).collect::<Vec<_>>()
    };
    let old = keys().remove(0);
    let lookup = |keys: &[&String]| {
        let keys: Vec<String> = keys.iter().map(|key| format!("{{ key = \"{key}\" }}")).collect();
        let text = format!(
            "[policy.log]\nmode = \"require\"\nurl = \"{}\"\nkeys = [{}]\n",
            server.url(),
            keys.join(", ")
        );
        world.write("countermark.toml", text);
        world.run(&["log", "lookup", "teapot-1.tar.gz"])
    };
    lookup(&[&old]).expect(0).says("log.example.org: 3 entries");
    world.run(&["log", "rotate", "log", "--until", "2999-12-31"]).expect(0);
    let start = Instant::now();
    while keys().len() < 2 {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let new = keys().into_iter().find(|key| *key != old).expect("another key");
    // The page that people compare keys with knows it too.
    for page in ["/log", "/api/v1/log"] {
        let text = String::from_utf8(server.get(page).1).expect("UTF-8").replace("&#43;", "+");
        assert!(text.contains(&old) && text.contains(&new), "{text}");
    }
    let signatures = |size: usize| {
        let checkpoint = server.checkpoint_of(size as u64);
        checkpoint.lines().filter(|it| it.starts_with('\u{2014}')).count()
    };
    append(&world, 3..4).expect(0);
    assert_eq!(signatures(4), 2);
    for known in [&[&old][..], &[&old, &new], &[&new]] {
        lookup(known).expect(0).says("log.example.org: 4 entries");
    }
    // The last day of the old one is over.
    let text = world.read("log/log.toml").replace("2999-12-31", "2001-01-01");
    world.write("log/log.toml", text);
    let mut size = 4;
    while signatures(size) == 2 {
        assert!(start.elapsed() < PATIENCE);
        append(&world, size..size + 1).expect(0);
        size += 1;
    }
    lookup(&[&old]).expect(1).says("error[log-bad-signature]");
    for known in [&[&old, &new][..], &[&new]] {
        lookup(known).expect(0).says(&format!("log.example.org: {size} entries"));
    }
}

/// Pins name repositories of others, and commits in them.
#[test]
fn the_database_of_the_observatory_is_private() {
    let world = world();
    let config = "[observe]\ndatabase = \"observatory.sqlite\"\nlog = \"log\"\n";
    world.write("observe.toml", config);
    world.run(&["observe", "crawl", "--once"]).expect(0);
    assert_eq!(mode(&world.path("observatory.sqlite")), 0o600);
}

#[test]
fn a_backup_that_was_taken_while_it_ran_can_be_put_back() {
    let world = world();
    let key = "log/keys/index-log.example.org-crawler.key";
    let server = Server::start(&world, &["log", "serve", "log"]);
    let url = server.url();
    world.write("records.jsonl", lines(0..300));
    world.run(&["log", "append", "--url", &url, "--key", key, "records.jsonl"]).expect(0);
    server.checkpoint_of(300);
    world.run(&["log", "export", "log", "backup.jsonl"]).expect(0);
    server.kill();
    // The machine is gone; configuration and keys were kept elsewhere.
    fs::create_dir(world.path("kept")).expect("a folder");
    fs::rename(world.path("log/log.toml"), world.path("kept/log.toml")).expect("a file");
    fs::rename(world.path("log/keys"), world.path("kept/keys")).expect("a folder");
    fs::remove_dir_all(world.path("log")).expect("a folder");
    fs::rename(world.path("kept"), world.path("log")).expect("a folder");
    world.run(&["log", "import", "log", "backup.jsonl"]).expect(0);
    world.run(&["log", "fsck", "log"]).expect(0).says("300 entries");
    let server = Server::start(&world, &["log", "serve", "log"]);
    server.checkpoint_of(300);
    let url = server.url();
    world.write("records.jsonl", lines(299..301));
    let more = world.run(&["log", "append", "--url", &url, "--key", key, "records.jsonl"]);
    more.expect(0).says("1 record taken, 1 known already");
    server.checkpoint_of(301);
    server.kill();
}
