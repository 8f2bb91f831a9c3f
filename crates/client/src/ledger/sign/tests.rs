use countermark_tlog::note::VerifierKey;

use super::*;

#[test]
fn a_key_is_written_once_and_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = file_of(&self::folder(folder.path()), "alice+work@example.org");
    assert!(path.ends_with("countermark/keys/alice-work@example.org.key"), "{}", path.display());
    let key = new_key("alice+work@example.org", &[7; 32]).unwrap();
    assert_eq!(key.name(), "alice.work@example.org");
    write_key(&path, &key).unwrap();
    for (path, expect) in [(&*path, true), (folder.path(), false)] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(is_private(&metadata) && metadata.is_file(), expect);
    }
    assert!(is_private(&fs::metadata(path.parent().unwrap()).unwrap()));
    assert_eq!(read_key(&path).unwrap().to_secret_text(), key.to_secret_text());
    let before = fs::read(&path).unwrap();
    let error = write_key(&path, &new_key("bob@example.org", &[8; 32]).unwrap()).unwrap_err();
    assert_eq!(error, SignError::Exists { path: path.clone() });
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(files(path.parent().unwrap()).unwrap(), [path]);
    assert_eq!(files(&folder.path().join("nowhere")).unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn what_is_no_secret_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.key");
    let secret = new_key("alice@example.org", &[7; 32]).unwrap();
    fs::write(&path, secret.to_secret_text()).unwrap();
    let mut open = fs::metadata(&path).unwrap().permissions();
    crate::system::unix::fs::PermissionsExt::set_mode(&mut open, 0o640);
    fs::set_permissions(&path, open).unwrap();
    let error = read_key(&path).unwrap_err();
    assert_eq!(error, SignError::Readable { path: path.clone() });
    assert!(error.hint().unwrap().starts_with("`chmod 600 "));

    for (text, expect) in [
        (secret.verifier().to_string(), "expected a key of the form `<name>+<number>+<base64>`"),
        (secret.to_secret_text().replace("alice", "mallory"), "the key's number does not fit"),
        (String::new(), "expected a key of the form"),
    ] {
        fs::remove_file(&path).unwrap();
        create_private(&path).unwrap().write_all(text.as_bytes()).unwrap();
        let error = read_key(&path).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(expect), "{message}");
        let kept = secret.to_secret_text();
        assert!(!message.contains(kept.rsplit('+').next().unwrap()), "{message}");
    }
    assert!(matches!(read_key(folder.path()), Err(SignError::Unreadable { .. })));
}

#[test]
fn names_of_keys_are_those_of_notes() {
    for author in ["alice@example.org", "a b", "a+b", "Ä\tb"] {
        let key = new_key(author, &[1; 32]).unwrap();
        let public = key.verifier().to_string();
        assert_eq!(VerifierKey::parse(&public).unwrap(), *key.verifier(), "{author}");
    }
    assert!(new_key("", &[1; 32]).is_err());
}

#[test]
fn ssh_keygen_signs_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("id");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key);
    let made = command.status();
    assert!(
        made.is_ok_and(|it| it.success()),
        "this test needs ssh-keygen, which signs with SSH keys"
    );
    let signed = by_ssh("a statement\n", &key).unwrap();
    assert!(signed.starts_with("ssh U1NIU0lH"), "{signed}");
    let error = by_ssh("a statement\n", &folder.path().join("nowhere")).unwrap_err();
    assert_eq!((error.code(), error.class()), ("not-signed", Class::Unavailable));
}
