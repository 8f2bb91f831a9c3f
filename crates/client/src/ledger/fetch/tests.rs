//! Fetching from servers that lie, from folders and repositories.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_testkit::index::{Behaviour, Body, IndexServer, Scenario};

use super::*;
use crate::credentials::CredentialStore;
use crate::http::{Options, Proxies, Retries, Timeouts};
use crate::report::Silent;

const OURS: &str = "# a ledger\n";

fn scenario() -> Scenario {
    Scenario::new().with_etags().serve("/l/ledger.toml", "text/plain", OURS).serve(
        "/l/reviews.toml",
        "text/plain",
        "# reviews\n",
    )
}

struct Tried {
    state: tempfile::TempDir,
    client: Client,
    stop: AtomicBool,
    time: Duration,
}

impl Tried {
    fn new() -> Self {
        let timeouts = Timeouts {
            idle: Duration::from_millis(300),
            rate_window: Duration::from_millis(300),
            ..Timeouts::default()
        };
        let retries = Retries { count: 0, ..Retries::default() };
        let options = Options { proxies: Proxies::Off, timeouts, retries, ..Options::default() };
        let client = Client::new(options, Arc::new(CredentialStore::default()));
        let state = tempfile::tempdir().unwrap();
        Self { state, client, stop: AtomicBool::new(false), time: Duration::from_secs(20) }
    }

    fn fetching(&self) -> Fetching<'_> {
        Fetching {
            http: &self.client,
            state: self.state.path(),
            offline: false,
            time: self.time,
            stop: &self.stop,
            reporter: &Silent,
        }
    }

    fn fetch(&self, text: &str, had: &Had) -> Result<Fetched, FetchError> {
        fetch(&Origin::parse(text, Path::new("/")).unwrap(), had, &self.fetching())
    }
}

/// The code of the refusal of what a server does with `reviews.toml`.
#[track_caller]
fn refused(behaviour: Behaviour) -> (&'static str, String) {
    let server = IndexServer::start(scenario().on("/l/reviews.toml", behaviour));
    let error = Tried::new().fetch(&format!("{}/l", server.url()), &Had::default()).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn both_files_come_with_their_digests() {
    let server = IndexServer::start(scenario());
    let fetched = Tried::new().fetch(&format!("{}/l/", server.url()), &Had::default()).unwrap();
    assert_eq!(fetched.ledger.bytes, OURS.as_bytes());
    assert_eq!(fetched.ledger.shown, format!("{}/l/ledger.toml", server.url()));
    assert_eq!(fetched.ledger.digest.0, <[u8; 32]>::from(sha2::Sha256::digest(OURS)));
    assert_eq!(fetched.reviews.bytes, b"# reviews\n");
}

#[test]
fn what_we_have_is_not_sent_again() {
    let (server, tried) = (IndexServer::start(scenario()), Tried::new());
    let url = format!("{}/l", server.url());
    let first = tried.fetch(&url, &Had::default()).unwrap();
    let had = Had {
        ledger: Some(first.ledger.bytes.clone()),
        reviews: Some(first.reviews.bytes.clone()),
    };
    assert_eq!(tried.fetch(&url, &had).unwrap(), first);
    let asked = server.requests();
    assert_eq!(asked.len(), 4);
    assert!(asked[2..].iter().all(|it| it.header("if-none-match").is_some()), "{asked:?}");
    // Of other bytes than those that came with the validators nothing is asked conditionally.
    let other = Had { ledger: Some(b"other".to_vec()), reviews: had.reviews };
    assert_eq!(tried.fetch(&url, &other).unwrap(), first);
    assert!(server.requests()[4].header("if-none-match").is_none());
}

#[test]
fn servers_that_lie_are_refused() {
    let code = |behaviour| refused(behaviour).0;
    assert_eq!(code(Behaviour::Endless { declared: true }), "import-too-large");
    assert_eq!(code(Behaviour::Stall), "import-too-slow");
    assert_eq!(code(Behaviour::Truncated { send: 3 }), "import-unreachable");
    assert_eq!(code(Behaviour::Garbage), "import-unreachable");
    assert_eq!(code(Behaviour::Drop), "import-unreachable");
    let drip = Behaviour::SlowDrip { bytes: 1, every: Duration::from_millis(200) };
    assert_eq!(code(drip), "import-too-slow");
    let status = |code| Behaviour::Status { code, retry_after: None };
    assert_eq!(code(status(404)), "import-not-there");
    assert_eq!(code(status(500)), "import-unreachable");
}

#[test]
fn a_page_is_no_ledger() {
    for content_type in ["text/html; charset=utf-8", "text/plain"] {
        let (content_type, body) =
            (content_type.to_owned(), Body::Bytes(Arc::from(&b"<!doctype html><p>log in"[..])));
        let (code, message) = refused(Behaviour::Replace { content_type, body });
        assert_eq!(code, "import-unreachable");
        assert!(message.ends_with("answered with an html page instead of a file"), "{message}");
    }
}

#[test]
fn no_other_host_is_asked() {
    let other = IndexServer::start(scenario());
    for location in
        [format!("{}/l/reviews.toml", other.url()), "https://192.0.2.1/reviews.toml".to_owned()]
    {
        let (code, message) = refused(Behaviour::Redirect { code: 302, location });
        assert_eq!(code, "import-unreachable");
        assert!(message.ends_with("a redirect to another host is refused"), "{message}");
    }
    assert!(other.requests().is_empty());
    // On the same host it is where a file moved.
    let moved = Behaviour::Redirect { code: 301, location: "/l/reviews.toml".to_owned() };
    let server = IndexServer::start(scenario().on("/m/reviews.toml", moved).serve(
        "/m/ledger.toml",
        "text/plain",
        OURS,
    ));
    let fetched = Tried::new().fetch(&format!("{}/m", server.url()), &Had::default()).unwrap();
    assert_eq!(fetched.reviews.bytes, b"# reviews\n");
}

#[test]
fn a_server_that_sends_just_enough_has_no_more_time() {
    let drip = Behaviour::SlowDrip { bytes: 2048, every: Duration::from_millis(20) };
    let body = "#".repeat(8 << 20);
    let server = IndexServer::start(
        scenario().serve("/l/ledger.toml", "text/plain", body.as_str()).on("/l/ledger.toml", drip),
    );
    let mut tried = Tried::new();
    tried.time = Duration::from_millis(200);
    let error = tried.fetch(&format!("{}/l", server.url()), &Had::default()).unwrap_err();
    assert!(matches!(error, FetchError::TooSlow { .. }), "{error}");
}

#[test]
fn folders_are_read_and_what_is_no_file_is_not() {
    let (tried, folder) = (Tried::new(), tempfile::tempdir().unwrap());
    let path = folder.path().to_str().unwrap();
    let code = || tried.fetch(path, &Had::default()).map_err(|error| error.code());
    assert_eq!(code(), Err("import-not-there"));
    std::fs::write(folder.path().join(LEDGER), OURS).unwrap();
    std::fs::create_dir(folder.path().join(REVIEWS)).unwrap();
    assert_eq!(code(), Err("import-not-there"));
    std::fs::remove_dir(folder.path().join(REVIEWS)).unwrap();
    std::fs::write(folder.path().join(REVIEWS), "").unwrap();
    assert_eq!(code().unwrap().ledger.bytes, OURS.as_bytes());
    let long = vec![b'#'; usize::try_from(MAXIMUM_LEDGER).unwrap() + 1];
    std::fs::write(folder.path().join(LEDGER), long).unwrap();
    assert_eq!(code(), Err("import-too-large"));
}

#[test]
fn certificates_stay_below_the_folder() {
    let (tried, folder) = (Tried::new(), tempfile::tempdir().unwrap());
    std::fs::create_dir_all(folder.path().join("l/keys")).unwrap();
    for (name, text) in [("l/ledger.toml", OURS), ("l/reviews.toml", ""), ("l/keys/a.asc", "key")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    let origin = Origin::Folder(folder.path().join("l"));
    let fetched = fetch(&origin, &Had::default(), &tried.fetching()).unwrap();
    let beside = |path| fetch_beside(&origin, &fetched, path, &tried.fetching());
    assert_eq!(beside("keys/a.asc").unwrap().bytes, b"key");
    for path in ["../secret", "keys/../../secret", "/etc/hostname", "", "keys//a.asc", "c:\\x"] {
        assert_eq!(beside(path).map_err(|error| error.code()), Err("import-path"), "{path}");
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let run = std::process::Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn repositories_are_read_at_their_branch() {
    let (tried, folder) = (Tried::new(), tempfile::tempdir().unwrap());
    let root = folder.path();
    git(root, &["init", "-q", "-b", "trunk", "."]);
    std::fs::create_dir(root.join("ledger")).unwrap();
    let write = |text: &str| {
        std::fs::write(root.join("ledger/ledger.toml"), text).unwrap();
        std::fs::write(root.join("ledger/reviews.toml"), "").unwrap();
        git(root, &["add", "."]);
        git(root, &["commit", "-q", "-m", text]);
    };
    write("# one\n");
    git(root, &["tag", "v1"]);
    write("# two\n");
    let url = format!("git+file://{}", root.display());
    let ledger = |url: &str| {
        let fetched = tried.fetch(url, &Had::default()).map_err(|error| error.code())?;
        assert_eq!(fetched.repository.as_ref().map(|it| it.commit.len()), Some(40));
        Ok::<_, &str>(String::from_utf8(fetched.ledger.bytes).unwrap())
    };
    assert_eq!(ledger(&url).as_deref(), Ok("# two\n"));
    assert_eq!(ledger(&format!("{url}@v1")).as_deref(), Ok("# one\n"));
    assert_eq!(ledger(&format!("{url}@absent")).as_deref(), Err(&"import-not-there"));
    assert_eq!(ledger(&format!("{url}#subdirectory=x")).as_deref(), Err(&"import-not-there"));
    // What is new comes with the next fetch; of several branches one has to be named.
    write("# three\n");
    git(root, &["branch", "other"]);
    assert_eq!(ledger(&url).as_deref(), Err(&"import-not-there"));
    assert_eq!(ledger(&format!("{url}@trunk")).as_deref(), Ok("# three\n"));
}
