//! The order of sources, statuses, and pages that cannot be used.

use countermark_testkit::index::{Behaviour, Format, IndexServer, Scenario, ServedFile};

use super::*;
use crate::http::{Options, Proxies, Retries};
use crate::settings::{Binding, FindLinks, LinksPlace, NamePattern, Origin};

const WHEEL: &str = "x-1-py3-none-any.whl";

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

fn index(name: &str, url: &str) -> Index {
    let url = Url::parse(url).unwrap();
    Index { name: Some(name.into()), url, explicit: false, origin: Origin::Default }
}

fn client(sources: Sources) -> IndexClient {
    let retries = Retries { count: 0, ..Retries::default() };
    let options = Options { proxies: Proxies::Off, retries, ..Options::default() };
    IndexClient::new(Arc::new(Client::new(options, Arc::default())), sources)
}

fn over(servers: &[(&str, &IndexServer)]) -> IndexClient {
    let indexes = servers.iter().map(|(name, it)| index(name, &it.simple_url())).collect();
    client(Sources { indexes, ..Sources::default() })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn ask(client: &IndexClient, name: &str) -> Result<Vec<IndexPage>, IndexError> {
    run(client.project_pages(&project(name)))
}

/// Source and file names of each page.
fn shown(pages: &[IndexPage]) -> Vec<(String, Vec<String>)> {
    pages
        .iter()
        .map(|page| {
            let source = match &page.source {
                PageSource::Index(index) => index.name.clone().unwrap_or_default(),
                PageSource::Links(_) => "links".into(),
            };
            (source, page.page.files.iter().map(|file| file.filename.clone()).collect())
        })
        .collect()
}

fn page(source: &str, files: &[&str]) -> (String, Vec<String>) {
    (source.into(), files.iter().map(|file| (*file).into()).collect())
}

fn with_wheel() -> Scenario {
    Scenario::new().file("x", ServedFile::honest(WHEEL, "wheel").with_metadata("metadata"))
}

#[test]
fn json_and_html_are_equals() {
    let file = ServedFile::honest(WHEEL, "wheel").with_metadata("m").advertise(|said| {
        said.requires_python = Some(">=3.8".into());
        said.yanked = Some("bad".into());
        said.size = None;
    });
    let pages = [Format::Json, Format::Html, Format::Negotiated].map(|format| {
        let scenario = Scenario::new().file("x", file.clone()).format(format);
        let server = IndexServer::start(scenario);
        let pages = ask(&over(&[("a", &server)]), "X").unwrap();
        assert_eq!(server.request_lines(), ["GET /simple/x/"]);
        let mut files = pages[0].page.files.clone();
        for file in &mut files {
            file.url = file.url.replace(&server.url(), "");
        }
        files
    });
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
    assert_eq!(pages[0][0].url, format!("/files/{WHEEL}"));
}

#[test]
fn order_absence_and_one_question() {
    let without = IndexServer::start(Scenario::new());
    let other = ServedFile::honest("x-2-py3-none-any.whl", "two");
    let one = IndexServer::start(with_wheel());
    let two = IndexServer::start(Scenario::new().file("x", other));
    let client = over(&[("none", &without), ("one", &one), ("two", &two)]);
    let expect = [page("one", &[WHEEL]), page("two", &["x-2-py3-none-any.whl"])];
    for _ in 0..2 {
        assert_eq!(shown(&ask(&client, "x").unwrap()), expect);
    }
    assert_eq!((without.requests().len(), one.requests().len(), two.requests().len()), (1, 1, 1));
    assert_eq!(ask(&client, "nobody-has-it").unwrap(), []);
    let first: Vec<_> = ask(&client, "x").unwrap();
    let first: Vec<_> = first_offer(&first).map(|file| file.filename.as_str()).collect();
    assert_eq!(first, [WHEEL]);
}

#[test]
fn old_answers_make_room() {
    let page = |files: usize| {
        let file = links::bare_file(WHEEL, &Url::parse("https://x.example/").unwrap());
        let page = ProjectPage { files: vec![file; files], ..ProjectPage::default() };
        let source = PageSource::Links("x".into());
        IndexPage { source, page: Arc::new(page), notes: vec![] }
    };
    let mut answers = Answers::default();
    for (url, files) in [("a", 9_000), ("b", 9_000), ("c", 9_000), ("d", 30_000), ("e", 1)] {
        answers.entry(url);
        answers.came(url, Some(&page(files)));
    }
    let kept: Vec<_> = answers.by_url.keys().map(String::as_str).collect();
    assert_eq!((kept, answers.files), (vec!["e"], 1));
}

#[test]
fn an_outage_does_not_open_the_next_index() {
    let check = |behaviour: Behaviour, code: &str, class: Class| {
        let private = IndexServer::start(with_wheel().on("/simple/x/", behaviour));
        let public = IndexServer::start(with_wheel());
        let error = ask(&over(&[("private", &private), ("public", &public)]), "x").unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{error}");
        assert!(error.to_string().starts_with("cannot ask private (http"), "{error}");
    };
    let status = |code| Behaviour::Status { code, retry_after: None };
    check(status(503), "http-status", Class::Unavailable);
    check(status(403), "http-status", Class::Unavailable);
    check(status(401), "unauthorized", Class::Unavailable);
    check(status(451), "http-status", Class::Unavailable);
    check(Behaviour::Drop, "unreachable", Class::Unavailable);
    check(Behaviour::Truncated { send: 1 }, "truncated", Class::Unavailable);
}

#[test]
fn bound_names_are_asked_at_one_index() {
    let public = IndexServer::start(with_wheel());
    let private = IndexServer::start(with_wheel());
    let bound = Index { explicit: true, ..index("private", &private.simple_url()) };
    let binding = Binding {
        names: NamePattern::parse("x*").unwrap(),
        index: bound.clone(),
        origin: Origin::Default,
    };
    let indexes = vec![index("public", &public.simple_url()), bound];
    let client = client(Sources { indexes, bindings: vec![binding], ..Sources::default() });
    assert_eq!(shown(&ask(&client, "x").unwrap()), [page("private", &[WHEEL])]);
    assert_eq!(ask(&client, "xyz").unwrap(), []);
    assert_eq!(public.requests(), []);
    // And an explicit index is asked for nothing else.
    assert_eq!(ask(&client, "other").unwrap(), []);
    assert_eq!(private.request_lines(), ["GET /simple/x/", "GET /simple/xyz/"]);
}

#[test]
fn statuses() {
    let check = |format: Format| {
        let server = IndexServer::start(
            with_wheel()
                .format(format)
                .status("x", "quarantined", Some("stolen account"))
                .status("old", "archived", None)
                .status("odd", "deprecated", Some("use `new`"))
                .status("fine", "active", None)
                .status("cursed", "cursed", None),
        );
        let client = over(&[("a", &server)]);
        let error = ask(&client, "x").unwrap_err();
        assert_eq!((error.code(), error.class()), ("quarantined", Class::Rejected));
        assert!(error.to_string().ends_with("has put `x` into quarantine: stolen account"));
        let notes = |name: &str| ask(&client, name).unwrap()[0].notes.concat();
        assert!(notes("old").starts_with("`old` is archived: no more"), "{}", notes("old"));
        assert!(notes("odd").contains("should be used (use `new`), says a ("), "{}", notes("odd"));
        assert_eq!(notes("fine"), "");
        let error = ask(&client, "cursed").unwrap_err();
        assert_eq!((error.code(), error.class()), ("bad-page", Class::Unavailable));
    };
    check(Format::Json);
    check(Format::Html);
}

#[test]
fn quarantine_on_a_later_index() {
    let private = IndexServer::start(with_wheel());
    let public = IndexServer::start(with_wheel().status("x", "quarantined", None));
    let pages = ask(&over(&[("private", &private), ("public", &public)]), "x").unwrap();
    assert_eq!(shown(&pages), [page("private", &[WHEEL]), page("public", &[])]);
    assert!(pages[1].notes[0].ends_with("its files there are not used"), "{:?}", pages[1].notes);
    let error = ask(&over(&[("public", &public), ("private", &private)]), "x").unwrap_err();
    assert_eq!(error.code(), "quarantined");
}

#[test]
fn a_status_is_asked_by_every_run() {
    let server = IndexServer::start(with_wheel().with_etags());
    assert!(ask(&over(&[("a", &server)]), "x").is_ok());
    server.change(|scenario| scenario.status("x", "quarantined", None));
    assert_eq!(ask(&over(&[("a", &server)]), "x").unwrap_err().code(), "quarantined");
}

#[test]
fn pages_that_cannot_be_used() {
    let check = |content_type: &str, body: &str, expect: &str| {
        let behaviour = Behaviour::Replace { content_type: content_type.into(), body: body.into() };
        let server = IndexServer::start(with_wheel().on("/simple/x/", behaviour));
        let error = ask(&over(&[("a", &server)]), "x").unwrap_err();
        assert_eq!((error.code(), error.class()), (expect, Class::Unavailable), "{error}");
    };
    let json = "application/vnd.pypi.simple.v1+json";
    check(json, "<html>", "bad-page");
    check("text/html", "", "bad-page");
    check("image/png", "x", "bad-page");
    let other = r#"{"meta": {"api-version": "1.0"}, "name": "y", "files": []}"#;
    check(json, other, "other-project");
    let newer = r#"{"meta": {"api-version": "2.0"}, "name": "x", "files": []}"#;
    check(json, newer, "bad-page");
}

#[test]
fn unusable_entries_are_noted() {
    let bad = ServedFile::honest("x-2-py3-none-any.whl", "").advertise(|said| {
        said.digests = vec![("sha256".into(), "12".into())];
    });
    let server = IndexServer::start(with_wheel().file("x", bad));
    let pages = ask(&over(&[("a", &server)]), "x").unwrap();
    assert_eq!(shown(&pages), [page("a", &[WHEEL])]);
    assert!(pages[0].notes[0].contains("`12` is not a sha256 digest"), "{:?}", pages[0].notes);
}

#[test]
fn the_index_may_stand_elsewhere() {
    let moved = Behaviour::Redirect { code: 301, location: "/new/x/".into() };
    let page_text = format!("<a href='{WHEEL}'>x</a>");
    let scenario = Scenario::new().on("/simple/x/", moved).serve("/new/x/", "text/html", page_text);
    let server = IndexServer::start(scenario);
    let pages = ask(&over(&[("a", &server)]), "x").unwrap();
    let expect = format!("{}/new/x/{WHEEL}", server.url());
    assert_eq!(pages[0].page.files[0].url, expect);
}

#[test]
fn find_links() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(WHEEL, "");
    write("x-1.tar.gz", "");
    write("y-1-py3-none-any.whl", "");
    write("x.txt", "");
    write("links.html", "<a href='sub/x-3-py3-none-any.whl#md5=0cc175b9c0f1b6a831c399e269772661'>");
    let page_text = "<a href='x-4-py3-none-any.whl'>x</a><a href='y-4-py3-none-any.whl'>y</a>";
    let server = IndexServer::start(with_wheel().serve("/links", "text/html", page_text));
    let links = |place| FindLinks { place, origin: Origin::Default };
    let at = |path: &str| LinksPlace::Page(Url::parse(&format!("{}{path}", server.url())).unwrap());
    let find_links = vec![
        links(LinksPlace::Path(folder.path().into())),
        links(LinksPlace::Path(folder.path().join("links.html"))),
        links(at("/links")),
        links(at("/else/x-5-py3-none-any.whl")),
        links(LinksPlace::Path(folder.path().join("y-1-py3-none-any.whl"))),
    ];
    let indexes = vec![index("a", &server.simple_url())];
    let client = client(Sources { indexes, find_links, ..Sources::default() });
    let pages = ask(&client, "x").unwrap();
    let expect = [
        page("links", &[WHEEL, "x-1.tar.gz"]),
        page("links", &["x-3-py3-none-any.whl"]),
        page("links", &["x-4-py3-none-any.whl"]),
        page("links", &["x-5-py3-none-any.whl"]),
        page("a", &[WHEEL]),
    ];
    assert_eq!(shown(&pages), expect);
    assert_eq!(first_offer(&pages).count(), 6);
    let file = &pages[1].page.files[0];
    assert_eq!(file.digests.len(), 1);
    assert!(file.url.starts_with("file:///") && file.url.ends_with("/sub/x-3-py3-none-any.whl"));
    assert_eq!(ask(&client, "y").unwrap().len(), 3);
    assert_eq!(server.request_lines(), ["GET /links", "GET /simple/x/", "GET /simple/y/"]);
}

#[test]
fn links_that_cannot_be_read() {
    let server = IndexServer::start(Scenario::new());
    let check = |place: LinksPlace, code: &str, class: Class| {
        let find_links = vec![FindLinks { place, origin: Origin::Default }];
        let error = ask(&client(Sources { find_links, ..Sources::default() }), "x").unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{error}");
    };
    check(LinksPlace::Path("/nowhere/at/all".into()), "unreadable-links", Class::Usage);
    let missing = Url::parse(&format!("{}/missing", server.url())).unwrap();
    check(LinksPlace::Page(missing), "http-status", Class::Unavailable);
}

#[test]
fn an_index_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("x")).unwrap();
    let text = format!("<a href='../files/{WHEEL}'>x</a>");
    std::fs::write(folder.path().join("x/index.html"), text).unwrap();
    let root = Url::from_directory_path(folder.path()).unwrap();
    let local = client(Sources { indexes: vec![index("l", root.as_str())], ..Sources::default() });
    let pages = ask(&local, "x").unwrap();
    assert_eq!(shown(&pages), [page("l", &[WHEEL])]);
    assert_eq!(pages[0].page.files[0].url, format!("{root}files/{WHEEL}"));
    assert_eq!(ask(&local, "y").unwrap(), []);
    let indexes = vec![index("l", &format!("{root}missing/"))];
    let error = ask(&client(Sources { indexes, ..Sources::default() }), "x").unwrap_err();
    assert_eq!(error.code(), "unreadable-links");
}
