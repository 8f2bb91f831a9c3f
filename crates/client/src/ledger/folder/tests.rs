use std::sync::atomic::AtomicBool;

use sha2::Digest as _;

use super::*;

const DIGITS: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn ledger(rest: &str) -> String {
    format!(
        "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\n\
         criteria = [\"safe-to-deploy\"]\n{rest}"
    )
}

fn review(version: &str) -> String {
    format!(
        "[[review]]\nproject = \"flask\"\nversion = \"{version}\"\nfiles = [\n    \
         \"sha256:{DIGITS} flask-{version}.tar.gz\",\n]\ncriteria = [\"safe-to-run\"]\nhow = \"full\"\n\
         author = \"alice@example.org\"\non = 2026-11-22\n"
    )
}

fn digest(bytes: &str) -> String {
    countermark_packaging::digest::Sha256(sha2::Sha256::digest(bytes.as_bytes()).into()).to_string()
}

fn codes<T>(result: Result<T, Vec<Problem>>) -> Vec<(&'static str, Class)> {
    result.err().unwrap().iter().map(|problem| (problem.code, problem.class)).collect()
}

#[test]
fn a_pipe_or_a_link_is_no_file_of_a_ledger() {
    for (program, arguments) in [("mkfifo", &[][..]), ("ln", &["-s", "/etc/hostname"])] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ledger.toml"), ledger("")).unwrap();
        let reviews = folder.path().join("reviews.toml");
        let made = std::process::Command::new(program).args(arguments).arg(&reviews).status();
        assert!(made.unwrap().success());
        let folder = Folder::find(folder.path(), Some(folder.path())).unwrap();
        assert_eq!(codes(folder.read()), [("file-unreadable", Class::Usage)], "{program}");
    }
}

#[test]
fn the_nearest_ledger_up_to_the_root_of_the_repository() {
    let root = tempfile::tempdir().unwrap();
    let (repository, inner) = (root.path().join("r"), root.path().join("r/a/b"));
    fs::create_dir_all(&inner).unwrap();
    let code = |start: &Path| Folder::find(start, None).unwrap_err().code;
    fs::create_dir(root.path().join("ledger")).unwrap();
    fs::write(root.path().join("ledger/ledger.toml"), ledger("")).unwrap();
    assert!(Folder::find(&inner, None).is_ok());
    fs::create_dir(repository.join(".git")).unwrap();
    assert_eq!(code(&inner), "no-ledger", "what is outside of the repository is not ours");
    fs::create_dir(repository.join("ledger")).unwrap();
    assert_eq!(code(&inner), "no-ledger", "a folder without a ledger.toml is no ledger");
    fs::write(repository.join("ledger/ledger.toml"), ledger("")).unwrap();
    let found = Folder::find(&inner, None).unwrap();
    assert_eq!(found.path(), fs::canonicalize(repository.join("ledger")).unwrap());
    assert_eq!(Folder::find(&repository, None).unwrap().path(), repository.join("ledger"));
    let named = Folder::find(&inner, Some(&root.path().join("ledger"))).unwrap();
    assert_eq!(named.path(), root.path().join("ledger"));
    assert_eq!(Folder::find(&inner, Some(&inner)).unwrap_err().code, "no-ledger");
}

#[test]
fn an_import_is_what_was_fetched_or_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    let (theirs, reviews) = (ledger(""), review("3.0.1"));
    let import = format!(
        "\n[[import]]\nname = \"acme\"\nurl = \"https://example.org/acme\"\nledger = \"{}\"\n\
         reviews = \"{}\"\n\n[[import]]\nname = \"new\"\nurl = \"https://example.org/new\"\n",
        digest(&theirs),
        digest(&reviews)
    );
    let go = AtomicBool::new(false);
    let held = folder.hold(&go, || panic!("nobody has it")).unwrap();
    held.write_ledger(&ledger(&import)).unwrap();
    assert_eq!(
        codes(folder.read()),
        [("import-changed-on-disk", Class::Rejected)],
        "what is not there is not what was fetched"
    );
    held.write_import("acme", LEDGER, theirs.as_bytes()).unwrap();
    held.write_import("acme", REVIEWS, reviews.as_bytes()).unwrap();
    let loaded = folder.read().unwrap();
    assert_eq!(loaded.imports.len(), 1, "one was never fetched");
    assert_eq!(loaded.imports[0].reviews.len(), 1);
    for (file, text) in [(LEDGER, format!("{theirs}\n")), (REVIEWS, format!("{reviews}\n"))] {
        let before = fs::read(root.path().join("imports/acme").join(file)).unwrap();
        held.write_import("acme", file, text.as_bytes()).unwrap();
        assert_eq!(codes(folder.read()), [("import-changed-on-disk", Class::Rejected)], "{file}");
        held.write_import("acme", file, &before).unwrap();
    }
    assert!(folder.read().is_ok());
}

#[test]
fn what_cannot_be_read_again_is_not_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    let held = folder.hold(&AtomicBool::new(false), || {}).unwrap();
    held.write_ledger(&ledger("# kept\n")).unwrap();
    assert_eq!(codes(held.write_ledger("[ledger]\n"))[0].1, Class::Usage);
    assert_eq!(folder.read_text(LEDGER).unwrap().unwrap(), ledger("# kept\n"));
    // While one has it, another one waits.
    let stop = AtomicBool::new(true);
    assert_eq!(folder.hold(&stop, || {}).unwrap_err().code, "ledger-not-held");
    let loaded = folder.read().unwrap();
    assert!(loaded.reviews.is_empty() && loaded.imports.is_empty());
}

#[test]
fn reviews_are_added_once_and_the_signed_one_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    let held = folder.hold(&AtomicBool::new(false), || {}).unwrap();
    let parsed = ReviewFile::parse("r", review("3.0.1")).unwrap();
    let mut one = parsed.iter().next().unwrap().review;
    held.add_reviews(std::slice::from_ref(&one)).unwrap();
    one.signature = Some("ed25519 00000000 AAAA".to_owned());
    held.add_reviews(std::slice::from_ref(&one)).unwrap();
    let there: Vec<Review> = folder.read_reviews().unwrap().iter().map(|it| it.review).collect();
    assert_eq!(there, [one]);
}

#[test]
fn bytes_that_were_read_whole_are_opened_and_others_are_not() {
    let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = Folder::at(root.path()).with_state(state.path());
    fs::write(root.path().join(REVIEWS), review("3.0.1")).unwrap();
    assert_eq!(folder.read_reviews().unwrap().len(), 1);
    let memory = fs::read_to_string(state.path().join("ledger-read")).unwrap();
    assert!(memory.contains(&digest(&review("3.0.1"))[7..]), "{memory}");
    assert_eq!(folder.read_reviews().unwrap().len(), 1);
    let broken = review("3.0.1").replace("how = \"full\"", "how = \"half\"");
    fs::write(root.path().join(REVIEWS), &broken).unwrap();
    assert_eq!(codes(folder.read_reviews()), [("unknown-word", Class::Usage)]);
    // A memory of another version says nothing.
    let other = memory
        .replace("rules 1", "rules 0")
        .replace(&digest(&review("3.0.1"))[7..], &digest(&broken)[7..]);
    fs::write(state.path().join("ledger-read"), other).unwrap();
    assert_eq!(codes(folder.read_reviews()), [("unknown-word", Class::Usage)]);
}

#[test]
fn certificates_are_read_where_keys_name_them() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    let key =
        "\n[[key]]\nauthor = \"alice@example.org\"\nkey = \"openpgp:00\"\nfile = \"keys/a.asc\"\n";
    fs::write(root.path().join(LEDGER), ledger(key)).unwrap();
    assert_eq!(codes(folder.read()), [("file-unreadable", Class::Usage)]);
    fs::create_dir(root.path().join("keys")).unwrap();
    fs::write(root.path().join("keys/a.asc"), "certificate").unwrap();
    assert_eq!(folder.read().unwrap().certificates["keys/a.asc"], b"certificate");
    fs::write(root.path().join(LEDGER), ledger(&key.replace("keys/a", "../a"))).unwrap();
    assert_eq!(codes(folder.read()), [("invalid-value", Class::Usage)]);
}
