//! The page, asked as a browser asks and as others would like to.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use countermark_client::contents::{Distribution, reading};
use countermark_packaging::digest::Sha256;
use countermark_testkit::wheel::Wheel;
use tower::ServiceExt as _;

use super::*;

const PORT: u16 = 4711;

fn digest(byte: u8) -> Sha256 {
    Sha256::parse_hex(&format!("{byte:02x}").repeat(32)).unwrap()
}

fn whole(wheel: &Wheel) -> Reading {
    let (filename, bytes) = (wheel.filename(), wheel.build());
    reading::whole(Distribution { archive: &bytes, filename: &filename }, digest(1)).unwrap()
}

fn difference(old: &Wheel, new: &Wheel) -> Reading {
    let (before, after) = (old.build(), new.build());
    let (old, new) = (old.filename(), new.filename());
    let side = |archive, filename, byte| (Distribution { archive, filename }, digest(byte));
    reading::difference(side(&before, &old, 1), side(&after, &new, 2)).unwrap()
}

struct Site {
    router: Router,
    room: Arc<Room>,
    state: tempfile::TempDir,
}

impl Site {
    fn new(reading: Reading) -> Self {
        let state = tempfile::tempdir().unwrap();
        let marks = Marks::open(state.path(), &reading);
        let desk = Desk {
            marks,
            reading,
            title: "tea 1.0".to_owned(),
            by: vec!["as in `pylock.toml`".to_owned(); 2],
            next: "countermark vet certify tea==1.0".to_owned(),
        };
        let gate = Gate::new(PORT, Token::of([7; 32]), Token::of([8; 32]));
        let room = Arc::new(Room::new(desk, gate, Instant::now()));
        Self { router: routes(&room), room, state }
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.ask(request("GET", &inside(path)).body(Body::empty()).unwrap()).await;
        let status = response.status();
        (status, text(response).await)
    }

    /// Presses a button; gives where it leads.
    async fn post(&self, path: &str) -> String {
        let request =
            request("POST", &inside(path)).header(header::ORIGIN, "http://127.0.0.1:4711");
        let response = self.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()[header::LOCATION].to_str().unwrap().to_owned()
    }
}

fn inside(path: &str) -> String {
    format!("/{}/{path}", "07".repeat(32))
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:4711")
}

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn tea() -> Wheel {
    Wheel::new("tea", "1.0")
        .file("tea/__init__.py", b"import os\nos.system('x')\n")
        .file("tea/a.py", b"x = 1\n")
}

#[tokio::test]
async fn whoever_does_not_know_the_token_gets_nothing() {
    let site = Site::new(whole(&tea()));
    assert_eq!(site.get("").await.0, StatusCode::OK);
    let refused = |builder: axum::http::request::Builder| {
        let request = builder.body(Body::empty()).unwrap();
        async {
            let response = site.ask(request).await;
            assert_eq!(
                response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
                "http://127.0.0.1:4711"
            );
            (response.status().as_u16(), text(response).await)
        }
    };
    let code = |answer: (u16, String)| {
        let value: serde_json::Value = serde_json::from_str(&answer.1).unwrap();
        assert_eq!(answer.0, 403);
        value["code"].as_str().unwrap().to_owned()
    };
    let get = |host: &str| Request::builder().uri(inside("")).header(header::HOST, host.to_owned());
    // The wrong token, in every form.
    for path in ["/", "/x/", "/file/1", "/07/", &format!("/{}/file/1", "08".repeat(32))] {
        let answer = refused(request("GET", path)).await;
        assert!(matches!(answer.0, 403 | 404), "{path}: {}", answer.0);
        assert!(!answer.1.contains("tea"), "{path}");
    }
    assert_eq!(code(refused(request("GET", "/x/")).await), "no-token");
    // A name of somebody else that leads here.
    for host in [
        "evil.example.org",
        "evil.example.org:4711",
        "127.0.0.1",
        "127.0.0.1:4712",
        "127.0.0.1:4711.example.org",
    ] {
        assert_eq!(code(refused(get(host)).await), "foreign-host", "{host}");
    }
    assert_eq!(
        code(refused(get("127.0.0.1:4711").header(header::HOST, "x")).await),
        "foreign-host"
    );
    assert_eq!(code(refused(Request::builder().uri(inside(""))).await), "foreign-host");
    assert_eq!(refused(get("localhost:4711")).await.0, 200);
    // A page of the web that asks through the browser.
    for site in ["cross-site", "same-site"] {
        assert_eq!(
            code(refused(get("127.0.0.1:4711").header("sec-fetch-site", site)).await),
            "foreign-site"
        );
    }
    for site in ["none", "same-origin"] {
        assert_eq!(refused(get("127.0.0.1:4711").header("sec-fetch-site", site)).await.0, 200);
    }
    // Buttons are pressed on our page alone.
    let press = || request("POST", &inside("file/1/read"));
    assert_eq!(code(refused(press()).await), "foreign-site");
    for origin in
        ["http://evil.example.org", "null", "https://127.0.0.1:4711", "http://127.0.0.1:80"]
    {
        assert_eq!(
            code(refused(press().header(header::ORIGIN, origin)).await),
            "foreign-site",
            "{origin}"
        );
    }
    assert_eq!(code(refused(press().header("sec-fetch-site", "none")).await), "foreign-site");
    assert_eq!(site.room.marks().progress(&site.room.reading).0, 0, "nothing was marked");
    assert_eq!(refused(press().header(header::ORIGIN, "http://127.0.0.1:4711")).await.0, 303);
}

#[tokio::test]
async fn an_address_that_others_may_see_leads_in_once() {
    let site = Site::new(whole(&tea()));
    let once = |byte: &str| {
        request("GET", &format!("/open/{}", byte.repeat(32))).body(Body::empty()).unwrap()
    };
    assert_eq!(site.ask(once("09")).await.status(), StatusCode::GONE);
    // The token of the page is no ticket.
    assert_eq!(site.ask(once("07")).await.status(), StatusCode::GONE);
    let first = site.ask(once("08")).await;
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    assert_eq!(first.headers()[header::LOCATION], inside(""));
    assert_eq!(site.ask(once("08")).await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_page_brings_nothing_from_outside_and_runs_nothing_of_others() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=y>'`\u{202e}\u{1b}[31m";
    let wheel = tea()
        .file(&format!("tea/{}.py", "<img src=x onerror=y>".replace('/', "")), evil.as_bytes())
        .file("tea/evil.py", format!("x = '''{evil}'''\nopen('/home/<b>/.ssh/id')\n").as_bytes());
    let site = Site::new(whole(&wheel));
    let mut all = site.get("").await.1;
    all += &site.get("?order=folder").await.1;
    for number in 1..=site.room.reading.pages.len() {
        let (status, page) = site.get(&format!("file/{number}")).await;
        assert_eq!(status, StatusCode::OK);
        all += &page;
    }
    assert!(all.contains("&#60;script&#62;alert(1)") || all.contains("&lt;script&gt;alert(1)"));
    for bad in [
        "<script>alert",
        "<img",
        "onerror=y>'",
        "\u{202e}",
        "\u{1b}",
        "http://",
        "https://",
        "src=\"",
        "<b>/",
    ] {
        assert!(!all.contains(bad), "{bad:?}");
    }
    let response = site.ask(request("GET", &inside("")).body(Body::empty()).unwrap()).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(response.headers()[header::REFERRER_POLICY], "same-origin");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    // The digests are those of the style and the script that the page has.
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = text(response).await;
    for (start, end, rule) in
        [("<style>", "</style>", "style-src"), ("<script>", "</script>", "script-src")]
    {
        let body = page.split(start).nth(1).unwrap().split(end).next().unwrap();
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(body));
        assert!(policy.contains(&format!("{rule} 'sha256-{digest}'")), "{rule}");
    }
}

#[tokio::test]
async fn what_was_read_is_kept_and_the_next_file_follows() {
    let site = Site::new(whole(&tea()));
    let all = site.room.reading.pages.len();
    assert!(site.get("").await.1.contains(&format!("0 of {all} files read")));
    assert_eq!(site.post("file/1/read").await, inside("file/2"));
    assert_eq!(site.post("file/2/read?order=folder").await.split('?').nth(1), Some("order=folder"));
    assert!(site.get("").await.1.contains(&format!("2 of {all} files read")));
    assert!(site.get("file/1").await.1.contains("Not read</button>"));
    // Another run over the same bytes still knows.
    let again = Marks::open(site.state.path(), &site.room.reading);
    assert_eq!(again.progress(&site.room.reading).0, 2);
    assert_eq!(site.post("file/1/unread").await, inside("file/1"));
    assert!(site.get("").await.1.contains(&format!("1 of {all} files read")));
    let mut last = String::new();
    for number in 1..=all {
        last = site.post(&format!("file/{number}/read")).await;
    }
    assert_eq!(last, inside(""), "all are read, so back to the list");
    assert!(!site.get("").await.1.contains("Go on"));
}

#[tokio::test]
async fn numbers_that_are_no_files_are_answered() {
    let site = Site::new(whole(&tea()));
    for number in
        ["0", "99999", "-1", "x", "1%2F..", "..%2f..%2fetc%2fpasswd", "18446744073709551616"]
    {
        let (status, page) = site.get(&format!("file/{number}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{number}");
        assert!(!page.contains("passwd"));
    }
    for query in [
        "?part=99999",
        "?part=x",
        "?from=99999999999999999999",
        "?order=x&context=y&part=0",
        "?part=%ff",
    ] {
        assert_eq!(site.get(&format!("file/1{query}")).await.0, StatusCode::OK, "{query}");
        assert_eq!(site.get(query).await.0, StatusCode::OK, "{query}");
    }
    assert_eq!(site.get("help").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_difference_is_shown_side_by_side() {
    let middle = "y = 2\n".repeat(40);
    let old = Wheel::new("tea", "1.0").file("tea/a.py", format!("x = 1\n{middle}").as_bytes());
    let new = Wheel::new("tea", "1.1")
        .file("tea/a.py", format!("x = eval('1')\n{middle}").as_bytes())
        .file("tea/fast.so", b"\x7fELF\x02\x01\x01\0");
    let site = Site::new(difference(&old, &new));
    let list = site.get("").await.1;
    assert!(list.find("tea/fast.so").unwrap() < list.find("tea/a.py").unwrap());
    let number =
        site.room.reading.pages.iter().position(|page| page.path == "tea/a.py").unwrap() + 1;
    let page = site.get(&format!("file/{number}")).await.1;
    assert!(page.contains("<del>x = 1</del>"), "{page}");
    assert!(page.contains("<ins>x = eval(&#39;1&#39;)</ins>"), "{page}");
    assert!(page.contains("first · execute: `eval`, when it is imported"));
    assert!(page.contains("35 lines that did not change"));
    let whole = site.get(&format!("file/{number}?context=whole")).await.1;
    assert!(!whole.contains("did not change"));
    assert_eq!(whole.matches("<tr class=\"same\">").count(), 40);
}

#[tokio::test]
async fn huge_files_come_in_parts_and_many_files_in_lists() {
    let mut text = String::new();
    for line in 0..10_000 {
        let _ = writeln!(text, "x{line} = 1");
    }
    let mut wheel = Wheel::new("tea", "1.0").file("tea/long.py", text.as_bytes());
    for number in 0..3000 {
        wheel = wheel.file(&format!("tea/m{number:04}.py"), b"x = 1\n");
    }
    wheel =
        wheel.file("tea/wide.py", &vec![b'a'; 3 << 20]).file("tea/wider.py", &vec![b'a'; 5 << 20]);
    let site = Site::new(whole(&wheel));
    let number =
        |path: &str| site.room.reading.pages.iter().position(|page| page.path == path).unwrap() + 1;
    let long = number("tea/long.py");
    let first = site.get(&format!("file/{long}")).await.1;
    assert_eq!(first.matches("<tr class=\"same\">").count(), 4000);
    let last = site.get(&format!("file/{long}?part=3")).await.1;
    assert_eq!(last.matches("<tr class=\"same\">").count(), 2000);
    assert!(last.contains("x9999 = 1") && last.contains("<b>Part 3 of 3</b>"));
    for path in ["tea/wide.py", "tea/wider.py"] {
        let page = site.get(&format!("file/{}", number(path))).await.1;
        assert!(page.len() < 200_000, "{path}: {}", page.len());
    }
    assert!(
        site.get(&format!("file/{}", number("tea/wide.py")))
            .await
            .1
            .contains("which are not shown")
    );
    assert!(
        site.get(&format!("file/{}", number("tea/wider.py"))).await.1.contains("it is not shown")
    );
    let list = site.get("").await.1;
    assert_eq!(list.matches("<li class=").count(), 400);
    let all = site.room.reading.pages.len();
    assert_eq!(site.get(&format!("?from={}", all - 5)).await.1.matches("<li class=").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_reads() {
    let site = Site::new(whole(&tea()));
    let idle = Duration::from_secs(600);
    let waiting = tokio::spawn({
        let room = Arc::clone(&site.room);
        async move { nobody(&room, idle).await }
    });
    tokio::time::advance(Duration::from_secs(599)).await;
    site.get("").await;
    tokio::time::advance(Duration::from_secs(599)).await;
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "somebody read");
    // Whoever is refused does not keep it alive.
    let wrong = request("GET", "/x/").body(Body::empty()).unwrap();
    site.ask(wrong).await;
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_button_ends_it() {
    let state = tempfile::tempdir().unwrap();
    let reading = whole(&tea());
    let desk = Desk {
        marks: Marks::open(state.path(), &reading),
        reading,
        title: String::new(),
        by: vec![String::new()],
        next: String::new(),
    };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let listening = |address: &Address| sender.send(address.clone()).unwrap();
    let serving =
        tokio::spawn(serve(desk, Duration::from_secs(600), listening, std::future::pending()));
    let address = receiver.await.unwrap();
    let rest = address.page.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    assert!(host.starts_with("127.0.0.1:"));
    assert_eq!(path.len(), 65, "256 bits and a slash");
    assert!(
        !address.once.contains(path.trim_end_matches('/')),
        "what others may see holds no token"
    );
    let press = |path: String, origin: String| {
        let host = host.to_owned();
        async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
            let head = format!(
                "POST /{path}stop HTTP/1.1\r\nhost: {host}\r\norigin: {origin}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer).await;
            answer
        }
    };
    let refused = press(path.to_owned(), "http://evil.example.org".to_owned()).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    let done = press(path.to_owned(), format!("http://{host}")).await;
    assert!(done.starts_with("HTTP/1.1 200") && done.contains("It has ended"), "{done}");
    assert_eq!(serving.await.unwrap().unwrap(), Ended::Button);
}
