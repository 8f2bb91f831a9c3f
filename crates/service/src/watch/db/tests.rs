use countermark_audit::finding::Severity;
use countermark_trust::Class;
use jiff::SignedDuration;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + seconds).unwrap()
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn finding(key: &str) -> (String, StoredFinding) {
    let finding = StoredFinding {
        key: key.into(),
        rule: "rogue-release".into(),
        severity: Severity::High,
        projects: vec!["teapot".into()],
        versions: Vec::new(),
        files: Vec::new(),
        accounts: Vec::new(),
        message: "m".into(),
        evidence: Vec::new(),
        next: String::new(),
    };
    (key.into(), finding)
}

fn message(id: &str, when: Timestamp) -> Message {
    let text = |it: &str| it.to_owned();
    Message { id: id.into(), at: when, subject: text("s"), text: text("t"), json: text("{}") }
}

/// A step that changes nothing.
fn step<'a>(run: i64, when: Timestamp, calendar: &'a Calendar) -> Step<'a> {
    Step {
        run,
        started: when,
        ended: when,
        standing: None,
        facts: &[],
        calendar,
        forgotten: &[],
        messages: &[],
        changes: 0,
        asked: 0,
        unread: 0,
        traffic: Traffic::default(),
        error: None,
    }
}

fn open(path: &Path) -> Result<State, StateError> {
    State::open(path, "abc")
}

fn first_seen(state: &State) -> Vec<(String, i64, Option<i64>)> {
    let sql = "SELECT key, first_seen, gone_at FROM findings ORDER BY key";
    let mut statement = state.connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watch.sqlite");
    let mut state = open(&path).unwrap();
    assert_eq!(state.next_run().unwrap(), 1);
    let standing = Findings::from([finding("a"), finding("b")]);
    let due = Due { page: at(10), roles: at(20), unread: Some((at(1), "503".into())), failures: 2 };
    let calendar = Calendar::from([
        (name("teapot"), due),
        (name("kettle"), Due { page: at(1), roles: at(2), unread: None, failures: 0 }),
    ]);
    let messages = [("mail:team".to_owned(), message("abc.1", at(5)))];
    let facts = [(name("teapot"), Some(7), "{\"line\":1}".to_owned())];
    let committed = Step {
        standing: Some(&standing),
        facts: &facts,
        messages: &messages,
        traffic: Traffic { requests: 3, unchanged: 0, bytes: 9000 },
        ..step(1, at(5), &calendar)
    };
    state.commit(&committed).unwrap();
    drop(state);

    let mut state = State::open(&path, "another").unwrap();
    assert_eq!(state.instance(), "abc");
    assert_eq!(state.next_run().unwrap(), 2);
    assert_eq!(state.findings().unwrap(), standing);
    assert_eq!(state.calendar().unwrap(), calendar);
    assert_eq!(state.facts().unwrap(), ["{\"line\":1}"]);
    // The first run costs more than all others, and says nothing of them.
    assert_eq!(state.measured().unwrap(), (Traffic::default(), 2));
    let pending = state.pending("mail:team", at(5)).unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((&pending[0].message, pending[0].attempts), (&messages[0].1, 0));

    // Gone, and back: it begins anew. The other one began when it began.
    let fewer = Findings::from([finding("b")]);
    let traffic = Traffic { requests: 10, unchanged: 9, bytes: 50 };
    state
        .commit(&Step { standing: Some(&fewer), traffic, ..step(2, at(6), &Calendar::new()) })
        .unwrap();
    assert_eq!(state.measured().unwrap().0, traffic);
    assert_eq!(state.findings().unwrap(), fewer);
    state.commit(&Step { standing: Some(&standing), ..step(3, at(7), &Calendar::new()) }).unwrap();
    let (six, seven) = (at(5).as_millisecond(), at(7).as_millisecond());
    assert_eq!(first_seen(&state), [("a".into(), seven, None), ("b".into(), six, None)]);

    let forgotten = [name("teapot")];
    assert_eq!(state.failing_since().unwrap(), None);
    let nobody = Calendar::new();
    for (run, time) in [(4, 8), (5, 9)] {
        let failed = Step { error: Some("no records"), ..step(run, at(time), &nobody) };
        state.commit(&failed).unwrap();
    }
    assert_eq!(state.failing_since().unwrap(), Some(at(8)));
    state.commit(&Step { forgotten: &forgotten, ..step(6, at(10), &Calendar::new()) }).unwrap();
    assert_eq!(state.facts().unwrap(), [""; 0]);
    assert_eq!(state.calendar().unwrap().len(), 1);
    assert_eq!(state.failing_since().unwrap(), None);
}

#[test]
fn a_commit_is_whole_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(&folder.path().join("s")).unwrap();
    let (calendar, standing) = (Calendar::new(), Findings::from([finding("a")]));
    state.commit(&step(1, at(0), &calendar)).unwrap();
    // The number of a run that was: the row is refused after the findings would have been written.
    let messages = [("m".to_owned(), message("x", at(1)))];
    let twice =
        Step { standing: Some(&standing), messages: &messages, ..step(1, at(1), &calendar) };
    assert!(state.commit(&twice).is_err());
    assert_eq!((state.findings().unwrap().len(), state.pending("m", at(9)).unwrap().len()), (0, 0));

    // A full disk in the middle of a commit.
    let pages: i64 = state.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    state.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let large = Message { text: "x".repeat(1 << 20), ..message("x", at(1)) };
    let messages = [("m".to_owned(), large)];
    let full = Step { standing: Some(&standing), messages: &messages, ..step(2, at(1), &calendar) };
    let error = state.commit(&full).unwrap_err();
    assert!(matches!(error, StateError::Full), "{error:?}");
    assert_eq!(error.class(), Class::Unavailable);
    assert_eq!((state.findings().unwrap().len(), state.next_run().unwrap()), (0, 2));
    // With room again the same step is taken.
    state.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    state.commit(&full).unwrap();
    assert_eq!((state.findings().unwrap().len(), state.pending("m", at(9)).unwrap().len()), (1, 1));
}

#[test]
fn messages_wait_until_they_are_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(&folder.path().join("s")).unwrap();
    let calendar = Calendar::new();
    let messages = [("a".to_owned(), message("1", at(0))), ("b".to_owned(), message("1", at(0)))];
    state.commit(&Step { messages: &messages, ..step(1, at(0), &calendar) }).unwrap();
    let a = state.pending("a", at(0)).unwrap();
    state.delivered(&a[0], at(1)).unwrap();
    let b = state.pending("b", at(0)).unwrap();
    state.failed(&b[0], at(1), "450 later", None).unwrap();
    assert_eq!(
        (state.pending("a", at(999)).unwrap(), state.pending("b", at(30)).unwrap()),
        (vec![], vec![])
    );
    let again = state.pending("b", at(31)).unwrap();
    assert_eq!((again.len(), again[0].attempts), (1, 1));
    let waiting = |state: &State| state.waiting().unwrap().remove("b").unwrap();
    let why = Some("450 later".to_owned());
    assert_eq!(waiting(&state), Waiting { messages: 1, next: at(31), why });
    assert_eq!(state.waiting().unwrap().len(), 1);
    // What the other side asks for counts, within limits.
    state.failed(&again[0], at(31), "450", Some(SignedDuration::from_secs(300))).unwrap();
    assert_eq!(waiting(&state).next, at(331));
    state.failed(&again[0], at(31), "450", Some(SignedDuration::from_hours(900))).unwrap();
    assert_eq!(waiting(&state).next, at(31 + 3600));
    // The clock is set back by a day: it is not waited for a day.
    assert_eq!(state.pending("b", at(-86_400)).unwrap().len(), 1);
    // The same message again is the same message.
    state.commit(&Step { messages: &messages, ..step(2, at(50), &calendar) }).unwrap();
    assert_eq!(waiting(&state).messages, 1);
    assert_eq!(state.latest("a", 10).unwrap(), [message("1", at(0))]);
}

#[test]
fn a_destination_that_is_down_is_left_alone_with_all_that_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(&folder.path().join("s")).unwrap();
    let calendar = Calendar::new();
    let message = |number: i64| ("a".to_owned(), message(&number.to_string(), at(number)));
    let messages: Vec<_> = (0..20).map(message).collect();
    state.commit(&Step { messages: &messages, ..step(1, at(20), &calendar) }).unwrap();
    // Tried again as soon as it may be, for two days.
    let (mut now, mut tries) = (20, Vec::new());
    while now < 2 * 86_400 {
        let pending = state.pending("a", at(now)).unwrap();
        state.failed(&pending[0], at(now), "down", None).unwrap();
        assert_eq!(state.pending("a", at(now + 29)).unwrap(), []);
        tries.push(now);
        now = state.waiting().unwrap()["a"].next.duration_since(at(0)).as_secs();
    }
    let waits: Vec<i64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits[..8], [30, 60, 120, 240, 480, 960, 1920, 3600]);
    assert!(waits[8..].iter().all(|wait| *wait == 3600), "{waits:?}");
    // All of them are there when it is up again.
    assert_eq!(state.pending("a", at(now)).unwrap().len(), 20);
}

#[test]
fn a_message_that_is_always_refused_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(&folder.path().join("s")).unwrap();
    let calendar = Calendar::new();
    let message = |number: i64| ("a".to_owned(), message(&number.to_string(), at(number)));
    let messages: Vec<_> = (0..3).map(message).collect();
    state.commit(&Step { messages: &messages, ..step(1, at(3), &calendar) }).unwrap();
    let (mut now, mut delivered) = (3, Vec::new());
    while now < 86_400 {
        for pending in state.pending("a", at(now)).unwrap() {
            if pending.message.id == "0" {
                state.failed(&pending, at(now), "550 no", None).unwrap();
                break;
            }
            state.delivered(&pending, at(now)).unwrap();
            delivered.push((pending.message.id, now));
        }
        now = state.waiting().unwrap()["a"].next.duration_since(at(0)).as_secs();
    }
    let ids: Vec<&str> = delivered.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(delivered[1].1 < 1000, "{delivered:?}");
    // One that comes meanwhile is tried at once.
    let late = [message(now)];
    state.commit(&Step { messages: &late, ..step(2, at(now), &calendar) }).unwrap();
    let pending = state.pending("a", at(now)).unwrap();
    assert_eq!(pending[0].message.id, now.to_string());
}

#[test]
fn old_things_are_forgotten_but_no_message_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(&folder.path().join("s")).unwrap();
    let calendar = Calendar::new();
    for run in 1..=3 {
        let messages = [("m".to_owned(), message(&format!("x{run}"), at(run)))];
        state.commit(&Step { messages: &messages, ..step(run, at(run), &calendar) }).unwrap();
    }
    for pending in state.pending("m", at(9)).unwrap().iter().take(2) {
        state.delivered(pending, at(9)).unwrap();
    }
    let messages: Vec<_> = (0..KEEP_ENTRIES - 1)
        .map(|it| ("m".to_owned(), message(&format!("y{it}"), at(1000 + it as i64))))
        .collect();
    let years = at(3 * 365 * 86_400);
    state.commit(&Step { messages: &messages, ..step(4, years, &calendar) }).unwrap();
    let left: Vec<String> = state.latest("m", 1000).unwrap().into_iter().map(|it| it.id).collect();
    // The third was never delivered and is among the newest; the first two were, and are old.
    assert_eq!(left.len(), KEEP_ENTRIES);
    assert!(left.contains(&"x3".to_owned()) && !left.contains(&"x2".to_owned()), "{left:?}");
    assert_eq!(state.next_run().unwrap(), 5);
}

#[test]
fn states_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let check = |write: &dyn Fn(&Path), expect: &str, class: Class| {
        let path = folder.path().join(expect.len().to_string());
        write(&path);
        let error = open(&path).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}, expected {expect}");
        assert_eq!(error.class(), class, "{error}");
    };
    let text = |path: &Path| std::fs::write(path, "this is not a database".repeat(99)).unwrap();
    check(&text, "damaged: file is not a database", Class::Unavailable);
    let foreign = |path: &Path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    };
    check(&foreign, "another program", Class::Usage);
    let newer = |path: &Path| {
        drop(open(path).unwrap());
        let version = schema::VERSION + 1;
        Connection::open(path).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    check(&newer, "version 2, expected 1 or less", Class::Usage);
    let is_folder = |path: &Path| std::fs::create_dir(path).unwrap();
    check(&is_folder, "cannot be opened or written: unable to open", Class::Unavailable);
    let row = |path: &Path| {
        let mut state = open(path).unwrap();
        let standing = Findings::from([finding("a")]);
        state
            .commit(&Step { standing: Some(&standing), ..step(1, at(0), &Calendar::new()) })
            .unwrap();
        state.connection.execute("UPDATE findings SET body = '{'", []).unwrap();
        let error = state.findings().unwrap_err();
        assert!(matches!(error, StateError::Damaged { .. }), "{error:?}");
    };
    row(&folder.path().join("row"));
    let error = open(&folder.path().join("nowhere/s")).unwrap_err();
    assert!(matches!(error, StateError::Unwritable { .. }), "{error:?}");
}

#[test]
fn a_damaged_page_is_seen_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut state = open(&path).unwrap();
    let standing: Findings = (0..200).map(|it| finding(&format!("key {it}"))).collect();
    state.commit(&Step { standing: Some(&standing), ..step(1, at(0), &Calendar::new()) }).unwrap();
    drop(state);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, StateError::Damaged { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("told once more"));
}

#[test]
fn what_is_read_only_is_said_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    drop(open(&path).unwrap());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(&path, flags).unwrap();
    let error = State::with_connection(connection, "abc", None).unwrap_err();
    assert!(matches!(error, StateError::Unwritable { .. }), "{error:?}");
}

#[test]
fn only_one_watcher_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let first = open(&path).unwrap();
    assert!(matches!(open(&path).unwrap_err(), StateError::Locked));
    drop(first);
    open(&path).unwrap();
}
