//! The last write before a crash, as disks leave it: half of it, or something else in its place.

use std::fs;

use countermark_service::log::sqlite::{Options, SqliteLog};

use super::contract::check::look;
use super::contract::sequence::Log;
use super::contract::{Embedded, Place, at, records};

#[tokio::test]
async fn a_torn_end_of_the_journal_is_not_read() {
    let place = Embedded::new();
    let files =
        |place: &Embedded| ["log.sqlite", "log.sqlite-wal"].map(|name| place.0.path().join(name));
    let [database, journal] = files(&place);
    let store = place.store().await;
    store.submit(records(0..40), at(0)).await.unwrap();
    let acknowledged = fs::metadata(&journal).unwrap().len();
    store.submit(records(40..90), at(0)).await.unwrap();
    let whole = fs::read(&journal).unwrap();
    assert!(whole.len() as u64 > acknowledged, "the second is behind the first");
    let (before, last) = whole.split_at(usize::try_from(acknowledged).unwrap());

    let check = async |journal: Vec<u8>, expected: usize| {
        let copy = Embedded::new();
        let [to_database, to_journal] = files(&copy);
        fs::copy(&database, to_database).unwrap();
        fs::write(to_journal, journal).unwrap();
        let store = copy.store().await;
        let pending = store.pending(1000).await.unwrap();
        let pending: Vec<_> = pending.into_iter().map(|row| row.record).collect();
        assert_eq!(pending, records(0..u32::try_from(expected).unwrap()));
        // The same records are taken again, once.
        store.submit(records(0..90), at(0)).await.unwrap();
        assert_eq!(store.counts().await.unwrap().pending, 90);
        assert_eq!(store.inspect(10).await.unwrap(), []);
    };
    for cut in (0..last.len()).step_by(last.len() / 12) {
        check([before, &last[..cut]].concat(), 40).await;
        // A page that never came to the disk, in front of one that did.
        let zeros = [before, &vec![0; cut], &last[cut..]].concat();
        check(zeros, if cut == 0 { 90 } else { 40 }).await;
    }
    check(whole.clone(), 90).await;
    let noise: Vec<_> = (0..5000_u32).map(|it| it.wrapping_mul(2_654_435_761) as u8).collect();
    check([&whole[..], &noise].concat(), 90).await;
}

#[tokio::test]
async fn a_torn_checkpoint_is_written_anew() {
    let place = Embedded::new();
    let log = Log::new(&place).await;
    log.store.submit(records(0..300), at(0)).await.unwrap();
    log.sequencer("one").turn().await.unwrap();
    let file = place.0.path().join("public/checkpoint");
    let whole = fs::read_to_string(&file).unwrap();
    let ends = (0..whole.len()).filter(|end| whole.is_char_boundary(*end));
    for end in ends.step_by(5).chain([whole.len() - 1]) {
        fs::write(&file, &whole[..end]).unwrap();
        // Whoever leads next looks.
        let mut next = log.sequencer("one");
        next.turn().await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), whole, "{end}");
    }
    assert!(look(&log, false).await.is_clean());
    // `fsck` tells it and puts it back, too.
    for (torn, expected) in [
        (Some(&whole[..20]), "`checkpoint`: "),
        (Some(&whole.replace("300", "299")[..]), "`checkpoint`: "),
        (None, "`checkpoint` is missing: one of 300 entries was published"),
    ] {
        match torn {
            Some(torn) => fs::write(&file, torn).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let told = look(&log, false).await.differences;
        assert!(told[0].to_string().starts_with(expected), "{told:?}");
        let report = look(&log, true).await;
        assert_eq!((report.is_clean(), report.repaired), (true, 1), "{:?}", report.differences);
        assert_eq!(fs::read_to_string(&file).unwrap(), whole);
    }
}

#[tokio::test]
async fn a_file_of_another_program_or_a_newer_version_is_refused() {
    let place = Embedded::new();
    let path = place.0.path().join("log.sqlite");
    let refused = |expected: &str| {
        let error = SqliteLog::open(&path, Options::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}, expected {expected}");
    };
    fs::write(&path, b"some notes, and no database at all".repeat(50)).unwrap();
    refused("damaged");
    fs::remove_file(&path).unwrap();
    drop(place.store().await);
    let change = |sql: &str| {
        let status = std::process::Command::new("python3")
            .args([
                "-c",
                "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2])",
            ])
            .arg(&path)
            .arg(sql)
            .status();
        assert!(status.unwrap().success());
    };
    change("PRAGMA user_version = 99;");
    refused("it has version 99, expected 1 or less");
    change("PRAGMA user_version = 1; PRAGMA application_id = 5;");
    refused("the database of another program");
}

/// What only the tables know: each damage is told.
#[tokio::test]
async fn damaged_tables_are_told() {
    for (sql, expected) in [
        ("DELETE FROM records WHERE id = 7", "records 0 to 300"),
        ("UPDATE records SET size = 1 WHERE id = 7", "head of 300 entries"),
        ("UPDATE records SET digest = zeroblob(5) WHERE id = 7", "records 0 to 300"),
        ("UPDATE records SET file = '../x' WHERE id = 7", "records 0 to 300"),
        ("UPDATE heads SET root = zeroblob(32)", "head of 300 entries"),
        ("DELETE FROM by_file WHERE id = 7", "table by_file: expected 300 rows, found 299"),
        ("UPDATE by_file SET key = key + 1 WHERE id = 7", "row 7: not the key of its file"),
        ("DELETE FROM by_project WHERE id = 7", "table by_project: expected 300 rows, found 299"),
        ("UPDATE by_project SET project = 2 WHERE id = 1", "row 1: leads to no record"),
        ("DELETE FROM heads", "no head of 300 entries"),
        ("DELETE FROM alarms", "expected one alarm about it, found 0"),
        (
            "UPDATE records SET digest = (SELECT digest FROM records WHERE id = 299) WHERE id = 300",
            "row 300: the same record is there before",
        ),
    ] {
        let place = Embedded::new();
        let log = Log::new(&place).await;
        let mut all = records(0..298);
        for byte in [1, 2] {
            let digest = super::contract::sha256(byte);
            all.push(super::contract::record("a-1.tar.gz", digest, super::contract::INDEX));
        }
        log.store.submit(all, at(0)).await.unwrap();
        log.sequencer("one").turn().await.unwrap();
        assert!(look(&log, false).await.is_clean());
        drop(log);
        let status = std::process::Command::new("python3")
            .args([
                "-c",
                "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2])",
            ])
            .arg(place.0.path().join("log.sqlite"))
            .arg(sql)
            .status();
        assert!(status.unwrap().success());
        let report = look(&Log::new(&place).await, true).await;
        let told: Vec<_> = report.differences.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|it| it.contains(expected)), "{sql}: {told:?}");
        assert_eq!(report.repaired, 0, "{sql}");
    }
}

/// Digests are found in complete runs of their index, and in the rows that are in none yet.
#[tokio::test]
async fn digests_are_found_in_runs_and_behind_them() {
    let place = Embedded::new();
    let store = place.store().await;
    let all = records(0..33_000);
    for part in all.chunks(11_000) {
        store.submit(part.to_vec(), at(0)).await.unwrap();
    }
    let lease = super::contract::store::lead(store.as_ref()).await;
    super::contract::store::commit_all(store.as_ref(), &lease).await;
    for place in [0, 1, 20_000, 32_767, 32_768, 32_999] {
        let found = store.find_digest(all[place].digest(), 33_000, 5).await.unwrap();
        let found: Vec<_> = found.iter().map(|entry| entry.index).collect();
        assert_eq!(found, [place as u64]);
        let below = store.find_digest(all[place].digest(), place as u64, 5).await.unwrap();
        assert_eq!(below, []);
    }
    assert_eq!(store.inspect(10).await.unwrap(), []);
}
