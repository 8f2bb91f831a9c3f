use countermark_testkit::index::{Behaviour, IndexServer, Scenario};

use super::*;
use crate::http::{Options, Proxies, Retries};

const LIMIT: u64 = 1024;

fn host(scenario: Scenario, path: &str) -> (IndexServer, HostDocuments) {
    let server = IndexServer::start(scenario);
    let url = Url::parse(&format!("{}{path}", server.url())).unwrap();
    (server, HostDocuments::new(&url, client(), None).unwrap())
}

fn client() -> Arc<Client> {
    let retries = Retries { count: 0, ..Retries::default() };
    let options = Options { proxies: Proxies::Off, retries, ..Options::default() };
    Arc::new(Client::new(options, Arc::default()))
}

fn page(links: &[&str]) -> String {
    links.iter().map(|link| format!("<a href=\"{link}\">x</a>\n")).collect()
}

fn tarballs() -> Scenario {
    Scenario::new()
        .serve(
            "/t/",
            "text/html",
            page(&["../", "lamp/", "bell-2.0.tar.gz", "https://o.example.org/t/x"]),
        )
        .serve("/t/lamp/", "text/html", page(&["/t/", "lamp-1.0%2Bx.tar.gz", "old/", "?C=N"]))
        .serve("/t/lamp/old/", "text/html", page(&["lamp-0.1.zip", "older/"]))
        .serve("/t/bell-2.0.tar.gz", "application/gzip", "bell")
        .serve("/t/lamp/lamp-1.0%2Bx.tar.gz", "application/gzip", "lamp")
        .serve("/t/lamp/lamp-1.0+x.tar.gz", "application/gzip", "lamp")
}

fn error<T: std::fmt::Debug>(result: Result<T, SourceError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn listings_are_followed_downwards() {
    let (server, documents) = host(tarballs(), "/t");
    let expect = ["bell-2.0.tar.gz", "lamp/lamp-1.0+x.tar.gz", "lamp/old/lamp-0.1.zip"];
    assert_eq!(documents.list("", "").unwrap(), expect);
    let asked: Vec<String> = server.requests().iter().map(|it| it.target.clone()).collect();
    assert_eq!(asked, ["/t/", "/t/lamp/", "/t/lamp/old/"]);
    assert_eq!(documents.list("lamp", ".zip").unwrap(), ["lamp/old/lamp-0.1.zip"]);
    assert_eq!(documents.list("nowhere", "").unwrap(), [""; 0]);
    assert_eq!(documents.read("bell-2.0.tar.gz", LIMIT).unwrap().unwrap(), b"bell");
    assert_eq!(documents.read("lamp/lamp-1.0+x.tar.gz", LIMIT).unwrap().unwrap(), b"lamp");
    assert_eq!(documents.read("nowhere", LIMIT).unwrap(), None);
    let mut text = String::new();
    documents.open("bell-2.0.tar.gz", LIMIT).unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "bell");
    assert!(documents.open("nowhere", LIMIT).unwrap().is_none());
    assert!(documents.history("").unwrap().is_none() && documents.tags().unwrap().is_none());
}

#[test]
fn it_works_within_a_runtime() {
    let (_server, documents) = host(tarballs(), "/t/");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(async { documents.read("bell-2.0.tar.gz", LIMIT) });
    assert_eq!(read.unwrap().unwrap(), b"bell");
}

#[test]
fn several_can_ask_at_a_time() {
    // The listing answers only by and by, and the file is there long before.
    let slow = Behaviour::Stall;
    let (server, documents) = host(tarballs().on("/t/lamp/", slow), "/t/");
    std::thread::scope(|scope| {
        let stalled = scope.spawn(|| documents.list("lamp", "").is_err());
        while !server.requests().iter().any(|it| it.target == "/t/lamp/") {
            std::thread::yield_now();
        }
        assert_eq!(documents.read("bell-2.0.tar.gz", LIMIT).unwrap().unwrap(), b"bell");
        drop(server);
        assert!(stalled.join().unwrap());
    });
}

#[test]
fn what_is_no_listing_is_an_error() {
    let check = |scenario: Scenario, expect: &str| {
        let (_server, documents) = host(scenario, "/t/");
        let found = error(documents.list("", ""));
        assert!(found.contains(expect), "{found}");
    };
    check(Scenario::new(), "/t/: there is no such listing");
    check(Scenario::new().serve("/t/", "text/html", "{}"), "/t/: the page is no HTML");
    // A folder that the listing names and that is gone is not an empty one.
    let half = Scenario::new().serve("/t/", "text/html", page(&["lamp/"]));
    check(half, "/t/lamp: there is no such listing");
    let broken = Behaviour::Status { code: 500, retry_after: None };
    check(tarballs().on("/t/lamp/", broken), "/t/lamp: `http");
}

#[test]
fn nothing_comes_from_another_origin() {
    let (other, _) = host(tarballs(), "/t/");
    let to =
        |path: &str| Behaviour::Redirect { code: 302, location: format!("{}{path}", other.url()) };
    let file = tarballs().on("/t/bell-2.0.tar.gz", to("/t/bell-2.0.tar.gz"));
    let (_server, documents) = host(file, "/t/");
    let expect = "a redirect to another host is refused";
    assert!(error(documents.read("bell-2.0.tar.gz", LIMIT)).ends_with(expect));
    assert!(documents.open("bell-2.0.tar.gz", LIMIT).is_err());
    let (_server, documents) = host(tarballs().on("/t/", to("/t/")), "/t/");
    assert!(error(documents.list("", "")).ends_with(expect));
    assert_eq!(other.requests(), []);
    // Within the origin a redirect is followed.
    let moved = Behaviour::Redirect { code: 301, location: "/flat/".into() };
    let flat = Scenario::new().serve("/flat/", "text/html", page(&["bell-2.0.tar.gz"]));
    let (_server, documents) = host(flat.on("/old/", moved), "/old/");
    assert_eq!(documents.list("", "").unwrap(), ["bell-2.0.tar.gz"]);
}

#[test]
fn reading_has_a_limit() {
    let endless = tarballs().on("/t/bell-2.0.tar.gz", Behaviour::Endless { declared: false });
    let (_server, documents) = host(endless, "/t/");
    let expect = "/t/bell-2.0.tar.gz has more than 1024 bytes";
    assert!(error(documents.read("bell-2.0.tar.gz", LIMIT)).ends_with(expect));
    assert!(documents.open("bell-2.0.tar.gz", LIMIT).is_err());
    let cut = tarballs().on("/t/bell-2.0.tar.gz", Behaviour::Truncated { send: 2 });
    let (_server, documents) = host(cut, "/t/");
    assert!(error(documents.read("bell-2.0.tar.gz", LIMIT)).contains("was cut off"));
}

#[test]
fn a_page_is_no_file() {
    let login = Behaviour::Replace {
        content_type: "text/html".into(),
        body: "<!DOCTYPE html><title>Log in</title>".into(),
    };
    let (_server, documents) = host(tarballs().on("/t/bell-2.0.tar.gz", login), "/t/");
    let found = error(documents.read("bell-2.0.tar.gz", LIMIT));
    assert!(found.contains("answered with an html page instead of a file"), "{found}");
}

#[test]
fn paths_stay_below_the_address() {
    let (server, documents) = host(tarballs(), "/t/");
    for path in ["../t/bell-2.0.tar.gz", "lamp/../../t/x", "..\\x"] {
        let found = error(documents.read(path, LIMIT));
        assert!(found.ends_with("the path leads out of it"), "{found}");
    }
    assert_eq!(documents.read("?x#y", LIMIT).unwrap(), None);
    let asked: Vec<String> = server.requests().iter().map(|it| it.target.clone()).collect();
    assert_eq!(asked, ["/t/%3Fx%23y"]);
}

#[test]
fn addresses_that_are_no_folder_are_refused() {
    let check = |text: &str| {
        let url = Url::parse(text).unwrap();
        let found = error(HostDocuments::new(&url, client(), None));
        assert!(found.ends_with("is not the address of a folder, `https://…/`"), "{found}");
        assert!(!found.contains("secret"), "{found}");
    };
    check("file:///t/");
    check("ftp://h.example.org/t/");
    check("https://user:secret@h.example.org/t/?x=secret");
    let url = Url::parse("https://user:secret@h.example.org/t/").unwrap();
    let documents = HostDocuments::new(&url, client(), None).unwrap();
    assert_eq!(documents.root(), "https://user:****@h.example.org/t/");
}
