use std::process::Command;

use super::*;

/// A repository that a test makes, with times that the test chooses.
struct Repository {
    folder: tempfile::TempDir,
    now: std::cell::Cell<u64>,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder, now: std::cell::Cell::new(1_600_000_000) };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.git_in(self.folder.path(), arguments)
    }

    fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let date = format!("{} +0000", self.now.get());
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_COMMITTER_NAME", "A")])
            .envs([("GIT_AUTHOR_EMAIL", "a@example.org"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .env_remove("GIT_DIR")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits a change of one file, a hundred seconds later.
    fn commit(&self, path: &str, text: Option<&str>) -> String {
        self.now.set(self.now.get() + 100);
        let file = self.folder.path().join(path);
        match text {
            Some(text) => {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, text).unwrap();
            }
            None => std::fs::remove_file(file).unwrap(),
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn documents(&self) -> GitDocuments {
        GitDocuments::new(self.folder.path(), None)
    }
}

/// `TIME PATH CONTENT` of each entry; the content is that of the object.
fn history(documents: &GitDocuments, folder: &str) -> Vec<String> {
    let entries = documents.history(folder).unwrap().unwrap();
    let names: Vec<String> = entries.iter().filter_map(|entry| entry.content.clone()).collect();
    let mut texts = Vec::new();
    documents
        .read_past(&names, &mut |number, bytes| {
            assert_eq!(number, texts.len());
            texts.push(String::from_utf8(bytes.to_vec()).unwrap());
        })
        .unwrap();
    let mut texts = texts.into_iter();
    let line = |entry: HistoryEntry| {
        let text = entry.content.map_or_else(|| "gone".into(), |_| texts.next().unwrap());
        format!("{} {} {text}", entry.time.as_second() - 1_600_000_000, entry.path)
    };
    entries.into_iter().map(line).collect()
}

#[test]
fn every_version_of_every_file_oldest_first() {
    let repository = Repository::new();
    repository.commit("r/a.yaml", Some("one"));
    repository.commit("r/b c.yaml", Some(""));
    repository.commit("other", Some("x"));
    let last = repository.commit("r/a.yaml", Some("two\n\0\n"));
    repository.git(&["mv", "r/b c.yaml", "r/d.yaml"]);
    repository.commit("r/a.yaml", None);
    let documents = repository.documents();
    let expect = [
        "100 r/a.yaml one",
        "200 r/b c.yaml ",
        "400 r/a.yaml two\n\0\n",
        "500 r/a.yaml gone",
        "500 r/b c.yaml gone",
        "500 r/d.yaml ",
    ];
    assert_eq!(history(&documents, "r"), expect);
    assert_eq!(history(&documents, "r/"), expect);
    assert_eq!(history(&documents, "").len(), 7);
    assert_eq!(history(&documents, "nowhere"), [""; 0]);
    assert_eq!(history(&documents, "r/*"), [""; 0]);
    assert_eq!(documents.history("r").unwrap().unwrap()[2].commit, last);
    let (commit, time) = documents.head().unwrap().unwrap();
    assert_eq!(commit, repository.git(&["rev-parse", "HEAD"]));
    assert_eq!(time.as_second(), 1_600_000_500);
    assert_eq!(documents.list("", "").unwrap(), ["other", "r/d.yaml"]);
    assert_eq!(documents.read("other", 10).unwrap().unwrap(), b"x");
    assert!(documents.notes().is_empty());
}

#[test]
fn the_time_is_that_of_the_merge() {
    let repository = Repository::new();
    repository.commit("a", Some("one"));
    repository.git(&["checkout", "-q", "-b", "side"]);
    repository.commit("b", Some("early"));
    repository.commit("b", Some("late"));
    repository.git(&["checkout", "-q", "main"]);
    repository.commit("c", Some("three"));
    repository.now.set(1_600_009_000);
    repository.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let expect = ["100 a one", "400 c three", "9000 b late"];
    assert_eq!(history(&repository.documents(), ""), expect);
    assert_eq!(history(&repository.documents(), "b"), ["9000 b late"]);
}

#[test]
fn links_and_submodules_are_no_files() {
    let repository = Repository::new();
    crate::system::unix::fs::symlink("a", repository.path().join("link")).unwrap();
    repository.commit("a", Some("one"));
    let head = repository.git(&["rev-parse", "HEAD"]);
    let module = format!("160000,{head},sub");
    repository.git(&["update-index", "--add", "--cacheinfo", &module]);
    repository.git(&["commit", "-q", "-m", "sub"]);
    let found = history(&repository.documents(), "");
    assert_eq!(found, ["100 a one", "100 link gone", "100 sub gone"]);
}

#[test]
fn a_shallow_clone_has_no_history_and_says_so() {
    let repository = Repository::new();
    repository.commit("a", Some("one"));
    repository.commit("a", Some("two"));
    let folder = tempfile::tempdir().unwrap();
    let from = format!("file://{}", repository.path().display());
    repository.git_in(folder.path(), &["clone", "-q", "--depth=1", &from, "clone"]);
    let documents = GitDocuments::new(&folder.path().join("clone"), None);
    assert!(documents.history("").unwrap().is_none());
    assert!(documents.notes()[0].contains("is a shallow clone"));
    assert_eq!(documents.head().unwrap().unwrap().1.as_second(), 1_600_000_200);
}

#[test]
fn tags_of_all_kinds() {
    let repository = Repository::new();
    let first = repository.commit("a", Some("one"));
    repository.git(&["tag", "light"]);
    repository.now.set(1_600_000_700);
    repository.git(&["tag", "-a", "1.0", "-m", "1.0 is out\n\nwith more\n"]);
    repository.git(&["tag", "-a", "nested", "-m", "n", "1.0"]);
    repository.git(&["tag", "deep/x", "1.0"]);
    let blob = repository.git(&["rev-parse", "HEAD:a"]);
    repository.git(&["tag", "blob", &blob]);
    let signed = format!(
        "object {first}\ntype commit\ntag signed\ntagger A <a@example.org> 1600000800 +0000\n\n\
         hello\n-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
    );
    std::fs::write(repository.path().join("t"), signed).unwrap();
    let object = repository.git(&["hash-object", "-t", "tag", "-w", "--literally", "t"]);
    repository.git(&["update-ref", "refs/tags/signed", &object]);
    let long = "x".repeat(5000);
    repository.git(&["tag", "-a", "long", "-m", &long]);
    let tags = repository.documents().tags().unwrap().unwrap();
    let found: Vec<(&str, i64, bool, usize, &str)> = tags
        .iter()
        .map(|tag| {
            assert_eq!(tag.commit, first, "{}", tag.name);
            let time = tag.time.unwrap().as_second() - 1_600_000_000;
            let short = if tag.message.len() > 100 { "" } else { tag.message.as_str() };
            (tag.name.as_str(), time, tag.signed, tag.message.len(), short)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("1.0", 700, false, 21, "1.0 is out\n\nwith more"),
            ("deep/x", 700, false, 21, "1.0 is out\n\nwith more"),
            ("light", 100, false, 0, ""),
            ("long", 700, false, 4096, ""),
            ("nested", 700, false, 1, "n"),
            ("signed", 800, true, 5, "hello"),
        ]
    );
}

#[test]
fn a_bare_repository_is_read_at_its_head() {
    let repository = Repository::new();
    repository.commit("setup.cfg", Some("[metadata]\nname = lamp\n"));
    repository.commit("d/b", Some("two"));
    repository.git(&["tag", "1.0"]);
    let folder = tempfile::tempdir().unwrap();
    let from = repository.path().display().to_string();
    repository.git_in(folder.path(), &["clone", "-q", "--bare", &from, "lamp.git"]);
    let bare = folder.path().join("lamp.git");
    assert!(is_repository(&bare) && is_repository(&repository.path()));
    assert!(!is_repository(folder.path()));
    let documents = GitDocuments::new(&bare, None);
    assert_eq!(documents.list("", "").unwrap(), ["d/b", "setup.cfg"]);
    assert_eq!(documents.list("d", "").unwrap(), ["d/b"]);
    assert_eq!(documents.list("d", ".cfg").unwrap(), [""; 0]);
    assert_eq!(documents.list("nowhere", "").unwrap(), [""; 0]);
    assert_eq!(documents.read("d/b", 3).unwrap().unwrap(), b"two");
    assert_eq!(documents.read("nowhere", 3).unwrap(), None);
    assert!(matches!(documents.read("d/b", 2), Err(SourceError::TooLarge { limit: 2, .. })));
    assert!(documents.read("d", 3).is_err());
    let mut opened = String::new();
    documents.open("d/b", 3).unwrap().unwrap().read_to_string(&mut opened).unwrap();
    assert_eq!(opened, "two");
    assert_eq!(documents.tags().unwrap().unwrap().len(), 1);
    assert_eq!(history(&documents, "d"), ["200 d/b two"]);
}

#[test]
fn a_repository_without_commits_is_empty() {
    let repository = Repository::new();
    let documents = repository.documents();
    assert_eq!(documents.history("").unwrap(), Some(Vec::new()));
    assert_eq!(documents.tags().unwrap(), Some(Vec::new()));
    assert_eq!(documents.head().unwrap(), None);
}

#[test]
fn contents_that_are_not_there_are_an_error() {
    let repository = Repository::new();
    repository.commit("a", Some("one"));
    let documents = repository.documents();
    let read = |name: &str| {
        let blob = repository.git(&["rev-parse", "HEAD:a"]);
        let read = documents.read_past(&[blob, name.to_owned()], &mut |_, _| {});
        read.unwrap_err().to_string()
    };
    let missing = "d".repeat(40);
    assert!(
        read(&missing).ends_with(&format!("`{missing}` is not to be had: `{missing} missing`"))
    );
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    assert!(read(&tree).contains(&format!("`{tree}` is not to be had: `{tree} tree ")));
    for name in ["HEAD:a", "--batch-all-objects", "", "abc\ndef"] {
        assert!(read(name).ends_with("is no name of a content"), "{name}");
    }
    assert!(documents.read_past(&[], &mut |_, _| {}).is_ok());
}

#[test]
fn many_contents_pass_through_one_process() {
    let repository = Repository::new();
    repository.commit("a", Some(&"one\n".repeat(20_000)));
    let blob = repository.git(&["rev-parse", "HEAD:a"]);
    let mut seen = 0;
    // More in both directions than any pipe holds.
    repository
        .documents()
        .read_past(&vec![blob; 3000], &mut |number, bytes| {
            assert_eq!((number, bytes.len()), (seen, 80_000));
            seen += 1;
        })
        .unwrap();
    assert_eq!(seen, 3000);
}

#[test]
fn answers_have_a_limit() {
    let repository = Repository::new();
    repository.commit("a", Some("one"));
    let git = Git::new(&repository.path());
    let answer = git.run(&["rev-parse", "HEAD"], 41).unwrap();
    assert_eq!(answer.len(), 41);
    let error = git.run(&["rev-parse", "HEAD"], 40).unwrap_err().to_string();
    assert!(error.ends_with("has more than 40 bytes of git's answer"), "{error}");
}

#[test]
fn what_git_says_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    // A broken `.git` below a good repository does not lead to that one.
    let repository = Repository::new();
    repository.commit("a", Some("one"));
    let broken = repository.path().join("inner");
    std::fs::create_dir_all(broken.join(".git")).unwrap();
    for path in [broken.as_path(), folder.path()] {
        let documents = GitDocuments::new(path, None);
        let error = documents.tags().unwrap_err().to_string();
        assert!(error.contains("`git for-each-ref` ended with"), "{error}");
        assert!(error.contains("not a git repository"), "{error}");
    }
    let none = repository.documents().with_program(folder.path().join("no-git"));
    let error = none.tags().unwrap_err().to_string();
    assert!(error.contains("no-git` cannot be started"), "{error}");
}

#[test]
fn nothing_of_the_repository_is_run() {
    let repository = Repository::new();
    repository.commit("r/a.yaml", Some("one"));
    repository.commit("r/a.yaml", Some("two"));
    repository.commit(".gitattributes", Some("*.yaml diff=evil filter=evil\n"));
    repository.git(&["tag", "-a", "1.0", "-m", "x"]);
    let blob = repository.git(&["rev-parse", "HEAD~2:r/a.yaml"]);
    let marker = repository.path().join("marker");
    let script = repository.path().join("evil.sh");
    let text = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
    std::fs::write(&script, text).unwrap();
    let mut mode = std::fs::metadata(&script).unwrap().permissions();
    crate::system::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let script = script.display().to_string();
    // Signatures are only looked at where there is one.
    let commit = repository.git(&["cat-file", "commit", "HEAD"]);
    let signed = commit.replacen(
        "\n\n",
        "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n",
        1,
    );
    std::fs::write(repository.path().join("commit"), signed + "\n").unwrap();
    let signed = repository.git(&["hash-object", "-t", "commit", "-w", "--literally", "commit"]);
    repository.git(&["update-ref", "refs/heads/main", &signed]);
    for (key, value) in [
        ("core.fsmonitor", script.as_str()),
        ("core.pager", &script),
        ("core.sshCommand", &script),
        ("core.alternateRefsCommand", &script),
        ("core.editor", &script),
        ("diff.external", &script),
        ("diff.evil.command", &script),
        ("diff.evil.textconv", &script),
        ("filter.evil.smudge", &script),
        ("filter.evil.clean", &script),
        ("gpg.program", &script),
        ("gpg.ssh.program", &script),
        ("log.showSignature", "true"),
        ("pager.log", &script),
        ("alias.log", &format!("!{script}")),
        ("protocol.ext.allow", "always"),
        ("protocol.allow", "always"),
        ("remote.evil.url", &format!("ext::{script}")),
        ("remote.evil.promisor", "true"),
        ("extensions.partialClone", "evil"),
    ] {
        repository.git(&["config", key, value]);
    }
    let mut is_evil = Command::new("git");
    let is_evil = is_evil.arg("-C").arg(repository.path()).args(["log", "-1", "HEAD"]);
    is_evil.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(marker.exists(), "the repository is harmless, and the test says nothing");
    std::fs::remove_file(&marker).unwrap();
    let documents = repository.documents();
    assert_eq!(documents.history("r").unwrap().unwrap().len(), 2);
    assert_eq!(documents.tags().unwrap().unwrap().len(), 1);
    assert!(documents.head().unwrap().is_some());
    assert!(documents.list("", "").unwrap().len() > 2);
    documents.read_past(&[blob], &mut |_, bytes| assert_eq!(bytes, b"one")).unwrap();
    // A content that is missing would be fetched from the promisor.
    assert!(documents.read_past(&["d".repeat(40)], &mut |_, _| {}).is_err());
    assert!(!marker.exists(), "something of the repository was run");
}

#[test]
fn what_git_would_not_write_is_refused() {
    let check = |bytes: &[u8]| assert!(text::parse_history(bytes).is_err(), "{bytes:?}");
    let head = "\u{1}abc 1600000000\0";
    let raw = ":100644 100644 a b M\0path\0";
    assert_eq!(text::parse_history(format!("{head}\n{raw}").as_bytes()).unwrap().len(), 1);
    check(raw.as_bytes());
    check(format!("{head}\n{}", &raw[..raw.len() - 6]).as_bytes());
    check(format!("{head}\n{}", raw.replace("b M", "M")).as_bytes());
    check(b"\x01abc\0");
    check(b"\x01abc soon\0");
    check(b"hello\0");
    let tag = b"1.0\0commit\0abc\0\0\x001600000000\0\0\0";
    assert_eq!(text::parse_tags(tag).unwrap().len(), 1);
    assert!(text::parse_tags(&tag[..tag.len() - 1]).is_err());
    assert!(text::parse_tags(&[&tag[..], b"x"].concat()).is_err());
    assert!(text::parse_head(b"1600000000 abc\n").is_ok());
    assert!(text::parse_head(b"abc\n").is_err());
}
