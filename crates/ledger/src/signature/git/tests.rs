use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use countermark_trust::Class;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use ssh_key::{HashAlg, LineEnding, SshSig};

use super::super::tests::{author_key, keys, review};
use super::super::{Commits, PublicKey, Refusal, SignedCommit, verify};
use super::object::name_of;
use super::*;
use crate::format;
use crate::review::Review;
use crate::signature::{CommitRefusal, Keys};
use crate::statement::StatementId;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const PATH: &str = "team/ledger/reviews.toml";

fn key(seed: u8) -> PrivateKey {
    Ed25519Keypair::from_seed(&[seed; 32]).into()
}

fn known() -> Keys {
    let line = |seed| key(seed).public_key().to_openssh().unwrap();
    keys(&[author_key(ALICE, &line(1)), author_key(BOB, &line(2))])
}

/// A repository in memory, whose names are of 40 or 64 digits.
struct Store {
    digits: usize,
    objects: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Objects for &Store {
    type Error = Infallible;

    fn read(&mut self, _: Kind, name: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.objects.borrow().get(name).cloned())
    }
}

impl Store {
    fn new(digits: usize) -> Self {
        Self { digits, objects: RefCell::default() }
    }

    fn put(&self, kind: Kind, bytes: &[u8]) -> String {
        let name = name_of(kind, bytes, self.digits);
        self.objects.borrow_mut().insert(name.clone(), bytes.to_vec());
        name
    }

    fn tree_of(&self, mode: &str, entry: &str, object: &str) -> String {
        let hex = |at: usize| u8::from_str_radix(&object[at..at + 2], 16).unwrap();
        let object: Vec<u8> = (0..object.len()).step_by(2).map(hex).collect();
        let other = [b"100644 a\0".as_slice(), &vec![7; self.digits / 2]].concat();
        let tree = [&other, format!("{mode} {entry}\0").as_bytes(), &object].concat();
        self.put(Kind::Tree, &tree)
    }

    /// The tree of a repository with the file.
    fn tree(&self, text: &str) -> String {
        let mut name = self.put(Kind::Blob, text.as_bytes());
        let mut mode = "100644";
        for part in PATH.split('/').rev() {
            name = self.tree_of(mode, part, &name);
            mode = "40000";
        }
        name
    }

    fn commit(&self, tree: &str, parents: &[&str], signer: Option<(&PrivateKey, &str)>) -> String {
        let mut head = format!("tree {tree}\n");
        for parent in parents {
            head.push_str(&format!("parent {parent}\n"));
        }
        head.push_str("author A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n");
        let body = "\nwhat was read\n\n gpgsig is no header here\n";
        let Some((key, purpose)) = signer else {
            return self.put(Kind::Commit, format!("{head}{body}").as_bytes());
        };
        let signed = format!("{head}{body}");
        let signature = SshSig::sign(key, purpose, HashAlg::Sha512, signed.as_bytes()).unwrap();
        let armored = signature.to_pem(LineEnding::LF).unwrap();
        let armored = armored.trim_end().replace('\n', "\n ");
        let header = if self.digits == 64 { "gpgsig-sha256" } else { "gpgsig" };
        self.put(Kind::Commit, format!("{head}{header} {armored}\n{body}").as_bytes())
    }

    /// What is said of a review that should have been added by a commit.
    fn ask(&self, commit: &str, review: &Review) -> Result<SignedCommit, CommitRefusal> {
        let Ok(added) = read(&mut &*self, commit, PATH);
        added?.signed(&StatementId::of(review), &known())
    }
}

fn by_commit(author: &str, notes: &str) -> Review {
    let (author, notes) = (author.to_owned(), notes.to_owned());
    Review { author, notes, ..review(Some("git")) }
}

/// The file with so many reviews, as `countermark` writes it.
fn file(reviews: &[&Review]) -> String {
    format::write(reviews.iter().copied())
}

/// A history of two commits: an old review, then the new one, signed by a key.
fn history(store: &Store, new: &Review, signer: Option<(&PrivateKey, &str)>) -> String {
    let old = by_commit(BOB, "old");
    let first = store.commit(&store.tree(&file(&[&old])), &[], None);
    store.commit(&store.tree(&file(&[&old, new])), &[&first], signer)
}

fn code(result: &Result<SignedCommit, CommitRefusal>) -> &'static str {
    result.as_ref().map_or_else(CommitRefusal::code, |_| "signed")
}

#[test]
fn a_signed_commit_signs_what_it_adds() {
    for digits in [40, 64] {
        let store = Store::new(digits);
        let new = by_commit(ALICE, "new");
        let commit = history(&store, &new, Some((&key(1), "git")));
        let signed = store.ask(&commit, &new).unwrap();
        let name = PublicKey::parse(&key(1).public_key().to_openssh().unwrap()).unwrap();
        assert_eq!(signed, SignedCommit { commit: commit.clone(), key: name.to_string() });

        let mut commits = Commits::new();
        commits.insert(StatementId::of(&new), Ok(signed));
        let signer = verify(&new, &known(), &commits).unwrap();
        assert_eq!((signer.kind, signer.commit.as_deref()), ("git", Some(&*commit)));
        // The same commit found for another author's review is none of theirs.
        let of_bob = by_commit(BOB, "new");
        commits
            .insert(StatementId::of(&of_bob), commits.of(&StatementId::of(&new)).unwrap().clone());
        let refusal = verify(&of_bob, &known(), &commits).unwrap_err();
        assert_eq!(refusal.code(), "review-other-author");
        let refusal = verify(&by_commit(ALICE, "unseen"), &known(), &commits).unwrap_err();
        assert_eq!((refusal.code(), refusal.class()), ("review-no-commit", Class::Unavailable));
    }
}

#[test]
fn nothing_but_the_author_s_own_commit_counts() {
    let store = Store::new(40);
    let new = by_commit(ALICE, "new");
    let check = |signer: Option<(&PrivateKey, &str)>, expect: &str, says: &str| {
        let commit = history(&store, &new, signer);
        let result = store.ask(&commit, &new);
        assert_eq!(code(&result), expect);
        let message = result.unwrap_err().to_string().replace(&commit, "C");
        assert_eq!(message, says);
    };
    check(None, "review-commit-unsigned", "the commit C that added it is not signed");
    check(
        Some((&key(2), "git")),
        "review-commit-signer",
        "the commit C that added it is signed by `bob@example.org`, and not by `alice@example.org`",
    );
    let stranger = PublicKey::parse(&key(3).public_key().to_openssh().unwrap()).unwrap();
    check(
        Some((&key(3), "git")),
        "review-commit-signer",
        &format!(
            "the commit C that added it is signed by {stranger}, and not by `alice@example.org`"
        ),
    );
    check(
        Some((&key(1), "countermark-review")),
        "review-commit-signature",
        "the signature of the commit C does not count: it was made for `countermark-review`, expected \
         `git`",
    );
}

#[test]
fn merges_squashes_and_new_files_add_nothing() {
    let store = Store::new(40);
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    let alice = key(1);
    let signer = Some((&alice, "git"));
    let (before, after) = (store.tree(&file(&[&old])), store.tree(&file(&[&old, &new])));
    let first = store.commit(&before, &[], None);
    let other = store.commit(&before, &[&first], None);

    let merge = store.commit(&after, &[&first, &other], signer);
    let result = store.ask(&merge, &new);
    assert_eq!(result, Err(CommitRefusal::Merge { commit: merge }));

    let of_bob = by_commit(BOB, "also new");
    let squashed = store.tree(&file(&[&old, &new, &of_bob]));
    let squash = store.commit(&squashed, &[&first], signer);
    let result = store.ask(&squash, &new);
    assert_eq!(code(&result), "review-commit-shape");
    let message = result.unwrap_err().to_string();
    let says = "adds reviews of `alice@example.org` and of `bob@example.org`: it is a squash";
    assert!(message.ends_with(says), "{message}");

    // The first commit of all, and one that moves the file to where it is now.
    let root = store.commit(&after, &[], signer);
    assert_eq!(store.ask(&root, &new), Err(CommitRefusal::NewFile { commit: root }));
    let blob = store.put(Kind::Blob, file(&[&old, &new]).as_bytes());
    let elsewhere = store.tree_of("100644", "reviews.toml", &blob);
    let elsewhere = store.commit(&elsewhere, &[], None);
    let moved = store.commit(&after, &[&elsewhere], signer);
    assert_eq!(store.ask(&moved, &new), Err(CommitRefusal::NewFile { commit: moved }));

    // A parent that is not here.
    let absent = "ab".repeat(20);
    let cut = store.commit(&after, &[&absent], signer);
    assert_eq!(store.ask(&cut, &new), Err(CommitRefusal::Shallow { commit: cut }));
}

#[test]
fn what_was_there_is_not_added() {
    let store = Store::new(40);
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    let alice = key(1);
    let signer = Some((&alice, "git"));
    let check = |before: &str, after: &str, expect: &str| {
        let first = store.commit(&store.tree(before), &[], None);
        let second = store.commit(&store.tree(after), &[&first], signer);
        let result = store.ask(&second, &new);
        assert_eq!(code(&result), expect, "{before}---\n{after}");
    };
    let both = file(&[&old, &new]);
    check(&file(&[&old]), &both, "signed");
    // Alice changes something else; somebody else had put a review there in her name.
    check(&both, &file(&[&old, &new, &by_commit(ALICE, "third")]), "review-no-commit");
    check(&both, &file(&[&new]), "review-no-commit");
    // She only writes it in another form.
    let other_form =
        both.replace("criteria = [\"safe-to-deploy\"]", "criteria = ['safe-to-deploy']");
    assert_ne!(other_form, both);
    check(&other_form, &both, "review-no-commit");
    let hidden = both.replace("sha256:11", "sha256:\\u00311");
    assert_ne!(hidden, both);
    check(&hidden, &both, "review-commit-object");
    // It is there twice afterwards, once in another form.
    let twice = format!("{both}\n{}", &other_form[other_form.find("[[review]]").unwrap()..]);
    check(&both, &twice, "review-no-commit");
    let hidden_twice = format!("{hidden}\n{}", &both[both.find("[[review]]").unwrap()..]);
    check(&hidden, &hidden_twice, "review-commit-object");
    // A review of hers that another signature should have signed, which now shall count by the commit.
    let unsigned = Review { signature: None, ..new.clone() };
    check(&file(&[&old, &unsigned]), &both, "review-no-commit");
    // What cannot be read before the commit may be this review.
    let broken = both.replace("how = \"full\"", "how = ");
    check(&broken, &both, "review-commit-object");
    check(&file(&[&old]), &broken, "review-commit-object");
    // A review that says nothing of its commit is not signed by it.
    check(&file(&[&old]), &file(&[&old, &unsigned]), "review-no-commit");
}

#[test]
fn every_changed_byte_of_every_object_is_refused() {
    let store = Store::new(40);
    let new = by_commit(ALICE, "new");
    let commit = history(&store, &new, Some((&key(1), "git")));
    assert!(store.ask(&commit, &new).is_ok());
    // The other trees and files of the history are looked at too; one that is not would be accepted.
    let names: Vec<String> = store.objects.borrow().keys().cloned().collect();
    for name in names {
        let bytes = store.objects.borrow()[&name].clone();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            store.objects.borrow_mut().insert(name.clone(), changed);
            let result = store.ask(&commit, &new);
            assert_eq!(code(&result), "review-commit-object", "{name}, byte {at}: {result:?}");
        }
        store.objects.borrow_mut().insert(name, bytes);
    }
}

#[test]
fn commits_that_programs_read_differently_are_refused() {
    let store = Store::new(40);
    let new = by_commit(ALICE, "new");
    let good = history(&store, &new, Some((&key(1), "git")));
    let text = String::from_utf8(store.objects.borrow()[&good].clone()).unwrap();
    let other = "cd".repeat(20);
    let parent = text.lines().find(|line| line.starts_with("parent")).unwrap();
    let signature = &text[text.find("gpgsig").unwrap()..text.find("\n\n").unwrap() + 1];
    let check = |changed: &str, expect: &str| {
        assert_ne!(changed, text);
        let name = store.put(Kind::Commit, changed.as_bytes());
        let result = store.ask(&name, &new);
        assert_eq!(code(&result), expect, "{changed}: {result:?}");
    };
    check(&text.replacen("tree", "tre", 1), "review-commit-object");
    check(&format!("tree {other}\n{text}"), "review-commit-object");
    check(&text.replacen("author", &format!("tree {other}\nauthor"), 1), "review-commit-object");
    check(&text.replacen("gpgsig", &format!("parent {other}\ngpgsig"), 1), "review-commit-object");
    check(&text.replacen(parent, &parent[..parent.len() - 1], 1), "review-commit-object");
    check(
        &text.replacen(parent, &parent.to_ascii_uppercase().replacen("PARENT", "parent", 1), 1),
        "review-commit-object",
    );
    check(&text.replacen(signature, &signature.repeat(2), 1), "review-commit-signature");
    check(&text.replacen("gpgsig ", "gpgsig-sha256 ", 1), "review-commit-signature");
    check(&text.replacen("SSH SIGNATURE", "SIGNED MESSAGE", 1), "review-commit-signature");
    check(&text.replacen("END SSH", "END", 1), "review-commit-signature");
    check(&text.replacen("what was read", "what was red", 1), "review-commit-signature");
    check(&text.replacen("author A", "author B", 1), "review-commit-signature");
    check(&text.replacen("author", "extra 1\nauthor", 1), "review-commit-signature");
    check(&text.replacen(signature, "", 1), "review-commit-unsigned");
}

#[test]
fn trees_with_two_files_of_one_name_are_refused() {
    let store = Store::new(40);
    let (old, new) = (by_commit(BOB, "old"), by_commit(ALICE, "new"));
    let alice = key(1);
    let signer = Some((&alice, "git"));
    let first = store.commit(&store.tree(&file(&[&old])), &[], None);
    let blob = store.put(Kind::Blob, file(&[&old, &new]).as_bytes());
    let in_folders = |inner: &str| {
        let ledger = store.tree_of("40000", "ledger", inner);
        store.tree_of("40000", "team", &ledger)
    };
    let inner = store.tree_of("100644", "reviews.toml", &blob);
    let good = store.commit(&in_folders(&inner), &[&first], signer);
    assert_eq!(code(&store.ask(&good, &new)), "signed");
    let once = store.objects.borrow()[&inner].clone();
    let entry = once.windows(19).position(|it| it == b"100644 reviews.toml").unwrap();
    let twice = store.put(Kind::Tree, &[&once[..], &once[entry..]].concat());
    let commit = store.commit(&in_folders(&twice), &[&first], signer);
    assert_eq!(code(&store.ask(&commit, &new)), "review-commit-object");
    let link = store.tree_of("120000", "reviews.toml", &blob);
    let commit = store.commit(&in_folders(&link), &[&first], signer);
    assert_eq!(code(&store.ask(&commit, &new)), "review-no-commit");
}

#[test]
fn lists_of_commits_have_one_form() {
    let mut commits = Commits::new();
    for (notes, digits) in [("one", 40), ("two", 64)] {
        let key = "ssh:SHA256:abc+/".to_owned();
        let signed = SignedCommit { commit: "a".repeat(digits), key };
        commits.insert(StatementId::of(&by_commit(ALICE, notes)), Ok(signed));
    }
    let text = commits.to_text();
    assert_eq!(Commits::parse(text.as_bytes()).unwrap(), commits);
    // Those that do not count are not in the list.
    let id = StatementId::of(&by_commit(ALICE, "three"));
    let mut more = commits.clone();
    more.insert(id, Err(CommitRefusal::NotCommitted));
    assert_eq!(more.to_text(), text);
    let lines: Vec<&str> = text.lines().collect();
    let check = |bad: &str, line: u32| {
        let error = Commits::parse(bad.as_bytes()).unwrap_err();
        let says = "of the list of commits is not one of those that are written there";
        assert_eq!(error.to_string(), format!("line {line} {says}"), "{bad}");
    };
    check("", 1);
    check(&text.replacen("v1", "v2", 1), 1);
    check(text.trim_end(), 3);
    check(&text.replacen(lines[1], &lines[1].to_ascii_uppercase(), 1), 2);
    check(&text.replacen(" aaa", " Aaa", 1), 2);
    check(&text.replacen("ssh:", "ssh: ", 1), 2);
    check(&[lines[0], lines[2], lines[1], ""].join("\n"), 3);
    check(&[lines[0], lines[1], lines[1], ""].join("\n"), 3);
    check(&text.replace('\n', "\r\n"), 1);
    assert!(matches!(Refusal::NoCommit.class(), Class::Unavailable));
}
