//! Pins in, alarms out: only what nothing explains.

use countermark_packaging::digest::Digest;
use countermark_trust::log::record::{Fields, Observation, Observer};

use super::*;
use crate::observe::db::sqlite::Sqlite;

fn digest(letter: char) -> Digest {
    // Digests that look made up count for nothing.
    use sha2::Digest as _;
    let bytes = sha2::Sha256::digest(letter.to_string().as_bytes());
    Digest::new(countermark_packaging::digest::Algorithm::Sha256, &bytes).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn teapot() -> ProjectName {
    ProjectName::parse("teapot").unwrap()
}

/// What a lock of a repository says of teapot 1.2: these digests, of files with these names.
fn lock(repository: &str, commit: &str, second: i64, files: &[(&str, char)]) -> Statement {
    let moment = Moment { commit: Some(commit.to_owned()), date: Some(at(second)), line: 3 };
    let stated = |(file, letter): &(&str, char)| Stated {
        file: Some((*file).to_owned()),
        digest: digest(*letter),
    };
    Statement {
        lock: Lock { repository: repository.to_owned(), path: "uv.lock".to_owned() },
        format: "uv.lock".to_owned(),
        project: teapot(),
        version: Some("1.2".to_owned()),
        origin: Origin::Default,
        host: None,
        files: files.iter().map(stated).collect(),
        first: moment.clone(),
        last: moment,
        versions: 1,
    }
}

fn listed(file: &str, letter: char) -> Observation {
    Observation::new(Fields {
        project: teapot(),
        file: file.to_owned(),
        digest: digest(letter),
        size: None,
        uploaded: None,
        observer: Observer::parse("index:example.org/crawler").unwrap(),
        first_seen: at(1),
    })
    .unwrap()
}

const SDIST: &str = "teapot-1.2.tar.gz";
const WHEEL: &str = "teapot-1.2-py3-none-any.whl";

struct World {
    runtime: tokio::runtime::Runtime,
    db: Sqlite,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(&folder.path().join("db")).unwrap();
    World { runtime, db, _folder: folder }
}

impl World {
    fn look(&self, statements: &[Statement]) -> Judged {
        let repository = statements[0].lock.repository.clone();
        self.runtime.block_on(async {
            ingest(&self.db, statements).await.unwrap();
            compare(&self.db, &repository, at(9)).await.unwrap()
        })
    }

    fn alarms(&self) -> Vec<crate::observe::db::Alarm> {
        self.runtime.block_on(self.db.alarms(0, 100)).unwrap()
    }
}

#[test]
fn one_file_with_two_digests_is_one_alarm_however_often_it_is_found() {
    let world = world();
    let good = [lock("a", "c1", 1, &[(SDIST, 'a'), (WHEEL, 'w')])];
    assert_eq!(world.look(&good), Judged::default());
    let evil = [lock("b", "c2", 2, &[(SDIST, 'x'), (WHEEL, 'w')])];
    let judged = world.look(&evil);
    assert_eq!((judged.alarms, judged.classes.get(TWO_DIGESTS)), (1, Some(&1)));
    // Looked at again, from both sides.
    assert_eq!(world.look(&evil).alarms, 0);
    assert_eq!(world.look(&good).alarms, 0);
    let alarms = world.alarms();
    assert_eq!(alarms.len(), 1);
    let alarm = &alarms[0].alarm;
    assert_eq!((alarm.kind, alarm.file.as_str()), (AlarmKind::TwoDigests, SDIST));
    for part in
        [&digest('a').to_string(), &digest('x').to_string(), "a:uv.lock:3@c1", "b:uv.lock:3@c2"]
    {
        assert!(alarm.evidence.contains(part), "{part}: {}", alarm.evidence);
    }
}

#[test]
fn what_a_lock_says_is_held_against_what_an_observer_saw() {
    let world = world();
    world.runtime.block_on(world.db.add_seen(&[listed(SDIST, 'a'), listed(WHEEL, 'w')])).unwrap();
    assert_eq!(world.look(&[lock("a", "c1", 1, &[(SDIST, 'a')])]), Judged::default());
    assert_eq!(world.look(&[lock("b", "c1", 1, &[(SDIST, 'x'), (WHEEL, 'w')])]).alarms, 1);
}

#[test]
fn a_set_that_grew_is_no_alarm() {
    let world = world();
    world.look(&[lock("a", "c1", 1, &[(SDIST, 'a')])]);
    world.look(&[lock("b", "c1", 2, &[(SDIST, 'a'), (WHEEL, 'w')])]);
    assert_eq!(world.alarms(), []);
}

/// The same lock as tools write it that name no files.
fn nameless(repository: &str, commit: &str, second: i64, letters: &[char]) -> Statement {
    let named: Vec<_> = letters.iter().map(|letter| (SDIST, *letter)).collect();
    let mut statement = lock(repository, commit, second, &named);
    statement.lock.path = "requirements.txt".to_owned();
    statement.format = "requirements".to_owned();
    statement.files.iter_mut().for_each(|stated| stated.file = None);
    statement
}

#[test]
fn a_digest_without_a_name_in_place_of_another_is_one_alarm_whoever_is_read_first() {
    let honest = |repository| nameless(repository, "c1", 1, &['a', 'w']);
    let evil = || nameless("evil", "c2", 2, &['x', 'w']);
    for order in [
        vec![honest("a"), honest("b"), evil()],
        vec![honest("a"), evil(), honest("b")],
        vec![evil(), honest("a"), honest("b")],
    ] {
        let world = world();
        for statement in order.iter().chain(&order) {
            world.look(std::slice::from_ref(statement));
        }
        let alarms = world.alarms();
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert_eq!(alarms[0].alarm.file, "teapot 1.2");
        let evidence = &alarms[0].alarm.evidence;
        assert!(evidence.contains("evil:requirements.txt:3@c2"), "{evidence}");
        assert!(evidence.contains("a:requirements.txt:3@c1"), "{evidence}");
    }
}

#[test]
fn a_digest_without_a_name_that_a_history_held_for_a_while_is_an_alarm_about_the_file() {
    let world = world();
    world.look(&[lock("named", "c0", 0, &[(SDIST, 'a'), (WHEEL, 'w')])]);
    let history = [
        nameless("app", "c1", 1, &['a', 'w']),
        nameless("app", "c2", 2, &['x', 'w']),
        nameless("app", "c3", 3, &['a', 'w']),
    ];
    assert_eq!(world.look(&history).alarms, 1);
    assert_eq!(world.alarms()[0].alarm.file, SDIST);
}

#[test]
fn digests_without_names_that_go_together_are_no_alarm() {
    let world = world();
    world.look(&[nameless("a", "c1", 1, &['a'])]);
    world.look(&[nameless("b", "c1", 2, &['a', 'w'])]);
    world.look(&[nameless("c", "c1", 2, &['w'])]);
    world.look(&[lock("d", "c1", 2, &[(WHEEL, 'w'), (SDIST, 'a')])]);
    assert_eq!(world.alarms(), []);
}

#[test]
fn pins_are_kept_as_they_were_read() {
    let world = world();
    let statements = [lock("a", "c1", 1, &[(SDIST, 'a'), (WHEEL, 'w')])];
    world.look(&statements);
    let pins = world.runtime.block_on(world.db.pins(&Search::Project(teapot()), 10)).unwrap();
    let again = Statements::of_pins(pins.into_iter().map(pin)).into_vec();
    let mut expect = statements[0].clone();
    expect.files.sort();
    assert_eq!(again, [expect]);
}

#[test]
fn a_report_is_made_of_every_project() {
    let world = world();
    let jug = ProjectName::parse("jug").unwrap();
    let of_jug = Statement { project: jug, ..lock("app", "c1", 0, &[("jug-1.2.tar.gz", 'j')]) };
    let statements = [of_jug, lock("app", "c1", 0, &[(SDIST, 's'), (WHEEL, 'w')])];
    let found = world.runtime.block_on(async {
        ingest(&world.db, &statements).await.unwrap();
        let first = world.db.projects("", 1).await.unwrap();
        assert_eq!(first.iter().map(ProjectName::as_str).collect::<Vec<_>>(), ["jug"]);
        assert_eq!(world.db.projects("jug", 9).await.unwrap(), [teapot()]);
        assert!(world.db.projects("teapot", 9).await.unwrap().is_empty());
        all_statements(&world.db).await.unwrap()
    });
    let mut pins: Vec<String> =
        found.iter().flat_map(Statement::pins).map(|pin| pin.file.unwrap()).collect();
    pins.sort();
    assert_eq!(pins, ["jug-1.2.tar.gz", WHEEL, SDIST]);
}

/// A lock that takes some releases of other projects from somewhere.
fn of_index(repository: &str, index: &str, jugs: std::ops::Range<u32>) -> Vec<Statement> {
    let one = |number: u32| {
        let letter = char::from_u32('A' as u32 + number).unwrap();
        let file = format!("jug{number}-1.2.tar.gz");
        let project = ProjectName::parse(&format!("jug{number}")).unwrap();
        let origin = Origin::of_label(index);
        Statement { project, origin, ..lock(repository, "c1", 1, &[(&file, letter)]) }
    };
    jugs.map(one).collect()
}

#[test]
fn mirrors_are_recognised_by_what_other_repositories_say() {
    let mirror = "https://mirror.example.org/simple";
    let evil = |jugs: std::ops::Range<u32>| {
        let world = world();
        // Neither says anything but of teapot; that the index is a mirror shows elsewhere.
        world.look(&of_index("everybody", "default", 0..20));
        world.look(&of_index("mirrored", mirror, jugs));
        world.look(&[lock("a", "c1", 1, &[(SDIST, 's')])]);
        let origin = Origin::of_label(mirror);
        let judged = world.look(&[Statement { origin, ..lock("b", "c1", 2, &[(SDIST, 'x')]) }]);
        (judged.alarms, judged.classes.into_keys().collect::<Vec<_>>())
    };
    assert_eq!(evil(0..12), (1, vec![TWO_DIGESTS]));
    // An index that has nothing of what others have is somebody's own.
    assert_eq!(evil(25..30), (0, vec!["private-rebuild"]));
}

#[test]
fn a_lock_of_fixtures_is_held_against_what_others_say_of_its_other_files() {
    let fixtures = |statements: Vec<Statement>| -> Vec<Statement> {
        let path = "tests/fixtures/uv.lock".to_owned();
        let lock = Lock { repository: "b".to_owned(), path };
        statements.into_iter().map(|it| Statement { lock: lock.clone(), ..it }).collect()
    };
    let judged = |others: std::ops::Range<u32>| {
        let world = world();
        world.look(&[lock("a", "c1", 1, &[(SDIST, 's'), (WHEEL, 'w')])]);
        world.look(&of_index("everybody", "default", others));
        let mut statements = of_index("b", "default", 0..12);
        statements.push(lock("b", "c1", 1, &[(SDIST, 'x'), (WHEEL, 'y')]));
        world.look(&fixtures(statements)).alarms
    };
    // Right about twelve files and wrong about two, it is one that somebody changed; wrong about all that
    // can be compared, it is made up.
    assert_eq!(judged(0..12), 2);
    assert_eq!(judged(20..24), 0);
}

#[test]
fn who_learns_the_name_of_a_file_later_tells_nothing_new() {
    let world = world();
    let bare = |repository: &str, letters: [char; 2]| {
        let mut bare = lock(repository, "c1", 1, &[("a", letters[0]), ("b", letters[1])]);
        bare.files.iter_mut().for_each(|it| it.file = None);
        bare
    };
    world.look(&[bare("a", ['s', 'w'])]);
    assert_eq!(world.look(&[bare("b", ['x', 'w'])]).alarms, 1);
    let named = |repository, letter| lock(repository, "c1", 1, &[(SDIST, letter), (WHEEL, 'w')]);
    assert_eq!(world.look(&[named("c", 's')]).alarms, 0);
    assert_eq!(world.look(&[named("d", 'x')]).alarms, 0);
    assert_eq!(world.alarms().len(), 1);
}
