//! Processes that write a log and are killed at moments that nobody chose well.
//!
//! The test starts its own program again, as a process that submits, sequences and says what was acknowledged
//! and what was signed. After each kill: everything acknowledged is there, and over all processes that ever
//! signed, each size has one root.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use countermark_service::log::sequencer::{Cosigners, Outside, Sequencer, Settings};
use countermark_service::log::sqlite::{Options, SqliteLog};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::DirectoryTiles;
use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_trust::log::record::Observation;
use jiff::{SignedDuration, Timestamp};

use super::contract::check::look;
use super::contract::sequence::{Log, ORIGIN, key};
use super::contract::{Embedded, Numbers, at, records};

/// The folder that a process works in; without it, the test of that name does nothing.
const FOLDER: &str = "COUNTERMARK_TEST_LOG_WRITER";
/// The number of its first record.
const FIRST: &str = "COUNTERMARK_TEST_LOG_FIRST";
/// For how long a process works at most, should nobody kill it.
const LIFE: Duration = Duration::from_secs(30);
/// How many records a process has for itself.
const SHARE: u32 = 1_000_000;

/// Tells what is signed before anybody can see it.
#[derive(Debug)]
struct Told;

#[async_trait]
impl Cosigners for Told {
    async fn cosign(&self, checkpoint: SignedCheckpoint) -> SignedCheckpoint {
        tell(&format!("signed {} {}", checkpoint.size(), checkpoint.root()));
        checkpoint
    }
}

/// A line that is on its way before anything else happens. Who reads may be gone.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// Not a test by itself: what the tests below start.
#[tokio::test]
async fn writer_process() {
    let (Some(folder), Some(first)) = (std::env::var_os(FOLDER), std::env::var(FIRST).ok()) else {
        return;
    };
    let (folder, first): (_, u32) = (Path::new(&folder).to_owned(), first.parse().unwrap());
    let store = Arc::new(SqliteLog::open(&folder.join("log.sqlite"), Options::default()).unwrap());
    let outside = Outside {
        store: store.clone(),
        tiles: Arc::new(DirectoryTiles::open(&folder.join("public")).unwrap()),
        cosigners: Arc::new(Told),
        clock: Arc::new(Timestamp::now),
    };
    // The lead passes from one to the other all the time, and small batches make many heads.
    let mut settings = Settings::new(ORIGIN);
    settings.lease = SignedDuration::from_millis(40);
    settings.batch = 50;
    settings.keep_partials = SignedDuration::ZERO;
    let mut sequencer = Sequencer::new(outside, vec![key()], settings, &format!("writer-{first}"));
    let started = Instant::now();
    for part in 0..3 {
        let store = store.clone();
        tokio::spawn(async move {
            let mut next = first + part * (SHARE / 3);
            while started.elapsed() < LIFE {
                let batch = records(next..next + 1 + next % 40);
                let end = next + batch.len() as u32;
                match store.submit(batch, Timestamp::now()).await {
                    Ok(_) => tell(&format!("acknowledged {next} {end}")),
                    Err(error) => tell(&format!("refused {error}")),
                }
                next = end;
            }
        });
    }
    while started.elapsed() < LIFE {
        if let Err(error) = sequencer.turn().await {
            tell(&format!("failed {error}"));
        }
        tokio::task::yield_now().await;
    }
}

/// What processes said.
#[derive(Default)]
struct Said {
    acknowledged: Vec<std::ops::Range<u32>>,
    signed: BTreeMap<u64, String>,
    refused: usize,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["acknowledged", from, to] => {
                // The last line may be cut: a number that is not whole was not said.
                if let (Ok(from), Ok(to)) = (from.parse(), to.parse()) {
                    self.acknowledged.push(from..to);
                }
            }
            ["signed", size, root] if root.len() == 44 => {
                let size = size.parse().unwrap();
                let before = self.signed.insert(size, root.to_owned());
                assert!(before.is_none_or(|before| before == root), "two roots for {size}");
            }
            ["refused", ..] => self.refused += 1,
            _ => {}
        }
    }
}

fn writer(folder: &Path, first: u32) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "crash::writer_process", "--nocapture"]);
    command.env(FOLDER, folder).env(FIRST, first.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Reads whole lines until `enough` of them are of interest, then kills, then reads what is left.
fn hear_and_kill(mut child: Child, enough: u64, said: &mut Said) {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (mut heard, mut line) = (0, String::new());
    loop {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        // A line without its end was not said.
        let Some(whole) = line.strip_suffix('\n') else { break };
        said.hear(whole);
        heard += u64::from(whole.starts_with("acknowledged") || whole.starts_with("signed"));
        if heard == enough {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(heard >= enough, "the process ended by itself after {heard} lines");
}

/// Another process goes on; then everything has to be there.
async fn inherit(place: &Embedded, said: &Said, whole: bool) {
    let log = Log::new(place).await;
    // Later than any lease of those that are dead.
    log.seconds.store(Timestamp::now().as_second() + 3600, std::sync::atomic::Ordering::Relaxed);
    let mut heir = log.sequencer("heir");
    while log.store.counts().await.unwrap().pending > 0 {
        heir.turn().await.unwrap();
    }
    heir.turn().await.unwrap();
    heir.resign().await.unwrap();
    let size = log.store.head().await.unwrap().size;
    let mut present = HashSet::new();
    let mut from = 0;
    while from < size {
        let to = (from + 20_000).min(size);
        let entries = log.store.entries(from..to).await.unwrap();
        present.extend(entries.iter().map(Observation::text));
        from = to;
    }
    for range in &said.acknowledged {
        for record in records(range.clone()) {
            assert!(present.contains(&record.text()), "an acknowledged record is lost");
        }
    }
    // What was signed is what is committed.
    for (signed, root) in said.signed.iter().filter(|(size, _)| **size > 0) {
        let head = log.store.head_at(*signed).await.unwrap();
        assert_eq!(head.map(|head| head.root.to_base64()).as_ref(), Some(root), "{signed}");
    }
    if whole {
        let report = look(&log, false).await;
        assert!(report.is_clean(), "{:?}", report.differences);
        assert_eq!(report.size, size);
    }
}

#[tokio::test]
async fn killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_forks() {
    let place = Embedded::new();
    let mut numbers = Numbers(20);
    let mut said = Said::default();
    for round in 0..24_u32 {
        let first = round * 2 * SHARE;
        let (one, two) = (1 + numbers.below(60), 1 + numbers.below(40));
        let child = writer(place.0.path(), first);
        if round % 3 == 2 {
            // Two at once, on one file.
            let other = writer(place.0.path(), first + SHARE);
            hear_and_kill(child, one, &mut said);
            hear_and_kill(other, two, &mut said);
        } else {
            hear_and_kill(child, one, &mut said);
        }
        inherit(&place, &said, round % 6 == 5).await;
    }
    assert!(said.acknowledged.len() > 100, "{}", said.acknowledged.len());
    assert!(said.signed.len() > 20, "{}", said.signed.len());
    assert_eq!(said.refused, 0);
}

/// No file may become larger: the system refuses writes as on a full disk, in the middle of anything.
#[tokio::test]
async fn on_a_full_disk_records_are_refused_and_none_is_lost() {
    let place = Embedded::new();
    let mut said = Said::default();
    let program = std::env::current_exe().unwrap();
    // In blocks of 512 bytes; what would be a signal is an error.
    let script = "trap '' XFSZ; ulimit -f 1200; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(program);
    command.args(["--exact", "crash::writer_process", "--nocapture"]);
    command.env(FOLDER, place.0.path()).env(FIRST, "0");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    hear_until_refused(child, &mut said);
    assert!(said.refused > 20);
    assert!(said.acknowledged.len() > 5, "{}", said.acknowledged.len());
    inherit(&place, &said, true).await;
    // There is room again.
    let mut after = Said::default();
    hear_and_kill(writer(place.0.path(), SHARE), 30, &mut after);
    said.acknowledged.append(&mut after.acknowledged);
    inherit(&place, &said, true).await;
}

/// Until some were refused: the process is alive, and goes on to refuse.
fn hear_until_refused(mut child: Child, said: &mut Said) {
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        said.hear(&String::from_utf8_lossy(&line.unwrap()));
        if said.refused == 21 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
}

/// The room for the database is over; then there is more.
#[tokio::test]
async fn a_quota_is_an_error_and_not_a_loss() {
    let place = Embedded::new();
    let path = place.0.path().join("log.sqlite");
    let small = Options { quota: Some(600_000), ..Options::default() };
    let mut acknowledged = Vec::new();
    {
        let store = SqliteLog::open(&path, small).unwrap();
        let mut refused = 0;
        for number in 0..200 {
            let batch = records(number * 50..(number + 1) * 50);
            match store.submit(batch.clone(), at(0)).await {
                Ok(_) => acknowledged.extend(batch),
                Err(error) => {
                    assert_eq!(error, countermark_service::log::store::StoreError::Full);
                    refused += 1;
                }
            }
        }
        assert!(refused > 0 && acknowledged.len() > 500, "{refused} {}", acknowledged.len());
        // Reading goes on, and what is known is told.
        assert_eq!(store.pending(20_000).await.unwrap().len(), acknowledged.len());
        let known = store.submit(acknowledged[..5].to_vec(), at(0)).await.unwrap();
        assert!(known.iter().all(|it| it.known));
    }
    let log = Log::new(&place).await;
    log.store.submit(records(1_000_000..1_000_050), at(0)).await.unwrap();
    acknowledged.extend(records(1_000_000..1_000_050));
    log.sequencer("one").turn().await.unwrap();
    log.check(&acknowledged).await;
    assert!(look(&log, false).await.is_clean());
}
