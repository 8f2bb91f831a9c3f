//! Real repositories, with real keys of `ssh-keygen` and commits of `git`. A machine without one of both
//! fails these tests: what they show cannot be shown otherwise.

use std::path::PathBuf;
use std::process::{Command, Output};

use countermark_ledger::criteria::CriterionName;
use countermark_ledger::file::FileId;
use countermark_ledger::format;
use countermark_ledger::ledger::AuthorKey;
use countermark_ledger::review::{How, Review};
use countermark_ledger::signature::{Certificates, PublicKey, verify};
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;

use super::*;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const PATH: &str = "team/ledger/reviews.toml";

struct Repository {
    folder: tempfile::TempDir,
    keys: tempfile::TempDir,
}

fn ran(program: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Repository {
    /// With Bob's review in its first commit, which nobody signed.
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let (folder, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let repository = Self { folder, keys };
        for name in ["alice", "bob", "mallory"] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(repository.key(name));
            ran("ssh-keygen", command.output());
        }
        repository.git(&[&["init", "-q", "-b", "main"], options].concat(), None);
        repository.commit(&[&by_commit(BOB, "old")], None);
        repository
    }

    fn key(&self, name: &str) -> PathBuf {
        self.keys.path().join(name)
    }

    fn public(&self, name: &str) -> String {
        fs::read_to_string(self.key(name).with_extension("pub")).unwrap()
    }

    fn git(&self, arguments: &[&str], signer: Option<&str>) -> String {
        ran("git", self.command(arguments, signer).output())
    }

    fn command(&self, arguments: &[&str], signer: Option<&str>) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.folder.path());
        if let Some(signer) = signer {
            let key = format!("user.signingKey={}", self.key(signer).display());
            command.args(["-c", "gpg.format=ssh", "-c", "commit.gpgSign=true", "-c", &key]);
        }
        command
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_COMMITTER_NAME", "A")])
            .envs([("GIT_AUTHOR_EMAIL", "a@example.org"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .env_remove("GIT_DIR");
        command
    }

    fn write(&self, text: &str) {
        let path = self.folder.path().join(PATH);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "-A"], None);
    }

    fn commit(&self, reviews: &[&Review], signer: Option<&str>) -> String {
        self.write(&format::write(reviews.iter().copied()));
        self.git(&["commit", "-q", "-m", "reviews"], signer);
        self.git(&["rev-parse", "HEAD"], None)
    }

    fn keys(&self) -> Keys {
        let key = |author: &str, name: &str| AuthorKey {
            author: author.to_owned(),
            key: self.public(name),
            file: None,
            accounts: Vec::new(),
            from: None,
            until: None,
            place: Place { file: "ledger.toml".to_owned(), line: 1, column: 1, span: 0..0 },
        };
        let keys = [key(ALICE, "alice"), key(BOB, "bob")];
        Keys::new(&keys, &Certificates::new(), now()).unwrap()
    }

    fn reviews(&self) -> ReviewFile {
        let text = fs::read(self.folder.path().join(PATH)).unwrap();
        ReviewFile::parse(PATH, text).unwrap()
    }

    fn search(&self) -> Commits {
        find_in(self.folder.path(), "HEAD", PATH, &self.reviews(), &self.keys())
    }

    /// What a check says of a review.
    fn ask(&self, review: &Review) -> Result<String, String> {
        let found = verify(review, &self.keys(), &self.search());
        let named = |text: String| {
            let head = self.git(&["rev-parse", "HEAD"], None);
            text.replace(&head, "HEAD")
        };
        found
            .map(|signer| named(signer.commit.unwrap()))
            .map_err(|refusal| named(format!("{}: {refusal}", refusal.code())))
    }
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn by_commit(author: &str, notes: &str) -> Review {
    let file = |name: &str, byte| FileId { name: name.to_owned(), digest: Sha256([byte; 32]) };
    Review {
        project: "kettle".parse().unwrap(),
        version: "1.1".parse().unwrap(),
        files: vec![file("kettle-1.1-py3-none-any.whl", 0x11), file("kettle-1.1.tar.gz", 0x22)],
        criteria: vec![CriterionName::parse("safe-to-deploy").unwrap()],
        how: How::Full,
        author: author.to_owned(),
        on: "2026-11-22".parse().unwrap(),
        until: None,
        notes: notes.to_owned(),
        signature: Some("git".to_owned()),
    }
}

#[test]
fn a_signed_commit_is_found_and_signs_what_it_added() {
    for options in [&[][..], &["--object-format=sha256"]] {
        let repository = Repository::with(options);
        let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
        let commit = repository.commit(&[&old, &new], Some("alice"));
        assert_eq!(repository.ask(&new), Ok("HEAD".to_owned()));
        // Further commits of others change nothing about it, wherever they add blocks.
        let more = by_commit(BOB, "aaa");
        repository.commit(&[&old, &new, &more], Some("bob"));
        assert_eq!(repository.ask(&new), Ok(commit));
        assert_eq!(repository.ask(&more), Ok("HEAD".to_owned()));
        // What was in the first commit was added by nobody.
        let refusal = repository.ask(&old).unwrap_err();
        assert!(refusal.starts_with("review-commit-shape: "), "{refusal}");
        let found = repository.search();
        assert_eq!(found.iter().filter(|(_, it)| it.is_ok()).count(), 2);
    }
}

#[test]
fn a_commit_of_somebody_else_or_of_nobody_signs_nothing() {
    for (signer, expect) in [
        (None, "review-commit-unsigned: the commit HEAD that added it is not signed"),
        (
            Some("bob"),
            "review-commit-signer: the commit HEAD that added it is signed by `bob@example.org`, and \
             not by `alice@example.org`",
        ),
    ] {
        let repository = Repository::new();
        let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
        repository.commit(&[&old, &new], signer);
        assert_eq!(repository.ask(&new), Err(expect.to_owned()));
    }
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.commit(&[&old, &new], Some("mallory"));
    let key = PublicKey::parse(&repository.public("mallory")).unwrap();
    let expect = format!(
        "review-commit-signer: the commit HEAD that added it is signed by {key}, and not by `{ALICE}`"
    );
    assert_eq!(repository.ask(&new), Err(expect));
}

#[test]
fn an_amended_block_is_the_amender_s() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.commit(&[&old, &new], Some("alice"));
    let amended = by_commit(ALICE, "new, and all is well");
    repository.commit(&[&old, &amended], Some("bob"));
    let refusal = repository.ask(&amended).unwrap_err();
    let expect = "review-commit-signer: the commit HEAD that added it is signed by `bob@example.org`, \
                  and not by `alice@example.org`";
    assert_eq!(refusal, expect);
    // Her own correction is hers.
    let corrected = by_commit(ALICE, "new, but for one thing");
    repository.commit(&[&old, &corrected], Some("alice"));
    assert_eq!(repository.ask(&corrected), Ok("HEAD".to_owned()));
}

#[test]
fn branches_are_merged_and_merges_sign_nothing() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.git(&["switch", "-q", "-c", "topic"], None);
    let commit = repository.commit(&[&old, &new], Some("alice"));
    repository.git(&["switch", "-q", "main"], None);
    let other = by_commit(BOB, "zzz");
    repository.commit(&[&old, &other], Some("bob"));
    // A merge by Bob, who resolves the conflict as `vet merge` would.
    let merged =
        repository.command(&["merge", "-q", "--no-commit", "topic"], None).output().unwrap();
    assert!(repository.folder.path().join(".git/MERGE_HEAD").exists(), "{merged:?}");
    repository.commit(&[&old, &new, &other], Some("bob"));
    assert_eq!(repository.ask(&new), Ok(commit));

    // What only the merge has is nobody's, also when it is Alice who merges.
    repository.git(&["switch", "-q", "-c", "more", "HEAD^"], None);
    repository.commit(&[&old, &other, &by_commit(BOB, "more")], Some("bob"));
    repository.git(&["merge", "-q", "--no-commit", "-s", "ours", "main"], Some("alice"));
    let evil = by_commit(ALICE, "evil");
    repository.commit(&[&old, &other, &evil], Some("alice"));
    let refusal = repository.ask(&evil).unwrap_err();
    assert_eq!(refusal, "review-commit-shape: the commit HEAD that added it is a merge");
}

#[test]
fn a_squash_is_signed_by_whoever_squashed() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.git(&["switch", "-q", "-c", "topic"], None);
    repository.commit(&[&old, &new], Some("alice"));
    repository.git(&["switch", "-q", "main"], None);
    repository.git(&["merge", "-q", "--squash", "topic"], None);
    repository.git(&["commit", "-q", "-m", "squashed"], Some("bob"));
    let refusal = repository.ask(&new).unwrap_err();
    assert!(refusal.starts_with("review-commit-signer: "), "{refusal}");
    // Alice signs what is hers and what is not: nobody can tell who looked at it.
    let (third, fourth) = (by_commit(ALICE, "third"), by_commit(BOB, "fourth"));
    repository.commit(&[&old, &new, &third, &fourth], Some("alice"));
    let refusal = repository.ask(&third).unwrap_err();
    let expect = "review-commit-shape: the commit HEAD adds reviews of `alice@example.org` and of \
                  `bob@example.org`: it is a squash";
    assert_eq!(refusal, expect);
}

#[test]
fn a_move_of_the_folder_keeps_what_was_signed_and_signs_nothing() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    let forged = by_commit(ALICE, "forged");
    let commit = repository.commit(&[&old, &new], Some("alice"));
    repository.commit(&[&old, &new, &forged], None);
    repository.git(&["mv", "team", "people"], None);
    repository.git(&["commit", "-q", "-m", "moved"], Some("alice"));
    let reviews = ReviewFile::parse(PATH, format::write([&old, &new, &forged])).unwrap();
    let path = "people/ledger/reviews.toml";
    let found = find_in(repository.folder.path(), "HEAD", path, &reviews, &repository.keys());
    let signer = verify(&new, &repository.keys(), &found).unwrap();
    assert_eq!(signer.commit, Some(commit));
    let refusal = verify(&forged, &repository.keys(), &found).unwrap_err();
    assert_eq!(refusal.code(), "review-commit-unsigned");
}

#[test]
fn what_is_not_committed_or_cut_off_is_not_decided() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.write(&format::write([&old, &new]));
    let refusal = repository.ask(&new).unwrap_err();
    assert_eq!(refusal, "review-no-commit: no commit of this repository added it");
    repository.git(&["commit", "-q", "-m", "reviews"], Some("alice"));
    assert_eq!(repository.ask(&new), Ok("HEAD".to_owned()));

    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{}", repository.folder.path().display());
    let to = clone.path().join("clone").display().to_string();
    repository.git(&["clone", "-q", "--depth=1", &from, &to], None);
    let found = find_in(Path::new(&to), "HEAD", PATH, &repository.reviews(), &repository.keys());
    let refusal = verify(&new, &repository.keys(), &found).unwrap_err();
    assert_eq!(refusal.code(), "review-no-commit");
    assert!(refusal.to_string().ends_with("are not here: the clone is shallow"), "{refusal}");

    // No repository, and one without a commit.
    let empty = tempfile::tempdir().unwrap();
    for command in [None, Some(["init", "-q"])] {
        if let Some(command) = command {
            let mut git = Command::new("git");
            ran("git", git.arg("-C").arg(empty.path()).args(command).output());
        }
        let found = find_in(empty.path(), "HEAD", PATH, &repository.reviews(), &repository.keys());
        let refusal = verify(&new, &repository.keys(), &found).unwrap_err();
        assert_eq!(refusal.class(), countermark_trust::Class::Unavailable, "{refusal}");
    }
}

#[test]
fn nothing_of_the_checkout_s_configuration_runs() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    let commit = repository.commit(&[&old, &new], Some("alice"));
    let witness = repository.keys.path().join("ran");
    let program = format!("touch {}; false", witness.display());
    for setting in ["gpg.ssh.program", "gpg.program", "core.fsmonitor", "core.pager"] {
        repository.git(&["config", setting, &program], None);
    }
    repository.git(&["config", "diff.x.textconv", &program], None);
    repository.git(&["config", "filter.x.clean", &program], None);
    // One that hides the commit from `git blame`.
    let ignored = repository.keys.path().join("ignored");
    fs::write(&ignored, commit).unwrap();
    let ignored = ignored.display().to_string();
    repository.git(&["config", "blame.ignoreRevsFile", &ignored], None);
    fs::write(repository.folder.path().join(".git/info/attributes"), "* diff=x filter=x\n")
        .unwrap();
    assert!(verify(&new, &repository.keys(), &repository.search()).is_ok());
    assert!(!witness.exists());
}

#[test]
fn a_ledger_finds_its_repository() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.commit(&[&old, &new], Some("alice"));
    let folder = repository.folder.path().join("team/ledger");
    let (top, path) = place(&folder).unwrap();
    assert_eq!((top, &*path), (fs::canonicalize(repository.folder.path()).unwrap(), PATH));
    assert_eq!(place(repository.keys.path()), None);
}

#[test]
fn what_was_found_is_remembered_for_keys_that_count() {
    let repository = Repository::new();
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    repository.commit(&[&old, &new], Some("alice"));
    let state = tempfile::tempdir().unwrap();
    let id = StatementId::of(&new);
    let wanted = Wanted::from([(id, ALICE.to_owned())]);
    let found = repository.search().of(&id).unwrap().clone();
    assert!(found.is_ok());
    let mut memory = Memory::read(state.path());
    memory.add(&BTreeMap::from([(id, found.clone())]));
    // Those that do not count are looked for again.
    let refused = StatementId::of(&old);
    memory.add(&BTreeMap::from([(refused, Err(CommitRefusal::NotCommitted))]));

    let memory = Memory::read(state.path());
    let known = memory.known(&wanted, &repository.keys());
    assert_eq!(known.of(&id), Some(&found));
    assert_eq!(
        memory.known(&Wanted::from([(refused, BOB.to_owned())]), &repository.keys()).len(),
        0
    );
    // Said by somebody else, and with a key that is taken out.
    let other = Wanted::from([(id, BOB.to_owned())]);
    assert_eq!(memory.known(&other, &repository.keys()).len(), 0);
    assert_eq!(memory.known(&wanted, &Keys::none(now())).len(), 0);
    // A memory of other rules, or a damaged one, is none.
    let path = state.path().join("ledger-commits");
    let text = fs::read_to_string(&path).unwrap();
    for damaged in [text.replace("rules 1", "rules 0"), text.replace(" ssh:", "  ssh:")] {
        assert_ne!(damaged, text);
        fs::write(&path, damaged).unwrap();
        assert_eq!(Memory::read(state.path()).known(&wanted, &repository.keys()).len(), 0);
    }
}
