//! The pages and the interface over a real database, asked as a browser asks.

use std::collections::BTreeMap;
use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_tlog::{Frontier, leaf_hash};
use countermark_trust::log::record::{Fields, Observer};
use jiff::SignedDuration;
use tower::ServiceExt as _;

use super::*;
use crate::log::sqlite::{Options, SqliteLog};
use crate::log::store::{Head, LogStore as _, Published, StoreError};
use crate::observe::db::{Alarm, AlarmKind, NewAlarm};

#[derive(Debug)]
struct OneProof;

#[async_trait::async_trait]
impl Proofs for OneProof {
    fn signers(&self) -> Signers {
        let (keys, witnesses) = (["log.example.org+00000000+AAAA"], ["w.example.org"]);
        Signers {
            keys: keys.map(str::to_owned).into(),
            witnesses: witnesses.map(str::to_owned).into(),
        }
    }

    async fn proof(&self, index: u64) -> Result<Option<String>, Unreadable> {
        Ok((index == 0).then(|| "c2sp.org/tlog-proof@v1\n".to_owned()))
    }
}

/// Somebody whose repository is called what a page must not run.
#[derive(Debug)]
struct Hostile;

#[async_trait::async_trait]
impl library::Pins for Hostile {
    async fn of_files(
        &self,
        files: &[String],
        _: usize,
    ) -> Result<BTreeMap<String, Vec<view::PinnedIn>>, StoreError> {
        let pin = view::PinnedIn {
            digest: Digest::new(Algorithm::Sha256, &[9; 32]).unwrap(),
            repository: "<script>alert(1)</script>\u{1b}[31m".to_owned(),
            path: "\"><img src=x onerror=y>".to_owned(),
            since: Some(noon()),
        };
        Ok(files.iter().map(|it| (it.clone(), vec![pin.clone()])).collect())
    }

    async fn of_digest(&self, _: &Digest, _: usize) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn alarms(&self, after: i64, _: usize) -> Result<Vec<Alarm>, StoreError> {
        let alarm = |id, kind| Alarm {
            id,
            alarm: NewAlarm {
                name: format!("{id}"),
                kind,
                project: ProjectName::parse("mug").unwrap(),
                file: "mug-1.0.tar.gz".to_owned(),
                evidence: "{\"where\": \"<script>\"}".to_owned(),
                at: noon(),
            },
        };
        let all = [alarm(1, AlarmKind::Equivocation), alarm(2, AlarmKind::TwoDigests)];
        Ok(all.into_iter().filter(|it| it.id > after).collect())
    }

    async fn alarms_of(&self, _: &ProjectName, _: usize) -> Result<Vec<Alarm>, StoreError> {
        self.alarms(0, 9).await
    }
}

fn noon() -> Timestamp {
    "2026-05-06T12:00:00Z".parse().unwrap()
}

fn record(
    project: &str,
    file: &str,
    content: u8,
    observer: &str,
) -> countermark_trust::log::record::Observation {
    countermark_trust::log::record::Observation::new(Fields {
        project: ProjectName::parse(project).unwrap(),
        file: file.to_owned(),
        digest: Digest::new(Algorithm::Sha256, &[content; 32]).unwrap(),
        size: Some(7),
        uploaded: Some("2026-05-01T00:00:00Z".parse().unwrap()),
        observer: Observer::parse(observer).unwrap(),
        first_seen: "2026-05-02T00:00:00Z".parse().unwrap(),
    })
    .unwrap()
}

async fn site(folder: &Path) -> Router {
    site_with(folder, false).await
}

async fn site_with(folder: &Path, pinned: bool) -> Router {
    let log = SqliteLog::open(&folder.join("log.sqlite"), Options::default()).unwrap();
    let records = vec![
        record("teapot", "teapot-1.0.tar.gz", 1, "index:example.org/a"),
        record("teapot", "teapot-1.0-py3-none-any.whl", 2, "index:example.org/a"),
        record("teapot", "teapot-1.10.tar.gz", 3, "distribution:gentoo"),
        record("kettle", "kettle-2.0.tar.gz", 4, "index:example.org/a"),
        record("kettle", "kettle-2.0.tar.gz", 5, "index:example.org/b"),
        record("mug", "mug-1.0.tar.gz", 6, "index:example.org/a"),
    ];
    let mut tree = Frontier::default();
    for record in &records {
        tree.append(leaf_hash(record.text().as_bytes()), &mut |_, _, _| {});
    }
    log.submit(records, noon()).await.unwrap();
    let lease = log.lead("test", noon(), SignedDuration::from_secs(9)).await.unwrap().unwrap();
    let pending = log.pending(10).await.unwrap();
    let ids: Vec<i64> = pending.iter().map(|it| it.id).collect();
    let from = log.head().await.unwrap();
    let to = Head { size: tree.size(), root: tree.root(), at: noon() };
    log.commit(&lease, &from, &ids, &to).await.unwrap();
    let note = "log.example.org\n6\nAA==\n\n\u{2014} log.example.org AAAA\n".to_owned();
    log.publish(&Published { size: 6, at: noon(), note }).await.unwrap();
    routes(Web {
        library: Library {
            log: Arc::new(log),
            pins: pinned.then(|| Arc::new(Hostile) as Arc<dyn library::Pins>),
        },
        proofs: Arc::new(OneProof),
        about: About { origin: "log.example.org".to_owned(), url: None },
        now: noon,
    })
}

async fn ask(site: &Router, path: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = site.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    if kind.starts_with("text/html") {
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    }
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_page_tells_what_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let digest = format!("/digest/sha256:{}", "04".repeat(32));
    let cases: &[(&str, u16, &[&str])] = &[
        (
            "/",
            200,
            &[
                "<b>6</b> records",
                "<b>3</b> projects",
                "<b>1</b> alarm<",
                "kettle-2.0.tar.gz was seen with two digests",
            ],
        ),
        ("/search?q=tea", 200, &["href=\"/project/teapot\""]),
        (
            "/search?q=samovar",
            200,
            &["Nobody has seen or pinned", "says nothing about the project"],
        ),
        ("/search?q=teapot-1.0.tar.gz", 200, &["href=\"/file/teapot-1.0.tar.gz\""]),
        ("/search", 200, &["Type the name"]),
        (
            "/project/teapot",
            200,
            &["2 releases, 3 files", "/project/teapot/1.10", "/project/teapot/1.0"],
        ),
        ("/project/samovar", 404, &["No observer has seen a file of `samovar`"]),
        ("/project/-bad-", 400, &["This cannot be asked"]),
        ("/project/teapot/1.0", 200, &["2 files", "One digest, seen by 1 observer", "entry 0"]),
        ("/project/teapot/9", 404, &["No observer has seen a file"]),
        ("/project/teapot/nine", 400, &["is no version"]),
        (
            "/file/kettle-2.0.tar.gz",
            200,
            &["Seen with two digests", "index:example.org/b", "class=\"differs\""],
        ),
        ("/file/nothing.tar.gz", 404, &["Nobody has seen or pinned"]),
        (&digest, 200, &["kettle-2.0.tar.gz", "index:example.org/a"]),
        ("/digest/md5", 400, &["This cannot be asked"]),
        ("/alarms", 200, &["/alarms/1"]),
        ("/alarms/1", 200, &["index:example.org/a", "index:example.org/b", "Evidence"]),
        ("/alarms/2", 404, &["There is no alarm `2`"]),
        ("/alarms/x", 404, &["There is no alarm `x`"]),
        (
            "/log",
            200,
            &["log.example.org+00000000+AAAA", "not on this checkpoint", "<svg", "[policy.log]"],
        ),
        ("/proof/1.tlog-proof", 404, &["There is no proof"]),
        ("/proof/0", 404, &["There is no proof"]),
    ];
    for (path, status, texts) in cases {
        let (found, kind, body) = ask(&site, path).await;
        assert_eq!(found.as_u16(), *status, "{path}: {body}");
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        let body = body.replace("&#96;", "`");
        for text in *texts {
            assert!(body.contains(text), "{path}: {text}\n{body}");
        }
    }
}

#[tokio::test]
async fn names_of_others_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let site = site_with(folder.path(), true).await;
    let paths = [
        "/file/mug-1.0.tar.gz",
        "/project/mug/1.0",
        "/search?q=%3Cscript%3E.x",
        "/file/%3Cscript%3E",
    ];
    for path in paths {
        let (_, _, body) = ask(&site, path).await;
        for text in ["<script", "<img", "\u{1b}"] {
            assert!(!body.contains(text), "{path}: {body}");
        }
    }
    // Of the observatory's alarms, those that the log has itself are not told twice.
    let (_, _, body) = ask(&site, "/alarms").await;
    assert!(body.contains("/alarms/o2") && !body.contains("/alarms/o1"), "{body}");
    let (status, _, body) = ask(&site, "/alarms/o2").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("where") && !body.contains("<script"), "{body}");
    assert_eq!(ask(&site, "/alarms/o1").await.0, StatusCode::NOT_FOUND);
    let (_, _, body) = ask(&site, paths[0]).await;
    assert!(body.contains("another digest"), "{body}");
    assert!(body.contains("1 of 1 lock said otherwise"), "{body}");
}

#[tokio::test]
async fn another_spelling_leads_to_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let request = Request::get("/project/TeaPot").body(Body::empty()).unwrap();
    let answer = site.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()[header::LOCATION], "/project/teapot");
}

#[tokio::test]
async fn the_newest_release_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let (_, _, body) = ask(&site, "/api/v1/projects/teapot").await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    let releases: Vec<&str> = document["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["release"].as_str().unwrap())
        .collect();
    assert_eq!(releases, ["1.10", "1.0"]);
}

/// Every answer of the interface is what its description says, and nothing more.
#[tokio::test]
async fn answers_are_as_described() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let (_, _, description) = ask(&site, "/api/v1/openapi.json").await;
    let description: serde_json::Value = serde_json::from_str(&description).unwrap();
    let digest = format!("/api/v1/digests/sha256:{}", "04".repeat(32));
    let asked = [
        ("Search", "/api/v1/search?q=teapot"),
        ("Project", "/api/v1/projects/teapot"),
        ("Release", "/api/v1/projects/kettle/2.0"),
        ("File", "/api/v1/files/kettle-2.0.tar.gz"),
        ("Digest", digest.as_str()),
        ("Alarms", "/api/v1/alarms"),
        ("Log", "/api/v1/log"),
        ("Problem", "/api/v1/projects/samovar"),
        ("Problem", "/api/v1/search"),
        ("Problem", "/api/v1/digests/nothing"),
    ];
    for (name, path) in asked {
        let (_, kind, body) = ask(&site, path).await;
        assert!(kind.contains("json"), "{path}: {kind}");
        let mut schema = serde_json::json!({ "$ref": format!("#/components/schemas/{name}") });
        schema["components"] = description["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(validator.is_valid(&answer), "{path}: {body}");
        let described = &description["components"]["schemas"][name]["properties"];
        if name != "Problem" {
            let extra: Vec<_> = answer
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| described.get(key).is_none())
                .cloned()
                .collect();
            assert_eq!(extra, Vec::<String>::new(), "{path}");
        }
        // The description can say no.
        answer.as_object_mut().unwrap().clear();
        assert!(!validator.is_valid(&answer), "{path}");
    }
    // And every described path is one of the router.
    for path in description["paths"].as_object().unwrap().keys() {
        let path = path
            .replace("{project}", "teapot")
            .replace("{release}", "1.0")
            .replace("{file}", "teapot-1.0.tar.gz")
            .replace("{digest}", &format!("sha256:{}", "01".repeat(32)));
        let (status, _, body) = ask(&site, &format!("{path}?q=teapot")).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
    }
}

#[tokio::test]
async fn feeds_are_well_formed_and_keep_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    for (path, id) in [
        ("/alarms.atom", "tag:log.example.org,2026:countermark::/alarms.atom#1"),
        (
            "/project/teapot/feed.atom",
            "tag:log.example.org,2026:countermark::/project/teapot/feed.atom#2",
        ),
    ] {
        let (status, kind, body) = ask(&site, path).await;
        assert_eq!(
            (status, kind.as_str()),
            (StatusCode::OK, "application/atom+xml; charset=utf-8")
        );
        assert!(body.contains(&format!("<id>{id}</id>")), "{body}");
        let mut reader = quick_xml::Reader::from_str(&body);
        while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    }
}

#[tokio::test]
async fn a_proof_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let (status, kind, body) = ask(&site, "/proof/0.tlog-proof").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(kind, "text/plain; charset=utf-8");
    assert!(body.starts_with("c2sp.org/tlog-proof@v1\n"));
}
