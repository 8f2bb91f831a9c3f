use super::durable::changed_folders;
use super::*;
use countermark_trust::Class;
use std::collections::BTreeMap;

/// Every file below a folder with its contents, leaving the folder of the change out.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, root: &Path, into: &mut BTreeMap<PathBuf, String>) {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.ends_with(FOLDER) {
                continue;
            }
            if path.is_dir() {
                walk(&path, root, into);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                into.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(root, root, &mut files);
    files
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// An environment with `a/1`, `a/2`, `b`, a stage with `a/2`, `c/x` and `d`, and the steps from
/// the one to the other.
fn scene() -> (tempfile::TempDir, Vec<Step>, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("a/1"), "old 1");
    put(&root.path().join("a/2"), "old 2");
    put(&root.path().join("b"), "stays");
    let stage = open_stage(root.path()).unwrap();
    put(&stage.join("a/2"), "new 2");
    put(&stage.join("c/x"), "new x");
    put(&stage.join("d"), "new d");
    let out = |path: &str| Step::Out(path.into());
    let into = |path: &str| Step::In(path.into());
    let steps = vec![out("a/1"), out("a/2"), into("a/2"), into("c"), into("d")];
    (root, steps, vec!["a".into()])
}

fn files(pairs: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
    pairs.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
}

const OLD: &[(&str, &str)] = &[("a/1", "old 1"), ("a/2", "old 2"), ("b", "stays")];
const NEW: &[(&str, &str)] = &[("a/2", "new 2"), ("b", "stays"), ("c/x", "new x"), ("d", "new d")];

/// Commits, and nothing needs to be said.
fn commit(
    root: &Path,
    steps: Vec<Step>,
    empty: Vec<String>,
    interrupted: &AtomicBool,
) -> Result<(), JournalError> {
    super::commit(root, steps, empty, interrupted, &|remark| panic!("{remark}"))
}

/// Recovers, and nothing needs to be said.
fn recover(root: &Path) -> Result<Recovered, JournalError> {
    super::recover(root, &|remark| panic!("{remark}"))
}

#[test]
fn all_steps_are_taken() {
    let (root, steps, empty) = scene();
    commit(root.path(), steps, empty, &AtomicBool::new(false)).unwrap();
    assert_eq!(snapshot(root.path()), files(NEW));
    assert!(!is_interrupted(root.path()));
}

#[test]
fn a_crash_after_any_number_of_steps_is_undone() {
    let count = scene().1.len();
    for taken in 0..=count {
        for undone in 0..=taken {
            let (root, steps, empty) = scene();
            let journal = Journal { format: 1, steps, empty };
            write(&root.path().join(FOLDER), &journal).unwrap();
            let part = Journal { steps: journal.steps[..taken].to_vec(), ..journal.clone() };
            take(root.path(), &part, &AtomicBool::new(false)).unwrap();
            // The undo was interrupted as well, after the last `undone` steps: what it takes
            // back first are the last steps, so a journal of those alone leaves that state.
            undo_last(root.path(), &part, undone);
            assert_eq!(recover(root.path()).unwrap(), Recovered::Undone, "{taken} {undone}");
            assert_eq!(snapshot(root.path()), files(OLD), "{taken} {undone}");
            assert_eq!(recover(root.path()).unwrap(), Recovered::Nothing);
        }
    }
}

fn undo_last(root: &Path, journal: &Journal, count: usize) {
    let kept = journal.steps.len() - count;
    let mut steps = journal.steps.clone();
    // Steps that were not reached are replaced by one whose backup does not exist.
    steps[..kept].fill(Step::Out("nothing".into()));
    let places = Places::open(root).unwrap();
    let hidden: Vec<usize> =
        (0..kept).filter(|n| exists(places.old.as_fd(), &n.to_string()).unwrap()).collect();
    let old = root.join(FOLDER).join("old");
    for number in &hidden {
        fs::rename(old.join(number.to_string()), old.join(format!("h{number}"))).unwrap();
    }
    undo(root, &Journal { steps, ..journal.clone() }, &mut Vec::new()).unwrap();
    for number in &hidden {
        fs::rename(old.join(format!("h{number}")), old.join(number.to_string())).unwrap();
    }
}

#[test]
fn a_crash_after_the_last_step_is_finished() {
    let (root, steps, empty) = scene();
    let journal = Journal { format: 1, steps, empty };
    let folder = root.path().join(FOLDER);
    write(&folder, &journal).unwrap();
    take(root.path(), &journal, &AtomicBool::new(false)).unwrap();
    fs::rename(folder.join("journal"), folder.join("done")).unwrap();
    assert_eq!(recover(root.path()).unwrap(), Recovered::Finished);
    assert_eq!(snapshot(root.path()), files(NEW));
}

#[test]
fn a_crash_while_staging_changes_nothing() {
    let (root, _, _) = scene();
    assert_eq!(recover(root.path()).unwrap(), Recovered::Cleaned);
    assert_eq!(snapshot(root.path()), files(OLD));
}

#[test]
fn a_step_that_fails_undoes_the_others() {
    let (root, mut steps, empty) = scene();
    // `b` is in the way: nothing is ever replaced.
    put(&root.path().join(FOLDER).join("stage/b"), "new b");
    steps.push(Step::In("b".into()));
    let error = commit(root.path(), steps, empty, &AtomicBool::new(false)).unwrap_err();
    assert_eq!(error.code(), "environment-io");
    assert_eq!(snapshot(root.path()), files(OLD));
    assert!(!is_interrupted(root.path()));
}

#[test]
fn an_interrupt_undoes_everything() {
    let (root, steps, empty) = scene();
    let error = commit(root.path(), steps, empty, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(error.code(), "interrupted");
    assert_eq!(snapshot(root.path()), files(OLD));
}

#[test]
fn a_link_in_the_way_is_not_followed() {
    let (root, mut steps, empty) = scene();
    let outside = tempfile::tempdir().unwrap();
    put(&outside.path().join("x"), "outside");
    crate::system::unix::fs::symlink(outside.path(), root.path().join("e")).unwrap();
    steps.push(Step::Out("e/x".into()));
    assert!(commit(root.path(), steps, empty, &AtomicBool::new(false)).is_err());
    assert_eq!(fs::read_to_string(outside.path().join("x")).unwrap(), "outside");
    fs::remove_file(root.path().join("e")).unwrap();
    assert_eq!(snapshot(root.path()), files(OLD));
}

/// All steps of the journal are taken, `meddle` changes the environment, and the change is undone.
/// Gives the files that are there then, and the strays that were named.
fn after_meddling(
    old: &[(&str, &str)],
    stage: &[(&str, &str)],
    steps: &[Step],
    meddle: impl Fn(&Path),
) -> (BTreeMap<PathBuf, String>, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    old.iter().for_each(|(path, text)| put(&root.path().join(path), text));
    let staged = open_stage(root.path()).unwrap();
    stage.iter().for_each(|(path, text)| put(&staged.join(path), text));
    let journal = Journal { format: 1, steps: steps.to_vec(), empty: Vec::new() };
    write(&root.path().join(FOLDER), &journal).unwrap();
    take(root.path(), &journal, &AtomicBool::new(false)).unwrap();
    meddle(root.path());
    let strays = std::cell::RefCell::new(Vec::new());
    let say = |remark: Remark| match remark {
        Remark::Stray(path) => strays.borrow_mut().push(path),
        other @ Remark::LeftOver(_) => panic!("{other}"),
    };
    assert_eq!(super::recover(root.path(), &say).unwrap(), Recovered::Undone);
    assert!(!is_interrupted(root.path()));
    (snapshot(root.path()), strays.into_inner())
}

#[test]
fn undoing_gets_past_what_others_wrote() {
    const PYC: &str = "p/__pycache__/x.pyc";
    let check = |path: &str, intruder: &str, expect: &[(&str, &str)], strays: &[&str]| {
        let steps = [Step::Out(path.into())];
        let found = after_meddling(&[(path, "old")], &[], &steps, |root| {
            put(&root.join(path), intruder);
        });
        assert_eq!(found, (files(expect), strays.iter().map(ToString::to_string).collect()));
    };
    check(PYC, "written by an import", &[(PYC, "old")], &[]);
    check("p/x.py", "old", &[("p/x.py", "old")], &[]);
    check(
        "p/x.py",
        "other",
        &[("p/x.py", "old"), ("p/x.py.countermark-stray", "other")],
        &["p/x.py.countermark-stray"],
    );
    // Compiled files elsewhere are nothing that an import writes.
    check(
        "p/x.pyc",
        "other",
        &[("p/x.pyc", "old"), ("p/x.pyc.countermark-stray", "other")],
        &["p/x.pyc.countermark-stray"],
    );
}

#[test]
fn a_stray_replaces_no_other_one_and_may_be_a_folder_or_have_a_long_name() {
    let long = "x".repeat(255);
    let cut = format!("{}.countermark-stray", "x".repeat(200));
    let found = after_meddling(
        &[("a", "old a"), (&long, "old x"), ("a.countermark-stray", "earlier")],
        &[],
        &[Step::Out("a".into()), Step::Out(long.clone())],
        |root| {
            put(&root.join("a/inner"), "inner");
            put(&root.join(&long), "other");
        },
    );
    let expect = [
        ("a", "old a"),
        (&long, "old x"),
        ("a.countermark-stray", "earlier"),
        ("a.countermark-stray-2/inner", "inner"),
        (&cut, "other"),
    ];
    assert_eq!(found.0, files(&expect));
    assert_eq!(found.1, [cut, "a.countermark-stray-2".to_owned()]);
}

#[test]
fn undoing_gets_past_what_others_removed() {
    let steps = [
        Step::Out("a/1".into()),
        Step::Out("a/2".into()),
        Step::In("a/2".into()),
        Step::In("c".into()),
    ];
    let old = [("a/1", "old 1"), ("a/2", "old 2")];
    let check = |meddle: &dyn Fn(&Path)| {
        let stage = [("a/2", "new 2"), ("c/x", "new x")];
        assert_eq!(after_meddling(&old, &stage, &steps, meddle), (files(&old), Vec::new()));
    };
    check(&|root| fs::remove_dir_all(root.join("c")).unwrap());
    check(&|root| fs::remove_file(root.join("a/2")).unwrap());
    check(&|root| fs::remove_dir_all(root.join("a")).unwrap());
    check(&|root| fs::remove_dir_all(root.join(FOLDER).join("stage/a")).unwrap());
    check(&|root| fs::remove_dir_all(root.join(FOLDER).join("stage")).unwrap());
    // What an import wrote into a folder goes with it.
    check(&|root| put(&root.join("c/__pycache__/x.pyc"), "compiled"));
}

#[test]
fn what_never_went_out_is_not_taken_for_what_came_in() {
    let (root, steps, empty) = scene();
    let folder = root.path().join(FOLDER);
    write(&folder, &Journal { format: 1, steps, empty }).unwrap();
    fs::remove_dir_all(folder.join("stage")).unwrap();
    assert_eq!(recover(root.path()).unwrap(), Recovered::Undone);
    assert_eq!(snapshot(root.path()), files(OLD));
}

#[test]
fn a_compiled_file_written_meanwhile_gives_way() {
    const PYC: &str = "__pycache__/x.pyc";
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join(PYC), "written by an import");
    let stage = open_stage(root.path()).unwrap();
    put(&stage.join(PYC), "new");
    let steps = vec![Step::In(PYC.into())];
    commit(root.path(), steps, Vec::new(), &AtomicBool::new(false)).unwrap();
    assert_eq!(snapshot(root.path()), files(&[(PYC, "new")]));
}

#[test]
fn a_journal_that_cannot_be_read_stays_and_says_what_to_do() {
    let good = serde_json::json!({"format": 1, "steps": [], "empty": []}).to_string();
    let check = |name: &str, bytes: &[u8]| {
        let (root, ..) = scene();
        let path = root.path().join(FOLDER).join(name);
        fs::write(&path, bytes).unwrap();
        let error = recover(root.path()).unwrap_err();
        assert_eq!((error.code(), error.class()), ("journal-unreadable", Class::Unavailable));
        assert!(error.hint().unwrap().contains("verify"));
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert!(root.path().join(FOLDER).join("stage/d").exists());
        fs::write(&path, &good).unwrap();
        recover(root.path()).unwrap();
    };
    for name in ["journal", "done"] {
        check(name, b"");
        check(name, b"\xff");
        check(name, b"{}");
        check(name, &good.as_bytes()[..good.len() - 1]);
        check(name, good.replace('1', "2").as_bytes());
    }
}

#[test]
fn a_journal_that_is_a_link_is_not_followed_and_not_passed_over() {
    let (root, ..) = scene();
    crate::system::unix::fs::symlink("nowhere", root.path().join(FOLDER).join("journal")).unwrap();
    assert_eq!(recover(root.path()).unwrap_err().code(), "journal-unreadable");
    assert!(root.path().join(FOLDER).join("old").exists());
}

#[test]
fn the_folder_of_a_change_is_private() {
    use crate::system::unix::fs::PermissionsExt as _;
    let (root, ..) = scene();
    let mode = fs::metadata(root.path().join(FOLDER)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    use crate::system::unix::fs::{PermissionsExt as _, symlink};
    let refused = |root: &Path| {
        let error = recover(root).unwrap_err();
        assert_eq!((error.code(), error.class()), ("foreign-journal", Class::Unavailable));
        assert!(error.hint().is_some());
    };
    let chmod = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(&outside.path().join("stage/x"), "outside");
    let folder = root.path().join(FOLDER);
    symlink(outside.path(), &folder).unwrap();
    refused(root.path());
    assert_eq!(fs::read_to_string(outside.path().join("stage/x")).unwrap(), "outside");
    fs::remove_file(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    refused(root.path());
    fs::remove_file(&folder).unwrap();

    open_stage(root.path()).unwrap();
    for (mode, root_mode) in [(0o770, 0o755), (0o702, 0o755), (0o777, 0o775)] {
        chmod(root.path(), root_mode);
        chmod(&folder, mode);
        refused(root.path());
        assert!(folder.exists());
    }
    chmod(root.path(), 0o775);
    chmod(&folder, 0o770);
    assert_eq!(recover(root.path()).unwrap(), Recovered::Cleaned);
}

#[test]
fn only_the_owner_of_the_root_and_oneself_are_believed() {
    let check = |folder: u32, root: u32, oneself: u32, believed: bool| {
        let found = is_trusted_owner(
            &Facts { owner: folder, mode: 0o700 },
            &Facts { owner: root, mode: 0o755 },
            oneself,
        );
        assert_eq!(found, believed, "{folder} {root} {oneself}");
    };
    check(1, 1, 1, true);
    check(1, 1, 0, true);
    check(0, 1, 0, true);
    check(2, 1, 0, false);
    check(0, 1, 1, false);
    check(2, 1, 1, false);
}

#[test]
fn a_change_stands_when_its_rest_cannot_be_removed() {
    let (root, steps, empty) = scene();
    let folder = root.path().join(FOLDER);
    let journal = Journal { format: 1, steps, empty };
    write(&folder, &journal).unwrap();
    take(root.path(), &journal, &AtomicBool::new(false)).unwrap();
    fs::rename(folder.join("journal"), folder.join("done")).unwrap();
    // A file cannot be removed as a folder, whoever tries.
    fs::rename(folder.join("stage"), folder.join("kept")).unwrap();
    fs::write(folder.join("stage"), "").unwrap();
    let said = std::cell::Cell::new(0);
    let say = |remark: Remark| match remark {
        Remark::LeftOver(_) => said.set(said.get() + 1),
        other @ Remark::Stray(_) => panic!("{other}"),
    };
    finish(root.path(), &journal, &say);
    assert_eq!(said.get(), 1);
    assert!(folder.join("done").exists());
    assert_eq!(snapshot(root.path()), files(NEW));
    fs::remove_file(folder.join("stage")).unwrap();
    assert_eq!(recover(root.path()).unwrap(), Recovered::Finished);
    assert_eq!(snapshot(root.path()), files(NEW));
}

#[test]
fn every_changed_folder_is_written_once() {
    let steps = [
        Step::Out("a/1".into()),
        Step::Out("a/2".into()),
        Step::In("a/2".into()),
        Step::In("c".into()),
        Step::Out("a/b/3".into()),
    ];
    let found = changed_folders(&steps);
    assert_eq!(found.target.into_iter().collect::<Vec<_>>(), ["", "a", "a/b"]);
    assert_eq!(found.stage.into_iter().collect::<Vec<_>>(), ["", "a"]);
}
