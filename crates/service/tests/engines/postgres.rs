//! What is PostgreSQL's own: schema, connections, and what the database sees of itself.

use std::time::Duration;

use countermark_client::credentials::Secret;
use countermark_service::log::postgres::PostgresStore;
use countermark_service::log::postgres::settings::{Settings, SettingsError};
use countermark_service::log::store::{LogStore, StoreError};
use countermark_testkit::postgres::{Manner, Postgres};

use super::material::{at, cluster, open, record, record_by, runtime};

fn psql(address: &str, sql: &str) -> String {
    let cluster = cluster().unwrap();
    let mut command = std::process::Command::new(cluster.binaries().join("psql"));
    let output = command.args(["-X", "-A", "-t", "-d", address, "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn tables_are_made_once_by_many_that_begin_at_once_and_a_newer_version_is_refused() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let opened: Vec<_> = (0..8)
            .map(|_| {
                let address = address.clone();
                tokio::spawn(async move { open(&address).await.counts().await.unwrap() })
            })
            .collect();
        for task in opened {
            assert_eq!(task.await.unwrap().entries, 0);
        }
        psql(&address, "UPDATE countermark_log.version SET version = 1000");
        let settings = Settings::parse(&address, None, None).unwrap();
        let error = PostgresStore::open(settings).await.unwrap_err();
        assert_eq!(error, StoreError::Newer { found: 1000, known: 1 });
    });
}

#[test]
fn second_digests_raise_alarms_in_order_and_distributions_do_not() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let store = open(&address).await;
        let other = "index:mirror.example.org";
        let distribution = "distribution:ports.example.org";
        let receipts = store
            .submit(
                vec![
                    record(1, 0),
                    record(1, 0),
                    record_by(1, 0, other),
                    record_by(1, 5, distribution),
                    record_by(1, 1, other),
                    record(2, 0),
                ],
                at(1),
            )
            .await
            .unwrap();
        let known: Vec<bool> = receipts.iter().map(|it| it.known).collect();
        assert_eq!(known, [false, true, false, false, false, false]);
        let conflicts: Vec<usize> = receipts.iter().map(|it| it.conflicts.len()).collect();
        assert_eq!(conflicts, [0, 0, 0, 0, 1, 0]);
        let receipts = store.submit(vec![record(1, 2), record(1, 0)], at(2)).await.unwrap();
        assert_eq!(receipts[0].conflicts.len(), 2);
        assert!(receipts[1].known);
        assert_eq!(receipts[1].conflicts.len(), 2, "told again, also of what is known");
        let alarms = store.alarms(0, 10).await.unwrap();
        let told: Vec<_> = alarms
            .iter()
            .map(|it| (it.at, it.first.record.clone(), it.second.record.clone()))
            .collect();
        let expect =
            [(at(1), record(1, 0), record_by(1, 1, other)), (at(2), record(1, 0), record(1, 2))];
        assert_eq!(told, expect);
        assert_eq!(store.alarms(alarms[0].id, 10).await.unwrap(), alarms[1..]);
        assert_eq!(store.alarms_of(record(1, 0).project(), 1).await.unwrap(), alarms[..1]);
        assert_eq!(store.alarms_of(record(999, 0).project(), 1).await.unwrap(), []);
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.pending, counts.projects, counts.alarms), (6, 1, 2));
    });
}

#[test]
fn connections_that_break_are_replaced() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let store = open(&address).await;
        store.submit(vec![record(1, 0)], at(0)).await.unwrap();
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE application_name = 'countermark' AND datname = current_database()";
        for round in 2..6 {
            psql(&address, sql);
            store.submit(vec![record(round, 0)], at(0)).await.unwrap();
        }
        assert_eq!(store.counts().await.unwrap().pending, 5);
    });
}

#[test]
fn a_server_that_is_not_there_is_said_without_its_password() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().replace("port=", "port=1 application_name=");
    let secret = Secret::new("hunter2");
    let settings = Settings::parse(&address, Some(&secret), None).unwrap();
    let error = runtime().block_on(PostgresStore::open(settings)).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let absent = cluster.database().replace("dbname=", "dbname=absent_");
    let settings = Settings::parse(&absent, None, None).unwrap();
    let error = runtime().block_on(PostgresStore::open(settings)).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
}

#[test]
fn a_front_end_that_waits_too_long_is_told() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        open(&address).await;
        let settings = Settings::parse(&address, None, None).unwrap();
        let settings = settings.statement_timeout(Duration::from_millis(200));
        let store = PostgresStore::open(settings).await.unwrap();
        // Somebody holds the lock of all files, as a front end that hangs does.
        let blocker = countermark_service::log::postgres::pool::Pool::new(
            Settings::parse(&address, None, None).unwrap(),
            "countermark_log",
        )
        .unwrap();
        let lent = blocker.get().await.unwrap();
        let sql = "SELECT pg_advisory_lock(1668115457, n) FROM generate_series(0, 63) n";
        lent.client().unwrap().execute(sql, &[]).await.unwrap();
        let error = store.submit(vec![record(1, 0)], at(0)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        assert_eq!(store.counts().await.unwrap().pending, 0, "and nothing was written");
        drop(blocker);
        lent.client().unwrap().execute("SELECT pg_advisory_unlock_all()", &[]).await.unwrap();
        store.submit(vec![record(1, 0)], at(0)).await.unwrap();
    });
}

#[test]
fn what_is_damaged_is_found() {
    let Some(cluster) = cluster() else { return };
    let check = |sql: &str, expect: &[&str]| {
        let address = cluster.database();
        runtime().block_on(async {
            let store = open(&address).await;
            store.submit((0..4).map(|n| record(n, 0)).collect(), at(0)).await.unwrap();
            let length = jiff::SignedDuration::from_secs(9);
            let lease = store.lead("a", at(0), length).await.unwrap().unwrap();
            let ids: Vec<i64> = store.pending(10).await.unwrap().iter().map(|it| it.id).collect();
            let from = store.head().await.unwrap();
            let root = countermark_tlog::hash::Hash::from_bytes([1; 32]);
            let to = countermark_service::log::store::Head { size: 3, root, at: at(0) };
            store.commit(&lease, &from, &ids[..3], &to).await.unwrap();
            assert_eq!(store.inspect(10).await.unwrap(), [], "before");
            psql(&address, &format!("SET search_path = countermark_log; {sql}"));
            let found: Vec<String> = store
                .inspect(20)
                .await
                .unwrap()
                .into_iter()
                .map(|it| format!("{}: {}", it.place, it.reason))
                .collect();
            assert_eq!(found, expect, "{sql}");
        });
    };
    check(
        "DELETE FROM places WHERE place = 1",
        &[
            "table `places`, number 0: a place follows that is not the next",
            "table `heads`, number 3: the head is not as large as there are places",
            "table `records`, number 2: the record has no place and does not wait for one",
        ],
    );
    check(
        "DELETE FROM records WHERE id = 4; DELETE FROM observers WHERE id = 1",
        &[
            "table `pending`, number 4: no record has this id",
            "table `records`, number 1: its observer has no name",
            "table `records`, number 2: its observer has no name",
            "table `records`, number 3: its observer has no name",
        ],
    );
    check(
        "INSERT INTO pending VALUES (1)",
        &["table `pending`, number 1: the record has a place already"],
    );
    check(
        "ALTER TABLE records DROP CONSTRAINT records_key; \
         INSERT INTO records SELECT 9, size, uploaded, first_seen, project, observer, file, digest \
         FROM records WHERE id = 4; INSERT INTO pending VALUES (9)",
        &["table `records`, number 9: another record has the same file, digest and observer"],
    );
    check(
        "INSERT INTO published (size, at, note) VALUES (2, 0, '')",
        &["table `published`, number 2: the checkpoint that was published is of no head"],
    );
}

#[test]
fn a_row_that_nobody_wrote_like_that_is_an_error_and_not_a_record() {
    let Some(cluster) = cluster() else { return };
    let check = |sql: &str, expect: &str| {
        let address = cluster.database();
        runtime().block_on(async {
            let store = open(&address).await;
            store.submit(vec![record(1, 0)], at(0)).await.unwrap();
            psql(&address, &format!("SET search_path = countermark_log; {sql}"));
            let error = store.pending(10).await.unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("it is damaged: row 1, column `{expect}`")),
                "{error}"
            );
        });
    };
    check("UPDATE records SET digest = '\\x0100'", "digest");
    check("UPDATE records SET digest = '\\x0900' || substr(digest, 3)", "digest");
    check("UPDATE records SET size = -1", "size");
    check("UPDATE records SET first_seen = -5", "record");
    check("UPDATE records SET file = '../etc'", "record");
    check("UPDATE projects SET name = 'Not Normal!'", "project");
    check("UPDATE observers SET name = 'somebody'", "observer");
}

#[test]
fn a_server_without_tls_is_told_nothing_where_tls_is_asked_for() {
    let Some(cluster) = Postgres::start(Manner { loopback: true, ..Manner::default() }) else {
        return;
    };
    let open = |mode: &str| {
        let address = format!(
            "host=127.0.0.1 port={} user=countermark dbname=postgres sslmode={mode}",
            cluster.port()
        );
        let settings = Settings::parse(&address, None, None).unwrap();
        runtime().block_on(PostgresStore::open(settings))
    };
    open("disable").unwrap();
    let error = open("require").unwrap_err();
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
}

#[test]
fn the_certificate_of_the_server_is_verified() {
    let manner = Manner { loopback: true, tls: true, ..Manner::default() };
    let Some(cluster) = Postgres::start(manner) else { return };
    let port = cluster.port();
    let open = |host: &str, authority: Option<std::path::PathBuf>| {
        let address =
            format!("host={host} port={port} user=countermark dbname=postgres sslmode=require");
        let settings = Settings::parse(&address, None, authority)?;
        Ok::<_, SettingsError>(runtime().block_on(async {
            let store = PostgresStore::open(settings).await?;
            store.counts().await
        }))
    };
    let ours = Some(cluster.certificate());
    open("localhost", ours.clone()).unwrap().unwrap();
    let sql = "SELECT count(*) FROM pg_stat_ssl WHERE ssl AND version LIKE 'TLSv1.%'";
    let address = format!("host=127.0.0.1 port={port} user=countermark dbname=postgres");
    assert_eq!(psql(&format!("{address} sslmode=require"), sql), "1", "the server speaks it");
    // Of nobody that the system believes.
    let error = open("localhost", None).unwrap().unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    // For another name.
    let error = open("127.0.0.1", ours).unwrap().unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("none.pem");
    std::fs::write(&empty, "").unwrap();
    let error = open("localhost", Some(empty)).unwrap().unwrap_err();
    assert!(error.to_string().ends_with("there is none"), "{error}");
}
