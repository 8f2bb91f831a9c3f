use super::*;
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
    undo(root, &Journal { steps, ..journal.clone() }).unwrap();
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
    std::os::unix::fs::symlink(outside.path(), root.path().join("e")).unwrap();
    steps.push(Step::Out("e/x".into()));
    assert!(commit(root.path(), steps, empty, &AtomicBool::new(false)).is_err());
    assert_eq!(fs::read_to_string(outside.path().join("x")).unwrap(), "outside");
    fs::remove_file(root.path().join("e")).unwrap();
    assert_eq!(snapshot(root.path()), files(OLD));
}
