//! The client against the index that can lie.

use std::sync::Mutex;
use std::time::SystemTime;

use countermark_testkit::index::{Behaviour, IndexServer, Scenario};
use countermark_trust::Class;

use super::*;
use crate::credentials::{Keyring, Netrc, Secret, split_userinfo};

const LIMIT: u64 = 1024 * 1024;

/// A client that does not wait, and what it would have waited.
struct Tried {
    client: Client,
    waits: Arc<Mutex<Vec<Duration>>>,
}

fn store(urls: &[String], netrc: &str) -> Arc<CredentialStore> {
    let known = urls.iter().filter_map(|text| split_userinfo(&url(text)).1).collect();
    Arc::new(CredentialStore::new(known, Netrc::parse(netrc).unwrap(), Keyring::default()))
}

fn tried(change: impl FnOnce(&mut Options), credentials: Arc<CredentialStore>) -> Tried {
    let mut options = Options { proxies: Proxies::Off, ..Options::default() };
    change(&mut options);
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    let effects = Effects {
        now: Arc::new(|| SystemTime::UNIX_EPOCH),
        jitter: Arc::new(|| 1.0),
        sleep: Arc::new(move |time| {
            seen.lock().unwrap().push(time);
            Box::pin(std::future::ready(()))
        }),
    };
    Tried { client: Client::with_effects(options, credentials, effects), waits }
}

fn plain() -> Tried {
    tried(|_| {}, Arc::default())
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl Tried {
    fn fetch(&self, text: &str) -> Result<Document, HttpError> {
        run(self.client.fetch(&Request::document(&url(text), "text/html", LIMIT)))
    }

    /// The bytes, and how often they began anew.
    fn download(&self, request: &Request) -> Result<(Vec<u8>, u32), HttpError> {
        let mut bytes = Vec::new();
        let mut starts = 0;
        let result = run(self.client.download(request, |piece| {
            match piece {
                Piece::Start { .. } => {
                    starts += 1;
                    bytes.clear();
                }
                Piece::Bytes(more) => bytes.extend_from_slice(more),
            }
            Ok::<(), std::convert::Infallible>(())
        }));
        match result {
            Ok(downloaded) => {
                assert_eq!(downloaded.size, bytes.len() as u64);
                Ok((bytes, starts))
            }
            Err(DownloadError::Http(error)) => Err(error),
            Err(DownloadError::Sink(never)) => match never {},
        }
    }

    fn waits(&self) -> Vec<f64> {
        self.waits.lock().unwrap().iter().map(Duration::as_secs_f64).collect()
    }
}

fn status(code: u16, retry_after: Option<&str>) -> Behaviour {
    Behaviour::Status { code, retry_after: retry_after.map(str::to_owned) }
}

fn redirect(location: &str) -> Behaviour {
    Behaviour::Redirect { code: 302, location: location.into() }
}

/// A file that is not compressible and not a page.
fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 256) as u8).collect()
}

fn serving(path: &str, length: usize) -> Scenario {
    Scenario::new().serve(path, "application/octet-stream", body(length))
}

#[test]
fn a_document_and_a_file() {
    let server = IndexServer::start(serving("/f", 300_000).serve("/d", "text/html", "<html>"));
    let tried = plain();
    let document = tried.fetch(&format!("{}/d", server.url())).unwrap();
    assert_eq!(document.body, b"<html>");
    assert_eq!(document.content_type.as_deref(), Some("text/html"));
    let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT);
    assert_eq!(tried.download(&request).unwrap(), (body(300_000), 1));
    let requests = server.requests();
    assert_eq!(requests[0].header("accept-encoding"), Some("gzip"));
    assert_eq!(requests[1].header("accept-encoding"), Some("identity"));
    assert!(requests[1].header("user-agent").unwrap().starts_with("countermark/"));
    assert_eq!(tried.waits(), [0.0; 0]);
}

#[test]
fn failures_that_pass() {
    let check = |behaviour: Behaviour, waits: &[f64]| {
        let name = format!("{behaviour:?}");
        let server = IndexServer::start(serving("/f", 90_000).on_first(2, "/f", behaviour));
        let tried = plain();
        let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT);
        assert_eq!(tried.download(&request).unwrap().0, body(90_000), "{name}");
        assert_eq!(tried.waits(), waits, "{name}");
        assert_eq!(server.requests().len(), 3, "{name}");
    };
    check(status(503, None), &[0.5, 1.0]);
    check(status(503, Some("7")), &[7.0, 7.0]);
    check(status(429, Some("Thu, 01 Jan 1970 00:00:30 GMT")), &[30.0, 30.0]);
    check(status(500, Some("soon")), &[0.5, 1.0]);
    check(Behaviour::Truncated { send: 70_000 }, &[0.5, 1.0]);
    check(Behaviour::Garbage, &[0.5, 1.0]);
    check(Behaviour::Drop, &[0.5, 1.0]);
}

#[test]
fn failures_that_stay() {
    let check = |behaviour: Behaviour, attempts: usize, expect: &str, class: Class| {
        let name = format!("{behaviour:?}");
        let server = IndexServer::start(serving("/f", 90_000).on("/f", behaviour));
        let tried = plain();
        let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT);
        let error = tried.download(&request).unwrap_err();
        let message = error.to_string().replace(&server.url(), "");
        assert_eq!((message.as_str(), error.class()), (expect, class), "{name}");
        assert_eq!(server.requests().len(), attempts, "{name}");
    };
    let unavailable = Class::Unavailable;
    check(status(503, None), 5, "`/f` answered with status 503", unavailable);
    check(status(503, Some("3600")), 1, "`/f` answered with status 503", unavailable);
    check(status(404, None), 1, "`/f` answered with status 404", unavailable);
    check(status(206, None), 1, "`/f` answered with status 206", unavailable);
    check(status(401, None), 1, "`/f` asks for credentials", unavailable);
    let cut = "`/f` was cut off after 10 bytes of 90000";
    check(Behaviour::Truncated { send: 10 }, 5, cut, unavailable);
    let long = "`/f` is longer than the limit of 1048576 bytes";
    check(Behaviour::Endless { declared: true }, 1, long, unavailable);
    check(Behaviour::Endless { declared: false }, 1, long, unavailable);
    let page = "`/f` answered with an html page instead of a file";
    let html = Behaviour::Replace {
        content_type: "text/plain".into(),
        body: "<!DOCTYPE html><p>log in".into(),
    };
    check(html, 1, page, unavailable);
    let to_http = "`/f` redirects to `http://plain.example/f`: a redirect to plain http is refused";
    check(redirect("http://plain.example/f"), 1, to_http, Class::Rejected);
    let many = "`/f` redirects to `/f`: too many redirects";
    check(redirect("/f"), 11, many, unavailable);
    let hidden = "`/f?…` redirects to `/f?…`: too many redirects";
    check(redirect("/f?token=secret"), 11, hidden, unavailable);
}

#[test]
fn pinned_and_advertised_sizes() {
    let check = |behaviour: Option<Behaviour>, pinned, advertised, expect: Result<(), &str>| {
        let name = format!("{behaviour:?} {pinned:?} {advertised:?}");
        let mut scenario = serving("/f", 1000);
        if let Some(behaviour) = behaviour {
            scenario = scenario.on("/f", behaviour);
        }
        let server = IndexServer::start(scenario);
        let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT)
            .pinned_size(pinned)
            .advertised_size(advertised);
        let result = plain().download(&request);
        let found = result.map(|_| ()).map_err(|error| {
            format!("{} {:?}", error.to_string().replace(&server.url(), ""), error.class())
        });
        assert_eq!(found, expect.map_err(str::to_owned), "{name}");
    };
    let differs = "`/f` has not the size that was pinned: expected";
    check(None, Some(1000), None, Ok(()));
    check(None, Some(1000), Some(7), Ok(()));
    check(None, None, Some(7), Ok(()));
    check(None, None, Some(2000), Ok(()));
    check(None, Some(999), None, Err(&format!("{differs} 999 bytes, found 1000 or more Rejected")));
    check(None, Some(1001), None, Err(&format!("{differs} 1001 bytes, found 1000 Rejected")));
    let declared = |length| Some(Behaviour::DeclaredLength(length));
    check(
        declared(900),
        Some(1000),
        None,
        Err(&format!("{differs} 1000 bytes, found 900 Rejected")),
    );
    check(
        declared(1100),
        Some(1000),
        None,
        Err(&format!("{differs} 1000 bytes, found 1001 or more Rejected")),
    );
    // Without a length nobody knows; the sizes of the lock file or of the page tell.
    let cut = "`/f` was cut off after 300 bytes of 1000 Unavailable";
    let closed = || Some(Behaviour::ClosedEarly { send: 300 });
    check(closed(), Some(1000), None, Err(cut));
    check(closed(), None, Some(1000), Err(cut));
    check(closed(), None, None, Ok(()));
}

#[test]
fn a_broken_download_goes_on_where_it_can() {
    let path = |server: &IndexServer| Request::file(&url(&format!("{}/f", server.url())), LIMIT);
    let broken =
        |scenario: Scenario| scenario.on_first(1, "/f", Behaviour::Truncated { send: 60_000 });
    let etag = Behaviour::Header { name: "ETag".into(), value: "\"one\"".into() };

    // The validator of the beginning is not that of the server's file: it sends all of it again.
    let server =
        IndexServer::start(broken(serving("/f", 90_000)).with_etags().on("/f", etag.clone()));
    assert_eq!(plain().download(&path(&server)).unwrap(), (body(90_000), 2));
    assert_eq!(server.requests()[1].header("if-range"), Some("\"one\""));
    assert!(server.requests()[1].header("range").is_some());

    // The same validator: the rest is enough.
    let tag = {
        let server = IndexServer::start(serving("/f", 90_000).with_etags());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = run(client.get(format!("{}/f", server.url())).send()).unwrap();
        response.headers()[header::ETAG].to_str().unwrap().to_owned()
    };
    let etag = Behaviour::Header { name: "ETag".into(), value: tag };
    let server = IndexServer::start(broken(serving("/f", 90_000)).with_etags().on("/f", etag));
    assert_eq!(plain().download(&path(&server)).unwrap(), (body(90_000), 1));

    // No validator: nobody knows whether it is the same file, so it is read anew.
    let server = IndexServer::start(broken(serving("/f", 90_000)));
    assert_eq!(plain().download(&path(&server)).unwrap(), (body(90_000), 2));
    assert_eq!(server.requests()[1].header("range"), None);
}

#[test]
fn silence_and_slowness_end() {
    let check = |behaviour: Behaviour, expect: &str| {
        let server = IndexServer::start(serving("/f", 90_000).on("/f", behaviour));
        let impatient = |options: &mut Options| {
            options.retries.count = 0;
            options.timeouts.idle = Duration::from_millis(150);
            options.timeouts.rate_window = Duration::from_millis(40);
            options.timeouts.least_rate = 1_000_000;
        };
        let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT);
        let error = tried(impatient, Arc::default()).download(&request).unwrap_err();
        assert_eq!(error.to_string().replace(&server.url(), ""), expect);
        assert_eq!(error.class(), Class::Unavailable);
    };
    check(Behaviour::Stall, "`/f` did not answer within 0.15 s");
    let drip = Behaviour::SlowDrip { bytes: 1, every: Duration::from_millis(5) };
    check(drip, "`/f` sends less than 1000000 bytes per second");
}

#[test]
fn nobody_listens() {
    let server = IndexServer::start(Scenario::new());
    let address = format!("{}/f", server.url());
    drop(server);
    let error = plain().fetch(&address).unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    assert_eq!(error.class(), Class::Unavailable);
}

#[test]
fn compressed_documents() {
    let page = "<html>".repeat(10_000);
    let check = |scenario: Scenario, limit: u64, expect: Result<usize, &str>| {
        let server = IndexServer::start(scenario);
        let address = format!("{}/d", server.url());
        let request = Request::document(&url(&address), "text/html", limit);
        let found = run(plain().client.fetch(&request));
        let found = found
            .map(|it| it.body.len())
            .map_err(|error| error.to_string().replace(&server.url(), ""));
        assert_eq!(found, expect.map_err(str::to_owned));
    };
    let scenario = || Scenario::new().serve("/d", "text/html", page.clone());
    check(scenario().on("/d", Behaviour::Gzip), LIMIT, Ok(60_000));
    let long = "`/d` is longer than the limit of 50000 bytes";
    check(scenario().on("/d", Behaviour::Gzip), 50_000, Err(long));
    let encoded =
        |value: &str| Behaviour::Header { name: "Content-Encoding".into(), value: value.into() };
    let unread = "`/d` is encoded in a way that cannot be read: ";
    check(scenario().on("/d", encoded("br")), LIMIT, Err(&format!("{unread}`br`")));
    check(
        scenario().on("/d", encoded("gzip")),
        LIMIT,
        Err(&format!("{unread}invalid gzip header")),
    );
}

#[test]
fn a_compressed_file_stays_as_it_is() {
    let server = IndexServer::start(serving("/f", 5000).on("/f", Behaviour::Gzip));
    let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT);
    let (bytes, _) = plain().download(&request).unwrap();
    assert!(bytes.starts_with(b"\x1f\x8b"));
}

#[test]
fn credentials_stay_at_home() {
    let private = || serving("/private/f", 10).basic_auth("/private/", "user", "secret");
    let elsewhere = IndexServer::start(serving("/f", 10));
    let to_elsewhere = format!("{}/f", elsewhere.localhost_url());
    let server = IndexServer::start(
        private().on("/private/away", redirect(&to_elsewhere)).on("/private/near", redirect("f")),
    );
    let with_userinfo = server.url().replace("http://", "http://user:secret@");
    let netrc = "machine localhost login other password other";
    let tried = tried(|_| {}, store(&[format!("{with_userinfo}/private/")], netrc));

    tried.fetch(&format!("{}/private/f", server.url())).unwrap();
    tried.fetch(&format!("{}/private/near", server.url())).unwrap();
    let basic = Some("Basic dXNlcjpzZWNyZXQ=");
    assert!(server.requests().iter().all(|request| request.header("authorization") == basic));

    tried.fetch(&format!("{}/private/away", server.url())).unwrap();
    let seen = elsewhere.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[0].header("referer"), None);

    // The same store, asked for that host at first hand.
    tried.fetch(&to_elsewhere).unwrap();
    assert!(elsewhere.requests()[1].header("authorization").is_some());
}

#[test]
fn passwords_in_a_url_are_used_and_not_shown() {
    let server = IndexServer::start(serving("/f", 10).basic_auth("/", "user", "secret"));
    let right = server.url().replace("http://", "http://user:secret@");
    plain().fetch(&format!("{right}/f")).unwrap();
    let wrong = server.url().replace("http://", "http://user:hidden@");
    let error = plain().fetch(&format!("{wrong}/f")).unwrap_err();
    let expect = "asks for credentials, and does not accept those it was given";
    assert!(error.to_string().ends_with(expect), "{error}");
    assert!(!format!("{error} {error:?}").contains("hidden"));
    assert!(server.requests().iter().all(|request| !request.target.contains("hidden")));
}

#[test]
fn plain_http_needs_a_name() {
    let check = |allow: bool, origins: &[&str], expect: bool| {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let tried = tried(
            |options| {
                options.plain_http = origins;
                options.retries.count = 0;
                // Nobody listens there: what is allowed fails later.
                options.proxies = Proxies::Given {
                    http: Some(Secret::new("http://127.0.0.1:1")),
                    https: None,
                    except: None,
                };
            },
            Arc::default(),
        );
        let mut request = Request::file(&url("http://plain.example/f"), LIMIT);
        if allow {
            request = request.allow_plain_http();
        }
        let error = tried.download(&request).unwrap_err();
        assert_eq!(!matches!(error, HttpError::PlainHttp { .. }), expect, "{error}");
    };
    check(false, &[], false);
    check(false, &["http://other.example"], false);
    check(false, &["http://plain.example"], true);
    check(true, &[], true);
    let error = plain().fetch("ftp://x.example/f").unwrap_err();
    assert!(matches!(error, HttpError::Scheme { .. }));
    assert_eq!(error.class(), Class::Usage);
}

#[test]
fn a_proxy_is_asked_but_not_for_this_machine() {
    let proxy = IndexServer::start(Scenario::new());
    let given = Proxies::Given { http: Some(Secret::new(proxy.url())), https: None, except: None };
    let tried = tried(|options| options.proxies = given, Arc::default());
    let request =
        Request::document(&url("http://plain.example/f"), "*/*", LIMIT).allow_plain_http();
    assert!(run(tried.client.fetch(&request)).is_err());
    assert_eq!(proxy.request_lines(), ["GET http://plain.example/f"]);

    let server = IndexServer::start(serving("/f", 10));
    tried.fetch(&format!("{}/f", server.url())).unwrap();
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn offline() {
    let server = IndexServer::start(serving("/f", 10));
    let tried = tried(|options| options.offline = true, Arc::default());
    let error = tried.fetch(&format!("{}/f", server.url())).unwrap_err();
    assert!(matches!(error, HttpError::Offline { .. }));
    assert_eq!(server.requests(), []);
}

#[test]
fn certificates() {
    let plain_server = IndexServer::start(serving("/f", 10));
    let to_http = redirect(&format!("{}/f", plain_server.url()));
    let (server, pem) = IndexServer::start_tls(serving("/f", 10).on("/away", to_http));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, pem).unwrap();
    let with = |place: std::path::PathBuf| {
        tried(|options| options.authorities = Authorities::Only(vec![place]), Arc::default())
    };
    let address = format!("{}/f", server.url());
    for place in [file.clone(), folder.path().to_owned()] {
        assert_eq!(with(place).fetch(&address).unwrap().body, body(10));
    }

    let (_, other) = IndexServer::start_tls(Scenario::new());
    let stranger = folder.path().join("other.pem");
    std::fs::write(&stranger, other).unwrap();
    let error = with(stranger).fetch(&address).unwrap_err();
    assert!(matches!(error, HttpError::Certificate { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Unavailable);

    let error = with(file).fetch(&format!("{}/away", server.url())).unwrap_err();
    assert!(
        matches!(error, HttpError::Redirect { reason: RedirectRefusal::PlainHttp, .. }),
        "{error:?}"
    );
    assert_eq!(plain_server.requests(), []);

    for bad in ["nowhere.pem", "empty.pem"] {
        std::fs::write(folder.path().join("empty.pem"), "nothing").unwrap();
        let error = with(folder.path().join(bad)).fetch(&address).unwrap_err();
        assert!(matches!(error, HttpError::CertificateFile { .. }), "{error:?}");
        assert_eq!(error.class(), Class::Usage);
    }
}

#[test]
fn a_sink_that_refuses_ends_the_download() {
    let server = IndexServer::start(serving("/f", 90_000));
    let request = Request::file(&url(&format!("{}/f", server.url())), LIMIT);
    let result = run(plain().client.download(&request, |piece| match piece {
        Piece::Start { length } => {
            assert_eq!(length, Some(90_000));
            Ok(())
        }
        Piece::Bytes(_) => Err("disk full"),
    }));
    assert!(matches!(result, Err(DownloadError::Sink("disk full"))));
    assert_eq!(server.requests().len(), 1);
}
