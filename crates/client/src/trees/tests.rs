//! Trees that are made here, with their history.

use std::fs;
use std::path::Path;
use std::process::Command;

use countermark_lock::observe::compare;

use super::*;
use crate::report::Silent;

const INDEX: &str = "https://index.example.org/simple";
static GOES_ON: AtomicBool = AtomicBool::new(false);
static STOPPED: AtomicBool = AtomicBool::new(true);

fn reading(state: Option<&Path>) -> Reading<'_> {
    Reading {
        index: INDEX,
        history: true,
        commits: 1000,
        clone_bytes: 64 << 20,
        time: Duration::from_secs(60),
        state,
        stop: &GOES_ON,
        reporter: &Silent,
    }
}

fn digest(letter: char) -> String {
    // No digest of one letter: that would be a made-up one.
    let blake = blake3::hash(&[letter as u8]).to_hex();
    blake.to_string()
}

fn lock(letter: char) -> String {
    format!(
        "[[package]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         files = [{{file = \"teapot-1.2.tar.gz\", hash = \"sha256:{}\"}}]\n\
         [metadata]\nlock-version = \"2.0\"\n",
        digest(letter)
    )
}

struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.0.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .output()
            .unwrap();
        // A merge with conflicts ends with 1, and is what some tests want.
        assert!(status.status.code().is_some_and(|code| code < 2), "{status:?}");
    }

    fn commit(&self, path: &str, text: &str) {
        let at = self.0.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", "change"]);
    }
}

fn collected(path: &Path, reading: &Reading<'_>) -> Collected {
    let mut into = Collected::default();
    collect(path, "app", reading, &mut into).unwrap();
    into
}

/// The digests that were found, by the first letter of what made them.
fn letters(collected: &Collected) -> String {
    let found = collected.statements.clone().into_vec();
    let is_there = |letter: &char| {
        let digest = digest(*letter);
        found.iter().any(|it| it.files.iter().any(|stated| stated.digest.hex() == digest))
    };
    ('a'..='z').filter(is_there).collect()
}

#[test]
fn every_version_on_every_branch_is_read() {
    let repository = Repository::new();
    repository.commit("poetry.lock", &lock('a'));
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.commit("poetry.lock", &lock('b'));
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit("poetry.lock", &lock('c'));
    // What is only in a merge is seen there.
    repository.git(&["merge", "--quiet", "side"]);
    repository.commit("poetry.lock", &lock('d'));
    fs::write(repository.0.path().join("poetry.lock"), lock('e')).unwrap();
    let found = collected(repository.0.path(), &reading(None));
    assert_eq!(letters(&found), "abcde");
    assert_eq!((found.trees, found.versions), (1, 5));
    let statements = found.statements.into_vec();
    let now: Vec<_> = statements.iter().filter(|it| it.first.commit.is_none()).collect();
    assert_eq!(now.len(), 1);
    let dated = statements.iter().filter_map(|it| it.first.date).map(|date| date.to_string());
    assert_eq!(dated.collect::<Vec<_>>(), ["2026-01-02T03:04:05Z"; 4]);
    let findings = compare(&statements);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((findings[0].class, findings[0].sides.len()), ("two-digests", 5));
    // Without history it is what lies there.
    let now = Reading { history: false, ..reading(None) };
    assert_eq!(letters(&collected(repository.0.path(), &now)), "e");
}

#[test]
fn only_new_commits_are_read_again() {
    let state = tempfile::tempdir().unwrap();
    let reading = reading(Some(state.path()));
    let repository = Repository::new();
    repository.commit("poetry.lock", &lock('a'));
    repository.commit("poetry.lock", "broken = [\n");
    let first = collected(repository.0.path(), &reading);
    // The broken version is told, and that of the folder too.
    assert_eq!((letters(&first).as_str(), first.unread.len()), ("a", 2));
    repository.commit("poetry.lock", &lock('b'));
    let limited = Reading { commits: 1, ..reading };
    let second = collected(repository.0.path(), &limited);
    assert_eq!((letters(&second).as_str(), second.unread.len()), ("ab", 1));
    assert!(second.notes.is_empty(), "{:?}", second.notes);
    // Commits that are gone stay known; those of another repository at the same place do not.
    repository.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    assert_eq!(letters(&collected(repository.0.path(), &reading)), "ab");
    fs::remove_dir_all(repository.0.path().join(".git")).unwrap();
    repository.git(&["init", "--quiet", "."]);
    repository.commit("poetry.lock", &lock('z'));
    assert_eq!(letters(&collected(repository.0.path(), &reading)), "z");
}

#[test]
fn a_limit_is_told_and_the_rest_is_read_later() {
    let state = tempfile::tempdir().unwrap();
    let repository = Repository::new();
    for letter in ['a', 'b', 'c'] {
        repository.commit("poetry.lock", &lock(letter));
    }
    repository.git(&["rm", "--quiet", "poetry.lock"]);
    repository.git(&["commit", "--quiet", "-m", "away"]);
    let limited = Reading { commits: 2, ..reading(Some(state.path())) };
    let first = collected(repository.0.path(), &limited);
    assert_eq!(letters(&first), "c");
    assert_eq!(first.notes, ["app: 2 older commits were not read (`--max-commits`)"]);
    assert_eq!(letters(&collected(repository.0.path(), &limited)), "abc");
    let none = Reading { time: Duration::ZERO, ..reading(None) };
    let late = collected(repository.0.path(), &none);
    assert_eq!(late.notes, ["app: 4 commits are left for the next run"]);
}

#[test]
fn folders_of_repositories_and_plain_folders() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let at = folder.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    };
    write("plain/poetry.lock", &lock('a'));
    let hashed = |letter| format!("teapot==1.2 --hash=sha256:{}\n", digest(letter));
    write("plain/requirements.txt", &hashed('b'));
    write("plain/notes.txt", "write --hash=sha256:… behind it\n");
    write("plain/requirements-broken.txt", "teapot==1.2 --hash=sha256:12\n");
    write("plain/without.txt", "teapot==1.2\n");
    write("plain/.venv/pyvenv.cfg", "");
    write("plain/.venv/lib/poetry.lock", &lock('x'));
    write("plain/node_modules/y/poetry.lock", &lock('y'));
    let repository = Repository::new();
    repository.commit("poetry.lock", &lock('c'));
    fs::rename(repository.0.path(), folder.path().join("own")).unwrap();
    let found = collected(folder.path(), &reading(None));
    assert_eq!(letters(&found), "abc");
    let mut locks: Vec<String> =
        found.statements.into_vec().iter().map(|it| it.lock.to_string()).collect();
    locks.sort();
    locks.dedup();
    assert_eq!(
        locks,
        ["app/own:poetry.lock", "app:plain/poetry.lock", "app:plain/requirements.txt"]
    );
    let unread: Vec<_> = found.unread.iter().map(|it| it.place.as_str()).collect();
    assert_eq!(unread, ["app:plain/requirements-broken.txt:1"]);
    let missing =
        collect(&folder.path().join("none"), "x", &reading(None), &mut Collected::default());
    assert_eq!(missing.unwrap_err().code(), "tree-unreadable");
    fs::create_dir(repository.0.path()).unwrap();
}

#[test]
fn links_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("poetry.lock"), lock('x')).unwrap();
    let link = |at: &str, to: &Path| {
        crate::system::unix::fs::symlink(to, folder.path().join(at)).unwrap();
    };
    link("poetry.lock", &outside.path().join("poetry.lock"));
    link("further", outside.path());
    assert_eq!(letters(&collected(folder.path(), &reading(None))), "");
    // In history a link is none of the files either.
    let repository = Repository::new();
    let to = outside.path().join("poetry.lock");
    crate::system::unix::fs::symlink(&to, repository.0.path().join("poetry.lock")).unwrap();
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "-m", "link"]);
    assert_eq!(letters(&collected(repository.0.path(), &reading(None))), "");
}

#[test]
fn a_repository_runs_nothing() {
    let repository = Repository::new();
    repository.commit("poetry.lock", &lock('a'));
    let mark = repository.0.path().join("ran");
    let run = format!("touch {}", mark.display());
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "diff.external",
        "core.pager",
        "core.alternateRefsCommand",
    ] {
        repository.git(&["config", key, &run]);
    }
    repository.git(&["config", "diff.x.textconv", &run]);
    fs::write(repository.0.path().join(".gitattributes"), "*.lock diff=x\n").unwrap();
    assert_eq!(letters(&collected(repository.0.path(), &reading(None))), "a");
    assert!(!mark.exists());
}

#[test]
fn remote_repositories_are_cloned_and_fetched() {
    let state = tempfile::tempdir().unwrap();
    let reading = reading(Some(state.path()));
    let repository = Repository::new();
    repository.commit("poetry.lock", &lock('a'));
    let url = format!("file://{}", repository.0.path().display());
    let fetch = |reading: &Reading<'_>| {
        let mut into = Collected::default();
        collect_remote(&url, reading, &mut into).map(|()| into)
    };
    assert_eq!(letters(&fetch(&reading).unwrap()), "a");
    repository.commit("poetry.lock", &lock('b'));
    let second = fetch(&reading).unwrap();
    assert_eq!(letters(&second), "ab");
    // Neither the path of this machine nor the clone is in what is said.
    let places: Vec<String> =
        second.statements.into_vec().iter().map(|it| it.lock.to_string()).collect();
    assert!(places.iter().all(|place| !place.contains('/')), "{places:?}");
    let clones = fs::read_dir(state.path().join("observe/clones")).unwrap().count();
    assert_eq!(clones, 1);
    let elsewhere = tempfile::tempdir().unwrap();
    let small = Reading { clone_bytes: 10, state: Some(elsewhere.path()), ..reading };
    let error = fetch(&small).unwrap_err();
    assert!(matches!(error, TreesError::Clone(CloneError::TooLarge { limit: 10, .. })), "{error}");
    // Nothing half done is left.
    let left = fs::read_dir(elsewhere.path().join("observe/clones")).unwrap().count();
    assert_eq!(left, 0);
    let stopped = Reading { stop: &STOPPED, ..reading };
    assert!(matches!(fetch(&stopped).unwrap_err(), TreesError::Stopped));
}

#[test]
fn a_repository_that_never_answers_is_left_alone() {
    // It takes connections and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/app.git", listener.local_addr().unwrap());
    let state = tempfile::tempdir().unwrap();
    let impatient = Reading { time: Duration::from_secs(1), ..reading(Some(state.path())) };
    let error = collect_remote(&url, &impatient, &mut Collected::default()).unwrap_err();
    assert!(matches!(error, TreesError::Clone(CloneError::TooSlow { seconds: 1, .. })), "{error}");
    assert_eq!(error.class(), Class::Unavailable);
    let left = fs::read_dir(state.path().join("observe/clones")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn addresses_that_are_not_cloned() {
    let check = |url: &str, expect: &str| {
        let error = collect_remote(url, &reading(None), &mut Collected::default()).unwrap_err();
        let message = error.to_string();
        assert_eq!((error.class(), message.contains(expect)), (Class::Usage, true), "{message}");
        assert!(!message.contains("secret"), "{message}");
    };
    check("git@git.example.org:team/app.git", "it is no URL");
    check("http://git.example.org/app.git", "only https, ssh and file");
    check("ext::sh -c touch% x", "only https, ssh and file");
    check("git://git.example.org/app.git", "only https, ssh and file");
    check("https://me:secret@git.example.org/app.git", "credentials");
    check("https://secret@git.example.org/app.git", "credentials");
    check("--upload-pack=touch", "it is no URL");
}
