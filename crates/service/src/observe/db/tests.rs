//! The same tests on both engines.

use std::sync::Arc;

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_testkit::postgres::Postgres as Cluster;
use countermark_trust::log::record::Fields;

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::*;
use crate::log::postgres::settings::Settings;

type Shared = Arc<dyn Observatory>;

/// Where a database is, so that it can be opened again.
enum Home {
    File(tempfile::TempDir),
    Server(String),
}

impl Home {
    async fn open(&self) -> Shared {
        match self {
            Self::File(folder) => Arc::new(Sqlite::open(&folder.path().join("db")).unwrap()),
            Self::Server(settings) => Arc::new(Postgres::open(parsed(settings)).await.unwrap()),
        }
    }
}

fn parsed(settings: &str) -> Settings {
    Settings::parse(settings, None, None).unwrap()
}

/// Runs a test on each engine that there is.
fn on_both<F: Future<Output = ()>>(test: impl Fn(Home) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(Home::File(tempfile::tempdir().unwrap())));
    if let Some(cluster) = Cluster::shared() {
        runtime.block_on(test(Home::Server(cluster.database())));
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn digest(letter: char) -> Digest {
    Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).unwrap()
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn observation(file: &str, letter: char, second: i64) -> Observation {
    Observation::new(Fields {
        project: name("teapot"),
        file: file.to_owned(),
        digest: digest(letter),
        size: Some(7),
        uploaded: None,
        observer: observer(),
        first_seen: at(second),
    })
    .unwrap()
}

fn observer() -> Observer {
    Observer::parse("index:example.org/crawler").unwrap()
}

fn pin(file: Option<&str>, letter: char) -> Pin {
    Pin {
        project: name("teapot"),
        version: Some("1.2".to_owned()),
        origin: "default".to_owned(),
        file: file.map(str::to_owned),
        digest: digest(letter),
        line: 3,
    }
}

fn place(repository: &str, revision: &str, second: i64) -> PinPlace {
    PinPlace {
        repository: repository.to_owned(),
        path: "uv.lock".to_owned(),
        revision: revision.to_owned(),
        format: "uv.lock".to_owned(),
        at: Some(at(second)),
    }
}

fn done<'a>(taken: &'a Taken, remembered: &'a str, due: Timestamp) -> Done<'a> {
    Done { taken, remembered, due, priority: 1 }
}

const FILE: &str = "teapot-1.2.tar.gz";

#[test]
fn pins_are_found_by_project_file_and_digest() {
    on_both(|home| async move {
        let db = home.open().await;
        let (one, two) = (place("example.org/a", "c1", 1), place("example.org/b", "c2", 2));
        for _ in 0..2 {
            db.add_pins(&one, &[pin(Some(FILE), 'a'), pin(None, 'c')]).await.unwrap();
            db.add_pins(&two, &[pin(Some(FILE), 'a')]).await.unwrap();
        }
        let found = async |search: Search| {
            let found = db.pins(&search, 10).await.unwrap();
            found.into_iter().map(|it| (it.place.repository, it.pin.file)).collect::<Vec<_>>()
        };
        let (a, b) = ("example.org/a".to_owned(), "example.org/b".to_owned());
        let file = Some(FILE.to_owned());
        assert_eq!(
            found(Search::File(FILE.into())).await,
            [(b.clone(), file.clone()), (a.clone(), file.clone())]
        );
        assert_eq!(found(Search::Digest(digest('c'))).await, [(a.clone(), None)]);
        assert_eq!(found(Search::Project(name("teapot"))).await.len(), 3);
        assert_eq!(found(Search::Project(name("other"))).await.len(), 0);
        let all = db.pins(&Search::File(FILE.into()), 1).await.unwrap();
        assert_eq!(all, [PinnedAt { pin: pin(Some(FILE), 'a'), place: two }]);

        let counts = db.counts().await.unwrap();
        assert_eq!((counts.repositories, counts.places, counts.pins), (2, 2, 3));
        db.forget_pins(&a).await.unwrap();
        assert_eq!(found(Search::Project(name("teapot"))).await, [(b, file)]);
    });
}

#[test]
fn a_file_with_two_digests_is_disputed_and_nothing_else() {
    on_both(|home| async move {
        let db = home.open().await;
        let disputed = async |repository: &str| db.disputed(repository, "", 10).await.unwrap();
        db.add_pins(&place("a", "1", 1), &[pin(Some(FILE), 'a'), pin(Some("b-1.tar.gz"), 'b')])
            .await
            .unwrap();
        // Another algorithm, and a pin without a file, contradict nothing.
        let other = Digest::parse(&format!("sha512:{}", "1".repeat(128))).unwrap();
        let long = Pin { digest: other, ..pin(Some(FILE), 'a') };
        db.add_pins(&place("b", "1", 1), &[long, pin(None, 'd'), pin(None, 'e')]).await.unwrap();
        assert_eq!(disputed("a").await, [""; 0]);
        assert_eq!(disputed("b").await, [""; 0]);
        db.add_pins(&place("b", "2", 2), &[pin(Some(FILE), 'f')]).await.unwrap();
        assert_eq!(disputed("a").await, [FILE]);
        assert_eq!(disputed("b").await, [FILE]);
        assert_eq!(db.disputed("a", FILE, 10).await.unwrap(), [""; 0]);
        // And with what an observer saw.
        db.add_seen(&[observation("b-1.tar.gz", 'c', 3)]).await.unwrap();
        assert_eq!(disputed("a").await, ["b-1.tar.gz", FILE]);
        assert_eq!(disputed("b").await, [FILE]);
    });
}

#[test]
fn a_digest_that_stands_in_place_of_another_is_replaced() {
    on_both(|home| async move {
        let db = home.open().await;
        let start = (String::new(), String::new());
        let replaced = async |repository: &str| db.replaced(repository, &start, 9).await.unwrap();
        let teapot = (name("teapot"), "1.2".to_owned());
        // With names it is a matter of names, and a set that grew replaces nothing.
        db.add_pins(&place("a", "1", 1), &[pin(Some(FILE), 'a')]).await.unwrap();
        db.add_pins(&place("c", "1", 1), &[pin(Some("teapot-1.2.zip"), 'c')]).await.unwrap();
        db.add_pins(&place("b", "1", 1), &[pin(None, 'a'), pin(None, 'c')]).await.unwrap();
        for repository in ["a", "b", "c"] {
            assert_eq!(replaced(repository).await, [], "{repository}");
        }
        db.add_pins(&place("b", "2", 2), &[pin(None, 'b'), pin(None, 'c')]).await.unwrap();
        assert_eq!(
            (replaced("a").await, replaced("b").await),
            (vec![teapot.clone()], vec![teapot])
        );
        // What stands with both of them says that they are of different files.
        assert_eq!(replaced("c").await, []);
        let after = ("teapot".to_owned(), "1.2".to_owned());
        assert_eq!(db.replaced("b", &after, 9).await.unwrap(), []);
    });
}

#[test]
fn a_digest_that_no_observer_saw_is_replaced_where_they_saw_others() {
    on_both(|home| async move {
        let db = home.open().await;
        let start = (String::new(), String::new());
        let replaced = async || db.replaced("b", &start, 9).await.unwrap().len();
        db.add_pins(&place("b", "1", 1), &[pin(None, 'a')]).await.unwrap();
        assert_eq!(replaced().await, 0);
        db.add_seen(&[observation("teapot-1.2.zip", 'b', 3)]).await.unwrap();
        assert_eq!(replaced().await, 1);
        db.add_seen(&[observation("teapot-1.2.tar.gz", 'a', 3)]).await.unwrap();
        assert_eq!(replaced().await, 0);
    });
}

#[test]
fn what_a_release_a_lock_and_an_index_say_is_read_in_parts() {
    on_both(|home| async move {
        let db = home.open().await;
        let mirrored = Pin { origin: "https://mirror.example.org".into(), ..pin(Some(FILE), 'a') };
        db.add_pins(&place("a", "1", 1), &[pin(Some(FILE), 'a'), pin(None, 'c')]).await.unwrap();
        db.add_pins(&place("b", "2", 2), std::slice::from_ref(&mirrored)).await.unwrap();
        db.add_pins(&place("c", "3", 3), &[pin(Some(FILE), 'b')]).await.unwrap();
        let of = |found: Vec<PinnedAt>| -> Vec<String> {
            found.into_iter().map(|it| it.place.repository).collect()
        };
        let release = (name("teapot"), "1.2".to_owned());
        // Its own ones always, of others the newest.
        let found = db.pins_of_release(&release, "a", 2).await.unwrap();
        assert_eq!(of(found), ["a", "a", "c", "b"]);
        let found = db.pins_of_release(&release, "a", 1).await.unwrap();
        assert_eq!(of(found), ["a", "c"]);
        assert_eq!(of(db.pins_of_lock("a", "uv.lock", 9).await.unwrap()), ["a", "a"]);
        assert_eq!(of(db.pins_of_lock("a", "other", 9).await.unwrap()), [""; 0]);
        let mut found = of(db.pins_of_origin(&mirrored.origin).await.unwrap());
        found.dedup();
        // Of the same digest, and of the same file.
        assert_eq!((found[0].as_str(), found.contains(&"c".to_owned())), ("b", true));
        assert_eq!(of(db.pins_of_files(&[FILE.to_owned()], 2).await.unwrap()), ["c", "b"]);
    });
}

#[test]
fn observations_wait_until_a_log_has_them() {
    on_both(|home| async move {
        let db = home.open().await;
        let (one, two) = (observation(FILE, 'a', 1), observation(FILE, 'b', 2));
        assert_eq!(db.add_seen(&[one.clone(), two.clone()]).await.unwrap(), 2);
        // Seen again later: it is the same, with the first time.
        assert_eq!(db.add_seen(&[observation(FILE, 'a', 9)]).await.unwrap(), 0);
        drop(db);
        let db = home.open().await;
        let waiting = db.waiting(&observer(), 10).await.unwrap();
        let told: Vec<_> = waiting.iter().map(|it| it.observation.clone()).collect();
        assert_eq!(told, [one.clone(), two.clone()]);
        let stranger = Observer::parse("distribution:gentoo").unwrap();
        assert_eq!(db.waiting(&stranger, 10).await.unwrap(), []);
        db.appended(&[waiting[0].number], at(5)).await.unwrap();
        assert_eq!(db.waiting(&observer(), 10).await.unwrap(), waiting[1..]);
        let found = db.sightings(&Search::File(FILE.into()), 10).await.unwrap();
        assert_eq!(
            found,
            [
                Sighting { observation: one, appended: Some(at(5)) },
                Sighting { observation: two, appended: None }
            ]
        );
        let counts = db.counts().await.unwrap();
        assert_eq!((counts.seen, counts.waiting), (2, 1));
    });
}

#[test]
fn work_is_taken_in_order_and_once() {
    on_both(|home| async move {
        let (one, other) = (home.open().await, home.open().await);
        let item = |name: &str, priority| Item { name: name.to_owned(), priority };
        let items = [item("a", 1), item("b", 0), item("c", 0), item("d", 1)];
        one.add_work("k", &items, at(0)).await.unwrap();
        one.add_work("other", &[item("x", 0)], at(0)).await.unwrap();
        one.hurry_work("k", "d", at(0)).await.unwrap();
        let take = async |db: &Shared, holder: &str, second| {
            let taken = db.take_work("k", holder, 2, at(second), seconds(60)).await.unwrap();
            taken.into_iter().map(|it| it.name).collect::<Vec<_>>()
        };
        assert_eq!(take(&one, "first", 1).await, ["d", "b"]);
        assert_eq!(take(&other, "second", 1).await, ["c", "a"]);
        assert_eq!(take(&one, "first", 1).await, [""; 0]);
        let backlog = one.backlog("k", at(1)).await.unwrap();
        assert_eq!(backlog, Backlog { items: 4, due: 0, taken: 4, failing: 0 });
        // Nobody says anything: after the lease they come back.
        assert_eq!(take(&other, "second", 60).await, [""; 0]);
        assert_eq!(take(&other, "second", 61).await, ["d", "b"]);
        let names = one.work_names("k", "a", 2).await.unwrap();
        assert_eq!(names, ["b", "c"]);
        one.forget_work("k", &["b".to_owned()]).await.unwrap();
        assert_eq!(one.work_names("k", "", 9).await.unwrap(), ["a", "c", "d"]);
    });
}

#[test]
fn what_a_crawler_says_after_its_lease_does_not_count() {
    on_both(|home| async move {
        let db = home.open().await;
        db.add_work("k", &[Item { name: "a".into(), priority: 0 }], at(0)).await.unwrap();
        let take = async |holder: &str, second| {
            db.take_work("k", holder, 1, at(second), seconds(60)).await.unwrap().pop().unwrap()
        };
        let late = take("late", 0).await;
        assert!(db.keep_work(&late, at(50), seconds(60)).await.unwrap());
        assert_eq!(db.take_work("k", "x", 1, at(100), seconds(60)).await.unwrap(), []);
        let next = take("next", 110).await;
        assert!(!db.keep_work(&late, at(111), seconds(60)).await.unwrap());
        assert!(!db.finish_work(&done(&late, "late", at(500))).await.unwrap());
        assert!(!db.fail_work(&late, "late", at(111), None).await.unwrap());
        db.release_work(&late).await.unwrap();
        assert_eq!(db.take_work("k", "x", 1, at(111), seconds(60)).await.unwrap(), []);
        // What it saw counts all the same.
        let seen = [observation(FILE, 'a', 1)];
        let new = db.add_seen_and_finish(&seen, &done(&late, "late", at(500))).await.unwrap();
        assert_eq!(new, 1);
        assert!(db.finish_work(&done(&next, "etag 1", at(500))).await.unwrap());
        assert_eq!(db.take_work("k", "x", 1, at(499), seconds(60)).await.unwrap(), []);
        let again = take("again", 500).await;
        assert_eq!((again.remembered.as_str(), again.attempts), ("etag 1", 0));
    });
}

#[test]
fn work_that_fails_waits_longer_each_time() {
    on_both(|home| async move {
        let db = home.open().await;
        db.add_work("k", &[Item { name: "a".into(), priority: 0 }], at(0)).await.unwrap();
        let mut now = 0;
        for wait in [60, 120, 240, 480] {
            let taken = db.take_work("k", "x", 1, at(now), seconds(5)).await.unwrap();
            assert_eq!(taken.len(), 1, "{wait}");
            assert!(db.fail_work(&taken[0], "no", at(now), None).await.unwrap());
            let early = db.take_work("k", "x", 1, at(now + wait - 1), seconds(5)).await.unwrap();
            assert_eq!(early, [], "{wait}");
            now += wait;
        }
        let taken = db.take_work("k", "x", 1, at(now), seconds(5)).await.unwrap();
        assert_eq!(taken[0].attempts, 4);
        // The other side may ask for a longer wait.
        db.fail_work(&taken[0], "no", at(now), Some(seconds(3000))).await.unwrap();
        assert_eq!(db.take_work("k", "x", 1, at(now + 2999), seconds(5)).await.unwrap(), []);
        assert_eq!(db.take_work("k", "x", 1, at(now + 3000), seconds(5)).await.unwrap().len(), 1);
        assert_eq!(db.backlog("k", at(now)).await.unwrap().failing, 1);
    });
}

#[test]
fn many_crawlers_share_work_and_nothing_is_done_twice() {
    on_both(|home| async move {
        let db = home.open().await;
        let items: Vec<Item> =
            (0..60).map(|it| Item { name: format!("p{it:03}"), priority: 0 }).collect();
        db.add_work("k", &items, at(0)).await.unwrap();
        let mut crawlers = Vec::new();
        for number in 0..4 {
            crawlers.push((format!("c{number}"), home.open().await));
        }
        let crawl = async |holder: &str, db: &Shared| {
            let mut all = Vec::new();
            loop {
                let taken = db.take_work("k", holder, 7, at(1), seconds(60)).await.unwrap();
                if taken.is_empty() {
                    return all;
                }
                for one in taken {
                    assert!(db.finish_work(&done(&one, "", at(1000))).await.unwrap());
                    all.push(one.name);
                }
            }
        };
        let each = crawlers.iter().map(|(holder, db)| crawl(holder, db));
        let done = futures_util::future::join_all(each).await;
        let mut all: Vec<String> = done.into_iter().flatten().collect();
        all.sort();
        let expect: Vec<String> = items.into_iter().map(|it| it.name).collect();
        assert_eq!(all, expect);
    });
}

fn alarm(file: &str, second: i64) -> NewAlarm {
    NewAlarm {
        name: format!("equivocation {file}"),
        kind: AlarmKind::Equivocation,
        project: name("teapot"),
        file: file.to_owned(),
        evidence: format!("{{\"digest\":\"{}\"}}", digest('a')),
        at: at(second),
    }
}

fn message(id: &str, second: i64) -> Message {
    Message {
        id: id.to_owned(),
        at: at(second),
        subject: format!("about {id}"),
        text: "two digests\0".to_owned(),
        json: "{}".to_owned(),
    }
}

#[test]
fn an_alarm_and_its_messages_are_written_once() {
    on_both(|home| async move {
        let db = home.open().await;
        let to = |destination: &str| (destination.to_owned(), message("m1", 1));
        let both = [to("mail:a"), to("webhook:b")];
        assert!(db.raise(&alarm(FILE, 1), &both).await.unwrap());
        assert!(!db.raise(&alarm(FILE, 7), &both).await.unwrap());
        drop(db);
        let db = home.open().await;
        let all = db.alarms(0, 10).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].alarm, alarm(FILE, 1));
        assert_eq!(db.alarms(all[0].id, 10).await.unwrap(), []);
        for search in [
            Search::File(FILE.into()),
            Search::Project(name("teapot")),
            Search::Digest(digest('a')),
        ] {
            assert_eq!(db.find_alarms(&search, 10).await.unwrap(), all, "{search:?}");
        }
        assert_eq!(db.find_alarms(&Search::Digest(digest('b')), 10).await.unwrap(), []);

        let outgoing = db.take_message("mail:a", at(1)).await.unwrap().unwrap();
        assert_eq!(outgoing.message.text, "two digests\u{fffd}");
        // While it is being sent nobody else gets it, and after a crash somebody does.
        assert_eq!(db.take_message("mail:a", at(300)).await.unwrap(), None);
        let again = db.take_message("mail:a", at(301)).await.unwrap().unwrap();
        assert_eq!(again, outgoing);
        db.delivered(&again, at(302)).await.unwrap();
        assert_eq!(db.take_message("mail:a", at(9000)).await.unwrap(), None);
        assert!(!db.raise(&alarm(FILE, 7), &both).await.unwrap());
        assert_eq!(db.take_message("mail:a", at(9000)).await.unwrap(), None);

        let told = db.told(&all[0]).await.unwrap();
        let told: Vec<_> = told.iter().map(|it| (it.destination.as_str(), it.delivered)).collect();
        assert_eq!(told, [("mail:a", Some(at(302))), ("webhook:b", None)]);
        assert_eq!(db.latest("mail:a", 10).await.unwrap().len(), 1);
        let counts = db.counts().await.unwrap();
        assert_eq!((counts.alarms, counts.untold), (1, 1));
    });
}

#[test]
fn a_destination_that_fails_waits_as_a_whole() {
    on_both(|home| async move {
        let db = home.open().await;
        for number in 1..=2 {
            let messages = [("mail:a".to_owned(), message(&format!("m{number}"), number))];
            let one = NewAlarm { name: format!("a{number}"), ..alarm(FILE, number) };
            assert!(db.raise(&one, &messages).await.unwrap());
        }
        let first = db.take_message("mail:a", at(10)).await.unwrap().unwrap();
        assert_eq!(first.message.id, "m1");
        db.failed(&first, at(10), "refused", None).await.unwrap();
        assert_eq!(db.take_message("mail:a", at(39)).await.unwrap(), None);
        let again = db.take_message("mail:a", at(40)).await.unwrap().unwrap();
        assert_eq!((again.message.id.as_str(), again.attempts), ("m1", 1));
        db.failed(&again, at(40), "refused", Some(seconds(600))).await.unwrap();
        assert_eq!(db.take_message("mail:a", at(639)).await.unwrap(), None);
        let mut ids = Vec::new();
        while let Some(one) = db.take_message("mail:a", at(640)).await.unwrap() {
            db.delivered(&one, at(640)).await.unwrap();
            ids.push(one.message.id);
        }
        assert_eq!(ids, ["m1", "m2"]);
        let all = db.alarms(0, 10).await.unwrap();
        let told = db.told(&all[0]).await.unwrap();
        assert_eq!((told[0].attempts, told[0].last_error.as_deref()), (3, None));
    });
}

#[test]
fn settings_are_kept() {
    on_both(|home| async move {
        let db = home.open().await;
        assert_eq!(db.setting("cursor").await.unwrap(), None);
        db.set_setting("cursor", "1").await.unwrap();
        db.set_setting("cursor", "2").await.unwrap();
        assert_eq!(home.open().await.setting("cursor").await.unwrap().as_deref(), Some("2"));
    });
}

#[test]
fn a_batch_is_done_whole_or_not_at_all() {
    on_both(|home| async move {
        let db = home.open().await;
        let good = Statement::new(
            "INSERT INTO observe_settings (name, value) VALUES (?1, ?2)",
            values!["a", "1"],
        );
        let bad = Statement::new("INSERT INTO nowhere VALUES (?1)", values![1_i64]);
        assert!(db.batch(vec![good.clone(), bad]).await.is_err());
        assert_eq!(db.setting("a").await.unwrap(), None);
        db.batch(vec![good]).await.unwrap();
        assert_eq!(db.setting("a").await.unwrap().as_deref(), Some("1"));
    });
}

#[test]
fn a_newer_database_is_not_touched() {
    on_both(|home| async move {
        let db = home.open().await;
        let sql = match &home {
            Home::File(_) => "INSERT INTO observe_version (version) VALUES (?1)",
            Home::Server(_) => "UPDATE version SET version = ?1",
        };
        ask(&*db, sql, values![99_i64]).await.unwrap();
        drop(db);
        let error = match &home {
            Home::File(folder) => Sqlite::open(&folder.path().join("db")).unwrap_err(),
            Home::Server(settings) => Postgres::open(parsed(settings)).await.unwrap_err(),
        };
        assert_eq!(error, StoreError::Newer { found: 99, known: schema::MIGRATIONS.len() as i64 });
    });
}
